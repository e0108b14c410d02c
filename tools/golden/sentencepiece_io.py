"""SentencePiece models: read and written as .model, written as tokenizer.json and as GGUF.

The .model is a message of protocol buffers; only the fields that tokenizing needs are kept.
"""
import base64
import json
import struct

import gguf_io

UNIGRAM, BPE = 1, 2
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = range(1, 7)
MARK = "\u2581"


# ---- protocol buffers ----

def varint(n):
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def take_varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 128:
            return value, at


def fields(data):
    """(number, value) of a message; a value is a number or bytes."""
    at = 0
    while at < len(data):
        tag, at = take_varint(data, at)
        wire, size = tag & 7, {1: 8, 5: 4}.get(tag & 7)
        if wire == 0:
            value, at = take_varint(data, at)
        else:
            if wire == 2:
                size, at = take_varint(data, at)
            value, at = data[at:at + size], at + size
        yield tag >> 3, value


def number(field, value):
    return varint(field << 3) + varint(value)


def blob(field, value):
    return varint(field << 3 | 2) + varint(len(value)) + value


# ---- models ----

class Model:
    """pieces: [(text, score, type)]."""

    def __init__(self, pieces, kind, charsmap=b"", dummy_prefix=True, thin_spaces=True):
        self.pieces, self.kind, self.charsmap = pieces, kind, charsmap
        self.dummy_prefix, self.thin_spaces = dummy_prefix, thin_spaces

    @classmethod
    def open(cls, path):
        out = cls([], UNIGRAM)
        with open(path, "rb") as f:
            data = f.read()
        for field, value in fields(data):
            if field == 1:
                piece = dict(fields(value))
                score = struct.unpack("<f", piece.get(2, bytes(4)))[0]
                out.pieces.append((piece[1].decode("utf-8"), score, piece.get(3, NORMAL)))
            elif field == 2:
                out.kind = dict(fields(value)).get(3, UNIGRAM)
            elif field == 3:
                spec = dict(fields(value))
                out.charsmap = spec.get(2, b"")
                out.dummy_prefix = bool(spec.get(3, 1))
                out.thin_spaces = bool(spec.get(4, 1))
        return out

    @property
    def has_bytes(self):
        return any(kind == BYTE for _, _, kind in self.pieces)

    def write(self, path):
        out = b""
        for text, score, kind in self.pieces:
            piece = blob(1, text.encode("utf-8")) + varint(2 << 3 | 5) + struct.pack("<f", score)
            out += blob(1, piece + (number(3, kind) if kind != NORMAL else b""))
        out += blob(2, number(3, self.kind) + number(35, self.has_bytes))
        out += blob(3, blob(2, self.charsmap) + number(3, self.dummy_prefix)
                    + number(4, self.thin_spaces))
        with open(path, "wb") as f:
            f.write(out)

    def write_gguf(self, path):
        unigram = self.kind == UNIGRAM
        key = "tokenizer.ggml."
        entries = [
            ("general.architecture", gguf_io.TEXT, "bert" if unigram else "llama"),
            (key + "model", gguf_io.TEXT, "t5" if unigram else "llama"),
            (key + "tokens", gguf_io.TEXT, [text for text, _, _ in self.pieces]),
            (key + "scores", gguf_io.F32, [score for _, score, _ in self.pieces]),
            (key + "token_type", gguf_io.I32, [kind for _, _, kind in self.pieces]),
            (key + "add_space_prefix", gguf_io.BOOL, self.dummy_prefix),
            (key + "remove_extra_whitespaces", gguf_io.BOOL, self.thin_spaces),
            (key + "unknown_token_id", gguf_io.U32, 0)]
        if self.charsmap:
            entries.append((key + "precompiled_charsmap", gguf_io.U8, list(self.charsmap)))
        gguf_io.write(path, entries, {})

    def merges(self):
        """What joins to each piece, the best piece first.  Those of one piece: the left part
        that comes first in the vocabulary first."""
        ids = {text: i for i, (text, _, kind) in enumerate(self.pieces) if kind == NORMAL}
        out = []
        for text, i in ids.items():
            pairs = [(text[:k], text[k:]) for k in range(1, len(text))]
            pairs = [p for p in pairs if p[0] in ids and p[1] in ids]
            out += [(-self.pieces[i][1], i, p)
                    for p in sorted(pairs, key=lambda p: (ids[p[0]], ids[p[1]]))]
        return [list(p) for _, _, p in sorted(out, key=lambda entry: entry[:2])]

    def to_json(self, is_old=False):
        """tokenizer.json as Hugging Face's converters lay it out, today or years ago."""
        specials = [{"id": i, "content": text, "single_word": False, "lstrip": False,
                     "rstrip": False, "normalized": False, "special": kind != USER_DEFINED}
                    for i, (text, _, kind) in enumerate(self.pieces)
                    if kind in (UNKNOWN, CONTROL, USER_DEFINED)]
        root = {"version": "1.0", "truncation": None, "padding": None,
                "added_tokens": specials, "post_processor": None, "decoder": None}
        root.update(self.unigram_json(is_old) if self.kind == UNIGRAM
                    else self.bpe_json(is_old))
        return root

    def unigram_json(self, is_old):
        charsmap = {"type": "Precompiled",
                    "precompiled_charsmap": base64.b64encode(self.charsmap).decode()}
        space = {"type": "Metaspace", "replacement": MARK}
        model = {"type": "Unigram", "unk_id": 0, "byte_fallback": self.has_bytes,
                 "vocab": [[text, score] for text, score, _ in self.pieces]}
        if is_old:
            del model["byte_fallback"]
            return {"normalizer": charsmap, "model": model, "pre_tokenizer": {
                "type": "Sequence", "pretokenizers": [
                    {"type": "WhitespaceSplit"}, {**space, "add_prefix_space": True}]}}
        strip = {"type": "Strip", "strip_left": False, "strip_right": True}
        thin = {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": MARK}
        return {"model": model,
                "normalizer": {"type": "Sequence", "normalizers": [charsmap, strip, thin]},
                "pre_tokenizer": {**space, "prepend_scheme": "always", "split": True}}

    def bpe_json(self, is_old):
        model = {"type": "BPE", "dropout": None, "unk_token": "<unk>",
                 "continuing_subword_prefix": None, "end_of_word_suffix": None,
                 "fuse_unk": True, "byte_fallback": self.has_bytes,
                 "vocab": {text: i for i, (text, _, _) in enumerate(self.pieces)},
                 "merges": self.merges()}
        if is_old:
            model["merges"] = [" ".join(pair) for pair in model["merges"]]
        mark = {"type": "Replace", "pattern": {"String": " "}, "content": MARK}
        if not self.dummy_prefix:  # as Gemma's
            return {"model": model, "normalizer": mark, "pre_tokenizer": {
                "type": "Split", "pattern": {"String": " "},
                "behavior": "MergedWithPrevious", "invert": False}}
        if is_old:
            return {"model": model, "pre_tokenizer": None, "normalizer": {
                "type": "Sequence",
                "normalizers": [{"type": "Prepend", "prepend": MARK}, mark]}}
        return {"model": model, "normalizer": None, "pre_tokenizer": {
            "type": "Metaspace", "replacement": MARK, "prepend_scheme": "first",
            "split": False}}

    def write_json(self, path, is_old=False):
        with open(path, "w", encoding="utf-8") as f:
            json.dump(self.to_json(is_old), f, ensure_ascii=False, separators=(",", ":"))
            f.write("\n")


def write_xlmr(path, rows, charsmap):
    """XLM-RoBERTa's model from [(piece, id, score)] of its text pieces, ids as its checkpoints
    have them: each is one higher than in the file."""
    pieces = {0: ("<unk>", 0.0, UNKNOWN), 1: ("<s>", 0.0, CONTROL), 2: ("</s>", 0.0, CONTROL)}
    for text, i, score in rows:
        pieces[i - 1] = (text, score, NORMAL)
    assert sorted(pieces) == list(range(len(pieces)))
    Model([pieces[i] for i in range(len(pieces))], UNIGRAM, charsmap).write(path)
