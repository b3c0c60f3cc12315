/* Bytes: how a script writes them and how a person reads them. */
#define _GNU_SOURCE /* memmem(3) */
#ifdef __APPLE__
#define _DARWIN_C_SOURCE
#endif
#include "peer.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { AROUND = 24,
       SHOWN = 56,
       BLOCK = 4096 };

/* More than a check may ever hold: a slip in a script is no reason to swap. */
static const size_t data_most = (size_t)1 << 30;

/* Room for n more, and for a NUL. */
static void bytes_grow(struct bytes *b, size_t n)
{
    unsigned char *p;
    size_t room;

    if (n > data_most - b->n)
        script_error("more than 1 GiB of data");
    if (b->n + n < b->room)
        return;
    room = (b->n + n + 1) * 2;
    p = realloc(b->p, room);
    if (p == NULL)
        script_error("out of memory");
    b->p = p;
    b->room = room;
}

void bytes_add(struct bytes *b, const void *p, size_t n)
{
    bytes_grow(b, n);
    if (n > 0)
        memcpy(b->p + b->n, p, n);
    b->n += n;
    b->p[b->n] = '\0'; /* so that it can be printed as a string */
}

void bytes_text(struct bytes *b, const char *fmt, ...)
{
    char line[LINE_MAX_LEN];
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    if (n > 0)
        bytes_add(b, line,
                  (size_t)n < sizeof line ? (size_t)n : sizeof line - 1);
}

void bytes_free(struct bytes *b)
{
    free(b->p);
    *b = (struct bytes){ 0 };
}

size_t bytes_find(const struct bytes *b, size_t from, const void *what,
                  size_t n)
{
    const unsigned char *at;

    if (b->p == NULL || from > b->n)
        return SIZE_MAX;
    at = memmem(b->p + from, b->n - from, what, n);
    return at == NULL ? SIZE_MAX : (size_t)(at - b->p);
}

size_t bytes_same(const unsigned char *a, const unsigned char *b, size_t n)
{
    size_t i = 0;

    while (n - i >= BLOCK && memcmp(a + i, b + i, BLOCK) == 0)
        i += BLOCK;
    while (i < n && a[i] == b[i])
        i++;
    return i;
}

static int hex(int c)
{
    return isdigit(c) ? c - '0' : isxdigit(c) ? tolower(c) - 'a' + 10
                                              : -1;
}

/* One character of a string, after a backslash. */
static bool escape(const char **s, struct bytes *out)
{
    static const char from[] = "nrt0ae\\\"", to[] = "\n\r\t\0\a\033\\\"";
    const char *at = strchr(from, **s);
    char c;

    if (**s == 'x' && hex((*s)[1]) >= 0 && hex((*s)[2]) >= 0) {
        c = (char)(hex((*s)[1]) * 16 + hex((*s)[2]));
        *s += 3;
    } else if (**s != '\0' && at != NULL) {
        c = to[at - from];
        ++*s;
    } else
        return false;
    bytes_add(out, &c, 1);
    return true;
}

static bool quoted(const char **s, struct bytes *out)
{
    for (++*s; **s != '"';)
        if (**s == '\0')
            return false;
        else if (**s == '\\') {
            ++*s;
            if (!escape(s, out))
                return false;
        } else
            bytes_add(out, (*s)++, 1);
    ++*s;
    return true;
}

/* n bytes that hold all values and repeat themselves nowhere soon. */
static void binary(struct bytes *out, size_t n)
{
    uint32_t x = 2463534242U; /* Marsaglia's xorshift */

    bytes_grow(out, n);
    for (size_t i = 0; i < n; i++) {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        out->p[out->n++] = (unsigned char)(x >> 24);
    }
    out->p[out->n] = '\0';
}

/* `*N` behind an item, or 1. */
static size_t times(const char **s)
{
    char *end;
    long n;

    if (**s != '*')
        return 1;
    n = strtol(*s + 1, &end, 10);
    if (end == *s + 1 || n < 0 || (size_t)n > data_most)
        script_error("how many times? %s", *s);
    *s = end;
    return (size_t)n;
}

static bool text_item(const char **s, struct bytes *out)
{
    struct bytes one = { 0 };
    bool ok;

    bytes_add(&one, "", 0);
    ok = quoted(s, &one);
    for (size_t n = ok ? times(s) : 0; n > 0; n--)
        bytes_add(out, one.p, one.n);
    bytes_free(&one);
    return ok;
}

static bool item(const char **s, struct bytes *out)
{
    if (**s == '"')
        return text_item(s, out);
    if (strncmp(*s, "binary", 6) != 0)
        return false;
    *s += 6;
    binary(out, times(s));
    return true;
}

bool data_parse(const char **s, struct bytes *out)
{
    bool any = false;

    bytes_add(out, "", 0);
    for (;;) {
        while (**s == ' ')
            ++*s;
        if (**s == '\0' || **s == '|')
            return any;
        if (!item(s, out))
            return false;
        any = true;
    }
}

/* c as a script would write it; how many characters that takes. */
static size_t quote_byte(char to[5], unsigned char c)
{
    static const char from[] = "\n\r\t\"\\", letter[] = "nrt\"\\";
    static const char digit[] = "0123456789abcdef";
    const char *at = c == '\0' ? NULL : strchr(from, c);

    if (at == NULL && c >= 32 && c <= 126) {
        to[0] = (char)c;
        return 1;
    }
    to[0] = '\\';
    to[1] = at != NULL ? letter[at - from] : 'x';
    if (at != NULL)
        return 2;
    to[2] = digit[c >> 4];
    to[3] = digit[c & 15];
    return 4;
}

static size_t byte_width(unsigned char c)
{
    char to[5];

    return quote_byte(to, c);
}

void data_quote(struct bytes *out, const unsigned char *p, size_t n)
{
    char to[5];

    bytes_add(out, "\"", 1);
    for (size_t i = 0; i < n; i++)
        bytes_add(out, to, quote_byte(to, p[i]));
    bytes_add(out, "\"", 1);
}

/* How wide n bytes are once quoted. */
static size_t width(const unsigned char *p, size_t n)
{
    size_t w = 0;

    for (size_t i = 0; i < n; i++)
        w += byte_width(p[i]);
    return w;
}

/* How many of n bytes, quoted, fit into most columns. */
static size_t fitting(const unsigned char *p, size_t n, size_t most)
{
    size_t i = 0;

    for (size_t w = 0; i < n; i++) {
        w += byte_width(p[i]);
        if (w > most)
            break;
    }
    return i;
}

void data_show(struct bytes *out, const unsigned char *p, size_t n)
{
    size_t cut;

    if (n == 0) {
        bytes_text(out, "nothing");
        return;
    }
    cut = fitting(p, n, SHOWN);
    data_quote(out, p, cut);
    if (cut < n)
        bytes_text(out, "... (%zu bytes)", n);
}

/* One side of a comparison: its bytes from `from` on, cut ends shown by dots.
 * In which column byte `at` begins. */
static size_t side(struct bytes *out, const char *label,
                   const unsigned char *p, size_t n, size_t from, size_t at)
{
    size_t shown = n - from, least = at + 1 < n ? at + 1 - from : n - from;

    bytes_text(out, "%-10s%s", label, from > 0 ? "..." : "");
    if (n == 0) {
        bytes_text(out, "nothing\n");
        return 10;
    }
    shown = fitting(p + from, shown, SHOWN);
    shown = shown < least ? least : shown;
    data_quote(out, p + from, shown);
    bytes_text(out, "%s\n", from + shown < n ? "..." : "");
    return (from > 0 ? 14U : 11U) + width(p + from, at - from);
}

/* Where to begin, so that what is before `at` takes AROUND columns. */
static size_t begin_of(const unsigned char *p, size_t at)
{
    size_t from = at, w = 0;

    while (from > 0 && (w += byte_width(p[from - 1])) <= AROUND)
        from--;
    return from;
}

void data_compare(struct bytes *out, const struct bytes *want,
                  const unsigned char *got, size_t n)
{
    size_t at = bytes_same(want->p, got, n < want->n ? n : want->n);
    size_t from = begin_of(want->p, at), col;

    side(out, "expected", want->p, want->n, from, at);
    col = side(out, "received", got, n, from, at);
    if (at >= n)
        bytes_text(out, "%*s^ ends here, after %zu of %zu bytes\n", (int)col,
                   "", n, want->n);
    else
        bytes_text(out, "%*s^ the first that differs: byte %zu of %zu\n",
                   (int)col, "", at + 1, want->n);
}
