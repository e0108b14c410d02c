#!/usr/bin/env python3
"""Numbers of tools/evidence that were computed by hand.

usage: check_metrics.py SOURCE_DIR
"""
import itertools
import os
import sys

import numpy as np

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(sys.argv[1], "tools", "evidence"))
import measure  # noqa: E402
import metrics  # noqa: E402
import report  # noqa: E402

bad = 0


def check(name, found, wanted):
    global bad
    if found is None or wanted is None:
        equal = found is wanted
    else:
        equal = np.shape(found) == np.shape(wanted) and np.allclose(found, wanted, 0, 1e-12)
    if not equal:
        print("%s: %s, not %s" % (name, found, wanted))
        bad = 1


def check_gamma():
    gamma = metrics.gamma
    check("same order", gamma([1, 2, 3], [10, 20, 30]), 1)
    check("opposite order", gamma([1, 2, 3], [3, 2, 1]), -1)
    # 6 pairs, one of them swapped
    check("one swap", gamma([1, 2, 3, 4], [1, 3, 2, 4]), (5 - 1) / 6)
    # (0, 1) is tied in the first scores, (1, 2) in the second; (0, 2) is left
    check("ties are left out", gamma([1, 1, 2], [5, 4, 4]), -1)
    check("nothing but ties", gamma([1, 1], [1, 2]), None)
    check("one candidate", gamma([1], [1]), None)
    # pairs (0, 2) (0, 3) (1, 2) (1, 3): one swapped
    check("between groups", gamma([1, 2, 3, 4], [1, 3, 2, 4], [0, 0, 1, 1]), (3 - 1) / 4)
    check("one group", gamma([1, 2], [1, 2], [0, 0]), None)


def check_clusters():
    clusters = metrics.clusters
    # Sum of squares 69.4; the best two clusters leave 16.3, more than a tenth; three 0.01.
    scores = [0, 0.1, 5, 5.1, 10]
    check("three clusters", clusters(scores), [0, 0, 1, 1, 2])
    check("at most two", clusters(scores, 2), [0, 0, 1, 1, 1])
    check("any order", clusters([5.1, 10, 0, 5, 0.1]), [1, 2, 0, 1, 0])
    check("far from 0", clusters([1e6 + s for s in scores]), [0, 0, 1, 1, 2])
    check("two at least", clusters([1, 1, 1, 2]), [0, 0, 0, 1])
    check("all equal", clusters([3, 3, 3]), [0, 0, 0])
    # two pairs inside clusters are swapped, none between them
    check("swaps inside, gamma", metrics.gamma(scores, [2, 1, 4, 3, 5]), (8 - 2) / 10)
    check("swaps inside, cluster gamma", metrics.cluster_gamma(scores, [2, 1, 4, 3, 5]), 1)
    # 8 pairs between clusters, one swapped
    check("swap between", metrics.cluster_gamma(scores, [1, 3, 2, 4, 5]), (7 - 1) / 8)
    check("one cluster", metrics.cluster_gamma([3, 3, 3], [1, 2, 3]), None)


def squares(runs):
    return sum(float(np.sum((run - run.mean()) ** 2)) for run in runs)


def check_optimum():
    """Of all ways to cut sorted scores into m runs, the clusters have the least squares."""
    rng = np.random.default_rng(5)
    for m in (2, 3, 4):
        scores = rng.normal(size=9)
        ordered = np.sort(scores)
        best = min(squares(np.split(ordered, cut))
                   for cut in itertools.combinations(range(1, 9), m - 1))
        found = metrics.clusters(scores, m, 1.0)
        check("clusters of optimum %d" % m, len(set(found)), m)
        check("squares of optimum %d" % m,
              round(squares([scores[found == c] for c in set(found)]), 9), round(best, 9))


def check_intervals():
    check("constant", metrics.interval([2.0, None, 2.0]), (2, 2, 2))
    check("nothing", metrics.interval([None])[0], None)
    # the mean of 100 tosses has a standard deviation of 0.05
    middle, low, high = metrics.interval([0, 1] * 50)
    check("mean of tosses", middle, 0.5)
    check("interval of tosses", abs(low - 0.402) < 0.011 and abs(high - 0.598) < 0.011, True)


def check_ndcg():
    # the ideal order of all that were judged is 2, 1, 1
    best = 2 + 1 / np.log2(3) + 1 / 2
    check("ndcg", metrics.ndcg([0, 2, 1], [1, 2, 0, 1], 3), (2 / np.log2(3) + 1 / 2) / best)
    check("ndcg of the first two", metrics.ndcg([0, 2, 1], [1, 2, 0, 1], 2),
          2 / np.log2(3) / (2 + 1 / np.log2(3)))
    check("fewer than k", metrics.ndcg([1], [1], 10), 1)
    check("nothing relevant", metrics.ndcg([0, 0], [0], 2), 0)
    check("below 0 is 0", metrics.ndcg([-2, 1], [-2, 1], 2), 1 / np.log2(3))


def check_misses():
    rankings = {"full": {"a": ["1", "2", "3", "4"], "b": ["1", "2", "3", "4"]},
                "early": {"a": ["1", "4", "2", "3"], "b": ["2", "1", "3", "4"]}}
    check("misses", measure.misses(rankings, "early", 2), [[2], [4]])


def check_text():
    text = "x\n<!-- evidence: a -->\nold\n<!-- end -->\ny\n"
    once = report.fill(text, {"a": "new"})
    check("filled", once == "x\n<!-- evidence: a -->\n\nnew\n\n<!-- end -->\ny\n", True)
    check("filled again", report.fill(once, {"a": "new"}) == once, True)
    for found in ({}, {"a": "1", "b": "2"}):
        try:
            report.fill(text, found)
            check("a block without a place, or a place without a block", "passed", "refused")
        except SystemExit:
            pass
    check("reached", report.target_text([0.991, 0.98, 1.0], 0.99) == "reached", True)
    check("missed", report.target_text([0.97, 0.95, 0.985], 0.99) == "missed", True)
    check("chance", report.target_text([0.985, 0.97, 0.995], 0.99) == "not told apart", True)


for part in (check_gamma, check_clusters, check_optimum, check_intervals, check_ndcg,
             check_misses, check_text):
    part()
sys.exit(bad)
