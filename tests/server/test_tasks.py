"""Embeddings for tasks that a model has adapters for, by the field that Jina's clients write; requests for different tasks go
through the model together."""
import concurrent.futures
import json
import os

from serving import EMBED, FIXTURES, ServerCase, main

MODEL = os.path.join(FIXTURES, "jina-v3-tasks")
with open(os.path.join(MODEL, "tasks.json"), encoding="utf-8") as f:
    REFERENCE = json.load(f)
TEXTS, TASKS = REFERENCE["texts"], REFERENCE["embedding"]


class TestTasks(ServerCase):
    models = [f"tasks={MODEL}", f"plain={EMBED}"]

    def rows(self, path="/v1/embeddings", **fields):
        if path == "/v1/embeddings":
            answer = self.post(path, {"model": "tasks", "input": TEXTS, **fields}).json
            return [row["embedding"] for row in answer["data"]]
        return self.post(path, {"model": "tasks", "texts": TEXTS, **fields}).json["embeddings"]

    def test_each(self):
        for task in TASKS:
            wanted = self.embedded(TEXTS, "--task", task, model=MODEL)
            self.assertEqual(self.rows(task=task), wanted)
            self.assertEqual(self.rows("/api/v1/embed", task=task), wanted)
        self.assertEqual(self.rows(input_type="query"), self.embedded(TEXTS, "--task", "retrieval.query", model=MODEL))
        self.assertEqual(self.rows(), self.embedded(TEXTS, model=MODEL))

    def test_together(self):
        """Whatever they share a batch or a cache with, they are what they are alone."""
        wanted = {task: self.embedded(TEXTS, "--task", task, model=MODEL) for task in (*TASKS, "")}
        asked = [task for _ in range(8) for task in wanted]
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            for task, rows in zip(asked, pool.map(lambda task: self.rows(task=task), asked)):
                self.assertEqual(rows, wanted[task], task)

    def test_reranking(self):
        """A query and its documents, which share a batch, are each for their own task."""
        rows = {task: self.embedded(TEXTS, "--task", task, model=MODEL) for task in ("retrieval.query", "retrieval.passage")}
        answer = self.post("/v1/rerank", {"model": "tasks", "query": TEXTS[0], "documents": TEXTS[1:]}).json
        for row in answer["results"]:
            wanted = sum(a * b for a, b in zip(rows["retrieval.query"][0], rows["retrieval.passage"][row["index"] + 1]))
            self.assertAlmostEqual(row["relevance_score"], wanted, delta=1e-5)

    def test_a_model_without(self):
        """Sides of a search are known of any model; tasks are refused by name."""
        texts, path = ["x"], "/v1/embeddings"
        for task, side in (("retrieval.query", "query"), ("retrieval.passage", "document")):
            named, typed = (self.post(path, {"model": "plain", "input": texts, **how}).json["data"]
                            for how in ({"task": task}, {"input_type": side}))
            self.assertEqual(named, typed)
        for model, task in (("plain", "separation"), ("tasks", "clustering")):
            error = self.post(path, {"model": model, "input": texts, "task": task}, status=400).json["error"]
            self.assertIn(f"'{task}'", error["message"])


if __name__ == "__main__":
    main()
