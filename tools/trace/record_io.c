/* record_io.c - the calls that move bytes. */
#include "record.h"

#include <sys/uio.h>

enum how {
    READ,
    READV,
    RECV,
    RECVFROM,
    RECVMSG,
    WRITE,
    WRITEV,
    SEND,
    SENDTO,
    SENDMSG
};

/* All of them as one: pieces of memory, and perhaps an address. */
struct io {
    enum how how;
    int fd;
    int flags;
    struct msghdr msg;
};

enum { PIECES_MAX = 16 };

static const char *const io_names[] = { "read", "readv", "recv",
                                        "recvfrom", "recvmsg", "write",
                                        "writev", "send", "sendto",
                                        "sendmsg" };

static const struct flag flag_names[] = {
    { MSG_PEEK, "MSG_PEEK" },
    { MSG_OOB, "MSG_OOB" },
    { MSG_DONTWAIT, "MSG_DONTWAIT" },
    { MSG_NOSIGNAL, "MSG_NOSIGNAL" },
    { MSG_WAITALL, "MSG_WAITALL" },
    { MSG_TRUNC, "MSG_TRUNC" },
    { MSG_MORE, "MSG_MORE" },
    { MSG_CMSG_CLOEXEC, "MSG_CMSG_CLOEXEC" },
    { 0, NULL }
};

static long asked_for(const struct msghdr *msg)
{
    long n = 0;

    for (size_t i = 0; i < (size_t)msg->msg_iovlen; i++)
        n += (long)msg->msg_iov[i].iov_len;
    return n;
}

static ssize_t receive(struct io *io)
{
    struct msghdr *msg = &io->msg;
    struct iovec *to = msg->msg_iov;

    switch (io->how) {
    case READ:
        return REAL(read)(io->fd, to->iov_base, to->iov_len);
    case READV:
        return REAL(readv)(io->fd, to, (int)msg->msg_iovlen);
    case RECV:
        return REAL(recv)(io->fd, to->iov_base, to->iov_len, io->flags);
    case RECVFROM:
        return REAL(recvfrom)(io->fd, to->iov_base, to->iov_len, io->flags,
                              TO_ADDRESS(msg->msg_name),
                              msg->msg_name != NULL ? &msg->msg_namelen
                                                    : NULL);
    default:
        return REAL(recvmsg)(io->fd, msg, io->flags);
    }
}

static ssize_t perform(struct io *io)
{
    struct msghdr *msg = &io->msg;
    struct iovec *from = msg->msg_iov;

    switch (io->how) {
    case WRITE:
        return REAL(write)(io->fd, from->iov_base, from->iov_len);
    case WRITEV:
        return REAL(writev)(io->fd, from, (int)msg->msg_iovlen);
    case SEND:
        return REAL(send)(io->fd, from->iov_base, from->iov_len, io->flags);
    case SENDTO:
        return REAL(sendto)(io->fd, from->iov_base, from->iov_len, io->flags,
                            TO_CONST_ADDRESS(msg->msg_name),
                            msg->msg_namelen);
    case SENDMSG:
        return REAL(sendmsg)(io->fd, msg, io->flags);
    default:
        return receive(io);
    }
}

static bool is_datagram(const struct call *c)
{
    return c->file.kind == 'd' || c->file.kind == 'v';
}

/* Whether it can wait at all; a UDP send does not. */
static bool may_wait(const struct io *io, const struct call *c)
{
    if (io->how >= WRITE && c->file.kind == 'd')
        return false;
    return (io->flags & MSG_DONTWAIT) == 0 && !is_nonblocking(io->fd);
}

/* Leaves only the first n bytes of the pieces, in a list of our own. */
static void cut(struct io *io, struct iovec own[PIECES_MAX], size_t n)
{
    size_t i = 0, pieces = (size_t)io->msg.msg_iovlen;

    for (; i < pieces && i < PIECES_MAX && n > 0; i++) {
        own[i] = io->msg.msg_iov[i];
        if (own[i].iov_len > n)
            own[i].iov_len = n;
        n -= own[i].iov_len;
    }
    io->msg.msg_iov = own;
    io->msg.msg_iovlen = (__typeof__(io->msg.msg_iovlen))i;
}

/* Who sent a datagram is part of the picture, also where the program does not
 * ask: it is asked for here. */
static void ask_sender(struct io *io, struct call *c,
                       struct sockaddr_storage *from)
{
    if (io->how > RECVMSG || !is_datagram(c) || c->file.peer[0] != '\0' ||
        io->msg.msg_name != NULL)
        return;
    if (io->how == READV || (io->how == READ && io->msg.msg_iov->iov_len == 0))
        return;
    if (io->how != RECVMSG)
        io->how = RECVFROM;
    io->msg.msg_name = from;
    io->msg.msg_namelen = sizeof *from;
}

/* The other side of a datagram, from the address that came or went with it. */
static void note_peer(struct call *c, const struct msghdr *msg, socklen_t room)
{
    struct text t = { c->file.peer, c->file.peer + ADDRESS_MAX - 1 };
    socklen_t len = msg->msg_namelen < room ? msg->msg_namelen : room;

    if (msg->msg_name == NULL || !is_datagram(c))
        return;
    put_address(&t, msg->msg_name, len);
    *t.at = '\0';
}

static ssize_t call_it(struct io *io, struct call *c)
{
    struct fault f = { 0, 0, 0, NORMAL, false };
    struct iovec own[PIECES_MAX], *pieces = io->msg.msg_iov;
    ssize_t n;

    if (faults_on)
        fault_find(c, &f);
    if (f.err == 0 && may_wait(io, c))
        waits(c);
    fault_sleep(&f);
    if (f.err != 0) {
        errno = f.err;
        return -1;
    }
    if (f.cut > 0)
        cut(io, own, f.cut);
    n = f.fate != NORMAL && io->how >= WRITE && is_datagram(c)
            ? fault_datagram(c, &f, &io->msg, io->flags)
            : perform(io);
    io->msg.msg_iov = pieces; /* not own, which ends here */
    if (faults_on)
        fault_moved(c, &f, n);
    return n;
}

/* Makes one of these calls and records it. What recvmsg(2) and recvfrom(2)
 * say about the sender is in io then. */
static ssize_t move(struct io *io, const void *caller)
{
    struct call c;
    struct sockaddr_storage from;
    const struct iovec *pieces = io->msg.msg_iov;
    ssize_t n;

    if (!call_begin(&c, io_names[io->how], io->fd, caller)) {
        if (recording && io->how >= WRITE && (io->fd == 1 || io->fd == 2))
            tell_output(io_names[io->how], io->fd, pieces,
                        (size_t)io->msg.msg_iovlen,
                        (size_t)asked_for(&io->msg), caller);
        return perform(io);
    }
    put_call_flags(&c, io->flags, flag_names);
    c.data = pieces;
    c.pieces = (size_t)io->msg.msg_iovlen;
    c.asked = asked_for(&io->msg);
    c.sends = io->how >= WRITE;
    ask_sender(io, &c, &from);
    socklen_t room = io->msg.msg_namelen;
    if (io->how >= WRITE)
        note_peer(&c, &io->msg, room);
    n = call_it(io, &c);
    if (n >= 0 && io->how < WRITE)
        note_peer(&c, &io->msg, room);
    if (io->msg.msg_name == &from)
        io->msg.msg_name = NULL;
    if (c.file.local[0] == '\0' && is_datagram(&c)) {
        struct file named;
        if (file_of(io->fd, &named)) /* its first send gave it a port */
            copy_bytes(c.file.local, named.local, sizeof named.local);
    }
    c.bytes = n;
    return ends(&c, n);
}

/* The calls that have one piece of memory. */
static ssize_t move_one(enum how how, int fd, const void *buf, size_t n,
                        int flags, const void *caller)
{
    struct iovec one = { (void *)(uintptr_t)buf, n };
    struct io io = { .how = how, .fd = fd, .flags = flags };

    io.msg.msg_iov = &one;
    io.msg.msg_iovlen = 1;
    return move(&io, caller);
}

/* ---- Receiving ------------------------------------------------------- */

ssize_t plain_read(int fd, void *buf, size_t n, const void *caller)
{
    return move_one(READ, fd, buf, n, 0, caller);
}

ssize_t read(int fd, void *buf, size_t n)
{
    if (!recording)
        return REAL(read)(fd, buf, n);
    return plain_read(fd, buf, n, CALLER);
}

ssize_t recv(int fd, void *buf, size_t n, int flags)
{
    if (!recording)
        return REAL(recv)(fd, buf, n, flags);
    return move_one(RECV, fd, buf, n, flags, CALLER);
}

static ssize_t receive_from(int fd, void *buf, size_t n, int flags,
                            struct sockaddr *addr, socklen_t *len,
                            const void *caller)
{
    struct iovec one = { buf, n };
    struct io io = { .how = RECVFROM, .fd = fd, .flags = flags };

    io.msg.msg_iov = &one;
    io.msg.msg_iovlen = 1;
    io.msg.msg_name = len != NULL ? addr : NULL;
    io.msg.msg_namelen = len != NULL ? *len : 0;
    n = (size_t)move(&io, caller);
    if (addr != NULL && len != NULL)
        *len = io.msg.msg_namelen;
    return (ssize_t)n;
}

ssize_t recvfrom(int fd, void *restrict buf, size_t n, int flags,
                 ADDRESS addr, socklen_t *restrict len)
{
    if (!recording)
        return REAL(recvfrom)(fd, buf, n, flags, addr, len);
    return receive_from(fd, buf, n, flags, SA(addr), len, CALLER);
}

ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
    struct io io = { .how = RECVMSG, .fd = fd, .flags = flags };
    ssize_t n;

    if (!recording)
        return REAL(recvmsg)(fd, msg, flags);
    io.msg = *msg;
    n = move(&io, CALLER);
    if (msg->msg_name != NULL)
        msg->msg_namelen = io.msg.msg_namelen;
    msg->msg_controllen = io.msg.msg_controllen;
    msg->msg_flags = io.msg.msg_flags;
    return n;
}

ssize_t readv(int fd, const struct iovec *pieces, int n)
{
    struct io io = { .how = READV, .fd = fd };

    if (!recording || n <= 0)
        return REAL(readv)(fd, pieces, n);
    io.msg.msg_iov = (struct iovec *)(uintptr_t)pieces;
    io.msg.msg_iovlen = (__typeof__(io.msg.msg_iovlen))n;
    return move(&io, CALLER);
}

/* ---- Sending --------------------------------------------------------- */

ssize_t plain_write(int fd, const void *buf, size_t n, const void *caller)
{
    return move_one(WRITE, fd, buf, n, 0, caller);
}

ssize_t write(int fd, const void *buf, size_t n)
{
    if (!recording)
        return REAL(write)(fd, buf, n);
    return plain_write(fd, buf, n, CALLER);
}

ssize_t send(int fd, const void *buf, size_t n, int flags)
{
    if (!recording)
        return REAL(send)(fd, buf, n, flags);
    return move_one(SEND, fd, buf, n, flags, CALLER);
}

ssize_t sendto(int fd, const void *buf, size_t n, int flags,
               CONST_ADDRESS addr, socklen_t len)
{
    struct iovec one = { (void *)(uintptr_t)buf, n };
    struct io io = { .how = SENDTO, .fd = fd, .flags = flags };

    if (!recording)
        return REAL(sendto)(fd, buf, n, flags, addr, len);
    io.msg.msg_iov = &one;
    io.msg.msg_iovlen = 1;
    io.msg.msg_name = (void *)(uintptr_t)SA(addr);
    io.msg.msg_namelen = len;
    return move(&io, CALLER);
}

ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
    struct io io = { .how = SENDMSG, .fd = fd, .flags = flags };

    if (!recording)
        return REAL(sendmsg)(fd, msg, flags);
    io.msg = *msg;
    return move(&io, CALLER);
}

ssize_t writev(int fd, const struct iovec *pieces, int n)
{
    struct io io = { .how = WRITEV, .fd = fd };

    if (!recording || n <= 0)
        return REAL(writev)(fd, pieces, n);
    io.msg.msg_iov = (struct iovec *)(uintptr_t)pieces;
    io.msg.msg_iovlen = (__typeof__(io.msg.msg_iovlen))n;
    return move(&io, CALLER);
}

/* ---- Linux has these besides ----------------------------------------- */

#ifdef __linux__
ssize_t __read_chk(int fd, void *buf, size_t n, size_t size)
{
    if (!recording || n > size)
        return REAL(__read_chk)(fd, buf, n, size);
    return plain_read(fd, buf, n, CALLER);
}

ssize_t __recv_chk(int fd, void *buf, size_t n, size_t size, int flags)
{
    if (!recording || n > size)
        return REAL(__recv_chk)(fd, buf, n, size, flags);
    return move_one(RECV, fd, buf, n, flags, CALLER);
}

ssize_t __recvfrom_chk(int fd, void *restrict buf, size_t n, size_t size,
                       int flags, ADDRESS addr, socklen_t *restrict len)
{
    if (!recording || n > size)
        return REAL(__recvfrom_chk)(fd, buf, n, size, flags, addr, len);
    return receive_from(fd, buf, n, flags, SA(addr), len, CALLER);
}

/* Its bytes do not come by here: there is no data in the event. */
static ssize_t send_file(int fd, int from, off_t *offset, size_t n,
                         const void *caller)
{
    struct call c;
    struct fault f = { 0, 0, 0, NORMAL, false };
    ssize_t sent = -1;

    if (!call_begin(&c, "sendfile", fd, caller))
        return REAL(sendfile)(fd, from, offset, n);
    put_text(&c.args, ", ");
    put_number(&c.args, from);
    if (faults_on)
        fault_find(&c, &f);
    if (f.err == 0 && !is_nonblocking(fd))
        waits(&c);
    fault_sleep(&f);
    errno = f.err != 0 ? f.err : errno;
    if (f.err == 0)
        sent = REAL(sendfile)(fd, from, offset,
                              f.cut > 0 && f.cut < n ? f.cut : n);
    if (faults_on)
        fault_moved(&c, &f, sent);
    c.bytes = sent;
    return ends(&c, sent);
}

ssize_t sendfile(int fd, int from, off_t *offset, size_t n)
{
    return send_file(fd, from, offset, n, CALLER);
}

#if defined __GLIBC__ && defined __LP64__
ssize_t sendfile64(int fd, int from, off64_t *offset, size_t n)
{
    return send_file(fd, from, offset, n, CALLER);
}
#endif
#endif
