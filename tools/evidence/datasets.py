"""Public data sets as files for `grating eval` and `grating rank`.

A set is a folder with corpus.jsonl, queries.jsonl, qrels.tsv, run.txt (BM25, the best
first) and jobs.jsonl (each query with its first candidates' texts).
"""
import json
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "reference"))
import jobs  # noqa: E402
from bm25 import Index, terms  # noqa: E402

RUN_DEPTH, JOB_DEPTH = 100, 20
MIN_CANDIDATES = 11  # more than the largest K, so that something can be left out

# name -> folder of the data, what a document and a query are
SETS = {
    "msmarco": ("msmarco", "web passages, web questions"),
    "wikiqa": ("wikiqa", "sentences of Wikipedia, search questions"),
    "locomo": ("locomo", "turns of long dialogues, questions on them"),
    "cosqa": ("cosqa", "Python functions, search queries"),
    "xquad-de": ("xquad", "German paragraphs, German questions"),
    "xquad-en": ("xquad", "paragraphs of Wikipedia, questions on them"),
    "selqa": ("selqa", "sentences of Wikipedia, questions"),
    "qed": ("qed", "paragraphs of Wikipedia, search questions"),
    "tldr": ("tldr", "pages on commands, tasks"),
    "covid-qa": ("covid-qa", "pieces of articles, experts' questions"),
}
# A pass over long documents takes several times as long, so these sets get a part of the
# queries; words of another language fall into many tokens.
DIVISORS = {"xquad-de": 4, "xquad-en": 2, "qed": 2, "tldr": 2, "covid-qa": 2}
# Training reads the part "train" of these; see part_of() in tools/reference/jobs.py.
PARTED = ("xquad-de", "xquad-en", "selqa", "qed", "tldr", "covid-qa", "covid-qa-long")
LONG_WORDS = 256  # of documents in the sets below


def sessions(folder):
    """LoCoMo with a whole session of a dialogue as a document."""
    with open(os.path.join(folder, "locomo10.json"), encoding="utf-8") as f:
        dialogues = json.load(f)
    collections = []
    for number, dialogue in enumerate(dialogues):
        result, documents = jobs.Collection(), {}
        for name, session in dialogue["conversation"].items():
            if isinstance(session, list):
                text = " ".join("%s: %s" % (turn["speaker"], turn["text"]) for turn in session)
                documents["D" + name.split("_")[1]] = result.add(text)
        for i, question in enumerate(dialogue["qa"]):
            found = {turn.split(":")[0] for turn in question["evidence"]}
            right = {documents[name]: 1 for name in found if name in documents}
            if right:
                result.ask("c%d-q%d" % (number, i), right, question["question"])
        collections.append(result)
    return collections


def long_pieces(folder):
    return jobs.squad(os.path.join(folder, "200423_covidQA.json"),
                      lambda text: jobs.cut(text, LONG_WORDS))


def cosqa_dev(folder):
    return jobs.cosqa(folder, "dev")


# Other queries on the corpus of a set, for a profile of its own: name -> folder, reader
FITTED_SETS = {"cosqa": ("cosqa", cosqa_dev)}

# name -> folder, what it is, reader
LONG_SETS = {
    "locomo-sessions": ("locomo", "sessions of dialogues, questions on them", sessions),
    "covid-qa-long": ("covid-qa", "pieces of %d words, experts' questions" % LONG_WORDS,
                      long_pieces),
}


def base_of(name):
    """The set whose text a set consists of."""
    return {"locomo-sessions": "locomo", "covid-qa-long": "covid-qa"}.get(name, name)


def limit_of(name, limit):
    """How many queries of a set are taken where `limit` are asked for."""
    return max(2, limit // DIVISORS.get(name, 1))


def folder_of(name):
    return (SETS.get(name) or LONG_SETS.get(name))[0]


def read(name, data):
    folder = os.path.join(data, folder_of(name))
    return LONG_SETS[name][2](folder) if name in LONG_SETS else jobs.READERS[name](folder)


def asked(collection, limit):
    """Queries with words and a relevant document, at equal distances."""
    found = [q for q in collection.queries if terms(q[1]) and max(q[2].values(), default=0) > 0]
    return jobs.spread(found, limit)


def retrieve(collections, limit):
    """[(query id, text, {document: grade}, [document...])] and [(document, text)]; ids of
    several collections get a number in front."""
    queries, documents = [], []
    for number, collection in enumerate(collections):
        before = "%d-" % number if len(collections) > 1 else ""
        index = Index(collection.texts, 0.9, 0.4)
        documents += [(before + d, t) for d, t in zip(collection.ids, collection.texts)]
        for query, text, grades in asked(collection, limit):
            found = index.search(text, RUN_DEPTH)
            if len(found) >= MIN_CANDIDATES:
                queries.append((query, text, {before + d: g for d, g in grades.items()},
                                [before + collection.ids[i] for i in found]))
    return jobs.spread(queries, limit), documents


def write_lines(path, lines):
    with open(path, "w", encoding="utf-8") as f:
        f.writelines(line + "\n" for line in lines)


def dump(**members):
    return json.dumps(members, ensure_ascii=False)


def write_set(folder, queries, documents):
    texts = dict(documents)
    write_lines(os.path.join(folder, "corpus.jsonl"), (dump(_id=d, text=t) for d, t in documents))
    write_lines(os.path.join(folder, "queries.jsonl"),
                (dump(_id=q, text=t) for q, t, _, _ in queries))
    write_lines(os.path.join(folder, "qrels.tsv"),
                ("%s\t%s\t%d" % (q, d, g) for q, _, grades, _ in queries
                 for d, g in grades.items()))
    write_lines(os.path.join(folder, "run.txt"),
                ("%s Q0 %s %d %d bm25" % (q, d, i + 1, RUN_DEPTH - i)
                 for q, _, _, found in queries for i, d in enumerate(found)))
    write_lines(os.path.join(folder, "jobs.jsonl"),
                (dump(id=q, query=t, documents=[{"id": d, "text": texts[d]}
                                                for d in found[:JOB_DEPTH]])
                 for q, t, _, found in queries))


def keep_part(collections, part):
    for collection in collections:
        collection.queries = [query for query, of in zip(collection.queries, collection.parts())
                              if of == part]
    return collections


def prepare(name, data, root, limit, part=None):
    """The folder of a set with at most `limit` queries, made when it is not there; of sets
    that training reads, those of a part only."""
    if part is None or name not in PARTED:
        return made(os.path.join(root, "%s-%d" % (name, limit)), lambda: read(name, data), limit)
    return made(os.path.join(root, "%s-%s-%d" % (name, part, limit)),
                lambda: keep_part(read(name, data), part), limit)


def prepare_fit(name, data, root, limit):
    """The same of the set's queries for fitting."""
    source, reader = FITTED_SETS[name]
    return made(os.path.join(root, "%s-fit-%d" % (name, limit)),
                lambda: reader(os.path.join(data, source)), limit)


def made(folder, collect, limit):
    if os.path.isdir(folder):
        return folder
    unfinished = folder + ".tmp"
    shutil.rmtree(unfinished, ignore_errors=True)
    os.makedirs(unfinished)
    write_set(unfinished, *retrieve(collect(), limit))
    os.rename(unfinished, folder)
    return folder


def cut_corpus(folder, words):
    """The corpus of a set with at most that many words of each document."""
    path = os.path.join(folder, "corpus-%d.jsonl" % words)
    if not os.path.exists(path):
        with open(os.path.join(folder, "corpus.jsonl"), encoding="utf-8") as f:
            rows = [json.loads(line) for line in f]
        write_lines(path + ".tmp", (dump(_id=row["_id"], text=" ".join(row["text"].split()[:words]))
                                    for row in rows))
        os.rename(path + ".tmp", path)
    return path


def describe(folder):
    """How many queries and documents, and the mean number of words of the candidates."""
    with open(os.path.join(folder, "jobs.jsonl"), encoding="utf-8") as f:
        rows = [json.loads(line) for line in f]
    with open(os.path.join(folder, "corpus.jsonl"), encoding="utf-8") as f:
        n_documents = sum(1 for _ in f)
    lengths = [len(d["text"].split()) for row in rows for d in row["documents"]]
    return {"queries": len(rows), "documents": n_documents,
            "candidates": len(lengths) / max(1, len(rows)),
            "words": sum(lengths) / max(1, len(lengths))}
