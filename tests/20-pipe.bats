# The checks of 20-pipe, in the order in which a student gets them right.
load support/check

@test "What the first command writes, the second one reads" {
    play <<'END'
    hint Make the pipe before you fork. The first child gets its writing end, ends[1], as descriptor 1, the second child its reading end, ends[0], as 0.
    try make run20 ARGS="echo hello '|' head -c 3"
    run pipe echo hello '|' sh -c 'read x; echo got $x'
    pipe prints "got hello\n"
    hint With three commands there are two pipes: the second command reads from the first pipe and writes into the second one.
    try make run20 ARGS="ls / '|' head -n 3 '|' head -n 1"
    run pipe echo 1 '|' sh -c 'read x; echo 2 $x' '|' sh -c 'read x; echo 3 $x'
    pipe prints "3 2 1\n"
END
}

@test "The second command sees the end of its input" {
    play <<'END'
    hint A reader comes to the end of its input when nobody holds the writing end any more. In the parent, close ends[1] as soon as the first child has it, before the next fork.
    try make run20 ARGS="ls / '|' tail -n 1"
    run pipe printf 'a\nb\nc\n' '|' tail -n 1
    pipe prints "c\n"
    pipe exits 0
    hint The same for every pipe: the parent closes what the child has now.
    try make run20 ARGS="ls / '|' tail -n 3 '|' tail -n 2 '|' tail -n 1"
    run pipe printf 'a\nb\nc\n' '|' cat '|' tail -n 2 '|' tail -n 1
    pipe prints "c\n"
    pipe exits 0
END
}

@test "yes ends when head has read enough" {
    play <<'END'
    hint A writer is told that its reader has gone (SIGPIPE, pipe(7)) when nobody holds the reading end any more. In the child, after dup2(2), close every end, ends[0] too. In the parent, close what it has handed on.
    try timeout 5 build/exercises/20-pipe/pipe yes '|' head -n 1; echo $?
    run pipe sh -c 'yes; echo yes has ended >&2' '|' head -n 1
    pipe prints "y\n"
    pipe says "yes has ended"
    pipe exits 0
    hint A pipe between two others: whoever does not use its ends closes them.
    try timeout 5 build/exercises/20-pipe/pipe yes '|' cat '|' head -n 1; echo $?
    run pipe sh -c 'yes; echo yes has ended >&2' '|' cat '|' head -n 1
    pipe prints "y\n"
    pipe says "yes has ended"
    pipe exits 0
    hint The commands have SIGPIPE at its default, which ends them: if you change it (signal(2)), put it back in the child.
    try build/exercises/20-pipe/pipe sh -c 'kill -PIPE $$; echo no' '|' cat
    run pipe sh -c 'kill -PIPE $$; echo no' '|' cat
    pipe exits 0
    pipe prints nothing
END
}

@test "The exit status is the last command's" {
    play <<'END'
    hint Wait for the last command with waitpid(2). Its exit status is in some bits of the number that waitpid stores: WEXITSTATUS takes it out.
    try build/exercises/20-pipe/pipe true '|' sh -c 'exit 200'; echo $?
    run pipe true '|' sh -c 'exit 200'
    pipe exits 200
    hint The status of the last command counts, and no other.
    try build/exercises/20-pipe/pipe sh -c 'exit 3' '|' true; echo $?
    run pipe sh -c 'exit 3' '|' true
    pipe exits 0
    hint A command that a signal ended has no exit status. WIFSIGNALED tells, WTERMSIG is the signal's number: give 128 more than that.
    try build/exercises/20-pipe/pipe true '|' sh -c 'kill $$'; echo $?
    run pipe true '|' sh -c 'kill -TERM $$'
    pipe exits 143
    run pipe true '|' sh -c 'kill -KILL $$'
    pipe exits 137
    hint The commands have SIGINT as you had it, at its default here: if you ignore it while you wait (signal(2)), put it back in the child.
    try build/exercises/20-pipe/pipe true '|' sh -c 'kill -INT $$'; echo $?
    run pipe true '|' sh -c 'kill -INT $$'
    pipe exits 130
    hint A signal counts only if it ended the last command.
    try build/exercises/20-pipe/pipe sh -c 'kill $$' '|' true; echo $?
    run pipe sh -c 'kill -TERM $$' '|' true
    pipe exits 0
END
}

@test "It waits for every command, not only for the last one" {
    play <<'END'
    hint The last command has ended here, the others have not. Wait for each child that you have started.
    try make run20 ARGS="cat '|' true" (end: Ctrl-D)
    fifo go 0666
    run pipe sh -c 'cat; exit 3' '|' sh -c 'exec >&- 2>&-; read x <go; exit 2' '|' sh -c 'exit 4'
    pipe idle
    pipe runs
    hint The second command ends as the last one here: wait for it too. The status is still that of the third one.
    try make run20 ARGS="true '|' sh -c 'read x </dev/tty' '|' true" (end: Enter)
    pipe gets end
    pipe idle
    pipe runs
    run pipe sh -c 'echo >go' '|' cat as release
    release exits 0
    pipe exits 4
    pipe processes 0
    hint Of three commands, the first is the last one that ends: wait for it too, so for all that you have started.
    try build/exercises/20-pipe/pipe sh -c 'exec >&-; read x' '|' cat '|' cat
    run pipe sh -c 'exec >&- 2>&-; read x; exit 3' '|' cat '|' sh -c 'cat; exit 4'
    pipe idle
    pipe runs
    pipe gets end
    pipe exits 4
    hint A command that is stopped (SIGSTOP) has not ended: call waitpid(2) without WUNTRACED.
    try build/exercises/20-pipe/pipe true '|' sh -c 'kill -STOP $$' (end: Ctrl-C)
    # A stopped shell cannot go on by itself: its child nudges it until it does. That
    # one sleeps between, and cannot wait for the stop: only the parent is told of it
    # (wait(2)), and that is pipe, which must have the time to take it for an end.
    run pipe true '|' sh -c '(while sleep 0.02; do kill -CONT $$ || exit; done) 2>&- & kill -STOP $$; exit 6'
    pipe exits 6
    hint A signal to pipe itself does not end its wait: if waitpid(2) fails with EINTR, call it again.
    try make run20 ARGS="cat '|' cat", elsewhere: pkill -WINCH pipe
    run pipe cat '|' sh -c 'cat; exit 7'
    pipe gets "a\n"
    pipe prints "a\n"
    pipe signal CHLD
    pipe signal WINCH
    settle
    pipe stops
    pipe continues
    pipe signal WINCH
    settle
    pipe gets "b\n"
    pipe prints "b\n"
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
    hint The other commands run as usual, once each: a child whose execvp(3) failed ends with _exit(2) and never goes on in its parent's code.
    try make run20 ARGS="nosuchcommand '|' echo once"
    run pipe nosuchcommand '|' sh -c 'cat; echo once'
    pipe exits 0
    pipe prints "once\n"
    pipe prints nothing
    pipe says "nosuchcommand"
    hint Nothing holds the ends that were meant for a command that cannot be run: its neighbours see the end of their input, or that nobody reads, and end.
    try make run20 ARGS="yes '|' ./nosuchcommand '|' cat"
    run pipe yes '|' ./nosuchcommand '|' cat
    pipe exits 0
    pipe processes 0
    run pipe yes '|' ./nosuchcommand
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
    hint A directory cannot be run: execvp(3) fails, and errno is EACCES.
    try build/exercises/20-pipe/pipe true '|' /tmp; echo $?
    run pipe true '|' /tmp
    pipe exits 126
    pipe says "/tmp"
    hint A script without #! is run by a shell (execvp(3) does that, and this one says exit 126), or it cannot be run and gives 126.
    try echo exit 126 >/tmp/s; chmod +x /tmp/s; make run20 ARGS="true '|' /tmp/s"
    file plain 755 "exit 126\n"
    run pipe true '|' ./plain
    pipe exits 126
    hint The script is there, its interpreter is not. execvp(3) fails with ENOENT here too, so ask access(2), with F_OK, whether it was the name itself that was not found.
    try echo '#!/no' >/tmp/s; chmod +x /tmp/s; make run20 ARGS="true '|' /tmp/s"
    file script 755 "#!/no/such/interpreter\n"
    run pipe true '|' ./script
    pipe exits 126
    pipe says "script"
END
}

@test "Data goes through as it comes, in any amount, unchanged" {
    play <<'END'
    hint The commands run at the same time: start them all, and wait for them only then. The first reads your stdin, the last writes your stdout.
    try make run20 ARGS="cat '|' cat", and type a line
    run pipe cat '|' cat
    pipe gets "typed\n"
    pipe prints "typed\n"
    pipe gets "again\n"
    pipe prints "again\n"
    pipe gets end
    pipe exits 0
    hint A pipe holds 64 KiB or so (pipe(7)): then its writer waits until its reader has taken some. All commands have to run, and only they touch the data.
    try build/exercises/20-pipe/pipe cat '|' cat '|' wc -c </bin/sh
    run pipe cat '|' cat '|' cat
    pipe gets binary*1000000
    pipe gets end
    pipe prints binary*1000000
    pipe exits 0
    pipe prints nothing
END
}

@test "The commands have descriptors 0, 1 and 2 and no other" {
    play <<'END'
    hint A line is what one of the three commands has open. Beyond 0 1 2: an end of a pipe that the child should close between dup2(2) and execvp(3). If one of them is missing, it is closed once too often.
    try make run20 ARGS="true '|' ls -l /dev/fd" (3 is opened by ls itself)
    file descriptors 755 "#!/bin/sh\ncat\nfor fd in 0 1 2 3 4 5 6 7 8 9 11 12 13 14 15 16 17 18 19 20\ndo\n[ -e /dev/fd/$fd ] && printf '%s ' $fd\ndone\necho 'are open'\n"
    run pipe ./descriptors '|' ./descriptors '|' ./descriptors
    pipe gets end
    pipe prints "0 1 2 are open\n"
    pipe prints "0 1 2 are open\n"
    pipe prints "0 1 2 are open\n"
    pipe exits 0
END
}

@test "The commands get their arguments and environment unchanged" {
    play <<'END'
    hint Hand the words between two bars to execvp(3) as they are. Only a word that is | and nothing more is a bar. No shell is needed, nor getopt(3).
    try build/exercises/20-pipe/pipe printf '<%s>' 'a b' '' 'a|b' '|' cat
    run pipe printf '<%s>' 'a  b' '' '*' '$HOME' 'a|b' '||' '\' --help -n '' '|' cat -u '|' cat '|' cat
    pipe prints "<a  b><><*><$HOME><a|b><||><\\><--help><-n><>"
    pipe exits 0
    hint There may be any number of commands: as many as there are bars, and one.
    try make run20 ARGS="echo 1$(printf " '|' cat%.0s" $(seq 19))"
    run pipe echo 1 '|' cat '|' cat '|' cat '|' cat '|' cat '|' cat '|' cat '|' cat '|' cat '|' cat '|' cat '|' cat '|' cat '|' cat '|' cat '|' cat '|' cat '|' cat '|' cat
    pipe prints "1\n"
    pipe exits 0
    hint What is not joined by a pipe is as you have it: environment, stderr.
    try make run20 ARGS="printenv HOME '|' cat"
    run pipe sh -c 'echo "$HOME"; echo seen >&2' '|' cat
    pipe prints "/tmp\n"
    pipe says "seen\n"
    pipe exits 0
    pipe prints nothing
END
}

@test "A wrong command line gives the usage and 2" {
    play <<'END'
    hint Two commands or more. Look for a missing one before you start any: usage: ... on stderr, and exit status 2.
    try make run20 ARGS="ls '|'"
    run pipe
    pipe usage
    run pipe ls
    pipe usage
    run pipe echo no '|'
    pipe usage
    run pipe '|' true '|' echo no
    pipe usage
    run pipe true '|' '|' echo no
    pipe usage
    run pipe true '|' echo no '|'
    pipe usage
    hint With --help as the only argument the usage goes to stdout, and the exit status is 0.
    try make run20 ARGS=--help
    run pipe --help
    pipe exits 0
    pipe prints "usage: "
END
}

@test "When the system has no pipe or process left it says so and fails" {
    play <<'END'
    hint pipe(2) fails here, for no descriptor is left: one line on stderr that begins with pipe: and holds the text of errno (strerror(3)), exit status 1.
    try (ulimit -n 4; build/exercises/20-pipe/pipe true '|' true); echo $?
    run pipe true '|' true with files=4
    pipe complains "open files" | "descriptor" | "EMFILE"
    hint fork(2) fails here, for there are as many processes as may be: it returns -1, and that is no child. Say so, and end with 1.
    try (ulimit -u 1; exec build/exercises/20-pipe/pipe true '|' true); echo $?
    run pipe true '|' true with processes=1
    pipe exits non-zero
    pipe says "pipe:"
    hint Some commands run already when there is no pipe or process left for the next one. Close your ends, of the last pipe too: then they come to their end, as yes does here, and so do you.
    try (ulimit -n 5; build/exercises/20-pipe/pipe yes '|' cat '|' cat); echo $?
    run pipe yes '|' cat '|' head -n 1 with files=5
    pipe exits any
    run pipe yes '|' cat '|' head -n 1 with processes=3
    pipe exits non-zero
    pipe says "pipe:"
    hint Started without a stdin, pipe(2) gives you descriptor 0 as an end. The first command must not read from its own pipe: it would wait for ever.
    try build/exercises/20-pipe/pipe cat '|' cat <&-
    run pipe cat '|' cat with stdin=closed
    pipe exits any
    pipe processes 0
END
}
