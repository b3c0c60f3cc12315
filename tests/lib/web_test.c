/* web_test.c - the unit tests of lib/web.h. Prints TAP; exits 0 if all passed.
 */
#define _POSIX_C_SOURCE 200809L

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frame.h"
#include "web.h"

static struct http_text text_of(const char *text)
{
    return (struct http_text){ text, strlen(text) };
}

/* ---- Names -------------------------------------------------------------- */

static bool parts(const char *target, const char *path, const char *query)
{
    struct http_text rest = { NULL, 0 };
    struct http_text found = web_path(text_of(target), &rest);

    if (path == NULL)
        return found.at == NULL;
    return http_is(found, path) &&
           (rest.len == 0 ? *query == '\0' : http_is(rest, query));
}

static void test_paths(void)
{
    CHECK(parts("/a%20b?c?d", "/a%20b", "?c?d"));
    CHECK(parts("/", "/", ""));
    CHECK(parts("/a#b?c", "/a", ""));
    CHECK(parts("/a?b#c", "/a", "?b"));
    CHECK(parts("//host/a", "//host/a", ""));
    CHECK(parts("http://host/a?b", "/a", "?b"));
    CHECK(parts("HTTPS://host:1/a", "/a", ""));
    CHECK(parts("http://host", "/", ""));
    CHECK(parts("http://host?a/b", "/", ""));
    CHECK(parts("*", NULL, ""));
    CHECK(parts("host:80", NULL, ""));
    CHECK(parts("", NULL, ""));
    CHECK(http_is(web_path(text_of("/a?b"), NULL), "/a"));
}

static bool decodes(const char *path, const char *expected)
{
    char *out = malloc(strlen(expected) + 1); /* not a byte more */
    bool same = out != NULL &&
                web_decode(text_of(path), out, strlen(expected) + 1) == 0 &&
                strcmp(out, expected) == 0;

    free(out);
    return same;
}

static bool refuses(const char *path)
{
    char out[100];

    return web_decode(text_of(path), out, sizeof out) == -1;
}

static void test_decode(void)
{
    char out[4];

    CHECK(decodes("/a%20b", "/a b"));
    CHECK(decodes("/%41%7e%7E%ff", "/A~~\xff"));
    CHECK(decodes("/%2541", "/%41"));
    CHECK(decodes("/a+b", "/a+b"));
    CHECK(decodes("/%2e%2E%2f", "/../"));
    CHECK(decodes("", ""));
    CHECK(refuses("%") && refuses("%4") && refuses("a%") && refuses("a%4"));
    CHECK(refuses("%zz") && refuses("%4z") && refuses("%z4"));
    CHECK(refuses("%%41") && refuses("% 4") && refuses("%+4"));
    CHECK(refuses("/a%00") && refuses("%00"));
    CHECK(web_decode((struct http_text){ "a\0b", 3 }, out, sizeof out) == -1);
    CHECK(web_decode(text_of("abc"), out, sizeof out) == 0);
    CHECK(web_decode(text_of("abcd"), out, sizeof out) == -1);
    CHECK(web_decode(text_of("%61%61%61%61"), out, sizeof out) == -1);
    CHECK(web_decode(text_of(""), out, 0) == -1);
}

static bool cleans(const char *path, const char *expected)
{
    char *copy = malloc(strlen(path) + 1);
    bool same = false;

    if (copy != NULL) {
        strcpy(copy, path);
        web_clean(copy);
        same = strcmp(copy, expected) == 0;
    }
    free(copy);
    return same;
}

static void test_clean(void)
{
    CHECK(cleans("/", "") && cleans("", "") && cleans("//", ""));
    CHECK(cleans("/a/b", "a/b") && cleans("/a/b/", "a/b/"));
    CHECK(cleans("//a///b//", "a/b/"));
    CHECK(cleans("/./a/./b/.", "a/b/"));
    CHECK(cleans("/..", "") && cleans("/../..", "") && cleans("..", ""));
    CHECK(cleans("/../../etc/passwd", "etc/passwd"));
    CHECK(cleans("/a/../b", "b") && cleans("/a/b/..", "a/"));
    CHECK(cleans("/a/b/../../../c", "c") && cleans("/a/..", ""));
    CHECK(cleans("/a..b/..c/d../...", "a..b/..c/d../..."));
    CHECK(cleans("/.a/.", ".a/"));
    CHECK(cleans("/a/%2e%2e", "a/%2e%2e"));
    CHECK(cleans("/a\\..\\b", "a\\..\\b"));
}

/* What put writes for text. Free it. */
static char *written(void (*put)(FILE *page, const char *text),
                     const char *text)
{
    char *page = NULL;
    size_t n = 0;
    FILE *to = open_memstream(&page, &n);

    if (to == NULL)
        exit(1);
    put(to, text);
    fclose(to);
    return page;
}

static bool writes(void (*put)(FILE *page, const char *text), const char *text,
                   const char *expected)
{
    char *page = written(put, text);
    bool same = strcmp(page, expected) == 0;

    free(page);
    return same;
}

static void test_put(void)
{
    char all[256], back[256], *page;

    CHECK(writes(web_put_html, "<b>&\"'a\xc3\xbc",
                 "&lt;b&gt;&amp;&quot;&#39;a\xc3\xbc"));
    CHECK(writes(web_put_html, "\x1b[2J\n\x7f\xff", "&#27;[2J&#10;&#127;\xff"));
    CHECK(writes(web_put_html, "", ""));
    CHECK(writes(web_put_url, "a b?#%.txt", "a%20b%3F%23%25.txt"));
    CHECK(writes(web_put_url, "A-z_0.9~/x", "A-z_0.9~/x"));
    CHECK(writes(web_put_url, "a:b\"<>&'\n\xff",
                 "a%3Ab%22%3C%3E%26%27%0A%FF"));
    for (int i = 0; i < 255; i++)
        all[i] = (char)(i + 1);
    all[255] = '\0';
    page = written(web_put_url, all);
    CHECK(web_decode(text_of(page), back, sizeof back) == 0);
    CHECK(strcmp(all, back) == 0);
    free(page);
}

/* ---- Ranges ------------------------------------------------------------- */

static bool part(const char *value, long long size, long long first,
                 long long last)
{
    long long from = -9, to = -9;

    return web_range(text_of(value), size, &from, &to) == 206 &&
           from == first && to == last;
}

static int range_status(const char *value, long long size)
{
    long long from, to;

    return web_range(text_of(value), size, &from, &to);
}

static void test_ranges(void)
{
    CHECK(part("bytes=0-0", 10, 0, 0) && part("bytes=0-9", 10, 0, 9));
    CHECK(part("bytes=3-5", 10, 3, 5) && part("BYTES=9-9", 10, 9, 9));
    CHECK(part("bytes=5-", 10, 5, 9) && part("bytes=0-", 10, 0, 9));
    CHECK(part("bytes=-3", 10, 7, 9) && part("bytes=-10", 10, 0, 9));
    CHECK(part("bytes=-11", 10, 0, 9) && part("bytes=5-100", 10, 5, 9));
    CHECK(part("bytes=0-99999999999999999999999", 10, 0, 9));
    CHECK(part("bytes=4294967296-", 4294967300, 4294967296, 4294967299));
    CHECK(range_status("bytes=10-", 10) == 416);
    CHECK(range_status("bytes=10-20", 10) == 416);
    CHECK(range_status("bytes=99999999999999999999-", 10) == 416);
    CHECK(range_status("bytes=-0", 10) == 416);
    CHECK(range_status("bytes=0-", 0) == 416);
    CHECK(range_status("bytes=-5", 0) == 416);
    CHECK(range_status("bytes=5-3", 10) == 200);
    CHECK(range_status("bytes=0-1,3-4", 10) == 200);
    CHECK(range_status("lines=0-1", 10) == 200);
    CHECK(range_status("bytes=", 10) == 200);
    CHECK(range_status("bytes=-", 10) == 200);
    CHECK(range_status("bytes=1", 10) == 200);
    CHECK(range_status("bytes= 0-1", 10) == 200);
    CHECK(range_status("bytes=0-1 ", 10) == 200);
    CHECK(range_status("bytes=+0-1", 10) == 200);
    CHECK(range_status("bytes=--1", 10) == 200);
    CHECK(range_status("bytes", 10) == 200);
    CHECK(range_status("", 10) == 200);
}

/* ---- Dates -------------------------------------------------------------- */

static bool is_date(const char *text, long long expected)
{
    long long when = -1;

    return web_date(text_of(text), &when) && when == expected;
}

static bool no_date(const char *text)
{
    long long when;

    return !web_date(text_of(text), &when);
}

static void test_dates(void)
{
    CHECK(is_date("Sun, 06 Nov 1994 08:49:37 GMT", 784111777));
    CHECK(is_date("Sunday, 06-Nov-94 08:49:37 GMT", 784111777));
    CHECK(is_date("Sun Nov  6 08:49:37 1994", 784111777));
    CHECK(is_date("Thu, 01 Jan 1970 00:00:00 GMT", 0));
    CHECK(is_date("Tue, 29 Feb 2000 23:59:60 GMT", 951868800));
    CHECK(is_date("Tue, 19 Jan 2038 03:14:08 GMT", 2147483648));
    CHECK(is_date("Tuesday, 19-Jan-38 03:14:08 GMT", 2147483648));
    CHECK(is_date("Wed, 31 Dec 1969 23:59:59 GMT", -1));
    CHECK(no_date("") && no_date("now") && no_date("0"));
    CHECK(no_date("Sun, 06 Nov 1994 08:49:37"));
    CHECK(no_date("Sun, 06 Nov 1994 08:49:37 CET"));
    CHECK(no_date("Sun, 06 Nov 1994 08:49:37 GMTx"));
    CHECK(no_date("Sun, 06 nov 1994 08:49:37 GMT"));
    CHECK(no_date("Sun, 06 Xyz 1994 08:49:37 GMT"));
    CHECK(no_date("Sun, 32 Nov 1994 08:49:37 GMT"));
    CHECK(no_date("Sun, 00 Nov 1994 08:49:37 GMT"));
    CHECK(no_date("Sun, 06 Nov 1994 24:49:37 GMT"));
    CHECK(no_date("Sun, 06 Nov 1994 08:60:37 GMT"));
    CHECK(no_date("Sun, 06 Nov 1994 08:49:-1 GMT"));
    CHECK(no_date("Sun, 06 Nov 1994 08:49:37 GMT and what else there is"));
}

static void test_date_text(void)
{
    static const long long times[] = { 0,         -1,         784111777,
                                       951782400, 2147483648, 253402300799 };
    char buf[WEB_DATE_MAX];

    CHECK(strcmp(web_date_text(784111777, buf),
                 "Sun, 06 Nov 1994 08:49:37 GMT") == 0);
    CHECK(web_date_text(253402300800, buf) == NULL);
    CHECK(web_date_text(9223372036854775807, buf) == NULL);
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
        CHECK(web_date_text(times[i], buf) != NULL && is_date(buf, times[i]));
    for (long long when = -30000000000; when < 200000000000; when += 86413000)
        if (!is_date(web_date_text(when, buf), when))
            CHECK(buf[0] == '\0');
}

int main(void)
{
    static const struct test tests[] = {
        { "a target's path and query", test_paths },
        { "escapes are decoded once, broken ones refused", test_decode },
        { "dots and slashes lead nowhere else", test_clean },
        { "names in pages and in URLs", test_put },
        { "ranges", test_ranges },
        { "dates in three forms", test_dates },
        { "dates are written as they are read", test_date_text },
    };

    return run_all(tests, sizeof tests / sizeof tests[0]);
}
