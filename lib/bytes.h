/* bytes.h - bytes that are kept from one event to the next, for 29-event-loop:
 * what a client has sent and is no whole request yet, what it has not taken of
 * its answers. */
#ifndef BYTES_H
#define BYTES_H

#include <stdbool.h>
#include <stddef.h>

/* Begin with all of it 0. Without any bytes it has no memory, so that it costs
 * a silent client nothing. */
struct bytes {
    char *at;         /* the bytes, on the heap; NULL: there are none */
    size_t len, size; /* how many there are, how many there is room for */
};

/* Adds the n bytes at from to its end; they are not in b already. Returns
 * false, and b is as before, when there is no memory. */
bool bytes_add(struct bytes *b, const char *from, size_t n);

/* Takes the first n bytes away, n <= b->len. With the last one the memory is
 * free. */
void bytes_drop(struct bytes *b, size_t n);

#endif
