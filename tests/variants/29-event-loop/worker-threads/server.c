/* What is different: a thread for each worker, all of which accept from one
 * socket; no time limits. What a client has not taken stands in a list of
 * blocks, each as long as one answer. */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "bytes.h"
#include "http.h"
#include "net.h"
#include "ready.h"

struct block {
    struct block *next;
    size_t at, len;
    char bytes[512];
};

struct client {
    int fd, interest;
    bool in_body, is_head, last, shut;
    struct http_request request;
    struct bytes in;
    struct block *first, **end;
};

static int lfd;

static bool queue_answer(struct client *c, int status)
{
    struct block *b = calloc(1, sizeof *b);
    char page[256], reason[8];
    bool head = c->is_head && status == 200;

    if (b == NULL)
        return false;
    snprintf(reason, sizeof reason, "%s", status == 200 ? "OK" : "No");
    snprintf(page, sizeof page, "<P>%s</P>\n",
             status == 200 ? "This is my test server page" : "I cannot");
    c->last = status != 200 || !c->request.keep_alive;
    b->len = (size_t)snprintf(b->bytes, sizeof b->bytes,
                              "HTTP/1.1 %d %s\r\ncontent-type: text/html\r\n"
                              "%sCONTENT-LENGTH: %zu\r\n\r\n%s",
                              status, reason,
                              c->last ? "Connection: close\r\n" : "",
                              strlen(page), head ? "" : page);
    *c->end = b;
    c->end = &b->next;
    memset(&c->request, 0, sizeof c->request);
    c->in_body = c->is_head = false;
    return true;
}

/* Takes one request off c->in. Returns false when there is no whole one. */
static bool one_request(struct client *c)
{
    size_t used = 0;
    int status;

    if (c->last)
        return false;
    if (!c->in_body) {
        status = http_head(&c->request, c->in.at, c->in.len);
        if (status == 0)
            return false;
        if (status != 200)
            return queue_answer(c, status);
        c->is_head = http_is(c->request.method, "HEAD");
        bytes_drop(&c->in, c->request.size);
        c->in_body = true;
    }
    status = c->request.has_body
                 ? http_skip(&c->request, c->in.at, c->in.len, &used)
                 : 200;
    bytes_drop(&c->in, used);
    return status != 0 && queue_answer(c, status);
}

static bool write_blocks(struct client *c)
{
    while (c->first != NULL) {
        struct block *b = c->first;
        ssize_t n = write(c->fd, b->bytes + b->at, b->len - b->at);
        if (n < 0)
            return errno == EAGAIN || errno == EINTR;
        b->at += (size_t)n;
        if (b->at < b->len)
            return true;
        c->first = b->next;
        if (c->first == NULL)
            c->end = &c->first;
        free(b);
    }
    return true;
}

static bool serve(struct ready *set, struct client *c)
{
    char buf[3000];
    int interest;

    if (c->first == NULL) {
        ssize_t n = read(c->fd, buf, sizeof buf);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
            return false;
        if (n > 0 && !c->last && !bytes_add(&c->in, buf, (size_t)n))
            return false;
    }
    do
        if (!write_blocks(c))
            return false;
    while (c->first == NULL && one_request(c));
    if (c->last && c->first == NULL && !c->shut) {
        c->shut = true;
        shutdown(c->fd, SHUT_WR);
    }
    interest = c->first != NULL ? READY_WRITE : READY_READ;
    if (interest == c->interest)
        return true;
    c->interest = interest;
    return ready_change(set, c->fd, interest, c) == 0;
}

static bool accept_one(struct ready *set)
{
    struct sockaddr_storage peer;
    socklen_t len;
    char text[ADDR_STR_MAX];
    int fd = tcp_accept(lfd, &peer, &len);
    struct client *c;

    if (fd < 0) {
        struct timespec a_while = { 0, 1000000 };
        if (errno != EAGAIN)
            nanosleep(&a_while, NULL);
        return false;
    }
    fprintf(stderr, "New client connected from %s\n",
            addr_str((struct sockaddr *)&peer, len, text));
    c = calloc(1, sizeof *c);
    if (c == NULL) {
        close(fd);
        return true;
    }
    fcntl(fd, F_SETFL, O_NONBLOCK);
    *c = (struct client){ .fd = fd, .interest = READY_READ };
    c->end = &c->first;
    ready_add(set, fd, READY_READ, c);
    return true;
}

static void drop(struct ready *set, struct client *c)
{
    while (c->first != NULL) {
        struct block *b = c->first;
        c->first = b->next;
        free(b);
    }
    ready_close(set, c->fd);
    free(c->in.at);
    free(c);
}

static void *worker(void *arg)
{
    struct ready *set = ready_new();
    struct ready_event events[20];

    ready_add(set, lfd, READY_READ, NULL);
    for (;;) {
        int n = ready_wait(set, events, 20, -1);
        for (int i = 0; i < n; i++)
            if (events[i].who == NULL)
                accept_one(set);
            else if (!serve(set, events[i].who))
                drop(set, events[i].who);
    }
    return arg;
}

int main(int argc, char *argv[])
{
    const char *why;
    long workers = argc > 3 ? strtol(argv[3], NULL, 10) : 1;
    pthread_t thread;

    prog = argv[0];
    if (argc > 4 || (argc > 1 && !is_port(argv[1])) || workers < 1 ||
        (argc > 3 && strspn(argv[3], "0123456789") != strlen(argv[3])))
        usage(argv, "server [PORT [ADDRESS [WORKERS]]]");
    on_signal(SIGPIPE, SIG_IGN, 0);
    ready_files();
    lfd = tcp_listen(argc > 2 ? argv[2] : "127.0.0.1",
                     argc > 1 ? argv[1] : "8080", &why);
    if (lfd < 0)
        die("listen: %s", why);
    fcntl(lfd, F_SETFL, O_NONBLOCK);
    fprintf(stderr, "Server launched, listening on port: %d\n",
            sock_port(lfd));
    while (--workers > 0)
        pthread_create(&thread, NULL, worker, NULL);
    worker(NULL);
}
