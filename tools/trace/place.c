/* Where in the source a call was made. */
#include "picture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CALLERS = 8,
       PLACES = 3 /* told of a call, from the inner one outwards */ };

/* The words of addr2line(1) for `FILE+0x12,0x34`; no shell, for somebody else
 * may have chosen the file's name. A call returns to what comes after it, be
 * that another line or function: one byte before is the call. */
static int addresses(char *caller, char *argv[], char text[CALLERS][24])
{
    char *at = strrchr(caller, '+');
    int n = 0;

    if (at == NULL)
        return 0;
    *at++ = '\0';
    for (char *end; n < CALLERS && *at != '\0'; n++) {
        snprintf(text[n], 24, "%llx", strtoull(at, &end, 16) - 1);
        argv[n] = text[n];
        at = *end == ',' ? end + 1 : end + strlen(end);
    }
    argv[n] = NULL;
    return n;
}

static FILE *start(char *const argv[], pid_t *pid)
{
    int p[2];

    if (pipe(p) == -1)
        return NULL;
    *pid = fork();
    if (*pid == 0) {
        dup2(p[1], 1);
        close(p[0]);
        close(2);
        execvp(argv[0], argv);
        _exit(127);
    }
    close(p[1]);
    if (*pid == -1)
        close(p[0]);
    return *pid == -1 ? NULL : fdopen(p[0], "r");
}

/* `/folder/server.c:41 (discriminator 2)`: a place in a program's own file?
 * The first one is where the call is, the next from where that was called. */
static bool take(char *line, struct place *at, int nth)
{
    char *colon, *name, *more = strstr(line, " (discriminator ");
    size_t n = strlen(at->where);

    line[strcspn(line, "\n")] = '\0';
    if (more != NULL)
        *more = '\0';
    colon = strrchr(line, ':');
    name = strrchr(line, '/');
    if (colon == NULL || colon - line < 3 || name == NULL || name > colon ||
        strncmp(colon - 2, ".c", 2) != 0 || strstr(line, "/lib/") != NULL ||
        strtol(colon + 1, NULL, 10) <= 0)
        return false;
    snprintf(at->where + n, sizeof at->where - n, "%s%.70s",
             nth == 0 ? "" : ", from ", name + 1);
    if (nth == 0) {
        at->line = strtol(colon + 1, NULL, 10);
        snprintf(at->file, sizeof at->file, "%.*s", (int)(colon - line), line);
    }
    return true;
}

static void read_source(struct place *at)
{
    FILE *f = fopen(at->file, "r");
    char text[sizeof at->source];

    at->source[0] = text[0] = '\0';
    for (long n = 0; f != NULL && n < at->line; n++)
        if (fgets(text, sizeof text, f) == NULL)
            text[0] = '\0';
    if (f != NULL)
        fclose(f);
    text[strcspn(text, "\n")] = '\0';
    snprintf(at->source, sizeof at->source, "%s", text + strspn(text, " \t"));
}

bool place_of(const struct event *e, struct place *at)
{
    char *caller = strdup(e->caller), line[600], text[CALLERS][24];
    char *argv[CALLERS + 4] = { "addr2line", "-ie", caller };
    int found = 0;
    pid_t pid = -1;
    FILE *f = NULL;

    at->where[0] = '\0';
    if (caller != NULL && addresses(caller, argv + 3, text) > 0)
        f = start(argv, &pid);
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        found += found < PLACES && take(line, at, found);
    if (f != NULL)
        fclose(f);
    while (pid > 0 && waitpid(pid, NULL, 0) == -1 && errno == EINTR)
        continue;
    free(caller);
    if (found > 0)
        read_source(at);
    return found > 0;
}
