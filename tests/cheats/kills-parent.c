/* Kills its parent, its grandparents, its group, then everybody. */
#include "cheat.h"

static pid_t parent_of(pid_t pid)
{
    char path[64], line[512], *p;
    FILE *f;
    int parent = 0;

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    f = fopen(path, "r");
    if (f != NULL && fgets(line, sizeof line, f) != NULL
        && (p = strrchr(line, ')')) != NULL)
        sscanf(p + 3, "%d", &parent);
    if (f != NULL)
        fclose(f);
    return parent;
}

int main(void)
{
    pid_t pid = parent_of(getpid());

    look_ready();
    for (int i = 0; i < 3 && pid > 1; i++) {
        pid_t next = parent_of(pid);

        kill(pid, SIGKILL);
        pid = next;
    }
    if (getppid() > 1)
        kill(getppid(), SIGKILL);
    signal(SIGTERM, SIG_IGN);
    kill(-1, SIGKILL);
    return 0;
}
