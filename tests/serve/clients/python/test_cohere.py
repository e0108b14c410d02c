"""The SDK of Cohere, both versions of its interface."""
import unittest

import cohere
from common import BASE, BUSY, KEYED, QUERY, TEXTS, ClientTest


def rows(answer):
    return [(r.index, r.relevance_score) for r in answer.results]


class Cohere(ClientTest):
    def test_v2(self):
        client = cohere.ClientV2("x", base_url=BASE)
        self.check(rows(client.rerank(model="m", query=QUERY, documents=TEXTS)))
        self.check(rows(client.rerank(model="m", query=QUERY, documents=TEXTS, top_n=2)), 2)
        self.check(rows(client.rerank(model="m", query=QUERY, documents=TEXTS,
                                      max_tokens_per_doc=64, priority=1)))

    def test_v1_with_objects_and_texts_mixed(self):
        client = cohere.Client("x", base_url=BASE)
        documents = [{"text": TEXTS[0]}, TEXTS[1], {"text": TEXTS[2], "page": "3"}, TEXTS[3]]
        answer = client.rerank(model="m", query=QUERY, documents=documents, return_documents=True)
        self.check(rows(answer))
        for row in answer.results:
            self.assertEqual(row.document.text, TEXTS[row.index])
        self.assertEqual(answer.meta.api_version.version, "1")

    def test_v1_with_fields(self):
        client = cohere.Client("x", base_url=BASE)
        documents = [{"title": f"page {i}", "body": text} for i, text in enumerate(TEXTS)]
        answer = client.rerank(model="m", query=QUERY, documents=documents,
                               rank_fields=["title", "body"], top_n=2)
        self.check(rows(answer), 2)

    def test_errors_have_types(self):
        client = cohere.ClientV2("x", base_url=BASE)
        error = self.failure(lambda: client.rerank(model="m", query=QUERY, documents=[]),
                             cohere.BadRequestError)
        self.assertIn('"documents" must not be empty', str(error.body))
        self.failure(lambda: client.rerank(model="m", query=" ", documents=TEXTS),
                     cohere.BadRequestError)
        locked = cohere.ClientV2("wrong", base_url=KEYED)
        self.failure(lambda: locked.rerank(model="m", query=QUERY, documents=TEXTS),
                     cohere.UnauthorizedError)
        opened = cohere.ClientV2("right", base_url=KEYED)
        self.check(rows(opened.rerank(model="m", query=QUERY, documents=TEXTS)))

    def test_a_full_server(self):
        client = cohere.ClientV2("x", base_url=BUSY)
        self.check_waits(
            lambda: client.rerank(model="m", query=QUERY, documents=TEXTS,
                                  request_options={"max_retries": 1}),
            cohere.TooManyRequestsError)


if __name__ == "__main__":
    unittest.main()
