/* client.c - the client of 21, for a server at a path of this machine.
 *
 * usage: client PATH
 *
 * Only its connection is another one: that it goes through the same loop as
 * before is what a descriptor is good for.
 *
 * Left out on purpose: a time limit for a silent server, and many connections
 * in one poll(2) (29).
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "net.h"

/* One direction: bytes that were read and are still to be written. Not more
 * than PIPE_BUF of them: so many a pipe takes without blocking once poll(2)
 * says POLLOUT, and stdout may be a pipe that nobody empties (pipe(7)). */
struct flow {
    int from, to;
    size_t at, end;           /* buf[at] up to buf[end] is to be written */
    unsigned long long total; /* bytes read so far */
    bool over;                /* nothing more to do */
    char buf[PIPE_BUF];
};

/* socket(2) gives the lowest free descriptor: 1, if we were started with
 * stdout closed. Then what we print would go to the server, so fill 0, 1 and
 * 2 first. Read-only: writing to a closed stdout still fails. */
static void fill_standard_fds(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) != fd)
            die("open /dev/null:");
}

/* Makes the address of path in *addr. Returns false if there is no such
 * address: path is empty, or too long for it. */
static bool make_address(const char *path, struct sockaddr_un *addr)
{
    /* TODO 26.6: put path into the address, as in 26.1.
     * Trap: a client that cuts its path asks another server, or nobody.
     * Check: "The client connects to a path".
     */
    size_t len = strlen(path);

    *addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
    if (len == 0 || len >= sizeof addr->sun_path)
        return false;
    memcpy(addr->sun_path, path, len + 1);
    return true;
    /* END 26.6 */
}

/* Returns a socket that is connected to the server at addr, or -1. */
static int connect_to(const struct sockaddr_un *addr)
{
    /* TODO 26.7: make a socket of the same kind, and connect it.
     * Call socket(2) and connect(2).
     * Trap: a client binds no path. It may have one, but who needs it? The
     * server answers on the connection, and knows the client from the kernel.
     * Check: "The client connects to a path".
     */
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    if (fd >= 0 &&
        connect(fd, (const struct sockaddr *)addr, sizeof *addr) == 0)
        return fd;
    return -1;
    /* END 26.7 */
}

/* Returns a socket that is connected to the server at addr. Its calls never
 * block: write(2) takes what there is room for. */
static int open_connection(const struct sockaddr_un *addr)
{
    int fd = connect_to(addr);

    if (fd < 0)
        die("connect %s:", addr->sun_path);
    if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0)
        die("fcntl:");
    return fd;
}

/* Did the call fail only because it was not its time? */
static bool not_now(void)
{
    return errno == EAGAIN || errno == EINTR;
}

/* Reads into the empty buffer. Returns what read(2) returned. */
static ssize_t fill(struct flow *flow)
{
    ssize_t nread = read(flow->from, flow->buf, sizeof flow->buf);

    flow->at = 0;
    flow->end = nread > 0 ? (size_t)nread : 0;
    flow->total += flow->end;
    return nread;
}

/* Writes what the buffer has. Returns what write(2) returned. */
static ssize_t drain(struct flow *flow)
{
    ssize_t nwritten =
        write(flow->to, flow->buf + flow->at, flow->end - flow->at);

    if (nwritten > 0)
        flow->at += (size_t)nwritten;
    return nwritten;
}

/* Takes one step from stdin to the server. Sets *whole at the end of stdin. */
static void send_more(struct flow *up, bool *whole)
{
    if (up->at < up->end) {
        if (drain(up) < 0 && !not_now())
            up->over = true;
        return;
    }
    ssize_t nread = fill(up);
    if (nread < 0 && !not_now())
        die("read stdin:");
    if (nread == 0) {
        shutdown(up->to, SHUT_WR);
        up->over = true;
        *whole = true;
    }
}

/* Takes one step from the server to stdout. */
static void print_more(struct flow *down)
{
    if (down->at < down->end) {
        if (drain(down) < 0 && !not_now())
            die("write stdout:");
        return;
    }
    ssize_t nread = fill(down);
    if (nread < 0 && !not_now())
        die("read from the server:");
    if (nread == 0)
        down->over = true;
}

/* What a flow waits for: the end of a full buffer to empty, or of an empty
 * one to fill. poll(2) passes over a negative descriptor. */
static struct pollfd waits_for(const struct flow *flow)
{
    if (flow->over)
        return (struct pollfd){ .fd = -1 };
    if (flow->at < flow->end)
        return (struct pollfd){ .fd = flow->to, .events = POLLOUT };
    return (struct pollfd){ .fd = flow->from, .events = POLLIN };
}

/* Copies in both directions until the server closes. Returns false if that
 * was early: before the end of stdin, or before everything came back. Any
 * event, POLLHUP and POLLERR too, is a reason to try: read(2) or write(2)
 * then says what is the matter. */
static bool converse(int fd)
{
    struct flow up = { .from = STDIN_FILENO, .to = fd };
    struct flow down = { .from = fd, .to = STDOUT_FILENO };
    bool whole = false;

    while (!down.over) {
        struct pollfd pfds[] = { waits_for(&up), waits_for(&down) };
        if (poll(pfds, 2, -1) < 0) {
            if (errno == EINTR)
                continue;
            die("poll:");
        }
        if (pfds[0].revents != 0)
            send_more(&up, &whole);
        if (pfds[1].revents != 0)
            print_more(&down);
    }
    return whole && down.total >= up.total;
}

int main(int argc, char *argv[])
{
    struct sockaddr_un addr;

    prog = argv[0];
    if (argc != 2 || strcmp(argv[1], "--help") == 0 ||
        !make_address(argv[1], &addr))
        usage(argv, "client PATH");

    fill_standard_fds();
    /* A write to a server that has gone fails with EPIPE instead. */
    signal(SIGPIPE, SIG_IGN);

    int fd = open_connection(&addr);
    if (!converse(fd))
        die("echo %s: the server closed early", argv[1]);
    close(fd);
    return 0;
}
