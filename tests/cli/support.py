"""Runs the program as a person or a script would. HONE names it (build/hone by default)."""
import fcntl
import hashlib
import json
import os
import site
import struct
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HONE = os.path.join(ROOT, os.environ.get("HONE", "build/hone"))
PATIENCE = 1800  # seconds, after which a program surely hangs, however many others want the processors
FIXTURES = os.path.join(ROOT, "tests", "fixtures")
EMBED, CROSS, CLASSIFY = (os.path.join(FIXTURES, "bert-" + kind) for kind in ("embed", "cross", "classify"))


def golden(folder):
    with open(os.path.join(folder, "golden.json")) as f:
        return json.load(f)


class Run:
    """What a run of the program left: status, out and err (bytes), text and words (the same as str)."""

    def __init__(self, arguments, stdin=b"", **how):
        if isinstance(stdin, str):
            stdin = stdin.encode()
        p = subprocess.run([HONE, *arguments], input=stdin, capture_output=True, timeout=PATIENCE, **how)
        self.status, self.out, self.err = p.returncode, p.stdout, p.stderr

    @property
    def text(self):
        return self.out.decode()

    @property
    def words(self):
        return self.err.decode()

    @property
    def json_lines(self):
        return [json.loads(line) for line in self.text.splitlines()]


class Case(unittest.TestCase):
    def setUp(self):
        self._folder = tempfile.TemporaryDirectory()
        self.addCleanup(self._folder.cleanup)

    def path(self, name):
        return os.path.join(self._folder.name, name)

    def file(self, name, content):
        if isinstance(content, str):
            content = content.encode()
        with open(self.path(name), "wb") as f:
            f.write(content)
        return self.path(name)

    def hone(self, *arguments, status=0, **how):
        """Runs the program, and checks its exit status."""
        run = Run(arguments, **how)
        self.assertEqual(run.status, status, f"hone {' '.join(arguments)}\n{run.err.decode(errors='replace')}")
        return run

    def assertClose(self, numbers, wanted, bound=1e-5):
        self.assertEqual(len(numbers), len(wanted))
        for a, b in zip(numbers, wanted):
            self.assertAlmostEqual(a, b, delta=bound)


def python_with(*packages):
    """A Python that has these packages from PyPI, in a venv below build/, which is kept. Where they cannot be installed the
    test class is skipped, by name, but for CI (HONE_CI), where it fails."""
    name = "-".join(packages)
    if len(name) > 200:  # of 255
        name = f"{name[:100]}-{hashlib.sha256(name.encode()).hexdigest()[:16]}"
    folder = os.path.join(ROOT, "build", "venv", name)
    python = os.path.join(folder, "bin", "python3")
    os.makedirs(os.path.dirname(folder), exist_ok=True)
    with open(folder + ".lock", "w") as lock:  # another test may be making it
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(os.path.join(folder, "complete")):
            try:
                subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True, capture_output=True, timeout=300)
                subprocess.run([python, "-m", "pip", "install", "-q", *packages], check=True, capture_output=True, timeout=600)
            except (OSError, subprocess.SubprocessError) as e:
                if os.environ.get("HONE_CI"):
                    raise
                raise unittest.SkipTest(f"cannot install {', '.join(packages)}: {e}") from None
            open(os.path.join(folder, "complete"), "w").close()
    return python


def import_with(*packages):
    """The same for the Python that runs: it can import them from here on."""
    folder = os.path.dirname(os.path.dirname(python_with(*packages)))
    site.addsitedir(os.path.join(folder, "lib", f"python{sys.version_info[0]}.{sys.version_info[1]}", "site-packages"))


def read_npy(data):
    """Rows of a float32 array as numpy.save would write it."""
    assert data[:8] == b"\x93NUMPY\x01\x00", data[:8]
    size = struct.unpack("<H", data[8:10])[0]
    header = eval(data[10:10 + size], {"__builtins__": {}})  # noqa: a dict literal by definition
    assert (10 + size) % 64 == 0 and header["descr"] == "<f4" and header["fortran_order"] is False
    n_rows, n_columns = header["shape"]
    values = struct.unpack(f"<{n_rows * n_columns}f", data[10 + size:])
    return [values[i * n_columns:(i + 1) * n_columns] for i in range(n_rows)], n_columns


def main():
    unittest.main()
