/* client.c - sends its stdin to a server and prints what comes back.
 *
 * usage: client HOST PORT
 *
 * It does both at the same time, each as soon as it can: poll(2) says which.
 *
 * Left out on purpose: a time limit for a silent server, and many connections
 * in one poll(2) (29).
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/socket.h>
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

/* Returns the addresses that host has, IPv4 or IPv6, each with port in it.
 * Free the list with freeaddrinfo(3). */
static struct addrinfo *resolve(const char *host, const char *port)
{
    struct addrinfo hints = { .ai_family = AF_UNSPEC,
                              .ai_socktype = SOCK_STREAM };
    struct addrinfo *list;
    int rc = getaddrinfo(host, port, &hints, &list);

    if (rc == EAI_SYSTEM)
        die("getaddrinfo %s:", host);
    if (rc != 0)
        die("getaddrinfo %s: %s", host, gai_strerror(rc));
    return list;
}

/* Connects to the first address of list that answers. Returns the socket, or
 * -1 with the errno of the last one tried. */
static int connect_to_one(const struct addrinfo *list)
{
    /* TODO 21.6: try the addresses in turn, until one works.
     * Call for each socket(2) and connect(2), with what the address has in
     * its ai_ fields (getaddrinfo(3)).
     * Trap: a socket whose connect failed is of no more use: close(2) it and
     * make another one for the next address. Keep errno: close may change it.
     * Check: "The client connects, by name or by number".
     */
    int err = 0;

    for (const struct addrinfo *ai = list; ai != NULL; ai = ai->ai_next) {
        int fd = socket(ai->ai_family, ai->ai_socktype, ai->ai_protocol);
        if (fd >= 0 && connect(fd, ai->ai_addr, ai->ai_addrlen) == 0)
            return fd;
        err = errno;
        if (fd >= 0)
            close(fd);
    }
    errno = err;
    return -1;
    /* END 21.6 */
}

/* Returns a socket that is connected to port of host. Its calls never block:
 * write(2) takes what there is room for. */
static int open_connection(const char *host, const char *port)
{
    struct addrinfo *list = resolve(host, port);
    int fd = connect_to_one(list);

    if (fd < 0)
        die("connect %s:%s:", host, port);
    freeaddrinfo(list);
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
    /* TODO 21.7: if up's buffer holds something, write it; if not, read.
     * Call drain() or fill(), above; a failure that is only not_now() is
     * none. When reading fails, die(). When writing fails, the server is
     * gone: up is over, and print_more(), below, finds out what it still
     * sent. At the end of stdin, call shutdown(2) with SHUT_WR: up is over
     * and *whole is true.
     * Trap: not close(2), for the answers to what you sent are still to come.
     * Without shutdown the server waits for more, and you wait for it.
     * Check: "At the end of stdin the client closes its sending side".
     */
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
    /* END 21.7 */
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
    prog = argv[0];
    if (argc != 3 || !is_port(argv[2]))
        usage(argv, "client HOST PORT");

    fill_standard_fds();
    /* A write to a server that has gone fails with EPIPE instead. */
    signal(SIGPIPE, SIG_IGN);

    int fd = open_connection(argv[1], argv[2]);
    if (!converse(fd))
        die("echo %s:%s: the server closed early", argv[1], argv[2]);
    close(fd);
    return 0;
}
