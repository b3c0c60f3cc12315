/* record_system.c - what systems differ in: Linux, and macOS behind #else. */
#include "record.h"

#include <sys/resource.h>

/* ---- Our descriptor -------------------------------------------------- */

/* Moves fd out of the program's sight, so that its first socket is still 3,
 * and returns its new number. Where the limit is low it is raised for this
 * moment: a descriptor above it stays good (getrlimit(2)). */
int move_high(int fd, int from)
{
    struct limit was = { 0, 0 }, more;
    long high = -1;

    system_limit(NULL, &was);
    more = was;
    more.now = was.most < 4096 ? was.most : 4096;
    if (was.now < more.now)
        system_limit(&more, NULL);
    else
        more.now = was.now;
    if (more.now <= (uint64_t)from)
        from = (int)more.now - 1;
    for (; high < 0 && from > 2; from--)
        high = system_copy(fd, from);
    if (was.now < more.now)
        system_limit(&was, NULL);
    if (high < 0)
        return fd;
    system_close(fd);
    return (int)high;
}

#ifdef __linux__

#include <link.h>

/* By syscall(2): the library's own functions may be a sanitizer's. */

long system_open(const char *path, int flags)
{
    return syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, 0666);
}

long system_read(int fd, void *buf, size_t n)
{
    return syscall(SYS_read, fd, buf, n);
}

long system_write(int fd, const void *buf, size_t n)
{
    return syscall(SYS_write, fd, buf, n);
}

void system_close(int fd)
{
    syscall(SYS_close, fd);
}

long system_copy(int fd, int from)
{
    return syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, from);
}

long system_flags(int fd)
{
    return syscall(SYS_fcntl, fd, F_GETFL);
}

void system_limit(const struct limit *set, struct limit *old)
{
    syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, set, old);
}

int system_name(int fd, bool peer, struct sockaddr *addr, socklen_t *len)
{
    return (int)syscall(peer ? SYS_getpeername : SYS_getsockname, fd, addr,
                        len);
}

int system_socket_type(int fd)
{
    int type = 0;
    socklen_t len = sizeof type;

    syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_TYPE, &type, &len);
    return type;
}

bool system_inode(int fd, unsigned long *ino, bool *fifo)
{
    struct stat st;
    int rc = real_function(REAL_fstat) != NULL
                 ? REAL(fstat)(fd, &st)
                 : (int)syscall(SYS_fstat, fd, &st); /* glibc < 2.33 */

    if (rc < 0 || (!S_ISSOCK(st.st_mode) && !S_ISFIFO(st.st_mode)))
        return false;
    *ino = (unsigned long)st.st_ino;
    *fifo = S_ISFIFO(st.st_mode);
    return true;
}

pid_t system_pid(void)
{
    return (pid_t)syscall(SYS_getpid);
}

pid_t system_parent(void)
{
    return (pid_t)syscall(SYS_getppid);
}

pid_t system_thread(void)
{
    return (pid_t)syscall(SYS_gettid);
}

void system_yield(void)
{
    syscall(SYS_sched_yield);
}

void system_sleep_until(int64_t until)
{
    struct timespec t = { (time_t)(until / 1000000000),
                          (long)(until % 1000000000) };

    while (syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &t,
                   NULL) < 0 &&
           errno == EINTR)
        ;
}

long system_command_line(char *room, size_t size)
{
    long fd = system_open("/proc/self/cmdline", O_RDONLY);
    long n = fd < 0 ? 0 : system_read((int)fd, room, size);

    if (fd >= 0)
        system_close((int)fd);
    return n;
}

const char *system_program(void)
{
    return program_invocation_short_name;
}

/* The first of the list is the program itself. */
static int note_range(struct dl_phdr_info *info, size_t size, void *data)
{
    struct image *image = data;

    (void)size;
    image->base = info->dlpi_addr;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        uintptr_t from = image->base + part->p_vaddr;
        if (part->p_type != PT_LOAD)
            continue;
        if (image->high == 0)
            image->low = from;
        image->high = from + part->p_memsz;
    }
    return 1;
}

void system_image(struct image *image)
{
    long n = syscall(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", image->path,
                     sizeof image->path);

    if (n < 0 || n == sizeof image->path)
        n = 0;
    image->path[n] = '\0';
    dl_iterate_phdr(note_range, image);
}

#else /* macOS, where the recorder is linked into the program */

#include <crt_externs.h>
#include <libproc.h>
#include <mach-o/dyld.h>
#include <mach-o/loader.h>
#include <sched.h>

long system_open(const char *path, int flags)
{
    return open(path, flags | O_CLOEXEC, 0666);
}

long system_read(int fd, void *buf, size_t n)
{
    return REAL(read)(fd, buf, n);
}

long system_write(int fd, const void *buf, size_t n)
{
    return REAL(write)(fd, buf, n);
}

void system_close(int fd)
{
    (void)REAL(close)(fd);
}

long system_copy(int fd, int from)
{
    return REAL(fcntl)(fd, F_DUPFD_CLOEXEC, from);
}

long system_flags(int fd)
{
    return REAL(fcntl)(fd, F_GETFL);
}

void system_limit(const struct limit *set, struct limit *old)
{
    struct rlimit r = { 0, 0 };

    if (set != NULL) {
        r.rlim_cur = set->now;
        r.rlim_max = set->most;
        setrlimit(RLIMIT_NOFILE, &r);
    } else {
        getrlimit(RLIMIT_NOFILE, &r);
        old->now = r.rlim_cur;
        old->most = r.rlim_max;
    }
}

int system_name(int fd, bool peer, struct sockaddr *addr, socklen_t *len)
{
    return peer ? getpeername(fd, addr, len) : getsockname(fd, addr, len);
}

int system_socket_type(int fd)
{
    int type = 0;
    socklen_t len = sizeof type;

    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len);
    return type;
}

/* fstat(2) gives a socket no inode, and each end of a pipe its own. The kernel
 * has a handle for each, made of its address: proc_pidfdinfo(), libproc.h. A TCP
 * socket's address may be another's later, but not with the same generation. */
static unsigned long socket_handle(int fd)
{
    struct socket_fdinfo info;
    const struct in_sockinfo *in = &info.psi.soi_proto.pri_in;

    if (proc_pidfdinfo(getpid(), fd, PROC_PIDFDSOCKETINFO, &info,
                       sizeof info) < (int)sizeof info)
        return 0;
    if (info.psi.soi_kind == SOCKINFO_TCP)
        in = &info.psi.soi_proto.pri_tcp.tcpsi_ini;
    if (info.psi.soi_kind != SOCKINFO_TCP && info.psi.soi_kind != SOCKINFO_IN)
        return (unsigned long)(info.psi.soi_so & INT64_MAX);
    return (unsigned long)((info.psi.soi_so ^ in->insi_gencnt << 40) &
                           INT64_MAX);
}

/* A pipe has one name, of both its ends; it stays so when one end has been
 * closed, and is no longer told. */
static unsigned long pipe_handle(int fd)
{
    static struct {
        uint64_t own, name;
    } known[512];
    struct pipe_fdinfo info;
    uint64_t own, peer;
    size_t i;

    if (proc_pidfdinfo(getpid(), fd, PROC_PIDFDPIPEINFO, &info,
                       sizeof info) < (int)sizeof info)
        return 0;
    own = info.pipeinfo.pipe_handle;
    peer = info.pipeinfo.pipe_peerhandle;
    i = own / 64 % 512;
    if (peer != 0) {
        known[i].own = own;
        known[i].name = (own > peer ? own : peer) & INT64_MAX;
    }
    return (unsigned long)(known[i].own == own ? known[i].name
                                               : own & INT64_MAX);
}

bool system_inode(int fd, unsigned long *ino, bool *fifo)
{
    struct stat st;

    if (fstat(fd, &st) < 0 ||
        (!S_ISSOCK(st.st_mode) && !S_ISFIFO(st.st_mode)))
        return false;
    *fifo = S_ISFIFO(st.st_mode);
    *ino = *fifo ? pipe_handle(fd) : socket_handle(fd);
    if (*ino == 0)
        *ino = (unsigned long)st.st_ino; /* a FIFO with a name */
    return *ino != 0;                    /* a kqueue(2) has none */
}

pid_t system_pid(void)
{
    return getpid();
}

pid_t system_parent(void)
{
    return getppid();
}

/* The first thread has the process's number; the others count higher. */
pid_t system_thread(void)
{
    uint64_t id = 0;

    if (pthread_main_np() != 0)
        return getpid();
    pthread_threadid_np(NULL, &id);
    return (pid_t)(id & INT32_MAX);
}

void system_yield(void)
{
    sched_yield();
}

void system_sleep_until(int64_t until)
{
    for (int64_t left; (left = until - now()) > 0;) {
        struct timespec t = { (time_t)(left / 1000000000),
                              (long)(left % 1000000000) };
        nanosleep(&t, NULL);
    }
}

long system_command_line(char *room, size_t size)
{
    struct text t = { room, room + size };
    char **argv = *_NSGetArgv();

    for (int i = 0; i < *_NSGetArgc(); i++) {
        if (i > 0)
            put(&t, '\0');
        put_text(&t, argv[i]);
    }
    return (long)(t.at - room);
}

const char *system_program(void)
{
    return getprogname();
}

/* The program is the first image; its code is in the segment __TEXT. */
void system_image(struct image *image)
{
    const struct mach_header_64 *head = (const void *)_dyld_get_image_header(0);
    const char *at = (const char *)(head + 1);
    uint32_t size = sizeof image->path;

    if (_NSGetExecutablePath(image->path, &size) != 0)
        image->path[0] = '\0';
    image->base = (uintptr_t)_dyld_get_image_vmaddr_slide(0);
    for (uint32_t i = 0; i < head->ncmds; i++) {
        const struct segment_command_64 *part = (const void *)at;
        if (part->cmd == LC_SEGMENT_64 && same(part->segname, "__TEXT")) {
            image->low = image->base + part->vmaddr;
            image->high = image->low + part->vmsize;
        }
        at += part->cmdsize;
    }
}

#endif
