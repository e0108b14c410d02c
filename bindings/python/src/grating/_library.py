"""Finds and loads libgrating; nothing else in the package calls ctypes.CDLL."""
from __future__ import annotations

import ctypes
import ctypes.util
import os
import pathlib
import sys
from typing import Any, Iterator, Optional

from . import _abi

VERSION = (0, 2)  # of the interface that _abi.py describes: major, minor
NATIVE = pathlib.Path(__file__).resolve().parent / "_native"


def _names() -> list[str]:
    version = f"{VERSION[0]}.{VERSION[1]}"
    if sys.platform == "darwin":
        return [f"libgrating.{version}.dylib", "libgrating.dylib"]
    if sys.platform == "win32":
        return ["libgrating.dll", "grating.dll"]
    return [f"libgrating.so.{version}", "libgrating.so"]


def _candidates() -> Iterator[str]:
    """$GRATING_LIBRARY alone where it is set; the wheel's own; the system's."""
    named = os.environ.get("GRATING_LIBRARY")
    if named:
        yield named
        return
    for folder in ("lib", "lib64", "bin"):
        for name in _names():
            path = NATIVE / folder / name
            if path.exists():
                yield str(path)
    yield from _names()
    found = ctypes.util.find_library("grating")
    if found:
        yield found


def _open() -> ctypes.CDLL:
    problem: Optional[OSError] = None
    for path in _candidates():
        try:
            return ctypes.CDLL(path)
        except OSError as error:
            problem = problem or error
    raise ImportError(f"libgrating cannot be loaded: {problem}; GRATING_LIBRARY may name the file")


def _load() -> Any:
    library = _open()
    for name, (result, arguments) in _abi.FUNCTIONS.items():
        try:
            function = getattr(library, name)
        except AttributeError:
            raise ImportError(f"{library._name}: no function {name}; this package needs libgrating "
                              f"{VERSION[0]}.{VERSION[1]}") from None
        function.restype, function.argtypes = result, arguments
    found = library.grt_version().decode()
    if tuple(int(part) for part in found.split(".")[:2]) != VERSION:
        raise ImportError(f"{library._name} is version {found}; this package needs "
                          f"{VERSION[0]}.{VERSION[1]}")
    return library


lib = _load()


def sized(kind: Any, **fields: Any) -> Any:
    """A struct with its size set, as the macros ..._INIT do."""
    return kind(struct_size=ctypes.sizeof(kind), **fields)


def text_of(value: Optional[bytes]) -> Optional[str]:
    return None if value is None else value.decode("utf-8", "replace")
