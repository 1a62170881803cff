"""Endpoints that generate, on a small model of random weights whose template is the repository's own."""
import json
import os
import shutil
import socket
import time

from serving import FIXTURES, PATIENCE, ServerCase, main

CAUSAL = os.path.join(FIXTURES, "causal")
TEMPLATES = os.path.join(FIXTURES, "jinja", "templates")


def events(reply):
    """The events of a stream, with [DONE] as None."""
    parts = reply.body.decode().split("\n\n")
    assert parts[-1] == "" and all(p.startswith("data: ") for p in parts[:-1]), parts
    return [None if p == "data: [DONE]" else json.loads(p[6:]) for p in parts[:-1]]


class Generating(ServerCase):
    models = [f"tiny={CAUSAL}"]

    def generated(self, prompt, n, *arguments):
        """What the command line makes of it, greedily."""
        run = self.hone("generate", "-m", CAUSAL, "-p", prompt, "-n", str(n), "--temp", "0", "--format", "jsonl", *arguments)
        return run.json_lines[0]


class TestCompletions(Generating):
    def complete(self, status=200, **fields):
        return self.post("/v1/completions", {"prompt": "the fox", "max_tokens": 12, "temperature": 0, **fields}, status)

    def test_text_is_the_command_lines(self):
        answer = self.complete().json
        wanted = self.generated("the fox", 12)
        self.assertEqual(answer["choices"][0]["text"], wanted["text"])
        self.assertEqual(answer["choices"][0]["finish_reason"], wanted["finish_reason"])
        self.assertEqual(answer["object"], "text_completion")
        self.assertEqual(answer["usage"]["prompt_tokens"], wanted["prompt_tokens"])
        self.assertEqual(answer["usage"]["completion_tokens"], len(wanted["ids"]))

    def test_streamed_text_is_the_same(self):
        said = events(self.complete(stream=True))
        self.assertIsNone(said[-1])
        self.assertEqual("".join(e["choices"][0]["text"] for e in said[:-1]), self.generated("the fox", 12)["text"])
        reasons = [e["choices"][0]["finish_reason"] for e in said[:-1]]
        self.assertEqual(reasons, [None] * (len(reasons) - 1) + ["length"])

    def test_usage_of_a_stream(self):
        said = events(self.complete(stream=True, stream_options={"include_usage": True}))
        self.assertTrue(all(e["usage"] is None for e in said[:-2]))
        self.assertEqual(said[-2]["choices"], [])
        self.assertEqual(said[-2]["usage"]["completion_tokens"], 12)

    def test_prompts_times_n(self):
        answer = self.complete(prompt=["the fox", "a small"], n=2).json
        texts = [c["text"] for c in answer["choices"]]
        self.assertEqual([c["index"] for c in answer["choices"]], [0, 1, 2, 3])
        self.assertEqual(texts, [self.generated(p, 12)["text"] for p in ("the fox", "the fox", "a small", "a small")])

    def test_ids(self):
        ids = self.hone("tokenize", "-m", CAUSAL, stdin="the fox\n").json_lines[0]
        self.assertEqual(self.complete(prompt=ids).json["choices"][0]["text"], self.generated("the fox", 12)["text"])

    def test_seeds(self):
        texts = [self.complete(temperature=1, seed=s).json["choices"][0]["text"] for s in (1, 1, 2)]
        self.assertEqual(texts[0], texts[1])
        self.assertNotEqual(texts[0], texts[2])

    def test_logprobs(self):
        choice = self.complete(logprobs=3, max_tokens=5).json["choices"][0]
        p = choice["logprobs"]
        self.assertEqual([len(p[k]) for k in ("tokens", "token_logprobs", "top_logprobs", "text_offset")], [5] * 4)
        for token, logprob, top in zip(p["tokens"], p["token_logprobs"], p["top_logprobs"]):
            self.assertEqual(max(top.values()), logprob)
            self.assertAlmostEqual(top[token], logprob)
            self.assertLessEqual(logprob, 0)
        said = events(self.complete(logprobs=3, max_tokens=5, stream=True))
        streamed = [e["choices"][0]["logprobs"] for e in said[:-2]]
        self.assertEqual([s["token_logprobs"][0] for s in streamed], p["token_logprobs"])

    def test_stop(self):
        text = self.generated("the fox", 12)["text"]
        stop = text[5:7]
        answer = self.complete(stop=[stop]).json["choices"][0]
        self.assertEqual((answer["text"], answer["finish_reason"]), (text[:text.index(stop)], "stop"))
        said = events(self.complete(stop=stop, stream=True))
        self.assertEqual("".join(e["choices"][0]["text"] for e in said[:-1]), text[:text.index(stop)])

    def test_stops_that_are_none_and_wrong_ones(self):
        """An empty text alone is a setting that nobody filled in; the field itself is blamed, and not what the text must look like."""
        text = self.generated("the fox", 12)["text"]
        for stop in ("", [], None):
            self.assertEqual(self.complete(stop=stop).json["choices"][0]["text"], text)
        self.assertEqual(self.complete(stop=[chr(0x4e00 + i) * 341 for i in range(64)]).json["choices"][0]["text"], text)
        for stop, words in (([""], "an empty text, at 0"), (["a", ""], "an empty text, at 1"), (["a"] * 65, "65 texts"), (["x" * 1025], "1025 bytes")):
            for fields in ({}, {"grammar": 'root ::= "yes"'}):
                error = self.complete(400, stop=stop, **fields).json["error"]
                self.assertEqual(error["param"], "stop")
                self.assertIn(words, error["message"])

    def test_numbers_at_their_ends(self):
        text = self.generated("the fox", 12)["text"]
        for fields in ({"top_p": 0}, {"top_p": 0, "temperature": 2}, {"top_p": 0, "typical_p": 0.99, "seed": 3}):
            self.assertEqual(self.complete(**{"temperature": 1, **fields}).json["choices"][0]["text"], text, fields)
        self.complete(typical_p=0, temperature=1)
        for fields in ({"dry_base": 0.5}, {"mirostat_tau": 0}):
            error = self.complete(400, grammar='root ::= "yes"', **fields).json["error"]
            self.assertEqual(error["param"], list(fields)[0])

    def test_logit_bias(self):
        ids = self.generated("the fox", 1)["ids"]
        banned = self.complete(logit_bias={str(ids[0]): -100}, logprobs=0, max_tokens=1).json["choices"][0]
        self.assertNotEqual(banned["text"], self.generated("the fox", 1)["text"])

    def test_lengths_that_mean_something_else(self):
        for fields in ({"max_tokens": 0}, {"max_tokens": 0, "n": 2}):
            answer = self.complete(**fields).json
            self.assertEqual({(c["text"], c["finish_reason"]) for c in answer["choices"]}, {("", "length")})
            self.assertEqual(answer["usage"]["completion_tokens"], 0)
        said = events(self.complete(max_tokens=0, stream=True))
        self.assertEqual([e["choices"][0]["text"] for e in said[:-1]], [""])
        self.assertEqual(self.complete(max_tokens=-1, stop="e").json["choices"][0]["text"], self.complete(max_tokens=400, stop="e").json["choices"][0]["text"])
        self.assertEqual(self.complete(top_k=-1).json["choices"][0]["text"], self.complete().json["choices"][0]["text"])
        chat = self.post("/v1/chat/completions", {"messages": [{"role": "user", "content": "x"}], "max_tokens": 0}).json
        self.assertEqual((chat["choices"][0]["message"]["content"], chat["usage"]["completion_tokens"]), ("", 0))
        self.assertEqual(self.post("/completion", {"prompt": "x", "n_predict": 0}).json["tokens_predicted"], 0)

    def test_echo_with_logprobs(self):
        """Each place of the prompt has what a text of its own would have there; so has each prompt of several, twice as well."""
        ids = self.hone("tokenize", "-m", CAUSAL, stdin="the quick brown fox, in a box\n").json_lines[0]
        ids = (ids * 9)[:90]  # several pieces
        both = self.complete(prompt=[ids, ids, ids[:5]], echo=True, logprobs=3, max_tokens=1).json["choices"]
        p = both[0]["logprobs"]
        self.assertEqual(p, both[1]["logprobs"])
        self.assertEqual(p["token_logprobs"][:5], both[2]["logprobs"]["token_logprobs"][:5])
        self.assertEqual([len(p[k]) for k in ("tokens", "token_logprobs", "top_logprobs", "text_offset")], [91] * 4)
        self.assertEqual((p["token_logprobs"][0], p["top_logprobs"][0]), (None, None))
        for i in (1, 4, 31, 32, 33, 63, 64, 65, 89, 90):
            one = self.complete(prompt=ids[:i], logprobs=3, max_tokens=1).json["choices"][0]["logprobs"]
            self.assertEqual({k: round(v, 4) for k, v in p["top_logprobs"][i].items()}, {k: round(v, 4) for k, v in one["top_logprobs"][0].items()})
            if p["tokens"][i] in one["top_logprobs"][0]:
                self.assertAlmostEqual(p["token_logprobs"][i], one["top_logprobs"][0][p["tokens"][i]], places=4)
        plain = self.complete(echo=True, logprobs=1, max_tokens=4).json["choices"][0]
        self.assertTrue(plain["text"].startswith("the fox"))
        none = self.complete(prompt=ids, echo=True, logprobs=0, max_tokens=0).json["choices"][0]["logprobs"]
        self.assertEqual(none["token_logprobs"], p["token_logprobs"][:-1])

    def test_scores_end_with_one_token(self):
        """Also where the model would end."""
        answer = self.complete(echo=True, logprobs=1, max_tokens=1, logit_bias={str(i): 100 for i in (1, 3)}).json["choices"][0]["logprobs"]
        n = self.complete(max_tokens=1).json["usage"]["prompt_tokens"]
        self.assertEqual(len(answer["tokens"]), n + 1)

    def test_prompt_logprobs(self):
        echoed = self.complete(echo=True, logprobs=2, max_tokens=1).json["choices"][0]["logprobs"]
        for reply, read in ((self.complete(prompt_logprobs=2).json, lambda j: j["choices"][0]["prompt_logprobs"]),
                            (self.post("/completion", {"prompt": "the fox", "n_predict": 1, "prompt_logprobs": 2}).json, lambda j: j["prompt_logprobs"])):
            places = read(reply)
            self.assertIsNone(places[0])
            self.assertEqual([max(p.values(), key=lambda e: e["logprob"])["logprob"] for p in places[1:]],
                             [max(t.values()) for t in echoed["top_logprobs"][1:-1]])
            self.assertEqual([list(p.values())[0]["logprob"] for p in places[1:]], echoed["token_logprobs"][1:-1])
        chat = self.post("/v1/chat/completions", {"messages": [{"role": "user", "content": "x"}], "max_tokens": 1, "prompt_logprobs": 0}).json
        self.assertEqual(len(chat["prompt_logprobs"]), chat["usage"]["prompt_tokens"])

    def test_echo(self):
        self.assertEqual(self.complete(echo=True).json["choices"][0]["text"], "the fox" + self.generated("the fox", 12)["text"])

    def test_wrong_fields_are_named(self):
        for fields, name in (({"prompt": None}, "prompt"), ({"prompt": [1, 10 ** 9]}, "prompt"), ({"n": 0}, "n"),
                             ({"temperature": -1}, "temperature"), ({"stop": 5}, "stop"), ({"seed": "x"}, "seed"),
                             ({"logit_bias": {"x": 1}}, "logit_bias"), ({"best_of": 3}, "best_of"),
                             ({"suffix": "x"}, "suffix"), ({"stream_options": 3}, "stream_options"),
                             ({"max_tokens": -2}, "max_tokens"), ({"logprobs": 21}, "logprobs")):
            error = self.complete(400, **fields).json["error"]
            self.assertEqual((error["type"], error["param"]), ("invalid_request_error", name), fields)

    def test_prompt_that_is_too_long(self):
        n = self.get("/v1/models/tiny").json["max_model_len"]
        self.assertEqual(self.complete(400, prompt="word " * n).json["error"]["code"], "context_length_exceeded")
        self.complete(400, prompt="word " * n, stream=True)

    def test_grammar(self):
        answer = self.complete(grammar='root ::= "yes" | "no"').json["choices"][0]
        self.assertIn(answer["text"], ("yes", "no"))
        self.complete(400, grammar="root ::= (")


class TestChat(Generating):
    def chat(self, status=200, **fields):
        return self.post("/v1/chat/completions", {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 8,
                                                  "temperature": 0, **fields}, status)

    def test_prompt_is_the_templates(self):
        prompt = self.post("/apply-template", {"messages": [{"role": "user", "content": "hi"}]}).json["prompt"]
        self.assertEqual(prompt, "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n")

    def test_paths_without_a_version(self):
        body = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 8, "temperature": 0}
        self.assertEqual(self.post("/chat/completions", body).json["choices"], self.chat().json["choices"])
        self.assertEqual(self.get("/models").json["data"][0]["id"], "tiny")
        self.post("/completions", {"prompt": "x", "max_tokens": 1})
        self.post("/embeddings", {"input": "x"})
        self.get("/chat/completions", 405)

    def test_shape(self):
        answer = self.chat().json
        self.assertEqual(answer["object"], "chat.completion")
        message = answer["choices"][0]["message"]
        self.assertEqual((message["role"], type(message["content"])), ("assistant", str))
        self.assertEqual(answer["usage"]["completion_tokens"], 8)

    def test_stream(self):
        said = events(self.chat(stream=True))
        deltas = [e["choices"][0]["delta"] for e in said[:-1]]
        self.assertEqual(deltas[0]["role"], "assistant")
        self.assertEqual("".join(d.get("content", "") for d in deltas), self.chat().json["choices"][0]["message"]["content"])

    def test_logprobs(self):
        entries = self.chat(logprobs=True, top_logprobs=2).json["choices"][0]["logprobs"]["content"]
        self.assertEqual([len(e["top_logprobs"]) for e in entries], [2] * 8)
        self.assertEqual(entries[0]["token"].encode(), bytes(entries[0]["bytes"]))

    def test_json(self):
        schema = {"type": "object", "properties": {"a": {"enum": ["x", "y"]}}, "required": ["a"],
                  "additionalProperties": False}
        form = {"type": "json_schema", "json_schema": {"name": "thing", "schema": schema}}
        content = self.chat(response_format=form, max_tokens=60).json["choices"][0]["message"]["content"]
        self.assertIn(json.loads(content)["a"], ("x", "y"))
        content = self.chat(response_format={"type": "json_object"}, max_tokens=400, temperature=1, seed=1).json
        if content["choices"][0]["finish_reason"] == "stop":
            self.assertIsInstance(json.loads(content["choices"][0]["message"]["content"]), dict)

    def test_several_conversations(self):
        """Each gets the choices that it gets alone."""
        said = [[{"role": "user", "content": c}] for c in ("hi", "a longer question, of more tokens", "hi")]
        said[1] = [{"role": "system", "content": "be brief"}, *said[1]]
        for more in ({}, {"n": 2, "temperature": 1, "seed": 7}, {"logprobs": True, "top_logprobs": 1}):
            alone = [self.chat(messages=m, **more).json for m in said]
            wanted = [{**c, "index": 0} for one in alone for c in one["choices"]]
            reply = self.post("/v1/chat/completions/batch", {"messages": said, "max_tokens": 8, "temperature": 0, **more}).json
            self.assertEqual([c["index"] for c in reply["choices"]], list(range(len(wanted))))
            self.assertEqual([{**c, "index": 0} for c in reply["choices"]], wanted)
            self.assertEqual(reply["usage"]["prompt_tokens"], sum(one["usage"]["prompt_tokens"] for one in alone))
        whole = [self.chat(messages=m).json["choices"][0]["message"]["content"] for m in said]
        told = events(self.post("/v1/chat/completions/batch", {"messages": said, "max_tokens": 8, "temperature": 0, "stream": True}))
        texts = ["".join(c["delta"].get("content", "") for e in told if e for c in e["choices"] if c["index"] == i)
                 for i in range(3)]
        self.assertEqual(texts, whole)

    def test_conversations_that_are_wrong_are_named(self):
        hi = [{"role": "user", "content": "hi"}]
        for messages, name in (([], "messages"), (hi, "messages[0]"), ([hi, []], "messages[1]"), ("hi", "messages"),
                               ([hi, hi, [{"role": "user", "content": 3}]], "messages[2]"), ([hi] * 5000, "messages")):
            error = self.post("/v1/chat/completions/batch", {"messages": messages}, 400).json["error"]
            self.assertEqual(error["param"], name, error)

    def test_wrong_fields_are_named(self):
        for fields, name in (({"messages": []}, "messages"), ({"messages": "hi"}, "messages"), ({"messages": [3]}, "messages"),
                             ({"messages": [{"role": "user", "content": 3}]}, "messages"),
                             ({"response_format": {"type": "xml"}}, "response_format"), ({"top_logprobs": 2}, "top_logprobs"),
                             ({"tool_choice": "required"}, "tool_choice"), ({"tools": 3}, "tools")):
            self.assertEqual(self.chat(400, **fields).json["error"]["param"], name, fields)

    def figures(self):
        return self.get("/metrics.json").json["models"][0]

    def leave(self, **fields):
        """A client that leaves when its texts are being generated; how many tokens they got, and their replies."""
        n, before, deadline = 8, self.figures(), time.monotonic() + PATIENCE
        with socket.create_connection(("127.0.0.1", self.server.port)) as s:
            body = json.dumps({"prompt": "the fox", "max_tokens": 8000, "logit_bias": {"1": -100, "3": -100}, "n": n, **fields}).encode()
            s.sendall(b"POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
            while self.figures()["generation_active"] < n:
                self.assertLess(time.monotonic(), deadline)
        while sum(self.figures()["replies"].values()) < sum(before["replies"].values()) + n:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)
        after = self.figures()
        return (after["generation_tokens"] - before["generation_tokens"],
                {k: v - before["replies"][k] for k, v in after["replies"].items()})

    def test_a_client_that_leaves_ends_its_texts(self):
        n_tokens, replies = self.leave()
        self.assertLess(n_tokens, 8 * 8000)
        self.assertEqual(replies, {"ok": 0, "failed": 0, "late": 0, "cancelled": 8})

    def test_a_client_that_leaves_a_stream_ends_its_texts(self):
        """Some may end since nobody reads their next word, before they are cancelled."""
        n_tokens, replies = self.leave(stream=True)
        self.assertLess(n_tokens, 8 * 8000)
        self.assertEqual(replies["ok"] + replies["cancelled"], 8)


def model_with(template, folder):
    """The same model with another chat template."""
    copy = os.path.join(folder, template)
    shutil.copytree(CAUSAL, copy)
    shutil.copy(os.path.join(TEMPLATES, template + ".jinja"), os.path.join(copy, "chat_template.jinja"))
    return copy


class TestTools(ServerCase):
    tools = [{"type": "function", "function": {
        "name": "look_up", "description": "finds a thing",
        "parameters": {"type": "object", "properties": {"what": {"enum": ["cat", "dog"]}}, "required": ["what"],
                       "additionalProperties": False}}}]

    @classmethod
    def setUpClass(cls):
        import tempfile
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.models = [f"{t}={model_with(t, folder.name)}" for t in ("qwen25", "llama31", "mistral-tools")]
        thinks = os.path.join(folder.name, "thinks")
        shutil.copytree(CAUSAL, thinks)
        with open(os.path.join(thinks, "chat_template.jinja"), "w") as f:
            f.write("{{ messages[-1].content }}:{% if 'think' in messages[-1].content %}<think>{% endif %}{# </think> #}")
        cls.models.append(f"thinks={thinks}")
        super().setUpClass()

    def chat(self, model, status=200, **fields):
        return self.post("/v1/chat/completions", {"model": model, "tools": self.tools, "temperature": 0, "max_tokens": 60,
                                                  "messages": [{"role": "user", "content": "x"}], **fields}, status)

    def test_calls_that_are_wanted(self):
        for model in ("qwen25", "llama31", "mistral-tools"):
            for choice in ("required", {"type": "function", "function": {"name": "look_up"}}):
                answer = self.chat(model, tool_choice=choice).json["choices"][0]
                self.assertEqual(answer["finish_reason"], "tool_calls", model)
                self.assertIsNone(answer["message"]["content"])
                call = answer["message"]["tool_calls"][0]
                self.assertEqual((call["type"], call["function"]["name"], len(call["id"])), ("function", "look_up", 9))
                self.assertIn(json.loads(call["function"]["arguments"])["what"], ("cat", "dog"))

    def test_calls_in_a_stream(self):
        said = events(self.chat("qwen25", tool_choice="required", stream=True))
        calls = [c for e in said[:-1] for c in e["choices"][0]["delta"].get("tool_calls", [])]
        self.assertEqual([(c["index"], c["function"].get("name")) for c in calls], [(0, "look_up")] + [(0, None)] * (len(calls) - 1))
        self.assertIn(json.loads("".join(c["function"]["arguments"] for c in calls))["what"], ("cat", "dog"))
        self.assertEqual("".join(e["choices"][0]["delta"].get("content", "") for e in said[:-1]), "")
        self.assertEqual(said[-2]["choices"][0]["finish_reason"], "tool_calls")

    def test_calls_among_text(self):
        """A grammar stands in for a model that calls of its own accord."""
        call = '{"name": "look_up", "arguments": {"what": "cat"}}'
        text = json.dumps(f"Let me see.\n<tool_call>\n{call}\n</tool_call>")
        fields = {"grammar": f"root ::= {text}", "max_tokens": 200}
        message = self.chat("qwen25", **fields).json["choices"][0]["message"]
        self.assertEqual(message["content"], "Let me see.\n")
        self.assertEqual(message["tool_calls"][0]["function"], {"name": "look_up", "arguments": '{"what":"cat"}'})
        said = events(self.chat("qwen25", stream=True, **fields))
        deltas = [e["choices"][0]["delta"] for e in said[:-1]]
        self.assertEqual("".join(d.get("content", "") for d in deltas), "Let me see.\n")
        self.assertEqual("".join(c["function"]["arguments"] for d in deltas for c in d.get("tool_calls", [])), '{"what":"cat"}')

    def test_numbers_of_a_call_stay_as_written(self):
        written = '{"by": 0.7, "x": [21.30, 1e3], "id": 123456789012345678901, "s": "a , b\\" { }"}'
        for model, call in (("qwen25", f'<tool_call>\n{{"arguments": {written}, "name": "look_up"}}\n</tool_call>'),
                            ("llama31", f'{{"name": "look_up", "parameters": {written}}}'),
                            ("mistral-tools", f'[{{"name": "look_up", "arguments": {written}}}]')):
            answer = self.chat(model, grammar=f"root ::= {json.dumps(call)}", max_tokens=300).json["choices"][0]["message"]
            self.assertEqual(answer["tool_calls"][0]["function"]["arguments"],
                             '{"by":0.7,"x":[21.30,1e3],"id":123456789012345678901,"s":"a , b\\" { }"}', model)

    def test_definitions_of_parameters(self):
        """References in a function's parameters are about these, though they stand in the schema of a call."""
        inner = {"$defs": {"kind": {"const": "Main"}}, "type": "object", "properties": {"s": {"$ref": "#/$defs/kind"}},
                 "required": ["s"]}
        tools = [{"type": "function", "function": {"name": name, "parameters": {
            "$defs": {"Addr": dict(inner, **{"$defs": {}, "properties": {"s": {"const": name}}})}, "type": "object",
            "properties": {"addr": {"$ref": "#/$defs/Addr"}}, "required": ["addr"]}}} for name in ("one", "two")]
        for name in ("one", "two"):
            answer = self.chat("qwen25", tools=tools, tool_choice={"type": "function", "function": {"name": name}})
            call = answer.json["choices"][0]["message"]["tool_calls"][0]["function"]
            self.assertEqual(call, {"name": name, "arguments": '{"addr":{"s":"%s"}}' % name})
        self.chat("qwen25", tools=tools, tool_choice="required")

    def test_text_that_looks_like_a_call(self):
        said = events(self.chat("qwen25", stream=True, grammar='root ::= "a < b <tool"', max_tokens=40))
        self.assertEqual("".join(e["choices"][0]["delta"].get("content", "") for e in said[:-1]), "a < b <tool")

    def test_none(self):
        call = '{"name": "look_up", "parameters": {}}'
        answer = self.chat("llama31", tool_choice="none", grammar=f"root ::= {json.dumps(call)}").json
        self.assertEqual(answer["choices"][0]["message"]["content"], call)

    def test_calls_and_thoughts_of_several_conversations(self):
        """The template opens a thought where the last message asks for one, so what an answer is made of is each prompt's own."""
        said = [[{"role": "user", "content": c}] for c in ("think, please", "no", "think")]
        for model, more in (("qwen25", {"tool_choice": "required"}), ("mistral-tools", {"tool_choice": "required"}),
                            ("thinks", {"tools": None, "grammar": 'root ::= "why</think>so"'}),
                            ("thinks", {"tools": None, "thinking_budget": 3, "max_tokens": 12})):
            alone = [self.chat(model, messages=m, **more).json["choices"][0] for m in said]
            body = {"model": model, "tools": self.tools, "temperature": 0, "max_tokens": 60, "messages": said, **more}
            choices = self.post("/v1/chat/completions/batch", body).json["choices"]
            for one in alone + choices:
                for call in one["message"].get("tool_calls", []):
                    call.pop("id")  # which is random
            self.assertEqual([{**c, "index": 0} for c in choices], alone)
            if "grammar" in more:
                self.assertEqual([c["message"].get("reasoning") for c in choices], ["why", None, "why"])

    def test_unknown_function(self):
        self.chat("qwen25", 400, tool_choice={"type": "function", "function": {"name": "other"}})


class TestLlama(Generating):
    def complete(self, status=200, **fields):
        return self.post("/completion", {"prompt": "the fox", "n_predict": 12, "temperature": 0, **fields}, status)

    def test_shape(self):
        answer, wanted = self.complete(return_tokens=True).json, self.generated("the fox", 12)
        self.assertEqual((answer["content"], answer["tokens"]), (wanted["text"], wanted["ids"]))
        self.assertEqual((answer["stop"], answer["stop_type"], answer["tokens_predicted"]), (True, "limit", 12))
        self.assertEqual(answer["timings"]["predicted_n"], 12)
        self.assertEqual(answer["generation_settings"]["n_predict"], 12)

    def test_stream(self):
        said = events(self.complete(stream=True))
        wanted = self.generated("the fox", 12)
        self.assertEqual("".join(e["content"] for e in said), wanted["text"])
        self.assertEqual([i for e in said for i in e["tokens"]], wanted["ids"])
        self.assertEqual([e["stop"] for e in said], [False] * (len(said) - 1) + [True])

    def test_stop_words(self):
        text = self.generated("the fox", 12)["text"]
        answer = self.complete(stop=[text[5:7]]).json
        self.assertEqual((answer["stop_type"], answer["stopping_word"]), ("word", text[5:7]))

    def test_schema_and_grammar(self):
        self.assertEqual(self.complete(json_schema={"const": 7}).json["content"].strip(), "7")
        self.assertEqual(self.complete(grammar='root ::= "ok"').json["content"], "ok")
        self.complete(400, json_schema={}, grammar='root ::= "ok"')

    def test_probabilities(self):
        p = self.complete(n_probs=2).json["completion_probabilities"]
        self.assertEqual([len(t["top_logprobs"]) for t in p], [2] * 12)

    def test_models_that_generate_embed_too(self):
        wanted = self.embedded(["the fox", "a"], model=CAUSAL)
        for path, body, read in (("/v1/embeddings", {"input": ["the fox", "a"]}, lambda j: [d["embedding"] for d in j["data"]]),
                                 ("/api/v1/embed", {"texts": ["the fox", "a"]}, lambda j: j["embeddings"])):
            for row, other in zip(read(self.post(path, body).json), wanted):
                self.assertClose(row, other, 1e-6)

    def test_props_and_slots(self):
        props, slots = self.get("/props").json, self.get("/slots").json
        self.assertEqual(props["default_generation_settings"]["n_ctx"],
                         self.get("/v1/models/tiny").json["max_model_len"])
        self.assertIn("<|im_start|>", props["chat_template"])
        self.assertEqual(len(slots), props["total_slots"])

    def test_prompt_that_is_too_long_for_llama(self):
        n = self.get("/v1/models/tiny").json["max_model_len"]
        error = self.complete(400, prompt="word " * n).json["error"]
        self.assertEqual((error["type"], error["n_ctx"]), ("exceed_context_size_error", n))
        self.assertEqual(error["n_prompt_tokens"], len(self.post("/tokenize", {"content": "word " * n, "add_special": True}).json["tokens"]))

    def test_errors_are_llamas(self):
        error = self.complete(400, n_predict="x").json["error"]
        self.assertEqual((error["code"], error["type"]), (400, "invalid_request_error"))


main()
