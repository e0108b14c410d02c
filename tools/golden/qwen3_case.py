"""Tiny Qwen3 rerankers: random weights, tokenizer files, config.json, GGUF."""
import json
import os
import re

import numpy as np

import gguf_io
import safetensors_io
import texts
from byte_bpe import INSTRUCTION, PREFIX, QWEN2_PATTERN, SUFFIX, ByteBpe

SPECIALS = [("<|endoftext|>", True), ("<|im_start|>", True), ("<|im_end|>", True),
            ("<think>", False), ("</think>", False)]
FIRST_MERGES = [("y", "e"), ("ye", "s"), ("n", "o"), ("?", "\u010a"), ("\u010a", "\u010a")]
N_MERGES, N_PADDING = 150, 3
TEMPLATE = (PREFIX + "<Instruct>: " + INSTRUCTION
            + "\n<Query>: {query}\n<Document>: {document}" + SUFFIX)


def tokenizer():
    prompt = PREFIX.replace("<|im_start|>", "").replace("<|im_end|>", "")
    corpus = [prompt, "<Instruct>: " + INSTRUCTION + "\n<Query>: q\n<Document>: d"]
    return ByteBpe(corpus + texts.DOCUMENTS + [texts.LONG_DOCUMENT], N_MERGES, FIRST_MERGES,
                   SPECIALS, N_PADDING)


def random_weights(config, rng, head):
    d, ffn, size = config["hidden_size"], config["intermediate_size"], config["head_dim"]
    n_q, n_kv = config["num_attention_heads"] * size, config["num_key_value_heads"] * size
    w = {}

    def normal(name, shape, sd, mean=0.0):
        w[name + ".weight"] = (mean + sd * rng.standard_normal(shape)).astype("<f4")

    def dense(name, n_out, n_in):
        normal(name, (n_out, n_in), 1.0 / np.sqrt(n_in))

    normal("model.embed_tokens", (config["vocab_size"], d), 0.4)
    for i in range(config["num_hidden_layers"]):
        p = "model.layers.%d." % i
        normal(p + "input_layernorm", (d,), 0.3, 1.0)
        dense(p + "self_attn.q_proj", n_q, d)
        dense(p + "self_attn.k_proj", n_kv, d)
        dense(p + "self_attn.v_proj", n_kv, d)
        dense(p + "self_attn.o_proj", d, n_q)
        normal(p + "self_attn.q_norm", (size,), 0.3, 1.5)
        normal(p + "self_attn.k_norm", (size,), 0.3, 1.0)
        normal(p + "post_attention_layernorm", (d,), 0.3, 1.0)
        dense(p + "mlp.gate_proj", ffn, d)
        dense(p + "mlp.up_proj", ffn, d)
        dense(p + "mlp.down_proj", d, ffn)
    normal("model.norm", (d,), 0.3, 1.0)
    if head == "lm_head":
        normal("lm_head", (config["vocab_size"], d), 2.0 / np.sqrt(d))
    elif head == "score":
        normal("score", (1, d), 3.0 / np.sqrt(d))
    elif head == "cls.output":
        normal("cls.output", (2, d), 2.0 / np.sqrt(d))
    return w


def config_of(shape, case, bpe):
    hidden, layers, heads, kv_heads, head_dim, ffn, positions = shape
    is_classifier = case["head"] == "score"
    config = {
        "architectures": ["Qwen3ForSequenceClassification" if is_classifier
                          else "Qwen3ForCausalLM"],
        "attention_bias": False, "attention_dropout": 0.0,
        "bos_token_id": bpe.ids["<|endoftext|>"], "eos_token_id": bpe.ids["<|im_end|>"],
        "head_dim": head_dim, "hidden_act": "silu", "hidden_size": hidden,
        "initializer_range": 0.02, "intermediate_size": ffn,
        "max_position_embeddings": positions, "max_window_layers": layers,
        "model_type": "qwen3", "num_attention_heads": heads, "num_hidden_layers": layers,
        "num_key_value_heads": kv_heads, "rms_norm_eps": 1e-6, "rope_scaling": None,
        "rope_theta": case.get("theta", 1000000), "sliding_window": None,
        "tie_word_embeddings": case["head"] in ("tied", "score"),
        "torch_dtype": {"F16": "float16", "BF16": "bfloat16"}.get(case["dtype"], "float32"),
        "use_cache": True, "use_sliding_window": False, "vocab_size": bpe.n_vocab}
    if is_classifier:
        config.update(id2label={"0": "LABEL_0"}, label2id={"LABEL_0": 0},
                      pad_token_id=bpe.ids["<|endoftext|>"])
    return config


def added_token(text, is_control):
    return {"content": text, "single_word": False, "lstrip": False, "rstrip": False,
            "normalized": False, "special": is_control}


NFC = {"type": "NFC"}


def tokenizer_json(bpe, merges_as_pairs, normalizer):
    merges = [list(m) if merges_as_pairs else " ".join(m) for m in bpe.merges]
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False,
                  "use_regex": False}
    return {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [dict(id=bpe.ids[t], **added_token(t, c)) for t, c in bpe.specials],
        "normalizer": normalizer,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": QWEN2_PATTERN}, "behavior": "Isolated",
             "invert": False}, byte_level]},
        "post_processor": byte_level, "decoder": byte_level,
        "model": {"type": "BPE", "dropout": None, "unk_token": None,
                  "continuing_subword_prefix": "", "end_of_word_suffix": "",
                  "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
                  "vocab": {p: i for i, p in enumerate(bpe.pieces[:bpe.n_ordinary])},
                  "merges": merges}}


def write_tokenizer(folder, bpe, style, normalizer=NFC):
    def dump(name, value):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
            json.dump(value, f, ensure_ascii=False)

    decoder = {str(bpe.ids[t]): added_token(t, c) for t, c in bpe.specials}
    dump("tokenizer_config.json", {
        "add_bos_token": False, "add_prefix_space": False, "added_tokens_decoder": decoder,
        "bos_token": None, "eos_token": "<|im_end|>", "pad_token": "<|endoftext|>",
        "model_max_length": 131072, "tokenizer_class": "Qwen2Tokenizer", "unk_token": None})
    if style == "vocab+merges":
        dump("vocab.json", {p: i for i, p in enumerate(bpe.pieces[:bpe.n_ordinary])})
        with open(os.path.join(folder, "merges.txt"), "w", encoding="utf-8") as f:
            f.write("#version: 0.2\n" + "".join(" ".join(m) + "\n" for m in bpe.merges))
    else:
        dump("tokenizer.json", tokenizer_json(bpe, style == "pairs", normalizer))


GGUF_NAMES = [
    ("model.embed_tokens", "token_embd"), ("model.norm", "output_norm"),
    ("lm_head", "output"), ("cls.output", "cls.output"),
    (r"model.layers.(\d+).input_layernorm", r"blk.\1.attn_norm"),
    (r"model.layers.(\d+).post_attention_layernorm", r"blk.\1.ffn_norm"),
    (r"model.layers.(\d+).self_attn.([qkv])_proj", r"blk.\1.attn_\2"),
    (r"model.layers.(\d+).self_attn.o_proj", r"blk.\1.attn_output"),
    (r"model.layers.(\d+).self_attn.([qk])_norm", r"blk.\1.attn_\2_norm"),
    (r"model.layers.(\d+).mlp.(gate|up|down)_proj", r"blk.\1.ffn_\2"),
]


def gguf_name(name):
    stem = name[:-len(".weight")]
    for pattern, to in GGUF_NAMES:
        if re.fullmatch(pattern, stem):
            return re.sub(pattern, to, stem) + ".weight"
    raise KeyError(name)


def gguf_type(name, values, case):
    """Vectors are F32; case["types"] names what differs from case["dtype"]."""
    if values.ndim == 1:
        return "F32"
    for part, dtype in case.get("types", {}).items():
        if part in name:
            return dtype
    is_head = name.startswith("cls.") and case["dtype"] == "Q8_0"
    return "F32" if is_head else case["dtype"]


def write_gguf(path, case, config, weights, bpe):
    g, c = gguf_io, config
    padding = ["[PAD%d]" % i for i in range(len(bpe.pieces), bpe.n_vocab)]
    types = [1] * bpe.n_ordinary + [3 if control else 4 for _, control in bpe.specials]
    metadata = [
        ("general.architecture", g.TEXT, "qwen3"), ("general.type", g.TEXT, "model"),
        ("general.name", g.TEXT, case["name"]),
        ("qwen3.block_count", g.U32, c["num_hidden_layers"]),
        ("qwen3.context_length", g.U32, c["max_position_embeddings"]),
        ("qwen3.embedding_length", g.U32, c["hidden_size"]),
        ("qwen3.feed_forward_length", g.U32, c["intermediate_size"]),
        ("qwen3.attention.head_count", g.U32, c["num_attention_heads"]),
        ("qwen3.attention.head_count_kv", g.U32, c["num_key_value_heads"]),
        ("qwen3.attention.key_length", g.U32, c["head_dim"]),
        ("qwen3.attention.value_length", g.U32, c["head_dim"]),
        ("qwen3.attention.layer_norm_rms_epsilon", g.F32, c["rms_norm_eps"]),
        ("qwen3.rope.freq_base", g.F32, float(c["rope_theta"])),
        ("tokenizer.ggml.model", g.TEXT, "gpt2"), ("tokenizer.ggml.pre", g.TEXT, "qwen2"),
        ("tokenizer.ggml.tokens", g.TEXT, bpe.pieces + padding),
        ("tokenizer.ggml.token_type", g.I32, types + [5] * len(padding)),
        ("tokenizer.ggml.merges", g.TEXT, [" ".join(m) for m in bpe.merges]),
        ("tokenizer.ggml.add_bos_token", g.BOOL, False),
        ("tokenizer.ggml.bos_token_id", g.U32, bpe.ids["<|endoftext|>"]),
        ("tokenizer.ggml.eos_token_id", g.U32, bpe.ids["<|im_end|>"]),
        ("tokenizer.ggml.padding_token_id", g.U32, bpe.ids["<|endoftext|>"])]
    if case["head"] == "cls.output":
        metadata += [
            ("qwen3.pooling_type", g.U32, 4),
            ("qwen3.classifier.output_labels", g.TEXT, ["yes", "no"]),
            ("tokenizer.chat_templates", g.TEXT, ["rerank"]),
            ("tokenizer.chat_template.rerank", g.TEXT, TEMPLATE)]
    tensors = {gguf_name(n): (v, gguf_type(n, v, case)) for n, v in weights.items()}
    g.write(path, metadata, tensors, case.get("version", 3), case.get("alignment", 32))


def storage(name, case):
    """The type in a safetensors file; case["types"] names what differs."""
    return next((t for part, t in case.get("types", {}).items() if part in name),
                case["dtype"])


def stored_weights(case, weights):
    if case["container"] == "gguf":
        return {n: gguf_io.stored_value(v, gguf_type(n, v, case))
                for n, v in weights.items()}
    return {n: safetensors_io.stored_value(v, storage(n, case)) for n, v in weights.items()}


def build(case, folder, rng):
    """Writes the checkpoint; returns (config, weights as stored, tokenizer)."""
    bpe = tokenizer()
    config = config_of(case["shape"], case, bpe)
    weights = random_weights(config, rng, case["head"])
    if case["container"] == "gguf":
        write_gguf(os.path.join(folder, "model.gguf"), case, config, weights, bpe)
    else:
        with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as f:
            json.dump(config, f, indent=1)
        write_tokenizer(folder, bpe, case.get("tokenizer", "strings"))
        safetensors_io.write_shards(folder, weights, lambda n, _: storage(n, case),
                                    case.get("shards", 1))
    return config, stored_weights(case, weights), bpe
