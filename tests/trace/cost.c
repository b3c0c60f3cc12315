/* cost.c - what the recorder costs: microseconds for one call, on the wall
 * and of the processor; the second says more where something else runs too.
 * `tools/bench recorder` runs it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CALLS = 100000 };

static double now(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* One byte there and back, so that no call waits. */
static void measure(const char *what, int in, int out)
{
    char c = 'x';
    double wall = now(CLOCK_MONOTONIC);
    double cpu = now(CLOCK_PROCESS_CPUTIME_ID);

    for (int i = 0; i < CALLS / 2; i++)
        if (write(out, &c, 1) != 1 || read(in, &c, 1) != 1)
            return;
    printf("%-26s %6.2f us a call, processor %6.2f us\n", what,
           (now(CLOCK_MONOTONIC) - wall) / CALLS,
           (now(CLOCK_PROCESS_CPUTIME_ID) - cpu) / CALLS);
}

int main(void)
{
    int s[2], n[2], p[2];
    int null = open("/dev/null", O_RDWR), zero = open("/dev/zero", O_RDWR);

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, s) < 0 || pipe(p) < 0 ||
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, n) < 0)
        return 1;
    measure("socket", s[0], s[1]);
    measure("socket, non-blocking", n[0], n[1]);
    measure("pipe", p[0], p[1]);
    measure("a file (never recorded)", zero, null);
    return 0;
}
