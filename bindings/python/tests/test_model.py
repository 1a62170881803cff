"""What a model computes, beside what transformers does (golden.json)."""

import json
import pickle

import numpy as np
from support import CAUSAL, CLASSIFY, CROSS, EMBED, FIXTURES, Case, golden

import hone


class Embeddings(Case):
    def setUp(self):
        super().setUp()
        self.model, self.golden = hone.Model(EMBED), golden("bert-embed")
        self.texts = self.golden["texts"]

    def test_vectors(self):
        vectors = self.model.embed(self.texts)
        self.assertEqual(vectors.dtype, np.float32)
        self.assertClose(vectors, self.golden["embedding"])
        self.assertClose(self.model.embed(self.texts[1]), self.golden["embedding"][1])
        self.assertEqual(self.model.embed([]).shape, (0, self.model.n_dims))

    def test_written_in_place(self):
        rows = np.full((len(self.texts) + 2, self.model.n_dims), 7, np.float32)
        self.assertIs(np.shares_memory(self.model.embed(self.texts, out=rows[1:-1]), rows), True)
        self.assertClose(rows[1:-1], self.golden["embedding"])
        self.assertTrue((rows[0] == 7).all() and (rows[-1] == 7).all())
        for bad in (rows[1:-1].astype(np.float64), rows[1:], rows[1:-1, ::2], np.asfortranarray(rows[1:-1]), [[0.0]]):
            with self.assertRaises(hone.UsageError):
                self.model.embed(self.texts, out=bad)

    def test_options(self):
        half = self.model.embed(self.texts, dims=16, normalize=False)
        whole = self.model.embed(self.texts, normalize=False)
        self.assertTrue((half == whole[:, :16]).all())
        asked = self.model.embed(self.texts, prompt="query")
        self.assertTrue((asked == self.model.embed(self.texts, role="query")).all())
        self.assertTrue((asked == self.model.embed(["query: " + t for t in self.texts], prompt="")).all())
        self.assertFalse((asked == self.model.embed(self.texts)).all())
        first = self.model.embed(self.texts, pooling="cls", normalize=False)
        states = self.model.embed_tokens(self.texts)
        self.assertClose(first, [rows[0] for rows in states])

    def test_any_container(self):
        wanted = self.model.embed(self.texts)
        for texts in (tuple(self.texts), np.array(self.texts), iter(self.texts), [t.encode() for t in self.texts]):
            self.assertTrue((self.model.embed(texts) == wanted).all())

    def test_texts_of_all_kinds(self):
        odd = ["", "a\0b", "\ud800", "fox \U0001f98a"]
        self.assertTrue(np.isfinite(self.model.embed(odd)).all())
        self.assertEqual(self.model.stats.n_invalid, 1)
        for bad, sentence in (([1], r"texts\[0\] is of type int"), (["a", None], r"texts\[1\] is of type NoneType")):
            with self.assertRaisesRegex(TypeError, sentence):
                self.model.embed(bad)
        with self.assertRaisesRegex(TypeError, "expected a list"):
            self.model.embed_tokens("a")

    def test_what_is_refused(self):
        for how, kind in (
            ({"pooling": "median"}, hone.UsageError),
            ({"prompt": "nonsense"}, hone.UsageError),
            ({"dims": 1000}, hone.UsageError),
            ({"dims": -1}, ValueError),
            ({"dims": 2**64}, ValueError),
            ({"dims": 1.5}, TypeError),
            ({"role": "judge"}, hone.UsageError),
            ({"cut": "middle"}, hone.UsageError),
        ):
            with self.subTest(how), self.assertRaises(kind):
                self.model.embed(self.texts, **how)
        with self.assertRaisesRegex(hone.UsageError, "class"):
            self.model.classify(self.texts)

    def test_strict(self):
        model = hone.Model(EMBED, strict=True)
        long = "fox " * 500
        with self.assertRaisesRegex(hone.RefusedError, "tokens"):
            model.embed(["a", long])
        refused = []
        rows = model.embed(["a", long, "b"], on_refused=lambda i, sentence: refused.append((i, sentence)))
        self.assertEqual([i for i, _ in refused], [1])
        self.assertTrue(np.isnan(rows[1]).all() and np.isfinite(rows[[0, 2]]).all())
        self.assertEqual(model.stats.n_refused, 1)

        def fail(i, sentence):
            raise KeyError(sentence)

        with self.assertRaises(KeyError):
            model.embed(["a", long], on_refused=fail)

    def test_info(self):
        info = self.model.info
        self.assertEqual((info.task, info.architecture, info.n_dims), ("embed", "bert", 32))
        self.assertEqual(dict(self.model.prompts), {"query": "query: ", "document": "passage: "})
        self.assertEqual(self.model.max_length, self.golden["max_length"])
        self.assertEqual(self.model.remarks, [])

    def test_tasks(self):
        reference = json.loads((FIXTURES / "jina-v3-tasks" / "tasks.json").read_text())
        model = hone.Model(str(FIXTURES / "jina-v3-tasks"), compute="f32")
        self.assertEqual(model.info.tasks, tuple(reference["embedding"]))
        for task, rows in reference["embedding"].items():
            self.assertClose(model.embed(reference["texts"], task=task), rows)
        with self.assertRaisesRegex(hone.UsageError, "'clustering'"):
            model.embed(["x"], task="clustering")

    def test_pickle(self):
        again = pickle.loads(pickle.dumps(hone.Model(EMBED, threads=1, strict=True)))
        self.assertEqual(again.info.n_threads, 1)
        self.assertClose(again.embed(self.texts), self.golden["embedding"])


class Others(Case):
    def test_rerank(self):
        model, g = hone.Model(CROSS), golden("bert-cross")
        for (query, document), logits in zip(g["pairs"], g["logits"]):
            self.assertClose(model.rerank(query, [document], raw=True), logits)
        query = g["pairs"][0][0]
        scores = model.rerank(query, [d for _, d in g["pairs"]])
        self.assertTrue(((scores > 0) & (scores < 1)).all())

    def test_classify(self):
        model, g = hone.Model(CLASSIFY), golden("bert-classify")
        first, second = zip(*g["pairs"])
        self.assertClose(model.classify(first, second, raw=True), g["logits"])
        self.assertClose(model.classify(first[0], second[0], raw=True), g["logits"][0])
        self.assertEqual(len(model.labels), len(g["logits"][0]))
        for texts, pairs in ((["a"], ["b", "c"]), ("a", ["b"])):
            with self.assertRaises((hone.UsageError, TypeError)):
                model.classify(texts, pairs)

    def test_sparse(self):
        model, g = hone.Model(str(FIXTURES / "splade")), golden("splade")
        vectors = model.embed_sparse(g["texts"])
        self.assertClose(vectors.to_dense(), g["sparse"], 1e-4)
        self.assertEqual(len(vectors), len(g["texts"]))
        row = np.zeros(model.info.n_vocab)
        for i, weight in vectors[-1].items():
            row[i] = weight
        self.assertClose(row, g["sparse"][-1], 1e-4)
        with self.assertRaises(IndexError):
            vectors[len(vectors)]

    def test_tokens(self):
        model, g = hone.Model(str(FIXTURES / "colbert")), golden("colbert")
        rows = model.embed_tokens(g["texts"], prompt="")
        for found, wanted in zip(rows, g["tokens"]):
            self.assertClose(found, wanted)
        last = rows[-1]
        del rows
        self.assertClose(last, g["tokens"][-1])  # what it looks at is there as long as it is

    def test_zero_shot(self):
        model, g = hone.Model(str(FIXTURES / "nli")), golden("nli")
        for case in g["cases"]:
            scores = model.zero_shot(
                g["texts"], g["labels"], hypothesis=case["hypothesis"], multi_label=case["multi_label"]
            )
            self.assertClose(scores, case["scores"])

    def test_masks(self):
        model, g = hone.Model(str(FIXTURES / "fill-bert")), golden("fill-bert")
        for masks, wanted in zip(model.fill_masks(g["texts"], 3), g["masks"]):
            self.assertEqual([[w.id for w in m] for m in masks], [[w["id"] for w in m[:3]] for m in wanted])
            for found, m in zip(masks, wanted):
                self.assertClose([w.score for w in found], [w["score"] for w in m[:3]])

    def test_entities(self):
        model, g = hone.Model(str(FIXTURES / "ner-bert")), golden("ner-bert")
        for how, wanted in g["entities"].items():
            for found, row, text in zip(model.entities(g["texts"], aggregate=how), wanted, g["texts"]):
                places = [(e.label, len(text[: e.start].encode()), len(text[: e.end].encode())) for e in found]
                self.assertEqual(places, [(e["label"], e["start"], e["end"]) for e in row])
                self.assertEqual([e.text for e in found], [text[e.start : e.end] for e in found])
                self.assertClose([e.score for e in found], [e["score"] for e in row])

    def test_spans_of_labels(self):
        model, g = hone.Model(str(FIXTURES / "gliner")), golden("gliner")
        for case in g["cases"][:12]:
            (found,) = model.find_spans([case["text"]], g["labels"], threshold=case["threshold"], nested=case["nested"],
                                        multi_label=case["multi_label"])  # fmt: skip
            places = [[e.label, len(case["text"][: e.start].encode()), len(case["text"][: e.end].encode())] for e in found]
            self.assertEqual(places, [[e[0], *e[2:]] for e in case["entities"]])
            self.assertEqual([e.text for e in found], [case["text"][e.start : e.end] for e in found])
            self.assertClose([e.score for e in found], [e[1] for e in case["entities"]])

    def test_answers(self):
        model, cases = hone.Model(str(FIXTURES / "answer-bert")), golden("answer-bert")["cases"]
        for n_best, none in ((1, False), (4, True)):
            some = [case for case in cases if case["n_best"] == n_best]
            rows = model.answer([c["question"] for c in some], [c["context"] for c in some], n_best=n_best, may_lack=none)
            for row, case in zip(rows, some):
                data = case["context"].encode()
                self.assertEqual(
                    [(a.text, a.start, a.end) for a in row],
                    [(a["text"], *(len(data[: a[k]].decode()) for k in ("start", "end"))) for a in case["answers"]],
                )
                self.assertClose([a.score for a in row], [a["score"] for a in case["answers"]])
        one = model.answer(some[0]["question"], some[0]["context"], n_best=4, may_lack=True)
        self.assertEqual(one, rows[:1])
        with self.assertRaises(ValueError):
            model.answer(["a", "b"], ["c"])
        with self.assertRaises(hone.UsageError):
            hone.Model(EMBED).answer("a", "b")

    def test_hybrid(self):
        folder = FIXTURES / "sentence" / "hybrid"
        wanted = json.loads((folder / "expected.json").read_text())
        model = hone.Model(str(folder / "model"), compute="f32")
        out = model.embed_hybrid(wanted["texts"])
        assert out.sparse is not None and out.tokens is not None
        for i, row in enumerate(wanted["all"]):
            self.assertClose(out.dense[i], row["embedding"])
            self.assertEqual(list(out.sparse[i]), [word["index"] for word in row["sparse"]])
            self.assertClose(list(out.sparse[i].values()), [word["value"] for word in row["sparse"]])
            self.assertClose(out.tokens[i].ravel(), [x for vector in row["tokens"] for x in vector])
        alone = model.embed_hybrid(wanted["texts"], tokens=False, sparse=False)
        self.assertEqual((alone.sparse, alone.tokens), (None, None))
        self.assertTrue((alone.dense == out.dense).all())
        with self.assertRaises(hone.UsageError):
            hone.Model(EMBED).embed_hybrid(["a"])

    def test_ids(self):
        for folder in ("bert-embed", "causal"):
            model, g = hone.Model(str(FIXTURES / folder), vocab_only=True), golden(folder)
            ids = model.tokenize(g["texts"])
            for i, text in enumerate(g["texts"]):
                wanted = g["ids"][i] if folder == "causal" else None
                self.assertEqual(model.tokenize(text), ids[i].tolist())
                if wanted:
                    self.assertEqual(model.tokenize(text), wanted)
                    self.assertEqual(model.detokenize(wanted), text)
        spans = hone.Model(EMBED).token_spans("hé fox")
        self.assertEqual([(a, b) for _, a, b in spans if a != b][-1][1], 6)

    def test_perplexity(self):
        model, g = hone.Model(CAUSAL), golden("causal")
        self.assertGreater(model.perplexity(g["ids"][0]), 1)


class Opening(Case):
    def test_what_is_not_there(self):
        for name, sentence in (
            ("/nowhere/model.gguf", "nowhere"),
            (str(self.folder), "config.json"),
            ("hf:no/such-model", "no/such-model"),
            ("hf:!!", "no name of a model"),
        ):
            with self.subTest(name), self.assertRaisesRegex(hone.HoneError, sentence):
                hone.Model(name)

    def test_what_makes_no_sense(self):
        for how in ({"compute": "f64"}, {"threads": -1}, {"threads": 100000}, {"kv": "none"}, {"max_length": -5}):
            with self.subTest(how), self.assertRaises(ValueError):
                hone.Model(EMBED, **how)
        with self.assertRaises(TypeError):
            hone.Model(EMBED, scheduler={"colour": 1}).generate("a")

    def test_name_in_the_cache(self):
        import os
        from unittest import mock

        repo = self.folder / "hub" / "models--user--model"
        commit = "0123456789" * 4
        (repo / "refs").mkdir(parents=True)
        (repo / "refs" / "main").write_text(commit)
        (repo / "snapshots").mkdir()
        os.symlink(EMBED, repo / "snapshots" / commit)
        with mock.patch.dict(os.environ, HF_HUB_CACHE=str(self.folder / "hub"), HF_HUB_OFFLINE="1"):
            for name in ("user/model", "hf:user/model", "hf:user/model@main"):
                self.assertEqual(hone.Model(name).n_dims, 32)
            with self.assertRaisesRegex(hone.HoneError, "user/other"):
                hone.Model("user/other")

    def test_closed(self):
        with hone.Model(EMBED) as model:
            model.embed("a")
        with self.assertRaisesRegex(hone.UsageError, "was closed"):
            model.embed("a")
        model.close()
