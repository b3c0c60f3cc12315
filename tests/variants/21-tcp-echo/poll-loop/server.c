/* server.c - an echo server for many clients at a time in one thread: poll(2),
 * sockets that do not block, and a buffer for each client that grows as much as
 * the client does not read. SIGTERM and SIGINT come through a pipe.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net.h"

enum { MAX = 1000 };

struct client {
    char *buf;
    size_t from, to, room;
    bool ended;
};

static struct pollfd pfds[MAX];
static struct client clients[MAX];
static nfds_t count;
static int wake[2];

static void on_term(int sig)
{
    ssize_t n = write(wake[1], &(char){ (char)sig }, 1);
    (void)n;
}

static void unblock(int fd)
{
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

static void add(int fd)
{
    unblock(fd);
    pfds[count] = (struct pollfd){ .fd = fd, .events = POLLIN };
    clients[count++] = (struct client){ .buf = NULL };
}

/* The last one takes the place of the one that goes. */
static void drop(nfds_t i)
{
    close(pfds[i].fd);
    free(clients[i].buf);
    pfds[i] = pfds[--count];
    clients[i] = clients[count];
}

static void welcome(int lfd)
{
    int fd = accept(lfd, NULL, NULL);

    if (fd == -1)
        return;
    fprintf(stderr, "New client connected on descriptor %d\n", fd);
    add(fd);
}

static bool take(int fd, struct client *c)
{
    if (c->to == c->room) {
        c->room = c->room * 2 + 512;
        c->buf = realloc(c->buf, c->room);
        if (c->buf == NULL)
            abort();
    }
    ssize_t n = recv(fd, c->buf + c->to, c->room - c->to, 0);
    if (n == -1)
        return errno == EAGAIN || errno == EINTR;
    c->to += (size_t)n;
    c->ended = n == 0;
    return true;
}

static bool give(int fd, struct client *c)
{
    if (c->from == c->to)
        return true;
    ssize_t n = send(fd, c->buf + c->from, c->to - c->from, 0);
    if (n == -1)
        return errno == EAGAIN || errno == EINTR;
    c->from += (size_t)n;
    if (c->from == c->to)
        c->from = c->to = 0;
    return true;
}

static bool serve(struct pollfd *p, struct client *c)
{
    if ((p->revents & ~POLLOUT) != 0 && !c->ended && !take(p->fd, c))
        return false;
    if (!give(p->fd, c) || (c->ended && c->from == c->to))
        return false;
    p->events = (short)((c->ended ? 0 : POLLIN) |
                        (c->from < c->to ? POLLOUT : 0));
    return true;
}

int main(int argc, char *argv[])
{
    const char *why = "";

    prog = argv[0];
    if (argc > 3 || (argc > 1 && !is_port(argv[1])))
        usage(argv, "server [PORT [ADDRESS]]");
    int lfd = tcp_listen(argc > 2 ? argv[2] : "127.0.0.1",
                         argc > 1 ? argv[1] : "8080", &why);
    if (lfd == -1)
        die("listen: %s", why);
    if (pipe(wake) == -1)
        die("pipe:");
    on_signal(SIGPIPE, SIG_IGN, 0);
    on_signal(SIGTERM, on_term, SA_RESTART);
    on_signal(SIGINT, on_term, SA_RESTART);
    add(wake[0]);
    add(lfd);
    fprintf(stderr, "Server launched, listening on port: %d\n", sock_port(lfd));
    for (;;) {
        if (poll(pfds, count, -1) == -1)
            continue;
        if (pfds[0].revents != 0)
            return 0;
        for (nfds_t i = count; i-- > 2;)
            if (pfds[i].revents != 0 && !serve(&pfds[i], &clients[i]))
                drop(i);
        if (pfds[1].revents != 0 && count < MAX)
            welcome(lfd);
    }
}
