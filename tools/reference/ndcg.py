#!/usr/bin/env python3
"""NDCG@k of ranked result lines, normalised over the candidates of each query.

usage: ndcg.py QRELS.tsv JOBS.jsonl RESULTS.jsonl [-k 10]
JOBS gives the query id and the candidates; RESULTS has one line per job, in order, in one
of two forms: {"results": [{"index", ...}, ...]} in rank order (all N or
only the best K), as `grating rank --json` prints it, or {"logits": [...]} in document order,
as rank_reference.py writes it.  RESULTS "-" ranks the candidates as given.  Gain 2^g - 1,
discount log2(rank + 1); the ideal order is that of the same candidates, so the first stage's
misses do not count.  Queries without a relevant candidate are left out and counted.
"""
import argparse
import json
import math


def read_qrels(path):
    grades = {}
    with open(path, encoding="utf-8") as f:
        for line in f:
            row = line.rstrip("\n").split("\t")
            if len(row) >= 3 and row[-1].lstrip("-").isdigit():
                document = row[1] if len(row) == 3 else row[2]
                grades.setdefault(row[0], {})[document] = int(row[-1])
    return grades


def read_jsonl(path):
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f if line.strip()]


def order_of(result, n):
    """Indices of documents, best first."""
    if result is None:
        return list(range(n))
    if "results" in result:
        return [item["index"] for item in result["results"]]
    logits = result["logits"]
    if len(logits) != n:
        raise SystemExit("a result line has %d logits for %d documents" % (len(logits), n))
    return sorted(range(n), key=lambda i: (-logits[i], i))


def dcg(gains, k):
    return sum((2.0 ** g - 1.0) / math.log2(i + 2.0) for i, g in enumerate(gains[:k]))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("qrels")
    parser.add_argument("jobs")
    parser.add_argument("results")
    parser.add_argument("-k", type=int, default=10)
    args = parser.parse_args()
    grades, jobs = read_qrels(args.qrels), read_jsonl(args.jobs)
    results = [None] * len(jobs) if args.results == "-" else read_jsonl(args.results)
    if len(results) != len(jobs):
        raise SystemExit("%d result lines for %d jobs" % (len(results), len(jobs)))
    values, empty = [], 0
    for job, result in zip(jobs, results):
        judged = grades.get(str(job["id"]), {})
        gains = [max(0, judged.get(str(d["id"]), 0)) for d in job["documents"]]
        ideal = dcg(sorted(gains, reverse=True), args.k)
        if ideal == 0.0:
            empty += 1
            continue
        values.append(dcg([gains[i] for i in order_of(result, len(gains))], args.k) / ideal)
    print("NDCG@%d %.6f over %d queries (%d without a relevant candidate)"
          % (args.k, sum(values) / max(1, len(values)), len(values), empty))


if __name__ == "__main__":
    main()
