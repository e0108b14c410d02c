"""LangChain's rerankers."""
import unittest

from common import BASE, BUSY, KEYED, QUERY, TEXTS, ClientTest
from langchain_cohere import CohereRerank
from langchain_core.documents import Document
from langchain_nvidia_ai_endpoints import NVIDIARerank

DOCUMENTS = [Document(page_content=text, metadata={"id": i}) for i, text in enumerate(TEXTS)]


class LangChain(ClientTest):
    def test_cohere(self):
        for top_n in (4, 2):
            ranker = CohereRerank(base_url=BASE, cohere_api_key="x", model="m", top_n=top_n)
            found = ranker.compress_documents(DOCUMENTS, QUERY)
            self.check([(d.metadata["id"], d.metadata["relevance_score"]) for d in found], top_n)
        mixed = [TEXTS[0], DOCUMENTS[1], {"text": TEXTS[2]}, TEXTS[3]]
        found = ranker.rerank(mixed, QUERY, top_n=4)
        self.check([(row["index"], row["relevance_score"]) for row in found])

    def test_cohere_with_a_wrong_key(self):
        ranker = CohereRerank(base_url=KEYED, cohere_api_key="wrong", model="m", top_n=2)
        error = self.failure(lambda: ranker.compress_documents(DOCUMENTS, QUERY))
        self.assertEqual(error.status_code, 401)

    def test_nim(self):
        ranker = NVIDIARerank(base_url=f"{BASE}/v1", model="grating-small", top_n=2)
        found = ranker.compress_documents(DOCUMENTS, QUERY)
        rows = [(d.metadata["id"], d.metadata["relevance_score"]) for d in found]
        self.check(rows, 2, lowest=-20, highest=20)
        self.assertIn("grating-small", [model.id for model in ranker.available_models])

    def test_nim_that_is_full(self):
        ranker = NVIDIARerank(base_url=f"{BUSY}/v1", model="grating-small", top_n=2)
        self.assertIn("429", str(self.failure(lambda: ranker.compress_documents(DOCUMENTS, QUERY))))


if __name__ == "__main__":
    unittest.main()
