"""Tiny checkpoints of BERT and its relatives: random weights, tokenizer files, config.json,
GGUF.  Weights have BERT's names here and get those of their family when they are written.

case["flavour"]: "bert", "roberta", "jina" (RoBERTa with fused query, key and value),
"electra".  RoBERTa's control pieces stand in a WordPiece vocabulary, which shows pair and graph,
or with case["sentence"] the tokenizer is SentencePiece's Unigram, as published checkpoints have
it: a style of sentence.py's `write`, or anything with a GGUF."""
import collections
import json
import os
import re
import sys

import numpy as np

import gguf_io
import safetensors_io
import sentence
import texts

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "reference"))
from wordpiece import WordPiece  # noqa: E402

SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
ROBERTA_SPECIALS = ["<s>", "<pad>", "</s>", "[UNK]", "<mask>"]
FIRST_POSITION = 2  # of RoBERTa: pad_token_id + 1
CLASSES = {"bert": "Bert", "roberta": "XLMRoberta", "jina": "XLMRoberta", "electra": "Electra"}


def is_roberta(case):
    return case.get("flavour") in ("roberta", "jina")


def vocabulary(n_pieces, case):
    """Control pieces, letters, digits, punctuation, then words and word parts of our texts."""
    pieces = ["[PAD]", "[unused0]", "[unused1]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    if is_roberta(case):
        pieces = list(ROBERTA_SPECIALS)
    pieces += list("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~0123456789")
    letters = "abcdefghijklmnopqrstuvwxyz"
    pieces += list(letters) + ["##" + c for c in letters + "0123456789"]
    everything = " ".join(texts.DOCUMENTS + [texts.LONG_DOCUMENT] + [q for q, _ in texts.JOBS])
    words = collections.Counter(re.findall("[a-z]+", everything.lower()))
    for word in sorted(words, key=lambda w: (-words[w], w)):
        if len(word) < 7:  # longer words are put together from parts
            pieces.append(word)
        else:
            pieces += [word[:4], "##" + word[4:]]
    pieces = list(dict.fromkeys(pieces))
    fill = (a + b for a in letters for b in letters)
    while len(pieces) < n_pieces:
        piece = "##" + next(fill)
        if piece not in pieces:
            pieces.append(piece)
    return pieces[:n_pieces]


def random_weights(config, rng, n_labels):
    d, ffn = config["hidden_size"], config["intermediate_size"]
    width = config.get("embedding_size", d)
    w = {}

    def normal(name, shape, sd, mean=0.0):
        w[name] = (mean + sd * rng.standard_normal(shape)).astype("<f4")

    def dense(name, n_out, n_in, gain=1.0):
        normal(name + ".weight", (n_out, n_in), gain / np.sqrt(n_in))
        normal(name + ".bias", (n_out,), 0.3)

    def norm(name, n=d):
        normal(name + ".weight", (n,), 0.3, 1.0)
        normal(name + ".bias", (n,), 0.2)

    e = "bert.embeddings."
    normal(e + "word_embeddings.weight", (config["vocab_size"], width), 1.0)
    normal(e + "position_embeddings.weight", (config["max_position_embeddings"], width), 0.5)
    normal(e + "token_type_embeddings.weight", (config["type_vocab_size"], width), 0.5)
    norm(e + "LayerNorm", width)
    if width != d:
        dense("bert.embeddings_project", d, width)
    for i in range(config["num_hidden_layers"]):
        p = "bert.encoder.layer.%d." % i
        dense(p + "attention.self.query", d, d, 1.5)
        dense(p + "attention.self.key", d, d, 1.5)
        dense(p + "attention.self.value", d, d)
        dense(p + "attention.output.dense", d, d)
        norm(p + "attention.output.LayerNorm")
        dense(p + "intermediate.dense", ffn, d)
        dense(p + "output.dense", d, ffn, 1.5)
        norm(p + "output.LayerNorm")
    dense("bert.pooler.dense", d, d)
    dense("classifier", n_labels, d, 4.0)
    return w


def label_names(case, n_labels):
    return case.get("label_names", ["LABEL_%d" % i for i in range(n_labels)])


def config_of(case, n_labels, torch_dtype):
    hidden, layers, heads, ffn, vocab, positions = case["shape"]
    flavour = case.get("flavour", "bert")
    family = {"jina": "roberta"}.get(flavour, flavour)
    config = {
        "architectures": [CLASSES[flavour] + "ForSequenceClassification"],
        "attention_probs_dropout_prob": 0.1, "classifier_dropout": None,
        "hidden_act": "gelu", "hidden_dropout_prob": 0.1, "hidden_size": hidden,
        "id2label": {str(i): name for i, name in enumerate(label_names(case, n_labels))},
        "initializer_range": 0.02, "intermediate_size": ffn,
        "label2id": {name: i for i, name in enumerate(label_names(case, n_labels))},
        "layer_norm_eps": 1e-12, "max_position_embeddings": positions,
        "model_type": {"roberta": "xlm-roberta"}.get(family, family),
        "num_attention_heads": heads, "num_hidden_layers": layers,
        "pad_token_id": 0, "position_embedding_type": "absolute",
        "torch_dtype": torch_dtype, "type_vocab_size": 2, "use_cache": True,
        "vocab_size": vocab}
    if family == "roberta":
        config.update(pad_token_id=FIRST_POSITION - 1, type_vocab_size=1, layer_norm_eps=1e-5,
                      max_position_embeddings=positions + FIRST_POSITION)
    if family == "electra":
        config["embedding_size"] = case.get("embedding_size", hidden)
    return config


def for_forward(config, case):
    """What bert.py wants to know beside the config."""
    extra = {"first_position": FIRST_POSITION if is_roberta(case) else 0,
             "head_activation": "gelu" if case.get("flavour") == "electra" else "tanh",
             "max_tokens": case["shape"][5]}
    return dict(config, **extra)


HF_HEAD = [(r"bert\.pooler\.dense", "classifier.dense"), ("classifier", "classifier.out_proj")]
JINA_NAMES = [
    (r"roberta\.embeddings\.LayerNorm", "roberta.emb_ln"),
    (r"roberta\.encoder\.layer\.(\d+)\.attention\.output\.dense",
     r"roberta.encoder.layers.\1.mixer.out_proj"),
    (r"roberta\.encoder\.layer\.(\d+)\.attention\.output\.LayerNorm",
     r"roberta.encoder.layers.\1.norm1"),
    (r"roberta\.encoder\.layer\.(\d+)\.intermediate\.dense",
     r"roberta.encoder.layers.\1.mlp.fc1"),
    (r"roberta\.encoder\.layer\.(\d+)\.output\.dense", r"roberta.encoder.layers.\1.mlp.fc2"),
    (r"roberta\.encoder\.layer\.(\d+)\.output\.LayerNorm",
     r"roberta.encoder.layers.\1.norm2"),
]


def renamed(stem, names):
    for pattern, to in names:
        if re.fullmatch(pattern, stem):
            return re.sub(pattern, to, stem)
    return stem


def fused(weights, query, to):
    """Query, key and value of each layer as one tensor."""
    out = {}
    for name, values in weights.items():
        found = re.fullmatch(query, name)
        if found:
            both = [weights[name.replace("query", part)] for part in ("key", "value")]
            out[found.expand(to)] = np.concatenate([values] + both)
        elif not re.search(r"self\.(key|value)", name):
            out[name] = values
    return out


def hf_tensors(weights, case):
    """The weights under the names of their family."""
    flavour = case.get("flavour", "bert")
    if flavour == "bert":
        return dict(weights)
    prefix = "electra." if flavour == "electra" else "roberta."
    out = {}
    for name, values in weights.items():
        stem, kind = name.rsplit(".", 1)
        stem = renamed(stem, HF_HEAD)
        out[re.sub(r"^bert\.", prefix, stem) + "." + kind] = values
    if flavour != "jina":
        return out
    out = fused(out, r"(roberta\.encoder)\.layer\.(\d+)\.attention\.self\.query\.(\w+)",
                r"\1.layers.\2.mixer.Wqkv.\3")
    return {renamed(n.rsplit(".", 1)[0], JINA_NAMES) + "." + n.rsplit(".", 1)[1]: v
            for n, v in out.items()}


def tokenizer_json(pieces):
    def special(text):
        return {"id": pieces.index(text), "content": text, "single_word": False,
                "lstrip": False, "rstrip": False, "normalized": False, "special": True}

    def part(kind, name, type_id):
        return {kind: {"id": name, "type_id": type_id}}

    cls, sep = pieces.index("[CLS]"), pieces.index("[SEP]")
    single = [part("SpecialToken", "[CLS]", 0), part("Sequence", "A", 0),
              part("SpecialToken", "[SEP]", 0)]
    return {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [special(t) for t in SPECIALS],
        "normalizer": {"type": "BertNormalizer", "clean_text": True,
                       "handle_chinese_chars": True, "strip_accents": None,
                       "lowercase": True},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing", "single": single,
            "pair": single + [part("Sequence", "B", 1), part("SpecialToken", "[SEP]", 1)],
            "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [cls], "tokens": ["[CLS]"]},
                               "[SEP]": {"id": "[SEP]", "ids": [sep], "tokens": ["[SEP]"]}}},
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {"type": "WordPiece", "unk_token": "[UNK]",
                  "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
                  "vocab": {p: i for i, p in enumerate(pieces)}}}


def write_tokenizer(folder, pieces, with_json):
    if with_json:
        with open(os.path.join(folder, "tokenizer.json"), "w", encoding="utf-8") as f:
            json.dump(tokenizer_json(pieces), f, ensure_ascii=False)
        return
    with open(os.path.join(folder, "vocab.txt"), "w", encoding="utf-8") as f:
        f.write("\n".join(pieces) + "\n")
    with open(os.path.join(folder, "tokenizer_config.json"), "w", encoding="utf-8") as f:
        json.dump({"do_lower_case": True, "tokenizer_class": "BertTokenizer",
                   "strip_accents": None, "tokenize_chinese_chars": True,
                   "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]",
                   "pad_token": "[PAD]", "mask_token": "[MASK]"}, f)


def write_directory(folder, case, config, weights, pieces):
    with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as f:
        json.dump(config, f, indent=1)
    if case.get("sentence"):
        sentence.Xlmr().write(folder, case["sentence"])
    else:
        write_tokenizer(folder, pieces, case.get("tokenizer_json", False))
    tensors = hf_tensors(weights, case)
    if case.get("position_ids"):  # older checkpoints carry this unused integer tensor
        tensors["bert.embeddings.position_ids"] = np.arange(
            config["max_position_embeddings"], dtype=np.int64)[None]
    safetensors_io.write_shards(folder, tensors, case["dtype"], case.get("shards", 1))


GGUF_NAMES = [
    ("bert.embeddings.word_embeddings", "token_embd"),
    ("bert.embeddings.position_embeddings", "position_embd"),
    ("bert.embeddings.token_type_embeddings", "token_types"),
    ("bert.embeddings.LayerNorm", "token_embd_norm"),
    ("bert.pooler.dense", "cls"), ("classifier", "cls.output"),
    (r"blk.(\d+).attn_qkv", r"blk.\1.attn_qkv"),
    (r"bert.encoder.layer.(\d+).attention.self.query", r"blk.\1.attn_q"),
    (r"bert.encoder.layer.(\d+).attention.self.key", r"blk.\1.attn_k"),
    (r"bert.encoder.layer.(\d+).attention.self.value", r"blk.\1.attn_v"),
    (r"bert.encoder.layer.(\d+).attention.output.dense", r"blk.\1.attn_output"),
    (r"bert.encoder.layer.(\d+).attention.output.LayerNorm", r"blk.\1.attn_output_norm"),
    (r"bert.encoder.layer.(\d+).intermediate.dense", r"blk.\1.ffn_up"),
    (r"bert.encoder.layer.(\d+).output.dense", r"blk.\1.ffn_down"),
    (r"bert.encoder.layer.(\d+).output.LayerNorm", r"blk.\1.layer_output_norm"),
]


def gguf_name(name):
    stem, kind = name.rsplit(".", 1)
    for pattern, to in GGUF_NAMES:
        if re.fullmatch(pattern, stem):
            return re.sub(pattern, to, stem) + "." + kind
    raise KeyError(name)


def gguf_type(name, values, dtype):
    """Vectors and the small position and type tables stay F32, as converters write them."""
    small = values.ndim == 1 or "position_emb" in name or "token_type" in name
    return "F32" if small else dtype


def gguf_piece(piece):
    """A word starts with U+2581, its continuation carries nothing."""
    if piece.startswith("##"):
        return piece[2:]
    if piece in ROBERTA_SPECIALS:
        return piece
    return piece if piece.startswith("[") and len(piece) > 1 else "\u2581" + piece


def piece_entries(case, pieces):
    g, specials = gguf_io, ROBERTA_SPECIALS if is_roberta(case) else SPECIALS
    pad, unk, cls, sep, mask = [pieces.index(p) for p in (
        ("<pad>", "[UNK]", "<s>", "</s>", "<mask>") if is_roberta(case) else SPECIALS)]
    return [
        ("tokenizer.ggml.model", g.TEXT, "bert"), ("tokenizer.ggml.pre", g.TEXT, "bert-bge"),
        ("tokenizer.ggml.tokens", g.TEXT, [gguf_piece(p) for p in pieces]),
        ("tokenizer.ggml.token_type", g.I32, [3 if p in specials else 1 for p in pieces]),
        ("tokenizer.ggml.unknown_token_id", g.U32, unk),
        ("tokenizer.ggml.seperator_token_id", g.U32, sep),
        ("tokenizer.ggml.padding_token_id", g.U32, pad),
        ("tokenizer.ggml.cls_token_id", g.U32, cls),
        ("tokenizer.ggml.mask_token_id", g.U32, mask)]


def xlmr_entries():
    """As in the files of bge-reranker-v2-m3."""
    xlmr, g = sentence.Xlmr(), gguf_io
    roles = (("bos", "<s>"), ("eos", "</s>"), ("seperator", "</s>"), ("padding", "<pad>"),
             ("cls", "<s>"), ("mask", "<mask>"))
    return xlmr.stored.gguf_entries() + [
        ("tokenizer.ggml.%s_token_id" % role, g.U32, xlmr.ids[piece]) for role, piece in roles
    ] + [("tokenizer.ggml.add_bos_token", g.BOOL, True),
         ("tokenizer.ggml.add_eos_token", g.BOOL, True)]


def write_gguf(path, case, config, weights, pieces):
    g, first = gguf_io, FIRST_POSITION if is_roberta(case) else 0
    metadata = [
        ("general.architecture", g.TEXT, "bert"), ("general.name", g.TEXT, case["name"]),
        ("bert.block_count", g.U32, config["num_hidden_layers"]),
        ("bert.context_length", g.U32, config["max_position_embeddings"] - first),
        ("bert.embedding_length", g.U32, config["hidden_size"]),
        ("bert.feed_forward_length", g.U32, config["intermediate_size"]),
        ("bert.attention.head_count", g.U32, config["num_attention_heads"]),
        ("bert.attention.layer_norm_epsilon", g.F32, config["layer_norm_eps"]),
        ("bert.attention.causal", g.BOOL, False)]
    if not is_roberta(case):  # common files of bge-reranker lack it
        metadata.append(("bert.pooling_type", g.U32, 4))
    metadata.append(("tokenizer.ggml.token_type_count", g.U32, config["type_vocab_size"]))
    metadata += xlmr_entries() if case.get("sentence") else piece_entries(case, pieces)
    kept = {n: v for n, v in weights.items()
            if not (case.get("drop_pooler") and n.startswith("bert.pooler"))}
    table = "bert.embeddings.position_embeddings.weight"
    kept[table] = kept[table][first:]  # converters leave the unused rows away
    if case.get("fused"):
        kept = fused(kept, r"bert\.encoder\.layer\.(\d+)\.attention\.self\.query\.(\w+)",
                     r"blk.\1.attn_qkv.\2")
    tensors = {gguf_name(n): (v, gguf_type(n, v, case["dtype"])) for n, v in kept.items()}
    g.write(path, metadata, tensors)


def stored_weights(case, weights):
    if case["container"] == "gguf":
        return {n: gguf_io.stored_value(v, gguf_type(n, v, case["dtype"]))
                for n, v in weights.items()}
    return {n: safetensors_io.stored_value(v, case["dtype"]) for n, v in weights.items()}


def build(case, folder, rng):
    """Writes the checkpoint; returns (config, weights as stored, tokenizer)."""
    n_labels = case.get("labels", 1)
    torch_dtype = {"F16": "float16", "BF16": "bfloat16"}.get(case["dtype"], "float32")
    config = config_of(case, n_labels, torch_dtype)
    weights = random_weights(config, rng, n_labels)
    xlmr = sentence.Xlmr() if case.get("sentence") else None
    pieces = None if xlmr else vocabulary(config["vocab_size"], case)
    if case["container"] == "gguf":
        write_gguf(os.path.join(folder, "model.gguf"), case, config, weights, pieces)
    else:
        write_directory(folder, case, config, weights, pieces)
    return for_forward(config, case), stored_weights(case, weights), xlmr or WordPiece(pieces)
