# The ladder's drawings, from events that are the same each time.
# shellcheck disable=SC2164  # bats ends a test where cd fails

bats_require_minimum_version 1.5.0

setup_file() {
    cd "$BATS_TEST_DIRNAME/.."
    make -s build/trace/ladder
}
setup() {
    cd "$BATS_TEST_DIRNAME/.."
    ladder=build/trace/ladder
}

drawn() { # NAME: as it is in tests/trace/NAME.txt
    diff "tests/trace/$1.txt" <("$ladder" "tests/trace/$1.events")
}

@test "a connection, bytes, threads and waits are drawn at 80 columns" {
    drawn echo
}

@test "datagrams: lost, twice, overtaken" {
    drawn datagrams
}

@test "a pipe: a part, two writes in one, the end, a zombie, who still waits" {
    drawn pipe
}

@test "a wide terminal has a column for each thread" {
    diff tests/trace/echo-wide.txt <("$ladder" -w 120 tests/trace/echo.events)
}

@test "no line is wider than it may be" {
    for width in 60 80 120; do
        "$ladder" -a -w $width tests/trace/echo.events >"$BATS_TEST_TMPDIR/text"
        awk -v width=$width 'length > width { exit 1 }' "$BATS_TEST_TMPDIR/text"
    done
}

@test "ASCII alone, and colour only where it is asked for" {
    run -0 "$ladder" -a tests/trace/echo.events
    [[ $output != *[!\ -~$'\n']* ]]
    [[ $output == *'<------ 15 B ------|'* || $output == *'<'*' 15 B '* ]]
    run -0 "$ladder" tests/trace/echo.events
    [[ $output != *$'\033'* ]]
    run -0 "$ladder" -c tests/trace/echo.events
    [[ $output == *$'\033['* ]]
}

@test "half a line at the end, and lines that are no events, do no harm" {
    { cat tests/trace/echo.events; printf 'no event\nE\t9'; } \
        >"$BATS_TEST_TMPDIR/events"
    run -0 "$ladder" "$BATS_TEST_TMPDIR/events"
    [[ $output == *'1 lines of the recording were no events' ]]
}

@test "a recording that lies does no harm" {
    {
        cat tests/trace/echo.events
        printf 'S\t-99999999999999999\t7\t7\tx\t-\t-\t-\t-\t-\t-\t7'
        printf '\t-%.0s' 1 2 3 4 5 6
        printf '\nE\t1\t7\t7\tx\taccept\t3\t4\ts1\t]\t[::ffff:\t-'
        printf '\t-\t9\t9223372036854775807\t"\\\t-\t-\n'
        printf 'E\t1\t7\t7\t\033[2J\taccept\t3\t4\ts1\t-\t-\t-'
        printf '\t-\t9\t-\t"\033[H"\t-\t-\n'
    } >"$BATS_TEST_TMPDIR/events"
    for kind in '-t' '-tw160' '-tl5' -s -h -m; do
        run -0 timeout 10 "$ladder" "$kind" "$BATS_TEST_TMPDIR/events"
        [[ $output != *$'\033'* ]]
    done
}

@test "a wrong command line, no file, no events" {
    run -2 "$ladder" -x
    run -2 "$ladder" -w 20
    run -1 "$ladder" "$BATS_TEST_TMPDIR/none"
    [[ $output == "ladder: $BATS_TEST_TMPDIR/none: "* ]]
    run -3 "$ladder" /dev/null
    [ "$output" = 'ladder: nothing was recorded' ]
}

@test "Mermaid: a line an arrow, no character that would end it" {
    run -0 "$ladder" -m tests/trace/echo.events
    [ "${lines[0]}" = sequenceDiagram ]
    [[ $output == *'L1->>L2: 15 B'* && $output == *'L1-->>L2: EOF'* ]]
    for line in "${lines[@]:1}"; do
        [[ $line == '    '* && $line != *[\;]*[\;]*' '* ]]
    done
}

@test "SVG: well-formed, complete in itself" {
    "$ladder" -s tests/trace/echo.events >"$BATS_TEST_TMPDIR/x.svg"
    command -v python3 >/dev/null || skip 'python3 reads XML'
    python3 -c 'import sys, xml.dom.minidom
d = xml.dom.minidom.parse(sys.argv[1])
assert len(d.getElementsByTagName("path")) >= 5
for t in d.getElementsByTagName("*"):
    assert not t.hasAttribute("href") and not t.hasAttribute("src")' \
        "$BATS_TEST_TMPDIR/x.svg"
}

@test "HTML: steps, tells a call in words, in a browser" {
    browser=$(command -v chromium || command -v chromium-browser) ||
        skip 'needs chromium'
    "$ladder" -h -n 'An <echo>' tests/trace/echo.events \
        >"$BATS_TEST_TMPDIR/x.html"
    dom() {
        "$browser" --headless --no-sandbox --disable-gpu --dump-dom \
            --user-data-dir="$BATS_TEST_TMPDIR/browser" \
            "file://$BATS_TEST_TMPDIR/x.html$1" 2>/dev/null
    }
    dom '' >"$BATS_TEST_TMPDIR/all"
    grep -q 'An &lt;echo&gt;' "$BATS_TEST_TMPDIR/all"
    grep -q '20 of 20' "$BATS_TEST_TMPDIR/all"
    [ "$(grep -c 'class="e off"' "$BATS_TEST_TMPDIR/all")" = 0 ]
    dom '#8' >"$BATS_TEST_TMPDIR/eight"
    grep -q '8 of 20' "$BATS_TEST_TMPDIR/eight"
    [ "$(grep -c 'class="e off"' "$BATS_TEST_TMPDIR/eight")" = 12 ]
    grep -q 'Takes the next connection out of the queue' \
        "$BATS_TEST_TMPDIR/eight"
}

# event KIND MS TID CALL ARGS FD ID RESULT ERROR BYTES DATA [ASKED [REST]]: a
# line.
event() {
    printf '%s\t%s000000\t7\t%s\tserver\t%s\t%s\t%s\t%s\t-\t-\t%s\t%s\t0\t%s\t%s\t-\t-\t%s\t-\t%s\n' \
        "${@:1:11}" "${12--}" "${13--}"
}

# told STEP [RIGHT]: what is said of the events on stdin, without the drawing.
told() {
    "$ladder" -w 76 -f "$1" ${2+-d "$2"} | sed -n '/^C[a-z]*:/,/^$/p' |
        tr -s ' \n' ' '
}

accepts() {
    event E 1 7 accept 3 4 s9 4 - - -
}

@test "cause: a write that took a part, and the rest is never sent" {
    is() { [ "$(told 'a gets "x"')" = "$1" ]; }
    {
        accepts
        event E 2 7 write 4 4 s9 5 - 5 '"hello"' 11 '" world"'
        event E 3 7 close 4 4 s9 0 - - -
    } | is 'Cause: write(4, "hello") = 5 took 5 of 11 bytes, and the program went on as if that were all '
    {
        accepts
        event E 2 7 write 4 4 s9 5 - 5 '"hello"' 11 '" world"'
        event E 3 7 write 4 4 s9 11 - 11 '"hello world"' 11
    } | is 'Cause: write(4, "hello") = 5 took 5 of 11 bytes, and the program sent all of them again '
    {
        accepts
        event E 2 7 write 4 4 s9 5 - 5 '"hello"' 11 '" world"'
        event B 3 7 read 4 4 s9 - - - -
    } | is 'Cause: write(4, "hello") = 5 took 5 of 11 bytes, and the program went on as if that were all '
    # The rest follows, later and with more behind it, too.
    {
        accepts
        event E 2 7 write 4 4 s9 5 - 5 '"hello"' 11 '" world"'
        event E 3 7 read 4 4 s9 5 - 5 '"again"'
        event E 4 8 write 4 4 s9 11 - 11 '" worldagain"' 11
        event E 5 7 close 4 4 s9 0 - - -
    } | is ''
    # Who waits in poll(2) may send it yet.
    {
        accepts
        event E 2 7 write 4 4 s9 5 - 5 '"hello"' 11 '" world"'
        event E 3 7 read 4 4 s9 5 - 5 '"again"'
        event B 4 7 poll '[4 OUT], -1' - - - - - -
    } | is ''
    # The rest follows, or is under way: no fault.
    for kind in E B; do
        {
            accepts
            event E 2 7 write 4 4 s9 5 - 5 '"hello"' 11 '" world"'
            event $kind 3 7 write 4 4 s9 6 - 6 '" world"' 6
        } | is ''
    done
}

@test "cause: an interrupted call is taken for a failure, or made again" {
    {
        event E 1 7 accept 3 3 s8 -1 EINTR - -
        event X 2 7 exit - - - 1 - - -
    } >"$BATS_TEST_TMPDIR/events"
    [ "$(told 'server runs' <"$BATS_TEST_TMPDIR/events")" = \
        'Cause: accept(3) = EINTR, interrupted by a signal, was taken for a failure ' ]
    {
        event E 1 7 accept 3 3 s8 -1 EINTR - -
        event B 2 7 accept 3 3 s8 - - - -
    } >"$BATS_TEST_TMPDIR/events"
    [ -z "$(told 'server runs' <"$BATS_TEST_TMPDIR/events")" ]
    local name
    for name in SIGINT SIGUSR1; do
        {
            event E 1 7 signal $name - - 2 - - -
            event E 1 7 accept 3 3 s8 -1 EINTR - -
            event X 2 7 exit - - - 1 - - -
        } >"$BATS_TEST_TMPDIR/$name"
    done
    [ -z "$(told 'server runs' <"$BATS_TEST_TMPDIR/SIGINT")" ]
    [ -n "$(told 'server runs' <"$BATS_TEST_TMPDIR/SIGUSR1")" ]
}

@test "cause: printed, and left in stdout's buffer" {
    {
        accepts
        event P 2 7 printf stdout 1 - - - 6 '"hello\n"'
        event B 3 7 read 4 4 s9 - - - -
    } >"$BATS_TEST_TMPDIR/events"
    [[ "$(told 'server prints "hello"' <"$BATS_TEST_TMPDIR/events")" == \
        *"for want of fflush(stdout) " ]]
    [ -z "$(told 'a gets "hello"' <"$BATS_TEST_TMPDIR/events")" ]
    local call
    for call in fflush write setvbuf setbuf setlinebuf; do
        {
            cat "$BATS_TEST_TMPDIR/events"
            event P 4 7 $call stdout 1 - - - 0 -
        } >"$BATS_TEST_TMPDIR/flushed"
        [ -z "$(told 'server prints "hello"' <"$BATS_TEST_TMPDIR/flushed")" ]
    done
}

@test "cause: SIGPIPE, threads and descriptors that are kept, two threads at one" {
    {
        accepts
        event B 2 7 write 4 4 s9 - - - -
    } >"$BATS_TEST_TMPDIR/events"
    [[ "$(told 'a gets eof signal 13' <"$BATS_TEST_TMPDIR/events")" == \
        'Cause: write(4): the reader has gone, and SIGPIPE, '* ]]
    for ((i = 1; i <= 12; i++)); do
        event E $i 7 pthread_create - - - 0 - - -
    done >"$BATS_TEST_TMPDIR/events"
    # Those of a pool live on.
    [ -z "$(told 'server as-before' <"$BATS_TEST_TMPDIR/events")" ]
    for ((i = 1; i <= 12; i++)); do
        event E 2$i $((i + 20)) 'thread ends' - - - - - - -
    done >>"$BATS_TEST_TMPDIR/events"
    [[ "$(told 'server as-before' <"$BATS_TEST_TMPDIR/events")" == \
        *': 12 threads were started like this one, and nobody joins or detaches them ' ]]
    for ((i = 4; i <= 9; i++)); do
        event E $i 7 accept 3 $i s1$i $i - - -
    done >"$BATS_TEST_TMPDIR/events"
    [[ "$(told 'server as-before' <"$BATS_TEST_TMPDIR/events")" == \
        'Cause: accept(3) = 4: this descriptor, 4, was never closed, '* ]]
    {
        event E 1 7 accept 3 4 s4 4 - - -
        event E 2 7 accept 3 5 s5 5 - - -
        event B 3 8 read 5 5 s5 - - - -
        event B 4 9 read 5 5 s5 - - - -
    } >"$BATS_TEST_TMPDIR/events"
    [[ "$(told 'a gets "x"' <"$BATS_TEST_TMPDIR/events")" == \
        'Cause: read(5) is called in two threads, and in none for descriptor 4: '* ]]
    # One thread may look who has asked, and another one serve him.
    event B 5 7 poll '[3 IN, 4 IN], -1' - - - - - - >>"$BATS_TEST_TMPDIR/events"
    [ -z "$(told 'a gets "x"' <"$BATS_TEST_TMPDIR/events")" ]
}

@test "cause: a descriptor that is closed twice" {
    {
        accepts
        event E 2 7 close 4 4 s9 0 - - -
        event E 3 7 close 4 4 - -1 EBADF - -
    } >"$BATS_TEST_TMPDIR/events"
    # Without threads nobody is hurt: some close all that there may be.
    [ -z "$(told 'a gets answer 200' <"$BATS_TEST_TMPDIR/events")" ]
    event B 4 8 read 5 5 s10 - - - - >>"$BATS_TEST_TMPDIR/events"
    [[ "$(told 'a gets answer 200' <"$BATS_TEST_TMPDIR/events")" == \
        'Cause: close(4) = EBADF: it was closed already, '* ]]
}

@test "cause: a thread that nobody wakes, or that waits for a lock" {
    says() { # STEP TEXT: of what is on stdin; nothing, if TEXT is empty
        local text
        text=$(told "$1")
        [ "$text" = "${2:+Cause: $2 }" ] || { echo "it says: $text" && return 1; }
    }
    local wait
    for wait in 'cond wait' lock; do
        {
            accepts
            event B 2 8 "$wait" 0x10 - - - - - -
        } >"$BATS_TEST_TMPDIR/$wait"
    done
    says 'a gets answer 200' \
        'cond wait waits on: nobody wakes this thread, while the client of descriptor 4 waits for one' \
        <"$BATS_TEST_TMPDIR/cond wait"
    says 'server prints "x"' \
        'lock waits on: whoever has this lock keeps it, while the client of descriptor 4 waits for one' \
        <"$BATS_TEST_TMPDIR/lock"
    # It waits for room itself; it has been read.
    {
        accepts
        event B 2 7 'cond wait' 0x10 - - - - - -
    } | says 'a gets answer 200' ''
    {
        cat "$BATS_TEST_TMPDIR/lock"
        event E 3 9 read 4 4 s9 1 - 1 '"G"'
    } | says 'a gets answer 200' ''
    # One that waits before it reads has taken it up.
    {
        cat "$BATS_TEST_TMPDIR/cond wait"
        event B 3 9 poll '[5 IN, 4 IN], 900 ms' - - - - - -
    } | says 'a gets answer 200' ''
    # At the end: join alone is no fault.
    {
        event E 1 7 signal TERM - - 15 - - -
        event B 2 7 join 8 - - - - - -
    } >"$BATS_TEST_TMPDIR/joins"
    says 'server exits 0' '' <"$BATS_TEST_TMPDIR/joins"
    {
        event B 1 8 'cond wait' 0x10 - - - - - -
        cat "$BATS_TEST_TMPDIR/joins"
    } | says 'server exits 0' \
        'cond wait waits on: nobody wakes this thread, while pthread_join(3) waits for its end'
}

@test "compare: where two runs part, and what does not count" {
    right=$BATS_TEST_TMPDIR/right wrong=$BATS_TEST_TMPDIR/wrong
    {
        accepts
        event E 2 7 read 4 4 s9 5 - 5 '"hello"'
        event E 3 7 write 4 4 s9 5 - 5 '"hello"' 5
        event E 4 7 read 4 4 s9 0 - 0 -
        event E 5 7 close 4 4 s9 0 - - -
        event B 6 7 accept 3 3 s8 - - - -
    } >"$right"
    {
        event E 1 7 accept 3 5 s19 5 - - -
        event E 2 7 read 5 5 s19 2 - 2 '"he"'
        event E 3 7 write 5 5 s19 2 - 2 '"he"' 2
        event E 4 7 read 5 5 s19 3 - 3 '"llo"'
        event E 5 7 write 5 5 s19 3 - 3 '"llo"' 3
        event E 6 7 read 5 5 s19 0 - 0 -
    } >"$wrong"
    [ -z "$(told 'a gets eof' "$right" <"$wrong")" ]
    event B 7 7 accept 3 3 s8 - - - - >>"$wrong"
    [ "$(told 'a gets eof' "$right" <"$wrong")" = \
        'Compare: after read(5) = 0 EOF, yours: accept(3) waits; the solution: close(4) ' ]
    # What the script has not sent yet, it waits for with right.
    head -n 5 "$wrong" >"$wrong.2"
    event B 7 7 read 5 5 s19 - - - - >>"$wrong.2"
    [ -z "$(told 'a gets eof' "$right" <"$wrong.2")" ]
}

@test "compare: words on stderr are free, unless the step or a failure has them" {
    right=$BATS_TEST_TMPDIR/right wrong=$BATS_TEST_TMPDIR/wrong
    said() { # WHAT: and then it closes
        accepts
        event P 2 7 fprintf stderr 2 - - - 9 "\"$1\""
        event E 3 7 close 4 4 s9 0 - - -
    }
    said 'New client' >"$right"
    said 'Here is one' >"$wrong"
    event E 4 7 close 3 3 s8 0 - - - | tee -a "$right" >/dev/null
    event E 4 7 shutdown 3 3 s8 0 - - - >>"$wrong"
    [[ "$(told 'a gets eof' "$right" <"$wrong")" == *', yours: shutdown(3)'* ]]
    [[ "$(told 'server says "New"' "$right" <"$wrong")" == *'yours: fprintf(stderr, "Here'* ]]
    said 'server: no' >"$wrong"
    [[ "$(told 'a gets eof' "$right" <"$wrong")" == *'yours: fprintf(stderr, "server: no'* ]]
}

@test "compare: of an answer, its status comes first, then the rest" {
    right=$BATS_TEST_TMPDIR/right wrong=$BATS_TEST_TMPDIR/wrong
    answered() { # PAGE THEN
        accepts
        event E 2 7 write 4 4 s9 40 - $((40 + ${#1})) \
            "\"HTTP/1.1 200 OK\\r\\nContent-Length: ${#1}\\r\\n\\r\\n$1\""
        event E 3 7 "$2" 4 4 s9 0 - - -
        event E 4 7 close 3 3 s8 0 - - -
    }
    answered page shutdown >"$right"
    answered 'my own page' close >"$wrong"
    [[ "$(told 'a gets answer 200' "$right" <"$wrong")" == *'yours: close(4); '* ]]
    answered 'my own page' shutdown >"$wrong"
    [[ "$(told 'a gets answer 200' "$right" <"$wrong")" == *'yours: write('* ]]
    sed 's/200 OK/204 No/' "$right" >"$wrong"
    [[ "$(told 'a gets answer 200' "$right" <"$wrong")" == *'yours: write('* ]]
}

@test "many clients share a name in the heading" {
    sed -n 's/.*FIRST_PID = \([0-9]*\).*/\1/p' tests/support/recording.c >"$BATS_TEST_TMPDIR/first"
    local first
    first=$(<"$BATS_TEST_TMPDIR/first")
    {
        accepts
        for ((i = 1; i <= 40; i++)); do
            printf 'E\t%s000000\t%s\t%s\tc%s\tconnect\t-\t-\ts7%s\t-\t-\t0\t-\t0\t-\t-\t-\t-\t-\n' \
                "$((i + 1))" $((first + i)) $((first + i)) $i $i
        done
    } | "$ladder" -w 76 >"$BATS_TEST_TMPDIR/text"
    cat "$BATS_TEST_TMPDIR/text"
    grep -q '\[c1\.\.40\]' "$BATS_TEST_TMPDIR/text"
    run ! grep -q '^ .*\[c2\]  *\[c3\]' "$BATS_TEST_TMPDIR/text"
}

@test "the marked call is shown, also where it is far from the end" {
    {
        accepts
        event E 2 7 write 4 4 s9 5 - 5 '"hello"' 11 '" world"'
        for ((i = 3; i < 90; i++)); do
            event E $i 7 accept 3 4 s1$i 4 - - -
        done
        event E 91 7 close 4 4 s9 0 - - -
    } >"$BATS_TEST_TMPDIR/events"
    "$ladder" -l 20 -f 'a gets "x"' "$BATS_TEST_TMPDIR/events" \
        >"$BATS_TEST_TMPDIR/text"
    grep -q 'write(4, "hello") = 5' "$BATS_TEST_TMPDIR/text"
    grep -q 'rows behind' "$BATS_TEST_TMPDIR/text"
    [ "$(wc -l <"$BATS_TEST_TMPDIR/text")" -le 26 ]
}
