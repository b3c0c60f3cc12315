/* Looks at the keyboard for 20 ms, then at the network, which it never waits
 * for; reads lines into memory that grows with them. */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net.h"

static char *typed;
static size_t typed_n, prefix_n;

static void add(const char *p, size_t n)
{
    typed = realloc(typed, typed_n + n + 1);
    if (typed == NULL)
        die("realloc:");
    memcpy(typed + typed_n, p, n);
    typed_n += n;
}

static void send_one(int fd, const char *line, size_t n, const char *name)
{
    char message[1025];

    if (n > sizeof message - 1 - prefix_n) {
        warn("not sent: %zu bytes", n);
        return;
    }
    snprintf(message, sizeof message, "%s: ", name);
    memcpy(message + prefix_n, line, n);
    if (send(fd, message, prefix_n + n, 0) < 0)
        warn("send:");
}

static void send_lines(int fd, const char *name, bool all)
{
    char *p = typed, *end = typed + typed_n, *nl;

    while (p < end && (nl = memchr(p, '\n', (size_t)(end - p))) != NULL) {
        send_one(fd, p, (size_t)(nl - p), name);
        p = nl + 1;
    }
    if (all && p < end) {
        send_one(fd, p, (size_t)(end - p), name);
        p = end;
    }
    typed_n = (size_t)(end - p);
    if (p != typed)
        memmove(typed, p, typed_n);
}

static bool keyboard(int fd, const char *name)
{
    struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
    char buf[100];
    ssize_t n;

    if (poll(&p, 1, 20) < 1)
        return true;
    n = read(STDIN_FILENO, buf, sizeof buf);
    if (n > 0)
        add(buf, (size_t)n);
    send_lines(fd, name, n <= 0);
    return n > 0;
}

static void network(int fd)
{
    char buf[1026];
    ssize_t n;

    while ((n = recv(fd, buf, sizeof buf - 1, 0)) >= 0) {
        for (ssize_t i = 0; i < n; i++)
            if (strchr("\x1\x2\x3\x4\x5\x6\a\b\t\n\v\f\r\xe\xf\x10\x11\x12\x13"
                       "\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f\x7f",
                       buf[i]) != NULL)
                buf[i] = '?';
        buf[n] = '\n';
        if (fwrite(buf, 1, (size_t)n + 1, stdout) != (size_t)n + 1 ||
            fflush(stdout) != 0)
            die("print:");
    }
}

static int chat_with(const char *host, const char *port)
{
    struct addrinfo hints = { .ai_socktype = SOCK_DGRAM }, *list;
    int rc = getaddrinfo(host, port, &hints, &list), fd = -1;

    if (rc != 0)
        die("%s:%s: %s", host, port, gai_strerror(rc));
    for (struct addrinfo *ai = list; ai != NULL && fd < 0; ai = ai->ai_next) {
        fd = socket(ai->ai_family, SOCK_DGRAM, IPPROTO_UDP);
        if (fd >= 0 && connect(fd, ai->ai_addr, ai->ai_addrlen) < 0) {
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(list);
    if (fd < 0 || fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
        die("socket:");
    return fd;
}

int main(int argc, char *argv[])
{
    bool good = argc == 4 && is_port(argv[2]);
    char hello[64];
    int fd, n;

    prog = argv[0];
    for (char *p = good ? argv[3] : NULL; good && *p != '\0'; p++)
        good = !((unsigned char)*p < 0x20 || *p == 0x7f) && p - argv[3] < 32;
    if (!good || argv[3][0] == '\0')
        usage(argv, "client HOST PORT NAME");
    prefix_n = strlen(argv[3]) + 2;
    fd = chat_with(argv[1], argv[2]);
    n = snprintf(hello, sizeof hello, "* %s joined", argv[3]);
    if (send(fd, hello, (size_t)n, 0) < 0)
        warn("send:");
    do
        network(fd);
    while (keyboard(fd, argv[3]));
    if (send(fd, hello, 0, 0) < 0)
        warn("send:");
    free(typed);
    return 0;
}
