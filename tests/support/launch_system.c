/* The system's part of launch: Linux namespaces, and plain POSIX elsewhere. */
#define _GNU_SOURCE
#ifdef __APPLE__
#define _DARWIN_C_SOURCE
#endif
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int drop_groups(void)
{
    return setgroups(0, NULL);
}

#ifdef __linux__

#include <dirent.h>
#include <limits.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

/* Not in the headers of every C library: open_tree(2), move_mount(2),
 * mount_setattr(2), close_range(2), with one number on all machines. */
enum {
    NR_OPEN_TREE = 428,
    NR_MOVE_MOUNT = 429,
    NR_CLOSE_RANGE = 436,
    NR_MOUNT_SETATTR = 442
};
enum { TREE_CLONE = 1,
       TREE_CLOEXEC = O_CLOEXEC,
       EMPTY_PATH = 0x1000,
       RECURSIVE = 0x8000,
       MOVE_FROM_EMPTY = 4 };
struct mount_attributes {
    unsigned long long set, clear, propagation, userns;
};

static int write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    ssize_t n = fd == -1 ? -1 : write(fd, text, strlen(text));

    if (fd != -1)
        close(fd);
    return n == (ssize_t)strlen(text) ? 0 : -1;
}

/* Who we are stays the same inside: user_namespaces(7). */
static int own_users(void)
{
    char map[64];
    uid_t uid = geteuid();
    gid_t gid = getegid();

    if (unshare(CLONE_NEWUSER) == -1)
        return -1;
    if (write_file("/proc/self/setgroups", "deny") == -1)
        return -1;
    snprintf(map, sizeof map, "%u %u 1", (unsigned)uid, (unsigned)uid);
    if (write_file("/proc/self/uid_map", map) == -1)
        return -1;
    snprintf(map, sizeof map, "%u %u 1", (unsigned)gid, (unsigned)gid);
    return write_file("/proc/self/gid_map", map);
}

/* linux/ipv6.h's, which not every C library lets us include. */
struct ipv6_request {
    struct in6_addr address;
    unsigned prefix;
    int interface;
};

/* Loopback, plus one address of each family that is not 127.0.0.1 or ::1:
 * without, AI_ADDRCONFIG (getaddrinfo(3)) finds a family missing. */
static int loopback_up(void)
{
    struct ifreq r = { .ifr_name = "lo" };
    struct sockaddr_in *in = (struct sockaddr_in *)(void *)&r.ifr_addr;
    struct ipv6_request r6 = { .prefix = 128 };
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int fd6 = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int ok;

    r.ifr_flags = IFF_UP | IFF_RUNNING;
    ok = fd != -1 && ioctl(fd, SIOCSIFFLAGS, &r) == 0;
    memcpy(r.ifr_name, "lo:1", 5);
    in->sin_family = AF_INET;
    in->sin_port = 0;
    in->sin_addr.s_addr = htonl(0x0A000001); /* 10.0.0.1 */
    ioctl(fd, SIOCSIFADDR, &r);
    r6.address.s6_addr[0] = 0xFD; /* fd00::1 */
    r6.address.s6_addr[15] = 1;
    r6.interface = (int)if_nametoindex("lo");
    ioctl(fd6, SIOCSIFADDR, &r6);
    close(fd);
    if (fd6 != -1)
        close(fd6);
    return ok ? 0 : -1;
}

static int mkdirs(const char *path)
{
    char part[PATH_MAX];

    for (size_t i = 1; path[i - 1] != '\0'; i++)
        if (path[i] == '/' || path[i] == '\0') {
            snprintf(part, sizeof part, "%.*s", (int)i, path);
            if (mkdir(part, 0755) == -1 && errno != EEXIST)
                return -1;
        }
    return 0;
}

static int mount_new(const char *where, const char *options)
{
    return mount("tmpfs", where, "tmpfs", MS_NOSUID | MS_NODEV, options);
}

/* Names that the checks use; and no name server to wait for. */
static void own_names(void)
{
    if (write_file("/tmp/.hosts", "127.0.0.1 localhost\n"
                                  "127.0.0.1 four.test\n::1 six.test\n"
                                  "::1 dual.test\n127.0.0.1 dual.test\n") == 0)
        mount("/tmp/.hosts", "/etc/hosts", NULL, MS_BIND, NULL);
    if (write_file("/tmp/.resolv", "options timeout:1 attempts:1\n") == 0)
        mount("/tmp/.resolv", "/etc/resolv.conf", NULL, MS_BIND, NULL);
    unlink("/tmp/.hosts");
    unlink("/tmp/.resolv");
}

/* Empty folders in the place of what the program under test, in BIN, could run, or
 * compile, instead of doing the work; not where that itself is checked. */
static void hide_solutions(const char *project)
{
    static const char *const hidden[] = {
        "solutions", "build/solutions", "build/linked/solutions",
        "build/way/solutions", "build/asan/solutions", "build/tsan/solutions",
        ".git"
    };
    const char *bin = getenv("BIN");
    size_t n = strlen(project);
    char path[PATH_MAX];

    if (bin == NULL || strncmp(bin, project, n) != 0 ||
        strstr(bin + n, "/solutions") != NULL)
        return;
    for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", project, hidden[i]);
        mount_new(path, "mode=0,size=4k");
    }
}

/* Everything read-only, a fresh /tmp; a project that lives below /tmp is
 * laid there again. */
static int own_files(const char *project)
{
    struct mount_attributes ro = { .set = 1 /* MOUNT_ATTR_RDONLY */ };
    long tree;

    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1)
        return -1;
    if (syscall(NR_MOUNT_SETATTR, AT_FDCWD, "/", RECURSIVE, &ro,
                sizeof ro) == -1)
        return -1;
    hide_solutions(project);
    tree = syscall(NR_OPEN_TREE, AT_FDCWD, project,
                   TREE_CLONE | TREE_CLOEXEC | RECURSIVE);
    if (tree == -1 || mount_new("/tmp", "mode=1777,size=256m") == -1)
        return -1;
    mount_new("/dev/shm", "mode=1777,size=16m");
    own_names();
    if (strncmp(project, "/tmp/", 5) != 0)
        return close((int)tree);
    if (mkdirs(project) == -1)
        return -1;
    return (int)syscall(NR_MOVE_MOUNT, (int)tree, "", AT_FDCWD, project,
                        MOVE_FROM_EMPTY);
}

/* capset(2) and prctl(2)'s PR_CAP_AMBIENT, not in the headers of every C
 * library. */
enum { ADMIN = 21, /* CAP_SYS_ADMIN, capabilities(7) */
       AMBIENT = 47,
       AMBIENT_RAISE = 2,
       AMBIENT_CLEAR = 4 };
struct capability_header {
    unsigned version;
    int pid;
};
struct capability_sets {
    unsigned effective, permitted, inheritable;
};

/* Who is not root has all rights in the user namespace that it has made, and
 * loses them at execve(2): this one goes on to `run`, which makes the world of
 * processes with it. The program loses it in become(). */
static int keep_admin(void)
{
    struct capability_header head = { 0x20080522, 0 };
    struct capability_sets set[2];

    if (syscall(SYS_capget, &head, set) == -1)
        return -1;
    set[0].inheritable |= 1U << ADMIN;
    if (syscall(SYS_capset, &head, set) == -1)
        return -1;
    return prctl(AMBIENT, AMBIENT_RAISE, ADMIN, 0, 0);
}

int make_room(const char *project)
{
    if (geteuid() != 0 && (own_users() == -1 || keep_admin() == -1))
        return -1;
    if (unshare(CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWIPC) == -1)
        return -1;
    if (loopback_up() == -1)
        return -1;
    write_file("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0");
    if (own_files(project) == -1)
        return -1;
    return chdir("/tmp");
}

/* Pid 1 of the program's world: it reaps orphans, and when it dies the
 * kernel kills all the others (pid_namespaces(7)). */
_Noreturn static void keep(pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_DUMPABLE, 0);
    for (int sig = 1; sig < NSIG; sig++)
        signal(sig, SIG_DFL);
    signal(SIGCHLD, SIG_IGN); /* sigaction(2): no zombies then */
    for (int fd = 0; fd < 10; fd++)
        close(fd);
    if (getppid() != parent && getppid() != 0)
        _exit(1);
    for (;;)
        pause();
}

pid_t own_processes(void)
{
    const char *room = getenv("ROOM");
    pid_t me = getpid(), pid;

    if (room == NULL || strcmp(room, "own") != 0 ||
        unshare(CLONE_NEWPID | CLONE_NEWNS) == -1) {
        prctl(PR_SET_CHILD_SUBREAPER, 1);
        return 0;
    }
    pid = fork();
    if (pid == -1) { /* the next one would be pid 1, whom signals spare */
        dprintf(2, "launch: fork: %s\n", strerror(errno));
        _exit(125);
    }
    if (pid == 0)
        keep(me);
    return pid;
}

static void signal_tree(pid_t pid, int sig);

/* To what one thread has started, and to all below: parents first, since one
 * that is stopped forks no more. */
static void signal_children(pid_t pid, const char *tid, int sig)
{
    char path[96];
    FILE *f;
    int child;

    snprintf(path, sizeof path, "/proc/%d/task/%.16s/children", (int)pid, tid);
    f = fopen(path, "re");
    while (f != NULL && fscanf(f, "%d", &child) == 1) {
        kill(child, sig);
        signal_tree(child, sig);
    }
    if (f != NULL)
        fclose(f);
}

/* Sends sig to each descendant of pid, whichever thread has started it. */
static void signal_tree(pid_t pid, int sig)
{
    char path[64];
    struct dirent *e;
    DIR *d;

    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    d = opendir(path);
    while (d != NULL && (e = readdir(d)) != NULL)
        if (e->d_name[0] != '.')
            signal_children(pid, e->d_name, sig);
    if (d != NULL)
        closedir(d);
}

/* Without a world of its own: orphans come to us, the subreaper. All are
 * stopped first, so that none can fork while the others are killed; again,
 * until nobody is left: one that forks and exits may be missed in a round. */
static void end_descendants(void)
{
    const struct timespec moment = { 0, 1000000L };
    pid_t me = getpid(), pid;

    for (;;) {
        signal_tree(me, SIGSTOP);
        signal_tree(me, SIGKILL);
        while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
            continue;
        if (pid == -1 && errno == ECHILD)
            return;
        if (pid == 0)
            nanosleep(&moment, NULL);
    }
}

void end_all(pid_t keeper, pid_t program)
{
    if (keeper > 0)
        kill(keeper, SIGKILL);
    else {
        kill(-program, SIGKILL);
        end_descendants();
    }
    while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
        continue;
}

/* From Linux 5.14 on, RLIMIT_NPROC counts a user namespace by itself
 * (user_namespaces(7)). */
static bool counted_apart(void)
{
    const char *room = getenv("ROOM");
    struct utsname u;
    int major = 0, minor = 0;

    return room != NULL && strcmp(room, "own") == 0 && uname(&u) == 0 &&
           sscanf(u.release, "%d.%d", &major, &minor) == 2 &&
           (major > 5 || (major == 5 && minor >= 14));
}

/* The folder /proc/PID/task has a link for each thread and two of its own.
 * Root's programs run as a user of their own, who has none. */
long others_of_user(void)
{
    char path[64];
    struct dirent *e;
    struct stat st;
    long n = 0;
    DIR *d = geteuid() == 0 || counted_apart() ? NULL : opendir("/proc");

    while (d != NULL && (e = readdir(d)) != NULL) {
        snprintf(path, sizeof path, "/proc/%.16s/task", e->d_name);
        if (e->d_name[0] >= '1' && e->d_name[0] <= '9' &&
            stat(path, &st) == 0 && st.st_uid == geteuid())
            n += (long)st.st_nlink - 2;
    }
    if (d != NULL)
        closedir(d);
    return n;
}

int wait_event(struct pollfd *p, const struct timespec *t,
               const sigset_t *mask)
{
    return ppoll(p, 1, t, mask);
}

int close_all_from(int first)
{
    return (int)syscall(NR_CLOSE_RANGE, (unsigned)first, ~0U, 0);
}

void keep_out(void)
{
    prctl(PR_SET_DUMPABLE, 0);
}

/* In a world of its own the program shall see no other's processes: through
 * /proc/PID/fd it could write where its checker writes. */
void own_proc(void)
{
    const char *room = getenv("ROOM");

    if (room != NULL && strcmp(room, "own") == 0)
        mount("proc", "/proc", "proc",
              MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, NULL);
}

void no_new_privileges(void)
{
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    prctl(AMBIENT, AMBIENT_CLEAR, 0, 0, 0);
}

void exec_opened(int fd, char *argv[])
{
    extern char **environ;

    fexecve(fd, argv, environ);
}

#else /* not Linux: a session, a process group and the clock */

int make_room(const char *project)
{
    (void)project;
    return -1;
}

pid_t own_processes(void)
{
    return 0;
}

void end_all(pid_t keeper, pid_t program)
{
    (void)keeper;
    kill(-program, SIGKILL);
    while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
        continue;
}

long others_of_user(void)
{
    return 2048; /* a guess that lets a desktop's user go on */
}

/* pselect(2), since macOS has no ppoll(2): it cannot see that the reader has
 * gone, so it looks a few times a second. */
int wait_event(struct pollfd *p, const struct timespec *t,
               const sigset_t *mask)
{
    struct timespec tick = { 0, 100000000L };

    if (t->tv_sec == 0 && t->tv_nsec < tick.tv_nsec)
        tick = *t;
    if (pselect(0, NULL, NULL, NULL, &tick, mask) == -1)
        return -1;
    return poll(p, 1, 0);
}

int close_all_from(int first)
{
    (void)first;
    return -1;
}

void keep_out(void)
{
}

void own_proc(void)
{
}

void no_new_privileges(void)
{
}

void exec_opened(int fd, char *argv[])
{
    close(fd);
    execv(argv[0], argv);
}

#endif
