#!/usr/bin/env python3
"""Compares public checkpoints with their published scores.

usage: check_published.py GRATING DIR [--table FILE]

Looks below DIR for checkpoints (directories with config.json, GGUF files) whose path has the name
of a model in published.jsonl, ranks with them in f32, and prints what was found, what is missing,
and how far logits are from those published. Exit status: 0 all agree, 1 one differs or cannot be
read, or none was found.

A line of the table: model, name (a regular expression for the path in lower case), query,
documents, logits (or scores_of_logistic, probabilities), tolerance, source; or scores, a file in
the checkpoint's directory with lines of query, documents and logits."""
import argparse
import json
import math
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
DEPTH = 6  # folders below DIR: the cache of Hugging Face has models--A--B/snapshots/HASH
# What storage adds to a tolerance; the published scores are of F32 or F16 weights.
ROUNDING = {"F32": 0.0, "F16": 0.02, "BF16": 0.1, "Q8_0": 0.15}
ROUNDING_OF_OTHERS = 1.0


def read_table(path):
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f if line.strip()]


def find_checkpoints(folder):
    """Paths of everything below folder that may be a checkpoint."""
    top = os.path.abspath(folder)
    for at, folders, files in os.walk(top):
        if at[len(top):].count(os.sep) >= DEPTH:
            folders.clear()
        folders.sort()
        if "config.json" in files and any(f.endswith(".safetensors") for f in files):
            yield at
        for name in sorted(files):
            part = re.search(r"-(\d{5})-of-\d{5}\.gguf$", name)
            if name.endswith(".gguf") and (not part or int(part[1]) == 1):
                yield os.path.join(at, name)


def jobs_of(row, checkpoint):
    """(query, documents, logits) of a line of the table."""
    if "scores" in row:
        folder = checkpoint if os.path.isdir(checkpoint) else os.path.dirname(checkpoint)
        for job in read_table(os.path.join(folder, row["scores"])):
            yield job["query"], job["documents"], job["logits"]
        return
    logits = row.get("logits")
    if logits is None:
        logits = [math.log(p / (1 - p)) for p in row["scores_of_logistic"]]
    yield row["query"], row["documents"], logits


def run(command, stdin=None):
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        message = done.stderr.strip().splitlines() or ["it failed without a message"]
        raise RuntimeError(message[-1])
    return done.stdout


def storage_of(grating, checkpoint):
    """The storage type of most bytes."""
    storage = json.loads(run([grating, "inspect", checkpoint, "--json"]))["storage"]
    return max(storage, key=lambda entry: entry["bytes"])["dtype"]


def logits_of(grating, checkpoint, jobs):
    lines = "".join(json.dumps({"query": q, "documents": d}) + "\n" for q, d, _ in jobs)
    out = run([grating, "rank", "--model", checkpoint, "--queries", "-", "--all", "--json",
               "--policy", "none", "--arithmetic", "f32", "--no-progress"], lines)
    for line in out.splitlines():
        results = sorted(json.loads(line)["results"], key=lambda item: item["index"])
        yield [item["logit"] for item in results]


def compare(grating, row, checkpoint):
    """(largest difference, tolerance, storage type)."""
    jobs = list(jobs_of(row, checkpoint))
    worst, n_compared = 0.0, 0
    for (_, _, wanted), found in zip(jobs, logits_of(grating, checkpoint, jobs)):
        if len(found) != len(wanted):
            raise RuntimeError("%d logits for %d documents" % (len(found), len(wanted)))
        worst = max([worst] + [abs(a - b) for a, b in zip(found, wanted)])
        n_compared += len(found)
    if n_compared != sum(len(wanted) for _, _, wanted in jobs):
        raise RuntimeError("only %d documents were ranked" % n_compared)
    storage = storage_of(grating, checkpoint)
    rounding = ROUNDING.get(storage, ROUNDING_OF_OTHERS)
    return worst, row["tolerance"] + (0.0 if "scores" in row else rounding), storage


def line(verdict, model, storage="", difference="", tolerance="", where=""):
    print("%-8s %-36s %-5s %10s %10s  %s" % (verdict, model, storage, difference, tolerance,
                                            where))


def check(grating, row, checkpoint, folder):
    where = os.path.relpath(checkpoint, folder)
    try:
        worst, tolerance, storage = compare(grating, row, checkpoint)
    except (RuntimeError, OSError, ValueError, KeyError) as error:
        line("FAILED", row["model"], where="%s: %s" % (where, error))
        return False
    is_close = worst <= tolerance  # a NaN is not
    line("agrees" if is_close else "DIFFERS", row["model"], storage, "%.2g" % worst,
         "%.2g" % tolerance, where)
    return is_close


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("grating")
    parser.add_argument("folder", metavar="DIR")
    parser.add_argument("--table", default=os.path.join(HERE, "published.jsonl"))
    args = parser.parse_args()
    if not os.path.isdir(args.folder):
        parser.error("%s is not a directory" % args.folder)
    checkpoints = list(find_checkpoints(args.folder))
    top = os.path.basename(os.path.abspath(args.folder))
    n_found, all_agree, missing = 0, True, []
    line("", "model", "", "difference", "tolerance", "checkpoint")
    for row in read_table(args.table):
        found = [path for path in checkpoints if re.search(
            row["name"], os.path.join(top, os.path.relpath(path, args.folder)).lower())]
        n_found += len(found)
        for path in found:
            all_agree &= check(args.grating, row, path, args.folder)
        if not found and row["model"] not in missing:
            missing.append(row["model"])
            line("missing", row["model"])
    if n_found == 0:
        print("none of these models is in %s" % args.folder, file=sys.stderr)
    return 0 if n_found and all_agree else 1


if __name__ == "__main__":
    sys.exit(main())
