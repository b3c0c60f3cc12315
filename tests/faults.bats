# The checks while calls are cut short, interrupted, or fail: make faultsNN.
# shellcheck disable=SC2164  # bats ends a test where cd fails
# shellcheck disable=SC2030,SC2031  # each test is a subshell of its own
bats_require_minimum_version 1.5.0

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
