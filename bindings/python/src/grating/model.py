"""An open checkpoint."""
from __future__ import annotations

import array
import ctypes
import dataclasses
import os
import threading
from typing import Any, Callable, Optional, Sequence, Union

from . import _abi, _texts
from ._library import lib, sized, text_of
from .engine import Engine, choice
from .errors import InvalidArgument, check
from .ranking import Ranking, Step, in_thread
from .result import Result

DEFAULT_K = 10

POLICIES = {"default": _abi.GRT_POLICY_DEFAULT, "none": _abi.GRT_POLICY_NONE,
            "cluster": _abi.GRT_POLICY_CLUSTER, "bound": _abi.GRT_POLICY_BOUND}
PROMISES = {"default": _abi.GRT_PROMISE_DEFAULT, "set": _abi.GRT_PROMISE_SET,
            "order": _abi.GRT_PROMISE_ORDER, "scores": _abi.GRT_PROMISE_SCORES}
LONG = {"cut": _abi.GRT_LONG_CUT, "best": _abi.GRT_LONG_BEST, "refuse": _abi.GRT_LONG_REFUSE}
ARITHMETICS = {"auto": _abi.GRT_ARITHMETIC_AUTO, "f32": _abi.GRT_ARITHMETIC_F32,
               "bf16": _abi.GRT_ARITHMETIC_BF16, "int8": _abi.GRT_ARITHMETIC_INT8}
RESIDENCIES = {"auto": _abi.GRT_RESIDENCY_AUTO, "streamed": _abi.GRT_RESIDENCY_STREAMED,
               "resident": _abi.GRT_RESIDENCY_RESIDENT}


@dataclasses.dataclass(frozen=True)
class Info:
    """What a checkpoint is.  grt_model_info in grating.h."""
    architecture: str
    format: str
    tokenizer: str
    head: str
    n_layers: int
    hidden_size: int
    vocab_size: int
    max_tokens: int
    n_parameters: int
    arithmetic: str
    isa: str
    profile: Optional[str]


class Model:
    """A reranker: opens a checkpoint, and ranks.  Thread safe; the GIL is free while it computes.

    Args:
        path: a Hugging Face directory, a GGUF file, or a name: of a bundled model, "owner/name"
            in the Hugging Face cache, "ollama:name"; None: $GRATING_MODEL, or the bundled model.
        engine: several models may share one; None: one of its own, made of ``threads`` and
            ``memory`` (see Engine).
        profile: made by ``grating calibrate``; None: the one beside the model; "": none.
        arithmetic: of matrices: "auto", "f32", "bf16" or "int8".
        residency: which layers stay in memory: "auto", "streamed" or "resident".
        cutoff_layer: for models whose layers have heads of their own.

    >>> model = grating.Model()
    >>> model.rank("how do owls hunt", ["Bread rises.", "Owls hunt at night."], k=1)[0].index
    1
    """

    def __init__(self, path: Union[str, os.PathLike[str], None] = None,
                 engine: Optional[Engine] = None, *,
                 threads: int = 0, memory: Union[int, str, None] = None,
                 profile: Optional[str] = None, arithmetic: str = "auto",
                 residency: str = "auto", cutoff_layer: int = 0) -> None:
        self._handle: Optional[int] = None
        self._pid = os.getpid()
        self._lock, self._n_open = threading.Lock(), 0
        if engine is not None and (threads or memory is not None):
            raise ValueError("threads and memory are the engine's: give them to Engine")
        self.engine = engine or Engine(threads=threads, memory=memory)
        if path is None:
            path = os.environ.get("GRATING_MODEL") or None
        place: Any = sized(_abi.grt_model_place)
        handle, error = ctypes.c_void_p(), _abi.grt_error()
        name = None if path is None else os.fsencode(path)
        check(lib.grt_model_find(ctypes.byref(place), name, ctypes.byref(error)), error)
        #: Where the checkpoint is.
        self.path = os.fsdecode(place.path)
        options = sized(_abi.grt_model_options,
                        arithmetic=choice("arithmetic", arithmetic, ARITHMETICS),
                        residency=choice("residency", residency, RESIDENCIES),
                        cutoff_layer=cutoff_layer)
        if profile is not None:
            options.profile_path = os.fsencode(profile)
        check(lib.grt_model_open(ctypes.byref(handle), self.engine._handle,
                                 place.path if name is None else name, ctypes.byref(options),
                                 ctypes.byref(error)), error)
        self._handle = handle.value

    def __del__(self) -> None:
        handle, self._handle = getattr(self, "_handle", None), None
        if handle and self._pid == os.getpid():
            lib.grt_model_close(handle)

    def __enter__(self) -> Model:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<grating.Model {self.path}>"

    def close(self) -> None:
        """Gives its memory back; results stay.  InvalidArgument while rankings are open."""
        with self._lock:
            if self._n_open:
                raise InvalidArgument(f"{self._n_open} rankings of the model are open")
            handle, self._handle = self._handle, None
        if handle:
            lib.grt_model_close(handle)

    def _enter(self) -> bool:
        with self._lock:
            if not self._handle:
                raise InvalidArgument("the model is closed")
            self._n_open += 1
        return True

    def _leave(self) -> None:
        with self._lock:
            self._n_open -= 1

    # ---- what it is ----

    @property
    def info(self) -> Info:
        """Architecture, shapes, arithmetic."""
        self._enter()
        try:
            raw = sized(_abi.grt_model_info)
            lib.grt_model_describe(self._handle, ctypes.byref(raw))
            values: dict[str, Any] = {field.name: getattr(raw, field.name)
                                      for field in dataclasses.fields(Info)}
            values["arithmetic"] = lib.grt_arithmetic_text(raw.arithmetic)
            for name, value in values.items():
                if isinstance(value, bytes):
                    values[name] = text_of(value)
            return Info(**values)
        finally:
            self._leave()

    @property
    def notes(self) -> list[str]:
        """What the checkpoint's files left open, and how it was taken."""
        self._enter()
        try:
            raw: Any = sized(_abi.grt_note)
            found: list[str] = []
            while lib.grt_model_note(self._handle, len(found), ctypes.byref(raw)) == _abi.GRT_OK:
                found.append(text_of(raw.text) or "")
            return found
        finally:
            self._leave()

    def count_tokens(self, text: str) -> int:
        """Of a text on its own, without what a prompt puts around it."""
        encoded = _texts.encode(text, "the text")
        n, error = ctypes.c_size_t(), _abi.grt_error()
        self._enter()
        try:
            check(lib.grt_count_tokens(ctypes.byref(n), self._handle, encoded, len(encoded),
                                       ctypes.byref(error)), error)
        finally:
            self._leave()
        return n.value

    # ---- ranking ----

    def ranking(self, query: str, documents: Any, *, k: Optional[int] = DEFAULT_K,
                precision: Optional[float] = None, promise: str = "default",
                policy: str = "default", deadline: Optional[float] = None,
                priors: Optional[Sequence[float]] = None, instruction: Optional[str] = None,
                max_document_tokens: int = 0, long_documents: str = "cut",
                min_score: float = 0.0, ids: Optional[Sequence[Any]] = None) -> Ranking:
        """Opens a ranking that computes as it is iterated, a layer at a time; see ``rank``."""
        if k is not None and k < 0:
            raise ValueError(f"k: {k} is negative")
        texts = _texts.pack(documents)
        if ids is not None and len(ids) != texts.n:
            raise ValueError(f"ids: {len(ids)} for {texts.n} documents")
        encoded = _texts.encode(query, "the query")
        decisions = sized(_abi.grt_policy_options, policy=choice("policy", policy, POLICIES),
                          promise=choice("promise", promise, PROMISES),
                          precision=precision or 0.0)
        request = sized(
            _abi.grt_request, query=encoded, query_bytes=len(encoded),
            documents=ctypes.cast(texts.pointers, ctypes.c_void_p),
            document_bytes=ctypes.cast(texts.lengths, ctypes.c_void_p), n_documents=texts.n,
            k=k or 0, policy=ctypes.cast(ctypes.pointer(decisions), ctypes.c_void_p),
            max_document_tokens=max_document_tokens,
            long_documents=choice("long_documents", long_documents, LONG), min_score=min_score)
        if instruction is not None:
            request.instruction = _texts.encode(instruction, "the instruction")
            request.instruction_bytes = len(request.instruction)
        if deadline is not None:
            if not deadline > 0:
                raise ValueError(f"deadline: {deadline} is not above 0 seconds")
            request.deadline_ns = max(1, int(deadline * 1e9))
        added = None
        if priors is not None:
            added = array.array("f", priors)
            if len(added) != texts.n:
                raise ValueError(f"priors: {len(added)} for {texts.n} documents")
            request.priors = added.buffer_info()[0]
        return Ranking(self, request, texts, documents, ids if ids is not None else texts.ids,
                       (decisions, added))

    def rank(self, query: str, documents: Any, *, k: Optional[int] = DEFAULT_K,
             on_layer: Optional[Callable[[Step], Any]] = None, trace: bool = False,
             **options: Any) -> Result:
        """The K best of the documents.

        Args:
            query: a text.
            documents: str, bytes, or mappings with "text" and perhaps "title" and "id"; a list,
                any iterable, an Arrow array or a pandas column (not copied when it is Arrow).
            k: how many are wanted; None or 0: all, and then nobody is decided early.
            precision: share of the full pass's top K that shall come back; default 0.99.
            promise: what that is about: "order" (default), "set" or "scores".
            policy: "bound" (default), "cluster", or "none" for the full pass.
            deadline: seconds, after which the order as it stands is the result.
            priors: a number for each document, added to its logit at every layer.
            instruction: for models that take one.
            max_document_tokens, long_documents: documents that are longer are cut, split
                ("best": the best chunk counts) or refused.
            min_score: the top K holds no document below it.
            ids: one for each document, for ``Item.id``.
            on_layer: called with a Step after each layer, in this thread; raising ends it.
            trace: keep the steps, for ``Result.chart``.

        Raises:
            GratingError: one of its subclasses; KeyboardInterrupt is heard within a layer, and
                sooner where layers take long.
        """
        with self.ranking(query, documents, k=k, **options) as ranking:
            return _run(ranking, on_layer, trace)

    async def rank_async(self, query: str, documents: Any, **options: Any) -> Result:
        """``rank`` in a thread.  Cancelling the task ends the ranking within a chunk.

        ``on_layer`` is called in that thread."""
        k, on_layer = options.pop("k", DEFAULT_K), options.pop("on_layer", None)
        trace = options.pop("trace", False)
        with self.ranking(query, documents, k=k, **options) as ranking:
            return await in_thread(  # type: ignore[no-any-return]
                lambda: _run(ranking, on_layer, trace), ranking.cancel)


def _run(ranking: Ranking, on_layer: Optional[Callable[[Step], Any]], trace: bool) -> Result:
    """To the end; steps are copied only where somebody looks at them."""
    if on_layer is None and not trace:
        while ranking.advance():
            pass
        return ranking.result()
    steps = []
    for step in ranking:
        if trace:
            steps.append(step)
        if on_layer is not None:
            on_layer(step)
    result = ranking.result()
    result.trace = steps if trace else None
    return result
