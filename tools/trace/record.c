/* record.c - the recorder: how it starts, and how an event is written.
 *
 *     LADDER_EVENTS=/tmp/events LD_PRELOAD=build/trace/record.so PROGRAM
 *
 * Where a library cannot be loaded so, its parts are linked into the program
 * (the Makefile's RECORD_PARTS): our functions are then the program's own, and
 * those behind them the C library's, as dlsym(3) finds them.
 *
 * LADDER_EVENTS  the file that events are added to (README.md has its form);
 *                an absolute path, as a program may change its folder
 * LADDER_FAULTS  what is to go wrong: faults.c
 * LADDER_DATA    how many of the first bytes are shown (48; 400 at most)
 * LADDER_WORLD   the pids count from 10000000 times this on: a check's programs
 *                have pid namespaces of their own, with the same numbers
 * LADDER_QUIET   descriptors that are not recorded, as 0,1,2: those that the
 *                launcher has given to the program, not the program itself
 * LADDER_LOADED  a file that is made once we are in: where we cannot be loaded,
 *                the program runs all the same, and nobody else would know
 *
 * Left out, as it does not pass by here: what the C library calls on its own
 * account (stdio on a pipe that is standard output: printf(3) in a child of
 * the pipe exercise; getaddrinfo(3)'s datagrams), programs that call the
 * kernel directly (Go), static programs. vfork(2) is not stood in front of,
 * as its child returns through our frame: the child shows with its next call,
 * at the latest with the start of another program. */
#include "record.h"

#include <dlfcn.h>

enum { LINE_MAX_BYTES = 2560 + 8 * DATA_MAX + 12 * WAY_MAX,
       LOG_FROM = 1000,
       CALLERS = 8, /* told of a call, the innermost ones */
       FRAMES = 64 /* looked at to find them */ };

bool recording; /* false until all is set up */
size_t data_shown = DATA_SHOWN;
static int world; /* what is added to each pid */

int log_fd = -1;
static char log_path[PATH_ROOM * 2];
static char program[64] = "-";
static struct image exe;
static uintptr_t first_stack; /* above all frames of the first thread */

/* ---- The functions behind ours --------------------------------------- */

static void *reals[REAL_COUNT];

static const char *const names[REAL_COUNT] = {
#define REAL_NAME(name) #name,
    REALS(REAL_NAME)
#undef REAL_NAME
};

#ifdef __GLIBC__
/* The first condition variables were another type, and dlsym(3) may find
 * their functions: a program of today must not get these. Unless it is a
 * sanitizer's function that it has found. */
static void *newer(enum real which, void *found)
{
    void *new = dlvsym(RTLD_NEXT, names[which], "GLIBC_2.3.2");
    Dl_info a, b;

    if (new == NULL || dladdr(found, &a) == 0 || dladdr(new, &b) == 0)
        return found;
    return a.dli_fbase == b.dli_fbase ? new : found;
}
#endif

static void *find(enum real which)
{
    void *found = dlsym(RTLD_NEXT, names[which]);

#ifdef __GLIBC__
    if (which == REAL_pthread_cond_wait ||
        which == REAL_pthread_cond_timedwait)
        found = newer(which, found);
#endif
    return found;
}

/* Others may call us before our constructor has run. */
void *real_function(enum real which)
{
    if (reals[which] == NULL)
        reals[which] = find(which);
    return reals[which];
}

int64_t now(void)
{
    struct timespec t;

    (void)REAL(clock_gettime)(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* ---- Our descriptor -------------------------------------------------- */

static void open_log(void)
{
    long fd = system_open(log_path, O_WRONLY | O_APPEND | O_CREAT);

    log_fd = fd < 0 ? -1 : move_high((int)fd, LOG_FROM);
}

bool is_log(int fd)
{
    return fd >= 0 && fd == log_fd;
}

/* The program wants our number for itself. */
void move_log(void)
{
    int err = errno;

    log_fd = move_high(log_fd, log_fd + 1);
    errno = err;
}

/* A program that closes all descriptors with a plain syscall(2) took ours. */
static void write_line(const char *line, size_t n)
{
    if (system_write(log_fd, line, n) >= 0 || errno != EBADF)
        return;
    open_log();
    if (log_fd >= 0)
        system_write(log_fd, line, n);
}

/* ---- One event ------------------------------------------------------- */

/* A child of fork(2) has its parent's variables: the pid tells. */
static pid_t own_pid(pid_t *tid)
{
    static __thread __attribute__((tls_model("initial-exec"))) pid_t owner,
        thread;
    pid_t pid = system_pid();

    if (owner != pid) {
        thread = system_thread();
        owner = pid;
    }
    *tid = thread + world;
    return pid + world;
}

pid_t own_tid(void)
{
    pid_t tid;

    own_pid(&tid);
    return tid;
}

static void put_field(struct text *t, const char *s)
{
    put(t, '\t');
    put_text(t, *s != '\0' ? s : "-");
}

static void put_number_field(struct text *t, bool known, long n)
{
    put(t, '\t');
    if (known)
        put_number(t, n);
    else
        put(t, '-');
}

static void put_descriptors(struct text *t, const struct call *c)
{
    put_number_field(t, c->fd >= 0, c->fd);
    if (c->fd2 >= 0) {
        put(t, ',');
        put_number(t, c->fd2);
    }
    put(t, '\t');
    if (c->file.kind == 0) {
        put(t, '-');
        return;
    }
    put(t, c->file.kind);
    put_number(t, (long)c->file.ino);
    if (c->fd2 >= 0) {
        put(t, ',');
        put(t, c->file2.kind);
        put_number(t, (long)c->file2.ino);
    }
}

static void put_error(struct text *t, int err)
{
    put(t, '\t');
    if (err == 0)
        put(t, '-');
    else if (error_name(err) != NULL)
        put_text(t, error_name(err));
    else
        put_number(t, err);
}

static void put_data(struct text *t, const struct call *c)
{
    put_number_field(t, c->bytes >= 0, c->bytes);
    put(t, '\t');
    if (c->bytes > 0 && c->pieces > 0)
        put_quoted(t, c->data, c->pieces, (size_t)c->bytes);
    else
        put(t, '-');
}

/* Of a write(2) that took a part: what it did not take. */
static void put_rest(struct text *t, const struct call *c)
{
    size_t at = (size_t)c->bytes, i = 0;

    put(t, '\t');
    if (!c->sends || c->bytes <= 0 || c->bytes >= c->asked)
        i = c->pieces;
    while (i < c->pieces && at >= c->data[i].iov_len)
        at -= c->data[i++].iov_len;
    if (i >= c->pieces) {
        put(t, '-');
        return;
    }
    struct iovec rest = { (char *)c->data[i].iov_base + at,
                          c->data[i].iov_len - at };
    put_quoted(t, &rest, 1, rest.iov_len);
}

static bool is_own_code(uintptr_t at)
{
    return exe.path[0] != '\0' && at >= exe.low && at < exe.high;
}

uintptr_t code_offset(uintptr_t at)
{
    return at - exe.base;
}

/* Where this thread's frames end; it notes that as it begins. */
static __thread __attribute__((tls_model("initial-exec"))) uintptr_t own_stack;

void note_stack(void)
{
    own_stack = (uintptr_t)__builtin_frame_address(0);
}

static void put_address_of_code(struct text *t, int *n, uintptr_t at)
{
    if (!is_own_code(at) || *n == CALLERS)
        return;
    if ((*n)++ == 0)
        put_text(t, exe.path);
    put_text(t, *n == 1 ? "+0x" : ",0x");
    put_hex(t, code_offset(at));
}

/* The frame of whoever called the one of frame, or NULL. What is read lies
 * between our own frame and the end of this stack. */
static const uintptr_t *outer_frame(const uintptr_t *frame)
{
    uintptr_t end = own_stack != 0 ? own_stack : first_stack;
    const uintptr_t *next = (const uintptr_t *)frame[0];

    if (next <= frame || (uintptr_t)next % sizeof *next != 0 ||
        (uintptr_t)(next + 2) >= end)
        return NULL;
    return next;
}

/* The frame that returns to caller: what is below it is the recorder's own. */
static const uintptr_t *frame_of_call(const uintptr_t *frame,
                                      uintptr_t caller)
{
    for (int i = 0; i < FRAMES && frame != NULL; i++) {
        if (frame[1] == caller)
            return frame;
        frame = outer_frame(frame);
    }
    return NULL;
}

/* The program's own frames from this call up to main, by the chain of frame
 * pointers; where the program was built without them, the first one alone. */
static void put_callers(struct text *t, uintptr_t caller,
                        const uintptr_t *frame)
{
    const uintptr_t *call = frame_of_call(frame, caller);
    bool linked = is_own_code((uintptr_t)put_callers);
    int n = 0;

    put(t, '\t');
    put_address_of_code(t, &n, caller);
    if (call != NULL)
        frame = outer_frame(call);
    else if (linked || n > 0)
        frame = NULL;
    for (int i = 0; i < FRAMES && frame != NULL; i++) {
        put_address_of_code(t, &n, frame[1]);
        frame = outer_frame(frame);
    }
    if (n == 0)
        put(t, '-');
}

/* Writes one event. result: NULL if there is none (yet). */
void event(char kind, const struct call *c, int64_t time, const long *result,
           int err)
{
    char line[LINE_MAX_BYTES];
    struct text t = { line, line + sizeof line - 1 };
    int saved = errno;
    pid_t tid, pid;

    if (log_fd < 0)
        return;
    put(&t, kind);
    put_number_field(&t, true, (long)time);
    pid = own_pid(&tid);
    put_number_field(&t, true, pid);
    put_number_field(&t, true, tid);
    put_field(&t, program);
    put_field(&t, c->name);
    *c->args.at = '\0';
    put_field(&t, c->args_room);
    put_descriptors(&t, c);
    put_field(&t, c->file.local);
    put_field(&t, c->file.peer);
    put_number_field(&t, result != NULL, result != NULL ? *result : 0);
    put_error(&t, err);
    put_number_field(&t, kind == 'E', (long)(time - c->entry));
    put_data(&t, c);
    put_field(&t, kind == 'B' ? "" : c->fault);
    put_callers(&t, (uintptr_t)c->caller,
                c->frame != NULL ? c->frame : __builtin_frame_address(0));
    put_number_field(&t, c->asked >= 0, c->asked);
    put_way(&t);
    put_rest(&t, c);
    *t.at++ = '\n';
    write_line(line, (size_t)(t.at - line));
    errno = saved;
}

/* ---- One call -------------------------------------------------------- */

/* Begins a call about fd, or NO_FD. False: it is not to be recorded,
 * as fd is neither a socket nor a pipe. Field by field, as "= { 0 }" would
 * clear a kilobyte. */
bool begin(struct call *c, const char *name, int fd, const void *caller)
{
    c->file.kind = 0;
    c->file.local[0] = c->file.peer[0] = '\0';
    if (fd != NO_FD && !file_of(fd, &c->file))
        return false;
    c->name = name;
    c->caller = caller;
    c->frame = NULL;
    c->fd = fd;
    c->fd2 = -1;
    c->args = (struct text){ c->args_room, c->args_room + ARGS_MAX - 1 };
    c->pieces = 0;
    c->bytes = c->asked = -1;
    c->sends = false;
    c->fault[0] = '\0';
    if (fd >= 0)
        put_number(&c->args, fd);
    c->entry = now();
    return true;
}

/* It may wait now: a drawing shows a call that never returns. */
void waits(const struct call *c)
{
    event('B', c, c->entry, NULL, 0);
}

/* It has returned: result, and errno if that is -1. Returns result. */
long ends(struct call *c, long result)
{
    event('E', c, now(), &result, result == -1 ? errno : 0);
    return result;
}

/* The same of a function that returns its error. */
int ends_with(struct call *c, long result, int err)
{
    event('E', c, now(), &result, err);
    return err;
}

/* ---- The program begins and ends ------------------------------------- */

static void put_clean(struct text *t, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        put(t, (unsigned char)s[i] >= ' ' && s[i] != 127 ? s[i] : ' ');
}

static void read_command_line(struct text *t)
{
    char line[ARGS_MAX];
    long n = system_command_line(line, sizeof line);

    while (n > 0 && line[n - 1] == '\0')
        n--;
    if (n > 0)
        put_clean(t, line, (size_t)n);
}

static void learn_program(void)
{
    struct text t = { program, program + sizeof program - 1 };
    const char *name = system_program();
    size_t len = 0;

    while (name != NULL && name[len] != '\0')
        len++;
    if (len > 0)
        put_clean(&t, name, len);
    *t.at = '\0';
    system_image(&exe);
    for (char *s = exe.path; *s != '\0'; s++)
        if ((unsigned char)*s < ' ')
            exe.path[0] = '\0';
}

static void put_start(void)
{
    struct call c;
    long parent = system_parent();

    begin(&c, "start", NO_FD, NULL);
    read_command_line(&c.args);
    event('S', &c, c.entry, &parent, 0);
}

static const void *exit_caller; /* of exit(3) */
static const uintptr_t *exit_frame;

/* Once in each process: exit(3) may end in _exit(2). */
static void put_exit(int status, const void *caller)
{
    static long ended;
    struct call c;
    long pid = system_pid(), code = status & 0377;

    if (!recording || ended == pid)
        return;
    ended = pid;
    if (faults_on)
        fault_flush(NULL);
    begin(&c, "exit", NO_FD, caller);
    c.frame = caller == exit_caller ? exit_frame : NULL;
    event('X', &c, c.entry, &code, 0);
}

void __attribute__((noreturn)) _exit(int status)
{
    put_exit(status, CALLER);
    for (;;)
        (void)REAL(_exit)(status);
}

void __attribute__((noreturn)) _Exit(int status)
{
    put_exit(status, CALLER);
    for (;;)
        (void)REAL(_exit)(status);
}

/* exit(3) is noted on the way in: where it was called, and its status, for
 * musl, which has no on_exit(3). A return from main has no such place. */
static int exit_status;

void __attribute__((noreturn)) exit(int status)
{
    exit_status = status;
    exit_caller = CALLER;
    exit_frame = __builtin_frame_address(0);
    for (;;)
        (void)REAL(exit)(status);
}

#ifdef __GLIBC__
static void at_exit(int status, void *nothing)
{
    (void)nothing;
    stdio_flush();
    put_exit(status, exit_caller);
}
#else
static void at_exit(void)
{
    stdio_flush();
    put_exit(exit_status, exit_caller);
}
#endif

#ifdef __APPLE__
int main(int argc, char **argv, char **envp);

/* The program is linked to begin here (ld(1), -e). */
int ladder_main(int argc, char **argv, char **envp)
{
    return exit_status = main(argc, argv, envp);
}
#elif !defined __GLIBC__
/* musl's start-up code calls exit(3) directly. */
static int (*program_main)(int, char **, char **);

static int noted_main(int argc, char **argv, char **envp)
{
    return exit_status = program_main(argc, argv, envp);
}

int __libc_start_main(int (*start)(int, char **, char **), int argc,
                      char **argv, void (*init)(void), void (*fini)(void),
                      void (*ld_fini)(void))
{
    program_main = start;
    return REAL(__libc_start_main)(noted_main, argc, argv, init, fini,
                                   ld_fini);
}
#endif

static void record_end_of_program(void)
{
#ifdef __GLIBC__
    on_exit(at_exit, NULL);
#else
    atexit(at_exit);
#endif
}

static bool keep_path(const char *path)
{
    struct text t = { log_path, log_path + sizeof log_path };

    if (path == NULL || *path != '/')
        return false;
    put_text(&t, path);
    if (t.at == t.end)
        return false;
    *t.at = '\0';
    open_log();
    return log_fd >= 0;
}

static void say_loaded(const char *path)
{
    long fd = path == NULL ? -1 : system_open(path, O_WRONLY | O_CREAT);

    if (fd >= 0)
        system_close((int)fd);
}

/* A number, at most most; usual, where there is none. */
static int number_in(const char *text, int most, int usual)
{
    int n = 0;

    if (text == NULL || *text < '0' || *text > '9')
        return usual;
    while (*text >= '0' && *text <= '9' && n < most)
        n = n * 10 + (*text++ - '0');
    return n < most ? n : most;
}

__attribute__((constructor)) static void record_begin(void)
{
    int err = errno;
    bool events = keep_path(getenv("LADDER_EVENTS"));

    first_stack = (uintptr_t)environ; /* above it are its texts alone */

    for (int i = 0; i < REAL_COUNT; i++)
        real_function((enum real)i);
    data_shown = (size_t)number_in(getenv("LADDER_DATA"), DATA_MAX, DATA_SHOWN);
    world = 10000000 * number_in(getenv("LADDER_WORLD"), 200, 0);
    faults_begin(getenv("LADDER_FAULTS"));
    if (events || faults_on) {
        be_quiet();
        learn_program();
        threads_begin();
        record_end_of_program();
        recording = true;
        put_start();
    }
    say_loaded(getenv("LADDER_LOADED"));
    errno = err;
}
