# What a race measures: a server is started, loaded, left alone with silent
# clients, ended. Sourced by race. Each figure is a line of $samples:
# KEY MEASURE VALUE.
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154  # shared with race and servers.bash

started=() # what has to be ended: the server's holder first
port=20079
tick=$(getconf CLK_TCK)

sample() { # KEY MEASURE VALUE
    printf '%s %s %s\n' "$1" "$2" "$3" >>"$samples"
}

find_wrk() {
    mkfifo "$scratch/said" || exit 1
    wrk=yes
    have wrk wrk 'requests a second' || wrk=''
}

end_all() {
    local pid
    for pid in ${started[@]+"${started[@]}"}; do
        kill "$pid" && wait "$pid"
    done 2>/dev/null
    started=()
}

# up KEY [WHAT]: starts it, on a port of its own: each connection leaves a
# TIME_WAIT there, and there are 28000 to one port. Sets server, its process.
up() {
    local on=$server_on said rest
    port=$("$clients" free "$host" $((port + 1))) || exit 1
    command_of "$@"
    case $1 in *n) on=$many_on ;; esac
    pinned "$on" "$clients" run "$host" "$port" "${command[@]}" \
        >"$scratch/said" 2>/dev/null </dev/null &
    started=("$!")
    read -r said server rest <"$scratch/said"
    if [ "$said" = ready ]; then
        sample "$1" start "$rest"
        return 0
    fi
    note "$(name_of "$1"): $server $rest; by hand: ${command[*]}"
    down
    return 1
}
down() {
    end_all
}
name_of() { # KEY
    local i
    for ((i = 0; i < ${#field[@]}; i++)); do
        [ "${field[i]}" != "$1" ] || printf '%s\n' "${names[i]}"
    done
}

# The server's processes: it and its children.
processes() {
    ps -A -o pid= -o ppid= | awk -v top="$server" '
        { parent[$1] = $2 }
        END {
            for (p in parent)
                for (q = p; q in parent; q = parent[q])
                    if (q == top) { print p; break }
        }'
}
# Its memory in KiB: what several processes share is counted once.
memory() {
    local p
    for p in $(processes); do
        cat "/proc/$p/smaps_rollup" 2>/dev/null || ps -o rss= -p "$p"
    done | awk '/^Pss:/ { n += $2 } NF == 1 { n += $1 } END { print n + 0 }'
}
# The processor's time in ms that it has had, its ended children's too.
processor() {
    local p
    for p in $(processes); do
        cat "/proc/$p/stat" 2>/dev/null
    done | awk -v tick="$tick" '
        { sub(/.*\) /, ""); n += $12 + $13 + $14 + $15 }
        END { print n * 1000 / tick }'
}

# loaded KEY WHAT: requests for a while, from 16 clients at a time. each: a
# connection for each request; keep: many on one; 100k, 10m: a file.
loaded() {
    local on=$load_on threads before url="http://$host:$port/" header=''
    [ -n "$wrk" ] || return 0
    case $1 in *n) on=$many_load_on ;; esac
    case $2 in
    each) header='Connection: close' ;;
    100k | 10m) url=$url$2 ;;
    esac
    threads=${on//[!,]/}
    before=$(processor)
    pinned "$on" wrk -t $((${#threads} + 1)) -c 16 -d 3600s --latency \
        ${header:+-H "$header"} "$url" >"$scratch/wrk" 2>&1 </dev/null &
    started+=("$!")
    sleep "$seconds"
    kill -INT "$!"
    wait "$!"
    started=("${started[0]}")
    awk -v key="$1" -v what="$2" -v before="$before" -v after="$(processor)" \
        -f tools/race/wrk.awk "$scratch/wrk" >"$scratch/load"
    grep -v ' errors ' "$scratch/load" >>"$samples"
    ! grep -q ' errors ' "$scratch/load" ||
        note "$(name_of "$1"), $2: $(sed -n 's/.* errors //p' "$scratch/load")"
}

# silent KEY WHAT: clients that connect and say nothing, and one more who asks.
# After how long it has its answer; how much memory each of the silent costs.
# recover: as many as a pool has workers, which may take its one second. Sets ms.
silent() {
    local said held count=1000 limit=1000 before after
    case $2 in
    silent10k) count=10000 ;;
    recover) count=4 limit=3000 ;;
    esac
    before=$(memory)
    pinned "$load_on" "$clients" silent "$host" "$port" "$count" "$limit" \
        >"$scratch/said" 2>/dev/null </dev/null &
    started+=("$!")
    read -r said held ms <"$scratch/said"
    after=$(memory)
    if [ "$held" -lt "$count" ] && [ "$2" != recover ]; then
        ms=no
        grep -q "^$(name_of "$1"): .* of $count silent" "$notes" ||
            note "$(name_of "$1"): $held of $count silent clients were held"
    fi
    sample "$1" "$2" "$ms"
    [ "$2/$ms" = "$2/no" ] || [ "$2" = recover ] || sample "$1" "$2_memory" \
        "$(awk -v a="$before" -v b="$after" -v n="$count" \
            'BEGIN { print (b - a) / n }')"
    { kill "$!" && wait "$!"; } 2>/dev/null
    started=("${started[0]}")
}
