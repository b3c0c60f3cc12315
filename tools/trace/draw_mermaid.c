/* The ladder as a Mermaid sequence diagram, which GitHub draws. */
#include "picture.h"

#include <string.h>

/* In a message `;` and `#` end or escape it: Mermaid's entity codes instead. */
static void safe(FILE *out, const char *text)
{
    for (; *text != '\0'; text++)
        if (strchr(";#<>{}", *text) != NULL)
            fprintf(out, "#%d;", *text);
        else
            fputc(*text, out);
}

static void participants(const struct picture *p, FILE *out)
{
    for (int side = LEFT; side <= RIGHT; side++)
        for (int i = 0; i < p->lanes; i++)
            if (p->lane[i].shown && (int)p->lane[i].side == side) {
                fprintf(out, "    participant L%d as ", i);
                safe(out, lane_name(p, i));
                fputc('\n', out);
            }
}

static void arrow(FILE *out, const struct arrow *a)
{
    static const char *const shape[] = { "-)", "->>", "-->>", "-x",
                                         "->>", "-x" };
    int to = a->to != NULL ? a->to->lane : a->from->lane;

    fprintf(out, "    L%d%sL%d: ", a->from->lane, shape[a->kind], to);
    safe(out, a->kind == LOST ? "lost" : a->label);
    fputc('\n', out);
}

void draw_mermaid(struct picture *p, FILE *out)
{
    fputs("sequenceDiagram\n", out);
    participants(p, out);
    for (int i = 0; i < p->events; i++) {
        struct event *e = p->event[i];

        if (e->arrow >= 0)
            arrow(out, &p->arrow[e->arrow]);
        for (int k = 0; e->sent_on && k < p->arrows; k++)
            if (p->arrow[k].from == e && p->arrow[k].kind == LOST)
                arrow(out, &p->arrow[k]);
        if (e->hidden)
            continue;
        fprintf(out, "    Note %s of L%d: ",
                p->lane[e->lane].side == LEFT ? "left" : "right", e->lane);
        safe(out, event_text(e, 48));
        fputc('\n', out);
    }
}
