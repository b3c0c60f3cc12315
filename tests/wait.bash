# What the toolkit's own tests wait with.
# shellcheck shell=bash

# until_true CMD [ARG]...: 10 seconds at most. It looks again and again: a shell
# has no event to wait for when a file grows, or a process that is not its own
# child goes.
until_true() {
    local tries
    for ((tries = 0; tries < 500; tries++)); do
        ! "$@" || return 0
        sleep 0.02
    done
    echo "it did not happen: $*"
    return 1
}
