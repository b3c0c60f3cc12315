/* http-get.c - the HTTP client of the slides: gets one page and prints it.
 *
 * usage: http-get SERVER PATH [PORT]
 *
 * It prints what the server sends, head and body, byte for byte, while it
 * comes. It reads the head along the way, for one field: Content-Length says
 * where the answer ends, also when the server keeps the connection open.
 *
 * Left out on purpose: https, redirections, chunked bodies (HTTP/1.0, which
 * is what it speaks, has none), more than one page on a connection (29).
 */
#define _POSIX_C_SOURCE 200809L

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "net.h"

/* How far an answer has come. */
struct answer {
    bool in_head;     /* the head's empty line has not come yet */
    char line[8192];  /* the head's line that is coming, as far as it fits */
    size_t len;       /* bytes in line */
    bool has_length;  /* the head had a Content-Length ... */
    uintmax_t length; /* ... of so many bytes */
    uintmax_t nbody;  /* bytes after the head */
};

/* PATH: from its '/' on, with nothing in it that ends it in a request's line.
 * The bytes of UTF-8 are not control characters. */
static bool is_path(const char *path)
{
    for (const char *c = path; *c != '\0'; c++)
        if (*c == ' ' || iscntrl((unsigned char)*c))
            return false;
    return path[0] == '/';
}

/* Sends the request to fd. Returns 0 or -1. */
static int send_request(int fd, const char *server, const char *port,
                        const char *path)
{
    /* TODO 25.2: send `GET PATH HTTP/1.0`, a Host field and an empty line.
     * Call snprintf(3) with size 0 to learn how long that is, malloc(3), then
     * snprintf(3), writen() (lib/net.h) once, and free(3).
     * Trap: the lines end in CR LF, not in LF. In `Host: SERVER:PORT` an IPv6
     * address stands in [ ], for it has colons of its own.
     * Check: "sends GET PATH HTTP/1.0 with a Host".
     */
    (void)fd;
    (void)server;
    (void)port;
    (void)path;
    return 0;
    /* END 25.2 */
}

/* Takes what a line of the head says about the answer's length. */
static void take_head_line(struct answer *a)
{
    /* TODO 25.6: find Content-Length, set a->length and a->has_length.
     * a->line is a string without CR LF. Call strncasecmp(3), strspn(3) for
     * the spaces before the value, and strtoumax(3).
     * Trap: the name comes in any letter case. atoi(3) is no good for a file
     * of 3 GiB; strtoumax(3) takes "-1" for a huge number, so look for a
     * digit first.
     * Check: "ends after Content-Length bytes".
     */
    (void)a;
    /* END 25.6 */
}

/* Takes one byte of the head. The head may come in any pieces: what is known
 * of the line so far waits in a->line. */
static void take_head_byte(struct answer *a, char c)
{
    if (c != '\n') {
        if (a->len < sizeof a->line - 1)
            a->line[a->len++] = c;
        return;
    }
    if (a->len > 0 && a->line[a->len - 1] == '\r')
        a->len--;
    a->line[a->len] = '\0';

    /* TODO 25.5: a->line holds a whole line. If it is empty, the head is
     * over: set a->in_head.
     * Trap: its CR LF is gone already, see above. Who compares it with
     * "\r\n" never finds the end.
     * Check: "takes a page without Content-Length until the server closes".
     */
    /* END 25.5 */

    take_head_line(a);
    a->len = 0;
}

/* Takes n bytes of the answer. */
static void take(struct answer *a, const char *buf, size_t n)
{
    size_t i = 0;

    while (i < n && a->in_head)
        take_head_byte(a, buf[i++]);
    a->nbody += n - i;
}

static bool is_whole(const struct answer *a)
{
    return !a->in_head && a->has_length && a->nbody >= a->length;
}

/* Prints what comes from fd, until the answer is whole or the server closes.
 * The caller closes fd. */
static void print_answer(int fd, struct answer *a)
{
    char buf[8192];

    while (!is_whole(a)) {
        /* TODO 25.3: read what there is into buf, at most sizeof buf.
         * Call read(2): once, for readn() would wait until buf is full. EINTR:
         * read again. Any other failure ends the program: die().
         * Trap: a page that comes slowly is to be seen slowly.
         * Check: "prints the answer as it comes".
         */
        ssize_t nread = read(fd, buf, 0);
        /* END 25.3 */

        if (nread == 0)
            return;

        /* TODO 25.4: write these nread bytes to stdout, all of them.
         * Call writen() (lib/net.h) with STDOUT_FILENO; die() if it fails.
         * Trap: pages are bytes, and pictures hold NULs: printf(3) with %s
         * would stop there. A full disk is a failure, say so.
         * Check: "prints the answer as it comes".
         */
        /* END 25.4 */

        take(a, buf, (size_t)nread);
    }
}

int main(int argc, char *argv[])
{
    prog = argv[0];
    if (argc < 3 || argc > 4 || !is_path(argv[2]) ||
        (argc == 4 && !is_port(argv[3])))
        usage(argv, "http-get SERVER PATH [PORT]");

    const char *server = argv[1], *path = argv[2];
    const char *port = argc == 4 ? argv[3] : "80";
    const char *why;
    struct answer a = { .in_head = true };

    /* A server, or a stdout, that has gone is a failed write(2), with a
     * message; SIGPIPE would end the program without one (signal(7)). */
    on_signal(SIGPIPE, SIG_IGN, 0);

    /* TODO 25.1: connect to port of server.
     * Call tcp_connect() (lib/net.h): the socket(2) and connect(2) of 21, for
     * each address that getaddrinfo(3) has.
     * Trap: it prints nothing; the lines below say what went wrong, from why.
     * Check: "connects to the server".
     */
    int fd = -1;
    why = "TODO 25.1 is not done";
    /* END 25.1 */
    if (fd < 0)
        die("connect %s:%s: %s", server, port, why);

    /* Where the server has gone already, its answer may be here all the same:
     * print_answer() finds out. */
    if (send_request(fd, server, port, path) < 0)
        warn("send the request:");
    print_answer(fd, &a);
    close(fd);

    if (a.in_head)
        die("read the answer: the connection ended before its head did");

    /* TODO 25.7: die() if the body has fewer bytes than its Content-Length.
     * Trap: without a Content-Length the end of the connection is the end of
     * the page, and right.
     * Check: "tells an answer that is cut short".
     */
    /* END 25.7 */
    return 0;
}
