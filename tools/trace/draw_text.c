/* The ladder in a terminal: two sides, a row a call, the arrows between. */
#include "picture.h"

#include <stdlib.h>
#include <string.h>

enum { TIME = 9 };

struct drawing {
    struct picture *p;
    FILE *out; /* one line, in memory */
    const struct style *style;
    FILE *to;
    char *line;
    size_t n;
    int rows, skip;   /* skip: so many are not shown */
    int stop, guilty; /* the row that ends it (0: none); the marked one */
    int side, gutter; /* columns */
};

/* A row, before it is printed: a receive may still join its send's row. */
struct row {
    struct event *e[2]; /* what stands on each side, or NULL */
    struct arrow *arrow;
    long long at;
};

/* Ends the line, without the spaces at its end. */
static void new_line(struct drawing *d)
{
    fflush(d->out);
    while (d->n > 0 && d->line[d->n - 1] == ' ')
        d->n--;
    if (d->rows++ >= d->skip && d->to != NULL &&
        (d->stop == 0 || d->rows <= d->stop))
        fprintf(d->to, "%.*s\n", (int)d->n, d->line);
    rewind(d->out);
}

static void colour(const struct drawing *d, const char *code)
{
    if (d->style->colour)
        fprintf(d->out, "\033[%sm", code);
}

static void spaces(const struct drawing *d, int n)
{
    fprintf(d->out, "%*s", n > 0 ? n : 0, "");
}

static void repeat(const struct drawing *d, const char *unicode, char ascii,
                   int n)
{
    while (n-- > 0)
        if (d->style->ascii)
            fputc(ascii, d->out);
        else
            fputs(unicode, d->out);
}

/* All of a side's lanes wait: a dotted bar; nobody is there: none. */
static void bar(const struct drawing *d, enum side side, long long at)
{
    int alive = 0, waiting = 0;

    for (int i = 0; i < d->p->lanes; i++) {
        const struct lane *l = &d->p->lane[i];

        if (!l->shown || l->side != side || l->first->at > at ||
            (l->exit != NULL && l->exit->at < at))
            continue;
        alive++;
        waiting += l->until > at;
    }
    if (alive == 0)
        fputc(' ', d->out);
    else if (waiting == alive) {
        colour(d, "33");
        repeat(d, "┊", ':', 1);
        colour(d, "0");
    } else
        repeat(d, "│", '|', 1);
}

static const char *arrow_colour(const struct arrow *a)
{
    switch (a->kind) {
    case RESET:
    case LOST:
        return "31";
    case CONNECTION:
        return "36";
    default:
        return "32";
    }
}

/* Half of the gutter, then a cross: it does not arrive. */
static void lost_arrow(const struct drawing *d, bool left)
{
    int half = d->gutter / 2;

    spaces(d, left ? d->gutter - half - 1 : 0);
    repeat(d, "✗", 'X', left);
    repeat(d, "─", '-', half);
    repeat(d, "✗", 'X', !left);
    spaces(d, left ? 0 : d->gutter - half - 1);
}

/* ◀── label ── to the left, or ── label ──▶ to the right, in the gutter. */
static void arrow(const struct drawing *d, const struct arrow *a, bool left)
{
    int room = d->gutter - (int)strlen(a->label) - 2;

    colour(d, arrow_colour(a));
    if (a->kind == LOST)
        lost_arrow(d, left);
    else {
        repeat(d, "◀", '<', left);
        repeat(d, "─", '-', room / 2 - left);
        fprintf(d->out, " %s ", a->label);
        repeat(d, "─", '-', room - room / 2 - !left);
        repeat(d, "▶", '>', !left);
    }
    colour(d, "0");
}

static void half(const struct drawing *d, const struct event *e, enum side side)
{
    const char *tag, *text;
    int room, n;

    if (e == NULL) {
        spaces(d, side == LEFT ? d->side : 0);
        return;
    }
    tag = d->p->lane[e->lane].tag;
    room = d->side - (int)strlen(tag) - (tag[0] != '\0');
    text = event_text(e, room);
    n = (int)strlen(text) + d->side - room;
    spaces(d, side == LEFT ? d->side - n : 0);
    colour(d, "2");
    fprintf(d->out, "%s%s", tag, tag[0] != '\0' ? " " : "");
    colour(d, "0");
    if (e->fault[0] != '\0' || e->error[0] != '\0')
        colour(d, "31");
    else if (e->kind == 'B')
        colour(d, "33");
    fputs(text, d->out);
    colour(d, "0");
}

/* Below a row: for how long the call that has just ended had waited. */
static void waited(struct drawing *d, const struct event *e,
                   enum side side, long long at)
{
    char text[40];
    int n = snprintf(text, sizeof text, "(waited %lld ms)",
                     e->waited / 1000000);

    spaces(d, TIME + 1 + (side == LEFT ? d->side - n : d->side));
    colour(d, "2");
    if (side == LEFT)
        fputs(text, d->out);
    colour(d, "0");
    fputc(' ', d->out);
    bar(d, LEFT, at);
    spaces(d, d->gutter);
    bar(d, RIGHT, at);
    colour(d, "2");
    if (side == RIGHT)
        fprintf(d->out, " %s", text);
    colour(d, "0");
    new_line(d);
}

/* Below the row of the guilty call: its place in the source. */
static void mark(struct drawing *d, enum side side)
{
    const char *text = d->p->mark;
    int n = (int)strlen(text), all = d->style->width - TIME - 3;
    int at = side == LEFT ? d->side - n - 2 : d->side + d->gutter + 3;

    if (at + n > all)
        at = all - n;
    spaces(d, TIME + 1 + (at > 0 ? at : 0));
    colour(d, "1;31");
    repeat(d, "▲", '^', 1);
    fprintf(d->out, " %.*s", all, text);
    colour(d, "0");
    new_line(d);
}

static bool was_long(const struct event *e)
{
    return e != NULL && e->kind == 'E' && e->begin != NULL &&
           e->waited >= LONG_WAIT;
}

static void print(struct drawing *d, const struct row *r)
{
    if (r->e[LEFT] == NULL && r->e[RIGHT] == NULL)
        return;
    colour(d, "2");
    fprintf(d->out, "%*s ", TIME, milliseconds(r->at));
    colour(d, "0");
    half(d, r->e[LEFT], LEFT);
    fputc(' ', d->out);
    bar(d, LEFT, r->at);
    if (r->arrow != NULL)
        arrow(d, r->arrow, d->p->lane[r->arrow->from->lane].side == RIGHT);
    else
        spaces(d, d->gutter);
    bar(d, RIGHT, r->at);
    if (r->e[RIGHT] != NULL)
        fputc(' ', d->out);
    half(d, r->e[RIGHT], RIGHT);
    new_line(d);
    for (int side = LEFT; side <= RIGHT; side++)
        if (r->e[side] != NULL && r->e[side] == d->p->guilty) {
            d->guilty = d->rows;
            if (d->p->mark[0] != '\0')
                mark(d, (enum side)side);
        }
    for (int side = LEFT; side <= RIGHT; side++)
        if (was_long(r->e[side]))
            waited(d, r->e[side], (enum side)side, r->at);
}

static struct arrow *arrow_to(struct picture *p, const struct event *e)
{
    struct arrow *a = e->arrow >= 0 ? &p->arrow[e->arrow] : NULL;

    if (a != NULL && p->lane[a->from->lane].side == p->lane[e->lane].side)
        return NULL; /* both on one side */
    return a;
}

static struct arrow *lost(struct picture *p, const struct event *e)
{
    for (int i = 0; e->sent_on && i < p->arrows; i++)
        if (p->arrow[i].from == e && p->arrow[i].kind == LOST)
            return &p->arrow[i];
    return NULL;
}

/* Can e stand in the row of the call that it answers? */
static bool joins(const struct drawing *d, const struct row *r,
                  const struct event *e, const struct arrow *a)
{
    enum side side = d->p->lane[e->lane].side;

    return a != NULL && r->arrow == NULL && r->e[side] == NULL &&
           r->e[1 - side] == a->from && !was_long(a->from);
}

/* The next process of a side from this lane on, or how many lanes there are. */
static int process_from(const struct drawing *d, enum side side, int lane)
{
    for (; lane < d->p->lanes; lane++) {
        const struct lane *l = &d->p->lane[lane];

        if (l->shown && l->side == side && l->pid == l->tid)
            break;
    }
    return lane;
}

/* The number that a name ends with, and how long it is before that: [c12]. */
static int number_in(const char *name, size_t *before)
{
    size_t n = strlen(name);

    *before = n > 0 && name[n - 1] == ']' ? n - 1 : n;
    while (*before > 0 && name[*before - 1] >= '0' && name[*before - 1] <= '9')
        --*before;
    return *before + 1 < n ? atoi(name + *before) : -1;
}

static bool follows(const char *a, const char *b)
{
    size_t n, m;
    int first = number_in(a, &n), second = number_in(b, &m);

    return first >= 0 && second == first + 1 && n == m &&
           strncmp(a, b, n) == 0;
}

/* The name of the process in *lane, which moves to the next one. Three or more
 * in a row are told as one: [c1..30]. */
static void name_of_some(const struct drawing *d, enum side side, int *lane,
                         char *out, size_t size)
{
    const struct picture *p = d->p;
    int last = *lane, next, n = 1;
    size_t before;

    while ((next = process_from(d, side, last + 1)) < p->lanes &&
           follows(lane_name(p, last), lane_name(p, next))) {
        last = next;
        n++;
    }
    snprintf(out, size, "%s", lane_name(p, *lane));
    if (n >= 3) {
        number_in(lane_name(p, last), &before);
        snprintf(out + strlen(out) - 1, size - strlen(out), "..%s",
                 lane_name(p, last) + before);
    }
    *lane = process_from(d, side, (n >= 3 ? last : *lane) + 1);
}

/* The processes of a side from *lane on, as many as stand in a line. */
static void names(const struct drawing *d, enum side side, int *lane,
                  char *out, size_t size)
{
    char name[128];

    out[0] = '\0';
    *lane = process_from(d, side, *lane);
    while (*lane < d->p->lanes) {
        int next = *lane;
        size_t used = strlen(out);

        name_of_some(d, side, &next, name, sizeof name);
        if (used > 0 && used + 2 + strlen(name) > (size_t)d->side)
            return;
        snprintf(out + used, size - used, "%s%s", used > 0 ? "  " : "", name);
        *lane = next;
    }
}

static void heading(struct drawing *d)
{
    char left[128], right[128];
    int at[2] = { 0, 0 };

    for (bool first = true;; first = false) {
        names(d, LEFT, &at[LEFT], left, sizeof left);
        names(d, RIGHT, &at[RIGHT], right, sizeof right);
        if (left[0] == '\0' && right[0] == '\0')
            return;
        fprintf(d->out, "%*s ", TIME, first ? "ms" : "");
        colour(d, "1");
        fprintf(d->out, "%*.*s  ", d->side, d->side, left);
        spaces(d, d->gutter + 2);
        fprintf(d->out, "%.*s", d->side, right);
        colour(d, "0");
        new_line(d);
    }
}

static void say(const char *line, void *arg)
{
    struct drawing *d = arg;

    spaces(d, TIME + 1);
    fprintf(d->out, "%.*s", d->style->width - TIME - 1, line);
    new_line(d);
}

static void rows(struct drawing *d)
{
    struct picture *p = d->p;
    struct row row = { { NULL, NULL }, NULL, 0 };

    d->rows = 0;
    for (int i = 0; i < p->events; i++) {
        struct event *e = p->event[i];
        struct arrow *a = arrow_to(p, e);

        if (!e->hidden && joins(d, &row, e, a)) {
            row.e[p->lane[e->lane].side] = e;
            row.arrow = a;
            row.at = e->at;
        } else if (!e->hidden) {
            print(d, &row);
            row = (struct row){ .arrow = a != NULL ? a : lost(p, e),
                                .at = e->at };
            row.e[p->lane[e->lane].side] = e;
        }
        lane_waits(p, e);
    }
    print(d, &row);
    picture_notes(p, say, d);
}

/* Once without printing, to count them: then the last ones, or those around
 * the marked one. */
static void choose_rows(struct drawing *d)
{
    FILE *to = d->to;
    int limit = d->style->limit;

    d->to = NULL;
    rows(d);
    d->to = to;
    d->skip = d->rows > limit ? d->rows - limit : 0;
    if (d->guilty > 0 && d->guilty <= d->skip) {
        d->skip = d->guilty > limit / 2 ? d->guilty - limit / 2 : 0;
        d->stop = d->skip + limit;
    }
    for (int i = 0; i < d->p->lanes; i++)
        d->p->lane[i].until = 0;
    if (d->skip > 0)
        fprintf(to, "%*s ... %d row%s before\n", TIME, "", d->skip,
                d->skip > 1 ? "s" : "");
}

void draw_text(struct picture *p, FILE *out, const struct style *style)
{
    struct drawing d = { .p = p, .style = style, .to = out };

    d.out = open_memstream(&d.line, &d.n);
    if (d.out == NULL)
        return;
    d.gutter = style->width >= 100 ? 20 : 18;
    d.side = (style->width - TIME - 1 - d.gutter - 4) / 2;
    heading(&d);
    if (style->limit > 0)
        choose_rows(&d);
    rows(&d);
    if (d.stop > 0)
        fprintf(out, "%*s ... %d row%s behind\n", TIME, "", d.rows - d.stop,
                d.rows - d.stop > 1 ? "s" : "");
    fclose(d.out);
    free(d.line);
}
