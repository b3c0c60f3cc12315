/* What is different: a process for each client, which reads with stdio
 * through fdopen(3); ended children are reaped when the next client comes.
 * Plain libc. The answer has more fields, in other letter cases, and goes out
 * with fprintf(3). A request's body is read as far as Content-Length says. */
#define _POSIX_C_SOURCE 200809L

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE "<html><P>This is my test server page</P></html>"

static void lingering_close(FILE *in, int fd)
{
    struct timeval limit = { .tv_sec = 1 };
    time_t end = time(NULL) + 5;

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    shutdown(fd, SHUT_WR);
    while (time(NULL) < end && getc(in) != EOF)
        continue;
    fclose(in);
}

static void answer(int fd, const char *status, const char *page)
{
    FILE *out = fdopen(dup(fd), "w");

    if (out == NULL)
        return;
    fprintf(out, "HTTP/1.1 %s\r\n", status);
    fprintf(out, "server: variant\r\ncontent-type: Text/HTML\r\n");
    fprintf(out, "X-Empty:\r\nCONTENT-LENGTH:%zu\r\n", strlen(page));
    fprintf(out, "connection: Close\r\n\r\n%s", page);
    fclose(out);
}

/* The length of the next line, without its end; -1: none; -2: too long. */
static int next_line(FILE *in, char *line)
{
    int c, n = 0;

    while ((c = getc(in)) != EOF && c != '\n') {
        if (n > 8192 || (n == 8192 && c != '\r'))
            return -2;
        line[n++] = (char)c;
    }
    if (c == EOF)
        return -1;
    if (n > 0 && line[n - 1] == '\r')
        n--;
    line[n] = '\0';
    return n;
}

static void serve(int fd)
{
    FILE *in = fdopen(fd, "r");
    static char line[8200];
    long body = 0;
    int n = 0;

    if (in == NULL)
        _exit(1);
    for (int count = 0; n >= 0; count++) {
        n = count > 100 ? -2 : next_line(in, line);
        if (n >= 0) {
            fwrite(line, 1, (size_t)n, stdout);
            putchar('\n');
            fflush(stdout);
        }
        if (n <= 0)
            break;
        if (strncasecmp(line, "content-length:", 15) == 0)
            body = strtol(line + 15, NULL, 10);
    }
    while (n == 0 && body-- > 0 && getc(in) != EOF)
        continue;
    if (n == 0)
        answer(fd, "200 OK", PAGE);
    else if (n == -2)
        answer(fd, "431 Far Too Much", "<p>too long</p>");
    lingering_close(in, fd);
    _exit(0);
}

static int listen_at(const char *host, const char *port)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list, *ai;
    int fd = -1, on = 1, rc = getaddrinfo(host, port, &hints, &list);

    if (rc != 0) {
        fprintf(stderr, "server: %s: %s\n", host, gai_strerror(rc));
        exit(1);
    }
    for (ai = list; ai != NULL; ai = ai->ai_next) {
        fd = socket(ai->ai_family, ai->ai_socktype, ai->ai_protocol);
        if (fd == -1)
            continue;
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 &&
            listen(fd, 5) == 0)
            break;
        if (ai->ai_next == NULL) {
            perror("server: bind");
            exit(1);
        }
        close(fd);
    }
    freeaddrinfo(list);
    return fd;
}

static unsigned port_of(int fd)
{
    struct sockaddr_storage a;
    socklen_t len = sizeof a;

    getsockname(fd, (struct sockaddr *)&a, &len);
    if (a.ss_family == AF_INET6)
        return ntohs(((struct sockaddr_in6 *)&a)->sin6_port);
    return ntohs(((struct sockaddr_in *)&a)->sin_port);
}

static const char usage[] = "usage: server [PORT [ADDRESS]]\n";

int main(int argc, char *argv[])
{
    const char *port = argc > 1 ? argv[1] : "8080";
    struct timespec moment = { .tv_nsec = 20000000 };

    if (argc == 2 && strcmp(port, "--help") == 0) {
        fputs(usage, stdout);
        return 0;
    }
    if (argc > 3 || *port == '\0' || strspn(port, "0123456789") != strlen(port)
        || strlen(port) > 5 || atoi(port) > 65535) {
        fputs(usage, stderr);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);

    int lfd = listen_at(argc > 2 ? argv[2] : "127.0.0.1", port);
    fprintf(stderr, "Server launched, listening on port: %u\n", port_of(lfd));
    for (;;) {
        int fd = accept(lfd, NULL, NULL);
        pid_t child = -1;

        while (waitpid(-1, NULL, WNOHANG) > 0)
            continue;
        if (fd != -1) {
            fprintf(stderr, "New client connected\n");
            child = fork();
        }
        if (child == 0) {
            close(lfd);
            serve(fd);
        }
        if (fd != -1)
            close(fd);
        if (child == -1)
            nanosleep(&moment, NULL);
    }
}
