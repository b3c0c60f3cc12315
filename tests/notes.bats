#!/usr/bin/env bats
# The notes, and every README: what they say is typed is typed, what they show
# is what comes, the C that they quote is ours. tools/notes-run is the typist.
# shellcheck disable=SC2030,SC2031,SC2154  # each test is a subshell

setup_file() {
    unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES ARGS PROG V YES ROOM
    unset BIN SUPPORT LOGS PROJECT TSAN_BIN COLOR
    TOP=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
    export TOP LC_ALL=C TMPDIR=/tmp
    export DONE="$BATS_FILE_TMPDIR/done" SHIPPED="$BATS_FILE_TMPDIR/shipped"
    local file programs=(build/support/launch)
    cd "$TOP" || return
    for file in solutions/*/*.c; do
        programs+=("build/${file%.c}")
    done
    make -s "${programs[@]}" || return
    copy "$SHIPPED"
    copy "$DONE"
    finish "$DONE"
}

copy() { # FOLDER
    mkdir -p "$1/build"
    cp -Rp Makefile tools lib exercises solutions slides-notes ./*.md "$1/"
    mkdir "$1/tests"
    cp -Rp tests/support tests/[0-9]*.bats "$1/tests/"
    cp -Rp build/flags build/lib build/support build/solutions "$1/build/"
}

# Has every exercise of FOLDER done: the texts speak to who has done it.
finish() { # FOLDER
    local file program programs=()
    cd "$1" || return
    for file in solutions/*/*.c; do
        program=${file#solutions/} program=${program%.c}
        cp "$file" "exercises/${file#solutions/}"
        mkdir -p "build/exercises/${program%/*}"
        cp "build/solutions/$program" "build/exercises/$program"
        programs+=("build/exercises/$program" "build/solutions/$program")
    done
    make -s "${programs[@]}" build/support/launch
}

# types FILE.md [HOW]: in a network and among processes of its own where those
# can be had, with the project read-only; shipped: in a copy to write to.
types() {
    local out status=0 room=()
    local place=$DONE
    if [ "${2-}" = shipped ]; then
        place=$SHIPPED
    else
        room=("$TOP/build/support/launch" room "$DONE")
        "${room[@]}" /usr/bin/unshare -pf --mount-proc true 2>/dev/null &&
            room+=(/usr/bin/unshare -pf --mount-proc)
    fi
    # shellcheck disable=SC2016  # for the inner shell
    out=$("${room[@]}" "$BASH" -c 'cd "$1" && exec tools/notes-run "$2"' - \
        "$place" "$1" </dev/null 2>&1 3>&- 4>&-) || status=$?
    case $status in
    0) [ -z "$out" ] || printf '%s\n' "$out" ;;
    77)
        [ -n "${STRICT-}" ] || skip "$out"
        printf 'STRICT is set: %s\n' "$out" && return 1
        ;;
    *) printf '%s\n' "$out" && return 1 ;;
    esac
}

note() { # a file of slides-notes/, or an exercise's README.md, by its number
    types "$(cd "$TOP" && printf '%s\n' slides-notes/"$1"-*.md)"
}
task() {
    types "$(cd "$TOP" && printf '%s\n' exercises/"$1"-*/README.md)"
}

@test 'the opening prints what it shows' { note 00; }
@test 'the notes of 20 print what they show' { note 20; }
@test 'the notes of 21 print what they show' { note 21; }
@test 'the notes of 22 print what they show' { note 22; }
@test 'the notes of 23 print what they show' { note 23; }
@test 'the notes of 24 print what they show' { note 24; }
@test 'the notes of 25 print what they show' { note 25; }
@test 'the notes of 26 print what they show' { note 26; }
@test 'the notes of 27 print what they show' { note 27; }
@test 'the notes of 28 print what they show' { note 28; }
@test 'the notes of 29 print what they show' { note 29; }
@test 'the notes beyond one machine print what they show' { note 30; }
@test 'the notes on the four ways to wait print what they show' { note 31; }
@test 'the task of 20 prints what it shows' { task 20; }
@test 'the task of 21 prints what it shows' { task 21; }
@test 'the task of 22 prints what it shows' { task 22; }
@test 'the task of 23 prints what it shows' { task 23; }
@test 'the task of 24 prints what it shows' { task 24; }
@test 'the task of 25 prints what it shows' { task 25; }
@test 'the task of 26 prints what it shows' { task 26; }
@test 'the task of 27 prints what it shows' { task 27; }
@test 'the task of 28 prints what it shows' { task 28; }
@test 'the task of 29 prints what it shows' { task 29; }
@test 'README and CONTRIBUTING print what they show' {
    types README.md shipped
    types CONTRIBUTING.md shipped
}

@test 'no command is shown outside of a console block' {
    cd "$TOP"
    run grep -nE '^    (\$ |make |build/|nc |cc )' ./*.md exercises/*/README.md \
        slides-notes/*.md
    [ "$status" = 1 ] || { printf '%s\n' "$output" && return 1; }
}

# ```c file=FILE: its lines are in FILE, in this order; `...` passes over some.
# <!-- c: FILE -->: so is each piece of code in the second column of the table.
@test 'the C that the texts quote is in our files' {
    cd "$TOP"
    run awk '
        function bare(s) { gsub(/^[ \t]+|[ \t]+$/, "", s); return s }
        function load(name,  s) {
            n = 0; at = 1
            while ((getline s < name) > 0) source[++n] = bare(s)
            close(name)
            if (n == 0) { print FILENAME ": no file " name; bad = 1 }
        }
        function missing(s) {
            printf "%s:%d: not in %s: %s\n", FILENAME, FNR, from, s; bad = 1
        }
        FNR == 1 { quote = table = 0 }
        /^```c .*file=/ {
            from = $0; sub(/.*file=/, "", from); sub(/ .*/, "", from)
            load(from); quote = 1; free = 1; next
        }
        /^```/ { quote = 0 }
        /^<!-- c: / { from = $3; load(from); table = 1; next }
        table && /^[^|]/ { table = 0 }
        quote && bare($0) == "..." { free = 1; next }
        quote {
            # The first line of a piece may be anywhere further on, the others
            # follow it.
            for (i = at; i <= n; i++)
                if (source[i] == bare($0) || !free) break
            if (i > n || source[i] != bare($0)) { missing($0); next }
            at = i + 1; free = 0; quotes++
        }
        table && split($0, cell, "|") > 3 && cell[3] ~ /`/ {
            code = cell[3]; gsub(/^[^`]*`|`[^`]*$/, "", code)
            sub(/ *\.\.\.$/, "", code); found = 0
            for (i = 1; i <= n; i++) if (index(source[i], code)) found = 1
            if (!found) missing(code)
            quotes++
        }
        END { if (quotes < 50) { print "only " quotes " lines"; bad = 1 }
              exit bad }
    ' slides-notes/*.md exercises/*/README.md README.md
    [ "$status" = 0 ] || { printf '%s\n' "$output" && return 1; }
}

# A slide is a screen: 14 lines of text, or a listing of 18, 22 in all.
@test 'no slide is too long to be shown' {
    cd "$TOP"
    run awk '
        function over() {
            if (text > 14 || listing > 18 || all > 24) {
                printf "%s:%d: %d lines of text, %d in a listing, %d in all\n",
                    FILENAME, FNR, text, listing, all
                bad = 1
            }
            text = listing = all = 0
        }
        FNR == 1 { over(); fence = 0 }
        /^---$/ && !fence { over(); next }
        /^```/ { fence = !fence; lines = 0; next }
        fence { all++; if (++lines > listing) listing = lines; next }
        NF && !/^#/ && !/^<!--/ && !/^\|-/ { text++; all++ }
        END { over(); exit bad }
    ' slides-notes/*.md
    [ "$status" = 0 ] || { printf '%s\n' "$output" && return 1; }
}

# The typist itself: what it must not let through.
typed() { # EXPECTED-STATUS PART-OF-OUTPUT; the text on stdin
    cat >"$BATS_TEST_TMPDIR/text.md"
    PATH=${NARROW-$PATH} run "$BASH" "$TOP/tools/notes-run" "$BATS_TEST_TMPDIR/text.md"
    [[ $status/$output == "$1/"*"$2"* ]] ||
        { printf '%s: %s\n' "$status" "$output" && return 1; }
}

@test 'a text that shows too much, too little or something else fails' {
    typed 0 '' <<<$'```console\n$ echo a; echo b.c\na\nb.c\n```'
    typed 0 '' <<<$'```console\n$ seq 9\n...\n7\n...\n```'
    typed 1 'came: a*b' <<<$'```console\n$ echo "a*b"\na.b\n```'
    typed 1 'not shown: b' <<<$'```console\n$ echo a; echo b\na\n```'
    typed 1 'it has ended' <<<$'```console\n$ echo a\na\nb\n```'
    typed 1 'not shown: oh' <<<$'```console\n$ echo oh >&2\n```'
}

@test 'what a text starts is typed to, and ended with it' {
    typed 0 '' <<'END'
# One
```console terminal=1 runs
$ cat; echo end
```
```console terminal=2 runs
$ echo $$ >"$BATS_TEST_TMPDIR/pid"; echo there; exec sleep 1000
there
```
```console terminal=1
> a line
a line
^D
end
```
END
    run kill -0 "$(cat "$BATS_TEST_TMPDIR/pid")"
    [ "$status" -ne 0 ]
}

@test 'a part that needs a missing tool is left out, and the rest is typed' {
    mkdir "$BATS_TEST_TMPDIR/bin"
    for tool in bash env mktemp mkfifo rm grep echo; do
        ln -s "$(command -v "$tool")" "$BATS_TEST_TMPDIR/bin/"
    done
    NARROW=$BATS_TEST_TMPDIR/bin typed 77 'for want of curl: One' <<'END'
## One
```console
$ curl -s http://127.0.0.1:1/
no
```
## Two
```console
$ echo two
two
```
END
    NARROW=$BATS_TEST_TMPDIR/bin typed 1 'came: two' <<'END'
## One
```console
$ curl -s http://127.0.0.1:1/
```
## Two
```console
$ echo two
three
```
END
}
