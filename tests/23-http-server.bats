# The checks of 23-http-server, in the order in which a student gets them
# right. 24-threaded-server keeps them all: the scripts are in support/http.bash.
load support/check
load support/http

@test "listens and says on which port" {
    http_listens
}

@test "prints each line as it comes" {
    http_prints
}

@test "answers as soon as the empty line has come" {
    http_empty_line
}

@test "sends the page with a right Content-Length" {
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
    http_accept_fails 23
}

@test "answers 431 to what is too long, without waiting for the rest" {
    http_too_long
}

# Four of all kinds, one after the other, so many times.
clients() { # TIMES
    cat <<END
    repeat $1
    e connects {server}
    e sends "GET / HTTP/1.1\r\n\r\n"
    e gets answer 200
    e closes
    f connects {server}
    f sends "GET / HT"
    f ends
    f gets eof
    f closes
    g connects {server}
    g sends "GET / HT"
    g resets
    h connects {server}
    h sends "GET /" "a"*8200
    h gets answer 431
    h closes
    end
END
}

@test "clients take turns and leave nothing behind" {
    play <<END
    hint A client may stay silent for long: wait for its request, for 10 s at least.
    run server 0
    server ready
    a connects {server}
    a sends "GET / HTTP/1.1\r\n"
    settle
    b connects {server}
    b sends "GET / HTTP/1.1\r\n\r\n"
    a gets nothing 9.4
    a sends "\r\n"
    a gets answer 200
    a closes
    hint When a client has its answer, close its connection and take the next one.
    b gets answer 200
    b closes
    c connects {server}
    d connects {server}
    d sends "GET / HTTP/1.1\r\n\r\n"
    c closes
    d gets answer 200
    d closes
    # A server with timers has taken ten seconds for this: the next one is fresh.
    run server 0
    server ready
    hint close(2) each client's descriptor, whatever its request was, free(3) what was allocated for it, and wait for threads and processes made for it.
$(clients 50)
    server census
$(clients 150)
    server as-before heap 8 virtual 40000
    hint When accept(2) fails, go on, and wait a little before the next try: with no descriptor left (EMFILE), it fails again at once.
    server limits files 4
    g1..2 connects {server}
    g1 closes
    g2 sends "GET / HTTP/1.1\r\n\r\n"
    server idle 0.05
    server runs
    server limits files back
    g2 gets the rest
    g2 closes
    i connects {server}
    i sends "GET / HTTP/1.1\r\n\r\n"
    i gets answer 200
END
}

@test "goes on without what it cannot print, until a signal ends it" {
    http_goes_on
}

@test "refuses a wrong command line and a port that is taken" {
    http_command_line 23
}

@test "listens on port 8080 of 127.0.0.1, or where it is told" {
    http_where
}
