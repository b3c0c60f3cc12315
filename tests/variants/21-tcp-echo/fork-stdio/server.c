/* server.c - an echo server that makes a process for each client, in which
 * stdio copies byte by byte: a flush follows when no more is there yet. Plain
 * libc; SIGCHLD is ignored, so that the system reaps (SA_NOCLDWAIT).
 */
#define _POSIX_C_SOURCE 200809L

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static _Noreturn void serve(int fd)
{
    FILE *in = fdopen(fd, "r"), *out = fdopen(dup(fd), "w");
    int c;

    if (in == NULL || out == NULL)
        _exit(1);
    setvbuf(in, NULL, _IONBF, 0);
    while ((c = getc(in)) != EOF) {
        struct pollfd pfd = { .fd = fd, .events = POLLIN };
        if (putc(c, out) == EOF)
            break;
        if (poll(&pfd, 1, 0) == 0 && fflush(out) == EOF)
            break;
    }
    fflush(out);
    _exit(0);
}

static int port_number(const char *s)
{
    char *end;
    unsigned long n = strtoul(s, &end, 10);

    if (*s < '0' || *s > '9' || *end != '\0' || n > 65535)
        return -1;
    return (int)n;
}

static int listen_at(const char *address, const char *port)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
                              .ai_flags = AI_NUMERICSERV };
    struct addrinfo *all, *one;
    const char *what = "socket";
    int rc = getaddrinfo(address, port, &hints, &all), fd = -1, saved = 0;

    if (rc != 0)
        errx(1, "%s: %s", address, gai_strerror(rc));
    for (one = all; one != NULL; one = one->ai_next) {
        fd = socket(one->ai_family, SOCK_STREAM, 0);
        if (fd == -1)
            continue;
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
        what = "bind";
        if (bind(fd, one->ai_addr, one->ai_addrlen) == 0)
            break;
        saved = errno;
        close(fd);
        errno = saved;
    }
    if (one == NULL || listen(fd, 5) == -1)
        err(1, "%s: %s", what, address);
    freeaddrinfo(all);
    return fd;
}

static int port_of(int fd)
{
    struct sockaddr_in6 a;
    socklen_t n = sizeof a;

    getsockname(fd, (struct sockaddr *)&a, &n);
    return ntohs(a.sin6_port); /* the same place in sockaddr_in */
}

int main(int argc, char **argv)
{
    static const char text[] = "usage: server [PORT [ADDRESS]]\n"
                               "Sends back what clients send.\n";
    const char *port = argc > 1 ? argv[1] : "8080";

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return fputs(text, stdout) == EOF || fflush(stdout) == EOF;
    if (argc > 3 || port_number(port) == -1) {
        fprintf(stderr, "server: what?\n%s", text);
        return 2;
    }
    int lfd = listen_at(argc > 2 ? argv[2] : "127.0.0.1", port);
    struct sigaction ignore = { .sa_handler = SIG_IGN,
                                .sa_flags = SA_NOCLDWAIT };
    sigaction(SIGCHLD, &ignore, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
    fprintf(stderr, "Server launched, listening on port: %d\n", port_of(lfd));
    for (;;) {
        int fd = accept(lfd, NULL, NULL);
        if (fd == -1) {
            if (errno == EMFILE || errno == ENFILE)
                sleep(1);
            continue;
        }
        fprintf(stderr, "New client connected\n");
        pid_t pid = fork();
        if (pid == 0) {
            close(lfd);
            serve(fd);
        }
        if (pid == -1)
            warn("fork");
        close(fd);
    }
}
