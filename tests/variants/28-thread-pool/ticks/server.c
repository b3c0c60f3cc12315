/* What is different: a queue with a single place, one condition for both sides,
 * waited for with pthread_cond_timedwait(3); read(2) never waits, and is tried
 * again every 10 ms; accept(2) waits a tenth of a second at a time, by
 * SO_RCVTIMEO; head and page go by writev(2), lines by write(2) under a lock. */
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
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "net.h"

enum { NOBODY = -1, GO_HOME = -2 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t paper = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int place = NOBODY, seconds = 5;
static volatile sig_atomic_t stop;

static void handler(int sig)
{
    (void)sig;
    stop = 1;
}

static void doze(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_sec++;
    pthread_cond_timedwait(&changed, &lock, &t);
}

/* Puts fd there as soon as the place is free; GO_HOME stays there. */
static void put(int fd)
{
    pthread_mutex_lock(&lock);
    while (place != NOBODY)
        doze();
    place = fd;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static int take(void)
{
    int fd;

    pthread_mutex_lock(&lock);
    while (place == NOBODY)
        doze();
    fd = place;
    if (fd != GO_HOME)
        place = NOBODY;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    return fd;
}

static long ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void print(const char *p, size_t n)
{
    pthread_mutex_lock(&paper);
    while (n > 0) {
        ssize_t w = write(1, p, n);

        if (w == -1 && errno != EINTR)
            break;
        if (w > 0) {
            p += w;
            n -= (size_t)w;
        }
    }
    pthread_mutex_unlock(&paper);
}

static int request(int fd)
{
    char line[8195];
    long end = ms() + 1000L * seconds;
    int lines = 0;
    size_t n = 0;

    while (lines <= 100) {
        ssize_t got = recv(fd, line + n, 1, MSG_DONTWAIT);

        if (got == -1 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            struct pollfd p = { .fd = fd, .events = POLLIN };

            if (ms() > end)
                return 408;
            poll(&p, 1, 10);
            continue;
        }
        if (got <= 0)
            return 0;
        if (line[n++] != '\n') {
            if (n > 8193 || (n == 8193 && line[n - 1] != '\r'))
                return 431;
            continue;
        }
        if (n > 1 && line[n - 2] == '\r')
            line[--n - 1] = '\n';
        print(line, n);
        if (n == 1)
            return 200;
        lines++;
        n = 0;
    }
    return 431;
}

static void *work(void *unused)
{
    static char page[] = "<P>This is my test server page</P>";
    char head[200];
    int fd;

    while ((fd = take()) != GO_HOME) {
        struct pollfd p = { .fd = fd, .events = POLLIN };
        int status = request(fd);
        long end = ms() + 500;

        snprintf(head, sizeof head,
                 "HTTP/1.1 %s\r\nConnection: close\r\nContent-Type: "
                 "text/html; x=y\r\nContent-Length: %zu\r\n\r\n",
                 status == 200   ? "200 OK"
                 : status == 431 ? "431 Long"
                                 : "408 Slow",
                 strlen(page));
        if (status != 0) {
            struct iovec both[2] = { { head, strlen(head) },
                                     { page, strlen(page) } };

            if (writev(fd, both, 2) == -1)
                fprintf(stderr, "a client has gone\n");
        }
        shutdown(fd, SHUT_WR);
        while (ms() < end && poll(&p, 1, 50) == 1 &&
               recv(fd, head, sizeof head, 0) > 0)
            continue;
        close(fd);
    }
    return unused;
}

static int number(const char *s)
{
    size_t n = strlen(s);

    return n == 0 || n > 3 || strspn(s, "0123456789") < n ? 0 : atoi(s);
}

int main(int argc, char *argv[])
{
    int workers = argc > 3 ? number(argv[3]) : 4, lfd, err;
    struct timeval tenth = { .tv_usec = 100000 };
    pthread_t threads[1000];
    const char *why;
    sigset_t ends;

    prog = argv[0];
    seconds = argc > 4 ? number(argv[4]) : 5;
    if (argc > 5 || (argc > 1 && !is_port(argv[1])) || workers == 0 ||
        seconds == 0)
        usage(argv, "server [PORT [ADDRESS [WORKERS [SECONDS]]]]");
    on_signal(SIGPIPE, SIG_IGN, 0);
    lfd = tcp_listen(argc > 2 ? argv[2] : "127.0.0.1",
                     argc > 1 ? argv[1] : "8080", &why);
    if (lfd < 0)
        die("listen: %s", why);
    setsockopt(lfd, SOL_SOCKET, SO_RCVTIMEO, &tenth, sizeof tenth);
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &ends, NULL);
    for (int i = 0; i < workers; i++) {
        err = pthread_create(&threads[i], NULL, work, NULL);
        if (err != 0)
            die("a worker: %s", strerror(err));
    }
    on_signal(SIGINT, handler, 0);
    on_signal(SIGTERM, handler, 0);
    pthread_sigmask(SIG_UNBLOCK, &ends, NULL);
    fprintf(stderr, "Server launched, listening on port: %d\n",
            sock_port(lfd));
    while (!stop) {
        int fd = accept(lfd, NULL, NULL);

        if (fd == -1) {
            if (errno != EAGAIN && errno != EINTR)
                poll(NULL, 0, 30);
            continue;
        }
        fprintf(stderr, "New client connected\n");
        put(fd);
    }
    close(lfd);
    put(GO_HOME);
    for (int i = 0; i < workers; i++)
        pthread_join(threads[i], NULL);
    return 0;
}
