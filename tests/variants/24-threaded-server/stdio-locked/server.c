/* What is different: each thread reads its client with stdio (fdopen(3)) and
 * getc_unlocked(3), and prints with flockfile(3) and putc_unlocked(3); it
 * detaches itself; SO_RCVTIMEO drops clients that are silent for 11 s. */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "net.h"

static void patience(int fd, int seconds)
{
    struct timeval t = { .tv_sec = seconds };

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
}

static void print(const char *line, size_t n)
{
    flockfile(stdout);
    for (size_t i = 0; i < n; i++)
        putc_unlocked(line[i], stdout);
    putc_unlocked('\n', stdout);
    fflush(stdout);
    funlockfile(stdout);
}

static int request(FILE *in)
{
    char line[8193];

    for (int count = 0; count <= 100; count++) {
        size_t n = 0;
        int c;

        while ((c = getc_unlocked(in)) != '\n') {
            if (c == EOF)
                return 0;
            if (n == 8193 || (n == 8192 && c != '\r'))
                return 431;
            line[n++] = (char)c;
        }
        if (n > 0 && line[n - 1] == '\r')
            n--;
        print(line, n);
        if (n == 0)
            return 200;
    }
    return 431;
}

static void say(int fd, const char *status, const char *page)
{
    char all[400];
    int n = snprintf(all, sizeof all,
                     "HTTP/1.1 %s\r\nContent-Type: text/html\r\n"
                     "Connection: close\r\nContent-Length: %zu\r\n\r\n%s",
                     status, strlen(page), page);

    writen(fd, all, (size_t)n);
}

static void *serve(void *arg)
{
    int fd = (int)(intptr_t)arg, status;
    FILE *in;

    pthread_detach(pthread_self());
    patience(fd, 11);
    in = fdopen(fd, "r");
    if (in == NULL) {
        close(fd);
        return NULL;
    }
    status = request(in);
    if (status == 200)
        say(fd, "200 OK", "<P>This is my test server page</P>");
    else if (status == 431)
        say(fd, "431 Long", "long");
    shutdown(fd, SHUT_WR);
    patience(fd, 1);
    for (long n = 0; n < 2000000 && getc_unlocked(in) != EOF; n++)
        continue;
    fclose(in);
    return NULL;
}

int main(int argc, char *argv[])
{
    struct timespec moment = { .tv_nsec = 15000000 };
    const char *why;
    pthread_t thread;
    int lfd;

    prog = argv[0];
    if (argc > 3 || (argc > 1 && !is_port(argv[1])))
        usage(argv, "server [PORT [ADDRESS]]");
    on_signal(SIGPIPE, SIG_IGN, 0);
    lfd = tcp_listen(argc > 2 ? argv[2] : "127.0.0.1",
                     argc > 1 ? argv[1] : "8080", &why);
    if (lfd < 0)
        die("listen: %s", why);
    fprintf(stderr, "Server launched, listening on port: %d\n",
            sock_port(lfd));
    for (;;) {
        int fd = accept(lfd, NULL, NULL);

        if (fd < 0) {
            nanosleep(&moment, NULL);
            continue;
        }
        fprintf(stderr, "New client connected\n");
        if (pthread_create(&thread, NULL, serve, (void *)(intptr_t)fd) != 0) {
            say(fd, "503 Service Unavailable", "later");
            close(fd);
        }
    }
}
