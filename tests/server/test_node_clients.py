"""What the official clients for Node send, and what they demand of answers, over plain HTTP: openai, @anthropic-ai/sdk, the AI
SDK's providers, cohere-ai and ollama. Requests have their headers, names in small letters as Node's fetch writes them, and the
fields and nulls that these libraries write; answers are put together as the libraries do it, with the checks that make them
throw. So no Node is needed."""
import json
import os
import shutil
import tempfile

from matrix import CALL, CAUSAL, PARAMETERS, SCHEMA, TOOL, USER, grammar
from serving import CROSS, EMBED, FIXTURES, ServerCase, main

FETCH = {"accept": "*/*", "accept-language": "*", "sec-fetch-mode": "cors", "accept-encoding": "gzip, deflate", "connection": "keep-alive",
         "content-type": "application/json"}
STAINLESS = {"x-stainless-retry-count": "0", "x-stainless-lang": "js", "x-stainless-package-version": "6.1.0", "x-stainless-os": "Linux",
             "x-stainless-arch": "x64", "x-stainless-runtime": "node", "x-stainless-runtime-version": "v22.1.0", "x-stainless-timeout": "600"}
OPENAI = {**FETCH, **STAINLESS, "accept": "application/json", "user-agent": "OpenAI/JS 6.1.0", "authorization": "Bearer x"}
ANTHROPIC = {**FETCH, **STAINLESS, "accept": "application/json", "user-agent": "Anthropic/JS 0.60.0", "x-api-key": "x",
             "anthropic-version": "2023-06-01", "anthropic-dangerous-direct-browser-access": "true"}
AI_SDK = {**FETCH, "authorization": "Bearer x", "user-agent": "ai/5.0.0 ai-sdk/openai-compatible/1.0.0 runtime/node.js/22"}


def messages(body):
    """Server-sent events as these libraries cut them: (event or None, data)."""
    found = []
    for block in body.decode().replace("\r\n", "\n").split("\n\n"):
        event, data = None, []
        for line in block.split("\n"):
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            event = value if name == "event" else event
            data += [value] if name == "data" else []
        if event or data:
            found.append((event, "\n".join(data)))
    return found


def completion(case, body):
    """A chat's stream as openai's ChatCompletionStream puts it together, which throws where something is missing."""
    events = messages(body)
    case.assertEqual(events[-1], (None, "[DONE]"))
    whole = {}
    for event, data in events[:-1]:
        case.assertIsNone(event)
        chunk = json.loads(data)
        case.assertNotIn("error", chunk)
        case.assertEqual(chunk["object"], "chat.completion.chunk")
        case.assertLessEqual({"id", "created", "model", "choices"}, set(chunk))
        whole["usage"] = chunk.get("usage") or whole.get("usage")
        for choice in chunk["choices"]:
            message = whole.setdefault(choice["index"], {"content": None, "calls": [], "finish_reason": None})
            delta = choice["delta"]
            message["finish_reason"] = choice["finish_reason"] or message["finish_reason"]  # the key is there, null but for the last
            message["role"] = delta.get("role") or message.get("role")
            if delta.get("content"):
                message["content"] = (message["content"] or "") + delta["content"]
            for call in delta.get("tool_calls") or []:
                if call["index"] == len(message["calls"]):
                    case.assertEqual(call["type"], "function")
                    message["calls"].append({"id": call["id"], "name": call["function"]["name"], "arguments": ""})
                message["calls"][call["index"]]["arguments"] += call["function"].get("arguments") or ""
    case.assertEqual(whole[0]["role"], "assistant")
    case.assertTrue(whole[0]["finish_reason"])
    case.assertTrue(all(call["id"] and call["name"] for call in whole[0]["calls"]))
    return whole


def message(case, body):
    """A stream of Anthropic's as MessageStream puts it together, which throws where the order is another one."""
    whole, opened = None, None
    for event, data in messages(body):
        part = json.loads(data)
        case.assertEqual(part["type"], event)
        case.assertEqual(whole is None, event == "message_start")
        if event == "message_start":
            whole = part["message"]
            case.assertEqual((whole["role"], whole["content"], whole["stop_reason"], whole["stop_sequence"]), ("assistant", [], None, None))
            case.assertIn("input_tokens", whole["usage"])
        elif event == "content_block_start":
            case.assertEqual((part["index"], opened), (len(whole["content"]), None))
            opened = part["index"]
            whole["content"].append(dict(part["content_block"], json=""))
        elif event == "content_block_delta":
            case.assertEqual(part["index"], opened)
            block, delta = whole["content"][opened], part["delta"]
            if delta["type"] == "text_delta":
                block["text"] += delta["text"]
            elif delta["type"] == "input_json_delta":
                block["json"] += delta["partial_json"]
        elif event == "content_block_stop":
            case.assertEqual(part["index"], opened)
            opened = None
        elif event == "message_delta":
            whole.update(part["delta"])
            whole["usage"].update(part["usage"])
    case.assertEqual((messages(body)[-1][0], opened), ("message_stop", None))
    return whole


class NodeClients(ServerCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        copy = os.path.join(folder.name, "qwen3")
        shutil.copytree(CAUSAL, copy)
        shutil.copy(os.path.join(FIXTURES, "jinja", "templates", "qwen3.jinja"), os.path.join(copy, "chat_template.jinja"))
        cls.models = [f"qwen3={copy}", f"embed={EMBED}", f"rank={CROSS}"]
        super().setUpClass()

    def send(self, path, headers, body, status=200):
        reply = self.post(path, body, status=status, headers=headers)
        streams = body.get("stream") and status == 200
        kind = "application/x-ndjson" if streams and path.startswith("/api/") else "text/event-stream" if streams else "application/json"
        self.assertTrue(reply.headers["content-type"].startswith(kind), reply.headers["content-type"])
        return reply

    # ---- openai

    def test_openai_chat(self):
        body = {"model": "qwen3", "messages": USER, "n": None, "tools": None, "response_format": None, "max_completion_tokens": 60,
                "stream_options": None, "store": False, "metadata": {}, **grammar("Yes")}
        reply = self.send("/v1/chat/completions", OPENAI, body)
        self.assertTrue(reply.headers["x-request-id"])
        choice = reply.json["choices"][0]
        self.assertEqual((choice["message"]["content"], choice["message"]["role"], choice["finish_reason"], choice["index"]), ("Yes", "assistant", "stop", 0))
        self.assertIsNone(choice["message"]["refusal"])
        self.assertIsNone(choice["logprobs"])

    def test_openai_stream(self):
        headers = {**OPENAI, "x-stainless-helper-method": "stream"}
        body = {"model": "qwen3", "messages": USER, "stream": True, "stream_options": {"include_usage": True, "include_obfuscation": False}}
        whole = completion(self, self.send("/v1/chat/completions", headers, {**body, **grammar("Yes")}).body)
        self.assertEqual((whole[0]["content"], whole[0]["finish_reason"], whole[0]["calls"]), ("Yes", "stop", []))
        self.assertEqual(whole["usage"]["total_tokens"], whole["usage"]["prompt_tokens"] + whole["usage"]["completion_tokens"])
        whole = completion(self, self.send("/v1/chat/completions", headers, {**body, "tools": [TOOL], **grammar(CALL)}).body)
        self.assertEqual((whole[0]["content"], whole[0]["finish_reason"]), (None, "tool_calls"))
        self.assertEqual(json.loads(whole[0]["calls"][0]["arguments"]), {"n": 12})

    def test_openai_run_tools(self):
        """runTools sends the call back as it came, with null where a message could have more."""
        tool = {**TOOL, "function": {**TOOL["function"], "strict": True}}
        body = {"model": "qwen3", "tools": [tool], "tool_choice": "auto", "stream": False}
        answer = self.send("/v1/chat/completions", OPENAI, {**body, "messages": USER, **grammar(CALL)}).json["choices"][0]["message"]
        past = [*USER, {"content": None, "refusal": None, "annotations": [], "audio": None, **answer, "parsed": None},
                {"role": "tool", "tool_call_id": answer["tool_calls"][0]["id"], "content": "5"}]
        said = self.send("/v1/chat/completions", OPENAI, {**body, "messages": past, **grammar("Five")}).json["choices"][0]
        self.assertEqual((said["message"]["content"], said["finish_reason"]), ("Five", "stop"))

    def test_openai_parse(self):
        form = {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": {
            "$schema": "http://json-schema.org/draft-07/schema#", **SCHEMA}}}  # as zod's schemas are written
        body = {"model": "qwen3", "messages": USER, "response_format": form, "max_tokens": 100}
        self.assertIsInstance(json.loads(self.send("/v1/chat/completions", OPENAI, body).json["choices"][0]["message"]["content"])["good"], bool)
        whole = completion(self, self.send("/v1/chat/completions", OPENAI, {**body, "stream": True}).body)
        self.assertIsInstance(json.loads(whole[0]["content"])["good"], bool)

    def test_openai_responses(self):
        body = {"model": "qwen3", "input": "a", "stream": True, "store": False, **grammar("Yes")}
        events = messages(self.send("/v1/responses", OPENAI, body).body)
        self.assertTrue(all(event.startswith("response.") and json.loads(data)["type"] == event for event, data in events))
        numbers = [json.loads(data)["sequence_number"] for _, data in events]
        self.assertEqual(numbers, list(range(len(numbers))))
        last = json.loads(events[-1][1])["response"]
        self.assertEqual((last["status"], last["output"][-1]["content"][0]["text"]), ("completed", "Yes"))

    def test_openai_embeddings(self):
        """It asks for base64, unless told otherwise, and reads it as floats."""
        import base64
        import struct
        coded = self.send("/v1/embeddings", OPENAI, {"model": "embed", "input": ["a", "b"], "encoding_format": "base64"}).json["data"]
        plain = self.send("/v1/embeddings", OPENAI, {"model": "embed", "input": ["a", "b"]}).json["data"]
        for a, b in zip(coded, plain):
            raw = base64.b64decode(a["embedding"])
            self.assertClose(struct.unpack(f"<{len(raw) // 4}f", raw), b["embedding"], 1e-6)

    def test_openai_errors(self):
        for body, status in (({"model": "none", "messages": USER}, 404), ({"model": "qwen3", "messages": []}, 400), ({"model": "qwen3"}, 400),
                             ({"model": "qwen3", "messages": USER, "stream": True, "max_tokens": "x"}, 400)):
            error = self.send("/v1/chat/completions", OPENAI, body, status).json["error"]
            self.assertIsInstance(error["message"], str)
            self.assertLessEqual({"type", "param", "code"}, set(error))

    # ---- anthropic

    def test_anthropic(self):
        tools = [{"name": "look", "description": "Looks.", "input_schema": PARAMETERS}]
        body = {"model": "qwen3", "max_tokens": 100, "messages": [{"role": "user", "content": [{"type": "text", "text": "a"}]}], "tools": tools}
        whole = message(self, self.send("/v1/messages", ANTHROPIC, {**body, "stream": True, **grammar("I look.\n" + CALL)}).body)
        self.assertEqual((whole["stop_reason"], [b["type"] for b in whole["content"]]), ("tool_use", ["text", "tool_use"]))
        self.assertEqual((whole["content"][0]["text"].strip(), whole["content"][1]["input"], json.loads(whole["content"][1]["json"])), ("I look.", {}, {"n": 12}))
        self.assertGreater(whole["usage"]["output_tokens"], 0)
        answer = self.send("/v1/messages", ANTHROPIC, {**body, **grammar(CALL)}).json
        past = [*body["messages"], {"role": "assistant", "content": answer["content"]}, {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": answer["content"][0]["id"], "content": [{"type": "text", "text": "5"}], "is_error": False}]}]
        said = self.send("/v1/messages?beta=true", {**ANTHROPIC, "anthropic-beta": "tools-2024-05-16"}, {**body, "messages": past, **grammar("Five")}).json
        self.assertEqual((said["type"], said["content"][0]["text"], said["stop_reason"]), ("message", "Five", "end_turn"))
        error = self.send("/v1/messages", ANTHROPIC, {**body, "model": "none"}, 404).json
        self.assertEqual((error["type"], error["error"]["type"]), ("error", "not_found_error"))

    # ---- the AI SDK

    def test_ai_sdk(self):
        tool = {"type": "function", "function": {"name": "look", "description": "Looks.", "parameters": {
            **PARAMETERS, "$schema": "http://json-schema.org/draft-07/schema#"}}}
        body = {"model": "qwen3", "max_tokens": 100, "temperature": 0, "messages": [{"role": "system", "content": "s"}, *USER], "tools": [tool],
                "tool_choice": "auto", "stream": True, "stream_options": {"include_usage": True}}
        whole = completion(self, self.send("/v1/chat/completions", AI_SDK, {**body, **grammar(CALL)}).body)
        call = whole[0]["calls"][0]
        past = [*body["messages"], {"role": "assistant", "content": "", "tool_calls": [
            {"id": call["id"], "type": "function", "function": {"name": call["name"], "arguments": call["arguments"]}}]},
            {"role": "tool", "tool_call_id": call["id"], "content": '{"sum":5}'}, {"role": "user", "content": [{"type": "text", "text": "b"}]}]
        whole = completion(self, self.send("/v1/chat/completions", AI_SDK, {**body, "messages": past, **grammar("<think>\nHm\n</think>\n\nFive")}).body)
        self.assertEqual((whole[0]["content"], whole[0]["finish_reason"]), ("Five", "stop"))
        form = {"type": "json_schema", "json_schema": {"schema": SCHEMA, "strict": True, "name": "response"}}
        answer = self.send("/v1/chat/completions", AI_SDK, {"model": "qwen3", "messages": USER, "max_tokens": 100, "response_format": form}).json
        self.assertIsInstance(json.loads(answer["choices"][0]["message"]["content"])["good"], bool)

    def test_ai_sdk_responses(self):
        """@ai-sdk/openai speaks this dialect unless told otherwise."""
        tools = [{"type": "function", "name": "look", "description": "Looks.", "parameters": PARAMETERS, "strict": False}]
        body = {"model": "qwen3", "input": [{"role": "developer", "content": "s"}, {"role": "user", "content": [{"type": "input_text", "text": "a"}]}],
                "tools": tools, "tool_choice": "auto", "store": False, "max_output_tokens": 100}
        call = self.send("/v1/responses", AI_SDK, {**body, **grammar(CALL)}).json["output"][0]
        past = [*body["input"], {"type": "function_call", "call_id": call["call_id"], "name": call["name"], "arguments": call["arguments"], "id": call["id"]},
                {"type": "function_call_output", "call_id": call["call_id"], "output": "5"}]
        answer = self.send("/v1/responses", AI_SDK, {**body, "input": past, **grammar("Five")}).json
        self.assertEqual(answer["output"][-1]["content"][0]["text"], "Five")
        form = {"format": {"type": "json_schema", "strict": True, "name": "response", "schema": SCHEMA}}
        answer = self.send("/v1/responses", AI_SDK, {"model": "qwen3", "input": body["input"], "text": form, "store": False}).json
        self.assertIsInstance(json.loads(answer["output"][-1]["content"][0]["text"])["good"], bool)

    # ---- cohere-ai and ollama

    def test_cohere(self):
        headers = {**FETCH, "authorization": "Bearer x", "x-fern-language": "JavaScript", "x-fern-sdk-name": "cohere-ai", "x-fern-sdk-version": "7.19.0",
                   "user-agent": "cohere-ai/7.19.0", "x-fern-runtime": "node", "x-fern-runtime-version": "22.1.0"}
        ranked = self.send("/v2/rerank", headers, {"model": "rank", "query": "q", "documents": ["a", "b c"], "top_n": 1}).json
        self.assertEqual(len(ranked["results"]), 1)
        self.assertLessEqual({"index", "relevance_score"}, set(ranked["results"][0]))
        found = self.send("/v2/embed", headers, {"model": "embed", "texts": ["a"], "input_type": "search_query", "embedding_types": ["float"]}).json
        self.assertEqual(len(found["embeddings"]["float"]), 1)

    def test_ollama(self):
        headers = {**FETCH, "accept": "application/json", "user-agent": "ollama-js/0.6.0 (x64 linux Node.js/v22.1.0)"}
        body = {"model": "qwen3", "messages": USER, "stream": True, "format": SCHEMA, "options": {"num_predict": 60}}
        lines = [json.loads(line) for line in self.send("/api/chat", headers, body).body.splitlines()]
        self.assertEqual([line["done"] for line in lines], [False] * (len(lines) - 1) + [True])
        self.assertIsInstance(json.loads("".join(line["message"]["content"] for line in lines))["good"], bool)


if __name__ == "__main__":
    main()
