/* pipe.c - a right program of another kind: posix_spawnp(3) with file actions
 * makes the commands, every end of a pipe is close-on-exec, and no command is
 * ever run in a copy of us. A command that could not be made counts as one
 * that has ended with 126 or 127. stdio and the lib are not used.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static const char text[] = "usage: pipe COMMAND [ARG]... '|' COMMAND...\n";

static void say(const char *a, const char *b, const char *c)
{
    char line[1024] = "pipe: ";

    strncat(line, a, 400);
    strncat(line, ": ", 3);
    strncat(line, b, 100);
    strncat(line, c, 400);
    strncat(line, "\n", 2);
    if (write(2, line, strlen(line)) < 0)
        return;
}

/* pipe(2) with both ends above 2 and close-on-exec. */
static int high_pipe(int p[2])
{
    int low[2], err = 0;

    if (pipe(low) == -1)
        return -1;
    for (int i = 0; i < 2; i++) {
        p[i] = fcntl(low[i], F_DUPFD_CLOEXEC, 3);
        if (p[i] == -1)
            err = errno;
    }
    close(low[0]);
    close(low[1]);
    errno = err;
    return err == 0 ? 0 : -1;
}

/* 0 and the child, or an errno. */
static int spawn(pid_t *pid, char **argv, int in, int out)
{
    posix_spawn_file_actions_t acts;
    posix_spawnattr_t attr;
    sigset_t defaults;
    int err;

    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawn_file_actions_init(&acts);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setsigdefault(&attr, &defaults);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF);
    if (in != 0)
        posix_spawn_file_actions_adddup2(&acts, in, 0);
    if (out != 1)
        posix_spawn_file_actions_adddup2(&acts, out, 1);
    err = posix_spawnp(pid, argv[0], &acts, &attr, argv, environ);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&acts);
    return err;
}

static int failed_status(const char *name, int err)
{
    say(name, "cannot be run: ", strerror(err));
    if (err != ENOENT)
        return 126;
    return strchr(name, '/') != NULL && access(name, F_OK) == 0 ? 126 : 127;
}

static int usage(int argc, char *argv[])
{
    int help = argc == 2 && strcmp(argv[1], "--help") == 0;

    if (write(help ? 1 : 2, text, sizeof text - 1) < 0 && help)
        return 1;
    return help ? 0 : 2;
}

int main(int argc, char *argv[])
{
    int in = 0, status = 0, bars = 0, p[2] = { 0, 1 }, st;
    char **command = argv + 1, **end;
    pid_t last = -1, pid;

    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "|") == 0) {
            if (i == 1 || i + 1 == argc || strcmp(argv[i + 1], "|") == 0)
                return usage(argc, argv);
            bars++;
        }
    if (bars == 0)
        return usage(argc, argv);
    signal(SIGPIPE, SIG_IGN);
    while (command != NULL) {
        for (end = command; *end != NULL && strcmp(*end, "|") != 0; end++)
            continue;
        int more = *end != NULL, err;
        *end = NULL;
        p[0] = 0;
        p[1] = 1;
        if (more && high_pipe(p) == -1) {
            say("pipe", "", strerror(errno));
            status = 1;
            more = 0;
            last = -1;
            if (in != 0)
                close(in);
            break;
        }
        err = spawn(&pid, command, in, p[1]);
        if (!more) {
            last = err == 0 ? pid : -1;
            status = err == 0 ? 0 : failed_status(command[0], err);
        } else if (err != 0)
            failed_status(command[0], err);
        if (in != 0)
            close(in);
        if (p[1] != 1)
            close(p[1]);
        in = p[0];
        command = more ? end + 1 : NULL;
    }
    while ((pid = waitpid(-1, &st, 0)) > 0 || errno == EINTR)
        if (pid == last && pid > 0)
            status = WIFSIGNALED(st) ? 128 + WTERMSIG(st) : WEXITSTATUS(st);
    return status;
}
