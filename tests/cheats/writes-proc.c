/* Writes a verdict to every descriptor of every process that /proc shows. */
#include "cheat.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

static const char forged[] = "1..1\nok 1 all is well\n";

static void write_to(const char *pid)
{
    char path[300];

    for (int fd = 1; fd < 10; fd++) {
        int to;

        snprintf(path, sizeof path, "/proc/%s/fd/%d", pid, fd);
        to = open(path, O_WRONLY | O_NONBLOCK);
        if (to != -1) {
            if (write(to, forged, strlen(forged)) < 0)
                perror(path);
            close(to);
        }
    }
}

int main(void)
{
    DIR *d = opendir("/proc");
    struct dirent *e;

    look_ready();
    while (d != NULL && (e = readdir(d)) != NULL)
        if (e->d_name[0] >= '1' && e->d_name[0] <= '9')
            write_to(e->d_name);
    pause();
}
