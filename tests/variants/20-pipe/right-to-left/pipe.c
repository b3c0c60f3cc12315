/* pipe.c - a right program of another kind: the last command is started first
 * and the first one last. Children are waited for by sigwait(3) on a blocked
 * SIGCHLD and waitpid(2) with WNOHANG, so that nothing is ever interrupted.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static sigset_t before;

static _Noreturn void child(char **command, int in, int out, int other)
{
    if (other > 2)
        close(other);
    if (in != STDIN_FILENO) {
        dup2(in, STDIN_FILENO);
        close(in);
    }
    if (out != STDOUT_FILENO) {
        dup2(out, STDOUT_FILENO);
        close(out);
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    execvp(*command, command);
    int err = errno;
    fprintf(stderr, "pipe: cannot run '%s' (%s)\n", *command, strerror(err));
    if (err == ENOENT && (strchr(*command, '/') == NULL ||
                          access(*command, F_OK) != 0))
        _exit(127);
    _exit(126);
}

/* Where the last of the n words begins that follow a bar. */
static int last_command(char *argv[], int n)
{
    while (n > 1 && strcmp(argv[n - 1], "|") != 0)
        n--;
    return n;
}

static int status_of(int st)
{
    return WIFSIGNALED(st) ? WTERMSIG(st) | 128 : WEXITSTATUS(st);
}

/* Takes children until nobody is left. */
static int reap(pid_t last, int status)
{
    sigset_t chld;
    int st, sig;
    pid_t pid;

    sigemptyset(&chld);
    sigaddset(&chld, SIGCHLD);
    while ((pid = waitpid(-1, &st, WNOHANG)) != -1) {
        if (pid == 0)
            sigwait(&chld, &sig);
        else if (pid == last)
            status = status_of(st);
    }
    return status;
}

static int usage(int status, FILE *where)
{
    fputs("usage: pipe COMMAND [ARG]... '|' COMMAND [ARG]...\n", where);
    return fflush(where) == EOF ? 1 : status;
}

static int well_formed(int argc, char *argv[])
{
    int bars = 0;

    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "|") == 0) {
            bars++;
            if (i == 1 || i == argc - 1 || strcmp(argv[i - 1], "|") == 0)
                return 0;
        }
    return bars > 0;
}

/* 0 to 2 are taken, so that no end of a pipe gets their number. */
static int take_low(void)
{
    int p[2];

    do {
        if (pipe(p) == -1)
            return -1;
        if (p[0] > 2)
            close(p[0]);
        if (p[1] > 2)
            close(p[1]);
    } while (p[0] <= 2);
    return 0;
}

int main(int argc, char *argv[])
{
    int out = STDOUT_FILENO, status = 1, p[2];
    pid_t pid, last = -1;
    sigset_t chld;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return usage(0, stdout);
    if (!well_formed(argc, argv))
        return usage(2, stderr);
    if (take_low() == -1) {
        perror("pipe: pipe");
        return 1;
    }
    sigemptyset(&chld);
    sigaddset(&chld, SIGCHLD);
    sigprocmask(SIG_BLOCK, &chld, &before);
    for (int n = argc, from; n > 0; n = from - 1) {
        from = last_command(argv, n);
        argv[n] = NULL;
        p[0] = STDIN_FILENO;
        p[1] = -1;
        if (from > 1 && pipe(p) == -1) {
            perror("pipe: pipe");
            last = -1;
            break;
        }
        pid = fork();
        if (pid == 0)
            child(argv + from, p[0], out, p[1]);
        if (pid == -1) {
            perror("pipe: fork");
            last = -1;
        } else if (n == argc)
            last = pid;
        if (p[0] != STDIN_FILENO)
            close(p[0]);
        if (out != STDOUT_FILENO)
            close(out);
        out = p[1];
        if (pid == -1 || from == 1)
            break;
    }
    if (out > 2)
        close(out);
    return reap(last, status);
}
