"""A model's file is shortened while it is served: that model's requests fail with a sentence, the others are answered, and
SIGHUP opens the file again once it is right."""
import os
import shutil
import signal
import time

from serving import EMBED, FIXTURES, Case, Server, main

CAUSAL = os.path.join(FIXTURES, "causal")


class LostModel(Case):
    def serve(self, *models):
        flags = [flag for model in models for flag in ("-m", model)]
        server = Server(*flags, "--cache-size", "1", log_path=self.path("log"))
        self.addCleanup(server.stop)
        return server

    def embed(self, server, model, text="hello"):
        return server.post("/v1/embeddings", {"model": model, "input": text})

    def write(self, server, model):
        return server.post("/v1/completions", {"model": model, "prompt": "hello", "max_tokens": 3, "temperature": 0})

    def lost(self, reply):
        self.assertEqual(reply.status, 500, reply.body)
        self.assertIn("shortened", reply.body.decode())

    def test_embedding(self):
        path, copy = self.path("lost.gguf"), self.path("copy")
        self.hone("convert", EMBED, "-o", path)
        shutil.copy(path, copy)
        server = self.serve(f"lost={path}", f"whole={EMBED}")
        good = self.embed(server, "lost").json["data"]
        whole = self.embed(server, "whole").json["data"]
        os.truncate(path, os.path.getsize(path) // 2)
        for text in ("another text", "and one more"):
            self.lost(self.embed(server, "lost", text))
        self.assertEqual(self.embed(server, "whole").json["data"], whole)
        self.assertEqual(server.get("/health").status, 200)
        os.replace(copy, path)
        server.signal(signal.SIGHUP)
        until = time.monotonic() + 60
        while (reply := self.embed(server, "lost", "another text")).status != 200 and time.monotonic() < until:
            time.sleep(0.05)
        self.assertEqual(reply.status, 200, reply.body)
        self.assertEqual(self.embed(server, "lost").json["data"], good)

    def test_folder_and_generation(self):
        folder, path = self.path("folder"), self.path("causal.gguf")
        shutil.copytree(EMBED, folder)
        self.hone("convert", CAUSAL, "-o", path)
        server = self.serve(f"folder={folder}", f"causal={path}", f"whole={EMBED}")
        self.assertEqual(self.write(server, "causal").status, 200)
        os.truncate(os.path.join(folder, "model.safetensors"), 1000)
        os.truncate(path, os.path.getsize(path) - 100)
        self.lost(self.embed(server, "folder"))
        self.lost(self.write(server, "causal"))
        self.assertEqual(self.embed(server, "whole").status, 200)


if __name__ == "__main__":
    main()
