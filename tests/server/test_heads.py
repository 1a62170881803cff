"""What texts name, and labels that a model was not trained for: the command line's values over HTTP."""
import json
import os
from concurrent.futures import ThreadPoolExecutor

from serving import CLASSIFY, FIXTURES, ServerCase, main

NER, NLI, FILL, ANSWER, SPANS = (os.path.join(FIXTURES, name) for name in ("ner-bert", "nli", "fill-bert", "answer-bert", "gliner"))
TEXTS = ["naïve café — 東京 123", "A small runtime for transformer models", "x"]
LABELS = ["travel", "cooking and food", "dancing"]


class HeadsCase(ServerCase):
    models = [f"labels={CLASSIFY}", f"ner={NER}", f"nli={NLI}", f"fill={FILL}", f"answer={ANSWER}", f"spans={SPANS}"]

    def lines(self, model, *arguments):
        return self.hone("classify", "-m", model, "--format", "jsonl", *arguments,
                         stdin="".join(t + "\n" for t in TEXTS)).json_lines


class TestKinds(HeadsCase):
    def test_what_the_model_is_for(self):
        tasks = {m["id"]: m["meta"]["task"] for m in self.get("/v1/models").json["data"]}
        self.assertEqual(tasks, {"labels": "classify", "ner": "classify-tokens", "nli": "classify", "fill": "embed", "answer": "answer",
                                 "spans": "find-spans"})
        self.assertIn("B-PER", self.get("/info?model=ner").json["model_type"]["classifier"]["label2id"])
        for task in ("classify-tokens", "answer", "find-spans"):
            self.assertIn(f'task="{task}"', self.get("/metrics").body.decode())


class TestEntities(HeadsCase):
    def test_as_the_command_line(self):
        for strategy in ("simple", "none", "first", "average", "max"):
            answer = self.post("/api/v1/entities", {"texts": TEXTS, "aggregate": strategy}).json
            self.assertEqual(answer["entities"], [line["entities"] for line in self.lines(NER, "--aggregate", strategy)])
            self.assertEqual(answer["model"], "ner")
        for text, entities in zip(TEXTS, self.post("/api/v1/entities", {"texts": TEXTS}).json["entities"]):
            for e in entities:
                self.assertEqual(text.encode()[e["start"]:e["end"]].decode(), e["text"])

    def test_errors(self):
        for body, status in (({"texts": []}, 400), ({"texts": [5]}, 400), ({"texts": ["a"], "model": "nli"}, 400),
                             ({"texts": ["a"], "aggregate": "some"}, 400), ({}, 400)):
            self.assertEqual(set(self.post("/api/v1/entities", body, status=status).json), {"error"})


class TestSpans(HeadsCase):
    def test_as_the_command_line(self):
        for more, arguments in (({}, []), ({"nested": True, "threshold": 0.2}, ["--nested", "--threshold", "0.2"]),
                                ({"multi_label": True, "threshold": 0.01}, ["--multi-label", "--threshold", "0.01"])):
            answer = self.post("/api/v1/entities", {"texts": TEXTS, "labels": LABELS, **more}).json
            self.assertEqual(answer["entities"],
                             [line["entities"] for line in self.lines(SPANS, "--labels", ",".join(LABELS), *arguments)])
            self.assertEqual(answer["model"], "spans")
            self.assertGreater(answer["usage"]["prompt_tokens"], len(TEXTS))

    def test_many_at_once(self):
        def ask(labels):
            return self.post("/api/v1/entities", {"texts": TEXTS, "labels": labels, "threshold": 0.01}).json["entities"]
        all_labels = [LABELS[:n % 3 + 1] for n in range(12)]
        with ThreadPoolExecutor(6) as pool:
            self.assertEqual(list(pool.map(ask, all_labels)), [ask(labels) for labels in all_labels])

    def test_errors(self):
        good = {"texts": ["a"], "labels": ["b"]}
        self.post("/api/v1/entities", good)
        for more, status in (({"labels": []}, 400), ({"labels": [1]}, 400), ({"threshold": 2}, 400), ({"threshold": "x"}, 400),
                             ({"model": "ner"}, 400), ({"texts": None}, 400), ({"labels": ["word " * 9] * 2000}, 400)):
            self.assertEqual(set(self.post("/api/v1/entities", {**good, **more}, status=status).json), {"error"}, more)
        self.post("/api/v1/entities", {"texts": ["a"], "model": "spans"}, status=400)


class TestZeroShot(HeadsCase):
    def test_as_the_command_line(self):
        for more, arguments in (({}, []), ({"multi_label": True}, ["--multi-label"]),
                                ({"hypothesis": "{}? Yes."}, ["--hypothesis", "{}? Yes."])):
            body = {"texts": TEXTS, "labels": LABELS, "model": "nli", **more}
            answer = self.post("/api/v1/zero-shot", body).json
            lines = self.lines(NLI, "--labels", ",".join(LABELS), *arguments)
            self.assertEqual(answer["scores"], [[line["labels"][name] for name in LABELS] for line in lines])
            self.assertEqual((answer["labels"], answer["model"]), (LABELS, "nli"))

    def test_errors(self):
        good = {"texts": ["a"], "labels": ["b"], "model": "nli"}
        self.post("/api/v1/zero-shot", good)
        for more, status in (({"labels": []}, 400), ({"labels": [1]}, 400), ({"hypothesis": "no place"}, 400),
                             ({"texts": None}, 400), ({"model": "ner"}, 400), ({"model": "none"}, 404)):
            self.assertEqual(set(self.post("/api/v1/zero-shot", {**good, **more}, status=status).json), {"error"})

    def test_long_texts_keep_their_hypothesis(self):
        long = "word " * 300
        answer = self.post("/api/v1/zero-shot", {"texts": [long], "labels": LABELS, "model": "nli"}).json
        line, = self.hone("classify", "-m", NLI, "--format", "jsonl", "--labels", ",".join(LABELS),
                          stdin=long + "\n").json_lines
        self.assertEqual(answer["scores"], [list(line["labels"].values())])


class TestFill(HeadsCase):
    def test_as_the_command_line(self):
        texts = ["a [MASK] b [MASK]", "nothing", "[MASK]"]
        for n in (1, 7):
            answer = self.post("/api/v1/fill-mask", {"texts": texts, "top_n": n}).json
            lines = self.hone("fill", "-m", FILL, "--format", "jsonl", "--top-n", str(n),
                              stdin="".join(t + "\n" for t in texts)).json_lines
            self.assertEqual(answer["masks"], [line["masks"] for line in lines])

    def test_errors(self):
        for body, status in (({"texts": []}, 400), ({"texts": ["a"], "top_n": 0}, 400), ({"texts": ["a"], "model": "ner"}, 400)):
            self.assertEqual(set(self.post("/api/v1/fill-mask", body, status=status).json), {"error"})


class TestAnswers(HeadsCase):
    QUESTIONS = ["how fast is the fox?", "what is sorted", "who"]
    CONTEXTS = ["A small runtime for transformer models on ordinary processors.", "texts are sorted by length \u2014 " * 40, ""]

    def lines(self, *arguments):
        pairs = "".join(json.dumps(pair) + "\n" for pair in zip(self.QUESTIONS, self.CONTEXTS))
        return [line["answers"] for line in self.hone("answer", "-m", ANSWER, "--format", "jsonl", "--jsonl", "--pair", *arguments,
                                                      stdin=pairs).json_lines]

    def test_as_the_command_line(self):
        body = {"questions": self.QUESTIONS, "contexts": self.CONTEXTS}
        for more, arguments in (({}, []), ({"top_n": 4, "none": True}, ["--top-n", "4", "--none"])):
            answer = self.post("/api/v1/answer", {**body, **more}).json
            self.assertEqual(answer["answers"], self.lines(*arguments))
            self.assertEqual(answer["model"], "answer")
            self.assertGreater(answer["usage"]["prompt_tokens"], 60)
        for context, found in zip(self.CONTEXTS, answer["answers"]):
            for a in found:
                self.assertEqual(context.encode()[a["start"]:a["end"]].decode(), a["text"])

    def test_one_question(self):
        one = self.post("/api/v1/answer", {"questions": self.QUESTIONS[0], "contexts": self.CONTEXTS[:2]}).json
        each = self.post("/api/v1/answer", {"questions": self.QUESTIONS[:1] * 2, "contexts": self.CONTEXTS[:2]}).json
        self.assertEqual(one["answers"], each["answers"])
        short = self.post("/api/v1/answer", {"questions": "who", "contexts": self.CONTEXTS[0], "max_tokens": 1}).json
        self.assertNotIn(" ", short["answers"][0][0]["text"])

    def test_at_the_same_time(self):
        """Requests of several clients, whose texts meet in the queue of one model."""
        bodies = [{"questions": q, "contexts": [c] * n} for n, (q, c) in enumerate(zip(self.QUESTIONS, self.CONTEXTS), 1)]
        alone = [self.post("/api/v1/answer", body).json["answers"] for body in bodies]
        with ThreadPoolExecutor(6) as pool:
            for i, answer in enumerate(pool.map(lambda body: self.post("/api/v1/answer", body).json, bodies * 4)):
                self.assertEqual(answer["answers"], alone[i % 3])

    def test_errors(self):
        good = {"questions": "who", "contexts": ["a text"]}
        self.post("/api/v1/answer", good)
        for more, status in (({"questions": ["a", "b"]}, 400), ({"contexts": []}, 400), ({"contexts": [1]}, 400),
                             ({"questions": None}, 400), ({"top_n": 0}, 400), ({"max_tokens": 0}, 400), ({"model": "ner"}, 400),
                             ({"model": "none"}, 404), ({"questions": "who " * 60, "contexts": ["a long text " * 40]}, 400)):
            self.assertEqual(set(self.post("/api/v1/answer", {**good, **more}, status=status).json), {"error"})


if __name__ == "__main__":
    main()
