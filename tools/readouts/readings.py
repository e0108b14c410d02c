"""What readouts of several kinds of features say of every candidate, in and out of domain."""
import os

import numpy as np

import ridge

# The engine compares six penalties on five folds; here fits are many.
PENALTIES, N_TRIED = (1e-4, 1e-3, 1e-2, 1e-1), 1

# Those of an encoder and of a decoder, whose rows of the query say nothing of a document.
ENCODER = ("scored row", "+ document", "+ query", "+ products", "+ differences", "two layers")
DECODER = ("scored row", "+ document", "+ products", "two layers")


def features(variant, item, layer, n_pools):
    pooled = item.samples.pooled(layer)
    s, d = np.split(pooled, n_pools, axis=1)[:2]
    q = pooled[:, -s.shape[1]:]
    if variant == "scored row":
        return s
    if variant == "+ document":
        return pooled[:, :2 * s.shape[1]]
    if variant == "+ query":
        return pooled
    if variant == "+ products":
        return np.concatenate([pooled, s * d] + [d * q] * (n_pools > 2), axis=1)
    if variant == "+ differences":
        return np.concatenate([pooled, np.abs(d - q)], axis=1)
    before = [item.samples.pooled(layer - 1)] if layer > 1 else []
    return np.concatenate([pooled] + before, axis=1)


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
