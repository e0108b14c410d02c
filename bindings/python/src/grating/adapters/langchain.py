"""LangChain: a document compressor and a cross-encoder (langchain-core)."""
from __future__ import annotations

from typing import Any, Optional, Sequence

from langchain_core.callbacks import Callbacks
from langchain_core.cross_encoders import BaseCrossEncoder
from langchain_core.documents import BaseDocumentCompressor, Document
from pydantic import ConfigDict, Field, PrivateAttr

from .._pairs import ranked
from ._opened import Opened


class GratingRerank(BaseDocumentCompressor):
    """The ``top_n`` best documents, with ``relevance_score`` in their metadata.

    ``model`` is a ``grating.Model``, a path or a name; ``options`` go to ``Model.rank``."""

    model_config = ConfigDict(arbitrary_types_allowed=True)
    model: Any = None
    top_n: Optional[int] = 3
    options: dict[str, Any] = Field(default_factory=dict)
    _opened: Opened = PrivateAttr()

    def model_post_init(self, context: Any) -> None:
        """Remembers the model; it is opened at the first use."""
        self._opened = Opened(self.model)

    def _taken(self, documents: Sequence[Document], result: Any) -> Sequence[Document]:
        return [documents[item.index].model_copy(update={"metadata": {
            **documents[item.index].metadata, "relevance_score": item.score}}) for item in result]

    def compress_documents(self, documents: Sequence[Document], query: str,
                           callbacks: Optional[Callbacks] = None) -> Sequence[Document]:
        """Best first."""
        if not documents:
            return []
        return self._taken(documents, self._opened.get().rank(
            query, [one.page_content for one in documents], k=self.top_n, **self.options))

    async def acompress_documents(self, documents: Sequence[Document], query: str,
                                  callbacks: Optional[Callbacks] = None) -> Sequence[Document]:
        """The same; a task that is cancelled ends the ranking."""
        if not documents:
            return []
        return self._taken(documents, await self._opened.get().rank_async(
            query, [one.page_content for one in documents], k=self.top_n, **self.options))


class GratingCrossEncoder(BaseCrossEncoder):
    """For LangChain's ``CrossEncoderReranker``: a score for each (query, text) pair."""

    def __init__(self, model: Any = None) -> None:
        self._opened = Opened(model)

    def score(self, text_pairs: list[tuple[str, str]]) -> list[float]:
        """In the order of the input; pairs of one query are computed together."""
        if not text_pairs:
            return []
        scores = [0.0] * len(text_pairs)
        for places, result in ranked(self._opened.get(), text_pairs):
            for item in result:
                scores[places[item.index]] = item.score
        return scores
