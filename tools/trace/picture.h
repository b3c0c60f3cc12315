/* The run of some programs: read and ordered by events.c, understood by pair.c,
 * drawn by draw_*.c. */
#ifndef PICTURE_H
#define PICTURE_H

#include <stdbool.h>
#include <stdio.h>

/* A line of the events' file: README.md tells what each field is. A text that
 * the line leaves out is "". */
struct event {
    char kind;        /* S B E P X Z */
    long long time;   /* ns since the first event */
    long long waited; /* ns */
    long long at;     /* where it stands: sends at their entry, others at end */
    int pid, tid, lane;
    const char *program, *call, *args, *fd, *id, *id2, *local, *peer;
    const char *error, *data, *fault, *caller, *way, *rest;
    bool has_result;
    long long result, bytes, asked;
    struct event *end;   /* of a B: its E; NULL: it still waits */
    struct event *begin; /* of an E: its B, if that one is to be shown */
    bool hidden;         /* a B during which nothing else happened, an S, a P */
    int arrow;           /* the one that ends here, or -1 */
    bool sent_on;        /* an arrow begins here */
};

enum arrow_kind { CONNECTION,
                  BYTES,
                  END_OF_FILE,
                  RESET,
                  DATAGRAM,
                  LOST };

/* From the call that sent to the one that got it; to is NULL of LOST. */
struct arrow {
    enum arrow_kind kind;
    struct event *from, *to;
    char label[64];
};

enum side { LEFT,
            RIGHT };

/* A process or a thread; its place in the picture is its number. */
struct lane {
    int pid, tid, parent; /* parent: a lane, or -1 */
    const char *program;
    enum side side;
    char tag[16]; /* "", or "[T1]": who on this side */
    bool shown, zombie;
    struct event *first, *last, *exit;
    struct event *start; /* of the first program in it that has sockets */
    bool early;          /* while reading: such a one has begun */
    long long until; /* while drawing: it waits until then */
};

struct picture {
    char *text; /* the file, cut into the events' texts */
    struct event *all;
    struct event **event; /* in the order of at */
    int events;
    struct lane *lane;
    int lanes;
    struct arrow *arrow;
    int arrows;
    int malformed; /* lines that were no events */
    bool whole;    /* before it is read: nobody is to be left out */
    struct event *guilty; /* the call that is to be marked, or NULL */
    char mark[160];       /* its place in the source, and the line there */
};

/* Never returns NULL: where there is no memory, it ends the program. What it
 * gives is kept to the end: the program draws once. */
void *grown(void *old, int count, size_t size);

/* Reads the whole file into *p, which is all 0 but for whole. 0, or -1 and
 * errno. */
int picture_read(struct picture *p, FILE *f);

/* Leaves out who does nothing of interest, but not the guilty one; a picture
 * that was not read whole is narrow from the start. */
void picture_narrow(struct picture *p);

/* Small numbers in the place of process numbers, which differ each time. */
void picture_number(struct picture *p);

/* Finds the arrows. */
void picture_pair(struct picture *p);

bool call_is(const struct event *e, const char *names); /* one of "read recv" */
bool is_send(const struct event *e);
bool is_receive(const struct event *e);

/* Numbers above all that Linux has: a check's actors, which are no processes,
 * count as some from ACTORS on; each program that it starts has a world of pids
 * of its own, the n-th from n times WORLD on. */
enum { ACTORS = 5000000,
       WORLD = 10000000 };
bool is_actor(const struct event *e);

/* Where a call was made: the first of its callers that is not in lib/. */
struct place {
    char where[160];  /* "server.c:41, from server.c:60, from..." */
    char source[160]; /* that line */
    char path[512];   /* the first one's file and line */
    long line;
};
bool place_of(const struct event *e, struct place *at);

/* What went wrong in a run that failed at this step of its script: marks the
 * call, and says it in a sentence; "" where nothing is certain. */
const char *picture_cause(struct picture *p, const char *step);

/* Where a run parts from that of a right program: what each did, and before it
 * what they had in common (or NULL). ours is NULL where they do not part. */
struct parting {
    struct event *ours, *theirs, *before;
    bool weak; /* ours only waits */
};
/* The same: of that; sets *part. */
const char *picture_difference(struct picture *p, const struct picture *right,
                               const char *step, struct parting *part);
/* Where to look for the reason, or "". */
const char *picture_suspect(const struct picture *p,
                            const struct picture *right,
                            const struct parting *part);
void picture_mark(struct picture *p, struct event *e, const struct place *at);

/* For who draws row by row: does e's lane wait after it, and until when? */
void lane_waits(struct picture *p, const struct event *e);

/* The call as a person reads it, in at most width columns (0: any number); in
 * a buffer that the next call overwrites. */
const char *event_text(const struct event *e, int width);
const char *milliseconds(long long ns);                   /* "1.952", so too */
const char *lane_name(const struct picture *p, int lane); /* "server [T1]" */

/* What is said below the picture: who still waits, who is a zombie. Calls
 * say() for each line. */
void picture_notes(const struct picture *p, void (*say)(const char *, void *),
                   void *arg);

enum { LONG_WAIT = 1000000 /* ns: one that is told */ };

struct style {
    int width, limit; /* limit: so many rows, the last ones; 0: all */
    bool colour, ascii;
};
/* With < > & " as XML wants them. */
void xml_text(FILE *out, const char *text);

void draw_text(struct picture *p, FILE *out, const struct style *style);

/* A column for each process and thread, where three to six have room. */
bool fits_wide(const struct picture *p, const struct style *style);
void draw_wide(struct picture *p, FILE *out, const struct style *style);

void draw_mermaid(struct picture *p, FILE *out);
/* numbered: the rows, instead of times. */
void draw_svg(struct picture *p, FILE *out, bool numbered);
void draw_html(struct picture *p, FILE *out, const char *title);

#endif
