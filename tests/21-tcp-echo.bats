# The checks of 21-tcp-echo, in the order in which a student gets them right:
# first the server, then the client, at last what both have in common.
load support/check

@test "The server says on which port it listens" {
    play <<'END'
    hint Call socket(2), bind(2) and listen(2) for the address and port; only then say on which port. For port 0 the system picks one: getsockname(2) knows it.
    try nc -v 127.0.0.1 8080
    run server 0
    server ready
    a connects {server}
END
}

@test "The server says that a client connected" {
    play <<'END'
    hint As soon as accept(2) has returned a connection, print a line on stderr that begins with: New client connected
    try nc 127.0.0.1 8080
    run server 0
    server ready
    a connects {server}
    server says lines 1 "New client connected"
    a closes
    hint A client that leaves is no reason to end: close(2) its socket and accept the next one, in a loop without an end.
    try nc 127.0.0.1 8080, then Ctrl-C, then the same once more
    b connects {server}
    server says lines 2 "New client connected"
END
}

@test "What a client sends comes back" {
    play <<'END'
    hint Read what has come, send back as many bytes as read(2) returned, and read on. A client may wait for its answer before it sends more.
    try nc 127.0.0.1 8080, then type a line
    run server 0
    server ready
    a connects {server}
    a sends "hello\n"
    a gets "hello\n"
    a sends "and again\n"
    a gets "and again\n"
    hint Send back what has come at once: the server knows no lines, so it does not wait for a newline.
    try printf 'no newline' | nc 127.0.0.1 8080
    a sends "no newline"
    a gets "no newline"
    hint Bytes are no string: a NUL is one of them. Send back as many as read(2) returned, not strlen(3) of them.
    try head -c 100 /dev/zero | nc -N 127.0.0.1 8080 | wc -c
    a sends "a\0b\0"
    a gets "a\0b\0"
    a sends binary*30000 "x"*100000 "\n"
    a gets binary*30000 "x"*100000 "\n"
    hint A client may be silent for long. Only its end is the end: read on until read(2) returns 0.
    # What one may try by hand; nothing of that runs here.
    try (sleep 9; echo hello) | nc -N 127.0.0.1 8080
    a gets nothing 9.4
    hint When read(2) returns 0, the client has closed its sending side: all is sent back, so close(2) the connection.
    try printf 'to the end' | nc -N 127.0.0.1 8080
    a ends
    a gets eof
    b connects {server}
    b sends "to the end"
    b ends
    b gets "to the end"
    b gets eof
END
}

@test "What a client sends comes back in whatever pieces it arrives" {
    play <<'END'
    hint The bytes mean nothing to an echo server: however they are cut, send back at once what one read(2) has brought, no more and no less.
    try (printf 'a\r'; read x; printf '\nb\n') | nc 127.0.0.1 8080, then Enter
    run server 0
    server ready
    a splits {server} echo "GET / HTTP/1.1\r\n\r\n.\n..\n\0\0a%s\n \r\r\xff\xf4\r\n"
    server prints nothing
END
}

@test "A write that takes a part only loses nothing" {
    play <<'END'
    hint The client reads late, and write(2) took a part of the bytes only. It returns how many: write the others, from there on, in a loop.
    try head -c 9999999 /dev/zero | nc -N 127.0.0.1 8080 | wc -c
    run server 0
    server ready
    a connects {server} buffer=4096
    a sends "0123456789abcdef\n"*26000
    server rests
    server stops
    server continues
    within 30 a gets "0123456789abcdef\n"*26000
    a ends
    a gets eof
END
}

@test "A client that leaves before its answer does not end the server" {
    play <<'END'
    hint A write to a connection that the other side has closed raises SIGPIPE, which ends a process. Ignore it: then write(2) fails with EPIPE, and the next client gets its turn.
    try Ctrl-Z the server; yes | head -c 50000 | nc -w 1 127.0.0.1 8080; fg
    run server 0
    server ready
    server stops
    a connects {server}
    a sends "0123456789abcdef\n"*3600
    a closes
    server continues
    b connects {server}
    b sends "after SIGPIPE"
    b gets "after SIGPIPE"
    b ends
    b gets eof
    hint A read(2) or write(2) that fails ends that connection only: close its socket and accept the next client.
    try nc 127.0.0.1 8080, then Ctrl-C, then the same once more
    c connects {server}
    c sends "to be reset"
    c gets "to be reset"
    c resets
    server stops
    d connects {server}
    d sends "reset in the queue"
    d resets
    e connects {server}
    e resets
    server continues
    f connects {server}
    f closes
    g connects {server}
    g sends "the next one"
    g gets "the next one"
    g ends
    g gets eof
END
}

@test "The server goes on when accept fails, and when a signal comes" {
    play <<'END'
    hint accept(2) may fail for a client that has given up while it queued (ECONNABORTED). That is no reason to end: take the next client.
    try make faults21
    run server 0 with faults=accept:ECONNABORTED@1..2;accept4:ECONNABORTED@1..2
    server ready
    a connects {server}
    a sends "hello\n"
    a gets "hello\n"
    a closes
    hint A signal that has a handler interrupts a call (EINTR): make it again. A signal without one, as these, is nothing to you.
    try pkill -WINCH -x server, while nobody is connected, and while nc is
    server rests
    server signal CHLD
    server signal WINCH
    settle
    b connects {server}
    b sends "one"
    b gets "one"
    settle
    server signal CHLD
    server signal WINCH
    settle
    b sends "two"
    b gets "two"
    b closes
    hint While no descriptor is left (EMFILE), accept(2) fails again at once: go on, and wait a little before the next try.
    try (ulimit -n 4; make run21), then "nc 127.0.0.1 8080" in two terminals
    server limits files 4
    c1..2 connects {server}
    c1 closes
    c2 sends "hello\n"
    c2 ends
    server idle 0.05
    server runs
    server limits files back
    c2 gets the rest
    c2 closes
    d connects {server}
    d sends "hello\n"
    d gets "hello\n"
END
}

@test "Clients get their turn, and nothing is left of them" {
    play <<'END'
    hint One client after the other: while one has its turn, the others wait in the queue of listen(2). When it has gone, accept the next one.
    try three terminals, "nc 127.0.0.1 8080" in each
    run server 0
    server ready
    a connects {server}
    a sends "first\n"
    a gets "first\n"
    b connects {server}
    b sends "second\n"
    c connects {server}
    c sends "third\n"
    c ends
    a sends "still the first\n"
    a gets "still the first\n"
    a closes
    b gets "second\n"
    b ends
    b gets eof
    c gets "third\n"
    c gets eof
    server says lines 3 "New client connected"
    hint Give back what a client used when it has gone, also after an error: close(2) its socket, free(3) its memory, wait for its process or thread.
    try ls -l /proc/$(pgrep -n -x server)/fd after some clients have gone
    repeat 10
        d connects {server}
        d sends "d"
        d gets "d"
        d ends
        d gets eof
        e connects {server}
        e sends "e"
        e gets "e"
        e resets
    end
    # Two clients more: room for what a server with helpers keeps for a while.
    h connects {server}
    h sends "h"
    h gets "h"
    i connects {server}
    settle
    server census
    h closes
    i closes
    repeat 60
        d connects {server}
        d sends "d"
        d gets "d"
        d ends
        d gets eof
        e connects {server}
        e sends "e"
        e gets "e"
        e resets
    end
    server as-before heap 16 virtual 48000
END
}

@test "SIGINT and SIGTERM end the server, and its port is free at once" {
    play <<'END'
    hint SIGTERM ends the server within a second, also while it waits for a silent client. That is what a signal does by itself; a handler must see to it.
    try kill $(pgrep -n -x server)
    run server 0
    server ready
    a connects {server}
    a sends "then silent"
    a gets "then silent"
    server signal TERM
    within 1.5 server ends
    hint Only what the task says goes to stdout, and for the server that is nothing.
    server prints nothing
    hint An old connection lingers in TIME_WAIT. Set SO_REUSEADDR to 1 with setsockopt(2), after socket(2) and before bind(2).
    try make run21, Ctrl-C while nc is connected to it, make run21 again
    a closes
    run server {server}
    server ready
    b connects {server}
    server says "New client connected"
    hint SIGINT ends the server within a second, also while it waits for a silent client. That is what a signal does by itself; a handler must see to it.
    try make run21, then Ctrl-C
    server signal INT
    within 1.5 server ends
END
}

@test "The server listens on 127.0.0.1 unless told otherwise" {
    play <<'END'
    need room
    hint Without arguments, the port is 8080 and the address 127.0.0.1.
    try make run21, then: nc -v 127.0.0.1 8080
    run server
    server ready
    server says "8080\n"
    a connects 127.0.0.1 8080
    a sends "hello"
    a gets "hello"
    hint Bind to 127.0.0.1, so that nobody outside gets in. INADDR_ANY, or AI_PASSIVE without a host, is every address of the machine.
    try nc -v 127.0.0.2 8080, while make run21 runs
    b is-refused 127.0.0.2 8080
    c is-refused ::1 8080
    hint The second argument is the address: a name or a number, IPv4 or IPv6. getaddrinfo(3) takes them all.
    try make run21 ARGS='8080 ::1', then: nc -v ::1 8080
    run server 0 ::1
    server ready
    d connects ::1 {server}
    d sends "number"
    d gets "number"
    run server 0 six.test
    server ready
    e connects ::1 {server}
    e sends "name"
    e gets "name"
    hint A name may have several addresses. When one cannot be had, try the next one of getaddrinfo(3)'s list, with a new socket.
    try make run21 ARGS='8080 localhost', while "nc -l ::1 8080" runs
    L listens ::1 8081
    run server 8081 dual.test
    server ready
    f connects 127.0.0.1 8081
    f sends "the other one"
    f gets "the other one"
    hint A name that is not found leaves errno alone: gai_strerror(3) has the reason, for the line "server: what: why" on stderr.
    try make run21 ARGS='8080 nowhere.test'
    run server 0 nowhere.test
    server complains "known" | "found" | "find" | "resol" | "again" | "lookup" | "no address" | "no such"
END
}

@test "The client connects, by name or by number" {
    play <<'END'
    hint Try each address of getaddrinfo(3)'s list: make a socket for it and connect(2), until one works.
    try make run21 PROG=client ARGS='127.0.0.1 8080', while make run21 runs
    L listens 0
    run client 127.0.0.1 {L}
    a accepts L
    hint getaddrinfo(3) takes names too. localhost may have an address, such as ::1, where nobody listens: then try the next one.
    try make run21 PROG=client ARGS='localhost 8080', while make run21 runs
    run client localhost {L} as named
    b accepts L
    settle
    client runs
    named runs
END
}

@test "At the end of stdin the client closes its sending side" {
    play <<'END'
    hint Send each line as it is typed, and print what comes back.
    try make run21 and make run21 PROG=client ARGS='127.0.0.1 8080'
    L listens 0
    run client 127.0.0.1 {L}
    a accepts L
    client gets "hello\n"
    a gets "hello\n"
    hint At the end of stdin, shutdown(2) with SHUT_WR: the server learns that this was all. Do not close(2): the rest of the answer is still to come.
    try printf hello | build/exercises/21-tcp-echo/client localhost 8080
    client gets "no newline"
    client gets end
    a gets "no newline"
    a gets eof
    a sends "hel"
    client prints "hel"
    a sends "lo\nno newline"
    client prints "lo\nno newline"
    hint The conversation is over when the server closes: read until read(2) returns 0, then exit with status 0.
    settle
    client runs
    a closes
    client exits 0
    hint No line at all is fine, too: close the sending side, wait for the server's end, exit with status 0.
    try build/exercises/21-tcp-echo/client localhost 8080 </dev/null
    run client 127.0.0.1 {L} with stdin=/dev/null
    b accepts L
    b gets eof
    b closes
    client exits 0
    hint Bytes are no string: send as many as read(2) returned, and print as many. A line may be longer than any buffer, and a NUL is a byte like others.
    try build/exercises/21-tcp-echo/client localhost 8080 <FILE | cmp - FILE
    file data 644 "x"*100000 "\n" binary*30000
    run client 127.0.0.1 {L} with stdin=data
    c accepts L
    c gets "x"*100000 "\n" binary*30000
    c gets eof
    c sends "x"*100000 "\n" binary*30000
    c closes
    client prints "x"*100000 "\n" binary*30000
    client exits 0
END
}

@test "The client sends and prints at the same time" {
    play <<'END'
    hint Send a line at once, also while an earlier one is not back yet. poll(2) on stdin and the socket says where something has come; or use two threads, or two processes.
    try nc -l 127.0.0.1 8080, then type two lines into the client
    L listens 0 buffer=4096
    run client 127.0.0.1 {L}
    a accepts L
    client gets "one\n"
    a gets "one\n"
    client gets "two\n"
    a gets "two\n"
    hint Print what comes at once, also a part of a line, and also while nobody types. stdio keeps it back when stdout is a pipe: fflush(3), or write(2).
    try nc -l 127.0.0.1 8080, then type into nc, while the client runs
    a sends "on"
    client prints "on"
    a sends "e\n"
    client prints "e\n"
    a sends "two\n"
    client prints "two\n"
    hint Wait for what comes, without a time limit: poll(2) with -1 sleeps until then. 0 asks again and again, and a number gives up when the server or the keyboard is silent for so long.
    try nc -l 127.0.0.1 8080, connect the client, wait; top meanwhile
    within 2 client sleeps
    a gets nothing 9.4
    client runs
    hint Much is on its way: the server does not read, for it first wants to get rid of what it sends back. A client that waits until all is sent, in a blocking write(2), waits for ever: print meanwhile.
    try build/exercises/21-tcp-echo/client localhost 8080 <FILE | cmp - FILE
    client gets "0123456789abcdef\n"*12000
    # A write that ends just where the pipe is full is not cut: so it is tried twice,
    # with a line before, as a full buffer would be such a write.
    repeat 2
    client unheard
    a sends "0123456789abcdef\n"
    client rests
    a sends "0123456789abcdef\n"*4999
    client rests
    client stops
    client continues
    client heard
    client prints "0123456789abcdef\n"*5000
    end
    hint write(2) may take a part of the bytes only. It returns how many: write the others, from there on.
    client gets end
    within 30 a gets "0123456789abcdef\n"*12000
    a gets eof
    a sends "0123456789abcdef\n"*2000
    a closes
    client prints "0123456789abcdef\n"*2000
    client exits 0
END
}

@test "If the server closes early, the client says so at once" {
    play <<'END'
    hint The server has closed and stdin has not ended: say so in a line on stderr and exit with status 1, at once, also while nobody types.
    try nc -l 127.0.0.1 8080, connect the client, then Ctrl-C in nc
    L listens 0
    run client 127.0.0.1 {L}
    a accepts L
    a closes
    within 2.5 client exits 1
    client says "\n"
    run client 127.0.0.1 {L}
    b accepts L
    client gets "hello\n"
    b gets "hello\n"
    b sends "hello\n"
    client prints "hello\n"
    b ends
    within 2.5 client exits 1
    client says "\n"
    hint stdin has ended, but the server closed before everything came back: count what you send and what comes, and compare.
    try nc -l 127.0.0.1 8080, Ctrl-D in the client, Ctrl-C in nc
    run client 127.0.0.1 {L}
    c accepts L
    client gets "hello\n"
    client gets end
    c gets "hello\n"
    c gets eof
    c sends "hell"
    client prints "hell"
    c closes
    within 2.5 client exits 1
    client says "\n"
    hint A connection may also end with a reset: read(2) and write(2) then fail with ECONNRESET. That is early too: a line on stderr, exit status 1.
    try nc -l 127.0.0.1 8080, Ctrl-Z; type into the client; kill -9 %1
    run client 127.0.0.1 {L}
    d accepts L
    d resets
    within 2.5 client exits 1
    client says "\n"
    run client 127.0.0.1 {L}
    e accepts L
    client gets "hello\n"
    client gets end
    e gets "hello\n"
    e gets eof
    e resets
    within 2.5 client exits 1
    client says "\n"
    hint Ignore SIGPIPE: a write to a server that has gone raises it, and it ends the client without a word. Then write(2) fails with EPIPE.
    try nc -l 127.0.0.1 8080, Ctrl-C in nc while FILE goes to the client
    run client 127.0.0.1 {L}
    f accepts L
    client stops
    client gets "0123456789abcdef\n"*9000
    f closes
    client continues
    within 2.5 client exits 1
    client says "\n"
    run client 127.0.0.1 {L}
    g accepts L
    client gets "0123456789abcdef\n"*20000
    g gets "0123456789abcdef\n"
    g closes
    within 2.5 client exits 1
    client says "\n"
END
}

@test "The client tries every address of a name" {
    play <<'END'
    need room
    hint IPv4 and IPv6, by number or by name: leave it to getaddrinfo(3) with AF_UNSPEC, and make the socket with the ai_family of each address.
    try nc -l ::1 8080, then: make run21 PROG=client ARGS='::1 8080'
    S listens ::1 0
    run client ::1 {S}
    a accepts S
    run client six.test {S}
    b accepts S
    hint A name may have several addresses. When one refuses, close its socket, make a new one and try the next address.
    try make run21 PROG=client ARGS='localhost 8080', while make run21 runs
    F listens 127.0.0.1 0
    run client dual.test {F}
    c accepts F
    client gets "hello\n"
    c gets "hello\n"
    c sends "hello\n"
    client prints "hello\n"
    client gets end
    c gets eof
    c closes
    client exits 0
    hint When none answers, say so in one line "client: what: why" on stderr, with the reason of the last one: close(2) may change errno, so keep it.
    try make run21 PROG=client ARGS='localhost 1'
    run client dual.test 1
    client complains "refused" | "ECONNREFUSED"
    hint A name that is not found leaves errno alone: gai_strerror(3) has the reason.
    try make run21 PROG=client ARGS='nowhere.test 8080'
    run client nowhere.test 8080
    client complains "known" | "found" | "find" | "resol" | "again" | "lookup" | "no address" | "no such"
    hint Look at what write(2), or fflush(3), returns: where stdout takes nothing, say so in one line on stderr and exit with status 1.
    try build/exercises/21-tcp-echo/client localhost 8080 >/dev/full
    run client 127.0.0.1 {F} with stdout=/dev/full
    d accepts F
    client gets "hello\n"
    client gets end
    d gets "hello\n"
    d gets eof
    d sends "hello\n"
    d closes
    client complains "space" | "full" | "ENOSPC"
END
}

@test "The client tries the next address whatever is wrong with the first" {
    play <<'END'
    need room
    hint An address may fail for any reason, here because nothing answers there (ETIMEDOUT), or no way leads there (ENETUNREACH): try the next one, not only after ECONNREFUSED.
    try make faults21
    L listens 127.0.0.1 0
    run client dual.test {L} with faults=connect:ETIMEDOUT@1
    a accepts L
    client gets "hello\n"
    a gets "hello\n"
    run client dual.test {L} with faults=socket:EAFNOSUPPORT@1
    b accepts L
    hint When none can be had, say so in one line on stderr, with the reason of the last one, and exit with status 1.
    run client dual.test {L} with faults=connect:ENETUNREACH
    client complains "unreachable" | "ENETUNREACH"
END
}

@test "A wrong command line or a failure has its line and its exit status" {
    play <<'END'
    hint A wrong command line: "usage: ..." on stderr, nothing on stdout, exit status 2. A port is digits only, 0 to 65535; atoi(3) takes more than that.
    try build/exercises/21-tcp-echo/server 80x; echo $?
    run server 80x
    server usage
    run server 65536
    server usage
    run server +80
    server usage
    run server http
    server usage
    run server ''
    server usage
    run server 4294975376
    server usage
    run server 8080 127.0.0.1 more
    server usage
    try build/exercises/21-tcp-echo/client 127.0.0.1; echo $?
    run client
    client usage
    run client 127.0.0.1
    client usage
    run client 127.0.0.1 4294967376
    client usage
    run client 127.0.0.1 -1
    client usage
    run client 127.0.0.1 ''
    client usage
    run client 127.0.0.1 80 more
    client usage
    hint --help as the only argument is no mistake: the usage on stdout, exit status 0.
    try build/exercises/21-tcp-echo/server --help; echo $?
    run server --help
    server prints "usage: "
    server exits 0
    run client --help
    client prints "usage: "
    client exits 0
    hint When a call fails at the start, say in one line "server: what: why" on stderr what failed and why, and exit with status 1. The why is strerror(3) of errno, before close(2) changes it.
    try run the server twice, both on port 8080
    L listens 0
    run server {L}
    server complains "in use" | "EADDRINUSE"
    try make run21 ARGS='8080 203.0.113.1'
    run server 0 203.0.113.1
    server complains "assign" | "EADDRNOTAVAIL" | "available"
    try make run21 PROG=client ARGS='127.0.0.1 1'
    run client 127.0.0.1 1
    client complains "refused" | "ECONNREFUSED"
    hint A server that listens goes on, also when nobody reads its stderr any more: a line that cannot be printed is left out. Ignore SIGPIPE.
    try make run21 2>&1 | head -n 1, then: nc 127.0.0.1 8080
    run server 0
    server ready
    server unread stderr
    a connects {server}
    a sends "hello"
    a gets "hello"
END
}
