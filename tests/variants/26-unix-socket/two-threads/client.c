/* client.c - an echo client of two threads with blocking calls: main sends
 * line by line with getline(3), the other one prints with stdio. Whoever finds
 * that the conversation is over ends the process.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>
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

static int connect_to(const char *path)
{
    struct sockaddr_un name;
    int fd = socket(PF_UNIX, SOCK_STREAM, 0);

    memset(&name, 0, sizeof name);
    name.sun_family = AF_UNIX;
    strcpy(name.sun_path, path);
    if (connect(fd, (void *)&name, (socklen_t)SUN_LEN(&name)) == -1)
        fail(path, strerror(errno));
    return fd;
}

int main(int argc, char *argv[])
{
    pthread_t t;
    char *line = NULL;
    size_t room = 0;
    ssize_t n;

    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        puts("usage: client PATH");
        return 0;
    }
    if (argc != 2 || argv[1][0] == '\0' ||
        strlen(argv[1]) >= sizeof(struct sockaddr_un) - sizeof(sa_family_t)) {
        fputs("usage: client PATH\n", stderr);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    int fd = connect_to(argv[1]);
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
