/* peer: plays a script from stdin. See peer.h and README.md. */
#define _XOPEN_SOURCE 700 /* nftw(3) */
#ifdef __linux__
#define _GNU_SOURCE
#elif defined __APPLE__
#define _DARWIN_C_SOURCE
#endif
#include "peer.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/prctl.h>
#endif

enum { LINES_MAX = 2000,
       RANGE_MAX = 20000 };

const char *script_dir;
static char *lines[LINES_MAX];
static int line_count;

/* A script that is cut would pass without its end: no limit is silent. */
static void read_script(void)
{
    char line[LINE_MAX_LEN];

    while (fgets(line, sizeof line, stdin) != NULL) {
        if (strlen(line) == sizeof line - 1)
            script_error("a line of more than %d bytes", LINE_MAX_LEN - 2);
        if (line_count == LINES_MAX)
            script_error("more than %d lines", LINES_MAX);
        line[strcspn(line, "\n")] = '\0';
        lines[line_count++] = text_copy(line + strspn(line, " \t"));
    }
    if (ferror(stdin))
        script_error("cannot read it: %s", strerror(errno));
}

/* `name` is its port, `name.pid` and `name.uid` are of a local client;
 * `longest` is the room for a socket's path. */
static long number_of(char *name)
{
    char *dot = strchr(name, '.');
    const struct actor *a;

    if (strcmp(name, "longest") == 0)
        return (long)sizeof((struct sockaddr_un *)NULL)->sun_path - 1;
    if (dot != NULL)
        *dot = '\0';
    a = actor_need(name);
    return dot == NULL                    ? a->port
           : strcmp(dot + 1, "pid") == 0 ? a->pid
                                         : a->uid;
}

/* Is s, up to end, `{name}`? Then puts down what it stands for, and returns its
 * length; else 0. */
static int put_value(const char *s, const char *end, long i, char *to,
                     size_t size)
{
    char name[NAME_MAX_LEN];

    if (end == NULL || (size_t)(end - s) > sizeof name)
        return 0;
    memcpy(name, s + 1, (size_t)(end - s) - 1);
    name[end - s - 1] = '\0';
    if (strcmp(name, "here") == 0)
        return snprintf(to, size, "%s", script_dir);
    return snprintf(to, size, "%ld",
                    strcmp(name, "i") == 0 ? i : number_of(name));
}

/* Puts ports in the place of {name}, i in that of {i}, and the programs' folder
 * in that of {here}. */
static void substitute(const char *from, char *to, size_t size, long i)
{
    enum { LONGEST = 24 }; /* a number or a folder, and a NUL */
    size_t n = 0;

    while (*from != '\0') {
        const char *end = *from == '{' ? strchr(from, '}') : NULL;
        int put;

        if (n + LONGEST > size)
            script_error("a line of more than %zu bytes", size - LONGEST);
        put = put_value(from, end, i, to + n, LONGEST);
        if (put > 0) {
            n += (size_t)put;
            from = end + 1;
        } else
            to[n++] = *from++;
    }
    to[n] = '\0';
}

/* `'a b'`: as it is. Where it ends. */
static const char *single_quoted(const char *s, struct bytes *word)
{
    const char *end = strchr(s + 1, '\'');

    if (end == NULL)
        script_error("no ' at the end of %s", s);
    bytes_add(word, s + 1, (size_t)(end - s) - 1);
    return end + 1;
}

/* `"a\nb"*3`: data, one item of it. Where it ends. */
static const char *double_quoted(const char *s, struct bytes *word)
{
    const char *end = s + 1, *data;
    char *copy;

    while (*end != '\0' && *end != '"')
        end += *end == '\\' && end[1] != '\0' ? 2 : 1;
    if (*end == '\0')
        script_error("no \" at the end of %s", s);
    end++;
    end += strspn(end, "*0123456789");
    copy = text_copy(s);
    copy[end - s] = '\0';
    data = copy;
    if (!data_parse(&data, word) || *data != '\0')
        script_error("bad word: %s", copy);
    free(copy);
    return end;
}

static const char *plain_word(const char *s, struct bytes *word)
{
    size_t n = strcspn(s, " ");

    bytes_add(word, s, n);
    return s + n;
}

const char *word_parse(const char *s, struct bytes *word)
{
    bytes_add(word, "", 0);
    return *s == '\''  ? single_quoted(s, word)
           : *s == '"' ? double_quoted(s, word)
                       : plain_word(s, word);
}

/* Words, for `run`, to be freed; how many. */
static int split(const char *s, char *args[ARGS_MAX])
{
    int n = 0;

    for (s += strspn(s, " "); *s != '\0'; s += strspn(s, " ")) {
        struct bytes word = { 0 };

        if (n == ARGS_MAX - 1)
            script_error("more than %d words", ARGS_MAX - 1);
        s = word_parse(s, &word);
        args[n++] = (char *)word.p;
    }
    args[n] = NULL;
    if (n == 0)
        script_error("run PROG ARG...");
    return n;
}

static void need(const char *what)
{
    bool room = getenv("ROOM") != NULL && strcmp(getenv("ROOM"), "own") == 0;
    struct utsname u;

    uname(&u);
    if (strcmp(what, "room") == 0 && !room)
        leave_out("needs a network of its own (Linux namespaces)");
    if (strcmp(what, "linux") == 0 && strcmp(u.sysname, "Linux") != 0)
        leave_out("needs Linux");
    if (strcmp(what, "ipv6") == 0 && access("/proc/net/if_inet6", R_OK) == -1 &&
        strcmp(u.sysname, "Linux") == 0)
        leave_out("this machine has no IPv6");
}

/* name1..100 or name100..1, and a verb: once for each. */
static bool range_of(const char *word, char *name, size_t size, long *from,
                     long *to)
{
    size_t digits = strcspn(word, "0123456789");
    char *end;

    *from = strtol(word + digits, &end, 10);
    if (digits == 0 || strncmp(end, "..", 2) != 0)
        return false;
    *to = strtol(end + 2, &end, 10);
    if (*end != '\0' || digits >= size || *from < 0 || *from > RANGE_MAX ||
        *to < 0 || *to > RANGE_MAX)
        script_error("a range is name1..100, up to %d", RANGE_MAX);
    memcpy(name, word, digits);
    name[digits] = '\0';
    return true;
}

static void act(const char *name, const char *verb, const char *rest)
{
    struct actor *a = actor_find(name);
    bool known;

    if (strlen(name) >= NAME_MAX_LEN)
        script_error("a name of more than %d bytes", NAME_MAX_LEN - 1);
    if (a != NULL && a->kind == PROGRAM)
        known = program_verb(a, verb, rest);
    else
        known = socket_verb(name, a, verb, rest);
    if (!known)
        script_error("%s cannot %s", name, verb);
}

static void act_all(const char *word, const char *verb, const char *rest)
{
    char base[NAME_MAX_LEN], name[NAME_MAX_LEN + 24], text[LINE_MAX_LEN];
    long from, to, i;

    if (!range_of(word, base, sizeof base, &from, &to)) {
        act(word, verb, rest);
        return;
    }
    for (i = from; from <= to ? i <= to : i >= to; i += from <= to ? 1 : -1) {
        snprintf(name, sizeof name, "%s%ld", base, i);
        substitute(rest, text, sizeof text, i);
        act(name, verb, text);
    }
}

static bool starts(const char *line, const char *word)
{
    return strncmp(line, word, strlen(word)) == 0;
}

static void run_line(const char *rest)
{
    char *args[ARGS_MAX], *words[ARGS_MAX];
    int n = split(rest, words);

    memcpy(args, words, sizeof args[0] * ((size_t)n + 1));
    program_run(args); /* cuts its options off */
    for (int i = 0; i < n; i++)
        free(words[i]);
}

/* A step, without its `within`. */
static void step(const char *line)
{
    char word[64] = "", verb[64] = "";
    int used = 0;

    sscanf(line, "%63s %63s %n", word, verb, &used);
    if (strcmp(word, "run") == 0)
        run_line(line + strlen("run"));
    else if (starts(line, "path "))
        path_step(line + strlen("path "));
    else if (!file_step(line))
        act_all(word, verb, used > 0 ? line + used : "");
}

/* A range's lines are substituted one by one, in act_all(): {a{i}}. */
static void play_line(const char *line)
{
    char text[LINE_MAX_LEN];
    int used = 0;
    double usual = bound;

    if (strstr(line, "{i}") != NULL)
        snprintf(text, sizeof text, "%s", line);
    else
        substitute(line, text, sizeof text, 0);
    story_step(text);
    if (sscanf(text, "within %lf %n", &bound, &used) != 1)
        used = 0;
    step(text + used);
    bound = usual;
}

static void play(int from, int to);

/* The `end` of the `repeat` at from. */
static int end_of_repeat(int from, int to)
{
    int depth = 0;

    for (int i = from; i < to; i++) {
        depth += starts(lines[i], "repeat ");
        depth -= strcmp(lines[i], "end") == 0;
        if (depth == 0)
            return i;
    }
    script_error("repeat without end");
}

/* repeat N ... end; says where it ends. */
static int repeat(int from, int to)
{
    long times = strtol(lines[from] + strlen("repeat "), NULL, 10);
    size_t mark = story_mark();
    int end = end_of_repeat(from, to);

    if (times < 1)
        script_error("repeat how many times?");
    for (long i = 1; i <= times; i++) {
        story_repeat(mark, i, times);
        play(from + 1, end);
    }
    return end;
}

static void play(int from, int to)
{
    for (int i = from; i < to; i++) {
        const char *line = lines[i];

        if (starts(line, "repeat "))
            i = repeat(i, to);
        else if (starts(line, "hint "))
            story_hint(line + strlen("hint "));
        else if (starts(line, "try "))
            story_try(line + strlen("try "));
        else if (starts(line, "need "))
            need(line + strlen("need "));
        else if (strcmp(line, "settle") == 0)
            settle();
        else if (*line != '\0' && *line != '#')
            play_line(line);
    }
}

static int remove_one(const char *path, const struct stat *st, int type,
                      struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    remove(path);
    return 0; /* go on: a file that stays is no reason to keep the others */
}

/* exit(3)'s handlers have nothing to do here; stdout is flushed before. */
void leave(int status)
{
    recording_keep(); /* before the end of the actors is a part of it */
    actors_end();
    recording_end();
    if (script_dir != NULL)
        nftw(script_dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    _exit(status);
}

static void raise_files(void)
{
    struct rlimit r;

    if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
        r.rlim_cur = r.rlim_max == RLIM_INFINITY || r.rlim_max > 20000
                         ? 20000
                         : r.rlim_max;
        setrlimit(RLIMIT_NOFILE, &r);
    }
}

/* Other processes of this user, the programs under test among them, get no
 * hold of our descriptors and our memory: ptrace(2), /proc/PID/fd. */
static void keep_out(void)
{
#ifdef __linux__
    prctl(PR_SET_DUMPABLE, 0);
#endif
}

int main(void)
{
    static char dir[] = "/tmp/check-XXXXXX";

    signal(SIGPIPE, SIG_IGN);
    keep_out();
    raise_files();
    if (getenv("BIN") == NULL || getenv("SUPPORT") == NULL)
        script_error("BIN and SUPPORT say where the programs are");
    if (mkdtemp(dir) == NULL || chmod(dir, 0777) == -1 || chdir(dir) == -1)
        script_error("%s: %s", dir, strerror(errno));
    script_dir = dir;
    recording_start();
    read_script();
    play(0, line_count);
    leave(PASSED);
}
