"""hone embed where a text is more than one vector, or other than one: vectors of tokens, weights of words."""
import json
import os

from support import CROSS, EMBED, FIXTURES, Case, golden, main

COLBERT = os.path.join(FIXTURES, "colbert")
SPLADE = [os.path.join(FIXTURES, name) for name in ("splade", "splade-distilbert", "splade-modernbert", "splade-albert")]


def lines(texts):
    return "".join(t + "\n" for t in texts)


def dense(sparse, n):
    row = [0.0] * n
    for word in sparse:
        row[word["index"]] = word["value"]
    return row


class Tokens(Case):
    def files(self, folder):
        self.hone("convert", folder, "-o", self.path("model.gguf"))
        return folder, self.path("model.gguf")

    def test_late_interaction(self):
        g = golden(COLBERT)
        for model in self.files(COLBERT):
            rows = self.hone("embed", "-m", model, "--prompt", "", stdin=lines(g["texts"])).json_lines
            for row, wanted in zip(rows, g["tokens"], strict=True):
                for vector, w in zip(row["tokens"], wanted, strict=True):
                    self.assertClose(vector, w)

    def test_any_batch(self):
        texts = golden(COLBERT)["texts"]
        together = self.hone("embed", "-m", COLBERT, stdin=lines(texts)).json_lines
        for text, row in zip(texts, together):
            for threads in "1", "2":
                alone = self.hone("embed", "-m", COLBERT, "-t", threads, stdin=text + "\n").json_lines[0]
                self.assertEqual(alone["tokens"], row["tokens"])

    def test_hidden_states(self):
        """Their mean is the embedding of a model that pools so."""
        text = golden(EMBED)["texts"][0] + "\n"
        row = self.hone("embed", "-m", EMBED, "--tokens", stdin=text).json_lines[0]["tokens"]
        mean = [sum(x) / len(row) for x in zip(*row)]
        self.assertClose(mean, self.hone("embed", "-m", EMBED, "--no-normalize", stdin=text).json_lines[0]["embedding"])

    def test_ranking(self):
        """The sum of each query token's best cosine; the query gets its prompt."""
        texts = golden(COLBERT)["texts"]
        query, *_ = self.hone("embed", "-m", COLBERT, "--as", "query", stdin="lazy dog\n").json_lines
        docs = self.hone("embed", "-m", COLBERT, stdin=lines(texts)).json_lines
        wanted = [sum(max(sum(a * b for a, b in zip(q, t)) for t in d["tokens"]) for q in query["tokens"]) for d in docs]
        got = {r["index"]: r["score"] for r in self.hone("rerank", "-m", COLBERT, "-q", "lazy dog", "--format", "jsonl",
                                                         stdin=lines(texts)).json_lines}
        self.assertClose([got[i] for i in range(len(texts))], wanted)

    def test_refusals(self):
        for model, arguments, status in ((COLBERT, ["--format", "npy"], 2), (EMBED, ["--tokens", "--format", "csv"], 2),
                                         (CROSS, ["--tokens"], 2), (COLBERT, ["--dimensions", "7"], 2),
                                         (COLBERT, ["--dimensions", "6"], 0), (COLBERT, ["--pooling", "mean"], 0)):
            self.hone("embed", "-m", model, *arguments, stdin="x\n", status=status)

    def test_refused_texts(self):
        run = self.hone("embed", "-m", COLBERT, "--strict", "--max-length", "5", stdin="x\n" + "fox " * 9 + "\ny\n",
                        status=4)
        self.assertEqual([r["index"] for r in run.json_lines], [0, 2])


class Words(Case):
    def test_weights(self):
        for folder in SPLADE:
            g = golden(folder)
            self.hone("convert", folder, "-o", self.path("model.gguf"))
            for model in folder, self.path("model.gguf"):
                rows = self.hone("embed", "-m", model, stdin=lines(g["texts"])).json_lines
                for row, wanted in zip(rows, g["sparse"], strict=True):
                    self.assertClose(dense(row["sparse"], len(wanted)), wanted)
                    self.assertTrue(all(w["value"] > 0 for w in row["sparse"]))
                    self.assertEqual(sorted(w["index"] for w in row["sparse"]), [w["index"] for w in row["sparse"]])

    def test_any_batch(self):
        texts = golden(SPLADE[0])["texts"] * 40
        together = self.hone("embed", "-m", SPLADE[0], stdin=lines(texts)).json_lines
        self.assertEqual([r["sparse"] for r in together[:5]], [r["sparse"] for r in together[-5:]])
        for text, row in zip(texts[:5], together):
            alone = self.hone("embed", "-m", SPLADE[0], "-t1", stdin=text + "\n").json_lines[0]
            self.assertEqual(alone["sparse"], row["sparse"])

    def test_ranking(self):
        g = golden(SPLADE[0])
        wanted = [sum(a * b for a, b in zip(g["sparse"][3], row)) for row in g["sparse"]]
        got = {r["index"]: r["score"] for r in self.hone("rerank", "-m", SPLADE[0], "-q", g["texts"][3], "--format",
                                                         "jsonl", stdin=lines(g["texts"])).json_lines}
        self.assertClose([got[i] for i in range(len(wanted))], wanted, 1e-3)

    def test_refusals(self):
        for arguments in (["--pooling", "mean", "--format", "npy"], ["--format", "csv"]):
            self.hone("embed", "-m", SPLADE[0], *arguments, stdin="x\n", status=2)

    def test_verify(self):
        for model in [COLBERT, *SPLADE]:
            checks = self.hone("verify", "-m", model, "--json").json_lines
            self.assertTrue(all(c["passed"] for c in checks), checks)
            self.assertEqual(json.loads(self.hone("inspect", model, "--json").text)["model"]["pooling"],
                             "tokens" if model == COLBERT else "splade")


if __name__ == "__main__":
    main()
