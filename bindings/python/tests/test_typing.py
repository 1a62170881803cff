"""What mypy says, of the package and of a program that uses it."""

import pathlib
import subprocess
import sys

from support import Case, skip_without

import hone

skip_without("mypy")

SOURCES = pathlib.Path(__file__).parents[1]
PROGRAM = """
import numpy as np
from numpy.typing import NDArray

import hone

model = hone.Model("m.gguf", threads=2)
rows: NDArray[np.float32] = model.embed(["a"], role="query")
first: hone.Generated = model.generate("a", max_tokens=3, stop=["b"]).result()
for part in model.chat([{"role": "user", "content": "a"}]):
    print(part.upper())


async def ask() -> NDArray[np.float32]:
    return await model.aembed("a", timeout=1)
"""


class Typing(Case):
    def mypy(self, *arguments):
        command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(self.folder / "cache"), *arguments]
        return subprocess.run(command, cwd=SOURCES, capture_output=True, text=True)

    def test_package(self):
        self.assertTrue((pathlib.Path(hone.__file__).parent / "py.typed").exists())
        run = self.mypy()
        self.assertEqual(run.returncode, 0, run.stdout)

    def test_program(self):
        program = self.folder / "program.py"
        program.write_text(PROGRAM)
        run = self.mypy(str(program))
        self.assertEqual(run.returncode, 0, run.stdout)
        program.write_text(PROGRAM.replace("max_tokens=3", "maximum=3"))
        self.assertIn("maximum", self.mypy(str(program)).stdout)
