/* pipe.c - a right program of another kind: the pipes are read and written by
 * nobody but the commands, but they are named ones: FIFOs in a folder of our
 * own, opened and unlinked before a command starts. Written with the lib's
 * messages, an on_signal handler on SIGCHLD, and poll(2) on a self-pipe.
 */
#define _XOPEN_SOURCE 700

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net.h"

static int wake[2] = { -1, -1 };

static void on_child(int sig)
{
    int err = errno;

    (void)sig;
    if (write(wake[1], "", 1) < 0)
        errno = err;
    errno = err;
}

static void cloexec(int fd, int flags)
{
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    fcntl(fd, F_SETFL, flags);
}

/* Both ends of a FIFO that has no name any more. */
static int fifo(int ends[2])
{
    char dir[] = "/tmp/pipe-XXXXXX", name[64];

    if (mkdtemp(dir) == NULL)
        return -1;
    snprintf(name, sizeof name, "%s/f", dir);
    if (mkfifo(name, 0600) == 0) {
        ends[0] = open(name, O_RDONLY | O_NONBLOCK);
        ends[1] = ends[0] < 0 ? -1 : open(name, O_WRONLY);
    }
    int err = errno;
    unlink(name);
    rmdir(dir);
    errno = err;
    if (ends[0] < 0 || ends[1] < 0)
        return -1;
    cloexec(ends[0], 0);
    cloexec(ends[1], 0);
    return 0;
}

static _Noreturn void run(char **command, int in, int out)
{
    on_signal(SIGCHLD, SIG_DFL, 0);
    if (in > 2)
        dup2(in, 0);
    if (out > 2)
        dup2(out, 1);
    execvp(command[0], command);
    warn("%s:", command[0]);
    if (errno != ENOENT)
        _exit(126);
    bool path = strchr(command[0], '/') != NULL;
    _exit(path && access(command[0], F_OK) == 0 ? 126 : 127);
}

/* All ended children; the last one's status, once it is known. */
static int reap(pid_t last, int status, int *left)
{
    pid_t pid;
    int st;

    while ((pid = waitpid(-1, &st, WNOHANG)) > 0) {
        --*left;
        if (pid == last)
            status = WIFEXITED(st) ? WEXITSTATUS(st) : 128 + WTERMSIG(st);
    }
    return status;
}

static int wait_all(pid_t last, int left, int status)
{
    struct pollfd pfd = { .fd = wake[0], .events = POLLIN };
    char buf[64];

    while ((status = reap(last, status, &left)), left > 0) {
        poll(&pfd, 1, -1);
        while (read(wake[0], buf, sizeof buf) > 0)
            continue;
    }
    return status;
}

static bool wrong(char **words, int n)
{
    bool bar = true;
    int bars = 0;

    for (int i = 0; i < n; i++) {
        bool now = strcmp(words[i], "|") == 0;
        if (now && bar)
            return true;
        bars += now;
        bar = now;
    }
    return bar || bars == 0;
}

static void prepare(void)
{
    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) == -1 && open("/", O_RDONLY) != fd)
            die("open /:");
    if (pipe(wake) == -1)
        die("pipe:");
    cloexec(wake[0], O_NONBLOCK);
    cloexec(wake[1], O_NONBLOCK);
    on_signal(SIGCHLD, on_child, 0);
}

int main(int argc, char *argv[])
{
    int in = 0, n = 0, status = 1;
    pid_t pid = -1, last = -1;

    prog = argv[0];
    if (wrong(argv + 1, argc - 1))
        usage(argv, "pipe COMMAND [ARG]... '|' COMMAND [ARG]...");
    prepare();
    for (char **end, **c = argv + 1; c != NULL; c = end) {
        int ends[2] = { -1, -1 };

        for (end = c; *end != NULL && strcmp(*end, "|") != 0; end++)
            continue;
        if (*end == NULL)
            end = NULL;
        else if (*end++ = NULL, fifo(ends) == -1) {
            warn("fifo:");
            break;
        }
        pid = fork();
        if (pid == 0)
            run(c, in, ends[1]);
        if (pid == -1)
            warn("fork:");
        n += pid > 0;
        last = end == NULL ? pid : -1;
        if (in > 2)
            close(in);
        close(ends[1]);
        in = ends[0];
        if (pid == -1)
            break;
    }
    if (in > 2)
        close(in);
    return wait_all(last, n, status);
}
