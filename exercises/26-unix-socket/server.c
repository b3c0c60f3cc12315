/* server.c - the echo server of 21, for the programs of one machine.
 *
 * usage: server PATH
 *
 * Its address is a file, PATH, of a kind of its own: a socket (unix(7)). Who
 * may write to that file may connect, and the kernel tells the server who did.
 * The file is the server's to make, to guard, and to remove at its end. The
 * conversation is that of 21, with the calls of lib/net.h.
 *
 * Left out on purpose: clients at the same time (24, 28, 29), names that are
 * no files (slides-notes), what else goes through such a socket
 * (pass-descriptor.c).
 */
#define _GNU_SOURCE /* struct ucred, unix(7) */

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "net.h"

/* What on_end(), below, has to know of the file that we have made. */
static const char *own_path;
static struct stat own_file;

/* Makes the address of path in *addr. Returns false if there is no such
 * address: path is empty, or too long for it. */
static bool make_address(const char *path, struct sockaddr_un *addr)
{
    /* TODO 26.1: put path into the address, with the '\0' at its end.
     * Set sun_family to AF_UNIX and the rest to zero, then memcpy(3) path to
     * sun_path (unix(7)). Return false for a path that has no room there.
     * Trap: sun_path is an array of about a hundred bytes, not a pointer:
     * sizeof tells. A path that is cut is another file's, so strncpy(3) would
     * make a socket where nobody looks for it.
     * Check: "The server listens at PATH and says so".
     */
    *addr = (struct sockaddr_un){ 0 };
    return path[0] != '\0';
    /* END 26.1 */
}

/* Gives lfd its address, and so makes the socket file: for its owner alone
 * from its first moment. Returns 0 or -1. */
static int bind_private(int lfd, const struct sockaddr_un *addr)
{
    /* TODO 26.2: make the file, with mode 0600, and return bind's result.
     * Call bind(2), and around it umask(2): it takes rights from every file
     * that the process makes, and returns what it was, to be set again.
     * Trap: chmod(2) after bind is too late: for a moment others could have
     * connected, and a connection stays when the rights go. Of 0666 the usual
     * umask leaves 0644, but a socket starts with 0777.
     * Check: "The socket is its owner's alone, from its first moment".
     */
    (void)lfd, (void)addr;
    errno = ENOSYS;
    return -1;
    /* END 26.2 */
}

/* Is the file at addr a socket that a server has left behind? It stays when
 * the server is killed: nobody listens there any more, but bind(2) fails with
 * EADDRINUSE for any file that is there. */
static bool is_stale(const struct sockaddr_un *addr)
{
    /* TODO 26.4: find out whether it is a socket on which nobody listens.
     * Call lstat(2) for what it is (S_ISSOCK), then socket(2) and connect(2)
     * as a client would, and close(2). ECONNREFUSED in errno says that there
     * is no server.
     * Trap: Linux gives ECONNREFUSED for a file that is no socket too, hence
     * lstat. And any other failure is no proof: EACCES is somebody else's
     * socket, EPROTOTYPE one for datagrams. A server whose queue is full lets
     * connect wait, unless fcntl(2) has set O_NONBLOCK: then EAGAIN.
     * Check: "A socket that a dead server has left is replaced".
     */
    (void)addr;
    return false;
    /* END 26.4 */
}

/* Removes our socket file, unless another file has its name by now: somebody
 * removed ours, and started another server. */
static void remove_own(void)
{
    /* TODO 26.5: remove the file own_path if it is own_file still.
     * Call lstat(2) and unlink(2). Two names are one file if their st_dev and
     * st_ino are the same.
     * Trap: a signal's handler calls this, wherever the program is, so only
     * functions that signal-safety(7) lists may be used: lstat and unlink are
     * on it, printf(3) and exit(3) are not.
     * Check: "SIGINT and SIGTERM end the server, and its file goes with it".
     */
    (void)own_path;
    /* END 26.5 */
}

/* The handler of SIGINT and SIGTERM. It ends the process itself: a flag that
 * the main loop looks at would come too late for an accept(2) or read(2) that
 * has just begun to wait. _exit(2) is signal-safe, exit(3) is not. */
static void on_end(int sig)
{
    (void)sig;
    remove_own();
    _exit(0);
}

/* Lets SIGINT and SIGTERM wait (SIG_BLOCK), or come (SIG_UNBLOCK). */
static void hold_signals(int how)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigprocmask(how, &set, NULL);
}

/* Has our new socket file, at path, removed at the end. */
static void remove_at_end(const char *path)
{
    own_path = path;
    if (lstat(path, &own_file) < 0)
        die("lstat %s:", path);
    on_signal(SIGINT, on_end, 0);
    on_signal(SIGTERM, on_end, 0);
}

/* Waits until no other server starts in the directory of path. Returns a
 * descriptor, for close(2), which lets the next one start; or -1 where
 * directories have no locks (NFS), and we do without. */
static int lock_directory(const char *path)
{
    char copy[sizeof(struct sockaddr_un)]; /* dirname(3) cuts it */

    snprintf(copy, sizeof copy, "%s", path);
    int fd = open(dirname(copy), O_RDONLY | O_CLOEXEC);
    if (fd >= 0)
        flock(fd, LOCK_EX);
    return fd;
}

/* Makes the socket at addr and returns it, listening. Two servers that start
 * at the same time must not both find a stale file: the second would remove
 * the first one's new socket. The lock lasts until connect(2) can tell that a
 * server is there, which is after listen(2). A signal is held back while the
 * file is there and remove_own() does not know it yet. */
static int open_listener(const struct sockaddr_un *addr)
{
    int lock = lock_directory(addr->sun_path);
    int lfd = socket(AF_UNIX, SOCK_STREAM, 0);

    hold_signals(SIG_BLOCK);
    if (is_stale(addr))
        unlink(addr->sun_path);
    if (lfd < 0 || bind_private(lfd, addr) < 0)
        die("bind %s:", addr->sun_path);
    remove_at_end(addr->sun_path);
    if (listen(lfd, SOMAXCONN) < 0) {
        warn("listen %s:", addr->sun_path);
        remove_own();
        _exit(1);
    }
    hold_signals(SIG_UNBLOCK);
    close(lock);
    return lfd;
}

/* Says who connected: the kernel's word on the process that called connect(2),
 * as it was then. A client cannot lie about it. */
static void announce_client(int cfd)
{
    /* TODO 26.3: find out the client's process and user, and say so.
     * Call getsockopt(2) for SO_PEERCRED at level SOL_SOCKET: it fills a
     * struct ucred (unix(7)), whose pid and uid belong into the line. On
     * macOS: getsockopt for LOCAL_PEERPID at level SOL_LOCAL, getpeereid(3).
     * Trap: cfd is asked, not lfd, where the process is the server itself.
     * The length is set before the call, as for accept(2).
     * Check: "The server says who connected".
     */
    (void)cfd;
    /* END 26.3 */
}

/* Waits for the next client. Returns its descriptor, which is the caller's.
 * Where there is none left (EMFILE), the client stays in the queue and the
 * call fails at once: say so once, and wait until there are some. */
static int next_client(int lfd)
{
    struct sockaddr_storage peer; /* a client has no address: unix(7) */
    socklen_t len;
    bool said = false;
    int cfd;

    while ((cfd = tcp_accept(lfd, &peer, &len)) < 0) {
        if (!said)
            warn("accept:");
        said = true;
        poll(NULL, 0, 100);
    }
    announce_client(cfd);
    return cfd;
}

/* Sends back to cfd what comes from it, until the client closes its sending
 * side. Returns 0, or -1 if the connection broke. */
static int echo(int cfd)
{
    char buf[4096];

    for (;;) {
        ssize_t nread = read(cfd, buf, sizeof buf);
        if (nread < 0 && errno == EINTR)
            continue;
        if (nread <= 0)
            return (int)nread;
        if (writen(cfd, buf, (size_t)nread) < 0)
            return -1;
    }
}

int main(int argc, char *argv[])
{
    struct sockaddr_un addr;

    prog = argv[0];
    if (argc != 2 || strcmp(argv[1], "--help") == 0 ||
        !make_address(argv[1], &addr))
        usage(argv, "server PATH");

    on_signal(SIGPIPE, SIG_IGN, 0);

    int lfd = open_listener(&addr);
    fprintf(stderr, "Server launched, listening on: %s\n", argv[1]);

    for (;;) {
        int cfd = next_client(lfd);
        if (echo(cfd) < 0)
            warn("echo:");
        close(cfd);
    }
}
