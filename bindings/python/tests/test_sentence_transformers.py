"""The classes with sentence-transformers' habits, beside golden results and, where it is installed, beside itself."""

import unittest

import numpy as np
from support import CLASSIFY, CROSS, EMBED, FIXTURES, Case, golden

import hone
from hone.sentence_transformers import CrossEncoder, SentenceTransformer

try:
    import sentence_transformers
    import torch
except ImportError:
    sentence_transformers = None


class Habits(Case):
    def setUp(self):
        super().setUp()
        self.model, self.golden = SentenceTransformer(EMBED), golden("bert-embed")
        self.texts = self.golden["texts"]

    def test_encode(self):
        self.assertClose(self.model.encode(self.texts), self.golden["embedding"])
        self.assertClose(self.model.encode(self.texts[0]), self.golden["embedding"][0])
        self.assertEqual(len(self.model.encode(self.texts, convert_to_numpy=False)), len(self.texts))
        self.assertTrue((self.model.encode(self.texts, truncate_dim=8) == self.model.encode(self.texts)[:, :8]).all())
        cut = self.model.encode(self.texts, truncate_dim=8, normalize_embeddings=True)
        self.assertClose(np.linalg.norm(cut, axis=1), np.ones(len(cut)))
        self.assertEqual(self.model.get_sentence_embedding_dimension(), 32)
        self.assertEqual(self.model.encode(self.texts[0], output_value="token_embeddings").shape[1], 32)

    def test_prompts(self):
        """By name, as a text, for a role, by default, and of the caller's own."""
        wanted = self.model.encode(["query: " + t for t in self.texts], prompt="")
        for found in (
            self.model.encode(self.texts, "query"),
            self.model.encode(self.texts, prompt="query: "),
            self.model.encode_query(self.texts),
            SentenceTransformer(EMBED, default_prompt_name="query").encode(self.texts),
            SentenceTransformer(EMBED, prompts={"mine": "query: "}).encode(self.texts, "mine"),
        ):
            self.assertTrue((found == wanted).all())
        documents = self.model.encode_document(self.texts)
        self.assertTrue((documents == self.model.encode(self.texts, prompt="passage: ")).all())
        with self.assertRaisesRegex(hone.UsageError, "nonsense"):
            self.model.encode(self.texts, "nonsense")

    def test_precision(self):
        bits = self.model.encode(self.texts, precision="ubinary")
        self.assertTrue((np.unpackbits(bits, axis=-1) == (self.model.encode(self.texts) > 0)).all())
        self.assertTrue((self.model.encode(self.texts, precision="binary").astype(int) + 128 == bits).all())

    def test_similarity(self):
        rows = np.array(self.golden["embedding"], np.float32)
        for name in ("cosine", "dot", "euclidean", "manhattan"):
            model = SentenceTransformer(EMBED, similarity_fn_name=name)
            whole = model.similarity(rows, rows[:2])
            self.assertEqual(whole.shape, (len(rows), 2))
            self.assertClose(np.diag(whole), model.similarity_pairwise(rows[:2], rows[:2]), 1e-6)

    def test_what_is_refused(self):
        for how in ({"precision": "int8"}, {"device": "cuda"}, {"pool": {}, "chunk_size": 3}, {"output_value": None}):
            with self.subTest(how), self.assertRaises(hone.UsageError):
                self.model.encode(self.texts, **how)
        self.model.encode(self.texts, device="cpu", chunk_size=None)

    def test_pairs(self):
        model, g = CrossEncoder(CROSS), golden("bert-cross")
        wanted = 1 / (1 + np.exp(-np.array(g["logits"])[:, 0]))
        self.assertClose(model.predict(g["pairs"]), wanted)
        self.assertClose(model.predict(g["pairs"][1]), wanted[1])
        query, texts = g["pairs"][0][0], [d for _, d in g["pairs"]]
        ranking = model.rank(query, texts, top_k=3, return_documents=True)
        scores = model.predict([(query, d) for d in texts])
        self.assertEqual([r["corpus_id"] for r in ranking], np.argsort(-scores, kind="stable")[:3].tolist())
        self.assertEqual([r["text"] for r in ranking], [texts[r["corpus_id"]] for r in ranking])

    def test_several_labels(self):
        model, g = CrossEncoder(CLASSIFY), golden("bert-classify")
        self.assertClose(model.predict(g["pairs"]), g["logits"])
        self.assertClose(model.predict(g["pairs"], apply_softmax=True).sum(-1), np.ones(len(g["pairs"])))
        with self.assertRaisesRegex(hone.UsageError, "one label"):
            model.rank("a", ["b"])


@unittest.skipUnless(sentence_transformers, "sentence-transformers is not installed")
class Beside(Case):
    """The same calls of both."""

    def test_encode(self):
        for folder in ("bert-embed", "sentence/similarity-dot/model"):
            path = str(FIXTURES / folder)
            theirs, ours = sentence_transformers.SentenceTransformer(path, device="cpu"), SentenceTransformer(path)
            texts = golden("bert-embed")["texts"]
            for how in (
                {}, {"normalize_embeddings": True}, {"prompt_name": "query"}, {"prompt": "odd "}, {"truncate_dim": 8},
                {"convert_to_tensor": True}, {"precision": "ubinary"}, {"precision": "binary"},
            ):  # fmt: skip
                with self.subTest(folder=folder, how=how):
                    if folder.startswith("sentence") and "prompt" in how:  # which it leaves out where it pools
                        self.assertRaises(hone.UsageError, ours.encode, texts, **how)
                        continue
                    a, b = theirs.encode(texts, **how), ours.encode(texts, **how)
                    self.assertEqual((type(a), a.shape, a.dtype), (type(b), b.shape, b.dtype))
                    self.assertClose(a, b)
            for name in ("encode_query", "encode_document"):
                self.assertClose(getattr(theirs, name)(texts), getattr(ours, name)(texts))
            rows = ours.encode(texts)
            for name in ("similarity", "similarity_pairwise"):
                self.assertClose(getattr(theirs, name)(rows, rows), getattr(ours, name)(rows, rows), 1e-4)
            for kind in ("cosine", "dot", "euclidean", "manhattan"):
                theirs.similarity_fn_name = ours.similarity_fn_name = kind
                # torch makes a distance of products of large numbers
                self.assertClose(theirs.similarity(rows, rows[:2]), ours.similarity(rows, rows[:2]), 1e-3)

    def test_predict(self):
        for folder in ("bert-cross", "bert-classify"):
            path, pairs = str(FIXTURES / folder), golden(folder)["pairs"]
            theirs, ours = sentence_transformers.CrossEncoder(path, device="cpu"), CrossEncoder(path)
            theirs.tokenizer.model_input_names = ["input_ids", "token_type_ids", "attention_mask"]  # which it has no file for
            for how in ({}, {"activation_fn": torch.nn.Identity()}, {"apply_softmax": True}, {"convert_to_tensor": True}):
                with self.subTest(folder=folder, how=how):
                    a, b = theirs.predict(pairs, **how), ours.predict(pairs, **how)
                    self.assertEqual((type(a), a.shape, a.dtype), (type(b), b.shape, b.dtype))
                    self.assertClose(a, b)
        theirs, ours = (c(CROSS) for c in (sentence_transformers.CrossEncoder, CrossEncoder))
        theirs.tokenizer.model_input_names = ["input_ids", "token_type_ids", "attention_mask"]
        texts = [d for _, d in golden("bert-cross")["pairs"]]
        a, b = (m.rank("fox", texts, top_k=2, return_documents=True) for m in (theirs, ours))
        self.assertEqual([(r["corpus_id"], r["text"]) for r in a], [(r["corpus_id"], r["text"]) for r in b])
        self.assertClose([r["score"] for r in a], [r["score"] for r in b])
