"""Haystack: a ranker component (haystack-ai)."""
from __future__ import annotations

from dataclasses import replace
from typing import Any, Optional

from haystack import Document, component, default_from_dict, default_to_dict

from ._opened import Opened


@component
class GratingRanker:
    """The ``top_k`` best documents, with grating's scores.

    ``model`` is a path or a name, or a ``grating.Model`` (by which the component is written as
    its path); ``options`` go to ``Model.rank``."""

    def __init__(self, model: Any = None, top_k: Optional[int] = 10,
                 score_threshold: Optional[float] = None,
                 options: Optional[dict[str, Any]] = None) -> None:
        self._opened = Opened(model)
        self.top_k, self.score_threshold = top_k, score_threshold
        self.options = options or {}

    def to_dict(self) -> dict[str, Any]:
        """For pipelines in YAML."""
        return default_to_dict(self, model=self._opened.path, top_k=self.top_k,
                               score_threshold=self.score_threshold, options=self.options)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> GratingRanker:
        """The component that ``to_dict`` wrote."""
        return default_from_dict(cls, data)

    def warm_up(self) -> None:
        """Opens the model."""
        self._opened.get()

    @component.output_types(documents=list[Document])
    def run(self, query: str, documents: list[Document], top_k: Optional[int] = None,
            score_threshold: Optional[float] = None) -> dict[str, list[Document]]:
        """{"documents": best first}."""
        if not documents:
            return {"documents": []}
        threshold = self.score_threshold if score_threshold is None else score_threshold
        options = dict(self.options)
        if threshold is not None:  # then scores must be the full pass's
            options.setdefault("promise", "scores")
            options["min_score"] = threshold
        result = self._opened.get().rank(query, [one.content or "" for one in documents],
                                         k=top_k or self.top_k, **options)
        return {"documents": [replace(documents[item.index], score=item.score)
                              for item in result]}
