"""One engine in a process of its own. Argument: the job as JSON. A line of JSON on standard input is a command, its answer
goes to standard output; Texts, Prompts and Completions say which there are."""
import importlib.metadata
import json
import os
import resource
import sys
import time

import numpy as np


class Job:
    """engine, task ("embed", "score", "generate" or "complete"), model (a Hugging Face folder), threads, cache and sources (folders),
    hone_library, hone_header; of texts data, limit, max_length and hone_model; of generators gguf and file_type."""

    def __init__(self, text):
        self.__dict__.update(json.loads(text))


class Texts:
    """{"pass": n, "batch": texts computed together} runs the inputs n times; {"save": path} writes the last result."""

    def __init__(self, job):
        with open(job.data) as file:
            data = json.load(file)
        self.inputs = data["pairs" if job.task == "score" else "texts"][:job.limit]
        job.calibration = data["calibration"]
        self.engine = self.make(job)
        self.compute = getattr(self.engine, job.task)

    @staticmethod
    def make(job):
        if job.engine.startswith("hone-"):
            import hone
            return hone.Hone(job, job.engine[len("hone-"):])
        import engines
        return engines.PEERS[job.engine](job)

    def do(self, command):
        if "save" in command:
            np.save(command["save"], self.result)
            return {}
        start = time.perf_counter()
        for _ in range(command["pass"]):
            self.result = self.compute(self.inputs, command["batch"])
        return {"seconds": time.perf_counter() - start}


class Prompts:
    """{"sequences": n, "prompt": tokens each, "new": tokens each, "ids": the most that they
    may be, "seed": of the ids, which no other turn has}."""

    def __init__(self, job):
        import generators
        self.engine = generators.PEERS[job.file_type][job.engine](job)

    def do(self, command):
        draw = np.random.default_rng([command["seed"], command.get("attempt", 0)])
        prompts = draw.integers(1000, command["ids"], (command["sequences"], command["prompt"]))
        prompt, generation = self.engine.run(prompts, command["new"])
        return {"prompt_seconds": prompt, "generation_seconds": generation}


class Completions:
    """{"texts": [...], "new": tokens each}."""

    def __init__(self, job):
        import completers
        self.engine = completers.PEERS[job.engine](job)

    def do(self, command):
        start = time.perf_counter()
        self.engine.run(command["texts"], command["new"])
        return {"seconds": time.perf_counter() - start}


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main():
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print goes to the log
    job = Job(sys.argv[1])
    start = time.perf_counter()
    serving = {"generate": Prompts, "complete": Completions}.get(job.task, Texts)(job)
    engine = serving.engine
    version = importlib.metadata.version(engine.package) if engine.package else engine.describe()
    print(json.dumps({"version": version, "batches": engine.batches, "seconds": time.perf_counter() - start}),
          file=answers)
    for line in sys.stdin:
        cpu = cpu_seconds()
        out = serving.do(json.loads(line))
        print(json.dumps(dict(out, cpu_seconds=cpu_seconds() - cpu,
                              peak_rss_mib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)), file=answers)


if __name__ == "__main__":
    main()
