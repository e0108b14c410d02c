#!/usr/bin/env python3
"""What `grating eval` reports, computed once more with numpy, from TREC files alone.

usage: evaluate.py QRELS RUN [--tag NAME] [--full RUN] [--full-tag NAME] [-k 1,5,10]
                   [--depth N] [--level 1] [--check REPORT.json --system NAME]
QRELS has lines of 3 (BEIR) or 4 fields (TREC).  For each K: NDCG, P, MRR and recall of RUN
over all queries with a grade above 0, 0 for queries that RUN lacks, and, with --full, the
overlap of both runs' first K, and for each the 95 % interval of the bootstrap and the p of
the paired randomisation test against --full.  Gain is the grade, discount log2(rank + 1);
the ideal order is that of all judgements; scores that are equal go by id, last first.
--check compares with a report: values within 1e-9; ends of intervals within 6 % of their
width, six standard errors of a quantile of 10,000 samples, and 1 / (K x queries), the step
between means of P; p within 0.025.
"""
import argparse
import collections
import json
import sys

import numpy as np

SAMPLES = 10000
METRICS = ("ndcg", "precision", "mrr", "recall", "overlap")


def read_qrels(path):
    grades = collections.defaultdict(dict)
    with open(path, encoding="utf-8") as f:
        for row in (line.split() for line in f):
            if len(row) >= 3 and row[-1] != "score":
                grades[row[0]][row[-2]] = int(row[-1])
    return {q: d for q, d in grades.items() if max(d.values()) > 0}


def read_run(path, tag, depth):
    found = collections.defaultdict(list)
    with open(path, encoding="utf-8") as f:
        for row in (line.split() for line in f):
            if len(row) == 6 and tag in (None, row[5]):
                found[row[0]].append((float(row[4]), row[2].encode()))
    return {q: [d.decode() for _, d in sorted(rows, reverse=True)[:depth]]
            for q, rows in found.items()}


def dcg(grades):
    grades = np.maximum(np.asarray(grades, dtype=float), 0)
    return float(np.sum(grades / np.log2(np.arange(2, grades.size + 2))))


def judge(ranked, judged, k, level):
    top = np.array([judged.get(d, 0) for d in ranked[:k]] + [0] * max(0, k - len(ranked)))
    hits = top >= level
    n_relevant = sum(grade >= level for grade in judged.values())
    places = np.flatnonzero(hits)
    return [dcg(top) / dcg(sorted(judged.values(), reverse=True)[:k]), hits.mean(),
            1.0 / (places[0] + 1) if places.size else 0.0,
            hits.sum() / n_relevant if n_relevant else 0.0]


def overlap(ranked, full, k):
    k = min(k, len(full))
    return len(set(ranked[:k]) & set(full[:k])) / k if k else 1.0


def values(grades, run, full, k, level):
    """[n_queries][len(METRICS)]"""
    return np.array([judge(run.get(q, []), judged, k, level) +
                     [overlap(run.get(q, []), full.get(q, []), k)]
                     for q, judged in sorted(grades.items())])


def interval(rows, rng):
    n = len(rows)
    means = np.array([rows[rng.integers(0, n, n)].mean(axis=0) for _ in range(SAMPLES)])
    return np.percentile(means, [2.5, 97.5], axis=0)


def p_value(differences, rng):
    signs = rng.choice([-1.0, 1.0], size=(SAMPLES, len(differences)))
    sums = np.abs(signs @ differences)
    return (1 + np.sum(sums >= abs(differences.sum()) - 1e-12)) / (SAMPLES + 1)


def report_of(path, system, k):
    with open(path, encoding="utf-8") as f:
        for row in json.load(f)["systems"]:
            if row["system"] == system and row["k"] == k:
                return row["metrics"]
    sys.exit("%s has no system %s at k = %d" % (path, system, k))


def check(found, mean, bounds, step, difference, p):
    """What is wrong, or nothing."""
    if abs(found["mean"] - mean) > 1e-9:
        return "mean %.12g, not %.12g" % (found["mean"], mean)
    slack = 0.06 * (bounds[1] - bounds[0]) + step + 1e-9
    if abs(found["low"] - bounds[0]) > slack or abs(found["high"] - bounds[1]) > slack:
        return "interval %s to %s, not %s to %s" % (found["low"], found["high"], *bounds)
    if found["p"] is None:
        return None
    if abs(found["difference"] - difference) > 1e-9:
        return "difference %.12g, not %.12g" % (found["difference"], difference)
    if abs(found["p"] - p) > 0.025:
        return "p %s, not %s" % (found["p"], p)
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("qrels")
    parser.add_argument("run")
    parser.add_argument("--tag")
    parser.add_argument("--full")
    parser.add_argument("--full-tag")
    parser.add_argument("-k", default="1,5,10")
    parser.add_argument("--depth", type=int)
    parser.add_argument("--level", type=int, default=1)
    parser.add_argument("--check")
    parser.add_argument("--system")
    args = parser.parse_args()
    grades = read_qrels(args.qrels)
    run = read_run(args.run, args.tag, args.depth)
    full = read_run(args.full or args.run, args.full_tag if args.full else args.tag, args.depth)
    rng, bad = np.random.default_rng(7), 0
    for k in map(int, args.k.split(",")):
        rows = values(grades, run, full, k, args.level)
        against = values(grades, full, full, k, args.level)
        low, high = interval(rows, rng)
        for i, metric in enumerate(METRICS):
            p = p_value(rows[:, i] - against[:, i], rng)
            mean, difference = rows[:, i].mean(), (rows[:, i] - against[:, i]).mean()
            print("%-9s @%-3d %.6f  %.4f to %.4f  %+.6f  p %.4f"
                  % (metric, k, mean, low[i], high[i], difference, p))
            if args.check:
                found = report_of(args.check, args.system, k)[metric]
                wrong = check(found, mean, (low[i], high[i]), 1 / (k * len(rows)), difference, p)
                if wrong:
                    print("%s, %s@%d: %s" % (args.system, metric, k, wrong))
                    bad = 1
    return bad


if __name__ == "__main__":
    sys.exit(main())
