#!/usr/bin/env python3
"""Writes a GGUF file with the shape of a reranker and random weights.

usage: make_shape.py SHAPE OUT [--type f32|f16|q8_0|q4_0|q4_k|q6_k] [--layers N] [--seed S]
SHAPE: qwen3-0.6b, qwen3-4b, qwen3-8b, bge-m3, modernbert (gte-reranker-modernbert-base) or
minilm-l6 (ms-marco-MiniLM-L6); tiny, tiny-256, tiny-bert, tiny-roberta and tiny-modernbert,
for tests, are no model's

For `grating bench`: time and memory depend on shapes and storage, not on what weights
mean, so nothing needs to be downloaded. Scores of such a file are noise.

Weights have standard deviation 0.02, as in a model before training, which keeps
activations finite at any depth. They are cut out of one random block of a million
values, over and over: its length shares no factor with those of rows, so rows differ.

The tokenizer of Qwen3's and ModernBERT's shapes is byte-level BPE: merges learned from
frequent English words and the words of the prompt, each of which becomes one token, then
pieces of up to four letters for other words, and unused tokens up to the model's number. The
prompt has about as many tokens as with Qwen3's own tokenizer, rare words have more. BERT's is
WordPiece with the same words, and so is bge-m3's here, whose own is SentencePiece."""
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
# architecture, hidden size, layers, heads, feed-forward size, tokens, positions
ENCODERS = {
    "bge-m3": ("roberta", 1024, 24, 16, 4096, 250002, 8192),
    "minilm-l6": ("bert", 384, 6, 12, 1536, 30522, 512),
    "modernbert": ("modern-bert", 768, 22, 12, 1152, 50368, 8192),
    "tiny-bert": ("bert", 64, 6, 4, 192, 30522, 512),
    "tiny-roberta": ("roberta", 64, 6, 4, 192, 30522, 512),
    "tiny-modernbert": ("modern-bert", 64, 6, 4, 192, 50368, 512),
}
VOCABULARY = 151669
FIRST_CONTROL = 151643
CONTROLS = {0: "<|endoftext|>", 1: "<|im_start|>", 2: "<|im_end|>", 24: "<think>",
            25: "</think>"}  # after the first one
MODERNBERT_FIRST_CONTROL = 50280
MODERNBERT_CONTROLS = {0: "[UNK]", 1: "[CLS]", 2: "[SEP]", 3: "[PAD]", 4: "[MASK]"}
BERT_CONTROLS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
ROBERTA_CONTROLS = ["<s>", "<pad>", "</s>", "[UNK]"]
DEVIATION = 0.02
ALIGNMENT = 32

# ---- GGUF, https://github.com/ggml-org/ggml/blob/master/docs/gguf.md ----

MAGIC, VERSION = b"GGUF", 3
META_UINT32, META_INT32, META_FLOAT32, META_BOOL, META_TEXT, META_ARRAY = 4, 5, 6, 7, 8, 9
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
    formats = {META_UINT32: "<I", META_INT32: "<i", META_FLOAT32: "<f", META_BOOL: "<?"}
    return struct.pack(formats[kind], value)


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


def make_vocabulary(size=VOCABULARY, first_control=FIRST_CONTROL, controls=None):
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
    tokens += [f"[unused {i}]" for i in range(len(tokens), size)]
    types += [TOKEN_UNUSED] * (size - len(types))
    for after, name in (controls or CONTROLS).items():
        tokens[first_control + after] = name
        types[first_control + after] = TOKEN_CONTROL
    return tokens, types, merges


def make_wordpieces(size, controls):
    """Tokens and their types: a word's first piece begins with U+2581, others with nothing."""
    mark = "\u2581"
    letters = [*LETTERS, *"0123456789", *"!\"#$%&'()*+,-./:;<=>?@[]^_`{|}~"]
    words = [word.lower() for word in WORDS.split()]
    pieces = [mark + piece for piece in letters + words] + letters[:36]
    pieces += [form for piece in short_pieces("") for form in (mark + piece, piece)]
    tokens = list(dict.fromkeys(controls + pieces))[:size]
    types = [TOKEN_CONTROL] * len(controls) + [TOKEN_NORMAL] * (len(tokens) - len(controls))
    tokens += [f"[unused {i}]" for i in range(len(tokens), size)]
    return tokens, types + [TOKEN_UNUSED] * (size - len(types))


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


def list_bert_tensors(shape, kind):
    """BERT's and RoBERTa's; converters keep the tables of positions and types in f32."""
    family, hidden, n_layers, _, ffn, vocabulary, positions = shape

    def norm(name):
        return [(f"{name}.weight", (hidden,), "f32"), (f"{name}.bias", (hidden,), "f32")]

    def dense(name, n_in, n_out, stored=kind):
        return [(f"{name}.weight", (n_in, n_out), stored), (f"{name}.bias", (n_out,), "f32")]

    tensors = [("token_embd.weight", (hidden, vocabulary), kind),
               ("position_embd.weight", (hidden, positions), "f32"),
               ("token_types.weight", (hidden, 2 if family == "bert" else 1), "f32"),
               *norm("token_embd_norm")]
    for layer in range(n_layers):
        block = f"blk.{layer}."
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            tensors += dense(block + name, hidden, hidden)
        tensors += norm(block + "attn_output_norm") + dense(block + "ffn_up", hidden, ffn)
        tensors += dense(block + "ffn_down", ffn, hidden) + norm(block + "layer_output_norm")
    return tensors + dense("cls", hidden, hidden, "f32") + dense("cls.output", hidden, 1, "f32")


def list_modernbert_tensors(shape, kind):
    _, hidden, n_layers, _, ffn, vocabulary, _ = shape
    tensors = [("token_embd.weight", (hidden, vocabulary), kind),
               ("token_embd_norm.weight", (hidden,), "f32")]
    for layer in range(n_layers):
        norms = ["attn_norm", "ffn_norm"] if layer else ["ffn_norm"]
        matrices = [("attn_qkv", hidden, 3 * hidden), ("attn_output", hidden, hidden),
                    ("ffn_up", hidden, 2 * ffn), ("ffn_down", ffn, hidden)]
        tensors += [(f"blk.{layer}.{name}.weight", (hidden,), "f32") for name in norms]
        tensors += [(f"blk.{layer}.{name}.weight", (n_in, n_out), kind)
                    for name, n_in, n_out in matrices]
    return tensors + [("output_norm.weight", (hidden,), "f32"),
                      ("cls.weight", (hidden, hidden), "f32"),
                      ("cls.norm.weight", (hidden,), "f32"),
                      ("cls.output.weight", (hidden, 1), "f32"),
                      ("cls.output.bias", (1,), "f32")]


def tensors_of(name, shape, kind):
    if name not in ENCODERS:
        return list_tensors(shape, kind)
    is_modern = shape[0] == "modern-bert"
    return (list_modernbert_tensors if is_modern else list_bert_tensors)(shape, kind)


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
               "attention.value_length": head}
    return [
        entry("general.architecture", META_TEXT, "qwen3"),
        entry("general.name", META_TEXT, f"random weights in the shape of {name}"),
        entry("general.alignment", META_UINT32, ALIGNMENT),
        *(entry(f"qwen3.{key}", META_UINT32, value) for key, value in numbers.items()),
        entry("qwen3.attention.layer_norm_rms_epsilon", META_FLOAT32, 1e-6),
        entry("qwen3.rope.freq_base", META_FLOAT32, 1e6),
        entry("qwen3.classifier.output_labels", META_TEXT, ["yes", "no"]),
        entry("tokenizer.ggml.model", META_TEXT, "gpt2"),
        entry("tokenizer.ggml.pre", META_TEXT, "qwen2"),
        entry("tokenizer.ggml.tokens", META_TEXT, tokens),
        entry("tokenizer.ggml.token_type", META_INT32, types),
        entry("tokenizer.ggml.merges", META_TEXT, merges),
    ]


def make_encoder_metadata(name, shape):
    family, hidden, n_layers, heads, ffn, vocabulary, positions = shape
    prefix = "modern-bert" if family == "modern-bert" else "bert"
    numbers = {"block_count": n_layers, "context_length": positions,
               "embedding_length": hidden, "feed_forward_length": ffn,
               "attention.head_count": heads}
    if family == "modern-bert":
        numbers.update({"attention.sliding_window": 128, "pooling_type": 4,
                        "attention.sliding_window_pattern": 3})
    out = [entry("general.architecture", META_TEXT, prefix),
           entry("general.name", META_TEXT, f"random weights in the shape of {name}"),
           entry("general.alignment", META_UINT32, ALIGNMENT),
           *(entry(f"{prefix}.{key}", META_UINT32, value) for key, value in numbers.items()),
           entry(f"{prefix}.attention.causal", META_BOOL, False),
           entry(f"{prefix}.attention.layer_norm_epsilon", META_FLOAT32,
                 1e-12 if family == "bert" else 1e-5)]
    if family == "modern-bert":
        tokens, types, merges = make_vocabulary(vocabulary, MODERNBERT_FIRST_CONTROL,
                                                MODERNBERT_CONTROLS)
        out += [entry("modern-bert.rope.freq_base", META_FLOAT32, 160000.0),
                entry("modern-bert.rope.freq_base_swa", META_FLOAT32, 10000.0),
                entry("tokenizer.ggml.model", META_TEXT, "gpt2"),
                entry("tokenizer.ggml.pre", META_TEXT, "modern-bert"),
                entry("tokenizer.ggml.merges", META_TEXT, merges)]
    else:
        tokens, types = make_wordpieces(
            vocabulary, BERT_CONTROLS if family == "bert" else ROBERTA_CONTROLS)
        out.append(entry("tokenizer.ggml.model", META_TEXT, "bert"))
    return out + [entry("tokenizer.ggml.tokens", META_TEXT, tokens),
                  entry("tokenizer.ggml.token_type", META_INT32, types)]


def write_model(file, name, shape, kind, seed):
    tensors = tensors_of(name, shape, kind)
    metadata = (make_encoder_metadata if name in ENCODERS else make_metadata)(name, shape)
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
    for tensor, dimensions, stored in tensors:
        n_bytes = size_of(dimensions, stored)
        if len(dimensions) == 1:  # norms and biases
            value = 0.0 if tensor.endswith(".bias") else 1.0
            file.write(struct.pack("<f", value) * dimensions[0])
        else:
            streams[stored].write(file, n_bytes)
        file.write(b"\0" * (aligned(n_bytes) - n_bytes))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shape", choices=[*SHAPES, *ENCODERS])
    parser.add_argument("out")
    parser.add_argument("--type", choices=TYPES, default="f16")
    parser.add_argument("--layers", type=int, help="instead of the shape's number")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    name = arguments.shape
    shape = list(ENCODERS.get(name) or SHAPES[name])
    layers = 2 if name in ENCODERS else 1  # where the shape has them
    shape[layers] = shape[layers] if arguments.layers is None else arguments.layers
    if shape[layers] < 1:
        parser.error("--layers: at least 1")
    for _, dimensions, kind in tensors_of(name, shape, arguments.type):
        if dimensions[0] % UNIT[kind][0]:
            parser.error(f"--type {kind}: {arguments.shape} has rows of {dimensions[0]} "
                         f"values, blocks hold {UNIT[kind][0]}")
    with open(arguments.out, "wb") as file:
        write_model(file, arguments.shape, shape, arguments.type, arguments.seed)
        print(f"{arguments.out}: {file.tell() / 2 ** 20:.1f} MiB")


if __name__ == "__main__":
    sys.exit(main())
