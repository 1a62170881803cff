"""hone generate, logits and perplexity, on the models of HONE_SHARED."""
import json
import os
import shutil
import unittest

from support import EMBED, ROOT, Case, main, read_npy

SHARED = os.environ.get("HONE_SHARED", os.path.join(ROOT, "..", "shared"))
LLAMA = os.path.join(SHARED, "models", "package-llama")
QWEN = os.path.join(SHARED, "goldens", "qwen3")


@unittest.skipUnless(os.path.isdir(LLAMA) and os.path.isdir(QWEN), "no models in " + SHARED)
class Generate(Case):
    def generate(self, *arguments, **how):
        return self.hone("generate", "-m", LLAMA, "-t", "1", *arguments, **how)

    def test_ids_and_text(self):
        with open(os.path.join(LLAMA, "golden.json")) as f:
            golden = json.load(f)
        for ids, greedy in zip(golden["ids"], golden["greedy"]):
            ids = " ".join(map(str, ids[1:]))  # the golden ids do not see the start token
            n = min(24, len(greedy))
            row = self.generate("--ids", ids, "-n", str(n), "--temp", "0", "--format", "jsonl").json_lines[0]
            self.assertEqual(row["ids"], greedy[:n])
            self.assertEqual(row["finish_reason"], "length")
            text = self.generate("--ids", ids, "-n", str(n), "--temp=0").text
            self.assertEqual(text, row["text"] + "\n")

    def test_seed(self):
        arguments = ["-p", "library for ", "-n", "20", "--format", "jsonl"]
        one, again, two = (self.generate(*arguments, "--seed", s).json_lines[0] for s in "112")
        self.assertEqual(one, again)
        self.assertNotEqual(one["ids"], two["ids"])

    def test_stop_and_end(self):
        row = self.generate("-p", "Python module for ", "-n", "60", "--temp=0", "--stop", "package", "--format=jsonl")
        self.assertNotIn("package", row.json_lines[0]["text"])
        self.assertEqual(row.json_lines[0]["finish_reason"], "stop")
        row = self.generate("-p", "library", "-n", "200", "--temp=0", "--ignore-eos", "--format=jsonl").json_lines[0]
        self.assertEqual((len(row["ids"]), row["finish_reason"]), (200, "length"))
        self.assertNotIn(1, row["ids"])

    def test_logits(self):
        with open(os.path.join(QWEN, "golden.json")) as f:
            golden = json.load(f)
        out = self.path("logits.npy")
        ids = golden["ids"][0]
        self.hone("logits", "-m", QWEN, "--ids", " ".join(map(str, ids)), "-o", out)
        with open(out, "rb") as f:
            rows, n_columns = read_npy(f.read())
        self.assertEqual((len(rows), n_columns), (len(ids), len(golden["logits_last"][0])))
        bound = 1e-4 * max(map(abs, golden["logits_last"][0]))
        for got, want in zip(rows[-1], golden["logits_last"][0]):
            self.assertLess(abs(got - want), bound)

    def test_perplexity(self):
        text = os.path.join(LLAMA, "held-out.txt")
        row = self.hone("perplexity", "-m", LLAMA, text, "-n", "1024", "--json").json_lines[0]
        self.assertAlmostEqual(row["perplexity"], 137.4686, delta=0.1)
        cut = self.hone("perplexity", "-m", LLAMA, text, "-n", "1024", "--context", "100", "--json").json_lines[0]
        self.assertNotEqual(cut["perplexity"], row["perplexity"])

    def judge_folder(self):
        """A model with the tokens "yes" and "no", in the place of the last two that merges make."""
        folder = self.path("judge")
        shutil.copytree(QWEN, folder)
        path = os.path.join(folder, "tokenizer.json")
        with open(path) as f:
            tokenizer = json.load(f)
        model, ids = tokenizer["model"], {}
        for word in ("yes", "no"):
            made = model["merges"].pop()
            made = "".join(made if isinstance(made, list) else made.split(" "))
            ids[word] = model["vocab"][word] = model["vocab"].pop(made)
        with open(path, "w") as f:
            json.dump(tokenizer, f)
        return folder, ids

    def test_judge(self):
        folder, word = self.judge_folder()
        before = ("<|im_start|>system\nJudge whether the Document meets the requirements based on the Query and the "
                  "Instruct provided. Note that the answer can only be \"yes\" or \"no\".<|im_end|>\n"
                  "<|im_start|>user\n")
        about = "Given a web search query, retrieve relevant passages that answer the query"
        after = "<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n"
        docs = ["a web server", "a server for the web, small and fast", "games", "a web server of another kind"] * 5
        rows = self.hone("rerank", "-m", folder, "-q", "small server", "--format=jsonl", "--raw",
                         stdin="\n".join(docs)).json_lines
        scores = {row["index"]: row["score"] for row in rows}
        self.assertEqual(len(scores), len(docs))
        for i, doc in enumerate(docs[:4]):
            parts = [before, f"<Instruct>: {about}\n<Query>: small server\n<Document>: {doc}", after]
            lines = "\n".join(map(json.dumps, parts))
            ids = self.hone("tokenize", "-m", folder, "--jsonl", "--no-special", stdin=lines).json_lines
            out = self.path("logits.npy")
            self.hone("logits", "-m", folder, "--ids", " ".join(str(x) for part in ids for x in part), "-o", out)
            with open(out, "rb") as f:
                logits = read_npy(f.read())[0][-1]
            self.assertAlmostEqual(scores[i], logits[word["yes"]] - logits[word["no"]], delta=1e-4)
            self.assertEqual(scores[i], scores[i + 16 if i + 16 < len(docs) else i])
        shares = self.hone("rerank", "-m", folder, "-q", "x", "--format=jsonl", stdin="y\nz").json_lines
        self.assertTrue(all(0 < row["score"] < 1 for row in shares))

    def test_bench(self):
        row = self.hone("bench", "model", "-m", QWEN, "--prompt", "40", "--gen=3", "--batch=2", "--json").json_lines[0]
        self.assertGreater(row["prompt_tok_s"], 0)
        self.assertGreater(row["gen_tok_s"], 0)
        self.assertEqual((row["prompt_tokens"], row["gen_tokens"], row["batch"]), (40, 3, 2))
        self.hone("bench", "model", "-m", QWEN, "--prompt", "40000", status=2)

    def test_cache_size(self):
        words = self.hone("inspect", "--kv", QWEN).text
        self.assertIn("f32: 1.0 kB a token", words)  # 2 layers, 2 heads of 32, keys and values
        self.assertNotIn("KV cache", self.hone("inspect", QWEN).text)

    def test_what_makes_no_sense(self):
        self.assertIn("--prompt or --ids", self.generate(status=2).words)
        self.assertIn("not '1 x'"[:5], self.generate("--ids", "1 x", status=2).words)
        self.assertIn("vocabulary", self.generate("--ids", "1 99999", status=2).words)
        self.assertIn("context", self.generate("--ids", "5 " * 3000, status=4).words)
        self.assertIn("temperature", self.generate("-p", "x", "--temp", "-1", status=2).words)
        self.assertIn("does not generate", self.hone("generate", "-m", EMBED, "-p", "x", status=2).words)
        self.assertIn("--ids", self.hone("logits", "-m", QWEN, "--ids", "", "-o", self.path("x"), status=2).words)


main()
