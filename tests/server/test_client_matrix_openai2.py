"""Libraries that stand on version 2 of OpenAI's client: a plain call, a stream, structured output, a tool's call, result and
answer, and an error."""
from matrix import CALL, LONG, TOOL, USER, Matrix, grammar
from serving import main


class Clients(Matrix):
    packages = ("openai<3", "instructor==1.17.0", "llama-index-llms-openai-like==0.8.1", "smolagents[openai]==1.26.0")


class TestInstructor(Clients):
    def client(self, mode):
        import instructor
        import openai
        plain = openai.OpenAI(base_url=self.url + "/v1", api_key="x", max_retries=0)
        return instructor.from_openai(plain, mode=getattr(instructor.Mode, mode))

    def answer(self):
        import pydantic

        class Answer(pydantic.BaseModel):
            good: bool
            why: str = pydantic.Field(max_length=20)

        return Answer

    def test_each_way_to_ask_for_a_form(self):
        Answer = self.answer()
        for mode in ("TOOLS", "TOOLS_STRICT", "FUNCTIONS", "JSON_SCHEMA"):
            found, raw = self.client(mode).chat.completions.create_with_completion(
                model="qwen3", messages=USER, response_model=Answer, max_tokens=300, max_retries=0)
            self.assertIsInstance(found.good, bool, mode)
            self.assertEqual(raw.model, "qwen3")

    def test_forms_that_the_prompt_asks_for(self):
        """JSON without a schema, which this model can only make of nothing, and a block of JSON in a text."""
        import pydantic

        class Loose(pydantic.BaseModel):
            good: bool = True

        found = self.client("JSON").chat.completions.create(
            model="qwen3", messages=USER, response_model=Loose, max_tokens=300, max_retries=0, extra_body={"min_p": 1})
        self.assertTrue(found.good)
        said = '```json\n{"good": true, "why": "so"}\n```'
        found = self.client("MD_JSON").chat.completions.create(
            model="qwen3", messages=USER, response_model=self.answer(), max_tokens=300, max_retries=0, extra_body=grammar(said))
        self.assertEqual(found.why, "so")

    def test_asking_again(self):
        """What a validator does not like goes back with the error, until it does; or the client gives up."""
        import pydantic
        for mode in ("TOOLS", "JSON_SCHEMA"):
            seen = []

            class Picky(pydantic.BaseModel):
                good: bool

                @pydantic.field_validator("good")
                def look(cls, value):
                    seen.append(value)
                    if len(seen) < 3:
                        raise ValueError("not yet")
                    return value

            how = {"model": "qwen3", "messages": USER, "response_model": Picky, "max_tokens": 300}
            found, raw = self.client(mode).chat.completions.create_with_completion(max_retries=4, **how)
            self.assertIsInstance(found.good, bool, mode)
            self.assertEqual(len(seen), 3, mode)
            seen.clear()
            with self.assertRaises(Exception) as caught:
                self.client(mode).chat.completions.create(max_retries=1, **how)
            self.assertIn("not yet", str(caught.exception))

    def test_text(self):
        answer = self.client("TOOLS").chat.completions.create(model="qwen3", messages=USER, response_model=None,
                                                              extra_body=grammar("Yes"))
        self.assertEqual(answer.choices[0].message.content, "Yes")

    def test_stream(self):
        """The object as it grows."""
        for mode in ("TOOLS", "JSON_SCHEMA"):
            parts = list(self.client(mode).chat.completions.create_partial(
                model="qwen3", messages=USER, response_model=self.answer(), max_tokens=300, max_retries=0))
            self.assertIsInstance(parts[-1].good, bool, mode)
            self.assertGreater(len(parts), 1, mode)

    def test_several_objects(self):
        import typing

        import pydantic

        class Number(pydantic.BaseModel):
            n: typing.Literal[1, 2]

        numbers = list(self.client("JSON_SCHEMA").chat.completions.create_iterable(
            model="qwen3", messages=USER, response_model=Number, max_retries=0, max_tokens=300, temperature=0))
        self.assertTrue(all(number.n in (1, 2) for number in numbers))

    def test_errors(self):
        with self.assertRaises(Exception) as caught:
            self.client("TOOLS").chat.completions.create(model="other", messages=USER, response_model=self.answer(), max_retries=0)
        self.assertIn("other", str(caught.exception))
        with self.assertRaises(Exception) as caught:
            self.client("TOOLS").chat.completions.create(
                model="qwen3", messages=[{"role": "user", "content": LONG}], response_model=self.answer(), max_retries=0)
        self.assertIn("context_length_exceeded", str(caught.exception))


class TestLlamaIndex(Clients):
    def model(self, text=None, **how):
        from llama_index.llms.openai_like import OpenAILike
        return OpenAILike(model="qwen3", api_base=self.url + "/v1", api_key="x", is_chat_model=True, is_function_calling_model=True,
                          context_window=8192, max_retries=0, max_tokens=200,
                          additional_kwargs={"extra_body": grammar(text)} if text else {}, **how)

    def user(self, text="a"):
        from llama_index.core.llms import ChatMessage
        return ChatMessage(role="user", content=text)

    def test_text_and_stream(self):
        model = self.model("Yes")
        self.assertEqual(model.chat([self.user()]).message.content, "Yes")
        self.assertEqual("".join(part.delta for part in model.stream_chat([self.user()])), "Yes")
        plain = self.model()
        plain.is_chat_model = False
        self.assertTrue(plain.complete("a").text)

    def test_structured_output(self):
        import pydantic

        class Answer(pydantic.BaseModel):
            good: bool

        found = self.model(should_use_structured_outputs=True).as_structured_llm(Answer).chat([self.user()])
        self.assertIsInstance(found.raw.good, bool)

    def test_tools(self):
        from llama_index.core.llms import ChatMessage
        from llama_index.core.tools import FunctionTool

        def look(n: int) -> str:
            """Looks."""
            return "5"

        model, tool = self.model(CALL), FunctionTool.from_defaults(look)
        reply = model.chat_with_tools([tool], chat_history=[self.user()])
        calls = model.get_tool_calls_from_response(reply)
        self.assertEqual([(c.tool_name, c.tool_kwargs) for c in calls], [("look", {"n": 12})])
        for part in model.stream_chat_with_tools([tool], chat_history=[self.user()]):
            last = part
        self.assertEqual(model.get_tool_calls_from_response(last)[0].tool_kwargs, {"n": 12})
        past = [self.user(), reply.message, ChatMessage(role="tool", content="5", additional_kwargs={"tool_call_id": calls[0].tool_id})]
        self.assertEqual(self.model("Five").chat(past, tools=[TOOL]).message.content, "Five")

    def test_errors(self):
        import openai
        with self.assertRaises(openai.BadRequestError) as caught:
            self.model().chat([self.user(LONG)])
        self.assertEqual(caught.exception.code, "context_length_exceeded")


class TestSmolagents(Clients):
    """Agents that call tools as the model writes calls, and as it writes Python."""

    def model(self, text=None, **how):
        from smolagents import OpenAIServerModel
        return OpenAIServerModel("qwen3", api_base=self.url + "/v1", api_key="x", client_kwargs={"max_retries": 0},
                                 **({"extra_body": grammar(text)} if text else {}), **how)

    def look(self, seen):
        from smolagents import tool

        @tool
        def look(n: int) -> str:
            """Looks.

            Args:
                n: a number
            """
            seen.append(n)
            return "5"

        return look

    def test_calls(self):
        """A step must be a call of a tool, and goes on from its result."""
        from smolagents import ToolCallingAgent
        seen = []
        agent = ToolCallingAgent(tools=[self.look(seen)], model=self.model(max_tokens=60, temperature=0), max_steps=2, verbosity_level=0)
        agent.run("a")
        steps = [step for step in agent.memory.steps if getattr(step, "tool_calls", None)]
        self.assertEqual([call.name in ("look", "final_answer") for step in steps for call in step.tool_calls], [True] * len(steps))
        self.assertGreater(len(steps), 0)

    def test_code(self):
        from smolagents import CodeAgent
        seen = []
        said = "Thoughts: look\n<code>\nfinal_answer(look(n=12))\n</code>"
        agent = CodeAgent(tools=[self.look(seen)], model=self.model(said, max_tokens=100), max_steps=1, verbosity_level=0)
        self.assertEqual((agent.run("a"), seen), ("5", [12]))

    def test_text_and_stream(self):
        from smolagents import ChatMessage, MessageRole
        message = ChatMessage(role=MessageRole.USER, content=[{"type": "text", "text": "a"}])
        self.assertEqual(self.model("Yes").generate([message]).content, "Yes")
        self.assertEqual("".join(part.content or "" for part in self.model("Yes").generate_stream([message])), "Yes")

    def test_errors(self):
        import openai
        from smolagents import ChatMessage, MessageRole
        with self.assertRaises(openai.BadRequestError) as caught:
            self.model().generate([ChatMessage(role=MessageRole.USER, content=LONG)])
        self.assertEqual(caught.exception.code, "context_length_exceeded")


main()
