/* http-get.c - another right one: a child connects and gets the page, its
 * parent waits and hands its status on. The child looks at what is there
 * with MSG_PEEK, and takes from the socket as much as it wants to print: a
 * line of the head, or not a byte more than the page has. */
#define _POSIX_C_SOURCE 200809L

#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PART = 3000 };

_Noreturn static void stop(int status, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vfprintf(status == 0 ? stdout : stderr, fmt, ap);
    va_end(ap);
    fflush(stdout);
    _exit(status);
}

static void print(const char *p, size_t n)
{
    while (n > 0) {
        ssize_t done = write(STDOUT_FILENO, p, n);

        if (done == -1 && errno != EINTR)
            stop(1, "http-get: stdout: %s\n", strerror(errno));
        p += done > 0 ? done : 0;
        n -= done > 0 ? (size_t)done : 0;
    }
}

/* Takes at most n bytes that are there, up to a LF if `lines`, and prints
 * them. Returns how many; the last one of them is *last. */
static size_t pass(int fd, size_t n, int lines, char *part)
{
    ssize_t got = recv(fd, part, n < PART ? n : PART, MSG_PEEK);
    char *lf;

    if (got == -1)
        stop(1, "http-get: %s\n", strerror(errno));
    lf = lines ? memchr(part, '\n', (size_t)got) : NULL;
    if (lf != NULL)
        got = lf - part + 1;
    if (recv(fd, part, (size_t)got, 0) != got)
        stop(1, "http-get: what was there is not there\n");
    print(part, (size_t)got);
    return (size_t)got;
}

/* Is this the name that we look for? s ends at the colon. */
static int is_length(const char *s, size_t n)
{
    const char *name = "CONTENT-LENGTH";

    if (n != strlen(name))
        return 0;
    for (size_t i = 0; i < n; i++)
        if (toupper((unsigned char)s[i]) != name[i])
            return 0;
    return 1;
}

/* Reads one line of the head, its first 255 bytes into line. */
static void read_one_line(int fd, char line[256])
{
    char part[PART];
    size_t n, len = 0;

    do {
        n = pass(fd, PART, 1, part);
        if (n == 0)
            stop(1, "http-get: the server closed inside the head\n");
        for (size_t i = 0; i < n && len < 255; i++)
            line[len++] = part[i];
        line[len] = '\0';
    } while (part[n - 1] != '\n');
}

static intmax_t read_head(int fd)
{
    char line[256];
    intmax_t length = -1;

    do {
        read_one_line(fd, line);
        if (is_length(line, strcspn(line, ":")))
            length = atoll(strchr(line, ':') + 1);
    } while (line[0] != '\n' && strcmp(line, "\r\n") != 0);
    return length;
}

static int dial(const char *server, const char *port)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list, *ai;
    int fd, err = getaddrinfo(server, port, &hints, &list);

    if (err != 0)
        stop(1, "http-get: cannot find %s: %s\n", server, gai_strerror(err));
    for (ai = list; ai != NULL; ai = ai->ai_next) {
        fd = socket(ai->ai_family, SOCK_STREAM, 0);
        if (fd == -1)
            continue;
        if (connect(fd, ai->ai_addr, ai->ai_addrlen) == 0)
            return fd;
        err = errno;
        close(fd);
    }
    stop(1, "http-get: cannot reach %s: %s\n", server, strerror(err));
}

static void get(const char *server, const char *path, const char *port)
{
    char part[PART];
    int fd = dial(server, port);
    intmax_t left;
    size_t n = 1;

    dprintf(fd, "GET %s HTTP/1.0\r\nHost: \t%s \r\n\r\n", path, server);
    left = read_head(fd);
    while (left != 0 && n > 0) {
        n = pass(fd, left < 0 || left > PART ? PART : (size_t)left, 0, part);
        if (left > 0)
            left -= (intmax_t)n;
    }
    if (left > 0)
        stop(1, "http-get: %jd bytes are missing\n", left);
    _exit(0);
}

int main(int argc, char *argv[])
{
    static const char usage[] = "usage: http-get SERVER PATH [PORT]\n";
    const char *port = argc > 3 ? argv[3] : "80";
    const char *path = argc > 2 ? argv[2] : "";
    int status;
    pid_t pid;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        stop(0, "%s", usage);
    if (argc < 3 || argc > 4 || *path != '/' || *port == '\0'
        || strspn(port, "0123456789") != strlen(port) || strlen(port) > 5
        || atoi(port) > 65535)
        stop(2, "%s", usage);
    for (; *path != '\0'; path++)
        if (isspace((unsigned char)*path) || iscntrl((unsigned char)*path))
            stop(2, "%s", usage);
    pid = fork();
    if (pid == -1)
        stop(1, "http-get: fork: %s\n", strerror(errno));
    if (pid == 0)
        get(argv[1], argv[2], port);
    while (waitpid(pid, &status, 0) == -1)
        continue;
    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    stop(1, "http-get: ended by signal %d\n", WTERMSIG(status));
}
