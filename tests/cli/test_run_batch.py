"""hone run-batch: OpenAI's batch form, any endpoint, beside what the server answers over HTTP."""
import glob
import json
import os
import signal
import socket
import subprocess
import time
import unittest

from support import CROSS, EMBED, FIXTURES, HONE, PATIENCE, Case, main

CAUSAL = os.path.join(FIXTURES, "causal")
MODELS = ["-m", "embed=" + EMBED, "-m", "rank=" + CROSS, "-m", "write=" + CAUSAL]


def line(custom_id, url, body, **more):
    return json.dumps({"custom_id": custom_id, "method": "POST", "url": url, "body": body, **more}) + "\n"


def requests(n=30):
    """All kinds, one after the other."""
    lines = []
    for i in range(n):
        lines.append(line(f"e{i}", "/v1/embeddings", {"model": "embed", "input": [f"text {i}", "é"]}))
        lines.append(line(f"r{i}", "/v1/rerank", {"model": "rank", "query": "q", "documents": [f"d {i}", "x"]}))
        lines.append(line(f"c{i}", "/v1/completions",
                          {"model": "write", "prompt": "the", "max_tokens": 4, "temperature": 0, "seed": i}))
    return lines


class RunBatch(Case):
    @staticmethod
    def size(path):
        """Bytes of a file; -1: it is gone."""
        try:
            return os.stat(path).st_size
        except FileNotFoundError:
            return -1

    def batch(self, *arguments, **how):
        return self.hone("run-batch", *MODELS, *arguments, **how)

    def test_answers_are_those_of_the_server(self):
        lines = requests(3)
        rows = self.batch("-i", self.file("in.jsonl", "".join(lines)), "-o", self.path("out.jsonl"))
        with open(self.path("out.jsonl")) as f:
            rows = [json.loads(row) for row in f]
        self.assertEqual([r["custom_id"] for r in rows], [json.loads(x)["custom_id"] for x in lines])
        self.assertTrue(all(list(r) == ["id", "custom_id", "response", "error"] for r in rows))
        self.assertEqual(len({r["id"] for r in rows}), len(rows))
        path = self.path("socket")
        server = subprocess.Popen([HONE, "serve", *MODELS, "--socket", path, "--log-level=error"])
        self.addCleanup(server.wait)
        self.addCleanup(server.terminate)
        while not self.listens(path):  # a socket has its place before it does
            self.assertIsNone(server.poll())
            time.sleep(0.02)
        for text, row in zip(lines, rows):
            request = json.loads(text)
            wanted = self.post(path, request["url"], request["body"])
            self.assertEqual(row["response"]["status_code"], 200)
            self.assertEqual(self.plain(row["response"]["body"]), self.plain(wanted))

    def plain(self, body):
        """Without what differs from call to call: names, times, what was found in a cache."""
        if isinstance(body, dict):
            return {k: self.plain(v) for k, v in body.items() if k not in ("id", "created", "usage", "timings", "meta")}
        return [self.plain(v) for v in body] if isinstance(body, list) else body

    def listens(self, path):
        with socket.socket(socket.AF_UNIX) as s:
            return s.connect_ex(path) == 0

    def post(self, path, url, body):
        data = json.dumps(body).encode()
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(path)
            s.sendall(f"POST {url} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n"
                      f"Content-Length: {len(data)}\r\n\r\n".encode() + data)
            with s.makefile("rb") as f:
                answer = f.read()
        return json.loads(answer.partition(b"\r\n\r\n")[2])

    def test_what_is_refused_has_its_row(self):
        good = line("a", "/v1/embeddings", {"model": "embed", "input": "x"})
        bad = ["no JSON\n", "[]\n", '{"custom_id": 3}\n', line("g", "/v1/embeddings", {}, method="GET"),
               line("h", "http://host/v1/embeddings", {}), line("s", "/v1/completions", {"model": "write", "stream": True}),
               '{"custom_id": "b", "url": "/v1/embeddings"}\n', line("i", "/v1/x\r\nEvil: y", {})]
        wrong = [line("n", "/v1/nothing", {}), line("m", "/v1/embeddings", {"model": "none", "input": "x"}),
                 line("t", "/v1/embeddings", {"model": "embed", "input": 3})]
        lines = [good, *bad, "\n", *wrong, good]
        run = self.batch(stdin="".join(lines), status=4)
        rows = run.json_lines
        self.assertEqual(len(rows), len(lines) - 1)
        for row in rows[1:1 + len(bad)]:
            self.assertIsNone(row["response"])
            self.assertTrue(row["error"]["message"])
        self.assertEqual([r["response"]["status_code"] for r in rows[1 + len(bad):]][:-1], [404, 404, 400])
        self.assertEqual(rows[0]["response"]["body"]["data"], rows[-1]["response"]["body"]["data"])
        self.batch("--errors=rows", stdin="".join(lines))

    def test_any_kill_is_finished(self):
        input_, out = self.file("in.jsonl", "".join(requests(40))), self.path("out.jsonl")
        self.batch("-i", input_, "-o", self.path("whole"))
        with open(self.path("whole")) as f:
            wanted = [json.loads(x)["custom_id"] for x in f]
        os.mkdir(self.path("tmp"))
        # Its server has begun, serves, has answered.
        for moment, least in (("tmp/*/hone.pid", 1), ("tmp/*/socket", 0), ("out.jsonl", 1)):
            p = subprocess.Popen([HONE, "run-batch", *MODELS, "-i", input_, "-o", out], stderr=subprocess.PIPE,
                                 env={**os.environ, "TMPDIR": self.path("tmp")})
            while p.poll() is None and not any(self.size(path) >= least for path in glob.glob(self.path(moment))):
                time.sleep(0.002)
            p.send_signal(signal.SIGKILL)
            p.communicate()
            deadline = time.monotonic() + PATIENCE
            while os.listdir(self.path("tmp")) and time.monotonic() < deadline:
                time.sleep(0.02)  # its server ends by itself
            self.assertEqual(os.listdir(self.path("tmp")), [], moment)
        self.batch("-i", input_, "-o", out)
        with open(out) as f:
            self.assertEqual([json.loads(x)["custom_id"] for x in f], wanted)
        with open(out, "r+") as f:
            f.truncate(os.path.getsize(out) // 2)
        self.assertIn("going on", self.batch("-i", input_, "-o", out).words)
        with open(out) as f:
            self.assertEqual([json.loads(x)["custom_id"] for x in f], wanted)
        self.assertIn("otherwise", self.hone("run-batch", *MODELS[:4], "-i", input_, "-o", out, status=2).words)
        self.assertIn("another input", self.batch("-i", self.file("other", "".join(["x" + r for r in requests(40)])), "-o", out,
                                                  status=2).words)

    def test_what_was_refused_before_counts(self):
        rows = requests(4)
        input_, out = self.file("in.jsonl", rows[0] + "no JSON\n" + "".join(rows[1:])), self.path("out.jsonl")
        self.batch("-i", input_, "-o", out, status=4)
        with open(out, "rb") as f:
            whole = f.read()
        for size in len(whole) - 1, len(whole):
            with open(out, "r+b") as f:
                f.truncate(size)
            self.assertIn("1 request refused", self.batch("-i", input_, "-o", out, status=4).words)

    def test_nothing_is_left(self):
        folder = self.path("tmp")
        os.mkdir(folder)
        environment = {**os.environ, "TMPDIR": folder}
        self.batch(stdin=requests(1)[0], env=environment)
        self.assertEqual(os.listdir(folder), [])
        self.batch(stdin="", env=environment)
        self.hone("run-batch", stdin="", status=2)
        self.hone("run-batch", "-m", self.path("none"), stdin=requests(1)[0], env=environment, status=1)
        self.assertEqual(os.listdir(folder), [])


if __name__ == "__main__":
    main()
