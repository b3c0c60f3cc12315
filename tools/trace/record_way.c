/* Which way a thread went through its program's own code since its last event:
 * the heads of basic blocks, in the order in which it came to them first. Only a
 * program tells it that was built for that (linked/way.c). */
#include "record.h"

static __thread __attribute__((tls_model("initial-exec"))) struct {
    uintptr_t at[WAY_MAX];
    int n;
} way;

/* Called at the head of each block: where many lie between two events, the
 * first ones are forgotten. */
void ladder_way(uintptr_t at)
{
    for (int i = way.n; i > 0; i--)
        if (way.at[i - 1] == at)
            return;
    if (way.n == WAY_MAX) {
        way.n--;
        for (int i = 0; i < way.n; i++)
            way.at[i] = way.at[i + 1];
    }
    way.at[way.n++] = at;
}

void put_way(struct text *t)
{
    put(t, '\t');
    if (way.n == 0)
        put(t, '-');
    for (int i = 0; i < way.n; i++) {
        put_text(t, i == 0 ? "0x" : ",0x");
        put_hex(t, code_offset(way.at[i]));
    }
    way.n = 0;
}
