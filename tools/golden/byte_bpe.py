"""Byte-level BPE for ASCII texts: training of a small vocabulary, and encoding.

The pre-tokeniser is Qwen2's or GPT-2's with \\p{L} and \\p{N} read as ASCII letters and
digits, which is the same for ASCII text; NFC does nothing to ASCII.
"""
import re

SPLIT = re.compile(
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\nA-Za-z0-9]?[A-Za-z]+|[0-9]"
    r"| ?[^\sA-Za-z0-9]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
GPT2_SPLIT = re.compile(
    r"'s|'t|'re|'ve|'m|'ll|'d| ?[A-Za-z]+| ?[0-9]+| ?[^\sA-Za-z0-9]+|\s+(?!\S)|\s+")
QWEN2_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")


def byte_letters():
    """One printable character per byte: printable Latin-1 stands for itself, the others
    follow from U+0100 on, in order."""
    own = [b for b in range(256) if 33 <= b <= 126 or 161 <= b <= 172 or 174 <= b <= 255]
    letters, extra = {b: chr(b) for b in own}, 0
    for b in range(256):
        if b not in letters:
            letters[b] = chr(256 + extra)
            extra += 1
    return letters, own + [b for b in range(256) if b not in own]


LETTERS, LETTER_ORDER = byte_letters()


def split(text, pattern=SPLIT):
    assert text.isascii()
    words = pattern.findall(text)
    assert "".join(words) == text
    return words


def letters_of(word):
    return [LETTERS[b] for b in word.encode("utf-8")]


def apply_merge(symbols, pair):
    out, i = [], 0
    while i < len(symbols):
        if i + 1 < len(symbols) and (symbols[i], symbols[i + 1]) == pair:
            out.append(symbols[i] + symbols[i + 1])
            i += 2
        else:
            out.append(symbols[i])
            i += 1
    return out


class ByteBpe:
    def __init__(self, texts, n_merges, first_merges, specials, n_padding, pattern=SPLIT,
                 literals=()):
        """first_merges come before the learnt ones; specials: [(text, is_control)];
        literals: specials that texts are cut at, longest first, before words are."""
        self.pattern, self.literals = pattern, literals
        self.merges = list(first_merges)
        words = [letters_of(w) for t in texts for w in split(t, pattern)]
        for pair in self.merges:
            words = [apply_merge(w, pair) for w in words]
        while len(self.merges) < n_merges:
            counts = {}
            for w in words:
                for pair in zip(w, w[1:]):
                    counts[pair] = counts.get(pair, 0) + 1
            best = max(counts, key=lambda p: (counts[p], p))
            self.merges.append(best)
            words = [apply_merge(w, best) for w in words]
        self.pieces = [LETTERS[b] for b in LETTER_ORDER]
        self.pieces += [p for p in dict.fromkeys(a + b for a, b in self.merges)
                        if p not in self.pieces]
        self.n_ordinary = len(self.pieces)
        self.specials = specials
        self.pieces += [text for text, _ in specials]
        self.ids = {p: i for i, p in enumerate(self.pieces)}
        self.ranks = {pair: i for i, pair in enumerate(self.merges)}
        self.n_vocab = len(self.pieces) + n_padding

    def encode(self, text):
        if not self.literals:
            return self.encode_words(text)
        out = []
        for part in re.split("(%s)" % "|".join(self.literals), text):
            out += [self.ids[part]] if part in self.literals else self.encode_words(part)
        return out

    def encode_words(self, text):
        out = []
        for word in split(text, self.pattern):
            symbols = letters_of(word)
            while len(symbols) > 1:
                pairs = [p for p in zip(symbols, symbols[1:]) if p in self.ranks]
                if not pairs:
                    break
                symbols = apply_merge(symbols, min(pairs, key=self.ranks.get))
            out += [self.ids[s] for s in symbols]
        return out

    def encode_template(self, text):
        """Our own text, in which special pieces count."""
        names = "|".join(re.escape(s) for s, _ in self.specials)
        out = []
        for part in re.split("(%s)" % names, text):
            is_special = any(part == s for s, _ in self.specials)
            out += [self.ids[part]] if is_special else self.encode(part)
        return out


def bert_pair(bpe, query, document, max_tokens):
    """(ids, truncated): [CLS] query [SEP] document [SEP]; ids leave the end of the longer
    text, ties the document, until the pair fits."""
    q, d = bpe.encode(query), bpe.encode(document)
    truncated = len(q) + len(d) + 3 > max_tokens
    while len(q) + len(d) + 3 > max_tokens:
        (q if len(q) > len(d) else d).pop()
    cls, sep = bpe.ids["[CLS]"], bpe.ids["[SEP]"]
    return [cls] + q + [sep] + d + [sep], truncated


PREFIX = ("<|im_start|>system\nJudge whether the Document meets the requirements based on "
          "the Query and the Instruct provided. Note that the answer can only be \"yes\" or "
          "\"no\".<|im_end|>\n<|im_start|>user\n")
SUFFIX = "<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n"
INSTRUCTION = "Given a web search query, retrieve relevant passages that answer the query"


def qwen3_pair(bpe, query, document, max_tokens, instruction=INSTRUCTION):
    """(ids, truncated).  User text is encoded without special pieces."""
    before = bpe.encode_template(PREFIX) + bpe.encode("<Instruct>: %s\n<Query>:" % instruction)
    after = bpe.encode_template(SUFFIX)
    joined = bpe.encode(" " + query + "\n<Document>:")
    q, d = bpe.encode(" " + query), bpe.encode(" " + document)
    colon = bpe.encode("\n<Document>:")
    room = max_tokens - len(before) - len(after)
    truncated = len(joined) + len(d) > room
    if not truncated:  # the query's end and the newline are one text, as in the reference
        return before + joined + d + after, False
    while len(q) + len(colon) + len(d) > room:
        (q if len(q) > len(d) else d).pop()
    return before + q + colon + d + after, True


def fit_pair(before, q, between, d, after, max_tokens):
    """(ids, truncated): ids leave the end of the longer text, ties the document."""
    q, d = list(q), list(d)
    room = max_tokens - len(before) - len(between) - len(after)
    truncated = len(q) + len(d) > room
    while len(q) + len(d) > room:
        (q if len(q) > len(d) else d).pop()
    return before + q + between + d + after, truncated


MXBAI_PREFIX = ("<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful "
                "assistant.<|im_end|>\n<|im_start|>user\n")
MXBAI_TASK = ("You are a search relevance expert who evaluates how well documents match search "
              "queries. For each query-document pair, carefully analyze the semantic "
              "relationship between them, then provide your binary relevance judgment (0 for "
              "not relevant, 1 for relevant).\nRelevance:")
MXBAI_SUFFIX = "<|im_end|>\n<|im_start|>assistant\n"


def mxbai_pair(bpe, query, document, max_tokens, instruction=None):
    """Every piece is encoded on its own.  User text is encoded without special pieces; what
    stands before it on its line is never cut."""
    instructed = "instruction: %s\n" % instruction if instruction else ""
    q, d = bpe.encode(instructed + "query: " + query), bpe.encode("document: " + document)
    name = bpe.encode("document:")
    assert d[:len(name)] == name
    head = bpe.encode(instructed + "query:")
    assert q[:len(head)] == head
    after = bpe.encode("\n") + bpe.encode(MXBAI_TASK) + bpe.encode_template(MXBAI_SUFFIX)
    return fit_pair(bpe.encode_template(MXBAI_PREFIX) + head, q[len(head):],
                    bpe.encode("\n") + name, d[len(name):], after, max_tokens)


BGE_QUESTION = ("Given a query A and a passage B, determine whether the passage contains an "
                "answer to the query by providing a prediction of either 'Yes' or 'No'.")


def bge_pair(bpe, query, document, max_tokens, bos):
    """<bos>A: query, newline, B: document, newline, question; each encoded on its own."""
    q, d, newline = bpe.encode("A: " + query), bpe.encode("B: " + document), bpe.encode("\n")
    a, b = bpe.encode("A:"), bpe.encode("B:")
    assert q[:len(a)] == a and d[:len(b)] == b
    return fit_pair([bpe.ids[bos]] + a, q[len(a):], newline + b, d[len(b):],
                    newline + bpe.encode(BGE_QUESTION), max_tokens)
