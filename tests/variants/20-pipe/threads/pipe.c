/* A thread for each command: it starts it with posix_spawnp(3), waits for it
 * and keeps its exit status. The ends of the pipes are closed on exec. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
extern char **environ;
struct job {
    char **v;
    int in, out, code;
    pthread_t t;
};
static int present(const char *n)
{
    struct stat s;
    if (strchr(n, '/'))
        return stat(n, &s) == 0;
    return 0;
}
static void *run(void *a)
{
    struct job *j = a;
    posix_spawn_file_actions_t f;
    pid_t p;
    int e, st;
    posix_spawn_file_actions_init(&f);
    if (j->in >= 0)
        posix_spawn_file_actions_adddup2(&f, j->in, 0);
    if (j->out >= 0)
        posix_spawn_file_actions_adddup2(&f, j->out, 1);
    e = posix_spawnp(&p, j->v[0], &f, NULL, j->v, environ);
    if (j->in >= 0)
        close(j->in);
    if (j->out >= 0)
        close(j->out);
    posix_spawn_file_actions_destroy(&f);
    if (e == EAGAIN || e == ENOMEM) {
        fprintf(stderr, "pipe: cannot start %s: %s\n", j->v[0], strerror(e));
        j->code = 1;
        return NULL;
    }
    if (e) {
        fprintf(stderr, "pipe: cannot run `%s' (%s)\n", j->v[0], strerror(e));
        j->code = e == ENOENT && !present(j->v[0]) ? 127 : 126;
        return NULL;
    }
    while (waitpid(p, &st, 0) < 0 && errno == EINTR)
        ;
    j->code = WIFSIGNALED(st) ? 128 + WTERMSIG(st) : WEXITSTATUS(st);
    return NULL;
}
int main(int argc, char **argv)
{
    if (argc == 2 && !strcmp(argv[1], "--help")) {
        if (puts("usage: pipe A | B ...") < 0 || fclose(stdout) != 0) {
            perror("pipe: stdout");
            return 1;
        }
        return 0;
    }
    struct job *j = calloc((size_t)argc + 1, sizeof *j);
    int n = 0, start = 1, i;
    for (i = 1; i <= argc; i++)
        if (i == argc || !strcmp(argv[i], "|")) {
            if (i == start)
                goto bad;
            j[n].v = argv + start;
            j[n].in = j[n].out = -1;
            argv[i] = NULL;
            n++;
            start = i + 1;
        }
    if (n < 2)
        goto bad;
    for (i = 0; i < n - 1; i++) {
        int p[2];
        if (pipe(p) != 0 || fcntl(p[0], F_SETFD, FD_CLOEXEC) == -1
            || fcntl(p[1], F_SETFD, FD_CLOEXEC) == -1) {
            perror("pipe: cannot make a pipe");
            return 1;
        }
        j[i].out = p[1];
        j[i + 1].in = p[0];
    }
    for (i = 0; i < n; i++) {
        int e = pthread_create(&j[i].t, NULL, run, j + i);
        if (e) {
            fprintf(stderr, "pipe: thread: %s\n", strerror(e));
            exit(1);
        }
    }
    for (i = 0; i < n; i++)
        pthread_join(j[i].t, NULL);
    return j[n - 1].code;
bad:
    fputs("usage: pipe A '|' B ...\n", stderr);
    return 2;
}
