"""The official clients of several providers, and libraries above them, as people use them: a plain call, a stream, structured
output, a tool's call, result and answer, and an error. A grammar has the model say what is to be found, where a client can
send one; else a schema does."""
import json
import os
import shutil
import sys

from serving import FIXTURES, ServerCase, import_with, main

CAUSAL = os.path.join(FIXTURES, "causal")
PARAMETERS = {"type": "object", "properties": {"n": {"type": "integer", "enum": [12]}}, "required": ["n"], "additionalProperties": False}
TOOL = {"type": "function", "function": {"name": "look", "description": "Looks.", "parameters": PARAMETERS}}
SCHEMA = {"type": "object", "properties": {"good": {"type": "boolean"}}, "required": ["good"], "additionalProperties": False}
USER = [{"role": "user", "content": "a"}]
CALL = '<tool_call>\n{"name": "look", "arguments": {"n": 12}}\n</tool_call>'


def grammar(text):
    return {"grammar": f"root ::= {json.dumps(text)}"}


class Matrix(ServerCase):
    @classmethod
    def setUpClass(cls):
        # One environment for all, so that they are installed once.
        before = list(sys.path)
        import_with("openai==3.57.0", "anthropic", "ollama", "huggingface_hub", "langchain-openai", "pydantic-ai-slim[openai]")
        sys.path[:0] = [path for path in sys.path if path not in before]  # before older ones that this machine may have
        import tempfile
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        copy = os.path.join(folder.name, "qwen3")
        shutil.copytree(CAUSAL, copy)
        shutil.copy(os.path.join(FIXTURES, "jinja", "templates", "qwen3.jinja"), os.path.join(copy, "chat_template.jinja"))
        cls.models = [f"qwen3={copy}"]
        super().setUpClass()
        cls.url = f"http://127.0.0.1:{cls.server.port}"


class TestResponses(Matrix):
    """OpenAI's Responses; what is older is in test_clients.py."""
    tools = [{"type": "function", "name": "look", "description": "Looks.", "parameters": PARAMETERS, "strict": True}]

    def setUp(self):
        super().setUp()
        import openai
        self.openai = openai
        self.create = openai.OpenAI(base_url=self.url + "/v1", api_key="x", max_retries=0).responses

    def test_text_and_stream(self):
        self.assertEqual(self.create.create(model="qwen3", input="a", extra_body=grammar("Yes")).output_text, "Yes")
        with self.create.stream(model="qwen3", input="a", extra_body=grammar("Yes")) as stream:
            self.assertEqual("".join(e.delta for e in stream if e.type == "response.output_text.delta"), "Yes")
            self.assertEqual(stream.get_final_response().status, "completed")

    def test_structured_output(self):
        import pydantic

        class Answer(pydantic.BaseModel):
            good: bool

        parsed = self.create.parse(model="qwen3", input="a", text_format=Answer, max_output_tokens=200).output_parsed
        self.assertIsInstance(parsed.good, bool)

    def test_tools(self):
        with self.create.stream(model="qwen3", input="a", tools=self.tools, extra_body=grammar(CALL)) as stream:
            streamed = stream.get_final_response().output[0]
        call = self.create.create(model="qwen3", input="a", tools=self.tools, extra_body=grammar(CALL)).output[0]
        self.assertEqual((call.name, json.loads(call.arguments)), ("look", {"n": 12}))
        self.assertEqual(streamed.arguments, call.arguments)
        past = [*USER, call, {"type": "function_call_output", "call_id": call.call_id, "output": "5"}]
        self.assertEqual(self.create.create(model="qwen3", input=past, tools=self.tools, extra_body=grammar("Five")).output_text, "Five")

    def test_errors(self):
        with self.assertRaises(self.openai.NotFoundError):
            self.create.create(model="other", input="a")
        with self.assertRaises(self.openai.BadRequestError) as caught:
            self.create.create(model="qwen3", input="word " * 9000)
        self.assertEqual(caught.exception.code, "context_length_exceeded")


class TestAnthropic(Matrix):
    tools = [{"name": "look", "description": "Looks.", "input_schema": PARAMETERS}]

    def setUp(self):
        super().setUp()
        import anthropic
        self.anthropic = anthropic
        self.messages = anthropic.Anthropic(base_url=self.url, api_key="x", max_retries=0).messages
        self.how = {"model": "qwen3", "max_tokens": 200, "messages": USER}

    def test_text_and_stream(self):
        self.assertEqual(self.messages.create(**self.how, extra_body=grammar("Yes")).content[0].text, "Yes")
        with self.messages.stream(**self.how, extra_body=grammar("Yes")) as stream:
            self.assertEqual("".join(stream.text_stream), "Yes")
            self.assertEqual(stream.get_final_message().stop_reason, "end_turn")
        self.assertGreater(self.messages.count_tokens(model="qwen3", messages=USER).input_tokens, 5)

    def test_structured_output(self):
        answer = self.messages.create(**self.how, extra_body={"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}})
        self.assertIsInstance(json.loads(answer.content[0].text)["good"], bool)

    def test_tools(self):
        with self.messages.stream(**self.how, tools=self.tools, extra_body=grammar(CALL)) as stream:
            streamed = stream.get_final_message()
        answer = self.messages.create(**self.how, tools=self.tools, extra_body=grammar(CALL))
        self.assertEqual((answer.stop_reason, answer.content[0].name, answer.content[0].input), ("tool_use", "look", {"n": 12}))
        self.assertEqual(streamed.content[0].input, {"n": 12})
        past = [*USER, {"role": "assistant", "content": answer.content},
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": answer.content[0].id, "content": "5"}]}]
        self.assertEqual(self.messages.create(**{**self.how, "messages": past}, tools=self.tools, extra_body=grammar("Five")).content[0].text, "Five")

    def test_errors(self):
        with self.assertRaises(self.anthropic.NotFoundError):
            self.messages.create(**{**self.how, "model": "other"})
        with self.assertRaises(self.anthropic.BadRequestError):
            self.messages.create(**{**self.how, "messages": [{"role": "user", "content": "word " * 9000}]})


class TestOllama(Matrix):
    def setUp(self):
        super().setUp()
        import ollama
        self.ollama, self.client = ollama, ollama.Client(host=self.url)
        self.how = {"model": "qwen3", "options": {"num_predict": 200, "temperature": 0}}

    def test_text_and_stream(self):
        whole = self.client.chat(messages=USER, **self.how).message.content
        self.assertEqual("".join(p.message.content for p in self.client.chat(messages=USER, stream=True, **self.how)), whole)
        self.assertEqual(self.client.generate(prompt="a", **self.how).response, whole)
        self.assertEqual(len(self.client.embed(model="qwen3", input=["a", "b"]).embeddings), 2)
        self.assertEqual(self.client.list().models[0].model, "qwen3")
        self.assertIn("tools", self.client.show("qwen3").capabilities)

    def test_structured_output(self):
        self.assertIsInstance(json.loads(self.client.chat(messages=USER, format=SCHEMA, **self.how).message.content)["good"], bool)

    def test_tools(self):
        """The client has no grammars: its options do."""
        how = {"model": "qwen3", "tools": [TOOL], "options": {"num_predict": 200, **grammar(CALL)}}
        message = self.client.chat(messages=USER, **how).message
        self.assertEqual((message.tool_calls[0].function.name, message.tool_calls[0].function.arguments), ("look", {"n": 12}))
        past = [*USER, message, {"role": "tool", "tool_name": "look", "content": "5"}]
        how["options"].update(grammar("Five"))
        self.assertEqual(self.client.chat(messages=past, **how).message.content, "Five")

    def test_errors(self):
        for model, status in (("other", 404), ("qwen3", 400)):
            with self.assertRaises(self.ollama.ResponseError) as caught:
                self.client.chat(model=model, messages=[{"role": "user", "content": "word " * 9000}])
            self.assertEqual(caught.exception.status_code, status)


class TestHuggingFace(Matrix):
    def setUp(self):
        super().setUp()
        import huggingface_hub
        self.client = huggingface_hub.InferenceClient(base_url=self.url + "/v1", api_key="x")

    def test_chat(self):
        whole = self.client.chat_completion(USER, model="qwen3", max_tokens=20, temperature=0).choices[0].message.content
        parts = self.client.chat_completion(USER, model="qwen3", max_tokens=20, temperature=0, stream=True)
        self.assertEqual("".join(p.choices[0].delta.content or "" for p in parts if p.choices), whole)

    def test_structured_output(self):
        answer = self.client.chat_completion(USER, model="qwen3", max_tokens=200, response_format={
            "type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA}})
        self.assertIsInstance(json.loads(answer.choices[0].message.content)["good"], bool)

    def test_tools(self):
        answer = self.client.chat_completion(USER, model="qwen3", max_tokens=200, tools=[TOOL], tool_choice="required").choices[0]
        self.assertEqual((answer.finish_reason, answer.message.tool_calls[0].function.name), ("tool_calls", "look"))
        past = [*USER, json.loads(json.dumps(answer.message)), {"role": "tool", "tool_call_id": answer.message.tool_calls[0].id, "content": "5"}]
        self.assertTrue(self.client.chat_completion(past, model="qwen3", max_tokens=4, tools=[TOOL]).choices)

    def test_errors(self):
        import huggingface_hub
        with self.assertRaises(huggingface_hub.errors.HfHubHTTPError):
            self.client.chat_completion(USER, model="other")


class TestLangChain(Matrix):
    def model(self, **how):
        from langchain_openai import ChatOpenAI
        return ChatOpenAI(model="qwen3", base_url=self.url + "/v1", api_key="x", max_retries=0, max_tokens=200, **how)

    def test_text_and_stream(self):
        model = self.model(extra_body=grammar("Yes"))
        self.assertEqual(model.invoke("a").content, "Yes")
        self.assertEqual("".join(p.content for p in model.stream("a")), "Yes")
        responses = self.model(use_responses_api=True, extra_body=grammar("Yes"))
        self.assertEqual(responses.invoke("a").text, "Yes")

    def test_structured_output(self):
        import pydantic

        class Answer(pydantic.BaseModel):
            good: bool

        for method in ("json_schema", "function_calling"):
            self.assertIsInstance(self.model().with_structured_output(Answer, method=method).invoke("a").good, bool)

    def test_tools(self):
        from langchain_core.messages import HumanMessage, ToolMessage
        answer = self.model(extra_body=grammar(CALL)).bind_tools([TOOL]).invoke("a")
        self.assertEqual([(c["name"], c["args"]) for c in answer.tool_calls], [("look", {"n": 12})])
        merged = None
        for part in self.model(extra_body=grammar(CALL)).bind_tools([TOOL]).stream("a"):
            merged = part if merged is None else merged + part
        self.assertEqual([(c["name"], c["args"]) for c in merged.tool_calls], [("look", {"n": 12})])
        past = [HumanMessage("a"), answer, ToolMessage("5", tool_call_id=answer.tool_calls[0]["id"])]
        self.assertEqual(self.model(extra_body=grammar("Five")).bind_tools([TOOL]).invoke(past).content, "Five")

    def test_errors(self):
        import openai
        with self.assertRaises(openai.BadRequestError) as caught:
            self.model().invoke("word " * 9000)
        self.assertEqual(caught.exception.code, "context_length_exceeded")


class TestPydanticAi(Matrix):
    def agent(self, **how):
        from pydantic_ai import Agent
        from pydantic_ai.models.openai import OpenAIChatModel
        from pydantic_ai.providers.openai import OpenAIProvider
        return Agent(OpenAIChatModel("qwen3", provider=OpenAIProvider(base_url=self.url + "/v1", api_key="x")), retries=0, **how)

    def test_text(self):
        self.assertEqual(self.agent(model_settings={"extra_body": grammar("Yes")}).run_sync("a").output, "Yes")

    def test_structured_output(self):
        import pydantic
        from pydantic_ai import NativeOutput

        class Answer(pydantic.BaseModel):
            good: bool

        self.assertIsInstance(self.agent(output_type=NativeOutput(Answer), model_settings={"max_tokens": 200}).run_sync("a").output.good, bool)

    def test_output_by_a_tool(self):
        import pydantic

        class Answer(pydantic.BaseModel):
            good: bool

        self.assertIsInstance(self.agent(output_type=Answer, model_settings={"max_tokens": 200}).run_sync("a").output.good, bool)

    def test_errors(self):
        from pydantic_ai.exceptions import ModelHTTPError
        with self.assertRaises(ModelHTTPError) as caught:
            self.agent().run_sync("word " * 9000)
        self.assertEqual(caught.exception.status_code, 400)


main()
