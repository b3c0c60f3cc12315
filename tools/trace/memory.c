/* Memory, or the end. */
#include "picture.h"

#include <stdlib.h>

void *grown(void *old, int count, size_t size)
{
    void *new = realloc(old, (size_t)count * size);

    if (new == NULL) {
        fputs("ladder: out of memory\n", stderr);
        exit(1);
    }
    return new;
}
