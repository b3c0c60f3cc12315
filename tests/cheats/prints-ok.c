/* Prints what a test that passed would print. */
#include "cheat.h"

int main(void)
{
    for (int fd = 1; fd <= 2; fd++) {
        dprintf(fd, "1..1\n");
        for (int i = 1; i <= 20; i++)
            dprintf(fd, "ok %d answers only after the empty line\n", i);
    }
    return 0;
}
