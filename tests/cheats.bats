# No cheat passes, none is left behind, no file of the checks changes.
# Each cheat is given to the checks of 23 as its server, in a copy of the
# project: with namespaces and without, as the user who runs this, and, where
# that is root, as an ordinary user too.
# shellcheck disable=SC2164  # bats ends a test where cd fails
# shellcheck disable=SC2030,SC2031  # a test and its teardown are one shell

setup_file() {
    cd "$BATS_TEST_DIRNAME/.."
    export COPY=$BATS_FILE_TMPDIR/copy CHEATS="$PWD/tests/cheats"
    mkdir -p "$COPY/build" "$COPY/tests"
    make -s build/support/launch build/support/peer
    cp -R Makefile tools lib exercises solutions "$COPY/"
    cp -R tests/support tests/23-http-server.bats "$COPY/tests/"
    cp -Rp build/support "$COPY/build/"
    make -s build/solutions/23-http-server/server
    mkdir -p "$COPY/build/solutions"
    cp -Rp build/solutions/23-http-server "$COPY/build/solutions/"
    chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$COPY"
    for c in "$CHEATS"/*.c; do
        c=${c##*/}
        mkdir -p "$COPY/build/cheats/${c%.c}"
        ${CC:-cc} -std=gnu11 -O1 "$CHEATS/$c" \
            -o "$COPY/build/cheats/${c%.c}/server"
    done
}

# Which processes run a program of the copy?
left_behind() {
    # shellcheck disable=SC2010,SC2012  # one process for all of /proc
    ls -l /proc/[0-9]*/exe 2>/dev/null | grep -F "$COPY/build/cheats/" || :
}

checksums() {
    (cd "$1" && find tests tools -type f -exec cksum {} + | sort)
}

# try USER-COMMAND...: all cheats must fail; prints those that do not.
try() {
    local cheat before bad=''
    for cheat in "$COPY"/build/cheats/*; do
        case $*:$cheat in *ROOM=plain*:*/runs-solution) continue ;; esac # it may
        before=$(checksums "$COPY")
        if (cd "$COPY" && "$@" tools/check 23-http-server \
            "build/cheats/${cheat##*/}") \
            >"$BATS_TEST_TMPDIR/out" 2>&1 </dev/null 3>&- 4>&-; then
            bad="$bad ${cheat##*/} passed;"
        fi
        [ -z "$(left_behind)" ] || bad="$bad ${cheat##*/} is left behind;"
        if [ "$before" != "$(checksums "$COPY")" ]; then
            [ -n "$plain_user" ] || bad="$bad ${cheat##*/} changed the checks;"
            restore
        fi
    done
    echo "$bad"
    [ -z "$bad" ]
}

# Without namespaces an ordinary user's program can write what the user can:
# then there is no pass, but the files are gone.
restore() {
    rm -rf "$COPY/tests" "$COPY/tools" "$COPY/build/support"
    mkdir -p "$COPY/tests"
    cp -R tools "$COPY/"
    cp -R tests/support tests/23-http-server.bats "$COPY/tests/"
    cp -Rp build/support "$COPY/build/"
    [ -z "$plain_user" ] || chown -R 4242 "$COPY"
}

as_user() {
    [ "$(id -u)" = 0 ] || skip "only root can become somebody else"
    command -v setpriv >/dev/null || skip "needs setpriv (util-linux)"
    chown -R 4242 "$COPY"
}

@test "no cheat passes" {
    cd "$BATS_TEST_DIRNAME/.."
    plain_user=''
    try env ROOM=own
}

@test "no cheat passes without namespaces" {
    cd "$BATS_TEST_DIRNAME/.."
    plain_user=$([ "$(id -u)" = 0 ] || echo yes)
    [ -z "$plain_user" ] || skip "would kill all processes of this user"
    try env ROOM=plain
}

@test "no cheat of an ordinary user passes" {
    cd "$BATS_TEST_DIRNAME/.."
    as_user
    # shellcheck disable=SC2016  # the room's shell expands it
    setpriv --reuid 4242 --regid 4242 --clear-groups build/support/launch \
        room "$COPY" /bin/sh -c '[ "$ROOM" = own ]' ||
        skip 'this system gives no namespaces to an ordinary user'
    plain_user=''
    # Of the same user, and not to be reached by kill(-1, SIGKILL). Nobody waits
    # for this sleep: it is somebody to be there, and ends below.
    setpriv --reuid 4242 --regid 4242 --clear-groups sleep 900 3>&- 4>&- &
    bystander=$!
    try setpriv --reuid 4242 --regid 4242 --clear-groups env HOME=/tmp ROOM=own
    kill "$bystander"
    bystander=
}

teardown() {
    [ -z "${bystander-}" ] || kill "$bystander" || :
}

@test "no cheat of an ordinary user passes without namespaces" {
    cd "$BATS_TEST_DIRNAME/.."
    as_user
    plain_user=yes
    try setpriv --reuid 4242 --regid 4242 --clear-groups env HOME=/tmp ROOM=plain
}

@test "a solution that is included is no solution" {
    cd "$COPY"
    as_it_was=$(<exercises/23-http-server/server.c)
    echo '#include "../../solutions/23-http-server/server.c"' \
        >exercises/23-http-server/server.c
    run make ex23
    printf '%s\n' "$as_it_was" >exercises/23-http-server/server.c
    printf '%s\n' "$output"
    [ "$status" != 0 ]
    [[ $output == *'exercises/23-http-server includes a file of solutions/'* ]]
    [[ $output != *'passed'* ]]
}
