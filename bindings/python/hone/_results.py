"""What the calls of hone.Model give: what a model is, what was found in texts, and rows of different lengths in the memory that
the library gave for them."""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from . import _library as c
from . import _structs
from ._texts import encode

Floats = NDArray[np.float32]
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


@dataclass(frozen=True)
class ModelInfo:
    """What a model is."""

    path: str
    name: str
    architecture: str
    task: str  # "embed", "classify", "generate", "classify_tokens", "answer", "find_spans", "rerank"; "none": a vocabulary
    pooling: str  # "mean", "cls", "last", "max"; "tokens": embed_tokens; "splade": embed_sparse; "none"
    normalize: bool
    activation: str
    chat_template: str
    n_params: int
    n_vocab: int
    n_layers: int
    n_dims: int  # of an embedding
    max_length: int  # tokens a text, special tokens included
    n_threads: int
    compute: str
    cpu: str
    fills_masks: bool
    has_decoder: bool
    labels: tuple[str, ...]
    prompts: Mapping[str, str]
    tasks: tuple[str, ...] = ()  # that the model has adapters for (jina-embeddings-v3)


@dataclass(frozen=True)
class Stats:
    """What happened to the texts of a model's calls until now."""

    n_texts: int
    n_tokens: int  # computed, special tokens included
    n_truncated: int  # cut to max_length
    n_invalid: int  # not UTF-8
    n_refused: int


@dataclass(frozen=True)
class Entity:
    """What a text names."""

    label: str
    text: str
    start: int  # characters of the text, [start, end)
    end: int
    score: float


@dataclass(frozen=True)
class Answer:
    """Where a context answers a question."""

    text: str
    start: int  # characters of the context, [start, end); 0, 0: there is none
    end: int
    score: float


@dataclass(frozen=True)
class Hybrid:
    """What one pass makes of texts; what was not asked for is None."""

    dense: Floats  # float32 [n_texts, n_dims]
    sparse: SparseVectors | None
    tokens: Rows[np.float32] | None


@dataclass(frozen=True)
class Guess:
    """A word for a mask."""

    id: int
    score: float


def as_text(data: bytes | None) -> str:
    return (data or b"").decode(errors="replace")


def take_text(text: ctypes.c_void_p, n: ctypes.c_size_t) -> str:
    try:
        return as_text(ctypes.string_at(text, n.value))
    finally:
        c.lib.hone_free(text)


def characters(data: bytes, n_bytes: int) -> int:
    """How many characters the first so many bytes are."""
    return len(data[:n_bytes].decode(errors="replace"))


def found(texts: list[str], rows: Any, starts: Any, make: Callable[[bytes, Any], Any]) -> list[list[Any]]:
    """What each text's rows are, from its bytes and one of them each. Frees the rows."""
    try:
        return [
            [make(encode(text), rows[k]) for k in range(int(starts[i]), int(starts[i + 1]))]
            for i, text in enumerate(texts)
        ]
    finally:
        c.lib.hone_free(rows)


def answer_of(data: bytes, a: _structs.Answer) -> Answer:
    start, end = characters(data, a.start), characters(data, a.end)
    return Answer(data[a.start : a.end].decode(errors="replace"), start, end, float(a.score))


def entity_of(data: bytes, e: _structs.Entity) -> Entity:
    start, end = characters(data, e.start), characters(data, e.end)
    return Entity(as_text(e.label), data[e.start : e.end].decode(errors="replace"), start, end, float(e.score))
