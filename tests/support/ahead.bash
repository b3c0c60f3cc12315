#!/usr/bin/env bash
# ahead FILE.bats: plays the scripts of all its tests while bats is still at the
# ones before: bats takes 75 ms a test, and most scripts wait. Two at a time, so
# that the first failure is there soon; four, once the fourth test is played:
# then the failure, if any, is a later one. $AHEAD/N is a fifo for each test:
# `played` comes out of it when all of that test is played, or `none` where
# programs could reach these files, for want of a room of their own; then there
# is a file $AHEAD/plain too. After a script that failed it begins no other, but
# with V=1: most likely nobody will ask, and if so, the answer is `none`.
# tools/check starts it, check.bash asks it.
set -u
file=$1
cd "$PROJECT" || exit 1
. tests/support/check.bash

answer() { # TEST ANSWER: waits, in the background, until bats asks
    echo "$2" >"$AHEAD/$1" &
}

count=0
while [ -p "$AHEAD/$((count + 1))" ]; do count=$((count + 1)); done
# shellcheck disable=SC2016  # the room's shell expands it
if ! "$SUPPORT/launch" room "$PROJECT" /bin/sh -c '[ "$ROOM" = own ]'; then
    : >"$AHEAD/plain"
    for ((n = 1; n <= count; n++)); do answer "$n" none; done
    wait
    exit
fi

skip() { exit 1; }
. tools/alone.bash

play() {
    BATS_TEST_NUMBER=$test
    nth=$((nth + 1))
    play_script
    printf '%s' "$out" >"$AHEAD/$test.$nth.out"
    echo "$status" >"$AHEAD/$test.$nth"
    case $status in
    0) ;;
    77) exit 1 ;;
    *) : >"$AHEAD/failed" && exit 1 ;; # as bats, at the first failure
    esac
}

# The first one to make a file has its test: O_EXCL, by bash's noclobber.
taken() { # TEST
    set -o noclobber
    : >"$AHEAD/$1.taken"
    local mine=$?
    set +o noclobber
    return $((mine == 0))
}

worker() {
    local test nth out status
    for ((test = 1; test <= count; test++)); do
        ! taken "$test" || continue
        if [ -e "$AHEAD/failed" ] && [ "${V-}" != 1 ]; then
            answer "$test" none
            continue
        fi
        nth=0
        (eval "test_$test") >/dev/null 2>&1 </dev/null
        answer "$test" played
        if [ "$test" = 4 ] && [ ! -e "$AHEAD/failed" ]; then
            worker &
            worker &
        fi
    done
    wait
} 2>/dev/null
worker &
worker &
wait
