#!/usr/bin/env python3
"""What real clients sent, sent again: the answers hold what each of them reads.

usage: check_recorded.py COMMAND

recorded_clients.jsonl was written by clients/run.py --record: headers and bodies byte for byte.
The clients themselves run in `./test clients`, this wherever Python does. Programs that were not
run, since they are whole applications, are asked for as their sources say (PROGRAMS)."""
import json
import pathlib
import re
import sys
import unittest

from running import Server

COMMAND = sys.argv.pop(1)
RECORDED = pathlib.Path(__file__).with_name("recorded_clients.jsonl")

# Members that a client breaks without, apart from its results.
NEEDS = {"node/ai_sdk": ("id", "meta"), "python/haystack": ("model", "usage"),
         "node/voyage": ("usage", "model"), "python/llama_index_voyageai": ("usage",),
         "python/litellm": ("id", "usage"), "python/infinity": ("model", "usage", "object")}
# Clients that look into "data" for the results.
DATA = {"node/voyage", "python/llama_index_voyageai"}

QUERY = "how do owls hunt"
TEXTS = ["Bread rises because yeast makes gas from sugar in the dough.",
         "Owls hunt at night; they hear mice under the snow and fly without a sound.",
         "The share price fell after the bank reported a loss.",
         "An owl is a bird."]
COMMON = {"model": "m", "query": QUERY, "documents": TEXTS}


def results(answer):
    return [(row["index"], row["relevance_score"]) for row in answer["results"]]


def results_with_texts(answer):
    assert all(row["document"]["text"] == TEXTS[row["index"]] for row in answer["results"])
    return results(answer)


def array_with_texts(answer):
    assert all(row["text"] == TEXTS[row["index"]] for row in answer)
    return [(row["index"], row["score"]) for row in answer]


# Program: path, headers, body, and how it reads the answer as (index, score).
PROGRAMS = {
    "Open WebUI, no key": ("/v1/rerank", {"Authorization": "Bearer ", "X-OpenWebUI-User-Id": "1"},
                           {**COMMON, "top_n": 4}, results),
    "Dify, OpenAI-API-compatible": ("/v1/rerank", {"Authorization": ""},
                                    {**COMMON, "top_n": 4, "return_documents": True},
                                    results_with_texts),
    "Dify, Ollama": ("/api/rerank", {}, {**COMMON, "top_n": None}, results),
    "Dify, Xinference": ("/v1/rerank", {}, {**COMMON, "top_n": 4, "return_documents": True,
                                            "max_chunks_per_doc": None}, results_with_texts),
    "Dify, text-embeddings-inference": ("/rerank", {}, {"query": QUERY, "texts": TEXTS,
                                                        "return_text": True}, array_with_texts),
    "Dify, Mixedbread": ("/v1/reranking", {"Authorization": "Bearer x"},
                         {"model": "m", "query": QUERY, "input": TEXTS, "top_k": 4,
                          "return_input": True},
                         lambda answer: [(r["index"], r["score"]) for r in answer["data"]
                                         if r["input"] == TEXTS[r["index"]]]),
    "RAGFlow, Xinference": ("/v1/rerank", {}, {**COMMON, "return_documents": "true",
                                               "return_len": "true"}, results_with_texts),
    "RAGFlow, Hugging Face": ("/rerank", {}, {"query": QUERY, "texts": TEXTS, "raw_scores": False,
                                              "truncate": True},
                              lambda answer: [(r["index"], r["score"]) for r in answer]),
    "Flowise, Azure": ("/v1/rerank", {"api-key": "x"},
                       {**COMMON, "top_n": 4, "max_chunks_per_doc": 10, "return_documents": False},
                       results),
    "vLLM's score": ("/score", {}, {"model": "m", "text_1": QUERY, "text_2": TEXTS},
                     lambda answer: sorted(((r["index"], r["score"]) for r in answer["data"]),
                                           key=lambda row: -row[1])),
    "Weaviate": ("/rerank", {}, {"query": QUERY, "documents": TEXTS, "property": ""},
                 lambda answer: sorted(((TEXTS.index(r["document"]), r["score"])
                                        for r in answer["scores"]), key=lambda row: -row[1])),
    "Elasticsearch": ("/v1/rerank", {"Authorization": "Bearer x"}, COMMON, results),
    "LightRAG": ("/v2/rerank", {"Authorization": "Bearer x"}, {**COMMON, "top_n": 4}, results),
}


def read_results(entry, body, answer):
    """(index, score) of each result, as the client looks for them."""
    if "texts" in body:
        rows, score = answer, "score"
    elif "passages" in body:
        rows, score = answer["rankings"], "logit"
    elif "input" in body:
        rows, score = answer["data"], "score"
    else:
        is_data = entry["client"] in DATA or \
            (entry["client"], entry["path"]) == ("node/continue", "/v1/rerank") or \
            (entry["client"] == "python/rerankers" and "top_k" in body)
        rows, score = answer["data" if is_data else "results"], "relevance_score"
    return [(row["index"], row[score], row) for row in rows]


class Recorded(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(COMMAND)
        cls.addClassCleanup(cls.server.__exit__, None, None, None)

    def check_error(self, entry, answer):
        body = json.loads(answer.body)
        self.assertTrue(body["message"])
        self.assertEqual(body["detail"], body["message"])
        if entry["client"] == "python/llama_index_voyageai":
            self.assertNotIn("error", body)
        else:
            self.assertEqual(body["error"]["message"], body["message"])

    def check_ranking(self, entry, answer):
        body = json.loads(entry["body"])
        rows = read_results(entry, body, answer.json)
        n = body.get("top_n") or body.get("top_k") or 4
        self.assertEqual(len(rows), n)
        self.assertEqual(rows[0][0], 1)
        self.assertEqual(len({index for index, _, _ in rows}), n)
        scores = [score for _, score, _ in rows]
        self.assertEqual(scores, sorted(scores, reverse=True))
        if "passages" not in body and not body.get("raw_scores"):
            self.assertTrue(all(0 <= score <= 1 for score in scores), scores)
        self.check_documents(body, rows)
        if isinstance(answer.json, dict) and "passages" not in body:
            for name in NEEDS.get(entry["client"], ()):
                self.assertIn(name, answer.json)
        if entry["client"] == "python/infinity":
            self.assertEqual(answer.json["object"], "rerank")

    def check_documents(self, body, rows):
        for index, _, row in rows:
            if body.get("return_documents"):
                sent = body["documents"][index]
                text = sent["text"] if isinstance(sent, dict) else sent
                self.assertEqual(row["document"]["text"], text)
            if body.get("return_text"):
                self.assertEqual(row["text"], body["texts"][index])
            if body.get("return_input"):
                self.assertEqual(row["input"], body["input"][index])

    def test_all(self):
        entries = [json.loads(line) for line in RECORDED.read_text().splitlines()]
        self.assertGreater(len({entry["client"] for entry in entries}), 10)
        for number, entry in enumerate(entries, 1):
            with self.subTest(line=number, client=entry["client"], path=entry["path"]):
                answer = self.server.ask(entry["method"], entry["path"], entry["body"].encode(),
                                         dict(entry["headers"]))
                self.assertEqual(answer.status, entry["status"], answer.body)
                if answer.status != 200:
                    self.check_error(entry, answer)
                elif entry["method"] == "GET":
                    self.assertTrue(answer.json["data"][0]["id"])
                else:
                    self.check_ranking(entry, answer)

    def test_programs(self):
        for program, (path, headers, body, read) in PROGRAMS.items():
            with self.subTest(program):
                answer = self.server.post(path, body, headers)
                self.assertEqual(answer.status, 200, answer.body)
                rows = read(answer.json)
                self.assertEqual(sorted(index for index, _ in rows), [0, 1, 2, 3])
                self.assertEqual(rows[0][0], 1)
                scores = [score for _, score in rows]
                self.assertEqual(scores, sorted(scores, reverse=True))
                self.assertTrue(all(0 <= score <= 1 for score in scores), scores)


class Versions(unittest.TestCase):
    def test_the_table_has_what_is_installed(self):
        """docs/integrations.md, against the lists that `./test clients` installs from."""
        here = pathlib.Path(__file__).resolve().parent
        page = (here.parents[1] / "docs/integrations.md").read_text()
        told = set(re.findall(r"^\| `(\S+)`(?: \(\w+\))? \| ([\d.]+) \|", page, re.M))
        clients = here / "clients"
        package = json.loads((clients / "node/package.json").read_text())["dependencies"]
        installed = {row for row in package.items() if not row[0].endswith("/core")}
        for path in (clients / "python").glob("*.in"):
            for line in path.read_text().split():
                installed.add(tuple(re.sub(r"\[.*\]", "", line).split("==")))
        self.assertEqual(told, installed)


if __name__ == "__main__":
    unittest.main()
