#!/usr/bin/env python3
"""Checkpoints that differ in one thing from a golden one: the same scores, others, a note, or a refusal that names it.

usage: check_files.py COMMAND GOLDEN_DIR [NAME...]

Each case stands for a kind of file that people have.  Python 3 only, no packages.
"""
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

QUERY = "owl and snow"
TEXTS = ["the owl waits under the snow", "the mouse heads its list", "snow and owl turns"]
CASES = []


def case(name, base, edit, *wants):
    """wants: "same", "other", "refused WORDS", "noted WORDS", or another edit that gives the same scores."""
    CASES.append((name, base, edit, wants))


# ---- Edits: functions of a folder that holds a copy ----

def change(path, members, gone=()):
    old = json.load(open(path)) if os.path.exists(path) else {}
    old.update(members)
    for key in gone:
        old.pop(key, None)
    with open(path, "w") as f:
        json.dump(old, f)


def config(members=None, *gone):
    return lambda d: change(d + "/config.json", members or {}, gone)


def options(members=None, *gone):
    return lambda d: change(d + "/tokenizer_config.json", members or {}, gone)


def file(name, text):
    def edit(d):
        with open(d + "/" + name, "wb") as f:
            f.write(text if isinstance(text, bytes) else text.encode())
    return edit


def both(*edits):
    def edit(d):
        for one in edits:
            one(d)
    return edit


def tokenizer(f):
    """Of a tokenizer.json that is there."""
    def edit(d):
        root = json.load(open(d + "/tokenizer.json"))
        f(root)
        with open(d + "/tokenizer.json", "w") as out:
            json.dump(root, out)
    return edit


def bert_json(f=lambda root: None):
    """Puts a tokenizer.json beside BERT's vocab.txt, as transformers writes it."""
    def edit(d):
        pieces = {p: i for i, p in enumerate(open(d + "/vocab.txt").read().split("\n")[:-1])}
        special = [{"id": pieces[t], "content": t, "single_word": False, "lstrip": False, "rstrip": False,
                    "normalized": False, "special": True} for t in ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")]
        token = {t: {"id": t, "ids": [pieces[t]], "tokens": [t]} for t in ("[CLS]", "[SEP]")}
        single = [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                  {"SpecialToken": {"id": "[SEP]", "type_id": 0}}]
        pair = single + [{"Sequence": {"id": "B", "type_id": 1}}, {"SpecialToken": {"id": "[SEP]", "type_id": 1}}]
        root = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": special,
                "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True,
                               "strip_accents": None, "lowercase": True},
                "pre_tokenizer": {"type": "BertPreTokenizer"},
                "post_processor": {"type": "TemplateProcessing", "single": single, "pair": pair, "special_tokens": token},
                "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
                "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                          "max_input_chars_per_word": 100, "vocab": pieces}}
        f(root)
        with open(d + "/tokenizer.json", "w") as out:
            json.dump(root, out)
    return edit


def setting(path, value):
    """Of a JSON tree: setting("model.unk_token", 5)."""
    def edit(root):
        *parents, last = path.split(".")
        for name in parents:
            root = root[int(name)] if isinstance(root, list) else root[name]
        root[last] = value
    return edit


def tensors(added=(), gone=()):
    """added: [(name, shape)] of ones in F32, in model.safetensors."""
    def edit(d):
        data = open(d + "/model.safetensors", "rb").read()
        n = struct.unpack("<Q", data[:8])[0]
        header, body = json.loads(data[8:8 + n]), data[8 + n:]
        for name in gone:
            header.pop(name)
        for name, shape in added:
            count = 1
            for size in shape:
                count *= size
            header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(body), len(body) + 4 * count]}
            body += struct.pack("<f", 1.0) * count
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        with open(d + "/model.safetensors", "wb") as f:
            f.write(struct.pack("<Q", len(text)) + text + body)
    return edit


# ---- GGUF ----

SIZES = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}


def read_value(b, at, kind):
    if kind == 8:
        n = struct.unpack_from("<Q", b, at)[0]
        return b[at + 8:at + 8 + n], at + 8 + n
    if kind == 9:
        inner, n = struct.unpack_from("<IQ", b, at)
        at, list_ = at + 12, []
        for _ in range(n):
            value, at = read_value(b, at, inner)
            list_.append(value)
        return (inner, list_), at
    size = struct.calcsize(SIZES[kind])
    return struct.unpack_from("<" + SIZES[kind], b, at)[0], at + size


def write_value(kind, value):
    if kind == 8:
        return struct.pack("<Q", len(value)) + value
    if kind == 9:
        return struct.pack("<IQ", value[0], len(value[1])) + b"".join(write_value(value[0], v) for v in value[1])
    return struct.pack("<" + SIZES[kind], value)


def gguf(keys=None, gone=(), added=(), edit_keys=None):
    """keys: {name: (type, value)}; added: [(name, shape)] of zeros in F32."""
    def edit(d):
        path = d + "/model.gguf"
        b = open(path, "rb").read()
        version, n_tensors, n_keys = struct.unpack_from("<IQQ", b, 4)
        at, all_ = 24, {}
        for _ in range(n_keys):
            name, at = read_value(b, at, 8)
            kind = struct.unpack_from("<I", b, at)[0]
            value, at = read_value(b, at + 4, kind)
            all_[name.decode()] = (kind, value)
        infos = []
        for _ in range(n_tensors):
            name, at = read_value(b, at, 8)
            n = struct.unpack_from("<I", b, at)[0]
            infos.append((name, b[at:at + 4 + 8 * n + 4], struct.unpack_from("<Q", b, at + 8 + 8 * n)[0]))
            at += 16 + 8 * n
        body = b[(at + 31) // 32 * 32:]
        if edit_keys:
            edit_keys(all_)
        all_.update(keys or {})
        for name in gone:
            all_.pop(name, None)
        for name, shape in added:
            body += b"\0" * (-len(body) % 32)
            count = 1
            for size in shape:
                count *= size
            head = struct.pack("<I", len(shape)) + b"".join(struct.pack("<Q", s) for s in shape) + struct.pack("<I", 0)
            infos.append((name.encode(), head, len(body)))
            body += b"\0" * (4 * count)
        out = b"GGUF" + struct.pack("<IQQ", version, len(infos), len(all_))
        for name, (kind, value) in all_.items():
            out += write_value(8, name.encode()) + struct.pack("<I", kind) + write_value(kind, value)
        for name, head, offset in infos:
            out += write_value(8, name) + head + struct.pack("<Q", offset)
        with open(path, "wb") as f:
            f.write(out + b"\0" * (-len(out) % 32) + body)
    return edit


T = "tokenizer.ggml."
MASK, CLS, SEP = 6, 4, 5  # ids in bert-f32 and bert-gguf-f16

# ---- A value that is none ----
for key, value in (("rope_theta", {"a": 1}), ("rope_theta", [1e6, "x"]), ("rope_theta", "1e6"), ("rope_scaling", 5),
                   ("layer_types", ["full_attention", None, {}]), ("rope_scaling", [])):
    case(f"qwen3 {key} {value}", "qwen3-f32-tied", config({key: value}), f'refused "{key}"')
for key, value in (("layer_norm_eps", {}), ("hidden_act", {"name": "gelu"}), ("position_embedding_type", [{}]),
                   ("architectures", {}), ("architectures", [None]), ("id2label", ["a", "b"]), ("id2label", 5),
                   ("problem_type", ["regression"]), ("pad_token_id", {})):
    case(f"bert {key} {value}", "bert-f32", config({key: value}), f'refused "{key}"')
for eps in (-1, 0, 1, 2.5):
    case(f"epsilon {eps}", "bert-f32", config({"layer_norm_eps": eps}), "refused epsilon")
for key in ("layer_norm_eps", "type_vocab_size", "position_embedding_type"):
    case(f"null {key}", "bert-f32", config({key: None}), f"noted {key} is null")
case("null pooling", "modernbert-f32", config({"classifier_pooling": None}), "noted classifier_pooling", "other")
case("null that means something", "qwen3-f32-tied", config({"rope_scaling": None, "sliding_window": None}), "same")

# ---- Rotary positions, layers, classes ----
case("modernbert scaling", "modernbert-f32", config({"rope_scaling": {"type": "linear", "factor": 2}}), "refused rope_scaling")
case("modernbert scaling of nothing", "modernbert-f32", config({"rope_scaling": {"rope_type": "default"}}), "same")
case("factor without type", "qwen3-f32-tied", config({"rope_scaling": {"factor": 2.0}}), "refused rope_scaling.factor")
case("factor 1", "qwen3-f32-tied", config({"rope_scaling": {"factor": 1.0}}), "same")
case("partial rotation", "modernbert-f32", config({"partial_rotary_factor": 0.5}), "refused partial_rotary_factor")
case("too few layer types", "modernbert-f32", config({"layer_types": ["full_attention", "sliding_attention"]}),
     "refused layer_types has 2 entries")
case("two classes", "bert-f32", config({"architectures": ["BertModel", "BertForSequenceClassification"]}), "same")
case("classes of nobody", "bert-f32", config({"architectures": ["BertModel", "FooModel"]}), "refused BertModel")

# ---- Labels ----
RIGHT, WRONG = {"0": "irrelevant", "1": "relevant"}, {"0": "relevant", "1": "irrelevant"}
case("labels the other way round", "bert-two-labels", config({"id2label": WRONG}), "other")
case("ids instead of labels", "bert-two-labels", config({"label2id": {"relevant": 0, "irrelevant": 1}}, "id2label"),
     config({"id2label": WRONG}))
case("numbered labels beside named ids", "bert-two-labels",
     config({"id2label": {"0": "LABEL_0", "1": "LABEL_1"}, "label2id": {"no": 1, "yes": 0}}), config({"id2label": WRONG}))
case("named labels before ids", "bert-two-labels", config({"id2label": RIGHT, "label2id": {"relevant": 0, "irrelevant": 1}}),
     "same")
case("labels that may both be true", "bert-two-labels", config({"problem_type": "multi_label_classification"}),
     "refused problem_type")
case("one label that may be true", "bert-f32", config({"problem_type": "multi_label_classification"}), "same")

# ---- sentence-transformers 5, weights that other programs packed ----
ST = {"version": "5.0.0", "activation_fn": "torch.nn.modules.linear.Identity"}
case("sentence-transformers 5", "bert-f32", config({"sentence_transformers": ST}), "same")
case("its prompt", "bert-f32", config({"sentence_transformers": dict(ST, default_prompt_name="q", prompts={"q": "query: "})}),
     "refused default_prompt_name")
case("its empty prompt", "bert-f32", config({"sentence_transformers": dict(ST, default_prompt_name="q", prompts={"q": ""})}),
     "same")
case("prompts nobody asks for", "bert-f32", config({"sentence_transformers": dict(ST, prompts={"q": "query: "})}), "same")
case("a prompt in its own file", "bert-f32", file("config_sentence_transformers.json",
     '{"prompts": {"q": "query: "}, "default_prompt_name": "q"}'), "refused default_prompt_name")
case("an empty prompt in its own file", "bert-f32", file("config_sentence_transformers.json",
     '{"prompts": {"q": ""}, "default_prompt_name": "q"}'), "same")
for key, value in (("quantization_config", {"quant_method": "gptq", "bits": 4}), ("quantization_config", {"quant_method": "fp8"}),
                   ("quantization", {"group_size": 64, "bits": 4}), ("compression_config", {"format": "x"})):
    case(f"packed {value}", "bert-f32", config({key: value}), f"refused {key}")

# ---- Control tokens and options of the tokenizer ----
case("other control tokens", "bert-f32", options({"cls_token": "[MASK]", "sep_token": "[PAD]"}), "other")
case("the same in the map", "bert-f32", file("special_tokens_map.json", '{"cls_token": "[MASK]", "sep_token": {"content": "[PAD]"}}'),
     options({"cls_token": "[MASK]", "sep_token": "[PAD]"}))
case("a control token that is nowhere", "bert-f32", options({"cls_token": "<cls>"}), "noted cls_token", "same")
case("a control token as a number", "bert-f32", options({"cls_token": 5}), "refused cls_token")
case("a class as a list", "bert-f32", options({"tokenizer_class": ["BertTokenizer"]}), "refused tokenizer_class")
case("no class", "bert-f32", options({"tokenizer_class": None}), "same")
for name in ("BertTokenizerFast", "PreTrainedTokenizerFast", "TokenizersBackend"):
    case(f"class {name}", "bert-f32", both(bert_json(), options({"tokenizer_class": name})), "same")
case("a class that cuts words itself", "bert-f32", both(bert_json(), options({"tokenizer_class": "PhobertTokenizer"})),
     "refused PhobertTokenizer")
case("a class of another file", "bert-f32", options({"tokenizer_class": "RobertaTokenizerFast"}), "refused RobertaTokenizer")
case("no limit", "bert-f32", options({"model_max_length": 1000000000000000019884624838656}), "same")

case("more tokens than rows", "bert-f32", lambda d: open(d + "/vocab.txt", "a").write("zebra\nquagga\n"), "noted 2 tokens", "same")
case("an added token without a row", "bert-f32", file("added_tokens.json", '{"zebra": 9999}'), "noted 1 token ", "same")

# ---- tokenizer.json ----
def without_middle(root):
    root["post_processor"]["pair"].pop(2)


def two_in_the_middle(root):
    root["post_processor"]["pair"].insert(2, root["post_processor"]["pair"][2])


def second_first(root):
    pair = root["post_processor"]["pair"]
    root["post_processor"]["pair"] = [pair[0], pair[3], pair[4], pair[1], pair[2]]


TYPES = "model.safetensors"
case("as transformers writes it", "bert-f32", bert_json(), "same")
case("no token between the texts", "bert-f32", bert_json(without_middle), "other")
case("two tokens between the texts", "bert-f32", bert_json(two_in_the_middle), "other")
case("another first token", "bert-f32", bert_json(lambda r: r["post_processor"]["special_tokens"]["[CLS]"].update(ids=[MASK])),
     options({"cls_token": "[MASK]"}))
case("types of one kind", "bert-f32", bert_json(lambda r: [list(p.values())[0].update(type_id=0) for p in r["post_processor"]["pair"]]),
     options({"model_input_names": ["input_ids"]}))
case("the second text first", "bert-f32", bert_json(second_first), "refused before the second")
case("BertProcessing", "bert-f32", bert_json(setting("post_processor", {"type": "BertProcessing", "cls": ["[CLS]", CLS], "sep": ["[SEP]", SEP]})),
     "same")
case("RobertaProcessing", "bert-f32", bert_json(setting("post_processor", {"type": "RobertaProcessing", "cls": ["[CLS]", 2],
     "sep": ["[SEP]", 3], "trim_offsets": True, "add_prefix_space": False})), "other")
case("no post-processor", "bert-f32", bert_json(setting("post_processor", None)), "noted post_processor", "same")
case("a post-processor of another kind", "bert-f32", bert_json(setting("post_processor", {"type": "Magic"})), "refused Magic")
for path, value in (("normalizer.lowercase", 1), ("normalizer.clean_text", "true"), ("model.max_input_chars_per_word", "5"),
                    ("model.unk_token", 5), ("added_tokens", {}), ("pre_tokenizer", []), ("model", 5)):
    case(f"{path} {value}", "bert-f32", bert_json(setting(path, value)), "refused " + path.split(".")[-1])
case("a flag as a text", "bert-f32", bert_json(lambda r: r["added_tokens"][3].update(special="true")), "refused added token")
def listed_elsewhere(root):
    """The list says another id than the vocabulary, where another piece is."""
    root["added_tokens"].append({"id": 10, "content": "owl", "special": False, "normalized": True, "single_word": True,
                                 "lstrip": False, "rstrip": False})


case("an added token of two ids", "bert-f32", bert_json(listed_elsewhere), "noted added token", "same")
for key, value in (("end_of_word_suffix", "</w>"), ("continuing_subword_prefix", "##")):
    case(f"qwen3 {key}", "qwen3-f32-tied", tokenizer(setting("model." + key, value)), "refused " + key)
case("ignore_merges as a text", "qwen3-f32-tied", tokenizer(setting("model.ignore_merges", "true")), "refused ignore_merges")
case("padding and truncation of one call", "bert-f32", bert_json(lambda r: r.update(
    padding={"strategy": {"Fixed": 64}, "direction": "Right", "pad_id": 0, "pad_type_id": 0, "pad_token": "[PAD]"},
    truncation={"direction": "Right", "max_length": 8, "strategy": "LongestFirst", "stride": 0})), "same")

# ---- Tensors that nobody uses ----
LAYER = "bert.encoder.layer.0.attention.self.query"
for name in (".lora_A.weight", ".base_layer.weight", ".qweight", ".weight_scale", ".weight.SCB", ".weight_g",
             ".parametrizations.weight.original0"):
    case("surplus " + name, "bert-f32", tensors([(LAYER + name, [48])]), "refused " + name)
case("surplus of a layer", "bert-f32", tensors([(LAYER + "_norm.weight", [48])]), "noted query_norm", "same")
case("surplus of a head", "bert-f32", tensors([("classifier.dense.weight", [48, 48])]), "noted classifier.dense", "same")
case("buffers", "bert-f32", tensors([("bert.embeddings.position_ids", [96]), ("cls.predictions.bias", [400])]), "same", "quiet")
case("a norm before ModernBERT's first layer", "modernbert-f32", tensors([("model.layers.0.attn_norm.weight", [48])]),
     "noted attn_norm", "same")
case("fewer layers than there are", "bert-f32", config({"num_hidden_layers": 1}), "noted num_hidden_layers", "other")

def biases(d):
    tensors([(f"model.layers.{i}.self_attn.q_proj.bias", [64])
             for i in range(json.load(open(d + "/config.json"))["num_hidden_layers"])])(d)


case("biases that the config denies", "qwen3-f32-tied", both(config({"attention_bias": False}), biases),
     "refused attention_bias")

# ---- GGUF ----
def capitals(keys):
    kind, (inner, pieces) = keys[T + "tokens"]
    keys[T + "tokens"] = (kind, (inner, pieces[:-1] + [b"\xe2\x96\x81Owl"]))


case("capitals in BERT's GGUF", "bert-gguf-f16", gguf(edit_keys=capitals), "noted capital")
case("small letters by a key", "bert-gguf-f16", gguf({T + "normalizer.lowercase": (7, True)}), "same")
case("other control tokens of a GGUF", "bert-gguf-f16", gguf({T + "cls_token_id": (4, MASK)}), "other")
case("control tokens that are nowhere", "bert-gguf-f16", gguf({T + "cls_token_id": (4, 99999)}), "refused cls_token_id")
case("attention the other way", "bert-gguf-f16", gguf({"bert.attention.causal": (7, True)}), "refused causal")
case("a number as a text", "bert-gguf-f16", gguf({"bert.attention.layer_norm_epsilon": (8, b"1e-12")}), "refused epsilon")
case("no space prefix is said", "roberta-gguf-unigram", gguf(gone=[T + "add_space_prefix"]), "noted add_space_prefix", "same")
case("of Gemma it is known", "gemma-gguf-f16", gguf(gone=[T + "add_space_prefix"]), "noted add_space_prefix", "same")
case("nothing on white space", "roberta-gguf-unigram", gguf(gone=[T + "remove_extra_whitespaces"]), "noted remove_extra", "same")
case("no types", "gemma-gguf-f16", gguf(gone=[T + "token_type"]), "noted token_type")
case("no map of characters", "roberta-gguf-unigram", gguf(gone=[T + "precompiled_charsmap"]), "noted charsmap")
case("a normaliser that is not here", "gemma-gguf-f16", gguf({T + "normalizer.lowercase": (7, True)}), "refused lowercase")
case("no base of rotary positions", "qwen3-gguf-f32", gguf(gone=["qwen3.rope.freq_base"]), "noted rope.freq_base")
case("no epsilon of norms", "qwen3-gguf-f32", gguf(gone=["qwen3.attention.layer_norm_rms_epsilon"]), "noted layer_norm_rms_epsilon")
case("no epsilon of BERT's", "bert-gguf-f16", gguf(gone=["bert.attention.layer_norm_epsilon"]), "noted layer_norm_epsilon")
case("a scale without its kind", "qwen3-gguf-f32", gguf({"qwen3.rope.scaling.factor": (6, 4.0)}), "refused scaling.factor")
case("the old key of it", "qwen3-gguf-f32", gguf({"qwen3.rope.scale_linear": (6, 4.0)}), "refused scale_linear")
case("a part of each head", "qwen3-gguf-f32", gguf({"qwen3.rope.dimension_count": (4, 8)}), "refused dimension_count")
case("experts", "qwen3-gguf-f32", gguf({"qwen3.expert_count": (4, 8)}), "refused expert_count")
for name, shape in (("blk.0.attn_q.weight.lora_a", [40, 4]), ("blk.0.attn_sinks.weight", [4]), ("blk.0.ffn_gate_exps.weight", [4, 4]),
                    ("cls.output.bias", [1])):
    case("GGUF with " + name, "qwen3-gguf-f32", gguf(added=[(name, shape)]), "refused " + name)
case("GGUF with another norm", "qwen3-gguf-f32", gguf(added=[("token_embd_norm.weight", [40])]), "noted token_embd_norm", "same")


# ---- Folders of other programs ----
def only(*names):
    def edit(d):
        for name in os.listdir(d):
            os.remove(d + "/" + name)
        for name in names:
            os.makedirs(os.path.dirname(d + "/" + name), exist_ok=True)
            with open(d + "/" + name, "w") as f:
                f.write("{}")
    return edit


for name, words in (("pytorch_model.bin", "PyTorch"), ("model.pth", "PyTorch"), ("tf_model.h5", "TensorFlow"),
                    ("flax_model.msgpack", "Flax"), ("weights.npz", "NumPy"), ("openvino_model.xml", "OpenVINO"),
                    ("onnx/model.onnx", "ONNX"), ("adapter_config.json", "adapter")):
    case("a folder with " + name, "bert-f32", only("config.json", name), "refused " + words)


for name, start, words in (("an HTML page", b"<!DOCTYPE html><html>not found</html>", "an HTML page"),
                           ("a GGUF file", b"GGUF\3\0\0\0\1\0\0\0\0\0\0\0", "a GGUF file"),
                           ("a pickle", b"PK\3\4\0\0\x08\x08\0\0\0\0", "a ZIP archive"),
                           ("an LFS pointer", b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull")):
    case(name + " called model.safetensors", "bert-f32", file("model.safetensors", start), "refused " + words)


# ---- Running ----

def rank(command, model):
    body = "".join(json.dumps({"text": text}) + "\n" for text in TEXTS)
    found = subprocess.run([command, "rank", "-m", model, "-q", QUERY, "-k", "0", "--json", "--no-text", "--no-stats",
                            "--arithmetic", "f32", "--policy", "none", "--profile", "none", "-t", "1"],
                           input=body.encode(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
    said = found.stderr.decode("utf-8", "replace")
    if found.returncode:
        return None, said
    results = json.loads(found.stdout)["results"]
    return [r["logit"] for r in sorted(results, key=lambda r: r["index"])], said


def scores(command, golden, base, edit):
    folder = tempfile.mkdtemp(prefix="grating-files-")
    try:
        model = shutil.copytree(os.path.join(golden, base), folder + "/model")
        if edit:
            edit(model)
        gguf_file = model + "/model.gguf"
        return rank(command, gguf_file if os.path.exists(gguf_file) else model)
    finally:
        shutil.rmtree(folder)


def are_same(a, b):
    return a and b and all(abs(x - y) <= 1e-5 * max(1, abs(x)) for x, y in zip(a, b))


def problem(command, golden, one):
    name, base, edit, wants = one
    got, said = scores(command, golden, base, edit)
    usual, _ = scores(command, golden, base, None)
    for want in wants:
        word, _, rest = want.partition(" ") if isinstance(want, str) else ("", "", "")
        if callable(want):
            other, why = scores(command, golden, base, want)
            fine = are_same(got, other) and not are_same(got, usual)
            rest = f"as {other} {why}"
        elif word == "refused":
            fine = got is None and rest in said
        elif word == "noted":
            fine = got is not None and rest in said
        elif word == "quiet":
            fine = got is not None and not said
        else:
            fine = got is not None and are_same(got, usual) == (word == "same")
        if not fine:
            return f"{name}: wanted {word} {rest}; scores {got}, usually {usual}; said: {said.strip()}"
    return None


def main():
    command, golden, names = sys.argv[1], sys.argv[2], sys.argv[3:]
    chosen = [c for c in CASES if not names or c[0] in names]
    with ThreadPoolExecutor(2) as pool:
        problems = [p for p in pool.map(lambda c: problem(command, golden, c), chosen) if p]
    for text in problems:
        print(text)
    print(f"{len(chosen) - len(problems)} of {len(chosen)} cases are as they should be")
    return 1 if problems or not chosen else 0


sys.exit(main())
