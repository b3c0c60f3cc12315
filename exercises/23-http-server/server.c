/* server.c - the blocking HTTP server of the slides: one client at a time.
 *
 * usage: server [PORT [ADDRESS]]
 *
 * It prints a request line by line, up to the empty line that ends it, and
 * answers with one page, whatever was asked for.
 *
 * Left out on purpose: clients at the same time (24), files (27), a time
 * limit for silent clients and a tidy end (28), many requests on a connection
 * (29). SIGINT and SIGTERM keep their default action: they end the process
 * wherever it waits, and the kernel closes all that it holds.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "net.h"

#define MAX_LINE 8192 /* bytes of a request's line, its end not counted */
#define MAX_LINES 100 /* of a request, the empty one not counted */

/* Returns the length of a line of read_line() without its CR LF or LF. */
static size_t text_length(const char *line, size_t len)
{
    if (len > 0 && line[len - 1] == '\n')
        len--;
    if (len > 0 && line[len - 1] == '\r')
        len--;
    return len;
}

/* Prints a line to stdout, and a newline over its CR LF (or LF). A stdout
 * that is full or closed is no reason to send clients away. */
static void print_line(char *line, size_t len)
{
    line[len] = '\n';

    /* TODO 23.3: print the len + 1 bytes of line, and have them seen at once.
     * Call fwrite(3) once for all of them, for it holds the lock of stdout
     * from its first byte to its last; then fflush(3).
     * Trap: a client may send any byte, NUL too: printf(3) with %s stops
     * there. And into a pipe, stdout keeps lines back until it has many.
     * Check: "prints each line as it comes".
     */
    /* END 23.3 */
}

/* Reads a request from in and prints its lines, the empty one too.
 * Returns the status to answer with, or 0 where nobody waits for an answer:
 * the client closed or reset the connection before the empty line. A line or
 * a request that is too long has its status at once: its end may never come. */
static int read_request(struct line_reader *in)
{
    char line[MAX_LINE + 3];

    for (int nlines = 0; nlines <= MAX_LINES; nlines++) {
        /* TODO 23.2: read the next line into line, its length into nread.
         * Call read_line() (lib/net.h). It fails with EMSGSIZE (errno(3)) where
         * the line is too long: that is the status 431.
         * Trap: a request comes in any pieces. One read(2) may give you half a
         * line, or three; read_line() gives you one.
         * Check: "prints each line as it comes".
         */
        ssize_t nread = readn(in->fd, line, 0);
        /* END 23.2 */

        if (nread <= 0 || line[nread - 1] != '\n')
            return 0;
        size_t len = text_length(line, (size_t)nread);
        print_line(line, len);

        /* TODO 23.4: an empty line ends the request: its status is 200.
         * Trap: do not wait for the end of the input. The client keeps its
         * side open, for it waits for you.
         * Check: "answers as soon as the empty line has come".
         */
        /* END 23.4 */
    }
    return 431;
}

/* Sends an answer to cfd: its head, then a page that holds text. All of it is
 * one write: two small ones would wait for each other (tcp(7), TCP_NODELAY). */
static void answer(int cfd, const char *status, const char *text)
{
    /* TODO 23.5: put the page together, then the head, and send both.
     * Call snprintf(3) for each and writen() (lib/net.h) once. The page holds
     * text between <P> and </P>. The head is the line `HTTP/1.1 STATUS`, the
     * fields Content-Type: text/html, Content-Length: N and Connection: close,
     * and an empty line.
     * Trap: every line of the head ends in CR LF. N counts the page's bytes,
     * not its '\0'.
     * Check: "sends the page with a right Content-Length".
     */
    (void)cfd;
    (void)status;
    (void)text;
    /* END 23.5 */
}

/* Milliseconds on the clock that nobody sets (clock_gettime(2)). */
static long long now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* Closes cfd. A plain close(2) with input unread (a request's body) resets
 * the connection, and the client may lose the answer. So: say that no more
 * will come, drop what still does until the client closes too, then close.
 * A client that does not close has patience milliseconds of silence for it,
 * five times that in all. */
static void hang_up(int cfd, int patience)
{
    struct pollfd pfd = { .fd = cfd, .events = POLLIN };
    long long end = now_ms() + 5 * patience;

    /* TODO 23.6: say that no more will come, and drop what still does.
     * Call shutdown(2) with SHUT_WR, then poll(2) with &pfd and read(2) in
     * turn, until read(2) returns 0 or fails.
     * Trap: a client that never closes must not hold you. poll(2) returns 0
     * after patience ms of silence: stop there, and when now_ms() is at end.
     * Check: "a client that sends a body gets the whole answer".
     */
    (void)pfd;
    (void)end;
    /* END 23.6 */

    close(cfd);
}

/* Serves one client, from its request to the end; closes cfd. */
static void serve(int cfd)
{
    struct line_reader in = { .fd = cfd };

    switch (read_request(&in)) {
    case 200:
        answer(cfd, "200 OK", "This is my test server page");
        break;
    case 431:
        answer(cfd, "431 Request Header Fields Too Large",
               "Your request is too long");
        break;
    }
    hang_up(cfd, 1000);
}

/* Waits for the next client. Returns its descriptor, which is the caller's.
 * Where there is none left (EMFILE), the client stays in the queue and the
 * call fails at once: say so once, and wait until others have closed. */
static int next_client(int lfd)
{
    struct sockaddr_storage peer;
    socklen_t len;
    char text[ADDR_STR_MAX];
    bool said = false;
    int cfd;

    while ((cfd = tcp_accept(lfd, &peer, &len)) < 0) {
        if (!said)
            warn("accept:");
        said = true;
        poll(NULL, 0, 100);
    }
    fprintf(stderr, "New client connected: %s\n",
            addr_str((struct sockaddr *)&peer, len, text));
    return cfd;
}

int main(int argc, char *argv[])
{
    const char *port = argc > 1 ? argv[1] : "8080";
    const char *address = argc > 2 ? argv[2] : "127.0.0.1";
    const char *why;

    prog = argv[0];
    if (argc > 3 || !is_port(port))
        usage(argv, "server [PORT [ADDRESS]]");

    /* TODO 23.7: keep a client that has gone from ending the server.
     * Call on_signal() (lib/net.h; sigaction(2)) with SIGPIPE and SIG_IGN.
     * Trap: you never see it when you try: a write to a client that has gone
     * sends SIGPIPE, which ends the process without a word (signal(7)).
     * Ignored, the write fails with EPIPE.
     * Check: "a client that leaves before its answer does not end the server".
     */
    /* END 23.7 */

    /* TODO 23.1: make the socket that listens on port of address.
     * Call tcp_listen() (lib/net.h): socket(2), bind(2) and listen(2), which
     * you wrote by hand in 21, with getaddrinfo(3) before them.
     * Trap: it prints nothing; the lines below say what went wrong, from why.
     * Check: "listens and says on which port".
     */
    int lfd = -1;
    why = "TODO 23.1 is not done";
    /* END 23.1 */
    if (lfd < 0)
        die("bind %s:%s: %s", address, port, why);
    fprintf(stderr, "Server launched, listening on port: %d\n",
            sock_port(lfd));

    for (;;) {
        int cfd = next_client(lfd);
        serve(cfd);
    }
}
