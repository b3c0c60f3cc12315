/* What is different: main reads all requests itself, without blocking, in a
 * loop of poll(2) with a tick; when one is whole, it makes a thread that
 * answers it. So the 503 comes after the request was read. */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net.h"

enum { CLIENTS = 4000, MAX_LINE = 8192 };

struct client {
    int fd, status, lines;
    size_t n;
    char *line;
};

static struct pollfd fds[CLIENTS];
static struct client *clients[CLIENTS];
static nfds_t count = 1;

static void forget(nfds_t i)
{
    count--;
    fds[i] = fds[count];
    clients[i] = clients[count];
}

static void end(struct client *c)
{
    close(c->fd);
    free(c->line);
    free(c);
}

static void say(int fd, const char *status, const char *page)
{
    char all[400];
    int n = snprintf(all, sizeof all,
                     "HTTP/1.1 %s\r\nContent-Type: text/html\r\n"
                     "Connection: close\r\nContent-Length: %zu\r\n\r\n%s",
                     status, strlen(page), page);

    send(fd, all, (size_t)n, MSG_NOSIGNAL);
}

static void *answer(void *arg)
{
    struct client *c = arg;
    struct pollfd p = { .fd = c->fd, .events = POLLIN };
    char drop[4096];
    ssize_t n = 1;

    if (c->status == 200)
        say(c->fd, "200 OK", "<P>This is my test server page</P>");
    else
        say(c->fd, "431 Long", "long");
    shutdown(c->fd, SHUT_WR);
    while (n > 0 && poll(&p, 1, 900) == 1)
        n = recv(c->fd, drop, sizeof drop, 0);
    end(c);
    return NULL;
}

static void hand_over(struct client *c)
{
    pthread_attr_t attr;
    pthread_t thread;

    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    if (pthread_create(&thread, &attr, answer, c) != 0) {
        say(c->fd, "503 No Thread", "later");
        end(c);
    }
    pthread_attr_destroy(&attr);
}

static void add(struct client *c, char byte)
{
    if (byte != '\n') {
        if (c->n >= MAX_LINE + (byte == '\r'))
            c->status = 431;
        else
            c->line[c->n++] = byte;
        return;
    }
    if (c->n > 0 && c->line[c->n - 1] == '\r')
        c->n--;
    c->line[c->n] = '\n';
    fwrite(c->line, 1, c->n + 1, stdout);
    fflush(stdout);
    if (c->n == 0)
        c->status = 200;
    else if (++c->lines == 101)
        c->status = 431;
    c->n = 0;
}

static void take(nfds_t i)
{
    struct client *c = clients[i];
    char in[3000];
    ssize_t n = recv(c->fd, in, sizeof in, MSG_DONTWAIT);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    for (ssize_t k = 0; k < n && c->status == 0; k++)
        add(c, in[k]);
    if (n > 0 && c->status == 0)
        return;
    forget(i);
    if (n <= 0)
        end(c);
    else
        hand_over(c);
}

static void welcome(void)
{
    int fd = accept(fds[0].fd, NULL, NULL);
    struct client *c = fd < 0 ? NULL : calloc(1, sizeof *c);

    if (fd < 0)
        poll(NULL, 0, 10);
    if (fd >= 0)
        fprintf(stderr, "New client connected.\n");
    if (c != NULL)
        c->line = malloc(MAX_LINE + 2);
    if (c == NULL || c->line == NULL || count == CLIENTS) {
        if (fd >= 0)
            close(fd);
        if (c != NULL)
            free(c->line);
        free(c);
        return;
    }
    c->fd = fd;
    clients[count] = c;
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
        die("listen: %s", why);
    fcntl(fds[0].fd, F_SETFL, O_NONBLOCK);
    fprintf(stderr, "Server launched, listening on port: %d\n",
            sock_port(fds[0].fd));
    for (;;) {
        if (poll(fds, count, 2000) <= 0)
            continue;
        for (nfds_t i = count - 1; i > 0; i--)
            if (fds[i].revents != 0)
                take(i);
        if (fds[0].revents != 0)
            welcome();
    }
}
