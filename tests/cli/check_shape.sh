#!/bin/sh
# check_shape.sh COMMAND SOURCE_DIR - the files that tools/make_shape.py writes open and
# rank, with finite scores at any depth, in every storage type.
set -u
command=$1
make_shape="python3 $2/tools/make_shape.py"
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
fail=0
printf '%s\n' 'the night' 'owls hunt in the water' 'bobumo taleki dufena' >documents.txt
for type in f32 f16 q8_0 q4_0 q4_k q6_k; do
    shape=tiny
    case $type in *_k) shape=tiny-256 ;; esac
    $make_shape $shape model.gguf --type $type --layers 36 >/dev/null || fail=1
    "$command" inspect model.gguf >inspected || fail=1
    grep -qi "^  $type " inspected && grep -q '^layers  *36$' inspected ||
        { echo "$type: not what was asked for:"; cat inspected; fail=1; }
    "$command" rank -q 'how do owls hunt at night' -m model.gguf --tsv documents.txt >ranked ||
        fail=1
    # Scores differ, and the prompt has about as many tokens as in Qwen3 (some 80).
    awk -F '\t' 'NR > 1 { n++; seen[$5]; if ($5 != $5 + 0 || $6 < 70 || $6 > 110) bad = 1 }
        END { for (score in seen) different++; exit bad || n != 3 || different != 3 }' ranked ||
        { echo "$type:"; cat ranked; fail=1; }
done
# The other families, with the tokens of their own prompts.
for family in qwen2 gemma minicpm; do
    $make_shape tiny-$family model-$family --type f16 >/dev/null || fail=1
    "$command" rank -q 'how do owls hunt at night' -m model-$family --tsv documents.txt >ranked ||
        fail=1
    awk -F '\t' 'NR > 1 { n++; seen[$5]; if ($5 != $5 + 0 || $6 < 45 || $6 > 110) bad = 1 }
        END { for (score in seen) different++; exit bad || n != 3 || different != 3 }' ranked ||
        { echo "$family:"; cat ranked; fail=1; }
done
"$command" rank -q 'how do owls hunt at night' -m model-minicpm --cutoff-layer 9 --stats \
    --no-progress documents.txt 2>stats >/dev/null || fail=1
grep -q '^layers x candidates  27 of 27' stats || { cat stats; fail=1; }
$make_shape tiny-minicpm again --type q8_0 2>refusal && { echo "a directory in q8_0"; fail=1; }
grep -q 'in f32 or f16' refusal || { cat refusal; fail=1; }
for shape in tiny-bert tiny-roberta tiny-modernbert; do
    $make_shape $shape model.gguf --type q8_0 --layers 24 >/dev/null || fail=1
    "$command" inspect model.gguf >inspected || fail=1
    grep -q "^architecture  *${shape#tiny-}$" inspected && grep -q '^layers  *24$' inspected ||
        { echo "$shape: not what was asked for:"; cat inspected; fail=1; }
    "$command" rank -q 'how do owls hunt at night' -m model.gguf --tsv documents.txt >ranked ||
        fail=1
    awk -F '\t' 'NR > 1 { n++; seen[$5]; if ($5 != $5 + 0 || $6 < 9 || $6 > 30) bad = 1 }
        END { for (score in seen) different++; exit bad || n != 3 || different != 3 }' ranked ||
        { echo "$shape:"; cat ranked; fail=1; }
done
$make_shape tiny model.gguf --type q8_0 --layers 36 >/dev/null
$make_shape tiny again.gguf --type q8_0 --layers 36 >/dev/null
cmp model.gguf again.gguf || fail=1
$make_shape tiny again.gguf --type q8_0 --layers 36 --seed 2 >/dev/null
cmp -s model.gguf again.gguf && { echo "another seed gives the same weights"; fail=1; }
$make_shape tiny again.gguf --type q4_k 2>refusal && { echo "half blocks"; fail=1; }
grep -q 'rows of 64 values, blocks hold 256' refusal || { cat refusal; fail=1; }
$make_shape tiny again.gguf --layers 0 2>/dev/null && { echo "no layers"; fail=1; }
exit $fail
