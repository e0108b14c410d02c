# grating eval with a given run, with pairs, and with files that are not right.
cat >corpus.jsonl <<'DATA'
{"_id": "d1", "title": "owls", "text": "hunt at night"}
{"_id": "d2", "title": "", "text": "bread and dough"}

{"_id": "d3", "text": "owls sleep by day"}
{"_id": 4, "contents": "how bread rises"}
{"_id": "d5", "title": "night", "text": ""}
DATA
cat >queries.jsonl <<'DATA'
{"_id": "q1", "text": "how owls hunt"}
{"_id": "q2", "text": "how bread rises"}
{"_id": "q3", "text": "nobody judged this"}
{"_id": "q4", "text": "nothing is relevant"}
{"_id": "q5", "text": "night owls"}
DATA
printf 'query-id\tcorpus-id\tscore\r\nq1\td1\t2\r\nq1\td3\t1\r\n\r\nq2\t4\t3\r\nq2\td2\t1
q2\tlost\t1\nq2\td2\t1\nq4\td1\t0\nq4\td2\t-1\nq9\td1\t1\nq5\td5\t1\n' >qrels.tsv
cat >run.txt <<'DATA'
q1 Q0 d2 1 9.5 first
q1 Q0 d3 2 3.5 first
q1 Q0 d1 3 3.5 first
q1 Q0 d5 4 1e-3 first
q2 Q0 d1 1 2 first
q2 Q0 d2 2 1 first
q2	Q0	4	3	-1	first
q3 Q0 d1 1 1 first
q7 Q0 d1 1 1 first
DATA
files='--corpus corpus.jsonl --queries queries.jsonl'
run eval -m fake $files --qrels qrels.tsv --run run.txt -k 2
echo '-- the sum with the first stage: its weight, and scores that are all alike'
run eval -m fake $files --qrels qrels.tsv --run run.txt -k 2 --first-stage-weight none | sed -n '/NDCG/,/^$/p'
run eval -m fake $files --qrels qrels.tsv --run run.txt -k 2 --first-stage-weight 0.25 | sed -n '/NDCG/,/^$/p'
awk '{$5 = 7; print}' run.txt >alike.txt
run eval -m fake $files --qrels qrels.tsv --run alike.txt -k 2 | sed -n '/NDCG/,/^$/p'
run eval -m fake $files --qrels qrels.tsv --run run.txt --first-stage-weight 0
run eval -m fake --pairs run.txt --first-stage-weight 1 | sed -n 1,2p
echo '-- policies, JSON, and the rankings'
run eval -m early $files --qrels qrels.tsv --run run.txt -k 1,3 \
    --policies none,cluster,bound --precision 0.9,0.99 --json out.json --run-out out.run
sed 's/"time": [0-9][0-9.e-]*/"time": N/' out.json
cat out.run
echo '-- without a profile cluster knows no precision'
run eval -m uncalibrated $files --qrels qrels.tsv --run run.txt -k 1 \
    --policies cluster,bound --precision 0.9,0.99 --limit 1 | sed -n '/^cost/,$p'
echo '-- TREC qrels, lines with tabs, other levels, without judgements'
printf 'q1 0 d1 2\nq1 0 d3 1\nq2 0 4 1\n' >qrels.txt
printf 'd1\towls hunt at night\nd2\tbread\nd3\towls\n4\thow bread rises\nd5\tx\n' >corpus.tsv
printf 'q1\thow owls hunt\nq2\thow bread rises\n' >queries.tsv
run eval -m fake --corpus corpus.tsv --queries queries.tsv --qrels qrels.txt --run run.txt \
    -k 2 --relevant-from 2 --depth 3
run eval -m fake --corpus corpus.tsv --queries queries.tsv --run run.txt -k 2 --limit 1
echo '-- pairs'
cat >pairs.jsonl <<'DATA'
{"id": "a", "query": "owls hunt", "documents": [{"text": "bread", "relevance": 0}, {"id": "x", "text": "owls hunt", "relevance": 2}]}
{"id": 7, "query": "bread", "documents": ["owls", "bread", "bread"], "relevance": [false, true, 0]}
{"query": "unjudged", "documents": ["owls"]}
{"query": "irrelevant", "documents": ["owls"], "relevance": [0]}
{"query": "bread owls", "documents": ["bread owls", "owls", "x"], "relevance": [1, 1, 1]}
DATA
run eval -m fake --pairs pairs.jsonl -k 1 --run-out pairs.run
cat pairs.run
run eval -m fake --pairs pairs.jsonl -k 1 --depth 1 --limit 2 | sed -n '/^evaluated/p'
printf 'a\tx\t1\n7\t2\t1\n7\tnot there\t1\n' >pairs.tsv
sed 's/"relevance": \(\[.*\]\|[0-9]\)/"k": 1/' pairs.jsonl | sed 's/"relevance"/"other"/g' >plain.jsonl
run eval -m fake --pairs plain.jsonl -k 2 --qrels pairs.tsv
run eval -m fake --pairs plain.jsonl -k 1 --policies bound
echo '-- lines that are not right'
bad() { # bad OPTION FILE-CONTENTS: the good files but for one
    printf "$2" >bad
    run eval -m fake $files --qrels qrels.tsv --run run.txt "$1" bad
}
bad --corpus '{"_id": "d1", "text": "a"}\n{"_id": "d2", "text": "b"}\n{"_id": "d1", "text": "c"}\n'
bad --corpus '{"_id": "d1", "title": "a"}\n'
bad --corpus '{"_id": "d1", "text": 1}\n'
bad --corpus '{"_id": "d1", "text": "a", "title": 1}\n'
bad --corpus '{"text": "a"}\n'
bad --corpus '{"_id": "", "text": "a"}\n'
bad --corpus '{"_id": [], "text": "a"}\n'
bad --corpus '{"_id": "a\\u0000b", "text": "a"}\n'
bad --corpus '{"_id": "d1", "text": "a"}\n{"_id": "d2", "te'
bad --corpus '{"_id": "d1", "text": "a\377"}\n'
bad --corpus '{"_id": "d1", "text": "a"}\n[]\n'
bad --corpus 'd1\ta\nd2 b\n'
bad --corpus '\ta\n'
bad --corpus 'd\377\ta\n'
bad --corpus ''
bad --corpus '{"_id": "other", "text": "a"}\n'
bad --queries '{"_id": "q1", "text": ""}\n'
bad --queries '{"_id": "q1", "text": "a"}\n\n{"_id": "q1", "text": "b"}\n'
bad --queries '\n\n'
bad --queries '{"_id": "other", "text": "a"}\n'
bad --qrels 'q1 0 d1 1\nq1 0 d2\n'
bad --qrels 'q1 0 d1 1\nq1 0\n'
bad --qrels 'q1 0 d1 x\n'
bad --qrels 'q1 0 d1 1\nq2 0 d1 1\nq1 0 d1 0\n'
bad --qrels 'q1\td1\t1\nquery-id\tcorpus-id\tscore\n'
bad --qrels 'q1 0 d\377 1\n'
bad --qrels ''
bad --qrels 'q1 0 d1 0\n'
bad --run 'q1 Q0 d1 1 2 a\nq1 Q0 d1 2 1 a\n'
bad --run 'q1 Q0 d1 1 2 a\nq1 Q0 lost 2 1 a\n'
bad --run 'q1 Q0 d1 1 2\n'
bad --run 'q1 Q0 d1 1 nan a\n'
bad --run ''
badpair() {
    printf '%s\n' "$1" >bad
    run eval -m fake --pairs bad
}
badpair '{"query": "a", "documents": ["b"], "relevance": [1, 2]}'
badpair '{"query": "a", "documents": ["b"], "relevance": 1}'
badpair '{"query": "a", "documents": ["b"], "relevance": [0.5]}'
badpair '{"query": "a", "documents": ["b"], "relevance": [10000000]}'
badpair '{"query": "a", "documents": [{"text": "b", "relevance": 1}], "relevance": [1]}'
badpair '{"query": "a", "documents": []}'
badpair '{"query": "a", "documents": ["b"], "relevance": [0]}'
badpair ''
run eval -m fake --pairs pairs.jsonl --qrels pairs.tsv
echo '-- the order of the full pass'
run eval -m fake --pairs pairs.jsonl -k 2 --policies cluster,bound --promise scores --run-out exact.run
cut -d' ' -f6 exact.run | sort -u
echo '-- ids that a run has no place for'
printf '{"id": "a b", "query": "a", "documents": ["b"]}\n' >spaced.jsonl
run eval -m fake --pairs spaced.jsonl --run-out spaced.run
ls spaced.run
echo '-- files and models'
run eval -m fake --beir nowhere --run run.txt
run eval -m fake --corpus /dev/null --queries queries.jsonl --run run.txt
run eval -m fake --pairs nowhere
run eval -m missing --pairs pairs.jsonl
run eval -m unreadable --pairs pairs.jsonl --json kept.json
ls kept.json
run eval -m fake --pairs pairs.jsonl -k 1 --json nowhere/x
run eval -m fake --pairs pairs.jsonl -k 1 --json /dev/full | tail -n 2
run eval -m fake --pairs pairs.jsonl -k 1 --run-out /dev/full | tail -n 2
"$command" eval -m fake --pairs pairs.jsonl 2>&1 >/dev/full
echo "exit: $?"
echo '-- interrupted: in the first query, and after some'
run eval -m interrupt --pairs pairs.jsonl --json kept.json
ls kept.json
for i in 1 2 3 4 5 6 7 8 9; do sed -n 1p pairs.jsonl; done >nine.jsonl
"$command" eval -m slow --pairs nine.jsonl -k 1 --json part.json --run-out part.run >out 2>err &
pid=$!
sleep 1.5 # a ranking takes 0.3 s, and there is one to warm up
kill -INT $pid
wait $pid
echo "exit: $?"
sed 's/[0-9] quer[a-z]*/N queries/' out err | grep -e evaluated -e interrupted
grep -o '"interrupted": [a-z]*' part.json
ls part.*
echo '-- usage'
run eval
run eval --corpus a
run eval --corpus a --queries b --pairs c
run eval --beir a --pairs b
run eval --pairs a --run b
run eval --pairs a --bm25
run eval --pairs a --split dev
run eval --beir a --run b --bm25
run eval --beir a --split dev --qrels b
run eval --pairs a --precision 0.9
run eval --pairs a --promise scores
run eval --pairs a --policies bound,bound
run eval --pairs a --policies all
run eval --pairs a --policies bound --precision 0.9,0.90
run eval --pairs a --policies bound --precision 1
run eval --pairs a -k 1,1
run eval --pairs a -k 1,,2
run eval --pairs a -k 0
run eval --pairs a --stemmer snowball
run eval --pairs a --relevant-from 0
run eval --pairs '' 
run eval --pairs a b
