"""The client, with a server on a Unix socket and one on a port."""

import os
import pathlib
import re
import subprocess
import threading
import time
import unittest

import numpy as np
from support import CROSS, EMBED, ROOT, Case, golden

import hone
from hone.client import Client

HONE = pathlib.Path(os.environ.get("HONE", ROOT / "build" / "hone")).absolute()


@unittest.skipUnless(HONE.exists(), "there is no program hone")
class Server(Case):
    def serve(self, *arguments, environment=None):
        log = open(self.folder / "log", "w")
        process = subprocess.Popen([HONE, "serve", *arguments], stderr=log, stdout=log, env={**os.environ, **(environment or {})})

        def stop():
            process.terminate()
            process.wait()
            log.close()

        self.addCleanup(stop)
        while "listening on" not in (said := (self.folder / "log").read_text()):
            self.assertIsNone(process.poll(), said)
            time.sleep(0.01)
        return said

    def setUp(self):
        super().setUp()
        self.texts = golden("bert-embed")["texts"]

    def test_socket(self):
        path = str(self.folder / "hone.sock")
        self.serve("-m", EMBED, "-m", CROSS, "--socket", path)
        model = hone.Model(EMBED)
        for address in (path, f"unix:{path}"):
            with Client(address) as client:
                self.assertTrue((client.embed(self.texts) == model.embed(self.texts)).all())
                self.assertTrue((client.embed("fox", prompt="query") == model.embed("fox", prompt="query")).all())
                self.assertTrue((client.embed("fox", dims=8) == model.embed("fox", dims=8)).all())
                self.assertClose(client.rerank("fox", self.texts, model="bert-cross"), hone.Model(CROSS).rerank("fox", self.texts))
                self.assertEqual(client.post("/tokenize", {"content": "fox"})["tokens"], model.tokenize("fox", special=False))
                for wrong, kind, sentence in (
                    (lambda: client.embed("a", model="x"), hone.UsageError, "x"),
                    (lambda: client.embed("a", dims=1000), hone.UsageError, "dimensions"),
                    (lambda: client.embed([]), hone.UsageError, "no text"),
                ):
                    with self.assertRaisesRegex(kind, sentence):
                        wrong()
                self.assertTrue((client.embed("a") == model.embed("a")).all())

    def test_port(self):
        """With threads, and a connection that the server has closed meanwhile."""
        port = re.search(r"listening on \D*[\d.]+:(\d+)", self.serve("-m", EMBED, "--port", "0"))[1]
        client, wanted = Client(f"http://127.0.0.1:{port}"), hone.Model(EMBED).embed(self.texts)
        wrong = []

        def ask():
            for _ in range(20):
                if not (client.embed(self.texts) == wanted).all():
                    wrong.append(1)
            client.close()

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(wrong, [])
        client.embed("a")
        client._connection().sock.shutdown(2)
        self.assertTrue((client.embed(self.texts) == wanted).all())
        client.close()


class Addresses(Case):
    def test_what_makes_no_sense(self):
        for address in ("ftp://a", "http://", ""):
            with self.assertRaises(hone.UsageError):
                Client(address)
        with self.assertRaises(OSError):
            Client("/nowhere/hone.sock").embed("a")
