# The checks of 25-http-get, in the order in which a student gets them right.
load support/check

@test "connects to the server" {
    play <<'END'
    hint Connect to SERVER and PORT of the command line: tcp_connect() of lib/net.h tries each address of the name.
    try nc -l 8080 & make run25 ARGS='127.0.0.1 /x 8080'
    s listens 0
    run http-get 127.0.0.1 /x {s}
    a accepts s
END
}

@test "sends GET PATH HTTP/1.0 with a Host" {
    play <<'END'
    hint Send the line "GET PATH HTTP/1.0", a field such as "Host: 127.0.0.1:8080", and an empty line. Each line ends in CR LF ("\r\n").
    try nc -l 8080 & make run25 ARGS='127.0.0.1 /x 8080'
    s listens 0
    run http-get 127.0.0.1 /x {s}
    a accepts s
    a gets request "GET /x HTTP/1.0"
    hint The empty line is the end of the request, nothing follows it. Send as many bytes as the text has, not as many as its array.
    a ends
    http-get ends
    a gets end
    hint PATH goes into the request as it is: a % in it is no format of printf(3). It may be long: nothing is cut off.
    try nc -l 8080 & make run25 ARGS="127.0.0.1 '/%s%20b?c' 8080"
    run http-get 127.0.0.1 "/%s%20b?c&d:%n#e~\xc3\xa4"*250 {s}
    a accepts s
    a gets request "GET " "/%s%20b?c&d:%n#e~\xc3\xa4"*250 " HTTP/1.0"
END
}

@test "sends a long request whole, also where write takes a part only" {
    play <<'END'
    hint write(2) may take fewer bytes than it is given. It returns how many: go on with the rest until all is written, as writen() of lib/net.h does.
    try nc -l 8080; make run25 ARGS="127.0.0.1 /$(printf %0120000d) 8080"
    s listens 0 buffer=4096
    run http-get 127.0.0.1 "/0123456789ab"*10000 {s}
    a accepts s
    http-get rests
    http-get stops
    http-get continues
    a gets request "GET " "/0123456789ab"*10000 " HTTP/1.0"
    a sends "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello"
    http-get exits 0
    http-get prints "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello"
END
}

@test "prints the answer as it comes" {
    play <<'END'
    hint After the request, call read(2) in a loop: it waits until a part of the answer comes, and returns 0 when the server has closed.
    try nc -l 8080, then make run25 elsewhere, and type where nc runs
    s listens 0
    run http-get 127.0.0.1 / {s}
    a accepts s
    a gets request "GET / HTTP/1.0"
    http-get idle
    http-get runs
    hint A server may think for long: wait for it without a time limit.
    http-get idle 9.4
    http-get runs
    hint Write what read(2) has brought to stdout (descriptor 1) before you read again, the head too. With printf(3) or fwrite(3), call fflush(stdout) after each part.
    a sends "HTTP/1.0 200 OK\r\n"
    http-get prints "HTTP/1.0 200 OK\r\n"
    a sends "Server: test\r\n\r\n"
    http-get prints "Server: test\r\n\r\n"
    hint Do not wait until a buffer is full, or for the end of a line: read(2) returns what there is, write that.
    a sends "one"
    http-get prints "one"
    a sends ", two\nthree"
    http-get prints ", two\nthree"
    a closes
    http-get ends
    http-get prints nothing
END
}

@test "prints the answer byte for byte" {
    play <<'END'
    hint Write the n bytes that read(2) has brought, with write(2) or fwrite(3). A NUL in them ends a string, but not a page; a % is no format.
    try printf 'HTTP/1.0 200 OK\n\na\0b' | nc -lN 8080 & make run25 | od -c
    s listens 0
    run http-get 127.0.0.1 / {s}
    a accepts s
    a gets request "GET / HTTP/1.0"
    a sends "HTTP/1.0 200 OK\r\nx:  Y\t\r\n\r\na\0b%s%n\r\n\n\xff\x80"
    http-get prints "HTTP/1.0 200 OK\r\nx:  Y\t\r\n\r\na\0b%s%n\r\n\n\xff\x80"
    a sends "\0\0c\0" | "\0"
    http-get prints "\0\0c\0\0"
    hint A page may be large: print it part by part, no array holds all of it.
    try seq 200000 | nc -lN 8080 & make run25 | tail -n 1
    a sends binary*1000000
    within 30 http-get prints binary*1000000
    hint write(2) may take fewer bytes than it is given. It returns how many: go on with the rest, or let writen() of lib/net.h do it.
    http-get unheard
    a sends "-"
    settle
    a sends "0123456789"*20000
    a closes
    http-get idle
    http-get stops
    http-get continues
    http-get heard
    http-get prints "-" "0123456789"*20000
    http-get ends
    http-get prints nothing
END
}

@test "takes a page without Content-Length until the server closes" {
    play <<'END'
    hint Without a Content-Length the page ends where the server closes: read(2) returns 0. Once the head's empty line has come, that is right: exit status 0, also for a 404.
    try printf 'HTTP/1.0 404 No\n\nhi' | nc -lN 8080 & make run25
    s listens 0
    run http-get 127.0.0.1 / {s}
    a accepts s
    a gets request "GET / HTTP/1.0"
    a sends "HTTP/1.0 404 Not Found\r\nServer: test\r\n\r\nhello"
    http-get prints "HTTP/1.0 404 Not Found\r\nServer: test\r\n\r\nhello"
    a sends "\r\n\r\n, you"
    http-get prints "\r\n\r\n, you"
    a closes
    http-get exits 0
    hint A page may be empty.
    try printf 'HTTP/1.0 200 OK\n\n' | nc -lN 8080 & make run25
    run http-get 127.0.0.1 / {s}
    a accepts s
    a gets request "GET / HTTP/1.0"
    a sends "HTTP/1.0 200 OK\r\n\r\n"
    a closes
    http-get exits 0
    http-get prints "HTTP/1.0 200 OK\r\n\r\n"
END
}

@test "ends after Content-Length bytes" {
    play <<'END'
    hint Content-Length says how many bytes follow the head's empty line. Count them, and end when they are there: the server may keep the connection open.
    try printf 'HTTP/1.0 200\nContent-Length: 2\n\nhi' | nc -l 8080 & make run25
    s listens 0
    run http-get 127.0.0.1 / {s}
    a accepts s
    a gets request "GET / HTTP/1.0"
    a sends "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello"
    http-get exits 0
    http-get prints "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello"
    http-get prints nothing
    a gets end
    hint Head and body come in any pieces. Count the bytes behind the empty line, all of them and no others.
    try nc -l 8080, then make run25 elsewhere, and type where nc runs
    run http-get 127.0.0.1 / {s}
    a accepts s
    a gets request "GET / HTTP/1.0"
    a sends "HTTP/1.1 500 Oh\r\nContent-Length: 200012\r\nServer: test\r\n\r\nhe"
    http-get prints "HTTP/1.1 500 Oh\r\nContent-Length: 200012\r\nServer: test\r\n\r\nhe"
    a sends "llo" | "\r\n\r\n" binary*200000
    http-get prints "llo\r\n\r\n" binary*200000
    a sends "\0m"
    http-get prints "\0m"
    a sends "e"
    http-get prints "e"
    http-get exits 0
    hint A server may send more than it has announced: Content-Length bytes are enough. Do not wait for exactly that many.
    try printf 'HTTP/1.0 200\nContent-Length: 1\n\nhi' | nc -l 8080 & make run25
    run http-get 127.0.0.1 / {s}
    a accepts s
    a gets request "GET / HTTP/1.0"
    a sends "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhel" | "lo and more"
    http-get exits 0
    http-get prints "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello"
    hint Content-Length: 0 is a length too. The empty line ends such an answer.
    try printf 'HTTP/1.0 200\nContent-Length: 0\n\n' | nc -l 8080 & make run25
    run http-get 127.0.0.1 / {s}
    a accepts s
    a gets request "GET / HTTP/1.0"
    a sends "HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\n\r\n"
    http-get exits 0
    http-get prints "HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\n\r\n"
END
}

@test "tells an answer that is cut short" {
    play <<'END'
    hint When the server closes before Content-Length bytes have come, say so on stderr and end with status 1. What came has been printed.
    try printf 'HTTP/1.0 200\nContent-Length: 9\n\nhi' | nc -lN 8080 & make run25
    s listens 0
    run http-get 127.0.0.1 / {s}
    a accepts s
    a gets request "GET / HTTP/1.0"
    a sends "HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\nhello"
    a closes
    http-get exits 1
    http-get says "\n"
    http-get prints "HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\nhello"
    http-get prints nothing
    hint A length may be larger than an int holds, here 4 GiB and 5 bytes. Take strtoumax(3) or strtoull(3), and a 64-bit variable.
    try printf 'a\nContent-Length: 4294967301\n\nhi' | nc -lN 8080 & make run25
    run http-get 127.0.0.1 / {s}
    a accepts s
    a gets request "GET / HTTP/1.0"
    a sends "HTTP/1.0 200 OK\r\nContent-Length: 4294967301\r\n\r\nhello"
    http-get prints "HTTP/1.0 200 OK\r\nContent-Length: 4294967301\r\n\r\nhello"
    a closes
    http-get exits 1
    http-get says "\n"
    hint When the server closes inside the head, before the empty line, the answer is not whole: a line on stderr, status 1, and what came is printed.
    try printf 'HTTP/1.0 200 OK\nSer' | nc -lN 8080 & make run25
    run http-get 127.0.0.1 / {s}
    a accepts s
    a gets request "GET / HTTP/1.0"
    a sends "HTTP/1.0 200 OK\r\nContent-Length: 0\r\nSer"
    a closes
    http-get exits 1
    http-get says "\n"
    http-get prints "HTTP/1.0 200 OK\r\nContent-Length: 0\r\nSer"
    hint A server that closes without a word has not answered: a line on stderr, status 1.
    try nc -lN 8080 </dev/null & make run25
    run http-get 127.0.0.1 / {s}
    a accepts s
    a gets request "GET / HTTP/1.0"
    a closes
    http-get exits 1
    http-get says "\n"
    http-get prints nothing
    hint Where the server resets the connection, read(2) returns -1 (ECONNRESET). That is no end of a page: a line on stderr, status 1.
    try a server of your own: SO_LINGER with 0 seconds, then close(2)
    run http-get 127.0.0.1 / {s}
    a accepts s
    a gets request "GET / HTTP/1.0"
    a sends "HTTP/1.0 200 OK\r\n\r\nhello"
    http-get prints "HTTP/1.0 200 OK\r\n\r\nhello"
    a resets
    http-get exits 1
    http-get says "\n"
END
}

@test "finds Content-Length however the head is written" {
    play <<'END'
    hint The head comes in any pieces, a line in two parts, CR apart from LF. Keep what you have of a line until the rest is there.
    try nc -l 8080, then make run25 elsewhere, and type where nc runs
    s listens 0
    run http-get 127.0.0.1 / {s}
    a accepts s
    a gets request "GET / HTTP/1.0"
    a sends slowly "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"
    http-get exits 0
    http-get prints "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"
    hint A line of the head ends in CR LF or in a bare LF. Both are to be understood, also for the empty line.
    try printf 'HTTP/1.0 200\nContent-Length: 2\n\nhi' | nc -l 8080 & make run25
    run http-get 127.0.0.1 / {s}
    a accepts s
    a gets request "GET / HTTP/1.0"
    a sends "HTTP/1.0 200 OK\nContent-Length: 2\n\nok"
    http-get exits 0
    http-get prints "HTTP/1.0 200 OK\nContent-Length: 2\n\nok"
    hint The name comes in any letter case: strncasecmp(3). Before and after the value there may be spaces and tabs, or none.
    try printf 'HTTP/1.0 200\ncontent-length:2\n\nhi' | nc -l 8080 & make run25
    run http-get 127.0.0.1 / {s}
    a accepts s
    a gets request "GET / HTTP/1.0"
    a sends "HTTP/1.0 200 OK\r\ncONTENT-lENGTH:2\r\n\r\nok"
    http-get exits 0
    run http-get 127.0.0.1 / {s}
    a accepts s
    a gets request "GET / HTTP/1.0"
    a sends "HTTP/1.0 200 OK\r\nCONTENT-LENGTH: \t 2\t \r\n\r\nok"
    http-get exits 0
    hint A head may have many lines, and long ones. The field that counts may be the last.
    try (seq -f 'a%g: b' 3000; printf '\nhi') | nc -lN 8080 & make run25
    run http-get 127.0.0.1 / {s}
    a accepts s
    a gets request "GET / HTTP/1.0"
    a sends "HTTP/1.0 200 OK\r\n" "Set-Cookie: abcdef\r\n"*300 "X: " "y"*5000 "\r\nContent-Length: 2\r\n\r\nok"
    http-get exits 0
    http-get prints "HTTP/1.0 200 OK\r\n" "Set-Cookie: abcdef\r\n"*300 "X: " "y"*5000 "\r\nContent-Length: 2\r\n\r\nok"
    hint A field's name begins its line and ends at the colon: X-Content-Length is another field, and a value may hold any words. Behind the empty line there are no fields.
    try printf 'HTTP/1.0 200\nX-Content-Length: 1\n\nhi' | nc -l 8080 & make run25
    run http-get 127.0.0.1 / {s}
    a accepts s
    a gets request "GET / HTTP/1.0"
    a sends "HTTP/1.0 200 OK\r\nX-Content-Length: 1\r\nContent-Length-Was: 1\r\nNote: Content-Length: 1\r\n\r\nContent-Length: 1\r\n\r\nhello"
    http-get prints "HTTP/1.0 200 OK\r\nX-Content-Length: 1\r\nContent-Length-Was: 1\r\nNote: Content-Length: 1\r\n\r\nContent-Length: 1\r\n\r\nhello"
    a sends ", you"
    http-get prints ", you"
    a closes
    http-get exits 0
END
}

@test "says what failed and why" {
    play <<'END'
    hint Where the connection is refused, say what failed, with strerror(3) of the errno that connect(2) left; exit status 1.
    try make run25 ARGS='127.0.0.1 / 1'
    run http-get 127.0.0.1 / 1
    http-get complains "refused" | "ECONNREFUSED"
    http-get prints nothing
    hint Look at what write(2), or fflush(3), returns: where stdout is full, say so; exit status 1.
    try make run24, then elsewhere: make run25 >/dev/full
    s listens 0
    run http-get 127.0.0.1 / {s} with stdout=/dev/full
    a accepts s
    a gets request "GET / HTTP/1.0"
    a sends "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"
    a ends
    http-get complains "space" | "ENOSPC" | "full"
END
}

@test "finds the server by name, over IPv4 and IPv6, on port 80 by default" {
    play <<'END'
    hint An address may be of IPv6: leave the family to getaddrinfo(3), with AF_UNSPEC, and make the socket of the family that it tells.
    try make run24 ARGS='8080 ::1', then make run25 ARGS='::1 / 8080'
    need ipv6
    s listens ::1 0
    run http-get ::1 /x {s}
    a accepts s
    a gets request "GET /x HTTP/1.0"
    a sends "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"
    http-get exits 0
    need room
    hint Without PORT it is 80. A name may have several addresses, here ::1 and 127.0.0.1: where one refuses, try the next.
    try make run24, then make run25 ARGS='localhost / 8080'
    s listens 127.0.0.1 80
    run http-get dual.test /
    a accepts s
    a gets request "GET / HTTP/1.0"
    a sends "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"
    http-get exits 0
    hint PORT goes up to 65535.
    try make run24 ARGS=65535, then make run25 ARGS='localhost / 65535'
    s listens ::1 65535
    run http-get dual.test / 65535
    a accepts s
    a gets request "GET / HTTP/1.0"
    a sends "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"
    http-get exits 0
    hint A name that is not found sets no errno: print what gai_strerror(3) says of getaddrinfo's result. Exit status 1.
    try make run25 ARGS='gone.invalid /'
    run http-get gone.invalid /
    http-get complains "known" | "resol" | "not found" | "no such" | "no address" | "lookup" | "look up" | "nodename" | "not exist" | "recover" | "failure" | "find" | "EAI_"
END
}

@test "tries the next address whatever is wrong with the first" {
    play <<'END'
    need room
    hint An address may fail for any reason, here because nothing answers there (ETIMEDOUT) or its family is not known (EAFNOSUPPORT): try the next one, not only after ECONNREFUSED. tcp_connect() of lib/net.h does.
    try make faults25
    s listens 127.0.0.1 0
    run http-get dual.test / {s} with faults=connect:ETIMEDOUT@1
    a accepts s
    a gets request "GET / HTTP/1.0"
    a sends "HTTP/1.0 200 OK\r\n\r\n"
    a closes
    http-get exits 0
    run http-get dual.test / {s} with faults=socket:EAFNOSUPPORT@1
    a accepts s
    a gets request "GET / HTTP/1.0"
    a closes
    hint When none can be had, say so in one line on stderr, with the reason of the last one, and exit with status 1.
    run http-get dual.test / {s} with faults=connect:ENETUNREACH
    http-get complains "unreachable" | "ENETUNREACH"
END
}

@test "refuses a wrong command line" {
    play <<'END'
    hint Two arguments or three. Else "usage: http-get SERVER PATH [PORT]" on stderr, exit status 2: usage() of lib/net.h.
    try make run25 ARGS=127.0.0.1
    run http-get 127.0.0.1
    http-get usage
    run http-get 127.0.0.1 / 1 more
    http-get usage
    hint With --help alone the usage goes to stdout, exit status 0.
    try make run25 ARGS=--help
    run http-get --help
    http-get exits 0
    http-get prints "usage: "
    hint PATH begins with a / and has no space or control character in it: such a request would be another one.
    try make run25 ARGS="127.0.0.1 'a b' 1"
    run http-get 127.0.0.1 x 1
    http-get usage
    run http-get 127.0.0.1 '/a b' 1
    http-get usage
    run http-get 127.0.0.1 '' 1
    http-get usage
    run http-get 127.0.0.1 "/\x7f" 1
    http-get usage
    run http-get 127.0.0.1 "/\t" 1
    http-get usage
    run http-get 127.0.0.1 "/\r\nX: y" 1
    http-get usage
    run http-get 127.0.0.1 "/\x01" 1
    http-get usage
    hint PORT is digits only, 0 to 65535: no name such as http, no sign. Look at each character, and at the size.
    try make run25 ARGS='127.0.0.1 / 1x'
    run http-get 127.0.0.1 / http
    http-get usage
    run http-get 127.0.0.1 / +1
    http-get usage
    run http-get 127.0.0.1 / 1x
    http-get usage
    run http-get 127.0.0.1 / 65536
    http-get usage
    run http-get 127.0.0.1 / 18446744073709551617
    http-get usage
END
}
