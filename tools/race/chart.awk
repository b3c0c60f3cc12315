# race.csv as a picture: a row a server, a column a question, a bar a median
# with its spread as a line; after read.awk. machine, where, rounds, seconds: for the foot.
BEGIN {
    questions = split("each keep 100k 10m silent10k_memory", ask, " ")
    split("Connection each|Kept connections|100 KiB files|10 MiB files|" \
        "10000 silent clients", head, "|")
    split("requests/s|requests/s|files/s|MiB/s|KiB of memory for each", sub_head, "|")
    NAME = 190; COLUMN = 164; BAR = 100; ROW = 24; TOP = 76; EDGE = 16
}

$7 != "no" && $7 + 0 > most[$3] { most[$3] = $7 }

function kind(k) { return k == "yours" ? "yours" : k ~ /^[0-9]/ ? "ours" : "other" }
function text(class, x, y, t) {
    printf "<text class=\"%s\" x=\"%d\" y=\"%d\">%s</text>\n", class, x, y, t
}
function px(v, q) { return most[q] > 0 ? BAR * v / most[q] : 0 }

function bar(k, q, x, y,   v, l, h) {
    v = median[k, q]
    l = x + px(low[k, q], q)
    h = x + px(high[k, q], q)
    printf "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"14\"/>\n", \
        kind(k), x, y - 11, px(v, q) < 1 ? 1 : px(v, q)
    printf "<path class=\"s\" d=\"M%.1f %dH%.1f\"/>\n", l, y - 4, h
    text("v", (h > x + px(v, q) ? h : x + px(v, q)) + 5, y, v < 100 ? v : int(v + 0.5))
}

function row(i,   k, c, x, y) {
    k = key[i]
    y = TOP + i * ROW
    text("n " kind(k), EDGE, y, name[i])
    for (c = 1; c <= questions; c++) {
        x = NAME + (c - 1) * COLUMN
        if ((k, ask[c]) in median)
            bar(k, ask[c], x, y)
        else if (ask[c] ~ /^silent/ && median[k, "silent10k"] == "no")
            text("no", x, y, "not held")
    }
}

END {
    width = NAME + questions * COLUMN + 6
    height = TOP + servers * ROW + 66
    printf "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" " \
        "width=\"%d\" height=\"%d\" role=\"img\" " \
        "aria-label=\"Web servers, measured side by side\">\n", \
        width, height, width, height
    print "<style>"
    print "svg{--ink:#1f2328;--dim:#656d76;--paper:#fff;--ours:#0969da;--yours:#1a7f37;--other:#b6bec8;background:var(--paper)}"
    print "@media(prefers-color-scheme:dark){svg{--ink:#e6edf3;--dim:#8b949e;--paper:#0d1117;--ours:#58a6ff;--yours:#3fb950;--other:#545d68}}"
    print "text{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:var(--ink)}"
    print ".h,.n.ours,.n.yours{font-weight:700}.d,.no{fill:var(--dim)}.v,.d,.no{font-size:12px}"
    print "rect.ours{fill:var(--ours)}rect.yours{fill:var(--yours)}rect.other{fill:var(--other)}"
    print ".s{stroke:var(--ink);stroke-width:1.5}"
    print "</style>"
    for (c = 1; c <= questions; c++) {
        text("h", NAME + (c - 1) * COLUMN, 34, head[c])
        text("d", NAME + (c - 1) * COLUMN, 52, sub_head[c])
    }
    for (i = 1; i <= servers; i++)
        row(i)
    text("d", EDGE, height - 34, "Medians of " rounds " rounds of " seconds \
        " s, and their spread as a line; nothing where it is no question for that server.")
    text("d", EDGE, height - 14, machine ". " where)
    print "</svg>"
}
