"""LlamaIndex: a node postprocessor (llama-index-core)."""
from __future__ import annotations

from typing import Any, List, Optional

from llama_index.core.bridge.pydantic import Field, PrivateAttr
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import MetadataMode, NodeWithScore, QueryBundle

from ._opened import Opened


class GratingRerank(BaseNodePostprocessor):
    """The ``top_n`` best nodes, with grating's scores.

    ``model`` is a ``grating.Model``, a path or a name; ``options`` go to ``Model.rank``."""

    model: Any = Field(default=None, exclude=True)
    top_n: Optional[int] = 3
    options: dict[str, Any] = Field(default_factory=dict)
    _opened: Opened = PrivateAttr()

    def model_post_init(self, context: Any) -> None:
        """Remembers the model; it is opened at the first use."""
        super().model_post_init(context)
        self._opened = Opened(self.model)

    @classmethod
    def class_name(cls) -> str:
        """As LlamaIndex writes it down."""
        return "GratingRerank"

    def _postprocess_nodes(self, nodes: List[NodeWithScore],
                           query_bundle: Optional[QueryBundle] = None) -> List[NodeWithScore]:
        if query_bundle is None:
            raise ValueError("a query is needed: postprocess_nodes(nodes, query_str=...)")
        if not nodes:
            return []
        texts = [node.node.get_content(metadata_mode=MetadataMode.EMBED) for node in nodes]
        result = self._opened.get().rank(query_bundle.query_str, texts, k=self.top_n,
                                         **self.options)
        return [NodeWithScore(node=nodes[item.index].node, score=item.score) for item in result]
