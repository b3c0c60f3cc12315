/* client.c - an echo client that reads all that stdin has as fast as it comes
 * and keeps it in memory until the server takes it; so with what comes back.
 * poll(2) and non-blocking sockets; all four ends are looked at in each round.
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
#include <sys/un.h>
#include <unistd.h>

#include "net.h"

static struct sockaddr_un name = { .sun_family = AF_UNIX };

static bool is_path(const char *s)
{
    return strcmp(s, "--help") != 0 && *s != '\0' &&
           strlen(s) < sizeof name.sun_path;
}

static int connect_to(const char *path)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    memcpy(name.sun_path, path, strlen(path));
    if (connect(fd, (const struct sockaddr *)&name, sizeof name) == -1)
        die("%s:", path);
    return fd;
}

struct heap {
    char *p;
    size_t done, have, room;
    unsigned long long ever;
};

/* What read(2) returned; more room first. */
static ssize_t take(struct heap *h, int fd)
{
    if (h->room - h->have < 4096) {
        memmove(h->p, h->p + h->done, h->have - h->done);
        h->have -= h->done;
        h->done = 0;
        h->room = h->room * 2 + 8192;
        h->p = realloc(h->p, h->room);
        if (h->p == NULL)
            die("realloc:");
    }
    ssize_t n = read(fd, h->p + h->have, h->room - h->have);
    if (n > 0) {
        h->have += (size_t)n;
        h->ever += (unsigned long long)n;
    }
    return n;
}

static bool waiting(const struct heap *h)
{
    return h->have > h->done;
}

/* stdout may block: as much as a pipe takes at once when poll says so. */
static bool give(struct heap *h, int fd, size_t most)
{
    size_t n = h->have - h->done < most ? h->have - h->done : most;
    ssize_t k = write(fd, h->p + h->done, n);

    if (k == -1)
        return errno == EAGAIN || errno == EINTR;
    h->done += (size_t)k;
    return true;
}

static bool later(void)
{
    return errno == EAGAIN || errno == EINTR;
}

int main(int argc, char *argv[])
{
    struct heap up = { .p = malloc(1) }, down = { .p = malloc(1) };
    bool typed = true, talking = true;

    prog = argv[0];
    if (argc != 2 || !is_path(argv[1]))
        usage(argv, "client PATH");
    on_signal(SIGPIPE, SIG_IGN, 0);
    int fd = connect_to(argv[1]);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    for (;;) {
        struct pollfd p[] = { { .fd = typed ? 0 : -1, .events = POLLIN },
                              { .fd = waiting(&up) ? fd : -1,
                                .events = POLLOUT },
                              { .fd = talking ? fd : -1, .events = POLLIN },
                              { .fd = waiting(&down) ? 1 : -1,
                                .events = POLLOUT } };
        if (!talking && !waiting(&down))
            break;
        if (poll(p, 4, -1) == -1)
            continue;
        if (p[3].revents != 0 && !give(&down, 1, 512))
            die("stdout:");
        if (p[2].revents != 0) {
            ssize_t n = take(&down, fd);
            if (n == -1 && !later())
                die("the server left:");
            talking = n != 0;
        }
        if (p[0].revents != 0) {
            typed = take(&up, 0) != 0;
            if (!typed && !waiting(&up))
                shutdown(fd, SHUT_WR);
        }
        if (p[1].revents != 0) {
            if (!give(&up, fd, up.have))
                up.done = up.have; /* the socket will tell */
            if (!typed && !waiting(&up))
                shutdown(fd, SHUT_WR);
        }
    }
    if (typed || waiting(&up) || down.ever < up.ever)
        die("the server left before the end");
    return 0;
}
