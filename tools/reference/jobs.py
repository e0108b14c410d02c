#!/usr/bin/env python3
"""Ranking jobs from public data sets: each query with the top candidates of BM25.

usage: jobs.py DATASET DATA_DIR OUT [--top 20] [--limit 500] [--cloze 0] [--part test]
DATASET is msmarco, wikiqa, selqa, xquad-en, xquad-de, locomo, qed, covid-qa, tldr or cosqa;
DATA_DIR its folder.  Writes OUT.jsonl with lines {"id", "query", "documents": [{"id", "text"}, ...]},
best first, and OUT.qrels.tsv with lines "query-id, document-id, grade".  The corpus of a
query is: msmarco, the passages; wikiqa and selqa, all sentences of the test part; xquad-en,
xquad-de, qed and covid-qa, all paragraphs; locomo, the turns of the query's dialogue; tldr,
the pages; cosqa, all functions.  Queries with fewer than 2 candidates are left out; of more than --limit, those at
equal distances are taken.  --cloze N makes N queries without judgements instead: 4 to 10
words in a row from documents at equal distances, which stand for a domain whose queries
nobody has collected.  --part test|dev|train keeps the queries of one part only; the parts
are fixed by part_of() below, and tools/train trains on the train part alone.
"""
import argparse
import json
import os
import zlib

from bm25 import Index, read_jsonl, terms

MAX_WORDS = 180  # of a covid-qa passage; articles are cut into such pieces


PARTS = ("test",) * 3 + ("dev",) + ("train",) * 6


def part_of(text):
    """The part of a query, from the text of its first relevant document: 3 of 10 test, 1 dev,
    6 train.  Not from the query's id, because selqa asks the same thing twice in other words:
    all questions about one document are in one part."""
    return PARTS[zlib.crc32(text.encode("utf-8")) % len(PARTS)]


class Collection:
    """A corpus and its queries: (id, text, {document id: grade})."""

    def __init__(self):
        self.ids, self.texts, self.queries, self._seen = [], [], [], {}

    def add(self, text, document=None):
        """The id of the document with this text, added when it is new."""
        if text not in self._seen:
            self._seen[text] = document or "d%d" % len(self.ids)
            self.ids.append(self._seen[text])
            self.texts.append(text)
        return self._seen[text]

    def ask(self, query, grades, text):
        self.queries.append((query, text, grades))

    def parts(self):
        """The part of each query; queries without a relevant document are in train."""
        text_of, out = dict(zip(self.ids, self.texts)), []
        order = {document: i for i, document in enumerate(self.ids)}
        for _, _, grades in self.queries:
            right = [d for d, grade in grades.items() if grade > 0 and d in text_of]
            out.append(part_of(text_of[min(right, key=order.get)]) if right else "train")
        return out


def msmarco(folder):
    result = Collection()
    for row in read_jsonl(os.path.join(folder, "corpus.jsonl")):
        result.add(row["text"], row["_id"])
    grades = {}
    with open(os.path.join(folder, "qrels", "test.tsv"), encoding="utf-8") as f:
        for row in (line.rstrip("\n").split("\t") for line in f):
            if row[-1].lstrip("-").isdigit():
                grades.setdefault(row[0], {})[row[1]] = int(row[-1])
    for row in read_jsonl(os.path.join(folder, "queries.jsonl")):
        if row["_id"] in grades:
            result.ask(row["_id"], grades[row["_id"]], row["text"])
    return [result]


def wikiqa(folder):
    result, grades = Collection(), {}
    with open(os.path.join(folder, "test.txt"), encoding="utf-8") as f:
        for question, sentence, label in (line.rstrip("\n").split("\t") for line in f):
            document = result.add(sentence)
            grades.setdefault(question, {})[document] = int(label)
    for i, (question, found) in enumerate(grades.items()):
        if any(found.values()):
            result.ask("q%d" % i, found, question)
    return [result]


def selqa(folder):
    result = Collection()
    with open(os.path.join(folder, "selqa-ass-test.json"), encoding="utf-8") as f:
        rows = json.load(f)
    for i, row in enumerate(rows):
        documents = [result.add(text) for text in row["candidates"]]
        result.ask("q%d" % i, {documents[j]: 1 for j in row["answers"]}, row["question"])
    return [result]


def squad(path, pieces):
    result = Collection()
    with open(path, encoding="utf-8") as f:
        articles = json.load(f)["data"]
    for article in articles:
        for paragraph in article["paragraphs"]:
            places = [(start, result.add(text)) for start, text in pieces(paragraph["context"])]
            for question in paragraph["qas"]:
                at = question["answers"][0]["answer_start"] if question["answers"] else 0
                right = [document for start, document in places if start <= at][-1]
                result.ask(str(question["id"]), {right: 1}, question["question"])
    return [result]


def cut(text, words=MAX_WORDS):
    """(start, piece) of a long text, at most that many words each."""
    starts, in_word = [], False
    for i, c in enumerate(text):
        if not c.isspace() and not in_word:
            starts.append(i)
        in_word = not c.isspace()
    ends = starts[words::words] + [len(text)]
    begins = starts[::words]
    return [(b, text[b:e].strip()) for b, e in zip(begins, ends)]


def qed(folder):
    result = Collection()
    for i, row in enumerate(read_jsonl(os.path.join(folder, "qed-dev.jsonlines"))):
        document = result.add(row["title_text"] + ". " + row["paragraph_text"])
        result.ask("q%d" % i, {document: 1}, row["question_text"])
    return [result]


def tldr(folder):
    result = Collection()
    rows = read_jsonl(os.path.join(folder, "tldr_en.jsonl"))
    for row in rows:
        text = "%s: %s " % (row["title"], row["desc"])
        row["document"] = result.add(text + " ".join("%s: %s." % tuple(e) for e in row["examples"]))
    for i, row in enumerate(rows):
        if row["examples"]:
            task = row["examples"][i % len(row["examples"])][0]
            result.ask("q%d" % i, {row["document"]: 1}, task.replace("[", "").replace("]", ""))
    return [result]


def locomo(folder):
    with open(os.path.join(folder, "locomo10.json"), encoding="utf-8") as f:
        dialogues = json.load(f)
    collections = []
    for number, dialogue in enumerate(dialogues):
        result, turns = Collection(), {}
        for session in dialogue["conversation"].values():
            if isinstance(session, list):
                for turn in session:
                    text = "%s: %s" % (turn["speaker"], turn["text"])
                    turns[turn["dia_id"]] = result.add(text)
        for i, question in enumerate(dialogue["qa"]):
            right = {turns[turn]: 1 for turn in question["evidence"] if turn in turns}
            if right:
                result.ask("c%d-q%d" % (number, i), right, question["question"])
        collections.append(result)
    return collections


def cosqa(folder, part="test"):
    result = Collection()
    with open(os.path.join(folder, "code_idx_map.txt"), encoding="utf-8") as f:
        for code, number in json.load(f).items():
            result.add(code, "f%d" % number)
    with open(os.path.join(folder, "cosqa-retrieval-%s-500.json" % part), encoding="utf-8") as f:
        for row in json.load(f):
            result.ask(row["idx"], {"f%d" % row["retrieval_idx"]: 1}, row["doc"])
    return [result]


READERS = {
    "msmarco": msmarco, "wikiqa": wikiqa, "selqa": selqa, "qed": qed, "tldr": tldr,
    "locomo": locomo, "cosqa": cosqa,
    "xquad-en": lambda d: squad(os.path.join(d, "xquad.en.json"), lambda text: [(0, text)]),
    "xquad-de": lambda d: squad(os.path.join(d, "xquad.de.json"), lambda text: [(0, text)]),
    "covid-qa": lambda d: squad(os.path.join(d, "200423_covidQA.json"), cut),
}


def cloze(collection, n):
    """Replaces the queries by runs of words from n documents."""
    collection.queries = []
    step = max(1, len(collection.texts) // n)
    for i in range(0, len(collection.texts), step):
        words = collection.texts[i].split()
        length = 4 + i // step % 7
        first = (i * 7919) % max(1, len(words) - length)
        collection.ask("cloze%d" % i, {}, " ".join(words[first:first + length]))


def spread(items, limit):
    if len(items) <= limit:
        return items
    return [items[i * len(items) // limit] for i in range(limit)]


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", choices=sorted(READERS))
    parser.add_argument("folder")
    parser.add_argument("out")
    parser.add_argument("--top", type=int, default=20)
    parser.add_argument("--limit", type=int, default=500)
    parser.add_argument("--cloze", type=int, default=0)
    parser.add_argument("--part", choices=sorted(set(PARTS)))
    args = parser.parse_args()
    jobs, grades = [], []
    for collection in READERS[args.dataset](args.folder):
        if args.cloze:
            cloze(collection, args.cloze)
        elif args.part:
            collection.queries = [query for query, part in
                                  zip(collection.queries, collection.parts())
                                  if part == args.part]
        index = Index(collection.texts, 0.9, 0.4)
        for query, text, judged in spread(collection.queries, args.limit):
            found = index.search(text, args.top) if terms(text) else []
            documents = [{"id": collection.ids[i], "text": collection.texts[i]} for i in found]
            if len(documents) >= 2:
                jobs.append({"id": query, "query": text, "documents": documents})
                grades.append((query, judged))
    jobs = spread(jobs, args.limit)
    keep = {job["id"] for job in jobs}
    with open(args.out + ".jsonl", "w", encoding="utf-8") as out:
        out.writelines(json.dumps(job, ensure_ascii=False) + "\n" for job in jobs)
    with open(args.out + ".qrels.tsv", "w", encoding="utf-8") as out:
        for query, judged in grades:
            if query in keep:
                out.writelines("%s\t%s\t%d\n" % (query, document, grade)
                               for document, grade in judged.items())


if __name__ == "__main__":
    main()
