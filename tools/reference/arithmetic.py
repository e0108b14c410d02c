#!/usr/bin/env python3
"""What an arithmetic does to logits and to rankings, measured with the command itself.

usage: arithmetic.py GRATING JOBS.jsonl... [-m MODEL]... [--limit N] [--of f32]
Ranks the jobs in full in each arithmetic, and in f32 with hidden states in bf16, and prints
for each model and file, and for all files together, against the arithmetic named by --of: the
largest and the mean size of a logit's difference, by what share of their size the differences
of two logits of one query move (root mean squares), and for K = 1, 5, 10 the mean share of the
K best that stays.  Queries with no more than K documents are left out there.  GRT_ISA caps the
instructions.
"""
import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile

ARITHMETICS = ("f32", "bf16", "int8")
WAYS = {**{name: ["--arithmetic", name] for name in ARITHMETICS},
        "hidden bf16": ["--arithmetic", "f32", "--hidden", "bf16"]}
KS = (1, 5, 10)


def rank(args, model, jobs_path, way):
    command = [args.grating, "rank", "--queries", jobs_path, "--json", "--all", "--no-progress",
               "--stats", "--policy", "none", *WAYS[way]]
    if model:
        command += ["-m", model]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    results = [json.loads(line) for line in done.stdout.splitlines()]
    used = results[0]["stats"]["arithmetic"]
    return None if way in ARITHMETICS and used != way else results


def logits(result):
    """By document, in the order of the request."""
    return [x for _, x in sorted((item["index"], item["logit"]) for item in result["results"])]


def compare(exact, results):
    """For each query: wanted logits, found ones, and shares of the K best that stay."""
    for a, b in zip(exact, results):
        shares = {}
        for k in KS:
            if len(a["results"]) > k:
                best = [{item["index"] for item in x["results"][:k]} for x in (a, b)]
                shares[k] = len(best[0] & best[1]) / k
        yield logits(a), logits(b), shares


def spread(queries):
    """Sum of squares around each query's mean."""
    return sum((x - statistics.fmean(values)) ** 2 for values in queries for x in values)


def report(name, way, compared):
    off = [[y - x for x, y in zip(wanted, found)] for wanted, found, _ in compared]
    sizes = [abs(x) for query in off for x in query]
    share = math.sqrt(spread(off) / spread(wanted for wanted, _, _ in compared))
    line = f"{name:<12} {way:<11} {max(sizes):8.3f} {statistics.fmean(sizes):8.4f} {share:7.3f}  "
    for k in KS:
        kept = [shares[k] for _, _, shares in compared if k in shares]
        line += f" {statistics.fmean(kept):7.4f}" if kept else "       -"
    print(line, flush=True)


def measure(args, model):
    ways = [way for way in WAYS if way != args.of]
    found = {way: [] for way in ways}
    print(f"{model or 'the bundled model'}: differences from {args.of}\n"
          "set          in           largest     mean   share   K = 1       5      10")
    for path in args.jobs:
        name = os.path.splitext(os.path.basename(path))[0]
        with open(path, encoding="utf-8") as file:
            lines = file.readlines()[:args.limit]
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as jobs:
            jobs.writelines(lines)
            jobs.flush()
            exact = rank(args, model, jobs.name, args.of)
            if exact is None:
                sys.exit(f"this CPU does not compute in {args.of}")
            for way in ways:
                results = rank(args, model, jobs.name, way)
                if results is None:
                    continue
                compared = list(compare(exact, results))
                report(name, way, compared)
                found[way] += compared
    for way, compared in found.items():
        if not compared:
            print(f"{way}: not on this CPU")
        elif len(args.jobs) > 1:
            report("all", way, compared)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("grating")
    parser.add_argument("jobs", nargs="+")
    parser.add_argument("-m", "--model", action="append")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--of", default="f32", choices=ARITHMETICS)
    args = parser.parse_args()
    for model in args.model or [None]:
        measure(args, model)


if __name__ == "__main__":
    main()
