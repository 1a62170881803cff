"""Lines in and bytes out: odd line ends, long lines, closed pipes, full disks, files that appear when complete."""
import json
import os
import signal
import stat
import subprocess
import time
import unittest

from support import EMBED, HONE, Case, main, read_npy


class Input(Case):
    def ids(self, data, *arguments, **how):
        return self.hone("tokenize", "-m", EMBED, *arguments, stdin=data, **how).json_lines

    def test_line_ends(self):
        wanted = self.ids("a b\nc\n")
        self.assertEqual(self.ids("a b\r\nc\r\n"), wanted)
        self.assertEqual(self.ids("a b\nc"), wanted)
        self.assertEqual(self.ids("a b\nc\r"), wanted)

    def test_empty_lines_are_texts(self):
        self.assertEqual(self.ids("\n\nx\n\n"), [[2, 3], [2, 3], self.ids("x")[0], [2, 3]])
        self.assertEqual(self.ids("\n"), [[2, 3]])

    def test_nul_is_a_character(self):
        self.assertEqual(len(self.ids(b"a\0b\nc\n")), 2)

    def test_windows_do_not_show(self):
        lines = [("word " * (i % 37)).strip() for i in range(5000)]
        lines[3000] = "long " * 500000
        whole = self.ids("\n".join(lines))
        self.assertEqual(len(whole), 5000)
        for i in (0, 36, 1023, 1024, 3001, 4999):
            self.assertEqual(whole[i], self.ids(lines[i] + "\n")[0])
        self.assertEqual(len(whole[3000]), len(self.ids("long", "--no-special")[0]) * 500000 + 2)

    def test_a_line_too_long_is_refused(self):
        huge = b"x" * (64 << 20)
        run = self.hone("tokenize", "-m", EMBED, stdin=b"a\n" + huge + b"x\nb\n" + huge + huge + b"\nc\n", status=4)
        rows = run.json_lines
        self.assertEqual([r is None for r in rows], [False, True, False, True, False])
        self.assertIn("line 2: ", run.words)
        self.assertIn("line 4: ", run.words)

    def test_dash_and_files(self):
        wanted = self.ids("a\n")
        self.assertEqual(self.ids("a\n", "-"), wanted)
        self.assertEqual(self.ids("", self.file("in", "a\n")), wanted)

    def test_unreadable(self):
        self.assertIn("No such file", self.hone("tokenize", "-m", EMBED, self.path("none"), status=1).words)
        self.assertIn("directory", self.hone("tokenize", "-m", EMBED, EMBED, status=1).words)

    def test_answers_come_as_lines_come(self):
        p = subprocess.Popen([HONE, "embed", "-m", EMBED], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for i in range(3):
            p.stdin.write(b"a line\n")
            p.stdin.flush()
            self.assertEqual(json.loads(p.stdout.readline())["index"], i)
        p.stdin.close()
        self.assertEqual(p.wait(60), 0)
        p.stdout.close()


class Output(Case):
    lines = "a line\n" * 3000

    def test_closed_pipe_is_quiet(self):
        p = subprocess.Popen([HONE, "embed", "-m", EMBED], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE)
        p.stdout.close()
        try:
            p.stdin.write(self.lines.encode())
            p.stdin.close()
        except BrokenPipeError:
            pass
        p.stdin = None
        _, err = p.communicate(timeout=120)
        self.assertEqual((p.returncode, err), (1, b""))

    @unittest.skipUnless(os.path.exists("/dev/full"), "there is no /dev/full")
    def test_full_disk_is_told(self):
        lines = self.file("in", self.lines)
        for arguments in (["embed", "-m", EMBED], ["tokenize", "-m", EMBED], ["embed", "-m", EMBED, "--format=npy"],
                          ["rerank", "-m", EMBED, "-q", "x"]):
            with open("/dev/full", "wb") as full:
                p = subprocess.run([HONE, *arguments, lines], stdout=full, stderr=subprocess.PIPE, timeout=300)
            self.assertEqual(p.returncode, 1)
            self.assertIn(b"cannot write to standard output: No space left", p.stderr)
        run = self.hone("embed", "-m", EMBED, "-o", "/dev/full", lines, status=1)
        self.assertIn("cannot write to /dev/full", run.words)

    def test_device_as_output(self):
        self.hone("embed", "-m", EMBED, "-o", "/dev/null", stdin="x\n")
        self.assertTrue(stat.S_ISCHR(os.stat("/dev/null").st_mode))

    def test_unwritable_folder(self):
        self.assertIn("cannot write to", self.hone("embed", "-m", EMBED, "-o", self.path("no/out"), status=1).words)

    def test_dash_is_standard_output(self):
        self.assertEqual(len(self.hone("embed", "-m", EMBED, "-o", "-", stdin="x\n").json_lines), 1)

    def test_a_failed_run_leaves_the_old_file(self):
        out = self.file("out", "old")
        self.hone("embed", "-m", EMBED, "-o", out, self.path("none"), status=1)
        self.hone("embed", "-m", EMBED, "-o", out, "--prompt=nosuch", status=2, stdin="x\n")
        with open(out) as f:
            self.assertEqual(f.read(), "old")
        self.assertEqual(os.listdir(os.path.dirname(out)), ["out"])

    def test_permissions_and_links_stay(self):
        out = self.file("out", "old")
        os.chmod(out, 0o640)
        os.symlink("out", self.path("link"))
        self.hone("embed", "-m", EMBED, "-o", self.path("link"), stdin="x\n")
        self.assertTrue(os.path.islink(self.path("link")))
        self.assertEqual(stat.S_IMODE(os.stat(out).st_mode), 0o640)
        with open(out) as f:
            self.assertEqual(json.load(f)["index"], 0)

    def test_new_file_gets_usual_permissions(self):
        out = self.path("new")
        self.hone("embed", "-m", EMBED, "-o", out, stdin="x\n", preexec_fn=lambda: os.umask(0o027))
        self.assertEqual(stat.S_IMODE(os.stat(out).st_mode), 0o640)

    @staticmethod
    def writes_in(pid, folder):
        """Whether a file there is open: without a name, where the file system knows such files."""
        fds = f"/proc/{pid}/fd"
        return any(os.readlink(os.path.join(fds, fd)).startswith(folder) for fd in os.listdir(fds))

    def test_interrupted_run_leaves_nothing(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            out = self.path("out")
            p = subprocess.Popen([HONE, "embed", "-m", EMBED, "-o", out], stdin=subprocess.PIPE,
                                 preexec_fn=lambda: signal.signal(number, signal.SIG_DFL))  # ignored in background jobs
            p.stdin.write(b"x\n")
            p.stdin.flush()
            while not self.writes_in(p.pid, os.path.dirname(out)):
                self.assertIsNone(p.poll())
                time.sleep(0.02)
            self.assertNotIn("out", os.listdir(os.path.dirname(out)))
            p.send_signal(number)
            self.assertEqual(p.wait(60), -number)
            p.stdin.close()
            self.assertEqual(os.listdir(os.path.dirname(out)), [])

    def test_array_down_a_pipe(self):
        rows, _ = read_npy(self.hone("embed", "-m", EMBED, "--format=npy", stdin=self.lines).out)
        self.assertEqual(len(rows), 3000)
        environment = {**os.environ, "TMPDIR": self.path("none")}
        run = self.hone("embed", "-m", EMBED, "--format=npy", stdin="x\n", status=1, env=environment)
        self.assertIn("temporary file", run.words)


class Terminal(Case):
    """What only a terminal gets: colour, width, progress."""

    def on_terminal(self, arguments, columns=60, **environment):
        import fcntl
        import pty
        import struct
        import termios
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        env = {**os.environ, "TERM": "xterm", **environment}
        env.pop("NO_COLOR", None) if "NO_COLOR" not in environment else None
        p = subprocess.Popen([HONE, *arguments], stdin=subprocess.DEVNULL, stdout=slave, stderr=slave, env=env)
        os.close(slave)
        out = b""
        while True:
            try:
                piece = os.read(master, 65536)
            except OSError:
                break
            if not piece:
                break
            out += piece
        os.close(master)
        p.wait(60)
        return out.decode()

    def test_table_fits(self):
        lines = self.file("in", "word " * 50 + "\n" + "東京" * 100 + "\n" + "x\n")
        text = self.on_terminal(["rerank", "-m", EMBED, "-q", "word", lines], NO_COLOR="1")
        rows = text[text.index("rank "):].split("\r\n")[:4]
        for row in rows:
            wide = sum(2 if ord(c) > 0x2e80 else 1 for c in row)
            self.assertLessEqual(wide, 60, row)
        self.assertEqual(sum(row.endswith("…") for row in rows), 2)

    def test_progress_goes_away(self):
        for n in (3_000, 30_000, 300_000):  # the last are long enough for a bar on the fastest machine
            many = self.file("many", "a line\n" * n)
            text = self.on_terminal(["embed", "-m", EMBED, "-o", self.path("out"), many])
            if " left" in text:
                break
        self.assertRegex(text, r"% +\d+ texts +\d+/s +0:\d\d left")
        self.assertTrue(text.endswith("\r\x1b[K"), text[-80:])
        lines = self.file("in", "a line\n" * 300)
        for arguments in (["--json-errors"], []):
            environment = {} if arguments else {"TERM": "dumb"}
            self.assertEqual(self.on_terminal(["embed", "-m", EMBED, "-o", self.path("out"), lines, *arguments],
                                              **environment), "")

    def test_colour(self):
        lines = self.file("in", "x\n")
        arguments = ["rerank", "-m", EMBED, "-q", "word", lines]
        self.assertIn("\x1b[1m", self.on_terminal(arguments))
        self.assertNotIn("\x1b[1m", self.on_terminal(arguments, NO_COLOR="1"))
        self.assertNotIn("\x1b", self.on_terminal(arguments, TERM="dumb"))


if __name__ == "__main__":
    main()
