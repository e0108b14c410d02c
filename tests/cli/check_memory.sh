#!/bin/sh
# check_memory.sh COMMAND SOURCE_DIR - memory must not grow with the number of queries.
#
# A batch of 50,000 queries (34 MB) is ranked in an address space that cannot hold it.
set -u
command=$1
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
awk 'BEGIN {
    text = "owls"
    for (i = 0; i < 7; i++) text = text " " text
    for (i = 0; i < 50000; i++)
        printf "{\"query\": \"owls %d\", \"documents\": [\"%s\", \"mice\"]}\n", i, text
}' >"$folder/queries.jsonl"
if ( ulimit -v 32768 && "$command" --version >/dev/null 2>&1 ); then
    ulimit -v 32768
else
    echo "SKIP address space limit: this build reserves more (a sanitizer)"
fi
"$command" rank -m fake --queries "$folder/queries.jsonl" --tsv >"$folder/out" \
    2>"$folder/err" || { cat "$folder/err"; exit 1; }
lines=$(wc -l <"$folder/out")
[ "$lines" -eq 100001 ] || { echo "expected 100001 lines, found $lines"; exit 1; }
last=$(tail -n 1 "$folder/out" | cut -f 1-3)
[ "$last" = "$(printf '50000\t2\t1')" ] || { echo "last line: $last"; exit 1; }
