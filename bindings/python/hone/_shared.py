"""One model a process for all who name it alike: tasks of a cluster's worker come one after the other."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from typing import Any

from ._model import Model

_LOCK = threading.Lock()
_MODELS: dict[tuple[int, str, str], Model] = {}


def shared_model(name: str, options: Mapping[str, Any]) -> Model:
    """The model of this process, opened the first time."""
    key = os.getpid(), os.fspath(name), repr(sorted(options.items()))
    with _LOCK:
        if key not in _MODELS:
            _MODELS[key] = Model(name, **options)
        return _MODELS[key]
