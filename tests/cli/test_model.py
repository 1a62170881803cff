"""hone convert and hone inspect, and models that cannot be used."""
import json
import os

from support import CLASSIFY, CROSS, EMBED, FIXTURES, Case, golden, main


class Convert(Case):
    def test_file_and_folder_agree(self):
        lines = "".join(t + "\n" for t in golden(EMBED)["texts"])
        model = self.path("m.gguf")
        run = self.hone("convert", EMBED, "-o", model)
        self.assertEqual(run.out, b"")
        self.assertIn(f"wrote {model}: ", run.words)
        wanted = self.hone("embed", "-m", EMBED, stdin=lines).out
        self.assertEqual(self.hone("embed", "-m", model, stdin=lines).out, wanted)
        self.assertEqual(os.listdir(os.path.dirname(model)), ["m.gguf"])

    def test_types(self):
        for name, bound in (("f32", 1e-5), ("f16", 1e-2), ("bf16", 5e-2), ("q8_0", 1e-1)):
            model = self.path(name + ".gguf")
            self.hone("convert", EMBED, "-o", model, "--type", name)
            types = json.loads(self.hone("inspect", model, "--json").text)["types"]
            self.assertIn(name, types)
            row = self.hone("embed", "-m", model, stdin=golden(EMBED)["texts"][0]).json_lines[0]
            self.assertClose(row["embedding"], golden(EMBED)["embedding"][0], bound)

    def test_cross_encoder_and_classifier(self):
        for folder in (CROSS, CLASSIFY):
            model = self.path("m.gguf")
            self.hone("convert", folder, "-o", model)
            lines = "".join(f"{a}\t{b}\n" for a, b in golden(folder)["pairs"])
            arguments = ["classify", "--pair", "--raw", "--format=jsonl", "-m"]
            self.assertEqual(self.hone(*arguments, model, stdin=lines).out, self.hone(*arguments, folder, stdin=lines).out)

    def test_failures_leave_nothing(self):
        out = self.path("m.gguf")
        self.assertIn("none", self.hone("convert", self.path("none"), "-o", out, status=3).words)
        os.mkdir(self.path("empty"))
        self.assertIn("config.json", self.hone("convert", self.path("empty"), "-o", out, status=3).words)
        self.hone("convert", EMBED, "-o", self.path("no/such/m.gguf"), status=1)
        self.assertEqual(os.listdir(os.path.dirname(out)), ["empty"])


class Inspect(Case):
    def setUp(self):
        super().setUp()
        self.model = self.path("m.gguf")
        self.hone("convert", CLASSIFY, "-o", self.model)

    def test_json(self):
        told = json.loads(self.hone("inspect", self.model, "--json").text)
        self.assertEqual(told["model"]["architecture"], "bert")
        self.assertEqual(told["model"]["task"], "classify")
        self.assertEqual(told["model"]["labels"], ["sad", "so-so", "glad"])
        self.assertEqual(told["metadata"]["general.architecture"], "bert")
        self.assertNotIn("tensors", told)

    def test_json_tensors(self):
        told = json.loads(self.hone("inspect", self.model, "--json", "--tensors").text)
        self.assertEqual(sum(t["bytes"] for t in told["tensors"]), told["tensor_bytes"])
        self.assertEqual(sum(t["tensors"] for t in told["types"].values()), len(told["tensors"]))
        self.assertIn("token_embd.weight", [t["name"] for t in told["tensors"]])

    def test_tables(self):
        text = self.hone("inspect", self.model).text
        for words in ("architecture", "bert", "so-so", "max length", "f32", "general.architecture"):
            self.assertIn(words, text)
        self.assertNotIn("token_embd.weight", text)
        self.assertIn("token_embd.weight", self.hone("inspect", self.model, "--tensors").text)

    def test_folder(self):
        told = json.loads(self.hone("inspect", EMBED, "--json").text)
        self.assertEqual(told["model"]["task"], "embed")
        self.assertEqual(told["model"]["pooling"], "mean")

    def test_experts_are_told_apart(self):
        """Of the weights, those of experts and what a token goes through: 3 of 6 in both layers, and none of a dense model."""
        folder = os.path.join(FIXTURES, "qwen3-moe")
        need = json.loads(self.hone("inspect", folder, "--json").text)["model"]["need"]
        self.assertGreater(need["experts"], 2 * 6 * 3 * 16 * 16 * 4 - 1)  # padded to whole panels
        self.assertLess(need["experts"], need["weights"])
        self.assertEqual(need["experts_token"], need["experts"] // 2)
        self.assertIn("of which a token goes through", self.hone("inspect", folder).text)
        self.assertEqual(json.loads(self.hone("inspect", EMBED, "--json").text)["model"]["need"]["experts"], 0)

    def test_file_that_is_no_model_to_run(self):
        path = os.path.join(os.path.dirname(EMBED), "python.gguf")
        told = json.loads(self.hone("inspect", path, "--json").text)
        self.assertIsNone(told["model"])
        self.assertTrue(told["error"])
        self.assertIn("cannot run", self.hone("inspect", path).text)


class Unusable(Case):
    def test_no_such_model(self):
        for command in (["embed", "-m"], ["tokenize", "-m"], ["inspect"]):
            self.assertIn("none.gguf", self.hone(*command, self.path("none.gguf"), status=3).words)

    def test_not_a_model(self):
        for name, content in (("text.gguf", "just text\n"), ("empty.gguf", ""), ("short.gguf", "GGUF\x03\0\0\0")):
            path = self.file(name, content)
            for command in (["embed", "-m"], ["tokenize", "-m"], ["inspect"]):
                self.assertIn(name, self.hone(*command, path, status=3).words)

    def test_cut_short(self):
        model = self.path("m.gguf")
        self.hone("convert", EMBED, "-o", model)
        with open(model, "rb") as f:
            data = f.read()
        for size in (len(data) - 1, len(data) // 2, 100):
            path = self.file("cut.gguf", data[:size])
            self.assertIn("cut.gguf", self.hone("embed", "-m", path, status=3).words)

    def test_inspect_tells_of_attention(self):
        text = self.hone("inspect", os.path.join(FIXTURES, "gemma3-images")).text
        self.assertRegex(text, "heads +of 12 numbers; 2 of keys and values")
        self.assertRegex(text, "window +8 tokens, in 2 of the layers")
        self.assertRegex(text, "positions +rotary, base 1000000, 10000 in local layers, divided by 8")
        model = json.loads(self.hone("inspect", "--json", os.path.join(FIXTURES, "llama-yarn")).text)["model"]
        self.assertEqual(model["positions"], "rotary, base 500, YaRN: 4 times 16 tokens")
        self.assertEqual((model["n_local"], model["window"], model["n_kv_heads"], model["head_dim"]), (0, 0, 2, 12))


if __name__ == "__main__":
    main()
