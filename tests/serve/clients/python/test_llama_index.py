"""LlamaIndex's rerankers that take an address."""
import unittest

from common import BASE, KEYED, QUERY, TEXTS, ClientTest
from llama_index.core.schema import NodeWithScore, TextNode

from llama_index.postprocessor.cohere_rerank import CohereRerank
from llama_index.postprocessor.nvidia_rerank import NVIDIARerank
from llama_index.postprocessor.siliconflow_rerank import SiliconFlowRerank
from llama_index.postprocessor.tei_rerank import TextEmbeddingInference
from llama_index.postprocessor.xinference_rerank import XinferenceRerank


def nodes():
    return [NodeWithScore(node=TextNode(text=text, id_=str(i)), score=0.0)
            for i, text in enumerate(TEXTS)]


class LlamaIndex(ClientTest):
    def check_ranker(self, make, **bounds):
        for top_n in (4, 2):
            found = make(top_n).postprocess_nodes(nodes(), query_str=QUERY)
            self.check([(int(n.node.node_id), n.score) for n in found], top_n, **bounds)

    def test_cohere(self):
        self.check_ranker(lambda n: CohereRerank(base_url=BASE, api_key="x", model="m", top_n=n))
        wrong = CohereRerank(base_url=KEYED, api_key="wrong", model="m", top_n=2)
        error = self.failure(lambda: wrong.postprocess_nodes(nodes(), query_str=QUERY))
        self.assertEqual(error.status_code, 401)

    def test_tei(self):
        self.check_ranker(lambda n: TextEmbeddingInference(base_url=BASE, model_name="m", top_n=n))

    def test_nim(self):
        self.check_ranker(lambda n: NVIDIARerank(base_url=f"{BASE}/v1", model="grating-small",
                                                 top_n=n), lowest=-20, highest=20)

    def test_xinference(self):
        self.check_ranker(lambda n: XinferenceRerank(base_url=BASE, model="m", top_n=n))

    def test_siliconflow(self):
        self.check_ranker(lambda n: SiliconFlowRerank(base_url=f"{BASE}/v1/rerank", api_key="x",
                                                      model="m", top_n=n))


if __name__ == "__main__":
    unittest.main()
