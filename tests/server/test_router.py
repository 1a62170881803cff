"""Which model answers, where the client leaves that to a route."""
import os

from serving import CLASSIFY, CROSS, EMBED, FIXTURES, Case, Server, main

SMALL = os.path.join(FIXTURES, "causal")
LARGE = os.path.join(FIXTURES, "gpt2")
SIMPLE = "def add(a, b):\n    return a + b\n"
HARD = """import asyncio
from collections import deque

async def walk(graph, start, visit):
    queue = deque([start])
    seen = set()
    while queue:
        node = queue.popleft()
        if node in seen:
            continue
        try:
            result = await visit(node)
        except ValueError as error:
            if error.args:
                raise
        else:
            for child in graph.get(node, []):
                if child not in seen:
                    queue.append((child, result[
"""
PROSE = "What is the capital of France?"


class Routes(Case):
    def serve(self, *lines):
        path = self.file("hone.conf", "\n".join(lines) + "\n")
        server = Server("-c", path, log_path=self.path("log"))
        self.addCleanup(server.stop)
        return server

    def complete(self, server, prompt, model="auto", headers=None, status=200):
        body = {"model": model, "prompt": prompt, "max_tokens": 2}
        reply = server.post("/v1/completions", body, headers=headers)
        self.assertEqual(reply.status, status, reply.body)
        return reply

    def chosen(self, reply):
        return reply.headers["X-Hone-Route"].split(";")[0]

    def test_rules(self):
        server = self.serve(f"model = small={SMALL}", f"model = other={SMALL}", f"model = embed={EMBED}", f"model = cross={CROSS}",
                            "route = work, model = small, task = generate, kind = code, complexity = 0..30",
                            "route = work, model = other, task = generate, kind = code",
                            "route = work, model = small, task = generate, length = ..100",
                            "route = work, model = embed, task = embed",
                            "route = rank, model = cross")
        self.assertEqual(self.chosen(self.complete(server, SIMPLE, "work")), "small")
        reply = self.complete(server, HARD, "work")
        self.assertEqual(self.chosen(reply), "other")
        self.assertEqual(reply.json["model"], "other")
        self.assertIn("rule 2; code", reply.headers["X-Hone-Route"])
        self.assertIn("rule 3; prose", self.complete(server, PROSE, "work").headers["X-Hone-Route"])
        self.assertIn("no rule", self.complete(server, PROSE * 10, "work", status=400).json["error"]["message"])
        reply = server.post("/v1/embeddings", {"model": "work", "input": [PROSE]})
        self.assertEqual((reply.status, self.chosen(reply)), (200, "embed"))
        reply = server.post("/rerank", {"model": "rank", "query": "q", "documents": ["a"]})
        self.assertEqual((reply.status, self.chosen(reply)), (200, "cross"))
        chat = {"model": "work", "messages": [{"role": "user", "content": [{"type": "text", "text": HARD}]}], "max_tokens": 1}
        reply = server.post("/v1/chat/completions", chat)
        self.assertIn(reply.status, (200, 400))  # the model may know no chats; what counts is whom it was for
        metrics = server.get("/metrics").body.decode()
        self.assertIn('hone_routes_total{route="rank",model="cross",rule="5"} 1', metrics)
        self.assertIn('hone_routes_total{route="work",model="small",rule="1"} 1', metrics)
        self.assertNotIn("X-Hone-Route", self.complete(server, PROSE, "small").headers)
        self.assertEqual(self.complete(server, PROSE, "nobody", status=404).status, 404)

    def test_auto(self):
        sizes = {}
        for name, path in (("one", SMALL), ("two", LARGE)):
            sizes[name] = int(self.hone("inspect", "--json", path).text.split('"n_params": ')[1].split(",")[0])
        self.assertNotEqual(sizes["one"], sizes["two"])
        small, large = sorted(sizes, key=sizes.get)
        server = self.serve(f"model = one={SMALL}", f"model = two={LARGE}", f"model = embed={EMBED}", "complexity = threshold 20")
        self.assertEqual(self.chosen(self.complete(server, SIMPLE)), small)
        self.assertEqual(self.chosen(self.complete(server, HARD[:600])), large)
        self.assertEqual(self.chosen(self.complete(server, PROSE)), small)
        reply = server.post("/v1/embeddings", {"model": "auto", "input": PROSE})
        self.assertEqual((reply.status, self.chosen(reply)), (200, "embed"))

    def test_rerank(self):
        """By what was made for it, whatever its size, and by a rule of its own."""
        ask = {"query": "q", "documents": ["a", "b"]}
        score = {"text_1": "q", "text_2": ["a", "b"]}
        server = self.serve(f"model = text={SMALL}", f"model = labels={CLASSIFY}", f"model = embed={EMBED}", f"model = cross={CROSS}",
                            "route = r, model = embed, task = embed", "route = r, model = text, task = rerank",
                            "route = any, model = labels", "route = any, model = embed")
        for path, body in (("/rerank", ask), ("/v2/rerank", ask), ("/v1/score", score)):
            for model, chosen in (("auto", "cross"), ("r", "text"), ("any", "embed")):
                reply = server.post(path, {"model": model, **body})
                self.assertEqual((reply.status, self.chosen(reply)), (200, chosen), (path, model))
        reply = server.post("/v1/embeddings", {"model": "r", "input": PROSE})
        self.assertEqual((reply.status, self.chosen(reply)), (200, "embed"))
        self.assertIn("no rule", self.complete(server, PROSE, "r", status=400).json["error"]["message"])
        for models, chosen in (((SMALL, EMBED), "m1"), ((SMALL, CLASSIFY), "m0")):
            server = self.serve(*(f"model = m{i}={path}" for i, path in enumerate(models)))
            self.assertEqual(self.chosen(server.post("/rerank", {"model": "auto", **ask})), chosen)

    def test_who_would_be_late_is_passed_over(self):
        server = self.serve(f"model = fast={SMALL}", f"model = slow={SMALL}", "route = r, model = slow, length = 1..",
                            "route = r, model = fast")
        for _ in range(3):  # so that its speed is known
            self.complete(server, PROSE, "slow")
        self.assertEqual(self.chosen(self.complete(server, PROSE, "r")), "slow")
        body = {"model": "r", "prompt": PROSE, "max_tokens": 1000000000}
        reply = server.post("/v1/completions", body, headers={"X-Timeout-Ms": "1000"})
        self.assertEqual(self.chosen(reply) if reply.status == 200 else "fast", "fast")
        metrics = server.get("/metrics").body.decode()
        self.assertIn('hone_routes_total{route="r",model="fast",rule="2"} 1', metrics)

    def test_bad_routes(self):
        good = f"model = a={EMBED}"
        for words, line in ((["hone.conf:2", "'gone'"], "route = r, model = gone"),
                            (["hone.conf:2", "names no model"], "route = r, kind = code"),
                            (["hone.conf:2", "name of a model"], "route = a, model = a"),
                            (["hone.conf:2", "not for that task"], "route = r, model = a, task = generate"),
                            (["hone.conf:3", "not for that task"], "model = l=%s\nroute = r, model = l, task = rerank" % CLASSIFY),
                            (["hone.conf:2", "generate|rerank"], "route = r, model = a, task = sing"),
                            (["hone.conf:2", "range"], "route = r, model = a, length = 9..2"),
                            (["hone.conf:2", "range"], "route = r, model = a, complexity = much"),
                            (["hone.conf:2", "'colour'"], "route = r, model = a, colour = red"),
                            (["hone.conf:2", "code|prose"], "route = r, model = a, kind = verse"),
                            (["complexity", "'depth 3'"], "complexity = depth 3")):
            with self.subTest(line):
                run = self.hone("serve", "-c", self.file("hone.conf", f"{good}\n{line}\n"), "--port", "0", status=2)
                for word in words:
                    self.assertIn(word, run.words)


class RoutersInModels(Case):
    """Models whose queries and documents are read each by a route of its own rank over HTTP as on the command line."""

    def test_rerank(self):
        documents = ["The quick brown fox jumps over the lazy dog.", "x", "Searching a pile of text offline", "naïve café"]
        models = {name: os.path.join(FIXTURES, "sentence", name, "model") for name in ("router-deberta", "router-words")}
        server = Server(*(word for name, path in models.items() for word in ("-m", f"{name}={path}")), "--compute=f32",
                        log_path=self.path("log"))
        self.addCleanup(server.stop)
        for name, path in models.items():
            wanted = [row["score"] for row in sorted(
                self.hone("rerank", "-m", path, "--compute=f32", "--format=jsonl", "-q", "how fast is the fox",
                          stdin="".join(d + "\n" for d in documents)).json_lines, key=lambda row: row["index"])]
            reply = server.post("/v1/rerank", {"model": name, "query": "how fast is the fox", "documents": documents}).json
            found = {row["index"]: row["relevance_score"] for row in reply["results"]}
            self.assertEqual(len(set(wanted)), len(documents))
            self.assertClose([found[i] for i in range(len(documents))], wanted, 1e-6)


if __name__ == "__main__":
    main()
