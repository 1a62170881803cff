"""hone.spark on a local cluster of two workers."""

import os
import pathlib
import shutil
import unittest

import numpy as np
from support import CLASSIFY, CROSS, EMBED, Case, golden, skip_without

skip_without("pyarrow", "pandas", "pyspark")
if not shutil.which("java"):
    raise unittest.SkipTest("there is no Java")

from pyspark.errors import PySparkException  # noqa: E402
from pyspark.sql import SparkSession  # noqa: E402

import hone  # noqa: E402
import hone.spark  # noqa: E402
from hone._arrow import task  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
N = 400


class Spark(Case):
    @classmethod
    def setUpClass(cls):
        os.environ["PYTHONPATH"] = os.pathsep.join([str(HERE), str(pathlib.Path(hone.__file__).parents[1])])
        os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = __import__("sys").executable
        builder = SparkSession.builder.master("local-cluster[2,1,1024]").appName("hone").config("spark.ui.enabled", "false")
        builder = builder.config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1")
        builder = builder.config("spark.sql.execution.arrow.maxRecordsPerBatch", "16").config("spark.executor.memory", "512m")
        builder = builder.config("spark.executorEnv.PYTHONPATH", os.environ["PYTHONPATH"])
        if "PYTHON_HONE_LIBRARY" in os.environ:
            builder = builder.config("spark.executorEnv.PYTHON_HONE_LIBRARY", os.environ["PYTHON_HONE_LIBRARY"])
        cls.spark = builder.getOrCreate()
        cls.spark.sparkContext.setLogLevel("OFF")
        cls.texts = [f"{text} {i}" for i, text in enumerate(golden("bert-embed")["texts"] * (N // 5))]
        cls.wanted = hone.Model(EMBED).embed(cls.texts)
        cls.df = cls.spark.createDataFrame([(i, t) for i, t in enumerate(cls.texts)], "id int, text string").repartition(4)

    @classmethod
    def tearDownClass(cls):
        cls.spark.stop()

    def check(self, df, name="embedding"):
        """Every id once, with the vector of its text, bit for bit."""
        rows = df.collect()
        self.assertEqual(sorted(r["id"] for r in rows), list(range(N)))
        for r in rows:
            self.assertEqual(np.array(r[name], np.float32).tobytes(), self.wanted[r["id"]].tobytes())

    def test_embed(self):
        self.check(hone.spark.embed(self.df, EMBED, "text", into="vector"), "vector")
        self.check(self.df.withColumn("v", hone.spark.embed_udf(EMBED)("text")), "v")

    def test_a_worker_is_killed(self):
        from killed import SparkWorker

        mark = self.folder / "mark"
        function = SparkWorker(task("embed", EMBED, "text", "embedding", {}, {}), str(mark))
        self.check(self.df.mapInArrow(function, function.schema(self.df)))
        self.assertTrue(mark.exists())

    def test_others(self):
        pairs = golden("bert-cross")["pairs"]
        df = self.spark.createDataFrame([(i, q, d) for i, (q, d) in enumerate(pairs)], "id int, q string, d string")
        model = hone.Model(CROSS)
        for r in hone.spark.rerank(df, CROSS, "q", "d").collect():
            self.assertEqual(np.float32(r["score"]), model.rerank(r["q"], [r["d"]])[0])
        model = hone.Model(CLASSIFY)
        for r in hone.spark.classify(df, CLASSIFY, "d").collect():
            scores = model.classify(r["d"])
            self.assertEqual(r["label"]["label"], model.labels[int(scores.argmax())])
        nulls = self.spark.createDataFrame([(1, None), (2, self.texts[0])], "id int, text string")
        found = {r["id"]: r["embedding"] for r in hone.spark.embed(nulls, EMBED, "text").collect()}
        self.assertIsNone(found[1])
        self.assertClose(found[2], self.wanted[0])

    def test_no_model(self):
        with self.assertRaisesRegex(PySparkException, "executor on .*nowhere"):
            hone.spark.embed(self.df, "/nowhere/model.gguf", "text").collect()
