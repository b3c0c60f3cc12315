/* What the system says of a program's processes: /proc on Linux, nothing
 * elsewhere; the checks then wait for their bounds instead of proofs. */
#define _GNU_SOURCE
#include "peer.h"
#include "source.h"

#ifdef __linux__

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { PIDS_MAX = 8192,
       STACK_LOOK = 32768,
       FRAMES = 12,
       ENOUGH = 64 /* threads asked where they are */ };

/* Not in the headers of every C library; one number on all machines. */
enum { NR_PIDFD_OPEN = 434,
       NR_PIDFD_GETFD = 438 };

/* A file of /proc, NUL-terminated: it comes in pieces of at most a page. */

static bool read_proc(char *buf, size_t size, const char *fmt, int pid,
                      int tid)
{
    char path[96];
    size_t used = 0;
    ssize_t n = 0;
    int fd;

    buf[0] = '\0';
    /* cppcheck-suppress wrongPrintfScanfArgNum; fmt may use pid alone */
    snprintf(path, sizeof path, fmt, pid, tid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd == -1)
        return false;
    while (used < size - 1 &&
           ((n = read(fd, buf + used, size - 1 - used)) > 0 ||
            (n == -1 && errno == EINTR)))
        used += n > 0 ? (size_t)n : 0;
    close(fd);
    buf[used] = '\0';
    return n >= 0;
}

/* A number of /proc/PID/task or /proc/PID/fd, or -1 for `.` and `..`. */
static int entry_number(const struct dirent *e)
{
    return isdigit((unsigned char)e->d_name[0])
               ? (int)strtol(e->d_name, NULL, 10)
               : -1;
}

static DIR *open_proc(pid_t pid, const char *what)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, what);
    return opendir(path);
}

/* What has been found below a launcher so far: breadth first, so that who
 * looks for one thing need not see all. */
struct family {
    const struct actor *actor;
    int n, next, own; /* the first `own` are the launcher's children */
    pid_t pids[PIDS_MAX];
};

/* What one thread has started: proc(5), /proc/PID/task/TID/children. */
static void add_children(struct family *f, pid_t pid, pid_t tid)
{
    static char buf[PIDS_MAX * 8];
    char *p = buf, *end;

    if (!read_proc(buf, sizeof buf, "/proc/%d/task/%d/children", pid, tid))
        return;
    for (; f->n < PIDS_MAX; p = end) {
        long child = strtol(p, &end, 10);

        if (end == p)
            break;
        f->pids[f->n++] = (pid_t)child;
    }
}

/* What all its threads have started. */
static void add_family(struct family *f, pid_t of)
{
    DIR *d = open_proc(of, "task");
    struct dirent *e;

    while (d != NULL && (e = readdir(d)) != NULL)
        if (entry_number(e) > 0)
            add_children(f, of, entry_number(e));
    if (d != NULL)
        closedir(d);
}

/* The keeper: launch's own child, and pid 1 of its world. */
static bool is_keeper(const struct actor *a, pid_t pid)
{
    char buf[4096], *ns;

    if (pid == a->pid ||
        !read_proc(buf, sizeof buf, "/proc/%d/status", pid, 0) ||
        (ns = strstr(buf, "\nNSpid:")) == NULL)
        return false;
    ns[1 + strcspn(ns + 1, "\n")] = '\0';
    ns = strrchr(ns, '\t');
    return ns != NULL && strcmp(ns, "\t1") == 0;
}

static void start_family(struct family *f, const struct actor *a)
{
    f->actor = a;
    f->n = f->next = 0;
    if (a->launcher > 0)
        add_family(f, a->launcher);
    f->own = f->n;
}

/* The next one, but the keeper; 0: that was all. */
static pid_t next_of(struct family *f)
{
    while (f->next < f->n) {
        pid_t pid = f->pids[f->next++];

        add_family(f, pid);
        if (f->next > f->own || !is_keeper(f->actor, pid))
            return pid;
    }
    return 0;
}

/* All below the launcher, but the keeper. */
int proc_list(const struct actor *a, pid_t *pids, int max)
{
    static struct family f;
    int n = 0;

    start_family(&f, a);
    while (n < max && (pids[n] = next_of(&f)) != 0)
        n++;
    return n;
}

struct task {
    pid_t pid, tid;
    char state;
    long nr; /* the system call it is in, or -1 */
    unsigned long arg[6], sp, pc;
    unsigned long switches;
};

static bool task_read(struct task *t, pid_t pid, pid_t tid)
{
    char buf[4096], *p;

    *t = (struct task){ .pid = pid, .tid = tid, .nr = -1, .state = '?' };
    if (!read_proc(buf, sizeof buf, "/proc/%d/task/%d/stat", pid, tid) ||
        (p = strrchr(buf, ')')) == NULL)
        return false;
    t->state = p[2];
    if (!read_proc(buf, sizeof buf, "/proc/%d/task/%d/status", pid, tid))
        return false;
    if ((p = strstr(buf, "\nvoluntary_ctxt_switches:")) != NULL)
        t->switches = strtoul(p + 25, &p, 10);
    if ((p = strstr(buf, "nonvoluntary_ctxt_switches:")) != NULL)
        t->switches += strtoul(p + 27, &p, 10);
    if (!read_proc(buf, sizeof buf, "/proc/%d/task/%d/syscall", pid, tid))
        return true;
    if (isdigit((unsigned char)buf[0]))
        sscanf(buf, "%ld %lx %lx %lx %lx %lx %lx %lx %lx", &t->nr,
               &t->arg[0], &t->arg[1], &t->arg[2], &t->arg[3], &t->arg[4],
               &t->arg[5], &t->sp, &t->pc);
    else /* stopped outside of a call */
        sscanf(buf, "-1 %lx %lx", &t->sp, &t->pc);
    return true;
}

/* Calls each() for each thread of a process, until it says false. One that
 * cannot be seen is unknown, not absent: false too, unless it has gone. */
static bool for_threads(pid_t pid, bool (*each)(struct task *, void *),
                        void *arg)
{
    DIR *d = open_proc(pid, "task");
    struct dirent *e;
    struct task t;
    bool go_on = true;

    if (d == NULL)
        return errno == ENOENT || errno == ESRCH;
    while (go_on && (e = readdir(d)) != NULL)
        if (entry_number(e) > 0)
            go_on = task_read(&t, pid, entry_number(e))
                        ? each(&t, arg)
                        : errno == ENOENT || errno == ESRCH;
    closedir(d);
    return go_on;
}

/* And for each process. */
static bool for_tasks(const struct actor *a,
                      bool (*each)(struct task *, void *), void *arg)
{
    static struct family f; /* not proc_list's: each() may call that */
    pid_t pid;

    start_family(&f, a);
    while ((pid = next_of(&f)) != 0)
        if (!for_threads(pid, each, arg))
            return false;
    return true;
}

/* The calls in which a thread may wait; what is behind the comma says how
 * long: the argument that holds the timeout, or a plain ALWAYS. */
enum how { ALWAYS,
           SOCKET,
           INT2,
           PTR2,
           PTR3,
           PTR4,
           INT3 };
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
    { SYS_sendfile, "sendfile(2)", SOCKET },
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

/* A time limit of so many seconds, in a program that began then: does it end
 * later than the step under way? When the wait began is not known. */
static bool long_enough(double seconds, double began)
{
    return began + seconds > until;
}

static bool no_time_limit(int fd, int option, double began)
{
    struct timeval t = { 0 };
    socklen_t len = sizeof t;

    if (getsockopt(fd, SOL_SOCKET, option, &t, &len) == -1)
        return errno == ENOTSOCK;
    return (t.tv_sec == 0 && t.tv_usec == 0) ||
           long_enough((double)t.tv_sec, began);
}

/* TCP_USER_TIMEOUT, tcp(7); other sockets than TCP's have none. */
static bool no_user_timeout(int fd)
{
    unsigned ms = 0;
    socklen_t len = sizeof ms;

    return getsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, &len) == -1 ||
           ms == 0;
}

/* A socket may have a time limit of its own: SO_RCVTIMEO, socket(7). We look
 * at the program's descriptor through pidfd_getfd(2). */
static bool socket_waits_for_ever(pid_t pid, int fd, double began)
{
    int pidfd = (int)syscall(NR_PIDFD_OPEN, pid, 0);
    int copy = pidfd == -1 ? -1 : (int)syscall(NR_PIDFD_GETFD, pidfd, fd, 0);
    bool for_ever = copy != -1 && no_time_limit(copy, SO_RCVTIMEO, began) &&
                    no_time_limit(copy, SO_SNDTIMEO, began) &&
                    no_user_timeout(copy);

    if (pidfd != -1)
        close(pidfd);
    if (copy != -1)
        close(copy);
    return for_ever;
}

static bool ms_enough(int ms, double began)
{
    return ms < 0 || long_enough(ms / 1e3, began);
}

static bool waits_for_ever(const struct task *t, double began)
{
    const struct wait_call *c = wait_call(t->nr);

    if (c == NULL)
        return false;
    switch (c->how) {
    case SOCKET:
        return socket_waits_for_ever(t->pid, (int)t->arg[0], began);
    case INT2:
        return ms_enough((int)t->arg[2], began);
    case INT3:
        return ms_enough((int)t->arg[3], began);
    case PTR2:
        return t->arg[2] == 0;
    case PTR3:
        return t->arg[3] == 0;
    case PTR4:
        return t->arg[4] == 0;
    case ALWAYS:
        break;
    }
    return true;
}

/* Is SIGALRM in this set of /proc/PID/status? Yes, where it does not say. */
static bool has_alarm(const char *status, const char *set)
{
    const char *at = strstr(status, set);

    return at == NULL ||
           (strtoull(at + strlen(set), NULL, 16) >> (SIGALRM - 1) & 1) != 0;
}

/* timerfd_create(2), and io_uring(7), whose operations may be timeouts. */
static bool has_timer_fd(pid_t pid)
{
    char target[64];
    struct dirent *e;
    bool found = false;
    DIR *d = open_proc(pid, "fd");

    if (d == NULL)
        return true;
    while (!found && (e = readdir(d)) != NULL) {
        ssize_t n = readlinkat(dirfd(d), e->d_name, target, sizeof target - 1);

        target[n > 0 ? n : 0] = '\0';
        found = strstr(target, "[timerfd]") != NULL ||
                strstr(target, "[io_uring]") != NULL;
    }
    closedir(d);
    return found;
}

/* Timers that could wake the process: alarm(2) with a handler, or with
 * sigwait(3); POSIX timers; descriptors. */
static bool has_timers(pid_t pid)
{
    char buf[4096];

    if (read_proc(buf, sizeof buf, "/proc/%d/timers", pid, 0) && buf[0] != '\0')
        return true;
    return !read_proc(buf, sizeof buf, "/proc/%d/status", pid, 0) ||
           has_alarm(buf, "\nSigCgt:") || has_alarm(buf, "\nSigBlk:") ||
           has_timer_fd(pid);
}

/* Does a line of /proc/net/tcp tell of bytes that will still move by
 * themselves? Timer 1: something was sent and is not acknowledged, a small
 * packet may wait for that (Nagle), or one was lost and comes again. Timer 4:
 * the other side's window is closed, or the first probe will carry what
 * TCP_CORK (tcp(7)) holds back; later probes come ever more rarely. */
static bool line_moves(const char *line)
{
    enum { SOON = 25 }; /* in 1/100 s: the first probe comes after 20 */
    unsigned timer, when;

    if (sscanf(line, " %*[^:]: %*s %*s %*x %*x:%*x %x:%x", &timer, &when) != 2)
        return false;
    return timer == 1 || (timer == 4 && when <= SOON);
}

/* Any TCP sockets at all? The table itself takes the kernel 10 ms and more. */
static bool has_sockets(const char *file, const char *label)
{
    char buf[1024];
    const char *at;

    return !read_proc(buf, sizeof buf, file, 0, 0) ||
           (at = strstr(buf, label)) == NULL ||
           strtol(at + strlen(label), NULL, 10) != 0;
}

static bool table_moves(const char *path)
{
    char line[512];
    bool moves = false;
    FILE *f = fopen(path, "re");

    while (f != NULL && !moves && fgets(line, sizeof line, f) != NULL)
        moves = line_moves(line);
    if (f != NULL)
        fclose(f);
    return moves;
}

bool proc_net_moves(void)
{
    return (has_sockets("/proc/net/sockstat", "TCP: inuse ") &&
            table_moves("/proc/net/tcp")) ||
           (has_sockets("/proc/net/sockstat6", "TCP6: inuse ") &&
            table_moves("/proc/net/tcp6"));
}

struct stuck {
    uint64_t signature;
    pid_t last, program;
    double began; /* the program */
    int tasks;
};

static void mix(uint64_t *h, uint64_t x)
{
    *h = (*h ^ x) * 1099511628211U; /* FNV-1a */
}

static bool task_stuck(struct task *t, void *arg)
{
    struct stuck *s = arg;

    s->tasks++;
    mix(&s->signature, (uint64_t)t->tid);
    if (t->state == 'Z') /* news of its own end is still to come */
        return t->pid != s->program;
    if (t->state != 'S' || !waits_for_ever(t, s->began))
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
    struct stuck s = { .signature = *signature,
                       .last = -1,
                       .program = a->pid,
                       .began = a->began };
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
        if (sscanf(line, "%lx-%lx %7s %lx", &start, &end, perms, &off) == 4 &&
            perms[2] == 'x' && n > 0 && strstr(line, exe) != NULL)
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

    if (t->pc > x->start && t->pc < x->end) /* not in a call of the system */
        at[found++] = t->pc - x->start + x->offset;
    while (n <= 0 && there.iov_len > 256) { /* the stack ends before */
        there.iov_len /= 2;
        n = process_vm_readv(t->pid, &here, 1, &there, 1, 0);
    }
    for (ssize_t i = 0; i < n / (ssize_t)sizeof(long) && found < FRAMES; i++)
        if (stack[i] > x->start && stack[i] < x->end)
            at[found++] = stack[i] - x->start + x->offset - 1;
    return found;
}

/* Which call of threads this line makes; NULL: none. The C library's own
 * frames below it are deep, and hold addresses of calls that are long over. */
static const char *thread_call(const char *text)
{
    static const char *const calls[][2] = {
        { "pthread_join", "pthread_join(3)" },
        { "thrd_join", "thrd_join(3)" },
        { "_lock", "pthread_mutex_lock(3)" },
        { "_wait", "pthread_cond_wait(3)" },
    };

    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (strstr(text, calls[i][0]) != NULL)
            return calls[i][1];
    return NULL;
}

/* The first of these places that is in the program's own source, and that makes
 * such a call, if *call is one of threads: it is named then. */
static void place(const struct text *x, const unsigned long *at, int n,
                  const char **call, char *out, size_t size)
{
    struct source_line lines[FRAMES];
    bool threads = *call != NULL && strcmp(*call, "pthread wait") == 0;
    int found = source_lines(x->file, at, n, lines, FRAMES);

    for (int i = 0; i < found; i++) {
        char text[256];
        const char *named = *call;

        source_text(&lines[i], text, sizeof text);
        if (threads && (named = thread_call(text)) == NULL)
            continue;
        *call = named;
        snprintf(out, size, "%.100s:%ld", base_name(lines[i].path),
                 lines[i].line);
        return;
    }
}

struct where {
    const struct actor *actor;
    struct bytes *out;
    int told, asked;
    unsigned long seen[8];
};

/* The program itself, its threads and its children are told apart. */
static void who(const struct actor *a, const struct task *t, char *out,
                size_t size)
{
    char comm[64] = "", own[64] = "";

    read_proc(comm, sizeof comm, "/proc/%d/task/%d/comm", t->pid, t->tid);
    read_proc(own, sizeof own, "/proc/%d/comm", a->pid, 0);
    comm[strcspn(comm, "\n")] = '\0';
    own[strcspn(own, "\n")] = '\0';
    if (t->pid == a->pid)
        snprintf(out, size, "%s%s", t->tid != t->pid ? "a thread of " : "",
                 a->name);
    else
        snprintf(out, size, "%s%s", strcmp(comm, own) == 0 ? "a child of " : "",
                 comm);
}

/* Where a busy thread is, only a stopped one tells. It need not go on: the
 * check has failed. */
static void stop_to_look(struct task *t)
{
    const struct timespec moment = { 0, 1000000L };
    struct task stopped = *t;

    kill(t->pid, SIGSTOP);
    for (int i = 0; i < 50 && stopped.state != 'T'; i++) {
        nanosleep(&moment, NULL);
        if (!task_read(&stopped, t->pid, t->tid))
            return;
    }
    t->sp = stopped.sp;
    t->pc = stopped.pc;
}

/* What a descriptor is, "pipe:[4711]", and how it is open. */
static bool open_file(pid_t pid, int fd, char *link, size_t size, int *flags)
{
    char path[64], buf[512], *at;
    ssize_t n;

    snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)pid, fd);
    n = readlink(path, link, size - 1);
    link[n > 0 ? n : 0] = '\0';
    if (n <= 0 || !read_proc(buf, sizeof buf, "/proc/%d/fdinfo/%d", pid, fd) ||
        (at = strstr(buf, "flags:")) == NULL)
        return false;
    *flags = (int)strtol(at + 6, NULL, 8);
    return true;
}

/* One process's descriptors of that end of a pipe, in words. */
static int tell_ends(struct where *w, pid_t pid, const char *pipe, int mode,
                     int told)
{
    struct task t = { .pid = pid, .tid = pid };
    char link[64], name[80];
    DIR *d = open_proc(pid, "fd");
    struct dirent *e;
    int flags;

    while (d != NULL && (e = readdir(d)) != NULL) {
        int fd = entry_number(e);

        if (fd < 0 || !open_file(pid, fd, link, sizeof link, &flags) ||
            strcmp(link, pipe) != 0 || (flags & O_ACCMODE) != mode)
            continue;
        who(w->actor, &t, name, sizeof name);
        bytes_text(w->out, "%s%s (descriptor %d)",
                   told++ == 0 ? "" : ", ", name, fd);
    }
    if (d != NULL)
        closedir(d);
    return told;
}

/* It waits at one end of a pipe: who keeps the other one open? */
static void tell_holders(struct where *w, const struct task *t)
{
    static pid_t pids[ENOUGH];
    bool reads = t->nr == SYS_read || t->nr == SYS_readv;
    char pipe[64];
    size_t before = w->out->n;
    int flags, told = 0, n;

    if ((!reads && t->nr != SYS_write && t->nr != SYS_writev) ||
        !open_file(t->pid, (int)t->arg[0], pipe, sizeof pipe, &flags) ||
        strncmp(pipe, "pipe:", 5) != 0)
        return;
    bytes_text(w->out, "  the pipe's %s end is open in ",
               reads ? "writing" : "reading");
    n = proc_list(w->actor, pids, ENOUGH);
    for (int i = 0; i < n; i++)
        told = tell_ends(w, pids[i], pipe, reads ? O_WRONLY : O_RDONLY, told);
    if (told == 0)
        w->out->n = before; /* the other end is the script's */
    else
        bytes_text(w->out, "\n");
    w->out->p[w->out->n] = '\0';
}

static bool task_where(struct task *t, void *arg)
{
    struct where *w = arg;
    const struct wait_call *c = wait_call(t->nr);
    const char *call = c != NULL ? c->name : NULL;
    char comm[80] = "", line[160] = "";
    unsigned long at[FRAMES];
    struct text x;

    if (w->asked++ == ENOUGH)
        return false;
    for (int i = 0; i < w->told; i++)
        if (w->seen[i] == (unsigned long)t->nr)
            return true; /* one of many that do the same */
    if (t->state == 'Z' || (t->state == 'S' && c == NULL && t->nr == -1))
        return true;
    who(w->actor, t, comm, sizeof comm);
    if (t->state == 'R')
        stop_to_look(t);
    if (text_of(t->pid, &x))
        place(&x, at, frames(t, &x, at), &call, line, sizeof line);
    w->seen[w->told++] = (unsigned long)t->nr;
    if (t->state == 'S') {
        bytes_text(w->out, "%s waits in %s%s%s\n", comm,
                   call != NULL ? call : "a system call",
                   line[0] != '\0' ? ", called at " : "", line);
        tell_holders(w, t);
    } else
        bytes_text(w->out, "%s %s%s%s\n", comm,
                   t->state == 'R' ? "is busy, it does not wait"
                                   : "is stopped",
                   line[0] != '\0' ? ": it is at " : "", line);
    return w->told < 4;
}

void proc_where(const struct actor *a, struct bytes *out)
{
    struct where w = { .actor = a, .out = out };

    for_tasks(a, task_where, &w);
}

static long count_entries(pid_t pid, const char *what)
{
    DIR *d = open_proc(pid, what);
    struct dirent *e;
    long n = 0;

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
        if (strstr(line, "[heap]") != NULL &&
            sscanf(line, "%lx-%lx", &start, &end) == 2)
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
        if (read_proc(buf, sizeof buf, "/proc/%d/status", pids[i], 0) &&
            (p = strstr(buf, "\nVmSize:")) != NULL)
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

bool proc_net_moves(void)
{
    return true;
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
