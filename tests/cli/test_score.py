"""hone score: requests and results, a line each."""
import json
import os
import shutil
import signal
import subprocess
import unittest

from support import CLASSIFY, CROSS, EMBED, HONE, Case, golden, main


def lines(*requests):
    return "".join(json.dumps(r) + "\n" for r in requests)


class Score(Case):
    def score(self, *arguments, model=EMBED, **how):
        return self.hone("score", "-m", model, *arguments, **how)

    def test_vectors_are_those_of_embed(self):
        texts = ["one", "two words", "", "three more words, é"] * 700
        rows = self.score(stdin=lines(*({"text": t} for t in texts))).json_lines
        wanted = self.hone("embed", "-m", EMBED, stdin="".join(t + "\n" for t in texts)).json_lines
        self.assertEqual(rows, wanted)

    def test_documents(self):
        query, documents = "what is it", ["a thing", "it", "no words at all"]
        for model in CROSS, EMBED:
            wanted = {r["index"]: r["score"] for r in self.hone(
                "rerank", "-m", model, "-q", query, "--format=jsonl", stdin="\n".join(documents) + "\n").json_lines}
            rows = self.score(model=model, stdin=lines(
                {"query": query, "documents": documents}, *({"query": query, "document": d} for d in documents))
            ).json_lines
            self.assertEqual(rows[0], {"index": 0, "scores": [wanted[i] for i in range(3)]})
            self.assertEqual(rows[1:], [{"index": i + 1, "score": wanted[i]} for i in range(3)])

    def test_pairs(self):
        pairs, logits = golden(CLASSIFY)["pairs"], golden(CLASSIFY)["logits"]
        rows = self.score("--raw", model=CLASSIFY, stdin=lines(*({"texts": p} for p in pairs))).json_lines
        for row, wanted in zip(rows, logits):
            self.assertClose(list(row["labels"].values()), wanted)
        row = self.score(model=CROSS, stdin=lines({"texts": ["a", "b"]})).json_lines[0]
        self.assertEqual(list(row), ["index", "score"])
        row = self.score(stdin=lines({"texts": ["the same", "the same"]})).json_lines[0]
        self.assertAlmostEqual(row["score"], 1, places=6)

    def test_ids_come_back(self):
        ids = ["a\"b", 7, None, [1, {"x": 2.5}]]
        rows = self.score(model=CROSS, stdin=lines(*({"id": i, "text": "t"} for i in ids))).json_lines
        self.assertEqual([r["id"] for r in rows], ids)

    def test_refused_lines_are_named(self):
        bad = ["no JSON", "[]", "3", "{}", '{"text": 3}', '{"text": ["a"]}', '{"texts": ["a"]}', '{"texts": []}',
               '{"query": "a"}', '{"query": 1, "document": "a"}', '{"query": "a", "documents": []}',
               '{"query": "a", "documents": "b"}', '{"document": "a"}', '{"text": "a"']
        run = self.score(stdin="\n".join(['{"text": "a"}', *bad, '{"text": "b"}']) + "\n", status=4)
        self.assertEqual([r["index"] for r in run.json_lines], [0, len(bad) + 1])
        for i in range(len(bad)):
            self.assertIn(f"line {i + 2}: ", run.words)

    def test_what_the_model_is_not_for(self):
        run = self.score(model=CLASSIFY, stdin=lines({"text": "a"}, {"query": "a", "document": "b"}), status=4)
        self.assertEqual(len(run.json_lines), 1)
        self.assertIn("3 labels", run.words)

    def test_too_long_is_cut_or_refused(self):
        stdin = lines({"text": "a"}, {"text": "a b c d e f g h i j k l"})
        self.assertIn("1 text cut to 8 tokens", self.score("--max-length=8", stdin=stdin).words)
        run = self.score("--max-length=8", "--strict", stdin=stdin, status=4)
        self.assertEqual(len(run.json_lines), 1)
        self.assertIn("line 2: ", run.words)


class Resume(Case):
    def setUp(self):
        super().setUp()
        requests = [{"text": f"text {i}"} if i % 10 else {"id": "no text"} for i in range(100)]
        self.input = self.file("in.jsonl", lines(*requests))
        self.hone("score", "-m", CROSS, self.input, "-o", self.path("whole"), status=4)
        with open(self.path("whole"), "rb") as f:
            self.whole = f.read()

    def test_any_part_is_finished(self):
        ends = [i + 1 for i, c in enumerate(self.whole) if c == ord("\n")]
        for size in [0, 1, 9, 20, ends[0] - 1, ends[0], ends[0] + 1, ends[40], ends[40] + 5, ends[-1] - 1, ends[-1]]:
            out = self.file("part", self.whole[:size])
            shutil.copy(self.path("whole.job"), self.path("part.job"))
            run = self.hone("score", "-m", CROSS, self.input, "-o", out, status=4)  # what was refused before counts
            with open(out, "rb") as f:
                self.assertEqual(f.read(), self.whole, f"of {size} bytes")
            self.assertEqual(b"going on" in run.err, size >= ends[0])

    def test_other_files_are_left_alone(self):
        for content in b"notes", b"notes\n", b"notes\nand more", b'{"index": x}\n', b'{"index": 1', b'{"indices": 1}\n':
            out = self.file("notes", content)
            if os.path.exists(self.path("notes.job")):
                os.remove(self.path("notes.job"))
            legal = content == b'{"index": 1'  # cut off in the middle of a line
            self.hone("score", "-m", CROSS, self.input, "-o", out, status=4 if legal else 2)
            with open(out, "rb") as f:
                self.assertEqual(f.read(), self.whole if legal else content)

    def test_results_of_another_input(self):
        short = self.file("short.jsonl", lines({"text": "a"}))
        self.assert_left_alone("there are 1 lines", short)
        with open(self.input) as f:
            lines_ = f.read().splitlines(keepends=True)
        for i in 1, 51, 98:
            changed = lines_[:i] + [lines_[i].replace("text ", "texts ")] + lines_[i + 1:]
            self.assert_left_alone("another input", self.file("changed.jsonl", "".join(changed)))
        self.assert_left_alone("there are 40 lines", self.file("cut.jsonl", "".join(lines_[:40])), marks=False)
        self.hone("score", "-m", CROSS, self.file("grown.jsonl", "".join(lines_) + '{"text": "more"}\n'), "-o",
                  self.path("whole"), status=4)

    def assert_left_alone(self, says, input_, *arguments, model=CROSS, marks=True):
        """A run over what is finished is refused with these words, and changes nothing."""
        if not marks:
            with open(self.path("whole.job")) as f:
                job = f.readline()
            self.file("whole.job", job)
        run = self.hone("score", "-m", model, input_, "-o", self.path("whole"), *arguments, status=2)
        self.assertIn(says, run.words)
        with open(self.path("whole"), "rb") as f:
            self.assertEqual(f.read(), self.whole)

    def test_results_of_another_model_or_other_options(self):
        self.assert_left_alone("another model", self.input, model=EMBED)
        for option in "--raw", "--strict", "--max-length=20", "--compute=int8", "--errors=rows":
            self.assert_left_alone("was", self.input, option)
        other = self.path("model")
        shutil.copytree(CROSS, other)
        self.hone("score", "-m", other, self.input, "-o", self.path("whole"), status=4)  # a copy is the same
        with open(os.path.join(other, "model.safetensors"), "r+b") as f:
            f.seek(-1, 2)
            last = f.read(1)
            f.seek(-1, 2)
            f.write(bytes([last[0] ^ 1]))
        self.assert_left_alone("another model", self.input, model=other)
        os.remove(self.path("whole.job"))
        self.assert_left_alone("cannot be read", self.input)

    def test_two_runs_at_once(self):
        p = subprocess.Popen([HONE, "score", "-m", CROSS, "-o", self.path("shared")], stdin=subprocess.PIPE)
        while not os.path.exists(self.path("shared.job")):
            self.assertIsNone(p.poll())
        self.assertIn("another run", self.hone("score", "-m", CROSS, self.input, "-o", self.path("shared"), status=2).words)
        p.communicate()

    def test_cut_off_in_a_record(self):
        """What was read of the last one, and had no result, may go on."""
        out = self.path("cut")
        done = b"".join(self.whole.splitlines(True)[:3])
        with open(self.input, "rb") as f:
            first = f.read().splitlines(True)
        self.hone("score", "-m", CROSS, "-o", out, stdin=b"".join(first[:4]), status=4)
        with open(out + ".job", "a") as f:
            f.write("5 123456789abcdef0\n")
        with open(out, "rb") as f:
            self.assertEqual(f.read(), done)
        self.hone("score", "-m", CROSS, self.input, "-o", out, status=4)
        with open(out, "rb") as f:
            self.assertEqual(f.read(), self.whole)

    def test_interrupted(self):
        out = self.path("slow")
        p = subprocess.Popen([HONE, "score", "-m", CROSS, "-o", out], stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        with open(self.input, "rb") as f:
            p.stdin.write(f.read(1000))
        p.stdin.flush()
        while not os.path.exists(out) or os.path.getsize(out) == 0:
            self.assertIsNone(p.poll())
        p.send_signal(signal.SIGINT)
        p.communicate()
        with open(out, "rb") as f:
            self.assertEqual(f.read(), self.whole[:os.path.getsize(out)])
        self.hone("score", "-m", CROSS, self.input, "-o", out, status=4)
        with open(out, "rb") as f:
            self.assertEqual(f.read(), self.whole)


if __name__ == "__main__":
    main()
