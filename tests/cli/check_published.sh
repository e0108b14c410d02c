#!/bin/sh
# check_published.sh COMMAND SOURCE_DIR - the comparison with published scores, on the bundled
# model: it agrees with its own scores, and what differs, fails or is missing shows.
set -u
command=$1
check="python3 $2/tools/reference/check_published.py"
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
fail=0

# expect STATUS PATTERN ARGUMENT...
expect() {
    wanted=$1 pattern=$2
    shift 2
    $check "$command" "$@" >"$folder/out" 2>&1
    status=$?
    if [ $status -ne "$wanted" ] || ! grep -Eq "$pattern" "$folder/out"; then
        echo "status $status, not $wanted, or no line like \"$pattern\":"
        cat "$folder/out"
        fail=1
    fi
}

models=$2/models
expect 0 '^agrees   grating-mini +F16 .* grating-mini$' "$models"
expect 0 '^missing  bge-reranker-v2-m3 *$' "$models"
expect 0 '^agrees   grating-mini' "$models/grating-mini"

cat >"$folder/table" <<'END'
{"model": "other scores", "name": "grating-mini", "query": "how do owls hunt", "documents": ["owls", "bread"], "logits": [90, 91], "tolerance": 0.5, "source": "made up"}
{"model": "absent", "name": "no-such-model", "query": "q", "documents": ["d"], "logits": [0], "tolerance": 1, "source": "made up"}
END
expect 1 '^DIFFERS  other scores' "$models" --table "$folder/table"
expect 1 '^missing  absent' "$models" --table "$folder/table"

mkdir -p "$folder/models/grating-mini" "$folder/empty"
cp "$models/grating-mini/config.json" "$models/grating-mini/vocab.txt" \
    "$models/grating-mini/reference_scores.jsonl" "$folder/models/grating-mini"
head -c 1000 "$models/grating-mini/model.safetensors" \
    >"$folder/models/grating-mini/model.safetensors"
expect 1 '^FAILED   grating-mini .*model.safetensors' "$folder/models"
expect 1 'none of these models is in' "$folder/empty"
expect 2 'is not a directory' "$folder/nowhere"
exit $fail
