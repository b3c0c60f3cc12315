/* frame.h - what the unit tests of lib/ share: they print TAP. */
#ifndef FRAME_H
#define FRAME_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct test {
    const char *title;
    void (*run)(void);
};

static int nfailed; /* in the test that runs */

#define CHECK(cond) check((cond), #cond, __LINE__, "")

/* One thing that must hold: text says what, about with which of several. */
static void check(bool ok, const char *text, int line, const char *about)
{
    if (ok)
        return;
    nfailed++;
    printf("# line %d: %s %s (errno: %s)\n", line, text, about,
           strerror(errno));
}

/* Runs n tests. Returns the exit status: 0 if all have passed. */
static int run_all(const struct test *tests, size_t n)
{
    int bad = 0;

    printf("1..%zu\n", n);
    for (size_t i = 0; i < n; i++) {
        nfailed = 0;
        tests[i].run();
        printf("%s %zu - %s\n", nfailed == 0 ? "ok" : "not ok", i + 1,
               tests[i].title);
        fflush(stdout);
        bad += nfailed > 0;
    }
    return bad > 0;
}

#endif
