"""SentenceTransformer and CrossEncoder as sentence-transformers has them, computed by hone; neither torch nor
sentence-transformers is needed.

    from hone.sentence_transformers import CrossEncoder, SentenceTransformer

What those classes can do and these cannot is refused by name. Tensors are torch's where convert_to_tensor asks for them.
"""

from __future__ import annotations

import json
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._arguments import Role
from ._errors import UsageError
from ._model import Model

Similarity = Callable[[NDArray[Any], NDArray[Any]], NDArray[Any]]


def _unit(x: NDArray[Any]) -> NDArray[Any]:
    return np.divide(x, np.maximum(np.linalg.norm(x, axis=-1, keepdims=True), 1e-12))  # type: ignore[no-any-return]


# Of each row of one with each of the other; and of rows at the same place.
SIMILARITIES: dict[str, tuple[Similarity, Similarity]] = {
    "cosine": (lambda a, b: _unit(a) @ _unit(b).T, lambda a, b: (_unit(a) * _unit(b)).sum(-1)),
    "dot": (lambda a, b: a @ b.T, lambda a, b: (a * b).sum(-1)),
    "euclidean": (
        lambda a, b: -np.linalg.norm(a[:, None] - b[None], axis=-1),
        lambda a, b: -np.linalg.norm(a - b, axis=-1),
    ),
    "manhattan": (lambda a, b: -np.abs(a[:, None] - b[None]).sum(-1), lambda a, b: -np.abs(a - b).sum(-1)),
}
PRECISIONS = ("float32", "binary", "ubinary")


def _refuse(unknown: Mapping[str, Any]) -> None:
    """Arguments with a value that means something else than their absence."""
    for name, value in unknown.items():
        if value not in (None, False):
            raise UsageError(f"{name} is not supported here")


def _only_cpu(device: Any) -> None:
    if device is not None and str(device) != "cpu":
        raise UsageError(f"device is {device!r}: hone computes on the CPU alone, expected 'cpu' or None")


def _bar(show: bool | None, total: int) -> Any:
    """on_progress, and what ends the bar."""
    if not show:
        return None, lambda: None
    from tqdm import tqdm

    bar = tqdm(total=total, desc="texts")
    return lambda n: bar.update(n - bar.n), bar.close


def _tensor(array: NDArray[Any]) -> Any:
    import torch

    return torch.from_numpy(np.ascontiguousarray(array))


class SentenceTransformer:
    """model_name_or_path: as hone.Model takes it; so are further options (threads=, compute=, ...).

    prompts: name to text, instead of the model's own of that name. default_prompt_name: which one is put in front where
    nothing else is asked for; None: as the model says. truncate_dim: the first so many dimensions. similarity_fn_name:
    "cosine", "dot", "euclidean" or "manhattan"; None: as the model's configuration says.
    """

    def __init__(
        self,
        model_name_or_path: str,
        *,
        prompts: Mapping[str, str] | None = None,
        default_prompt_name: str | None = None,
        truncate_dim: int | None = None,
        similarity_fn_name: str | None = None,
        device: Any = None,
        **options: Any,
    ) -> None:
        _only_cpu(device)
        self.model = Model(model_name_or_path, **options)
        self._own_prompts = dict(prompts or {})
        self.prompts = {**self.model.prompts, **self._own_prompts}
        self.default_prompt_name = default_prompt_name
        self.truncate_dim = truncate_dim
        self.similarity_fn_name = similarity_fn_name or self._configured_similarity()
        if self.similarity_fn_name not in SIMILARITIES:
            raise UsageError(f"similarity_fn_name is {self.similarity_fn_name!r}, expected one of {', '.join(SIMILARITIES)}")
        if default_prompt_name is not None:
            self._prompt(default_prompt_name)

    def _configured_similarity(self) -> str:
        try:
            path = pathlib.Path(self.model.info.path) / "config_sentence_transformers.json"
            return str(json.loads(path.read_text()).get("similarity_fn_name") or "cosine")
        except (OSError, ValueError):
            return "cosine"

    def _skips_prompts(self) -> bool:
        """Whether tokens of a prompt are left out where the model pools: hone does that for prompts of its own."""
        folder = pathlib.Path(self.model.info.path)
        configs = [json.loads(p.read_text()) for p in folder.glob("*_Pooling/config.json")]
        return any(c.get("include_prompt") is False for c in configs)

    def _prompt(self, name: str) -> str:
        if name not in self.prompts:
            raise UsageError(f"there is no prompt {name!r}, expected one of {', '.join(map(repr, self.prompts)) or 'none'}")
        return self.prompts[name]

    @property
    def device(self) -> str:
        return "cpu"

    @property
    def max_seq_length(self) -> int:
        return self.model.max_length

    def get_embedding_dimension(self) -> int:
        """Width of an embedding."""
        return self.truncate_dim or self.model.n_dims

    get_sentence_embedding_dimension = get_embedding_dimension

    def encode(
        self,
        sentences: str | Sequence[str],
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int = 32,
        show_progress_bar: bool | None = None,
        output_value: str | None = "sentence_embedding",
        precision: str = "float32",
        convert_to_numpy: bool = True,
        convert_to_tensor: bool = False,
        device: Any = None,
        normalize_embeddings: bool = False,
        truncate_dim: int | None = None,
        task: str | None = None,
        **others: Any,
    ) -> Any:
        """Vectors of sentences: an array [n, dim], of one str [dim].

        batch_size changes nothing: hone cuts batches by tokens, and a result does not depend on its batch. output_value
        "token_embeddings": a list of arrays. precision "binary" and "ubinary": a bit a dimension. A list of rows comes
        where neither numpy nor a tensor is asked for. task: "query" or "document", which a model with a router reads by
        different routes; or one that the model has an adapter for (jina-embeddings-v3).
        """
        _only_cpu(device)
        _refuse(others)
        if precision not in PRECISIONS:
            raise UsageError(f"precision is {precision!r}, expected one of {', '.join(PRECISIONS)}")
        single = isinstance(sentences, str)
        texts = [sentences] if isinstance(sentences, str) else list(sentences)
        texts, name = self._with_prompt(texts, prompt_name, prompt)
        if task is not None and name is None:
            name = ""  # a task alone chooses no prompt
        sides: dict[str | None, Role] = {"query": "query", "document": "document"}
        role, adapted = sides.get(task), None if task in sides else task
        if output_value == "token_embeddings":
            rows = [r.copy() for r in self.model.embed_tokens(texts, prompt=name, role=role, task=adapted, normalize=normalize_embeddings or None)]
            out: list[Any] = [_tensor(r) for r in rows] if convert_to_tensor or not convert_to_numpy else list(rows)
            return out[0] if single else out
        if output_value != "sentence_embedding":
            raise UsageError(f"output_value is {output_value!r}, expected 'sentence_embedding' or 'token_embeddings'")
        dims = truncate_dim or self.truncate_dim or None
        on_progress, end = _bar(show_progress_bar, len(texts))
        try:
            vectors = self.model.embed(
                texts, prompt=name, role=role, task=adapted, dims=(dims or 0) if normalize_embeddings else 0,
                normalize=normalize_embeddings or None, on_progress=on_progress,
            )  # fmt: skip
        finally:
            end()
        vectors = vectors[:, :dims]  # what the model itself normalises is cut behind that
        return self._answer(_quantised(vectors, precision), single, convert_to_numpy, convert_to_tensor)

    def _answer(self, vectors: NDArray[Any], single: bool, convert_to_numpy: bool, convert_to_tensor: bool) -> Any:
        value = vectors[0] if single else vectors
        if convert_to_tensor:
            return _tensor(value)
        return value if convert_to_numpy or single else list(vectors)

    def _with_prompt(self, texts: list[str], name: str | None, prompt: str | None) -> tuple[list[str], str | None]:
        """The texts, and the name of the model's own prompt that goes in front of them; a text of ours is put there."""
        if prompt is None:
            name = name if name is not None else self.default_prompt_name
            if name is None:
                return texts, None
            if name not in self._own_prompts:
                self._prompt(name)
                return texts, name
            prompt = self._own_prompts[name]
        for own, text in self.model.prompts.items():  # a model may pool without its prompts
            if text == prompt:
                return texts, own
        if prompt and self._skips_prompts():
            raise UsageError(f"the model pools without its prompts, of which {prompt!r} is none")
        return [prompt + t for t in texts], ""

    def encode_query(self, sentences: str | Sequence[str], **how: Any) -> Any:
        """As encode, with the prompt "query" where the model has one and no other is asked for."""
        return self.encode(sentences, **{"task": "query", **self._for("query", how)})

    def encode_document(self, sentences: str | Sequence[str], **how: Any) -> Any:
        """As encode, with the prompt "document" where the model has one and no other is asked for."""
        return self.encode(sentences, **{"task": "document", **self._for("document", how)})

    def _for(self, name: str, how: dict[str, Any]) -> dict[str, Any]:
        if how.get("prompt") is not None or how.get("prompt_name") is not None:
            return how
        task = {"query": "retrieval.query", "document": "retrieval.passage"}[name]
        if task in self.model.info.tasks:
            return {"task": task, **how, **({"prompt_name": task} if task in self.prompts else {"prompt": ""})}
        return {**how, "prompt_name": name} if name in self.prompts else {**how, "prompt": ""}

    def similarity(self, embeddings1: Any, embeddings2: Any) -> Any:
        """Of each row with each of the others: [n, m]. A tensor where tensors are given."""
        return self._compare(0, embeddings1, embeddings2)

    def similarity_pairwise(self, embeddings1: Any, embeddings2: Any) -> Any:
        """Of rows at the same place: [n]."""
        return self._compare(1, embeddings1, embeddings2)

    def _compare(self, which: int, a: Any, b: Any) -> Any:
        is_tensor = hasattr(a, "detach") or hasattr(b, "detach")
        first, second = (np.atleast_2d(np.asarray(x, np.float32)) for x in (a, b))
        out = SIMILARITIES[self.similarity_fn_name][which](first, second)
        return _tensor(out) if is_tensor else out

    def tokenize(self, texts: Sequence[str]) -> list[NDArray[np.int32]]:
        """The ids of each text, special tokens included."""
        return list(self.model.tokenize(list(texts)))


def _quantised(vectors: NDArray[np.float32], precision: str) -> NDArray[Any]:
    if precision == "float32":
        return vectors
    bits = np.packbits(vectors > 0, axis=-1)
    return bits if precision == "ubinary" else (bits.astype(np.int16) - 128).astype(np.int8)


class CrossEncoder:
    """model_name_or_path: as hone.Model takes it; so are further options (threads=, compute=, ...)."""

    def __init__(self, model_name_or_path: str, *, max_length: int | None = None, device: Any = None, **options: Any) -> None:
        _only_cpu(device)
        self.model = Model(model_name_or_path, max_length=max_length or 0, **options)

    @property
    def num_labels(self) -> int:
        return len(self.model.labels)

    @property
    def max_length(self) -> int:
        return self.model.max_length

    def predict(
        self,
        sentences: Sequence[Any],
        batch_size: int = 32,
        show_progress_bar: bool | None = None,
        activation_fn: Callable[[Any], Any] | None = None,
        apply_softmax: bool = False,
        convert_to_numpy: bool = True,
        convert_to_tensor: bool = False,
        device: Any = None,
        **others: Any,
    ) -> Any:
        """Scores of pairs of texts: [n] of a model with one label, else [n, n_labels]; of one pair a single row.

        activation_fn: gets the logits, as a tensor of torch. Without it, a model of one label gives what its configuration
        says, the sigmoid as a rule, and one of several its logits. batch_size changes nothing.
        """
        _only_cpu(device)
        _refuse(others)
        single = len(sentences) > 0 and isinstance(sentences[0], str)
        pairs = [sentences] if single else list(sentences)
        for i, pair in enumerate(pairs):
            if isinstance(pair, str) or len(pair) != 2:
                raise UsageError(f"sentences[{i}] is no pair of texts")
        raw = activation_fn is not None or self.num_labels != 1
        on_progress, end = _bar(show_progress_bar, len(pairs))
        try:
            scores: Any = self.model.classify([a for a, _ in pairs], [b for _, b in pairs], raw=raw, on_progress=on_progress)
        finally:
            end()
        if activation_fn is not None:
            scores = np.asarray(activation_fn(_tensor(scores)))
        if apply_softmax and self.num_labels > 1:
            scores = np.exp(scores - scores.max(-1, keepdims=True))
            scores /= scores.sum(-1, keepdims=True)
        if self.num_labels == 1:
            scores = scores[:, 0]
        if single:
            scores = scores[0]
        if convert_to_tensor:
            return _tensor(np.asarray(scores))
        return scores if convert_to_numpy or single else list(scores)

    def rank(
        self,
        query: str,
        documents: Sequence[str],
        top_k: int | None = None,
        return_documents: bool = False,
        batch_size: int = 32,
        show_progress_bar: bool | None = None,
        activation_fn: Callable[[Any], Any] | None = None,
        **others: Any,
    ) -> list[dict[str, Any]]:
        """The documents from the best on: {"corpus_id", "score"} and, with return_documents, "text"."""
        if self.num_labels != 1:
            raise UsageError(f"rank is of models with one label, and this one has {self.num_labels}: expected predict")
        scores = self.predict(
            [(query, d) for d in documents], batch_size, show_progress_bar, activation_fn=activation_fn, **others
        )
        order = sorted(range(len(documents)), key=lambda i: -scores[i])[:top_k]
        rows: list[dict[str, Any]] = [{"corpus_id": i, "score": float(scores[i])} for i in order]
        if return_documents:
            for row in rows:
                row["text"] = documents[row["corpus_id"]]
        return rows
