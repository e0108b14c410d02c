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
check "the full pass" "$command" rank -q 'how do owls hunt' --tsv -k 2 --policy none \
    documents.txt
cut -f 1-7 out >full
check "exact order, little memory, traced" "$command" rank -q 'how do owls hunt' --tsv \
    -k 2 --exact-order --precision 0.999 --memory 100M --hidden f32 --stats \
    --trace trace.json documents.txt
cut -f 1-7 out | cmp - full || { echo "exact order is another order"; cat out full; fail=1; }
grep -q '^memory planned .* of 100.0 MiB' err || { echo "stats:"; cat err; fail=1; }
for rank in '' --rank; do
    check "plot $rank" "$command" plot trace.json $rank -o plot.svg
    # Three documents, and the best two once more in the list.
    [ "$(grep -c '<title>[123]\. ' plot.svg)" = 5 ] ||
        { echo "plot $rank:"; cat plot.svg; fail=1; }
done
check "memory plan" "$command" inspect --memory 300M
grep -q '^memory plan  *20 documents of 512 tokens$' out || { cat out; fail=1; }
if "$command" inspect --memory 5M >out 2>err; then echo "5 MiB suffice"; fail=1; fi
grep -q 'smallest budget' err || { echo "a plan that does not fit:"; cat err; fail=1; }
if "$command" rank -q a --memory 5M documents.txt >out 2>err; then
    echo "ranked in 5 MiB"
    fail=1
fi
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
