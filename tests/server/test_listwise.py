"""/rerank by a model that reads all documents of a request together: they are never parted into batches, and no score is kept for
another list."""
import json
import os

from serving import FIXTURES, ServerCase, main

FOLDER = os.path.join(FIXTURES, "qwen3-listwise")


class Listwise(ServerCase):
    models = [f"list={FOLDER}"]
    arguments = ["--compute", "f32", "--batch-tokens", "256"]

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        with open(os.path.join(FOLDER, "golden.json")) as f:
            cls.cases = json.load(f)["cases"]

    def ranked(self, query, documents, **more):
        reply = self.post("/v1/rerank", {"model": "list", "query": query, "documents": documents, **more}).json
        return {r["index"]: r["relevance_score"] for r in reply["results"]}

    def test_lists(self):
        for i in (0, 1, 4, 0):
            case = self.cases[i]
            scores = self.ranked(case["query"], case["documents"])
            self.assertEqual(len(scores), len(case["scores"]))
            for k, want in enumerate(case["scores"]):
                self.assertLess(abs(scores[k] - want), 1e-4 * max(abs(want), 0.1), (i, k))

    def test_tei_and_best(self):
        case = self.cases[1]
        best = max(range(3), key=lambda k: case["scores"][k])
        self.assertEqual(list(self.ranked(case["query"], case["documents"], top_n=1)), [best])
        reply = self.post("/rerank", {"query": case["query"], "texts": case["documents"]}).json
        self.assertEqual(reply[0]["index"], best)

    def test_no_vectors(self):
        self.post("/v1/embeddings", {"model": "list", "input": "x"}, status=400)


if __name__ == "__main__":
    main()
