/* server.c - the HTTP server of 23, with a thread for each client.
 *
 * usage: server [PORT [ADDRESS]]
 *
 * main accepts and hands each client to a thread of its own, so that all are
 * served at the same time. How a request is read and answered is 23, line by
 * line.
 *
 * Left out on purpose: files (27), a bound on the number of threads, a time
 * limit for silent clients and a tidy end (28), many clients without threads
 * (29). SIGINT and SIGTERM keep their default action: they end the process
 * wherever it waits, and the kernel closes all that it holds.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "net.h"

#define MAX_LINE 8192 /* bytes of a request's line, its end not counted */
#define MAX_LINES 100 /* of a request, the empty one not counted */

#define STACK_SIZE (256 * 1024) /* of a thread; serve() needs 20 KiB */

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

/* Serves one client, from its request to the end; closes cfd. */
static void serve(int cfd)
{
    struct line_reader in = { .fd = cfd };

    switch (read_request(&in)) {
    case 200:
        answer(cfd, "200 OK", "This is my test server page");
        break;
    case 431:
        answer(cfd, "431 Request Header Fields Too Large",
               "Your request is too long");
        break;
    }
    hang_up(cfd, 1000);
}

/* Waits for the next client. Returns its descriptor, which is the caller's.
 * Where there is none left (EMFILE), the client stays in the queue and the
 * call fails at once: say so once, and wait until others have closed. */
static int next_client(int lfd)
{
    struct sockaddr_storage peer;
    socklen_t len;
    char text[ADDR_STR_MAX];
    bool said = false;
    int cfd;

    while ((cfd = tcp_accept(lfd, &peer, &len)) < 0) {
        if (!said)
            warn("accept:");
        said = true;
        poll(NULL, 0, 100);
    }
    fprintf(stderr, "New client connected: %s\n",
            addr_str((struct sockaddr *)&peer, len, text));
    return cfd;
}

/* TODO 24.1: write the function that a thread runs: it serves one client.
 * It has the type that pthread_create(3) asks for, void *f(void *), finds the
 * descriptor in its argument, and calls serve(), which closes it. Until 24.2
 * the compiler warns that nobody uses it.
 * Trap: it ends by return. exit(3) here would end the server for all.
 * Check: "a silent client does not hold up the next one".
 */
/* END 24.1 */

/* Has cfd served by a thread of its own, while the caller goes on. The thread
 * closes it. A small stack is quicker to get than the usual 8 MiB, and a
 * thousand of them cost little. */
static void serve_in_thread(int cfd)
{
    pthread_attr_t attr;

    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_SIZE);

    /* TODO 24.3: have threads give back their stack when they end.
     * Call pthread_attr_setdetachstate(3) with PTHREAD_CREATE_DETACHED.
     * Trap: pthread_join(3) does that too, but waits, and the next client
     * would wait with you.
     * Check: "a thousand clients leave no thread and no memory behind".
     */
    /* END 24.3 */

    /* TODO 24.2: start a thread that serves cfd, instead of serving it here.
     * Call pthread_create(3) with &attr and your function of 24.1. Pass the
     * descriptor's value, (void *)(intptr_t)cfd, and keep the result in err.
     * Trap: &cfd would be the address of a variable that is gone, or holds
     * the next client, when the thread looks at it. And do not close cfd
     * here: the threads share all descriptors.
     * Check: "a silent client does not hold up the next one".
     */
    int err = 0;
    serve(cfd);
    /* END 24.2 */

    pthread_attr_destroy(&attr);

    /* TODO 24.4: when no thread could be made (err is not 0), tell the client
     * "503 Service Unavailable" with answer(), and hang_up() with a patience
     * of 100 ms: the next client waits meanwhile.
     * Trap: pthread_create(3) returns its error and leaves errno alone: put
     * err into errno for warn("start a thread:"). A server that ends here, or
     * forgets the descriptor, fails when it is needed most.
     * Check: "answers 503 when no thread can be made, and goes on".
     */
    (void)err;
    /* END 24.4 */
}

int main(int argc, char *argv[])
{
    const char *port = argc > 1 ? argv[1] : "8080";
    const char *address = argc > 2 ? argv[2] : "127.0.0.1";
    const char *why;

    prog = argv[0];
    if (argc > 3 || !is_port(port))
        usage(argv, "server [PORT [ADDRESS]]");

    on_signal(SIGPIPE, SIG_IGN, 0);

    int lfd = tcp_listen(address, port, &why);
    if (lfd < 0)
        die("bind %s:%s: %s", address, port, why);
    fprintf(stderr, "Server launched, listening on port: %d\n",
            sock_port(lfd));

    for (;;) {
        int cfd = next_client(lfd);
        serve_in_thread(cfd);
    }
}
