#!/usr/bin/env bats
# The race: what it prints and writes, what it does with what is missing or
# wrong, that nothing is left running. How fast anybody is, is no question here.
# shellcheck disable=SC2030,SC2031,SC2154  # each test is a subshell

bats_require_minimum_version 1.5.0
load wait

setup_file() {
    unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES KEEP TREE CC CFLAGS
    export NO_COLOR='' TERM=xterm ROUNDS=1 SECONDS_EACH=0.2
    TOP=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
    MODEL="$BATS_FILE_TMPDIR/a model"
    export TOP MODEL
    mkdir -p "$MODEL/slides-notes" "$MODEL/tests" "$MODEL/exercises" \
        "$MODEL/solutions"
    cd "$TOP" || return
    cp -R Makefile tools lib exercises solutions "$MODEL/"
    cd "$MODEL" && make -s build/tools/race/clients \
        build/solutions/24-threaded-server/server
}

setup() {
    WORK="$BATS_TEST_TMPDIR/a b"
    cp -Rp "$MODEL" "$WORK"
    cd "$WORK" || return
    ours=exercises/24-threaded-server/server.c
}

# Whatever a test has started works in its folder.
teardown() {
    left() {
        local p
        for p in /proc/[0-9]*; do
            [ "$p" = "/proc/$$" ] || [ "$p" = "/proc/$BASHPID" ] ||
                case $(readlink "$p/cwd") in "$WORK"*)
                    tr '\0' ' ' <"$p/cmdline" && echo
                    ;;
                esac
        done 2>/dev/null | grep -E '^(.*/)?(server|clients|python3|java|nginx|lighttpd|busybox|wrk) ' || :
    }
    [ ! -d /proc/self ] || [ -z "$(left)" ] || { left && return 1; }
}

has() {
    case $output in *"$1"*) return 0 ;; esac
    printf 'missing: %s\nin:\n%s\n' "$1" "$output"
    return 1
}
has_not() {
    case $output in *"$1"*) ;; *) return 0 ;; esac
    printf 'should not be there: %s\nin:\n%s\n' "$1" "$output"
    return 1
}
status_is() {
    [ "$status" -eq "$1" ] && return
    printf 'exit status %s, expected %s\n%s\n' "$status" "$1" "$output"
    return 1
}
narrow_enough() {
    local line
    for line in "${lines[@]}"; do
        [ ${#line} -le 80 ] || { echo "too long: $line" && return 1; }
    done
}

# only TOOL...: from now on there is nothing else on PATH, but for what a race
# cannot do without.
only() {
    local tool
    mkdir "$BATS_TEST_TMPDIR/bin"
    for tool in awk basename bash cat cc cp cut date env getconf grep head make \
        mkdir mkfifo mktemp mv ps rm sed sh sleep sort tail taskset tr uname \
        ar ld as readlink dirname id "$@"; do
        ! command -v "$tool" >/dev/null ||
            ln -s "$(command -v "$tool")" "$BATS_TEST_TMPDIR/bin/"
    done
    PATH=$BATS_TEST_TMPDIR/bin
}

only_24() { # no other solution of a server
    rm -rf solutions/2[35789]-* build/solutions/2[35789]-*
    only "$@"
}

@test 'make race 24, in two words, is told that it is one' {
    run make race 24
    [ "$status" -ne 0 ]
    [[ $output == *'One word: make race24'* ]]
}

@test 'a quick race asks every server all that it can be asked' {
    run make race KEEP=1
    [ "$status" -eq 0 ] || [ "$status" -eq 2 ] # a claim may fail on such a time
    narrow_enough
    has 'Requests a second, a connection for each'
    has 'Silent clients'
    has ' claims hold'
    run cat build/race/race.csv
    [ "${lines[0]}" = key,server,measure,unit,median,lowest,highest,rounds ]
    has '24,24 a thread each,silent10k,ms,'
    run awk -F, '
        NR == 1 { next }
        NF != 8 { print "not 8 fields: " $0; bad = 1 }
        $5 !~ /^([0-9.]+|no)$/ { print "no figure: " $0; bad = 1 }
        $3 != "start" && $8 != 1 { print "not one round: " $0; bad = 1 }
        { asked[$1] = asked[$1] " " $3; unit[$4] = 1 }
        END {
            for (k in asked)
                if (asked[k] !~ / silent1k .* start/) {
                    print k ":" asked[k]; bad = 1
                }
            exit bad
        }' build/race/race.csv
    status_is 0
    for tool in python3/python javac/java nginx/nginx lighttpd/lighttpd \
        busybox/busybox; do
        ! PATH=$PATH:/usr/sbin command -v "${tool%/*}" ||
            grep -q "^${tool#*/},.*,silent1k," build/race/race.csv
    done
    cmp build/race/race.svg slides-notes/race.svg
    run cat build/race/race.svg
    has '</svg>'
    has '>24 a thread each</text>'
    command -v python3 >/dev/null || skip 'python3 is not here to read it'
    python3 -c 'import csv, xml.dom.minidom
xml.dom.minidom.parse("build/race/race.svg")
assert all(len(row) == 8 for row in csv.reader(open("build/race/race.csv")))'
}

@test 'what is missing is left out, with a line that says how to get it' {
    only_24
    run make race
    status_is 0
    has 'left out: python http.server; python3 is not here (Debian: apt install'
    has 'left out: Java with a thread each; javac is not here'
    has 'left out: busybox httpd; busybox is not here (Debian: apt install busybox)'
    has 'left out: requests a second; wrk is not here (Debian: apt install wrk)'
    has_not 'Requests a second'
    has '  24 a thread each'
    has_not python3:
    narrow_enough
}

@test 'wrong words are answered with the usage' {
    for word in 20 99 x; do
        run tools/race/race "$word"
        status_is 2
        has 'a race is for the web servers: 23 24 27 28 29'
        has 'usage: '
    done
    run tools/race/race 24 24
    status_is 2
    for word in 0 x -1 1.5; do
        ROUNDS=$word run tools/race/race 24
        status_is 2
        has "ROUNDS is a number, not $word"
    done
    for word in x 1.2.3 . -1 1s; do
        SECONDS_EACH=$word run tools/race/race 24
        status_is 2
        has "SECONDS_EACH is a number, not $word"
    done
    SECONDS_EACH=0.0 run tools/race/race 24
    status_is 2
    run make race21
    status_is 2
    has 'a race is for the web servers'
}

@test 'raceNN races the server of the student' {
    only_24 busybox
    run make race24
    has '  24 yours '
    has '  24 a thread each '
    has '  busybox httpd '
    has '24 yours: 1000 silent clients, the next within a second'
    has_not 'kept connections'
}

@test 'raceNN: a server that does not compile, or does not work' {
    echo 'int x = ;' >>"$ours"
    run make race24
    status_is 2
    has "$ours does not compile. Start with the first error."
    has_not yours
    echo 'int main(void) { return 0; }' >"$ours"
    run make race24
    status_is 2
    has '24 yours: it ended before it answered; by hand:'
    has 'make ex24'
    has_not 'Requests a second'
    sed 's/This is my test server page/Another page/' \
        solutions/24-threaded-server/server.c >"$ours"
    run make race24
    status_is 2
    has '24 yours: an answer without the page; by hand:'
    narrow_enough
}

@test 'a server that ends under load is out, and the others go on' {
    only_24 wrk
    awk '/^static void serve\(int cfd\)/ { print "#include <stdlib.h>"; seen = 1 }
        { print }
        seen && /^{/ { print "static int n; if (++n > 9) exit(1);"; seen = 0 }' \
        solutions/24-threaded-server/server.c >"$ours"
    run make race24
    status_is 2
    has '24 yours'
    has '  no   24 yours: 1000 silent clients, the next within a second'
    has '  24 a thread each '
}

@test 'a port that is taken is passed over' {
    only_24
    build/solutions/24-threaded-server/server 20080 2>"$BATS_TEST_TMPDIR/said" &
    pid=$!
    until_true grep -q launched "$BATS_TEST_TMPDIR/said" ||
        skip 'port 20080 is taken already'
    run make race
    kill "$pid"
    status_is 0
    has '  24 a thread each'
}

@test 'whoever ends the race ends all that it has started' {
    only_24
    for signal in TERM HUP; do
        tools/race/race >out 2>&1 3>&- &
        pid=$!
        until_true grep -q 'The servers run\|share the cores' out
        until_true running server
        kill -s "$signal" "$pid"
        run wait "$pid"
        [ "$status" -ne 0 ]
        teardown
    done
}
running() { # NAME: works here
    local p
    for p in /proc/[0-9]*; do
        [ "$(readlink "$p/cwd")" != "$WORK" ] ||
            [[ $(tr '\0' ' ' <"$p/cmdline") != *"/$1 "* ]] || return 0
    done 2>/dev/null
    return 1
}

@test 'medians, their spread, and who has no answer' {
    run awk -f tools/race/median.awk <<'END'
name a Server A
name b Server B
a each 3
a each 1000.4
a each 20
b each 1
a silent1k 0.5
a silent1k no
a silent1k no
END
    status_is 0
    has 'a,Server A,each,/s,20.0,3.00,1000,3'
    has 'a,Server A,silent1k,ms,no,0.50,no,3'
    has 'b,Server B,each,/s,1.00,1.00,1.00,1'
}

claims() { # FIGURE-OF-24 ANSWER-OF-24 [OPTION]...
    run awk "${@:3}" -f tools/race/claims.awk <<END
key,server,measure,unit,median,lowest,highest,rounds
24,24 a thread each,each,/s,$1,1,9,5
24,24 a thread each,silent1k,ms,$2,1,9,5
yours,24 yours,each,/s,1,1,9,5
python,python http.server,each,/s,100,1,9,5
29n,29 with 2 loops,keep,/s,150,1,9,5
nginxn,nginx 2 workers,keep,/s,100,1,9,5
29n,29 with 2 loops,keep_cpu,us,5,1,9,5
nginxn,nginx 2 workers,keep_cpu,us,10,1,9,5
END
}

@test 'the claims: each with its figure, and whether it holds' {
    claims 300 0.50 -v shared=yes
    status_is 0
    has '  yes  24: 3 times python http.server, a connection each'
    has ' 3.00'
    has '  yes  29 with 2 loops: twice nginx 2 workers, by processor time'
    has '3 of 3 claims hold'
    claims 299 no
    status_is 1
    has '  no   24: 3 times python http.server, a connection each'
    has ' 2.99'
    has '  no   24: 1000 silent clients, the next within a second'
    has '  no   29 with 2 loops: twice nginx 2 workers, kept connections'
    has '0 of 3 claims hold'
    claims 300 0.50 -v mine=24
    status_is 1
    has '  no   24 yours: 3 times python http.server'
    has '0 of 1 claims hold'
    narrow_enough
}

@test 'what wrk says is understood' {
    run awk -v key=a -v what=each -v before=100 -v after=200 \
        -f tools/race/wrk.awk <<'END'
Running 60m test @ http://127.0.0.1:20090/
  Latency Distribution
     50%  325.00us
     75%    1.00s
     99%    2.50ms
  1000 requests in 0.50s, 14.81MB read
  Socket errors: connect 3, read 4, write 5, timeout 2
  Non-2xx or 3xx responses: 7
Requests/sec:  47540.74
Transfer/sec:     13.47GB
END
    [ "${lines[0]}" = 'a each 47540.7' ]
    [ "${lines[1]}" = 'a each_p50 0.325' ]
    [ "${lines[2]}" = 'a each_p99 2.5' ]
    [ "${lines[3]}" = 'a each_cpu 100' ]
    has '3 clients could not connect, 2 waited for 2 s, 7 answers were no 200'
    run awk -v key=a -v what=10m -f tools/race/wrk.awk <<<'Transfer/sec: 2.00GB'
    has 'a 10m 2048'
    has 'no request was answered'
}
