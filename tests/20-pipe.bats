# The checks of 20-pipe, in the order in which a student gets them right.
load support/check

@test "What the first command writes, the second one reads" {
    play <<'END'
    hint Make the pipe before you fork. The first child has its writing end, ends[1], as descriptor 1, the second child has its reading end, ends[0], as 0.
    try make run20 ARGS="echo hello '|' head -n 1"
    run pipe echo hello '|' head -n 1
    pipe prints "hello\n"
    hint With three commands there are two pipes: the second command reads from the first pipe and writes into the second one.
    try make run20 ARGS="echo hello '|' head -n 1 '|' head -n 1"
    run pipe echo hello '|' head -n 1 '|' head -n 1
    pipe prints "hello\n"
END
}

@test "The second command sees the end of its input" {
    play <<'END'
    hint A reader comes to the end of its input when nobody holds the writing end any more. Close ends[1] in the parent as soon as the first child has it, before the next fork.
    try make run20 ARGS="echo hello '|' cat"
    run pipe printf 'b\na\n' '|' sort
    pipe prints "a\nb\n"
    pipe exits 0
    hint The same for every pipe: in the parent, no end stays open.
    try make run20 ARGS="echo hello '|' cat '|' cat '|' cat"
    run pipe printf 'b\na\n' '|' sort '|' cat '|' sort '|' cat
    pipe prints "a\nb\n"
    pipe exits 0
    pipe idle
    pipe processes 0
END
}

@test "yes ends when head has read enough" {
    play <<'END'
    hint A writer is told that its reader has gone (SIGPIPE, pipe(7)) when nobody holds the reading end any more. In the child, after dup2(2), close all ends, ends[0] too; in the parent, what it has handed on.
    try make run20 ARGS="yes '|' head -n 1"
    run pipe yes '|' head -n 1
    pipe prints "y\n"
    pipe exits 0
    pipe idle
    pipe processes 0
    hint A pipe between two others: its ends have to be closed too, by everybody who does not use them.
    try make run20 ARGS="yes '|' cat '|' cat '|' head -n 1"
    run pipe yes '|' cat '|' cat '|' head -n 1
    pipe prints "y\n"
    pipe exits 0
    pipe idle
    pipe processes 0
    hint The commands have SIGPIPE as it was before you changed it: at its default, so that it ends them.
    try build/exercises/20-pipe/pipe true '|' sh -c 'kill -PIPE $$; exit 1'
    run pipe sh -c 'kill -PIPE $$; echo alive' '|' cat
    pipe exits 0
    pipe prints nothing
END
}

@test "The exit status is the last command's" {
    play <<'END'
    hint Wait for the last command with waitpid(2). Its exit status is in some bits of the number that waitpid stores: take it out with WEXITSTATUS.
    try build/exercises/20-pipe/pipe true '|' sh -c 'exit 5'; echo $?
    run pipe true '|' sh -c 'exit 5'
    pipe exits 5
    hint Of all statuses the last command's counts, and not that of the one that ended last or that failed.
    try build/exercises/20-pipe/pipe sh -c 'exit 3' '|' true; echo $?
    run pipe sh -c 'exit 3' '|' true
    pipe exits 0
    run pipe sh -c 'exec >&-; read x; exit 3' '|' sh -c 'exit 4' '|' sh -c 'exit 5'
    pipe gets end
    pipe exits 5
    run pipe true '|' sh -c 'cat; exit 255'
    pipe exits 255
    hint A command that a signal ended has no exit status. WIFSIGNALED tells, WTERMSIG is the signal's number: 128 + that is ours.
    try build/exercises/20-pipe/pipe true '|' sh -c 'kill -TERM $$'; echo $?
    run pipe true '|' sh -c 'kill -TERM $$'
    pipe exits 143
    run pipe true '|' sh -c 'kill -KILL $$'
    pipe exits 137
    run pipe true '|' sh -c 'kill -PIPE $$'
    pipe exits 141
    hint A signal that ends another command than the last one does not count.
    try build/exercises/20-pipe/pipe sh -c 'kill -TERM $$' '|' true; echo $?
    run pipe sh -c 'kill -TERM $$' '|' true
    pipe exits 0
END
}

@test "It waits for every command, not only for the last one" {
    play <<'END'
    hint The last command has ended here, the first one has not. Wait for each child that you have started: one waitpid(2) each.
    try make run20 ARGS="sleep 3 '|' true"
    run pipe sh -c 'exec >&-; read x' '|' sh -c 'exit 4'
    pipe idle
    pipe runs
    pipe gets end
    pipe exits 4
    hint The command in the middle ends last here: wait for it too.
    try make run20 ARGS="true '|' sleep 3 '|' true"
    run pipe cat '|' sh -c 'exec >&- 2>&-; read x; sleep 0.1' '|' sh -c 'exit 4'
    pipe idle
    pipe runs
    pipe gets end
    pipe exits 4
    pipe processes 0
    hint A command that is stopped (SIGSTOP) has not ended: call waitpid(2) without WUNTRACED.
    try make run20 ARGS="sleep 9 '|' cat"; then in another terminal: pkill -STOP cat
    run pipe true '|' sh -c '(while sleep 0.02; do kill -CONT $$ || exit; done) 2>&- & kill -STOP $$; exit 6'
    pipe exits 6
    hint A signal to pipe itself does not end its wait: if waitpid(2) fails with EINTR, call it again.
    run pipe cat '|' sh -c 'cat; exit 7'
    pipe gets "a\n"
    pipe prints "a\n"
    pipe signal CHLD
    pipe signal WINCH
    pipe stops
    pipe continues
    pipe gets "b\n"
    pipe prints "b\n"
    pipe runs
    pipe gets end
    pipe exits 7
END
}

@test "A command that is not found gives 127 and is named on stderr" {
    play <<'END'
    hint execvp(3) returns only if it failed. Then, in the child, print the command's name and why on stderr, and _exit(127) if errno is ENOENT.
    try build/exercises/20-pipe/pipe true '|' nosuchcommand; echo $?
    run pipe true '|' nosuchcommand
    pipe exits 127
    pipe says "nosuchcommand"
    pipe says "\n"
    run pipe true '|' ./nosuchcommand
    pipe exits 127
    hint The other commands run as usual, once each: a child whose execvp(3) failed ends with _exit(2) and never goes on in its parent's code.
    try build/exercises/20-pipe/pipe nosuchcommand '|' sh -c 'cat; echo once'
    run pipe nosuchcommand '|' sh -c 'cat; echo once'
    pipe exits 0
    pipe prints "once\n"
    pipe prints nothing
    pipe says "nosuchcommand"
    hint A command that could not be run holds no end of a pipe: the others see the end of their input, or that nobody reads, and end.
    try make run20 ARGS="yes '|' nosuchcommand '|' cat"
    run pipe yes '|' nosuchcommand '|' cat
    pipe exits 0
    pipe processes 0
    run pipe yes '|' nosuchcommand
    pipe exits 127
    pipe processes 0
END
}

@test "A command that cannot be run gives 126 and is named on stderr" {
    play <<'END'
    hint The file is there, but nobody may execute it: errno is EACCES. Every reason but ENOENT gives 126.
    try build/exercises/20-pipe/pipe true '|' ./README.md; echo $?
    file notes 644 "not a program\n"
    run pipe true '|' ./notes
    pipe exits 126
    pipe says "notes"
    pipe says "\n"
    hint A directory cannot be run: execvp(3) fails, with EACCES.
    try build/exercises/20-pipe/pipe true '|' /tmp; echo $?
    run pipe true '|' /tmp
    pipe exits 126
    pipe says "/tmp"
    hint A script without #! is run by a shell (execvp does that), or it gives 126 (execv: ENOEXEC).
    file plain 755 "exit 126\n"
    run pipe true '|' ./plain
    pipe exits 126
    hint This script is there, its interpreter is not: ENOENT again, but the name itself was found. access(2) with F_OK tells.
    try printf '#!/no/such\n' >/tmp/s; chmod +x /tmp/s; ... true '|' /tmp/s
    file script 755 "#!/no/such/interpreter\n"
    run pipe true '|' ./script
    pipe exits 126
    pipe says "script"
END
}

@test "Data goes through as it comes, in any amount, unchanged" {
    play <<'END'
    hint All commands run at the same time: start them all, and only then wait for the first one. The first reads your stdin, the last writes your stdout.
    try make run20 ARGS="cat '|' cat"; then type a line
    run pipe cat '|' cat
    pipe gets "typed\n"
    pipe prints "typed\n"
    pipe gets "again\n"
    pipe prints "again\n"
    pipe gets end
    pipe exits 0
    hint The commands move the data, you do not touch it. A pipe holds 64 KiB or so (pipe(7)): a writer waits until its reader has taken some.
    try build/exercises/20-pipe/pipe cat '|' cat '|' wc -c </bin/sh
    run pipe cat '|' cat '|' cat '|' cat
    pipe gets binary*1000000
    pipe gets end
    pipe prints binary*1000000
    pipe exits 0
    pipe prints nothing
END
}

@test "The commands have descriptors 0, 1 and 2 and no other" {
    play <<'END'
    hint Each line is what one command has open. More than 0 1 2: close that end of a pipe in the child, after dup2(2) and before execvp(3). Less: it is closed too often.
    try make run20 ARGS="true '|' ls -l /dev/fd" (3 is what ls itself opens)
    file descriptors 755 "#!/bin/sh\ncat\nfor fd in 0 1 2 3 4 5 6 7 8 9 11 12 13 14 15 16 17 18 19 20\ndo\n[ -e /dev/fd/$fd ] && printf '%s ' $fd\ndone\necho open\n"
    run pipe ./descriptors '|' ./descriptors '|' ./descriptors
    pipe gets end
    pipe prints "0 1 2 open\n"
    pipe prints "0 1 2 open\n"
    pipe prints "0 1 2 open\n"
    pipe exits 0
    hint Descriptor 2 is the terminal for all of them: only 0 and 1 are joined.
    try make run20 ARGS="ls /nosuchfile '|' wc -l"
    run pipe sh -c 'echo seen >&2' '|' cat
    pipe says "seen\n"
    pipe exits 0
    pipe prints nothing
END
}

@test "The commands get their arguments and environment unchanged" {
    play <<'END'
    hint Hand the words of the command line to execvp(3) as they are, up to the next bar. Only an argument that is | and nothing else is a bar; no shell is needed.
    try build/exercises/20-pipe/pipe printf '<%s>' 'a b' '' 'a|b' '|' cat
    run pipe printf '<%s>' 'a  b' '' '*' '$HOME' 'a|b' '||' '\' --help -n '|' cat -u
    pipe prints "<a  b><><*><$HOME><a|b><||><\\><--help><-n>"
    pipe exits 0
    hint The commands have your environment (execvp(3) gives it to them), and are looked for in the folders of PATH.
    run pipe sh -c 'echo "$HOME"' '|' cat
    pipe prints "/tmp\n"
    pipe exits 0
    hint There may be any number of commands.
    run pipe echo far '|' cat '|' cat '|' cat '|' cat '|' cat '|' cat '|' cat '|' cat '|' cat '|' cat '|' cat '|' cat '|' cat '|' cat '|' cat
    pipe prints "far\n"
    pipe exits 0
END
}

@test "A wrong command line gives the usage and 2" {
    play <<'END'
    hint Two commands or more. Look for a missing one before you start any: usage: ... on stderr, exit status 2.
    try make run20 ARGS="ls '|'"
    run pipe
    pipe usage
    run pipe ls
    pipe usage
    run pipe ls '|'
    pipe usage
    run pipe '|' wc
    pipe usage
    run pipe '|'
    pipe usage
    run pipe ls '|' '|' wc
    pipe usage
    run pipe ls '|' wc '|'
    pipe usage
    hint With --help as the only argument the usage goes to stdout, and the exit status is 0.
    try make run20 ARGS=--help
    run pipe --help
    pipe exits 0
    pipe prints "usage: "
END
}

@test "Where the system gives no pipe it says why and gives 1" {
    play <<'END'
    hint pipe(2) fails, since no descriptor is left: one line on stderr, that begins with pipe: and holds the text of errno (strerror(3)), and exit status 1.
    try (ulimit -n 4; build/exercises/20-pipe/pipe true '|' true); echo $?
    run pipe true '|' true with files=4
    pipe complains "open files" | "descriptor" | "EMFILE"
    hint Started without a stdin, pipe(2) gives you descriptor 0 as an end. The first command must not read from its own pipe: it would wait for ever.
    try build/exercises/20-pipe/pipe cat '|' cat <&-
    run pipe cat '|' cat with stdin=closed
    pipe exits any
    pipe processes 0
END
}
