"""A smaller model that guesses tokens for one that generates: the same texts, counted memory, and what is refused."""
import os
import shutil
import threading

from serving import EMBED, FIXTURES, Case, Server, main

CAUSAL = os.path.join(FIXTURES, "causal")
SMALL = ["--cache-size", "1", "--max-body", "1", "--admin-key", "root"]
GRAMMAR = 'root ::= [a-z ]+ "." [0-9]+'


class Drafts(Case):
    def serve(self, *arguments):
        server = Server(*arguments, log_path=self.path("log"))
        self.addCleanup(server.stop)
        return server

    def copied(self):
        """The same model at another place, which is another one to the server."""
        path = self.path("copy")
        if not os.path.exists(path):
            shutil.copytree(CAUSAL, path)
        return path

    @staticmethod
    def complete(server, model, **fields):
        reply = server.post("/completion", {"model": model, "prompt": "abababab", "n_predict": 40, "ignore_eos": True, **fields})
        return reply.status, reply.json

    def test_the_same_texts(self):
        server = self.serve("-m", f"plain={CAUSAL}, draft = 0", "-m", f"drafted={CAUSAL}, draft-model = {self.copied()}, draft = 6",
                            "-m", f"looked={CAUSAL}, draft = 4", *SMALL)
        for fields in ({"temperature": 0}, {"temperature": 0.7, "seed": 5}, {"temperature": 0, "grammar": GRAMMAR, "ignore_eos": False},
                       {"temperature": 0.9, "seed": 3, "json_schema": {"type": "array", "items": {"type": "integer"}, "minItems": 4, "maxItems": 6},
                        "ignore_eos": False}):
            with self.subTest(fields):
                (_, plain), (_, drafted), (_, looked) = (self.complete(server, m, **fields) for m in ("plain", "drafted", "looked"))
                self.assertEqual(drafted["content"], plain["content"])
                self.assertEqual(looked["content"], plain["content"])
                self.assertNotIn("draft_n", plain["timings"])
                self.assertGreater(drafted["timings"]["draft_n"], 0)
                self.assertLessEqual(drafted["timings"]["draft_n_accepted"], drafted["timings"]["draft_n"])
        accepted = self.complete(server, "drafted", temperature=0)[1]["timings"]["draft_n_accepted"]
        self.assertGreater(accepted, 20)
        beams = server.post("/v1/completions", {"model": "drafted", "prompt": "ab", "max_tokens": 4, "use_beam_search": True, "n": 2})
        self.assertEqual(beams.status, server.post("/v1/completions", {"model": "plain", "prompt": "ab", "max_tokens": 4,
                                                                       "use_beam_search": True, "n": 2}).status, beams.body)

    def test_memory_counts(self):
        server = self.serve("-m", f"plain={CAUSAL}, kv-tokens = 512", "-m", f"drafted={CAUSAL}, kv-tokens = 512, draft-model = {self.copied()}", *SMALL)
        reply = server.get("/api/v1/admin/models", headers={"Authorization": "Bearer root"})
        plain, drafted = (m["need"] for m in reply.json["models"])
        self.assertGreaterEqual(drafted["weights"], 2 * plain["weights"])
        self.assertEqual(drafted["kv_token"], 2 * plain["kv_token"])
        self.assertGreater(drafted["total"], plain["total"] + 512 * plain["kv_token"])
        self.hone("serve", "-m", f"m={CAUSAL}, draft-model = {self.copied()}, kv-tokens = 20000000", "--memory", "500M", "--port", "0", status=2)

    def test_each_for_the_other(self):
        """At once, and while models come and go: everybody has the texts that there are without guesses."""
        a, b = CAUSAL, self.copied()
        server = self.serve("-m", f"plain={CAUSAL}, draft = 0", "-m", f"a={a}, draft-model = {b}", "-m", f"b={b}, draft-model = {a}", *SMALL)
        wanted = {seed: self.complete(server, "plain", seed=seed)[1]["content"] for seed in range(4)}
        wrong = []

        def ask(model):
            for seed in wanted:
                status, reply = self.complete(server, model, seed=seed)
                if status != 200 or reply["content"] != wanted[seed]:
                    wrong.append((model, seed, status, reply))
        threads = [threading.Thread(target=ask, args=(m,)) for m in "abab"]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(wrong, [])
        key = {"Authorization": "Bearer root"}
        server.post("/api/v1/admin/models", {"action": "unload", "model": "a"}, headers=key)
        self.assertEqual(self.complete(server, "a", seed=1)[1]["content"], wanted[1])

    def test_for_all_models(self):
        """Those that generate nothing, and the one that drafts, are as they were."""
        copy = self.copied()
        server = self.serve("-m", f"big={CAUSAL}", "-m", f"small={copy}", "-m", f"e={EMBED}", "--draft-model", copy, *SMALL)
        self.assertGreater(self.complete(server, "big", temperature=0)[1]["timings"]["draft_n_accepted"], 20)
        self.assertEqual(self.complete(server, "small", temperature=0)[0], 200)
        self.assertEqual(server.post("/api/v1/embed", {"model": "e", "texts": ["a"]}).status, 200)

    def test_refused(self):
        other = os.path.join(FIXTURES, "llama3")
        for words, *lines in (
                (["hone.conf:2: ", "cannot draft for 'm'"], "# m", f"model = m={CAUSAL}, draft-model = {other}"),
                (["hone.conf:1: ", "cannot draft for 'm'"], f"model = m={CAUSAL}", f"draft-model = {other}"),
                (["hone.conf:1: ", "does not generate text"], f"model = m={CAUSAL}, draft-model = {EMBED}"),
                (["hone.conf:1: ", "no-such"], f"model = m={CAUSAL}, draft-model = {self.path('no-such')}"),
                (["hone.conf:1: ", "draft-model is of models that generate"], f"model = m={EMBED}, draft-model = {CAUSAL}"),
                (["hone.conf:1: ", "nothing to do"], f"model = m={CAUSAL}, draft-model = {CAUSAL}, draft = 0"),
                (["hone.conf:3: ", "nothing to do"], f"model = m={CAUSAL}", "draft = 0", f"draft-model = {CAUSAL}"),
                (["hone.conf:1: ", "compute blas"], f"model = m={CAUSAL}, draft-model = {CAUSAL}, compute = blas"),
                (["hone.conf:1: ", "must not be empty"], f"model = m={CAUSAL}, draft-model ="),
                (["hone.conf:1: ", "draft must be a whole number"], f"model = m={CAUSAL}, draft = many")):
            with self.subTest(lines):
                path = self.file("hone.conf", "\n".join(lines).encode())
                run = self.hone("serve", "-c", path, "--port", "0", status=2)
                for word in words:
                    self.assertIn(word, run.words)


if __name__ == "__main__":
    main()
