/* What the cheats share. Each is a program that would like to pass without
 * doing the work, or to hurt whoever checks it; none may pass, none may be
 * left behind, and no file of the checks may change. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* As if it listened: the checks shall find out. */
static inline void look_ready(void)
{
    dprintf(2, "Server launched, listening on port: 8080\n");
}
