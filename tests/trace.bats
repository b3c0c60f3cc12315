# make traceNN and tools/trace/trace: programs under the recorder, drawn.
# shellcheck disable=SC2164  # bats ends a test where cd fails
# shellcheck disable=SC2016  # the room's shell expands what it is given
bats_require_minimum_version 1.5.0
load wait

setup_file() {
    cd "$BATS_TEST_DIRNAME/.."
    unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES TREE LIVE FAULTS
    export NO_COLOR=1 LC_ALL=C.UTF-8 COLUMNS=80
    [ "$(uname)" = Linux ] || skip 'the recorder is loaded with LD_PRELOAD'
    local source targets=(build/trace/ladder build/trace/record.so
        build/support/launch)
    for source in solutions/*/*.c; do
        targets+=("build/${source%.c}")
    done
    make -s "${targets[@]}"
}
setup() {
    cd "$BATS_TEST_DIRNAME/.."
    crowd=
}
teardown() {
    [ -z "$crowd" ] || kill "$crowd"
}

has() {
    [[ $output == *"$1"* ]] || {
        printf 'missing: %s\nin:\n%s\n' "$1" "$output"
        return 1
    }
}

# in_a_room SCRIPT: where all ports are free, and /tmp alone can be written.
in_a_room() {
    build/support/launch room "$PWD" /bin/sh -c '[ "$ROOM" = own ]' ||
        skip 'this system gives no namespaces'
    PROJECT=$PWD run -0 build/support/launch room "$PWD" "$BASH" -c "$1" \
        3>&- 4>&-
}

@test "make trace20 draws the pipe of the solution" {
    run -0 make -s trace20 TREE=solutions
    has 'pipe() │'
    has '─▶│ [P2] read(0) = '
    has 'EOF'
}

@test "make trace21 draws connection, bytes and end of a TCP echo" {
    run -0 make -s trace21 TREE=solutions
    has '◀── connection ───'
    has '◀───── 6 B ───────'
    has '────── 6 B ──────▶│'
    has '────── EOF ──────▶│'
    has 'server still waits: accept(3)'
}

@test "make trace22 draws who said what to whom" {
    run -0 make -s trace22 TREE=solutions
    has '◀───── 12 B ──────'
    has '────── 10 B ─────▶'
}

@test "make trace23 shows one client waiting behind the silent one" {
    run -0 make -s trace23 TREE=solutions
    has 'server still waits: read('
    [ "$(grep -c 'connection' <<<"$output")" = 2 ]
}

@test "make trace24 shows a silent client and two that are served" {
    run -0 make -s trace24 TREE=solutions
    has '[T3] thread ends'
    has 'server [T1] still waits: read(4)'
    [ "$(grep -c '◀── connection ───' <<<"$output")" = 3 ]
    [ "$(grep -c ' 211 B ' <<<"$output")" = 2 ]
}

@test "make trace25 draws the page on its way" {
    run -0 make -s trace25 TREE=solutions
    has 'EOF'
    has '◀── connection ───'
}

@test "make trace26 draws both ends of a socket with a path" {
    run -0 make -s trace26 TREE=solutions
    has 'bind('
    has '◀── connection ───'
    has '◀───── 6 B ───────'
    has '────── EOF ──────▶│'
    has 'server still waits: accept(4)'
}

@test "the pictures are kept, whole" {
    run -0 make -s trace21 TREE=solutions
    for kind in events svg html mmd out; do
        [ -s build/trace/21-tcp-echo.$kind ] || [ $kind = out ]
    done
    grep -q '</svg>' build/trace/21-tcp-echo.svg
    grep -q '</html>' build/trace/21-tcp-echo.html
    head -n 1 build/trace/21-tcp-echo.mmd | grep -qx sequenceDiagram
}

@test "a program that ends at once, and one that touches no socket" {
    run -1 tools/trace/trace -n none sh -c 'echo this is what it says'
    has 'called nothing that is drawn. It said: this is what it says'
    printf 'int main(void) { return 0; }\n' >"$BATS_TEST_TMPDIR/static.c"
    if cc -static "$BATS_TEST_TMPDIR/static.c" -o "$BATS_TEST_TMPDIR/static" \
        2>/dev/null; then
        run -1 tools/trace/trace -n none "$BATS_TEST_TMPDIR/static"
        has 'no call was recorded'
    fi
    run -1 tools/trace/trace -n none sh -c 'echo bind: no; exit 1' -- \
        nc 127.0.0.1 '{port}'
    has 'the first program ended before it listened: bind: no'
}

@test "a program that is not there, and wrong options" {
    run -1 tools/trace/trace -n none no-such-program
    has 'no-such-program: no such program'
    run -2 tools/trace/trace
    run -2 tools/trace/trace -x true
    run -2 tools/trace/trace -t abc true
    run -2 env TREE=nowhere tools/trace/scene 24-threaded-server
    has 'TREE is exercises or solutions'
}

@test "what hangs is ended after its time, and drawn" {
    make -s build/solutions/21-tcp-echo/server
    run -0 tools/trace/trace -n hang -t 0.5 \
        build/solutions/21-tcp-echo/server 0
    has 'server still waits: accept(3)'
}

@test "nothing is left behind" {
    make -s build/solutions/21-tcp-echo/server
    tools/trace/trace -n left -t 0.3 build/solutions/21-tcp-echo/server 0 \
        >/dev/null
    run ! pgrep -f "$PWD/build/solutions/21-tcp-echo/server"
}

@test "programs of others: curl and Python's http.server" {
    command -v curl >/dev/null && command -v python3 >/dev/null ||
        skip 'needs curl and python3'
    run -0 tools/trace/trace -n others -t 5 \
        python3 -m http.server --bind 127.0.0.1 0 -- \
        curl -s 'http://127.0.0.1:{port}/README.md'
    has '◀── connection ───'
    has '"GE'
    grep -q 'Pipes and sockets in C' build/trace/others.out
}

@test "programs of others: socat and nc" {
    command -v socat >/dev/null && command -v nc >/dev/null ||
        skip 'needs socat and nc'
    local top=$PWD
    cd "$BATS_TEST_TMPDIR"
    printf 'hello\n' >hello
    run -0 "$top/tools/trace/trace" -n others -t 5 \
        socat TCP-LISTEN:0,bind=127.0.0.1 EXEC:cat -- \
        nc -N 127.0.0.1 '{port}' '<hello'
    cd "$top"
    has '◀── connection ───'
    has '◀───── 6 B ───────'
    has '────── 6 B ──────▶│ read(3) = 6 "hello\n"'
    [ "$(cat build/trace/others.out)" = hello ]
}

@test "programs of others: wget and busybox's httpd" {
    command -v wget >/dev/null && command -v busybox >/dev/null ||
        skip 'needs wget and busybox'
    in_a_room 'echo "<p>hi</p>" >/tmp/index.html
        TRACE_DIR=/tmp "$PROJECT/tools/trace/trace" -n others -t 5 \
            busybox httpd -f -p 127.0.0.1:8080 -h /tmp -- \
            wget -qO- http://127.0.0.1:8080/
        cat /tmp/others.out'
    has '◀── connection ───'
    has '[P1] shutdown(1'
    has '────── 10 B ─────▶│ read(3) = 10 "<p>'
    has 'busybox still waits: accept(3)'
    [ "${lines[${#lines[@]} - 1]}" = '<p>hi</p>' ]
}

build_forks() {
    mkdir -p build/tests
    ${CC:-cc} -std=gnu11 -O2 -Ilib -o build/tests/server \
        tests/trace/forks.c lib/net.c
}

@test "a child that nobody waits for is a zombie, one that is reaped is not" {
    build_forks
    make -s build/solutions/21-tcp-echo/client
    printf 'hello\n' >"$BATS_TEST_TMPDIR/hello"
    client=(build/solutions/21-tcp-echo/client 127.0.0.1 '{port}'
        "<$BATS_TEST_TMPDIR/hello")
    run -0 tools/trace/trace -n zombie build/tests/server 0 zombies -- \
        "${client[@]}"
    has ') is a zombie: nobody has waited for it'
    run -0 tools/trace/trace -n zombie build/tests/server 0 -- "${client[@]}"
    [[ $output != *'is a zombie'* ]]
}

# Each lane's calls in their order, without those that depend on who was first:
# what waited, and what looked first.
lanes_of() { # FILE.svg
    sed -n 's/.*<title>\(.*\)<\/title>.*<circle cx="\([0-9]*\)".*/\2 \1/p' "$1" |
        grep -vE ' waits$|^[0-9]+ (epoll_wait|poll)\(' | sort -s -k 1,1n
}

@test "the notes' ladders are those of the solutions" {
    in_a_room 'mkdir /tmp/notes &&
        "$PROJECT/tools/trace/notes" /tmp/notes >/tmp/log && cd /tmp/notes &&
        for svg in *.svg; do printf "%s\n" "=== $svg"; cat "$svg"; done'
    mkdir "$BATS_TEST_TMPDIR/notes"
    awk -v dir="$BATS_TEST_TMPDIR/notes/" \
        '/^=== / { file = dir $2; next } { print >file }' <<<"$output"
    for svg in slides-notes/[0-9]*.svg; do
        diff <(lanes_of "$svg") \
            <(lanes_of "$BATS_TEST_TMPDIR/notes/${svg##*/}")
        grep -q "](${svg##*/})" slides-notes/*.md
    done
}

has_closed() {
    [ "$(grep -cP '^E\t.*\tserver\tclose\t' "$events")" -ge "$1" ]
}

# 40 clients of a server under the recorder, which closes so many descriptors;
# $events is left.
crowd() { # NAME CLOSES SERVER CLIENT [ARG]...
    local name=$1 closes=$2 server=$3 i pids=()
    shift 3
    events=$BATS_TEST_TMPDIR/$name.events
    printf '# ladder events 1\n' >"$events"
    cp build/trace/record.so "$BATS_TEST_TMPDIR/"
    export LADDER_EVENTS=$events LADDER_QUIET=0,1,2
    LD_PRELOAD=$BATS_TEST_TMPDIR/record.so "$server" 0 \
        >/dev/null 2>"$BATS_TEST_TMPDIR/said" 3>&- 4>&- &
    crowd=$!
    until_true grep -q 'on port: [0-9]' "$BATS_TEST_TMPDIR/said"
    port=$(sed -n 's/.*on port: //p' "$BATS_TEST_TMPDIR/said")
    for ((i = 0; i < 40; i++)); do
        echo hello | LD_PRELOAD=$BATS_TEST_TMPDIR/record.so \
            "${@//PORT/$port}" >/dev/null 2>&1 3>&- 4>&- &
        pids+=($!)
    done
    wait "${pids[@]}"
    until_true has_closed "$closes"
    kill "$crowd"
    wait "$crowd" || :
    crowd=
    unset LADDER_EVENTS LADDER_QUIET
}

# whole: each accept, each byte and each end has its arrow, and none
# goes back in time.
whole() {
    build/trace/ladder -m "$events" >"$BATS_TEST_TMPDIR/mmd"
    [ "$(grep -c ': connection$' "$BATS_TEST_TMPDIR/mmd")" = 40 ]
    [ "$(grep -cE -- '->>L[0-9]+: [0-9]+ B' "$BATS_TEST_TMPDIR/mmd")" = \
        "$(grep -cP '^E\t.*\t(read|recv)\t(?=.*\t[1-9]\d*\t".*$)' "$events")" ]
    [ "$(grep -c ': EOF$' "$BATS_TEST_TMPDIR/mmd")" = \
        "$(grep -cP '^E(\t[^\t]*){4}\t(read|recv)(\t[^\t]*){5}\t0\t' "$events")" ]
    [ "$(awk -F '\t' '!/^#/ && NF != 21' "$events" | wc -l)" = 0 ]
    build/trace/ladder -s "$events" |
        sed -n 's/.*class="a a[0-9]" d="M[0-9]* \([0-9]*\)L[0-9]* \([0-9]*\)".*/\1 \2/p' |
        awk '$2 < $1 { exit 1 }'
}

@test "40 clients at once: a thread for each" {
    crowd threads 40 build/solutions/24-threaded-server/server \
        build/solutions/25-http-get/http-get 127.0.0.1 / PORT
    whole
}

@test "40 clients at once: a process for each" {
    build_forks
    crowd processes 120 build/tests/server build/solutions/21-tcp-echo/client \
        127.0.0.1 PORT
    whole
}
