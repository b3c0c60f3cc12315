/* What is different: one process, all sockets non-blocking, poll(2) with a
 * tick of a second; it serves everybody at once, drops clients that are
 * silent for 12 s, and writes with MSG_NOSIGNAL. lib/ for the command line
 * alone. It reads a whole body before nothing: after the answer it drops what
 * comes, until the client has closed or is silent for 2 s. */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "net.h"

enum { CLIENTS = 500, MAX_LINE = 8192, MAX_LINES = 100 };

struct client {
    size_t length;
    int lines;
    bool answered;
    time_t last;
    char line[MAX_LINE + 2];
};

static struct pollfd fds[CLIENTS + 1];
static struct client *clients[CLIENTS + 1];
static nfds_t count = 1;

static time_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec;
}

static void drop(nfds_t i)
{
    close(fds[i].fd);
    free(clients[i]);
    count--;
    fds[i] = fds[count];
    clients[i] = clients[count];
}

static void answer(nfds_t i, const char *status, const char *page)
{
    char all[512];
    int n = snprintf(all, sizeof all,
                     "HTTP/1.1 %s\r\nConnection: close\r\n"
                     "Content-Length: %zu\r\n"
                     "Content-Type: text/html\r\n\r\n%s",
                     status, strlen(page), page);

    send(fds[i].fd, all, (size_t)n, MSG_NOSIGNAL);
    shutdown(fds[i].fd, SHUT_WR);
    clients[i]->answered = true;
}

static void whole_line(nfds_t i)
{
    struct client *c = clients[i];

    if (c->length > 0 && c->line[c->length - 1] == '\r')
        c->length--;
    if (c->length == 0 && c->lines <= MAX_LINES)
        answer(i, "200 OK", "<P>This is my test server page</P>\n");
    else if (c->length > MAX_LINE || ++c->lines > MAX_LINES)
        answer(i, "431 Header Too Large", "<P>no</P>");
    c->line[c->length] = '\n';
    fwrite(c->line, c->length + 1, 1, stdout);
    fflush(stdout);
    c->length = 0;
}

static void one_byte(nfds_t i, char byte)
{
    struct client *c = clients[i];

    if (c->answered)
        return;
    if (byte == '\n')
        whole_line(i);
    else if (c->length >= MAX_LINE + (byte == '\r'))
        answer(i, "431 Header Too Large", "<P>no</P>");
    else
        c->line[c->length++] = byte;
}

/* False: this client has gone. */
static bool take(nfds_t i)
{
    static char buf[700];
    ssize_t n = recv(fds[i].fd, buf, sizeof buf, 0);

    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    for (ssize_t k = 0; k < n; k++)
        one_byte(i, buf[k]);
    clients[i]->last = now();
    return n > 0;
}

static void welcome(void)
{
    int fd = accept(fds[0].fd, NULL, NULL);

    if (fd < 0) {
        poll(NULL, 0, 10);
        return;
    }
    fprintf(stderr, "New client connected on descriptor %d\n", fd);
    clients[count] = calloc(1, sizeof *clients[count]);
    if (count == CLIENTS || clients[count] == NULL) {
        free(clients[count]);
        close(fd);
        return;
    }
    fcntl(fd, F_SETFL, O_NONBLOCK);
    clients[count]->last = now();
    fds[count++] = (struct pollfd){ .fd = fd, .events = POLLIN };
}

int main(int argc, char *argv[])
{
    const char *why;

    prog = argv[0];
    if (argc > 3 || (argc > 1 && !is_port(argv[1])))
        usage(argv, "server [PORT [ADDRESS]]");
    on_signal(SIGPIPE, SIG_IGN, 0); /* for stdout's sake */
    fds[0].events = POLLIN;
    fds[0].fd = tcp_listen(argc > 2 ? argv[2] : "127.0.0.1",
                           argc > 1 ? argv[1] : "8080", &why);
    if (fds[0].fd < 0)
        die("cannot listen: %s", why);
    fcntl(fds[0].fd, F_SETFL, O_NONBLOCK);
    fprintf(stderr, "Server launched, listening on port: %d\n",
            sock_port(fds[0].fd));
    for (;;) {
        int ready = poll(fds, count, 1000);

        for (nfds_t i = count - 1; i > 0; i--) {
            time_t silence = now() - clients[i]->last;

            if ((ready > 0 && fds[i].revents != 0 && !take(i)) ||
                silence > (clients[i]->answered ? 2 : 12))
                drop(i);
        }
        if (ready > 0 && fds[0].revents != 0)
            welcome();
    }
}
