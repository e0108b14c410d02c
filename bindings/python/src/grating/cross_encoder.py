"""CrossEncoder with the names of sentence-transformers, so that one import changes."""
from __future__ import annotations

import math
from typing import Any, Callable, Optional, Sequence, Union

from . import _pairs
from .model import Model

Pair = Sequence[str]


class CrossEncoder:
    """Scores of (query, text) pairs, and rankings, by the engine of grating.

    Scores are what ``activation_fn`` makes of the logits: by default the logistic function, as
    sentence-transformers does for models with one label.  Arguments about devices and batches
    are taken and not needed.

    Args:
        model_name_or_path: as for ``Model``.
        max_length: tokens of a pair that are used of each document; None: what the model takes.
        activation_fn: of a list of logits, or of a torch tensor where it is a torch module.
        **options: for ``Model``: threads, memory, arithmetic, profile.
    """

    def __init__(self, model_name_or_path: Optional[str] = None, *,
                 max_length: Optional[int] = None,
                 activation_fn: Optional[Callable[[Any], Any]] = None,
                 device: Any = None, trust_remote_code: bool = False,
                 num_labels: Optional[int] = None, **options: Any) -> None:
        if num_labels not in (None, 1):
            raise ValueError(f"num_labels: {num_labels}; rerankers here give one score")
        self.model = Model(model_name_or_path, **options)
        self.max_length = max_length
        self.activation_fn = activation_fn

    def _activated(self, logits: Any, activation_fn: Optional[Callable[[Any], Any]]) -> Any:
        """A NumPy array of float32."""
        import numpy

        function = activation_fn or self.activation_fn
        values = numpy.array(logits, numpy.float32)
        if function is None:
            return (1 / (1 + numpy.exp(-values.astype(numpy.float64)))).astype(numpy.float32)
        if type(function).__module__.startswith("torch"):
            import torch

            return function(torch.from_numpy(values)).cpu().numpy()
        return numpy.asarray(function(values), numpy.float32)

    def rank(self, query: str, documents: Sequence[str], top_k: Optional[int] = None,
             return_documents: bool = False, batch_size: int = 32,
             show_progress_bar: Optional[bool] = None, num_workers: int = 0,
             activation_fn: Optional[Callable[[Any], Any]] = None, apply_softmax: bool = False,
             convert_to_numpy: bool = True, convert_to_tensor: bool = False, *,
             prompt: Optional[str] = None, **options: Any) -> list[dict[str, Any]]:
        """[{"corpus_id", "score"[, "text"]}], best first; ``top_k`` of them, or all.

        With ``top_k`` documents that cannot reach it are decided early."""
        if len(documents) == 0:
            return []
        with _Progress(show_progress_bar, "Layers") as on_layer:
            result = self.model.rank(query, documents, k=top_k, instruction=prompt,
                                     on_layer=on_layer, max_document_tokens=self.max_length or 0,
                                     **options)
        n = len(result)
        scores = self._activated(result.logits[:n], activation_fn) \
            if activation_fn or self.activation_fn else result.scores[:n]
        return [{"corpus_id": int(index), "score": score,
                 **({"text": documents[int(index)]} if return_documents else {})}
                for index, score in zip(result.indices[:n], scores)]

    def predict(self, sentences: Union[Pair, Sequence[Pair]], batch_size: int = 32,
                show_progress_bar: Optional[bool] = None, num_workers: int = 0,
                activation_fn: Optional[Callable[[Any], Any]] = None, apply_softmax: bool = False,
                convert_to_numpy: bool = True, convert_to_tensor: bool = False, *,
                prompt: Optional[str] = None) -> Any:
        """Scores of (query, text) pairs in the order of the input; a single pair gives a number.

        Pairs of one query are computed together, all of them to the last layer."""
        import numpy

        is_single = len(sentences) == 2 and all(isinstance(one, str) for one in sentences)
        pairs: Any = [sentences] if is_single else list(sentences)
        logits = numpy.full(len(pairs), math.nan, numpy.float32)
        with _Progress(show_progress_bar, "Queries", len(_pairs.by_query(pairs))) as advance:
            for places, result in _pairs.ranked(self.model, pairs, instruction=prompt,
                                                max_document_tokens=self.max_length or 0):
                logits[numpy.asarray(places)[result.indices.astype(numpy.intp)]] = result.logits
                if advance is not None:
                    advance(None)
        scores = self._activated(logits, activation_fn)
        if convert_to_tensor:
            import torch

            scores = torch.from_numpy(numpy.ascontiguousarray(scores))
        elif not convert_to_numpy and not is_single:
            return list(scores)
        return scores[0] if is_single else scores


class _Progress:
    """A bar of tqdm, where it is wanted and there."""

    def __init__(self, is_wanted: Optional[bool], what: str, total: Optional[int] = None) -> None:
        self._bar: Any = None
        if is_wanted:
            from tqdm.auto import tqdm

            self._bar = tqdm(desc=what, total=total)

    def __enter__(self) -> Optional[Callable[[Any], None]]:
        return None if self._bar is None else self._advance

    def _advance(self, step: Any) -> None:
        if step is not None and self._bar.total is None:
            self._bar.total = step.n_layers
        if step is None or step.layer:
            self._bar.update()

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()
