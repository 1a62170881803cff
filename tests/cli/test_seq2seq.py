"""hone generate, logits and embed with a model that has an encoder and a decoder."""
import json
import os
import shutil

from support import FIXTURES, Case, golden, main, read_npy

T5, BYT5 = (os.path.join(FIXTURES, name) for name in ("t5", "byt5"))
BART = os.path.join(FIXTURES, "bart")
PIECES = os.path.join(FIXTURES, "pieces")


def joined(ids):
    return " ".join(map(str, ids))


class Seq2Seq(Case):
    def generate(self, *arguments, **how):
        return self.hone("generate", "-m", T5, "--format", "jsonl", *arguments, **how)

    def test_greedy(self):
        g = golden(T5)
        for text, ids, greedy in zip(g["texts"], g["ids"], g["greedy"]):
            same = ["-n", "24", "--temp", "0", "--ignore-eos", "--compute", "f32"]
            row = self.generate("--ids", joined(ids), *same).json_lines[0]
            self.assertEqual((row["ids"], row["prompt_tokens"]), (greedy, len(ids)))
            self.assertEqual(self.generate("-p", text, *same).json_lines[0], row)

    def test_forced_beginning(self):
        g = golden(T5)
        ids, greedy = g["ids"][0], g["greedy"][0]
        for start in [], [2]:
            row = self.generate("--ids", joined(ids), "--decoder-ids", joined(start + greedy[:6]), "-n", "18", "--temp=0",
                                "--ignore-eos", "--compute=f32").json_lines[0]
            self.assertEqual(row["ids"], greedy[6:])

    def test_beams(self):
        with open(os.path.join(T5, "beams.json")) as f:
            cases = [case for case in json.load(f) if case["n_beams"] > 1]
        for case in cases:
            early = ["--early-stopping"] if case["early_stopping"] else []
            rows = self.generate("--ids", joined(golden(T5)["ids"][0]), "--beams", str(case["n_beams"]), "--n-best",
                                 str(case["n_best"]), f"--length-penalty={case['length_penalty']}", *early, "-n",
                                 str(case["max_tokens"]), "--compute=f32").json_lines
            self.assertEqual([row["ids"] for row in rows], [result["ids"] for result in case["results"][0]])
            for row, result in zip(rows, case["results"][0]):
                self.assertAlmostEqual(row["score"], result["score"], delta=1e-4 * abs(result["score"]))

    def test_settings_of_the_model(self):
        """What generation_config.json says holds for every text, in the file made of the folder, too."""
        folder = self.path("own-settings")
        shutil.copytree(BART, folder)
        with open(os.path.join(BART, "rules.json")) as f:
            cases = json.load(f)
        for case in cases:
            with open(os.path.join(folder, "generation_config.json"), "w") as f:
                json.dump(case["settings"], f)
            file = self.path("own-settings.gguf")
            self.hone("convert", folder, "-o", file)
            how = ["--temp", "0"] if case["n_beams"] == 1 else ["--beams", str(case["n_beams"]), "--n-best", "2"]
            for model in folder, file:
                with self.subTest(settings=case["settings"], model=model, how=how):
                    rows = self.hone("generate", "-m", model, "--ids", joined(case["ids"]), "-n", str(case["max_tokens"]),
                                     "--format=jsonl", "--compute=f32", *how).json_lines
                    self.assertEqual([row["ids"] for row in rows], case["results"])

    def test_search_of_the_model(self):
        """A model that says how many beams searches by them, unless something else is asked for."""
        folder = self.path("searching")
        shutil.copytree(BART, folder)
        with open(os.path.join(folder, "generation_config.json"), "w") as f:
            json.dump({"eos_token_id": 3, "decoder_start_token_id": 3, "num_beams": 4, "length_penalty": 2.0,
                       "max_new_tokens": 15}, f)
        ids = ["--ids", joined(golden(BART)["ids"][4]), "--format=jsonl", "--compute=f32"]
        own = self.hone("generate", "-m", folder, *ids).json_lines[0]
        said = self.hone("generate", "-m", BART, *ids, "--beams=4", "--length-penalty=2", "-n", "15").json_lines[0]
        self.assertEqual(own, said)
        self.assertNotIn("score", self.hone("generate", "-m", folder, *ids, "--temp=0").json_lines[0])

    def test_settings_that_are_not_known(self):
        folder = self.path("foreign-settings")
        shutil.copytree(BART, folder)
        for key, value in (("penalty_alpha", 0.6), ("num_beam_groups", 2), ("early_stopping", "sometimes"),
                           ("forced_bos_token_id", [1, 2]), ("bad_words_ids", [[]]), ("no_repeat_ngram_size", -1),
                           ("forced_bos_token_id", 99999), ("suppress_tokens", [99999])):
            with open(os.path.join(folder, "generation_config.json"), "w") as f:
                json.dump({"eos_token_id": 3, key: value}, f)
            with self.subTest(key=key, value=value):
                words = self.hone("generate", "-m", folder, "-p", "x", "-n", "2", status=3).words
                self.assertIn("99999" if "99999" in str(value) else key, words)

    def test_pieces_that_are_no_tokens(self):
        """Marian's and M2M100's tokenizers: SentencePiece cuts, vocab.json has the ids; from the folder and the file."""
        for name in "marian", "marian-two", "m2m100":
            folder = os.path.join(FIXTURES, name)
            with open(os.path.join(folder, "ids.json")) as f:
                rows = json.load(f)
            texts = "".join(json.dumps(row["text"]) + "\n" for row in rows)
            file = self.path(name + ".gguf")
            self.hone("convert", folder, "-o", file)
            for model in folder, file:
                ids = self.hone("tokenize", "-m", model, "--jsonl", "-", stdin=texts).json_lines
                for row, got in zip(rows, ids):
                    with self.subTest(model=model, text=row["text"]):
                        self.assertEqual(got, row["ids"])

    def test_bytes(self):
        """ByT5's tokenizer, which has no vocabulary: an end token that a text ends with is not put there again."""
        file = self.path("byt5.gguf")
        self.hone("convert", BYT5, "-o", file)
        for name, given, wanted, kind, how in (("ids", "text", "ids", str, ()), ("ids", "text", "ids", list, ["--pair"]),
                                               ("texts", "ids", "text", list, ["--decode"])):
            with open(os.path.join(BYT5, name + ".json")) as f:
                rows = [row for row in json.load(f) if isinstance(row[given], kind)]
            for model in BYT5, file:
                stdin = "".join(json.dumps(row[given]) + "\n" for row in rows)
                got = self.hone("tokenize", "-m", model, "--jsonl", *how, "-", stdin=stdin).json_lines
                self.assertEqual(got, [row[wanted] for row in rows])

    def test_activations(self):
        """dense_act_fn goes before feed_forward_proj, as T5's configuration in transformers has it."""
        with open(os.path.join(T5, "config.json")) as f:
            config = json.load(f)
        texts, folder = {}, self.path("t5")
        shutil.copytree(T5, folder)
        for proj, act in (("gated-gelu", None), ("gated-gelu", "relu"), ("gated-relu", None), ("gated-silu", None), ("gated-relu", "silu")):
            changed = {k: v for k, v in {**config, "feed_forward_proj": proj, "dense_act_fn": act}.items() if v is not None}
            self.file("t5/config.json", json.dumps(changed))
            texts[proj, act] = self.hone("embed", "-m", folder, "--compute=f32", "--format=jsonl", stdin="a fox\n").text
        self.assertEqual(texts["gated-gelu", "relu"], texts["gated-relu", None])
        self.assertEqual(texts["gated-relu", "silu"], texts["gated-silu", None])
        self.assertEqual(len(set(texts.values())), 3)

    def test_reranking_refused(self):
        """monoT5's folders look as any T5's do, and a cosine of its encoder's vectors would pass for a score."""
        for folder in T5, os.path.join(FIXTURES, "bart"):
            self.assertIn("monoT5", self.hone("rerank", "-m", folder, "-q", "a", stdin="b\nc\n", status=2).words)

    def test_bytes_refused(self):
        with open(os.path.join(BYT5, "tokenizer_config.json")) as f:
            config = json.load(f)
        folder = self.path("byt5")
        os.mkdir(folder)
        for name in "config.json", "model.safetensors":
            shutil.copy(os.path.join(BYT5, name), folder)
        # Marks that are tokens already need no ids of their own: as transformers has it.
        self.file("byt5/tokenizer_config.json", json.dumps({"tokenizer_class": config["tokenizer_class"], "extra_ids": 0,
                                                            "additional_special_tokens": ["</s>", "x", "<y>", "<pad>", "<z>"]}))
        self.assertEqual(self.hone("tokenize", "-m", folder, stdin="<z><y>x\n").json_lines, [[260, 259, 123, 1]])
        for change, says in (({"extra_ids": -1}, "extra_ids"), ({"extra_ids": 38, "additional_special_tokens": None}, "297 tokens")):
            self.file("byt5/tokenizer_config.json", json.dumps({**config, **change}))
            with self.subTest(change):
                self.assertIn(says, self.hone("tokenize", "-m", folder, stdin="x\n", status=3).words)

    def test_pieces_alone(self):
        """What classes make of a SentencePiece model without a tokenizer.json, beside any weights."""
        with open(os.path.join(PIECES, "ids.json")) as f:
            cases = json.load(f)
        for name, case in cases.items():
            pegasus = name == "PegasusTokenizer"
            folder = self.path(name)
            os.mkdir(folder)
            for file in "config.json", "model.safetensors":
                shutil.copy(os.path.join(FIXTURES, "pegasus" if pegasus else "mbart", file), folder)
            shutil.copy(os.path.join(PIECES, "pegasus.model") if pegasus else os.path.join(FIXTURES, "marian", "source.spm"),
                        os.path.join(folder, case["file"]))
            self.file(name + "/tokenizer_config.json", json.dumps({"tokenizer_class": name, **case["config"]}))
            texts = "".join(json.dumps(row["text"]) + "\n" for row in case["rows"])
            file = self.path(name + ".gguf")
            self.hone("convert", folder, "-o", file)
            for model in folder, file:
                ids = self.hone("tokenize", "-m", model, "--jsonl", "-", stdin=texts).json_lines
                for row, got in zip(case["rows"], ids):
                    with self.subTest(model=model, text=row["text"]):
                        self.assertEqual(got, row["ids"])
            if pegasus:
                self.file(name + "/tokenizer_config.json", json.dumps({"tokenizer_class": name, "offset": 0}))
                self.assertIn("offset", self.hone("tokenize", "-m", folder, stdin="x\n", status=3).words)

    def test_two_vocabularies(self):
        """What is read has ids of one, what is written those of the other; a folder that has but one of them is refused."""
        folder = os.path.join(FIXTURES, "marian-two")
        with open(os.path.join(folder, "translations.json")) as f:
            cases = json.load(f)
        for case in cases:
            for name, how in ("greedy", "--temp=0"), ("beams", "--beams=4"):
                row = self.hone("generate", "-m", folder, "--ids", joined(case["ids"]), "-n", "12", "--compute=f32",
                                "--format=jsonl", how).json_lines[0]
                self.assertEqual((row["ids"], row["text"].strip()), (case[name], case[name + "_text"]))
        with open(os.path.join(folder, "target_vocab.json")) as f:
            last = len(json.load(f)) - 1
        self.assertIn("vocabulary", self.hone("generate", "-m", folder, "--ids", str(last), "-n", "1", status=2).words)
        self.hone("generate", "-m", folder, "--ids", "2", "--decoder-ids", str(last), "-n", "1")
        for word, change in (("target_vocab.json", lambda place: os.remove(os.path.join(place, "target_vocab.json"))),
                             ("decoder_vocab_size", lambda place: self.change(place, "config.json", decoder_vocab_size=71)),
                             ("not the same", lambda place: self.change(place, "config.json", share_encoder_decoder_embeddings=True)),
                             ("the decoder's table", lambda place: self.change(place, "tokenizer_config.json", separate_vocabs=False))):
            place = self.path("two-" + word.replace(" ", "-"))
            shutil.copytree(folder, place)
            change(place)
            with self.subTest(word=word):
                self.assertIn(word, self.hone("generate", "-m", place, "-p", "x", "-n", "1", status=3).words)

    def change(self, place, name, **values):
        path = os.path.join(place, name)
        with open(path) as f:
            content = json.load(f)
        with open(path, "w") as f:
            json.dump({**content, **values}, f)

    def test_missing_files_of_tokenizers(self):
        for name, file, word in (("marian", "source.spm", "source.spm"), ("marian", "vocab.json", "vocab.json"),
                                 ("m2m100", "vocab.json", "vocab.json"),
                                 ("m2m100", "sentencepiece.bpe.model", "sentencepiece.bpe.model")):
            folder = self.path("without-" + name + "-" + file)
            shutil.copytree(os.path.join(FIXTURES, name), folder)
            os.remove(os.path.join(folder, file))
            with self.subTest(name=name, file=file):
                self.assertIn(word, self.hone("tokenize", "-m", folder, stdin="x\n", status=3).words)

    def test_sampling(self):
        same = ["-p", "a text", "-n", "20", "--temp", "1", "--top-k", "0", "--top-p", "1", "--min-p", "0"]
        one, again, two = (self.generate(*same, "--seed", seed).json_lines[0] for seed in "112")
        self.assertEqual(one, again)
        self.assertNotEqual(one["ids"], two["ids"])

    def test_refusals(self):
        for arguments in (["--n-best", "2"], ["--early-stopping"], ["--length-penalty", "2"],
                          ["--beams", "2", "--n-best", "3"], ["--beams", "65"], ["--decoder-ids", "99999"]):
            self.generate("-p", "a text", *arguments, status=2)

    def folder(self, *names):
        """A copy of some of the model's files."""
        folder = self.path("folder")
        os.mkdir(folder)
        for name in names:
            shutil.copy(os.path.join(T5, name), folder)
        return folder

    def test_pickle(self):
        folder = self.folder("config.json", "tokenizer.json")
        self.file("folder/pytorch_model.bin", b"PK")
        run = self.hone("convert", folder, "-o", self.path("x.gguf"), status=3)
        self.assertIn("not what torch.save writes", run.words)
        self.assertFalse(os.path.exists(self.path("x.gguf")))

    def test_vocab_json(self):
        folder = self.folder("config.json", "model.safetensors")
        self.hone("tokenize", "-m", folder, "-", status=3, stdin="ab")
        names = ["<pad>", "<s>", "</s>", "<unk>", "<mask>", "a", "b", "ab", "\u0120"]
        self.file("folder/vocab.json", json.dumps({name: i for i, name in enumerate(names)}))
        self.file("folder/merges.txt", "#version: 0.2\na b\n")
        self.file("folder/added_tokens.json", json.dumps({"<extra_id_0>": len(names)}))
        config = {"tokenizer_class": "RobertaTokenizer", "additional_special_tokens": [
            {"content": "<extra_id_0>", "lstrip": True, "rstrip": False, "single_word": False, "normalized": True}]}
        self.file("folder/tokenizer_config.json", json.dumps(config))
        run = self.hone("tokenize", "-m", folder, "-", stdin="ab a <extra_id_0>b\n")
        self.assertEqual(run.json_lines, [[1, 7, 8, 5, 9, 6, 2]])
        config["tokenizer_class"] = "OtherTokenizer"
        self.file("folder/tokenizer_config.json", json.dumps(config))
        self.assertIn("OtherTokenizer", self.hone("tokenize", "-m", folder, "-", status=3, stdin="ab").words)

    def test_logits(self):
        g, out = golden(T5), self.path("logits.npy")
        self.hone("logits", "-m", T5, "--ids", joined(g["ids"][0]), "-o", out, "--compute=f32")
        with open(out, "rb") as f:
            rows, n_columns = read_npy(f.read())
        self.assertEqual((len(rows), n_columns), (1, len(g["logits_first"][0])))
        bound = 1e-4 * max(map(abs, g["logits_first"][0]))
        for got, want in zip(rows[0], g["logits_first"][0]):
            self.assertLess(abs(got - want), bound)


main()
