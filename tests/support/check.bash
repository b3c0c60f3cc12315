# What every bats file of the checks loads: a check is a script for peer.
# shellcheck shell=bash

# Plays the script on stdin; sets out and status. Descriptors 3 and 4 are bats'
# own: nobody inherits them.
play_script() {
    status=0
    out=$("$SUPPORT/launch" room "$PROJECT" "$SUPPORT/peer" \
        9>"$LOGS/$BATS_TEST_NUMBER.log" 3>&- 4>&-) || status=$?
}

# Has ahead.bash played this one? Waits for it, then sets out and status. The
# fifo is opened for writing too: so open(2) does not wait for a writer.
played_ahead() {
    local answer=none
    [ -n "${AHEAD-}" ] || return 1
    nth=$((${nth:-0} + 1))
    if [ "$nth" = 1 ]; then
        read -r -t 120 answer <>"$AHEAD/$BATS_TEST_NUMBER" || :
        [ "$answer" = played ] || AHEAD=''
    fi
    [ -n "$AHEAD" ] && [ -f "$AHEAD/$BATS_TEST_NUMBER.$nth" ] || return 1
    out=$(<"$AHEAD/$BATS_TEST_NUMBER.$nth.out")
    status=$(<"$AHEAD/$BATS_TEST_NUMBER.$nth")
}

# play <<'END' ... END: plays the script; the test passes, fails or is left
# out as it did.
play() {
    local out status
    played_ahead || play_script
    case $status in
        0) return 0 ;;
        77)
            [ -z "${STRICT-}" ] && skip "$out"
            printf 'left out, and STRICT is set: %s\n--\n' "$out"
            return 1 ;;
    esac
    if [ -n "$out" ]; then
        printf '%s\n' "$out"
    else
        printf 'the check itself was ended: status %d\n--\n' "$status"
    fi
    return 1
}
