"""What frameworks' chat models have in common."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Union

from ._model import Model

ModelOrName = Union[Model, str]


def model_of(model: ModelOrName, options: Mapping[str, Any] | None = None) -> Model:
    """A model, which may be given by its name and options."""
    return model if isinstance(model, Model) else Model(os.fspath(model), **(options or {}))


def options_of(given: Mapping[str, Any], stop: Any = None) -> dict[str, Any]:
    """Options of generation without those that nobody set; further texts to stop at."""
    options = {name: value for name, value in given.items() if value is not None}
    stops = [options["stop"]] if isinstance(options.get("stop"), str) else list(options.get("stop") or [])
    stops += [stop] if isinstance(stop, str) else list(stop or [])
    options.pop("stop", None)
    return {**options, "stop": stops} if stops else options
