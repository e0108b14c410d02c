"""What readouts of several kinds of features say of every candidate, in and out of domain."""
import os

import numpy as np

import ridge

# The engine compares six penalties on five folds; here fits are many.
PENALTIES, N_TRIED = (1e-4, 1e-3, 1e-2, 1e-1), 1

# Those of an encoder and of a decoder, whose rows of the query say nothing of a document.  Up
# to the engine's, each is the one before it and one thing more.
POOLS = {3: ("scored row", "+ document", "+ query", "+ differences"),
         2: ("scored row", "+ document")}
RICHER = ("and products", "and the layer before")


def engines(pooled, n_pools):
    """What the engine's readouts read of pooled states (src/rank/scoring.c); profiles made
    before it took differences read the first three quarters of that."""
    if n_pools < 3:
        return pooled
    _, d, q = np.split(pooled, n_pools, axis=1)
    return np.concatenate([pooled, np.abs(d - q)], axis=1)


def features(variant, item, layer, n_pools):
    pooled = item.samples.pooled(layer)
    known, parts = engines(pooled, n_pools), np.split(pooled, n_pools, axis=1)
    if variant in POOLS[n_pools]:
        return known[:, :(POOLS[n_pools].index(variant) + 1) * parts[0].shape[1]]
    if variant == "and products":
        return np.concatenate([known] + [a * b for a, b in zip(parts, parts[1:])], axis=1)
    before = [engines(item.samples.pooled(layer - 1), n_pools)] if layer > 1 else []
    return np.concatenate([known] + before, axis=1)


def sources_of(names):
    """{source: sets that it has seen}: each set alone, and for each set all the others."""
    out = {name: [name] for name in names}
    out.update({"not " + name: [other for other in names if other != name] for name in names})
    return out


def read_layer(items, raw, choices):
    """For each choice of penalties {(source, set): [candidates]}: out of fold where the source
    has seen the set."""
    sums = {item.name: ridge.Sums(raw(item), item.targets, item.counts) for item in items}
    found = []
    for penalties in choices:
        found.append({})
        for source, seen in sources_of(list(sums)).items():
            weights, predictions = ridge.fit([sums[name] for name in seen], penalties, N_TRIED)
            for name in sums:
                found[-1][source, name] = (predictions[seen.index(name)] if name in seen
                                           else sums[name].x @ weights)
    return found


def kept(path, compute):
    """{(source, set): array}, from the file where it is there."""
    if not os.path.exists(path):
        unfinished = path + ".part.npz"
        np.savez(unfinished, **{"%s>%s" % key: value for key, value in compute().items()})
        os.rename(unfinished, path)
    with np.load(path) as found:
        return {tuple(key.split(">")): found[key] for key in found.files}


def readings(variant, items, n_pools, cache, choices=(PENALTIES,)):
    """For each choice of penalties {(source, set): [boundaries][candidates]}, boundary 0 being
    before layer 1, where all are equal."""
    paths = [os.path.join(cache, "%s-%g-%d.npz" % (variant.replace(" ", "_"), p[0], len(p)))
             for p in choices]
    if not all(os.path.exists(path) for path in paths):
        layers = [read_layer(items, lambda item: features(variant, item, layer, n_pools), choices)
                  for layer in range(1, items[0].n_layers)]
        for i, path in enumerate(paths):
            kept(path, lambda: {key: with_nothing([layer[i][key] for layer in layers])
                                for key in layers[0][i]})
    return [kept(path, None) for path in paths]


def with_nothing(columns):
    return np.stack([np.zeros_like(columns[0])] + columns)
