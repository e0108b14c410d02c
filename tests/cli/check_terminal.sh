#!/bin/sh
# check_terminal.sh COMMAND SOURCE_DIR - the progress bar and the table's width on a
# terminal, which script(1) plays.
set -u
command=$1
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
unset XDG_DATA_HOME
HOME=$folder
export HOME
if ! script -qec true /dev/null >/dev/null 2>&1 </dev/null; then
    echo "SKIP terminal: script(1) is not here"
    exit 0
fi
printf 'a 1234567890 1234567890 1234567890 1234567890\nb\n' >documents.txt
escape=$(printf '\033')
fail=0
expect() { # expect NAME GREP-ARGUMENTS...: the screen has such a line
    name=$1
    shift
    grep -q "$@" screen || { echo "$name: not found in:"; cat -v screen; fail=1; }
}
on_terminal() {
    script -qec "stty cols 40; exec $command rank -q a documents.txt $*" /dev/null \
        </dev/null | tr '\r' '\n' >screen
}
on_terminal -m slow
expect "first layer" -F '[..............................] layer 0 of 4'
expect "what is left" 'layer 2 of 4, 2 documents, 0:0[0-9] left'
expect "last layer" -F '[##############################] layer 4 of 4'
# The bar's last line is erased before the table.
expect "erased" "^$escape\[Krank   score  index  text"
expect "cut to 40 columns" -x '   1  0.5000      0  a 1234567890 123...'
on_terminal -m slow --no-progress
if grep -q layer screen; then echo "--no-progress shows a bar"; fail=1; fi
on_terminal -m early -k 1 --color always
expect "what marks mean" '^+ chosen, - dropped before the last layer'
printf 'owl 1\nb\n' >owls.txt
script -qec "$command rank -m fake owl owls.txt" /dev/null </dev/null >screen
expect "a word of the query" -F "$escape[1mowl$escape[0m 1"
NO_COLOR=1 script -qec "$command rank -m fake owl owls.txt" /dev/null </dev/null >screen
if grep -qF "$escape[1m" screen; then echo "NO_COLOR has colour"; fail=1; fi
on_terminal -m slow --json
expect "JSON is not cut" '"decided_at_layer": 4'
for i in 1 2 3 4 5 6 7 8; do
    printf '{"query": "q%s", "documents": ["a", "b"]}\n' $i
done >queries.jsonl
calibrate_on_terminal() {
    script -qec "exec $command calibrate $*" /dev/null </dev/null | tr '\r' '\n' >screen
}
calibrate_on_terminal -m slow --queries queries.jsonl --samples some.samples
expect "first query" -F '[Kquery 1 of 8 [..............................] 0:00'
time='[0-9]:[0-9][0-9]'
# Half of the documents, at the last layer of the fourth query.
expect "fourth query" "query 4 of 8 \[#\{15\}\.\{15\}\] $time, $time left"
expect "fitting" "fitting \[#*\.*\] $time, $time left"
expect "the bar goes" "^$escape\[Kmodel      slow"
# Those that are known take no time and leave none.
printf '{"query": "q9", "documents": ["a", "b"]}\n' >>queries.jsonl
calibrate_on_terminal -m slow --queries queries.jsonl --samples some.samples
expect "ninth query" "query 9 of 9 \[#\{30\}\] $time, 0:00 left"
mkfifo pipe
head -n 1 queries.jsonl >pipe &
calibrate_on_terminal -m slow --queries pipe --samples other.samples
expect "a pipe" 'query 1 \[\.\{30\}\] 0:00$'
calibrate_on_terminal -m slow --fit-only --samples some.samples --no-progress
if grep -q fitting screen; then echo "--no-progress shows a bar"; fail=1; fi
exit $fail
