"""Models that come and go: what --memory allows is never exceeded, whoever waits for a model gets the right answer, and one that
cannot be loaded keeps nobody else from being served."""
import json
import os
import random
import shutil
import threading
import time

from serving import CLASSIFY, CROSS, EMBED, FIXTURES, HONE, Case, Server, main

CAUSAL = os.path.join(FIXTURES, "causal")
ADMIN = {"Authorization": "Bearer root"}
SMALL = ["--cache-size", "1", "--max-body", "1", "--max-length", "64", "--kv-tokens", "64", "--admin-key", "root"]


class Models(Case):
    def serve(self, *arguments):
        server = Server(*arguments, log_path=self.path("log"))
        self.addCleanup(server.stop)
        return server

    def configured(self, *lines):
        return self.file("hone.conf", "\n".join(lines) + "\n")

    def models(self, server):
        return {m["name"]: m for m in server.get("/api/v1/admin/models", headers=ADMIN).json["models"]}

    def change(self, server, action, model):
        reply = server.post("/api/v1/admin/models", {"action": action, "model": model}, headers=ADMIN)
        self.assertEqual(reply.status, 202, reply.body)

    def until(self, server, model, state):
        deadline = time.monotonic() + 60
        while (m := self.models(server)[model])["state"] != state:
            self.assertLess(time.monotonic(), deadline, m)
            time.sleep(0.01)
        return m

    def memory_for(self, flags, share):
        """Bytes in which `share` of what the largest of the models needs is left for models."""
        whole = 1 << 30
        server = self.serve(*flags, *SMALL, "--memory", str(whole))
        for model in self.models(server):
            self.change(server, "unload", model)
        for model in self.models(server):
            self.until(server, model, "unloaded")
        listed = server.get("/api/v1/admin/models", headers=ADMIN).json
        fixed = listed["memory"]["used"] - whole // 8  # for bodies
        server.stop()
        most = max(m["need"]["total"] for m in listed["models"])
        return int((fixed + share * most) * 8 / 7)

    def test_one_place_for_three_models(self):
        specs = {"embed": EMBED, "cross": CROSS, "text": CAUSAL}
        flags = [f for name, path in specs.items() for f in ("-m", f"{name}={path}, load = demand")]
        budget = self.memory_for(flags, 1.2)
        server = self.serve(*flags, *SMALL, "--memory", str(budget))

        def ask(name, i, connection=None):
            if name == "embed":
                return server.post("/api/v1/embed", {"model": name, "texts": [f"text {i}"]}, connection=connection)
            if name == "cross":
                body = {"model": name, "query": f"q {i}", "documents": ["a", f"b {i}"]}
                return server.post("/rerank", body, connection=connection)
            body = {"model": name, "prompt": f"say {i}", "max_tokens": 4, "temperature": 0, "ignore_eos": True}
            return server.post("/v1/completions", body, connection=connection)

        def essence(name, reply):
            self.assertEqual(reply.status, 200, reply.body)
            j = reply.json
            return j["embeddings"] if name == "embed" else j["results"] if name == "cross" else j["choices"][0]["text"]

        right = {(name, i): essence(name, ask(name, i)) for name in specs for i in range(4)}
        wrong, most, errors = [], [0], []

        def work(seed):
            try:
                r, c = random.Random(seed), server.connect()
                for _ in range(60):
                    name, i = r.choice(list(specs)), r.randrange(4)
                    if essence(name, ask(name, i, c)) != right[name, i]:
                        wrong.append((name, i))
                c.close()
            except Exception as error:  # noqa: BLE001 - told by the test itself
                errors.append(error)

        threads = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
        for t in threads:
            t.start()
        while any(t.is_alive() for t in threads):
            most[0] = max(most[0], server.get("/api/v1/admin/models", headers=ADMIN).json["memory"]["used"])
            time.sleep(0.01)
        turn = list(specs)
        for i in range(100):  # whoever comes last, one after the other: each time another one
            name = turn[i % 3]
            if essence(name, ask(name, i % 4)) != right[name, i % 4]:
                wrong.append((name, i))
        self.assertEqual((errors, wrong), ([], []))
        self.assertLessEqual(most[0], budget)
        loads = {name: m["loads"] for name, m in self.models(server).items()}
        self.assertGreaterEqual(sum(loads.values()), 100, loads)

    def test_one_that_vanishes(self):
        gone, cut = self.path("gone.gguf"), self.path("cut.gguf")
        self.hone("convert", EMBED, "-o", gone)
        shutil.copy(gone, cut)
        server = self.serve("-m", f"gone={gone}, load = demand", "-m", f"cut={cut}, load = demand", "-m", f"whole={EMBED}",
                            *SMALL)
        os.remove(gone)
        os.truncate(cut, os.path.getsize(cut) // 2)
        for name, words in (("gone", "No such file"), ("cut", "changed")):
            reply = server.post("/api/v1/embed", {"model": name, "texts": ["a"]})
            self.assertEqual(reply.status, 503 if "about to be read" in reply.json["error"] else 500, reply.body)
            self.assertEqual("Retry-After" in reply.headers, reply.status == 503)
            self.assertIn(words, reply.json["error"])
            self.assertNotIn(self.path(""), reply.json["error"])
        self.assertEqual(server.post("/api/v1/embed", {"model": "whole", "texts": ["a"]}).status, 200)
        health = server.get("/health")
        self.assertEqual(health.status, 200)
        states = health.json["states"]
        self.assertEqual({k: v["state"] for k, v in states.items()}, {"gone": "failed", "cut": "failed", "whole": "ready"})
        self.assertIn("No such file", states["gone"]["error"])

    def test_who_stands_in_for_one_that_changed(self):
        path = self.path("m.gguf")
        self.hone("convert", EMBED, "-o", path)
        server = self.serve("-c", self.configured(f"model = m={path}, load = demand, fallback = whole", f"model = whole={EMBED}"))
        os.truncate(path, os.path.getsize(path) // 2)
        for i in range(3):
            reply = server.post("/api/v1/embed", {"model": "m", "texts": ["a"], "x": i})
            self.assertEqual((reply.status, reply.headers["X-Hone-Degraded"]), (200, "fallback; model=whole"), reply.body)

    def test_a_file_that_changes(self):
        """Nobody says so to the server. What cannot be read stays as it was, and is told."""
        path, other = self.path("m.gguf"), self.path("other.gguf")
        self.hone("convert", EMBED, "-o", path)
        self.hone("convert", os.path.join(FIXTURES, "gte"), "-o", other)
        server = self.serve("-m", f"m={path}, load = demand", "-m", f"whole={EMBED}", *SMALL)

        def ask(x="a"):  # a field that is ignored: what is kept of the same bytes is the earlier model's
            return server.post("/api/v1/embed", {"model": "m", "texts": ["a text"], "x": x})

        def row(model):
            return [line["embedding"] for line in self.hone("embed", "-m", model, stdin="a text\n").json_lines]

        self.assertEqual(ask().json["embeddings"], row(EMBED))
        self.change(server, "unload", "m")
        self.until(server, "m", "unloaded")
        os.rename(other, path)
        deadline = time.monotonic() + 60
        while (reply := ask(time.monotonic())).status != 200:
            self.assertEqual((reply.status, "Retry-After" in reply.headers), (503, True), reply.body)
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.1)
        self.assertEqual(reply.json["embeddings"], row(os.path.join(FIXTURES, "gte")))
        self.change(server, "unload", "m")
        self.until(server, "m", "unloaded")
        os.truncate(path, os.path.getsize(path) // 2)
        while "models stay as they were" not in server.said():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.1)
        reply = ask(time.monotonic())
        self.assertEqual((reply.status, "could not be read" in reply.json["error"]), (500, True), reply.body)
        self.assertEqual(server.post("/api/v1/embed", {"model": "whole", "texts": ["a"]}).status, 200)

    def test_a_folder_that_is_written_in_place(self):
        """The folder itself stays as it was, to the last bit of its stat."""
        folder = self.path("m")
        shutil.copytree(EMBED, folder)
        weights = os.path.join(folder, "model.safetensors")
        server = self.serve("-m", f"m={folder}, load = demand", *SMALL)

        def ask(x):
            return server.post("/api/v1/embed", {"model": "m", "texts": ["a text"], "x": x})

        before = ask(0).json["embeddings"]
        listed = server.get("/api/tags").json["models"][0]["size"]
        self.assertEqual(listed, sum(os.path.getsize(os.path.join(at, f)) for at, _, files in os.walk(folder) for f in files))
        self.change(server, "unload", "m")
        self.until(server, "m", "unloaded")
        with open(weights, "r+b") as f:
            head = int.from_bytes(f.read(8), "little")
            tensor = json.loads(f.read(head))["embeddings.word_embeddings.weight"]["data_offsets"]
            f.seek(8 + head + tensor[0])
            values = f.read(tensor[1] - tensor[0])
            f.seek(8 + head + tensor[0])
            f.write(values[len(values) // 2:] + values[:len(values) // 2])
        deadline = time.monotonic() + 60
        while (reply := ask(time.monotonic())).status != 200:
            self.assertEqual((reply.status, "Retry-After" in reply.headers), (503, True), reply.body)
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.1)
        told = [line["embedding"] for line in self.hone("embed", "-m", folder, stdin="a text\n").json_lines]
        self.assertEqual(reply.json["embeddings"], told)
        self.assertNotEqual(told, before)

    def test_operator(self):
        server = self.serve("-m", f"a={EMBED}", "-m", f"b={CROSS}, load = demand", *SMALL)
        self.until(server, "a", "ready")
        self.assertEqual(self.models(server)["b"]["state"], "unloaded")
        self.change(server, "load", "b")
        self.assertGreater(self.until(server, "b", "ready")["memory_bytes"], 0)
        self.change(server, "unload", "a")
        self.assertEqual(self.until(server, "a", "unloaded")["memory_bytes"], 0)
        self.assertEqual(server.get("/readyz").status, 200)  # it was there
        metrics = server.get("/metrics").body.decode()
        self.assertIn('hone_model_state{model="a",state="unloaded"} 1', metrics)
        self.assertIn('hone_model_loads_total{model="b"} 1', metrics)
        self.assertEqual(server.post("/api/v1/embed", {"model": "a", "texts": ["back"]}).status, 200)
        for headers in ({}, {"Authorization": "Bearer other"}):
            self.assertEqual(server.get("/api/v1/admin/models", headers=headers).status, 401)
        reply = server.post("/api/v1/admin/models", {"action": "eat", "model": "a"}, headers=ADMIN)
        self.assertEqual(reply.status, 400)

    def test_nobody_is_admin_by_accident(self):
        server = self.serve("-m", EMBED, "--api-key", "user")
        for headers in ({}, {"Authorization": "Bearer user"}, {"Authorization": "Bearer "}):
            self.assertEqual(server.get("/api/v1/admin/models", headers=headers).status, 401)

    def test_forty_models(self):
        lines = [f"model = m{i}={EMBED if i % 2 else CLASSIFY}, load = demand, cache-size = 0" for i in range(40)]
        server = self.serve("-c", self.configured(*lines))
        self.assertEqual(len(server.get("/v1/models").json["data"]), 40)
        for i in (1, 21, 39):
            self.assertEqual(server.post("/api/v1/embed", {"model": f"m{i}", "texts": ["a"]}).status, 200)

    def test_a_model_is_warm_when_it_is_ready(self):
        """By what the system counts, and no clock: the first request takes hardly any memory that was not there before, where
        its figures alone took 40 pages; and nobody has counted what warmed it."""
        for folder, path, body in ((EMBED, "/api/v1/embed", {"texts": ["some words of a text"]}), (CROSS, "/v1/rerank", {"query": "a", "documents": ["b", "c"]})):
            faults = []
            for _ in range(3):
                server = self.serve("-m", f"m={folder}", "--cache-size", "0")
                self.assertIn('hone_requests_taken_total{model="m"} 0\n', server.get("/metrics").body.decode())
                before = self.page_faults(server)
                self.assertEqual(server.post(path, body).status, 200)
                faults.append(self.page_faults(server) - before)
                server.stop()
            if "san" not in HONE:
                self.assertLess(sorted(faults)[1], 30, (path, faults))

    @staticmethod
    def page_faults(server):
        with open(f"/proc/{server.process.pid}/stat") as f:
            return int(f.read().rpartition(")")[2].split()[7])

    def test_settings_of_one_model(self):
        server = self.serve("-c", self.configured(f"model = long={EMBED}", f"model = short={EMBED}, max-length = 5, keep = true",
                                                  "admin-key = root"))
        longest = {m["id"]: m["max_model_len"] for m in server.get("/v1/models").json["data"]}
        self.assertEqual(longest["short"], 5)
        self.assertGreater(longest["long"], 5)
        self.assertTrue(self.models(server)["short"]["keep"])

    def refused(self, words, *lines, flags=()):
        run = self.hone("serve", "-c", self.configured(*lines), "--port", "0", *flags, status=2)
        for word in words:
            self.assertIn(word, run.words)

    def test_bad_settings(self):
        good = f"model = a={EMBED}"
        for words, line in ((["hone.conf:2", "'colour'"], f"model = b={EMBED}, colour = red"),
                            (["hone.conf:2", "start|background|demand"], f"model = b={EMBED}, load = later"),
                            (["hone.conf:2", "contradict"], f"model = b={EMBED}, load = demand, keep = true"),
                            (["hone.conf:2", "max-queue"], f"model = b={EMBED}, max-queue = 0"),
                            (["hone.conf:2", "max-length"], f"model = b={EMBED}, max-length = many"),
                            (["hone.conf:2", "two models"], f"model = a={CROSS}"),
                            (["hone.conf:2", "memory", "512M"], "memory = much"),
                            (["hone.conf:2", "max-queue"], "max-queue = many"),
                            (["p99-goal", "tuned"], "p99-goal = 100"),
                            (["hone.conf:2", "adaptive", "batching is fixed"], "window-low = 1"),
                            (["hone.conf:4", "contradict"], "batching = adaptive\nwindow-high = 1\nwindow-low = 5"),
                            (["hone.conf:3", "many-waiting is 16"], "batching = adaptive\nfew-waiting = 20"),
                            (["hone.conf:3", "line 2 says max-queue already"], "max-queue = 5\nmax-queue = 6"),
                            (["hone.conf:3", "line 2 says profile"], "profile = latency\nprofile = latency"),
                            (["hone.conf:2", "load is said twice"], f"model = b={EMBED}, load = start, load = demand"),
                            (["hone.conf:2", "model is said twice"], "route = r, model = a, model = a"),
                            (["hone.conf:2", "'nesting 4'", "twice"], "complexity = nesting 3, nesting 4"),
                            (["hone.conf:2", "'sorrow 4'"], "complexity = sorrow 4"),
                            (["hone.conf:2", "max-body"], "max-body = 0"),
                            (["hone.conf:2", "go together"], "tls-key = x"),
                            (["hone.conf:2", "x: No such file"], "tls-key = x\ntls-cert = /dev/null"),
                            (["hone.conf:2", "x: No such file"], "api-keys-file = x"),
                            (["hone.conf:2", "no key"], "api-keys-file = /dev/null"),
                            (["hone.conf:2", "hexadecimal"], "admin-key = sha256:5"),
                            (["hone.conf:3", "line 1 has blanks"], f"# keys\napi-keys-file = {__file__}"),
                            (["hone.conf:3", "client-requests is more"], "client-requests = 5\nmax-requests = 3"),
                            (["hone.conf:2", "takes 48 tokens at most"], f"model = b={EMBED}, max-length = 900"),
                            (["hone.conf:3", "one of the clients' keys"], "api-key = a, b\nadmin-key = b"),
                            (["hone.conf:2", "no address of a Redis server"], "redis = nowhere:port"),
                            (["hone.conf:2", "redis must not be empty"], "redis ="),
                            (["hone.conf:2", "threads that tokenize"], "tokenizer-workers = 1000"),
                            (["hone.conf:2", "threads is 5000"], "threads = 5000"),
                            (["hone.conf:2", "max-header is 2000000"], "max-header = 2000000"),
                            (["hone.conf:2", "beside its models"], "max-body = 2147483647"),
                            (["hone.conf:2", "beside its models"], "memory = 9M"),
                            (["hone.conf:2", "redis-timeout is of redis"], "redis-timeout = 5"),
                            (["hone.conf:2", "completion-ttl is of completion-cache"], "completion-ttl = 60"),
                            (["hone.conf:3", "breaker-pause is of a breaker"], "breaker-failures = 0\nbreaker-pause = 60"),
                            (["hone.conf:3", "cache-size 0 keeps none"], "fallback-age = 60\ncache-size = 0"),
                            (["hone.conf:3", "window is of a fixed one"], "batching = adaptive\nwindow = 2"),
                            (["hone.conf:3", "log-sample is of log-level"], "log-sample = 5\nlog-level = requests"),
                            (["hone.conf:3", "queue-timeout is longer"], "queue-timeout = 60\nrequest-timeout = 9"),
                            (["hone.conf:2", "kv-tokens is of models that generate"], f"model = b={EMBED}, kv-tokens = 9"),
                            (["hone.conf:2", "request-timeout is 1e-06 s"], "request-timeout = 1e-6"),
                            (["hone.conf:2", "queue-timeout is 0.0001 s", "0, or 0.001"], "queue-timeout = 0.0001"),
                            (["hone.conf:2", "read-timeout is 0 s"], "read-timeout = 0"),
                            (["hone.conf:2", "needs a path"], "model ="),
                            (["hone.conf:2", "needs a path"], "model = b=, load = demand")):
            with self.subTest(line):
                self.refused(words, good, line)
        run = self.hone("serve", "-c", self.configured(good, "socket = x.sock", "host = ::1"), status=2)
        self.assertIn("hone.conf:3: host is of a port", run.words)
        run = self.hone("serve", "-c", self.configured(good, "model = b=nowhere.gguf"), "--port", "0", status=3)
        self.assertIn("hone.conf:2: nowhere.gguf: No such file", run.words)

    def test_what_no_request_fits_into(self):
        """Refused at the start, whoever said it, and one more is enough to start; what is needed depends on the special tokens
        of the model, and on what it is asked for."""
        for folder, name, least, what in (
                ("bert-embed", "max-length", 3, "a text"), ("bert-classify", "max-length", 3, "a text"), ("ner-bert", "max-length", 3, "a text"),
                ("bert-cross", "max-length", 5, "a pair"), ("answer-bert", "max-length", 5, "a pair"), ("colbert", "max-length", 3, "a text"),
                ("qwen3-embed", "max-length", 2, "a text"), ("causal", "max-length", 3, "one token of an answer"),
                ("causal", "kv-tokens", 3, "one token of an answer"), ("t5", "kv-tokens", 2, "its decoder's first"),
                ("marian", "max-length", 2, "its decoder's first")):
            path = os.path.join(FIXTURES, folder)
            with self.subTest(folder=folder, name=name):
                words = [f"{name} is {least - 1}", f"takes {least} tokens at least", what]
                self.refused(["hone.conf:2: " + words[0], *words[1:]], "# one model", f"model = m={path}, {name} = {least - 1}")
                self.refused(["hone.conf:1: " + words[0], *words[1:]], f"{name} = {least - 1}", f"model = m={path}")
        for folder, setting in (("bert-embed", "max-length = 3"), ("bert-cross", "max-length = 5"), ("causal", "kv-tokens = 3")):
            server = self.serve("-m", f"m={os.path.join(FIXTURES, folder)}, {setting}")
            body = {"model": "m", "prompt": "a", "max_tokens": 1} if folder == "causal" else {"query": "a", "documents": ["a"]}
            reply = server.post("/v1/completions" if folder == "causal" else "/v1/rerank", body)
            self.assertEqual(reply.status, 200, reply.body)
            server.stop()

    def test_what_never_fits(self):
        big = f"model = big={CAUSAL}, kv-tokens = 20000000"
        self.refused(["hone.conf:2", "'big' does not fit", "keys and values", "of memory"], "memory = 500M", big)
        self.refused(["hone.conf:3", "do not fit together"], "memory = 100M", f"model = a={EMBED}, load = start, cache-size = 5",
                     f"model = b={EMBED}, load = start, cache-size = 10")

    def test_foretold(self):
        need = json.loads(self.hone("inspect", "--json", CAUSAL).text)["model"]["need"]
        self.assertTrue(all(need[part] > 0 for part in ("weights", "tables", "vocabulary", "activations", "kv", "kv_token")))
        server = self.serve("-m", f"a={CAUSAL}", *SMALL)
        served = self.models(server)["a"]["need"]
        self.assertEqual(served["weights"], need["weights"])
        self.assertEqual(served["kv_token"], need["kv_token"])


if __name__ == "__main__":
    main()
