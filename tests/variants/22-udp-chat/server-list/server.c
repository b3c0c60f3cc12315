/* Plain libc: select(2) on a non-blocking socket, members in a linked list,
 * the newest first, and a word on stderr about everything that happens. */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

struct member {
    struct member *next;
    struct sockaddr_storage addr;
    socklen_t len;
};

static struct member *first;
static int count;
static volatile sig_atomic_t stopped;

static void stop(int sig)
{
    (void)sig;
    stopped = 1;
}

static bool same(const struct sockaddr_storage *a,
                 const struct sockaddr_storage *b)
{
    char host[2][64], port[2][8];
    const struct sockaddr_storage *both[] = { a, b };

    for (int i = 0; i < 2; i++) {
        socklen_t len = both[i]->ss_family == AF_INET
                            ? sizeof(struct sockaddr_in)
                            : sizeof(struct sockaddr_in6);

        if (getnameinfo((const struct sockaddr *)both[i], len, host[i],
                        sizeof host[i], port[i], sizeof port[i],
                        NI_NUMERICHOST | NI_NUMERICSERV) != 0)
            return false;
    }
    return strcmp(host[0], host[1]) == 0 && strcmp(port[0], port[1]) == 0;
}

static struct member **place_of(const struct sockaddr_storage *addr)
{
    struct member **p = &first;

    while (*p != NULL && !same(&(*p)->addr, addr))
        p = &(*p)->next;
    return p;
}

static void leave(struct member **p)
{
    struct member *gone = *p;

    *p = gone->next;
    free(gone);
    count--;
    fprintf(stderr, "somebody leaves, %d are left\n", count);
}

static bool join(const struct sockaddr_storage *addr, socklen_t len)
{
    struct member *m;

    if (count == 64 || (m = malloc(sizeof *m)) == NULL) {
        fprintf(stderr, "no place for one more: not heard\n");
        return false;
    }
    *m = (struct member){ first, *addr, len };
    first = m;
    count++;
    fprintf(stderr, "somebody joins, %d are here\n", count);
    return true;
}

static void take(int fd)
{
    static unsigned char buf[65536];
    struct sockaddr_storage addr = { 0 };
    socklen_t len = sizeof addr;
    ssize_t n = recvfrom(fd, buf, sizeof buf, 0, (struct sockaddr *)&addr,
                         &len);
    struct member **p;

    if (n < 0)
        return;
    p = place_of(&addr);
    if (n > 1024) {
        fprintf(stderr, "%zd bytes are too many: dropped\n", n);
        return;
    }
    if (n == 0) {
        if (*p != NULL)
            leave(p);
        return;
    }
    if (*p == NULL && !join(&addr, len))
        return;
    for (struct member *m = first; m != NULL; m = m->next)
        if (!same(&m->addr, &addr))
            (void)sendto(fd, buf, (size_t)n, 0,
                         (struct sockaddr *)&m->addr, m->len);
    fprintf(stderr, "a message of %zd bytes\n", n);
}

static int open_server(const char *address, const char *port)
{
    struct addrinfo hints = { .ai_socktype = SOCK_DGRAM }, *list;
    int rc = getaddrinfo(address, port, &hints, &list), fd = -1, err = 0;

    if (rc != 0) {
        fprintf(stderr, "server: cannot find %s: %s\n", address,
                gai_strerror(rc));
        exit(1);
    }
    for (struct addrinfo *ai = list; ai != NULL; ai = ai->ai_next) {
        fd = socket(ai->ai_family, SOCK_DGRAM, 0);
        if (fd >= 0 && fd < FD_SETSIZE &&
            bind(fd, ai->ai_addr, ai->ai_addrlen) == 0)
            break;
        err = errno;
        if (fd >= 0)
            close(fd);
        fd = -1;
    }
    freeaddrinfo(list);
    if (fd < 0) {
        fprintf(stderr, "server: cannot bind to %s: %s\n", address,
                strerror(err));
        exit(1);
    }
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

static int own_port(int fd)
{
    struct sockaddr_storage addr = { 0 };
    socklen_t len = sizeof addr;

    getsockname(fd, (struct sockaddr *)&addr, &len);
    return ntohs(addr.ss_family == AF_INET6
                     ? ((struct sockaddr_in6 *)&addr)->sin6_port
                     : ((struct sockaddr_in *)&addr)->sin_port);
}

static void check_command_line(int argc, char *argv[])
{
    bool help = argc == 2 && strcmp(argv[1], "--help") == 0;
    const char *port = argc > 1 ? argv[1] : "0";

    if (!help && argc <= 3 && *port != '\0' && strlen(port) < 10 &&
        strspn(port, "0123456789") == strlen(port) && atol(port) <= 65535)
        return;
    fprintf(help ? stdout : stderr, "usage: server [PORT [ADDRESS]]\n"
            "Relays each message of a chat to all the others.\n");
    exit(help ? 0 : 2);
}

int main(int argc, char *argv[])
{
    struct sigaction action = { .sa_handler = stop };
    sigset_t block, before;
    int fd;

    check_command_line(argc, argv);
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&block);
    sigaddset(&block, SIGINT);
    sigaddset(&block, SIGTERM);
    sigprocmask(SIG_BLOCK, &block, &before);
    sigdelset(&before, SIGINT);
    sigdelset(&before, SIGTERM);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    fd = open_server(argc > 2 ? argv[2] : "127.0.0.1",
                     argc > 1 ? argv[1] : "8080");
    fprintf(stderr, "Server launched, listening on port: %d\n", own_port(fd));
    while (!stopped) {
        fd_set readable;

        FD_ZERO(&readable);
        FD_SET(fd, &readable);
        if (pselect(fd + 1, &readable, NULL, NULL, NULL, &before) > 0)
            take(fd);
    }
    while (first != NULL)
        leave(&first);
    fprintf(stderr, "good bye\n");
    return 0;
}
