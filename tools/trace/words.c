/* Events in words. */
#include "picture.h"

#include <limits.h>
#include <string.h>

const char *milliseconds(long long ns)
{
    static char text[32];

    snprintf(text, sizeof text, "%lld.%03lld", ns / 1000000,
             ns % 1000000 / 1000);
    return text;
}

void lane_waits(struct picture *p, const struct event *e)
{
    struct lane *l = &p->lane[e->lane];

    if (e->kind == 'B' && (e->end == NULL || !e->hidden))
        l->until = e->end != NULL ? e->end->time : LLONG_MAX;
    else if (e->kind != 'B')
        l->until = e->time - e->at >= LONG_WAIT ? e->time : 0;
}

const char *lane_name(const struct picture *p, int lane)
{
    static char text[96];
    const struct lane *l = &p->lane[lane];

    size_t n = strlen(l->program);

    if (l->tag[0] == '[' && strncmp(l->tag + 1, l->program, n) == 0 &&
        l->tag[n + 1] == ']')
        return l->tag; /* its name is its tag */
    snprintf(text, sizeof text, "%.60s%s%s", l->program,
             l->tag[0] != '\0' ? " " : "", l->tag);
    return text;
}

/* The quoted data, cut to fit: "hello w..". The cut is at a whole escape. */
static void shorten(char *out, size_t size, const char *data, int width)
{
    int n = 1, whole = (int)strlen(data);

    if (width >= whole || width < 5) {
        snprintf(out, size, "%s", width < 5 ? "" : data);
        return;
    }
    while (n < whole) {
        int step = data[n] != '\\' ? 1 : data[n + 1] == 'x' ? 4
                                                            : 2;

        if (n + step > width - 3)
            break;
        n += step;
    }
    snprintf(out, size, "%.*s..\"", n, data);
}

/* The error was not the system's. */
static bool on_order(const struct event *e)
{
    return e->error[0] != '\0' && strcmp(e->fault, e->error) == 0;
}

/* What the call gave, unless that is 0 and says nothing. */
static void result_text(char *out, size_t size, const struct event *e)
{
    static const char silent[] = "close bind listen connect shutdown "
                                 "pthread_create pthread_detach join lock "
                                 "kill pipe pipe2 socketpair";

    out[0] = '\0';
    if (e->error[0] != '\0')
        snprintf(out, size, " = %s%s", on_order(e) ? "!" : "", e->error);
    else if (e->has_result && !(e->result == 0 && call_is(e, silent)))
        snprintf(out, size, " = %lld", e->result);
}

/* Not the name of a function: `cond wait`, `lock`. */
static bool is_word(const struct event *e)
{
    return strchr(e->call, ' ') != NULL || call_is(e, "lock join thread");
}

/* What has no arguments and no result that say something. */
static bool plain_words(const struct event *e, char *out, size_t size)
{
    if (e->kind == 'X')
        snprintf(out, size, "exit(%lld)", e->result);
    else if (call_is(e, "signal"))
        snprintf(out, size, "%s arrives", e->args);
    else if (call_is(e, "thread"))
        snprintf(out, size, "thread starts");
    else if (is_word(e))
        snprintf(out, size, "%s%s", e->call, e->kind == 'B' ? " waits" : "");
    else if (e->kind == 'B')
        snprintf(out, size, "%s(%s) waits", e->call, e->args);
    else
        return false;
    return true;
}

/* nargs: how many bytes of the arguments are shown. */
static void call_text(char *out, size_t size, const struct event *e, int nargs,
                      const char *data)
{
    bool sends = is_send(e) || e->kind == 'P';
    bool fault = e->fault[0] != '\0' && !on_order(e);
    char result[48];

    result_text(result, sizeof result, e);
    if (is_receive(e) && e->error[0] == '\0' && e->result == 0 &&
        strchr("dv", e->id[0]) == NULL)
        data = "EOF"; /* a datagram may be empty */
    snprintf(out, size, "%s(%.*s%s%s)%s%s%s%s%s", e->call, nargs, e->args,
             sends && data[0] != '\0' && nargs > 0 ? ", " : "",
             sends ? data : "", result,
             !sends && data[0] != '\0' ? " " : "", sends ? "" : data,
             fault ? " !" : "", fault ? e->fault : "");
}

const char *event_text(const struct event *e, int width)
{
    static char text[512];
    char data[256];
    int nargs = (int)strlen(e->args), over;

    if (!plain_words(e, text, sizeof text))
        call_text(text, sizeof text, e, nargs, e->data);
    if (width > 0 && (int)strlen(text) > width && e->data[0] != '\0') {
        nargs = (int)strcspn(e->args, ","); /* the data says more */
        call_text(text, sizeof text, e, nargs, e->data);
    }
    over = width > 0 ? (int)strlen(text) - width : 0;
    if (over > 0 && e->data[0] != '\0') {
        shorten(data, sizeof data, e->data, (int)strlen(e->data) - over);
        call_text(text, sizeof text, e, nargs, data);
    }
    if (width > 0 && (int)strlen(text) > width) {
        const char *tail = e->kind == 'B' ? ".. waits" : "..";

        snprintf(text + width - (int)strlen(tail), 9, "%s", tail);
    }
    return text;
}

/* ---- below the picture ---- */

static struct event *waits_at_end(const struct picture *p, int lane)
{
    struct event *last = NULL;

    for (int i = 0; i < p->events; i++)
        if (p->event[i]->lane == lane)
            last = p->event[i]->kind == 'B' && p->event[i]->end == NULL
                       ? p->event[i]
                       : NULL;
    return last;
}

void picture_notes(const struct picture *p, void (*say)(const char *, void *),
                   void *arg)
{
    char line[700];

    for (int i = 0; i < p->lanes; i++) {
        struct event *waits = p->lane[i].shown ? waits_at_end(p, i) : NULL;

        if (waits != NULL && p->lane[i].exit == NULL) {
            snprintf(line, sizeof line, "%s still waits: %s%s%s%s",
                     lane_name(p, i), waits->call, is_word(waits) ? "" : "(",
                     is_word(waits) ? "" : waits->args,
                     is_word(waits) ? "" : ")");
            say(line, arg);
        }
        if (p->lane[i].shown && p->lane[i].zombie) {
            snprintf(line, sizeof line, "%s (process %d) is a zombie: nobody "
                                        "has waited for it",
                     lane_name(p, i), p->lane[i].pid);
            say(line, arg);
        }
    }
    if (p->malformed > 0) {
        snprintf(line, sizeof line, "%d lines of the recording were no events",
                 p->malformed);
        say(line, arg);
    }
}
