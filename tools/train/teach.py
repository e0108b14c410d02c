#!/usr/bin/env python3
"""Training lists whose targets are a teacher's: openly licensed text -> token id shards.

usage: teach.py RANKING_DIR VOCAB OUT --teachers MINILM_DIR[,MPNET_DIR] [--seed 1] [--scale 1.0]
                [--only xquad-en,qed] [--cache DIR]
RANKING_DIR as in prepare.py, whose sources and parts these are; VOCAB is bert-base-uncased's
vocab.txt.  Writes what prepare.py writes, in the same form, so that train.py reads it.

Documents are texts of the sources and pieces of them, of 20 to 400 tokens, a part of them with
their title before them.  Queries are people's questions of the train part and, without any
label, titles, headings, sentences, pairs of sentences and runs of words of the documents.
The teacher's score of a document for a query is
    20 * (mean of the teachers' cosines + WORDS_SHARE * BM25 * std(cosine) / std(BM25)),
the standard deviations over the list; BM25 is over stems.  A list's candidates are the nearest
by either, some from further down, and some at random; for questions the relevant one comes
first, and `teacher` says how much of the target is the teacher's softmax.
Vectors are kept in --cache (default OUT/vectors): an interrupted call goes on from there.
OUT/dev.npz is prepare.py's, with lists of unlabelled queries over dev documents added, where
`relevant` is the teacher's first three.
"""
import argparse
import json
import os
import random
import re
import sys
import zlib

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the workers are threads themselves
import numpy as np  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "reference")]
import encoders  # noqa: E402
import lexical_start  # noqa: E402
import prepare  # noqa: E402
from bm25 import terms  # noqa: E402
from wordpiece import WordPiece  # noqa: E402

KINDS = ("question", "title", "sentence", "passage", "phrase")
N_CANDIDATES = 16
TOP_EACH, N_MIDDLE, N_RANDOM = 6, 3, 2
SCALE, WORDS_SHARE = 20.0, 1.0
LABEL_SHARE = 0.5  # of the target of a question
NEARER = 0.02      # a negative whose cosine is above the relevant one's by this is left out
MAX_QUERY, MAX_DOCUMENT = 80, 400  # tokens
DEV_LISTS, DEV_TOP, DEV_DOCUMENTS = 20, 20, 60
# documents and queries of a source, at most
PLAN = {
    "xquad-en": dict(documents=150, question=500, title=0, sentence=250, passage=60, phrase=150),
    "qed": dict(documents=620, question=600, title=350, sentence=400, passage=100, phrase=300),
    "selqa": dict(documents=350, question=350, title=0, sentence=0, passage=0, phrase=100),
    "selqa-passages": dict(documents=700, question=600, title=250, sentence=350, passage=80,
                           phrase=250),
    "covid-qa": dict(documents=1500, question=700, title=250, sentence=2000, passage=400,
                     phrase=900),
    "tldr": dict(documents=200, question=250, title=100, sentence=0, passage=0, phrase=50),
    "cosqa": dict(documents=150, question=150, title=0, sentence=0, passage=0, phrase=30),
}
SMALL_WORDS = set(
    "a an and are as at be been but by can did do does for from had has have he her his how i if "
    "in into is it its may more most not of on one only or our she so some such than that the their "
    "them then there these they this those to two was we were what when where which who will with "
    "would you your also between both each other used using all after before during no".split())


class Pool:
    """Documents (text, source, indices of the source's texts that it is made of)."""

    def __init__(self):
        self.texts, self.sources, self.origins, self.places = [], [], [], {}

    def add(self, text, source, origins):
        if text not in self.places:
            self.places[text] = len(self.texts)
            self.texts.append(text)
            self.sources.append(source)
            self.origins.append(frozenset(origins))
        return self.places[text]


def article_titles(folder):
    """covid-qa: {index of a text: title of its article}, in the order of jobs.squad."""
    import jobs
    with open(os.path.join(folder, "200423_covidQA.json"), encoding="utf-8") as f:
        articles = json.load(f)["data"]
    number, titles = {}, {}
    for article in articles:
        for paragraph in article["paragraphs"]:
            for _, text in jobs.cut(paragraph["context"]):
                number.setdefault(text, len(number))
                titles.setdefault(number[text], paragraph["context"].split("\n")[0].strip())
    return titles


def is_spared(title):
    """Whether nothing is asked about an article of covid-qa, so that its title and its abstract's
    sentences can be asked when weights are chosen (dev_sets.py)."""
    return zlib.crc32(title.encode("utf-8")) % 6 == 0


def without_head(text):
    """A piece of an article without the lines above its abstract."""
    at = text.find("Abstract:")
    return text[at + 9:].strip() if 0 <= at < 1500 else text


def clean(text):
    text = re.sub(r"\s*(\[\d+\]|\(\d+(, ?\d+)*\))", "", text)
    return re.sub(r"\s+", " ", text).strip()


def window(text, rng):
    """Some sentences in a row: short, middle or all of the text, by chance."""
    parts = prepare.sentences_of(text)
    most = rng.choice((30, 60, 120, 400, 400, 400))
    if len(parts) < 2 or len(text.split()) <= most:
        return text
    at, out = rng.randrange(len(parts)), []
    for part in parts[at:]:
        if out and len(out) + len(part.split()) > most:
            break
        out += part.split()
    return " ".join(out)


def make_documents(name, source, titles, pool, rng, n, allowed):
    """Adds documents of a source: the answers to the questions that will be asked first."""
    wanted = [i for _, right in source.questions for i in right[:1] if i in allowed]
    rng.shuffle(wanted)
    wanted = list(dict.fromkeys(wanted))[:n // 2]
    others = sorted(allowed.difference(wanted))
    wanted += rng.sample(others, min(len(others), n - len(wanted)))
    for place, i in enumerate(wanted):
        text = source.texts[i]
        if name == "covid-qa":
            text = clean(without_head(text))
            if place >= n // 4:
                text = window(text, rng)
            if rng.random() < 0.5:
                text = titles[i] + (". " if titles[i][-1:] not in ".?!" else " ") + text
        elif name == "qed" and place >= n // 2 and rng.random() < 0.5:
            text = window(text.split(". ", 1)[1], rng)
        if len(text.split()) >= 5:
            pool.add(text, name, [i])


def runs(text, rng):
    """A run of 2 to 6 words that starts and ends with words that say something."""
    words = [w.strip(".,;:()[]\"'?!") for w in text.split()]
    good = [i for i, w in enumerate(words)
            if len(w) > 2 and w.lower() not in SMALL_WORDS and not w.isdigit()]
    rng.shuffle(good)
    for first in good[:8]:
        last = first + rng.choice((0, 1, 1, 2, 2, 3, 4, 5))
        while last > first and last not in set(good):
            last -= 1
        if last < len(words) and (last > first or len(words[first]) > 6):
            return " ".join(words[first:last + 1])
    return None


def make_queries(name, source, titles, pool, rng, plan, documents):
    """[(kind, text, relevant documents or [], documents to leave out)]"""
    of_text, out = {}, []
    for d in documents:
        for i in pool.origins[d]:
            of_text.setdefault(i, []).append(d)
    asked = [(text, [d for i in right for d in of_text.get(i, ())], right)
             for text, right in source.questions]
    # A window of a text need not hold its answer: only whole texts count as relevant.
    asked = [(text, [d for d in found if whole(pool.texts[d], [source.texts[i] for i in right])],
              found) for text, found, right in asked]
    asked = [row for row in asked if row[1]]
    for text, right, found in rng.sample(asked, min(len(asked), plan["question"])):
        out.append((0, text, right, set(found).difference(right)))
    names = []
    if name == "covid-qa":
        documents = [d for d in documents
                     if not any(is_spared(titles[i]) for i in pool.origins[d])]
        here = {titles[i] for d in documents for i in pool.origins[d]}
        names = sorted(here) + [part for t in sorted(here) for part in re.split(r": |\? ", t)[:1]]
    else:
        names = [t for t, i, _ in source.titles if i in of_text]
    for title in rng.sample(names, min(len(names), plan["title"])):
        is_asked = rng.random() < 0.3 and len(title.split()) < 6
        pattern = rng.choice(prepare.ASKED) if is_asked else "%s"
        out.append((1, pattern % title, [], set()))
    for kind, n in ((2, plan["sentence"]), (3, plan["passage"]), (4, plan["phrase"])):
        for d in (documents[i] for i in rng.choices(range(len(documents)), k=n)):
            text, parts = pool.texts[d], prepare.sentences_of(pool.texts[d])
            if kind == 2:
                parts = [p for p in parts if 6 <= len(p.split()) <= 40]
                query = rng.choice(parts) if parts else None
            elif kind == 3:
                at = rng.randrange(len(parts))
                query = " ".join(parts[at:at + rng.choice((2, 2, 3))])
            else:
                query = runs(text, rng)
            if query and kind == 2 and rng.random() < 0.3:  # as a person would note it
                query = " ".join(w for w in query.lower().split()
                                 if w.strip(".,") not in SMALL_WORDS)
            if query:
                # Half of the time the text that a sentence is from is no candidate: what is
                # left are other texts on the subject.
                hidden = kind in (2, 3) and rng.random() < 0.6
                out.append((kind, query, [], {d for i in pool.origins[d] for d in of_text[i]}
                            if hidden else set()))
    return out


def whole(text, texts):
    ends = clean(text)[-40:]
    return any(clean(t).endswith(ends) for t in texts)


class Words:
    """BM25 over stems, k1 0.9, b 0.4."""

    def __init__(self, texts):
        self.index = prepare.FastIndex([self.stemmed(text) for text in texts])

    @staticmethod
    def stemmed(text):
        return " ".join(lexical_start.stem(word) for word in terms(text)
                        if word not in SMALL_WORDS)

    def scores(self, query):
        return self.index.scores(self.stemmed(query))


def choose(near, words, allowed, right, rng):
    """Candidates of a list: indices of documents."""
    by_near = [int(i) for i in np.argsort(-near, kind="stable") if allowed[i]]
    by_words = [int(i) for i in np.argsort(-words, kind="stable") if allowed[i]]
    out = list(right[:1])
    limit = near[right].max() + NEARER if right else np.inf
    taken = set(right)

    def take(ranked, n):
        for i in ranked:
            if n and i not in taken and near[i] < limit:
                out.append(i)
                taken.add(i)
                n -= 1

    take(by_words, TOP_EACH)
    take(by_near, TOP_EACH)
    for ranked in (by_near, by_words):
        further = ranked[TOP_EACH:60]
        rng.shuffle(further)
        take(further, N_MIDDLE)
    some = rng.sample(by_near, min(len(by_near), 40))
    take(some, max(0, N_CANDIDATES - len(out)))
    return out[:N_CANDIDATES]


def teacher_scores(near, words, chosen):
    c, b = near[chosen], words[chosen]
    return SCALE * (c + WORDS_SHARE * b * (c.std() + 1e-3) / (b.std() + 1e-3))


def build(sources, titles, rng, scale, dev):
    """(pool, {source: queries}) of the train parts, or of dev."""
    pool, queries = Pool(), {}
    for name, source in sources.items():
        plan, begin = PLAN[name], len(pool.texts)
        if dev:
            if not source.dev:
                continue
            allowed = {i for _, right in source.dev for i in right}
            n, plan = DEV_DOCUMENTS, dict(dict.fromkeys(plan, DEV_LISTS // 4), question=0)
        else:
            allowed = set(range(len(source.texts))).difference(source.held_out)
            n = int(plan["documents"] * scale)
            plan = {key: int(value * scale) for key, value in plan.items()}
        make_documents(name, source, titles, pool, rng, n, allowed)
        documents = list(range(begin, len(pool.texts)))
        queries[name] = make_queries(name, source, titles, pool, rng, plan, documents)
    return pool, queries


def make_lists(args, sources, rng, encode, dev=False):
    """(token ids of documents, rows, counts); rows as prepare.write_shards takes them."""
    titles = article_titles(os.path.join(args.ranking, "covid-qa"))
    pool, queries = build(sources, titles, rng, args.scale, dev)
    ids = [encode(text)[:MAX_DOCUMENT] for text in pool.texts]
    flat = [(name, row) for name, rows in queries.items() for row in rows]
    query_ids = [encode(row[1])[:MAX_QUERY] for _, row in flat]
    print("%d documents of %.0f tokens, %d queries of %.0f" % (
        len(ids), np.mean([len(i) for i in ids]), len(flat),
        np.mean([len(i) for i in query_ids])), flush=True)
    near = np.zeros((len(flat), len(ids)), np.float32)
    folders = args.teachers.split(",")
    for folder in folders:
        encoder = encoders.Encoder(folder)
        cache = os.path.join(args.cache or os.path.join(args.out, "vectors"),
                             encoder.kind + ("-dev" if dev else ""))
        of_queries = encoders.embed(encoder, query_ids, cache + "-queries")
        of_documents = encoders.embed(encoder, ids, cache)
        near += of_queries @ of_documents.T / len(folders)
        print(folder, "read all", flush=True)
    words = Words(pool.texts)
    rows, counts, agree = [], {}, []
    source_of = np.array(pool.sources)
    for n, (name, (kind, text, right, hidden)) in enumerate(flat):
        family = [name, "selqa-passages"] if name == "selqa" else [name]
        allowed = np.isin(source_of, family)
        if rng.random() < 0.2 and not dev:
            allowed[:] = True  # other subjects too
        allowed[list(hidden)] = False
        allowed[right] = True
        scored = words.scores(text)
        chosen = choose(near[n], scored, allowed, right, rng)
        if len(chosen) < N_CANDIDATES:
            continue
        scores = teacher_scores(near[n], scored, chosen)
        best = np.argsort(-scores, kind="stable")
        if right:  # the relevant one stays first
            agree.append(best[0] == 0)
            best = np.concatenate([[0], best[best != 0]])
        share = 1.0 - LABEL_SHARE if right else 1.0
        rows.append((kind, query_ids[n], [chosen[i] for i in best], scores[best], share, 1, name))
        counts.setdefault(name, {}).setdefault(KINDS[kind], 0)
        counts[name][KINDS[kind]] += 1
    print("the teacher puts the relevant one first in %.3f of %d questions"
          % (np.mean(agree or [0]), len(agree)))
    return ids, rows, counts


def remember(tokenizer):
    words, plain = {}, tokenizer.word

    def word(text):
        if text not in words:
            words[text] = plain(text)
        return words[text]

    tokenizer.word = word


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ranking")
    parser.add_argument("vocabulary")
    parser.add_argument("out")
    parser.add_argument("--teachers", required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--only", default=",".join(PLAN))
    parser.add_argument("--cache")
    args = parser.parse_args()
    os.makedirs(args.out, exist_ok=True)
    tokenizer = WordPiece.open(args.vocabulary)
    remember(tokenizer)
    encode, names = tokenizer.encode, args.only.split(",")
    sources = {name: source for name, source in prepare.read_sources(args.ranking).items()
               if name in names}
    dev_ids, dev_rows, _ = make_lists(args, sources, random.Random("dev"), encode, dev=True)
    ids, rows, counts = make_lists(args, sources, random.Random(args.seed), encode)
    random.Random(args.seed).shuffle(rows)
    base, encoder = len(ids), prepare.Encoder(args.vocabulary)
    dev = []
    for kind, query, chosen, scores, _, _, name in dev_rows:
        mixed = random.Random(len(dev)).sample(range(len(chosen)), len(chosen))
        dev.append(("teacher-" + name, query, [base + chosen[i] for i in mixed],
                    [i < 3 for i in mixed]))
    ids += dev_ids
    for name, source in sources.items():
        if source.dev:
            maker = prepare.Maker(source, random.Random(1))
            for text, chosen, relevant in maker.dev_lists(prepare.DEV_QUERIES):
                first = len(ids)
                ids += [encoder.document(source.texts[i]) for i in chosen]
                dev.append((name, encoder.query(text), list(range(first, len(ids))), relevant))
    flat, offsets = prepare.pack(ids)
    np.savez(os.path.join(args.out, "documents.npz"), ids=flat, offsets=offsets)
    encoder.query = lambda ready: ready  # ids already
    prepare.write_shards(args.out, rows, encoder)
    dev = [row if len(row[2]) == DEV_TOP else
           (row[0], row[1], row[2] + row[2][-1:] * (DEV_TOP - len(row[2])),
            row[3] + [False] * (DEV_TOP - len(row[3]))) for row in dev]
    prepare.write_dev(args.out, dev, encoder)
    about = {"seed": args.seed, "lists": len(rows), "best": TOP_EACH, "counts": counts,
             "tokens": int(offsets[-1]), "sources": prepare.SOURCES,
             "teachers": [os.path.basename(os.path.normpath(f)) for f in args.teachers.split(",")]}
    for name, value in (("data", about), ("template", None)):
        with open(os.path.join(args.out, name + ".json"), "w", encoding="utf-8") as f:
            json.dump(value, f, indent=1)
    print("%d lists" % len(rows))


if __name__ == "__main__":
    main()
