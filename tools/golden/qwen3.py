"""Qwen3 decoder, forward pass, from the papers' definitions.

Pre-norm blocks with RMSNorm (arXiv:1910.07467), grouped-query causal attention
(arXiv:2305.13245) with an RMSNorm per head on queries and keys (Qwen3 report,
arXiv:2505.09388), rotary position embedding (arXiv:2104.09864) in the half-split layout
(component i turns with component i + head/2), SwiGLU (arXiv:2002.05202).

One sequence at a time, in whatever floating type the weights have.
"""
import torch


def rms_norm(x, weight, eps):
    return x / torch.sqrt((x * x).mean(-1, keepdim=True) + eps) * weight


def rotate(x, theta):
    """x: [heads][tokens][head]; token t turns by the angle t * theta^(-2i/head)."""
    n_tokens, head = x.shape[1:]
    half = head // 2
    frequency = theta ** (-torch.arange(half, dtype=torch.float64) * 2.0 / head)
    angle = torch.arange(n_tokens, dtype=torch.float64)[:, None] * frequency
    cosine, sine = torch.cos(angle).to(x.dtype), torch.sin(angle).to(x.dtype)
    a, b = x[..., :half], x[..., half:]
    return torch.cat([a * cosine - b * sine, b * cosine + a * sine], -1)


def attention(x, weights, prefix, config):
    n_tokens = x.shape[0]
    head, eps = config["head_dim"], config["rms_norm_eps"]
    n_heads, n_kv = config["num_attention_heads"], config["num_key_value_heads"]

    def heads(name, n):
        y = x @ weights[prefix + name + "_proj.weight"].T
        return y.reshape(n_tokens, n, head).transpose(0, 1)

    q = rms_norm(heads("q", n_heads), weights[prefix + "q_norm.weight"], eps)
    k = rms_norm(heads("k", n_kv), weights[prefix + "k_norm.weight"], eps)
    q, k = rotate(q, config["rope_theta"]), rotate(k, config["rope_theta"])
    k = k.repeat_interleave(n_heads // n_kv, 0)
    v = heads("v", n_kv).repeat_interleave(n_heads // n_kv, 0)
    scores = q @ k.transpose(1, 2) / head ** 0.5
    future = torch.ones(n_tokens, n_tokens, dtype=torch.bool).triu(1)
    mixed = torch.softmax(scores.masked_fill(future, float("-inf")), -1) @ v
    mixed = mixed.transpose(0, 1).reshape(n_tokens, n_heads * head)
    return mixed @ weights[prefix + "o_proj.weight"].T


def forward(weights, config, ids):
    """Returns (hidden, last): hidden[0] the embedding rows, hidden[l] after layer l (before
    the final norm), each [tokens][hidden]; last: the last token after the final norm."""
    eps = config["rms_norm_eps"]
    x = weights["model.embed_tokens.weight"][ids]
    hidden = [x]
    for i in range(config["num_hidden_layers"]):
        p = "model.layers.%d." % i
        y = rms_norm(x, weights[p + "input_layernorm.weight"], eps)
        x = x + attention(y, weights, p + "self_attn.", config)
        y = rms_norm(x, weights[p + "post_attention_layernorm.weight"], eps)
        gate = y @ weights[p + "mlp.gate_proj.weight"].T
        up = y @ weights[p + "mlp.up_proj.weight"].T
        x = x + (gate * torch.sigmoid(gate) * up) @ weights[p + "mlp.down_proj.weight"].T
        hidden.append(x)
    return hidden, rms_norm(x[-1], weights["model.norm.weight"], eps)


def logit(weights, last, yes, no):
    """The score head if there is one, else logit(yes) - logit(no)."""
    if "score.weight" in weights:
        return (weights["score.weight"] @ last)[0]
    if "cls.output.weight" in weights:  # GGUF: row 0 yes, row 1 no
        both = weights["cls.output.weight"] @ last
        return both[0] - both[1]
    head = weights.get("lm_head.weight", weights["model.embed_tokens.weight"])
    return (head[yes] - head[no]) @ last
