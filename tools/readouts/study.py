"""Scores in and out of their domain, and what the policy `bound` makes of them.

A *reader* is {(source, set): [boundaries][candidates]}: scores of a set's candidates, as
fitted on a source.  In domain they are out of fold.
"""
import os

import numpy as np

import before
import readings
import replay
import ridge
from sets import Set

KINDS = ("in domain", "other", "others")


class Study:
    def __init__(self, folder, names, data, model, hidden_size, limit=None):
        self.folder, self.data, self.model = folder, data, model
        self.items = [Set(folder, name, limit) for name in names]
        self.names = list(names)
        self.by_name = dict(zip(self.names, self.items))
        self.n_layers = self.items[0].n_layers
        self.n_pools = self.items[0].samples.width // hidden_size
        self.variants = readings.POOLS[self.n_pools] + readings.RICHER
        self.engines = readings.POOLS[self.n_pools][-1]
        self.cache = os.path.join(folder, "cache", "-".join(
            item.samples.digest for item in self.items))
        os.makedirs(self.cache, exist_ok=True)

    def features(self, item, layer):
        """What the engine's readouts read."""
        return readings.features(self.engines, item, layer, self.n_pools)

    # ---- Readers ----

    def pairs(self, kind):
        """[(source, set)] of "in domain", "other" (fitted on one set, tried on another; each
        set with one or two) or "others" (fitted on all but the one it is tried on)."""
        if kind == "in domain":
            return [(name, name) for name in self.names]
        if kind == "others":
            return [("not " + name, name) for name in self.names]
        n = len(self.names)
        return [(self.names[i], self.names[(i + step) % n]) for i in range(n)
                for step in sorted({1, n // 2})]

    def seen(self, source):
        return readings.sources_of(self.names)[source]

    def each(self, by_set):
        """A reader of columns that depend on the set only."""
        return {(source, name): by_set[name] for source in readings.sources_of(self.names)
                for name in self.names}

    def readouts(self, variant=None):
        """Those of the engine, unless a variant is named."""
        return readings.readings(variant or self.engines, self.items, self.n_pools, self.cache)[0]

    def heads(self):
        return {item.name: readings.with_nothing(
            [ridge.centred(item.samples.scores(layer).astype(np.float64), item.counts)
             for layer in range(1, item.n_layers)]) for item in self.items}

    def prior(self):
        """{set: [candidates][3]} of BM25."""
        out = {}
        for item in self.items:
            found = readings.kept(
                os.path.join(self.cache, "bm25-%s.npz" % item.name),
                lambda: {("bm25", item.name): before.bm25_scores(item, self.data)})
            scores = found["bm25", item.name]
            out[item.name] = before.prior_features(scores, item.counts)
        return out

    def embedding(self):
        """{(source, set): [candidates]} of ridge readouts of the embedding layer."""
        def compute():
            embedder = before.Embedder(self.model)
            return readings.read_layer(
                self.items, lambda item: before.embedding_features(item.jobs(), embedder),
                [readings.PENALTIES])[0]
        return readings.kept(os.path.join(self.cache, "embedding.npz"), compute)

    def combined(self, inputs):
        """A reader of a few columns: inputs(source, set, boundary) gives [candidates][m], or None
        where nothing is known.  Least squares, within queries, to the final logit on the sets
        that the source has seen; of these, for each query on the folds that it is not in."""
        out = {}
        for source in readings.sources_of(self.names):
            boundaries = [self.combined_at(source, lambda name: inputs(source, name, boundary))
                          for boundary in range(self.n_layers)]
            for name in self.names:
                out[source, name] = np.stack([found[name] for found in boundaries])
        return out

    def combined_at(self, source, columns_of):
        columns = {name: columns_of(name) for name in self.names}
        if columns[self.names[0]] is None:
            return {name: np.zeros(len(self.by_name[name].finals)) for name in self.names}
        columns = {name: ridge.centred(x, self.by_name[name].counts)
                   for name, x in columns.items()}
        seen = [self.by_name[name] for name in self.seen(source)]

        def weights_without(fold):
            return least_squares(
                np.concatenate([columns[item.name][item.rows != fold] for item in seen]),
                np.concatenate([item.finals[item.rows != fold] for item in seen]))
        whole = weights_without(None)
        folds = np.stack([weights_without(fold) for fold in range(ridge.N_FOLDS)])
        return {item.name: (columns[item.name] * (folds[item.rows] if item in seen else whole))
                .sum(1) for item in self.items}

    # ---- Measuring ----

    def history(self, reader, source, name):
        item = self.by_name[name]
        return replay.History(list(reader[source, name]) + [item.finals], item.counts)

    def seen_history(self, reader, source):
        return replay.joined([self.history(reader, source, name) for name in self.seen(source)])

    def measure(self, reader, kind, **options):
        """Means over pairs, with the smallest margins that keep 0.99: Measured."""
        rows = []
        for source, name in self.pairs(kind):
            bound = replay.fitted(self.seen_history(reader, source), **options)
            rows.append(Measured.least(self.history(reader, source, name), bound))
        return Measured.mean(rows)

    def promised(self, reader, kind, **options):
        """Measured and the worst kept, with margins fitted on the source; in domain on one half
        of the queries, tried on the other."""
        rows = []
        for source, name in self.pairs(kind):
            test = self.history(reader, source, name)
            for fitted, tried in halves(test, source == name):
                train = test.part(fitted) if source == name else self.seen_history(reader, source)
                bound = replay.fitted(train, **options)
                margins = replay.fit_margins(train, bound)
                rows.append(Measured.of(test.part(tried), bound, margins))
        return Measured.mean(rows), np.min([row.kept for row in rows], axis=0)


def halves(history, is_split):
    """[(fitted, tried)] masks of queries: every second run of ten, or all are tried."""
    n = len(history.counts)
    if not is_split:
        return [(None, np.ones(n, dtype=bool))]
    odd = ridge.runs(n, 10) % 2 == 1
    return [(odd, ~odd), (~odd, odd)]


def least_squares(columns, y):
    gram = columns.T @ columns
    ridge_of = 1e-6 * np.trace(gram) / len(gram)
    return ridge.solve(gram, columns.T @ y, ridge_of)


class Measured:
    """By K: kept, computed, drift, and the share of candidates that compute no more after each
    layer but the last; gammas by boundary."""

    def __init__(self, gammas, kept, computed, drift, decided):
        self.gammas, self.kept, self.computed = gammas, kept, computed
        self.drift, self.decided = drift, decided

    @staticmethod
    def of_replays(history, replayed):
        columns = []
        for found in replayed:
            if found is None:  # nothing can be left out
                columns.append((1.0, 1.0, 1.0, np.zeros(history.n_layers)))
                continue
            layers = found.layers[found.is_there]
            decided = [(layers <= boundary).mean() for boundary in range(history.n_layers)]
            columns.append((found.kept.mean(), found.computed.mean(), found.drift.mean(),
                            np.array(decided)))
        return Measured(history.gammas(), *(np.array(x) for x in zip(*columns)))

    @staticmethod
    def of(history, bound, margins):
        return Measured.of_replays(history, [replay.replay(history, k, bound, margin)
                                             for k, margin in zip(replay.KS, margins)])

    @staticmethod
    def least(history, bound):
        return Measured.of_replays(history, [replay.least(history, k, bound)
                                             for k in replay.KS])

    @staticmethod
    def mean(rows):
        return Measured(*(np.mean([getattr(row, name) for row in rows], axis=0)
                          for name in ("gammas", "kept", "computed", "drift", "decided")))
