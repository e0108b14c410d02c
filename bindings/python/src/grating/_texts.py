"""Documents as C takes them: an array of pointers and an array of lengths.

Lists of str are encoded once.  Arrow arrays, and pandas columns that are kept in Arrow, are not
copied: pointers are computed from their offsets."""
from __future__ import annotations

import ctypes
from typing import Any, Iterable, Mapping, NamedTuple, Optional, Sequence, Union

Document = Union[str, bytes, Mapping[str, Any]]


class Texts(NamedTuple):
    """``pointers`` and ``lengths`` are arrays of ``n``; ``keep`` holds what they point into."""
    n: int
    pointers: Any
    lengths: Any
    keep: Any
    ids: Optional[Sequence[Any]] = None


def encode(text: Union[str, bytes], what: str) -> bytes:
    """UTF-8.  A lone surrogate becomes bytes that the library reads as U+FFFD."""
    if isinstance(text, str):
        return text.encode("utf-8", "surrogatepass")
    if isinstance(text, (bytes, bytearray)):
        return bytes(text)
    raise TypeError(f"{what} is {type(text).__name__}, not a str")


def text_of(document: Document, i: int) -> Union[str, bytes]:
    """A document's text: itself, or what a mapping has under "text", after its "title"."""
    if isinstance(document, (str, bytes)):
        return document
    if isinstance(document, Mapping):
        text = document.get("text")
        if text is None:
            raise TypeError(f'documents[{i}] is a mapping without "text"')
        title = document.get("title")
        return f"{title} {text}" if isinstance(title, str) and title else text
    raise TypeError(f"documents[{i}] is {type(document).__name__}, not a str")


def _from_list(documents: Sequence[Document]) -> Texts:
    ids = None
    if all(type(one) is str for one in documents):
        encoded = [one.encode("utf-8", "surrogatepass") for one in documents]  # type: ignore[union-attr]
    else:
        encoded = [encode(text_of(one, i), f"documents[{i}]") for i, one in enumerate(documents)]
        if any(isinstance(one, Mapping) and "id" in one for one in documents):
            ids = [one.get("id") if isinstance(one, Mapping) else None for one in documents]
    n = len(encoded)
    pointers = (ctypes.c_char_p * n)(*encoded)
    lengths = (ctypes.c_size_t * n)(*map(len, encoded))
    return Texts(n, pointers, lengths, encoded, ids)


def _arrow_chunks(documents: Any) -> Optional[list[Any]]:
    """The chunks of an Arrow array, or of the one below a pandas column; None: neither."""
    module = type(documents).__module__.partition(".")[0]
    if module == "pandas":
        array = getattr(documents, "array", documents)
        documents = getattr(array, "_pa_array", None)
        if documents is None:
            return None
    elif module != "pyarrow":
        return None
    return list(documents.chunks) if hasattr(documents, "chunks") else [documents]


def _from_arrow(chunks: list[Any]) -> Texts:
    import numpy
    import pyarrow

    pointers, lengths, kept, n_before = [], [], [], 0
    for chunk in chunks:
        if pyarrow.types.is_dictionary(chunk.type):
            chunk = chunk.dictionary_decode()
        if not (pyarrow.types.is_string(chunk.type) or pyarrow.types.is_large_string(chunk.type)
                or pyarrow.types.is_binary(chunk.type) or pyarrow.types.is_large_binary(chunk.type)):
            if not hasattr(pyarrow.types, "is_string_view") or \
                    not pyarrow.types.is_string_view(chunk.type):
                raise TypeError(f"documents are an Arrow array of {chunk.type}, not of strings")
            chunk = chunk.cast(pyarrow.large_string())
        if chunk.null_count:
            first = chunk.is_null().to_pylist().index(True)
            raise TypeError(f"documents[{n_before + first}] is null, not a text")
        is_large = pyarrow.types.is_large_string(chunk.type) or \
            pyarrow.types.is_large_binary(chunk.type)
        kept.append(chunk)  # decoded and converted ones belong to nobody else
        _, offsets, data = chunk.buffers()
        if len(chunk):
            kind = numpy.int64 if is_large else numpy.int32
            edges = numpy.frombuffer(offsets, kind, len(chunk) + 1,
                                     chunk.offset * numpy.dtype(kind).itemsize)
            base = data.address if data is not None else offsets.address
            pointers.append(edges[:-1].astype(numpy.uint64) + numpy.uint64(base))
            lengths.append(numpy.diff(edges).astype(numpy.uint64))
        n_before += len(chunk)
    all_pointers = numpy.concatenate(pointers) if pointers else numpy.zeros(0, numpy.uint64)
    all_lengths = numpy.concatenate(lengths) if lengths else numpy.zeros(0, numpy.uint64)
    return Texts(n_before, ctypes.c_void_p(all_pointers.ctypes.data),
                 ctypes.c_void_p(all_lengths.ctypes.data), (kept, all_pointers, all_lengths))


def pack(documents: Any) -> Texts:
    """TypeError names what is no text."""
    if isinstance(documents, (str, bytes, Mapping)):
        raise TypeError("documents are a list of texts; this is a single one")
    chunks = _arrow_chunks(documents)
    if chunks is not None:
        return _from_arrow(chunks)
    if not isinstance(documents, (list, tuple)):
        if not isinstance(documents, Iterable):
            raise TypeError(f"documents are {type(documents).__name__}, not a list of texts")
        documents = list(documents)
    return _from_list(documents)
