"""Tiny Qwen2, MiniCPM and Gemma rerankers: random weights, tokenizer files, config.json,
GGUF.  Qwen2 has the byte-level BPE of the Qwen3 cases, the others SentencePiece's."""
import json
import os
import re

import numpy as np

import decoder
import gguf_io
import safetensors_io
import sentence
import texts
from byte_bpe import ByteBpe, bge_pair, mxbai_pair
from qwen3_case import GGUF_NAMES, N_MERGES, N_PADDING, SPECIALS, write_tokenizer

CLASSES = {"qwen2": "Qwen2ForCausalLM", "minicpm": "LayerWiseMiniCPMForCausalLM",
           "gemma": "GemmaForCausalLM", "gemma3": "Gemma3ForCausalLM",
           "llama": "LlamaForCausalLM"}
BOS = {"minicpm": "<s>", "gemma": "<bos>", "gemma3": "<bos>", "llama": "<s>"}
ANSWERS = {"qwen2": ("1", "0"), "minicpm": (None, None), "gemma": ("Yes", None),
           "gemma3": ("Yes", None), "llama": ("\u2581Yes", None)}
GGUF_NAMES = [
    (r"model.layers.(\d+).pre_feedforward_layernorm", r"blk.\1.ffn_norm"),
    (r"model.layers.(\d+).post_feedforward_layernorm", r"blk.\1.post_ffw_norm"),
] + GGUF_NAMES
FIRST_MERGES = [("Y", "e"), ("Ye", "s"), ("?", "\u010a"), ("\u010a", "\u010a")]


def tokenizer(family):
    if family == "minicpm":
        return sentence.llama()
    if family == "llama":
        return sentence.llama_with_yes()
    if family in ("gemma", "gemma3"):
        return sentence.gemma()
    return ByteBpe(texts.DOCUMENTS + [texts.LONG_DOCUMENT], N_MERGES, FIRST_MERGES, SPECIALS,
                   N_PADDING)


def random_weights(config, rng, head):
    d, ffn, size = config["hidden_size"], config["intermediate_size"], config["head_dim"]
    n_q, n_kv = config["num_attention_heads"] * size, config["num_key_value_heads"] * size
    is_gemma, w = config["family"].startswith("gemma"), {}
    embedding = 0.4 / {"gemma": np.sqrt(d), "gemma3": np.sqrt(d), "minicpm": config.get("scale_emb")}.get(
        config["family"], 1.0)

    def normal(name, shape, sd, mean=0.0):
        w[name] = (mean + sd * rng.standard_normal(shape)).astype("<f4")

    def dense(name, n_out, n_in):
        normal(name + ".weight", (n_out, n_in), 1.0 / np.sqrt(n_in))

    def a_norm(name, n=d):
        normal(name + ".weight", (n,), 0.3, 0.0 if config["norms_less_one"] else 1.0)

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
        if config.get("attention_bias"):
            for name, n in (("q", n_q), ("k", n_kv), ("v", n_kv), ("o", d)):
                normal(p + "self_attn.%s_proj.bias" % name, (n,), 0.7)
        if config["family"] == "gemma3":
            a_norm(p + "self_attn.q_norm", size)
            a_norm(p + "self_attn.k_norm", size)
            a_norm(p + "pre_feedforward_layernorm")
            a_norm(p + "post_feedforward_layernorm")
        a_norm(p + "post_attention_layernorm")
        dense(p + "mlp.gate_proj", ffn, d)
        dense(p + "mlp.up_proj", ffn, d)
        dense(p + "mlp.down_proj", d, ffn)
    a_norm("model.norm")
    if config["family"] == "minicpm":
        for i in range(config["num_hidden_layers"] - config["start_layer"] + 1):
            normal("lm_head.%d.linear_head.weight" % i, (1, d), 3.0 / np.sqrt(d))
    elif head == "lm_head":
        sd = 6.0 if config["family"] == "llama" else 2.0  # one row alone spreads less
        normal("lm_head.weight", (config["vocab_size"], d), sd / np.sqrt(d))
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
        "family": family, "norms_less_one": family.startswith("gemma") and case["container"] != "gguf",
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
    elif family == "llama":
        config.update(hidden_act="silu", rope_theta=case.get("theta", 500000.0),
                      rope_scaling=case.get("scaling"), yes=bpe.ids["\u2581Yes"],
                      attention_bias=case.get("bias", False), mlp_bias=False,
                      tie_word_embeddings=case["head"] == "tied", pretraining_tp=1,
                      _name_or_path="tiny/llama-reranker")
    elif family == "gemma3":
        config.update(hidden_activation="gelu_pytorch_tanh", rope_theta=1000000.0,
                      rope_local_base_freq=10000.0, sliding_window=case["window"],
                      sliding_window_pattern=6, attention_bias=False,
                      query_pre_attn_scalar=case.get("scalar", head_dim),
                      rope_scaling=case.get("scaling"), attn_logit_softcapping=None,
                      final_logit_softcapping=None, _name_or_path="tiny/gemma3-reranker")
        if "layer_types" in case:
            config["layer_types"] = case["layer_types"]
        if "period" in case:
            config["sliding_window_pattern"] = case["period"]
    else:
        config.update(hidden_act="gelu", hidden_activation=None, rope_theta=10000.0,
                      attention_bias=False)
        if case.get("names_activation"):
            config.update(hidden_act="gelu_pytorch_tanh",
                          hidden_activation="gelu_pytorch_tanh")
    return config


# what is ours, and what a family's own files leave to its defaults
OURS = {"family", "norms_less_one", "yes"}
SILENT = {"qwen2": {"head_dim"}, "minicpm": {"head_dim", "rope_theta"}, "gemma": set(),
          "gemma3": set(), "llama": {"head_dim"}}
# of a model that also sees pictures: what its text_config leaves to the defaults
SILENT_TEXT = {"num_attention_heads", "num_key_value_heads", "head_dim", "hidden_activation",
               "rope_theta", "rope_local_base_freq", "layer_types",
               "query_pre_attn_scalar", "attention_bias", "attn_logit_softcapping",
               "final_logit_softcapping", "rms_norm_eps", "vocab_size", "architectures"}


def write_config(folder, config, is_nested=False):
    hidden = OURS | SILENT[config["family"]]
    if is_nested:
        text = {k: v for k, v in config.items() if k not in hidden | SILENT_TEXT}
        config = {"architectures": ["Gemma3ForConditionalGeneration"], "model_type": "gemma3",
                  "family": "gemma3", "text_config": text, "vision_config": {"hidden_size": 8},
                  "_name_or_path": text.pop("_name_or_path")}
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


def bpe_entries(bpe):
    g = gguf_io
    padding = ["[PAD%d]" % i for i in range(len(bpe.pieces), bpe.n_vocab)]
    types = [1] * bpe.n_ordinary + [3 if control else 4 for _, control in bpe.specials]
    return [("tokenizer.ggml.model", g.TEXT, "gpt2"), ("tokenizer.ggml.pre", g.TEXT, "qwen2"),
            ("tokenizer.ggml.tokens", g.TEXT, bpe.pieces + padding),
            ("tokenizer.ggml.token_type", g.I32, types + [5] * len(padding)),
            ("tokenizer.ggml.merges", g.TEXT, [" ".join(m) for m in bpe.merges])]


def interleaved(values, n_heads):
    """Rows of each head in the order 0, half, 1, half + 1 and so on, as converters put them."""
    rows = values.reshape(n_heads, 2, values.shape[0] // n_heads // 2, -1)
    return rows.swapaxes(1, 2).reshape(values.shape)


def gguf_weights(config, weights):
    out = {}
    heads = {"q_proj": config["num_attention_heads"], "k_proj": config["num_key_value_heads"]}
    for name, values in weights.items():
        part = name.split(".")[-2]
        to = gguf_name(name)
        if config["family"] == "gemma3" and part == "post_attention_layernorm":
            to = to.replace("ffn_norm", "post_attention_norm")
        if config["family"] == "llama" and part in heads:
            values = interleaved(values, heads[part])
        out[to] = (name, values)
    return out


def write_gguf(path, case, config, weights, bpe):
    g, c, family = gguf_io, config, config["family"]
    numbers = [("block_count", c["num_hidden_layers"]),
               ("context_length", c["max_position_embeddings"]),
               ("embedding_length", c["hidden_size"]),
               ("feed_forward_length", c["intermediate_size"]),
               ("attention.head_count", c["num_attention_heads"]),
               ("attention.head_count_kv", c["num_key_value_heads"])]
    if family in ("gemma", "gemma3"):
        numbers += [("attention.key_length", c["head_dim"]),
                    ("attention.value_length", c["head_dim"])]
    if family == "gemma3":
        numbers += [("attention.sliding_window", c["sliding_window"])]
    metadata = [("general.architecture", g.TEXT, family),
                ("general.name", g.TEXT, c.get("_name_or_path", case["name"]))]
    metadata += [(family + "." + key, g.U32, n) for key, n in numbers]
    metadata += [(family + ".attention.layer_norm_rms_epsilon", g.F32, c["rms_norm_eps"])]
    if family in ("qwen2", "llama", "gemma3"):
        metadata += [(family + ".rope.freq_base", g.F32, float(c["rope_theta"]))]
    metadata += bpe_entries(bpe) if family == "qwen2" else bpe.stored.gguf_entries()
    tensors = {to: (v, storage(n, v, case))
               for to, (n, v) in gguf_weights(c, weights).items()}
    if c.get("rope_scaling"):
        stored = decoder.divisors(c, c["rope_theta"]).numpy().astype("<f4")
        tensors["rope_freqs.weight"] = (stored, "F32")
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
        write_config(folder, config, case.get("nested", False))
        if case["family"] == "qwen2":
            write_tokenizer(folder, bpe, case.get("tokenizer", "strings"))
        else:
            bpe.write(folder, case.get("tokenizer", "json"))
        before = "language_model." if case.get("nested") else ""
        safetensors_io.write_shards(folder, {before + n: v for n, v in weights.items()},
                                    lambda n, v: storage(n, v, case), case.get("shards", 1))
    return config, stored_weights(case, weights), bpe


def pair(config, bpe, query, document, instruction):
    """(ids, truncated) of the family's prompt."""
    if config["family"] == "qwen2":
        return mxbai_pair(bpe, query, document, config["max_position_embeddings"],
                          instruction)
    return bge_pair(bpe, query, document, config["max_position_embeddings"],
                    BOS[config["family"]])
