"""Chats in the words of OpenAI's Responses, of Anthropic and of Ollama: what is said, thought and called is the same as in
chat completions, as a whole and in a stream, and what was said before reaches the model as the same prompt. A grammar has
the model say what is to be found."""
import json
import os
import shutil

from serving import FIXTURES, ServerCase, main

CAUSAL = os.path.join(FIXTURES, "causal")

TEMPLATES = os.path.join(os.path.dirname(CAUSAL), "jinja", "templates")
PARAMETERS = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
SAID = '<think>\nHm\n</think>\n\nNow\n<tool_call>\n{"name": "look", "arguments": {"n": 12}}\n</tool_call>'
CUT = SAID.rpartition("12")[0] + '"'


def grammar(text):
    return {"grammar": f"root ::= {json.dumps(text)}"}


def events(reply):
    """Of server-sent events, their names and what they say."""
    parts = [e.split("\n") for e in reply.body.decode().split("\n\n") if e]
    assert all(len(p) == 2 and p[0].startswith("event: ") and p[1].startswith("data: ") for p in parts), parts
    said = [json.loads(p[1][6:]) for p in parts]
    assert [p[0][7:] for p in parts] == [e["type"] for e in said]
    return said


class Dialects(ServerCase):
    @classmethod
    def setUpClass(cls):
        import tempfile
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.models = []
        for name in ("qwen3", "llama31"):
            copy = os.path.join(folder.name, name)
            shutil.copytree(CAUSAL, copy)
            shutil.copy(os.path.join(TEMPLATES, name + ".jinja"), os.path.join(copy, "chat_template.jinja"))
            cls.models.append(f"{name}={copy}")
        super().setUpClass()

    def n_prompt(self, messages, **fields):
        """How many tokens the same conversation has as OpenAI's."""
        return self.post("/v1/chat/completions", {"model": "qwen3", "messages": messages, "max_tokens": 1, **fields}).json["usage"]["prompt_tokens"]

    tools = [{"type": "function", "function": {"name": "look", "description": "d", "parameters": PARAMETERS}}]
    past = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "a"},
            {"role": "assistant", "content": "I look.", "tool_calls": [
                {"id": "call00000", "type": "function", "function": {"name": "look", "arguments": {"n": 2}}}]},
            {"role": "tool", "tool_call_id": "call00000", "content": "5"}, {"role": "user", "content": "so?"}]


class TestResponses(Dialects):
    tools = [{"type": "function", "name": "look", "description": "d", "parameters": PARAMETERS, "strict": True}]

    def respond(self, status=200, **fields):
        return self.post("/v1/responses", {"model": "qwen3", "input": "a", "max_output_tokens": 300, "temperature": 0, **fields}, status)

    def merged(self, said):
        """The items that a client makes of the events, which are as the last event has them."""
        items, texts = {}, {}
        for i, e in enumerate(said):
            self.assertEqual(e["sequence_number"], i)
            if e["type"] == "response.output_item.added":
                items[e["output_index"]] = e["item"]
                texts[e["output_index"]] = ""
            elif e["type"].endswith(".delta"):
                self.assertEqual(e["item_id"], items[e["output_index"]]["id"])
                texts[e["output_index"]] += e["delta"]
            elif e["type"].endswith("text.done") or e["type"].endswith("arguments.done"):
                self.assertEqual(texts[e["output_index"]], e.get("text", e.get("arguments")))
            elif e["type"] == "response.output_item.done":
                items[e["output_index"]] = e["item"]
        last = said[-1]["response"]
        self.assertEqual([items[i] for i in sorted(items)], last["output"])
        return last

    def without_ids(self, response):
        return [{k: v for k, v in item.items() if k not in ("id", "call_id")} for item in response["output"]]

    def test_items(self):
        answer = self.respond(tools=RESPONSES_TOOLS, **grammar(SAID)).json
        thought, said, call = answer["output"]
        self.assertEqual((thought["type"], thought["content"]), ("reasoning", [{"type": "reasoning_text", "text": "Hm"}]))
        self.assertEqual((said["role"], said["content"][0]["text"]), ("assistant", "Now\n"))
        self.assertEqual((call["type"], call["name"], call["arguments"], call["status"]), ("function_call", "look", '{"n":12}', "completed"))
        self.assertEqual((answer["status"], answer["store"], answer["error"]), ("completed", False, None))
        self.assertEqual(answer["usage"]["input_tokens"] + answer["usage"]["output_tokens"], answer["usage"]["total_tokens"])
        said = events(self.respond(tools=RESPONSES_TOOLS, stream=True, **grammar(SAID)))
        self.assertEqual([e["type"] for e in said[:2]], ["response.created", "response.in_progress"])
        self.assertEqual(said[-1]["type"], "response.completed")
        self.assertEqual(self.without_ids(self.merged(said)), self.without_ids(answer))

    def test_a_call_that_is_cut_off(self):
        for stream in (False, True):
            reply = self.respond(tools=RESPONSES_TOOLS, stream=stream, grammar=f"root ::= {json.dumps(CUT)} [a-z]{{2000}}")
            answer = self.merged(events(reply)) if stream else reply.json
            self.assertEqual((answer["status"], answer["incomplete_details"]), ("incomplete", {"reason": "max_output_tokens"}))
            self.assertEqual([i["status"] for i in answer["output"]], ["completed", "completed", "incomplete"])

    def test_what_was_said_before(self):
        items = [{"role": "user", "content": [{"type": "input_text", "text": "a"}]},
                 {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "I look.", "annotations": []}]},
                 {"type": "function_call", "call_id": "call00000", "name": "look", "arguments": '{"n": 2}'},
                 {"type": "function_call_output", "call_id": "call00000", "output": "5"}, {"role": "user", "content": "so?"}]
        answer = self.respond(input=items, instructions="Be brief.", tools=RESPONSES_TOOLS, **grammar("x")).json
        self.assertEqual(answer["usage"]["input_tokens"], self.n_prompt(self.past, tools=Dialects.tools))
        thought = [{"role": "user", "content": "a"}, {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "Hm"}]},
                   {"type": "function_call", "call_id": "call00000", "name": "look", "arguments": '{"n": 2}'},
                   {"type": "function_call_output", "call_id": "call00000", "output": [{"type": "input_text", "text": "5"}]}]
        same = [{"role": "user", "content": "a"}, {"role": "assistant", "content": None, "reasoning_content": "Hm", "tool_calls": self.past[2]["tool_calls"]},
                self.past[3]]
        answer = self.respond(input=thought, tools=RESPONSES_TOOLS, **grammar("x")).json
        self.assertEqual(answer["usage"]["input_tokens"], self.n_prompt(same, tools=Dialects.tools))

    def test_forms(self):
        schema = {"type": "object", "properties": {"a": {"const": 7}}, "required": ["a"], "additionalProperties": False}
        answer = self.respond(text={"format": {"type": "json_schema", "name": "x", "schema": schema, "strict": True}}).json
        self.assertEqual(json.loads(answer["output"][0]["content"][0]["text"]), {"a": 7})
        for choice in ("required", {"type": "function", "name": "look"},
                       {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "look"}]}):
            tools = RESPONSES_TOOLS + [{**RESPONSES_TOOLS[0], "name": "other"}] if isinstance(choice, dict) else RESPONSES_TOOLS
            call = self.respond(tools=tools, tool_choice=choice).json["output"][0]
            self.assertEqual((call["type"], call["name"]), ("function_call", "look"), choice)
        token = self.respond(include=["message.output_text.logprobs"], top_logprobs=2, max_output_tokens=1, reasoning={"effort": "none"}).json
        self.assertEqual(len(token["output"][0]["content"][0]["logprobs"][0]["top_logprobs"]), 2)

    def test_what_is_refused(self):
        for fields, name in (({"previous_response_id": "x"}, "previous_response_id"), ({"store": True}, "store"), ({"background": True}, "background"),
                             ({"truncation": "auto"}, "truncation"), ({"input": []}, "input"), ({"input": 5}, "input"),
                             ({"input": [{"type": "item_reference", "id": "x"}]}, "input"), ({"tools": [{"type": "web_search"}]}, "tools"),
                             ({"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "x"}]}]}, "input"),
                             ({"tool_choice": {"type": "file_search"}}, "type"), ({"text": {"format": {"type": "json_schema"}}}, "text"),
                             ({"max_output_tokens": 0}, "max_output_tokens"), ({"conversation": "x"}, "conversation")):
            self.assertEqual(self.respond(400, **fields).json["error"]["param"], name, fields)
        error = self.respond(400, input="word " * 9000).json["error"]
        self.assertEqual(error["code"], "context_length_exceeded")
        self.assertNotIn("/", error["message"])


RESPONSES_TOOLS = TestResponses.tools


class TestAnthropic(Dialects):
    def ask(self, status=200, path="/v1/messages", **fields):
        return self.post(path, {"model": "qwen3", "max_tokens": 300, "messages": [{"role": "user", "content": "a"}], **fields}, status)

    def merged(self, said):
        """The message that a client makes of the events."""
        message = said[0]["message"]
        for e in said[1:]:
            if e["type"] == "content_block_start":
                self.assertEqual(e["index"], len(message["content"]))
                message["content"].append({**e["content_block"], **({"input": ""} if e["content_block"]["type"] == "tool_use" else {})})
            elif e["type"] == "content_block_delta":
                block, (key, value) = message["content"][e["index"]], [kv for kv in e["delta"].items() if kv[0] != "type"][0]
                block[{"partial_json": "input"}.get(key, key)] += value
            elif e["type"] == "message_delta":
                message.update(e["delta"])
                message["usage"] = e["usage"]
        self.assertEqual(said[-1]["type"], "message_stop")
        for block in message["content"]:
            if block["type"] == "tool_use":
                block["input"] = json.loads(block["input"])
        return message

    tools = [{"name": "look", "description": "d", "input_schema": PARAMETERS}]

    def test_blocks(self):
        answer = self.ask(tools=ANTHROPIC_TOOLS, **grammar(SAID)).json
        self.assertEqual([{k: v for k, v in b.items() if k != "id"} for b in answer["content"]], [
            {"type": "thinking", "thinking": "Hm", "signature": ""}, {"type": "text", "text": "Now\n"},
            {"type": "tool_use", "name": "look", "input": {"n": 12}}])
        self.assertEqual((answer["type"], answer["stop_reason"]), ("message", "tool_use"))
        said = self.merged(events(self.ask(tools=ANTHROPIC_TOOLS, stream=True, **grammar(SAID))))
        for message in (said, answer):
            message.pop("id")
            message["content"][2].pop("id")
            message.pop("usage")
        self.assertEqual(said, answer)

    def test_why_it_ends(self):
        self.assertEqual(self.ask(**grammar("ok")).json["stop_reason"], "end_turn")
        answer = self.ask(stop_sequences=["z"], **grammar("oxzy")).json
        self.assertEqual((answer["content"][0]["text"], answer["stop_reason"], answer["stop_sequence"]), ("ox", "stop_sequence", "z"))
        cut = self.ask(tools=ANTHROPIC_TOOLS, grammar=f"root ::= {json.dumps(CUT)} [a-z]{{2000}}").json
        self.assertEqual((cut["stop_reason"], cut["content"][2]["input"]), ("max_tokens", {}))
        self.assertTrue(cut["content"][2]["partial_json"].startswith('{"n":"'))

    def test_what_was_said_before(self):
        messages = [{"role": "user", "content": "a"},
                    {"role": "assistant", "content": [{"type": "text", "text": "I look."}, {"type": "tool_use", "id": "call00000", "name": "look", "input": {"n": 2}}]},
                    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "call00000", "content": [{"type": "text", "text": "5"}]},
                                                 {"type": "text", "text": "so?", "cache_control": {"type": "ephemeral"}}]}]
        fields = {"messages": messages, "tools": ANTHROPIC_TOOLS, "system": [{"type": "text", "text": "Be brief."}]}
        n = self.n_prompt(self.past, tools=Dialects.tools)
        usage = self.ask(**fields, **grammar("x")).json["usage"]
        self.assertEqual(usage["input_tokens"] + usage["cache_read_input_tokens"], n)
        self.assertEqual(self.ask(path="/v1/messages/count_tokens", **fields).json, {"input_tokens": n})

    def test_going_on(self):
        usage = self.ask(messages=[{"role": "user", "content": "a"}, {"role": "assistant", "content": "It is"}], **grammar("x")).json["usage"]
        wanted = self.n_prompt([{"role": "user", "content": "a"}, {"role": "assistant", "content": "It is"}], continue_final_message=True)
        self.assertEqual(usage["input_tokens"] + usage["cache_read_input_tokens"], wanted)

    def test_forms(self):
        schema = {"type": "object", "properties": {"a": {"const": 7}}, "required": ["a"], "additionalProperties": False}
        for fields in ({"output_config": {"format": {"type": "json_schema", "schema": schema}}}, {"output_format": {"type": "json_schema", "schema": schema}}):
            self.assertEqual(json.loads(self.ask(**fields).json["content"][0]["text"]), {"a": 7})
        for choice in ({"type": "any"}, {"type": "tool", "name": "look"}):
            self.assertEqual(self.ask(tools=ANTHROPIC_TOOLS, tool_choice=choice).json["content"][0]["name"], "look")
        quiet, loud = (self.ask(path="/v1/messages/count_tokens", thinking={"type": t}).json["input_tokens"] for t in ("disabled", "enabled"))
        self.assertGreater(quiet, loud)  # Qwen's template writes empty thoughts

    def test_what_is_refused(self):
        image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": ""}}
        for fields, word in (({"max_tokens": None}, "max_tokens"), ({"messages": [{"role": "user", "content": [image]}]}, "image"),
                             ({"messages": []}, "messages"), ({"tools": [{"type": "web_search_20250305", "name": "x"}]}, "web_search"),
                             ({"tool_choice": {"type": "tool"}}, "name"), ({"thinking": 5}, "thinking"), ({"system": 5}, "system"),
                             ({"messages": [{"role": "user", "content": [{"type": "tool_result"}]}]}, "tool_use_id")):
            error = self.ask(400, **fields).json
            self.assertEqual((error["type"], error["error"]["type"]), ("error", "invalid_request_error"))
            self.assertIn(word, error["error"]["message"])
        self.assertEqual(self.ask(404, model="other").json["error"]["type"], "not_found_error")


ANTHROPIC_TOOLS = TestAnthropic.tools


class TestOllama(Dialects):
    def lines(self, reply):
        self.assertEqual(reply.headers["Content-Type"], "application/x-ndjson")
        return [json.loads(line) for line in reply.body.decode().splitlines()]

    def chat(self, status=200, **fields):
        return self.post("/api/chat", {"model": "qwen3", "messages": [{"role": "user", "content": "a"}], "options": {"num_predict": 300}, **fields}, status)

    def test_chat(self):
        whole = self.chat(stream=False, tools=self.tools, **grammar(SAID)).json
        self.assertEqual(whole["message"], {"role": "assistant", "content": "Now\n", "thinking": "Hm", "tool_calls": [
            {"function": {"index": 0, "name": "look", "arguments": {"n": 12}}}]})
        self.assertEqual((whole["done"], whole["done_reason"]), (True, "stop"))
        said = self.lines(self.chat(tools=self.tools, **grammar(SAID)))
        self.assertEqual([e["done"] for e in said], [False] * (len(said) - 1) + [True])
        self.assertEqual("".join(e["message"]["content"] for e in said), "Now\n")
        self.assertEqual("".join(e["message"].get("thinking", "") for e in said), "Hm")
        self.assertEqual([c for e in said for c in e["message"].get("tool_calls", [])], whole["message"]["tool_calls"])
        self.assertEqual({k for k in said[-1]}, {k for k in whole})

    def test_what_was_said_before(self):
        messages = [{k: v for k, v in m.items() if k != "tool_call_id"} for m in self.past]
        messages[2] = {"role": "assistant", "content": "I look.", "tool_calls": [{"function": {"name": "look", "arguments": {"n": 2}}}]}
        messages[3]["tool_name"] = "look"
        answer = self.chat(messages=messages, tools=self.tools, stream=False, **grammar("x")).json
        self.assertEqual(answer["prompt_eval_count"], self.n_prompt(self.past, tools=self.tools))
        llama = {"model": "llama31", "tools": self.tools}
        answer = self.chat(messages=messages, stream=False, **llama, **grammar("x")).json
        self.assertEqual(answer["prompt_eval_count"], self.n_prompt(self.past, **llama))

    def test_settings(self):
        schema = {"type": "object", "properties": {"a": {"const": 7}}, "required": ["a"], "additionalProperties": False}
        self.assertEqual(json.loads(self.chat(stream=False, format=schema).json["message"]["content"]), {"a": 7})
        reply = self.chat(stream=False, options={"num_predict": 3, "num_ctx": 100, "no_such": 1, "temperature": 0}, keep_alive="5m", other=2)
        self.assertEqual((reply.json["eval_count"], reply.json["done_reason"]), (3, "length"))
        self.assertEqual(reply.headers["X-Ignored-Fields"], "other, no_such")
        self.assertEqual(len(self.chat(stream=False, top_logprobs=2, options={"num_predict": 3}).json["logprobs"]), 3)
        quiet, loud = (self.chat(stream=False, think=t, **grammar("x")).json["prompt_eval_count"] for t in (False, True))
        self.assertGreater(quiet, loud)

    def test_generate(self):
        body = {"model": "qwen3:latest", "prompt": "a", "system": "b", "stream": False, "options": {"num_predict": 300}, **grammar("ok")}
        answer = self.post("/api/generate", body).json
        self.assertEqual((answer["response"], answer["prompt_eval_count"]), ("ok", self.n_prompt([{"role": "system", "content": "b"}, {"role": "user", "content": "a"}])))
        said = self.lines(self.post("/api/generate", {**body, "stream": True}))
        self.assertEqual("".join(e["response"] for e in said), "ok")
        raw = self.post("/api/generate", {**body, "raw": True}).json["prompt_eval_count"]
        self.assertEqual(raw, self.post("/v1/completions", {"model": "qwen3", "prompt": "a", "max_tokens": 1}).json["usage"]["prompt_tokens"])
        self.assertEqual(self.post("/api/generate", {"model": "qwen3", "prompt": ""}).json["done_reason"], "load")

    def test_embed(self):
        wanted = self.post("/v1/embeddings", {"model": "qwen3", "input": ["a", "b"]}).json["data"]
        for got, row in zip(self.post("/api/embed", {"model": "qwen3", "input": ["a", "b"]}).json["embeddings"], wanted):
            self.assertClose(got, row["embedding"], 1e-6)
        self.assertClose(self.post("/api/embeddings", {"model": "qwen3", "prompt": "a"}).json["embedding"], wanted[0]["embedding"], 1e-6)
        self.post("/api/embed", {"model": "qwen3", "input": "word " * 9000, "truncate": False}, 400)

    def test_models(self):
        self.assertEqual([m["model"] for m in self.get("/api/tags").json["models"]], ["qwen3", "llama31"])
        self.assertEqual(len(self.get("/api/ps").json["models"]), 2)
        self.assertIn("version", self.get("/api/version").json)
        shown = self.post("/api/show", {"model": "qwen3"}).json
        self.assertEqual(shown["capabilities"], ["completion", "tools", "thinking"])
        self.assertEqual(shown["model_info"]["llama.context_length"], self.get("/v1/models/qwen3").json["max_model_len"])
        self.assertEqual(self.post("/api/show", {"model": "llama31"}).json["capabilities"], ["completion", "tools"])

    def test_what_is_refused(self):
        for fields, word in (({"options": {"temperature": -1}}, "temperature"), ({"options": 3}, "options"), ({"format": "xml"}, "format"),
                             ({"think": 3}, "think"), ({"messages": [{"role": "user", "content": "a", "images": ["x"]}]}, "images")):
            self.assertIn(word, self.chat(400, **fields).json["error"])
        self.assertIn("other", self.chat(404, model="other").json["error"])
        for fields in ({"suffix": "x"}, {"template": "x"}, {"context": [1]}, {"images": ["x"]}):
            self.post("/api/generate", {"model": "qwen3", "prompt": "a", **fields}, 400)


main()
