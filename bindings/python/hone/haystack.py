"""hone in Haystack: embedders, a ranker, a chat generator. Needs haystack-ai.

    from hone.haystack import HoneChatGenerator, HoneDocumentEmbedder, HoneRanker, HoneTextEmbedder

Each opens its model when the pipeline warms it up or with the first run, and goes to a pipeline's YAML and back (Pipeline.loads(..., allowed_modules=["hone.haystack"])).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from haystack import Document, component, default_from_dict, default_to_dict
from haystack.dataclasses import ChatMessage, StreamingChunk

from ._chat import options_of
from ._model import Model


class _Component:
    """What they share: model, the name of one, with options of hone.Model."""

    model: str
    model_options: dict[str, Any]
    _opened: Model | None = None

    def warm_up(self) -> None:
        if self._opened is None:
            self._opened = Model(self.model, **self.model_options)

    def _model(self) -> Model:
        self.warm_up()
        assert self._opened
        return self._opened

    def to_dict(self) -> dict[str, Any]:
        return default_to_dict(self, **self._settings())

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Any:
        return default_from_dict(cls, data)

    def _settings(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if not name.startswith("_")}


@component
class HoneTextEmbedder(_Component):
    """The vector of a query, with the model's prompt of that name where it has one."""

    def __init__(
        self,
        model: str,
        model_options: dict[str, Any] | None = None,
        embed_options: dict[str, Any] | None = None,
    ) -> None:
        self.model, self.model_options = model, model_options or {}
        self.embed_options = embed_options or {}

    @component.output_types(embedding=list[float])
    def run(self, text: str) -> dict[str, Any]:
        return {"embedding": self._model().embed(text, role="query", **self.embed_options).tolist()}


@component
class HoneDocumentEmbedder(_Component):
    """The vectors of documents, with the model's prompt for them where it has one. meta_fields_to_embed: what is put in
    front of the content, with embedding_separator in between."""

    def __init__(
        self,
        model: str,
        model_options: dict[str, Any] | None = None,
        embed_options: dict[str, Any] | None = None,
        meta_fields_to_embed: list[str] | None = None,
        embedding_separator: str = "\n",
    ) -> None:
        self.model, self.model_options = model, model_options or {}
        self.embed_options = embed_options or {}
        self.meta_fields_to_embed = meta_fields_to_embed or []
        self.embedding_separator = embedding_separator

    @component.output_types(documents=list[Document])
    def run(self, documents: list[Document]) -> dict[str, Any]:
        texts = [_text(d, self.meta_fields_to_embed, self.embedding_separator) for d in documents]
        rows = self._model().embed(texts, role="document", **self.embed_options)
        return {"documents": [replace(d, embedding=row.tolist()) for d, row in zip(documents, rows)]}


@component
class HoneRanker(_Component):
    """The documents that answer a query best, with their scores."""

    def __init__(
        self,
        model: str,
        model_options: dict[str, Any] | None = None,
        top_k: int | None = None,
        meta_fields_to_embed: list[str] | None = None,
        embedding_separator: str = "\n",
    ) -> None:
        self.model, self.model_options = model, model_options or {}
        self.top_k = top_k
        self.meta_fields_to_embed = meta_fields_to_embed or []
        self.embedding_separator = embedding_separator

    @component.output_types(documents=list[Document])
    def run(self, query: str, documents: list[Document], top_k: int | None = None) -> dict[str, Any]:
        texts = [_text(d, self.meta_fields_to_embed, self.embedding_separator) for d in documents]
        scores = self._model().rerank(query, texts)
        order = sorted(range(len(documents)), key=lambda i: -scores[i])[: self.top_k if top_k is None else top_k]
        return {"documents": [replace(documents[i], score=float(scores[i])) for i in order]}


@component
class HoneChatGenerator(_Component):
    """What a model says next, by its own chat template. generation_kwargs: as those of hone.Model.generate."""

    def __init__(
        self,
        model: str,
        model_options: dict[str, Any] | None = None,
        generation_kwargs: dict[str, Any] | None = None,
    ) -> None:
        self.model, self.model_options = model, model_options or {}
        self.generation_kwargs = generation_kwargs or {}

    @component.output_types(replies=list[ChatMessage])
    def run(
        self,
        messages: list[ChatMessage],
        generation_kwargs: dict[str, Any] | None = None,
        streaming_callback: Any = None,
    ) -> dict[str, Any]:
        said = [m.to_openai_dict_format() for m in messages]
        options = options_of({**self.generation_kwargs, **(generation_kwargs or {})})
        with self._model().chat(said, **options) as stream:
            for part in stream:
                if streaming_callback:
                    streaming_callback(StreamingChunk(content=part))
            g = stream.result()
        usage = {"prompt_tokens": g.n_prompt, "completion_tokens": len(g.ids)}
        meta = {"model": self.model, "finish_reason": g.finish, "usage": usage}
        return {"replies": [ChatMessage.from_assistant(g.text, meta=meta)]}


def _text(document: Document, fields: list[str], separator: str) -> str:
    parts = [str(document.meta[name]) for name in fields if document.meta.get(name) is not None]
    return separator.join([*parts, document.content or ""])
