#!/usr/bin/env python3
"""What each promise gives and costs: NDCG beside the full pass's, layers x candidates computed.

usage: promises.py GRATING OUT --data FOLDER [--models MODEL...] [--sets SET...]
                   [--queries 60] [-k 10] [--part test] [--update]
GRATING, OUT, FOLDER, MODEL and --part are as in run.py, which see: sets and their queries are
the same.  Each set is ranked by the full pass and, at precision 0.99, with --promise set, order
and scores.  Writes OUT/promises-MODEL.md; --update puts each table between its marks in
docs/studies/results-tables.md, <!-- promises: MODEL --> and <!-- end -->.  Nothing here depends
on the speed of the machine.  After an interruption the same command goes on.
"""
import argparse
import json
import os
import re
import sys

import datasets
import metrics
import steps
from report import table

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TEXT = os.path.join(ROOT, "docs", "studies", "results-tables.md")
SYSTEMS = {"full": ["--policy", "none"]}
SYSTEMS.update((promise, ["--policy", "bound", "--precision", "0.99", "--promise", promise])
               for promise in ("set", "order", "scores"))
CLOSE = 0.003  # of NDCG, that count as the full pass's


def read_grades(folder):
    grades = {}
    with open(os.path.join(folder, "qrels.tsv"), encoding="utf-8") as f:
        for line in f:
            query, document, grade = line.rstrip("\n").split("\t")
            grades.setdefault(query, {})[document] = int(grade)
    return grades


def rank(kept, model, folder, k, arguments):
    """[query id, ids of the first k, layers x candidates computed, of the full pass]"""
    lines = kept.run(["rank", "--json", "--no-text", "--no-progress", "-m", model, "-k", str(k),
                      "--queries", os.path.join(folder, "jobs.jsonl")] + arguments)
    rows = [json.loads(line) for line in lines.splitlines()]
    return [[row["query_id"], [item["id"] for item in row["results"][:k]],
             row["stats"]["candidates_x_layers"], row["stats"]["full_candidates_x_layers"]]
            for row in rows]


def ndcg_of(rows, grades, k):
    found = [metrics.ndcg([grades[query].get(d, 0) for d in documents],
                          list(grades[query].values()), k)
             for query, documents, _, _ in rows]
    return sum(found) / len(found)


def overlap_of(rows, full):
    shares = [len(set(a[1]) & set(b[1])) / len(b[1]) for a, b in zip(rows, full)]
    return sum(shares) / len(shares)


def figures(ranked, grades, k):
    """Of one set: NDCG of the full pass at 5 and k, and for each promise the differences to
    it, overlap and what was computed."""
    depths = (min(5, k), k)
    full = [ndcg_of(ranked["full"], grades, depth) for depth in depths]
    found = {"full": full}
    for name in ("set", "order", "scores"):
        rows = ranked[name]
        change = [ndcg_of(rows, grades, depth) - of for depth, of in zip(depths, full)]
        found[name] = change + [overlap_of(rows, ranked["full"]),
                                sum(r[2] for r in rows) / sum(r[3] for r in rows)]
    return found


def measure(kept, model, args, root):
    """[(set, queries, figures)]"""
    name, digest = os.path.basename(os.path.abspath(model)), steps.digest_model(model)
    out = []
    for data in args.sets:
        limit = datasets.limit_of(data, args.queries)
        folder = datasets.prepare(data, args.data, root, limit, args.part)
        ranked = {system: kept.get("promises-%s-%s-%s" % (name, data, system),
                                   [digest, limit, args.k, args.part, SYSTEMS[system]],
                                   lambda system=system: rank(kept, model, folder, args.k,
                                                              SYSTEMS[system]))
                  for system in SYSTEMS}
        out.append((data, len(ranked["full"]), figures(ranked, read_grades(folder), args.k)))
    return out


def change(value):
    return "%+.4f" % value


def make_table(found, k):
    head = ["set", "queries"]
    head += ["full: NDCG@%d" % depth for depth in (5, k)]
    for name in ("set", "order", "scores"):
        head += ["%s: NDCG@5" % name, "NDCG@%d" % k, "overlap@%d" % k, "computed"]
    rows, sums = [], {name: [] for name in ("set", "order", "scores")}
    for data, n, values in found:
        row = [data, "%d" % n] + ["%.3f" % v for v in values["full"]]
        for name in sums:
            at5, at_k, overlap, computed = values[name]
            row += [change(at5), change(at_k), "%.3f" % overlap, "%.1f %%" % (100 * computed)]
            sums[name].append(values[name])
        rows.append(row)
    last = ["within %.3f, mean computed" % CLOSE, "", "", ""]
    for name, values in sums.items():
        last += ["%d of %d" % (sum(abs(v[i]) <= CLOSE for v in values), len(values))
                 for i in (0, 1)]
        last += ["%.3f" % (sum(v[2] for v in values) / len(values)),
                 "%.1f %%" % (100 * sum(v[3] for v in values) / len(values))]
    return table(head, rows + [last])


def update(path, mark, text):
    """Puts the text between <!-- mark --> and <!-- end -->."""
    with open(path, encoding="utf-8") as f:
        old = f.read()
    place = re.compile(r"(<!-- %s -->\n).*?(<!-- end -->)" % re.escape(mark), re.S)
    new, n = place.subn(lambda m: "%s\n%s\n\n%s" % (m[1], text, m[2]), old)
    if n != 1:
        sys.exit("%s has %d places \"%s\"" % (path, n, mark))
    with open(path, "w", encoding="utf-8") as f:
        f.write(new)
    print("%s brought up to date" % path)


def add_arguments(parser):
    parser.add_argument("grating")
    parser.add_argument("out")
    parser.add_argument("--data", required=True)
    parser.add_argument("--models", nargs="+", default=[
        os.path.join(ROOT, "models", name) for name in ("grating-mini", "grating-mini-qwen3")])
    parser.add_argument("--queries", type=int, default=60)
    parser.add_argument("-k", type=int, default=10)
    parser.add_argument("--part", choices=("test", "dev", "train", "all"), default="test")
    parser.add_argument("--update", action="store_true")


def parse(parser):
    args = parser.parse_args()
    args.part = None if args.part == "all" else args.part
    return args


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser)
    parser.add_argument("--sets", nargs="+", choices=tuple(datasets.SETS),
                        default=tuple(datasets.SETS))
    args = parse(parser)
    kept = steps.Steps(args.out, os.path.abspath(args.grating))
    for model in args.models:
        name = os.path.basename(os.path.abspath(model))
        text = make_table(measure(kept, model, args, os.path.join(args.out, "data")), args.k)
        with open(os.path.join(args.out, "promises-%s.md" % name), "w", encoding="utf-8") as f:
            f.write(text + "\n")
        print("%s\n\n%s\n" % (name, text))
        if args.update:
            update(TEXT, "promises: %s" % name, text)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("\ninterrupted; the same command goes on")
