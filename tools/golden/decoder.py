"""Qwen2, MiniCPM, Gemma, Gemma 3 and Llama decoders, forward pass, from the papers'
definitions.

All are pre-norm blocks with RMSNorm (arXiv:1910.07467), grouped-query causal attention
(arXiv:2305.13245) and half-split rotary positions (arXiv:2104.09864), as Qwen3.  What
differs is in the config's "family":

    qwen2    biases of queries, keys and values (arXiv:2407.10671); SwiGLU
    minicpm  embeddings times scale_emb, what a block adds times scale_depth / sqrt(layers)
             (arXiv:2404.06395); SwiGLU; a head per layer from start_layer on
    gemma    embeddings times sqrt(hidden), norms times 1 + weight, GeGLU with tanh GELU
             (arXiv:2403.08295)
    gemma3   as gemma, with norms of query and key heads and of what a branch adds; local layers
             see sliding_window tokens, their own with them, and turn by rope_local_base_freq;
             scores times query_pre_attn_scalar^-1/2 (arXiv:2503.19786)
    llama    biases where the checkpoint has them; SwiGLU (arXiv:2302.13971); "llama3" positions:
             turns of more than original / low tokens are slower by a factor, those of less
             than original / high are not, those between are mixed (the released code)

One sequence at a time, in whatever floating type the weights have."""
import math

import torch

from qwen3 import rms_norm, rotate


def norm(x, weights, name, config):
    weight = weights[name + ".weight"]
    if config["norms_less_one"]:
        weight = weight + 1
    return rms_norm(x, weight, config["rms_norm_eps"])


def project(x, weights, name):
    y = x @ weights[name + ".weight"].T
    return y + weights[name + ".bias"] if name + ".bias" in weights else y


def divisors(config, theta):
    """What angles are divided by, [head / 2]."""
    half = config["head_dim"] // 2
    scaling = config.get("rope_scaling")
    if not scaling:
        return torch.ones(half, dtype=torch.float64)
    factor = scaling["factor"]
    if scaling["rope_type"] == "linear":
        return torch.full((half,), factor, dtype=torch.float64)
    low, high = scaling["low_freq_factor"], scaling["high_freq_factor"]
    old = scaling["original_max_position_embeddings"]
    out = []
    for i in range(half):
        turn = 2 * math.pi * theta ** (2.0 * i / config["head_dim"])  # tokens of a whole one
        if turn < old / high:
            out.append(1.0)
        elif turn > old / low:
            out.append(factor)
        else:
            share = (old / turn - low) / (high - low)
            out.append(1 / ((1 - share) / factor + share))
    return torch.tensor(out, dtype=torch.float64)


def turned(x, theta, divide):
    """rotate() with slower angles."""
    n_tokens, head = x.shape[1:]
    half = head // 2
    angle = torch.arange(n_tokens, dtype=torch.float64)[:, None] * (
        theta ** (-torch.arange(half, dtype=torch.float64) * 2.0 / head) / divide)
    cosine, sine = torch.cos(angle).to(x.dtype), torch.sin(angle).to(x.dtype)
    a, b = x[..., :half], x[..., half:]
    return torch.cat([a * cosine - b * sine, b * cosine + a * sine], -1)


def is_local(config, layer):
    """Of the layers counted from 1 each period-th is global."""
    if config["family"] != "gemma3":
        return False
    if "layer_types" in config:
        return config["layer_types"][layer] == "sliding_attention"
    return (layer + 1) % config["sliding_window_pattern"] != 0


def head_norm(x, weights, name, config):
    return norm(x, weights, name, config) if name + ".weight" in weights else x


def attention(x, weights, prefix, config, layer):
    n_tokens, head = x.shape[0], config["head_dim"]
    local = is_local(config, layer)
    theta = config["rope_local_base_freq"] if local else config["rope_theta"]
    divide = divisors(dict(config, rope_scaling=None) if local else config, theta)
    scale = config.get("query_pre_attn_scalar", head) ** -0.5
    n_heads, n_kv = config["num_attention_heads"], config["num_key_value_heads"]
    q = project(x, weights, prefix + "q_proj").reshape(n_tokens, n_heads, head)
    k = project(x, weights, prefix + "k_proj").reshape(n_tokens, n_kv, head)
    v = project(x, weights, prefix + "v_proj").reshape(n_tokens, n_kv, head)
    q, k = (head_norm(y, weights, prefix + n + "_norm", config) for y, n in ((q, "q"), (k, "k")))
    if config["family"] in ("gemma3", "llama"):
        q, k = turned(q.transpose(0, 1), theta, divide), turned(k.transpose(0, 1), theta, divide)
    else:
        q, k = rotate(q.transpose(0, 1), theta), rotate(k.transpose(0, 1), theta)
    out = []
    for h in range(n_heads):
        kv = h * n_kv // n_heads
        scores = q[h] @ k[kv].T / math.sqrt(head)
        if "query_pre_attn_scalar" in config:
            scores = q[h] @ k[kv].T * scale
        scores += torch.full_like(scores, -math.inf).triu(1)
        if local:  # a row sees sliding_window rows, itself the last of them
            scores += torch.full_like(scores, -math.inf).tril(-config["sliding_window"])
        out.append(torch.softmax(scores, -1) @ v[:, kv])
    return project(torch.cat(out, -1), weights, prefix + "o_proj")


def tanh_gelu(x):
    return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3)))


def feed_forward(x, weights, prefix, config):
    gate, up = (x @ weights[prefix + n + "_proj.weight"].T for n in ("gate", "up"))
    is_gemma = config["family"].startswith("gemma")
    active = tanh_gelu(gate) if is_gemma else gate / (1 + torch.exp(-gate))
    return (active * up) @ weights[prefix + "down_proj.weight"].T


def scales(config):
    """Of embeddings, and of what a block adds."""
    if config["family"].startswith("gemma"):
        return math.sqrt(config["hidden_size"]), 1.0
    if config["family"] == "minicpm":
        return config["scale_emb"], config["scale_depth"] / math.sqrt(
            config["num_hidden_layers"])
    return 1.0, 1.0


def forward(weights, config, ids):
    """Returns (hidden, last): hidden[0] after the embedding, hidden[l] after layer l (before
    the final norm), each [tokens][hidden]; last[l]: the last token after the final norm."""
    embedding, branch = scales(config)
    x = weights["model.embed_tokens.weight"][ids] * embedding
    hidden = [x]
    for i in range(config["num_hidden_layers"]):
        p = "model.layers.%d." % i
        is_sandwich = config["family"] == "gemma3"
        y = norm(x, weights, p + "input_layernorm", config)
        y = attention(y, weights, p + "self_attn.", config, i)
        if is_sandwich:
            y = norm(y, weights, p + "post_attention_layernorm", config)
        x = x + branch * y
        y = norm(x, weights, p + ("pre_feedforward_layernorm" if is_sandwich
                                  else "post_attention_layernorm"), config)
        y = feed_forward(y, weights, p + "mlp.", config)
        if is_sandwich:
            y = norm(y, weights, p + "post_feedforward_layernorm", config)
        x = x + branch * y
        hidden.append(x)
    return hidden, [norm(h[-1], weights, "model.norm", config) for h in hidden]


def logits(weights, config, last, yes, no):
    """The score after each layer that has a head, the last layer's last."""
    if config["family"] == "minicpm":
        start = config["start_layer"]
        return [(weights["lm_head.%d.linear_head.weight" % (layer - start)] @ last[layer])[0]
                for layer in range(start, config["num_hidden_layers"] + 1)]
    if "score.weight" in weights:
        return [(weights["score.weight"] @ last[-1])[0]]
    head = weights.get("lm_head.weight", weights["model.embed_tokens.weight"])
    row = head[yes] if no is None else head[yes] - head[no]
    return [row @ last[-1]]
