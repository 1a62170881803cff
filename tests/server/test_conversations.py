"""Conversations as clients send them, in the forms that chat templates read: what reaches the model, and what is refused."""
import json
import os
import re
import shutil

from serving import FIXTURES, ServerCase, main

CAUSAL = os.path.join(FIXTURES, "causal")
TEMPLATES = os.path.join(FIXTURES, "jinja", "templates")
MODELS = ("qwen25", "qwen3", "llama31", "mistral-tools", "gemma2", "chatml")

ADD = {"type": "function", "function": {"name": "add", "description": "Adds", "parameters": {
    "type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}}}
USER = {"role": "user", "content": "2+3?"}


def calls(content, arguments="{\"a\": 2}", **more):
    return {"role": "assistant", "content": content, **more, "tool_calls": [
        {"id": "call_0123456789", "type": "function", "function": {"name": "add", "arguments": arguments}}]}


def result(content):
    return {"role": "tool", "tool_call_id": "call_0123456789", "content": content}


class TestConversations(ServerCase):
    @classmethod
    def setUpClass(cls):
        import tempfile
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.models = []
        for name in MODELS:
            copy = os.path.join(folder.name, name)
            shutil.copytree(CAUSAL, copy)
            shutil.copy(os.path.join(TEMPLATES, name + ".jinja"), os.path.join(copy, "chat_template.jinja"))
            cls.models.append(f"{name}={copy}")
        cls.several(os.path.join(folder.name, "several"))
        cls.files(os.path.join(folder.name, "files"))
        copy = os.path.join(folder.name, "variables")
        shutil.copytree(CAUSAL, copy)
        with open(os.path.join(copy, "chat_template.jinja"), "w") as f:
            f.write("{{ x }} {{ documents | tojson }} {{ messages[0].content }}")
        cls.models.append(f"variables={copy}")
        super().setUpClass()

    @classmethod
    def several(cls, copy):
        """Templates by name, and the same as a GGUF file."""
        shutil.copytree(CAUSAL, copy)
        if os.path.exists(os.path.join(copy, "chat_template.jinja")):
            os.remove(os.path.join(copy, "chat_template.jinja"))
        path = os.path.join(copy, "tokenizer_config.json")
        with open(path) as f:
            config = json.load(f)
        config["chat_template"] = [
            {"name": "default", "template": "plain {{ messages[0].content }}"},
            {"name": "rag", "template": "{{ messages[0].content }} of {{ documents[0].text }}"},
            {"name": "tool_use", "template": "tools {{ tools | tojson }} {{ messages[0].content }}"}]
        with open(path, "w") as f:
            json.dump(config, f)
        made = cls().hone("convert", "-o", copy + ".gguf", copy)
        assert os.path.exists(copy + ".gguf"), made
        cls.models += [f"several={copy}", f"converted={copy}.gguf"]

    @classmethod
    def files(cls, copy):
        shutil.copytree(CAUSAL, copy)
        os.mkdir(os.path.join(copy, "additional_chat_templates"))
        for path, text in (("chat_template", "plain {{ messages[0].content }}"),
                           ("additional_chat_templates/tool_use", "tools {{ tools | tojson }} {{ messages[0].content }}")):
            with open(os.path.join(copy, path + ".jinja"), "w") as f:
                f.write(text)
        cls.models.append(f"files={copy}")

    def prompt(self, model, messages, status=200, **more):
        reply = self.post("/apply-template", {"model": model, "messages": messages, **more}, status).json
        return reply["prompt"] if status == 200 else reply["error"]["message"]

    def test_nothing_said(self):
        """Beside calls: null, nothing, an empty text; and all that clients write down of a message."""
        for model in ("qwen25", "qwen3", "llama31", "mistral-tools"):
            plain = self.prompt(model, [USER, calls(""), result("5")], tools=[ADD])
            self.assertIn("add", plain)
            for other in (calls(None), {k: v for k, v in calls("").items() if k != "content"},
                          calls(None, refusal=None, audio=None, function_call=None, name=None)):
                self.assertEqual(self.prompt(model, [USER, other, result("5")], tools=[ADD]), plain, model)
            plain = self.prompt(model, [USER, {"role": "assistant", "content": "b"}, USER])
            for none in (None, []):
                said = {"role": "assistant", "content": "b", "tool_calls": none, "annotations": none}
                self.assertEqual(self.prompt(model, [USER, said, USER]), plain, model)

    def test_arguments_and_results(self):
        for model in ("qwen25", "qwen3", "llama31", "mistral-tools"):
            plain = self.prompt(model, [USER, calls("", {"a": 2}), result("5\n6")], tools=[ADD])
            parts = [{"type": "text", "text": t} for t in "56"]
            self.assertEqual(self.prompt(model, [USER, calls(""), result(parts)], tools=[ADD]), plain, model)
            self.assertIn("{}", self.prompt(model, [USER, calls("", ""), result("5")], tools=[ADD]), model)

    def test_older_forms(self):
        """Functions, as calls were written before tools; and refusals, as text."""
        old = {"name": "add", "arguments": '{"a": 2}'}
        for model in ("qwen25", "qwen3", "llama31", "mistral-tools"):
            plain = self.prompt(model, [USER, calls("", old["arguments"]), result("5"), {"role": "assistant", "content": "b"}, USER], tools=[ADD])
            said = [USER, {"role": "assistant", "content": None, "function_call": old}, {"role": "function", "name": "add", "content": "5"},
                    {"role": "assistant", "content": "b"}, USER]
            made = self.prompt(model, said, tools=[ADD])
            if model == "mistral-tools":  # which shows ids
                plain, made = (re.sub(r'"(call_)?id": "[0-9a-z]{9}"', "", text) for text in (plain, made))
            self.assertEqual(made, plain, model)
            plain = self.prompt(model, [USER, {"role": "assistant", "content": "no"}, USER])
            for other in ({"content": None, "refusal": "no"}, {"content": [{"type": "refusal", "refusal": "no"}]}, {"content": [], "refusal": "no"}):
                self.assertEqual(self.prompt(model, [USER, {"role": "assistant", **other}, USER]), plain, model)
        self.prompt("qwen25", [USER, {"role": "function", "content": "5"}], tools=[ADD])

    def test_documents_that_have_no_place(self):
        documents = [{"title": "t", "text": "of many"}]
        self.assertIn("documents", self.prompt("qwen25", [USER], 400, documents=documents))
        for model in ("qwen25", "qwen3"):
            reply = self.post("/v1/chat/completions", {"model": model, "messages": [USER], "documents": documents}, 400)
            self.assertEqual(reply.json["error"]["param"], "documents")
        self.assertIn("of many", self.prompt("several", [USER], documents=documents))
        self.assertEqual(self.prompt("qwen25", [USER], documents=[]), self.prompt("qwen25", [USER]))

    def test_integers_of_any_size(self):
        """Ids in a call's arguments are more than 64 bits in every dialect that has them as an object; elsewhere such numbers are
        refused as ever."""
        digits = "-12345678901234567890", "18446744073709551616"
        arguments = {"a": int(digits[0]), "list": [int(digits[1]), 0.5, 7], "s": '{"arguments": {"x": 98765432109876543210}}'}
        talk = [USER, calls("", arguments), result("5")]
        for model in ("qwen25", "llama31"):
            shown = self.prompt(model, talk, tools=[ADD])
            for number in digits:
                self.assertIn(number, shown)
                self.assertNotIn(f'"{number}', shown)
            self.assertEqual(shown, self.prompt(model, [USER, calls("", json.dumps(arguments)), result("5")], tools=[ADD]))
            n = len(self.post("/tokenize", {"model": model, "content": shown}).json["tokens"])
            called = {"type": "tool_use", "id": "call_0123456789", "name": "add", "input": arguments}
            given = {"type": "tool_result", "tool_use_id": "call_0123456789", "content": "5"}
            tool = {"name": "add", "description": "Adds", "input_schema": ADD["function"]["parameters"]}
            anthropic = {"model": model, "max_tokens": 1, "tools": [tool], "messages": [
                USER, {"role": "assistant", "content": [called]}, {"role": "user", "content": [given]}]}
            self.assertEqual(self.post("/v1/messages/count_tokens", anthropic).json["input_tokens"], n)
            ollama = [USER, {"role": "assistant", "content": "", "tool_calls": [
                {"function": {"name": "add", "arguments": arguments}}]}, {"role": "tool", "tool_name": "add", "content": "5"}]
            reply = self.post("/api/chat", {"model": model, "messages": ollama, "tools": [ADD], "stream": False,
                                            "options": {"num_predict": 1}}).json
            self.assertEqual(reply["prompt_eval_count"], n)
        for refused in ({"arguments": {"x": 10 ** 30}, "role": "user", "content": 10 ** 30}, {"role": 10 ** 30, "content": "a"}):
            self.post("/apply-template", {"model": "qwen25", "messages": [refused]}, 400)
        self.post("/apply-template", {"model": "qwen25", "messages": talk, "add_generation_prompt": 10 ** 30}, 400)

    def test_long_integers_beside_messages(self):
        """In tools, documents and variables of the template; and a tool's arguments still follow its schema."""
        n = 123456789012345678901234567890
        properties = {"a": {"type": "integer", "minimum": -n, "maximum": 2 ** 63, "default": 1.0, "enum": [n, 5]}}
        tool = {"type": "function", "function": {"name": "add", "description": "d", "parameters": {
            "type": "object", "properties": properties, "required": ["a"], "additionalProperties": False}}}
        for model in ("qwen25", "llama31"):
            shown = self.prompt(model, [USER], tools=[tool])
            for word in (f"-{n}", "9223372036854775808", "1.0", f"[{n}, 5]" if model == "qwen25" else str(n)):
                self.assertIn(word, shown)
            answer = self.post("/v1/chat/completions", {"model": model, "messages": [USER], "tools": [tool], "tool_choice": "required",
                                                        "max_tokens": 80}).json["choices"][0]["message"]
            self.assertIn(json.loads(answer["tool_calls"][0]["function"]["arguments"])["a"], (n, 5))
        shown = self.prompt("variables", [USER], documents=[{"id": n}], chat_template_kwargs={"x": {"n": -n, "f": 1.5}})
        body = {"model": "variables", "messages": [USER], "documents": [{"id": n}], "chat_template_kwargs": {"x": {"n": -n, "f": 1.5}}}
        for order in (list(body), list(body)[::-1], ["documents", "messages", "chat_template_kwargs", "model"]):
            self.assertEqual(self.post("/apply-template", {k: body[k] for k in order}).json["prompt"], shown)
        self.assertEqual(shown, f"{{'n': -{n}, 'f': 1.5}} [{{\"id\": {n}}}] 2+3?")

    def test_texts_that_look_like_marked_numbers(self):
        """Long numbers pass through the server as texts behind a noncharacter: a client's own such text stays one."""
        text = "\ufdd0123456789012345678901234567890"
        for model in ("qwen25", "llama31"):
            self.assertIn(f'"{text}"', self.prompt(model, [USER, calls("", {"a": text}), result("5")], tools=[ADD]), model)

    def test_developer(self):
        for model in ("qwen25", "qwen3", "llama31", "mistral-tools", "chatml"):
            said = [self.prompt(model, [{"role": role, "content": "In rhymes."}, USER]) for role in ("developer", "system")]
            self.assertEqual(said[0], said[1], model)
            self.assertIn("In rhymes.", said[0])
        self.assertIn("System role not supported", self.prompt("gemma2", [{"role": "developer", "content": "x"}, USER], 400))

    def test_what_cannot_be_said(self):
        for model in ("gemma2", "chatml"):
            self.assertIn("no place for 'add'", self.prompt(model, [USER], 400, tools=[ADD]))
            error = self.post("/v1/chat/completions", {"model": model, "messages": [USER], "tools": [ADD]}, 400).json["error"]
            self.assertIn("no place for 'add'", error["message"])
        self.assertIn("message 2", self.prompt("qwen25", [USER, {"role": "critic", "content": "no"}], 400))
        self.assertIn("message 2", self.prompt("chatml", [USER, calls(None)], 400))

    def test_templates_by_name(self):
        for model in ("several", "converted", "files"):
            self.assertEqual(self.prompt(model, [USER]), "plain 2+3?")
            self.assertEqual(self.prompt(model, [USER], tools=[]), "plain 2+3?")
            self.assertIn('tools [{"type": "function"', self.prompt(model, [USER], tools=[ADD]))
        self.assertEqual(self.prompt("converted", [USER], documents=[{"text": "sums"}]), "2+3? of sums")

    def test_going_on(self):
        said = {"role": "assistant", "content": "It is "}
        start = self.prompt("qwen25", [USER])
        fields = {"continue_final_message": True}
        self.assertEqual(self.prompt("qwen25", [USER, said], **fields), start + "It is ")
        self.assertEqual(self.prompt("qwen25", [USER, said], add_generation_prompt=False, **fields), start + "It is ")
        self.assertIn("add_generation_prompt", self.prompt("qwen25", [USER, said], 400, add_generation_prompt=True, **fields))
        self.assertIn("message 1", self.prompt("qwen25", [USER], 400, **fields))
        self.assertNotIn("assistant", self.prompt("qwen25", [USER], add_generation_prompt=False).split("2+3?")[1])


main()
