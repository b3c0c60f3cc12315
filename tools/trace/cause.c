/* Why did it go wrong? Known patterns, each with its sentence. */
#include "picture.h"

#include <stdlib.h>
#include <string.h>

void picture_mark(struct picture *p, struct event *e, const struct place *at)
{
    p->guilty = e;
    e->hidden = false;
    if (at == NULL)
        return;
    snprintf(p->mark, sizeof p->mark, "%.*s  %.70s",
             (int)strcspn(at->where, ","), at->where, at->source);
}

static const char *tell(struct picture *p, struct event *e, const char *format,
                        const char *more)
{
    static char text[600];
    struct place at;
    bool known = place_of(e, &at);
    size_t n;

    snprintf(text, sizeof text, "%s", event_text(e, 44));
    n = strlen(text);
    if (n > 6 && strcmp(text + n - 6, " waits") == 0)
        n -= 6;
    snprintf(text + n, sizeof text - n, format, more);
    n = strlen(text);
    if (known)
        snprintf(text + n, sizeof text - n, ": %s", at.where);
    picture_mark(p, e, known ? &at : NULL);
    return text;
}

/* The first send behind the i-th event to the same file, by that process; a B
 * if that one has no end: what it sends is unknown. */
static const struct event *next_send(const struct picture *p, int i)
{
    const struct event *e = p->event[i];

    for (int k = i + 1; k < p->events; k++) {
        const struct event *next = p->event[k];

        if (next->pid == e->pid && strcmp(next->id, e->id) == 0 &&
            is_send(next) && (next->kind == 'E' || next->end == NULL))
            return next;
    }
    return NULL;
}

/* Do both texts in quotes begin alike, as far as both go? */
static bool begin_alike(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);

    n = n < m ? n : m;
    return n > 1 && strncmp(a, b, n - 1) == 0;
}

/* Has it done with that file, or does it read, where nothing comes? Who waits
 * in poll(2) may send the rest yet. */
static bool sends_no_more(const struct picture *p, int i)
{
    const struct event *e = p->event[i];

    for (int k = i + 1; k < p->events; k++) {
        const struct event *next = p->event[k];

        if (next->pid == e->pid &&
            (next->kind == 'X' || (call_is(next, "close shutdown") &&
                                   strcmp(next->id, e->id) == 0)))
            return true;
        if (next->lane == e->lane && next->kind == 'B' && next->end == NULL &&
            is_receive(next))
            return true;
    }
    return false;
}

/* A write(2) that took a part, and nobody sent the rest. */
static const char *lost_rest(struct picture *p, int i)
{
    struct event *e = p->event[i];
    const struct event *next;
    char more[80];
    bool again;

    if (e->kind != 'E' || e->rest[0] == '\0' ||
        strchr("sup", e->id[0]) == NULL)
        return NULL;
    next = next_send(p, i);
    if (next != NULL ? next->data[0] == '\0' || begin_alike(next->data, e->rest)
                     : !sends_no_more(p, i))
        return NULL;
    again = next != NULL && begin_alike(next->data, e->data);
    snprintf(more, sizeof more, "%lld of %lld bytes, and the program %s",
             e->bytes, e->asked,
             again ? "sent all of them again" : "went on as if that were all");
    return tell(p, e, " took %s", more);
}

static bool asks_to_end(const struct event *e, int lane)
{
    return e->lane == lane && call_is(e, "signal") &&
           (strcmp(e->args, "SIGINT") == 0 || strcmp(e->args, "SIGTERM") == 0);
}

/* Was it interrupted by a signal that asks for the end? To go then is right. */
static bool is_asked_to_end(const struct picture *p, int i)
{
    const struct event *e = p->event[i];

    for (int k = i; k >= 0 && p->event[k]->at >= e->time - e->waited; k--)
        if (asks_to_end(p->event[k], e->lane))
            return true;
    for (int k = i; k < p->events && p->event[k]->at <= e->time; k++)
        if (asks_to_end(p->event[k], e->lane))
            return true;
    return false;
}

/* A call that a signal has interrupted, and that is not made again. */
static const char *interrupted(struct picture *p, int i)
{
    struct event *e = p->event[i];

    if (strcmp(e->error, "EINTR") != 0 || is_actor(e) || is_asked_to_end(p, i))
        return NULL;
    for (int k = i + 1; k < p->events; k++) {
        const struct event *next = p->event[k];

        if (next->lane != e->lane || call_is(next, "signal") ||
            next->kind == 'P')
            continue;
        if (next->kind == 'X' || (call_is(next, "close") &&
                                  strcmp(next->id, e->id) == 0))
            return tell(p, e, ", interrupted by a signal, was taken for a "
                              "failure%s", "");
        return NULL;
    }
    return NULL;
}

/* SIGPIPE has ended it: in the last write(2) that never returned, or what it
 * printed last. */
#define GONE ": the reader has gone, and SIGPIPE, which that raises, ends a " \
             "program that does not ignore it%s"
static const char *broken_pipe(struct picture *p)
{
    for (int i = p->events - 1; i >= 0; i--) {
        struct event *e = p->event[i];

        if (e->kind == 'B' && e->end == NULL && is_send(e) && !is_actor(e))
            return tell(p, e, GONE, "");
    }
    for (int i = p->events - 1; i >= 0; i--)
        if (p->event[i]->kind == 'P' && !is_actor(p->event[i]))
            return tell(p, p->event[i], GONE, "");
    return NULL;
}

static bool has_sent(const struct picture *p, const struct event *until)
{
    for (int i = 0; i < p->events; i++)
        if (p->event[i]->at < until->at && is_send(p->event[i]) &&
            strcmp(p->event[i]->id, until->id) == 0)
            return true;
    return false;
}

/* Is "within 2 c1..9 gets answer 200" about the client c3? */
static bool is_of_step(const char *step, const char *name)
{
    const char *end = strstr(step, " gets "), *at = end;
    size_t n = 0;

    while (at != NULL && at > step && at[-1] != ' ')
        at--;
    while (at != NULL && at + n < end && at[n] == name[n] &&
           (at[n] < '0' || at[n] > '9'))
        n++;
    return at != NULL && n > 0 &&
           (name[n] == '\0' || (name[n] >= '0' && name[n] <= '9'));
}

/* Its close(2) has reset the connection before the script had all. */
static const char *reset_by_close(struct picture *p, const char *step)
{
    for (int i = 0; i < p->arrows; i++) {
        const struct arrow *a = &p->arrow[i];

        if (a->kind == RESET && call_is(a->from, "close") &&
            !is_actor(a->from) && is_actor(a->to) && has_sent(p, a->from) &&
            is_of_step(step, a->to->program))
            return tell(p, a->from, " with input unread resets the connection, "
                                    "and what was sent may be lost%s", "");
    }
    return NULL;
}

/* Threads that nobody joins and that are not detached keep their stacks. */
static const char *kept_threads(struct picture *p)
{
    struct event *last = NULL;
    int n = 0, ended = 0, given_back = 0;
    char more[120];

    for (int i = 0; i < p->events; i++) {
        struct event *e = p->event[i];

        given_back += call_is(e, "join pthread_detach");
        ended += strcmp(e->call, "thread ends") == 0;
        if (e->kind == 'E' && call_is(e, "pthread_create") &&
            e->error[0] == '\0' && e->args[0] == '\0') {
            last = e;
            n++;
        }
    }
    if (n < 10 || ended < 10 || given_back > 0)
        return NULL;
    snprintf(more, sizeof more, "%d threads were started like this one, and "
                                "nobody joins or detaches them", n);
    return tell(p, last, ": %s", more);
}

static bool is_closed(const struct picture *p, const struct event *made)
{
    for (int i = 0; i < p->events; i++) {
        const struct event *e = p->event[i];

        if (e->at >= made->at && e->pid == made->pid && e != made &&
            strcmp(e->id, made->id) == 0 &&
            (call_is(e, "close") || (e->kind == 'B' && e->end == NULL)))
            return true;
    }
    return false;
}

/* Descriptors that accept(2) gave, that nobody waits at and nobody closes. */
static const char *kept_descriptors(struct picture *p)
{
    struct event *first = NULL;
    char more[120];
    int n = 0;

    for (int i = 0; i < p->events && n < 4; i++) {
        struct event *e = p->event[i];

        if (e->kind != 'E' || !call_is(e, "accept accept4") ||
            e->error[0] != '\0' || is_actor(e) || is_closed(p, e))
            continue;
        first = first == NULL ? e : first;
        n++;
    }
    if (n < 4)
        return NULL;
    snprintf(more, sizeof more, "%s, was never closed, and it is not the only "
                                "one", first->fd);
    return tell(p, first, ": this descriptor, %s", more);
}

/* The last print to stdout, with no fflush(3) behind it. What write(2) prints
 * goes at once, and all does behind a setvbuf(3). */
static const char *unflushed(struct picture *p)
{
    struct event *last = NULL;

    for (int i = 0; i < p->events; i++) {
        struct event *e = p->event[i];

        if (e->kind == 'X' && last != NULL && last->pid == e->pid)
            last = NULL; /* exit(3) flushes */
        if (e->kind != 'P' || strcmp(e->fd, "1") != 0 || is_actor(e))
            continue;
        if (call_is(e, "setvbuf setbuf setlinebuf"))
            return NULL;
        last = is_send(e) || call_is(e, "fflush") ? NULL : e;
    }
    if (last == NULL)
        return NULL;
    return tell(p, last, " is still in stdout's buffer, for want of "
                         "fflush(stdout)%s",
                "");
}

/* Another thread reads there too. */
static bool is_shared(const struct picture *p, const struct event *e)
{
    for (int i = 0; i < p->events; i++)
        if (p->event[i]->pid == e->pid && p->event[i]->tid != e->tid &&
            p->event[i]->at < e->at && is_receive(p->event[i]) &&
            strcmp(p->event[i]->id, e->id) == 0)
            return true;
    return false;
}

static bool is_read(const struct picture *p, const char *id)
{
    for (int i = 0; i < p->events; i++)
        if (is_receive(p->event[i]) && strcmp(p->event[i]->id, id) == 0)
            return true;
    return false;
}

/* Is that number among the descriptors of "[5 IN, 4 IN], 900 ms"? */
static bool has_number(const char *args, const char *fd)
{
    size_t n = strlen(fd);

    for (const char *at = args; (at = strstr(at, fd)) != NULL; at += n)
        if (at > args && strchr("[ ", at[-1]) != NULL &&
            strchr(" ,]", at[n]) != NULL)
            return true;
    return false;
}

/* Does a thread wait for it, before it reads? What epoll watches is unknown. */
static bool is_polled(const struct picture *p, const struct event *made)
{
    for (int i = 0; i < p->events; i++) {
        const struct event *e = p->event[i];

        if (e->pid != made->pid || e->at < made->at)
            continue;
        if (call_is(e, "epoll_wait epoll_pwait kevent") ||
            (call_is(e, "poll ppoll select pselect") &&
             has_number(e->args, made->fd)))
            return true;
    }
    return false;
}

/* Two threads serve one client, and another client has none. */
static const char *mixed_up(struct picture *p)
{
    const char *lost = NULL;

    for (int i = 0; i < p->events && lost == NULL; i++)
        if (p->event[i]->kind == 'E' && !is_actor(p->event[i]) &&
            call_is(p->event[i], "accept accept4") &&
            !is_read(p, p->event[i]->id) && !is_closed(p, p->event[i]) &&
            !is_polled(p, p->event[i]))
            lost = p->event[i]->fd;
    for (int i = 0; i < p->events && lost != NULL; i++)
        if (is_receive(p->event[i]) && !is_actor(p->event[i]) &&
            p->event[i]->id[0] == 's' && is_shared(p, p->event[i]))
            return tell(p, p->event[i], " is called in two threads, and in "
                                        "none for descriptor %s: each thread "
                                        "needs the value of its own", lost);
    return NULL;
}

/* Threads wait for each other: those of a right program do so too. */
static bool is_among_threads(const struct event *e)
{
    return call_is(e, "lock join") || strcmp(e->call, "cond wait") == 0;
}

/* A handler has taken the signal, and the call that it interrupted waits on. */
static const char *not_ended(struct picture *p)
{
    const struct event *signal = NULL;

    for (int i = 0; i < p->events; i++)
        if (call_is(p->event[i], "signal") && !is_actor(p->event[i]))
            signal = p->event[i];
    for (int i = 0; signal != NULL && i < p->events; i++) {
        struct event *e = p->event[i];

        if (e->lane == signal->lane && e->kind == 'B' && e->end == NULL &&
            !is_among_threads(e))
            return tell(p, e, ": a handler has taken %s, and this call waits on",
                        signal->args);
    }
    return NULL;
}

/* A thread of that process, but not this one, that waits in one of these to the
 * end; tid: which one, if not 0. */
static struct event *stuck(const struct picture *p, const struct event *other,
                           int tid)
{
    for (int i = 0; i < p->events; i++) {
        struct event *e = p->event[i];

        if (e->kind == 'B' && e->end == NULL && e->pid == other->pid &&
            e->lane != other->lane && (tid == 0 || e->tid == tid) &&
            is_among_threads(e) && !call_is(e, "join"))
            return e;
    }
    return NULL;
}

static const char *tell_stuck(struct picture *p, struct event *e,
                              const char *while_what)
{
    return tell(p, e,
                call_is(e, "lock")
                    ? " waits on: whoever has this lock keeps it, while %s"
                    : " waits on: nobody wakes this thread, while %s",
                while_what);
}

/* A client that no thread has taken up. */
static const char *unserved(struct picture *p)
{
    char text[80];

    for (int i = 0; i < p->events; i++) {
        struct event *e = p->event[i], *worker;

        if (e->kind != 'E' || is_actor(e) || !call_is(e, "accept accept4") ||
            e->error[0] != '\0' || is_read(p, e->id) || is_closed(p, e) ||
            is_polled(p, e) || (worker = stuck(p, e, 0)) == NULL)
            continue;
        snprintf(text, sizeof text, "the client of descriptor %s waits for one",
                 e->fd);
        return tell_stuck(p, worker, text);
    }
    return NULL;
}

/* pthread_join(3) of a thread that does not come to its end. */
static const char *not_joined(struct picture *p)
{
    for (int i = 0; i < p->events; i++) {
        struct event *e = p->event[i], *worker;

        if (e->kind == 'B' && e->end == NULL && call_is(e, "join") &&
            (worker = stuck(p, e, atoi(e->args))) != NULL)
            return tell_stuck(p, worker, "pthread_join(3) waits for its end");
    }
    return NULL;
}

static bool has_threads(const struct picture *p, int pid)
{
    int n = 0;

    for (int i = 0; i < p->lanes; i++)
        n += p->lane[i].pid == pid;
    return n > 1;
}

/* close(2) of a number that was closed already. A process without threads may
 * close all that there are, and does no harm. */
static const char *closed_twice(struct picture *p)
{
    for (int i = 0; i < p->events; i++) {
        struct event *e = p->event[i];

        if (e->kind == 'E' && call_is(e, "close") && !is_actor(e) &&
            strcmp(e->error, "EBADF") == 0 && has_threads(p, e->pid))
            return tell(p, e, ": it was closed already, and a moment later the "
                              "number may be another client's%s", "");
    }
    return NULL;
}

static const char *by_step(struct picture *p, const char *step)
{
    const char *text = NULL;

    if (strstr(step, "signal 13") != NULL)
        return broken_pipe(p);
    if (strstr(step, " ends") != NULL || strstr(step, " exits ") != NULL)
        return (text = not_joined(p)) != NULL ? text : not_ended(p);
    if (strstr(step, " as-before") != NULL) {
        text = kept_threads(p);
        return text != NULL ? text : kept_descriptors(p);
    }
    if (strstr(step, " gets ") != NULL &&
        (text = reset_by_close(p, step)) == NULL)
        text = mixed_up(p);
    if (strstr(step, " prints ") != NULL)
        text = unflushed(p);
    if (text == NULL &&
        (strstr(step, " gets ") != NULL || strstr(step, " prints ") != NULL))
        text = unserved(p);
    return text;
}

const char *picture_cause(struct picture *p, const char *step)
{
    const char *text = by_step(p, step);

    for (int i = 0; text == NULL && i < p->events; i++)
        if ((text = lost_rest(p, i)) == NULL)
            text = interrupted(p, i);
    if (text == NULL)
        text = closed_twice(p);
    return text != NULL ? text : "";
}
