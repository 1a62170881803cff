"""hone.dask in two processes, of which one is killed."""

import os
import pathlib

import numpy as np
from support import CLASSIFY, CROSS, EMBED, Case, golden, skip_without

skip_without("pyarrow", "pandas", "dask.dataframe")

import dask  # noqa: E402
import dask.dataframe as dd  # noqa: E402
import pandas as pd  # noqa: E402

import hone  # noqa: E402
import hone.dask  # noqa: E402

N = 400


def slow(df, mark):
    from killed import die_once

    if df.index[0] >= N // 2:
        die_once(mark)
    return df


class Dask(Case):
    def setUp(self):
        super().setUp()
        self.texts = [f"{text} {i}" for i, text in enumerate(golden("bert-embed")["texts"] * (N // 5))]
        self.wanted = hone.Model(EMBED).embed(self.texts)
        self.df = dd.from_pandas(pd.DataFrame({"text": self.texts}), npartitions=8)

    def check(self, df):
        self.assertEqual(df.index.tolist(), list(range(N)))
        self.assertTrue((np.array(df["embedding"].to_list(), np.float32) == self.wanted).all())

    def test_embed(self):
        vectors = hone.dask.embed(self.df, EMBED, "text")
        self.assertEqual(list(vectors.columns), ["text", "embedding"])
        for scheduler in ("synchronous", "threads"):
            with dask.config.set(scheduler=scheduler):
                self.check(vectors.compute())

    def test_a_worker_is_killed(self):
        try:
            from dask.distributed import Client, LocalCluster
        except ImportError:
            self.skipTest("distributed is not installed")
        paths = os.pathsep.join([str(pathlib.Path(__file__).parent), str(pathlib.Path(hone.__file__).parents[1])])
        os.environ["PYTHONPATH"] = paths
        mark = str(self.folder / "mark")
        with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster):
            df = hone.dask.embed(self.df, EMBED, "text").map_partitions(slow, mark, meta=hone.dask.embed(self.df, EMBED, "text")._meta)
            self.check(df.compute())
        self.assertTrue(os.path.exists(mark))

    def test_others(self):
        model, cross = hone.Model(CLASSIFY), hone.Model(CROSS)
        labels = hone.dask.classify(self.df, CLASSIFY, "text").compute()["label"]
        self.assertEqual(labels[7]["label"], model.labels[int(model.classify(self.texts[7]).argmax())])
        pairs = self.df.assign(q="fox")
        scores = hone.dask.rerank(pairs, CROSS, "q", "text").compute()["score"]
        self.assertClose(scores.to_numpy(np.float32), cross.rerank("fox", self.texts))
