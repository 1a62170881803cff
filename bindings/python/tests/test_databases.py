"""The examples with databases, each with the real one, beside what numpy finds. PostgreSQL with pgvector is that of the package
pgserver, started in a folder of the test's own, or the database that PYTHON_HONE_POSTGRES names ("dbname=test")."""

import os
import subprocess
import sys
import unittest

import numpy as np
from support import EMBED, ROOT, Case, golden

import hone

EXAMPLES = ROOT / "examples" / "python"
QUERY = "a quick fox"


def has(*names):
    try:
        for name in names:
            __import__(name)
    except ImportError:
        return False
    return True


class Databases(Case):
    def setUp(self):
        super().setUp()
        self.texts = [f"{t.strip()} {i}".replace("\n", " ") for i, t in enumerate(golden("bert-embed")["texts"] * 20)]
        self.lines = self.folder / "texts.txt"
        self.lines.write_text("".join(t + "\n" for t in self.texts))
        model = hone.Model(EMBED)
        similarity = model.embed(self.texts, role="document") @ model.embed(QUERY, role="query")
        self.wanted = np.sort(similarity)[::-1][:5]
        self.similarity = dict(zip(self.texts, similarity))

    def check(self, example, *arguments):
        """Twice: when what it makes is not there, and when it is."""
        for _ in range(2):
            command = [sys.executable, EXAMPLES / example, EMBED, *map(str, arguments), QUERY, "5"]
            p = subprocess.run(command, capture_output=True, text=True)
            self.assertEqual(p.returncode, 0, p.stderr)
            rows = [line.split(" ", 1) for line in p.stdout.splitlines()]
            self.assertClose([float(s) for s, _ in rows], self.wanted, 1e-4)
            for s, text in rows:
                self.assertAlmostEqual(float(s), self.similarity[text], delta=1e-4)

    @unittest.skipUnless(has("pyarrow", "duckdb"), "pyarrow or duckdb is not installed")
    def test_duckdb(self):
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.table({"text": self.texts}), self.folder / "texts.parquet")
        self.check("duckdb_nearest.py", self.folder / "texts.parquet", self.folder / "vectors.parquet")

    @unittest.skipUnless(has("sqlite_vec"), "sqlite-vec is not installed")
    def test_sqlite_vec(self):
        import sqlite3

        if not hasattr(sqlite3.Connection, "enable_load_extension"):
            self.skipTest("this Python's SQLite loads no extensions")
        self.check("sqlite_vec_nearest.py", self.lines, self.folder / "index.db")

    def postgres(self):
        """The name of a database."""
        if name := os.environ.get("PYTHON_HONE_POSTGRES"):
            return name
        import pgserver

        server = pgserver.get_server(self.folder / "postgres", cleanup_mode="delete")
        self.addCleanup(server.cleanup)
        return server.get_uri()

    @unittest.skipUnless(has("psycopg") and (os.environ.get("PYTHON_HONE_POSTGRES") or has("pgserver")), "there is no PostgreSQL")
    def test_pgvector(self):
        self.check("pgvector_nearest.py", self.lines, self.postgres())
