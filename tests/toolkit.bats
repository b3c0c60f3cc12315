#!/usr/bin/env bats
# The toolkit itself: the verbs and what they say, the tools, the shape of the
# exercises. Most tests work on a little project with exercises of its own, in a
# folder with a space in its name.
# shellcheck disable=SC2030,SC2031,SC2154  # each test is a subshell
# shellcheck disable=SC2016  # what files and liars get is not for this shell

load wait

setup_file() {
    unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES ARGS PROG V ONLY MATRIX YES
    unset STRICT BIN SUPPORT LOGS PROJECT TSAN_BIN COLOR CC CFLAGS
    export NO_COLOR='' TERM=xterm
    TOP=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
    MODEL="$BATS_FILE_TMPDIR/a model"
    export TOP MODEL
    make_model
}

# A project with two exercises of one gap each, and checks for them.
make_model() {
    local n
    mkdir -p "$MODEL/tests/support"
    cd "$MODEL" || return 1
    cp -R "$TOP/Makefile" "$TOP/tools" "$TOP/lib" "$TOP/.clang-format" \
        "$TOP/.clang-tidy" "$TOP/.gitignore" .
    for n in 24-hello/server 25-bye/bye; do
        mkdir -p "exercises/${n%/*}" "solutions/${n%/*}"
        program "${n%%-*}" '' >"exercises/$n.c"
        program "${n%%-*}" '    puts("hi");' >"solutions/$n.c"
        checks "${n##*/}" >"tests/${n%/*}.bats"
    done
    if command -v git >/dev/null; then
        git init -q .
        git add -A
        git -c user.name=t -c user.email=t@example.org commit -q -m model
    fi
    make -s solution24 >/dev/null
}

has_gone() { ! kill -0 "$1" 2>/dev/null; }
need_git() { command -v git >/dev/null || skip 'needs git'; }

program() { # NUMBER LINE
    printf '#include <stdio.h>\n\nint main(int argc, char *argv[])\n{\n'
    printf '    (void)argv;\n    /* TO%s %s.1: say hi.\n' DO "$1"
    printf '     * Check: "says hi".\n     */\n%s    /* END %s.1 */\n' \
        "${2:+$2$'\n'}" "$1"
    printf '    return argc > 9;\n}\n'
}

# bats itself would take a line that begins with @test for its own, also here.
checks() { # PROGRAM
    sed 's/^CHECK /@test /' <<CHECKS
CHECK 'it runs' {
    "\$BIN/$1" >/dev/null
}
CHECK 'says hi' {
    out=\$("\$BIN/$1")
    [ "\$out" = hi ] || { printf 'It said: <%s>\n--\n' "\$out" && return 1; }
}
CHECK 'third' {
    :
}
CHECK 'fourth' {
    :
}
CHECKS
}

setup() {
    WORK="$BATS_TEST_TMPDIR/a b"
    cp -R "$MODEL" "$WORK"
    cd "$WORK" || return 1
}

# say WHAT: everything that run saw, for a test that fails.
has() {
    case $output in
    *"$1"*) return 0 ;;
    esac
    printf 'missing: %s\nin:\n%s\n' "$1" "$output"
    return 1
}
has_not() {
    case $output in
    *"$1"*)
        printf 'should not be there: %s\nin:\n%s\n' "$1" "$output"
        return 1
        ;;
    esac
}
status_is() {
    [ "$status" -eq "$1" ] && return
    printf 'exit status %s, expected %s\n%s\n' "$status" "$1" "$output"
    return 1
}

# liar STATUS LINE...: a bats that prints these lines.
liar() {
    local status=$1
    shift
    printf '%s\n' "$@" >lies
    printf '#!/bin/sh\ncat "%s/lies"\nexit %s\n' "$WORK" "$status" >liar
    chmod +x liar
    export BATS="$WORK/liar"
}

# on_terminal COMMAND: run on a terminal of its own (util-linux script).
on_terminal() {
    script -qec "$1" /dev/null </dev/null
}
need_terminal() {
    script -qec true /dev/null </dev/null >/dev/null 2>&1 ||
        skip "script(1) of util-linux is not here"
}

# ---- the verbs

@test "make help lists every verb" {
    run make help
    status_is 0
    for verb in exNN runNN diffNN resetNN solutionNN help test mutants variants \
        raceNN unsolved asan tsan lint fuzz bench race compdb clean setup; do
        has "make $verb "
    done
}

@test "every line of make help fits on 80 columns" {
    run make help
    status_is 0
    for line in "${lines[@]}"; do
        [ ${#line} -le 80 ] || { echo "too long: $line" && return 1; }
    done
}

@test "an unknown number is answered with the numbers there are" {
    for goal in ex99 diff7 run1 reset26 solution2; do
        run make "$goal"
        status_is 2
        has "There is no exercise ${goal##*[a-z]}."
        has "There are: 24 25."
    done
}

@test "a number alone is answered with the verb to use" {
    run make 24
    status_is 2
    has 'make ex24'
}

@test "an unknown goal is answered with make help" {
    run make nonsense
    status_is 2
    has "make does not know 'nonsense'"
    has 'make help'
}

@test "an exercise without checks says so" {
    rm tests/25-bye.bats
    run make ex25
    [ "$status" -ne 0 ]
    has 'there are no checks for 25-bye yet'
}

@test "make exNN shows the first failure in full and counts the rest" {
    run make ex24
    status_is 2
    has '  ok  it runs'
    has '  FAILED  says hi'
    has '  It said: <>'
    has '2 more checks follow. Change exercises/24-hello, then: make ex24'
    has_not third
    has_not 'in test file'
    has_not '  --'
}

@test "make exNN says when all passed, and what is next" {
    cp solutions/24-hello/server.c exercises/24-hello/
    run make ex24
    status_is 0
    has '24-hello: all 4 checks passed. Next: make ex25'
    cp solutions/25-bye/bye.c exercises/25-bye/
    run make ex25
    status_is 0
    has '25-bye: all 4 checks passed. That was the last one.'
}

@test "V=1 shows all failures and the raw TAP" {
    sed -i.old "s/^    :\$/    printf 'third story\\\\n--\\\\n' \&\& false/" \
        tests/24-hello.bats
    run make ex24 V=1
    status_is 2
    has 'FAILED  says hi'
    has 'FAILED  third'
    has 'third story'
    has 'FAILED  fourth'
    has 'not ok 2 says hi'
    has '3 of 4 checks failed'
}

@test "make solutionNN checks the solution" {
    run make solution24
    status_is 0
    has 'solutions/24-hello: all 4 checks passed.'
}

@test "make alone says where you are" {
    run make
    status_is 0
    has '24-hello             not started'
    has 'Next: make ex24'
    make -s ex24 >/dev/null 2>&1 || true
    run make
    has '24-hello             1 of 4 checks pass'
    cp solutions/24-hello/server.c exercises/24-hello/
    run make
    has '24-hello             changed since the last run (1 of 4 checks passed)'
    make -s ex24 >/dev/null
    run make
    has '24-hello             passed'
    has 'Next: make ex25'
}

@test "a compile error stops make exNN with a plain last word" {
    echo 'int x = ;' >>exercises/24-hello/server.c
    run make ex24
    status_is 2
    has 'error:'
    has 'exercises/24-hello/server.c does not compile. Start with the first error.'
    has_not 'it runs'
}

@test "a warning is shown and the checks go on" {
    sed -i.old 's/(void)argv;/(void)argv; int unused;/' exercises/24-hello/server.c
    run make ex24
    has 'warning: '
    has "unused"
    has '  ok  it runs'
}

@test "a changed header is seen" {
    sed -i.old '1s/^/#include "net.h"\n/' exercises/24-hello/server.c
    make -s build/exercises/24-hello/server
    echo '#error changed' >>lib/net.h
    run make ex24
    status_is 2
    has 'changed'
}

@test "another compiler or other flags build anew" {
    make -s build/exercises/24-hello/server
    run make CFLAGS='-O0 -DTHIS_IS_NEW' -n build/exercises/24-hello/server
    status_is 0
    has 'THIS_IS_NEW'
}

@test "a program may have functions with the library's names" {
    printf 'int writen(int x);\nint writen(int x) { return x; }\n' \
        >>exercises/24-hello/server.c
    run make ex24
    has '  ok  it runs'
}

@test "a program finds the library by net.h and by its path" {
    for name in net.h ../../lib/net.h; do
        cp "$MODEL/exercises/24-hello/server.c" exercises/24-hello/
        sed -i.old "1s|^|#include \"$name\"\n|" exercises/24-hello/server.c
        sed -i.old 's/(void)argv;/prog = argv[0];/' exercises/24-hello/server.c
        run make build/exercises/24-hello/server
        status_is 0
    done
}

@test "two builds of one program at once are both whole" {
    make -s build/lib/lib.a
    for _ in 1 2 3; do
        rm -f build/exercises/24-hello/server
        make -s build/exercises/24-hello/server 3>&- &
        make -s build/exercises/24-hello/server 3>&-
        wait $!
        build/exercises/24-hello/server
    done
    run find build/exercises -name '*.new.*'
    [ -z "$output" ]
}

@test "make runNN starts the program with ARGS" {
    run make run24 ARGS="'a b' c"
    status_is 0
    has 'build/exercises/24-hello/server a\ b c'
    run make run24 PROG=client
    status_is 2
    has '24-hello has no program client; it has: server'
}

@test "make runNN of two programs says what to type for the other" {
    cp exercises/24-hello/server.c exercises/24-hello/client.c
    run make run24
    status_is 0
    has 'make run24 PROG=client'
    has 'build/exercises/24-hello/server'
    run make run24 PROG=client
    status_is 0
    has 'build/exercises/24-hello/client'
}

@test "make diffNN shows what is in the gap" {
    run make diff24
    status_is 0
    has '+    puts("hi");'
}

@test "make resetNN restores the exercise and keeps yours" {
    need_git
    echo '/* mine */' >>exercises/24-hello/server.c
    run make reset24 YES=1
    status_is 0
    cmp exercises/24-hello/server.c "$MODEL/exercises/24-hello/server.c"
    run grep -rl 'mine' build/kept/24-hello
    status_is 0
    run make reset24 YES=1
    status_is 0
    has 'nothing to reset'
}

@test "make resetNN finds the original behind your own commits" {
    need_git
    echo '/* mine */' >>exercises/24-hello/server.c
    git -c user.name=t -c user.email=t@example.org commit -q -a -m 'my work'
    run make reset24 YES=1
    status_is 0
    cmp exercises/24-hello/server.c "$MODEL/exercises/24-hello/server.c"
}

@test "make resetNN asks first, and does nothing where it cannot ask" {
    need_git
    echo '/* mine */' >>exercises/24-hello/server.c
    run make reset24 </dev/null
    status_is 2
    has 'YES=1'
    grep -q mine exercises/24-hello/server.c
}

@test "make resetNN without git says why it cannot" {
    rm -rf .git
    echo '/* mine */' >>exercises/24-hello/server.c
    GIT_CEILING_DIRECTORIES="$BATS_TEST_TMPDIR" run make reset24 YES=1
    status_is 2
    has 'there is no git history here'
    grep -q mine exercises/24-hello/server.c
}

@test "make clean keeps what reset kept" {
    need_git
    echo '/* mine */' >>exercises/24-hello/server.c
    make -s reset24 YES=1
    make -s clean
    run grep -rl mine build/kept
    status_is 0
    [ ! -e build/exercises ]
}

@test "make compdb writes JSON that names every file" {
    run make compdb
    status_is 0
    grep -q '"file": "exercises/24-hello/server.c"' compile_commands.json
    grep -q '"file": "lib/net.c"' compile_commands.json
    command -v python3 >/dev/null || skip "python3 is not here to read it"
    python3 -c 'import json; json.load(open("compile_commands.json"))'
}

# ---- colour

@test "no colour in a pipe" {
    run make ex24
    has_not $'\033'
    run make
    has_not $'\033'
}

@test "colour on a terminal, none with NO_COLOR" {
    need_terminal
    unset NO_COLOR
    run on_terminal 'make ex24'
    has $'\033[31m'
    has $'\033[32m'
    NO_COLOR=1 run on_terminal 'make ex24'
    has '  FAILED  says hi'
    has_not $'\033'
    TERM=dumb run on_terminal 'make ex24'
    has_not $'\033'
}

@test "the checks learn whether they may use colour" {
    need_terminal
    unset NO_COLOR
    sed -i.old 's/It said: /COLOR=$COLOR /' tests/24-hello.bats
    sed -i.old "s/'COLOR=\(.*\)' \"/\"COLOR=\1\" \"/" tests/24-hello.bats
    run on_terminal 'make ex24'
    has 'COLOR=1'
    run make ex24
    has_not 'COLOR=1'
}

@test "long titles and reasons are folded at 80 columns" {
    sed -i.old "s/'it runs'/'it runs $(printf 'and runs %.0s' 1 2 3 4 5 6 7 8 9)'/" \
        tests/24-hello.bats
    run make ex24
    has 'it runs and runs'
    for line in "${lines[@]}"; do
        [ ${#line} -le 80 ] || { echo "too long: $line" && return 1; }
    done
}

# ---- a verdict only from a whole report

@test "only a whole report in order is a pass" {
    liar 0 1..2 'ok 1 a' 'ok 2 b'
    run tools/check 24-hello build/solutions/24-hello
    status_is 0
}

# refused: the liar's report must not be a pass.
refused() {
    run tools/check 24-hello build/solutions/24-hello
    status_is 1
    has_not 'checks passed.'
}

@test "no pass: a check is missing at the end" {
    liar 0 1..3 'ok 1 a' 'ok 2 b'
    refused
    has '2 of 3 checks'
}

@test "no pass: a check in the middle is missing" {
    liar 0 1..3 'ok 1 a' 'ok 3 c'
    refused
}

@test "no pass: a number twice" {
    liar 0 1..3 'ok 1 a' 'ok 2 b' 'ok 2 b'
    refused
}

@test "no pass: more checks than announced" {
    liar 0 1..2 'ok 1 a' 'ok 2 b' 'ok 3 c'
    refused
}

@test "no pass: no plan, or one that comes late" {
    liar 0 'ok 1 a' 'ok 2 b'
    refused
    liar 0 'ok 1 a' 'ok 2 b' 1..2
    refused
}

@test "no pass: a second plan" {
    liar 0 1..3 'ok 1 a' 1..1
    refused
}

@test "no pass: nothing ran" {
    liar 0 1..0
    refused
    liar 0 ''
    refused
    liar 0 1..2 'ok 1 a # skip no tool' 'ok 2 b # skip no tool'
    refused
}

@test "no pass: bats itself failed" {
    liar 1 1..2 'ok 1 a' 'ok 2 b'
    refused
    has "exit status 1"
}

@test "no pass: a line that does not belong there" {
    for line in 'hello' 'Bail out!' 'ok' 'ok 2' 'okay 2 b' ' ok 2 b' 'ok 2x b' \
        'ok 02 b' 'not ok'; do
        liar 0 1..2 'ok 1 a' "$line" 'ok 2 b'
        refused
    done
}

@test "no pass: a failure, whatever bats' exit status" {
    liar 0 1..2 'not ok 1 a' '# because' '# --' 'ok 2 b'
    refused
    has 'because'
    has '1 more check follows.'
}

@test "no pass: half a line at the end" {
    liar 0 1..2 'ok 1 a' 'ok 2 b'
    printf 'ok' >>lies
    refused
}

@test "no pass: the checks' own files changed while they ran" {
    sed -i.old 's/"$BIN\/server" >/echo "# x" >>"$PROJECT\/tests\/24-hello.bats"; &/' \
        tests/24-hello.bats
    run make solution24
    status_is 2
    has "the checks' own files changed while they ran: no verdict"
}

@test "STRICT=1: a check that cannot run has failed" {
    liar 0 1..2 'ok 1 a # skip no nc here' 'ok 2 b'
    run tools/check 24-hello build/solutions/24-hello
    status_is 0
    has 'a (skipped: no nc here)'
    has '1 of 2 checks passed, 1 skipped.'
    STRICT=1 run tools/check 24-hello build/solutions/24-hello
    status_is 1
}

@test "a check that breaks down is not laid to the student" {
    sed -i.old '2s/.*/    no_such_command/' tests/24-hello.bats
    run make ex24
    status_is 2
    has 'The check itself broke here'
    has_not third
}

@test "the first failure ends bats and all that it started" {
    sed -i.old "s/^    :\$/    echo \$BASHPID >third.\$BATS_TEST_NUMBER; exec tail -f \/dev\/null/" \
        tests/24-hello.bats
    mkdir tmp
    TMPDIR="$WORK/tmp" run make ex24
    status_is 2
    has '2 more checks follow'
    for file in third.*; do
        [ -f "$file" ] || continue
        # Killed, it is there until its new parent has waited for it.
        until_true has_gone "$(cat "$file")"
    done
    run ls tmp
    [ -z "$output" ] || { echo "left behind: $output" && return 1; }
}

@test "a crash names the kind of error and the student's line" {
    echo 'int main(void) { return 0; }' >try.c
    cc -fsanitize=address,undefined try.c -o try 2>/dev/null ||
        skip "this compiler has no AddressSanitizer"
    sed -i.old 's/return argc > 9;/char *p = malloc(3); p[argc + 3] = 1; abort();/
        s/<stdio.h>/<stdlib.h>/' exercises/24-hello/server.c
    sed 's/^CHECK /@test /' >tests/24-hello.bats <<'CHECKS'
CHECK 'does not crash' {
    "$BIN/server" 2>"$LOGS/stderr" || {
        printf 'crash: SIGSEGV\n--\n'
        return 1
    }
}
CHECKS
    run make ex24 CFLAGS='-O0 -g'
    status_is 2
    has 'AddressSanitizer says: heap-buffer-overflow, at '
    has "at server.c:$(grep -n malloc exercises/24-hello/server.c | cut -d: -f1), in main"
}

# ---- getting bats

@test "a bats that is too old is not used" {
    mkdir old
    printf '#!/bin/sh\necho Bats 1.2.1\n' >old/bats
    printf '#!/bin/sh\nexit 1\n' >old/npm
    chmod +x old/bats old/npm
    unset BATS
    rm -rf .cache
    PATH="$WORK/old:$PATH" run make solution24
    status_is 2
    has 'needs bats 1.8 or newer'
    has 'make setup'
}

# bare UID: a PATH with the least there can be, for the user UID, and with a
# package manager that notes what it is asked for.
bare() {
    local tool
    mkdir bare
    for tool in sh env mktemp rm uname cat chmod; do
        ln -s "$(command -v "$tool")" "bare/$tool"
    done
    printf '#!/bin/sh\necho %s\n' "$1" >bare/id
    cat >bare/apt-get <<'SCRIPT'
#!/bin/sh
echo "$@" >>asked
for package; do
    case $package in
    gcc) echo '#!/bin/sh' >bare/cc ;;
    make | bash) echo '#!/bin/sh' >"bare/$package" ;;
    bats) printf '#!/bin/sh\necho Bats 1.8.2\n' >bare/bats ;;
    esac
    [ ! -f "bare/$package" ] || chmod +x "bare/$package"
    [ "$package" != gcc ] || chmod +x bare/cc
done
SCRIPT
    chmod +x bare/id bare/apt-get
}

@test "setup asks for what is missing and for nothing else" {
    bare 0
    PATH="$WORK/bare" run tools/setup
    status_is 0
    has 'missing here: compiler make bash bats'
    run cat asked
    has 'install -q -y --no-install-recommends gcc libc6-dev make bash bats'
    rm asked bare/bats
    PATH="$WORK/bare" run tools/setup
    status_is 0
    run cat asked
    has 'install -q -y --no-install-recommends bats'
    rm asked
    PATH="$WORK/bare" run tools/setup
    status_is 0
    [ -z "$output" ] && [ ! -e asked ]
}

@test "setup without root and without sudo says what to install" {
    bare 1000
    PATH="$WORK/bare" run tools/setup
    status_is 1
    has 'as root, or with sudo, install: gcc libc6-dev make bash bats'
    [ ! -e asked ]
}

@test "setup uses sudo where it must" {
    bare 1000
    printf '#!/bin/sh\necho sudo >>asked\nexec "$@"\n' >bare/sudo
    chmod +x bare/sudo
    PATH="$WORK/bare" run tools/setup
    status_is 0
    run cat asked
    has sudo
}

# ---- proving the checks

mutant() { # ID SED FAULT TITLE
    mkdir -p tests/mutants/24-hello
    sed "$2" solutions/24-hello/server.c >mutated.c
    {
        printf 'Fault: %s\nKilled by: %s\n\n' "$3" "$4"
        diff -u solutions/24-hello/server.c mutated.c |
            sed -e '1s|.*|--- a/solutions/24-hello/server.c|' \
                -e '2s|.*|+++ b/solutions/24-hello/server.c|'
    } >"tests/mutants/24-hello/$1.patch"
}

need_patch() {
    command -v patch >/dev/null || skip "patch is not here"
}

@test "make mutants: a killed one is fine" {
    need_patch
    mutant T01 's/"hi"/"ho"/' 'says ho' 'says hi'
    run make mutants
    status_is 0
    has '24-hello: 1 of 1 mutants killed'
    has '1 passed, 0 failed'
}

@test "make mutants: a survivor, an unknown check, a bad patch are failures" {
    need_patch
    mutant T01 's/"hi"/"ho"/' 'says ho' 'says hi'
    mutant T02 's/argc > 9/argc > 8/' 'no fault' 'says hi'
    mutant T03 's/"hi"/"ho"/' 'says ho' 'says'
    mutant T04 's/puts/no_such/' 'does not link' 'says hi'
    mutant T05 's/"hi"/"ho"/' 'says ho' 'says hi'
    sed -i.old 's/puts/putz/' tests/mutants/24-hello/T05.patch
    run make mutants
    status_is 2
    has '24-hello/T02 survives: says hi'
    has '24-hello/T03 names a check that is not there: says'
    has '24-hello/T04 it does not compile'
    has '24-hello/T05 the patch does not fit'
    has '1 passed, 4 failed'
    run make mutants ONLY=24/T01
    status_is 0
}

@test "make mutants MATRIX=1 writes the table between the markers" {
    need_patch
    mutant T01 's/"hi"/"ho"/' 'says ho' 'says hi'
    printf 'head\n<!-- matrix: begin -->\nold\n<!-- matrix: end -->\nfoot\n' \
        >tests/mutants/README.md
    run make mutants MATRIX=1
    status_is 0
    has '| T01 | says ho | | **x** | | |'
    run cat tests/mutants/README.md
    has head
    has '| T01 | says ho | | **x** | | |'
    has '2. says hi'
    has foot
    has_not old
}

@test "make mutants CAUSES=1 shows which lines a failed check names" {
    need_patch
    mutant T01 's/"hi"/"ho"/' 'says ho' 'says hi'
    run make mutants CAUSES=1
    status_is 0
    has '24-hello: the fault itself is named for'
    has '| T01 | '
}

@test "make variants: a patch to the solution is one, if it fits" {
    need_patch
    mutant T01 's/puts("hi")/printf("hi\\n")/' 'in other words' ''
    mkdir -p tests/variants
    mv tests/mutants/24-hello tests/variants/
    run make variants
    status_is 0
    has '1 passed, 0 failed'
    sed -i.old 's/puts/putz/' tests/variants/24-hello/T01.patch
    rm -f tests/variants/24-hello/*.old
    run make variants
    status_is 2
    has '24-hello/T01 the patch does not fit'
}

@test "make variants: right programs pass, a wrong one is a failure" {
    mkdir -p tests/variants/24-hello/printf tests/variants/24-hello/wrong
    sed 's/puts("hi")/printf("hi\\n")/' solutions/24-hello/server.c \
        >tests/variants/24-hello/printf/server.c
    cp exercises/24-hello/server.c tests/variants/24-hello/wrong/
    run make variants ONLY=24/printf
    status_is 0
    has '1 passed, 0 failed'
    run make variants
    status_is 2
    has '24-hello/wrong is refused'
    has '1 passed, 1 failed'
}

@test "make unsolved: a solved exercise is a failure" {
    run make unsolved
    status_is 0
    has '2 passed, 0 failed'
    cp solutions/24-hello/server.c exercises/24-hello/
    run make unsolved
    status_is 2
    has '24-hello passes as it is'
}

@test "make unsolved: a warning under the strict flags is a failure" {
    sed -i.old 's/(void)argv;/char c = (char)0; c = argv[0][0] + argc;/' \
        exercises/24-hello/server.c
    run make unsolved ONLY=24
    status_is 2
    has 'does not compile without a warning'
}

@test "make test is red when a single check fails, green when none does" {
    for tool in unsolved variants mutants sanitize hostile lint fuzz; do
        printf '#!/bin/sh\necho 1 passed, 0 failed\n' >tools/$tool
    done
    printf '@test "fine" {\n    true\n}\n' >tests/own.bats
    run make test
    status_is 0
    [ "${lines[${#lines[@]} - 1]}" = '17 passed, 0 failed' ]
    sed -i.old 's/puts("hi")/puts("ho")/' solutions/24-hello/server.c
    run make test
    status_is 2
    has 'FAILED  solution 24-hello: 1 failed'
    has '14 passed, 1 failed'
    has_not ' passed, 0 failed'
    has 'It said: <ho>'
}

@test "make test is red when a part of it fails or breaks off" {
    for tool in unsolved variants mutants sanitize lint; do
        printf '#!/bin/sh\necho 1 passed, 0 failed\n' >tools/$tool
    done
    rm tests/25-bye.bats
    printf '@test "not fine" {\n    false\n}\n' >tests/own.bats
    run tools/test
    status_is 1
    has 'FAILED  own: 1 failed'
    printf '@test "fine" {\n    true\n}\n@test "cut" {\n    kill $PPID $$\n}\n' \
        >tests/own.bats
    run tools/test
    status_is 1
    rm tests/own.bats
    for line in '2 passed, 1 failed' 'no total' ''; do
        printf '#!/bin/sh\necho %s\n' "$line" >tools/variants
        run tools/test
        status_is 1
    done
    printf '#!/bin/sh\necho 1 passed, 0 failed\nexit 1\n' >tools/variants
    run tools/test
    status_is 1
}

# ---- the exercises

# frame FILE: all but what is in the gaps.
frame() {
    awk '
        /\/\* TO[D]O [0-9]+\.[0-9]+:/ { comment = 1 }
        /\/\* END [0-9]+\.[0-9]+ \*\// { gap = 0 }
        !gap { print }
        comment && /\*\// { comment = 0; gap = 1 }' "$1"
}

# gaps FILE: a line "NUMBER TITLE" a gap.
gaps() {
    awk '
        /\/\* TO[D]O [0-9]+\.[0-9]+:/ { comment = 1; text = "" }
        comment {
            line = $0
            sub(/^ *(\/\*|\*)? */, "", line)
            text = text " " line
        }
        comment && /\*\// {
            comment = 0
            split(text, words, /[ :]+/)
            title = text
            if (!sub(/.*Check: "/, "", title) || !sub(/"\..*/, "", title))
                title = ""
            print words[3], title
        }' "$1"
}

@test "exercise and solution differ in the gaps and nowhere else" {
    cd "$TOP" || return 1
    for solution in solutions/*/*.c; do
        exercise=exercises/${solution#solutions/}
        frame "$exercise" >"$WORK/exercise"
        frame "$solution" >"$WORK/solution"
        cmp "$WORK/exercise" "$WORK/solution" || {
            echo "$exercise differs outside its gaps:"
            diff "$WORK/exercise" "$WORK/solution"
            return 1
        }
        # A program to read has no gap, and is the same in both.
        if grep -q 'TO[D]O' "$solution" && cmp -s "$exercise" "$solution"; then
            echo "$exercise is solved" && return 1
        fi
    done
}

@test "exercises and solutions have the same files" {
    cd "$TOP" || return 1
    diff <(cd exercises && ls ./*/*.c) <(cd solutions && ls ./*/*.c)
}

@test "the gaps of an exercise are numbered from 1, 2 to 7 of them, each closed" {
    cd "$TOP" || return 1
    for dir in exercises/*/; do
        number=${dir#exercises/} number=${number%%-*}
        for f in "$dir"*.c; do gaps "$f"; done | cut -d ' ' -f 1 | sort >"$WORK/gaps"
        count=$(wc -l <"$WORK/gaps")
        [ "$count" -ge 2 ] && [ "$count" -le 7 ] || { echo "$dir: $count" && return 1; }
        for ((i = 1; i <= count; i++)); do echo "$number.$i"; done >"$WORK/expected"
        diff "$WORK/expected" "$WORK/gaps" || { echo "in $dir" && return 1; }
        sed -n 's/.*\/\* END \([0-9.]*\) \*\/.*/\1/p' "$dir"*.c | sort >"$WORK/ends"
        diff "$WORK/gaps" "$WORK/ends" || { echo "in $dir" && return 1; }
    done
}

@test "every gap names a check that is there" {
    cd "$TOP" || return 1
    for f in exercises/*/*.c; do
        name=${f#exercises/} name=${name%/*}
        while read -r gap title; do
            [ -n "$title" ] || { echo "$f: $gap names no check" && return 1; }
            [ -f "tests/$name.bats" ] || continue
            grep -qF -e "@test '$title' {" -e "@test \"$title\" {" "tests/$name.bats" || {
                echo "$f: $gap names a check that is not there: $title"
                return 1
            }
        done < <(gaps "$f")
    done
}

# functions FILE: each function on one line, without the gaps' comments.
functions() {
    awk '
        /\/\* TO[D]O [0-9]+\.[0-9]+:/ { comment = 1 }
        comment { if (/\*\//) comment = 0; next }
        /\/\* END [0-9]+\.[0-9]+ \*\// { next }
        /^[a-z].*\(/ && !/;/ { text = ""; inside = 1 }
        inside { text = text $0 "\001" }
        inside && /^}/ { print text; inside = 0 }' "$1"
}

# How a client is accepted, and for how long it is waited for, is 28's own.
@test "23, 24 and 28 read and answer a request in the same lines" {
    cd "$TOP" || return 1
    functions solutions/23-http-server/server.c >"$WORK/blocking"
    [ "$(wc -l <"$WORK/blocking")" -ge 8 ]
    for other in 24-threaded-server 28-thread-pool; do
        functions "solutions/$other/server.c" >"$WORK/other"
        while IFS= read -r function; do
            case $other:$function in
            *:'int main('* | 28-*:*' serve('* | 28-*:*' next_client('*) continue ;;
            esac
            grep -qxF -e "$function" "$WORK/other" || {
                echo "not the same in $other:"
                tr '\001' '\n' <<<"$function"
                return 1
            }
        done <"$WORK/blocking"
    done
    # 28's serve() answers as the others do.
    for name in 23-http-server 24-threaded-server 28-thread-pool; do
        functions "solutions/$name/server.c" | tr '\001' '\n' |
            sed -n '/^    switch (read_request(/,/^    }/p' >"$WORK/$name"
        cmp "$WORK/23-http-server" "$WORK/$name"
    done
    [ "$(wc -l <"$WORK/28-thread-pool")" -ge 8 ]
}

@test "the README shows what make ex24 prints" {
    [ -f "$TOP/tests/24-threaded-server.bats" ] || skip "there is no 24 yet"
    mkdir top && cd top || return 1
    for part in Makefile tools lib exercises solutions tests; do
        cp -R "$TOP/$part" .
    done
    run make ex24
    status_is 2
    # Ports and times differ from run to run; where a program waits, and its
    # ladder, are not known everywhere.
    masked() {
        grep -v -e '^make: ' -e ' waits in ' |
            sed -E 's/[0-9]{5}/N/g; /^ +ms /,/^$/d; /^  note: /,/^$/d'
    }
    masked <<<"$output" >printed
    sed -n '/^<!-- ex24: begin/,/^<!-- ex24: end/p' "$TOP/README.md" |
        grep -v '^<!--' | grep -v '^```' | masked >shown
    diff shown printed
}

@test "nothing but the numbered gaps is left to do" {
    cd "$TOP" || return 1
    run grep -rnwE 'TO[D]O|FIX[M]E|XX[X]' Makefile lib solutions exercises tools \
        tests
    left=$(grep -vE 'TO[D]O [0-9]+\.[0-9]+' <<<"$output" || true)
    [ -z "$left" ] || { echo "$left" && return 1; }
}
