#!/bin/sh
# check_bench.sh COMMAND SOURCE_DIR - `grating bench` with the real library and model: its
# rows must fit together.  No time is judged.
set -u
command=$1
model=$2/models/grating-mini
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
fail=0
measure() { # measure NAME ARGUMENTS...
    name=$1
    shift
    "$command" bench "$@" -m "$model" -t 2 --csv "$name.csv" --svg "$name.svg" \
        >"$name.txt" 2>"$name.err" ||
        { echo "$name: exit code $?"; cat "$name.txt" "$name.err"; fail=1; }
}
# judge NAME AWK-PROGRAM: the rows of a CSV file, with its columns by name in c[].
judge() {
    grep -v '^#' "$1.csv" | awk -F , '
        function wrong(text) { print FILENAME row ": " text; bad = 1 }
        NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; columns = NF; next }
        NF != columns { wrong("line " NR " has " NF " columns") }
        { row = $c["row"]; n++ }
        $c["time_ms"] <= 0 || $c["time_low_ms"] > $c["time_ms"] ||
            $c["time_high_ms"] < $c["time_ms"] { wrong("times") }
        $c["peak_bytes"] < 4000000 { wrong("peak " $c["peak_bytes"]) }
        '"$2"'
        END { exit bad }' >judged || { echo "$1:"; cat judged "$1.csv"; fail=1; }
}
measure ablation ablation --documents 40 --tokens 110 -k 4 --runs 2
judge ablation '
    NR == 2 { full = $c["tokens_x_layers"]; off = $c["selection"]; big = $c["peak_bytes"] }
    NR == 2 && ($c["policy"] != "none" || $c["computed_share"] != 1) { wrong("all off") }
    NR == 2 && ($c["slots"] != 8 || $c["weight_bytes"] != 0) { wrong("not resident") }
    NR == 3 { chosen = $c["selection"]; all = $c["chunk_rows"] }
    $c["tokens_per_pair"] < 106 || $c["tokens_per_pair"] > 115 { wrong("length") }
    NR >= 3 && $c["selection"] != chosen { wrong("other documents") }
    NR >= 3 && $c["tokens_x_layers"] >= full { wrong("not pruned") }
    NR == 4 && $c["chunk_rows"] >= all { wrong("not chunked") }
    NR == 5 && ($c["slots"] != 2 || $c["weight_bytes"] == 0) { wrong("not streamed") }
    NR == 5 { cached = $c["cached_rows"] }
    NR == 6 && $c["cached_rows"] >= cached { wrong("no embedding cache") }
    NR == 7 && $c["peak_bytes"] >= big { wrong("no less memory than all off") }
    END { if (n != 6) wrong(n " rows") }'
measure streaming streaming --documents 10 --tokens 100 -k 3 --runs 1 \
    --text "$2/docs/ARCHITECTURE.md"
judge streaming '
    NR == 2 { chosen = $c["selection"]; work = $c["tokens_x_layers"] }
    $c["selection"] != chosen || $c["tokens_x_layers"] != work { wrong("other work") }
    $c["tokens_per_pair"] < 96 || $c["tokens_per_pair"] > 105 { wrong("length") }
    NR > 2 && $c["weight_bytes"] == 0 { wrong("nothing was read") }
    END { if (n != 3) wrong(n " rows") }'
measure budgets scaling --by budget --documents 12 --tokens 100 --runs 1
judge budgets '
    NR > 2 && $c["peak_bytes"] > $c["budget_bytes"] { wrong("over its budget") }
    NR > 3 && $c["budget_bytes"] <= before { wrong("budgets do not rise") }
    NR == 3 && $c["slots"] > 3 { wrong("the smallest budget keeps layers") }
    NR == 7 && $c["slots"] != 8 { wrong("the largest budget does not keep all") }
    { before = $c["budget_bytes"] }
    END { if (n != 6) wrong(n " rows") }'
# A budget that nothing fits is a row without numbers, and no row of the CSV file.
measure refused scaling --by budget --values 2M,300M --documents 3 -k 1 --runs 1
judge refused 'END { if (n != 2) wrong(n " rows") }'
grep -q '^grating: 2.0 MiB does not suffice' refused.err ||
    { echo "refused:"; cat refused.err; fail=1; }
for file in *.svg; do
    python3 -c 'import sys, xml.dom.minidom as d; d.parse(sys.argv[1])' "$file" || fail=1
done
exit $fail
