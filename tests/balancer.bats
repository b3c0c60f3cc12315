#!/usr/bin/env bats
# Two servers of 28 behind the balancers of the note on more than one machine:
# the configurations are those that it shows. Each test is a script in a room of
# its own, as in interop.bats; interop/room.bash says what it may call.

load interop/room

setup_file() {
    unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES
    cd "$BATS_TEST_DIRNAME/.." || return
    make -s build/support/launch build/solutions/28-thread-pool/server \
        build/solutions/21-tcp-echo/server 3>&- 4>&-
}

setup() {
    cd "$BATS_TEST_DIRNAME/.." || return
}

teardown() {
    end_room
}

# shown LANGUAGE: the note's block in it.
shown() {
    sed -n '/^```'"$1"'/,/^```$/p' slides-notes/30-beyond-one-machine.md |
        grep -v '^```'
}

# What both scripts do. begin_pool CONFIG BALANCER...: starts two servers and the
# balancer, which has its ports in place of those that the note shows.
pool() {
    cat <<'END'
    needs curl curl
    launch() { # FILE PORT: a server that prints to FILE; sets server and port
        local line=''
        rm -f launched
        mkfifo launched
        exec 5<>launched
        start "$BIN/28-thread-pool/server" "$2" >>"$1" 2>launched
        server=$pid
        IFS= read -r -t 20 line <&5 || :
        case $line in
        'Server launched, listening on port: '*) port=${line##* } ;;
        *) fail "the server says: $line" ;;
        esac
        # Somebody must read what it says, or it would wait for that.
        cat <&5 >/dev/null &
        exec 5<&-
    }
    begin_pool() {
        launch one 0
        one=$server port1=$port
        launch two 0
        two=$server port2=$port
        free_port tcp
        sed -e "s/:8080/:$port/" -e "s/:8081/:$port1/" -e "s/:8082/:$port2/" \
            <"$1" >balance.cfg
        start "${@:2}" >said 2>err
        listens tcp
        url=http://127.0.0.1:$port
        until curl -q -sf -o got "$url/"; do
            kill -0 "$pid" || fail "$(cat said err)"
            sleep 0.02 # it tells nobody when it has found its servers
        done
        page got
    }
    requests() { # FILE PATH: how many came for it
        grep -c "^GET /$2" "$1" || :
    }
    codes() { # TIMES: how often each status came
        seq "$1" | xargs -P 4 -I N curl -q -s -o /dev/null \
            -w '%{http_code}\n' "$url/load/N" | sort | uniq -c | tr -s ' '
    }
    alternates() {
        local n
        for n in 1 2 3 4 5 6 7 8 9 10; do
            curl -q -sS -o got "$url/$1/$n"
            page got
        done
        [ "$(requests one "$1/") $(requests two "$1/")" = '5 5' ] ||
            fail "not in turn: $(requests one "$1/") and $(requests two "$1/")"
    }
    survives() { # the end of server one, with SIGTERM, and its return
        codes 600 >codes &
        local load=$! status=0
        until [ "$(requests one load)" -ge 40 ]; do
            kill -0 "$load" || fail 'no load?'
            sleep 0.01 # the server's log is a file: nobody tells when it grows
        done
        kill "$one"
        wait "$one" || status=$?
        [ "$status" = 0 ] || fail "the server's status: $status"
        wait "$load"
        [ "$(cat codes)" = ' 600 200' ] || fail 'not all were answered:' \
            "$(cat codes)" "$(cat said err)"
        [ "$(requests two load)" -gt 300 ] || fail 'the other one did no more?'
        launch one "$port1"
        until [ "$(requests one again)" -gt 0 ]; do
            curl -q -sf -o got "$url/again"
            page got
        done
    }
END
}

@test "haproxy: requests alternate, and one server's end is not noticed" {
    {
        pool
        printf "cat >shown <<'CFG'\n%s\nCFG\n" "$(shown haproxy)"
        cat <<'END'
    needs haproxy haproxy
    begin_pool shown haproxy -db -f balance.cfg
    alternates a
    survives
END
    } | in_room
}

@test "nginx: requests alternate, and one server's end is not noticed" {
    {
        pool
        printf "cat >shown <<'CFG'\n%s\nCFG\n" "$(shown nginx)"
        cat <<'END'
    needs nginx nginx-light
    {
        printf '%s\n' 'daemon off;' 'master_process off;' "pid $PWD/pid;" \
            'error_log stderr;'
        # Where it may write.
        sed "s|^http {|&\n    access_log off;\n    client_body_temp_path $PWD/a;\
\n    proxy_temp_path $PWD/b;\n    fastcgi_temp_path $PWD/c;\
\n    uwsgi_temp_path $PWD/d;\n    scgi_temp_path $PWD/e;|" shown
    } >whole
    begin_pool whole nginx -e stderr -p "$PWD" -c "$PWD/balance.cfg"
    alternates a
    survives
END
    } | in_room
}
