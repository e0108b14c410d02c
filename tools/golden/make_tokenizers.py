#!/usr/bin/env python3
"""Writes tests/data/tokenizers/: small SentencePiece models in every format that we read, and
the ids that SentencePiece gives for a few hundred texts.

usage: make_tokenizers.py [OUT_DIR] [--shared FOLDER]

Needs Debian's python3-sentencepiece and python3-numpy, and FOLDER/data/ranking/xquad to train on.
"""
import argparse
import json
import pathlib
import tempfile
import unicodedata

import sentencepiece

import sentencepiece_io
from hard_lines import HARD, SENTENCES, random_lines
from sentencepiece_io import MARK, NORMAL, USER_DEFINED

ROOT = pathlib.Path(__file__).resolve().parents[2]
SPACES = [0x9, 0xa, 0xc, 0xd, 0x85, 0x1680, *range(0x2000, 0x2010), 0x2028, 0x2029, 0x202f, 0x205f,
          0x2581, 0x3000, 0xfeff, 0xfffd]
DROPPED = [*range(1, 9), 0xb, *range(0xe, 0x20), 0x7f, 0x8f, 0x9f]
COMPATIBLE = [(0xa0, 0x250), (0x2100, 0x2150), (0xfb00, 0xfb07), (0xfdfa, 0xfdfb), (0xff00, 0xffa0),
              (0x1d400, 0x1d455)]


def rules():
    """A small character map of the kind of nmt_nfkc: spaces, controls, and NFKC of some ranges,
    with the sequences that compose to a letter of Latin-1."""
    out = {chr(c): " " for c in SPACES} | {chr(c): "" for c in DROPPED}
    for c in (chr(n) for r in COMPATIBLE for n in range(*r)):
        if unicodedata.normalize("NFKC", c) != c:
            out[c] = unicodedata.normalize("NFKC", c)
        decomposed = unicodedata.normalize("NFD", c)
        if ord(c) < 0x100 and len(decomposed) > 1:
            out[decomposed] = c
    return out


def write_rules(path):
    def codes(text):
        return " ".join("%X" % ord(c) for c in text)
    path.write_text("".join("%s\t%s\n" % (codes(a), codes(b)) for a, b in rules().items()))


def xquad_lines(shared):
    for path in sorted((shared / "data/ranking/xquad").glob("xquad.*.json")):
        for article in json.loads(path.read_text(encoding="utf-8"))["data"]:
            for paragraph in article["paragraphs"]:
                yield from paragraph["context"].split("\n")


def train(work, name, text, **options):
    sentencepiece.SentencePieceTrainer.train(
        input=str(text), model_prefix=str(work / name), minloglevel=2, num_threads=1,
        max_sentence_length=20000, **options)
    return sentencepiece_io.Model.open(work / (name + ".model"))


def like_gemma(bpe):
    """The pieces of `bpe` without a mark first, and with runs of line breaks as user-defined
    pieces."""
    runs = ["\n", "\n\n", "\n\n\n", MARK * 2, MARK * 4]
    pieces = [p for p in bpe.pieces if p[0] not in runs]
    pieces += [(text, 0.0, USER_DEFINED) for text in runs]
    return sentencepiece_io.Model(pieces, sentencepiece_io.BPE, dummy_prefix=False,
                                  thin_spaces=False)


def write(out, name, model, texts):
    path = out / (name + ".model")
    model.write(path)
    model.write_gguf(out / (name + ".gguf"))
    model.write_json(out / (name + ".json"), is_old=name == "bpe")
    processor = sentencepiece.SentencePieceProcessor(model_file=str(path))
    with open(out / (name + ".jsonl"), "w", encoding="utf-8") as f:
        for text in texts:
            f.write(json.dumps({"text": text, "ids": list(processor.encode(text))}) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out", type=pathlib.Path, nargs="?",
                        default=ROOT / "tests/data/tokenizers")
    parser.add_argument("--shared", type=pathlib.Path, default=ROOT.parent / "shared")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    texts = [*HARD, *SENTENCES, *random_lines(150)]
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        text = work / "text"
        text.write_text("\n".join(xquad_lines(args.shared)) + "\n", encoding="utf-8")
        write_rules(work / "rules.tsv")
        unigram = train(work, "unigram", text, vocab_size=1600, model_type="unigram",
                        character_coverage=0.98,
                        normalization_rule_tsv=str(work / "rules.tsv"))
        bpe = train(work, "bpe", text, vocab_size=1500, model_type="bpe", byte_fallback=True,
                    character_coverage=0.98, normalization_rule_name="identity",
                    remove_extra_whitespaces=False, split_digits=True)
    assert sum(kind == NORMAL for _, _, kind in bpe.pieces) > 500
    write(args.out, "unigram", unigram, texts)
    write(args.out, "bpe", bpe, texts)
    write(args.out, "gemma", like_gemma(bpe), texts)


if __name__ == "__main__":
    main()
