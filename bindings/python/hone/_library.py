"""The C library: its structs as runtime/include/hone declares them (tests/test_layout.py compares both), its functions.

ctypes releases the interpreter lock in every call. Functions whose names begin with hone_ are called by no other module
but through what this one declares.
"""

from __future__ import annotations

import ctypes
import os
import pathlib
from ctypes import (
    CFUNCTYPE,
    POINTER,
    Structure,
    c_bool,
    c_char,
    c_char_p,
    c_double,
    c_float,
    c_int,
    c_int32,
    c_size_t,
    c_uint32,
    c_uint64,
    c_void_p,
)
from typing import Any

OK, FAILED, USAGE, BAD_MODEL, REFUSED, BUSY, LATE, CANCELLED = range(8)

SIZE_MAX = 2 ** (8 * ctypes.sizeof(c_size_t)) - 1

# Values of enums, by the words that callers use.
COMPUTE = {"auto": 0, "f32": 1, "int8": 2, "bf16": 3, "blas": 4}
KV = {"auto": 0, "f32": 1, "f16": 2, "int8": 3}
SIDES = {"usual": 0, "right": 1, "left": 2}
ROLES = {None: 0, "query": 1, "document": 2}
AGGREGATES = {"simple": 0, "none": 1, "first": 2, "average": 3, "max": 4}
PRIORITIES = {"interactive": 0, "bulk": 1}
TASKS = ["none", "embed", "classify", "generate", "classify_tokens"]
FINISHES = ["none", "stop", "length", "cancelled", "time"]
(
    REQUEST_EMBED,
    REQUEST_RERANK,
    REQUEST_CLASSIFY,
    REQUEST_EMBED_TOKENS,
    REQUEST_EMBED_SPARSE,
    REQUEST_GENERATE,
) = range(6)


class Error(Structure):
    C = "struct hone_error"
    _fields_ = [("status", c_int), ("message", c_char * 1024)]


class Text(Structure):
    C = "struct hone_text"
    _fields_ = [("data", c_void_p), ("size", c_size_t)]


class Options(Structure):
    C = "struct hone_options"
    _fields_ = [
        ("size", c_size_t),
        ("n_threads", c_int),
        ("compute", c_int),
        ("max_length", c_size_t),
        ("batch_tokens", c_size_t),
        ("strict", c_bool),
        ("force", c_bool),
        ("kv", c_int),
        ("kv_tokens", c_size_t),
        ("no_cache", c_bool),
        ("vocab_only", c_bool),
    ]


class ModelInfo(Structure):
    C = "struct hone_model_info"
    _fields_ = [
        ("path", c_char_p),
        ("name", c_char_p),
        ("architecture", c_char_p),
        ("task", c_int),
        ("pooling", c_char_p),
        ("normalize", c_bool),
        ("activation", c_char_p),
        ("chat_template", Text),
        ("n_params", c_size_t),
        ("n_vocab", c_size_t),
        ("n_layers", c_size_t),
        ("n_embd", c_size_t),
        ("n_heads", c_size_t),
        ("n_ff", c_size_t),
        ("n_kv_heads", c_size_t),
        ("head_dim", c_size_t),
        ("n_local", c_size_t),
        ("window", c_size_t),
        ("positions", c_char_p),
        ("n_dims", c_size_t),
        ("max_length", c_size_t),
        ("n_labels", c_size_t),
        ("fills_masks", c_bool),
        ("has_decoder", c_bool),
        ("n_prompts", c_size_t),
        ("n_threads", c_size_t),
        ("compute", c_char_p),
        ("cpu", c_char_p),
    ]


class Stats(Structure):
    C = "struct hone_stats"
    _fields_ = [
        ("n_texts", c_size_t),
        ("n_tokens", c_size_t),
        ("n_truncated", c_size_t),
        ("n_invalid", c_size_t),
        ("n_refused", c_size_t),
    ]


REFUSAL = CFUNCTYPE(None, c_void_p, c_size_t, c_char_p)


class RunOptions(Structure):
    C = "struct hone_run_options"
    _fields_ = [
        ("size", c_size_t),
        ("pooling", c_char_p),
        ("n_dims", c_size_t),
        ("prompt", c_char_p),
        ("normalize", c_int),
        ("raw", c_bool),
        ("cut", c_int),
        ("on_progress", c_void_p),
        ("progress_arg", c_void_p),
        ("on_refused", REFUSAL),
        ("refused_arg", c_void_p),
        ("instruction", c_char_p),
        ("keep_second", c_bool),
        ("partition", c_uint64),
        ("as", c_int),
    ]


class Word(Structure):
    C = "struct hone_word"
    _fields_ = [("id", c_int32), ("weight", c_float)]


class ZeroShotOptions(Structure):
    C = "struct hone_zero_shot_options"
    _fields_ = [("size", c_size_t), ("hypothesis", Text), ("multi_label", c_bool)]


class EntityOptions(Structure):
    C = "struct hone_entity_options"
    _fields_ = [("size", c_size_t), ("aggregate", c_int), ("outside", c_bool)]


class Entity(Structure):
    C = "struct hone_entity"
    _fields_ = [("start", c_size_t), ("end", c_size_t), ("label", c_char_p), ("score", c_float)]


class Span(Structure):
    C = "struct hone_span"
    _fields_ = [("start", c_size_t), ("end", c_size_t)]


class Sampling(Structure):
    C = "struct hone_sampling"
    _fields_ = [
        ("temperature", c_float),
        ("top_k", c_size_t),
        ("top_p", c_float),
        ("min_p", c_float),
        ("typical_p", c_float),
        ("repetition_penalty", c_float),
        ("frequency_penalty", c_float),
        ("presence_penalty", c_float),
        ("penalty_last_n", c_size_t),
        ("dry_multiplier", c_float),
        ("dry_base", c_float),
        ("dry_allowed_length", c_size_t),
        ("dry_last_n", c_size_t),
        ("dry_breakers", POINTER(Text)),
        ("n_dry_breakers", c_size_t),
        ("mirostat", c_int),
        ("mirostat_tau", c_float),
        ("mirostat_eta", c_float),
        ("seed", c_uint64),
    ]


class Bias(Structure):
    C = "struct hone_bias"
    _fields_ = [("id", c_int32), ("bias", c_float)]


class Beams(Structure):
    C = "struct hone_beams"
    _fields_ = [("n", c_size_t), ("n_best", c_size_t), ("length_penalty", c_float), ("stop_early", c_bool), ("stop_never", c_bool)]


class Logprob(Structure):
    C = "struct hone_logprob"
    _fields_ = [("id", c_int32), ("logprob", c_float)]


class Token(Structure):
    C = "struct hone_token"
    _fields_ = [
        ("id", c_int32),
        ("text", Text),
        ("logprob", c_float),
        ("top", POINTER(Logprob)),
        ("n_top", c_size_t),
    ]


class Generated(Structure):
    C = "struct hone_generated"
    _fields_ = [
        ("ids", POINTER(c_int32)),
        ("n_ids", c_size_t),
        ("text", c_void_p),
        ("text_size", c_size_t),
        ("finish", c_int),
        ("score", c_float),
        ("logprobs", POINTER(c_float)),
        ("top", POINTER(Logprob)),
    ]


ON_TOKEN = CFUNCTYPE(c_bool, c_void_p, POINTER(Token))


class Generation(Structure):
    C = "struct hone_generation"
    _fields_ = [
        ("size", c_size_t),
        ("prompt", Text),
        ("ids", POINTER(c_int32)),
        ("n_ids", c_size_t),
        ("decoder_ids", POINTER(c_int32)),
        ("n_decoder_ids", c_size_t),
        ("max_tokens", c_size_t),
        ("sampling", Sampling),
        ("no_special", c_bool),
        ("ignore_end", c_bool),
        ("past_end", c_bool),
        ("logprobs", c_bool),
        ("biases", POINTER(Bias)),
        ("n_biases", c_size_t),
        ("beams", POINTER(Beams)),
        ("stops", POINTER(Text)),
        ("n_stops", c_size_t),
        ("grammar", c_char_p),
        ("json_schema", c_char_p),
        ("n_logprobs", c_size_t),
        ("n_draft", c_size_t),
        ("draft_model", c_void_p),
        ("on_token", ON_TOKEN),
        ("on_step", c_void_p),
        ("arg", c_void_p),
        ("partition", c_uint64),
        ("results", POINTER(Generated)),
        ("n_results", c_size_t),
        ("out_ids", POINTER(c_int32)),
        ("n_out", c_size_t),
        ("text", c_void_p),
        ("text_size", c_size_t),
        ("finish", c_int),
        ("n_prompt", c_size_t),
        ("n_cached", c_size_t),
        ("n_drafted", c_size_t),
        ("n_accepted", c_size_t),
        ("notes", c_char_p),
    ]


class Chat(Structure):
    C = "struct hone_chat"
    _fields_ = [
        ("size", c_size_t),
        ("messages", c_void_p),
        ("n_messages", c_size_t),
        ("json_messages", c_char_p),
        ("tools", c_char_p),
        ("variables", c_char_p),
        ("answer", c_bool),
        ("continue_last", c_bool),
    ]


class SchedulerOptions(Structure):
    C = "struct hone_scheduler_options"
    _fields_ = [
        ("size", c_size_t),
        ("batch_tokens", c_size_t),
        ("max_queue", c_size_t),
        ("max_parallel", c_size_t),
        ("window_ms", c_double),
        ("starvation_ms", c_double),
        ("n_tokenizers", c_int),
        ("lengths", POINTER(c_size_t)),
        ("n_lengths", c_size_t),
        ("adaptive_window", c_bool),
        ("adaptive_batch", c_bool),
        ("tune", c_bool),
        ("min_window_ms", c_double),
        ("max_window_ms", c_double),
        ("min_batch_tokens", c_size_t),
        ("max_batch_tokens", c_size_t),
        ("cache_bytes", c_size_t * 3),
        ("cache_seconds", c_double),
        ("redis", c_char_p),
        ("redis_ms", c_double),
    ]


class Reply(Structure):
    C = "struct hone_reply"
    _fields_ = [
        ("id", c_uint64),
        ("status", c_int),
        ("message", c_char_p),
        ("n_texts", c_size_t),
        ("n_tokens", c_size_t),
        ("n_cached", c_size_t),
        ("tokenize_ms", c_double),
        ("queue_ms", c_double),
        ("infer_ms", c_double),
        ("total_ms", c_double),
        ("timed_out", c_bool),
    ]


class Ids(Structure):
    C = "struct hone_ids"
    _fields_ = [("ids", POINTER(c_int32)), ("n", c_size_t)]


ON_REPLY = CFUNCTYPE(None, c_void_p, POINTER(Reply))


class Request(Structure):
    C = "struct hone_request"
    _fields_ = [
        ("size", c_size_t),
        ("kind", c_int),
        ("priority", c_int),
        ("texts", c_void_p),
        ("pairs", c_void_p),
        ("ids", POINTER(Ids)),
        ("n_texts", c_size_t),
        ("query", Text),
        ("how", RunOptions),
        ("queue_timeout_ms", c_double),
        ("timeout_ms", c_double),
        ("out", c_void_p),
        ("out_rows", POINTER(c_void_p)),
        ("out_words", POINTER(c_void_p)),
        ("out_starts", POINTER(c_void_p)),
        ("out_n_tokens", POINTER(c_uint32)),
        ("out_truncated", POINTER(c_bool)),
        ("generation", POINTER(Generation)),
        ("on_reply", ON_REPLY),
        ("arg", c_void_p),
        ("partial", c_bool),
        ("out_done", POINTER(c_bool)),
    ]


STRUCTS: list[Any] = [value for value in globals().values() if isinstance(value, type) and hasattr(value, "C")]


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
    "hone_model_remark": (c_char_p, [MODEL, c_size_t]),
    "hone_embed": (c_int, [MODEL, c_void_p, c_size_t, RUN, c_void_p, STATS, ERROR]),
    "hone_embed_tokens": (c_int, [MODEL, c_void_p, c_size_t, RUN, OUT, OUT, STATS, ERROR]),
    "hone_embed_sparse": (c_int, [MODEL, c_void_p, c_size_t, RUN, OUT, OUT, STATS, ERROR]),
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
