"""Texts that go on, in threads and in asyncio."""

import asyncio
import gc
import json
import math
import threading
import time

import numpy as np
from support import CAUSAL, CLASSIFY, CROSS, EMBED, FIXTURES, Case, golden

import hone
from hone import _scheduler


class Generation(Case):
    def setUp(self):
        super().setUp()
        self.model, self.golden = hone.Model(CAUSAL), golden("causal")
        self.how = {"temperature": 0, "max_tokens": len(self.golden["greedy"][0]), "ignore_end": True}

    def test_greedy(self):
        for text, ids, greedy in zip(self.golden["texts"], self.golden["ids"], self.golden["greedy"]):
            stream = self.model.generate(text, **self.how)
            parts = list(stream)
            self.assertEqual(stream.result().ids, greedy)
            self.assertEqual("".join(parts), stream.result().text)
            self.assertEqual(stream.result().finish, "length")
            self.assertEqual(self.model.generate(ids, **self.how).result().ids, greedy)
        many = self.model.generate_many(self.golden["texts"], **self.how)
        self.assertEqual([g.ids for g in many], self.golden["greedy"])

    def test_logprobs(self):
        g = self.model.generate(self.golden["texts"][0], logprobs=3, **self.how).result()
        self.assertEqual((len(g.logprobs), len(g.top_logprobs[0])), (len(g.ids), 3))
        for token, logprob, top in zip(g.ids, g.logprobs, g.top_logprobs):
            self.assertEqual(top[0][0], token)
            self.assertAlmostEqual(top[0][1], logprob, places=5)
        logits = np.array(self.golden["logits_last"][0])
        wanted = logits[g.ids[0]] - np.log(np.exp(logits).sum())
        self.assertAlmostEqual(g.logprobs[0], wanted, places=4)

    def test_options(self):
        text = self.golden["texts"][0]
        same = [self.model.generate(text, seed=5, max_tokens=8).result().text for _ in range(2)]
        self.assertEqual(*same)
        first = self.golden["greedy"][0][0]
        banned = self.model.generate(text, bias={first: -math.inf}, **self.how).result()
        self.assertNotIn(first, banned.ids)
        schema = {"type": "object", "properties": {"a": {"type": "integer", "maximum": 9}}, "required": ["a"],
                  "additionalProperties": False}  # fmt: skip
        self.assertIn("a", json.loads(self.model.generate(text, json_schema=schema, max_tokens=200, seed=1).result().text))
        self.assertEqual(self.model.generate(text, grammar='root ::= "yes"').result().text, "yes")
        stopped = self.model.generate(text, grammar='root ::= "yes no"', stop=" n").result()
        self.assertEqual((stopped.text, stopped.finish), ("yes", "stop"))
        beams = self.model.generate(text, beams=3, n_best=2, max_tokens=5).results
        self.assertEqual(len(beams), 2)
        self.assertGreaterEqual(beams[0].score, beams[1].score)

    def test_what_is_refused(self):
        for how, kind in (
            ({"colour": 1}, TypeError),
            ({"top_k": -1}, ValueError),
            ({"n_best": 2}, TypeError),
            ({"grammar": "root ::= ("}, hone.UsageError),
            ({"grammar": "a", "json_schema": True}, hone.UsageError),
            ({"temperature": -1}, hone.UsageError),
        ):
            with self.subTest(how), self.assertRaises(kind):
                self.model.generate("a", **how).result()
        with self.assertRaisesRegex(hone.HoneError, "generate"):
            hone.Model(EMBED).generate("a").result()
        with self.assertRaises(hone.RefusedError):
            self.model.generate([5] * 100_000).result()

    def test_chat(self):
        messages = [{"role": "user", "content": "hello"}]
        prompt = self.model.chat_prompt(messages)
        self.assertIn("hello", prompt)
        said = self.model.chat(messages, temperature=0, max_tokens=6).result()
        again = self.model.generate(self.model.tokenize(prompt, special=False), temperature=0, max_tokens=6).result()
        self.assertEqual(said.ids, again.ids)
        with self.assertRaises(hone.HoneError):
            self.model.chat([3])

    def test_a_stream_that_is_left(self):
        """What nobody reads is not written."""
        for leave in (lambda s: s.close(), lambda s: None):
            stream = self.model.generate("a", max_tokens=100_000, ignore_end=True)
            next(stream)
            leave(stream)
            del stream
            gc.collect()
            while _scheduler._PENDING:
                time.sleep(0.001)
        with self.model.generate("a", max_tokens=100_000, ignore_end=True) as stream:
            next(stream)
        with self.assertRaises(hone.CancelledError):
            stream.result()

    def test_a_model_that_nobody_keeps(self):
        """It lives as long as its stream."""
        self.assertEqual(hone.Model(CAUSAL).generate(self.golden["texts"][0], **self.how).result().ids, self.golden["greedy"][0])

    def test_closed_meanwhile(self):
        stream = self.model.generate("a", max_tokens=100_000, ignore_end=True)
        next(stream)
        self.model.close()
        with self.assertRaises(hone.CancelledError):
            for _ in stream:
                pass

    def test_threads(self):
        found = {}

        def work(i):
            found[i] = self.model.generate(self.golden["texts"][i], **self.how).result().ids

        threads = [threading.Thread(target=work, args=(i,)) for i in range(len(self.golden["texts"]))]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual([found[i] for i in range(len(threads))], self.golden["greedy"])


class Asynchronous(Case):
    def test_numbers(self):
        """Those of the calls that wait, bit for bit."""
        texts = golden("bert-embed")["texts"]
        embed, cross, classify = hone.Model(EMBED), hone.Model(CROSS), hone.Model(CLASSIFY)
        splade = hone.Model(str(FIXTURES / "splade"))

        async def ask():
            rows = await asyncio.gather(*(embed.aembed(t, role="query") for t in texts), embed.aembed(texts))
            tokens, sparse = await asyncio.gather(embed.aembed_tokens(texts), splade.aembed_sparse(texts))
            scores, labels = await asyncio.gather(cross.arerank("fox", texts), classify.aclassify(texts, texts))
            return rows, tokens, sparse, scores, labels

        rows, tokens, sparse, scores, labels = asyncio.run(ask())
        self.assertTrue((np.array(rows[:-1]) == embed.embed(texts, role="query")).all())
        self.assertTrue((rows[-1] == embed.embed(texts)).all())
        self.assertTrue((tokens.values == embed.embed_tokens(texts).values).all())
        self.assertTrue((sparse.to_dense() == splade.embed_sparse(texts).to_dense()).all())
        self.assertTrue((scores == cross.rerank("fox", texts)).all())
        self.assertTrue((labels == classify.classify(texts, texts)).all())

    def test_text(self):
        model, g = hone.Model(CAUSAL), golden("causal")
        how = {"temperature": 0, "max_tokens": len(g["greedy"][0]), "ignore_end": True}

        async def ask():
            parts = [part async for part in model.agenerate(g["texts"][0], **how)]
            many = await asyncio.gather(*(model.agenerate(t, **how).result() for t in g["texts"]))
            chat = await model.achat([{"role": "user", "content": "a"}], temperature=0, max_tokens=4).result()
            return parts, many, chat

        parts, many, chat = asyncio.run(ask())
        self.assertEqual([m.ids for m in many], g["greedy"])
        self.assertEqual("".join(parts), many[0].text)
        again = model.chat([{"role": "user", "content": "a"}], temperature=0, max_tokens=4).result()
        self.assertEqual(chat.ids, again.ids)

    def test_failures(self):
        strict, model = hone.Model(EMBED, strict=True), hone.Model(CAUSAL)

        async def ask():
            with self.assertRaises(hone.RefusedError):
                await strict.aembed("fox " * 500)
            with self.assertRaises(hone.UsageError):
                await strict.aembed("fox", pooling="median")
            stream = model.agenerate("a", max_tokens=100_000, ignore_end=True)
            with self.assertRaises(asyncio.TimeoutError):
                await asyncio.wait_for(stream.result(), 0.05)
            task = asyncio.ensure_future(model.agenerate("a", max_tokens=100_000, ignore_end=True).result())
            await asyncio.sleep(0.02)
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task
            while _scheduler._PENDING:
                await asyncio.sleep(0.001)
            with self.assertRaises(hone.LateError):
                await strict.aembed(["fox " * 10] * 100_000, timeout=0.001)

        asyncio.run(ask())

    def test_a_full_queue(self):
        """Who asks waits for room."""
        model = hone.Model(EMBED, scheduler={"max_queue": 2})

        async def ask():
            return await asyncio.gather(*(model.aembed(f"fox {i}") for i in range(100)))

        rows = asyncio.run(ask())
        self.assertTrue((np.array(rows) == model.embed([f"fox {i}" for i in range(100)])).all())
