#!/usr/bin/env python3
"""Times PyTorch on one ranking request with a Qwen3 reranker in a GGUF file.

usage: pytorch.py MODEL.gguf IDS.json THREADS BATCH [bf16|f32]
IDS: {"ids": [[...], ...]}, the tokens of each pair.

The forward pass does what Hugging Face's implementation does, operation by operation:
batches padded on the left to their longest pair, weights and activations in bf16, norms and
softmax in f32, attention as two matrix products with a mask. Only the last token's row goes
through the head; Hugging Face's default computes logits of the whole vocabulary.
Prints one line of JSON: {"ms", "logits"}; loading and a warm-up by one short pair are not in
the time, and neither is tokenising."""
import json
import sys
import time

import torch
from torch.nn import functional

from gguf_read import Gguf

MATRICES = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")
VECTORS = ("attn_norm", "attn_q_norm", "attn_k_norm", "ffn_norm")


def rms_norm(x, weight, epsilon):
    y = x.float()
    y = y * torch.rsqrt(y.pow(2).mean(-1, keepdim=True) + epsilon)
    return weight * y.to(x.dtype)


def turn(x, cosine, sine):
    """Rotary embedding; component i goes with component i + size / 2."""
    a, b = x.chunk(2, -1)
    return x * cosine + torch.cat((-b, a), -1) * sine


class Qwen3:
    def __init__(self, path, dtype):
        file = Gguf(path)
        if file.metadata["general.architecture"] != "qwen3":
            raise SystemExit("%s: not a Qwen3 model" % path)

        def of(key):
            return file.metadata["qwen3." + key]

        def tensor(name):
            return torch.from_numpy(file.tensor(name + ".weight")).to(dtype)

        self.dtype, self.epsilon = dtype, of("attention.layer_norm_rms_epsilon")
        self.n_heads, self.n_kv = of("attention.head_count"), of("attention.head_count_kv")
        self.size, self.theta = of("attention.key_length"), of("rope.freq_base")
        self.embedding, self.norm = tensor("token_embd"), tensor("output_norm")
        self.head = tensor("cls.output")  # row 0 is yes, row 1 no
        self.layers = [{name: tensor("blk.%d.%s" % (i, name)) for name in MATRICES + VECTORS}
                       for i in range(of("block_count"))]

    def rotation(self, n_tokens):
        steps = torch.arange(0, self.size, 2, dtype=torch.float32) / self.size
        angles = torch.arange(n_tokens)[:, None] * self.theta ** -steps
        angles = torch.cat((angles, angles), -1)
        return angles.cos().to(self.dtype), angles.sin().to(self.dtype)

    def make_mask(self, attended):
        """[pairs][1][tokens][tokens]: 0, or the lowest number for padding and the future."""
        n_tokens = attended.shape[1]
        seen = torch.ones(n_tokens, n_tokens, dtype=torch.bool).tril()
        seen = seen[None, None] & attended[:, None, None, :]
        lowest = torch.finfo(self.dtype).min
        return torch.zeros(seen.shape, dtype=self.dtype).masked_fill(~seen, lowest)

    def attention(self, x, layer, rotation, mask):
        n_pairs, n_tokens, _ = x.shape

        def heads(name, n):
            y = functional.linear(x, layer[name]).view(n_pairs, n_tokens, n, self.size)
            if name + "_norm" in layer:
                y = rms_norm(y, layer[name + "_norm"], self.epsilon)
            return y.transpose(1, 2)

        q = turn(heads("attn_q", self.n_heads), *rotation)
        k = turn(heads("attn_k", self.n_kv), *rotation)
        groups = self.n_heads // self.n_kv
        k = k.repeat_interleave(groups, 1)
        v = heads("attn_v", self.n_kv).repeat_interleave(groups, 1)
        scores = q @ k.transpose(2, 3) * self.size ** -0.5 + mask
        shares = functional.softmax(scores, -1, dtype=torch.float32).to(self.dtype)
        y = (shares @ v).transpose(1, 2).reshape(n_pairs, n_tokens, -1)
        return functional.linear(y, layer["attn_output"])

    def score(self, pairs):
        """Logits of a batch: yes minus no."""
        longest = max(map(len, pairs))
        ids = torch.zeros(len(pairs), longest, dtype=torch.long)
        attended = torch.zeros(len(pairs), longest, dtype=torch.bool)
        for i, pair in enumerate(pairs):
            ids[i, longest - len(pair):] = torch.tensor(pair)
            attended[i, longest - len(pair):] = True
        x, mask, rotation = self.embedding[ids], self.make_mask(attended), self.rotation(longest)
        for layer in self.layers:
            y = rms_norm(x, layer["attn_norm"], self.epsilon)
            x = x + self.attention(y, layer, rotation, mask)
            y = rms_norm(x, layer["ffn_norm"], self.epsilon)
            gate = functional.silu(functional.linear(y, layer["ffn_gate"]))
            y = gate * functional.linear(y, layer["ffn_up"])
            x = x + functional.linear(y, layer["ffn_down"])
        last = rms_norm(x[:, -1], self.norm, self.epsilon)
        both = functional.linear(last, self.head).float()
        return (both[:, 0] - both[:, 1]).tolist()


def main():
    if len(sys.argv) not in (5, 6):
        sys.exit(__doc__)
    path, ids_path, threads, batch = sys.argv[1:5]
    dtype = {"bf16": torch.bfloat16, "f32": torch.float32}[(sys.argv[5:] or ["bf16"])[0]]
    torch.set_num_threads(int(threads))
    batch = int(batch)
    with open(ids_path, encoding="utf-8") as file:
        pairs = json.load(file)["ids"]
    with torch.inference_mode():
        model = Qwen3(path, dtype)
        model.score([pairs[0][:100]])
        start, logits = time.perf_counter(), []
        for i in range(0, len(pairs), batch):
            logits += model.score(pairs[i:i + batch])
        ms = (time.perf_counter() - start) * 1e3
    print(json.dumps({"ms": ms, "logits": logits, "engine": "PyTorch " + torch.__version__}))


if __name__ == "__main__":
    main()
