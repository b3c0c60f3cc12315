/* clients.c - what a race needs beside wrk, and a shell cannot do.
 *
 * usage: clients run HOST PORT COMMAND [ARG]...
 *        clients silent HOST PORT COUNT MS
 *        clients free HOST PORT
 *
 * run     starts COMMAND, a server, and says `ready PID MS` once it answers
 *         with the race's page, or `failed WHY`. Then waits for its end.
 *         SIGTERM ends it and all that it started, within two seconds.
 * silent  holds COUNT clients that say nothing, asks as one more, and says
 *         `held HELD MS`: how many are still connected, and after how long the
 *         one had its answer (`no`: not within MS). Ends by a signal.
 * free    says the first port from PORT on that a server can have.
 *
 * HOST is a number. All raise the limit of open files as far as it may go.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
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

#include "net.h"
#include "ready.h"

#define PAGE "<P>This is my test server page</P>"

#define START_LIMIT 10000 /* ms for a server to start and to answer */
#define QUEUE_LIMIT 20000 /* ms for all silent clients to get in */
#define SLOW 500          /* ms: this client did not fit into the queue */
#define PACE 100000       /* ns between two clients at first */

static struct sockaddr_storage server; /* whom to talk to */
static socklen_t server_len;

static volatile sig_atomic_t child; /* of run: its process group, too */

/* Milliseconds on the clock that nobody sets (clock_gettime(2)). */
static double now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void pause_ns(long ns)
{
    struct timespec t = { .tv_nsec = ns };

    nanosleep(&t, NULL);
}

/* Milliseconds until end for poll(2), 0 if that is past. */
static int left(double end)
{
    double ms = end - now_ms();

    return ms > 0 ? (int)ms + 1 : 0;
}

/* Sets server. */
static void find(const char *host, const char *port)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
                              .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV };
    struct addrinfo *found;
    int err = getaddrinfo(host, port, &hints, &found);

    if (err != 0)
        die("%s:%s: %s", host, port, gai_strerror(err));
    memcpy(&server, found->ai_addr, found->ai_addrlen);
    server_len = found->ai_addrlen;
    freeaddrinfo(found);
}

/* Connects, until end at most. Returns a descriptor that never blocks, which
 * is the caller's, or -1. */
static int connect_until(double end)
{
    int err, fd = socket(server.ss_family, SOCK_STREAM, 0);
    struct pollfd pfd = { .fd = fd, .events = POLLOUT };
    socklen_t len = sizeof err;

    if (fd < 0)
        return -1;
    if (fcntl(fd, F_SETFL, O_NONBLOCK) == 0) {
        if (connect(fd, (struct sockaddr *)&server, server_len) == 0)
            return fd;
        if (errno == EINPROGRESS && poll(&pfd, 1, left(end)) == 1 &&
            getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) == 0 && err == 0)
            return fd;
    }
    close(fd);
    return -1;
}

/* Reads from fd until the page has come whole. Returns NULL, or what was the
 * matter. */
static const char *read_page(int fd, double end)
{
    struct pollfd pfd = { .fd = fd, .events = POLLIN };
    char answer[8192] = "";
    size_t have = 0;

    while (strstr(answer, PAGE) == NULL) {
        if (poll(&pfd, 1, left(end)) != 1)
            return "no answer in time";

        ssize_t nread = read(fd, answer + have, sizeof answer - 1 - have);
        if (nread <= 0)
            return "an answer without the page";
        have += (size_t)nread;
        answer[have] = '\0';
    }
    return strncmp(answer, "HTTP/1.", 7) == 0 ? NULL : "no HTTP";
}

static const char no_connection[] = "it takes no connection";

/* Asks for the page as a client of its own. Returns as read_page(). */
static const char *ask(double end)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: race\r\n"
                                  "Connection: close\r\n\r\n";
    int fd = connect_until(end);

    if (fd < 0)
        return no_connection;
    const char *wrong = writen(fd, request, sizeof request - 1) < 0
                            ? "it hangs up"
                            : read_page(fd, end);
    close(fd);
    return wrong;
}

/* ---- run ----------------------------------------------------------------- */

/* At the second signal, or two seconds after the first, there is no mercy. */
static void end_child(int sig)
{
    kill(-child, sig == SIGALRM ? SIGKILL : SIGTERM);
    alarm(2);
}

/* Becomes the server: in a process group of its own, which ends as a whole,
 * with no terminal and nobody who reads what it prints. */
_Noreturn static void become(char *command[])
{
    int null = open("/dev/null", O_RDWR);

    setpgid(0, 0);
    on_signal(SIGINT, SIG_DFL, 0);
    on_signal(SIGQUIT, SIG_DFL, 0);
    on_signal(SIGPIPE, SIG_DFL, 0);
    for (int fd = 0; fd <= 2; fd++)
        dup2(null, fd);
    execvp(command[0], command);
    _exit(127);
}

/* Waits until the child answers: a server that is not there yet refuses.
 * Returns as ask(). */
static const char *first_answer(void)
{
    double end = now_ms() + START_LIMIT;
    const char *wrong;

    while ((wrong = ask(end)) == no_connection && now_ms() < end) {
        if (waitpid(child, NULL, WNOHANG) != 0)
            return "it ended before it answered";
        pause_ns(PACE);
    }
    return wrong;
}

static int run(char *command[])
{
    double start = now_ms();

    child = fork();
    if (child < 0)
        die("fork:");
    if (child == 0)
        become(command);
    setpgid(child, child); /* whoever of the two is first */
    on_signal(SIGTERM, end_child, 0);
    on_signal(SIGINT, end_child, 0);
    on_signal(SIGHUP, end_child, 0);
    on_signal(SIGALRM, end_child, 0);

    const char *wrong = first_answer();
    if (wrong == NULL)
        printf("ready %d %.2f\n", (int)child, now_ms() - start);
    else
        printf("failed %s\n", wrong);
    fflush(stdout);

    if (wrong != NULL)
        end_child(SIGTERM);
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
        ;
    kill(-child, SIGKILL); /* what it left behind */
    return wrong != NULL;
}

/* ---- silent -------------------------------------------------------------- */

/* How many of these clients are still connected: none has asked, so nothing
 * but the end can come. */
static int still_there(struct pollfd *client, int count)
{
    int there = 0;

    poll(client, (nfds_t)count, 0);
    for (int i = 0; i < count; i++)
        there += client[i].revents == 0;
    return there;
}

/* Connects up to count clients, slower where the queue is short: Python's holds
 * 5, and who does not fit is sent away to come again after a second. Returns
 * how many there are. */
static int connect_all(struct pollfd *client, int count)
{
    double before, end = now_ms() + QUEUE_LIMIT;
    long pace = PACE;
    int n = 0;

    while (n < count) {
        pause_ns(pace);
        before = now_ms();
        int fd = connect_until(end);
        if (fd < 0)
            break;
        client[n++] = (struct pollfd){ .fd = fd, .events = POLLIN };
        if (now_ms() - before > SLOW && pace < 10 * PACE)
            pace *= 2;
    }
    return n;
}

static int silent(int count, int limit)
{
    struct pollfd *client = calloc((size_t)count + 1, sizeof *client);

    if (client == NULL)
        die("memory for %d clients:", count);
    int held = connect_all(client, count);

    double start = now_ms();
    const char *wrong = ask(start + limit);
    double took = now_ms() - start;
    held = still_there(client, held);
    if (wrong == NULL)
        printf("held %d %.2f\n", held, took);
    else
        printf("held %d no\n", held);
    fflush(stdout);

    pause();
    free(client); /* their descriptors end with the process */
    return 0;
}

/* ---- free ---------------------------------------------------------------- */

/* Without SO_REUSEADDR: a port with connections in TIME_WAIT is not free. */
static int free_port(int port)
{
    for (; port <= 65535; port++) {
        int fd = socket(server.ss_family, SOCK_STREAM, 0);

        if (server.ss_family == AF_INET6)
            ((struct sockaddr_in6 *)&server)->sin6_port = htons((in_port_t)port);
        else
            ((struct sockaddr_in *)&server)->sin_port = htons((in_port_t)port);
        if (bind(fd, (struct sockaddr *)&server, server_len) == 0) {
            printf("%d\n", port);
            return 0;
        }
        close(fd);
    }
    die("no port is free");
}

static int number(const char *digits)
{
    return (int)strtol(digits, NULL, 10);
}

int main(int argc, char *argv[])
{
    const char *what = argc > 1 ? argv[1] : "";

    prog = argv[0];
    if (argc < 4 || !is_port(argv[3]))
        usage(argv, "clients run|silent|free HOST PORT [WORD]...");

    on_signal(SIGPIPE, SIG_IGN, 0);
    ready_files(); /* servers inherit it */
    find(argv[2], argv[3]);

    if (strcmp(what, "run") == 0 && argc > 4)
        return run(argv + 4);
    if (strcmp(what, "silent") == 0 && argc == 6)
        return silent(number(argv[4]), number(argv[5]));
    if (strcmp(what, "free") == 0)
        return free_port(number(argv[3]));
    usage(argv, "clients run|silent|free HOST PORT [WORD]...");
}
