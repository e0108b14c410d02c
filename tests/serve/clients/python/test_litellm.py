"""LiteLLM, by each of its providers that takes an address."""
import unittest

import litellm
from common import BASE, BUSY, KEYED, QUERY, TEXTS, ClientTest


def rows(answer):
    return [(r["index"], r["relevance_score"]) for r in answer.results]


def rerank(model, url, documents=None, **options):
    options = {"api_key": "right", "num_retries": 0, **options}
    return litellm.rerank(model=model, api_base=url, query=QUERY, documents=documents or TEXTS,
                          **options)


class LiteLlm(ClientTest):
    def test_providers(self):
        # Its infinity wants documents back as plain texts, so it must ask for none.
        for model, path, options in (
                ("hosted_vllm/m", "", {}), ("infinity/m", "", {"return_documents": False}),
                ("cohere/m", "/v2/rerank", {}), ("jina_ai/m", "/v1/rerank", {}),
                ("huggingface/m", "", {})):
            with self.subTest(model):
                self.check(rows(rerank(model, BASE + path, **options)))
                self.check(rows(rerank(model, BASE + path, top_n=2, **options)), 2)

    def test_documents_come_back(self):
        answer = rerank("hosted_vllm/m", BASE, return_documents=True)
        for row in answer.results:
            self.assertEqual(row["document"]["text"], TEXTS[row["index"]])

    def test_a_wrong_key(self):
        self.failure(lambda: rerank("hosted_vllm/m", KEYED, api_key="wrong"),
                     litellm.exceptions.AuthenticationError)
        self.check(rows(rerank("hosted_vllm/m", KEYED)))

    def test_a_full_server(self):
        self.failure(lambda: rerank("hosted_vllm/m", BUSY), litellm.exceptions.RateLimitError)


if __name__ == "__main__":
    unittest.main()
