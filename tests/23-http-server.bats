# The checks of 23-http-server, in the order in which a student gets them right.
load support/check

@test "answers only after the empty line" {
    play <<'END'
    hint A request ends with an empty line: read line by line up to it, and only then answer.
    try printf 'GET / HTTP/1.1\r\n\r\n' | nc 127.0.0.1 8080
    run server 0
    server ready
    a connects {server}
    a sends "GET / HTTP/1.1\r\n"
    a gets nothing
    a sends "\r\n"
    a gets answer 200
END
}
