/* record_threads.c - threads, and where they wait for each other. */
#include "record.h"

/* What a new thread needs to know; free again as soon as it runs. */
struct launch {
    char taken;
    void *(*plain)(void *);
    int (*c11)(void *);
    void *arg;
    pid_t maker;
};

enum { LAUNCHES = 1024,
       THREADS = 4096 };

static struct launch launches[LAUNCHES];
static pthread_key_t ending; /* its destructor runs when a thread ends */
static bool has_key;

/* For pthread_join(3), which knows a thread by another name than the kernel.
 * A newer thread may push an older one out. */
static struct {
    pthread_t thread;
    pid_t tid;
} known[THREADS];

static size_t slot_of(pthread_t thread)
{
    return ((uintptr_t)thread >> 12) % THREADS;
}

static pid_t tid_of(pthread_t thread)
{
    size_t i = slot_of(thread);

    return known[i].thread == thread ? known[i].tid : 0;
}

/* All slots are busy only while that many threads have yet to begin. */
static struct launch *take_launch(void)
{
    for (;; system_yield())
        for (int i = 0; i < LAUNCHES; i++)
            if (!__atomic_test_and_set(&launches[i].taken, __ATOMIC_ACQUIRE))
                return &launches[i];
}

static struct launch *new_launch(void *arg)
{
    struct launch *l = take_launch();

    l->arg = arg;
    l->maker = own_tid();
    return l;
}

static void give_back(struct launch *l)
{
    __atomic_clear(&l->taken, __ATOMIC_RELEASE);
}

static void say_end(void *unused)
{
    struct call c;
    long none = 0;

    (void)unused;
    if (call_begin(&c, "thread ends", NO_FD, NULL))
        event('E', &c, c.entry, &none, 0);
}

void threads_begin(void)
{
    has_key = pthread_key_create(&ending, say_end) == 0;
}

/* The first thing that a new thread does. A delay comes before its start is
 * told, as it has not begun to run its function until then. */
static void say_begin(pid_t maker)
{
    struct call c;
    struct fault f = { 0, 0, 0, NORMAL, false };
    long result = maker;
    size_t i = slot_of(pthread_self());

    known[i].thread = pthread_self();
    known[i].tid = own_tid();
    if (!call_begin(&c, "thread", NO_FD, NULL))
        return;
    if (faults_on)
        fault_find(&c, &f);
    fault_sleep(&f);
    event('E', &c, now(), &result, 0);
    if (has_key)
        pthread_setspecific(ending, known);
}

static void *run_plain(void *launch)
{
    struct launch *l = launch;
    void *(*run)(void *) = l->plain;
    void *arg = l->arg;
    pid_t maker = l->maker;

    give_back(l);
    note_stack();
    say_begin(maker);
    return run(arg);
}

static void note_attributes(struct call *c, const pthread_attr_t *attr)
{
    int state;

    if (attr != NULL && pthread_attr_getdetachstate(attr, &state) == 0 &&
        state == PTHREAD_CREATE_DETACHED)
        put_text(&c->args, "detached");
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attr,
                   void *(*run)(void *), void *arg)
{
    struct call c;
    struct launch *l;
    int err;

    if (!call_begin(&c, "pthread_create", NO_FD, CALLER))
        return REAL(pthread_create)(thread, attr, run, arg);
    note_attributes(&c, attr);
    if ((err = fault_strikes(&c)) != 0)
        return err;
    l = new_launch(arg);
    l->plain = run;
    err = REAL(pthread_create)(thread, attr, run_plain, l);
    if (err != 0)
        give_back(l);
    return ends_with(&c, err, err);
}

#ifdef __linux__ /* macOS has no threads.h */
static int run_c11(void *launch)
{
    struct launch *l = launch;
    int (*run)(void *) = l->c11;
    void *arg = l->arg;
    pid_t maker = l->maker;

    give_back(l);
    note_stack();
    say_begin(maker);
    return run(arg);
}

int thrd_create(thrd_t *thread, int (*run)(void *), void *arg)
{
    struct call c;
    struct launch *l;
    int rc;

    if (!call_begin(&c, "thrd_create", NO_FD, CALLER))
        return REAL(thrd_create)(thread, run, arg);
    l = new_launch(arg);
    l->c11 = run;
    rc = REAL(thrd_create)(thread, run_c11, l);
    if (rc != thrd_success)
        give_back(l);
    ends_with(&c, rc, 0);
    return rc;
}
#endif

/* The end of other threads is told by the key's destructor; main has none. */
void __attribute__((noreturn)) pthread_exit(void *result)
{
    if (recording && (!has_key || pthread_getspecific(ending) == NULL))
        say_end(NULL);
    for (;;)
        (void)REAL(pthread_exit)(result);
}

/* A wait is told only where there is one, if the system can say so. */
static int try_join(pthread_t thread, void **result)
{
#ifdef __linux__
    return REAL(pthread_tryjoin_np)(thread, result);
#else
    (void)thread, (void)result;
    return EBUSY;
#endif
}

int pthread_join(pthread_t thread, void **result)
{
    struct call c;
    pid_t tid = tid_of(thread);
    int err;

    if (!call_begin(&c, "join", NO_FD, CALLER))
        return REAL(pthread_join)(thread, result);
    if (tid != 0)
        put_number(&c.args, tid);
    err = try_join(thread, result);
    if (err == EBUSY) {
        waits(&c);
        err = REAL(pthread_join)(thread, result);
    }
    return ends_with(&c, err, err);
}

int pthread_detach(pthread_t thread)
{
    struct call c;
    pid_t tid = tid_of(thread);
    int err;

    if (!call_begin(&c, "pthread_detach", NO_FD, CALLER))
        return REAL(pthread_detach)(thread);
    if (tid != 0)
        put_number(&c.args, tid);
    err = REAL(pthread_detach)(thread);
    return ends_with(&c, err, err);
}

/* ---- Locks ----------------------------------------------------------- */

static void put_pointer(struct call *c, const void *p)
{
    put_text(&c->args, "0x");
    put_hex(&c->args, (uintptr_t)p);
}

/* Only a lock that another thread holds is told; the free one costs little. */
int pthread_mutex_lock(pthread_mutex_t *mutex)
{
    struct call c;
    int err;

    if (!recording)
        return REAL(pthread_mutex_lock)(mutex);
    err = REAL(pthread_mutex_trylock)(mutex);
    if (err == 0 || err == EOWNERDEAD)
        return err;
    if (err != EBUSY || !call_begin(&c, "lock", NO_FD, CALLER))
        return REAL(pthread_mutex_lock)(mutex);
    put_pointer(&c, mutex);
    waits(&c);
    err = REAL(pthread_mutex_lock)(mutex);
    return ends_with(&c, err, err);
}

static void begin_cond_wait(struct call *c, const pthread_cond_t *cond)
{
    put_pointer(c, cond);
    waits(c);
}

int pthread_cond_wait(pthread_cond_t *restrict cond,
                      pthread_mutex_t *restrict mutex)
{
    struct call c;
    int err;

    if (!call_begin(&c, "cond wait", NO_FD, CALLER))
        return REAL(pthread_cond_wait)(cond, mutex);
    begin_cond_wait(&c, cond);
    err = REAL(pthread_cond_wait)(cond, mutex);
    return ends_with(&c, err, err);
}

int pthread_cond_timedwait(pthread_cond_t *restrict cond,
                           pthread_mutex_t *restrict mutex,
                           const struct timespec *restrict until)
{
    struct call c;
    int err;

    if (!call_begin(&c, "cond wait", NO_FD, CALLER))
        return REAL(pthread_cond_timedwait)(cond, mutex, until);
    begin_cond_wait(&c, cond);
    err = REAL(pthread_cond_timedwait)(cond, mutex, until);
    return ends_with(&c, err, err);
}

#ifdef __GLIBC__
int pthread_cond_clockwait(pthread_cond_t *restrict cond,
                           pthread_mutex_t *restrict mutex, clockid_t clock,
                           const struct timespec *restrict until)
{
    struct call c;
    int err;

    if (!call_begin(&c, "cond wait", NO_FD, CALLER))
        return REAL(pthread_cond_clockwait)(cond, mutex, clock, until);
    begin_cond_wait(&c, cond);
    err = REAL(pthread_cond_clockwait)(cond, mutex, clock, until);
    return ends_with(&c, err, err);
}
#endif
