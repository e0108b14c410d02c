"""Readouts: ridge regression within queries, as src/calibrate/ridge.c does it.

Features and targets are centred by query, but for a tenth of the query's distance from the
mean of its fold, and features scaled to unit variance within queries.  The penalty
is the one with the least error out of fold, relative to the mean eigenvalue of the Gram
matrix.  Folds are runs of neighbouring queries.  A fit needs only sums over its samples, so
the sums are formed once for each data set and fold; a fit on several sets adds them up.
"""
import numpy as np

PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)  # the engine's
N_FOLDS = 5
SPREAD_MIN = 1e-6
BETWEEN = 0.1


def centred(values, counts):
    """values [candidates][...] less the mean of their query."""
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    sizes = np.reshape(counts, (-1,) + (1,) * (values.ndim - 1))
    return values - np.repeat(np.add.reduceat(values, starts, axis=0) / sizes, counts, axis=0)


def levels(values, within, counts, folds):
    """What is left of each query's mean: BETWEEN of its distance from its fold's mean."""
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    means = (values - within)[starts]
    for fold in range(N_FOLDS):
        means[folds == fold] -= means[folds == fold].mean(0)
    return BETWEEN * np.repeat(means, counts, axis=0)


def runs(n, n_runs):
    """For each of n queries its run: equal lengths, the first few longer by one."""
    return np.repeat(np.arange(n_runs), [len(x) for x in np.array_split(np.arange(n), n_runs)])


def solve(gram, moment, penalty):
    return np.linalg.solve(gram + penalty * np.eye(len(gram)), moment)


class Sums:
    """Of one data set: features and targets centred by query, and per fold the Gram matrix
    and moments."""

    def __init__(self, features, targets, counts):
        raw = features.astype(np.float64)
        folds = runs(len(counts), N_FOLDS)
        within = centred(raw, counts)
        self.x = within + levels(raw, within, counts, folds)
        y = targets.astype(np.float64)
        self.y = centred(y, counts)
        self.y = self.y + levels(y, self.y, counts, folds)
        self.query_folds, self.rows = folds, np.repeat(folds, counts)
        self.squares, self.within = (raw * raw).sum(0), (within * within).sum(0)
        self.n, self.counts = len(self.y), counts
        self.grams, self.moments = [], []
        for fold in range(N_FOLDS):
            x, y = self.x[self.rows == fold], self.y[self.rows == fold]
            self.grams.append(x.T @ x)
            self.moments.append(x.T @ y)


def fit(sums, penalties=PENALTIES, n_tried=N_FOLDS):
    """(weights, predictions out of fold for each of sums).  Penalties are compared on the
    first n_tried folds by errors within queries; of equally good ones the largest is taken."""
    gram, n = sum(g for s in sums for g in s.grams), sum(s.n for s in sums)
    spread = np.sqrt(sum(s.within for s in sums))
    kept = spread > SPREAD_MIN * np.sqrt(sum(s.squares for s in sums))
    scale = np.sqrt(n) / spread[kept]
    pick, units = np.ix_(kept, kept), np.outer(scale, scale)
    grams = [sum(s.grams[f] for s in sums)[pick] * units for f in range(N_FOLDS)]
    moments = [sum(s.moments[f] for s in sums)[kept] * scale for f in range(N_FOLDS)]
    gram, moment = sum(grams), sum(moments)
    unit = np.trace(gram) / min(len(gram), n - sum(len(s.counts) for s in sums))

    def solved(penalty, fold=None):
        weights = np.zeros(len(kept))
        left_out = (0, 0) if fold is None else (grams[fold], moments[fold])
        weights[kept] = scale * solve(gram - left_out[0], moment - left_out[1], penalty * unit)
        return weights

    def error(penalty):
        total = 0.0
        for fold in range(n_tried):
            weights = solved(penalty, fold)
            for s in sums:
                here = s.rows == fold
                off = s.x[here] @ weights - s.y[here]
                total += (centred(off, s.counts[s.query_folds == fold]) ** 2).sum()
        return total

    penalty = max(penalties) if len(penalties) == 1 else min(sorted(penalties)[::-1], key=error)
    predictions = [np.empty(s.n) for s in sums]
    for fold in range(N_FOLDS):
        weights = solved(penalty, fold)
        for s, out in zip(sums, predictions):
            out[s.rows == fold] = s.x[s.rows == fold] @ weights
    return solved(penalty), predictions
