"""A model that fails: after so many failures its fallback answers, an answer that was kept, or the order that documents came in;
each such answer says so, and once the model works again it answers itself."""
import os
import shutil
import time

from serving import CLASSIFY, CROSS, EMBED, Case, Server, main

KEPT = ["--cache-size", "1", "--breaker-failures", "3", "--breaker-window", "60", "--breaker-pause", "0.2"]


class Degraded(Case):
    def serve(self, *arguments):
        server = Server(*arguments, log_path=self.path("log"))
        self.addCleanup(server.stop)
        return server

    def broken(self, model, name="broken.gguf"):
        """A model's file, and what it takes to break it while it is served, and to mend it again."""
        path = self.path(name)
        self.hone("convert", model, "-o", path)
        size = os.path.getsize(path)
        return path, lambda: os.truncate(path, size // 2)

    def embed(self, server, text, model="a", headers=None):
        return server.post("/api/v1/embed", {"model": model, "texts": [text]}, headers=headers)

    def test_fallback(self):
        path, break_it = self.broken(EMBED)
        server = self.serve("-m", f"a={path}, fallback = b", "-m", f"b={EMBED}", *KEPT)
        good = self.embed(server, "one")
        self.assertNotIn("X-Hone-Degraded", good.headers)
        self.assertNotIn("degraded", good.json)
        break_it()
        for text in ("two", "three", "four", "five"):  # the first ones fail there and go on at once
            reply = self.embed(server, text)
            self.assertEqual(reply.status, 200, reply.body)
            self.assertEqual(reply.headers["X-Hone-Degraded"], "fallback; model=b")
            self.assertEqual(reply.json["degraded"], {"by": "fallback", "wanted": "a", "model": "b"})
            self.assertEqual(reply.json["embeddings"], self.embed(server, text, "b").json["embeddings"])
        state = server.get("/health").json["states"]["a"]
        self.assertIn(state["breaker"], ("open", "half-open"))
        metrics = server.get("/metrics").body.decode()
        self.assertIn('hone_breaker_opened_total{model="a"} 1', metrics)
        self.assertIn('hone_degraded_total{model="a",by="fallback"} 4', metrics)
        self.assertIn('hone_breaker_state{model="b",state="closed"} 1', metrics)
        # What was kept while it worked is as good as ever; a degraded answer is not kept.
        self.assertNotIn("X-Hone-Degraded", self.embed(server, "one").headers)
        self.assertIn("X-Hone-Degraded", self.embed(server, "two").headers)

    def test_it_works_again(self):
        path = self.path("a.gguf")
        self.hone("convert", EMBED, "-o", path)
        server = self.serve("-m", f"a={path}, load = demand, fallback = b", "-m", f"b={EMBED}", "--admin-key", "root", *KEPT)
        os.rename(path, path + ".away")
        for i in range(4):
            self.assertIn("X-Hone-Degraded", self.embed(server, f"text {i}").headers)
        os.rename(path + ".away", path)
        server.post("/api/v1/admin/models", {"action": "load", "model": "a"}, headers={"Authorization": "Bearer root"})
        until = time.monotonic() + 60
        while "X-Hone-Degraded" in (reply := self.embed(server, f"again {time.monotonic()}")).headers:
            self.assertEqual(reply.status, 200)
            self.assertLess(time.monotonic(), until)
            time.sleep(0.05)
        self.assertNotIn("breaker", server.get("/health").json["states"]["a"])

    def test_chain_and_end(self):
        first, break_first = self.broken(EMBED, "first.gguf")
        second, break_second = self.broken(EMBED, "second.gguf")
        server = self.serve("-m", f"a={first}, fallback = b", "-m", f"b={second}, fallback = c", "-m", f"c={EMBED}", *KEPT)
        self.assertEqual(self.embed(server, "x").status, 200)
        self.assertEqual(self.embed(server, "x", "b").status, 200)
        break_first()
        break_second()
        for i in range(8):
            reply = self.embed(server, f"text {i}")
            self.assertEqual((reply.status, reply.headers["X-Hone-Degraded"]), (200, "fallback; model=c"))

    def test_a_reranker_that_vectors_stand_in_for(self):
        """Documents are compared as the embedding model compares them; what a reranker does beside that, it does alone."""
        path, break_it = self.broken(CROSS)
        server = self.serve("-m", f"a={path}, fallback = b", "-m", f"b={EMBED}", *KEPT)
        body = {"query": "red wine", "documents": ["white wine", "a book", "red"]}
        good = server.post("/v1/rerank", {"model": "a", **body})
        self.assertEqual(good.status, 200, good.body)
        self.assertNotIn("X-Hone-Degraded", good.headers)
        labels = {"model": "a", "inputs": "red"}
        self.assertEqual(server.post("/predict", labels).status, 200)
        break_it()
        for i in range(5):  # before its breaker opens, and after that
            body["query"] = f"red wine {i}"  # what was scored before is known
            wanted = server.post("/v1/rerank", {"model": "b", **body}).json["results"]
            reply = server.post("/v1/rerank", {"model": "a", **body})
            self.assertEqual((reply.status, reply.headers["X-Hone-Degraded"]), (200, "fallback; model=b"), reply.body)
            self.assertEqual(reply.json["results"], wanted)
            self.assertEqual(reply.json["degraded"], {"by": "fallback", "wanted": "a", "model": "b"})
            self.assertIn(server.post("/predict", {**labels, "inputs": f"blue {i}"}).status, (424, 503))
        self.assertIn('hone_breaker_opened_total{model="a"} 1', server.get("/metrics").body.decode())

    def test_nobody_stands_in(self):
        path, break_it = self.broken(EMBED)
        server = self.serve("-m", f"a={path}", "-m", f"b={EMBED}", *KEPT[:-1], "60")
        self.assertEqual(self.embed(server, "x").status, 200)
        break_it()
        self.assertEqual([self.embed(server, f"{i}").status for i in range(3)], [500] * 3)
        reply = self.embed(server, "y")
        self.assertEqual(reply.status, 503)
        self.assertGreater(int(reply.headers["Retry-After"]), 10)
        self.assertEqual(self.embed(server, "y", "b").status, 200)

    def test_an_old_answer(self):
        path, break_it = self.broken(EMBED)
        server = self.serve("-m", f"a={path}", *KEPT, "--cache-ttl", "0.001", "--fallback-age", "3600")
        good = self.embed(server, "x")
        self.assertEqual(good.status, 200)
        break_it()
        for _ in range(5):
            time.sleep(0.005)
            reply = self.embed(server, "x")
            self.assertEqual((reply.status, reply.headers["X-Hone-Degraded"]), (200, "cached"))
            self.assertEqual(reply.json["embeddings"], good.json["embeddings"])
            self.assertEqual(reply.json["degraded"], {"by": "cached", "wanted": "a"})
        self.assertIn(self.embed(server, "never asked").status, (500, 503))

    def test_order(self):
        path, break_it = self.broken(CROSS)
        server = self.serve("-m", f"a={path}", *KEPT, "--fallback-order", "on")
        body = {"query": "q", "documents": ["b", "a", "c"]}
        self.assertEqual(server.post("/rerank", {**body, "query": "r"}).status, 200)
        break_it()
        for i in range(5):
            reply = server.post("/v1/rerank", {**body, "query": f"q {i}"})
            self.assertEqual((reply.status, reply.headers["X-Hone-Degraded"]), (200, "order"), reply.body)
            results = reply.json["results"]
            self.assertEqual([r["index"] for r in results], [0, 1, 2])
            self.assertTrue(all(r["scored"] is False for r in results))
        reply = server.post("/rerank", {"query": "q", "texts": ["b", "a"]})  # a list has no place for a field
        self.assertEqual((reply.status, reply.headers["X-Hone-Degraded"]), (200, "order"))
        self.assertEqual([r["index"] for r in reply.json], [0, 1])

    def test_answers_to_rerank_are_kept(self):
        server = self.serve("-m", f"a={EMBED}")
        tei, jina = {"query": "q", "texts": ["a", "b"]}, {"query": "q", "documents": ["c", "d"]}

        def figure(name):
            return next(float(line.split()[-1]) for line in server.get("/metrics").body.decode().splitlines()
                        if line.startswith(name))
        first = server.post("/rerank", tei)
        self.assertEqual(server.post("/rerank", tei).body, first.body)
        self.assertEqual(figure("hone_http_answers_repeated_total"), 1)
        before = figure("hone_texts_total")
        names = {server.post("/rerank", jina).json["id"] for _ in range(3)}
        self.assertEqual(len(names), 3)  # an id of its own each
        self.assertEqual(figure("hone_http_answers_repeated_total"), 1)
        self.assertLessEqual(figure("hone_texts_total") - before, 3)  # the query and two documents, once

    def test_bad_chains(self):
        for words, lines in ((["hone.conf:1", "own fallback"], [f"model = a={EMBED}, fallback = a"]),
                             (["hone.conf:2", "circle"], [f"model = a={EMBED}, fallback = b", f"model = b={EMBED}, fallback = a"]),
                             (["hone.conf:1", "'gone' is no model"], [f"model = a={EMBED}, fallback = gone"]),
                             (["hone.conf:2", "cannot do"], [f"model = a={EMBED}", f"model = l={CLASSIFY}, fallback = a"]),
                             (["hone.conf:2", "cannot do"], [f"model = c={CROSS}", f"model = a={EMBED}, fallback = c"])):
            with self.subTest(lines):
                path = self.file("hone.conf", "\n".join(lines))
                run = self.hone("serve", "-c", path, "--port", "0", status=2)
                for word in words:
                    self.assertIn(word, run.words)


if __name__ == "__main__":
    main()
