"""What a person asks first: --help, --version, mistakes."""
import json
import os
import re
import unittest

from support import CLASSIFY, CROSS, EMBED, HONE, ROOT, Case, main

COMMANDS = ["convert", "inspect", "tokenize", "embed", "rerank", "classify", "answer", "fill", "bench limits",
            "bench kernels", "bench model", "tune"]


class Help(Case):
    def check_width(self, text):
        for line in text.splitlines():
            self.assertLess(len(line), 80, line)

    def test_program(self):
        for arguments in (["--help"], ["-h"], ["help"]):
            run = self.hone(*arguments)
            self.check_width(run.text)
            for command in COMMANDS:
                self.assertIn(f"\n  {command} ", run.text)
            self.assertEqual(run.err, b"")

    def test_each_command(self):
        for command in [*COMMANDS, "help"]:
            run = self.hone(*command.split(), "--help")
            self.check_width(run.text)
            self.assertTrue(run.text.startswith(f"usage: hone {command} "))
            self.assertEqual(self.hone("help", *command.split()).out, run.out)
            self.assertEqual(self.hone(*command.split(), "-h").out, run.out)

    def test_help_lists_each_option_of_the_design(self):
        common = ["--threads N", "--compute auto|f32|bf16|int8|blas", "--max-length N", "--batch-tokens N", "--strict",
                  "--json-errors"]
        options = {
            "convert": ["--output FILE", "--type f32|f16|bf16|q8_0|q4_0|q4_k|q6_k"],
            "inspect": ["--tensors", "--json"],
            "tokenize": ["--model MODEL", "--jsonl", "--no-special", "--pair", "--decode"],
            "embed": ["--format jsonl|csv|npy|npz", "--output FILE", "--pooling mean|cls|last|max", "--no-normalize",
                      "--prompt NAME", *common],
            "rerank": ["--query QUERY", "--top-n N", "--raw", "--format table|jsonl|trec", *common],
            "classify": ["--pair", "--raw", "--format table|jsonl", "--labels A,B,C", "--hypothesis TEXT", "--multi-label",
                         "--aggregate simple|none|first|average|max", *common],
            "answer": ["-q, --query QUESTION", "--top-n N", "--none", "--pair", "--format table|jsonl", *common],
            "fill": ["--top-n N", "--raw", "--format table|jsonl", *common],
        }
        for command, names in options.items():
            text = self.hone(command, "--help").text
            for name in names:
                self.assertRegex(text, re.escape(name) + r"(\s|$)", command)

    def test_version(self):
        self.assertRegex(self.hone("--version").text, r"^hone \d+\.\d+\.\d+\n$")

    def test_environment(self):
        environment = {**os.environ, "HONE_CPU": "avx3"}
        run = self.hone("embed", "-m", EMBED, stdin="x\n", env=environment, status=2)
        self.assertRegex(run.words, "HONE_CPU is 'avx3', expected one of scalar, ")
        environment = {**os.environ, "HONE_CPU": "scalar", "HONE_THRAEDS": "1"}
        run = self.hone("embed", "-m", EMBED, stdin="x\n", env=environment)
        self.assertIn("the environment has HONE_THRAEDS, which nothing reads", run.words)

    def test_manual_page(self):
        page = self.hone("help", "--man").text
        self.assertTrue(page.startswith(".TH HONE 1 "))
        for command in COMMANDS:
            self.assertIn(f"\n.SS hone {command} ", page)


class Usage(Case):
    def refused(self, *arguments, says):
        run = self.hone(*arguments, status=2)
        self.assertEqual(run.out, b"")
        self.assertIn(says, run.words)
        self.assertEqual(run.words.count("\n"), 1, run.words)

    def test_no_command(self):
        self.refused(says="a command is missing")
        self.refused("fly", says="no command 'fly'")
        self.refused("help", "fly", says="no command 'fly'")

    def test_options(self):
        self.refused("embed", "-m", EMBED, "--format", "xml", says="--format must be one of jsonl|csv|npy|npz, not 'xml'")
        self.refused("embed", "-m", EMBED, "--format", "json", says="not 'json'")
        self.refused("embed", "-m", EMBED, "--format", "", says="not ''")
        self.refused("embed", "-m", EMBED, "--nonsense", says="no option --nonsense")
        self.refused("embed", "-m", EMBED, "-x", says="no option -x")
        self.refused("embed", "-m", EMBED, "--strict=yes", says="no value is taken by --strict=yes")
        self.refused("embed", "-m", EMBED, "--prompt", says="no value after --prompt")
        self.refused("embed", "-m", says="no value after -m")
        self.refused("perplexity", "-m", EMBED, "a", "b", says="one argument too many: b")
        self.refused("embed", says="missing: -m MODEL")
        self.refused("rerank", "-m", EMBED, says="missing: -q QUERY")
        self.refused("convert", "-o", "x", says="missing: HF_DIR")
        self.refused("convert", EMBED, says="missing: -o FILE")
        self.refused("inspect", says="missing: MODEL")
        self.refused("tokenize", "-m", EMBED, "--decode", "--pair", says="exclude each other")
        self.refused("tokenize", "-m", EMBED, "--raw", says="no option --raw")

    def test_numbers(self):
        for value in ("0", "-1", "+1", " 1", "1x", "", "1e3", "99999999999", "99999999999999999999999"):
            for option in ("--threads", "--max-length", "--batch-tokens"):
                self.refused("embed", "-m", EMBED, f"{option}={value}", says="must be a whole number")
        self.refused("rerank", "-m", EMBED, "-q", "x", "--top-n", "0", says="must be a whole number")

    def test_a_task_the_model_is_not_for(self):
        self.refused("embed", "-m", CLASSIFY, says="use 'hone classify'")
        self.refused("classify", "-m", EMBED, says="use 'hone embed'")
        self.refused("rerank", "-m", CLASSIFY, "-q", "x", says="has 3 labels")
        self.refused("embed", "-m", CROSS, says="scores, not vectors")

    def test_wrong_values_that_the_model_tells(self):
        self.assertIn("no prompt 'nosuch'",
                      self.hone("embed", "-m", EMBED, "--prompt", "nosuch", stdin="x\n", status=2).words)

    def test_json_errors(self):
        for arguments, status in ((["embed", "--json-errors"], 2), (["embed", "--json-errors", "-x"], 2),
                                  (["fly", "--json-errors"], 2),
                                  (["embed", "-m", "/none\"\n/such", "--json-errors"], None),
                                  (["embed", "-m", EMBED, "/none", "--json-errors"], 1)):
            from support import Run
            run = Run(arguments)
            answer = json.loads(run.words)
            self.assertEqual(run.words.count("\n"), 1)
            self.assertEqual(answer["status"], run.status)
            self.assertEqual(run.status, status or run.status)
            self.assertTrue(answer["error"])


class Release(Case):
    @unittest.skipUnless(os.path.relpath(HONE, ROOT) == os.path.join("build", "hone"), "this is no release build")
    def test_it_asserts_nothing(self):
        """The library never ends the process that uses it (runtime/base/assert.h)."""
        for name in ("hone", "libhone.a", "libhone.so.0"):
            path = os.path.join(ROOT, "build", name)
            if os.path.exists(path):
                with open(path, "rb") as f:
                    self.assertNotIn(b"not so: %s", f.read(), name)


if __name__ == "__main__":
    main()
