# Batches of queries.
cat >queries.jsonl <<'END'
{"query": "owls hunt", "documents": ["mice", "owls hunt mice", {"text": "owls", "id": "o"}]}

{"query": "b", "documents": [{"text": "a", "id": 3}, "b"], "k": 1, "id": "q2"}
{"query": "c", "documents": ["a", "c"], "k": 0, "instruction": "find", "other": 1}
END
run rank -m fake --queries queries.jsonl
run rank -m fake --queries queries.jsonl --tsv
run rank -m fake --queries - --json -k 1 <queries.jsonl
echo '-- a bad line costs its own result'
for bad in '{"query": "b"' '[]' '{"query": "b"}' '{"query": "", "documents": ["a"]}' \
    '{"query": "b", "documents": []}' '{"query": "b", "documents": [1]}' \
    '{"query": "b", "documents": [{"id": 1}]}' '{"query": 1, "documents": ["a"]}' \
    '{"query": "b", "documents": ["a"], "k": -1}' \
    '{"query": "b", "documents": ["a"], "k": "1"}' \
    '{"query": "b", "documents": ["a"], "k": 99999999999999999999}' \
    '{"query": "b", "documents": ["a"], "instruction": 1}' \
    '{"query": "b", "documents": ["a"], "id": {}}'; do
    printf '{"query": "a", "documents": ["a"]}\n%s\n{"query": "a", "documents": ["a"]}\n' \
        "$bad" >bad.jsonl
    run rank -m fake --queries bad.jsonl --tsv
done
echo '-- failures of the library name the line'
printf '{"query": "a", "documents": ["a"]}\n' >one.jsonl
printf '{"query": "a", "documents": ["a"], "instruction": "x"}\n' >>one.jsonl
run rank -m plain --queries one.jsonl --tsv
run rank -m unreadable --queries one.jsonl
run rank -m interrupt --queries one.jsonl
: >empty.jsonl
run rank -m fake --queries empty.jsonl
run rank -m fake --queries nowhere.jsonl
echo '-- documents that were cut are counted over the batch'
printf '{"query": "a", "documents": ["1 2 3 4 5 6 7 8 9", "a"]}\n' >cut.jsonl
cat cut.jsonl cut.jsonl | run rank -m fake --queries - --tsv
echo '-- a deadline is for each query; one note says how many met it'
printf '{"query": "a %s", "documents": ["b", "a", "c"]}\n' b short long long >late.jsonl
run rank -m late --queries late.jsonl --deadline 800ms -k 1 --tsv --stats
run rank -m late --queries late.jsonl --deadline 800ms -k 1 --no-text --no-stats
run rank -m late --queries late.jsonl -k 1 --tsv
head -n 1 late.jsonl | run rank -m late --queries - --deadline 800ms -k 1 --tsv
echo '-- a full disk'
"$command" rank -m fake --queries queries.jsonl 2>&1 >/dev/full
echo "exit: $?"
echo '-- each result leaves before the next line is read'
mkfifo in out
"$command" rank -m fake --queries - --json <in >out 2>err &
exec 3>in 4<out
printf '{"query": "a", "documents": ["a"]}\n' >&3
read -r line <&4
echo "$line"
printf '{"query": "b", "documents": ["a", "b"]}\n' >&3
read -r line <&4
echo "$line"
exec 3>&-
wait $!
echo "exit: $?"
echo '-- Ctrl-C while it waits for a line'
"$command" rank -m fake --queries - --tsv <in >out 2>err &
exec 3>in 4<out
printf '{"query": "a", "documents": ["a"]}\n' >&3
read -r line <&4
read -r line <&4
echo "$line"
kill -INT $!
wait $!
echo "exit: $?"
exec 3>&-
cat err
