"""The two architectures as functions of {Hugging Face name: tensor}, made for training.

Sequences come sorted by length in groups; within a group they are padded to its longest.
Linear maps, norms and activations go over the rows of all groups at once, attention over
one group at a time, so little is spent on padding and each weight has one gradient.
What the sequences of a decoder have in common at their beginning, the prompt with the query,
is computed once: PromptBatch.
In the last layer only the scored row of each sequence is computed.  The same formulas,
one sequence at a time, are in tools/golden/bert.py and qwen3.py.
"""
import math

import torch
from torch.nn import functional as F

import lexical_start


class Bytes(torch.autograd.Function):
    """Rounds each 256 inputs of a row to 255 levels, as the engine's int8 does; the gradient
    passes as if nothing had happened."""

    @staticmethod
    def forward(_, x):
        out = torch.empty_like(x)
        for part, to in zip(x.split(256, -1), out.split(256, -1)):
            scale = part.abs().amax(-1, keepdim=True).clamp_(min=1e-20) / 127.0
            torch.mul(torch.round(part / scale), scale, out=to)
        return out

    @staticmethod
    def backward(_, gradient):
        return gradient


class Arithmetic:
    """The type that the layers compute in; with bytes, what their linear maps multiply is
    rounded to int8 first, which teaches a network to bear it."""

    def __init__(self, dtype, with_bytes=False):
        self.dtype, self.with_bytes = dtype, with_bytes

    def matrices(self, weights):
        """Those of the layers in the type of the arithmetic; the rest stays f32."""
        return {name: w.to(self.dtype) if "layer" in name else w for name, w in weights.items()}

    def linear(self, x, weight, bias=None):
        if self.with_bytes:
            x, weight = Bytes.apply(x), Bytes.apply(weight)
        return F.linear(x, weight, bias)


class Batch:
    """Rows of all groups; groups: [(first row, sequences, length)]."""

    def __init__(self, ids, types, positions, lengths, groups, device):
        self.ids, self.types = ids.to(device), types.to(device)
        self.positions, self.groups = positions.to(device), groups
        lengths = lengths.to(device)
        self.first, self.last, self.masks, at = [], [], [], 0
        for begin, n, length in groups:
            start = begin + torch.arange(n, device=device) * length
            own = lengths[at:at + n]
            self.first.append(start)
            self.last.append(start + own - 1)
            is_pad = torch.arange(length, device=device)[None, :] >= own[:, None]
            self.masks.append(is_pad if bool(is_pad.any()) else None)
            at += n
        self.first, self.last = torch.cat(self.first), torch.cat(self.last)


class PromptBatch:
    """Rows of prompts, each followed by the groups of sequences that go on from it.

    parts: [(first row, sequences, length, prompt's length)] in order of rows; a prompt is a
    part of one sequence with the prompt's length 0."""

    def __init__(self, ids, parts, last, device):
        self.ids, self.parts, self.last = ids.to(device), parts, last.to(device)
        self.longest = max(length + before for _, _, length, before in parts)


def attend(q, k, v, pad_mask, rows=None):
    """q [n][heads][m][d], already scaled, k and v [n][kv heads][l][d] -> [n][m][heads * d].
    rows [m] or [n][m]: causal, q being these rows of l."""
    n, n_heads, m, d = q.shape
    if k.shape[1] != n_heads:
        k = k.repeat_interleave(n_heads // k.shape[1], 1)
        v = v.repeat_interleave(n_heads // v.shape[1], 1)
    scores = q @ k.transpose(2, 3)
    if pad_mask is not None:
        scores = scores.masked_fill(pad_mask[:, None, None, :], -1e4)
    if rows is not None:  # the rows of the sequences that q holds
        future = torch.arange(k.shape[2], device=q.device) > rows[..., None]
        scores = scores.masked_fill(future.view(-1, 1, m, k.shape[2]), -1e4)
    return (torch.softmax(scores, -1) @ v).transpose(1, 2).reshape(n, m, n_heads * d)


def bert_layer(x, w, prefix, config, batch, arithmetic, is_last):
    n_heads, eps = config["num_attention_heads"], config["layer_norm_eps"]
    h = config["hidden_size"]
    d = h // n_heads
    def projection(part, scale=1.0):
        name = prefix + "attention.self." + part
        return w[name + ".weight"] * scale, w[name + ".bias"] * scale

    kv = [projection("key"), projection("value")]
    query = projection("query", d ** -0.5)  # cheaper than scaling the scores
    if is_last:
        q_groups = arithmetic.linear(x[batch.first], *query).split([n for _, n, _ in batch.groups])
    else:
        kv.insert(0, query)
    y = arithmetic.linear(x, torch.cat([p[0] for p in kv]), torch.cat([p[1] for p in kv]))
    mixed = []
    # split, not slices: the gradient of n slices is n buffers as large as y.
    groups = y.split([n * length for _, n, length in batch.groups])
    for i, ((_, n, length), mask) in enumerate(zip(batch.groups, batch.masks)):
        parts = groups[i].view(n, length, len(kv), n_heads, d).permute(2, 0, 3, 1, 4).unbind()
        q = q_groups[i].view(n, n_heads, 1, d) if is_last else parts[0]
        mixed.append(attend(q, parts[-2], parts[-1], mask).reshape(-1, h))

    def add_norm(residual, y, name):
        name = prefix + name + ".LayerNorm"
        return F.layer_norm(residual + y, (h,), w[name + ".weight"], w[name + ".bias"], eps)

    def dense(y, name):
        name = prefix + name + ".dense"
        return arithmetic.linear(y, w[name + ".weight"], w[name + ".bias"])

    x = x[batch.first] if is_last else x
    x = add_norm(x, dense(torch.cat(mixed), "attention.output"), "attention.output")
    return add_norm(x, dense(F.gelu(dense(x, "intermediate")), "output"), "output")


def bert_logits(weights, config, batch, arithmetic):
    e = "bert.embeddings."
    x = (F.embedding(batch.ids, weights[e + "word_embeddings.weight"])
         + F.embedding(batch.positions, weights[e + "position_embeddings.weight"])
         + F.embedding(batch.types, weights[e + "token_type_embeddings.weight"]))
    x = F.layer_norm(x, x.shape[1:], weights[e + "LayerNorm.weight"],
                     weights[e + "LayerNorm.bias"], config["layer_norm_eps"]).to(arithmetic.dtype)
    w, n_layers = arithmetic.matrices(weights), config["num_hidden_layers"]
    for i in range(n_layers):
        x = bert_layer(x, w, "bert.encoder.layer.%d." % i, config, batch, arithmetic,
                       i == n_layers - 1)
    # The head stays in f32: in bf16 many logits tie, and training stalls.
    pooled = torch.tanh(F.linear(x.float(), weights["bert.pooler.dense.weight"],
                                 weights["bert.pooler.dense.bias"]))
    return F.linear(pooled, weights["classifier.weight"], weights["classifier.bias"])[:, 0]


def rms_norm(x, weight, eps):
    y = x.float()
    y = y * torch.rsqrt((y * y).mean(-1, keepdim=True) + eps)
    return (y * weight.float()).to(x.dtype)


def rotate(x, cosine, sine):
    """x [n][heads][l][d]; cosine and sine [l][d / 2]."""
    a, b = x.chunk(2, -1)
    return torch.cat([a * cosine - b * sine, b * cosine + a * sine], -1)


def rotation(length, config, dtype, device):
    half = config["head_dim"] // 2
    steps = torch.arange(half, dtype=torch.float64) * (-2.0 / config["head_dim"])
    angle = torch.arange(length)[:, None] * config["rope_theta"] ** steps
    return (torch.cos(angle).to(device=device, dtype=dtype),
            torch.sin(angle).to(device=device, dtype=dtype))


def qwen3_layer(x, w, prefix, config, batch, turns, arithmetic, is_last):
    d, eps = config["head_dim"], config["rms_norm_eps"]
    n_heads, n_kv = config["num_attention_heads"], config["num_key_value_heads"]
    names = [prefix + "self_attn.%s_proj.weight" % part for part in "qkv"]
    y = rms_norm(x, w[prefix + "input_layernorm.weight"], eps)
    y = arithmetic.linear(y, torch.cat([w[name] for name in names]))
    q_norm = w[prefix + "self_attn.q_norm.weight"] * d ** -0.5
    k_norm = w[prefix + "self_attn.k_norm.weight"]
    mixed, n_seen = [], 0
    split = y.split([n * length for _, n, length, _ in batch.parts])
    for (begin, n, length, before), part in zip(batch.parts, split):
        part = part.view(n, length, n_heads + 2 * n_kv, d)
        q, k, v = part.transpose(1, 2).split([n_heads, n_kv, n_kv], 1)
        cosine, sine = (t[before:before + length] for t in turns)
        k = rotate(rms_norm(k, k_norm, eps), cosine, sine)
        rows = torch.arange(before, before + length, device=x.device)
        if before:  # the prompt's keys and values come first
            k = torch.cat([prompt[0].expand(n, -1, -1, -1), k], 2)
            v = torch.cat([prompt[1].expand(n, -1, -1, -1), v], 2)
        else:
            prompt = (k, v)
        if is_last and not before:
            continue
        if is_last:
            scored = batch.last[n_seen:n_seen + n] - begin
            n_seen += n
            q = q.transpose(1, 2).reshape(n * length, n_heads, d)[scored][:, :, None]
            rows = (scored % length + before)[:, None]
            cosine, sine = (t[rows][:, None] for t in turns)
        q = rotate(rms_norm(q, q_norm, eps), cosine, sine)
        # Padding is at the end, where causal attention does not look.
        mixed.append(attend(q, k, v, None, rows).reshape(-1, n_heads * d))
    x = x[batch.last] if is_last else x
    x = x + arithmetic.linear(torch.cat(mixed), w[prefix + "self_attn.o_proj.weight"])
    y = rms_norm(x, w[prefix + "post_attention_layernorm.weight"], eps)
    y = (F.silu(arithmetic.linear(y, w[prefix + "mlp.gate_proj.weight"]))
         * arithmetic.linear(y, w[prefix + "mlp.up_proj.weight"]))
    return x + arithmetic.linear(y, w[prefix + "mlp.down_proj.weight"])


def qwen3_logits(weights, config, batch, arithmetic):
    x = F.embedding(batch.ids, weights["model.embed_tokens.weight"]).to(arithmetic.dtype)
    w, n_layers = arithmetic.matrices(weights), config["num_hidden_layers"]
    turns = rotation(batch.longest, config, arithmetic.dtype, x.device)
    for i in range(n_layers):
        x = qwen3_layer(x, w, "model.layers.%d." % i, config, batch, turns, arithmetic,
                        i == n_layers - 1)
    x = rms_norm(x.float(), weights["model.norm.weight"], config["rms_norm_eps"])
    yes, no = config["answer_ids"]
    words = weights["model.embed_tokens.weight"]
    return x @ (words[yes] - words[no])


def logits(weights, config, batch, arithmetic):
    forward = qwen3_logits if config["model_type"] == "qwen3" else bert_logits
    return forward(weights, config, batch, arithmetic)


def start(config, words, seed):
    """First weights; words: the table of lexical_start.word_table."""
    make = lexical_start.qwen3 if config["model_type"] == "qwen3" else lexical_start.bert
    return make(config, words, torch.Generator().manual_seed(seed))
