"""The data sets of the study: queries, and samples of a model's full passes over them."""
import json
import os
import subprocess
import sys

import numpy as np

import ridge
from samples import Samples, read_jobs
import datasets  # of tools/evidence
import steps

JOBS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "reference", "jobs.py")
NAMES = ("xquad-en", "selqa", "wikiqa", "msmarco-cloze", "locomo", "tldr")
CLOZE = "-cloze"  # queries made from passages, see jobs.py


def source_of(name):
    """(name as in jobs.py, folder of the data)"""
    source = name[:-len(CLOZE)] if name.endswith(CLOZE) else name
    return source, datasets.SETS[source][0]


class Maker:
    """Makes NAME.jsonl, NAME.samples and NAME.profile.safetensors in a folder; what is there
    already is kept, and what was cut off goes on."""

    def __init__(self, folder, grating, model, data, n_queries, part, arithmetic):
        self.folder, self.grating, self.model, self.data = folder, grating, model, data
        self.n_queries, self.part, self.arithmetic = n_queries, part, arithmetic

    def settle(self):
        """Refuses a folder that was made with other settings."""
        path = os.path.join(self.folder, "settings.json")
        wanted = {"weights": digest_weights(self.model), "queries": self.n_queries,
                  "part": self.part, "arithmetic": self.arithmetic}
        os.makedirs(self.folder, exist_ok=True)
        if not os.path.exists(path):
            steps.save(path, wanted)
        found = steps.load(path)
        if found != wanted:
            sys.exit("%s was made with other settings: %s, not %s; take another folder or remove "
                     "it" % (self.folder, json.dumps(found), json.dumps(wanted)))

    def run(self, command):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=steps.TIMEOUT_S)
        if done.returncode:
            sys.exit("%s: exit status %d\n%s" % (" ".join(command), done.returncode,
                                                 done.stderr.strip()))
        return done.stdout

    def make_jobs(self, name):
        path = os.path.join(self.folder, name)
        if os.path.exists(path + ".jsonl"):
            return
        source, folder = source_of(name)
        command = [sys.executable, JOBS, source, os.path.join(self.data, folder), path + ".part",
                   "--limit", str(self.n_queries)]
        if name.endswith(CLOZE):
            command += ["--cloze", str(self.n_queries)]
        elif self.part != "all" and name in datasets.PARTED:
            command += ["--part", self.part]
        self.run(command)
        os.remove(path + ".part.qrels.tsv")
        os.rename(path + ".part.jsonl", path + ".jsonl")

    def make(self, name):
        self.make_jobs(name)
        path = os.path.join(self.folder, name)
        report = path + ".report.json"
        if os.path.exists(report) and os.path.exists(path + ".samples"):
            return
        command = [self.grating, "calibrate", "-m", self.model, "--queries", path + ".jsonl",
                   "--samples", path + ".samples", "-o", path + ".profile.safetensors",
                   "--no-progress", "--json"]
        if self.arithmetic:
            command += ["--arithmetic", self.arithmetic]
        steps.save(report, json.loads(self.run(command)))


def digest_weights(model):
    """Of a model's folder; a profile beside the weights does not change samples."""
    files = [f for f in sorted(os.listdir(model))
             if f.endswith(".safetensors") and not f.endswith(".profile.safetensors")]
    return steps.digest([steps.digest_file(os.path.join(model, f)) for f in files])


class Set:
    def __init__(self, folder, name, limit=None):
        self.name, self.folder = name, folder
        self.samples = Samples(os.path.join(folder, name + ".samples"), limit)
        self.counts, self.n_layers = self.samples.counts, self.samples.n_layers
        self.targets = self.samples.scores(self.n_layers).astype(np.float64)
        self.finals = ridge.centred(self.targets, self.counts)
        self.rows = np.repeat(ridge.runs(len(self.counts), ridge.N_FOLDS), self.counts)

    def jobs(self):
        path = os.path.join(self.folder, self.name + ".jsonl")
        jobs = read_jobs(path)[:len(self.counts)]
        if [len(job["documents"]) for job in jobs] != list(self.counts):
            sys.exit("%s: not the queries of the samples" % path)
        return jobs
