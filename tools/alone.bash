# The tests of $file as functions, test_1 and so on, and what bats gives to a
# test as far as the checks use it. Sourced from the top folder.
# shellcheck shell=bash
# shellcheck source=/dev/null
load() { . "tests/$1.bash"; }
eval "$(awk '/^@test / { printf "test_%d() {\n", ++n; next } { print }' \
    "${file:?}")"

skip() {
    printf 'skipped: %s\n' "$*"
    exit 77
}

# alone NUMBER: runs that test in this shell. Exit status: its own, 77 if it skips.
alone() {
    # shellcheck disable=SC2034  # logs have it in their names
    BATS_TEST_NUMBER=$1
    set -e
    "test_$1"
}
