/* Reads the events, and finds out who is who. */
#include "picture.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { FIELDS = 21,
       NEEDED = 18, /* the last ones are not always told */
       FIRST_NUMBER = 100,
       SHORT = 50000 /* ns: a wait that nobody needs to see */ };

bool call_is(const struct event *e, const char *names)
{
    size_t n = strlen(e->call);

    for (const char *p = names; n > 0 && (p = strstr(p, e->call)) != NULL;
         p += n)
        if ((p == names || p[-1] == ' ') && (p[n] == ' ' || p[n] == '\0'))
            return true;
    return false;
}

bool is_actor(const struct event *e)
{
    return e->pid >= ACTORS && e->pid < WORLD;
}

bool is_send(const struct event *e)
{
    return call_is(e, "write send sendto sendmsg writev sendfile");
}

bool is_receive(const struct event *e)
{
    return call_is(e, "read recv recvfrom recvmsg readv");
}

/* ---- from lines to events ---- */

static int cut(char *line, const char *field[FIELDS])
{
    int n = 0;

    for (char *p = line; p != NULL; n++) {
        char *tab = strchr(p, '\t');

        if (tab != NULL)
            *tab++ = '\0';
        if (n < FIELDS)
            field[n] = strcmp(p, "-") == 0 ? "" : p;
        p = tab;
    }
    return n;
}

/* The second one of "u1,u2"; "" where there is one only. */
static const char *cut_second(const char *both)
{
    char *comma = strchr(both, ',');

    if (comma == NULL)
        return "";
    *comma = '\0';
    return comma + 1;
}

/* What acts at its entry: others see it before it returns. */
static bool acts_early(const struct event *e)
{
    return is_send(e) ||
           call_is(e, "connect close shutdown kill fork pthread_create exit");
}

/* Fills in *e. False: the line is no event. */
static bool parse(char *line, struct event *e)
{
    const char *f[FIELDS] = { [NEEDED] = "", "", "" };

    if (cut(line, f) < NEEDED || strlen(f[0]) != 1 ||
        strchr("SBEPXZ", f[0][0]) == NULL)
        return false;
    *e = (struct event){
        .kind = f[0][0],
        .time = atoll(f[1]),
        .pid = atoi(f[2]),
        .tid = atoi(f[3]),
        .program = f[4],
        .call = f[5],
        .args = f[6],
        .fd = f[7],
        .id = f[8],
        .local = f[9],
        .peer = f[10],
        .has_result = f[11][0] != '\0',
        .result = atoll(f[11]),
        .error = f[12],
        .waited = atoll(f[13]),
        .bytes = atoll(f[14]),
        .data = f[15],
        .fault = f[16],
        .caller = f[17],
        .asked = f[18][0] != '\0' ? atoll(f[18]) : -1,
        .way = f[19],
        .rest = f[20],
        .arrow = -1,
    };
    e->id2 = cut_second(e->id);
    return true;
}

static int count_lines(const char *text)
{
    int n = 0;

    while ((text = strchr(text, '\n')) != NULL) {
        text++;
        n++;
    }
    return n;
}

/* Whoever wrote it may not move the cursor of who reads the drawing. */
static void make_printable(char *line)
{
    for (; *line != '\0'; line++)
        if (((unsigned char)*line < 32 && *line != '\t') || *line == 127)
            *line = '?';
}

/* One line, whole; the last one may be half: its writer was killed. */
static void take_line(struct picture *p, char *line)
{
    struct event *e;

    if (line[0] == '#')
        return;
    make_printable(line);
    e = &p->all[p->events];
    if (!parse(line, e)) {
        p->malformed++;
        return;
    }
    p->event[p->events++] = e;
}

/* There is no NUL in an events' file: getdelim(3) takes all of it. */
static int read_lines(struct picture *p, FILE *f)
{
    size_t size = 0;
    char *end;
    int lines;

    if (getdelim(&p->text, &size, '\0', f) == -1)
        return ferror(f) ? -1 : 0;
    lines = count_lines(p->text);
    p->all = grown(NULL, lines + 1, sizeof *p->all);
    p->event = grown(NULL, lines + 1, sizeof *p->event);
    for (char *line = p->text; (end = strchr(line, '\n')) != NULL;
         line = end + 1) {
        *end = '\0';
        take_line(p, line);
    }
    return 0;
}

static int by_time(const void *a, const void *b)
{
    const struct event *x = *(struct event *const *)a;
    const struct event *y = *(struct event *const *)b;

    if (x->time != y->time)
        return x->time > y->time ? 1 : -1;
    return (x->kind < y->kind) - (x->kind > y->kind);
}

static int by_at(const void *a, const void *b)
{
    const struct event *x = *(struct event *const *)a;
    const struct event *y = *(struct event *const *)b;

    return x->at != y->at ? (x->at > y->at ? 1 : -1) : by_time(a, b);
}

static void order(struct picture *p, int (*by)(const void *, const void *))
{
    if (p->events > 0)
        qsort(p->event, (size_t)p->events, sizeof *p->event, by);
}

static void set_times(struct picture *p)
{
    long long start;

    order(p, by_time);
    start = p->events > 0 ? p->event[0]->time : 0;
    for (int i = 0; i < p->events; i++) {
        struct event *e = p->event[i];

        e->time -= start;
        e->at = e->kind == 'E' && acts_early(e) ? e->time - e->waited : e->time;
    }
}

/* ---- lanes ---- */

static int find_lane(const struct picture *p, int pid, int tid)
{
    for (int i = p->lanes - 1; i >= 0; i--)
        if (p->lane[i].pid == pid && p->lane[i].tid == tid)
            return i;
    return -1;
}

static int need_lane(struct picture *p, int pid, int tid, const char *program)
{
    int i = find_lane(p, pid, tid);

    if (i >= 0)
        return i;
    p->lane = grown(p->lane, p->lanes + 1, sizeof *p->lane);
    /* Of a process there is no first thread yet: no parent. */
    p->lane[p->lanes] = (struct lane){ .pid = pid,
                                       .tid = tid,
                                       .program = program,
                                       .parent = find_lane(p, pid, pid) };
    return p->lanes++;
}

static void note_family(struct picture *p, struct event *e)
{
    int pid = e->pid / WORLD * WORLD + (int)e->result;
    int other = find_lane(p, pid, pid);

    if (e->kind == 'S') {
        p->lane[e->lane].program = e->program; /* execve(2): another one */
        if (p->lane[e->lane].parent < 0)
            p->lane[e->lane].parent = other;
    } else if (call_is(e, "thread"))
        p->lane[e->lane].parent = find_lane(p, e->pid, (int)e->result);
    else if (call_is(e, "fork posix_spawn") && e->result > 0) {
        other = need_lane(p, pid, pid, e->program);
        p->lane[other].parent = e->lane;
    } else if (strcmp(e->call, "thread ends") == 0)
        p->lane[e->lane].exit = e;
    else if (e->kind == 'Z')
        p->lane[e->lane].zombie = e->hidden = true;
    else if (e->kind == 'X')
        for (int i = 0; i < p->lanes; i++) /* exit(3) in any thread ends all */
            if (p->lane[i].pid == e->pid && p->lane[i].exit == NULL)
                p->lane[i].exit = e;
}

static bool has_path(const char *address)
{
    return strncmp(address, "unix:", 5) == 0 && address[5] != '\0';
}

/* Is the other side, at a path, one of the programs? (Not the system's name
 * service, say.) */
static bool is_among_us(const struct picture *p, const char *peer)
{
    for (int i = 0; i < p->events && has_path(peer); i++)
        if (strcmp(p->event[i]->local, peer) == 0)
            return true;
    return false;
}

static bool on_network(const struct picture *p, const struct event *e)
{
    return e->id[0] == 's' || e->id[0] == 'd' ||
           (e->id[0] != '\0' &&
            (has_path(e->local) || is_among_us(p, e->peer)));
}

/* Programs that only start others (env, timeout, sh) are not shown; nor, where
 * sockets are the matter, those that have pipes alone (a shell's `$(...)`). */
static bool is_news(const struct picture *p, const struct event *e,
                    bool network)
{
    if (network)
        return on_network(p, e);
    return strchr("SPXZ", e->kind) == NULL &&
           !call_is(
               e,
               "wait waitpid wait4 fork posix_spawn dup dup2 dup3 signal kill");
}

static void show_process(struct picture *p, int pid)
{
    for (int i = 0; i < p->lanes; i++)
        if (p->lane[i].pid == pid)
            p->lane[i].shown = true;
}

/* Is it of a program that its process is no more, and that had no socket: a
 * script, which has found and started the real one? */
static bool is_forerunner(const struct picture *p, const struct event *e)
{
    const struct event *start = p->lane[e->lane].start;

    return start != NULL && e->at < start->at;
}

static void drop_idlers(struct picture *p)
{
    bool network = false;
    int kept = 0;

    for (int i = 0; i < p->events; i++) {
        struct lane *l = &p->lane[p->event[i]->lane];
        bool here = on_network(p, p->event[i]);

        network = network || here;
        l->early = l->early || here;
        if (p->event[i]->kind == 'S' && !l->early)
            l->start = p->event[i];
    }
    for (int i = 0; i < p->events; i++)
        if (!p->lane[p->event[i]->lane].shown &&
            is_news(p, p->event[i], network))
            show_process(p, p->event[i]->pid);
    for (int i = 0; i < p->events; i++)
        if (p->lane[p->event[i]->lane].shown &&
            !(network && is_forerunner(p, p->event[i])))
            p->event[kept++] = p->event[i];
    p->events = kept;
}

static void make_lanes(struct picture *p)
{
    for (int i = 0; i < p->events; i++) {
        struct event *e = p->event[i];

        e->lane = need_lane(p, e->pid, e->tid, e->program);
        note_family(p, e);
        if (p->lane[e->lane].first == NULL)
            p->lane[e->lane].first = e;
        p->lane[e->lane].last = e;
    }
    if (!p->whole)
        drop_idlers(p);
    for (int i = 0; i < p->lanes; i++)
        p->lane[i].shown = p->lane[i].shown || p->whole;
}

/* ---- sides and tags ---- */

/* A recording may say anything, also that one is its own grandchild. */
static int root_of(const struct picture *p, int lane)
{
    for (int i = 0; i < p->lanes && p->lane[lane].parent >= 0 &&
                    p->lane[p->lane[lane].parent].shown;
         i++)
        lane = p->lane[lane].parent;
    return lane;
}

/* A server listens, or binds; its family is on the left. */
static bool find_servers(struct picture *p)
{
    bool found = false;

    for (int i = 0; i < p->lanes; i++)
        p->lane[i].side = RIGHT;
    for (int i = 0; i < p->events; i++)
        if (call_is(p->event[i], "listen bind") &&
            p->event[i]->error[0] == '\0') {
            p->lane[root_of(p, p->event[i]->lane)].side = LEFT;
            found = true;
        }
    for (int i = 0; i < p->lanes; i++)
        p->lane[i].side = p->lane[root_of(p, i)].side;
    return found;
}

/* Nobody serves: the first family is on the left; where it is the only one
 * (pipes), its children stand on either side in turn. */
static void take_turns(struct picture *p)
{
    int first = -1, others = 0, turn = 0;

    for (int i = 0; i < p->lanes; i++)
        if (p->lane[i].shown && first < 0)
            first = root_of(p, i);
    for (int i = 0; i < p->lanes && first >= 0; i++) {
        p->lane[i].side = root_of(p, i) == first ? LEFT : RIGHT;
        others += p->lane[i].shown && p->lane[i].side == RIGHT;
    }
    for (int i = 0; i < p->lanes && others == 0; i++)
        if (p->lane[i].shown && p->lane[i].parent == first &&
            p->lane[i].pid != p->lane[first].pid)
            p->lane[i].side = turn++ % 2 == 0 ? LEFT : RIGHT;
}

static bool is_root(const struct picture *p, int lane, enum side side)
{
    return p->lane[lane].shown && p->lane[lane].side == side &&
           root_of(p, lane) == lane;
}

static int families(const struct picture *p, enum side side)
{
    int n = 0;

    for (int i = 0; i < p->lanes; i++)
        n += is_root(p, i, side);
    return n;
}

/* [A], [B]: families of one side, or their names, where these are short and
 * tell them apart; in a family [P1]: processes, [T1]: threads. */
static void tag_lane(struct picture *p, int i, const char *family)
{
    struct lane *l = &p->lane[i];
    bool thread = l->pid != l->tid;
    char who[12] = "";
    int n = 0;

    for (int k = 0; k <= i; k++)
        n += p->lane[k].shown && root_of(p, k) == root_of(p, i) &&
             k != root_of(p, i) &&
             (p->lane[k].pid != p->lane[k].tid) == thread;
    if (i != root_of(p, i))
        snprintf(who, sizeof who, "%c%d", thread ? 'T' : 'P', n);
    if (family[0] != '\0' || who[0] != '\0')
        snprintf(l->tag, sizeof l->tag, "[%.5s%s]", family, who);
}

static bool names_will_do(const struct picture *p, enum side side)
{
    for (int i = 0; i < p->lanes; i++) {
        if (!is_root(p, i, side))
            continue;
        if (strlen(p->lane[i].program) > 5)
            return false;
        for (int k = 0; k < i; k++)
            if (is_root(p, k, side) &&
                strcmp(p->lane[k].program, p->lane[i].program) == 0)
                return false;
    }
    return true;
}

static void tag_side(struct picture *p, enum side side)
{
    bool several = families(p, side) > 1, names = names_will_do(p, side);
    char letter[2] = "A";

    for (int root = 0; root < p->lanes; root++) {
        if (!is_root(p, root, side))
            continue;
        for (int i = root; i < p->lanes; i++)
            if (p->lane[i].shown && root_of(p, i) == root)
                tag_lane(p, i, !several ? "" : names ? p->lane[root].program
                                                     : letter);
        letter[0] = letter[0] == 'Z' ? 'a' : (char)(letter[0] + 1);
    }
}

/* ---- beginnings and ends ---- */

/* Each B to its E: the next end of the same call in its lane. */
static void join_ends(struct picture *p)
{
    struct event **open = grown(NULL, p->lanes + 1, sizeof *open);

    memset(open, 0, (size_t)(p->lanes + 1) * sizeof *open);
    for (int i = 0; i < p->events; i++) {
        struct event *e = p->event[i], *b = open[e->lane];

        if (e->kind == 'B')
            open[e->lane] = e;
        else if (e->kind == 'E' && b != NULL && strcmp(b->call, e->call) == 0) {
            b->end = e;
            e->begin = b;
            open[e->lane] = NULL;
        }
    }
    free(open);
}

/* A wait is shown where something else happened meanwhile, or has no end. */
static void hide_short_waits(struct picture *p)
{
    for (int i = 0; i < p->events; i++) {
        struct event *e = p->event[i], *next = NULL;

        for (int k = i + 1; k < p->events && next == NULL; k++)
            if (p->event[k]->kind == 'E' || p->event[k]->kind == 'X')
                next = p->event[k];
        if (e->kind == 'S' || e->kind == 'P')
            e->hidden = true;
        else if (e->kind == 'B' && e->end != NULL)
            e->hidden = next == e->end || acts_early(e) ||
                        e->end->time - e->time < SHORT;
        if (e->kind == 'B' && e->hidden && e->end != NULL)
            e->end->begin = NULL;
    }
}

/* ---- what says nothing ---- */

/* A look that did not wait: what it found, the next call shows. */
static bool is_look(const struct event *e)
{
    if (e->kind != 'E' || e->begin != NULL || e->fault[0] != '\0')
        return false;
    if (is_receive(e))
        return strcmp(e->error, "EAGAIN") == 0;
    return e->error[0] == '\0' &&
           call_is(e, "poll ppoll select pselect epoll_wait epoll_pwait");
}

/* Does anybody ever send or receive there? */
static bool is_used(const struct picture *p, const char *id)
{
    for (int i = 0; i < p->events; i++)
        if (strcmp(p->event[i]->id, id) == 0 &&
            (is_send(p->event[i]) || is_receive(p->event[i])) &&
            strcmp(p->event[i]->error, "EAGAIN") != 0)
            return true;
    return false;
}

/* A program's own alarm bell (curl has one), which never rings. */
static void hide_unused(struct picture *p)
{
    for (int i = 0; i < p->events; i++) {
        const struct event *made = p->event[i];

        if (!call_is(made, "pipe pipe2 socketpair") || made->kind != 'E' ||
            is_used(p, made->id) || is_used(p, made->id2))
            continue;
        for (int k = i; k < p->events; k++)
            if (strcmp(p->event[k]->id, made->id) == 0 ||
                strcmp(p->event[k]->id, made->id2) == 0)
                p->event[k]->hidden = true;
    }
}

static void hide_the_dull(struct picture *p)
{
    for (int i = 0; i < p->events; i++)
        if (is_look(p->event[i]))
            p->event[i]->hidden = true;
    hide_unused(p);
}

static void number(const struct picture *p, struct event *e)
{
    int result = find_lane(p, (int)e->result, (int)e->result);
    int arg = find_lane(p, atoi(e->args), atoi(e->args));
    char *text;

    if (!call_is(e, "fork posix_spawn wait waitpid wait4 kill"))
        return;
    if (result >= 0)
        e->result = FIRST_NUMBER + result;
    if (arg >= 0) {
        text = grown(NULL, 16, 1);
        snprintf(text, 16, "%d", FIRST_NUMBER + arg);
        e->args = text;
    }
}

/* The time of day in a server's answer, as far as it is there. */
static void stop_clock(const struct picture *p, const struct event *e)
{
    static const char date[] = "Date: ", then[] = "Thu, 01 Jan 1970 00:00:00";
    const char *found = strstr(e->data, date);

    if (found == NULL)
        return;
    char *at = p->text + (found - p->text) + strlen(date);
    for (size_t i = 0; then[i] != '\0' && *at != '"' && *at != '\0'; i++)
        *at++ = then[i];
}

void picture_number(struct picture *p)
{
    for (int i = 0; i < p->events; i++) {
        number(p, p->event[i]);
        stop_clock(p, p->event[i]);
    }
}

static void arrange(struct picture *p)
{
    for (int i = 0; i < p->lanes; i++)
        p->lane[i].tag[0] = '\0';
    if (!find_servers(p))
        take_turns(p);
    tag_side(p, LEFT);
    tag_side(p, RIGHT);
}

int picture_read(struct picture *p, FILE *f)
{
    if (read_lines(p, f) == -1)
        return -1;
    set_times(p);
    make_lanes(p);
    join_ends(p);
    order(p, by_at);
    hide_short_waits(p);
    hide_the_dull(p);
    arrange(p);
    return 0;
}

void picture_narrow(struct picture *p)
{
    for (int i = 0; i < p->lanes; i++)
        p->lane[i].shown = false;
    if (p->guilty != NULL)
        show_process(p, p->guilty->pid);
    drop_idlers(p);
    arrange(p);
}
