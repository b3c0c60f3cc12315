# The checks that 23-http-server and 24-threaded-server share: 24 keeps all that
# 23 promises. Each function is one script for peer.

http_listens() {
    play <<'END'
    hint Make the socket with tcp_listen(address, port, &why). Once it listens, main says so, with the port that sock_port() tells.
    try nc -v 127.0.0.1 8080
    run server 0
    server ready
    a connects {server}
    hint Print a line for each connection, as soon as accept(2) has returned it. It goes to stderr and begins with: New client connected
    server says lines 1 "New client connected"
    a closes
    b connects {server}
    server says lines 2 "New client connected"
END
}

http_prints() {
    play <<'END'
    hint Read one line after the other with read_line(). The client has more to send, so do not end its connection, and do not answer yet.
    try put '| cat' behind the server, then: curl http://127.0.0.1:8080/page
    run server 0
    server ready
    a connects {server}
    a sends "GET /page HTTP/1.1\r\n"
    a gets nothing
    hint Print a line to stdout as soon as it is whole, with a newline in the place of its CR LF, then fflush(stdout): into a pipe, stdout keeps lines back until it has many.
    server prints "GET /page HTTP/1.1\n"
    a sends "Host: 127.0.0.1\r\nAccept: */*\r\n"
    server prints "Host: 127.0.0.1\nAccept: */*\n"
    hint Print every byte of the line but its CR LF, a NUL too: printf(3) with %s stops there, fwrite(3) does not.
    try printf 'GET / HTTP/1.1\r\nX: a\0b\r\n\r\n' | nc 127.0.0.1 8080
    a sends "X: a\0b %s %n \x01\x7f\x80\xff\tc\r\r\n"
    server prints "X: a\0b %s %n \x01\x7f\x80\xff\tc\r\n"
    hint Only CR LF or LF ends a line, a CR alone does not. Only a line without any byte is empty: one with a space or a NUL in it is not.
    try printf 'GET / HTTP/1.1\r\n \r\na\rb\r\n\r\n' | nc 127.0.0.1 8080
    a sends "\0\r\n \r\na\rb\r\n"
    server prints "\0\n \na\rb\n"
    hint Print the empty line that ends the request, too.
    a sends "\r\n"
    server prints "\n"
END
}

http_empty_line() {
    play <<'END'
    hint Answer only after the empty line: until then, the client has more to say.
    try printf 'GET / HTTP/1.1\r\n\r\n' | nc 127.0.0.1 8080
    run server 0
    server ready
    a connects {server}
    a sends "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    a gets nothing
    hint The empty line ends the request: stop reading there, answer and close. The client keeps its side open, for it waits for you.
    a sends "\r\n"
    a gets the rest
END
}

http_page() {
    play <<'END'
    hint Send the line HTTP/1.1 200 OK, the fields Content-Type: text/html, Content-Length: N and Connection: close, an empty line, the page, each line of the head with \r\n at its end. N is the number of bytes of the page.
    try curl -i http://127.0.0.1:8080/
    run server 0
    server ready
    a connects {server}
    a sends "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    a gets answer 200
    a closes
    hint Send the same whole answer whatever is asked for: any method, any path, any version.
    try curl -i -X BREW http://127.0.0.1:8080/no/such/page?x=1
    b connects {server}
    b sends "GET /no/such/page?q=%00#x HTTP/1.0\r\n\r\n"
    b gets answer 200
    b closes
    c connects {server}
    c sends "BREW /pot HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"
    c gets answer 200
    c closes
    hint Send the page to a HEAD request as well: the task wants the same answer for every method.
    try curl -i -X HEAD http://127.0.0.1:8080/
    d connects {server}
    d sends "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"
    d gets answer 200
    d closes
    hint A client that has closed its sending side still reads: answer it as any other.
    try printf 'GET / HTTP/1.1\r\n\r\n' | nc -N 127.0.0.1 8080
    server stops
    e connects {server}
    e sends "GET / HTTP/1.1\r\n\r\n"
    e ends
    server continues
    e gets answer 200
END
}

http_body() {
    play <<'END'
    hint close(2) with input unread resets the connection, and the answer is lost. First shutdown(2) with SHUT_WR, then read(2) and drop what comes until the client closes; then close(2).
    try (printf 'POST /\n\n'; head -c 9999999 /dev/zero) | nc 127.0.0.1 8080
    run server 0
    server ready
    a connects {server}
    a sends "POST /form HTTP/1.1\r\nContent-Length: 60000\r\n\r\n" "x\n"*15000
    settle
    a sends "\r\n\r\n" "x"*29996
    a gets answer 200
    a closes
    hint The request ends with its empty line: do not print the body.
    b connects {server}
    b sends "POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nabc\n"
    b gets answer 200
    b closes
    server prints "POST /form HTTP/1.1\nContent-Length: 60000\n\n"
    server prints "POST / HTTP/1.1\nContent-Length: 4\n\n"
    server prints nothing
END
}

http_leaves() {
    play <<'END'
    hint A write(2) to a client that has gone sends SIGPIPE, which ends the process. Ignore that signal at the start of main: on_signal(SIGPIPE, SIG_IGN, 0). The write then fails with EPIPE.
    run server 0
    server ready
    server stops
    a connects {server}
    a sends "GET / HTTP/1.1\r\n\r\n"
    a ends
    a resets
    server continues
    b connects {server}
    b sends "GET / HTTP/1.1\r\n\r\n"
    b gets answer 200
    b closes
    hint A read(2) or write(2) that fails ends that client's connection and nothing else. Do not call die() or exit(3) for it, and do not read on.
    server stops
    c1..2 starts-connecting {server}
    c1 sends "GET / HTTP/1.1\r\n\r\n"
    c1 resets
    c2 sends "GET / HT"
    c2 resets
    server continues
    settle
    c3..4 connects {server}
    c3 resets
    c4 closes
    settle
    c5..6 connects {server}
    c5 sends "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    c5 closes
    c6 sends "\0\0\r\0\xff" binary*4000
    c6 closes
    d connects {server}
    d sends "GET / HTTP/1.1\r\n\r\n"
    d gets answer 200
    server runs
END
}

http_pieces() {
    play <<'END'
    hint Wherever a request is cut, its parts may arrive apart: in the middle of a word, between CR and LF, between two lines. What read(2) gives is no line: gather bytes until there is one, as read_line() does.
    try (printf 'GET / HT'; read x; printf 'TP/1.0\n\n') | nc 127.0.0.1 8080, then Enter
    run server 0
    server ready
    a splits {server} 200 "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: pieces\r\nX: abc\r\n\r\n"
    hint However a request arrives, its lines are the same. It ends with its empty line: what comes behind it, be it a second request, is not printed.
    try printf 'GET /1 HTTP/1.0\n\nGET /2 HTTP/1.0\n\n' | nc 127.0.0.1 8080
    server prints "GET / HTTP/1.1\nHost: 127.0.0.1\nUser-Agent: pieces\nX: abc\n\n"*64
    hint A line may end in LF alone: take off the CR only where there is one.
    try printf 'GET / HTTP/1.1\n\n' | nc 127.0.0.1 8080
    b connects {server}
    b sends "GET /lf HTTP/1.1\nA: b\r\nC: d\n" | "\n"
    b gets answer 200
    b closes
    server prints "GET /lf HTTP/1.1\nA: b\nC: d\n\n"
    hint At the end of the input (0 from read(2) or read_line()), stop and close without an answer: half a request is none.
    try printf 'GET / HTTP/1.1\r\nHost: a\r\n' | nc -N 127.0.0.1 8080
    c connects {server}
    c sends "GET /cut HTTP/1.1\r\nHost: a\r\n"
    c ends
    c gets eof
    c closes
    server prints "GET /cut HTTP/1.1\nHost: a\n"
    d connects {server}
    d sends "GET /cut HTTP/1.1\r\nHost: a\r\nHalf: a l"
    d ends
    d gets eof
    d closes
    e connects {server}
    e ends
    e gets eof
    e closes
    server prints "GET /cut HTTP/1.1\nHost: a\n"
END
}

http_accept_fails() { # 23 or 24
    play <<END
    hint accept(2) may fail for a client that has given up while it queued (ECONNABORTED). That is no reason to end: take the next client.
    try make faults$1
    run server 0 with faults=accept:ECONNABORTED@1..2;accept4:ECONNABORTED@1..2
    server ready
    a connects {server}
    a sends "GET / HTTP/1.1\r\n\r\n"
    a gets answer 200
    a closes
    hint A signal that has a handler interrupts a call (EINTR): make it again. A signal without one, as these, is nothing to you.
    try pkill -WINCH -x server, before and while a client asks
    server rests
    server signal CHLD
    server signal WINCH
    settle
    b connects {server}
    b sends "GET / HT"
    settle
    server signal CHLD
    server signal WINCH
    settle
    b sends "TP/1.1\r\n\r\n"
    b gets answer 200
    b closes
    server runs
END
}

http_too_long() {
    play <<'END'
    hint A line of 8192 bytes and a request of 99 lines are fine: make the buffers wide enough, CR and LF come on top.
    try (printf 'GET /%08186d' 0; printf '\r\n\r\n') | nc 127.0.0.1 8080
    run server 0
    server ready
    a connects {server}
    a sends "GET /" "a"*8178 " HTTP/1.1\r\nX: " "b"*8189 "\r\n\r\n"
    a gets answer 200
    a closes
    b connects {server}
    b sends "GET / HTTP/1.1\r\n" "X: y\r\n"*98 "\r\n"
    b gets answer 200
    b closes
    hint Answer 431 to a line of more than 8192 bytes (its CR LF does not count), be it the first one or a later one. read_line() fails then, with EMSGSIZE in errno.
    try (printf 'GET /%08188d' 0; printf '\r\n\r\n') | nc 127.0.0.1 8080
    c connects {server}
    c sends "GET /" "a"*8179 " HTTP/1.1\r\n\r\n"
    c gets answer 431
    c closes
    d connects {server}
    d sends "GET / HTTP/1.1\r\nX: " "b"*8190 "\n\n"
    d gets answer 431
    d closes
    hint Answer 431 as soon as a line is too long: its end may never come.
    try printf 'GET /%020000d' 0 | nc 127.0.0.1 8080
    e connects {server}
    e sends "GET /" "a"*20000
    e gets answer 431
    e closes
    hint Answer 431 after 100 lines: the empty one may never come.
    f connects {server}
    f sends "GET / HTTP/1.1\r\n" "X: y\r\n"*100
    f gets answer 431
    f closes
    g connects {server}
    g sends "GET / HTTP/1.1\r\n" "X: y\r\n"*99 "\r\n"
    g gets answer 200|431
    g closes
    h connects {server}
    h sends "GET / HTTP/1.1\r\n\r\n"
    h gets answer 200
END
}

http_goes_on() { # [ARGS WITHIN]: more of the command line, for a sooner end
    play <<END
    hint What cannot be printed is no reason to end: stdout may be full, the clients still want their answers.
    run server 0 ${1-} with stdout=/dev/full
    server ready
    a connects {server}
    a sends "GET / HTTP/1.1\r\n\r\n"
    a gets answer 200
    b connects {server}
    b sends "GET / HTTP/1.1\r\n"
    a closes
    hint SIGTERM and SIGINT end a process by default: leave them so, or end within a second, also while clients are there.
    settle
    server signal TERM
    within ${2-1.5} server ends
    hint Set SO_REUSEADDR before bind(2), as tcp_listen() does: without it the port stays taken while old connections linger.
    run server {server} ${1-}
    server ready
    c connects {server}
    c sends "GET / HTTP/1.1\r\n\r\n"
    c gets answer 200
    c closes
    settle
    hint Where nobody reads stdout or stderr any more, printing sends SIGPIPE. Ignore that signal at the start of main, and go on.
    try put 2>&1 | head -n 1 behind the server, then ask it twice with curl
    server unread
    server unread stderr
    d connects {server}
    d sends "GET / HTTP/1.1\r\n\r\n"
    d gets answer 200
    d closes
    e connects {server}
    e sends "GET / HTTP/1.1\r\n\r\n"
    e gets answer 200
    e closes
    server rests
    hint SIGTERM and SIGINT end a process by default: leave them so, or end within a second.
    server signal INT
    within ${2-1.5} server ends
END
}

http_command_line() { # NUMBER [USAGE]
    play <<END
    hint For a wrong command line call usage(argv, "${2-server [PORT [ADDRESS]]}"). A port is digits only, 0 to 65535: is_port() tells.
    try make run$1 ARGS=http
    run server 0 127.0.0.1 --help
    server usage
    run server 65536
    server usage
    run server http
    server usage
    run server 80x
    server usage
    run server +80
    server usage
    try make run$1 ARGS=--help
    hint For --help alone, print the usage on stdout and exit with 0, as usage() of lib/net.h does.
    run server --help
    server prints "usage: "
    server exits 0
    try make run$1 & make run$1
    hint When bind(2) fails, print one line "server: what: why" on stderr and exit with 1, as die() does with the why of tcp_listen().
    L listens 0
    run server {L}
    server complains "in use" | "EADDRINUSE"
END
}

http_where() {
    play <<'END'
    need room
    need ipv6
    hint PORT is 8080 and ADDRESS is 127.0.0.1 where the command line does not say.
    run server
    server ready
    a connects 127.0.0.1 8080
    a sends "GET / HTTP/1.1\r\n\r\n"
    a gets answer 200
    b is-refused 10.0.0.1 8080
    c is-refused ::1 8080
    server signal TERM
    server ends
    hint Listen on the address that the command line gives, of either family: getaddrinfo(3) in tcp_listen() makes a socket's address of it.
    run server 0 ::1
    server ready
    e connects ::1 {server}
    e sends "GET / HTTP/1.1\r\n\r\n"
    e gets answer 200
    f is-refused 127.0.0.1 {server}
    run server 0 four.test
    server ready
    g connects 127.0.0.1 {server}
    run server 0 six.test
    server ready
    h connects ::1 {server}
    hint A name may have several addresses: try them until one can be had.
    L listens ::1 0
    run server {L} dual.test
    server ready
    i connects 127.0.0.1 {L}
    hint When a name is not found, say so in one line "server: what: why" on stderr and exit with 1. getaddrinfo(3) leaves errno alone: the reason is in the why of tcp_listen().
    run server 0 nowhere.test
    server complains "name" | "again" | "resol" | "known" | "found" | "host"
END
}

# A thousand clients, one after the other, of all kinds.
http_a_thousand() {
    cat <<'END'
    repeat 950
    a connects {server}
    a sends "GET / HTTP/1.1\r\n\r\n"
    a gets answer 200
    a closes
    end
    repeat 50
    b connects {server}
    b sends "GET / HT"
    b ends
    b gets eof
    b closes
    c connects {server}
    c sends "GET / HT"
    c resets
    d connects {server}
    d sends "GET /" "a"*8200
    d gets answer 431
    d closes
    end
    server idle
END
}

# ThreadSanitizer is a build of its own, made while the checks before run. What
# counts here are data races alone, the rest is judged above. It cannot run
# each right program (C11 threads end it), nor on each system: where it names
# no race and the script does not come to its end, it could not look.
http_no_race() { # NN-name, the script on stdin
    local story race status=0
    cd "$PROJECT" || return
    mkdir -p build/tsan
    "$SUPPORT/launch" lock "build/tsan/$1.lock" \
        make -s "${TSAN_BIN#"$PWD/"}/server" >/dev/null 2>&1 3>&- 4>&- </dev/null ||
        skip 'no ThreadSanitizer here: gcc has it in libtsan'
    story=$(BIN=$TSAN_BIN play) || status=$?
    race=$(grep -m 1 '^SUMMARY: ThreadSanitizer: data race' \
        "$LOGS/$BATS_TEST_NUMBER.log") || race=''
    if [ -n "$race" ]; then
        printf '   %s\n\nBy hand%s\n' "${race#SUMMARY: }" "${story#*By hand}"
        return 1
    fi
    [ "$status" = 0 ] || skip 'ThreadSanitizer cannot run this program'
}
