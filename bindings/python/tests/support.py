"""What the tests of the package share. They run in a venv that has it, from anywhere."""

import json
import os
import pathlib
import tempfile
import unittest

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[3]
FIXTURES = ROOT / "tests" / "fixtures"
EMBED, CROSS, CLASSIFY, CAUSAL = (str(FIXTURES / n) for n in ("bert-embed", "bert-cross", "bert-classify", "causal"))


def golden(folder):
    return json.loads((FIXTURES / folder / "golden.json").read_text())


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def assertClose(self, found, wanted, bound=1e-5):
        found, wanted = np.asarray(found), np.asarray(wanted)
        self.assertEqual(found.shape, wanted.shape)
        self.assertLess(np.abs(found - wanted).max(initial=0), bound)


def skip_without(*names):
    """Skips a module of tests where a package is not installed; in CI (HONE_CI) only those that it does not install."""
    for name in names:
        try:
            __import__(name)
        except ImportError as e:
            if name.partition(".")[0] in os.environ.get("PYTHON_HONE_PACKAGES", "").split():
                raise
            raise unittest.SkipTest(f"{name} is not installed: {e}") from None
