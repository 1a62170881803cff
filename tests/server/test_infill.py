"""Gaps in texts (fill in the middle): /infill, OpenAI's and Ollama's `suffix`, hone generate --suffix. Small vocabularies are given
the marks of models that know gaps; what a prompt must be is put together of what the tokenizer makes of its parts."""
import json
import os
import shutil
import struct
import tempfile

from serving import FIXTURES, ServerCase, main

CAUSAL = os.path.join(FIXTURES, "causal")
PREFIX, SUFFIX = "def add(a, b):\n    return ", "\n\nprint(add(1, 2))"
FILES = [{"filename": "a.py", "text": "x = 1\n"}, {"text": "y = 2\n"}]
QWEN = ["<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<|fim_pad|>", "<|repo_name|>", "<|file_sep|>"]
STARCODER = ["<fim_prefix>", "<fim_suffix>", "<fim_middle>", "<fim_pad>", "<repo_name>", "<file_sep>"]
DEEPSEEK = ["<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>", "<|EOT|>"]
GLM = ["<|code_prefix|>", "<|code_suffix|>", "<|code_middle|>"]
CODESTRAL = ["[PREFIX]", "[SUFFIX]", "[MIDDLE]"]
CODE_LLAMA = ["▁<PRE>", "▁<SUF>", "▁<MID>", "▁<EOT>"]


def change_tokenizer(folder, change):
    path = os.path.join(folder, "tokenizer.json")
    with open(path) as f:
        tokenizer = json.load(f)
    change(tokenizer)
    with open(path, "w") as f:
        json.dump(tokenizer, f)


def with_marks(folder, marks, special=True):
    """The model of tests/fixtures/causal with marks in the place of its last tokens, and of the merges that made these."""
    shutil.copytree(CAUSAL, folder)

    def change(t):
        vocab, n = t["model"]["vocab"], len(t["model"]["vocab"])
        gone = {token for token, i in vocab.items() if i >= n - len(marks)}
        t["model"]["vocab"] = {token: i for token, i in vocab.items() if token not in gone}
        t["model"]["merges"] = [m for m in t["model"]["merges"] if not gone & {*m, "".join(m)}]
        for i, mark in enumerate(marks):
            t["model"]["vocab"][mark] = n - len(marks) + i
            t["added_tokens"].append({"id": n - len(marks) + i, "content": mark, "single_word": False, "lstrip": False,
                                      "rstrip": False, "normalized": False, "special": special})
    change_tokenizer(folder, change)
    return folder


def with_spaces(folder, prepend=True):
    """The same with a tokenizer like SentencePiece's, which puts a space in front of texts, or does not."""
    shutil.copytree(CAUSAL, folder)
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{i:02X}>" for i in range(256)), "▁", *"abcdefinoprtux", *CODE_LLAMA, "▁a", "re"]

    def change(t):
        vocab = {token: i for i, token in enumerate(tokens)}
        t["model"] = {"type": "BPE", "unk_token": "<unk>", "fuse_unk": True, "byte_fallback": True, "dropout": None,
                      "continuing_subword_prefix": None, "end_of_word_suffix": None, "ignore_merges": False,
                      "vocab": {**vocab, **{f"<unused{i}>": i for i in range(len(vocab), 300)}},
                      "merges": [["▁", "a"], ["r", "e"]]}
        steps = [{"type": "Prepend", "prepend": "▁"}] if prepend else []
        t["normalizer"] = {"type": "Sequence", "normalizers": [*steps, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]}
        t["pre_tokenizer"] = None
        t["decoder"] = {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}]}
        t["post_processor"] = None
        t["added_tokens"] = [{"id": vocab[content], "content": content, "single_word": False, "lstrip": False, "rstrip": False,
                              "normalized": False, "special": True} for content in ("<unk>", "<s>", "</s>", *CODE_LLAMA)]
    change_tokenizer(folder, change)
    return folder


def with_keys(data, numbers):
    """A GGUF file with more keys, which are numbers, and with a description that keeps its tensors where they are aligned."""
    added = b"".join(struct.pack("<Q", len(key)) + key.encode() + struct.pack("<II", 4, number) for key, number in numbers)
    name = b"general.description"
    size = -(len(added) + 8 + len(name) + 4 + 8) % 64
    added += struct.pack("<Q", len(name)) + name + struct.pack("<IQ", 8, size) + b"x" * size
    n = struct.unpack("<Q", data[16:24])[0] + len(numbers) + 1
    return data[:16] + struct.pack("<Q", n) + added + data[24:]


class TestInfill(ServerCase):
    @classmethod
    def setUpClass(cls):
        kept = tempfile.TemporaryDirectory()
        cls.addClassCleanup(kept.cleanup)
        make = lambda name, marks, **how: with_marks(os.path.join(kept.name, name), marks, **how)
        cls.folders = {"qwen": make("qwen", QWEN), "starcoder": make("starcoder", STARCODER), "glm": make("glm", GLM),
                       "deepseek": make("deepseek", DEEPSEEK, special=False), "codestral": make("codestral", CODESTRAL),
                       "codellama": with_spaces(os.path.join(kept.name, "codellama")), "plain": CAUSAL}
        cls.bare = with_spaces(os.path.join(kept.name, "bare"), prepend=False)
        cls.models = [f"{name}={folder}" for name, folder in cls.folders.items()]
        super().setUpClass()

    def ids(self, folder, *texts):
        """Their ids, one behind the other; [NAME] is a token, [] the start token."""
        with open(os.path.join(folder, "tokenizer.json")) as f:
            vocab = json.load(f)["model"]["vocab"]
        return [i for text in texts for i in ([vocab["".join(text) or "<s>"]] if isinstance(text, list) else self.tokenize(folder, text))]

    def tokenize(self, folder, text):
        if not text:
            return []
        return self.hone("tokenize", "-m", folder, "--no-special", "--column", "text", "--input-format", "jsonl",
                         stdin=json.dumps({"text": text}) + "\n").json_lines[0]

    def prompt_of(self, reply):
        """The ids that the model read."""
        places = reply["prompt_logprobs"][1:]
        return [int(next(iter(place))) for place in places]

    def infill(self, model, **how):
        body = {"model": model, "input_prefix": PREFIX, "input_suffix": SUFFIX, "n_predict": 4, "temperature": 0,
                "prompt_logprobs": 0, **how}
        return self.post("/infill", body).json

    def check(self, model, wanted, **how):
        reply = self.infill(model, **how)
        self.assertEqual(self.prompt_of(reply), wanted[1:], model)
        self.assertEqual(reply["tokens_evaluated"], len(wanted), model)
        return reply

    def test_prompts_of_families(self):
        for model, marks in (("qwen", QWEN), ("starcoder", STARCODER), ("deepseek", DEEPSEEK), ("glm", GLM)):
            folder = self.folders[model]
            self.check(model, self.ids(folder, [], [marks[0]], PREFIX, [marks[1]], SUFFIX, [marks[2]]))
            self.check(model, self.ids(folder, [], [marks[0]], [marks[1]], SUFFIX, [marks[2]]), input_prefix="")
            self.check(model, self.ids(folder, [], [marks[0]], PREFIX + "a + ", [marks[1]], [marks[2]]), input_suffix="", prompt="a + ")

    def test_suffix_first(self):
        self.check("codestral", self.ids(self.folders["codestral"], [], ["[SUFFIX]"], SUFFIX, ["[PREFIX]"], PREFIX))

    def test_only_the_first_text_gets_a_space(self):
        """As Code Llama was trained: the prefix as texts are, the suffix without a space in front."""
        space, bare = self.folders["codellama"], self.bare
        wanted = [*self.ids(space, ["▁<PRE>"], PREFIX), *self.ids(bare, ["▁<SUF>"], SUFFIX, ["▁<MID>"])]
        self.check("codellama", wanted)
        self.assertNotEqual(self.tokenize(space, "x"), self.tokenize(bare, "x"))

    def test_marks_within_texts_are_text(self):
        folder = self.folders["qwen"]
        for text in QWEN[:3]:
            reply = self.infill("qwen", input_prefix=text, input_suffix=text)
            marks = [i for i in self.prompt_of(reply) if i in self.ids(folder, *([m] for m in QWEN))]
            self.assertEqual(marks, self.ids(folder, *([m] for m in QWEN[:3])))

    def test_other_files(self):
        folder = self.folders["qwen"]
        project = [*self.ids(folder, [], ["<|repo_name|>"], "myproject", "\n", ["<|file_sep|>"], "a.py", "\n", FILES[0]["text"],
                             ["<|file_sep|>"], "tmp", "\n", FILES[1]["text"], ["<|file_sep|>"], "filename", "\n")]
        gap = self.ids(folder, ["<|fim_prefix|>"], PREFIX, ["<|fim_suffix|>"], SUFFIX, ["<|fim_middle|>"])
        self.check("qwen", project + gap, input_extra=FILES)
        folder = self.folders["starcoder"]
        project = [*self.ids(folder, [], ["<repo_name>"], "myproject", "\n", ["<file_sep>"], "a.py", "\n", FILES[0]["text"],
                             ["<file_sep>"], "tmp", "\n", FILES[1]["text"], ["<file_sep>"], ["<fim_prefix>"], "filename", "\n",
                             PREFIX, ["<fim_suffix>"], SUFFIX, ["<fim_middle>"])]
        self.check("starcoder", project, input_extra=FILES)
        folder = self.folders["glm"]
        project = self.ids(folder, [], "\n\n--- snippet ---\n\n", FILES[0]["text"], "\n\n--- snippet ---\n\n", FILES[1]["text"],
                           [GLM[0]], PREFIX, [GLM[1]], SUFFIX, [GLM[2]])
        self.check("glm", project, input_extra=FILES)

    def test_the_other_ways_say_the_same(self):
        wanted = self.infill("qwen", n_predict=8)["content"]
        how = {"model": "qwen", "prompt": PREFIX, "suffix": SUFFIX}
        openai = self.post("/v1/completions", {**how, "max_tokens": 8, "temperature": 0}).json["choices"][0]["text"]
        ollama = self.post("/api/generate", {**how, "stream": False, "options": {
            "num_predict": 8, "temperature": 0, "repeat_penalty": 1}}).json["response"]
        ids = self.ids(self.folders["qwen"], [], [QWEN[0]], PREFIX, [QWEN[1]], SUFFIX, [QWEN[2]])
        command = self.hone("generate", "-m", self.folders["qwen"], "-p", PREFIX, "--suffix", SUFFIX, "-n", "8", "--temp", "0",
                            "--format", "jsonl").json_lines[0]
        plain = self.hone("generate", "-m", self.folders["qwen"], "--ids", " ".join(map(str, ids)), "-n", "8", "--temp", "0",
                          "--format", "jsonl").json_lines[0]
        self.assertEqual([openai, ollama, command["text"]], [wanted] * 3)
        self.assertEqual(plain["ids"][:len(command["ids"])], command["ids"])
        self.assertEqual(command["prompt_tokens"], len(ids))
        many = self.post("/v1/completions", {**how, "prompt": [PREFIX, "x"], "max_tokens": 8, "temperature": 0}).json
        self.assertEqual(many["choices"][0]["text"], wanted)
        streamed = self.post("/infill", {"model": "qwen", "input_prefix": PREFIX, "input_suffix": SUFFIX, "n_predict": 8,
                                         "temperature": 0, "stream": True}).body.decode()
        events = [json.loads(line[6:]) for line in streamed.split("\n") if line.startswith("data: {")]
        self.assertEqual("".join(e["content"] for e in events), wanted)

    def test_a_mark_ends_the_text(self):
        """Whatever the model says next is of another file: biased towards a mark, it stops there."""
        for mark in ("<|fim_pad|>", "<|file_sep|>", "<|fim_prefix|>"):
            token = self.ids(self.folders["qwen"], [mark])[0]
            reply = self.infill("qwen", logit_bias=[[token, 100]])
            self.assertEqual((reply["content"], reply["stop_type"]), ("", "eos"), mark)
        reply = self.post("/completion", {"model": "qwen", "prompt": PREFIX, "n_predict": 3, "logit_bias": [[token, 100]]}).json
        self.assertEqual(reply["stop_type"], "limit")  # where there is no gap, it is a token like others

    def test_marks_that_keys_name(self):
        """Where a GGUF file names them by its keys, they may be called as they like."""
        names = ["<A>", "<B>", "<C>"]
        folder, path = with_marks(self.path("named"), names), self.path("named.gguf")
        ids = self.ids(folder, [], [names[0]], PREFIX, [names[1]], SUFFIX, [names[2]])
        self.hone("generate", "-m", folder, "-p", PREFIX, "--suffix", SUFFIX, "-n", "4", status=2)
        self.hone("convert", folder, "-o", path)
        for keys in (("fim_pre", "fim_suf", "fim_mid"), ("prefix", "suffix", "middle")):
            with open(path, "rb") as f:
                data = f.read()
            said = [(f"tokenizer.ggml.{key}_token_id", self.ids(folder, [name])[0]) for key, name in zip(keys, names)]
            with open(self.path("keys.gguf"), "wb") as f:
                f.write(with_keys(data, said))
            row, plain = (self.hone("generate", "-m", self.path("keys.gguf"), *how, "-n", "4", "--temp", "0", "--format",
                                    "jsonl").json_lines[0] for how in (
                ["-p", PREFIX, "--suffix", SUFFIX], ["--ids", " ".join(map(str, ids))]))
            self.assertEqual((row["prompt_tokens"], row["ids"]), (len(ids), plain["ids"][:len(row["ids"])]))

    def test_models_that_know_no_gaps(self):
        gap = {"input_prefix": "a", "input_suffix": "b"}
        error = self.post("/infill", {"model": "plain", **gap}, status=400).json["error"]
        self.assertIn("<|fim_prefix|>", error["message"])
        error = self.post("/v1/completions", {"model": "plain", "prompt": "a", "suffix": "b"}, status=400).json["error"]
        self.assertEqual(error["param"], "suffix")
        self.post("/v1/completions", {"model": "plain", "prompt": "a", "suffix": "", "max_tokens": 1})
        error = self.post("/api/generate", {"model": "plain", "prompt": "a", "suffix": "b"}, status=400).json["error"]
        self.assertIn("suffix", error)
        said = self.hone("generate", "-m", CAUSAL, "-p", "a", "--suffix", "b", status=2).words
        self.assertIn("no marks", said)

    def test_bad_requests(self):
        for body, word in (({"input_suffix": "b"}, "input_prefix"), ({"input_prefix": "a"}, "input_suffix"),
                           ({"input_prefix": 1, "input_suffix": "b"}, "input_prefix"),
                           ({"input_prefix": "a", "input_suffix": "b", "input_extra": {}}, "input_extra"),
                           ({"input_prefix": "a", "input_suffix": "b", "input_extra": ["x"]}, "input_extra"),
                           ({"input_prefix": "a", "input_suffix": "b", "input_extra": [{"filename": "x"}]}, "text")):
            self.assertIn(word, self.post("/infill", {"model": "qwen", **body}, status=400).json["error"]["message"])
        self.post("/v1/completions", {"model": "qwen", "prompt": [5, 6], "suffix": "b"}, status=400)
        self.post("/v1/completions", {"model": "qwen", "prompt": "a", "suffix": "b", "echo": True}, status=400)
        error = self.post("/infill", {"model": "qwen", "input_prefix": "a " * 9000, "input_suffix": "b"}, status=400).json["error"]
        self.assertEqual(error["type"], "exceed_context_size_error")
        self.hone("generate", "-m", self.folders["qwen"], "--ids", "5", "--suffix", "b", status=2)


main()
