#!/usr/bin/env python3
"""What a deadline leaves of a ranking, and whether the precision that it is said to have is met.

usage: deadlines.py GRATING OUT --data FOLDER [--models MODEL...] [--queries 60] [-k 10]
                    [--part test] [--update]
GRATING, OUT, FOLDER, MODEL and --part are as in run.py, which see: sets and their queries are
the same.  Deadlines are emulated, so that nothing depends on the speed of the machine: a deadline
at a part of the full pass's time ends a ranking after the last layer up to which at most that
part of the full pass's layers x candidates is computed.  The order as it stands then, and the
precision expected of it, are those that the trace of a ranking shows for that layer; both are
held against the full pass.  Needs a model with a profile.  Writes OUT/deadlines-MODEL.md; --update
puts each table between its marks in docs/algorithms/deadlines.md, <!-- deadlines: MODEL --> and
<!-- end -->.  After an interruption the same command goes on.
"""
import argparse
import os
import sys

import datasets
import metrics
import promises
import steps
from report import table

TEXT = os.path.join(promises.ROOT, "docs", "algorithms", "deadlines.md")
SETS = ("msmarco", "wikiqa", "locomo")  # that neither training nor profiles read
PARTS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)


def top(scores, states, k):
    """The first k as they stand, as src/select/decisions.c puts them in order."""
    order = sorted(scores, key=lambda i: (-scores[i], i))
    members = [i for i in order if states[i] == "selected"]
    others = [i for i in order if states[i] in ("active", "finished")]
    members += others[:k - len(members)]
    return sorted(members, key=lambda i: (-scores[i], i))


def boundaries(query, k):
    """[(layers x candidates so far, top k, expected precision)] for each layer; the first is
    before any, where the order is that of the request."""
    n = len(query["documents"])
    scores = dict.fromkeys(range(n), 0.0)
    states = dict.fromkeys(range(n), "active")
    found, work = [(0, list(range(k)), k / n)], 0
    for step in query["steps"]:
        moves = [score - scores[i] for i, score in zip(step["candidates"], step["scores"])]
        shift = sum(moves) / len(moves)
        for i in scores:
            if states[i] != "active":
                scores[i] += shift  # predictions move with those that compute on
        for i, score, state in zip(step["candidates"], step["scores"], step["states"]):
            scores[i], states[i] = score, state
        work += len(moves)
        found.append((work, top(scores, states, k), step["expected_precision"]))
    final = [d["index"] for d in sorted(query["documents"], key=lambda d: d["rank"])]
    if found[-1][1] != final[:k]:
        sys.exit("the order after the last step is not that of the result: %s, %s"
                 % (found[-1][1], final[:k]))
    return found


def measure(kept, model, args, root, name):
    """[(query id, candidates, ids of the candidates, boundaries, ids of the full pass's top)]"""
    model_name, digest = os.path.basename(os.path.abspath(model)), steps.digest_model(model)
    limit = datasets.limit_of(name, args.queries)
    folder = datasets.prepare(name, args.data, root, limit, args.part)
    inputs = [digest, limit, args.k, args.part]
    full = kept.get("promises-%s-%s-full" % (model_name, name),
                    inputs + [promises.SYSTEMS["full"]],
                    lambda: promises.rank(kept, model, folder, args.k, promises.SYSTEMS["full"]))
    traces = kept.get("deadlines-%s-%s" % (model_name, name), inputs, lambda: [
        [q["id"], len(q["documents"]), q["n_layers"],
         [d["id"] for d in sorted(q["documents"], key=lambda d: d["index"])],
         boundaries(q, args.k)]
        for q in kept.trace(["-m", model, "--queries", os.path.join(folder, "jobs.jsonl"),
                             "-k", str(args.k)])])
    return traces, full, promises.read_grades(folder)


def row_of(part, traces, full, grades, k):
    """[mean layers, overlap with interval, expected, difference of NDCG]"""
    layers, shared, expected, change = [], [], [], []
    for (query, n, n_layers, ids, found), (_, wanted, _, _) in zip(traces, full):
        most = part * n * n_layers
        layer = max(i for i, (work, _, _) in enumerate(found) if work <= most)
        _, order, precision = found[layer]
        documents = [ids[i] for i in order]
        layers.append(layer)
        shared.append(len(set(documents) & set(wanted)) / len(wanted))
        expected.append(precision)
        judged = list(grades[query].values())
        change.append(metrics.ndcg([grades[query].get(d, 0) for d in documents], judged, k) -
                      metrics.ndcg([grades[query].get(d, 0) for d in wanted], judged, k))
    return layers, shared, expected, change


def make_table(found, k):
    rows = []
    for name, (traces, full, grades) in found:
        for part in PARTS:
            layers, shared, expected, change = row_of(part, traces, full, grades, k)
            mean, low, high = metrics.interval(shared)
            said = sum(expected) / len(expected)
            rows.append((name, "%.0f %%" % (100 * part), "%.1f" % (sum(layers) / len(layers)),
                         "%.3f (%.3f-%.3f)" % (mean, low, high), "%.3f" % said,
                         "yes" if low <= said <= high else "%+.3f" % (said - mean),
                         "%+.3f" % (sum(change) / len(change))))
            name = ""
    return table(("set", "deadline", "layers", "overlap@%d" % k, "expected", "within", "NDCG@%d" % k),
                 rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    promises.add_arguments(parser)
    args = promises.parse(parser)
    kept = steps.Steps(args.out, os.path.abspath(args.grating))
    root = os.path.join(args.out, "data")
    for model in args.models:
        name = os.path.basename(os.path.abspath(model))
        text = make_table([(s, measure(kept, model, args, root, s)) for s in SETS], args.k)
        with open(os.path.join(args.out, "deadlines-%s.md" % name), "w", encoding="utf-8") as f:
            f.write(text + "\n")
        print("%s\n\n%s\n" % (name, text))
        if args.update:
            promises.update(TEXT, "deadlines: %s" % name, text)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("\ninterrupted; the same command goes on")
