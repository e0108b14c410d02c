# What a model's files left open is said once for a run: all of it by inspect, what results may show
# by whoever ranks; JSON has it, too.
printf 'a b\nb\n' >ab.txt
printf '{"query": "a", "documents": ["a", "b"]}\n{"query": "b", "documents": ["a", "b"]}\n' >two.jsonl
run inspect noted | sed -n "/^err/p; /^exit/p"
run inspect noted --json
run rank -m noted -q a ab.txt
run rank -m noted -q a ab.txt --json --no-stats --no-text
run rank -m noted --queries two.jsonl --no-stats --no-text
run rank -m noted --queries two.jsonl --tsv
run rank -m fake -q a ab.txt --json --no-stats --no-text
run calibrate -m noted --queries two.jsonl -o out.profile
printf '{"_id": "d1", "text": "a"}\n{"_id": "d2", "text": "b"}\n' >corpus.jsonl
printf '{"_id": "q1", "text": "a"}\n' >queries.jsonl
printf 'query-id\tcorpus-id\tscore\nq1\td1\t1\n' >qrels.tsv
printf 'q1 Q0 d1 1 9 x\nq1 Q0 d2 2 8 x\n' >run.txt
run eval -m noted --corpus corpus.jsonl --queries queries.jsonl --qrels qrels.tsv --run run.txt \
    --json - | grep '^err\|^exit'
