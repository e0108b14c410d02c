"""The measurements: what each runs, and what it keeps of what comes out."""
import json
import os

import numpy as np

import datasets
import metrics

K = 10
DEPTH = 20
PRECISIONS = (0.95, 0.99, 0.999)
SWEPT_SETS = ("msmarco", "wikiqa")
LONG_SETS = tuple(datasets.LONG_SETS)
CANDIDATES, CANDIDATES_K = (10, 20, 50, 100), 5
KS = (1, 3, 5, 10)
WORDS = (32, 64, 128, 256)
DISPERSIONS = (0.1, 0.2, 0.5, 1, 2, 5)
CLUSTERS, CLUSTERS_DISPERSION = (2, 3, 4, 8), 0.5
METRICS = ("ndcg", "precision", "overlap")


class Bench:
    """One model on sets of one folder; of some sets, on one part of the queries."""

    def __init__(self, steps, model, data, root, part):
        self.steps, self.data, self.root, self.part = steps, data, root, part
        self.model = os.path.abspath(model)
        self.name = os.path.basename(self.model.rstrip("/"))
        self.digest = None

    def get(self, name, inputs, measure):
        inputs = [self.digest, inputs] + ([self.part] if self.part else [])
        return self.steps.get("%s-%s" % (self.name, name), inputs, measure)

    def folder(self, name, limit):
        return datasets.prepare(name, self.data, self.root, limit, self.part)

    def arguments(self, folder, corpus=None, run="run.txt"):
        return ["-m", self.model, "--corpus", corpus or os.path.join(folder, "corpus.jsonl"),
                "--queries", os.path.join(folder, "queries.jsonl"),
                "--qrels", os.path.join(folder, "qrels.tsv"), "--run", os.path.join(folder, run)]

    def rank(self, folder, limit, arguments):
        """Traces of all queries, with the first `limit` candidates."""
        return self.steps.trace(["-m", self.model, "--queries", os.path.join(folder, "jobs.jsonl")]
                                + arguments)


def keep(report):
    """What is shown of a report of `grating eval`."""
    systems = []
    for row in report["systems"]:
        kept = {name: row.get(name) for name in ("system", "k", "computed", "time", "drift")}
        kept["system"] = row["system"].removesuffix(" set")
        for name in METRICS:
            figure = row["metrics"].get(name)
            kept[name] = figure and [figure[end] for end in ("mean", "low", "high", "p")]
        systems.append(kept)
    return {"profile": report["profile"], "queries": report["n_queries"],
            "candidates": report["n_candidates"] / report["n_queries"],
            "truncated": report["n_truncated"] / report["n_candidates"],
            "recall": report["candidates_recall"], "systems": systems}


def misses(rankings, system, k):
    """Places in the full pass of members that did not come back, and of those that came
    instead: [[place...], [place...]]."""
    gone, came = [], []
    for query, full in rankings["full"].items():
        found = set(rankings[system][query][:k])
        gone += [i + 1 for i, d in enumerate(full) if i < k and d not in found]
        came += [i + 1 for i, d in enumerate(full) if i >= k and d in found]
    return [gone, came]


def quality(bench, name, limit):
    """BM25, the full pass and the policies."""
    folder = bench.folder(name, limit)

    def measure():
        precisions = ",".join("%g" % p for p in PRECISIONS)
        report, rankings = bench.steps.evaluate(
            bench.arguments(folder) + ["--depth", str(DEPTH), "-k", str(K), "--policies",
                                       "cluster,bound", "--precision", precisions,
                                       "--promise", "set"])
        value = keep(report)
        value["misses"] = {policy: misses(rankings, "%s-0.99-set-k%d" % (policy, K), K)
                           for policy in ("bound", "cluster")}
        return value
    return bench.get("quality-%s" % name, [limit, DEPTH, K, PRECISIONS, METRICS], measure)


def exact(bench, name, limit):
    """bound 0.99 once more, with the best K run to the end for their order."""
    folder = bench.folder(name, limit)

    def measure():
        report, _ = bench.steps.evaluate(
            bench.arguments(folder) + ["--depth", str(DEPTH), "-k", str(K), "--policies", "bound",
                                       "--precision", "0.99", "--promise", "scores"])
        return keep(report)
    return bench.get("exact-%s" % name, [limit, DEPTH, K, METRICS], measure)


FIT_QUERIES, MIN_FIT_QUERIES = 4, 60  # for one query that is measured; in all


def refitted(bench, name, limit):
    """bound 0.99 once more, with a profile made on other queries of the same set."""
    folder = bench.folder(name, limit)
    n_fit = max(MIN_FIT_QUERIES, FIT_QUERIES * limit)
    fit = datasets.prepare_fit(name, bench.data, bench.root, n_fit)

    def measure():
        profile, samples = (os.path.join(fit, "%s.%s" % (bench.name, end))
                            for end in ("profile", "samples"))
        bench.steps.run(["calibrate", "--no-progress", "-m", bench.model, "--queries",
                         os.path.join(fit, "jobs.jsonl"), "--samples", samples, "-o", profile])
        os.remove(samples)
        value = swept(bench, name, limit, bench.arguments(folder) +
                      ["--depth", str(DEPTH), "--profile", profile], [K])[0]
        return {"fitted": datasets.describe(fit)["queries"], "bound": value}
    return bench.get("refitted-%s" % name, [limit, n_fit, DEPTH, K], measure)


# ---- Order by layer ----

def scores_by_layer(query):
    """[n_layers][n_candidates]; every candidate is at every layer."""
    rows = []
    for step in query["steps"]:
        row = np.full(len(query["documents"]), np.nan)
        row[step["candidates"]] = [np.nan if s is None else s for s in step["scores"]]
        if np.isnan(row).any():
            raise SystemExit("a trace lacks scores of some candidates at layer %d" % step["layer"])
        rows.append(row)
    return rows


def agreement(traces):
    """Each boundary's gamma and cluster gamma with the final order, for each query."""
    layers = [step["layer"] for step in traces[0]["steps"]][:-1]
    plain, clustered = [[] for _ in layers], [[] for _ in layers]
    for query in traces:
        rows = scores_by_layer(query)
        for i in range(len(layers)):
            plain[i].append(metrics.gamma(rows[i], rows[-1]))
            clustered[i].append(metrics.cluster_gamma(rows[i], rows[-1]))
    return {"layers": layers, "gamma": plain, "cluster": clustered}


def boundary_gaps(traces, k):
    """Between places k and k + 1 of the full pass, in standard deviations of its scores."""
    gaps = []
    for query in traces:
        final = np.sort(scores_by_layer(query)[-1])[::-1]
        if final.size > k and final.std() > 0:
            gaps.append(float((final[k - 1] - final[k]) / final.std()))
    return gaps


def order(bench, name, limit, has_profile):
    """With the model's own head, and with the readouts of its profile: a `bound` that may
    not decide before the last layer shows those of all candidates."""
    folder = bench.folder(name, limit)

    def measure():
        heads = bench.rank(folder, limit, ["--policy", "none"])
        value = {"n_layers": heads[0]["n_layers"], "head": agreement(heads),
                 "gaps": boundary_gaps(heads, K), "readouts": None}
        if has_profile:
            last = str(heads[0]["n_layers"])
            readouts = bench.rank(folder, limit, ["--policy", "bound", "--first-layer", last,
                                                  "-k", "1"])
            value["readouts"] = agreement(readouts)
        return value
    return bench.get("order-%s" % name, [limit, K, has_profile, metrics.MAX_CLUSTERS,
                                         metrics.EXPLAINED], measure)


# ---- Sensitivity ----

def bound_row(report, k):
    return [row for row in report["systems"] if row["system"] == "bound 0.99" and row["k"] == k][0]


def swept(bench, name, limit, arguments, ks):
    """{k: [overlap, low, high, computed, drift]} of bound 0.99."""
    report, _ = bench.steps.evaluate(arguments + ["-k", ",".join(map(str, ks)), "--policies",
                                                  "bound", "--precision", "0.99",
                                                  "--promise", "set"])
    rows = keep(report)
    return [bound_row(rows, k)["overlap"][:3] +
            [bound_row(rows, k)["computed"], bound_row(rows, k)["drift"]] for k in ks]


def candidates(bench, name, limit):
    folder = bench.folder(name, limit)
    return [bench.get("candidates-%s-%d" % (name, n), [limit, n, CANDIDATES_K], lambda: swept(
        bench, name, limit, bench.arguments(folder) + ["--depth", str(n)], [CANDIDATES_K])[0])
        for n in CANDIDATES]


def wanted(bench, name, limit):
    folder = bench.folder(name, limit)
    return bench.get("wanted-%s" % name, [limit, DEPTH, KS], lambda: swept(
        bench, name, limit, bench.arguments(folder) + ["--depth", str(DEPTH)], KS))


def lengths(bench, name, limit):
    folder = bench.folder(name, limit)
    return [bench.get("length-%s-%d" % (name, n), [limit, DEPTH, n, K], lambda: swept(
        bench, name, limit, bench.arguments(folder, datasets.cut_corpus(folder, n)) +
        ["--depth", str(DEPTH)], [K])[0]) for n in WORDS]


def rankings(bench, folder, arguments):
    """[the first K], and layers x candidates, of each query."""
    lines = bench.steps.run(["rank", "--json", "--no-progress", "-m", bench.model, "-k", str(K),
                             "--queries", os.path.join(folder, "jobs.jsonl")] + arguments)
    rows = [json.loads(line) for line in lines.splitlines()]
    return [([item["index"] for item in row["results"][:K]], row["stats"]["candidates_x_layers"])
            for row in rows]


def cluster_point(bench, folder, full, arguments):
    """[overlap, low, high, computed]"""
    found = rankings(bench, folder, ["--policy", "cluster", "--promise", "set"] + arguments)
    overlaps = [len(set(f) & set(p)) / len(f) for (f, _), (p, _) in zip(full, found)]
    computed = sum(c for _, c in found) / sum(c for _, c in full)
    return list(metrics.interval(overlaps)) + [computed]


def dispersion(bench, name, limit, n_layers):
    """[first layer][threshold] of policy `cluster`, and [number of clusters]."""
    folder = bench.folder(name, limit)
    full = bench.get("full-%s" % name, [limit, K],
                     lambda: rankings(bench, folder, ["--policy", "none"]))

    def point(first, threshold, clusters):
        return bench.get("cluster-%s-%d-%g-%d" % (name, first, threshold, clusters), [limit, K],
                         lambda: cluster_point(bench, folder, full, [
                             "--first-layer", str(first), "--dispersion", "%g" % threshold,
                             "--clusters", str(clusters)]))
    half = (n_layers + 1) // 2
    return {"first_layers": [1, half],
            "by_dispersion": [[point(first, x, metrics.MAX_CLUSTERS) for x in DISPERSIONS]
                              for first in (1, half)],
            "by_clusters": [point(half, CLUSTERS_DISPERSION, n) for n in CLUSTERS]}


# ---- One request ----

def pictures(bench, name, limit, number, out, has_profile):
    """Score trajectories of query `number`: [(caption, file)]"""
    folder = bench.folder(name, limit)
    with open(os.path.join(folder, "jobs.jsonl"), encoding="utf-8") as f:
        job = f.read().splitlines()[number]
    one = os.path.join(folder, "one-%d.jsonl" % number)
    datasets.write_lines(one, [job])
    drawn = []
    for kind, arguments in (("head", ["--policy", "none"]), ("bound", ["--policy", "bound"])):
        if kind == "bound" and not has_profile:
            continue
        trace = os.path.join(folder, "%s-%s.trace" % (bench.name, kind))
        picture = "%s-trace-%s.svg" % (bench.name, kind)
        bench.steps.run(["rank", "--no-progress", "-m", bench.model, "--queries", one, "-k",
                         str(K), "--trace", trace] + arguments)
        bench.steps.run(["plot", trace, "-o", os.path.join(out, picture)])
        drawn.append((kind, picture))
    return {"query": json.loads(job)["query"], "files": drawn}
