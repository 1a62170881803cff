"""What a folder's files call special tokens, where they say it otherwise than tokenizer.json."""
import json
import os
import shutil

from support import FIXTURES, Case, main

MODEL = os.path.join(FIXTURES, "sentence", "similarity-dot", "model")


class PromptsThatAreNotPooled(Case):
    """Sentence Transformers counts the prompt's tokens as those of a text of its own, without the last one where the tokenizer
    calls that special. So where [SEP] is none, a token more than the prompt has is left out: in these cases one that a longer
    prompt would have."""

    def setUp(self):
        super().setUp()
        self.wanted = {True: self.vector(self.folder(), "runtime ", "model search"),
                       False: self.vector(self.folder(), "runtime model ", "search")}
        self.assertNotEqual(self.wanted[True], self.wanted[False])

    def folder(self, special_tokens_map=None, drop=(), **keys):
        folder = self.path("model")
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(MODEL, folder)
        path = os.path.join(folder, "tokenizer_config.json")
        with open(path) as f:
            config = {**json.load(f), **keys}
        with open(path, "w") as f:
            json.dump({k: v for k, v in config.items() if k not in drop}, f)
        if special_tokens_map is not None:
            self.file("model/special_tokens_map.json", json.dumps(special_tokens_map))
        return folder

    def run_on(self, folder, prompt, text, **how):
        path = os.path.join(folder, "config_sentence_transformers.json")
        if os.path.isdir(folder):
            with open(path, "w") as f:
                json.dump({"prompts": {"p": prompt}, "similarity_fn_name": "dot"}, f)
        return self.hone("embed", "-m", folder, "--prompt", "p", "--compute", "f32", "--no-cache", stdin=text + "\n", **how)

    def vector(self, folder, prompt, text):
        return self.run_on(folder, prompt, text).json_lines[0]["embedding"]

    def test_which_tokens_are_special(self):
        without = {"drop": ["sep_token"]}
        for is_special, how in (
                (False, without), (False, {"sep_token": None}), (False, {"sep_token": "[CLS]"}), (False, {"sep_token": "nothing"}),
                (False, {**without, "additional_special_tokens": ["[MASK]"]}), (True, {**without, "eos_token": "[SEP]"}),
                (True, {**without, "additional_special_tokens": ["[MASK]", "[SEP]"]}), (True, {**without, "image_token": "[SEP]"}),
                (True, {**without, "extra_special_tokens": ["[SEP]"]}), (True, {**without, "extra_special_tokens": {"x": "[SEP]"}}),
                (False, {**without, "extra_special_tokens": ["[MASK]"], "additional_special_tokens": ["[SEP]"]}),
                (True, {**without, "special_tokens_map": {"sep_token": {"content": "[SEP]"}}}),
                (False, {"special_tokens_map": {"sep_token": "[PAD]"}}),
                (False, {**without, "special_tokens_map": {"sep_token": "[SEP]"}, "added_tokens_decoder": {}}),
                (True, {**without, "tokenizer_class": "BertTokenizer"}), (False, {"sep_token": None, "tokenizer_class": "BertTokenizer"}),
                (False, {**without, "tokenizer_class": "PreTrainedTokenizerFast"})):
            with self.subTest(**how):
                self.assertEqual(self.vector(self.folder(**how), "runtime ", "model search"), self.wanted[is_special])

    def test_in_a_file_of_its_own(self):
        folder = self.folder(drop=["sep_token"])
        wanted = self.vector(folder, "runtime ", "model search")
        self.hone("convert", folder, "-o", self.path("model.gguf"))
        self.assertEqual(self.vector(self.path("model.gguf"), "", "model search"), wanted)

    def test_a_class_whose_tokens_are_not_known(self):
        run = self.run_on(self.folder(drop=["sep_token"], tokenizer_class="OtherTokenizer"), "runtime ", "x", status=3)
        self.assertIn("neither 'sep_token' nor 'eos_token'", run.words)


if __name__ == "__main__":
    main()
