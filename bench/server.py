#!/usr/bin/env python3
"""What the server costs beside what it computes: /health and answers from the cache beside nginx, a request after the
other beside the engine in the same process, many connections beside 'hone embed' offline, and a fixed rate.

    bench/server.py MODEL [--cross MODEL] [--seconds N] [--rounds N] [--json]

MODEL embeds; a cross-encoder, where one is named, reranks 32 documents a request. Needs wrk, and nginx where it is to be
compared. Everything runs in turn, several rounds; each number is the median of the rounds. HONE names the program.
"""
import argparse
import asyncio
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HONE = os.path.join(ROOT, os.environ.get("HONE", "build/hone"))
PATH = "/api/v1/embed"
TEXTS = ["how do I bake bread", "a simple recipe for bread with four ingredients"]


class Program:
    """A program that listens."""

    def __init__(self, command, folder, listening=None):
        self.log = os.path.join(folder, f"log{time.monotonic_ns()}")
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.port = None
        deadline = time.monotonic() + 60
        while listening and not self.port and time.monotonic() < deadline:
            with open(self.log) as f:
                if m := re.search(listening, f.read()):
                    self.port = int(m[1])
            if self.process.poll() is not None:
                break
            time.sleep(0.01)
        if listening and not self.port:
            with open(self.log) as f:
                raise SystemExit(f"{' '.join(command)} does not listen: {f.read()}")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


def serve(model, folder, *flags):
    return Program([HONE, "serve", "-m", f"bench={model}", "--port", "0", "--compute", "int8", *flags], folder,
                   r"listening on [^\"]*?:(\d+)")


def nginx(folder):
    port = 18098
    config = os.path.join(folder, "nginx.conf")
    with open(config, "w") as f:
        f.write(f"worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.error;\n"
                "events { worker_connections 2048; }\n"
                "http { access_log off; keepalive_requests 1000000000;\n"
                f" server {{ listen 127.0.0.1:{port}; location / {{ return 200 'ok'; }} }} }}\n")
    program = Program(["nginx", "-c", config, "-p", folder], folder)
    program.port = port
    time.sleep(0.5)
    return program


def wrk(folder, port, path, seconds, connections=64, body=None, script=None):
    """Requests a second of a closed loop: GET, or POST of a body, or what the script makes."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", f"http://127.0.0.1:{port}{path}"]
    if script:
        command[1:1] = ["-s", script]
    if body:
        script = os.path.join(folder, "post.lua")
        with open(script, "w") as f:
            f.write(f"wrk.method = 'POST'\nwrk.body = [==[{json.dumps(body)}]==]\n")
        command[1:1] = ["-s", script]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in out or "Socket errors" in out:
        raise SystemExit(f"errors under load:\n{out}")
    return float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1])


def offline(model, folder):
    """Texts a second of 'hone embed', opening not counted, for as many short texts as take a few seconds."""
    path = os.path.join(folder, "texts")
    with open(path, "w") as f:
        for i in range(20000):
            f.write(f"{TEXTS[i % 2]} {i}\n")
    start = time.monotonic()
    subprocess.run([HONE, "embed", "-m", model, "--compute", "int8", "--format", "npy", "-o", path + ".npy", path],
                   check=True, stderr=subprocess.DEVNULL)
    return 20000 / (time.monotonic() - start)


class Client:
    """A connection with keep-alive that says as little as it can."""

    async def open(self, port, path=PATH):
        self.path = path.encode()
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", port)
        return self

    async def ask(self, body):
        self.writer.write(b"POST %s HTTP/1.1\r\nHost: bench\r\nContent-Length: %d\r\n\r\n%s"
                          % (self.path, len(body), body))
        head = await self.reader.readuntil(b"\r\n\r\n")
        size = int(re.search(rb"(?i)content-length: (\d+)", head)[1])
        await self.reader.readexactly(size)
        return head.startswith(b"HTTP/1.1 200")


def numbered(i):
    """A request that no cache knows."""
    return json.dumps({"texts": [f"{t} {i}" for t in TEXTS]}).encode()


async def ask_once(port, body):
    client = await Client().open(port)
    assert await client.ask(json.dumps(body).encode())


async def one_by_one(port, n):
    """Median ms of a request."""
    client, times = await Client().open(port), []
    for i in range(n):
        start = time.perf_counter()
        assert await client.ask(numbered(i))
        times.append(time.perf_counter() - start)
    return 1e3 * statistics.median(times)


async def fixed_rate(port, rate, seconds):
    """(P95 in ms, errors) where requests come whether or not earlier ones are answered."""
    free, times, errors = [], [], 0

    async def one(i, due):
        nonlocal errors
        client = free.pop() if free else await Client().open(port)
        try:
            well = await client.ask(numbered(i))
        except OSError:
            errors += 1
            return
        errors += not well
        times.append(time.perf_counter() - due)
        free.append(client)
    start, tasks = time.perf_counter(), []
    for i in range(int(rate * seconds)):
        due = start + i / rate
        await asyncio.sleep(max(0, due - time.perf_counter()))
        tasks.append(asyncio.create_task(one(i, due)))
    await asyncio.gather(*tasks)
    times.sort()
    return 1e3 * times[int(0.95 * len(times))], errors


async def closed_loop(port, connections, seconds, path=PATH, body=numbered):
    """(requests a second, slowest connection over the mean) of requests that are all different."""
    counts, end = [0] * connections, time.perf_counter() + seconds

    async def one(k):
        client = await Client().open(port, path)
        while time.perf_counter() < end:
            assert await client.ask(body(k * 1000000 + counts[k]))
            counts[k] += 1
    await asyncio.gather(*(one(k) for k in range(connections)))
    total = sum(counts)
    return total / seconds, min(counts) * connections / total


def in_process(port):
    """Median ms of a request inside the scheduler, by its own figures."""
    import urllib.request
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics.json") as f:
        return json.load(f)["models"][0]["endpoints"]["embed"]["total"]["ok"]["p50_ms"]


def document(i):
    """About 64 tokens."""
    return f"{i} " + " ".join(["a document about bread, its ingredients and its history, number"] * 5)


def documents(i):
    return json.dumps({"query": TEXTS[0], "texts": [document(32 * i + k) for k in range(32)], "truncate": True}).encode()


def rerank(cross, folder, seconds):
    """Pairs a second: of 4 connections, and of 'hone rerank' with as many documents as take some seconds."""
    server = serve(cross, folder, "--cache-size", "0")
    served = 32 * asyncio.run(closed_loop(server.port, 4, seconds, "/rerank", documents))[0]
    server.stop()
    n, lines = max(64, int(served * seconds)), os.path.join(folder, "documents")
    with open(lines, "w") as f:
        f.writelines(document(i) + "\n" for i in range(n))
    start = time.monotonic()
    subprocess.run([HONE, "rerank", "-m", cross, "--compute", "int8", "-q", TEXTS[0], "--format", "jsonl", lines],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return served, n / (time.monotonic() - start)


def round_of(model, cross, folder, seconds):
    out = {}
    if shutil.which("nginx"):
        peer = nginx(folder)
        out["nginx requests/s"] = wrk(folder, peer.port, "/", seconds)
        peer.stop()
    server = serve(model, folder)
    out["/health requests/s"] = wrk(folder, server.port, "/health", seconds)
    asyncio.run(ask_once(server.port, {"texts": TEXTS}))
    out["cached requests/s"] = wrk(folder, server.port, PATH, seconds, body={"texts": TEXTS})
    server.stop()
    server = serve(model, folder)
    out["one by one, ms"] = asyncio.run(one_by_one(server.port, 300))
    out["of that in the scheduler, ms"] = in_process(server.port)
    server.stop()
    server = serve(model, folder)
    out["50 requests/s, P95 ms"], out["50 requests/s, errors"] = asyncio.run(fixed_rate(server.port, 50, 2 * seconds))
    _, out["slowest over mean"] = asyncio.run(closed_loop(server.port, 256, seconds))
    different = os.path.join(os.path.dirname(os.path.abspath(__file__)), "load.lua")
    out["256 connections, texts/s"] = 2 * wrk(folder, server.port, PATH, seconds, 256, script=different)
    server.stop()
    out["hone embed, texts/s"] = offline(model, folder)
    if cross:
        out["rerank, pairs/s"], out["hone rerank, pairs/s"] = rerank(cross, folder, seconds)
    return out


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("--cross", metavar="MODEL")
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rounds = [round_of(options.model, options.cross, folder, options.seconds) for _ in range(options.rounds)]
    out = {name: statistics.median(r[name] for r in rounds) for name in rounds[0]}
    ratios = {"/health over nginx": ("/health requests/s", "nginx requests/s"),
              "cached over nginx": ("cached requests/s", "nginx requests/s"),
              "256 connections over hone embed": ("256 connections, texts/s", "hone embed, texts/s"),
              "rerank over hone rerank": ("rerank, pairs/s", "hone rerank, pairs/s")}
    for name, (a, b) in ratios.items():
        if a in out and b in out:
            out[name] = statistics.median(r[a] / r[b] for r in rounds)
    if options.json:
        print(json.dumps(out))
        return
    for name, value in out.items():
        print(f"{name:32} {value:10.2f}")


if __name__ == "__main__":
    sys.exit(main())
