/* server.c - a server of files: your own `python -m http.server`.
 *
 * usage: server [--bind ADDRESS] [--directory DIR] [PORT]
 *
 * As in 24, main accepts and each client has a thread. New are the files, and
 * that a connection stays open for the next request. Requests are read by
 * http.h, names, ranges and dates by web.h: what strangers send is taken apart
 * by small functions that are tested alone.
 *
 * Left out on purpose: a bound on the number of threads and a tidy end (28),
 * many clients without threads (29); entity tags, several ranges at once,
 * compressed answers, uploads. SIGINT and SIGTERM keep their default action,
 * as in 24.
 */
#define _GNU_SOURCE /* O_PATH; sendfile(2) is not POSIX either */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/sendfile.h>
#endif

#include "http.h"
#include "net.h"
#include "web.h"

#define PATIENCE 60             /* seconds that a client may be silent */
#define STACK_SIZE (512 * 1024) /* of a thread: most of it is buffers */

#ifdef O_PATH
#define TO_PASS O_PATH /* to go through a folder, which one may not list */
#else
#define TO_PASS O_RDONLY
#endif
#ifndef MSG_MORE
#define MSG_MORE 0 /* Linux only: what follows belongs to the same packet */
#endif

static int root = -1;         /* the folder that is served */
static const char *root_path; /* its name, without links and dots */

struct client {
    int fd;
    char address[ADDR_STR_MAX];
    size_t n; /* bytes in buf: a request, and what came behind it */
    char buf[65536];
};

struct answer {
    int status;
    const char *type;  /* Content-Type, or NULL */
    char *location;    /* Location, or NULL; to be freed */
    char *page;        /* the body, or NULL; to be freed */
    int fd;            /* the file that is the body, or -1; to be closed */
    long long first;   /* the body's place in the file, */
    long long length;  /* its length, */
    long long sent;    /* and how much of it was sent */
    long long size;    /* the whole file's */
    bool dated;        /* Last-Modified: */
    long long changed; /* seconds since 1970 */
};

/* ---- Pages -------------------------------------------------------------- */

/* Begins a page as the answer's body: print to what this returns, and fclose(3)
 * it, then it is whole. NULL: there is no memory left. */
static FILE *begin_page(struct answer *a, size_t *n)
{
    a->type = "text/html; charset=utf-8";
    return open_memstream(&a->page, n);
}

static void end_page(struct answer *a, FILE *page, const size_t *n)
{
    if (fclose(page) == EOF)
        a->status = 500;
    a->length = (long long)*n;
}

/* What Python's pages begin with; and for narrow screens, and for the dark. */
static void put_head(FILE *page, const char *title, const char *path)
{
    fputs("<!DOCTYPE HTML>\n<html lang=\"en\">\n<head>\n"
          "<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width\">\n"
          "<title>",
          page);
    fputs(title, page);
    web_put_html(page, path);
    fputs("</title>\n<style>\n"
          ":root { color-scheme: light dark; font: 1rem/1.5 sans-serif; }\n"
          "body { max-width: 60rem; margin: 1rem auto; padding: 0 1rem; }\n"
          "h1 { font-size: 1.5rem; overflow-wrap: anywhere; }\n"
          "ul { padding: 0; list-style: none; }\n"
          "li { display: flex; flex-wrap: wrap; padding: .4rem 0;\n"
          "     border-top: 1px solid #8885; }\n"
          "a { flex: 1 1 20rem; overflow-wrap: anywhere; }\n"
          "span { flex: 0 0 6rem; text-align: right; opacity: .7; }\n"
          "time { flex: 0 0 10rem; text-align: right; opacity: .7; }\n"
          "</style>\n</head>\n<body>\n<h1>",
          page);
    fputs(title, page);
    web_put_html(page, path);
    fputs("</h1>\n", page);
}

static const struct {
    int status;
    const char *reason, *text;
} statuses[] = {
    { 200, "OK", "" },
    { 206, "Partial Content", "" },
    { 301, "Moved Permanently", "This folder's name ends with a slash." },
    { 304, "Not Modified", "" },
    { 400, "Bad Request", "This is no request as HTTP has it." },
    { 403, "Forbidden", "This may not be read." },
    { 404, "Not Found", "There is no file of this name." },
    { 413, "Content Too Large", "The request's body is too long." },
    { 416, "Range Not Satisfiable", "The file has no such part." },
    { 431, "Request Header Fields Too Large", "The request is too long." },
    { 500, "Internal Server Error", "The server's log says why." },
    { 501, "Not Implemented", "This server understands GET and HEAD." },
    { 503, "Service Unavailable", "Too many clients, try later." },
    { 505, "HTTP Version Not Supported", "This server speaks HTTP/1.1." },
};

/* Returns the place of a status in the table. */
static size_t find_status(int status)
{
    size_t i = 0;

    while (statuses[i].status != status)
        i++;
    return i;
}

/* Makes a page that says what went wrong. Nothing of the request is in it. */
static void answer_error(struct answer *a, int status)
{
    size_t i = find_status(status), n = 0;
    char title[80];

    a->status = status;
    a->length = 0;
    a->dated = false;
    FILE *page = begin_page(a, &n);
    if (page == NULL)
        return;
    snprintf(title, sizeof title, "%d %s", status, statuses[i].reason);
    put_head(page, title, "");
    fprintf(page, "<p>%s</p>\n</body>\n</html>\n", statuses[i].text);
    end_page(a, page, &n);
}

/* Answers with the status that a failed call deserves; errno says why. */
static void answer_errno(struct answer *a)
{
    switch (errno) {
    case ENOENT:
    case ENOTDIR:
    case ELOOP:
    case ENAMETOOLONG:
        answer_error(a, 404);
        break;
    case EACCES:
    case EPERM:
    case EXDEV: /* it leads out: see open_below() */
    case ENXIO: /* a socket; macOS: EOPNOTSUPP */
    case EOPNOTSUPP:
        answer_error(a, 403);
        break;
    case EMFILE:
    case ENFILE:
        warn("open a file:");
        answer_error(a, 503);
        break;
    default:
        warn("open a file:");
        answer_error(a, 500);
    }
}

/* ---- From a name to a file ---------------------------------------------- */

/* Sets path to what the request asks for, below the root and without a slash at
 * its beginning. Returns false where it asks for nothing that could exist. */
static bool read_path(const struct http_request *r, char *path, size_t size,
                      struct http_text *query)
{
    struct http_text encoded = web_path(r->target, query);
    if (encoded.at == NULL)
        return false;

    /* TODO 27.1: decode the path, then take its dots out.
     * Call web_decode() on encoded, which says -1 for "%zz" and "%00": return
     * false then. Then call web_clean(), and return true.
     * Trap: in the other order "%2e%2e" is no ".." yet. And decoded once, %2541
     * is the name %41: whoever decodes twice serves another file.
     * Check: "answers 404 to a name that is not there, 400 to a broken one".
     */
    (void)path;
    (void)size;
    return false;
    /* END 27.1 */
}

/* Opens a step of a path below dir, and closes dir. No link is followed:
 * O_NOFOLLOW. O_NONBLOCK: else to open a FIFO waits for a writer (fifo(7)).
 * Returns the descriptor, or -1. */
static int open_step(int dir, const char *name, int flags)
{
    const char *what = *name != '\0' ? name : "."; /* the root itself */
    int fd = openat(dir, what, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    int err = errno;

    if (dir != root)
        close(dir);
    errno = err;
    return fd;
}

/* Opens path below the root, where no part of it is a symbolic link. A path
 * that ends with a slash is a folder's. Returns the descriptor, which is the
 * caller's, or -1. */
static int open_without_links(const char *path)
{
    int dir = root;

    /* TODO 27.4: go through path step by step, and let no step be a link.
     * Of each step but the last one, copy the bytes up to its slash into a char
     * step[NAME_MAX + 1], end it with '\0', put what open_step() returns for it
     * with TO_PASS | O_DIRECTORY into dir (-1: return that), and go on behind
     * the slash. For the last one, return what open_step() returns with
     * O_RDONLY, and with O_DIRECTORY too where there is a slash behind it.
     * Trap: one open_step() for the whole path follows links in its middle, for
     * O_NOFOLLOW is about its end only. And a step of more than NAME_MAX bytes
     * does not fit into step: ENAMETOOLONG.
     * Check: "serves nothing outside of its folder".
     */
    return open_step(dir, path, O_RDONLY);
    /* END 27.4 */
    if (dir != root)
        close(dir);
    errno = ENAMETOOLONG;
    return -1;
}

/* Returns where path really is (realpath(3)), without the root's name: "" is
 * the root itself. *real is to be freed. NULL: there is nothing, or it lies
 * outside of the root (EXDEV). */
static const char *follow_links(const char *path, char **real)
{
    char whole[PATH_MAX];
    size_t len = strlen(root_path);

    *real = NULL;
    if (snprintf(whole, sizeof whole, "%s/%s", root_path, path) >= PATH_MAX) {
        errno = ENAMETOOLONG;
        return NULL;
    }
    *real = realpath(whole, NULL);
    if (*real == NULL)
        return NULL;

    const char *rest = *real + len;
    bool is_below = strncmp(*real, root_path, len) == 0;
    if (!is_below || (*rest != '/' && *rest != '\0')) {
        errno = EXDEV;
        return NULL;
    }
    return *rest == '/' ? rest + 1 : rest;
}

/* Opens path, which may go through links as long as they stay below the root.
 * Where they lead is found out first and opened then, without links: should
 * someone change them meanwhile, that fails, and leads nowhere else.
 * Returns the descriptor, which is the caller's, or -1. */
static int open_below(const char *path)
{
    int fd = open_without_links(path);
    /* A link gives ELOOP, or ENOTDIR for O_DIRECTORY, or EMLINK (FreeBSD). */
    if (fd >= 0 || (errno != ELOOP && errno != ENOTDIR && errno != EMLINK))
        return fd;

    char *real;
    const char *inside = follow_links(path, &real);
    if (inside != NULL)
        fd = open_without_links(inside);
    int err = errno;
    free(real);
    errno = err;
    return fd;
}

/* Opens the page that stands for a folder. Returns the descriptor, or -1. */
static int open_index(const char *folder, struct stat *st)
{
    static const char *const names[] = { "index.html", "index.htm" };
    char path[HTTP_MAX_LINE + sizeof "index.html"];

    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s%s", folder, names[i]);
        int fd = open_below(path);
        if (fd >= 0 && fstat(fd, st) == 0 && S_ISREG(st->st_mode))
            return fd;
        if (fd >= 0)
            close(fd);
    }
    return -1;
}

/* ---- The listing of a folder -------------------------------------------- */

/* As Python: letter case does not count. */
static int by_name(const void *one, const void *other)
{
    const char *a = *(char *const *)one, *b = *(char *const *)other;
    int order = strcasecmp(a, b);

    return order != 0 ? order : strcmp(a, b);
}

static void free_names(char **names, size_t n)
{
    while (n > 0)
        free(names[--n]);
    free(names);
}

/* Returns the names in dir, sorted, and how many: free_names(). NULL, and *n is
 * 0: there are none, or there is no memory left. */
static char **read_names(DIR *dir, size_t *n)
{
    char **names = NULL;
    size_t room = 0;

    *n = 0;
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if (*n == room) {
            room = 2 * room + 64;
            char **more = realloc(names, room * sizeof *names);
            if (more == NULL)
                break;
            names = more;
        }
        names[*n] = strdup(e->d_name);
        if (names[*n] == NULL)
            break;
        ++*n;
    }
    if (*n > 0)
        qsort(names, *n, sizeof *names, by_name);
    return names;
}

/* 734 B, 1.2 KiB, 3.4 GiB. */
static void put_size(FILE *page, long long size)
{
    static const char units[] = "BKMGTPE";
    double shown = (double)size;
    int unit = 0;

    while (shown >= 1000) {
        shown /= 1024;
        unit++;
    }
    if (unit == 0)
        fprintf(page, "%lld B", size);
    else
        fprintf(page, "%.1f %ciB", shown, units[unit]);
}

/* Prints what a name is: a size for files, and when it was last changed. */
static void put_details(FILE *page, const struct stat *st)
{
    char when[32] = "";
    struct tm tm;

    fputs(" <span>", page);
    if (S_ISREG(st->st_mode))
        put_size(page, (long long)st->st_size);
    fputs("</span> ", page);
    if (localtime_r(&st->st_mtime, &tm) != NULL)
        strftime(when, sizeof when, "%Y-%m-%d %H:%M", &tm);
    fprintf(page, "<time>%s</time></li>\n", when);
}

/* Prints a line of the listing. As Python does it, a folder's name has a slash
 * behind it, a link's an at sign; a link's target is not looked at, for it may
 * lie outside, but for whether it is a folder. */
static void put_entry(FILE *page, int dir, const char *name)
{
    struct stat st = { 0 }, target;

    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return; /* it has just been removed */
    bool is_link = S_ISLNK(st.st_mode);
    bool is_folder = S_ISDIR(st.st_mode);
    if (is_link && fstatat(dir, name, &target, 0) == 0)
        is_folder = S_ISDIR(target.st_mode);
    const char *slash = is_folder ? "/" : "";
    const char *mark = is_link ? "@" : slash;

    /* TODO 27.3: print <li><a href="URL">NAME</a>, with slash behind the URL
     * and mark behind the name, which may hold any byte but / and NUL.
     * Call web_put_url() for the URL and web_put_html() for the text.
     * Trap: a file may be called <script>, "><b>, or 100%.txt. In the page it
     * must be text, in the URL the way to that file.
     * Check: "lists a folder, whatever the names in it".
     */
    fprintf(page, "<li><a href=\"%s%s\">%s%s</a>", name, slash, name, mark);
    /* END 27.3 */
    put_details(page, &st);
}

/* Answers with the names in the folder fd, which stays open, but is read. */
static void answer_listing(struct answer *a, int fd, const char *path)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
    size_t n = 0, count = 0;

    if (dir == NULL) {
        answer_errno(a);
        if (copy >= 0)
            close(copy);
        return;
    }
    char **names = read_names(dir, &count);
    FILE *page = begin_page(a, &n);
    a->status = page != NULL ? 200 : 500;
    if (page != NULL) {
        put_head(page, "Directory listing for /", path);
        fputs("<ul>\n", page);
        for (size_t i = 0; i < count; i++)
            put_entry(page, fd, names[i]);
        fputs("</ul>\n</body>\n</html>\n", page);
        end_page(a, page, &n);
    }
    free_names(names, count);
    closedir(dir);
}

/* Sends the client to the folder's name with its slash: relative links in its
 * page would lead elsewhere without. The name begins with one slash: two are
 * another server. */
static void answer_redirect(struct answer *a, const char *path,
                            struct http_text query)
{
    size_t n = 0;
    FILE *location = open_memstream(&a->location, &n);

    if (location == NULL) {
        answer_error(a, 500);
        return;
    }
    putc('/', location);
    web_put_url(location, path);
    fprintf(location, "/%.*s", (int)query.len, query.at);
    fclose(location);
    answer_error(a, 301);
}

/* ---- A file, or a part of it -------------------------------------------- */

static const struct {
    const char *ending, *type;
} types[] = {
    { "html", "text/html" }, /* its charset stands in it */
    { "htm", "text/html" },
    { "txt", "text/plain; charset=utf-8" },
    { "c", "text/plain; charset=utf-8" },
    { "h", "text/plain; charset=utf-8" },
    { "md", "text/markdown; charset=utf-8" },
    { "py", "text/x-python; charset=utf-8" },
    { "csv", "text/csv; charset=utf-8" },
    { "css", "text/css" },
    { "js", "text/javascript" },
    { "mjs", "text/javascript" },
    { "json", "application/json" },
    { "xml", "text/xml" },
    { "svg", "image/svg+xml" },
    { "png", "image/png" },
    { "jpg", "image/jpeg" },
    { "jpeg", "image/jpeg" },
    { "gif", "image/gif" },
    { "webp", "image/webp" },
    { "ico", "image/vnd.microsoft.icon" },
    { "pdf", "application/pdf" },
    { "wasm", "application/wasm" },
    { "mp3", "audio/mpeg" },
    { "wav", "audio/x-wav" },
    { "mp4", "video/mp4" },
    { "webm", "video/webm" },
    { "woff2", "font/woff2" },
    { "gz", "application/gzip" },
    { "tar", "application/x-tar" },
    { "zip", "application/zip" },
};

/* The type by what stands behind the last dot: "a.html.txt" is plain text, and
 * ".html" has no ending. */
static const char *type_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    const char *dot = strrchr(name, '.');

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (dot != NULL && dot != name &&
            strcasecmp(dot + 1, types[i].ending) == 0)
            return types[i].type;
    return "application/octet-stream";
}

/* Has the client this file already, as it is now? */
static bool is_known(const struct http_request *r, const struct answer *a)
{
    struct http_text since = http_field(r, "If-Modified-Since");
    if (since.at == NULL || http_field(r, "If-None-Match").at != NULL)
        return false;

    /* TODO 27.6: is the file no younger than that date? Call web_date(), which
     * says whether it is a date at all; a->changed is the file's.
     * Trap: compare seconds, not text. There are three forms of dates, and a
     * client may send another one than you did.
     * Check: "answers 304 to a client that has the file already".
     */
    (void)a;
    return false;
    /* END 27.6 */
}

/* If-Range: a part is wanted only if the file is still the same. */
static bool is_same(const struct http_request *r, const struct answer *a)
{
    struct http_text same = http_field(r, "If-Range");
    long long when;

    return same.at == NULL || (web_date(same, &when) && when == a->changed);
}

/* Answers with the file fd of the answer, with a part of it, or with its not
 * being needed. */
static void answer_file(struct answer *a, const struct http_request *r,
                        const struct stat *st, const char *path)
{
    struct http_text range = http_field(r, "Range");

    a->status = 200;
    a->type = type_of(path);
    a->size = a->length = (long long)st->st_size;
    a->dated = true;
    a->changed = (long long)st->st_mtime;

    if (is_known(r, a)) {
        a->status = 304;
        return;
    }
    if (range.at == NULL || !http_is(r->method, "GET") || !is_same(r, a))
        return;

    /* TODO 27.7: what part is wanted? web_range() returns the status, and for
     * 206 the part. Put the status into a->status; a->first and a->length say
     * what is sent. For 416 call answer_error() instead.
     * Trap: the last byte is part of the part: 0-0 is one byte.
     * Check: "sends a part of a file".
     */
    /* END 27.7 */
}

/* Finds the answer to a request for path: a file, a listing, another name. */
static void answer_path(struct answer *a, const struct http_request *r,
                        const char *path, struct http_text query)
{
    size_t len = strlen(path);
    bool is_folder = len == 0 || path[len - 1] == '/';
    struct stat st;

    a->fd = is_folder ? open_index(path, &st) : -1;
    if (a->fd >= 0) {
        answer_file(a, r, &st, "index.html");
        return;
    }
    a->fd = open_below(path);
    if (a->fd < 0 || fstat(a->fd, &st) < 0)
        answer_errno(a);
    else if (S_ISDIR(st.st_mode) && is_folder)
        answer_listing(a, a->fd, path);
    else if (S_ISDIR(st.st_mode))
        answer_redirect(a, path, query);
    /* TODO 27.5: refuse what is neither a folder nor a regular file.
     * S_ISREG() of inode(7) tells; call answer_error() with 403.
     * Trap: to read from a FIFO is to wait for whoever writes to it, perhaps
     * for ever; a device may be worse.
     * Check: "refuses a FIFO at once".
     */
    /* END 27.5 */
    else
        answer_file(a, r, &st, path);
}

/* Finds the answer to a request whose head is whole. */
static void find_answer(struct answer *a, const struct http_request *r)
{
    char path[HTTP_MAX_LINE + 1];
    struct http_text query = { NULL, 0 };

    if (!http_is(r->method, "GET") && !http_is(r->method, "HEAD"))
        answer_error(a, 501);
    else if (!read_path(r, path, sizeof path, &query))
        answer_error(a, 400);
    else
        answer_path(a, r, path, query);
}

/* ---- Sending ------------------------------------------------------------ */

/* As writen(), and with MSG_MORE in flags: more follows, do not send a packet
 * for this alone (send(2)). Returns 0 or -1. */
static int send_bytes(int cfd, const char *bytes, size_t n, int flags)
{
    while (n > 0) {
        ssize_t sent = send(cfd, bytes, n, flags);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return -1;
        bytes += sent;
        n -= (size_t)sent;
    }
    return 0;
}

/* Copies up to n bytes of fd from *at on to cfd, through this process. Returns
 * how many, 0 at the file's end, or -1. */
static ssize_t copy_piece(int cfd, int fd, off_t *at, size_t n)
{
    char buf[65536];
    ssize_t nread = pread(fd, buf, n < sizeof buf ? n : sizeof buf, *at);

    if (nread <= 0)
        return nread;
    if (send_bytes(cfd, buf, (size_t)nread, 0) < 0)
        return -1;
    *at += nread;
    return nread;
}

/* The same within the kernel, where it can: sendfile(2). Not every kind of file
 * can be sent that way, EINVAL. */
static ssize_t send_piece(int cfd, int fd, off_t *at, size_t n)
{
#ifdef __linux__
    ssize_t sent = sendfile(cfd, fd, at, n);
    if (sent >= 0 || (errno != EINVAL && errno != ENOSYS))
        return sent;
#endif
    return copy_piece(cfd, fd, at, n);
}

/* Sends length bytes of fd, from first on. Returns how many: fewer, where the
 * client has gone, or where the file has become shorter or cannot be read. */
static long long send_file(int cfd, int fd, long long first, long long length)
{
    off_t at = (off_t)first;
    long long left = length;

    /* TODO 27.2: send pieces until nothing is left: send_piece() takes at most
     * so many bytes, moves at on, and returns how many it has sent.
     * Trap: 0 is the file's end, sooner than you promised: stop, or you send
     * nothing for ever. -1 with EINTR in errno: once more; any other: stop.
     * Check: "sends a file, and the next one on the same connection".
     */
    left -= send_piece(cfd, fd, &at, 0);
    /* END 27.2 */
    return length - left;
}

/* Adds a line to a head. */
static void add(char *head, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void add(char *head, size_t size, const char *format, ...)
{
    size_t n = strlen(head);
    va_list args;

    va_start(args, format);
    vsnprintf(head + n, size - n, format, args);
    va_end(args);
}

/* Writes the head of an answer. */
static void make_head(char *head, size_t size, const struct answer *a,
                      bool stays)
{
    char date[WEB_DATE_MAX];

    head[0] = '\0';
    add(head, size, "HTTP/1.1 %d %s\r\n", a->status,
        statuses[find_status(a->status)].reason);
    if (web_date_text((long long)time(NULL), date) != NULL)
        add(head, size, "Date: %s\r\n", date);
    add(head, size, "Connection: %s\r\n", stays ? "keep-alive" : "close");
    if (a->dated && web_date_text(a->changed, date) != NULL)
        add(head, size, "Last-Modified: %s\r\nAccept-Ranges: bytes\r\n", date);
    if (a->status == 206)
        add(head, size, "Content-Range: bytes %lld-%lld/%lld\r\n", a->first,
            a->first + a->length - 1, a->size);
    if (a->status == 416)
        add(head, size, "Content-Range: bytes */%lld\r\n", a->size);
    if (a->location != NULL)
        add(head, size, "Location: %s\r\n", a->location);
    if (a->status != 304)
        add(head, size, "Content-Type: %s\r\nContent-Length: %lld\r\n",
            a->type, a->length);
    add(head, size, "\r\n");
}

/* Sends an answer, its head alone to HEAD. Returns whether all of it was sent;
 * if not, the connection must end: the client waits for what was promised. */
static bool send_answer(int cfd, struct answer *a, bool stays, bool head_only)
{
    char head[4 * HTTP_MAX_LINE + 1024]; /* a Location may be long */
    bool has_body = !head_only && a->status != 304 && a->length > 0;

    make_head(head, sizeof head, a, stays);
    if (send_bytes(cfd, head, strlen(head), has_body ? MSG_MORE : 0) < 0)
        return false;
    if (!has_body)
        return true;
    if (a->page == NULL)
        a->sent = send_file(cfd, a->fd, a->first, a->length);
    else if (send_bytes(cfd, a->page, (size_t)a->length, 0) == 0)
        a->sent = a->length;
    return a->sent == a->length;
}

/* ---- The log ------------------------------------------------------------ */

/* Prints a line as servers have it since NCSA (Common Log Format). What a
 * client sent may be a terminal's commands: all but plain characters are
 * escaped. One write(2), so that lines of threads do not mix. */
static void log_request(const struct client *c, const struct http_request *r,
                        const struct answer *a)
{
    char line[4 * HTTP_MAX_LINE + 512], when[64] = "-";
    time_t now = time(NULL);
    struct tm tm;

    if (localtime_r(&now, &tm) != NULL)
        strftime(when, sizeof when, "%d/%b/%Y:%H:%M:%S %z", &tm);
    size_t n = (size_t)snprintf(line, sizeof line, "%s - - [%s] \"", c->address,
                                when);
    for (size_t i = 0; i < r->line.len && i < HTTP_MAX_LINE; i++) {
        unsigned char b = (unsigned char)r->line.at[i];
        bool plain = b >= ' ' && b < 0x7f && b != '"' && b != '\\';
        n += (size_t)snprintf(line + n, sizeof line - n,
                              plain ? "%c" : "\\x%02x", b);
    }
    snprintf(line + n, sizeof line - n, "\" %d %lld\n", a->status, a->sent);
    fputs(line, stderr);
}

/* ---- A client ----------------------------------------------------------- */

/* Reads more of what a client sends behind what is there. Returns false at its
 * end, on failure, after PATIENCE seconds of silence, or without room. */
static bool read_more(struct client *c)
{
    ssize_t nread;

    do
        nread = read(c->fd, c->buf + c->n, sizeof c->buf - c->n);
    while (nread < 0 && errno == EINTR);
    if (nread <= 0)
        return false;
    c->n += (size_t)nread;
    return true;
}

/* Takes n bytes at at out of the buffer. */
static void drop(struct client *c, size_t at, size_t n)
{
    memmove(c->buf + at, c->buf + at + n, c->n - at - n);
    c->n -= n;
}

/* Reads a request's head. Returns what http_head() does; 0: the client is gone
 * before its end. */
static int read_head(struct client *c, struct http_request *r)
{
    int status;

    while ((status = http_head(r, c->buf, c->n)) == 0) {
        if (c->n == sizeof c->buf)
            return 431;
        if (!read_more(c))
            return 0;
    }
    return status;
}

/* Reads a request's body and drops it: what is behind it is the next request.
 * Returns what http_skip() does; 0: the client is gone before its end. */
static int skip_body(struct client *c, struct http_request *r)
{
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    bool waits = r->expects_continue && c->n == r->size;
    size_t used;

    for (;;) {
        int status = http_skip(r, c->buf + r->size, c->n - r->size, &used);
        drop(c, r->size, used);
        if (status != 0)
            return status;
        if (waits && send_bytes(c->fd, go_on, strlen(go_on), 0) < 0)
            return 0;
        waits = false;
        if (!read_more(c))
            return 0;
    }
}

/* Answers the client's next request. Returns whether the connection stays open
 * for another one; *gone: the client has closed it, and wants no answer. */
static bool serve_request(struct client *c, bool *gone)
{
    struct http_request r = { 0 };
    struct answer a = { .fd = -1 };

    int status = read_head(c, &r);
    if (status == 200 && r.has_body)
        status = skip_body(c, &r);
    *gone = status == 0;
    if (*gone)
        return false;

    if (status == 200)
        find_answer(&a, &r);
    else
        answer_error(&a, status);
    bool stays = status == 200 && r.keep_alive;
    bool head_only = status == 200 && http_is(r.method, "HEAD");
    bool whole = send_answer(c->fd, &a, stays, head_only);
    log_request(c, &r, &a);

    if (a.fd >= 0)
        close(a.fd);
    free(a.page);
    free(a.location);
    if (stays)
        drop(c, 0, r.size);
    return stays && whole;
}

/* Milliseconds on the clock that nobody sets (clock_gettime(2)). */
static long long now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* Closes cfd, as in 23: a plain close(2) with input unread resets the
 * connection, and the client may lose the answer. */
static void hang_up(int cfd, int patience)
{
    struct pollfd pfd = { .fd = cfd, .events = POLLIN };
    long long end = now_ms() + 5 * patience;

    shutdown(cfd, SHUT_WR);
    while (now_ms() < end) {
        char dropped[4096];
        int ready = poll(&pfd, 1, patience);
        ssize_t nread = ready > 0 ? read(cfd, dropped, sizeof dropped) : ready;
        if (nread == 0 || (nread < 0 && errno != EINTR))
            break;
    }

    close(cfd);
}

/* Sets c->address to the client's, without its port. */
static void name_client(struct client *c)
{
    struct sockaddr_storage peer;
    socklen_t len = sizeof peer;

    if (getpeername(c->fd, (struct sockaddr *)&peer, &len) < 0 ||
        getnameinfo((struct sockaddr *)&peer, len, c->address,
                    sizeof c->address, NULL, 0, NI_NUMERICHOST) != 0)
        strcpy(c->address, "-"); /* it is gone already */
}

/* Serves a client, from its first request to its last; closes cfd. One that
 * neither sends nor takes anything for a while is let go: it may have lost its
 * network, and would keep its thread for ever (socket(7), SO_RCVTIMEO). Nothing
 * waits for an acknowledgement before it is sent (tcp(7), TCP_NODELAY). */
static void serve(int cfd)
{
    struct timeval patience = { .tv_sec = PATIENCE };
    struct client c;
    bool gone = false;
    int on = 1;

    c.fd = cfd;
    c.n = 0;
    name_client(&c);
    setsockopt(cfd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(cfd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    setsockopt(cfd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);

    while (serve_request(&c, &gone))
        ;
    if (gone)
        close(cfd);
    else
        hang_up(cfd, 1000);
}

/* ---- Threads, as in 24 -------------------------------------------------- */

static void *client_thread(void *arg)
{
    serve((int)(intptr_t)arg);
    return NULL;
}

/* Waits for the next client. Returns its descriptor, which is the caller's. */
static int next_client(int lfd)
{
    struct sockaddr_storage peer;
    socklen_t len;
    char text[ADDR_STR_MAX];
    bool said = false;
    int cfd;

    while ((cfd = tcp_accept(lfd, &peer, &len)) < 0) {
        if (!said)
            warn("accept:");
        said = true;
        poll(NULL, 0, 100);
    }
    fprintf(stderr, "New client connected: %s\n",
            addr_str((struct sockaddr *)&peer, len, text));
    return cfd;
}

/* Has cfd served by a thread of its own, which closes it. */
static void serve_in_thread(int cfd)
{
    struct answer a = { .fd = -1 };
    pthread_attr_t attr;
    pthread_t thread;

    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_SIZE);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    int err = pthread_create(&thread, &attr, client_thread,
                             (void *)(intptr_t)cfd);
    pthread_attr_destroy(&attr);
    if (err == 0)
        return;

    errno = err;
    warn("start a thread:");
    answer_error(&a, 503);
    send_answer(cfd, &a, false, false);
    free(a.page);
    hang_up(cfd, 100);
}

/* ---- The command line, and main ----------------------------------------- */

static const char usage_text[] =
    "server [-h] [--bind ADDRESS] [--directory DIR] [PORT]";

/* Reads the options that python -m http.server has, short and long ones. */
static void read_options(int argc, char *argv[], const char **address,
                         const char **folder, const char **port)
{
    static const struct option options[] = {
        { "bind", required_argument, NULL, 'b' },
        { "directory", required_argument, NULL, 'd' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    char *help[] = { argv[0], (char[]){ "--help" }, NULL };
    int c;

    opterr = 0; /* usage() says what is right */
    while ((c = getopt_long(argc, argv, "b:d:h", options, NULL)) != -1)
        if (c == 'b')
            *address = optarg;
        else if (c == 'd')
            *folder = optarg;
        else
            usage(c == 'h' ? help : argv, usage_text);

    if (optind < argc)
        *port = argv[optind++];
    if (optind < argc || !is_port(*port))
        usage(argv, usage_text);
}

/* Makes folder the root of all names. */
static void open_root(const char *folder)
{
    root = open(folder, TO_PASS | O_DIRECTORY | O_CLOEXEC);
    root_path = realpath(folder, NULL);
    if (root < 0 || root_path == NULL)
        die("%s:", folder);
    if (strcmp(root_path, "/") == 0)
        root_path = "";
}

int main(int argc, char *argv[])
{
    const char *port = "8000", *address = "127.0.0.1", *folder = ".";
    const char *why;

    prog = argv[0];
    read_options(argc, argv, &address, &folder, &port);
    on_signal(SIGPIPE, SIG_IGN, 0);
    open_root(folder);

    int lfd = tcp_listen(address, port, &why);
    if (lfd < 0)
        die("bind %s:%s: %s", address, port, why);
    bool v6 = strchr(address, ':') != NULL;
    fprintf(stderr, "Server launched, listening on port: %d\n",
            sock_port(lfd));
    fprintf(stderr, "Serving %s on http://%s%s%s:%d/\n", folder,
            v6 ? "[" : "", address, v6 ? "]" : "", sock_port(lfd));

    for (;;) {
        int cfd = next_client(lfd);
        serve_in_thread(cfd);
    }
}
