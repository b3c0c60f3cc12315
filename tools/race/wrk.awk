# What wrk has said, as samples: KEY MEASURE VALUE.

function ms(t) { # 677.00us, 1.41ms, 2.00s
    return t ~ /us$/ ? t / 1000 : t ~ /ms$/ ? t + 0 : t * 1000
}
function mib(n) { # 13.47MB; they are powers of 2
    return n ~ /GB$/ ? n * 1024 : n ~ /MB$/ ? n + 0 : \
        n ~ /KB$/ ? n / 1024 : n / 1048576
}

$1 == "50%" { p50 = ms($2) }
$1 == "99%" { p99 = ms($2) }
/ requests in / { requests = $1 }
/Socket errors:/ { split($0, e, /[^0-9]+/); connect = e[2]; timeout = e[5] }
/Non-2xx/ { other = $NF }
/^Requests\/sec:/ { rate = $2 }
/^Transfer\/sec:/ { bytes = mib($2) }

END {
    print key, what, what == "10m" ? bytes : rate + 0
    if (requests > 0) {
        print key, what "_p50", p50
        print key, what "_p99", p99
        if (after > before)
            print key, what "_cpu", (after - before) * 1000 / requests
    }
    if (requests == 0)
        print key, "errors no request was answered"
    else if (connect + timeout + other > 0)
        print key, "errors " connect + 0 " clients could not connect, " \
            timeout + 0 " waited for 2 s, " other + 0 " answers were no 200"
}
