"""What can go wrong, one class for each status of the library that a caller may tell apart."""
from __future__ import annotations

from typing import Optional

from . import _abi


class GratingError(Exception):
    """An operation failed; ``str(error)`` is one line that names the thing.

    Attributes:
        status: the library's status, e.g. -4.
        offset: byte of the file at fault, or None.
        smallest_bytes: of OutOfMemory and Busy: the smallest budget that works, or None.
    """

    def __init__(self, text: str, status: int = 0, offset: Optional[int] = None,
                 smallest_bytes: Optional[int] = None) -> None:
        super().__init__(text)
        self.status = status
        self.offset = offset
        self.smallest_bytes = smallest_bytes


class InvalidArgument(GratingError, ValueError):
    """An argument that makes no sense, such as no documents or a NaN among the priors."""


class OutOfMemory(GratingError, MemoryError):
    """It never fits the budget or the machine; ``smallest_bytes`` says what would do."""


class InputOutputError(GratingError, OSError):
    """A file could not be read or written, or it changed while it was open."""


class FormatError(GratingError, ValueError):
    """A file is malformed or cut off."""


class Unsupported(GratingError, NotImplementedError):
    """Valid, but not supported: an architecture, an option, a use after fork."""


class TooLong(GratingError, ValueError):
    """An input exceeds a limit, and was to be refused."""


class Cancelled(GratingError):
    """Somebody called ``cancel``."""


class NotFound(GratingError, FileNotFoundError):
    """Nothing is at that path, or no model has that name."""


class Busy(GratingError):
    """It fits the budget once other rankings have ended: try again."""


_CLASSES = {
    _abi.GRT_E_INVALID_ARG: InvalidArgument,
    _abi.GRT_E_NO_MEMORY: OutOfMemory,
    _abi.GRT_E_IO: InputOutputError,
    _abi.GRT_E_FORMAT: FormatError,
    _abi.GRT_E_UNSUPPORTED: Unsupported,
    _abi.GRT_E_TOO_LONG: TooLong,
    _abi.GRT_E_CANCELLED: Cancelled,
    _abi.GRT_E_NOT_FOUND: NotFound,
    _abi.GRT_E_BUSY: Busy,
}


def check(status: int, error: Optional[_abi.grt_error] = None) -> None:
    """Raises what a status stands for; returns on GRT_OK."""
    if status == _abi.GRT_OK:
        return
    text, offset, smallest = _abi.STATUS_TEXTS.get(status, f"status {status}"), None, None
    if error is not None and error.text:
        text = error.text.decode("utf-8", "replace")
        offset = error.offset if error.offset >= 0 else None
        smallest = error.smallest_bytes or None
    raise _CLASSES.get(status, GratingError)(text, status, offset, smallest)
