"""hone quantize, and hone convert to types of few bits."""
import json
import os
import resource
import signal

from support import CROSS, EMBED, Case, golden, main


class Quantize(Case):
    def setUp(self):
        super().setUp()
        self.model = self.path("m.gguf")
        self.hone("convert", EMBED, "-o", self.model, "--type", "f32")

    def quantize(self, kind, *arguments, **how):
        out = self.path(kind + ".gguf")
        return out, self.hone("quantize", self.model, out, kind, *arguments, **how)

    def metadata(self, path):
        return json.loads(self.hone("inspect", path, "--json", "--tensors").text)

    def test_table(self):
        out, run = self.quantize("q8_0")
        rows = [line.split() for line in run.text.splitlines()]
        self.assertEqual(rows[0], ["tensor", "was", "is", "bytes", "error"])
        told = {row[0]: row for row in rows[1:]}
        tensors = self.metadata(out)["tensors"]
        self.assertEqual(set(told), {t["name"] for t in tensors})
        for t in tensors:
            self.assertEqual(told[t["name"]][2], t["type"])
        self.assertRegex(run.words, r"wrote .*q8_0.gguf: \d+ tensors, [\d.]+ MB instead of [\d.]+, [\d.]+ bits a weight")

    def test_json(self):
        out, run = self.quantize("q4_0", "--json")
        told = json.loads(run.text)
        tensors = {t["name"]: t for t in told["tensors"]}
        self.assertEqual(told["size"], sum(t["size"] for t in told["tensors"]))
        for t in self.metadata(out)["tensors"]:
            self.assertEqual(tensors[t["name"]]["type"], t["type"])
        errors = [t["error"] for t in told["tensors"] if t["type"] == "q4_0"]
        self.assertTrue(errors and all(0.02 < e < 0.2 for e in errors), errors)
        self.assertTrue(all(t["error"] == 0 for t in told["tensors"] if t["type"] == "f32"))

    def test_says_its_type(self):
        for kind, number in (("q8_0", 7), ("q4_0", 2), ("q4_k", 15), ("Q5_K_S", 16), ("q6_k", 18), ("bf16", 32)):
            metadata = self.metadata(self.quantize(kind)[0])["metadata"]
            self.assertEqual(metadata["general.file_type"], number)
            self.assertEqual(metadata["general.quantization_version"], 2)

    def test_embeds_nearly_the_same(self):
        text = golden(EMBED)["texts"][0]
        wanted = self.hone("embed", "-m", self.model, stdin=text).json_lines[0]["embedding"]
        for kind, bound in (("f16", 0.99999), ("q8_0", 0.999), ("q6_k", 0.999), ("q5_k_m", 0.99), ("q4_k_m", 0.97)):
            got = self.hone("embed", "-m", self.quantize(kind)[0], "--compute=f32", stdin=text).json_lines[0]["embedding"]
            self.assertGreater(sum(a * b for a, b in zip(got, wanted)), bound, kind)

    def test_converts_the_same(self):
        for kind in ("q8_0", "q4_0", "q4_k", "q6_k"):
            direct = self.path("direct.gguf")
            self.hone("convert", EMBED, "-o", direct, "--type", kind)
            data = [json.dumps(self.metadata(p)["tensors"]) for p in (direct, self.quantize(kind)[0])]
            self.assertEqual(*data)

    def test_threads_change_nothing(self):
        files = []
        for n in "1", "2":
            with open(self.quantize("q4_k_m", "-t", n)[0], "rb") as f:
                files.append(f.read())
        self.assertEqual(*files)

    def test_requantizing_is_told(self):
        self.model = self.quantize("q8_0")[0]
        self.assertIn("errors add up", self.quantize("q4_0")[1].words)

    def test_fallback_is_told(self):
        run = self.quantize("q4_k_m")[1]
        self.assertIn("has no such rows", run.text)
        self.assertIn("no whole blocks", run.words)

    def test_mistakes(self):
        out = self.path("out.gguf")
        self.assertIn("q4_k_m", self.hone("quantize", self.model, out, "q7", status=2).words)
        self.assertIn("at once", self.hone("quantize", self.model, self.model, "q8_0", status=2).words)
        self.hone("quantize", self.model, status=2)
        self.hone("quantize", self.model, out, "q8_0", "more", status=2)
        self.hone("quantize", self.path("none"), out, "q8_0", status=1)
        self.hone("quantize", self.file("bad.gguf", "GGUFoops"), out, "q8_0", status=3)
        self.hone("quantize", self.model, self.path("no/such.gguf"), "q8_0", status=1)
        self.hone("quantize", self.model, "/dev/full", "q8_0", status=1)
        self.assertEqual(sorted(os.listdir(os.path.dirname(out))), ["bad.gguf", "m.gguf"])

    def test_full_disk(self):
        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))
        run = self.quantize("q8_0", status=1, preexec_fn=limit)[1]
        self.assertIn("cannot be written", run.words)
        self.assertEqual(os.listdir(os.path.dirname(self.model)), ["m.gguf"])

    def test_bad_importance(self):
        for data in (b"", b"\1\0\0\0", b"\1\0\0\0\4\0\0\0name\1\0\0\0\xff\xff\xff\x7f", b"GGUF", b"\xff" * 64):
            out, run = self.quantize("q4_0", "--imatrix", self.file("i.dat", data), status=3)
            self.assertIn("i.dat", run.words)
            self.assertFalse(os.path.exists(out))
        self.quantize("q4_0", "--imatrix", self.path("none"), status=1)

    def test_cross_encoder(self):
        self.model = self.path("cross.gguf")
        self.hone("convert", CROSS, "-o", self.model)
        out = self.quantize("q8_0")[0]
        a, b = golden(CROSS)["pairs"][0]
        scores = [self.hone("rerank", "-m", m, "-q", a, "--raw", "--format=jsonl", stdin=b).json_lines[0]["score"]
                  for m in (self.model, out)]
        self.assertClose(scores[:1], scores[1:], 0.1)


if __name__ == "__main__":
    main()
