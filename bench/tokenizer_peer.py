#!/usr/bin/env python3
"""The tokenizers package on the files of bench/tokenizer.c, on one thread, the same documents.

usage: tokenizer_peer.py TOKENIZER.json TEXT [ROUNDS]
"""
import json
import os
import sys
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
import tokenizers  # noqa: E402

t = tokenizers.Tokenizer.from_file(sys.argv[1])
text = open(sys.argv[2], encoding="utf-8", newline="").read()
documents = [d for d in text.split("\n\n") if d]
best = 1e30
for _ in range(int(sys.argv[3]) if len(sys.argv) > 3 else 3):
    start = time.perf_counter()
    n = sum(len(e) for e in t.encode_batch_fast(documents, add_special_tokens=False))
    best = min(best, time.perf_counter() - start)
size = len(text.encode())
print(json.dumps({"mb_s": round(size / best * 1e-6, 2), "ids": n, "bytes": size, "version": tokenizers.__version__}))
