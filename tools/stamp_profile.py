#!/usr/bin/env python3
"""Says in a profile which weights it was made for, as src/profile/fingerprint.c sums them, and
in which arithmetic it was made.

usage: stamp_profile.py MODEL [PROFILE] [--arithmetic f32|bf16|int8] [--samples FILE]

MODEL is a folder with config.json and model.safetensors, PROFILE by default the profile in
it.  For profiles of earlier versions, and for a model whose tensors were written anew with the
same values; nothing is computed again, so be sure that the profile is of these weights and that
arithmetic.  Without --arithmetic it keeps what it says.  --samples puts in what other
arithmetics add, from the comparisons in a file of samples of that arithmetic and with the
profile's own readouts (needs numpy).  `grating calibrate` makes a new profile."""
import argparse
import json
import os
import struct
import sys

PAGE, INIT, PRIME = 4096, 14695981039346656037, 1099511628211
ARITHMETICS = {"f32": 1, "bf16": 2, "int8": 3}
N_BEST = 10


def fnv(value, data):
    for byte in data:
        value = (value ^ byte) * PRIME & 0xFFFFFFFFFFFFFFFF
    return value


def floats(values):
    return struct.pack("<%df" % len(values), *values)


def words(value):
    return floats([(value >> 16 * i) & 0xFFFF for i in range(4)])


def read(path):
    """Header without its metadata, metadata, offset of the payload, and all bytes."""
    with open(path, "rb") as file:
        data = file.read()
    start = 8 + struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:start])
    return header, header.pop("__metadata__", {}), start, data


def fingerprint(path):
    """(shapes, weights) of a safetensors file."""
    header, _, start, data = read(path)
    shapes = weights = INIT
    for name, tensor in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        first, end = tensor["data_offsets"]
        for text in (name, tensor["dtype"]):
            shapes = fnv(shapes, text.encode() + b"\0")
        for number in [*tensor["shape"], 0, start + first]:  # 0: the first file
            shapes = fnv(shapes, struct.pack("<Q", number))
        weights = fnv(weights, data[start + first:start + min(end, first + PAGE)])
    return shapes, weights


# ---- What other arithmetics add: src/calibrate/compare.c once more ----

def readouts_of(samples, tensors, numpy):
    """[n_layers][candidates]: what the readouts say after each layer, then the final logit."""
    weights = numpy.frombuffer(tensors["readouts"][1], "<f4").reshape(tensors["readouts"][0])
    biases = numpy.frombuffer(tensors["biases"][1], "<f4")
    scores = []
    for layer, (row, bias) in enumerate(zip(weights, biases), 1):
        pooled = samples.pooled(layer).astype(float)
        if len(row) > samples.width:
            third = samples.width // 3
            far = numpy.abs(pooled[:, third:2 * third] - pooled[:, 2 * third:])
            pooled = numpy.concatenate([pooled, far], axis=1)
        scores.append(pooled @ row.astype(float) + bias)
    return numpy.array([*scores, samples.scores(samples.n_layers).astype(float)])


def variance(moved, begin, numpy):
    """Of a difference of two candidates of one query."""
    runs = [moved[a:b] - moved[a:b].mean() for a, b in zip(begin[:-1], begin[1:])]
    return 2 * sum((run * run).sum() for run in runs) / (len(moved) - len(runs))


def widening(own, other, begin, numpy):
    """Spreads, moves, shifts and logits of readouts_of() in two arithmetics."""
    n = len(own) - 1
    before = [numpy.vstack([0 * x[:1], x[:-1]]) for x in (own, other)]

    def surplus(moved_own, moved_other):
        more = variance(moved_other, begin, numpy) - variance(moved_own, begin, numpy)
        return max(more, 0) ** 0.5

    spreads = [surplus(own[-1] - own[i], other[-1] - other[i]) for i in range(n)]
    moves = [surplus(own[i] - before[0][i], other[i] - before[1][i]) for i in range(n)]
    shifts = [(other[-1] - other[i] - own[-1] + own[i]).mean() for i in range(n)]
    off, kept = other[-1] - own[-1], []
    for a, b in zip(begin[:-1], begin[1:]):
        if b - a > N_BEST:
            best = [set(numpy.argsort(-x[-1][a:b], kind="stable")[:N_BEST]) for x in (own, other)]
            kept.append(len(best[0] & best[1]) / N_BEST)
    share = (variance(off, begin, numpy) / variance(own[-1], begin, numpy)) ** 0.5
    logits = [len(off), abs(off).mean(), abs(off).max(), share, len(kept),
              sum(kept) / len(kept) if kept else 0]
    return {"spreads": spreads, "moves": moves, "shifts": shifts, "logits": logits}


def widenings(path, tensors, arithmetic):
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "readouts"))
    import numpy
    import samples
    with open(path, "rb") as file:
        made_in = struct.unpack("<I", file.read(24)[20:])[0]
    if made_in != ARITHMETICS[arithmetic]:
        sys.exit("%s: the samples are not those of %s" % (path, arithmetic))
    whole, out = samples.Samples(path), {}
    place = {key: i for i, key in enumerate(whole.keys)}
    scores = readouts_of(whole, tensors, numpy)
    for name in ARITHMETICS:
        if name == arithmetic:
            continue
        try:
            compared = samples.Samples(path, compared=name)
        except SystemExit:
            continue  # there are none
        rows = [range(whole.begin[place[key]], whole.begin[place[key] + 1])
                for key in compared.keys]
        own = scores[:, numpy.concatenate(rows)]
        found = widening(own, readouts_of(compared, tensors, numpy), compared.begin, numpy)
        for part, values in found.items():
            out["%s.%s" % (name, part)] = ([len(values)], floats(values))
    return out


# ---- The profile ----

def stamp(profile, shapes, weights, arithmetic, samples):
    header, metadata, start, data = read(profile)
    tensors = {"fingerprint": ([4], words(shapes)), "weights": ([4], words(weights))}
    for name, tensor in header.items():
        first, end = tensor["data_offsets"]
        tensors.setdefault(name, (tensor["shape"], data[start + first:start + end]))
    if arithmetic:
        tensors["arithmetic"] = ([1], floats([ARITHMETICS[arithmetic]]))
        metadata["arithmetic"] = arithmetic
    if "queries" not in tensors and "queries_fitted" in metadata:
        tensors["queries"] = ([2], floats([int(metadata["queries_" + part])
                                           for part in ("fitted", "reported")]))
    if samples:
        tensors.update(widenings(samples, tensors, metadata["arithmetic"]))
    out, at = {"__metadata__": {**metadata, "format": "grating profile 2"}}, 0
    for name, (shape, payload) in tensors.items():
        out[name] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + len(payload)]}
        at += len(payload)
    text = json.dumps(out, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(payload for _, payload in tensors.values())


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("profile", nargs="?")
    parser.add_argument("--arithmetic", choices=ARITHMETICS)
    parser.add_argument("--samples")
    args = parser.parse_args()
    model = os.path.join(args.model, "model.safetensors")
    profile = args.profile or os.path.join(args.model, "grating.profile.safetensors")
    if not os.path.exists(model):
        sys.exit("%s: no such file; profiles of other checkpoints are calibrated again" % model)
    stamped = stamp(profile, *fingerprint(model), args.arithmetic, args.samples)
    with open(profile + ".new", "wb") as file:
        file.write(stamped)
    os.replace(profile + ".new", profile)


if __name__ == "__main__":
    main()
