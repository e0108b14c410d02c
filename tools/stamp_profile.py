#!/usr/bin/env python3
"""Says in a profile which weights it was made for, as src/profile/fingerprint.c sums them.

usage: stamp_profile.py MODEL [PROFILE]

MODEL is a folder with config.json and model.safetensors, PROFILE by default the profile in
it.  For profiles of earlier versions, and for a model whose tensors were written anew with the
same values; nothing is measured again, so be sure that the profile is of these weights.
`grating calibrate` makes a new one."""
import json
import os
import struct
import sys

PAGE, INIT, PRIME = 4096, 14695981039346656037, 1099511628211


def fnv(value, data):
    for byte in data:
        value = (value ^ byte) * PRIME & 0xFFFFFFFFFFFFFFFF
    return value


def words(value):
    return struct.pack("<4f", *((value >> 16 * i) & 0xFFFF for i in range(4)))


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


def stamp(profile, shapes, weights):
    header, metadata, start, data = read(profile)
    tensors = {"fingerprint": ([4], words(shapes)), "weights": ([4], words(weights))}
    for name, tensor in header.items():
        first, end = tensor["data_offsets"]
        tensors.setdefault(name, (tensor["shape"], data[start + first:start + end]))
    out, at = {"__metadata__": {**metadata, "format": "grating profile 2"}}, 0
    for name, (shape, payload) in tensors.items():
        out[name] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + len(payload)]}
        at += len(payload)
    text = json.dumps(out, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(payload for _, payload in tensors.values())


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    model = os.path.join(sys.argv[1], "model.safetensors")
    profile = sys.argv[2] if len(sys.argv) == 3 else os.path.join(
        sys.argv[1], "grating.profile.safetensors")
    if not os.path.exists(model):
        sys.exit("%s: no such file; profiles of other checkpoints are calibrated again" % model)
    stamped = stamp(profile, *fingerprint(model))
    with open(profile + ".new", "wb") as file:
        file.write(stamped)
    os.replace(profile + ".new", profile)


if __name__ == "__main__":
    main()
