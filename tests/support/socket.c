/* Peers: what a script does with sockets, and what it expects of them. */
#define _GNU_SOURCE
#ifdef __APPLE__
#define _DARWIN_C_SOURCE
#endif
#include "peer.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct address {
    struct sockaddr_storage sa;
    socklen_t len;
    int family;
};

/* PATH, as it is or as data in quotes. */
static void put_path(const char *text, char *path, size_t size)
{
    struct bytes b = { 0 };

    if (*text != '"')
        bytes_add(&b, text, strlen(text));
    else if (!data_parse(&text, &b))
        script_error("bad data: %s", text);
    if (b.n == 0 || b.n >= size)
        script_error("no path of 1 to %zu bytes: %s", size - 1, text);
    memcpy(path, b.p, b.n);
    bytes_free(&b);
}

/* `HOST PORT`, `PORT` (of 127.0.0.1) or `unix:PATH`. */
static struct address address_of(const char *text)
{
    struct address a = { .len = 0 };
    struct sockaddr_un *un = (struct sockaddr_un *)(void *)&a.sa;
    struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV };
    struct addrinfo *found;
    char host[64] = "127.0.0.1", port[64] = "0";

    if (strncmp(text, "unix:", 5) == 0) {
        un->sun_family = AF_UNIX;
        put_path(text + 5, un->sun_path, sizeof un->sun_path);
        a.len = sizeof *un;
        a.family = AF_UNIX;
        return a;
    }
    if (sscanf(text, "%63s %63s", host, port) < 2 &&
        strchr(host, '.') == NULL && strchr(host, ':') == NULL) {
        snprintf(port, sizeof port, "%s", *text == '\0' ? "0" : host);
        snprintf(host, sizeof host, "127.0.0.1");
    }
    if (getaddrinfo(host, port, &hints, &found) != 0)
        script_error("not an address: %s", text);
    memcpy(&a.sa, found->ai_addr, found->ai_addrlen);
    a.len = found->ai_addrlen;
    a.family = found->ai_family;
    freeaddrinfo(found);
    return a;
}

static int open_socket(const struct address *a, int type)
{
    int fd = socket(a->family, type, 0), on = 1;

    if (fd == -1)
        leave_out("no socket of this family here: %s", strerror(errno));
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    if (a->family != AF_UNIX && type == SOCK_STREAM)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

static int port_in(const struct sockaddr_storage *sa)
{
    const struct sockaddr_in *four = (const void *)sa;
    const struct sockaddr_in6 *six = (const void *)sa;

    return ntohs(sa->ss_family == AF_INET6 ? six->sin6_port : four->sin_port);
}

static int port_of(int fd)
{
    struct sockaddr_storage sa = { 0 };
    socklen_t len = sizeof sa;

    if (getsockname(fd, (struct sockaddr *)&sa, &len) == -1)
        return -1;
    return port_in(&sa);
}

static bool not_connecting(struct actor *a)
{
    return !a->connecting;
}

/* Cuts ` NAME=N` off the end. Returns N, or what it is when it is not there:
 * `buffer=N`, a small receive buffer, for a slow reader; `queue=N`. */
static int number_option(char *text, const char *name, int otherwise)
{
    char *at = strstr(text, name);

    if (at == NULL)
        return otherwise;
    *at = '\0';
    return atoi(at + strlen(name));
}

/* buffer=N: a small receive buffer, and packets as on Ethernet: then the other
 * side's send buffer starts small too, and is soon full. */
static void narrow(int fd, int size)
{
    int mss = 1460, ours = 65536;

    if (size == 0)
        return;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &ours, sizeof ours);
    setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &mss, sizeof mss);
}

/* Cuts ` as PROGRAM` off the end of unix:PATH: whose user it is, and among
 * whose processes, the client shall be. */
static struct actor *as_option(char *text)
{
    char *at = strncmp(text, "unix:", 5) == 0 ? strstr(text, " as ") : NULL;

    if (at == NULL)
        return NULL;
    *at = '\0';
    return actor_need(at + 4);
}

static int connect_now(struct actor *a, const struct address *to,
                       const struct actor *as)
{
    const struct sockaddr_un *un = (const void *)&to->sa;

    if (as == NULL)
        return connect(a->fd, (const struct sockaddr *)&to->sa, to->len);
    close(a->fd);
    a->fd = connect_as(as, un, &a->pid, &a->uid);
    fcntl(a->fd, F_SETFD, FD_CLOEXEC);
    fcntl(a->fd, F_SETFL, O_NONBLOCK);
    return a->fd == -1 ? -1 : 0;
}

/* What a Unix domain socket sends is in its own buffer until it is read. With
 * a wide one a server can find more at once than it can send back at once. */
static void widen(int fd)
{
    int size = 1 << 20; /* as far as the system lets us: socket(7) */

    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

static struct actor *start_connect(const char *name, const char *rest)
{
    char text[256];
    struct actor *a = actor_new(name, STREAM), *as;
    struct address to;
    int small;

    snprintf(text, sizeof text, "%s", rest);
    small = number_option(text, " buffer=", 0);
    as = as_option(text);
    to = address_of(text);
    a->local = to.family == AF_UNIX;
    a->port = a->local ? 0 : port_in(&to.sa);
    a->uid = (long)geteuid();
    a->fd = open_socket(&to, SOCK_STREAM);
    narrow(a->fd, small);
    if (a->local)
        widen(a->fd);
    recording_begins();
    if (connect_now(a, &to, as) == -1) {
        a->connecting = errno == EINPROGRESS;
        a->reset = errno != EINPROGRESS;
    }
    record_call(a, "connect", NULL, NULL, a->reset ? -1 : 0);
    return a;
}

static void starts_connecting(const char *name, const char *rest)
{
    start_connect(name, rest);
}

/* A SYN that finds the server's queue full is dropped, and comes again after a
 * whole second (tcp(7), tcp_syn_retries): a fresh socket asks sooner. */
static struct actor *connect_patiently(const char *name, const char *rest)
{
    double all = bound, end = now() + all;
    struct actor *a = start_connect(name, rest);

    bound = 0.03;
    while (!await(not_connecting, a) && now() < end)
        a = start_connect(name, rest);
    bound = all;
    return a;
}

static void connects(const char *name, const char *rest)
{
    struct actor *a = connect_patiently(name, rest);
    struct bytes out = { 0 };

    if (!a->connecting && !a->reset)
        return;
    bytes_text(&out, "the connection %s\n",
               a->reset ? "was refused" : "was not made");
    fail_here(&out);
}

static void is_refused(const char *name, const char *rest)
{
    struct actor *a = start_connect(name, rest);

    if (await(not_connecting, a) && a->reset)
        return;
    fail("a connection was made, though nobody should listen there");
}

/* The programs' user need not be ours. */
static void open_to_all(const struct address *a)
{
    const struct sockaddr_un *un = (const void *)&a->sa;

    if (a->family == AF_UNIX)
        chmod(un->sun_path, 0777);
}

static void listens(const char *name, const char *rest)
{
    struct actor *a = actor_new(name, LISTENER);
    char text[256];
    struct address at;
    int on = 1, queue, small;

    snprintf(text, sizeof text, "%s", rest);
    queue = number_option(text, " queue=", SOMAXCONN);
    small = number_option(text, " buffer=", 0);
    at = address_of(text);
    a->fd = open_socket(&at, SOCK_STREAM);
    narrow(a->fd, small);
    setsockopt(a->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (at.family == AF_INET6)
        setsockopt(a->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (bind(a->fd, (struct sockaddr *)&at.sa, at.len) == -1 ||
        listen(a->fd, queue) == -1)
        leave_out("this check cannot listen on %s: %s", rest, strerror(errno));
    a->port = port_of(a->fd);
    a->local = at.family == AF_UNIX;
    open_to_all(&at);
    record_call(a, "listen", NULL, NULL, 0);
}

static void opens(const char *name, const char *rest)
{
    struct actor *a = actor_new(name, DATAGRAM);
    struct address at = address_of(rest);

    a->fd = open_socket(&at, SOCK_DGRAM);
    if (bind(a->fd, (struct sockaddr *)&at.sa, at.len) == -1)
        leave_out("this check cannot use %s: %s", rest, strerror(errno));
    a->port = port_of(a->fd);
    open_to_all(&at);
}

static int accepted;
static bool a_client_came(struct actor *listener)
{
    accepted = accept(listener->fd, NULL, NULL);
    return accepted != -1;
}

static void accepts(const char *name, const char *rest)
{
    struct actor *listener = actor_need(rest), *a;
    struct bytes out = { 0 };

    listener->reading = true;
    if (!await(a_client_came, listener)) {
        bytes_text(&out, "nobody connected to %s, %s\n", rest, why_not);
        fail_here(&out);
    }
    listener->reading = false;
    fcntl(accepted, F_SETFD, FD_CLOEXEC);
    fcntl(accepted, F_SETFL, O_NONBLOCK);
    a = actor_new(name, STREAM);
    a->fd = accepted;
    a->local = listener->local;
    record_call(a, "accept", NULL, NULL, a->fd);
    setsockopt(a->fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
}

/* ---- sending ---- */

static bool all_sent(struct actor *a)
{
    return a->out.n == a->sent || a->reset;
}

static void send_piece(struct actor *a, const struct bytes *b)
{
    log_bytes(a->name, "sends", b->p, b->n);
    bytes_add(&a->out, b->p, b->n);
    pump(0);
}

static void send_bytes_slowly(struct actor *a, const struct bytes *b)
{
    for (size_t i = 0; i < b->n; i++) {
        struct bytes one = { 0 };

        bytes_add(&one, b->p + i, 1);
        send_piece(a, &one);
        settle();
        bytes_free(&one);
    }
}

/* DATA | DATA: pieces that arrive apart. `slowly DATA`: each byte apart. */
static void sends(struct actor *a, const char *rest)
{
    bool slowly = strncmp(rest, "slowly ", 7) == 0;

    for (rest += slowly ? 7 : 0; *rest != '\0';) {
        struct bytes b = { 0 };

        if (!data_parse(&rest, &b))
            script_error("bad data: %s", rest);
        if (slowly)
            send_bytes_slowly(a, &b);
        else
            send_piece(a, &b);
        bytes_free(&b);
        if (*rest == '|') {
            rest++;
            settle();
        }
    }
}

/* DATA, again and again, while later steps are at work. */
static void trickles(struct actor *a, const char *rest)
{
    bytes_free(&a->trickle);
    if (!data_parse(&rest, &a->trickle))
        script_error("bad data: %s", rest);
    a->trickled = 0;
}

static struct address peer_of(const struct actor *a)
{
    struct address to = { .sa = a->peer, .len = a->peer_len };

    if (to.len == 0)
        script_error("%s knows nobody to send to", a->name);
    return to;
}

static void record_datagram(const struct actor *a, const struct address *to,
                            const struct bytes *b)
{
    struct actor seen = *a;

    seen.peer = to->sa;
    seen.peer_len = to->len;
    record_call(&seen, "sendto", NULL, b->p, (long)b->n);
}

/* to PORT sends DATA, or sends DATA to the last sender */
static void datagram_sends(struct actor *a, const char *to, const char *rest)
{
    struct address at = to != NULL ? address_of(to) : peer_of(a);
    struct bytes b = { 0 };

    if (!data_parse(&rest, &b))
        script_error("bad data: %s", rest);
    log_bytes(a->name, "sends a datagram of", b.p, b.n);
    recording_begins();
    if (sendto(a->fd, b.p, b.n, 0, (struct sockaddr *)&at.sa, at.len) == -1)
        log_text("  sendto: %s\n", strerror(errno));
    record_datagram(a, &at, &b);
    if (to != NULL && a->peer_len == 0) {
        a->peer = at.sa;
        a->peer_len = at.len;
    }
    bytes_free(&b);
}

static void ends(struct actor *a)
{
    await(all_sent, a);
    record_call(a, "shutdown", "SHUT_WR", NULL, 0);
    shutdown(a->fd, SHUT_WR);
}

static void closes(struct actor *a)
{
    bytes_free(&a->trickle);
    if (a->kind == STREAM)
        await(all_sent, a);
    record_call(a, "close", NULL, NULL, 0);
    close(a->fd);
    a->fd = -1;
    actor_drop(a);
}

/* SO_LINGER with no time (socket(7)): close(2) sends RST instead of FIN. */
static void resets(struct actor *a)
{
    struct linger now_at_once = { 1, 0 };

    setsockopt(a->fd, SOL_SOCKET, SO_LINGER, &now_at_once,
               sizeof now_at_once);
    closes(a);
}

/* ---- receiving ---- */

static struct bytes want;

static size_t matching(const struct actor *a)
{
    size_t n = a->in.n - a->used;

    return n == 0 ? 0
                  : bytes_same(a->in.p + a->used, want.p,
                               n < want.n ? n : want.n);
}

bool stream_over(struct actor *a)
{
    return a->eof || a->reset;
}

static bool got_or_differs(struct actor *a)
{
    size_t i = matching(a);

    return i == want.n || a->used + i < a->in.n || stream_over(a);
}

static const char *end_of(const struct actor *a)
{
    return a->reset ? ", then a reset (RST)" : a->eof ? ", then the end"
                                                      : "";
}

static void gets_data(struct actor *a, const char *rest)
{
    struct bytes out = { 0 };
    bool in_time;

    bytes_free(&want);
    if (!data_parse(&rest, &want))
        script_error("bad data: %s", rest);
    a->reading = true;
    in_time = await(got_or_differs, a);
    a->reading = false;
    if (matching(a) == want.n) {
        a->used += want.n;
        return;
    }
    data_compare(&out, &want, a->in.p + a->used, a->in.n - a->used);
    if (!in_time || stream_over(a))
        bytes_text(&out, "%s%s\n", in_time ? "that is all" : why_not,
                   end_of(a));
    fail_here(&out);
}

static bool has_a_byte(struct actor *a)
{
    return stream_over(a) || a->in.n > a->used;
}

static void gets_nothing(struct actor *a, const char *seconds)
{
    struct bytes out = { 0 };

    a->reading = true;
    idle(*seconds != '\0' ? atof(seconds) : 0.3);
    pump(0);
    a->reading = false;
    if (!has_a_byte(a))
        return;
    bytes_text(&out, "expected nothing yet, received ");
    data_show(&out, a->in.p + a->used, a->in.n - a->used);
    bytes_text(&out, "%s\n", end_of(a));
    fail_here(&out);
}

/* eof: the orderly end, at once after what was read; `end`: or a reset. */
static void gets_end(struct actor *a, bool reset_is_fine)
{
    struct bytes out = { 0 };

    a->reading = true;
    await(has_a_byte, a);
    a->reading = false;
    if (a->in.n == a->used && (a->eof || (reset_is_fine && a->reset)))
        return;
    bytes_text(&out, "expected the end of the connection, received ");
    data_show(&out, a->in.p + a->used, a->in.n - a->used);
    bytes_text(&out, "%s%s%s\n", end_of(a), stream_over(a) ? "" : " ",
               stream_over(a) ? "" : why_not);
    fail_here(&out);
}

static void gets_the_rest(struct actor *a)
{
    struct bytes out = { 0 };

    a->reading = true;
    if (await(stream_over, a)) {
        a->used = a->in.n;
        return;
    }
    bytes_text(&out, "the connection does not end, %s\n", why_not);
    fail_here(&out);
}

/* ---- an HTTP answer ---- */

/* The value of a field of the head, or NULL. */
const char *http_field(const char *head, const char *name, size_t *n)
{
    size_t len = strlen(name);

    for (const char *p = strstr(head, "\r\n"); p != NULL && p[2] != '\r';
         p = strstr(p + 2, "\r\n"))
        if (strncasecmp(p + 2, name, len) == 0 && p[2 + len] == ':') {
            p += 3 + len;
            p += strspn(p, " \t");
            *n = strcspn(p, "\r\n");
            while (*n > 0 && isspace((unsigned char)p[*n - 1]))
                --*n;
            return p;
        }
    return NULL;
}

static bool field_is(const char *head, const char *name, const char *value,
                     bool only_begins)
{
    size_t n = 0;
    const char *p = http_field(head, name, &n);

    return p != NULL && n >= strlen(value) &&
           strncasecmp(p, value, strlen(value)) == 0 &&
           (only_begins || n == strlen(value));
}

bool http_status(const char *head, const char *codes)
{
    for (const char *p = codes; *p != '\0'; p += 3 + (p[3] == '|'))
        if (strncmp(head, "HTTP/1.", 7) == 0 &&
            isdigit((unsigned char)head[7]) && head[8] == ' ' &&
            strncmp(head + 9, p, 3) == 0 &&
            (head[12] == ' ' || head[12] == '\r'))
            return true;
    return false;
}

/* What is wrong with Content-Length for a body of n bytes; NULL: nothing, or
 * there is none. A body in chunks has its own end. */
static const char *wrong_length(const char *head, size_t n)
{
    static char text[128];
    size_t len = 0;
    const char *p = http_field(head, "Content-Length", &len);

    if (p == NULL || http_field(head, "Transfer-Encoding", &(size_t){ 0 }))
        return NULL;
    if (len == 0 || strspn(p, "0123456789") != len)
        return "its Content-Length is no number";
    if (strtoul(p, NULL, 10) == n)
        return NULL;
    snprintf(text, sizeof text, "it says \"Content-Length: %.*s\", its body"
                                " has %zu bytes",
             (int)len, p, n);
    return text;
}

/* What is wrong with an answer 200; NULL: nothing. */
static const char *wrong_page(const char *head, const char *body, size_t n)
{
    if (strncmp(head, "HTTP/1.1 200 OK\r\n", 17) != 0)
        return "its first line is not \"HTTP/1.1 200 OK\\r\\n\"";
    if (!field_is(head, "Content-Type", "text/html", true))
        return "it has no \"Content-Type: text/html\"";
    if (!field_is(head, "Connection", "close", false))
        return "it has no \"Connection: close\"";
    if (http_field(head, "Content-Length", &(size_t){ 0 }) == NULL)
        return "it has no \"Content-Length: N\"";
    if (wrong_length(head, n) != NULL)
        return wrong_length(head, n);
    if (strstr(body, "<P>This is my test server page</P>") == NULL)
        return "its page has no \"<P>This is my test server page</P>\"";
    return NULL;
}

void http_show(struct bytes *out, const struct actor *a)
{
    const char *p = (char *)a->in.p + a->used, *end = p + (a->in.n - a->used);

    bytes_text(out, "received%s\n", p == end ? "  nothing" : "");
    for (int i = 0; i < 12 && p < end; i++) {
        const char *nl = memchr(p, '\n', (size_t)(end - p));
        size_t n = nl == NULL ? (size_t)(end - p) : (size_t)(nl - p) + 1;

        bytes_text(out, "  ");
        data_show(out, (const unsigned char *)p, n);
        bytes_text(out, "\n");
        p += n;
    }
    if (end_of(a)[0] != '\0')
        bytes_text(out, "%s\n", end_of(a) + 2);
}

static _Noreturn void bad_answer(struct actor *a, const char *codes,
                                 const char *why)
{
    struct bytes out = { 0 };

    bytes_text(&out, "expected  a whole answer %s\n%s\n", codes, why);
    http_show(&out, a);
    fail_here(&out);
}

/* What is wrong with all that came, or NULL: it is a whole answer. */
static const char *wrong_answer(struct actor *a, const char *codes)
{
    static char why[128];
    const char *head, *body;
    size_t n;

    a->reading = true;
    if (!await(stream_over, a)) {
        snprintf(why, sizeof why, "the connection stays open, %s", why_not);
        return why;
    }
    bytes_add(&a->in, "", 0);
    head = (char *)a->in.p + a->used;
    body = strstr(head, "\r\n\r\n");
    if (a->in.n == a->used)
        return a->reset ? "the connection was reset before any of it"
                        : "the connection ended before any of it";
    if (body == NULL)
        return "its head does not end: no empty line (\"\\r\\n\\r\\n\")";
    if (!http_status(head, codes))
        return "it has another status";
    n = a->in.n - (size_t)(body + 4 - (char *)a->in.p);
    return http_status(head, "200") ? wrong_page(head, body + 4, n)
                                    : wrong_length(head, n);
}

/* The program that answers on that port has answered once more. */
static void count_answer(int port)
{
    for (int i = 0; i < actor_count; i++)
        if (actors[i]->kind == PROGRAM && actors[i]->port == port)
            actors[i]->answered++;
}

/* CODES, or `CODES or none`: or the end, or a reset, and no byte. */
static void gets_answer(struct actor *a, const char *rest)
{
    const char *wrong, *none = strstr(rest, " or none");
    char codes[64];

    snprintf(codes, sizeof codes, "%.*s",
             (int)(none == NULL ? strlen(rest) : (size_t)(none - rest)), rest);
    wrong = wrong_answer(a, codes);
    if (none != NULL && stream_over(a) && a->in.n == a->used)
        return;
    if (wrong != NULL)
        bad_answer(a, codes, wrong);
    a->used = a->in.n;
    count_answer(a->port);
}

/* ---- the same bytes, under every schedule ---- */

/* What is sent, and when: n - 1 ways to cut it in two, then each byte apart,
 * then twice in one piece. */
struct schedules {
    const char *name, *port, *codes; /* codes: of an answer, or `echo` */
    struct bytes b;
};

static size_t each_apart(const struct schedules *s)
{
    return s->b.n;
}

static size_t glued(const struct schedules *s)
{
    return s->b.n + 1;
}

static bool echoes(const struct schedules *s)
{
    return strcmp(s->codes, "echo") == 0;
}

/* What is wrong with what came back of n bytes; NULL: nothing. */
static const char *wrong_echo(struct actor *a, const unsigned char *p, size_t n)
{
    static struct bytes why;
    bool in_time;

    bytes_free(&want);
    bytes_add(&want, p, n);
    a->reading = true;
    in_time = await(got_or_differs, a);
    a->reading = false;
    if (matching(a) == want.n) {
        a->used += want.n;
        return NULL;
    }
    bytes_free(&why);
    data_compare(&why, &want, a->in.p + a->used, a->in.n - a->used);
    bytes_text(&why, "%s%s", in_time ? "that is all" : why_not, end_of(a));
    return (char *)why.p;
}

/* Sends a part. An echo is awaited, an answer cannot come yet. */
static const char *send_part(const struct schedules *s, struct actor *a,
                             size_t from, size_t to)
{
    struct bytes part = { s->b.p + from, to - from, 0 };

    send_piece(a, &part);
    if (echoes(s))
        return wrong_echo(a, part.p, part.n);
    if (to < s->b.n)
        settle();
    return NULL;
}

static const char *send_twice(const struct schedules *s, struct actor *a)
{
    struct bytes both = { 0 };
    const char *wrong = NULL;

    bytes_add(&both, s->b.p, s->b.n);
    bytes_add(&both, s->b.p, s->b.n);
    send_piece(a, &both);
    if (echoes(s))
        wrong = wrong_echo(a, both.p, both.n);
    bytes_free(&both);
    return wrong;
}

static const char *wrong_end(struct actor *a)
{
    ends(a);
    a->reading = true;
    await(has_a_byte, a);
    a->reading = false;
    return a->in.n > a->used ? "more came back than was sent"
           : a->eof          ? NULL
                             : "the connection did not end after that";
}

/* Sends it so. What is wrong with what came? */
static const char *try_schedule(const struct schedules *s, size_t at)
{
    struct actor *a = connect_patiently(s->name, s->port);
    size_t step = at == each_apart(s) ? 1 : s->b.n;
    const char *wrong = NULL;

    if (at == glued(s))
        wrong = send_twice(s, a);
    else if (at < s->b.n)
        wrong = send_part(s, a, 0, at);
    for (size_t i = at < s->b.n ? at : 0;
         at != glued(s) && wrong == NULL && i < s->b.n; i += step)
        wrong = send_part(s, a, i, i + step < s->b.n ? i + step : s->b.n);
    if (wrong == NULL)
        wrong = echoes(s) ? wrong_end(a) : wrong_answer(a, s->codes);
    closes(a);
    return wrong;
}

static const char *in_words(const struct schedules *s, size_t at)
{
    const unsigned char *p = s->b.p;

    return at == glued(s) && echoes(s) ? "the same bytes arrive twice at once"
           : at == glued(s)            ? "two requests arrive at once"
           : at == each_apart(s)       ? "each byte arrives apart"
           : p[at - 1] == '\n'         ? "two lines arrive apart"
           : p[at - 1] == '\r' && p[at] == '\n'
               ? "CR and LF arrive apart"
               : "a line arrives in two parts";
}

/* The bytes before and behind the place. */
static void tell_place(struct bytes *out, const struct bytes *b, size_t at)
{
    enum { AROUND = 12 };
    size_t before = at < AROUND ? at : AROUND;
    size_t behind = b->n - at < AROUND ? b->n - at : AROUND;

    bytes_text(out, "cut between ");
    data_quote(out, b->p + at - before, before);
    bytes_text(out, " and ");
    data_quote(out, b->p + at, behind);
    bytes_text(out, "\n");
}

static _Noreturn void wrong_under(const struct schedules *s, size_t right,
                                  size_t tried, size_t at, const char *why)
{
    struct bytes out = { 0 };

    bytes_text(&out, "right under %zu of %zu schedules; first wrong when %s\n",
               right, tried, in_words(s, at));
    if (at < s->b.n)
        tell_place(&out, &s->b, at);
    bytes_text(&out, "%s\n", why);
    if (tried < glued(s))
        bytes_text(&out, "(%zu more were not tried: each takes its time)\n",
                   glued(s) - tried);
    fail_here(&out);
}

/* A right program needs a few milliseconds for each. One that makes its clients
 * wait is told so, before its time is up. */
static _Noreturn void slow_under(const struct schedules *s, size_t tried,
                                 double seconds)
{
    struct bytes out = { 0 };

    bytes_text(&out, "right under %zu of %zu schedules, but that took %.0f "
                     "seconds\n", tried, glued(s), seconds);
    bytes_text(&out, "%s\n",
               echoes(s) ? "what is sent comes back late"
                         : "a client that has its answer waits for the end of "
                           "the connection:\nshutdown(2) or close(2) tells it");
    fail_here(&out);
}

/* PORT CODES DATA, or PORT echo DATA */
static void splits(const char *name, const char *rest)
{
    enum { ENOUGH = 1, /* second, once something is wrong */
           TOO_LONG = 20 };
    char port[128], codes[16], *first = NULL;
    struct schedules s = { .name = name, .port = port, .codes = codes };
    size_t right = 0, tried = 0, where = 0;
    double began = now(), end = began + ENOUGH;
    int n = 0;

    sscanf(rest, "%127s %15s %n", port, codes, &n);
    rest += n;
    if (n == 0 || !data_parse(&rest, &s.b) || *rest != '\0')
        script_error("splits PORT CODES|echo DATA");
    if (recording_events() != NULL)
        end = 0; /* the drawing ends with the first that is wrong */
    for (; tried < glued(&s) && (first == NULL || now() < end); tried++) {
        const char *wrong = try_schedule(&s, tried + 1);

        right += wrong == NULL;
        if (wrong != NULL && first == NULL) {
            first = text_copy(wrong);
            where = tried + 1;
        }
        if (first == NULL && now() - began > TOO_LONG && tried + 1 < glued(&s))
            slow_under(&s, tried + 1, now() - began);
    }
    if (first != NULL)
        wrong_under(&s, right, tried, where, first);
    bytes_free(&s.b);
}

static bool has_a_head(struct actor *a)
{
    return stream_over(a) ||
           bytes_find(&a->in, a->used, "\r\n\r\n", 4) != SIZE_MAX;
}

/* What is wrong with a request; NULL: nothing. head ends with its last line's
 * CR LF. */
static const char *wrong_request(const char *head, const struct bytes *first)
{
    size_t len = 0;
    const char *host;

    if (strncmp(head, (char *)first->p, first->n) != 0 ||
        strncmp(head + first->n, "\r\n", 2) != 0)
        return "its first line is another one";
    for (const char *p = head; (p = strchr(p, '\n')) != NULL; p++)
        if (p == head || p[-1] != '\r')
            return "a line ends in LF alone, not in CR LF";
    host = http_field(head, "Host", &len);
    if (host == NULL || len == 0)
        return "it has no \"Host: NAME\" field";
    return NULL;
}

/* gets request "GET / HTTP/1.0": a head with this first line, a Host, CR LF
 * at each end, and the empty line. */
static void gets_request(struct actor *a, const char *rest)
{
    struct bytes out = { 0 }, head = { 0 };
    const char *wrong = "it does not end with an empty line (CR LF CR LF)";
    size_t at;

    bytes_free(&want);
    if (!data_parse(&rest, &want))
        script_error("bad data: %s", rest);
    a->reading = true;
    await(has_a_head, a);
    a->reading = false;
    at = bytes_find(&a->in, a->used, "\r\n\r\n", 4);
    if (at != SIZE_MAX) {
        bytes_add(&head, a->in.p + a->used, at + 4 - a->used);
        wrong = wrong_request((char *)head.p, &want);
    }
    bytes_free(&head);
    if (wrong == NULL) {
        a->used = at + 4;
        return;
    }
    bytes_text(&out, "expected  a request that begins with ");
    data_show(&out, want.p, want.n);
    bytes_text(&out, "\n%s\nreceived  ", wrong);
    data_show(&out, a->in.p + a->used, a->in.n - a->used);
    bytes_text(&out, "%s\n", end_of(a));
    fail_here(&out);
}

/* ---- datagrams ---- */

static bool datagram_came(struct actor *a)
{
    unsigned char buf[65536];
    struct sockaddr_storage from;
    socklen_t len = sizeof from;
    ssize_t n;

    n = recvfrom(a->fd, buf, sizeof buf, 0, (struct sockaddr *)&from, &len);
    if (n == -1)
        return false;
    a->peer = from;
    a->peer_len = len;
    bytes_free(&a->in);
    bytes_add(&a->in, buf, (size_t)n);
    log_bytes(a->name, "got a datagram of", buf, (size_t)n);
    record_call(a, "recvfrom", NULL, buf, n);
    return true;
}

static void gets_datagram(struct actor *a, const char *rest)
{
    struct bytes out = { 0 };

    bytes_free(&want);
    if (!data_parse(&rest, &want))
        script_error("bad data: %s", rest);
    a->reading = true;
    bytes_free(&a->in);
    if (!await(datagram_came, a)) {
        a->reading = false;
        bytes_text(&out, "expected  a datagram: ");
        data_show(&out, want.p, want.n);
        bytes_text(&out, "\nreceived  none, %s\n", why_not);
        fail_here(&out);
    }
    a->reading = false;
    if (a->in.n == want.n && memcmp(a->in.p, want.p, want.n) == 0)
        return;
    data_compare(&out, &want, a->in.p, a->in.n);
    fail_here(&out);
}

static void gets_no_datagram(struct actor *a)
{
    struct bytes out = { 0 };

    idle(0.3);
    if (!datagram_came(a))
        return;
    bytes_text(&out, "expected no datagram, received ");
    data_show(&out, a->in.p, a->in.n);
    bytes_text(&out, "\n");
    fail_here(&out);
}

static void datagram_gets(struct actor *a, const char *rest)
{
    if (strcmp(rest, "nothing") == 0)
        gets_no_datagram(a);
    else
        gets_datagram(a, rest);
}

static void datagram_sends_back(struct actor *a, const char *rest)
{
    datagram_sends(a, NULL, rest);
}

/* to [HOST] PORT sends DATA */
static void datagram_to(struct actor *a, const char *rest)
{
    const char *at = strstr(rest, " sends ");
    char to[128];

    if (at == NULL || (size_t)(at - rest) >= sizeof to)
        script_error("to PORT sends DATA");
    memcpy(to, rest, (size_t)(at - rest));
    to[at - rest] = '\0';
    datagram_sends(a, to, at + strlen(" sends "));
}

/* ---- the verbs ---- */

static void stream_gets(struct actor *a, const char *rest)
{
    if (strncmp(rest, "nothing", 7) == 0)
        gets_nothing(a, rest + 7 + strspn(rest + 7, " "));
    else if (strcmp(rest, "eof") == 0)
        gets_end(a, false);
    else if (strcmp(rest, "end") == 0)
        gets_end(a, true);
    else if (strcmp(rest, "the rest") == 0)
        gets_the_rest(a);
    else if (strncmp(rest, "answer ", 7) == 0)
        gets_answer(a, rest + 7);
    else if (strncmp(rest, "reply ", 6) == 0)
        gets_reply(a, rest + 6);
    else if (strncmp(rest, "request ", 8) == 0)
        gets_request(a, rest + 8);
    else
        gets_data(a, rest);
}

static void ends_verb(struct actor *a, const char *rest)
{
    (void)rest;
    ends(a);
}

static void closes_verb(struct actor *a, const char *rest)
{
    (void)rest;
    closes(a);
}

static void resets_verb(struct actor *a, const char *rest)
{
    (void)rest;
    resets(a);
}

/* They make a new actor. */
static const struct {
    const char *name;
    void (*act)(const char *name, const char *rest);
} makers[] = {
    { "connects", connects },
    { "splits", splits },
    { "starts-connecting", starts_connecting },
    { "is-refused", is_refused },
    { "listens", listens },
    { "opens", opens },
    { "accepts", accepts },
};

static const struct {
    enum kind kind;
    const char *name;
    void (*act)(struct actor *a, const char *rest);
} verbs[] = {
    { STREAM, "sends", sends },
    { STREAM, "trickles", trickles },
    { STREAM, "gets", stream_gets },
    { STREAM, "replied", replied },
    { STREAM, "ends", ends_verb },
    { STREAM, "closes", closes_verb },
    { STREAM, "resets", resets_verb },
    { LISTENER, "closes", closes_verb },
    { DATAGRAM, "to", datagram_to },
    { DATAGRAM, "sends", datagram_sends_back },
    { DATAGRAM, "gets", datagram_gets },
    { DATAGRAM, "closes", closes_verb },
};

bool socket_verb(const char *name, struct actor *a, const char *verb,
                 const char *rest)
{
    for (size_t i = 0; i < sizeof makers / sizeof *makers; i++)
        if (strcmp(makers[i].name, verb) == 0) {
            makers[i].act(name, rest);
            return true;
        }
    for (size_t i = 0; a != NULL && i < sizeof verbs / sizeof *verbs; i++)
        if (verbs[i].kind == a->kind && strcmp(verbs[i].name, verb) == 0) {
            verbs[i].act(a, rest);
            return true;
        }
    return false;
}
