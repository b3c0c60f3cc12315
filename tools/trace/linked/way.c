/* way.c - linked into a program that is built with -fsanitize-coverage=trace-pc
 * (gcc and clang have it), whose blocks each begin with a call of this: it tells
 * the recorder, where that is loaded. */
#define _GNU_SOURCE

#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>

static void (*tell)(uintptr_t at);

__attribute__((constructor)) static void find_recorder(void)
{
    /* POSIX's way from an object's address to a function's (dlsym(3)) */
    *(void **)&tell = dlsym(RTLD_DEFAULT, "ladder_way");
}

void __sanitizer_cov_trace_pc(void);
void __sanitizer_cov_trace_pc(void)
{
    if (tell != NULL)
        tell((uintptr_t)__builtin_return_address(0));
}
