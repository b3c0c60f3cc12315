/* stretch.h - a program's C file beside the solution's: where they differ, and
 * what is there. */
#ifndef STRETCH_H
#define STRETCH_H

#include <stdbool.h>
#include <stddef.h>

struct source {
    char path[512];
    char **line; /* from 1 to lines */
    char **code; /* the same without comments and outer spaces */
    int *depth;  /* how many braces are open where it begins */
    int *first;  /* the first line of the function around it, or 0 */
    int lines;
};

/* A stretch of the program's lines that the solution has otherwise. Where only
 * the solution has some, it is the line before them, or the end of the gap. */
struct stretch {
    int from, to;
    char name[64]; /* outside of functions: what it defines; else "" */
    bool *heads;   /* the lines on which a block begins that holds it */
    bool marked;   /* the call that is marked is in it, and other lines are */
    int latest;    /* the step that went there last; -1: none, or forgotten */
};

/* Reads the file of s->path; false: it cannot, or it is too long. What it gives
 * is kept to the end, as all in this program. */
bool read_source(struct source *s);

/* Sets *list to the stretches in which a differs from b, in their order; returns
 * how many. Comments, empty lines and what is before and behind a line's words do
 * not count. heads, marked and latest are not set. */
int differences(const struct source *a, const struct source *b,
                struct stretch **list);

/* Is this word in the code, or these, `struct job`? */
bool has_word(const char *code, const char *word);

/* Are these lines in the same gap or, outside of gaps, the same function? */
bool in_one_room(const struct source *s, int line, int other);

/* `server.c:41-43 in text_length() (TODO 23.1)`. */
void put_place(char *out, size_t size, const struct source *s,
               const struct stretch *stretch);

#endif
