"""rerankers: its APIRanker, by each of its providers."""
import unittest

from common import BASE, KEYED, QUERY, TEXTS, ClientTest
from rerankers import Reranker

PATHS = {"cohere": "/v2/rerank", "jina": "/v1/rerank", "voyage": "/v1/rerank",
         "mixedbread.ai": "/v1/reranking", "text-embeddings-inference": "/rerank"}


class Rerankers(ClientTest):
    def test_providers(self):
        for provider, path in PATHS.items():
            with self.subTest(provider):
                ranker = Reranker("m", model_type="APIRanker", api_provider=provider, api_key="x",
                                  url=BASE + path)
                found = ranker.rank(query=QUERY, docs=TEXTS, doc_ids=list(range(4)))
                self.check([(r.document.doc_id, r.score) for r in found.results])
                self.assertEqual(found.top_k(1)[0].document.text, TEXTS[1])

    def test_a_wrong_key(self):
        ranker = Reranker("m", model_type="APIRanker", api_provider="cohere", api_key="wrong",
                          url=KEYED + "/v2/rerank")
        self.failure(lambda: ranker.rank(query=QUERY, docs=TEXTS))


if __name__ == "__main__":
    unittest.main()
