/* client.c - an echo client with select(2), one byte a call in each direction
 * and nothing that blocks: a byte that was read and not yet written is kept.
 * stdin may be anything, a file too.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

static const char name[] = "client";

static _Noreturn void give_up(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s (%s)\n", name, what, why);
    exit(EXIT_FAILURE);
}

struct way {
    int from, to;
    char c;
    bool full, over;
};

/* Takes a step; what fails for the moment is tried again later. */
static void step(struct way *w, const fd_set *r, const fd_set *w_set)
{
    ssize_t n;

    if (w->over)
        return;
    if (w->full && FD_ISSET(w->to, w_set)) {
        n = write(w->to, &w->c, 1);
        if (n == -1 && errno != EAGAIN && errno != EINTR) {
            if (w->to == STDOUT_FILENO)
                give_up("stdout", strerror(errno));
            w->over = true;
        }
        w->full = n != 1;
    } else if (!w->full && FD_ISSET(w->from, r)) {
        n = read(w->from, &w->c, 1);
        if (n == -1 && errno != EAGAIN && errno != EINTR)
            give_up("read", strerror(errno));
        w->full = n == 1;
        w->over = n == 0;
    }
}

static void talk(int fd)
{
    struct way up = { .from = STDIN_FILENO, .to = fd };
    struct way down = { .from = fd, .to = STDOUT_FILENO };
    long long open_bytes = 0;
    bool shut = false, broken = false;

    while (!down.over) {
        fd_set r, w;
        FD_ZERO(&r);
        FD_ZERO(&w);
        if (!up.over)
            FD_SET(up.full ? up.to : up.from, up.full ? &w : &r);
        FD_SET(down.full ? down.to : down.from, down.full ? &w : &r);
        if (select(fd + 1, &r, &w, NULL, NULL) < 0)
            continue;
        bool was = up.full, had = down.full;
        step(&up, &r, &w);
        step(&down, &r, &w);
        open_bytes += (!was && up.full) - (!had && down.full);
        broken = broken || (up.over && up.full);
        if (up.over && !shut && !broken) {
            shutdown(fd, SHUT_WR);
            shut = true;
        }
    }
    if (!shut || open_bytes > 0)
        give_up("early end", "the server has closed the connection");
}

static int dial(const char *host, const char *port)
{
    struct addrinfo *a, hints = { .ai_flags = AI_NUMERICSERV,
                                  .ai_family = AF_UNSPEC,
                                  .ai_socktype = SOCK_STREAM };
    const char *why = "";
    int fd = -1, rc = getaddrinfo(host, port, &hints, &a);

    if (rc != 0)
        give_up(host, gai_strerror(rc));
    for (; a != NULL && fd == -1; a = a->ai_next) {
        fd = socket(a->ai_family, SOCK_STREAM, IPPROTO_TCP);
        if (fd != -1 && connect(fd, a->ai_addr, a->ai_addrlen) == 0)
            break;
        why = strerror(errno);
        close(fd);
        fd = -1;
    }
    if (fd == -1)
        give_up(host, why);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

int main(int argc, char **argv)
{
    bool help = argc == 2 && strcmp(argv[1], "--help") == 0;

    if (argc != 3 || argv[2][0] == '\0' || strlen(argv[2]) > 5 ||
        argv[2][strspn(argv[2], "0123456789")] != '\0' ||
        atoi(argv[2]) > 65535) {
        fprintf(help ? stdout : stderr, "usage: %s HOST PORT\n", name);
        return help ? 0 : 2;
    }
    signal(SIGPIPE, SIG_IGN);
    int fd = dial(argv[1], argv[2]);
    fprintf(stderr, "connected, type away\n");
    talk(fd);
    fprintf(stderr, "bye\n");
    return 0;
}
