# What tools/check gives to bats: bats reads a file anew for each of its tests,
# which takes longer than most scripts do. So the tests run beside it (ahead.bash),
# and bats is told how each ended.
# shellcheck shell=bash

# told FILE.bats: the result of the test of the same number and title there. The
# fifo is opened for writing too: so open(2) does not wait for a writer.
told() {
    local answer=none out status=0 test=${AHEAD-}/$BATS_TEST_NUMBER
    if [ -n "${AHEAD-}" ]; then
        read -r -t 120 answer <>"$test" || :
    fi
    if [ "$answer" = played ]; then
        out=$(<"$test.out") status=$(<"$test.status")
    else
        out=$(TITLE=$BATS_TEST_DESCRIPTION bash tools/one-check "$1" \
            2>&1 3>&- 4>&- </dev/null) || status=$?
    fi
    case $status in
    0) ;;
    77) skip "${out#skipped: }" ;;
    *) printf '%s\n' "$out" && return 1 ;;
    esac
}
