# What ours must hold, from race.csv. mine: the number of the exercise whose
# server is the student's, which is judged in the place of ours then. "As much as"
# is 0.95 of it or more: rounds differ by as much. shared: where a server has a
# worker a core the load has no core of its own. Exit status 1 if one does not hold.
BEGIN { FS = "," }

NR > 1 { median[$1, $3] = $5; name[$1] = $2 }

function who(k) { return mine != "" && k == mine ? "yours" : k }

function verdict(holds, text, figure) {
    if (mine != "")
        text = mine " yours" substr(text, 3)
    all++
    held += holds
    printf "  %s%-3s%s  %-58s %13s\n", holds ? green : red, holds ? "yes" : "no",
        plain, text, figure
}

# At least so many times as much as another one.
function times(k, measure, other, factor, text,   a, b) {
    if (mine != "" && k != mine) return
    k = who(k)
    if (!((k, measure) in median) || !((other, measure) in median)) return
    a = median[k, measure]
    b = median[other, measure]
    verdict(b == 0 || a / b >= factor, text, b > 0 ? sprintf("%.2f", a / b) : "")
}

# At most that much.
function limit(k, measure, most, unit, text,   a) {
    if (mine != "" && k != mine) return
    k = who(k)
    if (!((k, measure) in median)) return
    a = median[k, measure]
    verdict(a != "no" && a + 0 <= most, text, a == "no" ? a : a " " unit)
}

END {
    times("24", "each", "python", 3, "24: 3 times python http.server, a connection each")
    times("24", "each", "java", 2, "24: twice Java with a thread each, a connection each")
    limit("24", "silent1k", 1000, "ms", "24: 1000 silent clients, the next within a second")
    times("27", "100k", "nginx", 0.95, "27: 100 KiB files, as many as nginx with sendfile")
    times("27", "10m", "nginx", 0.95, "27: 10 MiB files, as many as nginx with sendfile")
    times("27", "100k", "python", 5, "27: 100 KiB files, 5 times python http.server")
    times("28", "each", "nginx", 0.95, "28: as many as nginx, one worker, a connection each")
    limit("28", "recover", 1100, "ms", "28: 4 workers, 4 silent clients, 1 s: free in that time")
    times("29", "keep", "nginx", 1.5, "29: 1.5 times nginx with one worker, kept connections")
    times("29", "keep", "lighttpd", 0.95, "29: as many as lighttpd, kept connections")
    if (shared) # the load has the same cores: how much it gets decides, too
        times("nginxn", "keep_cpu", "29n", 2, name["29n"] ": twice " name["nginxn"] ", by processor time")
    else
        times("29n", "keep", "nginxn", 2, name["29n"] ": twice " name["nginxn"] ", kept connections")
    if ((who("29"), "keep_p99") in median && ("nginx", "keep_p99") in median)
        limit("29", "keep_p99", median["nginx", "keep_p99"], "ms", \
            "29: p99 at most that of nginx (" median["nginx", "keep_p99"] " ms)")
    limit("29", "silent10k", 1000, "ms", "29: 10000 silent clients, the next within a second")
    limit("29", "silent10k_memory", 1, "KiB", "29: at most 1 KiB for a silent client")
    if (all > 0)
        printf "%d of %d claims hold\n", held, all
    exit held < all
}
