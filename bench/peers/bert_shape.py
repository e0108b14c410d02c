#!/usr/bin/env python3
"""Writes a BERT cross-encoder with random weights, once for each engine.

usage: bert_shape.py SHAPE FOLDER
       bert_shape.py --pairs JOB.json OUT.json
SHAPE: minilm-l6, bge-m3 (BERT with the layers of bge-reranker-v2-m3) or tiny

FOLDER gets config.json, vocab.txt, tokenizer_config.json and model.safetensors, for
grating; f32.onnx, as an export from PyTorch would look; and int8.onnx, as ONNX Runtime's
quantize_dynamic makes it of that (per channel). All hold the same weights.

The second form writes the tokens of each pair of a job. Every word of made_up.py is one
token, so ids() below is the whole tokenizer."""
import json
import math
import os
import sys

import numpy as np

import made_up
from onnx_file import FLOAT, INT64, Graph

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "tools", "golden"))
import safetensors_io  # noqa: E402

# hidden size, layers, heads, feed-forward size
SHAPES = {"minilm-l6": (384, 6, 12, 1536), "bge-m3": (1024, 24, 16, 4096),
          "tiny": (64, 2, 4, 256)}
N_TOKENS, N_POSITIONS, EPSILON, OPSET = 30522, 512, 1e-12, 17
SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def vocabulary():
    pieces = SPECIALS + made_up.make_words()
    return pieces + ["[unused%d]" % i for i in range(N_TOKENS - len(pieces))]


def ids(job):
    """Token ids and token types of each pair, without padding."""
    numbers = {piece: i for i, piece in enumerate(vocabulary())}
    cls, sep = numbers["[CLS]"], numbers["[SEP]"]
    query = [cls] + [numbers[word] for word in job["query"].split()] + [sep]
    pairs = [query + [numbers[word] for word in document.split()] + [sep]
             for document in job["documents"]]
    types = [[0] * len(query) + [1] * (len(pair) - len(query)) for pair in pairs]
    return {"ids": pairs, "types": types}


def random_weights(shape):
    """Hugging Face's names. Deviations keep values near 1 through any number of layers."""
    hidden, n_layers, _, ffn = shape
    source, weights = np.random.default_rng(1), {}

    def normal(name, dimensions, deviation, mean=0.0):
        values = source.standard_normal(dimensions, "f4")
        weights[name] = values * np.float32(deviation) + np.float32(mean)

    def dense(name, n_out, n_in, gain=1.0):
        normal(name + ".weight", (n_out, n_in), gain / math.sqrt(n_in))
        normal(name + ".bias", (n_out,), 0.1)

    def norm(name):
        normal(name + ".weight", (hidden,), 0.1, 1.0)
        normal(name + ".bias", (hidden,), 0.1)

    e = "bert.embeddings."
    normal(e + "word_embeddings.weight", (N_TOKENS, hidden), 1.0)
    normal(e + "position_embeddings.weight", (N_POSITIONS, hidden), 0.5)
    normal(e + "token_type_embeddings.weight", (2, hidden), 0.5)
    norm(e + "LayerNorm")
    for i in range(n_layers):
        p = "bert.encoder.layer.%d." % i
        for name in ("query", "key", "value"):
            dense(p + "attention.self." + name, hidden, hidden)
        dense(p + "attention.output.dense", hidden, hidden)
        norm(p + "attention.output.LayerNorm")
        dense(p + "intermediate.dense", ffn, hidden)
        dense(p + "output.dense", hidden, ffn, 1.5)
        norm(p + "output.LayerNorm")
    dense("bert.pooler.dense", hidden, hidden)
    dense("classifier", 1, hidden, 4.0)
    return weights


def write_directory(folder, shape, weights):
    hidden, n_layers, n_heads, ffn = shape
    config = {
        "architectures": ["BertForSequenceClassification"], "model_type": "bert",
        "hidden_act": "gelu", "hidden_size": hidden, "id2label": {"0": "LABEL_0"},
        "intermediate_size": ffn, "label2id": {"LABEL_0": 0}, "layer_norm_eps": EPSILON,
        "max_position_embeddings": N_POSITIONS, "num_attention_heads": n_heads,
        "num_hidden_layers": n_layers, "pad_token_id": 0,
        "position_embedding_type": "absolute", "torch_dtype": "float32",
        "type_vocab_size": 2, "vocab_size": N_TOKENS}
    tokenizer = {"do_lower_case": True, "tokenizer_class": "BertTokenizer",
                 "strip_accents": None, "tokenize_chinese_chars": True,
                 **{p[1:-1].lower() + "_token": p for p in SPECIALS}}
    for name, value in (("config.json", config), ("tokenizer_config.json", tokenizer)):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            json.dump(value, file, indent=1)
    with open(os.path.join(folder, "vocab.txt"), "w", encoding="utf-8") as file:
        file.write("\n".join(vocabulary()) + "\n")
    safetensors_io.write(os.path.join(folder, "model.safetensors"), weights, "F32")


class Network:
    """The ONNX graph of one shape, in f32 or quantised."""

    def __init__(self, path, shape, weights, is_int8):
        self.graph, self.shape, self.weights = Graph(path), shape, weights
        self.is_int8, self.rounded = is_int8, {}

    def weight(self, name):
        return self.graph.tensor(name, self.weights[name])

    def matrix_product(self, x, name):
        """x times a matrix that is stored transposed, [in][out]."""
        matrix = self.weights[name].T
        if not self.is_int8:
            return self.graph.node("MatMul", [x, self.graph.tensor(name, matrix)])
        g = self.graph
        scales = (np.abs(matrix).max(0) / 127).astype("f4")
        whole = g.tensor(name, np.rint(matrix / scales).astype("i1"))
        zeros = g.tensor(name + ".zeros", np.zeros(len(scales), "i1"))
        if x not in self.rounded:  # once for all that read x
            self.rounded[x] = g.node("DynamicQuantizeLinear", [x], 3)
        numbers, scale, zero = self.rounded[x]
        sums = g.node("MatMulInteger", [numbers, whole, zero, zeros])
        both = g.node("Mul", [scale, g.tensor(name + ".scales", scales)])
        return g.node("Mul", [g.node("Cast", [sums], to=FLOAT), both])

    def linear(self, x, name):
        product = self.matrix_product(x, name + ".weight")
        return self.graph.node("Add", [product, self.weight(name + ".bias")])

    def norm(self, x, name):
        inputs = [x, self.weight(name + ".weight"), self.weight(name + ".bias")]
        return self.graph.node("LayerNormalization", inputs, axis=-1, epsilon=EPSILON)

    def gelu(self, x):
        """0.5 x (1 + erf(x / sqrt 2)), in the order in which PyTorch exports it."""
        g = self.graph
        erf = g.node("Erf", [g.node("Div", [x, g.constant(math.sqrt(2.0))])])
        y = g.node("Mul", [x, g.node("Add", [erf, g.constant(1.0)])])
        return g.node("Mul", [y, g.constant(0.5)])

    def embed(self):
        g, e = self.graph, "bert.embeddings."
        n_tokens = g.node("Gather", [g.node("Shape", ["input_ids"]), g.constant([1], "int64")])
        positions = g.node("Slice", [self.weight(e + "position_embeddings.weight"),
                                     g.constant([0], "int64"), n_tokens,
                                     g.constant([0], "int64")])
        words = g.node("Gather", [self.weight(e + "word_embeddings.weight"), "input_ids"])
        types = g.node("Gather", [self.weight(e + "token_type_embeddings.weight"),
                                  "token_type_ids"])
        x = g.node("Add", [g.node("Add", [words, types]), positions])
        return self.norm(x, e + "LayerNorm")

    def make_mask(self):
        """What is added to scores: 0, or the lowest number for padding."""
        g = self.graph
        mask = g.node("Unsqueeze", ["attention_mask", g.constant([1, 2], "int64")])
        padding = g.node("Sub", [g.constant(1.0), g.node("Cast", [mask], to=FLOAT)])
        return g.node("Mul", [padding, g.constant(-3.4028235e38)])

    def attention(self, x, prefix, mask):
        g = self.graph
        hidden, _, n_heads, _ = self.shape
        size = hidden // n_heads
        three = [self.linear(x, prefix + name) for name in ("query", "key", "value")]
        shape = g.constant([0, 0, n_heads, size], "int64")
        q, k, v = [g.node("Transpose", [g.node("Reshape", [y, shape])], perm=order)
                   for y, order in zip(three, ((0, 2, 1, 3), (0, 2, 3, 1), (0, 2, 1, 3)))]
        scores = g.node("Div", [g.node("MatMul", [q, k]), g.constant(math.sqrt(size))])
        shares = g.node("Softmax", [g.node("Add", [scores, mask])], axis=-1)
        mixed = g.node("Transpose", [g.node("MatMul", [shares, v])], perm=(0, 2, 1, 3))
        return g.node("Reshape", [mixed, g.constant([0, 0, hidden], "int64")])

    def write(self):
        g = self.graph
        x, mask = self.embed(), self.make_mask()
        for i in range(self.shape[1]):
            p = "bert.encoder.layer.%d." % i
            y = self.attention(x, p + "attention.self.", mask)
            y = self.linear(y, p + "attention.output.dense")
            x = self.norm(g.node("Add", [y, x]), p + "attention.output.LayerNorm")
            y = self.linear(self.gelu(self.linear(x, p + "intermediate.dense")),
                            p + "output.dense")
            x = self.norm(g.node("Add", [y, x]), p + "output.LayerNorm")
        first = g.node("Gather", [x, g.constant(0, "int64")], axis=1)
        pooled = g.node("Tanh", [self.linear(first, "bert.pooler.dense")])
        logits = self.linear(pooled, "classifier")
        inputs = [(name, INT64, ("pairs", "tokens"))
                  for name in ("input_ids", "attention_mask", "token_type_ids")]
        g.write(inputs, (logits, FLOAT, ("pairs", 1)), OPSET)


def write_all(name, folder):
    os.makedirs(folder, exist_ok=True)
    weights = random_weights(SHAPES[name])
    for kind in ("f32", "int8"):
        path = os.path.join(folder, kind + ".onnx")
        Network(path, SHAPES[name], weights, kind == "int8").write()
    write_directory(folder, SHAPES[name], weights)


def main():
    if len(sys.argv) == 4 and sys.argv[1] == "--pairs":
        with open(sys.argv[2], encoding="utf-8") as job, open(sys.argv[3], "w") as out:
            json.dump(ids(json.load(job)), out)
    elif len(sys.argv) == 3 and sys.argv[1] in SHAPES:
        write_all(sys.argv[1], sys.argv[2])
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
