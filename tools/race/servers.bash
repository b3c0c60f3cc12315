# The servers of a race: who is here, what they serve, how they start. Sourced
# by race, which has set host, dir, scratch and student.
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154  # shared with race and measures.bash

# Servers on the one half of the cores, the load on the other. With two or three
# cores that half is one: a server with a worker a core then has all of them, and
# the load has all of them, too. Sets cores, workers, and where, which says so.
find_cores() {
    local all=() range i half
    server_on='' load_on='' many_on='' many_load_on=''
    for range in $(taskset -cp $$ 2>/dev/null | sed 's/.*: //; s/,/ /g'); do
        for ((i = ${range%-*}; i <= ${range#*-}; i++)); do
            all+=("$i")
        done
    done
    half=$((${#all[@]} / 2)) workers=${#all[@]}
    if [ "$half" = 0 ]; then
        workers=$(getconf _NPROCESSORS_ONLN)
        where='Servers and load share the cores: there is one, or no taskset.'
        return
    fi
    server_on=$(list "${all[@]:0:half}") load_on=$(list "${all[@]:half}")
    where="The servers run on core $server_on, the load on core $load_on"
    if [ "$half" = 1 ]; then
        where="$where; where there are $workers workers, both run on all."
    else
        workers=$half many_on=$server_on many_load_on=$load_on where=$where.
    fi
}
list() {
    local IFS=,
    printf '%s\n' "$*"
}

# pinned CORES COMMAND...: becomes that command, on these cores.
pinned() {
    local on=$1
    shift
    [ -z "$on" ] || exec taskset -c "$on" "$@"
    exec "$@"
}

# What the machine is.
machine() {
    local cpu
    cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo 2>/dev/null | head -n 1)
    [ -n "$cpu" ] || cpu=$(sysctl -n machdep.cpu.brand_string 2>/dev/null) || cpu=$(uname -m)
    printf '%s cores of %s, %s\n' "$(getconf _NPROCESSORS_ONLN)" "$cpu" \
        "$(uname -sr | sed 's/\([0-9]*\.[0-9]*\).*/\1/')"
}

# Sets field, a key for each server, and names, what is shown: without a comma.
find_servers() {
    field=() names=()
    [ -z "$student" ] || enter yours "$student yours"
    ours 23 '23 one at a time'
    ours 24 '24 a thread each'
    ours 27 '27 files'
    ours 28 '28 a pool of 4'
    if ours 29 '29 an event loop' && [ "$workers" -gt 1 ] && [ -z "$student" ]; then
        enter 29n "29 with $workers loops"
    fi
    if have python3 python3 'python http.server'; then
        enter python 'python http.server'
    fi
    if have javac default-jdk-headless 'Java with a thread each'; then
        [ "$dir/ThreadServer.class" -nt tools/race/ThreadServer.java ] ||
            javac -d "$dir" tools/race/ThreadServer.java || exit 1
        enter java 'Java a thread each'
    fi
    PATH=$PATH:/usr/sbin:/usr/local/sbin
    if have nginx nginx-light nginx; then
        enter nginx 'nginx 1 worker'
        [ "$workers" = 1 ] || [ -n "$student" ] ||
            enter nginxn "nginx $workers workers"
    fi
    if have lighttpd lighttpd lighttpd; then
        enter lighttpd lighttpd
        [ "$(max_files)" -gt 20002 ] || note "lighttpd takes half as many clients" \
            "as it may have files (ulimit -Hn): no 10000 here"
    fi
    ! have busybox busybox 'busybox httpd' || enter busybox 'busybox httpd'
}
enter() { # KEY NAME
    field+=("$1") names+=("$2")
}
ours() { # NUMBER NAME: enters our solution, where there is one
    local name
    [ -z "$student" ] || [ "$student" = "$1" ] || return 1
    name=$(numbered "$1") && [ -f "solutions/$name/server.c" ] || return 1
    make -s "build/solutions/$name/server" || exit 1
    enter "$1" "$2"
}
have() { # TOOL PACKAGE WHAT
    command -v "$1" >/dev/null || {
        say '  --  ' "left out: $3; $1 is not here (Debian: apt install $2)"
        return 1
    }
}

# What they serve: the page of ours, and two files.
make_files() {
    printf '%s\n' '<!DOCTYPE html>' \
        '<HTML><HEAD><TITLE>200 OK</TITLE></HEAD>' \
        '<BODY><P>This is my test server page</P></BODY></HTML>' \
        >"$dir/www/index.html"
    head -c 102400 /dev/zero >"$dir/www/100k"
    head -c 10485760 /dev/zero >"$dir/www/10m"
}

# Settings with which these two are at their best: no log, as many clients as
# there may be files, as many requests of each as it likes.
max_files() {
    case $(ulimit -Hn) in *[!0-9]*) echo 65536 ;; *) ulimit -Hn ;; esac
}
nginx_conf() { # WORKERS [WORD]
    local kind
    # As root it would become nobody, who may not see the files.
    [ "$(id -u)" != 0 ] || printf 'user %s %s;\n' "$(id -un)" "$(id -gn)"
    cat <<CONF
daemon off;
worker_processes $1;
worker_rlimit_nofile $(max_files);
pid $scratch/nginx.pid;
error_log /dev/null crit;
events { worker_connections $(max_files); }
http {
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000000;
    server {
        listen $host:$port backlog=4096 ${2-};
        root "$PWD/$dir/www";
    }
CONF
    for kind in client_body proxy fastcgi uwsgi scgi; do
        printf '    %s_temp_path %s/temp;\n' "$kind" "$scratch"
    done
    echo '}'
}
lighttpd_conf() {
    cat <<CONF
server.document-root = "$PWD/$dir/www"
server.bind = "$host"
server.port = $port
index-file.names = ("index.html")
server.errorlog = "/dev/null"
server.max-fds = $(max_files)
server.max-connections = $(max_files)
server.listen-backlog = 4096
server.max-keep-alive-requests = 1000000000
CONF
}

# command_of KEY [WHAT]: sets command to its command line, for host and port.
command_of() {
    local key=$1 tree=solutions conf=$scratch/conf
    if [ "$key" = yours ]; then
        key=$student tree=exercises
    fi
    case $key in
    [0-9]*) command=("build/$tree/$(numbered "${key%n}")/server") ;;
    nginx*) command=(nginx -e /dev/null -p "$scratch" -c "$conf") ;;
    esac
    case $key/${2-} in
    27/*) command+=(--bind "$host" --directory "$dir/www" "$port") ;;
    29n/*) command+=("$port" "$host" "$workers") ;;
    28/recover) command+=("$port" "$host" 4 1) ;;
    [0-9]*) command+=("$port" "$host") ;;
    python/*)
        command=(python3 -m http.server --bind "$host" --directory "$dir/www" "$port")
        ;;
    java/*) command=(java -cp "$dir" ThreadServer "$port") ;;
    nginx/*) nginx_conf 1 >"$conf" ;;
    nginxn/*) nginx_conf "$workers" reuseport >"$conf" ;;
    lighttpd/*)
        lighttpd_conf >"$conf"
        command=(lighttpd -D -f "$conf")
        ;;
    busybox/*) command=(busybox httpd -f -p "$host:$port" -h "$dir/www") ;;
    esac
}

# does KEY WHAT: whether that is a question for this server, and for this race.
does() {
    local key=$1
    [ "$key" != yours ] || key=$student
    case $2/$student in
    each/* | silent1k/* | */ | recover/28 | silent10k/24 | silent10k/29) ;;
    keep/27 | keep/29 | 100k/27 | 10m/27) ;;
    *) return 1 ;;
    esac
    case $2/$key in
    silent10k/lighttpd) [ "$(max_files)" -gt 20002 ] || return 1 ;;
    keep/27 | keep/29* | keep/nginx* | keep/lighttpd) ;;
    100k/27 | 10m/27 | 100k/nginx | 10m/nginx) ;;
    100k/python | 10m/python | 100k/lighttpd | 10m/lighttpd) ;;
    100k/busybox | 10m/busybox | recover/28) ;;
    keep/* | 100k/* | 10m/* | recover/*) return 1 ;;
    esac
}
