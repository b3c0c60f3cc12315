/* client.c - an echo client of two threads with blocking calls: main sends
 * line by line with getline(3), the other one prints with stdio. Whoever finds
 * that the conversation is over ends the process.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

static atomic_ullong sent;
static atomic_bool whole;

static _Noreturn void fail(const char *what, const char *why)
{
    fprintf(stderr, "client: %s: %s\n", what, why);
    _exit(1);
}

static void *printer(void *arg)
{
    int fd = *(int *)arg;
    unsigned long long got = 0;
    char buf[1000];

    for (;;) {
        ssize_t n = recv(fd, buf, sizeof buf, 0);
        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            fail("the server broke off", strerror(errno));
        if (n == 0)
            break;
        got += (unsigned long long)n;
        if (fwrite(buf, 1, (size_t)n, stdout) < (size_t)n ||
            fflush(stdout) == EOF)
            fail("printing", strerror(errno));
    }
    if (!whole || got < sent)
        fail("echo", "the server has closed too early");
    _exit(0);
}

/* False when the server is gone: the other thread knows more. */
static bool send_line(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t k = send(fd, p, n, MSG_NOSIGNAL);
        if (k == -1 && errno != EINTR)
            return false;
        if (k > 0) {
            p += k;
            n -= (size_t)k;
        }
    }
    return true;
}

static int connect_by(const char *host, const char *port)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
    struct addrinfo *list;
    int rc = getaddrinfo(host, port, &hints, &list), saved = 0;

    if (rc != 0)
        fail(host, gai_strerror(rc));
    for (struct addrinfo *ai = list; ai != NULL; ai = ai->ai_next) {
        int fd = socket(ai->ai_family, ai->ai_socktype, 0);
        if (connect(fd, ai->ai_addr, ai->ai_addrlen) == 0) {
            freeaddrinfo(list);
            return fd;
        }
        saved = errno;
        close(fd);
    }
    fail(host, strerror(saved));
}

static bool port_is_right(const char *s)
{
    long n = 0;

    for (; *s >= '0' && *s <= '9' && n < 70000; s++)
        n = n * 10 + *s - '0';
    return *s == '\0' && n < 65536;
}

int main(int argc, char *argv[])
{
    pthread_t t;
    char *line = NULL;
    size_t room = 0;
    ssize_t n;

    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        puts("usage: client HOST PORT");
        return 0;
    }
    if (argc != 3 || argv[2][0] == '\0' || !port_is_right(argv[2])) {
        fputs("usage: client HOST PORT\n", stderr);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    int fd = connect_by(argv[1], argv[2]);
    if (pthread_create(&t, NULL, printer, &fd) != 0)
        fail("pthread_create", "no thread can be made");
    while ((n = getline(&line, &room, stdin)) > 0) {
        sent += (unsigned long long)n;
        if (!send_line(fd, line, (size_t)n))
            pthread_join(t, NULL);
    }
    free(line);
    whole = true;
    shutdown(fd, SHUT_WR);
    pthread_join(t, NULL);
}
