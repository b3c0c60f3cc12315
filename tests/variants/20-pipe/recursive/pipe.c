/* pipe.c - a right program of another kind: as the grammar has it, a pipeline
 * is a command, or a command, a bar and a pipeline. Each turn makes one
 * pipe and one child, which becomes the command; it takes the pipe as its own
 * stdin and goes on with the rest. waitid(2) tells how a child ended. stdio.
 */
#define _XOPEN_SOURCE 700

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int fail(const char *what)
{
    fprintf(stderr, "pipe: %s: %s\n", what, strerror(errno));
    return 1;
}

static int usage(int help)
{
    FILE *f = help ? stdout : stderr;

    fprintf(f, "usage: pipe A '|' B ['|' C]...\nruns A | B | C\n");
    return fflush(f) == EOF ? 1 : help ? 0 : 2;
}

static int wait_all(pid_t last)
{
    int status = 1;
    siginfo_t info = { 0 };

    for (;;) {
        if (waitid(P_ALL, 0, &info, WEXITED) == -1) {
            if (errno == EINTR)
                continue;
            return status;
        }
        if (info.si_pid == last)
            status = info.si_code == CLD_EXITED ? info.si_status
                                                : 128 + info.si_status;
    }
}

static _Noreturn void become(char **argv)
{
    int err;

    execvp(argv[0], argv);
    err = errno;
    fail(argv[0]);
    if (err == ENOENT && strchr(argv[0], '/') == NULL)
        _exit(127);
    _exit(err == ENOENT && access(argv[0], F_OK) == -1 ? 127 : 126);
}

/* Where the command ends: at a bar, or at the NULL behind the last. */
static char **end_of(char **argv)
{
    while (*argv != NULL && strcmp(*argv, "|") != 0)
        argv++;
    return argv;
}

/* stdin is where this pipeline's input comes from. */
static int pipeline(char **argv)
{
    char **end = end_of(argv);
    int last = *end == NULL, p[2];
    pid_t pid;

    *end = NULL;
    if (!last && pipe(p) == -1)
        return fail("pipe");
    if (!last)
        for (int i = 0; i < 2; i++)
            fcntl(p[i], F_SETFD, FD_CLOEXEC);
    pid = fork();
    if (pid == -1)
        return fail("fork");
    if (pid == 0) {
        if (!last)
            dup2(p[1], STDOUT_FILENO);
        become(argv);
    }
    if (last) {
        close(STDIN_FILENO);
        return wait_all(pid);
    }
    close(p[1]);
    dup2(p[0], STDIN_FILENO);
    close(p[0]);
    return pipeline(end + 1);
}

int main(int argc, char *argv[])
{
    int bars = 0, null = 0;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return usage(1);
    for (char **a = argv + 1; a < argv + argc; a++) {
        if (strcmp(*a, "|") != 0)
            continue;
        if (a == argv + 1 || a[1] == NULL || strcmp(a[1], "|") == 0)
            return usage(0);
        bars++;
    }
    if (bars == 0)
        return usage(0);
    while (null <= 2 && (null = open("/dev/null", O_RDWR)) <= 2)
        if (null == -1)
            return fail("/dev/null");
    close(null);
    return pipeline(argv + 1);
}
