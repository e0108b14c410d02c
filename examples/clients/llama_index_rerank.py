"""LlamaIndex: a postprocessor of nodes.

pip install llama-index-postprocessor-cohere-rerank; grating serve"""
import os

from llama_index.core.schema import NodeWithScore, TextNode

from llama_index.postprocessor.cohere_rerank import CohereRerank

reranker = CohereRerank(base_url=os.environ.get("GRATING_URL", "http://127.0.0.1:8080"),
                        api_key="any key", model="grating-small", top_n=1)
nodes = [NodeWithScore(node=TextNode(text=text), score=0.0)
         for text in ("Bread rises because yeast makes gas.", "Owls hear mice under the snow.")]
for node in reranker.postprocess_nodes(nodes, query_str="how do owls hunt"):
    print(f"{node.score:.3f} {node.node.get_content()}")
# In an index: index.as_query_engine(similarity_top_k=50, node_postprocessors=[reranker])
