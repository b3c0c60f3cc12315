/* net.c - the helpers of net.h, which says what each one does. */
#define _POSIX_C_SOURCE 200809L

#include "net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

/* ---- Messages and the command line ------------------------------------ */

const char *prog = "program";

/* One fputs a line: stderr has no buffer, so that is one write(2), and lines
 * of threads or processes that speak at the same time do not mix. */
static void say(const char *format, va_list args, int err)
{
    char text[3072], reason[256] = "", line[4096];
    const char *slash = strrchr(prog, '/');
    const char *name = slash != NULL ? slash + 1 : prog;
    size_t flen = strlen(format);

    if (flen > 0 && format[flen - 1] == ':') {
        reason[0] = ' '; /* strerror(3) itself is not for threads */
        strerror_r(err, reason + 1, sizeof reason - 1);
    }
    vsnprintf(text, sizeof text, format, args);
    snprintf(line, sizeof line - 1, "%s: %s%s", name, text, reason);
    strcat(line, "\n");
    fputs(line, stderr);
}

void warn(const char *format, ...)
{
    int err = errno;
    va_list args;

    va_start(args, format);
    say(format, args, err);
    va_end(args);
    errno = err;
}

void die(const char *format, ...)
{
    int err = errno;
    va_list args;

    fflush(stdout);
    va_start(args, format);
    say(format, args, err);
    va_end(args);
    exit(1);
}

void usage(char *const argv[], const char *text)
{
    bool help = argv[0] != NULL && argv[1] != NULL && argv[2] == NULL &&
                strcmp(argv[1], "--help") == 0;

    if (!help) {
        fprintf(stderr, "usage: %s\n", text);
        exit(2);
    }
    if (printf("usage: %s\n", text) < 0 || fflush(stdout) == EOF)
        die("write stdout:");
    exit(0);
}

bool is_port(const char *text)
{
    size_t len = strlen(text);

    return len > 0 && strspn(text, "0123456789") == len &&
           strtol(text, NULL, 10) <= 65535;
}

/* ---- Bytes and lines --------------------------------------------------- */

/* read(2) that a signal does not end. */
static ssize_t read_some(int fd, void *buf, size_t n)
{
    ssize_t nread;

    do
        nread = read(fd, buf, n);
    while (nread < 0 && errno == EINTR);
    return nread;
}

ssize_t readn(int fd, void *buf, size_t n)
{
    char *at = buf;
    size_t left = n;

    while (left > 0) {
        ssize_t nread = read_some(fd, at, left);
        if (nread < 0)
            return -1;
        if (nread == 0)
            break;
        at += nread;
        left -= (size_t)nread;
    }
    return (ssize_t)(n - left);
}

int writen(int fd, const void *buf, size_t n)
{
    const char *at = buf;

    while (n > 0) {
        ssize_t nwritten = write(fd, at, n);
        if (nwritten < 0 && errno == EINTR)
            continue;
        if (nwritten < 0)
            return -1;
        at += nwritten;
        n -= (size_t)nwritten;
    }
    return 0;
}

/* Returns 1 with the next byte in *c, 0 at the end of the input, or -1. */
static int next_byte(struct line_reader *in, char *c)
{
    if (in->pos == in->end) {
        if (in->wait != NULL && in->wait(in) < 0)
            return -1;
        ssize_t nread = read_some(in->fd, in->buf, sizeof in->buf);
        if (nread <= 0)
            return (int)nread;
        in->pos = 0;
        in->end = (size_t)nread;
    }
    *c = in->buf[in->pos++];
    return 1;
}

ssize_t read_line(struct line_reader *in, char *line, size_t size)
{
    size_t max = size > 3 ? size - 3 : 0, len = 0;
    char c = '\0';

    while (len < size - 1 && c != '\n') {
        int got = next_byte(in, &c);
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        line[len++] = c;
        /* One byte more than max may still be the CR of the line's end. */
        bool end = c == '\n' || (c == '\r' && len == max + 1);
        if (len > max && !end) {
            errno = EMSGSIZE;
            return -1;
        }
    }
    line[len] = '\0';
    return (ssize_t)len;
}

/* ---- Sockets ------------------------------------------------------------ */

/* Makes a new descriptor as net.h promises: close-on-exec and above 2. Takes
 * fd over; returns it or its copy, or -1 and fd is closed. Linux could do the
 * first half in socket(2) and accept4(2), macOS cannot. */
static int keep(int fd)
{
    if (fd > 2 && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0)
        return fd;
    if (fd < 0)
        return -1;

    int copy = fd > 2 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
    int err = errno;
    close(fd);
    errno = err;
    return copy;
}

/* getaddrinfo(3), with its failure as a text. EAI_SYSTEM alone says that
 * errno has the reason. Free the list with freeaddrinfo(3). */
static struct addrinfo *resolve(const char *host, const char *port, int type,
                                const char **why)
{
    struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = type };
    struct addrinfo *list = NULL;

    errno = 0;
    int rc = getaddrinfo(host, port, &hints, &list);
    if (rc == 0)
        return list;
    *why = rc == EAI_SYSTEM && errno != 0 ? strerror(errno) : gai_strerror(rc);
    return NULL;
}

/* Makes a socket for each address of host in turn, until set_up (bind or
 * connect, 0 or -1) works with one. The reason is taken before close(2) and
 * freeaddrinfo(3) can change errno. */
static int open_first(const char *host, const char *port, int type,
                      int (*set_up)(int, const struct addrinfo *),
                      const char **why)
{
    struct addrinfo *list = resolve(host, port, type, why);
    int fd = -1, err = 0;

    for (const struct addrinfo *ai = list; ai != NULL; ai = ai->ai_next) {
        fd = keep(socket(ai->ai_family, ai->ai_socktype, ai->ai_protocol));
        if (fd >= 0 && set_up(fd, ai) == 0)
            break;
        err = errno;
        *why = strerror(err);
        if (fd >= 0)
            close(fd);
        fd = -1;
    }
    if (list != NULL)
        freeaddrinfo(list);
    errno = err;
    return fd;
}

/* IPV6_V6ONLY differs from system to system where it is not set; without it
 * "::" serves IPv4 too (ipv6(7)). */
static int bind_to(int fd, const struct addrinfo *ai)
{
    int off = 0;

    if (ai->ai_family == AF_INET6 &&
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) < 0)
        return -1;
    return bind(fd, ai->ai_addr, ai->ai_addrlen);
}

/* SO_REUSEADDR is set before bind(2), which is where it matters. SOMAXCONN:
 * with a short queue, clients that come together wait a second and more. */
static int listen_on(int fd, const struct addrinfo *ai)
{
    int on = 1;

    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
        bind_to(fd, ai) < 0)
        return -1;
    return listen(fd, SOMAXCONN);
}

/* A connect(2) that a signal interrupts goes on by itself and cannot be
 * called again: poll(2) tells when it is over, SO_ERROR how it ended. */
static int connect_to(int fd, const struct addrinfo *ai)
{
    struct pollfd pfd = { .fd = fd, .events = POLLOUT };
    int err = 0;
    socklen_t len = sizeof err;

    if (connect(fd, ai->ai_addr, ai->ai_addrlen) == 0)
        return 0;
    if (errno != EINTR)
        return -1;
    while (poll(&pfd, 1, -1) < 0)
        if (errno != EINTR)
            return -1;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
        return -1;
    errno = err;
    return err == 0 ? 0 : -1;
}

int tcp_listen(const char *host, const char *port, const char **why)
{
    return open_first(host, port, SOCK_STREAM, listen_on, why);
}

int tcp_connect(const char *host, const char *port, const char **why)
{
    return open_first(host, port, SOCK_STREAM, connect_to, why);
}

int udp_bind(const char *host, const char *port, const char **why)
{
    return open_first(host, port, SOCK_DGRAM, bind_to, why);
}

int make_pipe(int ends[2])
{
    if (pipe(ends) < 0)
        return -1;
    for (int i = 0; i < 2; i++) {
        ends[i] = keep(ends[i]);
        if (ends[i] < 0) {
            int err = errno;
            close(ends[1 - i]);
            errno = err;
            return -1;
        }
    }
    return 0;
}

int tcp_accept(int lfd, struct sockaddr_storage *peer, socklen_t *len)
{
    int cfd;

    do {
        *len = sizeof *peer;
        cfd = accept(lfd, (struct sockaddr *)peer, len);
    } while (cfd < 0 && (errno == EINTR || errno == ECONNABORTED));
    return keep(cfd);
}

const char *addr_str(const struct sockaddr *sa, socklen_t len,
                     char buf[ADDR_STR_MAX])
{
    char host[INET6_ADDRSTRLEN + 20], port[6];

    if (sa->sa_family == AF_UNIX) {
        size_t skip = offsetof(struct sockaddr_un, sun_path);
        int n = len > skip ? (int)(len - skip) : 0;
        snprintf(buf, ADDR_STR_MAX, "unix:%.*s", n, (const char *)sa + skip);
    } else if (getnameinfo(sa, len, host, sizeof host, port, sizeof port,
                           NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
        snprintf(buf, ADDR_STR_MAX, "unknown address");
    } else {
        bool v6 = sa->sa_family == AF_INET6;
        snprintf(buf, ADDR_STR_MAX, v6 ? "[%s]:%s" : "%s:%s", host, port);
    }
    return buf;
}

int sock_port(int fd)
{
    struct sockaddr_storage addr;
    socklen_t len = sizeof addr;

    if (getsockname(fd, (struct sockaddr *)&addr, &len) < 0)
        return -1;
    if (addr.ss_family == AF_INET)
        return ntohs(((struct sockaddr_in *)&addr)->sin_port);
    if (addr.ss_family == AF_INET6)
        return ntohs(((struct sockaddr_in6 *)&addr)->sin6_port);
    errno = EAFNOSUPPORT;
    return -1;
}

/* ---- Signals ------------------------------------------------------------ */

int on_signal(int sig, void (*fn)(int), int flags)
{
    struct sigaction action = { .sa_handler = fn, .sa_flags = flags };

    sigemptyset(&action.sa_mask);
    return sigaction(sig, &action, NULL);
}
