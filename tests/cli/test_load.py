"""hone bench load against a server that answers as it is told, which the test owns; and against hone's own."""
import http.server
import json
import os
import socket
import statistics
import sys
import threading
import time

from support import CLASSIFY, CROSS, EMBED, FIXTURES, Case, main

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "server"))
from serving import Server  # noqa: E402

EMBEDDING = b'{"data": [{"object": "embedding", "embedding": [0.5, 1.5]}], "usage": {"total_tokens": 7}}'


def answer(status, body=b"", *headers):
    head = f"HTTP/1.1 {status} Whatever\r\nContent-Length: {len(body)}\r\n" + "".join(h + "\r\n" for h in headers)
    return head.encode() + b"\r\n" + body


GOOD = answer(200, EMBEDDING)
EVENTS = b"".join(b"data: " + json.dumps(e).encode() + b"\n\n" for e in
                  ({"choices": [{"delta": {"role": "assistant"}}]}, {"choices": [{"delta": {"content": "a"}}]},
                   {"choices": [{"delta": {"content": "b"}}]}, {"choices": [], "usage": {"completion_tokens": 2}}))


class Scripted:
    """Request i gets script[i % n] (or what that, called, says of the body): bytes, after which the connection is kept; or (bytes, "close"); or None: nothing, ever."""

    def __init__(self, *script):
        self.script, self.requests, self.connections, self.lock = script, [], 0, threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        with client, client.makefile("rb") as stream:
            while True:
                head = b""
                while not head.endswith(b"\r\n\r\n"):
                    line = stream.readline()
                    if not line:
                        return
                    head += line
                length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
                body = stream.read(length)
                with self.lock:
                    reply = self.script[len(self.requests) % len(self.script)]
                    self.requests.append((head.decode(), body))
                if callable(reply):
                    reply = reply(body)
                if reply is None:
                    stream.read()
                    return
                data, then = reply if isinstance(reply, tuple) else (reply, "keep")
                client.sendall(data)
                if then == "close":
                    return

    def stop(self):
        """Whoever waits in accept() keeps a listener open that is closed."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def close(self):
        self.listener.close()


class ScriptedCase(Case):
    def load(self, script, *arguments, path="", status=0, **how):
        server = Scripted(*script)
        self.addCleanup(server.close)
        run = self.hone("bench", "load", server.url + path, "--json", "--warmup", "0", *arguments, status=status, **how)
        return json.loads(run.text), server, run


class Errors(ScriptedCase):
    def test_every_kind_is_counted(self):
        """Ten of each, one after the other; a connection that was kept and then closed without a word is no error: it is
        asked again on a new one."""
        script = [GOOD, answer(400, b'{"error": "no"}'), answer(503), answer(200, b'{"data": []}'), (b"", "close"),
                  (GOOD[:-5], "close"), (b"220 smtp.example.org ESMTP\r\n\r\n", "close"), answer(429, b"", "Connection: close")]
        out, server, run = self.load(script, "--requests", "70", "-c", "1", status=4)
        row = out["results"][0]
        self.assertEqual((row["requests"], row["good"], len(server.requests)), (70, 10, 80))
        self.assertEqual(row["errors"], {"400": 10, "503": 10, "429": 10, "wrong": 10, "malformed": 10, "closed": 10})
        self.assertEqual(row["ms"]["n"], 10)
        self.assertIn("60 of 70 requests went wrong: 10 of status 400, 10 of status 429, 10 of status 503, 10 not what", run.words)

    def test_a_new_connection_that_closes_is_an_error(self):
        out, _, _ = self.load([(b"", "close")], "--requests", "4", status=1)
        self.assertEqual(out["results"][0]["errors"], {"closed": 4})

    def test_bad_requests_are_errors(self):
        out, _, run = self.load([answer(400, b'{"error": "no"}')], "--requests", "12", status=1)
        self.assertEqual(out["results"][0]["errors"], {"400": 12})
        self.assertEqual(out["results"][0]["answers_s"], 0)
        self.assertIsNone(out["results"][0]["ms"]["p50"])
        self.assertIn("no answers: 12 of status 400", run.words)

    def test_no_answers(self):
        server = Scripted(answer(500))
        self.addCleanup(server.close)
        run = self.hone("bench", "load", server.url, "--requests", "3", status=1)
        self.assertIn("no answers", run.text)
        self.assertNotIn("0.00%", run.text)

    def test_nobody_listens(self):
        with socket.create_server(("127.0.0.1", 0)) as s:
            url = f"http://127.0.0.1:{s.getsockname()[1]}"
        began = time.monotonic()
        for arguments in (["load", url], ["load", url, "--warmup", "0", "--rate", "5"], ["load", f"unix:{self.path('none')}"],
                          ["compare", url, url], ["compare", f"unix:{self.path('none')}", url]):
            run = self.hone("bench", *arguments, "--timeout", "600", "--requests", "1000000", "--json", status=1)
            self.assertIn("no server takes connections there", run.words, arguments)
            self.assertEqual(run.text, "")
        self.assertLess(time.monotonic() - began, 60)

    def test_a_server_that_goes_away(self):
        """What was answered stands there, and what was not is counted; who is refused asks some times a second, and not as
        often as it can."""
        server = Scripted()
        server.script = [lambda body: (server.stop() if len(server.requests) == 20 else None, (GOOD, "close"))[1]]
        run = self.hone("bench", "load", server.url, "--json", "--warmup", "0", "-c", "2", "--duration", "0.5", status=4)
        row = json.loads(run.text)["results"][0]
        self.assertGreaterEqual(row["good"], 20)
        self.assertEqual(row["requests"], row["good"] + sum(row["errors"].values()))
        self.assertTrue(0 < row["errors"]["refused"] <= 60, row)
        self.assertIn("no connection", run.words)

    def test_silence_ends(self):
        out, _, _ = self.load([GOOD, None], "--requests", "4", "-c", "2", "--timeout", "0.3", status=4)
        row = out["results"][0]
        self.assertEqual((row["good"], row["errors"]), (2, {"timeout": 2}))
        self.assertEqual(row["ms"]["n"], 4)  # those count as long as they waited
        self.assertGreaterEqual(row["ms"]["max"], 300)

    def test_streams_that_break_off(self):
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
        script = [(head + EVENTS + b"data: [DONE]\n\n", "close"), (head + EVENTS, "close"),
                  (head + b'data: {"error": {"message": "no"}}\n\ndata: [DONE]\n\n', "close")]
        out, server, _ = self.load(script, "--requests", "30", path="/v1/chat/completions", status=4)
        row = out["results"][0]
        self.assertEqual((out["kind"], out["dialect"], row["good"], row["errors"]), ("chat", "openai", 10, {"wrong": 20}))
        self.assertEqual((row["first_token_ms"]["n"], row["between_tokens_ms"]["n"]), (10, 10))
        body = json.loads(server.requests[0][1])
        self.assertEqual((body["stream"], body["max_tokens"]), (True, 32))


class Requests(ScriptedCase):
    def texts(self, server):
        return [t for _, body in server.requests for t in json.loads(body)["input"]]

    def test_all_are_different(self):
        _, one, _ = self.load([GOOD], "--requests", "120", "--texts", "3")
        _, other, _ = self.load([GOOD], "--requests", "120", "--texts", "3")
        texts = self.texts(one) + self.texts(other)
        self.assertEqual((len(texts), len(set(texts))), (720, 720))

    def test_repeated(self):
        own = self.file("own.txt", "one\n\ntwo\r\nthree\n")
        _, server, _ = self.load([GOOD], "--requests", "7", "-c", "1", "--repeat", "--input", own, "-m", "m")
        self.assertEqual(self.texts(server), ["one", "two", "three", "one", "two", "three", "one"])
        self.assertEqual({json.loads(body)["model"] for _, body in server.requests}, {"m"})

    def test_words(self):
        _, server, _ = self.load([GOOD], "--requests", "3", "--words", "100", "--repeat")
        self.assertEqual({len(t.split()) for t in self.texts(server)}, {100})

    def test_connections(self):
        """One more than are counted: whether somebody is there at all is found out first."""
        out, server, _ = self.load([GOOD], "--requests", "40", "-c", "4")
        self.assertEqual((server.connections, out["results"][0]["connections"]), (5, 4))
        out, server, _ = self.load([(GOOD, "close")], "--requests", "40", "-c", "4", "--no-keep-alive")
        self.assertEqual((server.connections, out["results"][0]["connections"], out["results"][0]["good"]), (41, 40, 40))
        self.assertIn("Connection: close", server.requests[0][0])

    def test_idle_connections_that_were_closed_are_no_errors(self):
        """A server may close what is idle whenever it likes, and says nothing before."""
        out, _, _ = self.load([(GOOD, "close")], "--requests", "40", "-c", "2")
        self.assertEqual(out["results"][0]["good"], 40)

    def test_a_name_with_several_addresses(self):
        """localhost is ::1 as well, where this one does not listen."""
        server = Scripted(GOOD)
        self.addCleanup(server.close)
        url = server.url.replace("127.0.0.1", "localhost")
        self.assertEqual(json.loads(self.hone("bench", "load", url, "--requests", "5", "--json").text)["results"][0]["good"], 5)

    def test_rate(self):
        out, server, _ = self.load([GOOD], "--rate", "200", "--duration", "0.5")
        self.assertEqual(out["results"][0]["requests"], 100)
        self.assertEqual(len(server.requests), 100)

    def test_key_and_prefix(self):
        _, server, _ = self.load([GOOD], "--requests", "1", path="/deep/v1/embeddings", env={**os.environ, "HONE_API_KEY": "s3"})
        head = server.requests[0][0]
        self.assertTrue(head.startswith("POST /deep/v1/embeddings HTTP/1.1\r\n"), head)
        self.assertIn("Authorization: Bearer s3\r\n", head)

    def test_refused(self):
        for arguments, words in (
                (["https://localhost:1"], "https is not spoken"), (["ftp://localhost:1"], "no URL"), (["http://[::1"], "no URL"), (["http://a:b:c"], "no URL"),
                (["http://localhost:1?x=1"], "no URL"), (["http://localhost:1/v1/rerank", "--kind", "embed"], "not what the options say"),
                (["http://localhost:1", "--kind", "rerank", "--dialect", "hone"], "has no path for rerank"),
                (["http://localhost:1", "--mode", "latency", "-c", "2"], "one connection"),
                (["http://localhost:1", "--rate", "-1"], "--rate must be from"), (["http://localhost:1", "--mode", "slow"], "--mode must be one of"),
                (["http://localhost:1", "--kind", "chat", "--texts", "2"], "leave --texts out"),
                (["http://localhost:1", "--api-key", "a\r\nX: y"], "control characters"),
                (["unix:" + "x" * 200], "a socket's path")):
            self.assertIn(words, self.hone("bench", "load", *arguments, status=2).words, arguments)
        bad = self.file("bad.txt", b"fine\n\xff\n")
        self.assertIn("text 2 is not UTF-8", self.hone("bench", "load", "http://localhost:1", "--input", bad, status=2).words)


class Elsewhere(Case):
    """A server that is not hone's: it knows one dialect, and of what is read beside it /health alone."""

    def test_what_is_not_there_is_left_out(self):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self, there, body):
                self.send_response(200 if there else 404)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self):
                self.answer(self.path == "/health", b"fine")

            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                self.answer(self.path == "/embed", b"[[0.5,0.25]]")

            def log_message(self, *_):
                pass
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/embed"
        run = self.hone("bench", "load", url, "--mode", "metrics", "--duration", "0.2", "-c", "2", "--json")
        results = json.loads(run.text)["results"]
        self.assertEqual([r["load"] for r in results], ["/embed", "/health"])
        self.assertTrue(all(r["good"] == r["requests"] > 0 for r in results), results)
        for path in ("/metrics", "/metrics.json"):
            self.assertIn(f"{path}: the server has no such path", run.words)
        run = self.hone("bench", "load", url.replace("embed", "predict"), "--requests", "3", status=1)
        self.assertIn("3 of status 404", run.words)


class Compare(ScriptedCase):
    def compare(self, one, other, *arguments, status=0):
        servers = [Scripted(*script) for script in (one, other)]
        for server in servers:
            self.addCleanup(server.close)
        run = self.hone("bench", "compare", *(s.url for s in servers), "--json", *arguments, status=status)
        return json.loads(run.text), servers, run

    def test_the_same_questions_in_turn(self):
        asked = []
        for script in (lambda body: asked.append(("a", body)) or GOOD, lambda body: asked.append(("b", body)) or GOOD):
            server = Scripted(script)
            self.addCleanup(server.close)
            asked.append(server.url)
        self.hone("bench", "compare", asked.pop(0), asked.pop(0), "--requests", "6", "--warmup", "2")
        self.assertEqual("".join(side for side, _ in asked), "abba" * 4)
        a, b = ([body for side, body in asked if side == which] for which in "ab")
        self.assertEqual(a, b)
        self.assertEqual(len(set(a)), 8)

    def test_figures_are_those_of_the_samples(self):
        out, _, _ = self.compare([GOOD], [GOOD])
        pairs = out["samples_ms"]
        self.assertEqual(len(pairs), 50)  # the questions that ship with it
        differences = [b - a for a, b in pairs]
        mean, half = statistics.mean(differences), 2.0095752371292392 * statistics.stdev(differences) / 50 ** 0.5
        for key, wanted in (("difference_ms", mean), ("low", mean - half), ("high", mean + half)):
            self.assertAlmostEqual(out["paired"][key], wanted, delta=1e-6 * max(1, abs(wanted)))
        self.assertEqual(out["paired"]["differs"], mean - half > 0 or mean + half < 0)
        self.assertEqual(out["verdict"] == "no difference seen", not out["paired"]["differs"])
        for side, key in ((0, "a"), (1, "b")):
            ms, figures = sorted(p[side] for p in pairs), out[key]["figures"]["ms"]
            for name, wanted in (("mean", statistics.mean(ms)), ("sd", statistics.stdev(ms)), ("p50", statistics.median(ms)),
                                 ("min", ms[0]), ("max", ms[-1]), ("p99", ms[48] + .51 * (ms[49] - ms[48]))):
                self.assertAlmostEqual(figures[name], wanted, delta=1e-6 * max(1, wanted))

    def test_a_slow_one(self):
        out, _, _ = self.compare([GOOD], [lambda body: time.sleep(0.2) or GOOD], "--requests", "8", "--warmup", "0")
        self.assertGreater(out["paired"]["difference_ms"], 0)
        self.assertGreater(min(b for _, b in out["samples_ms"]), 200)

    def test_pairs_of_which_one_failed_do_not_count(self):
        out, _, run = self.compare([GOOD], [GOOD, answer(500)], "--requests", "10", "--warmup", "0", status=4)
        self.assertEqual((out["a"]["success_rate"], out["b"]["success_rate"], out["paired"]["pairs"]), (1, 0.5, 5))
        self.assertEqual([b is None for _, b in out["samples_ms"]], [False, True] * 5)
        out, _, run = self.compare([GOOD], [answer(500)], "--requests", "10", status=1)
        self.assertIn("B: no answers: 10 of status 500", run.words)
        self.assertIn("nothing to compare", out["verdict"])

    def test_one_that_goes_away(self):
        one, other = Scripted(GOOD), Scripted()
        self.addCleanup(one.close)
        other.script = [lambda body: (other.stop() if len(other.requests) == 6 else None, (GOOD, "close"))[1]]
        run = self.hone("bench", "compare", one.url, other.url, "--json", "--requests", "10", "--warmup", "2", status=4)
        out = json.loads(run.text)
        self.assertEqual((out["a"]["success_rate"], out["b"]["success_rate"], out["paired"]["pairs"]), (1, 0.4, 4))
        self.assertIn("B: 6 of 10 requests went wrong: 6 no connection", run.words)

    def test_two_ways_to_run_a_model(self):
        svg, folder = self.path("c.svg"), self.path("temporary")
        os.mkdir(folder)
        run = self.hone("bench", "compare", f"'{CLASSIFY}' --compute f32", f"{CLASSIFY} --compute int8 --threads 1", "--kind", "classify",
                        "--requests", "5", "--svg", svg, env={**os.environ, "TMPDIR": folder})
        self.assertIn("standard deviation", run.text)
        self.assertRegex(run.text, r"answered well, % +100.0 +100.0")
        self.assertIn("(5 pairs)", run.text)
        self.assertEqual(os.listdir(folder), [])
        with open(svg) as f:
            self.assertIn("P99", f.read())

    def test_refused(self):
        for arguments, words, status in ((["a"], "missing", 2), (["https://a", "b"], "https is not spoken", 2),
                                         (["no-such.gguf", "b"], "no-such.gguf", 1), (["$(ls)", "b"], "neither a URL nor", 2),
                                         ([f"{EMBED} --no-such-option", "b"], "--no-such-option", 2)):
            self.assertIn(words, self.hone("bench", "compare", *arguments, status=status).words, arguments)


class Hone(Case):
    def test_every_dialect(self):
        """All rows of the table, asked of the server that speaks them all: no error, and tokens where they are told."""
        path = self.path("socket")
        models = [f"embed={EMBED}", f"rerank={CROSS}", f"classify={CLASSIFY}", f"generate={os.path.join(FIXTURES, 'causal')}"]
        server = Server(*(w for m in models for w in ("-m", m)), socket_path=path, port=False, log_path=self.path("log"))
        self.addCleanup(server.stop)
        rows = {"embed": ("openai", "hone", "tei", "ollama"), "rerank": ("jina", "cohere", "tei"), "classify": ("tei",),
                "chat": ("openai", "responses", "anthropic", "ollama"), "completion": ("openai", "llama.cpp", "ollama")}
        for kind, dialects in rows.items():
            for dialect in dialects:
                with self.subTest(kind=kind, dialect=dialect):
                    model = "generate" if kind in ("chat", "completion") else kind
                    run = self.hone("bench", "load", "unix:" + path, "--kind", kind, "--dialect", dialect, "-m", model,
                                    "--requests", "24", "-c", "3", "-n", "4", "--json")
                    row = json.loads(run.text)["results"][0]
                    self.assertEqual((row["good"], row["errors"]), (24, {}))
                    if model == "generate":
                        self.assertGreater(row["first_token_ms"]["n"], 12)
                        self.assertGreater(row["tokens_s"], 0)
        for mode, names in (("stress", ["1 connection", "4 connections", "6 connections"]),
                            ("metrics", ["/v1/embeddings", "/metrics", "/metrics.json", "/health"])):
            svg = self.path(mode + ".svg")
            out = json.loads(self.hone("bench", "load", "unix:" + path, "-m", "embed", "--mode", mode, "-c", "6", "--duration", "0.3",
                                       "--svg", svg, "--json").text)
            self.assertEqual([row["load"] for row in out["results"]], names)
            self.assertTrue(all(row["good"] == row["requests"] > 0 for row in out["results"]))
            with open(svg) as f:
                self.assertIn(names[-1].split()[0], f.read())


if __name__ == "__main__":
    main()
