/* The ladder as SVG, complete in itself: a column a process or thread, a row
 * an event, the arrows slanted from the call that sent to the one that got. */
#include "picture.h"

#include <stdlib.h>
#include <string.h>

enum { TIMES = 80,
       COLUMN = 250,
       ROW = 24,
       TOP = 64,
       TEXT = 32 };

struct canvas {
    struct picture *p;
    FILE *out;
    int *x;   /* of each lane */
    int *row; /* of each event */
    int width, height;
    bool numbered;
};

static const char css[] =
    "<style>\n"
    "svg{--ink:#1f2328;--dim:#656d76;--paper:#fff;--wait:#d29922;--byte:#"
    "1a7f37;"
    "--link:#0969da;--bad:#cf222e;background:var(--paper)}\n"
    "@media(prefers-color-scheme:dark){svg{--ink:#e6edf3;--dim:#8b949e;"
    "--paper:#0d1117;--byte:#3fb950;--link:#58a6ff;--bad:#f85149}}\n"
    "text{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;"
    "fill:var(--ink);paint-order:stroke;stroke:var(--paper);stroke-width:4px}\n"
    ".t,.w{fill:var(--dim)}.h{font-weight:700}.l{stroke:var(--dim)}"
    ".wait{fill:var(--wait)}.bad{fill:var(--bad)}\n"
    ".a{stroke-width:1.5;fill:none;stroke:var(--byte)}.a0{stroke:var(--link)}"
    ".a3,.a5{stroke:var(--bad)}.a2{stroke-dasharray:5 3}\n"
    "</style>\n"
    "<defs><marker id=\"m\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" "
    "markerWidth=\"8\" markerHeight=\"8\" orient=\"auto\">"
    "<path d=\"M0 0L8 4L0 8z\" fill=\"context-stroke\"/></marker></defs>\n";

void xml_text(FILE *out, const char *text)
{
    for (; *text != '\0'; text++)
        switch (*text) {
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '&':
            fputs("&amp;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        default:
            fputc(*text, out);
        }
}

/* The left side's columns, then the right side's. */
static int place_lanes(struct canvas *c)
{
    int n = 0;

    for (int side = LEFT; side <= RIGHT; side++)
        for (int i = 0; i < c->p->lanes; i++)
            if (c->p->lane[i].shown && (int)c->p->lane[i].side == side)
                c->x[i] = TIMES + COLUMN + n++ * COLUMN -
                          (side == RIGHT ? COLUMN / 3 : 0);
    return n;
}

static int place_events(struct canvas *c)
{
    int n = 0;

    for (int i = 0; i < c->p->events; i++)
        c->row[i] = c->p->event[i]->hidden ? n : n++;
    return n;
}

static int y_of(const struct canvas *c, int event)
{
    return TOP + c->row[event] * ROW;
}

static int y_at(const struct canvas *c, const struct event *e)
{
    for (int i = 0; i < c->p->events; i++)
        if (c->p->event[i] == e)
            return y_of(c, i);
    return c->height;
}

/* The row of the first event that is not before this moment. */
static int y_time(const struct canvas *c, long long at)
{
    for (int i = 0; i < c->p->events; i++)
        if (c->p->event[i]->at >= at && !c->p->event[i]->hidden)
            return y_of(c, i);
    return c->height - ROW;
}

static void lanes(const struct canvas *c)
{
    for (int i = 0; i < c->p->lanes; i++) {
        const struct lane *l = &c->p->lane[i];
        int from, to;

        if (!l->shown)
            continue;
        from = y_time(c, l->first->at) - ROW / 2;
        to = l->exit != NULL ? y_at(c, l->exit) : c->height - ROW / 2;
        fprintf(c->out, "<text class=\"h\" x=\"%d\" y=\"24\" "
                        "text-anchor=\"middle\">",
                c->x[i]);
        xml_text(c->out, lane_name(c->p, i));
        fprintf(c->out, "</text><path class=\"l\" d=\"M%d %dV%d\"/>\n", c->x[i],
                from < 34 ? 34 : from, to);
    }
}

/* Amber: from the beginning of a call to its end it has waited. */
static void waits(const struct canvas *c)
{
    for (int i = 0; i < c->p->events; i++) {
        const struct event *e = c->p->event[i];
        int from, to;

        if (e->kind != 'B' || e->hidden)
            continue;
        from = y_of(c, i);
        to = e->end != NULL ? y_at(c, e->end) : c->height - ROW / 2;
        fprintf(c->out, "<rect class=\"wait\" data-i=\"%d\" x=\"%d\" y=\"%d\" "
                        "width=\"6\" height=\"%d\" rx=\"3\"/>\n",
                i, c->x[e->lane] - 3, from, to > from ? to - from : ROW);
    }
}

static void events(const struct canvas *c)
{
    for (int i = 0; i < c->p->events; i++) {
        const struct event *e = c->p->event[i];
        bool left = c->p->lane[e->lane].side == LEFT;
        bool bad = e->error[0] != '\0' || e->fault[0] != '\0';
        const char *class = bad ? "bad" : e->kind == 'B' ? "w"
                                                         : "";

        if (e->hidden)
            continue;
        fprintf(c->out, "<g class=\"e\" data-i=\"%d\"><title>", i);
        xml_text(c->out, event_text(e, 0));
        fprintf(c->out, "</title><text class=\"t\" x=\"%d\" y=\"%d\" "
                        "text-anchor=\"end\">",
                TIMES - 8, y_of(c, i) + 4);
        if (c->numbered)
            fprintf(c->out, "%d</text>", c->row[i] + 1);
        else
            fprintf(c->out, "%s</text>", milliseconds(e->at));
        fprintf(c->out, "<circle cx=\"%d\" cy=\"%d\" r=\"3\"/>", c->x[e->lane],
                y_of(c, i));
        fprintf(c->out, "<text class=\"%s\" x=\"%d\" y=\"%d\"%s>", class,
                c->x[e->lane] + (left ? -10 : 10), y_of(c, i) + 4,
                left ? " text-anchor=\"end\"" : "");
        xml_text(c->out, event_text(e, TEXT));
        fputs("</text></g>\n", c->out);
    }
}

static int number(const struct canvas *c, const struct event *e)
{
    for (int i = 0; i < c->p->events; i++)
        if (c->p->event[i] == e)
            return i;
    return 0;
}

static void arrows(const struct canvas *c)
{
    for (int i = 0; i < c->p->arrows; i++) {
        const struct arrow *a = &c->p->arrow[i];
        int x = c->x[a->from->lane], y = y_at(c, a->from);
        bool left = c->p->lane[a->from->lane].side == LEFT;
        int x2 = a->to != NULL ? c->x[a->to->lane] : x + (left ? 60 : -60);
        int y2 = a->to != NULL ? y_at(c, a->to) : y + ROW;

        fprintf(c->out, "<g class=\"arrow\" data-i=\"%d\">"
                        "<path class=\"a a%d\" d=\"M%d %dL%d %d\"%s/>",
                number(c, a->to != NULL ? a->to : a->from), (int)a->kind, x, y,
                x2, y2, a->to != NULL ? " marker-end=\"url(#m)\"" : "");
        fprintf(c->out, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">",
                a->to != NULL ? (x + x2) / 2 : x2,
                (y + y2) / 2 + (a->to != NULL ? -3 : 8));
        xml_text(c->out, a->kind == LOST ? "✗ lost" : a->label);
        fputs("</text></g>\n", c->out);
    }
}

struct notes {
    const struct canvas *c;
    int n;
};

static void note(const char *line, void *arg)
{
    struct notes *n = arg;

    fprintf(n->c->out, "<text class=\"wait\" x=\"12\" y=\"%d\">",
            n->c->height + 6 + n->n++ * ROW);
    xml_text(n->c->out, line);
    fputs("</text>\n", n->c->out);
}

static void count(const char *line, void *arg)
{
    (void)line;
    ++*(int *)arg;
}

void draw_svg(struct picture *p, FILE *out, bool numbered)
{
    struct canvas c = { .p = p, .out = out, .numbered = numbered };
    struct notes n = { &c, 0 };
    int below = 0;

    c.x = grown(NULL, p->lanes + 1, sizeof *c.x);
    c.row = grown(NULL, p->events + 1, sizeof *c.row);
    c.width = TIMES + COLUMN + place_lanes(&c) * COLUMN - COLUMN / 3;
    c.height = TOP + place_events(&c) * ROW + ROW / 2;
    picture_notes(p, count, &below);
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" "
            "viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" role=\"img\" "
            "aria-label=\"The calls of the programs, in time\">\n%s",
            c.width, c.height + below * ROW, c.width, c.height + below * ROW,
            css);
    lanes(&c);
    waits(&c);
    arrows(&c);
    events(&c);
    picture_notes(p, note, &n);
    fputs("</svg>\n", out);
    free(c.x);
    free(c.row);
}
