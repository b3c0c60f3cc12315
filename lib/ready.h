/* ready.h - which of many descriptors can be read or written at once, for
 * 29-event-loop.
 *
 * The same five functions over epoll(7) on Linux, kqueue(2) on macOS and the
 * BSDs, and poll(2) everywhere; -DREADY_POLL has poll(2) where there is
 * another too. An event loop looks like this:
 *
 *     struct ready *set = ready_new();
 *     ready_add(set, fd, READY_READ, who);
 *     for (;;) {
 *         struct ready_event events[64];
 *         int n = ready_wait(set, events, 64, -1);
 *         for each of the n: serve events[i].who as far as it goes
 *     }
 *
 * Readiness is a state and no message ("level-triggered", epoll(7)): what you
 * leave unread is told again by the next ready_wait(). So one read(2) an event
 * is enough. But a descriptor may be found ready that is not (select(2), BUGS):
 * make all of them non-blocking, and take EAGAIN for an answer.
 */
#ifndef READY_H
#define READY_H

/* What one can wait for. Both: READY_READ | READY_WRITE. */
enum { READY_READ = 1,
       READY_WRITE = 2 };

struct ready; /* the descriptors of one loop, and what it wants of each */

struct ready_event {
    void *who; /* as ready_add() got it: whose descriptor it is */
    int what;  /* READY_READ, READY_WRITE or both */
};

/* Makes a set without descriptors. After fork(2), parent and child need one
 * each. Returns it, or NULL and errno. ready_free() frees it; the descriptors
 * in it are the caller's. */
struct ready *ready_new(void);
void ready_free(struct ready *set);

/* Has ready_wait() tell who when fd can be read, written, or both, as what
 * says. An input that is at its end counts as readable, for read(2) does not
 * wait then, and a connection that was reset as both. Returns 0, or -1 and
 * errno. */
int ready_add(struct ready *set, int fd, int what, void *who);

/* The same for an fd that is in the set already. 0: tell nothing for now. A
 * system call each time, so call it when something has changed and not before
 * each wait. Returns 0, or -1 and errno. */
int ready_change(struct ready *set, int fd, int what, void *who);

/* Takes fd out of the set and closes it (close(2)). */
void ready_close(struct ready *set, int fd);

/* Waits until a descriptor is ready, timeout milliseconds at most (-1: for
 * ever), and writes up to max of those that are into events. One that waits for
 * one thing is in it once: free who while it is served, nobody asks for it
 * again. Returns how many; 0 when the time is over or a signal came; -1 and
 * errno. */
int ready_wait(struct ready *set, struct ready_event *events, int max,
               int timeout);

/* The call behind it: "epoll", "kqueue" or "poll". */
extern const char *const ready_name;

/* ---- For a server of many clients, with several loops -------------------- */

/* Each client takes a descriptor: from now on this process may have as many as
 * the system lets it (RLIMIT_NOFILE, setrlimit(2)). */
void ready_files(void);

/* Makes one more socket that listens where lfd does, with a queue of its own:
 * the kernel spreads new clients over both (SO_REUSEPORT, socket(7); macOS lets
 * one of them have them all). Returns the descriptor, which is yours, or -1 and
 * errno. */
int ready_listen(int lfd);

#endif
