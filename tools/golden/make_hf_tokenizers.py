#!/usr/bin/env python3
"""Writes tests/data/tokenizers/hf/: small tokenizer.json files as rerankers have them, each with
other normalisers, pre-tokenisers or added words, and the ids that Hugging Face's library gives.

usage: make_hf_tokenizers.py [OUT_DIR]

Needs the package "tokenizers" (0.23.3 made the files that are there).  ids.json holds the texts
and, for each file, their ids.  Control tokens that a text spells are taken as text, as grating
does (encode_special_tokens); null where the library's model makes control tokens of it all the same."""
import argparse
import json
import pathlib

import tokenizers
from tokenizers import Regex, models, normalizers, pre_tokenizers, trainers

import gguf_io
from hard_lines import HARD, SENTENCES, random_lines

ROOT = pathlib.Path(__file__).resolve().parents[2]
MARK = "\u2581"
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
          r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
MORE = [
    "The OWL waits, CAF\u00c9 na\u00efve \u00c5ngstr\u00f6m", "owlsnow owlsnowy owlsnow, OwlSnow!", "a owlsnow  b",
    "snowowl", "xowlsnow owlsnowx", "re-rank re-ranking  re-rank", "``quoted'' text", "12345 67 8\u00b2 \u2167 \u0663\u0664",
    "don't won't I'LL they've", "snake_case camelCase x_1", "a\u00a0b\u3000c\u2003d", "\u4e2d\u6587abc\u4e2d\u65871",
    "e\u0301t\u00e9 \u0915\u093f", "A\u030a \u212b \u00c5", "\uac00 \u1100\u1161", "\u2460\u24b6 \u24d0", "tab\tnew\nline\r\n\r\nend",
    " lead and trail ", "x  y   z    w", "!!!??? ...", "yes no Yes", "hello world hello", "100000 1000 10", "caf\u00e9owlsnow",
    "\u0130stanbul \u03a3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2", "k\u200dl \u200c", "a\x08b\x0bc\x0cd", "tok\u0301en OWL\u0301SNOW",
]


def texts():
    hard = [t if len(t) < 60 else t[:60] for t in HARD]
    return [*dict.fromkeys([*MORE, *hard, *SENTENCES, *random_lines(24)])]


def corpus():
    lines = []
    for line in (ROOT / "examples/demo/passages.jsonl").read_text(encoding="utf-8").splitlines():
        lines.append(json.loads(line)["text"])
    return [*lines, *SENTENCES * 8, *MORE * 3]


def train(model, trainer, normaliser, splitter):
    tokenizer = tokenizers.Tokenizer(model)
    if normaliser:
        tokenizer.normalizer = normaliser
    tokenizer.pre_tokenizer = splitter
    tokenizer.train_from_iterator(corpus(), trainer)
    return json.loads(tokenizer.to_str())


def wordpiece():
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    return train(models.WordPiece(unk_token="[UNK]"),
                 trainers.WordPieceTrainer(vocab_size=500, special_tokens=specials, show_progress=False),
                 normalizers.BertNormalizer(strip_accents=False, lowercase=False),
                 pre_tokenizers.BertPreTokenizer())


def unigram():
    return train(models.Unigram(),
                 trainers.UnigramTrainer(vocab_size=420, unk_token="<unk>", show_progress=False,
                                         special_tokens=["<s>", "<pad>", "</s>", "<unk>"]),
                 None, pre_tokenizers.Metaspace())


def byte_level(pattern):
    splitter = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(pattern), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    return train(models.BPE(),
                 trainers.BpeTrainer(vocab_size=560, show_progress=False,
                                     initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
                                     special_tokens=["<|begin_of_text|>", "<|eot_id|>"]),
                 None, splitter)


def word(text, **flags):
    return {"content": text, "single_word": False, "lstrip": False, "rstrip": False, "normalized": True,
            "special": False, **flags}


def changed(base, normalizer=None, pre_tokenizer=None, words=(), **model):
    """A copy with other parts; words that are no pieces get the ids behind all others."""
    out = json.loads(json.dumps(base))
    if normalizer is not None:
        out["normalizer"] = json.loads(tokenizer_part(normalizer)) if not isinstance(normalizer, dict) else normalizer
    if pre_tokenizer is not None:
        out["pre_tokenizer"] = pre_tokenizer
    out["model"].update(model)
    vocab = out["model"]["vocab"]
    ids = vocab if isinstance(vocab, dict) else {text: i for i, (text, _) in enumerate(vocab)}
    next_id = max(len(vocab), 1 + max(t["id"] for t in out["added_tokens"]))
    for entry in words:
        own = entry["content"] not in ids
        out["added_tokens"].append({"id": next_id if own else ids[entry["content"]], **entry})
        next_id += own
    return out


def tokenizer_part(part):
    return part.__getstate__().decode() if isinstance(part.__getstate__(), bytes) else part.__getstate__()


def part(kind, **members):
    return {"type": kind, **members}


def norms(*list_):
    return {"type": "Sequence", "normalizers": list(list_)}


def cuts(*list_):
    return {"type": "Sequence", "pretokenizers": list(list_)}


def replace(pattern, content, is_regex=False):
    return part("Replace", pattern={"Regex" if is_regex else "String": pattern}, content=content)


def split(pattern, behavior="Isolated", invert=False, is_regex=True):
    return part("Split", pattern={"Regex" if is_regex else "String": pattern}, behavior=behavior, invert=invert)


METASPACE = part("Metaspace", replacement=MARK, prepend_scheme="always", split=True)
BYTES = part("ByteLevel", add_prefix_space=False, trim_offsets=True, use_regex=False)
WORDS = [word("owlsnow"), word("re-rank", single_word=True), word("\u00c5ngstr\u00f6m"),
         word("hello", lstrip=True, rstrip=True, normalized=False)]


def files():
    wp, uni, llama = wordpiece(), unigram(), byte_level(LLAMA3)
    bert = {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True,
            "strip_accents": None, "lowercase": True}
    charsmap = json.loads((ROOT / "tests/data/tokenizers/unigram.json").read_text())["normalizer"]
    charsmap = charsmap["normalizers"][0] if "normalizers" in charsmap else charsmap
    gemma = json.loads((ROOT / "tests/data/tokenizers/gemma.json").read_text())
    # words that no merge makes: taken whole with ignore_merges only
    merges = llama["model"]["merges"]
    lost = [m for m in merges if len("".join(m)) > 5][::3]
    whole = changed(llama, ignore_merges=True, merges=[m for m in merges if m not in lost])
    yield "wordpiece-nfd", changed(wp, norms(part("NFD"), part("Lowercase"), part("StripAccents")))
    yield "wordpiece-nfkc", changed(wp, norms(part("Nmt"), part("NFKC"), replace(r"\s+", " ", True), bert))
    yield "wordpiece-plain", changed(wp, None, part("Whitespace")) | {"normalizer": None}
    yield "wordpiece-lower", changed(wp, norms(part("Lowercase"), part("Strip", strip_left=True, strip_right=True)),
                                     cuts(part("WhitespaceSplit"), part("Punctuation", behavior="Isolated"),
                                          part("Digits", individual_digits=True)))
    yield "wordpiece-words", changed(wp, bert, words=WORDS)
    yield "wordpiece-words-cased", changed(wp, {**bert, "lowercase": False}, words=[{**w, "normalized": False} for w in WORDS])
    yield "unigram-nmt", changed(uni, norms(part("Nmt"), part("NFKC"), part("Lowercase"), replace(" {2,}", " ", True)), METASPACE)
    yield "unigram-albert", changed(uni, norms(replace("``", '"'), replace("''", '"'), part("NFKD"), part("StripAccents"),
                                               part("Lowercase"), charsmap), METASPACE)
    yield "unigram-deberta", changed(uni, norms(part("Strip", strip_left=True, strip_right=True), replace("\n", " "), part("NFC")),
                                     {**METASPACE, "prepend_scheme": "first"})
    yield "unigram-digits", changed(uni, norms(part("NFKC")), cuts(METASPACE, part("Digits", individual_digits=True),
                                                                   part("Punctuation", behavior="Isolated")))
    yield "unigram-words", changed(uni, norms(charsmap), METASPACE, words=WORDS)
    yield "bpe-llama3", whole
    yield "bpe-llama3-words", changed(whole, words=WORDS)
    yield "bpe-deepseek", changed(llama, norms(), cuts(
        split("[\r\n]"), split("\\s?[A-Za-z\u00b5\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u01ba]+"),
        split("\\s?[!-/:-~\uff01-\uff0f]+"), split(r"\s+$"),
        split("[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+"), part("Digits", individual_digits=True), BYTES))
    yield "bpe-starcoder", changed(llama, None, cuts(part("Digits", individual_digits=True),
                                                     {**BYTES, "use_regex": True}))
    yield "bpe-prefix", changed(llama, norms(part("NFKC"), part("Lowercase")), {**BYTES, "use_regex": True, "add_prefix_space": True},
                                words=[word("owlsnow"), word("hello", rstrip=True)])
    yield "bpe-next", changed(llama, norms(part("Prepend", prepend=" "), part("NFD")), cuts(
        split(r"\p{Lu}", "MergedWithNext"), split("o", "MergedWithPrevious", is_regex=False), split(r"\s+", "Removed"),
        split(r"[a-z]+", "Contiguous", True), BYTES))
    yield "sentence-gemma3", changed(gemma, words=[word("owlsnow", normalized=False), word("hello")])


def encode(root, lines):
    tokenizer = tokenizers.Tokenizer.from_str(json.dumps(root))
    tokenizer.encode_special_tokens = True
    unknown = root["model"].get("unk_token") or "<unk>"
    controls = {t["id"] for t in root["added_tokens"] if t["special"] and t["content"] != unknown}
    ids = [tokenizer.encode(t, add_special_tokens=False).ids for t in lines]
    return [None if controls & set(i) else i for i in ids]  # a model has them as pieces


def write_llama3_gguf(path, root):
    """The same vocabulary as converters of llama.cpp write it."""
    pieces = dict(root["model"]["vocab"])
    specials = {t["content"]: t["id"] for t in root["added_tokens"]}
    pieces.update(specials)
    names = [text for text, _ in sorted(pieces.items(), key=lambda p: p[1])]
    kinds = [3 if text in specials else 1 for text in names]
    key = "tokenizer.ggml."
    gguf_io.write(path, [
        ("general.architecture", gguf_io.TEXT, "llama"), (key + "model", gguf_io.TEXT, "gpt2"),
        (key + "pre", gguf_io.TEXT, "llama-bpe"), (key + "tokens", gguf_io.TEXT, names),
        (key + "token_type", gguf_io.I32, kinds),
        (key + "merges", gguf_io.TEXT, [" ".join(m) for m in root["model"]["merges"]]),
        (key + "bos_token_id", gguf_io.U32, pieces["<|begin_of_text|>"]),
        (key + "eos_token_id", gguf_io.U32, pieces["<|eot_id|>"])], {})


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out", type=pathlib.Path, nargs="?", default=ROOT / "tests/data/tokenizers/hf")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    lines, ids = texts(), {}
    for name, root in files():
        ids[name] = encode(root, lines)
        text = json.dumps(root, ensure_ascii=False, separators=(",", ":"))
        (args.out / (name + ".json")).write_text(text + "\n", encoding="utf-8")
        if name == "bpe-llama3":
            write_llama3_gguf(args.out / (name + ".gguf"), root)
    (args.out / "ids.json").write_text(json.dumps({"texts": lines, "ids": ids}, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
