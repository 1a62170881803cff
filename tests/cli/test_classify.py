"""hone classify: labels of texts and of pairs."""
import json
import math
import os
import shutil

from support import CLASSIFY, CROSS, Case, golden, main


def softmax(logits):
    e = [math.exp(x - max(logits)) for x in logits]
    return [x / sum(e) for x in e]


class Classify(Case):
    @classmethod
    def setUpClass(cls):
        cls.pairs = golden(CLASSIFY)["pairs"]
        cls.logits = golden(CLASSIFY)["logits"]
        cls.lines = "".join(f"{a}\t{b}\n" for a, b in cls.pairs)

    def classify(self, *arguments, model=CLASSIFY, **how):
        return self.hone("classify", "-m", model, *arguments, **how)

    def test_pairs_are_right(self):
        rows = self.classify("--pair", "--format=jsonl", stdin=self.lines).json_lines
        raw = self.classify("--pair", "--raw", "--format=jsonl", stdin=self.lines).json_lines
        for i, logits in enumerate(self.logits):
            self.assertEqual(rows[i]["index"], i)
            self.assertEqual(list(rows[i]["labels"]), ["sad", "so-so", "glad"])
            self.assertClose(list(rows[i]["labels"].values()), softmax(logits))
            self.assertClose(list(raw[i]["labels"].values()), logits)

    def test_table_tells_the_best(self):
        rows = self.classify("--pair", "--format=jsonl", stdin=self.lines).json_lines
        lines = self.classify("--pair", stdin=self.lines).text.splitlines()
        self.assertEqual(lines[0].split(), ["line", "score", "label", "text"])
        for row, line, (first, second) in zip(rows, lines[1:], self.pairs):
            best = max(row["labels"], key=row["labels"].get)
            number, score, label, text = line.split(None, 3)
            self.assertEqual((int(number), label), (row["index"] + 1, best))
            self.assertAlmostEqual(float(score), row["labels"][best], places=3)
            self.assertEqual(text, f"{first} {second}")

    def test_single_texts(self):
        rows = self.classify("--format=jsonl", stdin="one\ntwo\n").json_lines
        self.assertEqual([r["index"] for r in rows], [0, 1])
        for row in rows:
            self.assertAlmostEqual(sum(row["labels"].values()), 1, places=5)

    def test_a_line_without_tab_is_refused(self):
        run = self.classify("--pair", "--format=jsonl", stdin="a\tb\nno tab\nc\td\te\n", status=4)
        self.assertEqual([r["index"] for r in run.json_lines], [0, 2])
        self.assertIn("line 2: there is no tab", run.words)
        self.assertEqual(len(self.classify("--pair", stdin="a\tb\nno tab\n", status=4).text.splitlines()), 2)

    def test_most_labels(self):
        folder = self.path("many")
        shutil.copytree(CLASSIFY, folder)
        with open(os.path.join(CLASSIFY, "config.json")) as f:
            config = json.load(f)
        del config["id2label"]
        for n, status in ((65536, 0), (65537, 3)):
            with open(os.path.join(folder, "config.json"), "w") as f:
                json.dump({**config, "num_labels": n}, f)
            run = self.hone("classify", "-m", folder, stdin="a\n", status=status)
            self.assertEqual("65537 labels, expected at most 65536" in run.words, status != 0)

    def test_cross_encoder(self):
        rows = self.classify("--pair", "--format=jsonl", stdin="a\tb\n", model=CROSS).json_lines
        self.assertEqual(len(rows[0]["labels"]), 1)

    def test_a_name_of_another_form(self):
        for name in ("x.npy", "x.csv.gz", "X.NPZ"):
            run = self.hone("classify", "-m", CLASSIFY, "-o", self.path(name), stdin="a\n", status=2)
            self.assertIn("--format jsonl", run.words)
            self.assertFalse(os.path.exists(self.path(name)))
        self.hone("classify", "-m", CLASSIFY, "-o", self.path("x.npy"), "--format", "jsonl", stdin="a\n")


if __name__ == "__main__":
    main()
