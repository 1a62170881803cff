"""What a folder's files call special tokens, where they say it otherwise than tokenizer.json."""
import json
import os
import shutil

from support import EMBED, FIXTURES, Case, main

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

    def test_classes_that_are_not_known(self):
        """transformers has none of that name, and takes tokenizer.json as it is; or it has, and hone does not."""
        self.assertEqual(self.vector(self.folder(drop=["sep_token"], tokenizer_class="OtherTokenizer"), "runtime ", "model search"),
                         self.wanted[False])
        run = self.run_on(self.folder(drop=["sep_token"], tokenizer_class="WhisperTokenizer"), "runtime ", "x", status=3)
        self.assertIn("the 'tokenizer_class' WhisperTokenizer", run.words)


class NamedTokens(Case):
    """transformers adds the tokens that a folder names to its vocabulary. The ids are its own (5.24.0)."""
    N_ROWS, N_TOKENS = 220, 214

    def ids(self, text, n_tokens=N_TOKENS, special_tokens_map=None, status=0, **keys):
        folder = self.path("model")
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(EMBED, folder)
        with open(os.path.join(EMBED, "tokenizer.json")) as f:
            tokenizer = json.load(f)
        with open(os.path.join(EMBED, "tokenizer_config.json")) as f:
            config = {**json.load(f), **keys}
        vocab = tokenizer["model"]["vocab"]
        self.assertEqual(len(vocab), self.N_ROWS)
        tokenizer["model"]["vocab"] = {k: i for k, i in vocab.items() if i < n_tokens}
        self.file("model/tokenizer.json", json.dumps(tokenizer))
        self.file("model/tokenizer_config.json", json.dumps(config))
        if special_tokens_map is not None:
            self.file("model/special_tokens_map.json", json.dumps(special_tokens_map))
        run = self.hone("tokenize", "-m", folder, stdin=text + "\n", status=status)
        return run.words if status else run.json_lines[0]

    def test_tokens_that_the_vocabulary_has_not(self):
        """They come behind the others, in the order of their names."""
        text = "<x> <p> <m>"
        self.assertEqual(self.ids(text, pad_token="<p>", mask_token="<m>", additional_special_tokens=["<x>"]), [2, 216, 214, 215, 3])
        self.assertEqual(self.ids(text, pad_token="<p>", image_token="<m>", extra_special_tokens=["<x>"]), [2, 216, 214, 215, 3])
        self.assertEqual(self.ids(text, special_tokens_map={"mask_token": {"content": "<m>"}, "eos_token": "<p>", "bos_token": "<x>"}),
                         [2, 214, 215, 216, 3])
        self.assertEqual(self.ids("<x>", extra_special_tokens={"name": "<x>"}), [2, 214, 3])

    def test_tokens_that_the_vocabulary_has(self):
        self.assertEqual(self.ids("overs"), [2, 123, 52, 3])
        for keys in ({"extra_special_tokens": ["over"]}, {"additional_special_tokens": ["over"]}, {"pad_token": "over"},
                     {"extra_special_tokens": {"name": "over"}}):
            self.assertEqual(self.ids("overs", **keys), [2, 123, 37, 3])

    def test_no_row_for_another_token(self):
        """transformers' model fails at such a token; elsewhere it is as it was."""
        for keys in ({"pad_token": "<new>"}, {"additional_special_tokens": ["<new>"]}):
            self.assertEqual(self.ids("the <new> model", self.N_ROWS, **keys), self.ids("the <new> model", self.N_ROWS))

    def test_around_a_text(self):
        bert = {"tokenizer_class": "BertTokenizer"}
        self.assertEqual(self.ids("over", cls_token="<new>", **bert), [214, 123, 3])
        self.assertEqual(self.ids("over", sep_token="<new>", **bert), [2, 123, 214])
        self.assertEqual(self.ids("over", sep_token=None, **bert), [2, 123, 3])
        words = self.ids("over", sep_token=None, tokenizer_class="MPNetTokenizer", status=3)
        self.assertIn("'sep_token' is null", words)


class Classes(Case):
    """Which classes of transformers go before what tokenizer.json says."""

    def ids(self, fixture, text, **keys):
        folder = self.path("model")
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(os.path.join(FIXTURES, fixture), folder)
        with open(os.path.join(folder, "tokenizer_config.json")) as f:
            self.file("model/tokenizer_config.json", json.dumps({**json.load(f), **keys}))
        return self.hone("tokenize", "-m", folder, stdin=text + "\n").json_lines[0]

    def test_the_space_before_a_text(self):
        """That of GPT-2's and GPT-NeoX's is the configuration's; other classes leave it to the file, which has none."""
        plain, spaced = self.ids("gpt2", "photos"), self.ids("gpt2", " photos")
        self.assertNotEqual(plain, spaced)
        self.assertEqual(self.ids("gpt2", "photos", add_prefix_space=True), plain)
        for name in ("GPT2Tokenizer", "GPT2TokenizerFast"):
            self.assertEqual(self.ids("gpt2", "photos", tokenizer_class=name, add_prefix_space=True), spaced)
            self.assertEqual(self.ids("gpt2", "photos", tokenizer_class=name), plain)
        self.assertEqual(self.ids("gptneox", "photos", tokenizer_class="GPTNeoXTokenizer", add_prefix_space=True), spaced[1:])

    def test_nothing_around_a_text(self):
        self.assertEqual(self.ids("gptneox", "photos", tokenizer_class="GPTNeoXTokenizerFast"), self.ids("gptneox", "photos")[1:])

    def test_families_whose_class_is_not_looked_at(self):
        text = "Editing \u00c9 Photos"
        for fixture in ("modernbert", "modernbert-classify"):
            wanted = self.ids(fixture, text)
            self.assertEqual(self.ids(fixture, text, tokenizer_class="BertTokenizer", do_lower_case=False), wanted)
        self.assertNotEqual(self.ids("bert-classify", text, tokenizer_class="BertTokenizer", do_lower_case=False),
                            self.ids("bert-classify", text))



class ListedTokens(Case):
    """The keys of added_tokens_decoder are numbers, in transformers as here: anything else is refused by its name."""

    def test_keys_that_are_no_numbers(self):
        folder = self.path("model")
        shutil.copytree(os.path.join(FIXTURES, "qwen2-window"), folder)
        with open(os.path.join(folder, "tokenizer_config.json")) as f:
            config = json.load(f)
        for listed, words in (({"x1": {"content": "<a>"}}, "has the key 'x1'"), ({"": {"content": "<a>"}}, "has the key ''"),
                              ({"-1": {"content": "<a>"}}, "has the key '-1'"), ({"1e9": {"content": "<a>"}}, "'1e9'"),
                              ({"12345678901": {"content": "<a>"}}, "'12345678901'"), ([], "should be an object")):
            with self.subTest(listed):
                self.file("model/tokenizer_config.json", json.dumps({**config, "added_tokens_decoder": listed}))
                run = self.hone("tokenize", "-m", folder, stdin="x\n", status=3)
                self.assertIn(words, run.words)


if __name__ == "__main__":
    main()
