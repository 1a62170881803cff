"""One text to go on with, as the library takes it, and what came of it."""

from __future__ import annotations

import ctypes
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict, Union

import numpy as np

from . import _library as c
from . import _structs
from ._texts import encode, text_array

Ids = Sequence[int]
Message = Mapping[str, Any]


class GenerateOptions(TypedDict, total=False):
    """How a text goes on. What is left out is as usual; the same seed, prompt and options give the same text."""

    max_tokens: int  # else until the model ends, its context is full, or there are 8192
    temperature: float  # 0: always the most probable token
    top_k: int  # 0: all
    top_p: float
    min_p: float
    typical_p: float
    repetition_penalty: float  # 1: none
    frequency_penalty: float
    presence_penalty: float
    penalty_last_n: int  # tokens that the penalties look back
    dry_multiplier: float  # 0: no DRY
    dry_base: float
    dry_allowed_length: int
    dry_last_n: int
    dry_breakers: Sequence[str]
    mirostat: int  # 0, 1, 2
    mirostat_tau: float
    mirostat_eta: float
    seed: int
    stop: Union[str, Sequence[str]]  # the text ends in front of these
    logprobs: int  # of each token, and of so many of the most probable ones in its place
    bias: Mapping[int, float]  # added to the logits of tokens; -inf: it never comes
    ignore_end: bool  # the end token is never chosen
    past_end: bool  # end tokens are text like all others
    grammar: str  # GBNF: what the text must look like
    json_schema: Union[str, Mapping[str, Any], bool]  # or as a JSON Schema; True: any JSON value
    beams: int  # beam search instead of sampling
    n_best: int  # of its results
    length_penalty: float
    stop_early: bool  # ends with as many results as there are beams, whatever might beat them
    stop_never: bool  # else when no live beam would at the length that suits it best
    draft: int  # so many tokens at most are guessed and checked at once; else as many as pay
    decoder_ids: Ids  # what the decoder of a model with an encoder begins with
    partition: int  # what is kept of earlier calls is shared with those of the same number alone


DRAFT_AUTO = ctypes.c_size_t(-1).value  # HONE_DRAFT_AUTO
SAMPLING = {field[0] for field in _structs.Sampling._fields_} - {"n_dry_breakers"}
DEFAULTS = {
    "temperature": 0.8, "top_k": 40, "top_p": 0.95, "min_p": 0.05, "typical_p": 1, "repetition_penalty": 1,
    "penalty_last_n": 64, "dry_base": 1.75, "dry_allowed_length": 2, "dry_last_n": c.SIZE_MAX, "mirostat_tau": 5,
    "mirostat_eta": 0.1,
}  # fmt: skip  (HONE_SAMPLING_DEFAULTS)
BEAMS = {"beams": "n", "n_best": "n_best", "length_penalty": "length_penalty", "stop_early": "stop_early", "stop_never": "stop_never"}
PLAIN = {"max_tokens", "ignore_end", "past_end", "partition"}
OTHER = {"stop", "logprobs", "bias", "grammar", "json_schema", "draft", "decoder_ids"}


@dataclass(frozen=True)
class Generated:
    """A text that was generated."""

    text: str
    ids: list[int]  # without the end token
    finish: str  # "stop": an end token, a stop string, the end of a grammar; "length"; "cancelled"
    n_prompt: int  # tokens of the prompt, and
    n_cached: int  # of these, known from earlier ones
    score: float  # of beam search: what results are compared by
    logprobs: list[float] | None  # of each token, where they were asked for, and
    top_logprobs: list[list[tuple[int, float]]] | None  # the most probable tokens in its place
    notes: str | None  # what a JSON Schema says that says nothing here


def size(value: Any, name: str) -> int:
    """A number for a size_t, which ctypes would take modulo 2^64."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name} is {value!r}, expected an integer")
    if not 0 <= value <= c.SIZE_MAX:
        raise ValueError(f"{name} is {value}, expected 0 to {c.SIZE_MAX}")
    return int(value)


class Work:
    """struct hone_generation with all that it points to."""

    def __init__(self, prompt: str | bytes | Ids, options: Mapping[str, Any], no_special: bool = False) -> None:
        self.struct = c.new(c.Generation, no_special=no_special)
        self._keep: list[object] = []
        self._set_prompt(prompt)
        self._set_sampling(options)
        self._set_others(options)

    def _address(self, value: Any) -> int:
        self._keep.append(value)
        return ctypes.addressof(value)

    def _ids(self, ids: Ids, name: str) -> tuple[Any, int]:
        array = np.asarray(ids)
        if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
            raise TypeError(f"{name} is {array.dtype} of {array.ndim} dimensions, expected a list of ids")
        array = np.ascontiguousarray(array, np.int32)
        self._keep.append(array)
        return array.ctypes.data, array.size

    def _set_prompt(self, prompt: str | bytes | Ids) -> None:
        if isinstance(prompt, (str, bytes)):
            texts = text_array([prompt], "prompt")
            self._keep.append(texts)
            self.struct.prompt = texts.struct(0)
        else:
            self.struct.ids, self.struct.n_ids = self._ids(prompt, "the prompt")

    def _set_sampling(self, options: Mapping[str, Any]) -> None:
        known = SAMPLING | set(BEAMS) | PLAIN | OTHER
        for name in options:
            if name not in known:
                raise TypeError(f"{name} is no option of generation, expected one of {', '.join(sorted(known))}")
        sampling = self.struct.sampling
        kinds = dict((field[0], field[1]) for field in _structs.Sampling._fields_)
        for name in SAMPLING:
            value = options.get(name, DEFAULTS.get(name, 0))
            if name == "dry_breakers":
                if value:
                    sampling.dry_breakers, sampling.n_dry_breakers = self._texts(value, name)
            elif kinds[name] is ctypes.c_float:
                setattr(sampling, name, float(value))
            else:
                setattr(sampling, name, size(value, name))

    def _texts(self, texts: Sequence[str], name: str) -> tuple[Any, int]:
        array = text_array(list(texts), name)
        self._keep.append(array)
        return array.address, len(array)

    def _set_others(self, options: Mapping[str, Any]) -> None:
        g = self.struct
        for name in PLAIN & set(options):
            setattr(g, name, size(int(options[name]), name))
        if "stop" in options:
            stop = options["stop"]
            g.stops, g.n_stops = self._texts([stop] if isinstance(stop, str) else stop, "stop")
        if "logprobs" in options:
            g.logprobs, g.n_logprobs = True, size(options["logprobs"], "logprobs")
        g.n_draft = size(options["draft"], "draft") if "draft" in options else DRAFT_AUTO
        if "decoder_ids" in options:
            g.decoder_ids, g.n_decoder_ids = self._ids(options["decoder_ids"], "decoder_ids")
        if "bias" in options:
            rows = [_structs.Bias(int(i), float(b)) for i, b in options["bias"].items()]
            biases = (_structs.Bias * len(rows))(*rows)
            g.biases, g.n_biases = self._address(biases), len(rows)
        if "grammar" in options:
            g.grammar = _no_nul(encode(options["grammar"], "the grammar"), "the grammar")
        if "json_schema" in options:
            schema = options["json_schema"]
            text = schema if isinstance(schema, str) else json.dumps({} if schema is True else schema)
            g.json_schema = _no_nul(encode(text), "the schema")
        if set(BEAMS) & set(options):
            if "beams" not in options:
                raise TypeError("n_best, length_penalty, stop_early and stop_never are of beam search: expected beams, too")
            beams = _structs.Beams(length_penalty=1)
            for name in set(BEAMS) & set(options):
                value = options[name]
                setattr(beams, BEAMS[name], size(value, name) if name in ("beams", "n_best") else value)
            g.beams = self._address(beams)

    def results(self) -> list[Generated]:
        """What came of it, which is given back to the library."""
        g = self.struct
        try:
            rows = ctypes.cast(g.results, ctypes.POINTER(_structs.Generated))
            return [self._result(rows[i]) for i in range(g.n_results)]
        finally:
            self.release()

    def _result(self, r: Any) -> Generated:
        g, n = self.struct, int(r.n_ids)
        top = None
        if r.top:
            k, rows = int(g.n_logprobs), ctypes.cast(r.top, ctypes.POINTER(_structs.Logprob))
            pairs = [(int(rows[i].id), float(rows[i].logprob)) for i in range(n * k)]
            top = [[p for p in pairs[i * k : (i + 1) * k] if p[0] >= 0] for i in range(n)]
        return Generated(
            text=ctypes.string_at(r.text, r.text_size).decode(errors="replace") if r.text else "",
            ids=_numbers(r.ids, ctypes.c_int32, n),
            finish=c.FINISHES[r.finish],
            n_prompt=int(g.n_prompt),
            n_cached=int(g.n_cached),
            score=float(r.score),
            logprobs=_numbers(r.logprobs, ctypes.c_float, n) if r.logprobs else None,
            top_logprobs=top,
            notes=ctypes.string_at(g.notes).decode(errors="replace") if g.notes else None,
        )

    def release(self) -> None:
        c.lib.hone_generation_release(ctypes.byref(self.struct))


def _numbers(address: int | None, kind: Any, n: int) -> list[Any]:
    return list(ctypes.cast(address, ctypes.POINTER(kind))[:n]) if address and n else []


def _no_nul(data: bytes, name: str) -> bytes:
    if b"\0" in data:
        raise ValueError(f"{name} has a NUL in it")
    return data


def chat_struct(
    messages: Sequence[Message],
    tools: Sequence[Mapping[str, Any]] | None,
    variables: Mapping[str, Any] | None,
    continue_last: bool,
) -> c.Chat:
    """struct hone_chat, with all as JSON."""
    chat = c.new(c.Chat, answer=not continue_last, continue_last=continue_last)
    chat.json_messages = json.dumps(list(messages)).encode()
    if tools is not None:
        chat.tools = json.dumps(list(tools)).encode()
    if variables is not None:
        chat.variables = json.dumps(dict(variables)).encode()
    return chat  # type: ignore[no-any-return]
