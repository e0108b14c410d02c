"""A request in progress, a layer at a time."""
from __future__ import annotations

import asyncio
import ctypes
import dataclasses
import functools
import os
import threading
import time
from typing import TYPE_CHECKING, Any, AsyncIterator, Iterator, Optional

from . import _abi
from ._library import lib, sized
from .errors import InvalidArgument, check
from .result import Result

if TYPE_CHECKING:
    from .model import Model

SLOW_STEP_S = 0.05  # a step that takes longer is worth a thread, so that Ctrl-C is heard


@dataclasses.dataclass(frozen=True)
class Step:
    """What one layer gave.

    Attributes:
        layer: layers computed; 0: texts were read, memory is planned.
        indices, logits, states: of the documents that computed this layer; tuples of one length.
        expected_precision: share of the full pass's top K that stands in the order so far.
    """
    layer: int
    n_layers: int
    n_active: int
    n_selected: int
    n_dropped: int
    elapsed_s: float
    deadline_hit: bool
    is_done: bool
    expected_precision: Optional[float]
    indices: tuple[int, ...]
    logits: tuple[float, ...]
    states: tuple[int, ...]

    @functools.cached_property
    def scores_by_index(self) -> dict[int, float]:
        """{document: logit}."""
        return dict(zip(self.indices, self.logits))


def _copied(address: Optional[int], n: int, kind: Any) -> tuple[Any, ...]:
    return tuple((kind * n).from_address(address)) if address and n else ()


class Ranking:
    """Iterating it computes; ``result()`` is the order as it stands, at any time after a step.

    One thread at a time; ``cancel`` from any.  Made by ``Model.ranking``."""

    def __init__(self, model: Model, request: Any, texts: Any, documents: Any, ids: Any,
                 keep: Any) -> None:
        self._handle: Optional[int] = None
        self._pid = os.getpid()
        self._model = model
        self._documents, self._ids = documents, ids
        self._borrowed: Any = (request, texts, keep)  # until the first step has returned
        self._step: Any = sized(_abi.grt_step)
        self._is_slow = False
        self._is_open = model._enter()
        handle, error = ctypes.c_void_p(), _abi.grt_error()
        status = lib.grt_ranking_open(ctypes.byref(handle), model._handle, ctypes.byref(request),
                                      ctypes.byref(error))
        self._handle = handle.value
        if status != _abi.GRT_OK:
            self.close()
        check(status, error)

    def __del__(self) -> None:
        if getattr(self, "_pid", None) == os.getpid():
            self.close()

    def __enter__(self) -> Ranking:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends it; results that were taken stay."""
        handle, self._handle = self._handle, None
        if handle:
            lib.grt_ranking_free(handle)
        if getattr(self, "_is_open", False):
            self._is_open = False
            self._model._leave()

    def cancel(self) -> None:
        """Has the step that runs, or the next one, raise Cancelled soon.  From any thread."""
        if self._handle:
            lib.grt_ranking_cancel(self._handle)

    def _compute(self, error: Any) -> int:
        return int(lib.grt_ranking_step(ctypes.byref(self._step), self._handle,
                                        ctypes.byref(error)))

    def _compute_beside(self, error: Any) -> int:
        """In a thread, since the main one hears Ctrl-C only while it waits in Python."""
        status: list[int] = []
        worker = threading.Thread(target=lambda: status.append(self._compute(error)), daemon=True)
        worker.start()
        try:
            worker.join()
        except BaseException:
            self.cancel()
            while worker.is_alive():
                try:
                    worker.join()
                except BaseException:  # again Ctrl-C: the ranking cannot be freed before it ends
                    continue
            raise
        return status[0]

    def advance(self) -> bool:
        """Computes one layer; False when nothing is left.  Cheaper than iterating."""
        if not self._handle:
            raise InvalidArgument("the ranking is closed")
        error, before = _abi.grt_error(), time.perf_counter()
        is_main = threading.current_thread() is threading.main_thread()
        status = self._compute_beside(error) if self._is_slow and is_main else self._compute(error)
        self._is_slow = time.perf_counter() - before > SLOW_STEP_S
        check(status, error)
        self._borrowed = None
        return not self._step.is_done

    def _taken(self) -> Step:
        step = self._step
        return Step(layer=step.layer, n_layers=step.n_layers, n_active=step.n_active,
                    n_selected=step.n_selected, n_dropped=step.n_dropped,
                    elapsed_s=step.elapsed_ns / 1e9, deadline_hit=bool(step.deadline_hit),
                    is_done=bool(step.is_done),
                    expected_precision=step.expected_precision or None,
                    indices=_copied(step.indices, step.n, ctypes.c_size_t),
                    logits=_copied(step.scores, step.n, ctypes.c_float),
                    states=_copied(step.states, step.n, ctypes.c_int32))

    def __iter__(self) -> Iterator[Step]:
        while not self._step.is_done:
            self.advance()
            yield self._taken()

    async def __aiter__(self) -> AsyncIterator[Step]:
        while not self._step.is_done:
            await in_thread(self.advance, self.cancel)
            yield self._taken()

    def result(self) -> Result:
        """The order as it stands; when nothing is left to compute it is the ranking."""
        if not self._handle:
            raise InvalidArgument("the ranking is closed")
        handle, error = ctypes.c_void_p(), _abi.grt_error()
        check(lib.grt_ranking_result(ctypes.byref(handle), self._handle, ctypes.byref(error)),
              error)
        assert handle.value
        return Result(handle.value, self._documents, self._ids)


async def in_thread(function: Any, cancel: Any) -> Any:
    """``function`` in a thread; when the task is cancelled, ``cancel`` is called and waited for."""
    future = asyncio.get_running_loop().run_in_executor(None, function)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        cancel()
        try:
            await future
        except Exception:
            pass
        raise
