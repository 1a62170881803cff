"""hone in other frameworks, each with the real package, where that is installed."""

import asyncio
import unittest

from support import CAUSAL, CROSS, EMBED, Case, golden

import hone

CHAT = {"temperature": 0, "max_tokens": 8}


def has(name):
    try:
        __import__(name)
    except ImportError:
        return False
    return True


class Frameworks(Case):
    def setUp(self):
        super().setUp()
        self.texts = golden("bert-embed")["texts"]
        embed = hone.Model(EMBED)
        self.documents = embed.embed(self.texts, role="document")
        self.query = embed.embed("fox", role="query")
        scores = hone.Model(CROSS).rerank("fox", self.texts)
        self.order = sorted(range(len(self.texts)), key=lambda i: -scores[i])[:2]
        self.scores = [float(scores[i]) for i in self.order]
        self.messages = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hello"}]
        self.said = hone.Model(CAUSAL).chat(self.messages, **CHAT).result()


@unittest.skipUnless(has("langchain_core"), "langchain-core is not installed")
class LangChain(Frameworks):
    def test_embeddings(self):
        from langchain_core.documents import Document
        from langchain_core.vectorstores import InMemoryVectorStore

        from hone.langchain import HoneEmbeddings

        embeddings = HoneEmbeddings(EMBED)
        self.assertClose(embeddings.embed_documents(self.texts), self.documents)
        self.assertClose(embeddings.embed_query("fox"), self.query)
        self.assertClose(asyncio.run(embeddings.aembed_documents(self.texts)), self.documents)
        self.assertClose(asyncio.run(embeddings.aembed_query("fox")), self.query)
        self.assertEqual(len(HoneEmbeddings(EMBED, dims=8).embed_query("fox")), 8)
        store = InMemoryVectorStore(embeddings)
        store.add_documents([Document(page_content=t) for t in self.texts])
        best = store.similarity_search("fox", k=1)[0].page_content
        self.assertEqual(best, self.texts[int((self.documents @ self.query).argmax())])

    def test_compressor(self):
        from langchain_core.documents import Document

        from hone.langchain import HoneRerank

        documents = [Document(page_content=t, metadata={"n": i}) for i, t in enumerate(self.texts)]
        rerank = HoneRerank(model=CROSS, top_n=2)
        for found in (rerank.compress_documents(documents, "fox"), asyncio.run(rerank.acompress_documents(documents, "fox"))):
            self.assertEqual([d.metadata["n"] for d in found], self.order)
            self.assertClose([d.metadata["relevance_score"] for d in found], self.scores)
        self.assertNotIn("relevance_score", documents[0].metadata)

    def test_chat(self):
        from langchain_core.messages import HumanMessage, SystemMessage

        from hone.langchain import ChatHone

        chat = ChatHone(model=CAUSAL, **CHAT)
        messages = [SystemMessage("be brief"), HumanMessage("hello")]
        said = chat.invoke(messages)
        self.assertEqual(said.content, self.said.text)
        self.assertEqual(said.usage_metadata["output_tokens"], len(self.said.ids))
        self.assertEqual(said.response_metadata["finish_reason"], "length")
        self.assertEqual("".join(p.content for p in chat.stream(messages)), self.said.text)

        async def stream():
            return "".join([p.content async for p in chat.astream(messages)])

        self.assertEqual(asyncio.run(stream()), self.said.text)
        self.assertEqual(asyncio.run(chat.ainvoke(messages)).content, self.said.text)
        self.assertEqual(chat.invoke(messages, max_tokens=1).usage_metadata["output_tokens"], 1)
        self.assertTrue(self.said.text.startswith(chat.invoke(messages, stop=[self.said.text[1:3]]).content))
        with self.assertRaises(TypeError):
            chat.invoke(messages, colour=1)


@unittest.skipUnless(has("llama_index.core"), "llama-index-core is not installed")
class LlamaIndex(Frameworks):
    def test_embedding(self):
        from hone.llama_index import HoneEmbedding

        embedding = HoneEmbedding(EMBED)
        self.assertClose(embedding.get_text_embedding_batch(self.texts), self.documents)
        self.assertClose(embedding.get_query_embedding("fox"), self.query)
        self.assertClose(asyncio.run(embedding.aget_text_embedding_batch(self.texts)), self.documents)

    def test_rerank(self):
        from llama_index.core.schema import NodeWithScore, TextNode

        from hone.llama_index import HoneRerank

        nodes = [NodeWithScore(node=TextNode(text=t, id_=str(i))) for i, t in enumerate(self.texts)]
        found = HoneRerank(CROSS, top_n=2).postprocess_nodes(nodes, query_str="fox")
        self.assertEqual([int(n.node.node_id) for n in found], self.order)
        self.assertClose([n.score for n in found], self.scores)

    def test_llm(self):
        from llama_index.core.llms import ChatMessage

        from hone.llama_index import HoneLLM

        llm = HoneLLM(CAUSAL, options=CHAT)
        messages = [ChatMessage(role=m["role"], content=m["content"]) for m in self.messages]
        self.assertEqual(llm.chat(messages).message.content, self.said.text)
        *_, last = llm.stream_chat(messages)
        self.assertEqual(last.message.content, self.said.text)
        wanted = hone.Model(CAUSAL).generate("a fox", **CHAT).result().text
        self.assertEqual(llm.complete("a fox").text, wanted)
        *_, last = llm.stream_complete("a fox")
        self.assertEqual(last.text, wanted)

        async def ask():
            streamed = [p async for p in await llm.astream_chat(messages)]
            return (await llm.achat(messages)).message.content, (await llm.acomplete("a fox")).text, streamed[-1]

        chat, complete, streamed = asyncio.run(ask())
        self.assertEqual((chat, complete, streamed.message.content), (self.said.text, wanted, self.said.text))


@unittest.skipUnless(has("haystack"), "haystack-ai is not installed")
class Haystack(Frameworks):
    def test_pipeline(self):
        from haystack import Document, Pipeline
        from haystack.components.retrievers.in_memory import InMemoryEmbeddingRetriever
        from haystack.document_stores.in_memory import InMemoryDocumentStore

        from hone.haystack import HoneDocumentEmbedder, HoneRanker, HoneTextEmbedder

        store = InMemoryDocumentStore(embedding_similarity_function="cosine")
        documents = [Document(content=t, meta={"n": i}) for i, t in enumerate(self.texts)]
        embedded = HoneDocumentEmbedder(EMBED).run(documents)["documents"]
        self.assertClose([d.embedding for d in embedded], self.documents)
        self.assertIsNone(documents[0].embedding)
        store.write_documents(embedded)
        pipeline = Pipeline()
        pipeline.add_component("query", HoneTextEmbedder(EMBED))
        pipeline.add_component("find", InMemoryEmbeddingRetriever(store))
        pipeline.add_component("rank", HoneRanker(CROSS, top_k=2))
        pipeline.connect("query.embedding", "find.query_embedding")
        pipeline.connect("find.documents", "rank.documents")
        again = Pipeline.loads(pipeline.dumps(), allowed_modules=["hone.haystack"])
        again.get_component("find").document_store = store
        for p in (pipeline, again):
            found = p.run({"query": {"text": "fox"}, "rank": {"query": "fox"}})["rank"]["documents"]
            self.assertEqual([d.meta["n"] for d in found], self.order)
            self.assertClose([d.score for d in found], self.scores)

    def test_chat(self):
        from haystack.dataclasses import ChatMessage

        from hone.haystack import HoneChatGenerator

        parts = []
        generator = HoneChatGenerator(CAUSAL, generation_kwargs=CHAT)
        messages = [ChatMessage.from_system("be brief"), ChatMessage.from_user("hello")]
        reply = generator.run(messages, streaming_callback=parts.append)["replies"][0]
        self.assertEqual(reply.text, self.said.text)
        self.assertEqual("".join(p.content for p in parts), self.said.text)
        self.assertEqual(HoneChatGenerator.from_dict(generator.to_dict()).generation_kwargs, CHAT)
