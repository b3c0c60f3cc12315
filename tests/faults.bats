# The checks while calls are cut short, interrupted, or fail: make faultsNN.
# shellcheck disable=SC2164  # bats ends a test where cd fails
# shellcheck disable=SC2030,SC2031  # each test is a subshell of its own
bats_require_minimum_version 1.5.0
load wrong

setup() {
    cd "$BATS_TEST_DIRNAME/.."
    unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES V
    export NO_COLOR=1 TREE=solutions
    [ "$(uname)" = Linux ] || skip 'the recorder is loaded with LD_PRELOAD'
}

# all_right NUMBER HOW-MANY-FAULTS
all_right() {
    run make -s "faults$1"
    [ "$status" = 0 ] || printf '%s\n' "$output"
    [ "$status" = 0 ]
    [[ $output == *"$2 passed, 0 failed" ]]
}

@test "20 is right under 3 faults" { all_right 20 3; }
@test "21 is right under 9 faults" { all_right 21 9; }
@test "22 is right under 3 faults" { all_right 22 3; }
@test "23 is right under 9 faults" { all_right 23 9; }
@test "24 is right under 10 faults" { all_right 24 10; }
@test "25 is right under 7 faults" { all_right 25 7; }
@test "26 is right under 9 faults" { all_right 26 9; }
@test "27 is right under 9 faults" { all_right 27 9; }
@test "28 is right under 10 faults" { all_right 28 10; }
@test "29 is right under 9 faults" { all_right 29 9; }

# A program that is wrong only when a call gives less than usual, or is
# interrupted: it passes all checks, and the faults find it.
wrong() { # NN-name SED-EXPRESSION
    rm -rf "$BATS_TEST_TMPDIR/copy"
    mkdir "$BATS_TEST_TMPDIR/copy"
    cp -R Makefile tools lib exercises solutions tests \
        "$BATS_TEST_TMPDIR/copy/"
    cd "$BATS_TEST_TMPDIR/copy"
    sed -i "$2" solutions/"$1"/*.c
    run make -s "solution${1%%-*}"
    [ "$status" = 0 ] || printf '%s\n' "$output"
    [ "$status" = 0 ]
    run make -s "faults${1%%-*}"
    printf '%s\n' "$output"
    [ "$status" != 0 ]
}

@test "a relay that drops what was interrupted is found" {
    wrong 22-udp-chat \
        's/while (nsent < 0 && errno == EINTR);/while (nsent < -1);/'
    [[ $output == *'FAILED  each 2nd call is interrupted: right in '* ]]
    [[ $output == *'What one says, every other one gets, unchanged'* ]]
}

@test "an unknown tree is told" {
    run -2 env TREE=nowhere tools/faults 24-threaded-server
    [[ $output == *'TREE is exercises or solutions, not nowhere'* ]]
}

# A check under faults, played as the others are. Sets status and output.
# shellcheck disable=SC2154  # bats' run sets them
under_faults() { # BIN [SUPPORT]
    sed 's/^CHECK /@test /' >"$BATS_TEST_TMPDIR/one.bats" <<'END'
load support/check
CHECK "one" {
    play <<'SCRIPT'
    run server 0 with faults=accept:ECONNABORTED@1;accept4:ECONNABORTED@1
    server ready
    a connects {server}
    a gets nothing
SCRIPT
}
END
    make -s build/support/launch build/support/peer build/trace/recorder \
        build/solutions/21-tcp-echo/server
    run env BIN="$PWD/$1" SUPPORT="$PWD/${2:-build/support}" PROJECT="$PWD" \
        LOGS="$BATS_TEST_TMPDIR" TITLE=one bash tools/one-check \
        "$BATS_TEST_TMPDIR/one.bats"
}

@test "a check under faults runs" {
    unset STRICT
    under_faults build/solutions/21-tcp-echo
    [ "$status" = 0 ]
}

@test "a check under faults is left out where there is no recorder" {
    mkdir -p build/tests/lonely/support
    make -s build/support/launch build/support/peer
    cp build/support/launch build/support/peer build/tests/lonely/support/
    unset STRICT
    under_faults build/solutions/21-tcp-echo build/tests/lonely/support
    [ "$status" = 77 ]
    [[ $output == 'skipped: needs the recorder: make build/trace/record.so'* ]]
    STRICT=1 under_faults build/solutions/21-tcp-echo build/tests/lonely/support
    [ "$status" = 1 ]
    [[ $output == 'left out, and STRICT is set: needs the recorder'* ]]
}

@test "a check under faults is left out for a program that takes no recorder" {
    mkdir -p build/tests/static
    ${CC:-cc} -static -w -pthread -Ilib solutions/21-tcp-echo/server.c lib/net.c \
        -o build/tests/static/server 2>/dev/null || skip 'no static C library here'
    unset STRICT
    under_faults build/tests/static
    [ "$status" = 77 ]
    [[ $output == 'skipped: the recorder, for faults on order, could not be'* ]]
    STRICT=1 under_faults build/tests/static
    [ "$status" = 1 ]
}

@test "a check under faults runs on programs with sanitizers" {
    local flavour
    unset STRICT
    for flavour in asan tsan; do
        make -s "build/$flavour/solutions/21-tcp-echo/server" ||
            skip "no $flavour here"
        under_faults "build/$flavour/solutions/21-tcp-echo"
        [ "$status" = 0 ] || printf '%s\n' "$output"
        [ "$status" = 0 ]
    done
}

@test "what a schedule finds is said in words" {
    fails_with 21-tcp-echo/server-waits-behind-cr \
        'schedules; first wrong when CR and LF arrive apart'
    fails_with 23-http-server/cr-apart \
        'schedules; first wrong when CR and LF arrive apart'
    fails_with 23-http-server/answers-both \
        'schedules; first wrong when two requests arrive at once'
}
