"""Columns made of columns of Arrow tables."""

import pickle

import numpy as np
from support import CAUSAL, CLASSIFY, CROSS, EMBED, Case, golden, skip_without

skip_without("pyarrow")

import pyarrow as pa  # noqa: E402

import hone  # noqa: E402
from hone import _arrow  # noqa: E402
from hone._arrow import task  # noqa: E402


def rows_of(column):
    return np.array(column.to_pylist(), np.float32)


class Columns(Case):
    def setUp(self):
        super().setUp()
        self.texts = golden("bert-embed")["texts"]
        self.wanted = hone.Model(EMBED).embed(self.texts)
        self.work = task("embed", EMBED, "text", "v", {}, {})
        self.model = self.work.open()

    def test_texts_where_they_are(self):
        """Of each form that Arrow has for them, and of a slice."""
        for kind in (pa.string(), pa.large_string(), pa.binary(), pa.large_binary()):
            column = pa.array(["cut", *self.texts, "off"], kind)[1:-1]
            self.assertTrue((self.model.embed(column) == self.wanted).all())
        chunks = pa.chunked_array([self.texts[:2], self.texts[2:]])
        self.assertTrue((self.model.embed(chunks) == self.wanted).all())
        self.assertEqual(self.model.embed(pa.array([], pa.string())).shape, (0, 32))
        with self.assertRaisesRegex(TypeError, r"texts\[1\] is null"):
            self.model.embed(pa.array(["a", None]))

    def test_vectors(self):
        columns = {"id": list(range(len(self.texts))), "text": self.texts}
        for table in (pa.table(columns), pa.RecordBatch.from_pydict(columns)):
            for fixed in (False, True):
                out = task("embed", EMBED, "text", "v", {}, {}, fixed=fixed).add(table, self.model)
                self.assertEqual((type(out), out.schema.names), (type(table), ["id", "text", "v"]))
                self.assertTrue((rows_of(out.column("v")) == self.wanted).all())
        dictionary = pa.table({"text": pa.array(self.texts).dictionary_encode()})
        self.assertTrue((rows_of(self.work.add(dictionary, self.model).column("v")) == self.wanted).all())

    def test_nulls(self):
        texts = [None, *self.texts, None]
        for fixed in (False, True):
            work = task("embed", EMBED, "text", "v", {}, {}, fixed=fixed)
            out = work.add(pa.table({"text": texts}), self.model).column("v").to_pylist()
            self.assertEqual((out[0], out[-1]), (None, None))
            self.assertTrue((np.array(out[1:-1], np.float32) == self.wanted).all())
        empty = self.work.add(pa.table({"text": pa.array([None], pa.string())}), self.model)
        self.assertEqual(empty.column("v").to_pylist(), [None])
        with self.assertRaisesRegex(hone.UsageError, "column text, row 0: null"):
            task("embed", EMBED, "text", "v", {}, {}, nulls="refuse").add(pa.table({"text": texts}), self.model)

    def test_others(self):
        queries, documents = ["fox", None, "dog", "fox"], [*self.texts[:3], None]
        out = task("rerank", CROSS, ("q", "d"), "s", {}, {})
        scores = out.add(pa.table({"q": queries, "d": documents}), out.open()).column("s").to_pylist()
        cross = hone.Model(CROSS)
        self.assertEqual(scores[1::2], [None, None])
        self.assertClose(scores[::2], [cross.rerank(queries[i], [documents[i]])[0] for i in (0, 2)])
        out = task("classify", CLASSIFY, "text", "l", {}, {})
        labels = out.add(pa.table({"text": [None, *self.texts]}), out.open()).column("l").to_pylist()
        model = hone.Model(CLASSIFY)
        found = model.classify(self.texts)
        self.assertIsNone(labels[0])
        self.assertEqual([x["label"] for x in labels[1:]], [model.labels[i] for i in found.argmax(1)])
        self.assertClose([x["score"] for x in labels[1:]], found.max(1))
        out = task("generate", CAUSAL, "text", "g", {"temperature": 0, "max_tokens": 5}, {})
        said = out.add(pa.table({"text": ["a fox", None]}), out.open()).column("g").to_pylist()
        self.assertEqual(said, [hone.Model(CAUSAL).generate("a fox", temperature=0, max_tokens=5).result().text, None])

    def test_what_is_refused(self):
        for table, sentence in (
            (pa.table({"a": ["x"]}), "no column text, expected one of a"),
            (pa.table({"text": [1]}), "column text is of the type int64"),
            (pa.table({"text": [["x"]]}), "column text is of the type list"),
            (pa.table({"text": ["x"], "v": [1]}), "a column v already"),
        ):
            with self.subTest(sentence), self.assertRaisesRegex(hone.UsageError, sentence):
                self.work.add(table, self.model)
        with self.assertRaises(hone.UsageError):
            task("rerank", CROSS, "text", "s", {}, {})

    def test_one_model_a_process(self):
        self.assertIs(self.work.open(), self.model)
        self.assertIs(pickle.loads(pickle.dumps(self.work)).open(), self.model)
        self.assertIsNot(_arrow.task("embed", EMBED, "text", "v", {}, {"threads": 1}).open(), self.model)
