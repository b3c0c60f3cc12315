/* Where a program's file differs from the solution's, by words and not by spaces
 * and comments. */
#include "stretch.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../tests/support/source.h"
#include "picture.h"

enum { MOST_LINES = 3000 };

/* In two, so that who searches for what is left to do finds gaps alone. */
#define GAP "TO" \
            "DO"
#define BEGIN "/* " GAP " "

/* ---- a C file, and the lines in which it differs ---- */

/* What a line of C goes on from. */
struct reader {
    bool comment;
    bool directive; /* the line before ends in a backslash */
    int depth;  /* of braces */
    int branch; /* the same at the last #if */
};

/* How long is the string, or the character, that text begins with? Else 1. */
static size_t piece_length(const char *text)
{
    size_t n = 1;

    if (text[0] != '"' && text[0] != '\'')
        return 1;
    while (text[n] != '\0' && text[n] != text[0])
        n += text[n] == '\\' && text[n + 1] != '\0' ? 2 : 1;
    return text[n] == '\0' ? n : n + 1;
}

/* Takes the comments out of a line; counts its braces, but a directive's. */
static void strip(char *to, const char *line, struct reader *r)
{
    char *end = to;

    for (size_t n; *line != '\0'; line += n) {
        n = strncmp(line, r->comment ? "*/" : "/*", 2) == 0 ? 2 : 1;
        if (n == 2)
            r->comment = !r->comment;
        else if (!r->comment && strncmp(line, "//", 2) == 0)
            break;
        else if (!r->comment && (end > to || !isspace((unsigned char)*line))) {
            n = piece_length(line);
            memcpy(end, line, n);
            end += n;
            if (to[0] != '#' && !r->directive)
                r->depth += (*line == '{') - (*line == '}');
        }
    }
    while (end > to && isspace((unsigned char)end[-1]))
        end--;
    *end = '\0';
    r->directive = (to[0] == '#' || r->directive) && end > to &&
                   end[-1] == '\\';
}

/* Of `#if`, `#else` one branch alone is compiled: both open the same braces. */
static void see_branch(const char *code, struct reader *r)
{
    if (strncmp(code, "#if", 3) == 0)
        r->branch = r->depth;
    else if (strncmp(code, "#el", 3) == 0)
        r->depth = r->branch;
}

static void add_text(struct source *s, const char *text, size_t n,
                     struct reader *r)
{
    int line = ++s->lines;

    s->line[line] = memcpy(grown(NULL, (int)n + 1, 1), text, n + 1);
    s->code[line] = grown(NULL, (int)n + 1, 1);
    s->depth[line] = r->depth;
    strip(s->code[line], text, r);
    see_branch(s->code[line], r);
    s->depth[line + 1] = r->depth;
}

static size_t word_length(const char *text)
{
    size_t n = 0;

    while (isalnum((unsigned char)text[n]) || text[n] == '_')
        n++;
    return n;
}

/* Does a function begin on this line, that of its name? Of prototypes and of
 * what else is outside of functions, `;` or `=` comes before `{`, or no `(`. */
static bool begins_function(const struct source *s, int line)
{
    const char *code = s->code[line];

    if (s->depth[line] > 0 || word_length(code) == 0 ||
        strcspn(code, "(") >= strcspn(code, "{;="))
        return false;
    for (; line <= s->lines; line++)
        if ((code = strpbrk(s->code[line], "{;=")) != NULL)
            return *code == '{';
    return false;
}

static void find_functions(struct source *s)
{
    int first = 0;

    for (int i = 1; i <= s->lines; i++) {
        if (begins_function(s, i))
            first = i;
        s->first[i] = first;
        if (s->depth[i + 1] == 0 && strchr(s->code[i], '}') != NULL)
            first = 0;
    }
}

static void make_room(struct source *s)
{
    s->line = grown(NULL, MOST_LINES + 2, sizeof *s->line);
    s->code = grown(NULL, MOST_LINES + 2, sizeof *s->code);
    s->depth = grown(NULL, MOST_LINES + 2, sizeof *s->depth);
    s->first = grown(NULL, MOST_LINES + 2, sizeof *s->first);
    s->lines = 0;
}

bool read_source(struct source *s)
{
    FILE *f = fopen(s->path, "r");
    char *text = NULL;
    size_t room = 0;
    struct reader r = { .comment = false };
    ssize_t n;

    make_room(s);
    while (f != NULL && s->lines < MOST_LINES &&
           (n = getline(&text, &room, f)) >= 0)
        add_text(s, text, (size_t)n, &r);
    free(text);
    if (f != NULL)
        fclose(f);
    find_functions(s);
    return s->lines > 0 && s->lines < MOST_LINES;
}

/* How many lines the files have in common from line i of a and line k of b on:
 * the longest common subsequence. Lines without code are nowhere. Of the rest
 * without a's line (down) and that without b's (right) the longer one counts;
 * where they are as long, ours_is_next() says which way the walk goes. */
static unsigned short *common_lines(const struct source *a,
                                    const struct source *b)
{
    int width = b->lines + 2;
    unsigned short *most = grown(NULL, (a->lines + 2) * width, sizeof *most);

    memset(most, 0, (size_t)((a->lines + 2) * width) * sizeof *most);
    for (int i = a->lines; i > 0; i--)
        for (int k = b->lines; k > 0; k--) {
            unsigned short *here = &most[i * width + k];
            unsigned short down = here[width], right = here[1];

            *here = down > right ? down : right;
            if (a->code[i][0] != '\0' && strcmp(a->code[i], b->code[k]) == 0 &&
                here[width + 1] + 1 > *here)
                *here = (unsigned short)(here[width + 1] + 1);
        }
    return most;
}

/* ---- where a line is ---- */

bool has_word(const char *code, const char *word)
{
    size_t n = strlen(word);

    for (const char *at = code; (at = strstr(at, word)) != NULL; at += n)
        if ((at == code || word_length(at - 1) == 0) &&
            word_length(at + n) == 0)
            return true;
    return false;
}

/* The word that ends there, or before it. */
static const char *word_before(const char *code, const char *end)
{
    while (end > code && word_length(end - 1) == 0)
        end--;
    while (end > code && word_length(end - 1) > 0)
        end--;
    return end;
}

/* Of the words that stand before a declaration's name. */
static bool is_keyword(const char *word)
{
    static const char *const words[] = {
        "static", "extern", "inline", "const", "volatile", "typedef", "struct",
        "union", "enum", "void", "char", "short", "int", "long", "float",
        "double", "signed", "unsigned", "bool", "_Bool", "_Noreturn", "_Atomic",
        "_Thread_local", "_Static_assert", "__attribute__", "sizeof"
    };
    size_t n = word_length(word);

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i]) == n && strncmp(word, words[i], n) == 0)
            return true;
    return n == 0;
}

/* The name that a line declares: the word before a value, a size, parameters;
 * `handler` of `int (*handler)(int);`. "": it has none. */
static const char *declared(const char *code)
{
    const char *end = code[0] == '#' ? NULL : code;

    for (; end != NULL && (end = strpbrk(end, "=[;,(")) != NULL; end++) {
        const char *word = word_before(code, end);

        if (!is_keyword(word))
            return word;
        if (strncmp(end, "(*", 2) == 0 && !is_keyword(end + 2))
            return end + 2;
    }
    return "";
}

/* `text_length()`, of the function that begins there. */
static void put_name(char *out, size_t size, const char *code)
{
    const char *name = declared(code);

    snprintf(out, size, "%.*s()", (int)word_length(name), name);
}

static void put_gap(char *out, size_t size, const struct source *s, int line)
{
    int first = s->first[line];

    out[0] = '\0';
    for (int i = line; i >= first && i > 0; i--) {
        const char *gap = strstr(s->line[i], BEGIN);

        if (i < line && strstr(s->line[i], "/* END ") != NULL)
            return;
        if (gap != NULL) {
            gap += strlen(BEGIN);
            snprintf(out, size, " (" GAP " %.*s)",
                     (int)strspn(gap, "0123456789."), gap);
            return;
        }
    }
}

/* How long is the `struct job` that code begins with, where that is defined?
 * The same of a union and an enum; else 0. */
static size_t tag_length(const char *code)
{
    static const char *const kinds[] = { "struct ", "union ", "enum " };

    for (int i = 0; i < 3; i++) {
        size_t n = strlen(kinds[i]), tag;
        const char *rest;

        if (strncmp(code, kinds[i], n) != 0)
            continue;
        tag = word_length(code + n);
        rest = code + n + tag;
        rest += strspn(rest, " ");
        return tag > 0 && (*rest == '\0' || *rest == '{') ? n + tag : 0;
    }
    return 0;
}

/* What a line outside of functions defines, or is a part of: `MAX` of
 * `#define MAX 9`, `struct job`, of a typedef's lines the name at its end. */
static void put_defined(char *out, size_t size, const struct source *s,
                        int line)
{
    int first = line, last = line;
    const char *name = s->code[line];
    size_t n = 0;

    while (first > 1 && (s->depth[first] > 0 || s->code[first][0] == '{'))
        first--;
    while (last < s->lines && s->depth[last + 1] > 0)
        last++;
    if (strncmp(name, "#define ", 8) == 0)
        name += 8;
    else if (first == line || !has_word(s->code[first], "enum")) {
        name = s->code[first];
        n = tag_length(name);
        if (n == 0 && *(name = declared(name)) == '\0')
            name = declared(s->code[last]);
    }
    snprintf(out, size, "%.*s", (int)(n > 0 ? n : word_length(name)), name);
}

/* Names those that are in no function. */
static void name_outer(const struct source *s, struct stretch *list, int n)
{
    for (int i = 0; i < n; i++)
        if (s->first[list[i].from] == 0)
            put_defined(list[i].name, sizeof list[i].name, s, list[i].from);
}

/* ---- the stretches ---- */

/* Both files, the next line of each, and what was found so far. */
struct walk {
    const struct source *a, *b;
    const unsigned short *most; /* of common_lines() */
    int i, k;
    struct stretch *list;
    int n;
    int last; /* the line from which a stretch may go on; 0: none */
};

/* A stretch does not go on from one function into another. */
static void add_line(struct walk *w, int line)
{
    if (w->last > 0 && line <= w->last + 1 && w->a->first[line] != line) {
        struct stretch *stretch = &w->list[w->n - 1];

        stretch->to = line > stretch->to ? line : stretch->to;
    } else {
        w->list = grown(w->list, w->n + 1, sizeof *w->list);
        w->list[w->n++] = (struct stretch){ .from = line, .to = line };
    }
    w->last = line;
}

/* Where are lines missing that should be before this one? In the empty gap that
 * is there, or else behind the line of code before. */
static int where_missing(const struct source *s, int line)
{
    int before = line - 1;

    while (before > 1 && s->code[before][0] == '\0' &&
           strstr(s->line[before], "/* END ") == NULL)
        before--;
    return before > 0 ? before : 1;
}

/* A line without code, which ends no stretch. */
static bool skip_empty(struct walk *w)
{
    if (w->i <= w->a->lines && w->a->code[w->i][0] == '\0') {
        w->last = w->last > 0 && w->last == w->i - 1 ? w->i : 0;
        w->i++;
        return true;
    }
    if (w->k <= w->b->lines && w->b->code[w->k][0] == '\0') {
        w->k++;
        return true;
    }
    return false;
}

static bool is_same(const struct walk *w)
{
    return w->i <= w->a->lines && w->k <= w->b->lines &&
           strcmp(w->a->code[w->i], w->b->code[w->k]) == 0;
}

/* Is a's line the one that b has not, or otherwise? Where either could go, a's
 * goes first: it stands in the place of b's, of which none is missing then. */
static bool ours_is_next(const struct walk *w)
{
    int width = w->b->lines + 2;

    if (w->i > w->a->lines || w->k > w->b->lines)
        return w->i <= w->a->lines;
    return w->most[(w->i + 1) * width + w->k] >=
           w->most[w->i * width + w->k + 1];
}

int differences(const struct source *a, const struct source *b,
                struct stretch **list)
{
    unsigned short *most = common_lines(a, b);
    struct walk w = { .a = a, .b = b, .most = most, .i = 1, .k = 1 };

    while (w.i <= a->lines || w.k <= b->lines)
        if (skip_empty(&w))
            continue;
        else if (is_same(&w)) {
            w.last = 0;
            w.i++;
            w.k++;
        } else if (ours_is_next(&w))
            add_line(&w, w.i++);
        else {
            if (w.last == 0)
                add_line(&w, where_missing(a, w.i));
            w.k++;
        }
    free(most);
    name_outer(a, w.list, w.n);
    *list = w.list;
    return w.n;
}

bool in_one_room(const struct source *s, int line, int other)
{
    char one[32], two[32];

    put_gap(one, sizeof one, s, line);
    put_gap(two, sizeof two, s, other);
    return strcmp(one, two) == 0 &&
           (one[0] != '\0' || (s->first[line] > 0 &&
                               s->first[line] == s->first[other]));
}

void put_place(char *out, size_t size, const struct source *s,
               const struct stretch *stretch)
{
    int first = s->first[stretch->from];
    char name[80] = "", gap[32], to[16] = "";

    put_gap(gap, sizeof gap, s, stretch->from);
    if (first > 0 && stretch->name[0] == '\0')
        put_name(name, sizeof name, s->code[first]);
    else
        snprintf(name, sizeof name, "%s", stretch->name);
    if (stretch->to > stretch->from)
        snprintf(to, sizeof to, "-%d", stretch->to);
    snprintf(out, size, "%.40s:%d%s in %s%s", base_name(s->path),
             stretch->from, to, name, gap);
}
