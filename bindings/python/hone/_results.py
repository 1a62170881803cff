"""Results of different lengths, in the memory that the library gave for them."""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Iterator
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from . import _library as c

Scalar = TypeVar("Scalar", bound=np.generic)
WORD: np.dtype[Any] = np.dtype([("id", np.int32), ("weight", np.float32)])


def owned(address: int | None, n: int, dtype: Any) -> NDArray[Any]:
    """[n] of what the library allocated, without copying; freed with the last array that looks at it."""
    dtype = np.dtype(dtype)
    if not address or n == 0:
        c.lib.hone_free(address)
        return np.empty(0, dtype)
    memory = (ctypes.c_char * (n * dtype.itemsize)).from_address(address)
    weakref.finalize(memory, c.lib.hone_free, address)
    return np.frombuffer(memory, dtype)


class Rows(Generic[Scalar]):
    """A run of rows for each text: rows[i] are those of text i.

    values: all of them, [starts[-1], ...]; starts: [n_texts + 1]. Text i has values[starts[i]:starts[i + 1]].
    """

    def __init__(self, values: NDArray[Scalar], starts: NDArray[np.uintp]) -> None:
        self.values = values
        self.starts = starts

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, i: int) -> NDArray[Scalar]:
        i = range(len(self))[i]
        return self.values[int(self.starts[i]) : int(self.starts[i + 1])]

    def __iter__(self) -> Iterator[NDArray[Scalar]]:
        return (self[i] for i in range(len(self)))


class SparseVectors:
    """Weights of words, in the form of a CSR matrix: text i has the words ids[starts[i]:starts[i + 1]], by rising id, with
    the weights at the same places. sparse[i] is a dict of them."""

    def __init__(self, words: NDArray[Any], starts: NDArray[np.uintp], n_vocab: int) -> None:
        self.ids: NDArray[np.int32] = words["id"]
        self.weights: NDArray[np.float32] = words["weight"]
        self.starts = starts
        self.shape = (len(starts) - 1, n_vocab)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, i: int) -> dict[int, float]:
        i = range(len(self))[i]
        part = slice(int(self.starts[i]), int(self.starts[i + 1]))
        return dict(zip(self.ids[part].tolist(), self.weights[part].tolist()))

    def __iter__(self) -> Iterator[dict[int, float]]:
        return (self[i] for i in range(len(self)))

    def to_dense(self) -> NDArray[np.float32]:
        """float32 [n_texts, n_vocab]."""
        out = np.zeros(self.shape, np.float32)
        counts = (self.starts[1:] - self.starts[:-1]).astype(np.int64)
        out[np.repeat(np.arange(len(self)), counts), self.ids] = self.weights
        return out

    def to_scipy(self) -> Any:
        """scipy.sparse.csr_matrix [n_texts, n_vocab] (needs scipy)."""
        from scipy.sparse import csr_matrix

        return csr_matrix((self.weights, self.ids, self.starts.astype(np.int64)), shape=self.shape)
