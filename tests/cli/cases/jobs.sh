# Batches: one bad job costs its own result only; one corpus for many queries; what
# other programs call things.
cat >jobs.jsonl <<'END'
{"query": "owl", "documents": ["owl", "bread"], "id": "first"}
{"query": "owl", "documents": [], "id": "nothing found"}
{"query": "owl", "documents": [5], "id": "bad document"}
not JSON
{"query": "owl", "documents": [{"page_content": "an owl", "_id": 3}], "top_n": 5, "rerank": true}
{"question": "bread", "texts": ["owl", "bread"], "top_k": 1, "rerank": true, "id": null}
{"query": "bread", "passages": ["owl", "bread"], "k": 1, "top_n": 2}
{"documents": ["a"], "id": 9}
END
run rank -m fake --queries jobs.jsonl --no-stats
run rank -m fake --queries jobs.jsonl --tsv
run rank -m fake --queries jobs.jsonl --no-stats --no-text | tail -n 4
echo '-- a trace holds the queries that were ranked'
run rank -m fake --queries jobs.jsonl --tsv --trace trace.json | tail -n 3
grep -c '"n_layers"' trace.json
echo '-- an instruction that the model does not take'
printf '{"query": "a", "documents": ["a"], "instruction": "x"}\n{"query": "a", "documents": ["a"]}\n' |
    run rank -m plain --queries - --no-stats
echo '-- a line that is ranked in another way than the rest'
cat >own.jsonl <<'END'
{"query": "owl", "documents": ["an owl that is long and longer", "bread"], "max_document_tokens": 3}
{"query": "owl", "documents": ["an owl that is long and longer", "bread"], "max_tokens_per_doc": 3, "long_documents": "refuse"}
{"query": "owl", "documents": ["owl", "bread"], "policy": "none", "deadline": "1.5s"}
{"query": "owl", "documents": ["owl", "bread"], "policy": "cluster", "clusters": 2, "dispersion": 0.5}
{"query": "owl", "documents": ["owl", "bread"], "precision": 0.9, "promise": "scores", "first_layer": 2}
{"query": "owl", "documents": ["owl", "bread"], "max_document_tokens": null, "policy": null}
{"query": "owl", "documents": ["owl"], "max_document_tokens": "3"}
{"query": "owl", "documents": ["owl"], "max_document_tokens": 0}
{"query": "owl", "documents": ["owl"], "max_tokens_per_doc": 2.5}
{"query": "owl", "documents": ["owl"], "long_documents": true}
{"query": "owl", "documents": ["owl"], "long_documents": "split"}
{"query": "owl", "documents": ["owl"], "policy": "fast"}
{"query": "owl", "documents": ["owl"], "promise": 1}
{"query": "owl", "documents": ["owl"], "precision": 1}
{"query": "owl", "documents": ["owl"], "first_layer": -1}
{"query": "owl", "documents": ["owl"], "deadline": 800}
{"query": "owl", "documents": ["owl"], "clusters": 2}
{"query": "owl", "documents": ["owl"], "policy": "none", "precision": 0.9}
{"query": "owl", "documents": ["owl"], "policy": "cluster", "precision": 0.9, "dispersion": 1}
{"query": "owl", "documents": ["owl"], "return_documents": true}
END
run rank -m fake --queries own.jsonl --no-text
echo '-- what the command says of all lines'
head -n 1 own.jsonl | run rank -m fake --queries - --no-text --no-stats --max-document-tokens 100
printf '{"query": "owl", "documents": ["an owl that is long"]}\n' |
    run rank -m fake --queries - --tsv --max-document-tokens 3 --long-documents refuse
printf '{"query": "owl", "documents": ["owl"], "policy": "none"}\n' |
    run rank -m fake --queries - --no-text --policy cluster --precision 0.5 --clusters 3
echo '-- one corpus'
printf 'an owl\nbread\nmice\n' >corpus.txt
printf 'owl\n\nbread and mice\n' >queries.txt
run rank -m fake --queries queries.txt --tsv -k 1 corpus.txt
printf '{"_id": "q1", "text": "owl"}\n{"query": "mice", "k": 2}\n{"query": "a", "documents": ["b"]}\n' >queries.jsonl
run rank -m fake --queries queries.jsonl --no-stats -k 1 corpus.txt
run rank -m fake --queries - --tsv -k 1 corpus.txt <queries.txt
run rank -m fake --queries - --tsv - <queries.txt
run rank -m fake --queries queries.txt -r --tsv
echo '-- a first stage that found nothing, in calibration and evaluation'
printf '{"query": "owl", "documents": []}\n{"query": "owl", "documents": ["owl", "b"], "relevance": [1, 0]}\n' >pairs.jsonl
run eval -m fake --pairs pairs.jsonl -k 1 --policies none | head -n 9
run calibrate -m fake --queries pairs.jsonl --samples s.samples 2>&1 | tail -n 3
echo '-- one reader: eval takes what rank takes'
mkdir -p set/qrels
printf '{"id": "d1", "title": "Owls", "page_content": "\377owl"}\n{"docid": "d2", "contents": "bread \\ud83d", "score": NaN}\n' >set/corpus.jsonl
printf '{"_id": "q1", "text": "owl"}\n' >set/queries.jsonl
printf 'q1\td1\t1\n' >set/qrels/test.tsv
printf 'q1 Q0 d1 1 2 x\nq1 Q0 d2 2 1 x\n' >run.txt
run eval -m fake --beir set --run run.txt -k 1 --policies none | head -n 9
run rank -m fake -q owl --tsv set/corpus.jsonl
