#!/bin/sh
# check_terminal.sh COMMAND SOURCE_DIR - the progress bar and the table's width on a
# terminal, which script(1) plays.
set -u
command=$1
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
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
expect "last layer" -F '[##############################] layer 4 of 4'
# The bar's last line is erased before the table.
expect "erased" "^$escape\[Krank   score  index  text"
expect "cut to 40 columns" -x '   1  0.5000      0  a 1234567890 123...'
on_terminal -m slow --no-progress
if grep -q layer screen; then echo "--no-progress shows a bar"; fail=1; fi
on_terminal -m slow --json
expect "JSON is not cut" '"decided_at_layer": 4'
exit $fail
