#!/bin/sh
# check_signals.sh COMMAND SOURCE_DIR - what ends the command from outside: within a
# second, with the signal's exit code, with its name, and no unfinished file left.
set -u
command=$1
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
unset XDG_DATA_HOME
HOME=$folder
export HOME
fail=0
bad() { echo "$1"; cat err; ls; fail=1; }
# In processes of their own: sh has its children in the background ignore INT and QUIT.
start() { # start COMMAND-ARGUMENT...
    python3 -c 'import os, signal, sys
for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGPIPE):
    signal.signal(number, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])' "$command" "$@" >out 2>err &
    pid=$!
}
left() { ls | grep -c '\.tmp$'; }
wait_for_file() { # wait_for_file PATTERN
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        ls | grep -q "$1" && return
        sleep 0.1
    done
    bad "no $1"
}
ends() { # ends NAME CODE WORD: within a second (two where the machine is busy)
    from=$(date +%s%N)
    wait $pid
    code=$?
    took=$((($(date +%s%N) - from) / 1000000))
    [ $code -eq "$2" ] || bad "$1: exit code $code, not $2"
    [ $took -lt 2000 ] || bad "$1: $took ms"
    [ "$(left)" -eq 0 ] || bad "$1: a temporary file is left"
    [ "$(head -n 1 err)" = "$3" ] || bad "$1: says something else"
}
i=0
while [ $i -lt 400 ]; do
    echo "document $i"
    i=$((i + 1))
done >documents.txt
for i in 1 2 3 4 5 6 7 8 9; do
    printf '{"query": "q%s", "documents": ["a", "b"]}\n' $i
done >queries.jsonl
mkfifo pipe
for signal in HUP:1:'the terminal was closed' INT:2:interrupted QUIT:3:quit TERM:15:terminated; do
    name=${signal%%:*}
    word=grating:\ ${signal##*:}
    number=${signal#*:}
    code=$((128 + ${number%%:*}))
    # computing, with a file begun
    start rank -m slow -q a --trace trace.json documents.txt
    wait_for_file 'trace.json.*tmp'
    kill "-$name" $pid
    ends "$name while computing" $code "$word"
    # waiting for documents
    start rank -m fake -q a pipe
    exec 3>pipe
    echo "a document" >&3
    sleep 0.1
    kill "-$name" $pid
    ends "$name while waiting" $code "$word"
    exec 3>&-
    # calibrating: what is computed stays, nothing else
    start calibrate -m slow --queries queries.jsonl --samples kept.samples
    wait_for_file kept.samples
    kill "-$name" $pid
    ends "$name while calibrating" $code "$word"
    rm -f kept.samples*
    # a command that has nothing to wind up
    start plot pipe -o picture.svg
    exec 3>pipe
    sleep 0.1
    kill "-$name" $pid
    ends "$name while plotting" $code "$word"
    exec 3>&-
    [ ! -e picture.svg ] || bad "$name: half a picture"
done
# What is ignored stays so, as under nohup.
(trap '' HUP; exec "$command" rank -m slow -q a documents.txt >out 2>err) &
pid=$!
sleep 0.1
kill -HUP $pid
wait $pid || bad "HUP ends what nohup started"
# A reader that went away.
start rank -m fake -q a --queries documents.txt documents.txt --trace trace.json
wait $pid
cat >pipes.py <<'P'
import os, subprocess, sys
p = subprocess.Popen([sys.argv[1], "rank", "-m", "fake", "--queries", "documents.txt",
                      "documents.txt", "--trace", "broken.json"], stdout=subprocess.PIPE,
                     stderr=open("err", "w"))
p.stdout.read(1)
p.stdout.close()
print(p.wait())
P
case $(python3 pipes.py "$command") in
-13 | 141) ;;
*) bad "a reader that went away" ;;
esac
[ "$(left)" -eq 0 ] || bad "PIPE: a temporary file is left"
[ ! -s err ] || bad "PIPE: says something"
# A limit on the size of files.
(ulimit -f 1; exec "$command" rank -m fake -q a -k 0 --trace big.json documents.txt >/dev/null 2>err)
code=$?
[ $code -eq 1 ] || bad "XFSZ: exit code $code"
grep -q '^grating: cannot write big.json: File too large' err || bad "XFSZ: says"
[ "$(left)" -eq 0 ] || bad "XFSZ: a temporary file is left"
[ ! -e big.json ] || bad "XFSZ: half a file"
exit $fail
