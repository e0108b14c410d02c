# Lines, JSON lines, and what can be wrong with them.
cat >owls.txt <<'END'
owls hunt at night
the market closed higher

how do owls find mice
	 
stars
END
run rank -m fake -q "how do owls hunt" owls.txt
run rank -m fake -q "how do owls hunt" -k 2 owls.txt
run rank -m fake -q owls --all - <owls.txt
run rank -m fake -q owls <owls.txt
run rank -m fake -q owls -- owls.txt

cat >owls.jsonl <<'END'
{"id": "night", "text": "owls hunt"}

{"id": 7, "text": "mice hide"}
{"id": 0.1, "text": "hunt the mice", "title": "unread"}
{"text": "no id"}
{"id": null, "text": "null id"}
END
run rank -m fake -q "owls hunt" owls.jsonl
run rank -m fake -q "owls hunt" --format jsonl --tsv owls.jsonl
run rank -m fake -q "owls hunt" --format lines -k 1 owls.jsonl

echo '{"no": "text"}' >braces.txt
run rank -m fake -q no braces.txt
run rank -m fake -q no --format jsonl braces.txt
printf '{"text": "a"}\n{"text": 5}\n' >number.jsonl
run rank -m fake -q a number.jsonl
printf '\n{"text": "a"}\n{"text": "b"\n' >open.jsonl
run rank -m fake -q a open.jsonl
printf '{"text": "a", "id": [1]}\n' >id.jsonl
run rank -m fake -q a id.jsonl
printf '{"text": "a", "text": "b"}\n' >twice.jsonl
run rank -m fake -q a --format jsonl twice.jsonl
printf '{"text": "a"}\n{"text": "\377"}\n' >bytes.jsonl
run rank -m fake -q a bytes.jsonl
printf '{"text": "a", "id": 1}\n{"text": "b", "id": 1}\n' | run rank -m fake -q a --tsv

: >empty.txt
run rank -m fake -q a empty.txt
printf '\n \n' | run rank -m fake -q a
run rank -m fake -q a nowhere.txt
mkdir folder
run rank -m fake -q a folder
