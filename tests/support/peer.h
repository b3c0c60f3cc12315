/*
 * peer: the other side of a program under test, as a script tells it.
 * The language is described in README.md beside this file.
 */
#ifndef PEER_H
#define PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

enum { NAME_MAX_LEN = 32,
       ARGS_MAX = 64,
       LINE_MAX_LEN = 4096 };
enum exit_status { PASSED = 0,
                   FAILED = 1,
                   BAD_SCRIPT = 2,
                   LEFT_OUT = 77 };

/* data.c: bytes, how a script writes them and how a person reads them. */
struct bytes {
    unsigned char *p;
    size_t n, room;
};

void bytes_add(struct bytes *b, const void *p, size_t n);
void bytes_text(struct bytes *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void bytes_free(struct bytes *b);
size_t bytes_find(const struct bytes *b, size_t from, const void *what,
                  size_t n); /* its place, or SIZE_MAX */
/* How many of the first n bytes are the same. */
size_t bytes_same(const unsigned char *a, const unsigned char *b, size_t n);

/* Reads `"text"*3 binary*100` up to the end or a `|`; *s is moved there.
 * false: not data. */
bool data_parse(const char **s, struct bytes *out);

/* b[from..to) as a C string in quotes. */
void data_quote(struct bytes *out, const unsigned char *p, size_t n);

/* Both around their first difference, with a mark below it. */
void data_compare(struct bytes *out, const struct bytes *want,
                  const unsigned char *got, size_t n);

/* At most about a line of p, its length said when cut. */
void data_show(struct bytes *out, const unsigned char *p, size_t n);

/* story.c: what was done so far, and how it ends. */
void story_step(const char *line);
void story_repeat(size_t mark, long round, long of);
size_t story_mark(void);
void story_hint(const char *text);
void story_try(const char *text);
char *text_copy(const char *text); /* strdup(3) that does not fail */
void log_raw(const char *p, size_t n);
void log_text(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_bytes(const char *who, const char *what, const unsigned char *p,
               size_t n);
__attribute__((noreturn)) void script_error(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));
__attribute__((noreturn)) void leave_out(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));
/* The check has failed: prints the story, ends. What follows the step, a
 * line each: "what was awaited". */
__attribute__((noreturn)) void fail(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));
__attribute__((noreturn)) void fail_bytes(const struct bytes *text);

/* peer.c: ends all programs, leaves no file, and this process. */
__attribute__((noreturn)) void leave(int status);
extern const char *script_dir; /* where programs run, and may write */

/* A word as in a shell, to the end of it: its place behind. */
const char *word_parse(const char *s, struct bytes *word);

/* files.c: `file NAME MODE DATA` and its like; false: another step. */
bool file_step(const char *line);

/* pump.c: whom a script talks about. */
enum kind { PROGRAM,
            STREAM,
            LISTENER,
            DATAGRAM };

struct census {
    long fds, threads, processes, heap, virtual;
};

struct actor {
    char name[NAME_MAX_LEN];
    enum kind kind;
    int port;             /* a server's, a listener's; where a client is */
    int fd;               /* a socket, or -1 */
    struct bytes in, out; /* received, not yet sent */
    struct bytes head, body; /* of the last reply; before: the head before */
    struct bytes before;
    size_t used, sent;    /* how much of in and out is done with */
    bool reading, connecting, eof, reset;
    struct bytes trickle; /* goes out byte by byte, again and again */
    size_t trickled;      /* how much of it, this time */
    double next_trickle;
    bool local; /* of AF_UNIX */
    long uid;   /* a local client's user; pid: its process; as it is there */
    struct sockaddr_storage peer; /* a datagram's last sender */
    socklen_t peer_len;
    /* a program */
    pid_t launcher, pid;
    double began; /* it was not there before */
    int stdin_fd, stdout_fd, stderr_fd, status_fd;
    struct bytes printed, said, status;
    size_t printed_used, said_used;
    bool unheard; /* its stdout is left to fill up */
    bool started, exited, killed, too_late, stdin_ends, over;
    int code; /* exit status or signal */
    long answered; /* answers that clients have got from it */
    struct census census;
    bool steady; /* since the census, its memory has once not grown */
};

extern struct actor *actors[];
extern int actor_count;
struct actor *actor_find(const char *name);
struct actor *actor_need(const char *name);
struct actor *actor_new(const char *name, enum kind kind);
void actor_drop(struct actor *a);
void actors_end(void);

/* pump.c: one loop in which everything moves. */
double now(void);
void pump(int ms);          /* moves what can move, waits ms at most */
extern double bound;        /* seconds a step may take */
extern double bound_most;   /* the same, whatever the script says */
extern double until;        /* when the step under way gives up */
extern uint64_t moved;      /* grows with each byte that comes or goes */
extern const char *why_not; /* after await() has said false */
bool await(bool (*done)(struct actor *), struct actor *a);
void settle(void);         /* what was sent has been looked at */
void rest(double seconds); /* all threads sleep, be it for a time */
bool idle(double seconds); /* true: proved; false: time is over */

/* recording.c: the ladder of a check that fails. record_call() tells what an
 * actor's socket did: args NULL: none; n: the result, and so many bytes. */
void recording_start(void);
void recording_keep(void);
void recording_end(void);
const char *recording_events(void); /* the file, or NULL: nothing is recorded */
const char *recording_library(void);  /* the recorder to load, or NULL */
const char *recording_programs(void); /* those with it linked in, or NULL */
const char *recording_loaded(void);  /* the file by which it says it is in */
void recording_begins(void); /* of the next one: now */
void record_call(const struct actor *a, const char *call, const char *args,
                 const void *data, long n);

/* program.c, socket.c: what actors do. args ends with NULL. */
void program_run(char *args[]);
bool program_verb(struct actor *a, const char *verb, const char *rest);
bool socket_verb(const char *name, struct actor *a, const char *verb,
                 const char *rest);
void program_end(struct actor *a);
void program_read(struct actor *a);

/* path.c: files and the sockets that have a path. */
void path_step(const char *rest);
/* Connects as the user, and among the processes, of a program. The socket, or
 * -1 and errno. */
struct sockaddr_un;
int connect_as(const struct actor *program, const struct sockaddr_un *un,
               pid_t *pid, long *uid);
__attribute__((noreturn)) void fail_here(struct bytes *out);

bool stream_over(struct actor *a); /* its end came, or a reset */
/* An HTTP head's field or NULL; its status, one of "200|431"; what came. */
const char *http_field(const char *head, const char *name, size_t *n);
bool http_status(const char *head, const char *codes);
void http_show(struct bytes *out, const struct actor *a);

/* reply.c: an HTTP answer that ends by its own length. */
void gets_reply(struct actor *a, const char *rest);
void replied(struct actor *a, const char *rest);

/* proc.c: what the system says of a program's processes. */
int proc_list(const struct actor *a, pid_t *pids, int max);
bool proc_stuck(const struct actor *a, uint64_t *signature);
bool proc_net_moves(void); /* bytes on their way between any sockets */
bool proc_asleep(const struct actor *a);
unsigned long proc_switches(const struct actor *a);
void proc_where(const struct actor *a, struct bytes *out);
bool proc_census(const struct actor *a, struct census *c);

#endif
