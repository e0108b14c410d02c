# Bytes that are not text: NUL, invalid UTF-8, control characters, byte order mark, CRLF.
printf '\357\273\277a b\r\nc\r\n' | run rank -m fake -q a --width 0
printf 'x\000y a\n' | run rank -m fake -q a
printf 'a \377\376 z\n\303\n\355\240\200\n' | run rank -m fake -q a
printf 'a \033[31mred\033[0m \007 \302\233 \342\200\256 end\n' | run rank -m fake -q a
printf '{"text": "a\\u0000b a", "id": "tab\\there\\nand \\u0001 \\\\"}\n' >ids.jsonl
run rank -m fake -q a ids.jsonl
run rank -m fake -q a --tsv ids.jsonl
run rank -m fake -q a --json ids.jsonl
# Wide and combining characters under a width.
printf '\346\227\245\346\234\254\350\252\236\346\227\245\346\234\254\350\252\236 a\n' \
    >wide.txt
printf 'e\314\201te\314\201 abcdefghijk a\n' >>wide.txt
run rank -m fake -q a --width 33 wide.txt
run rank -m fake -q a --width 1 wide.txt
printf '{"text": "a", "id": "a very long id that goes on and on"}\n' >long.jsonl
run rank -m fake -q a long.jsonl
# One line of two megabytes.
head -c 2000000 /dev/zero | tr '\0' 'x' >long.txt
run rank -m fake -q a --width 40 long.txt
# A model path that is not UTF-8.
printf 'a\n' | run rank -m "$(printf 'm\377')" -q a --json | tail -n +2
