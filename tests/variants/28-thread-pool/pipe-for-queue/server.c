/* What is different: the queue is a pipe. A record of 512 bytes is written and
 * read whole, and 128 of them fill it: write(2) is what waits then. Its end is
 * the end of the workers. Time runs from accept(2); the handler writes to
 * another pipe; who is not done then is given up; a page of two writes. */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "net.h"

struct item {
    int fd;
    struct timespec until;
    char unused[512 - sizeof(struct timespec) - sizeof(long)];
};

static int queue[2], told[2];
static long patience = 5;

static void handler(int sig)
{
    int err = errno;

    (void)sig;
    if (write(told[1], "", 1) == -1)
        errno = 0;
    errno = err;
}

static int ms_until(const struct timespec *t)
{
    struct timespec now;
    long long ms;

    clock_gettime(CLOCK_MONOTONIC, &now);
    ms = (t->tv_sec - now.tv_sec) * 1000LL +
         (t->tv_nsec - now.tv_nsec) / 1000000;
    return ms > 0 ? (int)ms : 0;
}

/* The next byte; -1 at the end, -2 when the time is over. */
static int byte(const struct item *c, char *buf, ssize_t *n, ssize_t *at)
{
    struct pollfd p[2] = { { .fd = c->fd, .events = POLLIN },
                           { .fd = told[0], .events = POLLIN } };

    if (*at == *n) {
        int got;

        while ((got = poll(p, 2, ms_until(&c->until))) == -1)
            continue;
        if (p[0].revents == 0)
            return got == 0 ? -2 : -1;
        *n = recv(c->fd, buf, 512, 0);
        *at = 0;
        if (*n <= 0) {
            *n = 0;
            return -1;
        }
    }
    return (unsigned char)buf[(*at)++];
}

static int request(const struct item *c)
{
    char buf[512], line[8194];
    ssize_t n = 0, at = 0;

    for (int lines = 0; lines <= 100; lines++) {
        size_t len = 0;
        int b;

        while ((b = byte(c, buf, &n, &at)) != '\n') {
            if (b < 0)
                return b == -2 ? 408 : 0;
            if (len == 8193 || (len == 8192 && b != '\r'))
                return 431;
            line[len++] = (char)b;
        }
        if (len > 0 && line[len - 1] == '\r')
            len--;
        flockfile(stdout);
        for (size_t i = 0; i < len; i++)
            putc(line[i], stdout);
        putc('\n', stdout);
        fflush(stdout);
        funlockfile(stdout);
        if (len == 0)
            return 200;
    }
    return 431;
}

static void put(int fd, const char *s)
{
    send(fd, s, strlen(s), 0);
}

static void *work(void *unused)
{
    static const char page[] = "<P>This is my test server page</P>\n";
    struct item c;
    char head[200];

    while (read(queue[0], &c, sizeof c) == sizeof c) {
        struct pollfd p = { .fd = c.fd, .events = POLLIN };
        int status = request(&c);

        snprintf(head, sizeof head,
                 "HTTP/1.1 %s\r\ncontent-type: text/html\r\n"
                 "connection: close\r\ncontent-length: %zu\r\n\r\n",
                 status == 200   ? "200 OK"
                 : status == 431 ? "431 Long"
                                 : "408 Slow",
                 strlen(page));
        if (status != 0) {
            put(c.fd, head);
            put(c.fd, page);
        }
        shutdown(c.fd, SHUT_WR);
        for (int i = 0; i < 200; i++)
            if (poll(&p, 1, 30) != 1 ||
                recv(c.fd, head, sizeof head, 0) <= 0 ||
                ms_until(&c.until) == 0)
                break;
        close(c.fd);
    }
    return unused;
}

static long number(const char *s)
{
    size_t n = strlen(s);

    return n == 0 || n > 4 || strspn(s, "0123456789") < n ? 0 : atol(s);
}

static void welcome(int lfd)
{
    static struct item c;

    c.fd = accept(lfd, NULL, NULL);
    if (c.fd == -1) {
        poll(NULL, 0, 20);
        return;
    }
    fcntl(c.fd, F_SETFL, 0);
    fputs("New client connected!\n", stderr);
    clock_gettime(CLOCK_MONOTONIC, &c.until);
    c.until.tv_sec += patience;
    while (write(queue[1], &c, sizeof c) == -1 && errno == EINTR)
        continue;
}

int main(int argc, char *argv[])
{
    long workers = argc > 3 ? number(argv[3]) : 4;
    static pthread_t threads[10000];
    struct pollfd p[2];
    const char *why;
    int lfd;

    prog = argv[0];
    patience = argc > 4 ? number(argv[4]) : 5;
    if (argc > 5 || (argc > 1 && !is_port(argv[1])) || workers == 0 ||
        patience == 0)
        usage(argv, "server [PORT [ADDRESS [WORKERS [SECONDS]]]]");
    if (pipe(queue) == -1 || pipe(told) == -1)
        die("pipe:");
    fcntl(told[1], F_SETFL, O_NONBLOCK);
    on_signal(SIGPIPE, SIG_IGN, 0);
    on_signal(SIGINT, handler, SA_RESTART);
    on_signal(SIGTERM, handler, SA_RESTART);
    lfd = tcp_listen(argc > 2 ? argv[2] : "127.0.0.1",
                     argc > 1 ? argv[1] : "8080", &why);
    if (lfd < 0)
        die("listen: %s", why);
    fcntl(lfd, F_SETFL, O_NONBLOCK);
    for (long i = 0; i < workers; i++)
        if ((errno = pthread_create(&threads[i], NULL, work, NULL)) != 0)
            die("pthread_create, thread %ld:", i);
    fprintf(stderr, "Server launched, listening on port: %d\n",
            sock_port(lfd));
    p[0] = (struct pollfd){ .fd = lfd, .events = POLLIN };
    p[1] = (struct pollfd){ .fd = told[0], .events = POLLIN };
    for (p[1].revents = 0; p[1].revents == 0;)
        if (poll(p, 2, -1) > 0 && p[0].revents != 0)
            welcome(lfd);
    close(lfd);
    close(queue[1]);
    for (long i = 0; i < workers; i++)
        pthread_join(threads[i], NULL);
    exit(0);
}
