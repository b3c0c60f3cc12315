/* Where to look, in a program of which a check says only what came of it? At
 * what it ran on its way to where it and the solution part, and what is not,
 * word for word, as in the solution: the rest is known to be right. */
#include "picture.h"

#include <stdlib.h>
#include <string.h>

#include "../../tests/support/source.h"
#include "stretch.h"

enum { MOST_BLOCKS = 4000 };

/* ---- which way it went ---- */

/* It was at the head of this block before that event, and after the one before
 * it of the same thread. */
struct step {
    const struct event *e;
    int line;
};

struct way {
    struct step *step;
    int steps;
    bool *known; /* lines on which a block begins that was run */
};

static unsigned long next_address(const char **at)
{
    char *end;
    unsigned long address = strtoul(*at, &end, 16) - 1;

    *at = *end == ',' ? end + 1 : end + strlen(end);
    return address;
}

static unsigned long *addresses_of(const struct picture *p, int *n)
{
    unsigned long *list = grown(NULL, MOST_BLOCKS, sizeof *list);

    *n = 0;
    for (int i = 0; i < p->events; i++)
        for (const char *at = p->event[i]->way; *at != '\0';) {
            unsigned long address = next_address(&at);
            int k = 0;

            while (k < *n && list[k] != address)
                k++;
            if (k == *n && k < MOST_BLOCKS)
                list[(*n)++] = address;
        }
    return list;
}

static void add_steps(struct way *w, const struct event *e,
                      const struct source_line *lines, int n)
{
    for (const char *at = e->way; *at != '\0';) {
        unsigned long address = next_address(&at);

        for (int i = 0; i < n; i++)
            if (lines[i].at == address) {
                w->step = grown(w->step, w->steps + 1, sizeof *w->step);
                w->step[w->steps++] = (struct step){ e, (int)lines[i].line };
                w->known[lines[i].line] = true;
            }
    }
}

/* The file of the solution that has the same name; "": it is not known. */
static void path_of(const struct picture *p, const char *name, char *path,
                    size_t size)
{
    const char *before = "";
    struct place at;

    path[0] = '\0';
    for (int i = 0; i < p->events && path[0] == '\0'; i++) {
        const struct event *e = p->event[i];

        if (is_actor(e) || strcmp(e->program, before) == 0 || !place_of(e, &at))
            continue;
        before = e->program;
        if (strcmp(base_name(at.path), base_name(name)) == 0)
            snprintf(path, size, "%s", at.path);
    }
}

/* The program that went the way: the one that did otherwise, or any. */
static void find_program(const struct picture *p, const struct parting *part,
                         char *exe, size_t size)
{
    const struct event *e = part->ours;

    for (int i = 0; i < p->events && (e == NULL || e->caller[0] == '\0'); i++)
        if (p->event[i]->way[0] != '\0')
            e = p->event[i];
    snprintf(exe, size, "%.*s", e == NULL ? 0 : (int)strcspn(e->caller, "+"),
             e == NULL ? "" : e->caller);
}

/* Keeps those that are in the file: it may have become shorter since. Returns
 * how many. */
static int keep_in(const struct source *s, struct source_line *lines, int n)
{
    int kept = 0;

    for (int i = 0; i < n; i++)
        if (strcmp(lines[i].path, s->path) == 0 && lines[i].line <= s->lines)
            lines[kept++] = lines[i];
    return kept;
}

/* The program's file, and the way through it; false: it tells none. */
static bool follow(const struct picture *p, const struct parting *part,
                   struct source *s, struct way *w)
{
    int n, found;
    unsigned long *at = addresses_of(p, &n);
    struct source_line *lines = grown(NULL, 4 * n + 1, sizeof *lines);
    char exe[512];

    *w = (struct way){ .steps = 0 };
    find_program(p, part, exe, sizeof exe);
    found = source_lines(exe, at, n, lines, 4 * n);
    if (found > 0)
        snprintf(s->path, sizeof s->path, "%s", lines[0].path);
    if (found == 0 || !read_source(s))
        return false;
    w->known = grown(NULL, s->lines + 1, sizeof *w->known);
    memset(w->known, 0, (size_t)s->lines + 1);
    found = keep_in(s, lines, found);
    for (int i = 0; i < p->events; i++)
        add_steps(w, p->event[i], lines, found);
    free(at);
    free(lines);
    return w->steps > 0;
}

/* Does a block that begins on line `head` hold the lines of this stretch? It
 * is the last one before them in their function that was ever run. */
static bool holds(const struct source *s, const struct way *w, int head,
                  int from, int to)
{
    int first = s->first[from], last = from;

    if (first == 0)
        return false;
    if (head >= from && head <= to)
        return true;
    while (last > first && !w->known[last])
        last--;
    return head == last;
}

static bool goes_through(const struct source *s, const struct way *w,
                         const struct stretch *d, int head)
{
    if (d->name[0] == '\0')
        return holds(s, w, head, d->from, d->to);
    for (int i = 1; i <= s->lines; i++)
        if (i != d->from && has_word(s->code[i], d->name) &&
            holds(s, w, head, i, i))
            return true;
    return false;
}

static void find_heads(const struct source *s, const struct way *w,
                       struct stretch *d)
{
    d->heads = grown(NULL, s->lines + 1, sizeof *d->heads);
    for (int i = 0; i <= s->lines; i++)
        d->heads[i] = w->known[i] && goes_through(s, w, d, i);
}

/* ---- the sentence ---- */

enum when { JUST_BEFORE,
            BEFORE,
            EVER };

static bool is_then(const struct event *e, const struct parting *part,
                    enum when when)
{
    if (when == EVER)
        return true;
    if (e->at > part->ours->at)
        return false;
    return when == BEFORE || (e->lane == part->ours->lane &&
                              (part->before == NULL || e->at > part->before->at));
}

/* Notes for each stretch when it was run last, in that time; how many were. */
static int mark_run(const struct way *w, struct stretch *d, int n,
                    const struct parting *part, enum when when)
{
    int ran = 0;

    for (int i = 0; i < n; i++) {
        d[i].ran = -1;
        for (int k = 0; k < w->steps; k++)
            if (d[i].heads[w->step[k].line] && is_then(w->step[k].e, part, when))
                d[i].ran = k;
        ran += d[i].ran >= 0;
    }
    return ran;
}

static struct stretch *latest(struct stretch *d, int n)
{
    struct stretch *last = &d[0];

    for (int i = 1; i < n; i++)
        if (d[i].ran > last->ran)
            last = &d[i];
    return last;
}

static const char *tell(const struct source *s, struct stretch *d, int n,
                        int ran, enum when when)
{
    static const char *const words[][2] = {
        { "it ran just before that, and is not as in the solution",
          "these ran just before that, and are not as in the solution" },
        { "it ran earlier, and is not as in the solution",
          "these ran earlier, and are not as in the solution" },
        { "of what is not as in the solution, it alone has run", "" },
    };
    static char text[600];
    bool many = ran > 1;

    text[0] = '\0';
    for (int i = 0; i < 2 && ran > 0; i++, ran--) {
        struct stretch *next = latest(d, n);
        size_t used = strlen(text);

        if (used > 0)
            used += (size_t)snprintf(text + used, sizeof text - used, ", and ");
        put_place(text + used, sizeof text - used, s, next);
        next->ran = -1;
    }
    snprintf(text + strlen(text), sizeof text - strlen(text), ": %s",
             words[when][many]);
    return text;
}

/* Of the stretches of one gap, or function, forgets all but what ran last. */
static int one_a_room(const struct source *s, struct stretch *d, int n, int ran)
{
    for (int i = 0; i < n; i++)
        for (int k = 0; k < n && d[i].ran >= 0; k++)
            if (d[i].ran < d[k].ran && in_one_room(s, d[i].from, d[k].from)) {
                d[i].ran = -1;
                ran--;
            }
    return ran;
}

/* Forgets the stretch of the call that is marked: that has been named. */
static int but_marked(const struct source *s, struct stretch *d, int n,
                      const struct parting *part, int ran)
{
    struct place at;

    if (part->ours == NULL || !place_of(part->ours, &at) ||
        strcmp(at.path, s->path) != 0)
        return ran;
    for (int i = 0; i < n; i++)
        if (d[i].ran >= 0 && d[i].from <= at.line && at.line <= d[i].to) {
            d[i].ran = -1;
            ran--;
        }
    return ran;
}

const char *picture_suspect(const struct picture *p,
                            const struct picture *right,
                            const struct parting *part)
{
    struct source ours, theirs;
    struct stretch *d;
    struct way w;
    int n, ran = 0, when = part->ours == NULL ? EVER : JUST_BEFORE;

    if (!follow(p, part, &ours, &w))
        return "";
    path_of(right, ours.path, theirs.path, sizeof theirs.path);
    if (theirs.path[0] == '\0' || !read_source(&theirs))
        return "";
    n = differences(&ours, &theirs, &d);
    for (int i = 0; i < n; i++)
        find_heads(&ours, &w, &d[i]);
    while ((ran = mark_run(&w, d, n, part, (enum when)when)) == 0 && when < EVER)
        when++;
    ran = one_a_room(&ours, d, n, ran);
    ran = when == EVER && ran > 1 ? 0 : but_marked(&ours, d, n, part, ran);
    return ran == 0 ? "" : tell(&ours, d, n, ran, (enum when)when);
}
