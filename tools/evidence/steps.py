"""Measurements that are kept: a run that was cut off goes on where it was.

Each step's value lies in OUT/steps/NAME.json beside a key of all it depends on; a step with
the same key is not run again.
"""
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time

TIMEOUT_S = 3600  # of one command, far above what any takes


def digest(*parts):
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:20]


def digest_file(path):
    found = hashlib.sha256()
    with open(path, "rb") as f:
        for block in iter(lambda: f.read(1 << 20), b""):
            found.update(block)
    return found.hexdigest()[:20]


def digest_model(path):
    """Of a folder all files count; of a file also the profile beside it."""
    if os.path.isdir(path):
        files = [os.path.join(path, name) for name in sorted(os.listdir(path))]
    else:
        files = [path, path + ".profile.safetensors"]
    return digest([digest_file(f) for f in files if os.path.isfile(f)])


class Steps:
    def __init__(self, out, grating):
        self.folder = os.path.join(out, "steps")
        os.makedirs(self.folder, exist_ok=True)
        self.grating = grating
        self.program = digest_file(grating)
        self.seconds = 0.0  # of all steps, those of earlier runs too

    def get(self, name, inputs, measure):
        """The value of measure(), from the last run when its inputs were the same."""
        path = os.path.join(self.folder, name + ".json")
        key = digest(self.program, inputs)
        kept = load(path)
        if kept is None or kept["key"] != key:
            started = time.monotonic()
            print("%s ..." % name, end=" ", flush=True, file=sys.stderr)
            kept = {"key": key, "value": measure()}
            kept["seconds"] = time.monotonic() - started
            print("%.0f s" % kept["seconds"], file=sys.stderr)
            save(path, kept)
        self.seconds += kept["seconds"]
        return kept["value"]

    def run(self, arguments):
        """What the command prints."""
        done = subprocess.run([self.grating] + arguments, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=TIMEOUT_S)
        if done.returncode:
            sys.exit("\n%s %s: exit status %d\n%s" % (self.grating, " ".join(arguments),
                                                      done.returncode, done.stderr.strip()))
        return done.stdout

    def evaluate(self, arguments):
        """The report of `grating eval`, and its rankings {system: {query: [document...]}}."""
        with tempfile.TemporaryDirectory() as folder:
            report, rankings = os.path.join(folder, "report"), os.path.join(folder, "rankings")
            self.run(["eval", "--no-progress", "--json", report, "--run-out", rankings] + arguments)
            return load(report), read_run(rankings)

    def trace(self, arguments):
        """Queries of the trace of `grating rank`."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "trace")
            self.run(["rank", "--no-progress", "--trace", path] + arguments)
            return load(path)["queries"]


def load(path):
    """None where there is no whole JSON file."""
    try:
        with open(path, encoding="utf-8") as f:
            return json.load(f)
    except (FileNotFoundError, ValueError):
        return None


def save(path, value):
    with open(path + ".tmp", "w", encoding="utf-8") as f:
        json.dump(value, f, indent=1)
        f.write("\n")
    os.replace(path + ".tmp", path)


def read_run(path):
    found = {}
    with open(path, encoding="utf-8") as f:
        for query, _, document, _, _, system in (line.split() for line in f):
            found.setdefault(system, {}).setdefault(query, []).append(document)
    return found
