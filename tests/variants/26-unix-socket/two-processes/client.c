/* client.c - an echo client of two processes: the child sends stdin and tells
 * through a pipe how much that was, the parent prints, counts and judges. The
 * parent ends the child when the server has closed.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net.h"

static struct sockaddr_un name = { .sun_family = AF_UNIX };

static bool is_path(const char *s)
{
    return strcmp(s, "--help") != 0 && *s != '\0' &&
           strlen(s) < sizeof name.sun_path;
}

static int connect_to(const char *path)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    memcpy(name.sun_path, path, strlen(path));
    if (connect(fd, (const struct sockaddr *)&name, sizeof name) == -1)
        die("%s:", path);
    return fd;
}

/* What it exits with: 0 all sent, 1 the server is gone, 2 stdin is broken. */
static _Noreturn void sender(int fd, int report)
{
    unsigned long long sent = 0;
    char buf[16384];
    ssize_t n;

    while ((n = read(STDIN_FILENO, buf, sizeof buf)) != 0) {
        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            _exit(2);
        if (writen(fd, buf, (size_t)n) == -1)
            _exit(1);
        sent += (unsigned long long)n;
    }
    n = write(report, &sent, sizeof sent);
    shutdown(fd, SHUT_WR);
    _exit(n != sizeof sent);
}

static unsigned long long print_all(int fd)
{
    unsigned long long got = 0;
    char buf[8192];
    ssize_t n;

    while ((n = read(fd, buf, sizeof buf)) != 0) {
        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            break; /* as bad as an early end, and that is how it is judged */
        got += (unsigned long long)n;
        if (writen(STDOUT_FILENO, buf, (size_t)n) == -1)
            return (unsigned long long)-1;
    }
    return got;
}

int main(int argc, char *argv[])
{
    unsigned long long sent = (unsigned long long)-2;
    int report[2];

    prog = argv[0];
    if (argc != 2 || !is_path(argv[1]))
        usage(argv, "client PATH");
    on_signal(SIGPIPE, SIG_IGN, 0);
    int fd = connect_to(argv[1]);
    if (pipe(report) == -1)
        die("pipe:");
    fcntl(report[0], F_SETFL, O_NONBLOCK);
    pid_t child = fork();
    if (child == -1)
        die("fork:");
    if (child == 0)
        sender(fd, report[1]);

    unsigned long long got = print_all(fd);
    int saved = errno;
    if (read(report[0], &sent, sizeof sent) != sizeof sent)
        kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    errno = saved;
    if (got == (unsigned long long)-1)
        die("write to stdout:");
    if (got < sent)
        die("the server went away too soon");
    return 0;
}
