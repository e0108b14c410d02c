"""Scores of (query, text) pairs in the order of the input, those of one query together."""
from __future__ import annotations

from typing import Any, Iterator, Sequence

from .model import Model
from .result import Result


def by_query(pairs: Sequence[Sequence[str]]) -> dict[str, list[int]]:
    """{query: places of its pairs}."""
    found: dict[str, list[int]] = {}
    for i, pair in enumerate(pairs):
        if len(pair) != 2:
            raise ValueError(f"sentences[{i}] is not a (query, text) pair")
        found.setdefault(pair[0], []).append(i)
    return found


def ranked(model: Model, pairs: Sequence[Sequence[str]],
           **options: Any) -> Iterator[tuple[list[int], Result]]:
    """For each query the places of its pairs, and their full ranking."""
    for query, places in by_query(pairs).items():
        yield places, model.rank(query, [pairs[i][1] for i in places], k=None, **options)
