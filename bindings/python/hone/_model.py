"""hone.Model: a model, and all that it can be asked."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from . import _library as c
from . import _structs
from ._arguments import (
    OnProgress,
    OnRefused,
    Role,
    Run,
    Side,
    address_of,
    checked_out,
    checked_pairs,
    checked_threads,
    choice,
    one_or_more,
)
from ._errors import check
from ._generation import Generated, Ids, Message, Work, chat_struct, size
from ._handle import Handle
from ._results import (
    WORD,
    Answer,
    Entity,
    Floats,
    Guess,
    Hybrid,
    ModelInfo,
    Rows,
    SparseVectors,
    Stats,
    answer_of,
    as_text,
    characters,
    entity_of,
    found,
    owned,
    take_text,
)
from ._scheduler import AsyncStream, Scheduler, Stream, call
from ._texts import TextArray, Texts, encode, text_array, text_bytes

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._generation import GenerateOptions

_STATS = [field[0] for field in c.Stats._fields_]


class Model:
    """A model in memory. It may be used from any number of threads; after a fork, a child opens its own.

    path_or_name: a GGUF file, a Hugging Face folder, hf:user/repo[:FILE|:QUANTISATION][@REVISION] or user/repo of the
    hub's cache, ollama:NAME[:TAG].
    threads: 0: as many as the affinity mask and the cgroup quota allow.
    compute: "auto", "f32", "int8", "bf16" or "blas".
    max_length: tokens a text; 0: the model's own limit. strict: refuse a longer text instead of cutting it.
    batch_tokens: tokens that are computed together, which bounds memory; 0: 4096.
    kv, kv_tokens: how keys and values of generated texts are held, "auto", "f32", "f16" or "int8", and for how many tokens.
    cache: keep packed weights of GGUF files in the cache folder, where the next process maps them.
    vocab_only: load the tokenizer alone.
    scheduler: options of the scheduler that generates and answers the asynchronous methods: batch_tokens, max_queue, ...

    Raises BadModelError for a model that is not there or damaged.
    """

    def __init__(
        self,
        path_or_name: str,
        *,
        threads: int = 0,
        compute: Literal["auto", "f32", "int8", "bf16", "blas"] = "auto",
        max_length: int = 0,
        batch_tokens: int = 0,
        strict: bool = False,
        force: bool = False,
        kv: Literal["auto", "f32", "f16", "int8"] = "auto",
        kv_tokens: int = 0,
        cache: bool = True,
        vocab_only: bool = False,
        scheduler: Mapping[str, Any] | None = None,
    ) -> None:
        self._arguments = {
            "threads": threads, "compute": compute, "max_length": max_length, "batch_tokens": batch_tokens,
            "strict": strict, "force": force, "kv": kv, "kv_tokens": kv_tokens, "cache": cache, "vocab_only": vocab_only,
            "scheduler": scheduler,
        }  # fmt: skip
        options = c.new(
            c.Options,
            n_threads=checked_threads(threads),
            compute=choice(compute, c.COMPUTE, "compute"),
            max_length=size(max_length, "max_length"),
            batch_tokens=size(batch_tokens, "batch_tokens"),
            strict=strict,
            force=force,
            kv=choice(kv, c.KV, "kv"),
            kv_tokens=size(kv_tokens, "kv_tokens"),
            no_cache=not cache,
            vocab_only=vocab_only,
        )
        self._name = str(path_or_name)
        self._handle = Handle(self._name, options)
        self._stats = c.Stats()
        self._lock = threading.Lock()
        self._scheduler_options = dict(scheduler or {})
        self._scheduler: Scheduler | None = None
        self.info = self._read_info()

    def _read_info(self) -> ModelInfo:
        i, pointer = self._handle.info, self._handle.begin()
        try:
            labels = [as_text(c.lib.hone_model_label(pointer, k)) for k in range(i.n_labels)]
            prompts, value = {}, ctypes.c_char_p()
            for k in range(i.n_prompts):
                name = c.lib.hone_model_prompt(pointer, k, ctypes.byref(value))
                prompts[as_text(name)] = as_text(value.value)
            tasks: list[str] = []
            while task := c.lib.hone_model_adaptation(pointer, len(tasks)):
                tasks.append(as_text(task))
        finally:
            self._handle.end()
        return ModelInfo(
            path=as_text(i.path), name=as_text(i.name), architecture=as_text(i.architecture), task=c.TASKS[i.task],
            pooling=as_text(i.pooling), normalize=bool(i.normalize), activation=as_text(i.activation),
            chat_template=as_text(text_bytes(i.chat_template)),
            n_params=int(i.n_params), n_vocab=int(i.n_vocab), n_layers=int(i.n_layers), n_dims=int(i.n_dims),
            max_length=int(i.max_length), n_threads=int(i.n_threads), compute=as_text(i.compute), cpu=as_text(i.cpu),
            fills_masks=bool(i.fills_masks), has_decoder=bool(i.has_decoder), labels=tuple(labels), prompts=prompts,
            tasks=tuple(tasks),
        )  # fmt: skip

    # ---- its life ----

    def close(self) -> None:
        """Frees it. Texts that are generated end; other calls that still run are waited for by the memory alone."""
        with self._lock:
            scheduler, self._scheduler = self._scheduler, None
        if scheduler:
            scheduler.close()
        self._handle.close()

    def __enter__(self) -> Model:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if hasattr(self, "_scheduler") and hasattr(self, "info"):
            self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopen, (self._name, self._arguments)

    def __repr__(self) -> str:
        return f"hone.Model({self._name!r})"

    @property
    def n_dims(self) -> int:
        """Width of an embedding."""
        return self.info.n_dims

    @property
    def max_length(self) -> int:
        """Tokens a text, special tokens included."""
        return self.info.max_length

    @property
    def labels(self) -> tuple[str, ...]:
        """What classify tells, in its order."""
        return self.info.labels

    @property
    def prompts(self) -> Mapping[str, str]:
        """What embed may put in front of a text, by name."""
        return self.info.prompts

    @property
    def remarks(self) -> list[str]:
        """What was passed over because of `force`."""
        pointer = self._handle.begin()
        out: list[str] = []
        try:
            while (remark := c.lib.hone_model_remark(pointer, len(out))) is not None:
                out.append(as_text(remark))
        finally:
            self._handle.end()
        return out

    @property
    def stats(self) -> Stats:
        """Counts over all calls but those through the scheduler."""
        with self._lock:
            return Stats(*(int(getattr(self._stats, name)) for name in _STATS))

    # ---- calls ----

    def _call(
        self, function: Callable[..., int], n_bytes: int, run: Run, *arguments: Any, stats: bool = True
    ) -> None:
        """function(model, *arguments, stats, err), where texts and arrays are given by their addresses. They are kept while
        it runs, which is longer than this call where a signal ends the wait for it."""
        counts = c.Stats()
        addresses = [address_of(a) for a in arguments] + ([ctypes.byref(counts)] if stats else [])

        def call(model: Any, err: Any, keep: object = (run, arguments)) -> int:
            return function(model, *addresses, err)

        status, err = self._handle.call(call, n_bytes, run.stop)
        with self._lock:
            for name in _STATS:
                setattr(self._stats, name, getattr(self._stats, name) + getattr(counts, name))
        if run.raised:
            raise run.raised[0]
        check(status, err)

    def _rows(self, function: Callable[..., int], texts: TextArray, run: Run, *more: Any) -> tuple[ctypes.c_void_p, Any]:
        """Of functions that allocate what they give: (*out, starts [n_texts + 1])."""
        out, starts = ctypes.c_void_p(), ctypes.c_void_p()

        def call(*arguments: Any) -> int:
            status = function(*arguments)
            if status == c.OK and run.stop.is_set():  # nobody waits for it any more
                c.lib.hone_free(out)
                c.lib.hone_free(starts)
            return status

        self._call(call, texts.n_bytes, run, texts, len(texts), *more, ctypes.byref(out), ctypes.byref(starts))
        return out, owned(starts.value, len(texts) + 1, np.uintp)

    # ---- texts to numbers ----

    def embed(
        self,
        texts: str | Texts,
        *,
        prompt: str | None = None,
        role: Role | None = None,
        task: str | None = None,
        pooling: str | None = None,
        dims: int = 0,
        normalize: bool | None = None,
        cut: Side = "usual",
        out: Floats | None = None,
        on_progress: OnProgress | None = None,
        on_refused: OnRefused | None = None,
        partition: int = 0,
    ) -> Floats:
        """The vectors of texts: float32 [n_texts, n_dims], row i that of text i; of one str, [n_dims].

        prompt: name of one of the model's prompts, "" for none; None: the model's default. role: what the texts are in a
        search. task: what the vectors are for, of a model that has adapters for tasks (info.tasks), and with it the prompt of
        that name; "" for none. dims: the first so many dimensions (matryoshka). out: where to write, instead of a new array. cut: the side
        from which a text that is too long loses tokens. on_progress(n_done): called now and then; False ends the call with
        CancelledError. on_refused(i, sentence): called for each text that is refused, whose row becomes NaN; without it
        RefusedError. partition: what is kept of earlier calls is shared with those of the same number alone.
        """
        array, single = one_or_more(texts)
        run = Run(prompt, role, pooling, dims, normalize, cut, False, on_progress, on_refused, partition, task=task)
        rows = checked_out(out, (len(array), size(dims, "dims") or self.n_dims), single)
        self._call(c.lib.hone_embed, array.n_bytes, run, array, len(array), run.pointer, rows)
        return rows[0] if single and out is None else rows if out is None else out

    def embed_tokens(
        self,
        texts: Texts,
        *,
        prompt: str | None = None,
        role: Role | None = None,
        task: str | None = None,
        normalize: bool | None = None,
        cut: Side = "usual",
        on_progress: OnProgress | None = None,
        partition: int = 0,
    ) -> Rows[np.float32]:
        """A vector for each token of each text, special ones included, for late interaction (ColBERT); of models that are
        not made for that, the last hidden states. rows[i] is float32 [n_tokens, n_dims]."""
        array = text_array(texts)
        run = Run(prompt, role, None, 0, normalize, cut, False, on_progress, None, partition, task=task)
        out, starts = self._rows(c.lib.hone_embed_tokens, array, run, run.pointer)
        n_dims = int(self._handle.info.n_token_dims)
        return Rows(owned(out.value, int(starts[-1]) * n_dims, np.float32).reshape(-1, n_dims), starts)

    def embed_sparse(
        self,
        texts: Texts,
        *,
        prompt: str | None = None,
        role: Role | None = None,
        cut: Side = "usual",
        on_progress: OnProgress | None = None,
        partition: int = 0,
    ) -> SparseVectors:
        """The words of the vocabulary that fit each text, with their weights (SPLADE)."""
        array = text_array(texts)
        run = Run(prompt, role, None, 0, None, cut, False, on_progress, None, partition)
        out, starts = self._rows(c.lib.hone_embed_sparse, array, run, run.pointer)
        return SparseVectors(owned(out.value, int(starts[-1]), WORD), starts, self.info.n_vocab)

    def embed_hybrid(
        self,
        texts: Texts,
        *,
        sparse: bool = True,
        tokens: bool = True,
        prompt: str | None = None,
        role: Role | None = None,
        dims: int = 0,
        normalize: bool | None = None,
        cut: Side = "usual",
        on_progress: OnProgress | None = None,
        partition: int = 0,
    ) -> Hybrid:
        """Vectors of texts, weights of their words and vectors of their tokens (without the first one) in one pass, of a
        model that has heads for them (BGE-M3)."""
        array = text_array(texts)
        run = Run(prompt, role, None, dims, normalize, cut, False, on_progress, None, partition)
        dense = np.empty((len(array), size(dims, "dims") or self.n_dims), np.float32)
        words, word_starts, row_starts = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_void_p()
        rows = ctypes.c_void_p()
        places: list[Any] = [ctypes.byref(rows), ctypes.byref(row_starts)] if tokens else [None, None]
        places.extend([ctypes.byref(words), ctypes.byref(word_starts)] if sparse else [None, None])

        def call(*arguments: Any) -> int:
            status = int(c.lib.hone_embed_hybrid(*arguments))
            if status == c.OK and run.stop.is_set():  # nobody waits for it any more
                for place in (rows, row_starts, words, word_starts):
                    c.lib.hone_free(place)
            return status

        self._call(call, array.n_bytes, run, array, len(array), run.pointer, dense, *places)
        weights = vectors = None
        if sparse:
            starts = owned(word_starts.value, len(array) + 1, np.uintp)
            weights = SparseVectors(owned(words.value, int(starts[-1]), WORD), starts, self.info.n_vocab)
        if tokens:
            starts, n_dims = owned(row_starts.value, len(array) + 1, np.uintp), int(self._handle.info.n_token_dims)
            vectors = Rows(owned(rows.value, int(starts[-1]) * n_dims, np.float32).reshape(-1, n_dims), starts)
        return Hybrid(dense, weights, vectors)

    def rerank(
        self,
        query: str,
        documents: Texts,
        *,
        raw: bool = False,
        instruction: str | None = None,
        prompt: str | None = None,
        cut: Side = "usual",
        on_progress: OnProgress | None = None,
        on_refused: OnRefused | None = None,
        partition: int = 0,
    ) -> Floats:
        """How well each document answers the query: float32 [n_documents], larger is better. raw: logits.

        instruction: what documents are judged by, in a sentence, where a model that generates reranks.
        """
        array, asked = text_array(documents, "documents"), text_array([query], "query")
        run = Run(prompt, None, None, 0, None, cut, raw, on_progress, on_refused, partition, instruction)
        scores = np.empty(len(array), np.float32)
        n_bytes = array.n_bytes + asked.n_bytes * len(array)
        self._call(
            c.lib.hone_rerank, n_bytes, run, asked.struct(0), array, len(array), run.pointer, scores
        )
        return scores

    def classify(
        self,
        texts: str | Texts,
        pairs: str | Texts | None = None,
        *,
        raw: bool = False,
        cut: Side = "usual",
        on_progress: OnProgress | None = None,
        on_refused: OnRefused | None = None,
        partition: int = 0,
    ) -> Floats:
        """The scores of the model's labels: float32 [n_texts, n_labels]; of one str, [n_labels]. pairs: the second text of
        each. raw: logits."""
        array, single = one_or_more(texts)
        second = checked_pairs(pairs, len(array), single)
        run = Run(None, None, None, 0, None, cut, raw, on_progress, on_refused, partition)
        scores = np.empty((len(array), len(self.labels)), np.float32)
        n_bytes = array.n_bytes + (second.n_bytes if second else 0)
        self._call(
            c.lib.hone_classify, n_bytes, run, array.address, second, len(array), run.pointer,
            scores,
        )  # fmt: skip
        return scores[0] if single else scores

    def zero_shot(
        self,
        texts: str | Texts,
        labels: Sequence[str],
        *,
        hypothesis: str = "",
        multi_label: bool = False,
        cut: Side = "usual",
        partition: int = 0,
    ) -> Floats:
        """The scores of labels that the model, one of natural language inference, was not trained for: float32
        [n_texts, n_labels]; of one str, [n_labels]. hypothesis: with {} where a label goes; "": "This example is {}."."""
        (array, single), names = one_or_more(texts), text_array(labels, "labels")
        template = text_array([hypothesis])
        options = c.new(c.ZeroShotOptions, hypothesis=template.struct(0), multi_label=multi_label)
        options.keep = template
        run = Run(None, None, None, 0, None, cut, False, None, None, partition)
        scores = np.empty((len(array), len(names)), np.float32)
        self._call(
            c.lib.hone_zero_shot, array.n_bytes * len(names), run, array, len(array), names, len(names),
            ctypes.byref(options), run.pointer, scores,
        )  # fmt: skip
        return scores[0] if single else scores

    def fill_masks(self, texts: Texts, n_words: int = 5, *, raw: bool = False) -> list[list[list[Guess]]]:
        """The words that fit best where a text has the model's mask token, best first: a list for each mask of each text.
        detokenize([guess.id]) says what a word looks like."""
        array, n_words = text_array(texts), size(n_words, "n_words")
        run = Run(None, None, None, 0, None, "usual", raw, None, None, 0)
        out, starts = self._rows(c.lib.hone_fill_masks, array, run, n_words, run.pointer)
        words = [Guess(int(w["id"]), float(w["weight"])) for w in owned(out.value, int(starts[-1]), WORD)]
        masks = [words[i : i + n_words] for i in range(0, len(words), max(1, n_words))]
        return [masks[int(a) // n_words : int(b) // n_words] for a, b in zip(starts[:-1], starts[1:])]

    def entities(
        self,
        texts: Texts,
        *,
        aggregate: Literal["simple", "none", "first", "average", "max"] = "simple",
        outside: bool = False,
        cut: Side = "usual",
        on_progress: OnProgress | None = None,
    ) -> list[list[Entity]]:
        """What each text names, in its order. aggregate: how labels of tokens become those of what they name together, as
        transformers' aggregation strategies. outside: tell those of the label "O", too."""
        texts = list(texts)
        array = text_array(texts)
        options = c.new(c.EntityOptions, aggregate=choice(aggregate, c.AGGREGATES, "aggregate"), outside=outside)
        run = Run(None, None, None, 0, None, cut, False, on_progress, None, 0)
        out, starts = self._rows(c.lib.hone_find_entities, array, run, ctypes.byref(options), run.pointer)
        return found(texts, ctypes.cast(out, ctypes.POINTER(_structs.Entity)), starts, entity_of)

    def find_spans(
        self,
        texts: Texts,
        labels: Sequence[str],
        *,
        threshold: float = 0.5,
        nested: bool = False,
        multi_label: bool = False,
        on_progress: OnProgress | None = None,
    ) -> list[list[Entity]]:
        """What labels name in each text, in its order, of a model that finds such spans (GLiNER). Those whose score is above the
        threshold. nested: a span may lie in another one; else none overlaps another. multi_label: a span may have several."""
        texts, labels = list(texts), list(labels)
        array, names = text_array(texts), text_array(labels, "labels")
        options = c.new(c.SpanOptions, threshold=threshold, nested=nested, multi_label=multi_label)
        run = Run(None, None, None, 0, None, "usual", False, on_progress, None, 0)

        def call(model: Any, first: Any, n: int, *more: Any) -> int:
            return int(c.lib.hone_find_spans(model, first, n, names.address, len(names), *more))

        out, starts = self._rows(call, array, run, ctypes.byref(options), run.pointer)

        def entity(data: bytes, s: _structs.LabeledSpan) -> Entity:
            start, end = characters(data, s.start), characters(data, s.end)
            text = data[s.start : s.end].decode(errors="replace")
            return Entity(labels[s.label], text, start, end, float(s.score))

        return found(texts, ctypes.cast(out, ctypes.POINTER(_structs.LabeledSpan)), starts, entity)

    def answer(
        self,
        questions: str | Texts,
        contexts: str | Texts,
        *,
        n_best: int = 1,
        max_tokens: int = 15,
        may_lack: bool = False,
        window: int = 384,
        overlap: int = 128,
        on_progress: OnProgress | None = None,
    ) -> list[list[Answer]]:
        """Where each context answers its question, or the one that there is, best first. n_best: answers of each context, at
        most; max_tokens: of an answer. may_lack: that there is none is one of the answers. Longer contexts are read in
        windows of so many tokens, the question included, which share `overlap` of them."""
        texts = [contexts] if isinstance(contexts, str) else list(contexts)
        asked = [questions] * len(texts) if isinstance(questions, str) else list(questions)
        if len(asked) != len(texts):
            raise ValueError(f"{len(asked)} questions for {len(texts)} contexts")
        array, second = text_array(asked, "questions"), text_array(texts, "contexts")
        options = c.new(
            c.AnswerOptions, n_best=size(n_best, "n_best"), max_tokens=size(max_tokens, "max_tokens"), may_lack=may_lack,
            window=size(window, "window"), overlap=size(overlap, "overlap"),
        )  # fmt: skip
        run = Run(None, None, None, 0, None, "usual", False, on_progress, None, 0)

        def call(model: Any, first: Any, n: int, *more: Any) -> int:
            return int(c.lib.hone_answer(model, first, second.address, n, *more))

        out, starts = self._rows(call, array, run, ctypes.byref(options), run.pointer)
        return found(texts, ctypes.cast(out, ctypes.POINTER(_structs.Answer)), starts, answer_of)

    # ---- tokens ----

    def tokenize(
        self, texts: str | Texts, pairs: str | Texts | None = None, *, special: bool = True
    ) -> Any:  # list[int] of a str, else list[NDArray[np.int32]]
        """The ids of texts: of one str a list, else an array int32 for each. Nothing is cut. special: with the tokens that
        the model puts around a text."""
        array, single = one_or_more(texts)
        second = checked_pairs(pairs, len(array), single)
        run = Run(None, None, None, 0, None, "usual", False, None, None, 0)
        out, starts = ctypes.c_void_p(), ctypes.c_void_p()
        self._call(
            c.lib.hone_tokenize, 0, run, array.address, second, len(array), special,
            ctypes.byref(out), ctypes.byref(starts),
        )  # fmt: skip
        bounds = owned(starts.value, len(array) + 1, np.uintp)
        rows = Rows(owned(out.value, int(bounds[-1]), np.int32), bounds)
        return rows[0].tolist() if single else list(rows)

    def token_spans(self, text: str, *, special: bool = True) -> list[tuple[int, int, int]]:
        """(id, start, end) of each token: the characters [start, end) that it stands for; (id, 0, 0) of special tokens."""
        data = encode(text)
        array = text_array([data])
        one, ids, spans, n = array.struct(0), ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_size_t()
        run = Run(None, None, None, 0, None, "usual", False, None, None, 0)
        self._call(
            c.lib.hone_tokenize_spans, 0, run, ctypes.byref(one), special, ctypes.byref(ids), ctypes.byref(spans),
            ctypes.byref(n), stats=False,
        )  # fmt: skip
        places = owned(spans.value, 2 * n.value, np.uintp).reshape(-1, 2).tolist()
        numbers = owned(ids.value, n.value, np.int32).tolist()
        return [
            (i, 0, 0) if start == c.SIZE_MAX else (i, characters(data, start), characters(data, end))
            for i, (start, end) in zip(numbers, places)
        ]

    def detokenize(self, ids: Ids, *, skip_special: bool = True) -> str:
        """The text that ids stand for."""
        array = np.ascontiguousarray(ids, np.int32)
        text, n = ctypes.c_void_p(), ctypes.c_size_t()
        run = Run(None, None, None, 0, None, "usual", False, None, None, 0)
        self._call(
            c.lib.hone_detokenize, 0, run, array, array.size, skip_special, ctypes.byref(text),
            ctypes.byref(n), stats=False,
        )  # fmt: skip
        return take_text(text, n)

    def perplexity(self, ids: Ids, context: int = 0) -> float:
        """exp of the mean negative log-probability of each token but the first, in pieces of at most `context` tokens."""
        array, value = np.ascontiguousarray(ids, np.int32), ctypes.c_double()
        run = Run(None, None, None, 0, None, "usual", False, None, None, 0)
        self._call(
            c.lib.hone_perplexity, 4 * array.size, run, array, array.size, size(context, "context"),
            ctypes.byref(value), stats=False,
        )  # fmt: skip
        return float(value.value)

    # ---- texts that go on ----

    def generate(self, prompt: str | Ids, **options: Unpack[GenerateOptions]) -> Stream:
        """Goes on with a prompt, a text or ids. Iterate over what comes:

            for part in model.generate("Once", max_tokens=20):
                print(part, end="")

        .result() is the text as a whole, with its ids and why it ended. Texts of several threads are generated together.
        """
        return Stream(self._the_scheduler(), Work(prompt, options), self)

    def generate_many(self, prompts: Iterable[str | Ids], **options: Unpack[GenerateOptions]) -> list[Generated]:
        """Goes on with many prompts, several at once; result i is that of prompt i."""
        scheduler = self._the_scheduler()
        streams = [Stream(scheduler, Work(prompt, options), self, c.PRIORITIES["bulk"]) for prompt in prompts]
        try:
            return [stream.result() for stream in streams]
        finally:
            for stream in streams:
                stream.close()

    def chat(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[Mapping[str, Any]] | None = None,
        variables: Mapping[str, Any] | None = None,
        continue_last: bool = False,
        **options: Unpack[GenerateOptions],
    ) -> Stream:
        """What the model says next in a conversation: messages as clients of chat servers send them, {"role", "content"}.

        tools: what the model may call, as JSON schemas. variables: what else the chat template may look at, such as
        {"enable_thinking": False}. continue_last: the model goes on with the last message, which is its own.
        """
        prompt = self.chat_prompt(messages, tools=tools, variables=variables, continue_last=continue_last)
        return Stream(self._the_scheduler(), Work(prompt, options, no_special=True), self)

    def chat_prompt(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[Mapping[str, Any]] | None = None,
        variables: Mapping[str, Any] | None = None,
        continue_last: bool = False,
    ) -> str:
        """What a conversation looks like to the model, by its own chat template."""
        chat = chat_struct(messages, tools, variables, continue_last)
        text, n = ctypes.c_void_p(), ctypes.c_size_t()
        run = Run(None, None, None, 0, None, "usual", False, None, None, 0)
        self._call(
            c.lib.hone_chat_prompt, 0, run, ctypes.byref(chat), ctypes.byref(text), ctypes.byref(n), stats=False
        )
        return take_text(text, n)

    # ---- the same for asyncio: requests to a scheduler, which computes those of many tasks together ----

    def _the_scheduler(self) -> Scheduler:
        with self._lock:
            if self._scheduler is None:
                self._scheduler = Scheduler(self._handle, self._scheduler_options)
            return self._scheduler

    async def aembed(
        self,
        texts: str | Texts,
        *,
        prompt: str | None = None,
        role: Role | None = None,
        task: str | None = None,
        pooling: str | None = None,
        dims: int = 0,
        normalize: bool | None = None,
        cut: Side = "usual",
        partition: int = 0,
        timeout: float = 0,
    ) -> Floats:
        """As embed. A text that is refused fails the call. timeout: seconds until the result; LateError after that. A task
        that is cancelled cancels the work."""
        array, single = one_or_more(texts)
        run = Run(prompt, role, pooling, dims, normalize, cut, False, None, None, partition, task=task)
        out = np.empty((len(array), size(dims, "dims") or self.n_dims), np.float32)
        await self._ask(c.REQUESTS["embed"], array, run, timeout, out)
        return out[0] if single else out

    async def aembed_tokens(
        self,
        texts: Texts,
        *,
        prompt: str | None = None,
        role: Role | None = None,
        task: str | None = None,
        normalize: bool | None = None,
        cut: Side = "usual",
        partition: int = 0,
        timeout: float = 0,
    ) -> Rows[np.float32]:
        """As embed_tokens; timeout as in aembed."""
        array = text_array(texts)
        run = Run(prompt, role, None, 0, normalize, cut, False, None, None, partition, task=task)
        out, starts = await self._ask_rows(c.REQUESTS["embed_tokens"], array, run, timeout)
        n_dims = int(self._handle.info.n_token_dims)
        return Rows(owned(out.value, int(starts[-1]) * n_dims, np.float32).reshape(-1, n_dims), starts)

    async def aembed_sparse(
        self,
        texts: Texts,
        *,
        prompt: str | None = None,
        role: Role | None = None,
        cut: Side = "usual",
        partition: int = 0,
        timeout: float = 0,
    ) -> SparseVectors:
        """As embed_sparse; timeout as in aembed."""
        array = text_array(texts)
        run = Run(prompt, role, None, 0, None, cut, False, None, None, partition)
        out, starts = await self._ask_rows(c.REQUESTS["embed_sparse"], array, run, timeout)
        return SparseVectors(owned(out.value, int(starts[-1]), WORD), starts, self.info.n_vocab)

    async def arerank(
        self,
        query: str,
        documents: Texts,
        *,
        raw: bool = False,
        instruction: str | None = None,
        cut: Side = "usual",
        partition: int = 0,
        timeout: float = 0,
    ) -> Floats:
        """As rerank; timeout as in aembed."""
        array, asked = text_array(documents, "documents"), text_array([query], "query")
        run = Run(None, None, None, 0, None, cut, raw, None, None, partition, instruction)
        scores = np.empty(len(array), np.float32)
        await self._ask(c.REQUESTS["rerank"], array, run, timeout, scores, query=asked)
        return scores

    async def aclassify(
        self,
        texts: str | Texts,
        pairs: str | Texts | None = None,
        *,
        raw: bool = False,
        cut: Side = "usual",
        partition: int = 0,
        timeout: float = 0,
    ) -> Floats:
        """As classify; timeout as in aembed."""
        array, single = one_or_more(texts)
        second = checked_pairs(pairs, len(array), single)
        run = Run(None, None, None, 0, None, cut, raw, None, None, partition)
        scores = np.empty((len(array), len(self.labels)), np.float32)
        await self._ask(c.REQUESTS["classify"], array, run, timeout, scores, pairs=second)
        return scores[0] if single else scores

    def agenerate(self, prompt: str | Ids, **options: Unpack[GenerateOptions]) -> AsyncStream:
        """As generate, for `async for`."""
        return AsyncStream(self._the_scheduler(), Work(prompt, options), self)

    def achat(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[Mapping[str, Any]] | None = None,
        variables: Mapping[str, Any] | None = None,
        continue_last: bool = False,
        **options: Unpack[GenerateOptions],
    ) -> AsyncStream:
        """As chat, for `async for`."""
        prompt = self.chat_prompt(messages, tools=tools, variables=variables, continue_last=continue_last)
        return AsyncStream(self._the_scheduler(), Work(prompt, options, no_special=True), self)

    async def _ask(
        self,
        kind: int,
        texts: TextArray,
        run: Run,
        timeout: float,
        out: Floats | None,
        query: TextArray | None = None,
        pairs: TextArray | None = None,
        places: tuple[ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p] | None = None,
    ) -> None:
        """Asks the scheduler, and waits for the reply; all that the request points to lives as long."""
        request = c.new(c.Request, kind=kind, texts=texts.address, n_texts=len(texts), how=run.struct)
        request.how.on_progress = request.how.progress_arg = None
        request.timeout_ms = 1000 * timeout
        if query:
            request.query = query.struct(0)
        if pairs:
            request.pairs = pairs.address
        if out is not None:
            request.out = out.ctypes.data
        if places:
            request.out_rows, request.out_words, request.out_starts = map(ctypes.addressof, places)
        await call(self._the_scheduler(), request, (texts, run, out, query, pairs, places))

    async def _ask_rows(self, kind: int, texts: TextArray, run: Run, timeout: float) -> tuple[ctypes.c_void_p, Any]:
        rows, words, starts = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_void_p()
        await self._ask(kind, texts, run, timeout, None, places=(rows, words, starts))
        return rows if kind == c.REQUESTS["embed_tokens"] else words, owned(starts.value, len(texts) + 1, np.uintp)


def _reopen(name: str, arguments: Mapping[str, Any]) -> Model:
    return Model(name, **arguments)
