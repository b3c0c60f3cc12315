/* A linked list, room for one that waits; an accept thread; main sits in
 * sigwait; the total deadline by SO_RCVTIMEO. */
#define _GNU_SOURCE
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include "net.h"
struct node {
    int fd;
    struct node *next;
};
static struct node *first, **last = &first;
static int count, over, done, lfd, seconds = 5;
static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER, om = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t some = PTHREAD_COND_INITIALIZER, room = PTHREAD_COND_INITIALIZER;
static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
static void reply(int fd, const char *status, double end)
{
    const char *p = "<html><body><P>This is my test server page</P></body></html>";
    char b[600];
    struct timeval tv = { 1, 0 };
    int n = snprintf(b, sizeof b, "HTTP/1.1 %s\r\ncontent-type: text/html; charset=utf-8\r\nCONTENT-LENGTH: %zu\r\nconnection: Close\r\n\r\n%s", status, strlen(p), p);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv);
    (void)!write(fd, b, (size_t)n);
    shutdown(fd, SHUT_WR);
    if (now() + 0.2 > end)
        end = now() + 0.2;
    while (now() < end) {
        struct timeval t2;
        double d = end - now();
        static __thread char junk[65536];
        if (d < 0.001)
            d = 0.001;
        t2.tv_sec = (time_t)d;
        t2.tv_usec = (suseconds_t)((d - (double)t2.tv_sec) * 1e6);
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t2, sizeof t2);
        if (read(fd, junk, sizeof junk) <= 0)
            break;
    }
}
static void serve(int fd)
{
    double end = now() + seconds;
    char line[8200];
    size_t n = 0;
    int lines = 0;
    for (;;) {
        char b[2000];
        double d = end - now();
        struct timeval tv;
        ssize_t k;
        if (d <= 0) {
            reply(fd, "408 Request Timeout", 0);
            return;
        }
        if (d < 0.001)
            d = 0.001;
        tv.tv_sec = (time_t)d;
        tv.tv_usec = (suseconds_t)((d - (double)tv.tv_sec) * 1e6);
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
        k = read(fd, b, sizeof b);
        if (k < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (k <= 0)
            return;
        for (ssize_t i = 0; i < k; i++) {
            if (b[i] == '\n') {
                if (n && line[n - 1] == '\r')
                    n--;
                if (n > 8192) {
                    reply(fd, "431 Big", end);
                    return;
                }
                line[n] = '\n';
                pthread_mutex_lock(&om);
                fwrite(line, 1, n + 1, stdout);
                fflush(stdout);
                pthread_mutex_unlock(&om);
                if (n == 0) {
                    reply(fd, "200 OK", end);
                    return;
                }
                n = 0;
                if (++lines >= 100) {
                    reply(fd, "431 Big", end);
                    return;
                }
            } else {
                line[n++] = b[i];
                if (n > 8193 || (n == 8193 && b[i] != '\r')) {
                    reply(fd, "431 Big", end);
                    return;
                }
            }
        }
    }
}
static void *work(void *a)
{
    for (;;) {
        struct node *t;
        pthread_mutex_lock(&m);
        while (!first && !done)
            pthread_cond_wait(&some, &m);
        t = first;
        if (!t) {
            pthread_mutex_unlock(&m);
            return a;
        }
        if (!(first = t->next))
            last = &first;
        count--;
        pthread_cond_signal(&room);
        pthread_mutex_unlock(&m);
        serve(t->fd);
        close(t->fd);
        free(t);
    }
}
static void *taker(void *a)
{
    for (;;) {
        int fd;
        struct node *t;
        pthread_mutex_lock(&m);
        while (count >= 1 && !over)
            pthread_cond_wait(&room, &m);
        pthread_mutex_unlock(&m);
        fd = accept(lfd, 0, 0);
        pthread_mutex_lock(&m);
        if (over && fd < 0) {
            pthread_mutex_unlock(&m);
            return a;
        }
        pthread_mutex_unlock(&m);
        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE)
                poll(0, 0, 50);
            continue;
        }
        fprintf(stderr, "New client connected, number %d\n", fd);
        t = malloc(sizeof *t);
        t->fd = fd;
        t->next = 0;
        pthread_mutex_lock(&m);
        *last = t;
        last = &t->next;
        count++;
        pthread_cond_signal(&some);
        pthread_mutex_unlock(&m);
    }
}
static long num(const char *s)
{
    if (!*s || strspn(s, "0123456789") != strlen(s) || strlen(s) > 5)
        return 0;
    return atol(s);
}
int main(int argc, char **argv)
{
    const char *why;
    sigset_t set;
    int sig, nw = 4;
    pthread_t *t, at;
    prog = argv[0];
    if (argc > 5 || (argc == 2 && !strcmp(argv[1], "--help")) || (argc > 1 && !is_port(argv[1])))
        usage(argv, "server [PORT [ADDRESS [WORKERS [SECONDS]]]]");
    if (argc > 3 && (nw = (int)num(argv[3])) < 1)
        usage(argv, "x");
    if (argc > 4 && (seconds = (int)num(argv[4])) < 1)
        usage(argv, "x");
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set, 0);
    lfd = tcp_listen(argc > 2 ? argv[2] : "127.0.0.1", argc > 1 ? argv[1] : "8080", &why);
    if (lfd < 0)
        die("bind: %s", why);
    t = calloc((size_t)nw, sizeof *t);
    for (int i = 0; i < nw; i++) {
        int e = pthread_create(&t[i], 0, work, 0);
        if (e) {
            errno = e;
            die("worker:");
        }
    }
    {
        int e = pthread_create(&at, 0, taker, 0);
        if (e) {
            errno = e;
            die("thread:");
        }
    }
    fprintf(stderr, "Server launched, listening on port: %d\n", sock_port(lfd));
    sigwait(&set, &sig);
    pthread_mutex_lock(&m);
    over = 1;
    pthread_cond_broadcast(&some);
    pthread_cond_broadcast(&room);
    pthread_mutex_unlock(&m);
    shutdown(lfd, SHUT_RDWR);
    pthread_join(at, 0);
    pthread_mutex_lock(&m);
    done = 1; /* nobody comes into the queue any more */
    pthread_cond_broadcast(&some);
    pthread_mutex_unlock(&m);
    for (int i = 0; i < nw; i++)
        pthread_join(t[i], 0);
    return 0;
}
