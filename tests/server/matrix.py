"""What the tests of client libraries have in common: a tiny model with Qwen 3's chat template, and what is asked of it."""
import json
import os
import shutil
import sys
import tempfile

from serving import FIXTURES, ServerCase, import_with

CAUSAL = os.path.join(FIXTURES, "causal")
PARAMETERS = {"type": "object", "properties": {"n": {"type": "integer", "enum": [12]}}, "required": ["n"], "additionalProperties": False}
TOOL = {"type": "function", "function": {"name": "look", "description": "Looks.", "parameters": PARAMETERS}}
SCHEMA = {"type": "object", "properties": {"good": {"type": "boolean"}}, "required": ["good"], "additionalProperties": False}
USER = [{"role": "user", "content": "a"}]
CALL = '<tool_call>\n{"name": "look", "arguments": {"n": 12}}\n</tool_call>'
LONG = "word " * 2300  # 9,200 tokens, more than the model's context


def grammar(text):
    return {"grammar": f"root ::= {json.dumps(text)}"}


class Matrix(ServerCase):
    """A server, and the packages that a test imports, which are installed once."""
    packages = ()

    @classmethod
    def setUpClass(cls):
        before = list(sys.path)
        import_with(*cls.packages)
        sys.path[:0] = [path for path in sys.path if path not in before]  # before older ones that this machine may have
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        copy = os.path.join(folder.name, "qwen3")
        shutil.copytree(CAUSAL, copy)
        shutil.copy(os.path.join(FIXTURES, "jinja", "templates", "qwen3.jinja"), os.path.join(copy, "chat_template.jinja"))
        cls.models = [f"qwen3={copy}"]
        super().setUpClass()
        cls.url = f"http://127.0.0.1:{cls.server.port}"
