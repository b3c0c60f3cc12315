/* What is different: the threads and the lock of C11 (threads.h), which
 * ThreadSanitizer does not know; a counter of clients under that lock. The
 * client's descriptor travels in a struct from calloc(3).
 * Left out: ThreadSanitizer, which ends programs with these threads. */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <threads.h>
#include <unistd.h>

#include "net.h"

struct client {
    long number;
    int fd;
};

static mtx_t lock;
static long served;

static void say(int fd, const char *status, const char *page)
{
    char all[400];

    snprintf(all, sizeof all,
             "HTTP/1.1 %s\r\nContent-Type: text/html\r\n"
             "Connection: close\r\nContent-Length: %zu\r\n\r\n%s",
             status, strlen(page), page);
    writen(fd, all, strlen(all));
}

static void bye(int fd)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };
    char drop[4096];

    shutdown(fd, SHUT_WR);
    while (poll(&p, 1, 700) == 1 && read(fd, drop, sizeof drop) > 0)
        continue;
    close(fd);
}

/* 200, 431 or 0. The lock holds the pieces of a line together. */
static int request(int fd)
{
    struct line_reader in = { .fd = fd };
    char line[8195];
    ssize_t n;

    for (int count = 0; count <= 100; count++) {
        n = read_line(&in, line, sizeof line);
        if (n < 0 && errno == EMSGSIZE)
            return 431;
        if (n <= 0 || line[n - 1] != '\n')
            return 0;
        n -= n > 1 && line[n - 2] == '\r' ? 2 : 1;
        mtx_lock(&lock);
        fwrite(line, 1, (size_t)n, stdout);
        fputs("\n", stdout);
        fflush(stdout);
        mtx_unlock(&lock);
        if (n == 0)
            return 200;
    }
    return 431;
}

static int serve(void *arg)
{
    struct client c = *(struct client *)arg;
    int status;

    free(arg);
    thrd_detach(thrd_current());
    status = request(c.fd);
    if (status == 200)
        say(c.fd, "200 OK", "<P>This is my test server page</P>");
    else if (status == 431)
        say(c.fd, "431 Long", "long");
    bye(c.fd);
    mtx_lock(&lock);
    served++;
    mtx_unlock(&lock);
    return 0;
}

static void start(int fd, long number)
{
    struct client *c = calloc(1, sizeof *c);
    thrd_t thread;

    if (c != NULL) {
        *c = (struct client){ .number = number, .fd = fd };
        if (thrd_create(&thread, serve, c) == thrd_success)
            return;
    }
    free(c);
    fprintf(stderr, "client %ld: no thread\n", number);
    say(fd, "503 Service Unavailable", "later");
    close(fd);
}

int main(int argc, char *argv[])
{
    const char *why;
    long number = 0;
    int lfd;

    prog = argv[0];
    if (argc > 3 || (argc > 1 && !is_port(argv[1])))
        usage(argv, "server [PORT [ADDRESS]]");
    on_signal(SIGPIPE, SIG_IGN, 0);
    mtx_init(&lock, mtx_plain);
    lfd = tcp_listen(argc > 2 ? argv[2] : "127.0.0.1",
                     argc > 1 ? argv[1] : "8080", &why);
    if (lfd < 0)
        die("listen: %s", why);
    fprintf(stderr, "Server launched, listening on port: %d\n",
            sock_port(lfd));
    for (;;) {
        int fd = accept(lfd, NULL, NULL);

        if (fd < 0) {
            thrd_sleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
            continue;
        }
        fprintf(stderr, "New client connected: number %ld\n", ++number);
        start(fd, number);
    }
}
