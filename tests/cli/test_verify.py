"""hone verify and convert --golden: what is found in whole models and in damaged ones."""
import json
import os
import shutil
import subprocess
import unittest

from support import CROSS, EMBED, FIXTURES, ROOT, Case, golden, main


class Verify(Case):
    def checks(self, *arguments, **how):
        lines = self.hone("verify", "--json", *arguments, **how).json_lines
        return {c["check"]: (c["passed"], c["found"]) for c in lines}

    def converted(self, folder, *options):
        self.hone("convert", folder, "-o", self.path("model.gguf"), *options)
        return self.path("model.gguf")

    def test_whole_models(self):
        for name in ("bert-embed", "bert-cross", "bert-dense", "nomic", "gte-scaled", "modernbert", "mpnet-classify"):
            folder = os.path.join(FIXTURES, name)
            checks = self.checks("-m", folder, os.path.join(folder, "golden.json"))
            self.assertTrue(all(passed for passed, _ in checks.values()), checks)
            self.assertIn("golden numbers", checks)

    def test_generating_models(self):
        shared = os.environ.get("HONE_SHARED", os.path.join(ROOT, "..", "shared"))
        folder = os.path.join(shared, "goldens", "qwen2")
        if not os.path.exists(folder):
            self.skipTest(f"{folder} is not there")
        checks = self.checks("-m", folder, os.path.join(folder, "golden.json"))
        self.assertTrue(all(passed for passed, _ in checks.values()), checks)
        self.assertIn("golden greedy", checks)
        wrong = golden(folder)
        wrong["logits_last"][0][5] += 0.01
        wrong["greedy"][1][0] += 1
        checks = self.checks("-m", folder, self.file("golden.json", json.dumps(wrong)), status=3)
        self.assertEqual([name for name, (passed, _) in checks.items() if not passed], ["golden numbers", "golden greedy"])
        self.hone("verify", "-m", folder, self.file("golden.json", '{"kind": "causal", "ids": [[]]}'), status=2)

    def test_words(self):
        text = self.hone("verify", "-m", EMBED).text
        self.assertIn("ok      tensors", text)
        self.assertIn("[CLS]", text)

    def test_other_numbers(self):
        wrong = golden(EMBED)
        wrong["embedding"][1][3] += 1e-4
        wrong["ids"][0][1] += 1
        path = self.file("golden.json", json.dumps(wrong))
        checks = self.checks("-m", EMBED, path, status=3)
        self.assertEqual([name for name, (passed, _) in checks.items() if not passed], ["golden ids", "golden numbers"])
        self.assertIn("text 0 first", checks["golden ids"][1])
        self.assertTrue(self.checks("-m", EMBED, path, "--compute", "int8", status=3)["golden numbers"][0])

    def test_other_pooling(self):
        wrong = dict(golden(EMBED), pooling="cls")
        self.assertFalse(self.checks("-m", EMBED, self.file("g", json.dumps(wrong)), status=3)["golden pooling"][0])

    def test_not_a_golden_file(self):
        for content in ("", "{}", "[]", '{"kind": "embed"}', '{"kind": "embed", "texts": ["x"], "embedding": [[1]]}',
                        '{"kind": "embed", "texts": [1], "embedding": [[1]]}', '{"kind": "cross-encoder"}'):
            self.hone("verify", "-m", EMBED, self.file("golden.json", content), status=2)
        self.hone("verify", "-m", CROSS, os.path.join(EMBED, "golden.json"), status=2)

    def test_unread_tensor(self):
        """A tensor under a name that the family does not have; the one it was is optional."""
        with open(self.converted(EMBED), "rb") as f:
            data = f.read()
        path = self.file("other.gguf", data.replace(b"token_types.weight", b"token_typez.weight"))
        run = self.hone("embed", "-m", path, stdin="x\n", status=3)
        self.assertIn("token_typez.weight", run.words)
        self.assertIn("--force", run.words)
        self.hone("embed", "-m", path, "--force", stdin="x\n")
        checks = self.checks("-m", path, status=3)
        self.assertIn("token_typez.weight", checks["tensors"][1])

    def test_lost_pooler(self):
        with open(self.converted(CROSS), "rb") as f:
            data = f.read()
        for pooling in (b"bert.pooling_type", b"bert.pooling_typo"):  # other converters may not say that it ranks
            path = self.file("lost.gguf", data.replace(b"cls.weight", b"clx.weight").replace(b"bert.pooling_type", pooling))
            run = self.hone("rerank", "-m", path, "-q", "x", stdin="x\n", status=3)
            self.assertIn("lose the pooler", run.words)

    def test_not_finite(self):
        with open(self.converted(EMBED, "--type", "f32"), "rb") as f:
            data = bytearray(f.read())
        data[-100:-96] = b"\0\0\xc0\x7f"
        self.assertFalse(self.checks("-m", self.file("nan.gguf", data), status=3)["weights"][0])

    def test_golden_from_transformers(self):
        python = os.environ.get("HONE_PYTHON", "python3")
        if subprocess.run([python, "-c", "import transformers, torch"], capture_output=True).returncode:
            self.skipTest("no Python with transformers and torch (HONE_PYTHON)")
        for folder in (EMBED, CROSS, os.path.join(FIXTURES, "bert-dense")):
            out = self.path("golden.json")
            model = self.converted(folder, "--golden", out)
            self.assertTrue(all(passed for passed, _ in self.checks("-m", model, out).values()))

    def test_golden_without_python(self):
        run = self.hone("convert", EMBED, "-o", self.path("m.gguf"), "--golden", self.path("g.json"), status=1,
                        env={**os.environ, "HONE_PYTHON": self.path("none")})
        self.assertIn("HONE_PYTHON", run.words)


class Dimensions(Case):
    def test_first_numbers(self):
        whole = self.hone("embed", "-m", EMBED, "--no-normalize", stdin="a text\n").json_lines[0]["embedding"]
        part = self.hone("embed", "-m", EMBED, "--no-normalize", "--dimensions", "5", stdin="a text\n")
        self.assertEqual(part.json_lines[0]["embedding"], whole[:5])
        unit = self.hone("embed", "-m", EMBED, "--dimensions", "5", stdin="a text\n").json_lines[0]["embedding"]
        length = sum(x * x for x in whole[:5]) ** 0.5
        self.assertClose(unit, [x / length for x in whole[:5]], 1e-6)

    def test_too_many(self):
        for name, n in (("bert-embed", 33), ("bert-dense", 31)):
            run = self.hone("embed", "-m", os.path.join(FIXTURES, name), "--dimensions", str(n), stdin="x\n", status=2)
            self.assertIn(str(n - 1), run.words)


class Pooling(Case):
    def test_max(self):
        """Of a text of one token and no special ones around it, every pooling is that token's vector."""
        folder = self.path("model")
        shutil.copytree(EMBED, folder)
        with open(os.path.join(folder, "tokenizer.json")) as f:
            tokenizer = json.load(f)
        tokenizer["post_processor"] = None
        with open(os.path.join(folder, "tokenizer.json"), "w") as f:
            json.dump(tokenizer, f)
        rows = [self.hone("embed", "-m", folder, "--pooling", p, stdin="x\n").out for p in ("mean", "cls", "last", "max")]
        self.assertEqual(rows, rows[:1] * 4)


if __name__ == "__main__":
    main()
