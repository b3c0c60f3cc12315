/* http.c - requests as http.h promises. Sections are those of RFC 9112, where
 * no other RFC is named. */
#define _POSIX_C_SOURCE 200809L

#include "http.h"

#include <string.h>
#include <strings.h>

/* ---- Bytes and words ---------------------------------------------------- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Not isalnum(3): that asks the locale. */
static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* tchar of RFC 9110, 5.6.2: what names and methods are made of. */
static bool is_token_char(char c)
{
    return is_letter(c) || c == '-' || is_digit(c) ||
           (c != '\0' && strchr("!#$%&'*+.^_`|~", c) != NULL);
}

/* Any byte below a space, and DEL. Those above 127 are none. */
static bool is_control(char c)
{
    return (unsigned char)c < ' ' || c == 0x7f;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Returns what stands between from and to, without the blanks around it. */
static struct http_text trim(const char *from, const char *to)
{
    while (from < to && is_blank(*from))
        from++;
    while (from < to && is_blank(to[-1]))
        to--;
    return (struct http_text){ from, (size_t)(to - from) };
}

/* Takes the next element off a list with commas (RFC 9110, 5.6.1); an empty one
 * is passed over. Returns false at the list's end. */
static bool next_element(struct http_text *list, struct http_text *element)
{
    const char *end = list->at + list->len;

    element->len = 0;
    while (list->at < end && element->len == 0) {
        const char *comma = memchr(list->at, ',', (size_t)(end - list->at));
        const char *stop = comma != NULL ? comma : end;
        *element = trim(list->at, stop);
        list->at = comma != NULL ? comma + 1 : end;
    }
    list->len = (size_t)(end - list->at);
    return element->len > 0;
}

bool http_is(struct http_text bytes, const char *text)
{
    return bytes.len == strlen(text) && memcmp(bytes.at, text, bytes.len) == 0;
}

/* The same, in any letter case. */
static bool is_word(struct http_text bytes, const char *text)
{
    return bytes.len == strlen(text) &&
           strncasecmp(bytes.at, text, bytes.len) == 0;
}

/* ---- The request line (3) ----------------------------------------------- */

/* Is it one of the four forms of a target (3.2)? "/path?query" is what clients
 * send; "http://host/path" is for proxies, and must be understood too. */
static bool is_target(struct http_text method, struct http_text target)
{
    for (size_t i = 0; i < target.len; i++)
        if (is_control(target.at[i]))
            return false;

    if (http_is(method, "CONNECT"))
        return true;
    if (http_is(method, "OPTIONS") && http_is(target, "*"))
        return true;
    return target.at[0] == '/' ||
           (target.len > 7 && strncasecmp(target.at, "http://", 7) == 0) ||
           (target.len > 8 && strncasecmp(target.at, "https://", 8) == 0);
}

static bool is_token(struct http_text text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!is_token_char(text.at[i]))
            return false;
    return text.len > 0;
}

/* Returns 0 for "HTTP/1.N", or the status that the version deserves (2.3). */
static int read_version(struct http_request *r, struct http_text version)
{
    const char *v = version.at;

    if (version.len != 8 || memcmp(v, "HTTP/", 5) != 0 || !is_digit(v[5]) ||
        v[6] != '.' || !is_digit(v[7]))
        return 400;
    r->minor = v[7] - '0';
    return v[5] == '1' ? 0 : 505;
}

/* Takes a request line apart: METHOD SP TARGET SP VERSION, one space each.
 * Returns 0, or the status of a bad one. */
static int read_request_line(struct http_request *r, struct http_text line)
{
    const char *end = line.at + line.len;
    const char *one = memchr(line.at, ' ', line.len);
    if (one == NULL)
        return 400;
    const char *two = memchr(one + 1, ' ', (size_t)(end - one - 1));
    if (two == NULL || two == one + 1)
        return 400;

    r->method = (struct http_text){ line.at, (size_t)(one - line.at) };
    r->target = (struct http_text){ one + 1, (size_t)(two - one - 1) };
    if (!is_token(r->method))
        return 400;
    int status =
        read_version(r, (struct http_text){ two + 1, (size_t)(end - two - 1) });
    if (status != 0)
        return status;
    return is_target(r->method, r->target) ? 0 : 400;
}

/* ---- The fields (5) ----------------------------------------------------- */

/* Host: a name or an address, and perhaps a port. It may be empty, but there
 * are never two (3.2). */
static int read_host(struct http_request *r, struct http_text value)
{
    for (size_t i = 0; i < value.len; i++) {
        char c = value.at[i];
        if (!is_letter(c) && !is_digit(c) &&
            strchr("-._~%!$&'()*+,;=:[]", c) == NULL)
            return 400;
    }
    return ++r->nhosts == 1 ? 0 : 400;
}

/* Content-Length: digits, once. Two of them, or "5, 5", could be the same
 * number; nobody honest sends that (6.3). */
static int read_length(struct http_request *r, struct http_text value)
{
    if (r->has_length || value.len == 0)
        return 400;
    r->has_length = true;
    for (size_t i = 0; i < value.len; i++) {
        if (!is_digit(value.at[i]) || r->left > 100000000000000000)
            return 400;
        r->left = r->left * 10 + (unsigned long long)(value.at[i] - '0');
    }
    return 0;
}

/* Transfer-Encoding: of the codings, "chunked" is the last, and comes once;
 * the only one that is understood here (6.1). */
static int read_codings(struct http_request *r, struct http_text value)
{
    struct http_text coding;

    r->has_codings = true;
    while (next_element(&value, &coding)) {
        if (r->chunked)
            return 400;
        if (is_word(coding, "chunked"))
            r->chunked = true;
        else
            r->unknown_coding = true;
    }
    return 0;
}

static int read_connection(struct http_request *r, struct http_text value)
{
    struct http_text option;

    while (next_element(&value, &option)) {
        r->says_close |= is_word(option, "close");
        r->says_keep_alive |= is_word(option, "keep-alive");
    }
    return 0;
}

static int read_expect(struct http_request *r, struct http_text value)
{
    r->expects_continue |= is_word(value, "100-continue");
    return 0;
}

/* The fields that say where a request ends and what comes then. */
static const struct known {
    const char *name;
    int (*read)(struct http_request *r, struct http_text value);
} known[] = {
    { "Host", read_host },
    { "Connection", read_connection },
    { "Content-Length", read_length },
    { "Transfer-Encoding", read_codings },
    { "Expect", read_expect },
};

/* Reads a line "NAME: VALUE". No blank stands before NAME: such a line once
 * went on with the one before it (5.2). None stands before the colon (5.1), and
 * VALUE holds no CR, NUL or other control but tabs (RFC 9110, 5.5).
 * Returns 0, or the status of a bad one. */
static int read_field(struct http_request *r, struct http_text line)
{
    const char *colon = memchr(line.at, ':', line.len);
    if (colon == NULL)
        return 400;
    struct http_text name = { line.at, (size_t)(colon - line.at) };
    struct http_text value = trim(colon + 1, line.at + line.len);

    if (!is_token(name))
        return 400;
    for (size_t i = 0; i < value.len; i++)
        if (is_control(value.at[i]) && value.at[i] != '\t')
            return 400;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (is_word(name, known[i].name))
            return known[i].read(r, value);
    return 0;
}

struct http_text http_field(const struct http_request *r, const char *name)
{
    const char *buf = r->line.at - r->request_start;
    const char *at = buf + r->fields_start, *end = buf + r->size, *lf;

    while ((lf = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        const char *colon = memchr(at, ':', (size_t)(lf - at));
        if (colon == NULL)
            break; /* the empty line */
        struct http_text found = { at, (size_t)(colon - at) };
        if (is_word(found, name))
            return trim(colon + 1, lf[-1] == '\r' ? lf - 1 : lf);
        at = lf + 1;
    }
    return (struct http_text){ NULL, 0 };
}

/* Where in a chunked body the next byte is (7.1):
 *     SIZE [;EXTENSION] CR LF  DATA CR LF ... 0 CR LF  [FIELD CR LF]... CR LF
 * A bare LF ends no line here: what reads it otherwise sees another body. */
enum { SIZE,
       SIZE_MORE,
       EXTENSION,
       SIZE_LF,
       DATA,
       DATA_CR,
       DATA_LF,
       FIELD_START,
       FIELD,
       FIELD_LF,
       LAST_LF,
       OVER,
       BROKEN };

/* ---- The head, line by line (2.2) --------------------------------------- */

/* At the empty line: do the fields go together? Returns 200, or the status. */
static int end_of_head(struct http_request *r)
{
    if (r->minor > 0 && r->nhosts == 0)
        return 400;
    /* Both lengths, or a coding that HTTP/1.0 does not know (6.1, 6.3). */
    if (r->has_codings && (r->has_length || r->minor == 0))
        return 400;
    if (r->unknown_coding)
        return 501;
    if (r->has_codings && !r->chunked)
        return 400;

    r->size = r->line_start;
    r->keep_alive = !r->says_close && (r->minor > 0 || r->says_keep_alive);
    r->has_body = r->chunked || r->left > 0;
    r->state = r->chunked ? SIZE : DATA;
    r->expects_continue = r->expects_continue && r->has_body && r->minor > 0;
    return 200;
}

/* Reads a whole line, without its CR LF or LF. Empty lines before the request
 * line are passed over, for some clients end a body with one. Returns 0 to go
 * on, 200 at the end of the head, or the status of a bad request. */
static int read_a_line(struct http_request *r, struct http_text line)
{
    if (r->line.len > 0)
        return line.len > 0 ? read_field(r, line) : end_of_head(r);
    if (line.len == 0) {
        r->request_start = r->line_start;
        return 0;
    }
    r->line = line;
    r->fields_start = r->line_start;
    return read_request_line(r, line);
}

/* The texts of r, where the buffer is now: it may have moved. */
static void place_texts(struct http_request *r, const char *buf)
{
    r->line.at = buf + r->request_start;
    r->method.at = r->line.at;
    r->target.at = r->line.at + r->method.len + 1;
}

/* Finds the next whole line and its length without its CR LF or LF. Returns 200
 * where there is one, 0 where its end has not come yet, 431 where it is too
 * long or one too many. */
static int next_line(struct http_request *r, const char *buf, size_t n,
                     struct http_text *line)
{
    const char *lf = NULL;

    if (r->scanned < n)
        lf = memchr(buf + r->scanned, '\n', n - r->scanned);
    *line = (struct http_text){ buf + r->line_start, 0 };
    line->len = (lf != NULL ? (size_t)(lf - buf) : n) - r->line_start;
    if (line->len > 0 && line->at[line->len - 1] == '\r')
        line->len--;

    r->scanned = lf != NULL ? (size_t)(lf + 1 - buf) : n;
    if (line->len > HTTP_MAX_LINE)
        return 431;
    if (lf == NULL)
        return 0;
    r->line_start = r->scanned;
    return ++r->nlines > HTTP_MAX_LINES ? 431 : 200;
}

int http_head(struct http_request *r, const char *buf, size_t n)
{
    struct http_text line;
    int status;

    place_texts(r, buf);
    while ((status = next_line(r, buf, n, &line)) == 200) {
        status = read_a_line(r, line);
        if (status != 0)
            break;
    }
    return status;
}

/* ---- The body (6, 7) ----------------------------------------------------  */

/* Takes a digit of a chunk's size, or what ends it. Returns the next state.
 * Sizes that are far too big need not be exact. */
static int read_size(struct http_request *r, char c)
{
    static const char digits[] = "0123456789abcdef";
    char lower = c >= 'A' && c <= 'F' ? (char)(c - 'A' + 'a') : c;
    const char *digit = c != '\0' ? strchr(digits, lower) : NULL;

    if (digit != NULL) {
        if (r->left <= HTTP_MAX_BODY)
            r->left = r->left * 16 + (unsigned long long)(digit - digits);
        return SIZE_MORE;
    }
    if (r->state == SIZE)
        return BROKEN;
    return c == ';' ? EXTENSION : c == '\r' ? SIZE_LF
                                            : BROKEN;
}

/* A CR ends a line here, other controls may not be in it. */
static int in_line(char c, int at_cr, int otherwise)
{
    if (c == '\r')
        return at_cr;
    return is_control(c) && c != '\t' ? BROKEN : otherwise;
}

/* Takes a byte that is not data. Returns the next state. */
static int read_frame(struct http_request *r, char c)
{
    switch (r->state) {
    case SIZE:
    case SIZE_MORE:
        return read_size(r, c);
    case EXTENSION:
        return in_line(c, SIZE_LF, EXTENSION);
    case SIZE_LF:
        return c != '\n' ? BROKEN : r->left > 0 ? DATA
                                                : FIELD_START;
    case DATA_CR:
        return c == '\r' ? DATA_LF : BROKEN;
    case DATA_LF:
        return c == '\n' ? SIZE : BROKEN;
    case FIELD_START:
        return in_line(c, LAST_LF, FIELD);
    case FIELD:
        return in_line(c, FIELD_LF, FIELD);
    case FIELD_LF:
        return c == '\n' ? FIELD_START : BROKEN;
    case LAST_LF:
        return c == '\n' ? OVER : BROKEN;
    }
    return BROKEN;
}

/* Takes up to n bytes of data. Returns how many. */
static size_t skip_data(struct http_request *r, size_t n)
{
    size_t taken = r->left < n ? (size_t)r->left : n;

    r->left -= taken;
    if (r->left == 0)
        r->state = r->chunked ? DATA_CR : OVER;
    return taken;
}

int http_skip(struct http_request *r, const char *buf, size_t n, size_t *used)
{
    *used = 0;
    if (!r->has_body)
        r->state = OVER;
    while (r->state != OVER && r->state != BROKEN) {
        size_t taken = 1;
        if (r->skipped + (r->state == DATA ? r->left : 0) > HTTP_MAX_BODY)
            return 413;
        if (*used == n)
            return 0;
        if (r->state == DATA)
            taken = skip_data(r, n - *used);
        else
            r->state = read_frame(r, buf[*used]);
        *used += taken;
        r->skipped += taken;
    }
    return r->state == OVER ? 200 : 400;
}
