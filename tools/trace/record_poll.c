/* record_poll.c - waiting for several descriptors at once. */
#include "record.h"

enum { ARGS_ENOUGH = ARGS_MAX - 64 };

static const struct flag poll_flags[] = { { POLLIN, "IN" },
                                          { POLLOUT, "OUT" },
                                          { POLLPRI, "PRI" },
                                          { POLLRDHUP, "RDHUP" },
                                          { 0, NULL } };

static void put_entry(struct call *c, int fd, int events)
{
    struct text *t = &c->args;

    if (fd < 0 || t->at > c->args_room + ARGS_ENOUGH)
        return; /* poll(2) ignores a negative one */
    if (t->at == c->args_room)
        put(t, '[');
    else
        put_text(t, ", ");
    put_number(t, fd);
    if (events != 0)
        put(t, ' ');
    put_flags(t, events, poll_flags);
}

static void put_timeout(struct call *c, long ms)
{
    put_text(&c->args, c->args.at == c->args_room ? "[], " : "], ");
    put_number(&c->args, ms);
    if (ms >= 0)
        put_text(&c->args, " ms");
    if (ms != 0)
        waits(c);
}

static long in_ms(const struct timespec *t)
{
    return t == NULL ? -1 : (long)t->tv_sec * 1000 + t->tv_nsec / 1000000;
}

/* The event is about the first descriptor that is ready, when one is. */
static void about(struct call *c, int fd)
{
    if (file_of(fd, &c->file))
        c->fd = fd;
}

/* Recorded if one of the descriptors is a socket or a pipe, or if there is none:
 * so somebody waits for the time alone, or for a signal. */
static bool begin_poll(struct call *c, const char *name,
                       const struct pollfd *fds, nfds_t n, long ms,
                       const void *caller)
{
    struct file file;
    nfds_t i = 0;

    if (!recording)
        return false;
    while (i < n && !file_of(fds[i].fd, &file))
        i++;
    if ((i == n && n > 0) || !call_begin(c, name, NO_FD, caller))
        return false;
    for (i = 0; i < n; i++)
        put_entry(c, fds[i].fd, fds[i].events);
    put_timeout(c, ms);
    return true;
}

static int end_poll(struct call *c, const struct pollfd *fds, nfds_t n, int rc)
{
    nfds_t i = 0;

    while (rc > 0 && i < n && fds[i].revents == 0)
        i++;
    if (rc > 0 && i < n)
        about(c, fds[i].fd);
    return (int)ends(c, rc);
}

static int do_poll(struct pollfd *fds, nfds_t n, int timeout,
                   const void *caller)
{
    struct call c;

    if (!begin_poll(&c, "poll", fds, n, timeout, caller))
        return REAL(poll)(fds, n, timeout);
    if (n > 0 && fault_strikes(&c))
        return -1;
    return end_poll(&c, fds, n, REAL(poll)(fds, n, timeout));
}

int poll(struct pollfd *fds, nfds_t n, int timeout)
{
    return do_poll(fds, n, timeout, CALLER);
}

/* ---- select ---------------------------------------------------------- */

struct sets {
    int n;
    const fd_set *in, *out, *pri;
};

static bool has(int fd, const fd_set *set)
{
    return set != NULL && FD_ISSET((unsigned)fd, set);
}

static int events_of(const struct sets *s, int fd)
{
    return (has(fd, s->in) ? POLLIN : 0) | (has(fd, s->out) ? POLLOUT : 0) |
           (has(fd, s->pri) ? POLLPRI : 0);
}

static bool begin_select(struct call *c, const char *name,
                         const struct sets *s, long ms, const void *caller)
{
    struct file file;
    int fd = 0;

    if (!recording)
        return false;
    while (fd < s->n && (events_of(s, fd) == 0 || !file_of(fd, &file)))
        fd++;
    if (fd >= s->n || !call_begin(c, name, NO_FD, caller))
        return false;
    for (fd = 0; fd < s->n; fd++)
        if (events_of(s, fd) != 0)
            put_entry(c, fd, events_of(s, fd));
    put_timeout(c, ms);
    return true;
}

static int end_select(struct call *c, const struct sets *s, int rc)
{
    int fd = 0;

    while (rc > 0 && fd < s->n && events_of(s, fd) == 0)
        fd++;
    if (rc > 0 && fd < s->n)
        about(c, fd);
    return (int)ends(c, rc);
}

int select(int n, fd_set *restrict in, fd_set *restrict out,
           fd_set *restrict pri, struct timeval *restrict timeout)
{
    struct call c;
    struct sets s = { n < FD_SETSIZE ? n : FD_SETSIZE, in, out, pri };
    long ms = timeout == NULL ? -1
                              : (long)timeout->tv_sec * 1000 +
                                    (long)timeout->tv_usec / 1000;

    if (!begin_select(&c, "select", &s, ms, CALLER))
        return REAL(select)(n, in, out, pri, timeout);
    if (fault_strikes(&c))
        return -1;
    return end_select(&c, &s, REAL(select)(n, in, out, pri, timeout));
}

int pselect(int n, fd_set *restrict in, fd_set *restrict out,
            fd_set *restrict pri, const struct timespec *restrict timeout,
            const sigset_t *restrict mask)
{
    struct call c;
    struct sets s = { n < FD_SETSIZE ? n : FD_SETSIZE, in, out, pri };

    if (!begin_select(&c, "pselect", &s, in_ms(timeout), CALLER))
        return REAL(pselect)(n, in, out, pri, timeout, mask);
    if (fault_strikes(&c))
        return -1;
    return end_select(&c, &s, REAL(pselect)(n, in, out, pri, timeout, mask));
}

/* ---- Linux: ppoll, epoll --------------------------------------------- */

#ifdef __linux__
int __poll_chk(struct pollfd *fds, nfds_t n, int timeout, size_t size)
{
    if (size / sizeof *fds < n)
        return REAL(__poll_chk)(fds, n, timeout, size);
    return do_poll(fds, n, timeout, CALLER);
}

static int do_ppoll(struct pollfd *fds, nfds_t n,
                    const struct timespec *timeout, const sigset_t *mask,
                    const void *caller)
{
    struct call c;

    if (!begin_poll(&c, "ppoll", fds, n, in_ms(timeout), caller))
        return REAL(ppoll)(fds, n, timeout, mask);
    if (n > 0 && fault_strikes(&c))
        return -1;
    return end_poll(&c, fds, n, REAL(ppoll)(fds, n, timeout, mask));
}

int ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
          const sigset_t *mask)
{
    return do_ppoll(fds, n, timeout, mask, CALLER);
}

int __ppoll_chk(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
                const sigset_t *mask, size_t size)
{
    if (size / sizeof *fds < n)
        return REAL(__ppoll_chk)(fds, n, timeout, mask, size);
    return do_ppoll(fds, n, timeout, mask, CALLER);
}

/* What it watches is not known here; sockets and pipes, mostly. */
static bool begin_epoll(struct call *c, const char *name, int fd, int ms,
                        const void *caller)
{
    if (!call_begin(c, name, NO_FD, caller))
        return false;
    put_number(&c->args, fd);
    put_text(&c->args, ", ");
    put_number(&c->args, ms);
    put_text(&c->args, ms >= 0 ? " ms" : "");
    c->fd = fd;
    if (ms != 0)
        waits(c);
    return true;
}

int epoll_wait(int fd, struct epoll_event *events, int n, int ms)
{
    struct call c;

    if (!begin_epoll(&c, "epoll_wait", fd, ms, CALLER))
        return REAL(epoll_wait)(fd, events, n, ms);
    if (fault_strikes(&c))
        return -1;
    return (int)ends(&c, REAL(epoll_wait)(fd, events, n, ms));
}

int epoll_pwait(int fd, struct epoll_event *events, int n, int ms,
                const sigset_t *mask)
{
    struct call c;

    if (!begin_epoll(&c, "epoll_pwait", fd, ms, CALLER))
        return REAL(epoll_pwait)(fd, events, n, ms, mask);
    if (fault_strikes(&c))
        return -1;
    return (int)ends(&c, REAL(epoll_pwait)(fd, events, n, ms, mask));
}

/* ---- macOS: kevent --------------------------------------------------- */

#else
/* What it watches is not known here; sockets and pipes, mostly. A call that
 * only changes what is watched cannot wait, and is not told. */
int kevent(int fd, const struct kevent *changes, int nchanges,
           struct kevent *events, int n, const struct timespec *timeout)
{
    struct call c;

    if (n == 0 || !call_begin(&c, "kevent", NO_FD, CALLER))
        return REAL(kevent)(fd, changes, nchanges, events, n, timeout);
    put_number(&c.args, fd);
    put_text(&c.args, ", ");
    put_number(&c.args, in_ms(timeout));
    put_text(&c.args, timeout != NULL ? " ms" : "");
    c.fd = fd;
    if (in_ms(timeout) != 0)
        waits(&c);
    if (fault_strikes(&c))
        return -1;
    return (int)ends(&c, REAL(kevent)(fd, changes, nchanges, events, n,
                                      timeout));
}
#endif
