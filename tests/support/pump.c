/* One loop in which everything moves: programs' output, what sockets bring
 * and take. Whatever a step awaits, it awaits here. */
#include "peer.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { ACTORS_MAX = 4096,
       CHUNK = 65536,
       SAMPLE_MS = 15,
       SAMPLES = 4 };

struct actor *actors[ACTORS_MAX];
int actor_count;
double bound = 10, bound_most = 100;
double until;
const char *why_not = "";
uint64_t moved;

static const char stands[] = "and nothing more can come";

double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct actor *actor_find(const char *name)
{
    for (int i = 0; i < actor_count; i++)
        if (strcmp(actors[i]->name, name) == 0)
            return actors[i];
    return NULL;
}

struct actor *actor_need(const char *name)
{
    struct actor *a = actor_find(name);

    if (a == NULL)
        script_error("there is no %s", name);
    return a;
}

struct actor *actor_new(const char *name, enum kind kind)
{
    struct actor *a = actor_find(name);

    if (a != NULL)
        actor_drop(a);
    if (actor_count == ACTORS_MAX)
        script_error("too many actors");
    a = calloc(1, sizeof *a);
    if (a == NULL)
        script_error("out of memory");
    if (strlen(name) >= sizeof a->name)
        script_error("a name of more than %d bytes", NAME_MAX_LEN - 1);
    memcpy(a->name, name, strlen(name) + 1);
    a->kind = kind;
    a->fd = a->stdin_fd = a->stdout_fd = a->stderr_fd = a->status_fd = -1;
    actors[actor_count++] = a;
    return a;
}

void actor_drop(struct actor *a)
{
    if (a->kind == PROGRAM)
        program_end(a);
    if (a->fd != -1)
        close(a->fd);
    for (int i = 0; i < actor_count; i++)
        if (actors[i] == a)
            actors[i] = actors[--actor_count];
    bytes_free(&a->in);
    bytes_free(&a->out);
    bytes_free(&a->trickle);
    bytes_free(&a->head);
    bytes_free(&a->before);
    bytes_free(&a->body);
    bytes_free(&a->printed);
    bytes_free(&a->said);
    bytes_free(&a->status);
    free(a);
}

void actors_end(void)
{
    for (int i = 0; i < actor_count; i++)
        if (actors[i]->launcher > 0)
            kill(actors[i]->launcher, SIGTERM);
    for (int i = 0; i < actor_count; i++)
        if (actors[i]->kind == PROGRAM)
            program_end(actors[i]);
}

static bool sending(const struct actor *a)
{
    return a->out.n > a->sent;
}

/* Writes what the other side takes now. */
static void push(struct actor *a, int fd)
{
    ssize_t n;

    recording_begins();
    n = write(fd, a->out.p + a->sent, a->out.n - a->sent);
    if (n > 0) {
        if (fd == a->fd)
            record_call(a, "write", NULL, a->out.p + a->sent, n);
        a->sent += (size_t)n;
        moved++;
    } else if (n == -1 && errno != EAGAIN && errno != EINTR) {
        log_text("  %s cannot send: %s\n", a->name, strerror(errno));
        a->reset |= errno == ECONNRESET;
        a->sent = a->out.n; /* nobody will take it */
        bytes_free(&a->trickle);
    }
}

/* Who sends an answer in two parts, and has not said TCP_NODELAY, waits with
 * the second one until the first is acknowledged: that takes the kernel 40 ms,
 * unless it is told not to wait (tcp(7)). */
static void acknowledge(const struct actor *a)
{
#ifdef TCP_QUICKACK
    if (!a->local)
        setsockopt(a->fd, IPPROTO_TCP, TCP_QUICKACK, &(int){ 1 }, sizeof(int));
#else
    (void)a;
#endif
}

static void pull(struct actor *a)
{
    unsigned char buf[CHUNK];
    ssize_t n = recv(a->fd, buf, sizeof buf, 0);

    if (n > 0) {
        log_bytes(a->name, "got", buf, (size_t)n);
        record_call(a, "read", NULL, buf, n);
        bytes_add(&a->in, buf, (size_t)n);
        moved++;
        acknowledge(a);
    } else if (n == 0) {
        log_text("  %s got the end\n", a->name);
        record_call(a, "read", NULL, NULL, 0);
        a->eof = true;
    } else if (errno != EAGAIN && errno != EINTR) {
        log_text("  %s: %s\n", a->name, strerror(errno));
        record_call(a, "read", NULL, NULL, -1);
        a->reset = true;
    }
}

static void connected(struct actor *a)
{
    int err = 0;
    socklen_t len = sizeof err;

    getsockopt(a->fd, SOL_SOCKET, SO_ERROR, &err, &len);
    a->connecting = false;
    a->reset = err != 0;
}

static bool over(const struct actor *a)
{
    return a->eof || a->reset;
}

static int program_interest(const struct actor *a, struct pollfd *p)
{
    int n = 0;

    if (!a->unheard)
        p[n++] = (struct pollfd){ .fd = a->stdout_fd, .events = POLLIN };
    p[n++] = (struct pollfd){ .fd = a->stderr_fd, .events = POLLIN };
    p[n++] = (struct pollfd){ .fd = a->status_fd, .events = POLLIN };
    if (a->stdin_fd != -1 && sending(a))
        p[n++] = (struct pollfd){ .fd = a->stdin_fd, .events = POLLOUT };
    return n;
}

/* What this actor waits for now, as poll(2) wants to hear it. */
static int interest(const struct actor *a, struct pollfd *p)
{
    short events = 0;

    if (a->kind == PROGRAM)
        return program_interest(a, p);
    if (a->reading && !over(a))
        events = POLLIN;
    if (a->kind == STREAM && (sending(a) || a->connecting))
        events |= POLLOUT;
    if (events == 0 || a->reset)
        return 0;
    *p = (struct pollfd){ .fd = a->fd, .events = events };
    return 1;
}

static void move_program(struct actor *a)
{
    program_read(a);
    if (a->stdin_fd != -1 && sending(a))
        push(a, a->stdin_fd);
    if (a->stdin_ends && a->stdin_fd != -1 && !sending(a)) {
        close(a->stdin_fd);
        a->stdin_fd = -1;
    }
}

static void move_stream(struct actor *a)
{
    if (a->connecting)
        connected(a);
    if (sending(a))
        push(a, a->fd);
    if (a->reading && !over(a))
        pull(a);
}

static void move(struct actor *a)
{
    if (a->kind == PROGRAM)
        move_program(a);
    else if (a->kind == STREAM && a->fd != -1 && !a->reset)
        move_stream(a);
}

/* The next byte of who trickles, where it is time. Returns how long pump() may
 * wait then. */
static int trickle(struct actor *a, int ms)
{
    enum { APART_MS = 2 };

    if (a->trickle.n == 0 || a->connecting || a->reset)
        return ms;
    if (!sending(a) && now() >= a->next_trickle) {
        bytes_add(&a->out, a->trickle.p + a->trickled, 1);
        a->trickled = (a->trickled + 1) % a->trickle.n;
        a->next_trickle = now() + APART_MS / 1e3;
    }
    return ms < APART_MS ? ms : APART_MS;
}

/* A failing poll(2), EINTR too, is as one in which nothing came. */
void pump(int ms)
{
    static struct pollfd p[4 * ACTORS_MAX];
    static struct actor *who[4 * ACTORS_MAX];
    int n = 0, ready;

    for (int i = 0; i < actor_count; i++) {
        int k;

        ms = trickle(actors[i], ms);
        k = interest(actors[i], p + n);

        while (k-- > 0)
            who[n++] = actors[i];
    }
    ready = poll(p, (nfds_t)n, ms);
    for (int i = 0; i < n && ready > 0; i++)
        if (p[i].revents != 0 &&
            (i == 0 || who[i] != who[i - 1] || p[i - 1].revents == 0))
            move(who[i]);
}

/* Bytes that our side has sent and the other has not yet acknowledged. */
static bool in_flight(const struct actor *a)
{
#ifdef __linux__
    int n = 0;

    /* TIOCOUTQ is SIOCOUTQ of tcp(7), with no header of the kernel's */
    if (a->local) /* at once in the queue of the other side: unix(7) */
        return false;
    return a->kind == STREAM && a->fd != -1 && !a->reset &&
           (a->connecting ||
            (ioctl(a->fd, TIOCOUTQ, &n) == 0 && n > 0 && !sending(a)));
#else
    return a->connecting;
#endif
}

/* It has ended, and so have those whom it started and who could print. */
static bool program_is_done(const struct actor *a)
{
    return a->over && (a->stdout_fd == -1 || a->unheard) && a->stderr_fd == -1;
}

/* Can nothing more happen? True only if it is certain at this instant: all
 * programs under test wait without a limit, or one that ends later than this
 * step, and nothing is on its way. */
static bool nothing_moves(uint64_t *signature)
{
    *signature = moved; /* a byte that moved starts a proof anew */
    for (int i = 0; i < actor_count; i++)
        if (in_flight(actors[i]) || actors[i]->trickle.n > 0)
            return false;
    for (int i = 0; i < actor_count; i++)
        if (actors[i]->kind == PROGRAM && !program_is_done(actors[i]) &&
            (!actors[i]->started || !proc_stuck(actors[i], signature)))
            return false;
    return true;
}

/* The same standstill, seen several times in a row, is a proof. */
struct standstill {
    double next;
    uint64_t signature;
    int seen;
};

static bool stands_still(struct standstill *s, double t)
{
    uint64_t signature;

    if (t < s->next)
        return false;
    if (!nothing_moves(&signature))
        s->seen = 0;
    else
        s->seen = s->seen > 0 && s->signature == signature ? s->seen + 1 : 1;
    s->signature = signature;
    if (s->seen >= SAMPLES && proc_net_moves())
        s->seen = SAMPLES - 1; /* else complete: the next sample decides */
    s->next = now() + SAMPLE_MS / 1e3;
    return s->seen >= SAMPLES;
}

bool await(bool (*done)(struct actor *), struct actor *a)
{
    static char late[64];
    double start = now(), t;
    struct standstill s = { .next = start + SAMPLE_MS / 1e3 };

    until = start + bound;
    snprintf(late, sizeof late, "for %g s", bound);
    why_not = late;
    for (;;) {
        pump(0);
        if (done(a))
            return true;
        t = now();
        if (t - start > bound || t - start > bound_most)
            return false;
        if (stands_still(&s, t)) {
            pump(0);
            why_not = stands;
            return done(a);
        }
        pump(t - start < 0.05 ? 5 : SAMPLE_MS / 2);
    }
}

static bool never(struct actor *a)
{
    (void)a;
    return false;
}

bool idle(double seconds)
{
    double before = bound;

    bound = seconds;
    await(never, NULL);
    bound = before;
    return why_not == stands;
}

static unsigned long switches(bool *asleep)
{
    unsigned long n = 0;

    *asleep = true;
    for (int i = 0; i < actor_count; i++)
        if (actors[i]->kind == PROGRAM && !actors[i]->over) {
            n += proc_switches(actors[i]);
            *asleep = *asleep && proc_asleep(actors[i]);
        }
    return n;
}

/* Paces the script, proves nothing: waits until all threads have slept for a
 * while, be it in calls with a time limit, at most for so many seconds. */
void rest(double seconds)
{
    double start = now();
    unsigned long last = 0;

    for (int seen = 0; seen < SAMPLES && now() - start < seconds;) {
        bool asleep;
        unsigned long n;

        for (double end = now() + SAMPLE_MS / 1e3; now() < end;)
            pump(5);
        n = switches(&asleep);
        seen = asleep && n == last ? seen + 1 : 0;
        last = n;
    }
}

/* Paces the script, proves nothing: lets the programs look at what has come
 * before more comes. */
void settle(void)
{
    double end = now() + 0.03;
    bool asleep;
    unsigned long before = switches(&asleep), last = before;

    while (now() < end) {
        pump(1);
        before = switches(&asleep);
        if (asleep && before == last)
            return;
        last = before;
    }
}
