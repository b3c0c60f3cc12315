/* ready.c - ready.h over epoll, kqueue or poll: one of the three is compiled.
 *
 * -DREADY_EPOLL, -DREADY_KQUEUE or -DREADY_POLL chooses; without any of them,
 * the system's best. */
#ifdef __linux__
#define _GNU_SOURCE /* epoll(7) */
#else
#define _DARWIN_C_SOURCE /* kqueue(2) */
#endif

#include "ready.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#if !defined READY_EPOLL && !defined READY_KQUEUE && !defined READY_POLL
#if defined __linux__
#define READY_EPOLL
#elif defined __APPLE__ || defined __FreeBSD__ || defined __OpenBSD__ || \
    defined __NetBSD__ || defined __DragonFly__
#define READY_KQUEUE
#else
#define READY_POLL
#endif
#endif

#define MAX_EVENTS 256 /* that the kernel tells at a time */
#define AT_MOST(max) ((max) < MAX_EVENTS ? (max) : MAX_EVENTS)

/* ---- epoll: the kernel keeps the set, and tells the ready ones only ------ */
#if defined READY_EPOLL
#include <sys/epoll.h>

const char *const ready_name = "epoll";

struct ready {
    int epfd;
};

struct ready *ready_new(void)
{
    struct ready *set = malloc(sizeof *set);

    if (set == NULL)
        return NULL;
    set->epfd = epoll_create1(EPOLL_CLOEXEC);
    if (set->epfd >= 0)
        return set;
    free(set);
    return NULL;
}

void ready_free(struct ready *set)
{
    close(set->epfd);
    free(set);
}

static int control(struct ready *set, int op, int fd, int what, void *who)
{
    struct epoll_event ev = { .data.ptr = who };

    if (what & READY_READ)
        ev.events |= EPOLLIN;
    if (what & READY_WRITE)
        ev.events |= EPOLLOUT;
    return epoll_ctl(set->epfd, op, fd, &ev);
}

int ready_add(struct ready *set, int fd, int what, void *who)
{
    return control(set, EPOLL_CTL_ADD, fd, what, who);
}

int ready_change(struct ready *set, int fd, int what, void *who)
{
    return control(set, EPOLL_CTL_MOD, fd, what, who);
}

/* The last close(2) of a socket takes it out of every set (epoll(7)). */
void ready_close(struct ready *set, int fd)
{
    (void)set;
    close(fd);
}

int ready_wait(struct ready *set, struct ready_event *events, int max,
               int timeout)
{
    struct epoll_event got[MAX_EVENTS];
    int n = epoll_wait(set->epfd, got, AT_MOST(max), timeout);

    for (int i = 0; i < n; i++) {
        events[i].who = got[i].data.ptr;
        events[i].what = 0;
        if (got[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
            events[i].what |= READY_READ;
        if (got[i].events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
            events[i].what |= READY_WRITE;
    }
    return n < 0 && errno == EINTR ? 0 : n;
}

/* ---- kqueue: the same idea; reading and writing are filters of their own - */
#elif defined READY_KQUEUE
#include <sys/types.h>

#include <sys/event.h>
#include <sys/time.h>

const char *const ready_name = "kqueue";

struct ready {
    int kq;
};

struct ready *ready_new(void)
{
    struct ready *set = malloc(sizeof *set);

    if (set == NULL)
        return NULL;
    set->kq = kqueue();
    if (set->kq >= 0)
        return set;
    free(set);
    return NULL;
}

void ready_free(struct ready *set)
{
    close(set->kq);
    free(set);
}

/* Adds the filter or takes it out; it need not have been there. */
static int filter(struct ready *set, int fd, short which, int wanted,
                  void *who)
{
    struct kevent change;

    EV_SET(&change, (uintptr_t)fd, which, wanted ? EV_ADD : EV_DELETE, 0, 0,
           who);
    if (kevent(set->kq, &change, 1, NULL, 0, NULL) == 0)
        return 0;
    return !wanted && errno == ENOENT ? 0 : -1;
}

int ready_add(struct ready *set, int fd, int what, void *who)
{
    if (filter(set, fd, EVFILT_READ, what & READY_READ, who) < 0)
        return -1;
    return filter(set, fd, EVFILT_WRITE, what & READY_WRITE, who);
}

int ready_change(struct ready *set, int fd, int what, void *who)
{
    return ready_add(set, fd, what, who);
}

/* close(2) takes its filters out (kqueue(2)). */
void ready_close(struct ready *set, int fd)
{
    (void)set;
    close(fd);
}

int ready_wait(struct ready *set, struct ready_event *events, int max,
               int timeout)
{
    struct kevent got[MAX_EVENTS];
    struct timespec time = { timeout / 1000, timeout % 1000 * 1000000L };
    int n = kevent(set->kq, NULL, 0, got, AT_MOST(max),
                   timeout < 0 ? NULL : &time);

    for (int i = 0; i < n; i++) {
        events[i].who = got[i].udata;
        events[i].what =
            got[i].filter == EVFILT_WRITE ? READY_WRITE : READY_READ;
    }
    return n < 0 && errno == EINTR ? 0 : n;
}

/* ---- poll: the set is ours, and the kernel goes through all of it -------- */
#else
#include <poll.h>

const char *const ready_name = "poll";

struct ready {
    struct pollfd *pfds; /* in no order: the last one takes a place left */
    void **who;          /* of each of them */
    int n, max;
    int *place; /* of each descriptor in pfds */
    int nplaces;
    int next; /* where ready_wait() goes on to look: all get their turn */
};

struct ready *ready_new(void)
{
    return calloc(1, sizeof(struct ready));
}

void ready_free(struct ready *set)
{
    free(set->pfds);
    free(set->who);
    free(set->place);
    free(set);
}

static short events_of(int what)
{
    int events = 0;

    if (what & READY_READ)
        events |= POLLIN;
    if (what & READY_WRITE)
        events |= POLLOUT;
    return (short)events;
}

/* Room for one more descriptor. Returns 0, or -1: no memory. */
static int more_descriptors(struct ready *set)
{
    int max = set->max < 64 ? 64 : set->max * 2;
    struct pollfd *pfds = realloc(set->pfds, (size_t)max * sizeof *pfds);
    void **who;

    if (pfds == NULL)
        return -1;
    set->pfds = pfds;
    who = realloc(set->who, (size_t)max * sizeof *who);
    if (who == NULL)
        return -1;
    set->who = who;
    set->max = max;
    return 0;
}

/* Room for the place of fd. Returns 0, or -1: no memory. */
static int more_places(struct ready *set, int fd)
{
    int n = (fd + 1) * 2;
    int *place = realloc(set->place, (size_t)n * sizeof *place);

    if (place == NULL)
        return -1;
    set->place = place;
    set->nplaces = n;
    return 0;
}

int ready_add(struct ready *set, int fd, int what, void *who)
{
    if ((set->n == set->max && more_descriptors(set) < 0) ||
        (fd >= set->nplaces && more_places(set, fd) < 0))
        return -1;
    set->place[fd] = set->n;
    set->who[set->n] = who;
    set->pfds[set->n++] = (struct pollfd){ fd, events_of(what), 0 };
    return 0;
}

int ready_change(struct ready *set, int fd, int what, void *who)
{
    int at = set->place[fd];

    /* Where nothing is wanted, a negative number: poll(2) tells of a reset
     * even who has not asked. */
    set->pfds[at].fd = what != 0 ? fd : -fd - 1;
    set->pfds[at].events = events_of(what);
    set->who[at] = who;
    return 0;
}

void ready_close(struct ready *set, int fd)
{
    int at = set->place[fd], last = --set->n, moved = set->pfds[last].fd;

    set->pfds[at] = set->pfds[last];
    set->who[at] = set->who[last];
    set->place[moved < 0 ? -moved - 1 : moved] = at;
    close(fd);
}

static int told(const struct pollfd *pfd)
{
    int what = 0;

    if (pfd->revents & (POLLIN | POLLHUP | POLLERR | POLLNVAL))
        what |= READY_READ;
    if (pfd->revents & (POLLOUT | POLLHUP | POLLERR | POLLNVAL))
        what |= READY_WRITE;
    return what;
}

int ready_wait(struct ready *set, struct ready_event *events, int max,
               int timeout)
{
    int left = poll(set->pfds, (nfds_t)set->n, timeout), n = 0;

    for (int i = 0; i < set->n && n < max && n < left; i++) {
        set->next = set->next + 1 < set->n ? set->next + 1 : 0;
        int what = told(&set->pfds[set->next]);
        if (what != 0)
            events[n++] = (struct ready_event){ set->who[set->next], what };
    }
    return left < 0 && errno != EINTR ? -1 : n;
}
#endif

/* ---- For a server of many clients, with several loops -------------------- */

void ready_files(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max;
#ifdef OPEN_MAX /* setrlimit(2) of macOS: not more than that */
    if (limit.rlim_cur > OPEN_MAX)
        limit.rlim_cur = OPEN_MAX;
#endif
    setrlimit(RLIMIT_NOFILE, &limit);
}

/* A socket of IPv6 takes IPv4 too, or not, as that of lfd does. */
static void same_families(int fd, int lfd)
{
    int v6only = 0;
    socklen_t len = sizeof v6only;

    if (getsockopt(lfd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, &len) == 0)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof v6only);
}

/* lfd was bound without SO_REUSEPORT, so that it is noticed when another
 * server has the port; it gets it now. */
int ready_listen(int lfd)
{
    struct sockaddr_storage addr = { .ss_family = AF_UNSPEC };
    socklen_t len = sizeof addr;
    int on = 1;

    if (getsockname(lfd, (struct sockaddr *)&addr, &len) < 0)
        return -1;
    int fd = socket(addr.ss_family, SOCK_STREAM, 0);
    if (fd < 0)
        return -1;
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    same_families(fd, lfd);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (setsockopt(lfd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0 &&
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0 &&
        bind(fd, (struct sockaddr *)&addr, len) == 0 &&
        listen(fd, SOMAXCONN) == 0)
        return fd;
    close(fd);
    return -1;
}
