/* What is different: read(2) blocks, and one thread more, made at the start,
 * looks at the clock every 50 ms: it calls shutdown(2) with SHUT_RD for whom is
 * late. The queue is a list, one condition is for all who wait, and it is
 * broadcast. Signals interrupt main only, in pselect(2), where alone they are
 * let through.
 *
 * Left out: ThreadSanitizer, which hands a signal on when pselect(2) has
 * returned, and not before. */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "net.h"

enum { MOST = 300, WORKERS_MAX = 500 };

struct client {
    struct client *next;
    int fd;
};

struct place {
    pthread_t thread;
    int fd;
    time_t until_s;
    long until_ns;
    bool late;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct client *first, **last = &first;
static struct place places[WORKERS_MAX];
static int waiting, seconds = 5, workers = 4;
static bool closed, over;
static volatile sig_atomic_t signalled;

static void handler(int sig)
{
    signalled = sig;
}

static void put(int fd)
{
    struct client *c = malloc(sizeof *c);

    if (c == NULL) {
        close(fd);
        return;
    }
    *c = (struct client){ .fd = fd };
    pthread_mutex_lock(&lock);
    while (waiting >= MOST)
        pthread_cond_wait(&changed, &lock);
    *last = c;
    last = &c->next;
    waiting++;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static bool take(struct place *p)
{
    struct client *c;
    struct timespec now;

    pthread_mutex_lock(&lock);
    while (first == NULL && !closed)
        pthread_cond_wait(&changed, &lock);
    c = first;
    if (c != NULL) {
        first = c->next;
        if (first == NULL)
            last = &first;
        waiting--;
        clock_gettime(CLOCK_MONOTONIC, &now);
        p->fd = c->fd;
        p->until_s = now.tv_sec + seconds;
        p->until_ns = now.tv_nsec;
        p->late = false;
        pthread_cond_broadcast(&changed);
    }
    pthread_mutex_unlock(&lock);
    free(c);
    return c != NULL;
}

static void *watch(void *unused)
{
    struct timespec now;

    pthread_mutex_lock(&lock);
    while (!over) {
        clock_gettime(CLOCK_MONOTONIC, &now);
        for (int i = 0; i < workers; i++) {
            struct place *p = &places[i];

            if (p->fd == -1 || p->late || now.tv_sec < p->until_s ||
                (now.tv_sec == p->until_s && now.tv_nsec < p->until_ns))
                continue;
            p->late = true;
            shutdown(p->fd, SHUT_RD);
        }
        pthread_mutex_unlock(&lock);
        poll(NULL, 0, 50);
        pthread_mutex_lock(&lock);
    }
    pthread_mutex_unlock(&lock);
    return unused;
}

static int request(int fd)
{
    struct line_reader in = { .fd = fd };
    char line[8195];

    for (int count = 0; count <= 100; count++) {
        ssize_t n = read_line(&in, line, sizeof line);

        if (n < 0 && errno == EMSGSIZE)
            return 431;
        if (n <= 0 || line[n - 1] != '\n')
            return 0;
        n -= n > 1 && line[n - 2] == '\r' ? 2 : 1;
        line[n] = '\n';
        fwrite(line, (size_t)n + 1, 1, stdout);
        fflush(stdout);
        if (n == 0)
            return 200;
    }
    return 431;
}

static void say(int fd, int status, const char *page)
{
    dprintf(fd,
            "HTTP/1.1 %s\r\nContent-Length: %zu\r\n"
            "Content-Type: text/html\r\nConnection: close\r\n\r\n%s",
            status == 200 ? "200 OK" : status == 431 ? "431 Long" : "408 Slow",
            strlen(page), page);
}

static void *work(void *arg)
{
    struct place *p = arg;
    char drop[4096];

    while (take(p)) {
        struct pollfd end = { .fd = p->fd, .events = POLLIN };
        int fd = p->fd, status = request(fd);
        bool late;

        pthread_mutex_lock(&lock);
        late = p->late;
        p->fd = -1;
        pthread_mutex_unlock(&lock);
        if (status == 0 && late)
            status = 408;
        if (status != 0)
            say(fd, status, "<html><P>This is my test server page</P></html>");
        shutdown(fd, SHUT_WR);
        for (int i = 0; i < 10 && poll(&end, 1, 50) == 1; i++)
            while (recv(fd, drop, sizeof drop, MSG_DONTWAIT) > 0)
                continue;
        close(fd);
    }
    return NULL;
}

static int number(const char *s, int most)
{
    int n = 0;

    for (; *s >= '0' && *s <= '9' && n <= most; s++)
        n = 10 * n + (*s - '0');
    return *s == '\0' && n <= most ? n : 0;
}

int main(int argc, char *argv[])
{
    sigset_t ends, before;
    pthread_t watcher;
    const char *why;
    int lfd, fd, err;
    fd_set set;

    prog = argv[0];
    workers = argc > 3 ? number(argv[3], WORKERS_MAX) : 4;
    seconds = argc > 4 ? number(argv[4], 99999) : 5;
    if (argc > 5 || (argc > 1 && !is_port(argv[1])) || workers == 0 ||
        seconds == 0)
        usage(argv, "server [PORT [ADDRESS [WORKERS [SECONDS]]]]");
    on_signal(SIGPIPE, SIG_IGN, 0);
    on_signal(SIGINT, handler, 0);
    on_signal(SIGTERM, handler, 0);
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &ends, &before);
    lfd = tcp_listen(argc > 2 ? argv[2] : "127.0.0.1",
                     argc > 1 ? argv[1] : "8080", &why);
    if (lfd < 0)
        die("listen: %s", why);
    fcntl(lfd, F_SETFL, O_NONBLOCK);
    for (int i = 0; i < workers; i++)
        places[i].fd = -1;
    err = pthread_create(&watcher, NULL, watch, NULL);
    for (int i = 0; i < workers && err == 0; i++)
        err = pthread_create(&places[i].thread, NULL, work, &places[i]);
    if (err != 0)
        die("a thread cannot be made: %s", strerror(err));
    fprintf(stderr, "Server launched, listening on port: %d\n",
            sock_port(lfd));
    while (!signalled) {
        FD_ZERO(&set);
        FD_SET(lfd, &set); /* a small number: the first that was opened */
        if (pselect(lfd + 1, &set, NULL, NULL, NULL, &before) < 1)
            continue;
        fd = accept(lfd, NULL, NULL);
        if (fd == -1) {
            poll(NULL, 0, errno == EAGAIN ? 0 : 50);
            continue;
        }
        fprintf(stderr, "New client connected\n");
        put(fd);
    }
    close(lfd);
    pthread_mutex_lock(&lock);
    closed = true;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    for (int i = 0; i < workers; i++)
        pthread_join(places[i].thread, NULL);
    pthread_mutex_lock(&lock);
    over = true;
    pthread_mutex_unlock(&lock);
    pthread_join(watcher, NULL);
    return 0;
}
