/* record_stdio.c - fdopen(3) and dprintf(3) on a socket or a pipe.
 *
 * stdio calls the library's own read(2), which does not come by here. So a
 * program that makes a FILE of a socket gets one whose functions are ours:
 * fopencookie(3). Same buffer size as glibc's for a socket, same order of
 * calls. To put another stream in the place of stdout is not safe: of stdout
 * and stderr, what the program hands to stdio is told (a line P), not when stdio
 * writes it. */
#include "record.h"

#include <string.h>

enum { STREAMS = 256,
       BUFFER = 4096 };

static struct stream {
    FILE *file; /* NULL: free */
    int fd;
    char taken;
    char buffer[BUFFER];
} streams[STREAMS];

static ssize_t stream_read(void *cookie, char *buf, size_t n)
{
    struct stream *s = cookie;

    return plain_read(s->fd, buf, n, NULL);
}

/* All of it, as stdio does with a short write; musl flushes with n of 0. */
static ssize_t stream_write(void *cookie, const char *buf, size_t n)
{
    struct stream *s = cookie;
    size_t left = n;

    while (left > 0) {
        ssize_t nwritten = plain_write(s->fd, buf, left, NULL);
        if (nwritten < 0)
            break;
        buf += nwritten;
        left -= (size_t)nwritten;
    }
    return left == n && n > 0 ? -1 : (ssize_t)(n - left);
}


static int stream_close(void *cookie)
{
    struct stream *s = cookie;
    int fd = s->fd;

    s->file = NULL;
    __atomic_clear(&s->taken, __ATOMIC_RELEASE);
    return close(fd);
}

static struct stream *take_stream(void)
{
    for (int i = 0; i < STREAMS; i++)
        if (!__atomic_test_and_set(&streams[i].taken, __ATOMIC_ACQUIRE))
            return &streams[i];
    return NULL;
}

#ifdef __linux__
static int stream_seek(void *cookie, off_t *offset, int whence)
{
    (void)cookie, (void)offset, (void)whence;
    errno = ESPIPE; /* as lseek(2): fflush(3) looks at it */
    return -1;
}

static FILE *open_stream(struct stream *s, const char *mode)
{
    static const cookie_io_functions_t ours = { stream_read, stream_write,
                                                stream_seek, stream_close };

    return fopencookie(s, mode, ours);
}
#else
static int read_int(void *cookie, char *buf, int n)
{
    return (int)stream_read(cookie, buf, (size_t)n);
}

static int write_int(void *cookie, const char *buf, int n)
{
    return (int)stream_write(cookie, buf, (size_t)n);
}

static FILE *open_stream(struct stream *s, const char *mode)
{
    bool both = mode[1] == '+' || (mode[1] != '\0' && mode[2] == '+');

    return funopen(s, both || mode[0] == 'r' ? read_int : NULL,
                   both || mode[0] == 'w' ? write_int : NULL, NULL,
                   stream_close);
}
#endif

/* What fdopen(3) refuses, and "a", which sets O_APPEND, are left to it. */
static bool mode_fits(int fd, const char *mode)
{
    long access = system_flags(fd) & O_ACCMODE;
    bool both = false;

    for (const char *m = mode; *m != '\0'; m++)
        both = both || *m == '+';
    if (mode[0] != 'r' && mode[0] != 'w')
        return false;
    return access == O_RDWR ||
           (!both && access == (mode[0] == 'r' ? O_RDONLY : O_WRONLY));
}

FILE *fdopen(int fd, const char *mode)
{
    struct file about;
    struct stream *s = NULL;
    FILE *file;

    if (recording && file_of(fd, &about) && mode_fits(fd, mode))
        s = take_stream();
    if (s == NULL)
        return REAL(fdopen)(fd, mode);
    s->fd = fd;
    file = open_stream(s, mode);
    s->file = file;
    if (file == NULL)
        __atomic_clear(&s->taken, __ATOMIC_RELEASE);
#ifdef __GLIBC__
    else /* musl's own buffer has the size that fdopen(3) would give it */
        setvbuf(file, s->buffer, _IOFBF, BUFFER);
#endif
    return file;
}

static struct stream *stream_of(const FILE *file)
{
    for (int i = 0; recording && i < STREAMS; i++)
        if (streams[i].file == file)
            return &streams[i];
    return NULL;
}

int fileno(FILE *file)
{
    const struct stream *s = stream_of(file);

    return s != NULL ? s->fd : REAL(fileno)(file);
}

/* exit(3) does this too, but only after we have said that the program has
 * ended. A stream that another thread waits in is left to it. */
void stdio_flush(void)
{
    for (int i = 0; i < STREAMS; i++) {
        FILE *file = streams[i].file;
        if (file == NULL || ftrylockfile(file) != 0)
            continue;
        REAL(fflush)(file); /* it may lock it twice */
        funlockfile(file);
    }
}

/* ---- dprintf --------------------------------------------------------- */

/* Made here, and written as stdio does it: one write(2), and more only if it
 * was short. A text that is longer than this goes its own way, unseen. */
static int print(int fd, const char *format, va_list args, const void *caller)
{
    char text[BUFFER];
    struct file file;
    va_list again;
    int n = -1, done = 0;

    va_copy(again, args);
    if (recording && (fd == 1 || fd == 2 || file_of(fd, &file)))
        n = vsnprintf(text, sizeof text, format, again);
    va_end(again);
    if (n < 0 || n >= (int)sizeof text)
        return REAL(vdprintf)(fd, format, args);
    while (done < n) {
        ssize_t nwritten = plain_write(fd, text + done, (size_t)(n - done),
                                       caller);
        if (nwritten < 0)
            return -1;
        done += (int)nwritten;
    }
    return n;
}

int vdprintf(int fd, const char *restrict format, va_list args)
{
    return print(fd, format, args, CALLER);
}

int dprintf(int fd, const char *restrict format, ...)
{
    va_list args;

    va_start(args, format);
    int n = print(fd, format, args, CALLER);
    va_end(args);
    return n;
}

/* ---- stdout and stderr ----------------------------------------------- */

void tell_output(const char *name, int fd, const struct iovec *data,
                 size_t pieces, size_t n, const void *caller)
{
    struct call c;

    begin(&c, name, NO_FD, caller);
    put_text(&c.args, fd == 1 ? "stdout" : "stderr");
    c.fd = fd;
    c.data = data;
    c.pieces = pieces;
    c.bytes = (long)n;
    event('P', &c, c.entry, NULL, 0);
}

bool is_told(const FILE *f)
{
    return __builtin_expect(recording, false) && (f == stdout || f == stderr);
}

void tell_print(const char *name, const FILE *f, const char *data, size_t n,
                const void *caller)
{
    struct iovec one = { (void *)(uintptr_t)data, n };

    tell_output(name, f == stdout ? 1 : 2, &one, 1, n, caller);
}

int tell_format(const char *name, FILE *f, const char *format, va_list args,
                const void *caller)
{
    char text[DATA_MAX + 1];
    va_list again;
    int n;

    if (is_told(f)) {
        va_copy(again, args);
        n = vsnprintf(text, sizeof text, format, again);
        va_end(again);
        tell_print(name, f, text,
                   n < 0 ? 0 : n > DATA_MAX ? DATA_MAX : (size_t)n, caller);
    }
    return REAL(vfprintf)(f, format, args);
}

#define TELL_FORMAT(name, file)                             \
    va_list args;                                           \
    va_start(args, format);                                 \
    int n = tell_format(name, file, format, args, CALLER);  \
    va_end(args);                                           \
    return n

int printf(const char *restrict format, ...)
{
    TELL_FORMAT("printf", stdout);
}

int fprintf(FILE *restrict f, const char *restrict format, ...)
{
    TELL_FORMAT("fprintf", f);
}

int vprintf(const char *restrict format, va_list args)
{
    return tell_format("vprintf", stdout, format, args, CALLER);
}

int vfprintf(FILE *restrict f, const char *restrict format, va_list args)
{
    return tell_format("vfprintf", f, format, args, CALLER);
}

int puts(const char *text)
{
    if (is_told(stdout))
        tell_print("puts", stdout, text, strlen(text), CALLER);
    return REAL(puts)(text);
}

int fputs(const char *restrict text, FILE *restrict f)
{
    if (is_told(f))
        tell_print("fputs", f, text, strlen(text), CALLER);
    return REAL(fputs)(text, f);
}

size_t fwrite(const void *restrict data, size_t size, size_t n,
              FILE *restrict f)
{
    if (is_told(f))
        tell_print("fwrite", f, data, size * n, CALLER);
    return REAL(fwrite)(data, size, n, f);
}

int fputc(int c, FILE *f)
{
    char byte = (char)c;

    if (is_told(f))
        tell_print("fputc", f, &byte, 1, CALLER);
    return REAL(fputc)(c, f);
}

int putc(int c, FILE *f)
{
    char byte = (char)c;

    if (is_told(f))
        tell_print("putc", f, &byte, 1, CALLER);
    return REAL(fputc)(c, f);
}

int putchar(int c)
{
    char byte = (char)c;

    if (is_told(stdout))
        tell_print("putchar", stdout, &byte, 1, CALLER);
    return REAL(fputc)(c, stdout);
}

void perror(const char *text)
{
    int err = errno;

    if (is_told(stderr))
        tell_print("perror", stderr, text != NULL ? text : "",
                   text != NULL ? strlen(text) : 0, CALLER);
    errno = err;
    REAL(perror)(text);
}

int fflush(FILE *f)
{
    FILE *told = f != NULL ? f : stdout; /* NULL: all that there are */

    if (is_told(told))
        tell_print("fflush", told, "", 0, CALLER);
    return REAL(fflush)(f);
}

/* From then on nothing, or no whole line, is kept back. */
int setvbuf(FILE *restrict f, char *restrict buf, int mode, size_t size)
{
    if (mode != _IOFBF && is_told(f))
        tell_print("setvbuf", f, "", 0, CALLER);
    return REAL(setvbuf)(f, buf, mode, size);
}

void setbuf(FILE *restrict f, char *restrict buf)
{
    if (buf == NULL && is_told(f))
        tell_print("setbuf", f, "", 0, CALLER);
    REAL(setbuf)(f, buf);
}

#ifdef __linux__
void setlinebuf(FILE *f)
{
    if (is_told(f))
        tell_print("setlinebuf", f, "", 0, CALLER);
    REAL(setlinebuf)(f);
}

int __dprintf_chk(int fd, int flag, const char *restrict format, ...)
{
    va_list args;

    (void)flag;
    va_start(args, format);
    int n = print(fd, format, args, CALLER);
    va_end(args);
    return n;
}

int __printf_chk(int flag, const char *restrict format, ...)
{
    (void)flag;
    TELL_FORMAT("printf", stdout);
}

int __fprintf_chk(FILE *restrict f, int flag, const char *restrict format, ...)
{
    (void)flag;
    TELL_FORMAT("fprintf", f);
}

int fileno_unlocked(FILE *file)
{
    const struct stream *s = stream_of(file);

    return s != NULL ? s->fd : REAL(fileno_unlocked)(file);
}
#else /* macOS's returns something */
int setlinebuf(FILE *f)
{
    if (is_told(f))
        tell_print("setlinebuf", f, "", 0, CALLER);
    return REAL(setlinebuf)(f);
}
#endif
