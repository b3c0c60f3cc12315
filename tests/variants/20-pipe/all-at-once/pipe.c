/* pipe.c - a right program of another kind: all pipes are made before the
 * first fork(2), every child closes every end, and a SIGCHLD handler without
 * SA_RESTART interrupts the wait over and over. A plain execv(3): PATH is
 * searched by hand, and a script without #! gives 126.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void on_child(int sig)
{
    (void)sig;
}

static _Noreturn void cannot(const char *name, const char *why, int status)
{
    dprintf(STDERR_FILENO, "pipe: %s: %s\n", name, why);
    _exit(status);
}

/* Runs path; comes back only if there is nothing of that name. */
static void run(const char *path, char **argv)
{
    struct stat st;

    if (stat(path, &st) == -1 && (errno == ENOENT || errno == ENOTDIR))
        return;
    execv(path, argv);
    cannot(argv[0], strerror(errno), 126);
}

static _Noreturn void search(char **argv)
{
    const char *path = getenv("PATH"), *end;
    char whole[PATH_MAX];

    if (strchr(argv[0], '/') != NULL) {
        run(argv[0], argv);
        cannot(argv[0], "there is no such file", 127);
    }
    for (path = path != NULL ? path : "/bin:/usr/bin"; *path != '\0';) {
        end = path + strcspn(path, ":");
        snprintf(whole, sizeof whole, "%.*s/%s", (int)(end - path), path,
                 argv[0]);
        run(whole, argv);
        path = *end == ':' ? end + 1 : end;
    }
    cannot(argv[0], "command not found", 127);
}

/* Numbers below 3 that are free get the reading end of a pipe that nobody
 * writes: the end of the input, and EBADF for whoever writes. */
static void fill_low(void)
{
    int p[2] = { 0, 0 };

    while (p[0] < 3 && pipe(p) == 0) {
        close(p[1]);
        if (p[0] > 2)
            close(p[0]);
    }
}

static int usage(FILE *f, int status)
{
    fprintf(f, "usage: pipe COMMAND [ARG]... '|' COMMAND [ARG]... ...\n");
    return fflush(f) == 0 ? status : 1;
}

int main(int argc, char *argv[])
{
    struct sigaction act = { .sa_handler = on_child };
    int n = 0, st, status = 1, error = 0, made = 0;
    char ***commands = calloc((size_t)argc + 1, sizeof *commands);
    int *ends = calloc((size_t)argc + 1, 2 * sizeof *ends);
    pid_t *pids = calloc((size_t)argc + 1, sizeof *pids);

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return usage(stdout, 0);
    for (int i = 1; i <= argc; i++) {
        if (i < argc && strcmp(argv[i], "|") != 0) {
            if (strcmp(i == 1 ? "|" : argv[i - 1] != NULL ? argv[i - 1] : "|",
                       "|") == 0)
                commands[n++] = &argv[i];
            continue;
        }
        if (i == 1 || argv[i - 1] == NULL)
            return usage(stderr, 2);
        argv[i] = NULL;
    }
    if (n < 2)
        return usage(stderr, 2);
    sigemptyset(&act.sa_mask);
    sigaction(SIGCHLD, &act, NULL);

    fill_low();
    /* ends[2k] and ends[2k + 1] are between k and k + 1 */
    for (; made < n - 1; made++)
        if (pipe(ends + 2 * made) == -1) {
            fprintf(stderr, "pipe: pipe: %s\n", strerror(errno));
            return 1;
        }
    for (int k = 0; k < n && !error; k++) {
        pids[k] = fork();
        if (pids[k] == -1) {
            fprintf(stderr, "pipe: fork: %s\n", strerror(errno));
            error = 1;
        } else if (pids[k] == 0) {
            if (k > 0)
                dup2(ends[2 * k - 2], 0);
            if (k < n - 1)
                dup2(ends[2 * k + 1], 1);
            for (int i = 0; i < 2 * made; i++)
                close(ends[i]);
            search(commands[k]);
        }
    }
    for (int i = 0; i < 2 * made; i++)
        close(ends[i]);
    for (int k = n - 1; k >= 0; k--) {
        if (pids[k] <= 0)
            continue;
        while (waitpid(pids[k], &st, 0) == -1)
            if (errno != EINTR)
                return 1;
        if (k == n - 1)
            status = WIFSIGNALED(st) ? 128 + WTERMSIG(st) : WEXITSTATUS(st);
    }
    free(commands);
    free(ends);
    free(pids);
    return error ? 1 : status;
}
