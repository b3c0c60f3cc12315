/* record_process.c - processes and signals. */
#include "record.h"

#include <sys/resource.h>

pid_t fork(void)
{
    struct call c;
    pid_t pid;

    if (!call_begin(&c, "fork", NO_FD, CALLER))
        return REAL(fork)();
    if (fault_strikes(&c))
        return -1;
    pid = REAL(fork)();
    return pid == 0 ? 0 : (pid_t)ends(&c, pid);
}

static int spawned(struct call *c, const char *path, const pid_t *pid, int err)
{
    put_text(&c->args, path);
    return ends_with(c, err == 0 ? *pid : -1, err);
}

int posix_spawn(pid_t *restrict pid, const char *restrict path,
                const posix_spawn_file_actions_t *actions,
                const posix_spawnattr_t *restrict attr,
                char *const argv[restrict], char *const envp[restrict])
{
    struct call c;
    pid_t own = 0, *child = pid != NULL ? pid : &own;

    if (!call_begin(&c, "posix_spawn", NO_FD, CALLER))
        return REAL(posix_spawn)(pid, path, actions, attr, argv, envp);
    return spawned(&c, path, child,
                   REAL(posix_spawn)(child, path, actions, attr, argv, envp));
}

int posix_spawnp(pid_t *restrict pid, const char *restrict path,
                 const posix_spawn_file_actions_t *actions,
                 const posix_spawnattr_t *restrict attr,
                 char *const argv[restrict], char *const envp[restrict])
{
    struct call c;
    pid_t own = 0, *child = pid != NULL ? pid : &own;

    if (!call_begin(&c, "posix_spawn", NO_FD, CALLER))
        return REAL(posix_spawnp)(pid, path, actions, attr, argv, envp);
    return spawned(&c, path, child,
                   REAL(posix_spawnp)(child, path, actions, attr, argv,
                                      envp));
}

/* ---- wait ------------------------------------------------------------ */

static bool begin_wait(struct call *c, const char *name, pid_t pid,
                       int options, const void *caller)
{
    static const struct flag flags[] = { { WNOHANG, "WNOHANG" },
                                         { WUNTRACED, "WUNTRACED" },
                                         { WCONTINUED, "WCONTINUED" },
                                         { 0, NULL } };

    if (!call_begin(c, name, NO_FD, caller))
        return false;
    if (!same(name, "wait")) {
        put_number(&c->args, pid);
        put_call_flags(c, options, flags);
    }
    if ((options & WNOHANG) == 0)
        waits(c);
    return true;
}

pid_t wait(int *status)
{
    struct call c;

    if (!begin_wait(&c, "wait", -1, 0, CALLER))
        return REAL(wait)(status);
    if (fault_strikes(&c))
        return -1;
    return (pid_t)ends(&c, REAL(wait)(status));
}

pid_t waitpid(pid_t pid, int *status, int options)
{
    struct call c;

    if (!begin_wait(&c, "waitpid", pid, options, CALLER))
        return REAL(waitpid)(pid, status, options);
    if (fault_strikes(&c))
        return -1;
    return (pid_t)ends(&c, REAL(waitpid)(pid, status, options));
}

pid_t wait3(int *status, int options, struct rusage *usage)
{
    struct call c;

    if (!begin_wait(&c, "wait3", -1, options, CALLER))
        return REAL(wait3)(status, options, usage);
    if (fault_strikes(&c))
        return -1;
    return (pid_t)ends(&c, REAL(wait3)(status, options, usage));
}

pid_t wait4(pid_t pid, int *status, int options, struct rusage *usage)
{
    struct call c;

    if (!begin_wait(&c, "wait4", pid, options, CALLER))
        return REAL(wait4)(pid, status, options, usage);
    if (fault_strikes(&c))
        return -1;
    return (pid_t)ends(&c, REAL(wait4)(pid, status, options, usage));
}

int kill(pid_t pid, int sig)
{
    struct call c;

    if (!call_begin(&c, "kill", NO_FD, CALLER))
        return REAL(kill)(pid, sig);
    put_number(&c.args, pid);
    put_text(&c.args, ", ");
    put_signal(&c.args, sig);
    if (fault_strikes(&c))
        return -1;
    return (int)ends(&c, REAL(kill)(pid, sig));
}

/* ---- Signal handlers ------------------------------------------------- */

/* The program's handlers; the kernel has ours, which call them. */
union handler {
    signal_handler *plain;
    void (*full)(int, siginfo_t *, void *);
};

enum { SIGNALS = 65 };

static union handler handlers[SIGNALS];

static void say_signal(int sig)
{
    struct call c;
    long number = sig;

    if (!call_begin(&c, "signal", NO_FD, NULL))
        return;
    put_signal(&c.args, sig);
    event('E', &c, c.entry, &number, 0);
}

static void run_plain(int sig)
{
    say_signal(sig);
    handlers[sig].plain(sig);
}

static void run_full(int sig, siginfo_t *info, void *context)
{
    say_signal(sig);
    handlers[sig].full(sig, info, context);
}

/* One of the program's own. Ours: a sanitizer's signal(2) calls sigaction(2),
 * which may be ours again. */
static bool is_function(signal_handler *handler)
{
    union handler ours = { .full = run_full };

    return handler != SIG_DFL && handler != SIG_IGN && handler != SIG_ERR &&
           handler != run_plain && handler != ours.plain;
}

/* Puts the program's own handler back where the kernel has named ours. */
static void translate(struct sigaction *old, union handler program)
{
    if (old->sa_sigaction == run_full)
        old->sa_sigaction = program.full;
    else if (old->sa_handler == run_plain)
        old->sa_handler = program.plain;
}

/* Ours in the place of the program's; SA_SIGINFO stays what it is. */
static void replace(struct sigaction *action, int sig)
{
    if ((action->sa_flags & SA_SIGINFO) != 0) {
        handlers[sig].full = action->sa_sigaction;
        action->sa_sigaction = run_full;
    } else {
        handlers[sig].plain = action->sa_handler;
        action->sa_handler = run_plain;
    }
}

int sigaction(int sig, const struct sigaction *restrict action,
              struct sigaction *restrict old)
{
    union handler before;
    struct sigaction ours;
    int rc;

    if (!recording || sig < 1 || sig >= SIGNALS)
        return REAL(sigaction)(sig, action, old);
    before = handlers[sig];
    if (action != NULL) {
        ours = *action;
        if (is_function(ours.sa_handler))
            replace(&ours, sig);
    }
    rc = REAL(sigaction)(sig, action != NULL ? &ours : NULL, old);
    if (rc < 0)
        handlers[sig] = before;
    else if (old != NULL)
        translate(old, before);
    return rc;
}

static signal_handler *set_signal(signal_handler *(*set)(int,
                                                         signal_handler *),
                                  int sig, signal_handler *handler)
{
    union handler before, ours = { .full = run_full };
    signal_handler *old;

    if (!recording || sig < 1 || sig >= SIGNALS)
        return set(sig, handler);
    before = handlers[sig];
    if (is_function(handler)) {
        handlers[sig].plain = handler;
        handler = run_plain;
    }
    old = set(sig, handler);
    if (old == SIG_ERR)
        handlers[sig] = before;
    return old == run_plain || old == ours.plain ? before.plain : old;
}

signal_handler *signal(int sig, signal_handler *handler)
{
    return set_signal(REAL(signal), sig, handler);
}

#ifdef __linux__
signal_handler *bsd_signal(int sig, signal_handler *handler)
{
    return set_signal(REAL(signal), sig, handler);
}

/* What signal(2) is for a program that is compiled as strict C. */
signal_handler *__sysv_signal(int sig, signal_handler *handler)
{
    return set_signal(REAL(__sysv_signal), sig, handler);
}
#endif
