# What the checks say of a wrong program of tests/mutants.
# shellcheck shell=bash

# fails_with NN-name/MUTANT TEXT...: what make says of it has these, on one line
# or folded into several.
fails_with() {
    local text folded
    make -s build/support/launch build/support/peer
    ONLY=${1%%-*}/${1#*/} run tools/mutants
    [ "$status" = 0 ]
    run tools/check "${1%/*}" "build/mutants/$1"
    printf '%s\n' "$output"
    [ "$status" = 1 ]
    folded=$(tr -s ' \n' ' ' <<<"$output")
    for text in "${@:2}"; do
        [[ $folded == *"$text"* ]] || {
            printf 'missing: %s\n' "$text"
            return 1
        }
    done
}
