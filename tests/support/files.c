/* Files for the programs under test, in their working directory. */
#ifdef __linux__
#define _GNU_SOURCE
#elif defined __APPLE__
#define _DARWIN_C_SOURCE
#endif
#include "peer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static _Noreturn void cannot(const char *what, const char *name)
{
    script_error("%s %s: %s", what, name, strerror(errno));
}

/* Programs may write in this folder, and we may be root: no symbolic link is
 * followed on the way to the last part of name. Returns the descriptor of the
 * folder that holds it; *last is that part. */
static int folder_of(const char *name, const char **last)
{
    int dir = open(script_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char part[256];

    for (const char *slash; (slash = strchr(name, '/')) != NULL;
         name = slash + 1) {
        int next;

        snprintf(part, sizeof part, "%.*s", (int)(slash - name), name);
        next = strcmp(part, "..") == 0 || *part == '\0'
                   ? (errno = EINVAL, -1)
                   : openat(dir, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
                                           O_CLOEXEC);
        if (next == -1)
            cannot("open", part);
        close(dir);
        dir = next;
    }
    *last = name;
    return dir;
}

/* Whatever lies at path is removed first, and O_EXCL (open(2)). */
static void write_file(int dir, const char *name, mode_t mode,
                       const struct bytes *b)
{
    int fd;

    unlinkat(dir, name, 0);
    fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                0600);
    if (fd == -1)
        cannot("file", name);
    for (size_t done = 0; done < b->n;) {
        ssize_t n = write(fd, b->p + done, b->n - done);

        if (n == -1 && errno != EINTR)
            cannot("file", name);
        done += n > 0 ? (size_t)n : 0;
    }
    if (fchmod(fd, mode) == -1)
        cannot("file", name);
    close(fd);
}

static mode_t mode_of(const char **rest)
{
    char *end;
    unsigned long mode = strtoul(*rest, &end, 8);

    if (end == *rest)
        script_error("a mode is like 0644: %s", *rest);
    *rest = end + strspn(end, " ");
    return (mode_t)mode;
}

/* file NAME MODE DATA */
static void file(int dir, const char *name, const char *rest)
{
    mode_t mode = mode_of(&rest);
    struct bytes b = { 0 };

    if (*rest != '\0' && (!data_parse(&rest, &b) || *rest != '\0'))
        script_error("bad data: %s", rest);
    write_file(dir, name, mode, &b);
    bytes_free(&b);
}

/* folder NAME MODE */
static void folder(int dir, const char *name, const char *rest)
{
    if (mkdirat(dir, name, 0755) == -1 ||
        fchmodat(dir, name, mode_of(&rest), 0) == -1)
        cannot("folder", name);
}

/* link NAME TARGET: a symbolic one */
static void symbolic(int dir, const char *name, const char *rest)
{
    if (symlinkat(rest, dir, name) == -1)
        cannot("link", name);
}

/* fifo NAME MODE. macOS has mkfifoat(2) since version 13 only. */
static void fifo(int dir, const char *name, const char *rest)
{
    mode_t mode = mode_of(&rest);

#ifdef __APPLE__
    if (fchdir(dir) == -1 || mkfifo(name, mode) == -1)
#else
    if (mkfifoat(dir, name, mode) == -1)
#endif
        cannot("fifo", name);
    if (fchmodat(dir, name, mode, 0) == -1)
        cannot("fifo", name);
}

/* size NAME BYTES: longer (with a hole) or shorter. In place, for a program may
 * have it open. */
static void size(int dir, const char *name, const char *rest)
{
    int fd = openat(dir, name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    if (fd == -1 || ftruncate(fd, (off_t)strtoll(rest, NULL, 10)) == -1)
        cannot("size", name);
    close(fd);
}

/* time NAME SECONDS: when it was changed, since 1970 */
static void changed(int dir, const char *name, const char *rest)
{
    struct timespec times[2] = { 0 };

    times[0].tv_sec = times[1].tv_sec = (time_t)strtoll(rest, NULL, 10);
    times[1].tv_nsec = 700000000; /* a file has more than whole seconds */
    if (utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW) == -1)
        cannot("time", name);
}

/* removes NAME */
static void removes(int dir, const char *name, const char *rest)
{
    (void)rest;
    if (unlinkat(dir, name, 0) == -1)
        cannot("remove", name);
}

static const struct {
    const char *name;
    void (*act)(int dir, const char *name, const char *rest);
} steps[] = {
    { "file ", file }, { "folder ", folder }, { "link ", symbolic },
    { "fifo ", fifo }, { "size ", size },     { "time ", changed },
    { "remove ", removes },
};

bool file_step(const char *line)
{
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        size_t n = strlen(steps[i].name);
        struct bytes name = { 0 };
        const char *last;
        int dir;

        if (strncmp(line, steps[i].name, n) != 0)
            continue;
        line = word_parse(line + n, &name);
        dir = folder_of((const char *)name.p, &last);
        steps[i].act(dir, last, line + strspn(line, " "));
        close(dir);
        bytes_free(&name);
        return true;
    }
    return false;
}
