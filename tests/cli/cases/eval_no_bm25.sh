# grating eval in a build without SQLite.
printf '{"_id": "a", "text": "b"}\n' >a.jsonl
run eval -m fake --corpus a.jsonl --queries a.jsonl
run eval -m fake --corpus a.jsonl --queries a.jsonl --bm25
printf 'a Q0 a 1 1 x\n' >a.run
run eval -m fake --corpus a.jsonl --queries a.jsonl --run a.run -k 1
