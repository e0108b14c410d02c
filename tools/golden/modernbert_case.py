"""Tiny ModernBERT rerankers: random weights, tokenizer files, config.json, GGUF."""
import json
import os
import re

import numpy as np

import gguf_io
import safetensors_io
import texts
from bert_case import label_names
from byte_bpe import ByteBpe, GPT2_SPLIT

CONTROLS = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"]
RUNS = [" " * n for n in (4, 3, 2)]  # added tokens that are no control tokens
N_MERGES = 150


def tokenizer():
    specials = [(run, False) for run in RUNS] + [(c, True) for c in CONTROLS]
    return ByteBpe(texts.DOCUMENTS + [texts.LONG_DOCUMENT], N_MERGES, [], specials, 0,
                   GPT2_SPLIT, RUNS)


def random_weights(config, rng, n_labels):
    d, ffn = config["hidden_size"], config["intermediate_size"]
    w = {}

    def normal(name, shape, sd, mean=0.0):
        w[name] = (mean + sd * rng.standard_normal(shape)).astype("<f4")

    def dense(name, n_out, n_in, gain=1.0):
        normal(name + ".weight", (n_out, n_in), gain / np.sqrt(n_in))

    def norm(name):
        normal(name + ".weight", (d,), 0.3, 1.0)

    normal("model.embeddings.tok_embeddings.weight", (config["vocab_size"], d), 1.0)
    norm("model.embeddings.norm")
    for i in range(config["num_hidden_layers"]):
        p = "model.layers.%d." % i
        if i:
            norm(p + "attn_norm")
        dense(p + "attn.Wqkv", 3 * d, d, 1.3)
        dense(p + "attn.Wo", d, d)
        norm(p + "mlp_norm")
        dense(p + "mlp.Wi", 2 * ffn, d, 1.2)
        dense(p + "mlp.Wo", d, ffn, 1.5)
    norm("model.final_norm")
    dense("head.dense", d, d, 1.5)
    norm("head.norm")
    dense("classifier", n_labels, d, 3.0)
    normal("classifier.bias", (n_labels,), 0.3)
    return w


def config_of(case, n_labels, bpe):
    hidden, layers, heads, ffn, positions = case["shape"]
    return {
        "architectures": ["ModernBertForSequenceClassification"],
        "attention_bias": False, "attention_dropout": 0.0,
        "bos_token_id": bpe.ids["[CLS]"], "classifier_activation": "gelu",
        "classifier_bias": False, "classifier_dropout": 0.0,
        "classifier_pooling": case.get("pooling", "mean"), "cls_token_id": bpe.ids["[CLS]"],
        "eos_token_id": bpe.ids["[SEP]"], "global_attn_every_n_layers": 3,
        "global_rope_theta": 160000.0, "hidden_activation": "gelu", "hidden_size": hidden,
        "id2label": {str(i): name for i, name in enumerate(label_names(case, n_labels))},
        "intermediate_size": ffn, "layer_norm_eps": 1e-5,
        "local_attention": case.get("window", 16), "local_rope_theta": 10000.0,
        "max_position_embeddings": positions, "mlp_bias": False, "model_type": "modernbert",
        "norm_bias": False, "norm_eps": 1e-5, "num_attention_heads": heads,
        "num_hidden_layers": layers, "pad_token_id": bpe.ids["[PAD]"],
        "position_embedding_type": "absolute", "sep_token_id": bpe.ids["[SEP]"],
        "torch_dtype": {"F16": "float16", "BF16": "bfloat16"}.get(case["dtype"], "float32"),
        "vocab_size": bpe.n_vocab}


def tokenizer_json(bpe):
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True,
                  "use_regex": True}
    return {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [{"id": bpe.ids[t], "content": t, "single_word": False,
                          "lstrip": False, "rstrip": False, "normalized": not control,
                          "special": control} for t, control in bpe.specials],
        "normalizer": {"type": "NFC"}, "pre_tokenizer": byte_level,
        "post_processor": None, "decoder": byte_level,
        "model": {"type": "BPE", "dropout": None, "unk_token": None,
                  "continuing_subword_prefix": None, "end_of_word_suffix": None,
                  "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
                  "vocab": {p: i for i, p in enumerate(bpe.pieces[:bpe.n_ordinary])},
                  "merges": [" ".join(m) for m in bpe.merges]}}


GGUF_NAMES = [
    ("model.embeddings.tok_embeddings", "token_embd"),
    ("model.embeddings.norm", "token_embd_norm"), ("model.final_norm", "output_norm"),
    ("head.dense", "cls"), ("head.norm", "cls.norm"), ("classifier", "cls.output"),
    (r"model.layers.(\d+).attn_norm", r"blk.\1.attn_norm"),
    (r"model.layers.(\d+).attn.Wqkv", r"blk.\1.attn_qkv"),
    (r"model.layers.(\d+).attn.Wo", r"blk.\1.attn_output"),
    (r"model.layers.(\d+).mlp_norm", r"blk.\1.ffn_norm"),
    (r"model.layers.(\d+).mlp.Wi", r"blk.\1.ffn_up"),
    (r"model.layers.(\d+).mlp.Wo", r"blk.\1.ffn_down"),
]


def gguf_name(name):
    stem, kind = name.rsplit(".", 1)
    for pattern, to in GGUF_NAMES:
        if re.fullmatch(pattern, stem):
            return re.sub(pattern, to, stem) + "." + kind
    raise KeyError(name)


def gguf_type(name, values, case):
    """Vectors are F32; case["types"] names what differs from case["dtype"]."""
    if values.ndim == 1:
        return "F32"
    for part, dtype in case.get("types", {}).items():
        if part in name:
            return dtype
    return case["dtype"]


def write_gguf(path, case, config, weights, bpe):
    g, c = gguf_io, config
    types = [1] * bpe.n_ordinary + [3 if control else 4 for _, control in bpe.specials]
    metadata = [
        ("general.architecture", g.TEXT, "modern-bert"), ("general.type", g.TEXT, "model"),
        ("general.name", g.TEXT, case["name"]),
        ("modern-bert.block_count", g.U32, c["num_hidden_layers"]),
        ("modern-bert.context_length", g.U32, c["max_position_embeddings"]),
        ("modern-bert.embedding_length", g.U32, c["hidden_size"]),
        ("modern-bert.feed_forward_length", g.U32, c["intermediate_size"]),
        ("modern-bert.attention.head_count", g.U32, c["num_attention_heads"]),
        ("modern-bert.attention.layer_norm_epsilon", g.F32, c["norm_eps"]),
        ("modern-bert.attention.causal", g.BOOL, False),
        ("modern-bert.attention.sliding_window", g.U32, c["local_attention"]),
        ("modern-bert.rope.freq_base", g.F32, c["global_rope_theta"]),
        ("modern-bert.rope.freq_base_swa", g.F32, c["local_rope_theta"]),
        ("modern-bert.pooling_type", g.U32, 2 if c["classifier_pooling"] == "cls" else 4),
        ("tokenizer.ggml.model", g.TEXT, "gpt2"),
        ("tokenizer.ggml.pre", g.TEXT, "modern-bert"),
        ("tokenizer.ggml.tokens", g.TEXT, bpe.pieces),
        ("tokenizer.ggml.token_type", g.I32, types),
        ("tokenizer.ggml.merges", g.TEXT, [" ".join(m) for m in bpe.merges]),
        ("tokenizer.ggml.bos_token_id", g.U32, bpe.ids["[CLS]"]),
        ("tokenizer.ggml.eos_token_id", g.U32, bpe.ids["[SEP]"]),
        ("tokenizer.ggml.seperator_token_id", g.U32, bpe.ids["[SEP]"]),
        ("tokenizer.ggml.padding_token_id", g.U32, bpe.ids["[PAD]"])]
    if case.get("pattern_list"):
        layers = range(c["num_hidden_layers"])
        metadata.append(("modern-bert.attention.sliding_window_pattern", g.BOOL,
                         [i % c["global_attn_every_n_layers"] != 0 for i in layers]))
    else:
        metadata.append(("modern-bert.attention.sliding_window_pattern", g.U32,
                         c["global_attn_every_n_layers"]))
    tensors = {gguf_name(n): (v, gguf_type(n, v, case)) for n, v in weights.items()}
    g.write(path, metadata, tensors)


def stored_weights(case, weights):
    if case["container"] == "gguf":
        return {n: gguf_io.stored_value(v, gguf_type(n, v, case))
                for n, v in weights.items()}
    return {n: safetensors_io.stored_value(v, case["dtype"]) for n, v in weights.items()}


def build(case, folder, rng):
    """Writes the checkpoint; returns (config, weights as stored, tokenizer)."""
    bpe, n_labels = tokenizer(), case.get("labels", 1)
    config = config_of(case, n_labels, bpe)
    weights = random_weights(config, rng, n_labels)
    if case["container"] == "gguf":
        write_gguf(os.path.join(folder, "model.gguf"), case, config, weights, bpe)
    else:
        with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as f:
            json.dump(config, f, indent=1)
        with open(os.path.join(folder, "tokenizer.json"), "w", encoding="utf-8") as f:
            json.dump(tokenizer_json(bpe), f, ensure_ascii=False)
        safetensors_io.write_shards(folder, weights, case["dtype"], case.get("shards", 1))
    return config, stored_weights(case, weights), bpe
