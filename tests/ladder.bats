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
