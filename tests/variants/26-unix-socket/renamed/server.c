/* server.c - an echo server of several processes. The socket is made in a
 * folder that nobody else can enter, and gets its name, with its rights, by
 * rename(2) or link(2). One process serves, with a child for each client; the
 * first one only waits for a signal, and ends all.
 */
#define _GNU_SOURCE

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static int is_dead(const char *path)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    struct stat st;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0), rc;

    strcpy(un.sun_path, path);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    rc = connect(fd, (void *)&un, sizeof un);
    rc = rc == -1 && errno == ECONNREFUSED;
    close(fd);
    return rc && lstat(path, &st) == 0 && S_ISSOCK(st.st_mode);
}

/* Listens on the file s of a new folder, whose name is put into dir. */
static int listen_aside(char *dir)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX, .sun_path = "s" };
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    int here = open(".", O_RDONLY | O_CLOEXEC);

    if (mkdtemp(dir) == NULL || chdir(dir) == -1)
        err(1, "%s", dir);
    if (bind(fd, (void *)&un, sizeof un) == -1 || chmod("s", 0600) == -1 ||
        listen(fd, 50) == -1 || fchdir(here) == -1)
        err(1, "%s/s", dir);
    close(here);
    return fd;
}

static int listen_at(const char *path, struct stat *st)
{
    char dir[200], name[210];
    int fd, rc, saved;

    snprintf(dir, sizeof dir, "%s.XXXXXX", path);
    fd = listen_aside(dir);
    snprintf(name, sizeof name, "%s/s", dir);
    lstat(name, st);
    rc = link(name, path);
    if (rc == -1 && errno == EEXIST)
        rc = is_dead(path) ? rename(name, path) : (errno = EADDRINUSE, -1);
    saved = errno;
    unlink(name);
    rmdir(dir);
    errno = saved;
    if (rc == -1)
        err(1, "%s", path);
    return fd;
}

static _Noreturn void talk(int fd)
{
    char buf[10000];
    ssize_t n, k, done;

    while ((n = recv(fd, buf, sizeof buf, 0)) > 0)
        for (done = 0; done < n; done += k)
            if ((k = send(fd, buf + done, (size_t)(n - done), MSG_NOSIGNAL)) <
                0)
                _exit(1);
    _exit(0);
}

static _Noreturn void serve(int lfd)
{
    signal(SIGCHLD, SIG_IGN); /* the system reaps */
    signal(SIGPIPE, SIG_IGN);
    for (;;) {
        int fd = accept(lfd, NULL, NULL);
        struct ucred u = { .pid = 0 };
        socklen_t len = sizeof u;

        if (fd == -1)
            continue;
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &u, &len);
        dprintf(2, "New client connected: pid %d, uid %u\n", u.pid, u.uid);
        if (fork() == 0) {
            close(lfd);
            talk(fd);
        }
        close(fd);
    }
}

int main(int argc, char **argv)
{
    struct stat mine, st;
    sigset_t set;
    int sig;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return puts("usage: server PATH") == EOF;
    if (argc != 2 || strlen(argv[1]) < 1 || strlen(argv[1]) > 107) {
        dprintf(2, "usage: server PATH\n");
        return 2;
    }
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int lfd = listen_at(argv[1], &mine);
    pid_t server = fork();
    if (server == 0) {
        setpgid(0, 0);
        serve(lfd);
    }
    setpgid(server, server);
    dprintf(2, "Server launched, listening on: %s\n", argv[1]);
    sigwait(&set, &sig);
    kill(-server, SIGKILL);
    waitpid(server, NULL, 0);
    if (lstat(argv[1], &st) == 0 && st.st_ino == mine.st_ino &&
        st.st_dev == mine.st_dev)
        unlink(argv[1]);
    return 0;
}
