/* record.h - what the recorder's files share.
 *
 * The recorder runs inside another program, between it and its C library, at
 * any moment: in a signal handler, in the child of vfork(2), in a thread that
 * a sanitizer does not know yet. So it calls no function of the C library but
 * those that it stands in front of, found with dlsym(3), and on Linux
 * syscall(2); it has no malloc(3) and no lock that anyone waits for. */
#ifndef RECORD_H
#define RECORD_H

#undef _FORTIFY_SOURCE /* its inline read(2) would be in the way of ours */
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <threads.h>
#else /* macOS */
#include <sys/event.h>
extern char **environ;
#endif

#include "record_names.h"

#ifndef SOCK_NONBLOCK /* flags that a system may lack */
#define SOCK_NONBLOCK 0
#endif
#ifndef SOCK_CLOEXEC
#define SOCK_CLOEXEC 0
#endif
#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif
#ifndef MSG_CMSG_CLOEXEC
#define MSG_CMSG_CLOEXEC 0
#endif
#ifndef MSG_MORE
#define MSG_MORE 0
#endif
#ifndef POLLRDHUP
#define POLLRDHUP 0
#endif

#undef fcntl64 /* musl has them as macros */
#undef sendfile64
#undef putc /* and macOS these */
#undef putchar

/* glibc declares a socket's address as a union of all kinds of pointers. */
#ifdef __GLIBC__
#define ADDRESS __SOCKADDR_ARG
#define CONST_ADDRESS __CONST_SOCKADDR_ARG
#define SA(address) ((address).__sockaddr__)
#define TO_ADDRESS(p) ((ADDRESS){ .__sockaddr__ = (p) })
#define TO_CONST_ADDRESS(p) ((CONST_ADDRESS){ .__sockaddr__ = (p) })
#else
#define ADDRESS struct sockaddr *restrict
#define CONST_ADDRESS const struct sockaddr *
#define SA(address) (address)
#define TO_ADDRESS(p) (p)
#define TO_CONST_ADDRESS(p) (p)
#endif

typedef void signal_handler(int sig);

#ifdef __linux__
/* What -D_FORTIFY_SOURCE makes of some calls, and what a C library may lack.
 * Nobody but the linker sees these names. */
ssize_t __read_chk(int fd, void *buf, size_t n, size_t size);
ssize_t __recv_chk(int fd, void *buf, size_t n, size_t size, int flags);
ssize_t __recvfrom_chk(int fd, void *restrict buf, size_t n, size_t size,
                       int flags, ADDRESS addr, socklen_t *restrict len);
int __poll_chk(struct pollfd *fds, nfds_t n, int timeout, size_t size);
int __ppoll_chk(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
                const sigset_t *mask, size_t size);
int __dprintf_chk(int fd, int flag, const char *restrict format, ...);
int __printf_chk(int flag, const char *restrict format, ...);
int __fprintf_chk(FILE *restrict f, int flag, const char *restrict format,
                  ...);
int fcntl64(int fd, int command, ...);
int close_range(unsigned first, unsigned last, int flags);
void closefrom(int first);
#ifndef __GLIBC__
int __libc_start_main(int (*start)(int, char **, char **), int argc,
                      char **argv, void (*init)(void), void (*fini)(void),
                      void (*ld_fini)(void));
#define MUSL_REALS(X) X(__libc_start_main)
#else
#define MUSL_REALS(X)
#endif
signal_handler *__sysv_signal(int sig, signal_handler *handler);
signal_handler *bsd_signal(int sig, signal_handler *handler);
#define SYSTEM_REALS(X)                                                       \
    X(accept4) X(dup3) X(epoll_pwait) X(epoll_wait) X(fileno_unlocked)        \
    X(fstat)                                                                  \
    X(pipe2) X(__poll_chk) X(ppoll) X(__ppoll_chk) X(pthread_cond_clockwait)  \
    X(pthread_tryjoin_np) X(__read_chk) X(__recv_chk) X(__recvfrom_chk)       \
    X(sendfile) X(__sysv_signal) X(thrd_create) MUSL_REALS(X)
#else
#define SYSTEM_REALS(X) X(kevent)
#endif

// clang-format off
#define REALS(X)                                                              \
    X(accept) X(bind) X(clock_gettime) X(close) X(connect) X(dup) X(dup2)     \
    X(exit) X(_exit) X(fcntl) X(fdopen) X(fflush) X(fileno) X(fork) X(fputc)  \
    X(fputs) X(fwrite) X(kill) X(listen) X(perror) X(pipe) X(poll)   \
    X(posix_spawn) X(posix_spawnp) X(pselect) X(pthread_cond_timedwait)       \
    X(pthread_cond_wait) X(pthread_create) X(pthread_detach) X(pthread_exit)  \
    X(pthread_join) X(pthread_mutex_lock) X(pthread_mutex_trylock) X(puts)    \
    X(read) X(readv) X(recv) X(recvfrom) X(recvmsg) X(select) X(send)         \
    X(sendmsg) X(sendto) X(setbuf) X(setlinebuf) X(setvbuf) X(shutdown)       \
    X(sigaction) X(signal) X(socket) X(socketpair) X(vdprintf) X(vfprintf)    \
    X(wait) X(wait3) X(wait4) X(waitpid) X(write) X(writev) SYSTEM_REALS(X)
// clang-format on

enum real {
#define REAL_ENUM(name) REAL_##name,
    REALS(REAL_ENUM)
#undef REAL_ENUM
        REAL_COUNT
};

/* The function that the program would have called without us. */
#define REAL(name)                               \
    (((union {                                   \
         void *object;                           \
         __typeof__(&name) function;             \
     }){ .object = real_function(REAL_##name) }) \
         .function)

/* Where the call returns to: only right in the function that was called. */
#define CALLER __builtin_extract_return_addr(__builtin_return_address(0))

/* record_way.c, for linked/way.c. */
void ladder_way(uintptr_t at);

#ifdef __APPLE__
int ladder_main(int argc, char **argv, char **envp);
#endif

/* Hidden: the program may have functions of the same names. */
#pragma GCC visibility push(hidden)

enum {
    NO_FD = -2, /* a call that is not about a descriptor */
    ADDRESS_MAX = 120,
    ARGS_MAX = 704, /* a command line, or the descriptors of a poll(2) */
    FAULT_MAX = 48,
    PATH_ROOM = 512,
    DATA_SHOWN = 48, /* unless LADDER_DATA says more */
    DATA_MAX = 400,
    WAY_MAX = 160 /* blocks */
};

/* Room for text: the next byte goes to at, none to end. */
struct text {
    char *at, *end;
};

/* An open socket or pipe. The inode is its name for as long as it lives,
 * whatever its descriptors are. */
struct file {
    unsigned long ino;
    char kind;               /* s, d, u, v, p as in the README; 0: neither */
    char local[ADDRESS_MAX]; /* "": it has none yet */
    char peer[ADDRESS_MAX];
};

/* One call: what begins with call_begin() and ends with call_end(). */
struct call {
    const char *name;
    const void *caller;
    const uintptr_t *frame; /* from where to look for its callers, or NULL */
    int64_t entry;
    int fd, fd2; /* below 0: none */
    struct file file, file2;
    struct text args;
    char args_room[ARGS_MAX];
    const struct iovec *data; /* what came or went, in this many pieces */
    size_t pieces;
    long bytes, asked;     /* -1: not such a call */
    bool sends;
    char fault[FAULT_MAX]; /* what was done to it on order */
};

/* Where the program's own code lies. */
struct image {
    char path[PATH_ROOM];   /* "": not known, or too long */
    uintptr_t base, low, high; /* address = base + offset in the file */
};

/* How many descriptors a program may have: getrlimit(2). */
struct limit {
    uint64_t now, most;
};

/* record_system.c */
int move_high(int fd, int from);
long system_open(const char *path, int flags);
long system_read(int fd, void *buf, size_t n);
long system_write(int fd, const void *buf, size_t n);
void system_close(int fd);
long system_copy(int fd, int from); /* to the first free one from there on */
long system_flags(int fd);          /* O_NONBLOCK, O_RDWR, ... */
void system_limit(const struct limit *set, struct limit *old);
int system_name(int fd, bool peer, struct sockaddr *addr, socklen_t *len);
int system_socket_type(int fd);
bool system_inode(int fd, unsigned long *ino, bool *fifo);
pid_t system_pid(void);
pid_t system_parent(void);
pid_t system_thread(void);
void system_yield(void);
void system_sleep_until(int64_t until); /* of now(); a signal changes nothing */
long system_command_line(char *room, size_t size); /* words, a \0 between */
const char *system_program(void);                  /* its name alone */
void system_image(struct image *image);

/* record.c */
extern bool recording;
extern size_t data_shown;
void *real_function(enum real which);
int64_t now(void);
pid_t own_tid(void);
uintptr_t code_offset(uintptr_t at); /* in the program's file */
bool begin(struct call *c, const char *name, int fd, const void *caller);
void waits(const struct call *c);
long ends(struct call *c, long result);
int ends_with(struct call *c, long result, int err);
void event(char kind, const struct call *c, int64_t time, const long *result,
           int err);
extern int log_fd; /* our own descriptor; -1: none */
bool is_log(int fd);
void move_log(void);
void note_stack(void);

/* Is there anything to record? Costs next to nothing when there is not. */
static inline bool call_begin(struct call *c, const char *name, int fd,
                              const void *caller)
{
    return __builtin_expect(recording, false) && begin(c, name, fd, caller);
}

/* record_way.c */
void put_way(struct text *t);

/* record_text.c */
void put(struct text *t, char c);
void put_text(struct text *t, const char *s);
void put_number(struct text *t, long n);
void put_hex(struct text *t, unsigned long n);
void put_quoted(struct text *t, const struct iovec *data, size_t pieces,
                size_t n);
void put_address(struct text *t, const struct sockaddr *sa, socklen_t len);
void copy_bytes(void *to, const void *from, size_t n);
bool same(const char *a, const char *b);
const char *error_name(int err);
int error_number(const char *name, size_t len);
void put_signal(struct text *t, int sig);
struct flag {
    int bit;
    const char *name;
};
void put_flags(struct text *t, int flags, const struct flag *names);
void put_call_flags(struct call *c, int flags, const struct flag *names);

/* record_files.c */
void be_quiet(void);
bool file_of(int fd, struct file *file);
void file_refresh(int fd, struct file *file);
void file_keep(const struct file *file);
bool is_nonblocking(int fd);

/* record_io.c */
ssize_t plain_read(int fd, void *buf, size_t n, const void *caller);
ssize_t plain_write(int fd, const void *buf, size_t n, const void *caller);

/* record_stdio.c */
void stdio_flush(void);
void tell_output(const char *name, int fd, const struct iovec *data,
                 size_t pieces, size_t n, const void *caller);
/* Not static: the C library's header has inline functions that call ours. */
bool is_told(const FILE *f);
void tell_print(const char *name, const FILE *f, const char *data, size_t n,
                const void *caller);
int tell_format(const char *name, FILE *f, const char *format, va_list args,
                const void *caller);

/* record_threads.c */
void threads_begin(void);

/* faults.c */
enum fate { NORMAL,
            LOST,
            TWICE,
            SWAPPED };
struct fault {
    int err;    /* fail so, without the call; 0: call */
    long delay; /* milliseconds */
    size_t cut; /* at most so many bytes; 0: all */
    enum fate fate;
    bool counted; /* a reset-after rule counts this socket's bytes */
};
extern bool faults_on;
void faults_begin(const char *rules);
void fault_find(struct call *c, struct fault *f);
void fault_sleep(const struct fault *f);
void fault_moved(struct call *c, const struct fault *f, long n);
int fault_strikes(struct call *c);
ssize_t fault_datagram(const struct call *c, const struct fault *f,
                       const struct msghdr *msg, int flags);
void fault_flush(const struct file *file);

#pragma GCC visibility pop
#endif
