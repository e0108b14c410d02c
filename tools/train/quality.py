#!/usr/bin/env python3
"""NDCG@10 of a stemmed BM25, of a model, and of their sum, on the sets of docs/studies/results.md.

usage: quality.py GRATING MODEL RANKING_DIR OUT [--sets a,b] [--part test] [--limit 60]
                  [--depth 50] [--weights 0,0.1,0.2] [--arithmetic f32]
                  [--encoders MINILM_DIR[,MPNET_DIR] --vocabulary VOCAB]
                  [--early 0.95,0.99] [--table OUT.md]
The first stage is that of `grating eval`: FTS5 of SQLite with Porter's stemmer, k1 1.2, b 0.75,
all words of a query.  The model ranks its first candidates.  Gains are the grades, the ideal
order is that of all judgements.  Of msmarco, wikiqa, locomo and xquad-de all queries count, of
cosqa the test part as published, of the others the part of tools/reference/jobs.py; queries
are taken at equal distances.  --weights adds rows `logit + w x BM25`, BM25 in units of its
standard deviation over the candidates; --encoders adds the cosine of these, and of their mean
with 0.5 BM25, standardised over the candidates.
--early adds rankings of K = 10 with policy bound of these precisions, and says which share of
layers x candidates they computed; the model's profile is needed.  --table puts what came out
between two marks of a page.
OUT/SET.json keeps logits and all scores, so that a second call only counts (another model wants
another OUT); intervals and p
are those of measure.py, paired with BM25.
"""
import argparse
import json
import os
import sqlite3
import subprocess
import sys

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "reference")]
import jobs  # noqa: E402
import measure  # noqa: E402
from bm25 import terms  # noqa: E402

SETS = ("msmarco", "wikiqa", "locomo", "cosqa", "xquad-de", "xquad-en", "selqa", "qed", "tldr",
        "covid-qa")
FOLDERS = {"xquad-en": "xquad", "xquad-de": "xquad"}
WHOLE = ("msmarco", "wikiqa", "locomo", "xquad-de", "cosqa")


class Stemmed:
    """The index of `grating eval`."""

    def __init__(self, texts):
        self.base = sqlite3.connect(":memory:")
        self.base.execute("CREATE VIRTUAL TABLE t USING fts5(text, content='', "
                          "tokenize='porter unicode61')")
        self.base.executemany("INSERT INTO t(rowid, text) VALUES (?, ?)",
                              enumerate(texts))

    def search(self, query, top):
        """[(index, score)], best first."""
        words = " OR ".join('"%s"' % word for word in dict.fromkeys(terms(query)))
        if not words:
            return []
        rows = self.base.execute("SELECT rowid, bm25(t) FROM t WHERE t MATCH ? "
                                 "ORDER BY bm25(t), rowid LIMIT ?", (words, top))
        return [(i, -score) for i, score in rows]


def candidates(name, args):
    """[{"id", "query", "texts", "bm25", "grades", "ideal"}] of a set."""
    out = []
    folder = os.path.join(args.ranking, FOLDERS.get(name, name))
    for collection in jobs.READERS[name](folder):
        queries = collection.queries
        if name not in WHOLE:
            queries = [query for query, part in zip(queries, collection.parts())
                       if part == args.part]
        index, place = Stemmed(collection.texts), collection.ids
        # locomo has ten collections: the limit is cut from all of them below
        for query, text, grades in jobs.spread(queries, args.limit):
            found = index.search(text, args.depth)
            ideal = sorted((max(0, g) for g in grades.values()), reverse=True)
            if len(found) >= 2 and ideal and ideal[0] > 0:
                out.append({"id": query, "query": text, "bm25": [s for _, s in found],
                            "texts": [collection.texts[i] for i, _ in found],
                            "grades": [max(0, grades.get(place[i], 0)) for i, _ in found],
                            "ideal": ideal})
    return jobs.spread(out, args.limit)


def rank(rows, args, *options):
    """What `grating rank --json` says about each row."""
    lines = "".join(json.dumps({"query": row["query"], "documents": row["texts"]}) + "\n"
                    for row in rows)
    command = [args.grating, "rank", "--json", "--arithmetic", args.arithmetic,
               "--no-progress", "--model", args.model, "--queries", "-", *options]
    done = subprocess.run(command, check=True, input=lines, stdout=subprocess.PIPE, text=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def add_logits(rows, args):
    for row, told in zip(rows, rank(rows, args, "--all", "--policy", "none"), strict=True):
        found = sorted(told["results"], key=lambda item: item["index"])
        row["logits"] = [item["logit"] for item in found]


def add_early(rows, args, precision):
    """Places of the candidates, and what was computed."""
    told = rank(rows, args, "--policy", "bound", "--precision", precision, "-k", "10")
    for row, one in zip(rows, told, strict=True):
        scores, stats = [-len(row["texts"])] * len(row["texts"]), one["stats"]
        for place, item in enumerate(one["results"]):
            scores[item["index"]] = -place
        row.setdefault("early", {})[precision] = {
            "scores": scores,
            "computed": stats["candidates_x_layers"] / stats["full_candidates_x_layers"]}


def add_cosines(rows, args):
    import encoders
    from wordpiece import WordPiece
    tokenizer = WordPiece.open(args.vocabulary)
    texts = list(dict.fromkeys(t for row in rows for t in row["texts"]))
    place = {text: i for i, text in enumerate(texts)}
    for folder in args.encoders.split(","):
        encoder = encoders.Encoder(folder)
        documents = encoder.vectors([tokenizer.encode(t) for t in texts])
        queries = encoder.vectors([tokenizer.encode(row["query"]) for row in rows])
        for row, query in zip(rows, queries):
            near = documents[[place[t] for t in row["texts"]]] @ query
            row.setdefault("cosines", {})[encoder.kind] = [float(x) for x in near]


def ndcg(row, scores, k=10):
    order = np.argsort(-np.asarray(scores), kind="stable")[:k]
    gains = np.asarray(row["grades"], float)[order]
    ideal = np.asarray(row["ideal"][:k], float)
    return float((gains / np.log2(np.arange(len(gains)) + 2)).sum()
                 / (ideal / np.log2(np.arange(len(ideal)) + 2)).sum())


def standard(values):
    values = np.asarray(values, float)
    return (values - values.mean()) / (values.std() + 1e-6)


def orders(row, weights):
    """{name: scores} of what is compared."""
    out = {"model": row["logits"]}
    words = standard(row["bm25"])
    for w in weights:
        out["model + %g BM25" % w] = np.asarray(row["logits"]) + w * words
    for precision, early in row.get("early", {}).items():
        out["early, %s" % precision] = early["scores"]
    near = {kind: standard(values) for kind, values in row.get("cosines", {}).items()}
    out.update({"cosine, " + kind: values for kind, values in near.items()})
    if near:
        mean = standard(sum(near.values()))
        out["cosines + 0.5 BM25"] = mean + 0.5 * words
    return out


def overlap(a, b, k=10):
    first, second = (set(np.argsort(-np.asarray(s), kind="stable")[:k]) for s in (a, b))
    return len(first & second) / len(first)


def report(name, rows, weights):
    given = [ndcg(row, row["bm25"]) for row in rows]
    found = {}
    for key in orders(rows[0], weights):
        after = [ndcg(row, orders(row, weights)[key]) for row in rows]
        found[key] = measure.summary(np.array([given, after]).T)
        apart = np.array(after) - given
        found[key]["wins_ties_losses"] = [int((apart > 1e-9).sum()),
                                          int((abs(apart) <= 1e-9).sum()),
                                          int((apart < -1e-9).sum())]
        if key.startswith("early"):
            early = [r["early"][key.split(", ")[1]] for r in rows]
            found[key]["computed"] = float(np.mean([e["computed"] for e in early]))
            found[key]["overlap"] = float(np.mean(
                [overlap(e["scores"], r["logits"]) for e, r in zip(early, rows)]))
        row = found[key]
        print("%-9s %4d  BM25 %.3f  %-22s %.3f  %+.3f (%+.3f to %+.3f)  %d/%d/%d" % (
            name, row["queries"], row["bm25"], key, row["model"], row["gain"],
            *row["gain_interval"], *row["wins_ties_losses"]), flush=True)
    return found


def complete(name, path, args):
    """The rows of a set with all that is asked for; what the file has is not computed again."""
    rows = []
    if os.path.exists(path):
        with open(path, encoding="utf-8") as f:
            rows = json.load(f)
    before = json.dumps(rows)
    rows = rows or candidates(name, args)
    if "cosines" not in rows[0] and args.encoders:
        add_cosines(rows, args)
    if "logits" not in rows[0]:
        add_logits(rows, args)
    for precision in filter(None, args.early.split(",")):
        if precision not in rows[0].get("early", {}):
            add_early(rows, args, precision)
    if json.dumps(rows) != before:
        with open(path + ".part", "w", encoding="utf-8") as f:
            json.dump(rows, f)
        os.replace(path + ".part", path)
    return rows


BEGIN, END = "<!-- quality: begin -->", "<!-- quality: end -->"


def table(found, weights):
    """Rows of a Markdown table: one for each set."""
    first = next(iter(found.values()))
    cosines = [key for key in first if key.startswith("cosine")]
    sums = ["model + %g BM25" % w for w in weights]
    early = [key for key in first if key.startswith("early")]
    head = (["set", "queries", "BM25"] + cosines + ["model", "less BM25", "wins, ties, losses"]
            + sums + ["%s: NDCG, overlap, computed" % key for key in early])
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for name, row in found.items():
        model = row["model"]
        cells = [name, "%d" % model["queries"], "%.3f" % model["bm25"]]
        cells += ["%.3f" % row[key]["model"] for key in cosines]
        cells += ["%.3f" % model["model"],
                  "%+.3f (%+.3f to %+.3f)" % (model["gain"], *model["gain_interval"]),
                  "%d, %d, %d" % tuple(model["wins_ties_losses"])]
        cells += ["%.3f" % row[key]["model"] for key in sums]
        cells += ["%.3f, %.3f, %.0f %%" % (row[key]["model"], row[key]["overlap"],
                                           100 * row[key]["computed"]) for key in early]
        yield "| " + " | ".join(cells) + " |"


def write_table(path, found, weights):
    """Between two marks of the page, the rest of which stays."""
    with open(path, encoding="utf-8") as f:
        page = f.read()
    before, rest = page.split(BEGIN)
    after = rest.split(END)[1]
    with open(path + ".part", "w", encoding="utf-8") as f:
        f.write("\n".join([before + BEGIN, "", *table(found, weights), "", END]) + after)
    os.replace(path + ".part", path)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("grating")
    parser.add_argument("model")
    parser.add_argument("ranking")
    parser.add_argument("out")
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--part", default="test", choices=("test", "dev"))
    parser.add_argument("--limit", type=int, default=60)
    parser.add_argument("--depth", type=int, default=50)
    parser.add_argument("--weights", default="")
    parser.add_argument("--early", default="")
    parser.add_argument("--table")
    parser.add_argument("--arithmetic", default="f32")
    parser.add_argument("--encoders", default="")
    parser.add_argument("--vocabulary")
    args = parser.parse_args()
    os.makedirs(args.out, exist_ok=True)
    weights = [float(w) for w in args.weights.split(",") if w]
    found = {}
    for name in args.sets.split(","):
        path = os.path.join(args.out, name + ".json")
        rows = complete(name, path, args)
        found[name] = report(name, rows, weights)
    with open(os.path.join(args.out, "report.json"), "w", encoding="utf-8") as f:
        json.dump({"depth": args.depth, "metric": "NDCG@10", "sets": found}, f, indent=1)
        f.write("\n")
    if args.table:
        write_table(args.table, found, weights)


if __name__ == "__main__":
    main()
