#!/usr/bin/env bats
# Clients and servers that others wrote agree with the solutions.
# Each test is a bash script that runs in a room of its own: interop/room.bash
# says what it may call.

load interop/room

setup_file() {
    unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES
    cd "$BATS_TEST_DIRNAME/.." || return
    make -s build/support/launch build/solutions/20-pipe/pipe \
        build/solutions/21-tcp-echo/{server,client} \
        build/solutions/22-udp-chat/{server,client} \
        build/solutions/23-http-server/server \
        build/solutions/24-threaded-server/server \
        build/solutions/28-thread-pool/server \
        build/solutions/25-http-get/http-get \
        build/solutions/26-unix-socket/{server,client,pass-descriptor} \
        3>&- 4>&-
}

setup() {
    cd "$BATS_TEST_DIRNAME/.." || return
}

teardown() {
    end_room
}

@test "20: the same output and status as a shell's own pipelines" {
    in_room <<'END'
    mkdir tree
    seq 1 20000 >tree/numbers
    blob 300000
    mv blob tree/
    echo 'exit 7' >seven
    echo 'kill -KILL $$' >killed
    while IFS= read -r line; do
        # The words of a line are the same for both: there are no quotes.
        theirs=0 ours=0
        sh -c "$line" <tree/numbers >theirs 2>/dev/null || theirs=$?
        # shellcheck disable=SC2086
        "$BIN/20-pipe/pipe" $line <tree/numbers >ours 2>/dev/null || ours=$?
        [ "$ours" = "$theirs" ] || fail "$line: status $ours, not $theirs"
        cmp theirs ours || fail "$line: other output"
    done <<'LINES'
cat | wc -l
sort -rn | head -n 3
tar -cf - tree | gzip -c | gzip -dc | tar -xOf - tree/blob
tar -cf - tree | tar -tf - | sort
tr 0-9 a-j | sort | uniq -c | sort -rn | sed 5q | cut -c 5-
yes | head -n 100000 | cksum
cat tree/blob | dd bs=77 | od -c | tail -n 2
cat | cat | cat | cat | cat | cat | cat | cat | cat | cat | cat | cksum
tee copy | cmp - tree/numbers
true | false
false | true
grep -q nothing | cat
ls nothing | grep nothing
cat | sh seven
sh seven | cat
cat | sh killed
sh killed | cat
no-such-command | cat
cat | no-such-command
cat | ./tree
LINES
END
}

@test "21: nc, as client and as server" {
    in_room <<'END'
    needs_nc
    echo_by nc -N HOST PORT
    typed_back nc -l HOST PORT
END
}

@test "21: socat, as client and as server" {
    in_room <<'END'
    needs socat socat
    echo_by socat -t 20 - TCP:HOST:PORT
    typed_back socat -t 20 - TCP-LISTEN:PORT,bind=HOST,reuseaddr
    echo_server socat -t 20 TCP-LISTEN:PORT,bind=HOST,reuseaddr,fork EXEC:cat
END
}

@test "21: ncat, as client and as server" {
    in_room <<'END'
    needs ncat ncat
    echo_by ncat HOST PORT
    typed_back ncat -l HOST PORT
    # Its -e blocks, or drops the rest, where much is on its way.
    echo_server_of_lines ncat -l -k -e "$(command -v cat)" HOST PORT
END
}

@test "22: nc, in the chat and as its server" {
    in_room <<'END'
    needs_nc
    chat_by nc -u HOST PORT
    chat_with nc -u -l HOST PORT
END
}

@test "22: socat, in the chat and as its server" {
    in_room <<'END'
    needs socat socat
    chat_by socat - UDP:HOST:PORT
    chat_with socat - UDP-LISTEN:PORT,bind=HOST
END
}

@test "22: ncat, in the chat and as its server" {
    in_room <<'END'
    needs ncat ncat
    chat_by ncat -u HOST PORT
    chat_with ncat -u -l HOST PORT
END
}

@test "23, 24 and 28: nc" {
    in_room <<'END'
    needs_nc
    http_by nc HOST PORT
    http_by nc -N HOST PORT
END
}

@test "23, 24 and 28: socat" {
    in_room <<'END'
    needs socat socat
    http_by socat -t 20 - TCP:HOST:PORT
END
}

@test "23, 24 and 28: ncat" {
    in_room <<'END'
    needs ncat ncat
    http_by ncat HOST PORT
END
}

@test "23, 24 and 28: curl: GET, HEAD, POST, HTTP/1.0, keep-alive, IPv6" {
    in_room <<'END'
    needs curl curl
    blob 1000000
    for name in 23-http-server 24-threaded-server 28-thread-pool; do
        serve "$name"
        url=http://127.0.0.1:$port/
        curl -q -sS "$url" >got
        page got
        curl -q -sS -0 "${url}a/b?c=d" >got
        page got
        curl -q -sS -I "$url" >got
        has got 'HTTP/1.1 200 '
        curl -q -sS -H 'Connection: keep-alive' -o got -o got2 \
            -w '%{http_code} %{num_connects}\n' "$url" "$url" >told
        [ "$(cat told)" = $'200 1\n200 1' ] || fail "keep-alive:" "$(cat told)"
        page got2
        curl -q -sS -H Expect: --data-binary @blob "$url" >got
        page got
        curl -q -sS -H Expect: -T - "$url" <blob >got
        page got
        has printed 'GET /a/b?c=d HTTP/1.0'
        has printed 'HEAD / HTTP/1.1'
        has printed 'POST / HTTP/1.1'
        has printed 'User-Agent: curl/'
        stop "$server"
        [ -s /proc/net/if_inet6 ] || continue
        serve "$name" ::1
        curl -q -sS -g "http://[::1]:$port/" >got
        page got
        stop "$server"
    done
END
}

@test "23, 24 and 28: wget: GET, HEAD, POST" {
    in_room <<'END'
    needs wget wget
    blob 1000000
    for name in 23-http-server 24-threaded-server 28-thread-pool; do
        serve "$name"
        url=http://127.0.0.1:$port/
        wget --no-config -nv -t 1 -O got "$url" 2>err || fail "$(cat err)"
        page got
        wget --no-config -nv -t 1 --spider "$url" 2>err || fail "$(cat err)"
        wget --no-config -nv -t 1 -O got --post-file=blob "$url" 2>err ||
            fail "$(cat err)"
        page got
        has printed 'HEAD / HTTP/1.1'
        has printed 'POST / HTTP/1.1'
        stop "$server"
    done
END
}

@test "23, 24 and 28: Python's http.client: GET, HEAD, POST" {
    in_room <<'END'
    needs python3 python3
    for name in 23-http-server 24-threaded-server 28-thread-pool; do
        serve "$name"
        python3 - "$port" <<'PYTHON'
import http.client
import sys

c = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=20)


def ask(method, body=None, **more):
    c.request(method, "/", body, **more)
    r = c.getresponse()
    got = r.read()
    assert r.status == 200, r.status
    assert r.headers.get_content_type() == "text/html"
    length = int(r.headers["Content-Length"])
    if method == "HEAD":
        return
    assert len(got) == length, (len(got), length)
    assert b"<P>This is my test server page</P>" in got, got


ask("GET")
ask("GET")
ask("HEAD")
ask("POST", bytes(range(256)) * 4096)
ask("POST", iter([b"x" * 10000] * 100), encode_chunked=True)
PYTHON
        stop "$server"
    done
END
}

@test "23: Chromium shows the page" {
    in_room <<'END'
    needs chromium chromium
    serve 23-http-server
    browse "http://127.0.0.1:$port/"
    has printed 'GET / HTTP/1.1'
END
}

@test "24: Chromium shows the page, while another client is silent" {
    in_room <<'END'
    needs chromium chromium
    serve 24-threaded-server
    exec 8<>"/dev/tcp/127.0.0.1/$port"
    new_client
    browse "http://127.0.0.1:$port/"
    printf 'GET /late HTTP/1.0\r\n\r\n' >&8
    cat <&8 >late
    page late
END
}

@test "25: gets a file from Python's http.server" {
    in_room <<'END'
    needs python3 python3
    blob 300000
    free_port tcp
    start python3 -m http.server --bind 127.0.0.1 "$port" >err 2>&1
    listens tcp
    fetched
    fetched localhost
END
}

@test "25: gets a file from nginx" {
    in_room <<'END'
    needs nginx nginx-light
    blob 300000
    free_port tcp
    listen6=''
    [ ! -s /proc/net/if_inet6 ] || listen6="listen [::1]:$port;"
    cat >nginx.conf <<CONF
daemon off;
master_process off;
pid $PWD/pid;
error_log stderr;
events {
}
http {
    access_log off;
    client_body_temp_path $PWD/body;
    proxy_temp_path $PWD/proxy;
    fastcgi_temp_path $PWD/fastcgi;
    uwsgi_temp_path $PWD/uwsgi;
    scgi_temp_path $PWD/scgi;
    server {
        listen 127.0.0.1:$port;
        $listen6
        root $PWD;
    }
}
CONF
    start nginx -e stderr -p "$PWD" -c "$PWD/nginx.conf" 2>err
    listens tcp
    fetched
    [ -z "$listen6" ] || fetched ::1
END
}

@test "25: gets a file from busybox httpd" {
    in_room <<'END'
    needs busybox busybox
    blob 300000
    free_port tcp
    start busybox httpd -f -p "127.0.0.1:$port" -h "$PWD" 2>err
    listens tcp
    fetched
END
}

@test "25: gets what socat was told to say" {
    in_room <<'END'
    needs socat socat
    cat >say.sh <<'SCRIPT'
while read -r line && [ ${#line} -gt 1 ]; do
    :
done
cat answer
[ ! -f stay ] || cat >/dev/null
SCRIPT
    free_port tcp
    start socat "TCP-LISTEN:$port,bind=127.0.0.1,reuseaddr,fork" \
        EXEC:'sh say.sh' 2>err
    listens tcp
    get=("$BIN/25-http-get/http-get" 127.0.0.1 / "$port")
    # The end of the answer is that of the connection.
    printf 'HTTP/1.0 200 OK\r\n\r\nno length\n' >answer
    "${get[@]}" >got
    cmp answer got
    # A length, in some letter case; the server stays.
    touch stay
    printf 'HTTP/1.1 203 Hm\nconTENT-length:  5\n\n\0\1\2\3\4' >answer
    "${get[@]}" >got
    cmp answer got
    # Cut short.
    rm stay
    printf 'HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\ncut' >answer
    ! "${get[@]}" >got 2>err || fail 'an answer that was cut short: status 0'
    cmp answer got
    has err 'http-get: '
END
}

@test "26: nc, as client and as server" {
    in_room <<'END'
    needs_nc
    local_echo_by nc -N -U socket
    local_server nc -l -U socket
    types_to "$BIN/26-unix-socket/client" socket
END
}

@test "26: socat, as client and as server" {
    in_room <<'END'
    needs socat socat
    local_echo_by socat -t 20 - UNIX-CONNECT:socket
    local_server socat -t 20 - UNIX-LISTEN:socket
    types_to "$BIN/26-unix-socket/client" socket
    local_server socat -t 20 UNIX-LISTEN:socket,fork EXEC:cat
    blob 1000000
    "$BIN/26-unix-socket/client" socket <blob >back
    cmp blob back
END
}

@test "26: ncat, as client and as server" {
    in_room <<'END'
    needs ncat ncat
    local_echo_by ncat -U socket
    local_server ncat -l -U socket
    types_to "$BIN/26-unix-socket/client" socket
END
}

@test "26: of two servers that start at once, one has the path" {
    in_room <<'END'
    maze m
    for ((i = 0; i < 20; i++)); do
        serve_at socket # in the place of the one before, which is dead
        kill -KILL "$server"
        wait "$server" 2>/dev/null || :
        mkfifo both
        exec 5<>both
        start "$BIN/26-unix-socket/server" m/socket 2>&5
        one=$pid
        start "$BIN/26-unix-socket/server" m/socket 2>&5
        two=$pid
        # Whoever comes second finds the first one, or is told so by bind.
        IFS= read -r -t 20 a <&5
        IFS= read -r -t 20 b <&5
        case $a$b in
        'Server launched'*'New client connected'*) IFS= read -r -t 20 b <&5 ;;
        esac
        printf '%s\n%s\n' "$a" "$b" >said
        has said 'Server launched, listening on: m/socket'
        has said 'server: bind m/socket: Address already in use'
        echo 'who is it?' | "$BIN/26-unix-socket/client" socket >back
        has back 'who is it?'
        kill -KILL "$one" "$two" 2>/dev/null || :
        wait "$one" 2>/dev/null || :
        wait "$two" 2>/dev/null || :
        rm both
    done
END
}

@test "26: an open file goes from one process to another" {
    in_room <<'END'
    blob 1000000
    pass=$BIN/26-unix-socket/pass-descriptor
    "$pass" blob >got 2>err
    cmp blob got
    has err 'blob is descriptor '
    has err 'it came as descriptor '
    ! "$pass" nothing >got 2>err || fail 'no file, and status 0'
    has err 'pass-descriptor: open nothing: '
    ! "$pass" blob >/dev/full 2>err || fail '/dev/full, and status 0'
    has err 'pass-descriptor: write stdout: '
END
}
