"""hone embed: vectors, their formats, what happens to odd texts."""
import math
import os
import resource
import signal
import struct
import subprocess
import unittest

from support import EMBED, HONE, Case, Run, golden, main, read_npy


def float32(x):
    return struct.unpack("<f", struct.pack("<f", x))[0]


class Embed(Case):
    @classmethod
    def setUpClass(cls):
        cls.golden = golden(EMBED)
        cls.lines = "".join(t + "\n" for t in cls.golden["texts"])

    def embed(self, *arguments, **how):
        return self.hone("embed", "-m", EMBED, *arguments, **how)

    def test_vectors_are_right(self):
        rows = self.embed(stdin=self.lines).json_lines
        self.assertEqual([r["index"] for r in rows], list(range(len(self.golden["texts"]))))
        for row, wanted in zip(rows, self.golden["embedding"]):
            self.assertClose(row["embedding"], wanted)

    def test_formats_agree_to_the_last_bit(self):
        rows = [r["embedding"] for r in self.embed(stdin=self.lines).json_lines]
        csv = self.embed("--format", "csv", stdin=self.lines).text
        npy, n_columns = read_npy(self.embed("--format=npy", stdin=self.lines).out)
        self.assertEqual([[float32(x) for x in r] for r in rows], [list(r) for r in npy])
        self.assertEqual([[float(x) for x in line.split(",")] for line in csv.splitlines()], rows)
        self.assertEqual(n_columns, len(rows[0]))

    def test_output_file(self):
        out = self.path("out.npy")
        run = self.embed("--format", "npy", "-o", out, self.file("in.txt", self.lines))
        self.assertEqual(run.out, b"")
        with open(out, "rb") as f:
            self.assertEqual(f.read(), self.embed("--format", "npy", stdin=self.lines).out)
        self.assertEqual(sorted(os.listdir(os.path.dirname(out))), ["in.txt", "out.npy"])

    def test_nothing_is_left_of_a_run_that_was_killed(self):
        def heed():  # under nohup, the signal is ignored by all that follow
            if number != signal.SIGKILL:
                signal.signal(number, signal.SIG_DFL)
        for number in signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP:
            p = subprocess.Popen([HONE, "embed", "-m", EMBED, "-o", self.path("x.npy")], stdin=subprocess.PIPE,
                                 stderr=subprocess.PIPE, preexec_fn=heed)
            p.stdin.write(self.lines.encode() * 50)
            p.stdin.flush()
            while not self.open_files(p.pid):
                self.assertIsNone(p.poll())
            p.send_signal(number)
            p.communicate()
            self.assertEqual(os.listdir(os.path.dirname(self.path("x"))), [])

    def open_files(self, pid):
        """What its descriptors are, as far as they are below the test's folder."""
        found = []
        for name in os.listdir(f"/proc/{pid}/fd"):
            try:
                found.append(os.readlink(f"/proc/{pid}/fd/{name}"))
            except OSError:
                pass
        return " ".join(f for f in found if f.startswith(os.path.dirname(self.path("x"))))

    def test_threads_batches_and_compute_do_not_matter(self):
        wanted = self.embed(stdin=self.lines).out
        for arguments in (["-t1"], ["-t", "2"], ["--batch-tokens", "8"], ["--compute", "auto"]):
            self.assertEqual(self.embed(*arguments, stdin=self.lines).out, wanted)

    def test_openblas(self):
        run = Run(["embed", "-m", EMBED, "--compute=blas"], stdin=self.lines)
        if "OpenBLAS is not there" in run.words:
            self.skipTest("OpenBLAS is not there")
        self.assertEqual(run.status, 0, run.words)
        for row, w in zip(run.json_lines, self.golden["embedding"]):
            self.assertClose(row["embedding"], w)

    def test_openblas_that_cannot_be_loaded(self):
        run = self.embed("--compute=blas", stdin=self.lines, status=1,
                         env={**os.environ, "HONE_OPENBLAS": "/nowhere.so"})
        self.assertIn("HONE_OPENBLAS: '/nowhere.so' is no OpenBLAS", run.words)

    @unittest.skipIf("asan" in HONE or "tsan" in HONE, "a sanitizer's shadow is larger than any limit")
    def test_little_address_space(self):
        """What does not compute with OpenBLAS does not load it, which would want 128 MB a thread."""
        for megabytes in (150, 200, 300):
            run = self.embed("-t1", stdin=self.lines, preexec_fn=lambda: resource.setrlimit(
                resource.RLIMIT_AS, (megabytes << 20, megabytes << 20)))
            self.assertEqual(len(run.json_lines), len(self.golden["texts"]))

    def test_many_texts_in_order(self):
        texts = [f"{i} times {self.golden['texts'][i % 5][:i % 40]}" for i in range(2500)]
        rows = self.embed(stdin="\n".join(texts)).json_lines
        self.assertEqual([r["index"] for r in rows], list(range(2500)))
        for i in (0, 1023, 1024, 1025, 2047, 2048, 2499):
            alone = self.embed(stdin=texts[i] + "\n").json_lines
            self.assertEqual(rows[i]["embedding"], alone[0]["embedding"])

    def test_length(self):
        for row in self.embed(stdin=self.lines).json_lines:
            self.assertAlmostEqual(math.hypot(*row["embedding"]), 1, places=5)
        long = [math.hypot(*r["embedding"]) for r in self.embed("--no-normalize", stdin=self.lines).json_lines]
        self.assertTrue(any(abs(x - 1) > 0.01 for x in long), long)

    def test_pooling(self):
        outs = {p: self.embed("--pooling", p, stdin=self.lines).out for p in ("mean", "cls", "last")}
        self.assertEqual(outs["mean"], self.embed(stdin=self.lines).out)
        self.assertEqual(len(set(outs.values())), 3)

    def test_no_prompt(self):
        self.assertEqual(self.embed("--prompt", "", stdin=self.lines).out, self.embed(stdin=self.lines).out)

    def test_no_text(self):
        self.assertEqual(self.embed().out, b"")
        self.assertEqual(self.embed("--format", "csv").out, b"")
        rows, n_columns = read_npy(self.embed("--format", "npy").out)
        self.assertEqual((rows, n_columns), ([], len(self.golden["embedding"][0])))

    def test_truncation_is_told(self):
        run = self.embed("--max-length", "8", stdin=self.lines)
        self.assertEqual(len(run.json_lines), 5)
        self.assertIn("4 texts cut to 8 tokens", run.words)

    def test_strict(self):
        run = self.embed("--max-length", "8", "--strict", stdin=self.lines, status=4)
        self.assertEqual([r["index"] for r in run.json_lines], [3])
        for number in (1, 2, 3, 5):
            self.assertIn(f"line {number}: ", run.words)
        self.assertNotIn("line 4: ", run.words)
        self.assertIn("4 texts refused", run.words)

    def test_strict_keeps_rows_in_place(self):
        rows, _ = read_npy(self.embed("--max-length=8", "--strict", "--format=npy", stdin=self.lines, status=4).out)
        self.assertEqual([math.isnan(r[0]) for r in rows], [True, True, True, False, True])
        csv = self.embed("--max-length=8", "--strict", "--format=csv", stdin=self.lines, status=4).text.splitlines()
        self.assertEqual([line.startswith("nan,") for line in csv], [True, True, True, False, True])

    def test_strict_far_down(self):
        texts = ["x"] * 3000
        texts[2100] = self.golden["texts"][1]
        run = self.embed("--max-length=8", "--strict", stdin="\n".join(texts), status=4)
        self.assertIn("line 2101: ", run.words)
        self.assertEqual(len(run.json_lines), 2999)

    def test_invalid_utf8_is_told(self):
        run = self.embed(stdin=b"fine\nna\xefve\n\xff\xfe\n")
        self.assertEqual(len(run.json_lines), 3)
        self.assertIn("2 texts with invalid UTF-8", run.words)
        same = self.embed(stdin="fine\nna\ufffdve\n\ufffd\ufffd\n")
        self.assertEqual(same.out, run.out)
        self.assertEqual(same.err, b"")

    def test_json_notes(self):
        run = self.embed("--json-errors", "--strict", "--max-length=8", stdin=b"\xff\n" + self.lines.encode(), status=4)
        import json
        told = [json.loads(line) for line in run.words.splitlines()]
        self.assertEqual([t["line"] for t in told if t["status"] == 4], [2, 3, 4, 6])
        self.assertEqual(sum("note" in t for t in told), 2)


if __name__ == "__main__":
    main()
