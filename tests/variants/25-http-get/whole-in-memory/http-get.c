/* http-get.c - another right one: the socket does not block, poll(2) waits
 * with a limit and goes round. All that comes is kept in memory that grows,
 * and the head is searched anew after each part. The request ends with a
 * half-close; its fields have small letters. */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "net.h"

struct page {
    char *bytes;
    size_t n, room;
};

/* The place behind the head's empty line, or 0. */
static size_t body_of(const struct page *p)
{
    for (size_t i = 1; i < p->n; i++) {
        if (p->bytes[i] != '\n')
            continue;
        if (p->bytes[i - 1] == '\n')
            return i + 1;
        if (i > 1 && p->bytes[i - 1] == '\r' && p->bytes[i - 2] == '\n')
            return i + 1;
    }
    return 0;
}

/* What the head says of the length, or -1. */
static long long length_of(const struct page *p, size_t body)
{
    static const char name[] = "Content-Length:";
    const char *end = p->bytes + body, *line = p->bytes;

    while (line < end) {
        const char *next = memchr(line, '\n', (size_t)(end - line));

        if (strncasecmp(line, name, sizeof name - 1) == 0)
            return atoll(line + sizeof name - 1);
        line = next == NULL ? end : next + 1;
    }
    return -1;
}

static int whole(const struct page *p)
{
    size_t body = body_of(p);
    long long length = body == 0 ? -1 : length_of(p, body);

    return length >= 0 && (long long)(p->n - body) >= length;
}

static void wait_for(int fd, short what)
{
    struct pollfd p = { .fd = fd, .events = what };

    while (poll(&p, 1, 200) <= 0)
        continue;
}

static void ask(int fd, const char *path, const char *host)
{
    struct iovec part[] = {
        { (void *)"GET ", 4 },
        { (void *)path, strlen(path) },
        { (void *)" HTTP/1.0\r\nconnection: close\r\nhost: ", 36 },
        { (void *)host, strlen(host) },
        { (void *)"\r\n\r\n", 4 },
    };

    for (size_t i = 0; i < sizeof part / sizeof *part;) {
        ssize_t n = writev(fd, part + i, (int)(5 - i));

        if (n == -1 && errno == EAGAIN)
            wait_for(fd, POLLOUT);
        else if (n == -1)
            return;
        for (; n > 0 && (size_t)n >= part[i].iov_len; i++)
            n -= (ssize_t)part[i].iov_len;
        if (n > 0) {
            part[i].iov_base = (char *)part[i].iov_base + n;
            part[i].iov_len -= (size_t)n;
        }
    }
    shutdown(fd, SHUT_WR);
}

/* One part more. Returns 0 at the end. */
static int more(int fd, struct page *p)
{
    ssize_t n;

    if (p->room - p->n < 65536) {
        p->room = p->room * 2 + 65536;
        p->bytes = realloc(p->bytes, p->room + 1);
        if (p->bytes == NULL)
            die("memory:");
    }
    while ((n = recv(fd, p->bytes + p->n, 65536, 0)) == -1)
        if (errno == EAGAIN || errno == EINTR)
            wait_for(fd, POLLIN);
        else
            die("receive:");
    if (n > 0 && writen(1, p->bytes + p->n, (size_t)n) == -1)
        die("stdout:");
    p->n += (size_t)n;
    p->bytes[p->n] = '\0';
    return n > 0;
}

int main(int argc, char *argv[])
{
    struct page page = { 0 };
    const char *why, *port = argc == 4 ? argv[3] : "80";
    int fd, over = 0;

    prog = argv[0];
    if (argc < 3 || argc > 4 || argv[2][0] != '/' || !is_port(port))
        usage(argv, "http-get SERVER PATH [PORT]");
    for (const char *c = argv[2]; *c != '\0'; c++)
        if (strchr(" \x7f", *c) != NULL || (*c > 0 && *c < 32))
            usage(argv, "http-get SERVER PATH [PORT]");
    signal(SIGPIPE, SIG_IGN);
    fd = tcp_connect(argv[1], port, &why);
    if (fd == -1)
        die("%s: %s", argv[1], why);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    ask(fd, argv[2], argv[1]);
    while (!over && !whole(&page))
        over = !more(fd, &page);
    if (over && (body_of(&page) == 0 || length_of(&page, body_of(&page)) >= 0))
        die("%s: the answer is not whole", argv[1]);
    free(page.bytes);
    return 0;
}
