/* Fills stdout and stderr without an end. */
#include "cheat.h"

int main(void)
{
    static char page[65536];

    memset(page, 'x', sizeof page);
    look_ready();
    for (;;)
        for (int fd = 1; fd <= 2; fd++)
            if (write(fd, page, sizeof page) == -1)
                _exit(0);
}
