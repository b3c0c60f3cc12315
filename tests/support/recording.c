/* The script's own part of the ladder: what its actors did, in the format of
 * tools/trace/README.md, beside what the recorder writes for the programs. At
 * the end, all of it goes into the check's log. LADDER is the folder of the
 * recorder; without it, nothing of this happens, but that programs are given the
 * recorder where faults are ordered for them. */
#define _GNU_SOURCE
#ifdef __APPLE__
#define _DARWIN_C_SOURCE
#endif
#include "peer.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { FIRST_PID = 5000000, /* tools/trace/picture.h: ACTORS */
       DATA_SHOWN = 48,
       PATIENCE = 4 /* seconds in all */ };

/* The most for one step: what is only drawn is not worth more. */
static const double short_bound = 2.5;

static int events = -1;
static char events_path[64], library_path[64], loaded_path[64];

const char *recording_events(void)
{
    return events_path[0] == '\0' ? NULL : events_path;
}

/* The program runs as somebody who may not reach into our folders. */
static bool copy_file(const char *from, const char *to)
{
    char buf[65536];
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
    ssize_t n = -1;

    while (in != -1 && out != -1 && (n = read(in, buf, sizeof buf)) > 0)
        if (write(out, buf, (size_t)n) != n)
            break;
    if (in != -1)
        close(in);
    if (out != -1)
        close(out);
    return n == 0;
}

/* A copy whose path holds no space and no colon, where LD_PRELOAD's names end;
 * NULL where the recorder is not one that is loaded. */
const char *recording_library(void)
{
    const char *folder = getenv("LADDER");
    char from[1024];

    if (library_path[0] != '\0')
        return library_path;
    if (folder != NULL && folder[0] != '\0')
        snprintf(from, sizeof from, "%s/record.so", folder);
    else
        snprintf(from, sizeof from, "%s/../trace/record.so", getenv("SUPPORT"));
    snprintf(library_path, sizeof library_path, "%s.so", script_dir);
    if (copy_file(from, library_path))
        return library_path;
    unlink(library_path);
    library_path[0] = '\0';
    return NULL;
}

/* Where the recorder is linked in instead: the folder of the same programs with
 * it in them (tools/common.bash), else NULL. */
const char *recording_programs(void)
{
    const char *folder = getenv("RECORDED");

    return folder != NULL && folder[0] != '\0' ? folder : NULL;
}

/* The recorder makes this file when it is in a program that runs. */
const char *recording_loaded(void)
{
    if (loaded_path[0] == '\0')
        snprintf(loaded_path, sizeof loaded_path, "%s.loaded", script_dir);
    return loaded_path;
}

void recording_start(void)
{
    const char *folder = getenv("LADDER");

    if (folder == NULL || folder[0] == '\0' ||
        (recording_programs() == NULL && recording_library() == NULL))
        return;
    if (getenv("LADDER_FAULTS") != NULL) { /* no drawing, but the faults */
        snprintf(events_path, sizeof events_path, "/dev/null");
        return;
    }
    snprintf(events_path, sizeof events_path, "%s.events", script_dir);
    events = open(events_path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND, 0666);
    if (events == -1) {
        events_path[0] = '\0';
        return;
    }
    bound_most = short_bound;
    alarm(PATIENCE);
    fcntl(events, F_SETFD, FD_CLOEXEC);
    fchmod(events, 0666); /* whoever runs the program writes there too */
    dprintf(events, "# ladder events 1\n");
}

void recording_end(void)
{
    if (library_path[0] != '\0')
        unlink(library_path);
    if (loaded_path[0] != '\0')
        unlink(loaded_path);
    if (events != -1)
        unlink(events_path);
}

/* ---- an event ---- */

static void address_text(char *out, size_t size, const void *address,
                         socklen_t len)
{
    const struct sockaddr *sa = address;
    char host[64], port[16];

    snprintf(out, size, "-");
    if (len < sizeof sa->sa_family)
        return;
    if (sa->sa_family == AF_UNIX) {
        const struct sockaddr_un *un = address;

        snprintf(out, size, "unix:%.60s",
                 len > sizeof sa->sa_family ? un->sun_path : "");
    } else if (getnameinfo(sa, len, host, sizeof host, port, sizeof port,
                           NI_NUMERICHOST | NI_NUMERICSERV) == 0)
        snprintf(out, size, sa->sa_family == AF_INET6 ? "[%s]:%s" : "%s:%s",
                 host, port);
}

static void addresses(const struct actor *a, char *local, char *peer,
                      size_t size)
{
    struct sockaddr_storage sa = { 0 };
    socklen_t len = sizeof sa;

    snprintf(local, size, "-");
    if (getsockname(a->fd, (struct sockaddr *)&sa, &len) == 0)
        address_text(local, size, &sa, len);
    len = sizeof sa;
    snprintf(peer, size, "-");
    if (a->kind == DATAGRAM)
        address_text(peer, size, &a->peer, a->peer_len);
    else if (getpeername(a->fd, (struct sockaddr *)&sa, &len) == 0)
        address_text(peer, size, &sa, len);
}

static int number_of(const char *name)
{
    static char names[4096][NAME_MAX_LEN];
    static int count;
    int i = 0;

    while (i < count && strcmp(names[i], name) != 0)
        i++;
    if (i == count && count < (int)(sizeof names / sizeof *names) - 1)
        memcpy(names[count++], name, NAME_MAX_LEN);
    return FIRST_PID + i;
}

/* What kind of file, as the events' ids tell: t of README.md's table. */
static char letter(const struct actor *a, const char *local)
{
    bool is_unix = strncmp(local, "unix:", 5) == 0;

    return a->kind == DATAGRAM ? (is_unix ? 'v' : 'd') : (is_unix ? 'u' : 's');
}

/* What is sent is on its way before the call returns: it stands where it
 * began. */
static struct timespec began;

void recording_begins(void)
{
    if (events != -1)
        clock_gettime(CLOCK_MONOTONIC, &began);
}

static struct timespec moment(void)
{
    struct timespec t = began;

    if (t.tv_sec == 0)
        clock_gettime(CLOCK_MONOTONIC, &t);
    began.tv_sec = 0;
    return t;
}

/* The recorder writes \0, where our stories have \x00. */
static void quote(struct bytes *out, const void *data, size_t n)
{
    char *p;

    data_quote(out, data, n);
    while ((p = strstr((char *)out->p, "\\x00")) != NULL) {
        p[1] = '0';
        memmove(p + 2, p + 4, strlen(p + 4) + 1);
        out->n -= 2;
    }
}

void record_call(const struct actor *a, const char *call, const char *args,
                 const void *data, long n)
{
    char local[128], peer[128], error[24] = "-";
    struct bytes quoted = { 0 };
    struct stat st = { 0 };
    struct timespec t;
    int before = errno, who = number_of(a->name);

    if (events == -1 || a->fd == -1)
        return;
    if (n < 0)
        snprintf(error, sizeof error, "%s",
                 before == ECONNRESET     ? "ECONNRESET"
                 : before == ECONNREFUSED ? "ECONNREFUSED"
                                          : "error");
    t = moment();
    fstat(a->fd, &st);
    addresses(a, local, peer, sizeof local);
    if (n > 0 && data != NULL)
        quote(&quoted, data, n > DATA_SHOWN ? DATA_SHOWN : (size_t)n);
    dprintf(events, "E\t%lld%09ld\t%d\t%d\t%s\t%s\t%s\t%d\t%c%llu\t%s\t%s\t%ld"
                    "\t%s\t0\t%ld\t%s\t-\t-\n",
            (long long)t.tv_sec, t.tv_nsec, who, who, a->name, call,
            args != NULL ? args : strcmp(call, "connect") == 0 ? peer
                                                               : "-",
            a->fd, letter(a, local),
            (unsigned long long)st.st_ino, local, peer, n, error,
            n > 0 ? n : 0, quoted.n > 0 ? (char *)quoted.p : "-");
    bytes_free(&quoted);
    errno = before;
}

/* ---- what was recorded ---- */

/* All of it goes into the log, behind what is there. */
void recording_keep(void)
{
    char buf[65536];
    int in = events != -1 ? open(events_path, O_RDONLY | O_CLOEXEC) : -1;
    ssize_t n;

    if (in == -1)
        return;
    while ((n = read(in, buf, sizeof buf)) > 0)
        log_raw(buf, (size_t)n);
    close(in);
}
