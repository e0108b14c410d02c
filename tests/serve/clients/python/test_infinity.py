"""infinity-client."""
import unittest

from common import BASE, QUERY, TEXTS, ClientTest
from infinity_client import Client
from infinity_client.api.default import rerank
from infinity_client.models import RerankInput


class Infinity(ClientTest):
    def test_rerank(self):
        with Client(base_url=BASE) as client:
            for top_n in (4, 2):
                body = RerankInput(query=QUERY, documents=TEXTS, top_n=top_n)
                answer = rerank.sync(client=client, body=body)
                self.check([(r.index, r.relevance_score) for r in answer.results], top_n)


if __name__ == "__main__":
    unittest.main()
