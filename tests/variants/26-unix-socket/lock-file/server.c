/* server.c - an echo server that holds a lock on PATH.lock as long as it lives,
 * and leaves whatever it does by siglongjmp(3) when a signal comes.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "net.h"

static sigjmp_buf end;

static void on_term(int sig)
{
    siglongjmp(end, sig);
}

static void lock(const char *path)
{
    char name[256];

    snprintf(name, sizeof name, "%s.lock", path);
    int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd == -1)
        die("open %s:", name);
    if (lockf(fd, F_TLOCK, 0) == -1)
        die("%s is another server's", path);
}

static int listen_at(const char *path)
{
    struct sockaddr_un name;
    struct stat st;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    memset(&name, 0, sizeof name);
    name.sun_family = AF_UNIX;
    strcpy(name.sun_path, path);
    if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode)) {
        int probe = socket(AF_UNIX, SOCK_STREAM, 0);
        fcntl(probe, F_SETFL, O_NONBLOCK);
        if (connect(probe, (struct sockaddr *)&name, sizeof name) == -1 &&
            errno == ECONNREFUSED)
            unlink(path);
        close(probe);
    }
#ifdef __linux__
    fchmod(fd, 0600); /* of the socket; the file gets it at bind(2) */
#else
    umask(0177);
#endif
    if (bind(fd, (struct sockaddr *)&name, sizeof name) == -1)
        die("bind %s:", path);
    if (listen(fd, 10) == -1)
        die("listen:");
    return fd;
}

static void say_who(int fd)
{
    struct ucred who = { .pid = -1 };

    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &(socklen_t){ sizeof who });
    fprintf(stderr, "New client connected: pid %d, uid %d\n", (int)who.pid,
            (int)who.uid);
}

int main(int argc, char *argv[])
{
    static struct stat mine, now;
    static const char *path;

    prog = argv[0];
    path = argv[1];
    if (argc != 2 || path[0] == '\0' || strcmp(path, "--help") == 0 ||
        strlen(path) >= sizeof((struct sockaddr_un *)NULL)->sun_path)
        usage(argv, "server PATH");
    lock(path);
    on_signal(SIGPIPE, SIG_IGN, 0);
    int lfd = listen_at(path);
    lstat(path, &mine);
    if (sigsetjmp(end, 1) != 0) {
        if (lstat(path, &now) == 0 && now.st_ino == mine.st_ino)
            unlink(path);
        return 0;
    }
    on_signal(SIGTERM, on_term, 0);
    on_signal(SIGINT, on_term, 0);
    fprintf(stderr, "Server launched, listening on: %s\n", path);
    for (;;) {
        char buf[700];
        ssize_t n;
        int fd = accept(lfd, NULL, NULL);
        if (fd == -1)
            continue;
        say_who(fd);
        while ((n = read(fd, buf, sizeof buf)) != 0) {
            if (n == -1 && errno != EINTR)
                break;
            if (n > 0 && writen(fd, buf, (size_t)n) == -1)
                break;
        }
        close(fd);
    }
}
