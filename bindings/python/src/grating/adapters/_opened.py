"""What all adapters share: a model that is opened when it is first used."""
from __future__ import annotations

import threading
from typing import Any, Union

from ..model import Model

_lock = threading.Lock()


class Opened:
    """A model, or where it is; opened once, at the first use or by ``get``."""

    def __init__(self, model: Union[Model, str, None]) -> None:
        self._model = model if isinstance(model, Model) else None
        self.path = model.path if isinstance(model, Model) else model

    def get(self) -> Model:
        with _lock:
            if self._model is None:
                self._model = Model(self.path)
            return self._model

    def __deepcopy__(self, memo: Any) -> Opened:
        return self

    def __reduce__(self) -> Any:  # pickled, it is opened anew where it arrives
        return Opened, (self.path,)
