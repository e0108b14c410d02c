"""What comes out of a ranking."""
from __future__ import annotations

import ctypes
import dataclasses
import html
from typing import Any, Iterator, Optional, Sequence, overload

from . import _abi
from ._library import lib, sized

STATES = ("finished", "selected", "dropped", "active")


@dataclasses.dataclass(frozen=True)
class Item:
    """One document of a ranking.

    Attributes:
        index: position among the documents that were given.
        id: its id, where ids were given; else None.
        score: 0..1, never rising along the ranking.
        logit: what the model's head gives, priors included.
        is_exact: the logit is the full pass's.
        layer: layers computed when it was decided.
        state: "finished", "selected" or "dropped"; "active" after a deadline.
        n_tokens: of the pair of query and document, as computed.
        is_truncated: the document, or the query beside it, was cut to a limit.
        text: the document as it was given.
    """
    index: int
    id: Any
    score: float
    logit: float
    is_exact: bool
    layer: int
    state: str
    n_tokens: int
    is_truncated: bool
    text: Any


@dataclasses.dataclass(frozen=True)
class Stats:
    """What was computed and read; times are seconds, sizes bytes.  grt_stats in grating.h."""
    n_documents: int
    n_layers: int
    n_tokens: int
    n_prefix: int
    tokens_x_layers: int
    full_tokens_x_layers: int
    candidates_x_layers: int
    weight_bytes: int
    embedding_bytes: int
    memory_bytes: int
    read_s: float
    wait_s: float
    turn_s: float
    tokenize_s: float
    compute_s: float
    total_s: float
    policy: str
    promise: str
    precision: Optional[float]
    has_profile: bool
    drift: Optional[float]
    deadline_hit: bool
    expected_precision: Optional[float]
    arithmetic: str
    isa: str

    @property
    def share_computed(self) -> float:
        """Of the layers x candidates of a full pass."""
        full = self.n_documents * self.n_layers
        return self.candidates_x_layers / full if full else 0.0


def _stats_of(handle: int) -> Stats:
    raw = sized(_abi.grt_stats)
    lib.grt_result_stats(handle, ctypes.byref(raw))
    values: dict[str, Any] = {}
    for field in dataclasses.fields(Stats):
        name = field.name
        if name.endswith("_s"):
            values[name] = getattr(raw, name[:-1] + "ns") / 1e9
        else:
            values[name] = getattr(raw, name)
    values.update(
        policy=lib.grt_policy_text(raw.policy).decode(),
        promise=lib.grt_promise_text(raw.promise).decode(),
        arithmetic=lib.grt_arithmetic_text(raw.arithmetic).decode(),
        isa=raw.isa.decode() if raw.isa else "",
        has_profile=bool(raw.has_profile), deadline_hit=bool(raw.deadline_hit),
        precision=raw.precision or None, drift=raw.drift or None,
        expected_precision=raw.expected_precision or None)
    return Stats(**values)


class _Column:
    """Memory of a result for NumPy, which keeps this object, and so the result, alive."""

    def __init__(self, owner: Result, address: int, n: int, kind: str) -> None:
        self.owner = owner
        self.__array_interface__ = {"shape": (n,), "typestr": kind, "data": (address, True),
                                    "version": 3}


def _column(owner: Result, function: Any, n: int, kind: str, c_type: Any) -> Any:
    address = function(owner._handle) if n else None
    try:
        import numpy
    except ImportError:
        array: Any = (c_type * n).from_address(address) if address else (c_type * 0)()
        array._owner = owner
        return memoryview(array).cast("B").cast(c_type._type_).toreadonly() if n else ()
    if address is None:
        return numpy.zeros(0, kind)
    return numpy.asarray(_Column(owner, address, n, kind))


class Result(Sequence[Item]):
    """The ranking.  As a sequence it holds the top K, best first; columns hold all N.

    Immutable and thread safe; it outlives the model.  Columns are read-only NumPy arrays over
    the library's own memory (memoryviews where NumPy is not installed)."""

    def __init__(self, handle: int, documents: Any, ids: Optional[Sequence[Any]] = None,
                 trace: Optional[list[Any]] = None) -> None:
        self._handle: Optional[int] = handle
        self._documents = documents
        self._ids = ids
        self._n = int(lib.grt_result_count(handle))
        self._top = int(lib.grt_result_top(handle))
        self._stats: Optional[Stats] = None
        #: What each layer gave, where ``rank(..., trace=True)`` asked for it.
        self.trace = trace

    def __del__(self) -> None:
        handle, self._handle = getattr(self, "_handle", None), None
        if handle and lib is not None:
            lib.grt_result_free(handle)

    # ---- columns ----

    @property
    def indices(self) -> Any:
        """[N] positions among the documents, best first."""
        return _column(self, lib.grt_result_indices, self._n, "<u8", ctypes.c_size_t)

    @property
    def scores(self) -> Any:
        """[N] 0..1, never rising."""
        return _column(self, lib.grt_result_scores, self._n, "<f4", ctypes.c_float)

    @property
    def logits(self) -> Any:
        """[N] what the model's head gives, or is predicted to give, priors included."""
        return _column(self, lib.grt_result_logits, self._n, "<f4", ctypes.c_float)

    @property
    def states(self) -> Any:
        """[N] index into ``grating.result.STATES``."""
        return _column(self, lib.grt_result_states, self._n, "<i4", ctypes.c_int32)

    @property
    def layers(self) -> Any:
        """[N] layers computed when the document was decided."""
        return _column(self, lib.grt_result_layers, self._n, "<u8", ctypes.c_size_t)

    @property
    def tokens(self) -> Any:
        """[N] tokens of the pair as computed."""
        return _column(self, lib.grt_result_tokens, self._n, "<u8", ctypes.c_size_t)

    @property
    def flags(self) -> Any:
        """[N] 1: the full pass's logit, 2: the document was cut, 4: the query was."""
        return _column(self, lib.grt_result_flags, self._n, "<u4", ctypes.c_uint32)

    # ---- items ----

    def item(self, i: int) -> Item:
        """Candidate i of all N, best first; IndexError past the end."""
        if not 0 <= i < self._n:
            raise IndexError(f"{i} of {self._n} documents")
        raw = sized(_abi.grt_item)
        lib.grt_result_item(self._handle, i, ctypes.byref(raw))
        cut = _abi.GRT_FLAG_TRUNCATED | _abi.GRT_FLAG_QUERY_TRUNCATED
        return Item(index=raw.index, id=self._ids[raw.index] if self._ids is not None else None,
                    score=raw.score, logit=raw.logit,
                    is_exact=bool(raw.flags & _abi.GRT_FLAG_EXACT), layer=raw.layer,
                    state=STATES[raw.state], n_tokens=raw.n_tokens,
                    is_truncated=bool(raw.flags & cut), text=self._text(raw.index))

    def _text(self, index: int) -> Any:
        documents = self._documents
        value = documents.iloc[index] if hasattr(documents, "iloc") else documents[index]
        return value.as_py() if hasattr(value, "as_py") else value

    def all(self) -> Iterator[Item]:
        """All N documents, best first."""
        return (self.item(i) for i in range(self._n))

    def __len__(self) -> int:
        return self._top

    @overload
    def __getitem__(self, i: int) -> Item: ...

    @overload
    def __getitem__(self, i: slice) -> list[Item]: ...

    def __getitem__(self, i: Any) -> Any:
        if isinstance(i, slice):
            return [self.item(one) for one in range(*i.indices(self._top))]
        i = i + self._top if i < 0 else i
        if not 0 <= i < self._top:
            raise IndexError(f"{i} of the {self._top} best")
        return self.item(i)

    @property
    def stats(self) -> Stats:
        """What was computed and read."""
        if self._stats is None:
            assert self._handle is not None
            self._stats = _stats_of(self._handle)
        return self._stats

    # ---- for other programs, and for the eye ----

    def to_pandas(self) -> Any:
        """All N documents as a DataFrame, best first."""
        import pandas

        return pandas.DataFrame({
            "rank": range(1, self._n + 1), "index": self.indices, "score": self.scores,
            "logit": self.logits, "layer": self.layers,
            "state": [STATES[state] for state in self.states], "n_tokens": self.tokens,
            "is_exact": [bool(flags & _abi.GRT_FLAG_EXACT) for flags in self.flags],
            "id": [self._ids[i] if self._ids is not None else None for i in self.indices],
            "text": [self._text(i) for i in self.indices]})

    def chart(self) -> Any:
        """The scores by layer, as a picture that notebooks show; needs ``trace=True``."""
        from ._chart import Chart

        return Chart(self)

    def __repr__(self) -> str:
        best = ", ".join(f"{item.index}: {item.score:.3f}" for item in self[:3])
        return f"<grating.Result top {self._top} of {self._n}: {best}{', ...' * (self._top > 3)}>"

    def _repr_html_(self) -> str:
        n_layers = max(self.stats.n_layers, 1)
        rows = []
        for rank, item in enumerate(self, 1):
            text = item.text.get("text", "") if isinstance(item.text, dict) else str(item.text)
            text = text if len(text) <= 200 else text[:199] + "…"
            rows.append(
                f"<tr><td>{rank}</td><td>{item.score:.4f}</td><td><div title='decided after "
                f"{item.layer} of {n_layers} layers' style='width:6em;background:rgba(128,128,128,"
                f".25)'><div style='width:{100 * item.layer / n_layers:.0f}%;height:.7em;"
                f"background:#2f6f9f'></div></div></td>"
                f"<td>{html.escape(str(item.index if item.id is None else item.id))}</td>"
                f"<td style='text-align:left'>{html.escape(text)}</td></tr>")
        share = f"{100 * self.stats.share_computed:.0f} % of layers × candidates computed"
        return ("<table><thead><tr><th>rank</th><th>score</th><th>layers</th><th>id</th>"
                f"<th style='text-align:left'>text</th></tr></thead><tbody>{''.join(rows)}"
                f"</tbody></table><p>{share}, {1000 * self.stats.total_s:.0f} ms</p>")
