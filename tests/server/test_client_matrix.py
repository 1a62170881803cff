"""The official clients of several providers, and libraries above them, as people use them: a plain call, a stream, structured
output, a tool's call, result and answer, and an error. A grammar has the model say what is to be found, where a client can
send one; else a schema does. What stands on older versions of OpenAI's is in test_client_matrix_openai2.py."""
import json
import os

from matrix import CALL, LONG, PARAMETERS, SCHEMA, TOOL, USER, Matrix, grammar
from serving import main


class Clients(Matrix):
    packages = ("openai==3.57.0", "anthropic", "ollama", "huggingface_hub", "langchain-openai", "pydantic-ai-slim[openai]",
                "litellm==1.110.2", "openai-agents==0.24.0", "haystack-ai==3.4.1")


class TestChatCompletions(Clients):
    """OpenAI's chats; what is older is in test_clients.py."""

    def setUp(self):
        super().setUp()
        import openai
        self.client = openai.OpenAI(base_url=self.url + "/v1", api_key="x", max_retries=0).chat.completions

    def test_structured_output(self):
        import pydantic

        class Answer(pydantic.BaseModel):
            good: bool

        parsed = self.client.parse(model="qwen3", messages=USER, response_format=Answer, max_tokens=200).choices[0].message.parsed
        self.assertIsInstance(parsed.good, bool)

    def test_tools(self):
        how = {"model": "qwen3", "tools": [TOOL]}
        message = self.client.create(messages=USER, **how, extra_body=grammar(CALL)).choices[0].message
        self.assertEqual(json.loads(message.tool_calls[0].function.arguments), {"n": 12})
        with self.client.stream(messages=USER, **how, extra_body=grammar(CALL)) as stream:
            streamed = stream.get_final_completion().choices[0]
        self.assertEqual((streamed.finish_reason, streamed.message.tool_calls[0].function.arguments),
                         ("tool_calls", message.tool_calls[0].function.arguments))
        past = [*USER, message, {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "5"}]
        answer = self.client.create(messages=past, **how, extra_body=grammar("Five")).choices[0]
        self.assertEqual((answer.message.content, answer.finish_reason), ("Five", "stop"))


class TestResponses(Clients):
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
            self.create.create(model="qwen3", input=LONG)
        self.assertEqual(caught.exception.code, "context_length_exceeded")


class TestAnthropic(Clients):
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
            self.messages.create(**{**self.how, "messages": [{"role": "user", "content": LONG}]})


class TestOllama(Clients):
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
                self.client.chat(model=model, messages=[{"role": "user", "content": LONG}])
            self.assertEqual(caught.exception.status_code, status)


class TestHuggingFace(Clients):
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


class TestLangChain(Clients):
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
            self.model().invoke(LONG)
        self.assertEqual(caught.exception.code, "context_length_exceeded")


class TestPydanticAi(Clients):
    def agent(self, **how):
        from pydantic_ai import Agent
        from pydantic_ai.models.openai import OpenAIChatModel
        from pydantic_ai.providers.openai import OpenAIProvider
        return Agent(OpenAIChatModel("qwen3", provider=OpenAIProvider(base_url=self.url + "/v1", api_key="x")), **{"retries": 0, **how})

    def test_text_and_stream(self):
        agent = self.agent(model_settings={"extra_body": grammar("Yes")})
        self.assertEqual(agent.run_sync("a").output, "Yes")
        self.assertEqual("".join(self.agent(model_settings={"extra_body": grammar("Yes")}).run_stream_sync("a").stream_text(delta=True)), "Yes")

    def test_tools(self):
        """The model calls what it likes, a tool or the one that ends it, until the tool is not offered any more."""
        import pydantic

        class Answer(pydantic.BaseModel):
            good: bool

        called = []
        agent = self.agent(output_type=Answer, model_settings={"max_tokens": 200, "top_k": 0})

        async def offered(context, tool):
            return None if len(called) >= 2 else tool

        @agent.tool_plain(prepare=offered)
        def look(n: int) -> str:
            called.append(n)
            return "5"

        for _ in range(20):
            self.assertIsInstance(agent.run_sync("a").output.good, bool)
            if called:
                break
        self.assertTrue(called and all(isinstance(n, int) for n in called))

    def test_asking_again(self):
        import pydantic
        from pydantic_ai import ModelRetry

        class Answer(pydantic.BaseModel):
            good: bool

        seen = []
        agent = self.agent(output_type=Answer, model_settings={"max_tokens": 200}, retries=3)

        @agent.output_validator
        def look(answer: Answer) -> Answer:
            seen.append(answer)
            if len(seen) < 3:
                raise ModelRetry("not yet")
            return answer

        self.assertIsInstance(agent.run_sync("a").output.good, bool)
        self.assertEqual(len(seen), 3)

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
            self.agent().run_sync(LONG)
        self.assertEqual(caught.exception.status_code, 400)


class TestLitellm(Clients):
    def setUp(self):
        super().setUp()
        os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else it fetches a list of prices
        import litellm
        self.litellm = litellm
        self.how = {"model": "openai/qwen3", "api_base": self.url + "/v1", "api_key": "x", "max_retries": 0, "messages": USER}

    def test_text_and_stream(self):
        answer = self.litellm.completion(**self.how, extra_body=grammar("Yes"))
        self.assertEqual((answer.choices[0].message.content, answer.choices[0].finish_reason), ("Yes", "stop"))
        self.assertGreater(answer.usage.prompt_tokens, 0)
        parts = self.litellm.completion(**self.how, stream=True, extra_body=grammar("Yes"))
        self.assertEqual("".join(p.choices[0].delta.content or "" for p in parts), "Yes")

    def test_the_other_forms(self):
        """The same model as Anthropic's, and as Ollama's."""
        how = {k: v for k, v in self.how.items() if k not in ("model", "api_base")}
        answer = self.litellm.completion(model="anthropic/qwen3", api_base=self.url, max_tokens=20, temperature=0, **how)
        self.assertTrue(answer.choices[0].message.content)
        answer = self.litellm.completion(model="ollama_chat/qwen3", api_base=self.url, max_tokens=20, temperature=0, **how)
        self.assertTrue(answer.choices[0].message.content)

    def test_structured_output(self):
        import pydantic

        class Answer(pydantic.BaseModel):
            good: bool

        text = self.litellm.completion(**self.how, response_format=Answer, max_tokens=200).choices[0].message.content
        self.assertIsInstance(Answer.model_validate_json(text).good, bool)

    def test_tools(self):
        message = self.litellm.completion(**self.how, tools=[TOOL], extra_body=grammar(CALL)).choices[0].message
        call = message.tool_calls[0]
        self.assertEqual((call.function.name, json.loads(call.function.arguments)), ("look", {"n": 12}))
        parts = list(self.litellm.completion(**self.how, tools=[TOOL], stream=True, extra_body=grammar(CALL)))
        whole = self.litellm.stream_chunk_builder(parts).choices[0]
        self.assertEqual((whole.finish_reason, whole.message.tool_calls[0].function.arguments), ("tool_calls", call.function.arguments))
        past = [*USER, message, {"role": "tool", "tool_call_id": call.id, "content": "5"}]
        answer = self.litellm.completion(**{**self.how, "messages": past}, tools=[TOOL], extra_body=grammar("Five"))
        self.assertEqual(answer.choices[0].message.content, "Five")

    def test_errors(self):
        with self.assertRaises(self.litellm.ContextWindowExceededError):
            self.litellm.completion(**{**self.how, "messages": [{"role": "user", "content": LONG}]})
        with self.assertRaises(self.litellm.NotFoundError):
            self.litellm.completion(**{**self.how, "model": "openai/other"})


class TestOpenAIAgents(Clients):
    def setUp(self):
        super().setUp()
        import agents
        agents.set_tracing_disabled(True)
        self.agents = agents

    def each_model(self):
        """Over chats and over responses; a client belongs to the loop that it was used in first."""
        import openai
        for model in (self.agents.OpenAIChatCompletionsModel, self.agents.OpenAIResponsesModel):
            yield model("qwen3", openai.AsyncOpenAI(base_url=self.url + "/v1", api_key="x", max_retries=0))

    def settings(self, text=None, **how):
        return self.agents.ModelSettings(extra_body=grammar(text) if text else None, **how)

    def run_each(self, settings, **how):
        for model in self.each_model():
            agent = self.agents.Agent(name="a", instructions="Be brief.", model=model, model_settings=settings, **how)
            yield self.agents.Runner.run_sync(agent, "a", max_turns=3)

    def test_text_and_stream(self):
        for result in self.run_each(self.settings("Yes")):
            self.assertEqual(result.final_output, "Yes")
        import asyncio

        async def stream(model):
            agent = self.agents.Agent(name="a", model=model, model_settings=self.settings("Yes"))
            result = self.agents.Runner.run_streamed(agent, "a")
            deltas = [e.data.delta async for e in result.stream_events()
                      if e.type == "raw_response_event" and e.data.type == "response.output_text.delta"]
            return "".join(deltas), result.final_output

        for model in self.each_model():
            self.assertEqual(asyncio.run(stream(model)), ("Yes", "Yes"))

    def test_structured_output(self):
        import pydantic

        class Answer(pydantic.BaseModel):
            good: bool

        for result in self.run_each(self.settings(max_tokens=200), output_type=Answer):
            self.assertIsInstance(result.final_output.good, bool)

    def test_tools(self):
        """The agent calls the tool once, since it must, and then says something."""
        seen = []

        @self.agents.function_tool
        def look(n: int) -> str:
            seen.append(n)
            return "5"

        for result in self.run_each(self.settings(tool_choice="required", max_tokens=60, temperature=0), tools=[look]):
            kinds = [item.type for item in result.new_items]
            self.assertEqual(kinds, ["tool_call_item", "tool_call_output_item", "message_output_item"])
            self.assertIsInstance(seen[-1], int)
        self.assertEqual(len(seen), 2)

    def test_errors(self):
        import openai
        for model in self.each_model():
            agent = self.agents.Agent(name="a", model=model)
            with self.assertRaises(openai.BadRequestError) as caught:
                self.agents.Runner.run_sync(agent, LONG)
            self.assertEqual(caught.exception.code, "context_length_exceeded")


class TestHaystack(Clients):
    def generator(self, text=None, **how):
        from haystack.components.generators.chat import OpenAIChatGenerator
        from haystack.utils import Secret
        kwargs = {"max_tokens": 200, **({"extra_body": grammar(text)} if text else {}), **how.pop("generation", {})}
        return OpenAIChatGenerator(api_key=Secret.from_token("x"), model="qwen3", api_base_url=self.url + "/v1", max_retries=0,
                                   generation_kwargs=kwargs, **how)

    def test_text_and_stream(self):
        from haystack.dataclasses import ChatMessage
        parts = []
        self.assertEqual(self.generator("Yes").run([ChatMessage.from_user("a")])["replies"][0].text, "Yes")
        reply = self.generator("Yes", streaming_callback=lambda part: parts.append(part.content)).run([ChatMessage.from_user("a")])
        self.assertEqual((reply["replies"][0].text, "".join(parts)), ("Yes", "Yes"))

    def test_structured_output(self):
        import pydantic
        from haystack.dataclasses import ChatMessage

        class Answer(pydantic.BaseModel):
            good: bool

        reply = self.generator(generation={"response_format": Answer}).run([ChatMessage.from_user("a")])["replies"][0]
        self.assertIsInstance(json.loads(reply.text)["good"], bool)

    def test_tools(self):
        from haystack.dataclasses import ChatMessage
        from haystack.tools import Tool
        tool = Tool(name="look", description="Looks.", parameters=PARAMETERS, function=lambda n: str(n))
        user = ChatMessage.from_user("a")
        for how in ({}, {"streaming_callback": lambda part: None}):
            reply = self.generator(CALL, tools=[tool], **how).run([user])["replies"][0]
            self.assertEqual((reply.tool_call.tool_name, reply.tool_call.arguments), ("look", {"n": 12}))
        past = [user, reply, ChatMessage.from_tool("5", origin=reply.tool_call)]
        self.assertEqual(self.generator("Five", tools=[tool]).run(past)["replies"][0].text, "Five")

    def test_errors(self):
        import openai
        from haystack.dataclasses import ChatMessage
        with self.assertRaises(openai.BadRequestError) as caught:
            self.generator().run([ChatMessage.from_user(LONG)])
        self.assertEqual(caught.exception.code, "context_length_exceeded")


main()
