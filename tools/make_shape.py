#!/usr/bin/env python3
"""Writes a checkpoint with the shape of a reranker and random weights.

usage: make_shape.py SHAPE OUT [--type f32|f16|q8_0|q4_0|q4_k|q6_k] [--layers N] [--seed S]
SHAPE: qwen3-0.6b, qwen3-4b, qwen3-8b, mxbai-base, mxbai-large, gemma-2b,
       minicpm-layerwise, bge-m3, modernbert (gte-reranker-modernbert-base) or minilm-l6
       (ms-marco-MiniLM-L6); those that begin with "tiny" are for tests and no model's
OUT:   a GGUF file; a directory with minicpm-layerwise, which has no GGUF (f32 or f16)

For `grating bench`: time and memory depend on shapes and storage, not on what weights
mean, so nothing needs to be downloaded. Scores of such a file are noise.

Weights have standard deviation 0.02, as in a model before training, which keeps
activations finite at any depth. They are cut out of one random block of a million
values, over and over: its length shares no factor with those of rows, so rows differ.

The tokenizer of Qwen and ModernBERT is byte-level BPE: merges learned from frequent English
words and the words of the prompt, each of which becomes one token, then pieces of up to four
letters for other words, and unused tokens up to the model's number. BERT's is WordPiece with
the same words; Gemma, MiniCPM (BPE) and bge-m3 (Unigram) have SentencePiece's, filled with
made-up words of about the length that XLM-RoBERTa's pieces have. The prompt has about as many
tokens as with the model's own tokenizer, rare words have more."""
import argparse
import array
import itertools
import json
import os
import random
import struct
import sys

# family; hidden size, layers, heads, key heads, head size, feed-forward size
SHAPES = {
    "qwen3-0.6b": ("qwen3", (1024, 28, 16, 8, 128, 3072)),
    "qwen3-4b": ("qwen3", (2560, 36, 32, 8, 128, 9728)),
    "qwen3-8b": ("qwen3", (4096, 36, 32, 8, 128, 12288)),
    "mxbai-base": ("qwen2", (896, 24, 14, 2, 64, 4864)),
    "mxbai-large": ("qwen2", (1536, 28, 12, 2, 128, 8960)),
    "gemma-2b": ("gemma", (2048, 18, 8, 1, 256, 16384)),
    "minicpm-layerwise": ("minicpm", (2304, 40, 36, 36, 64, 5760)),
    # encoders: hidden size, layers, heads, feed-forward size, tokens, positions
    "bge-m3": ("roberta", (1024, 24, 16, 4096, 250002, 8192)),
    "minilm-l6": ("bert", (384, 6, 12, 1536, 30522, 512)),
    "modernbert": ("modern-bert", (768, 22, 12, 1152, 50368, 8192)),
    "tiny-bert": ("bert", (64, 6, 4, 192, 30522, 512)),
    "tiny-roberta": ("roberta", (64, 6, 4, 192, 30522, 512)),
    "tiny-modernbert": ("modern-bert", (64, 6, 4, 192, 50368, 512)),
    "tiny": ("qwen3", (64, 6, 4, 2, 16, 192)),
    "tiny-256": ("qwen3", (256, 4, 4, 2, 64, 256)),  # rows for q4_k and q6_k
    "tiny-qwen2": ("qwen2", (64, 6, 4, 2, 16, 192)),
    "tiny-gemma": ("gemma", (64, 6, 4, 1, 32, 192)),
    "tiny-minicpm": ("minicpm", (64, 12, 4, 4, 16, 192)),
}


class Family:
    def __init__(self, vocabulary, controls, positions, theta, words):
        self.vocabulary = vocabulary
        self.controls = controls  # {id: name}
        self.positions, self.theta = positions, theta
        self.words = words  # of the prompt: each becomes one token


QWEN_CONTROLS = {151643: "<|endoftext|>", 151644: "<|im_start|>", 151645: "<|im_end|>"}
BGE_WORDS = ["A", "B", "Given", "query", "passage", "determine", "whether", "contains",
             "answer", "providing", "prediction", "either", "Yes", "No", "'.", ":"]
FAMILIES = {
    "qwen3": Family(151669, {**QWEN_CONTROLS, 151667: "<think>", 151668: "</think>"}, 40960,
                    1e6,
                    ["system", "Judge", "whether", "Document", "meets", "requirements",
                     "based", "Query", "Instruct", "provided", "Note", "answer", "only",
                     "user", "Given", "web", "search", "query", "retrieve", "relevant",
                     "passages", "assistant", "yes", "no", ">:", "\".", "\n\n", ".\n"]),
    "qwen2": Family(151936, QWEN_CONTROLS, 32768, 1e6,
                    ["system", "You", "Qwen", "created", "Alibaba", "Cloud", "helpful",
                     "assistant", "user", "query", "document", "search", "relevance",
                     "expert", "evaluates", "documents", "match", "queries", "each", "pair",
                     "carefully", "analyze", "semantic", "relationship", "provide", "binary",
                     "judgment", "relevant", "Relevance", ").\n"]),
    "gemma": Family(256000, {0: "<pad>", 1: "<eos>", 2: "<bos>", 3: "<unk>"}, 8192, 1e4,
                    BGE_WORDS),
    "minicpm": Family(122753, {0: "<unk>", 1: "<s>", 2: "</s>"}, 2048, 1e4, BGE_WORDS),
}
START_LAYER = 8  # the first layer of minicpm-layerwise with a head
# its prompt has no words of its own
MODERNBERT = Family(50368, {50280: "[UNK]", 50281: "[CLS]", 50282: "[SEP]", 50283: "[PAD]",
                            50284: "[MASK]"}, 8192, 160000.0, FAMILIES["qwen3"].words)
ENCODERS = ("bert", "roberta", "modern-bert")
BERT_CONTROLS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
ROBERTA_CONTROLS = {0: "<s>", 1: "<pad>", 2: "</s>", 3: "<unk>"}  # and <mask> last
DEVIATION = 0.02
ALIGNMENT = 32
# Converters write it for other engines, which take the prompt from the file.
QWEN3_PROMPT = (
    "<|im_start|>system\nJudge whether the Document meets the requirements based on the Query "
    "and the Instruct provided. Note that the answer can only be \"yes\" or \"no\"."
    "<|im_end|>\n<|im_start|>user\n<Instruct>: Given a web search query, retrieve relevant "
    "passages that answer the query\n<Query>: {query}\n<Document>: {document}<|im_end|>\n"
    "<|im_start|>assistant\n<think>\n\n</think>\n\n")
POOLING_RANK = 4

# ---- GGUF, https://github.com/ggml-org/ggml/blob/master/docs/gguf.md ----

MAGIC, VERSION = b"GGUF", 3
META_UINT32, META_INT32, META_FLOAT32, META_BOOL, META_TEXT, META_ARRAY = 4, 5, 6, 7, 8, 9
TYPES = {"f32": 0, "f16": 1, "q8_0": 8, "q4_0": 2, "q4_k": 12, "q6_k": 14}
UNIT = {"f32": (1, 4), "f16": (1, 2), "q8_0": (32, 34), "q4_0": (32, 18), "q4_k": (256, 144),
        "q6_k": (256, 210)}  # values, bytes
TOKEN_NORMAL, TOKEN_UNKNOWN, TOKEN_CONTROL, TOKEN_USER_DEFINED, TOKEN_UNUSED, TOKEN_BYTE = \
    range(1, 7)


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

# Frequent words of English, most frequent first.
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


def make_vocabulary(family):
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
             for word in dict.fromkeys(family.words + WORDS.split())]
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
    tokens += [f"[unused {i}]" for i in range(len(tokens), family.vocabulary)]
    types += [TOKEN_UNUSED] * (family.vocabulary - len(types))
    for number, name in family.controls.items():
        tokens[number] = name
        types[number] = TOKEN_CONTROL
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


MARK = "\u2581"  # what SentencePiece has in the place of a space


def made_up_words():
    """Words of three or four syllables, most with a mark, each once."""
    source, known = random.Random(5), set()
    while True:
        word = "".join(source.choice(CONSONANTS) + source.choice(VOWELS)
                       for _ in range(source.choice((3, 4, 4, 4))))
        word = (MARK if source.random() < 0.6 else "") + word
        if word not in known:
            known.add(word)
            yield word


def make_pieces(size, controls, words, has_bytes):
    """Tokens, types and scores of a SentencePiece model: control tokens, bytes, characters,
    what whole words are merged from, then words up to the number.  A piece's score is the
    lower the later it stands; of two ways through a text the one with fewer pieces wins."""
    tokens, types = [], []
    for number in range(len(controls)):
        tokens.append(controls[number])
        types.append(TOKEN_UNKNOWN if controls[number] == "<unk>" else TOKEN_CONTROL)
    if has_bytes:
        tokens += [f"<0x{byte:02X}>" for byte in range(256)]
        types += [TOKEN_BYTE] * 256
    n_first = len(tokens)
    words = list(dict.fromkeys(words + WORDS.split()))
    merged = learn_merges([before + word for word in words for before in (MARK, "")])
    pieces = [MARK, *map(chr, range(33, 127)), *(left + right for left, right in merged)]
    known = dict.fromkeys(pieces)
    known.update(dict.fromkeys(short_pieces(MARK)))
    for word in made_up_words():
        if len(known) >= size - n_first:
            break
        known[word] = None
    tokens += known
    types += [TOKEN_NORMAL] * len(known)
    scores = [0.0] * n_first + [-7.0 - 5.0 * i / len(known) for i in range(len(known))]
    return tokens, types, scores


def piece_entries(model, tokens, types, scores):
    return [entry("tokenizer.ggml.model", META_TEXT, model),
            entry("tokenizer.ggml.tokens", META_TEXT, tokens),
            entry("tokenizer.ggml.token_type", META_INT32, types),
            entry("tokenizer.ggml.scores", META_FLOAT32, scores)]


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


def list_tensors(family, shape, kind):
    """Name, dimensions (innermost first) and storage type of each tensor of a GGUF."""
    hidden, n_layers, heads, key_heads, head, ffn = shape
    vectors = [("attn_norm", hidden), ("ffn_norm", hidden)]
    if family == "qwen3":
        vectors[1:1] = [("attn_q_norm", head), ("attn_k_norm", head)]
    matrices = [("attn_q", hidden, heads * head), ("attn_k", hidden, key_heads * head),
                ("attn_v", hidden, key_heads * head), ("attn_output", heads * head, hidden),
                ("ffn_gate", hidden, ffn), ("ffn_up", hidden, ffn), ("ffn_down", ffn, hidden)]
    biases = [(name, n_out) for name, _, n_out in matrices[:3] if family == "qwen2"]
    tensors = [("token_embd.weight", (hidden, FAMILIES[family].vocabulary), kind)]
    for layer in range(n_layers):
        tensors += [(f"blk.{layer}.{name}.weight", (n,), "f32") for name, n in vectors]
        tensors += [(f"blk.{layer}.{name}.bias", (n,), "f32") for name, n in biases]
        tensors += [(f"blk.{layer}.{name}.weight", (n_in, n_out), kind)
                    for name, n_in, n_out in matrices]
    tensors.append(("output_norm.weight", (hidden,), "f32"))
    if family == "qwen3":
        tensors.append(("cls.output.weight", (hidden, 2), "f32"))
    return tensors


def list_bert_tensors(family, shape, kind):
    """BERT's and RoBERTa's; converters keep the tables of positions and types in f32."""
    hidden, n_layers, _, ffn, vocabulary, positions = shape

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
    hidden, n_layers, _, ffn, vocabulary, _ = shape
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


def tensors_of(family, shape, kind):
    if family == "modern-bert":
        return list_modernbert_tensors(shape, kind)
    if family in ENCODERS:
        return list_bert_tensors(family, shape, kind)
    return list_tensors(family, shape, kind)


def size_of(dimensions, kind):
    n = 1
    for dimension in dimensions:
        n *= dimension
    values, n_bytes = UNIT[kind]
    return n // values * n_bytes


def aligned(n):
    return -(-n // ALIGNMENT) * ALIGNMENT


def make_metadata(name, family, shape):
    hidden, n_layers, heads, key_heads, head, ffn = shape
    numbers = {"block_count": n_layers, "context_length": FAMILIES[family].positions,
               "embedding_length": hidden, "feed_forward_length": ffn,
               "attention.head_count": heads, "attention.head_count_kv": key_heads,
               "attention.key_length": head, "attention.value_length": head}
    ranking = [entry("qwen3.classifier.output_labels", META_TEXT, ["yes", "no"]),
               entry("qwen3.pooling_type", META_UINT32, POOLING_RANK),
               entry("tokenizer.chat_template.rerank", META_TEXT, QWEN3_PROMPT)]
    return [
        entry("general.architecture", META_TEXT, family),
        entry("general.name", META_TEXT, f"random weights in the shape of {name}"),
        entry("general.alignment", META_UINT32, ALIGNMENT),
        *(entry(f"{family}.{key}", META_UINT32, value) for key, value in numbers.items()),
        entry(f"{family}.attention.layer_norm_rms_epsilon", META_FLOAT32, 1e-6),
        entry(f"{family}.rope.freq_base", META_FLOAT32, FAMILIES[family].theta),
        *(ranking if family == "qwen3" else []),
        *(gemma_entries() if family == "gemma" else bpe_entries(FAMILIES[family], "qwen2")),
    ]


def bpe_entries(family, pattern):
    tokens, types, merges = make_vocabulary(family)
    return [entry("tokenizer.ggml.model", META_TEXT, "gpt2"),
            entry("tokenizer.ggml.pre", META_TEXT, pattern),
            entry("tokenizer.ggml.tokens", META_TEXT, tokens),
            entry("tokenizer.ggml.token_type", META_INT32, types),
            entry("tokenizer.ggml.merges", META_TEXT, merges)]


def gemma_entries():
    family = FAMILIES["gemma"]
    tokens, types, scores = make_pieces(family.vocabulary, family.controls, family.words, True)
    tokens[-1], types[-1] = "\n", TOKEN_USER_DEFINED
    return piece_entries("llama", tokens, types, scores) + [
        entry("tokenizer.ggml.add_space_prefix", META_BOOL, False)]


def xlmr_entries(size):
    tokens, types, scores = make_pieces(size, ROBERTA_CONTROLS, [], False)
    tokens[-1], types[-1] = "<mask>", TOKEN_CONTROL
    roles = {"bos": 0, "padding": 1, "eos": 2, "unknown": 3, "cls": 0, "seperator": 2}
    return piece_entries("t5", tokens, types, scores) + [
        entry(f"tokenizer.ggml.{role}_token_id", META_UINT32, i) for role, i in roles.items()]


def make_encoder_metadata(name, family, shape):
    hidden, n_layers, heads, ffn, vocabulary, positions = shape
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
        return out + bpe_entries(MODERNBERT, "modern-bert") + [
            entry("modern-bert.rope.freq_base", META_FLOAT32, 160000.0),
            entry("modern-bert.rope.freq_base_swa", META_FLOAT32, 10000.0)]
    if family == "roberta":
        return out + xlmr_entries(vocabulary)
    tokens, types = make_wordpieces(vocabulary, BERT_CONTROLS)
    return out + [entry("tokenizer.ggml.model", META_TEXT, "bert"),
                  entry("tokenizer.ggml.tokens", META_TEXT, tokens),
                  entry("tokenizer.ggml.token_type", META_INT32, types)]


def write_payload(file, name, dimensions, stored, streams):
    n_bytes = size_of(dimensions, stored)
    if name.endswith("bias"):
        file.write(bytes(n_bytes))
    elif len(dimensions) == 1:  # norms
        file.write(struct.pack("<f", 1.0) * dimensions[0])
    else:
        streams[stored].write(file, n_bytes)
    return n_bytes


def write_gguf(file, name, family, shape, kind, seed):
    tensors = tensors_of(family, shape, kind)
    make = make_encoder_metadata if family in ENCODERS else make_metadata
    metadata = make(name, family, shape)
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
        n_bytes = write_payload(file, tensor, dimensions, stored, streams)
        file.write(b"\0" * (aligned(n_bytes) - n_bytes))


# ---- A Hugging Face directory, for MiniCPM ----

HF_NAMES = {"attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm",
            "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj",
            "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj",
            "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj"}


def hf_name(name):
    if name == "token_embd.weight":
        return "model.embed_tokens.weight"
    if name == "output_norm.weight":
        return "model.norm.weight"
    _, layer, part, kind = name.split(".")
    return f"model.layers.{layer}.{HF_NAMES[part]}.{kind}"


def write_safetensors(file, shape, kind, seed):
    hidden, n_layers = shape[:2]
    tensors = [(hf_name(name), *rest) for name, *rest in list_tensors("minicpm", shape, kind)]
    tensors += [(f"lm_head.{i}.linear_head.weight", (hidden, 1), "f32")
                for i in range(n_layers - START_LAYER + 1)]
    header, offset = {}, 0
    for name, dimensions, stored in tensors:
        n_bytes = size_of(dimensions, stored)
        header[name] = {"dtype": stored.upper(), "shape": list(reversed(dimensions)),
                        "data_offsets": [offset, offset + n_bytes]}
        offset += n_bytes
    head = json.dumps(header, separators=(",", ":")).encode()
    head = head.ljust(-(-len(head) // 8) * 8)
    file.write(struct.pack("<Q", len(head)) + head)
    streams = {stored: Weights(stored, seed) for stored in {kind, "f32"}}
    for name, dimensions, stored in tensors:
        write_payload(file, name, dimensions, stored, streams)


def make_config(shape):
    hidden, n_layers, heads, key_heads, _, ffn = shape
    family = FAMILIES["minicpm"]
    return {"architectures": ["LayerWiseMiniCPMForCausalLM"], "hidden_act": "silu",
            "hidden_size": hidden, "num_hidden_layers": n_layers, "head_multi": True,
            "num_attention_heads": heads, "num_key_value_heads": key_heads,
            "head_type": "simple", "intermediate_size": ffn, "scale_emb": 12,
            "max_position_embeddings": family.positions, "rms_norm_eps": 1e-5,
            "scale_depth": 1.4, "start_layer": START_LAYER,
            "vocab_size": family.vocabulary}


def make_tokenizer_json(family):
    """As MiniCPM's: every pair of pieces that joins to a third one is a merge, by the score of
    that one."""
    tokens, types, _ = make_pieces(family.vocabulary, family.controls, family.words, True)
    ids = {token: i for i, token in enumerate(tokens)}
    merges = []
    for token, kind in zip(tokens, types):
        cuts = [(token[:i], token[i:]) for i in range(1, len(token)) if kind == TOKEN_NORMAL]
        merges += [" ".join(cut) for cut in cuts if cut[0] in ids and cut[1] in ids]
    return {"version": "1.0", "pre_tokenizer": None,
            "normalizer": {"type": "Sequence", "normalizers": [
                {"type": "Prepend", "prepend": MARK},
                {"type": "Replace", "pattern": {"String": " "}, "content": MARK}]},
            "added_tokens": [{"id": i, "content": name, "special": True}
                             for i, name in family.controls.items()],
            "model": {"type": "BPE", "unk_token": "<unk>", "fuse_unk": True,
                      "byte_fallback": True, "vocab": ids, "merges": merges}}


def write_directory(folder, shape, kind, seed):
    os.makedirs(folder, exist_ok=True)
    for name, value in (("config.json", make_config(shape)),
                        ("tokenizer.json", make_tokenizer_json(FAMILIES["minicpm"]))):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            json.dump(value, file)
    with open(os.path.join(folder, "model.safetensors"), "wb") as file:
        write_safetensors(file, shape, kind, seed)
        return file.tell()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shape", choices=SHAPES)
    parser.add_argument("out")
    parser.add_argument("--type", choices=TYPES, default="f16")
    parser.add_argument("--layers", type=int, help="instead of the shape's number")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    family, shape = SHAPES[arguments.shape]
    if arguments.layers is not None:
        shape = (shape[0], arguments.layers, *shape[2:])
    least = START_LAYER if family == "minicpm" else 1
    if shape[1] < least:
        parser.error(f"--layers: at least {least}")
    for _, dimensions, kind in tensors_of(family, shape, arguments.type):
        if dimensions[0] % UNIT[kind][0]:
            parser.error(f"--type {kind}: {arguments.shape} has rows of {dimensions[0]} "
                         f"values, blocks hold {UNIT[kind][0]}")
    if family == "minicpm" and arguments.type not in ("f32", "f16"):
        parser.error(f"--type {arguments.type}: {arguments.shape} is written as "
                     "safetensors, in f32 or f16")
    if family == "minicpm":
        size = write_directory(arguments.out, shape, arguments.type, arguments.seed)
    else:
        with open(arguments.out, "wb") as file:
            write_gguf(file, arguments.shape, family, shape, arguments.type, arguments.seed)
            size = file.tell()
    print(f"{arguments.out}: {size / 2 ** 20:.1f} MiB")


if __name__ == "__main__":
    sys.exit(main())
