#!/usr/bin/env python3
"""NDCG@10 of BM25 and of a model, on queries that training never read.

usage: measure.py GRATING MODEL RANKING_DIR OUT.json [--sets a,b] [--top 50] [--limit 500]
GRATING is the command, MODEL a folder.  Of msmarco, wikiqa and locomo all queries count, of
the others the test part (tools/reference/jobs.py).  The model ranks BM25's top candidates,
in f32, all layers.  NDCG is normalised over the candidates; queries without a relevant
candidate are left out.  Intervals: 95 %, 10,000 bootstrap samples of queries, of each mean
and of the paired difference; p is the share of samples where the model is not better.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
REFERENCE = os.path.join(HERE, "..", "reference")
sys.path.insert(0, REFERENCE)
import ndcg  # noqa: E402

FOLDERS = {"xquad-en": "xquad"}
WHOLE = ("msmarco", "wikiqa", "locomo")  # never trained on
SETS = ("msmarco", "selqa", "qed", "xquad-en", "wikiqa", "covid-qa", "tldr", "locomo")
SAMPLES = 10000


def make_jobs(name, args, prefix):
    command = [sys.executable, os.path.join(REFERENCE, "jobs.py"), name,
               os.path.join(args.ranking, FOLDERS.get(name, name)), prefix,
               "--top", str(args.top), "--limit", str(args.limit)]
    if name not in WHOLE:
        command += ["--part", "test"]
    subprocess.run(command, check=True)
    return ndcg.read_jsonl(prefix + ".jsonl"), ndcg.read_qrels(prefix + ".qrels.tsv")


def rank(args, prefix):
    command = [args.grating, "rank", "--json", "--all", "--policy", "none", "--resident",
               "--arithmetic", "f32", "--no-progress", "--model", args.model,
               "--queries", prefix + ".jsonl"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    return [json.loads(line) for line in done.stdout.splitlines()]


def values(jobs, grades, results, k=10):
    """[(NDCG@k as given, NDCG@k of the model)] of the queries with a relevant candidate."""
    out = []
    for job, result in zip(jobs, results):
        judged = grades.get(str(job["id"]), {})
        gains = [max(0, judged.get(str(d["id"]), 0)) for d in job["documents"]]
        ideal = ndcg.dcg(sorted(gains, reverse=True), k)
        if ideal > 0.0:
            order = ndcg.order_of(result, len(gains))
            out.append((ndcg.dcg(gains, k) / ideal,
                        ndcg.dcg([gains[i] for i in order], k) / ideal))
    return np.array(out)


def interval(samples):
    return [round(float(x), 4) for x in np.percentile(samples, (2.5, 97.5))]


def summary(pairs):
    rng = np.random.default_rng(1)
    rows = rng.integers(0, len(pairs), (SAMPLES, len(pairs)))
    means = pairs[rows].mean(1)
    gain = means[:, 1] - means[:, 0]
    given, model = (round(float(x), 4) for x in pairs.mean(0))
    return {"queries": len(pairs), "bm25": given, "bm25_interval": interval(means[:, 0]),
            "model": model, "model_interval": interval(means[:, 1]),
            "gain": round(model - given, 4), "gain_interval": interval(gain),
            "p": round(float((gain <= 0.0).mean()), 4)}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("grating")
    parser.add_argument("model")
    parser.add_argument("ranking")
    parser.add_argument("out")
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--top", type=int, default=50)
    parser.add_argument("--limit", type=int, default=500)
    args = parser.parse_args()
    found = {"top": args.top, "metric": "NDCG@10", "sets": {}}
    with tempfile.TemporaryDirectory() as folder:
        for name in args.sets.split(","):
            prefix = os.path.join(folder, name)
            jobs, grades = make_jobs(name, args, prefix)
            results = rank(args, prefix)
            if len(results) != len(jobs):
                raise SystemExit("%s: %d results for %d jobs" % (name, len(results), len(jobs)))
            found["sets"][name] = summary(values(jobs, grades, results))
            print(name, json.dumps(found["sets"][name]), flush=True)
    with open(args.out, "w", encoding="utf-8") as f:
        json.dump(found, f, indent=1)
        f.write("\n")


if __name__ == "__main__":
    main()
