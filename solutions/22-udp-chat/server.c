/* server.c - the UDP chat server: what one says, all others get.
 *
 * usage: server [PORT [ADDRESS]]
 *
 * One socket for everybody: there is no listen, no accept and no connection.
 * A datagram comes whole or not at all, with the address of its sender. Who
 * is in the chat, the server has to remember for itself.
 *
 * Left out on purpose: UDP may lose, double and reorder datagrams, and anyone
 * may send under any address; a real chat numbers and signs its messages.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "net.h"

#define MAX_MESSAGE 1024 /* bytes */
#define MAX_MEMBERS 64

struct peer {
    struct sockaddr_storage addr;
    socklen_t len;
};

struct room {
    struct peer members[MAX_MEMBERS];
    size_t n;
};

/* Waits for a datagram and puts it into buf, at most size bytes of it, and
 * its sender into *from. Returns its length (0 is one too), or -1. */
static ssize_t receive(int fd, char *buf, size_t size, struct peer *from)
{
    /* TODO 22.1: take the next datagram.
     * Call recvfrom(2).
     * Trap: from->len is the room in from->addr before the call and what was
     * used of it after: set it before every call. And what has no room in buf
     * is thrown away without a word, so main's buf has one byte more than a
     * message may have.
     * Check: "A message that is too long is dropped, with a line on stderr".
     */
    from->len = sizeof from->addr;
    return recvfrom(fd, buf, size, 0, (struct sockaddr *)&from->addr,
                    &from->len);
    /* END 22.1 */
}

/* Sends the message to every member of room but the one with number from. */
static void relay(int fd, const struct room *room, size_t from,
                  const char *message, size_t len)
{
    /* TODO 22.2: send the message to each of the others.
     * Call sendto(2) with the addr and len of the member.
     * Trap: a failure is about one member, or about a datagram of long ago
     * (ECONNREFUSED): warn() and go on with the next one.
     * Check: "What one says, every other one gets, unchanged".
     */
    for (size_t i = 0; i < room->n; i++) {
        const struct peer *to = &room->members[i];
        ssize_t nsent;

        if (i == from)
            continue;
        do
            nsent = sendto(fd, message, len, 0,
                           (const struct sockaddr *)&to->addr, to->len);
        while (nsent < 0 && errno == EINTR);
        if (nsent < 0)
            warn("sendto a member:");
    }
    /* END 22.2 */
}

/* Are a and b the same sender? */
static bool same_peer(const struct peer *a, const struct peer *b)
{
    /* TODO 22.3: compare family, address and port.
     * Look at ss_family first. Then take the addr for what it is: a struct
     * sockaddr_in for AF_INET (ip(7): sin_addr.s_addr, sin_port), a struct
     * sockaddr_in6 for AF_INET6 (ipv6(7): sin6_addr, sin6_port, and
     * sin6_scope_id, which says on which cable).
     * Trap: memcmp(3) over all of addr would compare the unused bytes too.
     * And the address alone is not enough: two programs on one machine differ
     * in the port only.
     * Check: "Nobody gets back what he said himself".
     */
    if (a->addr.ss_family != b->addr.ss_family)
        return false;
    if (a->addr.ss_family == AF_INET) {
        const struct sockaddr_in *x = (const void *)&a->addr;
        const struct sockaddr_in *y = (const void *)&b->addr;
        return x->sin_addr.s_addr == y->sin_addr.s_addr &&
               x->sin_port == y->sin_port;
    }
    const struct sockaddr_in6 *x = (const void *)&a->addr;
    const struct sockaddr_in6 *y = (const void *)&b->addr;
    return memcmp(&x->sin6_addr, &y->sin6_addr, sizeof x->sin6_addr) == 0 &&
           x->sin6_port == y->sin6_port &&
           x->sin6_scope_id == y->sin6_scope_id;
    /* END 22.3 */
}

/* Returns the number of who in room, or room->n if it is not a member. */
static size_t find(const struct room *room, const struct peer *who)
{
    size_t i = 0;

    while (i < room->n && !same_peer(&room->members[i], who))
        i++;
    return i;
}

/* The last member takes the place of number i: the order means nothing. */
static void forget(struct room *room, size_t i)
{
    /* TODO 22.4: take member i out of the room.
     * Trap: count first, then copy, or the copy is of nobody.
     * Check: "An empty datagram makes its sender forgotten".
     */
    room->n--;
    room->members[i] = room->members[room->n];
    /* END 22.4 */
}

/* Does what a datagram asks for: join by saying something, leave by an empty
 * one, and be heard. */
static void serve(int fd, struct room *room, const struct peer *from,
                  const char *message, size_t len)
{
    char text[ADDR_STR_MAX];
    size_t i = find(room, from);
    bool known = i < room->n;

    addr_str((const struct sockaddr *)&from->addr, from->len, text);
    if (len > MAX_MESSAGE) {
        warn("message from %s: dropped, longer than %d bytes", text,
             MAX_MESSAGE);
    } else if (!known && room->n == MAX_MEMBERS) {
        warn("message from %s: ignored, %d are here", text, MAX_MEMBERS);
    } else if (len == 0) {
        if (known)
            forget(room, i);
    } else {
        if (!known)
            room->members[room->n++] = *from;
        relay(fd, room, i, message, len);
    }
}

/* Serves one datagram after the other. A failure is no reason to end: say it
 * and wait a little, so that it is not said a thousand times a second. */
static _Noreturn void serve_all(int fd)
{
    struct room room = { .n = 0 };
    char buf[MAX_MESSAGE + 1];
    struct peer from;

    for (;;) {
        ssize_t nread = receive(fd, buf, sizeof buf, &from);
        if (nread >= 0) {
            serve(fd, &room, &from, buf, (size_t)nread);
        } else if (errno != EINTR) {
            warn("recvfrom:");
            poll(NULL, 0, 100);
        }
    }
}

int main(int argc, char *argv[])
{
    const char *port = argc > 1 ? argv[1] : "8080";
    const char *address = argc > 2 ? argv[2] : "127.0.0.1";
    const char *why;

    prog = argv[0];
    if (argc > 3 || !is_port(port))
        usage(argv, "server [PORT [ADDRESS]]");

    /* stderr may be a pipe that nobody reads any more. And a shell starts
     * what runs behind `&` with SIGINT ignored. */
    on_signal(SIGPIPE, SIG_IGN, 0);
    on_signal(SIGINT, SIG_DFL, 0);
    on_signal(SIGTERM, SIG_DFL, 0);

    int fd = udp_bind(address, port, &why);
    if (fd < 0)
        die("bind %s:%s: %s", address, port, why);
    fprintf(stderr, "Server launched, listening on port: %d\n",
            sock_port(fd));
    serve_all(fd);
}
