#!/usr/bin/env bats
# tools/trace/from-strace: what strace wrote becomes the events of the ladder,
# the same that the recorder writes. All pairs of solutions run here, once under
# strace and once under the recorder.
# shellcheck disable=SC2154,SC2030,SC2031  # each test is a subshell
load wait

setup_file() {
    unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES AWK
    cd "$BATS_TEST_DIRNAME/.." || return
    make -s build/trace/ladder build/solutions/20-pipe/pipe \
        build/solutions/{21-tcp-echo,22-udp-chat}/{server,client} \
        build/solutions/{23-http-server,24-threaded-server}/server \
        build/solutions/25-http-get/http-get 3>&- 4>&-
}

setup() {
    cd "$BATS_TEST_DIRNAME/.." || return
    BIN=build/solutions
    pids=()
}

# What strace has started would live on without it.
teardown() {
    local pid
    for pid in ${pids[@]+"${pids[@]}"}; do
        {
            pkill -KILL -P "$pid"
            kill -KILL "$pid"
            wait "$pid"
        } 2>/dev/null || :
    done
}

# ---- Events ----------------------------------------------------------------

# Says what is wrong with the events on stdin.
well_formed() {
    awk -F '\t' '
    function wrong(what) { print "line " NR ": " what ": " $0; bad = 1 }
    NR == 1 { if ($0 != "# ladder events 1") wrong("no header"); next }
    NF != 18 && NF != 21 { wrong(NF " fields") } # the recorder tells three more
    { for (i = 1; i <= NF; i++) if ($i == "") wrong("field " i " is empty") }
    $1 !~ /^[SBEPX]$/ { wrong("kind") }
    $2 !~ /^[0-9]+$/ || length($2) < length(before) { wrong("time") }
    length($2) == length(before) && "t" $2 < "t" before { wrong("order") }
    { before = $2 }
    $3 !~ /^[0-9]+$/ || $4 !~ /^[0-9]+$/ { wrong("pid, tid") }
    $6 !~ /^[a-z_]+[0-9]?( [a-z]+)?$/ { wrong("call") }
    $8 !~ /^(-|[0-9]+|[0-9]+,[0-9]+)$/ { wrong("fd") }
    $9 !~ /^(-|[sduvp][0-9]+(,[sduvp][0-9]+)?)$/ { wrong("id") }
    ($8 ~ /,/) != ($9 ~ /,/) { wrong("fd and id") }
    $12 !~ /^(-|-?[0-9]+)$/ { wrong("result") }
    $13 !~ /^(-|E[A-Z0-9]+)$/ { wrong("error") }
    $1 == "B" && ($12 != "-" || $14 != "-") { wrong("a B has no end") }
    $1 == "E" && $14 !~ /^[0-9]+$/ { wrong("waited") }
    $15 !~ /^(-|[0-9]+)$/ { wrong("bytes") }
    $16 !~ /^(-|"([^"\\]|\\[nrt0\\"]|\\x[0-9a-f][0-9a-f])*")$/ { wrong("data") }
    END { if (NR < 2) wrong("no events"); exit bad }'
}

# The events of a strace given on stdin: kind, call, args, fd, id, local, peer,
# result, error, bytes, data.
events_of() {
    cat >"$BATS_TEST_TMPDIR/strace"
    tools/trace/from-strace "$BATS_TEST_TMPDIR/strace" >"$BATS_TEST_TMPDIR/events"
    well_formed <"$BATS_TEST_TMPDIR/events"
    cut -f 1,6-13,15,16 "$BATS_TEST_TMPDIR/events" | sed 1d | tr '\t' ' '
}

# is GOT WANTED: the same lines.
is() {
    [ "$1" = "$2" ] || {
        diff <(printf '%s\n' "$2") <(printf '%s\n' "$1")
        return 1
    }
}

# ---- Runs --------------------------------------------------------------------

need_strace() {
    command -v strace >/dev/null ||
        skip 'strace is not here (Debian: apt install strace)'
    strace -o /dev/null true 3>&- 4>&- 2>/dev/null ||
        skip 'strace may not trace here (ptrace is not allowed)'
}

need_recorder() {
    [ -f tools/trace/record.c ] || skip 'tools/trace/record.c is not here'
    [ "$(uname)" = Linux ] || skip 'LD_PRELOAD is needed'
    make -s build/trace/record.so 3>&- 4>&-
    cp build/trace/record.so "$BATS_FILE_TMPDIR/" # its path has no space
}

# begin strace|record: from now on, start and run do it that way.
begin() {
    how=$1
    dir=$BATS_TEST_TMPDIR/$how
    mkdir -p "$dir"
    printf '# ladder events 1\n' >"$dir/record.events"
    # shellcheck disable=SC2207  # the options are words
    options=($(tools/trace/from-strace -o))
}

under() { # NAME CMD [ARG]...: takes the shell's place
    local name=$1
    shift
    exec 3>&- 4>&- 7>&-
    if [ "$how" = strace ]; then
        exec strace "${options[@]}" -o "$dir/$name.strace" "$@"
    fi
    exec env LADDER_EVENTS="$dir/record.events" LADDER_QUIET=0,1,2 \
        LD_PRELOAD="$BATS_FILE_TMPDIR/record.so" "$@"
}

# start NAME CMD [ARG]...: in the background, its stdin is $dir/NAME.in if that
# is there. NAME.err is its stderr.
start() {
    local name=$1 input=/dev/null
    [ ! -e "$dir/$name.in" ] || input=$dir/$name.in
    (under "$@") <"$input" >"$dir/$name.out" 2>"$dir/$name.err" &
    pids+=($!)
}

port() { # of the server that has been started
    until_true grep -q 'port: [0-9]' "$dir/server.err" &&
        sed -n 's/.*listening on port: //p' "$dir/server.err"
}

events() {
    if [ "$how" = strace ]; then
        tools/trace/from-strace "$dir"/*.strace
    else
        cat "$dir/record.events"
    fi
}

has() { # N PATTERN: at least N events
    [ "$(events 2>/dev/null | tr '\t' ' ' | grep -cE "$2")" -ge "$1" ]
}

# The server is in its last call: the process itself is to be ended, not strace.
stop() { # NAME
    local pid
    if [ "$how" = strace ]; then
        read -r pid _ <"$dir/$1.strace"
    else
        pid=$(awk -F '\t' -v name="$1" '
            $1 == "S" && $5 == name { print $3; exit }' "$dir/record.events")
    fi
    kill -TERM "$pid"
}

all_end() {
    local pid
    for pid in "${pids[@]}"; do
        wait "$pid" || :
    done
    pids=()
}

# The scenes: what each pair does is settled by waiting, so that both runs make
# the same calls.
scene_20() {
    start pipe "$BIN/20-pipe/pipe" cat LICENSE '|' grep -c the '|' cat
    all_end
}

scene_21() {
    start server "$BIN/21-tcp-echo/server" 0
    mkfifo "$dir/client.in"
    exec 7<>"$dir/client.in" # open(2) of one end alone would wait
    start client "$BIN/21-tcp-echo/client" 127.0.0.1 "$(port)"
    printf 'hello\n\0\001\0377"' >&7
    until_true test -s "$dir/client.out"
    exec 7>&-
    until_true has 1 '^E .* close 4 '
    stop server
    all_end
}

scene_22() {
    start server "$BIN/22-udp-chat/server" 0
    mkfifo "$dir/bob.in"
    exec 7<>"$dir/bob.in"
    start bob "$BIN/22-udp-chat/client" 127.0.0.1 "$(port)" bob
    until_true has 1 '^E .* recvfrom .*bob joined'
    printf 'hello\n' >"$dir/ann.in"
    start ann "$BIN/22-udp-chat/client" 127.0.0.1 "$(port)" ann
    until_true has 2 '^E .* recv 3 3 '
    exec 7>&-
    until_true has 2 '^E .* recvfrom .* 0 - [0-9]+ 0 -'
    stop server
    all_end
}

scene_23() {
    start server "$BIN/23-http-server/server" 0
    start get "$BIN/25-http-get/http-get" 127.0.0.1 / "$(port)"
    until_true has 1 '^E .* server close 4 '
    stop server
    all_end
}

scene_24() {
    local page=("$BIN/25-http-get/http-get" 127.0.0.1 / PORT)
    command -v curl >/dev/null && page=(curl -s http://127.0.0.1:PORT/)
    start server "$BIN/24-threaded-server/server" 0
    mkfifo "$dir/silent.in"
    exec 7<>"$dir/silent.in"
    start silent "$BIN/21-tcp-echo/client" 127.0.0.1 "$(port)"
    until_true has 1 ' server thread '
    start get "${page[@]//PORT/$(port)}"
    until_true has 1 ' server thread ends '
    exec 7>&-
    until_true has 2 ' server thread ends '
    stop server
    all_end
}

# What each lane called, in its order; lanes in any order. Left out: what one of
# the two cannot see (what stdio writes, pthread_detach, how locks went), and
# other programs than ours.
lanes() {
    awk -F '\t' '
    $1 == "B" || $1 == "P" || $5 !~ /^(pipe|server|client|http-get)$/ ||
        $6 ~ /^(pthread_detach|lock|cond wait|#.*)$/ { next }
    {
        call = $6
        sub(/^wait[34]?$/, "waitpid", call)
        lane = $3 " " $4
        if (!(lane in calls))
            calls[lane] = $5 ":"
        calls[lane] = calls[lane] " " call
        if ($8 != "-")
            calls[lane] = calls[lane] "(" $8 ")"
        if ($13 != "-" || $15 != "-")
            calls[lane] = calls[lane] "=" ($13 != "-" ? $13 : $15)
    }
    END { for (lane in calls) print calls[lane] }' | sort
}

strace_of() { # SCENE: runs it under strace; leaves the events in $dir/events
    need_strace
    begin strace
    "scene_$1"
    events >"$dir/events"
    well_formed <"$dir/events"
}

both_of() { # SCENE
    need_recorder
    strace_of "$1"
    begin record
    "scene_$1"
    well_formed <<<"$(head -n 1 "$dir/record.events" &&
        sed 1d "$dir/record.events" | sort -s -t "$(printf '\t')" -k 2,2n)"
    is "$(lanes <"$BATS_TEST_TMPDIR/strace/events")" \
        "$(lanes <"$dir/record.events")"
}

shows() { # TEXT...: the ladder has these
    local text picture
    picture=$(build/trace/ladder -w 100 "$dir/events")
    for text; do
        grep -qF -e "$text" <<<"$picture" || {
            printf '%s\nthis is missing: %s\n' "$picture" "$text"
            return 1
        }
    done
}

# ---- What strace wrote -------------------------------------------------------

@test "from-strace: without a file it says how it is used" {
    run tools/trace/from-strace
    [ "$status" -eq 2 ]
    [[ $output = 'usage: '* ]]
    run tools/trace/from-strace /no/such/file
    [ "$status" -eq 1 ]
    [[ $output = *'/no/such/file'* ]]
    echo 'nothing of strace' >"$BATS_TEST_TMPDIR/other"
    run tools/trace/from-strace "$BATS_TEST_TMPDIR/other"
    [ "$status" -eq 1 ]
    [[ $output = *'no line of strace'* ]]
}

# A run of a server, with what can befall a line.
canned() {
    cat <<'END'
7 1700000009.999990 execve("/bin/a server", ["a server", "80 90"], 0x7ffe /* 3 vars */) = 0 <0.000200>
7 1700000010.000300 read(3</usr/lib/libc.so.6>, "\177ELF"..., 832) = 832 <0.000008>
7 1700000010.000400 socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 3<TCP:[4711]> <0.000010>
7 1700000010.000500 bind(3<TCP:[4711]>, {sa_family=AF_INET, sin_port=htons(0), sin_addr=inet_addr("127.0.0.1")}, 16) = 0 <0.000010>
7 1700000010.000600 listen(3<TCP:[127.0.0.1:8080]>, 5) = 0 <0.000010>
7 1700000010.000700 accept(3<TCP:[127.0.0.1:8080]>, {sa_family=AF_INET, sin_port=htons(5000), sin_addr=inet_addr("127.0.0.1")}, [128 => 16]) = 4<TCP:[127.0.0.1:8080->127.0.0.1:5000]> <2.500000>
7 1700000012.600000 recvfrom(4<TCP:[127.0.0.1:8080->127.0.0.1:5000]>, "a\0\1\0012\33\377\"\\\r\n\t\v~", 99, 0, NULL, NULL) = 14 <0.000010>
7 1700000012.600100 dup2(4<TCP:[127.0.0.1:8080->127.0.0.1:5000]>, 9) = 9<TCP:[127.0.0.1:8080->127.0.0.1:5000]> <0.000010>
7 1700000012.600200 close(4<TCP:[127.0.0.1:8080->127.0.0.1:5000]>) = 0 <0.000010>
7 1700000012.600300 clone(child_stack=NULL, flags=CLONE_CHILD_SETTID|SIGCHLD <unfinished ...>
8 1700000012.600310 sendto(9<TCP:[127.0.0.1:8080->127.0.0.1:5000]>, "0123456789012345678901234567890123456789012345678901234567890123"..., 70, MSG_NOSIGNAL, NULL, 0 <unfinished ...>
7 1700000012.600320 <... clone resumed>, child_tidptr=0x7f01) = 8 <0.000020>
7 1700000012.600350 wait4(-1,  <unfinished ...>
8 1700000012.600400 <... sendto resumed>) = 70 <0.000090>
8 1700000012.600500 exit_group(3)   = ?
8 1700000012.600600 +++ exited with 3 +++
7 1700000012.600610 <... wait4 resumed>[{WIFEXITED(s) && WEXITSTATUS(s) == 3}], 0, NULL) = 8 <0.000260>
7 1700000012.600620 --- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=8, si_uid=0, si_status=3} ---
7 1700000012.600700 read(9<TCP:[127.0.0.1:8080->127.0.0.1:5000]>, 0x7ffd, 9) = -1 ECONNRESET (Connection reset by peer) <0.000010>
7 1700000012.600800 close(9<TCP:[4712]>) = 0 <0.000010>
7 1700000012.600900 write(9, "x", 1) = -1 EBADF (Bad file descriptor) <0.000006>
7 1700000012.601000 accept(3<TCP:[127.0.0.1:8080]>, 0x7ffc, [128]) = ? ERESTARTSYS (To be restarted if SA_RESTART is set) <0.300000>
7 1700000012.901000 --- SIGTERM {si_signo=SIGTERM, si_code=SI_USER, si_pid=1, si_uid=0} ---
7 1700000012.901100 +++ killed by SIGTERM +++
END
}

canned_events() {
    cat <<'END'
S start a server 80 90 - - - - - - - -
E socket INET, STREAM 3 s4711 - - 3 - - -
E bind 3, port 0 3 s4711 127.0.0.1:8080 - 0 - - -
E listen 3, 5 3 s4711 127.0.0.1:8080 - 0 - - -
B accept 3 3 s4711 127.0.0.1:8080 - - - - -
E accept 3 4 s01 127.0.0.1:8080 127.0.0.1:5000 4 - - -
E recv 4 4 s01 127.0.0.1:8080 127.0.0.1:5000 14 - 14 "a\0\x01\x012\x1b\xff\"\\\r\n\t\x0b~"
E dup2 4, 9 9 s01 127.0.0.1:8080 127.0.0.1:5000 9 - - -
E close 4 4 s01 127.0.0.1:8080 127.0.0.1:5000 0 - - -
B send 9, MSG_NOSIGNAL 9 s01 127.0.0.1:8080 127.0.0.1:5000 - - - -
E fork - - - - - 8 - - -
B waitpid -1 - - - - - - - -
E send 9, MSG_NOSIGNAL 9 s01 127.0.0.1:8080 127.0.0.1:5000 70 - 70 "012345678901234567890123456789012345678901234567"
X exit - - - - - 3 - - -
E waitpid -1 - - - - 8 - - -
E signal SIGCHLD - - - - 17 - - -
E read 9 9 s01 127.0.0.1:8080 127.0.0.1:5000 -1 ECONNRESET - -
E close 9 9 s01 127.0.0.1:8080 127.0.0.1:5000 0 - - -
B accept 3 3 s4711 127.0.0.1:8080 - - - - -
END
}

@test "from-strace: lines become events: names, addresses, ids, bytes" {
    is "$(canned | events_of)" "$(canned_events)"
    grep -q "$(printf '\t2500000000\t')" "$BATS_TEST_TMPDIR/events" # 2.5 s
}

@test "from-strace: any awk will do" {
    local found=0 each
    for each in mawk gawk 'gawk --posix' original-awk bwk 'busybox awk'; do
        command -v "${each%% *}" >/dev/null || continue
        AWK=$each
        export AWK
        [ "$("${each%% *}" --help 2>&1 | grep -c 'awk')" -gt 0 ] || continue
        echo "$each"
        is "$(canned | events_of)" "$(canned_events)"
        found=$((found + 1))
    done
    [ "$found" -gt 0 ] || skip 'no awk is here by its own name'
}

@test "from-strace: datagrams, iovecs, poll, select, files of Unix sockets" {
    is "$(events_of <<'END'
5 1.000100 socket(AF_INET6, SOCK_DGRAM|SOCK_CLOEXEC, IPPROTO_IP) = 3<UDPv6:[11]> <0.00001>
5 1.000200 sendto(3<UDPv6:[11]>, "me", 2, 0, {sa_family=AF_INET6, sin6_port=htons(53), sin6_flowinfo=htonl(0), inet_pton(AF_INET6, "::1", &sin6_addr), sin6_scope_id=0}, 28) = 2 <0.00001>
5 1.000300 poll([{fd=-1}, {fd=3<UDPv6:[[::]:4000]>, events=POLLIN|POLLPRI}, {fd=1</dev/null<char 1:3>>, events=POLLOUT}], 3, 1000) = 1 ([{fd=3, revents=POLLIN}]) <0.1>
5 1.200300 recvmsg(3<UDPv6:[[::]:4000]>, {msg_name={sa_family=AF_INET6, sin6_port=htons(53), sin6_flowinfo=htonl(0), inet_pton(AF_INET6, "::1", &sin6_addr), sin6_scope_id=0}, msg_namelen=28, msg_iov=[{iov_base="ab", iov_len=2}, {iov_base="\"c", iov_len=9}], msg_iovlen=2, msg_controllen=0, msg_flags=0}, MSG_DONTWAIT) = 4 <0.00001>
5 1.200400 socketpair(AF_UNIX, SOCK_STREAM, 0, [4<UNIX-STREAM:[21->22]>, 5<UNIX-STREAM:[22->21]>]) = 0 <0.00001>
5 1.200500 pselect6(6, [4<UNIX-STREAM:[21->22]> 5<UNIX-STREAM:[22->21]>], NULL, NULL, {tv_sec=1, tv_nsec=500000000}, NULL) = 0 (Timeout) <1.5>
5 2.800000 socket(AF_UNIX, SOCK_STREAM, 0) = 6<UNIX-STREAM:[31]> <0.00001>
5 2.800100 bind(6<UNIX-STREAM:[31]>, {sa_family=AF_UNIX, sun_path="/tmp/a]> b"}, 110) = 0 <0.00001>
5 2.800200 writev(4<UNIX-STREAM:[21->22]>, [{iov_base="ab", iov_len=2}, {iov_base="cd", iov_len=2}], 2) = 3 <0.00001>
5 2.800300 listen(6<UNIX-STREAM:[31,"/tmp/a]> b"]>, 3) = 0 <0.00001>
5 2.800400 poll([{fd=0</dev/null<char 1:3>>, events=POLLIN}], 1, 0) = 0 (Timeout) <0.00001>
5 2.800500 pipe2([7<pipe:[41]>, 8<pipe:[41]>], O_CLOEXEC) = 0 <0.00001>
END
    )" 'E socket INET6, DGRAM|SOCK_CLOEXEC 3 d11 - - 3 - - -
E sendto 3 3 d11 [::]:4000 [::1]:53 2 - 2 "me"
B poll [3 IN|PRI, 1 OUT], 1000 ms - - - - - - - -
E poll [3 IN|PRI, 1 OUT], 1000 ms 3 d11 [::]:4000 - 1 - - -
E recvmsg 3, MSG_DONTWAIT 3 d11 [::]:4000 [::1]:53 4 - 4 "ab\"c"
E socketpair UNIX, STREAM 4,5 u21,u22 unix: unix: 0 - - -
B select [4 IN, 5 IN], 1500 ms - - - - - - - -
E select [4 IN, 5 IN], 1500 ms - - - - 0 - - -
E socket UNIX, STREAM 6 u31 unix: - 6 - - -
E bind 6, unix:/tmp/a]>?b 6 u31 unix:/tmp/a]>?b - 0 - - -
E writev 4 4 u21 unix: unix: 3 - 3 "abc"
E listen 6, 3 6 u31 unix:/tmp/a]>?b - 0 - - -
E pipe2 O_CLOEXEC 7,8 p41,p41 - - 0 - - -'
}

@test "from-strace: a call that a signal interrupts fails, or goes on" {
    is "$(events_of <<'END'
5 1.00 pipe2([3<pipe:[9]>, 4<pipe:[9]>], 0) = 0 <0.00001>
5 1.01 rt_sigaction(SIGALRM, {sa_handler=0x55, sa_mask=[], sa_flags=SA_RESTORER, sa_restorer=0x7f}, NULL, 8) = 0 <0.00001>
5 1.02 read(3<pipe:[9]>, 0x7ffd, 1) = ? ERESTARTSYS (To be restarted if SA_RESTART is set) <0.02>
5 1.04 --- SIGALRM {si_signo=SIGALRM, si_code=SI_KERNEL} ---
5 1.05 write(4<pipe:[9]>, "a", 1) = 1 <0.00001>
5 1.06 rt_sigreturn({mask=[]}) = -1 EINTR (Interrupted system call) <0.00001>
5 1.07 read(3<pipe:[9]>, "a", 1) = 1 <0.00001>
5 1.08 read(3<pipe:[9]>, 0x7ffd, 1) = ? ERESTARTSYS (To be restarted if SA_RESTART is set) <0.01>
5 1.10 --- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED} ---
5 1.11 read(3<pipe:[9]>, "b", 1) = 1 <0.01>
5 1.20 poll([{fd=3<pipe:[9]>, events=POLLIN}], 1, 500) = ? ERESTART_RESTARTBLOCK (Interrupted by signal) <0.1>
5 1.30 --- SIGWINCH {si_signo=SIGWINCH, si_code=SI_KERNEL} ---
5 1.31 restart_syscall(<... resuming interrupted poll ...>) = 0 <0.40>
5 1.80 exit_group(0) = ?
END
    )" 'E pipe - 3,4 p9,p9 - - 0 - - -
B read 3 3 p9 - - - - - -
E signal SIGALRM - - - - 14 - - -
E write 4 4 p9 - - 1 - 1 "a"
E read 3 3 p9 - - -1 EINTR - -
E read 3 3 p9 - - 1 - 1 "a"
B read 3 3 p9 - - - - - -
E read 3 3 p9 - - 1 - 1 "b"
B poll [3 IN], 500 ms - - - - - - - -
E poll [3 IN], 500 ms - - - - 0 - - -
X exit - - - - - 0 - - -'
}

@test "from-strace: threads begin, wait for each other and end" {
    is "$(events_of <<'END'
5 1.00 clone3({flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD, child_tid=0x7fa0, exit_signal=0, stack=0x7f00, stack_size=0x3ff80} => {parent_tid=[6]}, 88) = 6 <0.0001>
5 1.01 futex(0x7fa0, FUTEX_WAIT_BITSET|FUTEX_CLOCK_REALTIME, 6, NULL, FUTEX_BITSET_MATCH_ANY <unfinished ...>
6 1.02 futex(0x55c0, FUTEX_WAIT_PRIVATE, 2, NULL) = 0 <0.0001>
6 1.03 futex(0x55c0, FUTEX_WAIT_PRIVATE, 2, NULL) = 0 <0.01>
6 1.05 futex(0x55c0, FUTEX_WAKE_PRIVATE, 1) = 1 <0.0001>
6 1.06 exit(0) = ?
5 1.07 <... futex resumed>) = 0 <0.06>
5 1.08 clone3({flags=CLONE_VM|CLONE_THREAD, child_tid=0x7fb0}, 88) = -1 EAGAIN (Resource temporarily unavailable) <0.0001>
END
    )" 'E pthread_create - - - - - 0 - - -
E thread - - - - - 5 - - -
B join - - - - - - - - -
B lock - - - - - - - - -
E lock - - - - - 0 - - -
E thread ends - - - - - 0 - - -
E join - - - - - 0 - - -
E pthread_create - - - - - 11 EAGAIN - -'
}

@test "from-strace: the sockets of getaddrinfo are left out" {
    is "$(events_of <<'END'
5 1.00 socket(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC|SOCK_NONBLOCK, 0) = 3<UNIX-STREAM:[1]> <0.00001>
5 1.01 connect(3<UNIX-STREAM:[1]>, {sa_family=AF_UNIX, sun_path="/var/run/nscd/socket"}, 110) = -1 ENOENT (No such file or directory) <0.00001>
5 1.02 close(3<UNIX-STREAM:[1]>) = 0 <0.00001>
5 1.03 socket(AF_NETLINK, SOCK_RAW|SOCK_CLOEXEC, NETLINK_ROUTE) = 3<NETLINK:[2]> <0.00001>
5 1.04 close(3<NETLINK:[2]>) = 0 <0.00001>
5 1.05 socket(AF_INET, SOCK_DGRAM|SOCK_CLOEXEC, IPPROTO_IP) = 3<UDP:[3]> <0.00001>
5 1.06 connect(3<UDP:[3]>, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("127.0.0.1")}, 16) = 0 <0.00001>
5 1.07 getsockname(3<UDP:[127.0.0.1:9->127.0.0.1:80]>, {sa_family=AF_INET, sin_port=htons(9), sin_addr=inet_addr("127.0.0.1")}, [28 => 16]) = 0 <0.00001>
5 1.08 close(3<UDP:[127.0.0.1:9->127.0.0.1:80]>) = 0 <0.00001>
5 1.09 socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 3<TCP:[4]> <0.00001>
END
    )" 'E socket INET, STREAM 3 s4 - - 3 - - -'
}

# strace 6.1 may say of a call that it took less than it did.
@test "from-strace: nothing comes before it was sent, no end before it was made" {
    events_of >/dev/null <<'END'
100 1.000000 connect(3<TCP:[8]>, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("127.0.0.1")}, 16) = 0 <0.000050>
200 0.990000 accept(3<TCP:[6]>, {sa_family=AF_INET, sin_port=htons(5000), sin_addr=inet_addr("127.0.0.1")}, [16]) = 4<TCP:[127.0.0.1:80->127.0.0.1:5000]> <0.009900>
200 1.000200 read(4<TCP:[127.0.0.1:80->127.0.0.1:5000]>, "hihi", 10) = 4 <0.000100>
100 1.000320 write(3<TCP:[127.0.0.1:5000->127.0.0.1:80]>, "hi", 2) = 2 <0.000010>
100 1.000400 write(3<TCP:[127.0.0.1:5000->127.0.0.1:80]>, "hi", 2) = 2 <0.000010>
200 1.000410 read(4<TCP:[127.0.0.1:80->127.0.0.1:5000]>, "", 10) = 0 <0.000020>
100 1.000500 shutdown(3<TCP:[127.0.0.1:5000->127.0.0.1:80]>, SHUT_WR) = 0 <0.000010>
END
    is "$(awk -F '\t' '$1 == "E" { print $6, $2 - 1000000000, $14 }' \
        "$BATS_TEST_TMPDIR/events")" 'accept 1 10000001
connect 50000 50000
write 330000 10000
read 400001 200001
write 410000 10000
read 500001 90001
shutdown 510000 10000'
}

@test "from-strace: several files are merged by their times" {
    canned | grep -v '^8' >"$BATS_TEST_TMPDIR/one"
    canned | grep '^8' >"$BATS_TEST_TMPDIR/two"
    canned | events_of >/dev/null
    is "$(tools/trace/from-strace "$BATS_TEST_TMPDIR/two" "$BATS_TEST_TMPDIR/one")" \
        "$(cat "$BATS_TEST_TMPDIR/events")"
}

# ---- What strace writes ------------------------------------------------------

@test "from-strace: 20, a pipeline" {
    strace_of 20
    shows 'pipe()' 'fork() = ' 'dup2(' 'waitpid(' "$(wc -c <LICENSE) B" 'EOF' 'exit(0)'
}

@test "from-strace: 21, the echo server and its client" {
    strace_of 21
    shows 'listen(3' 'accept(3) = 4' 'connection' 'connect(3' '11 B ──────▶' '◀────── 11 B' \
        'EOF' 'still waits: accept(3)'
}

@test "from-strace: 22, the chat" {
    strace_of 22
    shows 'recvfrom(3) = 12 "* bob joined"' 'send(3, "* bob joined")' \
        'sendto(3, "* ann joined")' 'recv(3) = 12'
}

@test "from-strace: 23 and 25, a page is got" {
    strace_of 23
    shows 'listen(3' 'connection' '41 B' '211 B' 'EOF' 'close(4)'
}

@test "from-strace: 24, a thread for each client" {
    strace_of 24
    shows 'pthread_create()' '[T1] thread starts' '[T2] thread starts' \
        '211 B' 'thread ends'
}

# ---- As the recorder saw it ----------------------------------------------------

@test "from-strace: 20, the recorder saw the same calls" {
    both_of 20
}

@test "from-strace: 21, the recorder saw the same calls" {
    both_of 21
}

@test "from-strace: 22, the recorder saw the same calls" {
    both_of 22
}

@test "from-strace: 23 and 25, the recorder saw the same calls" {
    both_of 23
}

@test "from-strace: 24, the recorder saw the same calls" {
    both_of 24
}

@test "from-strace: a static program, which cannot be recorded" {
    need_strace
    ${CC:-cc} -std=gnu11 -static -pthread -Ilib solutions/21-tcp-echo/server.c \
        lib/net.c -o "$BATS_TEST_TMPDIR/server" 2>/dev/null 3>&- 4>&- ||
        skip 'no static C library is here'
    begin strace
    BIN=$BATS_TEST_TMPDIR
    mkdir -p "$BIN/21-tcp-echo"
    mv "$BIN/server" "$BIN/21-tcp-echo/"
    cp build/solutions/21-tcp-echo/client "$BIN/21-tcp-echo/"
    scene_21
    events >"$dir/events"
    well_formed <"$dir/events"
    shows 'accept(3) = 4' 'connection' '11 B'
}
