/* Two threads and no connect(2): one waits for the keyboard in getline(3) and
 * sends, one waits for the network and prints. */
#define _POSIX_C_SOURCE 200809L

#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net.h"

static int sock;
static struct sockaddr_storage server;
static socklen_t server_len;

static void find_server(const char *host, const char *port)
{
    struct addrinfo hints = { .ai_socktype = SOCK_DGRAM }, *list;
    int rc = getaddrinfo(host, port, &hints, &list);

    if (rc != 0)
        die("%s: %s", host, gai_strerror(rc));
    sock = socket(list->ai_family, SOCK_DGRAM, 0);
    if (sock < 0)
        die("socket:");
    memcpy(&server, list->ai_addr, list->ai_addrlen);
    server_len = list->ai_addrlen;
    freeaddrinfo(list);
}

static void say(const void *p, size_t n)
{
    (void)sendto(sock, p, n, 0, (struct sockaddr *)&server, server_len);
}

static void *show(void *arg)
{
    unsigned char buf[70000];

    for (;;) {
        ssize_t n = recvfrom(sock, buf, sizeof buf, 0, NULL, NULL);

        if (n < 0)
            continue;
        for (ssize_t i = 0; i < n; i++)
            putchar(buf[i] < 128 && iscntrl(buf[i]) ? '?' : buf[i]);
        putchar('\n');
        if (fflush(stdout) == EOF) {
            warn("write to stdout:");
            _exit(1);
        }
    }
    return arg;
}

static void talk(const char *name)
{
    char *line = NULL, message[1024];
    size_t room = 0, before = strlen(name) + 2;
    ssize_t n;

    while ((n = getline(&line, &room, stdin)) > 0) {
        size_t len = (size_t)n - (line[n - 1] == '\n');

        if (before + len > sizeof message) {
            warn("a line of %zu bytes is too long", len);
            continue;
        }
        memcpy(message, name, before - 2);
        memcpy(message + before - 2, ": ", 2);
        memcpy(message + before, line, len);
        say(message, before + len);
    }
    free(line);
}

static bool fit(const char *name)
{
    size_t n = strlen(name), i = 0;

    while (i < n && (unsigned char)name[i] >= 32 && name[i] != 127)
        i++;
    return i == n && n > 0 && n <= 32;
}

int main(int argc, char *argv[])
{
    pthread_t thread;
    char hello[64];
    int n;

    prog = argv[0];
    if (argc != 4 || !is_port(argv[2]) || !fit(argv[3]))
        usage(argv, "client HOST PORT NAME");
    find_server(argv[1], argv[2]);
    n = snprintf(hello, sizeof hello, "* %s joined", argv[3]);
    say(hello, (size_t)n);
    if (pthread_create(&thread, NULL, show, NULL) != 0)
        die("pthread_create: no thread");
    talk(argv[3]);
    say("", 0);
    _exit(0);
}
