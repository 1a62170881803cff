#!/usr/bin/env python3
"""Where time and memory go: gperftools' profiles of a benchmark and of a server under load, as text and as pictures.

    bench/profile.py MODEL FOLDER [--seconds N] [--connections N]

MODEL embeds or generates. Leaves bench-cpu.svg, serve-cpu.svg, serve-heap.svg and the same as .txt in FOLDER. The program
is the ordinary one: the profilers come by LD_PRELOAD. HONE names it.
"""
import argparse
import ctypes.util
import glob
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HONE = os.path.join(ROOT, os.environ.get("HONE", "build/hone"))
PPROF = "google-pprof"
TEXTS = ["how do I bake bread", "a simple recipe for bread with four ingredients"]


def library(name):
    found = ctypes.util.find_library(name)
    if not found:
        sys.exit(f"profile: lib{name} is not there (Debian: google-perftools)")
    return found


def environment(kind, path):
    if kind == "cpu":
        return {**os.environ, "LD_PRELOAD": library("profiler"), "CPUPROFILE": path, "CPUPROFILE_FREQUENCY": "500"}
    return {**os.environ, "LD_PRELOAD": library("tcmalloc"), "HEAPPROFILE": path, "HEAP_PROFILE_TIME_INTERVAL": "1"}


def draw(profile, out, *how):
    """A picture and a table of a profile."""
    for form in ("svg", "text"):
        with open(f"{out}.{'svg' if form == 'svg' else 'txt'}", "wb") as f:
            p = subprocess.run([PPROF, f"--{form}", "--nodefraction=0.005", *how, HONE, profile], stdout=f,
                               stderr=subprocess.PIPE, text=True)
        if p.returncode != 0:
            sys.exit(f"profile: {PPROF} failed: {p.stderr[-500:]}")
    with open(out + ".txt") as f:
        lines = f.read().splitlines()
    print(f"\n{out}.svg\n" + "\n".join("  " + line[:110] for line in lines[:12]), flush=True)


def profile_bench(model, folder, seconds):
    path = os.path.join(folder, "bench-cpu")
    end, n = time.monotonic() + seconds, 0
    while n == 0 or time.monotonic() < end:  # each run is a file; the samples of the longest tell enough
        subprocess.run([HONE, "bench", "model", "-m", model, "--json"], check=True, stdout=subprocess.DEVNULL,
                       env=environment("cpu", path + ".prof"))
        n += 1
    draw(path + ".prof", path)


def ask(port, generates, end, counts):
    connection, i = http.client.HTTPConnection("127.0.0.1", port), 0
    while time.monotonic() < end:
        text = f"{i} {TEXTS[i % 2]}"
        path, body = ("/v1/completions", {"prompt": text, "max_tokens": 16}) if generates else ("/embed", {"inputs": [text]})
        connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        reply = connection.getresponse()
        reply.read()
        counts[reply.status] = counts.get(reply.status, 0) + 1
        i += 1


def serve_under_load(model, kind, path, seconds, connections):
    """Runs a server with a profiler, and asks it from all connections at once; what answers there were, by status."""
    server = subprocess.Popen([HONE, "serve", "-m", model, "--port", "0", "--cache-size", "0"], stderr=subprocess.PIPE,
                              text=True, env=environment(kind, path))
    port = next((int(m[1]) for line in server.stderr if (m := re.search(r"listening on .*?:(\d+)", line))), None)
    if port is None:
        sys.exit("profile: the server did not start")
    threading.Thread(target=server.stderr.read, daemon=True).start()
    generates = json.loads(subprocess.run([HONE, "inspect", model, "--json"], check=True, stdout=subprocess.PIPE)
                           .stdout)["model"]["task"] == "generate"
    counts, end = {}, time.monotonic() + seconds
    clients = [threading.Thread(target=ask, args=(port, generates, end, counts)) for _ in range(connections)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    server.send_signal(signal.SIGTERM)
    if server.wait() != 0:
        sys.exit(f"profile: the server ended with status {server.returncode}")
    return counts


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("folder")
    parser.add_argument("--seconds", type=float, default=10, help="of each profile")
    parser.add_argument("--connections", type=int, default=16)
    args = parser.parse_args()
    os.makedirs(args.folder, exist_ok=True)
    for old in glob.glob(os.path.join(args.folder, "*.prof")) + glob.glob(os.path.join(args.folder, "*.heap")):
        os.remove(old)
    profile_bench(args.model, args.folder, args.seconds)
    cpu, heap = os.path.join(args.folder, "serve-cpu"), os.path.join(args.folder, "serve-heap")
    print("\nanswers by status:", serve_under_load(args.model, "cpu", cpu + ".prof", args.seconds, args.connections))
    draw(cpu + ".prof", cpu)
    serve_under_load(args.model, "heap", heap + ".prof", args.seconds, args.connections)
    dumps = sorted(glob.glob(heap + ".prof.*.heap"))  # one a second, and the last one when all was given back
    draw(dumps[len(dumps) // 2 - 1 if len(dumps) > 1 else 0], heap, "--inuse_space")


main()
