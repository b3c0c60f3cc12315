# The checks of 22-udp-chat, in the order in which a student gets them right:
# first the server, then the client, at last what both have in common.
load support/check

@test "A message that is too long is dropped, with a line on stderr" {
    play <<'END'
    hint Take each datagram with recvfrom(2), into a buffer with room for at least one byte more than the 1024 of a message: then its length tells the long ones. Print a line on stderr for each.
    try head -c 1025 /dev/zero | nc -u -w 1 127.0.0.1 8080
    run server 0
    server ready
    server says "{server}\n"
    a opens 0
    a to {server} sends "a"*1025
    server says "\n"
    hint One datagram is no reason to end: take the next one, in a loop without an end.
    a sends binary*9000
    server says "\n"
    b opens 0
    b to {server} sends "b"*1026
    server says "\n"
END
}

@test "What one says, every other one gets, unchanged" {
    play <<'END'
    hint Remember the sender of each datagram, and pass the datagram on to all others with sendto(2).
    try two terminals, "nc -u 127.0.0.1 8080" in each: type in both
    run server 0
    server ready
    a opens 0
    a to {server} sends "first"
    settle
    b opens 0
    b to {server} sends "hello"
    a gets "hello"
    hint Pass on as many bytes as recvfrom(2) returned. strlen(3) stops at a '\0', and "\n" is a byte like others.
    c opens 0
    c to {server} sends "one\0two\n"
    a gets "one\0two\n"
    b gets "one\0two\n"
    d opens 0
    d to {server} sends "\0"
    a gets "\0"
    b gets "\0"
    c gets "\0"
    hint A message has up to 1024 bytes, of all values, and arrives whole.
    try head -c 1024 /dev/urandom | nc -u -w 1 127.0.0.1 8080
    e opens 0
    e to {server} sends binary*1024
    a gets binary*1024
    b gets binary*1024
    c gets binary*1024
    d gets binary*1024
END
}

@test "Nobody gets back what he said himself" {
    play <<'END'
    hint Two senders are the same if family, address and port are: here they differ in the port only.
    try two terminals, "nc -u 127.0.0.1 8080" in each: type in both
    run server 0
    server ready
    a opens 0
    a to {server} sends "a says one"
    settle
    b opens 0
    b to {server} sends "b says one"
    a gets "b says one"
    hint The sender of a datagram gets no copy: find him among those you know. Who is known is not added again.
    b sends "b says two"
    a gets "b says two"
    a sends "a says two"
    b gets "a says two"
    b sends "b says three"
    a gets "b says three"
    c opens 0
    c to {server} sends "c says one"
    a gets "c says one"
    b gets "c says one"
    b sends "b says four"
    a gets "b says four"
    c gets "b says four"
    a sends "a says three"
    b gets "a says three"
    c gets "a says three"
END
}

@test "An empty datagram makes its sender forgotten" {
    play <<'END'
    hint recvfrom(2) returns 0 for an empty datagram. It is no end: take its sender out of those you know, and pass nothing on. Once he speaks again he is known again, from then on.
    try make run22 PROG=client ARGS='127.0.0.1 8080 me', then Ctrl-D
    run server 0
    server ready
    a opens 0
    a to {server} sends "a"
    settle
    b opens 0
    b to {server} sends "b"
    a gets "b"
    c opens 0
    c to {server} sends "c"
    a gets "c"
    b gets "c"
    d opens 0
    d to {server} sends "d"
    a gets "d"
    b gets "d"
    c gets "d"
    b sends ""
    settle
    c sends "without b"
    a gets "without b"
    d gets "without b"
    b sends "b is back"
    a gets "b is back"
    c gets "b is back"
    d gets "b is back"
    c sends "welcome"
    b gets "welcome"
    a gets "welcome"
    d gets "welcome"
    hint Forget the one who sent the empty datagram, and nobody else: also if he is the first or the last in your list.
    a sends ""
    settle
    d sends "without a"
    b gets "without a"
    c gets "without a"
    b sends ""
    settle
    c sends "without a and b"
    d gets "without a and b"
    d sends "me too"
    c gets "me too"
    hint An empty datagram from somebody unknown changes nothing: he is not known after it.
    e opens 0
    e to {server} sends ""
    settle
    c sends "who is here?"
    d gets "who is here?"
    e sends ""
    settle
    c sends "and now?"
    d gets "and now?"
    e sends ""
    settle
    d sends "still we two"
    c gets "still we two"
    e sends "e"
    c gets "e"
    d gets "e"
    d sends "hello e"
    e gets "hello e"
    c gets "hello e"
    hint When all have left, the server goes on with nobody.
    e sends ""
    d sends ""
    c sends ""
    settle
    c sends ""
    a sends "a"
    settle
    b sends "b is here"
    a gets "b is here"
END
}

@test "A message that is too long reaches nobody and makes nobody known" {
    play <<'END'
    hint More than 1024 bytes: drop all of it. The first 1024 bytes are no message.
    try head -c 1025 /dev/zero | nc -u -w 1 127.0.0.1 8080
    run server 0
    server ready
    server says "{server}\n"
    a opens 0
    a to {server} sends "a"
    settle
    b opens 0
    b to {server} sends "b"
    a gets "b"
    b sends "b"*1025
    server says "\n"
    a sends "b is still known"
    b gets "b is still known"
    b sends "yes"
    a gets "yes"
    hint Look at the length before you remember the sender: a message that is too long makes nobody known.
    c opens 0
    c to {server} sends "c"*1025
    server says "\n"
    a sends "one"
    b gets "one"
    c sends "c"*1024
    a gets "c"*1024
    b gets "c"*1024
    a sends "two"
    c gets "two"
END
}

@test "The server knows 64 senders at a time" {
    play <<'END'
    hint Keep up to 64 senders: all of them are heard, and hear the others.
    run server 0
    server ready
    server says "{server}\n"
    m10..73 opens 200{i}
    m10 to {server} sends "here"
    settle
    m11..73 to {server} sends "here"
    repeat 63
    m10 gets "here"
    end
    server idle
    m10..73 opens 200{i}
    m10 to {server} sends "to all"
    m11..73 gets "to all"
    m73 to {server} sends "to all"
    m10..72 gets "to all"
    hint While 64 are known, what another one sends is not passed on and makes him not known, with a line on stderr for each datagram of his.
    v opens 0
    v to {server} sends "the 65th"
    server says "\n"
    v sends "the 65th again"
    server says "\n"
    w opens 0
    w to {server} sends "the 66th"
    server says "\n"
    m11 to {server} sends "the 65th says nothing"
    m10 gets "the 65th says nothing"
    hint An empty datagram makes a place free: the next new sender has it. It is one place, not two.
    m20 to {server} sends ""
    settle
    v sends "now there is a place"
    m10 gets "now there is a place"
    m10 sends "welcome"
    v gets "welcome"
    w sends "and me?"
    server says "\n"
    m11 sends "no place"
    m10 gets "no place"
    v gets "no place"
    w sends ""
    settle
    m11 sends "all as before"
    m10 gets "all as before"
    v gets "all as before"
    m10 sends "yes"
    v gets "yes"
END
}

@test "Whatever clients do, the server goes on and nothing is left of them" {
    play <<'END'
    hint A client that has gone without a word must not stop the others: whatever sendto(2) or recvfrom(2) returns, go on with the next one.
    run server 0
    server ready
    a opens 0
    a to {server} sends "a"
    settle
    gone opens 0
    gone to {server} sends "gone"
    a gets "gone"
    b opens 0
    b to {server} sends "b"
    a gets "b"
    gone closes
    a sends "1"
    b gets "1"
    a sends "2"
    b gets "2"
    b sends "3"
    a gets "3"
    hint What you keep for a client (memory, a descriptor, a thread), give back when it leaves.
    repeat 100
    c opens 0
    c to {server} sends "in"
    a gets "in"
    c sends ""
    end
    server census
    repeat 600
    c opens 0
    c to {server} sends "in"
    a gets "in"
    c sends ""
    end
    server as-before heap 12
    hint The server prints nothing on stdout: what it has to say goes to stderr.
    server prints nothing
    hint When nobody reads its stderr any more, the server goes on: ignore SIGPIPE.
    server unread stderr
    d opens 0
    d to {server} sends "d"
    a gets "d"
    a sends "a"*1025
    settle
    a sends "that line is lost"
    d gets "that line is lost"
    hint SIGINT (Ctrl-C) and SIGTERM end the server within a second.
    server signal INT
    within 1.5 server ends
    run server 0
    server ready
    server signal TERM
    within 1.5 server ends
END
}

@test "A datagram that cannot be sent is no reason to end" {
    play <<'END'
    hint sendto(2) fails here, as it does when no way leads to a client (EHOSTUNREACH). That costs this one datagram: go on with the next client, and with the next message.
    try make faults22
    run server 0 with faults=sendto:EHOSTUNREACH@1;sendmsg:EHOSTUNREACH@1
    server ready
    server says "{server}\n"
    a opens 0
    a to {server} sends "a"
    settle
    b opens 0
    b to {server} sends "b"
    settle
    c opens 0
    c to {server} sends "c"
    settle
    d opens 0
    d to {server} sends "d"
    c gets "d"
    server runs
    hint A signal that has a handler interrupts a call (EINTR): make it again. A signal without one, as these, is nothing to you.
    try pkill -WINCH -x server
    settle
    server signal CHLD
    server signal WINCH
    settle
    c sends "c again"
    d gets "c again"
END
}

@test "The client says that NAME joined" {
    play <<'END'
    hint Make a UDP socket with HOST and PORT as its peer, and send one datagram at once, before anything is typed: "* NAME joined", without a newline.
    try nc -u -l 8080; then: make run22 PROG=client ARGS='127.0.0.1 8080 x'
    u opens 0
    run client 127.0.0.1 {u} ann
    u gets "* ann joined"
    hint NAME has up to 32 bytes; the message has them all.
    run client 127.0.0.1 {u} "J\xc3\xbcrgen: % *"
    u gets "* J\xc3\xbcrgen: % * joined"
    run client 127.0.0.1 {u} "n"*32
    u gets "* " "n"*32 " joined"
END
}

@test "The client sends each line as NAME: LINE, and at the end an empty datagram" {
    play <<'END'
    hint For each line of stdin send one datagram: NAME, a colon, a space, the line without its newline.
    try nc -u -l 8080; then: make run22 PROG=client ARGS='127.0.0.1 8080 x'
    u opens 0
    run client 127.0.0.1 {u} ann
    u gets "* ann joined"
    client gets "hello\n"
    u gets "ann: hello"
    hint One read(2) may bring several lines, or a part of one: a line ends at its newline and nowhere else.
    client gets "one\ntwo\n"
    u gets "ann: one"
    u gets "ann: two"
    client gets "hel"
    settle
    client gets "lo aga"
    settle
    client gets "in\nnext\n"
    u gets "ann: hello again"
    u gets "ann: next"
    hint The line stays as it is: an empty one, spaces, tabs, a percent sign, bytes above 127.
    client gets "\n"
    u gets "ann: "
    client gets "  \t100%s \xc3\xa9\xff  \n"
    u gets "ann:   \t100%s \xc3\xa9\xff  "
    hint At the end of stdin send what is left as the last line, then an empty datagram, and exit with 0.
    try printf 'one\ntwo' | make run22 PROG=client
    client gets "the last, without a newline"
    client gets end
    u gets "ann: the last, without a newline"
    u gets ""
    client exits 0
    client prints nothing
    file lines 644 "one\ntwo\n"
    run client 127.0.0.1 {u} ann with stdin=lines
    u gets "* ann joined"
    u gets "ann: one"
    u gets "ann: two"
    u gets ""
    client exits 0
    run client 127.0.0.1 {u} ann
    u gets "* ann joined"
    client gets end
    u gets ""
    client exits 0
END
}

@test "A message is printed at once, while the keyboard is idle" {
    play <<'END'
    hint Wait for stdin and the socket at the same time, with poll(2): a read(2) of stdin waits for the keyboard.
    u opens 0
    run client 127.0.0.1 {u} ann
    u gets "* ann joined"
    u sends "bob: hello"
    client prints "bob: hello\n"
    hint And the other way round: what is typed is sent while nobody else says anything.
    client gets "hello bob\n"
    u gets "ann: hello bob"
    hint Each datagram is one line: print its bytes as they are, then a newline, at once (stdio: fwrite(3) and fflush(3)).
    u sends "one"
    u sends "two"
    client prints "one\ntwo\n"
    client gets "half a li"
    settle
    u sends "bob: do not wait for me"
    client prints "bob: do not wait for me\n"
    client gets "ne\n"
    u gets "ann: half a line"
    u sends "bob: 100%s %n"
    client prints "bob: 100%s %n\n"
    u sends "b"*1024
    client prints "b"*1024 "\n"
    hint Sleep until something comes: poll(2) with a time limit of -1. With 0 it asks again and again, and burns the processor.
    try make run22 PROG=client ARGS='127.0.0.1 8080 x'; top meanwhile
    within 2 client sleeps
    hint A byte from 0 to 31, or 127, is shown as "?": a newline and a '\0' in the middle, too. All others stay as they are.
    try printf 'amy: \033[2Jhello' | nc -u -w 1 127.0.0.1 8080
    u sends "bob: one\nann: two\n"
    client prints "bob: one?ann: two?\n"
    u sends "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f"
    client prints "?"*32 "\n"
    u sends " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz\x7b|}~\x7f."
    client prints " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz\x7b|}~?.\n"
    u sends "\x80\x81\x82\x83\x84\x85\x86\x87\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f\x90\x91\x92\x93\x94\x95\x96\x97\x98\x99\x9a\x9b\x9c\x9d\x9e\x9f\xa0\xa1\xa2\xa3\xa4\xa5\xa6\xa7\xa8\xa9\xaa\xab\xac\xad\xae\xaf\xb0\xb1\xb2\xb3\xb4\xb5\xb6\xb7\xb8\xb9\xba\xbb\xbc\xbd\xbe\xbf"
    client prints "\x80\x81\x82\x83\x84\x85\x86\x87\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f\x90\x91\x92\x93\x94\x95\x96\x97\x98\x99\x9a\x9b\x9c\x9d\x9e\x9f\xa0\xa1\xa2\xa3\xa4\xa5\xa6\xa7\xa8\xa9\xaa\xab\xac\xad\xae\xaf\xb0\xb1\xb2\xb3\xb4\xb5\xb6\xb7\xb8\xb9\xba\xbb\xbc\xbd\xbe\xbf\n"
    u sends "\xc0\xc1\xc2\xc3\xc4\xc5\xc6\xc7\xc8\xc9\xca\xcb\xcc\xcd\xce\xcf\xd0\xd1\xd2\xd3\xd4\xd5\xd6\xd7\xd8\xd9\xda\xdb\xdc\xdd\xde\xdf\xe0\xe1\xe2\xe3\xe4\xe5\xe6\xe7\xe8\xe9\xea\xeb\xec\xed\xee\xef\xf0\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8\xf9\xfa\xfb\xfc\xfd\xfe\xff"
    client prints "\xc0\xc1\xc2\xc3\xc4\xc5\xc6\xc7\xc8\xc9\xca\xcb\xcc\xcd\xce\xcf\xd0\xd1\xd2\xd3\xd4\xd5\xd6\xd7\xd8\xd9\xda\xdb\xdc\xdd\xde\xdf\xe0\xe1\xe2\xe3\xe4\xe5\xe6\xe7\xe8\xe9\xea\xeb\xec\xed\xee\xef\xf0\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8\xf9\xfa\xfb\xfc\xfd\xfe\xff\n"
END
}

@test "A line that is too long is not sent, and the chat goes on" {
    play <<'END'
    hint A message has at most 1024 bytes, NAME, colon and space counted.
    u opens 0
    run client 127.0.0.1 {u} ann
    u gets "* ann joined"
    client gets "a"*1019 "\n"
    u gets "ann: " "a"*1019
    hint Drop the whole line if it is too long, with a line on stderr, and go on with the next one.
    try head -c 1020 /dev/zero | tr '\0' a | make run22 PROG=client
    client gets "b"*1020 "\n"
    client says "\n"
    client gets "short\n"
    u gets "ann: short"
    hint However long a line is, and in whatever pieces it comes: what is read after its first 1024 bytes is the same line.
    client gets "c"*1023 "\n" "d"*1024 "\n" "e"*2047 "\n" "f"*4096 "\n" "after\n"
    u gets "ann: after"
    client gets "g"*100000 "\n" "after that\n"
    u gets "ann: after that"
    client gets "h"*700
    settle
    client gets "h"*700
    settle
    client gets "h"*700
    settle
    client gets "\nnext\n"
    u gets "ann: next"
    hint The last line may lack its newline, and be too long nevertheless: then an empty datagram, and exit status 0.
    client gets "z"*3000
    client gets end
    u gets ""
    client exits 0
    hint A NAME of 32 bytes leaves 990 for the line.
    run client 127.0.0.1 {u} "n"*32
    u gets "* " "n"*32 " joined"
    client gets "i"*990 "\n"
    u gets "n"*32 ": " "i"*990
    client gets "j"*991 "\n"
    client says "\n"
    client gets "\n"
    u gets "n"*32 ": "
END
}

@test "IPv4 and IPv6, by name and by number, and the defaults of a server" {
    play <<'END'
    need room
    hint Without arguments the server's port is 8080 and its address 127.0.0.1.
    run server
    server ready
    server says "8080\n"
    hint A sender is an address and a port: these two have the same port.
    a opens 127.0.0.1 9001
    b opens 127.0.0.2 9001
    a to 8080 sends "a"
    settle
    b to 8080 sends "b"
    a gets "b"
    a sends "c"
    b gets "c"
    hint Bind to the ADDRESS alone, not to all addresses of the machine.
    c opens 0
    c to 127.0.0.2 8080 sends "to another address"
    settle
    b sends "d"
    a gets "d"
    hint The port is free again as soon as the server has ended.
    server signal KILL
    server ends
    run server
    server ready
    hint ADDRESS may be an IPv6 address: getaddrinfo(3) understands both, with AF_UNSPEC. Give it room: struct sockaddr_storage.
    try make run22 ARGS='8080 ::1'
    run server 0 ::1
    server ready
    a opens ::1 0
    a to ::1 {server} sends "a"
    settle
    b opens ::1 0
    b to ::1 {server} sends "b"
    a gets "b"
    b sends "b again"
    a gets "b again"
    a sends "a again"
    b gets "a again"
    b sends ""
    settle
    a sends "nobody hears this"
    b sends "c"
    a gets "c"
    hint Here, too, a sender is an address and a port: these two have the same port. Compare sin6_addr.
    p opens ::1 9002
    q opens fd00::1 9002
    p to ::1 {server} sends "p"
    a gets "p"
    q to ::1 {server} sends "q"
    a gets "q"
    p gets "q"
    p sends "p again"
    q gets "p again"
    a gets "p again"
    hint ADDRESS may be a name: getaddrinfo(3) finds its addresses.
    run server 0 six.test
    server ready
    a to ::1 {server} sends "a"
    settle
    b to ::1 {server} sends "b"
    a gets "b"
    run server 0 four.test
    server ready
    a opens 0
    a to {server} sends "a"
    settle
    b opens 0
    b to {server} sends "b"
    a gets "b"
    hint A name may have several addresses: if one of them cannot be bound, take the next one.
    t opens ::1 65535
    run server 65535 dual.test
    server ready
    a to 127.0.0.1 65535 sends "a"
    settle
    b to 127.0.0.1 65535 sends "b"
    a gets "b"
    hint HOST may be an IPv6 address or a name: getaddrinfo(3) finds its address, AF_UNSPEC takes both families.
    try make run22 PROG=client ARGS='::1 8080 ann'
    u opens ::1 0
    run client ::1 {u} ann
    u gets "* ann joined"
    u sends "hello"
    client prints "hello\n"
    run client six.test {u} ann
    u gets "* ann joined"
    u opens 0
    run client four.test {u} ann
    u gets "* ann joined"
    u sends "hello"
    client prints "hello\n"
    hint If stdout cannot be written, say why, and exit with 1: look at what write(2) or fflush(3) returns.
    try make run22 PROG=client >/dev/full
    run client 127.0.0.1 {u} ann with stdout=/dev/full
    u gets "* ann joined"
    u sends "hello"
    client idle 1
    client gets end
    client complains "space" | "ENOSPC" | "stdout" | "output" | "writ" | "print"
    hint A name that is not found: one line that says so, exit status 1. getaddrinfo(3) has texts of its own, gai_strerror(3).
    run server 0 no.such.name.test
    server complains "name" | "found" | "known" | "resol" | "address" | "host"
    run client no.such.name.test 9 ann
    client complains "name" | "found" | "known" | "resol" | "address" | "host"
END
}

@test "A wrong command line gives the usage, a failure one line on stderr" {
    play <<'END'
    hint A wrong command line: "usage: ..." on stderr, exit status 2. PORT is digits alone, 0 to 65535.
    run server http
    server usage
    run server 80x
    server usage
    run server -1
    server usage
    run server +80
    server usage
    run server 65536
    server usage
    run server ''
    server usage
    run server 4294975376
    server usage
    run server 0 127.0.0.1 more
    server usage
    hint --help as the only argument: the same usage on stdout, exit status 0.
    run server --help
    server prints "usage: "
    server exits 0
    run client --help
    client prints "usage: "
    client exits 0
    hint The client wants HOST, PORT and NAME, no less and no more.
    run client 127.0.0.1 8080
    client usage
    run client 127.0.0.1 8080 ann bob
    client usage
    run client 127.0.0.1 http ann
    client usage
    run client 127.0.0.1 65536 ann
    client usage
    run client 127.0.0.1 '' ann
    client usage
    hint NAME has 1 to 32 bytes, none of them 0 to 31 or 127.
    run client 127.0.0.1 8080 ''
    client usage
    run client 127.0.0.1 8080 "n"*33
    client usage
    run client 127.0.0.1 8080 "\xc3\xa9"*17
    client usage
    run client 127.0.0.1 8080 "an\nn"
    client usage
    run client 127.0.0.1 8080 "\x1f"
    client usage
    run client 127.0.0.1 8080 "ann\x7f"
    client usage
    hint A port that is taken: one line that says so, exit status 1. Look at what bind(2) returns, and pass on why it failed.
    taken opens 127.0.0.1 0
    run server {taken}
    server complains "in use" | "EADDRINUSE"
    hint An address that is not this machine's: one line that says why bind(2) failed, exit status 1.
    run server 0 192.0.2.1
    server complains "assign" | "avail"
END
}
