/* What is different: a pool of threads made before, which grows by one where
 * a client comes and none is idle, and never shrinks; a queue between main and
 * the threads. When all are busy and no more can be made: 503. */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net.h"

enum { BEFORE = 3, ROOM = 4096 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t work = PTHREAD_COND_INITIALIZER;
static int queue[ROOM], head, queued, idle;

static void say(int fd, const char *status, const char *page)
{
    char all[400];

    snprintf(all, sizeof all,
             "HTTP/1.1 %s\r\nContent-Type: text/html\r\n"
             "Connection: close\r\nContent-Length: %zu\r\n\r\n%s",
             status, strlen(page), page);
    writen(fd, all, strlen(all));
}

static void bye(int fd, int ms)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };
    char drop[4096];

    shutdown(fd, SHUT_WR);
    while (poll(&p, 1, ms) == 1 && read(fd, drop, sizeof drop) > 0)
        continue;
    close(fd);
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

static void serve(int fd)
{
    int status = request(fd);

    if (status == 200)
        say(fd, "200 OK", "<P>This is my test server page</P>");
    else if (status == 431)
        say(fd, "431 Long", "long");
    bye(fd, 500);
}

static void *worker(void *unused)
{
    pthread_mutex_lock(&lock);
    for (;;) {
        int fd;

        idle++;
        while (queued == 0)
            pthread_cond_wait(&work, &lock);
        idle--;
        fd = queue[head];
        head = (head + 1) % ROOM;
        queued--;
        pthread_mutex_unlock(&lock);
        serve(fd);
        pthread_mutex_lock(&lock);
    }
    return unused;
}

static int one_more(void)
{
    pthread_attr_t attr;
    pthread_t thread;
    int err;

    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 128 * 1024);
    err = pthread_create(&thread, &attr, worker, NULL);
    pthread_attr_destroy(&attr);
    return err;
}

/* Does an idle thread take fd, or one that is made for it? */
static bool hand_over(int fd)
{
    bool taken;

    pthread_mutex_lock(&lock);
    taken = queued < ROOM && (idle > queued || one_more() == 0);
    if (taken) {
        queue[(head + queued) % ROOM] = fd;
        queued++;
        pthread_cond_signal(&work);
    }
    pthread_mutex_unlock(&lock);
    return taken;
}

int main(int argc, char *argv[])
{
    const char *why;
    int lfd;

    prog = argv[0];
    if (argc > 3 || (argc > 1 && !is_port(argv[1])))
        usage(argv, "server [PORT [ADDRESS]]");
    on_signal(SIGPIPE, SIG_IGN, 0);
    lfd = tcp_listen(argc > 2 ? argv[2] : "127.0.0.1",
                     argc > 1 ? argv[1] : "8080", &why);
    if (lfd < 0)
        die("listen: %s", why);
    for (int i = 0; i < BEFORE; i++)
        if (one_more() != 0)
            die("cannot make %d threads", BEFORE);
    fprintf(stderr, "Server launched, listening on port: %d\n",
            sock_port(lfd));
    for (;;) {
        int fd = accept(lfd, NULL, NULL);

        if (fd < 0) {
            poll(NULL, 0, 10);
            continue;
        }
        fprintf(stderr, "New client connected\n");
        if (!hand_over(fd)) {
            say(fd, "503 Service Unavailable", "later");
            bye(fd, 50);
        }
    }
}
