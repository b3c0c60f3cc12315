# From lines "name KEY NAME" and samples "KEY MEASURE VALUE" to CSV, in the
# order of the names and of the measures below. A value "no" is worse than any.

BEGIN {
    split("each each_p50 each_p99 each_cpu keep keep_p50 keep_p99 keep_cpu " \
        "100k 100k_cpu 10m silent1k silent10k recover silent1k_memory " \
        "silent10k_memory start", order, " ")
    split("/s ms ms us /s ms ms us /s us MiB/s ms ms ms KiB KiB ms", unit, " ")
    print "key,server,measure,unit,median,lowest,highest,rounds"
}

$1 == "name" {
    key[++keys] = $2
    name[keys] = $0
    sub(/^name [^ ]* /, "", name[keys])
    next
}
{ all[$1, $2] = all[$1, $2] " " ($3 == "no" ? "1e30" : $3) }

function shown(v) {
    return v >= 1e30 ? "no" : v >= 100 ? sprintf("%.0f", v) : \
        v >= 10 ? sprintf("%.1f", v) : sprintf("%.2f", v)
}

END {
    for (k = 1; k <= keys; k++)
        for (m = 1; m in order; m++) {
            n = split(all[key[k], order[m]], v, " ")
            for (i = 2; i <= n; i++) # an insertion sort
                for (j = i; j > 1 && v[j - 1] + 0 > v[j] + 0; j--) {
                    t = v[j]
                    v[j] = v[j - 1]
                    v[j - 1] = t
                }
            if (n > 0)
                print key[k] "," name[k] "," order[m] "," unit[m] "," \
                    shown(v[int((n + 1) / 2)]) "," shown(v[1]) "," \
                    shown(v[n]) "," n
        }
}
