#!/usr/bin/env python3
"""Load while models are loaded, leave, fail and come back: every request must be answered, and every degraded answer say so.

    bench/chaos.py [--minutes N] [--seed N]

Four models that do not fit beside each other, clients that ask all of them, and somebody who does, at random: cuts a model's
file, takes it away, puts it back (as a new file, which the server must notice by itself), kills Redis and starts it again,
loads and unloads, sends SIGHUP, stops the whole server for a moment, and makes a model slow by heaps of long documents. An
answer that is not marked must be the asked model's own, one that is marked that of whom it names. Errors must be what the
documentation says: 429 and 503 with Retry-After, and 500 only of a model without anybody behind it whose file was tampered
with lately. Ends with "all is well", or status 1 and what went wrong.
"""
import argparse
import collections
import http.client
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

HONE = os.environ.get("HONE", "build/hone")
FIXTURES = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tests", "fixtures")
SOURCES = {"a": "gte", "b": "bert-embed", "c": "bert-cross", "t": "causal"}
TEXTS = [f"text {i} about {word}" for i, word in enumerate("foxes dogs tests search files answers models threads".split())]
DOCUMENTS = ["a test is a question", "nothing", "the answer of a long test", "foxes"]
ADMIN = {"Authorization": "Bearer root"}
PATIENCE = 60  # s: no answer for so long is none
GRACE = 20  # s after a file was tampered with in which its model may answer 500


class Chaos:
    def __init__(self, folder, seed):
        self.folder, self.rng = folder, random.Random(seed)
        self.lock = threading.Lock()
        self.counts, self.wrong = collections.Counter(), []
        self.tampered = dict.fromkeys(SOURCES, -1e9)
        self.over = False
        self.paths = {}
        for name, source in SOURCES.items():
            path = self.paths[name] = os.path.join(folder, name + ".gguf")
            subprocess.run([HONE, "convert", os.path.join(FIXTURES, source), "-o", path], check=True, capture_output=True)
            shutil.copy(path, path + ".good")
        self.redis_socket = os.path.join(folder, "redis")
        self.redis = None

    # ---- what runs

    def start_redis(self):
        if shutil.which("redis-server"):
            self.redis = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", self.redis_socket, "--save", "",
                                           "--appendonly", "no"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def kill_redis(self):
        if self.redis:
            self.redis.kill()
            self.redis.wait()
            self.redis = None

    def start(self, memory):
        config = os.path.join(self.folder, "hone.conf")
        with open(config, "w") as f:
            f.write(f"""memory = {memory}
model = a={self.paths["a"]}, load = demand, fallback = b
model = b={self.paths["b"]}, keep = true
model = c={self.paths["c"]}, load = demand
model = t={self.paths["t"]}, load = demand, kv-tokens = 64
fallback-order = on
cache-size = 1
max-body = 1
max-length = 64
admin-key = root
queue-timeout = 20
breaker-failures = 3
breaker-pause = 0.5
redis = {self.redis_socket}
""")
        self.log = open(os.path.join(self.folder, "log"), "ab")
        self.server = subprocess.Popen([HONE, "serve", "--config", config, "--port", "0"], stdin=subprocess.DEVNULL, stderr=self.log)
        deadline = time.monotonic() + PATIENCE
        while not (found := re.search(r"listening on [^\"]*?:(\d+)", self.said())):
            if self.server.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"the server did not start: {self.said()}")
            time.sleep(0.02)
        self.port = int(found[1])

    def said(self):
        with open(os.path.join(self.folder, "log"), errors="replace") as f:
            return f.read()

    def stop(self):
        self.server.terminate()
        try:
            return self.server.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.server.kill()
            return self.server.wait()

    def ask(self, path, body=None, headers=None, connection=None):
        c = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        c.request("POST" if body is not None else "GET", path, None if body is None else json.dumps(body), headers or {})
        reply = c.getresponse()
        data = reply.read()
        if not connection:
            c.close()
        return reply, json.loads(data) if data else None

    # ---- what is right

    def learn(self):
        """The answers of each model while nothing happens."""
        self.rows = {m: {t: self.ask("/api/v1/embed", {"model": m, "texts": [t]})[1]["embeddings"] for t in TEXTS} for m in "ab"}
        self.scores = {q: self.rerank(q)[1] for q in TEXTS}
        self.texts = {t: self.complete(t)[1]["choices"][0]["text"] for t in TEXTS}

    def rerank(self, query, connection=None, **more):
        reply, said = self.ask("/v1/rerank", {"model": "c", "query": query, "documents": DOCUMENTS, "return_documents": False,
                                              **more}, connection=connection)
        return reply, said["results"] if reply.status == 200 else said

    def complete(self, prompt, connection=None):
        return self.ask("/v1/completions", {"model": "t", "prompt": prompt, "max_tokens": 8, "temperature": 0}, connection=connection)

    # ---- clients

    def note(self, kind, problem=None):
        with self.lock:
            self.counts[kind] += 1
            if problem:
                self.wrong.append(problem)

    def check(self, model, reply, said, is_right):
        """is_right(who answered) compares the answer."""
        mark = reply.headers["X-Hone-Degraded"]
        if reply.status == 200:
            who = model if not mark else mark.split("model=")[1] if "model=" in mark else mark
            if mark and isinstance(said, dict) and "degraded" not in said:
                self.note("unmarked", f"{model}: {mark}, and no field 'degraded'")
            self.note(f"{model} {mark or 'ok'}", None if is_right(who) else f"{model} by {who}: {json.dumps(said)[:300]}")
        elif reply.status in (429, 503):
            self.note(f"{model} {reply.status}", None if reply.headers["Retry-After"] else f"{model}: {reply.status} without Retry-After: {said}")
        else:
            excused = reply.status == 500 and model == "t" and time.monotonic() - self.tampered[model] < GRACE
            self.note(f"{model} {reply.status}", None if excused else f"{model}: {reply.status} {said}")

    def client(self, seed):
        rng, connection = random.Random(seed), None
        while not self.over:
            if not connection or rng.random() < 0.05:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
            text, kind = rng.choice(TEXTS), rng.choice("aabct")
            try:
                if kind in "ab":
                    body = {"model": kind, "texts": [text], "x": rng.random()}  # never the same bytes
                    reply, said = self.ask("/api/v1/embed", body, connection=connection)
                    self.check(kind, reply, said, lambda who: said["embeddings"] == self.rows.get(who, self.rows[kind])[text])
                elif kind == "c":
                    reply, said = self.rerank(text, connection)
                    self.check(kind, reply, said, lambda who: said == self.scores[text] if who == "c" else
                               [d["index"] for d in said] == list(range(len(DOCUMENTS))) and not any(d["scored"] for d in said)
                               if who == "order" else said == self.scores[text])
                else:
                    reply, said = self.complete(text, connection)
                    self.check(kind, reply, said, lambda who: said["choices"][0]["text"] == self.texts[text] or said.get("timed_out"))
            except (OSError, http.client.HTTPException) as e:
                self.note("lost", f"{kind}: no answer: {e!r}")
                connection = None

    # ---- who makes trouble

    def restore(self, name):
        self.tampered[name] = time.monotonic()
        shutil.copy(self.paths[name] + ".good", self.paths[name] + ".new")
        os.rename(self.paths[name] + ".new", self.paths[name])

    def tamper(self, name, how):
        self.tampered[name] = time.monotonic()
        if how == "cut":
            os.truncate(self.paths[name], os.path.getsize(self.paths[name]) // 2)
        else:
            os.rename(self.paths[name], self.paths[name] + ".away")
        self.change("unload", name)
        time.sleep(self.rng.uniform(0, 6))
        self.restore(name)

    def change(self, action, name):
        try:
            reply, said = self.ask("/api/v1/admin/models", {"action": action, "model": name}, ADMIN)
            self.note(action, None if reply.status == 202 else f"{action} {name}: {reply.status} {said}")
        except (OSError, http.client.HTTPException) as e:
            self.note("lost", f"{action} {name}: {e!r}")

    def slow(self):
        heap = [" ".join(self.rng.choices(TEXTS, k=12)) for _ in range(1000)]
        reply, said = self.ask("/v1/rerank", {"model": "c", "query": str(self.rng.random()), "documents": heap, "timeout": 2, "partial": True},
                               {"X-Priority": "bulk"})
        self.check("c", reply, said, lambda who: len(said["results"]) == len(heap) and
                   (who != "c" or said.get("timed_out") or all(d.get("scored", True) for d in said["results"])))

    def trouble(self):
        while not self.over:
            what = self.rng.choice(["cut", "gone", "redis", "load", "unload", "hup", "stop", "slow"])
            if what in ("cut", "gone"):
                self.tamper(self.rng.choice("act"), what)
            elif what == "redis":
                self.kill_redis()
                time.sleep(self.rng.uniform(0, 1))
                self.start_redis()
            elif what in ("load", "unload"):
                self.change(what, self.rng.choice("abct"))
            elif what == "hup":
                self.server.send_signal(signal.SIGHUP)
            elif what == "stop":
                self.server.send_signal(signal.SIGSTOP)
                time.sleep(self.rng.uniform(0, 0.5))
                self.server.send_signal(signal.SIGCONT)
            else:
                self.slow()
            self.note("trouble: " + what)
            time.sleep(self.rng.uniform(0, 1))

    def run(self, minutes, n_clients):
        threads = [threading.Thread(target=self.client, args=(i,)) for i in range(n_clients)]
        threads.append(threading.Thread(target=self.trouble))
        for t in threads:
            t.start()
        end = time.monotonic() + 60 * minutes
        while time.monotonic() < end and self.server.poll() is None and len(self.wrong) < 20:
            time.sleep(0.2)
        self.over = True
        for t in threads:
            t.join()
        for name in "act":
            self.restore(name)


def come_back(chaos):
    """Once nobody makes trouble any more, all models answer themselves again."""
    deadline = time.monotonic() + PATIENCE
    for model, path in (("a", "/api/v1/embed"), ("b", "/api/v1/embed"), ("c", "/v1/rerank"), ("t", "/v1/completions")):
        while True:
            body = {"a": {"texts": [TEXTS[0]]}, "b": {"texts": [TEXTS[0]]}, "c": {"query": "q", "documents": DOCUMENTS},
                    "t": {"prompt": "p", "max_tokens": 1}}[model]
            reply, said = chaos.ask(path, {"model": model, "x": time.monotonic(), **body})
            if reply.status == 200 and not reply.headers["X-Hone-Degraded"]:
                break
            if time.monotonic() > deadline:
                chaos.note("lost for ever", f"{model} does not come back: {reply.status} {said}")
                break
            time.sleep(0.2)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--clients", type=int, default=6)
    parser.add_argument("--memory", default="43M")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        chaos = Chaos(folder, options.seed)
        chaos.start_redis()
        chaos.start(options.memory)
        try:
            chaos.learn()
            chaos.run(options.minutes, options.clients)
            if chaos.server.poll() is None:
                come_back(chaos)
            _, figures = chaos.ask("/metrics.json") if chaos.server.poll() is None else (None, {"models": []})
        finally:
            status = chaos.stop()
            chaos.kill_redis()
        for kind, n in sorted(chaos.counts.items()):
            print(f"{n:8} {kind}")
        for m in figures["models"]:
            print(f"{m['loads']:8} loads of {m['name']}" if "loads" in m else f"         {m.get('name', m.get('model'))}")
        if status != 0:
            chaos.wrong.insert(0, f"the server ended with status {status}: {chaos.said()[-3000:]}")
        for problem in chaos.wrong[:20]:
            print(problem)
        print("all is well" if not chaos.wrong else f"{len(chaos.wrong)} things went wrong (seed {options.seed})")
        return 1 if chaos.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
