/* http_test.c - the unit tests of lib/http.h. Prints TAP; exits 0 if all
 * passed. Each request is given whole, and byte by byte in a buffer that moves
 * and holds nothing else: a sanitizer then sees who reads beyond it.
 */
#define _POSIX_C_SOURCE 200809L

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "frame.h"
#include "http.h"

/* A copy of n bytes, with nothing before and behind it. */
static char *copy(const char *from, size_t n)
{
    char *to = malloc(n > 0 ? n : 1);

    if (to == NULL)
        exit(1);
    memcpy(to, from, n);
    return to;
}

/* ---- Heads -------------------------------------------------------------- */

static bool same_text(struct http_text a, struct http_text b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static bool same_request(const struct http_request *a,
                         const struct http_request *b)
{
    return a->size == b->size && a->minor == b->minor &&
           a->keep_alive == b->keep_alive && a->has_body == b->has_body &&
           a->expects_continue == b->expects_continue &&
           same_text(a->line, b->line) && same_text(a->method, b->method) &&
           same_text(a->target, b->target);
}

/* What http_head() returns for text, which must not depend on how it comes. */
static int head_of(struct http_request *r, const char *text, size_t n)
{
    struct http_request slow = { 0 };
    char *bytes = NULL;
    int status = 0;

    *r = (struct http_request){ 0 };
    int whole = http_head(r, text, n);
    for (size_t i = 0; i <= n && status == 0; i++) {
        free(bytes);
        bytes = copy(text, i);
        status = http_head(&slow, bytes, i);
    }
    if (status != whole)
        printf("# %d, byte by byte %d\n", whole, status);
    if (whole == 200 && !same_request(r, &slow)) {
        printf("# another request when it comes byte by byte\n");
        status = -1;
    }
    free(bytes);
    return status == whole ? whole : -1;
}

static void expect(int status, const char *text, int line)
{
    struct http_request r;
    int got = head_of(&r, text, strlen(text));

    if (got == status)
        return;
    printf("# line %d: got %d for %.60s\n", line, got, text);
    nfailed++;
}

#define EXPECT(status, text) expect((status), (text), __LINE__)
#define HOST "Host: a\r\n"
/* A whole 1.1 request with these fields. */
#define WITH(fields) "GET / HTTP/1.1\r\n" HOST fields "\r\n"

static void test_whole(void)
{
    struct http_request r;
    const char *text = "GET /a%20b?c HTTP/1.1\r\nHost: a\r\n\r\nGET";

    CHECK(head_of(&r, text, strlen(text)) == 200);
    CHECK(http_is(r.method, "GET") && http_is(r.target, "/a%20b?c"));
    CHECK(http_is(r.line, "GET /a%20b?c HTTP/1.1"));
    CHECK(r.size == strlen(text) - 3 && r.minor == 1);
    CHECK(r.keep_alive && !r.has_body && !r.expects_continue);
    CHECK(!http_is(r.method, "GE") && !http_is(r.method, "GETT"));
    CHECK(!http_is(r.method, "get"));
}

static void test_not_whole(void)
{
    EXPECT(0, "");
    EXPECT(0, "\r\n\r\n");
    EXPECT(0, "GET / HTTP/1.1\r\nHost: a\r\n");
    EXPECT(0, "GET / HTTP/1.1\r\nHost: a\r\n\r");
    EXPECT(0, "GET");
}

static void test_line_ends(void)
{
    struct http_request r;
    const char *text = "\r\n\n\r\nGET / HTTP/1.0\nA: b\n\r\nmore";

    CHECK(head_of(&r, text, strlen(text)) == 200);
    CHECK(r.size == strlen(text) - 4);
    CHECK(http_is(http_field(&r, "a"), "b"));
    EXPECT(200, "GET / HTTP/1.1\nHost: a\n\n");
    EXPECT(400, "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n");
    EXPECT(400, "GET / HTTP/1.1\rHost: a\r\n\r\n");
    EXPECT(400, WITH("A: b\rC: d\r\n"));
    EXPECT(400, WITH("A: b\r\r\n"));
    EXPECT(400, WITH("\r\r\n"));
}

static void test_request_lines(void)
{
    EXPECT(400, "GET\r\n");
    EXPECT(400, "GET /\r\n");
    EXPECT(400, "GET  / HTTP/1.1\r\n");
    EXPECT(400, "GET /  HTTP/1.1\r\n");
    EXPECT(400, "GET / HTTP/1.1 \r\n");
    EXPECT(400, " GET / HTTP/1.1\r\n");
    EXPECT(400, "GET\t/\tHTTP/1.1\r\n");
    EXPECT(400, "GET /a b HTTP/1.1\r\n");
    EXPECT(400, "G@T / HTTP/1.1\r\n");
    EXPECT(400, "GET a HTTP/1.1\r\n");
    EXPECT(400, "GET * HTTP/1.1\r\n");
    EXPECT(400, "GET /\x01 HTTP/1.1\r\n");
    EXPECT(400, "GET /\x7f HTTP/1.1\r\n");
    EXPECT(400, "GET ftp://a/ HTTP/1.1\r\n");
    EXPECT(400, "GET http:// HTTP/1.1\r\n");
    EXPECT(200, "GET http://a/b HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT(200, "GET HTTPS://a HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT(200, "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT(200, "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT(200, "M-SEARCH /\xc3\xbc HTTP/1.1\r\nHost: a\r\n\r\n");
}

static void test_versions(void)
{
    EXPECT(505, "GET / HTTP/2.0\r\n");
    EXPECT(505, "PRI * HTTP/2.0\r\n");
    EXPECT(505, "GET / HTTP/0.9\r\n");
    EXPECT(400, "GET / HTTP/1.10\r\n");
    EXPECT(400, "GET / HTTP/11\r\n");
    EXPECT(400, "GET / HTTP/1,1\r\n");
    EXPECT(400, "GET / HTTP/x.1\r\n");
    EXPECT(400, "GET / http/1.1\r\n");
    EXPECT(400, "GET / ICY/1.1\r\n");
    EXPECT(200, "GET / HTTP/1.0\r\n\r\n");
    EXPECT(200, "GET / HTTP/1.9\r\nHost: a\r\n\r\n");
}

static void test_hosts(void)
{
    EXPECT(400, "GET / HTTP/1.1\r\n\r\n");
    EXPECT(400, WITH("Host: a\r\n"));
    EXPECT(400, "GET / HTTP/1.0\r\nHost: a\r\nhost: b\r\n\r\n");
    EXPECT(400, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n");
    EXPECT(400, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n");
    EXPECT(400, "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n");
    EXPECT(200, "GET / HTTP/1.1\r\nHOST:[::1]:8000\r\n\r\n");
    EXPECT(200, "GET / HTTP/1.1\r\nHost:\r\n\r\n");
    EXPECT(200, "GET / HTTP/1.1\r\nHost: \t a_b.c:80 \t\r\n\r\n");
}

static void test_fields(void)
{
    EXPECT(400, WITH("no colon\r\n"));
    EXPECT(400, WITH(": no name\r\n"));
    EXPECT(400, WITH("A : b\r\n"));
    EXPECT(400, WITH("A\t: b\r\n"));
    EXPECT(400, WITH(" A: b\r\n"));
    EXPECT(400, WITH("A: b\r\n c\r\n"));
    EXPECT(400, WITH("A: b\r\n\tc: d\r\n"));
    EXPECT(400, WITH("A(: b\r\n"));
    EXPECT(400, WITH("A: \x01\r\n"));
    EXPECT(400, WITH("A: \x7f\r\n"));
    EXPECT(400, WITH(" \r\n"));
    EXPECT(200, WITH("A: b\tc \xff\r\nB:\r\nC:d:e\r\n"));
}

static void test_nuls(void)
{
    static const char *const texts[] = {
        "GET /# HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET#/ HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1#\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a#\r\n\r\n",
        "GET / HTTP/1.1\r\nHo#st: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nA: #\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n#\r\n\r\n",
        "#GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    };
    struct http_request r;

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        size_t n = strlen(texts[i]);
        char *bytes = copy(texts[i], n);
        *(char *)memchr(bytes, '#', n) = '\0';
        check(head_of(&r, bytes, n) == 400, "a NUL is 400", __LINE__, texts[i]);
        free(bytes);
    }
}

static void test_lookup(void)
{
    struct http_request r;
    const char *text = WITH("Range:  bytes=0-1 \t\r\nrange: 2\r\nEmpty:\r\n");

    CHECK(head_of(&r, text, strlen(text)) == 200);
    CHECK(http_is(http_field(&r, "RANGE"), "bytes=0-1"));
    CHECK(http_is(http_field(&r, "host"), "a"));
    CHECK(http_field(&r, "empty").at != NULL);
    CHECK(http_field(&r, "empty").len == 0);
    CHECK(http_field(&r, "Rang").at == NULL);
    CHECK(http_field(&r, "GET / HTTP/1.1").at == NULL);
}

static void test_lengths(void)
{
    struct http_request r;

    EXPECT(200, WITH("Content-Length: 5\r\n"));
    EXPECT(200, WITH("content-length:00005\r\n"));
    EXPECT(400, WITH("Content-Length: 5\r\nContent-Length: 6\r\n"));
    EXPECT(400, WITH("Content-Length: 5\r\nContent-Length: 5\r\n"));
    EXPECT(400, WITH("Content-Length: 5, 5\r\n"));
    EXPECT(400, WITH("Content-Length: 5,\r\n"));
    EXPECT(400, WITH("Content-Length: +5\r\n"));
    EXPECT(400, WITH("Content-Length: -5\r\n"));
    EXPECT(400, WITH("Content-Length: 0x5\r\n"));
    EXPECT(400, WITH("Content-Length: 5 5\r\n"));
    EXPECT(400, WITH("Content-Length:\r\n"));
    EXPECT(400, WITH("Content-Length: 18446744073709551621\r\n"));
    EXPECT(400, WITH("Content-Length : 5\r\n"));
    const char *text = WITH("Content-Length: 0\r\n");
    CHECK(head_of(&r, text, strlen(text)) == 200 && !r.has_body);
    text = WITH("Content-Length: 999999999999999999\r\n");
    CHECK(head_of(&r, text, strlen(text)) == 200 && r.has_body);
}

static void test_codings(void)
{
    EXPECT(200, WITH("Transfer-Encoding: chunked\r\n"));
    EXPECT(200, WITH("transfer-encoding:,Chunked ,\r\n"));
    EXPECT(501, WITH("Transfer-Encoding: gzip\r\n"));
    EXPECT(501, WITH("Transfer-Encoding: gzip, chunked\r\n"));
    EXPECT(501, WITH("Transfer-Encoding: gzip\r\n"
                     "Transfer-Encoding: chunked\r\n"));
    EXPECT(501, WITH("Transfer-Encoding: identity\r\n"));
    EXPECT(501, WITH("Transfer-Encoding: xchunked\r\n"));
    EXPECT(501, WITH("Transfer-Encoding: chunked;a=b\r\n"));
    EXPECT(501, WITH("Transfer-Encoding: \"chunked\"\r\n"));
    EXPECT(400, WITH("Transfer-Encoding: chunked, gzip\r\n"));
    EXPECT(400, WITH("Transfer-Encoding: chunked, chunked\r\n"));
    EXPECT(400, WITH("Transfer-Encoding: chunked\r\n"
                     "Transfer-Encoding: identity\r\n"));
    EXPECT(400, WITH("Transfer-Encoding:\r\n"));
    EXPECT(400, WITH("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"));
    EXPECT(400, WITH("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n"));
    EXPECT(400, WITH("Content-Length: 5\r\nTransfer-Encoding: gzip\r\n"));
    EXPECT(400, WITH("Transfer-Encoding : chunked\r\n"));
    EXPECT(400, WITH("Transfer-Encoding: \vchunked\r\n"));
    EXPECT(400, "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n");
}

static bool stays(const char *text)
{
    struct http_request r;

    CHECK(head_of(&r, text, strlen(text)) == 200);
    return r.keep_alive;
}

static void test_keep_alive(void)
{
    CHECK(stays(WITH("")));
    CHECK(!stays(WITH("Connection: close\r\n")));
    CHECK(!stays(WITH("connection: Upgrade , CLOSE\r\n")));
    CHECK(!stays(WITH("Connection: x\r\nConnection: close\r\n")));
    CHECK(!stays(WITH("Connection: keep-alive, close\r\n")));
    CHECK(stays(WITH("Connection: closed, enclose\r\n")));
    CHECK(stays(WITH("Connection: Upgrade\r\n")));
    CHECK(!stays("GET / HTTP/1.0\r\n\r\n"));
    CHECK(stays("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"));
    CHECK(stays("GET / HTTP/1.0\r\nConnection: x,keep-alive\r\n\r\n"));
    CHECK(!stays("GET / HTTP/1.0\r\nConnection: keep-alive,close\r\n\r\n"));
}

static bool waits(const char *text)
{
    struct http_request r;

    CHECK(head_of(&r, text, strlen(text)) == 200);
    return r.expects_continue;
}

static void test_continue(void)
{
    CHECK(waits(WITH("Expect: 100-Continue\r\nContent-Length: 5\r\n")));
    CHECK(waits(WITH("Expect: 100-continue\r\n"
                     "Transfer-Encoding: chunked\r\n")));
    CHECK(!waits(WITH("Expect: 100-continue\r\n")));
    CHECK(!waits(WITH("Content-Length: 5\r\n")));
    CHECK(!waits(WITH("Expect: 200-ok\r\nContent-Length: 5\r\n")));
    CHECK(!waits("POST / HTTP/1.0\r\nExpect: 100-continue\r\n"
                 "Content-Length: 5\r\n\r\n"));
}

/* A head of nlines lines; the first is of len bytes. Not ended, but each line
 * is. Returns its length. */
static size_t long_head(char *text, int nlines, size_t len, const char *end)
{
    size_t n = len;

    memcpy(text, "GET /", 5);
    memset(text + 5, 'a', len - 5);
    memcpy(text + len - 9, " HTTP/1.0", 9);
    while (nlines-- > 1) {
        memcpy(text + n, "\r\nX: y", 6);
        n += 6;
    }
    memcpy(text + n, end, strlen(end));
    return n + strlen(end);
}

static int long_status(int nlines, size_t len, const char *end)
{
    static char text[20000];
    struct http_request r;
    size_t n = long_head(text, nlines, len, end);

    return head_of(&r, text, n);
}

static void test_limits(void)
{
    static char text[20000];
    struct http_request r;

    CHECK(long_status(1, 8192, "\r\n\r\n") == 200);
    CHECK(long_status(1, 8192, "\n\n") == 200);
    CHECK(long_status(1, 8192, "\r") == 0);
    CHECK(long_status(1, 8193, "") == 431);
    CHECK(long_status(1, 8193, "\r\n\r\n") == 431);
    CHECK(long_status(1, 8192, "x") == 431);
    CHECK(long_status(99, 20, "\r\n\r\n") == 200);
    CHECK(long_status(100, 20, "\r\n") == 0);
    CHECK(long_status(101, 20, "\r\n") == 431);
    memset(text, 'x', sizeof text);
    CHECK(http_head((r = (struct http_request){ 0 }, &r), text,
                    sizeof text) == 431);
    memset(text, '\n', sizeof text);
    CHECK(http_head((r = (struct http_request){ 0 }, &r), text,
                    sizeof text) == 431);
}

/* ---- Bodies ------------------------------------------------------------- */

#define CHUNKED "Transfer-Encoding: chunked\r\n"

/* Skips text in pieces of a size. Returns the status; *left: what it left. */
static int skip_pieces(const char *fields, const char *text, size_t n,
                       size_t piece, size_t *left)
{
    char head[256];
    struct http_request r = { 0 };
    size_t at = 0, used = 0;
    int status = 0;

    snprintf(head, sizeof head, WITH("%s"), fields);
    CHECK(http_head(&r, head, strlen(head)) == 200);
    while (status == 0 && at < n) {
        size_t len = n - at < piece ? n - at : piece;
        char *bytes = copy(text + at, len);
        status = http_skip(&r, bytes, len, &used);
        free(bytes);
        CHECK(used <= len && (status != 0 || used == len));
        at += used;
    }
    *left = n - at;
    return status;
}

/* The same in pieces of all sizes that matter. */
static int skip(const char *fields, const char *text, size_t *left)
{
    size_t n = strlen(text), other = 0;
    int status = skip_pieces(fields, text, n, n + 1, left);

    for (size_t piece = 1; piece < 7; piece++)
        if (skip_pieces(fields, text, n, piece, &other) != status ||
            other != *left)
            return -1;
    return status;
}

static void test_body(void)
{
    size_t left = 0;

    CHECK(skip("Content-Length: 5\r\n", "helloGET", &left) == 200 && left == 3);
    CHECK(skip("Content-Length: 5\r\n", "hello", &left) == 200 && left == 0);
    CHECK(skip("Content-Length: 5\r\n", "hell", &left) == 0 && left == 0);
    CHECK(skip("", "GET", &left) == 200 && left == 3);
    CHECK(skip("Content-Length: 1048577\r\n", "x", &left) == 413);
    CHECK(skip("Content-Length: 1048576\r\n", "x", &left) == 0);
}

static void test_chunks(void)
{
    size_t left = 0;

    CHECK(skip(CHUNKED, "0\r\n\r\nGET", &left) == 200 && left == 3);
    CHECK(skip(CHUNKED, "5\r\nhello\r\n00\r\n\r\n", &left) == 200);
    CHECK(skip(CHUNKED, "aF;x=\"y\"\r\n", &left) == 0);
    CHECK(skip(CHUNKED, "1;\tx\r\n0\r\n1\r\n\r\r\n0\r\n\r\nX", &left) == 200);
    CHECK(left == 1);
    CHECK(skip(CHUNKED, "0\r\nA: b\r\nC: d\r\n\r\nX", &left) == 200);
    CHECK(left == 1);
    CHECK(skip(CHUNKED, "5\r\nhello\r\n0\r\n\r", &left) == 0);
}

static void test_broken_chunks(void)
{
    static const char *const texts[] = {
        "\r\n", "x\r\n", "-1\r\n", "+1\r\n", "0x1\r\n", " 1\r\n", "1 \r\n",
        "1\n", "1\r1", "1;a\nb\r\n", "1\r\naa\r\n", "1\r\na\n", "1\r\na0",
        "0\r\nA: b\n", "0\r\n\n", "0\r\n\rX", "1\r\na\r\n\r\n", ";\r\n",
        "0\r\n\x01", "1;\x01",
    };
    size_t left;

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        check(skip(CHUNKED, texts[i], &left) == 400, "is 400", __LINE__,
              texts[i]);
    CHECK(skip_pieces(CHUNKED, "\0\r\n", 3, 3, &left) == 400);
    CHECK(skip_pieces(CHUNKED, "1\0\r\n", 4, 4, &left) == 400);
}

static void test_long_bodies(void)
{
    static char text[1 << 21];
    size_t left;

    CHECK(skip(CHUNKED, "100001\r\n", &left) == 413);
    CHECK(skip(CHUNKED, "fffffffffffffffffff\r\n", &left) == 413);
    CHECK(skip(CHUNKED, "10000000000000000\r\n", &left) == 413);
    memset(text, '0', sizeof text); /* a size that does not end */
    CHECK(skip_pieces(CHUNKED, text, sizeof text, 4096, &left) == 413);
    CHECK(left > 0);
    memset(text, 'x', sizeof text);
    memcpy(text, "0\r\n", 3); /* a trailer that does not end */
    CHECK(skip_pieces(CHUNKED, text, sizeof text, 4096, &left) == 413);
    for (size_t i = 0; i + 6 <= sizeof text; i += 6)
        memcpy(text + i, "1\r\na\r\n", 6); /* chunks without end */
    CHECK(skip_pieces(CHUNKED, text, sizeof text, 4096, &left) == 413);
}

/* ---- All of it ---------------------------------------------------------- */

int main(void)
{
    static const struct test tests[] = {
        { "a whole head, and what follows it", test_whole },
        { "half a head", test_not_whole },
        { "CR LF, LF, a CR alone, empty lines before", test_line_ends },
        { "request lines", test_request_lines },
        { "versions", test_versions },
        { "Host: once, and well-formed", test_hosts },
        { "names, colons, folds, controls", test_fields },
        { "a NUL nowhere", test_nuls },
        { "a field is found by name", test_lookup },
        { "Content-Length: digits, once", test_lengths },
        { "Transfer-Encoding: chunked, last, alone", test_codings },
        { "Connection: lists, in any case, both versions", test_keep_alive },
        { "Expect: 100-continue", test_continue },
        { "long lines, many lines", test_limits },
        { "a body of a length", test_body },
        { "a body in chunks", test_chunks },
        { "broken chunks", test_broken_chunks },
        { "bodies that are too long", test_long_bodies },
    };

    return run_all(tests, sizeof tests / sizeof tests[0]);
}
