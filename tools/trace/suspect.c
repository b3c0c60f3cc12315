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

/* Is that event of this program, and tells the way to it? Another program's
 * addresses are lines of another file. */
static bool tells(const struct event *e, const char *program)
{
    return e->way[0] != '\0' && strcmp(e->program, program) == 0;
}

static void add_address(unsigned long *list, int *n, unsigned long address)
{
    int k = 0;

    while (k < *n && list[k] != address)
        k++;
    if (k == *n && k < MOST_BLOCKS)
        list[(*n)++] = address;
}

static unsigned long *addresses_of(const struct picture *p, const char *program,
                                   int *n)
{
    unsigned long *list = grown(NULL, MOST_BLOCKS, sizeof *list);

    *n = 0;
    for (int i = 0; i < p->events; i++)
        if (tells(p->event[i], program))
            for (const char *at = p->event[i]->way; *at != '\0';)
                add_address(list, n, next_address(&at));
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

/* The program's file, with its folder. */
static void find_executable(const struct picture *p, const char *program,
                            char *exe, size_t size)
{
    const char *caller = "", *end;

    for (int i = 0; i < p->events && caller[0] == '\0'; i++)
        if (tells(p->event[i], program))
            caller = p->event[i]->caller;
    end = strrchr(caller, '+');
    snprintf(exe, size, "%.*s", end != NULL ? (int)(end - caller) : 0, caller);
}

/* The lines on which the program's blocks begin. */
static struct source_line *lines_of(const struct picture *p,
                                    const char *program, int *found)
{
    int n;
    unsigned long *at = addresses_of(p, program, &n);
    struct source_line *lines = grown(NULL, 4 * n + 1, sizeof *lines);
    char exe[512];

    find_executable(p, program, exe, sizeof exe);
    *found = source_lines(exe, at, n, lines, 4 * n);
    free(at);
    return lines;
}

/* The program's C file, and the way through it; false: it tells none. It is one
 * file, that of the first address: make compiles a program from one. */
static bool follow(const struct picture *p, const char *program,
                   struct source *s, struct way *w)
{
    int found;
    struct source_line *lines = lines_of(p, program, &found);

    *w = (struct way){ .steps = 0 };
    snprintf(s->path, sizeof s->path, "%s", found > 0 ? lines[0].path : "");
    if (found > 0 && read_source(s)) {
        w->known = grown(NULL, s->lines + 1, sizeof *w->known);
        memset(w->known, 0, (size_t)s->lines + 1);
        found = keep_in(s, lines, found);
        for (int i = 0; i < p->events; i++)
            if (tells(p->event[i], program))
                add_steps(w, p->event[i], lines, found);
    }
    free(lines);
    return w->steps > 0;
}

/* The file of the solution that has the same name; "": it is not known. */
static void find_solution(const struct picture *right, const char *name,
                          char *path, size_t size)
{
    const char *before = "";
    struct place at;

    path[0] = '\0';
    for (int i = 0; i < right->events && path[0] == '\0'; i++) {
        const struct event *e = right->event[i];

        if (is_actor(e) || strcmp(e->program, before) == 0 || !place_of(e, &at))
            continue;
        before = e->program;
        if (strcmp(base_name(at.path), base_name(name)) == 0)
            snprintf(path, size, "%s", at.path);
    }
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
                         const struct stretch *stretch, int head)
{
    if (stretch->name[0] == '\0')
        return holds(s, w, head, stretch->from, stretch->to);
    for (int i = 1; i <= s->lines; i++)
        if (i != stretch->from && has_word(s->code[i], stretch->name) &&
            holds(s, w, head, i, i))
            return true;
    return false;
}

static void find_heads(const struct source *s, const struct way *w,
                       struct stretch *stretch)
{
    stretch->heads = grown(NULL, s->lines + 1, sizeof *stretch->heads);
    for (int i = 0; i <= s->lines; i++)
        stretch->heads[i] = w->known[i] && goes_through(s, w, stretch, i);
}

/* ---- a program, and its stretches that ran ---- */

struct program {
    struct source source;
    struct way way;
    struct stretch *stretch; /* all in which it differs from the solution */
    int stretches;
    int ran; /* so many of them, in the time that is asked about */
};

/* false: it tells no way, or the solution has no such file. */
static bool read_program(const struct picture *p, const struct picture *right,
                         const char *name, struct program *x)
{
    struct source theirs = { .lines = 0 };

    if (!follow(p, name, &x->source, &x->way))
        return false;
    find_solution(right, x->source.path, theirs.path, sizeof theirs.path);
    if (theirs.path[0] == '\0' || !read_source(&theirs))
        return false;
    x->stretches = differences(&x->source, &theirs, &x->stretch);
    for (int i = 0; i < x->stretches; i++)
        find_heads(&x->source, &x->way, &x->stretch[i]);
    return true;
}

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
    if (when == BEFORE)
        return true;
    return e->lane == part->ours->lane &&
           (part->before == NULL || e->at > part->before->at);
}

static void forget(struct program *x, struct stretch *stretch)
{
    stretch->latest = -1;
    x->ran--;
}

/* Is stretch k told instead of stretch i? It is in the same gap, or function, and
 * ran later, or is the first in the same block. */
static bool stands_for(const struct program *x, int k, int i)
{
    const struct stretch *a = &x->stretch[k], *b = &x->stretch[i];

    return (a->latest > b->latest || (a->latest == b->latest && k < i)) &&
           in_one_room(&x->source, a->from, b->from);
}

static void keep_one_a_room(struct program *x)
{
    for (int i = 0; i < x->stretches; i++)
        for (int k = 0; k < x->stretches && x->stretch[i].latest >= 0; k++)
            if (stands_for(x, k, i))
                forget(x, &x->stretch[i]);
}

/* Notes for each stretch when it was run last in that time, one a room. */
static void mark_run(struct program *x, const struct parting *part,
                     enum when when)
{
    const struct way *w = &x->way;

    x->ran = 0;
    for (int i = 0; i < x->stretches; i++) {
        struct stretch *stretch = &x->stretch[i];

        stretch->latest = -1;
        for (int k = 0; k < w->steps; k++)
            if (stretch->heads[w->step[k].line] &&
                is_then(w->step[k].e, part, when))
                stretch->latest = k;
        x->ran += stretch->latest >= 0;
    }
    keep_one_a_room(x);
}

/* The stretch of the call that is marked: forgets it where it is that line, and
 * has been named. A longer one may have the fault in another line of it. */
static void find_marked(struct program *x, const struct event *marked)
{
    struct place at;

    if (!place_of(marked, &at) || strcmp(at.path, x->source.path) != 0)
        return;
    for (int i = 0; i < x->stretches; i++) {
        struct stretch *stretch = &x->stretch[i];

        if (stretch->latest < 0 || at.line < stretch->from ||
            at.line > stretch->to)
            continue;
        if (stretch->from == stretch->to)
            forget(x, stretch);
        else
            stretch->marked = true;
    }
}

/* ---- the sentence ---- */

static struct stretch *last_run(const struct program *x)
{
    struct stretch *last = &x->stretch[0];

    for (int i = 1; i < x->stretches; i++)
        if (x->stretch[i].latest > last->latest)
            last = &x->stretch[i];
    return last;
}

static const char *what_ran(enum when when, bool many)
{
    switch (when) {
    case JUST_BEFORE:
        return many ? "these ran just before that, and are not as in the "
                      "solution"
                    : "it ran just before that, and is not as in the solution";
    case BEFORE:
        return many ? "these ran earlier, and are not as in the solution"
                    : "it ran earlier, and is not as in the solution";
    default:
        return "of what is not as in the solution, it alone has run";
    }
}

/* Tells of the last two; they are forgotten. */
static const char *tell(struct program *x, enum when when)
{
    static char text[600];
    const char *what = what_ran(when, x->ran > 1);
    size_t used = 0;

    text[0] = '\0';
    for (int i = 0; i < 2 && x->ran > 0; i++) {
        struct stretch *next = last_run(x);
        char place[250];

        put_place(place, sizeof place, &x->source, next);
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s%s",
                                 i > 0 ? ", and " : "", place,
                                 next->marked ? ", with that call in it" : "");
        forget(x, next);
    }
    if (used > 0)
        snprintf(text + used, sizeof text - used, ": %s", what);
    return text;
}

/* Is this event the first that tells of its program's way? */
static bool is_first(const struct picture *p, int n)
{
    int i = 0;

    if (p->event[n]->way[0] == '\0')
        return false;
    while (!tells(p->event[i], p->event[n]->program))
        i++;
    return i == n;
}

/* Where one stretch alone has run, of all programs. */
static const char *tell_alone(const struct picture *p,
                              const struct picture *right,
                              const struct parting *part)
{
    struct program x, alone = { .ran = 0 };
    int ran = 0;

    for (int i = 0; i < p->events; i++)
        if (is_first(p, i) &&
            read_program(p, right, p->event[i]->program, &x)) {
            mark_run(&x, part, EVER);
            ran += x.ran;
            if (x.ran > 0)
                alone = x;
        }
    return ran == 1 ? tell(&alone, EVER) : "";
}

const char *picture_suspect(const struct picture *p,
                            const struct picture *right,
                            const struct parting *part)
{
    struct program x;

    if (part->ours != NULL &&
        read_program(p, right, part->ours->program, &x))
        for (enum when when = JUST_BEFORE; when < EVER; when++) {
            mark_run(&x, part, when);
            if (x.ran == 0)
                continue;
            find_marked(&x, part->ours);
            return tell(&x, when);
        }
    return tell_alone(p, right, part);
}
