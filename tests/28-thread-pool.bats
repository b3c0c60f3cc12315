# The checks of 28-thread-pool, in the order in which a student gets them
# right. It reads and answers as 23 does: those scripts are in
# support/http.bash. Where the time limit matters, it is a second.
load support/check
load support/http

@test "listens and says on which port" {
    http_listens
}

@test "prints each line as it comes" {
    http_prints
}

@test "a silent client does not hold up the next one" {
    play <<'END'
    hint main puts each client into the queue and goes on to the next accept(2); the workers take them out. Make WORKERS threads at the start, 4 where the command line does not say.
    try nc 127.0.0.1 8080 & curl -i --max-time 2 http://127.0.0.1:8080/
    run server 0
    server ready
    a1..3 connects {server}
    a3 sends "GET / HTTP/1.1\r\nHo"
    b connects {server}
    b sends "GET / HTTP/1.1\r\n\r\n"
    within 1.5 b gets answer 200
    b closes
    hint So many clients are served at the same time, and no more: with 4 silent ones, the fifth waits in the queue.
    a4 connects {server}
    b connects {server}
    b sends "GET / HTTP/1.1\r\n\r\n"
    b gets nothing
    a1..4 closes
    within 1.5 b gets answer 200
    b closes
    hint A worker that has served a client takes the next one out of the queue: it does not end.
    c1..9 connects {server}
    c1..9 sends "GET /{i} HTTP/1.1\r\n\r\n"
    c1..9 ends
    within 4 c1..9 gets answer 200
    c1..9 closes
    hint Wake one worker for each client that comes into the queue, also if there was one before it: pthread_cond_signal(3) after every push. And whoever waits does so in a loop, while there is nothing to take out.
    repeat 20
    server stops
    d starts-connecting {server}
    e starts-connecting {server}
    e sends "GET / HTTP/1.1\r\n\r\n"
    server continues
    within 1.5 e gets answer 200
    e closes
    d sends "GET / HTTP/1.1\r\n\r\n"
    within 1.5 d gets answer 200
    d closes
    end
    hint The third number of the command line is WORKERS: so many threads.
    try make run28 ARGS='8080 127.0.0.1 12'
    run server 0 127.0.0.1 12 5
    server ready
    server threads 12
    f1..11 connects {server}
    g connects {server}
    g sends "GET / HTTP/1.1\r\n\r\n"
    within 1.5 g gets answer 200
    g closes
    hint WORKERS threads serve clients, no more of them, and nobody else: with so many silent clients, the next one waits in the queue.
    f12 connects {server}
    h connects {server}
    h sends "GET / HTTP/1.1\r\n\r\n"
    h gets nothing
END
}

@test "makes its threads once, and serves clients in the order they came" {
    play <<'END'
    hint The queue is a ring: new ones go behind the last, the first is taken out, and after slots[QUEUE_SIZE - 1] comes slots[0].
    run server 0 127.0.0.1 1 30
    server ready
    server rests
    server census
    repeat 3
    a connects {server}
    a sends "GET /a HTTP/1.1\r\n"
    server prints "GET /a HTTP/1.1\n"
    b1..30 connects {server}
    b1..30 sends "GET /{i} HTTP/1.1\r\n\r\n"
    b1..30 ends
    a sends "\r\n"
    a gets answer 200
    a closes
    b1..30 gets answer 200
    b1..30 closes
    server prints "\n" "GET /1 HTTP/1.1\n\nGET /2 HTTP/1.1\n\nGET /3 HTTP/1.1\n\nGET /4 HTTP/1.1\n\nGET /5 HTTP/1.1\n\nGET /6 HTTP/1.1\n\nGET /7 HTTP/1.1\n\nGET /8 HTTP/1.1\n\nGET /9 HTTP/1.1\n\nGET /10 HTTP/1.1\n\nGET /11 HTTP/1.1\n\nGET /12 HTTP/1.1\n\nGET /13 HTTP/1.1\n\nGET /14 HTTP/1.1\n\nGET /15 HTTP/1.1\n\nGET /16 HTTP/1.1\n\nGET /17 HTTP/1.1\n\nGET /18 HTTP/1.1\n\nGET /19 HTTP/1.1\n\nGET /20 HTTP/1.1\n\nGET /21 HTTP/1.1\n\nGET /22 HTTP/1.1\n\nGET /23 HTTP/1.1\n\nGET /24 HTTP/1.1\n\nGET /25 HTTP/1.1\n\nGET /26 HTTP/1.1\n\nGET /27 HTTP/1.1\n\nGET /28 HTTP/1.1\n\nGET /29 HTTP/1.1\n\nGET /30 HTTP/1.1\n\n"
    end
    hint Bound the queue: where it is full, main waits with pthread_cond_wait(3) until a worker has taken one out, and does not accept meanwhile. The clients wait in the kernel's queue.
    c connects {server}
    c1..1200 starts-connecting {server}
    c1..1200 sends "GET / HTTP/1.1\r\n\r\n"
    server rests
    server descriptors 1100
    within 2 server sleeps
    hint The clients' turn is in the order they came: while the worker is busy, nobody else serves one, main neither.
    server prints nothing
    hint All threads are made at the start. There are no more of them, however many clients come.
    server threads same
    hint Who waits because the queue is full goes on when there is room: pthread_cond_signal(3) after every pop.
    c sends "GET / HTTP/1.1\r\n\r\n"
    c gets answer 200
    c closes
    c1..1190 closes
    c1191..1200 ends
    c1191..1200 gets answer 200
    c1191..1200 closes
    server idle
    server threads same
    server as-before
END
}

@test "a client that is too slow gets 408, and its worker goes on" {
    play <<'END'
    hint Wait for a client with poll(2), until the time for its whole request is over and no longer; then tell it: 408 Request Timeout. A limit for each read(2), as SO_RCVTIMEO, or for each line is met by nobody who sends a bit now and then.
    try make run28 ARGS='8080 127.0.0.1 4 1', then: nc 127.0.0.1 8080
    run server 0 127.0.0.1 1 1 as single
    single ready
    j1..4 connects {single}
    run server 0 as default
    default ready
    m connects {default}
    run server 0 127.0.0.1 1 1 as busy
    busy ready
    k connects {busy}
    k sends "POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\nx"
    k gets answer 200
    l connects {busy}
    l sends "GET / HTTP/1.1\r\n\r\n"
    run server 0 127.0.0.1 3 1
    server ready
    a1..2 connects {server}
    a2 sends "GET / HTTP/1.1\r\nHost: a\r\nHal"
    d connects {server}
    f connects {server}
    f sends "GET / HTTP/1.1\r\n\r\n"
    k trickles "x"
    d trickles "X: " "a"*85 "\r\n"
    within 2 d gets answer 408
    d closes
    within 0.6 a1..2 gets answer 408
    hint When its time is over, the worker has done with that client: it takes the next one out of the queue.
    within 0.6 f gets answer 200
    hint SECONDS is 5 where the command line does not say: this client has had 1.
    m gets nothing 0.05
    hint A client that goes on sending after its answer must not keep a worker either: give the time for its end a limit that nothing it sends puts off.
    within 4 l gets answer 200
    k closes
    hint A client that does not close its connection must not keep a worker: wait for its end no longer than for its request.
    g1..3 connects {server}
    g1..3 sends "POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n"
    g1..3 gets answer 200
    h connects {server}
    h sends "GET / HTTP/1.1\r\n\r\n"
    within 2.5 h gets answer 200
    server threads 3
    hint The time of a client may be over before a worker takes it out of the queue: wait 0 milliseconds then. With a negative number poll(2) waits for ever.
    try make run28 ARGS='8080 127.0.0.1 1 1', then three at once: nc 127.0.0.1 8080
    within 4 j1..4 gets answer 408
END
}

@test "SIGTERM: answers who has asked, then ends with 0" {
    play <<'END'
    hint After the signal the workers go on until the queue is empty, and main waits for the end of each with pthread_join(3), then returns 0. The process ends when main returns, whatever its threads are at.
    try make run28, then: pkill -TERM -x server
    run server 0 127.0.0.1 8 15
    server ready
    server unheard
    a1..8 connects {server}
    a1..8 sends "0123456789"*800 "\r\n"
    repeat 12
    a1..8 sends "0123456789"*800 "\r\n"
    end
    a1..8 sends "\r\n"
    server rests
    b connects {server}
    b sends "GET / HTTP/1.1\r\n\r\n"
    server says lines 9 "New client connected"
    b1..30 connects {server}
    b1..30 sends "GET / HTTP/1.1\r\n\r\n"
    b1..30 ends
    server rests
    server signal TERM
    server rests
    server signal TERM
    server signal INT
    server rests
    server heard
    a1..8 gets answer 200
    a1..8 closes
    b gets answer 200
    b closes
    hint Every client that was accepted before the signal is served: the workers go on until the queue is empty, however many are in it.
    b1..30 gets answer 200 or none
    within 5 server exits 0
    server says lines answered "New client connected"
    hint Wake all workers that wait for a client: pthread_cond_broadcast(3). pthread_cond_signal(3) wakes one, and the others are never joined.
    run server 0 127.0.0.1 9 30
    server ready
    c connects {server}
    c sends "GET / HTTP/1.1\r\n\r\n"
    c gets answer 200
    c closes
    server rests
    server signal TERM
    within 1.5 server exits 0
    hint main waits in accept(2) or poll(2) most of the time: the signal must end that wait, be it that the handler writes to a pipe, or closes it.
    run server 0
    server ready
    server rests
    server signal INT
    within 1.5 server exits 0
    hint A client that has not sent a whole request by then need not be answered, and keeps the server for SECONDS at most.
    run server 0 127.0.0.1 2 1
    server ready
    d1..3 connects {server}
    d2 sends "GET / HTTP/1.1\r\n"
    server says lines 3 "New client connected"
    server signal TERM
    within 3 server exits 0
END
}

@test "answers each of many clients once, on its own connection" {
    play <<'END'
    hint One worker has a client, from the queue to close(2): take it out under the lock. Each thread needs a line and a line_reader of its own.
    run server 0 127.0.0.1 8 20
    server ready
    repeat 3
    server stops
    a1..40 starts-connecting {server}
    a1..40 sends "GET / HTTP/1.1\r\n" "X: 0123456789abcdefghijklmnopqrstuvwxyz\r\n"*90 "\r\n"
    a1..40 ends
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
    b1..30 ends
    server rests
    server stops
    server continues
    server rests
    server heard
    b1..30 gets answer 200
    server prints lines 60 of "X: " "a"*8189 | ""
END
}

@test "a thousand clients leave nothing behind" {
    play <<END
    hint Whoever takes a client out of the queue closes its descriptor, also when there was no whole request.
    run server 0
    server ready
$(http_a_thousand)
    server census
$(http_a_thousand)
    server as-before heap 20 virtual 40000
    server threads same
END
}

@test "serves who came before its threads had started" {
    play <<'END'
    hint A condition keeps no signal for later (pthread_cond_signal(3)), and a thread may begin long after pthread_create(3) has returned. So look at the queue first, and wait only while it is empty.
    try make faults28
    run server 0 127.0.0.1 4 30 with faults=thread:delay=60
    server ready
    a1..12 connects {server}
    a1..12 sends "GET / HTTP/1.1\r\n\r\n"
    a1..12 ends
    a1..12 gets answer 200
    a1..12 closes
    hint A thread that starts when the end has come already answers who waits, too, and then ends: look whether there is a client before you look whether it is over.
    run server 0 127.0.0.1 4 30 with faults=thread:delay=60
    server ready
    b1..8 connects {server}
    b1..8 sends "GET / HTTP/1.1\r\n\r\n"
    b1..8 ends
    server says lines 8 "New client connected"
    server signal TERM
    b1..8 gets answer 200
    b1..8 closes
    server exits 0
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
    play <<'END'
    hint A worker lives as long as the server: no client's failure is a reason to leave its loop.
    run server 0 127.0.0.1 2
    server ready
    server rests
    server census
    repeat 5
    server stops
    a starts-connecting {server}
    a sends "GET / HTTP/1.1\r\n\r\n"
    a resets
    b starts-connecting {server}
    b sends "GET / HT"
    b resets
    server continues
    c connects {server}
    c closes
    end
    d connects {server}
    d sends "GET / HTTP/1.1\r\n\r\n"
    d gets answer 200
    d closes
    server as-before
    server threads same
    hint When accept(2) fails, go on, and wait a little before the next try: with no descriptor left (EMFILE), it fails again at once.
    server limits files 4
    e1..2 connects {server}
    e1 closes
    e2 sends "GET / HTTP/1.1\r\n\r\n"
    server idle 0.05
    within 2 server sleeps
    server runs
    server limits files back
    e2 gets the rest
    e2 closes
    f connects {server}
    f sends "GET / HTTP/1.1\r\n\r\n"
    f gets answer 200
END
}

@test "takes a request in any pieces, and answers none that is cut short" {
    http_pieces
}

@test "goes on when accept fails, and when a signal comes" {
    http_accept_fails 28
}

@test "answers 431 to what is too long, without waiting for the rest" {
    http_too_long
}

@test "goes on without what it cannot print, until a signal ends it" {
    http_goes_on '127.0.0.1 4 1' 3
}

@test "refuses a wrong command line and a port that is taken" {
    http_command_line 28 'server [PORT [ADDRESS [WORKERS [SECONDS]]]]'
    play <<'END'
    hint WORKERS and SECONDS are decimal digits, a number of 1 or more, and not of any size. atoi(3) takes "4x" for 4, "x" for 0, and says nothing of what is too large.
    try make run28 ARGS='8080 127.0.0.1 0'
    run server 0 127.0.0.1 0
    server usage
    run server 0 127.0.0.1 4x
    server usage
    run server 0 127.0.0.1 -4
    server usage
    run server 0 127.0.0.1 +4
    server usage
    run server 0 127.0.0.1 ''
    server usage
    run server 0 127.0.0.1 18446744073709551620
    server usage
    run server 0 127.0.0.1 4 0
    server usage
    run server 0 127.0.0.1 4 1.5
    server usage
    run server 0 127.0.0.1 4 " 5"
    server usage
    run server 0 127.0.0.1 4 4294967301
    server usage
    run server 0 127.0.0.1 4 5 6
    server usage
    hint pthread_create(3) returns its error, EAGAIN here, and leaves errno alone. When the threads cannot be had, say so in one line "server: what: why" on stderr and exit with 1.
    run server 0 127.0.0.1 60 with processes=20
    server complains "thread" | "temporarily" | "EAGAIN" | "worker"
END
    http_where
}

@test "ThreadSanitizer reports no data race" {
    http_no_race 28-thread-pool <<'END'
    hint Two threads use the same variable and nothing says who is first. All of the queue is under its lock (pthread_mutex_lock(3)), also to look whether it is empty; a thread has other variables for itself.
    try grep -A 30 'data race' build/log/28-thread-pool/18.log
    run server 0 127.0.0.1 8 30
    server ready
    a connects {server}
    b1..30 connects {server}
    server rests
    b1..20 sends "GET /{i} HTTP/1.1\r\nX: y\r\n\r\n"
    b21..25 sends "GET / HT"
    b1..25 ends
    b1..25 gets the rest
    b1..25 closes
    repeat 30
    c connects {server}
    c sends "GET / HTTP/1.1\r\n\r\n"
    c ends
    c gets the rest
    c closes
    end
    a sends "GET / HTTP/1.1\r\n\r\n"
    a ends
    b26..30 sends "GET / HTTP/1.1\r\n\r\n"
    b26..30 ends
    server signal TERM
    a gets the rest
    server ends
    server no-race
END
}
