/*
 * launch: run a program that nobody trusts, so that nothing outlives it.
 *
 * usage: launch room PROJECT COMMAND [ARG]...
 *        launch run [OPTION]... PROGRAM [ARG]...
 *        launch lock FILE COMMAND [ARG]...
 *
 * room  gives the command a network and a file system of its own, where the
 *       system lets us: loopback only, everything read-only but a fresh /tmp.
 *       Where it does not, COMMAND runs as it is, with ROOM=plain in its
 *       environment instead of ROOM=own.
 * run   starts PROGRAM in a session of its own with descriptors 0, 1 and 2
 *       alone, under limits, and tells its life on descriptor 3, a line an
 *       event: `pid N`, `exit N`, `signal N`, `wall`, `error TEXT`. When
 *       launch ends (a signal, the reader of descriptor 3 gone, the wall
 *       clock), all that PROGRAM started is killed, daemons too.
 * lock  runs COMMAND while it holds a lock on FILE.
 */
#define _GNU_SOURCE
#ifdef __APPLE__
#define _DARWIN_C_SOURCE
#endif
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { STATUS_FD = 3,
       NOBODY = 65534,
       FIRST_UID = 100000 };

struct limits {
    long wall;  /* seconds until everything is killed */
    long files; /* RLIMIT_NOFILE, as far as the hard limit allows */
    long procs; /* RLIMIT_NPROC */
    long user;  /* root's programs: which one; 0: one of its own */
};

static volatile sig_atomic_t ended; /* a signal told us to stop */

static void on_end(int sig)
{
    (void)sig;
    ended = 1;
}

static void on_child(int sig)
{
    (void)sig; /* only there to interrupt ppoll(2) */
}

_Noreturn static void fail(const char *what)
{
    dprintf(2, "launch: %s: %s\n", what, strerror(errno));
    _exit(125);
}

static int usage(void)
{
    fputs("usage: launch room PROJECT COMMAND [ARG]...\n"
          "       launch run [-w SECONDS] [-f FILES] [-p PROCESSES] "
          "[-u USER] PROGRAM [ARG]...\n"
          "       launch lock FILE COMMAND [ARG]...\n",
          stderr);
    return 2;
}

/* One line about the program's life, for whoever started launch. */
static void tell(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vdprintf(STATUS_FD, fmt, ap);
    va_end(ap);
}

/* With _GNU_SOURCE, glibc's setrlimit(2) wants its own type here. */
#ifdef __GLIBC__
typedef enum __rlimit_resource resource;
#else
typedef int resource;
#endif

static void set_limit(resource what, long value)
{
    struct rlimit r;

    if (getrlimit(what, &r) == -1)
        return;
    if (r.rlim_max == RLIM_INFINITY || (rlim_t)value < r.rlim_max)
        r.rlim_max = (rlim_t)value;
    r.rlim_cur = r.rlim_max;
    setrlimit(what, &r);
}

static void apply_limits(const struct limits *lim)
{
    set_limit(RLIMIT_NOFILE, lim->files);
    set_limit(RLIMIT_NPROC, lim->procs + others_of_user());
    set_limit(RLIMIT_FSIZE, 64L << 20);
    set_limit(RLIMIT_CORE, 0);
}

/* A launcher started by `shell &` inherits SIGINT ignored; the program
 * shall not: all signals at their default, none blocked. */
static void reset_signals(void)
{
    sigset_t none;

    for (int sig = 1; sig < NSIG; sig++)
        signal(sig, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static void close_from(int first)
{
    long max = sysconf(_SC_OPEN_MAX);

    if (close_all_from(first) == 0)
        return;
    for (long fd = first; fd < (max > 0 && max < 65536 ? max : 65536); fd++)
        close((int)fd);
}

/* Root drops to a user who owns nothing, so that the program can kill, trace
 * and overwrite nothing that matters; to one of its own, since RLIMIT_NPROC
 * counts by user (getrlimit(2)). */
static void drop_root(uid_t uid)
{
    if (geteuid() != 0)
        return;
    if (drop_groups() == -1 || setgid(NOBODY) == -1 ||
        (setuid(uid) == -1 && setuid(NOBODY) == -1))
        fail("setuid");
}

/* A plain file: a FIFO would keep open(2) waiting, and root should open no
 * device for a stranger. */
static int open_program(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

    if (fd != -1 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        return fd;
    tell("error %s: %s\n", path,
         fd == -1 ? strerror(errno) : "not a plain file");
    _exit(125);
}

/* The child's part of run: becomes the program. It is opened before root is
 * dropped, since nobody may not reach into the folder that holds it. */
_Noreturn static void become(char *argv[], const struct limits *lim,
                             pid_t launcher)
{
    uid_t uid = FIRST_UID + (uid_t)(lim->user > 0 ? lim->user : launcher);
    int fd = open_program(argv[0]);

    setsid();
    own_proc();
    apply_limits(lim);
    drop_root(uid);
    no_new_privileges();
    reset_signals();
    fcntl(STATUS_FD, F_SETFD, FD_CLOEXEC);
    if (fd != STATUS_FD + 1 && dup2(fd, STATUS_FD + 1) != -1)
        fd = STATUS_FD + 1;
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    close_from(STATUS_FD + 2);
    unsetenv("ROOM"); /* own_proc() was the last to ask */
    if (getenv("LADDER_PRELOAD") != NULL)
        setenv("LD_PRELOAD", getenv("LADDER_PRELOAD"), 1);
    exec_opened(fd, argv);
    tell("error %s: %s\n", argv[0], strerror(errno));
    _exit(125);
}

static long now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000L + t.tv_nsec / 1000000L;
}

/* Reaps what has died; says how the program itself ended. */
static void reap(pid_t program)
{
    int st;
    pid_t pid;

    while ((pid = waitpid(-1, &st, WNOHANG)) > 0)
        if (pid != program)
            continue;
        else if (WIFSIGNALED(st))
            tell("signal %d\n", WTERMSIG(st));
        else
            tell("exit %d\n", WEXITSTATUS(st));
}

/* Waits until it is time to end: told so, nobody reads, or too late. */
static void watch(pid_t program, long wall)
{
    struct pollfd reader = { .fd = STATUS_FD }; /* POLLERR: it is gone */
    long end = now_ms() + wall * 1000L;
    sigset_t none;

    sigemptyset(&none);
    while (!ended) {
        long left = end - now_ms();
        struct timespec t = { left / 1000, left % 1000 * 1000000L };

        if (left <= 0) {
            tell("wall\n");
            return;
        }
        reap(program);
        if (wait_event(&reader, &t, &none) > 0 && reader.revents != 0)
            return;
    }
}

static void catch_signals(void)
{
    struct sigaction sa = { .sa_handler = on_end };
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL); /* open only inside the wait */
    sigaction(SIGTERM, &sa, NULL);
    sigaction(SIGINT, &sa, NULL);
    sigaction(SIGHUP, &sa, NULL);
    sa.sa_handler = on_child;
    sigaction(SIGCHLD, &sa, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static int run(struct limits *lim, char *argv[])
{
    pid_t keeper, program, me = getpid();

    catch_signals();
    keeper = own_processes(); /* pid 1 of a world of its own, or 0 */
    program = fork();
    if (program == -1)
        fail("fork");
    if (program == 0)
        become(argv, lim, me);
    keep_out();
    for (int fd = 0; fd < STATUS_FD; fd++)
        close(fd); /* else a pipe's end stays open here */
    tell("pid %d\n", (int)program);
    watch(program, lim->wall);
    end_all(keeper, program);
    return 0;
}

/* A number of an option: 1 to 1 000 000 000. */
static long number(const char *text)
{
    char *end;
    long n = strtol(text, &end, 10);

    if (end == text || *end != '\0' || n < 1 || n > 1000000000L) {
        dprintf(2, "launch: not a limit: %s\n", text);
        _exit(125);
    }
    return n;
}

static int run_options(int argc, char *argv[])
{
    struct limits lim = { 30, 4096, 256, 0 };
    int c;

    while ((c = getopt(argc, argv, "+w:f:p:u:")) != -1)
        if (c == 'w')
            lim.wall = number(optarg);
        else if (c == 'f')
            lim.files = number(optarg);
        else if (c == 'p')
            lim.procs = number(optarg);
        else if (c == 'u')
            lim.user = number(optarg);
        else
            return 125; /* getopt(3) has said why */
    if (optind == argc)
        return usage();
    return run(&lim, argv + optind);
}

/* The status of a child that has been waited for, as a shell has it. */
static int wait_for(pid_t pid)
{
    int st;

    while (waitpid(pid, &st, 0) == -1)
        if (errno != EINTR)
            fail("waitpid");
    return WIFEXITED(st) ? WEXITSTATUS(st) : 128 + WTERMSIG(st);
}

/* The room is made in a child, since half a room cannot be undone: if it
 * cannot be made, the child gives up and the command runs without one. */
static int room(const char *project, char *argv[])
{
    const char *wish = getenv("ROOM");
    pid_t pid = wish != NULL && strcmp(wish, "plain") == 0 ? -1 : fork();

    if (pid == 0) {
        if (make_room(project) == -1)
            _exit(ROOM_FAILED);
        setenv("ROOM", "own", 1);
        execv(argv[0], argv);
        fail(argv[0]);
    }
    if (pid > 0) {
        int status = wait_for(pid);

        if (status != ROOM_FAILED)
            return status;
    }
    setenv("ROOM", "plain", 1);
    execv(argv[0], argv);
    fail(argv[0]);
}

static int lock(const char *file, char *argv[])
{
    int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    pid_t pid;

    if (fd == -1)
        fail(file);
    while (flock(fd, LOCK_EX) == -1)
        if (errno != EINTR)
            fail(file);
    pid = fork();
    if (pid == -1)
        fail("fork");
    if (pid == 0) {
        execvp(argv[0], argv);
        fail(argv[0]);
    }
    return wait_for(pid);
}

int main(int argc, char *argv[])
{
    if (argc > 3 && strcmp(argv[1], "room") == 0)
        return room(argv[2], argv + 3);
    if (argc > 3 && strcmp(argv[1], "lock") == 0)
        return lock(argv[2], argv + 3);
    if (argc > 2 && strcmp(argv[1], "run") == 0)
        return run_options(argc - 1, argv + 1);
    return usage();
}
