"""hone classify with heads for tokens, and with labels of one's own; transformers' pipelines are the reference
(tests/fixtures/make_heads.py)."""
import json
import os

from support import CLASSIFY, FIXTURES, Case, golden, main


def fixture(name):
    return os.path.join(FIXTURES, name)


class Heads(Case):
    def sources(self, name):
        """The folder, and what it is converted to."""
        file = self.path(name + ".gguf")
        self.hone("convert", fixture(name), "-o", file)
        return [fixture(name), file]


class Entities(Heads):
    def check(self, name):
        g = golden(fixture(name))
        texts = "".join(text + "\n" for text in g["texts"])
        for model in self.sources(name):
            for strategy, wanted in g["entities"].items():
                rows = self.hone("classify", "-m", model, "--compute=f32", "--format=jsonl", "--aggregate", strategy,
                                 stdin=texts).json_lines
                self.assertEqual(len(rows), len(wanted))
                for row, entities in zip(rows, wanted):
                    rough = [[dict(e, score=None) for e in side] for side in (row["entities"], entities)]
                    self.assertEqual(*rough, f"{name}, {strategy}")
                    self.assertClose([e["score"] for e in row["entities"]], [e["score"] for e in entities])

    def test_word_pieces(self):
        self.check("ner-bert")

    def test_head_of_several_matrices(self):
        self.check("ner-modernbert")

    def test_encoder_of_a_model_with_a_decoder(self):
        self.check("ner-mt5")

    def test_bytes_without_marks_of_words(self):
        self.check("ner-roberta")

    def test_table(self):
        g = golden(fixture("ner-bert"))
        lines = self.hone("classify", "-m", fixture("ner-bert"), stdin=g["texts"][0] + "\n").text.splitlines()
        self.assertEqual(lines[0].split(), ["line", "score", "label", "text"])
        self.assertEqual(len(lines) - 1, len(g["entities"]["simple"][0]))

    def test_refusals(self):
        for arguments, word in (["--labels", "a"], "--labels"), (["--pair"], "--pair"):
            run = self.hone("classify", "-m", fixture("ner-bert"), *arguments, stdin="a\tb\n", status=2)
            self.assertIn(word, run.words)
        run = self.hone("classify", "-m", CLASSIFY, "--aggregate", "first", stdin="a\n", status=2)
        self.assertIn("does not label tokens", run.words)
        run = self.hone("rerank", "-m", fixture("ner-bert"), "-q", "a", stdin="b\n", status=2)
        self.assertIn("labels tokens", run.words)


class Inspect(Heads):
    def test_tasks(self):
        for name, task, words in (("ner-bert", "classify-tokens", "what a text names"), ("fill-bert", "embed", "[MASK]")):
            self.assertEqual(json.loads(self.hone("inspect", fixture(name), "--json").text)["model"]["task"], task)
            self.assertIn(words, self.hone("inspect", fixture(name)).text)
            self.assertIn("same bits in any batch", self.hone("verify", "-m", fixture(name)).text)


class ZeroShot(Heads):
    def test_pipeline(self):
        g = golden(fixture("nli"))
        texts = "".join(text + "\n" for text in g["texts"])
        for model in self.sources("nli"):
            for case in g["cases"]:
                rows = self.hone("classify", "-m", model, "--compute=f32", "--format=jsonl", "--labels",
                                 " , ".join(g["labels"]) + ",", "--hypothesis", case["hypothesis"],
                                 *(["--multi-label"] if case["multi_label"] else []), stdin=texts).json_lines
                self.assertEqual([r["index"] for r in rows], list(range(len(g["texts"]))))
                for row, wanted in zip(rows, case["scores"]):
                    self.assertEqual(list(row["labels"]), g["labels"])
                    self.assertClose(list(row["labels"].values()), wanted)

    def test_usual_hypothesis(self):
        g = golden(fixture("nli"))
        case = next(c for c in g["cases"] if c["hypothesis"] == "This example is {}." and not c["multi_label"])
        lines = self.hone("classify", "-m", fixture("nli"), "--labels", ",".join(g["labels"]),
                          stdin=g["texts"][0] + "\n").text.splitlines()
        best = max(range(3), key=case["scores"][0].__getitem__)
        self.assertIn(g["labels"][best], lines[1])

    def test_refusals(self):
        for arguments, word in ((["--labels", " ,"], "names none"), (["--multi-label"], "--labels"),
                                (["--labels", "a", "--hypothesis", "no place"], "{}"), (["--labels", "a", "--hypothesis", ""], "{}"),
                                (["--labels", "a", "--raw"], "--raw")):
            run = self.hone("classify", "-m", fixture("nli"), *arguments, stdin="a\n", status=2)
            self.assertIn(word, run.words)
        run = self.hone("classify", "-m", fixture("bert-cross"), "--labels", "a", stdin="a\n", status=2)
        self.assertIn("one label", run.words)
        run = self.hone("classify", "-m", fixture("nli"), "--labels", "a,b", "--strict", "--max-length", "40",
                        stdin="x\n" + "word " * 60 + "\n", status=4)
        self.assertEqual(len(run.text.splitlines()), 2)
        self.assertIn("1 text refused", run.words)


class Answers(Heads):
    def check(self, name):
        cases = golden(fixture(name))["cases"]
        for model in self.sources(name):
            for n_best, none in ((1, []), (4, ["--none"])):
                some = [c for c in cases if c["n_best"] == n_best]
                pairs = "".join(json.dumps([c["question"], c["context"]]) + "\n" for c in some)
                rows = self.hone("answer", "-m", model, "--compute=f32", "--format=jsonl", "--jsonl", "--pair", "--top-n",
                                 str(n_best), *none, stdin=pairs).json_lines
                self.assertEqual([r["index"] for r in rows], list(range(len(some))))
                for row, wanted in zip(rows, some):
                    places = [[(a["start"], a["end"], a["text"]) for a in x["answers"]] for x in (row, wanted)]
                    self.assertEqual(*places)
                    self.assertClose([a["score"] for a in row["answers"]], [a["score"] for a in wanted["answers"]])

    def test_windows_of_wordpieces(self):
        self.check("answer-bert")

    def test_bytes_and_two_tokens_between(self):
        self.check("answer-roberta")

    def test_a_head_of_several_parts(self):
        self.check("answer-modernbert")

    def test_one_question_of_many_texts(self):
        case = golden(fixture("answer-bert"))["cases"][0]
        lines = self.hone("answer", "-m", fixture("answer-bert"), "--compute=f32", "-q", case["question"],
                          stdin=case["context"] + "\nx\n" + case["context"] + "\n").text.splitlines()
        self.assertEqual(lines[0].split(), ["line", "score", "answer"])
        self.assertEqual([line.split(None, 2)[0::2] for line in lines[1:]],
                         [["1", case["answers"][0]["text"]], ["2", "x"], ["3", case["answers"][0]["text"]]])

    def test_refusals(self):
        for model, options, word in ((CLASSIFY, ["-q", "who"], "finds no answers"),
                                     (fixture("answer-bert"), [], "--query"),
                                     (fixture("answer-bert"), ["-q", "who", "--pair"], "--query"),
                                     (fixture("answer-bert"), ["-q", "who " * 60], "too little")):
            run = self.hone("answer", "-m", model, *options, stdin="a text of some words " * 20 + "\n", status=2)
            self.assertIn(word, run.words)
        self.assertEqual(json.loads(self.hone("inspect", fixture("answer-bert"), "--json").text)["model"]["task"], "answer")
        run = self.hone("classify", "-m", fixture("answer-bert"), stdin="a\n", status=2)
        self.assertIn("hone answer", run.words)


class Fill(Heads):
    def check(self, name):
        g = golden(fixture(name))
        texts = "".join(text + "\n" for text in g["texts"]) + "nothing to fill\n"
        for model in self.sources(name):
            rows = self.hone("fill", "-m", model, "--compute=f32", "--format=jsonl", stdin=texts).json_lines
            self.assertEqual([r["index"] for r in rows], list(range(len(g["texts"]) + 1)))
            self.assertEqual(rows[-1]["masks"], [])
            for row, wanted in zip(rows, g["masks"]):
                self.assertEqual([[w["id"] for w in m] for m in row["masks"]], [[w["id"] for w in m] for m in wanted])
                for mask, words in zip(row["masks"], wanted):
                    self.assertClose([w["score"] for w in mask], [w["score"] for w in words])
                    self.assertEqual([w["token"] for w in mask], [w["token"] for w in words])
            embedded = self.hone("embed", "-m", model, stdin="a\n").json_lines
            self.assertEqual(len(embedded), 1)

    def test_bert(self):
        self.check("fill-bert")

    def test_narrow_embeddings(self):
        self.check("fill-electra")

    def test_other_families(self):
        for name in ("xlmr-xl", "mpnet", "gte", "nomic", "eurobert", "eurobert-bias"):
            with self.subTest(name):
                self.check("fill-" + name)

    def test_top_n(self):
        mask, = self.hone("fill", "-m", fixture("fill-bert"), "--format=jsonl", "--top-n", "100000",
                          stdin="[MASK]\n").json_lines[0]["masks"]
        self.assertAlmostEqual(sum(w["score"] for w in mask), 1, places=4)
        self.assertEqual(len({w["id"] for w in mask}), len(mask))
        lines = self.hone("fill", "-m", fixture("fill-bert"), "--top-n", "2", stdin="a [MASK]\n").text.splitlines()
        self.assertEqual((lines[0].split(), len(lines)), (["line", "mask", "score", "word"], 3))

    def test_refusals(self):
        run = self.hone("fill", "-m", CLASSIFY, stdin="[MASK]\n", status=2)
        self.assertIn("tells no words", run.words)

    def test_what_a_table_cannot_hold_is_refused(self):
        for model, command in (("fill-bert", "fill"), ("ner-bert", "classify"), ("bert-classify", "classify")):
            for options in (["--keep"], ["--errors", "rows"]):
                run = self.hone(command, "-m", fixture(model), *options, stdin="[MASK]\n", status=2)
                self.assertIn("--format jsonl", run.words)


if __name__ == "__main__":
    main()
