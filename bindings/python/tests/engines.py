#!/usr/bin/env python3
"""Vectors of many short texts by the program, the Python package, Spark and Ray, with two threads each.

    python bindings/python/tests/engines.py MODEL [--texts 20000] [--rounds 3]

HONE names the program (build/hone by default). Needs the Python package with pyspark, ray and pandas beside it, and a Java
runtime. Spark and Ray have two workers of one processor, which have opened the model in a run before: what is timed is a
job, not the start of its engine. In each round everybody takes a turn; the last line of each is the median of its ratios to
the program's time in the same round.
"""
import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time

import pyarrow as pa
import pyarrow.parquet as pq

import hone

HONE = os.environ.get("HONE", "build/hone")
WORDS = ("a the of and for with program file text model server answer quick small network library tool data image music editor "
         "game shell memory disk graph search index vector cloud letter number").split()


def short_texts(n):
    rng = random.Random(1)
    return [" ".join(rng.choices(WORDS, k=rng.randint(4, 20))) + f" {i}" for i in range(n)]


class Program:
    def __init__(self, model, texts, folder):
        self.path = os.path.join(folder, "texts.txt")
        with open(self.path, "w") as f:
            f.writelines(t + "\n" for t in texts)
        self.command = [HONE, "embed", "-m", model, "--threads", "2", "--format", "npy", "-o",
                        os.path.join(folder, "x.npy"), self.path]

    def run(self):
        subprocess.run(self.command, check=True, stderr=subprocess.DEVNULL)
        os.remove(self.command[self.command.index("-o") + 1])


class Package:
    def __init__(self, model, texts, folder):
        del folder
        self.model, self.texts = hone.Model(model, threads=2), texts
        self.model.embed(texts[:100])

    def run(self):
        self.model.embed(self.texts)


class Spark:
    def __init__(self, model, texts, folder):
        from pyspark.sql import SparkSession

        import hone.spark
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        self.spark = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
        self.spark.sparkContext.setLogLevel("ERROR")
        source = os.path.join(folder, "texts.parquet")
        pq.write_table(pa.table({"text": texts}), source, row_group_size=len(texts) // 8)
        self.job = hone.spark.embed(self.spark.read.parquet(source).repartition(8).cache(), model, "text", into="vector")
        self.run()

    def run(self):
        self.job.write.format("noop").mode("overwrite").save()


class Ray:
    def __init__(self, model, texts, folder):
        del folder
        import ray

        import hone.ray
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
        ray.data.DataContext.get_current().enable_progress_bars = False
        self.source = ray.data.from_arrow(pa.table({"text": texts})).repartition(8).materialize()
        self.embed = lambda: hone.ray.embed(self.source, model, "text", into="vector", concurrency=2, num_cpus=1)
        self.run()

    def run(self):
        self.embed().materialize()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--texts", type=int, default=20000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    model, texts = os.path.abspath(options.model), short_texts(options.texts)
    with tempfile.TemporaryDirectory() as folder:
        who = [kind(model, texts, folder) for kind in (Program, Package, Spark, Ray)]
        who[0].run()
        ratios = {x: [] for x in who}
        for _ in range(options.rounds):
            first = None
            for x in who:
                start = time.perf_counter()
                x.run()
                spent = time.perf_counter() - start
                first = first or spent
                ratios[x].append(first / spent)
                print(f"{type(x).__name__:10} {spent:7.2f} s {len(texts) / spent:8.0f} texts/s")
        for x in who:
            print(f"{type(x).__name__:10} {100 * statistics.median(ratios[x]):5.1f} % of the program's speed")


if __name__ == "__main__":
    main()
