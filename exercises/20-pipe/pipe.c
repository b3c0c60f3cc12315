/* pipe.c - runs commands joined by pipes, as a shell does at `|`.
 *
 * usage: pipe COMMAND [ARG]... '|' COMMAND [ARG]... ['|' COMMAND [ARG]...]...
 *
 * The first command reads our stdin, the last one writes our stdout, and its
 * exit status is ours.
 *
 * Left out on purpose: what else a shell does (files, variables, jobs). Both
 * ends of a pipe belong to relatives: a process and its children. Sockets
 * join strangers, also on two machines (21).
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net.h"

/* The processes that were started, from left to right. */
static pid_t *pids;

static bool is_bar(const char *arg)
{
    return strcmp(arg, "|") == 0;
}

/* Returns how many commands args name, or 0 if one of them is missing. */
static size_t count_commands(char *const args[])
{
    size_t n = 0;
    bool empty = true;

    for (; *args != NULL; args++) {
        if (is_bar(*args) && empty)
            return 0;
        if (!is_bar(*args) && empty)
            n++;
        empty = is_bar(*args);
    }
    return empty ? 0 : n;
}

/* Puts NULL, which ends a command for execvp(3), in place of the `|` after
 * it. Returns the next command, or NULL if this is the last. */
static char **cut_command(char **command)
{
    while (*command != NULL && !is_bar(*command))
        command++;
    if (*command == NULL)
        return NULL;
    *command = NULL;
    return command + 1;
}

/* pipe(2) gives the lowest free descriptors: 0 and 1, if we were started
 * with those closed. Then an end would be taken for stdin or stdout, so fill
 * them first. Read-only: writing to a closed stdout still fails. */
static void fill_standard_fds(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) != fd)
            die("open /dev/null:");
}

/* Closes fd if it is the end of a pipe, and not our own stdin or stdout. */
static void close_end(int fd)
{
    if (fd > STDERR_FILENO)
        close(fd);
}

/* Ends the child whose execvp(3) of name failed, for the reason in errno. */
static _Noreturn void cannot_run(const char *name)
{
    /* TODO 20.6: say which command cannot be run, and end the child.
     * Call warn() (lib/net.h), then _exit(2) with 127 if the command was not
     * found (ENOENT), else with 126. ENOENT is also what you get for a script
     * whose interpreter is missing: access(2) tells whether the name itself
     * is there (try it for names with a slash).
     * Trap: without _exit the child goes on in its parent's code: two
     * processes then start the rest and wait. exit(3) would also write out
     * again what the parent left in stdio's buffers.
     * Check: "A command that is not found gives 127 and is named on stderr".
     */
    (void)name;
    _exit(0);
    /* END 20.6 */
}

/* Starts command; it reads from in and writes to out. next_in, the other end
 * of out's pipe, is open in the child too and of no use to it.
 * Returns the child's process id, or -1. The descriptors stay the caller's. */
static pid_t start(char **command, int in, int out, int next_in)
{
    /* TODO 20.2: make a child, and in the child make in its stdin and out its
     * stdout.
     * Call fork(2). The parent returns its result, and if that is -1 calls
     * warn() first. The child calls dup2(2) twice.
     * Trap: fork returns 0 in the child and the child's id in the parent. In
     * dup2 the number that is to be replaced comes second.
     * Check: "What the first command writes, the second one reads".
     */
    errno = ENOSYS;
    warn("fork for %s:", command[0]);
    return -1;
    /* END 20.2 */

    /* TODO 20.4: in the child, close every end of a pipe that is left.
     * Call close_end(), above, for in, out and next_in.
     * Trap: dup2 makes a copy, the original stays open. And a writer that
     * holds the reading end of its own pipe is never told that its reader
     * has gone (SIGPIPE, pipe(7)): `pipe yes '|' head -n 1` would not end.
     * Check: "yes ends when head has read enough".
     */
    (void)in, (void)out, (void)next_in;
    /* END 20.4 */

    execvp(command[0], command);
    cannot_run(command[0]);
}

/* Starts all commands and puts them into pids. Returns how many there are:
 * fewer than wanted if the system had no pipe or process left. */
static size_t start_all(char **command)
{
    size_t n = 0;
    int in = STDIN_FILENO;

    while (command != NULL) {
        char **next = cut_command(command);
        int ends[2] = { STDIN_FILENO, STDOUT_FILENO };

        if (next != NULL) {
            /* TODO 20.1: make the pipe between command and next.
             * Call pipe(2) with ends: ends[0] is for reading, ends[1] for
             * writing. If it fails, warn() and break out of the loop.
             * Trap: make it before fork(2), or parent and child have a pipe
             * each.
             * Check: "What the first command writes, the second one reads".
             */
            errno = ENOSYS;
            warn("pipe for %s:", command[0]);
            break;
            /* END 20.1 */
        }
        pids[n] = start(command, in, ends[1], ends[0]);

        /* TODO 20.3: in the parent, close the ends that the child has now.
         * Call close_end(), above, for in and ends[1]. Keep ends[0]: the next
         * command reads from it.
         * Trap: a reader comes to the end of its input when nobody holds the
         * writing end any more. That includes us.
         * Check: "The second command sees the end of its input".
         */
        /* END 20.3 */

        in = ends[0];
        if (pids[n] < 0)
            break;
        n++;
        command = next;
    }
    close_end(in);
    return n;
}

/* Waits until the child pid has ended. Returns its exit status, or 128 + N if
 * signal N ended it: as a shell says it. */
static int wait_for(pid_t pid)
{
    /* TODO 20.5: wait for the child, and find out how it ended.
     * Call waitpid(2), and again if it fails with EINTR. Then WIFSIGNALED,
     * WTERMSIG and WEXITSTATUS take the status apart.
     * Trap: the status is not the number that the child gave to exit(3): that
     * one is in some of its bits.
     * Check: "The exit status is the last command's".
     */
    (void)pid;
    return 0;
    /* END 20.5 */
}

int main(int argc, char *argv[])
{
    prog = argv[0];
    size_t ncommands = argc > 1 ? count_commands(argv + 1) : 0;
    if (ncommands < 2)
        usage(argv, "pipe COMMAND [ARG]... '|' COMMAND [ARG]... "
                    "['|' COMMAND [ARG]...]...");

    fill_standard_fds();
    /* We may have been started with SIGCHLD ignored. Then children leave no
     * status (waitpid(2)). */
    signal(SIGCHLD, SIG_DFL);

    pids = calloc(ncommands, sizeof *pids);
    if (pids == NULL)
        die("calloc:");

    int status = 1;
    size_t nstarted = start_all(argv + 1);
    for (size_t i = 0; i < nstarted; i++)
        status = wait_for(pids[i]);
    free(pids);
    return nstarted == ncommands ? status : 1;
}
