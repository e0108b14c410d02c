"""grating: the K best of N texts for a query, on this machine.

>>> import grating
>>> model = grating.Model()
>>> for item in model.rank("how do owls hunt", ["Bread rises by yeast.", "Owls hunt at night."]):
...     print(item.score, item.text)

``CrossEncoder`` has the names of sentence-transformers; adapters for LangChain, LlamaIndex,
Haystack, rerankers and DSPy are in ``grating.adapters``."""
from ._library import lib as _lib
from .cross_encoder import CrossEncoder
from .engine import Engine, Usage
from .errors import (Busy, Cancelled, FormatError, GratingError, InputOutputError,
                     InvalidArgument, NotFound, OutOfMemory, TooLong, Unsupported)
from .model import Info, Model
from .ranking import Ranking, Step
from .result import Item, Result, Stats

__version__: str = _lib.grt_version().decode()
__all__ = ["Busy", "Cancelled", "CrossEncoder", "Engine", "FormatError", "GratingError", "Info",
           "InputOutputError", "InvalidArgument", "Item", "Model", "NotFound", "OutOfMemory",
           "Ranking", "Result", "Stats", "Step", "TooLong", "Unsupported", "Usage", "__version__"]
