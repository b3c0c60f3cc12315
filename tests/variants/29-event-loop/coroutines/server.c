/* What is different: each client is served by a function that reads and writes
 * as if it waited, on a small stack of its own. Where it would have to wait, it
 * hands over to the loop (swapcontext(3)), which comes back when poll(2) says
 * so. Time limits: none. Workers are processes that accept from one socket. */
#define _GNU_SOURCE
#ifdef __APPLE__
#define _XOPEN_SOURCE 700
#define _DARWIN_C_SOURCE
#endif

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "http.h"
#include "net.h"
#include "ready.h"

#define STACK (32 * 1024)

struct client {
    int fd;
    short events;
    bool over;
    size_t n, size;
    char *in;
    ucontext_t here;
    char *stack;
};

static ucontext_t loop;
static struct client *running;
static struct pollfd *pfds;
static struct client **clients;
static int nclients, room;

static void wait_until(struct client *c, short events)
{
    c->events = events;
    swapcontext(&c->here, &loop);
}

static ssize_t read_more(struct client *c)
{
    ssize_t n;

    if (c->n == c->size) {
        size_t size = c->size == 0 ? 256 : c->size * 2;
        char *in = realloc(c->in, size);
        if (in == NULL)
            return -1;
        c->in = in;
        c->size = size;
    }
    while ((n = read(c->fd, c->in + c->n, c->size - c->n)) < 0 &&
           (errno == EAGAIN || errno == EINTR))
        wait_until(c, POLLIN);
    if (n > 0)
        c->n += (size_t)n;
    return n;
}

static bool write_all(struct client *c, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t written = write(c->fd, p, n);
        if (written < 0 && errno != EAGAIN && errno != EINTR)
            return false;
        if (written < 0) {
            wait_until(c, POLLOUT);
            continue;
        }
        p += written;
        n -= (size_t)written;
    }
    return true;
}

static void forget(struct client *c, size_t n)
{
    c->n -= n;
    if (c->n > 0) {
        memmove(c->in, c->in + n, c->n);
        return;
    }
    free(c->in);
    c->in = NULL;
    c->size = 0;
}

/* Reads a request. Returns its status, or 0 at the end. */
static int request(struct client *c, struct http_request *r, bool *head)
{
    int status;
    size_t used;

    while ((status = http_head(r, c->in, c->n)) == 0)
        if (read_more(c) <= 0)
            return 0;
    if (status != 200)
        return status;
    *head = http_is(r->method, "HEAD");
    forget(c, r->size);
    while (r->has_body && (status = http_skip(r, c->in, c->n, &used)) == 0) {
        forget(c, used);
        if (read_more(c) <= 0)
            return 0;
    }
    if (r->has_body && status == 200)
        forget(c, used);
    return status;
}

static void serve(void)
{
    static const char page[] = "<P>This is my test server page</P>";
    struct client *c = running;
    bool open = true;

    while (open) {
        struct http_request r = { 0 };
        bool head = false;
        char text[256];
        int status = request(c, &r, &head);

        if (status == 0)
            break;
        open = status == 200 && r.keep_alive;
        snprintf(text, sizeof text,
                 "HTTP/1.1 %d %s\r\nContent-Length: %zu\r\n"
                 "Content-Type: text/html\r\n%s\r\n%s",
                 status, status == 200 ? "OK" : "Bad", sizeof page - 1,
                 open ? "" : "Connection: close\r\n", head ? "" : page);
        if (!write_all(c, text, strlen(text)))
            break;
        if (!open) {
            shutdown(c->fd, SHUT_WR);
            do
                forget(c, c->n);
            while (read_more(c) > 0);
        }
    }
    c->over = true;
    for (;;)
        swapcontext(&c->here, &loop);
}

static void start(int fd)
{
    struct client *c = calloc(1, sizeof *c);

    if (nclients == room) {
        room = room == 0 ? 100 : room * 2;
        pfds = realloc(pfds, (size_t)room * sizeof *pfds);
        clients = realloc(clients, (size_t)room * sizeof *clients);
    }
    if (c == NULL || pfds == NULL || clients == NULL)
        die("no memory:");
    c->stack = malloc(STACK);
    if (c->stack == NULL)
        die("no memory:");
    fcntl(fd, F_SETFL, O_NONBLOCK);
    c->fd = fd;
    c->events = POLLIN;
    getcontext(&c->here);
    c->here.uc_stack.ss_sp = c->stack;
    c->here.uc_stack.ss_size = STACK;
    makecontext(&c->here, serve, 0);
    clients[nclients++] = c;
}

static void go_on(int i)
{
    struct client *c = clients[i];

    running = c;
    swapcontext(&loop, &c->here);
    if (!c->over)
        return;
    close(c->fd);
    free(c->in);
    free(c->stack);
    free(c);
    clients[i] = NULL;
}

static void accept_some(int lfd)
{
    struct sockaddr_storage peer;
    socklen_t len;
    char text[ADDR_STR_MAX];
    int fd;

    for (int i = 0; i < 100; i++) {
        fd = tcp_accept(lfd, &peer, &len);
        if (fd < 0)
            break;
        fprintf(stderr, "New client connected: %s\n",
                addr_str((struct sockaddr *)&peer, len, text));
        start(fd);
    }
}

static _Noreturn void work(int lfd)
{
    for (;;) {
        struct pollfd door = { lfd, POLLIN, 0 };
        int n = 0;

        for (int i = 0; i < nclients; i++)
            if (clients[i] != NULL)
                clients[n++] = clients[i];
        nclients = n;
        if (n == room)
            poll(&door, 1, -1);
        else {
            for (int i = 0; i < n; i++)
                pfds[i] = (struct pollfd){ clients[i]->fd, clients[i]->events,
                                           0 };
            pfds[n] = door;
            poll(pfds, (nfds_t)n + 1, -1);
            door.revents = pfds[n].revents;
        }
        for (int i = 0; i < n && n < room; i++)
            if (pfds[i].revents != 0)
                go_on(i);
        if (door.revents != 0)
            accept_some(lfd);
        if (nclients == n && door.revents != 0)
            poll(NULL, 0, 1); /* no descriptor left, or another worker's */
        if (nclients == room) {
            pfds = realloc(pfds, (size_t)(room + 100) * sizeof *pfds);
            clients = realloc(clients, (size_t)(room + 100) * sizeof *clients);
            if (pfds == NULL || clients == NULL)
                die("no memory:");
            room += 100;
        }
    }
}

static pid_t kids[256];
static long nkids;

static void on_end(int sig)
{
    for (long i = 0; i < nkids; i++)
        kill(kids[i], SIGTERM);
    while (wait(NULL) > 0)
        continue;
    _exit(sig == SIGTERM ? 0 : 1);
}

int main(int argc, char *argv[])
{
    const char *why;
    long n = argc > 3 ? strtol(argv[3], NULL, 10) : 1;

    prog = argv[0];
    if (argc > 4 || (argc > 1 && !is_port(argv[1])) || n < 1 || n > 256 ||
        (argc > 3 && strspn(argv[3], "0123456789") != strlen(argv[3])))
        usage(argv, "server [PORT [ADDRESS [WORKERS]]]");
    on_signal(SIGPIPE, SIG_IGN, 0);
    ready_files();
    int lfd = tcp_listen(argc > 2 ? argv[2] : "127.0.0.1",
                         argc > 1 ? argv[1] : "8080", &why);
    if (lfd < 0)
        die("listen: %s", why);
    fcntl(lfd, F_SETFL, O_NONBLOCK);
    for (; nkids < (n > 1 ? n : 0); nkids++)
        if ((kids[nkids] = fork()) == 0)
            work(lfd);
    on_signal(SIGTERM, n > 1 ? on_end : SIG_DFL, 0);
    on_signal(SIGINT, n > 1 ? on_end : SIG_DFL, 0);
    fprintf(stderr, "Server launched, listening on port: %d\n",
            sock_port(lfd));
    while (n > 1)
        pause();
    work(lfd);
}
