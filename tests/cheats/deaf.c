/* Ignores every signal that can be ignored, and never ends. */
#include "cheat.h"

int main(void)
{
    for (int sig = 1; sig < 65; sig++)
        signal(sig, SIG_IGN);
    look_ready();
    for (;;)
        pause();
}
