"""hone translate, and what hone generate knows of languages and sentences."""
import json
import os

from support import FIXTURES, Case, main

MARIAN, MARIAN_TWO, M2M100, T5 = (os.path.join(FIXTURES, name) for name in ("marian", "marian-two", "m2m100", "t5"))
SENTENCES = [
    ("One. Two! Three? Four", ["One. ", "Two! ", "Three? ", "Four"]),
    ("Dr. Smith met J. Doe at 3.14 p.m. in Rome. They left.", ["Dr. Smith met J. Doe at 3.14 p.m. in Rome. ", "They left."]),
    ("He said: \u201cGo!\u201d Then he went.", ["He said: \u201cGo!\u201d ", "Then he went."]),
    ("\u4eca\u65e5\u306f\u3002\u660e\u65e5\uff1f\u306f\u3044", ["\u4eca\u65e5\u306f\u3002", "\u660e\u65e5\uff1f", "\u306f\u3044"]),
    ("Wait... what? e.g. this one. z.B. das.", ["Wait... what? e.g. this one. z.B. das."]),
]


class Translate(Case):
    def test_as_transformers(self):
        for folder in MARIAN, MARIAN_TWO, M2M100:
            file = self.path(os.path.basename(folder) + ".gguf")
            self.hone("convert", folder, "-o", file)
            with open(os.path.join(folder, "translations.json")) as f:
                cases = json.load(f)
            for case in cases:
                languages = ["--to", case["to"]] + (["--from", case["from"]] if "from" in case else [])
                for model in folder, file:
                    for name, how in ("greedy", ["--temp=0"]), ("beams", ["--beams=4"]):
                        with self.subTest(model=model, to=case["to"], how=how):
                            row = self.hone("generate", "-m", model, "-p", case["text"], *languages, "-n", "12", "--compute=f32",
                                            "--format=jsonl", *how).json_lines[0]
                            self.assertEqual(row["ids"], case[name])

    def test_lines_and_sentences(self):
        lines = "One. Two!\n\nThree\n"
        how = ["-m", MARIAN, "--to", "deu", "-n", "4", "--compute=f32"]
        alone = [self.hone("generate", "-p", text, "--temp=0", *how).text[:-1] for text in ("One.", "Two!", "Three")]
        self.assertEqual(self.hone("translate", *how, stdin=lines).text, f"{alone[0]} {alone[1]}\n\n{alone[2]}\n")
        rows = self.hone("translate", *how, "--format=jsonl", stdin=lines).json_lines
        self.assertEqual([row["sentences"] for row in rows], [alone[:2], [], alone[2:]])
        split = self.hone("generate", "-p", "One. Two!", "--split-sentences", "--temp=0", *how).text
        self.assertEqual(split, f"{alone[0]} {alone[1]}\n")

    def test_where_sentences_end(self):
        texts = "".join(json.dumps(text) + "\n" for text, _ in SENTENCES)
        rows = self.hone("translate", "-m", MARIAN, "--to=deu", "-n", "1", "--jsonl", "--format=jsonl", "-", stdin=texts).json_lines
        self.assertEqual([len(row["sentences"]) for row in rows], [len(parts) for _, parts in SENTENCES])

    def test_languages(self):
        """By the model's own codes or ISO 639-1's; others are told which there are."""
        same = [self.hone("translate", "-m", M2M100, "--from", code, "--to=de", "-n", "3", stdin="x\n").out for code in ("en", "EN")]
        self.assertEqual(*same)
        for model, arguments, says in ((M2M100, ["--to=xx"], "af, am, ar"), (M2M100, ["--from=xx", "--to=de"], "from 'xx'"),
                                       (MARIAN, ["--from=fr"], "only from en"), (MARIAN, ["--to=fr"], "deu, rus"),
                                       (T5, ["--to=de"], "names no languages")):
            with self.subTest(arguments=arguments):
                self.assertIn(says, self.hone("translate", "-m", model, *arguments, stdin="x\n", status=2).words)
        self.assertIn("no token of a language", self.hone("generate", "-m", M2M100, "--ids", "5 6", "--from=de", "-n", "1", status=2).words)


if __name__ == "__main__":
    main()
