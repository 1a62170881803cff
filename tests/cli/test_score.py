"""hone score: requests and results, a line each."""
import json
import os
import shutil
import signal
import subprocess
import unittest

from support import CLASSIFY, CROSS, EMBED, FIXTURES, HONE, Case, golden, main

CAUSAL = os.path.join(FIXTURES, "causal")


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

    def test_prompts_are_those_of_generate(self):
        """Prompts and chats, beside other lines of the same file: the same texts as one by one, whatever runs beside them."""
        prompts = ["a b", "the lazy dog", "once"]
        chat = [{"role": "user", "content": "hi"}]
        how = {"max_tokens": 12, "temperature": 0.7, "top_k": 30, "top_p": 0.9, "min_p": 0.01, "seed": 5, "stop": ["zq"],
               "presence_penalty": 0.5}
        run = self.score(model=CAUSAL, stdin=lines(*({"prompt": p, "id": p, **how} for p in prompts), {"text": "a"},
                                                   {"messages": chat, **how}))
        flags = ["-n", "12", "--temp", "0.7", "--top-k", "30", "--top-p", "0.9", "--min-p", "0.01", "--seed", "5", "--stop", "zq",
                 "--presence-penalty", "0.5"]
        path = self.file("in.jsonl", lines(*({"prompt": p} for p in prompts), {"messages": chat}))
        wanted = self.hone("generate", "-m", CAUSAL, *flags, path).json_lines
        rows = run.json_lines
        self.assertEqual([r.get("id") for r in rows[:3]], prompts)
        self.assertEqual([r["text"] for r in rows[:3] + rows[4:]], [w["text"] for w in wanted])
        self.assertEqual([r["prompt_tokens"] for r in rows[:3] + rows[4:]], [w["prompt_tokens"] for w in wanted])
        self.assertIn("embedding", rows[3])
        self.assertTrue(all(r["finish_reason"] in ("stop", "length") and r["completion_tokens"] <= 12 for r in rows[:3]))

    def test_prompts_that_are_refused(self):
        cases = [({"prompt": "a", "n": 2}, "'n' is not known"), ({"prompt": 3}, "not a JSON string"),
                 ({"prompt": "a", "max_tokens": 0}, "'max_tokens' has a value"), ({"prompt": "a", "top_p": 2}, "'top_p' has"),
                 ({"prompt": "a", "stop": ["", "b"]}, "'stop' has"), ({"prompt": "a", "stop": ["b"] * 17}, "'stop' has"),
                 ({"prompt": "a", "seed": -1}, "'seed' has"), ({"prompt": "a", "messages": []}, "not both"),
                 ({"prompt": "a", "stream": True}, "hone score --stream"), ({"messages": "hi"}, "messages")]
        rows = self.score("--errors", "rows", model=CAUSAL, stdin=lines(*(request for request, _ in cases))).json_lines
        for row, (request, why) in zip(rows, cases):
            self.assertIn(why, row["error"], request)
        self.assertEqual(len(rows), len(cases))
        self.assertIn("does not generate", self.score(stdin=lines({"prompt": "a"}), status=4).words)

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
        for content in b"notes", b"notes\n", b"notes\nand more", b'{"index": x}\n', b'{"index": 1', b'{"indices": 1}\n', \
                b'{"index": 0}\n' * 2, b'{"index": 18446744073709551615}\n':
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
        self.assert_left_alone("was", self.input, "--as=query")
        self.hone("score", "-m", CROSS, self.input, "-o", self.path("whole"), "--threads=1", status=4)  # changes no result
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

    def test_shards(self):
        """Each has its share of the lines, under their numbers in all of them, and can be gone on with."""
        rows = []
        for i in "1/3", "2/3", "3/3":
            run = self.hone("score", "-m", CROSS, self.input, "-o", self.path("shard"), f"--shard={i}", status=4)
            with open(self.path("shard"), "rb") as f:
                whole = f.read()
            with open(self.path("shard"), "r+b") as f:
                f.truncate(len(whole) // 2)
            again = self.hone("score", "-m", CROSS, self.input, "-o", self.path("shard"), f"--shard={i}", status=4)
            self.assertEqual(run.err.splitlines()[-1], again.err.splitlines()[-1])  # what was refused
            with open(self.path("shard"), "rb") as f:
                self.assertEqual(f.read(), whole)
            rows += whole.splitlines(keepends=True)
            os.remove(self.path("shard"))
            os.remove(self.path("shard.job"))
        self.assertEqual(b"".join(sorted(rows, key=lambda row: json.loads(row)["index"])), self.whole)

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
            f.write("5 123456789abcdef0 0 0 0\n")
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


class Talk(Case):
    """hone score --stream, as an editor's plugin uses it: two pipes, and answers while more is asked."""

    def start(self, *arguments, model=EMBED):
        p = subprocess.Popen([HONE, "score", "--stream", "-m", model, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(p.wait)
        self.addCleanup(p.stdout.close)
        self.addCleanup(p.kill)
        return p

    def say(self, p, *requests):
        p.stdin.write(lines(*requests).encode())
        p.stdin.flush()

    def test_each_is_answered_before_the_next_is_asked(self):
        p = self.start()
        for i in range(20):
            self.say(p, {"text": f"text {i}", "id": f"i{i}"})
            row = json.loads(p.stdout.readline())
            self.assertEqual((row["index"], row["id"]), (i, f"i{i}"))
        self.say(p, {"texts": 3, "id": "bad"}, {"text": "good"})
        rows = sorted((json.loads(p.stdout.readline()) for _ in range(2)), key=lambda r: r["index"])
        self.assertIn("error", rows[0])
        self.assertEqual((rows[0]["id"], "embedding" in rows[1]), ("bad", True))
        p.stdin.close()
        self.assertEqual((p.stdout.read(), p.wait()), (b"", 0))

    def test_all_are_answered_as_without(self):
        requests = [{"text": f"text {i} " + "word " * (i % 40), "id": i} for i in range(3000)]
        run = self.hone("score", "--stream", "-m", EMBED, stdin=lines(*requests))
        rows = {r["id"]: r for r in run.json_lines}
        self.assertEqual(len(run.json_lines), 3000)
        wanted = self.hone("score", "-m", EMBED, stdin=lines(*requests)).json_lines
        self.assertEqual([rows[i] for i in range(3000)], wanted)

    def test_a_text_as_it_comes(self):
        how = {"prompt": "the lazy dog", "max_tokens": 24, "seed": 3}
        run = self.hone("score", "--stream", "-m", CAUSAL, stdin=lines(*({**how, "id": i, "stream": i != 1} for i in range(3))))
        parts = {i: [r for r in run.json_lines if r["id"] == i] for i in range(3)}
        for i in (0, 2):
            self.assertGreater(len(parts[i]), 2)
            self.assertTrue(all(set(r) == {"index", "id", "delta"} for r in parts[i][:-1]))
            self.assertEqual("".join(r["delta"] for r in parts[i][:-1]), parts[i][-1]["text"])
        self.assertEqual(len(parts[1]), 1)
        self.assertEqual(parts[0][-1]["text"], parts[1][-1]["text"])

    def test_cancelled(self):
        """900 texts that nobody wants any more, and one that somebody does: each has one answer, most of them that."""
        p = self.start(model=CAUSAL)
        self.say(p, *({"prompt": f"{i} and so on", "id": "c", "max_tokens": 400} for i in range(900)),
                 {"prompt": "a", "id": "d", "max_tokens": 2}, {"cancel": "c"}, {"cancel": "unknown"})
        p.stdin.close()
        rows = [json.loads(line) for line in p.stdout]
        self.assertEqual(p.wait(), 0)
        self.assertEqual(sorted(r["index"] for r in rows), list(range(901)))
        self.assertIn("text", next(r for r in rows if r["id"] == "d"))
        self.assertIn("cancelled", [r.get("error") for r in rows])

    def test_refused(self):
        self.assertIn("one file or standard input", self.hone("score", "--stream", "-m", EMBED, "-o", self.path("x"), status=2).words)
        self.hone("score", "--stream", "-m", EMBED, self.path("nothing"), status=2)


if __name__ == "__main__":
    main()
