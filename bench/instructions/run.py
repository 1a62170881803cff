#!/usr/bin/env python3
"""Instructions that a token costs on Arm processors, counted under emulation: python bench/instructions/run.py [MODEL]...

Needs build/aarch64/hone and build/instructions.so ('make instructions' makes both). A model that ranks reads texts of 32 words, one
that generates goes on with a prompt; what the program does beside, such as opening the model, falls out as the difference of two
runs. A count is the same on every machine, loaded or not; what an instruction takes is the processor's to say.
"""
import json
import os
import re
import subprocess
import sys
import tempfile

HONE, PLUGIN = "build/aarch64/hone", "build/instructions.so"
PROCESSORS = {"cortex-a72": "NEON", "cortex-a76": "dotprod", "max": "i8mm"}
WORDS = "a small program that reads texts and says which of them answers the question best on a machine without any network".split()


def count(processor, *arguments):
    """Instructions of a run, and what it wrote."""
    done = subprocess.run(["qemu-aarch64", "-cpu", processor, "-plugin", PLUGIN, "-d", "plugin", HONE, *arguments, "-t", "1",
                           "--no-cache"], capture_output=True, text=True)
    said = re.search(r"instructions: (\d+)", done.stderr)
    if done.returncode != 0 or not said:
        sys.exit(f"{' '.join(arguments)}: {done.stderr.strip()}")
    return int(said.group(1)), done.stdout


def ranking(processor, model, folder):
    def run(n):
        path = os.path.join(folder, f"{n}.txt")
        with open(path, "w") as file:
            file.writelines(" ".join((WORDS[i:] + WORDS[:i] + WORDS)[:32]) + "\n" for i in range(n))
        return count(processor, "rerank", "-m", model, "-q", "a question", path)[0], path
    (one, short), (three, long) = run(1), run(3)

    def tokens(path):
        return sum(len(json.loads(line)) + 3 for line in subprocess.check_output(["build/hone", "tokenize", "-m", model, path]).splitlines())
    return (three - one) / (tokens(long) - tokens(short))


def generation(processor, model):
    counts = [count(processor, "generate", "-m", model, "-p", "The package", "-n", str(n), "--temp", "0", "--draft", "0",
                    "--ignore-eos")[0] for n in (4, 12)]
    return (counts[1] - counts[0]) / 8


def main():
    print("| model |", " | ".join(f"{name} ({kernels})" for name, kernels in PROCESSORS.items()), "|")
    print("|---" * (len(PROCESSORS) + 1) + "|")
    with tempfile.TemporaryDirectory() as folder:
        for model in sys.argv[1:]:
            task = json.loads(subprocess.check_output(["build/hone", "inspect", "--json", model]))["model"]["task"]
            row = [generation(p, model) if task.startswith("generate") else ranking(p, model, folder) for p in PROCESSORS]
            print(f"| {os.path.basename(model)} |", " | ".join(f"{n / 1e6:.2f} million" for n in row), "|", flush=True)


main()
