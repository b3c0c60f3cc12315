/* record_stdio.c - fdopen(3) and dprintf(3) on a socket or a pipe.
 *
 * stdio calls the library's own read(2), which does not come by here. So a
 * program that makes a FILE of a socket gets one whose functions are ours:
 * fopencookie(3). Same buffer size as glibc's for a socket, same order of
 * calls. dup2(socket, 1) and printf(3) stay unseen: to put another stream in
 * the place of stdout is not safe. */
#include "record.h"

#include <stdarg.h>

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

static int stream_seek(void *cookie, off_t *offset, int whence)
{
    (void)cookie, (void)offset, (void)whence;
    errno = ESPIPE; /* as lseek(2): fflush(3) looks at it */
    return -1;
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

/* What fdopen(3) refuses, and "a", which sets O_APPEND, are left to it. */
static bool mode_fits(int fd, const char *mode)
{
    long access = syscall(SYS_fcntl, fd, F_GETFL) & O_ACCMODE;
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
    static const cookie_io_functions_t ours = { stream_read, stream_write,
                                                stream_seek, stream_close };
    struct file about;
    struct stream *s = NULL;
    FILE *file;

    if (recording && file_of(fd, &about) && mode_fits(fd, mode))
        s = take_stream();
    if (s == NULL)
        return REAL(fdopen)(fd, mode);
    s->fd = fd;
    file = fopencookie(s, mode, ours);
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

int fileno_unlocked(FILE *file)
{
    const struct stream *s = stream_of(file);

    return s != NULL ? s->fd : REAL(fileno_unlocked)(file);
}

/* exit(3) does this too, but only after we have said that the program has
 * ended. A stream that another thread waits in is left to it. */
void stdio_flush(void)
{
    for (int i = 0; i < STREAMS; i++) {
        FILE *file = streams[i].file;
        if (file == NULL || ftrylockfile(file) != 0)
            continue;
        fflush_unlocked(file);
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
    if (recording && file_of(fd, &file))
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

int __dprintf_chk(int fd, int flag, const char *restrict format, ...)
{
    va_list args;

    (void)flag;
    va_start(args, format);
    int n = print(fd, format, args, CALLER);
    va_end(args);
    return n;
}
