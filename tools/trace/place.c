/* Where in the source a call was made. */
#include "picture.h"

#include <stdlib.h>
#include <string.h>

#include "../../tests/support/source.h"

enum { CALLERS = 8,
       PLACES = 3 /* told of a call, from the inner one outwards */ };

/* The addresses of `FILE+0x12,0x34`, and FILE's end. A call returns to what comes
 * after it, be that another line or function: one byte before is the call. */
static int addresses(char *caller, unsigned long at[CALLERS])
{
    char *plus = strrchr(caller, '+');
    int n = 0;

    if (plus == NULL)
        return 0;
    *plus++ = '\0';
    for (char *end; n < CALLERS && *plus != '\0'; n++) {
        at[n] = strtoul(plus, &end, 16) - 1;
        plus = *end == ',' ? end + 1 : end + strlen(end);
    }
    return n;
}

bool place_of(const struct event *e, struct place *p)
{
    char *caller = strdup(e->caller);
    unsigned long at[CALLERS];
    struct source_line lines[PLACES];
    int n = caller != NULL ? addresses(caller, at) : 0, found;

    found = source_lines(caller, at, n, lines, PLACES);
    p->where[0] = '\0';
    for (int i = 0; i < found; i++) {
        size_t used = strlen(p->where);

        snprintf(p->where + used, sizeof p->where - used, "%s%.40s:%ld",
                 i == 0 ? "" : ", from ", base_name(lines[i].path),
                 lines[i].line);
    }
    if (found > 0) {
        snprintf(p->path, sizeof p->path, "%s", lines[0].path);
        p->line = lines[0].line;
        source_text(&lines[0], p->source, sizeof p->source);
    }
    free(caller);
    return found > 0;
}
