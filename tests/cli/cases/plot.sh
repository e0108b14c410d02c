# plot: the picture, and traces that are none.
printf '{"text": "a <b> & \\"c\\"", "id": "i<1>"}\n{"text": "b"}\n{"text": "a"}\n{"text": "c d", "id": 7}\n' >four.jsonl
quiet() { # the same without the output of `run`
    "$command" "$@" >out 2>&1 || { echo "$*: exit $?"; cat out; }
}
quiet rank -m early -q 'a b <&>"' -k 2 --trace trace.json four.jsonl
run plot trace.json
run plot trace.json --rank -o rank.svg
run plot --rank - <trace.json | cmp - rank.svg | head -n 1
"$command" plot --rank - <trace.json | cmp - rank.svg && echo same
grep -c '<g class="[srmd]"><title>' rank.svg
grep -A 1 '<g class="[srmd]"><title>' rank.svg
echo '-- queries of a batch'
printf '{"query": "first", "documents": ["a", "b"], "k": 1}\n{"query": "second", "documents": ["b"]}\n' >queries.jsonl
quiet rank -m fake --queries queries.jsonl --trace batch.json
for n in 1 2; do "$command" plot --query $n batch.json | grep 'class="title"'; done
run plot --query 3 batch.json
run plot --query 0 batch.json
run plot trace.json --query 2
echo '-- a deadline that came before the first scores'
quiet rank -m late -q long --deadline 1ms --trace early.json four.jsonl
run plot early.json
run plot early.json -o early.svg
[ ! -e early.svg ] || echo 'an empty picture'
echo '-- every picture is well-formed, whatever is in the trace'
step() { # step LAYER CANDIDATES SCORES STATES
    printf '{"layer": %s, "candidates": [%s], "scores": [%s], "states": [%s]}' "$@"
}
document() { # document INDEX RANK STATE LAYER [LOGIT]
    printf '{"index": %s, "text": "t%s", "rank": %s, "state": "%s", "decided_at_layer": %s, "logit": %s}' \
        "$1" "$1" "$2" "$3" "$4" "${5:-0}"
}
trace() { # trace K N_LAYERS STEPS DOCUMENTS
    printf '{"format": "grating-trace", "version": 1, "model": "m/", "queries": [{"query": "q", "policy": "none", "k": %s, "n_layers": %s, "steps": [%s], "documents": [%s]}]}' \
        "$@" >made.json
}
check_picture() { # check_picture NAME: no number in it is not one
    for rank in '' --rank; do
        "$command" plot made.json $rank >made.svg 2>err || { echo "$1: refused"; cat err; }
        if grep -q 'nan\|inf' made.svg; then echo "$1: not a number"; fi
        if command -v xmllint >/dev/null; then xmllint --noout made.svg || echo "$1"; fi
        tail -n 1 made.svg
    done
}
trace 1 1 "$(step 1 0 0.5 '"finished"')" "$(document 0 1 finished 1)"
check_picture 'one candidate, one layer'
trace 1 1 "$(step 1 0 null '"finished"')" "$(document 0 1 finished 1 null)"
check_picture 'no score at all'
trace 1 2 "$(step 1 '0, 1' '3, 3' '"active", "active"'), $(step 2 '0, 1' '3, 3' '"finished", "finished"')" \
    "$(document 0 1 finished 2), $(document 1 2 finished 2)"
check_picture 'constant scores'
trace 1 2 "$(step 2 '0, 1' '1e99, -1e99' '"finished", "finished"')" \
    "$(document 0 1 finished 2), $(document 1 2 finished 2)"
check_picture 'huge scores'
trace 2 2 "$(step 2 '0, 1' '1e300, 1e-300' '"finished", "finished"')" \
    "$(document 0 1 finished 2 1e300), $(document 1 2 finished 2)"
check_picture 'scores out of range'
trace 1 3 "$(step 1 '0, 1' '1, 2' '"active", "active"'), $(step 2 '0, 1' '1, null' '"active", "active"'), $(step 3 '0, 1' '1, 1' '"finished", "finished"')" \
    "$(document 0 1 finished 3), $(document 1 2 finished 3)"
check_picture 'a gap'
awk 'BEGIN {
    printf "{\"format\": \"grating-trace\", \"version\": 1, \"model\": \"m\", \"queries\": [{"
    printf "\"query\": \"q\", \"policy\": \"cluster\", \"k\": 60, \"n_layers\": 28, \"steps\": ["
    for (l = 1; l <= 28; l++) {
        printf "%s{\"layer\": %d, \"candidates\": [", (l > 1 ? "," : ""), l
        for (i = 0; i < 200; i++) printf "%s%d", (i ? "," : ""), i
        printf "], \"scores\": ["
        for (i = 0; i < 200; i++) printf "%s%f", (i ? "," : ""), (i * 7919 % 200) * l / 100
        printf "], \"states\": ["
        for (i = 0; i < 200; i++) printf "%s\"active\"", (i ? "," : "")
        printf "]}"
    }
    printf "], \"documents\": ["
    for (i = 0; i < 200; i++)
        printf "%s{\"index\": %d, \"text\": \"\", \"rank\": %d, \"state\": \"finished\", \"decided_at_layer\": 28, \"logit\": 1}", (i ? "," : ""), i, i + 1
    printf "]}]}"
}' >made.json
check_picture '200 candidates'
grep 'and .* more\|class="many"' made.svg
echo '-- files that are no traces'
good_step=$(step 1 0 1 '"finished"')
good_document=$(document 0 1 finished 1)
refuse() { run plot made.json; }
: >made.json; refuse
echo '{"format": "grating-trace", ' >made.json; refuse
echo '[]' >made.json; refuse
echo '{"format": 1}' >made.json; refuse
echo '{"format": "grating-trace", "version": 2}' >made.json; refuse
echo '{"format": "grating-trace", "version": 1}' >made.json; refuse
echo '{"format": "grating-trace", "version": 1, "model": "m"}' >made.json; refuse
echo '{"format": "grating-trace", "version": 1, "model": "m", "queries": []}' >made.json; refuse
echo '{"format": "grating-trace", "version": 1, "model": "m", "queries": [1]}' >made.json; refuse
for broken in query policy k n_layers steps documents layer candidates scores states index text rank state decided_at_layer logit; do
    trace 1 1 "$good_step" "$good_document"
    sed -i "s/\"$broken\":/\"no\":/" made.json
    refuse
done
trace 1 1 "$good_step" ''; refuse
trace 2 1 "$good_step" "$good_document"; refuse
trace 1 1000000000000 "$good_step" "$good_document"; refuse
trace 1 1 '' "$good_document"; refuse
trace 1 1 "$good_step, $good_step" "$good_document"; refuse
trace 1 2 "$good_step, $good_step" "$good_document"; refuse
trace 1 1 "$(step 2 0 1 '"finished"')" "$good_document"; refuse
trace 1 1 "$(step 1 1 1 '"finished"')" "$good_document"; refuse
trace 1 1 "$(step 1 -1 1 '"finished"')" "$good_document"; refuse
trace 1 1 "$(step 1 '"0"' 1 '"finished"')" "$good_document"; refuse
trace 1 1 "$(step 1 '0, 0' 1 '"finished"')" "$good_document"; refuse
trace 1 1 "$(step 1 0 '"1"' '"finished"')" "$good_document"; refuse
trace 1 1 "$(step 1 0 1 '"gone"')" "$good_document"; refuse
trace 1 1 "$(step 1 0 1 1)" "$good_document"; refuse
trace 1 1 1 "$good_document"; refuse
trace 1 1 "$good_step" 1; refuse
trace 1 1 "$good_step" "$(document 1 1 finished 1)"; refuse
trace 1 1 "$good_step" "$(document 0 2 finished 1)"; refuse
trace 1 1 "$good_step" "$(document 0 1 active 1)"; refuse
trace 1 1 "$good_step" "$(document 0 1 finished 2)"; refuse
trace 1 1 "$good_step" "$(document 0 1 finished 1), $(document 0 2 finished 1)"; refuse
trace 1 1 "$good_step" "$(document 0 1 finished 1), $(document 1 1 finished 1)"; refuse
trace 1 1 "$good_step" "$good_document"; sed -i 's/"text": "t0"/"text": "t0", "id": []/' made.json; refuse
trace 1 1 "$good_step" "$good_document"; sed -i 's/"k": 1/"k": 1, "precision": "high"/' made.json; refuse
awk 'BEGIN { for (i = 0; i < 100000; i++) printf "[" }' >made.json; refuse
echo '-- usage'
run plot
run plot a b
run plot nowhere.json
run plot .
run plot trace.json -o ''
run plot trace.json -o nowhere/a.svg
run plot trace.json -o /dev/full
run plot trace.json --jpeg
"$command" plot trace.json 2>&1 >/dev/full
echo "exit: $?"
echo '-- winners that end in one point stand side by side, saved layers are shaded'
trace 3 9 "$(step 1 '0, 1, 2' '3, 3, 3' '"active", "active", "active"'), $(step 2 '0, 1, 2' '3, 3, 3' '"selected", "selected", "selected"')" \
    "$(document 0 1 selected 2), $(document 1 2 selected 2), $(document 2 3 selected 2)"
check_picture 'one point'
"$command" plot made.json | grep -o 'circle class="full" cx="[0-9.]*" cy="[0-9.]*"' | sort | uniq -d | head -n 3
"$command" plot made.json | grep -o '7 layers saved'
echo '-- at most three lines for each that was wanted'
awk 'BEGIN { for (i = 0; i < 40; i++) print "a b", i }' >forty.txt
quiet rank -m early -q 'a b' -k 2 --trace forty.json forty.txt
"$command" plot forty.json | grep -c '<path class="line"'
"$command" plot forty.json | grep -o 'lines of the best [0-9]*'
quiet rank -m early -q 'a b' --all --trace forty.json forty.txt
"$command" plot forty.json | grep -c '<path class="line"'
"$command" plot forty.json | grep -c 'lines of the best'
