"""What hone generate can be asked for, on the small model of the fixtures."""
import json
import os
import re
import shutil

from support import FIXTURES, Case, golden, main

MODEL = os.path.join(FIXTURES, "causal")
LONG = "The quick brown fox jumps over the lazy dog, again and again; nobody counts how often"


class Generation(Case):
    def generate(self, *arguments, model=MODEL, **how):
        return self.hone("generate", "-m", model, "-t", "1", *arguments, **how)

    def row(self, *arguments, **how):
        return self.generate(*arguments, "--format=jsonl", **how).json_lines[0]

    def test_golden(self):
        wanted = golden(MODEL)
        for ids, greedy in zip(wanted["ids"], wanted["greedy"]):
            row = self.row("--ids", " ".join(map(str, ids)), "-n", "24", "--temp=0", "--ignore-eos")
            self.assertEqual((row["ids"], row["prompt_tokens"]), (greedy, len(ids)))

    def test_timings(self):
        """On standard error, in both forms; what is written stays the same. The parts are no more than the whole."""
        flags = ["-p", "hi", "-n", "9", "--temp=0", "--ignore-eos"]
        for form in ([], ["--format=jsonl"], ["--beams=2"]):
            plain, timed = self.generate(*flags, *form), self.generate(*flags, *form, "--timings")
            self.assertEqual(plain.text, timed.text)
            self.assertNotIn("timings", plain.words)
            said = re.search(r"timings: open ([\d.]+) ms; first token ([\d.]+) ms, of a prompt of (\d+) tokens, 0 of them known; "
                             r"rest ([\d.]+) ms, (\d+) tokens, [\d.]+ tokens/s; all ([\d.]+) ms", timed.words)
            self.assertTrue(said, timed.words)
            opened, first, n, rest, n_rest, whole = map(float, said.groups())
            self.assertEqual((n, n_rest), (self.row(*flags)["prompt_tokens"], 8))
            self.assertTrue(0 < opened and 0 < first and opened + first + rest <= whole + 0.3, timed.words)
        for bad in (["--split-sentences", "-p", "hi"], [self.file("prompts.txt", "hi\n")]):
            self.assertIn("--timings is for one prompt", self.generate(*bad, "--timings", status=2).words)

    def test_generation_config(self):
        """What generation_config.json says of the tokens that may come holds as in transformers; what is not known is refused."""
        with open(os.path.join(MODEL, "rules.json")) as f:
            cases = json.load(f)
        folder = self.path("model")
        shutil.copytree(MODEL, folder)
        for case in cases:
            with open(os.path.join(folder, "generation_config.json"), "w") as f:
                json.dump(case["settings"], f)
            self.hone("convert", folder, "-o", self.path("m.gguf"))
            for model in folder, self.path("m.gguf"):
                with self.subTest(case["settings"], model=model):
                    n = () if "max_new_tokens" in case["settings"] else ("-n", str(len(case["greedy"])))
                    row = self.row("--ids", " ".join(map(str, case["ids"])), *n, "--temp=0", "--ignore-eos", model=model)
                    self.assertEqual(row["ids"], case["greedy"])
            os.remove(self.path("m.gguf"))
        for key, value in (("num_beams", 4), ("forced_decoder_ids", [[1, 2]]), ("sequence_bias", [[[1], 2.0]]),
                           ("stop_strings", ["x"]), ("penalty_alpha", 0.6), ("cache_implementation", "quantized"),
                           ("exponential_decay_length_penalty", [2, 1.5])):
            with open(os.path.join(folder, "generation_config.json"), "w") as f:
                json.dump({key: value}, f)
            self.assertIn(f"'{key}'", self.generate("-p", "x", model=folder, status=3).words)

    def test_settings_in_config_json(self):
        """Without generation_config.json transformers reads them there."""
        folder = self.path("model")
        shutil.copytree(MODEL, folder)
        os.remove(os.path.join(folder, "generation_config.json"))
        with open(os.path.join(MODEL, "config.json")) as f:
            config = json.load(f)
        for key, value in (("exponential_decay_length_penalty", [2, 1.5]), ("num_beams", 4)):
            with open(os.path.join(folder, "config.json"), "w") as f:
                json.dump({**config, key: value}, f)
            self.assertIn(f"config.json: '{key}'", self.generate("-p", "x", model=folder, status=3).words)

    def test_grammar(self):
        path = self.file("answer.gbnf", 'root ::= ("yes" | "no") "!"{1,3}\n')
        for seed in "1234":
            self.assertRegex(self.generate("-p", "x", "--grammar", path, "--seed", seed).text, r"^(yes|no)!{1,3}\n$")
        path = self.file("broken.gbnf", "root ::= (")
        self.assertIn("line 1", self.generate("-p", "x", "--grammar", path, status=2).words)
        self.assertIn("cannot be opened", self.generate("-p", "x", "--grammar", self.path("none"), status=1).words)

    def test_schema(self):
        path = self.file("list.json", json.dumps({"type": "array", "items": {"enum": ["a", 7, None]}, "minItems": 2,
                                                  "maxItems": 4}))
        for seed in "1234":
            row = self.row("-p", "x", "--json-schema", path, "--seed", seed)
            value = json.loads(row["text"])
            self.assertTrue(2 <= len(value) <= 4 and all(x in ("a", 7, None) for x in value), value)
            self.assertEqual(row["finish_reason"], "stop")
        for schema, sentence in (('{"type": ', "JSON"), ('{"type": "number", "multipleOf": 0}', "at /multipleOf")):
            path = self.file("broken.json", schema)
            self.assertIn(sentence, self.generate("-p", "x", "--json-schema", path, status=2).words)

    def test_logprobs(self):
        row = self.row("-p", "abc", "-n", "6", "--temp=0", "--logprobs", "3")
        self.assertEqual([t["id"] for t in row["logprobs"]], row["ids"])
        for token in row["logprobs"]:
            self.assertEqual(token["top"][0], {"id": token["id"], "logprob": token["logprob"]})
            self.assertEqual(len(token["top"]), 3)
            self.assertLess(token["logprob"], 0)
        self.assertIn("jsonl", self.generate("-p", "x", "--logprobs", "3", status=2).words)
        self.assertIn("20", self.generate("-p", "x", "--logprobs", "21", "--format=jsonl", status=2).words)

    def test_bias(self):
        plain = self.row("-p", "abc", "-n", "6", "--temp=0")["ids"]
        never = [f"--logit-bias={i}=-inf" for i in set(plain)]
        other = self.row("-p", "abc", "-n", "6", "--temp=0", *never)["ids"]
        self.assertFalse(set(plain) & set(other))
        self.assertEqual(self.row("-p", "abc", "-n", "3", "--logit-bias", "70=1000")["ids"], [70] * 3)
        self.assertIn("ID=X", self.generate("-p", "x", "--logit-bias", "7", status=2).words)
        self.assertIn("300", self.generate("-p", "x", "--logit-bias", "300=1", status=2).words)

    def test_stops(self):
        text = self.row("-p", "abc", "-n", "40", "--temp=0")["text"]
        stops = [c for c in text if c.isalpha()][1:3]
        row = self.row("-p", "abc", "-n", "40", "--temp=0", "--stop", stops[1], "--stop", stops[0])
        self.assertEqual(row["text"], text[:min(map(text.index, stops))])
        self.assertEqual(row["finish_reason"], "stop")

    def test_drafts(self):
        arguments = ["-p", "abababababab", "-n", "60", "--ignore-eos"]
        for more in (["--temp=0"], ["--temp=0.4", "--seed=1", "--mirostat=2", "--dry=0.5"]):
            plain = self.row(*arguments, *more, "--draft=0")
            usual = self.row(*arguments, *more)
            self.assertEqual(usual, plain)  # guesses where they pay, of which nothing is told
            for draft in (["--draft=4"], ["--draft-model", MODEL]):
                row = self.row(*arguments, *more, *draft)
                self.assertEqual((row["text"], row["ids"]), (plain["text"], plain["ids"]))
                self.assertLessEqual(row["accepted_tokens"], row["drafted_tokens"])
        self.assertGreater(self.row(*arguments, "--temp=0", "--draft-model", MODEL)["accepted_tokens"], 30)
        for n in ("-1", "1.5", "x"):
            self.assertIn("--draft must be", self.generate("-p", "x", "--draft", n, status=2).words)
        self.assertIn("--draft-model", self.generate("-p", "x", "--draft=0", "--draft-model", MODEL, status=2).words)
        self.assertIn("does not generate",
                      self.generate("-p", "x", "--draft-model", os.path.join(FIXTURES, "bert-embed"), status=2).words)

    def test_kv_file(self):
        path, arguments = self.path("fox.kv"), ["-p", LONG, "-n", "50", "--temp=0", "--ignore-eos"]
        first, second = (self.row(*arguments, "--kv-file", path) for _ in range(2))
        self.assertEqual((first["cached_tokens"], second["cached_tokens"]), (0, 32))
        self.assertEqual(first["text"], second["text"])
        longer = self.row("-p", LONG + first["text"], "-n", "1", "--kv-file", path, "--temp=0")
        self.assertGreaterEqual(longer["cached_tokens"], 32)
        with open(path, "rb") as f:
            data = f.read()
        broken = self.file("broken.kv", data[:-9] + bytes([data[-9] ^ 1]) + data[-8:])
        self.assertIn("it is damaged", self.generate("-p", "x", "--kv-file", broken, status=3).words)
        self.assertIn("KV cache has another shape or type",
                      self.generate("-p", "x", "--kv-file", path, "--kv", "int8", status=3).words)
        self.assertIn("another model",
                      self.generate("-p", "x", "--kv-file", path, "--compute", "int8", status=3).words)

    def test_room(self):
        row = self.row("-p", "abc", "--kv-tokens", "64", "--ignore-eos")
        self.assertEqual((row["prompt_tokens"] + len(row["ids"]), row["finish_reason"]), (64, "length"))
        self.assertIn("room for 64", self.generate("-p", "abc", "-n", "100", "--kv-tokens", "64", status=4).words)


main()
