"""Memory that runs out in a server: while a request of each kind is answered, while models are read again, at every point
alone and with all behind it. The answer is the right one, or an error that is the server's; the next one is right; nothing is
lost on the way.

HONE_FAULT_POINTS: how many points of each kind are tried (6); 0: all (make oom)."""
import http.client
import json
import mmap
import os
import re
import shutil
import signal
import struct
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "server"))
from serving import CLASSIFY, CROSS, EMBED, FIXTURES, HONE, Case, Server, main  # noqa: E402

SHIM = os.path.join(os.path.dirname(HONE), "tests", "faults.so")
POINTS = int(os.environ.pop("HONE_FAULT_POINTS", "6"))  # which no server reads
CHANGES = re.compile(rb'"(?:id|created|created_at|response_id|\w*duration\w*|\w*_ms|\w*_per_\w+|tokens_cached|cached_tokens|cache_n|timings)": ?'
                     rb'(?:"[^"]*"|[-\d.e]+|\{[^}]*\})|\b(?:chatcmpl|cmpl|resp|msg|call)[-_]\w+')
CHAT = [{"role": "user", "content": "a text"}]
SCHEMA = {"type": "object", "properties": {"a": {"enum": [1, "x"]}}, "required": ["a"], "additionalProperties": False}
SHORT = {"model": "c", "temperature": 0, "max_tokens": 6, "cache_prompt": False}
KINDS = {
    "embed": ("/embed", {"model": "e", "inputs": ["a text", "another one"]}),
    "embeddings": ("/v1/embeddings", {"model": "e", "input": ["a text", "b"], "encoding_format": "base64"}),
    "rerank": ("/v1/rerank", {"model": "x", "query": "a", "documents": ["b c", "a b"]}),
    "classify": ("/predict", {"model": "s", "inputs": "a text"}),
    "tokenize": ("/tokenize", {"model": "e", "inputs": "a text"}),
    "detokenize": ("/detokenize", {"model": "c", "tokens": [5, 6, 7]}),
    "complete": ("/v1/completions", {**SHORT, "prompt": "a text", "logprobs": 2}),
    "complete in a stream": ("/v1/completions", {**SHORT, "prompt": "a text", "stream": True}),
    "chat": ("/v1/chat/completions", {**SHORT, "messages": CHAT}),
    "chat in a stream": ("/v1/chat/completions", {**SHORT, "messages": CHAT, "stream": True}),
    "chat within a schema": ("/v1/chat/completions", {**SHORT, "max_tokens": 40, "messages": CHAT, "response_format":
                             {"type": "json_schema", "json_schema": {"name": "n", "strict": True, "schema": SCHEMA}}}),
    "messages": ("/v1/messages", {"model": "c", "temperature": 0, "max_tokens": 6, "messages": CHAT, "stream": True}),
    "responses": ("/v1/responses", {"model": "c", "temperature": 0, "max_output_tokens": 6, "input": "a text"}),
    "ollama": ("/api/chat", {"model": "c", "messages": CHAT, "options": {"num_predict": 6, "temperature": 0}}),
    "models": ("/v1/models", None),
}

STREAMS = [kind for kind, (_, body) in KINDS.items() if body and body.get("stream", kind == "ollama")]


class Controls:
    """What the shim in the server reads (tests/faults/shim.h)."""

    def __init__(self, path):
        self.path = path
        with open(path, "wb") as f:
            f.write(bytes(27 * 8))
        self.file = open(path, "r+b")
        self.map = mmap.mmap(self.file.fileno(), 27 * 8)

    def close(self):
        self.map.close()
        self.file.close()

    def fail(self, at, more=0):
        self.map[16:24] = bytes(8)
        self.map[8:16] = struct.pack("q", more)
        self.map[0:8] = struct.pack("q", at)

    def count(self):
        return struct.unpack("q", self.map[16:24])[0]


@unittest.skipUnless(os.path.exists(SHIM) and "asan" not in HONE and "tsan" not in HONE, "no faults.so beside the program")
class Memory(Case):
    def setUp(self):
        super().setUp()
        self.controls = Controls(self.path("faults"))
        self.addCleanup(self.controls.close)
        self.model = shutil.copytree(EMBED, self.path("embed"))
        flags = [f for name, model in (("e", self.model), ("x", CROSS), ("s", CLASSIFY), ("c", os.path.join(FIXTURES, "causal")))
                 for f in ("-m", f"{name}={model}")]
        self.server = Server(*flags, "--cache-size", "0", "--threads", "1", log_path=self.path("log"),
                             environment={"LD_PRELOAD": SHIM, "FAULTS": self.controls.path})
        self.addCleanup(self.server.stop)

    def ask(self, kind, timeout=60):
        """Status, whether it came to its end, and the answer without what is never twice the same; 0: closed instead."""
        path, body = KINDS[kind]
        c = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=timeout)
        try:
            c.request("POST" if body else "GET", path, json.dumps(body) if body else None)
            reply = c.getresponse()
            return reply.status, CHANGES.sub(b"", reply.read())
        except (OSError, http.client.HTTPException):
            return 0, b""
        finally:
            c.close()

    def figures(self):
        f = self.server.get("/metrics.json").json
        return f["process"]["open_fds"], f["http"]["requests_in_flight"], f["process"]["resident_bytes"]

    def points(self, n):
        return range(1, n + 1, 1 if POINTS == 0 else max(1, n // POINTS))

    def check(self, kind, right, status, text, what):
        if (status, text) == right or status == 0:
            return
        self.assertIsNone(self.server.process.poll(), f"{what}: {self.server.said()[-2000:]}")
        if status == 200:  # a stream, whose head had gone
            self.assertIn(kind, STREAMS, f"{what}: {text}, and not {right[1]}")
            self.assertTrue(b"error" in text or not re.search(rb"\[DONE\]|message_stop|\"done\":true", text), f"{what}: {text[-500:]}")
            return
        self.assertIn(status, (500, 503, 424), f"{what}: {text[:500]}")

    def run_kind(self, kind):
        self.ask(kind)  # what is kept from then on is there
        right = self.ask(kind)
        self.assertEqual(right[0], 200, right[1][:500])
        self.assertEqual(self.ask(kind), right)
        self.controls.fail(0)
        self.ask(kind)
        n = self.controls.count()
        self.assertGreater(n, 0)
        for at in self.points(n):
            for more in (0, 1):
                self.controls.fail(at, more)
                status, text = self.ask(kind, timeout=2 if more else 60)
                self.controls.fail(0)
                what = f"{kind}, allocation {at} of {n}{' and all behind it' if more else ''}"
                with self.subTest(what):
                    self.check(kind, right, status, text, what)
                    self.assertEqual(self.ask(kind), right, f"after {what}: {self.server.said()[-1000:]}")

    def test_requests(self):
        first_fds = self.figures()[0]
        for kind in KINDS:
            with self.subTest(kind=kind):
                self.run_kind(kind)
        fds, in_flight, _ = self.settled()
        self.assertEqual(in_flight, 1)
        self.assertLessEqual(fds, first_fds + 2)

    def settled(self):
        deadline = time.monotonic() + 30
        while (f := self.figures())[1] != 1 and time.monotonic() < deadline:
            time.sleep(0.05)
        return f

    def test_nothing_is_lost(self):
        """One point many times: what is lost there would add up."""
        for kind in ("embed", "chat", "chat within a schema", "complete in a stream"):
            self.controls.fail(0)
            self.ask(kind)
            n = self.controls.count()
            for at in (n // 3, n // 2, n - 2):
                sizes = []
                for _ in range(3):
                    for _ in range(60):
                        self.controls.fail(at)
                        self.ask(kind)
                    self.controls.fail(0)
                    sizes.append(self.settled()[2])
                self.assertLess(sizes[2] - sizes[1], 1 << 20, f"{kind}, allocation {at}: {sizes}")

    def test_reading_models_again(self):
        right = self.ask("embed")
        self.reload(0, 0)
        n = self.reload(0, 0)
        self.assertGreater(n, 100)
        for at in self.points(n):
            for more in (0, 1):
                what = f"allocation {at} of {n}{' and all behind it' if more else ''}"
                self.reload(at, more)
                self.assertIsNone(self.server.process.poll(), f"{what}: {self.server.said()[-2000:]}")
                self.assertEqual(self.ask("embed"), right, what)
        self.assertGreater(self.reloads()[1], 0)
        self.assertEqual(self.server.stop(), 0)

    def reloads(self):
        text = self.server.get("/metrics").body.decode()
        return [int(re.search(rf"^hone_reloads_total{{[^}}]*{word}[^}}]*}} (\d+)", text, re.M)[1]) for word in ("ok", "failed")]

    def reload(self, at, more):
        """Reads models again with that allocation failing; how many there were."""
        before = sum(self.reloads())
        with open(os.path.join(self.model, "config.json"), "a") as f:
            f.write("\n")  # else the model is the one that is there
        os.utime(self.model)
        self.controls.fail(at, more)
        self.server.signal(signal.SIGHUP)
        deadline = time.monotonic() + 60
        n, quiet = 0, 0
        while (n == 0 or quiet < 10) and time.monotonic() < deadline:  # nobody can ask it while it has no memory
            time.sleep(0.01)
            quiet = quiet + 1 if self.controls.count() == n else 0
            n = self.controls.count()
        self.controls.fail(0)
        while sum(self.reloads()) == before and time.monotonic() < deadline:
            time.sleep(0.01)
        return n


if __name__ == "__main__":
    main()
