"""Reads what `grating calibrate` writes: files of samples and profiles.

src/calibrate/samples.c says how a file of samples is laid out, src/profile/profile.h which
tensors a profile has.
"""
import hashlib
import json
import os
import struct
import sys

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path += [os.path.join(HERE, "..", name) for name in ("golden", "reference", "evidence")]
import safetensors_io  # noqa: E402

HEADER, RECORD = struct.Struct("<8s3I44x"), struct.Struct("<4Q")
MAGIC, VERSION = b"GRTSAMPL", 2
FINISHED = 0x64726F6365727467
ARITHMETICS = {1: "f32", 2: "bf16", 3: "int8"}
COMPARED = {0x00726F6365727467 | ord(str(a)) << 56: name for a, name in ARITHMETICS.items()}


class Samples:
    """Queries of one file.  Candidates of query i are rows begin[i]..begin[i + 1]-1; keys
    tell queries and their documents apart, whatever the model.  Those in the file's own
    arithmetic, or the comparisons in another one."""

    def __init__(self, path, limit=None, compared=None):
        self._values = np.memmap(path, dtype="<f4", mode="r")
        head = self._bytes(0, HEADER)
        if len(head) < HEADER.size:
            sys.exit("%s: no file of samples" % path)
        magic, version, self.n_layers, self.width = HEADER.unpack(head)
        if magic != MAGIC or version != VERSION:
            sys.exit("%s: no samples of version %d" % (path, VERSION))
        found, at = hashlib.sha256(head), HEADER.size // 4
        self._places, counts, self.keys = [], [], []
        while len(counts) != limit:
            record = self._bytes(at, RECORD)
            if len(record) < RECORD.size:
                break
            mark, key, n, _ = RECORD.unpack(record)
            end = at + RECORD.size // 4 + n * (self.n_layers + (self.n_layers - 1) * self.width)
            kind = None if mark == FINISHED else COMPARED.get(mark, "")
            if kind == "" or end > len(self._values):
                break
            at, before = end, at
            if kind != compared:
                continue
            self._places.append(before + RECORD.size // 4)
            counts.append(n)
            self.keys.append(key)
            found.update(record)
        if not counts:
            sys.exit("%s: holds no whole record" % path)
        self.digest = found.hexdigest()[:12]
        self.counts = np.array(counts, dtype=int)
        self.begin = np.concatenate([[0], np.cumsum(self.counts)])

    def _bytes(self, at, layout):
        return self._values[at:at + layout.size // 4].tobytes()

    def scores(self, layer):
        """The head's logits after `layer` layers, [candidates]."""
        return np.concatenate([self._values[p + (layer - 1) * n * (self.width + 1):][:n]
                               for p, n in zip(self._places, self.counts)])

    def pooled(self, layer):
        """[candidates][width]: scored row, document mean and, where rows see each other in
        both directions, query mean, side by side."""
        out = np.empty((self.begin[-1], self.width), dtype=np.float32)
        for p, n, begin in zip(self._places, self.counts, self.begin):
            at = p + (layer - 1) * n * (self.width + 1) + n
            out[begin:begin + n] = self._values[at:at + n * self.width].reshape(n, -1)
        return out


def read_profile(path):
    return safetensors_io.read(path)


def read_jobs(path):
    """The queries that have samples: those with two documents at least."""
    with open(path, encoding="utf-8") as f:
        jobs = [json.loads(line) for line in f if line.strip()]
    return [job for job in jobs if len(job["documents"]) >= 2]
