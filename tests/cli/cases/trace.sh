# rank --trace: the file, and that there is a whole one or none.
printf '{"text": "a b", "id": "x\\"1"}\n{"text": "b", "id": 2}\n"c"\n{"text": "a", "id": 0.5}\n' |
    grep -v '^"c"' >three.jsonl
echo '{"text": "c"}' >>three.jsonl
run rank -m early -q "a b" -k 2 --trace trace.json --tsv three.jsonl
cat trace.json
echo '-- a batch; with policy none there is no precision'
printf '{"query": "a", "documents": ["a", "b", "c"], "k": 1, "id": "first"}\n' >queries.jsonl
printf '{"query": "\\"b\\"", "documents": ["b"], "id": 7}\n' >>queries.jsonl
run rank -m early --queries queries.jsonl --trace trace.json --tsv
cat trace.json
echo '-- the text is cut after 80 characters, and valid'
printf '\303\244%s\n\377\n' "$(printf '%0100d' 0)" >long.txt
run rank -m fake -q a --trace trace.json --tsv long.txt
grep text trace.json
echo '-- no file is left where the run failed, and the one that was there stays'
echo before >kept.json
run rank -m unreadable -q a --trace kept.json three.jsonl
run rank -m interrupt -q a --trace new.json three.jsonl
printf '{"query": "a", "documents": ["a"]}\n{"query": "a", "documents": ["a"], "instruction": "x"}\n' >bad.jsonl
run rank -m plain --queries bad.jsonl --tsv --trace kept.json
cat kept.json
ls
echo '-- two Ctrl-C while a layer computes'
"$command" rank -m slow -q a --trace slow.json three.jsonl >out 2>&1 &
pid=$!
until ls slow.json.*.tmp >/dev/null 2>&1; do sleep 0.01; done
kill -INT $pid
kill -INT $pid 2>/dev/null # it may be gone by now
wait $pid
echo "exit: $?"
cat out
ls
echo '-- a Ctrl-C while the command waits for a query'
mkfifo queries
"$command" rank -m fake --queries queries --trace waiting.json --tsv >out 2>&1 &
pid=$!
exec 3>queries
printf '{"query": "a", "documents": ["a"]}\n' >&3
while [ "$(wc -l <out)" -lt 2 ]; do sleep 0.01; done
ls waiting.json.*.tmp | wc -l
# The next read may not have begun: the signal is noted then, and ends it as it begins.
kill -INT $pid
wait $pid
echo "exit: $?"
exec 3>&-
rm queries
tail -n 1 out
ls
echo '-- it replaces a file, also through a link, and writes straight to what is none'
ln -s kept.json link.json
chmod 640 kept.json
run rank -m fake -q a -k 1 --trace link.json --tsv three.jsonl
[ -L link.json ] && head -c 30 kept.json && echo
ls -l kept.json | cut -c 1-10
run rank -m fake -q a -k 1 --trace /dev/stdout --tsv three.jsonl
run rank -m fake -q a -k 1 --trace /dev/stdout --tsv three.jsonl | wc -l
echo '-- where nothing can be written'
run rank -m fake -q a --trace nowhere/trace.json three.jsonl
run rank -m fake -q a --trace . three.jsonl
run rank -m fake -q a -k 1 --tsv --trace /dev/full three.jsonl
awk 'BEGIN { for (i = 0; i < 3000; i++) print "document", i }' >many.txt
run rank -m fake -q a -k 1 --tsv --trace /dev/full many.txt
echo '-- what is read is not replaced: documents, queries, a model'
cp three.jsonl kept.jsonl
run rank -m fake -q a -k 1 --tsv --trace three.jsonl three.jsonl
ln three.jsonl linked.jsonl
run rank -m fake -q a -k 1 --tsv --trace linked.jsonl three.jsonl
run rank -m fake --queries queries.jsonl --tsv --trace ./queries.jsonl
mkdir notes
cp three.jsonl notes/b.jsonl
run rank -m fake -q a -k 1 --tsv -r notes --trace notes/b.jsonl
run plot trace.json -o trace.json
cmp three.jsonl kept.jsonl && cmp notes/b.jsonl kept.jsonl && echo unchanged
echo '-- with a trace the table has a bar for each layer, one scale for all documents'
run rank -m early -q "a b" -k 0 --trace trace.json three.jsonl
run rank -m early -q "a b" -k 1 --trace trace.json --width 40 three.jsonl
run rank -m early -q "a b" -k 1 --width 40 three.jsonl
