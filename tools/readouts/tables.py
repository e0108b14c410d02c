"""The tables of docs/studies/readouts-tables.md.

`computed` is layers x candidates as a share of the full pass at K = 1, 5 and 10, with the
smallest margin such that it and all wider ones keep 0.99 of the full top K on the queries
tried, except in the tables `promise`, `rung` and `profile`, whose margins were fitted before.
"""
import os

import numpy as np

import before
import check
import readings
import replay
import ridge
from report import table  # of tools/evidence
from samples import read_profile
from study import KINDS, Measured

KS = ["K = %d" % k for k in replay.KS]
SCORES = ["scores", "domain"]
HEAD = SCORES + ["gamma after each layer"] + KS + ["mean"]
FIRST_HEAD = SCORES + ["gamma by boundary, from 0"] + KS + ["mean"]
GAMMAS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)  # of made-up rungs


def several(values, form="%.2f"):
    return " ".join(form % x for x in values)


def with_mean(values):
    return ["%.3f" % x for x in values] + ["%.3f" % np.mean(values)]


def least_rows(study, title, reader, kinds=KINDS, first=1, **options):
    """One row for each kind; gammas from boundary `first` on."""
    rows = []
    for kind in kinds:
        found = study.measure(reader, kind, **options)
        rows.append([title, kind, several(found.gammas[first:])] + with_mean(found.computed))
    return rows


# ---- How much earlier ----

def earlier_row(title, kind, found, n_layers):
    layers = n_layers * found.computed.mean()
    return [title, kind, several(found.kept, "%.3f")] + with_mean(found.computed) + [
        "%.2f" % layers, several(found.decided.mean(0)[1:])]


def unfitted_row(study, heads):
    """Without a profile the engine believes the request only, with a margin of 1."""
    bound = replay.unfitted(study.n_layers)
    found = [Measured.of(study.history(heads, name, name), bound, [1.0] * len(replay.KS))
             for name in study.names]
    return earlier_row("head, no profile", "any", Measured.mean(found), study.n_layers)


def saved(head, readouts):
    return "%.0f %%" % (100 * (1 - readouts.computed.mean() / head.computed.mean()))


def earlier(study):
    """How much earlier readouts decide than the raw head."""
    heads, readouts = study.each(study.heads()), study.readouts()
    rows, words = [unfitted_row(study, heads)], []
    for kind in KINDS:
        head, readout = study.measure(heads, kind), study.measure(readouts, kind)
        rows.append(earlier_row("head", kind, head, study.n_layers))
        rows.append(earlier_row("readouts", kind, readout, study.n_layers))
        words.append("%s %.2f instead of %.2f (%s less)" % (
            kind, study.n_layers * readout.computed.mean(),
            study.n_layers * head.computed.mean(), saved(head, readout)))
    return table(SCORES + ["kept"] + ["computed, " + KS[0]] + KS[1:] + [
        "mean", "layers a candidate", "decided after layer 1, 2, ..."], rows) + (
            "\n\nOf %d layers a candidate computes with readouts, %s." % (
                study.n_layers, "; ".join(words)))


# ---- Richer readouts ----

def pools(study):
    heads = study.each(study.heads())
    rows = least_rows(study, "head", heads)
    for variant in study.variants:
        rows += least_rows(study, variant, study.readouts(variant))
    both = with_head(study.readouts(), heads)
    return table(HEAD, rows + least_rows(study, "and the head", study.combined(both)))


def with_head(reader, heads):
    """Inputs of Study.combined: readouts beside the head's scores of the same layer."""
    return lambda source, name, l: (np.column_stack([reader[source, name][l],
                                                     heads[source, name][l]]) if l else None)


def penalty(study):
    choices = [(p,) for p in readings.PENALTIES]
    found = readings.readings(study.engines, study.items, study.n_pools, study.cache, choices)
    return table(HEAD, [row for (p,), reader in zip(choices, found)
                        for row in least_rows(study, "penalty %g" % p, reader)])


def transfer(study):
    """Mean over K of computed, by source and set."""
    reader, rows = study.readouts(), []
    for source in study.names + ["the others"]:
        cells = []
        for name in study.names:
            key = "not " + name if source == "the others" else source
            bound = replay.fitted(study.seen_history(reader, key))
            found = Measured.least(study.history(reader, key, name), bound)
            cells.append("%.3f" % found.computed.mean())
        rows.append([source] + cells)
    return table(["fitted on"] + study.names, rows)


def samples(study):
    """Fits on ever more queries, tried on the last third of the domain and of other sets."""
    n = min(len(item.counts) for item in study.items)
    n_test, n_fit = n // 3, n - n // 3
    sizes = sorted({n_fit // 16, n_fit // 8, n_fit // 4, n_fit // 2, n_fit})
    rows = []
    for size in (s for s in sizes if s >= ridge.N_FOLDS):
        found = {"in domain": [], "other": []}
        for source in study.items:
            for kind, measured in fit_part(study, source, np.arange(size) * n_fit // size, n_test):
                found[kind].append(measured)
        for kind, measured in found.items():
            mean = Measured.mean(measured)
            rows.append(["%d queries" % size, kind, several(mean.gammas[1:])] +
                        with_mean(mean.computed))
    return "Fitted on each set, tried on the last %d queries of all.\n\n%s" % (
        n_test, table(HEAD, rows))


def fit_part(study, source, picked, n_test):
    """[(kind, Measured)] of readouts from the picked queries of a source."""
    mask = np.zeros(len(source.counts), dtype=bool)
    mask[picked] = True
    rows, counts = np.repeat(mask, source.counts), source.counts[mask]
    fitted, tried = [], {name: [] for name in study.names}
    for layer in range(1, study.n_layers):
        sums = ridge.Sums(study.features(source, layer)[rows], source.targets[rows], counts)
        weights, predictions = ridge.fit([sums], readings.PENALTIES, readings.N_TRIED)
        fitted.append(predictions[0])
        for item in study.items:
            tried[item.name].append(ridge.centred(study.features(item, layer) @ weights,
                                                  item.counts))
    train = replay.History(list(readings.with_nothing(fitted)) + [source.finals[rows]], counts)
    bound, out = replay.fitted(train), []
    for item in study.items:
        columns = list(readings.with_nothing(tried[item.name])) + [item.finals]
        history = replay.History(columns, item.counts)
        test = history.part(np.arange(len(item.counts))[-n_test:])
        out.append(("in domain" if item is source else "other", Measured.least(test, bound)))
    return out


def smooth(study):
    base = study.readouts()
    rows = least_rows(study, "last readout", base)
    for title, n_last in (("all so far", study.n_layers), ("last two", 2)):
        rows += least_rows(study, title, study.combined(
            lambda source, name, l: base[source, name][max(1, l - n_last + 1):l + 1].T
            if l else None))
    mean = {key: np.stack([x[0]] + [x[max(1, l - 1):l + 1].mean(0) for l in range(1, len(x))])
            for key, x in base.items()}
    return table(HEAD, rows + least_rows(study, "mean of last two", mean))


# ---- What is known before layer 1 ----

def beside(reader, extra):
    """Inputs of Study.combined: a reader's column beside those of each set."""
    return lambda source, name, l: (np.column_stack([reader[source, name][l], extra[name]])
                                    if l else None)


def prior(study):
    base, heads, bm25 = study.readouts(), study.each(study.heads()), study.prior()
    rows = least_rows(study, "readouts", base)
    rows += least_rows(study, "readouts and BM25", study.combined(beside(base, bm25)))
    rows += least_rows(study, "head, scaled", study.combined(
        lambda source, name, l: heads[source, name][l][:, None] if l else None))
    rows += least_rows(study, "head and BM25", study.combined(beside(heads, bm25)))
    return table(HEAD, rows)


def priors(study):
    """{title: {(source, set): [candidates]}} of scores before layer 1."""
    bm25 = study.prior()

    def only(columns):
        found = study.combined(lambda source, name, l: None if l else columns(source, name))
        return {key: value[0] for key, value in found.items()}
    out = {"BM25": only(lambda source, name: bm25[name])}
    if before.has_embedder(study.model):
        embedding = study.embedding()
        out["embeddings"] = embedding
        out["both"] = only(lambda source, name: np.column_stack([embedding[source, name],
                                                                 bm25[name]]))
    return out


def led_by(first, reader):
    return {key: np.concatenate([first[key][None], reader[key][1:]]) for key in reader}


def before_layer_1(study):
    base = study.readouts()
    rows = least_rows(study, "silent at 1", base, first=0, first_move=0)
    rows += least_rows(study, "blind at 1", base, first=0, first_move=np.inf)
    rows += least_rows(study, "the move from nothing", base, first=0)
    for title, score in priors(study).items():
        led = led_by(score, base)
        rows += least_rows(study, title + " at 0, silent", led, first=0)
        rows += least_rows(study, title + " at 0, decides", led, first=0, decides_first=True)
    return table(FIRST_HEAD, rows)


# ---- A small model as the first rung ----

def noisy(study, wanted):
    """{set: final logits with normal noise, so much that gamma with the final order is
    `wanted`}, on the average of the sets."""
    random = np.random.default_rng(1)
    noise = {item.name: ridge.centred(random.standard_normal(len(item.finals)) *
                                      item.finals.std(), item.counts) for item in study.items}

    def rung(amount):
        return {item.name: item.finals + amount * noise[item.name] for item in study.items}

    def gamma(amount):
        return np.mean([replay.History([column, item.finals], item.counts).gammas()[0]
                        for item, column in zip(study.items, rung(amount).values())])
    low, high = 0.0, 8.0
    for _ in range(20):
        middle = (low + high) / 2
        low, high = (middle, high) if gamma(middle) > wanted else (low, middle)
    return rung(low)


def on_rung(study, rung):
    """A reader that knows the rung's score before layer 1, and beside every readout after."""
    base = study.readouts()
    return study.combined(lambda source, name, l: np.column_stack(
        [base[source, name][l]] * (l > 0) + [rung[name]]))


def ladder(study):
    """Made-up first rungs: the final logit with noise, known before layer 1."""
    kinds = ("in domain", "others")
    rows = least_rows(study, "no rung", study.readouts(), kinds, first=0)
    for gamma in GAMMAS:
        rows += least_rows(study, "gamma %.2f" % gamma, on_rung(study, noisy(study, gamma)), kinds,
                           first=0, decides_first=True)
    return table(FIRST_HEAD, rows)


def rung(study, other, name, cost):
    """A trained model as the first rung; other: {set: Set} with its samples of the same
    queries; cost: of its full pass, in full passes of this model."""
    scores = {}
    for item in study.items:
        if other[item.name].samples.keys[:len(item.counts)] != item.samples.keys:
            raise SystemExit("%s: the rung's samples are of other queries" % item.name)
        scores[item.name] = other[item.name].finals
    rows = []
    for title, reader, options, extra in (
            ("no rung", study.readouts(), {}, 0.0),
            (name, on_rung(study, scores), {"decides_first": True}, cost),
            (name + ", silent", on_rung(study, scores), {}, cost)):
        for kind in KINDS:
            least = study.measure(reader, kind, **options)
            found, worst = study.promised(reader, kind, **options)
            rows.append([title, kind, "%.2f" % least.gammas[0],
                         several(least.computed + extra, "%.3f"), several(found.kept, "%.3f"),
                         several(worst, "%.3f"), several(found.computed + extra, "%.3f"),
                         "%.3f" % (found.computed.mean() + extra)])
    return "%s costs %.1f %% of a full pass; it is counted.\n\n%s" % (name, 100 * cost, table(
        SCORES + ["gamma of the rung", "computed at 0.99", "promised: kept", "in the worst case",
                  "computed", "mean"], rows))


# ---- What is promised ----

def promise(study):
    """Precision 0.99 asked for, with the margins that calibration would fit."""
    base, rows = study.readouts(), []
    for title, reader, options in (("head", study.each(study.heads()), {}),
                                   ("readouts, silent at 1", base, {"first_move": 0}),
                                   ("readouts, blind at 1", base, {"first_move": np.inf}),
                                   ("readouts", base, {})):
        for kind in KINDS:
            found, worst = study.promised(reader, kind, **options)
            rows.append([title, kind, several(found.kept, "%.3f"), several(worst, "%.3f")] +
                        with_mean(found.computed) + ["%.2f" % found.drift.mean()])
    return table(SCORES + ["kept at K = 1, 5, 10", "in the worst case", "computed, " + KS[0]] +
                 KS[1:] + ["mean", "drift"], rows)


def profile(study):
    """What the bound of the profile beside the model does to each set at precision 0.99."""
    path = os.path.join(study.model, "grating.profile.safetensors")
    if not os.path.exists(path):
        return "There is no profile beside the model."
    found, rows = read_profile(path), []
    for item in study.items:
        history, bound, margins = check.from_profile(study, item, found)
        for k, margin in zip(replay.KS, margins):
            done = replay.replay(history, k, bound, margin)
            error = done.kept.std() / np.sqrt(max(1, len(done.kept) - 1))
            rows.append(["%s (%d)" % (item.name, len(done.kept)), "%d" % k,
                         "%.4f +- %.4f" % (done.kept.mean(), error),
                         "%.3f" % done.computed.mean(), "%.2f" % done.drift.mean()])
    return table(["data set (queries)", "K", "top K", "computed", "drift"], rows)


ALL = {"earlier": earlier, "promise": promise, "pools": pools, "samples": samples,
       "transfer": transfer, "penalty": penalty, "prior": prior, "before": before_layer_1,
       "smooth": smooth, "ladder": ladder, "profile": profile}
