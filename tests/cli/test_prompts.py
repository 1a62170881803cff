"""Where hone generate's prompts come from; what is told before and beside the work."""
import json
import os
import unittest

from support import EMBED, FIXTURES, Case, main

CAUSAL = os.path.join(FIXTURES, "causal")
HOW = ["-n", "5", "--temp", "0"]


class Prompts(Case):
    def generate(self, *arguments, **how):
        return self.hone("generate", "-m", CAUSAL, *HOW, *arguments, **how)

    def one(self, prompt, *more):
        return json.loads(self.generate("-p", prompt, "--format=jsonl", *more).text)

    def test_from_standard_input_and_from_a_file(self):
        prompt = "the quick\nbrown fox \t jumps é"
        wanted = self.generate("-p", prompt).out
        self.assertEqual(self.generate("-p", "-", stdin=prompt).out, wanted)
        self.assertEqual(self.generate("--prompt-file", self.file("p", prompt)).out, wanted)

    def test_a_prompt_that_no_command_line_holds(self):
        run = self.generate("--prompt-file", self.file("p", "word " * 60000), status=4)
        self.assertIn("prompt of", run.words)
        self.generate("-p", "-", stdin="a" * 5000)

    def test_files_of_prompts(self):
        prompts = ["the fox", "a", "the fox jumps", "é"] * 10
        wanted = {p: self.one(p) for p in set(prompts)}
        for name, data in ("p.txt", "".join(p + "\n" for p in prompts)), \
                ("p.jsonl", "".join(json.dumps({"prompt": p, "id": i}) + "\n" for i, p in enumerate(prompts))), \
                ("p.csv", "prompt\n" + "".join(p + "\n" for p in prompts)):
            rows = self.generate(self.file(name, data)).json_lines
            self.assertEqual([r["index"] for r in rows], list(range(len(prompts))))
            for p, row in zip(prompts, rows):
                self.assertEqual((row["text"], row["ids"], row["finish_reason"]),
                                 (wanted[p]["text"], wanted[p]["ids"], wanted[p]["finish_reason"]))
        self.assertEqual(rows[0].get("id"), None)
        self.generate(self.path("p.jsonl"), "-o", self.path("out.jsonl"))
        with open(self.path("out.jsonl")) as f:
            self.assertEqual(len(f.readlines()), len(prompts))

    def test_chats(self):
        messages = [{"role": "system", "content": "be short"}, {"role": "user", "content": "the fox?"}]
        data = json.dumps({"messages": messages, "id": "c"}) + '\n{"messages": ["x"]}\n{"prompt": "a"}\n'
        run = self.generate(self.file("p.jsonl", data), "--errors=rows")
        rows = run.json_lines
        self.assertEqual([("error" in r) for r in rows], [False, True, False])
        self.assertEqual(rows[0]["id"], "c")
        self.assertEqual(rows[2]["text"], self.one("a")["text"])
        self.assertGreater(rows[0]["prompt_tokens"], 10)
        self.generate(self.path("p.jsonl"), status=4)

    def test_one_source_alone(self):
        path = self.file("p.txt", "a\n")
        self.generate(status=2)
        self.generate("-p", "a", path, status=2)
        self.generate("-p", "a", "--prompt-file", path, status=2)
        self.generate("--ids", "1 2", path, status=2)
        self.generate(path, "--format=text", status=2)
        self.generate(path, "--kv-file", self.path("kv"), status=2)
        self.generate("-p", "a", "-o", self.path("x"), status=2)


class Told(Case):
    def test_a_folder_for_keys_that_is_not_there(self):
        run = self.hone("generate", "-m", self.path("no-model"), "-p", "a", "--kv-file", self.path("none/kv"), status=1)
        self.assertIn("none/kv", run.words)  # and not the model: it was looked at first

    def test_a_longer_limit_than_the_model_has(self):
        self.assertIn("takes 48 tokens", self.hone("embed", "-m", EMBED, "--max-length=512", stdin="a\n").words)
        self.assertEqual(self.hone("embed", "-m", EMBED, "--max-length=48", stdin="a\n").words, "")

    def test_a_model_that_was_not_made_for_it(self):
        self.assertIn("made to write", self.hone("embed", "-m", CAUSAL, stdin="a\n").words)
        self.assertIn("made to write", self.hone("rerank", "-m", CAUSAL, "-q", "q", stdin="a\n").words)

    def test_variables_that_nobody_reads(self):
        run = self.hone("embed", "-m", EMBED, stdin="a\n", env={**os.environ, "HONE_MAX_QEUE": "3", "HONE_MAX_QUEUE": "3",
                                                                "HONE_KV": "f16"})
        self.assertIn("HONE_MAX_QEUE", run.words)
        self.assertNotIn("HONE_MAX_QUEUE", run.words)
        self.assertNotIn("HONE_KV", run.words)


if __name__ == "__main__":
    main()
