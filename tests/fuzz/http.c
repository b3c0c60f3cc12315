/* http.c - nonsense for lib/http.h. `make fuzz` builds it with libFuzzer.
 *
 * An input is a request and what follows it. It is read whole, and in pieces
 * whose sizes are those of its own bytes, in a buffer that moves: both must say
 * the same, and nobody may look beyond the bytes that have come.
 */
#define _POSIX_C_SOURCE 200809L

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http.h"

static void must(bool ok)
{
    if (!ok)
        abort();
}

/* A copy of n bytes, with nothing behind it: ASan then sees who looks there. */
static char *copy(const uint8_t *from, size_t n)
{
    char *to = calloc(n > 0 ? n : 1, 1);

    if (to == NULL)
        abort();
    if (n > 0)
        memcpy(to, from, n);
    return to;
}

static bool inside(struct http_text text, const char *buf, size_t n)
{
    return text.at >= buf && text.at + text.len <= buf + n;
}

/* What must hold for every request that is taken. */
static void look_at(const struct http_request *r, const char *buf, size_t n)
{
    must(r->size <= n && r->size >= 14 && buf[r->size - 1] == '\n');
    must(inside(r->line, buf, r->size) && inside(r->method, buf, r->size));
    must(inside(r->target, buf, r->size) && r->target.len > 0);
    must(memchr(buf, '\0', r->size) == NULL);
    must(r->minor == 0 || http_field(r, "host").at != NULL);
    must(!r->has_length || !r->has_codings);
    must(http_field(r, "no name").at == NULL); /* no field is called so */
    must(!r->expects_continue || r->has_body);
}

/* The same head in pieces. */
static int slowly(struct http_request *r, const uint8_t *data, size_t n,
                  char **buf)
{
    int status = 0;

    *buf = NULL;
    for (size_t i = 0; status == 0; i += 1 + data[i] % 32) {
        size_t len = i < n ? i : n;
        free(*buf);
        *buf = copy(data, len);
        status = http_head(r, *buf, len);
        if (len == n)
            break;
    }
    return status;
}

/* Skips the body in pieces of a size. Returns the status; *used: of all. */
static int skip(struct http_request r, const uint8_t *data, size_t n,
                size_t piece, size_t *used)
{
    int status = 0;

    *used = 0;
    do {
        size_t len = n - *used < piece ? n - *used : piece, taken = 0;
        char *buf = copy(data + *used, len);
        status = http_skip(&r, buf, len, &taken);
        free(buf);
        must(taken <= len && (status != 0 || taken == len));
        *used += taken;
    } while (status == 0 && *used < n);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct http_request r = { 0 }, s = { 0 };
    char *buf = copy(data, n), *pieces;
    int status = http_head(&r, buf, n);

    must(status == 0 || status == 200 || status == 400 || status == 431 ||
         status == 501 || status == 505);
    must(n == 0 || slowly(&s, data, n, &pieces) == status);
    if (status == 200) {
        look_at(&r, buf, n);
        must(s.size == r.size && s.keep_alive == r.keep_alive &&
             s.has_body == r.has_body && s.left == r.left &&
             s.target.len == r.target.len);
        size_t one, other;
        const uint8_t *body = data + r.size;
        int whole = skip(r, body, n - r.size, n + 1, &one);
        must(skip(r, body, n - r.size, 1 + data[0] % 7, &other) == whole);
        must(one == other);
    }
    free(buf);
    if (n > 0)
        free(pieces);
    return 0;
}
