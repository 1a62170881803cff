"""hone eval and hone rerank --run, beside pytrec_eval and what hone rerank and hone embed say."""
import json
import os
import random
import subprocess
import unittest

from support import CROSS, EMBED, Case, main, python_with

PYTREC = """
import json, sys, pytrec_eval
qrels, run, cut = json.load(sys.stdin)
e = pytrec_eval.RelevanceEvaluator(qrels, {f"ndcg_cut.{cut}", "map", "recip_rank", f"recall.{cut},100"})
print(json.dumps(e.evaluate(run)))
"""


def random_judgements(rng, n_queries=40, n_docs=150):
    qrels, run = {}, {}
    for q in range(n_queries):
        docs = [f"d{i}" for i in range(n_docs)]
        judged = rng.sample(docs, rng.randrange(1, 30))
        if rng.random() < 0.95:
            qrels[f"q{q}"] = {d: rng.choice([-1, 0, 0, 1, 1, 2, 3]) for d in judged}
        if rng.random() < 0.95:
            found = rng.sample(docs, rng.randrange(1, n_docs))
            # Few different scores: many ties.
            run[f"q{q}"] = {d: rng.choice([rng.random(), rng.randrange(5) / 4, 1 + 1e-9 * rng.randrange(4)]) for d in found}
    return qrels, run


def as_qrels(qrels):
    return "".join(f"{q} 0 {d} {g}\n" for q, docs in qrels.items() for d, g in docs.items())


def as_beir(qrels):
    return "query-id\tcorpus-id\tscore\n" + "".join(f"{q}\t{d}\t{g}\n" for q, docs in qrels.items() for d, g in docs.items())


def as_run(run):
    return "".join(f"{q} Q0 {d} {i + 1} {s!r} tag\n" for q, docs in run.items() for i, (d, s) in enumerate(docs.items()))


def read_run(text):
    run = {}
    for line in text.splitlines():
        q, _, d, rank, score, _ = line.split()
        run.setdefault(q, {})[d] = float(score)
        assert int(rank) == len(run[q])
    return run


class Measures(Case):
    @classmethod
    def setUpClass(cls):
        cls.python = python_with("pytrec-eval-terrier")

    def wanted(self, qrels, run, cut):
        p = subprocess.run([self.python, "-c", PYTREC], input=json.dumps([qrels, run, cut]), capture_output=True, text=True)
        self.assertEqual(p.returncode, 0, p.stderr)
        values = list(json.loads(p.stdout).values())
        return {k: sum(v[k] for v in values) / len(values) for k in values[0]}, len(values)

    def test_as_trec_eval(self):
        rng = random.Random(3)
        for i, cut in enumerate([10, 1, 3, 20, 1000, 10]):
            qrels, run = random_judgements(rng)
            wanted, n = self.wanted(qrels, run, cut)
            judged = self.file("qrels", as_beir(qrels) if i % 2 else as_qrels(qrels))
            found = json.loads(self.hone("eval", "--qrels", judged, "-k", str(cut), "--json",
                                         self.file("run", as_run(run))).text)["runs"][0]
            self.assertEqual(found["queries"], n)
            for name, value in wanted.items():
                self.assertAlmostEqual(found[name], value, delta=1e-6, msg=name)

    def test_two_runs(self):
        rng = random.Random(4)
        qrels, run = random_judgements(rng)
        better = {q: {d: s + 10 * max(qrels.get(q, {}).get(d, 0), 0) for d, s in docs.items()} for q, docs in run.items()}
        paths = [self.file(n, as_run(r)) for n, r in (("a", run), ("b", run), ("c", better))]
        runs = json.loads(self.hone("eval", "--qrels", self.file("qrels", as_qrels(qrels)), "--json", *paths).text)["runs"]
        self.assertEqual(runs[1]["p_map"], 1)
        self.assertLess(runs[2]["p_map"], 1e-3)
        self.assertGreater(runs[2]["map"], runs[0]["map"])
        table = self.hone("eval", "--qrels", self.path("qrels"), *paths).text.splitlines()
        self.assertEqual(len(table), 6)

    def test_p_values(self):
        """Beside all 2^n assignments, of few queries."""
        rng = random.Random(5)
        qrels = {f"q{i}": {"r": 1} for i in range(10)}
        runs = [{q: {"r": 0, **{f"x{k}": 1 for k in range(rng.randrange(4))}} for q in qrels} for _ in range(2)]
        values = [[1 / len(docs) for docs in run.values()] for run in runs]
        d = [x - y for x, y in zip(*values)]
        sums = [abs(sum(v if i >> k & 1 else -v for k, v in enumerate(d))) for i in range(1 << len(d))]
        wanted = sum(s >= abs(sum(d)) - 1e-12 for s in sums) / len(sums)
        found = json.loads(self.hone("eval", "--qrels", self.file("qrels", as_qrels(qrels)), "--json",
                                     *[self.file(f"r{i}", as_run(r)) for i, r in enumerate(runs)]).text)["runs"][1]
        self.assertAlmostEqual(found["p_recip_rank"], wanted, delta=0.01)


class Models(Case):
    def setUp(self):
        super().setUp()
        self.docs = {f"d{i}": (f"title {i}" if i % 2 else "", f"the fox number {i} and {i * i} dogs") for i in range(30)}
        self.queries = {f"q{i}": f"fox {i}" for i in range(4)}
        os.makedirs(self.path("beir/qrels"))
        self.file("beir/corpus.jsonl", "".join(json.dumps({"_id": i, "title": t, "text": x}) + "\n"
                                               for i, (t, x) in self.docs.items()))
        self.file("beir/queries.jsonl", "".join(json.dumps({"_id": i, "text": x}) + "\n" for i, x in self.queries.items()))
        self.qrels = {q: {f"d{k}": 1 + k % 2 for k in range(i, 30, 7)} for i, q in enumerate(self.queries) if q != "q3"}
        self.file("beir/qrels/test.tsv", as_beir(self.qrels))

    def text(self, d):
        title, text = self.docs[d]
        return f"{title} {text}" if title else text

    def test_search(self):
        found = json.loads(self.hone("eval", "-m", EMBED, self.path("beir"), "--json", "-o", self.path("run"),
                                     "--top-n", "20").text)["runs"][0]
        self.assertEqual(found["queries"], 3)
        with open(self.path("run")) as f:
            run = read_run(f.read())
        self.assertEqual({len(docs) for docs in run.values()}, {20})
        again = json.loads(self.hone("eval", "--qrels", self.path("beir/qrels/test.tsv"), "--json", self.path("run")).text)
        self.assertEqual(again["runs"][0]["map"], found["map"])
        for q, docs in run.items():
            vectors = [r["embedding"] for r in self.hone("embed", "-m", EMBED, "--prompt=query",
                                                         stdin=self.queries[q] + "\n").json_lines]
            vectors += [r["embedding"] for r in self.hone(
                "embed", "-m", EMBED, "--prompt=document", stdin="".join(self.text(d) + "\n" for d in docs)).json_lines]
            for score, v in zip(docs.values(), vectors[1:]):
                self.assertAlmostEqual(score, sum(a * b for a, b in zip(vectors[0], v)), delta=1e-5)

    def test_rerank_a_run(self):
        rng = random.Random(1)
        run = {q: {d: rng.random() for d in rng.sample(sorted(self.docs), 10)} for q in self.queries}
        arguments = ["rerank", "-m", CROSS, "--run", self.file("run", as_run(run)), "--corpus", self.path("beir/corpus.jsonl"),
                     "--queries", self.path("beir/queries.jsonl")]
        new = read_run(self.hone(*arguments).text)
        self.assertEqual({q: set(d) for q, d in new.items()}, {q: set(d) for q, d in run.items()})
        for q, docs in new.items():
            names = list(docs)
            rows = self.hone("rerank", "-m", CROSS, "-q", self.queries[q], "--format=jsonl",
                             stdin="".join(self.text(d) + "\n" for d in names)).json_lines
            for r in rows:
                self.assertAlmostEqual(docs[names[r["index"]]], r["score"], delta=1e-6)
            self.assertEqual(sorted(docs.values(), reverse=True), list(docs.values()))
        self.hone(*arguments, "--format=trec", "-o", self.path("new.trec.gz"))
        found = json.loads(self.hone("eval", "-m", CROSS, self.path("beir"), "--run", self.path("run"), "--json",
                                     self.path("new.trec.gz")).text)["runs"]
        self.assertEqual(found[0]["map"], found[1]["map"])

    def test_what_is_missing_is_named(self):
        run = self.file("run", "q0 Q0 none 1 0.5 x\n")
        places = ["--corpus", self.path("beir/corpus.jsonl"), "--queries", self.path("beir/queries.jsonl")]
        self.assertIn("'none'", self.hone("rerank", "-m", CROSS, "--run", run, *places, status=2).words)
        self.assertIn("'qx'", self.hone("rerank", "-m", CROSS, "--run", self.file("run", "qx Q0 d1 1 0.5 x\n"), *places,
                                        status=2).words)
        for bad in "q Q0 d 1 x tag\n", "q d 1\n", "q Q0 d 1 0.5 t more\n":
            self.assertIn("line 2", self.hone("rerank", "-m", CROSS, "--run", self.file("run", "q0 Q0 d1 1 1 t\n" + bad),
                                              *places, status=2).words)
        self.hone("rerank", "-m", CROSS, "--run", run, status=2)
        self.hone("rerank", "-m", CROSS, status=2)
        self.hone("rerank", "-m", CROSS, "-q", "a", "--run", run, status=2)
        self.hone("eval", run, status=2)
        for grade in ("1.5", "2" * 70, "nan", "inf", "-1e300", "one"):
            self.assertIn("line 1", self.hone("eval", "--qrels", self.file("odd", f"q1 0 d0 {grade}\n"), run, status=2).words)
        self.hone("eval", "-m", CROSS, self.path("beir"), status=2)
        self.assertIn("in common", self.hone("eval", "--qrels", self.path("beir/qrels/test.tsv"),
                                             self.file("r", "z Q0 d 1 1 t\n"), status=2).words)


if __name__ == "__main__":
    main()
