"""python -m hone: parquet and Arrow files, jobs that are killed."""

import contextlib
import io
import os
import pathlib
import signal
import subprocess
import sys
import time

import numpy as np
from support import CLASSIFY, CROSS, EMBED, Case, golden, skip_without

skip_without("pyarrow")

import pyarrow as pa  # noqa: E402
import pyarrow.feather as feather  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402

import hone  # noqa: E402
from hone._arrow import task  # noqa: E402
from hone._files import expand, run  # noqa: E402


class Files(Case):
    def setUp(self):
        super().setUp()
        self.texts = [f"{t} {i}" for i, t in enumerate(golden("bert-embed")["texts"] * 60)]
        self.table = pa.table({"id": list(range(len(self.texts))), "text": self.texts})
        self.source, self.target = self.folder / "in.parquet", self.folder / "out.parquet"
        pq.write_table(self.table, self.source, row_group_size=100)

    def command(self, kind="embed", model=EMBED, **how):
        how = {"input": self.source, "output": self.target, "rows": 16, **how}
        return [sys.executable, "-m", "hone", kind, "-m", model] + [str(x) for k, v in how.items() for x in (f"--{k}", v)]

    def run_it(self, status=0, kind="embed", model=EMBED, **how):
        p = subprocess.run(self.command(kind, model, **how), capture_output=True, text=True)
        self.assertEqual(p.returncode, status, p.stderr)
        return p.stderr

    def test_forms(self):
        wanted = hone.Model(EMBED).embed(self.texts, role="document")
        feather.write_feather(self.table, self.folder / "in.feather")
        for source in (self.source, self.folder / "in.feather"):
            for name in ("out.parquet", "out.arrow"):
                target = self.folder / name
                self.assertIn("300 rows", self.run_it(input=source, output=target, role="document"))
                found = pq.read_table(target) if name.endswith("parquet") else feather.read_table(target)
                self.assertEqual(found.schema.names, ["id", "text", "embedding"])
                self.assertEqual(found.column("id").to_pylist(), self.table.column("id").to_pylist())
                self.assertTrue((np.array(found.column("embedding").to_pylist(), np.float32) == wanted).all())
        self.assertEqual([p.name for p in self.folder.glob("*.parts")], [])

    def test_others(self):
        self.run_it(kind="classify", model=CLASSIFY)
        self.assertEqual(len(pq.read_table(self.target).column("label")), len(self.texts))
        pq.write_table(self.table.append_column("query", pa.array(["fox"] * len(self.texts))), self.source)
        self.run_it(kind="rerank", model=CROSS)
        scores = np.array(pq.read_table(self.target).column("score").to_pylist(), np.float32)
        self.assertTrue((scores == hone.Model(CROSS).rerank("fox", self.texts)).all())

    def test_killed(self):
        """At any point, until it is done: the same bytes."""
        self.run_it()
        wanted = self.target.read_bytes()
        self.target.unlink()
        parts, n_killed = pathlib.Path(f"{self.target}.parts"), 0

        def n_done():
            with contextlib.suppress(FileNotFoundError):  # the folder goes when the job is done
                return len(list(parts.glob("*.arrow")))
            return 0

        while not self.target.exists():
            before = n_done()
            process = subprocess.Popen(self.command(), stderr=subprocess.DEVNULL)
            while process.poll() is None and n_done() < before + 4:
                time.sleep(0.0005)
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
                n_killed += 1
            process.wait()
        self.assertGreater(n_killed, 0)
        self.assertEqual(self.target.read_bytes(), wanted)
        self.assertFalse(parts.exists())

    def test_another_job(self):
        """Is not taken for the one that was begun."""
        parts = pathlib.Path(f"{self.target}.parts")
        pq.write_table(pa.table({"text": ["a"] * 20 + [None]}), self.source)
        self.run_it(status=1)
        self.assertTrue(parts.exists())
        for how, what in (({"rows": 4}, "--rows"), ({"role": "query"}, "an option"), ({"into": "v"}, "what is computed")):
            self.assertIn(what, self.run_it(status=1, **how))
        pq.write_table(self.table, self.source)
        self.assertIn("the input", self.run_it(status=1))
        self.assertFalse(self.target.exists())

    def test_what_is_wrong(self):
        self.target.write_bytes(b"before")
        pq.write_table(pa.table({"text": ["a", None], "n": [1, 2], "l": [["a"], []]}), self.folder / "odd.parquet")
        (self.folder / "no.parquet").write_bytes(b"PAR1 not at all")
        data = bytearray(self.source.read_bytes())
        group = pq.read_metadata(self.source).row_group(0).column(0)
        data[group.data_page_offset : group.data_page_offset + 30] = b"\xff" * 30
        (self.folder / "damaged.parquet").write_bytes(data)
        for how, sentence in (
            ({"input": "odd.parquet"}, "odd.parquet: column text, row 1: null"),
            ({"input": "odd.parquet", "column": "n"}, "column n is of the type int64"),
            ({"input": "odd.parquet", "column": "l"}, "column l is of the type list"),
            ({"input": "odd.parquet", "column": "x"}, "no column x, expected one of text, n, l"),
            ({"input": "no.parquet"}, "no.parquet, from row 0 on"),
            ({"input": "damaged.parquet"}, "damaged.parquet, from row 0 on: row group 0, column id"),
            ({"input": "none.parquet"}, "none.parquet: there is no such file"),
            ({"model": "/nowhere.gguf"}, "nowhere.gguf"),
            ({"output": self.folder / "out.csv"}, "out.csv: expected a name that ends in"),
        ):
            with self.subTest(sentence):
                how = {**how, "input": self.folder / how.get("input", "in.parquet")}
                self.assertIn(sentence, self.run_it(status=1, **how))
                subprocess.run(["rm", "-rf", f"{self.target}.parts"], check=True)
        self.assertEqual(self.target.read_bytes(), b"before")
        self.run_it(input=self.folder / "odd.parquet", nulls="keep")
        self.assertIsNone(pq.read_table(self.target).column("embedding").to_pylist()[1])

    def test_rows_are_those_of_the_file(self):
        """In whatever part of the job, and whatever was left out before."""
        texts = ["fox"] * 200 + [None, "fox " * 100]
        pq.write_table(pa.table({"text": texts}), self.source)
        self.assertIn("in.parquet: column text, row 200: null", self.run_it(status=1))
        subprocess.run(["rm", "-rf", f"{self.target}.parts"], check=True)
        command = [*self.command(nulls="keep", **{"max-length": 8}), "--strict"]
        p = subprocess.run(command, capture_output=True, text=True)
        self.assertEqual(p.returncode, 1)
        self.assertIn("in.parquet: column text, row 201: this text has 102 tokens, expected at most 8", p.stderr)

    def run_here(self, names, target=None, share=(0, 1)):
        """The same in this process."""
        work = task("embed", EMBED, "text", "embedding", {}, {}, fixed=True, nulls="refuse")
        return run(work, expand([str(name) for name in names]), target or self.target, 16, share=share)

    def test_several_files(self):
        """Are one table: by name, by a pattern, by their folder."""
        self.run_here([self.source])
        wanted = pq.read_table(self.target)
        folder = self.folder / "parts"
        folder.mkdir()
        pq.write_table(self.table.slice(0, 120), folder / "a.parquet")
        feather.write_feather(self.table.slice(120, 50), str(folder / "b.feather"))
        pq.write_table(self.table.slice(170), folder / "c.parquet")
        (folder / "notes.txt").write_text("none")
        for names in ([folder / n for n in ("a.parquet", "b.feather", "c.parquet")], [folder / "[a-c].*"], [folder]):
            self.target.unlink(missing_ok=True)
            self.assertEqual(self.run_here(names), len(self.texts))
            self.assertTrue(pq.read_table(self.target).equals(wanted))
        pq.write_table(self.table.append_column("odd", pa.array([1] * len(self.texts))), folder / "d.parquet")
        for name, sentence in ((folder, "d.parquet: its column odd .int64. is not"), (self.folder / "none-*.parquet", "there are no files")):
            with self.assertRaisesRegex(hone.UsageError, sentence):
                self.run_here([name])

    def test_shards(self):
        self.run_here([self.source])
        wanted = pq.read_table(self.target)
        shares = []
        for i in range(3):
            self.run_here([self.source], self.folder / f"{i}.parquet", (i, 3))
            shares.append(pq.read_table(self.folder / f"{i}.parquet"))
        self.assertTrue(pa.concat_tables(shares).sort_by("id").equals(wanted))
        self.run_it(output=self.folder / "0.parquet", shard="1/3")
        self.assertTrue(pq.read_table(self.folder / "0.parquet").equals(shares[0]))
        self.assertIn("I/N", self.run_it(status=2, shard="4/3"))

    def test_progress(self):
        """By a clock of the test's own."""
        from hone.__main__ import Progress

        now, stream = [0.0], io.StringIO()
        progress = Progress(1000, stream, lambda: now[0])
        progress.add(200, False)
        for _ in range(4):
            now[0] += 30
            progress.add(100, True)
        self.assertEqual(stream.getvalue(), "hone: 400 of 1000 rows  3/s  0:03:00 left\nhone: 600 of 1000 rows  3/s  0:02:00 left\n")

    def test_nothing(self):
        pq.write_table(self.table.slice(0, 0), self.source)
        self.run_it()
        self.assertEqual(pq.read_table(self.target).schema.names, ["id", "text", "embedding"])
