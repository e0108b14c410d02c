#!/usr/bin/env python3
"""First stage for ranking experiments: BM25 over a BEIR folder.

usage: bm25.py BEIR_DIR OUT.jsonl [--top 50] [--k1 0.9] [--b 0.4]
Writes one line per judged query: {"id", "query", "documents": [{"id", "text"}, ...]}, best
first.  Terms are lower-cased runs of letters and digits; the weight is that of Robertson
and Zaragoza (2009), with ln(1 + (N - df + 0.5) / (df + 0.5)) as idf.  Ties: corpus order.
"""
import argparse
import collections
import json
import math
import os
import re


def terms(text):
    return re.findall(r"[^\W_]+", text.lower())


def read_jsonl(path):
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f if line.strip()]


def read_judged(path):
    with open(path, encoding="utf-8") as f:
        rows = [line.rstrip("\n").split("\t") for line in f if line.strip()]
    return {row[0] for row in rows if row[-1].lstrip("-").isdigit()}


class Index:
    def __init__(self, texts, k1, b):
        self.k1, self.b = k1, b
        bags = [collections.Counter(terms(text)) for text in texts]
        self.lengths = [sum(bag.values()) for bag in bags]
        self.mean = sum(self.lengths) / max(1, len(bags))
        self.postings = collections.defaultdict(list)
        for number, bag in enumerate(bags):
            for term, count in bag.items():
                self.postings[term].append((number, count))

    def scores(self, query):
        """{number: score} of the texts that share a term with the query."""
        n, scores = len(self.lengths), collections.Counter()
        for term in terms(query):
            found = self.postings.get(term, [])
            idf = math.log(1.0 + (n - len(found) + 0.5) / (len(found) + 0.5))
            for number, count in found:
                norm = self.k1 * (1.0 - self.b + self.b * self.lengths[number] / self.mean)
                scores[number] += idf * count * (self.k1 + 1.0) / (count + norm)
        return scores

    def search(self, query, top):
        scores = self.scores(query)
        return sorted(scores, key=lambda number: (-scores[number], number))[:top]


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("out")
    parser.add_argument("--top", type=int, default=50)
    parser.add_argument("--k1", type=float, default=0.9)
    parser.add_argument("--b", type=float, default=0.4)
    args = parser.parse_args()
    corpus = read_jsonl(os.path.join(args.folder, "corpus.jsonl"))
    judged = read_judged(os.path.join(args.folder, "qrels", "test.tsv"))
    index = Index([(d.get("title", "") + " " + d["text"]) for d in corpus], args.k1, args.b)
    with open(args.out, "w", encoding="utf-8") as out:
        for query in read_jsonl(os.path.join(args.folder, "queries.jsonl")):
            if query["_id"] not in judged:
                continue
            found = index.search(query["text"], args.top)
            documents = [{"id": corpus[i]["_id"], "text": corpus[i]["text"]} for i in found]
            job = {"id": query["_id"], "query": query["text"], "documents": documents}
            out.write(json.dumps(job, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
