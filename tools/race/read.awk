# What the table and the picture read of race.csv: servers in their order, key
# and name by number; median, low and high by key and measure.
BEGIN { FS = "," }

NR == 1 { next }
!($1 in seen) {
    seen[$1] = ++servers
    key[servers] = $1
    name[servers] = $2
}
{
    median[$1, $3] = $5
    low[$1, $3] = $6
    high[$1, $3] = $7
    there[$3] = 1
}
