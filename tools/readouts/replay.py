"""The policy `bound` on recorded scores, as src/select/bound.c, selector.c and decisions.c do
it, for many queries at once.

Arrays by boundary count from 0, which is before layer 1: there all scores are equal, or
those of a first stage.
"""
from collections import namedtuple
from statistics import NormalDist

import numpy as np

MARGINS = 4.0 * 0.92 ** np.arange(53)  # those of src/calibrate/tables.c
KS = (1, 5, 10)
PRECISION = 0.99
CONFIDENCE = 1.645  # deviations of a normal variable, 95 % on one side


class History:
    """Scores [queries][boundaries][candidates] with the final logits last, padded to the
    most candidates."""

    def __init__(self, columns, counts):
        """columns: [candidates] for each boundary from 0 on, and the final logits."""
        self.counts = np.asarray(counts)
        most = self.counts.max()
        self.is_there = np.arange(most) < self.counts[:, None]
        self.scores = np.full((len(counts), len(columns), most), np.nan)
        for boundary, column in enumerate(columns):
            self.scores[:, boundary][self.is_there] = np.asarray(column, dtype=np.float32)

    @property
    def n_layers(self):
        return self.scores.shape[1] - 1

    def part(self, queries):
        out = object.__new__(History)
        out.counts, out.is_there, out.scores = (
            x[queries] for x in (self.counts, self.is_there, self.scores))
        return out

    def spread(self, a, b):
        """What a difference moves between two boundaries; one degree less per query."""
        x = self.scores[:, b] - self.scores[:, a]
        x = x - np.nanmean(x, axis=1, keepdims=True)
        return np.sqrt(2.0 * np.nansum(x * x) / (self.counts - 1).sum())

    def gammas(self):
        """Goodman and Kruskal's at each boundary, with the final order."""
        final = np.sign(self.scores[:, -1, :, None] - self.scores[:, -1, None, :])
        out = []
        for boundary in range(self.n_layers):
            x = self.scores[:, boundary]
            agrees = np.sign(x[:, :, None] - x[:, None, :]) * final
            out.append(np.nansum(agrees) / max(1.0, np.nansum(np.abs(agrees))))
        return np.array(out)


def joined(histories):
    """One history of several with as many boundaries."""
    out = object.__new__(History)
    most = max(h.scores.shape[2] for h in histories)
    out.counts = np.concatenate([h.counts for h in histories])
    out.is_there = np.concatenate([np.pad(h.is_there, [(0, 0), (0, most - h.is_there.shape[1])])
                                   for h in histories])
    out.scores = np.concatenate([
        np.pad(h.scores, [(0, 0), (0, 0), (0, most - h.scores.shape[2])], constant_values=np.nan)
        for h in histories])
    return out


class Bound:
    """spreads and moves by boundary, as in a profile; moves None: spreads are multiples of
    the root mean square of all moves so far.  A move of 0: not known, and the boundary is
    silent; infinity: no drift is ever seen.  decides_first: boundary 0 decides, too, where no
    move can be seen."""

    def __init__(self, spreads, moves, decides_first=False):
        self.spreads, self.moves, self.decides_first = spreads, moves, decides_first


def fitted(history, first_move=None, decides_first=False):
    """The bound of these queries.  first_move: see Bound, instead of the one measured."""
    n = history.n_layers
    moves = np.array([np.nan] + [history.spread(l - 1, l) for l in range(1, n)])
    if first_move is not None:
        moves[1] = first_move
    return Bound(np.array([history.spread(l, n) for l in range(n)]), moves, decides_first)


def unfitted(n_layers):
    """What the engine does without a profile: a random walk, silent in the first half."""
    layers = np.arange(n_layers)
    steps = np.sqrt(n_layers - layers)
    return Bound(np.where(layers >= (n_layers + 1) // 2, steps, np.inf), None)


# ---- Replay ----

def gaps(history, boundary, active, slots):
    """(order, gaps of the sorted scores to the boundary, who is inside, who outside) of every
    query; ties by index."""
    x = np.where(active, -history.scores[:, boundary], np.inf)
    order = np.argsort(x, axis=1, kind="stable")
    ranked = -np.take_along_axis(x, order, axis=1)
    rows, n = np.arange(len(x)), active.sum(1)
    last_inside = ranked[rows, np.clip(slots - 1, 0, None)]
    best_outside = ranked[rows, np.clip(slots, None, x.shape[1] - 1)]
    rank = np.arange(x.shape[1])[None, :]
    inside = rank < np.minimum(slots, n)[:, None]
    outside = (rank >= slots[:, None]) & (rank < n[:, None])
    with np.errstate(invalid="ignore"):
        gap = np.where(inside, ranked - best_outside[:, None], last_inside[:, None] - ranked)
    return order, gap, inside, outside


def moved(history, boundary, active):
    """What a difference of the active scores moved since the boundary before; NaN where fewer
    than two are left."""
    x = np.where(active, history.scores[:, boundary] - history.scores[:, boundary - 1], np.nan)
    n = active.sum(1)
    with np.errstate(invalid="ignore", divide="ignore"):
        x = x - np.nansum(x, axis=1, keepdims=True) / n[:, None]
        return np.sqrt(2.0 * np.nansum(x * x, axis=1) / np.where(n > 1, n - 1, np.nan))


def widen(bound, boundary, seen, walked, drift):
    """(drift, what spreads are multiplied by: infinity where the policy is silent).  seen: the
    move to this boundary; walked: the squares of all so far."""
    if boundary == 0:
        return drift, np.where(bound.decides_first, drift, np.inf)
    if bound.moves is None:
        return drift, np.where(walked > 0, np.sqrt(walked / boundary), np.inf)
    expected = bound.moves[boundary]
    if boundary == 1 and expected == 0:
        return drift, np.full(len(drift), np.inf)
    with np.errstate(divide="ignore", invalid="ignore"):
        drift = np.where(seen > expected, np.fmax(drift, seen / expected), drift)
    return drift, np.where(np.isnan(seen), np.inf, drift)


def verdicts(history, boundary, active, slots, reach):
    """(selected, dropped) of the active candidates; reach: the gap that decides, by query.  Who
    fills the last slots leaves nobody outside, and the other way round: the gap between the
    two at the boundary belongs to both."""
    order, gap, inside, outside = gaps(history, boundary, active, slots)
    wide = (gap >= reach[:, None]) & (gap > 0)
    selects, drops = wide & inside, wide & outside
    back = np.argsort(order, axis=1)
    return np.take_along_axis(selects, back, 1), np.take_along_axis(drops, back, 1)


def best(scores, candidates, n):
    """Which of the candidates are the n best, by query."""
    x = np.where(candidates, -scores, np.inf)
    place = np.argsort(np.argsort(x, axis=1, kind="stable"), axis=1)
    return candidates & (place < np.reshape(n, (-1, 1)))


# By query: share of the full pass's top K that came back, share of it that was computed,
# drift; by candidate: whether there is one, how many layers it computed, and whether it is
# among the top K.
Replayed = namedtuple("Replayed", "kept computed drift is_there layers top")


def replay(history, k, bound, margin, precision=PRECISION):
    """Of the queries with more than k candidates."""
    history = history.part(history.counts > k)
    n_queries, n_layers = len(history.counts), history.n_layers
    active, chosen = history.is_there.copy(), np.zeros_like(history.is_there)
    layers = np.where(active, n_layers, 0)
    slots, drift, walked = np.full(n_queries, k), np.ones(n_queries), np.zeros(n_queries)
    z = np.array([NormalDist().inv_cdf(1.0 - (1.0 - precision) * k / n) for n in history.counts])
    for boundary in range(n_layers):
        seen = moved(history, boundary, active) if boundary else np.zeros(n_queries)
        walked = walked + seen * seen
        drift, factor = widen(bound, boundary, seen, walked, drift)
        reach = z * margin * bound.spreads[boundary] * factor
        selects, drops = verdicts(history, boundary, active, slots, reach)
        layers[selects | drops] = boundary
        chosen |= selects
        active &= ~(selects | drops)
        slots = slots - selects.sum(1)
    final = history.scores[:, -1]
    top = chosen | best(final, active, slots)
    kept = (top & best(final, history.is_there, k)).sum(1) / k
    return Replayed(kept, layers.sum(1) / (history.counts * n_layers), drift,
                    history.is_there, layers, top)


# ---- Margins ----

def passes(kept, k, precision):
    error = kept.std() / np.sqrt(max(1, len(kept) - 1))
    return kept.mean() - max(CONFIDENCE * error, 1.0 / (len(kept) * k)) >= precision


def fit_margins(history, bound, precision=PRECISION):
    """The margins of src/calibrate/tables.c for KS."""
    out = []
    for k in KS:
        passing = flawless = np.inf
        all_pass = none_missed = True
        for margin in MARGINS:
            kept = replay(history, k, bound, margin, precision).kept
            all_pass = all_pass and passes(kept, k, precision)
            none_missed = none_missed and ((1.0 - kept) * k).sum() < 0.5
            passing = margin if all_pass else passing
            flawless = margin if none_missed else flawless
            if not all_pass and not none_missed:
                break
        out.append(passing if np.isfinite(passing) else max(1.0, flawless))
    for i in range(len(out) - 2, -1, -1):
        out[i] = max(out[i], out[i + 1])
    return out


def least(history, k, bound, overlap=PRECISION):
    """The replay with the smallest margin such that it and all wider ones keep `overlap` of
    these queries' own top K: what scores are worth, apart from how well a margin can be told
    beforehand.  None where no margin does."""
    found = None
    for margin in MARGINS:
        replayed = replay(history, k, bound, margin)
        if replayed.kept.mean() < overlap:
            break
        found = replayed
    return found
