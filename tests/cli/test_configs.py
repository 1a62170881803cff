"""Configurations of every family, each key changed once: hone computes what transformers computes, or refuses the folder.
golden/walk_configs.py does it, with the Python that HONE_PYTHON names; it takes minutes."""
import os
import subprocess

from support import HONE, ROOT, Case, main

WALK = os.path.join(ROOT, "tests", "golden", "walk_configs.py")


class Configs(Case):
    def test_walk(self):
        python = os.environ.get("HONE_PYTHON", "python3")
        if subprocess.run([python, "-c", "import torch, transformers"], capture_output=True).returncode:
            self.skipTest("no Python with transformers and torch (HONE_PYTHON)")
        run = subprocess.run([python, WALK], capture_output=True, text=True, env={**os.environ, "HONE": HONE})
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)


if __name__ == "__main__":
    main()
