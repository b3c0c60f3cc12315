/* What is different: it asks for reading and writing at the same time, reads a
 * byte at a time, and has written what it could before it reads the next one.
 * The answers wait in one string. Workers are processes with a socket each;
 * there are no time limits, and the connection to a client that has had its
 * last answer is closed when the client closes it. */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bytes.h"
#include "http.h"
#include "net.h"
#include "ready.h"

struct client {
    int fd, what;
    bool in_body, head, last, said;
    struct http_request *request;
    struct bytes in, out;
};

static const char *page = "<p>hello</p>\n<P>This is my test server page</P>\n";

static bool answer(struct client *c, int status)
{
    char text[400];

    c->last = status != 200 || !c->request->keep_alive;
    snprintf(text, sizeof text,
             "HTTP/1.1 %d %s\r\nContent-Type: text/html; charset=us-ascii\r\n"
             "Content-Length: %zu\r\n%s\r\n%s",
             status, status == 200 ? "OK" : "Wrong", strlen(page),
             c->last ? "Connection: close\r\n" : "", c->head ? "" : page);
    free(c->request);
    c->request = NULL;
    c->in_body = c->head = false;
    return bytes_add(&c->out, text, strlen(text));
}

static bool take(struct client *c, char byte)
{
    int status;
    size_t used;

    if (c->last)
        return true;
    if (c->request == NULL)
        c->request = calloc(1, sizeof *c->request);
    if (c->request == NULL)
        return false;
    if (c->in_body) {
        status = http_skip(c->request, &byte, 1, &used);
        return status == 0 || answer(c, status);
    }
    if (!bytes_add(&c->in, &byte, 1))
        return false;
    status = http_head(c->request, c->in.at, c->in.len);
    if (status == 0)
        return true;
    c->head = status == 200 && http_is(c->request->method, "HEAD");
    bytes_drop(&c->in, c->in.len);
    c->in_body = status == 200 && c->request->has_body;
    return c->in_body || answer(c, status);
}

static bool go_on(struct ready *set, struct client *c)
{
    char byte;
    ssize_t n;
    int what;

    for (int i = 0; i < 1000 && c->out.len == 0; i++) {
        n = read(c->fd, &byte, 1);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            break;
        if (n <= 0 || !take(c, byte))
            return false;
    }
    if (c->out.len > 0) {
        n = write(c->fd, c->out.at, c->out.len);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return false;
        bytes_drop(&c->out, n > 0 ? (size_t)n : 0);
    }
    if (c->last && c->out.len == 0 && !c->said)
        c->said = shutdown(c->fd, SHUT_WR) == 0;
    what = c->out.len > 0 ? READY_READ | READY_WRITE : READY_READ;
    if (what != c->what && ready_change(set, c->fd, what, c) < 0)
        return false;
    c->what = what;
    return true;
}

/* Returns false when it has no descriptor for the next client. */
static bool door(struct ready *set, int lfd)
{
    struct sockaddr_storage peer;
    socklen_t len;
    char text[ADDR_STR_MAX];
    struct client *c;
    int fd = tcp_accept(lfd, &peer, &len);

    if (fd < 0)
        return errno == EAGAIN;
    fprintf(stderr, "New client connected %s\n",
            addr_str((struct sockaddr *)&peer, len, text));
    c = calloc(1, sizeof *c);
    if (c == NULL || fcntl(fd, F_SETFL, O_NONBLOCK) < 0 ||
        ready_add(set, fd, READY_READ, c) < 0) {
        free(c);
        close(fd);
        return true;
    }
    c->fd = fd;
    c->what = READY_READ;
    return true;
}

static _Noreturn void work(int lfd)
{
    struct ready *set = ready_new();
    struct ready_event e;
    bool open = true;

    if (set == NULL || ready_add(set, lfd, READY_READ, NULL) < 0)
        die("ready:");
    fcntl(lfd, F_SETFL, O_NONBLOCK);
    for (;;) {
        struct client *c;
        int n = ready_wait(set, &e, 1, open ? -1 : 50);
        if (!open) /* it was shut for that long, or until somebody came */
            open = ready_change(set, lfd, READY_READ, NULL) == 0;
        if (n != 1)
            continue;
        c = e.who;
        if (c == NULL) {
            open = door(set, lfd) || ready_change(set, lfd, 0, NULL) < 0;
        } else if (!go_on(set, c)) {
            ready_close(set, c->fd);
            bytes_drop(&c->in, c->in.len);
            bytes_drop(&c->out, c->out.len);
            free(c->request);
            free(c);
        }
    }
}

static volatile sig_atomic_t ends;
static void on_end(int sig)
{
    ends = sig;
}

int main(int argc, char *argv[])
{
    const char *why;
    int n = argc > 3 ? atoi(argv[3]) : 1, lfds[100];
    pid_t pids[100];
    sigset_t mask, before;

    prog = argv[0];
    if (argc > 4 || (argc > 1 && !is_port(argv[1])) || n < 1 || n > 100 ||
        (argc > 3 && argv[3][strspn(argv[3], "0123456789")] != '\0'))
        usage(argv, "server [PORT [ADDRESS [WORKERS]]]");
    on_signal(SIGPIPE, SIG_IGN, 0);
    ready_files();
    lfds[0] = tcp_listen(argc > 2 ? argv[2] : "127.0.0.1",
                         argc > 1 ? argv[1] : "8080", &why);
    if (lfds[0] < 0)
        die("bind %s", why);
    for (int i = 1; i < n; i++)
        if ((lfds[i] = ready_listen(lfds[0])) < 0)
            die("listen:");
    fprintf(stderr, "Server launched, listening on port: %d\n",
            sock_port(lfds[0]));
    if (n == 1)
        work(lfds[0]);
    sigfillset(&mask);
    sigprocmask(SIG_BLOCK, &mask, &before);
    on_signal(SIGINT, on_end, 0);
    on_signal(SIGTERM, on_end, 0);
    for (int i = 0; i < n; i++)
        if ((pids[i] = fork()) == 0) {
            on_signal(SIGINT, SIG_DFL, 0);
            on_signal(SIGTERM, SIG_DFL, 0);
            sigprocmask(SIG_SETMASK, &before, NULL);
            work(lfds[i]);
        }
    while (ends == 0)
        sigsuspend(&before);
    for (int i = 0; i < n; i++)
        kill(pids[i], SIGTERM);
    while (wait(NULL) > 0)
        continue;
    return 0;
}
