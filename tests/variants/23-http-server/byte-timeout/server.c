/* What is different: one read(2) for each byte, with SO_RCVTIMEO of 10 s and a
 * bit, after which a silent client is dropped; writes the head and the page
 * apart, each in a write(2) loop; prints with write(2) and no stdio; ends at
 * signals by sigaction(2) and _exit(2) with status 0. Plain libc. */
#define _POSIX_C_SOURCE 200809L

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static const char page[] =
    "<!doctype html>\n<title>x</title><P>This is my test server page</P>";

static void on_end(int sig)
{
    (void)sig;
    _exit(0);
}

static void put(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t w = write(fd, p, n);

        if (w == -1 && errno != EINTR)
            return;
        if (w > 0) {
            p += w;
            n -= (size_t)w;
        }
    }
}

static void patience(int fd, int seconds, int us)
{
    struct timeval t = { seconds, us };

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
}

/* The next byte, or -1. */
static int get(int fd)
{
    unsigned char byte;
    ssize_t n;

    do
        n = read(fd, &byte, 1);
    while (n == -1 && errno == EINTR);
    return n == 1 ? byte : -1;
}

/* 200, 431, or 0. */
static int request(int fd)
{
    char line[8194];

    for (int lines = 0; lines < 101; lines++) {
        size_t n = 0;
        int c;

        while ((c = get(fd)) != '\n') {
            if (c == -1)
                return 0;
            if (n == 8193 || (n == 8192 && c != '\r'))
                return 431;
            line[n++] = (char)c;
        }
        if (n > 0 && line[n - 1] == '\r')
            n--;
        line[n++] = '\n';
        put(1, line, n);
        if (n == 1)
            return 200;
    }
    return 431;
}

static void serve(int fd)
{
    char head[256];
    int status;

    patience(fd, 10, 200000);
    status = request(fd);
    if (status == 200) {
        snprintf(head, sizeof head,
                 "HTTP/1.1 200 OK\r\nDate: today\r\n"
                 "Content-Type: text/html;charset=ascii\r\n"
                 "Content-Length:  %zu \r\nConnection: close\r\n\r\n",
                 strlen(page));
        put(fd, head, strlen(head));
        put(fd, page, strlen(page));
    } else if (status == 431) {
        snprintf(head, sizeof head, "HTTP/1.0 431 \r\n\r\n");
        put(fd, head, strlen(head));
    }
    shutdown(fd, SHUT_WR);
    patience(fd, 0, 500000);
    for (long n = 0; n < 1000000 && get(fd) != -1; n++)
        continue;
    close(fd);
}

static int listen_at(const char *host, const char *port, const char **why)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list;
    int fd = -1, on = 1, rc = getaddrinfo(host, port, &hints, &list);

    if (rc != 0) {
        *why = gai_strerror(rc);
        return -1;
    }
    for (struct addrinfo *ai = list; ai != NULL && fd == -1;
         ai = ai->ai_next) {
        fd = socket(ai->ai_family, ai->ai_socktype, 0);
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (bind(fd, ai->ai_addr, ai->ai_addrlen) == -1 ||
            listen(fd, SOMAXCONN) == -1) {
            *why = strerror(errno);
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(list);
    return fd;
}

static int port_number(const char *s)
{
    char *end;
    long n = strtol(s, &end, 10);

    return s[0] < '0' || s[0] > '9' || *end != '\0' || n > 65535 ? -1 : (int)n;
}

int main(int argc, char *argv[])
{
    struct sigaction ignore = { .sa_handler = SIG_IGN };
    struct sigaction quit = { .sa_handler = on_end };
    struct sockaddr_storage at;
    socklen_t len = sizeof at;
    const char *why = "";
    int lfd, fd;
    char said[20];

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return puts("usage: server [PORT [ADDRESS]]") == EOF;
    if (argc > 3 || (argc > 1 && port_number(argv[1]) == -1)) {
        fprintf(stderr, "server: what?\nusage: server [PORT [ADDRESS]]\n");
        return 2;
    }
    sigaction(SIGPIPE, &ignore, NULL);
    sigaction(SIGTERM, &quit, NULL);
    sigaction(SIGINT, &quit, NULL);
    lfd = listen_at(argc > 2 ? argv[2] : "127.0.0.1",
                    argc > 1 ? argv[1] : "8080", &why);
    if (lfd == -1) {
        fprintf(stderr, "server: listen: %s\n", why);
        return 1;
    }
    getsockname(lfd, (struct sockaddr *)&at, &len);
    getnameinfo((struct sockaddr *)&at, len, NULL, 0, said, sizeof said,
                NI_NUMERICSERV);
    fprintf(stderr, "Server launched, listening on port: %s\n", said);
    for (;;) {
        fd = accept(lfd, NULL, NULL);
        if (fd == -1) {
            poll(NULL, 0, 5);
            continue;
        }
        fprintf(stderr, "New client connected\n");
        serve(fd);
    }
}
