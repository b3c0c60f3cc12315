/* record_sockets.c - the calls that make, name and close descriptors. */
#include "record.h"

#include <stdarg.h>

static const struct flag families[] = { { AF_UNIX, "UNIX" },
                                        { AF_INET, "INET" },
                                        { AF_INET6, "INET6" },
                                        { 0, NULL } };
static const struct flag types[] = { { SOCK_STREAM, "STREAM" },
                                     { SOCK_DGRAM, "DGRAM" },
                                     { SOCK_RAW, "RAW" },
                                     { SOCK_SEQPACKET, "SEQPACKET" },
                                     { 0, NULL } };
static const struct flag socket_flags[] = {
    { SOCK_NONBLOCK, "SOCK_NONBLOCK" },
    { SOCK_CLOEXEC, "SOCK_CLOEXEC" },
    { 0, NULL }
};
static void put_one_of(struct text *t, int n, const struct flag *list)
{
    for (; list->name != NULL; list++)
        if (list->bit == n) {
            put_text(t, list->name);
            return;
        }
    put_number(t, n);
}

static void put_kind(struct call *c, int family, int type)
{
    int flags = type & (SOCK_NONBLOCK | SOCK_CLOEXEC);

    put_one_of(&c->args, family, families);
    put_text(&c->args, ", ");
    put_one_of(&c->args, type & ~flags, types);
    if (flags != 0) {
        put(&c->args, '|');
        put_flags(&c->args, flags, socket_flags);
    }
}

/* A call has made fd: the event is about it. */
static int made(struct call *c, int fd)
{
    if (fd >= 0) {
        c->fd = fd;
        file_of(fd, &c->file);
#ifdef __APPLE__
        file_refresh(fd, &c->file); /* the name may have been another's */
#endif
    }
    return (int)ends(c, fd);
}

static int made_two(struct call *c, const int fd[2], int rc)
{
    if (rc == 0) {
        c->fd = fd[0];
        c->fd2 = fd[1];
        file_of(fd[0], &c->file);
        file_of(fd[1], &c->file2);
    }
    return (int)ends(c, rc);
}

/* Netlink and the like would be a line that means nothing to the reader. */
int socket(int family, int type, int protocol)
{
    struct call c;

    if ((family != AF_INET && family != AF_INET6 && family != AF_UNIX) ||
        !call_begin(&c, "socket", NO_FD, CALLER))
        return REAL(socket)(family, type, protocol);
    put_kind(&c, family, type);
    if (fault_strikes(&c))
        return -1;
    return made(&c, REAL(socket)(family, type, protocol));
}

int socketpair(int family, int type, int protocol, int fd[2])
{
    struct call c;

    if (!call_begin(&c, "socketpair", NO_FD, CALLER))
        return REAL(socketpair)(family, type, protocol, fd);
    put_kind(&c, family, type);
    if (fault_strikes(&c))
        return -1;
    return made_two(&c, fd, REAL(socketpair)(family, type, protocol, fd));
}

int pipe(int fd[2])
{
    struct call c;

    if (!call_begin(&c, "pipe", NO_FD, CALLER))
        return REAL(pipe)(fd);
    if (fault_strikes(&c))
        return -1;
    return made_two(&c, fd, REAL(pipe)(fd));
}

static void put_name(struct call *c, const struct sockaddr *sa, socklen_t len)
{
    put_text(&c->args, ", ");
    put_address(&c->args, sa, len);
}

int bind(int fd, CONST_ADDRESS addr, socklen_t len)
{
    struct call c;
    int rc;

    if (!call_begin(&c, "bind", fd, CALLER))
        return REAL(bind)(fd, addr, len);
    put_name(&c, SA(addr), len);
    if (fault_strikes(&c))
        return -1;
    rc = REAL(bind)(fd, addr, len);
    if (rc == 0)
        file_refresh(fd, &c.file);
    return (int)ends(&c, rc);
}

int listen(int fd, int backlog)
{
    struct call c;
    int rc;

    if (!call_begin(&c, "listen", fd, CALLER))
        return REAL(listen)(fd, backlog);
    put_text(&c.args, ", ");
    put_number(&c.args, backlog);
    if (fault_strikes(&c))
        return -1;
    rc = REAL(listen)(fd, backlog);
    if (rc == 0)
        file_refresh(fd, &c.file);
    return (int)ends(&c, rc);
}

static void wait_unless_nonblocking(struct call *c)
{
    if (!is_nonblocking(c->fd))
        waits(c);
}

/* A connection that is on its way has a peer already, for whoever reads. */
int connect(int fd, CONST_ADDRESS addr, socklen_t len)
{
    struct call c;
    int rc;

    if (!call_begin(&c, "connect", fd, CALLER))
        return REAL(connect)(fd, addr, len);
    put_name(&c, SA(addr), len);
    wait_unless_nonblocking(&c);
    if (fault_strikes(&c))
        return -1;
    rc = REAL(connect)(fd, addr, len);
    file_refresh(fd, &c.file);
    if (c.file.peer[0] == '\0') {
        struct text t = { c.file.peer, c.file.peer + ADDRESS_MAX - 1 };
        put_address(&t, SA(addr), len);
        *t.at = '\0';
        if (rc < 0 && errno == EINPROGRESS)
            file_keep(&c.file);
    }
    return (int)ends(&c, rc);
}

int accept(int fd, ADDRESS addr, socklen_t *restrict len)
{
    struct call c;

    if (!call_begin(&c, "accept", fd, CALLER))
        return REAL(accept)(fd, addr, len);
    wait_unless_nonblocking(&c);
    if (fault_strikes(&c))
        return -1;
    return made(&c, REAL(accept)(fd, addr, len));
}

int shutdown(int fd, int how)
{
    struct call c;

    if (!call_begin(&c, "shutdown", fd, CALLER))
        return REAL(shutdown)(fd, how);
    put_text(&c.args, how == SHUT_RD   ? ", SHUT_RD"
                      : how == SHUT_WR ? ", SHUT_WR"
                                       : ", SHUT_RDWR");
    if (fault_strikes(&c))
        return -1;
    return (int)ends(&c, REAL(shutdown)(fd, how));
}

/* ---- Closing: never our own descriptor ------------------------------- */

/* The numbers that a socket or a pipe had, and that were closed. */
static bool was_closed[4096];

static bool closes_again(int fd)
{
    int err = errno;
    bool again = fd >= 0 && fd < (int)sizeof was_closed && was_closed[fd] &&
                 system_flags(fd) < 0;

    errno = err;
    return again;
}

/* To close one a second time is told as well: a moment later it may be somebody
 * else's. */
int close(int fd)
{
    struct call c;
    bool again = recording && closes_again(fd);

    if (recording && is_log(fd)) {
        errno = EBADF;
        return -1;
    }
    if (!call_begin(&c, "close", again ? NO_FD : fd, CALLER))
        return REAL(close)(fd);
    if (again) {
        c.fd = fd;
        put_number(&c.args, fd);
    }
    if (faults_on)
        fault_flush(&c.file);
    if (fault_strikes(&c))
        return -1;
    if (fd >= 0 && fd < (int)sizeof was_closed)
        was_closed[fd] = true; /* before another thread is given the number */
    return (int)ends(&c, REAL(close)(fd));
}

/* ---- Second descriptors ---------------------------------------------- */

int dup(int fd)
{
    struct call c;

    if (!call_begin(&c, "dup", fd, CALLER))
        return REAL(dup)(fd);
    if (fault_strikes(&c))
        return -1;
    return made(&c, REAL(dup)(fd));
}

int dup2(int fd, int to)
{
    struct call c;

    if (recording && is_log(to))
        move_log();
    if (!call_begin(&c, "dup2", fd, CALLER))
        return REAL(dup2)(fd, to);
    put_text(&c.args, ", ");
    put_number(&c.args, to);
    if (fault_strikes(&c))
        return -1;
    return made(&c, REAL(dup2)(fd, to));
}

static int control(int fd, int command, void *arg, const void *caller)
{
    struct call c;

    if (recording && is_log(fd)) {
        errno = EBADF;
        return -1;
    }
    if ((command != F_DUPFD && command != F_DUPFD_CLOEXEC) ||
        !call_begin(&c, "dup", fd, caller))
        return REAL(fcntl)(fd, command, arg);
    if (fault_strikes(&c))
        return -1;
    return made(&c, REAL(fcntl)(fd, command, arg));
}

/* Its argument is an int or a pointer, or there is none: as a pointer it
 * passes on whole. */
int fcntl(int fd, int command, ...)
{
    va_list args;

    va_start(args, command);
    void *arg = va_arg(args, void *);
    va_end(args);
    return control(fd, command, arg, CALLER);
}

/* ---- Linux has these besides ----------------------------------------- */

#ifdef __linux__
static const struct flag pipe_flags[] = { { O_NONBLOCK, "O_NONBLOCK" },
                                          { O_CLOEXEC, "O_CLOEXEC" },
                                          { 0, NULL } };

int pipe2(int fd[2], int flags)
{
    struct call c;

    if (!call_begin(&c, "pipe2", NO_FD, CALLER))
        return REAL(pipe2)(fd, flags);
    put_flags(&c.args, flags, pipe_flags);
    if (fault_strikes(&c))
        return -1;
    return made_two(&c, fd, REAL(pipe2)(fd, flags));
}

int accept4(int fd, ADDRESS addr, socklen_t *restrict len, int flags)
{
    struct call c;

    if (!call_begin(&c, "accept4", fd, CALLER))
        return REAL(accept4)(fd, addr, len, flags);
    put_call_flags(&c, flags, socket_flags);
    wait_unless_nonblocking(&c);
    if (fault_strikes(&c))
        return -1;
    return made(&c, REAL(accept4)(fd, addr, len, flags));
}

int dup3(int fd, int to, int flags)
{
    struct call c;

    if (recording && is_log(to))
        move_log();
    if (!call_begin(&c, "dup3", fd, CALLER))
        return REAL(dup3)(fd, to, flags);
    put_text(&c.args, ", ");
    put_number(&c.args, to);
    if (fault_strikes(&c))
        return -1;
    return made(&c, REAL(dup3)(fd, to, flags));
}

int fcntl64(int fd, int command, ...)
{
    va_list args;

    va_start(args, command);
    void *arg = va_arg(args, void *);
    va_end(args);
    return control(fd, command, arg, CALLER);
}

static int close_some(unsigned first, unsigned last, int flags)
{
#ifdef SYS_close_range
    return (int)syscall(SYS_close_range, first, last, flags);
#else
    (void)first, (void)last, (void)flags;
    errno = ENOSYS;
    return -1;
#endif
}

/* In two steps, around ours. Not recorded one by one: the reader's programs
 * do not do this. */
int close_range(unsigned first, unsigned last, int flags)
{
    unsigned ours = (unsigned)log_fd;

    if (log_fd < 0 || ours < first || ours > last)
        return close_some(first, last, flags);
    if (ours > first && close_some(first, ours - 1, flags) < 0)
        return -1;
    return ours < last ? close_some(ours + 1, last, flags) : 0;
}

void closefrom(int first)
{
    int from = first > 0 ? first : 0;
    long most = sysconf(_SC_OPEN_MAX);

    if (close_range((unsigned)from, ~0u, 0) == 0)
        return;
    for (int fd = from; fd < most; fd++)
        close(fd);
}
#endif
