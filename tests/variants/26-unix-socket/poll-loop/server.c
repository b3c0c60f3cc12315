/* server.c - an echo server for many clients at a time in one thread: poll(2),
 * sockets that do not block, and a buffer for each client that grows as much as
 * the client does not read. SIGTERM and SIGINT come through a pipe. The length
 * of the address is that of its path, without the NUL.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
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
    pid_t pid = -1;
    uid_t uid = (uid_t)-1;

    if (fd == -1)
        return;
#ifdef __linux__
    struct ucred who;
    socklen_t len = sizeof who;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0)
        pid = who.pid, uid = who.uid;
#else
    gid_t gid;
    socklen_t len = sizeof pid;

    getpeereid(fd, &uid, &gid);
    getsockopt(fd, SOL_LOCAL, LOCAL_PEERPID, &pid, &len);
#endif
    fprintf(stderr, "New client connected: pid %d, uid %u\n", (int)pid,
            (unsigned)uid);
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

static bool lives(const struct sockaddr_un *sun, socklen_t len)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    bool dead = connect(fd, (const struct sockaddr *)sun, len) == -1 &&
                errno == ECONNREFUSED;

    close(fd);
    return !dead;
}

static int listen_at(const char *path)
{
    struct sockaddr_un sun = { .sun_family = AF_UNIX };
    struct stat st;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    memcpy(sun.sun_path, path, strlen(path));
    socklen_t len =
        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    umask(S_IXUSR | S_IRWXG | S_IRWXO);
    if (bind(fd, (struct sockaddr *)&sun, len) == -1) {
        if (errno != EADDRINUSE)
            die("bind to %s:", path);
        if (lstat(path, &st) == -1 || !S_ISSOCK(st.st_mode))
            die("%s is there, and is no socket", path);
        if (lives(&sun, len))
            die("%s has its server already", path);
        unlink(path);
        if (bind(fd, (struct sockaddr *)&sun, len) == -1)
            die("bind to %s:", path);
    }
    if (listen(fd, 128) == -1)
        die("listen:");
    return fd;
}

int main(int argc, char *argv[])
{
    struct stat mine, now;

    prog = argv[0];
    if (argc != 2 || argv[1][0] == '\0' || strcmp(argv[1], "--help") == 0 ||
        strlen(argv[1]) >= sizeof((struct sockaddr_un *)NULL)->sun_path)
        usage(argv, "server PATH");
    if (pipe(wake) == -1)
        die("pipe:");
    on_signal(SIGPIPE, SIG_IGN, 0);
    on_signal(SIGTERM, on_term, SA_RESTART);
    on_signal(SIGINT, on_term, SA_RESTART);
    int lfd = listen_at(argv[1]);
    lstat(argv[1], &mine);
    add(wake[0]);
    add(lfd);
    fprintf(stderr, "Server launched, listening on: %s\n", argv[1]);
    for (;;) {
        if (poll(pfds, count, -1) == -1)
            continue;
        if (pfds[0].revents != 0)
            break;
        for (nfds_t i = count; i-- > 2;)
            if (pfds[i].revents != 0 && !serve(&pfds[i], &clients[i]))
                drop(i);
        if (pfds[1].revents != 0 && count < MAX)
            welcome(lfd);
    }
    if (lstat(argv[1], &now) == 0 && now.st_ino == mine.st_ino)
        unlink(argv[1]);
    return 0;
}
