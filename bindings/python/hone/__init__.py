"""hone: embed, rerank, classify and generate on a CPU.

    import hone

    model = hone.Model("model.gguf")
    vectors = model.embed(["a text", "another one"])  # float32 [2, n_dims]

Calls release the interpreter lock, may come from many threads, and end with Ctrl-C. hone.sentence_transformers,
hone.langchain, hone.llama_index, hone.haystack, hone.spark, hone.ray and hone.dask are for who uses those.
"""

from ._errors import BadModelError, BusyError, CancelledError, HoneError, LateError, RefusedError, UsageError
from ._generation import Generated
from ._model import Model
from ._results import Answer, Entity, Guess, Hybrid, ModelInfo, Rows, SparseVectors, Stats
from ._scheduler import AsyncStream, Stream
from ._version import __version__

__all__ = [
    "Answer",
    "AsyncStream",
    "BadModelError",
    "BusyError",
    "CancelledError",
    "Entity",
    "Generated",
    "Guess",
    "HoneError",
    "Hybrid",
    "LateError",
    "Model",
    "ModelInfo",
    "RefusedError",
    "Rows",
    "SparseVectors",
    "Stats",
    "Stream",
    "UsageError",
    "__version__",
]
