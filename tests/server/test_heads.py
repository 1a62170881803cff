"""What texts name, and labels that a model was not trained for: the command line's values over HTTP."""
import os

from serving import CLASSIFY, FIXTURES, ServerCase, main

NER, NLI, FILL = (os.path.join(FIXTURES, name) for name in ("ner-bert", "nli", "fill-bert"))
TEXTS = ["naïve café — 東京 123", "A small runtime for transformer models", "x"]
LABELS = ["travel", "cooking and food", "dancing"]


class HeadsCase(ServerCase):
    models = [f"labels={CLASSIFY}", f"ner={NER}", f"nli={NLI}", f"fill={FILL}"]

    def lines(self, model, *arguments):
        return self.hone("classify", "-m", model, "--format", "jsonl", *arguments,
                         stdin="".join(t + "\n" for t in TEXTS)).json_lines


class TestKinds(HeadsCase):
    def test_what_the_model_is_for(self):
        tasks = {m["id"]: m["meta"]["task"] for m in self.get("/v1/models").json["data"]}
        self.assertEqual(tasks, {"labels": "classify", "ner": "classify-tokens", "nli": "classify", "fill": "embed"})
        self.assertIn("B-PER", self.get("/info?model=ner").json["model_type"]["classifier"]["label2id"])
        self.assertIn('task="classify-tokens"', self.get("/metrics").body.decode())


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


if __name__ == "__main__":
    main()
