/* Two processes: the child prints what comes, the parent sends what is typed,
 * with stdio, a character at a time; it ends the child at the end. */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int sock = -1;

/* The child ends only if it cannot print, and has said so. */
static void child_ended(int sig)
{
    (void)sig;
    _exit(1);
}

static void open_socket(const char *host, const char *port)
{
    struct addrinfo hints = { .ai_socktype = SOCK_DGRAM }, *list, *ai;
    int rc = getaddrinfo(host, port, &hints, &list);

    if (rc != 0) {
        fprintf(stderr, "client: name %s: %s\n", host, gai_strerror(rc));
        exit(1);
    }
    for (ai = list; ai != NULL; ai = ai->ai_next) {
        sock = socket(ai->ai_family, ai->ai_socktype, ai->ai_protocol);
        if (sock >= 0 && connect(sock, ai->ai_addr, ai->ai_addrlen) == 0)
            break;
    }
    if (ai == NULL) {
        fprintf(stderr, "client: socket: %s\n", strerror(errno));
        exit(1);
    }
    freeaddrinfo(list);
}

static _Noreturn void print_all(void)
{
    char buf[1024];

    for (;;) {
        ssize_t n = read(sock, buf, sizeof buf), done = 0, k;

        if (n < 0)
            continue;
        for (ssize_t i = 0; i < n; i++)
            if ((buf[i] >= 0 && buf[i] < ' ') || buf[i] == 0x7f)
                buf[i] = '?';
        for (; done < n; done += k)
            if ((k = write(1, buf + done, (size_t)(n - done))) < 0)
                break;
        if (done < n || write(1, "\n", 1) != 1) {
            fprintf(stderr, "client: write: %s\n", strerror(errno));
            _exit(1);
        }
    }
}

static void read_all(const char *name)
{
    char message[1200];
    const size_t start = (size_t)sprintf(message, "%s: ", name);
    size_t n = start;
    int c, fresh = 1;

    while ((c = getchar()) != EOF || !fresh) {
        if (c == '\n' || c == EOF) {
            if (n > 1024)
                fputs("client: the line is too long\n", stderr);
            else
                (void)send(sock, message, n, 0);
            n = start;
            fresh = 1;
        } else {
            fresh = 0;
            if (n <= 1024)
                message[n++] = (char)c;
        }
        if (c == EOF)
            break;
    }
}

int main(int argc, char *argv[])
{
    char *end;
    size_t len = argc == 4 ? strlen(argv[3]) : 0;
    pid_t child;
    int help = argc == 2 && strcmp(argv[1], "--help") == 0;
    int wrong = argc != 4 || len < 1 || len > 32;

    for (size_t i = 0; i < len; i++)
        wrong |= (unsigned char)argv[3][i] < 32 || argv[3][i] == 127;
    if (!wrong)
        wrong = argv[2][0] < '0' || argv[2][0] > '9' ||
                strtoul(argv[2], &end, 10) > 65535 || *end != '\0';
    if (wrong) {
        fprintf(help ? stdout : stderr, "usage: client HOST PORT NAME\n");
        return help ? 0 : 2;
    }
    open_socket(argv[1], argv[2]);
    dprintf(sock, "* %s joined", argv[3]);
    signal(SIGCHLD, child_ended);
    child = fork();
    if (child == 0)
        print_all();
    if (child < 0) {
        perror("client: fork");
        return 1;
    }
    read_all(argv[3]);
    (void)send(sock, NULL, 0, 0);
    signal(SIGCHLD, SIG_DFL);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    return 0;
}
