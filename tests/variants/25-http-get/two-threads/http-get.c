/* http-get.c - another right one: a thread receives, with a time limit on the
 * socket and a new try each time, and puts what came into a small ring; main
 * takes it from there, prints it with stdio and looks for the end. */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "net.h"

enum { RING = 1000 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static char ring[RING];
static size_t put, taken;
static bool at_end;
static int failure, sock;

static void add(const char *p, size_t n)
{
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < n; i++) {
        while (put - taken == RING)
            pthread_cond_wait(&changed, &lock);
        ring[put++ % RING] = p[i];
        pthread_cond_signal(&changed);
    }
    pthread_mutex_unlock(&lock);
}

static void *receive(void *arg)
{
    struct timeval limit = { 0, 300000 };
    char part[1460];
    ssize_t n;

    setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    for (;;) {
        n = recv(sock, part, sizeof part, 0);
        if (n > 0)
            add(part, (size_t)n);
        else if (n == 0 || (errno != EAGAIN && errno != EINTR))
            break;
    }
    pthread_mutex_lock(&lock);
    failure = n == 0 ? 0 : errno;
    at_end = true;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
    return arg;
}

/* All that is in the ring; 0 at the end. */
static size_t take(char *to)
{
    size_t n = 0;

    pthread_mutex_lock(&lock);
    while (put == taken && !at_end)
        pthread_cond_wait(&changed, &lock);
    while (taken < put)
        to[n++] = ring[taken++ % RING];
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
    return n;
}

static void print(const char *p, size_t n)
{
    if (fwrite(p, 1, n, stdout) != n || fflush(stdout) != 0)
        die("print:");
}

/* Adds a byte to the head. Returns true at its end. */
static bool head_grows(char **head, size_t *n, char c)
{
    char *more = realloc(*head, *n + 2);

    if (more == NULL)
        die("head:");
    *head = more;
    more[(*n)++] = c;
    more[*n] = '\0';
    return c == '\n' && (strcmp(more, "\n") == 0
                         || (*n >= 2 && more[*n - 2] == '\n')
                         || (*n >= 3 && strcmp(more + *n - 3, "\n\r\n") == 0));
}

static bool announced(const char *head, unsigned long long *length)
{
    static const char name[] = "content-length";
    char *after;

    for (; head != NULL && *head != '\0'; head = strchr(head, '\n')) {
        head += *head == '\n';
        if (strncasecmp(head, name, 14) == 0 && head[14] == ':') {
            *length = strtoull(head + 15, &after, 10);
            return after != head + 15;
        }
    }
    return false;
}

static void ask(const char *server, const char *path)
{
    FILE *text;
    char *bytes = NULL;
    size_t n = 0;

    text = open_memstream(&bytes, &n);
    if (text == NULL)
        die("request:");
    fprintf(text, "GET %s HTTP/1.0\r\nAccept: text/html\r\n", path);
    fprintf(text, "HOST:%s\r\nX-Empty:\r\n\r\n", server);
    fclose(text);
    if (writen(sock, bytes, n) == -1)
        shutdown(sock, SHUT_WR);
    free(bytes);
}

int main(int argc, char *argv[])
{
    static const char says[] = "http-get SERVER PATH [PORT]";
    char part[RING], *head = NULL;
    size_t n, i, len = 0;
    unsigned long long length = 0, body = 0;
    bool in_head = true, has = false;
    const char *why;
    pthread_t thread;

    prog = argv[0];
    if (argc != 3 && argc != 4)
        usage(argv, says);
    for (const unsigned char *c = (unsigned char *)argv[2]; *c != 0; c++)
        if (*c <= 32 || *c == 127)
            usage(argv, says);
    if (*argv[2] != '/' || (argc == 4 && !is_port(argv[3])))
        usage(argv, says);
    on_signal(SIGPIPE, SIG_IGN, 0);
    sock = tcp_connect(argv[1], argc == 4 ? argv[3] : "80", &why);
    if (sock == -1)
        die("%s: %s", argv[1], why);
    ask(argv[1], argv[2]);
    if (pthread_create(&thread, NULL, receive, NULL) != 0)
        die("no thread");
    while ((in_head || !has || body < length) && (n = take(part)) > 0) {
        print(part, n);
        for (i = 0; i < n && in_head; i++)
            if (head_grows(&head, &len, part[i])) {
                in_head = false;
                has = announced(head, &length);
            }
        body += n - i;
    }
    if (!in_head && has && body >= length)
        exit(0);                /* the thread may still wait */
    pthread_join(thread, NULL);
    if (failure != 0)
        die("%s: %s", argv[1], strerror(failure));
    if (in_head || has)
        die("%s: only a part of the answer came", argv[1]);
    return 0;
}
