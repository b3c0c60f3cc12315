/* net.h - the helpers that every program of the course shares.
 *
 * Each one is a step that you write by hand in an exercise first. From then
 * on you call it from here, and the program shows its own idea only.
 *
 * Rules that hold for all of them:
 * - They return, and main decides: nothing here prints or exits, but die(),
 *   warn() and usage(), whose work it is.
 * - -1 is a failure, with errno set as the system call set it. Functions with
 *   a `why` set it to a text for people, which belongs to the C library and
 *   holds until the next such call. Print that one and not errno, for a name
 *   that is not found has no errno. They are for set-up, before threads start.
 * - A call that a signal interrupts (EINTR) is made again or finished.
 * - A descriptor that is returned is yours: close(2) it. It is closed by
 *   execve(2) (FD_CLOEXEC), and it is never 0, 1 or 2: where a program was
 *   started with its stdout closed, nothing it prints can get to a peer.
 * - host is a name or a number, IPv4 or IPv6 ("localhost", "127.0.0.1",
 *   "::1"); NULL is this machine's loopback address. port is decimal digits;
 *   "0" lets the system pick a free one.
 */
#ifndef NET_H
#define NET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

/* ---- Messages and the command line ------------------------------------ */

/* The program's name in its messages. The first line of main sets it:
 * prog = argv[0]; the last part of that path is what is shown. */
extern const char *prog;

/* Prints `prog: MESSAGE` as one line on stderr, in one piece; what MESSAGE has
 * beyond 3071 bytes is left out. A format that ends in ':' gets the text of
 * errno after it:
 *     warn("read %s:", path);    ->  server: read data: Is a directory
 * errno is as before when it returns. Source: quark, warn(). */
void warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same, after what is left in stdout's buffer; then exit(1). For set-up
 * that failed: a client's failure never ends a server. Source: Stevens, UNP,
 * D.3 (err_sys); quark, die(). */
_Noreturn void die(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* Ends a program with a wrong command line: `usage: TEXT` on stderr, status
 * 2. With `--help` as the only argument: on stdout, status 0. argv is main's,
 * text is like "server [PORT [ADDRESS]]". */
_Noreturn void usage(char *const argv[], const char *text);

/* Is text a port: decimal digits only, 0 to 65535? (atoi(3) takes "80x" and
 * 70000, and getaddrinfo(3) "http".) */
bool is_port(const char *text);

/* ---- Pipes, bytes, lines ------------------------------------------------- */

/* Makes a pipe (pipe(2)): what is written to ends[1] is read from ends[0].
 * Returns 0, or -1 and there is none. */
int make_pipe(int ends[2]);

/* Reads n bytes from fd into buf: read(2) may return fewer at a time.
 * Returns how many came, fewer than n at the end of the input only; or -1.
 * Source: Stevens, UNP 3.9. */
ssize_t readn(int fd, void *buf, size_t n);

/* Writes the n bytes of buf to fd: write(2) may take fewer at a time.
 * Returns 0, or -1 with some of them written, nobody knows how many. With
 * SIGPIPE ignored, EPIPE says that the reader is gone. Source: Stevens, UNP
 * 3.9; 0 instead of n spares the caller a comparison. */
int writen(int fd, const void *buf, size_t n);

/* Reads lines from fd. Start with
 *     struct line_reader in = { .fd = fd };
 * and leave fd to it: it reads ahead. buf[pos] up to buf[end] is what it has
 * read and not handed out. The descriptor stays the caller's.
 * A read(2) waits for as long as it takes. Who will not wait so long sets wait:
 * it is called before each read(2), and returns 0 when there is something to
 * read, or -1, with which read_line() fails too. deadline is for wait alone. */
struct line_reader {
    int fd;
    int (*wait)(struct line_reader *in);
    long long deadline;
    size_t pos, end;
    char buf[4096];
};

/* Reads a line into line, which has room for size bytes: a line of size - 3,
 * its end (CR LF or a bare LF), and a '\0'.
 * Returns its length in bytes, the LF included: use it and not strlen(3), for
 * a line may hold NULs. Only the last line of the input may lack the LF. 0 at
 * the end of the input. -1 on failure; errno is EMSGSIZE for a longer line,
 * as soon as that is certain: what follows is still the same line.
 * Source: Stevens, UNP 3.9 (readline); Bryant and O'Hallaron, CS:APP 10.5
 * (rio_readlineb). */
ssize_t read_line(struct line_reader *in, char *line, size_t size);

/* ---- Sockets ------------------------------------------------------------ */

/* Makes a socket that listens on port of host: the first of host's addresses
 * that can be had. "::" is every address of this machine, IPv6 and IPv4.
 * SO_REUSEADDR is set (socket(7)): the port is free again as soon as its
 * last server has ended. Returns the descriptor, or -1 and *why.
 * Source: Stevens, UNP 11.13. */
int tcp_listen(const char *host, const char *port, const char **why);

/* Takes the next client of lfd; waits for one. *peer (sockaddr_storage is
 * wide enough for every family) and *len are set to its address.
 * Returns the descriptor, or -1. A client that left while it queued
 * (ECONNABORTED) is passed over. EMFILE and ENFILE, no descriptor left, are
 * the caller's: the client stays in the queue, so wait a little before the
 * next call. Source: accept(2); redis, anetGenericAccept(). */
int tcp_accept(int lfd, struct sockaddr_storage *peer, socklen_t *len);

/* Connects to port of host: every address of host is tried until one answers.
 * Returns the descriptor, or -1 and *why of the last one.
 * Source: Stevens, UNP 11.12. */
int tcp_connect(const char *host, const char *port, const char **why);

/* Makes a UDP socket with port of host as its own address, as tcp_listen. It
 * is not connected: recvfrom(2) says who sent. Returns the descriptor, or -1
 * and *why. Source: Stevens, UNP 11.16 (udp_server). */
int udp_bind(const char *host, const char *port, const char **why);

/* Room for every text of addr_str. */
#define ADDR_STR_MAX 128

/* Writes an address as text into buf: "127.0.0.1:8080", "[::1]:8080",
 * "unix:/path". Returns buf, which is yours, so that threads do not meet in
 * it. Never asks a name server. Source: Stevens, UNP 3.8 (sock_ntop). */
const char *addr_str(const struct sockaddr *sa, socklen_t len,
                     char buf[ADDR_STR_MAX]);

/* Returns the port that fd has on this side, in host byte order, or -1: what
 * the system picked for "0". Source: Stevens, UNP 3.8 (sock_get_port). */
int sock_port(int fd);

/* ---- Signals ------------------------------------------------------------ */

/* Has fn called at each signal sig; fn may be SIG_IGN or SIG_DFL. flags:
 * SA_RESTART lets an interrupted call go on by itself, 0 has it fail with
 * EINTR (sigaction(2)). Returns 0 or -1. Source: Stevens, UNP 5.8. */
int on_signal(int sig, void (*fn)(int), int flags);

#endif
