"""The C library: its functions. Structs and constants are made of its headers (_structs.py, make_structs.py).

ctypes releases the interpreter lock in every call.
"""

from __future__ import annotations

import ctypes
import os
import pathlib
from collections.abc import Mapping
from ctypes import CFUNCTYPE, POINTER, c_bool, c_char_p, c_double, c_int, c_size_t, c_uint64, c_void_p
from typing import Any

from . import _structs
from ._structs import (
    AnswerOptions,
    Chat,
    EntityOptions,
    Error,
    Generation,
    ModelInfo,
    Options,
    Request,
    RunOptions,
    SchedulerOptions,
    SpanOptions,
    Stats,
    Text,
    ZeroShotOptions,
)

OK, FAILED, USAGE, BAD_MODEL, REFUSED, BUSY, LATE, CANCELLED = (
    getattr(_structs, "HONE_" + name)
    for name in ("OK", "FAILED", "USAGE", "BAD_MODEL", "REFUSED", "BUSY", "LATE", "CANCELLED")
)
SIZE_MAX = 2 ** (8 * ctypes.sizeof(c_size_t)) - 1


def words(prefix: str) -> dict[str, int]:
    """Values of an enum, by the words that callers use: {"auto": 0, "f32": 1} of HONE_COMPUTE_AUTO, HONE_COMPUTE_F32."""
    return {name[len(prefix) :].lower(): value for name, value in vars(_structs).items() if name.startswith(prefix)}


COMPUTE, KV, SIDES, AGGREGATES = (words(f"HONE_{name}_") for name in ("COMPUTE", "KV", "SIDE", "AGGREGATE"))
PRIORITIES, REQUESTS = words("HONE_PRIORITY_"), words("HONE_REQUEST_")
ROLES: Mapping[str | None, int] = {None if k == "none" else k: v for k, v in words("HONE_ROLE_").items()}
TASKS, FINISHES = ({v: k for k, v in words(f"HONE_{name}_").items()} for name in ("TASK", "FINISH"))

# What is called back: functions of struct hone_run_options, hone_generation and hone_request.
REFUSAL = CFUNCTYPE(None, c_void_p, c_size_t, c_char_p)
ON_TOKEN = CFUNCTYPE(c_bool, c_void_p, POINTER(_structs.Token))
ON_REPLY = CFUNCTYPE(None, c_void_p, POINTER(_structs.Reply))


def new(struct: Any, **fields: Any) -> Any:
    """A struct whose `size` is set, as its ..._DEFAULTS would, with these fields."""
    out = struct()
    out.size = ctypes.sizeof(struct)
    for name, value in fields.items():
        setattr(out, name, value)
    return out


# What functions take and return; statuses are checked by who calls.
ERROR, MODEL, STATS, RUN, OUT = POINTER(Error), c_void_p, POINTER(Stats), POINTER(RunOptions), POINTER(c_void_p)
FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "hone_model_open": (c_int, [OUT, c_char_p, POINTER(Options), ERROR]),
    "hone_model_close": (None, [OUT]),
    "hone_model_info": (POINTER(ModelInfo), [MODEL]),
    "hone_model_label": (c_char_p, [MODEL, c_size_t]),
    "hone_model_prompt": (c_char_p, [MODEL, c_size_t, POINTER(c_char_p)]),
    "hone_model_adaptation": (c_char_p, [MODEL, c_size_t]),
    "hone_model_remark": (c_char_p, [MODEL, c_size_t]),
    "hone_embed": (c_int, [MODEL, c_void_p, c_size_t, RUN, c_void_p, STATS, ERROR]),
    "hone_embed_tokens": (c_int, [MODEL, c_void_p, c_size_t, RUN, OUT, OUT, STATS, ERROR]),
    "hone_embed_sparse": (c_int, [MODEL, c_void_p, c_size_t, RUN, OUT, OUT, STATS, ERROR]),
    "hone_embed_hybrid": (c_int, [MODEL, c_void_p, c_size_t, RUN, c_void_p, OUT, OUT, OUT, OUT, STATS, ERROR]),
    "hone_rerank": (c_int, [MODEL, Text, c_void_p, c_size_t, RUN, c_void_p, STATS, ERROR]),
    "hone_classify": (c_int, [MODEL, c_void_p, c_void_p, c_size_t, RUN, c_void_p, STATS, ERROR]),
    "hone_zero_shot": (
        c_int,
        [MODEL, c_void_p, c_size_t, c_void_p, c_size_t, POINTER(ZeroShotOptions), RUN, c_void_p, STATS, ERROR],
    ),
    "hone_fill_masks": (c_int, [MODEL, c_void_p, c_size_t, c_size_t, RUN, OUT, OUT, STATS, ERROR]),
    "hone_find_entities": (
        c_int,
        [MODEL, c_void_p, c_size_t, POINTER(EntityOptions), RUN, OUT, OUT, STATS, ERROR],
    ),
    "hone_find_spans": (
        c_int,
        [MODEL, c_void_p, c_size_t, c_void_p, c_size_t, POINTER(SpanOptions), RUN, OUT, OUT, STATS, ERROR],
    ),
    "hone_answer": (
        c_int,
        [MODEL, c_void_p, c_void_p, c_size_t, POINTER(AnswerOptions), RUN, OUT, OUT, STATS, ERROR],
    ),
    "hone_tokenize": (c_int, [MODEL, c_void_p, c_void_p, c_size_t, c_bool, OUT, OUT, STATS, ERROR]),
    "hone_tokenize_spans": (c_int, [MODEL, POINTER(Text), c_bool, OUT, OUT, POINTER(c_size_t), ERROR]),
    "hone_detokenize": (c_int, [MODEL, c_void_p, c_size_t, c_bool, OUT, POINTER(c_size_t), ERROR]),
    "hone_chat_prompt": (c_int, [MODEL, POINTER(Chat), OUT, POINTER(c_size_t), ERROR]),
    "hone_perplexity": (c_int, [MODEL, c_void_p, c_size_t, c_size_t, POINTER(c_double), ERROR]),
    "hone_generation_release": (None, [POINTER(Generation)]),
    "hone_scheduler_open": (c_int, [OUT, MODEL, POINTER(SchedulerOptions), ERROR]),
    "hone_scheduler_close": (None, [OUT]),
    "hone_submit": (c_int, [MODEL, POINTER(Request), POINTER(c_uint64), POINTER(c_double), ERROR]),
    "hone_cancel": (None, [MODEL, c_uint64]),
    "hone_free": (None, [c_void_p]),
    "hone_python_find": (c_int, [c_char_p, c_char_p, c_size_t, ERROR]),
}


def _load() -> ctypes.CDLL:
    # PYTHON_HONE_LIBRARY: another build of it, for whoever works on hone.
    path = os.environ.get("PYTHON_HONE_LIBRARY") or str(pathlib.Path(__file__).parent / "libhone_python.so")
    try:
        library = ctypes.CDLL(path)
    except OSError as e:
        raise ImportError(f"hone's library cannot be loaded: {e}") from e
    for name, (result, arguments) in FUNCTIONS.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


lib = _load()
# A C function that is told whether to go on by a flag: see native.c.
GO_ON = ctypes.cast(lib.hone_python_go_on, c_void_p)

__all__ = [
    "AGGREGATES", "AnswerOptions", "BAD_MODEL", "BUSY", "CANCELLED", "COMPUTE", "FAILED", "FINISHES", "FUNCTIONS", "GO_ON", "KV", "LATE", "OK",
    "ON_REPLY", "ON_TOKEN", "PRIORITIES", "REFUSAL", "REFUSED", "REQUESTS", "ROLES", "SIDES", "SIZE_MAX", "TASKS", "USAGE",
    "Chat", "EntityOptions", "Error", "Generation", "ModelInfo", "Options", "Request", "RunOptions", "SchedulerOptions",
    "SpanOptions", "Stats", "Text", "ZeroShotOptions", "lib", "new",
]  # fmt: skip
