"""Threads and a budget of memory, for the models that are opened on it."""
from __future__ import annotations

import ctypes
import dataclasses
import os
import re
from typing import Any, Optional, Union

from . import _abi
from ._library import lib, sized
from .errors import check

HIDDEN = {"auto": _abi.GRT_HIDDEN_AUTO, "f32": _abi.GRT_HIDDEN_F32,
          "bf16": _abi.GRT_HIDDEN_BF16, "file": _abi.GRT_HIDDEN_FILE}
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def choice(what: str, value: str, known: dict[str, int]) -> int:
    """The number of a name; ValueError lists the names that there are."""
    if value not in known:
        raise ValueError(f"{what}: {value!r} is none of {', '.join(known)}")
    return known[value]


def size_in_bytes(size: Union[int, str, None]) -> int:
    """300_000_000, "300M" and "1.5G" (MiB, GiB); None: 0, no limit."""
    if size is None:
        return 0
    if isinstance(size, str):
        found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?\s*", size, re.I)
        if not found:
            raise ValueError(f"memory: {size!r} is not a size such as 300M or 1.5G")
        size = int(float(found[1]) * _UNITS[found[2].upper()])
    if size < 0:
        raise ValueError(f"memory: {size} is negative")
    return int(size)


@dataclasses.dataclass(frozen=True)
class Usage:
    """What an engine holds, in bytes.  grt_engine_usage in grating.h."""
    budget_bytes: int
    reserved_bytes: int
    allocated_bytes: int
    peak_bytes: int
    resident_bytes: int
    n_threads: int
    n_models: int
    n_rankings: int


class Engine:
    """One for a process is usual; thread safe.

    Args:
        threads: that compute, the caller's included; 0: one for each usable CPU.
        memory: what the library may have allocated, in bytes or as "300M"; None: no limit.
        hidden: how hidden states are kept: "auto", "f32", "bf16" or "file".
        temporary_directory: for hidden="file"; None: /var/tmp.
    """

    def __init__(self, *, threads: int = 0, memory: Union[int, str, None] = None,
                 hidden: str = "auto", temporary_directory: Optional[str] = None) -> None:
        self._handle: Optional[int] = None
        self._pid = os.getpid()
        options = sized(_abi.grt_engine_options, n_threads=threads,
                        memory_bytes=size_in_bytes(memory),
                        hidden=choice("hidden", hidden, HIDDEN))
        if temporary_directory is not None:
            options.temporary_directory = os.fsencode(temporary_directory)
        handle, error = ctypes.c_void_p(), _abi.grt_error()
        check(lib.grt_engine_create(ctypes.byref(handle), ctypes.byref(options),
                                    ctypes.byref(error)), error)
        self._handle = handle.value

    def __del__(self) -> None:
        handle, self._handle = getattr(self, "_handle", None), None
        if handle and self._pid == os.getpid():
            lib.grt_engine_free(handle)

    def set_memory(self, memory: Union[int, str, None]) -> None:
        """Sets the budget anew, for rankings that are opened from now on."""
        lib.grt_engine_set_memory(self._handle, size_in_bytes(memory))

    @property
    def usage(self) -> Usage:
        """What it holds now."""
        raw: Any = sized(_abi.grt_engine_usage)
        check(lib.grt_engine_describe(self._handle, ctypes.byref(raw)))
        return Usage(**{field.name: getattr(raw, field.name)
                        for field in dataclasses.fields(Usage)})
