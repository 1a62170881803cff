"""The program on a system that fails: calls that are interrupted or do less than they were asked change nothing, others end
in a sentence, a status and no file that is incomplete. Also memory that runs out in it."""
import errno
import fcntl
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
                    if call == RENAME: # which is what takes the place of another file
                        with open(out, "wb") as f:
                            f.write(b"before")
                    status, _, said = self.broken("embed", "-m", EMBED, "-o", out, call=call, at=at, more=more,
                                                  error=error, input=self.texts)
                    what = f"call {call}, {at}, {more}: status {status}, {said}"
                    self.assertGreaterEqual(status, 0, what)
                    found = None
                    if os.path.exists(out):
                        with open(out, "rb") as f:
                            found = f.read()
                        os.unlink(out)
                    if found not in (None, b"before"):
                        self.assertEqual((status, found), (0, self.right), what)
                    else:
                        self.assertEqual(found is None, call != RENAME, what)
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

    def ended(self, command, number, delay):
        """The files beside the model after `command` was ended."""
        p = subprocess.Popen([HONE, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(delay)
        p.send_signal(number)
        p.wait(60)
        return set(os.listdir(self._folder.name)) - {"model.gguf"}

    def test_signals_leave_nothing(self):
        """convert and quantize, ended in the middle: the new file or none, and in the place of another the old or the new.

        No program can replace a file in one step that SIGKILL could not divide, so there the next one tidies up."""
        model, new = self.path("model.gguf"), self.path("new.gguf")
        self.hone("convert", EMBED, "-o", model)
        for command in (["convert", EMBED, "-o", new], ["quantize", model, new, "q8_0"]):
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL):
                for delay in (0.002, 0.005, 0.01, 0.02):
                    self.assertLessEqual(self.ended(command, number, delay), {"new.gguf"}, f"{command[0]}, {number}")
                    if os.path.exists(new):
                        os.unlink(new)
            self.hone(*command)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL):
                for delay in (0.002, 0.005, 0.01, 0.02):
                    left = self.ended(command, number, delay)
                    if number == signal.SIGKILL and left != {"new.gguf"}:
                        self.hone(*command)
                        left = set(os.listdir(self._folder.name)) - {"model.gguf"}
                    self.assertEqual(left, {"new.gguf"}, f"{command[0]}, {number}")
            os.unlink(new)

    def test_what_others_left(self):
        """What an ended writer of the same name left is removed; what one still writes, and other names, are not."""
        model, new, out = self.path("model.gguf"), self.path("new.gguf"), self.path("out.jsonl")
        self.hone("convert", EMBED, "-o", model)
        for path, command in ((new, ["convert", EMBED, "-o", new]), (out, ["embed", "-m", EMBED, "-o", out])):
            left, written, other = f"{path}.1-0.tmp", f"{path}.2-0.tmp", f"{path}.kept.tmp"
            for name in (left, written, other):
                with open(name, "wb") as f:
                    f.write(b"a part")
            with open(written, "rb") as f:
                fcntl.flock(f, fcntl.LOCK_EX)
                self.hone(*command, stdin=self.texts)
            self.assertEqual([os.path.exists(name) for name in (path, left, written, other)], [True, False, True, True])


if __name__ == "__main__":
    main()
