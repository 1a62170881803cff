"""Chat templates as published, of any folder that HONE_TEMPLATES names, with 30 conversations of agents each
(tests/fixtures/jinja/agents.py): what hone makes of them is what transformers makes of the messages as hone converts them, and
nothing that was said is missing in it, or it is refused. Such templates belong to others, so none is here; the PyPI source package
llama-cpp-python has 70 (vendor/llama.cpp/models/templates). Without HONE_TEMPLATES those in tests/fixtures/jinja are taken."""
import json
import os
import pathlib
import subprocess
import sys
from datetime import datetime, timezone

from support import FIXTURES, ROOT, Case, import_with, main

sys.path.insert(0, os.path.join(FIXTURES, "jinja"))
from agents import CONVERSATIONS  # noqa: E402

FOLDER = pathlib.Path(os.environ.get("HONE_TEMPLATES", os.path.join(FIXTURES, "jinja", "templates")))
PROGRAM = os.path.join(ROOT, os.path.dirname(os.environ.get("HONE", "build/hone")), "tests", "golden", "test_chats")
TOKENS = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
NOW = 1753488000


def words(conversation):
    """All that is said in it, and must not be lost: texts, names of calls and of tools."""
    for message in conversation["messages"]:
        content = message.get("content")
        for part in content if isinstance(content, list) else [{"text": content or ""}]:
            yield part["text"].strip()
        for call in message.get("tool_calls") or []:
            yield call["function"]["name"]
    for tool in conversation["tools"] or []:
        yield tool["function"]["name"]


class TestTemplates(Case):
    @classmethod
    def setUpClass(cls):
        import_with("lm-eval==0.4.13", "requests", "aiohttp", "tenacity", "transformers")  # as test_lm_eval.py: installed once
        from transformers.utils import chat_template_utils

        class Clock(datetime):
            @classmethod
            def now(cls, tz=None):
                return datetime.fromtimestamp(NOW, timezone.utc)

        chat_template_utils.datetime = Clock
        cls.compile = staticmethod(chat_template_utils._compile_jinja_template)
        if not os.path.exists(PROGRAM):
            cls.skipTest(cls, f"{PROGRAM} is not built")

    def rendered(self, templates):
        """What hone makes of each."""
        out = self.path("out.json")
        cases = self.file("cases.json", json.dumps({"templates": templates, "conversations": CONVERSATIONS, "variables": TOKENS}))
        subprocess.run([PROGRAM], cwd=ROOT, check=True, capture_output=True, timeout=600,
                       env={**os.environ, "HONE_CHATS": cases, "HONE_CHATS_OUT": out, "TZ": "UTC"})
        with open(out) as f:
            return json.load(f)

    def expected(self, template, conversation, made):
        """The converted messages through transformers' renderer; None: it fails."""
        goes_on = "continue" in conversation
        try:
            text = template.render(messages=made["messages"], documents=None, add_generation_prompt=not goes_on,
                                   **{**TOKENS, "tools": None, made["variable"]: conversation["tools"], **conversation["variables"]})
        except Exception:  # of Jinja, of Python, or raised by the template
            return None
        if not goes_on:
            return text
        said = made["messages"][-1]["content"]
        said = (said if isinstance(said, str) else said[-1]["text"]).strip()
        return text[:text.rindex(said) + len(said)]

    @staticmethod
    def misses(text, conversation):
        """What is not in it, neither as it was said nor as JSON."""
        return [word for word in words(conversation) if word not in text and json.dumps(word)[1:-1] not in text]

    def test_each_template(self):
        templates = {path.stem: path.read_text() for path in sorted(FOLDER.glob("*.jinja"))}
        self.assertTrue(templates, FOLDER)
        wrong, lost, refused = [], [], []
        for name, made in self.rendered(templates).items():
            template = self.compile(templates[name])
            for said, conversation in CONVERSATIONS.items():
                got = made[said]
                wanted = self.expected(template, conversation, got)
                if "refused" in got:
                    refused.append(f"{name}, {said}: {got['refused']}")
                    # Where it is not hone that found something missing, transformers' renderer fails as well.
                    ours = "leaves out" in got["refused"] or "no place for" in got["refused"]
                    if wanted is not None and not ours:
                        wrong.append(f"{name}, {said}: {got['refused']}\nbut it is {wanted!r}")
                    continue
                if got["text"] != wanted:
                    wrong.append(f"{name}, {said}:\n{wanted!r}\n{got['text']!r}")
                lost += [f"{name}, {said}: {word!r}" for word in self.misses(got["text"], conversation)]
        if os.environ.get("HONE_VERBOSE"):
            print("\n".join(refused), f"{len(templates)} templates, {len(CONVERSATIONS)} conversations, {len(refused)} refused",
                  sep="\n", file=sys.stderr)
        self.assertEqual(wrong, [], "\n".join(wrong[:20]))
        self.assertEqual(lost, [], "\n".join(lost[:40]))


main()
