/* select(2), one byte of stdin at a time, and sendmsg(2), which puts a message
 * together from the name, ": " and the line. */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "net.h"

static char line[1024];
static size_t n; /* of the line so far, also of one that is too long */

static void send_line(int fd, char *name)
{
    struct iovec parts[] = { { name, strlen(name) }, { (char[]){ ": " }, 2 },
                             { line, n } };
    struct msghdr msg = { .msg_iov = parts, .msg_iovlen = 3 };

    if (n + strlen(name) + 2 > 1024)
        warn("%zu bytes are too many for a line", n);
    else if (sendmsg(fd, &msg, 0) < 0 && sendmsg(fd, &msg, 0) < 0)
        warn("sendmsg:");
    n = 0;
}

/* Returns false at the end of stdin. */
static bool key(int fd, char *name)
{
    char c;
    ssize_t k = read(STDIN_FILENO, &c, 1);

    if (k < 0 && errno == EINTR)
        return true;
    if (k <= 0) {
        if (n > 0)
            send_line(fd, name);
        return false;
    }
    if (c == '\n')
        send_line(fd, name);
    else if (n++ < sizeof line)
        line[n - 1] = c;
    return true;
}

static void show(int fd)
{
    static const char shown[] = "????????????????????????????????";
    char buf[4096];
    ssize_t k = recv(fd, buf, sizeof buf, MSG_DONTWAIT);

    if (k < 0)
        return;
    for (char *p = buf; p < buf + k; p++) {
        unsigned char c = (unsigned char)*p;

        if (writen(STDOUT_FILENO, c < 32 ? &shown[c] : c == 127 ? "?" : p, 1))
            die("stdout:");
    }
    if (writen(STDOUT_FILENO, "\n", 1) < 0)
        die("stdout:");
}

static int join(const char *host, const char *port, const char *name)
{
    struct addrinfo hints = { .ai_socktype = SOCK_DGRAM,
                              .ai_flags = AI_NUMERICSERV };
    struct addrinfo *list;
    int rc = getaddrinfo(host, port, &hints, &list), fd;

    if (rc != 0)
        die("no address for %s: %s", host, gai_strerror(rc));
    fd = socket(list->ai_family, SOCK_DGRAM, 0);
    if (fd < 0 || connect(fd, list->ai_addr, list->ai_addrlen) < 0)
        die("connect:");
    freeaddrinfo(list);
    if (dprintf(fd, "* %s joined", name) < 0)
        warn("write:");
    return fd;
}

int main(int argc, char *argv[])
{
    bool wrong = argc != 4 || !is_port(argv[2]);
    size_t len = wrong ? 0 : strlen(argv[3]);
    int fd;

    prog = argv[0];
    wrong = wrong || len < 1 || len > 32;
    for (size_t i = 0; i < len; i++)
        wrong = wrong || (argv[3][i] >= 0 && argv[3][i] < 32) ||
                argv[3][i] == '\x7f';
    if (wrong)
        usage(argv, "client HOST PORT NAME");
    on_signal(SIGPIPE, SIG_IGN, 0);
    fd = join(argv[1], argv[2], argv[3]);
    for (;;) {
        fd_set set;

        FD_ZERO(&set);
        FD_SET(STDIN_FILENO, &set);
        FD_SET(fd, &set);
        if (select(fd + 1, &set, NULL, NULL, NULL) < 0)
            continue;
        if (FD_ISSET(fd, &set))
            show(fd);
        if (FD_ISSET(STDIN_FILENO, &set) && !key(fd, argv[3]))
            break;
    }
    shutdown(fd, SHUT_RD);
    if (send(fd, "", 0, 0) < 0)
        warn("send:");
    return 0;
}
