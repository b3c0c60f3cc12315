/* ready_test.c - the unit tests of lib/ready.h and lib/bytes.h. Prints TAP;
 * exits 0 if all passed. */
#define _POSIX_C_SOURCE 200809L

#include "ready.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bytes.h"
#include "frame.h"
#include "net.h"

/* ---- Readiness ------------------------------------------------------------ */

static struct ready *set;
static struct ready_event events[8];

/* Two ends of a connection: [0] is in the set, as `who`. */
static void two_ends(int fds[2], int what, void *who)
{
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0 ||
        ready_add(set, fds[0], what, who) < 0)
        die("two ends:");
}

static int wait_for(int max)
{
    return ready_wait(set, events, max, 0);
}

static void test_reading(void)
{
    int fds[2], who;
    char c;

    set = ready_new();
    two_ends(fds, READY_READ, &who);
    CHECK(wait_for(8) == 0);
    CHECK(write(fds[1], "ab", 2) == 2);
    CHECK(wait_for(8) == 1);
    CHECK(events[0].who == &who && events[0].what == READY_READ);
    CHECK(read(fds[0], &c, 1) == 1);
    CHECK(wait_for(8) == 1); /* one byte is left: told again */
    CHECK(read(fds[0], &c, 1) == 1);
    CHECK(wait_for(8) == 0);
    close(fds[1]);
    CHECK(wait_for(8) == 1 && (events[0].what & READY_READ) != 0);
    CHECK(read(fds[0], &c, 1) == 0);
    ready_close(set, fds[0]);
    CHECK(wait_for(8) == 0);
    CHECK(fcntl(fds[0], F_GETFD) < 0 && errno == EBADF);
    ready_free(set);
}

static void test_writing(void)
{
    int fds[2], who;
    char buf[4096] = "";

    set = ready_new();
    two_ends(fds, READY_WRITE, &who);
    fcntl(fds[0], F_SETFL, O_NONBLOCK);
    CHECK(wait_for(8) == 1 && events[0].what == READY_WRITE);
    while (write(fds[0], buf, sizeof buf) > 0)
        continue;
    CHECK(wait_for(8) == 0);
    fcntl(fds[1], F_SETFL, O_NONBLOCK);
    while (read(fds[1], buf, sizeof buf) > 0)
        continue;
    CHECK(wait_for(8) == 1 && events[0].what == READY_WRITE);
    CHECK(ready_change(set, fds[0], READY_READ, &who) == 0);
    CHECK(wait_for(8) == 0);
    CHECK(ready_change(set, fds[0], READY_READ | READY_WRITE, &who) == 0);
    CHECK(write(fds[1], "a", 1) == 1);
    CHECK(wait_for(8) >= 1);
    CHECK(ready_change(set, fds[0], 0, &who) == 0);
    CHECK(wait_for(8) == 0);
    CHECK(ready_change(set, fds[0], READY_READ, fds) == 0);
    CHECK(wait_for(8) == 1 && events[0].who == fds);
    ready_close(set, fds[0]);
    close(fds[1]);
    ready_free(set);
}

/* Who is told of depends on nobody who has left, in whatever order. */
static void test_many(void)
{
    enum { N = 300 };
    static int fds[N][2], told[N];
    int n, all = 0;

    set = ready_new();
    for (int i = 0; i < N; i++)
        two_ends(fds[i], READY_READ, &told[i]);
    for (int i = 0; i < N; i += 3) {
        ready_change(set, fds[i][0], 0, &told[i]);
        ready_close(set, fds[i][0]);
    }
    for (int i = 1; i < N; i += 3)
        CHECK(write(fds[i][1], "a", 1) == 1);
    for (int round = 0; round < 200; round++) {
        CHECK((n = wait_for(8)) == 8); /* not more than there is room for */
        for (int k = 0; k < n; k++)
            ++*(int *)events[k].who;
    }
    for (int i = 0; i < N; i++)
        all += told[i] > 0; /* all have their turn */
    CHECK(all == N / 3);
    for (int i = 0; i < N; i++) {
        CHECK(i % 3 == 1 || told[i] == 0);
        close(fds[i][1]);
        if (i % 3 != 0)
            ready_close(set, fds[i][0]);
    }
    ready_free(set);
}

static void nothing(int sig)
{
    (void)sig;
}

static void test_time(void)
{
    set = ready_new();
    CHECK(ready_wait(set, events, 8, 20) == 0);
    on_signal(SIGALRM, nothing, 0);
    alarm(1);
    CHECK(ready_wait(set, events, 8, 10000) == 0); /* EINTR is none */
    ready_free(set);
    CHECK(ready_name[0] != '\0');
}

/* ---- Servers ----------------------------------------------------------------- */

static void test_listen(void)
{
    const char *why;
    int lfd = tcp_listen("127.0.0.1", "0", &why), cfd;
    int beside = ready_listen(lfd);
    char port[16];
    int got[2] = { 0, 0 };

    snprintf(port, sizeof port, "%d", sock_port(lfd));
    CHECK(beside >= 0 && sock_port(beside) == sock_port(lfd));
    CHECK((fcntl(beside, F_GETFD) & FD_CLOEXEC) != 0);
    CHECK(tcp_listen("127.0.0.1", port, &why) < 0); /* is taken */
    fcntl(lfd, F_SETFL, O_NONBLOCK);
    fcntl(beside, F_SETFL, O_NONBLOCK);
    for (int i = 0; i < 64; i++) {
        struct sockaddr_storage peer;
        socklen_t len;
        int fd = tcp_connect("127.0.0.1", port, &why);
        CHECK(fd >= 0);
        while ((cfd = tcp_accept(lfd, &peer, &len)) < 0)
            if ((cfd = tcp_accept(beside, &peer, &len)) >= 0) {
                got[1]++;
                break;
            } else {
                CHECK(errno == EAGAIN);
            }
        got[0]++;
        close(cfd);
        close(fd);
    }
    CHECK(got[0] == 64);
#ifdef __linux__
    CHECK(got[1] > 0 && got[1] < 64); /* both have some */
#endif
    close(lfd);
    close(beside);
    CHECK(ready_listen(-1) < 0 && errno == EBADF);
}

/* 0 is a descriptor as any other: what is started without a stdin has one. */
static void test_zero(void)
{
    int fds[2], before = dup(0);

    set = ready_new();
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0 || dup2(fds[0], 0) != 0)
        die("socketpair:");
    CHECK(ready_add(set, 0, READY_WRITE, fds) == 0);
    CHECK(wait_for(8) == 1 && events[0].who == fds);
    ready_close(set, 0);
    ready_free(set);
    close(fds[0]);
    close(fds[1]);
    if (before >= 0) {
        dup2(before, 0);
        close(before);
    }
}

static void test_files(void)
{
    struct rlimit limit;

    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = 100;
    setrlimit(RLIMIT_NOFILE, &limit);
    ready_files();
    getrlimit(RLIMIT_NOFILE, &limit);
    CHECK(limit.rlim_cur > 100);
}

/* ---- Bytes -------------------------------------------------------------------- */

static void test_bytes(void)
{
    struct bytes b = { NULL, 0, 0 };
    char text[1000];

    memset(text, 'x', sizeof text);
    CHECK(bytes_add(&b, text, 0) && b.at == NULL);
    CHECK(bytes_add(&b, "abc", 3) && bytes_add(&b, "", 0));
    CHECK(bytes_add(&b, "def", 3));
    CHECK(b.len == 6 && memcmp(b.at, "abcdef", 6) == 0);
    bytes_drop(&b, 2);
    CHECK(b.len == 4 && memcmp(b.at, "cdef", 4) == 0);
    for (int i = 0; i < 100; i++)
        CHECK(bytes_add(&b, text, sizeof text));
    CHECK(b.len == 100004 && b.at[100003] == 'x' && b.size >= b.len);
    bytes_drop(&b, 0);
    bytes_drop(&b, b.len);
    CHECK(b.at == NULL && b.len == 0 && b.size == 0);
    bytes_drop(&b, 0);
    CHECK(b.at == NULL);
}

int main(void)
{
    static const struct test tests[] = {
        { "ready: what can be read, once more as long as it can", test_reading },
        { "ready: what can be written, and nothing when not asked", test_writing },
        { "ready: many, some of whom leave, and all have their turn", test_many },
        { "ready: descriptor 0, the first of all", test_zero },
        { "ready_wait: gives up in time, or at a signal", test_time },
        { "ready_listen: the same port, and each has some", test_listen },
        { "ready_files: raises the limit", test_files },
        { "bytes: added, dropped, no memory without any", test_bytes },
    };

    return run_all(tests, sizeof tests / sizeof tests[0]);
}
