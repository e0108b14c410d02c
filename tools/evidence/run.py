#!/usr/bin/env python3
"""Measures everything that docs/studies/results-tables.md shows, and writes its tables and pictures.

usage: run.py GRATING OUT --data FOLDER [--models MODEL...] [--queries 100] [--quick]
              [--part test] [--commit NAME] [--update]
GRATING is the command, FOLDER has the public data sets (msmarco, wikiqa, ...), MODEL is what
"grating rank -m" takes; by default all folders of models/.  Writes OUT/results-tables.md,
OUT/results/*.svg and OUT/evidence.json with every number; --update puts the first two into
docs/studies, too.  Of sets that training reads, only queries of the test part are taken, or those
of --part; "all" for a model that was trained on all of them.  --commit names what GRATING was
built from, where it is not the tree of this script.  The text around the tables is that of
docs/studies/results-tables.md.  --quick takes few queries: for looking whether all works, not for believing.
What was measured stays in OUT/steps, and is measured again only when program, model or
settings have changed: after an interruption the same command goes on.
"""
import argparse
import datetime
import glob
import json
import os
import platform
import shutil
import subprocess
import sys

import datasets
import measure
import report
import steps

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
TEXT = os.path.join(ROOT, "docs", "studies", "results-tables.md")
QUERIES, QUICK = 100, 6
PART = 3  # of them for gamma and for sensitivity, which take many passes
PICTURED_SET, PICTURED_QUERY = "msmarco", 0


def seen_by(name):
    with open(os.path.join(HERE, "seen.json"), encoding="utf-8") as f:
        return json.load(f).get(name)


def measure_model(bench, limits):
    """Everything about one model."""
    queries, order_queries, sweep_queries = limits
    bench.digest = steps.digest_model(bench.model)
    found = {"name": bench.name, "seen": seen_by(bench.name), "part": bench.part}
    found["quality"] = {n: measure.quality(bench, n, datasets.limit_of(n, queries))
                        for n in datasets.SETS}
    found["exact"] = {n: measure.exact(bench, n, datasets.limit_of(n, queries))
                      for n in datasets.SETS}
    has_profile = any(v["profile"] for v in found["quality"].values())
    found["order"] = {n: measure.order(bench, n, order_queries, has_profile)
                      for n in datasets.SETS}
    n_layers = next(iter(found["order"].values()))["n_layers"]
    for name, sets, sweep in (("candidates", measure.SWEPT_SETS, measure.candidates),
                              ("wanted", measure.SWEPT_SETS, measure.wanted),
                              ("lengths", measure.LONG_SETS, measure.lengths)):
        found[name] = {n: sweep(bench, n, sweep_queries) for n in sets}
    found["refitted"] = {n: measure.refitted(bench, n, datasets.limit_of(n, queries))
                         for n in datasets.FITTED_SETS}
    found["dispersion"] = {n: measure.dispersion(bench, n, sweep_queries, n_layers)
                           for n in measure.SWEPT_SETS}
    found["has_profile"] = has_profile
    return found


def draw(bench, found, limit, pictures):
    found["pictures"] = measure.pictures(bench, PICTURED_SET, limit, PICTURED_QUERY, pictures,
                                         found["has_profile"])
    report.write_pictures(found, pictures)


# ---- Where it ran ----

def output_of(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                          cwd=ROOT)
    return done.stdout.strip() if done.returncode == 0 else ""


def cpu_name():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as f:
            for line in f:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def describe_run(args, limits, seconds):
    commit = args.commit or output_of(["git", "describe", "--always", "--dirty", "--abbrev=10"])
    doctor = output_of([args.grating, "doctor"]).splitlines()
    features = [line.split(None, 2)[2] for line in doctor if line.startswith("CPU features")]
    return {
        "grating": output_of([args.grating, "--version"]),
        "commit": commit or "unknown",
        "machine": "%s, %d CPUs, %s" % (cpu_name(), len(os.sched_getaffinity(0)),
                                       platform.system()),
        "CPU features": features[0] if features else "unknown",
        "date": datetime.date.today().isoformat(),
        "queries": "at most %d of a set, fewer where documents are long; "
                   "%d for gamma, %d for sensitivity" % limits,
        "part": "%s, of sets that training reads" % (args.part or "all queries"),
        "measured in": "%.0f minutes" % (seconds / 60),
    }


# ---- Command line ----

def parse():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("grating")
    parser.add_argument("out")
    parser.add_argument("--data", required=True)
    parser.add_argument("--models", nargs="+")
    parser.add_argument("--queries", type=int, default=QUERIES)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--part", choices=("test", "dev", "train", "all"), default="test")
    parser.add_argument("--commit")
    parser.add_argument("--update", action="store_true")
    args = parser.parse_args()
    args.grating = os.path.abspath(args.grating)
    args.part = None if args.part == "all" else args.part
    args.models = args.models or sorted(
        os.path.dirname(path) for path in glob.glob(os.path.join(ROOT, "models", "*", "config.json")))
    missing = [path for path in [args.grating, args.data] + args.models
               if not os.path.exists(path)]
    missing += [folder for folder in (os.path.join(args.data, datasets.folder_of(n))
                                      for n in (*datasets.SETS, *datasets.LONG_SETS))
                if os.path.exists(args.data) and not os.path.isdir(folder)]
    if missing:
        parser.error("not there: %s" % ", ".join(sorted(set(missing))))
    if args.queries < 2:
        parser.error("--queries: at least 2")
    return args


def write_results(args, text, found):
    path = os.path.join(args.out, os.path.basename(TEXT))
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    steps.save(os.path.join(args.out, "evidence.json"), found)
    print("%s and %s/evidence.json written" % (path, args.out))
    if args.update:
        target = os.path.join(os.path.dirname(TEXT), "results")
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(os.path.join(args.out, "results"), target)
        shutil.copyfile(path, TEXT)
        print("%s brought up to date" % TEXT)


def main():
    args = parse()
    queries = QUICK if args.quick else args.queries
    limits = (queries, max(2, queries // PART), max(2, queries // PART))
    with open(TEXT, encoding="utf-8") as f:
        text = f.read()
    pictures, root = os.path.join(args.out, "results"), os.path.join(args.out, "data")
    shutil.rmtree(pictures, ignore_errors=True)
    os.makedirs(pictures)
    kept = steps.Steps(args.out, args.grating)
    models = []
    for model in args.models:
        bench = measure.Bench(kept, model, args.data, root, args.part)
        models.append(measure_model(bench, limits))
        draw(bench, models[-1], limits[0], pictures)
    descriptions = {n: datasets.describe(datasets.prepare(
        n, args.data, root, datasets.limit_of(n, limits[0]) if n in datasets.SETS else limits[2],
        args.part))
        for n in (*datasets.SETS, *datasets.LONG_SETS)}
    run = describe_run(args, limits, kept.seconds)
    filled = report.fill(text, report.blocks(run, descriptions, models))
    write_results(args, filled, {"run": run, "sets": descriptions, "models": models})


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("\ninterrupted; the same command goes on")
