# shellcheck shell=bash
# What tests/interop.bats stands on. A test is a script that runs in a bash of
# its own, inside the room of tests/support/launch.c where that can be had: a
# network of its own, so that no port is taken, and a fresh /tmp. It waits for
# what happens: for what a program says, through a FIFO, and for who listens.

# --- outside: bats' side

SECONDS_EACH=60 # a test that says nothing for so long hangs

# in_room <<'END' ... END: runs the script. All that it starts is in one process
# group and holds the pipe: the end of file says that nobody is left.
in_room() {
    local line='' last='' step='' status=0 script fifo=$BATS_TEST_TMPDIR/story
    script=$(cat)
    mkdir "$BATS_TEST_TMPDIR/work"
    mkfifo "$fifo"
    set -m
    # shellcheck disable=SC2016  # for the other bash
    build/support/launch room "$PWD" "$BASH" -c \
        '. "$1/tests/interop/room.bash"; begin "$@"; eval "$3"' room "$PWD" \
        "$BATS_TEST_TMPDIR/work" "$script" \
        </dev/null >"$fifo" 2>&1 3>&- 4>&- &
    job=$!
    set +m
    exec 5<"$fifo"
    while IFS= read -r -t "$SECONDS_EACH" line <&5 || read_ended $?; do
        case $line in
        '+'*) step=$line ;;
        *)
            printf '%s\n' "$line"
            last=$line
            ;;
        esac
    done
    exec 5<&-
    [ -z "$hangs" ] || end_room
    wait "$job" || status=$?
    end_room
    if [ -n "$hangs" ]; then
        echo "nothing more for $SECONDS_EACH s, after: ${step#"${step%%[!+]*}"}"
    fi
    verdict "$status" "$last"
}

# read_ended STATUS: of read: above 128 it is the time limit, else the end.
hangs=''
read_ended() {
    [ "$1" -le 128 ] || hangs=yes
    return 1
}

# Ends what is left of the test's process group.
job=''
end_room() {
    [ -n "$job" ] || return 0
    {
        kill -KILL -- "-$job" || :
        wait "$job" || :
    } 2>/dev/null
}

verdict() { # STATUS LAST-LINE
    if [ "$1" = 77 ] && [ -z "${STRICT-}" ]; then
        skip "$2"
    elif [ "$1" = 77 ]; then
        echo "left out, and STRICT is set: $2"
    fi
    [ "$1" = 0 ]
}

# --- inside: what a script may call. Descriptor 5 is the server's stderr,
# 6 to 9 are for `talk`.

begin() { # PROJECT SCRATCH
    local scratch=$2
    BIN=$1/build/solutions
    [ "${ROOM-}" != own ] || scratch=/tmp/work
    mkdir -p "$scratch"
    cd "$scratch" || exit
    export HOME=$PWD TMPDIR=$PWD LC_ALL=C PATH=$PATH:/usr/sbin:/sbin
    unset http_proxy HTTP_PROXY all_proxy ALL_PROXY
    trap leave EXIT
    trap 'told "$?" "$BASH_COMMAND"' ERR
    set -eE -o pipefail
    if [ "${BASH_VERSINFO[0]}" -gt 3 ]; then
        exec 10>&2
        BASH_XTRACEFD=10
        set -x # tells in_room how far we are
    fi
}

# Which command failed, once: the functions around it fail with it.
told() { # STATUS COMMAND
    trap - ERR
    printf 'failed with status %s: %s\n' "$1" "$2"
}

leave() {
    local jobs
    trap - ERR
    set +ex
    jobs=$(jobs -p)
    # shellcheck disable=SC2086  # a word a process
    [ -z "$jobs" ] || kill -KILL $jobs 2>/dev/null
    wait 2>/dev/null
}

fail() {
    trap - ERR
    printf '%s\n' "$@"
    exit 1
}

# needs TOOL PACKAGE
needs() {
    command -v "$1" >/dev/null && return
    echo "no $1 here (Debian: apt install $2)"
    exit 77
}

needs_nc() {
    nc -h 2>&1 | grep OpenBSD >/dev/null && return
    echo "no OpenBSD nc here (Debian: apt install netcat-openbsd)"
    exit 77
}

# start COMMAND...: beside us, with none of our descriptors; sets pid.
start() {
    (
        alone
        exec "$@"
    ) <&0 &
    pid=$!
}

alone() {
    trap - ERR EXIT
    set +x
    exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- 10>&-
}

# stop PID: a server of ours or of others, with SIGTERM.
stop() {
    kill "$1"
    wait "$1" 2>/dev/null || :
}

# serve NN-name [ADDRESS]: its server, on a free port; sets server and port.
# Its stdout goes to the file `printed`, its stderr to descriptor 5.
serve() {
    serve_with "$1" 0 "${2-127.0.0.1}"
}

serve_with() { # NN-name [ARG]...
    local line='' name=$1
    shift
    rm -f launched
    mkfifo launched
    exec 5<>launched
    start "$BIN/$name/server" "$@" >printed 2>launched
    server=$pid
    IFS= read -r -t 20 line <&5 || :
    case $line in
    'Server launched, listening on port: '*) port=${line##* } ;;
    *) fail "$name/server says: $line" ;;
    esac
}

# new_client: waits until the server has said so.
new_client() {
    local line
    IFS= read -r line <&5
    case $line in
    'New client connected'*) ;;
    *) fail "the server says: $line" ;;
    esac
}

# free_port tcp|udp: sets port, for a server that cannot pick one. In a room all
# are free; elsewhere it is one that the system has just given to ours.
next=8000
free_port() {
    local name=21-tcp-echo
    [ "$1" = tcp ] || name=22-udp-chat
    if [ "${ROOM-}" = own ]; then
        port=$((next++))
    else
        serve "$name"
        stop "$server"
    fi
}

# listens tcp|udp: waits until process pid listens on port. Not by connecting:
# ours could be the one client that it takes.
listens() {
    until listed "$1"; do
        kill -0 "$pid" 2>/dev/null || fail "no server:" "$(cat err)"
        sleep 0.02 # /proc has no event to wait for
    done
}

listed() { # tcp|udp
    local hex state=0A
    [ "$1" = tcp ] || state=07
    if [ -r "/proc/net/$1" ]; then
        printf -v hex '%04X' "$port"
        grep -qs ":$hex 0*:0000 $state " "/proc/net/$1" "/proc/net/${1}6"
    else
        netstat -an -p "$1" | grep -E "[.:]$port .*(LISTEN|\*[.:]\*)" >/dev/null
    fi
}

# talk IN OUT COMMAND...: starts it; what we write to descriptor IN it reads,
# what it prints comes from OUT. Sets pid. Its stderr goes to the file `err`.
talk() {
    local in=$1 out=$2
    shift 2
    rm -f "in$in" "out$out"
    mkfifo "in$in" "out$out"
    (
        alone
        exec "$@" <"in$in" >"out$out" 2>>err
    ) &
    pid=$!
    eval "exec $in>in$in $out<out$out"
}

# hears OUT TEXT: exactly this comes next from descriptor OUT.
hears() {
    local text
    text=$(head -c "${#2}" <&"$1"; echo .)
    [ "$text" = "$2." ] || fail "expected: $(printf %q "$2")" \
        "came:     $(printf %q "${text%.}")" "$(cat err 2>/dev/null)"
}

# blob BYTES: a file of this name, of bytes of all values.
blob() {
    head -c "$1" /dev/urandom >blob
    printf '\0\r\n\377\004' >>blob
}

# has FILE TEXT: a line of FILE holds TEXT.
has() {
    grep -qF -- "$2" "$1" || fail "no \"$2\" in $1:" "$(head -c 2000 "$1")"
}

# page FILE: it holds the page. (A browser's tree has its own letter case.)
page() {
    grep -qi '<P>This is my test server page</P>' "$1" ||
        fail "no page in $1:" "$(head -c 2000 "$1")"
}

# In the commands below, HOST and PORT stand for the server's. Sets command.
place() {
    command=("${@//HOST/127.0.0.1}")
    command=("${command[@]//PORT/$port}")
}

# http_by COMMAND...: sends requests to both servers, as it reads them from
# stdin and prints the answer.
http_by() {
    local name request
    for name in 23-http-server 24-threaded-server 28-thread-pool; do
        serve "$name"
        place "$@"
        for request in 'GET / HTTP/1.1\r\nHost: here\r\n\r\n' \
            'GET /a/path HTTP/1.0\r\n\r\n' 'HEAD / HTTP/1.0\n\n'; do
            # shellcheck disable=SC2059  # it is a format
            printf "$request" | "${command[@]}" >answer
            has answer 'HTTP/1.1 200'
            page answer
        done
        has printed 'GET /a/path HTTP/1.0'
        stop "$server"
    done
}

# echo_by COMMAND...: the server of 21 sends back what it reads from stdin.
echo_by() {
    serve 21-tcp-echo
    place "$@"
    blob 1000000
    "${command[@]}" <blob >back
    cmp blob back
    printf 'one line\n' | "${command[@]}" >back
    has back 'one line'
    stop "$server"
}

# echo_server COMMAND...: it sends back what the client of 21 sends, to one
# client after the other.
echo_server() {
    free_port tcp
    place "$@"
    start "${command[@]}" 2>err
    listens tcp
    echoed
    echoed
    stop "$pid"
}

# echoed: the client of 21 gets back all that it sends to the server on port.
echoed() {
    blob 1000000
    "$BIN/21-tcp-echo/client" 127.0.0.1 "$port" <blob >back
    cmp blob back
}

# echo_server_of_lines COMMAND...: each line is back before the next is typed.
echo_server_of_lines() {
    local n
    free_port tcp
    place "$@"
    start "${command[@]}" 2>err
    server=$pid
    listens tcp
    for n in 1 2; do
        talk 6 7 "$BIN/21-tcp-echo/client" 127.0.0.1 "$port"
        echo 'one line' >&6
        hears 7 $'one line\n'
        echo "line $n" >&6
        hears 7 $'line '"$n"$'\n'
        exec 6>&-
        wait "$pid"
    done
    stop "$server"
}

# typed_back COMMAND...: a server that is somebody at a keyboard.
typed_back() {
    free_port tcp
    place "$@"
    talk 8 9 "${command[@]}"
    listens tcp
    types_to "$BIN/21-tcp-echo/client" 127.0.0.1 "$port"
}

# types_to CLIENT...: it talks to who sits at descriptors 8 and 9.
types_to() {
    talk 6 7 "$@"
    echo 'is anybody here?' >&6
    hears 9 $'is anybody here?\n'
    echo 'yes, somebody is' >&8
    hears 7 $'yes, somebody is\n'
    exec 6>&-
    hears 9 ''
    exec 8>&-
    wait "$pid"
}

# serve_at PATH: the server of 26; sets server.
serve_at() {
    local line=''
    rm -f launched
    mkfifo launched
    exec 5<>launched
    start "$BIN/26-unix-socket/server" "$1" >printed 2>launched
    server=$pid
    IFS= read -r -t 20 line <&5 || :
    [ "$line" = "Server launched, listening on: $1" ] || fail "it says: $line"
}

# local_echo_by COMMAND...: the server of 26 sends back what it reads from stdin.
local_echo_by() {
    serve_at socket
    blob 1000000
    "$@" <blob >back
    cmp blob back
    new_client
    printf 'one line\n' | "$@" >back
    has back 'one line'
    stop "$server"
    [ ! -e socket ] || fail 'the socket is left behind'
}

# local_server COMMAND...: starts it, on descriptors 8 and 9, and waits until it
# listens at the path `socket`.
local_server() {
    rm -f socket
    talk 8 9 "$@"
    until [ -S socket ] && { [ ! -r /proc/net/unix ] ||
        grep -q ' 00010000 .* socket$' /proc/net/unix; }; do
        kill -0 "$pid" 2>/dev/null || fail "no server:" "$(cat err)"
        sleep 0.02 # the file has no event to wait for
    done
}

# maze NAME: a link to this folder that takes the system milliseconds to follow:
# what is done with a path below it, another process can come between.
maze() {
    local way i
    mkdir -p _
    printf -v way '_/../%.0s' {1..750}
    for ((i = 1; i < 19; i++)); do ln -s "$way$1.$((i + 1))" "$1.$i"; done
    ln -s "$way." "$1.19"
    mv "$1.1" "$1"
}

# chat_by COMMAND...: it takes part in the chat of 22. So does this shell, on
# descriptor 4: what it sends has arrived when printf is back.
chat_by() {
    serve 22-udp-chat
    exec 4<>"/dev/udp/127.0.0.1/$port"
    printf 'a shell is here' >&4
    talk 6 7 "$BIN/22-udp-chat/client" 127.0.0.1 "$port" ann
    hears 4 '* ann joined'
    ann=$pid
    place "$@"
    talk 8 9 "${command[@]}"
    printf 'here I am' >&8
    hears 7 $'here I am\n'
    hears 4 'here I am'
    printf 'hello\n' >&6
    hears 9 'ann: hello'
    hears 4 'ann: hello'
    printf 'bell \a and line\n' >&8
    hears 7 $'bell ? and line?\n'
    exec 6>&-
    wait "$ann"
    stop "$server"
}

# chat_with COMMAND...: it is the server for the client of 22.
chat_with() {
    free_port udp
    place "$@"
    talk 8 9 "${command[@]}"
    listens udp
    talk 6 7 "$BIN/22-udp-chat/client" 127.0.0.1 "$port" ann
    hears 9 '* ann joined'
    printf 'welcome' >&8
    hears 7 $'welcome\n'
    printf 'hello\nthere' >&6
    hears 9 'ann: hello'
    exec 6>&-
    hears 9 'ann: there'
    wait "$pid"
}

# fetched [HOST]: http-get gets the file `blob` from the server on port, and is
# content with an answer that says no.
fetched() {
    local size
    size=$(($(wc -c <blob)))
    "$BIN/25-http-get/http-get" "${1-127.0.0.1}" /blob "$port" >got
    head -n 1 got | grep '^HTTP/1\.[01] 200' >/dev/null
    tail -c "$size" got | cmp - blob
    "$BIN/25-http-get/http-get" "${1-127.0.0.1}" /nothing "$port" >got
    head -n 1 got | grep '^HTTP/1\.[01] 404' >/dev/null
}

# chromium_prints URL: what Chromium makes of it, in the file `dom`.
chromium_prints() {
    chromium --headless --no-sandbox --disable-gpu --disable-quic \
        --no-first-run --disable-background-networking \
        --disable-component-update --disable-sync --disable-dev-shm-usage \
        --disable-breakpad --user-data-dir="$PWD/profile" \
        --dump-dom "$1" >dom 2>err </dev/null || fail "$(tail -n 5 err)"
}

# browse URL: the page of 23, as Chromium has it.
browse() {
    chromium_prints "$1"
    page dom
}

# files: a folder `tree` of names that are hard to write, and one beside it.
files() {
    mkdir -p tree/sub/deep tree/index 'tree/a folder?' tree/empty
    printf 'SECRET\n' >secret
    printf 'Hello, files\n' >tree/hello.txt
    printf '<!DOCTYPE HTML><title>i</title><p>index' >tree/index/index.html
    printf 'deep\n' >tree/sub/deep/x.txt
    printf 'not whole\n' >'tree/a folder?/#&;=+,@:$~.txt'
    printf 1 >'tree/<b>"x'\''&amp;.html'
    printf 2 >'tree/100% sure.txt'
    printf 3 >tree/.hidden
    printf 4 >tree/Zoo
    printf 5 >tree/apple
    printf 6 >$'tree/tab\tand\nline'
    printf 7 >$'tree/\xc3\xbcml\xc3\xa4ut.css'
    printf 8 >'tree/back\slash'
    printf 9 >tree/a..txt
    : >tree/nothing.png
    blob 3000000
    mv blob tree/blob.gz
    ln -s hello.txt tree/link
    ln -s sub tree/sub-link
    ln -s ../secret tree/out
    touch -d @784111777 tree/hello.txt
}
