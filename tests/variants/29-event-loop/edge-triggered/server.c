/* Edge-triggered epoll, two fixed buffers for each client, kept alive for
 * HTTP/1.0 too where it asks, workers are threads that share the listener. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http.h"
#include "net.h"

#define IN_MAX 900000
#define OUT_MAX 3000

struct client {
    int fd, ended, body, last;
    size_t in, out, size;
    struct http_request r;
    char *ibuf;
    char obuf[OUT_MAX];
};

static int lfd;

static void say(struct client *c, int status, int keep, int head)
{
    static const char page[] =
        "<!doctype html>\n<P>This is my test server page</P>\n";

    c->out += (size_t)snprintf(
        c->obuf + c->out, OUT_MAX - c->out,
        "HTTP/1.1 %d %s\r\nContent-Length: %zu\r\nContent-Type: "
        "text/html\r\n%s\r\n%s",
        status, status == 200 ? "OK" : "Bad", sizeof page - 1,
        keep ? "Connection: Keep-Alive\r\n" : "connection: close\r\n",
        head ? "" : page);
    if (!keep)
        c->last = 1;
}

static void drop(struct client *c, size_t n)
{
    memmove(c->ibuf, c->ibuf + n, c->in - n);
    c->in -= n;
}

/* Answers what is whole, as long as there is room. Returns whether it did. */
static int answer(struct client *c)
{
    int did = 0;

    while (!c->last && OUT_MAX - c->out > 400 && c->in) {
        int status = 200, keep, head;
        size_t used;

        if (!c->body) {
            status = http_head(&c->r, c->ibuf, c->in);
            if (status == 0)
                break;
            if (status == 200 && c->r.expects_continue && c->r.has_body &&
                c->r.size == c->in)
                (void)!write(c->fd, "HTTP/1.1 100 Continue\r\n\r\n", 25);
        }
        keep = c->r.keep_alive;
        head = c->body ? c->body == 2 : http_is(c->r.method, "HEAD");
        if (status == 200) {
            if (!c->body) {
                drop(c, c->r.size);
                c->body = head ? 2 : 1;
            }
            used = 0;
            if (c->r.has_body) {
                status = http_skip(&c->r, c->ibuf, c->in, &used);
                drop(c, used);
                if (status == 0)
                    break;
            }
            c->body = 0;
        }
        say(c, status, status == 200 && keep, status == 200 && head);
        memset(&c->r, 0, sizeof c->r);
        did = 1;
    }
    return did;
}

static int turn(struct client *c)
{
    for (;;) {
        int moved = 0;
        ssize_t n;

        if (c->last)
            c->in = 0;
        if (!c->ended && c->in < IN_MAX) {
            if (c->size - c->in < 4096) {
                c->size = c->size * 2 + 8192;
                c->ibuf = realloc(c->ibuf, c->size);
            }
            n = read(c->fd, c->ibuf + c->in, c->size - c->in);
            if (n > 0) {
                c->in += (size_t)n;
                moved = 1;
            } else if (n == 0) {
                c->ended = 1;
                moved = 1;
            } else if (errno != EAGAIN && errno != EINTR) {
                return -1;
            }
        }
        moved |= answer(c);
        if (c->out) {
            n = write(c->fd, c->obuf, c->out);
            if (n > 0) {
                memmove(c->obuf, c->obuf + n, c->out - (size_t)n);
                c->out -= (size_t)n;
                moved = 1;
            } else if (errno != EAGAIN && errno != EINTR) {
                return -1;
            }
            if (!c->out && c->last)
                shutdown(c->fd, SHUT_WR);
        }
        if (c->ended && !c->out && !answer(c))
            return -1;
        if (!moved)
            return 0;
    }
}

static void *loop(void *arg)
{
    int ep = epoll_create1(0);
    struct epoll_event e = { .events = EPOLLIN };

    epoll_ctl(ep, EPOLL_CTL_ADD, lfd, &e);
    for (;;) {
        struct epoll_event ev[100];
        int n = epoll_wait(ep, ev, 100, -1);

        for (int i = 0; i < n; i++) {
            struct client *c = ev[i].data.ptr;
            if (!c) {
                int fd = accept4(lfd, 0, 0, SOCK_NONBLOCK);
                if (fd < 0) {
                    if (errno == EMFILE)
                        usleep(20000);
                    continue;
                }
                fprintf(stderr, "New client connected\n");
                c = calloc(1, sizeof *c);
                c->fd = fd;
                e.events = EPOLLIN | EPOLLOUT | EPOLLET | EPOLLRDHUP;
                e.data.ptr = c;
                epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
            } else if (turn(c) < 0) {
                close(c->fd);
                free(c->ibuf);
                free(c);
            }
        }
    }
    return arg;
}

int main(int argc, char *argv[])
{
    const char *why;
    struct rlimit r;
    int w = 1;

    prog = argv[0];
    if (argc > 4 || (argc == 2 && !strcmp(argv[1], "--help")) || (argc > 1 && !is_port(argv[1])))
        usage(argv, "server [PORT [ADDRESS [WORKERS]]]");
    if (argc > 3) {
        w = strspn(argv[3], "0123456789") == strlen(argv[3]) ? atoi(argv[3])
                                                             : 0;
        if (w < 1 || w > 1000)
            usage(argv, "server [PORT [ADDRESS [WORKERS]]]");
    }
    signal(SIGPIPE, SIG_IGN);
    getrlimit(RLIMIT_NOFILE, &r);
    r.rlim_cur = r.rlim_max;
    setrlimit(RLIMIT_NOFILE, &r);
    lfd = tcp_listen(argc > 2 ? argv[2] : "127.0.0.1",
                     argc > 1 ? argv[1] : "8080", &why);
    if (lfd < 0)
        die("listen: %s", why);
    fcntl(lfd, F_SETFL, O_NONBLOCK);
    for (int i = 1; i < w; i++) {
        pthread_t t;
        pthread_create(&t, 0, loop, 0);
    }
    fprintf(stderr, "Server launched, listening on port: %d\n",
            sock_port(lfd));
    loop(0);
}
