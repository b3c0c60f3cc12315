/* record_text.c - text, byte by byte.
 *
 * No snprintf(3), no memcpy(3): the first is slow and not for signal
 * handlers, the second is the sanitizers' own, and they must not see what we
 * do. The empty asm keeps the compiler from making memcpy(3) of a loop. */
#include "record.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>

#define KEEP_LOOP() __asm__ volatile("" :: \
                                         : "memory")

void put(struct text *t, char c)
{
    if (t->at < t->end)
        *t->at++ = c;
}

void put_text(struct text *t, const char *s)
{
    while (*s != '\0' && t->at < t->end)
        *t->at++ = *s++;
}

void put_hex(struct text *t, unsigned long n)
{
    int shift = 60;

    while (shift > 0 && n >> shift == 0)
        shift -= 4;
    for (; shift >= 0; shift -= 4)
        put(t, "0123456789abcdef"[n >> shift & 15]);
}

void put_number(struct text *t, long n)
{
    unsigned long left = n < 0 ? 0ul - (unsigned long)n : (unsigned long)n;
    char digits[24];
    int len = 0;

    do {
        digits[len++] = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (n < 0)
        put(t, '-');
    while (len > 0)
        put(t, digits[--len]);
}

static void put_escaped(struct text *t, unsigned char c)
{
    static const char plain[] = "\n\r\t\0\\\"", letters[] = "nrt0\\\"";

    for (size_t i = 0; i < sizeof plain - 1; i++)
        if (c == (unsigned char)plain[i]) {
            put(t, '\\');
            put(t, letters[i]);
            return;
        }
    if (c >= ' ' && c < 127) {
        put(t, (char)c);
        return;
    }
    put_text(t, "\\x");
    put(t, "0123456789abcdef"[c >> 4]);
    put(t, "0123456789abcdef"[c & 15]);
}

/* The first of the n bytes that lie in these pieces. */
void put_quoted(struct text *t, const struct iovec *data, size_t pieces,
                size_t n)
{
    size_t left = n < data_shown ? n : data_shown;

    put(t, '"');
    for (size_t i = 0; i < pieces && left > 0; i++) {
        const unsigned char *from = data[i].iov_base;
        for (size_t j = 0; j < data[i].iov_len && left > 0; j++, left--)
            put_escaped(t, from[j]);
    }
    put(t, '"');
}

void copy_bytes(void *to, const void *from, size_t n)
{
    char *out = to;
    const char *in = from;

    for (; n > 0; n--) {
        *out++ = *in++;
        KEEP_LOOP();
    }
}

bool same(const char *a, const char *b)
{
    while (*a == *b && *a != '\0')
        a++, b++;
    return *a == *b;
}

/* ---- Addresses ------------------------------------------------------- */

static void put_ipv4(struct text *t, const unsigned char *byte)
{
    for (int i = 0; i < 4; i++) {
        if (i > 0)
            put(t, '.');
        put_number(t, byte[i]);
    }
}

/* The longest row of at least two zero groups is written "::" (RFC 5952). */
static int longest_zeros(const unsigned char *byte, int *length)
{
    int first = -1, best = 1;

    for (int i = 0; i < 8; i++) {
        int n = 0;
        while (i + n < 8 && byte[2 * (i + n)] == 0 &&
               byte[2 * (i + n) + 1] == 0)
            n++;
        if (n > best) {
            first = i;
            best = n;
        }
    }
    *length = best;
    return first;
}

static void put_ipv6(struct text *t, const struct in6_addr *addr)
{
    const unsigned char *byte = addr->s6_addr;
    int length, zeros = longest_zeros(byte, &length);

    if (IN6_IS_ADDR_V4MAPPED(addr)) {
        put_text(t, "::ffff:");
        put_ipv4(t, byte + 12);
        return;
    }
    for (int i = 0; i < 8; i++) {
        if (i == zeros) {
            put_text(t, "::");
            i += length - 1;
            continue;
        }
        if (i > 0 && i != zeros + length)
            put(t, ':');
        put_hex(t, (unsigned long)byte[2 * i] << 8 | byte[2 * i + 1]);
    }
}

/* A name in the abstract namespace begins with a zero byte: unix(7). */
static void put_unix(struct text *t, const struct sockaddr_un *sun,
                     socklen_t len)
{
    size_t n = len - offsetof(struct sockaddr_un, sun_path);
    bool abstract = n > 0 && sun->sun_path[0] == '\0';

    put_text(t, "unix:");
    for (size_t i = 0; i < n && i < sizeof sun->sun_path; i++) {
        char c = sun->sun_path[i];
        if (c == '\0' && !abstract)
            break;
        if (c == '\0')
            c = '@';
        put(t, c > ' ' && c < 127 ? c : '?');
    }
}

void put_address(struct text *t, const struct sockaddr *sa, socklen_t len)
{
    const struct sockaddr_in *sin = (const void *)sa;
    const struct sockaddr_in6 *sin6 = (const void *)sa;

    if (sa == NULL || len < sizeof sa->sa_family)
        return;
    if (sa->sa_family == AF_UNIX) {
        put_unix(t, (const void *)sa, len);
    } else if (sa->sa_family == AF_INET && len >= sizeof *sin) {
        put_ipv4(t, (const unsigned char *)&sin->sin_addr);
        put(t, ':');
        put_number(t, ntohs(sin->sin_port));
    } else if (sa->sa_family == AF_INET6 && len >= sizeof *sin6) {
        put(t, '[');
        put_ipv6(t, &sin6->sin6_addr);
        put_text(t, "]:");
        put_number(t, ntohs(sin6->sin6_port));
    } else {
        put_text(t, sa->sa_family == AF_UNSPEC ? "AF_UNSPEC" : "?");
    }
}

/* ---- Names ----------------------------------------------------------- */

// clang-format off
static const struct flag errors[] = {
#define E(name) { name, #name }
    E(EPERM), E(ENOENT), E(ESRCH), E(EINTR), E(EIO), E(ENXIO), E(E2BIG),
    E(ENOEXEC), E(EBADF), E(ECHILD), E(EAGAIN), E(ENOMEM), E(EACCES),
    E(EFAULT), E(ENOTBLK), E(EBUSY), E(EEXIST), E(EXDEV), E(ENODEV),
    E(ENOTDIR), E(EISDIR), E(EINVAL), E(ENFILE), E(EMFILE), E(ENOTTY),
    E(ETXTBSY), E(EFBIG), E(ENOSPC), E(ESPIPE), E(EROFS), E(EMLINK),
    E(EPIPE), E(EDOM), E(ERANGE), E(EDEADLK), E(ENAMETOOLONG), E(ENOLCK),
    E(ENOSYS), E(ENOTEMPTY), E(ELOOP), E(ENOMSG), E(EPROTO), E(EBADMSG),
    E(EOVERFLOW), E(EILSEQ), E(ENOTSOCK), E(EDESTADDRREQ), E(EMSGSIZE),
    E(EPROTOTYPE), E(ENOPROTOOPT), E(EPROTONOSUPPORT), E(ESOCKTNOSUPPORT),
    E(EOPNOTSUPP), E(EPFNOSUPPORT), E(EAFNOSUPPORT), E(EADDRINUSE),
    E(EADDRNOTAVAIL), E(ENETDOWN), E(ENETUNREACH), E(ENETRESET),
    E(ECONNABORTED), E(ECONNRESET), E(ENOBUFS), E(EISCONN), E(ENOTCONN),
    E(ESHUTDOWN), E(ETIMEDOUT), E(ECONNREFUSED), E(EHOSTDOWN),
    E(EHOSTUNREACH), E(EALREADY), E(EINPROGRESS), E(ESTALE), E(ECANCELED),
    E(EOWNERDEAD), E(ENOTRECOVERABLE), E(EWOULDBLOCK)
#undef E
};
// clang-format on

const char *error_name(int err)
{
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
        if (errors[i].bit == err)
            return errors[i].name;
    return NULL;
}

static bool is_word(const char *word, const char *name, size_t len)
{
    size_t i = 0;

    while (i < len && word[i] == name[i] && word[i] != '\0')
        i++;
    return i == len && word[i] == '\0';
}

/* 0: there is no error of this name. */
int error_number(const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
        if (is_word(errors[i].name, name, len))
            return errors[i].bit;
    return 0;
}

void put_signal(struct text *t, int sig)
{
    static const struct flag names[] = {
#define S(name) { name, #name }
        S(SIGHUP), S(SIGINT), S(SIGQUIT), S(SIGILL), S(SIGTRAP), S(SIGABRT),
        S(SIGBUS), S(SIGFPE), S(SIGKILL), S(SIGUSR1), S(SIGSEGV), S(SIGUSR2),
        S(SIGPIPE), S(SIGALRM), S(SIGTERM), S(SIGCHLD), S(SIGCONT),
        S(SIGSTOP), S(SIGTSTP), S(SIGTTIN), S(SIGTTOU), S(SIGURG),
        S(SIGXCPU), S(SIGXFSZ), S(SIGVTALRM), S(SIGPROF), S(SIGWINCH),
        S(SIGIO), S(SIGSYS)
#undef S
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].bit == sig) {
            put_text(t, names[i].name);
            return;
        }
    put_number(t, sig);
}

/* "A|B|0x40"; nothing for 0. The list of names ends with a NULL. */
void put_flags(struct text *t, int flags, const struct flag *names)
{
    const char *between = "";

    for (; names->name != NULL; names++)
        if (names->bit != 0 && (flags & names->bit) == names->bit) {
            put_text(t, between);
            put_text(t, names->name);
            flags &= ~names->bit;
            between = "|";
        }
    if (flags != 0) {
        put_text(t, between);
        put_text(t, "0x");
        put_hex(t, (unsigned)flags);
    }
}

void put_call_flags(struct call *c, int flags, const struct flag *names)
{
    if (flags == 0)
        return;
    put_text(&c->args, ", ");
    put_flags(&c->args, flags, names);
}
