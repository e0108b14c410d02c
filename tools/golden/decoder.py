"""Qwen2, MiniCPM and Gemma decoders, forward pass, from the papers' definitions.

All are pre-norm blocks with RMSNorm (arXiv:1910.07467), grouped-query causal attention
(arXiv:2305.13245) and half-split rotary positions (arXiv:2104.09864), as Qwen3 but without
norms of heads.  What differs is in the config's "family":

    qwen2    biases of queries, keys and values (arXiv:2407.10671); SwiGLU
    minicpm  embeddings times scale_emb, what a block adds times scale_depth / sqrt(layers)
             (arXiv:2404.06395); SwiGLU; a head per layer from start_layer on
    gemma    embeddings times sqrt(hidden), norms times 1 + weight, GeGLU with tanh GELU
             (arXiv:2403.08295)

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


def attention(x, weights, prefix, config):
    n_tokens, head = x.shape[0], config["head_dim"]
    n_heads, n_kv = config["num_attention_heads"], config["num_key_value_heads"]
    q = project(x, weights, prefix + "q_proj").reshape(n_tokens, n_heads, head)
    k = project(x, weights, prefix + "k_proj").reshape(n_tokens, n_kv, head)
    v = project(x, weights, prefix + "v_proj").reshape(n_tokens, n_kv, head)
    q = rotate(q.transpose(0, 1), config["rope_theta"])
    k = rotate(k.transpose(0, 1), config["rope_theta"])
    out = []
    for h in range(n_heads):
        kv = h * n_kv // n_heads
        scores = q[h] @ k[kv].T / math.sqrt(head)
        scores += torch.full_like(scores, -math.inf).triu(1)
        out.append(torch.softmax(scores, -1) @ v[:, kv])
    return torch.cat(out, -1) @ weights[prefix + "o_proj.weight"].T


def tanh_gelu(x):
    return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3)))


def feed_forward(x, weights, prefix, config):
    gate, up = (x @ weights[prefix + n + "_proj.weight"].T for n in ("gate", "up"))
    is_gemma = config["family"] == "gemma"
    active = tanh_gelu(gate) if is_gemma else gate / (1 + torch.exp(-gate))
    return (active * up) @ weights[prefix + "down_proj.weight"].T


def scales(config):
    """Of embeddings, and of what a block adds."""
    if config["family"] == "gemma":
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
        y = norm(x, weights, p + "input_layernorm", config)
        x = x + branch * attention(y, weights, p + "self_attn.", config)
        y = norm(x, weights, p + "post_attention_layernorm", config)
        x = x + branch * feed_forward(y, weights, p + "mlp.", config)
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
