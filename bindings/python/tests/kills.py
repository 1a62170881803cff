#!/usr/bin/env python3
"""python -m hone on a parquet file of many rows, killed (SIGKILL) at random moments, again and again: the file that comes out
in the end has the bytes of one that nobody disturbed.

    kills.py [--kills 100] [--rows 200000] [--seed 1] [--model FOLDER]        needs pyarrow, and the package or PYTHONPATH

A moment is a random share of what the whole job takes here without a kill, so that kills meet the start, the reading, the
computing and the writing of parts; a run that gets nowhere for that is followed by one that gets longer. Not a test of the
usual kind, for it takes minutes; test_files.py has its short form.
"""

import argparse
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

import pyarrow as pa
import pyarrow.parquet as pq

EMBED = pathlib.Path(__file__).resolve().parents[3] / "tests" / "fixtures" / "bert-embed"


def command(o, source, target):
    return [sys.executable, "-m", "hone", "embed", "-m", str(o.model), "--input", str(source), "--output", str(target)]


def count_parts(target):
    return len(list(pathlib.Path(f"{target}.parts").glob("*.arrow")))


def kill_once(o, source, target, seconds):
    """Whether it was killed, and not done before."""
    process = subprocess.Popen(command(o, source, target), stderr=subprocess.DEVNULL)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
        return True
    if process.returncode:
        raise SystemExit(f"it failed by itself: status {process.returncode}")
    return False


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--rows", type=int, default=200000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--model", default=EMBED)
    o = parser.parse_args()
    chance, n_killed, n_jobs, n_within = random.Random(o.seed), 0, 0, 0
    with tempfile.TemporaryDirectory() as folder:
        source, whole, target = (pathlib.Path(folder) / name for name in ("in.parquet", "whole.parquet", "out.parquet"))
        texts = [f"row {i} " + "of some words " * (i % 5) for i in range(o.rows)]
        pq.write_table(pa.table({"id": list(range(o.rows)), "text": texts}), source)
        start = time.monotonic()
        subprocess.run(command(o, source, whole), check=True, stderr=subprocess.DEVNULL)
        took = time.monotonic() - start
        wanted = whole.read_bytes()
        print(f"{o.rows} rows, undisturbed: {took:.1f} s, {len(wanted)} bytes; seed {o.seed}", flush=True)
        while n_killed < o.kills or not target.exists():
            if target.exists():  # one job is done before all kills are: another one
                n_jobs += 1
                if target.read_bytes() != wanted:
                    raise SystemExit(f"after {n_killed} kills: the output is another one")
                target.unlink()
            if n_killed < o.kills:
                before = count_parts(target)
                was_killed = kill_once(o, source, target, chance.uniform(0, 0.7 * took))
                n_killed += was_killed
                n_within += was_killed and count_parts(target) > before
            else:
                subprocess.run(command(o, source, target), check=True, stderr=subprocess.DEVNULL)
        if target.read_bytes() != wanted:
            raise SystemExit(f"after {n_killed} kills: the output is another one")
        left = sorted(os.listdir(folder))
        if left != ["in.parquet", "out.parquet", "whole.parquet"]:
            raise SystemExit(f"left over: {left}")
    print(f"{n_killed} kills, {n_within} of them behind new parts, {n_jobs + 1} jobs: all is well")


main()
