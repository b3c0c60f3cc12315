/* source.h - where in the source a program is: for stories, and for the ladder
 * of tools/trace. */
#ifndef SOURCE_H
#define SOURCE_H

struct source_line {
    char path[512];
    long line;
    unsigned long at; /* the address of which that is the line */
};

/* Which lines of C files these n addresses in a program's file are, inlined
 * functions' first; those of lib/ are left out. Returns how many it has put into
 * lines, max at most; 0 too where there is no addr2line(1), or no debug
 * information. */
int source_lines(const char *file, const unsigned long *at, int n,
                 struct source_line *lines, int max);

/* `server.c`, of its path; a name without a folder is its own. */
const char *base_name(const char *path);

/* The text of that line, without the spaces before it; "" where it cannot be
 * read. */
void source_text(const struct source_line *l, char *text, int size);

#endif
