# What every bats file of the checks loads: a check is a script for peer.
# shellcheck shell=bash

# play <<'END' ... END: plays the script; the test passes, fails or is left
# out as it did. Descriptors 3 and 4 are bats' own: nobody inherits them.
play() {
    local out status=0
    out=$("$SUPPORT/launch" room "$PROJECT" "$SUPPORT/peer" \
        9>"$LOGS/$BATS_TEST_NUMBER.log" 3>&- 4>&-) || status=$?
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
