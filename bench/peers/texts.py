"""The texts that every engine is given: a fixed, seeded sample of Debian's package descriptions.

Cached in data/peers/texts.json, so that later runs need no network:
  texts        descriptions of mixed length
  pairs        [query, description]; the query is the short description of the same or of another package
  calibration  other descriptions, for engines whose quantisation wants examples
"""
import glob
import json
import os
import random
import subprocess
import tempfile

N_TEXTS, N_CALIBRATION, SEED = 256, 300, 4
MIN_CHARS = 100  # shorter ones are mostly the stock sentences of transitional packages


def descriptions():
    """[(short, long)] of all packages in apt's English translation lists, by package name."""
    with tempfile.TemporaryDirectory() as lists:
        os.chmod(lists, 0o755)
        subprocess.run(["apt-get", "update", "-qq", "-o", "Acquire::Languages=en", "-o", f"Dir::State::lists={lists}"],
                       check=True)
        found = {}
        for path in sorted(glob.glob(f"{lists}/*Translation-en*")):
            raw = subprocess.run(["/usr/lib/apt/apt-helper", "cat-file", path], check=True, capture_output=True).stdout
            for stanza in raw.decode(errors="replace").split("\n\n"):
                head, _, body = stanza.partition("\nDescription-en: ")
                short, *lines = body.split("\n")
                long = " ".join(line.strip() for line in lines if line.strip() != ".").strip()
                if head.startswith("Package: ") and len(long) >= MIN_CHARS:
                    found[head.split("\n")[0][9:]] = (short.strip(), long)
    by_text = {both[1]: both for _, both in sorted(found.items())}  # one package of those that share a text
    return list(by_text.values())


def make():
    draw = random.Random(SEED)
    sample = draw.sample(descriptions(), 2 * N_TEXTS + N_CALIBRATION)
    texts, rest = sample[:N_TEXTS], sample[N_TEXTS:]
    # Every second query belongs to another package, so that scores of both kinds occur.
    queries = [text[0] if i % 2 == 0 else rest[i][0] for i, text in enumerate(texts)]
    return {"texts": [long for _, long in texts],
            "pairs": [[query, long] for query, (_, long) in zip(queries, texts)],
            "calibration": [list(both) for both in rest[N_TEXTS:]]}


def load(path):
    if not os.path.exists(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        made = make()
        with open(path + ".part", "w") as out:
            json.dump(made, out, indent=1, ensure_ascii=False)
        os.replace(path + ".part", path)
    with open(path) as file:
        return json.load(file)
