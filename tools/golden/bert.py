"""BERT-like cross-encoders, forward pass, from the papers' definitions.

Devlin et al. 2018 (arXiv:1810.04805) on top of Vaswani et al. 2017 (arXiv:1706.03762):
sum of word, position and token-type embeddings, layer norm; then per layer multi-head
attention and a feed-forward part, each followed by "add and normalise" (post-LN); GELU is
the exact one, x * Phi(x) (arXiv:1606.08415); the pooled state is tanh of a dense layer on
the first token, and the classifier is linear.

RoBERTa (arXiv:1907.11692) counts positions from pad_token_id + 1 ("first_position" in the
config here). ELECTRA (arXiv:2003.10555) widens its embeddings with a dense layer where they
are narrower than hidden states, and has GELU in its head ("head_activation"). All of them
use BERT's tensor names here; checkpoints are renamed when they are written.

One sequence at a time, in whatever floating type the weights have.
"""
import math

import torch


def linear(x, weights, name):
    return x @ weights[name + ".weight"].T + weights[name + ".bias"]


def layer_norm(x, weights, name, eps):
    centred = x - x.mean(-1, keepdim=True)
    variance = (centred * centred).mean(-1, keepdim=True)
    scaled = centred / torch.sqrt(variance + eps) * weights[name + ".weight"]
    return scaled + weights[name + ".bias"]


def gelu(x):
    return 0.5 * x * (1.0 + torch.erf(x / math.sqrt(2.0)))


def attention(x, weights, prefix, n_heads):
    n_tokens, hidden = x.shape
    head = hidden // n_heads

    def heads(name):  # [heads][tokens][head]
        y = linear(x, weights, prefix + "attention.self." + name)
        return y.reshape(n_tokens, n_heads, head).transpose(0, 1)

    scores = heads("query") @ heads("key").transpose(1, 2) / math.sqrt(head)
    mixed = torch.softmax(scores, -1) @ heads("value")
    return mixed.transpose(0, 1).reshape(n_tokens, hidden)


def forward(weights, config, ids, token_types):
    """Returns (hidden, logits): hidden[0] after the embedding's norm, hidden[l] after layer l,
    each [tokens][hidden]; logits [labels].  weights: {Hugging Face name: tensor}."""
    eps, n_heads = config["layer_norm_eps"], config["num_attention_heads"]
    e, first = "bert.embeddings.", config.get("first_position", 0)
    x = (weights[e + "word_embeddings.weight"][ids]
         + weights[e + "position_embeddings.weight"][first: first + len(ids)]
         + weights[e + "token_type_embeddings.weight"][token_types])
    x = layer_norm(x, weights, e + "LayerNorm", eps)
    if "bert.embeddings_project.weight" in weights:
        x = linear(x, weights, "bert.embeddings_project")
    hidden = [x]
    for i in range(config["num_hidden_layers"]):
        p = "bert.encoder.layer.%d." % i
        y = linear(attention(x, weights, p, n_heads), weights, p + "attention.output.dense")
        x = layer_norm(x + y, weights, p + "attention.output.LayerNorm", eps)
        y = gelu(linear(x, weights, p + "intermediate.dense"))
        y = linear(y, weights, p + "output.dense")
        x = layer_norm(x + y, weights, p + "output.LayerNorm", eps)
        hidden.append(x)
    activation = gelu if config.get("head_activation") == "gelu" else torch.tanh
    pooled = activation(linear(x[0], weights, "bert.pooler.dense"))
    return hidden, linear(pooled, weights, "classifier")
