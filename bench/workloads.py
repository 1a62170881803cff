#!/usr/bin/env python3
"""What the server makes of each kind of work, beside the same work offline; and of all of them at once, for a while.

    bench/workloads.py rerank   MODEL [--seconds N]    32 documents of 64 tokens a request, 4 connections; 'hone rerank'
    bench/workloads.py embed    MODEL [--seconds N]    two short texts a request, 10 connections; 'hone embed'
    bench/workloads.py streams  MODEL                  tokens/s of 8 streams at once, and of one
    bench/workloads.py first    MODEL                  time to the first token, alone and while a long prompt is read
    bench/workloads.py mixed    MODEL... --minutes N   all that the models can do; memory, descriptors, replies (mixed.py)

Offline runs are timed by the difference of a long and a short one, so that opening a model does not count.
"""
import argparse
import asyncio
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

from mixed import mixed
from server import HONE, Program

WORDS = "search the pile of text offline and read best ten results with a small fast runtime for models on processors".split()


def serve(models, folder, *flags):
    names = [flag for i, model in enumerate(models) for flag in ("-m", f"m{i}={model}")]
    return Program([HONE, "serve", *names, "--port", "0", *flags], folder, r"listening on [^\"]*?:(\d+)")


def figures(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics.json") as answer:
        return json.load(answer)


def sentence(rng, n):
    return " ".join(rng.choice(WORDS) for _ in range(n))


class Client:
    n_sent = 0  # by all of them

    def __init__(self, port):
        self.port, self.reader = port, None

    async def send(self, path, body):
        if not self.reader:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        data = json.dumps(body).encode()
        Client.n_sent += 1
        self.writer.write(b"POST %s HTTP/1.1\r\nHost: bench\r\nContent-Length: %d\r\n\r\n%s" % (path.encode(), len(data), data))
        return await self.reader.readuntil(b"\r\n\r\n")

    async def ask(self, path, body):
        """The answer, as JSON."""
        head = await self.send(path, body)
        data = await self.reader.readexactly(int(re.search(rb"(?i)content-length: (\d+)", head)[1]))
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"{path}: {head[:40]} {data[:300]}")
        return json.loads(data)

    async def parts(self, head):
        """A body as it comes, chunk by chunk; one that was complete at once may be whole."""
        if length := re.search(rb"(?i)content-length: (\d+)", head):
            yield await self.reader.readexactly(int(length[1]))
            return
        while size := int(await self.reader.readline(), 16):
            yield await self.reader.readexactly(size)
            await self.reader.readline()
        await self.reader.readline()

    async def stream(self, path, body):
        """Each event's time and content, of an answer that comes bit by bit."""
        head = await self.send(path, {**body, "stream": True})
        if b"text/event-stream" not in head:
            raise RuntimeError(f"{path}: {head[:200]}")
        text = b""
        async for part in self.parts(head):
            *events, text = (text + part).split(b"\n\n")
            for event in events:
                if event.startswith(b"data: {"):
                    yield time.perf_counter(), json.loads(event[6:])

    async def drain(self, path, body):
        """All of an answer that comes bit by bit: who looks at nothing leaves the processors to the server."""
        parts = [part async for part in self.parts(await self.send(path, {**body, "stream": True}))]
        return b"".join(parts)

    def leave(self):
        if self.reader:
            self.writer.close()
        self.reader = None

    async def finish(self):
        """Whatever the server still sends."""
        if not self.reader:
            return b""
        self.writer.write_eof()
        rest = await self.reader.read()
        self.leave()
        return rest


def offline(command, lines, folder):
    """Lines a second."""
    seconds = {}
    for n in (len(lines) // 5, len(lines)):
        path = os.path.join(folder, "lines")
        with open(path, "w") as f:
            f.write("".join(line + "\n" for line in lines[:n]))
        start = time.perf_counter()
        subprocess.run([HONE, *command, path], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        seconds[n] = time.perf_counter() - start
    (few, short), (many, long) = sorted(seconds.items())
    return (many - few) / max(long - short, 1e-9)


async def closed(port, connections, seconds, ask):
    """Requests a second; ask(client, random numbers) makes one."""
    n, end, start = 0, time.perf_counter() + seconds, time.perf_counter()

    async def one(k):
        nonlocal n
        client, rng = Client(port), random.Random(k + time.monotonic_ns())
        while time.perf_counter() < end:
            await ask(client, rng)
            n += 1
        client.leave()
    await asyncio.gather(*(one(k) for k in range(connections)))
    return n / (time.perf_counter() - start)


def beside(options, name, connections, per_request, command, line, ask):
    rng = random.Random(1)
    with tempfile.TemporaryDirectory() as folder:
        ratios = []
        for _ in range(options.rounds):
            alone = offline(command, [line(rng) for _ in range(options.lines)], folder)
            server = serve(options.models, folder, "--compute", options.compute)
            asyncio.run(closed(server.port, connections, 1, ask))
            served = per_request * asyncio.run(closed(server.port, connections, options.seconds, ask))
            server.stop()
            ratios.append(served / alone)
            print(f"{name}: served {served:9.1f}/s, offline {alone:9.1f}/s, {served / alone:.3f} of it", flush=True)
    print(f"{name}: median {statistics.median(ratios):.3f}")


def rerank(options):
    async def ask(client, rng):
        documents = [sentence(rng, 58) for _ in range(32)]
        answer = await client.ask("/v1/rerank", {"query": sentence(rng, 4), "documents": documents})
        assert len(answer["results"]) == 32
    beside(options, "pairs", 4, 32, ["rerank", "-m", options.models[0], "--compute", options.compute, "--format", "jsonl",
                                     "-q", sentence(random.Random(2), 4)], lambda rng: sentence(rng, 58), ask)


def embed(options):
    async def ask(client, rng):
        answer = await client.ask("/api/v1/embed", {"texts": [sentence(rng, 6), sentence(rng, 10)]})
        assert len(answer["embeddings"]) == 2
    beside(options, "texts", 10, 2, ["embed", "-m", options.models[0], "--compute", options.compute, "--format", "npy",
                                     "-o", os.devnull], lambda rng: sentence(rng, rng.choice([6, 10])), ask)


async def count_tokens(port, n_streams, n_tokens):
    """Tokens a second of all streams."""
    body = {"n_predict": n_tokens, "ignore_eos": True}
    start = time.perf_counter()
    answers = await asyncio.gather(*(Client(port).drain("/completion", {**body, "prompt": f"{WORDS[k]} and", "seed": k})
                                     for k in range(n_streams)))
    seconds = time.perf_counter() - start
    assert all(b'"tokens_predicted":%d,' % n_tokens in answer.replace(b" ", b"") for answer in answers)
    return n_streams * n_tokens / seconds


def streams(options):
    with tempfile.TemporaryDirectory() as folder:
        server = serve(options.models, folder, "--compute", options.compute)
        asyncio.run(count_tokens(server.port, 1, 8))
        ratios = []
        for _ in range(options.rounds):
            one, eight = (asyncio.run(count_tokens(server.port, n, options.tokens)) for n in (1, 8))
            ratios.append(eight / one)
            print(f"one stream {one:8.1f} tokens/s, eight {eight:8.1f}: {eight / one:.2f} times", flush=True)
        server.stop()
    print(f"median {statistics.median(ratios):.2f}")


async def first_token(port, prompt):
    """Milliseconds."""
    start, client = time.perf_counter(), Client(port)
    async for at, event in client.stream("/completion", {"prompt": prompt, "n_predict": 4, "ignore_eos": True}):
        if event["tokens"]:
            client.leave()
            return 1e3 * (at - start)


async def beside_a_long_prompt(port, n_words, serial):
    rng = random.Random(serial)
    long = asyncio.create_task(first_token(port, sentence(rng, n_words)))
    await asyncio.sleep(0.03)
    short = await first_token(port, f"{serial} a short one")
    return short, await long


def first(options):
    with tempfile.TemporaryDirectory() as folder:
        server = serve(options.models, folder, "--compute", options.compute)
        idle = [asyncio.run(first_token(server.port, f"{i} a short one")) for i in range(20)]
        busy = [asyncio.run(beside_a_long_prompt(server.port, options.words, 1000 + i)) for i in range(options.rounds * 3)]
        n = figures(server.port)["models"][0]["generation_prompt_tokens"]
        server.stop()
    alone, beside_it = statistics.median(idle), statistics.median(short for short, _ in busy)
    print(f"long prompts have {n / len(busy):.0f} tokens, and take {statistics.median(l for _, l in busy):.0f} ms")
    print(f"first token: {alone:.2f} ms alone, {beside_it:.2f} ms beside a long prompt: {beside_it / alone:.2f} times")


def everything(options):
    return 0 if mixed(serve, Client, figures, sentence, options.models, options.minutes, "--compute", options.compute) else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["rerank", "embed", "streams", "first", "mixed"])
    parser.add_argument("models", nargs="+")
    parser.add_argument("--compute", default="auto")
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--lines", type=int, default=4000, help="of an offline run")
    parser.add_argument("--tokens", type=int, default=64, help="of a stream")
    parser.add_argument("--words", type=int, default=1200, help="of a long prompt")
    parser.add_argument("--minutes", type=float, default=5)
    options = parser.parse_args()
    return {"rerank": rerank, "embed": embed, "streams": streams, "first": first, "mixed": everything}[options.what](options)


sys.exit(main())
