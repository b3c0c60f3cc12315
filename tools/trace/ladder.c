/* ladder: draws the events of a run (README.md has their format).
 *
 * usage: ladder [-t | -s | -h | -m] [-a] [-c] [-q] [-w COLUMNS] [-l ROWS]
 *               [-n TITLE] [-f STEP [-d EVENTS]] [FILE]
 *
 * -t text (the default), -s SVG, -h HTML, -m Mermaid; -a ASCII alone, -c with
 * colour, -q without what differs each time (pids, in SVG times), -w how wide
 * the text may be (80), -l how many rows, the last ones. -f: of a check that
 * failed at STEP; says the cause, where it is known, and marks the call; EVENTS
 * are those of a right program. Exit status: 0; 1: FILE cannot be read; 2:
 * usage; 3: nothing was recorded. */
#include "picture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct options {
    char kind;
    struct style style;
    bool numbered;
    const char *title, *step, *right;
};

static int usage(void)
{
    fputs("usage: ladder [-t | -s | -h | -m] [-a] [-c] [-q] [-w COLUMNS] "
          "[-l ROWS] [-n TITLE] [-f STEP [-d EVENTS]] [FILE]\n",
          stderr);
    return 2;
}

static bool read_options(int argc, char *argv[], struct options *o)
{
    int c;

    while ((c = getopt(argc, argv, "tshmacqw:n:l:f:d:")) != -1)
        if (strchr("tshm", c) != NULL)
            o->kind = (char)c;
        else if (c == 'a')
            o->style.ascii = true;
        else if (c == 'q')
            o->numbered = true;
        else if (c == 'c')
            o->style.colour = true;
        else if (c == 'l')
            o->style.limit = atoi(optarg);
        else if (c == 'n')
            o->title = optarg;
        else if (c == 'f')
            o->step = optarg;
        else if (c == 'd')
            o->right = optarg;
        else if (c != 'w' || (o->style.width = atoi(optarg)) < 60 ||
                 o->style.width > 1000)
            return false;
    return argc - optind <= 1;
}

static void draw(struct picture *p, const struct options *o)
{
    switch (o->kind) {
    case 's':
        draw_svg(p, stdout, o->numbered);
        break;
    case 'h':
        draw_html(p, stdout, o->title);
        break;
    case 'm':
        draw_mermaid(p, stdout);
        break;
    default:
        if (o->style.limit == 0 && fits_wide(p, &o->style))
            draw_wide(p, stdout, &o->style);
        else
            draw_text(p, stdout, &o->style);
    }
}

/* 0, or the exit status. */
static int read_events(const char *file, struct picture *p)
{
    FILE *f = file != NULL ? fopen(file, "r") : stdin;
    int status = 0;

    if (f == NULL || picture_read(p, f) == -1) {
        fprintf(stderr, "ladder: %s: %s\n", file != NULL ? file : "stdin",
                strerror(errno));
        status = 1;
    } else if (p->events == 0) {
        fputs("ladder: nothing was recorded\n", stderr);
        status = 3;
    }
    if (f != NULL && f != stdin)
        fclose(f);
    return status;
}

/* text in lines of at most width, broken at spaces. */
static void print_wrapped(const char *label, const char *text,
                          const struct style *style)
{
    int indent = (int)strlen(label), column = indent;

    printf("%s%s%s", style->colour ? "\033[1m" : "", label,
           style->colour ? "\033[0m" : "");
    while (*text != '\0') {
        int n = (int)strcspn(text, " ");

        if (column > indent && column + 1 + n > style->width) {
            printf("\n%*s", indent, "");
            column = indent;
        } else if (column > indent)
            column += printf(" ");
        column += printf("%.*s", n, text);
        text += text[n] == '\0' ? n : n + 1;
    }
    puts("\n");
}

/* The cause where a pattern is known; else what a right program did there. */
static void say_cause(struct picture *p, const struct options *o)
{
    struct picture right = { .whole = true };
    struct parting part;
    const char *text = picture_cause(p, o->step);

    if (text[0] != '\0') {
        print_wrapped("Cause:    ", text, &o->style);
        return;
    }
    if (o->right == NULL || read_events(o->right, &right) != 0)
        return;
    picture_pair(&right);
    text = picture_difference(p, &right, o->step, &part);
    if (text[0] != '\0')
        print_wrapped("Compare:  ", text, &o->style);
    text = picture_suspect(p, &right, &part);
    if (text[0] != '\0')
        print_wrapped("Look at:  ", text, &o->style);
}

int main(int argc, char *argv[])
{
    struct options o = { .kind = 't',
                         .style = { .width = 80 },
                         .title = "The ladder" };
    struct picture p = { .whole = false };
    int status;

    if (!read_options(argc, argv, &o))
        return usage();
    p.whole = o.step != NULL;
    status = read_events(optind < argc ? argv[optind] : NULL, &p);
    if (status != 0)
        return status;
    if (o.numbered)
        picture_number(&p);
    picture_pair(&p);
    if (o.step != NULL) {
        say_cause(&p, &o);
        picture_narrow(&p);
    }
    draw(&p, &o);
    return fflush(stdout) == 0 ? 0 : 1;
}
