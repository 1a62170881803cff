#!/usr/bin/env python3
"""Puts small faults into the sources, one at a time, and says which of them no test catches (docs/testing.md).

    tests/mutation.py [--n 200] [--seed 1] [--only PREFIX]... [--go-on] [--covering]

In a copy of the tree below build/mutation, where what a fault touches is built anew and the tests that cover its file
are run until one fails. A fault that changes nothing in what the compiler makes is none, and another one is tried. The
report is build/mutation/report.txt, a line a fault with what became of it. One seed is always the same faults, as long as
the sources are; --go-on leaves out those that the report of an earlier run has, and adds the others to it. With --covering,
tests of other files are not asked about a fault that those of its own let pass: quicker, and some survivors are none.
"""
import argparse
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
WORK = ROOT / "build" / "mutation"
REPORT = WORK / "report.txt"
TREE = WORK / "tree"
ROOMS = ["runtime/", "server/", "kernels/"]
QUICK = 3  # seconds
BATCH = 5  # tests that are linked anew at a time: most faults are caught by the first ones
JOBS = f"-j{len(os.sched_getaffinity(0))}"

# What covers a file: the tests of all prefixes that it begins with, those of the longest first. Others are run only where
# none of these fails, and only quick ones. Tests are named as in tests/, C ones without an ending.
MODELS = ["golden/test_models", "golden/test_causal"]
GENERATING = ["unit/test_generator", "unit/serve/test_time", "unit/serve/test_fairness", "unit/test_writing", "golden/test_causal", "cli/test_generate.py",
              "server/test_generation.py"]
SERVING = ["server/test_connections", "server/test_texts.py", "server/test_openai.py", "server/test_openapi.py",
           "server/test_generation.py", "server/test_metrics.py", "server/test_hostile.py", "server/test_bad_input.py"]
COVERS = {
    "runtime/": ["faults/test_memory"],
    "kernels/": ["kernels/test_" + k for k in ("rows", "activations", "convert", "rope", "gemm_f32", "gemm_bf16", "int4",
                                               "int8", "k_quants", "attention", "tile_attention", "cpu")] +
                ["golden/test_models", "cli/test_bench.py"],
    "runtime/base/": ["unit/test_thread_pool", "unit/test_memory", "unit/test_file", "unit/test_cache", "unit/test_gguf_write",
                      "unit/test_lost_file", "unit/test_tokenizer", "unit/serve/test_time", "golden/test_models", "cli/test_usage.py",
                      "cli/test_pull.py", "cli/test_embed.py", "cli/test_model.py",
                      "unit/test_json", "unit/test_lru", "unit/test_histogram", "unit/test_new_file", "unit/test_text"],
    "runtime/gguf/": ["unit/test_gguf", "unit/test_gguf_write", "fuzz/fuzz_gguf", "golden/test_foreign", "cli/test_model.py"],
    "runtime/nn/": ["unit/test_step", "unit/nn/test_rope", "unit/nn/test_positions", "unit/nn/test_router", "unit/test_memory", "unit/test_blas", "golden/test_models",
                    "golden/test_seq2seq", "golden/test_causal", "unit/test_generator", "cli/test_seq2seq.py", "cli/test_embed.py"],
    "runtime/nn/kv/": ["unit/nn/test_kv", "unit/test_generator", "cli/test_generate.py"],
    "runtime/nn/tuning": ["unit/test_tuning", "cli/test_bench.py"],
    "runtime/load/": ["unit/test_model", "unit/test_tokenizer", "golden/test_models", "golden/test_seq2seq", "golden/test_causal",
                      "golden/test_foreign", "golden/test_vocab", "cli/test_model.py", "cli/test_rerank.py"],
    "runtime/load/import/packed/": ["cli/test_packed.py"],
    "runtime/load/import/sentence/": ["cli/test_router.py", "cli/test_tasks.py", "cli/test_configs.py"],
    "runtime/load/import/vocabulary": ["cli/test_tokenizer_classes.py", "cli/test_special_tokens.py", "cli/test_tekken.py"],
    "runtime/load/lora/": ["cli/test_lora.py", "fuzz/targets/adapter"],
    "runtime/infer/spans/": ["cli/test_spans.py"],
    "runtime/infer/listwise": ["cli/test_listwise.py"],
    "runtime/infer/languages": ["cli/test_translate.py"],
    "runtime/infer/hybrid": ["cli/test_hybrid.py"],
    "runtime/infer/routes": ["unit/test_routes", "cli/test_router.py"],
    "runtime/infer/answers": ["cli/test_heads.py"],
    "runtime/infer/entities": ["cli/test_heads.py"],
    "runtime/load/pieces": ["unit/test_vocabulary", "unit/test_text_stream"] + GENERATING,
    "runtime/load/import/": ["unit/test_safetensors", "fuzz/fuzz_safetensors",
                             "cli/test_torch_files.py", "cli/test_keys.py", "cli/test_heads.py", "cli/test_retrieval_cases.py",
                             "server/test_conversations.py"],
    "runtime/infer/": ["unit/test_model", "golden/test_models", "golden/test_causal", "golden/test_llm_rerank",
                       "cli/test_embed.py", "cli/test_rerank.py", "cli/test_classify.py", "cli/test_score.py",
                       "cli/test_vectors.py", "cli/test_chat.py", "unit/serve/test_scheduler", "server/test_texts.py",
                       "unit/test_chat_template", "cli/test_prompts.py", "cli/test_heads.py", "cli/test_retrieval_cases.py", "unit/test_empty_texts"],
    "runtime/generate/": ["unit/test_vocabulary",
                          "unit/test_choices", "cli/test_completion.py"] + GENERATING + ["cli/test_chat.py", "cli/test_seq2seq.py", "cli/test_generation.py"],
    "runtime/generate/sampling/": ["unit/test_sampling", "unit/test_beam", "unit/test_speculation", "unit/test_text_stream"],
    "runtime/generate/grammar/": ["unit/test_grammar", "unit/test_schema", "fuzz/fuzz_grammar", "fuzz/fuzz_schema",
                                  "cli/test_schema_suite.py", "fuzz/targets/schema", "fuzz/targets/regex"],
    "runtime/serve/": ["unit/serve/test_time", "unit/serve/test_fairness", "unit/serve/test_policy", "unit/serve/test_ticket_lock", "unit/serve/test_scheduler", "unit/serve/test_compared", "unit/serve/test_digest",
                       "unit/test_writing",
                       "server/test_connections", "server/test_metrics.py", "server/test_texts.py", "server/test_lost_model.py"],
    "runtime/load/pack": ["cli/test_cache.py", "fuzz/targets/pack"],
    "runtime/generate/kv_file": ["fuzz/targets/kv"],
    "runtime/serve/cache": ["unit/test_cache", "cli/test_cache.py"],
    "runtime/tools/": ["unit/test_quantize", "unit/test_tuning", "cli/test_quantize.py", "cli/test_verify.py",
                       "cli/test_bench.py", "cli/test_model.py", "fuzz/fuzz_imatrix"],
    "server/wire/": ["server/test_head", "server/test_proxies.py",
                     "fuzz/targets/head", "fuzz/targets/http"],
    "server/http/": ["server/test_weigh",
                     "server/test_quota", "server/test_kept_answers", "server/test_deadlines.py", "server/test_answers.py", "fuzz/targets/http"],
    "server/manager/": ["server/test_manager", "server/test_models.py", "server/test_degraded.py", "server/test_router.py",
                        "server/test_flights.py"],
    "server/model": ["server/test_models.py"],
    "server/chat/": ["fuzz/targets/answer", "server/test_conversations.py", "server/test_constraints.py"],
    "server/": SERVING + ["server/test_lifecycle.py", "cli/test_service.py", "server/test_dashboard.py", "server/test_heads.py",
                          "server/test_conversations.py", "server/test_constraints.py", "server/test_endpoint_stats", "server/test_model_files", "server/test_kept_answers", "server/test_breaker",
                          "server/test_complexity"],
}

# What the processor lacks is not tested here, and nothing here is an Arm.
FLAGS = {"avx512.": "avx512f", "avx512vnni": "avx512_vnni", "avx512bf16": "avx512_bf16", "avxvnni": "avx_vnni", "amx": "amx_tile"}


def is_tested(path):
    flags = pathlib.Path("/proc/cpuinfo").read_text().split()
    lacks = any(part in path and flag not in flags for part, flag in FLAGS.items())
    return not path.startswith("kernels/arm/") and not (path.startswith("kernels/x86/") and lacks)


def tests_of(path):
    """Those whose name is in the file's, too, come first."""
    out, stem = [], pathlib.Path(path).stem
    for prefix in sorted((p for p in COVERS if path.startswith(p)), key=len, reverse=True):
        out += [t for t in COVERS[prefix] if t not in out and built(t)[0].exists()]
    return sorted(out, key=lambda t: not t.endswith(f"test_{stem}") and f"test_{stem}." not in t)


def built(test):
    """The file that is run, and make's goals for it."""
    if test.endswith(".py"):
        return ROOT / "tests" / test, ["build/hone"]
    return ROOT / "tests" / (test + ".c"), ["build/tests/" + test]


# ---- faults ----

SWAPS = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==", "&&": "||", "||": "&&", "+": "-", "-": "+", "*": "+"}
OPERATOR = re.compile(r"(?<=[\w)\]]) (<=|>=|==|!=|<|>|&&|\|\||\+|-|\*) (?=[\w(*&!-])")
NUMBER = re.compile(r"(?<![\w.])(\d+)(?![\w.])")
CONDITION = re.compile(r"^(\s*(?:\} else )?if )\((.*)\)( \{)?$")
STATEMENT = re.compile(r"^\s+(?!return|break|continue|goto|case|default|else|struct|enum|const|static|typedef|for|while|do\b)"
                       r"(?:\*?[\w.>\[\]()+*-]+ (?:[-+|&]?=) .*;|(?:--|\+\+)?[\w.>\[\]-]+(?:--|\+\+)?;|\w+\(.*\);)$")
DECLARATION = re.compile(r"^\s+(?:size_t|int|bool|float|double|char|unsigned|u?int\d+_t|void) ")
RETURN = re.compile(r"^(\s+return )(\w[^;]*|!\w[^;]*|\([^;]*);$")


def faults_of_line(line):
    """What could be wrong with it: (what, the line then)."""
    for m in OPERATOR.finditer(line):
        yield f"{m[1]} becomes {SWAPS[m[1]]}", line[:m.start(1)] + SWAPS[m[1]] + line[m.end(1):]
    if m := CONDITION.match(line):
        yield "condition negated", f"{m[1]}(!({m[2]})){m[3] or ''}"
    if STATEMENT.match(line) and not DECLARATION.match(line):
        yield "statement dropped", re.match(r"\s*", line)[0] + ";"
    for m in NUMBER.finditer(line):
        yield "constant changed", line[:m.start()] + str(int(m[1]) + 1 if m[1] != "1" else 0) + line[m.end():]
    if (m := RETURN.match(line)) and m[2] not in ("0", "NULL", "false"):
        yield "returns nothing", f"{m[1]}0;"


def code_lines(text):
    """(number, line) of those inside functions, without comments, macros and tables."""
    inside = comment = False
    previous = ""
    for i, line in enumerate(text.split("\n")):
        macro, previous = previous.endswith("\\") or line.startswith("#"), line
        if line == "{":
            inside = True
        elif line == "}":
            inside = False
        comment |= "/*" in line
        if inside and not comment and not macro and '"' not in line and "ASSERT(" not in line:
            yield i, line
        comment &= "*/" not in line


def all_faults(only):
    """Of each file that tests cover here: a list of (line number, what, new line)."""
    out = {}
    for path in sorted(subprocess.run(["git", "ls-files", *ROOMS], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()):
        if not path.endswith((".c", ".h")) or not is_tested(path) or not path.startswith(tuple(only)):
            continue
        text = (ROOT / path).read_text()
        found = [(i, what, new) for i, line in code_lines(text) for what, new in faults_of_line(line) if new != line]
        if found:
            out[path] = found
    return out


def choose(faults, chance):
    """A file by its size, in it a kind of fault, one of that kind: no kind crowds out the others."""
    paths = list(faults)
    path = chance.choices(paths, [len(faults[p]) for p in paths])[0]
    kinds = sorted({what.split()[0] for _, what, _ in faults[path]})
    kind = chance.choice(kinds)
    return path, chance.choice([f for f in faults[path] if f[1].startswith(kind)])


# ---- building and testing ----

def run(command, limit, **how):
    """Exit status, or None after so many seconds; what it started ends with it."""
    p = subprocess.Popen(command, cwd=TREE, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                         start_new_session=True, **how)
    try:
        return p.wait(limit)
    except subprocess.TimeoutExpired:
        os.killpg(p.pid, 9)
        p.wait()
        return None


def make(goals):
    return run(["make", JOBS, *goals], 1800) == 0


def test(name, limit):
    """Whether it passes."""
    path, _ = built(name)
    command = [sys.executable, path.relative_to(ROOT)] if name.endswith(".py") else ["build/tests/" + name]
    return run(command, limit, env={**os.environ, "HONE": "build/hone", "HONE_SHARED": "/nonexistent"}) == 0


def objects_of(path):
    """Those that the file is part of."""
    return [d.with_suffix(".o") for d in (TREE / "build").rglob("*.d") if path in d.read_text().split()]


def code_of(path):
    """What the compiler made, without where in the source it comes from."""
    stripped = WORK / "stripped.o"
    subprocess.run(["objcopy", "--strip-debug", path, stripped], check=True)
    return stripped.read_bytes()


def reported():
    """What became of each fault that an earlier run tried, by the fault; what comes before the line's last ': '."""
    lines = REPORT.read_text().splitlines() if REPORT.exists() else []
    return dict(line.rsplit(": ", 1) for line in lines)


def set_up():
    print("building a copy of the tree", flush=True)
    shutil.rmtree(TREE, ignore_errors=True)
    TREE.mkdir(parents=True)
    for path in subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True).stdout.split("\n"):
        if path and (ROOT / path).is_file():
            (TREE / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / path, TREE / path)
    if not make(["all"]):
        sys.exit("the tree as it is cannot be built")


class Passed:
    """How long each test took that passed, with a fault that it does not notice or with none; None: it fails without any."""

    def __init__(self):
        self.seconds = {}

    def passes(self, name):
        """Whether it passes now. One that nobody has seen pass yet gets two minutes."""
        known, begun = self.seconds.get(name), time.monotonic()
        if not test(name, 20 + 10 * known if known else 120):
            return False
        self.seconds.setdefault(name, time.monotonic() - begun)
        return True


class Originals:
    """The code of each object as it is without faults; made where it is needed first."""

    def __init__(self):
        self.code = {}

    def remember(self, paths):
        if any(p not in self.code for p in paths):
            make([p.relative_to(TREE) for p in paths])  # what the fault before this one was in
        for p in paths:
            self.code.setdefault(p, code_of(p))


def goals_of(tests):
    return sorted({goal for t in tests for goal in built(t)[1]})


def first_failing(tests, source, right, wrong, passed):
    """The first test that fails now and does not without the fault, or None."""
    for i in range(0, len(tests), BATCH):
        batch = [t for t in tests[i:i + BATCH] if passed.seconds.get(t, 0) is not None]
        make(goals_of(batch))
        for t in batch:
            if passed.passes(t):
                continue
            if t in passed.seconds:
                return t
            source.write_text(right)
            fails = not make(goals_of([t])) or not (passed.passes(t) or passed.passes(t))
            source.write_text(wrong)
            if not fails:
                return t
            print(f"{t} fails without any fault, and is left out", flush=True)
            passed.seconds[t] = None
            make(goals_of(batch))
    return None


def try_fault(path, fault, passed, originals, everything):
    """'caught by ...', 'survived', or None where it is no fault: it cannot be compiled, or changes nothing."""
    i, _, new = fault
    source, right = TREE / path, (TREE / path).read_text()
    lines = right.split("\n")
    lines[i] = new
    wrong = "\n".join(lines)
    tests = tests_of(path)
    own = objects_of(path)
    originals.remember(own)
    source.write_text(wrong)
    try:
        if not make([p.relative_to(TREE) for p in own]):
            return None
        if all(code_of(p) == originals.code[p] for p in own):
            return None
        catcher = first_failing(tests, source, right, wrong, passed)
        if not catcher:
            others = [t for t in everything if t not in tests and (passed.seconds.get(t) or 0) < QUICK]
            catcher = first_failing(others, source, right, wrong, passed)
        return f"caught by {catcher}" if catcher else "survived"
    finally:
        source.write_text(right)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--n", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", action="append")
    parser.add_argument("--go-on", action="store_true")
    parser.add_argument("--covering", action="store_true")
    options = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which tests send, and a shell's background jobs ignore
    chance = random.Random(options.seed)
    faults = all_faults(options.only or ROOMS)
    tests = [] if options.covering else sorted({t for path in faults for t in tests_of(path)})
    passed, originals, tried = Passed(), Originals(), set()
    before = reported() if options.go_on else {}
    set_up()
    n, survivors = 0, []
    n_possible = sum(len(f) for f in faults.values())
    with open(REPORT, "a" if options.go_on else "w") as report:
        while n < options.n and len(tried) < n_possible:
            path, fault = choose(faults, chance)
            if (path, fault) in tried:
                continue
            tried.add((path, fault))
            begun = time.monotonic()
            line = (TREE / path).read_text().split("\n")[fault[0]].strip()
            said = f"{path}:{fault[0] + 1}: {fault[1]}: {line} -> {fault[2].strip()}"
            fate = before.get(said)
            if not fate:
                fate = try_fault(path, fault, passed, originals, tests) or "none"
                print(f"{said}: {fate}", file=report, flush=True)
            if fate == "none":
                continue
            n += 1
            survivors += [said] if fate == "survived" else []
            print(f"{n:4} {time.monotonic() - begun:5.0f} s  {said}: {fate}", flush=True)
    print("\nNo test caught:" if survivors else "")
    print("\n".join(survivors))
    print(f"{n - len(survivors)} of {n} caught")


if __name__ == "__main__":
    main()
