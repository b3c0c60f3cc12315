/* peer: plays a script from stdin. See peer.h and README.md. */
#define _GNU_SOURCE
#include "peer.h"

#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

enum { LINES_MAX = 2000 };

const char *script_dir;         /* where programs run, and may write */
static char *lines[LINES_MAX];
static int line_count;

static void read_script(void)
{
    char line[LINE_MAX_LEN];

    while (line_count < LINES_MAX && fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        lines[line_count++] = strdup(line + strspn(line, " \t"));
    }
}

/* Puts ports in the place of {name}, and i in that of {i}. */
static void substitute(const char *from, char *to, size_t size, long i)
{
    size_t n = 0;

    while (*from != '\0' && n + 16 < size) {
        const char *end = *from == '{' ? strchr(from, '}') : NULL;
        char name[NAME_MAX_LEN];

        if (end == NULL || (size_t)(end - from) > sizeof name) {
            to[n++] = *from++;
            continue;
        }
        snprintf(name, sizeof name, "%.*s", (int)(end - from - 1), from + 1);
        if (strcmp(name, "i") == 0)
            n += (size_t)snprintf(to + n, size - n, "%ld", i);
        else
            n += (size_t)snprintf(to + n, size - n, "%d",
                                  actor_need(name)->port);
        from = end + 1;
    }
    to[n] = '\0';
}

/* Words, for `run`: `'a b'` and `"a\nb"` are one; `''` is an empty one. */
static void split(const char *s, char *args[])
{
    int n = 0;

    for (s += strspn(s, " "); *s != '\0' && n < ARGS_MAX - 1;
         s += strspn(s, " ")) {
        struct bytes b = { 0 };

        bytes_add(&b, "", 0);
        if (*s == '\'') {
            size_t len = strcspn(s + 1, "'");

            bytes_add(&b, s + 1, len);
            s += len + 1 + (s[len + 1] == '\'');
        } else if (*s == '"') {
            const char *end = s + 1;

            while (*end != '\0' && *end != '"')
                end += *end == '\\' && end[1] != '\0' ? 2 : 1;
            end = end + 1 + strspn(end + 1, "*0123456789");
            char *word = strndup(s, (size_t)(end - s));
            const char *p = word;

            if (!data_parse(&p, &b))
                script_error("bad word: %s", word);
            free(word);
            s = end;
        } else {
            size_t len = strcspn(s, " ");

            bytes_add(&b, s, len);
            s += len;
        }
        args[n++] = (char *)b.p;
    }
    args[n] = NULL;
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
    if (strcmp(what, "ipv6") == 0 && access("/proc/net/if_inet6", R_OK) == -1
        && strcmp(u.sysname, "Linux") == 0)
        leave_out("this machine has no IPv6");
}

/* Makes a file for the programs: `file NAME MODE DATA`. */
static void make_file(const char *rest)
{
    char name[64], path[512];
    unsigned mode;
    int used = 0;
    struct bytes b = { 0 };
    FILE *f;

    if (sscanf(rest, "%63s %o %n", name, &mode, &used) < 2)
        script_error("file NAME MODE DATA");
    rest += used;
    data_parse(&rest, &b);
    snprintf(path, sizeof path, "%s/%s", script_dir, name);
    f = fopen(path, "w");
    if (f == NULL || fwrite(b.p, 1, b.n, f) != b.n || fclose(f) != 0
        || chmod(path, mode) == -1)
        script_error("%s: %s", path, strerror(errno));
    bytes_free(&b);
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
    *to = strtol(end + 2, NULL, 10);
    snprintf(name, size, "%.*s", (int)digits, word);
    return true;
}

static void act(const char *name, const char *verb, const char *rest)
{
    struct actor *a = actor_find(name);
    bool known;

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

static void play_line(const char *line)
{
    char text[LINE_MAX_LEN], word[64] = "", verb[64] = "", *args[ARGS_MAX];
    int used = 0;
    double usual = bound;
    bool ranged = strstr(line, "{i}") != NULL;

    if (ranged)
        snprintf(text, sizeof text, "%s", line);
    else
        substitute(line, text, sizeof text, 0);
    line = text;
    if (sscanf(line, "within %lf %n", &bound, &used) == 1)
        line += used;
    used = 0;
    sscanf(line, "%63s %63s %n", word, verb, &used);
    story_step(text);
    if (strcmp(word, "run") == 0) {
        split(line + 4, args);
        program_run(args);
    } else if (strcmp(word, "file") == 0)
        make_file(line + 5);
    else
        act_all(word, verb, used > 0 ? line + used : "");
    bound = usual;
}

static int play(int from, int to);

/* repeat N ... end */
static int repeat(int from, int to)
{
    long times = atol(lines[from] + 7);
    size_t mark = story_mark();
    int end = from + 1, depth = 1;

    for (; end < to; end++) {
        depth += strncmp(lines[end], "repeat ", 7) == 0;
        depth -= strcmp(lines[end], "end") == 0;
        if (depth == 0)
            break;
    }
    for (long i = 1; i <= times; i++) {
        story_repeat(mark, i, times);
        play(from + 1, end);
    }
    return end + 1;
}

static bool starts(const char *line, const char *word)
{
    return strncmp(line, word, strlen(word)) == 0;
}

static int play(int from, int to)
{
    for (int i = from; i < to;) {
        const char *line = lines[i];

        if (starts(line, "repeat ")) {
            i = repeat(i, to);
            continue;
        }
        if (starts(line, "hint "))
            story_hint(line + 5);
        else if (starts(line, "try "))
            story_try(line + 4);
        else if (starts(line, "need "))
            need(line + 5);
        else if (starts(line, "settle"))
            settle();
        else if (*line != '\0' && *line != '#')
            play_line(line);
        i++;
    }
    return to;
}

static int remove_one(const char *path, const struct stat *st, int type,
                      struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    remove(path);
    return 0;
}

void leave(int status)
{
    actors_end();
    if (script_dir != NULL)
        nftw(script_dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    _exit(status);
}

static void raise_files(void)
{
    struct rlimit r;

    if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
        r.rlim_cur = r.rlim_max == RLIM_INFINITY || r.rlim_max > 20000
            ? 20000 : r.rlim_max;
        setrlimit(RLIMIT_NOFILE, &r);
    }
}

int main(void)
{
    static char dir[] = "/tmp/check-XXXXXX";

    signal(SIGPIPE, SIG_IGN);
    raise_files();
    if (mkdtemp(dir) == NULL) {
        perror("peer: mkdtemp");
        return BAD_SCRIPT;
    }
    chmod(dir, 0777);
    script_dir = dir;
    read_script();
    play(0, line_count);
    leave(PASSED);
}
