"""What a text must look like, in each dialect and at each path that generates: it holds, or is refused by name."""
import json
import os

from serving import FIXTURES, ServerCase, main

CAUSAL = os.path.join(FIXTURES, "causal")
SCHEMA = {"const": {"a": 1}}
TALK = [{"role": "user", "content": "x"}]
REGEX = r"^[A-C]\d{2,3}(x|yy)?$"


class Constrained(ServerCase):
    models = [f"tiny={CAUSAL}"]

    def texts(self, **fields):
        """Of each path."""
        fields = {"temperature": 0, "max_tokens": 40, **fields}
        chat = self.post("/v1/chat/completions", {"messages": TALK, **fields}).json["choices"][0]["message"]["content"]
        text = self.post("/v1/completions", {"prompt": "x", **fields}).json["choices"][0]["text"]
        return [chat, text, self.post("/completion", {"prompt": "x", **fields}).json["content"]]

    def refused(self, field, *words, **fields):
        for path, more in (("/v1/chat/completions", {"messages": TALK}), ("/v1/completions", {"prompt": "x"})):
            error = self.post(path, {"max_tokens": 4, **more, **fields}, 400).json["error"]
            self.assertEqual(error["param"], field, (path, fields, error))
            for word in words:
                self.assertIn(word, error["message"])
        self.assertIn(f"'{field}'", self.post("/completion", {"prompt": "x", **fields}, 400).json["error"]["message"])

    def test_schemas(self):
        for fields in ({"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}}},
                       {"response_format": {"type": "json_schema", "schema": SCHEMA}},
                       {"response_format": {"type": "json_object", "schema": SCHEMA}},
                       {"response_format": {"type": "json_object", "value": SCHEMA}},
                       {"response_format": {"type": "json", "value": SCHEMA}},
                       {"response_format": {"type": "json_schema", "value": {"name": "n", "schema": SCHEMA}}},
                       {"json_schema": SCHEMA}, {"json_schema": json.dumps(SCHEMA)}, {"guided_json": SCHEMA},
                       {"guided_json": json.dumps(SCHEMA)}, {"structured_outputs": {"json": SCHEMA}},
                       {"structured_outputs": {"json": SCHEMA, "regex": None, "disable_any_whitespace": False}},
                       {"grammar": {"type": "json", "value": SCHEMA}}):
            for text in self.texts(**fields):
                self.assertEqual(json.loads(text), {"a": 1}, fields)

    def test_choices_and_regular_expressions(self):
        words = ['a "b"\n\\', "ä|c"]
        for fields in ({"choice": words}, {"guided_choice": words}, {"structured_outputs": {"choice": words}}):
            for text in self.texts(**fields):
                self.assertIn(text, words)
        for fields in ({"regex": REGEX}, {"guided_regex": REGEX}, {"structured_outputs": {"regex": REGEX}},
                       {"response_format": {"type": "regex", "value": REGEX}}, {"grammar": {"type": "regex", "value": REGEX}}):
            for text in self.texts(**fields):
                self.assertRegex(text, REGEX)

    def test_grammars(self):
        for fields in ({"grammar": 'root ::= "ok"'}, {"guided_grammar": 'root ::= "ok"'}, {"ebnf": 'root ::= "ok"'},
                       {"structured_outputs": {"grammar": 'root ::= "ok"'}}):
            self.assertEqual(self.texts(**fields), ["ok"] * 3)

    def test_regular_expressions(self):
        """Against Python's own, of ASCII: the texts that come are matched by them."""
        for regex in ("abc", "a.c", "[^a-y]", r"\w+\s\d", r"(?:a|b|)c{2}", r"(?P<x>a)?[-a]{,2}z", r"\x41\u00e9\.", "[]a]b", r"[\d_-]{3}?",
                      r"\$\^\{\}", r"[\w.]+@[a-z]+\.(com|org)", r"\[\]\"'", "(a|b)|", "日本?", r"\D\S\W"):
            for seed in range(3):
                text = self.post("/completion", {"prompt": "x", "regex": regex, "n_predict": 100, "temperature": 2.0, "seed": seed}).json
                if text["stop_type"] != "limit":
                    self.assertRegex(text["content"], f"(?a)\\A(?:{regex})\\Z", regex)
        for regex in ("a(?=b)", r"(a)\1", r"\bx", "a^b", "*a", "a**", "(a", "a)", "[a", "a$|b", "(?i)a", r"\p{L}", "x{a}", "a\\"):
            self.refused("regex", regex=regex)

    def test_what_is_refused(self):
        self.refused("guided_json", guided_json=SCHEMA, response_format={"type": "json_object"})
        self.refused("structured_outputs", "'structured_outputs' has 'json' and 'regex', of which one is possible",
                     structured_outputs={"json": SCHEMA, "regex": "a"})
        self.refused("structured_outputs", "together with 'regex'", regex="a", structured_outputs={"json": SCHEMA})
        self.refused("structured_outputs", structured_outputs={"structural_tag": "{}"})
        self.refused("structured_outputs", structured_outputs={})
        self.refused("guided_choice", guided_choice=[])
        self.refused("choice", choice=["a", 1])
        self.refused("guided_whitespace_pattern", guided_whitespace_pattern=" *")
        self.refused("response_format", response_format={"type": "json_schema"})
        self.refused("response_format", response_format={"type": "structural_tag"})
        self.refused("json_schema", json_schema=5)
        self.assertEqual(len(self.texts(response_format={"type": "text"}, guided_json=None, grammar="")), 3)

    def test_ignore_eos(self):
        for path, more in (("/v1/chat/completions", {"messages": TALK}), ("/v1/completions", {"prompt": "x"})):
            usage = self.post(path, {"max_tokens": 300, "temperature": 3, "seed": 1, "ignore_eos": True, **more}).json["usage"]
            self.assertEqual(usage["completion_tokens"], 300)

    def test_unknown_fields(self):
        reply = self.post("/v1/completions", {"prompt": "x", "max_tokens": 2, "user": "me", "no_such": 1, "other": {}, "none": None})
        self.assertEqual(reply.headers["X-Ignored-Fields"], "no_such, other")
        self.assertEqual(self.post("/v1/completions", {"prompt": "x", "max_tokens": 2, "tools": []}).headers["X-Ignored-Fields"], "tools")
        chat = {"messages": TALK, "max_tokens": 2, "tools": [], "parallel_tool_calls": True, "tool_choice": "auto", "store": False}
        self.assertIsNone(self.post("/v1/chat/completions", chat).headers["X-Ignored-Fields"])
        self.assertIsNone(self.post("/completion", {"prompt": "x", "n_predict": 2, "cache_prompt": True}).headers["X-Ignored-Fields"])


class Blamed(ServerCase):
    """A form that cannot be, and a template that refuses: the dialect's error names the field, and the place in the schema."""
    UNMET = {"type": "object", "properties": {"a": {"type": "integer", "minimum": 5, "maximum": 1}}, "required": ["a"]}
    CIRCLE = {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}

    @classmethod
    def setUpClass(cls):
        import shutil
        import tempfile
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.models = []
        for name, template in (("chats", "{{ tools }}{% for m in messages %}{{ m.content }}{% endfor %}"),
                               ("raises", "{{ raise_exception('Only in pairs.') }}")):
            copy = os.path.join(folder.name, name)
            shutil.copytree(CAUSAL, copy)
            with open(os.path.join(copy, "chat_template.jinja"), "w") as f:
                f.write(template)
            cls.models.append(f"{name}={copy}")
        super().setUpClass()

    def test_schemas(self):
        for schema, sentence in ((self.UNMET, "no value can satisfy it"), (self.CIRCLE, "at /$defs/a: references lead in a circle")):
            named = {"type": "json_schema", "name": "x", "schema": schema}
            for path, field, body in (
                    ("/v1/chat/completions", "response_format", {"messages": TALK, "response_format": {
                        "type": "json_schema", "json_schema": {"name": "x", "schema": schema}}}),
                    ("/v1/completions", "json_schema", {"prompt": "a", "json_schema": schema}),
                    ("/v1/completions", "grammar", {"prompt": "a", "grammar": {"type": "json", "value": schema}}),
                    ("/v1/completions", "guided_json", {"prompt": "a", "guided_json": schema, "stream": True}),
                    ("/v1/responses", "text", {"input": "a", "text": {"format": named}}),
                    ("/v1/messages", None, {"messages": TALK, "max_tokens": 9, "output_config": {"format": {
                        "type": "json_schema", "schema": schema}}}),
                    ("/api/chat", None, {"messages": TALK, "format": schema}),
                    ("/completion", None, {"prompt": "a", "json_schema": schema})):
                error = self.post(path, {"model": "chats", **body}, 400).json["error"]
                self.assertIn(sentence, error if isinstance(error, str) else error["message"], path)
                if field:
                    self.assertEqual(error["param"], field, path)

    def test_templates(self):
        for path, field, body in (("/v1/chat/completions", "messages", {"messages": TALK}), ("/v1/responses", "input", {"input": "a"}),
                                  ("/v1/messages", None, {"messages": TALK, "max_tokens": 9}), ("/api/chat", None, {"messages": TALK}),
                                  ("/apply-template", None, {"messages": TALK})):
            error = self.post(path, {"model": "raises", **body}, 400).json["error"]
            self.assertIn("Only in pairs.", error if isinstance(error, str) else error["message"], path)
            if field:
                self.assertEqual(error["param"], field)


class Strict(ServerCase):
    models = [f"tiny={CAUSAL}"]
    arguments = ["--strict-fields", "on"]

    def test_unknown_fields(self):
        error = self.post("/v1/completions", {"prompt": "x", "max_tokens": 2, "no_such": 1}, 400).json["error"]
        self.assertEqual(error["param"], "no_such")
        self.post("/v1/chat/completions", {"messages": TALK, "max_tokens": 2, "user": "me", "top_k": 3})


main()
