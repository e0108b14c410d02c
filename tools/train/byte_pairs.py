#!/usr/bin/env python3
"""A byte-level BPE vocabulary of our own for a small Qwen3 reranker.

usage: byte_pairs.py RANKING_DIR OUT [--pieces 22000] [--layers 16] [--hidden 256]
Learns the merges from the texts that prepare.py reads (documents only) and writes
OUT/tokenizer.json, tokenizer_config.json and a config.json for train.py --config.  The
pre-tokeniser is Qwen2's, after a normaliser that lowers all letters: questions are typed
without capitals, and a small model has no pieces to spare for both.  "yes" and "no" are
single pieces, since the model answers with them.  Nothing here is taken from another
model's vocabulary.
"""
import argparse
import collections
import heapq
import json
import os
import re
import sys
import unicodedata

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "golden")]
from byte_bpe import INSTRUCTION, LETTER_ORDER, LETTERS, PREFIX, SUFFIX, apply_merge  # noqa: E402
from qwen3_case import FIRST_MERGES, NFC, SPECIALS, write_tokenizer  # noqa: E402

LOWER = {"type": "Sequence", "normalizers": [NFC, {"type": "Lowercase"}]}

# Python's \w holds numbers beyond \d (Nl, No); \p{L} does not, and \p{N} does.
OTHER_NUMBERS = "".join(re.escape(chr(c)) for c in range(0x110000)
                        if unicodedata.category(chr(c)) in ("Nl", "No"))
LETTER, NUMBER = r"[^\W\d_%s]" % OTHER_NUMBERS, r"[\d%s]" % OTHER_NUMBERS
SPLIT = re.compile(
    r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])"
    r"|(?:(?!%s|%s)[^\r\n])?%s+|%s" % (LETTER, NUMBER, LETTER, NUMBER)
    + r"| ?(?:(?!%s|%s)[^\s])+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+" % (LETTER, NUMBER))


PROMPT_COUNT = 1000000  # every pair has the prompt: its words become single pieces


def words_of(text):
    """Of the lowered text; sigma alone depends on its neighbours in Python's lower()."""
    lowered = unicodedata.normalize("NFC", text).replace("\u03a3", "\u03c3").lower()
    return SPLIT.findall(lowered)


def learn(counts, n_merges):
    """Merges of the most frequent pairs, ties to the smaller pair; counts: {word: n}."""
    words = [[LETTERS[b] for b in word.encode("utf-8")] for word in counts]
    numbers, merges = list(counts.values()), []
    pairs, where = collections.Counter(), collections.defaultdict(set)

    def count(i, sign):
        for pair in zip(words[i], words[i][1:]):
            pairs[pair] += sign * numbers[i]
            if sign > 0:
                where[pair].add(i)

    for i in range(len(words)):
        count(i, 1)
    heap = [(-n, pair) for pair, n in pairs.items()]  # counts as they were when pushed
    heapq.heapify(heap)
    while len(merges) < n_merges:
        if len(merges) < len(FIRST_MERGES):
            best = FIRST_MERGES[len(merges)]
        else:
            if not heap:
                raise SystemExit("the texts have no more than %d pairs to merge" % len(merges))
            n, best = heapq.heappop(heap)
            if pairs[best] != -n:
                continue  # a newer entry has the count of now
        merges.append(best)
        changed = set()
        for i in where.pop(best, ()):
            changed.update(zip(words[i], words[i][1:]))
            count(i, -1)
            words[i] = apply_merge(words[i], best)
            count(i, 1)
            changed.update(zip(words[i], words[i][1:]))
        pairs[best] = 0
        for pair in changed:
            if pairs[pair] > 0:
                heapq.heappush(heap, (-pairs[pair], pair))
    return merges


class BytePairs:
    """Encoder; has what qwen3_case.write_tokenizer reads."""

    def __init__(self, merges):
        self.merges, self.specials = merges, SPECIALS
        self.pieces = [LETTERS[b] for b in LETTER_ORDER]
        self.pieces += list(dict.fromkeys(a + b for a, b in merges))
        self.n_ordinary = len(self.pieces)
        self.pieces += [text for text, _ in SPECIALS]
        self.ids = {piece: i for i, piece in enumerate(self.pieces)}
        self.ranks = {pair: i for i, pair in enumerate(merges)}
        self.words = {}

    @classmethod
    def open(cls, folder):
        with open(os.path.join(folder, "tokenizer.json"), encoding="utf-8") as f:
            stored = json.load(f)
        out = cls([tuple(merge.split(" ")) for merge in stored["model"]["merges"]])
        pieces = {p: i for i, p in enumerate(out.pieces[:out.n_ordinary])}
        if stored["normalizer"] != LOWER or stored["model"]["vocab"] != pieces:
            raise SystemExit("%s: tokenizer.json was not made by this program" % folder)
        return out

    def word(self, word):
        symbols = [LETTERS[b] for b in word.encode("utf-8")]
        while len(symbols) > 1:
            best = min(zip(symbols, symbols[1:]), key=lambda p: self.ranks.get(p, 1 << 30))
            if best not in self.ranks:
                break
            symbols = apply_merge(symbols, best)
        return [self.ids[s] for s in symbols]

    def encode(self, text):
        out = []
        for word in words_of(text):
            if word not in self.words:
                self.words[word] = self.word(word)
            out += self.words[word]
        return out

    def encode_template(self, text):
        """Our own text, in which control pieces count."""
        names = [name for name, _ in SPECIALS]
        out = []
        for part in re.split("(%s)" % "|".join(map(re.escape, names)), text):
            out += [self.ids[part]] if part in names else self.encode(part)
        return out

    def template(self):
        """The model card's prompt around (query, document)."""
        before = self.encode_template(PREFIX) + self.encode("<Instruct>: %s\n<Query>:" % INSTRUCTION)
        return {"before": before, "after": self.encode_template(SUFFIX)}


def config_of(bpe, layers, hidden):
    return {
        "architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3",
        "attention_bias": False, "attention_dropout": 0.0, "head_dim": 64,
        "hidden_act": "silu", "hidden_size": hidden, "intermediate_size": 3 * hidden,
        "max_position_embeddings": 2048, "num_attention_heads": hidden // 64,
        "num_hidden_layers": layers, "num_key_value_heads": hidden // 128,
        "rms_norm_eps": 1e-6, "rope_theta": 1000000, "tie_word_embeddings": True,
        "use_sliding_window": False, "vocab_size": len(bpe.pieces),
        "eos_token_id": bpe.ids["<|im_end|>"], "pad_token_id": bpe.ids["<|endoftext|>"],
        "answer_ids": [bpe.ids["yes"], bpe.ids["no"]]}


def main():
    import prepare
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ranking")
    parser.add_argument("out")
    parser.add_argument("--only", help="sources, with commas (default: all)")
    parser.add_argument("--pieces", type=int, default=22000)
    parser.add_argument("--layers", type=int, default=16)
    parser.add_argument("--hidden", type=int, default=256)
    args = parser.parse_args()
    counts = collections.Counter()
    for name, source in prepare.read_sources(args.ranking).items():
        is_wanted = not args.only or name in args.only.split(",")
        if is_wanted and name != "selqa-passages":  # that is the text of selqa again
            for text in source.texts:
                counts.update(words_of(" " + text))
    prompt = PREFIX + "<Instruct>: %s\n<Query>:\n<Document>:" % INSTRUCTION + SUFFIX
    for part in re.split("|".join(re.escape(name) for name, _ in SPECIALS), prompt):
        for word in words_of(part):
            counts[word] += PROMPT_COUNT
    n_merges = args.pieces - len(LETTER_ORDER) - len(SPECIALS)
    bpe = BytePairs(learn(counts, n_merges))
    os.makedirs(args.out, exist_ok=True)
    write_tokenizer(args.out, bpe, "strings", LOWER)
    with open(os.path.join(args.out, "config.json"), "w", encoding="utf-8") as f:
        json.dump(config_of(bpe, args.layers, args.hidden), f, indent=1)
        f.write("\n")
    n_bytes = sum(len(w.encode("utf-8")) * n for w, n in counts.items())
    n_tokens = sum(len(bpe.word(w)) * n for w, n in counts.items())
    print("%d pieces, %.2f bytes a token" % (len(bpe.pieces), n_bytes / n_tokens))


if __name__ == "__main__":
    main()
