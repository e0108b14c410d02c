#!/usr/bin/env python3
"""Writes a GGUF file with the shape of a Qwen3 reranker and random weights.

usage: make_shape.py SHAPE OUT [--type f32|f16|q8_0|q4_0|q4_k|q6_k] [--layers N] [--seed S]
SHAPE: qwen3-0.6b, qwen3-4b or qwen3-8b; tiny and tiny-256, for tests, are no model's

For `grating bench`: time and memory depend on shapes and storage, not on what weights
mean, so nothing needs to be downloaded. Scores of such a file are noise.

Weights have standard deviation 0.02, as in a model before training, which keeps
activations finite at any depth. They are cut out of one random block of a million
values, over and over: its length shares no factor with those of rows, so rows differ.

The tokenizer is byte-level BPE: merges learned from frequent English words and the words
of the prompt, each of which becomes one token, then pieces of up to four letters for
other words, and unused tokens up to Qwen3's number. The prompt has about as many tokens
as with Qwen3's own tokenizer, rare words have more."""
import argparse
import array
import itertools
import random
import struct
import sys

# hidden size, layers, heads, key heads, head size, feed-forward size
SHAPES = {
    "qwen3-0.6b": (1024, 28, 16, 8, 128, 3072),
    "qwen3-4b": (2560, 36, 32, 8, 128, 9728),
    "qwen3-8b": (4096, 36, 32, 8, 128, 12288),
    "tiny": (64, 6, 4, 2, 16, 192),
    "tiny-256": (256, 4, 4, 2, 64, 256),  # rows for q4_k and q6_k
}
VOCABULARY = 151669
FIRST_CONTROL = 151643
CONTROLS = {0: "<|endoftext|>", 1: "<|im_start|>", 2: "<|im_end|>", 24: "<think>",
            25: "</think>"}  # after the first one
DEVIATION = 0.02
ALIGNMENT = 32
# Converters write it for other engines, which take the prompt from the file.
PROMPT_TEMPLATE = (
    "<|im_start|>system\nJudge whether the Document meets the requirements based on the Query "
    "and the Instruct provided. Note that the answer can only be \"yes\" or \"no\"."
    "<|im_end|>\n<|im_start|>user\n<Instruct>: Given a web search query, retrieve relevant "
    "passages that answer the query\n<Query>: {query}\n<Document>: {document}<|im_end|>\n"
    "<|im_start|>assistant\n<think>\n\n</think>\n\n")
POOLING_RANK = 4

# ---- GGUF, https://github.com/ggml-org/ggml/blob/master/docs/gguf.md ----

MAGIC, VERSION = b"GGUF", 3
META_UINT32, META_INT32, META_FLOAT32, META_TEXT, META_ARRAY = 4, 5, 6, 8, 9
TYPES = {"f32": 0, "f16": 1, "q8_0": 8, "q4_0": 2, "q4_k": 12, "q6_k": 14}
UNIT = {"f32": (1, 4), "f16": (1, 2), "q8_0": (32, 34), "q4_0": (32, 18), "q4_k": (256, 144),
        "q6_k": (256, 210)}  # values, bytes
TOKEN_NORMAL, TOKEN_CONTROL, TOKEN_UNUSED = 1, 3, 5


def text(value):
    data = value.encode("utf-8")
    return struct.pack("<Q", len(data)) + data


def scalar(kind, value):
    if kind == META_TEXT:
        return text(value)
    return struct.pack({META_UINT32: "<I", META_INT32: "<i", META_FLOAT32: "<f"}[kind], value)


def entry(key, kind, value):
    """A metadata entry; a list becomes an array."""
    if not isinstance(value, list):
        return text(key) + struct.pack("<I", kind) + scalar(kind, value)
    head = struct.pack("<IIQ", META_ARRAY, kind, len(value))
    return text(key) + head + b"".join(scalar(kind, v) for v in value)


# ---- The vocabulary ----

# Words and marks of the prompt, then frequent words of English, most frequent first.
PROMPT = ["system", "Judge", "whether", "Document", "meets", "requirements", "based", "Query",
          "Instruct", "provided", "Note", "answer", "only", "user", "Given", "web", "search",
          "query", "retrieve", "relevant", "passages", "assistant", "yes", "no", ">:", "\".",
          "\n\n", ".\n"]
WORDS = """the of and to in a is that for it as was with be by on not he this are or his from
at which but have an had they you were their one all we can her has there been if more when
will no so out what up about into than them time only some may other these two first any
like now over such our most made after also did many must years much where well down people
water world long work life great night house day way part through because between each very
then its him she my your me say said just even back still here own under last right old
place same another while state never again might every found how do why use new year good
get make see know take come think look want give find tell ask seem feel try leave call
would could should country men school against during without few left number off always
next small large high end does set three public group important history word fact city
government company program question problem hand point week month book line home room
mother area money story study war land music food law car hour name power market result
change morning reason research girl guy moment air teacher force education owls hunt"""
CONSONANTS, VOWELS = "bcdfghklmnprstvwyz", "aeiou"
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def byte_alphabet():
    """GPT-2's printable character for each byte: itself, or one from U+0100 on."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    out, extra = {}, 256
    for byte in range(256):
        out[byte] = chr(byte if byte in shown else extra)
        extra += byte not in shown
    return out


def learn_merges(words):
    """Byte-pair encoding: the pair that occurs most is merged, until words are whole."""
    words = [(list(word), len(words) - rank) for rank, word in enumerate(words)]
    while True:
        counts = {}
        for pieces, weight in words:
            for pair in zip(pieces, pieces[1:]):
                counts[pair] = counts.get(pair, 0) + weight
        if not counts:
            return
        best = max(counts, key=lambda pair: (counts[pair], pair))
        yield best
        for pieces, _ in words:
            i = 0
            while i + 1 < len(pieces):
                if (pieces[i], pieces[i + 1]) == best:
                    pieces[i:i + 2] = ["".join(best)]
                i += 1


def short_pieces(space):
    """Runs of consonants and vowels in turn, up to four letters; shorter ones first."""
    letters = [CONSONANTS, VOWELS]
    runs = [[letter] for letter in LETTERS]
    for length in range(2, 5):
        for start in (0, 1):
            if length == 4 and start == 1:
                continue
            kinds = [letters[(start + i) % 2] for i in range(length)]
            runs += itertools.product(*kinds)
    for run in runs:
        piece = "".join(run)
        yield piece
        yield space + piece


def make_vocabulary():
    """Tokens, their types, and merges."""
    alphabet = byte_alphabet()
    space = alphabet[32]
    tokens = list(alphabet.values())
    known = set(tokens)

    def add(token):
        if token not in known:
            known.add(token)
            tokens.append(token)

    words = ["".join(alphabet[byte] for byte in word.encode())
             for word in dict.fromkeys(PROMPT + WORDS.split())]
    pairs = list(learn_merges([before + word for word in words for before in (space, "")]))
    for left, right in pairs:
        add(left + right)
    # However a word was cut by the merges above, its rest can still become such a piece.
    for piece in short_pieces(space):
        cuts = [(piece[:i], piece[i:]) for i in range(1, len(piece))]
        usable = [cut for cut in cuts if cut[0] in known and cut[1] in known]
        if usable:
            add(piece)
        pairs += usable
    merges = [f"{left} {right}" for left, right in dict.fromkeys(pairs)]
    types = [TOKEN_NORMAL] * len(tokens)
    tokens += [f"[unused {i}]" for i in range(len(tokens), VOCABULARY)]
    types += [TOKEN_UNUSED] * (VOCABULARY - len(types))
    for after, name in CONTROLS.items():
        tokens[FIRST_CONTROL + after] = name
        types[FIRST_CONTROL + after] = TOKEN_CONTROL
    return tokens, types, merges


# ---- Weights ----

def spread(*ranges):
    """Standard deviation of a product of whole numbers, each uniform from low to high, of
    which one at least has mean zero."""
    product = 1.0
    for low, high in ranges:
        product *= sum(n * n for n in range(low, high + 1)) / (high - low + 1)
    return product ** 0.5


def random_block(kind, source):
    """One block of a block type: random numbers and scales, halfs for the deviation."""
    def half(value):
        return struct.pack("<e", value)

    if kind == "q8_0":
        return half(DEVIATION / spread((-127, 127))) + \
            source.randbytes(32).replace(b"\x80", b"\x81")
    if kind == "q4_0":
        return half(DEVIATION / spread((-8, 7))) + source.randbytes(16)
    if kind == "q6_k":  # numbers, then signed scales
        return source.randbytes(128 + 64 + 16) + \
            half(DEVIATION / spread((-32, 31), (-128, 127)))
    # q4_k: minima are 7.5 times the scales, so that values have mean zero: their six bits
    # are those of the scales
    d = DEVIATION / (spread((0, 63)) * ((16 * 16 - 1) / 12) ** 0.5)
    four = source.randbytes(4)
    equal_halves = bytes(n * 17 for n in source.choices(range(16), k=4))
    return half(d) + half(7.5 * d) + four + four + equal_halves + source.randbytes(128)


class Weights:
    """An endless stream of random values in one storage type."""

    def __init__(self, kind, seed):
        source = random.Random(seed)
        n = 1048583  # a prime
        if kind in ("f32", "f16"):
            width = DEVIATION * 3 ** 0.5  # of a uniform distribution, on each side
            values = array.array("f", (source.uniform(-width, width) for _ in range(n)))
            data = struct.pack(f"<{n}{'e' if kind == 'f16' else 'f'}", *values)
        else:
            n = {32: 32771, 256: 4099}[UNIT[kind][0]]  # primes
            data = b"".join(random_block(kind, source) for _ in range(n))
        self.block = data
        self.at = 0

    def write(self, file, n_bytes):
        while n_bytes > 0:
            piece = self.block[self.at:self.at + n_bytes]
            file.write(piece)
            self.at = (self.at + len(piece)) % len(self.block)
            n_bytes -= len(piece)


def list_tensors(shape, kind):
    """Name, dimensions (innermost first) and storage type of each tensor."""
    hidden, n_layers, heads, key_heads, head, ffn = shape
    tensors = [("token_embd.weight", (hidden, VOCABULARY), kind)]
    for layer in range(n_layers):
        vectors = [("attn_norm", hidden), ("attn_q_norm", head), ("attn_k_norm", head),
                   ("ffn_norm", hidden)]
        matrices = [("attn_q", hidden, heads * head), ("attn_k", hidden, key_heads * head),
                    ("attn_v", hidden, key_heads * head), ("attn_output", heads * head, hidden),
                    ("ffn_gate", hidden, ffn), ("ffn_up", hidden, ffn), ("ffn_down", ffn, hidden)]
        tensors += [(f"blk.{layer}.{name}.weight", (n,), "f32") for name, n in vectors]
        tensors += [(f"blk.{layer}.{name}.weight", (n_in, n_out), kind)
                    for name, n_in, n_out in matrices]
    return tensors + [("output_norm.weight", (hidden,), "f32"),
                      ("cls.output.weight", (hidden, 2), "f32")]


def size_of(dimensions, kind):
    n = 1
    for dimension in dimensions:
        n *= dimension
    values, n_bytes = UNIT[kind]
    return n // values * n_bytes


def aligned(n):
    return -(-n // ALIGNMENT) * ALIGNMENT


def make_metadata(name, shape):
    hidden, n_layers, heads, key_heads, head, ffn = shape
    tokens, types, merges = make_vocabulary()
    numbers = {"block_count": n_layers, "context_length": 40960, "embedding_length": hidden,
               "feed_forward_length": ffn, "attention.head_count": heads,
               "attention.head_count_kv": key_heads, "attention.key_length": head,
               "attention.value_length": head, "pooling_type": POOLING_RANK}
    return [
        entry("general.architecture", META_TEXT, "qwen3"),
        entry("general.name", META_TEXT, f"random weights in the shape of {name}"),
        entry("general.alignment", META_UINT32, ALIGNMENT),
        *(entry(f"qwen3.{key}", META_UINT32, value) for key, value in numbers.items()),
        entry("qwen3.attention.layer_norm_rms_epsilon", META_FLOAT32, 1e-6),
        entry("qwen3.rope.freq_base", META_FLOAT32, 1e6),
        entry("qwen3.classifier.output_labels", META_TEXT, ["yes", "no"]),
        entry("tokenizer.chat_template.rerank", META_TEXT, PROMPT_TEMPLATE),
        entry("tokenizer.ggml.model", META_TEXT, "gpt2"),
        entry("tokenizer.ggml.pre", META_TEXT, "qwen2"),
        entry("tokenizer.ggml.tokens", META_TEXT, tokens),
        entry("tokenizer.ggml.token_type", META_INT32, types),
        entry("tokenizer.ggml.merges", META_TEXT, merges),
    ]


def write_model(file, name, shape, kind, seed):
    tensors, metadata = list_tensors(shape, kind), make_metadata(name, shape)
    infos, offset = [], 0
    for tensor, dimensions, stored in tensors:
        infos.append(text(tensor) + struct.pack(f"<I{len(dimensions)}Q", len(dimensions),
                                                *dimensions)
                     + struct.pack("<IQ", TYPES[stored], offset))
        offset += aligned(size_of(dimensions, stored))
    head = MAGIC + struct.pack("<IQQ", VERSION, len(tensors), len(metadata))
    head += b"".join(metadata) + b"".join(infos)
    file.write(head.ljust(aligned(len(head)), b"\0"))
    streams = {stored: Weights(stored, seed) for stored in {kind, "f32"}}
    for _, dimensions, stored in tensors:
        n_bytes = size_of(dimensions, stored)
        if len(dimensions) == 1:  # norms
            file.write(struct.pack("<f", 1.0) * dimensions[0])
        else:
            streams[stored].write(file, n_bytes)
        file.write(b"\0" * (aligned(n_bytes) - n_bytes))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shape", choices=SHAPES)
    parser.add_argument("out")
    parser.add_argument("--type", choices=TYPES, default="f16")
    parser.add_argument("--layers", type=int, help="instead of the shape's number")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    shape = list(SHAPES[arguments.shape])
    shape[1] = shape[1] if arguments.layers is None else arguments.layers
    if shape[1] < 1:
        parser.error("--layers: at least 1")
    for _, dimensions, kind in list_tensors(shape, arguments.type):
        if dimensions[0] % UNIT[kind][0]:
            parser.error(f"--type {kind}: {arguments.shape} has rows of {dimensions[0]} "
                         f"values, blocks hold {UNIT[kind][0]}")
    with open(arguments.out, "wb") as file:
        write_model(file, arguments.shape, shape, arguments.type, arguments.seed)
        print(f"{arguments.out}: {file.tell() / 2 ** 20:.1f} MiB")


if __name__ == "__main__":
    sys.exit(main())
