/* Forks as fast as it can, each in a session of its own. */
#include "cheat.h"

int main(void)
{
    look_ready();
    for (;;)
        if (fork() == 0)
            setsid();
}
