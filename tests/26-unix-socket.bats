# The checks of 26-unix-socket, in the order in which a student gets them
# right: first the server, then the client, at last what both have in common.
load support/check

# Who made a socket may connect to it, so all programs of a script are one
# user's.
export ONE_USER=yes

@test "The server listens at PATH and says so" {
    play <<'END'
    hint Fill a struct sockaddr_un: sun_family is AF_UNIX, sun_path the path with its '\0'. Then socket(2), bind(2) and listen(2); only then say where you listen.
    try make run26 ARGS=/tmp/echo, then: nc -U /tmp/echo
    run server s
    server ready s
    path s is a socket
    a connects unix:s
    a closes
    hint sun_path takes a path as it is, a whole or a relative one, up to its last byte but one, which is for the '\0'.
    run server "a"*{longest}
    server ready "a"*{longest}
    b connects unix:"a"*{longest}
END
}

@test "What a client sends comes back" {
    play <<'END'
    hint Read what has come, send back as many bytes as read(2) returned, and read on, as in 21. A client may wait for its answer before it sends more.
    try nc -U /tmp/echo, then type a line
    run server s
    server ready s
    a connects unix:s
    a sends "hello\n"
    a gets "hello\n"
    a sends "no newline"
    a gets "no newline"
    a sends "a\0b\0"
    a gets "a\0b\0"
    a sends binary*30000 "x"*100000 "\n"
    a gets binary*30000 "x"*100000 "\n"
    hint A client may be silent for long, and send much. Only its end is the end: read on until read(2) returns 0.
    # What one may try by hand; nothing of that runs here.
    try (sleep 9; head -c 9999999 /dev/zero) | nc -N -U /tmp/echo | wc -c
    a gets nothing 9.4
    a sends "0123456789abcdef\n"*70000
    within 30 a gets "0123456789abcdef\n"*70000
    hint When read(2) returns 0, the client has closed its sending side: all is sent back, so close(2) the connection.
    try printf 'to the end' | nc -N -U /tmp/echo
    a ends
    a gets eof
    hint The client reads late: write(2) waits until it does, or takes a part and returns how many bytes. Write the others, from there on.
    try head -c 9999999 /dev/zero | nc -N -U /tmp/echo | wc -c
    server stops
    b connects unix:s
    b sends "0123456789abcdef\n"*40000
    server continues
    server rests
    server stops
    server continues
    within 30 b gets "0123456789abcdef\n"*40000
    b ends
    b gets eof
    hint Only what the task says goes to stdout, and for the server that is nothing.
    server prints nothing
END
}

@test "What a client sends comes back in whatever pieces it arrives" {
    play <<'END'
    hint The bytes mean nothing to an echo server: however they are cut, send back at once what one read(2) has brought, no more and no less.
    try (printf 'a\r'; read x; printf '\nb\n') | nc -U /tmp/echo, then Enter
    run server s
    server ready s
    a splits unix:s echo "GET / HTTP/1.1\r\n\r\n.\n..\n\0\0a%s\n \r\r\xff\xf4\r\n"
    server prints nothing
END
}

@test "The socket is its owner's alone, from its first moment" {
    play <<'END'
    hint Call umask(2) with 0177 before bind(2): what bind makes has mode 0777 less these bits. Set the umask back after it.
    try make run26 ARGS=/tmp/echo, then: ls -l /tmp/echo
    run server s
    server ready s
    path s has mode 600
    hint chmod(2) after bind(2) is too late: whoever has connected before stays connected. umask(2) before bind makes the file as it shall be.
    try strace -e trace=umask,bind,chmod the server (Linux)
    path m is-a-maze
    repeat 4
    path t is-watched
    run server m/t
    server ready m/t
    path t was-private
    server signal KILL
    server ends
    remove t
    end
END
}

@test "The server says who connected" {
    play <<'END'
    hint When accept(2) has returned, ask the kernel: getsockopt(2) with SO_PEERCRED of the new descriptor gives the client's pid and uid. Say: New client connected: pid P, uid U
    try nc -U /tmp/echo & echo "pid $!, uid $(id -u)"
    run server s
    server ready s
    a connects unix:s as server
    server says "New client connected: pid {a.pid}, uid {a.uid}\n"
    a closes
    b connects unix:s as server
    server says "New client connected: pid {b.pid}, uid {b.uid}\n"
    b closes
    hint Each client has a line, with its own user, whoever that is.
    c connects unix:s
    server says ", uid {c.uid}\n"
    server says lines 3 "New client connected: pid "
END
}

@test "A socket that a dead server has left is replaced" {
    play <<'END'
    hint bind(2) fails with EADDRINUSE for a file that is there. If it is a socket, and connect(2) says ECONNREFUSED, its server is dead: unlink(2) it, then bind.
    try make run26 ARGS=/tmp/echo; kill -9 it; and once more
    run server s
    server ready s
    a connects unix:s
    a sends "a"
    a gets "a"
    server signal KILL
    server ends
    path s is a socket
    run server s
    server ready s
    b connects unix:s
    b sends "to the new one"
    b gets "to the new one"
    hint The new socket, too, is its owner's alone, from its first moment: umask(2) before bind(2).
    try strace -e trace=umask,bind,chmod the server (Linux), after kill -9
    path s has mode 600
    server signal KILL
    server ends
    path m is-a-maze
    repeat 3
    path s is-watched
    run server m/s
    server ready m/s
    path s was-private
    server signal KILL
    server ends
    end
END
}

@test "A living server is left alone" {
    play <<'END'
    hint Remove a socket only if connect(2) fails with ECONNREFUSED. Where a server lives, say so in one line "server: what: why" on stderr and exit with status 1.
    try start the server twice with one path
    run server s as first
    first ready s
    a connects unix:s
    a sends "a"
    a gets "a"
    run server s
    server complains
    first runs
    a sends "still there"
    a gets "still there"
    a closes
    b connects unix:s
    b sends "b"
    b gets "b"
    hint A server of somebody else lives, too: EACCES from connect(2), or anything else than ECONNREFUSED, is no reason to remove its socket. Exit with status 1.
    L listens unix:t
    run server t
    server complains
    c connects unix:t
    d accepts L
    D opens unix:datagrams
    run server datagrams
    server complains
    path datagrams is a socket
END
}

@test "A living server whose queue is full is left alone" {
    play <<'END'
    need linux
    hint Where as many clients wait as listen(2) has allowed, the next connect(2) waits, too: for ever, if that server is stopped. With O_NONBLOCK (fcntl(2)) it fails with EAGAIN at once. The server lives: leave its socket alone, exit with status 1.
    try start one, Ctrl-Z, many "nc -U" to it, then start another
    L listens unix:t queue=1
    a1..2 connects unix:t
    b is-refused unix:t
    run server t
    server complains
    path t is a socket
    c1..2 accepts L
    d connects unix:t
    e accepts L
END
}

@test "A file that is no socket is left alone" {
    play <<'END'
    hint A file that is no socket stays as it is, whatever connect(2) says: look with lstat(2) and S_ISSOCK. Say so in one line on stderr and exit with status 1.
    try make run26 ARGS=/tmp/notes, with your notes in that file
    file notes 666 "precious\n"
    run server notes
    server complains
    path notes holds "precious\n"
    run server .
    server complains
    hint A symbolic link is no socket, whatever it leads to: stat(2) follows it, lstat(2) tells what lies there itself.
    try ln -s STALE /tmp/link; make run26 ARGS=/tmp/link
    L listens unix:stale
    L closes
    link link stale
    run server link
    server idle 5
    path link is a link
END
}

@test "SIGINT and SIGTERM end the server, and its file goes with it" {
    play <<'END'
    hint Have a handler for SIGTERM and SIGINT, set by sigaction(2), that calls unlink(2) for the path and then _exit(2): both are on the list of signal-safety(7). A flag alone does not end accept(2).
    try make run26 ARGS=/tmp/echo, Ctrl-C, ls /tmp/echo
    run server s
    server ready s
    server signal TERM
    within 1.5 server ends
    path s is gone
    run server s
    server ready s
    server signal INT
    within 1.5 server ends
    path s is gone
    hint Also while the server serves a silent client: a handler that only sets a flag must see to it that read(2) ends, and that nobody waits in it anew. If each client has a process of its own, that one ends, too.
    try make run26, nc -U to it, then Ctrl-C the server
    run server s
    server ready s
    a connects unix:s
    a sends "then silent"
    a gets "then silent"
    server signal INT
    within 1.5 server ends
    within 1.5 a gets end
    path s is gone
    run server s
    server ready s
    server stops
    b connects unix:s
    server signal TERM
    server continues
    within 1.5 server ends
    path s is gone
    hint Also while the server waits in write(2) for a client that does not read.
    run server s
    server ready s
    c connects unix:s
    c sends "0123456789abcdef\n"*60000
    server rests
    server signal TERM
    within 1.5 server ends
    path s is gone
    hint Remove your own file only. Somebody may have removed it meanwhile, and started a server with its name: remember st_dev and st_ino of lstat(2) after bind(2), and compare before unlink(2).
    try start one, rm its socket, start another, kill the first
    run server s
    server ready s
    remove s
    L listens unix:s
    server signal TERM
    within 1.5 server ends
    path s is a socket
END
}

@test "The server goes on when accept fails, and when a signal comes" {
    play <<'END'
    hint accept(2) may fail for a client that has given up while it queued (ECONNABORTED). That is no reason to end: take the next client.
    try make faults26
    run server s with faults=accept:ECONNABORTED@1..2;accept4:ECONNABORTED@1..2
    server ready s
    a connects unix:s
    a sends "hello\n"
    a gets "hello\n"
    a closes
    hint A signal that has a handler interrupts a call (EINTR): make it again. A signal without one, as these, is nothing to you.
    try pkill -WINCH -x server, while nobody is connected, and while nc is
    server rests
    server signal CHLD
    server signal WINCH
    settle
    b connects unix:s
    b sends "one"
    b gets "one"
    settle
    server signal CHLD
    server signal WINCH
    settle
    b sends "two"
    b gets "two"
    b closes
    server runs
END
}

@test "Clients come and go, and nothing is left of them" {
    play <<'END'
    hint A write to a connection that the other side has closed raises SIGPIPE, which ends a process. Ignore it: then write(2) fails with EPIPE, and the next client gets its turn.
    run server s
    server ready s
    server stops
    a connects unix:s
    a sends "0123456789abcdef\n"*3600
    a closes
    server continues
    b connects unix:s
    b sends "after SIGPIPE"
    b gets "after SIGPIPE"
    hint One client after the other: while one has its turn, the others wait in the queue of listen(2). When it has gone, accept the next one.
    try three terminals, "nc -U /tmp/echo" in each
    c connects unix:s
    c sends "second\n"
    d connects unix:s
    d sends "third\n"
    d ends
    b sends "still the first\n"
    b gets "still the first\n"
    b closes
    c gets "second\n"
    c ends
    c gets eof
    d gets "third\n"
    d gets eof
    server says lines 4 "New client connected"
    hint Give back what a client used when it has gone, also after an error: close(2) its socket, free(3) its memory, wait for its process or thread.
    try ls -l /proc/$(pgrep -n -x server)/fd after some clients have gone
    repeat 10
        e connects unix:s
        e sends "e"
        e gets "e"
        e ends
        e gets eof
        f connects unix:s
        f sends "f"
        f closes
    end
    # Two clients more: room for what a server with helpers keeps for a while.
    h connects unix:s
    h sends "h"
    h gets "h"
    i connects unix:s
    settle
    server census
    h closes
    i closes
    repeat 60
        e connects unix:s
        e sends "e"
        e gets "e"
        e ends
        e gets eof
        f connects unix:s
        f sends "f"
        f closes
    end
    server as-before heap 16 virtual 48000
    hint A server that listens goes on, also when nobody reads its stderr any more: a line that cannot be printed is left out. Ignore SIGPIPE.
    server unread stderr
    g connects unix:s
    g sends "g"
    g gets "g"
END
}

@test "The client connects to a path" {
    play <<'END'
    hint Fill a struct sockaddr_un as in the server, then socket(2) and connect(2). Without a server, say why in one line on stderr: "client: what: why".
    try nc -lU /tmp/echo, then: make run26 PROG=client ARGS=/tmp/echo
    L listens unix:s
    run client s
    a accepts L
    client gets "hello\n"
    a gets "hello\n"
    a sends "hello\n"
    client prints "hello\n"
    hint sun_path takes a path up to its last byte but one, which is for the '\0'.
    M listens unix:"a"*{longest}
    run client "a"*{longest}
    b accepts M
END
}

@test "At the end of stdin the client closes its sending side" {
    play <<'END'
    hint At the end of stdin, shutdown(2) with SHUT_WR: the server learns that this was all. Do not close(2): the rest of the answer is still to come.
    try printf hello | build/exercises/26-unix-socket/client /tmp/echo
    L listens unix:s
    run client s
    a accepts L
    client gets "no newline"
    client gets end
    a gets "no newline"
    a gets eof
    a sends "no new"
    client prints "no new"
    hint The conversation is over when the server closes: read until read(2) returns 0, then exit with status 0.
    settle
    client runs
    a sends "line"
    client prints "line"
    a closes
    client exits 0
    hint No line at all is fine, too: close the sending side, wait for the server's end, exit with status 0.
    try build/exercises/26-unix-socket/client /tmp/echo </dev/null
    run client s with stdin=/dev/null
    b accepts L
    b gets eof
    b closes
    client exits 0
    hint Bytes are no string: send as many as read(2) returned, and print as many. A line may be longer than any buffer, and a NUL is a byte like others.
    try build/exercises/26-unix-socket/client /tmp/echo <FILE | cmp - FILE
    file data 644 "x"*100000 "\n" binary*30000
    run client s with stdin=data
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
    try nc -lU /tmp/echo, then type two lines into the client
    L listens unix:s
    run client s
    a accepts L
    client gets "one\n"
    a gets "one\n"
    client gets "two\n"
    a gets "two\n"
    hint Print what comes at once, also a part of a line, and also while nobody types. stdio keeps it back when stdout is a pipe: fflush(3), or write(2).
    try nc -lU /tmp/echo, then type into nc, while the client runs
    a sends "on"
    client prints "on"
    a sends "e\ntwo\n"
    client prints "e\ntwo\n"
    hint Wait for what comes, without a time limit: poll(2) with -1 sleeps until then. 0 asks again and again, and a number gives up when the server or the keyboard is silent for so long.
    try nc -lU /tmp/echo, connect the client, wait; top meanwhile
    within 2 client sleeps
    a gets nothing 9.4
    client runs
    hint Much is on its way: the server does not read, for it first wants to get rid of what it sends back. A client that waits until all is sent, in a blocking write(2), waits for ever: print meanwhile.
    try build/exercises/26-unix-socket/client /tmp/echo <FILE | cmp - FILE
    client gets "0123456789abcdef\n"*24000
    a sends "0123456789abcdef\n"*12000
    client prints "0123456789abcdef\n"*12000
    hint write(2) may take a part of the bytes only. It returns how many: write the others, from there on.
    # One line first: then no write that follows ends just where the pipe is full.
    client unheard
    a sends "0123456789abcdef\n"
    client rests
    a sends "0123456789abcdef\n"*11999
    client rests
    client stops
    client continues
    client heard
    client prints "0123456789abcdef\n"*12000
    client gets end
    within 30 a gets "0123456789abcdef\n"*24000
    a gets eof
    a closes
    client exits 0
END
}

@test "If the server closes early, the client says so at once" {
    play <<'END'
    hint The server has closed and stdin has not ended: say so in a line on stderr and exit with status 1, at once, also while nobody types.
    try nc -lU /tmp/echo, connect the client, then Ctrl-C in nc
    L listens unix:s
    run client s
    a accepts L
    a closes
    within 2.5 client exits 1
    client says "\n"
    run client s
    b accepts L
    client gets "hello\n"
    b gets "hello\n"
    b sends "hello\n"
    client prints "hello\n"
    b ends
    within 2.5 client exits 1
    client says "\n"
    hint stdin has ended, but the server closed before everything came back: count what you send and what comes, and compare.
    run client s
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
    hint A server that closes with something unread ends the connection with ECONNRESET for read(2) and write(2). That is early too: a line on stderr, exit status 1.
    run client s
    e accepts L
    client gets "hello\n"
    client gets end
    settle
    e closes
    within 2.5 client exits 1
    client says "\n"
    hint Ignore SIGPIPE: a write to a server that has gone raises it, and it ends the client without a word. Then write(2) fails with EPIPE.
    run client s
    f accepts L
    client stops
    client gets "0123456789abcdef\n"*3000
    f closes
    client continues
    within 2.5 client exits 1
    client says "\n"
    run client s
    g accepts L
    client gets "0123456789abcdef\n"*20000
    g gets "0123456789abcdef\n"
    client rests
    g closes
    within 2.5 client exits 1
    client says "\n"
END
}

@test "A path that is too long is no path" {
    play <<'END'
    hint A PATH that sun_path has no room for is a wrong command line: "usage: ..." on stderr, nothing on stdout, exit status 2. Never cut it: what is left is another file's name.
    try make run26 ARGS="$(printf '/tmp/%0200d' 0)"
    run server "a"*120
    server usage
    run server "/tmp/" "b"*4000
    server usage
    run server "../../../../../../../../../../../../../../../../../../../../../../../../../../../../../../../../../../../tmp/c/d/e/f/g"
    server usage
    run client "a"*120
    client usage
    hint An empty PATH is no file: on Linux bind(2) would take it for a name outside of the file system.
    try build/exercises/26-unix-socket/server ''; echo $?
    run server ''
    server exits non-zero
    run client ''
    client exits non-zero
END
}

@test "A wrong command line or a failure has its line and its exit status" {
    play <<'END'
    hint A wrong command line: "usage: ..." on stderr, nothing on stdout, exit status 2.
    try build/exercises/26-unix-socket/server; echo $?
    run server
    server usage
    run server s more
    server usage
    run client
    client usage
    run client s more
    client usage
    hint --help as the only argument is no path: the usage on stdout, exit status 0.
    try build/exercises/26-unix-socket/server --help; echo $?
    run server --help
    server prints "usage: "
    server exits 0
    run client --help
    client prints "usage: "
    client exits 0
    hint When a call fails at the start, say in one line "server: what: why" on stderr what failed and why, and exit with status 1. The why is strerror(3) of errno.
    try make run26 ARGS=/no/such/directory/echo
    run server no/directory/s
    server complains "no such" | "ENOENT" | "exist" | "not found"
    try make run26 PROG=client ARGS=/tmp/nobody
    run client nobody
    client complains "no such" | "ENOENT" | "exist" | "not found"
    L listens unix:s
    L closes
    run client s
    client complains "refused" | "ECONNREFUSED"
    hint Look at what write(2), or fflush(3), returns: where stdout takes nothing, say so in one line on stderr and exit with status 1.
    try build/exercises/26-unix-socket/client /tmp/echo >/dev/full
    M listens unix:t
    run client t with stdout=/dev/full
    d accepts M
    client gets "hello\n"
    client gets end
    d gets "hello\n"
    d gets eof
    d sends "hello\n"
    d closes
    client complains "space" | "full" | "ENOSPC"
END
}
