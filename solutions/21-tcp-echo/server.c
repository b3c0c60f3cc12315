/* server.c - the TCP echo server: what a client sends comes back to it.
 *
 * usage: server [PORT [ADDRESS]]
 *
 * All calls that make a TCP server are here, written out: getaddrinfo,
 * socket, bind, listen, accept, read, write, close. From 23 on, lib/net.h has
 * most of them ready.
 *
 * Left out on purpose: clients at the same time (24, 29), a time limit for
 * silent ones (28). SIGINT and SIGTERM end the process wherever it waits, and
 * the kernel closes what it holds.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net.h"

/* socket(2) and accept(2) give the lowest free descriptor: 2, if we were
 * started with stderr closed. Then our messages would go to a client, so fill
 * 0, 1 and 2 first. Read-only: writing to a closed stderr still fails. */
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

/* Makes a socket that listens on the first address of list that can be had.
 * Returns its descriptor, or -1 with the errno of the last one tried. */
static int listen_on_one(const struct addrinfo *list)
{
    /* TODO 21.1: try the addresses in turn, until one works.
     * Call for each socket(2), setsockopt(2) with SO_REUSEADDR (socket(7)),
     * bind(2), and listen(2) with SOMAXCONN. What they need is in the
     * ai_family, ai_socktype, ai_protocol, ai_addr and ai_addrlen of the
     * address; ai_next is the next one (getaddrinfo(3)).
     * Trap: SO_REUSEADDR comes before bind, or a restart finds the port taken
     * while an old connection is in TIME_WAIT. And close(2) the socket of an
     * address that did not work, with errno kept: close may change it.
     * Check: "The server says on which port it listens".
     */
    int on = 1, err = 0;

    for (const struct addrinfo *ai = list; ai != NULL; ai = ai->ai_next) {
        int fd = socket(ai->ai_family, ai->ai_socktype, ai->ai_protocol);
        if (fd >= 0 &&
            setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
            bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 &&
            listen(fd, SOMAXCONN) == 0)
            return fd;
        err = errno;
        if (fd >= 0)
            close(fd);
    }
    errno = err;
    return -1;
    /* END 21.1 */
}

/* Returns a socket that listens on port of host. */
static int open_listener(const char *host, const char *port)
{
    struct addrinfo *list = resolve(host, port);
    int lfd = listen_on_one(list);

    if (lfd < 0)
        die("bind %s:%s:", host, port);
    freeaddrinfo(list);
    return lfd;
}

/* Prints the port of lfd. Where 0 was asked for, only the system knows it. */
static void announce(int lfd)
{
    struct sockaddr_storage addr;
    socklen_t len = sizeof addr;
    char port[6];

    if (getsockname(lfd, (struct sockaddr *)&addr, &len) < 0)
        die("getsockname:");
    if (getnameinfo((struct sockaddr *)&addr, len, NULL, 0, port, sizeof port,
                    NI_NUMERICSERV) != 0)
        die("getnameinfo: no port in the address");
    fprintf(stderr, "Server launched, listening on port: %s\n", port);
}

/* Waits for a client. Returns its socket and its address in *peer, or -1. */
static int accept_one(int lfd, struct sockaddr_storage *peer, socklen_t *len)
{
    /* TODO 21.2: take the next client from the queue.
     * Call accept(2) and return its result.
     * Trap: *len is the room in *peer before the call and what was used of it
     * after: set it before every call. The connection is the new descriptor;
     * lfd goes on listening.
     * Check: "The server says that a client connected".
     */
    *len = sizeof *peer;
    return accept(lfd, (struct sockaddr *)peer, len);
    /* END 21.2 */
}

/* Returns the socket of the next client, which is the caller's to close.
 * A failure is no reason to end: a client that left while it queued
 * (ECONNABORTED) costs nothing, and where no descriptor is left (EMFILE) the
 * client stays in the queue. Say that once, and wait until there are some. */
static int next_client(int lfd)
{
    struct sockaddr_storage peer;
    socklen_t len;
    char text[ADDR_STR_MAX];
    bool said = false;
    int cfd;

    while ((cfd = accept_one(lfd, &peer, &len)) < 0) {
        if (errno == EINTR || errno == ECONNABORTED)
            continue;
        if (!said)
            warn("accept:");
        said = true;
        poll(NULL, 0, 100);
    }
    fprintf(stderr, "New client connected: %s\n",
            addr_str((struct sockaddr *)&peer, len, text));
    return cfd;
}

/* Sends all n bytes of buf to fd. Returns 0 or -1. */
static int write_all(int fd, const char *buf, size_t n)
{
    /* TODO 21.4: write until nothing is left.
     * Call write(2) in a loop. It returns how many bytes it took.
     * Trap: that may be fewer than n: the next call starts behind them. And
     * a call that a signal interrupts before the first byte fails with EINTR:
     * nothing was written, try again.
     * Check: "A write that takes a part only loses nothing".
     */
    while (n > 0) {
        ssize_t nwritten = write(fd, buf, n);
        if (nwritten < 0 && errno == EINTR)
            continue;
        if (nwritten < 0)
            return -1;
        buf += nwritten;
        n -= (size_t)nwritten;
    }
    return 0;
    /* END 21.4 */
}

/* Sends back to cfd what comes from it, until the client closes its sending
 * side. Returns 0, or -1 if the connection broke. */
static int echo(int cfd)
{
    /* TODO 21.3: read, send back what was read, and so on to the end.
     * Call read(2) and write_all(), above. read returns how many bytes came,
     * 0 once the client has closed its sending side, or -1.
     * Trap: the bytes are no string, and there may be a NUL among them: the
     * number that read returned is their length, never strlen(3). EINTR is
     * no error: read again.
     * Check: "What a client sends comes back".
     */
    char buf[4096];

    for (;;) {
        ssize_t nread = read(cfd, buf, sizeof buf);
        if (nread < 0 && errno == EINTR)
            continue;
        if (nread <= 0)
            return (int)nread;
        if (write_all(cfd, buf, (size_t)nread) < 0)
            return -1;
    }
    /* END 21.3 */
}

int main(int argc, char *argv[])
{
    const char *port = argc > 1 ? argv[1] : "8080";
    const char *address = argc > 2 ? argv[2] : "127.0.0.1";

    prog = argv[0];
    if (argc > 3 || !is_port(port))
        usage(argv, "server [PORT [ADDRESS]]");

    fill_standard_fds();
    /* A shell starts what runs behind `&` with SIGINT ignored. */
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);

    /* TODO 21.5: ignore SIGPIPE.
     * Call signal(2) with SIG_IGN.
     * Trap: a write to a client that has gone sends SIGPIPE, and that ends
     * the process (signal(7)). Ignored, the write fails with EPIPE instead
     * and costs that client only.
     * Check: "A client that leaves before its answer does not end the server".
     */
    signal(SIGPIPE, SIG_IGN);
    /* END 21.5 */

    int lfd = open_listener(address, port);
    announce(lfd);
    for (;;) {
        int cfd = next_client(lfd);
        if (echo(cfd) < 0)
            warn("echo:");
        close(cfd);
    }
}
