"""--resume and --shard: runs that are ended go on, and several machines share an input."""
import json
import os
import random
import signal
import subprocess

from support import CLASSIFY, EMBED, FIXTURES, HONE, Case, main, read_npy

N = 2100  # lines: three windows
TEXTS = [f"text {i}" for i in range(N)]


def read(path):
    with open(path, "rb") as f:
        return f.read()


class Resume(Case):
    def setUp(self):
        super().setUp()
        lines = [json.dumps({"id": i, "text": t}) for i, t in enumerate(TEXTS)]
        lines[1500] = '{"id": 1500}'
        lines[2060] = ""
        self.input = self.file("in.jsonl", "".join(line + "\n" for line in lines))
        self.command = ["embed", "-m", EMBED]

    def run_it(self, name, *arguments, input_=None, status=4, **how):
        return self.hone(*self.command, input_ or self.input, "-o", self.path(name), *arguments, status=status, **how)

    def begun(self, name, size, n_marks):
        """As a run leaves it that ended with so many bytes and marks."""
        whole = read(self.path("kept"))
        self.file(f"{name}.part", whole[:size] if size <= len(whole) else whole + b"\0" * (size - len(whole)))
        self.file(f"{name}.job", b"".join(read(self.path("kept.job")).splitlines(keepends=True)[:1 + n_marks]))

    def finish(self, name, *arguments):
        """Ends a run that was begun; what it said."""
        said = self.run_it(name, *arguments, "--resume").words
        self.assertEqual(read(self.path(name)), read(self.path("kept")))
        self.assertFalse(os.path.exists(self.path(f"{name}.part")))
        self.assertEqual(read(self.path(f"{name}.job")), read(self.path("kept.job")))
        os.remove(self.path(name))
        os.remove(self.path(f"{name}.job"))
        return said

    def test_any_end_is_finished(self):
        """The file has the bytes of a run without --resume, and what was refused before counts."""
        rng = random.Random(1)
        for name, arguments in ("x.npy", []), ("x.jsonl", []), ("x.jsonl", ["--errors=rows", "--keep"]):
            rows = "--errors=rows" in arguments
            self.command = ["embed", "-m", EMBED, *arguments]
            self.run_it("plain", "--format", name.split(".")[1], status=0 if rows else 4)
            self.command += ["--format", name.split(".")[1]]
            self.run_it("kept", "--resume", status=0 if rows else 4)
            self.assertEqual(read(self.path("kept")), read(self.path("plain")))
            if not rows:
                self.finish_all(rng, name)
            os.remove(self.path("kept"))
            os.remove(self.path("kept.job"))

    def finish_all(self, rng, name):
        size = os.path.getsize(self.path("kept"))
        for at, n_marks in (0, 0), (100, 0), (size, 3), (size, 1), *((rng.randrange(size), 3) for _ in range(2)):
            self.begun(name, at, n_marks)
            said = self.finish(name)
            self.assertIn("1 text refused", said)
            if at in (0, size):
                self.assertEqual("going on" in said, n_marks > 0)

    def test_a_machine_that_was_lost(self):
        """Bytes that never reached the disk are computed again, and a mark that was cut off is none."""
        self.run_it("kept", "--resume")
        size = os.path.getsize(self.path("kept"))
        self.begun("x", size, 3)
        with open(self.path("x.part"), "r+b") as f:
            f.seek(size * 3 // 5)
            f.write(b"\0" * 4096)
        self.assertRegex(self.finish("x"), "behind record 1024")
        self.begun("x", size, 2)
        with open(self.path("x.job"), "ab") as f:
            f.write(b"25")
        self.assertIn("behind record 2048", self.finish("x"))

    def test_killed(self):
        self.run_it("kept", "--resume")
        n_killed, marks = 0, 2
        while not os.path.exists(self.path("x")):
            p = subprocess.Popen([HONE, *self.command, self.input, "-o", self.path("x"), "--resume"], stderr=subprocess.DEVNULL)
            while p.poll() is None:
                if os.path.exists(self.path("x.job")) and read(self.path("x.job")).count(b"\n") >= marks:
                    p.send_signal(signal.SIGKILL)
                    n_killed += 1
                    break
            p.wait()
            marks += 1
        self.assertGreater(n_killed, 0)
        self.assertEqual(read(self.path("x")), read(self.path("kept")))

    def test_what_is_complete_stays(self):
        self.run_it("x", "--resume")
        os.chmod(self.path("x"), 0o444)
        before = os.stat(self.path("x"))
        self.assertIn("is complete", self.run_it("x", "--resume").words)
        after = os.stat(self.path("x"))
        self.assertEqual((before.st_ino, before.st_mtime_ns), (after.st_ino, after.st_mtime_ns))
        os.chmod(self.path("x"), 0o644)
        with open(self.path("x"), "r+b") as f:
            f.seek(2000)
            f.write(b"#")
        self.assertIn("not as hone left it", self.run_it("x", "--resume", status=2).words)

    def test_another_job_is_refused(self):
        lines = read(self.input).splitlines(keepends=True)
        changed = self.file("changed.jsonl", b"".join(lines[:1200] + [lines[1200].replace(b"text 1200", b"text 12OO")] + lines[1201:]))
        grown, cut = self.file("grown.jsonl", b"".join(lines) + lines[0]), self.file("cut.jsonl", b"".join(lines[:2000]))
        self.run_it("kept", "--resume")
        for complete in False, True:
            if complete:
                self.run_it("x", "--resume")
            else:
                self.begun("x", os.path.getsize(self.path("kept")), 3)
            place = self.path("x" if complete else "x.part")
            before = read(place)
            for arguments, input_, words in (["--no-normalize"], None, "'no-normalize' was false"), (["--prompt=query"], None, "'prompt' was"), \
                    (["--shard=1/2"], None, "'shard' was"), ([], changed, "another input"), ([], cut, "but there are 2000"), \
                    *([([], grown, "there are more")] if complete else []):
                self.assertIn(words, self.run_it("x", "--resume", *arguments, input_=input_, status=2).words)
                self.assertEqual(read(place), before)
            self.file("x.job", "")
            self.assertIn("cannot be read", self.run_it("x", "--resume", status=2).words)
            os.remove(place)
            os.remove(self.path("x.job"))

    def test_what_it_is_not_for(self):
        self.assertIn("-o FILE", self.hone(*self.command, self.input, "--resume", status=2).words)
        self.assertIn("compressed", self.run_it("x.jsonl.gz", "--resume", status=2).words)
        self.hone("classify", "-m", CLASSIFY, self.input, "--format=table", "-o", self.path("x"), "--resume", status=2)

    def test_two_at_once(self):
        p = subprocess.Popen([HONE, *self.command, "-o", self.path("x"), "--resume"], stdin=subprocess.PIPE)
        while not os.path.exists(self.path("x.job")):
            self.assertIsNone(p.poll())
        self.assertIn("another run", self.run_it("x", "--resume", status=2).words)
        p.communicate()

    def test_from_a_pipe(self):
        """The windows of the first run are not those of the second."""
        self.command.append("--input-format=jsonl")
        data = read(self.input)
        p = subprocess.Popen([HONE, *self.command, "-o", self.path("x"), "--resume"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
        for line in data.splitlines(keepends=True)[:7]:
            p.stdin.write(line)
            p.stdin.flush()
        while not os.path.exists(self.path("x.job")) or read(self.path("x.job")).count(b"\n") < 2:
            self.assertIsNone(p.poll())
        p.kill()
        p.communicate()
        self.hone(*self.command, "-o", self.path("x"), "--resume", stdin=data, status=4)
        self.run_it("plain")
        self.assertEqual(read(self.path("x")), read(self.path("plain")))

    def test_other_commands(self):
        causal = os.path.join(FIXTURES, "causal")
        prompts = self.file("prompts.txt", "".join(f"{t}\n" for t in ["a fox", "the dog", "once"]))
        for command, input_ in (["classify", "-m", CLASSIFY], self.input), \
                (["generate", "-m", causal, "--temp=0", "-n", "4"], prompts):
            self.command = command
            status = 4 if input_ is self.input else 0
            self.run_it("kept", "--resume", input_=input_, status=status)
            self.run_it("plain", input_=input_, status=status)
            self.assertEqual(read(self.path("kept")), read(self.path("plain")))
            self.begun("x", os.path.getsize(self.path("kept")), 1)
            self.run_it("x", "--resume", input_=input_, status=status)
            self.assertEqual(read(self.path("x")), read(self.path("kept")))
            for name in "kept", "kept.job", "x", "x.job":
                os.remove(self.path(name))


class Shards(Case):
    def test_each_input_once(self):
        lines = self.file("in.txt", "".join(t + "\n" for t in TEXTS))
        whole, n_columns = read_npy(self.hone("embed", "-m", EMBED, "--format=npy", lines).out)
        rows = [r for i in range(1, 4) for r in self.hone("embed", "-m", EMBED, f"--shard={i}/3", lines).json_lines]
        self.assertEqual(sorted(r["index"] for r in rows), list(range(N)))
        for i in 1, 3:
            share, _ = read_npy(self.hone("embed", "-m", EMBED, "--format=npy", f"--shard={i}/3", lines).out)
            self.assertEqual(share, whole[i - 1::3])
            self.assertEqual(len(share[0]), n_columns)

    def test_over_files(self):
        """Which of them a line stands in changes nothing; a line that is longer than a window's bytes is one."""
        texts = TEXTS[:50] + ["word " * 300000] + TEXTS[50:100]
        files = [self.file(f"{i}.txt", "".join(t + "\n" for t in texts[a:b])) for i, (a, b) in enumerate([(0, 7), (7, 7), (7, 101)])]
        rows = [r for i in range(1, 6) for r in self.hone("embed", "-m", EMBED, "--max-length=8", f"--shard={i}/5", *files).json_lines]
        wanted = self.hone("embed", "-m", EMBED, "--max-length=8", stdin="".join(t + "\n" for t in texts)).json_lines
        self.assertEqual(sorted(rows, key=lambda r: r["index"]), wanted)
        self.assertEqual(self.hone("embed", "-m", EMBED, "--shard=120/200", *files).out, b"")

    def test_what_makes_no_sense(self):
        for share in "0/2", "3/2", "1", "1/", "/2", "-1/2", "1/2x", "", "1/0", "99999999999/99999999999", " 1/2":
            self.assertIn("--shard", self.hone("embed", "-m", EMBED, f"--shard={share}", stdin="a\n", status=2).words)


if __name__ == "__main__":
    main()
