/* Leaves a daemon behind, in a session of its own, deaf to signals. */
#include "cheat.h"

int main(void)
{
    look_ready();
    for (int i = 0; i < 3; i++)
        if (fork() == 0) {
            setsid();
            if (fork() > 0)
                _exit(0);
            for (int sig = 1; sig < 32; sig++)
                signal(sig, SIG_IGN);
            for (;;)
                pause();
        }
    return 0;
}
