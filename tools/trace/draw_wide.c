/* The ladder in a wide terminal: a column for each process and thread, the
 * arrows across, each in a row of its own above what it arrives at. */
#include "picture.h"

#include <stdlib.h>
#include <string.h>

enum { TIME = 9,
       WIDTH_MAX = 1000,
       LANE_MIN = 36 };

struct wide {
    struct picture *p;
    FILE *out;
    const struct style *style;
    int columns;                 /* of each lane */
    int x[64];                   /* the lanes' bars, by lane */
    const char *cell[WIDTH_MAX]; /* a row: a character each, in UTF-8 */
    char text[WIDTH_MAX][2];
};

static int count_lanes(const struct picture *p)
{
    int n = 0;

    for (int i = 0; i < p->lanes; i++)
        n += p->lane[i].shown;
    return n;
}

/* Is there room for a column each? */
bool fits_wide(const struct picture *p, const struct style *style)
{
    int n = count_lanes(p);

    return n > 2 && n <= 6 && p->lanes <= 64 && style->width <= WIDTH_MAX &&
           (style->width - TIME - 1) / n >= LANE_MIN;
}

static void clear(struct wide *w)
{
    for (int i = 0; i < w->style->width; i++)
        w->cell[i] = " ";
}

static void put(struct wide *w, int x, const char *text)
{
    for (; *text != '\0' && x < w->style->width; text++, x++) {
        if (x < 0)
            continue;
        w->text[x][0] = *text;
        w->text[x][1] = '\0';
        w->cell[x] = w->text[x];
    }
}

static const char *line(const struct wide *w, const char *unicode,
                        const char *ascii)
{
    return w->style->ascii ? ascii : unicode;
}

static void bars(struct wide *w, long long at)
{
    for (int i = 0; i < w->p->lanes; i++) {
        const struct lane *l = &w->p->lane[i];

        if (!l->shown || l->first->at > at ||
            (l->exit != NULL && l->exit->at < at))
            continue;
        w->cell[w->x[i]] = l->until > at ? line(w, "┊", ":")
                                         : line(w, "│", "|");
    }
}

static void print(struct wide *w)
{
    int end = w->style->width;

    while (end > 0 && strcmp(w->cell[end - 1], " ") == 0)
        end--;
    for (int i = 0; i < end; i++)
        fputs(w->cell[i], w->out);
    fputc('\n', w->out);
}

static void arrow(struct wide *w, const struct arrow *a)
{
    int from = w->x[a->from->lane];
    int to = a->to != NULL ? w->x[a->to->lane] : from + w->columns / 2;
    int low = from < to ? from : to, high = from < to ? to : from;
    char label[sizeof a->label + 2];

    for (int x = low + 1; x < high; x++)
        w->cell[x] = line(w, "─", "-");
    w->cell[from < to ? high - 1 : low + 1] =
        a->kind == LOST ? line(w, "✗", "X")
        : from < to     ? line(w, "▶", ">")
                        : line(w, "◀", "<");
    snprintf(label, sizeof label, " %s ", a->kind == LOST ? "lost" : a->label);
    put(w, (low + high - (int)strlen(label)) / 2 + 1, label);
}

static void arrows_of(struct wide *w, const struct event *e)
{
    for (int i = 0; i < w->p->arrows; i++) {
        const struct arrow *a = &w->p->arrow[i];

        if (a->to != e && !(a->kind == LOST && a->from == e))
            continue;
        if (a->to != NULL && a->to->lane == a->from->lane)
            continue;
        clear(w);
        bars(w, e->at);
        arrow(w, a);
        print(w);
    }
}

static void row(struct wide *w, const struct event *e)
{
    clear(w);
    bars(w, e->at);
    put(w, TIME - (int)strlen(milliseconds(e->at)), milliseconds(e->at));
    put(w, w->x[e->lane] + 2, event_text(e, w->columns - 3));
    print(w);
}

static void place(struct wide *w)
{
    int n = 0;

    w->columns = (w->style->width - TIME - 1) / count_lanes(w->p);
    clear(w);
    put(w, TIME - 2, "ms");
    for (int side = LEFT; side <= RIGHT; side++)
        for (int i = 0; i < w->p->lanes; i++)
            if (w->p->lane[i].shown && (int)w->p->lane[i].side == side) {
                w->x[i] = TIME + 1 + n++ * w->columns;
                put(w, w->x[i], lane_name(w->p, i));
            }
    print(w);
}

static void say(const char *text, void *arg)
{
    struct wide *w = arg;

    fprintf(w->out, "%*s %s\n", TIME, "", text);
}

void draw_wide(struct picture *p, FILE *out, const struct style *style)
{
    struct wide *w = grown(NULL, 1, sizeof *w);

    *w = (struct wide){ .p = p, .out = out, .style = style };
    place(w);
    for (int i = 0; i < p->events; i++) {
        lane_waits(p, p->event[i]);
        if (p->event[i]->hidden)
            continue;
        arrows_of(w, p->event[i]);
        row(w, p->event[i]);
    }
    picture_notes(p, say, w);
    free(w);
}
