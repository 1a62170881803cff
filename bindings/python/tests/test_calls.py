"""Threads, signals and processes around a call."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
import unittest
from unittest import mock

import numpy as np
from support import CAUSAL, EMBED, Case, golden

import hone

PATIENCE = 600  # seconds, after which a program surely hangs


class Interrupted(Exception):
    pass


class Calls(Case):
    def setUp(self):
        super().setUp()
        self.model, self.texts = hone.Model(EMBED, threads=1), golden("bert-embed")["texts"]

    def when_it_runs(self, action):
        """Does it once a call has begun."""
        begun = self.model._handle._n_calls

        def wait():
            while self.model._handle._n_calls == begun:
                time.sleep(0.001)
            time.sleep(0.02)
            action()

        thread = threading.Thread(target=wait)
        thread.start()
        self.addCleanup(thread.join)

    @contextlib.contextmanager
    def busy(self):
        """Another thread computes with the model until the end of this."""
        go_on, began = threading.Event(), threading.Event()

        def told(_):
            began.set()
            go_on.wait(PATIENCE)

        other = threading.Thread(target=lambda: self.model.embed(["fox " * 40] * 100, on_progress=told))
        other.start()
        began.wait(PATIENCE)
        try:
            yield
        finally:
            go_on.set()
            other.join()

    def stopped_by(self, number, kind, texts, **how):
        """The call ends with that exception, though the model is not free before. What it would have computed is not."""
        with self.busy():
            self.when_it_runs(lambda: os.kill(os.getpid(), number))
            with self.assertRaises(kind):
                self.model.embed(texts, **how)
        while self.model._handle._n_calls:
            time.sleep(0.001)

    def test_ctrl_c(self):
        self.addCleanup(signal.signal, signal.SIGINT, signal.signal(signal.SIGINT, signal.default_int_handler))
        rows = np.full((5000, self.model.n_dims), np.nan, np.float32)
        self.stopped_by(signal.SIGINT, KeyboardInterrupt, ["fox " * 40] * 5000, out=rows)
        self.assertTrue(np.isnan(rows).any())
        self.stopped_by(signal.SIGINT, KeyboardInterrupt, "a text that is short by itself")
        self.assertClose(self.model.embed(self.texts), golden("bert-embed")["embedding"])

    def test_any_signal(self):
        def raise_it(*_):
            raise Interrupted

        self.addCleanup(signal.signal, signal.SIGUSR1, signal.signal(signal.SIGUSR1, raise_it))
        self.stopped_by(signal.SIGUSR1, Interrupted, ["fox " * 40] * 100)

    def test_progress(self):
        seen = []
        self.model.embed(["fox " * 40] * 1000, on_progress=seen.append)
        self.assertEqual((seen == sorted(seen), seen[-1]), (True, 1000))
        with self.assertRaisesRegex(hone.CancelledError, "cancelled"):
            self.model.embed(["fox " * 40] * 1000, on_progress=lambda n: n < 200)

        def fail(n):
            raise Interrupted

        with self.assertRaises(Interrupted):
            self.model.embed(["fox " * 40] * 1000, on_progress=fail)

    def test_many_threads(self):
        wanted = [self.model.embed(t) for t in self.texts]
        wrong = []

        def work(k):
            for i in range(200):
                j = (i * 7 + k) % len(self.texts)
                if not (self.model.embed(self.texts[j]) == wanted[j]).all():
                    wrong.append((i, k))

        threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(wrong, [])

    def test_others_run_meanwhile(self):
        """Both in the thread that asks and in one that waits."""
        stop, n = threading.Event(), [0]

        def count():
            while not stop.is_set():
                n[0] += 1

        for limit in (0, 2**63):
            n[0] = 0
            thread = threading.Thread(target=count)
            stop.clear()
            with mock.patch("hone._handle.LONG", limit):
                thread.start()
                self.model.embed(["fox " * 40] * 2000)
            stop.set()
            thread.join()
            self.assertGreater(n[0], 1000)

    def test_closed_while_it_runs(self):
        """The call ends as usual."""
        out = []
        thread = threading.Thread(target=lambda: out.append(self.model.embed(["fox " * 40] * 2000)))
        self.when_it_runs(self.model.close)
        thread.start()
        thread.join()
        self.assertTrue(np.isfinite(out[0]).all())
        with self.assertRaisesRegex(hone.UsageError, "closed"):
            self.model.embed("a")


class Shared(Case):
    def test_weights_are_one_copy(self):
        """Of processes that start at once, with nothing kept, and in every compute type: each maps the same file, has written
        nothing to it, and its part of what all of them take is a quarter."""
        program = (
            "import sys, hone; m = hone.Model(sys.argv[1], compute=sys.argv[2], threads=1); m.embed('a fox'); "
            "print('ready', flush=True); sys.stdin.read()"
        )
        for compute in ("f32", "int8"):
            environment = {**os.environ, "HONE_CACHE": "1", "XDG_CACHE_HOME": str(self.folder / compute)}
            command = [sys.executable, "-c", program, EMBED, compute]
            workers = [
                subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
                for _ in range(4)
            ]
            try:
                self.assertEqual([w.stdout.readline() for w in workers], ["ready\n"] * 4)
                maps = [self.packs(w.pid) for w in workers]
            finally:
                for w in workers:
                    w.communicate()
            self.assertEqual(len({name for m in maps for name in m["names"]}), 1)
            self.assertEqual([m["Private_Dirty"] + m["Private_Clean"] for m in maps], [0] * 4)
            self.assertLessEqual(sum(m["Pss"] for m in maps), max(m["Size"] for m in maps))

    @staticmethod
    def packs(pid):
        """What a process has mapped of packed weights: which files, and kilobytes."""
        found, name = {"names": set(), "Size": 0, "Pss": 0, "Private_Dirty": 0, "Private_Clean": 0}, ""
        with open(f"/proc/{pid}/smaps") as f:
            for line in f:
                words = line.split()
                if not words[0].endswith(":"):
                    name = " ".join(words[4:])
                elif ".pack" in name and words[0][:-1] in found:
                    found["names"].add(name)
                    found[words[0][:-1]] += int(words[1])
        return found


class Forks(unittest.TestCase):
    def in_child(self, function):
        """What it returns, in a process of its own."""
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(read)
            try:
                said = str(function())
            except BaseException as e:
                said = f"{type(e).__name__}: {e}"
            os.write(write, said.encode())
            os._exit(0)
        os.close(write)
        with open(read, "rb") as f:
            said = f.read().decode()
        os.waitpid(pid, 0)
        return said

    def test_a_sentence(self):
        model = hone.Model(EMBED)
        model.embed("a")
        self.assertRegex(self.in_child(lambda: model.embed("a")), "HoneError: .*opened in process .*in each process")
        causal = hone.Model(CAUSAL)
        causal.generate("a", max_tokens=2).result()
        self.assertRegex(self.in_child(lambda: causal.generate("a").result()), "HoneError: .*in each process")
        self.assertTrue(np.isfinite(model.embed("a")).all())

    def test_a_model_of_its_own(self):
        model = hone.Model(EMBED)
        wanted = model.embed("a").tobytes().hex()
        self.assertEqual(self.in_child(lambda: hone.Model(EMBED).embed("a").tobytes().hex()), wanted)

    def test_end_of_a_child(self):
        """What it has of its parent's is let go without a wait for threads that are not there."""
        causal = hone.Model(CAUSAL)
        causal.generate("a", max_tokens=2).result()
        self.assertEqual(self.in_child(lambda: causal.close() or "closed"), "closed")
