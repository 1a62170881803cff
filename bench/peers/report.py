"""Writes the tables and pictures of docs/performance.md anew: python report.py [MEASURED.json]...

The files, which encode.py and generate.py have left in build/peers/, are kept in docs/measurements/ from then on. The page
says where a table belongs: <!-- measured NAME --> and <!-- end --> stand around it, NAME.json is what it shows.
"""
import json
import os
import re
import shutil
import sys

import turns

sys.path.insert(1, os.path.join(turns.ROOT, "bench"))
import chart  # noqa: E402

DOCS = os.path.join(turns.ROOT, "docs")
KEPT = os.path.join(DOCS, "measurements")
PICTURES = {"encode-minilm": "peers"}  # the others have their names
TITLES = {"minilm": "all-MiniLM-L6-v2", "xlm-r-base": "XLM-R-base", "bert-large": "BERT-large", "qwen3-0.6b": "Qwen3-0.6B",
          "llama-3.2-3b": "Llama-3.2-3B"}
NAMES = {"-bf16": " bf16", "-int8": " int8", "-int4": " int4", "-f32": " f32", "int8 bf16": "int8, computed in bf16",
         "int4 bf16": "int4, computed in bf16", "-": " ", "openvino": "OpenVINO", "onnxruntime": "ONNX Runtime",
         "ctranslate2": "CTranslate2", "pytorch": "PyTorch"}
TASKS = {"embed": ("embeddings", "texts"), "score": ("cross-encoder", "pairs")}


def name_of(engine):
    """As people write it, and what an engine that is not told apart by its weights computes with."""
    for word, name in NAMES.items():
        engine = engine.replace(word, name)
    return engine


def machine_of(measured):
    m, limits = measured["machine"], measured.get("limits") or next(iter(measured["types"].values()))["limits"]
    return (f"{m['cpu']}, family {m['family']} model {m['model']}; threads: {measured['threads']}, {measured['date']}; limits "
            f"{limits['int8_gop_s']:.0f} GOP/s in int8, {limits['memory_gb_s']:.1f} GB/s from memory")


def markdown(head, rows):
    """Rows whose first cell is hone's are bold."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for row in rows:
        mark = "**" if row[0].startswith("hone") else ""
        lines.append("| " + " | ".join([mark + row[0] + mark, mark + row[1] + mark, *row[2:]]) + " |")
    return "\n".join(lines)


# ---- texts ----

def texts_table(measured, task):
    results, work, limits = measured["tasks"][task], measured["work"][task], measured["limits"]
    ours, unit = results["hone-int8"]["seconds"], TASKS[task][1]
    kind = "difference of a logit" if task == "score" else "cosine"
    rows = []
    for engine, r in sorted(results.items(), key=lambda item: -item[1]["per_s"]):
        tokens_s, close = work["tokens"] * r["per_s"] / measured["n_inputs"], r["accuracy"]
        limit = limits.get(engine.replace("hone-", "") + "_gop_s") if engine.startswith("hone-") else None
        rows.append([name_of(engine), f"{r['per_s']:.1f}", f"{tokens_s:.0f}",
                     f"{tokens_s / work['tokens'] * work['operations'] / limit / 1e9:.0%}" if limit else "",
                     f"{turns.ratio(ours, r['seconds']):.2f}" if engine != "hone-int8" else "",
                     *([f"{close['mean']:.5f}", f"{close['worst']:.5f}"] if close else ["", ""])])
    return markdown(["engine", f"{unit}/s", "tokens/s", "of the limit", "hone int8 is times", f"{kind}, mean", "worst"], rows)


def texts_panel(measured, task, title):
    rows = []
    for engine, r in measured["tasks"][task].items():
        label, close = f"{r['per_s']:.0f}", r["accuracy"]
        if close and abs(close["worst"] - (close["kind"] == "cosine")) > 1e-4:  # otherwise as good as float32
            label += f"   {close['kind']} {close['mean']:.4f}, worst {close['worst']:.4f}"
        rows.append((name_of(engine), r["per_s"], label))
    return f"{title}, {TASKS[task][0]}: {TASKS[task][1]} per second", rows


# ---- generation ----

def generation_table(file_type, measured):
    """Engines by what is measured: tokens a second, and of hone the share of the limit."""
    parts = measured["summary"].values()
    rows = []
    for engine, result in measured["engines"].items():
        row = [name_of(engine)]
        for by_engine in parts:
            r = by_engine[engine]
            row.append(f"{r['tokens_s']:.1f}" + (f" ({r['share']:.0%} of the limit)" if engine == "hone" and r["share"] else
                                                 f" (hone: {r['times']:.2f} times)" if engine != "hone" else ""))
        rows.append(row)
    return markdown([f"{file_type.upper()}, tokens/s", *measured["summary"]], rows) + "\n\n" + opening(measured["opening"])


def opening(o):
    return (f"Ready after {o['first']['open_ms']:.0f} ms where the file is opened for the first time, {o['again']['open_ms']:.0f} "
            f"ms later. At most {o['peak_rss_bytes'] / 1e6:.0f} MB resident, the file has "
            f"{o['file_bytes'] / 1e6:.0f} MB.")


def generation_panels(measured):
    for file_type, m in measured["types"].items():
        for part, by_engine in m["summary"].items():
            yield (f"{TITLES[measured['shape']]} {file_type.upper()}, {part}: tokens/s", [
                (name_of(engine), r["tokens_s"],
                 f"{r['tokens_s']:.0f}" + (f"   {r['share']:.0%} of the limit" if r["share"] and engine == "hone" else ""))
                for engine, r in by_engine.items()])


# ---- the page ----

def table(measured, stem):
    if "types" in measured:
        tables = [generation_table(file_type, m) for file_type, m in measured["types"].items()]
    else:
        tables = [texts_table(measured, task) for task in measured["tasks"]]
    return "\n\n".join([machine_of(measured) + ".", *tables, f"![The same as bars]({PICTURES.get(stem, stem)}.svg)"])


def picture(measured, path):
    if "types" in measured:
        panels, footer = list(generation_panels(measured)), "random weights"
    else:
        title = TITLES[measured["shape"] or "minilm"]
        panels = [texts_panel(measured, task, title) for task in measured["tasks"]]
        footer = (f"{measured['n_inputs']} Debian package descriptions of mixed length, tokenization included\nNAME:N computes "
                  "batches of N texts, sorted by length; a number not followed by an accuracy is as exact as float32")
    chart.draw_bars(path, panels, machine_of(measured) + "\n" + footer)


def main():
    os.makedirs(KEPT, exist_ok=True)
    for path in sys.argv[1:]:
        shutil.copy(path, KEPT)
    page = f"{DOCS}/performance.md"
    with open(page) as file:
        text = file.read()
    for name in sorted(os.listdir(KEPT)):
        with open(f"{KEPT}/{name}") as file:
            measured = json.load(file)
        stem = name.removesuffix(".json")
        picture(measured, f"{DOCS}/{PICTURES.get(stem, stem)}.svg")
        text = re.sub(rf"(<!-- measured {re.escape(stem)} -->\n).*?(<!-- end -->)",
                      lambda marks: f"{marks[1]}{table(measured, stem)}\n{marks[2]}", text, flags=re.S)
    with open(page, "w") as file:
        file.write(text)


if __name__ == "__main__":
    main()
