"""SentencePiece tokenizers of tiny checkpoints, on the small models of tests/data/tokenizers.

Ids come from SentencePiece's own library (Debian: python3-sentencepiece), which shares no code
with the engine.  Control tokens never come out of a text there."""
import os

import sentencepiece

import sentencepiece_io
from byte_bpe import fit_pair
from sentencepiece_io import NORMAL

HERE = os.path.dirname(os.path.abspath(__file__))
MODELS = os.path.join(HERE, "..", "..", "tests", "data", "tokenizers")


def small_model(name):
    return sentencepiece_io.Model.open(os.path.join(MODELS, name + ".model"))


class Sentence:
    """`model` has its own ids; `stored` is how tokenizer.json and GGUF list its pieces."""

    def __init__(self, model):
        self.model = self.stored = model
        self.processor = sentencepiece.SentencePieceProcessor(model_proto=model.to_bytes())
        self.index()

    def index(self):
        self.ids = {text: i for i, (text, _, _) in enumerate(self.stored.pieces)}
        self.n_vocab = len(self.stored.pieces)

    def encode(self, text):
        return list(self.processor.encode(text))

    def write(self, folder, style):
        """style: "model", "json", or "old json" as converters wrote it years ago."""
        if style == "model":
            self.model.write(os.path.join(folder, self.model_name))
        else:
            self.stored.write_json(os.path.join(folder, "tokenizer.json"), style == "old json")

    model_name = "tokenizer.model"


class Xlmr(Sentence):
    """The Unigram model with XLM-RoBERTa's ids."""
    model_name = "sentencepiece.bpe.model"

    def __init__(self):
        super().__init__(small_model("unigram"))
        self.stored = self.model.with_xlmr_ids()
        self.index()

    def encode(self, text):
        return [i + 1 if i else self.ids["<unk>"] for i in super().encode(text)]

    def pair(self, query, document, max_tokens):
        """(ids, token types, truncated) of <s> query </s></s> document </s>."""
        end = self.ids["</s>"]
        ids, truncated = fit_pair([self.ids["<s>"]], self.encode(query), [end, end],
                                  self.encode(document), [end], max_tokens)
        return ids, [0] * len(ids), truncated


def llama():
    """MiniCPM's kind: a mark first, byte fallback."""
    return Sentence(small_model("bpe"))


def llama_with_yes():
    """The same with the piece that "Yes" becomes after the mark."""
    return with_pieces(small_model("bpe"), ("\u2581Y", "Ye", "\u2581Ye", "Yes", "\u2581Yes"))


def with_pieces(model, wanted):
    known = {text for text, _, _ in model.pieces}
    worst = min(score for _, score, _ in model.pieces)
    for i, text in enumerate(wanted):
        if text not in known:
            model.pieces.append((text, worst - 1 - i, NORMAL))
    return Sentence(model)


def gemma():
    """Gemma's kind: no mark first, runs of line breaks that are text, other names; with the
    piece "Yes", which the small model has not learnt."""
    model = small_model("gemma")
    names = {"<s>": "<bos>", "</s>": "<eos>"}
    model.pieces = [(names.get(text, text), score, kind) for text, score, kind in model.pieces]
    known = {text for text, _, _ in model.pieces}
    worst = min(score for _, score, _ in model.pieces)
    for i, text in enumerate(("Y", "Ye", "Yes")):
        if text not in known:
            model.pieces.append((text, worst - 1 - i, NORMAL))
    return Sentence(model)
