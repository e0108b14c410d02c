"""Tables and pictures from what was measured, and their places in docs/studies/results-tables.md.

The text holds pairs of comments, <!-- evidence: NAME --> and <!-- end -->; what lies between
is replaced.
"""
import os
import re

import numpy as np

import datasets
import measure
import metrics
import svg

SYSTEMS = ("first stage", "full pass", "cluster 0.95", "cluster 0.99", "bound 0.95",
           "bound 0.99", "bound 0.999")
MARKED = re.compile(r"(<!-- evidence: (\w+) -->\n).*?(<!-- end -->)", re.S)


def table(head, rows):
    lines = ["| %s |" % " | ".join(head), "|%s" % ("---|" * len(head))]
    return "\n".join(lines + ["| %s |" % " | ".join(row) for row in rows])


def number(value, form="%.3f"):
    return "" if value is None else form % value


def share(value):
    return "" if value is None else "%.1f %%" % (100 * value)


def with_interval(figure):
    return "" if not figure else "%.3f (%.3f-%.3f)" % tuple(figure[:3])


def system_of(value, name):
    return next(row for row in value["systems"] if row["system"] == name)


def target_text(figure, target):
    """Whether overlap reaches what was asked for."""
    if figure[0] >= target:
        return "reached"
    return "missed" if figure[2] < target else "not told apart"


def headed(found):
    """[(model, text)] as one text; names only where there are several models."""
    if len(found) == 1:
        return found[0][1]
    return "\n\n".join("**%s**\n\n%s" % pair for pair in found)


# ---- Tables ----

def run_table(run):
    return table(("", ""), [(name, value) for name, value in run.items()])


def set_table(descriptions, models):
    head = ["set", "documents, queries", "queries", "corpus", "words of a candidate"]
    head += ["seen by %s" % m["name"] for m in models]
    rows = []
    for name, found in descriptions.items():
        row = [name, (datasets.SETS.get(name) or datasets.LONG_SETS[name])[1],
               "%d" % found["queries"], "%d" % found["documents"], "%.0f" % found["words"]]
        rows.append(row + [seen_text(m, name) for m in models])
    return table(head, rows)


def seen_text(model, name):
    if model["seen"] is None:
        return "not stated"
    parts = [part for part in ("training", "profile")
             if datasets.base_of(name) in model["seen"][part]]
    seen = " and ".join(parts)
    if seen and model["seen"]["parts"] == "train" and model["part"] in ("test", "dev"):
        seen = "other queries in " + seen
    return seen or "no"


def is_seen(model, name):
    return model["seen"] is not None and seen_text(model, name) != "no"


def summary(model):
    rows = []
    for name, value in model["quality"].items():
        row = [name, "yes" if is_seen(model, name) else "no"]
        for system in ("cluster 0.99", "bound 0.99"):
            found = system_of(value, system)
            row += [with_interval(found["overlap"]), share(found["computed"]),
                    ndcg_change(value, system)]
        rows.append(row)
    head = ["set", "seen", "cluster 0.99: overlap@10", "computed", "NDCG@10", "bound 0.99: overlap@10",
            "computed", "NDCG@10"]
    picture = "![Overlap and compute by set](results/%s-overlap.svg)" % model["name"]
    return picture + "\n\n" + table(head, rows) + "\n\n" + means(model)


def ndcg_change(value, system):
    """Less the full pass, with the p of the difference."""
    found, full = system_of(value, system), system_of(value, "full pass")
    return "%+.3f (p %.2f)" % (found["ndcg"][0] - full["ndcg"][0], found["ndcg"][3])


def exact_table(model):
    rows = []
    for name, value in model["quality"].items():
        exact = model["exact"][name]
        usual, ordered = system_of(value, "bound 0.99"), system_of(exact, "bound 0.99 scores")
        rows.append((name, ndcg_change(value, "bound 0.99"), share(usual["computed"]),
                     ndcg_change(exact, "bound 0.99 scores"), with_interval(ordered["overlap"]),
                     share(ordered["computed"])))
    return table(("set", "bound 0.99: NDCG@10", "computed", "with --promise scores: NDCG@10",
                  "overlap@10", "computed"), rows)


def means(model):
    """Means over sets, seen and not; of times the median, since a pass may be held up."""
    rows = []
    for label, wanted in (("sets not seen", False), ("sets seen", True)):
        found = [v for n, v in model["quality"].items() if is_seen(model, n) == wanted]
        for system in SYSTEMS[2:] if found else ():
            these = [system_of(v, system) for v in found]
            rows.append((label, "%d" % len(found), system,
                         number(metrics.mean([s["overlap"][0] for s in these])),
                         share(metrics.mean([s["computed"] for s in these])),
                         share(float(np.median([s["time"] for s in these]))),
                         "%d of %d" % (sum(s["overlap"][2] < float(system.split()[1])
                                           for s in these), len(these))))
    return table(("", "sets", "system", "overlap@10", "computed", "time (median)",
                  "target missed"), rows)


def quality(model):
    rows = []
    for name, value in model["quality"].items():
        for system in SYSTEMS:
            found = system_of(value, system)
            rows.append((name if system == SYSTEMS[0] else "",
                         system.replace("first stage", "BM25"), with_interval(found["ndcg"]),
                         with_interval(found["precision"]), with_interval(found["overlap"]),
                         share(found["computed"]), share(found["time"]),
                         number(found["drift"], "%.2f")))
    return table(("set", "system", "NDCG@10", "P@10", "overlap@10", "computed", "time", "drift"),
                 rows)


def layer_means(order, reader, kind):
    return [metrics.mean(values) for values in order[reader][kind]]


def order_tables(model):
    parts = ["![Gamma by layer](results/%s-gamma.svg)" % model["name"]]
    for reader, label in (("head", "The model's own head"), ("readouts", "The profile's readouts")):
        orders = {n: o for n, o in model["order"].items() if o[reader]}
        if not orders:
            continue
        layers = next(iter(orders.values()))[reader]["layers"]
        rows = []
        for name, order in orders.items():
            pairs = zip(layer_means(order, reader, "gamma"), layer_means(order, reader, "cluster"))
            rows.append([name] + ["%s / %s" % (number(g, "%.2f"), number(c, "%.2f"))
                                  for g, c in pairs])
        parts.append("%s, gamma / cluster gamma after layer:\n\n%s" % (
            label, table(["set"] + ["%d" % layer for layer in layers], rows)))
    return "\n\n".join(parts)


def trace_images(model):
    said = {"head": "full pass, scores by the model's own head",
            "bound": "`bound` 0.99, scores by the profile's readouts"}
    parts = ["Query: \"%s\"" % model["pictures"]["query"]]
    return "\n\n".join(parts + ["%s:\n\n![Scores by layer](results/%s)" % (said[kind], path)
                                for kind, path in model["pictures"]["files"]])


def sweep_table(label, points, found, with_drift=True):
    """found: {set: [[overlap, low, high, computed, drift]...]}"""
    head, rows = [label], [["%g" % p] for p in points]
    for name, values in found.items():
        head += ["%s: overlap" % name, "computed"] + ["drift"] * with_drift
        for row, value in zip(rows, values):
            row += [with_interval(value), share(value[3])]
            row += [number(value[4], "%.2f")] if with_drift else []
    return table(head, rows)


def cluster_tables(model):
    found = model["dispersion"]
    first = next(iter(found.values()))["first_layers"]
    parts = []
    for i, layer in enumerate(first):
        parts.append("From layer %d on, at most %d clusters:\n\n%s" % (
            layer, metrics.MAX_CLUSTERS,
            sweep_table("dispersion threshold", measure.DISPERSIONS,
                        {n: v["by_dispersion"][i] for n, v in found.items()}, False)))
    parts.append("From layer %d on, dispersion threshold %g:\n\n%s" % (
        first[1], measure.CLUSTERS_DISPERSION,
        sweep_table("clusters at most", measure.CLUSTERS,
                    {n: v["by_clusters"] for n, v in found.items()}, False)))
    return "\n\n".join(parts)


def miss_table(model):
    rows = []
    ordered = sorted(model["quality"].items(),
                     key=lambda pair: system_of(pair[1], "bound 0.99")["overlap"][0])
    for name, value in ordered:
        bound = system_of(value, "bound 0.99")
        gone, came = value["misses"]["bound"]
        order = model["order"][name]
        readouts = layer_means(order, "readouts", "gamma") if order["readouts"] else None
        rows.append((name, with_interval(bound["overlap"]), target_text(bound["overlap"], 0.99),
                     number(bound["drift"], "%.2f"),
                     number(readouts and readouts[len(readouts) // 2], "%.2f"),
                     number(float(np.median(order["gaps"])) if order["gaps"] else None, "%.2f"),
                     "%d" % len(gone), share(portion(gone, lambda p: p >= measure.K - 2)),
                     share(portion(came, lambda p: p <= measure.K + 3))))
    middle = next(iter(model["order"].values()))["n_layers"] // 2
    return table(("set", "overlap@10", "0.99 is", "drift", "gamma after layer %d" % middle,
                  "gap at the boundary", "misses", "of places 8-10", "replaced by 11-13"), rows)


def refit_table(model):
    rows = []
    for name, value in model["refitted"].items():
        before = system_of(model["quality"][name], "bound 0.99")
        found = value["bound"]
        rows.append((name, "the model's own", with_interval(before["overlap"]),
                     share(before["computed"]), number(before["drift"], "%.2f")))
        rows.append((name, "fitted on %d other queries of the set" % value["fitted"],
                     with_interval(found), share(found[3]), number(found[4], "%.2f")))
    return table(("set", "profile", "overlap@10", "computed", "drift"), rows)


def portion(values, holds):
    return sum(map(holds, values)) / len(values) if values else None


# ---- Pictures ----

def colour_of(names):
    return {name: svg.COLOURS[i % len(svg.COLOURS)] for i, name in enumerate(names)}


def gamma_chart(model):
    panels, colours = [], colour_of(model["order"])
    for kind, label in (("gamma", "gamma"), ("cluster", "cluster gamma")):
        for reader, reads in (("head", "the model's head"), ("readouts", "the profile's readouts")):
            series = [(name, o[reader]["layers"], layer_means(o, reader, kind), colours[name],
                       is_seen(model, name)) for name, o in model["order"].items() if o[reader]]
            if series:
                panels.append(("%s, %s" % (label, reads), series))
    columns = 2 if len(panels) == 4 else 1
    low = min([0.0] + [y for _, series in panels for _, _, ys, _, _ in series for y in ys
                       if y is not None])
    notes = ("dashed: seen", "in training or", "by the profile") if model["seen"] else ()
    return svg.line_chart(panels, columns, (np.floor(low * 4) / 4, 1.0), "after layer", notes)


def overlap_chart(model):
    systems = [("cluster 0.99", "#ff7f0e"), ("bound 0.95", "#9ecae1"), ("bound 0.99", "#1f77b4"),
               ("bound 0.999", "#08306b")]
    overlap, computed = {}, {}
    for name, value in model["quality"].items():
        found = {system: system_of(value, system) for system, _ in systems}
        overlap[name] = {s: f["overlap"] for s, f in found.items()}
        computed[name] = {s: [100 * f["computed"]] * 3 for s, f in found.items()}
    low = min(0.9, min(f[1] for row in overlap.values() for f in row.values()))
    low = np.floor(low * 20) / 20
    ticks = [round(low + 0.05 * i, 2) for i in range(int(round((1 - low) / 0.05)) + 1)]
    return svg.interval_chart(list(overlap), systems, [
        ("overlap@10 with the full pass, 95 % interval", (low, 1.0), ticks[::-(-len(ticks) // 6)],
         0.99, overlap),
        ("computed, % of the full pass", (0, 100), (0, 25, 50, 75, 100), None, computed)])


# ---- All of it ----

def blocks(run, descriptions, models):
    """{name: text} of everything between marks."""
    def each(make):
        return headed([(m["name"], make(m)) for m in models])
    return {
        "run": run_table(run), "sets": set_table(descriptions, models),
        "summary": each(summary), "exact": each(exact_table), "quality": each(quality),
        "order": each(order_tables),
        "trace": each(trace_images), "cluster": each(cluster_tables), "misses": each(miss_table),
        "refitted": each(refit_table),
        "candidates": each(lambda m: sweep_table("candidates", measure.CANDIDATES,
                                                 m["candidates"])),
        "wanted": each(lambda m: sweep_table("K", measure.KS, m["wanted"])),
        "lengths": each(lambda m: sweep_table("words", measure.WORDS, m["lengths"])),
    }


def fill(text, found):
    """The text with its blocks replaced; every block must have its place, and one only."""
    places = [match[2] for match in MARKED.finditer(text)]
    if sorted(places) != sorted(found):
        raise SystemExit("the text has places for %s, and there is %s"
                         % (", ".join(sorted(places)), ", ".join(sorted(found))))
    return MARKED.sub(lambda m: "%s\n%s\n\n%s" % (m[1], found[m[2]], m[3]), text)


def write_pictures(model, folder):
    for name, draw in (("gamma", gamma_chart), ("overlap", overlap_chart)):
        with open(os.path.join(folder, "%s-%s.svg" % (model["name"], name)), "w",
                  encoding="utf-8") as f:
            f.write(draw(model))
