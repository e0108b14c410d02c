"""Reads and writes safetensors: u64 header length, a JSON header, then the payloads."""
import json
import os
import struct

import numpy as np

NUMPY_TYPES = {"F32": "<f4", "F16": "<f2", "BF16": "<u2"}


def round_to_bf16(values):
    """float32 array -> the 16 bits of the nearest bfloat16 (ties to even), as uint16."""
    bits = np.ascontiguousarray(values, "<f4").view("<u4").astype(np.uint64)
    bits += 0x7FFF + ((bits >> 16) & 1)
    return (bits >> 16).astype("<u2")


def bf16_to_f32(bits):
    return (bits.astype("<u4") << 16).view("<f4")


def encode(values, dtype):
    """float32 array -> bytes in storage type `dtype`."""
    if dtype == "BF16":
        return round_to_bf16(values).tobytes()
    return np.ascontiguousarray(values).astype(NUMPY_TYPES[dtype]).tobytes()


def stored_value(values, dtype):
    """What a reader gets back: the values after rounding to the storage type, as f64."""
    if dtype == "BF16":
        return bf16_to_f32(round_to_bf16(values)).reshape(values.shape).astype("f8")
    return values.astype(NUMPY_TYPES[dtype]).astype("f8")


def chosen(dtype, name, values):
    """A storage type, or a function (name, values) that gives it."""
    return dtype(name, values) if callable(dtype) else dtype


def write(path, tensors, dtype):
    """tensors: {name: array}, written in the order of the dict; int64 arrays stay I64."""
    header, payloads, offset = {"__metadata__": {"format": "pt"}}, [], 0
    for name, values in tensors.items():
        is_int = values.dtype == np.int64
        stored = "I64" if is_int else chosen(dtype, name, values)
        data = values.tobytes() if is_int else encode(values, stored)
        header[name] = {"dtype": stored, "shape": list(values.shape),
                        "data_offsets": [offset, offset + len(data)]}
        payloads.append(data)
        offset += len(data)
    text = json.dumps(header, separators=(",", ":")).encode("utf-8")
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(payloads))


def read(path):
    """{name: float32 array}"""
    with open(path, "rb") as f:
        data = f.read()
    n = struct.unpack_from("<Q", data)[0]
    out = {}
    for name, info in json.loads(data[8:8 + n]).items():
        if name == "__metadata__" or info["dtype"] not in NUMPY_TYPES:
            continue
        begin, end = info["data_offsets"]
        raw = np.frombuffer(data[8 + n + begin:8 + n + end], NUMPY_TYPES[info["dtype"]])
        values = bf16_to_f32(raw) if info["dtype"] == "BF16" else raw.astype("<f4")
        out[name] = values.reshape(info["shape"])
    return out


def write_shards(folder, tensors, dtype, n_shards):
    """model.safetensors, or n_shards files of it and their index."""
    if n_shards == 1:
        write(os.path.join(folder, "model.safetensors"), tensors, dtype)
        return
    names, weight_map = list(tensors), {}
    for i in range(n_shards):
        part = names[len(names) * i // n_shards:len(names) * (i + 1) // n_shards]
        shard = "model-%05d-of-%05d.safetensors" % (i + 1, n_shards)
        write(os.path.join(folder, shard), {n: tensors[n] for n in part}, dtype)
        weight_map.update((n, shard) for n in part)
    total = sum(len(encode(v, chosen(dtype, n, v))) for n, v in tensors.items())
    with open(os.path.join(folder, "model.safetensors.index.json"), "w") as f:
        json.dump({"metadata": {"total_size": total}, "weight_map": weight_map}, f, indent=1)
