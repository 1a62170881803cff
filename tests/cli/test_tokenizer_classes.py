"""transformers' tokenizer classes make their pipelines anew, whatever tokenizer.json says: the ids that golden/walk_tokenizers.py
recorded of it (5.24), of vocabularies of each kind under classes and flags."""
import json
import os
import shutil

from support import FIXTURES, Case, main

MODEL = os.path.join(FIXTURES, "causal")  # of a type that has no class of its own

LISTED_TEXT = "a <s> b[SEP]<y>"
LISTED = [
    ("GPT2Tokenizer", {"2": ("<s>", {"lstrip": True, "rstrip": True})}, [75, 2, 76, 69, 61, 47, 58, 71, 38, 99, 40]),
    ("GPT2Tokenizer", {"299": ("<y>", {})}, [75, 231, 2, 231, 76, 69, 61, 47, 58, 71, 290]),
    ("TokenizersBackend", {"2": ("<s>", {"lstrip": True, "rstrip": True})}, [75, 2, 76, 9, 38, 99, 40]),
    ("TokenizersBackend", {"299": ("<y>", {})}, [75, 231, 2, 231, 76, 9, 290]),
    # Its special tokens are looked for as they are.
    ("Qwen2Tokenizer", {"2": ("<s>", {"lstrip": True, "rstrip": True})}, [75, 231, 2, 231, 76, 69, 61, 47, 58, 71, 38, 99, 40]),
    ("Qwen2Tokenizer", {"2": ("<s>", {"single_word": True})}, [75, 231, 2, 231, 76, 69, 61, 47, 58, 71, 38, 99, 40]),
    # Their numbers tell the order.
    ("GPT2Tokenizer", {"299": ("<y>", {}), "298": ("b[", {})}, [75, 231, 2, 231, 290, 61, 47, 58, 71, 291]),
    ("TokenizersBackend", {"31": ("<y>", {}), "4": ("b[", {})}, [75, 231, 2, 231, 290, 61, 47, 58, 71, 291]),
]


class Classes(Case):
    def folder(self, tokenizer, config):
        folder = self.path("model")
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(MODEL, folder)
        self.file("model/tokenizer.json", json.dumps(tokenizer))
        self.file("model/tokenizer_config.json", json.dumps(config))
        return folder

    def test_recorded(self):
        with open(os.path.join(FIXTURES, "tokenizer-classes.json")) as f:
            record = json.load(f)
        texts = "".join(json.dumps(t) + "\n" for t in record["texts"])
        for case in record["cases"]:
            with self.subTest(kind=case["kind"], **case["config"]):
                folder = self.folder(record["kinds"][case["kind"]], case["config"])
                self.assertEqual(self.hone("tokenize", "-m", folder, "--jsonl", stdin=texts).json_lines, case["ids"][:len(record["texts"])])

    def test_extra_tokens(self):
        """Lists of more tokens in either file, and those that a class has by itself: some classes drop what is listed."""
        with open(os.path.join(FIXTURES, "tokenizer-classes.json")) as f:
            record = json.load(f)
        texts = "".join(json.dumps(t) + "\n" for t in record["listed_texts"])
        for case in record["listed"]:
            with self.subTest(**case["config"], map=case["map"]):
                folder = self.folder(record["kinds"][case["kind"]], case["config"])
                self.file("model/special_tokens_map.json", json.dumps(case["map"]))
                rows = self.hone("tokenize", "-m", folder, "--jsonl", stdin=texts).json_lines
                # null: a token that the model has no row for, at which transformers fails.
                self.assertEqual([None if right is None else row for row, right in zip(rows, case["ids"])], case["ids"])
        for key, value in (("offset", -1), ("offset", "4"), ("offset", 1 << 40), ("extra_ids", 65537)):
            with self.subTest(key, value=value):
                case = record["listed"][0]
                folder = self.folder(record["kinds"][case["kind"]], {**case["config"], key: value})
                self.assertIn(f"'{key}' should be a number", self.hone("tokenize", "-m", folder, stdin="x\n", status=3).words)

    def test_pairs(self):
        with open(os.path.join(FIXTURES, "tokenizer-classes.json")) as f:
            record = json.load(f)
        seen = set()
        for case in record["cases"]:
            cls = case["config"]["tokenizer_class"]
            if cls in seen:
                continue
            seen.add(cls)
            with self.subTest(cls):
                folder = self.folder(record["kinds"][case["kind"]], case["config"])
                pairs = "".join(json.dumps(p) + "\n" for p in record["pairs"])
                self.assertEqual(self.hone("tokenize", "-m", folder, "--pair", "--jsonl", stdin=pairs).json_lines, case["ids"][len(record["texts"]):])

    def test_broken_parts(self):
        """Of a folder without a tokenizer.json each file that cannot be read is named; and a merge of what is no token."""
        folder = self.path("model")
        for broken in ("vocab.json", "merges.txt", "added_tokens.json", "special_tokens_map.json"):
            with self.subTest(broken):
                shutil.rmtree(folder, ignore_errors=True)
                shutil.copytree(os.path.join(FIXTURES, "roberta-classify"), folder)
                os.remove(os.path.join(folder, "tokenizer.json"))
                self.file("model/vocab.json", json.dumps({"<s>": 0, "a": 1, "b": 2, "ab": 3}))
                self.file("model/merges.txt", "#version: 0.2\na b\n")
                path = os.path.join(folder, broken)
                if os.path.exists(path):
                    os.remove(path)
                os.mkdir(path)  # which can be opened, but is no file
                run = self.hone("tokenize", "-m", folder, stdin="ab\n", status=1)
                self.assertIn(broken, run.words)
                os.rmdir(path)
        self.file("model/tokenizer_config.json", json.dumps({"tokenizer_class": "RobertaTokenizer"}))
        self.file("model/vocab.json", json.dumps({"<s>": 0, "</s>": 1, "<unk>": 2, "<pad>": 3, "<mask>": 4, "a": 5, "b": 6, "ab": 7}))
        for merge, why in (("a b", None), ("a x", "is not one of tokens"), ("ab", "vocab.json: ")):
            self.file("model/merges.txt", f"#version: 0.2\n{merge}\n")
            run = self.hone("tokenize", "-m", folder, stdin="ab\n", status=3 if why else 0)
            self.assertIn(why or "", run.words)

    def test_listed_tokens(self):
        """added_tokens_decoder goes before the file in how a token is looked for; a new token has the next id, whatever number it
        stands under; and a class that makes its own pipeline has no tokens but those (ids of transformers 5.24)."""
        with open(os.path.join(FIXTURES, "tokenizer-classes.json")) as f:
            tokenizer = json.load(f)["kinds"]["bytes"]
        flags = {"lstrip": False, "rstrip": False, "normalized": False, "single_word": False, "special": True}
        for cls, listed, right in LISTED:
            with self.subTest(cls, listed=listed):
                decoder = {key: {**flags, "content": content, **more} for key, (content, more) in listed.items()}
                config = {"tokenizer_class": cls, "bos_token": "<s>", "eos_token": "</s>", "added_tokens_decoder": decoder}
                run = self.hone("tokenize", "-m", self.folder(tokenizer, config), "--jsonl", stdin=json.dumps(LISTED_TEXT) + "\n")
                self.assertEqual(run.json_lines[0], right)

    def test_numbers_that_are_taken(self):
        """A token of added_tokens.json under the number of one that tokenizer.json adds is none."""
        with open(os.path.join(FIXTURES, "tokenizer-classes.json")) as f:
            tokenizer = json.load(f)["kinds"]["bytes"]
        folder = self.folder(tokenizer, {"tokenizer_class": "TokenizersBackend", "bos_token": "<s>", "eos_token": "</s>"})
        ids = []
        for added in ({}, {"b[": 2}, {"b[": 299}):
            self.file("model/added_tokens.json", json.dumps(added))
            ids.append(self.hone("tokenize", "-m", folder, "--jsonl", stdin=json.dumps("ab[c") + "\n").json_lines[0])
        self.assertEqual(ids[0], ids[1])
        self.assertEqual(ids[2][1], 290)

    def test_refused(self):
        """Classes that make something else of a folder, and those of another kind than the vocabulary."""
        with open(os.path.join(FIXTURES, "tokenizer-classes.json")) as f:
            kinds = json.load(f)["kinds"]
        for kind, cls, words in (("wordpiece-cased", "BertJapaneseTokenizer", "is not supported"), ("bytes", "WhisperTokenizerFast", "is not supported"),
                                 ("bytes", "XLMRobertaTokenizer", "which is BPE"), ("unigram", "GPT2TokenizerFast", "which is Unigram")):
            with self.subTest(cls):
                run = self.hone("tokenize", "-m", self.folder(kinds[kind], {"tokenizer_class": cls}), stdin="x\n", status=3)
                self.assertIn(f"the 'tokenizer_class' {cls.removesuffix('Fast')}", run.words)
                self.assertIn(words, run.words)


if __name__ == "__main__":
    main()
