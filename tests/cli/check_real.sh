#!/bin/sh
# check_real.sh COMMAND SOURCE_DIR - the command with the real library and model.
set -u
command=$1
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
fail=0
check() { # check NAME COMMAND...
    name=$1
    shift
    "$@" >out 2>err || { echo "$name: exit code $?"; cat out err; fail=1; }
}
printf '%s\n' 'Bread rises because yeast makes gas from sugar in the dough.' \
    'Owls hunt at night; they hear mice under the snow and fly without a sound.' \
    'The share price fell after the bank reported a loss.' >documents.txt
check doctor "$command" doctor
check inspect "$command" inspect --json --tensors
check rank "$command" rank -q 'how do owls hunt' --tsv --model \
    "$2/models/grating-mini" documents.txt
[ "$(sed -n 2p out | cut -f 1-2)" = "$(printf '1\t1')" ] ||
    { echo "rank: the owls are not first"; cat out; fail=1; }
cut -f 1-8 out >one_thread
check "rank with threads" "$command" rank -q 'how do owls hunt' --tsv -t 3 documents.txt
cut -f 1-8 out | cmp - one_thread || { echo "threads change the result"; fail=1; }
printf '{"query": "how do owls hunt", "documents": ["bread", "owls hunt at night"]}\n' \
    >queries.jsonl
check batch "$command" rank --queries queries.jsonl
grep -q '"results": \[{"index": 1, ' out || { echo "batch:"; cat out; fail=1; }
if "$command" rank -q a --model nowhere documents.txt >out 2>err; then
    echo "a missing model was opened"
    fail=1
fi
[ "$(wc -l <err)" -eq 1 ] && grep -q '^grating: .*nowhere' err ||
    { echo "a missing model:"; cat err; fail=1; }
exit $fail
