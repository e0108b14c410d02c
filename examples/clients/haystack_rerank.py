"""Haystack: a ranker, as a component of a pipeline.

pip install vllm-haystack; grating serve"""
import os

from haystack import Document, Pipeline
from haystack.utils import Secret
from haystack_integrations.components.rankers.vllm import VLLMRanker

address = os.environ.get("GRATING_URL", "http://127.0.0.1:8080")
pipeline = Pipeline()
pipeline.add_component("ranker", VLLMRanker(model="grating-small", api_base_url=f"{address}/v1",
                                            api_key=Secret.from_token("any key"), top_k=1))
found = [Document(content="Bread rises because yeast makes gas."),
         Document(content="Owls hear mice under the snow.")]
answer = pipeline.run({"ranker": {"query": "how do owls hunt", "documents": found}})
for document in answer["ranker"]["documents"]:
    print(f"{document.score:.3f} {document.content}")
