/* http-get.c - another right one: stdio alone. The socket is a FILE without a
 * buffer, read with getc(3) and printed with putchar(3), byte by byte; the
 * head is looked at by a small automaton that keeps no line. */
#define _POSIX_C_SOURCE 200809L

#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char wanted[] = "content-length:";

enum where { NAME, VALUE, DIGITS, OTHER };

static int fail(const char *what, const char *why)
{
    fprintf(stderr, "http-get: %s: %s\n", what, why);
    return 1;
}

static int usage(FILE *to, int status)
{
    fputs("usage: http-get SERVER PATH [PORT]\n", to);
    return fflush(to) == EOF ? fail("stdout", strerror(errno)) : status;
}

static int port_of(const char *s)
{
    int n = 0;

    if (*s == '\0')
        return -1;
    for (; *s != '\0'; s++) {
        if (*s < '0' || *s > '9')
            return -1;
        n = n * 10 + (*s - '0');
        if (n > 65535)
            return -1;
    }
    return n;
}

static int path_is_right(const char *s)
{
    const unsigned char *p = (const unsigned char *)s;

    if (*p != '/')
        return 0;
    while (*p > ' ' && *p != 127)
        p++;
    return *p == '\0';
}

static FILE *reach(const char *server, const char *port, const char **why)
{
    struct addrinfo hints, *all, *one;
    int err, fd = -1;

    memset(&hints, 0, sizeof hints);
    hints.ai_socktype = SOCK_STREAM;
    err = getaddrinfo(server, port, &hints, &all);
    if (err != 0) {
        *why = err == EAI_SYSTEM ? strerror(errno) : gai_strerror(err);
        return NULL;
    }
    for (one = all; one != NULL; one = one->ai_next) {
        fd = socket(one->ai_family, one->ai_socktype, 0);
        if (fd != -1 && connect(fd, one->ai_addr, one->ai_addrlen) == 0)
            break;
        *why = strerror(errno);
        if (fd != -1)
            close(fd);
        fd = -1;
    }
    freeaddrinfo(all);
    return fd == -1 ? NULL : fdopen(fd, "r+");
}

/* The next byte, printed at once; EOF at the end. */
static int show(FILE *net)
{
    int c = getc(net);

    if (c != EOF && (putchar(c) == EOF || fflush(stdout) == EOF))
        exit(fail("stdout", strerror(errno)));
    return c;
}

/* Reads the head. Returns 0 at its end; *left is the length, or -1. */
static int head(FILE *net, long long *left)
{
    enum where where = NAME;
    size_t at = 0, visible = 0;
    int c;

    *left = -1;
    while ((c = show(net)) != EOF) {
        if (c == '\n' && visible == 0)
            return 0;
        if (c == '\n') {
            where = NAME;
            at = visible = 0;
            continue;
        }
        if (c != '\r')
            visible++;
        if (where == NAME && tolower(c) == wanted[at]) {
            if (wanted[++at] == '\0')
                where = VALUE;
        } else if (where == NAME)
            where = OTHER;
        else if (where == VALUE && isdigit(c)) {
            *left = c - '0';
            where = DIGITS;
        } else if (where == DIGITS && isdigit(c))
            *left = *left * 10 + (c - '0');
        else if (where == DIGITS)
            where = OTHER;
    }
    return -1;
}

int main(int argc, char **argv)
{
    const char *why = "no address";
    long long left = -1;
    FILE *net;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return usage(stdout, 0);
    if (argc < 3 || argc > 4 || !path_is_right(argv[2])
        || (argc == 4 && port_of(argv[3]) == -1))
        return usage(stderr, 2);
    signal(SIGPIPE, SIG_IGN);
    net = reach(argv[1], argc == 4 ? argv[3] : "80", &why);
    if (net == NULL)
        return fail(argv[1], why);
    setvbuf(net, NULL, _IONBF, 0);
    fprintf(net, "GET %s HTTP/1.0\r\n", argv[2]);
    fprintf(net, "User-Agent: byte-by-byte\r\nAccept: */*\r\n");
    fprintf(net, "Host: %s\r\n\r\n", argv[1]);
    fflush(net);
    if (head(net, &left) == -1)
        return fail(argv[1], ferror(net) ? strerror(errno) : "half a head");
    while (left != 0 && show(net) != EOF)
        left -= left > 0;
    if (ferror(net))
        return fail(argv[1], strerror(errno));
    if (left > 0)
        return fail(argv[1], "half a page");
    fclose(net);
    return 0;
}
