#!/usr/bin/env python3
"""Training lists for a reranker: openly licensed text -> token id shards.

usage: prepare.py RANKING_DIR VOCAB OUT [--seed 1] [--scale 1.0] [--only xquad-en,qed]
RANKING_DIR holds the folders selqa, qed, xquad, covid-qa, tldr and cosqa; VOCAB is a BERT
vocab.txt, or a folder of byte_pairs.py.  Writes OUT/documents.npz (all token ids end to
end), OUT/shard-NNN.npz (lists), OUT/template.json (the fixed ids of a Qwen3 prompt, or null)
and OUT/data.json (counts and attribution).  --scale changes the number of made-up queries.

A list is a query, candidates (the first is relevant, then the best others of BM25, then
others at random), BM25's scores of them, and a share `teacher`: how much of the target is
BM25's own opinion.  OUT/dev.npz holds lists of 20 from the dev parts, to watch a run by.
The kinds of lists:
  question   a person's question; only those of the train part (jobs.py, part_of)
  title      the title, as it is or asked for ("what is ..."), for its text without it
  cloze      a sentence, for the passage that it was taken out of
  span       words in a row from a passage that keeps them
  keywords   single words of a passage; half of the target is BM25's opinion
Questions of the test parts are never read, and what answers questions of the test and dev
parts is in no list: as a negative it would teach that these texts are never right.
Left out on purpose: msmarco, wikiqa and locomo (licences; they serve evaluation only),
the test queries of cosqa, and covid-qa's FAQ (mixed sources).
"""
import argparse
import json
import os
import random
import re
import sys

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "reference"), os.path.join(HERE, "..", "golden")]
from bm25 import Index, read_jsonl, terms  # noqa: E402
import jobs  # noqa: E402
from wordpiece import WordPiece  # noqa: E402
import byte_pairs  # noqa: E402
import lexical_start  # noqa: E402

KINDS = ("question", "title", "cloze", "span", "keywords")
N_BEST, N_RANDOM = 12, 3   # candidates beside the relevant one
MAX_QUERY_WORDS, MAX_DOCUMENT = 32, 400  # words and tokens kept
SHARD = 2048  # lists
SOURCES = {
    "selqa": ("SelQA (Emory NLP; text from Wikipedia)", "Apache-2.0"),
    "qed": ("QED (Google; Natural Questions, text from Wikipedia)", "CC-BY-SA-3.0"),
    "xquad-en": ("XQuAD, English (DeepMind; SQuAD, text from Wikipedia)", "CC-BY-SA-4.0"),
    "covid-qa": ("COVID-QA (deepset; CC-BY articles of CORD-19)", "Apache-2.0"),
    "tldr": ("tldr pages (the tldr pages team and contributors)", "CC-BY-4.0"),
    "cosqa": ("CoSQA (Microsoft; functions of CodeSearchNet)", "MIT"),
}
MAX_QUESTIONS = 1800  # of a source
DEV_QUERIES, DEV_TOP = 24, 20
# How many lists of each kind a source gives, at most, and how often a question counts.
# Questions dominate: shared words are known from the start, see lexical_start.py.
PLAN = {
    "xquad-en": dict(question=6, title=0, cloze=200, span=100, keywords=200),
    "qed": dict(question=6, title=1300, cloze=200, span=100, keywords=200),
    "selqa": dict(question=3, title=700, cloze=200, span=100, keywords=200),
    "selqa-passages": dict(question=4, title=1000, cloze=300, span=100, keywords=200),
    "covid-qa": dict(question=2, title=0, cloze=200, span=50, keywords=100),
    "tldr": dict(question=1, title=300, cloze=0, span=50, keywords=100),
    "cosqa": dict(question=1, title=0, cloze=0, span=50, keywords=50),
}
ASKED = ("%s", "what is %s", "define %s", "%s definition", "what is the meaning of %s",
         "%s facts", "information about %s", "who or what is %s")


class FastIndex(Index):
    """bm25.Index with numpy postings: many queries in little time."""

    def __init__(self, texts):
        super().__init__(texts, 0.9, 0.4)
        lengths = np.array(self.lengths, np.float32)
        norms = self.k1 * (1.0 - self.b + self.b * lengths / self.mean)
        n = len(texts)
        for term, found in self.postings.items():
            rows = np.array([r for r, _ in found], np.int32)
            counts = np.array([c for _, c in found], np.float32)
            idf = np.log(1.0 + (n - len(rows) + 0.5) / (len(rows) + 0.5))
            self.postings[term] = (rows, idf * counts * (self.k1 + 1.0) / (counts + norms[rows]))

    def scores(self, query):
        out = np.zeros(len(self.lengths), np.float32)
        for term in terms(query):
            if term in self.postings:
                rows, weights = self.postings[term]
                out[rows] += weights
        return out


class Source:
    """A corpus with questions [(text, indices of relevant texts)] and titles [(text, index,
    text of the document without the title)]."""

    def __init__(self, texts):
        self.texts, self.questions, self.titles, self.dev = texts, [], [], []
        self.held_out = set()  # indices of texts that answer questions of the other parts

    def spare_answers(self):
        """Takes what answers this part's questions too out of held_out."""
        self.held_out.difference_update(*(right for _, right in self.questions))


def from_jobs(dataset, folder):
    collection = jobs.READERS[dataset](folder)[0]
    source, place = Source(collection.texts), {d: i for i, d in enumerate(collection.ids)}
    for (_, text, grades), part in zip(collection.queries, collection.parts()):
        right = [place[d] for d, grade in grades.items() if grade > 0 and d in place]
        if right and part == "train":
            source.questions.append((text, right))
        else:
            source.held_out.update(right)
            if right and part == "dev":
                source.dev.append((text, right))
    source.spare_answers()
    return source


def windows(sentences, max_words):
    out = []
    for sentence in sentences:
        if out and len(out[-1].split()) + len(sentence.split()) <= max_words:
            out[-1] += " " + sentence
        else:
            out.append(sentence)
    return out


def selqa(folder):
    """Two sources: sentences, and passages of sentences."""
    sentences, passages = from_jobs("selqa", folder), Source([])
    place = {text: i for i, text in enumerate(sentences.texts)}
    with open(os.path.join(folder, "selqa-ass-dev.json"), encoding="utf-8") as f:
        dev = json.load(f)  # shares no section with the test file
    with open(os.path.join(folder, "selqa-ass-test.json"), encoding="utf-8") as f:
        test = json.load(f)
    seen = {}
    for row in dev + test:
        key = (row["article"], row["section"])
        if key not in seen:
            size = (40, 60, 90, 130)[len(seen) % 4]
            seen[key] = (len(passages.texts), windows(row["candidates"], size))
            title = row["article"]
            if row["section"] and row["section"] != "Abstract":
                title += " " + row["section"]
            passages.titles.append((title, len(passages.texts), None))
            passages.texts += seen[key][1]
        for text in row["candidates"]:
            if text not in place:
                place[text] = len(sentences.texts)
                sentences.texts.append(text)
        sentences.titles.append((row["article"], place[row["candidates"][0]], None))
    for row in dev:
        if row["answers"]:
            right = [place[row["candidates"][i]] for i in row["answers"]]
            sentences.questions.append((row["question"], right))
    allowed = {text for text, _ in sentences.questions}
    for row in dev + test:
        begin, texts = seen[(row["article"], row["section"])]
        answers = [row["candidates"][i] for i in row["answers"]]
        right = [begin + i for i, text in enumerate(texts) if any(a in text for a in answers)]
        if row["question"] not in allowed:
            passages.held_out.update(right)
        elif right:
            passages.questions.append((row["question"], right))
    passages.spare_answers()
    return sentences, passages


def qed(folder):
    source = from_jobs("qed", folder)
    for i, text in enumerate(source.texts):
        title, rest = text.split(". ", 1)
        if len(rest.split()) > 12:
            source.titles.append((title, i, rest))
    return source


def tldr(folder):
    source = from_jobs("tldr", folder)
    for i, text in enumerate(source.texts):
        title, rest = text.split(": ", 1)
        about = rest.split(". ", 1)
        if len(about) == 2:
            source.titles.append((about[0], i, title + ": " + about[1]))
    return source


def cosqa(folder):
    texts, place, source = [], {}, Source([])

    def add(code):
        if code not in place:
            place[code] = len(texts)
            texts.append(code)
        return place[code]

    with open(os.path.join(folder, "code_idx_map.txt"), encoding="utf-8") as f:
        for code in list(json.load(f))[:2500]:
            add(code)
    for name in ("cosqa-retrieval-dev-500.json", "cosqa-dev.json"):
        with open(os.path.join(folder, name), encoding="utf-8") as f:
            for row in json.load(f):
                if row["label"] == 1:
                    source.questions.append((row["doc"], [add(row["code"])]))
    source.texts = texts
    return source


def read_sources(folder):
    def at(name):
        return os.path.join(folder, name)

    sentences, passages = selqa(at("selqa"))
    return {"xquad-en": from_jobs("xquad-en", at("xquad")), "qed": qed(at("qed")),
            "selqa": sentences, "selqa-passages": passages,
            "covid-qa": from_jobs("covid-qa", at("covid-qa")), "tldr": tldr(at("tldr")),
            "cosqa": cosqa(at("cosqa"))}


def sentences_of(text):
    parts = re.split(r"(?<=[.!?])\s+(?=[A-Z0-9\"'(])", text)
    return [part for part in parts if part]


def without_stop(words, source_index):
    """Words that fewer than a fifth of the documents have."""
    n = len(source_index.lengths)
    return [w for w in words if w in source_index.postings
            and len(source_index.postings[w][0]) < max(3, n // 5)]


class Maker:
    """Lists of one source."""

    def __init__(self, source, rng):
        self.source, self.rng = source, rng
        self.index = FastIndex(source.texts)
        self.documents = list(source.texts)  # and passages with something taken out
        self.lists = []

    def add(self, kind, query, right, teacher=0.0, document=None):
        """right: indices of all relevant texts; document: replaces the first of them."""
        scores = self.index.scores(query)
        unwanted = self.source.held_out.union(right)
        order = np.argsort(-scores, kind="stable")
        best = [int(i) for i in order[:10 * N_BEST] if i not in unwanted and scores[i] > 0]
        best = best[:N_BEST]
        while len(best) < N_BEST + N_RANDOM:
            other = self.rng.randrange(len(self.source.texts))
            if other not in unwanted:
                best.append(other)
        first = right[0] if len(right) == 1 else self.rng.choice(right)
        values = [float(scores[i]) for i in [first] + best]
        if document is not None:
            first = len(self.documents)
            self.documents.append(document)
        self.lists.append((KINDS.index(kind), query, [first] + best, values, teacher))

    def questions(self):
        for text, right in self.some(self.source.questions, MAX_QUESTIONS):
            self.add("question", text, right)

    def dev_lists(self, n):
        """(query, BM25's first texts, which of them are relevant), where one is."""
        out = []
        for text, right in self.source.dev[:n]:
            order = np.argsort(-self.index.scores(text), kind="stable")[:DEV_TOP]
            if any(int(i) in right for i in order):
                out.append((text, [int(i) for i in order], [int(i) in right for i in order]))
        return out

    def titles(self, n):
        titles = [title for title in self.source.titles if title[1] not in self.source.held_out]
        for title, i, rest in self.some(titles, n):
            asked = self.rng.choice(ASKED) if self.rng.random() < 0.6 else "%s"
            self.add("title", asked % title.lower(), [i], document=rest)

    def some(self, items, n):
        return self.rng.sample(items, min(n, len(items)))

    def places(self, n):
        """n indices of texts, each text equally often."""
        out = []
        allowed = [i for i in range(len(self.source.texts)) if i not in self.source.held_out]
        while len(out) < n:
            out += self.rng.sample(allowed, len(allowed))
        return out[:n]

    def clozes(self, n):
        for i in self.places(n):
            parts = sentences_of(self.source.texts[i])
            if len(parts) >= 2:
                at = self.rng.randrange(len(parts))
                query = parts.pop(at)
                rest = None if self.rng.random() < 0.2 else " ".join(parts)
            else:  # a sentence: its content words, half of them left in
                words = self.source.texts[i].split()
                if len(words) < 10:
                    continue
                at = self.rng.randrange(len(words) // 2)
                query, rest = " ".join(words[at:at + len(words) // 2]), None
                if self.rng.random() < 0.5:
                    rest = " ".join(words[:at + 2] + words[at + len(words) // 2:])
            words = query.split()
            if len(words) > 16:
                at = self.rng.randrange(len(words) - 12)
                query = " ".join(words[at:at + 12])
            if len(words) >= 4:
                self.add("cloze", query, [i], document=rest)

    def spans(self, n):
        for i in self.places(n):
            words = self.source.texts[i].split()
            length = self.rng.randint(3, 9)
            at = self.rng.randrange(max(1, len(words) - length))
            if len(words) > length:
                self.add("span", " ".join(words[at:at + length]), [i], teacher=0.3)

    def keywords(self, n):
        for i in self.places(n):
            words = without_stop(sorted(set(terms(self.source.texts[i]))), self.index)
            if len(words) >= 4:
                chosen = self.rng.sample(words, min(len(words), self.rng.randint(2, 5)))
                self.add("keywords", " ".join(chosen), [i], teacher=0.5)


class Encoder:
    """Token ids of queries and documents; words are remembered."""

    def __init__(self, vocabulary):
        self.template = None
        if os.path.isdir(vocabulary):
            bpe = byte_pairs.BytePairs.open(vocabulary)
            self.pieces, self.template = bpe.pieces, bpe.template()
            # As the engine does: the words around a query are tokenised with it.
            self.query = lambda text: bpe.encode(" %s\n<Document>:" % short(text))
            self.document = lambda text: bpe.encode(" " + text)[:MAX_DOCUMENT]
            return
        tokenizer, words = WordPiece.open(vocabulary), {}
        self.pieces, plain = list(tokenizer.ids), tokenizer.word

        def word(text):
            if text not in words:
                words[text] = plain(text)
            return words[text]

        tokenizer.word = word
        self.query = lambda text: tokenizer.encode(short(text))
        self.document = lambda text: tokenizer.encode(text)[:MAX_DOCUMENT]


def short(query):
    return " ".join(query.split()[:MAX_QUERY_WORDS])


def pack(sequences):
    offsets = np.cumsum([0] + [len(s) for s in sequences]).astype(np.int64)
    flat = np.fromiter((i for s in sequences for i in s), np.uint16, int(offsets[-1]))
    return flat, offsets


def write_shards(out, lists, encoder):
    for number, begin in enumerate(range(0, len(lists), SHARD)):
        part = lists[begin:begin + SHARD]
        ids, offsets = pack([encoder.query(row[1]) for row in part])
        np.savez(os.path.join(out, "shard-%03d.npz" % number), ids=ids, offsets=offsets,
                 kinds=np.array([row[0] for row in part], np.uint8),
                 candidates=np.array([row[2] for row in part], np.int32),
                 scores=np.array([row[3] for row in part], np.float32),
                 teacher=np.array([row[4] for row in part], np.float32),
                 weights=np.array([row[5] for row in part], np.uint8))


def write_dev(out, lists, encoder):
    ids, offsets = pack([encoder.query(row[1]) for row in lists])
    np.savez(os.path.join(out, "dev.npz"), ids=ids, offsets=offsets,
             sources=np.array([row[0] for row in lists]),
             candidates=np.array([row[2] for row in lists], np.int32),
             relevant=np.array([row[3] for row in lists], bool))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ranking")
    parser.add_argument("vocabulary")
    parser.add_argument("out")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--only", default=",".join(PLAN))
    args = parser.parse_args()
    os.makedirs(args.out, exist_ok=True)
    encoder = Encoder(args.vocabulary)
    documents, lists, dev, counts = [], [], [], {}
    for name, source in read_sources(args.ranking).items():
        if name not in args.only.split(","):
            continue
        plan, maker = PLAN[name], Maker(source, random.Random("%d %s" % (args.seed, name)))
        maker.questions()
        maker.titles(int(plan["title"] * args.scale))
        maker.clozes(int(plan["cloze"] * args.scale))
        maker.spans(int(plan["span"] * args.scale))
        maker.keywords(int(plan["keywords"] * args.scale))
        base = len(documents)
        documents += [encoder.document(text) for text in maker.documents]
        for kind, query, candidates, scores, teacher in maker.lists:
            weight = plan["question"] if KINDS[kind] == "question" else 1
            lists.append((kind, query, [base + c for c in candidates], scores, teacher, weight))
        dev += [(name, query, [base + c for c in candidates], relevant)
                for query, candidates, relevant in maker.dev_lists(DEV_QUERIES)]
        found = [KINDS[row[0]] for row in maker.lists]
        counts[name] = {kind: found.count(kind) for kind in KINDS if kind in found}
        print(name, len(source.texts), "texts", counts[name], flush=True)
    random.Random(args.seed).shuffle(lists)
    ids, offsets = pack(documents)
    np.savez(os.path.join(args.out, "documents.npz"), ids=ids, offsets=offsets)
    np.savez(os.path.join(args.out, "words.npz"),
             **lexical_start.word_table(encoder.pieces, documents))
    write_shards(args.out, lists, encoder)
    write_dev(args.out, dev, encoder)
    about = {"seed": args.seed, "lists": len(lists), "best": N_BEST, "counts": counts,
             "question_weights": {name: PLAN[name]["question"] for name in counts},
             "tokens": int(offsets[-1]), "sources": SOURCES}
    for name, value in (("data", about), ("template", encoder.template)):
        with open(os.path.join(args.out, name + ".json"), "w", encoding="utf-8") as f:
            json.dump(value, f, indent=1)
    print("%d lists, %d documents of %.0f tokens" %
          (len(lists), len(documents), offsets[-1] / max(1, len(documents))))


if __name__ == "__main__":
    main()
