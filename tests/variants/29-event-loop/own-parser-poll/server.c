/* What is different: poll(2) on an array, and a parser of its own, a byte at a
 * time; each client has its buffers from its first byte on. Workers are
 * processes that accept from one socket; the first one serves, too. A client
 * that is silent for 30 s is dropped. */
#define _POSIX_C_SOURCE 200809L

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "net.h"

enum state { LINE,
             BODY,
             CHUNK_SIZE,
             CHUNK_DATA,
             CHUNK_END,
             TRAILER };

struct client {
    enum state state;
    time_t since;
    int nlines, hosts, lengths, status;
    bool old, head, close, chunked, odd_coding, last, shut, lines_seen;
    unsigned long long left;
    size_t nline, from, to, nin, inpos;
    char line[8300];
    char in[4096];
    char out[16384];
};

static struct pollfd *pfds;
static struct client **clients;
static int npfds, size;
static pid_t *kids;
static long nkids;

static void put(struct client *c, const char *text)
{
    size_t n = strlen(text);

    memcpy(c->out + c->to, text, n);
    c->to += n;
}

static void answer(struct client *c, int status)
{
    static const char page[] = "<html><body>"
                               "<P>This is my test server page</P></body></html>";
    const char *text = status == 200 ? page : "<p>no</p>";
    char head[256];

    c->last = status != 200 || c->close;
    snprintf(head, sizeof head,
             "HTTP/1.1 %d %s\r\nServer: small\r\nContent-Type: text/html\r\n"
             "Content-Length: %zu\r\nConnection: %s\r\n\r\n",
             status, status == 200 ? "OK" : "Sorry", strlen(text),
             c->last ? "close" : "keep-alive");
    put(c, head);
    if (!c->head)
        put(c, text);
    c->state = LINE;
    c->nlines = c->hosts = c->lengths = 0;
    c->old = c->head = c->close = c->chunked = c->odd_coding = false;
    c->left = 0;
}

/* "GET / HTTP/1.1" */
static int first_line(struct client *c)
{
    char *target = strchr(c->line, ' '), *version;

    if (strlen(c->line) != c->nline || target == NULL)
        return 400;
    *target++ = '\0';
    version = strchr(target, ' ');
    if (version == NULL || version == target || c->line[0] == '\0')
        return 400;
    *version++ = '\0';
    for (const char *p = c->line; *p != '\0'; p++)
        if (!isalpha((unsigned char)*p))
            return 400;
    if (strncmp(version, "HTTP/1.", 7) != 0 || strlen(version) != 8)
        return 400;
    c->old = c->close = version[7] == '0';
    c->head = strcmp(c->line, "HEAD") == 0;
    return 0;
}

static int length_is(struct client *c, const char *value)
{
    if (++c->lengths > 1 || *value == '\0' || strlen(value) > 18 ||
        strspn(value, "0123456789") != strlen(value))
        return 400;
    c->left = strtoull(value, NULL, 10);
    return 0;
}

static int field_line(struct client *c)
{
    char *colon = memchr(c->line, ':', c->nline), *value;

    if (colon == NULL || colon == c->line || strlen(c->line) != c->nline)
        return 400;
    if (strcspn(c->line, " \t") < (size_t)(colon - c->line))
        return 400;
    *colon = '\0';
    value = colon + 1 + strspn(colon + 1, " \t");
    for (char *end = value + strlen(value);
         end > value && (end[-1] == ' ' || end[-1] == '\t');)
        *--end = '\0';
    if (strcasecmp(c->line, "Host") == 0)
        return ++c->hosts > 1 ? 400 : 0;
    if (strcasecmp(c->line, "Content-Length") == 0)
        return length_is(c, value);
    if (strcasecmp(c->line, "Transfer-Encoding") == 0) {
        c->odd_coding |= c->chunked || strcasecmp(value, "chunked") != 0;
        c->chunked = true;
    }
    if (strcasecmp(c->line, "Connection") == 0)
        for (char *word = value; *word != '\0';) {
            size_t n = strcspn(word, ", \t");
            c->close |= n == 5 && strncasecmp(word, "close", 5) == 0;
            word += n + strspn(word + n, ", \t");
        }
    return 0;
}

/* A whole line is in c->line. Returns a status when it is time to answer. */
static int a_line(struct client *c)
{
    if (c->nline > 0 && ++c->nlines > 100)
        return 431;
    if (c->nline > 0)
        return c->nlines == 1 ? first_line(c) : field_line(c);
    if (c->nlines == 0)
        return 0;
    if (!c->old && c->hosts != 1)
        return 400;
    if (c->odd_coding)
        return 501;
    if (c->chunked && (c->lengths > 0 || c->old))
        return 400;
    c->state = c->chunked ? CHUNK_SIZE : BODY;
    return !c->chunked && c->left == 0 ? 200 : 0;
}

static int framed_line(struct client *c)
{
    char *end;

    if (c->state == TRAILER)
        return c->nline == 0 ? 200 : 0;
    if (c->state == CHUNK_END) {
        c->state = CHUNK_SIZE;
        return c->nline == 0 ? 0 : 400;
    }
    c->left = strtoull(c->line, &end, 16);
    if (!isxdigit((unsigned char)c->line[0]) || c->left > 1 << 20 ||
        (*end != '\0' && *end != ';'))
        return 400;
    c->state = c->left == 0 ? TRAILER : CHUNK_DATA;
    return 0;
}

/* Takes a byte. Returns a status when it is time to answer. */
static int take(struct client *c, char byte)
{
    if (c->state == BODY)
        return --c->left == 0 ? 200 : 0;
    if (c->state == CHUNK_DATA) {
        if (--c->left == 0)
            c->state = CHUNK_END;
        return 0;
    }
    if (byte != '\n') {
        c->line[c->nline++] = byte;
        return c->nline > 8193 || (c->nline == 8193 && byte != '\r') ? 431 : 0;
    }
    if (c->nline > 0 && c->line[c->nline - 1] == '\r')
        c->nline--;
    c->line[c->nline] = '\0';
    int status = c->state == LINE ? a_line(c) : framed_line(c);
    c->nline = 0;
    return status;
}

/* Answers what is in c->in, as far as there is room. */
static void go_through(struct client *c)
{
    while (!c->last && c->inpos < c->nin && c->to + 600 < sizeof c->out) {
        int status = take(c, c->in[c->inpos++]);
        if (status != 0)
            answer(c, status);
    }
}

/* Returns false at the end. */
static bool serve(struct client *c, int fd)
{
    ssize_t n = 0;

    if (c->inpos == c->nin) {
        n = read(fd, c->in, sizeof c->in);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
            return false;
        c->inpos = 0;
        c->nin = n > 0 && !c->last ? (size_t)n : 0;
    }
    do {
        go_through(c);
        while (c->from < c->to) {
            n = write(fd, c->out + c->from, c->to - c->from);
            if (n < 0)
                return errno == EAGAIN || errno == EINTR;
            c->from += (size_t)n;
        }
        c->from = c->to = 0;
    } while (!c->last && c->inpos < c->nin);
    if (c->last && !c->shut) {
        shutdown(fd, SHUT_WR);
        c->shut = true;
    }
    if (c->last)
        c->inpos = c->nin = 0;
    return true;
}

static void add(int fd)
{
    struct client *c = calloc(1, sizeof *c);

    if (npfds == size) {
        size = size == 0 ? 64 : size * 2;
        pfds = realloc(pfds, (size_t)size * sizeof *pfds);
        clients = realloc(clients, (size_t)size * sizeof *clients);
    }
    if (c == NULL || pfds == NULL || clients == NULL)
        die("no memory");
    c->since = time(NULL);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    pfds[npfds] = (struct pollfd){ fd, POLLIN, 0 };
    clients[npfds++] = c;
}

static void drop(int i)
{
    close(pfds[i].fd);
    free(clients[i]);
    pfds[i] = pfds[--npfds];
    clients[i] = clients[npfds];
}

static void accept_all(int lfd)
{
    struct sockaddr_storage peer;
    socklen_t len;
    char text[ADDR_STR_MAX];
    int fd;

    while ((fd = tcp_accept(lfd, &peer, &len)) >= 0) {
        fprintf(stderr, "New client connected: %s\n",
                addr_str((struct sockaddr *)&peer, len, text));
        add(fd);
    }
    if (errno == EMFILE)
        poll(NULL, 0, 2);
}

static void on_end(int sig)
{
    for (long i = 0; i < nkids; i++)
        kill(kids[i], SIGKILL);
    _exit(128 + sig);
}

static void loop(int lfd)
{
    add(lfd);
    for (;;) {
        for (int i = 1; i < npfds; i++)
            pfds[i].events = clients[i]->from < clients[i]->to ? POLLOUT
                                                               : POLLIN;
        if (poll(pfds, (nfds_t)npfds, 30000) < 0)
            continue;
        for (int i = npfds - 1; i > 0; i--) {
            if (pfds[i].revents == 0) {
                if (time(NULL) - clients[i]->since > 30)
                    drop(i);
                continue;
            }
            clients[i]->since = time(NULL);
            if (!serve(clients[i], pfds[i].fd))
                drop(i);
        }
        if (pfds[0].revents != 0)
            accept_all(lfd);
    }
}

int main(int argc, char *argv[])
{
    const char *why;
    long n = argc > 3 ? strtol(argv[3], NULL, 10) : 1;
    struct rlimit limit;

    prog = argv[0];
    if (argc > 4 || (argc > 1 && !is_port(argv[1])) || n < 1 || n > 1000 ||
        (argc > 3 && strspn(argv[3], "0123456789") != strlen(argv[3])))
        usage(argv, "server [PORT [ADDRESS [WORKERS]]]");
    on_signal(SIGPIPE, SIG_IGN, 0);
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    int lfd = tcp_listen(argc > 2 ? argv[2] : "127.0.0.1",
                         argc > 1 ? argv[1] : "8080", &why);
    if (lfd < 0)
        die("bind: %s", why);
    fcntl(lfd, F_SETFL, O_NONBLOCK);
    kids = calloc((size_t)n, sizeof *kids);
    for (; nkids < n - 1; nkids++)
        if ((kids[nkids] = fork()) == 0)
            loop(lfd);
    on_signal(SIGTERM, on_end, 0);
    on_signal(SIGINT, on_end, 0);
    fprintf(stderr, "Server launched, listening on port: %d\n",
            sock_port(lfd));
    loop(lfd);
}
