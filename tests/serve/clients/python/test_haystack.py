"""Haystack's rankers that speak to a server."""
import unittest

from common import BASE, BUSY, KEYED, QUERY, TEXTS, ClientTest
from haystack import Document
from haystack.utils import Secret

DOCUMENTS = [Document(content=text, id=str(i)) for i, text in enumerate(TEXTS)]
KEY, WRONG = Secret.from_token("right"), Secret.from_token("wrong")


class Haystack(ClientTest):
    def check_ranker(self, make, **bounds):
        """`make(url, key, top_k)` makes a ranker."""
        for top_k in (4, 2):
            found = make(BASE, KEY, top_k).run(query=QUERY, documents=DOCUMENTS)["documents"]
            self.check([(int(d.id), d.score) for d in found], top_k, **bounds)
        found = make(KEYED, KEY, 4).run(query=QUERY, documents=DOCUMENTS)["documents"]
        self.check([(int(d.id), d.score) for d in found], **bounds)
        self.failure(lambda: make(KEYED, WRONG, 4).run(query=QUERY, documents=DOCUMENTS))

    def test_vllm(self):
        from haystack_integrations.components.rankers.vllm import VLLMRanker

        def make(url, key, top_k):
            return VLLMRanker(model="m", api_base_url=f"{url}/v1", api_key=key, top_k=top_k)

        self.check_ranker(make)
        some = VLLMRanker(model="m", api_base_url=f"{BASE}/v1", api_key=KEY, score_threshold=0.1)
        found = some.run(query=QUERY, documents=DOCUMENTS)["documents"]
        self.assertTrue(1 <= len(found) < 4, found)
        self.assertEqual(found[0].id, "1")

    def test_cohere(self):
        from haystack_integrations.components.rankers.cohere import CohereRanker

        def make(url, key, top_k):
            return CohereRanker(model="m", api_base_url=url, api_key=key, top_k=top_k)

        self.check_ranker(make)

    def test_jina(self):
        from haystack_integrations.components.rankers.jina import JinaRanker

        def make(url, key, top_k):
            return JinaRanker(model="m", base_url=f"{url}/v1/rerank", api_key=key, top_k=top_k)

        self.check_ranker(make)

    def test_tei(self):
        from haystack_integrations.components.rankers.huggingface_api import HuggingFaceTEIRanker

        def make(url, key, top_k, **options):
            return HuggingFaceTEIRanker(url=url, token=key, top_k=top_k, **options)

        self.check_ranker(make)
        raw = make(BASE, KEY, 4, raw_scores=True).run(query=QUERY, documents=DOCUMENTS)
        self.assertGreater(raw["documents"][0].score, 1)
        busy = make(BUSY, KEY, 4, max_retries=1, retry_status_codes=[429])
        self.failure(lambda: busy.run(query=QUERY, documents=DOCUMENTS))

    def test_nim(self):
        from haystack_integrations.components.rankers.nvidia import NvidiaRanker

        def make(url, key, top_k):
            ranker = NvidiaRanker(model="m", api_url=f"{url}/v1", api_key=key, top_k=top_k)
            ranker.warm_up()
            return ranker

        self.check_ranker(make, lowest=-20, highest=20)


if __name__ == "__main__":
    unittest.main()
