"""The two architectures as functions of {Hugging Face name: tensor}, made for training.

Sequences come sorted by length in groups; within a group they are padded to its longest.
Linear maps, norms and activations go over the rows of all groups at once, attention over
one group at a time, so little is spent on padding and each weight has one gradient.
In the last layer only the scored row of each sequence is computed.  The same formulas,
one sequence at a time, are in tools/golden/bert.py and qwen3.py.
"""
import math

import torch
from torch.nn import functional as F


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

    def rows_in_groups(self, rows):
        """For each group: one row of each sequence, counted from the group's first."""
        out, at = [], 0
        for begin, n, length in self.groups:
            out.append(rows[at:at + n] - begin)
            at += n
        return out


def attend(q, k, v, pad_mask, is_causal):
    """q [n][heads][m][d], already scaled, k and v [n][kv heads][l][d] -> [n][m][heads * d]."""
    n, n_heads, m, d = q.shape
    if k.shape[1] != n_heads:
        k = k.repeat_interleave(n_heads // k.shape[1], 1)
        v = v.repeat_interleave(n_heads // v.shape[1], 1)
    scores = q @ k.transpose(2, 3)
    if pad_mask is not None:
        scores = scores.masked_fill(pad_mask[:, None, None, :], -1e4)
    if is_causal:
        length = k.shape[2]
        future = torch.ones(length, length, dtype=torch.bool, device=q.device).triu(1)
        scores = scores.masked_fill(future, -1e4)
    return (torch.softmax(scores, -1) @ v).transpose(1, 2).reshape(n, m, n_heads * d)


def in_type(weights, dtype):
    """Matrices of the layers in the type of the arithmetic; the rest stays f32."""
    return {name: w.to(dtype) if "layer" in name else w for name, w in weights.items()}


def bert_layer(x, w, prefix, config, batch, is_last):
    n_heads, eps = config["num_attention_heads"], config["layer_norm_eps"]
    h = config["hidden_size"]
    d = h // n_heads
    def projection(part, scale=1.0):
        name = prefix + "attention.self." + part
        return w[name + ".weight"] * scale, w[name + ".bias"] * scale

    kv = [projection("key"), projection("value")]
    query = projection("query", d ** -0.5)  # cheaper than scaling the scores
    if is_last:
        q_groups = F.linear(x[batch.first], *query).split([n for _, n, _ in batch.groups])
    else:
        kv.insert(0, query)
    y = F.linear(x, torch.cat([p[0] for p in kv]), torch.cat([p[1] for p in kv]))
    mixed = []
    # split, not slices: the gradient of n slices is n buffers as large as y.
    groups = y.split([n * length for _, n, length in batch.groups])
    for i, ((_, n, length), mask) in enumerate(zip(batch.groups, batch.masks)):
        parts = groups[i].view(n, length, len(kv), n_heads, d).permute(2, 0, 3, 1, 4).unbind()
        q = q_groups[i].view(n, n_heads, 1, d) if is_last else parts[0]
        mixed.append(attend(q, parts[-2], parts[-1], mask, False).reshape(-1, h))

    def add_norm(residual, y, name):
        name = prefix + name + ".LayerNorm"
        return F.layer_norm(residual + y, (h,), w[name + ".weight"], w[name + ".bias"], eps)

    def dense(y, name):
        return F.linear(y, w[prefix + name + ".dense.weight"], w[prefix + name + ".dense.bias"])

    x = x[batch.first] if is_last else x
    x = add_norm(x, dense(torch.cat(mixed), "attention.output"), "attention.output")
    return add_norm(x, dense(F.gelu(dense(x, "intermediate")), "output"), "output")


def bert_logits(weights, config, batch, dtype):
    e = "bert.embeddings."
    x = (F.embedding(batch.ids, weights[e + "word_embeddings.weight"])
         + F.embedding(batch.positions, weights[e + "position_embeddings.weight"])
         + F.embedding(batch.types, weights[e + "token_type_embeddings.weight"]))
    x = F.layer_norm(x, x.shape[1:], weights[e + "LayerNorm.weight"],
                     weights[e + "LayerNorm.bias"], config["layer_norm_eps"]).to(dtype)
    w, n_layers = in_type(weights, dtype), config["num_hidden_layers"]
    for i in range(n_layers):
        x = bert_layer(x, w, "bert.encoder.layer.%d." % i, config, batch, i == n_layers - 1)
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


def qwen3_layer(x, w, prefix, config, batch, turns, is_last):
    d, eps = config["head_dim"], config["rms_norm_eps"]
    n_heads, n_kv = config["num_attention_heads"], config["num_key_value_heads"]
    names = [prefix + "self_attn.%s_proj.weight" % part for part in "qkv"]
    y = rms_norm(x, w[prefix + "input_layernorm.weight"], eps)
    y = F.linear(y, torch.cat([w[name] for name in names]))
    mixed = []
    scored = batch.rows_in_groups(batch.last)
    groups = y.split([n * length for _, n, length in batch.groups])
    for (_, n, length), part, rows in zip(batch.groups, groups, scored):
        part = part.view(n, length, n_heads + 2 * n_kv, d)
        q, k, v = part.transpose(1, 2).split([n_heads, n_kv, n_kv], 1)
        cosine, sine = turns[0][:length], turns[1][:length]
        q_norm = w[prefix + "self_attn.q_norm.weight"] * d ** -0.5
        q = rotate(rms_norm(q, q_norm, eps), cosine, sine)
        k = rotate(rms_norm(k, w[prefix + "self_attn.k_norm.weight"], eps), cosine, sine)
        # Padding is at the end, where causal attention does not look.
        z = attend(q, k, v, None, True).reshape(n * length, n_heads * d)
        mixed.append(z[rows] if is_last else z)
    x = x[batch.last] if is_last else x
    x = x + F.linear(torch.cat(mixed), w[prefix + "self_attn.o_proj.weight"])
    y = rms_norm(x, w[prefix + "post_attention_layernorm.weight"], eps)
    y = (F.silu(F.linear(y, w[prefix + "mlp.gate_proj.weight"]))
         * F.linear(y, w[prefix + "mlp.up_proj.weight"]))
    return x + F.linear(y, w[prefix + "mlp.down_proj.weight"])


def qwen3_logits(weights, config, batch, dtype):
    x = F.embedding(batch.ids, weights["model.embed_tokens.weight"]).to(dtype)
    w, n_layers = in_type(weights, dtype), config["num_hidden_layers"]
    longest = max(length for _, _, length in batch.groups)
    turns = rotation(longest, config, dtype, x.device)
    for i in range(n_layers):
        x = qwen3_layer(x, w, "model.layers.%d." % i, config, batch, turns, i == n_layers - 1)
    x = rms_norm(x.float(), weights["model.norm.weight"], config["rms_norm_eps"])
    yes, no = config["answer_ids"]
    words = weights["model.embed_tokens.weight"]
    return x @ (words[yes] - words[no])


def logits(weights, config, batch, dtype):
    forward = qwen3_logits if config["model_type"] == "qwen3" else bert_logits
    return forward(weights, config, batch, dtype)


def start_bert(config, generator):
    """Random weights; queries and keys of the first half of the layers are equal and
    orthogonal, so that equal tokens attend to each other from the first step."""
    h, f = config["hidden_size"], config["intermediate_size"]
    w = {}

    def normal(name, *shape):
        w[name] = torch.randn(*shape, generator=generator) * 0.02

    def norm(name):
        w[name + ".weight"], w[name + ".bias"] = torch.ones(h), torch.zeros(h)

    e = "bert.embeddings."
    normal(e + "word_embeddings.weight", config["vocab_size"], h)
    normal(e + "position_embeddings.weight", config["max_position_embeddings"], h)
    normal(e + "token_type_embeddings.weight", config["type_vocab_size"], h)
    norm(e + "LayerNorm")
    for i in range(config["num_hidden_layers"]):
        p = "bert.encoder.layer.%d." % i
        for name, n_out, n_in in (("attention.self.query", h, h), ("attention.self.key", h, h),
                                  ("attention.self.value", h, h),
                                  ("attention.output.dense", h, h),
                                  ("intermediate.dense", f, h), ("output.dense", h, f)):
            normal(p + name + ".weight", n_out, n_in)
            w[p + name + ".bias"] = torch.zeros(n_out)
        norm(p + "attention.output.LayerNorm")
        norm(p + "output.LayerNorm")
        if i < config["num_hidden_layers"] // 2:
            turn = torch.linalg.qr(torch.randn(h, h, generator=generator))[0]
            w[p + "attention.self.query.weight"] = turn
            w[p + "attention.self.key.weight"] = turn.clone()
    normal("bert.pooler.dense.weight", h, h)
    w["bert.pooler.dense.bias"] = torch.zeros(h)
    normal("classifier.weight", 1, h)
    w["classifier.bias"] = torch.zeros(1)
    return w


def start_qwen3(config, generator):
    """Random weights, the branches' last maps scaled down by the depth; queries and keys
    of the first layers equal, as in start_bert."""
    h, f, d = config["hidden_size"], config["intermediate_size"], config["head_dim"]
    n_heads, n_kv = config["num_attention_heads"], config["num_key_value_heads"]
    n_layers, w = config["num_hidden_layers"], {}

    def normal(name, n_out, n_in, scale=1.0):
        w[name] = torch.randn(n_out, n_in, generator=generator) * (scale * n_in ** -0.5)

    w["model.embed_tokens.weight"] = 0.3 * torch.randn(config["vocab_size"], h,
                                                       generator=generator)
    small = (2.0 * n_layers) ** -0.5
    for i in range(n_layers):
        p = "model.layers.%d." % i
        w[p + "input_layernorm.weight"] = torch.ones(h)
        w[p + "post_attention_layernorm.weight"] = torch.ones(h)
        w[p + "self_attn.q_norm.weight"] = torch.ones(d)
        w[p + "self_attn.k_norm.weight"] = torch.ones(d)
        normal(p + "self_attn.q_proj.weight", n_heads * d, h)
        normal(p + "self_attn.k_proj.weight", n_kv * d, h)
        normal(p + "self_attn.v_proj.weight", n_kv * d, h)
        normal(p + "self_attn.o_proj.weight", h, n_heads * d, small)
        normal(p + "mlp.gate_proj.weight", f, h)
        normal(p + "mlp.up_proj.weight", f, h)
        normal(p + "mlp.down_proj.weight", h, f, small)
        if i < n_layers // 2:
            k = w[p + "self_attn.k_proj.weight"].view(n_kv, 1, d, h)
            q = k.expand(n_kv, n_heads // n_kv, d, h).reshape(n_heads * d, h)
            w[p + "self_attn.q_proj.weight"] = q.clone()
    # The head is two rows of the embedding: logits start near one.
    w["model.norm.weight"] = torch.full((h,), 0.2)
    return w


def start(config, seed):
    generator = torch.Generator().manual_seed(seed)
    make = start_qwen3 if config["model_type"] == "qwen3" else start_bert
    return make(config, generator)
