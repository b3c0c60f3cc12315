# The tables that race.csv is read in, at 80 columns; after read.awk. bold, plain:
# the terminal's, or nothing.

function spread(k, what) {
    return (k, what) in median ? low[k, what] " to " high[k, what] : ""
}
function value(k, what, unit) {
    return !((k, what) in median) ? "" : median[k, what] == "no" ? "no" : \
        median[k, what] unit
}
function title(text) { printf "\n%s%s%s\n", bold, text, plain }
function row(i, text) {
    printf "  %s%-20s%s%s\n", key[i] ~ /^[0-9y]/ ? bold : "", name[i],
        key[i] ~ /^[0-9y]/ ? plain : "", text
}

function load(what, text,   i, k) {
    if (!(what in there)) return
    title(text)
    printf "  %-20s%8s%18s%10s%10s%10s\n", "", "/s", "spread", "p50", "p99",
        "processor"
    for (i = 1; i <= servers; i++) {
        k = key[i]
        if ((k, what) in median)
            row(i, sprintf("%8s%18s%10s%10s%10s", median[k, what],
                spread(k, what), value(k, what "_p50", " ms"),
                value(k, what "_p99", " ms"), value(k, what "_cpu", " us")))
    }
}

END {
    load("each", "Requests a second, a connection for each: 16 clients")
    load("keep", "Requests a second on connections that stay: 16 clients")
    if ("100k" in there) {
        title("Files: 16 clients")
        printf "  %-20s%13s%18s%11s%16s\n", "", "100 KiB /s", "spread",
            "10 MiB", "spread"
        for (i = 1; i <= servers; i++)
            if ((key[i], "100k") in median)
                row(i, sprintf("%13s%18s%11s%16s", median[key[i], "100k"],
                    spread(key[i], "100k"), value(key[i], "10m", " MiB/s"),
                    spread(key[i], "10m")))
    }
    title("Silent clients: the next one's answer, memory for each; start")
    printf "  %-20s%13s%14s%13s%14s\n", "", "1000 silent", "10000 silent",
        "memory", "start"
    for (i = 1; i <= servers; i++) {
        k = key[i]
        m = (k, "silent10k_memory") in median ? "silent10k_memory" : \
            "silent1k_memory"
        row(i, sprintf("%13s%14s%13s%14s", value(k, "silent1k", " ms"),
            value(k, "silent10k", " ms"), value(k, m, " KiB"),
            value(k, "start", " ms")))
    }
    print ""
}
