"""Turns of engines that are compared: one runs at a time, and each as often as the others.

Each engine lives in a process of its own (worker.py), stopped while it is not its turn. A turn that other processes
disturbed is taken again, with a prompt that no engine has seen: hone would find what it knows of the last one's.
"""
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
NOISE = 0.03  # share of the machine that others may use during a turn that is not taken again


def add_options(parser, reps):
    """Those of every comparison: how many rounds, with what, and where."""
    parser.add_argument("--reps", type=int, default=reps, help=f"rounds of turns (default {reps})")
    parser.add_argument("--tries", type=int, default=3, help="how often a turn is taken that others disturb (default 3)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--hone", default=f"{ROOT}/build/hone")
    parser.add_argument("--library", default=f"{ROOT}/build/libhone.so.0")
    parser.add_argument("--header", default=f"{ROOT}/runtime/include/hone")
    parser.add_argument("--work", default=f"{ROOT}/build/peers", help="models, logs and results (default build/peers)")


class Worker:
    def __init__(self, engine, job, log):
        env = dict(os.environ, OMP_NUM_THREADS=str(job["threads"]), RAYON_NUM_THREADS=str(job["threads"]),
                   TOKENIZERS_PARALLELISM="true", HF_HUB_OFFLINE="1", PYTHONWARNINGS="ignore")
        self.engine = engine
        self.log = open(log, "w")
        self.process = subprocess.Popen([sys.executable, f"{HERE}/worker.py", json.dumps(dict(job, engine=engine))],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True,
                                        env=env)
        ready = self.answer()
        self.version, self.batches = ready["version"], ready["batches"]

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            self.close()
            with open(self.log.name, errors="replace") as log:
                lines = log.read().strip().splitlines()
            raise RuntimeError(lines[-1] if lines else "no answer")
        return json.loads(line)

    def do(self, **command):
        self.process.send_signal(signal.SIGCONT)
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        answer = self.answer()
        self.process.send_signal(signal.SIGSTOP)
        return answer

    def close(self):
        self.process.kill()
        self.process.wait()


def busy_seconds():
    with open("/proc/stat") as file:
        user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, file.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def say(*words):
    print(*words, file=sys.stderr, flush=True)


def turn(worker, tries, **command):
    """The worker's answer to the least disturbed of some turns, with "others": the share of the machine that others
    (the hypervisor too) used meanwhile."""
    answers = []
    for attempt in range(tries):
        busy, start = busy_seconds(), time.perf_counter()
        answer = worker.do(**command, attempt=attempt)
        wall = time.perf_counter() - start
        others = busy_seconds() - busy - answer["cpu_seconds"]
        answers.append(dict(answer, others=max(0.0, others / wall / os.cpu_count())))
        if answers[-1]["others"] <= NOISE:
            break
    return min(answers, key=lambda answer: answer["others"])


def ratio(of, to):
    """How many times as fast the one with the seconds `of` is as that with `to`, as the median over the rounds."""
    return statistics.median(b / a for a, b in zip(of, to))


def machine():
    with open("/proc/cpuinfo") as file:
        info = dict(line.strip().split("\t: ", 1) for line in file.read().split("\n\n")[0].splitlines()
                    if "\t: " in line.replace("\t\t", "\t"))
    info = {key.strip(): value for key, value in info.items()}
    wanted = ("avx2", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "amx_int8", "amx_bf16", "asimddp", "i8mm")
    flags = (info.get("flags") or info.get("Features") or "").split()
    return {"cpu": info.get("model name", platform.machine()), "family": info.get("cpu family"),
            "model": info.get("model"), "cpus": os.cpu_count(), "flags": [f for f in wanted if f in flags],
            "kernel": platform.release(), "python": platform.python_version()}


def limits(hone, threads):
    """What the machine can do at most, by hone bench limits: int8_gop_s, memory_gb_s and others."""
    answer = subprocess.run([hone, "bench", "limits", "--json", "-t", str(threads)], check=True, capture_output=True)
    return json.loads(answer.stdout)["threads"][-1]
