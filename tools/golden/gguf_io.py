"""Writes GGUF files (versions 2 and 3): header, typed key-values, tensor table, payloads."""
import struct

import numpy as np

import quants
from safetensors_io import bf16_to_f32, round_to_bf16

U8, U16, U32, I32, F32, BOOL, TEXT, ARRAY = 0, 2, 4, 5, 6, 7, 8, 9
TENSOR_TYPES = {"F32": 0, "F16": 1, "Q4_0": 2, "Q4_1": 3, "Q5_0": 6, "Q5_1": 7, "Q8_0": 8,
                "Q2_K": 10, "Q3_K": 11, "Q4_K": 12, "Q5_K": 13, "Q6_K": 14, "BF16": 30}


def q8_0_blocks(values):
    """(scales as f16 [blocks], bytes [blocks][32]) of a float32 array."""
    blocks = np.ascontiguousarray(values, "<f4").reshape(-1, 32)
    exact = np.abs(blocks).max(1) / 127.0
    scales = exact.astype("<f2")
    inverse = np.where(exact > 0, 1.0 / np.where(exact > 0, exact, 1.0), 0.0)
    numbers = np.clip(np.rint(blocks * inverse[:, None]), -127, 127).astype("i1")
    return scales, numbers


def encode(values, dtype):
    if dtype == "Q8_0":
        scales, numbers = q8_0_blocks(values)
        return b"".join(s.tobytes() + q.tobytes() for s, q in zip(scales, numbers))
    if dtype in quants.SIZES:
        return quants.encode(values, dtype).tobytes()
    if dtype == "BF16":
        return round_to_bf16(values).tobytes()
    return np.ascontiguousarray(values).astype({"F32": "<f4", "F16": "<f2"}[dtype]).tobytes()


def stored_value(values, dtype):
    """What a reader gets back, as f64."""
    if dtype == "Q8_0":
        scales, numbers = q8_0_blocks(values)
        return (scales.astype("f8")[:, None] * numbers).reshape(values.shape)
    if dtype in quants.SIZES:
        stored = quants.decode(quants.encode(values, dtype), dtype)
        return stored.reshape(values.shape).astype("f8")
    if dtype == "BF16":
        return bf16_to_f32(round_to_bf16(values)).reshape(values.shape).astype("f8")
    return values.astype({"F32": "<f4", "F16": "<f2"}[dtype]).astype("f8")


def text(value):
    data = value.encode("utf-8")
    return struct.pack("<Q", len(data)) + data


def scalar(kind, value):
    if kind == TEXT:
        return text(value)
    formats = {U8: "<B", U16: "<H", U32: "<I", I32: "<i", F32: "<f", BOOL: "<?"}
    return struct.pack(formats[kind], value)


def key_value(key, kind, value):
    out = text(key)
    if isinstance(value, list):
        out += struct.pack("<IIQ", ARRAY, kind, len(value))
        return out + b"".join(scalar(kind, v) for v in value)
    return out + struct.pack("<I", kind) + scalar(kind, value)


def write_file(path, metadata, tensors, version, alignment):
    head = struct.pack("<4sIQQ", b"GGUF", version, len(tensors), len(metadata))
    head += b"".join(key_value(*entry) for entry in metadata)
    body = b""
    for name, (values, dtype) in tensors.items():
        head += text(name) + struct.pack("<I", values.ndim)
        head += b"".join(struct.pack("<Q", n) for n in reversed(values.shape))
        head += struct.pack("<IQ", TENSOR_TYPES[dtype], len(body))
        data = encode(values, dtype)
        body += data + b"\0" * (-len(data) % alignment)
    with open(path, "wb") as f:
        f.write(head + b"\0" * (-len(head) % alignment) + body)


def write(path, metadata, tensors, version=3, alignment=32, n_splits=1):
    """metadata: [(key, kind, value)]; tensors: {name: (float32 array, storage type)}.
    Shapes stand in the file innermost first.  With splits, "-00001-of-0000N" comes before the
    suffix, and the first file has the metadata."""
    if alignment != 32:
        metadata = metadata + [("general.alignment", U32, alignment)]
    if n_splits == 1:
        return write_file(path, metadata, tensors, version, alignment)
    names = list(tensors)
    for i in range(n_splits):
        part = names[len(names) * i // n_splits:len(names) * (i + 1) // n_splits]
        split = [("split.no", U16, i), ("split.count", U16, n_splits),
                 ("split.tensors.count", I32, len(names))]
        write_file(path.replace(".gguf", "-%05d-of-%05d.gguf" % (i + 1, n_splits)),
                   (metadata if i == 0 else []) + split, {n: tensors[n] for n in part},
                   version, alignment)
