# make traceNN and tools/trace/trace: programs under the recorder, drawn.
# shellcheck disable=SC2164  # bats ends a test where cd fails
bats_require_minimum_version 1.5.0

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
}

has() {
    [[ $output == *"$1"* ]] || {
        printf 'missing: %s\nin:\n%s\n' "$1" "$output"
        return 1
    }
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
    run -1 tools/trace/trace -n none true
    has 'no call was recorded'
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

# Each lane's calls in their order, without those that depend on who was first:
# what waited, and what looked first.
lanes_of() { # FILE.svg
    sed -n 's/.*<title>\(.*\)<\/title>.*<circle cx="\([0-9]*\)".*/\2 \1/p' "$1" |
        grep -vE ' waits$|^[0-9]+ poll\(' | sort -s -k 1,1n
}

@test "the notes' ladders are those of the solutions" {
    mkdir "$BATS_TEST_TMPDIR/notes"
    build/support/launch room "$PWD" "$BASH" tools/trace/notes \
        "$BATS_TEST_TMPDIR/notes" 3>&- 4>&- || tools/trace/notes \
        "$BATS_TEST_TMPDIR/notes"
    for svg in slides-notes/*.svg; do
        diff <(lanes_of "$svg") \
            <(lanes_of "$BATS_TEST_TMPDIR/notes/${svg##*/}")
        grep -q "](${svg##*/})" slides-notes/*.md
    done
}
