"""hone rerank: a cross-encoder's order, an embedding model's, tables and JSON."""
import json
import math
import os
import shutil

from support import CROSS, EMBED, FIXTURES, Case, golden, main

JUDGE = os.path.join(FIXTURES, "qwen3-rerank")


class Rerank(Case):
    @classmethod
    def setUpClass(cls):
        cls.pairs = golden(CROSS)["pairs"]
        cls.logits = [x[0] if isinstance(x, list) else x for x in golden(CROSS)["logits"]]

    def rerank(self, query, docs, *arguments, model=CROSS, **how):
        return self.hone("rerank", "-m", model, "-q", query, *arguments, stdin="".join(d + "\n" for d in docs), **how)

    def test_scores_are_right(self):
        for (query, document), logit in zip(self.pairs, self.logits):
            run = self.rerank(query, [document], "--format", "jsonl")
            self.assertClose([run.json_lines[0]["score"]], [1 / (1 + math.exp(-logit))])
            self.assertEqual(run.json_lines[0]["document"], document)
            self.assertEqual(run.json_lines[0]["index"], 0)
            run = self.rerank(query, [document], "--format=jsonl", "--raw")
            self.assertClose([run.json_lines[0]["score"]], [logit])

    def documents(self, n):
        return [f"{self.pairs[i % len(self.pairs)][1]} {i}" for i in range(n)]

    def test_best_first_and_all_there(self):
        rows = self.rerank("a query", self.documents(1500), "--format=jsonl").json_lines
        scores = [r["score"] for r in rows]
        self.assertEqual(scores, sorted(scores, reverse=True))
        self.assertEqual(sorted(r["index"] for r in rows), list(range(1500)))
        for r in rows:
            self.assertEqual(r["document"], self.documents(1500)[r["index"]])

    def test_top_n(self):
        rows = self.rerank("a query", self.documents(3500), "--format=jsonl").json_lines
        for n in (1, 2, 10, 1024, 5000):
            top = self.rerank("a query", self.documents(3500), "--format=jsonl", f"--top-n={n}").json_lines
            self.assertEqual(top, rows[:n])

    def test_ties_by_index(self):
        rows = self.rerank("q", ["same", "other", "same", "same"], "--format=jsonl").json_lines
        same = [r["index"] for r in rows if r["document"] == "same"]
        self.assertEqual(same, [0, 2, 3])

    def test_embedding_model_ranks_by_cosine(self):
        """The model has prompts named query and document; they are used."""
        texts = golden(EMBED)["texts"]
        lines = "".join(t + "\n" for t in texts)

        def embed(prompt):
            run = self.hone("embed", "-m", EMBED, "--prompt", prompt, stdin=lines)
            return [row["embedding"] for row in run.json_lines]
        run = self.rerank(texts[0], texts, "--format=jsonl", model=EMBED)
        self.assertIn("cosine similarity", run.words)
        query = embed("query")[0]
        wanted = [sum(a * b for a, b in zip(query, v)) for v in embed("document")]
        for r in run.json_lines:
            self.assertClose([r["score"]], [wanted[r["index"]]])

    def changed(self, settings):
        """The folder of a model that makes vectors, with these settings."""
        folder = self.path("changed")
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(EMBED, folder)
        with open(os.path.join(folder, "config_sentence_transformers.json"), "w") as f:
            json.dump(settings, f)
        return folder

    def vectors(self, model, texts, *arguments):
        return [row["embedding"] for row in self.hone("embed", "-m", model, "--compute=f32", *arguments,
                                                      stdin="".join(t + "\n" for t in texts)).json_lines]

    def test_the_models_own_cut(self):
        """Cosines are of the numbers that are left, in Sentence Transformers as here."""
        texts = golden(EMBED)["texts"]
        folder = self.changed({"truncate_dim": 5, "prompts": {}})
        query, *rows = self.vectors(folder, [texts[0], *texts])
        length = lambda v: math.sqrt(sum(x * x for x in v))  # noqa: E731
        run = self.rerank(texts[0], texts, "--format=jsonl", "--compute=f32", model=folder)
        for r in run.json_lines:
            row = rows[r["index"]]
            self.assertEqual(len(row), 5)
            self.assertClose([r["score"]], [sum(a * b for a, b in zip(query, row)) / length(query) / length(row)])

    def test_texts_of_a_search_have_no_other_prompt(self):
        """Neither the default one nor "passage": as in Sentence Transformers, where "query" and "document" always are."""
        texts = golden(EMBED)["texts"]
        folder = self.changed({"prompts": {"passage": "of: ", "p": "say: "}, "default_prompt_name": "p"})
        plain = self.vectors(folder, texts, "--prompt", "")
        self.assertNotEqual(self.vectors(folder, texts), plain)
        for role in ("query", "document"):
            self.assertEqual(self.vectors(folder, texts, "--as", role), plain)

    def test_similarities_of_other_models(self):
        for name in ("maxsim", "meanmaxsim", "none"):
            run = self.rerank("x", ["y"], model=self.changed({"similarity_fn_name": name}), status=3)
            self.assertIn(f"'{name}'", run.words)

    def test_lengths_of_other_models(self):
        for name, value in (("query_length", 5), ("document_length", 5), ("query_expansion", {"strategy": "fixed", "length": 9})):
            folder = self.changed({})
            with open(os.path.join(folder, "sentence_bert_config.json"), "w") as f:
                json.dump({name: value}, f)
            self.assertIn(f"'{name}'", self.rerank("x", ["y"], model=folder, status=3).words)

    def test_table(self):
        run = self.rerank("a query", ["one\twith tab", "two \x1b[31mred", "three"])
        lines = run.text.splitlines()
        self.assertEqual(lines[0].split(), ["rank", "score", "line", "document"])
        self.assertEqual(len(lines), 4)
        self.assertNotIn("\x1b", run.text)
        self.assertNotIn("\t", run.text)
        self.assertEqual(sorted(line.split()[2] for line in lines[1:]), ["1", "2", "3"])
        self.assertEqual(self.rerank("a query", ["one\twith tab", "two \x1b[31mred", "three"], "--format=table").out, run.out)

    def test_hostile_bytes_come_out_as_json(self):
        lines = b'NUL \x00 here\ninvalid \xff \xe4\xb8 end\n"quotes" \\ \x01\x1f\x7f\n\xed\xa0\x80\n\n'
        run = self.hone("rerank", "-m", CROSS, "-q", "x", "--format=jsonl", stdin=lines)
        by_index = {r["index"]: r["document"] for r in run.json_lines}
        for i, line in enumerate(lines.split(b"\n")[:-1]):
            self.assertEqual(by_index[i], line.decode(errors="replace"))

    def test_strict_leaves_out(self):
        run = self.rerank("x", ["short", self.pairs[0][1] * 5], "--format=jsonl", "--strict", "--max-length=16", status=4)
        self.assertEqual([r["index"] for r in run.json_lines], [0])
        self.assertIn("line 2: ", run.words)

    def test_judge(self):
        g = golden(JUDGE)
        for case in g["cases"]:
            how = ["--instruction", case["instruction"]] if case["instruction"] else []
            run = self.rerank(case["query"], [d or "x" for d in g["documents"]], "--format=jsonl", "--compute=f32", *how,
                              model=JUDGE)
            self.assertNotIn("cosine", run.words)
            for row in run.json_lines:
                if g["documents"][row["index"]]:
                    self.assertClose([row["score"]], [case["scores"][row["index"]]])

    def test_instruction_is_for_judges(self):
        self.assertIn("takes no instruction", self.rerank("x", ["y"], "--instruction=z", status=2).words)

    def test_nothing_to_rank(self):
        self.assertEqual(self.rerank("x", [], "--format=jsonl").out, b"")
        self.assertEqual(self.rerank("", [""], "--format=jsonl").json_lines[0]["document"], "")


if __name__ == "__main__":
    main()
