/* server.c - the HTTP server of 23 and 24, with a pool of threads.
 *
 * usage: server [PORT [ADDRESS [WORKERS [SECONDS]]]]
 *
 * main accepts clients and puts them into a queue; WORKERS threads, made once,
 * take them out in order and serve them. While the queue is full, main does
 * not accept. A client has SECONDS from then on to send its request. SIGINT
 * and SIGTERM end the server in good order: who has sent a request gets the
 * answer first. How a request is read and answered is 23, line by line.
 *
 * Left out on purpose: files (27), thousands of clients at the same time and
 * many requests on a connection (29).
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "net.h"

#define MAX_LINE 8192 /* bytes of a request's line, its end not counted */
#define MAX_LINES 100 /* of a request, the empty one not counted */

#define MAX_WORKERS 1000
#define MAX_SECONDS 86400 /* a day */
#define QUEUE_SIZE 64     /* clients that wait for a worker */

/* Returns the length of a line of read_line() without its CR LF or LF. */
static size_t text_length(const char *line, size_t len)
{
    if (len > 0 && line[len - 1] == '\n')
        len--;
    if (len > 0 && line[len - 1] == '\r')
        len--;
    return len;
}

/* Prints a line to stdout, and a newline over its CR LF (or LF). A stdout
 * that is full or closed is no reason to send clients away. */
static void print_line(char *line, size_t len)
{
    line[len] = '\n';

    fwrite(line, 1, len + 1, stdout);
    fflush(stdout);
}

/* Reads a request from in and prints its lines, the empty one too.
 * Returns the status to answer with, or 0 where nobody waits for an answer:
 * the client closed or reset the connection before the empty line. A line or
 * a request that is too long has its status at once: its end may never come. */
static int read_request(struct line_reader *in)
{
    char line[MAX_LINE + 3];

    for (int nlines = 0; nlines <= MAX_LINES; nlines++) {
        ssize_t nread = read_line(in, line, sizeof line);
        if (nread < 0 && errno == EMSGSIZE)
            return 431;

        if (nread <= 0 || line[nread - 1] != '\n')
            return 0;
        size_t len = text_length(line, (size_t)nread);
        print_line(line, len);

        if (len == 0)
            return 200;
    }
    return 431;
}

/* Sends an answer to cfd: its head, then a page that holds text. All of it is
 * one write: two small ones would wait for each other (tcp(7), TCP_NODELAY). */
static void answer(int cfd, const char *status, const char *text)
{
    char page[512], whole[1024];

    snprintf(page, sizeof page,
             "<!DOCTYPE html>\n"
             "<HTML><HEAD><TITLE>%s</TITLE></HEAD>\n"
             "<BODY><P>%s</P></BODY></HTML>\n",
             status, text);
    snprintf(whole, sizeof whole,
             "HTTP/1.1 %s\r\n"
             "Content-Type: text/html; charset=utf-8\r\n"
             "Content-Length: %zu\r\n"
             "Connection: close\r\n"
             "\r\n"
             "%s",
             status, strlen(page), page);
    if (writen(cfd, whole, strlen(whole)) < 0)
        warn("answer a client:");
}

/* Milliseconds on the clock that nobody sets (clock_gettime(2)). */
static long long now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* Closes cfd. A plain close(2) with input unread (a request's body) resets
 * the connection, and the client may lose the answer. So: say that no more
 * will come, drop what still does until the client closes too, then close.
 * A client that does not close has patience milliseconds of silence for it,
 * five times that in all. */
static void hang_up(int cfd, int patience)
{
    struct pollfd pfd = { .fd = cfd, .events = POLLIN };
    long long end = now_ms() + 5 * patience;

    shutdown(cfd, SHUT_WR);
    while (now_ms() < end) {
        char dropped[4096];
        int ready = poll(&pfd, 1, patience);
        ssize_t nread = ready > 0 ? read(cfd, dropped, sizeof dropped) : ready;
        if (nread == 0 || (nread < 0 && errno != EINTR))
            break;
    }

    close(cfd);
}

static volatile sig_atomic_t ending; /* for main, which alone gets signals */
static int end_pipe[2];              /* for all threads, with poll(2) */

/* SIGINT, SIGTERM: the server is to end. Closing one side of a pipe wakes each
 * poll(2) that looks at the other, now and later. A second signal finds it
 * done. close(2) is safe in a handler (signal-safety(7)). */
static void on_end(int sig)
{
    (void)sig;
    if (ending)
        return;
    ending = 1;
    close(end_pipe[1]);
}

/* SIGALRM: the time to end in good order is over. */
static void on_alarm(int sig)
{
    (void)sig;
    _exit(0);
}

/* Makes the pipe and sets the handlers. */
static void catch_signals(void)
{
    if (make_pipe(end_pipe) < 0)
        die("make a pipe:");
    on_signal(SIGPIPE, SIG_IGN, 0);
    on_signal(SIGINT, on_end, 0);
    on_signal(SIGTERM, on_end, 0);
}

/* A client on its way through the server. */
struct client {
    int fd;
    long long deadline; /* for its request, on the clock of now_ms() */
};

/* Waits, for read_line(), until there is something to read from in. Returns 0
 * then; or -1 when the client's time is up, which it is told, or the server
 * ends. What has come is read in either case, however late it is. */
static int wait_for_input(struct line_reader *in)
{
    struct pollfd fds[] = { { .fd = in->fd, .events = POLLIN },
                            { .fd = end_pipe[0], .events = POLLIN } };
    int ready;

    /* TODO 28.5: wait for both of fds, until in->deadline and no longer.
     * Call poll(2) with the milliseconds from now_ms() to the deadline, 0
     * where it has passed, and keep its result in ready. Where a signal
     * interrupts it (EINTR), call it again, with what is left by then.
     * Trap: a limit for each read(2), such as SO_RCVTIMEO, is none: a client
     * that sends a byte a second would never meet it.
     * Check: "a client that is too slow gets 408, and its worker goes on".
     */
    ready = poll(fds, 1, -1);
    /* END 28.5 */

    if (ready > 0 && fds[0].revents != 0)
        return 0;
    if (ready == 0)
        answer(in->fd, "408 Request Timeout", "Your request took too long");
    errno = ETIMEDOUT;
    return -1;
}

/* Has the answer and the end of the connection leave in one packet: what is
 * written stays here until hang_up() calls shutdown(2). Quicker, and nothing
 * else (tcp(7), TCP_CORK). */
static void cork(int cfd)
{
#ifdef TCP_CORK
    int on = 1;
    setsockopt(cfd, IPPROTO_TCP, TCP_CORK, &on, sizeof on);
#else
    (void)cfd;
#endif
}

/* Has the client of in sent all that it will? One read(2) brought a GET or HEAD
 * from its first byte to its empty line, and these have no body (RFC 9110,
 * 9.3.1). What makes this sure makes it quick: most requests are so. */
static bool has_said_all(const struct line_reader *in)
{
    const char *end = in->buf + in->end;

    return in->pos == in->end && in->end > 8 && in->end < sizeof in->buf &&
           memcmp(end - 4, "\r\n\r\n", 4) == 0 &&
           (memcmp(in->buf, "GET ", 4) == 0 ||
            memcmp(in->buf, "HEAD ", 5) == 0);
}

/* How long hang_up() may wait at a time. Who sends more than a request, a
 * body, may be at it still, and has the rest of its time for that. Others need
 * a moment, and the next client waits for this worker. */
static int patience(const struct line_reader *in)
{
    long long left = (in->deadline - now_ms()) / 5;

    if (in->pos == in->end)
        return 20;
    if (left < 100)
        return 100;
    return left < 1000 ? (int)left : 1000;
}

/* Serves one client, from its request to the end; closes its descriptor. */
static void serve(struct client client)
{
    int cfd = client.fd;
    struct line_reader in = { .fd = cfd,
                              .wait = wait_for_input,
                              .deadline = client.deadline };

    cork(cfd);
    switch (read_request(&in)) {
    case 200:
        answer(cfd, "200 OK", "This is my test server page");
        break;
    case 431:
        answer(cfd, "431 Request Header Fields Too Large",
               "Your request is too long");
        break;
    }
    if (has_said_all(&in)) {
        shutdown(cfd, SHUT_WR); /* the answer leaves, whatever close(2) finds */
        close(cfd);
    } else {
        hang_up(cfd, patience(&in));
    }
}

/* The clients that wait for a worker: a ring of count clients, the first of
 * them in slots[first]. */
struct queue {
    pthread_mutex_t lock;     /* over all that follows */
    pthread_cond_t not_empty; /* or closed: workers wait for it */
    pthread_cond_t not_full;  /* main waits for it */
    struct client slots[QUEUE_SIZE];
    size_t first, count;
    bool closed; /* no more will come */
};

/* Makes q an empty queue. */
static void queue_init(struct queue *q)
{
    q->first = q->count = 0;
    q->closed = false;

    /* TODO 28.1: make the lock and the two conditions ready for use.
     * Call pthread_mutex_init(3) and pthread_cond_init(3), with NULL for the
     * usual attributes.
     * Trap: a lock that only looks ready, for it is all zeros, works here and
     * fails on the next system.
     * Check: "a silent client does not hold up the next one".
     */
    /* END 28.1 */
}

/* Takes the first client out of q; waits for one. Returns whether there is
 * one: not where q is empty and closed. Its descriptor is the caller's. */
static bool queue_pop(struct queue *q, struct client *client)
{
    bool got = false;

    /* TODO 28.2: under the lock, wait while q is empty and not closed; then,
     * if there is a client, take the first one out into client and set got.
     * Call pthread_mutex_lock(3), pthread_cond_wait(3) on not_empty,
     * pthread_mutex_unlock(3), and pthread_cond_signal(3) for not_full.
     * Trap: `while`, not `if`: until a thread that was woken has the lock
     * again, another one may have taken the client. And unlock on every way.
     * Check: "a silent client does not hold up the next one".
     */
    (void)q, (void)client;
    /* END 28.2 */

    return got;
}

/* Puts client last into q; waits while q is full. From then on its descriptor
 * is that of the worker who takes it out. */
static void queue_push(struct queue *q, struct client client)
{
    /* TODO 28.4: instead of serving the client here, put it last into q. Under
     * the lock, wait while q is full; its place is count after the first, and
     * the ring goes on at slots[0] after its end. Then wake a worker.
     * Call the same as in 28.2, with the two conditions changed over.
     * Trap: to wait with pthread_cond_wait(3) is what keeps main from
     * accept(2). To wait in a loop of your own would burn the processor, and
     * to wait with the lock in hand would stop all.
     * Check: "a silent client does not hold up the next one".
     */
    (void)q;
    serve(client);
    /* END 28.4 */
}

/* What each worker does: one client after the other, until there are no more.
 * arg is the queue. */
static void *worker(void *arg)
{
    struct client client;

    while (queue_pop(arg, &client))
        serve(client);
    return NULL;
}

/* Starts the n workers of q. Signals are main's: a thread gets the mask of the
 * one that makes it (pthread_sigmask(3)), so they are blocked meanwhile. */
static void start_workers(struct queue *q, pthread_t workers[], int n)
{
    sigset_t ours, before;

    sigemptyset(&ours);
    sigaddset(&ours, SIGINT);
    sigaddset(&ours, SIGTERM);
    sigaddset(&ours, SIGALRM);
    pthread_sigmask(SIG_BLOCK, &ours, &before);
    for (int i = 0; i < n; i++) {
        /* TODO 28.3: make a thread that runs worker, and keep it in workers[i].
         * Call pthread_create(3) with q for the argument; its result in err.
         * Trap: q itself and not &q, which is gone when this function is.
         * Check: "a silent client does not hold up the next one".
         */
        int err = 0;
        (void)q, (void)workers, (void)worker;
        /* END 28.3 */

        errno = err;
        if (err != 0)
            die("start %d threads:", n);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* Has the n workers serve whom q still holds, and waits until they have. */
static void end_workers(struct queue *q, pthread_t workers[], int n)
{
    /* TODO 28.6: close q, and wait for the end of all workers.
     * Set q->closed under the lock, wake all workers that wait for not_empty,
     * and call pthread_join(3) for each.
     * Trap: pthread_cond_signal(3) wakes one, pthread_cond_broadcast(3) all.
     * When main returns the process ends, with all threads wherever they are.
     * Check: "SIGTERM: answers who has asked, then ends with 0".
     */
    (void)q, (void)workers, (void)n;
    /* END 28.6 */
}

/* Waits for the next client. Returns its descriptor, which is the caller's, or
 * -1 when the server ends. lfd does not block, so that poll(2) is where main
 * waits, for either; nor does cfd, then, on macOS, where nothing needs it to.
 * With no descriptor left (EMFILE) the client stays in the kernel's queue: say
 * so once, and wait until others have closed. */
static int next_client(int lfd)
{
    struct pollfd fds[] = { { .fd = end_pipe[0], .events = POLLIN },
                            { .fd = lfd, .events = POLLIN } };
    struct sockaddr_storage peer;
    socklen_t len;
    char text[ADDR_STR_MAX];
    bool said = false;
    int cfd = -1;

    while (!ending && (cfd = tcp_accept(lfd, &peer, &len)) < 0) {
        bool none = errno == EAGAIN || errno == EWOULDBLOCK;
        if (!none && !said)
            warn("accept:");
        said = said || !none;
        poll(fds, none ? 2 : 1, none ? -1 : 100);
    }
    if (cfd < 0)
        return -1;
    fprintf(stderr, "New client connected: %s\n",
            addr_str((struct sockaddr *)&peer, len, text));
    return cfd;
}

/* Returns the number that text is, in decimal digits, or 0 where it is none
 * from 1 to max. */
static int number(const char *text, int max)
{
    size_t len = strlen(text);
    bool digits = len > 0 && strspn(text, "0123456789") == len;
    long n = digits ? strtol(text, NULL, 10) : 0;

    return n <= max ? (int)n : 0;
}

int main(int argc, char *argv[])
{
    const char *port = argc > 1 ? argv[1] : "8080";
    const char *address = argc > 2 ? argv[2] : "127.0.0.1";
    int nworkers = number(argc > 3 ? argv[3] : "4", MAX_WORKERS);
    int seconds = number(argc > 4 ? argv[4] : "5", MAX_SECONDS);
    static struct queue queue;
    pthread_t workers[MAX_WORKERS];
    struct client client;
    const char *why;

    prog = argv[0];
    if (argc > 5 || !is_port(port) || nworkers == 0 || seconds == 0)
        usage(argv, "server [PORT [ADDRESS [WORKERS [SECONDS]]]]");

    catch_signals();

    int lfd = tcp_listen(address, port, &why);
    if (lfd < 0)
        die("bind %s:%s: %s", address, port, why);
    fcntl(lfd, F_SETFL, O_NONBLOCK);
    queue_init(&queue);
    start_workers(&queue, workers, nworkers);
    fprintf(stderr, "Server launched, listening on port: %d\n",
            sock_port(lfd));

    while ((client.fd = next_client(lfd)) >= 0) {
        client.deadline = now_ms() + seconds * 1000LL;
        queue_push(&queue, client);
    }
    close(lfd);
    on_signal(SIGALRM, on_alarm, 0);
    alarm((unsigned)seconds);
    end_workers(&queue, workers, nworkers);
    return 0;
}
