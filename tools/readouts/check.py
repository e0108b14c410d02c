"""Holds the study's replay against the command's own decisions."""
import json
import os
import tempfile

import numpy as np

import readings
import replay
import ridge
from samples import read_profile

LIMIT = 100  # of the queries ranked


def is_reported(n):
    """Which queries grating calibrate keeps for its report (src/calibrate/fit.c)."""
    return np.arange(n) // (n // 32 + 1) % 4 == 3


def from_profile(study, item, profile):
    """(history, bound, margins) of a profile's readouts at precision 0.99.  They read what the
    engine's do now, or the first part of that in older profiles."""
    columns = [study.features(item, layer)[:, :len(weights)] @ weights + bias
               for layer, (weights, bias) in
               enumerate(zip(profile["readouts"], profile["biases"]), 1)]
    history = replay.History(list(readings.with_nothing(columns)) + [item.targets], item.counts)
    spreads, moves = (np.concatenate([[np.nan], profile[name]]) for name in ("spreads", "moves"))
    row = int(np.argmin(np.abs(profile["precisions"] - replay.PRECISION)))
    by_k = dict(zip(profile["ks"].astype(int), profile["margins"][row]))
    return history, replay.Bound(spreads, moves), [by_k[k] for k in replay.KS]


def refit(study, item, fitted):
    """(bound, margins) from the samples, as grating calibrate fits them."""
    rows, counts = np.repeat(fitted, item.counts), item.counts[fitted]
    columns = []
    for layer in range(1, item.n_layers):
        sums = ridge.Sums(study.features(item, layer)[rows], item.targets[rows], counts)
        columns.append(ridge.fit([sums])[1][0])
    history = replay.History(list(readings.with_nothing(columns)) + [item.targets[rows]], counts)
    bound = replay.fitted(history)
    return bound, replay.fit_margins(history, bound)


def apart(ours, theirs):
    return np.max(np.abs(np.asarray(ours) / np.asarray(theirs) - 1.0))


def rank(maker, item, jobs, k):
    """(results, trace of each query)"""
    with tempfile.TemporaryDirectory() as folder:
        jobs_path, trace = os.path.join(folder, "jobs.jsonl"), os.path.join(folder, "trace")
        with open(jobs_path, "w", encoding="utf-8") as f:
            f.writelines(json.dumps(dict(job, k=k)) + "\n" for job in jobs)
        command = [maker.grating, "rank", "-m", maker.model, "--queries", jobs_path, "--json",
                   "--no-progress", "--policy", "bound", "--promise", "set",
                   "--precision", str(replay.PRECISION),
                   "--trace", trace,
                   "--profile", os.path.join(item.folder, item.name + ".profile.safetensors")]
        if maker.arithmetic:
            command += ["--arithmetic", maker.arithmetic]
        printed = maker.run(command)
        with open(trace, encoding="utf-8") as f:
            steps = [query["steps"] for query in json.load(f)["queries"]]
    return [json.loads(line) for line in printed.splitlines()], steps


def compare(done, results, traces):
    """(verdicts, those at the same layer, queries with the same top K)"""
    n = same = same_top = 0
    for result, steps, layers, top in zip(results, traces, done.layers, done.top):
        last = {c: step["layer"] for step in steps for c in step["candidates"]}
        n += len(last)
        same += sum(layer == layers[c] for c, layer in last.items())
        same_top += {x["index"] for x in result["results"]} == set(np.nonzero(top)[0])
    return n, same, same_top


def agreement(study, maker, item):
    """The profile of one set is fitted again from its samples, and grating rank decides its
    reported queries: what both sides say."""
    profile = read_profile(os.path.join(item.folder, item.name + ".profile.safetensors"))
    reported = is_reported(len(item.counts))
    history, bound, margins = from_profile(study, item, profile)
    ours, our_margins = refit(study, item, ~reported)
    lines = ["%s: largest relative difference of spreads %.1e, of moves %.1e, of margins %.1e." % (
        item.name, apart(ours.spreads[1:], bound.spreads[1:]),
        apart(ours.moves[1:], bound.moves[1:]), apart(our_margins, margins)), ""]
    used, jobs = np.nonzero(reported)[0][:LIMIT], item.jobs()
    for k, margin in zip(replay.KS, margins):
        here = [i for i in used if item.counts[i] > k]
        part = history.part(np.array(here, dtype=int))
        done = replay.replay(part, k, bound, margin)
        results, traces = rank(maker, item, [jobs[i] for i in here], k)
        n, same, same_top = compare(done, results, traces)
        stats = [result["stats"] for result in results]
        lines.append("- K = %d: %d of %d verdicts at the same layer, the same top K in %d of %d "
                     "queries; computed %.4f by the command, %.4f by the replay" % (
                         k, same, n, same_top, len(here),
                         sum(s["candidates_x_layers"] for s in stats) /
                         sum(s["full_candidates_x_layers"] for s in stats),
                         np.average(done.computed, weights=part.counts)))
    return "\n".join(lines)
