#!/usr/bin/env bats
# lib/: the unit tests of each part, plain and under the tools that see more.

load wait

setup_file() {
    cd "$BATS_TEST_DIRNAME/.." || return
    mkdir -p build/tests
}

setup() {
    cd "$BATS_TEST_DIRNAME/.." || return
    WARN="-Wall -Wextra -Wpedantic -Wconversion -Wshadow"
    WARN="$WARN -Wstrict-prototypes -Wmissing-prototypes -Werror"
    PARTS=(net http web ready)
    server=
}

teardown() {
    [ -z "$server" ] || kill "$server"
}

# Builds tests/lib/$1_test.c as build/tests/$1_test$2; flags follow.
build() {
    local part=$1 program=build/tests/$1_test$2
    shift 2
    # shellcheck disable=SC2086
    ${CC:-cc} -std=gnu11 -g -pthread -Ilib $WARN "$@" \
        "tests/lib/${part}_test.c" lib/*.c -o "$program"
}

# Does the compiler have this? (A sanitizer's runtime is a package of its own.)
can_build() {
    echo 'int main(void) { return 0; }' >build/tests/can.c
    ${CC:-cc} "$@" build/tests/can.c -o build/tests/can 2>/dev/null &&
        build/tests/can
}

# Runs a command; all its tests must have passed, as many as it has announced.
all_pass() {
    run "$@"
    echo "$output"
    [ "$status" -eq 0 ]
    count=$(grep -c '^ok ' <<<"$output")
    grep -q "^1\.\.$count\$" <<<"$output"
    ! grep -q '^not ok' <<<"$output" || return 1
}

@test "lib: the unit tests pass" {
    for part in "${PARTS[@]}"; do
        build "$part" '' -O2
        all_pass "build/tests/${part}_test"
    done
}

@test "lib: the unit tests pass under ASan and UBSan" {
    can_build -fsanitize=address,undefined ||
        skip "no ASan here: install your compiler's sanitizer runtime"
    for part in "${PARTS[@]}"; do
        build "$part" _asan -O1 -fsanitize=address,undefined \
            -fno-sanitize-recover=all
        all_pass "build/tests/${part}_test_asan"
    done
}

@test "lib: the unit tests pass under TSan" {
    can_build -fsanitize=thread ||
        skip "no TSan here: install your compiler's sanitizer runtime"
    build net _tsan -O1 -fsanitize=thread
    all_pass build/tests/net_test_tsan
}

@test "lib: the unit tests pass under valgrind, without a leak" {
    command -v valgrind >/dev/null ||
        skip "no valgrind here: apt-get install valgrind"
    for part in "${PARTS[@]}"; do
        build "$part" '' -O2
        all_pass valgrind -q --error-exitcode=9 --leak-check=full \
            --child-silent-after-fork=yes "build/tests/${part}_test"
    done
}

@test "lib: tcp_connect tries every address of a name" {
    printf '::1 dual.test\n127.0.0.1 dual.test\n' >build/tests/hosts
    unshare -rm sh -c 'mount --bind build/tests/hosts /etc/hosts' 2>/dev/null ||
        skip "needs a mount namespace of its own (unshare -rm), as Linux has"
    build net '' -O2
    run unshare -rm sh -c 'mount --bind build/tests/hosts /etc/hosts &&
        exec build/tests/net_test dual dual.test'
    echo "$output"
    [ "$status" -eq 0 ]
}

@test "lib: a program that includes net.h or another first needs nothing else" {
    for part in "${PARTS[@]}"; do
        printf '#include "%s.h"\nint main(void) { return 0; }\n' "$part" \
            >build/tests/alone.c
        # shellcheck disable=SC2086
        ${CC:-cc} -std=c11 -Ilib $WARN build/tests/alone.c -o build/tests/alone
    done
}

@test "lib: ready.h over poll, and over kqueue where there is one" {
    build ready _poll -O2 -DREADY_POLL -fsanitize=address,undefined 2>/dev/null ||
        build ready _poll -O2 -DREADY_POLL
    all_pass build/tests/ready_test_poll
    # No machine of ours has kqueue(2): that it compiles is said by a stand-in.
    mkdir -p build/tests/sys
    cat >build/tests/sys/event.h <<'END'
#include <stdint.h>
#include <time.h>
struct kevent { uintptr_t ident; short filter; unsigned short flags;
    unsigned fflags; intptr_t data; void *udata; };
enum { EVFILT_READ = -1, EVFILT_WRITE = -2, EV_ADD = 1, EV_DELETE = 2 };
#define EV_SET(k, a, b, c, d, e, f) \
    (*(k) = (struct kevent){ (a), (b), (unsigned short)(c), (d), (e), (f) })
int kqueue(void);
int kevent(int, const struct kevent *, int, struct kevent *, int,
    const struct timespec *);
END
    # shellcheck disable=SC2086
    ${CC:-cc} -std=gnu11 -Ilib -Ibuild/tests $WARN -DREADY_KQUEUE -c lib/ready.c \
        -o build/tests/kqueue.o
}

@test "29: the server over poll passes all checks" {
    mkdir -p build/poll/29-event-loop
    # shellcheck disable=SC2086
    ${CC:-cc} -std=gnu11 -O2 -pthread -Ilib $WARN -DREADY_POLL \
        solutions/29-event-loop/server.c lib/*.c \
        -o build/poll/29-event-loop/server
    make -s build/support/launch build/support/peer 3>&- 4>&-
    run tools/check 29-event-loop build/poll/29-event-loop
    echo "$output"
    [ "$status" -eq 0 ]
}

# In seconds that a test can spend: the server, but for its two limits.
@test "29: who is too slow gets 408, and a few seconds to close, no more" {
    sed -e 's/^#define PATIENCE .*/#define PATIENCE 1/' \
        -e 's/^#define FAREWELL .*/#define FAREWELL 1/' \
        solutions/29-event-loop/server.c >build/tests/hasty.c
    # shellcheck disable=SC2086
    ${CC:-cc} -std=gnu11 -O2 -pthread -Ilib $WARN build/tests/hasty.c lib/*.c \
        -o build/tests/hasty
    build/tests/hasty 0 2>build/tests/hasty.err 3>&- 4>&- &
    server=$!
    is_launched() { port=$(grep -o '[0-9]*$' build/tests/hasty.err); }
    until_true is_launched
    exec 9<>"/dev/tcp/127.0.0.1/$port"
    printf 'GET / HTTP/1.1\r\n' >&9
    answer=$(cat <&9)
    [[ $answer == 'HTTP/1.1 408 '* ]]
    # It drops what still comes, and then resets the connection.
    is_reset() { ! (printf x >&9) 2>/dev/null; }
    until_true is_reset
    exec 9>&-
}
