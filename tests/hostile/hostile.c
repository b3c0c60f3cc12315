/* hostile.c - many requests at once, good ones and bad ones, to a web server.
 *
 * usage: hostile PORT page|keep|files REQUESTS [SEED]
 *
 * page: a server that answers each request with the page of 23 and closes (28);
 * keep: with the same page, on connections that stay open (29); files: serves
 * the files that tools/hostile lays out (27). Every good request must be
 * answered right; no byte of the secret beside the files may come; bad requests
 * get a bad status or none. What was done and what was wrong goes to stdout;
 * exit status 1 if anything was. The same SEED does the same again, as far as
 * threads do.
 */
#define _GNU_SOURCE
#ifdef __APPLE__
#define _DARWIN_C_SOURCE
#endif

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define THREADS 8
#define PAGE "<P>This is my test server page</P>"
#define SECRET "the-secret-beside-the-root"
#define BIG 300000 /* bytes of big.bin: the letters a to z, again and again */

static int port;
static enum { PAGES,
              KEEP,
              FILES } mode;

/* A thread, its dice, and its connection. */
struct client {
    uint64_t dice;
    long left, good, bad, faults; /* requests */
    const char *doing;
    int fd;
    size_t at, n;
    char in[65536];
    char out[800 * 700]; /* requests */
};

static uint64_t roll(struct client *c)
{
    c->dice ^= c->dice << 13;
    c->dice ^= c->dice >> 7;
    c->dice ^= c->dice << 17;
    return c->dice;
}

static int upto(struct client *c, int n) /* 0 to n - 1 */
{
    return (int)(roll(c) % (uint64_t)n);
}

__attribute__((format(printf, 2, 3))) static bool fault(struct client *c,
                                                        const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (c->faults++ < 5)
        printf("  wrong: %s: %s\n", c->doing, text);
    return false;
}

/* ---- a connection -------------------------------------------------------- */

/* 28000 ports are soon in TIME_WAIT: come from many addresses of this machine,
 * where it has them (Linux: all of 127.0.0.0/8). */
static bool open_client(struct client *c, bool narrow)
{
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons((uint16_t)port) };
    struct sockaddr_in from = { .sin_family = AF_INET };
    struct timeval patience = { 20, 0 };
    int on = 1;

    c->at = c->n = 0;
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    from.sin_addr.s_addr = htonl(0x7f000001 + (uint32_t)upto(c, 200));
#ifdef IP_BIND_ADDRESS_NO_PORT
    setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    (void)bind(c->fd, (struct sockaddr *)&from, sizeof from);
#else
    (void)from;
#endif
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (narrow) { /* small windows, and the server's send buffer stays small */
        int size = mode == FILES ? 32768 : 4096, mss = 1460;
        setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
        setsockopt(c->fd, IPPROTO_TCP, TCP_MAXSEG, &mss, sizeof mss);
    }
    if (connect(c->fd, (struct sockaddr *)&to, sizeof to) == 0)
        return true;
    close(c->fd);
    return fault(c, "connect: %s", strerror(errno));
}

/* With RST instead of FIN (SO_LINGER, socket(7)). */
static void reset_client(struct client *c)
{
    struct linger at_once = { 1, 0 };

    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(c->fd);
}

static bool send_all(struct client *c, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t sent = send(c->fd, p, n, MSG_NOSIGNAL);
        if (sent < 0)
            return false;
        p += sent;
        n -= (size_t)sent;
    }
    return true;
}

/* Reads more behind in[n]. False: the end, a reset, or 20 s of silence. */
static bool more(struct client *c)
{
    ssize_t n;

    if (c->at > 0) {
        memmove(c->in, c->in + c->at, c->n - c->at);
        c->n -= c->at;
        c->at = 0;
    }
    n = c->n < sizeof c->in - 1
            ? recv(c->fd, c->in + c->n, sizeof c->in - 1 - c->n, 0)
            : 0;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        fault(c, "nothing comes for 20 s");
    if (n <= 0)
        return false;
    c->n += (size_t)n;
    c->in[c->n] = '\0';
    if (memmem(c->in, c->n, SECRET, strlen(SECRET)) != NULL)
        fault(c, "it serves what lies outside of the root");
    return true;
}

/* ---- an answer ------------------------------------------------------------ */

struct reply {
    int status;
    long length;
    bool closes;
    uint64_t sum; /* of the body's bytes */
    size_t n;
    char body[2048]; /* the first n bytes of it */
};

static uint64_t add(uint64_t sum, const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sum = (sum ^ (unsigned char)p[i]) * 1099511628211U; /* FNV-1a */
    return sum;
}

static uint64_t sum_of(const char *p, size_t n)
{
    return add(14695981039346656037U, p, n);
}

/* Takes the body, as far as it is there. */
static void take(struct client *c, struct reply *r, long *left)
{
    size_t n = c->n - c->at;

    if ((long)n > *left)
        n = (size_t)*left;
    for (size_t i = 0; i < n && r->n < sizeof r->body; i++)
        r->body[r->n++] = c->in[c->at + i];
    r->sum = add(r->sum, c->in + c->at, n);
    c->at += n;
    *left -= (long)n;
}

/* Reads a whole answer. False: none came, or not all of it. */
static bool read_reply(struct client *c, struct reply *r, bool head_only)
{
    char *end, *field;
    long left;

    r->status = 0;
    r->length = -1;
    r->sum = sum_of("", 0);
    r->n = 0;
    while ((end = memmem(c->in + c->at, c->n - c->at, "\r\n\r\n", 4)) == NULL)
        if (!more(c))
            return false;
    *end = '\0';
    if (strncmp(c->in + c->at, "HTTP/1.1 ", 9) != 0)
        return fault(c, "no HTTP: %.40s", c->in + c->at);
    r->status = atoi(c->in + c->at + 9);
    r->closes = strcasestr(c->in + c->at, "\r\nConnection: close") != NULL;
    field = strcasestr(c->in + c->at, "\r\nContent-Length:");
    if (field != NULL)
        r->length = atol(field + 17);
    c->at = (size_t)(end - c->in) + 4;
    if (head_only || r->status == 304)
        return true;
    if (r->length < 0)
        return fault(c, "status %d without Content-Length", r->status);
    left = r->length;
    for (take(c, r, &left); left > 0; take(c, r, &left))
        if (!more(c))
            return false;
    return true;
}

/* Reads what comes until the end, and drops it. */
static void drain(struct client *c)
{
    do
        c->at = c->n;
    while (more(c));
}

/* ---- good requests -------------------------------------------------------- */

static const struct file {
    const char *path;
    int status;
    const char *text; /* NULL: big.bin */
} files[] = {
    { "/", 200, "<P>index</P>\n" },
    { "/hello.txt", 200, "hello\n" },
    { "/hello.txt?q=..%2fsecret", 200, "hello\n" },
    { "/sub/inner.txt", 200, "inner\n" },
    { "/a%20b.txt", 200, "a b\n" },
    { "/%68ello.txt", 200, "hello\n" },
    { "/empty", 200, "" },
    { "/big.bin", 200, NULL },
    { "/none", 404, "" },
    { "/sub", 301, "" },
};
#define NFILES ((int)(sizeof files / sizeof *files))
static uint64_t big_sum;

struct good {
    int status;
    bool head;
    long length;
    uint64_t sum;
};

/* Writes a good request to out; what must come goes to g. Returns its length. */
static int make_good(struct client *c, struct good *g, char *out, bool last)
{
    const struct file *f = &files[upto(c, NFILES)];
    const char *close = last ? "Connection: close\r\n" : "";
    int body = mode == KEEP && upto(c, 4) == 0 ? upto(c, 400) : 0, n;

    *g = (struct good){ .status = 200, .length = -1 };
    g->head = mode != PAGES && body == 0 && upto(c, 5) == 0;
    if (mode == FILES) {
        g->status = f->status;
        if (f->status == 200) {
            g->length = f->text != NULL ? (long)strlen(f->text) : BIG;
            g->sum = f->text != NULL ? sum_of(f->text, strlen(f->text))
                                     : big_sum;
        }
    }
    n = sprintf(out, "%s %s HTTP/1.1\r\nHost: localhost:%d\r\n%sX-%d: %d\r\n",
                body > 0  ? "POST"
                : g->head ? "HEAD"
                          : "GET",
                mode == FILES ? f->path : "/x?y=%00", port, close,
                upto(c, 100), upto(c, 100000));
    if (body > 0 && upto(c, 2) == 0)
        return n + sprintf(out + n,
                           "Transfer-Encoding: chunked\r\n\r\n"
                           "%x;a=b\r\n%0*d\r\n0\r\nT: x\r\n\r\n",
                           body, body, 0);
    if (body > 0)
        return n + sprintf(out + n, "Content-Length: %d\r\n\r\n%0*d", body,
                           body, 0);
    return n + sprintf(out + n, "\r\n");
}

static bool right(struct client *c, const struct good *g)
{
    struct reply r;

    if (!read_reply(c, &r, g->head))
        return fault(c, "a good request has no whole answer");
    c->good++;
    if (r.status != g->status)
        return fault(c, "status %d, not %d", r.status, g->status);
    if (g->length >= 0 && r.length != g->length)
        return fault(c, "length %ld, not %ld", r.length, g->length);
    if (!g->head && g->length >= 0 && r.sum != g->sum)
        return fault(c, "other bytes than the file's");
    if (mode != FILES && !g->head &&
        memmem(r.body, r.n, PAGE, strlen(PAGE)) == NULL)
        return fault(c, "not the page");
    return true;
}

/* How many good requests a connection carries. */
static int some(struct client *c, int most)
{
    return mode == PAGES ? 1 : 1 + upto(c, most);
}

/* Several at once (pipelined), then all answers. */
static void together(struct client *c, int most, size_t piece)
{
    struct good good[800];
    int k = some(c, most), n = 0;

    for (int i = 0; i < k; i++)
        n += make_good(c, &good[i], c->out + n, i == k - 1);
    c->left -= k;
    for (size_t at = 0; at < (size_t)n; at += piece) {
        size_t m = (size_t)n - at < piece ? (size_t)n - at : piece;
        if (!send_all(c, c->out + at, m))
            break;
        if (piece < sizeof c->out)
            sched_yield();
    }
    for (int i = 0; i < k && right(c, &good[i]); i++)
        continue;
    drain(c);
    close(c->fd);
}

static void good_one_by_one(struct client *c)
{
    struct good g;
    int k = some(c, 20);

    for (int i = 0; i < k; i++) {
        c->left--;
        if (!send_all(c, c->out, (size_t)make_good(c, &g, c->out, false)) ||
            !right(c, &g))
            break;
    }
    close(c->fd);
}

static void good_together(struct client *c)
{
    together(c, mode == FILES ? 20 : 100, sizeof c->out);
}

static void good_in_pieces(struct client *c)
{
    together(c, 2, (size_t)(1 + upto(c, 9)));
}

/* Nothing is read while the answers fill up what there is of buffers. */
static void slow_reader(struct client *c)
{
    together(c, mode == FILES ? 10 : 800, sizeof c->out);
}

static void half_close(struct client *c)
{
    struct good g;
    int n = make_good(c, &g, c->out, false);

    c->left--;
    if (send_all(c, c->out, (size_t)n)) {
        shutdown(c->fd, SHUT_WR);
        right(c, &g);
    }
    close(c->fd);
}

/* ---- bad ones -------------------------------------------------------------- */

/* Sends it, and looks for one of these statuses, or for the end. */
static void refused(struct client *c, const char *data, size_t n, int low)
{
    struct reply r;

    c->left--;
    c->bad++;
    send_all(c, data, n);
    shutdown(c->fd, SHUT_WR);
    if (read_reply(c, &r, false) && r.status < low)
        fault(c, "status %d for: %.60s", r.status, data);
    drain(c);
    close(c->fd);
}

static void half_a_request(struct client *c)
{
    struct good g;
    int n = make_good(c, &g, c->out, false);

    c->left--;
    c->bad++;
    send_all(c, c->out, (size_t)upto(c, n));
    if (upto(c, 2) == 0) {
        reset_client(c);
        return;
    }
    close(c->fd);
}

/* Gone before, or while, the answers come. */
static void gone(struct client *c)
{
    struct good g;
    int k = some(c, 100), n = 0;

    for (int i = 0; i < k; i++)
        n += make_good(c, &g, c->out + n, false);
    c->left -= k;
    c->bad += k;
    send_all(c, c->out, (size_t)n);
    if (upto(c, 2) == 0)
        more(c);
    reset_client(c);
}

static void nothing(struct client *c)
{
    c->left--;
    c->bad++;
    if (upto(c, 2) == 0)
        reset_client(c);
    else
        close(c->fd);
}

static void garbage(struct client *c)
{
    size_t n = 1 + (size_t)upto(c, 3000);

    for (size_t i = 0; i < n; i++)
        c->out[i] = (char)roll(c);
    if (upto(c, 2) == 0)
        memset(c->out, 0, n);
    c->out[n++] = '\n';
    c->out[n++] = '\n';
    refused(c, c->out, n, mode == PAGES ? 200 : 400);
}

static void long_line(struct client *c)
{
    size_t n = 8300 + (size_t)upto(c, 60000);
    int at = upto(c, 2) == 0 ? sprintf(c->out, "GET /")
                             : sprintf(c->out, "GET / HTTP/1.1\r\nHost: a\r\nX: ");

    memset(c->out + at, upto(c, 4) == 0 ? 0 : 'a', n);
    refused(c, c->out, (size_t)at + n, 400);
}

static void many_lines(struct client *c)
{
    int n = sprintf(c->out, "GET / HTTP/1.1\r\nHost: a\r\n");

    for (int k = 101 + upto(c, 900); k > 0; k--)
        n += sprintf(c->out + n, "X-%d: %d\r\n", k, k);
    n += sprintf(c->out + n, "\r\n");
    refused(c, c->out, (size_t)n, 400);
}

static void malformed(struct client *c)
{
    static const char *const heads[] = {
        "GET /\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
        "Content-Length: 2\r\n\r\nab",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
        "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n"
        "\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "GET / HTTP/9.9\r\nHost: a\r\n\r\n",
        "GET /\001 HTTP/1.1\r\nHost: a\r\n\r\n",
    };
    const char *head = heads[upto(c, (int)(sizeof heads / sizeof *heads))];

    refused(c, head, strlen(head), mode == PAGES ? 200 : 400);
}

/* Good ones, and garbage behind them in the same bytes. */
static void good_then_garbage(struct client *c)
{
    struct good g[8];
    struct reply r;
    int k = some(c, 8), n = 0;

    for (int i = 0; i < k; i++)
        n += make_good(c, &g[i], c->out + n, false);
    n += sprintf(c->out + n, "\001garbage\r\n\r\nGET / HTTP/1.1\r\n\r\n");
    c->left -= k + 1;
    c->bad++;
    send_all(c, c->out, (size_t)n);
    for (int i = 0; i < k; i++)
        if (!right(c, &g[i]))
            break;
    if (mode != PAGES && (!read_reply(c, &r, false) || r.status != 400))
        fault(c, "no 400 for the garbage");
    drain(c);
    close(c->fd);
}

/* Out of the root, in every way that somebody has tried. */
static void traversal(struct client *c)
{
    static const char *const parts[] = {
        "..", "%2e%2e", ".%2E", "%2e.", "sub", "%252e%252e",
        ".", "", "..;", "...", "link", "linkdir",
        "%c0%ae..", "..%c0%af", "%00", "..\\", "..%5c", "up",
        "sub%2f..", "..%2f..%2f.", "~", "%2f", "hello.txt"
    };
    static const char *const joins[] = { "/", "/", "%2f", "//", "\\", "%5C" };
    char *out = c->out;
    int n = sprintf(out, "GET %s", upto(c, 8) == 0 ? "http://a/" : "/");

    for (int k = upto(c, 5); k > 0; k--)
        n += sprintf(out + n, "%s%s",
                     parts[upto(c, (int)(sizeof parts / sizeof *parts))],
                     joins[upto(c, (int)(sizeof joins / sizeof *joins))]);
    n += sprintf(out + n, "%s", upto(c, 8) == 0 ? "" : "secret.txt");
    n += sprintf(out + n, " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    c->left--;
    c->bad++;
    send_all(c, out, (size_t)n);
    drain(c); /* more() looks for the secret */
    close(c->fd);
}

static const struct scene {
    const char *name;
    void (*play)(struct client *c);
} scenes[] = {
    { "good, one by one", good_one_by_one },
    { "good, together", good_together },
    { "good, together", good_together },
    { "good, in pieces", good_in_pieces },
    { "slow reader", slow_reader },
    { "half-close", half_close },
    { "half a request", half_a_request },
    { "gone before the answer", gone },
    { "nothing at all", nothing },
    { "garbage", garbage },
    { "a long line", long_line },
    { "many lines", many_lines },
    { "malformed", malformed },
    { "good, then garbage", good_then_garbage },
    { "out of the root", traversal },
};

static void *play(void *arg)
{
    struct client *c = arg;

    while (c->left > 0 && c->faults < 100) {
        const struct scene *s =
            &scenes[upto(c, (int)(sizeof scenes / sizeof *scenes))];
        c->doing = s->name;
        if (open_client(c, s->play == slow_reader))
            s->play(c);
    }
    return NULL;
}

static void sum_big(void)
{
    char letters[26];

    for (int i = 0; i < 26; i++)
        letters[i] = (char)('a' + i);
    big_sum = sum_of("", 0);
    for (int i = 0; i < BIG; i += 26)
        big_sum = add(big_sum, letters,
                      BIG - i < 26 ? (size_t)(BIG - i) : 26);
}

int main(int argc, char *argv[])
{
    static struct client clients[THREADS];
    pthread_t threads[THREADS];
    long good = 0, bad = 0, faults = 0;
    uint64_t seed = argc > 4 ? strtoull(argv[4], NULL, 10) : 1;

    if (argc < 4) {
        fprintf(stderr, "usage: hostile PORT page|keep|files REQUESTS [SEED]\n");
        return 2;
    }
    port = atoi(argv[1]);
    mode = argv[2][0] == 'p' ? PAGES : argv[2][0] == 'k' ? KEEP
                                                         : FILES;
    signal(SIGPIPE, SIG_IGN);
    sum_big();
    for (int i = 0; i < THREADS; i++) {
        clients[i].dice = (seed * THREADS + (uint64_t)i + 1) * 0x9e3779b97f4a7c15;
        clients[i].left = atol(argv[3]) / THREADS + 1;
        pthread_create(&threads[i], NULL, play, &clients[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        good += clients[i].good;
        bad += clients[i].bad;
        faults += clients[i].faults;
    }
    printf("%ld good and %ld hostile requests, %ld wrong\n", good, bad, faults);
    return faults > 0;
}
