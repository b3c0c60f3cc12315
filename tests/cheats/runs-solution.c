/* Runs the solution, if it has been built. */
#include "cheat.h"

int main(int argc, char *argv[])
{
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 64);
    char *build;

    path[n > 0 && argc > 0 ? n : 0] = '\0';
    build = strstr(path, "/build/");
    if (build != NULL)
        strcpy(build, "/build/solutions/23-http-server/server");
    execv(path, argv);
    look_ready();
    return 1;
}
