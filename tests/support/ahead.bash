#!/usr/bin/env bash
# ahead FILE.bats: runs all its tests while bats is still at the ones before: bats
# takes 35 ms a test, and most scripts wait. Two at a time, so that the first
# failure is there soon; four, once the fourth test is over: then the failure, if
# any, is a later one. $AHEAD/N is a fifo for each test: `played` comes out of it
# when that test is over, with its exit status in N.status and what it said in
# N.out; or `none`, where programs could reach these files, for want of a room of
# their own; then there is a file $AHEAD/plain too. After a test that failed it
# begins no other, but with V=1: most likely nobody will ask, and if so, the answer
# is `none`. tools/check starts it, told.bash asks it.
set -u
file=$1
cd "$PROJECT" || exit 1

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

. tools/alone.bash

# The first one to make a file has its test: O_EXCL, by bash's noclobber.
taken() { # TEST
    set -o noclobber
    : >"$AHEAD/$1.taken"
    local mine=$?
    set +o noclobber
    return $((mine == 0))
}

worker() {
    local test status
    for ((test = 1; test <= count; test++)); do
        ! taken "$test" || continue
        if [ -e "$AHEAD/failed" ] && [ "${V-}" != 1 ]; then
            answer "$test" none
            continue
        fi
        (alone "$test") >"$AHEAD/$test.out" 2>&1 </dev/null
        status=$?
        echo "$status" >"$AHEAD/$test.status"
        case $status in 0 | 77) ;; *) : >"$AHEAD/failed" ;; esac
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
