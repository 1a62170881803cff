"""Measures hone and other CPU engines that complete texts with an encoder and a decoder, side by side, in turns, in one
run: CodeT5+ 220m's shape (shapes.py) with random weights, 64 tokens in, 50 out, from text to text.

hone also as a process that is started for a single text: --process.
"""
import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import time

import completers
import shapes
import turns

SHAPE, N_PROMPT, N_NEW = "codet5p-220m", 64, 50
CASES = {"one text": 1, "eight texts at once": 8}


def texts_of(folder, n):
    """So many pieces of Python's own library, N_PROMPT tokens each."""
    from tokenizers import Tokenizer
    tokenizer = Tokenizer.from_file(f"{folder}/tokenizer.json")
    out = []
    for name in ("argparse", "ast", "difflib", "inspect", "pathlib", "subprocess", "tarfile", "typing", "zipfile"):
        with open(importlib.util.find_spec(name).origin) as file:
            source = file.read()
        for start in range(2000, len(source) - 2000, 1000):
            offsets = tokenizer.encode(source[start:start + 2000], add_special_tokens=False).offsets
            text = source[start:start + offsets[N_PROMPT - 3][1]]
            if len(tokenizer.encode(text).ids) == N_PROMPT:
                out.append(text)
    assert len(out) >= n, f"{len(out)} texts"
    return out[:n]


def gguf_file(args, folder, file_type):
    path = f"{args.work}/{SHAPE}-{file_type}.gguf"
    if not os.path.exists(path):
        subprocess.run([args.hone, "convert", folder, "-o", path, "--type", file_type], check=True,
                       stderr=subprocess.DEVNULL)
    return path


# ---- turns ----

def start(args, folder):
    workers = {}
    for engine in args.engines.split(","):
        job = {"task": "complete", "engine": engine, "model": folder, "threads": args.threads, "hone_header": args.header,
               "cache": f"{args.work}/{SHAPE}", "hone_library": args.library}
        if engine.startswith("hone-"):
            job["gguf"] = gguf_file(args, folder, engine[len("hone-"):])
        try:
            workers[engine] = turns.Worker(engine, job, f"{args.work}/log-complete-{engine}.txt")
            turns.say(f"  {engine}: ready ({workers[engine].version})")
        except RuntimeError as error:
            turns.say(f"  {engine}: skipped: {error}")
    return workers


def measure(args, folder):
    """case -> engine -> its turns."""
    texts = texts_of(folder, (args.reps + 1) * sum(CASES.values()))
    results = {case: {} for case in CASES}
    workers = start(args, folder)
    try:
        for rep in range(args.reps + 1):  # the first warms up
            for case, n in CASES.items():
                mine, texts = texts[:n], texts[n:]
                for engine, worker in workers.items():
                    command = {"texts": mine, "new": N_NEW}
                    if rep == 0:
                        worker.do(**command)
                    else:
                        results[case].setdefault(engine, []).append(turns.turn(worker, **command))
            turns.say(f"  round {rep} of {args.reps}")
    finally:
        for worker in workers.values():
            worker.close()
    return results


def measure_process(args, folder):
    """Turns of hone generate: seconds from its start to its end, and its most memory."""
    out, path = [], gguf_file(args, folder, "q8_0")
    for text in texts_of(folder, args.reps + 1):
        begin = time.perf_counter()
        process = subprocess.Popen([args.hone, "generate", "-m", path, "-p", text, "-n", str(N_NEW), "--temp", "0",
                                    "--ignore-eos", "-t", str(args.threads)], stdout=subprocess.DEVNULL)
        _, process.returncode, usage = os.wait4(process.pid, 0)
        out.append({"seconds": time.perf_counter() - begin, "peak_rss_mib": usage.ru_maxrss / 1024,
                    "cpu_seconds": usage.ru_utime + usage.ru_stime})
    return out[1:]


# ---- what came of it ----

def table(results, process):
    lines = []
    for case, by_engine in results.items():
        lines.append(f"{case}: ms from text to text, of processor time; tokens/s; how many times as fast hone is")
        seconds = {engine: [answer["seconds"] for answer in answers] for engine, answers in by_engine.items()}
        for engine, answers in sorted(by_engine.items(), key=lambda item: statistics.median(seconds[item[0]])):
            median = statistics.median(seconds[engine])
            cpu = statistics.median(answer["cpu_seconds"] for answer in answers)
            ratios = "".join(f"  {other} {turns.ratio(seconds[other], seconds[engine]):.2f}"
                             for other in seconds if other.startswith("hone-") and other != engine)
            lines.append(f"  {engine:18}{median * 1e3:9.1f}{cpu * 1e3:9.1f}{CASES[case] * N_NEW / median:9.1f}{ratios}")
    if process:
        lines.append(f"hone generate as a process: {statistics.median(t['seconds'] for t in process) * 1e3:.1f} ms, "
                     f"{max(t['peak_rss_mib'] for t in process):.0f} MiB")
    return "\n".join(lines)


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engines", default=",".join(completers.PEERS), help="names, separated by commas; default: all")
    parser.add_argument("--process", action="store_true", help="hone as a process for each text, too")
    turns.add_options(parser, 5)
    return parser.parse_args()


def main():
    args = options()
    folder = shapes.folder_of(SHAPE, f"{args.work}/models")
    results = measure(args, folder)
    process = measure_process(args, folder) if args.process else []
    print(table(results, process))
    with open(f"{args.work}/complete.json", "w") as file:
        json.dump({"machine": turns.machine(), "date": time.strftime("%Y-%m-%d"), "threads": args.threads, "shape": SHAPE,
                   "limits": turns.limits(args.hone, args.threads), "cases": results, "process": process}, file, indent=1)


if __name__ == "__main__":
    sys.exit(main())
