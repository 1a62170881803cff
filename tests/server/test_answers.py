"""What is found in the answers of models: calls of tools in the form of the model's template, and thoughts. A grammar has the
model say what is to be found."""
import json
import os
import shutil

from serving import FIXTURES, ServerCase, main

CAUSAL = os.path.join(FIXTURES, "causal")
TEMPLATES = os.path.join(FIXTURES, "jinja", "templates")
SPECIAL = (2, "<|im_start|>")  # a token of the model's
TALK = [{"role": "user", "content": "x"}]

TOOLS = [{"type": "function", "function": {"name": name, "description": "d", "parameters": {
    "type": "object", "properties": {"what": {"type": "string"}, "n": {"type": "number"}, "list": {"type": "array"}}}}}
    for name in ("look", "look_up", "stop")]

# How a template writes the calls `c` of a message. The values of arguments are texts where they are no JSON.
FORMS = {
    "coder": """{% for c in m.tool_calls %}<tool_call>
<function={{ c.function.name }}>
{% for k, v in c.function.arguments.items() %}<parameter={{ k }}>
{{ v if v is string else v | tojson }}
</parameter>
{% endfor %}</function>
</tool_call>{% endfor %}""",
    "glm": """{% for c in m.tool_calls %}<tool_call>{{ c.function.name }}
{% for k, v in c.function.arguments.items() %}<arg_key>{{ k }}</arg_key>
<arg_value>{{ v if v is string else v | tojson }}</arg_value>
{% endfor %}</tool_call>{% endfor %}""",
    "named": "{% for c in m.tool_calls %}[CALLS]{{ c.function.name }}[ARGS]{{ c.function.arguments | tojson }}{% endfor %}",
    "fenced": "{% for c in m.tool_calls %}<begin>function<sep>{{ c.function.name }}\n```json\n{{ c.function.arguments | tojson }}\n```<end>"
              "{% endfor %}",
    "numbered": "{% for c in m.tool_calls %}<call>functions.{{ c.function.name }}:{{ loop.index0 }}<arg>{{ c.function.arguments | tojson }}"
                "</call>{% endfor %}",
    "python": """<list>[{% for c in m.tool_calls %}{{ c.function.name }}({% for k, v in c.function.arguments.items() %}{{ k }}={{ """
              """v | tojson }}{{ ', ' if not loop.last }}{% endfor %}){{ ', ' if not loop.last }}{% endfor %}]</list>""",
    "bare": """{% for c in m.tool_calls %}<call>call:{{ c.function.name }}{{ '{' }}{% for k, v in c.function.arguments.items() %}{{ k }}:{{ """
            """'<q>' ~ v ~ '<q>' if v is string else v | tojson }}{{ ',' if not loop.last }}{% endfor %}{{ '}' }}<end>{% endfor %}""",
    "section": "<sec>{% for c in m.tool_calls %}<call>functions.{{ c.function.name }}:{{ loop.index0 }}<arg>{{ c.function.arguments | tojson }}"
               "</call>{% endfor %}</sec>",
    "attributes": """<calls>
{% for c in m.tool_calls %}<invoke name="{{ c.function.name }}">
{% for k, v in c.function.arguments.items() %}<parameter name="{{ k }}" string="{{ 'true' if v is string else 'false' }}">"""
                  """{{ v if v is string else v | tojson }}</parameter>
{% endfor %}</invoke>
{% endfor %}</calls>""",
    "objects": "<calls>\n{% for c in m.tool_calls %}{\"name\": \"{{ c.function.name }}\", \"arguments\": {{ c.function.arguments | tojson }}}\n"
               "{% endfor %}</calls>",
    "keyed": """<calls>[{% for c in m.tool_calls %}{"{{ c.function.name }}": {{ c.function.arguments | tojson }}}{{ ', ' if not loop.last }}"""
             """{% endfor %}]</calls>""",
    "nested": """{% macro xml(v) %}{% if v is mapping %}{% for k, x in v.items() %}#<{{ k }}>{{ xml(x) }}#</{{ k }}>{% endfor %}"""
              """{% elif v is iterable and v is not string %}{% for x in v %}#<item>{{ xml(x) }}#</item>{% endfor %}"""
              """{% else %}{{ v if v is string else v | tojson }}{% endif %}{% endmacro %}#<calls>
{% for c in m.tool_calls %}#<invoke name="{{ c.function.name }}">{{ xml(c.function.arguments) }}#</invoke>
{% endfor %}#</calls>""",
    "action": """<act>[{% for c in m.tool_calls %}
    {"tool_call_id": "{{ loop.index0 }}", "tool_name": "{{ c.function.name }}", "parameters": {{ c.function.arguments | tojson }}}"""
              "{% if not loop.last %},{% endif %}{% endfor %}\n]</act>",
}
TEMPLATE = """{% if tools %}{{ tools | tojson }}{% endif %}{% for m in messages %}<|{{ m.role }}|>
{{ m.content or '' }}{% if m.tool_calls %}FORM{% endif %}<|end|>
{% endfor %}{% if add_generation_prompt %}<|assistant|>
{% endif %}"""


def events(reply):
    return [json.loads(e[6:]) for e in reply.body.decode().split("\n\n") if e.startswith("data: {")]


def merged(deltas):
    """The message that a client makes of them."""
    message = {"content": "", "reasoning_content": "", "tool_calls": []}
    for d in deltas:
        for key in ("content", "reasoning_content"):
            message[key] += d.get(key) or ""
        for call in d.get("tool_calls", []):
            if call["index"] == len(message["tool_calls"]):
                message["tool_calls"].append({**call, "function": dict(call["function"])})
            else:
                assert call["index"] == len(message["tool_calls"]) - 1 and set(call["function"]) == {"arguments"}, call
                message["tool_calls"][-1]["function"]["arguments"] += call["function"]["arguments"]
    return message


# Templates that tell a model how to write calls, and show those that it wrote as its text alone; and what it writes.
TOLD = {
    "lfm2": ("List of tools: [", '<|tool_call_start|>[{0}(what="a \\"b\\"", n=True), {1}()]<|tool_call_end|>'),
    "granite3": ("respond only with <|tool_call|> followed by a JSON list of tools used.",
                 '<|tool_call|>[{{"name": "{0}", "arguments": {{"what":"a \\"b\\"","n":true}}}}, {{"name": "{1}", "arguments": {{}}}}]'),
    "smollm3": ("return a json object within <tool_call></tool_call> XML tags:",
                '<tool_call>\n{{"name": "{0}", "arguments": {{"what":"a \\"b\\"","n":true}}}}\n</tool_call>\n'
                '<tool_call>\n{{"name": "{1}", "arguments": {{}}}}\n</tool_call>')}
# One that fails for tools without descriptions or parameters, and one that shows calls without the mark that it tells of.
STRICT = ("{% for t in tools or [] %}{{ t.function.name + ': ' + t.function.description + ' ' + t.function.parameters.properties | tojson }}"
          "{% endfor %}{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% endfor %}")
FUNCTOOLS = ("""{% if tools %}Calls are a list as functools[{"name": ...}]. {{ tools | tojson }}{% endif %}{% for m in messages %}<|{{ m.role }}|>"""
             """{{ m.content }}{% for c in m.tool_calls or [] %}{"name": "{{ c.function.name }}", "arguments": {{ c.function.arguments | tojson }}}"""
             """{{ ',' if not loop.last }}{% endfor %}<|end|>{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}""")
# Messages to somebody, as Muse Glimmer writes them: thoughts are to itself, and calls to a tool, with their arguments between tags.
ADDRESSED = """{% for t in tools or [] %}{{ t | tojson }}{% endfor %}{% for m in messages %}{% if m.role != 'assistant' %}<|start|>{{ m.role }}"""\
"""<|message|>{{ m.content }}<|eot|>{% else %}{% if m.reasoning_content %}{{ '<|start|>assistant to=self<|message|>' + m.reasoning_content """\
"""+ '<|eom|>' }}{% endif %}{% for c in m.tool_calls or [] %}<|start|>assistant to={{ c.function.name }}<|message|><x:calls>
<x:invoke name="{{ c.function.name }}">
{% for k, v in c.function.arguments.items() %}<x:parameter name="{{ k }}">{{ v if v is string else v | tojson }}</x:parameter>
{% endfor %}</x:invoke>
</x:calls>{{ '<|eot|>' if loop.last else '<|eom|>' }}{% else %}<|start|>assistant to=user<|message|>{{ m.content }}<|eot|>{% endfor %}"""\
"""{% endif %}{% endfor %}{% if add_generation_prompt %}<|start|>assistant{% endif %}"""
# Forms of thoughts: a template, or what one has in it that tells the form; what thoughts begin with, and what must come when they
# are to end.
LIMITED = {f"limited{i}": form for i, form in enumerate((
    ("</think>", ("<think>", "</think>")), ("[/THINK]", ("[THINK]", "[/THINK]")),
    ("<|END_THINKING|>", ("<|START_THINKING|>", "<|END_THINKING|>")), ("</seed:think>", ("<seed:think>", "</seed:think>")),
    ("</mm:think>", ("<mm:think>", "</mm:think>")), ("<|inner_suffix|>", ("<|inner_prefix|>", "<|inner_suffix|>")),
    ("harmony", ("<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>")),
    ("addressed", (" to=self<|message|>", "<|eom|><|start|>assistant to=user<|message|>"))))}
TALKED = """{% if tools %}INSTRUCTIONS{{ tools | tojson }}{% endif %}{% for m in messages %}<|{{ m.role }}|>
{{ m.content }}<|end|>
{% endfor %}{% if add_generation_prompt %}<|assistant|>
{% endif %}"""


class TestAnswers(ServerCase):
    @classmethod
    def setUpClass(cls):
        import tempfile
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.models = []
        texts = {name: TEMPLATE.replace("FORM", form) for name, form in FORMS.items()}
        texts["begun"] = TEMPLATE.replace("<|assistant|>\n{% endif", "<|assistant|>\n<think>\n{% endif").replace("FORM", "</think>")
        texts["special"] = TEMPLATE.replace("FORM", FORMS["named"].replace("[CALLS]", SPECIAL[1]))
        texts.update({name: TALKED.replace("INSTRUCTIONS", words) for name, (words, _) in TOLD.items()})
        texts.update(strict=STRICT, functools=FUNCTOOLS, addressed=ADDRESSED)
        for name in ("qwen25", "qwen3", "llama31", "mistral-tools", "harmony"):
            with open(os.path.join(TEMPLATES, name + ".jinja")) as f:
                texts[name] = f.read()
        for name, text in texts.items():
            copy = os.path.join(folder.name, name)
            shutil.copytree(CAUSAL, copy)
            with open(os.path.join(copy, "chat_template.jinja"), "w") as f:
                f.write(text)
            cls.models.append(f"{name}={copy}")
        for name, (template, (begin, _)) in LIMITED.items():  # models for which what their thoughts begin with is one token
            copy = os.path.join(folder.name, name)
            shutil.copytree(CAUSAL, copy)
            with open(os.path.join(copy, "chat_template.jinja"), "w") as f:
                f.write(texts[template] if template in texts else TEMPLATE.replace("FORM", template))
            with open(os.path.join(copy, "tokenizer.json")) as f:
                tokenizer = json.load(f)
            number = tokenizer["model"]["vocab"].pop(SPECIAL[1], SPECIAL[0])
            tokenizer["model"]["vocab"][begin] = number
            for token in tokenizer["added_tokens"]:
                if token["id"] == SPECIAL[0]:
                    token.update(content=begin, special=False)
            with open(os.path.join(copy, "tokenizer.json"), "w") as f:
                json.dump(tokenizer, f)
            cls.models.append(f"{name}={copy}")
        super().setUpClass()

    def says(self, model, text, tools=TOOLS, **fields):
        """The message, which is the same in a stream, and the finish reason."""
        body = {"model": model, "messages": TALK, "max_tokens": 600, "temperature": 0, "grammar": f"root ::= {json.dumps(text)}", **fields}
        body.update({"tools": tools} if tools else {})
        choice = self.post("/v1/chat/completions", body).json["choices"][0]
        message = choice["message"]
        said = events(self.post("/v1/chat/completions", {**body, "stream": True}))
        stream = merged(e["choices"][0]["delta"] for e in said)
        self.assertEqual(stream["content"], message["content"] or "", (model, text))
        self.assertEqual(stream["reasoning_content"], message.get("reasoning_content", ""), (model, text))
        self.assertEqual([c["function"] for c in stream["tool_calls"]], [c["function"] for c in message.get("tool_calls", [])])
        self.assertEqual(said[-1]["choices"][0]["finish_reason"], choice["finish_reason"])
        self.assertEqual(message.get("reasoning"), message.get("reasoning_content"))
        return message, choice["finish_reason"]

    def calls(self, model, text, **fields):
        message, finish = self.says(model, text, **fields)
        calls = [(c["function"]["name"], c["function"]["arguments"]) for c in message.get("tool_calls", [])]
        self.assertEqual(finish, "tool_calls" if calls else "stop")
        self.assertEqual(len({c["id"] for c in message.get("tool_calls", [])}), len(calls))
        return calls, message["content"]

    def one(self, model, name, arguments):
        """A call as the form has it, of JSON text."""
        if model in ("coder", "glm"):
            pairs = [(k, v if isinstance(v, str) else json.dumps(v)) for k, v in json.loads(arguments).items()]
            if model == "coder":
                return (f"<tool_call>\n<function={name}>\n" + "".join(f"<parameter={k}>\n{v}\n</parameter>\n" for k, v in pairs)
                        + "</function>\n</tool_call>")
            return f"<tool_call>{name}\n" + "".join(f"<arg_key>{k}</arg_key>\n<arg_value>{v}</arg_value>\n" for k, v in pairs) + "</tool_call>"
        if model == "attributes":
            return f'<calls>\n<invoke name="{name}">\n' + "".join(
                f'<parameter name="{k}" string="{str(isinstance(v, str)).lower()}">{v if isinstance(v, str) else json.dumps(v)}</parameter>\n'
                for k, v in json.loads(arguments).items()) + "</invoke>\n</calls>"
        if model == "python":
            return f"<list>[{name}({', '.join(f'{k}={v!r}' for k, v in json.loads(arguments).items())})]</list>"
        if model == "nested":
            def xml(v):
                if isinstance(v, dict):
                    return "".join(f"#<{k}>{xml(x)}#</{k}>" for k, x in v.items())
                return "".join(f"#<item>{xml(x)}#</item>" for x in v) if isinstance(v, list) else v if isinstance(v, str) else json.dumps(v)
            return f'#<calls>\n#<invoke name="{name}">{xml(json.loads(arguments))}#</invoke>\n#</calls>'
        if model == "bare":
            def bare(v):
                if isinstance(v, dict):
                    return "{" + ",".join(f"{k}:{bare(x)}" for k, x in v.items()) + "}"
                return "[" + ",".join(map(bare, v)) + "]" if isinstance(v, list) else f"<q>{v}<q>" if isinstance(v, str) else json.dumps(v)
            return f"<call>call:{name}{bare(json.loads(arguments))}<end>"
        return {"named": f"[CALLS]{name}[ARGS]{arguments}", "fenced": f"<begin>function<sep>{name}\n```json\n{arguments}\n```<end>",
                "section": f"<sec><call>functions.{name}:3<arg>{arguments}</call></sec>",
                "objects": f'<calls>\n{{"name": "{name}", "arguments": {arguments}}}\n</calls>',
                "keyed": f'<calls>[{{"{name}": {arguments}}}]</calls>',
                "numbered": f"<call>functions.{name}:3<arg>{arguments}</call>",
                "action": f'<act>[{{"tool_call_id": "0", "tool_name": "{name}", "parameters": {arguments}}}]</act>',
                "qwen25": f'<tool_call>\n{{"name": "{name}", "arguments": {arguments}}}\n</tool_call>',
                "llama31": f'{{"name": "{name}", "parameters": {arguments}}}',
                "mistral-tools": f'[{{"name": "{name}", "arguments": {arguments}}}]'}[model]

    forms = (*FORMS, "qwen25", "llama31", "mistral-tools")

    def test_forms_that_a_template_tells_alone(self):
        """Calls of the past are shown as the model wrote them, and those of an answer are found."""
        past = {"role": "assistant", "content": "I look.", "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "look", "arguments": '{"what":"a \\"b\\"","n":true}'}},
            {"id": "b", "type": "function", "function": {"name": "stop", "arguments": ""}}]}
        for model, (_, form) in TOLD.items():
            text = form.format("look", "stop")
            shown = self.post("/apply-template", {"model": model, "messages": [*TALK, past], "tools": TOOLS}).json["prompt"]
            self.assertIn(f"<|assistant|>\nI look.\n{text}<|end|>", shown)
            calls, content = self.calls(model, "I look.\n" + text)
            self.assertEqual(([(name, json.loads(said)) for name, said in calls], content.strip()),
                             ([("look", {"what": 'a "b"', "n": True}), ("stop", {})], "I look."), model)
            self.post("/apply-template", {"model": model, "messages": [*TALK, past]}, 200)

    def test_a_mark_that_a_template_tells_alone(self):
        """Phi-4-mini's."""
        text = 'functools[{"name": "look", "arguments": {"n": 1}}, {"name": "stop", "arguments": {}}]'
        self.assertEqual(self.calls("functools", text), ([("look", '{"n":1}'), ("stop", "{}")], None))
        self.assertEqual(self.calls("functools", "functools"), ([], "functools"))

    def test_words_of_python(self):
        """Between tags templates print what is no text as Python does; a text stays what it is."""
        tools = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {
            "what": {"type": "string"}, "ok": {"type": "boolean"}, "no": {"type": "boolean"}, "n": {"type": "integer"}}}}}]
        text = "<tool_call>\n<function=look>\n" + "".join(f"<parameter={k}>\n{v}\n</parameter>\n" for k, v in (
            ("what", "True"), ("ok", "True"), ("no", "False"), ("n", "None"))) + "</function>\n</tool_call>"
        self.assertEqual(self.calls("coder", text, tools=tools)[0], [("look", '{"what":"True","ok":true,"no":false,"n":null}')])

    def test_values_between_tags(self):
        """They are read by their schema: what is no text may be JSON or a literal of Python, and a text stays one."""
        def value(schema, text):
            tools = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {"v": schema}}}}]
            (_, arguments), = self.calls("coder", f"<tool_call>\n<function=look>\n<parameter=v>\n{text}\n</parameter>\n</function>\n</tool_call>",
                                         tools=tools)[0]
            return json.loads(arguments)["v"]
        text, number, mixed = {"type": "string"}, {"type": "number"}, {"type": ["string", "null"]}
        for schema, written, wanted in (
                (text, "[1]", "[1]"), (text, "null", "null"), (number, "7", 7), (mixed, "null", None), (mixed, "12", "12"),
                ({"anyOf": [text, {"type": "integer"}]}, "12", 12), ({"enum": ["1", "2"]}, "1", "1"), ({"enum": [1, 2]}, "1", 1),
                ({"type": "string", "nullable": True}, "None", None), ({}, "[1, 'it', s]", "[1, 'it', s]"),
                ({}, "[1, 'a \\u00e9\\x41\\n', None, (True,)]", [1, "a éA\n", None, [True]]), ({}, "{'a': {'b': [False, 1.5]}}", {"a": {"b": [False, 1.5]}}),
                ({}, '"""x"y"""', 'x"y'), ({}, "plain [text", "plain [text"), ({}, "[" * 90 + "]" * 90, json.loads("[" * 90 + "]" * 90)),
                ({}, "<![CDATA[a</parameter>b]]>", "a</parameter>b"), (number, "1.e", "1.e")):
            self.assertEqual(value(schema, written), wanted, (schema, written))

    def test_integers_of_any_size(self):
        """Past calls show them as they were written, be arguments objects or text for the template; and so they are read."""
        arguments = '{"n": -12345678901234567890123456789, "list": [18446744073709551616, 0.5]}'
        past = {"role": "assistant", "content": "", "tool_calls": [
            {"id": "call00001", "type": "function", "function": {"name": "look", "arguments": arguments}}]}
        for model in self.forms:
            shown = self.post("/apply-template", {"model": model, "messages": [*TALK, past], "tools": TOOLS, "add_generation_prompt": False}).json["prompt"]
            for digits in ("-12345678901234567890123456789", "18446744073709551616"):
                self.assertIn(digits, shown, model)
                self.assertNotIn(f'"{digits}', shown, model)
            said = shown[shown.rindex("assistant|>") + 11:].removesuffix("<|end|>\n").strip() if model in FORMS else self.one(model, "look", arguments)
            (name, read), = self.calls(model, said)[0]
            self.assertEqual((name, json.loads(read)), ("look", json.loads(arguments)), model)

    def test_tools_that_say_little(self):
        """Clients need not say what a tool does, nor its parameters; templates that want to know get empty ones."""
        tools = [{"type": "function", "function": {"name": "look"}}]
        shown = self.post("/apply-template", {"model": "strict", "messages": TALK, "tools": tools}).json["prompt"]
        self.assertIn("look:  {}", shown)

    def test_forms(self):
        arguments = '{"what":"a <b> & \\"c\\"","n":0.7,"list":[1,{"x":"y"}]}'
        for model in self.forms:
            for name in ("look", "look_up"):
                self.assertEqual(self.calls(model, self.one(model, name, arguments)), ([(name, arguments)], None), model)

    def test_several_calls_among_text(self):
        for model in self.forms:
            if model in ("llama31", "mistral-tools"):
                continue
            first, second = self.one(model, "stop", "{}"), self.one(model, "look", '{"n":1}')
            calls, content = self.calls(model, f"I look.\n{first}\n{second}\nDone")
            self.assertEqual(calls, [("stop", "{}"), ("look", '{"n":1}')], model)
            self.assertEqual(content.split(), ["I", "look.", "Done"], model)
            calls, _ = self.calls(model, f"{first}\n{second}", parallel_tool_calls=False)
            self.assertEqual(calls, [("stop", "{}")], model)

    def test_what_is_no_call(self):
        for model in self.forms:
            for text in (self.one(model, "other", '{"n":1}'), self.one(model, "look", '{"n":1}').rpartition("look")[0],
                         "a < b [ and { look"):
                self.assertEqual(self.calls(model, text), ([], text), model)
            text = self.one(model, "look", '{"n":1}')
            self.assertEqual(self.calls(model, text, tools=None), ([], text), model)
            self.assertEqual(self.calls(model, text, tool_choice="none"), ([], text), model)

    def test_calls_that_are_not_complete(self):
        """What there is of a call is told, marked, and never as one that can be made."""
        for model in self.forms:
            text = self.one(model, "look", '{"n":123,"what":"abc"}').rpartition("bc")[0]
            for fields, finish in (({}, "stop"), ({"grammar": f"root ::= {json.dumps(text)} [a-z]{{900}}"}, "length")):
                message, why = self.says(model, text, **fields)
                call = message["tool_calls"][0]
                self.assertEqual((call["status"], why, len(message["tool_calls"])), ("incomplete", finish, 1), model)
                self.assertTrue(call["function"]["arguments"].startswith('{"n":123'), model)

    def test_arguments_come_one_by_one(self):
        """Of every form: no later than the next one has begun."""
        for model in self.forms:
            body = {"model": model, "messages": TALK, "tools": TOOLS, "max_tokens": 600, "temperature": 0, "stream": True,
                    "grammar": "root ::= " + json.dumps(self.one(model, "look", '{"what":"abcdefghijklmnopqrstuvwxyz","n":123,"list":[1,2]}'))}
            parts = [c["function"]["arguments"] for e in events(self.post("/v1/chat/completions", body))
                     for c in e["choices"][0]["delta"].get("tool_calls", [])]
            self.assertEqual("".join(parts), '{"what":"abcdefghijklmnopqrstuvwxyz","n":123,"list":[1,2]}', model)
            so_far = ["".join(parts[:i]) for i in range(len(parts))]
            for text in ('{"what":"abcdefghijklmnopqrstuvwxyz"', '{"what":"abcdefghijklmnopqrstuvwxyz","n":123'):
                self.assertTrue(any(p.rstrip(",") == text for p in so_far), (model, parts))

    def test_values_that_were_asked_for(self):
        person = {"type": "object", "properties": {"name": {"const": "look"}, "parameters": {"const": {}}}, "required": ["name", "parameters"],
                  "additionalProperties": False}
        answer = self.post("/v1/chat/completions", {"model": "llama31", "messages": TALK, "tools": TOOLS, "max_tokens": 200, "response_format": {
            "type": "json_schema", "json_schema": {"name": "p", "schema": person}}}).json["choices"][0]
        self.assertEqual((json.loads(answer["message"]["content"]), answer["finish_reason"]), ({"name": "look", "parameters": {}}, "stop"))

    def test_required(self):
        for model in self.forms:
            answer = self.post("/v1/chat/completions", {
                "model": model, "messages": TALK, "temperature": 0, "max_tokens": 400,
                "tool_choice": {"type": "function", "function": {"name": "add"}},
                "tools": [{"type": "function", "function": {"name": "add", "description": "d", "parameters": {
                    "type": "object", "properties": {"a": {"const": 5}}, "required": ["a"], "additionalProperties": False}}}]}).json
            call = answer["choices"][0]["message"]["tool_calls"][0]["function"]
            self.assertEqual(call, {"name": "add", "arguments": '{"a":5}'}, model)

    def test_allowed_tools(self):
        """Some of the tools, as OpenAI's clients choose them: no other one is called, nor told of."""
        def choice(mode, *names):
            return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": [
                {"type": "function", "function": {"name": name}} for name in names]}}

        call = self.one("qwen25", "look", "{}")
        for names, called in ((("look",), True), (("stop", "look"), True), (("stop",), False)):
            message, _ = self.says("qwen25", call, tool_choice=choice("auto", *names))
            self.assertEqual("tool_calls" in message, called, names)
        body = {"model": "qwen25", "messages": TALK, "tools": TOOLS, "max_tokens": 200, "temperature": 0}
        reply = self.post("/v1/chat/completions", {**body, "tool_choice": choice("required", "stop")}).json
        self.assertEqual(reply["choices"][0]["message"]["tool_calls"][0]["function"]["name"], "stop")
        for wrong in (choice("auto", "other"), choice("auto"), choice("sometimes", "stop"), {"type": "allowed_tools"}):
            error = self.post("/v1/chat/completions", {**body, "tool_choice": wrong}, 400).json["error"]
            self.assertIn(error["param"], ("tool_choice", "mode"))

    def test_thoughts(self):
        for model, text in (("qwen3", "<think>\nHm, 2 < 3.\n</think>\n\nYes"), ("begun", "Hm, 2 < 3.\n</think>\n\nYes")):
            message, finish = self.says(model, text, tools=None)
            self.assertEqual((message["content"], message["reasoning_content"], finish), ("Yes", "Hm, 2 < 3.", "stop"))
        for text in ("<think>\n\n</think>\n\nYes", "</think>Yes"):
            message, _ = self.says("qwen3", text, tools=None)
            self.assertEqual((message["content"], message.get("reasoning_content")), ("Yes", None))
        message, _ = self.says("qwen3", "<think>\n\n</think>\n\nYes", tools=None)
        self.assertEqual((message["content"], message.get("reasoning_content")), ("Yes", None))
        message, _ = self.says("qwen3", "<think>\nHm", tools=None)
        self.assertEqual((message["content"], message["reasoning_content"]), (None, "Hm"))
        for model, text in (("qwen3", "<thin air"), ("qwen3", "Yes <think>x</think>"), ("qwen25", "<think>x</think>y")):
            message, _ = self.says(model, text, tools=None)
            self.assertEqual((message["content"], message.get("reasoning_content")), (text, None))
        message, _ = self.says("qwen3", "<think>x</think>y", tools=None, reasoning_format="none")
        self.assertEqual(message["content"], "<think>x</think>y")

    def test_several_calls_between_one_pair_of_marks(self):
        calls = [("stop", "{}"), ("look", '{"what":"a"}'), ("look_up", '{"n":1}')]
        for model, text in (("section", "<sec>" + "".join(f"<call>functions.{n}:{i}<arg>{a}</call>" for i, (n, a) in enumerate(calls)) + "</sec>"),
                            ("objects", "<calls>\n" + "".join(f'{{"name": "{n}", "arguments": {a}}}\n' for n, a in calls) + "</calls>")):
            self.assertEqual(self.calls(model, "Now " + text + " then"), (calls, "Now  then"), model)

    def test_channels(self):
        """As gpt-oss answers: thoughts, calls and what is said are messages in channels."""
        start, thought = "<|start|>assistant", "<|channel|>analysis<|message|>Hm, a < b.<|end|>"
        for text, wanted in (
                (f"{thought}{start}<|channel|>final<|message|>Yes <b>", ("Yes <b>", "Hm, a < b.", [])),
                ("<|channel|>final<|message|>Yes", ("Yes", None, [])),
                (f"{thought}{start}<|channel|>commentary to=functions.look <|constrain|>json<|message|>{{\"n\": 1}}", (None, "Hm, a < b.", ['{"n":1}'])),
                (f"<|channel|>commentary<|message|>I look.<|end|>{start} to=functions.look<|channel|>commentary json<|message|>{{\"n\": 1}}<|call|>",
                 ("I look.", None, ['{"n":1}'])),
                (" to=functions.look<|channel|>commentary json<|message|>{}", (None, None, ["{}"])),
                ("<|channel|>commentary to=functions.other <|message|>{}", ("{}", None, [])),
                (f"{thought}{start}<|channel|>fin", (None, "Hm, a < b.", [])),
                ("<|channel|>analysis", ("", None, [])),
                ("plain", ("plain", None, []))):
            message, finish = self.says("harmony", text)
            calls = message.get("tool_calls", [])
            self.assertEqual((message["content"], message.get("reasoning_content"), [c["function"]["arguments"] for c in calls]), wanted, text)
            self.assertEqual(finish, "tool_calls" if calls else "stop")
        cut = "<|channel|>commentary to=functions.look <|constrain|>json<|message|>{\"n\": "
        message, finish = self.says("harmony", cut)
        self.assertEqual((message["tool_calls"][0]["status"], finish), ("incomplete", "stop"))

    def test_messages_to_somebody(self):
        """As Muse Glimmer answers: what is to itself is thought, what is to a tool is a call, the rest is said."""
        start, thought = "<|start|>assistant", " to=self<|message|>Hm, a < b.<|eom|>"

        def call(name, *arguments):
            tags = "".join(f'<x:parameter name="{k}">{v}</x:parameter>\n' for k, v in arguments)
            return f' to={name}<|message|><x:calls>\n<x:invoke name="{name}">\n{tags}</x:invoke>\n</x:calls>'

        look = call("look", ("n", "1"), ("what", 'a <b> "c"\n'), ("list", '["x", 2]'))
        wanted = '{"n":1,"what":"a <b> \\"c\\"","list":["x",2]}'
        for text, expected in (
                (f"{thought}{start} to=user<|message|>Yes <b>", ("Yes <b>", "Hm, a < b.", [])),
                (" to=user<|message|>Yes<|eot|>", ("Yes", None, [])),
                (f"{thought}{start}{look}<|eot|>", (None, "Hm, a < b.", [("look", wanted)])),
                (look, (None, None, [("look", wanted)])),
                (f"{look}<|eom|>{start}{call('stop')}<|eot|>", (None, None, [("look", wanted), ("stop", "{}")])),
                (f" to=user<|message|>I look.<|eom|>{start}{look}<|eot|>", ("I look.", None, [("look", wanted)])),
                (" to=other<|message|>no tool", ("no tool", None, [])),
                (f"{thought}{start} to=us", (None, "Hm, a < b.", [])),
                (" to=us", ("", None, [])),
                ("plain", ("plain", None, []))):
            message, finish = self.says("addressed", text)
            calls = [(c["function"]["name"], c["function"]["arguments"]) for c in message.get("tool_calls", [])]
            self.assertEqual((message["content"], message.get("reasoning_content"), calls), expected, text)
            self.assertEqual(finish, "tool_calls" if calls else "stop", text)
        message, finish = self.says("addressed", look[:look.index("<b>")])
        self.assertEqual((message["tool_calls"][0]["status"], finish), ("incomplete", "stop"))
        both = look.replace("</x:calls>", '<x:invoke name="stop">\n</x:invoke>\n<x:invoke name="look_up">\n<x:parameter name="n">2'
                                          "</x:parameter>\n</x:invoke>\n</x:calls>")
        message, finish = self.says("addressed", f"{thought}{start}{both}<|eom|>{start}{call('stop')}<|eot|>")
        self.assertEqual([(c["function"]["name"], c["function"]["arguments"]) for c in message["tool_calls"]],
                         [("look", wanted), ("stop", "{}"), ("look_up", '{"n":2}'), ("stop", "{}")])
        self.assertEqual(len({c["id"] for c in message["tool_calls"]}), 4)
        one, _ = self.says("addressed", both, parallel_tool_calls=False)
        self.assertEqual([c["function"]["name"] for c in one["tool_calls"]], ["look"])
        one, _ = self.says("addressed", f"{look}<|eom|>{start}{call('stop')}<|eot|>", parallel_tool_calls=False)
        self.assertEqual([c["function"]["name"] for c in one["tool_calls"]], ["look"])
        plain, _ = self.says("addressed", look, tools=None)
        self.assertEqual((plain.get("tool_calls"), plain["content"]), (None, look[look.index("<x:calls>"):]))

    def test_thoughts_that_are_limited(self):
        """They end after so many tokens, and are until there what they would be without."""
        body = {"model": "begun", "messages": TALK, "max_tokens": 40, "temperature": 0, "ignore_eos": True}
        free = self.post("/v1/chat/completions", body).json["choices"][0]["message"]
        self.assertIsNone(free["content"])
        for name in ("thinking_budget", "thinking_token_budget", "reasoning_budget"):
            for stream in (False, True):
                reply = self.post("/v1/chat/completions", {**body, name: 10, "stream": stream})
                message = merged(e["choices"][0]["delta"] for e in events(reply)) if stream else reply.json["choices"][0]["message"]
                self.assertTrue(free["reasoning_content"].startswith(message["reasoning_content"]))
                self.assertLess(len(message["reasoning_content"]), len(free["reasoning_content"]))
                self.assertTrue(message["content"])
        none = self.post("/v1/chat/completions", {**body, "thinking_budget": 0}).json["choices"][0]["message"]
        self.assertEqual((none.get("reasoning_content"), bool(none["content"])), (None, True))
        same = self.post("/v1/chat/completions", {**body, "reasoning_budget": -1}).json["choices"][0]["message"]
        self.assertEqual(same, free)
        quiet = {**body, "model": "qwen3", "thinking_budget": 3}
        self.assertEqual(self.post("/v1/chat/completions", quiet).json["choices"][0]["message"],
                         self.post("/v1/chat/completions", {**quiet, "thinking_budget": -1}).json["choices"][0]["message"])

    def test_each_form_of_thoughts_is_limited(self):
        """A model that says nothing but what thoughts begin with: after so many of these it says what ends them."""
        for model, (_, (begin, end)) in LIMITED.items():
            body = {"model": model, "messages": TALK, "max_tokens": 60, "temperature": 0, "logit_bias": {str(SPECIAL[0]): 100},
                    "logprobs": True, "ignore_eos": True}
            for n in (1, 5):
                tokens = self.post("/v1/chat/completions", {**body, "thinking_budget": n}).json["choices"][0]["logprobs"]["content"]
                text = "".join(t["token"] for t in tokens)
                self.assertTrue(text.startswith(n * begin + end + begin), (model, n, text))
            tokens = self.post("/v1/chat/completions", {**body, "max_tokens": 9}).json["choices"][0]["logprobs"]["content"]
            self.assertEqual("".join(t["token"] for t in tokens), 9 * begin, model)

    def test_special_tokens_in_marks_are_text(self):
        """Those of the form of calls alone, which could not be found else."""
        for model, shown in (("special", True), ("coder", False)):
            answer = self.post("/v1/chat/completions", {"model": model, "messages": TALK, "tools": TOOLS, "max_tokens": 3, "temperature": 0,
                                                        "logit_bias": {str(SPECIAL[0]): 100}}).json["choices"][0]["message"]["content"]
            self.assertEqual(answer, SPECIAL[1] * 3 if shown else "", model)

    def test_thoughts_and_calls(self):
        call = self.one("qwen25", "look", '{"n":1}')
        message, finish = self.says("qwen3", f"<think>\nI call {call}.\n</think>\n\nNow\n{call}")
        self.assertEqual(message["reasoning_content"], f"I call {call}.")
        self.assertEqual((message["content"].strip(), len(message["tool_calls"]), finish), ("Now", 1, "tool_calls"))


main()
