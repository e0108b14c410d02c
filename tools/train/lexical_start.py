"""First weights of a reranker, chosen so that it ranks by shared words before any training.

A random network spends most of a short training on finding out that equal words matter.
Here the first layers are written down so that the network computes, up to rounding,

    sum over query tokens of  idf^1.5 * tf / (tf + 1),  less for longer documents

which is near BM25 (Robertson and Zaragoza 2009) with k1 = 1, over pieces and stems of words;
every other weight is small noise.  Training starts from there.  The exponent 1.5, stems and
a loss with the length each gave BM25 itself 0.01 to 0.03 of NDCG@10 on questions of the
train part.  How:

- A row of the embedding is a code of random signs for the piece, a last part of it for the
  piece's stem, and channels: one for its idf, one for its side (query or document).
- Heads whose queries and keys are the same turned part of the code attend to equal pieces,
  and their values are the side: a query token with tf copies in the document, which also
  attends to itself, reads a share tf / (tf + 1) of document.
- Four neurons multiply that share by idf: gelu(u) + gelu(-u) is 0.8 u^2 near zero, and
  4 x y = (x + y)^2 - (x - y)^2.
- Heads of later layers average the products over the query's tokens; the document's, whose
  products are 0, count a little, which is the loss with the length.
"""
import re

import numpy as np
import torch

SIDE, IDF, PIECE, STEM, FOUND, SUM = range(6)  # channels: the first places of a row
N_CHANNELS = 16  # the others stay free for training
SHARPNESS = 1.118  # of attention to equal codes: their score is 1.25 * 60 / 8 in grating-mini
SQUARE = 0.798  # gelu(u) + gelu(-u) over u^2 near zero: sqrt(2 / pi)

SPACE = "\u0120"  # a byte-level piece that begins a word
CONTROL = re.compile(r"\[.+\]|<.+>")
ENDINGS = ("ingly", "edly", "ings", "ing", "ies", "ied", "ed", "es", "ers", "er", "ly", "s",
           "e", "y")


def stem(word):
    """A word without its English ending; three letters stay at least."""
    for ending in ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[:-len(ending)]
            doubled = len(word) > 3 and word[-1] == word[-2] and word[-1] not in "ls"
            return word[:-1] if doubled else word
    return word


def word_table(pieces, documents):
    """{stems: number of each piece's stem, idf: 0 (in all documents, or control) .. 1 (in none)}."""
    stems = [stem(piece.lstrip(SPACE).lower()) for piece in pieces]
    number = {text: i for i, text in enumerate(sorted(set(stems)))}
    frequency = np.zeros(len(pieces))
    for ids in documents:
        frequency[np.unique(np.asarray(ids, np.int64))] += 1
    idf = np.log(1.0 + (len(documents) - frequency + 0.5) / (frequency + 0.5))
    idf /= np.log(2.0 * len(documents) + 2.0)
    idf[[CONTROL.fullmatch(piece) is not None for piece in pieces]] = 0.0
    return {"stems": np.array([number[text] for text in stems], np.int32),
            "idf": (idf ** 1.5).astype(np.float32),
            "marks": np.array([pieces.index(m) for m in MARKS.values() if m in pieces], np.int32)}


def signs(generator, *shape):
    return torch.randint(0, 2, shape, generator=generator).float() * 2.0 - 1.0


def turn(generator, n):
    return torch.linalg.qr(torch.randn(n, n, generator=generator))[0]


def codes(words, size, stem_size, generator):
    """[pieces][size]: the last stem_size places are the same for pieces of one stem."""
    stems = torch.from_numpy(words["stems"]).long()
    out = signs(generator, len(stems), size)
    out[:, size - stem_size:] = signs(generator, int(stems.max()) + 1, stem_size)[stems]
    return out


def bert(config, words, generator):
    h, f = config["hidden_size"], config["intermediate_size"]
    n_layers, n_heads = config["num_hidden_layers"], config["num_attention_heads"]
    d, part = h // n_heads, (h - N_CHANNELS) // n_heads
    w = {}

    def normal(name, *shape):
        w[name] = torch.randn(*shape, generator=generator) * 0.02

    def norm(name):
        w[name + ".weight"], w[name + ".bias"] = torch.ones(h), torch.zeros(h)

    # A norm follows: a small table learns faster under Adam, whose steps have one size.
    e, small = "bert.embeddings.", 0.05
    table = torch.zeros(config["vocab_size"], h)
    table[:, N_CHANNELS:] = codes(words, h - N_CHANNELS, part, generator)
    table[:, IDF] = torch.from_numpy(words["idf"])
    w[e + "word_embeddings.weight"] = small * table
    places = torch.randn(config["max_position_embeddings"], h, generator=generator)
    places[:, :N_CHANNELS] *= 0.1
    w[e + "position_embeddings.weight"] = 0.1 * small * places
    types = torch.zeros(config["type_vocab_size"], h)
    types[0, SIDE], types[1, SIDE] = -1.0, 1.0
    w[e + "token_type_embeddings.weight"] = small * types
    norm(e + "LayerNorm")
    for i in range(n_layers):
        p = "bert.encoder.layer.%d." % i
        for name, n_out, n_in in (("attention.self.query", h, h), ("attention.self.key", h, h),
                                  ("attention.self.value", h, h),
                                  ("attention.output.dense", h, h),
                                  ("intermediate.dense", f, h), ("output.dense", h, f)):
            normal(p + name + ".weight", n_out, n_in)
            w[p + name + ".bias"] = torch.zeros(n_out)
        for name in ("attention.output", "output"):
            norm(p + name + ".LayerNorm")
            w[p + name + ".dense.weight"] *= 0.5
            w[p + name + ".dense.weight"][:N_CHANNELS] = 0.0
        query, key = w[p + "attention.self.query.weight"], w[p + "attention.self.key.weight"]
        if i < n_layers // 2:
            for head in range(n_heads):
                rows = torch.zeros(d, h)
                begin = N_CHANNELS + head * part
                rows[:part, begin:begin + part] = SHARPNESS * turn(generator, part)
                query[head * d:(head + 1) * d] = key[head * d:(head + 1) * d] = rows
        if i == 0:
            bert_matches(w, p, n_heads, d)
        if i >= n_layers // 4:
            bert_sum(w, p, d)
    normal("bert.pooler.dense.weight", h, h)
    w["bert.pooler.dense.weight"][0] = 0.0
    w["bert.pooler.dense.weight"][0, SUM] = 0.3
    w["bert.pooler.dense.bias"] = torch.zeros(h)
    normal("classifier.weight", 1, h)
    w["classifier.weight"][0, 0] = 10.0
    w["classifier.bias"] = torch.zeros(1)
    return w


def bert_matches(w, p, n_heads, d):
    """FOUND of a row: idf * tf / (tf + 1) where it is a query's."""
    value, output = w[p + "attention.self.value.weight"], w[p + "attention.output.dense.weight"]
    for head in range(n_heads):
        is_stem = head == n_heads - 1
        value[head * d] = 0.0
        value[head * d, SIDE] = 1.0
        output[STEM if is_stem else PIECE, head * d] = 1.0 if is_stem else 1.0 / (n_heads - 1)
    first, bias = w[p + "intermediate.dense.weight"], w[p + "intermediate.dense.bias"]
    last, a = w[p + "output.dense.weight"], 0.5
    # x = idf, y = (1 + side read) / 2, the mean of pieces and stems.
    for row, (sign, y) in enumerate(((1, 1), (-1, 1), (1, -1), (-1, -1))):
        first[row] = 0.0
        first[row, IDF] = sign * a
        first[row, SIDE] = -5.0  # far below zero in documents, where gelu is 0
        first[row, PIECE] = first[row, STEM] = sign * a * y / 4.0
        bias[row] = sign * a * y / 2.0 - 5.0
        last[:, row] = 0.0
        last[FOUND, row] = y * 2.0 / (SQUARE * a * a * 4.0)


def bert_sum(w, p, d):
    """The first head adds the mean of FOUND over the query's tokens to SUM."""
    for name in ("query", "key", "value"):
        w[p + "attention.self.%s.weight" % name][:d] = 0.0
    w[p + "attention.self.query.bias"][0] = 8.0
    # A token of the document has 0.035 of the weight that one of the query has.
    w[p + "attention.self.key.weight"][0, SIDE] = np.log(0.035) / 2.0 * d ** 0.5 / 8.0
    w[p + "attention.self.value.weight"][0, FOUND] = 1.0
    output = w[p + "attention.output.dense.weight"]
    output[:, 0] = 0.0
    output[SUM, 0] = 1.0


# The decoder's heads see what stands before them, so a document's token reads which share of
# its copies is the query's.  It has no biases and no token types: ONE is 1 in every row, and
# two pieces of the prompt mark where the query and the document begin.
ONE, ASKED, TOLD = 6, 7, 8  # further channels
MARKS = {ASKED: "<query", TOLD: "<document"}
MOST_WRITTEN = 4  # channels that one row of a head or neuron reads
UNIT = 0.3  # of the residual stream, which has no norm of its own
# FOUND and SUM grow beyond it, or rounding and the rest of a row would drown them.


def query_heads(config):
    """How many query heads share a key head."""
    return config["num_attention_heads"] // config["num_key_value_heads"]


def is_for_stems(config, kv_head):
    """The last key head compares stems, the others pieces; a single one compares pieces."""
    n_kv = config["num_key_value_heads"]
    return n_kv > 1 and kv_head == n_kv - 1


def qwen3(config, words, generator):
    if len(words["marks"]) != len(MARKS):
        raise SystemExit("the vocabulary lacks a piece of %s" % ", ".join(MARKS.values()))
    h, f, d = config["hidden_size"], config["intermediate_size"], config["head_dim"]
    n_heads, n_kv = config["num_attention_heads"], config["num_key_value_heads"]
    n_layers, w = config["num_hidden_layers"], {}

    def normal(name, n_out, n_in, scale=1.0):
        w[name] = torch.randn(n_out, n_in, generator=generator) * (scale * n_in ** -0.5)

    table = torch.zeros(config["vocab_size"], h)
    stem_size = (h - N_CHANNELS) // 3
    table[:, N_CHANNELS:] = codes(words, h - N_CHANNELS, stem_size, generator)
    table[:, IDF] = torch.from_numpy(words["idf"])
    table[:, ONE] = 1.0
    for channel, piece in zip((ASKED, TOLD), words["marks"]):
        table[int(piece), channel] = 4.0
    yes, no = config["answer_ids"]
    table[yes, SUM], table[no, SUM] = 1.0, -1.0
    w["model.embed_tokens.weight"] = UNIT * table
    small = 0.5 * UNIT * (2.0 * n_layers) ** -0.5
    for i in range(n_layers):
        p = "model.layers.%d." % i
        for name in ("input_layernorm", "post_attention_layernorm"):
            w[p + name + ".weight"] = torch.ones(h)
        for name in ("q_norm", "k_norm"):
            w[p + "self_attn.%s.weight" % name] = torch.full((d,), SHARPNESS)
        normal(p + "self_attn.q_proj.weight", n_heads * d, h)
        normal(p + "self_attn.k_proj.weight", n_kv * d, h)
        normal(p + "self_attn.v_proj.weight", n_kv * d, h)
        normal(p + "self_attn.o_proj.weight", h, n_heads * d, small)
        normal(p + "mlp.gate_proj.weight", f, h)
        normal(p + "mlp.up_proj.weight", f, h)
        normal(p + "mlp.down_proj.weight", h, f, small)
        for name in ("self_attn.o_proj", "mlp.down_proj"):
            w[p + name + ".weight"][:N_CHANNELS] = 0.0
        if 1 <= i < n_layers // 2:
            for head in range(n_kv):
                equal_pieces(w, p, config, head, stem_size, generator)
        if i == 0:
            sides(w, p, config)
        elif i == 1:
            qwen3_matches(w, p, config)
        elif i % 2 == 0:
            qwen3_sum(w, p, config)
    norm = torch.full((h,), 0.05)
    norm[SUM] = 1.7
    w["model.norm.weight"] = norm
    return w


# By what share of itself a number of a decoder's start may change in a step, over the rate.
RELATIVE_RATE = 20.0


def step_scales(config, start):
    """{name: what the optimiser's steps are multiplied with} for the tensors that a decoder's
    start wrote to.  Its channels, and the heads and neurons that serve them, change by a share
    of themselves.  Zeros there stay: what is written to the channels is summed over all rows
    and layers, and of what the first step did to the loss that had 94 %.  Codes and the heads
    that compare them stay, too: rows of rare words would learn which documents they stand in."""
    if config["model_type"] != "qwen3":
        return {}
    scales = {name: scale_of(name, w) for name, w in start.items()}
    return {name: scale for name, scale in scales.items() if scale is not None}


def scale_of(name, w):
    relative = RELATIVE_RATE * w.abs()
    if name.endswith("layernorm.weight"):
        return None
    if w.dim() == 1:
        return relative
    if name.endswith("embed_tokens.weight"):
        relative[:, ONE] = 0.0
        relative[:, N_CHANNELS:] = 0.0
        return relative
    scale = torch.ones_like(w)
    if name.endswith(("o_proj.weight", "down_proj.weight")):
        scale[:N_CHANNELS] = relative[:N_CHANNELS]
        return scale
    n_written = (w != 0).sum(1)
    scale[n_written < w.shape[1]] = 0.0
    few = n_written <= MOST_WRITTEN
    scale[few] = relative[few]
    return scale


def slow(d):
    """The places of a head that the rotary embedding hardly turns."""
    return torch.cat([torch.arange(d // 4, d // 2), torch.arange(d // 4 * 3, d)])


def equal_pieces(w, p, config, head, stem_size, generator):
    """A key head and its query heads attend to equal pieces, or equal stems."""
    h, d, group = config["hidden_size"], config["head_dim"], query_heads(config)
    is_stem = is_for_stems(config, head)
    size = stem_size if is_stem else h - N_CHANNELS - stem_size
    begin = h - stem_size if is_stem else N_CHANNELS
    rows = torch.zeros(d, h)
    rows[slow(d), begin:begin + size] = turn(generator, size)[:d // 2]
    w[p + "self_attn.k_proj.weight"][head * d:(head + 1) * d] = rows
    for q_head in range(head * group, (head + 1) * group):
        w[p + "self_attn.q_proj.weight"][q_head * d:(q_head + 1) * d] = rows


def by_place(w, p, config, query):
    """The first head: keys tell marks from other pieces; its query is the same everywhere."""
    d, (one, asked, told) = config["head_dim"], slow(config["head_dim"])[-3:]
    key = w[p + "self_attn.k_proj.weight"]
    key[:d] = 0.0
    key[one, ONE], key[asked, ASKED], key[told, TOLD] = 1.0, 4.0, 4.0
    rows = w[p + "self_attn.q_proj.weight"]
    rows[:d] = 0.0
    rows[one, ONE], rows[asked, ONE], rows[told, ONE] = query


def route(w, p, config, head, reads, channel, gain):
    """Query head `head` adds gain times what it reads of channel `reads` to `channel`."""
    d, kv_head = config["head_dim"], head // query_heads(config)
    value, output = w[p + "self_attn.v_proj.weight"], w[p + "self_attn.o_proj.weight"]
    value[kv_head * d] = 0.0
    value[kv_head * d, reads] = 1.0
    output[:, head * d] = 0.0
    output[channel, head * d] = gain * UNIT


def sides(w, p, config):
    """SIDE is 1 between the two marks and 0 elsewhere."""
    by_place(w, p, config, (0.0, 0.6, 1.0))
    w[p + "self_attn.q_norm.weight"].fill_(2.0)
    route(w, p, config, 0, ASKED, SIDE, 0.25)


STEEP, BAR = 5.0, 2.0
PIECES, STEMS = 0.7, 1.3


def qwen3_matches(w, p, config):
    """FOUND of a document's row: idf times silu(STEEP x - BAR) - silu(-BAR), x being how much of
    its copies is the query's: PIECES / (k + 1) and STEMS / (k + 1) for the k-th copy.  So the
    second copy of a word counts 0.4 of the first, the third 0.2, and a word of the same stem
    0.4.  One neuron makes each of the two terms; they are equal where nothing is shared."""
    group = query_heads(config)
    for head in range(config["num_attention_heads"]):
        channel = STEM if is_for_stems(config, head // group) else PIECE
        route(w, p, config, head, SIDE, channel, 1.0 / group)
    gate, up = w[p + "mlp.gate_proj.weight"], w[p + "mlp.up_proj.weight"]
    down = w[p + "mlp.down_proj.weight"]
    gate[:2], up[:2], down[:, :2] = 0.0, 0.0, 0.0
    gate[0, PIECE], gate[0, STEM] = STEEP * PIECES, STEEP * STEMS
    gate[:2, ONE] = -BAR
    gate[:2, SIDE] = -12.0 - 2.0 * STEEP  # a query's own tokens do not count
    up[:2, IDF] = 1.0
    down[FOUND, 0], down[FOUND, 1] = 1.7 * UNIT, -1.7 * UNIT


def qwen3_sum(w, p, config):
    """SUM grows by the mean of FOUND over all that was read, in which the mark before the
    query counts as more than its pieces: so a document's length matters little."""
    by_place(w, p, config, (1.0, 3.0, 0.0))
    route(w, p, config, 0, FOUND, SUM, 20.0)
