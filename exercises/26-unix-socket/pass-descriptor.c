/* pass-descriptor.c - one process opens a file, another one reads it.
 *
 * usage: pass-descriptor FILE
 *
 * The parent opens FILE and passes the descriptor to its child, which is never
 * told the name and prints what is in it. So may a process with rights open
 * what one without them works on: a server its port, a browser a download. No
 * gap here: read it, run it, change it.
 *
 * Left out on purpose: several descriptors in one message, which need no more
 * than a longer array in the control message.
 */
#define _GNU_SOURCE /* CMSG_SPACE, cmsg(3) */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net.h"

/* Room for a control message with one descriptor, aligned as its head needs
 * it (cmsg(3)): an array of char may begin anywhere. */
union control {
    struct cmsghdr head;
    char space[CMSG_SPACE(sizeof(int))];
};

/* Passes fd to who reads at the other end of to, a Unix domain socket. Returns
 * 0 or -1. The descriptor stays the caller's: on its way, and there, it is a
 * copy, as from dup(2). */
static int send_fd(int to, int fd)
{
    union control control = { .space = { 0 } };
    char byte = 0; /* Linux carries no control message without data */
    struct iovec data = { .iov_base = &byte, .iov_len = 1 };
    struct msghdr msg = { .msg_iov = &data,
                          .msg_iovlen = 1,
                          .msg_control = control.space,
                          .msg_controllen = sizeof control.space };
    struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
    ssize_t nsent;

    cmsg->cmsg_level = SOL_SOCKET;
    cmsg->cmsg_type = SCM_RIGHTS;
    cmsg->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(cmsg), &fd, sizeof fd);
    do
        nsent = sendmsg(to, &msg, 0);
    while (nsent < 0 && errno == EINTR);
    return nsent == 1 ? 0 : -1;
}

/* Waits for a descriptor from the other end of from. Returns it, and it is the
 * caller's to close; or -1, where the other end closed or sent something else.
 * (From a stranger count them, and close those that nobody asked for; what the
 * control message had no room for, MSG_CTRUNC, the kernel has closed.) */
static int receive_fd(int from)
{
    union control control = { .space = { 0 } };
    char byte;
    struct iovec data = { .iov_base = &byte, .iov_len = 1 };
    struct msghdr msg = { .msg_iov = &data,
                          .msg_iovlen = 1,
                          .msg_control = control.space,
                          .msg_controllen = sizeof control.space };
    ssize_t nread;
    int fd;

    do
        nread = recvmsg(from, &msg, 0);
    while (nread < 0 && errno == EINTR);
    struct cmsghdr *cmsg = nread == 1 ? CMSG_FIRSTHDR(&msg) : NULL;
    if (cmsg == NULL || cmsg->cmsg_level != SOL_SOCKET ||
        cmsg->cmsg_type != SCM_RIGHTS ||
        cmsg->cmsg_len != CMSG_LEN(sizeof fd))
        return -1;
    memcpy(&fd, CMSG_DATA(cmsg), sizeof fd);
    return fd;
}

/* The child: prints the file that it gets through sock. Returns its status. */
static int print_received(int sock)
{
    char buf[4096];
    ssize_t nread;
    int fd = receive_fd(sock);

    if (fd < 0)
        return 1; /* the parent has said why */
    fprintf(stderr, "child %ld: it came as descriptor %d\n", (long)getpid(),
            fd);
    while ((nread = read(fd, buf, sizeof buf)) != 0) {
        if (nread < 0 && errno == EINTR)
            continue;
        if (nread < 0)
            die("read descriptor %d:", fd);
        if (writen(STDOUT_FILENO, buf, (size_t)nread) < 0)
            die("write stdout:");
    }
    return 0;
}

/* The parent: opens path and passes it through sock. */
static void open_and_pass(const char *path, int sock)
{
    int fd = open(path, O_RDONLY);

    if (fd < 0) {
        warn("open %s:", path);
        return;
    }
    fprintf(stderr, "parent %ld: %s is descriptor %d\n", (long)getpid(), path,
            fd);
    if (send_fd(sock, fd) < 0)
        warn("sendmsg:");
    close(fd); /* the child has its own */
}

int main(int argc, char *argv[])
{
    int pair[2], status;

    prog = argv[0];
    if (argc != 2 || strcmp(argv[1], "--help") == 0)
        usage(argv, "pass-descriptor FILE");

    on_signal(SIGPIPE, SIG_IGN, 0);
    /* socketpair(2): two sockets, connected to each other, without a name. */
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
        die("socketpair:");
    pid_t child = fork();
    if (child < 0)
        die("fork:");
    if (child == 0) {
        close(pair[0]); /* or we would wait for ourselves */
        return print_received(pair[1]);
    }
    close(pair[1]);
    open_and_pass(argv[1], pair[0]);
    close(pair[0]);
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            die("waitpid:");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
