"""LiteLLM: pip install litellm; grating serve"""
import os

import litellm

documents = ["Bread rises because yeast makes gas.", "Owls hear mice under the snow."]
answer = litellm.rerank(model="hosted_vllm/grating-small", api_key="any key", top_n=1,
                        api_base=os.environ.get("GRATING_URL", "http://127.0.0.1:8080"),
                        query="how do owls hunt", documents=documents)
for result in answer.results:
    print(f"{result['relevance_score']:.3f} {documents[result['index']]}")
# For LiteLLM's proxy, in config.yaml:
#   model_list:
#     - model_name: rerank
#       litellm_params: {model: hosted_vllm/grating-small, api_base: "http://127.0.0.1:8080"}
