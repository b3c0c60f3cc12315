/* record_files.c - which open file a descriptor stands for.
 *
 * A descriptor may come to mean another file behind our back: fclose(3),
 * SCM_RIGHTS, open(2). So fstat(2) is asked at each call (0.4 us); only what
 * it takes more to learn is kept, with the inode as the key. */
#include "record.h"

#include <netinet/in.h>

enum { SLOTS = 1024,
       QUIET_MAX = 16 };

/* Nobody waits for a slot, as a signal handler could for ever: whoever finds
 * it busy asks the kernel again. */
static struct slot {
    char busy;
    struct file file;
} slots[SLOTS];

static unsigned long quiet[QUIET_MAX]; /* inodes that are not recorded */
static int nquiet;

static bool take(struct slot *s)
{
    return !__atomic_test_and_set(&s->busy, __ATOMIC_ACQUIRE);
}

static void give_back(struct slot *s)
{
    __atomic_clear(&s->busy, __ATOMIC_RELEASE);
}

static void copy_text(char *to, const char *from)
{
    while ((*to++ = *from++) != '\0')
        __asm__ volatile("" ::
                             : "memory");
}

static void copy_file(struct file *to, const struct file *from)
{
    to->ino = from->ino;
    to->kind = from->kind;
    copy_text(to->local, from->local);
    copy_text(to->peer, from->peer);
}

static bool recall(struct file *file, bool fifo)
{
    struct slot *s = &slots[file->ino % SLOTS];
    bool found = false;

    if (!take(s))
        return false;
    if (s->file.ino == file->ino && (s->file.kind == 'p') == fifo) {
        copy_file(file, &s->file);
        found = true;
    }
    give_back(s);
    return found;
}

void file_keep(const struct file *file)
{
    struct slot *s = &slots[file->ino % SLOTS];

    if (take(s)) {
        copy_file(&s->file, file);
        give_back(s);
    }
}

/* A socket of the Internet that has no port yet has no address either. */
static bool has_port(const struct sockaddr_storage *addr)
{
    if (addr->ss_family == AF_INET)
        return ((const struct sockaddr_in *)addr)->sin_port != 0;
    if (addr->ss_family == AF_INET6)
        return ((const struct sockaddr_in6 *)addr)->sin6_port != 0;
    return addr->ss_family == AF_UNIX;
}

static int ask_address(int fd, bool peer, char room[ADDRESS_MAX])
{
    struct sockaddr_storage addr;
    socklen_t len = sizeof addr;
    struct text t = { room, room + ADDRESS_MAX - 1 };

    addr.ss_family = AF_UNSPEC;
    if (system_name(fd, peer, (struct sockaddr *)&addr, &len) == 0 &&
        has_port(&addr))
        put_address(&t, (struct sockaddr *)&addr, len);
    *t.at = '\0';
    return addr.ss_family;
}

/* Netlink and raw sockets have no kind: they are not recorded. */
static char kind_of(int fd, int family)
{
    int type = system_socket_type(fd);

    if (family == AF_UNIX)
        return type == SOCK_DGRAM ? 'v' : 'u';
    if (family != AF_INET && family != AF_INET6)
        return 0;
    return type == SOCK_STREAM ? 's' : type == SOCK_DGRAM ? 'd'
                                                          : 0;
}

/* Asks the kernel for the addresses, which bind(2) and connect(2) change. */
void file_refresh(int fd, struct file *file)
{
    int err = errno;

    if (file->kind != 'p') {
        file->kind = kind_of(fd, ask_address(fd, false, file->local));
        ask_address(fd, true, file->peer);
    }
    file_keep(file);
    errno = err;
}

static bool is_quiet(unsigned long ino)
{
    for (int i = 0; i < nquiet; i++)
        if (quiet[i] == ino)
            return true;
    return false;
}

static bool inode_of(int fd, unsigned long *ino, bool *fifo)
{
    int err = errno;
    bool found = system_inode(fd, ino, fifo);

    errno = err;
    return found;
}

/* Is it a socket or a pipe that is to be recorded, and which? */
bool file_of(int fd, struct file *file)
{
    bool fifo;

    file->kind = 0;
    file->local[0] = file->peer[0] = '\0';
    if (fd < 0 || !inode_of(fd, &file->ino, &fifo) || is_quiet(file->ino))
        return false;
    if (!recall(file, fifo)) {
        file->kind = fifo ? 'p' : 's';
        file_refresh(fd, file);
    } else if (file->local[0] == '\0' && file->kind != 'p') {
        file_refresh(fd, file); /* the first send may have named it */
    }
    return file->kind != 0;
}

bool is_nonblocking(int fd)
{
    return (system_flags(fd) & O_NONBLOCK) != 0;
}

/* ---- LADDER_QUIET ---------------------------------------------------- */

/* "0,1,2" are descriptors; "i4711" is an inode, for the programs that this one
 * starts: there, number 1 may be a pipe that is to be recorded. */
static const char *be_quiet_about(const char *at)
{
    bool inode = *at == 'i', fifo, open = true;
    unsigned long n = 0;

    if (inode)
        at++;
    while (*at >= '0' && *at <= '9')
        n = n * 10 + (unsigned long)(*at++ - '0');
    if (!inode)
        open = inode_of((int)n, &n, &fifo);
    if (open && nquiet < QUIET_MAX)
        quiet[nquiet++] = n;
    while (*at != '\0' && *at != ',')
        at++;
    return *at == ',' ? at + 1 : at;
}

void be_quiet(void)
{
    const char *at = getenv("LADDER_QUIET");
    char room[QUIET_MAX * 22];
    struct text t = { room, room + sizeof room - 1 };

    if (at == NULL)
        return;
    while (*at != '\0')
        at = be_quiet_about(at);
    for (int i = 0; i < nquiet; i++) {
        put_text(&t, i > 0 ? ",i" : "i");
        put_number(&t, (long)quiet[i]);
    }
    *t.at = '\0';
    setenv("LADDER_QUIET", room, 1);
}
