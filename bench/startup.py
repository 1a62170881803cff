#!/usr/bin/env python3
"""From the start of the program to the first embedding, beside a program that only tells its version.

    bench/startup.py MODEL [--runs 40] [--compute f32] [--json]

HONE names the program (build/hone by default). Each number is the least and the median of all runs, in turns; the least
is what the program takes where nothing disturbs it. The model's file is in the page cache from the first run on.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time

HONE = os.environ.get("HONE", "build/hone")


def seconds(arguments):
    start = time.perf_counter()
    p = subprocess.run(arguments, input=b"a short text\n", stdout=subprocess.PIPE)
    spent = time.perf_counter() - start
    if p.returncode != 0:
        sys.exit(f"{' '.join(arguments)}: exit status {p.returncode}")
    return spent


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--compute", default="auto")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    programs = {"version": [HONE, "--version"],
                "tokenize": [HONE, "tokenize", "-m", options.model],
                "embed": [HONE, "embed", "-m", options.model, "--compute", options.compute]}
    times = {name: [] for name in programs}
    for _ in range(options.runs):
        for name, arguments in programs.items():
            times[name].append(seconds(arguments))
    result = {name: {"min_ms": round(1e3 * min(x), 3), "median_ms": round(1e3 * statistics.median(x), 3)}
              for name, x in times.items()}
    if options.json:
        print(json.dumps(result))
        return
    for name, row in result.items():
        print(f"{name:10} {row['min_ms']:8.2f} ms at best {row['median_ms']:8.2f} ms in the median")


main()
