/* server.c - an echo server with a thread for each client, and one that waits
 * for the signals with sigwait(3) and removes the file. It asks whether a
 * server lives before anything else, and waits a second for that.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static struct sockaddr_un at = { .sun_family = AF_UNIX };
static struct stat made;
static sigset_t ends;

static _Noreturn void give_up(const char *what)
{
    fprintf(stderr, "server: %s %s: %s\n", what, at.sun_path, strerror(errno));
    exit(1);
}

static void *wait_for_the_end(void *unused)
{
    struct stat there;
    int sig;

    (void)unused;
    sigwait(&ends, &sig);
    if (stat(at.sun_path, &there) == 0 && there.st_ino == made.st_ino)
        remove(at.sun_path);
    _exit(128 + sig);
}

static void *client(void *arg)
{
    int fd = (int)(intptr_t)arg;
    char buf[65536];
    ssize_t n, done, k;

    while ((n = read(fd, buf, sizeof buf)) > 0 ||
           (n == -1 && errno == EINTR))
        for (done = 0; done < n; done += k) {
            k = write(fd, buf + done, (size_t)(n - done));
            if (k == -1 && errno != EINTR)
                goto gone;
            if (k == -1)
                k = 0;
        }
gone:
    close(fd);
    return NULL;
}

static void look_around(int fd)
{
    struct timeval second = { .tv_sec = 1 };
    struct stat st;

    if (lstat(at.sun_path, &st) == -1)
        return;
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &second, sizeof second);
    errno = EEXIST;
    if (!S_ISSOCK(st.st_mode) ||
        connect(fd, (struct sockaddr *)&at, sizeof at) == 0 ||
        errno != ECONNREFUSED)
        give_up("somebody is at");
    unlink(at.sun_path);
}

int main(int argc, char *argv[])
{
    pthread_t thread;
    pthread_attr_t detached;
    struct ucred who;
    socklen_t len;

    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        printf("usage: server PATH\n");
        return 0;
    }
    if (argc != 2 || *argv[1] == 0 || strlen(argv[1]) >= sizeof at.sun_path) {
        fprintf(stderr, "usage: server PATH\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    strcpy(at.sun_path, argv[1]);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &ends, NULL);
    look_around(socket(AF_UNIX, SOCK_STREAM, 0));
    int lfd = socket(AF_UNIX, SOCK_STREAM, 0);
    umask(0177);
    if (bind(lfd, (struct sockaddr *)&at, sizeof at) || listen(lfd, 100))
        give_up("listen on");
    stat(at.sun_path, &made);
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&detached, 1 << 17);
    pthread_create(&thread, &detached, wait_for_the_end, NULL);
    fprintf(stderr, "Server launched, listening on: %s\n", argv[1]);
    for (;;) {
        int fd = accept(lfd, NULL, NULL);
        if (fd == -1) {
            nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
            continue;
        }
        len = sizeof who;
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len);
        fprintf(stderr, "New client connected: pid %ld, uid %ld\n",
                (long)who.pid, (long)who.uid);
        if (pthread_create(&thread, &detached, client, (void *)(intptr_t)fd))
            close(fd);
    }
}
