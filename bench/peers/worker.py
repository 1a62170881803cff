"""One engine in a process of its own. Argument: the job as JSON. Commands come as lines of JSON on standard input,
answers go to standard output: {"pass": n, "batch": texts computed together} runs the inputs n times; {"save": path} writes the last result."""
import importlib.metadata
import json
import os
import resource
import sys
import time

import numpy as np


def make_engine(job):
    if job.engine.startswith("hone-"):
        import hone
        return hone.Hone(job, job.engine[len("hone-"):])
    import engines
    return engines.PEERS[job.engine](job)


class Job:
    """engine, task ("embed" or "score"), model (a Hugging Face folder), inputs and calibration, threads, max_length,
    cache and sources (folders), hone_model, hone_library, hone_header."""

    def __init__(self, text):
        self.__dict__.update(json.loads(text))


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main():
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print goes to the log
    job = Job(sys.argv[1])
    with open(job.data) as file:
        data = json.load(file)
    inputs, job.calibration = data["pairs" if job.task == "score" else "texts"][:job.limit], data["calibration"]
    engine = make_engine(job)
    compute = getattr(engine, job.task)
    version = importlib.metadata.version(engine.package) if engine.package else engine.describe()
    print(json.dumps({"version": version, "batches": engine.batches}), file=answers)
    for line in sys.stdin:
        command, out = json.loads(line), {}
        if "pass" in command:
            cpu, start = cpu_seconds(), time.perf_counter()
            for _ in range(command["pass"]):
                result = compute(inputs, command["batch"])
            out = {"seconds": time.perf_counter() - start, "cpu_seconds": cpu_seconds() - cpu}
        if "save" in command:
            np.save(command["save"], result)
            out["peak_rss_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps(out), file=answers)


if __name__ == "__main__":
    main()
