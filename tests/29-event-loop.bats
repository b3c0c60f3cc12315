# The checks of 29-event-loop, in the order in which a student gets them right.
load support/check
load support/http

@test "listens and says on which port" {
    http_listens
}

@test "answers a request and keeps the connection open" {
    play <<'END'
    hint Read what is there with one read(2) into buf. More than 0 are so many bytes; 0 is the end of the input; -1 with EAGAIN in errno means none yet: wait for the next event.
    try curl -i http://127.0.0.1:8080/
    run server 0
    server ready
    a connects {server}
    b connects {server}
    a sends "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    within 1.5 a gets reply 200
    a replied Content-Type begins "text/html"
    a replied body holds "<P>This is my test server page</P>"
    hint After the answer the connection stays open, for HTTP/1.1 asks for that: wait for its next request, and serve the others meanwhile.
    try curl -v http://127.0.0.1:8080/1 http://127.0.0.1:8080/2
    b sends "GET /b HTTP/1.1\r\nHost: b\r\n\r\n"
    within 1.5 b gets reply 200
    a gets nothing
    hint Say Connection: close where the connection closes behind the answer, and nowhere else.
    a replied Connection lacks "close"
    b replied Connection lacks "close"
    hint Send the page whatever the path and the method.
    try curl -i -X DELETE http://127.0.0.1:8080/no/such
    a sends "GET /no/such?q=%00 HTTP/1.1\r\nHost: a\r\n\r\n"
    within 1.5 a gets reply 200
    a replied body holds "<P>This is my test server page</P>"
    a sends "BREW /pot HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n"
    within 1.5 a gets reply 200
    a sends "DELETE /1 HTTP/1.1\r\nHost: a\r\n\r\n"
    within 1.5 a gets reply 200
    a replied body holds "<P>This is my test server page</P>"
    a sends "PUT /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"
    within 1.5 a gets reply 200
    a replied body holds "<P>This is my test server page</P>"
    hint The answer to HEAD is the head alone, with the Content-Length that a GET would have. What follows it is the next answer.
    try curl -I http://127.0.0.1:8080/
    a sends "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"
    within 1.5 a gets reply 200 to HEAD
    a replied Content-Type begins "text/html"
    a sends "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    within 1.5 a gets reply 200
    a replied body holds "<P>This is my test server page</P>"
    a replied same Content-Length
    hint Where nothing is to do, wait: ready_wait() with the time that time_to_wait() tells, and for READY_WRITE only while c->out holds bytes. Who looks again and again has a core busy with nothing.
    try top, while the clients are silent
    within 2 server sleeps
    hint All clients are served by one thread: no thread and no process for a client.
    server limits processes 0
    c1..20 connects {server}
    c1..20 sends "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    c20..1 gets reply 200
    hint Print no lines of the requests: stdout stays empty.
    server prints nothing
END
}

@test "takes a request in any pieces" {
    play <<'END'
    hint A request comes in any pieces, each with an event of its own, and other clients come in between. Keep what is not whole in the client's own c->in: bytes_add().
    try (printf 'GET / HT'; read x; printf 'TP/1.0\n\n') | nc 127.0.0.1 8080, then Enter
    run server 0
    server ready
    a connects {server}
    b connects {server}
    a sends "GET / HT"
    a gets nothing
    b sends "GET /b HTTP/1.1\r\nHo"
    b gets nothing
    a sends "TP/1.1\r\nHost: a\r\n\r\n"
    within 1.5 a gets reply 200
    b sends "st: b\r\n\r\n"
    within 1.5 b gets reply 200
    a sends slowly "GET /slow HTTP/1.1\r\nHost: a\r\nA: b\r\n\r\n"
    within 1.5 a gets reply 200
    f splits {server} 200 "GET / HTTP/1.0\r\nHost: a\r\nX: y\r\n\r\n"
    hint A line may end in LF alone.
    try printf 'GET / HTTP/1.0\n\n' | nc 127.0.0.1 8080
    c connects {server}
    c sends "GET /lf HTTP/1.1\nHost: a\r\nC: d\n" | "\n"
    within 1.5 c gets reply 200
    hint At the end of the input, close without an answer to what is not whole.
    try printf 'GET / HTTP/1.1\r\nHost: a\r\n' | nc -N 127.0.0.1 8080
    d connects {server}
    d sends "GET /cut HTTP/1.1\r\nHost: a\r\n"
    d ends
    d gets eof
    hint A client that has closed its sending side still reads: answer it as any other, then close.
    try printf 'GET / HTTP/1.1\r\nHost: a\r\n\r\n' | nc -N 127.0.0.1 8080
    server stops
    e connects {server}
    e sends "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    e ends
    server continues
    e gets reply 200
    e gets eof
END
}

@test "answers requests that come together, in their order" {
    play <<'END'
    hint A client may send several requests before it reads. They come with one event, and no other tells of them: answer until none is whole.
    try printf 'GET / HTTP/%s\nHost: a\n\n' 1.1 1.1 1.0 | nc 127.0.0.1 8080
    run server 0
    server ready
    a connects {server}
    a sends "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n"
    within 1.5 a gets reply 200
    within 1.5 a gets reply 200
    a sends "GET / HTTP/1.1\r\nHost: a\r\n\r\nHEAD / HTTP/1.1\r\nHost: a\r\n\r\nGET / HT"
    within 1.5 a gets reply 200
    within 1.5 a gets reply 200 to HEAD
    a gets nothing
    hint What is left behind the last whole request is the start of the next one: keep it, and put what comes behind it.
    a sends "TP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\n"
    within 1.5 a gets reply 200
    a sends "Host: a\r\n\r\n"
    within 1.5 a gets reply 200
    b connects {server}
    b sends "GET / HTTP/1.1\r\nHost: a\r\n\r\n"*300
    repeat 300
    within 1.5 b gets reply 200
    end
    hint A body belongs to its request: skip it, and the next request begins behind it.
    try curl -v -d a=b http://127.0.0.1:8080/1 http://127.0.0.1:8080/2
    c connects {server}
    c sends "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nGET / HTT" "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    within 1.5 c gets reply 200
    within 1.5 c gets reply 200
    c sends "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n" "x\n"*15000
    settle
    c sends "\r\n\r\n" "x"*29996 "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    within 1.5 c gets reply 200
    within 1.5 c gets reply 200
    c sends "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nGET /\r\nA" | "\r\n0123456789\r\n0\r\nT: z\r\n\r\nHEAD / HTTP/1.1\r\nHost: a\r\n\r\n"
    within 1.5 c gets reply 200
    within 1.5 c gets reply 200 to HEAD
    c gets nothing
    hint A client that closes its sending side behind several requests gets all answers.
    d connects {server}
    server stops
    d sends "GET / HTTP/1.1\r\nHost: a\r\n\r\n"*3
    d ends
    server continues
    d gets reply 200
    d gets reply 200
    d gets reply 200
    d gets eof
END
}

@test "a client that does not read holds up nobody" {
    play <<'END'
    hint One write(2) that waits has all clients wait. Set O_NONBLOCK on each client's descriptor, with fcntl(2) and F_SETFL: then write(2) takes what there is room for and returns.
    run server 0
    server ready
    a connects {server} buffer=4096
    a sends "GET / HTTP/1.1\r\nHost: a\r\n\r\n"*20000
    settle
    b connects {server}
    b sends "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    within 1.5 b gets reply 200
    settle
    b sends "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    within 1.5 b gets reply 200
END
}

@test "sends a late reader all of its answers" {
    play <<'END'
    hint What write(2) has not taken is kept in c->out, behind what is there already, and sent when the client can be written: wait for READY_WRITE as long as c->out holds bytes.
    run server 0
    server ready
    a connects {server} buffer=4096
    a sends "GET / HTTP/1.1\r\nHost: a\r\n\r\n"*1500
    server rests
    repeat 1500
    a gets reply 200
    end
    a sends "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"
    within 1.5 a gets reply 200 to HEAD
    hint A client that has taken its answers can be written nearly always: do not ask for READY_WRITE when c->out is empty, or the loop has no rest.
    try top, beside a client that has its answers: nc -C 127.0.0.1 8080
    within 2 server sleeps
    hint The end of the input is not the end of the client: who has closed its sending side while its answers wait gets them all.
    # What one may try by hand; nothing of that runs here.
    try yes $'GET / HTTP/1.1\nHost: a\n' | head -n 29997 | nc -N 127.0.0.1 8080 | (sleep 1; grep -c test.server)
    b connects {server} buffer=4096
    b sends "GET / HTTP/1.1\r\nHost: b\r\n\r\n"*1500
    b ends
    settle
    repeat 1500
    b gets reply 200
    end
    b gets eof
END
}

# The descriptors that the system has for both sides, and some to spare.
few_thousand() {
    local n
    n=$(ulimit -Hn)
    case $n in *[!0-9]*) n=4096 ;; esac
    n=$((n - 100))
    [ "$n" -le 3000 ] || n=3000
    echo "$n"
}

@test "thousands of silent clients do not hold up the next one" {
    local n
    n=$(few_thousand)
    play <<END
    hint A silent client costs a descriptor and a few bytes. Raise RLIMIT_NOFILE to its hard limit (setrlimit(2)), wait with poll(2), epoll(7) or kqueue(2): select(2) ends at descriptor 1023.
    run server 0
    server ready
    a1..$n connects {server}
    within 20 server says lines $n "New client connected"
    b connects {server}
    b sends "GET / HTTP/1.1\r\nHost: b\r\n\r\n"
    within 1.5 b gets reply 200
    hint A client that was silent gets its answer, too.
    a$n sends "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    within 1.5 a$n gets reply 200
    a1 sends "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    within 1.5 a1 gets reply 200
END
}

@test "closes the connection when the client wants it closed" {
    play <<'END'
    hint Where the request says Connection: close, or is HTTP/1.0 (r.keep_alive tells), say Connection: close in the answer and close when all of it is sent.
    try curl -v -H 'Connection: close' http://127.0.0.1:8080/
    run server 0
    server ready
    a connects {server}
    a sends "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    within 1.5 a gets answer 200
    b connects {server}
    b sends "GET / HTTP/1.0\r\n\r\n"
    within 1.5 b gets answer 200
    c connects {server}
    c sends "GET / HTTP/1.1\r\nHost: c\r\n\r\nHEAD / HTTP/1.1\r\nhOST: c\r\ncONNECTION: Close\r\n\r\n"
    within 1.5 c gets reply 200
    within 1.5 c gets reply 200 to HEAD
    within 1.5 c gets eof
    hint Connection may say more than one thing: http_head() takes them apart.
    try curl -v -H 'Connection: close, TE' http://127.0.0.1:8080/
    f connects {server}
    f sends "GET / HTTP/1.1\r\nHost: f\r\nConnection: close, TE\r\nTE: trailers\r\n\r\n"
    within 1.5 f gets answer 200
    hint What comes behind the request that closes is dropped: shutdown(2) with SHUT_WR, read until the client closes too, then close(2). A plain close(2) with input unread resets the connection, and the answer is lost.
    try (printf 'GET / HTTP/1.0\n\n'; head -c 9999999 /dev/zero) | nc 127.0.0.1 8080
    server stops
    d connects {server}
    d sends "GET / HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n" "GET / HTTP/1.1\r\nHost: d\r\n\r\n"*4000
    server continues
    settle
    d sends "GET / HTTP/1.1\r\nHost: d\r\n\r\n"*500 | "GET / HTTP/1.1\r\nHost: d\r\n\r\n"*500
    within 1.5 d gets answer 200
END
    play <<'END'
    hint A client that stays silent may go on: wait for its first request, and for its next one, for 10 s at least.
    run server 0
    server ready
    f connects {server}
    f sends "GET / HTTP/1.1\r\nHost: f\r\n\r\n"
    within 1.5 f gets reply 200
    e connects {server}
    f gets nothing 9.4
    e sends "GET / HTTP/1.1\r\nHost: e\r\n\r\n"
    f sends "GET / HTTP/1.1\r\nHost: f\r\n\r\n"
    within 1.5 e gets reply 200
    within 1.5 f gets reply 200
END
}

@test "refuses bad requests with 400 and closes" {
    play <<'END'
    hint A bad request is answered with its status, and the connection closed: nobody knows where the next request begins. http_head() of lib/http.h finds them.
    try printf 'hello\r\n\r\n' | nc 127.0.0.1 8080
    run server 0
    server ready
    a connects {server}
    a sends "hello\r\n\r\n"
    within 1.5 a gets answer 400
    b connects {server}
    b sends "GET / HTTP/1.1\r\n\r\n"
    within 1.5 b gets answer 400
    c connects {server}
    c sends "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc"
    within 1.5 c gets answer 400
    d connects {server}
    d sends "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"
    within 1.5 d gets reply 200
    within 1.5 d gets answer 400
    e connects {server}
    e sends "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -3\r\n\r\nabc"
    within 1.5 e gets answer 400
    f connects {server}
    f sends "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: rot13, chunked\r\n\r\n0\r\n\r\n"
    within 1.5 f gets answer 501
    i connects {server}
    i sends "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"
    within 1.5 i gets reply 400
    i gets end
    i closes
    i connects {server}
    i sends "GET / HTTP/1.1\r\nHost: a\r\nA: b\r\n c\r\n\r\n"
    within 1.5 i gets reply 400
    i gets end
    i closes
    i connects {server}
    i sends "GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n"
    within 1.5 i gets reply 400
    i gets end
    i closes
    i connects {server}
    i sends "GET / HTTP/1.1\r\nHost: a\r\nA: \0\r\n\r\n"
    within 1.5 i gets reply 400
    i gets end
    i closes
    i connects {server}
    i sends "GET / XTTP/1.1\r\nHost: a\r\n\r\n"
    within 1.5 i gets reply 400
    i gets end
    i closes
    i connects {server}
    i sends "GET / HTTP/2.0\r\nHost: a\r\n\r\n"
    within 1.5 i gets reply 400|505
    i gets end
    i closes
    i connects {server}
    i sends "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    within 1.5 i gets reply 400
    i gets end
    i closes
    i connects {server}
    i sends "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551617\r\n\r\nx"
    within 1.5 i gets reply 400|413
    i gets end
    i closes
    i connects {server}
    i sends "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"
    within 1.5 i gets reply 200|400
    i gets end
    i closes
    hint A plain close(2) with input unread resets the connection, and the answer is lost: what closes after 200 closes after an error, too.
    try (printf 'hello\r\n\r\n'; head -c 9999999 /dev/zero) | nc 127.0.0.1 8080
    server stops
    j connects {server}
    j sends "hello\r\n\r\n" "x\n"*50000
    server continues
    settle
    j sends "x\n"*9000 | "x\n"*9000
    within 1.5 j gets answer 400
    hint Garbage is a bad request, and nothing more.
    try head -c 4000 /dev/urandom | nc 127.0.0.1 8080
    g connects {server}
    g sends "\0\0\r\0\xff" binary*4000
    g closes
    h connects {server}
    h sends "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
    within 1.5 h gets reply 200
END
}

@test "answers 431 to what is too long, without waiting for the rest" {
    play <<'END'
    hint A line of 8192 bytes and a request of 99 lines are fine, be they more than one read(2) gives.
    run server 0
    server ready
    a connects {server}
    a sends "GET /" "a"*8178 " HTTP/1.1\r\nHost: " "b"*100 "\r\nX: " "c"*8189 "\r\n\r\n"
    within 1.5 a gets reply 200
    a sends "GET / HTTP/1.1\r\nHost: a\r\n" "X: y\r\n"*97 "\r\n"
    within 1.5 a gets reply 200
    a sends "GET / HTTP/1.1\r\nHost: a\r\n" "X: " "d"*8189 "\r\nY: " "e"*4000 | "e"*4189 "\r\nZ: " "f"*8189 "\r\n" | "X: y\r\n"*90 "\r\n"
    within 1.5 a gets reply 200
    hint Answer 431 to a line of more than 8192 bytes (its CR LF does not count) as soon as it is too long: its end may never come.
    try printf 'GET /%020000d' 0 | nc 127.0.0.1 8080
    b connects {server}
    b sends "GET /" "a"*8179 " HTTP/1.1\r\nHost: b\r\n\r\n"
    within 1.5 b gets answer 431
    c connects {server}
    c sends "GET / HTTP/1.1\r\nHost: c\r\nX: " "b"*8190 "\n\n"
    within 1.5 c gets answer 431
    d connects {server}
    d sends "GET / HTTP/1.1\r\nHost: d\r\n\r\nGET /" "a"*20000
    within 1.5 d gets reply 200
    within 1.5 d gets answer 431
    hint Answer 431 after 100 lines: the empty one may never come.
    e connects {server}
    e sends "GET / HTTP/1.1\r\nHost: e\r\n" "X: y\r\n"*99
    within 1.5 e gets answer 431
    f connects {server}
    f sends "GET / HTTP/1.1\r\nHost: f\r\n\r\n"
    within 1.5 f gets reply 200
END
}

@test "a client that leaves does not end the server" {
    play <<'END'
    hint A write(2) to a client that has gone sends SIGPIPE, which ends the process. Ignore that signal at the start of main: on_signal(SIGPIPE, SIG_IGN, 0). The write then fails with EPIPE.
    run server 0
    server ready
    server stops
    a connects {server}
    a sends "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    a ends
    a resets
    server continues
    b connects {server}
    b sends "GET / HTTP/1.1\r\nHost: b\r\n\r\n"
    within 1.5 b gets reply 200
    hint A read(2), write(2) or accept(2) that fails ends that client's connection and nothing else. Do not call die() or exit(3) for it.
    server stops
    c1..2 starts-connecting {server}
    c1 sends "GET / HTTP/1.1\r\nHost: c\r\n\r\n"
    c1 resets
    c2 sends "GET / HT"
    c2 resets
    server continues
    settle
    c3..4 connects {server}
    c3 resets
    c4 closes
    hint A client may go in the middle of its answers.
    e connects {server} buffer=4096
    e sends "GET / HTTP/1.1\r\nHost: a\r\n\r\n"*800
    settle
    e resets
    f connects {server}
    server stops
    f sends "GET / HTTP/1.1\r\nHost: a\r\n\r\n"*800
    f resets
    server continues
    settle
    b sends "GET / HTTP/1.1\r\nHost: b\r\n\r\n"
    within 1.5 b gets reply 200
    server runs
END
}

# Clients of all kinds, one after the other.
many() {
    cat <<'END'
    repeat 200
    a connects {server}
    a sends "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    a gets reply 200
    a closes
    end
    repeat 20
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
    e connects {server}
    e sends "GET / HTTP/1.0\r\n\r\n"
    e gets answer 200
    e closes
    end
    f1..60 connects {server}
    f1..60 sends "GET / HTTP/1.1\r\nHost: f\r\n\r\nGET /"
    f60..1 gets reply 200
    f1..60 closes
    server rests
END
}

# Those who go in the middle of their answers.
midway() {
    cat <<'END'
    g1..12 connects {server} buffer=4096
    g1..12 sends "GET / HTTP/1.1\r\nHost: g\r\n\r\n"*1500
    g1..12 gets reply 200
    settle
    g1..12 resets
END
}

@test "clients come and go and leave nothing behind" {
    play <<END
    hint Whoever leaves gives back a descriptor, a struct, and what was kept for it: on the end of its input, on a reset, after a last answer.
    run server 0
    server ready
$(many)
    server census
$(many)
    server steady heap 20 virtual 4000
$(many)
    server steady heap 20 virtual 4000
$(many)
    server steady heap 20 virtual 4000
$(many)
    server steady heap 20 virtual 4000
$(many)
    server as-before heap 20 virtual 4000
    hint Whoever leaves in the middle of its answers gives back those that it has not taken, too.
$(midway)
    server census
$(midway)
$(midway)
    server steady heap 300 virtual 4000
$(midway)
$(midway)
    server as-before heap 300 virtual 4000
END
}

@test "with no descriptor left it waits for one and goes on" {
    play <<'END'
    hint When accept(2) fails with EMFILE, the client stays in the queue: serve the others, and try again when a descriptor may be free.
    run server 0
    server ready
    a connects {server}
    a sends "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    a gets reply 200
    server limits files 4
    d1..2 connects {server}
    d1 closes
    d2 sends "GET / HTTP/1.1\r\nHost: d\r\n\r\n"
    server idle 0.05
    server runs
    hint While no descriptor is left, the listening socket stays readable: do not ask for it until the next try, or the loop has no rest.
    within 2 server sleeps
    hint When accept(2) fails with EMFILE, the client stays in the queue: serve the others, and try again when a descriptor may be free.
    a sends "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    within 1.5 a gets reply 200
    server limits files back
    within 3 d2 gets reply 200
    e connects {server}
    e sends "GET / HTTP/1.1\r\nHost: e\r\n\r\n"
    within 1.5 e gets reply 200
END
}

@test "goes on when accept fails, and when a signal comes" {
    play <<'END'
    hint accept(2) may fail for a client that has given up while it queued (ECONNABORTED). That is no reason to end: take the next client.
    try make faults29
    run server 0 with faults=accept:ECONNABORTED@1..2;accept4:ECONNABORTED@1..2
    server ready
    a connects {server}
    a sends "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    a gets reply 200
    hint A signal that has a handler interrupts a call (EINTR), and so does Ctrl-Z with fg after it, for epoll_wait(2), without any handler (signal(7)): call it again.
    try make run29, Ctrl-Z, fg; then: curl -i http://127.0.0.1:8080/
    server rests
    server signal CHLD
    server signal WINCH
    server stops
    server continues
    settle
    a sends "GET / HTTP/1.1\r\nHo"
    settle
    server stops
    server continues
    a sends "st: a\r\n\r\n"
    a gets reply 200
    b connects {server}
    b sends "GET / HTTP/1.1\r\nHost: b\r\n\r\n"
    b gets reply 200
    server runs
END
}

@test "workers share the port" {
    play <<'END'
    hint With WORKERS of 2, two loops run, each in a process made by fork(2) (or in a thread): start_worker() makes one.
    try make run29 ARGS='0 127.0.0.1 2'
    run server 0 127.0.0.1 2 as first
    first ready
    first threads 2
    a1..40 connects {first}
    a1..40 sends "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    a40..1 gets reply 200
    a1..40 sends "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    a40..1 gets answer 200
    a1..40 closes
    hint A port that another server has is taken, with SO_REUSEPORT too: bind the first socket without it.
    run server {first} 127.0.0.1 2
    within 1.5 server complains "in use" | "EADDRINUSE"
    b connects {first}
    hint SIGTERM to the first process ends all of them, within a second.
    first signal TERM
    within 1.5 first ends
    c is-refused 127.0.0.1 {first}
    hint As many as WORKERS says; and Ctrl-C ends all of them, too.
    run server {first} 127.0.0.1 5
    server ready
    server threads 5
    d1..9 connects {server}
    d1..9 sends "GET / HTTP/1.1\r\nHost: d\r\n\r\n"
    d9..1 gets reply 200
    server signal INT
    within 1.5 server ends
    e is-refused 127.0.0.1 {server}
END
}

@test "goes on without what it cannot print, until a signal ends it" {
    play <<'END'
    hint SIGTERM and SIGINT end the server within a second, also while clients are there.
    run server 0
    server ready
    a connects {server}
    a sends "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    a gets reply 200
    b connects {server}
    b sends "GET / HTTP/1.1\r\n"
    settle
    server signal TERM
    within 1.5 server ends
    hint Set SO_REUSEADDR before bind(2), as tcp_listen() does: without it the port stays taken while old connections linger.
    run server {server}
    server ready
    c connects {server}
    c sends "GET / HTTP/1.0\r\n\r\n"
    c gets answer 200
    c closes
    hint Where nobody reads stderr any more, printing sends SIGPIPE. Ignore that signal at the start of main, and go on.
    try put 2>&1 | head -n 1 behind the server, then ask it twice with curl
    server unread
    server unread stderr
    d connects {server}
    d sends "GET / HTTP/1.0\r\n\r\n"
    d gets answer 200
    d closes
    e connects {server}
    e sends "GET / HTTP/1.0\r\n\r\n"
    e gets answer 200
    e closes
    hint SIGTERM and SIGINT end the server within a second.
    server signal INT
    within 1.5 server ends
    run server {server}
    server ready
END
}

@test "refuses a wrong command line and a port that is taken" {
    play <<'END'
    hint For a wrong command line call usage(). WORKERS is a number of digits, 1 or more.
    try make run29 ARGS='0 127.0.0.1 none'
    run server 0 127.0.0.1 1 more
    server usage
    run server 0 127.0.0.1 0
    server usage
    run server 0 127.0.0.1 x
    server usage
    run server 0 127.0.0.1 2x
    server usage
    run server 0 127.0.0.1 -1
    server usage
    run server 65536
    server usage
    run server http
    server usage
    run server +80
    server usage
    hint For --help alone, print the usage on stdout and exit with 0, as usage() of lib/net.h does.
    run server --help
    server prints "usage: "
    server exits 0
    hint When bind(2) fails, print one line "server: what: why" on stderr and exit with 1, as die() does with the why of tcp_listen().
    L listens 0
    run server {L}
    server complains "in use" | "EADDRINUSE"
END
    http_where_29
}

http_where_29() {
    play <<'END'
    need room
    need ipv6
    hint PORT is 8080 and ADDRESS is 127.0.0.1 where the command line does not say.
    run server
    server ready
    a connects 127.0.0.1 8080
    a sends "GET / HTTP/1.0\r\n\r\n"
    a gets answer 200
    b is-refused 10.0.0.1 8080
    c is-refused ::1 8080
    server signal TERM
    server ends
    hint Listen on the address that the command line gives, of either family, in all workers: getaddrinfo(3) in tcp_listen() makes a socket's address of it.
    run server 0 ::1 2
    server ready
    e1..8 connects ::1 {server}
    e1..8 sends "GET / HTTP/1.0\r\n\r\n"
    e1..8 gets answer 200
    f is-refused 127.0.0.1 {server}
    run server 0 dual.test
    server ready
    hint When a name is not found, say so in one line "server: what: why" on stderr and exit with 1. getaddrinfo(3) leaves errno alone: the reason is in the why of tcp_listen().
    run server 0 nowhere.test
    server complains "name" | "again" | "resol" | "known" | "found" | "host"
END
}
