/* Paths: what lies there, who could open it meanwhile, a client on this
 * machine that the kernel can tell from others. */
#define _GNU_SOURCE /* setns(2) */
#ifdef __APPLE__
#define _DARWIN_C_SOURCE
#endif
#include "peer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __linux__
#include <sched.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#endif

/* ---- what lies there ---- */

static const char *kind_of(mode_t mode)
{
    return S_ISSOCK(mode)   ? "a socket"
           : S_ISREG(mode)  ? "a plain file"
           : S_ISDIR(mode)  ? "a directory"
           : S_ISFIFO(mode) ? "a FIFO"
           : S_ISLNK(mode)  ? "a link"
                            : "another file";
}

static void is(const char *path, const char *what)
{
    struct bytes out = { 0 };
    struct stat st = { 0 };
    const char *found = lstat(path, &st) == -1 ? "gone" : kind_of(st.st_mode);

    if (strcmp(found, what) == 0)
        return;
    bytes_text(&out, "expected  %s is %s\nfound     it is %s\n", path, what,
               strcmp(found, "gone") == 0 ? "not there" : found);
    fail_here(&out);
}

static void has_mode(const char *path, const char *mode)
{
    struct bytes out = { 0 };
    struct stat st;
    long want = strtol(mode, NULL, 8);

    if (lstat(path, &st) == 0 && (st.st_mode & 07777) == want)
        return;
    bytes_text(&out, "expected  %s has mode %04lo\nfound     ", path, want);
    if (lstat(path, &st) == -1)
        bytes_text(&out, "it is not there\n");
    else
        bytes_text(&out, "%04o\n", (unsigned)st.st_mode & 07777);
    fail_here(&out);
}

static void holds(const char *path, const char *data)
{
    struct bytes out = { 0 }, want = { 0 };
    unsigned char buf[4096];
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    ssize_t n = fd == -1 ? -1 : read(fd, buf, sizeof buf);

    if (!data_parse(&data, &want))
        script_error("bad data: %s", data);
    if (fd != -1)
        close(fd);
    if (n == (ssize_t)want.n && memcmp(buf, want.p, want.n) == 0) {
        bytes_free(&want);
        return;
    }
    bytes_text(&out, "expected  %s holds ", path);
    data_show(&out, want.p, want.n);
    bytes_text(&out, "\nfound     ");
    if (n < 0)
        bytes_text(&out, "it is not there any more");
    else
        data_show(&out, buf, (size_t)n);
    bytes_text(&out, "\n");
    fail_here(&out);
}

/* ---- who could open it meanwhile ---- */

static struct {
    pid_t pid;
    int found; /* the end of a pipe from which the mode comes */
} watcher;

/* A descriptor from which something comes when a file of script_dir is made:
 * who sleeps until then is awake sooner, on a busy machine, than who looks all
 * the time. -1 where there is no such thing. */
static int news_of_files(void)
{
    int fd = -1;
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    fd = inotify_init1(IN_CLOEXEC);
    if (fd != -1 &&
        inotify_add_watch(fd, script_dir, IN_CREATE | IN_MOVED_TO) == -1) {
        close(fd);
        fd = -1;
    }
#endif
    return fd;
}

/* Looks until there is a socket that others may write to, and says its mode. */
_Noreturn static void watch(const char *path, int to, pid_t parent)
{
    int news = news_of_files();
    char event[4096];
    struct stat st;

    dprintf(to, "looks\n");
    while (getppid() == parent &&
           (news == -1 || read(news, event, sizeof event) > 0))
        if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode) &&
            (st.st_mode & 077) != 0) {
            dprintf(to, "%04o", (unsigned)st.st_mode & 07777);
            break;
        }
    _exit(0);
}

static void is_watched(const char *path)
{
    pid_t me = getpid();
    char line[6];
    int p[2];

    if (pipe(p) == -1)
        script_error("pipe: %s", strerror(errno));
    watcher.pid = fork();
    if (watcher.pid == -1)
        script_error("fork: %s", strerror(errno));
    if (watcher.pid == 0)
        watch(path, p[1], me);
    close(p[1]);
    fcntl(p[0], F_SETFD, FD_CLOEXEC);
    watcher.found = p[0];
    while (read(p[0], line, sizeof line) == -1 && errno == EINTR)
        continue;
}

static void was_private(const char *path)
{
    struct bytes out = { 0 };
    char mode[8] = "";

    kill(watcher.pid, SIGKILL);
    while (waitpid(watcher.pid, NULL, 0) == -1 && errno == EINTR)
        continue;
    if (read(watcher.found, mode, sizeof mode - 1) > 0) {
        bytes_text(&out, "expected  %s is its owner's alone from its first"
                         " moment\nfound     for a moment its mode was %s\n",
                   path, mode);
        fail_here(&out);
    }
    close(watcher.found);
}

/* A name of script_dir that takes the system milliseconds to follow: link by
 * link, and each link goes in and out of a folder many hundred times. So what
 * a program does with a path below it is slow, and whatever it leaves open
 * between two such calls, it leaves open for long. */
static void is_a_maze(const char *path)
{
    /* The system follows 40, and sometimes begins anew: path_resolution(7). */
    enum { LINKS = 19 };
    char target[PATH_MAX], link[192];
    size_t n = 0;

    mkdir("_", 0755);
    while (n < sizeof target - 200)
        n += (size_t)snprintf(target + n, sizeof target - n, "_/../");
    for (int i = 1; i <= LINKS; i++) {
        snprintf(link, sizeof link, i == 1 ? "%s" : "%s.%d", path, i);
        snprintf(target + n, sizeof target - n, i < LINKS ? "%s.%d" : ".",
                 path, i + 1);
        if (symlink(target, link) == -1)
            script_error("symlink %s: %s", link, strerror(errno));
    }
}

void path_step(const char *rest)
{
    char path[160], verb[16];
    int n = 0;

    if (sscanf(rest, "%159s %15s %n", path, verb, &n) < 2 || n == 0)
        script_error("path NAME VERB");
    rest += n;
    if (strcmp(verb, "is") == 0)
        is(path, rest);
    else if (strcmp(verb, "has") == 0 && strncmp(rest, "mode ", 5) == 0)
        has_mode(path, rest + 5);
    else if (strcmp(verb, "holds") == 0)
        holds(path, rest);
    else if (strcmp(verb, "is-watched") == 0)
        is_watched(path);
    else if (strcmp(verb, "was-private") == 0)
        was_private(path);
    else if (strcmp(verb, "is-a-maze") == 0)
        is_a_maze(path);
    else
        script_error("path %s %s", path, verb);
}

/* ---- a client that the kernel can tell from others ---- */

struct introduction {
    pid_t pid;
    long uid;
    int err;
};

/* The owner of a program's process: its user. */
static uid_t user_of(pid_t pid)
{
    char path[64];
    struct stat st;

    snprintf(path, sizeof path, "/proc/%d", (int)pid);
    return stat(path, &st) == 0 ? st.st_uid : geteuid();
}

/* Sends what it says and, where there is one, a descriptor: unix(7). */
static void introduce(int to, const struct introduction *who, int fd)
{
    union {
        struct cmsghdr align;
        char space[CMSG_SPACE(sizeof fd)];
    } control = { 0 };
    struct iovec data = { (void *)who, sizeof *who };
    struct msghdr msg = { .msg_iov = &data, .msg_iovlen = 1 };

    if (fd != -1) {
        msg.msg_control = control.space;
        msg.msg_controllen = sizeof control.space;
        CMSG_FIRSTHDR(&msg)->cmsg_level = SOL_SOCKET;
        CMSG_FIRSTHDR(&msg)->cmsg_type = SCM_RIGHTS;
        CMSG_FIRSTHDR(&msg)->cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(CMSG_FIRSTHDR(&msg)), &fd, sizeof fd);
    }
    while (sendmsg(to, &msg, 0) == -1 && errno == EINTR)
        continue;
}

static int introduced(int from, struct introduction *who)
{
    union {
        struct cmsghdr align;
        char space[CMSG_SPACE(sizeof(int))];
    } control = { 0 };
    struct iovec data = { who, sizeof *who };
    struct msghdr msg = { .msg_iov = &data, .msg_iovlen = 1,
                          .msg_control = control.space,
                          .msg_controllen = sizeof control.space };
    ssize_t n;
    int fd = -1;

    while ((n = recvmsg(from, &msg, 0)) == -1 && errno == EINTR)
        continue;
    if (n == (ssize_t)sizeof *who && CMSG_FIRSTHDR(&msg) != NULL)
        memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof fd);
    return fd;
}

_Noreturn static void be_the_client(const struct sockaddr_un *un, uid_t uid,
                                    int to)
{
    struct introduction me = { .pid = getpid() };
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    if (geteuid() == 0 && setuid(uid) == -1)
        _exit(1);
    me.uid = (long)geteuid();
    if (connect(fd, (const struct sockaddr *)un, sizeof *un) == -1) {
        me.err = errno;
        close(fd);
        fd = -1;
    }
    introduce(to, &me, fd);
    _exit(0);
}

/* pid_namespaces(7): who enters one is not in it, its children are. */
static void enter_world_of(pid_t pid)
{
#ifdef __linux__
    char path[64];
    int fd;

    snprintf(path, sizeof path, "/proc/%d/ns/pid", (int)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd != -1 && setns(fd, CLONE_NEWPID) == 0)
        close(fd);
#else
    (void)pid;
#endif
}

_Noreturn static void send_client(pid_t program, const struct sockaddr_un *un,
                                  int to)
{
    uid_t uid = user_of(program);
    pid_t child;

    enter_world_of(program);
    child = fork();
    if (child == 0)
        be_the_client(un, uid, to);
    while (child > 0 && waitpid(child, NULL, 0) == -1 && errno == EINTR)
        continue;
    _exit(0);
}

int connect_as(const struct actor *program, const struct sockaddr_un *un,
               pid_t *pid, long *uid)
{
    struct introduction who = { .err = ECONNABORTED };
    int pair[2], fd;
    pid_t child;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == -1 &&
        socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == -1)
        script_error("socketpair: %s", strerror(errno));
    child = fork();
    if (child == -1)
        script_error("fork: %s", strerror(errno));
    if (child == 0)
        send_client(program->pid, un, pair[1]);
    close(pair[1]);
    fd = introduced(pair[0], &who);
    close(pair[0]);
    while (waitpid(child, NULL, 0) == -1 && errno == EINTR)
        continue;
    *pid = who.pid;
    *uid = who.uid;
    errno = who.err;
    return fd;
}
