# The tests of $file as functions, test_1 and so on, and what bats gives to a
# test as far as the checks use it. Sourced from the top folder.
# shellcheck shell=bash
# shellcheck source=/dev/null
load() { . "tests/$1.bash"; }
eval "$(awk '/^@test / { printf "test_%d() {\n", ++n; next } { print }' \
    "${file:?}")"
