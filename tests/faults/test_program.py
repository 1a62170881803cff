"""The program on a system that fails: calls that are interrupted or do less than they were asked change nothing, others end
in a sentence, a status and no file that is incomplete. Also memory that runs out in it."""
import errno
import os
import signal
import struct
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "cli"))
from support import EMBED, HONE, Case, main  # noqa: E402

SHIM = os.path.join(os.path.dirname(HONE), "tests", "faults.so")
READ, WRITE, OPEN, FSYNC, RENAME, MMAP = range(6)


@unittest.skipUnless(os.path.exists(SHIM) and "asan" not in HONE, "no faults.so beside the program")
class Faults(Case):
    def broken(self, *arguments, memory=(0, 0), call=None, at=0, more=0, error=0, **how):
        """Runs the program with one kind of call failing (tests/faults/shim.h has the layout)."""
        numbers = [*memory, 0]
        for i in range(6):
            numbers += [at, more, error, 0] if i == call else [0, 0, 0, 0]
        controls = self.file("faults", struct.pack(f"{len(numbers)}q", *numbers))
        environment = {**os.environ, "LD_PRELOAD": SHIM, "FAULTS": controls}
        p = subprocess.run([HONE, *arguments], capture_output=True, timeout=120, env=environment, **how)
        return p.returncode, p.stdout, p.stderr.decode(errors="replace")

    def setUp(self):
        super().setUp()
        self.texts = ("one text\nanother, longer text\n" * 50).encode()
        self.right = self.hone("embed", "-m", EMBED, stdin=self.texts).out

    def test_interrupted_and_partial_calls(self):
        for call, error in ((READ, errno.EINTR), (READ, 0), (WRITE, errno.EINTR), (WRITE, 0)):
            for at in (1, 2, 3, 7):
                status, out, said = self.broken("embed", "-m", EMBED, call=call, at=at, error=error, input=self.texts)
                self.assertEqual((status, out == self.right), (0, True), f"call {call}, {at}: {said}")

    def test_calls_that_fail(self):
        out = self.path("out.jsonl")
        for call, error in ((READ, errno.EIO), (WRITE, errno.ENOSPC), (WRITE, errno.EIO), (OPEN, errno.EMFILE),
                            (RENAME, errno.EIO), (MMAP, errno.ENOMEM)):
            for at in (1, 2, 3, 5, 9):
                for more in (0, 1):
                    before = set(os.listdir(self._folder.name)) - {"out.jsonl"}
                    status, _, said = self.broken("embed", "-m", EMBED, "-o", out, call=call, at=at, more=more,
                                                  error=error, input=self.texts)
                    what = f"call {call}, {at}, {more}: status {status}, {said}"
                    self.assertGreaterEqual(status, 0, what)
                    if os.path.exists(out):
                        with open(out, "rb") as f:
                            self.assertEqual(f.read(), self.right, what)
                        self.assertEqual(status, 0, what)
                        os.unlink(out)
                    else:
                        self.assertIn(status, (1, 3), what)
                        self.assertIn("hone embed:", said)
                    self.assertEqual(set(os.listdir(self._folder.name)), before | {"faults"}, what)

    def test_memory(self):
        n_failed = 0
        for at in list(range(1, 10)) + list(range(10, 6000, 499)):
            for more in (0, 1):
                status, out, said = self.broken("embed", "-m", EMBED, memory=(at, more), input=self.texts)
                what = f"allocation {at}, {more}: status {status}, {said[:300]}"
                self.assertTrue((status, out) == (0, self.right) or status == 1 and said, what)
                n_failed += status
        self.assertGreater(n_failed, 0)

    def test_signals_leave_nothing(self):
        """convert and quantize, ended in the middle."""
        model = self.path("model.gguf")
        self.hone("convert", EMBED, "-o", model)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL):
            for command in (["convert", EMBED, "-o", self.path("new.gguf")],
                            ["quantize", model, self.path("new.gguf"), "q8_0"]):
                for delay in (0.002, 0.005, 0.01, 0.02):
                    p = subprocess.Popen([HONE, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                    time.sleep(delay)
                    p.send_signal(number)
                    p.wait(60)
                    left = set(os.listdir(self._folder.name)) - {"model.gguf", "new.gguf"}
                    self.assertEqual(left, set(), f"{command[0]}, {number}")


if __name__ == "__main__":
    main()
