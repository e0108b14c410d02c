"""ModernBERT cross-encoder, forward pass, from the paper's definition.

Warner et al. 2024 (arXiv:2412.13663): token embeddings, layer norm without bias; each layer
x + attention(norm(x)), where layer 0 has no norm, then x + feed-forward(norm(x)).  Rotary
positions (arXiv:2104.09864) on queries and keys, half-rotation; layers 0, n, 2n... see the
whole text, the others what is at most local_attention / 2 tokens away, with their own base.
Feed-forward: GELU(a) * b, a and b the halves of one product (arXiv:2002.05202).  The head
takes the first token or the mean of all after a final norm: dense, GELU, norm, linear.

One sequence at a time, in whatever floating type the weights have.
"""
import math

import torch


def norm(x, weight, eps):
    centred = x - x.mean(-1, keepdim=True)
    return centred / torch.sqrt((centred * centred).mean(-1, keepdim=True) + eps) * weight


def gelu(x):
    return 0.5 * x * (1.0 + torch.erf(x / math.sqrt(2.0)))


def rotate(x, theta):
    """x [heads][tokens][head]."""
    n_tokens, head = x.shape[1:]
    frequency = theta ** (-torch.arange(head // 2, dtype=torch.float64) * 2.0 / head)
    angle = torch.arange(n_tokens, dtype=torch.float64)[:, None] * frequency
    cosine, sine = torch.cos(angle).to(x.dtype), torch.sin(angle).to(x.dtype)
    a, b = x[..., :head // 2], x[..., head // 2:]
    return torch.cat([a * cosine - b * sine, b * cosine + a * sine], -1)


def attention(x, weights, prefix, config, is_local):
    n_tokens, hidden = x.shape
    n_heads = config["num_attention_heads"]
    head = hidden // n_heads
    three = (x @ weights[prefix + "Wqkv.weight"].T).reshape(n_tokens, 3, n_heads, head)
    q, k, v = three.permute(1, 2, 0, 3)
    theta = config["local_rope_theta" if is_local else "global_rope_theta"]
    scores = rotate(q, theta) @ rotate(k, theta).transpose(1, 2) / math.sqrt(head)
    if is_local:
        at = torch.arange(n_tokens)
        far = (at[:, None] - at[None]).abs() > config["local_attention"] // 2
        scores = scores.masked_fill(far, float("-inf"))
    mixed = (torch.softmax(scores, -1) @ v).transpose(0, 1).reshape(n_tokens, hidden)
    return mixed @ weights[prefix + "Wo.weight"].T


def forward(weights, config, ids):
    """Returns (hidden, logits): hidden[0] after the embedding's norm, hidden[l] after layer l
    (before the final norm), each [tokens][hidden]; logits [labels]."""
    eps = config["norm_eps"]
    x = norm(weights["model.embeddings.tok_embeddings.weight"][ids],
             weights["model.embeddings.norm.weight"], eps)
    hidden = [x]
    for i in range(config["num_hidden_layers"]):
        p = "model.layers.%d." % i
        y = norm(x, weights[p + "attn_norm.weight"], eps) if i else x
        is_local = i % config["global_attn_every_n_layers"] != 0
        x = x + attention(y, weights, p + "attn.", config, is_local)
        y = norm(x, weights[p + "mlp_norm.weight"], eps)
        a, b = (y @ weights[p + "mlp.Wi.weight"].T).chunk(2, -1)
        x = x + (gelu(a) * b) @ weights[p + "mlp.Wo.weight"].T
        hidden.append(x)
    y = norm(x, weights["model.final_norm.weight"], eps)
    pooled = y.mean(0) if config["classifier_pooling"] == "mean" else y[0]
    pooled = norm(gelu(weights["head.dense.weight"] @ pooled), weights["head.norm.weight"], eps)
    return hidden, weights["classifier.weight"] @ pooled + weights["classifier.bias"]
