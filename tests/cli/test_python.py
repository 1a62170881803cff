"""The Python package: its wheel is made, installed into a bare venv, and tested there. Under sanitizers the library is
tested where it was built.

What is run are the tests of bindings/python/tests, by the Python of that venv. Those of other packages (LangChain, Spark)
are skipped where these are not installed; PYTHON_HONE_PACKAGES="langchain-core pyspark" has them installed."""
import glob
import os
import subprocess
import sys
import unittest

from support import HONE, ROOT, python_with

TESTS = os.path.join(ROOT, "bindings", "python", "tests")
POSTGRES = ("psycopg-binary==3.3.9", "psycopg==3.3.9", "pgserver==0.1.4") if sys.version_info < (3, 13) else ()  # pgserver's last
PACKAGES = ("numpy==2.4.6", "mypy==2.4.1", "pyarrow==26.0.1", "duckdb==2.0.1", *POSTGRES,
            *os.environ.get("PYTHON_HONE_PACKAGES", "").split())
BUILD = os.path.dirname(HONE)
SANITIZERS = {"asan": "libasan.so", "tsan": "libtsan.so"}


def make(*arguments):
    p = subprocess.run(["make", *arguments], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if p.returncode:
        raise RuntimeError(f"make {' '.join(arguments)}\n{p.stdout.decode(errors='replace')}")


def sanitized(mode):
    """The environment in which a Python without sanitizers runs a library with them."""
    library = os.path.join(BUILD, "python", "libhone_python.so")
    make(f"MODE={mode}", os.path.relpath(library, ROOT))
    # C++'s library before a sanitizer looks for its exceptions, which pyarrow throws.
    loaded = [subprocess.run(["gcc", f"-print-file-name={name}"], capture_output=True, check=True).stdout.decode().strip()
              for name in (SANITIZERS[mode], "libstdc++.so.6")]
    return {"PYTHON_HONE_LIBRARY": library, "LD_PRELOAD": " ".join(loaded), "ASAN_OPTIONS": "detect_leaks=0",
            "PYTHONPATH": os.path.join(ROOT, "bindings", "python")}


def installed(python):
    make("wheel")
    machine = os.uname().machine
    wheel, = glob.glob(os.path.join(ROOT, "dist", f"hone_runtime-*_{machine}.whl"))
    subprocess.run([python, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--force-reinstall", wheel], check=True)
    return {}


class Python(unittest.TestCase):
    def test_package(self):
        """Only where it cannot be tested."""
        python_with(*PACKAGES)


def main():
    try:
        python = python_with(*PACKAGES)
    except unittest.SkipTest:
        unittest.main()
    mode = os.path.basename(BUILD)
    environment = sanitized(mode) if mode in SANITIZERS else installed(python)
    environment["HONE"] = HONE  # the tests run in a folder of their own
    environment["PYTHON_HONE_PACKAGES"] = " ".join(p.partition("==")[0] for p in PACKAGES)
    os.chdir(TESTS)
    os.execve(python, [python, "-m", "unittest", "discover", *sys.argv[1:]], {**os.environ, **environment})


main()
