/* Two runs of one check, a wrong program's and a right one's: where do they
 * part? Thread by thread, what each did is a list of items, so made that two right
 * runs of the same program have the same ones: how many bytes came at a time,
 * what a poll(2) found and which numbers the system gave do not count. */
#include "picture.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { KEY = 1500 };

/* One act; several writes, or prints, to one place are one: how they were cut
 * does not count. */
struct item {
    struct event **e;
    int n;
    long long bytes;
    char *key;
    unsigned seen; /* what it did before this one that is no item */
};

enum { RECEIVED = 1,
       POLLED = 2,
       OTHER = 4 };

struct list {
    struct item *item;
    int n;
    unsigned seen;
    const char *program; /* that it began with */
    bool over;           /* it has become another program */
    bool taken;
};

/* How long the time of day is that text begins with: 17:26:15. */
static size_t clock_length(const char *text)
{
    int n = 0;

    sscanf(text, "%*2[0-9]:%*2[0-9]:%*2[0-9]%n", &n);
    return (size_t)n;
}

/* Adds text; a number of four digits or more is the system's: a port, a pid.
 * So is a time of day. */
static void add_text(char *key, const char *text)
{
    size_t n = strlen(key);

    while (*text != '\0' && n + 2 < KEY) {
        size_t digits = strspn(text, "0123456789"), time = clock_length(text);

        if (time > 0) {
            key[n++] = '#';
            text += time;
        } else if (digits >= 4) {
            key[n++] = '#';
            text += digits;
        } else
            key[n++] = *text++;
    }
    key[n] = '\0';
}

/* The data without its quotes, behind what is there. */
static void add_data(char *key, const char *data)
{
    char text[256];
    size_t n = strlen(data);

    if (n < 2)
        return;
    snprintf(text, sizeof text, "%.*s", (int)(n - 2), data + 1);
    add_text(key, text);
}

static bool words_count; /* on stderr: the step is about them */

/* Prints to stderr, in words that are free, but for a failure's: those begin
 * with the program's name. */
static bool is_free(const struct event *e)
{
    size_t n = strlen(e->program);

    if (e->kind != 'P' || strcmp(e->fd, "2") != 0 || words_count)
        return false;
    return e->data[0] == '\0' ||
           strncmp(e->data + 1, e->program, n) != 0 || e->data[n + 1] != ':';
}

/* What an answer says behind its status line is mostly free. */
static bool answers_count;

static bool is_answer(const char *key)
{
    return strncmp(key, "send HTTP/1.", strlen("send HTTP/1.")) == 0;
}

static void put_sent(char *key, const struct event *e)
{
    const char *end = strstr(e->data, "\\r");
    bool begins = strncmp(e->data, "\"HTTP/1.", 8) == 0;
    char status[64];

    if (answers_count || (!begins && !is_answer(key))) {
        add_data(key, e->data);
    } else if (begins) {
        snprintf(status, sizeof status, "%.*s\"",
                 end != NULL ? (int)(end - e->data) : 60, e->data);
        add_data(key, status);
    }
}

/* What the event says, behind what those before it have. */
static void put_words(char *key, const struct event *e)
{
    if (is_send(e) && e->kind != 'P')
        put_sent(key, e);
    else if (!is_free(e))
        add_data(key, e->data);
}

/* Read or recv, accept or accept4: the same act. */
static const char *act(const struct event *e)
{
    if (is_receive(e))
        return "receive";
    if (is_send(e))
        return "send";
    if (call_is(e, "accept accept4"))
        return "accept";
    if (call_is(e, "wait waitpid wait3 wait4 waitid"))
        return "wait";
    if (call_is(e, "fork posix_spawn posix_spawnp"))
        return "fork";
    return e->call;
}

/* What another run of the same program may do otherwise. */
static bool is_chance(const struct event *e)
{
    if (e->kind == 'B')
        return e->end != NULL;
    return e->kind == 'Z' ||
           (e->kind == 'P' && call_is(e, "fflush setvbuf setbuf setlinebuf")) ||
           (strcmp(e->error, "EAGAIN") == 0 &&
            (is_receive(e) || is_send(e) || call_is(e, "accept accept4"))) ||
           (e->kind == 'E' && is_receive(e) && e->bytes > 0) ||
           call_is(e, "poll ppoll select pselect epoll_wait epoll_pwait lock "
                      "join") ||
           strcmp(e->call, "cond wait") == 0;
}

static void put_args(char *key, const struct event *e)
{
    const char *args = e->args;
    size_t n = strlen(e->fd);

    if (n > 0 && strncmp(args, e->fd, n) == 0)
        args += n;
    add_text(key, args);
}

static void make_key(const struct event *e, char *key)
{
    snprintf(key, KEY, "%s ", e->kind == 'P' ? "print" : act(e));
    if (e->kind == 'B')
        return;
    if (e->kind == 'P') {
        add_text(key, e->fd);
        add_text(key, " ");
        put_words(key, e);
    } else if (e->kind == 'X')
        snprintf(key, KEY, "exit %lld", e->result);
    else if (e->error[0] != '\0')
        add_text(key, e->error);
    else if (is_receive(e))
        add_text(key, "EOF");
    else if (is_send(e))
        put_words(key, e);
    else if (!call_is(e, "socket accept accept4 wait waitpid pipe pipe2 close"))
        put_args(key, e);
}

static bool joins(const struct list *l, const struct event *e)
{
    const struct event *last = l->n > 0 ? l->item[l->n - 1].e[0] : NULL;

    if (last == NULL || last->kind != e->kind || e->error[0] != '\0' ||
        last->error[0] != '\0')
        return false;
    if (e->kind == 'P')
        return strcmp(last->fd, e->fd) == 0 && is_free(last) == is_free(e);
    return e->kind == 'E' && is_send(e) && is_send(last) &&
           strcmp(last->id, e->id) == 0 && strchr("dv", e->id[0]) == NULL;
}

static void add_item(struct list *l, struct event *e)
{
    struct item *item;

    if (joins(l, e)) {
        item = &l->item[l->n - 1];
        put_words(item->key, e);
    } else {
        l->item = grown(l->item, l->n + 1, sizeof *l->item);
        item = &l->item[l->n++];
        *item = (struct item){ .key = grown(NULL, KEY, 1), .seen = l->seen };
        l->seen = 0;
        make_key(e, item->key);
    }
    item->e = grown(item->e, item->n + 1, sizeof *item->e);
    item->e[item->n++] = e;
    item->bytes += e->bytes;
}

static unsigned kind_of(const struct event *e)
{
    if (e->kind == 'P')
        return 0;
    return is_receive(e)                                     ? RECEIVED
           : call_is(e, "lock join") || strchr(e->call, ' ') ? OTHER
                                                             : POLLED;
}

/* execve(2), or the start: what a child runs that is no longer the program under
 * test (20's commands) does not count. */
static void become(const struct picture *p, struct list *l,
                   const struct event *e)
{
    int parent = p->lane[e->lane].parent;
    struct list *own = &l[e->lane];

    if (own->program == NULL && parent >= 0)
        own->program = l[parent].program;
    if (own->program == NULL)
        own->program = e->program;
    own->over = strcmp(own->program, e->program) != 0;
}

/* The lists of all threads, by their order of birth. */
static struct list *lists_of(const struct picture *p)
{
    struct list *l = grown(NULL, p->lanes + 1, sizeof *l);

    memset(l, 0, (size_t)(p->lanes + 1) * sizeof *l);
    for (int i = 0; i < p->events; i++) {
        struct event *e = p->event[i];

        if (is_actor(e))
            continue;
        if (e->kind == 'S') {
            become(p, l, e);
        } else if (!l[e->lane].over && !is_chance(e))
            add_item(&l[e->lane], e);
        else
            l[e->lane].seen |= kind_of(e);
    }
    return l;
}

/* The next lane, from i on, that the script has started itself; or how many
 * lanes there are. */
static int next_root(const struct picture *p, int i)
{
    while (i < p->lanes &&
           (is_actor(p->lane[i].first) || p->lane[i].parent >= 0))
        i++;
    return i;
}

static bool same(const struct item *a, const struct item *b)
{
    return strcmp(a->key, b->key) == 0 &&
           (a->bytes == b->bytes || !is_send(a->e[0]) || is_free(a->e[0]) ||
            (is_answer(a->key) && !answers_count));
}

/* A call that still waits when the recording ends may have come to what the
 * other one has: that one has made the same call. */
static bool only_waits(const struct item *a, const struct item *b)
{
    return a->e[0]->kind == 'B' && (strcmp(act(a->e[0]), act(b->e[0])) == 0 ||
                                    (kind_of(a->e[0]) & b->seen) != 0);
}

/* How many items are the same; all of the shorter list's: no difference. */
static int common(const struct list *ours, const struct list *theirs)
{
    int k = 0;

    while (k < ours->n && k < theirs->n &&
           same(&ours->item[k], &theirs->item[k]))
        k++;
    return k;
}

static bool differs(const struct list *ours, const struct list *theirs, int k)
{
    return k < ours->n && k < theirs->n &&
           !(k == theirs->n - 1 && theirs->item[k].e[0]->kind == 'B') &&
           !only_waits(&ours->item[k], &theirs->item[k]);
}

static bool is_earlier(const struct parting *a, const struct parting *b)
{
    if (b->ours == NULL || a->weak != b->weak)
        return b->ours == NULL || b->weak;
    return a->ours->at < b->ours->at;
}

/* The event of item whose data holds the byte at this place of its key; -1:
 * that is behind them all. */
static int event_at(const struct item *item, size_t place)
{
    char key[KEY];

    make_key(item->e[0], key);
    for (int i = 0; i < item->n; i++) {
        if (i > 0)
            put_words(key, item->e[i]);
        if (strlen(key) > place)
            return i;
    }
    return -1;
}

static size_t first_other(const char *a, const char *b)
{
    size_t n = 0;

    while (a[n] != '\0' && a[n] == b[n])
        n++;
    return n;
}

/* Where do two that say the same write more or less: -1 behind their end. */
static void part_by_length(const struct item *a, const struct item *b, int *i,
                           int *j)
{
    int k = 0;

    while (k < a->n && k < b->n && a->e[k]->bytes == b->e[k]->bytes)
        k++;
    *i = k < a->n ? k : -1;
    *j = k < b->n ? k : -1;
}

/* Both print, or write: where in it do they part? Beyond the end of one of
 * them it is what that one did next; false: ours has come no further. */
static bool part_within(const struct list *ours, const struct list *theirs,
                        int k, struct parting *w)
{
    const struct item *a = &ours->item[k], *b = &theirs->item[k];
    size_t place = first_other(a->key, b->key);
    int i = event_at(a, place), j = event_at(b, place);

    if (i < 0 && j < 0) /* the same, as far as it is recorded: more, or less */
        part_by_length(a, b, &i, &j);
    if (i > 0)
        w->before = a->e[i - 1];
    if (i >= 0)
        w->ours = a->e[i];
    else if (k + 1 < ours->n && j >= 0) {
        w->before = a->e[a->n - 1];
        w->ours = ours->item[k + 1].e[0];
    } else if (j >= 0)
        return false;
    if (j >= 0)
        w->theirs = b->e[j];
    else if (k + 1 < theirs->n && i >= 0)
        w->theirs = theirs->item[k + 1].e[0];
    return true;
}

static void part_at(const struct list *ours, const struct list *theirs, int k,
                    struct parting *first)
{
    const struct item *a = &ours->item[k], *b = &theirs->item[k];
    struct parting w = { .ours = a->e[0], .theirs = b->e[0] };

    if (k > 0)
        w.before = ours->item[k - 1].e[ours->item[k - 1].n - 1];
    if (a->e[0]->kind == b->e[0]->kind &&
        strcmp(act(a->e[0]), act(b->e[0])) == 0 &&
        (a->e[0]->kind == 'P' || is_send(a->e[0])) &&
        !part_within(ours, theirs, k, &w))
        return;
    w.weak = w.ours->kind == 'B' && !call_is(w.ours, "accept accept4 join");
    if (is_earlier(&w, first))
        *first = w;
}

/* Threads and children that do the same work come in any order: each goes
 * with the one that is most like it. */
static struct list *most_like(const struct list *one, struct list *theirs,
                              const struct picture *right)
{
    struct list *best = NULL;
    int most = -1;

    for (int i = 0; i < right->lanes; i++) {
        int k = common(one, &theirs[i]);

        if (theirs[i].taken || theirs[i].n == 0 || right->lane[i].parent < 0)
            continue;
        if (k == one->n || (k < theirs[i].n && only_waits(&one->item[k],
                                                          &theirs[i].item[k])))
            k += KEY; /* nothing is otherwise */
        if (k > most) {
            most = k;
            best = &theirs[i];
        }
    }
    if (best != NULL)
        best->taken = true;
    return best;
}

static void compare(const struct list *ours, const struct list *theirs,
                    struct parting *first)
{
    int k = theirs != NULL ? common(ours, theirs) : 0;

    if (theirs != NULL && differs(ours, theirs, k))
        part_at(ours, theirs, k, first);
}

static void add(char *out, size_t size, const char *before,
                const struct event *e, const struct place *at, bool its)
{
    size_t n = strlen(out);

    snprintf(out + n, size - n, "%s%s", before, event_text(e, 44));
    n = strlen(out);
    if (at != NULL && its)
        snprintf(out + n, size - n, " (its %.*s)",
                 (int)strcspn(at->where, ","), at->where);
    else if (at != NULL)
        snprintf(out + n, size - n, " (%s)", at->where);
}

static void find_parting(const struct picture *p, const struct picture *right,
                         struct parting *part)
{
    struct list *ours = lists_of(p), *theirs = lists_of(right);

    *part = (struct parting){ .ours = NULL };
    for (int i = next_root(p, 0), k = next_root(right, 0);
         i < p->lanes && k < right->lanes;
         i = next_root(p, i + 1), k = next_root(right, k + 1))
        compare(&ours[i], &theirs[k], part);
    for (int i = 0; i < p->lanes; i++)
        if (ours[i].n > 0 && p->lane[i].parent >= 0)
            compare(&ours[i], most_like(&ours[i], theirs, right), part);
}

/* Answers with all that is in them count where nothing else differs. */
const char *picture_difference(struct picture *p, const struct picture *right,
                               const char *step, struct parting *part)
{
    static char text[700];
    struct place at, there;
    bool known;

    words_count = strstr(step, " says ") != NULL ||
                  strstr(step, " usage") != NULL ||
                  strstr(step, " ready") != NULL;
    answers_count = false;
    find_parting(p, right, part);
    if (part->ours == NULL) {
        answers_count = true;
        find_parting(p, right, part);
    }
    text[0] = '\0';
    if (part->ours == NULL)
        return text;
    if (part->before != NULL)
        add(text, sizeof text, "after ", part->before,
            place_of(part->before, &at) ? &at : NULL, false);
    known = place_of(part->ours, &at);
    add(text, sizeof text, text[0] == '\0' ? "yours: " : ", yours: ",
        part->ours, known ? &at : NULL, false);
    add(text, sizeof text, "; the solution: ", part->theirs,
        place_of(part->theirs, &there) ? &there : NULL, true);
    picture_mark(p, part->ours, known ? &at : NULL);
    return text;
}
