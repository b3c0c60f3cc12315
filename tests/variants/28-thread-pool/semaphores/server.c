/* What is different: two semaphores and a lock for the queue; before each
 * read(2), SO_RCVTIMEO is set to what is left of the client's time, which runs
 * from the moment a worker has it; a thread of its own waits for signals with
 * sigwait(3), main looks at what it says ten times a second; at the end each
 * worker finds a -1 in the queue. Silent clients have their time also then. */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "net.h"

enum { ROOM = 200 };

static int ring[ROOM], in_at, out_at, seconds = 5;
static sem_t rooms, items;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool stop;

static void down(sem_t *s)
{
    while (sem_wait(s) == -1)
        continue;
}

static void put(int fd)
{
    down(&rooms);
    pthread_mutex_lock(&lock);
    ring[in_at++ % ROOM] = fd;
    pthread_mutex_unlock(&lock);
    sem_post(&items);
}

static int take(void)
{
    int fd;

    down(&items);
    pthread_mutex_lock(&lock);
    fd = ring[out_at++ % ROOM];
    pthread_mutex_unlock(&lock);
    sem_post(&rooms);
    return fd;
}

static double seconds_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void say(int fd, const char *status, const char *page)
{
    char all[400];

    snprintf(all, sizeof all,
             "HTTP/1.1 %s\r\nContent-Type: text/html\r\n"
             "Connection: close\r\nContent-Length: %zu\r\n\r\n%s",
             status, strlen(page), page);
    writen(fd, all, strlen(all));
}

static void limit(int fd, double left)
{
    struct timeval t = { (time_t)left,
                         (suseconds_t)((left - (double)(time_t)left) * 1e6) };

    if (t.tv_sec == 0 && t.tv_usec < 1000)
        t.tv_usec = 1000; /* 0 is for ever */
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
}

/* 200, 431, 408, or 0. */
static int request(int fd, double end)
{
    char buf[1000], line[8195];
    size_t len = 0;
    int lines = 0;

    for (;;) {
        double left = end - seconds_now();
        ssize_t n;

        if (left <= 0) /* whatever came in time: it is over */
            return 408;
        limit(fd, left);
        n = read(fd, buf, sizeof buf);
        if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return 408;
        if (n <= 0)
            return 0;
        for (ssize_t i = 0; i < n; i++) {
            line[len++] = buf[i];
            if (buf[i] == '\n') {
                len -= len > 1 && line[len - 2] == '\r' ? 2 : 1;
                line[len] = '\n';
                fwrite(line, 1, len + 1, stdout);
                fflush(stdout);
                if (len == 0)
                    return 200;
                if (++lines > 100)
                    return 431;
                len = 0;
            } else if (len > 8193 || (len == 8193 && buf[i] != '\r'))
                return 431;
        }
    }
}

static void *work(void *unused)
{
    struct pollfd p = { .events = POLLIN };
    char drop[4096];

    while ((p.fd = take()) != -1) {
        double end = seconds_now() + seconds;
        int status = request(p.fd, end);

        if (status == 200)
            say(p.fd, "200 OK", "<P>This is my test server page</P>");
        else if (status == 431)
            say(p.fd, "431 Long", "long");
        else if (status == 408)
            say(p.fd, "408 Slow", "slow");
        shutdown(p.fd, SHUT_WR);
        end = seconds_now() + 0.4;
        while (seconds_now() < end && poll(&p, 1, 80) == 1 &&
               read(p.fd, drop, sizeof drop) > 0)
            continue;
        close(p.fd);
    }
    return unused;
}

static void *wait_for_signals(void *arg)
{
    int sig;

    sigwait(arg, &sig);
    atomic_store(&stop, true);
    return NULL;
}

static int number(const char *s)
{
    char *end;
    long n;

    errno = 0;
    n = strtol(s, &end, 10);
    return *s < '0' || *s > '9' || *end != '\0' || errno != 0 || n > 3600
               ? 0
               : (int)n;
}

static void make(pthread_t *t, void *(*f)(void *), void *arg)
{
    int err = pthread_create(t, NULL, f, arg);

    if (err != 0)
        die("no thread: %s", strerror(err));
}

int main(int argc, char *argv[])
{
    int workers = argc > 3 ? number(argv[3]) : 4, lfd;
    pthread_t threads[3600], waiter;
    struct pollfd p = { .events = POLLIN };
    const char *why;
    sigset_t ends;

    prog = argv[0];
    seconds = argc > 4 ? number(argv[4]) : 5;
    if (argc > 5 || (argc > 1 && !is_port(argv[1])) || workers == 0 ||
        seconds == 0)
        usage(argv, "server [PORT [ADDRESS [WORKERS [SECONDS]]]]");
    on_signal(SIGPIPE, SIG_IGN, 0);
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &ends, NULL);
    lfd = tcp_listen(argc > 2 ? argv[2] : "127.0.0.1",
                     argc > 1 ? argv[1] : "8080", &why);
    if (lfd < 0)
        die("listen: %s", why);
    sem_init(&rooms, 0, ROOM);
    sem_init(&items, 0, 0);
    make(&waiter, wait_for_signals, &ends);
    for (int i = 0; i < workers; i++)
        make(&threads[i], work, NULL);
    fprintf(stderr, "Server launched, listening on port: %d\n",
            sock_port(lfd));
    p.fd = lfd;
    while (!atomic_load(&stop)) {
        int fd = poll(&p, 1, 100) == 1 ? accept(lfd, NULL, NULL) : -1;

        if (fd >= 0) {
            fprintf(stderr, "New client connected\n");
            put(fd);
        } else if (p.revents != 0)
            poll(NULL, 0, 10);
    }
    close(lfd);
    for (int i = 0; i < workers; i++)
        put(-1);
    for (int i = 0; i < workers; i++)
        pthread_join(threads[i], NULL);
    pthread_join(waiter, NULL);
    return 0;
}
