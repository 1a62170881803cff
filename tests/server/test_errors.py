"""What goes wrong with a request is told in the form of the dialect that was spoken: the same mistakes through every path that
generates, and what each dialect makes of them: its status, its fields, and a sentence that names the field and the place."""
import json
import os
import shutil
import tempfile

from serving import EMBED, FIXTURES, ServerCase, main

CAUSAL = os.path.join(FIXTURES, "causal")
TEMPLATES = os.path.join(FIXTURES, "jinja", "templates")
RAISES = "{% if messages|length > 1 %}{{ raise_exception('Only one message, please') }}{% endif %}{{ messages[0].content }}"
KEY = {"Authorization": "Bearer right"}

USER = [{"role": "user", "content": "a"}]
LONG = "word " * 2300
PARAMETERS = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
CHAT_TOOL = {"type": "function", "function": {"name": "look", "parameters": PARAMETERS}}
TOOLS = {"chat": CHAT_TOOL, "responses": {"type": "function", "name": "look", "parameters": PARAMETERS},
         "anthropic": {"name": "look", "input_schema": PARAMETERS}, "ollama": CHAT_TOOL}
NOBODY = {"type": "object", "properties": {"a": {"type": "string", "minLength": 3, "maxLength": 1}}, "required": ["a"]}
CIRCLE = {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}


class Dialect:
    """How one path is asked, and its form of errors."""

    def __init__(self, path, said, form, **usual):
        self.path, self.said, self.form, self.usual = path, said, form, usual

    def body(self, said="a", **fields):
        value = said if self.said in ("prompt", "input") else [{"role": "user", "content": said}]
        return {"model": "chat", self.said: value, **self.usual, **fields}


DIALECTS = {
    "chat": Dialect("/v1/chat/completions", "messages", "openai"),
    "completions": Dialect("/v1/completions", "prompt", "openai"),
    "responses": Dialect("/v1/responses", "input", "openai"),
    "anthropic": Dialect("/v1/messages", "messages", "anthropic", max_tokens=5),
    "ollama": Dialect("/api/chat", "messages", "ollama", stream=False),
    "generate": Dialect("/api/generate", "prompt", "ollama", stream=False),
    "llama": Dialect("/completion", "prompt", "llama"),
}
CHATS = ("chat", "responses", "anthropic", "ollama")

# By problem: the status, OpenAI's code, Anthropic's and llama.cpp's type.
FIELD = (400, None, "invalid_request_error", "invalid_request_error")
LENGTH = (400, "context_length_exceeded", "invalid_request_error", "exceed_context_size_error")
MODEL = (404, "model_not_found", "not_found_error", "not_found_error")
METHOD = (405, None, "invalid_request_error", "not_supported_error")
UNAUTHORIZED = (401, "invalid_api_key", "authentication_error", "authentication_error")


class Errors(ServerCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        with open(os.path.join(TEMPLATES, "qwen3.jinja")) as f:
            templates = {"chat": f.read(), "raises": RAISES}
        cls.models = []
        for name, template in templates.items():
            copy = os.path.join(folder.name, name)
            shutil.copytree(CAUSAL, copy)
            with open(os.path.join(copy, "chat_template.jinja"), "w") as f:
                f.write(template)
            cls.models.append(f"{name}={copy}")
        super().setUpClass()

    def check(self, dialect, reply, wanted, *words, param=None):
        """The error's form, and its sentence, which has these words."""
        status, code, anthropic, llama = wanted
        what = (dialect.path, reply.status, reply.body[:300])
        self.assertEqual(reply.status, status, what)
        self.assertEqual(reply.headers["Content-Type"].split(";")[0], "application/json", what)
        error = reply.json
        if dialect.form == "openai":
            self.assertEqual((set(error), set(error["error"])), ({"error"}, {"message", "type", "param", "code"}), what)
            self.assertEqual((error["error"]["type"], error["error"]["code"]), ("invalid_request_error", code), what)
            if param:
                self.assertEqual(error["error"]["param"], param, what)
        elif dialect.form == "anthropic":
            self.assertEqual((set(error), error["type"], error["error"]["type"]), ({"type", "error"}, "error", anthropic), what)
        elif dialect.form == "llama":
            sizes = {"n_prompt_tokens", "n_ctx"} if wanted is LENGTH else set()
            self.assertEqual(set(error["error"]), {"code", "message", "type", *sizes}, what)
            self.assertEqual((error["error"]["code"], error["error"]["type"]), (status, llama), what)
        else:
            self.assertEqual(set(error), {"error"}, what)
        sentence = error["error"] if dialect.form == "ollama" else error["error"]["message"]
        for word in words:
            self.assertIn(word, sentence, what)

    def ask(self, name, wanted, *words, param=None, said="a", **fields):
        dialect = DIALECTS[name]
        self.check(dialect, self.server.post(dialect.path, dialect.body(said, **fields), headers=KEY), wanted, *words, param=param)


class TestErrors(Errors):
    arguments = ["--strict-fields", "on"]

    def test_no_json(self):
        for dialect in DIALECTS.values():
            for body, word in ((b"{", "JSON"), (b'{"model": "chat",}', "JSON"), (b"[]", "object"), (b"\xff", "JSON")):
                self.check(dialect, self.server.post(dialect.path, body), FIELD, word)

    def test_unknown_model(self):
        for name in DIALECTS:
            self.ask(name, MODEL, "other", model="other")

    def test_wrong_method(self):
        for dialect in DIALECTS.values():
            self.check(dialect, self.server.get(dialect.path), METHOD, "POST")

    def test_too_long(self):
        for name in DIALECTS:
            self.ask(name, LENGTH, "tokens", said=LONG)

    def test_unknown_fields(self):
        for name in DIALECTS:
            self.ask(name, FIELD, "no_such_field", no_such_field=1, param="no_such_field")

    def test_schemas(self):
        for name in DIALECTS:
            self.ask(name, FIELD, "json_schema", "/properties/a", json_schema=NOBODY, param="json_schema")
            self.ask(name, FIELD, "json_schema", "/$defs/", json_schema=CIRCLE, param="json_schema")
            self.ask(name, FIELD, "json_schema", "/pattern", json_schema={"type": "string", "pattern": "(?=a)b"}, param="json_schema")
            self.ask(name, FIELD, "grammar", grammar="root ::= nothing", param="grammar")

    def test_schemas_in_the_words_of_each(self):
        for schema, place in ((NOBODY, "/properties/a"), (CIRCLE, "/$defs/")):
            self.ask("chat", FIELD, "response_format", place, param="response_format",
                     response_format={"type": "json_schema", "json_schema": {"name": "a", "schema": schema}})
            self.ask("responses", FIELD, "text", place, param="text",
                     **{"text": {"format": {"type": "json_schema", "name": "a", "schema": schema}}})
            self.ask("ollama", FIELD, "format", place, format=schema)
            self.ask("anthropic", FIELD, "output_config", place, output_config={"format": {"type": "json_schema", "schema": schema}})

    def test_a_template_that_raises(self):
        for name in CHATS:
            dialect = DIALECTS[name]
            body = dialect.body(model="raises")
            body[dialect.said] = [*USER, {"role": "assistant", "content": "b"}, *USER]
            self.check(dialect, self.server.post(dialect.path, body), FIELD, "Only one message, please", param=dialect.said)

    def test_tools(self):
        for name in CHATS:
            tool = TOOLS[name]
            self.ask(name, FIELD, "tools", tools=5, param="tools")
            self.ask(name, FIELD, "tools", tools=[tool, 5], param="tools")
            self.ask(name, FIELD, "tools", "magic", tools=[{**tool, "type": "magic"}], param="tools")
            unnamed = {k: v for k, v in tool.items() if k != "name"}
            self.ask(name, FIELD, "tools", "name", tools=[{**unnamed, **({"function": {}} if "function" in tool else {})}], param="tools")

    def test_choice_of_a_tool_that_is_not_offered(self):
        choices = {"chat": {"type": "function", "function": {"name": "other"}}, "responses": {"type": "function", "name": "other"},
                   "anthropic": {"type": "tool", "name": "other"}}
        for name, choice in choices.items():
            self.ask(name, FIELD, "tool_choice", "other", tools=[TOOLS[name]], tool_choice=choice, param="tool_choice")

    def test_call_of_a_tool_that_is_not_offered(self):
        """It is what the model said, and no call."""
        said = '<tool_call>\n{"name": "other", "arguments": {"n": 12}}\n</tool_call>'
        for name in CHATS:
            dialect = DIALECTS[name]
            body = dialect.body(tools=[TOOLS[name]], grammar=f"root ::= {json.dumps(said)}")
            answer = self.post(dialect.path, {**body, **({"max_tokens": 300} if name == "anthropic" else {})}).json
            parts = {"chat": lambda a: a["choices"][0]["message"], "responses": lambda a: a["output"], "anthropic": lambda a: a["content"],
                     "ollama": lambda a: a["message"]}[name](answer)
            self.assertIn(json.dumps(said)[1:-1], json.dumps(parts))
            self.assertNotIn("tool_calls", parts)
            self.assertNotIn("function_call", [p["type"] for p in parts if isinstance(p, dict)])
            self.assertNotIn("tool_use", [p["type"] for p in parts if isinstance(p, dict)])

    def test_types_of_fields(self):
        wrong = {"temperature": ["hot", -1, [], {}, 10 ** 30], "top_p": ["x", 7, -1], "top_k": ["x", 1.5, 10 ** 30], "seed": ["x", 1.5, 10 ** 30],
                 "stop": [5, [5], {}], "logit_bias": [5, "x"], "min_p": ["x", 2], "grammar": [5, {}, {"type": 5}, {"type": "x"}],
                 "json_schema": [5, "x"], "response_format": [5, {}, {"type": "x"}, {"type": "json_schema"}], "stream": [5, "x"],
                 "structured_outputs": [5, {"x": 1}, {"regex": 5}, {"choice": []}], "timeout": [-1, "x"], "model": [5, {}, []]}
        lists = {"messages": [5, "x", {}, [5], [{}], [{"role": 5}], [{"role": "user", "content": 5}], [{"role": "user", "content": [5]}]],
                 "prompt": [5, {}, [5.5], [{}], [10 ** 30]], "input": [5, {}, [5], [{}]]}
        for name, dialect in DIALECTS.items():
            own = {"ollama": ("model", "stream", "json_schema", "grammar"), "generate": ("model", "stream", "json_schema", "grammar"),
                   "anthropic": ("temperature", "top_p", "top_k", "model", "stream", "json_schema", "grammar")}.get(name, wrong)
            for field in own:
                for value in wrong[field]:
                    self.ask(name, FIELD, field, **{field: value})
            for value in lists[dialect.said]:
                self.check(dialect, self.server.post(dialect.path, {**dialect.body(), dialect.said: value}), FIELD, dialect.said)
            if dialect.form != "ollama":  # there it loads the model
                body = dialect.body()
                del body[dialect.said]
                self.check(dialect, self.server.post(dialect.path, body), FIELD, dialect.said, param=dialect.said)

    def test_options_of_ollama(self):
        for value, word in (({"temperature": -1}, "temperature"), ({"top_k": "x"}, "top_k"), (5, "options"), ({"no_such": 1}, "no_such")):
            for name in ("ollama", "generate"):
                self.ask(name, FIELD, word, options=value)


class TestKeys(Errors):
    """Without the right key, in the forms of those that embed and rank, too."""

    @classmethod
    def setUpClass(cls):
        os.environ["HONE_API_KEY"] = "right"
        cls.addClassCleanup(os.environ.pop, "HONE_API_KEY")
        super().setUpClass()

    others = {"/v2/embed": {"message"}, "/v1/rerank": {"detail"}, "/embed": {"error", "error_type"}, "/api/v1/embed": {"error"}}

    def test_no_key(self):
        for how in ({}, {"Authorization": "Bearer wrong"}, {"X-API-Key": "wrong"}):
            for dialect in DIALECTS.values():
                self.check(dialect, self.server.post(dialect.path, dialect.body(), headers=how), UNAUTHORIZED, "API key")
            for path, fields in self.others.items():
                reply = self.server.post(path, {}, headers=how)
                self.assertEqual((reply.status, set(reply.json)), (401, fields), path)

    def test_other_forms(self):
        """Field and sentence of Cohere's, Jina's, TEI's and hone's own."""
        wrong = {"/v2/embed": ({"texts": 5}, "texts"), "/v1/rerank": ({"query": "a", "documents": 5}, "documents"), "/embed": ({"inputs": 5}, "inputs"),
                 "/api/v1/embed": ({"texts": 5}, "texts")}
        for path, fields in self.others.items():
            body, word = wrong[path]
            reply = self.server.post(path, body, headers=KEY)
            self.assertEqual((reply.status, set(reply.json)), (422 if path in ("/v1/rerank", "/embed") else 400, fields), reply.body)
            self.assertIn(word, next(iter(reply.json.values())))


main()
