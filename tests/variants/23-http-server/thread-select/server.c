/* What is different: two threads share the clients, each with accept(2) of its
 * own; select(2) with a limit before every read; a buffer of a whole request,
 * searched for line ends; the 431 is sent without a wait for the client. */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net.h"

static int lfd;

static bool readable(int fd, int seconds)
{
    struct timeval t = { .tv_sec = seconds };
    fd_set set;

    FD_ZERO(&set);
    FD_SET(fd, &set);
    return select(fd + 1, &set, NULL, NULL, &t) == 1;
}

struct request {
    char *p;
    size_t size, used, done;
    int lines;
};

/* Prints the whole lines that are there; 200 or 431: an answer is due. */
static int look(struct request *r)
{
    char *nl;

    while ((nl = memchr(r->p + r->done, '\n', r->used - r->done)) != NULL) {
        char *line = r->p + r->done;
        int len = (int)(nl - line);

        r->done += (size_t)len + 1;
        if (len > 0 && line[len - 1] == '\r')
            len--;
        if (len > 8192)
            return 431;
        flockfile(stdout);
        for (int i = 0; i < len; i++)
            putc_unlocked(line[i], stdout);
        putc_unlocked('\n', stdout);
        fflush(stdout);
        funlockfile(stdout);
        if (len == 0)
            return 200;
        if (++r->lines == 101)
            return 431;
    }
    return r->used - r->done > 8193 ? 431 : 0;
}

static int request(int fd)
{
    struct request r = { .size = 1024, .p = malloc(1024) };
    int status = 0;

    while (r.p != NULL && status == 0) {
        ssize_t n;

        if (r.used == r.size)
            r.p = realloc(r.p, r.size *= 2);
        while (!readable(fd, 30))
            continue;
        n = recv(fd, r.p + r.used, r.size - r.used, 0);
        if (n <= 0)
            break;
        r.used += (size_t)n;
        status = look(&r);
    }
    free(r.p);
    return status;
}

static void say(int fd, const char *status, const char *page)
{
    char head[300];

    snprintf(head, sizeof head,
             "HTTP/1.1 %s\r\ncontent-type: text/html\r\n"
             "content-length: %zu\r\nconnection: close\r\n\r\n",
             status, strlen(page));
    if (writen(fd, head, strlen(head)) == 0)
        writen(fd, page, strlen(page));
}

static void serve(int fd)
{
    char dropped[1000];
    int status = request(fd);

    if (status == 200)
        say(fd, "200 OK", "a<P>This is my test server page</P>b");
    else if (status == 431)
        say(fd, "431 No", "");
    if (status == 200) {
        shutdown(fd, SHUT_WR);
        for (int i = 0; i < 1000 && readable(fd, 1); i++)
            if (recv(fd, dropped, sizeof dropped, 0) <= 0)
                break;
    }
    close(fd);
}

static void *worker(void *unused)
{
    for (;;) {
        int fd = accept(lfd, NULL, NULL);

        if (fd == -1) {
            readable(0, 0);
            continue;
        }
        fputs("New client connected, welcome\n", stderr);
        serve(fd);
    }
    return unused;
}

int main(int argc, char *argv[])
{
    const char *why;
    pthread_t other;

    prog = argv[0];
    if (argc > 3 || (argc > 1 && !is_port(argv[1])))
        usage(argv, "server [PORT [ADDRESS]]");
    signal(SIGPIPE, SIG_IGN);
    lfd = tcp_listen(argc > 2 ? argv[2] : "127.0.0.1",
                     argc > 1 ? argv[1] : "8080", &why);
    if (lfd < 0)
        die("listen: %s", why);
    fprintf(stderr, "Server launched, listening on port: %d\n",
            sock_port(lfd));
    if (pthread_create(&other, NULL, worker, NULL) != 0)
        die("no thread");
    worker(NULL);
}
