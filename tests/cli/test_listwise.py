"""Rerankers that read a query and all documents in one prompt, against the code beside jina-reranker-v3 (make_decoders.py):
cut texts, markers that are written in texts, an instruction, lists that take several prompts; from the folder and from a file."""
import json
import os
import shutil

from support import FIXTURES, Case, main

NAMES = "qwen3-listwise", "qwen3-listwise-window"


def golden(name):
    with open(os.path.join(FIXTURES, name, "golden.json")) as f:
        return json.load(f)["cases"]


class Listwise(Case):
    def scores(self, model, case, *more):
        lines = "".join(json.dumps(d) + "\n" for d in case["documents"])
        told = ["--instruction", case["instruction"]] if "instruction" in case else []
        run = self.hone("rerank", "-m", model, "-q", case["query"], "--jsonl", "--format", "jsonl",
                         "--compute", "f32", *told, *more, stdin=lines)
        rows = run.json_lines
        self.assertEqual([r["score"] for r in rows], sorted((r["score"] for r in rows), reverse=True))
        return {r["index"]: r["score"] for r in rows}

    def check(self, model, case, bound=1e-4):
        scores = self.scores(model, case)
        self.assertEqual(len(scores), len(case["documents"]))
        for i, want in enumerate(case["scores"]):
            self.assertLess(abs(scores[i] - want), bound * max(abs(want), 0.1), (i, scores[i], want))

    def test_folders(self):
        for name in NAMES:
            for i, case in enumerate(golden(name)):
                with self.subTest(name, case=i):
                    self.check(os.path.join(FIXTURES, name), case)

    def test_files(self):
        file = self.path("model.gguf")
        self.hone("convert", os.path.join(FIXTURES, NAMES[0]), "-o", file)
        for i, case in enumerate(golden(NAMES[0])):
            with self.subTest(case=i):
                self.check(file, case)

    def test_best(self):
        case = golden(NAMES[0])[4]
        best = sorted(range(len(case["scores"])), key=lambda i: -case["scores"][i])[:3]
        self.assertEqual(list(self.scores(os.path.join(FIXTURES, NAMES[0]), case, "--top-n", "3")), best)

    def test_strict(self):
        """The long document is left out, and the others are ranked without it."""
        case = golden(NAMES[0])[3]
        documents = "".join(d + "\n" for d in case["documents"])
        run = self.hone("rerank", "-m", os.path.join(FIXTURES, NAMES[0]), "-q", "fox", "--strict", "--format", "jsonl",
                        stdin=documents, status=4)
        self.assertIn("tokens, expected at most 2048", run.words)
        self.assertEqual(sorted(r["index"] for r in run.json_lines), [0, 1, 3])

    def test_what_it_is_not(self):
        model = os.path.join(FIXTURES, NAMES[0])
        for command in (["embed"], ["classify"], ["generate", "-p", "x"]):
            with self.subTest(command):
                self.hone(command[0], "-m", model, *command[1:], stdin="x\n", status=2)
        self.assertIn("rerank: a query and all documents together", self.hone("inspect", model).text)
        self.assertEqual(self.hone("inspect", model, "--json").json_lines[0]["model"]["task"], "rerank")

    def test_folder_without_a_part(self):
        folder = self.path("model")
        shutil.copytree(os.path.join(FIXTURES, NAMES[0]), folder)
        path = os.path.join(folder, "model.safetensors")
        with open(path, "rb") as f:
            data = f.read()
        with open(path, "wb") as f:
            f.write(data.replace(b"projector.2.weight", b"projector.3.weight"))
        run = self.hone("rerank", "-m", folder, "-q", "x", stdin="x\n", status=3)
        self.assertIn("a listwise reranker without the tensor 'projector.2.weight'", run.words)


if __name__ == "__main__":
    main()
