/* server.c - a process for each client, stdio, paths by realpath(3), its own
 * listing, dates by strptime(3): nothing of lib/web.h. */
#define _GNU_SOURCE

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "http.h"
#include "net.h"

static char root[PATH_MAX];
static char buf[20000], peer_name[NI_MAXHOST];
static size_t have;
static int cfd;
static FILE *out;
static bool stays, head_only;
static long long sent;

static void start(int status, const char *type, long long length)
{
    static const char *const reasons[] = { "OK", "Partial", "No" };

    fprintf(out, "HTTP/1.1 %d %s\r\nConnection: %s\r\n", status,
            reasons[status == 200 ? 0 : status == 206 ? 1 : 2],
            stays ? "keep-alive" : "close");
    if (status != 304)
        fprintf(out, "Content-Type: %s\r\nContent-Length: %lld\r\n", type,
                length);
}

static int answer(int status, const char *more)
{
    char page[64];
    int n = snprintf(page, sizeof page, "%d: something is wrong\n", status);

    start(status, "text/plain", n);
    fprintf(out, "%s\r\n%s", more, head_only ? "" : page);
    sent = n;
    return status;
}

static int hex(int c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static bool decode(const char *from, const char *end, char *to)
{
    for (; from < end; from++) {
        int c = (unsigned char)*from;
        if (c == '%') {
            if (end - from < 3 || hex(from[1]) < 0 || hex(from[2]) < 0)
                return false;
            c = hex(from[1]) * 16 + hex(from[2]);
            from += 2;
        }
        if (c == '\0')
            return false;
        *to++ = (char)c;
    }
    *to = '\0';
    return true;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    int order = strcasecmp((*a)->d_name, (*b)->d_name);

    return order != 0 ? order : strcmp((*a)->d_name, (*b)->d_name);
}

static int list(const char *folder)
{
    struct dirent **names;
    char *page = NULL;
    size_t size = 0;
    int n = scandir(folder, &names, NULL, by_name);
    if (n < 0)
        return answer(403, "");
    FILE *text = open_memstream(&page, &size);

    fputs("<title>Directory listing</title><ul>", text);
    for (int i = 0; i < n; i++) {
        fputs("<li><a href=\"", text);
        for (unsigned char *p = (unsigned char *)names[i]->d_name; *p; p++)
            fprintf(text, "%%%02X", *p);
        fputs("\">", text);
        for (char *p = names[i]->d_name; *p != '\0'; p++)
            if (strchr("<>&\"", *p) != NULL)
                fprintf(text, "&#%d;", *p);
            else
                putc(*p, text);
        fputs("</a>\n", text);
        free(names[i]);
    }
    free(names);
    fclose(text);
    start(200, "text/html", (long long)size);
    fputs("\r\n", out);
    if (!head_only)
        fwrite(page, 1, size, out);
    sent = (long long)size;
    free(page);
    return 200;
}

static const char *type_of(const char *name)
{
    static const char *const types[][2] = {
        { ".html", "text/html" }, { ".txt", "text/plain" },
        { ".css", "text/css" },   { ".png", "image/png" },
        { ".c", "text/plain" },
    };
    const char *dot = strrchr(name, '.');

    for (size_t i = 0; dot != NULL && i < sizeof types / sizeof *types; i++)
        if (strcasecmp(dot, types[i][0]) == 0)
            return types[i][1];
    return "application/octet-stream";
}

/* The value of a field as a string. */
static const char *value(const struct http_request *r, const char *name)
{
    static char text[256];
    struct http_text found = http_field(r, name);

    snprintf(text, sizeof text, "%.*s", (int)found.len,
             found.at != NULL ? found.at : "");
    return text;
}

static bool not_modified(const struct http_request *r, time_t changed)
{
    static const char *const forms[] = { "%a, %d %b %Y %H:%M:%S GMT",
                                         "%A, %d-%b-%y %H:%M:%S GMT",
                                         "%a %b %d %H:%M:%S %Y" };
    const char *text = value(r, "If-Modified-Since");

    for (int i = 0; i < 3; i++) {
        struct tm tm = { 0 };
        const char *end = strptime(text, forms[i], &tm);
        if (end != NULL && *end == '\0')
            return changed <= timegm(&tm);
    }
    return false;
}

static int part(const struct http_request *r, long long size, long long *first,
                long long *last)
{
    const char *text = value(r, "Range");
    char *end;

    *first = 0;
    *last = size - 1;
    if (head_only || strncmp(text, "bytes=", 6) != 0 ||
        strpbrk(text + 6, ", ") != NULL)
        return 200;
    text += 6;
    if (*text == '-') {
        long long n = strtoll(text + 1, &end, 10);
        if (end == text + 1 || *end != '\0')
            return 200;
        *first = n < size ? size - n : 0;
        return n == 0 || size == 0 ? 416 : 206;
    }
    *first = strtoll(text, &end, 10);
    if (end == text || *end != '-')
        return 200;
    if (end[1] != '\0')
        *last = strtoll(end + 1, NULL, 10);
    if (*last >= size)
        *last = size - 1;
    return *first >= size ? 416 : 206;
}

/* Returns the status; -1: the connection cannot go on. */
static int send_file(const struct http_request *r, int fd,
                     const struct stat *st, const char *path)
{
    char date[64], more[64], piece[4096];
    long long first, last;
    int status = part(r, (long long)st->st_size, &first, &last);

    if (not_modified(r, st->st_mtime)) {
        start(304, "", 0);
        fputs("\r\n", out);
        return 304;
    }
    if (status == 416) {
        snprintf(more, sizeof more, "Content-Range: bytes */%lld\r\n",
                 (long long)st->st_size);
        return answer(416, more);
    }
    start(status, type_of(path), last - first + 1);
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT",
             gmtime(&st->st_mtime));
    fprintf(out, "Last-Modified: %s\r\n", date);
    if (status == 206)
        fprintf(out, "Content-Range: bytes %lld-%lld/%lld\r\n", first, last,
                (long long)st->st_size);
    fputs("\r\n", out);
    lseek(fd, (off_t)first, SEEK_SET);
    while (!head_only && sent < last - first + 1) {
        size_t want = sizeof piece;
        if (last - first + 1 - sent < (long long)want)
            want = (size_t)(last - first + 1 - sent);
        ssize_t n = read(fd, piece, want);
        if (n <= 0 || fwrite(piece, 1, (size_t)n, out) < (size_t)n)
            stays = false;
        if (n <= 0 || ferror(out))
            break;
        sent += n;
    }
    return status;
}

static int send_path(const struct http_request *r, const char *real, bool slash)
{
    char index[PATH_MAX + 16];
    struct stat st;
    int fd = open(real, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return answer(errno == ENOENT || errno == ENOTDIR ? 404 : 403, "");

    int status = 403;
    fstat(fd, &st);
    snprintf(index, sizeof index, "%s/index.html", real);
    if (S_ISREG(st.st_mode) && !slash)
        status = send_file(r, fd, &st, real);
    else if (S_ISREG(st.st_mode))
        status = answer(404, "");
    else if (!S_ISDIR(st.st_mode))
        status = answer(403, "");
    else if (slash && lstat(index, &st) == 0 && S_ISREG(st.st_mode))
        status = send_path(r, index, false);
    else
        status = list(real);
    close(fd);
    return status;
}

static int answer_to(const struct http_request *r)
{
    static char name[10000], asked[20000], real[PATH_MAX];
    struct http_text t = r->target;
    struct stat st;

    head_only = http_is(r->method, "HEAD");
    if (!head_only && !http_is(r->method, "GET"))
        return answer(501, "");
    if (t.len > 7 && strncasecmp(t.at, "http://", 7) == 0) {
        const char *path = memchr(t.at + 7, '/', t.len - 7);
        t.len = path != NULL ? (size_t)(t.at + t.len - path) : 1;
        t.at = path != NULL ? path : "/";
    }
    const char *end = memchr(t.at, '?', t.len);
    if (end == NULL)
        end = t.at + t.len;
    if (!decode(t.at, end, name))
        return answer(400, "");
    /* Steps that lead up are refused altogether, as darkhttpd does. */
    for (const char *p = name; (p = strstr(p, "/..")) != NULL; p++)
        if (p[3] == '\0' || p[3] == '/')
            return answer(403, "");
    snprintf(asked, sizeof asked, "%s/%s", root, name);
    bool slash = name[strlen(name) - 1] == '/';
    if (realpath(asked, real) == NULL)
        return answer(errno == EACCES ? 403 : 404, "");
    size_t n = strlen(root);
    if (strncmp(real, root, n) != 0 || (real[n] != '/' && real[n] != '\0'))
        return answer(404, "");
    if (stat(real, &st) == 0 && S_ISDIR(st.st_mode) && !slash) {
        static char more[60000];
        char *to = more + sprintf(more, "Location: ");
        const char *one = name + strspn(name, "/") - 1; /* two are a host */
        for (const unsigned char *p = (unsigned char *)one; *p != '\0'; p++)
            to += sprintf(to, isalnum(*p) || *p == '/' ? "%c" : "%%%02x", *p);
        sprintf(to, "/\r\n");
        return answer(301, more);
    }
    return send_path(r, real, slash);
}

static bool more(void)
{
    ssize_t n = have < sizeof buf
                    ? read(cfd, buf + have, sizeof buf - have) : 0;

    have += n > 0 ? (size_t)n : 0;
    return n > 0;
}

static bool serve_one(void)
{
    struct http_request r = { 0 };
    size_t used;
    int status;

    while ((status = http_head(&r, buf, have)) == 0)
        if (!more())
            return false;
    sent = 0;
    head_only = false;
    stays = status == 200 && r.keep_alive;
    while (status == 200 && r.has_body) {
        if (r.expects_continue)
            fputs("HTTP/1.1 100 Continue\r\n\r\n", out), fflush(out);
        r.expects_continue = false;
        int got = http_skip(&r, buf + r.size, have - r.size, &used);
        memmove(buf + r.size, buf + r.size + used, have - r.size - used);
        have -= used;
        if (got == 200)
            break;
        if (got != 0)
            status = got;
        else if (!more())
            return false;
    }
    stays = stays && status == 200;
    int said = status == 200 ? answer_to(&r) : answer(status, "");
    if (fflush(out) == EOF)
        stays = false;

    char line[20000];
    time_t now = time(NULL);
    char when[64];
    strftime(when, sizeof when, "%d/%b/%Y:%H:%M:%S %z", localtime(&now));
    snprintf(line, sizeof line, "%s - - [%s] \"%.*s\" %d %lld\n", peer_name,
             when, (int)r.line.len, r.line.at, said, head_only ? 0 : sent);
    fputs(line, stderr);
    if (stays) {
        memmove(buf, buf + r.size, have - r.size);
        have -= r.size;
    }
    return stays;
}

static void serve(void)
{
    out = fdopen(dup(cfd), "w");
    if (out == NULL)
        exit(1);
    while (serve_one())
        ;
    fclose(out);
    shutdown(cfd, SHUT_WR);
    while (read(cfd, buf, sizeof buf) > 0)
        ;
    exit(0);
}

int main(int argc, char *argv[])
{
    const char *port = "8000", *address = "127.0.0.1", *folder = ".", *why;
    static const char text[] = "server [-b ADDRESS] [-d DIR] [PORT]";
    int nports = 0;

    prog = argv[0];
    for (int i = 1; i < argc; i++) {
        char *arg = argv[i];
        if (strncmp(arg, "--bind=", 7) == 0)
            address = arg + 7;
        else if (strncmp(arg, "--directory=", 12) == 0)
            folder = arg + 12;
        else if ((strcmp(arg, "--bind") == 0 || strcmp(arg, "-b") == 0) &&
                 i + 1 < argc)
            address = argv[++i];
        else if ((strcmp(arg, "--directory") == 0 || strcmp(arg, "-d") == 0) &&
                 i + 1 < argc)
            folder = argv[++i];
        else if (*arg == '-' || nports++ > 0)
            usage(argv, text);
        else
            port = arg;
    }
    if (!is_port(port))
        usage(argv, text);
    if (realpath(folder, root) == NULL)
        die("%s:", folder);
    if (root[1] == '\0')
        root[0] = '\0'; /* of all: what is below begins with its slash */
    on_signal(SIGPIPE, SIG_IGN, 0);
    on_signal(SIGCHLD, SIG_IGN, SA_NOCLDWAIT);
    int lfd = tcp_listen(address, port, &why);
    if (lfd < 0)
        die("bind %s:%s: %s", address, port, why);
    fprintf(stderr, "Server launched, listening on port: %d\n",
            sock_port(lfd));
    for (;;) {
        struct sockaddr_storage peer;
        socklen_t len;
        cfd = tcp_accept(lfd, &peer, &len);
        if (cfd < 0) {
            usleep(20000);
            continue;
        }
        if (getnameinfo((struct sockaddr *)&peer, len, peer_name,
                        sizeof peer_name, NULL, 0, NI_NUMERICHOST) != 0)
            strcpy(peer_name, "-");
        fprintf(stderr, "New client connected: %s\n", peer_name);
        pid_t pid = fork();
        if (pid == 0) {
            close(lfd);
            serve();
        }
        close(cfd);
    }
}
