#!/usr/bin/env python3
"""What an arithmetic does to logits and to rankings, measured with the command itself.

usage: arithmetic.py GRATING JOBS.jsonl [-m MODEL] [--limit N] [--of f32]
Ranks the jobs in full in each arithmetic and prints, against the one named by --of: the
largest and the mean square difference of a logit, and for K = 1, 5, 10 the share of
queries whose K best are the same set, and the mean share of the K best that are.  Queries
with no more than K documents are left out there.  GRT_ISA caps the instructions.
"""
import argparse
import json
import math
import statistics
import subprocess
import sys
import tempfile

ARITHMETICS = ("f32", "bf16", "int8")


def rank(args, jobs_path, arithmetic):
    command = [args.grating, "rank", "--queries", jobs_path, "--json", "--all", "--no-progress",
               "--stats", "--policy", "none", "--arithmetic", arithmetic]
    if args.model:
        command += ["-m", args.model]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    results = [json.loads(line) for line in done.stdout.splitlines()]
    used = results[0]["stats"]["arithmetic"]
    return None if used != arithmetic else results


def logits(result):
    return {item["index"]: item["logit"] for item in result["results"]}


def differences(exact, results):
    for a, b in zip(exact, results):
        wanted, found = logits(a), logits(b)
        yield from (found[i] - wanted[i] for i in wanted)


def shared(exact, results, k):
    """The share of the K best that is the same, of each query with more than K documents."""
    for a, b in zip(exact, results):
        if len(a["results"]) > k:
            wanted = {item["index"] for item in a["results"][:k]}
            yield len(wanted & {item["index"] for item in b["results"][:k]}) / k


def report(exact, results, arithmetic):
    off = list(differences(exact, results))
    root = math.sqrt(statistics.fmean(d * d for d in off))
    line = f"{arithmetic:<5} {max(map(abs, off)):>9.1e} {root:>9.1e}"
    for k in (1, 5, 10):
        shares = list(shared(exact, results, k))
        if not shares:
            line += "        -      -"
            continue
        line += f"   {statistics.fmean(s == 1 for s in shares):.4f} {statistics.fmean(shares):.4f}"
    print(line)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("grating")
    parser.add_argument("jobs")
    parser.add_argument("-m", "--model")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--of", default="f32", choices=ARITHMETICS)
    args = parser.parse_args()
    with open(args.jobs, encoding="utf-8") as file:
        lines = file.readlines()[:args.limit]
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as jobs:
        jobs.writelines(lines)
        jobs.flush()
        exact = rank(args, jobs.name, args.of)
        if exact is None:
            sys.exit(f"this CPU does not compute in {args.of}")
        print(f"{len(exact)} queries; same: share of queries with the same set, then of documents")
        print("        largest      root   K = 1              5               10")
        for arithmetic in ARITHMETICS:
            if arithmetic == args.of:
                continue
            results = rank(args, jobs.name, arithmetic)
            if results is None:
                print(f"{arithmetic}: not on this CPU")
            else:
                report(exact, results, arithmetic)


if __name__ == "__main__":
    main()
