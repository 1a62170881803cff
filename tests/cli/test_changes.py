"""Keys of config.json that are changed: hone computes what transformers computed (fixtures/make_changes.py), or refuses the
folder by one of the keys. golden/walk_configs.py tries all keys of all families, where transformers is there."""
import json
import os
import shutil

from support import FIXTURES, Case, Run, golden, main, read_npy


MEAN = [{"idx": i, "name": str(i), "path": path, "type": "sentence_transformers.models." + kind}
        for i, (path, kind) in enumerate((("", "Transformer"), ("9_Pooling", "Pooling")))]


class Changes(Case):
    def folder(self, model, change, without=()):
        """A copy with another config.json, which embeds by the mean."""
        folder, source = self.path("model"), os.path.join(FIXTURES, model)
        os.makedirs(os.path.join(folder, "9_Pooling"))
        for name in os.listdir(source):
            if name not in ("config.json", "modules.json"):
                os.symlink(os.path.join(source, name), os.path.join(folder, name))
        with open(os.path.join(source, "config.json")) as f:
            config = {k: v for k, v in {**json.load(f), **change}.items() if k not in without}
        self.file("model/config.json", json.dumps(config))
        if os.path.exists(os.path.join(source, "modules.json")):
            self.file("model/modules.json", json.dumps(MEAN))
            self.file("model/9_Pooling/config.json", '{"pooling_mode": "mean"}')
        return folder

    def run_on(self, model, change, without, ids):
        folder, out = self.folder(model, change, without), self.path("logits.npy")
        run = Run(("logits", "-m", folder, "--ids", ids, "-o", out, "--compute", "f32", "--no-cache", "-t", "1"))
        shutil.rmtree(folder)
        return run, out

    def test_changes(self):
        with open(os.path.join(FIXTURES, "changes.json")) as f:
            record = json.load(f)
        ids, n, refused = " ".join(map(str, record["ids"])), 0, []
        for model, rows in record["models"].items():
            for change, without, logits, largest in rows:
                n += 1
                with self.subTest(model, change=change, without=without):
                    run, out = self.run_on(model, change, without, ids)
                    if run.status == 3:
                        refused.append(model)
                        self.assertTrue(any(key in run.words for key in (*change, *without, *NAMED)), run.words)
                        continue
                    self.assertEqual(run.status, 0, run.words)
                    with open(out, "rb") as f:
                        rows, _ = read_npy(f.read())
                    self.assertClose(rows[-1][:len(logits)], logits, 1e-4 * largest)
        self.assertLess(len(refused), n // 4)

    def test_several_of_encoders(self):
        """Keys that are changed together (fixtures/make_encoder_changes.py)."""
        with open(os.path.join(FIXTURES, "encoder-changes.json")) as f:
            record = json.load(f)
        rest, n, refused = ("--compute", "f32", "--no-cache", "-t", "1", "--jsonl", "--format=jsonl", "-m"), 0, 0
        for model, rows in record["models"].items():
            g = golden(os.path.join(FIXTURES, model))
            text = (g["texts"] if g["kind"] == "embed" else g["pairs"])[record["text"]]
            command = ("embed",) if g["kind"] == "embed" else ("classify", "--raw", "--pair")
            for change, numbers, largest in rows:
                n += 1
                with self.subTest(model, **change):
                    folder = self.folder(model, change)
                    run = Run((*command, *rest, folder), stdin=json.dumps(text) + "\n")
                    shutil.rmtree(folder)
                    if run.status == 3:
                        refused += 1
                        self.assertTrue(any(key in run.words for key in (*change, *NAMED)), run.words)
                        continue
                    self.assertEqual(run.status, 0, run.words)
                    row = run.json_lines[0]
                    got = row["embedding"] if g["kind"] == "embed" else list(row["labels"].values())
                    self.assertClose(got[:len(numbers)], numbers, 1e-4 * largest)
        self.assertLess(refused, n // 4)

    def test_several_beside_the_weights(self):
        """Keys of Sentence Transformers' files that are changed together (fixtures/make_sentence_changes.py)."""
        with open(os.path.join(FIXTURES, "sentence-changes.json")) as f:
            record = json.load(f)
        n, refused = 0, 0
        for name, rows in record["models"].items():
            for changes, what, width, numbers, largest in rows:
                n += 1
                with self.subTest(name, changes=changes, what=what):
                    folder = self.path("model")
                    shutil.copytree(os.path.join(FIXTURES, "sentence", name, "model"), folder)
                    for change in changes:
                        apply(folder, *change)
                    run = of_sentence(folder, what, record)
                    shutil.rmtree(folder)
                    if run.status in (2, 3):
                        refused += 1
                        continue
                    self.assertEqual(run.status, 0, run.words)
                    got = vector(run.json_lines, what, width)
                    self.assertEqual(len(got), width)
                    self.assertClose(got[:len(numbers)], numbers, 2e-5 * largest)
        self.assertLess(refused, n // 2)


def apply(folder, file, where, key, *value):
    path = os.path.join(folder, file)
    with open(path) as f:
        content = inner = json.load(f)
    for step in where:
        inner = inner[step]
    inner.pop(key, None)
    if value:
        inner[key] = value[0]
    with open(path, "w") as f:
        json.dump(content, f)


def of_sentence(folder, what, record):
    rest = ("--compute", "f32", "--no-cache", "-t", "1", "-m", folder)
    if what == "scores":
        return Run(("rerank", *rest, "-q", record["query"], "--format=jsonl"), stdin="\n".join(record["texts"]) + "\n")
    return Run(("embed", *rest, *(("--as", what) if what else ())), stdin=record["texts"][0] + "\n")


def vector(lines, what, width):
    """Scores in their texts' order, or the first text's numbers."""
    if what == "scores":
        return [row["score"] for row in sorted(lines, key=lambda row: row["index"])]
    if "embedding" in lines[0]:
        return lines[0]["embedding"]
    out = [0.0] * width
    for word in lines[0]["sparse"]:
        out[word["index"]] = word["value"]
    return out


class Chunks(Case):
    """Llama 4 where all layers see their own chunk of a text alone: the last one gives what it gives as a text of its own, since
    rotary positions tell distances alone. 256 tokens begin with a tile of the cache, 11 do not."""

    def logits(self, ids, **changes):
        folder, out = self.path("model"), self.path("logits.npy")
        source = os.path.join(FIXTURES, "llama4")
        shutil.copytree(source, folder)
        with open(os.path.join(source, "config.json")) as f:
            self.file("model/config.json", json.dumps({**json.load(f), "max_position_embeddings": 600, **changes}))
        self.hone("logits", "-m", folder, "--ids", " ".join(map(str, ids)), "-o", out, "--compute", "f32", "--no-cache", "-t", "1")
        shutil.rmtree(folder)
        with open(out, "rb") as f:
            rows, _ = read_npy(f.read())
        return rows[-1]

    def test_last_chunk_stands_alone(self):
        n = 2 * 256 + 8
        ids = [(7 * i * i + 3 * i + 11) % 200 + 6 for i in range(n)]
        for chunk in (256, 11):
            with self.subTest(chunk):
                changes = dict(attention_chunk_size=chunk, no_rope_layers=[1] * 4, layer_types=["chunked_attention"] * 4)
                whole, alone = self.logits(ids, **changes), self.logits(ids[n - (n % chunk or chunk):], **changes)
                self.assertClose(whole, alone, 1e-4 * max(map(abs, alone)))
                near = self.logits(ids[n - n % chunk - 1:], **changes)  # with one token more it is another text
                self.assertGreater(max(abs(a - b) for a, b in zip(near, alone)), 1e-3 * max(map(abs, alone)))


# What a sentence says instead of the key that it is about.
NAMED = ("rotary scaling", "activation")

if __name__ == "__main__":
    main()
