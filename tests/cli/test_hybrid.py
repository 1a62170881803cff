"""A model that makes three things of a text (bge-m3's form): what is refused. Its numbers are in test_retrieval_cases.py."""
import os
import pickle
import shutil
import zipfile

from support import EMBED, FIXTURES, Case, main

HYBRID = os.path.join(FIXTURES, "sentence", "hybrid", "model")
TEXT = "a package for editing photos\n"


class Evil:
    def __reduce__(self):
        return os.system, ("true",)


class Hybrid(Case):
    def copy(self):
        folder = self.path("model")
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(HYBRID, folder)
        return folder

    def refused(self, folder, words, status=3, *arguments):
        self.assertIn(words, self.hone("embed", "-m", folder, *arguments, stdin=TEXT, status=status).words)

    def test_quantised(self):
        path = self.path("model.gguf")
        self.hone("convert", HYBRID, "-o", path, "--type", "q8_0")
        small, whole = (self.hone("embed", "-m", m, "--all", stdin=TEXT).json_lines[0] for m in (path, HYBRID))
        self.assertEqual([w["index"] for w in small["sparse"]], [w["index"] for w in whole["sparse"]])
        for a, b in zip([small["embedding"], *small["tokens"]], [whole["embedding"], *whole["tokens"]], strict=True):
            self.assertGreater(sum(x * y for x, y in zip(a, b)), 0.999)
        self.hone("verify", "-m", path)

    def test_a_head_alone(self):
        folder = self.copy()
        os.remove(os.path.join(folder, "colbert_linear.pt"))
        row = self.hone("embed", "-m", folder, "--all", stdin=TEXT).json_lines[0]
        self.assertEqual(set(row), {"index", "embedding", "sparse"})
        self.assertEqual(len(self.hone("embed", "-m", folder, "--tokens", stdin=TEXT).json_lines[0]["tokens"][0]), 16)

    def test_heads_of_other_shapes(self):
        folder = self.copy()
        shutil.copy(os.path.join(HYBRID, "colbert_linear.pt"), os.path.join(folder, "sparse_linear.pt"))
        self.refused(folder, "sparse_linear.pt: expected 'weight' of one row of 16 numbers")

    def test_a_pickle_that_wants_to_run_something(self):
        folder = self.copy()
        with zipfile.ZipFile(os.path.join(folder, "sparse_linear.pt"), "w") as z:
            z.writestr("archive/data.pkl", pickle.dumps({"weight": Evil()}, 2))
            z.writestr("archive/version", "3\n")
        self.refused(folder, "the pickle wants 'system' of 'posix'")
        with open(os.path.join(folder, "sparse_linear.pt"), "wb") as f:
            f.write(b"no archive")
        self.refused(folder, "sparse_linear.pt")

    def test_what_is_not_made(self):
        self.refused(EMBED, "makes one thing of a text", 2, "--all")
        self.refused(HYBRID, "cannot be cut to 4", 2, "--tokens", "--dimensions", "4")
        row = self.hone("embed", "-m", HYBRID, "--all", "--dimensions", "4", stdin=TEXT).json_lines[0]
        self.assertEqual((len(row["embedding"]), len(row["tokens"][0])), (4, 12))


if __name__ == "__main__":
    main()
