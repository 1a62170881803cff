#!/usr/bin/env python3
"""Tokenizes Debian's package descriptions with hone and with Hugging Face's tokenizers, by turns, each on one thread.
Processor time counts, of each side its best round. The ids must be the same.

usage: tokenizer.py [--rounds N] [--every N] [--texts FILE] [TOKENIZER.json ...]

Without arguments: MiniLM's WordPiece (make demo puts it into models/), Llama 3's byte-level BPE and XLM-R's Unigram,
both made from the GGUF vocabularies in HONE_SHARED (../shared)/vocab where they are there.
"""
import argparse
import base64
import json
import os
import pathlib
import subprocess
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
import tokenizers  # noqa: E402

OUT = pathlib.Path("build/tokenizer-bench")
SHARED = pathlib.Path(os.environ.get("HONE_SHARED", "../shared")) / "vocab"
BENCH = os.environ.get("BENCH", "build/bench/tokenizer")
LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def gguf_fields(path):
    import gguf

    return {k: f.contents() for k, f in gguf.GGUFReader(path).fields.items() if k.startswith("tokenizer.")}


def byte_level(f):
    tokens, types = f["tokenizer.ggml.tokens"], f["tokenizer.ggml.token_type"]
    return {
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": LLAMA3}, "behavior": "Isolated", "invert": False},
            {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}]},
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": {"type": "BPE", "ignore_merges": True, "merges": [m.split(" ") for m in f["tokenizer.ggml.merges"]],
                  "vocab": {t: i for i, t in enumerate(tokens) if types[i] == 1}},
    }  # fmt: skip


def unigram(f):
    scores = f["tokenizer.ggml.scores"]
    n = sum(t != 5 for t in f["tokenizer.ggml.token_type"])
    charsmap = base64.b64encode(bytes(f["tokenizer.ggml.precompiled_charsmap"])).decode()
    metaspace = {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": True}
    return {
        "normalizer": {"type": "Precompiled", "precompiled_charsmap": charsmap},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, metaspace]},
        "decoder": metaspace,
        "model": {"type": "Unigram", "unk_id": f["tokenizer.ggml.unknown_token_id"], "byte_fallback": False,
                  "vocab": list(zip(f["tokenizer.ggml.tokens"][:n], map(float, scores[:n])))},
    }  # fmt: skip


def standard():
    """Paths of tokenizer.json files."""
    OUT.mkdir(parents=True, exist_ok=True)
    paths = sorted(pathlib.Path("models").glob("*MiniLM*/**/tokenizer.json"))[:1]
    for name, make in (("llama-bpe", byte_level), ("nomic-bert-moe", unigram)):
        path, source = OUT / (name + ".json"), SHARED / (name + ".gguf")
        if not path.exists() and source.exists():
            empty = dict.fromkeys(("truncation", "padding", "normalizer", "post_processor"))
            spec = {"version": "1.0", **empty, "added_tokens": [], **make(gguf_fields(source))}
            path.write_text(json.dumps(spec, ensure_ascii=False))
        if path.exists():
            paths.append(path)
        else:
            print(f"{source} is not there: left out")
    return paths


def hone(path, texts):
    return json.loads(subprocess.run([BENCH, path, texts, "1"], check=True, stdout=subprocess.PIPE).stdout)


def peer(tokenizer, documents):
    start = time.thread_time()
    encodings = tokenizer.encode_batch_fast(documents, add_special_tokens=False)
    return time.thread_time() - start, sum(map(len, encodings))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--every", type=int, default=8, help="take every Nth description")
    parser.add_argument("--texts", default="data/packages.txt")
    parser.add_argument("tokenizers", nargs="*")
    args = parser.parse_args()
    lines = pathlib.Path(args.texts).read_text(encoding="utf-8", errors="replace").split("\n")
    documents = [line for line in lines[:: args.every] if line]
    texts = "\n\n".join(documents)
    size = len(texts.encode())
    paths = args.tokenizers or standard()
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "texts.txt").write_text(texts, encoding="utf-8")
    print(f"{len(documents)} texts, {size / 1e6:.1f} MB, one thread; tokenizers {tokenizers.__version__}")
    print(f"{'MB/s':>48} {'hone':>8} {'HF':>8} {'ratio':>8}")
    for path in paths:
        other = tokenizers.Tokenizer.from_file(str(path))
        other.no_truncation()
        other.no_padding()
        ours, theirs, same = 0, 0, True
        for _ in range(args.rounds):
            result, (seconds, n) = hone(path, OUT / "texts.txt"), peer(other, documents)
            ours, theirs = max(ours, result["mb_s"]), max(theirs, size / seconds * 1e-6)
            same = same and result["ids"] == n
        kind = json.loads(other.to_str())["model"]["type"]
        note = "" if same else "   other ids!"
        print(f"{str(path)[-36:]:>36} {kind:>11} {ours:8.1f} {theirs:8.2f} {ours / theirs:7.1f}x{note}", flush=True)


if __name__ == "__main__":
    main()
