"""Measures hone and other CPU engines that read a text with an encoder and write another with a decoder, side by side, in
turns, in one run, from text to text, with random weights (shapes.py): CodeT5+ 220m's shape, 64 tokens in, 50 out, or
with --shape marian-base a translating model's (OPUS-MT), sentences of 12 to 30 words in, 30 tokens out.

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

N_PROMPT = 64  # tokens of a piece of code
WORDS = range(12, 31)  # of a sentence


def pieces_of_code(folder):
    """Of Python's own library, N_PROMPT tokens each."""
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
    return out


def sentences(_folder):
    """Of Debian's package descriptions, each once."""
    found = [sentence + "." for text in shapes.sample() for sentence in text.removesuffix(".").split(". ")]
    return list(dict.fromkeys(sentence for sentence in found if len(sentence.split()) in WORDS))


# shape: texts, tokens that each is answered with, how many texts at once, engines
SHAPES = {
    "codet5p-220m": (pieces_of_code, 50, {"one text": 1, "eight texts at once": 8},
                     "hone-q8_0,hone-q4_0,ctranslate2-int8,ctranslate2-f32,pytorch-f32"),
    "marian-base": (sentences, 30, {"one sentence": 1, "32 sentences at once": 32},
                    "hone-q8_0,ctranslate2-int8,ctranslate2-f32"),
}


def gguf_file(args, folder, file_type):
    path = f"{args.work}/{args.shape}-{file_type}.gguf"
    if not os.path.exists(path):
        subprocess.run([args.hone, "convert", folder, "-o", path, "--type", file_type], check=True,
                       stderr=subprocess.DEVNULL)
    return path


# ---- turns ----

def start(args, folder):
    workers = {}
    for engine in args.engines.split(","):
        job = {"task": "complete", "engine": engine, "model": folder, "threads": args.threads, "hone_header": args.header,
               "cache": f"{args.work}/{args.shape}", "hone_library": args.library}
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
    texts = args.texts(folder)
    assert len(texts) >= (args.reps + 1) * sum(args.cases.values()), f"{len(texts)} texts"
    results = {case: {} for case in args.cases}
    workers = start(args, folder)
    try:
        for rep in range(args.reps + 1):  # the first warms up
            for case, n in args.cases.items():
                mine, texts = texts[:n], texts[n:]
                for engine, worker in workers.items():
                    command = {"texts": mine, "new": args.new}
                    if rep == 0:
                        worker.do(**command)
                    else:
                        results[case].setdefault(engine, []).append(turns.turn(worker, args.tries, **command))
            turns.say(f"  round {rep} of {args.reps}")
    finally:
        for worker in workers.values():
            worker.close()
    return results


def measure_process(args, folder):
    """Turns of hone generate: seconds from its start to its end, and its most memory."""
    out, path = [], gguf_file(args, folder, "q8_0")
    for text in args.texts(folder)[:args.reps + 1]:
        begin = time.perf_counter()
        process = subprocess.Popen([args.hone, "generate", "-m", path, "-p", text, "-n", str(args.new), "--temp", "0",
                                    "--ignore-eos", "-t", str(args.threads)], stdout=subprocess.DEVNULL)
        _, process.returncode, usage = os.wait4(process.pid, 0)
        out.append({"seconds": time.perf_counter() - begin, "peak_rss_mib": usage.ru_maxrss / 1024,
                    "cpu_seconds": usage.ru_utime + usage.ru_stime})
    return out[1:]


# ---- what came of it ----

def table(args, results, process):
    lines = []
    for case, by_engine in results.items():
        lines.append(f"{case}: ms from text to text, of processor time; tokens/s; how many times as fast hone is")
        seconds = {engine: [answer["seconds"] for answer in answers] for engine, answers in by_engine.items()}
        for engine, answers in sorted(by_engine.items(), key=lambda item: statistics.median(seconds[item[0]])):
            median = statistics.median(seconds[engine])
            cpu = statistics.median(answer["cpu_seconds"] for answer in answers)
            ratios = "".join(f"  {other} {turns.ratio(seconds[other], seconds[engine]):.2f}"
                             for other in seconds if other.startswith("hone-") and other != engine)
            lines.append(f"  {engine:18}{median * 1e3:9.1f}{cpu * 1e3:9.1f}{args.cases[case] * args.new / median:9.1f}{ratios}")
    if process:
        lines.append(f"hone generate as a process: {statistics.median(t['seconds'] for t in process) * 1e3:.1f} ms, "
                     f"{max(t['peak_rss_mib'] for t in process):.0f} MiB")
    return "\n".join(lines)


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", default="codet5p-220m", choices=SHAPES, help="(default codet5p-220m)")
    parser.add_argument("--engines", help="names, separated by commas, of " + ", ".join(completers.PEERS))
    parser.add_argument("--process", action="store_true", help="hone as a process for each text, too")
    turns.add_options(parser, 5)
    args = parser.parse_args()
    args.texts, args.new, args.cases, engines = SHAPES[args.shape]
    args.engines = args.engines or engines
    return args


def main():
    args = options()
    folder = shapes.folder_of(args.shape, f"{args.work}/models")
    results = measure(args, folder)
    process = measure_process(args, folder) if args.process else []
    print(table(args, results, process))
    with open(f"{args.work}/complete-{args.shape}.json", "w") as file:
        json.dump({"machine": turns.machine(), "date": time.strftime("%Y-%m-%d"), "threads": args.threads, "shape": args.shape,
                   "limits": turns.limits(args.hone, args.threads), "cases": results, "process": process}, file, indent=1)


if __name__ == "__main__":
    sys.exit(main())
