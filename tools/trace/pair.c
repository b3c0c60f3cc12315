/* Which bytes are which: from what every socket sent and got to arrows. */
#include "picture.h"

#include <stdlib.h>
#include <string.h>

/* What one socket has sent: a call, and where in the stream it begins. */
struct chunk {
    struct event *by;
    long long from, bytes;
};

/* A socket or a pipe, by its id: it outlives its descriptors. */
struct end {
    const char *id, *local, *peer;
    struct end *other; /* itself: a pipe */
    struct chunk *chunk;
    int chunks;
    long long sent, got;
    struct event *connect, *closed;
    struct event **holder; /* of a pipe: an event of each process, the last */
    int holders;
    bool used; /* a connect(2) that has its accept(2), a datagram that came */
};

struct pairing {
    struct picture *p;
    struct end **end;
    int ends;
    struct chunk *datagram;
    int datagrams;
};

static struct end *end_of(struct pairing *w, const char *id)
{
    struct end *e;

    for (int i = w->ends - 1; i >= 0; i--)
        if (strcmp(w->end[i]->id, id) == 0)
            return w->end[i];
    e = grown(NULL, 1, sizeof *e);
    *e = (struct end){ .id = id, .local = "", .peer = "" };
    w->end = grown(w->end, w->ends + 1, sizeof *w->end);
    w->end[w->ends++] = e;
    return e;
}

static struct arrow *add_arrow(struct pairing *w, enum arrow_kind kind,
                               struct event *from, struct event *to)
{
    struct arrow *a;

    w->p->arrow = grown(w->p->arrow, w->p->arrows + 1, sizeof *a);
    a = &w->p->arrow[w->p->arrows];
    *a = (struct arrow){ .kind = kind, .from = from, .to = to };
    from->sent_on = true;
    if (to != NULL)
        to->arrow = w->p->arrows;
    w->p->arrows++;
    return a;
}

/* [::ffff:127.0.0.1]:80 is 127.0.0.1:80, ipv6(7). */
static void plain(char *out, size_t size, const char *address)
{
    static const char mapped[] = "[::ffff:";
    const char *bracket = strchr(address, ']');
    size_t n = sizeof mapped - 1;

    if (strncmp(address, mapped, n) == 0 && bracket != NULL)
        snprintf(out, size, "%.*s%s", (int)(bracket - address - (long)n),
                 address + n, bracket + 1);
    else
        snprintf(out, size, "%s", address);
}

/* The same place? An address that is not bound yet (0.0.0.0) is any. */
static bool same(const char *a, const char *b)
{
    char x[128], y[128];
    const char *px, *py;

    if (a[0] == '\0' || b[0] == '\0')
        return false;
    plain(x, sizeof x, a);
    plain(y, sizeof y, b);
    if (strcmp(x, y) == 0)
        return strcmp(x, "unix:") != 0;
    px = strrchr(x, ':');
    py = strrchr(y, ':');
    return (strncmp(x, "0.0.0.0:", 8) == 0 || strncmp(y, "0.0.0.0:", 8) == 0 ||
            strncmp(x, "[::]:", 5) == 0 || strncmp(y, "[::]:", 5) == 0) &&
           px != NULL && py != NULL && strcmp(px, py) == 0;
}

static void marry(struct end *a, struct end *b)
{
    a->other = b;
    b->other = a;
}

static void two_ends(struct pairing *w, struct event *e)
{
    if (e->id[0] != '\0' && e->id2[0] != '\0')
        marry(end_of(w, e->id), end_of(w, e->id2));
}

static void connects(struct pairing *w, struct event *e)
{
    struct end *end;

    if (e->error[0] != '\0' && strcmp(e->error, "EINPROGRESS") != 0 &&
        strcmp(e->error, "EINTR") != 0)
        return;
    end = end_of(w, e->id);
    end->local = e->local;
    end->peer = e->peer;
    end->connect = e;
}

/* The connect(2) that is at the other side: by addresses, or, of a Unix
 * socket's file, the first one that has no accept(2) yet. */
static void accepts(struct pairing *w, struct event *e)
{
    struct end *mine;
    bool is_unix = strncmp(e->local, "unix:", 5) == 0;

    if (e->error[0] != '\0' || e->id[0] == '\0')
        return;
    mine = end_of(w, e->id);
    for (int i = 0; i < w->ends; i++) {
        struct end *it = w->end[i];

        if (it->connect == NULL || it->used || it == mine ||
            !same(it->peer, e->local) ||
            (!is_unix && !same(it->local, e->peer)))
            continue;
        it->used = true;
        marry(mine, it);
        add_arrow(w, CONNECTION, it->connect, e);
        strcpy(w->p->arrow[w->p->arrows - 1].label, "connection");
        return;
    }
}

static void sends(struct pairing *w, struct event *e)
{
    struct end *end = end_of(w, e->id);

    end->chunk = grown(end->chunk, end->chunks + 1, sizeof *end->chunk);
    end->chunk[end->chunks++] = (struct chunk){ e, end->sent, e->bytes };
    end->sent += e->bytes;
}

/* The bytes [from, to) of other's stream: who wrote them? */
static void bytes_came(struct pairing *w, struct event *e, struct end *other,
                       long long from, long long to)
{
    struct chunk *last = NULL;
    struct arrow *a;
    int writes = 0;

    for (int i = 0; i < other->chunks; i++)
        if (other->chunk[i].from < to &&
            other->chunk[i].from + other->chunk[i].bytes > from) {
            last = &other->chunk[i];
            writes++;
        }
    if (last == NULL)
        return;
    a = add_arrow(w, BYTES, last->by, e);
    if (writes > 1)
        snprintf(a->label, sizeof a->label, "%lld B (%d writes)", e->bytes,
                 writes);
    else if (e->bytes < last->bytes)
        snprintf(a->label, sizeof a->label, "%lld of %lld B", e->bytes,
                 last->bytes);
    else
        snprintf(a->label, sizeof a->label, "%lld B", e->bytes);
}

/* Who holds a pipe, and when each one was last seen with it. */
static void holds(struct pairing *w, struct event *e)
{
    struct end *pipe = end_of(w, e->id);
    int i = 0;

    while (i < pipe->holders && pipe->holder[i]->pid != e->pid)
        i++;
    if (i == pipe->holders) {
        pipe->holder = grown(pipe->holder, i + 1, sizeof(struct event *));
        pipe->holders++;
    }
    pipe->holder[i] = e;
}

/* A pipe ends when the last other process that held it has let it go. */
static struct event *last_to_let_go(const struct end *pipe, int reader)
{
    struct event *last = NULL;

    for (int i = 0; i < pipe->holders; i++) {
        struct event *e = pipe->holder[i];

        if (e->pid != reader && (e->kind == 'X' || call_is(e, "close")) &&
            (last == NULL || e->at > last->at))
            last = e;
    }
    return last;
}

static void no_bytes(struct pairing *w, struct event *e, struct end *other)
{
    struct arrow *a;

    if (e->id[0] == 'p')
        other->closed = last_to_let_go(other, e->pid);
    if (other == NULL || other->closed == NULL)
        return;
    if (strcmp(e->error, "ECONNRESET") == 0 && e->fault[0] == '\0') {
        a = add_arrow(w, RESET, other->closed, e);
        strcpy(a->label, "RST");
    } else if (e->error[0] == '\0' && other->closed->pid != e->pid) {
        a = add_arrow(w, END_OF_FILE, other->closed, e);
        strcpy(a->label, "EOF");
    }
}

static void receives(struct pairing *w, struct event *e)
{
    struct end *mine = end_of(w, e->id);
    struct end *other = e->id[0] == 'p' ? mine : mine->other;

    if (e->error[0] != '\0' || e->bytes <= 0)
        no_bytes(w, e, other);
    else if (strstr(e->args, "MSG_PEEK") == NULL) {
        if (other != NULL)
            bytes_came(w, e, other, mine->got, mine->got + e->bytes);
        mine->got += e->bytes;
    }
}

static void datagram_leaves(struct pairing *w, struct event *e)
{
    w->datagram = grown(w->datagram, w->datagrams + 1, sizeof *w->datagram);
    w->datagram[w->datagrams++] = (struct chunk){ e, 0, e->bytes };
}

/* The oldest one from there to here with these bytes that has not come; from
 * says how often it came. */
static void datagram_comes(struct pairing *w, struct event *e)
{
    struct arrow *a;

    for (int i = 0; i < w->datagrams; i++) {
        struct chunk *d = &w->datagram[i];
        int copies = strcmp(d->by->fault, "twice") == 0 ? 2 : 1;

        if (!same(d->by->local, e->peer) || !same(d->by->peer, e->local) ||
            d->from >= copies || d->by->at > e->at || d->bytes != e->bytes ||
            strcmp(d->by->data, e->data) != 0)
            continue;
        d->from++;
        a = add_arrow(w, DATAGRAM, d->by, e);
        snprintf(a->label, sizeof a->label, "%lld B%s", e->bytes,
                 d->from == 2 ? " again" : "");
        return;
    }
}

/* One that was sent later than one that came later, from the same socket. */
static void datagrams_overtake(struct picture *p)
{
    for (int i = 0; i < p->arrows; i++)
        for (int k = i + 1; k < p->arrows; k++)
            if (p->arrow[i].kind == DATAGRAM && p->arrow[k].kind == DATAGRAM &&
                p->arrow[k].from->at < p->arrow[i].from->at &&
                strcmp(p->arrow[k].from->id, p->arrow[i].from->id) == 0 &&
                strstr(p->arrow[i].label, " over") == NULL)
                strcat(p->arrow[i].label, " overtook");
}

static bool somebody_is_at(const struct pairing *w, const char *address)
{
    for (int i = 0; i < w->p->events; i++)
        if (same(w->p->event[i]->local, address))
            return true;
    return false;
}

static void datagrams_lost(struct pairing *w)
{
    for (int i = 0; i < w->datagrams; i++) {
        struct event *e = w->datagram[i].by;

        if (w->datagram[i].from == 0 &&
            (strcmp(e->fault, "lost") == 0 || somebody_is_at(w, e->peer)))
            add_arrow(w, LOST, e, NULL);
    }
}

/* Its last descriptor is what ends a stream: the last one that we see. */
static void closes(struct pairing *w, struct event *e)
{
    if (call_is(e, "shutdown") && strstr(e->args, "SHUT_RD") != NULL &&
        strstr(e->args, "SHUT_RDWR") == NULL)
        return;
    if (e->id[0] != '\0')
        end_of(w, e->id)->closed = e;
}

/* The kernel closes what the process has left open. */
static void exits(struct pairing *w, struct event *e)
{
    for (int i = 0; i < w->ends; i++) {
        struct end *end = w->end[i];
        struct event *by = end->connect;

        if (by == NULL && end->chunks > 0)
            by = end->chunk[end->chunks - 1].by;
        if (by != NULL && by->pid == e->pid && end->closed == NULL)
            end->closed = e;
        for (int k = 0; k < end->holders; k++)
            if (end->holder[k]->pid == e->pid)
                end->holder[k] = e;
    }
}

static void step(struct pairing *w, struct event *e)
{
    bool datagram = e->id[0] == 'd' || e->id[0] == 'v';

    if (e->kind == 'X')
        exits(w, e);
    if (e->kind != 'E')
        return;
    if (e->id[0] == 'p')
        holds(w, e);
    if (call_is(e, "socketpair pipe pipe2"))
        two_ends(w, e);
    else if (call_is(e, "connect") && !datagram)
        connects(w, e);
    else if (call_is(e, "accept accept4"))
        accepts(w, e);
    else if (is_send(e) && e->error[0] == '\0' && e->id[0] != '\0')
        (datagram ? datagram_leaves : sends)(w, e);
    else if (is_receive(e) && e->id[0] != '\0') {
        if (!datagram)
            receives(w, e);
        else if (e->error[0] == '\0')
            datagram_comes(w, e);
    } else if (call_is(e, "close shutdown"))
        closes(w, e);
}

void picture_pair(struct picture *p)
{
    struct pairing w = { .p = p };

    for (int i = 0; i < p->events; i++)
        step(&w, p->event[i]);
    datagrams_overtake(p);
    datagrams_lost(&w);
    for (int i = 0; i < w.ends; i++) {
        free(w.end[i]->chunk);
        free(w.end[i]->holder);
        free(w.end[i]);
    }
    free(w.end);
    free(w.datagram);
}
