"""Measures hone and other CPU engines side by side on the same texts, in turns, in one run.

A turn (turns.py) is one pass over all inputs, tokenization included.
"""
import argparse
import hashlib
import json
import os
import statistics
import subprocess
import sys
import time

import numpy as np

import engines
import hone
import shapes
import texts
import turns

ROOT = turns.ROOT
REFERENCE = "pytorch-f32"
LARGE = "hone-int8,openvino-int8:32,openvino-int8:8,hone-bf16,openvino-bf16:8,onnxruntime-int8:8,hone-f32,pytorch-f32:8"


class Contender:
    """An engine with one batch size: a row of the table."""

    def __init__(self, worker, batch, saved, warm_up, tries):
        self.worker, self.batch, self.saved, self.tries = worker, batch, saved, tries
        self.name = f"{worker.engine}:{batch}" if batch else worker.engine
        worker.do(batch=batch, **{"pass": warm_up})
        self.memory = worker.do(save=saved)["peak_rss_mib"]
        self.seconds, self.others = [], []

    def turn(self):
        answer = turns.turn(self.worker, self.tries, batch=self.batch, **{"pass": 1})
        self.seconds.append(answer["seconds"])
        self.others.append(answer["others"])

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
            worker = turns.Worker(engine, job, f"{args.work}/log-{task}-{engine}.txt")
            contenders += [Contender(worker, batch, f"{args.work}/out-{task}-{engine}-{batch}.npy", args.warm_up,
                                     args.tries)
                           for batch in batches or worker.batches]
            turns.say(f"  {engine}: ready ({worker.version})")
        except RuntimeError as error:
            turns.say(f"  {engine}: skipped: {error}")
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
    turns.say(f"{task}: loading and warming up")
    contenders = start(args, task, wanted, job)
    try:
        for rep in range(args.reps):
            for contender in contenders:
                contender.turn()
            turns.say(f"  round {rep + 1} of {args.reps}")
    finally:
        for contender in contenders:
            contender.worker.close()
    reference = next((np.load(c.saved) for c in contenders if c.worker.engine == REFERENCE), None)
    return {contender.name: contender.result(n_inputs, reference) for contender in contenders}


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
                     *(f"{turns.ratio(results[our]['seconds'], r['seconds']):.2f}" for our in ours),
                     *((f"{close['mean']:.6f}", f"{close['worst']:.6f}") if close else ("", "")),
                     f"{statistics.median(r['others']):.1%}"])
    widths = [max(map(len, column)) for column in zip(head, *rows)]
    return "\n".join("  ".join(cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths)))
                     for row in [head, *rows])


def shares(report, task):
    """A line for each mode of hone: of what the machine can do with numbers of its kind, dense layers alone."""
    work, limits = report["work"][task], report["limits"]
    for name, result in report["tasks"][task].items():
        limit = limits.get(name.replace("hone-", "") + "_gop_s")
        if name.startswith("hone-") and limit:
            seconds = statistics.median(result["seconds"])
            yield (f"{name}: {work['tokens'] / seconds:.0f} tokens/s, dense layers at "
                   f"{work['operations'] / seconds / limit / 1e9:.1%} of the limit")


def start_up(program, model, reps):
    """Milliseconds from starting the program to its end: it opens the model and embeds one short text."""
    times = []
    for _ in range(reps):
        begin = time.perf_counter()
        subprocess.run([program, "embed", "-m", model, "-o", "/dev/null", "-"], input=b"a text editor\n", check=True,
                       stderr=subprocess.DEVNULL)
        times.append((time.perf_counter() - begin) * 1e3)
    return times


def work_of(folder, inputs, max_length):
    """Tokens of all inputs, and the operations that the dense layers take for them: a multiply-add is two."""
    import tokenizers
    tokenizer = tokenizers.Tokenizer.from_file(f"{folder}/tokenizer.json")
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_length)
    tokens = sum(len(e) for e in tokenizer.encode_batch([tuple(i) if isinstance(i, list) else i for i in inputs]))
    with open(f"{folder}/config.json") as file:
        c = json.load(file)
    weights = c["num_hidden_layers"] * c["hidden_size"] * (4 * c["hidden_size"] + 2 * c["intermediate_size"])
    return {"tokens": tokens, "operations": 2 * weights * tokens}


def hone_models(args, folders):
    """f32 GGUF files of the folders, by hone's own converter; the folder where there is no program."""
    models = {}
    for task, folder in folders.items():
        models[task] = f"{args.work}/{args.shape or task}/hone-f32.gguf"
        if not os.path.exists(models[task]):
            os.makedirs(os.path.dirname(models[task]), exist_ok=True)
            done = subprocess.run([args.hone, "convert", folder, "-o", models[task], "--type", "f32"],
                                  stderr=subprocess.DEVNULL, check=False) if os.path.exists(args.hone) else None
            if done is None or done.returncode:
                models[task] = folder
    return models


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", help="xlm-r-base, bert-large or deberta-v3-base (which scores pairs), with random "
                                        "weights; 64 texts and the fastest engines if nothing else is said")
    parser.add_argument("--engines", help="NAME or NAME:BATCH, separated by commas; default: all")
    turns.add_options(parser, 7)
    parser.add_argument("--warm-up", type=int, default=2, help="passes before the first turn (default 2)")
    parser.add_argument("--quick", action="store_true", help="3 rounds after 1 warm-up pass")
    parser.add_argument("--limit", type=int, help="only the first N texts")
    parser.add_argument("--max-length", type=int, default=256, help="tokens a text or pair (default 256)")
    parser.add_argument("--model", default=None, help="Sentence-Transformers folder; default: all-MiniLM-L6-v2 from PyPI")
    parser.add_argument("--reranker", help="folder of a BERT cross-encoder; without it no pairs are measured")
    parser.add_argument("--no-embed", action="store_true", help="measure only the pairs")
    parser.add_argument("--data", default=f"{ROOT}/data/peers/texts.json")
    parser.add_argument("--list", action="store_true", help="names of the engines, and stop")
    args = parser.parse_args()
    if args.quick:
        args.reps, args.warm_up = 3, 1
    if args.shape:
        args.engines, args.limit = args.engines or LARGE, args.limit or 64
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
    folders = {} if args.no_embed else {"score" if args.shape in shapes.RERANKERS else "embed": args.model or (
        shapes.folder_of(args.shape, f"{args.work}/models") if args.shape else shapes.minilm())}
    if args.reranker:
        folders["score"] = os.path.abspath(args.reranker)
    n_inputs = len(data["texts"][:args.limit])
    report = {"machine": turns.machine(), "date": time.strftime("%Y-%m-%d"), "threads": args.threads, "n_inputs": n_inputs,
              "texts_sha256": hashlib.sha256(json.dumps(data).encode()).hexdigest(), "tasks": {},
              "shape": args.shape, "limits": turns.limits(args.hone, args.threads), "work": {}}
    models = hone_models(args, folders)
    for task, folder in folders.items():
        inputs = data["pairs" if task == "score" else "texts"][:args.limit]
        report["work"][task] = work_of(folder, inputs, args.max_length)
        job = {"task": task, "model": folder, "cache": f"{args.work}/{args.shape or task}", "sources": f"{args.work}/sources",
               "data": args.data, "limit": args.limit, "threads": args.threads, "max_length": args.max_length,
               "hone_model": models[task], "hone_library": args.library, "hone_header": args.header}
        able = {engine: batches for engine, batches in wanted.items() if task in known[engine].tasks}
        report["tasks"][task] = measure(args, task, able, job, n_inputs)
        print(f"\n{task}: {folder}\n\n{table(task, report['tasks'][task])}\n")
        print("\n".join(shares(report, task)))
    if "embed" in models and os.path.exists(args.hone):
        report["start_up_ms"] = start_up(args.hone, models["embed"], 21)
        print(f"hone, start to end with one short text: {statistics.median(report['start_up_ms']):.1f} ms (median of 21)")
    with open(f"{args.work}/encode-{args.shape or 'minilm'}.json", "w") as file:
        json.dump(report, file, indent=1)


if __name__ == "__main__":
    main()
