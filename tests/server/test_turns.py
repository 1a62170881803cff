"""An agent's turns: however long the history is, what is computed of the next turn is what is new in it, so that its first token
comes as soon as in the second turn. Counted in tokens that are computed, since times depend on the machine."""
import json
import os
import shutil
import tempfile

from serving import FIXTURES, ServerCase, main

CAUSAL = os.path.join(FIXTURES, "causal")
TOOLS = [{"type": "function", "function": {"name": "look", "description": "Looks.", "parameters": {
    "type": "object", "properties": {"n": {"type": "integer"}}}}}]
CALL = '<tool_call>\n{"name": "look", "arguments": {"n": 12}}\n</tool_call>'
TURNS, QUESTION, RESULT = 20, "file " * 35, "line " * 35


def grammar(text):
    return {"grammar": f"root ::= {json.dumps(text)}"}


class TestTurns(ServerCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.models = []
        for name in ("qwen25", "llama31"):
            copy = os.path.join(folder.name, name)
            shutil.copytree(CAUSAL, copy)
            shutil.copy(os.path.join(FIXTURES, "jinja", "templates", name + ".jinja"), os.path.join(copy, "chat_template.jinja"))
            cls.models.append(f"{name}={copy}")
        super().setUpClass()

    def ask(self, model, messages, text):
        reply = self.post("/v1/chat/completions", {"model": model, "messages": messages, "tools": TOOLS, "max_tokens": 100,
                                                   **grammar(text)}).json
        usage = reply["usage"]
        computed = usage["prompt_tokens"] - usage["prompt_tokens_details"]["cached_tokens"]
        return reply["choices"][0]["message"], computed, usage["prompt_tokens"]

    def turns(self, model):
        """For each the tokens computed until the first one of its first answer, and those of the prompt: a question, a call, its
        result, an answer."""
        messages, counts = [{"role": "system", "content": "Be brief."}], []
        for turn in range(TURNS):
            messages.append({"role": "user", "content": f"{turn}: {QUESTION}"})
            if model == "qwen25":
                said, computed, n = self.ask(model, messages, CALL)
                messages += [said, {"role": "tool", "tool_call_id": said["tool_calls"][0]["id"], "content": RESULT}]
                said, _, _ = self.ask(model, messages, "Done.")
            else:
                said, computed, n = self.ask(model, messages, "Done.")
            messages.append(said)
            counts.append((computed, n))
        return counts

    def test_the_twentieth_computes_what_the_second_does(self):
        for model in ("qwen25", "llama31"):
            counts = self.turns(model)
            (second, _), (last, n) = counts[1], counts[-1]
            self.assertGreater(n, 10 * second, model)  # a long history, of which little is new
            self.assertLessEqual(last, 1.2 * second, (model, counts))


main()
