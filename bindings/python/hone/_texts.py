"""Python's strings as the library reads them: an array of struct hone_text over bytes that stay where they are."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Sequence
from typing import Any, Union

import numpy as np
from numpy.typing import NDArray

from . import _library as c

Texts = Union[Sequence[str], Iterable[str], "NDArray[Any]"]


def text_bytes(text: ctypes.Structure) -> bytes:
    """The bytes of a struct hone_text. They need not end with NUL, up to which ctypes would read them as a string, and may
    have it inside; so the address, its first member, is taken as such."""
    address = ctypes.c_void_p.from_buffer(text).value
    size: int = text.size
    return ctypes.string_at(address, size) if address and size else b""


class TextArray:
    """struct hone_text [n]. What it points to lives as long as this does."""

    def __init__(self, rows: NDArray[np.uintp], keep: object) -> None:
        self._rows = rows  # [n, 2]: address, bytes
        self._keep = keep

    def __len__(self) -> int:
        return int(self._rows.shape[0])

    @property
    def address(self) -> int:
        return int(self._rows.ctypes.data)

    @property
    def n_bytes(self) -> int:
        return int(self._rows[:, 1].sum())

    def struct(self, i: int) -> c.Text:
        text = c.Text(int(self._rows[i, 0]), int(self._rows[i, 1]))
        text.keep = self
        return text


def encode(text: str | bytes, name: str = "the text") -> bytes:
    """As UTF-8. Lone surrogates become invalid UTF-8, which the library reads with U+FFFD in place, and counts."""
    if isinstance(text, str):
        return text.encode("utf-8", "surrogatepass")
    if isinstance(text, bytes):
        return text
    raise TypeError(f"{name} is of type {type(text).__name__}, expected a str")


def text_array(texts: Any, name: str = "texts") -> TextArray:
    """From strings of any kind: a list, an array of numpy, a column of pandas; of Apache Arrow without copying."""
    if isinstance(texts, (str, bytes)):
        raise TypeError(f"{name} is a {type(texts).__name__}, expected a list of them")
    if hasattr(texts, "combine_chunks") and hasattr(texts, "num_chunks"):  # a pyarrow.ChunkedArray
        texts = texts.chunk(0) if texts.num_chunks == 1 else texts.combine_chunks()
    if hasattr(texts, "buffers") and hasattr(texts, "offset"):
        arrow = _of_arrow(texts, name)
        if arrow is not None:
            return arrow
        texts = texts.to_pylist()
    try:
        encoded = [t.encode() for t in texts]
    except (AttributeError, UnicodeEncodeError):
        encoded = [encode(t, f"{name}[{i}]") for i, t in enumerate(texts)]
    return _of_bytes(encoded)


def _of_bytes(encoded: list[bytes]) -> TextArray:
    # One run of bytes: addresses of n objects would have to be asked for one by one.
    whole = b"".join(encoded)
    rows = np.empty((len(encoded), 2), np.uintp)
    rows[:, 1] = np.fromiter(map(len, encoded), np.uintp, len(encoded))
    ends = np.cumsum(rows[:, 1], dtype=np.uintp)
    start = ctypes.cast(ctypes.c_char_p(whole), ctypes.c_void_p).value or 0
    rows[:, 0] = np.uintp(start) + ends - rows[:, 1]
    return TextArray(rows, whole)


def _of_arrow(array: Any, name: str) -> TextArray | None:
    """The bytes that an Arrow array holds, where they are; None: it is of another type."""
    widths = {"string": np.int32, "large_string": np.int64, "binary": np.int32, "large_binary": np.int64}
    width = widths.get(str(array.type))
    if width is None:
        return None
    if array.null_count:
        i = next(i for i, valid in enumerate(array.is_valid().to_pylist()) if not valid)
        raise TypeError(f"{name}[{i}] is null, expected a string")
    _, offsets_buffer, data = array.buffers()
    rows = np.empty((len(array), 2), np.uintp)
    if len(array):
        offsets = np.frombuffer(offsets_buffer, width)[array.offset : array.offset + len(array) + 1]
        rows[:, 1] = np.diff(offsets).astype(np.uintp)
        rows[:, 0] = np.uintp(data.address if data is not None else 0) + offsets[:-1].astype(np.uintp)
    return TextArray(rows, array)
