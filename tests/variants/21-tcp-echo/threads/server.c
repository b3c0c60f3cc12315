/* server.c - an echo server with a detached thread for each client, big
 * buffers, and read calls that give up every tenth of a second to look whether
 * the server shall end. Own messages, lib/ for nothing but the port.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "net.h"

static volatile sig_atomic_t stop;

static void on_term(int sig)
{
    stop = sig;
}

static int send_all(int fd, const char *p, const char *end)
{
    while (p < end && stop == 0) {
        ssize_t n = send(fd, p, (size_t)(end - p), MSG_NOSIGNAL);
        if (n > 0)
            p += n;
        else if (errno != EINTR && errno != EAGAIN)
            return -1;
    }
    return 0;
}

static void *client(void *arg)
{
    int fd = (int)(intptr_t)arg;
    struct timeval tenth = { .tv_usec = 100000 };
    char *buf = malloc(70000);

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tenth, sizeof tenth);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tenth, sizeof tenth);
    while (buf != NULL && stop == 0) {
        ssize_t n = recv(fd, buf, 70000, 0);
        if (n == -1 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (n <= 0 || send_all(fd, buf, buf + n) == -1)
            break;
    }
    shutdown(fd, SHUT_WR);
    close(fd);
    free(buf);
    return NULL;
}

static void start(int fd)
{
    pthread_t t;
    pthread_attr_t attr;

    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, 128 << 10);
    if (pthread_create(&t, &attr, client, (void *)(intptr_t)fd) != 0)
        close(fd);
    pthread_attr_destroy(&attr);
}

static int give_up(const char *what, const char *why)
{
    fprintf(stderr, "server: %s: %s\n", what, why);
    return 1;
}

static int open_one(const struct addrinfo *ai, const char **what)
{
    int fd = socket(ai->ai_family, ai->ai_socktype, ai->ai_protocol);
    int one = 1, saved;

    *what = "socket";
    if (fd == -1)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    *what = "bind";
    if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0) {
        *what = "listen";
        if (listen(fd, 128) == 0)
            return fd;
    }
    saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

int main(int argc, char *argv[])
{
    const char *port = argc > 1 ? argv[1] : "8080", *what = "";
    struct addrinfo hints = { .ai_family = AF_UNSPEC,
                              .ai_flags = AI_PASSIVE | AI_ADDRCONFIG,
                              .ai_socktype = SOCK_STREAM };
    struct addrinfo *list, *ai;
    struct sigaction action = { .sa_handler = on_term };
    char name[256];
    int lfd = -1, rc;

    if (argc > 3 || !is_port(port))
        usage(argv, "server [PORT [ADDRESS]]");
    rc = getaddrinfo(argc > 2 ? argv[2] : "127.0.0.1", port, &hints, &list);
    if (rc != 0)
        return give_up(argv[2], gai_strerror(rc));
    for (ai = list; ai != NULL && lfd == -1; ai = ai->ai_next)
        lfd = open_one(ai, &what);
    if (lfd == -1)
        return give_up(what, strerror(errno));
    freeaddrinfo(list);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    signal(SIGPIPE, SIG_IGN); /* stderr, too, may be a pipe */
    fprintf(stderr, "Server launched, listening on port: %d\n", sock_port(lfd));
    while (stop == 0) {
        struct sockaddr_storage a;
        socklen_t len = sizeof a;
        struct timeval tenth = { .tv_usec = 100000 };
        fd_set set;
        FD_ZERO(&set);
        FD_SET(lfd, &set);
        if (select(lfd + 1, &set, NULL, NULL, &tenth) != 1)
            continue;
        int fd = accept(lfd, (struct sockaddr *)&a, &len);
        if (fd == -1)
            continue;
        getnameinfo((struct sockaddr *)&a, len, name, sizeof name, NULL, 0,
                    NI_NUMERICHOST);
        fprintf(stderr, "New client connected from %s!\n", name);
        start(fd);
    }
    return 128 + (int)stop;
}
