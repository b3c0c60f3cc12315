/* http.h - requests as RFC 9112 has them, for 27-file-server and
 * 29-event-loop.
 *
 * These are pure functions over bytes that you have read yourself: nothing
 * here reads, writes, waits, prints or allocates, so that a thread for each
 * client can use them and an event loop too. In a server they look like this:
 *
 *     struct http_request r = { 0 };      for each request
 *     http_head(&r, buf, n)               after each read(2), until it is not 0
 *     http_skip(&r, buf + r.size, ...)    where r.has_body
 *     answer, and go on with what follows in buf, or close: r.keep_alive
 *
 * What is doubtful is refused and never guessed: where two programs read a
 * request differently, a second one can be hidden in it (RFC 9112, 11.2,
 * request smuggling).
 */
#ifndef HTTP_H
#define HTTP_H

#include <stdbool.h>
#include <stddef.h>

#define HTTP_MAX_LINE 8192          /* bytes, CR LF or LF not counted */
#define HTTP_MAX_LINES 100          /* of a head, the empty one counted */
#define HTTP_MAX_BODY (1024 * 1024) /* bytes that http_skip() skips, in all */

/* Some bytes of the buffer. No '\0' ends them, and none is in them. at is NULL
 * where there is no such thing. */
struct http_text {
    const char *at;
    size_t len;
};

/* A request: begin with all of it 0. */
struct http_request {
    /* Known once http_head() has returned anything but 0. */
    struct http_text line; /* the request line, as far as there is one */

    /* Known once http_head() has returned 200. */
    struct http_text method; /* "GET"; letter case counts */
    struct http_text target; /* "/a%20b?c", as it was sent */
    size_t size;             /* the head's bytes, its empty line included */
    int minor;               /* of the version HTTP/1.minor */
    bool keep_alive;         /* the connection stays open after the answer */
    bool has_body;           /* see http_skip() */
    bool expects_continue;   /* and it comes after a "100 Continue" only */

    /* For the functions alone: offsets in the buffer, which may move. */
    size_t scanned, line_start, request_start, fields_start;
    int nlines, nhosts;
    bool has_length, has_codings, chunked, unknown_coding;
    bool says_close, says_keep_alive;
    unsigned long long left; /* of the body or of its chunk */
    size_t skipped;
    int state;
};

/* Looks for a whole head in the first n bytes of buf, which begins with the
 * request. Call it again with the same r when more bytes have come: those that
 * it has seen are not looked at again. The buffer may have moved meanwhile.
 * Returns 0: not whole yet; 200: whole, and r tells all; else the status to
 * answer with before closing: 400 bad request, 431 a line too long or too many
 * of them, 501 an unknown transfer coding, 505 another version than HTTP/1.x.
 * It returns them as soon as they are certain, which may be before the end.
 * Texts in r hold as long as the buffer does not change.
 * Source: RFC 9112, 2.2 to 7. */
int http_head(struct http_request *r, const char *buf, size_t n);

/* The value of the head's first field of that name (in any letter case),
 * without the spaces around it; at is NULL where there is none. */
struct http_text http_field(const struct http_request *r, const char *name);

/* Skips the body: it lies behind the head, but n bytes at buf are the next of
 * it. *used is set to how many of them belong to the body; those behind it are
 * the next request. Where r->expects_continue, the client sends it only after
 * the line `HTTP/1.1 100 Continue` and an empty one (RFC 9110, 10.1.1).
 * Returns 0: not over yet, and all n are used; 200: it is over; 400: broken
 * chunks, 413: longer than HTTP_MAX_BODY; after these two, answer and close.
 * Source: RFC 9112, 6 and 7.1. */
int http_skip(struct http_request *r, const char *buf, size_t n, size_t *used);

/* Are these the bytes of text? Letter case counts. */
bool http_is(struct http_text bytes, const char *text);

#endif
