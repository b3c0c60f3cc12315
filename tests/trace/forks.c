/* server PORT [zombies]: an echo server with a process for each client. */
#include "net.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void echo(int cfd)
{
    char buf[512];
    ssize_t nread;

    while ((nread = read(cfd, buf, sizeof buf)) > 0)
        if (writen(cfd, buf, (size_t)nread) < 0)
            break;
    close(cfd);
}

int main(int argc, char *argv[])
{
    struct sockaddr_storage peer;
    socklen_t len;
    const char *why;
    int lfd = tcp_listen("127.0.0.1", argc > 1 ? argv[1] : "0", &why), cfd;

    if (lfd < 0)
        die("%s", why);
    if (argc < 3)
        signal(SIGCHLD, SIG_IGN); /* no zombies, sigaction(2) */
    fprintf(stderr, "Server launched, listening on port: %d\n", sock_port(lfd));
    while ((cfd = tcp_accept(lfd, &peer, &len)) >= 0) {
        if (fork() == 0) {
            close(lfd);
            echo(cfd);
            exit(0);
        }
        close(cfd);
    }
    return 1;
}
