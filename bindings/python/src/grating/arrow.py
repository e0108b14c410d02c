"""Rankings of Arrow record batches, as Spark (``mapInArrow``), Ray, Daft and DuckDB hand them on."""
from __future__ import annotations

import threading
from typing import Any, Callable, Iterable, Iterator, Optional

from .model import DEFAULT_K, Model

_models: dict[Optional[str], Model] = {}
_lock = threading.Lock()


def model_of(path: Optional[str]) -> Model:
    """One model for each process and path."""
    with _lock:
        if path not in _models:
            _models[path] = Model(path)
        return _models[path]


def ranker(model: Optional[str] = None, *, k: Optional[int] = DEFAULT_K, query: str = "query",
           documents: str = "documents",
           **options: Any) -> Callable[[Iterable[Any]], Iterator[Any]]:
    """A function from batches with a column of queries and one of lists of texts to batches with
    one row for each of the k best: the other columns, ``rank``, ``index``, ``score``, ``text``.

    Args:
        model: a path or a name; opened once in each process.
        k, options: as of ``Model.rank``.
        query, documents: names of the two columns.
    """
    def rank_batches(batches: Iterable[Any]) -> Iterator[Any]:
        import pyarrow

        opened = model_of(model)
        for batch in batches:
            for name in (query, documents):
                if name not in batch.schema.names:
                    raise KeyError(f"the batch has no column {name!r}")
            lists = batch.column(documents)
            rows: list[int] = []
            found: dict[str, list[Any]] = {"rank": [], "index": [], "score": [], "text": []}
            for row, text in enumerate(batch.column(query).to_pylist()):
                texts = lists[row].values
                if text is None or texts is None or len(texts) == 0:
                    continue
                for rank, item in enumerate(opened.rank(text, texts, k=k, **options), 1):
                    rows.append(row)
                    for name, value in zip(found, (rank, item.index, item.score, item.text)):
                        found[name].append(value)
            kept = [name for name in batch.schema.names if name != documents]
            taken = pyarrow.array(rows, pyarrow.int64())
            columns = [batch.column(name).take(taken) for name in kept]
            kinds = (pyarrow.int32(), pyarrow.int32(), pyarrow.float32(), pyarrow.string())
            columns += [pyarrow.array(values, kind) for values, kind in zip(found.values(), kinds)]
            yield pyarrow.RecordBatch.from_arrays(columns, [*kept, *found])
    return rank_batches
