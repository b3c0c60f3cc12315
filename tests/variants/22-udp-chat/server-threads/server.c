/* Two threads: one takes datagrams off the socket into a queue, one relays
 * them; main waits for the signal that ends it all. */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net.h"

enum { MAX_MESSAGE = 1024, MAX_MEMBERS = 64, QUEUE = 256 };

struct datagram {
    struct sockaddr_storage addr;
    socklen_t addr_len;
    ssize_t len;
    char bytes[MAX_MESSAGE + 1];
};

static struct datagram queue[QUEUE];
static unsigned head, tail;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int sock;

static void *receiver(void *arg)
{
    for (;;) {
        struct datagram d = { .addr_len = sizeof d.addr };

        d.len = recvfrom(sock, d.bytes, sizeof d.bytes, 0,
                         (struct sockaddr *)&d.addr, &d.addr_len);
        if (d.len < 0)
            continue;
        pthread_mutex_lock(&lock);
        while (tail - head == QUEUE)
            pthread_cond_wait(&changed, &lock);
        queue[tail++ % QUEUE] = d;
        pthread_cond_broadcast(&changed);
        pthread_mutex_unlock(&lock);
    }
    return arg;
}

static struct datagram next(void)
{
    struct datagram d;

    pthread_mutex_lock(&lock);
    while (tail == head)
        pthread_cond_wait(&changed, &lock);
    d = queue[head++ % QUEUE];
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    return d;
}

/* Members are known by the text of their address. */
struct member {
    char name[ADDR_STR_MAX];
    struct sockaddr_storage addr;
    socklen_t len;
};
static struct member members[MAX_MEMBERS]; /* name "": a free place */

static struct member *find(const char *name)
{
    for (int i = 0; i < MAX_MEMBERS; i++)
        if (strcmp(members[i].name, name) == 0)
            return &members[i];
    return NULL;
}

static void relay(const struct datagram *d, const struct member *from)
{
    for (int i = MAX_MEMBERS - 1; i >= 0; i--)
        if (members[i].name[0] != '\0' && &members[i] != from)
            (void)sendto(sock, d->bytes, (size_t)d->len, MSG_DONTWAIT,
                         (struct sockaddr *)&members[i].addr, members[i].len);
}

static void serve(const struct datagram *d)
{
    char name[ADDR_STR_MAX];
    struct member *m;

    m = find(addr_str((const struct sockaddr *)&d->addr, d->addr_len, name));
    if (d->len > MAX_MESSAGE) {
        warn("%s: more than %d bytes", name, MAX_MESSAGE);
    } else if (d->len == 0) {
        if (m != NULL)
            m->name[0] = '\0';
    } else if (m == NULL && (m = find("")) == NULL) {
        warn("%s: no place", name);
    } else {
        strcpy(m->name, name);
        m->addr = d->addr;
        m->len = d->addr_len;
        relay(d, m);
    }
}

static void *relayer(void *arg)
{
    for (;;) {
        struct datagram d = next();

        serve(&d);
    }
    return arg;
}

int main(int argc, char *argv[])
{
    pthread_t thread;
    sigset_t signals;
    const char *why;
    int sig;

    prog = argv[0];
    if (argc > 3 || (argc > 1 && !is_port(argv[1])))
        usage(argv, "server [PORT [ADDRESS]]");
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    sigdelset(&signals, SIGPIPE);
    sock = udp_bind(argc > 2 ? argv[2] : "127.0.0.1",
                    argc > 1 ? argv[1] : "8080", &why);
    if (sock < 0)
        die("bind: %s", why);
    if (pthread_create(&thread, NULL, receiver, NULL) != 0 ||
        pthread_create(&thread, NULL, relayer, NULL) != 0)
        die("pthread_create: no thread");
    fprintf(stderr, "Server launched, listening on port: %d\n",
            sock_port(sock));
    sigwait(&signals, &sig);
    _exit(0);
}
