/* bytes.c - the functions of bytes.h, which says what each one does. */
#include "bytes.h"

#include <stdlib.h>
#include <string.h>

bool bytes_add(struct bytes *b, const char *from, size_t n)
{
    if (n == 0)
        return true;
    if (b->size - b->len < n) {
        size_t size = b->len + n < 512 ? 512 : (b->len + n) * 3 / 2;
        char *at = realloc(b->at, size);
        if (at == NULL)
            return false;
        b->at = at;
        b->size = size;
    }
    memcpy(b->at + b->len, from, n);
    b->len += n;
    return true;
}

void bytes_drop(struct bytes *b, size_t n)
{
    b->len -= n;
    if (b->len > 0) {
        memmove(b->at, b->at + n, b->len);
        return;
    }
    free(b->at);
    *b = (struct bytes){ NULL, 0, 0 };
}
