/* faults.c - what is to go wrong, on order.
 *
 *     LADDER_FAULTS='read:short=4;accept:EMFILE@1;sendto:lost@every 3'
 *
 * A rule is CALL:EFFECT or CALL:EFFECT@WHICH. Rules are separated by ";".
 *
 * CALL    a function that is recorded, or: in (read readv recv recvfrom
 *         recvmsg), out (write writev send sendto sendmsg), any (in, out,
 *         accept, accept4, connect, poll, select), thread (a new one)
 * EFFECT  short=N        at most N bytes come or go
 *         EINTR, ...     the call is not made, and fails so
 *         reset-after=N  after N bytes the connection is reset
 *         delay=MS       the call is made that much later
 *         lost, twice, swap  of a datagram that is sent; swap: after the next
 * WHICH   N the Nth such call of the process, N..M, every N; nothing: each
 *
 * Nothing goes wrong at random: the same order does the same each time. A
 * child of fork(2) goes on counting where its parent was. */
#include "record.h"

enum { RULES = 32,
       RULES_ROOM = 2048,
       SOCKETS = 256,
       HELD_MAX = 65536 };
enum effect { SHORT,
              FAIL,
              RESET_AFTER,
              DELAY,
              FATE };

struct rule {
    const char *call;
    enum effect effect;
    long value; /* bytes, milliseconds, an errno or a fate */
    long first, last, every;
    long count; /* such calls so far */
};

static struct rule rules[RULES];
static int nrules;
static char room[RULES_ROOM];

bool faults_on;

static const char *const ins[] = { "read", "readv", "recv", "recvfrom",
                                   "recvmsg", NULL };
static const char *const outs[] = { "write", "writev", "send", "sendto",
                                    "sendmsg", NULL };
static const char *const waits_too[] = { "accept", "accept4", "connect",
                                         "poll", "select", NULL };
static const char *const others[] = {
    "bind", "close", "dup", "dup2", "dup3",
    "epoll_pwait", "epoll_wait", "fork", "kill", "listen",
    "pipe", "pipe2", "ppoll", "pselect", "pthread_create",
    "sendfile", "shutdown", "socket", "socketpair", "thread",
    "wait", "wait3", "wait4", "waitpid", NULL
};

static bool is_in(const char *name, const char *const *list)
{
    for (; *list != NULL; list++)
        if (same(name, *list))
            return true;
    return false;
}

static bool matches(const char *rule, const char *call)
{
    if (same(rule, "in"))
        return is_in(call, ins);
    if (same(rule, "out"))
        return is_in(call, outs);
    if (same(rule, "any"))
        return is_in(call, ins) || is_in(call, outs) ||
               is_in(call, waits_too);
    return same(rule, call);
}

/* ---- Reading the rules ----------------------------------------------- */

/* Moves *at past word if it begins with it. */
static bool skip(char **at, const char *word)
{
    char *s = *at;

    while (*word != '\0')
        if (*s++ != *word++)
            return false;
    *at = s;
    return true;
}

/* A number of at least 1; 0: there is none. */
static long take_number(char **at)
{
    long n = 0;

    while (**at >= '0' && **at <= '9' && n < 1000000000)
        n = n * 10 + *(*at)++ - '0';
    return n;
}

static bool read_which(char *at, struct rule *r)
{
    r->first = 1;
    r->last = INT64_MAX;
    r->every = 1;
    if (*at == '\0')
        return true;
    if (!skip(&at, "@"))
        return false;
    if (skip(&at, "every")) {
        while (*at == ' ')
            at++;
        r->first = r->every = take_number(&at);
    } else {
        r->first = r->last = take_number(&at);
        if (skip(&at, ".."))
            r->last = take_number(&at);
    }
    return *at == '\0' && r->first > 0 && r->last >= r->first;
}

static bool read_fate(char **at, struct rule *r)
{
    r->effect = FATE;
    r->value = skip(at, "lost")    ? LOST
               : skip(at, "twice") ? TWICE
               : skip(at, "swap")  ? SWAPPED
                                   : NORMAL;
    return r->value != NORMAL;
}

/* Reads an effect that does something to this call. */
static bool read_effect(char **at, struct rule *r)
{
    bool sends = same(r->call, "out") || is_in(r->call, outs);
    bool moves = sends || same(r->call, "in") || same(r->call, "any") ||
                 same(r->call, "sendfile") || is_in(r->call, ins);
    size_t len = 0;

    if (skip(at, "delay=")) {
        r->effect = DELAY;
        return (r->value = take_number(at)) > 0;
    }
    if (moves && skip(at, "short=")) {
        r->effect = SHORT;
        return (r->value = take_number(at)) > 0;
    }
    if (moves && skip(at, "reset-after=")) {
        r->effect = RESET_AFTER;
        return (r->value = take_number(at)) > 0;
    }
    if (sends && read_fate(at, r))
        return true;
    while ((*at)[len] != '\0' && (*at)[len] != '@')
        len++;
    r->effect = FAIL;
    r->value = error_number(*at, len);
    *at += len;
    return r->value != 0 && !same(r->call, "thread");
}

static bool read_rule(char *at, struct rule *r)
{
    char *colon = at;

    while (*colon != '\0' && *colon != ':')
        colon++;
    if (*colon == '\0')
        return false;
    *colon = '\0';
    r->call = at;
    r->count = 0;
    at = colon + 1;
    if (!(same(r->call, "in") || same(r->call, "out") ||
          matches("any", r->call) || same(r->call, "any") ||
          is_in(r->call, others)) ||
        !read_effect(&at, r) || !read_which(at, r)) {
        *colon = ':';
        return false;
    }
    return true;
}

static void complain(const char *rule)
{
    char line[256];
    struct text t = { line, line + sizeof line - 1 };

    put_text(&t, "ladder: no such fault: ");
    put_text(&t, rule);
    *t.at++ = '\n';
    system_write(2, line, (size_t)(t.at - line));
}

/* The programs that this one starts get only the rules that we understood:
 * one mistake is one message. */
static void pass_on(const char *good)
{
    if (*good != '\0')
        setenv("LADDER_FAULTS", good, 1);
    else
        unsetenv("LADDER_FAULTS");
}

/* Ends the rule at *next and moves *next to the one after it. */
static char *cut_rule(char **next)
{
    char *rule = *next, *end;

    while (*rule == ' ')
        rule++;
    for (end = rule; *end != '\0' && *end != ';';)
        end++;
    *next = *end == ';' ? end + 1 : end;
    while (end > rule && end[-1] == ' ')
        end--;
    *end = '\0';
    return rule;
}

void faults_begin(const char *text)
{
    char good[RULES_ROOM], *next = room;
    struct text t = { room, room + sizeof room - 1 };
    struct text kept = { good, good + sizeof good - 1 };
    bool mistake = false;

    put_text(&t, text != NULL ? text : "");
    *t.at = '\0';
    while (*next != '\0') {
        char *rule = cut_rule(&next), *before = kept.at;
        put_text(&kept, rule);
        put(&kept, ';');
        if (*rule == '\0') {
            kept.at = before;
        } else if (nrules == RULES || !read_rule(rule, &rules[nrules])) {
            complain(rule);
            mistake = true;
            kept.at = before;
        } else {
            nrules++;
        }
    }
    *kept.at = '\0';
    if (mistake)
        pass_on(good);
    faults_on = nrules > 0;
}

/* ---- Which rules are for this call ----------------------------------- */

/* The end of the text so far, with a comma if there is some. */
static struct text add(struct call *c, const char *what)
{
    struct text t = { c->fault, c->fault + FAULT_MAX - 1 };

    while (*t.at != '\0')
        t.at++;
    if (t.at != c->fault)
        put_text(&t, ", ");
    put_text(&t, what);
    *t.at = '\0';
    return t;
}

static void add_number(struct call *c, const char *what, long n)
{
    struct text t = add(c, what);

    put_number(&t, n);
    *t.at = '\0';
}

static bool is_due(struct rule *r)
{
    long n = __atomic_add_fetch(&r->count, 1, __ATOMIC_RELAXED);

    return n >= r->first && n <= r->last && n % r->every == 0;
}

static size_t asked(const struct call *c)
{
    size_t n = 0;

    for (size_t i = 0; i < c->pieces; i++)
        n += c->data[i].iov_len;
    return c->pieces > 0 ? n : SIZE_MAX;
}

static void limit(struct fault *f, size_t n)
{
    if (f->cut == 0 || n < f->cut)
        f->cut = n;
}

/* ---- Connections that are reset after so many bytes ------------------ */

static struct {
    unsigned long ino;
    long bytes;
    bool dead;
} sockets[SOCKETS];

static size_t socket_slot(const struct call *c)
{
    size_t i = c->file.ino % SOCKETS;

    if (sockets[i].ino != c->file.ino) {
        sockets[i].ino = c->file.ino;
        sockets[i].bytes = 0;
        sockets[i].dead = false;
    }
    return i;
}

static void find_reset(const struct rule *r, struct call *c, struct fault *f)
{
    size_t i = socket_slot(c);

    if (c->file.kind != 's' && c->file.kind != 'u')
        return;
    if (sockets[i].dead) {
        f->err = ECONNRESET;
        add(c, "ECONNRESET");
        return;
    }
    f->counted = true;
    limit(f, (size_t)(r->value - sockets[i].bytes));
}

/* To connect a TCP socket to "no address" ends its connection at once, with a
 * RST: connect(2), AF_UNSPEC. A Unix socket has nothing like it. */
static void reset(const struct call *c)
{
    struct sockaddr nowhere = { .sa_family = AF_UNSPEC };

    if (c->file.kind == 's')
        (void)REAL(connect)(c->fd, TO_CONST_ADDRESS(&nowhere), sizeof nowhere);
    else
        (void)REAL(shutdown)(c->fd, SHUT_RDWR);
}

static void count_bytes(struct call *c, long n)
{
    size_t i = socket_slot(c);

    sockets[i].bytes += n;
    for (int k = 0; k < nrules; k++)
        if (rules[k].effect == RESET_AFTER && !sockets[i].dead &&
            matches(rules[k].call, c->name) &&
            sockets[i].bytes >= rules[k].value) {
            sockets[i].dead = true;
            add_number(c, "reset after ", rules[k].value);
            reset(c);
        }
}

/* ---- Datagrams ------------------------------------------------------- */

/* The one that waits for the next to overtake it. */
static struct {
    char taken;
    int fd;
    unsigned long ino;
    struct sockaddr_storage to;
    socklen_t tolen;
    size_t size;
    char data[HELD_MAX];
} held;

static void gather(const struct msghdr *msg)
{
    size_t pieces = (size_t)msg->msg_iovlen;

    held.size = 0;
    for (size_t i = 0; i < pieces; i++) {
        size_t n = msg->msg_iov[i].iov_len;
        if (n > HELD_MAX - held.size)
            n = HELD_MAX - held.size;
        copy_bytes(held.data + held.size, msg->msg_iov[i].iov_base, n);
        held.size += n;
    }
    held.tolen = msg->msg_name != NULL ? msg->msg_namelen : 0;
    if (held.tolen > sizeof held.to)
        held.tolen = sizeof held.to;
    copy_bytes(&held.to, msg->msg_name, held.tolen);
}

/* Before the socket is closed, or the process ends (file is NULL). */
void fault_flush(const struct file *file)
{
    struct sockaddr *to = held.tolen > 0 ? (void *)&held.to : NULL;
    int err = errno;

    if (!held.taken || held.size == 0 ||
        (file != NULL && held.ino != file->ino))
        return;
    (void)REAL(sendto)(held.fd, held.data, held.size, MSG_NOSIGNAL,
                       TO_CONST_ADDRESS(to),
                       held.tolen);
    held.size = 0;
    __atomic_clear(&held.taken, __ATOMIC_RELEASE);
    errno = err;
}

/* Does it, instead of the call. Returns what the program is to believe. */
ssize_t fault_datagram(const struct call *c, const struct fault *f,
                       const struct msghdr *msg, int flags)
{
    if (f->fate == SWAPPED) {
        held.fd = c->fd;
        held.ino = c->file.ino;
        gather(msg);
    }
    if (f->fate != TWICE)
        return (ssize_t)asked(c);
    (void)REAL(sendmsg)(c->fd, msg, flags);
    return REAL(sendmsg)(c->fd, msg, flags);
}

/* An empty datagram is not held, nor one while another is. */
static void find_fate(const struct rule *r, struct call *c, struct fault *f)
{
    static const char *const words[] = { "", "lost", "twice", "swapped" };
    enum fate fate = (enum fate)r->value;

    if (f->fate != NORMAL)
        return;
    if (fate == SWAPPED &&
        (asked(c) == 0 ||
         __atomic_test_and_set(&held.taken, __ATOMIC_ACQUIRE)))
        return;
    f->fate = fate;
    add(c, words[fate]);
}

/* ---- What the other files call --------------------------------------- */

static void apply(const struct rule *r, struct call *c, struct fault *f)
{
    switch (r->effect) {
    case DELAY:
        f->delay += r->value;
        add_number(c, "delay ", r->value);
        break;
    case SHORT:
        if (asked(c) <= (size_t)r->value)
            break;
        limit(f, (size_t)r->value);
        add_number(c, "short ", r->value);
        break;
    case FAIL:
        f->err = (int)r->value;
        add(c, error_name(f->err));
        break;
    case RESET_AFTER:
        find_reset(r, c, f);
        break;
    case FATE:
        find_fate(r, c, f);
        break;
    }
}

/* Fills *f, which is all zero, and says in c->fault what will be done. */
void fault_find(struct call *c, struct fault *f)
{
    bool datagram = c->file.kind == 'd' || c->file.kind == 'v';

    for (int i = 0; i < nrules; i++) {
        struct rule *r = &rules[i];
        if (f->err != 0 || !matches(r->call, c->name) ||
            (r->effect == FATE && !datagram) || !is_due(r))
            continue;
        apply(r, c, f);
    }
}

/* A signal does not shorten it. */
void fault_sleep(const struct fault *f)
{
    int err = errno;

    if (f->delay == 0)
        return;
    system_sleep_until(now() + f->delay * 1000000);
    errno = err;
}

/* n bytes have gone or come. A datagram that is held goes now, unless it is
 * this one. */
void fault_moved(struct call *c, const struct fault *f, long n)
{
    int err = errno;

    if (f->counted && n > 0)
        count_bytes(c, n);
    if (f->fate != SWAPPED && n >= 0 && is_in(c->name, outs))
        fault_flush(&c->file);
    errno = err;
}

/* For the calls that move no bytes: waits, and returns the error if the call
 * is not to be made; that is recorded then. */
int fault_strikes(struct call *c)
{
    struct fault f = { 0, 0, 0, NORMAL, false };
    bool returned = same(c->name, "pthread_create");

    if (!faults_on)
        return 0;
    fault_find(c, &f);
    fault_sleep(&f);
    if (f.err == 0)
        return 0;
    if (!returned)
        errno = f.err;
    ends_with(c, returned ? f.err : -1, f.err);
    return f.err;
}
