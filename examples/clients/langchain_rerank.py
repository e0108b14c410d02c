"""LangChain: a compressor that keeps the best of what a retriever found.

pip install langchain-cohere; grating serve"""
import os

from langchain_cohere import CohereRerank
from langchain_core.documents import Document

compressor = CohereRerank(base_url=os.environ.get("GRATING_URL", "http://127.0.0.1:8080"),
                          cohere_api_key="any key", model="grating-small", top_n=1)
found = [Document(page_content="Bread rises because yeast makes gas."),
         Document(page_content="Owls hear mice under the snow.")]
for document in compressor.compress_documents(found, "how do owls hunt"):
    print(f"{document.metadata['relevance_score']:.3f} {document.page_content}")
# In a chain: ContextualCompressionRetriever(base_compressor=compressor, base_retriever=...)
