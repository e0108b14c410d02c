# The three formats, the note on cut documents, and outputs that cannot be written.
printf 'a b\nb\nc\n' >abc.txt
run rank -m fake -q "a b" abc.txt
run rank -m fake -q "a b" --json abc.txt
run rank -m fake -q "a b" --json -k 1 abc.txt
run rank -m fake -q "a b" --tsv -k 0 abc.txt
run rank -m fake -q "a b" --instruction "find it" -k1 --json abc.txt
printf 'a\n1 2 3 4 5 6 7 8 9\n1 2 3 4 5 6 7 8 9 a\n' >long.txt
run rank -m fake -q a long.txt
head -n 2 long.txt | run rank -m fake -q a --tsv
echo '-- a full disk'
for arguments in "rank -m fake -q a abc.txt" "rank -m fake -q a --json abc.txt" \
    "inspect fake" "doctor" "--help" "--version" "rank --help"; do
    echo "\$ grating $arguments >/dev/full"
    "$command" $arguments 2>&1 >/dev/full
    echo "exit: $?"
done
echo '-- a closed pipe is no error to talk about'
awk 'BEGIN { for (i = 0; i < 2000; i++) print "{\"query\": \"a\", \"documents\": [\"a\"]}" }' >many
"$command" rank -m fake --queries many --tsv 2>err | head -n 1
cat err
echo '-- a closed standard output'
"$command" rank -m fake -q a abc.txt 2>&1 >&-
echo "exit: $?"
