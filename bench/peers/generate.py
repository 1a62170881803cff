"""Measures hone and other CPU engines that generate text, side by side, in turns, in one run.

Weights are random, the shape is a real model's (shapes.py). hone and llama.cpp read the same GGUF file; OpenVINO gets the
same weights, compressed by its own tools. A turn (turns.py) is a prompt and what follows it, or several at once; every
engine computes the same ids, and no prompt comes twice.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import generators
import shapes
import turns

CASES = {  # sequences at once, tokens of each prompt, new tokens of each
    "128": {"sequences": 1, "prompt": 128, "new": 65},
    "512": {"sequences": 1, "prompt": 512, "new": 1},
    "8 x 128": {"sequences": 8, "prompt": 128, "new": 65},
}
LONG = {"8192": {"sequences": 1, "prompt": 8192, "new": 33}}  # with --long
PARTS = {"prompt of 128": ("128", "prompt"), "prompt of 512": ("512", "prompt"), "8 prompts of 128": ("8 x 128", "prompt"),
         "generation": ("128", "generation"), "generation, 8 at once": ("8 x 128", "generation")}
LONG_PARTS = {"prompt of 8192": ("8192", "prompt"), "generation behind it": ("8192", "generation")}
MOST_IDS = 100000
OURS = "hone"


# ---- files ----

def gguf_file(args, folder, file_type):
    """The shape's file of that type, by hone's own converter."""
    def made(path, *command):
        if not os.path.exists(path):
            subprocess.run([args.hone, *command], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return path
    stem = os.path.join(args.work, args.shape)
    if file_type == "q8_0":
        return made(f"{stem}-q8_0.gguf", "convert", folder, "-o", f"{stem}-q8_0.gguf", "--type", "q8_0")
    whole = made(f"{stem}-f16.gguf", "convert", folder, "-o", f"{stem}-f16.gguf", "--type", "f16")
    return made(f"{stem}-{file_type}.gguf", "quantize", whole, f"{stem}-{file_type}.gguf", file_type)


def work_of(path):
    """What a token costs: weights in layers and in the head, of experts those that it goes through; and the bytes that a
    token reads which comes alone: of both, of a recurrent state, which it also writes, and of each token before it."""
    import gguf
    reader = gguf.GGUFReader(path)
    values = {key.split(".", 1)[-1]: field.contents() for key, field in reader.fields.items() if "tokenizer" not in key}
    matrices = {t.name: t for t in reader.tensors if len(t.shape) > 1}
    embedding = matrices.pop("token_embd.weight")
    head = matrices.pop("output.weight", embedding)
    used = values.get("expert_used_count", 0) / values.get("expert_count", 1)
    share = {name: used if "_exps." in name else 1 for name in matrices}
    return {"layers": int(sum(t.n_elements * share[t.name] for t in matrices.values())), "head": int(head.n_elements),
            "bytes": int(sum(t.n_bytes * share[t.name] for t in matrices.values()) + head.n_bytes),
            "state_bytes": 2 * state_bytes(values, matrices), "kv_bytes": kv_bytes(values, matrices)}


def state_bytes(values, matrices):
    """Of layers with heads of a state; what a short convolution looks back on is nothing beside them."""
    layers = sum(name.endswith("ssm_out.weight") for name in matrices)
    return 4 * layers * values.get("ssm.state_size", 0) * values.get("ssm.inner_size", 0)


def kv_bytes(values, matrices):
    """Of a token's keys and values as halves."""
    widths = [matrices[name].shape[1] for name in matrices if name.endswith("attn_k.weight")]
    if not widths:  # queries, keys and values are one matrix
        widths = [(t.shape[1] - t.shape[0]) / 2 for name, t in matrices.items() if name.endswith("attn_qkv.weight")]
    return int(sum(2 * 2 * width for width in widths))


def opening(args, path):
    """hone alone, as a program that computes a prompt of 128 tokens and 16 more: milliseconds until the model is ready
    where it was never opened before and where it was; and the most memory that it takes then."""
    out = {"file_bytes": os.path.getsize(path)}
    ids = " ".join(str(1000 + 7 * i) for i in range(128))
    threads = ["-t", str(args.threads)]
    with tempfile.TemporaryDirectory(dir=args.work) as cache:
        env = dict(os.environ, XDG_CACHE_HOME=os.path.abspath(cache))
        for when in ("first", "again"):
            bench = subprocess.run([args.hone, "bench", "model", "-m", path, "--json", "--prompt", "8", "--gen", "1", *threads],
                                   check=True, stdout=subprocess.PIPE, env=env)
            out[when] = {"open_ms": json.loads(bench.stdout)["open_s"] * 1e3}
        process = subprocess.Popen([args.hone, "generate", "-m", path, "--ids", ids, "-n", "16", "--ignore-eos", *threads],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env)
        while process.poll() is None:
            out["peak_rss_bytes"] = peak_memory(process.pid) or out.get("peak_rss_bytes")
            time.sleep(0.002)
        if process.returncode:
            raise RuntimeError(f"hone generate failed with {path}")
    return out


def peak_memory(pid):
    """Of a process that runs; 0 where it has just ended. getrusage would tell of the one that started it, too."""
    with open(f"/proc/{pid}/status") as file:
        return sum(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM:"))


# ---- turns ----

def start(args, job, wanted):
    workers = {}
    for engine in wanted:
        try:
            workers[engine] = turns.Worker(engine, job, f"{args.work}/log-generate-{job['file_type']}-{engine}.txt")
            for case in args.cases.values():
                workers[engine].do(**dict(case, prompt=min(case["prompt"], 512), new=2), ids=args.ids, seed=0)
            turns.say(f"  {engine}: ready ({workers[engine].version})")
        except RuntimeError as error:
            workers.pop(engine, None)
            turns.say(f"  {engine}: skipped: {error}")
    return workers


def measure(args, job, wanted):
    """engine -> version, memory and, by case, its turns."""
    turns.say(f"{job['file_type']}: loading and warming up")
    workers = start(args, job, wanted)
    results = {engine: {"version": worker.version, "turns": {case: [] for case in args.cases}}
               for engine, worker in workers.items()}
    try:
        for rep in range(args.reps):
            for i, (case, command) in enumerate(args.cases.items()):
                for engine, worker in workers.items():
                    answer = turns.turn(worker, args.tries, **command, ids=args.ids, seed=1 + rep * len(args.cases) + i)
                    results[engine]["turns"][case].append(answer)
            turns.say(f"  round {rep + 1} of {args.reps}")
    finally:
        for worker in workers.values():
            worker.close()
    return results


# ---- what came of it ----

def rates(case, answers):
    """Tokens a second of the prompt, and of the generation, each a turn."""
    n_prompt, n_new = case["sequences"] * case["prompt"], case["sequences"] * (case["new"] - 1)
    return {"prompt": [n_prompt / a["prompt_seconds"] for a in answers],
            "generation": [n_new / a["generation_seconds"] for a in answers] if n_new else None}


def summarise(args, results, work, limits):
    """part -> engine -> tokens_s (median), share of the limit, times (ours by it, turn by turn)."""
    out = {}
    for name, (case, part) in (PARTS | (LONG_PARTS if args.long else {})).items():
        speeds = {engine: rates(args.cases[case], result["turns"][case])[part] for engine, result in results.items()}
        out[name] = {engine: {"tokens_s": statistics.median(speed),
                              "share": share(args.cases[case], part, statistics.median(speed), work, limits),
                              "times": turns.ratio(speed, speeds[OURS]) if OURS in speeds else None}
                     for engine, speed in speeds.items()}
    return out


def share(case, part, tokens_s, work, limits):
    """Of the int8 limit, where many tokens come at once; of the memory's bandwidth, where one comes alone."""
    if part == "prompt":
        return 2 * (work["layers"] + work["head"] / case["prompt"]) * tokens_s / (limits["int8_gop_s"] * 1e9)
    context = case["prompt"] + case["new"] / 2
    read = work["bytes"] + work["state_bytes"] + context * work["kv_bytes"]
    return read * tokens_s / (limits["memory_gb_s"] * 1e9) if case["sequences"] == 1 else None


def table(summary):
    engines = list(next(iter(summary.values())))
    lines = []
    for part, by_engine in summary.items():
        lines += [part, *(f"  {engine:22}{r['tokens_s']:9.1f} tokens/s"
                          + (f"  {r['share']:6.1%} of the limit" if r["share"] else " " * 22)
                          + (f"  {OURS} {r['times']:.2f} times" if r["times"] and engine != OURS else "")
                          for engine, r in sorted(by_engine.items(), key=lambda item: -item[1]["tokens_s"]))]
    return "\n".join(lines)


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", default="qwen3-0.6b", help=f"{', '.join(shapes.GENERATORS)} (default qwen3-0.6b)")
    parser.add_argument("--types", default="q8_0,q4_k_m", help="of the GGUF file's weights (default q8_0,q4_k_m)")
    parser.add_argument("--engines", help="names, separated by commas; default: all")
    parser.add_argument("--long", action="store_true", help="also a prompt of 8,192 tokens and what follows it")
    turns.add_options(parser, 5)
    args = parser.parse_args()
    args.cases = CASES | (LONG if args.long else {})
    return args


def main():
    args = options()
    folder = shapes.folder_of(args.shape, f"{args.work}/models")
    with open(f"{folder}/config.json") as file:
        args.ids = min(json.load(file)["vocab_size"], MOST_IDS)
    report = {"machine": turns.machine(), "date": time.strftime("%Y-%m-%d"), "threads": args.threads,
              "shape": args.shape, "cases": args.cases, "types": {}}
    for file_type in args.types.split(","):
        path = gguf_file(args, folder, file_type)
        known = generators.PEERS[file_type]
        wanted = [name for name in args.engines.split(",") if name in known] if args.engines else known
        job = {"task": "generate", "file_type": file_type, "model": folder, "gguf": path, "threads": args.threads,
               "cache": f"{args.work}/{args.shape}", "hone_library": args.library, "hone_header": args.header}
        limits, work = turns.limits(args.hone, args.threads), work_of(path)
        results = measure(args, job, wanted)
        summary = summarise(args, results, work, limits)
        report["types"][file_type] = {"limits": limits, "work": work, "opening": opening(args, path),
                                      "engines": results, "summary": summary}
        print(f"\n{args.shape} {file_type}: {limits['int8_gop_s']:.0f} GOP/s in int8, {limits['memory_gb_s']:.1f} GB/s "
              f"from memory\n\n{table(summary)}\n")
        print(f"opening: {report['types'][file_type]['opening']}")
        with open(f"{args.work}/generate-{args.shape}.json", "w") as file:
            json.dump(report, file, indent=1)


if __name__ == "__main__":
    sys.exit(main())
