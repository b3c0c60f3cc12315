# The checks of 24-threaded-server, in the order in which a student gets them
# right. It starts from the finished server of 23 and keeps all that 23
# promises: those scripts are in support/http.bash.
load support/check
load support/http

# A thread counts as a process, and there will be more than a thousand.
export PROCESSES=4096

@test "listens and says on which port" {
    http_listens
}

@test "prints each line as it comes" {
    http_prints
}

@test "a silent client does not hold up the next one" {
    play <<'END'
    hint Serve each client in a thread of its own: pthread_create(3) starts it, and main goes on to the next accept(2) at once, without pthread_join(3).
    try nc 127.0.0.1 8080 & curl -i --max-time 2 http://127.0.0.1:8080/
    run server 0
    server ready
    a connects {server}
    b connects {server}
    b sends "GET / HTTP/1.1\r\n\r\n"
    within 1.5 b gets answer 200
    b closes
    hint Each thread has its own client: give it the descriptor's value, not the address of a variable that the next client changes. Only the thread closes it.
    try for i in 1 2 3 4 5 6 7 8; do curl -s http://127.0.0.1:8080/$i & done; wait
    c1..8 connects {server}
    c1..8 sends "GET /{i} HTTP/1.1\r\nHo"
    c8..1 sends "st: {i}\r\n\r\n"
    c8..1 gets answer 200
    c1..8 closes
    a sends "GET / HTTP/1.1\r\n\r\n"
    within 1.5 a gets answer 200
    a closes
    hint A client may stay silent for long: wait for its request, for 10 s at least.
    d connects {server}
    d gets nothing 9.4
    d sends "GET / HTTP/1.1\r\n\r\n"
    within 1.5 d gets answer 200
END
}

@test "a thousand silent clients do not hold up the next one" {
    play <<'END'
    hint Make as many threads as there are clients. A thousand of them fit when their stacks are small: pthread_attr_setstacksize(3).
    run server 0
    server ready
    a1..1000 connects {server}
    within 20 server says lines 1000 "New client connected"
    b connects {server}
    b sends "GET / HTTP/1.1\r\n\r\n"
    within 1.5 b gets answer 200
    hint Serve the clients in threads of one process: pthread_create(3), not fork(2), and not one loop for all.
    server threads 2
    server processes 1
    hint A client that was silent gets its answer, too.
    a1000 sends "GET / HTTP/1.1\r\n\r\n"
    within 1.5 a1000 gets answer 200
    a1 sends "GET / HTTP/1.1\r\n\r\n"
    within 1.5 a1 gets answer 200
END
}

@test "answers each of many clients once, on its own connection" {
    play <<'END'
    hint Give each thread the descriptor's value, (void *)(intptr_t)cfd: a variable that main uses again holds the next client when the thread looks at it. Only the thread closes the descriptor.
    run server 0
    server ready
    repeat 3
    server stops
    a1..40 starts-connecting {server}
    a1..40 sends "GET / HTTP/1.1\r\n" "X: 0123456789abcdefghijklmnopqrstuvwxyz\r\n"*90 "\r\n"
    server continues
    a1..40 gets answer 200
    a1..40 closes
    end
    hint Print a line and its newline with one call: fwrite(3) holds the lock of stdout from its first byte to its last, two calls let another thread's line in between.
    server prints lines 11040 of "X: 0123456789abcdefghijklmnopqrstuvwxyz" | "GET / HTTP/1.1" | ""
    server says lines 120 "New client connected"
    hint write(2) of a long line may take a part of it when the pipe is full, and then another thread's line comes in between: hold a lock around the loop, or use fwrite(3), which does.
    b1..30 connects {server}
    server rests
    server unheard
    b30..1 sends "X: " "a"*8189 "\r\n\r\n"
    server rests
    server stops
    server continues
    server rests
    server heard
    b1..30 gets answer 200
    server prints lines 60 of "X: " "a"*8189 | ""
END
}

@test "a thousand clients leave no thread and no memory behind" {
    play <<END
    hint A thread that has ended keeps its stack until it is joined: make it detached with pthread_attr_setdetachstate(3). Its descriptor stays open until it is closed, memory from malloc(3) until free(3).
    run server 0
    server ready
$(http_a_thousand)
    server census
$(http_a_thousand)
    server as-before heap 20 virtual 40000
END
}

@test "answers 503 when no thread can be made, and goes on" {
    play <<'END'
    hint pthread_create(3) returns its error, EAGAIN here, and leaves errno alone: when it is not 0, answer 503 Service Unavailable, close the descriptor, and go on.
    run server 0
    server ready
    w1..12 connects {server}
    w1..12 sends "GET / HTTP/1.1\r\n\r\n"
    w1..12 gets answer 200
    w1..12 closes
    server idle
    server census
    server limits processes 0
    a1..2 connects {server}
    b1..3 connects {server}
    b1..3 sends "GET / HTTP/1.1\r\n\r\n"
    b1..3 gets answer 503|200
    a1..2 closes
    b1..3 closes
    server limits processes back
    c connects {server}
    c sends "GET / HTTP/1.1\r\n\r\n"
    c gets answer 200
    c closes
    server as-before
    hint When accept(2) fails, go on, and wait a little before the next try: with no descriptor left (EMFILE), it fails again at once.
    server limits files 4
    d1..2 connects {server}
    d1 closes
    d2 sends "GET / HTTP/1.1\r\n\r\n"
    server idle 0.05
    server runs
    server limits files back
    d2 gets the rest
    d2 closes
    e connects {server}
    e sends "GET / HTTP/1.1\r\n\r\n"
    e gets answer 200
END
}

@test "answers each client also when threads start late" {
    play <<'END'
    hint A thread may begin long after pthread_create(3) has returned. What it is given must still be there then, and be its own: the descriptor's value, (void *)(intptr_t)cfd, or memory from malloc(3) that the thread itself frees. To wait a moment is no cure.
    try make faults24
    run server 0 with faults=thread:delay=20
    server ready
    a1..8 connects {server}
    a1..8 sends "GET / HTTP/1.1\r\nHo"
    a8..1 sends "st: {i}\r\n\r\n"
    a1..8 gets answer 200
    a1..8 closes
    server prints lines 24 of "GET / HTTP/1.1" | "Host: 1" | "Host: 2" | "Host: 3" | "Host: 4" | "Host: 5" | "Host: 6" | "Host: 7" | "Host: 8" | ""
    server runs
END
}

@test "closes each client's descriptor once" {
    play <<'END'
    hint Either main closes the client's descriptor or its thread does, and once: as soon as it is closed, the next client is given the same number, and whoever closes it again ends that connection.
    try make faults24
    run server 0 with faults=close:delay=40
    server ready
    a connects {server}
    a sends "GET / HTTP/1.1\r\n\r\n"
    a gets answer 200
    a closes
    server idle
    server census
    # An accept(2) that waits already has the number of its next client.
    repeat 2
    b connects {server}
    b sends "GET / HTTP/1.1\r\n\r\n"
    b gets answer 200
    b closes
    server as-before
    c1..2 connects {server}
    c1..2 sends "GET / HTTP/1.1\r\n"
    server idle
    c1..2 sends "\r\n"
    c1..2 gets answer 200
    c1..2 closes
    server as-before
    end
END
}

@test "sends the page with a right Content-Length" {
    http_empty_line
    http_page
}

@test "a client that sends a body gets the whole answer" {
    http_body
}

@test "a client that leaves before its answer does not end the server" {
    http_leaves
}

@test "takes a request in any pieces, and answers none that is cut short" {
    http_pieces
}

@test "goes on when accept fails, and when a signal comes" {
    http_accept_fails 24
}

@test "answers 431 to what is too long, without waiting for the rest" {
    http_too_long
}

@test "goes on without what it cannot print, until a signal ends it" {
    http_goes_on
}

@test "refuses a wrong command line and a port that is taken" {
    http_command_line 24
    http_where
}

@test "ThreadSanitizer reports no data race" {
    http_no_race 24-threaded-server <<'END'
    hint Two threads use the same variable and nothing says who is first. Give each thread a variable of its own, or take a lock (pthread_mutex_lock(3)) around all that reads or writes it.
    try grep -A 30 'data race' build/log/24-threaded-server/17.log
    run server 0
    server ready
    a connects {server}
    b1..20 connects {server}
    c connects {server}
    e connects {server}
    server rests
    server unheard
    repeat 10
    e sends "0123456789"*800 "\r\n"
    end
    server rests
    b1..20 sends "GET /{i} HTTP/1.1\r\nX: y\r\n\r\n"
    c sends "GET / HT"
    c ends
    server rests
    server heard
    e sends "\r\n"
    e gets the rest
    b1..20 gets the rest
    c gets the rest
    b1..20 closes
    c closes
    settle
    a sends "GET / HTTP/1.1\r\n\r\n"
    a gets the rest
    d connects {server}
    d sends "GET / HTTP/1.1\r\n\r\n"
    d gets answer 200
    server no-race
END
}
