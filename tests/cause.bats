# What a failed check tells of its cause, of real programs. tests/ladder.bats has
# the sentences on events that are the same each time.
# shellcheck disable=SC2164  # bats ends a test where cd fails
# shellcheck disable=SC2030,SC2031  # each test has a dir of its own
bats_require_minimum_version 1.5.0
load wrong

setup_file() {
    cd "$BATS_TEST_DIRNAME/.."
    unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES V CAUSES
    export NO_COLOR=1
    make -s build/trace/ladder build/trace/recorder
    [ -f build/trace/record.so ] || skip 'the recorder is not to be had here'
    command -v addr2line || skip 'needs addr2line (apt install binutils)'
}
setup() {
    cd "$BATS_TEST_DIRNAME/.."
}

# The line of that mutant, as it is now, that has this text.
line_of() { # NN-name/FILE TEXT
    grep -nF -- "$2" "solutions/$1" | sed 's/:.*//; q'
}

@test "where a computation is wrong, it is named, and the call that shows it" {
    local file=23-http-server/server.c line
    line=$(line_of $file "line[len - 1] == '\\r'")
    fails_with 23-http-server/strips-all-cr ' Compare: after fwrite(stdout, "Accept' \
        " Look at: server.c:$line in text_length(): it ran just before that, and is not as in the solution"
}

@test "the gap is named, also where the calls do not differ" {
    fails_with 23-http-server/ignores-sigterm ' Look at: server.c:' \
        ' in main() (TODO 23.7): of what is not as in the solution, it alone has run'
}

@test "a constant is named where it was used" {
    local line
    line=$(line_of 23-http-server/server.c '#define MAX_LINES')
    fails_with 23-http-server/few-lines " Look at: server.c:$line in MAX_LINES: it ran"
}

@test "who has filled all gaps in other words is told which of them" {
    CAUSES=gaps fails_with 23-http-server/strips-all-cr ' Look at: server.c:' \
        ' in text_length()'
}

@test "comments and spaces around a line do not count" {
    local dir=build/tests/spaced
    ONLY=23/strips-all-cr run tools/mutants
    mkdir -p "$dir"
    awk '{ print } /^{$/ { print "    // begins" } /;$/ { print "  /* so\n   * far */" }' \
        build/mutants/23-http-server/strips-all-cr/server.c |
        sed -E 's/^    ( *)/\t\1/' >"$dir/server.c"
    make -s "$dir/server"
    run tools/check 23-http-server "$dir"
    printf '%s\n' "$output"
    [[ $output == *'  Look at:  server.c:'*' in text_length(): it ran just before '* ]]
}

# Below, programs that are written here, and events that say how they ran.

# program FOLDER: folder/server.c, of stdin, and what is made of it; or $name.c.
program() {
    local file=$PWD/$1/${name-server}
    mkdir -p "$1"
    cat >"$file.c"
    ${CC:-cc} -g -O0 "$file.c" -o "$file"
}

# address FILE LINE: behind the first instruction of that line.
address() {
    objdump --dwarf=decodedline "$1" |
        awk -v line="$2" '$2 == line { print $3; exit }' |
        { read -r at && printf '0x%x' $((at + 1)); }
}

# did FOLDER MS CALL LINE [LINE...]: a call on the first of these lines, after a
# way through the others.
did() {
    local way=- line file=$PWD/$1/${name-server}
    for line in "${@:5}"; do
        way=${way#-},$(address "$file" "$line")
    done
    printf 'E\t%s000000\t%s\t%s\t%s\t%s\t3\t3\ts9\t-\t-\t0\t-\t0\t-\t-\t-\t%s+%s\t-\t%s\n' \
        "$2" "${#file}" "${#file}" "${name-server}" "$3" "$file" \
        "$(address "$file" "$4")" "${way#,}"
}

# told FILE [RIGHT]: what is said of these events, in one line.
told() {
    build/trace/ladder -w 76 -f 'a gets eof' ${2+-d "$2"} "$1" |
        tr -s ' \n' ' '
}

@test "the course may lie below a folder called lib; its own lib/ is left out" {
    local dir
    for dir in build/tests/lib/course/{exercises,lib}; do
        program "$dir" <<<'int main(void) { return 0; }'
        did "$dir" 1 close 1 >"$dir/right"
        did "$dir" 1 shutdown 1 >"$dir/events"
    done
    [[ $(told "$dir/events" "$dir/right") == *'yours: shutdown(3); the'* ]]
    dir=${dir%lib}exercises
    [[ $(told "$dir/events" "$dir/right") == *'yours: shutdown(3) (server.c:1); the'* ]]
}

@test "the line that is shown is the marked one, also behind long ones" {
    local dir=build/tests/long
    program "$dir" < <(printf '/* %0400d */\n\nint main(void) { return 0; }\n' 0)
    did "$dir" 1 close 3 >"$dir/right"
    did "$dir" 1 shutdown 3 >"$dir/events"
    [[ $(told "$dir/events" "$dir/right") == *'server.c:3 int main(void) { ret'* ]]
}

# looks_at FOLDER TEXT: what is said of FOLDER/events, beside FOLDER/right/events.
looks_at() {
    local said
    said=$(told "$1/events" "$1/right/events")
    printf '%s\n' "$said"
    [[ " $said" == *" Look at: $2"* ]]
}

@test "no comment begins in a string" {
    local dir=build/tests/strings
    program "$dir/right" <<'END'
char *name = "text/*", quote = '"';

int main(void)
{
    name = "http://a";
    return 0;
}
END
    did "$dir/right" 1 close 7 5 >"$dir/right/events"
    sed 's/a";/b";/' "$dir/right/server.c" | program "$dir"
    did "$dir" 1 shutdown 7 5 >"$dir/events"
    looks_at "$dir" 'server.c:5 in main(): it ran just before'
    sed 's/= 0/= 1/; s/return 0/return 1/' "$dir/right/server.c" | program "$dir"
    did "$dir" 1 shutdown 7 5 6 >"$dir/events"
    looks_at "$dir" 'server.c:6 in main(): it ran just before'
}

@test "a brace in the first column does not end a function, nor does one in words" {
    local dir=build/tests/braces
    program "$dir/right" <<'END'
#define OPEN {
int n;

static int f(int x);

static int
count(int x)
{
if (x == '{') {
    n = 0;
}
#ifdef OPEN
    for (;;) {
#else
    while (1) {
#endif
        n += 1;
        return n;
    }
}

int main(void)
{
    return count(0) + f(1);
}

static int f(int x) { return x; }
END
    did "$dir/right" 1 close 24 17 >"$dir/right/events"
    sed 's/+= 1/+= 2/; s/return x/return x + 1/' "$dir/right/server.c" |
        program "$dir"
    did "$dir" 1 shutdown 24 17 >"$dir/events"
    looks_at "$dir" 'server.c:17 in count(): it ran just before'
    did "$dir" 1 shutdown 24 27 >"$dir/events"
    looks_at "$dir" 'server.c:27 in f(): it ran just before'
}

@test "what is outside of functions has its name: a tag's, a prototype's, no keyword" {
    local dir=build/tests/names change used place
    program "$dir/right" <<'END'
struct job {
    int fd;
};
typedef struct
{
    int fd;
} task_t;
enum state {
    BUSY = 2
};
static int refuse(int fd);
static int (*handler)(int) = refuse;
int main(void)
{
    int n = 3;
    struct job job = { n };
    task_t task = { n };
    enum state state = BUSY;
    n = handler(n);
    return refuse(n) + job.fd + task.fd + (int)state;
}
static int refuse(int fd)
{
    return fd;
}
END
    {
        did "$dir/right" 1 listen 21 15 16 17 18 19 20
        did "$dir/right" 2 close 21 15
    } >"$dir/right/events"
    while IFS='|' read -r change used place; do
        sed "$change" "$dir/right/server.c" | program "$dir"
        did "$dir" 1 listen 21 15 16 17 18 19 20 >"$dir/events"
        did "$dir" 2 shutdown 21 "$used" >>"$dir/events"
        looks_at "$dir" "server.c:$place: it ran just before"
    done <<'END'
1s/job/job /|16|1 in struct job
2s/int/long/|16|2 in struct job
6s/int/long/|17|6 in task_t
9s/2/3/|18|9 in BUSY
11s/int fd/int/|20|11 in refuse
12s/int)/int x)/|19|12 in handler
END
}

@test "lines that the file no longer has do no harm" {
    local dir=build/tests/shorter
    program "$dir/right" <<'END'
int f(void) { return 1; }
int main(void)
{
    return f();
}
END
    did "$dir/right" 1 close 5 4 >"$dir/right/events"
    sed -e 's/f();/f() + 1;/' -e '1i #line 800000000' -e '1a #line 2' \
        "$dir/right/server.c" | program "$dir"
    did "$dir" 1 shutdown 5 800000000 4 >"$dir/events"
    sed -i '/^#line/d' "$dir/server.c"
    looks_at "$dir" 'server.c:4 in main(): it ran just before'
}

# twice [CHANGE]: $name.c as the solution has it, and the same with that change.
twice() {
    program "$dir/right" <<'END'
int f(void)
{
    return 1;
}
int main(void)
{
    return f();
}
END
    sed "${1-}" "$dir/right/$name.c" | program "$dir"
}

# both FOLDER LINE CALL: what a client did on its way through that line, and a
# server that calls close, or CALL where it is wrong.
both() {
    {
        name=client did "$1/right" 1 close 8 "$2"
        name=server did "$1/right" 2 close 8 7
    } >"$1/right/events"
    {
        name=client did "$1" 1 close 8 "$2"
        name=server did "$1" 2 "$3" 8 7
    } >"$1/events"
}

@test "the way of one program is none of another's" {
    local dir=build/tests/two name
    name=client twice
    name=server twice 's/return 1/return 2/'
    both "$dir" 3 shutdown
    run -1 looks_at "$dir" ''
    [[ $output == 'Compare: '* ]]
}

@test "what alone has run is told, be it of the first program or another" {
    local dir=build/tests/c++ name
    name=client twice
    name=server twice 's/f();/f() + 1;/'
    both "$dir" 7 close
    looks_at "$dir" 'server.c:7 in main(): of what is not as in the solution, it alone has run'
    name=client twice 's/f();/f() + 1;/'
    run -1 looks_at "$dir" ''
}

@test "the marked call's own lines are told, but for its line alone; one place a block" {
    local dir=build/tests/marked
    program "$dir/right" <<'END'
int add(int x)
{
    return x + 1;
}
int main(void)
{
    int n = add(1);
    n = n * 2;
    n = n + 5;
    return n;
}
END
    did "$dir/right" 1 close 9 3 7 >"$dir/right/events"
    changed() { # LINES AT: those and add()'s are other ones; at AT is the call
        sed "3s/x + 1/x++/; $1s/$/;/" "$dir/right/server.c" | program "$dir"
        did "$dir" 1 shutdown "$2" 3 7 >"$dir/events"
    }
    changed 7,8 8
    looks_at "$dir" 'server.c:7-8 in main(), with that call in it, and server.c:3 in add(): these ran just before'
    changed 9 9
    looks_at "$dir" 'server.c:3 in add(): it ran just before'
    changed '7s/$/;/; 9' 10
    looks_at "$dir" 'server.c:7 in main(), and server.c:3 in add(): these ran'
}

@test "a file may differ from its first line of code on" {
    local dir=build/tests/first
    program "$dir/right" < <(printf '/* One. */\nint main(void)\n{\n}\n')
    did "$dir/right" 1 close 4 3 >"$dir/right/events"
    program "$dir" < <(printf '/* Two. */\n#define TWO\nint main(void)\n{\n;\n}\n')
    did "$dir" 1 shutdown 6 4 >"$dir/events"
    looks_at "$dir" 'server.c:5 in main(): it ran just before'
}
