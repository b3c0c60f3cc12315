#!/usr/bin/env bats
# tools/trace/record.c and faults.c: what is recorded, what goes wrong on
# order, and that the program itself does not notice.

# shellcheck disable=SC2030,SC2031  # each test is a subshell of its own
bats_require_minimum_version 1.5.0
load wait

setup_file() {
    cd "$BATS_TEST_DIRNAME/.." || return
    [ "$(uname)" = Linux ] || skip 'the recorder is loaded with LD_PRELOAD'
    mkdir -p build/tests
    make -s build/trace/record.so build/solutions/21-tcp-echo/server \
        build/solutions/21-tcp-echo/client || return
    build calls "${CC:-cc}" || return
}

setup() {
    cd "$BATS_TEST_DIRNAME/.." || return
    # A copy: a space in LD_PRELOAD ends a name.
    cp build/trace/record.so "$BATS_FILE_TMPDIR/"
    SO=$BATS_FILE_TMPDIR/record.so
    EVENTS=$BATS_TEST_TMPDIR/events
    FAULTS=
    SERVER=
}

teardown() {
    [ -n "$SERVER" ] || return 0
    { kill -KILL "$SERVER" && wait "$SERVER"; } 2>/dev/null || true
}

build() { # NAME COMPILER [FLAG]...
    local name=$1
    shift
    "$@" -g -O1 -fno-omit-frame-pointer -pthread tests/trace/calls.c -o "build/tests/$name"
}

# Does this compiler make a program with these flags, and does that run?
can_build() {
    echo 'int main(void) { return 0; }' >build/tests/can.c
    "$@" build/tests/can.c -o build/tests/can 2>/dev/null && build/tests/can
}

# Runs a command under the recorder. bats has 3 and 4 open: they are closed.
record() {
    timeout 60 env LADDER_EVENTS="$EVENTS" LADDER_FAULTS="$FAULTS" \
        LD_PRELOAD="$SO" "$@" 3>&- 4>&-
}

# The same beside the test, its output in $OUT. Not through record(): $! would
# be a subshell, and to kill that leaves the program behind.
record_beside() {
    OUT=$BATS_TEST_TMPDIR/out
    LADDER_EVENTS=$EVENTS LD_PRELOAD=$SO "$@" >"$OUT" 2>&1 3>&- 4>&- &
    SERVER=$!
}

# Every line has its 21 fields, none of them empty, each of its kind.
well_formed() {
    awk -F'\t' '
    /^#/ { next }
    { bad = NF != 21 || $1 !~ /^[SBEPX]$/ || $2 !~ /^[0-9]+$/ ||
            $3 !~ /^[0-9]+$/ || $4 !~ /^[0-9]+$/ ||
            $8 !~ /^(-|[0-9]+(,[0-9]+)?)$/ ||
            $9 !~ /^(-|[sduvp][0-9]+(,[sduvp][0-9]+)?)$/ ||
            $12 !~ /^(-|-?[0-9]+)$/ || $13 !~ /^(-|E[A-Z0-9]+)$/ ||
            $14 !~ /^(-|[0-9]+)$/ || $15 !~ /^(-|[0-9]+)$/ ||
            $16 !~ /^(-|".*")$/ ||
            $18 !~ /^(-|\/.*[+]0x[0-9a-f]+(,0x[0-9a-f]+)*)$/ ||
            $19 !~ /^(-|[0-9]+)$/ ||
            $20 !~ /^(-|0x[0-9a-f]+(,0x[0-9a-f]+)*)$/ ||
            $21 !~ /^(-|".*")$/
      for (i = 1; i <= NF; i++)
          bad = bad || $i == ""
      if (bad) { print "not well-formed: " $0; failed = 1 } }
    END { exit failed }' "$EVENTS"
}

# field NR CALL [KIND]: that field of the events of a call, one a line.
field() {
    awk -F'\t' -v n="$1" -v call="$2" -v kind="${3:-E}" \
        '$6 == call && $1 == kind { print $n }' "$EVENTS"
}

count() { # CALL [KIND]
    field 1 "$@" | wc -l
}
at_least() { [ "$(count "$2")" -ge "$1" ]; } # N CALL

faults() {
    awk -F'\t' '$17 != "-" { print $6 ": " $17 }' "$EVENTS"
}

# The program says and returns the same under the recorder as without it.
unchanged() {
    local expected status=0
    expected=$("$@" 2>&1 3>&- 4>&-) || status=$?
    run record "$@"
    echo "without the recorder ($status): $expected"
    echo "with it: $output"
    [ "${status:-0}" -eq 0 ]
    [ "$output" = "$expected" ]
    well_formed
}

everything() { # PROGRAM: all of it, unchanged and recorded
    local mode
    for mode in numbers closeall forks 'threads 40' contention signals \
        stdio stream datagrams vectors 'fortified 4'; do
        rm -f "$EVENTS"
        echo "--- $mode"
        # shellcheck disable=SC2086
        unchanged "$1" $mode
        [ "$(count start S)" -ge 1 ]
        [ "$(count exit X)" -ge 1 ]
    done
}

# ---- What is recorded -------------------------------------------------------

@test "recorder: a TCP echo, from start to exit" {
    record_beside build/solutions/21-tcp-echo/server 0
    local port
    until_true grep -q 'port: [0-9]' "$OUT"
    port=$(sed -n 's/.*port: //p' "$OUT")
    [ "$(echo hello | record build/solutions/21-tcp-echo/client \
        127.0.0.1 "$port")" = hello ]
    until_true at_least 2 close
    cat "$EVENTS"
    well_formed
    [ "$(count start S)" -eq 2 ]
    [ "$(field 7 bind)" = "3, 127.0.0.1:0" ]
    [ "$(field 10 bind)" = "127.0.0.1:$port" ]
    [ "$(field 7 connect)" = "3, 127.0.0.1:$port" ]
    [ "$(field 10 connect)" = "$(field 11 accept)" ]
    [ "$(field 8 accept)" = 4 ]
    [ "$(field 7 accept | head -n 1)" = 3 ]
    [ "$(count accept B)" -eq 2 ]
    field 16 read | grep -qxF '"hello\n"'
    [ "$(field 5 exit X)" = client ]
    [ "$(field 12 exit X)" = 0 ]
}

@test "recorder: the caller is a place in the source" {
    command -v addr2line >/dev/null || skip "no addr2line: binutils"
    record build/tests/calls vectors
    local at
    at=$(field 18 writev)
    # One before the address to which the call returns, as that may be another
    # function's; its own, and those around it.
    # shellcheck disable=SC2046  # a word each
    run addr2line -f -e "${at%+*}" $(tr , '\n' <<<"${at##*+}" |
        while read -r a; do printf '%x\n' $((a - 1)); done)
    echo "$output"
    [[ "$output" == *vectors*calls.c:*main*calls.c:* ]]
}

@test "recorder: the way of a program that is built to tell it" {
    command -v addr2line >/dev/null || skip "no addr2line: binutils"
    local compiler way
    make -s build/trace/way.o
    for compiler in gcc clang; do
        rm -f "$EVENTS"
        build way "$compiler" -fsanitize-coverage=trace-pc build/trace/way.o ||
            skip "$compiler makes no program that tells its way"
        build/tests/way vectors # without the recorder it goes, too
        [ ! -e "$EVENTS" ]
        record build/tests/way vectors
        well_formed
        way=$(grep -v '^#' "$EVENTS" | cut -f 20 | grep -m 1 0x)
        # shellcheck disable=SC2046  # a word each
        run addr2line -f -e build/tests/way $(tr , '\n' <<<"$way" |
            while read -r a; do printf '%x\n' $((a - 1)); done)
        echo "$output"
        [[ "$output" == *vectors*calls.c:* ]]
    done
}

@test "recorder: data in quotes, with escapes" {
    record build/tests/calls vectors
    [ "$(field 16 writev)" = '"ab\"\t\\\0\xff"' ]
    [ "$(field 16 recvmsg)" = "$(field 16 readv)" ]
    [ "$(field 7 recvmsg)" = '4, MSG_PEEK' ]
    [ "$(field 7 poll)" = $'[4 IN], 1000 ms\n[4 IN], 0 ms' ]
    [ "$(count poll B)" -eq 1 ]
    [ "$(field 16 write)" = '"42\n"' ] # dprintf
}

@test "recorder: processes" {
    record build/tests/calls forks
    well_formed
    [ "$(count fork)" -eq 8 ]
    [ "$(count exit X)" -eq 10 ] # eight children, one after exec, the parent
    [ "$(field 12 exit X | sort -n | tail -n 1)" -eq 7 ]
    diff <(field 12 fork | sort) <(field 12 wait | grep -v -- -1 | sort)
    [ "$(field 3 write | sort -u | wc -l)" -eq 8 ]
    [ "$(field 9 pipe | tr , '\n' | sort -u)" = "$(field 9 write | sort -u)" ]
    [ "$(count start S)" -eq 2 ]
}

@test "recorder: threads, locks, conditions" {
    record build/tests/calls contention
    well_formed
    local call
    for call in lock join 'cond wait'; do
        [ "$(count "$call" B)" -ge 1 ]
        [ "$(count "$call" B)" -eq "$(count "$call")" ]
    done
    [ "$(field 13 'cond wait' | head -n 1)" = ETIMEDOUT ]
    [ "$(count thread)" -eq 1 ]
    [ "$(field 12 thread)" = "$(field 4 pthread_create)" ]
    [ "$(field 7 join)" = "$(field 4 thread)" ]
    [ "$(count 'thread ends')" -eq 1 ]
}

@test "recorder: a thousand threads" {
    record build/tests/calls threads 1000
    well_formed
    [ "$(count pthread_create)" -eq 1000 ]
    [ "$(count thread)" -eq 1000 ]
    [ "$(count 'thread ends')" -eq 1000 ]
    [ "$(field 4 write | sort -u | wc -l)" -eq 1000 ]
}

@test "recorder: signal handlers" {
    unchanged build/tests/calls signals
    [ "$(field 7 signal)" = $'SIGUSR1\nSIGUSR1\nSIGUSR2' ]
    [[ "$(field 7 kill)" == *', SIGUSR1' ]]
}

@test "recorder: stdio on a socket and a pipe" {
    unchanged build/tests/calls stdio
    [ "$(field 16 write)" = $'"hello 1\\nmore\\n"\n"answer\\n"\n"at exit"' ]
    [ "$(count close)" -eq 2 ]
    [ "$(tail -n 1 "$EVENTS" | cut -f 1)" = X ]
}

@test "recorder: datagrams have both addresses" {
    unchanged build/tests/calls datagrams
    [ "$(field 11 sendto | sort -u)" = "$(field 10 bind)" ]
    [ "$(field 10 sendto | sed 's/.*://' | sort -u)" = \
        "$(field 11 recv | sed '$d; s/.*://' | sort -u)" ]
}

# ---- The program does not notice ---------------------------------------------

@test "recorder: numbers, errno and output are unchanged" {
    everything build/tests/calls
    run -0 record build/tests/calls numbers
    [ "${lines[0]}" = "first socket 3" ]
}

@test "recorder: without LADDER_EVENTS nothing happens" {
    run env LD_PRELOAD="$SO" LADDER_EVENTS=/nonexistent/events \
        build/tests/calls stream
    [ "$output" = $'wrote 10\nread 10\nread 0' ]
    run env LD_PRELOAD="$SO" build/tests/calls stream
    [ "$output" = $'wrote 10\nread 10\nread 0' ]
    [ ! -e "$EVENTS" ]
}

@test "recorder: its descriptor survives a program that closes all" {
    unchanged build/tests/calls closeall
    field 16 write | grep -qx '"after close"'
    field 16 write | grep -qx '"after dup2"'
    field 16 write | grep -qx '"after syscall"'
}

@test "recorder: 16 descriptors are enough" {
    # shellcheck disable=SC2016
    unchanged bash -c 'ulimit -Sn 16; exec build/tests/calls limit'
    [ "$(field 13 socket | tail -n 1)" = EMFILE ]
    # As a hard limit it cannot be passed by: the recorder has one of them.
    local all
    all=$(count socket)
    rm "$EVENTS"
    run record bash -c 'ulimit -n 16; exec build/tests/calls limit'
    [[ "$output" == "limit 16, "*", then EMFILE: 1" ]]
    well_formed
    [ "$(count socket)" -eq $((all - 1)) ]
}

@test "recorder: SIGKILL leaves whole lines" {
    record_beside build/tests/calls forever
    until_true at_least 100 read
    [ "$(field 3 read | head -n 1)" = "$SERVER" ]
    kill -KILL "$SERVER"
    wait "$SERVER" 2>/dev/null || true
    SERVER=
    [ "$(count read)" -ge 100 ]
    well_formed
    [ "$(count exit X)" -eq 0 ]
}

@test "recorder: LADDER_QUIET is about a file, not about a number" {
    echo abc | LADDER_QUIET=0,1,2 record \
        sh -c '(echo in | cat); cat' | cat >"$BATS_TEST_TMPDIR/out"
    [ "$(cat "$BATS_TEST_TMPDIR/out")" = $'in\nabc' ]
    cat "$EVENTS"
    well_formed
    field 16 read | grep -qxF '"in\n"'
    ! field 16 read | grep -qF abc || return 1
}

@test "recorder: a static program is not recorded" {
    can_build "${CC:-cc}" -static || skip "no static C library here"
    build calls-static "${CC:-cc}" -static
    record build/tests/calls-static numbers
    [ ! -e "$EVENTS" ]
}

# ---- Other compilers, libraries, tools ----------------------------------------

@test "recorder: programs with _FORTIFY_SOURCE" {
    build calls-fort "${CC:-cc}" -O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
    everything build/tests/calls-fort
    [ "$(count read)" -eq 1 ]
    [ "$(count recv)" -eq 1 ]
    run -134 record build/tests/calls-fort fortified 9
    [[ "$output" == *"buffer overflow detected"* ]]
}

@test "recorder: musl" {
    command -v musl-gcc >/dev/null || skip "no musl-gcc here: musl-tools"
    musl-gcc -std=gnu11 -O2 -fPIC -shared -pthread tools/trace/record*.c \
        tools/trace/faults.c -o "$BATS_TEST_TMPDIR/record-musl.so"
    build calls-musl musl-gcc
    SO=$BATS_TEST_TMPDIR/record-musl.so
    everything build/tests/calls-musl
}

@test "recorder: gcc's ASan and UBSan" {
    can_build gcc -fsanitize=address,undefined || skip "no gcc with ASan here"
    build calls-gasan gcc -fsanitize=address,undefined
    SO=$(gcc -print-file-name=libasan.so):$SO
    everything build/tests/calls-gasan
}

@test "recorder: clang's ASan and UBSan" {
    can_build clang -fsanitize=address,undefined ||
        skip "no clang with ASan here"
    build calls-casan clang -fsanitize=address,undefined
    everything build/tests/calls-casan
}

@test "recorder: gcc's TSan" {
    can_build gcc -fsanitize=thread || skip "no gcc with TSan here"
    build calls-gtsan gcc -fsanitize=thread
    SO=$(gcc -print-file-name=libtsan.so):$SO
    everything build/tests/calls-gtsan
}

@test "recorder: clang's TSan" {
    can_build clang -fsanitize=thread || skip "no clang with TSan here"
    build calls-ctsan clang -fsanitize=thread
    everything build/tests/calls-ctsan
}

# What is linked in is not the sanitizer's, and stands in front of its functions.
linked_in() { # COMPILER [FLAG]...
    local source objects=()
    for source in tools/trace/record*.c tools/trace/faults.c; do
        objects+=("$BATS_TEST_TMPDIR/$(basename "$source" .c).o")
        "$1" -std=gnu11 -O2 -fno-omit-frame-pointer -pthread -c "$source" \
            -o "${objects[${#objects[@]} - 1]}"
    done
    "$@" -g -O1 -fno-omit-frame-pointer -pthread tests/trace/calls.c \
        "${objects[@]}" -ldl -o "$BATS_TEST_TMPDIR/calls"
    SO=
    everything "$BATS_TEST_TMPDIR/calls"
}

@test "recorder: linked in, by gcc" {
    can_build gcc || skip "no gcc here"
    linked_in gcc
}

@test "recorder: linked in, by clang" {
    can_build clang || skip "no clang here"
    linked_in clang
}

@test "recorder: linked in, with musl" {
    command -v musl-gcc >/dev/null || skip "no musl-gcc here: musl-tools"
    linked_in musl-gcc
}

@test "recorder: linked in, with ASan and UBSan" {
    can_build gcc -fsanitize=address,undefined || skip "no gcc with ASan here"
    linked_in gcc -fsanitize=address,undefined
    can_build clang -fsanitize=address,undefined ||
        skip "no clang with ASan here"
    rm "$EVENTS"
    linked_in clang -fsanitize=address,undefined
}

@test "recorder: linked in, with TSan" {
    can_build gcc -fsanitize=thread || skip "no gcc with TSan here"
    linked_in gcc -fsanitize=thread
}

@test "recorder: valgrind" {
    command -v valgrind >/dev/null || skip "no valgrind here"
    local mode
    for mode in numbers contention stdio stream datagrams; do
        rm -f "$EVENTS"
        run -0 record valgrind -q --error-exitcode=9 build/tests/calls "$mode"
        [[ "$output" != *==* ]]
        well_formed
        [ "$(field 6 exit X)" = exit ]
    done
}

@test "recorder: no warning from any compiler" {
    local cc
    for cc in gcc clang musl-gcc; do
        command -v "$cc" >/dev/null || continue
        run -0 "$cc" -std=gnu11 -O2 -Wall -Wextra -Wpedantic -Wconversion \
            -Wshadow -Wstrict-prototypes -Wmissing-prototypes -fPIC -shared \
            -pthread tools/trace/record*.c tools/trace/faults.c \
            -o build/tests/warnings.so
        echo "$cc: $output"
        [ -z "$output" ]
    done
}

# ---- Faults -------------------------------------------------------------------

# broken MODE RULES: what the program then says; faults() has what was done.
broken() {
    FAULTS=$2
    rm -f "$EVENTS"
    run record build/tests/calls "$1"
    echo "$2: $output"
    faults
    well_formed
}

@test "faults: short" {
    broken stream 'read:short=4'
    [ "$output" = $'wrote 10\nread 4\nread 4\nread 2\nread 0' ]
    [ "$(field 17 read)" = $'short 4\nshort 4\nshort 4\nshort 4' ]
    broken stream 'out:short=7@1'
    [ "$(field 15 write)" = $'7\n3' ]
    [ "$(faults)" = 'write: short 7' ]
    broken stdio 'read:short=3;write:short=5'
    [ "$status" -eq 0 ]
    [ "$(field 16 write | head -n 1)" = '"hello"' ]
}

@test "faults: errors" {
    broken stream 'read:EINTR@1'
    [ "$output" = $'wrote 10\nread -1, Interrupted system call' ]
    [ "$(faults)" = 'read: EINTR' ]
    [ "$(field 13 read)" = EINTR ]
    broken stream 'accept:EMFILE@1'
    [ "${lines[0]}" = 'accept Too many open files' ]
    [ "$(field 13 accept | head -n 1)" = EMFILE ]
    broken stream 'accept:ECONNABORTED@1'
    [ "$(faults)" = 'accept: ECONNABORTED' ]
    broken stream 'any:ENOBUFS@2..3' # connect, accept, write, read
    [ "$(faults)" = $'accept: ENOBUFS\naccept: ENOBUFS' ]
    broken again 'pthread_create:EAGAIN@1'
    [ "$output" = 'pthread_create EAGAIN' ]
    [ "$(field 12 pthread_create | head -n 1)" -eq 11 ]
    [ "$(field 13 pthread_create | head -n 1)" = EAGAIN ]
}

@test "faults: a connection is reset" {
    broken stream 'write:reset-after=6'
    [ "${lines[0]}" = 'wrote 6, Connection reset by peer' ]
    [ "${lines[2]}" = 'read -1, Connection reset by peer' ]
    [ "$(field 17 write)" = $'reset after 6\nECONNRESET' ]
    [ "$(field 21 write)" = $'"6789"\n-' ]
    [ "$(field 21 read | sort -u)" = - ]
}

@test "faults: delay" {
    broken stream 'read:delay=120@2'
    [ "$(faults)" = 'read: delay 120' ]
    [ "$(field 14 read | tail -n 1)" -ge 120000000 ]
    broken again 'thread:delay=50'
    [ "$(field 17 thread | head -n 1)" = 'delay 50' ]
}

@test "faults: datagrams are lost, doubled, swapped" {
    broken datagrams 'sendto:lost@2'
    [ "$output" = acde ]
    [ "$(faults)" = 'sendto: lost' ]
    broken datagrams 'out:twice@every 2'
    [ "$output" = abbcdde ]
    broken datagrams 'sendto:swap@2'
    [ "$output" = acbde ]
    [ "$(faults)" = 'sendto: swapped' ]
    broken datagrams 'sendto:swap@5' # there is no next one: it goes at close
    [ "$output" = abcde ]
}

@test "faults: only sockets and pipes, and none that is quiet" {
    FAULTS='any:EIO'
    record cat Makefile >"$BATS_TEST_TMPDIR/out"
    cmp "$BATS_TEST_TMPDIR/out" Makefile
    echo x | LADDER_QUIET=0,1,2 record cat | grep -qx x
}

@test "faults: a rule that is none is said, once" {
    FAULTS='foo:EIO;read:nope;write:lost;accept:lost;read:EINTR@0;x;read:short=4'
    run record sh -c 'build/tests/calls stream'
    echo "$output"
    [ "$(grep -c '^ladder: no such fault: ' <<<"$output")" -eq 5 ]
    [[ "$output" == *'no such fault: read:EINTR@0'* ]]
    [[ "$output" == *'read 4'* ]]
}
