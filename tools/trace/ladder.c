/* ladder: draws the events of a run (README.md has their format).
 *
 * usage: ladder [-t | -s | -h | -m] [-a] [-c] [-q] [-w COLUMNS] [-l ROWS]
 *               [-n TITLE] [FILE]
 *
 * -t text (the default), -s SVG, -h HTML, -m Mermaid; -a ASCII alone, -c with
 * colour, -q without what differs each time (pids, in SVG times), -w how wide
 * the text may be (80), -l how many rows, the last ones. Exit status: 0; 1:
 * FILE cannot be read; 2: usage; 3: nothing was recorded. */
#include "picture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct options {
    char kind;
    struct style style;
    bool numbered;
    const char *title;
};

static int usage(void)
{
    fputs("usage: ladder [-t | -s | -h | -m] [-a] [-c] [-q] [-w COLUMNS] "
          "[-l ROWS] [-n TITLE] [FILE]\n",
          stderr);
    return 2;
}

static bool read_options(int argc, char *argv[], struct options *o)
{
    int c;

    while ((c = getopt(argc, argv, "tshmacqw:n:l:")) != -1)
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

int main(int argc, char *argv[])
{
    struct options o = { .kind = 't',
                         .style = { .width = 80 },
                         .title = "The ladder" };
    struct picture p;
    FILE *f = stdin;

    if (!read_options(argc, argv, &o))
        return usage();
    if (optind < argc && (f = fopen(argv[optind], "r")) == NULL) {
        fprintf(stderr, "ladder: %s: %s\n", argv[optind], strerror(errno));
        return 1;
    }
    if (picture_read(&p, f) == -1) {
        fprintf(stderr, "ladder: read: %s\n", strerror(errno));
        return 1;
    }
    if (p.events == 0) {
        fputs("ladder: nothing was recorded\n", stderr);
        return 3;
    }
    if (o.numbered)
        picture_number(&p);
    picture_pair(&p);
    draw(&p, &o);
    return fflush(stdout) == 0 ? 0 : 1;
}
