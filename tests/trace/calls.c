/* calls.c - a program for the recorder's tests: calls MODE.
 *
 * What it prints must be the same with and without the recorder. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK(x)                                                             \
    do {                                                                     \
        if (!(x)) {                                                          \
            printf("line %d: not so: %s (errno %d)\n", __LINE__, #x, errno); \
            exit(1);                                                         \
        }                                                                    \
    } while (0)

/* ---- Numbers and errors ------------------------------------------------- */

static void numbers(void)
{
    int first = socket(AF_INET, SOCK_STREAM, 0);
    char c = 'x';

    printf("first socket %d\n", first);
    printf("next %d\n", dup(first));
    errno = 77;
    CHECK(close(first) == 0 && errno == 77);
    printf("again %d\n", socket(AF_INET6, SOCK_DGRAM, 0));
    CHECK(read(99, &c, 1) == -1 && errno == EBADF);
    CHECK(close(99) == -1 && errno == EBADF);
    CHECK(accept(0, NULL, NULL) == -1 && errno == ENOTSOCK);
    CHECK(recv(first, &c, 1, MSG_DONTWAIT) == -1 && errno == EAGAIN);
    CHECK(send(first + 1, &c, 1, MSG_NOSIGNAL) == -1 && errno == EPIPE);
}

static void limit(void)
{
    struct rlimit r;
    int n = 0;

    CHECK(getrlimit(RLIMIT_NOFILE, &r) == 0);
    while (socket(AF_INET, SOCK_STREAM, 0) >= 0)
        n++;
    printf("limit %d, %d sockets, then EMFILE: %d\n", (int)r.rlim_cur, n,
           errno == EMFILE);
}

static void mark(const char *what)
{
    int pair[2];

    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    CHECK(write(pair[1], what, strlen(what)) == (ssize_t)strlen(what));
    CHECK(close(pair[0]) == 0 && close(pair[1]) == 0);
}

/* The ways in which a program can close or take the recorder's number. */
static void close_all(void)
{
    for (int fd = 3; fd < 5000; fd++)
        close(fd);
    mark("after close");
#ifdef __GLIBC__
    CHECK(close_range(3, ~0u, 0) == 0);
    mark("after close_range");
    closefrom(3);
    mark("after closefrom");
#endif
    for (int fd = 3; fd < 1200; fd++)
        CHECK(dup2(1, fd) == fd);
    for (int fd = 3; fd < 1200; fd++)
        CHECK(close(fd) == 0);
    mark("after dup2");
    for (int fd = 3; fd < 5000; fd++)
        syscall(SYS_close, fd);
    mark("after syscall");
    printf("socket %d\n", socket(AF_INET, SOCK_STREAM, 0));
}

static const char *self;

/* ---- Processes and threads ---------------------------------------------- */

static void forks(void)
{
    int p[2];
    char c;

    CHECK(pipe(p) == 0);
    for (int i = 0; i < 8; i++)
        if (fork() == 0) {
            c = (char)('a' + i);
            CHECK(write(p[1], &c, 1) == 1);
            _exit(i);
        }
    close(p[1]);
    for (int i = 0; i < 8; i++)
        CHECK(read(p[0], &c, 1) == 1);
    CHECK(read(p[0], &c, 1) == 0);
    for (int i = 0; i < 8; i++)
        CHECK(wait(NULL) > 0);
    CHECK(wait(NULL) == -1 && errno == ECHILD);
    pid_t pid = vfork();
    if (pid == 0) {
        execl(self, "calls", "nothing", (char *)NULL);
        _exit(127);
    }
    CHECK(waitpid(pid, NULL, 0) == pid);
}

static pthread_mutex_t other = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int running, gone;

static void *work(void *arg)
{
    int *fd = arg;
    char c = 'x';

    pthread_mutex_lock(&lock);
    running++;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
    CHECK(write(*fd, &c, 1) == 1);
    pthread_mutex_lock(&lock);
    gone++;
    pthread_mutex_unlock(&lock);
    if (*fd % 2 != 0)
        pthread_exit(NULL);
    return NULL;
}

static void threads(int n)
{
    int pair[2];
    pthread_t *thread = calloc((size_t)n, sizeof *thread);
    pthread_attr_t attr;

    CHECK(thread != NULL && socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0);
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 262144);
    for (int i = 0; i < n; i++)
        CHECK(pthread_create(&thread[i], &attr, work, &pair[1]) == 0);
    for (int i = 0; i < n; i++) {
        char c;

        CHECK(read(pair[0], &c, 1) == 1);
    }
    for (int i = 0; i < n; i++)
        CHECK(pthread_join(thread[i], NULL) == 0);
    printf("%d threads\n", gone);
    free(thread);
}

static void *late(void *arg)
{
    usleep(50000);
    pthread_mutex_lock(&lock);
    running = 1;
    pthread_cond_signal(&changed);
    pthread_mutex_lock(&other);
    pthread_mutex_unlock(&lock);
    usleep(100000);
    pthread_mutex_unlock(&other);
    usleep(100000);
    return arg;
}

/* A lock that is held, a condition that is not yet so, a thread to wait for. */
static void contention(void)
{
    pthread_t thread;
    struct timespec soon = { 1, 0 };
    void *result;

    CHECK(pthread_create(&thread, NULL, late, &running) == 0);
    pthread_mutex_lock(&lock);
    CHECK(pthread_cond_timedwait(&changed, &lock, &soon) == ETIMEDOUT);
    while (running == 0)
        CHECK(pthread_cond_wait(&changed, &lock) == 0);
    pthread_mutex_unlock(&lock);
    pthread_mutex_lock(&other);
    pthread_mutex_unlock(&other);
    CHECK(pthread_join(thread, &result) == 0 && result == &running);
}

static void *detached(void *arg)
{
    return arg;
}

static void again(void)
{
    pthread_t thread;
    int err = pthread_create(&thread, NULL, detached, NULL);

    printf("pthread_create %s\n", err == EAGAIN ? "EAGAIN" : "works");
    CHECK(err == EAGAIN || pthread_detach(thread) == 0);
    CHECK(pthread_create(&thread, NULL, detached, NULL) == 0);
    CHECK(pthread_detach(thread) == 0);
    usleep(100000);
}

/* ---- Signals ------------------------------------------------------------ */

static volatile sig_atomic_t seen, sender;

static void plain(int sig)
{
    seen = sig;
}

static void full(int sig, siginfo_t *info, void *context)
{
    seen = context != NULL ? sig : 0;
    sender = (sig_atomic_t)info->si_pid;
}

static void signals(void)
{
    struct sigaction action, old;

    memset(&action, 0, sizeof action);
    action.sa_handler = plain;
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
    CHECK(sigaction(SIGUSR1, NULL, &old) == 0 && old.sa_handler == plain);
    errno = 55;
    CHECK(kill(getpid(), SIGUSR1) == 0 && seen == SIGUSR1 && errno == 55);
    action.sa_flags = SA_SIGINFO;
    action.sa_sigaction = full;
    CHECK(sigaction(SIGUSR1, &action, &old) == 0 && old.sa_handler == plain);
    seen = 0;
    CHECK(raise(SIGUSR1) == 0 && seen == SIGUSR1 && sender == getpid());
    CHECK(signal(SIGUSR1, SIG_IGN) != SIG_ERR);
    CHECK(signal(SIGUSR1, plain) == SIG_IGN);
    CHECK(signal(SIGUSR1, SIG_DFL) == plain);
    CHECK(signal(SIGUSR1, SIG_DFL) == SIG_DFL);
    CHECK(signal(SIGKILL, plain) == SIG_ERR && errno == EINVAL);
    action.sa_flags = (int)SA_RESETHAND;
    action.sa_handler = plain;
    CHECK(sigaction(SIGUSR2, &action, NULL) == 0 && raise(SIGUSR2) == 0);
    CHECK(sigaction(SIGUSR2, NULL, &old) == 0 && old.sa_handler == SIG_DFL);
}

static void nothing(void)
{
}

/* ---- Bytes -------------------------------------------------------------- */

static void stdio(void)
{
    int pair[2], p[2];
    char *line = NULL;
    size_t size = 0;

    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 && pipe(p) == 0);
    FILE *a = fdopen(pair[0], "r+"), *b = fdopen(pair[1], "r+");
    CHECK(a != NULL && b != NULL && fileno(a) == pair[0]);
    CHECK(fprintf(a, "hello %d\nmore\n", 1) == 13 && fflush(a) == 0);
    CHECK(getline(&line, &size, b) == 8 && strcmp(line, "hello 1\n") == 0);
    CHECK(getline(&line, &size, b) == 5);
    CHECK(fputs("answer\n", b) >= 0 && fflush(b) == 0);
    CHECK(fgets(line, (int)size, a) != NULL && strcmp(line, "answer\n") == 0);
    CHECK(fclose(b) == 0 && fgetc(a) == EOF && feof(a) && !ferror(a));
    CHECK(fclose(a) == 0 && fcntl(pair[0], F_GETFD) == -1);
#ifdef __GLIBC__ /* musl looks neither at the mode nor at the number */
    CHECK(fdopen(p[0], "w") == NULL && errno == EINVAL);
    CHECK(fdopen(99, "r") == NULL && errno == EBADF);
#endif
    FILE *out = fdopen(p[1], "w");
    CHECK(out != NULL && fputs("at exit", out) >= 0);
    free(line);
}

static void tcp_pair(int fd[2])
{
    struct sockaddr_in addr = { .sin_family = AF_INET };
    socklen_t len = sizeof addr;
    int listener = socket(AF_INET, SOCK_STREAM, 0);

    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    fd[0] = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(bind(listener, (struct sockaddr *)&addr, len) == 0);
    CHECK(listen(listener, 1) == 0);
    CHECK(getsockname(listener, (struct sockaddr *)&addr, &len) == 0);
    CHECK(connect(fd[0], (struct sockaddr *)&addr, len) == 0);
    fd[1] = accept(listener, NULL, NULL);
    if (fd[1] < 0) {
        printf("accept %s\n", strerror(errno));
        fd[1] = accept(listener, NULL, NULL);
    }
    CHECK(fd[1] >= 0 && close(listener) == 0);
}

/* Ten bytes over a connection, as read(2) and write(2) happen to move them. */
static void stream(void)
{
    int fd[2];
    char buf[16];
    ssize_t n;
    size_t sent = 0;
    const char *digits = "0123456789";

    tcp_pair(fd);
    while (sent < 10 && (n = write(fd[0], digits + sent, 10 - sent)) > 0)
        sent += (size_t)n;
    printf("wrote %zu%s%s\n", sent, sent < 10 ? ", " : "",
           sent < 10 ? strerror(errno) : "");
    shutdown(fd[0], SHUT_WR);
    while ((n = read(fd[1], buf, sizeof buf)) > 0)
        printf("read %zd\n", n);
    printf("read %zd%s%s\n", n, n < 0 ? ", " : "",
           n < 0 ? strerror(errno) : "");
}

/* Five datagrams to itself, through an unconnected socket. */
static void datagrams(void)
{
    struct sockaddr_in addr = { .sin_family = AF_INET };
    socklen_t len = sizeof addr;
    int in = socket(AF_INET, SOCK_DGRAM, 0);
    int out = socket(AF_INET, SOCK_DGRAM, 0);
    char c;

    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(bind(in, (struct sockaddr *)&addr, len) == 0);
    CHECK(getsockname(in, (struct sockaddr *)&addr, &len) == 0);
    for (int i = 0; i < 5; i++)
        CHECK(sendto(out, &"abcde"[i], 1, 0, (struct sockaddr *)&addr,
                     len) == 1);
    close(out);
    while (recv(in, &c, 1, MSG_DONTWAIT) == 1)
        putchar(c);
    putchar('\n');
}

static void vectors(void)
{
    int pair[2];
    char a[4], b[8];
    struct iovec out[2] = { { (char *)(size_t) "ab\"", 3 },
                            { (char *)(size_t) "\t\\\0\xff", 4 } };
    struct iovec in[2] = { { a, 4 }, { b, 8 } };
    struct msghdr msg = { .msg_iov = in, .msg_iovlen = 2 };
    struct pollfd pfd;

    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    CHECK(writev(pair[0], out, 2) == 7);
    pfd.fd = pair[1];
    pfd.events = POLLIN;
    CHECK(poll(&pfd, 1, 1000) == 1);
    CHECK(recvmsg(pair[1], &msg, MSG_PEEK) == 7);
    CHECK(readv(pair[1], in, 2) == 7 && b[0] == '\\');
    CHECK(poll(&pfd, 1, 0) == 0);
    CHECK(dprintf(pair[0], "%d\n", 42) == 3 && read(pair[1], b, 8) == 3);
}

/* Sizes that the compiler does not know: _FORTIFY_SOURCE checks them. */
static void fortified(int n)
{
    int pair[2];
    char buf[8];

    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    CHECK(write(pair[0], "0123456789abcdef", 16) == 16);
    CHECK(read(pair[1], buf, (size_t)n) == n);
    CHECK(recv(pair[1], buf, (size_t)n, 0) == n);
    printf("%.*s\n", n, buf);
}

static void for_ever(void)
{
    int pair[2];
    char c = 'x';

    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    puts("ready");
    fflush(stdout);
    while (write(pair[0], &c, 1) == 1 && read(pair[1], &c, 1) == 1)
        ;
}

static const struct {
    const char *name;
    void (*run)(void);
} modes[] = {
    { "numbers", numbers },
    { "limit", limit },
    { "closeall", close_all },
    { "forks", forks },
    { "contention", contention },
    { "again", again },
    { "nothing", nothing },
    { "signals", signals },
    { "stdio", stdio },
    { "stream", stream },
    { "datagrams", datagrams },
    { "vectors", vectors },
    { "forever", for_ever },
};

int main(int argc, char *argv[])
{
    self = argv[0];

    const char *mode = argc > 1 ? argv[1] : "";
    int n = argc > 2 ? atoi(argv[2]) : 4;
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++)
        if (strcmp(mode, modes[i].name) == 0) {
            modes[i].run();
            return 0;
        }
    if (strcmp(mode, "threads") == 0)
        threads(n);
    else if (strcmp(mode, "fortified") == 0)
        fortified(n);
    else
        return 2;
    return 0;
}
