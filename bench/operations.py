#!/usr/bin/env python3
"""What an operator is promised in times, measured; on a machine that does nothing else.

    bench/operations.py first     [MODEL...]  the first request after a start beside later ones: at most 1.5 times as long
    bench/operations.py deadlines [MODEL]     100 ms are asked of a batch that takes 2 s: 99 of 100 replies within 110 ms
    bench/operations.py cost      [MODEL]     manager, routes, breaker and times of stages: at most 1 % of a request of MiniLM's
    bench/operations.py switch    [MODEL]     a model comes back for another one of its size: a request that waits for it < 50 ms
    bench/operations.py switches              100 switches between models under load: nothing wrong or lost, PSS <= budget + 2 %

Without MODEL each makes one of random weights: of MiniLM's shape (6 layers of 384), or BERT base's. --rounds N; each says
its bound, what it saw, and ends with status 1 where that is more. HONE names the program.
"""
import argparse
import http.client
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time

from server import HONE, Program

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests", "cli"))
from random_model import random_model  # noqa: E402

WORDS = "search the pile of text offline and read best ten results with a small fast runtime for models on processors".split()
PATIENCE = 600


class Server:
    def __init__(self, folder, *arguments):
        self.program = Program([HONE, "serve", *arguments, "--port", "0"], folder, r"listening on [^\"]*?:(\d+)")
        self.connection = http.client.HTTPConnection("127.0.0.1", self.program.port, timeout=PATIENCE)
        while self.ask("/readyz", method="GET")[0] != 200:
            time.sleep(0.01)

    def ask(self, path, body=None, headers=None, method="POST", connection=None):
        """(status, seconds, body, headers)"""
        data = None if body is None else json.dumps(body)
        c = connection or self.connection
        begun = time.perf_counter()
        c.request(method, path, data, headers or {})
        reply = c.getresponse()
        said = reply.read()
        return reply.status, time.perf_counter() - begun, said, reply.headers

    def seconds(self, path, body=None, method="POST"):
        status, seconds, said, _ = self.ask(path, body, method=method)
        if status != 200:
            sys.exit(f"{path}: {status} {said[:200]}")
        return seconds

    def another(self):
        return http.client.HTTPConnection("127.0.0.1", self.program.port, timeout=PATIENCE)

    def stop(self):
        self.connection.close()
        self.program.stop()


def text(rng, n):
    return " ".join(rng.choice(WORDS) for _ in range(n))


def verdict(what, bound, seen, good):
    print(f"{'ok  ' if good else 'MORE'}  {what}: asked {bound}, seen {seen}")
    return good


def task_of(model):
    out = subprocess.run([HONE, "inspect", "--json", model], capture_output=True, check=True).stdout
    return json.loads(out)["model"]["task"]


# ---- the first request ----

def first_of(folder, model, rng):
    """Seconds of the first request, and the median of those behind it."""
    task = task_of(model)
    server = Server(folder, "-m", f"m={model}", "--cache-size", "0")

    def once():
        words = text(rng, 12)
        path, body = (("/v1/completions", {"model": "m", "prompt": words, "max_tokens": 8, "temperature": 0})
                      if task == "generate" else ("/predict", {"inputs": words}) if task == "classify"
                      else ("/api/v1/embed", {"texts": [words]}))
        return server.seconds(path, body)
    times = [once() for _ in range(20)]
    server.stop()
    return times[0], statistics.median(times[1:])


def first(options, folder):
    models = options.models or [made(folder, "base", width=768, layers=12, hidden=3072)]
    good = True
    for model in models:
        ratios = []
        for i in range(options.rounds or 11):
            one, later = first_of(folder, model, random.Random(i))
            ratios.append(one / later)
        seen = statistics.median(ratios)
        good &= verdict(f"first request of {os.path.basename(model)} beside later ones", "<= 1.5 times",
                        f"{seen:.2f} times (median of {len(ratios)} starts; {min(ratios):.2f} to {max(ratios):.2f})", seen <= 1.5)
    return good


# ---- deadlines ----

def how_many(server, rng):
    """Texts of a request that takes 2 s."""
    n = 64
    while True:
        _, seconds, _, _ = server.ask("/api/v1/embed", {"texts": [text(rng, 40) for _ in range(n)]})
        if seconds > 0.5 or n > 30000:
            return max(int(n * 2 / seconds), 1)
        n *= 4


def deadlines(options, folder):
    """A text is never divided, so texts must be such as take a few ms."""
    model = options.models[0] if options.models else made(folder, "minilm", width=384, layers=6, hidden=1536)
    server = Server(folder, "-m", f"m={model}", "--cache-size", "0", "--max-batch", "100000")
    rng, good, rounds = random.Random(1), True, options.rounds or 100
    n = how_many(server, rng)
    print(f"{n} texts take 2 s")
    for name, path in (("embed", "/api/v1/embed"), ("rerank", "/v1/rerank"), ("rerank, partial", "/v1/rerank")):
        times, statuses = [], {}
        for _ in range(rounds):
            texts = [text(rng, 40) for _ in range(n)]
            body = {"texts": texts} if name == "embed" else {"query": text(rng, 4), "documents": texts, "partial": "partial" in name}
            status, seconds, said, _ = server.ask(path, body, {"X-Timeout-Ms": "100"})
            times.append(1e3 * seconds)
            kind = f"{status} timed out" if b'"timed_out":true' in said else str(status)
            statuses[kind] = statuses.get(kind, 0) + 1
        good &= in_time(f"{name}: 100 ms of a batch of 2 s", times, f"; answers {statuses}")
    good &= behind_another(server, rng, n, rounds)
    server.stop()
    return good


def in_time(what, times, more=""):
    n = sum(t <= 110 for t in times)
    return verdict(what, "99 of 100 within 110 ms",
                   f"{n} of {len(times)}, P99 {sorted(times)[(99 * len(times) + 99) // 100 - 1]:.1f} ms{more}", n >= 0.99 * len(times))


def behind_another(server, rng, n, rounds):
    """One text with 100 ms, while somebody else's batch of 2 s is computed."""
    over, times = threading.Event(), []

    def other():
        c = server.another()
        mine = random.Random(2)
        while not over.is_set():
            server.ask("/api/v1/embed", {"texts": [text(mine, 40) for _ in range(n)]}, {"X-Priority": "bulk"}, connection=c)
    thread = threading.Thread(target=other)
    thread.start()
    time.sleep(1)
    for _ in range(rounds):
        times.append(1e3 * server.ask("/api/v1/embed", {"texts": [text(rng, 40)]}, {"X-Timeout-Ms": "100"})[1])
        time.sleep(0.01)
    over.set()
    thread.join()
    return in_time("one text beside another's request of 2 s", times)


# ---- what the server's own parts cost ----

def cost(options, folder):
    """In pairs. What is kept is found without computing, so that microseconds show: /health has no model at all; an answer of the
    cache of vectors goes through manager, breaker, scheduler and times; the last one through a route, too."""
    model = options.models[0] if options.models else made(folder, "minilm", width=384, layers=6, hidden=1536, heads=12)
    conf = os.path.join(folder, "hone.conf")
    with open(conf, "w") as f:
        f.write(f"model = m={model}, fallback = n\nmodel = n={model}\nbreaker-failures = 3\nmemory = 2G\nlog-sample = 1000\n"
                "route = r, model = n, kind = code, complexity = 30..\nroute = r, model = n, length = 100000..\n"
                "route = r, model = m\n")
    plain, full = Server(folder, "-m", f"m={model}"), Server(folder, "-c", conf)
    rng = random.Random(3)
    words = text(rng, 20)
    n = options.rounds or 5000
    computed = [plain.seconds("/api/v1/embed", {"texts": [text(rng, 20)]}) for _ in range(300)][50:]
    samples = {"health": [], "plain": [], "full": []}
    for i in range(n + 200):
        # Answers that come again byte by byte are kept whole; another field each makes each go all the way.
        one = {"health": full.seconds("/health", method="GET"),
               "plain": plain.seconds("/api/v1/embed", {"model": "m", "texts": [words], "x": i}),
               "full": full.seconds("/api/v1/embed", {"model": "r", "texts": [words], "x": i})}
        if i >= 200:
            for name, seconds in one.items():
                samples[name].append(seconds)
    plain.stop()
    full.stop()
    request = statistics.median(computed)
    difference = [a - b for a, b in zip(samples["full"], samples["plain"])]
    added = statistics.median(difference)
    error = 1.96 * 1.2533 * statistics.pstdev(difference) / len(difference) ** 0.5
    whole = statistics.median([a - b for a, b in zip(samples["full"], samples["health"])])
    print(f"a request that is computed takes {1e3 * request:.2f} ms, one found {1e6 * statistics.median(samples['plain']):.0f} us, "
          f"/health {1e6 * statistics.median(samples['health']):.0f} us (median of {n} pairs)")
    good = verdict("a route, breaker and fallback beside none", "<= 1 % of a request",
                   f"{100 * added / request:.2f} % ({1e6 * added:.1f} +- {1e6 * error:.1f} us)", added <= 0.01 * request)
    return verdict("the same with JSON, manager, times and the cache, beside /health", "about 1 %",
                   f"{100 * whole / request:.2f} % ({1e6 * whole:.1f} us)", True) and good


# ---- switches ----

def switch(options, folder):
    """Two models of which one fits; what was packed lies in the page cache."""
    model = options.models[0] if options.models else made(folder, "minilm", width=384, layers=6, hidden=1536, heads=12)
    whole = Server(folder, "-m", f"a={model}, load = demand", "-m", f"b={model}, load = demand", "--admin-key", "k", "--memory", "2G",
                   "--cache-size", "1")
    known = json.loads(whole.ask("/api/v1/admin/models", None, {"Authorization": "Bearer k"}, "GET")[2])
    whole.stop()
    need = max(m["need"]["total"] for m in known["models"])
    memory = int((known["memory"]["used"] - (2 << 30) // 8 + 1.5 * need) * 8 / 7)  # an eighth of it is for bodies
    server = Server(folder, "-m", f"a={model}, load = demand", "-m", f"b={model}, load = demand", "--admin-key", "k", "--memory",
                    str(memory), "--cache-size", "1")
    rng, times = random.Random(4), []
    for i in range(2 * (options.rounds or 50)):
        times.append(1e3 * server.seconds("/api/v1/embed", {"model": "ab"[i % 2], "texts": [text(rng, 12)]}))
    listed = json.loads(server.ask("/api/v1/admin/models", None, {"Authorization": "Bearer k"}, "GET")[2])
    server.stop()
    unloads, times = sum(m["unloads"] for m in listed["models"]), sorted(times[2:])
    seen = statistics.median(times)
    return verdict("a request whose model comes back", "< 50 ms", f"{seen:.1f} ms (median of {len(times)}; P95 "
                   f"{times[int(0.95 * len(times))]:.1f}; {unloads} unloads)", seen < 50 and unloads >= len(times))



def switches(options, folder):
    run = subprocess.run([sys.executable, os.path.join(ROOT, "tests", "server", "test_cgroup.py")],
                         env={**os.environ, "LONG": "1", "SWITCHES": str(options.rounds or 100), "HONE": HONE})
    return run.returncode == 0


def made(folder, name, **shape):
    path = os.path.join(folder, name)
    if not os.path.exists(path):
        random_model(path, 1, **shape)
    return path


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=("first", "deadlines", "cost", "switch", "switches", "all"))
    parser.add_argument("models", nargs="*")
    parser.add_argument("--rounds", type=int, default=0)
    options = parser.parse_args()
    kinds = {"first": first, "deadlines": deadlines, "cost": cost, "switch": switch, "switches": switches}
    with tempfile.TemporaryDirectory() as folder:
        good = [kinds[what](options, folder) for what in kinds if options.what in (what, "all")]
    sys.exit(0 if all(good) else 1)


main()
