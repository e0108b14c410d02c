# grating eval with candidates by BM25, from a BEIR folder.
mkdir -p beir/qrels
cat >beir/corpus.jsonl <<'DATA'
{"_id": "d1", "title": "Owls", "text": "They hunt mice at night."}
{"_id": "d2", "text": "Bread rises because yeast makes gas."}
{"_id": "d3", "text": "An owl is hunting; it hunts; it hunted \"mice\"."}
{"_id": "d4", "text": "The share price fell."}
{"_id": "d5", "text": "Caf\u00e9s sell bread"}
{"_id": "d6", "text": "An owl is hunting; it hunts; it hunted \"mice\"."}
DATA
cat >beir/queries.jsonl <<'DATA'
{"_id": "q1", "text": "owls: \"hunt\" -mice* AND (night)"}
{"_id": "q2", "text": "cafe bread"}
{"_id": "q3", "text": "?!"}
{"_id": "q4", "text": "quantum"}
DATA
printf 'q1\td1\t1\nq2\td5\t2\nq3\td4\t1\nq4\td4\t1\n' >beir/qrels/test.tsv
printf 'q1\td3\t1\n' >beir/qrels/dev.tsv
brief() { # the transcript without SQLite's version
    run "$@" | sed 's/SQLite [0-9.]*/SQLite N/'
}
brief eval -m fake --beir beir -k 1,3 --run-out full.run
cat full.run
echo '-- ties keep the order of the corpus, and depth cuts'
brief eval -m fake --beir beir --split dev -k 1 --depth 2 --bm25
echo '-- without a stemmer "owls" is not "owl"'
printf 'q\towls\n' >owls.tsv
for stemmer in porter none; do
    brief eval -m fake --corpus beir/corpus.jsonl --queries owls.tsv --stemmer $stemmer \
        -k 1 --run-out plain.run | grep evaluated
    cat plain.run
done
echo '-- a query of many words'
{
    printf '{"_id": "q1", "text": "'
    i=0
    while [ $i -lt 3000 ]; do
        printf 'word%s ' $i
        i=$((i + 1))
    done
    printf 'owl"}\n'
} >long.jsonl
brief eval -m fake --corpus beir/corpus.jsonl --queries long.jsonl -k 1 | sed -n '/^evaluated/,$p'
echo '-- files that are not there'
run eval -m fake --beir nowhere
run eval -m fake --beir beir --split train
