#!/usr/bin/env python3
"""What clients of every kind are answered, by the real command and the bundled model.

usage: check_dialects.py COMMAND"""
import re
import sys
import unittest

from running import Server, stream_events

QUERY = "how do owls hunt"
TEXTS = ["Bread rises because yeast makes gas from sugar in the dough.",
         "Owls hunt at night; they hear mice under the snow and fly without a sound.",
         "The share price fell after the bank reported a loss.",
         "An owl is a bird."]
COMMAND = sys.argv.pop(1)


class Dialects(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(COMMAND)
        cls.addClassCleanup(cls.server.__exit__, None, None, None)

    def answer(self, path, body, status=200):
        answer = self.server.post(path, body)
        self.assertEqual(answer.status, status, answer.body)
        return answer.json

    def test_results_for_cohere_jina_vllm_and_voyage(self):
        for path in ("/v1/rerank", "/rerank", "/v2/rerank", "/api/rerank", "/v1/reranking"):
            got = self.answer(path, {"model": "anything", "query": QUERY, "documents": TEXTS})
            self.assertEqual(got["model"], "anything")
            self.assertEqual(got["object"], "list")
            self.assertTrue(got["id"])
            self.assertGreater(got["usage"]["total_tokens"], 20)
            self.assertEqual(got["meta"]["warnings"], [])
            self.assertEqual(got["results"][0]["index"], 1)
            self.assertEqual(sorted(r["index"] for r in got["results"]), [0, 1, 2, 3])
            scores = [r["relevance_score"] for r in got["results"]]
            self.assertEqual(scores, sorted(scores, reverse=True))
            self.assertTrue(all(0 <= score <= 1 for score in scores))
            self.assertNotIn("document", got["results"][0])
            if path == "/v2/rerank":
                self.assertNotIn("data", got)
            else:
                self.assertEqual(got["data"], got["results"])

    def test_top_n_and_documents(self):
        documents = ["bread", {"text": "owls hunt at night", "page": 7}]
        got = self.answer("/v1/rerank", {"query": QUERY, "documents": documents, "top_n": 1,
                                         "return_documents": True})
        self.assertEqual(len(got["results"]), 1)
        self.assertEqual(got["results"][0]["document"], documents[1])
        for top_n in (None, 0, -1, 99):
            got = self.answer("/v1/rerank", {"query": QUERY, "documents": documents,
                                             "top_n": top_n, "return_documents": True})
            self.assertEqual(len(got["results"]), 2)
            self.assertEqual(got["results"][1]["document"], {"text": "bread"})

    def test_tei(self):
        got = self.answer("/rerank", {"query": QUERY, "texts": TEXTS, "return_text": True})
        self.assertEqual(got[0]["index"], 1)
        self.assertEqual(got[0]["text"], TEXTS[1])
        self.assertEqual(len(got), len(TEXTS))
        raw = self.answer("/rerank", {"query": QUERY, "texts": TEXTS, "raw_scores": True})
        self.assertGreater(raw[0]["score"], 1)
        self.assertLess(raw[-1]["score"], 0)

    def test_nim(self):
        got = self.answer("/v1/ranking", {"model": "m", "query": {"text": QUERY},
                                          "passages": [{"text": text} for text in TEXTS]})
        logits = [row["logit"] for row in got["rankings"]]
        self.assertEqual(got["rankings"][0]["index"], 1)
        self.assertEqual(logits, sorted(logits, reverse=True))
        self.assertLess(logits[-1], 0)

    def test_infinity(self):
        got = self.answer("/rerank", {"query": QUERY, "documents": TEXTS, "raw_scores": False})
        self.assertEqual(got["object"], "rerank")
        self.assertEqual(got["results"][0]["index"], 1)
        self.assertLessEqual(got["results"][0]["relevance_score"], 1)

    def test_voyage(self):
        body = {"query": QUERY, "documents": TEXTS, "top_k": 2, "truncation": True}
        got = self.answer("/v1/rerank", body)
        self.assertEqual([row["index"] for row in got["data"]][0], 1)
        self.assertEqual(len(got["data"]), 2)
        self.assertEqual(set(self.answer("/v1/rerank", {**body, "query": " "}, 400)),
                         {"message", "detail"})
        self.answer("/v1/rerank", {**body, "documents": ["owl " * 2000], "truncation": False}, 422)

    def test_mixedbread(self):
        got = self.answer("/reranking", {"query": QUERY, "input": TEXTS, "top_k": 2,
                                         "return_input": True})
        self.assertEqual([row["index"] for row in got["data"]][0], 1)
        self.assertEqual(got["data"][0]["input"], TEXTS[1])
        self.assertEqual(len(got["data"]), 2)

    def test_weaviate_keeps_the_order(self):
        got = self.answer("/rerank", {"query": QUERY, "documents": TEXTS, "property": "text"})
        self.assertEqual([row["document"] for row in got["scores"]], TEXTS)
        self.assertEqual(max(got["scores"], key=lambda row: row["score"])["document"], TEXTS[1])

    def test_scores_of_pairs(self):
        one = self.answer("/v1/score", {"text_1": QUERY, "text_2": TEXTS})
        self.assertEqual([row["index"] for row in one["data"]], [0, 1, 2, 3])
        best = max(one["data"], key=lambda row: row["score"])
        self.assertEqual(best["index"], 1)
        pairs = self.answer("/score", {"text_1": [QUERY, "why does bread rise"],
                                       "text_2": [TEXTS[0], TEXTS[0]]})
        self.assertLess(pairs["data"][0]["score"], pairs["data"][1]["score"])
        single = self.answer("/score", {"text_1": QUERY, "text_2": TEXTS[1]})
        self.assertAlmostEqual(single["data"][0]["score"], best["score"], 5)

    def test_k_apart_from_top_n(self):
        texts = [f"{TEXTS[i % 4]} {i}" for i in range(40)]
        got = self.answer("/v1/rerank", {"query": QUERY, "documents": texts, "top_n": 40,
                                         "grating": {"k": 3}})
        self.assertEqual(got["grating"]["k"], 3)
        self.assertEqual(sorted(r["index"] for r in got["results"]), list(range(40)))
        self.assertLess(got["grating"]["candidates_x_layers"],
                        got["grating"]["full_candidates_x_layers"])
        scores = [r["relevance_score"] for r in got["results"]]
        self.assertEqual(scores, sorted(scores, reverse=True))
        raw = self.answer("/v1/rerank", {"query": QUERY, "documents": texts, "raw_scores": True,
                                         "grating": {"k": 3}})
        logits = [r["relevance_score"] for r in raw["results"]]
        self.assertEqual(logits, sorted(logits, reverse=True))
        full = self.answer("/v1/rerank", {"query": QUERY, "documents": texts,
                                          "grating": {"policy": "none"}})
        self.assertEqual(full["grating"]["candidates_x_layers"],
                         full["grating"]["full_candidates_x_layers"])

    def test_who_wants_scores_gets_those_of_all(self):
        texts = [f"{TEXTS[i % 4]} {i}" for i in range(40)]
        full = self.answer("/v1/rerank", {"query": QUERY, "documents": texts,
                                          "grating": {"policy": "none"}})
        exact = {r["index"]: r["relevance_score"] for r in full["results"]}
        pairs = self.answer("/score", {"text_1": QUERY, "text_2": texts})
        self.assertEqual({r["index"]: r["score"] for r in pairs["data"]}, exact)
        self.assertEqual(pairs["grating"]["k"], 40)
        few = self.answer("/score", {"text_1": QUERY, "text_2": texts, "grating": {"k": 3}})
        self.assertEqual(few["grating"]["k"], 3)
        kept = self.answer("/rerank", {"query": QUERY, "documents": texts, "property": ""})
        self.assertEqual(dict(enumerate(row["score"] for row in kept["scores"])), exact)

    def test_truncation_is_told(self):
        got = self.answer("/v1/rerank", {"query": QUERY, "documents": ["owl " * 2000, "bread"]})
        cut = [r["index"] for r in got["results"] if r.get("truncated")]
        self.assertEqual(cut, [0])
        self.assertIn("1 of 2 documents", got["meta"]["warnings"][0])
        left = self.answer("/v1/rerank", {"query": QUERY, "documents": ["owl " * 2000, "bread"],
                                          "truncation_side": "left"})
        self.assertIn("not at their starts", left["meta"]["warnings"][1])
        refused = self.answer("/rerank", {"query": QUERY, "texts": ["owl " * 2000],
                                          "truncate": False}, 422)
        self.assertEqual(refused["error_type"], "validation")

    def test_a_query_of_so_many_tokens(self):
        def ask(query, n):
            got = self.answer("/v1/rerank", {"query": query, "documents": TEXTS,
                                             "max_tokens_per_query": n})
            return got["results"], " ".join(got["meta"]["warnings"])
        whole = self.answer("/v1/rerank", {"query": QUERY, "documents": TEXTS})["results"]
        n = next(n for n in range(1, 20) if not ask(QUERY, n)[1])
        self.assertGreater(n, 2)
        results, warnings = ask(QUERY + " and why \u00e9\u00e9\u00e9" * 9, n)
        self.assertEqual(results, whole)
        self.assertIn("the query was cut", warnings)

    def test_the_best_chunk_counts(self):
        long = (TEXTS[2] + " ") * 60 + TEXTS[1]
        cut = self.answer("/v1/rerank", {"query": QUERY, "documents": [long, TEXTS[0]]})
        best = self.answer("/v1/rerank", {"query": QUERY, "documents": [long, TEXTS[0]],
                                          "max_chunks_per_doc": 10})
        cut, best = (got["results"][0]["relevance_score"] for got in (cut, best))
        self.assertLess(cut, 0.1)
        self.assertGreater(best, 5 * cut)

    def test_deadline(self):
        texts = [f"{TEXTS[i % 4]} {i}" for i in range(400)]
        got = self.answer("/v1/rerank", {"query": QUERY, "documents": texts,
                                         "grating": {"k": 5, "deadline_ms": 1}})
        self.assertTrue(got["meta"]["deadline_hit"])
        self.assertIn("deadline", got["meta"]["warnings"][-1])
        self.assertEqual(len(got["results"]), 400)

    def test_stream(self):
        connection = self.server.connection()
        connection.request("POST", "/v1/rerank", '{"query": "owls", "documents": ["a", "owls"],'
                           ' "stream": true, "grating": {"policy": "none"}}')
        response = connection.getresponse()
        self.assertEqual(response.status, 200)
        self.assertEqual(response.headers["Content-Type"], "text/event-stream")
        events = [(event, data) for event, data in stream_events(response) if event]
        connection.close()
        self.assertEqual([event for event, _ in events[:-1]], ["layer"] * (len(events) - 1))
        layers = [data["step"]["layer"] for _, data in events[:-1]]
        self.assertEqual(layers, list(range(events[0][1]["n_layers"] + 1)))
        self.assertEqual(events[-1][0], "result")
        self.assertEqual(events[-1][1]["results"][0]["index"], 1)

    def test_trace(self):
        got = self.answer("/v1/rerank", {"query": QUERY, "documents": TEXTS,
                                         "grating": {"trace": True, "policy": "none"}})
        self.assertEqual([step["layer"] for step in got["grating"]["trace"]],
                         list(range(got["grating"]["n_layers"] + 1)))

    def test_pages(self):
        self.assertEqual(self.server.get("/health").json, {"status": "ok"})
        self.assertEqual(self.server.get("/.well-known/ready").status, 200)
        self.assertEqual(self.server.get("/v1/models").json["data"][0]["id"], "grating-small")
        self.assertEqual(self.server.get("/info").json["max_input_length"], 512)
        self.assertEqual(self.server.get("/meta").json["server"], "grating")
        self.assertEqual(self.server.get("/openapi.json").json["openapi"], "3.1.0")
        self.assertIn("grating_tokens_total", self.server.metrics())

    def test_metrics_are_of_prometheus(self):
        self.answer("/v1/rerank", {"query": QUERY, "documents": TEXTS})
        kinds, last = {}, {}
        for line in self.server.get("/metrics").body.decode().splitlines():
            if line.startswith("# HELP "):
                self.assertRegex(line, r"^# HELP grating_[a-z_]+ [A-Z0-9].*\.$")
            elif line.startswith("# TYPE "):
                name, kind = line.split()[2:]
                self.assertNotIn(name, kinds)
                kinds[name] = kind
            else:
                self.assertRegex(line, r'^grating_[a-z_]+({[a-z]+="[^"]*"(,[a-z]+="[^"]*")*})? \S+$')
                name, value = re.split(r"[ {]", line)[0], float(line.rsplit(" ", 1)[1])
                base = re.sub(r"_(bucket|sum|count)$", "", name)
                self.assertIn("histogram" if base in kinds and base != name else kinds.get(name),
                              ("histogram", "counter", "gauge"))
                if name.endswith("_bucket"):
                    self.assertGreaterEqual(value, last.get(name, 0))
                    last[name] = value
                if name.endswith("_total"):
                    self.assertEqual(kinds[name], "counter")
        got = self.server.metrics()
        self.assertGreaterEqual(got['grating_requests_total{dialect="rerank",code="200"}'], 1)
        self.assertEqual(got['grating_compute_seconds_bucket{le="+Inf"}'], got["grating_compute_seconds_count"])
        self.assertGreaterEqual(got["grating_full_token_layers_total"], got["grating_token_layers_total"])

    def test_errors_have_the_shape_of_the_dialect(self):
        # (path, what a good request has, the member that holds documents)
        dialects = (("/v1/rerank", {}, "documents"), ("/v2/rerank", {}, "documents"),
                    ("/rerank", {}, "texts"), ("/rerank", {"property": ""}, "documents"),
                    ("/v1/ranking", {}, "passages"), ("/reranking", {}, "input"),
                    ("/api/rerank", {}, "documents"))
        for path, more, name in dialects:
            good = {"query": QUERY, name: TEXTS, **more}
            cases = [({**good, name: []}, "empty"), ({**good, name: [7]}, "[0]"),
                     ({**good, "query": ""}, "empty"), ({**good, "query": None}, "missing"),
                     ({**good, "query": ["a", "b"]}, "2 queries"),
                     ({**good, "top_n": "x"}, "whole number"),
                     ({**good, "grating": {"promise": "all"}}, "order"),
                     ({**good, "instruction": "find owls"}, "instruction")]
            for body, fragment in cases:
                status = 422 if fragment == "instruction" else 400
                got = self.answer(path, body, status)
                if name == "texts" or more:
                    self.assertEqual(set(got), {"error", "error_type"})
                    text = got["error"]
                else:
                    self.assertEqual(set(got), {"error", "message", "detail"})
                    self.assertEqual(set(got["error"]), {"message", "type", "code", "param"})
                    self.assertEqual(got["error"]["code"], status)
                    self.assertEqual(got["detail"], got["message"])
                    text = got["message"]
                self.assertIn(fragment, text)
        self.assertIn("not JSON", self.answer("/v1/rerank", "{", 400)["message"])

    def test_what_is_not_there(self):
        self.assertEqual(self.server.get("/nothing").status, 404)
        self.assertEqual(self.server.get("/v1/rerank").status, 405)
        self.assertEqual(self.server.post("/health", {}).status, 404)
        zipped = self.server.post("/rerank", "{}", {"Content-Encoding": "gzip"})
        self.assertEqual(zipped.status, 400)
        self.assertIn("gzip", zipped.json["message"])


if __name__ == "__main__":
    unittest.main()
