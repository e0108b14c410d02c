"""A plain callable, as DSPy programs and hand-made pipelines use one."""
from __future__ import annotations

from typing import Any, Optional, Sequence

from ..model import DEFAULT_K
from ._opened import Opened


class Reranker:
    """``reranker(query, texts)`` gives the k best texts, best first.

    With ``retrieve`` (a callable: query -> texts) ``reranker(query)`` retrieves first."""

    def __init__(self, model: Any = None, *, k: Optional[int] = DEFAULT_K, retrieve: Any = None,
                 **options: Any) -> None:
        self._opened, self.k, self.retrieve, self.options = Opened(model), k, retrieve, options

    def __call__(self, query: str, texts: Optional[Sequence[Any]] = None) -> list[Any]:
        if texts is None:
            if self.retrieve is None:
                raise TypeError("texts are needed, or a retrieve=... that finds them")
            texts = self.retrieve(query)
        texts = list(texts)
        if not texts:
            return []
        return [item.text for item in self._opened.get().rank(query, texts, k=self.k,
                                                              **self.options)]
