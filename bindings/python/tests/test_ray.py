"""hone.ray with two actors, of which one is killed."""

import os
import pathlib

import numpy as np
from support import CLASSIFY, EMBED, Case, golden, skip_without

skip_without("pyarrow", "pandas", "ray.data")

import ray  # noqa: E402

import hone  # noqa: E402
import hone.ray  # noqa: E402
from hone._arrow import task  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
N = 400


class Ray(Case):
    @classmethod
    def setUpClass(cls):
        paths = os.pathsep.join([str(HERE), str(pathlib.Path(hone.__file__).parents[1])])
        environment = {"PYTHONPATH": paths, "PYTHON_HONE_LIBRARY": os.environ.get("PYTHON_HONE_LIBRARY", "")}
        ray.init(num_cpus=3, include_dashboard=False, logging_level="ERROR", runtime_env={"env_vars": environment})
        cls.texts = [f"{text} {i}" for i, text in enumerate(golden("bert-embed")["texts"] * (N // 5))]
        cls.wanted = hone.Model(EMBED).embed(cls.texts)
        cls.ds = ray.data.from_items([{"id": i, "text": t} for i, t in enumerate(cls.texts)], override_num_blocks=8)

    @classmethod
    def tearDownClass(cls):
        ray.shutdown()

    def check(self, ds):
        rows = ds.take_all()
        self.assertEqual(sorted(r["id"] for r in rows), list(range(N)))
        for r in rows:
            self.assertEqual(np.array(r["embedding"], np.float32).tobytes(), self.wanted[r["id"]].tobytes())

    def test_embed(self):
        self.check(hone.ray.embed(self.ds, EMBED, "text", concurrency=2))

    def test_an_actor_is_killed(self):
        from killed import RayActor

        mark = self.folder / "mark"
        work = task("embed", EMBED, "text", "embedding", {}, {})
        self.check(
            self.ds.map_batches(
                RayActor, fn_constructor_args=(work, 1, str(mark)), batch_format="pyarrow", batch_size=16,
                **hone.ray._pool(2),
            )  # fmt: skip
        )
        self.assertTrue(mark.exists())

    def test_others(self):
        model = hone.Model(CLASSIFY)
        for r in hone.ray.classify(self.ds.limit(5), CLASSIFY, "text").take_all():
            self.assertEqual(r["label"]["label"], model.labels[int(model.classify(r["text"]).argmax())])
        with self.assertRaisesRegex(Exception, "no column colour"):
            hone.ray.embed(self.ds, EMBED, "colour").take_all()
