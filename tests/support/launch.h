/* What launch.c needs of the system, where systems differ. */
#ifndef LAUNCH_H
#define LAUNCH_H

#include <poll.h>
#include <signal.h>
#include <sys/types.h>
#include <time.h>

enum { ROOM_FAILED = 124 };

/* A network and a file system for this process and its children alone, the
 * files below project read-only. 0, or -1: the system does not let us, and
 * this process may be left with half of it. */
int make_room(const char *project);

/* From now on children live in a process world of their own, whose end ends
 * them all. Its first process, or 0 where there is no such thing: then this
 * process adopts orphans instead, if it can. */
pid_t own_processes(void);

/* Kills and reaps the program and all that it started. */
void end_all(pid_t keeper, pid_t program);

/* ppoll(2) of one descriptor: waits for an event, t, or a signal let in by
 * mask. */
int wait_event(struct pollfd *p, const struct timespec *t,
               const sigset_t *mask);

/* How many threads the user has that RLIMIT_NPROC will count with those of
 * the program (getrlimit(2)). */
long others_of_user(void);

int close_all_from(int first);          /* 0, or -1: do it one by one */
int drop_groups(void);                  /* 0 or -1 */
void keep_out(void);                    /* no ptrace(2), no /proc/PID/fd */
void own_proc(void);                    /* a /proc of its own world, if any */
void no_new_privileges(void);           /* none kept, none by setuid programs */
void exec_opened(int fd, char *argv[]); /* returns only if it failed */

#endif
