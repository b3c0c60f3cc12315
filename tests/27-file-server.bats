# The checks of 27-file-server, in the order in which a student gets them right.
load support/check

# A thread counts as a process.
export PROCESSES=1024

A_LONG_NAME=$(printf 'n%.0s' {1..200})

# A folder with a file or two, served, beside one that is not.
serves() {
    cat <<'END'
    folder site 0755
    file site/hello.txt 0644 "Hello, files\n"
    folder site/sub 0755
    file site/sub/x.txt 0644 "below\n"
    run server --directory site 0
    server ready
END
}

@test "listens and says on which port" {
    play <<END
    hint The frame is there already: once it listens, main says on which port.
$(serves)
    a connects {server}
    hint Print a line for each connection, as soon as accept(2) has returned it: New client connected
    server says lines 1 "New client connected"
    a closes
    b connects {server}
    server says lines 2 "New client connected"
END
}

@test "answers 404 to a name that is not there, 400 to a broken one" {
    play <<END
    hint Decode the request's path with web_decode(), take its dots out with web_clean(), and return true: then there is a name to look for.
    try curl -i http://127.0.0.1:8000/nothing
$(serves)
    a connects {server}
    a sends "GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n"
    a gets reply 404
    a closes
    hint What is no escape is 400: return false where web_decode() says -1.
    try curl -i 'http://127.0.0.1:8000/%zz'
    b connects {server}
    b sends "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n"
    b gets reply 400
    b closes
    c connects {server}
    c sends "GET /hello.txt% HTTP/1.1\r\nHost: a\r\n\r\n"
    c gets reply 400
    c closes
    d connects {server}
    d sends "GET /hello.txt%4 HTTP/1.1\r\nHost: a\r\n\r\n"
    d gets reply 400
    d closes
    hint %00 is 400: open(2) would take the NUL for the name's end.
    try curl -i 'http://127.0.0.1:8000/LICENSE%00.png'
    e connects {server}
    e sends "GET /hello.txt%00.png HTTP/1.1\r\nHost: a\r\n\r\n"
    e gets reply 400
    e closes
    hint A page that says what is missing must not hold the path as it came: in a browser, it would be run. Escape it, or leave it out.
    f connects {server}
    f sends "GET /%3Cscript%3Ex HTTP/1.1\r\nHost: a\r\n\r\n"
    f gets reply 404
    f replied body lacks "<script>"
    f sends "GET /hello.txt/ HTTP/1.1\r\nHost: a\r\n\r\n"
    f gets reply 404
    f sends "GET /" "a"*300 "/x HTTP/1.1\r\nHost: a\r\n\r\n"
    f gets reply 404
END
}

@test "tells a file's type and length to HEAD" {
    play <<END
    hint HEAD gets the head that GET would get, with the length of the file, and nothing behind it.
    try curl -I http://127.0.0.1:8000/LICENSE
$(serves)
    file site/a.html 0644 "<p>"
    file site/a.html.txt 0644 "<p>"
    file site/a.css 0644 "p"
    file site/a.PNG 0644 "x"
    file site/big 0644 ""
    size site/big 5368709133
    a connects {server}
    a sends "HEAD /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n"
    a gets reply 200 to HEAD
    a replied Content-Length "13"
    hint The type is that of the name's end, and plain text is text/plain.
    a replied Content-Type begins "text/plain"
    a sends "HEAD /a.html HTTP/1.1\r\nHost: a\r\n\r\n"
    a gets reply 200 to HEAD
    a replied Content-Type begins "text/html"
    a sends "HEAD /a.html.txt HTTP/1.1\r\nHost: a\r\n\r\n"
    a gets reply 200 to HEAD
    a replied Content-Type begins "text/plain"
    a sends "HEAD /a.css HTTP/1.1\r\nHost: a\r\n\r\n"
    a gets reply 200 to HEAD
    a replied Content-Type begins "text/css"
    a sends "HEAD /a.PNG HTTP/1.1\r\nHost: a\r\n\r\n"
    a gets reply 200 to HEAD
    a replied Content-Type begins "image/png"
    hint A file may be longer than 4 GiB: keep lengths in a long long or off_t.
    a sends "HEAD /big HTTP/1.1\r\nHost: a\r\n\r\n"
    a gets reply 200 to HEAD
    a replied Content-Length "5368709133"
    a sends "HEAD /nothing HTTP/1.1\r\nHost: a\r\n\r\n"
    a gets reply 404 to HEAD
    a sends "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"
    a gets reply 200 to HEAD
    a sends "HEAD /hello.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    a gets reply 200 to HEAD
    a gets eof
END
}

@test "sends a file, and the next one on the same connection" {
    play <<END
    hint Send the bytes of the file after the head: call send_piece() until nothing is left.
    try curl -i http://127.0.0.1:8000/LICENSE
$(serves)
    file site/empty 0644
    file site/blob 0644 binary*300000
    file 'site/a b?.txt' 0644 "space"
    file site/%41 0644 "once"
    file site/a+b 0644 "plus"
    file site/a..b 0644 "dots"
    file "site/\xff\xfe\n" 0644 "bytes"
    a connects {server}
    a sends "GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n"
    a gets reply 200 "Hello, files\n"
    a replied Content-Length "13"
    hint The connection stays open for the next request, unless the client says Connection: close or speaks HTTP/1.0.
    try curl -v 127.0.0.1:8000/LICENSE 127.0.0.1:8000/lib/net.h
    a sends "GET /blob HTTP/1.1\r\nHost: a\r\n\r\n"
    a gets reply 200 binary*300000
    a sends "GET /empty HTTP/1.1\r\nHost: a\r\n\r\n"
    a gets reply 200
    a replied Content-Length "0"
    a sends "GET /sub/x.txt HTTP/1.1\r\nHost: a\r\n\r\n"
    a gets reply 200 "below\n"
    hint Decode the path, and only the path: what stands behind a ? is no part of the name, and + is a plus there.
    a sends "GET /hello.txt?v=2&x=%zz HTTP/1.1\r\nHost: a\r\n\r\n"
    a gets reply 200 "Hello, files\n"
    a sends "GET /a%20b%3f.txt HTTP/1.1\r\nHost: a\r\n\r\n"
    a gets reply 200 "space"
    a sends "GET /a+b HTTP/1.1\r\nHost: a\r\n\r\n"
    a gets reply 200 "plus"
    a sends "GET /a..b HTTP/1.1\r\nHost: a\r\n\r\n"
    a gets reply 200 "dots"
    a sends "GET /%FF%fe%0A HTTP/1.1\r\nHost: a\r\n\r\n"
    a gets reply 200 "bytes"
    hint Decode once: %2541 is the name %41, and no A.
    a sends "GET /%2541 HTTP/1.1\r\nHost: a\r\n\r\n"
    a gets reply 200 "once"
    hint Behind the head may be the next request already: keep what was read too much.
    try printf 'GET / HTTP/1.1\nHost: a\n\n%.0s' 1 2 3 | nc 127.0.0.1 8000
    a sends "GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n"*3 "GET /sub/x"
    a gets reply 200 "Hello, files\n"
    a gets reply 200 "Hello, files\n"
    a gets reply 200 "Hello, files\n"
    a sends ".txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    a gets reply 200 "below\n"
    a gets eof
    hint Where the connection ends after an answer, say so in it: Connection: close.
    a replied Connection not begins "keep-alive" | "Keep-Alive" | "Keep-alive"
    hint HTTP/1.0 closes after each answer.
    b connects {server}
    b sends slowly "GET /hello.txt HTTP/1.0\r\n\r\n"
    b gets reply 200 "Hello, files\n"
    b gets eof
    b closes
    hint A proxy's form of the same: GET http://host/path.
    c connects {server}
    c sends "GET http://a/hello.txt HTTP/1.1\r\nHost: a\r\n\r\n"
    c gets reply 200 "Hello, files\n"
    c closes
END
}

@test "sends a long file whole, however slowly it is taken" {
    play <<END
    hint sendfile(2) and write(2) may send a part only: go on with the rest, from where the last call stopped.
    try head -c 99999999 /dev/zero >long; curl 127.0.0.1:8000/long | cmp - long
$(serves)
    file site/long 0644 binary*6000000
    a connects {server} buffer=4096
    a sends "GET /long HTTP/1.1\r\nHost: a\r\n\r\n"
    server rests
    server stops
    server continues
    hint A client may take nothing for some seconds: a time limit for write(2), if any, is longer.
    server idle 2.5
    hint A client that does not take its answer holds up that client alone.
    b connects {server}
    b sends "GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n"
    within 1.5 b gets reply 200 "Hello, files\n"
    b closes
    hint What a client takes slowly is as long as what it takes at once: go on with the rest, from where the last call stopped, and let a time limit for write(2), if any, be longer than some seconds.
    a gets reply 200 binary*6000000
    hint What a client sends while it waits is its next request.
    a sends "GET /sub/x.txt HTTP/1.1\r\nHost: a\r\n\r\n"
    a gets reply 200 "below\n"
END
}

@test "lists a folder, whatever the names in it" {
    play <<END
    hint A link's address is the name with all but letters, digits and -._~ as %NN: web_put_url(). Its text is the name with < > & and quotes as references: web_put_html().
    try curl http://127.0.0.1:8000/
$(serves)
    file 'site/<b>&"x' 0644 "markup"
    file "site/\\x27><i>" 0644 "quote"
    file 'site/100%25?#.txt' 0644 "percent"
    file 'site/Zoo' 0644 "z"
    file 'site/&lt;' 0644 "reference"
    file "site/tab\tline\n" 0644 "control"
    file "site/\xfcml" 0644 "bytes"
    file 'site/a:b' 0644 "colon"
    file 'site/.hidden' 0644 "h"
    file "site/long " 0644 "space"
    a connects {server}
    a sends "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    a gets reply 200
    a replied Content-Type begins "text/html"
    a replied body lacks "<b>" | "<i>"
    hint Sort as Python does: by name, and letter case does not count.
    a replied links "&lt;" | "\x27><i>" | ".hidden" | "100%25?#.txt" | "<b>&\"x" | "a:b" | "hello.txt" | "long " | "sub" | "tab\tline\n" | "Zoo" | "\xfcml"
    hint What a link leads to is the file of that name.
    a sends "GET /%3Cb%3E%26%22x HTTP/1.1\r\nHost: a\r\n\r\n"
    a gets reply 200 "markup"
    a sends "GET /100%2525%3F%23.txt HTTP/1.1\r\nHost: a\r\n\r\n"
    a gets reply 200 "percent"
    hint The page is as long as it must be, for any number of names of any length.
    folder site/many 0755
$(for n in {100..699}; do
        echo "file site/many/$n-$A_LONG_NAME 0644"
    done)
    a sends "GET /many/ HTTP/1.1\r\nHost: a\r\n\r\n"
    a gets reply 200
    a replied body holds "100-n" | "101-n" | "250-n" | "399-n" | "699-n"
    hint A folder's name ends with a slash, else the links in its page lead elsewhere: answer 301 to a name without, with the right one in Location.
    try curl -i http://127.0.0.1:8000/lib
    a sends "GET /sub HTTP/1.1\r\nHost: a\r\n\r\n"
    a gets reply 301
    a replied Location "/sub/" | "http://a/sub/" | "sub/"
    a sends "GET /sub/ HTTP/1.1\r\nHost: a\r\n\r\n"
    a gets reply 200
    a replied links "x.txt"
    hint In Location, a name that begins with two slashes is another server's: begin it with one, however many the client sent.
    try curl -i http://127.0.0.1:8000//lib
    a sends "GET //sub HTTP/1.1\r\nHost: a\r\n\r\n"
    a gets reply 301|400|404
    a replied Location not begins "//" | "http://sub"
    a closes
    a connects {server}
    hint A link to a folder inside is as good as the folder: 301 without its slash, too.
    link site/below sub
    a sends "GET /below HTTP/1.1\r\nHost: a\r\n\r\n"
    a gets reply 301
    hint The name in Location is escaped as in a listing, whatever bytes are in it: a CR LF there would end the field.
    folder "site/<b>\r\nX: y" 0755
    a sends "GET /%3Cb%3E%0D%0AX:%20y HTTP/1.1\r\nHost: a\r\n\r\n"
    a gets reply 301
    a replied no X
    a replied body lacks "<b>"
    a sends "GET /%3Cb%3E%0D%0AX:%20y/ HTTP/1.1\r\nHost: a\r\n\r\n"
    a gets reply 200
    a replied body lacks "<b>"
    folder "site/50% off" 0755
    a sends "GET /50%25%20off HTTP/1.1\r\nHost: a\r\n\r\n"
    a gets reply 301
    a replied Location "/50%25%20off/" | "http://a/50%25%20off/" | "50%25%20off/" | "/%35%30%25%20%6f%66%66/" | "/%35%30%25%20%6F%66%66/"
    hint A folder that may not be read is an answer like others.
    folder site/shut 0000
    a sends "GET /shut/ HTTP/1.1\r\nHost: a\r\n\r\n"
    a gets reply 403|404|500
    hint Where there is an index.html, it is the folder's page.
    file site/sub/index.html 0644 "<p>index"
    a sends "GET /sub/ HTTP/1.1\r\nHost: a\r\n\r\n"
    a gets reply 200 "<p>index"
    a replied Content-Type begins "text/html"
END
}

@test "serves nothing outside of its folder" {
    play <<END
    hint Go through the path step by step with openat(2) and O_NOFOLLOW: a link anywhere in it may lead out.
    try ln -s /etc up; curl -i http://127.0.0.1:8000/up/passwd
    file secret 0644 "SECRET"
    folder site-2 0755
    file site-2/secret 0644 "SECRET"
$(serves)
    link site/out ../secret
    link site/up ..
    link site/beside ../site-2
    link site/sub/up ../..
    link site/etc /etc
    link site/loop loop
    link site/in hello.txt
    link site/below sub
    link site/sub/back ../hello.txt
    file site/a..b 0644 "dots"
$(for path in /out /up/secret /beside/secret /sub/up/secret /etc/hostname \
        /etc/passwd /up/site-2/secret /loop; do
        leads_nowhere "$path" '400|403|404'
    done)
    hint HEAD, If-Modified-Since and Range ask about the same file: open it in one way for all of them.
    try curl -I http://127.0.0.1:8000/up/passwd
$(for path in /out /up/secret /sub/up/secret /etc/passwd; do
        tells_nothing "$path"
    done)
    hint No .. leads out, in whatever form: first decode, once, then look at the steps.
    try curl -i --path-as-is 127.0.0.1:8000/../../etc/passwd
$(for path in /../secret /%2e%2e/secret /.%2E/secret /..%2fsecret \
        /%2e%2e%2fsecret /sub/../../secret /sub/%2e%2e/%2e%2e/secret \
        //../secret /./../secret /sub/..//../secret /../site-2/secret \
        /..//secret /sub/../../site-2/secret /%252e%252e/secret \
        '/..%5csecret' /../../../../../../../../../../etc/passwd \
        http://a/../secret /up/ /beside/ /sub/up/ /.. /../ /%2e%2e \
        /sub/../..; do
        leads_nowhere "$path" '200|301|302|400|403|404'
    done)
    hint An index.html is a file like others: a link that leads out is none to serve.
    folder site/indexed 0755
    link site/indexed/index.html ../../secret
$(leads_nowhere /indexed/ '200|403|404')
    hint Links that stay inside are as good as files: find out where they lead, and go there if that is below the root.
    try ln -s LICENSE in; curl -i http://127.0.0.1:8000/in
    a connects {server}
    a sends "GET /in HTTP/1.1\r\nHost: a\r\n\r\n"
    a gets reply 200 "Hello, files\n"
    a sends "GET /below/x.txt HTTP/1.1\r\nHost: a\r\n\r\n"
    a gets reply 200 "below\n"
    a sends "GET /sub/back HTTP/1.1\r\nHost: a\r\n\r\n"
    a gets reply 200 "Hello, files\n"
    a sends "GET /a..b HTTP/1.1\r\nHost: a\r\n\r\n"
    a gets reply 200 "dots"
END
}

# leads_nowhere PATH CODES: a connection of its own, for the last one may end.
leads_nowhere() {
    cat <<END
    o connects {server}
    o sends "GET $1 HTTP/1.1\r\nHost: a\r\n\r\n"
    o gets reply $2
    o replied body lacks "SECRET" | ">secret" | "root:" | "site-2"
    o closes
END
}

# tells_nothing PATH: not that it is there, how long it is, when it was changed.
tells_nothing() {
    cat <<END
    o connects {server}
    o sends "HEAD $1 HTTP/1.1\r\nHost: a\r\n\r\n"
    o gets reply 400|403|404 to HEAD
    o replied no Last-Modified
    o closes
    o connects {server}
    o sends "GET $1 HTTP/1.1\r\nHost: a\r\nIf-Modified-Since: Wed, 01 Jan 2098 00:00:00 GMT\r\n\r\n"
    o gets reply 400|403|404
    o closes
    o connects {server}
    o sends "GET $1 HTTP/1.1\r\nHost: a\r\nRange: bytes=99999999-\r\n\r\n"
    o gets reply 400|403|404
    o closes
END
}

@test "refuses a FIFO at once" {
    play <<END
    hint Open with O_NONBLOCK, for open(2) of a FIFO waits for a writer; then ask fstat(2), and answer 403 unless it is S_ISREG() or a folder.
    try mkfifo fifo; curl -i http://127.0.0.1:8000/fifo
$(serves)
    fifo site/fifo 0666
    L listens unix:site/socket
    a connects {server}
    a sends "GET /fifo HTTP/1.1\r\nHost: a\r\n\r\n"
    within 1.5 a gets reply 403
    a closes
    b connects {server}
    b sends "HEAD /fifo HTTP/1.1\r\nHost: a\r\n\r\n"
    within 1.5 b gets reply 403 to HEAD
    b closes
    c connects {server}
    c sends "GET /socket HTTP/1.1\r\nHost: a\r\n\r\n"
    within 1.5 c gets reply 403
    c closes
    d connects {server}
    d sends "GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n"
    within 1.5 d gets reply 200 "Hello, files\n"
    hint In a listing they are names as others are: whoever makes it asks stat(2), and opens nothing.
    d sends "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    within 1.5 d gets reply 200
    d replied links "fifo" | "hello.txt" | "socket" | "sub"
    hint An index.html that is no file is none: list the folder, or answer 403.
    fifo site/sub/index.html 0666
    e connects {server}
    e sends "GET /sub/ HTTP/1.1\r\nHost: a\r\n\r\n"
    within 1.5 e gets reply 200|403|404
END
}

@test "answers 304 to a client that has the file already" {
    play <<END
    hint Last-Modified says when the file was changed. A client sends that back as If-Modified-Since: if the file is not younger, answer 304 without a body.
    try curl -i -z '2 days ago' http://127.0.0.1:8000/LICENSE
$(serves)
    time site/hello.txt 784111777
    a connects {server}
    a sends "GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n"
    a gets reply 200 "Hello, files\n"
    a replied Last-Modified "Sun, 06 Nov 1994 08:49:37 GMT"
$(since 304 "Sun, 06 Nov 1994 08:49:37 GMT")
    hint Compare the seconds: a later date, or the same one in another form, is 304 too.
$(since 304 "Sun, 06 Nov 1994 08:49:38 GMT")
$(since 304 "Wed, 01 Jan 2020 00:00:00 GMT")
$(since 304 "Sunday, 06-Nov-94 08:49:37 GMT")
$(since 304 "Sun Nov  6 08:49:37 1994")
    hint An earlier date, or one that is no date: send the file.
$(since 200 "Sun, 06 Nov 1994 08:49:36 GMT" '"Hello, files\n"')
$(since 200 "Thu, 01 Jan 1970 00:00:00 GMT" '"Hello, files\n"')
$(since 200 "yesterday" '"Hello, files\n"')
    a sends "HEAD /hello.txt HTTP/1.1\r\nHost: a\r\nIf-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n"
    a gets reply 304
    a sends "GET /sub/x.txt HTTP/1.1\r\nHost: a\r\n\r\n"
    a gets reply 200 "below\n"
END
}

since() { # STATUS DATE [DATA]
    cat <<END
    a sends "GET /hello.txt HTTP/1.1\r\nHost: a\r\nIf-Modified-Since: $2\r\n\r\n"
    a gets reply $1 ${3-}
END
}

@test "sends a part of a file" {
    play <<END
    hint Range: bytes=0-0 is the first byte alone, 3- all from the fourth on, -3 the last three: 206, with Content-Range: bytes 0-0/13 for a file of 13.
    try curl -i -r 0-0 http://127.0.0.1:8000/LICENSE
$(serves)
    file site/big 0644
    size site/big 5368709120
    file site/empty 0644
    a connects {server}
$(part 0-0 '"H"' 'bytes 0-0/13')
$(part 7-11 '"files"' 'bytes 7-11/13')
$(part 3- '"lo, files\n"' 'bytes 3-12/13')
$(part -3 '"es\n"' 'bytes 10-12/13')
    hint A part that goes beyond the end ends there.
$(part 12-99 '"\n"' 'bytes 12-12/13')
$(part -99 '"Hello, files\n"' 'bytes 0-12/13')
$(asks 0-18446744073709551616)
    a gets reply 200|206 "Hello, files\n"
    hint A part that begins behind the end is 416.
    try curl -i -r 13- http://127.0.0.1:8000/LICENSE
$(asks 13-)
    a gets reply 416
$(asks 99-100)
    a gets reply 416
    hint An empty file has no part: 416, or all of it with 200.
    a sends "GET /empty HTTP/1.1\r\nHost: a\r\nRange: bytes=0-\r\n\r\n"
    a gets reply 200|416
    a sends "GET /empty HTTP/1.1\r\nHost: a\r\nRange: bytes=-1\r\n\r\n"
    a gets reply 200|416
    hint What is no range of bytes is passed over: send the file, with 200.
$(asks x)
    a gets reply 200 "Hello, files\n"
    a sends "GET /hello.txt HTTP/1.1\r\nHost: a\r\nRange: lines=0-1\r\n\r\n"
    a gets reply 200 "Hello, files\n"
    hint A request's Range is for that request alone.
    a sends "GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n"
    a gets reply 200 "Hello, files\n"
    hint Parts of files of more than 4 GiB: keep places in a long long or off_t.
    a sends "GET /big HTTP/1.1\r\nHost: a\r\nRange: bytes=5368709116-\r\n\r\n"
    a gets reply 206 "\0\0\0\0"
    a replied Content-Range "bytes 5368709116-5368709119/5368709120"
END
}

asks() { # RANGE
    printf '%s\n' "a sends \"GET /hello.txt HTTP/1.1\\r\\nHost: a\\r\\nRange: bytes=$1\\r\\n\\r\\n\""
}

part() { # RANGE DATA CONTENT-RANGE
    cat <<END
$(asks "$1")
    a gets reply 206 $2
    a replied Content-Range "$3"
END
}

@test "refuses what is no request" {
    play <<END
    hint A request that is not as RFC 9112 has it is 400, and the connection ends: nobody knows where the next one would begin. http_head() of lib/http.h says so.
    try printf 'GET / HTTP/1.1\r\n\r\n' | nc 127.0.0.1 8000
$(serves)
$(refuses 400 'GET /hello.txt HTTP/1.1\r\n\r\n')
$(refuses 400 'GET /hello.txt HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n')
$(refuses 400 'GARBAGE\r\n\r\n')
$(refuses 400 'GET /hello.txt HTTP/1.1\r\nHost: a\r\nA : b\r\n\r\n')
$(refuses 400 'GET /hello.txt HTTP/1.1\r\nHost: a\r\nA: b\r\n c\r\n\r\n')
$(refuses 400 'GET /hello.txt HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n')
$(refuses 400 'GET /hello.txt HTTP/1.1\r\nHost: a\r\nA: \0\r\n\r\n')
$(refuses 400 'GET /hello.txt XTTP/1.1\r\nHost: a\r\n\r\n')
$(refuses '400|505' 'GET /hello.txt HTTP/2.0\r\nHost: a\r\n\r\n')
    hint Two lengths, or a length and Transfer-Encoding: 400, or a second request can be hidden in the first one's body.
$(refuses 400 'GET /hello.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n')
$(refuses 400 'GET /hello.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n')
$(refuses 400 'GET /hello.txt HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n')
$(refuses 501 'GET /hello.txt HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n')
$(refuses '200|400' 'GET /hello.txt HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n')
    hint A length of more digits than the largest number has is no small one: strtoull(3) says ERANGE, a product of your own is wrong before that.
$(refuses '400|413' 'GET /hello.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551617\r\n\r\nx')
    hint Another method than GET and HEAD is 501.
    try curl -i -X DELETE http://127.0.0.1:8000/LICENSE
    b connects {server}
    b sends "DELETE /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n"
    b gets reply 501
    b closes
    c connects {server}
    c sends "POST /hello.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
    c gets reply 501
    c closes
    d connects {server}
    d sends "GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n"
    d gets reply 200 "Hello, files\n"
END
}

refuses() { # CODES REQUEST
    cat <<END
    o connects {server}
    o sends "$2"
    o gets reply $1
    o gets end
    o closes
END
}

@test "drops a request's body, and answers what comes behind it" {
    play <<END
    hint A body is no request: read as many bytes as Content-Length says, or chunks up to the empty one, and drop them. http_skip() does.
    try curl -v -d abcde 127.0.0.1:8000/LICENSE 127.0.0.1:8000/LICENSE
$(serves)
    a connects {server}
    a sends "GET /hello.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 35\r\n\r\nGET /nothing HTTP/1.1\r\nHost: a\r\n\r\nx"
    a sends "GET /sub/x.txt HTTP/1.1\r\nHost: a\r\n\r\n"
    a gets reply 200 "Hello, files\n"
    a gets reply 200 "below\n"
    a sends "GET /hello.txt HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" | "5\r\nab" | "cde\r\n23;x=y\r\nGET /nothing HTTP/1.1\r\nHost: a\r\n\r\nx\r\n0\r\nT: x\r\n\r" | "\nGET /sub/x.txt HTTP/1.1\r\nHost: a\r\n\r\n"
    a gets reply 200 "Hello, files\n"
    a gets reply 200 "below\n"
    a sends "GET /hello.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n" "x"*200000
    a gets reply 200|413 "Hello, files\n"
    a closes
    hint Expect: 100-continue: the client sends its body only after "HTTP/1.1 100 Continue" and an empty line, or after the answer.
    b connects {server}
    b sends "GET /hello.txt HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
    within 1.5 b gets reply 100|200|413|417
    b closes
    c connects {server}
    c sends "GET /sub/x.txt HTTP/1.1\r\nHost: a\r\n\r\n"
    c gets reply 200 "below\n"
END
}

@test "a silent client does not hold up the next one" {
    play <<END
    hint Each client has its own thread: one that keeps its connection open, or has sent half a request, holds up nobody.
    try nc 127.0.0.1 8000 & curl -im 2 http://127.0.0.1:8000/LICENSE
$(serves)
    hint A client may be silent for some seconds and go on: a time limit for read(2), if any, is longer.
    d connects {server}
    d sends "GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n"
    d gets reply 200 "Hello, files\n"
    d gets nothing 2.5
    d sends "GET /sub/x.txt HTTP/1.1\r\nHost: a\r\n\r\n"
    d gets reply 200 "below\n"
    hint Each client has its own thread: one that keeps its connection open, or has sent half a request, holds up nobody.
    a1..50 connects {server}
    a1..50 sends "GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n"
    a1..50 gets reply 200 "Hello, files\n"
    b1..50 connects {server}
    b1..50 sends "GET /hello"
    c connects {server}
    c sends "GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n"
    within 1.5 c gets reply 200 "Hello, files\n"
    b1..50 sends ".txt HTTP/1.1\r\nHost: a\r\n\r\n"
    b50..1 gets reply 200 "Hello, files\n"
    a50..1 sends "GET /sub/x.txt HTTP/1.1\r\nHost: a\r\n\r\n"
    a1..50 gets reply 200 "below\n"
END
}

@test "a file that shrinks costs that client only" {
    play <<END
    hint The file may become shorter while you send it: sendfile(2) and read(2) then return 0. Close that connection, for the client waits for what you promised; a mapped file would be SIGBUS.
$(serves)
    file site/long 0644 binary*6000000
    file site/growing 0644 binary*1500000
    a connects {server} buffer=4096
    a sends "GET /long HTTP/1.1\r\nHost: a\r\n\r\n"
    b connects {server} buffer=4096
    b sends "GET /growing HTTP/1.1\r\nHost: a\r\n\r\n"
    server says lines 2 "New client connected"
    server rests
    size site/long 0
    size site/growing 2000000
    within 5 a gets reply 200 cut-off binary*6000000
    a closes
    hint What you send must be as long as Content-Length said: a file that grows meanwhile has more, and that would be taken for the next answer.
    b gets reply 200
    b sends "GET /sub/x.txt HTTP/1.1\r\nHost: a\r\n\r\n"
    b gets reply 200 "below\n"
    b closes
    hint The file's length is the one that it has now: ask fstat(2) for each answer.
    size site/long 1000
    b connects {server}
    b sends "GET /long HTTP/1.1\r\nHost: a\r\nRange: bytes=-3\r\n\r\n"
    b gets reply 206
    b replied Content-Range "bytes 997-999/1000"
    hint A file that is gone, or that may not be read, is an answer like others.
    remove site/hello.txt
    b sends "GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n"
    b gets reply 404
    file site/locked 0000 "SECRET"
    b sends "GET /locked HTTP/1.1\r\nHost: a\r\n\r\n"
    b gets reply 403|404|500
    b closes
    hint A client that leaves in the middle of its answer ends its own connection: ignore SIGPIPE, as main does.
    file site/long 0644 binary*6000000
    c1..3 connects {server} buffer=4096
    c1..3 sends "GET /long HTTP/1.1\r\nHost: a\r\n\r\n"
    server rests
    c1..2 resets
    c3 closes
    d connects {server}
    d sends "GET /sub/x.txt HTTP/1.1\r\nHost: a\r\n\r\n"
    within 1.5 d gets reply 200 "below\n"
    server runs
END
}

# A hundred clients of all kinds, one after the other.
a_hundred() {
    cat <<END
    repeat 25
    a connects {server}
    a sends "GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n"
    a gets reply 200 "Hello, files\n"
    a sends "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    a gets reply 200
    a sends "HEAD /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n"
    a gets reply 200 to HEAD
    a sends "GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n"
    a gets reply 404
    a sends "GET /sub HTTP/1.1\r\nHost: a\r\n\r\n"
    a gets reply 301
    a sends "GET /fifo HTTP/1.1\r\nHost: a\r\n\r\n"
    a gets reply 403
    a sends "GET /in HTTP/1.1\r\nHost: a\r\n\r\n"
    a gets reply 200 "Hello, files\n"
    a sends "GET /out HTTP/1.1\r\nHost: a\r\n\r\n"
    a gets reply 403|404
    a sends "GET /hello.txt HTTP/1.1\r\nHost: a\r\nRange: bytes=1-1\r\n\r\n"
    a gets reply 206 "e"
    a sends "GET /hello.txt HTTP/1.1\r\nHost: a\r\nRange: bytes=99-\r\n\r\n"
    a gets reply 416
    a sends "GET /hello.txt HTTP/1.1\r\nHost: a\r\nIf-Modified-Since: Wed, 01 Jan 2098 00:00:00 GMT\r\n\r\n"
    a gets reply 200|304
    a closes
    b connects {server}
    b sends "GET / HTTP/1.1\r\n\r\n"
    b gets reply 400
    b closes
    f connects {server}
    f sends "HEAD /long/$A_LONG_NAME/in HTTP/1.1\r\nHost: a\r\n\r\n"*20 "HEAD /long/ HTTP/1.0\r\n\r\n"
    f gets the rest
    f closes
    c connects {server}
    c sends "GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n"
    c resets
    d connects {server}
    d sends "GET /hel"
    d ends
    d gets end
    d closes
    end
    server idle
END
}

@test "clients leave no descriptor and no memory behind" {
    play <<END
    hint Close the file after each answer, and free the page. A connection is closed where its client has closed it, or must be.
$(serves)
    fifo site/fifo 0666
    link site/in hello.txt
    link site/out ../..
    folder site/long 0755
    folder site/long/$A_LONG_NAME 0755
    link site/long/$A_LONG_NAME/in ../10$A_LONG_NAME
$(for n in {10..30}; do
        echo "file site/long/$n$A_LONG_NAME 0644"
    done)
$(a_hundred)
    server census
$(a_hundred)
    server steady heap 20 virtual 4000
$(a_hundred)
    server as-before heap 20 virtual 4000
END
}

@test "goes on when no thread and no descriptor is left" {
    play <<END
    hint When pthread_create(3) fails, answer 503 and close the descriptor; when accept(2) or open(2) do, go on.
$(serves)
    w1..12 connects {server}
    w1..12 sends "GET /hello.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    w1..12 gets reply 200 "Hello, files\n"
    w1..12 closes
    server idle
    server limits processes 0
    a connects {server}
    a sends "GET /hello.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    a gets the rest
    a closes
    server limits processes back
    b connects {server}
    b sends "GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n"
    b gets reply 200 "Hello, files\n"
    server limits files 4
    b sends "GET /sub/x.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    b gets the rest
    b closes
    c connects {server}
    server idle 0.05
    server runs
    server limits files back
    c closes
    d connects {server}
    d sends "GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n"
    d gets reply 200 "Hello, files\n"
END
}

@test "goes on when accept fails, and when a signal comes" {
    play <<'END'
    hint accept(2) may fail for a client that has given up while it queued (ECONNABORTED). That is no reason to end: take the next client.
    try make faults27
    folder site 0755
    file site/hello.txt 0644 "Hello, files\n"
    run server --directory site 0 with faults=accept:ECONNABORTED@1..2;accept4:ECONNABORTED@1..2
    server ready
    a connects {server}
    a sends "GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n"
    a gets reply 200 "Hello, files\n"
    a closes
    hint A signal that has a handler interrupts a call (EINTR): make it again. A signal without one, as these, is nothing to you.
    try pkill -WINCH -x server, before and while a client asks
    server rests
    server signal CHLD
    server signal WINCH
    settle
    b connects {server}
    b sends "GET /hello.txt HT"
    settle
    server signal CHLD
    server signal WINCH
    settle
    b sends "TP/1.1\r\nHost: b\r\n\r\n"
    b gets reply 200 "Hello, files\n"
    server runs
END
}

@test "logs each request in a line" {
    play <<END
    hint Print a line on stderr for each request, as all servers do: ADDRESS - - [DATE] "REQUEST LINE" STATUS BYTES
    try curl -s http://127.0.0.1:8000/LICENSE
$(serves)
    a connects {server}
    a sends "GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n"
    a gets reply 200 "Hello, files\n"
    server says "127.0.0.1 - - ["
    server says "] \"GET /hello.txt HTTP/1.1\" 200 13\n"
    hint The date is strftime(3) of localtime_r(3), with "%d/%b/%Y:%H:%M:%S %z".
    a sends "GET /sub/x.txt HTTP/1.1\r\nHost: a\r\n\r\n"
    a gets reply 200 "below\n"
    server says log 127.0.0.1 "\"GET /sub/x.txt HTTP/1.1\" 200 6\n"
    hint A request that is answered with something else than a file is logged, too.
    a sends "HEAD /nothing HTTP/1.1\r\nHost: a\r\n\r\n"
    a gets reply 404 to HEAD
    server says "127.0.0.1 - - ["
    server says "] \"HEAD /nothing HTTP/1.1\" 404 "
    a sends "GET /sub HTTP/1.1\r\nHost: a\r\n\r\n"
    a gets reply 301
    server says "] \"GET /sub HTTP/1.1\" 301 "
    a sends "DELETE /sub HTTP/1.1\r\nHost: a\r\n\r\n"
    a gets reply 501
    server says "] \"DELETE /sub HTTP/1.1\" 501 "
    a closes
    b connects {server}
    b sends "GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n"
    b gets reply 200 "Hello, files\n"
    hint What a client sent is never a format: fprintf(stderr, "%s", line).
    b sends "GET /hello.txt?%s%s%n%n%d HTTP/1.1\r\nHost: a\r\n\r\n"
    b gets reply 200 "Hello, files\n"
    server says "] \"GET /hello.txt?%s%s%n%n%d HTTP/1.1\" 200 13\n"
    server runs
END
}

@test "goes on without what it cannot print, until a signal ends it" {
    play <<END
    hint SIGTERM and SIGINT end a process by default: leave them so, or end within a second, also while clients are there.
$(serves)
    a connects {server}
    a sends "GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n"
    a gets reply 200 "Hello, files\n"
    b connects {server}
    b sends "GET / HTTP/1.1\r\n"
    settle
    server signal TERM
    within 1.5 server ends
    hint Set SO_REUSEADDR before bind(2), as tcp_listen() does: without it the port stays taken while old connections linger.
    run server --directory site {server}
    server ready
    hint Where nobody reads stderr any more, printing sends SIGPIPE. Ignore that signal at the start of main, and go on.
    server unread stderr
    c connects {server}
    c sends "GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n"
    c gets reply 200 "Hello, files\n"
    c sends "GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n"
    c gets reply 200 "Hello, files\n"
    server signal INT
    within 1.5 server ends
END
}

@test "takes the options of python -m http.server, and no others" {
    play <<'END'
    hint The options are those of Python, short and long, with the value behind them or behind a =: getopt_long(3) reads them.
    try make run27 ARGS='-b 127.0.0.1 -d /tmp 8001'
    folder site 0755
    file site/hello.txt 0644 "Hello, files\n"
    run server -b 127.0.0.1 -d site/ 0
    server ready
    a connects {server}
    a sends "GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n"
    a gets reply 200 "Hello, files\n"
    run server --directory=site --bind=127.0.0.1 0
    server ready
    b connects {server}
    b sends "GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n"
    b gets reply 200 "Hello, files\n"
    run server 0 --directory site
    server ready
    c connects {server}
    c sends "GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n"
    c gets reply 200 "Hello, files\n"
    hint The folder may be named by a symbolic link, and be the root of all: then what is below it begins with the root's own slash.
    link other site
    run server --directory other 0
    server ready
    c connects {server}
    c sends "GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n"
    c gets reply 200 "Hello, files\n"
    link site/in hello.txt
    run server --directory / 0
    server ready
    c connects {server}
    c sends "GET {here}/site/in HTTP/1.1\r\nHost: a\r\n\r\n"
    c gets reply 200 "Hello, files\n"
    hint The folder that is served is the one where the server was started, unless --directory says another.
    run server 0
    server ready
    d connects {server}
    d sends "GET /site/hello.txt HTTP/1.1\r\nHost: a\r\n\r\n"
    d gets reply 200 "Hello, files\n"
    hint For a wrong command line call usage(). A port is digits only, 0 to 65535: is_port() tells.
    try make run27 ARGS=http
    run server 65536
    server usage
    run server http
    server usage
    run server 8000 9000
    server usage
    run server --frobnicate
    server usage
    run server --bind
    server usage
    try make run27 ARGS=--help
    hint For --help alone, print the usage on stdout and exit with 0, as usage() of lib/net.h does.
    run server --help
    server prints "usage: "
    server exits 0
    hint When bind(2) fails, or there is no such folder, print one line "server: what: why" on stderr and exit with 1, as die() does.
    L listens 0
    run server {L}
    server complains "in use" | "EADDRINUSE"
    run server --directory nowhere 0
    server complains "no such file" | "ENOENT" | "not found" | "does not exist"
END
}

@test "listens on port 8000 of 127.0.0.1, or where it is told" {
    play <<'END'
    need room
    need ipv6
    hint PORT is 8000 and ADDRESS is 127.0.0.1 where the command line does not say.
    file hello.txt 0644 "Hello, files\n"
    run server
    server ready
    a connects 127.0.0.1 8000
    a sends "GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n"
    a gets reply 200 "Hello, files\n"
    b is-refused 10.0.0.1 8000
    c is-refused ::1 8000
    server signal TERM
    server ends
    hint :: is every address of the machine, of both families: tcp_listen() sees to that.
    run server --bind :: 0
    server ready
    d connects ::1 {server}
    d sends "GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n"
    d gets reply 200 "Hello, files\n"
    hint The log says who asked: the client's address, from accept(2) or getpeername(2).
    server says log ::1 "\"GET /hello.txt HTTP/1.1\" 200 13\n"
    hint :: is every address of the machine, of both families: tcp_listen() sees to that.
    e connects 127.0.0.1 {server}
    e sends "GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n"
    e gets reply 200 "Hello, files\n"
    run server --bind six.test 0
    server ready
    f connects ::1 {server}
    g is-refused 127.0.0.1 {server}
    hint When a name is not found, say so in one line "server: what: why" on stderr and exit with 1.
    run server --bind nowhere.test 0
    server complains "name" | "again" | "resol" | "known" | "found" | "host"
END
}
