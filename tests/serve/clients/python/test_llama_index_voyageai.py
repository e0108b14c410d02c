"""The client of Voyage, on which LlamaIndex's reranker of that name stands."""
import unittest

import voyageai
from common import BASE, BUSY, KEYED, QUERY, TEXTS, ClientTest


def client(url, key="right", **options):
    return voyageai.Client(api_key=key, base_url=f"{url}/v1", **options)


class Voyage(ClientTest):
    def test_rerank(self):
        for top_k in (4, 2):
            answer = client(BASE).rerank(QUERY, TEXTS, model="m", top_k=top_k)
            self.check([(r.index, r.relevance_score) for r in answer.results], top_k)
            for row in answer.results:
                self.assertEqual(row.document, TEXTS[row.index])
            self.assertGreater(answer.total_tokens, 20)

    def test_errors_have_types(self):
        # A key is looked at before the body, so the answer is of no dialect, and this client
        # breaks on an "error" that is an object.
        self.failure(lambda: client(KEYED, "wrong").rerank(QUERY, TEXTS, model="m"))
        self.failure(lambda: client(BASE).rerank(" ", TEXTS, model="m"),
                     voyageai.error.InvalidRequestError)
        self.failure(lambda: client(BUSY).rerank(QUERY, TEXTS, model="m"),
                     voyageai.error.RateLimitError)


if __name__ == "__main__":
    unittest.main()
