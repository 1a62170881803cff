"""hone in LangChain: embeddings, a compressor that reranks, a chat model. Needs langchain-core.

    from hone.langchain import ChatHone, HoneEmbeddings, HoneRerank
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun, Callbacks
from langchain_core.documents import BaseDocumentCompressor, Document
from langchain_core.embeddings import Embeddings
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, convert_to_openai_messages
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import ConfigDict, Field, PrivateAttr

from ._chat import ModelOrName, model_of, options_of
from ._generation import Generated
from ._model import Model


class HoneEmbeddings(Embeddings):
    """model: a hone.Model or the name of one. Documents and queries get the model's prompts of these names, where it has
    such. embed_options: further ones of hone.Model.embed (dims=, normalize=, ...)."""

    def __init__(self, model: ModelOrName, *, model_options: dict[str, Any] | None = None, **embed_options: Any) -> None:
        self.model = model_of(model, model_options)
        self.embed_options = embed_options

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return self.model.embed(list(texts), role="document", **self.embed_options).tolist()

    def embed_query(self, text: str) -> list[float]:
        return self.model.embed(text, role="query", **self.embed_options).tolist()

    async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
        rows = await self.model.aembed(list(texts), role="document", **self.embed_options)
        return rows.tolist()

    async def aembed_query(self, text: str) -> list[float]:
        row = await self.model.aembed(text, role="query", **self.embed_options)
        return row.tolist()


class HoneRerank(BaseDocumentCompressor):
    """The documents that answer a query best, with metadata["relevance_score"]. model: a hone.Model or the name of one."""

    model_config = ConfigDict(arbitrary_types_allowed=True)
    model: Any
    top_n: int | None = None
    model_options: dict[str, Any] = Field(default_factory=dict)
    _model: Model = PrivateAttr()

    def model_post_init(self, context: Any) -> None:
        self._model = model_of(self.model, self.model_options)

    def compress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Callbacks | None = None
    ) -> Sequence[Document]:
        return self._best(documents, self._model.rerank(query, [d.page_content for d in documents]))

    async def acompress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Callbacks | None = None
    ) -> Sequence[Document]:
        return self._best(documents, await self._model.arerank(query, [d.page_content for d in documents]))

    def _best(self, documents: Sequence[Document], scores: Any) -> list[Document]:
        order = sorted(range(len(documents)), key=lambda i: -scores[i])[: self.top_n]
        return [
            documents[i].model_copy(update={"metadata": {**documents[i].metadata, "relevance_score": float(scores[i])}})
            for i in order
        ]


class ChatHone(BaseChatModel):
    """A model that chats, by its own chat template. model: a hone.Model or the name of one. Further options of generation,
    such as seed= or json_schema=, in `options`; all of them may be given to invoke and stream, too.

    Tools are not bound: bind_tools is refused, as of any chat model that does not have it.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)
    model: Any
    max_tokens: int | None = None
    temperature: float | None = None
    options: dict[str, Any] = Field(default_factory=dict)
    variables: dict[str, Any] | None = None  # of the chat template
    model_options: dict[str, Any] = Field(default_factory=dict)
    _model: Model = PrivateAttr()

    def model_post_init(self, context: Any) -> None:
        self._model = model_of(self.model, self.model_options)

    @property
    def _llm_type(self) -> str:
        return "hone"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model": self._model.info.path, **self._options(None, {})}

    def _options(self, stop: list[str] | None, more: dict[str, Any]) -> dict[str, Any]:
        given = {"max_tokens": self.max_tokens, "temperature": self.temperature, **self.options, **more}
        return options_of(given, stop)

    def _said(self, messages: list[BaseMessage]) -> list[dict[str, Any]]:
        said = convert_to_openai_messages(messages)
        return said if isinstance(said, list) else [said]

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        stream = self._model.chat(self._said(messages), variables=self.variables, **self._options(stop, kwargs))
        return _result(stream.result())

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        stream = self._model.achat(self._said(messages), variables=self.variables, **self._options(stop, kwargs))
        return _result(await stream.result())

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        options = self._options(stop, kwargs)
        with self._model.chat(self._said(messages), variables=self.variables, **options) as stream:
            for part in stream:
                chunk = ChatGenerationChunk(message=AIMessageChunk(content=part))
                if run_manager:
                    run_manager.on_llm_new_token(part, chunk=chunk)
                yield chunk
            yield _last(stream.result())

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        stream = self._model.achat(self._said(messages), variables=self.variables, **self._options(stop, kwargs))
        try:
            async for part in stream:
                chunk = ChatGenerationChunk(message=AIMessageChunk(content=part))
                if run_manager:
                    await run_manager.on_llm_new_token(part, chunk=chunk)
                yield chunk
            yield _last(await stream.result())
        finally:
            stream.close()


def _usage(g: Generated) -> UsageMetadata:
    return UsageMetadata(input_tokens=g.n_prompt, output_tokens=len(g.ids), total_tokens=g.n_prompt + len(g.ids))


def _result(g: Generated) -> ChatResult:
    how = {"finish_reason": g.finish}
    message = AIMessage(content=g.text, response_metadata=how, usage_metadata=_usage(g))
    return ChatResult(generations=[ChatGeneration(message=message, generation_info=how)])


def _last(g: Generated) -> ChatGenerationChunk:
    how = {"finish_reason": g.finish}
    message = AIMessageChunk(content="", response_metadata=how, usage_metadata=_usage(g), chunk_position="last")
    return ChatGenerationChunk(message=message, generation_info=how)
