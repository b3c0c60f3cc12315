# What the tools share: the top folder, colour, bats, one check alone. Sourced
# from the top folder. Works in bash 3.2, the one that macOS has.
# shellcheck shell=bash
# shellcheck disable=SC2034  # the variables are for those who source this

# A tool starts make anew: it must not take the flags of the make that runs it.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES MAKE_TERMOUT MAKE_TERMERR
# Nor does a bats that we start take the state of one that runs us.
for variable in ${!BATS_*}; do
    unset "$variable" 2>/dev/null
done

red='' green='' dim='' bold='' plain='' tick='ok' cross='FAILED'
# Colour on a terminal only, and not with NO_COLOR (no-color.org).
if [ -t 1 ] && [ -z "${NO_COLOR-}" ] && [ "${TERM-dumb}" != dumb ]; then
    red=$'\033[31m' green=$'\033[32m' dim=$'\033[2m' bold=$'\033[1m'
    plain=$'\033[0m'
    case ${LC_ALL:-${LC_CTYPE:-${LANG-}}} in
    *[Uu][Tt][Ff]-8* | *[Uu][Tt][Ff]8*)
        tick=$'\xe2\x9c\x93' cross=$'\xe2\x9c\x97'
        ;;
    esac
fi

# say PREFIX TEXT...: TEXT folded to 80 columns, later lines indented by as
# much as PREFIX is long. PREFIX is shown in the colour $hue.
hue=''
say() {
    local prefix=$1 line='' room indent word
    shift
    room=$((80 - ${#prefix}))
    printf -v indent '%*s' "${#prefix}" ''
    printf '%s' "$hue$prefix${hue:+$plain}"
    set -f
    # shellcheck disable=SC2048  # word by word is what is wanted
    for word in $*; do
        if [ -n "$line" ] && [ $((${#line} + ${#word} + 1)) -gt "$room" ]; then
            printf '%s\n%s' "$line" "$indent"
            line=''
        fi
        line=${line:+$line }$word
    done
    set +f
    printf '%s\n' "$line"
}

# complain TEXT...: as say, on stderr, after the tool's name.
complain() {
    say "${0##*/}: " "$@" >&2
}

# Sets bats to a bats of 1.8 or newer: $BATS, the one on PATH, or the pinned
# one of npm, put into .cache/. `bats --version` takes 50 ms: ask once a path.
find_bats() {
    local found pinned=.cache/npm/node_modules/bats/bin/bats
    if [ -n "${BATS-}" ]; then
        bats=$BATS
        return 0
    fi
    found=$(command -v bats)
    case $found in
    # A bats that runs us has its inner part on PATH.
    */libexec/bats-core/bats) found=${found%/libexec/*}/bin/bats ;;
    esac
    if [ -n "$found" ] && new_enough "$found"; then
        bats=$found
        return 0
    fi
    if [ ! -x "$pinned" ] && command -v npm >/dev/null; then
        # Not node_modules/.bin/bats: npm 11 makes none.
        npm install --prefix .cache/npm --no-save --silent bats@1.13.0 \
            >/dev/null 2>&1
    fi
    if [ -x "$pinned" ]; then
        bats=$PWD/$pinned
        return 0
    fi
    complain "needs bats 1.8 or newer. Get it with: make setup (or: apt" \
        "install bats, brew install bats-core, npm install -g bats)"
    return 1
}

new_enough() {
    local known version major minor
    if [ -r .cache/bats ]; then
        read -r known <.cache/bats
        [ "$known" != "$1" ] || return 0
    fi
    version=$("$1" --version 2>/dev/null) || return 1
    version=${version#Bats }
    major=${version%%.*} minor=${version#*.} minor=${minor%%.*}
    case $major$minor in '' | *[!0-9]*) return 1 ;; esac
    if [ "$major" -lt 1 ] || { [ "$major" -eq 1 ] && [ "$minor" -lt 8 ]; }; then
        return 1
    fi
    { mkdir -p .cache && printf '%s\n' "$1" >.cache/bats; } 2>/dev/null
    return 0
}

# numbered N: the NN-name of number N, or nothing.
numbered() {
    local d
    for d in exercises/"$1"-*/; do
        [ -d "$d" ] || return 1
        d=${d%/}
        printf '%s\n' "${d##*/}"
        return 0
    done
}

# titles NN-name: the titles of the checks in their order.
titles() {
    sed -n -e 's/^@test "\(.*\)" {$/\1/p' -e "s/^@test '\(.*\)' {\$/\1/p" \
        "tests/$1.bats"
}

# choose_tree NN-name: sets tree as TREE has it (exercises, or solutions), bin to
# the folder of that tree's programs of NN, programs to these.
choose_tree() {
    local source
    tree=${TREE:-exercises}
    case $tree in
    exercises | solutions) ;;
    *) complain "TREE is exercises or solutions, not $tree" && exit 2 ;;
    esac
    bin=build/$tree/$1 programs=()
    for source in "exercises/$1"/*.c; do
        source=${source##*/}
        programs+=("$bin/${source%.c}")
    done
}

# How the recorder comes into a program, as the Makefile has it.
if [ -z "${RECORD-}" ]; then
    export RECORD=linked
    [ "$(uname)" != Linux ] || RECORD=loaded
fi
recorder=build/trace/record.so
[ "$RECORD" = loaded ] || recorder=build/trace/record.o

# make_recorder: makes the recorder and the ladder; false where it cannot be.
make_recorder() {
    make -s build/trace/ladder build/trace/recorder >/dev/null 2>&1 </dev/null &&
        recorder_is_here
}
recorder_is_here() {
    [ -f "$recorder" ]
}

# recordable BIN_DIR: sets it to the folder of the same programs into which the
# recorder can come.
recordable() {
    recordable=$1
    case $RECORD:$1 in
    loaded:* | *:build/way/* | *:build/linked/*) ;;
    *) recordable=build/linked/${1#build/} ;;
    esac
}

# check_environment NN-name BIN_DIR [LOGS]: what a bats file reads.
check_environment() {
    local tree=${2#build/}
    tree=${tree#asan/}
    tree=${tree#tsan/}
    tree=${tree#way/}
    recordable "$2"
    export RECORDED=''
    [ "$RECORD" = loaded ] || RECORDED=$PWD/$recordable
    export PROJECT=$PWD SUPPORT=$PWD/build/support BIN=$PWD/$2
    export TSAN_BIN=$PWD/build/tsan/$tree
    case $2 in
    "build/exercises/$1") LOGS=${3-build/log/$1} ;;
    *) LOGS=${3-build/log/${2#build/}} ;;
    esac
    mkdir -p "$LOGS"
    export LOGS=$PWD/$LOGS
}

# one_check NN-name TITLE: runs that check alone, in the environment of
# check_environment, and without bats around it, which takes longer than most
# checks. Sets result to passed, failed, skipped, unknown, or broken: the check
# failed, but not by its own judgement. What it said is in story.
one_check() {
    local status
    story=$(TITLE=$2 bash tools/one-check "tests/$1.bats" 2>&1 </dev/null)
    status=$?
    case $status:$story in
    0:*) result=passed ;;
    77:*) result=skipped ;;
    78:*) result=unknown ;;
    *$'\n--') result=failed ;;
    *) result=broken ;;
    esac
}

# share FUNCTION ITEM...: FUNCTION on every item, $JOBS (2) of them at a time.
share() {
    local function=$1 jobs=${JOBS:-2} worker turn item
    shift
    for ((worker = 0; worker < jobs; worker++)); do
        (
            turn=0
            for item; do
                [ $((turn % jobs)) -ne "$worker" ] || "$function" "$item"
                turn=$((turn + 1))
            done
        ) &
    done
    wait
}

# with_patch PATCH DIR: changes the copy of a solution's files in DIR, or says
# why it cannot. a/solutions/NN-name/FILE.c is FILE.c there. -F0: a patch fits, or
# it does not.
with_patch() {
    patch -p3 -F0 -N -s -d "$2" <"$1" >"$2/patch.log" 2>&1 && return
    echo "the patch does not fit: $(tail -n 1 "$2/patch.log")"
    return 1
}

# wanted NN-name[/ID]: whether ONLY (24, 24/T01, or nothing) lets it through.
wanted() {
    local number=${1%%-*} id=''
    case $1 in */*) id=/${1##*/} ;; esac
    case ${ONLY-} in
    '' | "$number" | "$number$id" | "$1") return 0 ;;
    "$number"/*) [ -z "$id" ] ;;
    *) return 1 ;;
    esac
}

# The last line of a tool that judges many things, and its exit status.
passed=0 failed=0 skipped=0
total() {
    printf '%s passed, %s failed' "$passed" "$failed"
    [ "$skipped" = 0 ] || printf ', %s skipped' "$skipped"
    printf '\n'
    [ "$failed" = 0 ] && [ $((passed + skipped)) -gt 0 ]
}
skip() { # TEXT...: cannot be done here; under STRICT=1 that is a failure
    say '  --  ' "$@"
    if [ "${STRICT-}" = 1 ]; then
        failed=$((failed + 1))
    else
        skipped=$((skipped + 1))
    fi
}
pass() {
    passed=$((passed + 1))
    hue=$green say "  $tick  " "$@"
}
fail() {
    failed=$((failed + 1))
    hue=$red say "  $cross  " "$@"
}

# The flags under which nothing of ours has a warning.
STRICT_FLAGS='-std=gnu11 -O2 -g -pthread -Ilib -Wall -Wextra -Wpedantic
    -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Werror'
strict() { # FILE.c [FLAG]...: compiles it, keeps nothing
    # shellcheck disable=SC2086  # words, not one word
    ${CC:-cc} $STRICT_FLAGS "${@:2}" -c "$1" -o /dev/null
}
