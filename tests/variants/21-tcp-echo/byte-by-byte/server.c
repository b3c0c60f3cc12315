/* server.c - the slowest right echo server: one client at a time, one byte a
 * call, and the shortest queue. Its handler for SIGTERM ends the process. The
 * sockets are IPv6 or IPv4, looked up without a list of our own: lib/ does it.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net.h"

static void bye(int sig)
{
    (void)sig;
    _exit(0);
}

static void say(const char *format, int n)
{
    char text[100];
    int len = snprintf(text, sizeof text, format, n);
    ssize_t done = write(2, text, (size_t)len);

    (void)done;
}

static void echo(int fd)
{
    char c;

    for (;;) {
        ssize_t n = read(fd, &c, 1);
        if (n == -1 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        do
            n = write(fd, &c, 1);
        while (n == -1 && errno == EINTR);
        if (n == -1)
            return;
    }
}

int main(int argc, char *argv[])
{
    struct sockaddr_storage who;
    socklen_t len;
    const char *why = NULL, *port = "8080", *address = "127.0.0.1";

    switch (argc) {
    case 3:
        address = argv[2]; /* fall through */
    case 2: port = argv[1]; /* fall through */
    case 1:
        if (is_port(port))
            break; /* fall through */
    default: usage(argv, "server [PORT [ADDRESS]]");
    }
    prog = "server";
    signal(SIGTERM, bye);
    signal(SIGINT, bye);
    signal(SIGPIPE, SIG_IGN);
    int lfd = tcp_listen(address, port, &why);
    if (lfd < 0)
        die("cannot listen on port %s of %s, because: %s", port, address, why);
    listen(lfd, 1);
    say("Server launched, listening on port: %d\n", sock_port(lfd));
    for (int n = 1;; n++) {
        int fd = tcp_accept(lfd, &who, &len);
        if (fd < 0) {
            sleep(1);
            continue;
        }
        say("New client connected, the %d.\n", n);
        echo(fd);
        close(fd);
    }
}
