/* An HTTP answer that ends by its own length, on a connection that may stay
 * open: `gets reply`, and what is asked about the last one: `replied`. */
#define _GNU_SOURCE
#ifdef __APPLE__
#define _DARWIN_C_SOURCE
#endif
#include "peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What await() looks for; a script has one thread. */
static const char *codes; /* "200|206" */
static bool to_head;
static bool may_be_cut;
static struct reply {
    size_t head, body, end; /* places in a->in; end: of all */
    const char *wrong;      /* or NULL */
} reply;

static bool wrong(const char *why)
{
    reply.wrong = why;
    return true;
}

/* Chunks (RFC 9112, 7.1) from body on. Returns whether they are whole, or
 * wrong; what they hold goes to data where that is not NULL. */
static bool take_chunks(const struct actor *a, struct bytes *data)
{
    size_t at = reply.body;

    for (;;) {
        const char *line = (const char *)a->in.p + at;
        size_t nl = bytes_find(&a->in, at, "\r\n", 2), digits, size;

        if (nl == SIZE_MAX)
            return false;
        digits = strspn(line, "0123456789abcdefABCDEF"); /* and no 0x */
        if (digits == 0 || (line[digits] != '\r' && line[digits] != ';'))
            return wrong("its body is chunked, and a chunk's size is wrong");
        size = strtoul(line, NULL, 16);
        at = nl + 2;
        if (size == 0)
            break;
        if (size > a->in.n - at || a->in.n - at - size < 2)
            return false;
        if (memcmp(a->in.p + at + size, "\r\n", 2) != 0)
            return wrong("its body is chunked, and no CR LF ends a chunk");
        if (data != NULL)
            bytes_add(data, a->in.p + at, size);
        at += size + 2;
    }
    reply.end = bytes_find(&a->in, at - 2, "\r\n\r\n", 4) + 4;
    return reply.end >= 4;
}

/* Has as much come as Content-Length says, or does it say nothing sensible? */
static bool has_length(const struct actor *a, const char *length, size_t n)
{
    size_t size;

    if (n == 0 || strspn(length, "0123456789") != n)
        return wrong("its Content-Length is no number");
    size = strtoul(length, NULL, 10);
    if (a->in.n - reply.body < size)
        return false;
    reply.end = reply.body + size;
    return true;
}

static bool no_body(const char *head)
{
    return to_head || http_status(head, "204|304") ||
           strncmp(head + 8, " 1", 2) == 0;
}

/* The head's lines are in CR LF, and its first one is a status line. */
static bool begins(struct actor *a)
{
    size_t at = reply.head = a->used;
    size_t end = bytes_find(&a->in, at, "\r\n\r\n", 4);

    if (a->in.n > at && memcmp(a->in.p + at, "HTTP/1.",
                               a->in.n - at < 7 ? a->in.n - at : 7) != 0)
        return wrong("it does not begin with HTTP/1.");
    if (end == SIZE_MAX)
        return false;
    reply.body = end + 4;
    return true;
}

/* Is a whole one there, or one that is wrong? "100 Continue" and its like come
 * before the answer. */
static bool is_whole(struct actor *a)
{
    const char *head, *value;
    size_t n;

    reply = (struct reply){ 0 };
    while (begins(a) && reply.wrong == NULL) {
        head = (const char *)a->in.p + reply.head;
        if (http_status(head, codes) || strncmp(head + 8, " 1", 2) != 0)
            break;
        a->used = reply.body;
        reply.body = 0;
    }
    if (reply.wrong != NULL)
        return true;
    if (reply.body == 0)
        return stream_over(a);
    head = (const char *)a->in.p + reply.head;
    reply.end = reply.body;
    if (!http_status(head, codes))
        return wrong("it has another status");
    if (no_body(head))
        return true;
    value = http_field(head, "Transfer-Encoding", &n);
    if (value != NULL && n == 7 && strncasecmp(value, "chunked", 7) == 0)
        return take_chunks(a, NULL) || (reply.end = 0, stream_over(a));
    value = http_field(head, "Content-Length", &n);
    if (value != NULL)
        return has_length(a, value, n) || (reply.end = 0, stream_over(a));
    reply.end = a->in.n;
    return stream_over(a);
}

static _Noreturn void bad_reply(struct actor *a, const char *why)
{
    struct bytes out = { 0 };

    bytes_text(&out, "expected  a whole answer %s\n%s\n", codes, why);
    http_show(&out, a);
    fail_here(&out);
}

/* Keeps head and body apart: for `replied`. */
static void keep(struct actor *a)
{
    const char *value;
    size_t n;

    bytes_free(&a->before);
    a->before = a->head;
    a->head = (struct bytes){ 0 };
    bytes_free(&a->body);
    bytes_add(&a->head, a->in.p + reply.head, reply.body - reply.head);
    bytes_add(&a->body, "", 0);
    value = http_field((char *)a->head.p, "Transfer-Encoding", &n);
    if (value != NULL && reply.end > reply.body)
        take_chunks(a, &a->body);
    else
        bytes_add(&a->body, a->in.p + reply.body, reply.end - reply.body);
    a->used = reply.end;
}

/* Is its body DATA, or, where it may be cut, how DATA begins? */
static void compare_body(struct actor *a, const char *data)
{
    struct bytes expected = { 0 }, out = { 0 };
    size_t n = a->body.n;

    if (!data_parse(&data, &expected))
        script_error("bad data: %s", data);
    if (n > expected.n || (n < expected.n && !may_be_cut) ||
        memcmp(a->body.p, expected.p, n) != 0) {
        bytes_text(&out, may_be_cut && n >= expected.n
                             ? "the answer was not cut, but filled up\n"
                             : "the answer's body is another one\n");
        data_compare(&out, &expected, a->body.p, a->body.n);
        fail_here(&out);
    }
    bytes_free(&expected);
}

/* The connection ended before the answer was whole: what came of it, be it
 * nothing, is all there is. */
static void take_cut(struct actor *a)
{
    if (reply.body == 0)
        reply.body = a->in.n;
    reply.end = a->in.n;
}

/* CODES [to HEAD] [DATA], CODES cut-off DATA */
void gets_reply(struct actor *a, const char *rest)
{
    static char text[64], why[128];
    int used = 0;

    if (sscanf(rest, "%63s %n", text, &used) != 1)
        script_error("gets reply CODES [to HEAD] [DATA]");
    codes = text;
    rest += used;
    to_head = strncmp(rest, "to HEAD", 7) == 0;
    rest += to_head ? 7 : 0;
    may_be_cut = strncmp(rest, "cut-off ", 8) == 0;
    rest += may_be_cut ? 8 : 0;
    a->reading = true;
    if (!await(is_whole, a)) {
        snprintf(why, sizeof why, "it is not whole, %s", why_not);
        bad_reply(a, why);
    }
    a->reading = false;
    if (reply.wrong != NULL)
        bad_reply(a, reply.wrong);
    if (reply.end == 0 && may_be_cut)
        take_cut(a);
    if (reply.end == 0)
        bad_reply(a, "the connection ended before all of it had come");
    keep(a);
    if (*rest != '\0')
        compare_body(a, rest);
}

/* ---- what is asked about it ---- */

static _Noreturn void bad_field(struct actor *a, const char *what,
                                const char *verb, const char *rest)
{
    struct bytes out = { 0 };

    bytes_text(&out, "expected  %s%s%s %s\nreceived\n", what,
               *verb != '\0' ? " " : ":", verb, rest);
    for (char *p = (char *)a->head.p; *p != '\0'; p += strcspn(p, "\n") + 1) {
        bytes_text(&out, "  ");
        data_show(&out, (unsigned char *)p, strcspn(p, "\n") + 1);
        bytes_text(&out, "\n");
    }
    fail_here(&out);
}

/* Is the field, or does it begin with, one of these? */
static bool is_one_of(struct actor *a, const char *name, const char *data,
                      bool begins_so)
{
    size_t n = 0;
    const char *value = http_field((char *)a->head.p, name, &n);

    for (bool more = true; more && value != NULL;) {
        struct bytes want = { 0 };
        bool same;

        if (!data_parse(&data, &want))
            script_error("bad data: %s", data);
        same = n >= want.n && memcmp(value, want.p, want.n) == 0 &&
               (begins_so || n == want.n);
        bytes_free(&want);
        if (same)
            return true;
        more = *data++ == '|';
    }
    return false;
}

/* FIELD [[not] begins] DATA | DATA */
static void field_is_one_of(struct actor *a, const char *name,
                            const char *rest)
{
    bool never = strncmp(rest, "not begins ", 11) == 0;
    bool begins_so = never || strncmp(rest, "begins ", 7) == 0;
    const char *data = rest + (never ? 11 : begins_so ? 7 : 0);

    if (is_one_of(a, name, data, begins_so) == never)
        bad_field(a, name, never ? "not begins" : begins_so ? "begins" : "",
                  data);
}

/* FIELD lacks DATA | DATA: none of these is in it, in any letter case. */
static void field_lacks(struct actor *a, const char *name, const char *data)
{
    size_t n = 0;
    const char *value = http_field((char *)a->head.p, name, &n), *p = data;

    for (bool more = true; more && value != NULL; more = *p++ == '|') {
        struct bytes one = { 0 };
        bool found = false;

        if (!data_parse(&p, &one))
            script_error("bad data: %s", p);
        for (size_t i = 0; i + one.n <= n && !found; i++)
            found = strncasecmp(value + i, (char *)one.p, one.n) == 0;
        bytes_free(&one);
        if (found)
            bad_field(a, name, "without", data);
    }
}

/* same FIELD: as the reply before had it, if both have it. */
static void field_is_same(struct actor *a, const char *name)
{
    struct bytes was = { 0 };
    size_t n = 0, nbefore = 0;
    const char *value = http_field((char *)a->head.p, name, &n), *before;

    if (a->before.p == NULL)
        script_error("%s has got one reply only", a->name);
    before = http_field((char *)a->before.p, name, &nbefore);
    if (value == NULL || before == NULL ||
        (n == nbefore && memcmp(value, before, n) == 0))
        return;
    data_quote(&was, (const unsigned char *)before, nbefore);
    bad_field(a, name, "as in the reply before,", (char *)was.p);
}

/* Shows the body from the line of at on, some lines of it. */
static _Noreturn void bad_body(struct actor *a, const char *what,
                               const struct bytes *data, size_t at)
{
    struct bytes out = { 0 };
    const unsigned char *p = a->body.p + at, *end = a->body.p + a->body.n;

    while (p > a->body.p && p[-1] != '\n')
        p--;

    bytes_text(&out, "expected  a body %s ", what);
    data_show(&out, data->p, data->n);
    bytes_text(&out, "\nreceived%s\n", a->body.n == 0 ? "  an empty one" : "");
    for (int i = 0; i < 12 && p < end; i++) {
        const unsigned char *nl = memchr(p, '\n', (size_t)(end - p));
        size_t n = nl == NULL ? (size_t)(end - p) : (size_t)(nl - p) + 1;

        bytes_text(&out, "  ");
        data_show(&out, p, n);
        bytes_text(&out, "\n");
        p += n;
    }
    fail_here(&out);
}

/* holds DATA | DATA: these, in this order. lacks DATA | DATA: none. */
static void body_holds(struct actor *a, const char *rest)
{
    bool lacks = strncmp(rest, "lacks ", 6) == 0;
    size_t at = 0;

    if (!lacks && strncmp(rest, "holds ", 6) != 0)
        script_error("replied body holds DATA, lacks DATA");
    rest += 6;
    for (bool more = true; more;) {
        struct bytes data = { 0 };
        size_t found;

        if (!data_parse(&rest, &data))
            script_error("bad data: %s", rest);
        found = bytes_find(&a->body, lacks ? 0 : at, data.p, data.n);
        if (lacks && found != SIZE_MAX)
            bad_body(a, "without", &data, found);
        if (!lacks && found == SIZE_MAX)
            bad_body(a, at > 0 ? "that goes on with" : "that holds", &data,
                     at);
        at = lacks ? 0 : found + data.n;
        bytes_free(&data);
        more = *rest++ == '|';
    }
}

/* What a reference stands for in an attribute, as far as ASCII needs it: &lt;
 * or &#60; or &#x3c;. Where it ends; *c is -1 where it is none. */
static const char *dereference(const char *p, int *c)
{
    static const struct {
        const char *name;
        int c;
    } named[] = { { "&amp;", '&' }, { "&lt;", '<' }, { "&gt;", '>' },
                  { "&quot;", '"' }, { "&apos;", '\'' } };
    char *end;

    for (size_t i = 0; i < sizeof named / sizeof *named; i++)
        if (strncmp(p, named[i].name, strlen(named[i].name)) == 0) {
            *c = named[i].c;
            return p + strlen(named[i].name);
        }
    *c = -1;
    if (p[1] != '#')
        return p;
    *c = (int)strtol(p + 2 + (p[2] == 'x'), &end, p[2] == 'x' ? 16 : 10);
    return *end == ';' ? end + 1 : (*c = -1, p);
}

/* The attribute's value from p to end, without its references. */
static void add_value(struct bytes *out, const char *p, const char *end)
{
    bytes_add(out, "", 0);
    while (p < end) {
        int c = -1;
        char byte = *p;

        if (*p == '&')
            p = dereference(p, &c);
        if (c < 0)
            p++;
        else
            byte = (char)c;
        bytes_add(out, &byte, 1);
    }
}

/* The name that a link leads to: its path's last part, decoded once; a slash
 * behind it is no part of the name. */
static void add_name(struct bytes *out, const struct bytes *url)
{
    char *p = (char *)url->p, *name = p;
    unsigned value;

    p[strcspn(p, "?#")] = '\0';
    if (strlen(p) > 1 && p[strlen(p) - 1] == '/')
        p[strlen(p) - 1] = '\0';
    if (strrchr(p, '/') != NULL)
        name = strrchr(p, '/') + 1;
    bytes_add(out, "", 0);
    for (; *name != '\0'; name++) {
        char byte = *name;

        if (*name == '%' && sscanf(name + 1, "%2x", &value) == 1) {
            byte = (char)value;
            name += 2;
        }
        bytes_add(out, &byte, 1);
    }
}

/* The next link behind *at, `<a ... href="...">`; false: there is none. */
static bool next_link(const char **at, struct bytes *name)
{
    struct bytes url = { 0 };
    const char *href = NULL, *end, *tag = *at;

    while (href == NULL) {
        tag = strcasestr(tag, "<a ");
        if (tag == NULL)
            return false;
        href = strcasestr(tag, "href=");
        tag += 3;
    }
    href += strlen("href=");
    if (*href == '"' || *href == '\'') {
        end = strchr(href + 1, *href);
        href++;
    } else
        end = href + strcspn(href, " >");
    if (end == NULL)
        return false;
    add_value(&url, href, end);
    add_name(name, &url);
    bytes_free(&url);
    *at = end;
    return true;
}

/* links DATA | DATA: the page's links lead to these, in this order. Those to
 * the folder itself or the one above are free. */
static void links_are(struct actor *a, const char *rest)
{
    const char *at = (char *)a->body.p;
    bool more = *rest != '\0';
    struct bytes out = { 0 };

    for (;;) {
        struct bytes name = { 0 }, expected = { 0 };
        bool is_link = next_link(&at, &name);

        if (is_link && (name.n == 0 || strcmp((char *)name.p, ".") == 0 ||
                        strcmp((char *)name.p, "..") == 0)) {
            bytes_free(&name);
            continue;
        }
        if (!is_link && !more)
            return;
        if (more && !data_parse(&rest, &expected))
            script_error("bad data: %s", rest);
        if (!is_link || !more || name.n != expected.n ||
            memcmp(name.p, expected.p, name.n) != 0) {
            bytes_text(&out, more ? "expected  next a link to "
                                  : "expected  no more links");
            if (more)
                data_show(&out, expected.p, expected.n);
            bytes_text(&out, "\nreceived  %s", is_link ? "one to " : "none");
            if (is_link)
                data_show(&out, name.p, name.n);
            bytes_text(&out, "\n");
            fail_here(&out);
        }
        more = *rest == '|' ? rest++, true : false;
        bytes_free(&name);
        bytes_free(&expected);
    }
}

/* FIELD ..., no FIELD, same FIELD, body ..., links ... */
void replied(struct actor *a, const char *rest)
{
    char name[64];
    int used = 0;
    size_t n;

    if (a->head.p == NULL)
        script_error("%s has got no reply", a->name);
    if (sscanf(rest, "%63s %n", name, &used) != 1 || rest[used] == '\0')
        script_error("replied FIELD DATA, no FIELD, body holds DATA");
    rest += used;
    if (strcmp(name, "links") == 0)
        links_are(a, rest);
    else if (strcmp(name, "body") == 0)
        body_holds(a, rest);
    else if (strcmp(name, "same") == 0)
        field_is_same(a, rest);
    else if (strcmp(name, "no") != 0 && strncmp(rest, "lacks ", 6) == 0)
        field_lacks(a, name, rest + 6);
    else if (strcmp(name, "no") != 0)
        field_is_one_of(a, name, rest);
    else if (http_field((char *)a->head.p, rest, &n) != NULL)
        bad_field(a, "no field", rest, "");
}
