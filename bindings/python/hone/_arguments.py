"""What the calls of hone.Model are given, checked, as the library takes it."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np

from . import _library as c
from ._calls import Stop, progress
from ._errors import UsageError
from ._generation import size
from ._results import Floats, as_text
from ._texts import TextArray, encode, text_array

Side = Literal["usual", "right", "left"]
Role = Literal["query", "document"]
OnProgress = Callable[[int], Any]
OnRefused = Callable[[int, str], Any]


class Run:
    """struct hone_run_options with all that it points to, and what ends the call."""

    def __init__(
        self,
        prompt: str | None,
        role: str | None,
        pooling: str | None,
        dims: int,
        normalize: bool | None,
        cut: str,
        raw: bool,
        on_progress: OnProgress | None,
        on_refused: OnRefused | None,
        partition: int,
        instruction: str | None = None,
        task: str | None = None,
    ) -> None:
        self.stop, self.raised = Stop(), list[BaseException]()
        function, self._keep = progress(on_progress, self.stop, self.raised)
        self.struct = c.new(
            c.RunOptions,
            pooling=encode(pooling) if pooling is not None else None,
            n_dims=size(dims, "dims"),
            prompt=encode(prompt) if prompt is not None else None,
            normalize=-1 if normalize is None else int(normalize),
            raw=raw,
            cut=choice(cut, c.SIDES, "cut"),
            on_progress=function,
            progress_arg=self.stop.address,
            instruction=encode(instruction) if instruction is not None else None,
            partition=size(partition, "partition"),
            adaptation=encode(task) if task is not None else None,
        )
        setattr(self.struct, "as", choice(role, c.ROLES, "role"))
        if on_refused is not None:
            self._on_refused = self._refusal(on_refused)
            self.struct.on_refused = ctypes.cast(self._on_refused, ctypes.c_void_p)

    def _refusal(self, on_refused: OnRefused) -> Any:
        def told(_: Any, i: int, sentence: bytes) -> None:
            try:
                on_refused(i, as_text(sentence))
            except BaseException as e:  # must not go through C
                self.raised.append(e)
                self.stop.set()

        return c.REFUSAL(told)

    @property
    def pointer(self) -> Any:
        return ctypes.byref(self.struct)


def address_of(argument: Any) -> Any:
    if isinstance(argument, TextArray):
        return argument.address
    return argument.ctypes.data if isinstance(argument, np.ndarray) else argument


def checked_threads(value: int) -> int:
    if size(value, "threads") > 4096:
        raise ValueError(f"threads is {value}, expected at most 4096")
    return value


def choice(value: Any, choices: Mapping[Any, int], name: str) -> int:
    if value not in choices:
        raise UsageError(f"{name} is {value!r}, expected one of {', '.join(repr(x) for x in choices)}")
    return choices[value]


def one_or_more(texts: Any) -> tuple[TextArray, bool]:
    """And whether it was one text, not in a list."""
    single = isinstance(texts, (str, bytes))
    return text_array([texts] if single else texts), single


def checked_pairs(pairs: Any, n: int, single: bool) -> TextArray | None:
    if pairs is None:
        return None
    if single != isinstance(pairs, (str, bytes)):
        raise TypeError("texts and pairs: expected two strings, or two lists of them")
    array = text_array([pairs] if single else pairs, "pairs")
    if len(array) != n:
        raise UsageError(f"{n} texts and {len(array)} pairs: expected as many")
    return array


def checked_out(out: Floats | None, shape: tuple[int, int], single: bool) -> Floats:
    if out is None:
        return np.empty(shape, np.float32)
    wanted = shape[1:] if single else shape
    if not isinstance(out, np.ndarray) or out.dtype != np.float32 or out.shape != wanted:
        found = f"{out.dtype} {list(out.shape)}" if isinstance(out, np.ndarray) else type(out).__name__
        raise UsageError(f"out is {found}, expected float32 {list(wanted)}")
    if not (out.flags.c_contiguous and out.flags.writeable and out.flags.aligned):
        raise UsageError("out has gaps or cannot be written, expected one run of memory")
    return out
