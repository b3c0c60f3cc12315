/* What is different: no thread hands a client to another one. The thread that
 * has accepted a client makes the thread that accepts the next one, then
 * serves its own client and ends; main only sleeps. Where none can be made,
 * it answers 503 itself and goes on accepting. Reads byte by byte, prints
 * with one write(2) a line under a lock. */
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

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_attr_t detached;
static int lfd;

static void say(int fd, const char *status, const char *page)
{
    char head[300];

    snprintf(head, sizeof head,
             "HTTP/1.1 %s\r\nConnection: close\r\n"
             "Content-Type: text/html\r\nContent-Length: %zu\r\n\r\n",
             status, strlen(page));
    writen(fd, head, strlen(head));
    writen(fd, page, strlen(page));
}

static int request(int fd)
{
    char line[8194];

    for (int count = 0; count <= 100; count++) {
        size_t n = 0;
        char c = '\0';

        while (readn(fd, &c, 1) == 1 && c != '\n') {
            if (n == 8193 || (n == 8192 && c != '\r'))
                return 431;
            line[n++] = c;
        }
        if (c != '\n')
            return 0;
        if (n > 0 && line[n - 1] == '\r')
            n--;
        line[n] = '\n';
        pthread_mutex_lock(&lock);
        writen(1, line, n + 1);
        pthread_mutex_unlock(&lock);
        if (n == 0)
            return 200;
    }
    return 431;
}

static void serve(int fd)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };
    int status = request(fd);
    char drop[4096];

    if (status == 200)
        say(fd, "200 OK", "<P>This is my test server page</P>");
    else if (status == 431)
        say(fd, "431 Long", "long");
    shutdown(fd, SHUT_WR);
    while (poll(&p, 1, 1500) == 1 && read(fd, drop, sizeof drop) > 0)
        continue;
    close(fd);
}

static void *leader(void *unused)
{
    pthread_t thread;
    int fd;

    for (;;) {
        while ((fd = accept(lfd, NULL, NULL)) < 0)
            poll(NULL, 0, 10);
        fprintf(stderr, "New client connected\n");
        if (pthread_create(&thread, &detached, leader, NULL) == 0)
            break;
        say(fd, "503 Service Unavailable", "later");
        close(fd);
    }
    serve(fd);
    return unused;
}

int main(int argc, char *argv[])
{
    const char *why;
    pthread_t first;

    prog = argv[0];
    if (argc > 3 || (argc > 1 && !is_port(argv[1])))
        usage(argv, "server [PORT [ADDRESS]]");
    on_signal(SIGPIPE, SIG_IGN, 0);
    lfd = tcp_listen(argc > 2 ? argv[2] : "127.0.0.1",
                     argc > 1 ? argv[1] : "8080", &why);
    if (lfd < 0)
        die("listen: %s", why);
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&detached, 256 * 1024);
    fprintf(stderr, "Server launched, listening on port: %d\n",
            sock_port(lfd));
    if (pthread_create(&first, &detached, leader, NULL) != 0)
        die("no thread");
    for (;;)
        pause();
}
