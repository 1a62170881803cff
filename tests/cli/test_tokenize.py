"""hone tokenize: ids of texts, pairs and JSON strings, and back."""
import json

from support import CROSS, EMBED, Case, golden, main


class Tokenize(Case):
    @classmethod
    def setUpClass(cls):
        cls.texts, cls.ids = golden(EMBED)["texts"], golden(EMBED)["ids"]
        cls.lines = "".join(t + "\n" for t in cls.texts)

    def tokenize(self, *arguments, model=EMBED, **how):
        return self.hone("tokenize", "-m", model, *arguments, **how)

    def test_ids_are_right(self):
        self.assertEqual(self.tokenize(stdin=self.lines).json_lines, self.ids)
        self.assertEqual(self.tokenize(self.file("in", self.lines)).json_lines, self.ids)
        self.assertEqual(self.tokenize("--no-special", stdin=self.lines).json_lines, [i[1:-1] for i in self.ids])

    def test_jsonl(self):
        lines = "".join(json.dumps(t) + "\n" for t in self.texts)
        self.assertEqual(self.tokenize("--jsonl", stdin=lines).json_lines, self.ids)
        odd = ['"a\\nb"', '"nul \\u0000 here"', '""', '  "space around"  ', '"\\ud83d\\ude00"']
        self.assertEqual(len(self.tokenize("--jsonl", stdin="\n".join(odd)).json_lines), 5)
        self.assertEqual(self.tokenize("--jsonl", stdin='"a\\nb"\n"a b"\n').json_lines[0],
                         self.tokenize(stdin="a b\n").json_lines[0])

    def test_jsonl_refusals(self):
        lines = ['"fine"', "not json", "17", '"lone \\ud800"', '"open', "", '["a", "b"]', '"fine"']
        run = self.tokenize("--jsonl", stdin="\n".join(lines), status=4)
        self.assertEqual([row is None for row in run.json_lines], [False] + [True] * 6 + [False])
        for number in range(2, 8):
            self.assertIn(f"line {number}: ", run.words)

    def test_pairs(self):
        known = [(p, i) for p, i in zip(golden(CROSS)["pairs"], golden(CROSS)["ids"])
                 if len(i) < golden(CROSS)["max_length"]]
        pairs, ids = [p for p, i in known], [i for p, i in known]
        lines = "".join(f"{a}\t{b}\n" for a, b in pairs)
        self.assertEqual(self.tokenize("--pair", stdin=lines, model=CROSS).json_lines, ids)
        lines = "".join(json.dumps(p) + "\n" for p in pairs)
        self.assertEqual(self.tokenize("--pair", "--jsonl", stdin=lines, model=CROSS).json_lines, ids)
        run = self.tokenize("--pair", stdin="one\ntwo\tthree\n", model=CROSS, status=4)
        self.assertEqual(run.json_lines[0], None)
        self.assertIn("line 1: there is no tab", run.words)

    def test_nothing_is_cut(self):
        self.assertEqual(len(self.tokenize("--no-special", stdin="x " * 5000 + "\n").json_lines[0]), 5000)

    def test_decode(self):
        text = self.tokenize("--decode", "--no-special", stdin="\n".join(map(json.dumps, self.ids))).text
        again = self.tokenize(stdin=text).json_lines
        self.assertEqual([i for i in again if 1 not in i], [i for i in self.ids if 1 not in i])
        spaced = "\n".join(" ".join(map(str, i)) for i in self.ids)
        self.assertEqual(self.tokenize("--decode", "--no-special", stdin=spaced).text, text)
        self.assertEqual(self.tokenize("--decode", "--no-special", "--jsonl", stdin=spaced).json_lines,
                         text.split("\n")[:-1])
        whole = self.tokenize("--decode", stdin=spaced).text
        self.assertIn("[CLS]", whole)
        self.assertNotIn("[CLS]", text)

    def test_decode_refusals(self):
        lines = ["2 3", "2 x", "[2, 3", "[2.5]", "-1", "99999999", "99999999999999999999", "", "[]", '{"a": 1}', "5"]
        run = self.tokenize("--decode", "--jsonl", stdin="\n".join(lines), status=4)
        self.assertEqual([i + 1 for i, row in enumerate(run.json_lines) if row is None], [2, 3, 4, 5, 6, 7, 10])
        for number in (2, 3, 4, 5, 6, 7, 10):
            self.assertIn(f"line {number}: ", run.words)

    def test_invalid_utf8_is_told(self):
        run = self.tokenize(stdin=b"a\xffb\n")
        self.assertIn("1 text with invalid UTF-8", run.words)
        self.assertEqual(run.out, self.tokenize(stdin="a\ufffdb\n").out)

    def test_no_text(self):
        self.assertEqual(self.tokenize().out, b"")


if __name__ == "__main__":
    main()
