/* net_test.c - the unit tests of lib/net.h. Prints TAP; exits 0 if all passed.
 *
 * usage: net_test             every test
 *        net_test dual NAME   the one that needs a NAME with ::1 before
 *                             127.0.0.1: tcp_connect tries both
 */
#define _XOPEN_SOURCE 700 /* POSIX.1-2008 and setitimer(2) */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "frame.h"
#include "net.h"

/* Two ends of a stream in one process. */
static void pair(int fd[2])
{
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) < 0) {
        perror("socketpair");
        exit(1);
    }
}

static void nothing(int sig)
{
    (void)sig;
}

static char *room(size_t n)
{
    char *buf = malloc(n);

    if (buf == NULL)
        die("malloc:");
    return buf;
}

/* Interrupts whatever blocks, again and again, until it is called with 0. */
static void interrupt_every(int usec)
{
    struct itimerval timer = { { 0, usec }, { 0, usec } };

    on_signal(SIGALRM, nothing, 0);
    setitimer(ITIMER_REAL, &timer, NULL);
}

/* Starts fn in a thread that no SIGALRM reaches. */
static pthread_t start(void *(*fn)(void *), void *arg)
{
    sigset_t alarm, old;
    pthread_t thread;

    sigemptyset(&alarm);
    sigaddset(&alarm, SIGALRM);
    pthread_sigmask(SIG_BLOCK, &alarm, &old);
    if (pthread_create(&thread, NULL, fn, arg) != 0)
        exit(1);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return thread;
}

static void pause_ms(int ms)
{
    poll(NULL, 0, ms);
}

/* Runs fn in a child; its stdout and stderr go to out. Returns its status. */
static int in_child(void (*fn)(void), char *out, size_t size)
{
    int p[2], status = -1;

    fflush(stdout);
    if (pipe(p) < 0)
        exit(1);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(p[1], 1);
        dup2(p[1], 2);
        close(p[0]);
        close(p[1]);
        fn();
        exit(99);
    }
    close(p[1]);
    ssize_t n = readn(p[0], out, size - 1);
    out[n < 0 ? 0 : n] = '\0';
    close(p[0]);
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* ---- Messages and the command line ------------------------------------ */

static void child_dies(void)
{
    prog = "/some/where/server";
    printf("printed before;");
    errno = EADDRINUSE;
    die("bind %s:", "127.0.0.1:8080");
}

static void child_dies_without_errno(void)
{
    prog = "server";
    die("bind %s: %s", "x", "no such name");
}

static void test_die(void)
{
    char out[512], expected[512];

    snprintf(expected, sizeof expected,
             "printed before;server: bind 127.0.0.1:8080: %s\n",
             strerror(EADDRINUSE)); /* each C library has its own words */
    CHECK(in_child(child_dies, out, sizeof out) == 1);
    CHECK(strcmp(out, expected) == 0);
    CHECK(in_child(child_dies_without_errno, out, sizeof out) == 1);
    CHECK(strcmp(out, "server: bind x: no such name\n") == 0);
}

static void child_warns(void)
{
    prog = "bin/chat";
    errno = EPIPE;
    warn("write:");
    if (errno != EPIPE)
        exit(1);
    warn("dropped");
    close(2); /* where warn itself fails, with EBADF */
    errno = EPIPE;
    warn("nobody reads this");
    exit(errno == EPIPE ? 0 : 1);
}

static void child_warns_at_length(void)
{
    static char text[10000];

    memset(text, 'x', sizeof text - 1);
    errno = ENOSPC;
    warn("%s:", text);
    exit(0);
}

static void test_warn(void)
{
    static char out[20000];

    CHECK(in_child(child_warns, out, sizeof out) == 0);
    CHECK(strcmp(out, "chat: write: Broken pipe\nchat: dropped\n") == 0);
    CHECK(in_child(child_warns_at_length, out, sizeof out) == 0);
    CHECK(strlen(out) > 3000 && strlen(out) < 4096);
    CHECK(strstr(out, ": No space") == NULL);
    CHECK(strstr(out, " No space left on device\n") != NULL);
}

static void child_help(void)
{
    char *argv[] = { (char[]){ "p" }, (char[]){ "--help" }, NULL };

    close(2);
    usage(argv, "p [PORT]");
}

static void child_wrong(void)
{
    char *argv[] = { (char[]){ "p" }, (char[]){ "--help" }, (char[]){ "x" },
                     NULL };

    close(1);
    usage(argv, "p [PORT]");
}

static void child_help_closed(void)
{
    char *argv[] = { (char[]){ "p" }, (char[]){ "--help" }, NULL };

    prog = argv[0];
    close(1);
    usage(argv, "p [PORT]");
}

static void test_usage(void)
{
    char out[512];

    CHECK(in_child(child_help, out, sizeof out) == 0);
    CHECK(strcmp(out, "usage: p [PORT]\n") == 0);
    CHECK(in_child(child_wrong, out, sizeof out) == 2);
    CHECK(strcmp(out, "usage: p [PORT]\n") == 0);
    CHECK(in_child(child_help_closed, out, sizeof out) == 1);
    CHECK(strcmp(out, "p: write stdout: Bad file descriptor\n") == 0);
}

static void test_is_port(void)
{
    static const char *const bad[] = { "", "x", "80x", "-1", "+80", " 80",
                                       "80 ", "65536", "70000", "100000",
                                       "99999999999999999999", "0x50",
                                       "http", "--help", "8.0" };

    CHECK(is_port("0") && is_port("80") && is_port("65535"));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CHECK(!is_port(bad[i]));
}

/* ---- Bytes and lines --------------------------------------------------- */

#define MUCH ((size_t)3 << 20)

/* Sends MUCH bytes in odd pieces, slowly at first. */
static void *send_much(void *arg)
{
    int fd = *(int *)arg;
    static char buf[7777];
    size_t sent = 0;

    while (sent < MUCH) {
        size_t n = MUCH - sent < sizeof buf ? MUCH - sent : sizeof buf;
        for (size_t i = 0; i < n; i++)
            buf[i] = (char)((sent + i) % 251);
        if (sent < 30 * sizeof buf)
            pause_ms(2);
        if (writen(fd, buf, n) < 0)
            break;
        sent += n;
    }
    close(fd);
    return NULL;
}

static bool is_much(const char *buf)
{
    for (size_t i = 0; i < MUCH; i++)
        if (buf[i] != (char)(i % 251))
            return false;
    return true;
}

static void test_readn(void)
{
    int fd[2];
    char *buf = room(MUCH);

    pair(fd);
    pthread_t thread = start(send_much, &fd[1]);
    interrupt_every(5000);
    CHECK(readn(fd[0], buf, MUCH) == (ssize_t)MUCH);
    CHECK(is_much(buf));
    CHECK(readn(fd[0], buf, 5) == 0);
    interrupt_every(0);
    pthread_join(thread, NULL);
    close(fd[0]);
    free(buf);
}

static void test_readn_end(void)
{
    int fd[2];
    char buf[10] = "";

    pair(fd);
    CHECK(writen(fd[1], "abc", 3) == 0);
    CHECK(readn(fd[0], buf, 0) == 0);
    close(fd[1]);
    CHECK(readn(fd[0], buf, sizeof buf) == 3 && memcmp(buf, "abc", 3) == 0);
    close(fd[0]);
    CHECK(readn(fd[0], buf, 1) == -1 && errno == EBADF);
}

struct sink {
    int fd;
    char *buf;
    ssize_t n;
};

static void *read_much(void *arg)
{
    struct sink *s = arg;

    pause_ms(40);
    s->n = readn(s->fd, s->buf, MUCH);
    return NULL;
}

/* A small buffer on this side and a late reader on the other: write(2) takes
 * a part at a time, the more so as SIGALRM comes in the middle. */
static void test_writen(void)
{
    int fd[2], size = 4096;
    char *buf = room(MUCH);

    pair(fd);
    setsockopt(fd[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    struct sink s = { .fd = fd[0], .buf = room(MUCH) };
    for (size_t i = 0; i < MUCH; i++)
        buf[i] = (char)(i % 251);
    pthread_t thread = start(read_much, &s);
    interrupt_every(5000);
    CHECK(writen(fd[1], buf, MUCH) == 0);
    interrupt_every(0);
    close(fd[1]);
    pthread_join(thread, NULL);
    CHECK(s.n == (ssize_t)MUCH && is_much(s.buf));
    close(fd[0]);
    free(buf);
    free(s.buf);
}

static void test_writen_fails(void)
{
    int p[2];
    static char buf[1 << 20];

    if (pipe(p) < 0)
        exit(1);
    CHECK(writen(p[1], buf, 0) == 0);
    fcntl(p[1], F_SETFL, O_NONBLOCK);
    CHECK(writen(p[1], buf, sizeof buf) == -1 && errno == EAGAIN);
    close(p[0]);
    CHECK(writen(p[1], "x", 1) == -1 && errno == EPIPE);
    close(p[1]);
    CHECK(writen(p[1], "x", 1) == -1 && errno == EBADF);
}

/* A reader of the bytes given; the writing side is closed unless keep. */
static struct line_reader reader(const char *bytes, size_t n, int *keep)
{
    int fd[2];

    pair(fd);
    if (writen(fd[1], bytes, n) < 0)
        exit(1);
    if (keep != NULL)
        *keep = fd[1];
    else
        close(fd[1]);
    return (struct line_reader){ .fd = fd[0] };
}

static void test_read_line(void)
{
    static const char text[] = "one\r\n\r\nbare\n\nN\0L\r\n\r\r\nhalf";
    char line[64];
    struct line_reader in = reader(text, sizeof text - 1, NULL);

    CHECK(read_line(&in, line, sizeof line) == 5);
    CHECK(strcmp(line, "one\r\n") == 0);
    CHECK(read_line(&in, line, sizeof line) == 2);
    CHECK(read_line(&in, line, sizeof line) == 5);
    CHECK(strcmp(line, "bare\n") == 0);
    CHECK(read_line(&in, line, sizeof line) == 1);
    CHECK(read_line(&in, line, sizeof line) == 5);
    CHECK(memcmp(line, "N\0L\r\n", 6) == 0);
    CHECK(read_line(&in, line, sizeof line) == 3);
    CHECK(read_line(&in, line, sizeof line) == 4);
    CHECK(strcmp(line, "half") == 0);
    CHECK(read_line(&in, line, sizeof line) == 0 && line[0] == '\0');
    CHECK(read_line(&in, line, sizeof line) == 0);
    close(in.fd);
    CHECK(read_line(&in, line, sizeof line) == -1 && errno == EBADF);
}

/* Room for 5 bytes, a CR LF and a '\0'. Each text stands alone; where it is
 * too long, that is known before its end, while the writer is still there. */
static void test_read_line_limit(void)
{
    static const struct {
        const char *text;
        ssize_t len; /* -1: too long */
    } cases[] = {
        { "12345\r\n", 7 },
        { "12345\n", 6 },
        { "1234\r\r\n", 7 },
        { "\n", 1 },
        { "\r\n", 2 },
        { "123456", -1 },
        { "12345\rx", -1 },
        { "123456\n", -1 },
        { "123456\r\n", -1 },
        { "12345\r\r", -1 },
        { "1234567890", -1 },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct {
            char before, line[8], after;
        } b = { 'B', "", 'A' };
        int keep;
        struct line_reader in =
            reader(cases[i].text, strlen(cases[i].text), &keep);
        errno = 0;
        ssize_t len = read_line(&in, b.line, sizeof b.line);
        CHECK(len == cases[i].len);
        CHECK(len >= 0 || errno == EMSGSIZE);
        CHECK(b.before == 'B' && b.after == 'A');
        close(keep);
        close(in.fd);
    }
}

static void *send_bytewise(void *arg)
{
    int fd = *(int *)arg;

    for (const char *c = "slow\r\nlines\r\n"; *c != '\0'; c++) {
        pause_ms(3);
        if (write(fd, c, 1) != 1)
            break;
    }
    close(fd);
    return NULL;
}

static void test_read_line_pieces(void)
{
    char line[64];
    int fd[2];

    pair(fd);
    pthread_t thread = start(send_bytewise, &fd[1]);
    struct line_reader in = { .fd = fd[0] };
    interrupt_every(5000);
    CHECK(read_line(&in, line, sizeof line) == 6);
    CHECK(strcmp(line, "slow\r\n") == 0);
    CHECK(read_line(&in, line, sizeof line) == 7);
    CHECK(read_line(&in, line, sizeof line) == 0);
    interrupt_every(0);
    pthread_join(thread, NULL);
    close(fd[0]);
}

/* Longer than the reader's own buffer, and what it has read ahead. */
static void test_read_line_long(void)
{
    static char text[20003], line[20003];

    memset(text, 'x', sizeof text);
    memcpy(text + 19999, "\r\n", 2);
    memcpy(text + 20001, "y\n", 2);
    struct line_reader in = reader(text, sizeof text, NULL);
    CHECK(read_line(&in, line, sizeof line) == 20001);
    CHECK(in.pos < in.end && in.buf[in.pos] == 'y');
    CHECK(read_line(&in, line, sizeof line) == 2);
    CHECK(in.pos == in.end);
    close(in.fd);
}

/* Allows deadline reads. */
static int not_forever(struct line_reader *in)
{
    if (in->deadline-- > 0)
        return 0;
    errno = ETIMEDOUT;
    return -1;
}

/* wait is asked before each read(2), and not for what was read ahead. */
static void test_read_line_wait(void)
{
    char line[64];
    int writer;
    struct line_reader in = reader("one\ntwo\nha", 10, &writer);

    in.wait = not_forever;
    in.deadline = 1;
    CHECK(read_line(&in, line, sizeof line) == 4);
    CHECK(read_line(&in, line, sizeof line) == 4);
    CHECK(in.deadline == 0);
    CHECK(read_line(&in, line, sizeof line) == -1 && errno == ETIMEDOUT);
    close(writer);
    close(in.fd);
}

/* ---- Sockets ------------------------------------------------------------ */

static bool is_cloexec(int fd)
{
    return (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0;
}

static const char *port_of(int fd, char text[8])
{
    snprintf(text, 8, "%d", sock_port(fd));
    return text;
}

/* Can this machine have an IPv6 socket at all? */
static bool has_ipv6(void)
{
    const char *why;
    int fd = udp_bind("::1", "0", &why);

    if (fd < 0)
        printf("# no IPv6 here: %s\n", why);
    else
        close(fd);
    return fd >= 0;
}

/* Listens on host, connects to `to`, says something both ways. */
static void talk(const char *host, const char *to, const char *peer_starts)
{
    const char *why = "";
    char port[8], text[ADDR_STR_MAX], buf[4];
    struct sockaddr_storage peer;
    socklen_t len = 0;
    int lfd = tcp_listen(host, "0", &why);
    int fd = tcp_connect(to, port_of(lfd, port), &why);
    int cfd = tcp_accept(lfd, &peer, &len);

    CHECK(lfd > 2 && fd > 2 && cfd > 2);
    CHECK(is_cloexec(lfd) && is_cloexec(fd) && is_cloexec(cfd));
    CHECK(sock_port(lfd) > 0 && sock_port(cfd) == sock_port(lfd));
    addr_str((struct sockaddr *)&peer, len, text);
    CHECK(strncmp(text, peer_starts, strlen(peer_starts)) == 0);
    CHECK(atoi(strrchr(text, ':') + 1) == sock_port(fd));
    CHECK(writen(fd, "ping", 4) == 0 && readn(cfd, buf, 4) == 4);
    CHECK(writen(cfd, "pong", 4) == 0 && readn(fd, buf, 4) == 4);
    CHECK(memcmp(buf, "pong", 4) == 0);
    close(cfd); /* this side first: its TIME_WAIT stays on the port */
    close(fd);
    close(lfd);
    lfd = tcp_listen(host, port, &why);
    CHECK(lfd > 2);
    close(lfd);
}

static void test_tcp(void)
{
    talk("127.0.0.1", "127.0.0.1", "127.0.0.1:");
    talk("localhost", "localhost", "");
    talk(NULL, NULL, "");
    talk("0.0.0.0", "127.0.0.1", "127.0.0.1:");
}

static void test_tcp_ipv6(void)
{
    if (!has_ipv6())
        return;
    talk("::1", "::1", "[::1]:");
    talk("::", "::1", "[::1]:");
    talk("::", "127.0.0.1", "[::ffff:127.0.0.1]:");
}

/* Is this the text of a failed look-up? The number of it depends on the
 * system, and on whether there is a network. */
static bool is_lookup(const char *why)
{
    return strcmp(why, gai_strerror(EAI_NONAME)) == 0 ||
           strcmp(why, gai_strerror(EAI_AGAIN)) == 0 ||
           strcmp(why, gai_strerror(EAI_FAIL)) == 0;
}

static void test_why(void)
{
    const char *why = "";
    char port[8], name[80];
    int lfd = tcp_listen("127.0.0.1", "0", &why);

    port_of(lfd, port);
    errno = 0;
    CHECK(tcp_listen("127.0.0.1", port, &why) == -1 && errno == EADDRINUSE);
    CHECK(strcmp(why, strerror(EADDRINUSE)) == 0);
    close(lfd);
    CHECK(tcp_connect("127.0.0.1", port, &why) == -1);
    CHECK(strcmp(why, strerror(ECONNREFUSED)) == 0);
    CHECK(tcp_listen("192.0.2.1", "0", &why) == -1);
    CHECK(strcmp(why, strerror(EADDRNOTAVAIL)) == 0);

    /* A label has 63 bytes at most, so no name server is asked. */
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    CHECK(tcp_connect(name, "80", &why) == -1 && is_lookup(why));
    why = "";
    CHECK(udp_bind("", "0", &why) == -1 && is_lookup(why));
}

/* As many descriptors after failures as before. */
static void test_no_leak(void)
{
    const char *why;
    char port[8];
    int lfd = tcp_listen("127.0.0.1", "0", &why);
    int before = dup(0);

    close(before);
    port_of(lfd, port);
    CHECK(tcp_listen("127.0.0.1", port, &why) == -1);
    CHECK(tcp_listen("192.0.2.1", "0", &why) == -1);
    CHECK(udp_bind("192.0.2.1", "0", &why) == -1);
    close(lfd);
    CHECK(tcp_connect("127.0.0.1", port, &why) == -1);
    int after = dup(0);
    close(after);
    CHECK(after == lfd || after == before);
}

static void test_udp(void)
{
    const char *why = "";
    char port[8], buf[8];
    struct sockaddr_storage peer;
    socklen_t len = sizeof peer;
    int a = udp_bind("127.0.0.1", "0", &why);
    int b = udp_bind("localhost", "0", &why);
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons((uint16_t)sock_port(a)),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

    CHECK(a > 2 && b > 2 && is_cloexec(a));
    CHECK(udp_bind("127.0.0.1", port_of(a, port), &why) == -1);
    CHECK(strcmp(why, strerror(EADDRINUSE)) == 0);
    close(b);
    b = udp_bind("127.0.0.1", "0", &why);
    CHECK(sendto(b, "hi", 2, 0, (struct sockaddr *)&to, sizeof to) == 2);
    CHECK(recvfrom(a, buf, sizeof buf, 0, (struct sockaddr *)&peer, &len) == 2);
    CHECK(ntohs(((struct sockaddr_in *)&peer)->sin_port) == sock_port(b));
    close(a);
    close(b);
}

/* Started with 0, 1 and 2 closed, a program must not get a socket or a pipe
 * there. */
static void child_low_descriptors(void)
{
    const char *why;
    char port[8];
    struct sockaddr_storage peer;
    socklen_t len;
    int ends[2];

    close(0);
    close(1);
    close(2);
    int lfd = tcp_listen("127.0.0.1", "0", &why);
    int fd = tcp_connect("127.0.0.1", port_of(lfd, port), &why);
    int cfd = tcp_accept(lfd, &peer, &len);
    int ufd = udp_bind("127.0.0.1", "0", &why);
    if (lfd < 3 || fd < 3 || cfd < 3 || ufd < 3)
        exit(1);
    if (!is_cloexec(lfd) || !is_cloexec(fd) || !is_cloexec(cfd))
        exit(2);
    if (make_pipe(ends) < 0 || ends[0] < 3 || ends[1] < 3 ||
        !is_cloexec(ends[0]) || !is_cloexec(ends[1]))
        exit(4);
    exit(fcntl(0, F_GETFD) == -1 && fcntl(1, F_GETFD) == -1 ? 0 : 3);
}

static void test_low_descriptors(void)
{
    char out[64];

    CHECK(in_child(child_low_descriptors, out, sizeof out) == 0);
}

struct call {
    char port[8];
    int fd;
};

static void *connect_late(void *arg)
{
    struct call *call = arg;
    const char *why;

    pause_ms(40);
    call->fd = tcp_connect("127.0.0.1", call->port, &why);
    return NULL;
}

static void test_accept_interrupted(void)
{
    const char *why;
    struct sockaddr_storage peer;
    socklen_t len;
    struct call call;
    int lfd = tcp_listen("127.0.0.1", "0", &why);

    port_of(lfd, call.port);
    interrupt_every(5000);
    pthread_t thread = start(connect_late, &call);
    int cfd = tcp_accept(lfd, &peer, &len);
    interrupt_every(0);
    pthread_join(thread, NULL);
    CHECK(cfd > 2 && call.fd > 2);
    CHECK(len == sizeof(struct sockaddr_in));
    close(cfd);
    close(call.fd);
    close(lfd);
    CHECK(tcp_accept(lfd, &peer, &len) == -1 && errno == EBADF);
}

static void *accept_late(void *arg)
{
    int lfd = *(int *)arg;
    struct pollfd pfd = { .fd = lfd, .events = POLLIN };

    pause_ms(50);
    while (poll(&pfd, 1, 1500) > 0)
        close(accept(lfd, NULL, NULL));
    return NULL;
}

/* A full queue has connect(2) wait for its second try, a second later, while
 * SIGALRM interrupts it again and again. */
static void test_connect_interrupted(void)
{
    const char *why = "";
    char port[8];
    int lfd = tcp_listen("127.0.0.1", "0", &why), fill[4];

    listen(lfd, 0);
    for (int i = 0; i < 4; i++) {
        struct sockaddr_in to;
        socklen_t len = sizeof to;
        getsockname(lfd, (struct sockaddr *)&to, &len);
        fill[i] = socket(AF_INET, SOCK_STREAM, 0);
        fcntl(fill[i], F_SETFL, O_NONBLOCK);
        (void)!connect(fill[i], (struct sockaddr *)&to, len);
    }
    pthread_t thread = start(accept_late, &lfd);
    interrupt_every(5000);
    int fd = tcp_connect("127.0.0.1", port_of(lfd, port), &why);
    interrupt_every(0);
    CHECK(fd > 2);
    if (fd < 0)
        printf("# why: %s\n", why);
    pthread_join(thread, NULL);
    close(fd);
    for (int i = 0; i < 4; i++)
        close(fill[i]);
    close(lfd);
}

/* Queued clients that have reset are not handed out as failures. */
static void test_accept_reset(void)
{
    const char *why;
    char port[8];
    struct sockaddr_storage peer;
    socklen_t len;
    struct linger now = { 1, 0 };
    int lfd = tcp_listen("127.0.0.1", "0", &why);
    int fd = tcp_connect("127.0.0.1", port_of(lfd, port), &why);

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(fd);
    fd = tcp_connect("127.0.0.1", port, &why);
    int cfd = tcp_accept(lfd, &peer, &len);
    CHECK(cfd > 2);
    close(cfd);
    close(fd);
    close(lfd);
}

static void test_addr_str(void)
{
    char text[ADDR_STR_MAX];
    struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(7000), .sin_addr.s_addr = htonl(0x01020304) };
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
                               .sin6_port = htons(65535),
                               .sin6_addr = IN6ADDR_LOOPBACK_INIT };
    struct sockaddr_un un = { .sun_family = AF_UNIX, .sun_path = "/p" };
    const struct sockaddr *sa = (struct sockaddr *)&v4;

    CHECK(addr_str(sa, sizeof v4, text) == text);
    CHECK(strcmp(text, "1.2.3.4:7000") == 0);
    addr_str((struct sockaddr *)&v6, sizeof v6, text);
    CHECK(strcmp(text, "[::1]:65535") == 0);
    sa = (struct sockaddr *)&un;
    CHECK(strcmp(addr_str(sa, sizeof un, text), "unix:/p") == 0);
    CHECK(strcmp(addr_str(sa, sizeof un.sun_family, text), "unix:") == 0);
    memset(un.sun_path, 'x', sizeof un.sun_path);
    CHECK(strlen(addr_str(sa, sizeof un, text)) == 5 + sizeof un.sun_path);
}

static void test_sock_port(void)
{
    int fd[2];

    pair(fd);
    CHECK(sock_port(fd[0]) == -1);
    close(fd[0]);
    close(fd[1]);
    CHECK(sock_port(fd[0]) == -1 && errno == EBADF);
}

/* ---- Signals ------------------------------------------------------------ */

static volatile sig_atomic_t nsignals;

static void count(int sig)
{
    (void)sig;
    nsignals++;
}

static void test_on_signal(void)
{
    CHECK(on_signal(SIGUSR1, count, SA_RESTART) == 0);
    kill(getpid(), SIGUSR1);
    kill(getpid(), SIGUSR1);
    CHECK(nsignals == 2);
    CHECK(on_signal(SIGUSR1, SIG_IGN, 0) == 0);
    kill(getpid(), SIGUSR1);
    CHECK(nsignals == 2);
    CHECK(on_signal(SIGKILL, count, 0) == -1 && errno == EINVAL);
}

/* ---- A name with two addresses ----------------------------------------- */

static int test_dual(const char *name)
{
    const char *why = "";
    char port[8];
    int lfd = tcp_listen("127.0.0.1", "0", &why);
    int fd = tcp_connect(name, port_of(lfd, port), &why);

    printf("%s - tcp_connect tries every address: %s\n",
           fd < 0 ? "not ok" : "ok", fd < 0 ? why : "connected");
    close(fd);
    close(lfd);
    return fd < 0 ? 1 : 0;
}

int main(int argc, char *argv[])
{
    static const struct test tests[] = {
        { "die prints prog, action, object, reason; exits 1", test_die },
        { "warn prints one line and keeps errno", test_warn },
        { "usage: 2 and stderr; --help: 0 and stdout", test_usage },
        { "is_port takes 0 to 65535 in digits only", test_is_port },
        { "readn collects pieces, also while interrupted", test_readn },
        { "readn stops at the end of the input", test_readn_end },
        { "writen goes on after short writes and EINTR", test_writen },
        { "writen reports EAGAIN, EPIPE, EBADF", test_writen_fails },
        { "read_line: CR LF, LF, NULs, half a line", test_read_line },
        { "read_line: too long is known at once", test_read_line_limit },
        { "read_line: byte by byte, interrupted", test_read_line_pieces },
        { "read_line: a line beyond its buffer", test_read_line_long },
        { "read_line: a wait that ends", test_read_line_wait },
        { "TCP over IPv4, by number and by name", test_tcp },
        { "TCP over IPv6; :: serves both families", test_tcp_ipv6 },
        { "why names the reason, and never Success", test_why },
        { "a failure leaves no descriptor open", test_no_leak },
        { "UDP: bind, in use, datagram", test_udp },
        { "no socket or pipe is ever 0, 1 or 2", test_low_descriptors },
        { "accept goes on after EINTR", test_accept_interrupted },
        { "connect is finished after EINTR", test_connect_interrupted },
        { "accept is not upset by a client that reset", test_accept_reset },
        { "addr_str: IPv4, IPv6, Unix", test_addr_str },
        { "sock_port: not an internet socket", test_sock_port },
        { "on_signal: handler, ignore, refusal", test_on_signal },
    };

    prog = argv[0];
    on_signal(SIGPIPE, SIG_IGN, 0);
    if (argc == 3 && strcmp(argv[1], "dual") == 0)
        return test_dual(argv[2]);
    return run_all(tests, sizeof tests / sizeof tests[0]);
}
