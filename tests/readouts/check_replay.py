#!/usr/bin/env python3
"""Numbers of tools/readouts that were computed by hand, or by plain loops.

usage: check_replay.py SOURCE_DIR
"""
import math
import os
import sys
import tempfile
import types

import numpy as np

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(sys.argv[1], "tools", "readouts"))
import replay  # noqa: E402
import readings  # noqa: E402
import ridge  # noqa: E402
import run  # noqa: E402
import samples  # noqa: E402
import study  # noqa: E402

bad = 0


def check(name, found, wanted, tolerance=1e-6):
    global bad
    if np.shape(found) != np.shape(wanted) or not np.allclose(found, wanted, 0, tolerance,
                                                              equal_nan=True):
        print("%s: %s, not %s" % (name, found, wanted))
        bad = 1


def history(*queries):
    """Each query: [boundaries from 0][candidates]."""
    columns = [np.concatenate(rows) for rows in zip(*queries)]
    return replay.History(columns, [len(q[0]) for q in queries])


def check_gamma():
    # 6 pairs, one swapped; the other query: (0, 1) is tied at 1, the other two disagree
    one = [[0] * 4, [1, 3, 2, 4], [1, 2, 3, 4]]
    two = [[0] * 3, [1, 1, 2], [5, 4, 3]]
    check("gamma", history(one).gammas(), [0, 4 / 6])
    check("gamma of two queries", history(one, two).gammas(), [0, (5 - 1 - 2) / 8])


def check_spread():
    # changes 3, -1, -2 and 2, 0 around means 0 and 1: squares 14 and 2, freedom 2 + 1
    h = history([[0, 0, 0], [1, 2, 3], [4, 1, 1]], [[0, 0], [0, 0], [2, 0]])
    check("spread", h.spread(1, 2), math.sqrt(2 * 16 / 3))
    # from nothing: 1, 2, 3 around 2 and 0, 0
    check("the first move", replay.fitted(h).moves[1], math.sqrt(2 * 2 / 3))
    check("moves of a joined history",
          replay.fitted(replay.joined([h.part([0]), h.part([1])])).moves, replay.fitted(h).moves)


# Four candidates, two wanted: far apart at 1 (changes 1, 1, -1, -1, of one score a deviation
# of sqrt(4/3), of a difference sqrt(8/3)), at 2 the order changes within the halves only.
FOUR = [[0] * 4, [1, 1, -1, -1], [1.2, 1, -1, -1.2], [1, 1.2, -1.2, -1]]
Z = 2.5758293  # P = 0.005 = (1 - 0.99) * 2 / 4


def bound(spread, first_move, **options):
    return replay.Bound(np.array([9, spread, spread]), np.array([np.nan, first_move, 0.25]),
                        **options)


def layers_of(scores, k, of, margin=1.0):
    done = replay.replay(history(scores), k, of, margin)
    return list(done.layers[0]), done


def check_verdicts():
    # the gap is 2: wide enough from a deviation of 2 / Z downwards
    check("decided at 1", layers_of(FOUR, 2, bound(1.999 / Z, 2))[0], [1] * 4)
    check("not decided", layers_of(FOUR, 2, bound(2.001 / Z, 2))[0], [2, 3, 3, 2])
    check("a margin", layers_of(FOUR, 2, bound(1.999 / Z, 2), 1.01)[0], [2, 3, 3, 2])
    check("the first move is not known", layers_of(FOUR, 2, bound(0.1, 0))[0], [2] * 4)
    check("no drift is ever seen", layers_of(FOUR, 2, bound(0.1, math.inf))[0], [1] * 4)
    scores, done = layers_of(FOUR, 2, bound(0.1, 0.01))
    check("drift", done.drift, [math.sqrt(8 / 3) / 0.01], 1e-3)
    check("drift keeps open", scores, [3] * 4)
    # at 1 scores moved 3.3 times as far as expected, at 2 1.2 times: 3.3 stays
    lasting = replay.Bound(np.array([9, 0.3, 0.3]), np.array([np.nan, 0.5, 0.2]))
    check("drift stays", layers_of(FOUR, 2, lasting)[0], [3] * 4)
    scores, done = layers_of(FOUR, 2, bound(1.999 / Z, 2))
    check("computed", done.computed, [1 / 3])
    check("kept", done.kept, [1])
    # Candidate 0 is in at 1, but not in the end; 3 replaces it there.
    wrong = [[0] * 4, [2, 1, -1, -2], [2, 1, -1, -2], [-3, 1, -1, 2]]
    check("one of two is lost", layers_of(wrong, 2, bound(0.01, 9))[1].kept, [0.5])
    tied = [[0] * 3, [1, 1, 0], [1, 1, 0], [1, 2, 0]]
    scores, done = layers_of(tied, 1, bound(0.01, 9))
    check("ties wait", scores, [3, 3, 1])
    check("also where nothing moves", layers_of(tied, 1, bound(0, 9))[0], [3, 3, 1])
    check("and end in the final order", done.kept, [1])
    # at 1 the best and the worst are decided, at 2 one slot is left for two
    left = [[0] * 4, [5, 1, 0.9, -3], [9, 1, -5, -9], [5, 1, -5, -3]]
    of = replay.Bound(np.array([9, 3, 3]) / Z, np.array([np.nan, math.inf, math.inf]))
    scores, done = layers_of(left, 2, of)
    check("in two steps", scores, [1, 2, 2, 1])
    check("slots that are left", done.top[0], [True, True, False, False])
    check("too few candidates are left out", len(layers_of(tied, 2, bound(1, 1))[1].kept), 1)


def check_first_stage():
    led = [[5, 4, 0, -1]] + FOUR[1:]
    of = bound(0.1, 9, decides_first=True)
    of.spreads[0] = 3.999 / Z
    scores, done = layers_of(led, 2, of)
    check("decided before layer 1", scores, [0] * 4)
    check("nothing computed", done.computed, [0])
    of.decides_first = False
    check("it may not", layers_of(led, 2, of)[0], [1] * 4)


def check_unfitted():
    # 4 layers: silent before 2; a difference moved 2 from nothing and not at all after, so
    # D = 2 sqrt(2 / 2) at 2 and 2 sqrt(1 / 3) at 3; decided from 2 / D = Phi^-1(0.995) on
    still = [[0] * 2, [2, 0], [2, 0], [2, 0], [2, 0]]
    check("the first move counts", layers_of(still, 1, replay.unfitted(4))[0], [4, 4])
    # moves 0.5, 0.5 and 1.6: D = 0.5 at 2, where 1 / D is 2; sqrt(3.06 / 3) at 3 for 2.6
    moving = [[0] * 2, [0.5, 0], [1, 0], [2.6, 0], [2, 0]]
    check("a random walk goes on", layers_of(moving, 1, replay.unfitted(4))[0], [4, 4])
    # 1.5 for 1.6: D = sqrt(2.75 / 3) at 3, where 2.5 / D is 2.61
    moving[3] = [2.5, 0]
    check("a random walk is told", layers_of(moving, 1, replay.unfitted(4))[0], [3, 3])
    # nothing moved at all
    equal = [[0] * 2, [0, 0], [0, 0], [0, 0], [2, 0]]
    check("nothing moved", layers_of(equal, 1, replay.unfitted(4))[0], [4, 4])
    # straight on, l / D = l / sqrt(n - l): of 20 layers 2.71 at 9, which is silent, of 12 layers
    # 2.45 at 6 and 3.13 at 7
    long = [[0] * 2] + [[layer, 0] for layer in range(1, 21)]
    check("the first half is silent", layers_of(long, 1, replay.unfitted(20))[0], [10, 10])
    check("later it is not", layers_of(long[:13], 1, replay.unfitted(12))[0], [7, 7])


def check_margins():
    check("passes", [replay.passes(np.ones(100), 1, 0.99), replay.passes(np.ones(99), 1, 0.99)],
          [True, False])
    rng = np.random.default_rng(3)
    final = rng.normal(size=(150, 12))
    columns = [np.zeros(1800)] + [(final + rng.normal(size=final.shape) * s).ravel()
                                  for s in (0.3, 0.1)] + [final.ravel()]
    h = replay.History(columns, [12] * 150)
    fitted = replay.fitted(h)
    margins = replay.fit_margins(h, fitted)
    check("margins do not grow with K", margins, sorted(margins)[::-1])
    for k, margin in zip(replay.KS, margins):
        check("margin at K %d" % k, replay.passes(
            replay.replay(h, k, fitted, margin).kept, k, 0.99), True)
        found = replay.least(h, k, fitted)
        check("least at K %d" % k, found.kept.mean() >= 0.99, True)
        check("and less", found.computed.mean() <= replay.replay(
            h, k, fitted, margin).computed.mean(), True)


def check_ridge():
    """One feature, centred by query: w = xy / (xx + penalty * xx / 1) in scaled units."""
    x = np.array([1.0, 3.0, 5.0, 9.0] * 5)[:, None]
    y = np.tile([1.0, 2.0, 10.0, 14.0], 5)
    sums = ridge.Sums(x, y, np.full(10, 2))
    # by query x is -1, 1 and -2, 2, y is -0.5, 0.5 and -2, 2: xx = 50, xy = 45; and a tenth of
    # how far the two are from their fold's mean, -+0.25 and -+0.525: xx + 1.25, xy + 2.625
    weights, predictions = ridge.fit([sums], (0.1,))
    check("weight", weights, [47.625 / 51.25 / 1.1])
    # every fold has one query of each kind: the others' sums are 4/5 of all
    check("out of fold", predictions[0], sums.x[:, 0] * 38.1 / (41 + 0.1 * 51.25))
    check("the least error", ridge.fit([sums], (1.0, 1e-4))[0], [47.625 / 51.25 / 1.0001])
    check("runs", ridge.runs(7, 3), [0, 0, 0, 1, 1, 2, 2])
    check("a feature that does not vary", ridge.fit(
        [ridge.Sums(np.column_stack([x, np.ones(20)]), y, np.full(10, 2))], (0.1,))[0][1], 0)


def check_penalty():
    """Within queries the target is the feature, between them, ten times as far apart, its
    negative.  That is what any fit finds, and within queries the weakest of them is the best."""
    within = np.tile([-1.0, 1.0], 50)
    level = np.repeat(np.random.default_rng(5).normal(size=50) * 100, 2)
    sums = ridge.Sums((within + level)[:, None], within - level, np.full(50, 2))
    check("the penalty by errors within queries", ridge.fit([sums])[0],
          ridge.fit([sums], ridge.PENALTIES[-1:])[0])


def check_combined():
    """A column that is the final score and a level of each query: levels say nothing."""
    rng = np.random.default_rng(7)
    counts, rows = np.full(10, 4), np.repeat(ridge.runs(10, ridge.N_FOLDS), 4)
    finals = ridge.centred(rng.normal(size=40), counts)
    column = finals + np.repeat(rng.normal(size=10) * 9, 4)
    item = types.SimpleNamespace(name="a", finals=finals, counts=counts, rows=rows)
    alone = types.SimpleNamespace(names=["a"], items=[item], by_name={"a": item},
                                  seen=lambda source: ["a"])
    found = study.Study.combined_at(alone, "a", lambda name: column[:, None])["a"]
    check("combined within queries", found, finals, 1e-4)


class Pooled:
    """A set whose pooled states are these at every layer."""

    def __init__(self, *values):
        self.samples = self
        self.values = np.array(values, dtype=np.float32)

    def pooled(self, layer):
        return self.values * layer


def check_features():
    encoder, decoder = Pooled([1, -2, 3, 4, 5, -6]), Pooled([1, -2, 3, 4])
    wanted = [1, -2, 3, 4, 5, -6, 2, 10]  # |3 - 5|, |4 - -6|
    for i, name in enumerate(readings.POOLS[3]):
        check(name, readings.features(name, encoder, 1, 3), [wanted[:2 * i + 2]])
    check("products", readings.features("and products", encoder, 1, 3),
          [wanted + [3, -8, 15, -24]])
    twice = [2 * x for x in wanted]
    check("the first layer", readings.features("and the layer before", encoder, 1, 3), [wanted])
    check("the second", readings.features("and the layer before", encoder, 2, 3),
          [twice + wanted])
    check("a decoder", readings.features("+ document", decoder, 1, 2), [[1, -2, 3, 4]])
    check("its products", readings.features("and products", decoder, 1, 2),
          [[1, -2, 3, 4, 3, -8]])


def write_samples(path, records, n_layers, width, cut=0, marks=(samples.FINISHED,) * 2):
    data = samples.HEADER.pack(samples.MAGIC, samples.VERSION, n_layers, width)
    for mark, (key, n, values) in zip(marks, records):
        data += samples.RECORD.pack(mark, key, n, 0)
        data += np.asarray(values, "<f4").tobytes()
    with open(path, "wb") as f:
        f.write(data[:len(data) - cut])


def check_samples():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "x.samples")
        # 3 layers, 2 pooled values: per boundary n scores and [n][2], then n final logits
        first, second = np.arange(2 * (2 + 4) + 2), 100 + np.arange(3 * (2 + 4) + 3)
        records = [(7, 2, first), (8, 3, second)]
        write_samples(path, records, 3, 2)
        found = samples.Samples(path)
        check("candidates", found.counts, [2, 3])
        check("keys", found.keys, [7, 8])
        check("scores at 2", found.scores(2), [6, 7, 109, 110, 111])
        check("final logits", found.scores(3), [12, 13, 118, 119, 120])
        check("pooled at 1", found.pooled(1), [[2, 3], [4, 5], [103, 104], [105, 106], [107, 108]])
        check("one", samples.Samples(path, 1).counts, [2])
        write_samples(path, records, 3, 2, cut=4)
        check("a record that is cut off", samples.Samples(path).counts, [2])
        write_samples(path, records, 3, 2, marks=(samples.FINISHED, 0))
        check("a record that is not finished", samples.Samples(path).counts, [2])
        compared = next(m for m, name in samples.COMPARED.items() if name == "int8")
        write_samples(path, records, 3, 2, marks=(samples.FINISHED, compared))
        check("only its own arithmetic", samples.Samples(path).keys, [7])
        check("a comparison", samples.Samples(path, compared="int8").scores(2), [109, 110, 111])
        for cut, name in ((4 * (14 + 21) + 2 * 32 - 8, "no record"),
                          (4 * (14 + 21) + 2 * 32 + 8, "half a header")):
            write_samples(path, records, 3, 2, cut)
            try:
                samples.Samples(path)
                check(name + " is refused", False, True)
            except SystemExit:
                pass


def check_text():
    place = "<!-- readouts: %s a -->\nold\n<!-- end -->\n"
    text = place % "one" + place % "one-more"
    found = run.fill(text, "one", {"a": "new"})
    check("only this model's", found == text.replace("old", "\nnew\n", 1), True)
    check("filled again", run.fill(found, "one", {"a": "new"}) == found, True)
    for name, tables in (("two", {"a": ""}), ("one", {"b": ""})):
        try:
            run.fill(text, name, tables)
            check("a table without a place is refused", False, True)
        except SystemExit:
            pass


for part in (check_gamma, check_spread, check_verdicts, check_first_stage, check_unfitted,
             check_margins, check_ridge, check_penalty, check_combined, check_features,
             check_samples, check_text):
    part()
sys.exit(bad)
