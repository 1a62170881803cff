#!/usr/bin/env python3
"""What the tests run of the sources: `make coverage` builds with clang's source-based coverage and calls this.

    tests/coverage.py [--only TEST]... [--no-run]

Runs every test, and each fuzz target over the corpus that `make fuzz` has grown, then writes lines and branches a file and
a room to build/coverage/coverage.txt. --only runs some tests; --no-run sums up what was run before."""
import argparse
import collections
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "coverage"
RAW = BUILD / "raw"
DEPTH = {"runtime": 2, "tokenizer": 2, "server": 2, "cli": 2}  # folders that make a room; others are one themselves


def run_tests(only):
    RAW.mkdir(parents=True, exist_ok=True)
    # %4m: runs of one program write into four files, which are merged as they come
    environment = {**os.environ, "LLVM_PROFILE_FILE": str(RAW / "%4m.profraw"), "HONE": str(BUILD / "hone")}
    tests = only or [str(p) for p in sorted(BUILD.glob("tests/**/*")) if p.is_file() and os.access(p, os.X_OK) and not p.suffix] + \
        [str(p) for kind in ("cli", "server", "faults") for p in sorted((ROOT / "tests" / kind).glob("test_*.py"))]
    subprocess.run([ROOT / "tests" / "run", *tests], cwd=ROOT, env=environment)
    for target in sorted(BUILD.glob("tests/fuzz/targets/*")):
        corpus = ROOT / "build" / "fuzz" / "corpus" / target.name
        if not target.suffix and corpus.is_dir() and not only:
            files = [str(p) for p in sorted(corpus.iterdir())]
            for i in range(0, len(files), 500):
                subprocess.run([target, *files[i:i + 500]], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               env={**environment, "HONE_FUZZ_RUNS": "0"})


def files():
    """(file, lines, covered, branches, covered) of the program, which has all of the library in it."""
    profile = BUILD / "all.profdata"
    subprocess.run(["llvm-profdata", "merge", "-sparse", *map(str, RAW.glob("*.profraw")), "-o", profile], check=True)
    out = subprocess.run(["llvm-cov", "export", "-summary-only", f"-instr-profile={profile}", BUILD / "hone"], check=True,
                         stdout=subprocess.PIPE).stdout
    for f in json.loads(out)["data"][0]["files"]:
        name = os.path.relpath(f["filename"], ROOT)
        s = f["summary"]
        if not name.startswith(("..", "tests/")):
            yield name, s["lines"]["count"], s["lines"]["covered"], s["branches"]["count"], s["branches"]["covered"]


def percent(part, whole):
    return f"{100 * part / whole:6.1f}" if whole else "      "


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--no-run", action="store_true")
    options = parser.parse_args()
    if not options.no_run:
        run_tests(options.only)
    rooms = collections.defaultdict(lambda: [0, 0, 0, 0])
    lines = [f"{'lines':>7} {'%':>6} {'branches':>8} {'%':>6}  file"]
    for name, n, covered, branches, taken in sorted(files()):
        lines.append(f"{n:7} {percent(covered, n)} {branches:8} {percent(taken, branches)}  {name}")
        parts = name.split("/")
        for room in {parts[0], "/".join(parts[:min(DEPTH.get(parts[0], 1), len(parts) - 1)])}:
            rooms[room] = [a + b for a, b in zip(rooms[room], (n, covered, branches, taken))]
    lines.append("")
    for room, (n, covered, branches, taken) in sorted(rooms.items()):
        lines.append(f"{n:7} {percent(covered, n)} {branches:8} {percent(taken, branches)}  {room}/")
    (BUILD / "coverage.txt").write_text("\n".join(lines) + "\n")
    print("\n".join(lines[lines.index(""):]))


sys.exit(main())
