/* What is different: plain libc; a short queue for listen(2); a thread for
 * each client with its argument from malloc(3); none is detached: one more
 * thread joins those that have ended. A lock of our own around the lines. The
 * 503 is sent after the request has come, if it comes soon. */
#define _POSIX_C_SOURCE 200809L

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct job {
    int fd;
    pthread_t thread;
    struct job *next;
};

static pthread_mutex_t lines = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t someone = PTHREAD_COND_INITIALIZER;
static struct job *ended;

static bool more(int fd, int ms)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };

    return poll(&p, 1, ms) > 0;
}

static void send_all(int fd, const char *p)
{
    size_t n = strlen(p);

    while (n > 0) {
        ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);

        if (sent == -1 && errno == EINTR)
            continue;
        if (sent == -1)
            return;
        p += sent;
        n -= (size_t)sent;
    }
}

static void say(int fd, const char *status, const char *page)
{
    char all[400];

    snprintf(all, sizeof all,
             "HTTP/1.1 %s\r\nContent-Length: %zu\r\n"
             "Content-Type: text/html\r\nConnection: close\r\n\r\n%s",
             status, strlen(page), page);
    send_all(fd, all);
}

static void bye(int fd)
{
    char drop[2048];

    shutdown(fd, SHUT_WR);
    for (int i = 0; i < 5000 && more(fd, 1000); i++)
        if (recv(fd, drop, sizeof drop, 0) <= 0)
            break;
    close(fd);
}

static void print(const char *line, size_t n)
{
    pthread_mutex_lock(&lines);
    for (size_t i = 0; i < n; i++)
        putchar(line[i]);
    putchar('\n');
    fflush(stdout);
    pthread_mutex_unlock(&lines);
}

/* One more byte of a line of n; its length when it ends, or -1. */
static int request(int fd)
{
    char in[512], *line = malloc(8194);
    size_t n = 0;
    ssize_t got;
    int status = 0, count = 0;

    while (line != NULL && status == 0 &&
           (got = recv(fd, in, sizeof in, 0)) > 0)
        for (ssize_t i = 0; i < got && status == 0; i++) {
            if (in[i] != '\n') {
                if (n == 8193 || (n == 8192 && in[i] != '\r'))
                    status = 431;
                else
                    line[n++] = in[i];
                continue;
            }
            if (n > 0 && line[n - 1] == '\r')
                n--;
            print(line, n);
            if (n == 0)
                status = 200;
            else if (++count > 100)
                status = 431;
            n = 0;
        }
    free(line);
    return status;
}

static void *serve(void *arg)
{
    struct job *job = arg;
    int status = request(job->fd);

    if (status == 200)
        say(job->fd, "200 OK", "<P>This is my test server page</P>");
    else if (status == 431)
        say(job->fd, "431 Too long", "<P>Too long</P>");
    bye(job->fd);
    pthread_mutex_lock(&lock);
    job->next = ended;
    ended = job;
    pthread_cond_signal(&someone);
    pthread_mutex_unlock(&lock);
    return NULL;
}

static void *join_all(void *unused)
{
    for (;;) {
        struct job *job;

        pthread_mutex_lock(&lock);
        while (ended == NULL)
            pthread_cond_wait(&someone, &lock);
        job = ended;
        ended = job->next;
        pthread_mutex_unlock(&lock);
        pthread_join(job->thread, NULL);
        free(job);
    }
    return unused;
}

static void start(int fd)
{
    struct job *job = malloc(sizeof *job);
    char drop[4096];

    if (job != NULL) {
        job->fd = fd;
        pthread_mutex_lock(&lock); /* it reads its own job->thread */
        int err = pthread_create(&job->thread, NULL, serve, job);
        pthread_mutex_unlock(&lock);
        if (err == 0)
            return;
        fprintf(stderr, "no thread: %s\n", strerror(err));
    }
    free(job);
    if (more(fd, 20))
        recv(fd, drop, sizeof drop, 0);
    say(fd, "503 Busy", "<P>Busy</P>");
    close(fd);
}

static int listen_at(const char *host, const char *port)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list;
    int rc = getaddrinfo(host, port, &hints, &list), fd = -1;

    if (rc != 0) {
        fprintf(stderr, "server: %s: %s\n", host, gai_strerror(rc));
        exit(1);
    }
    for (struct addrinfo *ai = list; ai != NULL; ai = ai->ai_next) {
        fd = socket(ai->ai_family, SOCK_STREAM, 0);
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
        if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0)
            break;
        if (ai->ai_next == NULL) {
            fprintf(stderr, "server: bind: %s\n", strerror(errno));
            exit(1);
        }
        close(fd);
    }
    freeaddrinfo(list);
    listen(fd, 5);
    return fd;
}

static int usage(FILE *to, int status)
{
    fputs("usage: server [PORT [ADDRESS]]\n", to);
    return status;
}

int main(int argc, char *argv[])
{
    const char *port = argc > 1 ? argv[1] : "8080";
    struct sockaddr_storage at;
    socklen_t len = sizeof at;
    char real[16];
    pthread_t joiner;

    if (argc == 2 && strcmp(port, "--help") == 0)
        return usage(stdout, 0);
    if (argc > 3 || strlen(port) - 1 > 4 || atoi(port) > 65535 ||
        strspn(port, "0123456789") != strlen(port))
        return usage(stderr, 2);
    signal(SIGPIPE, SIG_IGN);
    int lfd = listen_at(argc > 2 ? argv[2] : "127.0.0.1", port);
    if (pthread_create(&joiner, NULL, join_all, NULL) != 0)
        return 1;
    getsockname(lfd, (struct sockaddr *)&at, &len);
    getnameinfo((struct sockaddr *)&at, len, NULL, 0, real, sizeof real,
                NI_NUMERICSERV);
    fprintf(stderr, "Server launched, listening on port: %s\n", real);
    for (;;) {
        int fd = accept(lfd, NULL, NULL);

        if (fd == -1) {
            poll(NULL, 0, 30);
            continue;
        }
        fprintf(stderr, "New client connected\n");
        start(fd);
    }
}
