/* Bytes: how a script writes them and how a person reads them. */
#include "peer.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { AROUND = 24, SHOWN = 56 };

void bytes_add(struct bytes *b, const void *p, size_t n)
{
    if (b->n + n + 1 > b->room) {
        b->room = (b->n + n + 1) * 2;
        b->p = realloc(b->p, b->room);
        if (b->p == NULL)
            script_error("out of memory");
    }
    if (n > 0)
        memcpy(b->p + b->n, p, n);
    b->n += n;
    b->p[b->n] = '\0';      /* so that it can be printed as a string */
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
        bytes_add(b, line, (size_t)n < sizeof line ? (size_t)n
                                                   : sizeof line - 1);
}

void bytes_free(struct bytes *b)
{
    free(b->p);
    *b = (struct bytes){ 0 };
}

size_t bytes_find(const struct bytes *b, size_t from, const void *what,
                  size_t n)
{
    for (size_t i = from; i + n <= b->n; i++)
        if (memcmp(b->p + i, what, n) == 0)
            return i;
    return SIZE_MAX;
}

static int hex(int c)
{
    return isdigit(c) ? c - '0' : isxdigit(c) ? tolower(c) - 'a' + 10 : -1;
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
    uint32_t x = 2463534242U;       /* Marsaglia's xorshift */

    for (size_t i = 0; i < n; i++) {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        bytes_add(out, &(unsigned char){ (unsigned char)(x >> 24) }, 1);
    }
}

static long times(const char **s)
{
    char *end;
    long n = 1;

    if (**s == '*') {
        n = strtol(*s + 1, &end, 10);
        *s = end;
    }
    return n;
}

static bool item(const char **s, struct bytes *out)
{
    struct bytes one = { 0 };
    bool ok = true;

    if (strncmp(*s, "binary", 6) == 0) {
        *s += 6;
        binary(out, (size_t)times(s));
        return true;
    }
    bytes_add(&one, "", 0);
    ok = **s == '"' && quoted(s, &one);
    for (long n = ok ? times(s) : 0; n > 0; n--)
        bytes_add(out, one.p, one.n);
    bytes_free(&one);
    return ok;
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

static void quote_byte(struct bytes *out, unsigned char c)
{
    static const char from[] = "\n\r\t\"\\", to[] = "nrt\"\\";
    const char *at = c == '\0' ? NULL : strchr(from, c);

    if (at != NULL)
        bytes_text(out, "\\%c", to[at - from]);
    else if (c < 32 || c > 126)
        bytes_text(out, "\\x%02x", c);
    else
        bytes_add(out, &c, 1);
}

void data_quote(struct bytes *out, const unsigned char *p, size_t n)
{
    bytes_text(out, "\"");
    for (size_t i = 0; i < n; i++)
        quote_byte(out, p[i]);
    bytes_text(out, "\"");
}

/* How wide bytes from..to are once quoted. */
static size_t width(const unsigned char *p, size_t from, size_t to)
{
    struct bytes b = { 0 };
    size_t n;

    data_quote(&b, p + from, to - from);
    n = b.n - 2;
    bytes_free(&b);
    return n;
}

void data_show(struct bytes *out, const unsigned char *p, size_t n)
{
    size_t cut = n;

    if (n == 0) {
        bytes_text(out, "nothing");
        return;
    }
    while (cut > 1 && width(p, 0, cut) > SHOWN)
        cut = cut > 2 * SHOWN ? 2 * SHOWN : cut - 1;
    data_quote(out, p, cut);
    if (cut < n)
        bytes_text(out, "... (%zu bytes)", n);
}

/* One side of a comparison: its bytes from..to, cut ends shown by dots. */
static size_t side(struct bytes *out, const char *label,
                   const unsigned char *p, size_t n, size_t from, size_t at)
{
    size_t to = at + 1 < n ? at + 1 : n;

    while (to < n && width(p, from, to + 1) <= SHOWN)
        to++;
    bytes_text(out, "%-10s%s", label, from > 0 ? "..." : "");
    if (n == 0)
        bytes_text(out, "nothing");
    else
        data_quote(out, p + from, to - from);
    bytes_text(out, "%s\n", to < n ? "..." : "");
    if (n == 0)
        return 10;
    return (from > 0 ? 14U : 11U) + width(p, from, at < n ? at : n);
}

void data_compare(struct bytes *out, const struct bytes *want,
                  const unsigned char *got, size_t n)
{
    size_t at = 0, from, col;

    while (at < n && at < want->n && got[at] == want->p[at])
        at++;
    from = at > AROUND ? at - AROUND : 0;
    while (from < at && width(want->p, from, at) > AROUND)
        from++;
    side(out, "expected", want->p, want->n, from, at);
    col = side(out, "received", got, n, from, at);
    if (at >= n)
        bytes_text(out, "%*s^ ends here, after %zu of %zu bytes\n", (int)col,
                   "", n, want->n);
    else
        bytes_text(out, "%*s^ the first that differs: byte %zu of %zu\n",
                   (int)col, "", at + 1, want->n);
}
