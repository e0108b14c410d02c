#!/usr/bin/env python3
"""Our ids beside those of SentencePiece and of Hugging Face's tokenizers, line by line.

usage: compare_tokenizers.py WORK_FOLDER [--node FOLDER] [--bench PROGRAM] [--shared FOLDER]

Trains a Unigram and a BPE model on xquad (WORK_FOLDER keeps them), writes them as tokenizer.json,
and encodes each line of xquad, in all its languages, and thousands of lines that are hard on
purpose.  Needs Debian's sentencepiece and python3-sentencepiece; with --node a folder in which
`npm install @huggingface/transformers` ran.  Exit 1 when a difference is left that is not of the
kinds that README.md names.
"""
import argparse
import io
import json
import pathlib
import subprocess
import sys
import unicodedata
import zipfile

import sentencepiece

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "golden"))
import sentencepiece_io  # noqa: E402
from byte_bpe import QWEN2_PATTERN  # noqa: E402
from hard_lines import HARD, SENTENCES, random_lines  # noqa: E402


def xquad_lines(shared):
    for path in sorted((shared / "data/ranking/xquad").glob("xquad.*.json")):
        for article in json.loads(path.read_text(encoding="utf-8"))["data"]:
            for paragraph in article["paragraphs"]:
                yield from paragraph["context"].split("\n")
                yield from (qa["question"] for qa in paragraph["qas"])


def train(work, name, text, options):
    path = work / (name + ".model")
    if not path.exists():
        subprocess.run(["spm_train", "--input=%s" % text, "--model_prefix=%s" % (work / name),
                        "--vocab_size=16000", "--minloglevel=2", *options], check=True)
    return path


def write_qwen2(path, shared, longest_run=1):
    """With runs of spaces up to longest_run as added tokens, as ModernBERT has them."""
    folder = shared / "data/tokenizers/qwen2"
    merges = (folder / "merges.txt").read_text(encoding="utf-8").split("\n")
    runs = [{"id": 151650 + n, "content": " " * n, "single_word": False, "lstrip": False,
             "rstrip": False, "normalized": True, "special": False}
            for n in range(2, longest_run + 1)]
    root = {"version": "1.0", "added_tokens": runs, "post_processor": None, "decoder": None,
            "normalizer": {"type": "NFC"},
            "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
                {"type": "Split", "pattern": {"Regex": QWEN2_PATTERN}, "behavior": "Isolated",
                 "invert": False},
                {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False,
                 "use_regex": False}]},
            "model": {"type": "BPE", "unk_token": None, "byte_fallback": False,
                      "vocab": json.loads((folder / "vocab.json").read_text(encoding="utf-8")),
                      "merges": [m for m in merges if m and not m.startswith("#version")]}}
    path.write_text(json.dumps(root, ensure_ascii=False), encoding="utf-8")


def numbers_of(run):
    return [[int(n) for n in line.split()] for line in run.stdout.split("\n")[:-1]]


class Comparison:
    def __init__(self, args):
        self.args, self.work = args, args.work
        self.texts = [*xquad_lines(args.shared), *HARD, *SENTENCES,
                      *random_lines(3000)]
        self.lines = self.work / "lines.jsonl"
        self.lines.write_text("".join(json.dumps(t) + "\n" for t in self.texts))
        self.n_unexplained = 0

    def ours(self, tokenizer):
        run = subprocess.run([self.args.bench, "--ids", self.lines, tokenizer],
                             capture_output=True, text=True)
        if run.returncode:
            sys.exit(run.stderr)
        return numbers_of(run)

    def theirs(self, tokenizer):
        """Hugging Face's ids."""
        script = pathlib.Path(__file__).with_name("encode.mjs")
        run = subprocess.run(["node", script, self.args.node, tokenizer, self.lines],
                             capture_output=True, text=True)
        if run.returncode:
            sys.exit(run.stderr)
        return numbers_of(run)

    def report(self, name, ours, wanted, explain=None):
        """explain(index, ours, wanted) names a known kind of difference, or None."""
        assert len(ours) == len(wanted) == len(self.texts)
        kinds = {}
        for i, (a, b) in enumerate(zip(ours, wanted)):
            if a == b:
                continue
            kind = (explain(i, a, b) if explain else None) or "UNEXPLAINED"
            kinds.setdefault(kind, []).append(i)
        n = len(kinds.get("UNEXPLAINED", []))
        self.n_unexplained += n
        found = ", ".join("%s %d" % (k, len(v)) for k, v in sorted(kinds.items())) or "none"
        print("%-44s %d lines, %d ids; differences: %s"
              % (name, len(ours), sum(map(len, ours)), found), flush=True)
        for i in kinds.get("UNEXPLAINED", [])[:self.args.show]:
            at = next((k for k, (x, y) in enumerate(zip(ours[i], wanted[i])) if x != y), -1)
            print("  %r\n    from id %d on ours %s, theirs %s" % (
                self.texts[i][:100], at, ours[i][at:at + 6], wanted[i][at:at + 6]))


def is_tie(model, a, b):
    """Both paths have one sum of scores, but for the rounding of f32."""
    sums = [sum(model.pieces[i][1] for i in ids) for ids in (a, b)]
    unknowns = [ids.count(0) for ids in (a, b)]
    return unknowns[0] == unknowns[1] and abs(sums[0] - sums[1]) < 1e-5 * abs(sums[0])


def spells_token(text):
    return any(name in text for name in ("<s>", "</s>", "<unk>", "<pad>", "<mask>", "[CLS]",
                                         "[SEP]", "[UNK]", "[PAD]", "[MASK]", "<0x"))


def compare_sentencepiece(c, name, path):
    model = sentencepiece_io.Model.open(path)
    processor = sentencepiece.SentencePieceProcessor(model_file=str(path))
    truth = [list(ids) for ids in processor.encode(c.texts)]
    gguf = c.work / (name + ".gguf")
    model.write_gguf(gguf)
    for file in (path, gguf):
        c.report("%s%s, SentencePiece" % (name, file.suffix), c.ours(file), truth,
                 lambda i, a, b: "tie" if is_tie(model, a, b) else None)
    for layout in ("old", "new") if c.args.node else ():
        def explain(i, ours, theirs):
            if spells_token(c.texts[i]):
                return "control token"
            if is_tie(model, ours, theirs):
                return "tie"
            is_truth = ours == truth[i] or is_tie(model, ours, truth[i])
            if model.charsmap and (is_truth or "\u2581" in c.texts[i]):
                return "their character map"
            return None
        converted = c.work / ("%s-%s.json" % (name, layout))
        model.write_json(converted, layout == "old")
        c.report("%s.json (%s), Hugging Face" % (name, layout), c.ours(converted),
                 c.theirs(converted), explain)


def wordpiece_difference(text):
    if spells_token(text):
        return "control token"
    if "\u03a3" in text:
        return "their final sigma"
    if any(unicodedata.category(letter) == "Cn" for letter in text):
        return "unassigned character"
    return None


def compare_xlmr(c, charsmap):
    """The real 250,001 pieces, their scores as published, and the map of nmt_nfkc."""
    archive = c.args.shared / "data/tokenizers/xlm-roberta/pos.dict.utf8.zip"
    rows = []
    with zipfile.ZipFile(archive) as z, z.open("pos.dict.utf8") as f:
        for line in io.TextIOWrapper(f, "utf-8", newline="\n"):
            text, word, score = line.rstrip("\n").split("\t")
            i = int(word.rsplit("_", 1)[1])
            if 4 <= i <= 250000:
                rows.append((text, i, float(score)))
    folder = c.work / "xlmr"
    folder.mkdir(exist_ok=True)
    path = folder / "sentencepiece.bpe.model"
    sentencepiece_io.write_xlmr(path, rows, charsmap)
    model = sentencepiece_io.Model.open(path)
    model.pieces.insert(0, ("<s>", 0.0, sentencepiece_io.CONTROL))  # for the sums of scores
    processor = sentencepiece.SentencePieceProcessor(model_file=str(path))
    truth = [[i + 1 if i else 3 for i in ids] for ids in processor.encode(c.texts)]
    ours = c.ours(folder)
    c.report("XLM-RoBERTa's pieces, SentencePiece", ours, truth,
             lambda i, a, b: "tie" if is_tie(model, a, b) else None)
    golden = c.args.shared / "data/golden/hf_tokenizer_golden.json"
    cases = json.loads(golden.read_text(encoding="utf-8"))["xlm-roberta-base"]
    for case in cases:
        c.lines.write_text(json.dumps(case["text"]) + "\n")
        print("  golden text of Hugging Face:",
              "same" if c.ours(folder)[0] == case["ids"][1:-1] else "DIFFERENT")
        c.n_unexplained += c.ours(folder)[0] != case["ids"][1:-1]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("work", type=pathlib.Path)
    parser.add_argument("--node")
    parser.add_argument("--bench", type=pathlib.Path, default=ROOT / "build/bench/bench_tokenizer")
    parser.add_argument("--shared", type=pathlib.Path, default=ROOT.parent / "shared")
    parser.add_argument("--show", type=int, default=5, help="unexplained lines to print")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    c = Comparison(args)
    text = args.work / "xquad.txt"
    text.write_text("\n".join(xquad_lines(args.shared)) + "\n", encoding="utf-8")
    unigram = train(args.work, "unigram", text, ["--model_type=unigram"])
    bpe = train(args.work, "bpe", text, [
        "--model_type=bpe", "--byte_fallback=true", "--normalization_rule_name=identity",
        "--remove_extra_whitespaces=false", "--split_digits=true",
        "--max_sentence_length=20000"])
    compare_sentencepiece(c, "unigram", unigram)
    compare_sentencepiece(c, "bpe", bpe)
    for path in [*sorted((args.shared / "data/tokenizers/sentencepiece-test").glob("*.model")),
                 args.shared / "data/weights/llama2c-stories260K/tok512.model"]:
        compare_sentencepiece(c, path.stem, path)
    if args.node:
        wordpiece = args.shared / "data/tokenizers/bert-base-uncased/tokenizer.minilm-l6.json"
        qwen2 = args.work / "qwen2.json"
        spaces = args.work / "qwen2-spaces.json"
        write_qwen2(qwen2, args.shared)
        write_qwen2(spaces, args.shared, 24)
        for name, path in (("WordPiece", wordpiece), ("byte-level BPE (Qwen2)", qwen2),
                           ("the same with runs of spaces", spaces)):
            c.report(name + ", Hugging Face", c.ours(path), c.theirs(path),
                     lambda i, a, b: wordpiece_difference(c.texts[i])
                     if path == wordpiece else None)
    compare_xlmr(c, sentencepiece_io.Model.open(unigram).charsmap)
    return bool(c.n_unexplained)


if __name__ == "__main__":
    sys.exit(main())
