"""hone embed -o x.npz, as numpy.load reads it: by the program, if there is one."""

import json
import os
import pathlib
import subprocess
import unittest
import zipfile

import numpy as np
from support import EMBED, ROOT, Case

import hone

HONE = pathlib.Path(os.environ.get("HONE", ROOT / "build" / "hone")).absolute()


@unittest.skipUnless(HONE.exists(), "there is no program hone")
class Npz(Case):
    def load(self, rows, *options, status=0):
        """The arrays of rows of jsonl."""
        lines, path = "".join(json.dumps(row) + "\n" if row else "\n" for row in rows), self.folder / "x.npz"
        command = [HONE, "embed", "-m", EMBED, "--input-format", "jsonl", "-o", path, *options]
        p = subprocess.run(command, input=lines, capture_output=True, text=True)
        if "built without" in p.stderr:
            self.skipTest(p.stderr)
        self.assertEqual(p.returncode, status, p.stderr)
        if status not in (0, 4):
            self.assertFalse(path.exists())
            return p.stderr
        with zipfile.ZipFile(path) as archive:
            self.assertIsNone(archive.testzip())
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays}

    def test_vectors(self):
        texts = [f"text {i} " + "and more " * (i % 7) for i in range(1500)]
        found = self.load([{"text": t} for t in texts])
        self.assertEqual(list(found), ["vectors"])
        wanted = hone.Model(EMBED).embed(texts)
        self.assertEqual(found["vectors"].dtype, np.float32)
        self.assertTrue((found["vectors"] == wanted).all())
        self.assertEqual(self.load([])["vectors"].shape, (0, wanted.shape[1]))

    def test_ids(self):
        for ids, wanted in (
            ([3, -(2**63), 2**63 - 1], np.array([3, -(2**63), 2**63 - 1], np.int64)),
            (["b", "", "né 漢 🙂"], np.array(["b", "", "né 漢 🙂"])),
            ([7, "seven", None], np.array(["7", "seven", ""])),
            ([[1, "x"], 0.5, True], np.array(['[1,"x"]', "0.5", "true"])),
            (["", "", ""], np.array(["", "", ""])),
            (["x" * 1024, "y", "z"], np.array(["x" * 1024, "y", "z"])),
        ):
            with self.subTest(ids):
                found = self.load([{"_id": i, "text": "a"} for i in ids])["ids"]
                self.assertEqual(found.dtype, wanted.dtype)
                self.assertEqual(found.tolist(), wanted.tolist())
        found = self.load([{"k": i, "text": "a"} for i in range(3000)], "--id-column", "k")
        self.assertEqual(found["ids"].tolist(), list(range(3000)))

    def test_each_row_has_its_id(self):
        """Where some have none, some lines are empty, and some texts are refused."""
        found = self.load([{"text": "a"}, None, {"text": "b", "id": "second"}, {"text": 5, "id": "bad"}, {"text": "b"}], status=4)
        self.assertEqual(found["ids"].tolist(), ["", "second", "bad", ""])
        self.assertEqual(np.isnan(found["vectors"]).all(1).tolist(), [False, False, True, False])
        self.assertTrue((found["vectors"][1] == found["vectors"][3]).all())

    def test_ids_that_an_array_cannot_hold(self):
        for key, sentence in (("x" * 1025, "row 1: its id is longer than the 1024"), ("x\0", "row 1: its id ends with U+0000")):
            self.assertIn(sentence, self.load([{"text": "a"}, {"id": key, "text": "a"}], status=1))


if __name__ == "__main__":
    unittest.main()
