/* What the system says of a program's processes: /proc on Linux, nothing
 * elsewhere; the checks then wait for their bounds instead of proofs. */
#define _GNU_SOURCE
#include "peer.h"

#ifdef __linux__

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PIDS_MAX = 8192, STACK_LOOK = 32768, FRAMES = 12 };

static bool read_proc(char *buf, size_t size, const char *fmt, int pid,
                      int tid)
{
    char path[96];
    ssize_t n;
    int fd;

    snprintf(path, sizeof path, fmt, pid, tid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd == -1)
        return false;
    n = read(fd, buf, size - 1);
    close(fd);
    buf[n > 0 ? n : 0] = '\0';
    return n >= 0;
}

static int children(pid_t of, pid_t *pids, int n, int max)
{
    char buf[16384], *p = buf;
    int first = n;

    if (!read_proc(buf, sizeof buf, "/proc/%d/task/%d/children", of, of))
        return n;
    while (n < max && *p != '\0') {
        pids[n++] = (pid_t)strtol(p, &p, 10);
        while (*p == ' ')
            p++;
    }
    for (int i = first, end = n; i < end; i++)
        n = children(pids[i], pids, n, max);
    return n;
}

/* All below the launcher, but the keeper: pid 1 of its own world. */
int proc_list(const struct actor *a, pid_t *pids, int max)
{
    int n = children(a->launcher, pids, 0, max), kept = 0;
    char buf[4096], *ns;

    for (int i = 0; i < n; i++) {
        if (pids[i] != a->pid
            && read_proc(buf, sizeof buf, "/proc/%d/status", pids[i], 0)
            && (ns = strstr(buf, "\nNSpid:")) != NULL) {
            *strchr(ns + 1, '\n') = '\0';
            ns = strrchr(ns, '\t');
            if (strcmp(ns, "\t1") == 0)
                continue;
        }
        pids[kept++] = pids[i];
    }
    return kept;
}

struct task {
    pid_t pid, tid;
    char state;
    long nr;                        /* the system call it is in, or -1 */
    unsigned long arg[6], sp, pc;
    unsigned long switches;
};

static bool task_read(struct task *t, pid_t pid, pid_t tid)
{
    char buf[4096], *p;

    *t = (struct task){ .pid = pid, .tid = tid, .nr = -1, .state = '?' };
    if (!read_proc(buf, sizeof buf, "/proc/%d/task/%d/stat", pid, tid)
        || (p = strrchr(buf, ')')) == NULL)
        return false;
    t->state = p[2];
    if (!read_proc(buf, sizeof buf, "/proc/%d/task/%d/status", pid, tid))
        return false;
    if ((p = strstr(buf, "\nvoluntary_ctxt_switches:")) != NULL)
        t->switches = strtoul(p + 25, &p, 10);
    if ((p = strstr(buf, "nonvoluntary_ctxt_switches:")) != NULL)
        t->switches += strtoul(p + 27, &p, 10);
    if (read_proc(buf, sizeof buf, "/proc/%d/task/%d/syscall", pid, tid)
        && isdigit((unsigned char)buf[0]))
        sscanf(buf, "%ld %lx %lx %lx %lx %lx %lx %lx %lx", &t->nr,
               &t->arg[0], &t->arg[1], &t->arg[2], &t->arg[3], &t->arg[4],
               &t->arg[5], &t->sp, &t->pc);
    return true;
}

/* Calls each() for each thread of each process, until it says false. */
static bool for_tasks(const struct actor *a,
                      bool (*each)(struct task *, void *), void *arg)
{
    static pid_t pids[PIDS_MAX];
    int n = proc_list(a, pids, PIDS_MAX);
    bool go_on = true;

    for (int i = 0; i < n && go_on; i++) {
        char path[64];
        struct dirent *e;
        DIR *d;

        snprintf(path, sizeof path, "/proc/%d/task", (int)pids[i]);
        d = opendir(path);
        while (d != NULL && go_on && (e = readdir(d)) != NULL) {
            struct task t;

            if (isdigit((unsigned char)e->d_name[0])
                && task_read(&t, pids[i], (pid_t)atoi(e->d_name)))
                go_on = each(&t, arg);
        }
        if (d != NULL)
            closedir(d);
    }
    return go_on;
}

/* The calls in which a thread may wait; what is behind the comma says how
 * long: the argument that holds the timeout, or a plain ALWAYS. */
enum how { ALWAYS, SOCKET, INT2, PTR2, PTR3, PTR4, INT3 };
static const struct wait_call {
    long nr;
    const char *name;
    enum how how;
} wait_calls[] = {
    { SYS_read, "read(2)", SOCKET },
    { SYS_write, "write(2)", SOCKET },
    { SYS_readv, "readv(2)", SOCKET },
    { SYS_writev, "writev(2)", SOCKET },
    { SYS_recvfrom, "recv(2)", SOCKET },
    { SYS_recvmsg, "recvmsg(2)", SOCKET },
    { SYS_sendto, "send(2)", SOCKET },
    { SYS_sendmsg, "sendmsg(2)", SOCKET },
    { SYS_accept, "accept(2)", SOCKET },
    { SYS_accept4, "accept(2)", SOCKET },
    { SYS_connect, "connect(2)", SOCKET },
    { SYS_sendfile, "sendfile(2)", ALWAYS },
    { SYS_splice, "splice(2)", ALWAYS },
    { SYS_wait4, "waitpid(2)", ALWAYS },
    { SYS_waitid, "waitid(2)", ALWAYS },
    { SYS_futex, "pthread wait", PTR3 },
    { SYS_ppoll, "poll(2)", PTR2 },
    { SYS_pselect6, "select(2)", PTR4 },
    { SYS_epoll_pwait, "epoll_wait(2)", INT3 },
    { SYS_rt_sigsuspend, "sigsuspend(2)", ALWAYS },
    { SYS_rt_sigtimedwait, "sigwait(3)", PTR2 },
    { SYS_flock, "flock(2)", ALWAYS },
    { SYS_openat, "open(2)", ALWAYS },
#ifdef SYS_poll
    { SYS_poll, "poll(2)", INT2 },
    { SYS_select, "select(2)", PTR4 },
    { SYS_epoll_wait, "epoll_wait(2)", INT3 },
    { SYS_pause, "pause(2)", ALWAYS },
#endif
};

static const struct wait_call *wait_call(long nr)
{
    for (size_t i = 0; i < sizeof wait_calls / sizeof *wait_calls; i++)
        if (wait_calls[i].nr == nr)
            return &wait_calls[i];
    return NULL;
}

/* A socket may have a time limit of its own: SO_RCVTIMEO, socket(7). We look
 * at the program's descriptor through pidfd_getfd(2). */
static bool socket_waits_for_ever(pid_t pid, int fd)
{
    int options[] = { SO_RCVTIMEO, SO_SNDTIMEO };
    int pidfd = (int)syscall(434 /* pidfd_open */, pid, 0);
    int copy = (int)syscall(438 /* pidfd_getfd */, pidfd, fd, 0);
    bool for_ever = copy != -1;

    for (int i = 0; copy != -1 && i < 2; i++) {
        struct timeval t = { 0 };
        socklen_t len = sizeof t;

        if (getsockopt(copy, SOL_SOCKET, options[i], &t, &len) == -1)
            for_ever = for_ever && errno == ENOTSOCK;
        else if (t.tv_sec != 0 || t.tv_usec != 0)
            for_ever = false;
    }
    if (pidfd != -1)
        close(pidfd);
    if (copy != -1)
        close(copy);
    return for_ever;
}

static bool waits_for_ever(const struct task *t)
{
    const struct wait_call *c = wait_call(t->nr);

    if (c == NULL)
        return false;
    switch (c->how) {
    case SOCKET: return socket_waits_for_ever(t->pid, (int)t->arg[0]);
    case INT2:   return (int)t->arg[2] < 0;
    case INT3:   return (int)t->arg[3] < 0;
    case PTR2:   return t->arg[2] == 0;
    case PTR3:   return t->arg[3] == 0;
    case PTR4:   return t->arg[4] == 0;
    case ALWAYS: break;
    }
    return true;
}

/* Timers that could wake the process: alarm(2) with a handler, POSIX
 * timers, timerfd_create(2). */
static bool has_timers(pid_t pid)
{
    char buf[4096], path[64], link[400], target[64];
    const char *caught;
    struct dirent *e;
    bool found = false;
    DIR *d;

    if (read_proc(buf, sizeof buf, "/proc/%d/timers", pid, 0) && buf[0] != '\0')
        return true;
    if (!read_proc(buf, sizeof buf, "/proc/%d/status", pid, 0)
        || (caught = strstr(buf, "\nSigCgt:")) == NULL
        || (strtoul(caught + 8, NULL, 16) >> 13 & 1) != 0)
        return true;            /* 13: SIGALRM is signal 14 */
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    d = opendir(path);
    while (d != NULL && !found && (e = readdir(d)) != NULL) {
        ssize_t n;

        snprintf(link, sizeof link, "%s/%s", path, e->d_name);
        n = readlink(link, target, sizeof target - 1);
        target[n > 0 ? n : 0] = '\0';
        found = strstr(target, "timerfd") != NULL;
    }
    if (d == NULL)
        return true;
    closedir(d);
    return found;
}

struct stuck {
    uint64_t signature;
    pid_t last, program;
    int tasks;
};

static void mix(uint64_t *h, uint64_t x)
{
    *h = (*h ^ x) * 1099511628211U;     /* FNV-1a */
}

static bool task_stuck(struct task *t, void *arg)
{
    struct stuck *s = arg;

    s->tasks++;
    mix(&s->signature, (uint64_t)t->tid);
    if (t->state == 'Z')        /* news of its own end is still to come */
        return t->pid != s->program;
    if (t->state != 'S' || !waits_for_ever(t))
        return false;
    if (t->pid != s->last && has_timers(t->pid))
        return false;
    s->last = t->pid;
    mix(&s->signature, t->switches);
    mix(&s->signature, (uint64_t)t->nr ^ t->sp);
    return true;
}

bool proc_stuck(const struct actor *a, uint64_t *signature)
{
    struct stuck s = { .signature = *signature, .last = -1,
                       .program = a->pid };
    bool stuck = for_tasks(a, task_stuck, &s) && s.tasks > 0;

    *signature = s.signature;
    return stuck;
}

static bool task_sleeps(struct task *t, void *arg)
{
    (void)arg;
    return t->state == 'S' || t->state == 'Z' || t->state == 'T';
}

bool proc_asleep(const struct actor *a)
{
    return for_tasks(a, task_sleeps, NULL);
}

static bool add_switches(struct task *t, void *arg)
{
    *(unsigned long *)arg += t->switches;
    return true;
}

unsigned long proc_switches(const struct actor *a)
{
    unsigned long n = 0;

    for_tasks(a, add_switches, &n);
    return n;
}

/* Where the program's own code is mapped, and from which file. */
struct text {
    unsigned long start, end, offset, base;
    char file[512];
};

static bool text_of(pid_t pid, struct text *x)
{
    char path[64], line[1024], perms[8], exe[512];
    unsigned long start, end, off;
    ssize_t n;
    FILE *f;

    snprintf(path, sizeof path, "/proc/%d/exe", (int)pid);
    n = readlink(path, exe, sizeof exe - 1);
    exe[n > 0 ? n : 0] = '\0';
    snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    f = fopen(path, "re");
    x->start = 0;
    while (f != NULL && x->start == 0 && fgets(line, sizeof line, f) != NULL)
        if (sscanf(line, "%lx-%lx %7s %lx", &start, &end, perms, &off) == 4
            && perms[2] == 'x' && n > 0 && strstr(line, exe) != NULL)
            *x = (struct text){ start, end, off, 0, "" };
    if (f != NULL)
        fclose(f);
    snprintf(x->file, sizeof x->file, "%s", exe);
    return x->start != 0;
}

/* Looks through the stack for addresses of the program's own code: the
 * places to which its calls will return. */
static int frames(const struct task *t, const struct text *x,
                  unsigned long *at)
{
    static unsigned long stack[STACK_LOOK / sizeof(long)];
    struct iovec here = { stack, sizeof stack };
    struct iovec there = { (void *)t->sp, sizeof stack };
    ssize_t n = process_vm_readv(t->pid, &here, 1, &there, 1, 0);
    int found = 0;

    while (n <= 0 && there.iov_len > 256) {     /* the stack ends before */
        there.iov_len /= 2;
        n = process_vm_readv(t->pid, &here, 1, &there, 1, 0);
    }
    for (ssize_t i = 0; i < n / (ssize_t)sizeof(long) && found < FRAMES; i++)
        if (stack[i] > x->start && stack[i] < x->end)
            at[found++] = stack[i] - x->start + x->offset - 1;
    return found;
}

/* The first of these places that is in a C file other than the library's,
 * as `server.c:41`. */
static bool source_line(const struct text *x, const unsigned long *at, int n,
                        char *out, size_t size)
{
    char cmd[1024], line[512], *file;
    int len = snprintf(cmd, sizeof cmd, "addr2line -e '%s'", x->file);
    bool found = false;
    FILE *f;

    for (int i = 0; i < n; i++)
        len += snprintf(cmd + len, sizeof cmd - (size_t)len, " %lx", at[i]);
    snprintf(cmd + len, sizeof cmd - (size_t)len, " 2>/dev/null");
    f = n > 0 ? popen(cmd, "re") : NULL;
    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if ((file = strstr(line, " (discriminator")) != NULL)
            *file = '\0';
        file = strrchr(line, '/');
        file = file == NULL ? line : file + 1;
        if (!found && strstr(file, ".c:") != NULL && strstr(file, ":?") == NULL
            && strncmp(file, "net.c:", 6) != 0) {
            snprintf(out, size, "%.100s", file);
            found = true;
        }
    }
    if (f != NULL)
        pclose(f);
    return found;
}

struct where {
    const struct actor *actor;
    struct bytes *out;
    int told;
    unsigned long seen[8];
};

static bool task_where(struct task *t, void *arg)
{
    struct where *w = arg;
    const struct wait_call *c = wait_call(t->nr);
    char comm[64] = "", line[160] = "";
    unsigned long at[FRAMES];
    struct text x;

    for (int i = 0; i < w->told; i++)
        if (w->seen[i] == (unsigned long)t->nr)
            return true;                /* one of many that do the same */
    if (t->state == 'Z' || (t->state == 'S' && c == NULL && t->nr == -1))
        return true;
    read_proc(comm, sizeof comm, "/proc/%d/task/%d/comm", t->pid, t->tid);
    comm[strcspn(comm, "\n")] = '\0';
    if (t->pid == w->actor->pid)
        snprintf(comm, sizeof comm, "%s", w->actor->name);
    if (text_of(t->pid, &x))
        source_line(&x, at, frames(t, &x, at), line, sizeof line);
    w->seen[w->told++] = (unsigned long)t->nr;
    bytes_text(w->out, "%s %s %s%s%s\n", comm,
               t->state == 'R' ? "is busy, it does not wait"
               : t->state == 'T' ? "is stopped" : "waits in",
               t->state != 'S' ? "" : c != NULL ? c->name : "a system call",
               line[0] != '\0' ? ", called at " : "", line);
    return w->told < 4;
}

void proc_where(const struct actor *a, struct bytes *out)
{
    struct where w = { .actor = a, .out = out };

    for_tasks(a, task_where, &w);
}

static long count_entries(pid_t pid, const char *what)
{
    char path[64];
    struct dirent *e;
    long n = 0;
    DIR *d;

    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, what);
    d = opendir(path);
    while (d != NULL && (e = readdir(d)) != NULL)
        n += e->d_name[0] != '.';
    if (d != NULL)
        closedir(d);
    return n;
}

static long heap_of(pid_t pid)
{
    char path[64], line[1024];
    unsigned long start, end;
    long n = 0;
    FILE *f;

    snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    f = fopen(path, "re");
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        if (strstr(line, "[heap]") != NULL
            && sscanf(line, "%lx-%lx", &start, &end) == 2)
            n += (long)(end - start) / 1024;
    if (f != NULL)
        fclose(f);
    return n;
}

bool proc_census(const struct actor *a, struct census *c)
{
    static pid_t pids[PIDS_MAX];
    char buf[4096], *p;

    *c = (struct census){ .processes = proc_list(a, pids, PIDS_MAX) };
    for (int i = 0; i < c->processes; i++) {
        c->fds += count_entries(pids[i], "fd");
        c->threads += count_entries(pids[i], "task");
        c->heap += heap_of(pids[i]);
        if (read_proc(buf, sizeof buf, "/proc/%d/status", pids[i], 0)
            && (p = strstr(buf, "\nVmSize:")) != NULL)
            c->virtual += strtol(p + 8, NULL, 10);
    }
    return true;
}

#else /* not Linux */

int proc_list(const struct actor *a, pid_t *pids, int max)
{
    if (a->over || max < 1)
        return 0;
    pids[0] = a->pid;
    return 1;
}

bool proc_stuck(const struct actor *a, uint64_t *signature)
{
    (void)signature;
    return a->over;
}

bool proc_asleep(const struct actor *a)
{
    (void)a;
    return false;
}

unsigned long proc_switches(const struct actor *a)
{
    (void)a;
    return 0;
}

void proc_where(const struct actor *a, struct bytes *out)
{
    (void)a;
    (void)out;
}

bool proc_census(const struct actor *a, struct census *c)
{
    (void)a;
    (void)c;
    return false;
}

#endif
