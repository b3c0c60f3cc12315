/* Three processes take turns at one socket: who has the byte out of a pipe has
 * the turn. The list of members is in memory that they share. */
#define _POSIX_C_SOURCE 200809L
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#define _DARWIN_C_SOURCE

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net.h"

struct who {
    int family;
    unsigned char address[16];
    in_port_t port;
};

struct table {
    int n;
    struct who who[64];
    struct sockaddr_storage addr[64];
    socklen_t len[64];
};

static struct table *table;
static int turn[2];

static void take_turn(void)
{
    char token;

    while (read(turn[0], &token, 1) < 0 && errno == EINTR)
        continue;
}

static void pass_turn(void)
{
    while (write(turn[1], "", 1) < 0 && errno == EINTR)
        continue;
}

static struct who who_is(const struct sockaddr_storage *addr)
{
    const struct sockaddr_in *in = (const void *)addr;
    const struct sockaddr_in6 *in6 = (const void *)addr;
    struct who w;

    memset(&w, 0, sizeof w);
    w.family = addr->ss_family;
    if (w.family == AF_INET6) {
        memcpy(w.address, &in6->sin6_addr, 16);
        w.port = in6->sin6_port;
    } else {
        memcpy(w.address, &in->sin_addr, 4);
        w.port = in->sin_port;
    }
    return w;
}

static int number_of(const struct who *w)
{
    for (int i = 0; i < table->n; i++)
        if (memcmp(&table->who[i], w, sizeof *w) == 0)
            return i;
    return -1;
}

static void leaves(int i)
{
    size_t behind = (size_t)(--table->n - i);

    memmove(&table->who[i], &table->who[i + 1], behind * sizeof(struct who));
    memmove(&table->addr[i], &table->addr[i + 1],
            behind * sizeof table->addr[0]);
    memmove(&table->len[i], &table->len[i + 1], behind * sizeof(socklen_t));
}

static int joins(const struct who *w, const struct sockaddr_storage *addr,
                 socklen_t len)
{
    if (table->n == 64)
        return -1;
    table->who[table->n] = *w;
    table->addr[table->n] = *addr;
    table->len[table->n] = len;
    return table->n++;
}

static void serve_one(int fd)
{
    char buf[2000];
    struct sockaddr_storage addr;
    socklen_t len = sizeof addr;
    ssize_t n = recvfrom(fd, buf, sizeof buf, 0, (struct sockaddr *)&addr,
                         &len);
    struct who w;
    int i;

    if (n < 0)
        return;
    w = who_is(&addr);
    i = number_of(&w);
    if (n > 1024) {
        warn("port %d: a message of more than 1024 bytes", ntohs(w.port));
    } else if (n == 0) {
        if (i >= 0)
            leaves(i);
    } else if (i < 0 && (i = joins(&w, &addr, len)) < 0) {
        warn("port %d: nobody hears what it says", ntohs(w.port));
    } else {
        for (int k = 0; k < table->n; k++)
            if (k != i)
                (void)sendto(fd, buf, (size_t)n, 0,
                             (struct sockaddr *)&table->addr[k],
                             table->len[k]);
    }
}

static _Noreturn void child(int fd, const sigset_t *signals)
{
    sigprocmask(SIG_UNBLOCK, signals, NULL);
    for (;;) {
        take_turn();
        serve_one(fd);
        pass_turn();
    }
}

int main(int argc, char *argv[])
{
    pid_t pids[3];
    sigset_t signals;
    const char *why;
    int fd, sig;

    prog = argv[0];
    if (argc > 3 || (argc > 1 && !is_port(argv[1])))
        usage(argv, "server [PORT [ADDRESS]]");
    on_signal(SIGPIPE, SIG_IGN, 0);
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    table = mmap(NULL, sizeof *table, PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (table == MAP_FAILED || pipe(turn) < 0)
        die("mmap or pipe:");
    fd = udp_bind(argc > 2 ? argv[2] : "127.0.0.1",
                  argc > 1 ? argv[1] : "8080", &why);
    if (fd < 0)
        die("bind: %s", why);
    for (int i = 0; i < 3; i++)
        if ((pids[i] = fork()) == 0)
            child(fd, &signals);
    fprintf(stderr, "Server launched, listening on port: %d\n", sock_port(fd));
    pass_turn();
    sigwait(&signals, &sig);
    for (int i = 0; i < 3; i++)
        if (pids[i] > 0)
            kill(pids[i], SIGKILL);
    while (wait(NULL) > 0)
        continue;
    return 0;
}
