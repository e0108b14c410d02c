#!/bin/sh
# check_real.sh COMMAND SOURCE_DIR - the command with the real library and model.
set -u
command=$1
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
unset XDG_DATA_HOME # no profiles of the user's own
HOME=$folder
export HOME
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
    "$2/models/grating-small" documents.txt
[ "$(sed -n 2p out | cut -f 1-2)" = "$(printf '1\t1')" ] ||
    { echo "rank: the owls are not first"; cat out; fail=1; }
cut -f 1-8 out >one_thread
check "rank with threads" "$command" rank -q 'how do owls hunt' --tsv -t 3 documents.txt
cut -f 1-8 out | cmp - one_thread || { echo "threads change the result"; fail=1; }
check "the full pass" "$command" rank -q 'how do owls hunt' --tsv -k 2 --policy none \
    documents.txt
cut -f 1-7 out >full
check "exact order, little memory, traced" "$command" rank -q 'how do owls hunt' --tsv \
    -k 2 --promise scores --precision 0.999 --memory 100M --hidden f32 --stats \
    --trace trace.json documents.txt
cut -f 1-7 out | cmp - full || { echo "exact order is another order"; cat out full; fail=1; }
grep -q '^memory planned .* of 100.0 MiB' err || { echo "stats:"; cat err; fail=1; }
for rank in '' --rank; do
    check "plot $rank" "$command" plot trace.json $rank -o plot.svg
    # Three documents, and the best two once more in the list.
    [ "$(grep -c '<title>[123]\. ' plot.svg)" = 5 ] ||
        { echo "plot $rank:"; cat plot.svg; fail=1; }
done
# The README's examples come out in the full pass's order, and sorted by what they show.
for query in 'how is water heated in a steam engine' 'how does the body fight disease'; do
    for policy in none bound; do
        check "order by $policy" "$command" rank -q "$query" -k 3 --tsv --policy $policy \
            "$2/examples/demo/passages.jsonl"
        sed 1d out >"$policy.tsv"
    done
    [ "$(cut -f 2 bound.tsv)" = "$(cut -f 2 none.tsv)" ] ||
        { echo "another order than the full pass's:"; cat none.tsv bound.tsv; fail=1; }
    cut -f 4 bound.tsv | sort -grc || { echo "scores rise:"; cat bound.tsv; fail=1; }
done
check "memory plan" "$command" inspect --memory 300M
grep -q '^memory plan  *20 documents of 512 tokens$' out || { cat out; fail=1; }
if "$command" inspect --memory 5M >out 2>err; then echo "5 MiB suffice"; fail=1; fi
grep -q 'smallest budget' err || { echo "a plan that does not fit:"; cat err; fail=1; }
# The least memory of the list is one that works, for each model on its own.
check "list of models" "$command" models --json
tr '{' '\n' <out | sed -n 's/.*"path": "\([^"]*\)".*"least_memory_bytes": \([0-9]*\).*/\2 \1/p' >least
[ "$(wc -l <least)" -ge 2 ] || { echo "models:"; cat out; fail=1; }
while read -r bytes model; do
    check "$model in $bytes bytes" "$command" inspect --memory "$bytes" "$model"
    check "ranking in $bytes bytes" "$command" rank -m "$model" -q owls --memory "$bytes" documents.txt
done <least
# A model in the Hugging Face cache, made of links as there.
hub=$folder/.cache/huggingface/hub/models--acme--tiny
mkdir -p "$hub/blobs" "$hub/refs" "$hub/snapshots/0123"
for file in "$2/tests/data/golden/bert-f32"/*.*; do
    cp "$file" "$hub/blobs/of-${file##*/}"
    ln -s "../../blobs/of-${file##*/}" "$hub/snapshots/0123/${file##*/}"
done
printf 0123 >"$hub/refs/main"
check "a model of the hub" "$command" rank -m acme/tiny -q owls documents.txt
if "$command" rank -q a --memory 5M documents.txt >out 2>err; then
    echo "ranked in 5 MiB"
    fail=1
fi
printf '{"query": "how do owls hunt", "documents": ["bread", "owls hunt at night"]}\n' \
    >queries.jsonl
check batch "$command" rank --queries queries.jsonl
grep -q '"results": \[{"rank": 1, "index": 1, ' out || { echo "batch:"; cat out; fail=1; }
if "$command" rank -q a --model nowhere documents.txt >out 2>err; then
    echo "a missing model was opened"
    fail=1
fi
[ "$(wc -l <err)" -eq 2 ] && grep -q '^grating: .*nowhere' err &&
    grep -q '^grating: models that are here: grating-mini' err ||
    { echo "a missing model:"; cat err; fail=1; }

# Texts that are too long: which of the two was cut, and what became of the other.
long=$(awk 'BEGIN { for (i = 0; i < 900; i++) printf "snow " }')
check "a long query" "$command" rank -q "$long" -k 1 documents.txt
grep -qx "grating: the query was cut: with a document it may have 512 tokens" err ||
    { echo "a long query:"; cat err; fail=1; }
other=$(yes 'The share price fell after the bank reported a loss.' | head -n 85 | tr '\n' ' ')
printf '%s\n' "bread" "$other owls hunt mice at night" >long.txt
check "a long document" "$command" rank -q 'how do owls hunt' -k 1 --tsv --policy none long.txt
[ "$(cat err)" = "grating: 1 of 2 documents was cut to 512 tokens" ] ||
    { echo "a long document:"; cat err; fail=1; }
cut_logit=$(awk -F'\t' 'NR == 2 { print $5 }' out)
check "its best chunk" "$command" rank -q 'how do owls hunt' -k 0 --tsv \
    --long-documents best long.txt
[ ! -s err ] && awk -F'\t' -v cut="$cut_logit" 'NR == 2 { ok = $2 == 1 && $5 > cut }
    END { exit !ok }' out || { echo "its best chunk ($cut_logit cut):"; cat out err; fail=1; }
check "few tokens" "$command" rank -q 'how do owls hunt' --max-document-tokens 5 documents.txt
grep -q '^grating: 3 of 3 documents were cut to 5 tokens of their own' err ||
    { echo "few tokens:"; cat err; fail=1; }
if "$command" rank -q a --long-documents refuse long.txt >out 2>err; then
    echo "a long document was not refused"
    fail=1
fi
grep -q 'document 1 has 9[0-9]* tokens' err || { echo "refused:"; cat err; fail=1; }

# A line of a batch that asks for the same itself; the others are as ever.
{
    printf '{"query": "owls", "documents": ["%s", "b"]%s}\n' "$long" ', "max_document_tokens": 5' \
        "$long" '' "$long" ', "long_documents": "best"'
    printf '{"query": "owls", "documents": ["%s"], "long_documents": "refuse"}\n' "$long"
} >own.jsonl
"$command" rank --queries own.jsonl --no-text --no-stats >out 2>err
[ $? = 1 ] && [ "$(grep -o '"index": 0, [^}]*"tokens": [0-9]*, "truncated": [a-z]*' out |
    sed 's/.*"tokens": \([0-9]*\), "truncated": /\1 /' | tr '\n' ' ')" = '9 true 512 true 512 false ' ] &&
    tail -n 1 out | grep -q '"status": "too_long"' ||
    { echo "lines of their own:"; cat out err; fail=1; }

# Where hidden states go that are kept in a file.
mkdir spill
check "hidden states in a folder of one's own" "$command" rank -q 'how do owls hunt' \
    --hidden file --temporary-directory spill documents.txt
[ -z "$(ls spill)" ] || { echo "something is left in spill"; fail=1; }
for variable in TMPDIR=nowhere/else GRATING_NOTHING=1; do
    option=
    [ $variable != GRATING_NOTHING=1 ] || option='--temporary-directory nowhere/else'
    if env $variable "$command" rank -q a --hidden file $option documents.txt >out 2>err; then
        echo "hidden states went nowhere ($variable)"
        fail=1
    fi
    grep -q '^grating: nowhere/else: no temporary file' err ||
        { echo "$variable:"; cat err; fail=1; }
done

# Calibration: interrupted, gone on with, and used.
awk 'BEGIN {
    n = split("owls bread stars rivers trains music glass bees snow salt wool paper", t)
    for (i = 1; i <= n; i++) {
        printf "{\"query\": \"what are %s\", \"documents\": [", t[i]
        for (j = 1; j <= 7; j++)
            printf "\"%s have little to do with number %d.\", ", t[(i + j) % n + 1], j
        printf "\"How %s came to be is told in old books.\"]}\n", t[i]
    }
}' >calibration.jsonl
calibrated() { # calibrated NAME ARGUMENTS...
    name=$1
    shift
    check "$name" "$command" calibrate -k 5 -o p.safetensors --samples kept --json "$@"
}
refused() { # refused TEXT ARGUMENTS...: one line with this text
    text=$1
    shift
    if "$command" calibrate "$@" >out 2>err; then echo "$text: went on"; fail=1; fi
    [ "$(wc -l <err)" -eq 1 ] && grep -q "^grating: .*$text" err ||
        { echo "$text:"; cat err; fail=1; }
}
known=0
# A background job of a shell ignores Ctrl-C.
if env --default-signal=INT true 2>/dev/null; then
    mkfifo pipe
    env --default-signal=INT "$command" calibrate -o p.safetensors --samples kept \
        --queries pipe >waiting.out 2>waiting.err &
    pid=$!
    exec 3>pipe
    head -n 3 calibration.jsonl >&3
    # A record is finished before the next one begins.
    one=165000
    while [ "$(stat -c %s kept 2>/dev/null || echo 0)" -lt $((2 * one)) ] &&
        kill -0 $pid; do
        sleep 0.02
    done
    refused 'kept: another process writes it' --samples kept -o q --queries \
        calibration.jsonl
    kill -INT $pid
    wait $pid
    code=$?
    exec 3>&-
    [ $code = 130 ] && grep -q 'the same command goes on from there' waiting.err ||
        { echo "interrupted: exit code $code"; cat waiting.out waiting.err; fail=1; }
    [ ! -e p.safetensors ] || { echo "an interrupted profile"; fail=1; }
    known=1
else
    echo "SKIP interrupted calibration: env cannot restore a signal"
fi
calibrated "the rest" --queries calibration.jsonl
found=$(sed 's/.*"known_queries": \([0-9]*\).*/\1/' out)
[ "$found" -ge $known ] && grep -q "\"computed_queries\": $((12 - found))," out &&
    grep -q '"n_fitted": 9, "n_reported": 3,' out ||
    { echo "the rest:"; cat out; fail=1; }
cp p.safetensors first
calibrated "again" --queries calibration.jsonl
grep -q '"computed_queries": 0, "known_queries": 12,' out || { cat out; fail=1; }
# A record that was cut off is computed again, and the profile is the same.
truncate -s -1000 kept
calibrated "after a cut" --queries calibration.jsonl
grep -q '"computed_queries": 1, "known_queries": 11,' out || { cat out; fail=1; }
cmp first p.safetensors || fail=1
# Beside the model a profile is found, and a damaged one is replaced.
mkdir model && ln -s "$2"/models/grating-small/* model/
rm -f model/grating.profile.safetensors # the link: what it leads to is not ours
printf 'damaged' >model/grating.profile.safetensors
if "$command" rank -m model --queries calibration.jsonl >out 2>err; then
    echo "a damaged profile was read"
    fail=1
fi
check "beside the model" "$command" calibrate -m model -k 5 --fit-only --samples kept \
    --beside-model
grep -q '^profile  *model/grating.profile.safetensors; rank uses it' out &&
    cmp first model/grating.profile.safetensors || { cat out; fail=1; }
check "found" "$command" rank -m model --queries calibration.jsonl -k 1 --stats
grep -q '^profile  *model/grating.profile.safetensors$' err || { cat err; fail=1; }
# One in the user's own folder comes first, whatever the model's place is called; one that
# rests on more queries stays.
XDG_DATA_HOME=$PWD/data
export XDG_DATA_HOME
check "in the own folder" "$command" calibrate -m model -k 5 --queries calibration.jsonl
ls data/grating/profiles/*.samples >/dev/null || fail=1
[ ! -e model/grating.samples ] || fail=1
check "found there" "$command" rank -m model/. --queries calibration.jsonl -k 1 --stats
grep -q "^profile  *$PWD/data/grating/profiles/[0-9a-f]*.profile.safetensors$" err ||
    { cat err; fail=1; }
head -n 9 calibration.jsonl >nine.jsonl
refused 'rests on 12 queries, and these are 9; --force' -m model --queries nine.jsonl \
    --samples nine.samples
check "the bundled one" "$command" rank --queries calibration.jsonl -k 1 --stats \
    --arithmetic int8
rm -r data
check "without it" "$command" rank -m model --queries calibration.jsonl -k 1 --stats
grep -q '^profile  *model/grating.profile.safetensors$' err || { cat err; fail=1; }
check "with the profile" "$command" rank --queries calibration.jsonl -k 1 --profile \
    p.safetensors
[ "$(grep -c '"profile": true, "drift": [0-9]' out)" = 12 ] || { cat out; fail=1; }
head -n 7 calibration.jsonl >seven.jsonl
refused 'too few' --queries seven.jsonl -o q.safetensors
refused 'kept is there already and is no profile' --queries seven.jsonl -o kept
refused 'is not a file of calibration samples' --fit-only -o q --samples seven.jsonl
# A disk that is full after some queries, played by a limit on the size of files.  How
# many depends on the arithmetics that the CPU has units for.
(
    trap '' XFSZ
    ulimit -f 1100
    "$command" calibrate --queries calibration.jsonl -o q --samples limited
) >out 2>err
grep -q '^grating: calibration.jsonl, line [1-9]: limited: writing: ' err &&
    grep -q '^grating: [1-9] quer[a-z]* [a-z]* kept in limited; ' err &&
    [ "$(wc -l <err)" -eq 2 ] || { echo "a full disk:"; cat out err; fail=1; }
check "with room again" "$command" calibrate --queries calibration.jsonl -o q --json \
    --samples limited -k 5
grep -q '"computed_queries": [0-9]*, "known_queries": [1-9],' out || { cat out; fail=1; }
cmp first q || fail=1
refused 'creating it' --queries seven.jsonl -o nowhere/p
head -c 100 kept | tail -c 36 >rest
{ head -c 24 kept; head -c 40 /dev/zero; cat rest; } >other
refused 'of another model' --fit-only -o q --samples other
exit $fail
