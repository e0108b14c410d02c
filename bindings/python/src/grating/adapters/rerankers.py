"""rerankers: a ranker with its interface."""
from __future__ import annotations

from typing import Any, Optional

from rerankers.models.ranker import BaseRanker
from rerankers.results import RankedResults, Result
from rerankers.utils import prep_docs

from ._opened import Opened


class GratingRanker(BaseRanker):
    """All documents, best first; ``k`` says how many must be right, the others end early."""

    def __init__(self, model_name_or_path: Any = None, verbose: int = 0, *,
                 k: Optional[int] = None, **options: Any) -> None:
        self._opened, self.verbose, self.k, self.options = \
            Opened(model_name_or_path), verbose, k, options
        self.ranking_type = "pointwise"

    def score(self, query: str, doc: str) -> float:
        """Of one document."""
        return float(self._opened.get().rank(query, [doc], k=None)[0].score)

    def rank(self, query: str, docs: Any, doc_ids: Optional[Any] = None,
             metadata: Optional[list[dict[str, Any]]] = None) -> RankedResults:
        """As rerankers' own rankers give it."""
        prepared = prep_docs(docs, doc_ids, metadata)
        if not prepared:
            return RankedResults(results=[], query=query, has_scores=True)
        result = self._opened.get().rank(query, [one.text for one in prepared], k=self.k,
                                         **self.options)
        return RankedResults(query=query, has_scores=True, results=[
            Result(document=prepared[item.index], score=item.score, rank=rank)
            for rank, item in enumerate(result.all(), 1)])
