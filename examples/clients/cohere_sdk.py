"""The SDK of Cohere, asking a server of one's own: pip install cohere; grating serve"""
import os

import cohere

client = cohere.ClientV2("any key", base_url=os.environ.get("GRATING_URL", "http://127.0.0.1:8080"))
documents = ["Bread rises because yeast makes gas.", "Owls hear mice under the snow."]
answer = client.rerank(model="grating-small", query="how do owls hunt", documents=documents, top_n=1)
for result in answer.results:
    print(f"{result.relevance_score:.3f} {documents[result.index]}")
