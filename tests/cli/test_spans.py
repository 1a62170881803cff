"""hone classify with labels that are found in texts (GLiNER); the package gliner is the reference (tests/fixtures/make_spans.py)."""
import json
import os
import shutil

from support import CLASSIFY, FIXTURES, Case, golden, main


def fixture(name):
    return os.path.join(FIXTURES, name)


class Folders(Case):
    def folder(self, **changes):
        """A copy whose configuration says something else; None: it does not say."""
        folder = self.path("model")
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(fixture("gliner"), folder)
        with open(os.path.join(folder, "gliner_config.json")) as f:
            config = json.load(f)
        for key, value in changes.items():
            config.pop(key, None)
            if value is not None:
                config[key] = value
        self.file("model/gliner_config.json", json.dumps(config))
        return folder

    def bare(self, **changes):
        """The fixture as version 2.1's folders are once config.json and the tokenizer of the encoder lie beside: of an encoder
        that knows nothing of a prompt's tokens."""
        folder = self.folder(**changes)
        with open(os.path.join(folder, "gliner_config.json")) as f:
            config = json.load(f)
        encoder = config.pop("encoder_config")
        self.file("model/config.json", json.dumps({**encoder, "vocab_size": 97}))
        self.file("model/gliner_config.json", json.dumps({k: v for k, v in config.items() if k not in ("class_token_index", "vocab_size")}))
        with open(os.path.join(folder, "tokenizer.json")) as f:
            tokenizer = json.load(f)
        tokenizer["added_tokens"] = [t for t in tokenizer["added_tokens"] if t["id"] < 97]
        self.file("model/tokenizer.json", json.dumps(tokenizer))
        with open(os.path.join(folder, "tokenizer_config.json")) as f:
            config = json.load(f)
        self.file("model/tokenizer_config.json", json.dumps({k: v for k, v in config.items() if k != "extra_special_tokens"}))
        return folder


class Spans(Folders):
    def groups(self, g):
        """Cases that one call can compute."""
        groups = {}
        for case in g["cases"]:
            groups.setdefault((case["threshold"], case["nested"], case["multi_label"]), []).append(case)
        return groups.items()

    def check(self, name, file=False):
        g, model = golden(fixture(name)), fixture(name)
        if file:
            model = self.path(name + ".gguf")
            self.hone("convert", fixture(name), "-o", model)
        for (threshold, nested, multi_label), cases in self.groups(g):
            run = self.hone("classify", "-m", model, "--compute=f32", "--jsonl", "--format=jsonl", "--labels", ",".join(g["labels"]),
                            "--threshold", str(threshold), *["--nested"] * nested, *["--multi-label"] * multi_label,
                            stdin="".join(json.dumps(c["text"]) + "\n" for c in cases))
            self.assertEqual(len(run.json_lines), len(cases))
            for row, case in zip(run.json_lines, cases):
                found = [[e["label"], e["start"], e["end"]] for e in row["entities"]]
                self.assertEqual(found, [[e[0], *e[2:]] for e in case["entities"]], case["text"])
                for e, wanted in zip(row["entities"], case["entities"]):
                    self.assertLess(abs(e["score"] - wanted[1]), 1e-4 * wanted[1])
                    self.assertEqual(case["text"].encode()[e["start"]:e["end"]].decode(), e["text"])

    def test_pieces_an_lstm_and_a_pickle(self):
        self.check("gliner")

    def test_word_pieces_means_and_labels_behind_their_token(self):
        self.check("gliner-bert")

    def test_own_files(self):
        self.check("gliner", file=True)
        self.check("gliner-bert", file=True)

    def test_tokens_of_a_prompt_that_nobody_tells(self):
        """The package adds them behind the encoder's own (make_spans.py does it the same way)."""
        command = ("classify", "--labels", "animal,date", "--threshold=0.01", "--format=jsonl", "--compute=f32", "-m")
        text = "a quick fox met 1843 people\n"
        right = self.hone(*command, fixture("gliner"), stdin=text).json_lines
        self.assertGreater(len(right[0]["entities"]), 1)
        self.assertEqual(self.hone(*command, self.bare(), stdin=text).json_lines, right)
        for changes in ({"class_token_index": -1}, {"vocab_size": -1}):
            self.assertEqual(self.hone(*command, self.folder(**changes), stdin=text).json_lines, right)

    def test_table_and_verify(self):
        lines = self.hone("classify", "-m", fixture("gliner"), "--labels", "animal", "--threshold=0.01",
                          stdin="a quick fox\n").text.splitlines()
        self.assertEqual(lines[0].split(), ["line", "score", "label", "text"])
        self.assertGreater(len(lines), 1)
        self.assertIn("finds spans", self.hone("verify", "-m", fixture("gliner")).text)
        self.assertEqual(self.hone("inspect", fixture("gliner"), "--json").json_lines[0]["model"]["task"], "find-spans")

    def test_invalid_bytes_are_characters(self):
        run = self.hone("classify", "-m", fixture("gliner"), "--labels", "animal", "--threshold=0", "--nested", "--format=jsonl",
                        stdin=b"fox\xff\xffdog\n")
        self.assertIn([3, 4], [[e["start"], e["end"]] for e in run.json_lines[0]["entities"]])

    def test_usage(self):
        for model, options, word in ((fixture("gliner"), [], "--labels"),
                                     (fixture("gliner"), ["--labels", "a", "--pair"], "--pair"),
                                     (fixture("gliner"), ["--labels", "a", "--raw"], "--raw"),
                                     (fixture("gliner"), ["--labels", "a", "--threshold", "1.5"], "0 to 1"),
                                     (fixture("gliner-bert"), ["--labels", ",".join(f"a long label {i}" for i in range(60))], "at most"),
                                     (CLASSIFY, ["--threshold", "0.5"], "--threshold")):
            run = self.hone("classify", "-m", model, *options, stdin="a b\n", status=2)
            self.assertIn(word, run.words)
        for command in (["embed"], ["rerank", "-q", "a"]):
            self.assertIn("finds spans", self.hone(*command, "-m", fixture("gliner"), stdin="b\n", status=2).words)


class BadFolders(Folders):
    def refused(self, word, file="gliner_config.json", **changes):
        run = self.hone("classify", "-m", self.folder(**changes), "--labels", "a", stdin="x\n", status=3)
        self.assertIn(word, run.words)
        self.assertIn(file, run.words)

    def test_other_heads_are_refused_by_their_key(self):
        for key, value in (("span_mode", "token_level"), ("span_mode", "markerV1"), ("labels_encoder", "an-encoder"),
                           ("labels_decoder", "a-decoder"), ("relations_layer", "none"), ("fuse_layers", True),
                           ("post_fusion_schema", "l2l-l2t"), ("num_rnn_layers", 2), ("words_splitter_type", "spacy"),
                           ("span_encoder_config", {"model_type": "rnn"}), ("precomputed_prompts_mode", True),
                           ("subtoken_pooling", "sum"), ("model_type", "gliner2"), ("an_unknown_key", 1)):
            with self.subTest(key, value=value):
                self.refused(f"'{key}'", **{key: value})

    def test_numbers(self):
        for key, value in (("max_width", 0), ("max_len", "long"), ("hidden_size", -1), ("class_token_index", -2), ("ent_token", 5)):
            with self.subTest(key):
                self.refused(f"'{key}'", **{key: value})

    def test_what_does_not_fit(self):
        self.refused("is not '[FLERT]'", class_token_index=-1, ent_token="[FLERT]")
        self.refused("class_token_index", file="model", class_token_index=97)
        self.refused("<<LABEL>>", file="model", ent_token="<<LABEL>>")
        self.refused("span.", file="model", hidden_size=24)
        self.refused("'encoder_config'", encoder_config=None)
        self.refused("has no place", file="model", num_rnn_layers=0)
        self.refused("max_span", file="model", max_width=1000)


if __name__ == "__main__":
    main()
