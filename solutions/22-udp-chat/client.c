/* client.c - the UDP chat client: one line is one message is one datagram.
 *
 * usage: client HOST PORT NAME
 *
 * Left out on purpose: a message that gets lost is not sent again, and a
 * server that has gone is noticed only where its machine says so.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net.h"

#define MAX_MESSAGE 1024 /* bytes */
#define MAX_NAME 32

/* The message that is being put together: "NAME: " and the line so far. */
struct draft {
    char text[MAX_MESSAGE];
    size_t start; /* of the line: behind "NAME: " */
    size_t len;
    bool too_long;
};

static bool is_control(char c)
{
    return (unsigned char)c < 32 || c == 127;
}

static bool is_name(const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; i < len; i++)
        if (is_control(name[i]))
            return false;
    return len >= 1 && len <= MAX_NAME;
}

/* socket(2) gives the lowest free descriptor: 1, if we were started with
 * stdout closed. Then what we print would go to the server, so fill 0, 1 and
 * 2 first. Read-only: writing to a closed stdout still fails. */
static void fill_standard_fds(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) != fd)
            die("open /dev/null:");
}

/* Returns the addresses that host has, IPv4 or IPv6, each with port in it.
 * Free the list with freeaddrinfo(3). */
static struct addrinfo *resolve(const char *host, const char *port)
{
    struct addrinfo hints = { .ai_family = AF_UNSPEC,
                              .ai_socktype = SOCK_DGRAM };
    struct addrinfo *list;
    int rc = getaddrinfo(host, port, &hints, &list);

    if (rc == EAI_SYSTEM)
        die("getaddrinfo %s:", host);
    if (rc != 0)
        die("getaddrinfo %s: %s", host, gai_strerror(rc));
    return list;
}

/* Sends a message. ECONNREFUSED is about one that was sent before, and this
 * one has not left yet (udp(7)): send it again. */
static void say(int fd, const char *message, size_t len)
{
    ssize_t nsent;

    do
        nsent = send(fd, message, len, 0);
    while (nsent < 0 && (errno == ECONNREFUSED || errno == EINTR));
    if (nsent < 0)
        warn("send a message:");
}

/* Returns a UDP socket whose peer is the address ai, or -1. */
static int open_socket(const struct addrinfo *ai)
{
    /* TODO 22.5: make the socket and set its peer.
     * Call socket(2) and connect(2), with what ai has in its ai_ fields. If
     * connect fails, close(2) the socket, with errno kept.
     * Trap: no datagram is sent here. For UDP connect(2) only notes the peer:
     * send(2) goes there, recv(2) takes nothing from others, and "nobody is
     * here" comes back as the error ECONNREFUSED.
     * Check: "The client says that NAME joined".
     */
    int fd = socket(ai->ai_family, ai->ai_socktype, ai->ai_protocol);

    if (fd >= 0 && connect(fd, ai->ai_addr, ai->ai_addrlen) < 0) {
        int err = errno;
        close(fd);
        errno = err;
        return -1;
    }
    return fd;
    /* END 22.5 */
}

/* Is it certain, after a tenth of a second, that nobody got the message? With
 * no events asked for, poll(2) wakes up for errors only. */
static bool was_refused(int fd)
{
    struct pollfd pfd = { .fd = fd };

    return poll(&pfd, 1, 100) > 0;
}

/* Says to the server that name joins. Returns the socket. A server may have
 * one of its name's addresses only, and a datagram is the only way to ask:
 * where one is refused and there is another, take that. */
static int join(const char *host, const char *port, const char *name)
{
    struct addrinfo *list = resolve(host, port);
    char hello[MAX_NAME + 16];
    int len = snprintf(hello, sizeof hello, "* %s joined", name);
    int fd = -1;

    for (struct addrinfo *ai = list; ai != NULL; ai = ai->ai_next) {
        if (fd >= 0)
            close(fd);
        fd = open_socket(ai);
        if (fd < 0)
            continue;
        say(fd, hello, (size_t)len);
        if (ai->ai_next == NULL || !was_refused(fd))
            break;
    }
    if (fd < 0)
        die("connect %s:%s:", host, port);
    freeaddrinfo(list);
    return fd;
}

/* Sends the line that has come to its end, and starts the next one. */
static void send_line(int fd, struct draft *draft)
{
    if (draft->too_long)
        warn("send a line: not sent, longer than %zu bytes",
             MAX_MESSAGE - draft->start);
    else
        say(fd, draft->text, draft->len);
    draft->len = draft->start;
    draft->too_long = false;
}

/* Takes the next byte of stdin: a part of the line, or its end. */
static void take_byte(int fd, struct draft *draft, char c)
{
    /* TODO 22.6: add c to the draft; at the end of the line, send it.
     * Call send_line(), above, for '\n'. Any other byte is the next one of
     * draft->text, and draft->len counts it.
     * Trap: if the text is full, the line is too_long. It is dropped as a
     * whole, at its end: the first 1024 bytes of a message are no message.
     * Check: "The client sends each line as NAME: LINE, and at the end an
     * empty datagram".
     */
    if (c == '\n')
        send_line(fd, draft);
    else if (draft->len == MAX_MESSAGE)
        draft->too_long = true;
    else
        draft->text[draft->len++] = c;
    /* END 22.6 */
}

/* Takes what was typed: lines, in whatever pieces they come. Returns false at
 * the end of stdin; a last line without its '\n' is one too. */
static bool read_keyboard(int fd, struct draft *draft)
{
    char buf[4096];
    ssize_t nread = read(STDIN_FILENO, buf, sizeof buf);

    if (nread < 0 && (errno == EINTR || errno == EAGAIN))
        return true;
    if (nread < 0)
        die("read stdin:");
    for (ssize_t i = 0; i < nread; i++)
        take_byte(fd, draft, buf[i]);
    if (nread == 0 && (draft->len > draft->start || draft->too_long))
        send_line(fd, draft);
    return nread > 0;
}

/* Takes a datagram and prints it as one line. A control character could move
 * the cursor, or paint a line that nobody sent: '?' stands for each. */
static void print_message(int fd)
{
    char buf[MAX_MESSAGE + 2];
    ssize_t nread = recv(fd, buf, MAX_MESSAGE + 1, 0);

    if (nread < 0) {
        if (errno != EINTR && errno != EAGAIN)
            warn("receive from the server:");
        return;
    }
    if (nread > MAX_MESSAGE) {
        warn("message from the server: dropped, too long");
        return;
    }
    for (ssize_t i = 0; i < nread; i++)
        if (is_control(buf[i]))
            buf[i] = '?';
    buf[nread] = '\n';
    if (writen(STDOUT_FILENO, buf, (size_t)nread + 1) < 0)
        die("write stdout:");
}

/* Sends what is typed and prints what comes, until the end of stdin. */
static void chat(int fd, const char *name)
{
    struct draft draft = { .too_long = false };
    bool more = true;

    draft.start = strlen(name) + 2;
    draft.len = draft.start;
    snprintf(draft.text, sizeof draft.text, "%s: ", name);
    while (more) {
        /* TODO 22.7: wait for the keyboard and the server at once.
         * Call poll(2) with two entries, STDIN_FILENO and fd, and POLLIN for
         * both. Then print_message() if fd has revents, and read_keyboard(),
         * which sets more, if stdin has.
         * Trap: read(2) on its own waits for the keyboard, and what the
         * others say waits behind it. Any revents count: the end of a pipe
         * may come as POLLHUP alone. poll may fail with EINTR.
         * Check: "A message is printed at once, while the keyboard is idle".
         */
        struct pollfd pfds[] = { { .fd = STDIN_FILENO, .events = POLLIN },
                                 { .fd = fd, .events = POLLIN } };
        if (poll(pfds, 2, -1) < 0) {
            if (errno == EINTR)
                continue;
            die("poll:");
        }
        if (pfds[1].revents != 0)
            print_message(fd);
        if (pfds[0].revents != 0)
            more = read_keyboard(fd, &draft);
        /* END 22.7 */
    }
}

/* Leaves the chat with an empty datagram, and prints what came before. */
static void leave(int fd)
{
    struct pollfd pfd = { .fd = fd, .events = POLLIN };

    say(fd, "", 0);
    while (poll(&pfd, 1, 0) > 0)
        print_message(fd);
    close(fd);
}

int main(int argc, char *argv[])
{
    prog = argv[0];
    if (argc != 4 || !is_port(argv[2]) || !is_name(argv[3]))
        usage(argv, "client HOST PORT NAME");

    fill_standard_fds();
    /* A closed stdout is then a failure of write(2), with a line. */
    on_signal(SIGPIPE, SIG_IGN, 0);

    int fd = join(argv[1], argv[2], argv[3]);
    chat(fd, argv[3]);
    leave(fd);
    return 0;
}
