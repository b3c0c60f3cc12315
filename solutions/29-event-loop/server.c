/* server.c - the page of 23 for ten thousand clients, by one thread.
 *
 * usage: server [PORT [ADDRESS [WORKERS]]]
 *
 * No call on a client's socket waits. One call waits for all clients at once
 * and tells which can be read or written (lib/ready.h); each is served as far
 * as it goes. What a thread of 24 has on its stack, how far its client is, is
 * in a struct here. A connection stays open for the next request (keep-alive),
 * and a client may send several without waiting for answers (pipelining).
 * Requests are taken apart by lib/http.h.
 *
 * WORKERS processes do the same, each with a socket of its own that listens on
 * the same port; the kernel spreads the connections. A core each is the best.
 *
 * Left out on purpose: files (27) and their sendfile(2), TLS, and moving a
 * client from a busy worker to an idle one.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bytes.h"
#include "http.h"
#include "net.h"
#include "ready.h"

#define MAX_WORKERS 64

/* Seconds that a client has for its next request, or to take its answers. */
#define PATIENCE 60
/* Seconds that it has to close after our last word. */
#define FAREWELL 5
/* Of the wheel of time limits: a power of 2, more than the longest limit. */
#define SLOTS 64

#define BATCH (64 * 1024) /* bytes read or written at a time */
#ifndef MSG_MORE
#define MSG_MORE 0 /* Linux has it: go on gathering, more comes at once */
#endif

#define LINE (ADDR_STR_MAX + 32) /* room for the one that tells of a client */

/* A client, and how far it is: all that a thread would have on its stack. It is
 * small, for most clients are silent: what is here has no buffer. */
struct client {
    int fd;
    int interest;                /* what we wait for: READY_READ or _WRITE */
    struct bytes in;             /* read, and not answered yet */
    struct bytes out;            /* answered, and not taken by it yet */
    struct http_request request; /* the one that is coming */
    bool in_body;                /* its head is whole, its body is not */
    bool is_head;                /* its method is HEAD */
    bool last;                   /* nothing is answered after out */
    bool unread;                 /* and it may have sent more, or still does */
    bool leaving;                /* all is said: we wait for its end */

    long deadline, slot;        /* in seconds; the slot that it waits in */
    struct client *prev, *next; /* in that slot */
};

struct loop {
    struct ready *set;
    int lfd;
    bool full;   /* accept(2) failed: no descriptor left */
    long now;    /* seconds, when the last wait ended */
    long turned; /* up to where the wheel is done */
    struct client *wheel[SLOTS];

    size_t nout;                /* of out */
    char in[BATCH], out[BATCH]; /* of the client that is served just now */
};

/* ---- Answers: made once, before the first client comes ------------------- */

static struct answer {
    int status;
    bool closes;
    const char *reason, *text;
    size_t head, len; /* of bytes: the head alone, all */
    char bytes[512];
} answers[] = {
    { .status = 200, .reason = "OK", .text = "This is my test server page" },
    { 200, true, "OK", "This is my test server page", 0, 0, "" },
    { 400, true, "Bad Request", "I do not understand", 0, 0, "" },
    { 408, true, "Request Timeout", "That took too long", 0, 0, "" },
    { 413, true, "Content Too Large", "Your body is too long", 0, 0, "" },
    { 431, true, "Request Header Fields Too Large", "Your request is too long",
      0, 0, "" },
    { 501, true, "Not Implemented", "I do not know this coding", 0, 0, "" },
    { 505, true, "HTTP Version Not Supported", "I speak HTTP/1.1", 0, 0, "" },
};
#define NANSWERS (sizeof answers / sizeof answers[0])

static void make_answers(void)
{
    for (struct answer *a = answers; a < answers + NANSWERS; a++) {
        char page[256];
        snprintf(page, sizeof page,
                 "<!DOCTYPE html>\n"
                 "<HTML><HEAD><TITLE>%d %s</TITLE></HEAD>\n"
                 "<BODY><P>%s</P></BODY></HTML>\n",
                 a->status, a->reason, a->text);
        snprintf(a->bytes, sizeof a->bytes,
                 "HTTP/1.1 %d %s\r\n"
                 "Content-Type: text/html; charset=utf-8\r\n"
                 "Content-Length: %zu\r\n"
                 "%s\r\n"
                 "%s",
                 a->status, a->reason, strlen(page),
                 a->closes ? "Connection: close\r\n" : "", page);
        a->len = strlen(a->bytes);
        a->head = a->len - strlen(page);
    }
}

/* Returns the answer with that status, after which the connection closes or
 * not; all but 200 close. */
static const struct answer *find_answer(int status, bool closes)
{
    const struct answer *a = answers;

    while (a < answers + NANSWERS - 1 &&
           (a->status != status || (status == 200 && a->closes != closes)))
        a++;
    return a;
}

/* ---- Time limits: a wheel with a slot for each second -------------------- */

/* Seconds on the clock that nobody sets (clock_gettime(2)). */
static long now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long)now.tv_sec;
}

static void leave_slot(struct loop *l, struct client *c)
{
    if (c->next != NULL)
        c->next->prev = c->prev;
    if (c->prev != NULL)
        c->prev->next = c->next;
    else
        l->wheel[c->slot % SLOTS] = c->next;
}

static void enter_slot(struct loop *l, struct client *c)
{
    struct client **slot = &l->wheel[c->deadline % SLOTS];

    c->slot = c->deadline;
    c->prev = NULL;
    c->next = *slot;
    if (c->next != NULL)
        c->next->prev = c;
    *slot = c;
}

/* Gives c so many seconds from now. A later limit than the last one costs
 * nothing here: c stays in its slot, and moves on when the wheel gets there. */
static void set_limit(struct loop *l, struct client *c, long seconds)
{
    c->deadline = l->now + seconds + 1; /* what is left of this one is extra */
    if (c->deadline < c->slot) {
        leave_slot(l, c);
        enter_slot(l, c);
    }
}

/* Milliseconds until the next slot that somebody is in; -1: there is none. */
static int time_to_wait(const struct loop *l)
{
    if (l->full)
        return 100;
    for (int i = 1; i <= SLOTS; i++)
        if (l->wheel[(l->turned + i) % SLOTS] != NULL)
            return i * 1000;
    return -1;
}

/* ---- One client ---------------------------------------------------------- */

/* Takes cfd into the loop. Where there is no memory for it, it is closed. */
static void add_client(struct loop *l, int cfd)
{
    struct client *c = calloc(1, sizeof *c);

    if (c == NULL || ready_add(l->set, cfd, READY_READ, c) < 0) {
        warn("add a client:");
        free(c);
        close(cfd);
        return;
    }
    c->fd = cfd;
    c->interest = READY_READ;
    c->deadline = l->now + PATIENCE + 1;
    enter_slot(l, c);
}

/* Closes c's connection and frees all that it has. */
static void drop_client(struct loop *l, struct client *c)
{
    leave_slot(l, c);
    ready_close(l->set, c->fd);
    free(c->in.at);
    free(c->out.at);
    free(c);
}

/* Has the loop wait for what c needs next. Returns false when it cannot. */
static bool set_interest(struct loop *l, struct client *c)
{
    int interest = READY_READ;

    /* TODO 29.6: while c->out holds bytes, wait until c can be written, and do
     * not read it: its next requests would be answers that it does not take.
     * Trap: a connection can be written nearly always. Who always asks for it
     * is never let wait, and has a core busy with nothing.
     * Check: "sends a late reader all of its answers".
     */
    if (c->out.len > 0)
        interest = READY_WRITE;
    /* END 29.6 */

    if (interest == c->interest)
        return true; /* a system call saved */
    c->interest = interest;
    return ready_change(l->set, c->fd, interest, c) == 0;
}

/* Returns whether errno says that a call would have had to wait, or that a
 * signal came: the connection is well, ask again when it is ready. */
static bool not_now(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

/* Reads what c has sent, up to BATCH bytes, without waiting. Returns how many;
 * 0 when there are none now; -1 at the end of the input or the connection. */
static ssize_t read_some(struct client *c, char *buf)
{
    /* TODO 29.1: read into buf what is there, with one read(2).
     * It has three results, and two of them look like nothing: more than 0 are
     * so many bytes, 0 is the end of the input, and -1 with not_now() is no end
     * at all, but "none yet".
     * Trap: who takes "none yet" for the end loses clients, and who takes the
     * end for "none yet" is told of it for ever, and has a core busy with it.
     * Check: "answers a request and keeps the connection open".
     */
    ssize_t nread = read(c->fd, buf, BATCH);
    if (nread < 0 && not_now())
        return 0;
    return nread > 0 ? nread : -1;
    /* END 29.1 */
}

/* Writes as many of the n bytes as c takes without waiting. Returns how many,
 * 0 when it takes none now; -1 when the connection is broken. The end comes
 * behind the last answer at once: they leave in one packet (send(2)). */
static ssize_t write_some(struct client *c, const char *buf, size_t n)
{
    ssize_t nwritten = send(c->fd, buf, n, c->last ? MSG_MORE : 0);

    return nwritten < 0 && not_now() ? 0 : nwritten;
}

/* Sends l->out to c in one write, and keeps what c does not take. Where it has
 * not taken an earlier part, this one has to wait behind it. Returns false when
 * the connection is broken. */
static bool flush_answers(struct loop *l, struct client *c)
{
    size_t n = l->nout, taken = 0;

    l->nout = 0;
    if (n > 0 && c->out.len == 0) {
        ssize_t nwritten = write_some(c, l->out, n);
        if (nwritten < 0)
            return false;
        taken = (size_t)nwritten;
    }

    /* TODO 29.5: keep what c has not taken: l->out is for the next client.
     * Call bytes_add() (lib/bytes.h) to put the bytes of l->out behind the
     * first taken, up to n, at the end of c->out. Return what it returns.
     * Trap: a write(2) that may not wait takes as much as there is room for.
     * That is often all, and one day it is half an answer, or nothing.
     * Check: "sends a late reader all of its answers".
     */
    return bytes_add(&c->out, l->out + taken, n - taken);
    /* END 29.5 */
}

/* Puts len bytes at the end of what is sent to c next. */
static bool put(struct loop *l, struct client *c, const char *text, size_t len)
{
    if (l->nout + len > BATCH && !flush_answers(l, c))
        return false;
    memcpy(l->out + l->nout, text, len);
    l->nout += len;
    return true;
}

/* Answers c's request, and begins the next one. HTTP/1.0 knows keep-alive only
 * where the answer says it too, and these do not (RFC 9112, C.2.2). */
static bool answer(struct loop *l, struct client *c, int status)
{
    c->unread = status != 200;
    c->last = status != 200 || !c->request.keep_alive || c->request.minor == 0;

    const struct answer *a = find_answer(status, c->last);
    size_t len = c->is_head ? a->head : a->len;

    memset(&c->request, 0, sizeof c->request);
    c->in_body = c->is_head = false;
    set_limit(l, c, PATIENCE);
    return put(l, c, a->bytes, len);
}

/* Looks for the end of c's request in the n bytes at data, which go on where
 * *used of the last call was. Returns the status to answer with, or 0: the
 * request is not whole, more must come. */
static int next_request(struct loop *l, struct client *c, const char *data,
                        size_t n, size_t *used)
{
    static const char please[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct http_request *r = &c->request;
    bool begins = !c->in_body;
    size_t body;

    *used = 0;
    if (!c->in_body) {
        int status = http_head(r, data, n);
        if (status != 200)
            return status;
        c->is_head = http_is(r->method, "HEAD");
        *used = r->size;
        if (!r->has_body)
            return 200;
        c->in_body = true;
    }
    int status = http_skip(r, data + *used, n - *used, &body);
    if (status == 0 && begins && r->expects_continue && n == r->size)
        put(l, c, please, sizeof please - 1);
    *used += body;
    return status;
}

/* Answers the whole requests among the n bytes at data, as far as c takes the
 * answers. Returns how many bytes they have; -1: the connection is broken. */
static ssize_t answer_requests(struct loop *l, struct client *c,
                               const char *data, size_t n)
{
    size_t done = 0, used;

    /* TODO 29.3: answer every whole request, not the first one alone: a client
     * may send many before it reads (pipelining), and no event will tell of
     * those that have been read already.
     * Go on until next_request() returns 0, c->last is set, or c->out holds
     * bytes: a client that does not take its answers gets no more of them.
     * Trap: done counts from the start of data, used from the last request.
     * Check: "answers requests that come together, in their order".
     */
    while (!c->last && c->out.len == 0) {
        int status = next_request(l, c, data + done, n - done, &used);
        done += used;
        if (status == 0)
            break;
        if (!answer(l, c, status))
            return -1;
    }
    /* END 29.3 */

    return flush_answers(l, c) ? (ssize_t)done : -1;
}

/* Answers what c has sent: the n bytes in l->in, behind those that were kept.
 * Returns false when the connection is broken. */
static bool take_input(struct loop *l, struct client *c, size_t n)
{
    const char *data = l->in;
    bool kept = c->in.len > 0;

    if (kept) {
        if (!bytes_add(&c->in, l->in, n))
            return false;
        data = c->in.at;
        n = c->in.len;
    }

    ssize_t done = answer_requests(l, c, data, n);
    if (done < 0)
        return false;
    size_t left = n - (size_t)done;
    if (c->last) { /* what follows is not looked at */
        c->unread = c->unread || left > 0 || c->out.len > 0;
        left = 0;
    }
    if (kept) {
        bytes_drop(&c->in, n - left);
        return true;
    }

    /* TODO 29.2: keep the left bytes behind the first done of data: they are
     * a part of a request, and the rest of it comes with another event.
     * Call bytes_add() to put them into c->in. Return what it returns.
     * Trap: l->in is for all clients, one after the other. What one of them
     * needs later cannot stay there, nor in a static variable.
     * Check: "takes a request in any pieces".
     */
    return bytes_add(&c->in, data + done, left);
    /* END 29.2 */
}

/* Is there input of c, or may there be? 0 is its end. */
static bool has_input(struct client *c)
{
    struct pollfd now = { .fd = c->fd, .events = POLLIN };
    char byte;

    return c->unread ||
           (poll(&now, 1, 0) > 0 && recv(c->fd, &byte, 1, MSG_PEEK) > 0);
}

/* All is said. A plain close(2) with input unread resets the connection, and
 * the client may lose the answer. So: say that no more will come, and drop what
 * still does, until the client closes too or its time is up. Who has sent a
 * request and nothing behind it needs none of that. Returns false when the
 * connection is over. */
static bool say_farewell(struct loop *l, struct client *c)
{
    if (!has_input(c))
        return false;
    c->leaving = true;
    bytes_drop(&c->in, c->in.len);
    set_limit(l, c, FAREWELL);
    return shutdown(c->fd, SHUT_WR) == 0;
}

/* Sends what c has not taken yet, as far as it takes it. */
static bool send_rest(struct loop *l, struct client *c)
{
    ssize_t n = write_some(c, c->out.at, c->out.len);

    if (n < 0)
        return false;
    if (n > 0) {
        set_limit(l, c, PATIENCE);
        bytes_drop(&c->out, (size_t)n);
    }
    return true;
}

/* Goes on with c as far as it goes without waiting. Returns false when its
 * connection is over. While c does not take its answers, it is not read: it can
 * have a bounded part of our memory. */
static bool go_on(struct loop *l, struct client *c)
{
    ssize_t n = 0;

    if (c->out.len > 0 && !send_rest(l, c))
        return false;
    if (c->out.len > 0)
        return true;
    if (c->interest == READY_READ)
        n = read_some(c, l->in);
    if (n < 0 || c->leaving)
        return n >= 0;
    if (!take_input(l, c, (size_t)n))
        return false;
    if (c->last && c->out.len == 0 && !say_farewell(l, c))
        return false;
    return set_interest(l, c);
}

/* Serves c, which can be read or written. */
static void serve(struct loop *l, struct client *c)
{
    if (!go_on(l, c))
        drop_client(l, c);
}

/* c's time is up. Who is in the middle of a request is told so, who is silent
 * between two knows that a connection does not stay for ever. Returns false
 * when the connection is over. */
static bool end_patience(struct loop *l, struct client *c)
{
    bool asks = c->in.len > 0 || c->in_body;

    return asks && !c->leaving && c->out.len == 0 && answer(l, c, 408) &&
           flush_answers(l, c) && c->out.len == 0 && say_farewell(l, c);
}

/* Goes through the slots of the seconds that have passed. Who stays goes to the
 * slot of the limit that it has now. */
static void turn_wheel(struct loop *l)
{
    while (l->turned < l->now) {
        struct client *c = l->wheel[++l->turned % SLOTS], *next;
        for (; c != NULL; c = next) {
            next = c->next;
            if (c->deadline <= l->turned && !end_patience(l, c)) {
                drop_client(l, c);
                continue;
            }
            leave_slot(l, c);
            enter_slot(l, c);
        }
    }
}

/* ---- All clients --------------------------------------------------------- */

/* Accepts the next client, and writes a line that tells of it to line. Returns
 * false, with errno, when there is none. */
static bool accept_one(struct loop *l, char line[LINE])
{
    struct sockaddr_storage peer;
    socklen_t len;
    char text[ADDR_STR_MAX];
    int cfd = tcp_accept(l->lfd, &peer, &len);

    if (cfd < 0)
        return false;
    snprintf(line, LINE, "New client connected: %s\n",
             addr_str((struct sockaddr *)&peer, len, text));

    /* TODO 29.4: have no call on this client's socket wait.
     * Call fcntl(2) with F_SETFL and O_NONBLOCK.
     * Trap: it seems to work without. But a write(2) to one client that does
     * not read waits for it, and with it all the others.
     * Check: "a client that does not read holds up nobody".
     */
    fcntl(cfd, F_SETFL, O_NONBLOCK);
    /* END 29.4 */

    add_client(l, cfd);
    return true;
}

/* Accepts those who wait, 32 at a time: then the others have their turn. Prints
 * all their lines with one write. Returns 0, or why there is no descriptor for
 * the next one (EMFILE). */
static int accept_some(struct loop *l)
{
    char lines[32 * LINE] = "";
    size_t len = 0;
    int err = 0;

    for (int i = 0; i < 32 && err == 0; i++) {
        if (accept_one(l, lines + len))
            len += strlen(lines + len);
        else
            err = errno;
    }
    if (len > 0)
        fputs(lines, stderr);
    return err == EAGAIN || err == EWOULDBLOCK ? 0 : err;
}

/* Accepts. Those for whom no descriptor is left stay in the queue, and the
 * socket stays readable: do not ask for it until the next try, in a while. */
static void accept_clients(struct loop *l)
{
    int err = accept_some(l);
    bool full = err != 0;

    errno = err;
    if (full && !l->full)
        warn("accept:");
    if (full != l->full)
        ready_change(l->set, l->lfd, full ? 0 : READY_READ, l);
    l->full = full;
}

/* Makes a loop that accepts from lfd and ends when stop can be read. */
static void begin_loop(struct loop *l, int lfd, int stop)
{
    l->lfd = lfd;
    l->now = l->turned = now_s();
    l->set = ready_new();
    if (l->set == NULL || fcntl(lfd, F_SETFL, O_NONBLOCK) < 0 ||
        ready_add(l->set, lfd, READY_READ, l) < 0 ||
        ready_add(l->set, stop, READY_READ, NULL) < 0)
        die("begin a loop:");
}

/* Frees all that the loop has: each client is in a slot. */
static void end_loop(struct loop *l)
{
    for (int i = 0; i < SLOTS; i++) {
        struct client *c, *next;
        for (c = l->wheel[i]; c != NULL; c = next) {
            next = c->next;
            drop_client(l, c);
        }
    }
    ready_free(l->set);
}

/* Waits for all clients at once and serves those that are ready, until stop can
 * be read. Returns the process' exit status. */
static int run_loop(int lfd, int stop)
{
    static struct loop loop; /* static: too big for a stack */
    struct loop *l = &loop;
    struct ready_event events[256];
    bool stopped = false;

    begin_loop(l, lfd, stop);
    while (!stopped) {
        int n = ready_wait(l->set, events, 256, time_to_wait(l));
        if (n < 0)
            die("wait for clients:");
        l->now = now_s();
        if (l->full)
            accept_clients(l);
        for (int i = 0; i < n; i++) {
            if (events[i].who == NULL)
                stopped = true;
            else if (events[i].who == l)
                accept_clients(l);
            else
                serve(l, events[i].who);
        }
        turn_wheel(l);
    }
    end_loop(l);
    return 0;
}

/* ---- Workers ------------------------------------------------------------- */

/* Whoever waits for stop[0] learns that it is time to end: a byte is in it that
 * nobody takes, or nobody is left who could write one. */
static int stop[2];
static volatile sig_atomic_t stopping;

static void on_stop(int sig)
{
    int err = errno;
    ssize_t n;

    (void)sig;
    stopping = 1;
    /* Any other failure: it is full of such bytes, and all know it. */
    do
        n = write(stop[1], "", 1);
    while (n < 0 && errno == EINTR);
    errno = err;
}

/* What a worker does: accepts from lfd and serves, until its parent ends or
 * says so. Only the parent has the writing end of stop. */
static _Noreturn void work(int lfd)
{
    close(stop[1]);
    on_signal(SIGINT, SIG_IGN, 0); /* Ctrl-C goes to all: the parent tells */
    on_signal(SIGTERM, SIG_DFL, 0);
    exit(run_loop(lfd, stop[0]));
}

/* Starts a worker that accepts from lfd. Returns its pid, or -1. */
static pid_t start_worker(int lfd)
{
    /* TODO 29.7: make a process with fork(2) that calls work(lfd).
     * Return its pid to the parent. The child does not come back.
     * Trap: a set of ready.h that parent and child share tells each of the
     * other's clients. Here each makes its own, in work(), after fork(2).
     * Check: "workers share the port".
     */
    pid_t pid = fork();

    if (pid == 0)
        work(lfd);
    return pid;
    /* END 29.7 */
}

/* Keeps a worker running for each of the n sockets, until a signal says that it
 * is time to end; then waits for them. A socket is open here too: those who
 * queue in it are still there when the next worker comes. */
static int run_workers(const int *lfds, int n)
{
    pid_t pids[MAX_WORKERS], ended;

    for (int i = 0; i < n; i++)
        if ((pids[i] = start_worker(lfds[i])) < 0)
            die("start a worker:");
    while ((ended = wait(NULL)) > 0 || errno == EINTR) {
        for (int i = 0; i < n && !stopping; i++) {
            if (pids[i] != ended)
                continue;
            warn("worker %d has ended, another one begins", (int)ended);
            do
                poll(NULL, 0, 100); /* not at full speed, should it end too */
            while ((pids[i] = start_worker(lfds[i])) < 0 && !stopping);
        }
    }
    return 0;
}

/* Returns the number of workers that text says, or 0. */
static int workers(const char *text)
{
    size_t len = strlen(text);

    if (len == 0 || len > 3 || strspn(text, "0123456789") != len)
        return 0;
    long n = strtol(text, NULL, 10);
    return n <= MAX_WORKERS ? (int)n : 0;
}

int main(int argc, char *argv[])
{
    const char *port = argc > 1 ? argv[1] : "8080";
    const char *address = argc > 2 ? argv[2] : "127.0.0.1";
    int n = argc > 3 ? workers(argv[3]) : 1, lfds[MAX_WORKERS], on = 1;
    const char *why;

    prog = argv[0];
    if (argc > 4 || !is_port(port) || n == 0)
        usage(argv, "server [PORT [ADDRESS [WORKERS]]]");

    on_signal(SIGPIPE, SIG_IGN, 0);
    make_answers();
    ready_files();

    lfds[0] = tcp_listen(address, port, &why);
    if (lfds[0] < 0)
        die("bind %s:%s: %s", address, port, why);
    for (int i = 1; i < n; i++)
        if ((lfds[i] = ready_listen(lfds[0])) < 0)
            die("listen beside on %s:%d:", address, sock_port(lfds[0]));
    /* Those who are accepted have it from here: small answers do not wait for
     * each other (tcp(7)). */
    for (int i = 0; i < n; i++)
        setsockopt(lfds[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);

    if (make_pipe(stop) < 0)
        die("make a pipe:");
    fcntl(stop[1], F_SETFL, O_NONBLOCK);
    on_signal(SIGINT, on_stop, 0);
    on_signal(SIGTERM, on_stop, 0);
    fprintf(stderr, "Server launched, listening on port: %d\n",
            sock_port(lfds[0]));
    return n == 1 ? run_loop(lfds[0], stop[0]) : run_workers(lfds, n);
}
