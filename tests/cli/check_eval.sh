#!/bin/sh
# check_eval.sh COMMAND SOURCE_DIR - what eval reports about a fixed random run equals what
# tools/reference/evaluate.py, which shares no code with it, makes of the same files.
set -u
command=$1
evaluate=$2/tools/reference/evaluate.py
python=
for candidate in python3 /usr/bin/python3; do
    "$candidate" -c 'import numpy' 2>/dev/null && python=$candidate && break
done
if [ -z "$python" ]; then
    echo "SKIP: python3 with numpy is needed"
    exit 0
fi
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
"$python" - <<'PYTHON' || exit 1
import random
random.seed(20)
words = ["w%d" % i for i in range(40)]
text = lambda n: " ".join(random.choice(words) for _ in range(n))
with open("corpus.tsv", "w") as f:
    f.writelines("d%d\t%s\n" % (i, text(7)) for i in range(120))
with open("queries.tsv", "w") as queries, open("qrels.txt", "w") as qrels, \
        open("first.run", "w") as run:
    for q in range(70):
        queries.write("q%d\t%s\n" % (q, text(4)))
        for d in random.sample(range(130), 40):  # some that the corpus lacks
            qrels.write("q%d 0 d%d %d\n" % (q, d, random.choice([-1, 0, 0, 1, 1, 2, 3])))
        found = random.sample(range(120), random.choice([0, 3, 30, 60]))
        for rank, d in enumerate(found):  # with ties
            run.write("q%d Q0 d%d %d %d x\n" % (q, d, rank + 1, random.randrange(20)))
PYTHON
fail=0
for level in 1 2; do
    "$command" eval -m early --corpus corpus.tsv --queries queries.tsv --qrels qrels.txt \
        --run first.run --depth 50 -k 1,5,10 --policies bound,cluster --json report.json \
        --run-out out.run --relevant-from $level --seed 3 >/dev/null 2>err ||
        { cat err; exit 1; }
    compare() { # compare SYSTEM RUN OPTION...
        system=$1
        run=$2
        shift 2
        "$python" "$evaluate" qrels.txt "$run" --depth 50 --level $level --full out.run \
            --full-tag full --check report.json --system "$system" "$@" >out ||
            { cat out; fail=1; }
    }
    compare 'first stage' first.run
    compare 'full pass' out.run --tag full
    compare 'full + 1 x first' out.run --tag sum
    for k in 1 5 10; do
        compare 'bound 0.99' out.run --tag bound-0.99-k$k -k $k
    done
done
# A report that is wrong is found out.
sed 's/"ndcg": {"mean": 0/"ndcg": {"mean": 1/' report.json >wrong.json
if "$python" "$evaluate" qrels.txt first.run --depth 50 --level 2 --full out.run \
    --full-tag full --check wrong.json --system 'first stage' >out; then
    echo "a wrong report passes"
    fail=1
fi
exit $fail
