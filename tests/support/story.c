/* What was done so far, and how it ends. */
#include "peer.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STEPS_SHOWN = 14,
       COLUMNS = 74,
       LOG_FD = 9 };

static char *steps[4096];
static size_t step_count;
static char *hint, *try_by_hand;

size_t story_mark(void)
{
    return step_count;
}

void story_step(const char *line)
{
    static double start;

    start = start > 0 ? start : now();
    log_text("> %s    (at %.3f s)\n", line, now() - start);
    if (step_count == sizeof steps / sizeof *steps) {
        free(steps[0]);
        memmove(steps, steps + 1, sizeof steps - sizeof *steps);
        step_count--;
    }
    steps[step_count++] = text_copy(line);
}

/* A further round of a repeated part: only the last round is told. */
void story_repeat(size_t mark, long round, long of)
{
    char line[64];

    while (step_count > mark)
        free(steps[--step_count]);
    snprintf(line, sizeof line, "(time %ld of %ld)", round, of);
    story_step(line);
}

char *text_copy(const char *text)
{
    char *copy = strdup(text);

    if (copy == NULL)
        script_error("out of memory");
    return copy;
}

static void keep(char **where, const char *text)
{
    free(*where);
    *where = text_copy(text);
}

void story_hint(const char *text)
{
    keep(&hint, text);
}

void story_try(const char *text)
{
    keep(&try_by_hand, text);
}

/* Only if LOG_FD came with us: else a socket may have that number. */
static bool has_log(void)
{
    static int open_at_start = -1;

    if (open_at_start == -1)
        open_at_start = fcntl(LOG_FD, F_GETFD) != -1;
    return open_at_start == 1;
}

void log_text(const char *fmt, ...)
{
    va_list ap;

    if (!has_log())
        return;
    va_start(ap, fmt);
    vdprintf(LOG_FD, fmt, ap);
    va_end(ap);
}

void log_raw(const char *p, size_t n)
{
    if (has_log() && write(LOG_FD, p, n) == -1)
        return; /* the log is a help, and no more */
}

void log_bytes(const char *who, const char *what, const unsigned char *p,
               size_t n)
{
    struct bytes b = { 0 };

    if (!has_log())
        return;
    data_quote(&b, p, n);
    log_text("  %s %s %zu bytes: %s\n", who, what, n, (char *)b.p);
    bytes_free(&b);
}

/* An escape sequence where colour is wanted: `1` bold, `31` red, `` plain. */
static const char *colour(const char *code)
{
    static char text[4][8];
    static int i;

    if (getenv("COLOR") == NULL)
        return "";
    i = (i + 1) % 4;
    snprintf(text[i], sizeof text[i], "\033[%sm", code);
    return text[i];
}

/* text in lines of at most COLUMNS, broken at spaces, after a label. */
static void wrapped(const char *label, const char *text)
{
    int indent = (int)strlen(label), col = indent;
    const char *end;

    printf("%s%s%s", colour("1"), label, colour(""));
    for (bool first = true; *text != '\0'; first = false) {
        end = strchr(text, ' ');
        if (end == NULL)
            end = text + strlen(text);
        if (!first && col + 1 + (end - text) > COLUMNS) {
            printf("\n%*s", indent, "");
            col = indent;
        } else if (!first)
            col += putchar(' ') != EOF;
        col += printf("%.*s", (int)(end - text), text);
        text = *end == '\0' ? end : end + 1;
    }
    putchar('\n');
}

/* One step in one line: a longer one is cut in its middle. */
static void print_step(const char *step, bool last)
{
    size_t n = strlen(step);

    printf("%s%s ", last ? colour("31") : "", last ? "=>" : "  ");
    if (n <= COLUMNS - 3)
        printf("%s", step);
    else
        printf("%.50s ... %s", step, step + n - 15);
    printf("%s\n", last ? colour("") : "");
}

static void print_steps(void)
{
    size_t from = step_count > STEPS_SHOWN ? step_count - STEPS_SHOWN : 0;

    if (from > 0)
        printf("   ... %zu step%s before\n", from, from > 1 ? "s" : "");
    for (size_t i = from; i < step_count; i++)
        print_step(steps[i], i + 1 == step_count);
}

void fail_bytes(const struct bytes *text)
{
    const char *p = (const char *)text->p;

    print_steps();
    while (*p != '\0') {
        size_t n = strcspn(p, "\n");

        printf("   %.*s\n", (int)n, p);
        p += n + (p[n] == '\n');
    }
    if (try_by_hand != NULL)
        printf("\n%sBy hand:%s  %s\n", colour("1"), colour(""), try_by_hand);
    if (hint != NULL && strstr((char *)text->p, "crash: ") == NULL) {
        putchar('\n'); /* after a crash, its place is the advice */
        wrapped("Advice:   ", hint);
    }
    puts("--");
    fflush(stdout);
    log_text("%s\n", (const char *)text->p);
    leave(FAILED);
}

void fail(const char *fmt, ...)
{
    char line[LINE_MAX_LEN];
    struct bytes b = { 0 };
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    bytes_text(&b, "%s\n", line);
    fail_bytes(&b);
}

void script_error(const char *fmt, ...)
{
    va_list ap;

    printf("this check is broken, not your program: ");
    if (step_count > 0)
        printf("%s: ", steps[step_count - 1]);
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    puts("\n--");
    fflush(stdout);
    leave(BAD_SCRIPT);
}

void leave_out(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    putchar('\n');
    fflush(stdout);
    leave(LEFT_OUT);
}
