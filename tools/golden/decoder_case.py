"""Tiny Qwen2, MiniCPM and Gemma rerankers: random weights, tokenizer files, config.json,
GGUF.

Real MiniCPM and Gemma have SentencePiece tokenizers; here all have the byte-level BPE of the
Qwen3 cases, with a <s> or <bos> more, as their arithmetic does not depend on it."""
import json
import os
import re

import numpy as np

import gguf_io
import safetensors_io
import texts
from byte_bpe import ByteBpe, bge_pair, mxbai_pair
from qwen3_case import GGUF_NAMES, N_MERGES, N_PADDING, SPECIALS, write_tokenizer



CLASSES = {"qwen2": "Qwen2ForCausalLM", "minicpm": "LayerWiseMiniCPMForCausalLM",
           "gemma": "GemmaForCausalLM"}
BOS = {"qwen2": None, "minicpm": "<s>", "gemma": "<bos>"}
ANSWERS = {"qwen2": ("1", "0"), "minicpm": (None, None), "gemma": ("Yes", None)}
FIRST_MERGES = [("Y", "e"), ("Ye", "s"), ("?", "\u010a"), ("\u010a", "\u010a")]


def tokenizer(family):
    bos = [(BOS[family], True)] if BOS[family] else []
    return ByteBpe(texts.DOCUMENTS + [texts.LONG_DOCUMENT], N_MERGES, FIRST_MERGES,
                   SPECIALS + bos, N_PADDING)


def random_weights(config, rng, head):
    d, ffn, size = config["hidden_size"], config["intermediate_size"], config["head_dim"]
    n_q, n_kv = config["num_attention_heads"] * size, config["num_key_value_heads"] * size
    is_gemma, w = config["family"] == "gemma", {}
    embedding = 0.4 / {"gemma": np.sqrt(d), "minicpm": config.get("scale_emb")}.get(
        config["family"], 1.0)

    def normal(name, shape, sd, mean=0.0):
        w[name] = (mean + sd * rng.standard_normal(shape)).astype("<f4")

    def dense(name, n_out, n_in):
        normal(name + ".weight", (n_out, n_in), 1.0 / np.sqrt(n_in))

    def a_norm(name):
        normal(name + ".weight", (d,), 0.3, 0.0 if config["norms_less_one"] else 1.0)

    # the scaled embedding has the spread that it has in the other families
    normal("model.embed_tokens.weight", (config["vocab_size"], d), embedding)
    for i in range(config["num_hidden_layers"]):
        p = "model.layers.%d." % i
        a_norm(p + "input_layernorm")
        dense(p + "self_attn.q_proj", n_q, d)
        dense(p + "self_attn.k_proj", n_kv, d)
        dense(p + "self_attn.v_proj", n_kv, d)
        dense(p + "self_attn.o_proj", d, n_q)
        if config["family"] == "qwen2":
            for name, n in (("q", n_q), ("k", n_kv), ("v", n_kv)):
                normal(p + "self_attn.%s_proj.bias" % name, (n,), 0.7)
        a_norm(p + "post_attention_layernorm")
        dense(p + "mlp.gate_proj", ffn, d)
        dense(p + "mlp.up_proj", ffn, d)
        dense(p + "mlp.down_proj", d, ffn)
    a_norm("model.norm")
    if config["family"] == "minicpm":
        for i in range(config["num_hidden_layers"] - config["start_layer"] + 1):
            normal("lm_head.%d.linear_head.weight" % i, (1, d), 3.0 / np.sqrt(d))
    elif head == "lm_head":
        normal("lm_head.weight", (config["vocab_size"], d), 2.0 / np.sqrt(d))
    elif head == "score":
        normal("score.weight", (1, d), 6.0 / np.sqrt(d))
    elif is_gemma:  # a row of the small embedding gives a small logit
        w["model.embed_tokens.weight"][config["yes"]] *= np.float32(np.sqrt(d))
    return w


def config_of(case, bpe):
    family = case["family"]
    hidden, layers, heads, kv_heads, head_dim, ffn, positions = case["shape"]
    name = CLASSES[family]
    if case["head"] == "score":
        name = name.replace("CausalLM", "SequenceClassification")
    config = {
        "family": family, "norms_less_one": family == "gemma" and case["container"] != "gguf",
        "architectures": [name], "model_type": family, "hidden_size": hidden,
        "num_hidden_layers": layers, "num_attention_heads": heads,
        "num_key_value_heads": kv_heads, "intermediate_size": ffn,
        "max_position_embeddings": positions, "rms_norm_eps": case.get("eps", 1e-6),
        "head_dim": head_dim, "vocab_size": bpe.n_vocab, "yes": bpe.ids.get("Yes"),
        "torch_dtype": {"F16": "float16", "BF16": "bfloat16"}.get(case["dtype"], "float32")}
    if family == "qwen2":
        config.update(hidden_act="silu", rope_theta=case.get("theta", 1000000.0),
                      tie_word_embeddings=case["head"] in ("tied", "score"),
                      use_sliding_window=False, sliding_window=32768)
    elif family == "minicpm":
        config.update(hidden_act="silu", rope_theta=10000.0, scale_emb=12, scale_depth=1.4,
                      dim_model_base=16, start_layer=case["start_layer"], head_multi=True,
                      head_type="simple", rope_scaling=None)
    else:
        config.update(hidden_act="gelu", hidden_activation=None, rope_theta=10000.0,
                      attention_bias=False)
        if case.get("names_activation"):
            config.update(hidden_act="gelu_pytorch_tanh",
                          hidden_activation="gelu_pytorch_tanh")
    return config


# what is ours, and what a family's own files leave to its defaults
OURS = {"family", "norms_less_one", "yes"}
SILENT = {"qwen2": {"head_dim"}, "minicpm": {"head_dim", "rope_theta"}, "gemma": set()}


def write_config(folder, config):
    hidden = OURS | SILENT[config["family"]]
    with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as f:
        json.dump({k: v for k, v in config.items() if k not in hidden}, f, indent=1)


def gguf_name(name):
    stem, kind = name.rsplit(".", 1)
    for pattern, to in GGUF_NAMES:
        if re.fullmatch(pattern, stem):
            return re.sub(pattern, to, stem) + "." + kind
    raise KeyError(name)


def storage(name, values, case):
    """case["types"] names what differs from case["dtype"]; a GGUF has vectors in F32."""
    if values.ndim == 1 and case["container"] == "gguf":
        return "F32"
    for part, dtype in case.get("types", {}).items():
        if part in name:
            return dtype
    return case["dtype"]


def write_gguf(path, case, config, weights, bpe):
    g, c, family = gguf_io, config, config["family"]
    padding = ["[PAD%d]" % i for i in range(len(bpe.pieces), bpe.n_vocab)]
    types = [1] * bpe.n_ordinary + [3 if control else 4 for _, control in bpe.specials]
    numbers = [("block_count", c["num_hidden_layers"]),
               ("context_length", c["max_position_embeddings"]),
               ("embedding_length", c["hidden_size"]),
               ("feed_forward_length", c["intermediate_size"]),
               ("attention.head_count", c["num_attention_heads"]),
               ("attention.head_count_kv", c["num_key_value_heads"])]
    if family == "gemma":
        numbers += [("attention.key_length", c["head_dim"]),
                    ("attention.value_length", c["head_dim"])]
    metadata = [("general.architecture", g.TEXT, family),
                ("general.name", g.TEXT, case["name"])]
    metadata += [(family + "." + key, g.U32, n) for key, n in numbers]
    metadata += [(family + ".attention.layer_norm_rms_epsilon", g.F32, c["rms_norm_eps"])]
    if family == "qwen2":
        metadata += [("qwen2.rope.freq_base", g.F32, float(c["rope_theta"]))]
    metadata += [
        ("tokenizer.ggml.model", g.TEXT, "gpt2"), ("tokenizer.ggml.pre", g.TEXT, "qwen2"),
        ("tokenizer.ggml.tokens", g.TEXT, bpe.pieces + padding),
        ("tokenizer.ggml.token_type", g.I32, types + [5] * len(padding)),
        ("tokenizer.ggml.merges", g.TEXT, [" ".join(m) for m in bpe.merges])]
    tensors = {gguf_name(n): (v, storage(n, v, case)) for n, v in weights.items()}
    g.write(path, metadata, tensors, case.get("version", 3), case.get("alignment", 32),
            case.get("splits", 1))


def stored_weights(case, weights):
    io = gguf_io if case["container"] == "gguf" else safetensors_io
    return {n: io.stored_value(v, storage(n, v, case)) for n, v in weights.items()}


def build(case, folder, rng):
    """Writes the checkpoint; returns (config, weights as stored, tokenizer)."""
    bpe = tokenizer(case["family"])
    config = config_of(case, bpe)
    weights = random_weights(config, rng, case["head"])
    if case["container"] == "gguf":
        write_gguf(os.path.join(folder, "model.gguf"), case, config, weights, bpe)
    else:
        write_config(folder, config)
        write_tokenizer(folder, bpe, case.get("tokenizer", "strings"))
        safetensors_io.write_shards(folder, weights,
                                    lambda n, v: storage(n, v, case), case.get("shards", 1))
    return config, stored_weights(case, weights), bpe


def pair(config, bpe, query, document, instruction):
    """(ids, truncated) of the family's prompt."""
    if config["family"] == "qwen2":
        return mxbai_pair(bpe, query, document, config["max_position_embeddings"],
                          instruction)
    return bge_pair(bpe, query, document, config["max_position_embeddings"],
                    BOS[config["family"]])
