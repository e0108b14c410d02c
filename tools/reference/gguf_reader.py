"""Reads GGUF files (versions 2 and 3) in Python: metadata, and tensors as float32 arrays."""
import os
import struct
import sys

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "golden"))
import gguf_io  # noqa: E402
import quants  # noqa: E402
from safetensors_io import bf16_to_f32  # noqa: E402

SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q",
           11: "<q", 12: "<d"}
PLAIN = {"F32": (1, 4), "F16": (1, 2), "BF16": (1, 2)}


class Reader:
    """metadata: {key: value}; tensors: {name: (type, shape, place)}, shapes outermost first."""

    def __init__(self, path):
        self.path, self.data, self.at = path, np.memmap(path, np.uint8, "r"), 4
        if self.data[:4].tobytes() != b"GGUF":
            raise ValueError("%s: no GGUF file" % path)
        version = self.scalar("<I")
        if version not in (2, 3):
            raise ValueError("%s: version %d of GGUF is not known" % (path, version))
        n_tensors, n_keys = self.scalar("<Q"), self.scalar("<Q")
        self.metadata = {}
        for _ in range(n_keys):
            key = self.text()
            self.metadata[key] = self.value(self.scalar("<I"))
        types, found = {v: k for k, v in gguf_io.TENSOR_TYPES.items()}, {}
        for _ in range(n_tensors):
            name = self.text()
            shape = [self.scalar("<Q") for _ in range(self.scalar("<I"))][::-1]
            found[name] = (types[self.scalar("<I")], shape, self.scalar("<Q"))
        alignment = self.metadata.get("general.alignment", 32)
        begin = -(-self.at // alignment) * alignment
        self.tensors = {name: (dtype, shape, begin + place)
                        for name, (dtype, shape, place) in found.items()}

    def scalar(self, form):
        size = struct.calcsize(form)
        self.at += size
        return struct.unpack(form, self.data[self.at - size:self.at].tobytes())[0]

    def text(self):
        n = self.scalar("<Q")
        self.at += n
        return self.data[self.at - n:self.at].tobytes().decode("utf-8", "surrogateescape")

    def value(self, kind):
        if kind == gguf_io.TEXT:
            return self.text()
        if kind == gguf_io.ARRAY:
            of, n = self.scalar("<I"), self.scalar("<Q")
            return [self.value(of) for _ in range(n)]
        return self.scalar(SCALARS[kind])

    def tensor(self, name):
        """Dequantised, f32."""
        dtype, shape, at = self.tensors[name]
        n = int(np.prod(shape))
        per_block, size = quants.SIZES.get(dtype) or PLAIN[dtype]
        data = np.array(self.data[at:at + n // per_block * size])
        if dtype in quants.SIZES:
            values = quants.decode(data.reshape(-1, size), dtype)
        elif dtype == "BF16":
            values = bf16_to_f32(data.view("<u2"))
        else:
            values = data.view({"F32": "<f4", "F16": "<f2"}[dtype]).astype("<f4")
        return values.reshape(shape)
