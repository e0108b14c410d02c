"""Reads GGUF files: metadata, and tensors stored as F32, F16 or Q8_0."""
import mmap
import struct

import numpy as np

NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q",
           11: "q", 12: "d"}
TEXT, ARRAY = 8, 9
TYPES = {0: "f32", 1: "f16", 8: "q8_0"}
Q8_0_BLOCK = np.dtype([("scale", "<f2"), ("numbers", "i1", 32)])


class Gguf:
    def __init__(self, path):
        with open(path, "rb") as file:
            self.bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self.at = 0
        magic, version, n_tensors, n_entries = self.unpack("<4sIQQ")
        if magic != b"GGUF" or version not in (2, 3):
            raise SystemExit("%s: no GGUF file of version 2 or 3" % path)
        self.metadata = {}
        for _ in range(n_entries):
            key = self.text()
            self.metadata[key] = self.value(*self.unpack("<I"))
        self.places = {}
        for _ in range(n_tensors):
            name, (n_dimensions,) = self.text(), self.unpack("<I")
            shape = self.unpack("<%dQ" % n_dimensions)[::-1]
            self.places[name] = shape, *self.unpack("<IQ")
        alignment = self.metadata.get("general.alignment", 32)
        self.start = -(-self.at // alignment) * alignment

    def unpack(self, layout):
        values = struct.unpack_from(layout, self.bytes, self.at)
        self.at += struct.calcsize(layout)
        return values

    def text(self):
        n, = self.unpack("<Q")
        self.at += n
        return self.bytes[self.at - n:self.at].decode("utf-8")

    def value(self, kind):
        if kind == TEXT:
            return self.text()
        if kind == ARRAY:
            element, n = self.unpack("<IQ")
            return [self.value(element) for _ in range(n)]
        return self.unpack("<" + NUMBERS[kind])[0]

    def tensor(self, name):
        """As float32."""
        shape, kind, offset = self.places[name]
        kind, n, offset = TYPES.get(kind), int(np.prod(shape)), self.start + offset
        if kind is None:
            raise SystemExit("%s: not stored as F32, F16 or Q8_0" % name)
        if kind == "q8_0":
            blocks = np.frombuffer(self.bytes, Q8_0_BLOCK, n // 32, offset)
            values = blocks["numbers"] * blocks["scale"].astype("f4")[:, None]
        else:
            values = np.frombuffer(self.bytes, {"f32": "<f4", "f16": "<f2"}[kind], n, offset)
        return values.astype("f4").reshape(shape)
