"""hone in LlamaIndex: embeddings, a postprocessor that reranks, a language model. Needs llama-index-core.

    from hone.llama_index import HoneEmbedding, HoneLLM, HoneRerank
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    ChatResponseAsyncGen,
    ChatResponseGen,
    CompletionResponse,
    CompletionResponseAsyncGen,
    CompletionResponseGen,
    LLMMetadata,
    MessageRole,
)
from llama_index.core.bridge.pydantic import Field, PrivateAttr
from llama_index.core.llms.custom import CustomLLM
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import MetadataMode, NodeWithScore, QueryBundle

from ._chat import ModelOrName, model_of, options_of
from ._generation import Generated
from ._model import Model


class HoneEmbedding(BaseEmbedding):
    """model: a hone.Model or the name of one. Texts and queries get the model's prompts "document" and "query", where it has
    such. embed_options: further ones of hone.Model.embed."""

    embed_options: dict[str, Any] = Field(default_factory=dict)
    _model: Model = PrivateAttr()

    def __init__(
        self,
        model: ModelOrName,
        *,
        embed_options: dict[str, Any] | None = None,
        model_options: dict[str, Any] | None = None,
        embed_batch_size: int = 1024,
        **more: Any,
    ) -> None:
        opened = model_of(model, model_options)
        more.setdefault("model_name", opened.info.path)
        fields = {"embed_options": embed_options or {}, "embed_batch_size": embed_batch_size, **more}
        super().__init__(**fields)
        self._model = opened

    @classmethod
    def class_name(cls) -> str:
        return "HoneEmbedding"

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._model.embed(query, role="query", **self.embed_options).tolist()

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._get_text_embeddings([text])[0]

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return self._model.embed(texts, role="document", **self.embed_options).tolist()

    async def _aget_query_embedding(self, query: str) -> list[float]:
        row = await self._model.aembed(query, role="query", **self.embed_options)
        return row.tolist()

    async def _aget_text_embedding(self, text: str) -> list[float]:
        return (await self._aget_text_embeddings([text]))[0]

    async def _aget_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        rows = await self._model.aembed(texts, role="document", **self.embed_options)
        return rows.tolist()


class HoneRerank(BaseNodePostprocessor):
    """The nodes that answer the query best. model: a hone.Model or the name of one."""

    top_n: int = Field(default=5)
    _model: Model = PrivateAttr()

    def __init__(
        self, model: ModelOrName, *, top_n: int = 5, model_options: dict[str, Any] | None = None, **more: Any
    ) -> None:
        super().__init__(**{"top_n": top_n, **more})
        self._model = model_of(model, model_options)

    @classmethod
    def class_name(cls) -> str:
        return "HoneRerank"

    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        if query_bundle is None:
            raise ValueError("HoneRerank: expected a query")
        texts = [n.node.get_content(metadata_mode=MetadataMode.EMBED) for n in nodes]
        scores = self._model.rerank(query_bundle.query_str, texts)
        order = sorted(range(len(nodes)), key=lambda i: -scores[i])[: self.top_n]
        return [NodeWithScore(node=nodes[i].node, score=float(scores[i])) for i in order]


class HoneLLM(CustomLLM):
    """A model that writes, and chats by its own chat template. model: a hone.Model or the name of one. options: of
    generation, which may be given with each call, too."""

    options: dict[str, Any] = Field(default_factory=dict)
    variables: dict[str, Any] | None = Field(default=None)  # of the chat template
    _model: Model = PrivateAttr()

    def __init__(
        self,
        model: ModelOrName,
        *,
        options: dict[str, Any] | None = None,
        model_options: dict[str, Any] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(**{"options": options or {}, **more})
        self._model = model_of(model, model_options)

    @classmethod
    def class_name(cls) -> str:
        return "HoneLLM"

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata(
            context_window=self._model.max_length,
            num_output=int(self.options.get("max_tokens", 256)),
            is_chat_model=bool(self._model.info.chat_template),
            model_name=self._model.info.path,
        )

    def _options(self, more: dict[str, Any]) -> dict[str, Any]:
        return options_of({"max_tokens": 256, **self.options, **more})

    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        return _completion(self._model.generate(prompt, **self._options(kwargs)).result())

    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponseGen:
        def parts() -> CompletionResponseGen:
            text = ""
            with self._model.generate(prompt, **self._options(kwargs)) as stream:
                for part in stream:
                    text += part
                    yield CompletionResponse(text=text, delta=part)

        return parts()

    async def acomplete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        return _completion(await self._model.agenerate(prompt, **self._options(kwargs)).result())

    async def astream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponseAsyncGen:
        async def parts() -> CompletionResponseAsyncGen:
            text = ""
            stream = self._model.agenerate(prompt, **self._options(kwargs))
            try:
                async for part in stream:
                    text += part
                    yield CompletionResponse(text=text, delta=part)
            finally:
                stream.close()

        return parts()

    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        stream = self._model.chat(_said(messages), variables=self.variables, **self._options(kwargs))
        return _answer(stream.result())

    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        def parts() -> ChatResponseGen:
            text = ""
            with self._model.chat(_said(messages), variables=self.variables, **self._options(kwargs)) as stream:
                for part in stream:
                    text += part
                    yield ChatResponse(message=ChatMessage(role=MessageRole.ASSISTANT, content=text), delta=part)

        return parts()

    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        stream = self._model.achat(_said(messages), variables=self.variables, **self._options(kwargs))
        return _answer(await stream.result())

    async def astream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseAsyncGen:
        async def parts() -> ChatResponseAsyncGen:
            text = ""
            stream = self._model.achat(_said(messages), variables=self.variables, **self._options(kwargs))
            try:
                async for part in stream:
                    text += part
                    yield ChatResponse(message=ChatMessage(role=MessageRole.ASSISTANT, content=text), delta=part)
            finally:
                stream.close()

        return parts()


def _said(messages: Sequence[ChatMessage]) -> list[dict[str, Any]]:
    return [{"role": m.role.value, "content": m.content or ""} for m in messages]


def _raw(g: Generated) -> dict[str, Any]:
    return {"finish_reason": g.finish, "usage": {"prompt_tokens": g.n_prompt, "completion_tokens": len(g.ids)}}


def _completion(g: Generated) -> CompletionResponse:
    return CompletionResponse(text=g.text, raw=_raw(g))


def _answer(g: Generated) -> ChatResponse:
    return ChatResponse(message=ChatMessage(role=MessageRole.ASSISTANT, content=g.text), raw=_raw(g))
