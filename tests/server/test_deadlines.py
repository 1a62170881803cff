"""How long a client waits, and where a request's time went."""
import json
import os
import re

from serving import CROSS, EMBED, FIXTURES, Server, ServerCase, main

LLAMA = os.path.join(FIXTURES, "llama3")
QUERY = "what is a test"
MANY = [f"document {i} is a test of {'words ' * (i % 40)}" for i in range(2048)]


class TestDeadlines(ServerCase):
    models = [f"embed={EMBED}", f"cross={CROSS}", f"llama={LLAMA}"]
    arguments = ["--cache-size", "0"]

    def test_a_request_says_how_long(self):
        body = {"model": "cross", "query": QUERY, "documents": MANY}
        wanted = {d["index"]: d["relevance_score"] for d in self.post("/v1/rerank", body).json["results"]}
        late = [self.post("/v1/rerank", body, headers={"X-Timeout-Ms": "1"}, status=503),
                self.post("/v1/rerank", {**body, "timeout": 0.001}, status=503),
                self.post("/v1/rerank", {**body, "timeout": 1000}, headers={"X-Timeout-Ms": "1"}, status=503)]
        for reply in late:
            self.assertIn("time was over", str(reply.json))
        reply = self.post("/v1/rerank", {**body, "timeout": 0.001, "partial": True}).json
        self.assertIs(reply["timed_out"], True)
        scored = [d for d in reply["results"] if d.get("scored", True)]
        rest = [d["index"] for d in reply["results"] if not d.get("scored", True)]
        self.assertEqual(scored, [{**d, "relevance_score": wanted[d["index"]]} for d in scored])
        self.assertEqual(scored, sorted(scored, key=lambda d: -d["relevance_score"]))
        self.assertEqual(rest, sorted(rest))
        self.assertEqual(reply["results"][:len(scored)], scored)
        self.assertEqual({d["index"] for d in reply["results"]}, set(range(len(MANY))))
        whole = self.post("/v1/rerank", {**body, "timeout": 1000, "partial": True}).json
        self.assertNotIn("timed_out", whole)
        self.assertEqual({d["index"]: d["relevance_score"] for d in whole["results"]}, wanted)

    def test_a_text_as_far_as_it_came(self):
        whole = self.post("/v1/completions", {"model": "llama", "prompt": "a", "max_tokens": 200, "ignore_eos": True,
                                              "temperature": 0}).json["choices"][0]["text"]
        ms, cut = 1, None
        while cut is None and ms < 60000:
            reply = self.server.post("/v1/completions", {
                "model": "llama", "prompt": "a", "max_tokens": 200, "ignore_eos": True, "temperature": 0,
                "timeout": ms / 1000})
            self.assertIn(reply.status, (200, 503))
            if reply.status == 200 and "timed_out" in reply.json:
                cut = reply.json
            ms *= 1.3
        choice = cut["choices"][0]
        self.assertEqual(choice["finish_reason"], "length")
        self.assertTrue(whole.startswith(choice["text"]) and choice["text"] != whole, choice)

    def test_what_makes_no_sense(self):
        for value in ("", "0", "-5", "soon", "1e99", "5 s", "nan"):
            self.post("/embed", {"inputs": "a"}, headers={"X-Timeout-Ms": value}, status=422)
        for value in (0, -1, "5", [], 1e9):
            self.post("/v1/embeddings", {"input": "a", "timeout": value}, status=400)
        self.post("/v1/rerank", {"query": "a", "documents": ["b"], "partial": "yes"}, status=422)

    def test_where_the_time_went(self):
        parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        reply = self.post("/v1/embeddings", {"input": "a word"}, headers={"traceparent": parent})
        stages = dict(re.findall(r"(\w+);dur=([\d.]+)", reply.headers["Server-Timing"]))
        self.assertEqual(list(stages), ["receive", "tokenize", "queue", "infer"])
        self.assertEqual(reply.headers["traceparent"], parent)
        self.assertTrue(all(float(ms) >= 0 for ms in stages.values()))
        reply = self.post("/completion", {"model": "llama", "prompt": "a", "n_predict": 3})
        self.assertIn("first;dur=", reply.headers["Server-Timing"])
        for bad in (parent[:-1], parent.upper(), "ff" + parent[2:], parent.replace("-", "_"), "00-" * 18 + "0"):
            reply = self.post("/v1/embeddings", {"input": "a word"}, headers={"traceparent": bad})
            self.assertNotIn("traceparent", reply.headers)

    def test_some_requests_are_told(self):
        server = Server("-m", f"embed={EMBED}", "--log-sample", "5", "--log-format", "json", log_path=self.path("log"))
        self.addCleanup(server.stop)
        for i in range(20):
            server.post("/embed", {"inputs": f"text {i}"},
                        headers={"traceparent": f"00-{i + 1:032x}-b7ad6b7169203331-01"})
        self.assertEqual(server.stop(), 0)
        lines = [line for line in map(json.loads, server.said().splitlines()) if line["level"] == "request"]
        self.assertEqual([line["trace"] for line in lines],
                         [f"00-{i + 1:032x}-b7ad6b7169203331-01" for i in (0, 5, 10, 15)])
        for line in lines:
            self.assertGreaterEqual(line["ms"] + 0.01, line["tokenize_ms"] + line["queue_ms"] + line["infer_ms"])


if __name__ == "__main__":
    main()
