"""Text encoders whose cosine teaches: all-MiniLM-L6-v2 (BERT) and all-mpnet-base-v2 (MPNet).

Both read ids of bert-base-uncased's vocabulary: MPNet's begins with four pieces of its own and
goes on with that one.  A text's vector is the mean of its rows in the last layer, made of
length 1.  Song et al. 2020 for MPNet: BERT with a bias for each head and distance of two rows.
"""
import concurrent.futures
import json
import math
import os
import sys
import zlib

import numpy as np
import torch
from torch.nn import functional as F

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "golden"))
import safetensors_io  # noqa: E402

CHUNK = 64  # texts of one file of the cache
TOKENS_AT_ONCE = 4096
CLS, SEP = 101, 102
LONGEST = {"bert": 256, "mpnet": 256}
PARTS = {"bert": ("attention.self.query", "attention.self.key", "attention.self.value",
                  "attention.output.dense", "attention.output.LayerNorm"),
         "mpnet": ("attention.attn.q", "attention.attn.k", "attention.attn.v",
                   "attention.attn.o", "attention.LayerNorm")}


def distance_buckets(length, n_buckets, farthest=128):
    """[length][length]: the bucket of key - query; half of them for each side, near ones one
    each, the rest on a logarithmic scale."""
    at = torch.arange(length)
    distance = at[:, None] - at[None, :]
    half = n_buckets // 2
    side = (distance < 0).long() * half
    distance = distance.abs()
    near = half // 2
    far = near + (torch.log(distance.clamp(min=1).float() / near) / math.log(farthest / near)
                  * (half - near)).long()
    return side + torch.where(distance < near, distance, far.clamp(max=half - 1))


def has_bf16():
    """Whether the processor multiplies bf16 numbers itself."""
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as f:
        return "avx512_bf16" in f.read()


class Encoder:
    """A folder with config.json and model.safetensors."""

    def __init__(self, folder):
        with open(os.path.join(folder, "config.json"), encoding="utf-8") as f:
            self.config = json.load(f)
        self.kind = self.config["model_type"]
        if self.kind not in PARTS:
            raise SystemExit("%s: model_type %s is no encoder" % (folder, self.kind))
        stored = safetensors_io.read(os.path.join(folder, "model.safetensors"))
        self.weights = {name: torch.from_numpy(w.copy()) for name, w in stored.items()}
        self.size = self.config["hidden_size"]
        self.is_fast = has_bf16()  # four times the speed; cosines move by about 0.002

    def rows(self, x, mask):
        """x, mask [n][length] -> [n][length][hidden]."""
        w, c, length = self.weights, self.config, x.shape[1]
        eps, n_heads = c["layer_norm_eps"], c["num_attention_heads"]
        d = self.size // n_heads

        def norm(y, name):
            return F.layer_norm(y, (self.size,), w[name + ".weight"], w[name + ".bias"], eps)

        def linear(y, name):
            return F.linear(y, w[name + ".weight"], w[name + ".bias"])

        e = "embeddings."
        first = 2 if self.kind == "mpnet" else 0
        y = (w[e + "word_embeddings.weight"][x]
             + w[e + "position_embeddings.weight"][first:first + length])
        bias = torch.where(mask[:, None, None, :], 0.0, -1e4)
        if self.kind == "bert":
            y = y + w[e + "token_type_embeddings.weight"][0]
        else:
            table = w["encoder.relative_attention_bias.weight"]
            buckets = distance_buckets(length, c["relative_attention_num_buckets"])
            bias = bias + table[buckets].permute(2, 0, 1)
        y = norm(y, e + "LayerNorm")
        query, key, value, out, after = PARTS[self.kind]
        for i in range(c["num_hidden_layers"]):
            p = "encoder.layer.%d." % i
            q, k, v = (linear(y, p + name).view(-1, length, n_heads, d).transpose(1, 2)
                       for name in (query, key, value))
            scores = torch.softmax(q @ k.transpose(2, 3) * d ** -0.5 + bias, -1)
            mixed = (scores @ v).transpose(1, 2).reshape(-1, length, self.size)
            y = norm(y + linear(mixed, p + out), p + after)
            inner = F.gelu(linear(y, p + "intermediate.dense"))
            y = norm(y + linear(inner, p + "output.dense"), p + "output.LayerNorm")
        return y

    def vectors(self, sequences):
        """ids without [CLS] and [SEP] -> [n][hidden], f32, length 1."""
        shift, cls, sep = (4, 0, 2) if self.kind == "mpnet" else (0, CLS, SEP)
        longest = LONGEST[self.kind] - 2
        cut = [np.asarray(s[:longest], np.int64) + shift for s in sequences]
        order = sorted(range(len(cut)), key=lambda i: -len(cut[i]))
        out, at = np.zeros((len(cut), self.size), np.float32), 0
        while at < len(order):
            length = len(cut[order[at]]) + 2
            batch = order[at:at + max(1, TOKENS_AT_ONCE // length)]
            x = np.full((len(batch), length), 0 if self.kind == "bert" else 1, np.int64)
            mask = np.zeros((len(batch), length), bool)
            for row, i in enumerate(batch):
                n = len(cut[i])
                x[row, :n + 2] = [cls, *cut[i], sep]
                mask[row, :n + 2] = True
            with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, self.is_fast):
                mask = torch.from_numpy(mask)
                y = self.rows(torch.from_numpy(x), mask)
                kept = mask[..., None].float()
                mean = F.normalize((y * kept).sum(1) / kept.sum(1), dim=1)
            out[batch] = mean.numpy()
            at += len(batch)
        return out


def embed(encoder, sequences, cache, workers=2):
    """Vectors of all sequences, f32.  Chunks lie in the folder `cache`, named by their texts:
    after an interruption the same call goes on."""
    os.makedirs(cache, exist_ok=True)
    starts = range(0, len(sequences), CHUNK)

    def one(start):
        part = sequences[start:start + CHUNK]
        name = zlib.crc32(b"|".join(np.asarray(s, "<u2").tobytes() for s in part))
        path = os.path.join(cache, "%06d-%08x.npy" % (start, name))
        if not os.path.exists(path):
            np.save(path + ".part.npy", encoder.vectors(part))
            os.replace(path + ".part.npy", path)
        return np.load(path)

    with concurrent.futures.ThreadPoolExecutor(
            workers, initializer=lambda: torch.set_num_threads(1)) as pool:
        parts = list(pool.map(one, starts))
    return np.concatenate(parts) if parts else np.zeros((0, encoder.size), np.float32)
