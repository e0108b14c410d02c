#!/usr/bin/env python3
"""The study of readouts for one model: samples of full passes, then all tables.

usage: run.py GRATING OUT --model DIR --name NAME --data FOLDER [--queries 200]
              [--sets A,B,...] [--tables A,B,...] [--part test] [--arithmetic bf16]
              [--rung OUT2 --rung-model DIR2] [--limit N] [--commit NAME] [--update]
GRATING is the command, DIR a model with config.json and safetensors, FOLDER has the public
data sets (msmarco, wikiqa, ...).  Into OUT go queries, samples (grating calibrate --samples),
what tables share, and OUT/TABLE.md; what is there is kept, so that the same command goes on
after an interruption, and other settings need another folder.  Of sets that training reads,
only queries of the test part are taken, or those of --part; "all" for all of them.  --limit
uses the first N samples of each set.  --rung names the folder of another model's run with the
same queries: it becomes the first rung of a ladder, table `rung`.  --update puts each table
between its marks in docs/studies/readouts-tables.md, <!-- readouts: NAME TABLE --> and <!-- end -->; --name
is by default DIR's last part.
"""
import argparse
import datetime
import json
import os
import re
import resource
import subprocess
import sys
import time

import samples  # noqa: F401 - the places of the modules of other folders
import check
import datasets
import safetensors_io
import sets
import tables
from report import table
from study import Study

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TEXT = os.path.join(ROOT, "docs", "studies", "readouts-tables.md")
NAMES = ("run", *tables.ALL, "rung", "check")
LAYER = re.compile(r"\blayers?\.\d+\.")


def hidden_size(model):
    with open(os.path.join(model, "config.json"), encoding="utf-8") as f:
        return json.load(f)["hidden_size"]


def layer_weights(model):
    """What a token multiplies with in a pass, to tell what one model costs beside another."""
    return sum(w.size for f in sorted(os.listdir(model))
               if f.endswith(".safetensors") and not f.endswith(".profile.safetensors")
               for name, w in safetensors_io.read(os.path.join(model, f)).items()
               if LAYER.search(name))


# ---- Where it ran ----

def cpu_minutes():
    return sum(used.ru_utime + used.ru_stime for used in
               map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))) / 60


def commit_of(args):
    done = subprocess.run(["git", "describe", "--always", "--dirty", "--abbrev=10"], cwd=ROOT,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return args.commit or done.stdout.strip() or "unknown"


def describe_run(args, study):
    counts = ["%s %d" % (item.name, len(item.counts)) for item in study.items]
    return table(("", ""), [
        ("model", "%s, %d layers of %d, %d pools" % (args.name, study.n_layers,
                                                     hidden_size(args.model), study.n_pools)),
        ("queries", ", ".join(counts)),
        ("part", "%s, of sets that training reads" % args.part),
        ("candidates", "%.1f a query" % (sum(item.counts.sum() for item in study.items) /
                                         sum(len(item.counts) for item in study.items))),
        ("arithmetic", args.arithmetic or "as the machine has it"),
        ("commit", commit_of(args)), ("date", datetime.date.today().isoformat())])


# ---- Tables ----

def make_tables(args, maker, study):
    """Yields (name, text)."""
    for name in args.tables:
        started = cpu_minutes(), time.monotonic()
        print("%s ..." % name, end=" ", flush=True, file=sys.stderr)
        if name == "run":
            text = describe_run(args, study)
        elif name == "check":
            text = "\n\n".join(check.agreement(study, maker, item) for item in study.items[:1])
        elif name == "rung":
            other = {item.name: sets.Set(args.rung, item.name, args.limit) for item in study.items}
            text = tables.rung(study, other, os.path.basename(args.rung_model.rstrip("/")),
                               layer_weights(args.rung_model) / layer_weights(args.model))
        else:
            text = tables.ALL[name](study)
        print("%.1f CPU minutes, %.0f s" % (cpu_minutes() - started[0],
                                            time.monotonic() - started[1]), file=sys.stderr)
        yield name, text


def fill(text, model, found):
    """The text with the model's tables replaced; each must have its place, and one only."""
    for name, rows in found.items():
        place = re.compile(r"(<!-- readouts: %s %s -->\n).*?(<!-- end -->)" % (
            re.escape(model), name), re.S)
        text, n = place.subn(lambda m: "%s\n%s\n\n%s" % (m[1], rows, m[2]), text)
        if n != 1:
            raise SystemExit("the text has %d places \"readouts: %s %s\"" % (n, model, name))
    return text


def check_places(name, wanted):
    """Before hours of work: whether the text has a place for each table."""
    with open(TEXT, encoding="utf-8") as f:
        fill(f.read(), name, dict.fromkeys(wanted, ""))


def update(name, found):
    with open(TEXT, encoding="utf-8") as f:
        text = fill(f.read(), name, found)
    with open(TEXT, "w", encoding="utf-8") as f:
        f.write(text)
    print("%s brought up to date" % TEXT)


# ---- Command line ----

def listed(text, allowed, option, parser):
    found = text.split(",") if text else list(allowed)
    unknown = [name for name in found if name not in allowed]
    if unknown:
        parser.error("%s: unknown: %s; there are %s" % (option, ", ".join(unknown),
                                                        ", ".join(allowed)))
    return found


def parse():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("grating")
    parser.add_argument("out")
    parser.add_argument("--model", required=True)
    parser.add_argument("--name")
    parser.add_argument("--data", required=True)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--sets")
    parser.add_argument("--tables")
    parser.add_argument("--part", choices=("test", "dev", "train", "all"), default="test")
    parser.add_argument("--arithmetic", choices=("f32", "bf16"))
    parser.add_argument("--rung")
    parser.add_argument("--rung-model")
    parser.add_argument("--commit")
    parser.add_argument("--update", action="store_true")
    args = parser.parse_args()
    args.grating = os.path.abspath(args.grating)
    args.name = args.name or os.path.basename(os.path.abspath(args.model))
    args.sets = listed(args.sets, sets.NAMES, "--sets", parser)
    args.tables = [name for name in listed(args.tables, NAMES, "--tables", parser)
                   if name != "rung" or args.rung]
    if len(args.sets) < 3:
        parser.error("--sets: at least 3, or nothing tells domains apart")
    if min(args.queries, args.limit or args.queries) < 20:
        parser.error("--queries, --limit: at least 20")
    if bool(args.rung) != bool(args.rung_model):
        parser.error("--rung and --rung-model go together")
    needed = [args.grating, args.data, os.path.join(args.model, "config.json")]
    needed += [os.path.join(args.data, datasets.SETS[sets.source_of(name)[0]][0])
               for name in args.sets]
    needed += [os.path.join(args.rung_model, "config.json"), args.rung] if args.rung else []
    missing = [path for path in needed if not os.path.exists(path)]
    if missing:
        parser.error("not there: %s" % ", ".join(sorted(set(missing))))
    return args


def main():
    args = parse()
    if args.update:
        check_places(args.name, args.tables)
    maker = sets.Maker(args.out, args.grating, args.model, args.data, args.queries, args.part,
                       args.arithmetic)
    maker.settle()
    for name in args.sets:
        print("samples of %s ..." % name, flush=True, file=sys.stderr)
        maker.make(name)
    print("samples: %.1f CPU minutes" % cpu_minutes(), file=sys.stderr)
    study = Study(args.out, args.sets, args.data, args.model, hidden_size(args.model), args.limit)
    found = {}
    for name, text in make_tables(args, maker, study):
        found[name] = text
        with open(os.path.join(args.out, name + ".md"), "w", encoding="utf-8") as f:
            f.write(text + "\n")
    print("all: %.1f CPU minutes" % cpu_minutes(), file=sys.stderr)
    if args.update:
        update(args.name, found)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("\ninterrupted; the same command goes on")
