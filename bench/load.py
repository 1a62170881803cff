#!/usr/bin/env python3
"""The server under load: how many requests it answers, how long they take, what goes wrong; and a chart of that.

    bench/load.py MODEL [--seconds N] [--svg FILE] [--json FILE]        needs wrk, and matplotlib for the chart; MODEL makes embeddings

Each request has two short texts, and is different from all others. Two kinds of load:

closed loop (wrk): each connection asks again as soon as it has its answer. That tells how much the server does at most. Its
    latencies are no measure of what a user feels: while the server is slow, wrk asks less.
fixed rate: requests come at times that are fixed beforehand, whether or not the earlier ones have their answers, and the
    time runs from when a request was due. Nothing is left out, however slow the server is.

The programs that make the load need processors, too; on a small machine they take them from the server.
"""
import argparse
import asyncio
import json
import os
import subprocess
import tempfile
import time
import urllib.request

import chart
from server import PATH, Client, numbered, serve

HERE = os.path.dirname(os.path.abspath(__file__))
PERCENTILES = (50, 90, 95, 99, 99.9)


def closed(port, connections, seconds):
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", os.path.join(HERE, "load.lua"),
               f"http://127.0.0.1:{port}{PATH}"]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    figures = json.loads(next(line[5:] for line in out.splitlines() if line.startswith("JSON ")))
    ms = {str(p): figures[f"p{p}".replace(".", "_")] for p in PERCENTILES}
    n, errors = figures["requests"], figures["errors"]
    return {"load": f"{connections} connections", "rate": (n - errors) / figures["seconds"], "n": n, "errors": errors, "ms": ms,
            "max": figures["max"]}


def percentile(times, p):
    return times[min(len(times) - 1, int(p / 100 * len(times)))] if times else float("nan")


async def fixed(port, rate, seconds):
    free, times, errors, serial = [], [], 0, int(time.monotonic() * 1e3) * 1000

    async def one(i, due):
        nonlocal errors
        try:
            client = free.pop() if free else await Client().open(port)
            well = await client.ask(numbered(serial + i))
        except (OSError, asyncio.IncompleteReadError):
            errors += 1
            return
        errors += not well  # after the wait: what was read before it would be old by then
        times.append(1e3 * (time.perf_counter() - due))
        free.append(client)
    start, tasks = time.perf_counter() + 0.05, []
    for i in range(int(rate * seconds)):
        due = start + i / rate
        await asyncio.sleep(max(0, due - time.perf_counter()))
        tasks.append(asyncio.create_task(one(i, due)))
    await asyncio.gather(*tasks)
    took = time.perf_counter() - start
    for client in free:
        client.writer.close()
    times.sort()
    return {"load": f"{rate:.0f} requests/s", "rate": (len(tasks) - errors) / took, "n": len(tasks), "errors": errors,
            "ms": {str(p): percentile(times, p) for p in PERCENTILES}, "max": percentile(times, 100), "offered": rate}


def scrape(port, seconds, path):
    """Times of a scrape a tenth of a second, while the server is under load."""
    load = subprocess.Popen(["wrk", "-t1", "-c64", f"-d{seconds}s", "-s", os.path.join(HERE, "load.lua"),
                             f"http://127.0.0.1:{port}{PATH}"], stdout=subprocess.DEVNULL)
    times = []
    while load.poll() is None:
        start = time.perf_counter()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}") as answer:
            answer.read()
        times.append(1e3 * (time.perf_counter() - start))
        time.sleep(0.1)
    times.sort()
    return {"load": f"{path} meanwhile", "rate": len(times) / seconds, "n": len(times), "errors": 0,
            "ms": {str(p): percentile(times, p) for p in PERCENTILES}, "max": times[-1]}


def show(title, rows):
    print(f"\n{title:26}{'answers/s':>11}" + "".join(f"{'P' + str(p):>10}" for p in PERCENTILES) + f"{'max ms':>10}{'errors':>9}")
    for r in rows:
        share = f"{100 * r['errors'] / r['n']:8.2f}%" if r["n"] else "no answer".rjust(9)
        print(f"  {r['load']:24}{r['rate']:11.1f}" + "".join(f"{r['ms'][str(p)]:10.2f}" for p in PERCENTILES)
              + f"{r['max']:10.2f}{share}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--seconds", type=int, default=5, help="of each run")
    parser.add_argument("--svg", help="the chart")
    parser.add_argument("--json", help="all figures")
    o = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = serve(o.model, folder)
        closed(server.port, 8, 1)
        latency = [closed(server.port, 1, o.seconds)]
        show("latency: one at a time", latency)
        load = [closed(server.port, 64, o.seconds)]
        show("load", load)
        stress = [closed(server.port, n, o.seconds) for n in (4, 16, 256, 1000)]
        show("stress", stress)
        metrics = [scrape(server.port, o.seconds, path) for path in ("/metrics", "/metrics.json", "/health")]
        show("metrics, under load", metrics)
        most = load[0]["rate"]
        rates = [asyncio.run(fixed(server.port, max(1, share * most), o.seconds)) for share in (0.05, 0.1, 0.2, 0.4, 0.6, 0.8)]
        show("fixed rate", rates)
        server.stop()
    bad = [r["load"] for r in latency + load + stress + rates if r["errors"] == r["n"]]
    if bad:
        raise SystemExit(f"no request was answered well: {', '.join(bad)}; does {o.model} make embeddings?")
    if o.svg:
        chart.draw_curves(o.svg, "Latency at fixed arrival rates",
                          f"{os.path.basename(o.model)}, two short texts a request; in a closed loop it answers {most:.0f}/s",
                          "requests/s offered", "ms", [(f"P{p}", [(r["offered"], r["ms"][str(p)]) for r in rates]) for p in (50, 95, 99)])
        print(f"\n{o.svg}")
    if o.json:
        with open(o.json, "w") as f:
            json.dump({"closed": latency + load + stress, "scrapes": metrics, "fixed": rates}, f, indent=1)


main()
