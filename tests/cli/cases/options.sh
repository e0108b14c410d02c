# How candidates are decided and what memory they may take; the fake library shows in
# its statistics what has reached it.
printf 'a b\nb\nc\na\n' >four.txt
echo '-- the layer at which each was decided'
run rank -m early -q "a b" -k 3 four.txt
run rank -m early -q "a b" -k 3 --policy cluster four.txt
run rank -m early -q "a b" -k 3 --promise scores four.txt
run rank -m early -q "a b" -k 3 --first-layer 3 --width 30 four.txt
run rank -m early -q "a b" -k 3 --policy none four.txt
run rank -m early -q "a b" -k 4 four.txt
run rank -m early -q "a b" -k 3 --tsv four.txt
run rank -m early -q "a b" -k 3 --json --precision 0.9 four.txt
run rank -m early -q "a b" -k 3 --json --policy cluster --dispersion 0.25 --clusters 3 four.txt
echo '-- statistics'
run rank -m early -q "a b" -k 3 --stats four.txt
run rank -m early -q "a b" -k 3 --stats --policy none --resident --memory 2G four.txt
run rank -m early -q "a b" -k 3 --stats --policy cluster --streamed --hidden file four.txt
run rank -m early -q "a b" -k 3 --stats --profile other.safetensors --hidden bf16 four.txt
run rank -m early -q "a b" -k 3 --stats --profile none --hidden=f32 four.txt
printf '{"query": "a", "documents": ["a", "b", "c"]}\n' >queries.jsonl
printf '{"query": "a", "documents": ["a", "b"]}\n' >>queries.jsonl
run rank -m early --queries queries.jsonl -k 2 --tsv --stats
printf '{"query": "a", "documents": ["a", "b"]}\n' >all.jsonl
cat queries.jsonl >>all.jsonl
run rank -m early --queries all.jsonl -k 2 --tsv --stats --streamed --hidden auto
run rank -m unreadable -q a -k 3 --stats four.txt
echo '-- no profile: one note for each run, where it matters'
run rank -m uncalibrated -q a -k 2 four.txt
run rank -m uncalibrated -q a four.txt
run rank -m uncalibrated -q a -k 2 --policy none four.txt
run rank -m uncalibrated -q a -k 2 --profile none four.txt
run rank -m uncalibrated -q a -k 2 --policy cluster four.txt
run rank -m uncalibrated -q a -k 2 --policy cluster --precision 0.9 four.txt
run rank -m uncalibrated --queries queries.jsonl -k 1 --tsv
run rank -m fake -q a -k 2 --profile damaged.safetensors four.txt
echo '-- scores that moved farther than in calibration: one note for each run'
run rank -m drift -q "a far" -k 2 --stats four.txt
run rank -m drift -q "a far" -k 2 --json four.txt
run rank -m coarse-drift -q "a far" -k 2 four.txt
run rank -m drift -q "a" -k 2 four.txt
run rank -m drift -q "a far" -k 2 --profile none four.txt
run rank -m drift -q "a far" four.txt
printf '{"query": "a far", "documents": ["a", "b"]}\n' | cat queries.jsonl - >far.jsonl
run rank -m drift --queries far.jsonl -k 1 --tsv --stats
run rank -m drift --queries queries.jsonl -k 1 --tsv
echo '-- memory'
# What is there beside the library, a margin and its smallest budget: 3,297,152 bytes.
for size in 300M 1.5G 2T 4M 1048576K 3297152 3297151; do
    run rank -m fake -q a -k 1 --memory $size --stats four.txt | grep 'memory\|budget'
done
run rank -m fake -q a --memory 1K four.txt
run rank -m fake -q a --memory 0.5K four.txt
for size in '' 0 0K -1 +1 1e9 1.5 M .M 1.2.3M 3MB 3m 0x10 inf nan 99999999999999T 1025T ' 1M'; do
    run rank -m fake -q a --memory "$size" four.txt
done
echo '-- values'
for p in 0 1 1.0 -0.5 2 x '' 0.5x nan .99999999999 0.; do
    run rank -m fake -q a --precision "$p" four.txt
done
run rank -m fake -q a --policy best four.txt
for promise in set order scores best ''; do
    run rank -m early -q "a b" -k 3 --promise "$promise" --stats four.txt | grep 'selected\|2+\|err: grating\|exit'
done
run rank -m fake -q a --policy schedule four.txt
run rank -m fake -q a --hidden f16 four.txt
run rank -m fake -q a --policy cluster --clusters 1 four.txt
run rank -m fake -q a --policy cluster --clusters 65 four.txt
run rank -m fake -q a --policy cluster --dispersion 0 four.txt
run rank -m fake -q a --policy cluster --dispersion 1000 four.txt
run rank -m fake -q a --first-layer 0 four.txt
run rank -m fake -q a --profile '' four.txt
run rank -m fake -q a --trace '' four.txt
echo '-- deadlines'
run rank -m late -q "a b" -k 3 --deadline 800ms --stats four.txt
run rank -m late -q "a b" -k 3 --deadline 1.5s --json --no-text four.txt
run rank -m late -q "a b" four.txt --deadline 1ms
run rank -m late -q "a b" -k 3 four.txt
run rank -m late -q "a short b" -k 3 --deadline 1s --stats four.txt
run rank -m fake -q "a b" -k 3 --deadline 1s --tsv four.txt
echo '-- before the first layer there is no order but the given one'
run rank -m late -q "b long" -k 3 --deadline 0.5ms --stats four.txt
run rank -m late -q "b long" -k 1 --deadline 0.5ms --tsv four.txt
run rank -m late -q "b long" -k 2 --deadline .5ms --trace trace.json four.txt
grep -v '^ {"index"' trace.json
run plot trace.json -o trace.svg
echo '-- values of deadlines'
for time in '' 0 0ms 1 -1s 1m 1e3ms 1.2.3s ms 99999999999999s ' 1s'; do
    run rank -m fake -q a --deadline "$time" four.txt
done
echo '-- heads of layers'
run rank -m layered -q a --cutoff-layer 3 --resident --stats four.txt
run rank -m layered -q a --cutoff-layer=1 four.txt
run rank -m layered -q a --cutoff-layer 5 four.txt
run rank -m fake -q a --cutoff-layer 3 four.txt
for layer in 0 1001 -1 3.0 x ''; do
    run rank -m layered -q a --cutoff-layer "$layer" four.txt
done
run calibrate -m layered --cutoff-layer 3 --queries queries.jsonl
echo '-- what does not go together'
run rank -m fake -q a --resident --streamed four.txt
run rank -m fake -q a --precision 0.9 --policy none four.txt
run rank -m fake -q a --policy none --promise scores four.txt
run rank -m fake -q a --policy none --first-layer 2 four.txt
run rank -m fake -q a --dispersion 0.3 four.txt
run rank -m fake -q a --policy bound --clusters 3 four.txt
run rank -m fake -q a --policy cluster --dispersion 0.3 --precision 0.9 four.txt
run rank -m fake -q a --arithmetic int3 three.jsonl
