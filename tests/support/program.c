/* Programs under test: started through launch, read, told, and judged. */
#define _GNU_SOURCE
#ifdef __APPLE__
#define _DARWIN_C_SOURCE /* strcasestr(3) */
#endif
#include "peer.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { OUTPUT_CAP = 64 << 20,
       SAID_LINES = 4 /* of its stderr, in a story */,
       STATUS_FD = 3 };

/* What `run` may be told behind `with`. */
struct options {
    const char *stdout_to, *stderr_to, *stdin_from, *name;
    const char *files, *procs;
    const char *faults; /* in the words of tools/trace/faults.c */
};

static void option(struct options *o, char *word)
{
    char *value = strchr(word, '=');

    if (value == NULL)
        script_error("an option without a value: %s", word);
    *value++ = '\0';
    if (strcmp(word, "stdout") == 0)
        o->stdout_to = value;
    else if (strcmp(word, "stderr") == 0)
        o->stderr_to = value;
    else if (strcmp(word, "stdin") == 0)
        o->stdin_from = value;
    else if (strcmp(word, "files") == 0)
        o->files = value;
    else if (strcmp(word, "processes") == 0)
        o->procs = value;
    else if (strcmp(word, "faults") == 0)
        o->faults = value;
    else
        script_error("no such option: %s", word);
}

/* Cuts `with A=B...` and `as NAME` off the end of args. */
static struct options options_of(char *args[])
{
    struct options o = { .files = "4096", .procs = "128", .name = args[0] };
    int i;

    if (getenv("PROCESSES") != NULL)
        o.procs = getenv("PROCESSES");
    for (i = 1; args[i] != NULL; i++)
        if (strcmp(args[i], "with") == 0 || strcmp(args[i], "as") == 0)
            break;
    for (int k = i; args[k] != NULL; k++)
        if (strcmp(args[k], "as") == 0 && args[k + 1] != NULL)
            o.name = args[++k];
        else if (strcmp(args[k], "with") != 0)
            option(&o, args[k]);
    args[i] = NULL;
    return o;
}

/* A pipe of which one end is ours: non-blocking and close-on-exec. */
static int our_pipe(int *theirs, bool we_read)
{
    int p[2], ours = we_read ? 0 : 1;

    if (pipe(p) == -1)
        script_error("pipe: %s", strerror(errno));
    for (int i = 0; i < 2; i++)
        fcntl(p[i], F_SETFD, FD_CLOEXEC);
    fcntl(p[ours], F_SETFL, O_NONBLOCK);
    *theirs = p[1 - ours];
    return p[ours];
}

/* Puts `closed`, a file's name or a descriptor of ours in the place of fd. */
static void place(int fd, int ours, const char *instead)
{
    if (instead != NULL && strcmp(instead, "closed") == 0) {
        close(fd);
        return;
    }
    if (instead != NULL)
        ours = open(instead, O_RDWR | O_CREAT | O_NOFOLLOW | O_NOCTTY, 0666);
    if (ours == -1 || dup2(ours, fd) == -1)
        _exit(125);
    if (instead != NULL && ours > STATUS_FD)
        close(ours);
}

static char *clean_environment[24] = { /* with room for more */
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME=/tmp", "TMPDIR=/tmp", "LANG=C", "TERM=dumb",
    /* malloc(3) as one heap that grows and shrinks by pages: a leak is seen
     * early, and memory that is free again is none (mallopt(3)) */
    "MALLOC_ARENA_MAX=1", "MALLOC_TOP_PAD_=0", "MALLOC_TRIM_THRESHOLD_=0",
    ("TSAN_OPTIONS=atexit_sleep_ms=0:report_thread_leaks=0:"
     "report_signal_unsafe=0:log_path=stderr:exitcode=66:halt_on_error=0"),
    /* the recorder may stand before its library in LD_PRELOAD */
    "ASAN_OPTIONS=abort_on_error=0:detect_leaks=0:verify_asan_link_order=0",
    "UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1",
};

/* The four ends of pipes that a program gets, launch(1) the last. */
struct ends {
    int in, out, err, status;
};

/* Out of the way of 0 to 3, which place() fills; gone after execve(2). */
static int out_of_the_way(int fd)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 10);

    if (copy == -1)
        _exit(125);
    return copy;
}

static void place_all(const struct options *o, const struct ends *e)
{
    int in = out_of_the_way(e->in), out = out_of_the_way(e->out);
    int err = out_of_the_way(e->err), status = out_of_the_way(e->status);

    place(STATUS_FD, status, NULL);
    place(0, in, o->stdin_from);
    place(1, out, o->stdout_to);
    place(2, err, o->stderr_to);
    for (int fd = STATUS_FD + 1; fd < 4096; fd++)
        close(fd); /* the log, and what is not ours */
}

static void add_environment(char *variable)
{
    char **e = clean_environment;

    while (*e != NULL)
        e++;
    *e = variable;
}

static int worlds; /* the programs that were started so far */

/* launch(1) loads the recorder into the program, not into itself. What the
 * launcher has given it, 0, 1 and 2, has no faults and is not recorded. */
static void add_recorder(const char *ordered)
{
    static char library[128], events[128], faults[512], loaded[128], world[32];
    const char *all = getenv("LADDER_FAULTS");

    if (recording_programs() == NULL) {
        snprintf(library, sizeof library, "LADDER_PRELOAD=%s",
                 recording_library());
        add_environment(library);
    }
    snprintf(loaded, sizeof loaded, "LADDER_LOADED=%s", recording_loaded());
    add_environment(loaded);
    add_environment("LADDER_QUIET=0,1,2");
    add_environment("LADDER_DATA=400");
    snprintf(world, sizeof world, "LADDER_WORLD=%d", worlds);
    add_environment(world);
    if (recording_events() != NULL) {
        snprintf(events, sizeof events, "LADDER_EVENTS=%s", recording_events());
        add_environment(events);
    }
    if (ordered != NULL || all != NULL) {
        snprintf(faults, sizeof faults, "LADDER_FAULTS=%s;%s",
                 ordered != NULL ? ordered : "", all != NULL ? all : "");
        add_environment(faults);
    }
}

/* The folder of the programs under test. */
static const char *programs(bool recorded)
{
    const char *linked = recording_programs();

    return recorded && linked != NULL ? linked : getenv("BIN");
}

_Noreturn static void launch(const struct options *o, char *args[],
                             const struct ends *e)
{
    enum { BEFORE_ARGS = 9 };
    const char *room = getenv("ROOM");
    bool recorded = recording_events() != NULL || o->faults != NULL;
    char path[1024], program[1024], room_is[32], user[24];
    char *argv[ARGS_MAX + BEFORE_ARGS] = {
        path, "run", "-f", (char *)o->files, "-p", (char *)o->procs,
        "-u", user, program
    };

    snprintf(user, sizeof user, "%d",
             (int)(getenv("ONE_USER") != NULL ? getppid() : getpid()));
    snprintf(path, sizeof path, "%s/launch", getenv("SUPPORT"));
    snprintf(program, sizeof program, "%s/%s", programs(recorded), args[0]);
    snprintf(room_is, sizeof room_is, "ROOM=%s", room != NULL ? room : "");
    for (int i = 1; args[i] != NULL; i++)
        argv[BEFORE_ARGS + i - 1] = args[i];
    add_environment(room_is);
    if (recorded)
        add_recorder(o->faults);
    setpgid(0, 0);
    if (chdir(script_dir) == -1)
        _exit(125);
    place_all(o, e);
    execve(path, argv, clean_environment);
    _exit(125);
}

static bool started(struct actor *a)
{
    return a->started || a->over;
}

/* Faults come with the recorder: it is loaded into the program (LD_PRELOAD,
 * ld.so(8)), or there is a build of the program with it. */
static void faults_are_possible(const char *name)
{
    const char *linked = recording_programs();
    char path[1024];

    if (linked == NULL && recording_library() == NULL)
        leave_out("needs the recorder: make build/trace/record.so says why it "
                  "cannot be built");
    snprintf(path, sizeof path, "%s/%s", linked != NULL ? linked : "", name);
    if (linked != NULL && access(path, X_OK) == -1)
        leave_out("needs the recorder, and there is no %s with it in it: make "
                  "%s says why", name, path + strlen(getenv("PROJECT")) + 1);
    unlink(recording_loaded());
}

static bool recorder_is_in(struct actor *a)
{
    (void)a;
    return access(recording_loaded(), F_OK) == 0;
}

void program_run(char *args[])
{
    struct options o = options_of(args);
    struct actor *a = actor_new(o.name, PROGRAM);
    struct ends e;

    if (o.faults != NULL)
        faults_are_possible(args[0]);
    a->stdin_fd = our_pipe(&e.in, false);
    a->stdout_fd = our_pipe(&e.out, true);
    a->stderr_fd = our_pipe(&e.err, true);
    a->status_fd = our_pipe(&e.status, true);
    a->began = now();
    worlds++;
    a->launcher = fork();
    if (a->launcher == -1)
        script_error("fork: %s", strerror(errno));
    if (a->launcher == 0)
        launch(&o, args, &e);
    close(e.in);
    close(e.out);
    close(e.err);
    close(e.status);
    if (!await(started, a) || !a->started)
        script_error("%s did not start%s", args[0],
                     a->over ? "" : " in time");
    if (o.faults != NULL && !await(recorder_is_in, a))
        leave_out("the recorder, for faults on order, could not be loaded into"
                  " %s (is it linked statically?)",
                  args[0]);
}

void program_end(struct actor *a)
{
    int *fds[] = { &a->stdin_fd, &a->stdout_fd, &a->stderr_fd,
                   &a->status_fd };

    if (a->launcher > 0) {
        kill(a->launcher, SIGTERM);
        kill(a->launcher, SIGCONT);
        while (waitpid(a->launcher, NULL, 0) == -1 && errno == EINTR)
            continue;
    }
    a->launcher = 0;
    a->over = true;
    for (int i = 0; i < 4; i++) {
        if (*fds[i] != -1)
            close(*fds[i]);
        *fds[i] = -1;
    }
}

/* A line of launch: how the program fares. */
static void event(struct actor *a, const char *line)
{
    int n = 0;

    log_text("  %s: %s\n", a->name, line);
    if (sscanf(line, "pid %d", &n) == 1) {
        a->pid = n;
        a->started = true;
    } else if (sscanf(line, "exit %d", &n) == 1) {
        a->exited = a->over = true;
        a->code = n;
    } else if (sscanf(line, "signal %d", &n) == 1) {
        a->killed = a->over = true;
        a->code = n;
    } else if (strcmp(line, "wall") == 0)
        a->too_late = a->over = true;
    else
        a->over = true;
}

/* Takes the whole lines; the rest of one stays for the next time. */
static void events(struct actor *a)
{
    char *line = (char *)a->status.p, *end;

    while (line != NULL && (end = strchr(line, '\n')) != NULL) {
        *end = '\0';
        event(a, line);
        line = end + 1;
    }
    if (line != NULL) {
        a->status.n = strlen(line);
        memmove(a->status.p, line, a->status.n + 1);
    }
}

static void read_output(struct actor *a, int *fd, struct bytes *to,
                        const char *what)
{
    unsigned char buf[65536];
    ssize_t n = *fd == -1 ? -1 : read(*fd, buf, sizeof buf);

    if (*fd == -1 || (n == -1 && (errno == EAGAIN || errno == EINTR)))
        return;
    if (n > 0) {
        moved++;
        if (to == &a->said) /* as it came: tools look for reports */
            log_text("  %s says:\n%.*s\n", a->name, (int)n, (char *)buf);
        else if (what != NULL)
            log_bytes(a->name, what, buf, (size_t)n);
        bytes_add(to, buf, (size_t)n);
        if (to->n > OUTPUT_CAP)
            fail("%s wrote more than %d MiB: stopped", a->name,
                 OUTPUT_CAP >> 20);
        return;
    }
    close(*fd);
    *fd = -1;
}

void program_read(struct actor *a)
{
    if (!a->unheard)
        read_output(a, &a->stdout_fd, &a->printed, "prints");
    read_output(a, &a->stderr_fd, &a->said, NULL);
    read_output(a, &a->status_fd, &a->status, NULL);
    if (a->status_fd == -1 && !a->over)
        a->over = true;
    events(a);
}

/* ---- what is told of it when a check fails ---- */

/* How many bytes of its UTF-8 character follow this one: utf-8(7). */
static int rest_of_character(unsigned char c, int left)
{
    if (c >= 0xc2)
        return c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
    return left > 0 && c >= 0x80 ? left - 1 : 0;
}

/* What a program says may not move the cursor of who reads it: neither by a
 * control character, nor by one of the second set, U+0080 to U+009F. */
static void add_printable(struct bytes *out, const char *p, size_t n)
{
    int left = 0;

    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)p[i];
        bool second = c >= 0x80 && c < 0xa0 &&
                      (left == 0 || (unsigned char)p[i - 1] == 0xc2);

        left = rest_of_character(c, left);
        bytes_add(out, (c < 32 && c != '\t') || c == 127 || second ? "?" : p + i,
                  1);
    }
}

static void tell_said(const struct actor *a, struct bytes *out)
{
    const char *p = (const char *)a->said.p;
    size_t n = a->said.n, from = n;

    if (n == 0)
        return;
    for (int lines = 0; from > 0 && n - from < 500; from--)
        if (p[from - 1] == '\n' && from < n && ++lines == SAID_LINES)
            break;
    bytes_text(out, "%s's stderr%s:\n", a->name, from > 0 ? ", its end" : "");
    for (size_t len; from < n; from += len + 1) {
        const char *end = memchr(p + from, '\n', n - from);

        len = end == NULL ? n - from : (size_t)(end - p) - from;
        bytes_text(out, "  | ");
        add_printable(out, p + from, len > 68 ? 68 : len);
        bytes_text(out, "\n");
    }
}

static void tell_end(const struct actor *a, struct bytes *out)
{
    if (a->killed && a->code != SIGKILL && a->code != SIGTERM &&
        a->code != SIGINT)
        bytes_text(out, "crash: %s was ended by signal %d (%s)\n", a->name,
                   a->code, strsignal(a->code));
    else if (a->killed)
        bytes_text(out, "%s was ended by signal %d (%s)\n", a->name, a->code,
                   strsignal(a->code));
    else if (a->exited)
        bytes_text(out, "%s has ended, exit status %d\n", a->name, a->code);
    else if (a->too_late)
        bytes_text(out, "%s ran for too long and was ended\n", a->name);
    else
        proc_where(a, out);
}

static bool is_ending(void)
{
    for (int i = 0; i < actor_count; i++)
        if (actors[i]->kind == PROGRAM && !actors[i]->over &&
            (actors[i]->stdout_fd == -1 || !proc_asleep(actors[i])))
            return true;
    return false;
}

/* The state of all programs, after what was wrong. One whose stdout has ended,
 * or that is busy, may be about to end: a crash takes its time. */
_Noreturn static void fail_with_state(struct bytes *out)
{
    for (int i = 0; i < 20 && (i == 0 || is_ending()); i++)
        pump(5);
    for (int i = 0; i < actor_count; i++)
        if (actors[i]->kind == PROGRAM) {
            tell_end(actors[i], out);
            tell_said(actors[i], out);
        }
    fail_bytes(out);
}

/* ---- what a script says of it ---- */

static struct bytes want;

static bool closed(struct actor *a)
{
    return a->over && a->stdout_fd == -1 && a->stderr_fd == -1;
}

static bool said_it(struct actor *a)
{
    return bytes_find(&a->said, a->said_used, want.p, want.n) != SIZE_MAX ||
           closed(a);
}

static void parse(const char *s)
{
    bytes_free(&want);
    if (!data_parse(&s, &want) || *s != '\0')
        script_error("bad data: %s", s);
}

/* A line on stderr, whole, that begins as the contract has it. Where it says
 * the port, or the path that a script awaits in want. */
static size_t ready_line(const struct actor *a)
{
    const char *begin = want.n > 0 ? "Server launched, listening on: "
                                   : "Server launched, listening on port: ";
    size_t at = bytes_find(&a->said, 0, begin, strlen(begin)), p, n = 0;

    if (at == SIZE_MAX || (at > 0 && a->said.p[at - 1] != '\n'))
        return SIZE_MAX;
    p = at + strlen(begin);
    if (want.n == 0)
        while (isdigit(a->said.p[p + n]))
            n++;
    else if (a->said.n - p > want.n)
        n = bytes_same(a->said.p + p, want.p, want.n);
    return n >= want.n && a->said.p[p + n] == '\n' ? p : SIZE_MAX;
}

static bool is_ready(struct actor *a)
{
    return ready_line(a) != SIZE_MAX || closed(a);
}

static void ready(struct actor *a, const char *rest)
{
    struct bytes out = { 0 };
    size_t at;

    bytes_free(&want);
    if (*rest == '"')
        parse(rest);
    else
        bytes_add(&want, rest, strlen(rest));
    if (await(is_ready, a) && (at = ready_line(a)) != SIZE_MAX) {
        a->port = atoi((char *)a->said.p + at);
        a->said_used = at;
        return;
    }
    bytes_text(&out, "expected  a line on stderr: \"Server launched, listening"
                     " on%s%.*s\\n\"\nreceived  ",
               want.n == 0 ? " port: N" : ": ", (int)want.n, (char *)want.p);
    data_show(&out, a->said.p, a->said.n);
    bytes_text(&out, "\n");
    fail_with_state(&out);
}

static size_t matching(const struct bytes *b, size_t used)
{
    size_t n = b->n - used;

    return n == 0 ? 0
                  : bytes_same(b->p + used, want.p, n < want.n ? n : want.n);
}

static bool printed_or_differs(struct actor *a)
{
    size_t i = matching(&a->printed, a->printed_used);

    return i == want.n || a->printed_used + i < a->printed.n ||
           a->stdout_fd == -1;
}

static void prints(struct actor *a, const char *rest)
{
    struct bytes out = { 0 };
    bool in_time;

    parse(rest);
    in_time = await(printed_or_differs, a);
    if (matching(&a->printed, a->printed_used) == want.n) {
        a->printed_used += want.n;
        return;
    }
    bytes_text(&out, "on stdout%s%s:\n", in_time ? "" : ", ",
               in_time ? "" : why_not);
    data_compare(&out, &want, a->printed.p + a->printed_used,
                 a->printed.n - a->printed_used);
    fail_with_state(&out);
}

static void prints_nothing(struct actor *a)
{
    struct bytes out = { 0 };

    if (!a->over)
        idle(0.3);
    pump(0);
    if (a->printed.n == a->printed_used)
        return;
    bytes_text(&out, "on stdout: expected nothing more, received ");
    data_show(&out, a->printed.p + a->printed_used,
              a->printed.n - a->printed_used);
    bytes_text(&out, "\n");
    fail_with_state(&out);
}

/* One of the whole lines that a script allows? */
static bool allowed(const unsigned char *line, size_t n, const char *rest)
{
    bool found = false;

    while (*rest != '\0' && !found) {
        struct bytes one = { 0 };

        if (!data_parse(&rest, &one))
            script_error("bad data: %s", rest);
        found = one.n == n && memcmp(one.p, line, n) == 0;
        bytes_free(&one);
        rest += *rest == '|';
    }
    return found;
}

/* printed N lines of A | B: whole lines, none torn, in any order. */
static long lines_printed;
static bool that_many_lines(struct actor *a)
{
    long n = 0;

    for (size_t i = a->printed_used; i < a->printed.n; i++)
        n += a->printed.p[i] == '\n';
    return n >= lines_printed || a->stdout_fd == -1;
}

static void prints_lines(struct actor *a, const char *rest)
{
    struct bytes out = { 0 };
    char *of;
    size_t i = a->printed_used, end;
    long n = 0;

    lines_printed = strtol(rest, &of, 10);
    if (strncmp(of, " of ", 4) != 0)
        script_error("lines N of DATA | DATA");
    await(that_many_lines, a);
    for (; i < a->printed.n; i = end + 1, n++) {
        for (end = i; end < a->printed.n && a->printed.p[end] != '\n';)
            end++;
        if (end < a->printed.n && allowed(a->printed.p + i, end - i, of + 4))
            continue;
        bytes_text(&out, "a line on stdout that nobody sent: ");
        data_show(&out, a->printed.p + i, end - i);
        bytes_text(&out, "\n");
        fail_with_state(&out);
    }
    if (n != lines_printed) {
        bytes_text(&out, "expected %ld lines on stdout, received %ld\n",
                   lines_printed, n);
        fail_with_state(&out);
    }
    a->printed_used = i;
}

static void says(struct actor *a, const char *rest)
{
    struct bytes out = { 0 };
    size_t at;

    parse(rest);

    await(said_it, a);
    at = bytes_find(&a->said, a->said_used, want.p, want.n);
    if (at != SIZE_MAX) {
        a->said_used = at + want.n;
        return;
    }
    bytes_text(&out, "expected on stderr, %s:%s", why_not,
               want.n > 25 ? "\n  " : " ");
    data_show(&out, want.p, want.n);
    bytes_text(&out, "\n");
    fail_with_state(&out);
}

/* Seconds between now and a date such as 06/Nov/1994:08:49:37 +0000, or -1: it
 * is none. */
static long since_log_date(const char *date, size_t n)
{
    static const char form[] = "dd/Mon/yyyy:hh:mm:ss +zone";
    char text[sizeof form];
    struct tm tm = { 0 };
    int zone = 0, used = 0;
    char month[4], sign = 0;
    const char *months = "JanFebMarAprMayJunJulAugSepOctNovDec", *at;

    if (n != sizeof form - 1)
        return -1;
    snprintf(text, sizeof text, "%.*s", (int)n, date);
    if (sscanf(text, "%2d/%3[A-Za-z]/%4d:%2d:%2d:%2d %c%4d%n", &tm.tm_mday,
               month, &tm.tm_year, &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &sign,
               &zone, &used) != 8 || used != (int)n ||
        (sign != '+' && sign != '-') || (at = strstr(months, month)) == NULL)
        return -1;
    tm.tm_mon = (int)(at - months) / 3;
    tm.tm_year -= 1900;
    zone = (zone / 100 * 60 + zone % 100) * 60 * (sign == '-' ? -1 : 1);
    return labs((long)(time(NULL) - (timegm(&tm) - zone)));
}

/* What is wrong with a line whose end, from `] ` on, is right? */
static const char *wrong_log(const char *line, size_t n, const char *address)
{
    size_t begin = strlen(address) + strlen(" - - [");
    long off;

    if (n < begin || strncmp(line, address, strlen(address)) != 0 ||
        strncmp(line + strlen(address), " - - [", 6) != 0)
        return "its begin is another one";
    off = since_log_date(line + begin, n - begin);
    return off < 0    ? "its date has another form"
           : off > 60 ? "its date is not that of now, in its own time zone"
                      : NULL;
}

/* says log ADDRESS DATA: this line of the Common Log Format. */
static void says_log(struct actor *a, const char *rest)
{
    struct bytes address = { 0 }, data = { 0 }, out = { 0 };
    const char *wrong, *line;
    size_t end;

    rest = word_parse(rest, &address);
    rest += strspn(rest, " ");
    bytes_text(&data, "\"] \" %s", rest);
    says(a, (char *)data.p);
    end = a->said_used - want.n;
    for (line = (char *)a->said.p + end;
         line > (char *)a->said.p && line[-1] != '\n';)
        line--;
    wrong = wrong_log(line, (size_t)((char *)a->said.p + end - line),
                      (char *)address.p);
    if (wrong != NULL) {
        bytes_text(&out,
                   "expected  %s - - [dd/Mon/yyyy:hh:mm:ss +zone] ...\n%s\n"
                   "received  ",
                   (char *)address.p, wrong);
        data_show(&out, (const unsigned char *)line, strcspn(line, "\n"));
        bytes_text(&out, "\n");
        fail_with_state(&out);
    }
    bytes_free(&address);
    bytes_free(&data);
}

static bool has_ended(struct actor *a)
{
    return a->over;
}

static void drain(struct actor *a)
{
    for (int i = 0; i < 20 && !closed(a); i++)
        pump(i < 10 ? 0 : 5);
}

static void ends(struct actor *a, struct bytes *out, const char *expected)
{
    if (await(has_ended, a)) {
        drain(a);
        return;
    }
    bytes_text(out, "expected the end: %s\n%s still runs, %s\n", expected,
               a->name, why_not);
    fail_with_state(out);
}

static void exits(struct actor *a, const char *rest)
{
    struct bytes out = { 0 };
    int code = atoi(rest);
    bool any = strcmp(rest, "any") == 0;
    bool failing = strcmp(rest, "non-zero") == 0;

    ends(a, &out, "its exit");
    if (any || (failing && a->exited && a->code != 0) ||
        (!failing && a->exited && a->code == code))
        return;
    bytes_text(&out, "expected exit status %s\n", rest);
    fail_with_state(&out);
}

/* Does line, n bytes, hold one of the words of rest (DATA | DATA)? */
static bool holds_one_of(const char *line, size_t n, const char *rest)
{
    char *text = strndup(line, n);
    bool found = *rest == '\0';

    if (text == NULL)
        script_error("out of memory");
    while (*rest != '\0' && !found) {
        struct bytes one = { 0 };

        if (!data_parse(&rest, &one))
            script_error("bad data: %s", rest);
        found = strcasestr(text, (char *)one.p) != NULL;
        bytes_free(&one);
        rest += *rest == '|';
    }
    free(text);
    return found;
}

/* A line on stderr, one only, that begins with the program's name and says
 * one of these words. */
static void complains(struct actor *a, const char *rest)
{
    struct bytes out = { 0 };
    char begin[NAME_MAX_LEN + 2];
    const char *p, *last, *end;
    int lines = 0;
    bool good = false;

    ends(a, &out, "exit status 1 and a line on stderr");
    snprintf(begin, sizeof begin, "%s:", a->name);
    p = a->said.n > 0 ? (const char *)a->said.p : "";
    last = p + a->said.n;
    for (; (end = memchr(p, '\n', (size_t)(last - p))) != NULL; p = end + 1)
        if (strncmp(p, begin, strlen(begin)) == 0) {
            lines++;
            good = holds_one_of(p, (size_t)(end - p), rest);
        }
    if (a->exited && a->code == 1 && lines == 1 && good)
        return;
    bytes_text(&out, "expected  exit status 1 and one line on stderr: what"
                     " failed, and why,\n          as \"%s what: why\\n\"\n",
               begin);
    fail_with_state(&out);
}

/* A wrong command line. */
static void usage(struct actor *a, const char *rest)
{
    struct bytes out = { 0 };
    size_t at;

    (void)rest;
    ends(a, &out, "exit status 2 and the usage on stderr");
    at = bytes_find(&a->said, 0, "usage: ", 7);
    if (a->exited && a->code == 2 && a->printed.n == 0 && at != SIZE_MAX &&
        (at == 0 || a->said.p[at - 1] == '\n'))
        return;
    bytes_text(&out, "expected  exit status 2, \"usage: ...\" on stderr,"
                     " nothing on stdout\n");
    if (a->printed.n > 0) {
        bytes_text(&out, "on stdout ");
        data_show(&out, a->printed.p, a->printed.n);
        bytes_text(&out, "\n");
    }
    fail_with_state(&out);
}

static int signal_number(const char *name)
{
    static const struct {
        const char *name;
        int sig;
    } known[] = {
        { "TERM", SIGTERM },
        { "INT", SIGINT },
        { "KILL", SIGKILL },
        { "HUP", SIGHUP },
        { "STOP", SIGSTOP },
        { "CONT", SIGCONT },
        { "PIPE", SIGPIPE },
        { "WINCH", SIGWINCH },
        { "CHLD", SIGCHLD },
    };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].name, name) == 0)
            return known[i].sig;
    script_error("no such signal: %s", name);
}

/* To the program and to all that it has started. */
static void signal_all(struct actor *a, int sig)
{
    static pid_t pids[8192];
    int n = proc_list(a, pids, (int)(sizeof pids / sizeof *pids));

    for (int i = 0; i < n; i++)
        kill(pids[i], sig);
}

static bool all_stopped(struct actor *a)
{
    return proc_asleep(a);
}

#ifdef __linux__
/* With _GNU_SOURCE, glibc's prlimit(2) wants its own type here. */
#ifdef __GLIBC__
typedef enum __rlimit_resource resource;
#else
typedef int resource;
#endif

/* Who runs the program? Root, where /proc does not say. */
static uid_t user_of(pid_t pid)
{
    char path[64];
    struct stat st;

    snprintf(path, sizeof path, "/proc/%d", (int)pid);
    return stat(path, &st) == 0 ? st.st_uid : 0;
}

/* n < 0: as far as the hard limit. */
static bool set_soft(pid_t pid, resource which, int n)
{
    struct rlimit r;

    if (prlimit(pid, which, NULL, &r) == -1)
        return false;
    r.rlim_cur = n >= 0 ? (rlim_t)n : r.rlim_max;
    return prlimit(pid, which, &r, NULL) == 0;
}

/* prlimit(2) wants the same user on both sides, so root becomes that user
 * for it, in a child. */
static bool set_limit(pid_t pid, resource which, int n)
{
    int st = 0;
    pid_t child;

    if (geteuid() != 0)
        return set_soft(pid, which, n);
    child = fork();
    if (child == -1)
        return false;
    if (child == 0)
        _exit(setgid(65534) == -1 || setuid(user_of(pid)) == -1 ||
              !set_soft(pid, which, n));
    return waitpid(child, &st, 0) == child && st == 0;
}
#endif

static void still_runs(struct actor *a)
{
    struct bytes out = { 0 };

    pump(0);
    if (!a->over)
        return;
    bytes_text(&out, "expected %s to go on\n", a->name);
    fail_with_state(&out);
}

/* limits files|processes N, or `back`: of the program as it runs. */
static void limit(struct actor *a, const char *rest)
{
#ifdef __linux__
    char what[16];
    int n = -1;

    if (sscanf(rest, "%15s %d", what, &n) < 1)
        script_error("limits files|processes N|back");
    still_runs(a);
    if (!set_limit(a->pid,
                   strcmp(what, "files") == 0 ? RLIMIT_NOFILE : RLIMIT_NPROC,
                   n)) {
        idle(1); /* or has it just ended, and we have not heard of it yet? */
        still_runs(a);
        leave_out("the limits of a running program cannot be set here");
    }
#else
    (void)a;
    (void)rest;
    leave_out("the limits of a running program can be set on Linux only");
#endif
}

/* A pool may make a few more threads or processes, and who reaps when the next
 * client comes has a zombie or two; a leak makes hundreds. */
enum { POOL_GROWTH = 8 };
static struct census allowed_growth;

static bool as_before(struct actor *a)
{
    struct census c, *b = &a->census;

    return proc_census(a, &c) && c.fds <= b->fds &&
           c.threads <= b->threads + POOL_GROWTH &&
           c.processes <= b->processes + POOL_GROWTH &&
           c.heap <= b->heap + allowed_growth.heap &&
           c.virtual <= b->virtual + allowed_growth.virtual;
}

static void census_line(struct bytes *out, const char *what, long before,
                        long now_n, long allowed_n, const char *unit)
{
    if (now_n > before + allowed_n)
        bytes_text(out, "  %s: %ld%s before, %ld%s now\n", what, before, unit,
                   now_n, unit);
}

/* [heap KIB] [virtual KIB] */
static void allow_growth(const char *rest)
{
    const char *p;

    allowed_growth = (struct census){ .heap = 1L << 40, .virtual = 1L << 40 };
    if ((p = strstr(rest, "heap ")) != NULL)
        allowed_growth.heap = atol(p + 5);
    if ((p = strstr(rest, "virtual ")) != NULL)
        allowed_growth.virtual = atol(p + 8);
}

static void same_census(struct actor *a, const char *rest)
{
    struct bytes out = { 0 };
    struct census c = { 0 }, *b = &a->census;

    allow_growth(a->steady ? "" : rest);
    if (a->over || !await(as_before, a)) {
        if (!a->over && !proc_census(a, &c))
            return; /* a system that does not tell */
        bytes_text(&out, "something is left of clients that have gone:\n");
        census_line(&out, "open descriptors", b->fds, c.fds, 0, "");
        census_line(&out, "threads", b->threads, c.threads, POOL_GROWTH, "");
        census_line(&out, "processes", b->processes, c.processes, POOL_GROWTH,
                    "");
        census_line(&out, "heap", b->heap, c.heap, allowed_growth.heap, " KiB");
        census_line(&out, "address space", b->virtual, c.virtual,
                    allowed_growth.virtual, " KiB");
        fail_with_state(&out);
    }
}

/* What memory a right program has may rise once: something that stays lies above
 * all that is free again. A leak makes it rise each time. So this remembers a time
 * without a rise; after one with a rise, what comes is compared with that. */
static void steady(struct actor *a, const char *rest)
{
    struct census before = a->census;

    allow_growth(rest);
    if (await(as_before, a)) {
        a->steady = true;
        return;
    }
    same_census(a, ""); /* descriptors, threads and processes never rise */
    proc_census(a, &a->census);
    a->census.fds = before.fds;
    a->census.threads = before.threads;
    a->census.processes = before.processes;
}

/* One process, threads inside: no child of it. */
static void alone(struct actor *a, int most)
{
    struct bytes out = { 0 };
    pid_t pids[64];
    int n = proc_list(a, pids, 64);

    if (n <= most)
        return;
    bytes_text(&out, "expected at most %d process%s, there are %d\n", most,
               most == 1 ? "" : "es", n);
    fail_with_state(&out);
}

static long threads_wanted;
static bool that_many_threads(struct actor *a)
{
    struct census c;

    return a->over || !proc_census(a, &c) || c.threads >= threads_wanted;
}

/* No more and no less than at the census: a pool. */
static void same_threads(struct actor *a)
{
    struct bytes out = { 0 };
    struct census c;

    if (!proc_census(a, &c) || c.threads == a->census.threads)
        return;
    bytes_text(&out, "expected as many threads as at the start, %ld, there %s"
                     " %ld\n",
               a->census.threads, c.threads == 1 ? "is" : "are", c.threads);
    fail_with_state(&out);
}

/* At least n threads, within the bound; any number where nobody can tell. */
static void threads(struct actor *a, const char *n)
{
    struct bytes out = { 0 };
    struct census c;

    if (strcmp(n, "same") == 0) {
        same_threads(a);
        return;
    }
    threads_wanted = atol(n);
    if (await(that_many_threads, a) && !a->over)
        return;
    proc_census(a, &c);
    bytes_text(&out, "expected at least %ld threads, there %s %ld\n",
               threads_wanted, c.threads == 1 ? "is" : "are", c.threads);
    fail_with_state(&out);
}

/* At most n open descriptors: those of clients that it has not accepted are
 * not among them. */
static void descriptors(struct actor *a, const char *n)
{
    struct bytes out = { 0 };
    struct census c;

    if (!proc_census(a, &c) || c.fds <= atol(n))
        return;
    bytes_text(&out, "expected at most %s open descriptors, there are %ld\n",
               n, c.fds);
    fail_with_state(&out);
}

static bool sleeps(struct actor *a)
{
    struct census c;

    return a->over || !proc_census(a, &c) || proc_asleep(a);
}

/* All its threads wait at some moment: who spins never does. */
static void sleeps_verb(struct actor *a, const char *unused)
{
    struct bytes out = { 0 };

    (void)unused;
    if (await(sleeps, a) && !a->over)
        return;
    bytes_text(&out, "expected its threads to wait, one burns the processor\n");
    fail_with_state(&out);
}

static void no_race(struct actor *a, const char *rest)
{
    struct bytes out = { 0 };
    static const char report[] = "WARNING: ThreadSanitizer: data race";
    size_t at = bytes_find(&a->said, 0, report, sizeof report - 1);
    const char *p = "";

    (void)rest;
    if (at == SIZE_MAX)
        return;
    at = bytes_find(&a->said, at, "SUMMARY: ", 9);
    if (at != SIZE_MAX)
        p = (const char *)a->said.p + at;
    bytes_text(&out, "%.*s\n", (int)strcspn(p, "\n"), p);
    bytes_text(&out, "two threads use one variable, and at least one writes it,"
                     " with no lock\n");
    fail_bytes(&out);
}

static void is_told(struct actor *a, const char *rest)
{
    if (strcmp(rest, "end") == 0)
        a->stdin_ends = true;
    else {
        parse(rest);
        bytes_add(&a->out, want.p, want.n);
    }
    pump(0);
    if (a->stdin_ends && a->out.n == a->sent && a->stdin_fd != -1) {
        close(a->stdin_fd);
        a->stdin_fd = -1;
    }
}

/* says lines N DATA: exactly N lines of stderr begin so, from the start;
 * N is `answered`: as many as answers have come from it. */
static long begin_count(const struct actor *a)
{
    long n = 0;

    for (size_t at = 0;
         (at = bytes_find(&a->said, at, want.p, want.n)) != SIZE_MAX; at++)
        n += at == 0 || a->said.p[at - 1] == '\n';
    return n;
}

static long begin_wanted;
static bool that_many_begin(struct actor *a)
{
    return begin_count(a) >= begin_wanted || closed(a);
}

/* N, or `answered`; says where the data begins. */
static const char *lines_wanted(const struct actor *a, const char *rest)
{
    char *data;

    begin_wanted = a->answered;
    if (strncmp(rest, "answered ", 9) == 0)
        return rest + 9;
    begin_wanted = strtol(rest, &data, 10);
    return data + strspn(data, " ");
}

static void says_lines(struct actor *a, const char *rest)
{
    struct bytes out = { 0 };

    parse(lines_wanted(a, rest));
    await(that_many_begin, a);
    if (begin_count(a) == begin_wanted)
        return;
    bytes_text(&out, *rest == 'a' ? "clients have got %ld answers; expected as"
                                    " many lines on stderr that begin with "
                                  : "expected %ld lines on stderr that begin"
                                    " with ",
               begin_wanted);
    data_show(&out, want.p, want.n);
    bytes_text(&out, ", there are %ld\n", begin_count(a));
    fail_with_state(&out);
}

/* ---- the verbs ---- */

static void prints_verb(struct actor *a, const char *rest)
{
    if (strcmp(rest, "nothing") == 0)
        prints_nothing(a);
    else if (strncmp(rest, "lines ", 6) == 0)
        prints_lines(a, rest + 6);
    else
        prints(a, rest);
}

static void says_verb(struct actor *a, const char *rest)
{
    if (strncmp(rest, "lines ", 6) == 0)
        says_lines(a, rest + 6);
    else if (strncmp(rest, "log ", 4) == 0)
        says_log(a, rest + 4);
    else
        says(a, rest);
}

static void ends_verb(struct actor *a, const char *rest)
{
    struct bytes out = { 0 };

    (void)rest;
    ends(a, &out, "its end");
}

/* A program that has ended has no pid any more: another may have it now. */
static void signal_verb(struct actor *a, const char *rest)
{
    int sig = signal_number(rest);

    if (!a->over)
        kill(a->pid, sig);
}

static void stops_verb(struct actor *a, const char *rest)
{
    (void)rest;
    signal_all(a, SIGSTOP);
    await(all_stopped, a);
}

static void continues_verb(struct actor *a, const char *rest)
{
    (void)rest;
    signal_all(a, SIGCONT);
}

static void runs_verb(struct actor *a, const char *rest)
{
    (void)rest;
    still_runs(a);
}

static void census_verb(struct actor *a, const char *rest)
{
    (void)rest;
    proc_census(a, &a->census);
    a->steady = false;
}

static void processes_verb(struct actor *a, const char *rest)
{
    alone(a, atoi(rest));
}

/* Nobody reads what it prints any more: write(2) will fail with EPIPE. */
static void unread_verb(struct actor *a, const char *rest)
{
    int *fd = strcmp(rest, "stderr") == 0 ? &a->stderr_fd : &a->stdout_fd;

    if (*fd != -1)
        close(*fd);
    *fd = -1;
}

static void idle_verb(struct actor *a, const char *rest)
{
    (void)a;
    idle(*rest != '\0' ? strtod(rest, NULL) : 0.3);
}

static void rests_verb(struct actor *a, const char *unused)
{
    (void)a;
    (void)unused;
    rest(0.3);
}

static void unheard_verb(struct actor *a, const char *rest)
{
    (void)rest;
    a->unheard = true;
}

static void heard_verb(struct actor *a, const char *rest)
{
    (void)rest;
    a->unheard = false;
}

static const struct {
    const char *name;
    void (*act)(struct actor *a, const char *rest);
} verbs[] = {
    { "ready", ready },
    { "gets", is_told },
    { "prints", prints_verb },
    { "says", says_verb },
    { "exits", exits },
    { "ends", ends_verb },
    { "complains", complains },
    { "usage", usage },
    { "signal", signal_verb },
    { "stops", stops_verb },
    { "continues", continues_verb },
    { "limits", limit },
    { "census", census_verb },
    { "as-before", same_census },
    { "steady", steady },
    { "processes", processes_verb },
    { "threads", threads },
    { "descriptors", descriptors },
    { "sleeps", sleeps_verb },
    { "runs", runs_verb },
    { "no-race", no_race },
    { "unread", unread_verb },
    { "idle", idle_verb },
    { "rests", rests_verb },
    { "unheard", unheard_verb },
    { "heard", heard_verb },
};

bool program_verb(struct actor *a, const char *verb, const char *rest)
{
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (strcmp(verbs[i].name, verb) == 0) {
            verbs[i].act(a, rest);
            return true;
        }
    return false;
}

/* For socket.c: how all programs fare, below what is wrong. */
void fail_here(struct bytes *out)
{
    fail_with_state(out);
}
