#!/usr/bin/env bats
# The file server of 27, for clients that others wrote, and side by side with
# the one that it is to replace. Each test is a bash script that runs in a room
# of its own: interop/room.bash says what it may call.

load interop/room

setup_file() {
    unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES
    cd "$BATS_TEST_DIRNAME/.." || return
    make -s build/support/launch build/solutions/27-file-server/server \
        build/solutions/22-udp-chat/server build/solutions/21-tcp-echo/server \
        3>&- 4>&-
}

setup() {
    cd "$BATS_TEST_DIRNAME/.." || return
}

teardown() {
    end_room
}

@test "27: curl: files, parts, dates, keep-alive, uploads, paths as they are" {
    in_room <<'END'
    needs curl curl
    files
    serve_with 27-file-server --directory tree 0
    url=http://127.0.0.1:$port
    curl -q -sS "$url/blob.gz" | cmp - tree/blob.gz
    curl -q -sS -0 "$url/hello.txt" | cmp - tree/hello.txt
    curl -q -sS -I "$url/blob.gz" >got
    has got 'HTTP/1.1 200 '
    has got 'Content-Length: 3000005'
    head -c 1234567 tree/blob.gz >part
    curl -q -sS -C - -o part "$url/blob.gz"
    cmp part tree/blob.gz
    curl -q -sS -r -5 "$url/hello.txt" >got
    [ "$(cat got)" = iles ] || fail "$(cat got)"
    curl -q -sS -R -o copy "$url/hello.txt"
    curl -q -sS -z copy -o again -w '%{http_code}' "$url/hello.txt" >told
    [ "$(cat told)" = 304 ] || fail "-z: $(cat told)"
    curl -q -sS -o got -o got2 -o got3 -w '%{http_code} %{num_connects}\n' \
        "$url/hello.txt" "$url/none" "$url/sub" >told
    [ "$(cat told)" = $'200 1\n404 0\n301 0' ] || fail "$(cat told)"
    curl -q -sS -L "$url/sub" >got
    has got 'href="deep/"'
    curl -q -sS -o got -w '%{http_code}\n' -T tree/blob.gz "$url/up" >told || :
    curl -q -sS -o got -w '%{http_code}\n' -d a=b "$url/up" >>told
    [ "$(tail -n 1 told)" = 501 ] || fail "POST:" "$(cat told)"
    for path in /../secret /%2e%2e/secret /..%2fsecret /out /sub/../../secret; do
        curl -q -sS --path-as-is "$url$path" >got
        ! grep -q SECRET got || fail "$path leads out"
    done
    stop "$server"
    [ -s /proc/net/if_inet6 ] || exit 0
    serve_with 27-file-server --bind :: --directory tree 0
    for url in "http://[::1]:$port" "http://127.0.0.1:$port"; do
        curl -q -sS -g "$url/hello.txt" | cmp - tree/hello.txt
    done
END
}

@test "27: wget fetches a whole tree, whatever the names in it" {
    in_room <<'END'
    needs wget wget
    files
    serve_with 27-file-server --directory tree 0
    wget --no-config -nv -t 1 -r -l inf -np -nH -P copy -e robots=off \
        --restrict-file-names=nocontrol "http://127.0.0.1:$port/" 2>err || :
    # What a listing is, wget calls index.html; links are files to it.
    find copy -name index.html ! -path copy/index/index.html -exec rm {} +
    rm tree/out tree/link tree/sub-link
    rm -r copy/link copy/sub-link tree/empty
    [ ! -d copy/empty ] || rmdir copy/empty
    diff -r tree copy || fail "$(cat err)"
END
}

@test "27: Chromium shows a listing, and the page of a folder" {
    in_room <<'END'
    needs chromium chromium
    files
    serve_with 27-file-server --directory tree 0
    chromium_prints "http://127.0.0.1:$port/"
    has dom 'Directory listing for /'
    has dom '&lt;b&gt;"x'
    has dom '>100% sure.txt</a>'
    chromium_prints "http://127.0.0.1:$port/index"
    has dom '<p>index</p>'
END
}

@test "27: the same answers as python3 -m http.server" {
    in_room <<'END'
    needs python3 python3
    files
    free_port tcp
    start python3 -m http.server --bind 127.0.0.1 --directory tree "$port" \
        >err 2>&1
    listens tcp
    theirs=$port
    serve_with 27-file-server --directory tree 0
    python3 "$BIN/../../tests/interop/side_by_side.py" "$port" "$theirs"
END
}

@test "27: Python's http.client: one connection for all" {
    in_room <<'END'
    needs python3 python3
    files
    serve_with 27-file-server --directory tree 0
    python3 - "$port" <<'PYTHON'
import http.client
import sys

c = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=20)
c.connect()
first = c.sock
blob = open("tree/blob.gz", "rb").read()


def ask(method, path, status, body=None, fields={}, **more):
    c.request(method, path, body, fields, **more)
    r = c.getresponse()
    got = r.read()
    assert r.status == status, (method, path, r.status)
    assert c.sock is first, (method, path, "another connection")
    return got


assert ask("GET", "/blob.gz", 200) == blob
assert ask("HEAD", "/blob.gz", 200) == b""
assert ask("GET", "/blob.gz", 206, fields={"Range": "bytes=5-99"}) == blob[5:100]
ask("GET", "/blob.gz", 416, fields={"Range": "bytes=99999999-"})
ask("POST", "/", 501, bytes(range(256)) * 1024)
ask("POST", "/", 501, iter([b"x" * 10000] * 50), encode_chunked=True)
ask("GET", "/none", 404)
assert ask("GET", "/hello.txt", 200) == b"Hello, files\n"
PYTHON
END
}
