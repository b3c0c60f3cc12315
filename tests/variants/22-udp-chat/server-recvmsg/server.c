/* recvmsg(2) into a buffer of exactly 1024 bytes: MSG_TRUNC says that a
 * datagram was longer. A limit of 0.2 s for each wait, and addresses compared
 * byte by byte, for they are cleared before they are filled. */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "net.h"

struct place {
    struct sockaddr_storage addr;
    socklen_t len; /* 0: free */
};

static struct place places[64];
static volatile sig_atomic_t signalled;

static void note(int sig)
{
    signalled = sig;
}

static struct place *place(const struct sockaddr_storage *addr, socklen_t len)
{
    for (struct place *p = places; p < places + 64; p++)
        if (p->len == len && memcmp(&p->addr, addr, len) == 0)
            return p;
    return NULL;
}

static void say(const char *text)
{
    ssize_t n = write(STDERR_FILENO, text, strlen(text));

    (void)n;
}

static void to_the_others(int fd, struct msghdr *msg, const struct place *me)
{
    for (struct place *p = places; p < places + 64; p++)
        if (p != me && p->len != 0) {
            msg->msg_name = &p->addr;
            msg->msg_namelen = p->len;
            while (sendmsg(fd, msg, 0) < 0 && errno == EINTR)
                continue;
        }
}

static void one_datagram(int fd)
{
    uint8_t bytes[1024];
    struct sockaddr_storage addr;
    struct iovec iov = { bytes, sizeof bytes };
    struct msghdr msg = { .msg_name = &addr, .msg_namelen = sizeof addr,
                          .msg_iov = &iov, .msg_iovlen = 1 };
    struct place *p;
    ssize_t n;

    memset(&addr, 0, sizeof addr);
    n = recvmsg(fd, &msg, 0);
    if (n < 0)
        return;
    iov.iov_len = (size_t)n;
    p = place(&addr, msg.msg_namelen);
    if ((msg.msg_flags & MSG_TRUNC) != 0) {
        say("server: too long, dropped\n");
        return;
    }
    if (n == 0) {
        if (p != NULL)
            memset(p, 0, sizeof *p);
        return;
    }
    if (p == NULL) {
        const struct place nobody = { .len = 0 };

        p = place(&nobody.addr, 0);
        if (p == NULL) {
            say("server: ignored, full\n");
            return;
        }
        p->addr = addr;
        p->len = msg.msg_namelen;
    }
    msg.msg_flags = 0;
    to_the_others(fd, &msg, p);
}

int main(int argc, char *argv[])
{
    struct timeval limit = { 0, 200000 };
    const char *why;
    int fd;

    prog = argv[0];
    if (argc > 3 || (argc > 1 && !is_port(argv[1])))
        usage(argv, "server [PORT [ADDRESS]]");
    on_signal(SIGPIPE, SIG_IGN, 0);
    on_signal(SIGINT, note, SA_RESTART);
    on_signal(SIGTERM, note, SA_RESTART);
    fd = udp_bind(argc > 2 ? argv[2] : "127.0.0.1",
                  argc > 1 ? argv[1] : "8080", &why);
    if (fd < 0)
        die("%s", why);
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) < 0)
        die("setsockopt:");
    fprintf(stderr, "Server launched, listening on port: %d\n", sock_port(fd));
    while (!signalled)
        one_datagram(fd);
    close(fd);
    return 128 + signalled;
}
