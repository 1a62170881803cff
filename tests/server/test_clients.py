"""OpenAI's and Cohere's own clients for Python."""
import json
import os

from serving import CROSS, EMBED, FIXTURES, ServerCase, import_with, main


class Clients(ServerCase):
    models = [f"embed={EMBED}", f"cross={CROSS}", f"tiny={os.path.join(FIXTURES, 'causal')}"]


class TestOpenAI(Clients):
    @classmethod
    def setUpClass(cls):
        import_with("openai==3.57.0")
        super().setUpClass()
        import openai
        cls.openai = openai
        cls.client = openai.OpenAI(base_url=f"http://127.0.0.1:{cls.server.port}/v1", api_key="none", max_retries=0)

    def test_models(self):
        self.assertEqual([m.id for m in self.client.models.list()], ["embed", "cross", "tiny"])
        self.assertEqual(self.client.models.retrieve("embed").object, "model")

    def test_embeddings(self):
        """The client asks for base64, and decodes it."""
        answer = self.client.embeddings.create(model="embed", input=["a small test", "x"])
        for data, wanted in zip(answer.data, self.embedded(["a small test", "x"])):
            self.assertClose(data.embedding, wanted)
        self.assertGreater(answer.usage.prompt_tokens, 0)

    def test_completions(self):
        whole = self.client.completions.create(model="tiny", prompt="the fox", max_tokens=8, temperature=0, logprobs=2)
        self.assertEqual(len(whole.choices[0].logprobs.tokens), 8)
        parts = self.client.completions.create(model="tiny", prompt="the fox", max_tokens=8, temperature=0, stream=True)
        self.assertEqual("".join(p.choices[0].text for p in parts), whole.choices[0].text)

    def test_chat(self):
        messages = [{"role": "system", "content": "be brief"}, {"role": "user", "content": [{"type": "text", "text": "hi"}]}]
        how = {"model": "tiny", "messages": messages, "max_completion_tokens": 8, "temperature": 0}
        whole = self.client.chat.completions.create(**how, logprobs=True, top_logprobs=1)
        self.assertEqual(len(whole.choices[0].logprobs.content), 8)
        parts = list(self.client.chat.completions.create(**how, stream=True, stream_options={"include_usage": True}))
        self.assertEqual("".join(p.choices[0].delta.content or "" for p in parts if p.choices),
                         whole.choices[0].message.content)
        self.assertEqual(parts[-1].usage.total_tokens, whole.usage.total_tokens)

    def test_json_schema(self):
        schema = {"type": "object", "properties": {"a": {"enum": [1, 2]}}, "required": ["a"], "additionalProperties": False}
        answer = self.client.chat.completions.create(
            model="tiny", messages=[{"role": "user", "content": "x"}], max_tokens=60, temperature=0,
            response_format={"type": "json_schema", "json_schema": {"name": "a", "schema": schema, "strict": True}})
        self.assertIn(json.loads(answer.choices[0].message.content)["a"], (1, 2))

    def test_errors_have_their_classes(self):
        with self.assertRaises(self.openai.NotFoundError) as caught:
            self.client.embeddings.create(model="other", input="a")
        self.assertEqual(caught.exception.code, "model_not_found")
        with self.assertRaises(self.openai.BadRequestError) as caught:
            self.client.completions.create(model="tiny", prompt="a", temperature=-1)
        self.assertEqual(caught.exception.param, "temperature")

    def test_a_stream_that_is_left(self):
        parts = self.client.completions.create(model="tiny", prompt="the fox", max_tokens=4000, stream=True)
        next(iter(parts))
        parts.close()
        self.assertEqual(self.client.completions.create(model="tiny", prompt="a", max_tokens=1).object, "text_completion")


class TestCohere(Clients):
    documents = ["the quick brown fox", "search a pile of text", "x"]

    @classmethod
    def setUpClass(cls):
        import_with("cohere==7.3.1")
        super().setUpClass()
        import cohere
        cls.cohere = cohere
        url = f"http://127.0.0.1:{cls.server.port}"
        cls.clients = {"v1": cohere.Client(api_key="none", base_url=url), "v2": cohere.ClientV2(api_key="none", base_url=url)}

    def test_rerank(self):
        for version, client in self.clients.items():
            answer = client.rerank(model="cross", query="how fast is the fox", documents=self.documents, top_n=2)
            scores = [r.relevance_score for r in answer.results]
            self.assertEqual((len(scores), scores), (2, sorted(scores, reverse=True)), version)

    def test_embed(self):
        answer = self.clients["v2"].embed(model="embed", texts=self.documents, input_type="search_query", embedding_types=["float"])
        self.assertEqual(len(answer.embeddings.float_), len(self.documents))
        self.assertEqual(self.clients["v1"].embed(model="embed", texts=self.documents, input_type="search_query").embeddings, answer.embeddings.float_)

    def test_errors_have_their_classes(self):
        with self.assertRaises(self.cohere.NotFoundError):
            self.clients["v2"].rerank(model="other", query="a", documents=["b"])


main()
