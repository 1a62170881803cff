"""What computes texts, in each dialect's shape, with the command line's values."""
import base64
import os
import struct

from serving import CLASSIFY, CROSS, EMBED, FIXTURES, ServerCase, main

SPLADE, COLBERT, JUDGE = (os.path.join(FIXTURES, name) for name in ("splade", "colbert", "qwen3-rerank"))
QUERY, DOCUMENTS = "what is a test", ["a test is a question", "nothing", "the answer of a long test"]
LONG = "word " * 100


class TextsCase(ServerCase):
    models = [f"embed={EMBED}", f"cross={CROSS}", f"classify={CLASSIFY}", f"splade={SPLADE}", f"colbert={COLBERT}",
              f"judge={JUDGE}"]

    def reranked(self, *arguments, documents=None, model=CROSS):
        """(index, score) best first, as the command line has it."""
        lines = "".join(d + "\n" for d in documents or DOCUMENTS)
        run = self.hone("rerank", "-m", model, "-q", QUERY, "--format", "jsonl", *arguments, stdin=lines)
        return [(line["index"], line["score"]) for line in run.json_lines]

    def cosines(self):
        query, *rows = self.embedded([QUERY, *DOCUMENTS])
        return [sum(a * b for a, b in zip(query, row)) for row in rows]

    def labels(self, lines, *arguments):
        run = self.hone("classify", "-m", CLASSIFY, "--format", "jsonl", *arguments, stdin=lines)
        return [line["labels"] for line in run.json_lines]


class TestNative(TextsCase):
    def test_embed(self):
        answer = self.post("/api/v1/embed", {"texts": DOCUMENTS}).json
        self.assertEqual(answer["embeddings"], self.embedded(DOCUMENTS))
        self.assertEqual((answer["model"], answer["dimensions"]), ("embed", len(answer["embeddings"][0])))

    def test_options(self):
        body = {"texts": DOCUMENTS, "model": "embed", "normalize": False, "dimensions": 5}
        self.assertEqual(self.post("/api/v1/embed", body).json["embeddings"],
                         self.embedded(DOCUMENTS, "--no-normalize", "--dimensions", "5"))

    def test_errors(self):
        for body, status in (({"texts": []}, 400), ({"texts": [5]}, 400), ({"texts": ["a"], "model": "no"}, 404),
                             ({"texts": ["a"], "model": "cross"}, 400), ({"texts": ["a"], "prompt": "nope"}, 400)):
            self.assertEqual(set(self.post("/api/v1/embed", body, status=status).json), {"error"})


class TestTei(TextsCase):
    def error(self, path, body, status, kind):
        error = self.post(path, body, status=status).json
        self.assertEqual((set(error), error["error_type"]), ({"error", "error_type"}, kind))

    def test_embed(self):
        self.assertEqual(self.post("/embed", {"inputs": DOCUMENTS}).json, self.embedded(DOCUMENTS))
        self.assertEqual(self.post("/embed", {"inputs": "nothing", "normalize": False}).json,
                         self.embedded(["nothing"], "--no-normalize"))

    def test_ids_as_input(self):
        ids = self.hone("tokenize", "-m", EMBED, stdin="nothing\n").json_lines[0]
        wanted = self.embedded(["nothing"])
        for inputs in (ids, [ids], [ids, ids]):
            for row in self.post("/embed", {"inputs": inputs}).json:
                self.assertEqual(row, wanted[0])

    def test_truncation_is_asked_for(self):
        self.error("/embed", {"inputs": LONG}, 413, "Validation")
        self.assertEqual(self.post("/embed", {"inputs": LONG, "truncate": True}).json, self.embedded([LONG]))

    def test_truncation_has_a_direction(self):
        words = [chr(97 + i % 26) for i in range(60)]
        tokens = self.post("/tokenize", {"inputs": " ".join(words), "add_special_tokens": False}).json[0]
        head, tail = (" ".join(words)[t[0]["start"]:t[-1]["stop"]] for t in (tokens[:46], tokens[-46:]))
        ask = {"inputs": " ".join(words), "truncate": True}
        for direction, wanted in (("Right", head), ("Left", tail)):
            for path, model in (("/predict", "classify"), ("/embed_sparse", "splade")):  # without a prompt
                answer = self.post(path, {**ask, "model": model, "truncation_direction": direction}).json
                self.assertEqual(answer, self.post(path, {"inputs": wanted, "model": model}).json)
            ids = [t["id"] for t in tokens]
            kept = ids[:48] if direction == "Right" else ids[-48:]
            self.assertEqual(self.post("/embed", {"inputs": ids, "truncate": True, "truncation_direction": direction}).json,
                             self.post("/embed", {"inputs": kept}).json)
        self.error("/embed", {**ask, "truncation_direction": "Up"}, 422, "Validation")

    def test_root(self):
        """Clients that know no paths."""
        for path, body in (("/embed", {"inputs": "a"}), ("/embed", {"inputs": ["a", "b"], "normalize": False}),
                           ("/similarity", {"inputs": {"source_sentence": "a", "sentences": ["b"]}}),
                           ("/predict", {"inputs": "a", "model": "classify"}), ("/embed_sparse", {"inputs": "a", "model": "splade"}),
                           ("/rerank", {"query": QUERY, "texts": DOCUMENTS, "model": "cross"})):
            self.assertEqual(self.post("/", body).json, self.post(path, body).json)
        self.error("/", {"inputs": []}, 400, "Empty")
        self.error("/", {}, 422, "Validation")
        self.assertEqual(self.get("/", status=200).headers["Content-Type"].split(";")[0], "text/html")

    def test_errors(self):
        self.error("/embed", {"inputs": []}, 400, "Empty")
        self.error("/embed", {"inputs": {}}, 422, "Validation")
        self.error("/embed", {"inputs": ["a"] * 3000}, 413, "Validation")
        self.error("/embed", {"inputs": "a", "truncate": 1}, 422, "Validation")
        self.error("/embed", {"inputs": "a", "model": "cross"}, 424, "Backend")

    def test_embed_all(self):
        run = self.hone("embed", "-m", EMBED, "--tokens", stdin="".join(d + "\n" for d in DOCUMENTS))
        self.assertEqual(self.post("/embed_all", {"inputs": DOCUMENTS}).json, [line["tokens"] for line in run.json_lines])
        run = self.hone("embed", "-m", COLBERT, stdin="nothing\n")
        answer = self.post("/embed_all", {"inputs": "nothing", "model": "colbert"}).json
        self.assertEqual(answer, [line["tokens"] for line in run.json_lines])

    def test_embed_sparse(self):
        run = self.hone("embed", "-m", SPLADE, stdin="".join(d + "\n" for d in DOCUMENTS))
        answer = self.post("/embed_sparse", {"inputs": DOCUMENTS, "model": "splade"}).json
        for words, line in zip(answer, run.json_lines):
            self.assertEqual([(w["index"], w["value"]) for w in words], [(w["index"], w["value"]) for w in line["sparse"]])
        self.error("/embed_sparse", {"inputs": "a", "model": "embed"}, 422, "Validation")

    def test_rerank(self):
        answer = self.post("/rerank", {"query": QUERY, "texts": DOCUMENTS, "return_text": True}).json
        self.assertEqual([(d["index"], d["score"]) for d in answer], self.reranked())
        self.assertEqual([d["text"] for d in answer], [DOCUMENTS[d["index"]] for d in answer])
        answer = self.post("/rerank", {"query": QUERY, "texts": DOCUMENTS, "raw_scores": True}).json
        self.assertEqual([(d["index"], d["score"]) for d in answer], self.reranked("--raw"))
        self.error("/rerank", {"texts": DOCUMENTS}, 422, "Validation")
        self.error("/rerank", {"query": "a", "texts": []}, 400, "Empty")

    def test_predict(self):
        single, pair = self.labels("a test\n")[0], self.labels("a test\tnothing\n", "--pair")[0]

        def same(answer, wanted):
            self.assertEqual({d["label"]: d["score"] for d in answer}, wanted)
            scores = [d["score"] for d in answer]
            self.assertEqual(scores, sorted(scores, reverse=True))
        ask = {"model": "classify"}
        same(self.post("/predict", {**ask, "inputs": "a test"}).json, single)
        same(self.post("/predict", {**ask, "inputs": ["a test", "nothing"]}).json, pair)
        answer = self.post("/predict", {**ask, "inputs": [["a test"], ["a test", "nothing"], ["a test"]]}).json
        for got, wanted in zip(answer, (single, pair, single)):
            same(got, wanted)
        same(self.post("/predict", {**ask, "inputs": "a test", "raw_scores": True}).json,
             self.labels("a test\n", "--raw")[0])
        for inputs in ([], [[]], [["a", "b", "c"]], [["a", 5]], 5, ["a", "b", "c"]):
            self.assertIn(self.server.post("/predict", {**ask, "inputs": inputs}).status, (400, 422))

    def test_similarity(self):
        answer = self.post("/similarity", {"inputs": {"source_sentence": QUERY, "sentences": DOCUMENTS}}).json
        self.assertClose(answer, self.cosines(), 1e-6)
        for inputs in (None, {}, {"source_sentence": "a"}, {"source_sentence": "a", "sentences": []}):
            self.assertIn(self.server.post("/similarity", {"inputs": inputs}).status, (400, 422))

    def test_info(self):
        info = self.get("/info").json
        self.assertEqual(info["model_type"], {"embedding": {"pooling": "mean"}})
        self.assertEqual(self.get("/info?model=classify").json["model_type"]["classifier"]["id2label"]["0"], "sad")
        self.assertIn("reranker", self.get("/info?model=cross").json["model_type"])
        self.get("/info?model=no", status=404)


class TestBadDocuments(TextsCase):
    """Of a rerank request those that cannot be scored are refused by their index, where the client asks for that."""
    forms = (("/rerank", "texts", "score", lambda j: j), ("/rerank", "documents", "relevance_score", lambda j: j["results"]),
             ("/v1/rerank", "documents", "relevance_score", lambda j: j["results"]),
             ("/v2/rerank", "documents", "relevance_score", lambda j: j["results"]))

    def ask(self, path, field, documents, status=200, **more):
        return self.post(path, {"query": QUERY, field: documents, "bad_documents": "skip", **more}, status)

    def test_others_are_answered(self):
        mixed = [5, *DOCUMENTS[:2], None, DOCUMENTS[2], ["a"]]
        good = [1, 2, 4]
        for model in ("cross", "embed", "colbert", "splade", "judge"):
            for path, field, score, results in self.forms:
                wanted = results(self.ask(path, field, DOCUMENTS, model=model).json)
                answer = results(self.ask(path, field, mixed, model=model).json)
                self.assertEqual([(d["index"], d[score]) for d in answer[:3]], [(good[d["index"]], d[score]) for d in wanted])
                self.assertEqual([(d["index"], d[score], d["scored"]) for d in answer[3:]], [(i, 0, False) for i in (0, 3, 5)])
                self.assertIn("is no string", answer[3]["error"])
                self.assertIn(self.server.post(path, {"query": QUERY, field: mixed, "model": model}).status, (400, 422))

    def test_what_is_told(self):
        answer = self.ask("/v1/rerank", "documents", [{"title": "a"}, {"text": DOCUMENTS[0]}, {}], top_n=1,
                          rank_fields=["text"], return_documents=True).json["results"]
        self.assertEqual([d["index"] for d in answer], [1, 0, 2])  # whatever top_n is
        self.assertEqual(answer[0]["document"], {"text": DOCUMENTS[0]})
        self.assertIn("rank_fields", answer[2]["error"])
        answer = self.ask("/rerank", "texts", [DOCUMENTS[1], 3, DOCUMENTS[0]], return_text=True).json
        self.assertEqual({d["index"]: d.get("text") for d in answer}, {0: DOCUMENTS[1], 1: None, 2: DOCUMENTS[0]})

    def test_too_long(self):
        """TEI refuses texts that are too long, unless it may cut them."""
        for model in ("cross", "embed", "judge"):
            long = "word " * (100 if model != "judge" else 3000)
            answer = self.ask("/rerank", "texts", [DOCUMENTS[0], long, DOCUMENTS[1]], model=model).json
            self.assertEqual([d["index"] for d in answer[2:]], [1], model)
            self.assertIn("longer than the", answer[2]["error"])
            self.post("/rerank", {"query": QUERY, "texts": [DOCUMENTS[0], long], "model": model}, 413)
            answer = self.ask("/rerank", "texts", [DOCUMENTS[0], long], model=model, truncate=True).json
            self.assertTrue(all("scored" not in d for d in answer))

    def test_none_is_good(self):
        for path, field, _, results in self.forms:
            self.assertEqual([d["scored"] for d in results(self.ask(path, field, [1, 2]).json)], [False, False])
            self.ask(path, field, [], 400 if field == "texts" or path == "/v2/rerank" else 422)
            self.assertIn(self.server.post(path, {"query": "a", field: ["b"], "bad_documents": "keep"}).status, (400, 422))


class TestRoutes(ServerCase):
    """Queries and documents of models with a router, by the field that each dialect has."""
    router, words, behind = (os.path.join(FIXTURES, "sentence", "router-" + name, "model") for name in ("deberta", "words", "behind"))
    models = [f"router={router}", f"words={words}", f"behind={behind}"]

    def setUp(self):
        super().setUp()
        self.right = {role: self.embedded(DOCUMENTS, *(("--as", role) if role else ()), model=self.router)
                      for role in (None, "query", "document")}

    def test_input_type(self):
        for path, name in (("/v1/embeddings", "input"), ("/api/v1/embed", "texts"), ("/v1/embed", "texts"), ("/v2/embed", "texts")):
            for word, role in ((None, None), ("query", "query"), ("search_query", "query"), ("document", "document"),
                               ("passage", "document"), ("search_document", "document"), ("classification", None)):
                answer = self.post(path, {"model": "router", name: DOCUMENTS, "input_type": word}).json
                rows = [d["embedding"] for d in answer["data"]] if "data" in answer else answer["embeddings"]
                rows = rows["float"] if path == "/v2/embed" else rows
                self.assertEqual(rows, self.right[role], (path, word))
            self.post(path, {"model": "router", name: DOCUMENTS, "input_type": "other"}, status=400)

    def test_prompt_name(self):
        """Of a prompt, or of a role where there is no such prompt."""
        for path, name in (("/embed", "inputs"), ("/v1/embeddings", "input")):
            for role in self.right:
                answer = self.post(path, {"model": "router", name: DOCUMENTS, "prompt_name": role, "truncate": True}).json
                rows = [d["embedding"] for d in answer["data"]] if "data" in answer else answer
                self.assertEqual(rows, self.right[role], (path, role))
        for role in ("query", "document"):
            rows = self.hone("embed", "-m", self.words, "--as", role, stdin="".join(d + "\n" for d in DOCUMENTS)).json_lines
            answer = self.post("/embed_sparse", {"model": "words", "inputs": DOCUMENTS, "prompt_name": role}).json
            self.assertEqual(answer, [row["sparse"] for row in rows])
        self.post("/embed", {"model": "router", "inputs": DOCUMENTS, "prompt_name": "other"}, status=422)

    def test_a_role_is_needed(self):
        self.assertIn("say which", self.post("/embed", {"model": "behind", "inputs": "a"}, status=422).json["error"])
        self.post("/embed", {"model": "behind", "inputs": "a", "prompt_name": "query"})

    def test_rerank(self):
        for model in (self.router, self.words):
            rows = self.hone("rerank", "-m", model, "-q", QUERY, "--format=jsonl", stdin="".join(d + "\n" for d in DOCUMENTS))
            name = "router" if model == self.router else "words"
            answer = self.post("/v2/rerank", {"model": name, "query": QUERY, "documents": DOCUMENTS}).json["results"]
            self.assertEqual([(r["index"], r["relevance_score"]) for r in answer],
                             [(r["index"], r["score"]) for r in rows.json_lines])

    def test_score(self):
        """The first text is the query, which another route reads than documents."""
        for model, name in ((self.router, "router"), (self.words, "words")):
            rows = self.hone("rerank", "-m", model, "-q", QUERY, "--format=jsonl", stdin="".join(d + "\n" for d in DOCUMENTS))
            right = [r["score"] for r in sorted(rows.json_lines, key=lambda r: r["index"])]
            for first, second in (("queries", "documents"), ("text_1", "text_2")):
                answer = self.post("/v1/score", {"model": name, first: QUERY, second: DOCUMENTS}).json["data"]
                for a, b in zip(answer, right, strict=True):
                    self.assertAlmostEqual(a["score"], b, delta=1e-5)
                self.post("/v1/score", {"model": name, first: [QUERY] * len(DOCUMENTS), second: DOCUMENTS}, status=400)


class TestHybrid(ServerCase):
    """A model that makes three things of a text (bge-m3's form)."""
    hybrid = os.path.join(FIXTURES, "sentence", "hybrid", "model")
    models = [f"hybrid={hybrid}", f"embed={EMBED}"]

    def test_all(self):
        rows = self.hone("embed", "-m", self.hybrid, "--all", stdin="".join(d + "\n" for d in DOCUMENTS)).json_lines
        ask = {"model": "hybrid", "texts": DOCUMENTS}
        for outputs, there in ((["dense", "sparse", "tokens"], {"sparse", "tokens"}), (["sparse"], {"sparse"}), ("tokens", {"tokens"}),
                               (["dense"], set()), (None, set())):
            answer = self.post("/api/v1/embed", {**ask, "outputs": outputs}).json
            self.assertEqual(answer["embeddings"], [row["embedding"] for row in rows])
            self.assertEqual(set(answer) & {"sparse", "tokens"}, there)
            for name in there:
                self.assertEqual(answer[name], [row[name] for row in rows])
        self.post("/api/v1/embed", {**ask, "outputs": ["colbert"]}, status=400)
        answer = self.post("/api/v1/embed", {**ask, "model": "embed", "outputs": ["sparse"]}, status=400)
        self.assertIn("no weights of words", answer.json["error"]["message"] if isinstance(answer.json["error"], dict) else answer.json["error"])

    def test_tei(self):
        rows = self.hone("embed", "-m", self.hybrid, "--all", stdin="".join(d + "\n" for d in DOCUMENTS)).json_lines
        ask = {"model": "hybrid", "inputs": DOCUMENTS}
        self.assertEqual(self.post("/embed_sparse", ask).json, [row["sparse"] for row in rows])
        self.assertEqual(self.post("/embed_all", ask).json, [row["tokens"] for row in rows])
        self.assertEqual(self.post("/embed", ask).json, [row["embedding"] for row in rows])


class TestCohere(TextsCase):
    def test_forms(self):
        rows = self.embedded(DOCUMENTS, "--as", "query")
        body = {"model": "embed", "texts": DOCUMENTS, "input_type": "search_query"}
        one, two = self.post("/v1/embed", body).json, self.post("/v2/embed", body).json
        self.assertEqual((one["embeddings"], one["response_type"]), (rows, "embeddings_floats"))
        self.assertEqual((two["embeddings"], two["response_type"]), ({"float": rows}, "embeddings_by_type"))
        self.assertEqual(two["texts"], DOCUMENTS)
        self.assertGreater(two["meta"]["billed_units"]["input_tokens"], 0)
        answer = self.post("/v2/embed", {**body, "embedding_types": ["base64", "binary", "ubinary"]}).json["embeddings"]
        for row, text, signed, bits in zip(rows, answer["base64"], answer["binary"], answer["ubinary"], strict=True):
            self.assertClose(struct.unpack(f"<{len(row)}f", base64.b64decode(text)), row, 1e-7)
            right = [sum((x > 0) << 7 - k for k, x in enumerate(row[i:i + 8])) for i in range(0, len(row), 8)]
            self.assertEqual((bits, signed), (right, [b - 128 for b in right]))

    def test_cut(self):
        body = {"model": "embed", "texts": [LONG]}
        self.assertEqual(self.post("/v2/embed", body).json["embeddings"]["float"], self.embedded([LONG]))
        self.post("/v2/embed", {**body, "truncate": "NONE"}, status=400)
        self.assertEqual(len(self.post("/v2/embed", {**body, "output_dimension": 4}).json["embeddings"]["float"][0]), 4)

    def test_errors(self):
        for more in ({"embedding_types": ["int8"]}, {"embedding_types": 5}, {"truncate": "MIDDLE"}, {"texts": None}, {"images": ["x"]},
                     {"output_dimension": 100000}):
            answer = self.post("/v2/embed", {"model": "embed", "texts": ["a"], **more}, status=400).json
            self.assertEqual(set(answer), {"message"})


class TestRerank(TextsCase):
    def test_cohere_2(self):
        answer = self.post("/v2/rerank", {"model": "cross", "query": QUERY, "documents": DOCUMENTS, "top_n": 2}).json
        self.assertEqual([(d["index"], d["relevance_score"]) for d in answer["results"]], self.reranked()[:2])
        self.assertEqual(set(answer), {"results", "id", "meta"})
        self.assertEqual(set(answer["results"][0]), {"index", "relevance_score"})

    def test_cohere_1(self):
        documents = [{"text": d, "title": "t"} for d in DOCUMENTS]
        body = {"model": "cross", "query": QUERY, "documents": documents, "max_chunks_per_doc": 10}
        answer = self.post("/v1/rerank", body).json
        self.assertEqual([(d["index"], d["relevance_score"]) for d in answer["results"]], self.reranked())
        self.assertNotIn("document", answer["results"][0])
        self.assertEqual(answer["meta"]["api_version"]["version"], "1")
        answer = self.post("/v1/rerank", {**body, "rank_fields": ["title", "text"], "return_documents": True}).json
        self.assertEqual(answer["results"][0]["document"]["title"], "t")

    def test_jina(self):
        for path in ("/rerank", "/v1/rerank"):
            answer = self.post(path, {"model": "cross", "query": QUERY, "documents": DOCUMENTS}).json
            self.assertEqual([(d["index"], d["relevance_score"]) for d in answer["results"]], self.reranked())
            self.assertEqual(answer["results"][0]["document"], {"text": DOCUMENTS[answer["results"][0]["index"]]})
            self.assertGreater(answer["usage"]["total_tokens"], 0)

    def test_a_model_that_embeds_compares_too(self):
        answer = self.post("/v2/rerank", {"model": "embed", "query": QUERY, "documents": DOCUMENTS}).json
        got, wanted = ({i: s for i, s in pairs} for pairs in (
            [(d["index"], d["relevance_score"]) for d in answer["results"]], self.reranked(model=EMBED)))
        self.assertClose([got[i] for i in range(3)], [wanted[i] for i in range(3)], 1e-6)

    def test_instruction(self):
        how = "find whatever speaks of tests"
        usual, wanted = (self.reranked(*o, model=JUDGE) for o in ((), ("--instruction", how)))
        self.assertNotEqual(usual, wanted)
        body = {"model": "judge", "query": QUERY, "documents": DOCUMENTS}
        for path in ("/rerank", "/v1/rerank", "/v2/rerank"):
            for asked, scores in ((body, usual), ({**body, "instruction": how}, wanted)):
                answer = self.post(path, asked).json["results"]
                self.assertEqual([d["index"] for d in answer], [i for i, _ in scores])
                self.assertClose([d["relevance_score"] for d in answer], [s for _, s in scores], 1e-6)
        answer = self.post("/rerank", {"model": "judge", "query": QUERY, "texts": DOCUMENTS, "instruction": how}).json
        self.assertClose([d["score"] for d in answer], [s for _, s in wanted], 1e-6)
        for model in ("cross", "embed"):
            error = self.post("/v2/rerank", {**body, "model": model, "instruction": how}, status=400).json
            self.assertIn("takes no instruction", error["message"])
        for wrong in (5, ["a"], "a\0b"):
            self.post("/v1/rerank", {**body, "instruction": wrong}, status=422)

    def test_errors(self):
        for path, field, status in (("/v2/rerank", "message", 400), ("/v1/rerank", "detail", 422)):
            for body in ({}, {"query": "a"}, {"query": 5, "documents": ["a"]}, {"query": "a", "documents": "a"},
                         {"query": "a", "documents": [5]}, {"query": "a", "documents": ["a"], "top_n": 0},
                         {"query": "a", "documents": []}):
                self.assertIn(field, self.post(path, body, status=status).json)
            self.post(path, {"query": "a", "documents": ["a"], "model": "no"}, status=404)
            self.post(path, {"query": "a", "documents": ["a"], "model": "classify"}, status=status)

    def test_score(self):
        wanted = dict(self.reranked())
        answer = self.post("/v1/score", {"model": "cross", "text_1": QUERY, "text_2": DOCUMENTS}).json
        self.assertEqual([d["score"] for d in answer["data"]], [wanted[i] for i in range(3)])
        self.assertEqual((answer["object"], answer["data"][0]["object"]), ("list", "score"))
        answer = self.post("/v1/score", {"model": "cross", "text_1": [QUERY] * 3, "text_2": DOCUMENTS}).json
        self.assertEqual([d["score"] for d in answer["data"]], [wanted[i] for i in range(3)])
        answer = self.post("/v1/score", {"model": "embed", "text_1": DOCUMENTS, "text_2": QUERY}).json
        self.assertClose([d["score"] for d in answer["data"]], self.cosines(), 1e-6)
        answer = self.post("/v1/score", {"model": "cross", "queries": QUERY, "documents": DOCUMENTS}).json
        self.assertEqual([d["score"] for d in answer["data"]], [wanted[i] for i in range(3)])
        answer = self.post("/v1/score", {"model": "judge", "text_1": QUERY, "text_2": DOCUMENTS}).json
        judged = dict(self.reranked(model=JUDGE))
        self.assertClose([d["score"] for d in answer["data"]], [judged[i] for i in range(3)], 1e-6)
        self.post("/v1/score", {"model": "judge", "text_1": [QUERY] * 3, "text_2": DOCUMENTS}, status=400)
        self.post("/v1/score", {"text_1": ["a", "b"], "text_2": ["a", "b", "c"]}, status=400)
        self.post("/v1/score", {"text_1": "a", "text_2": "b", "model": "classify"}, status=400)


class TestTokenize(TextsCase):
    TEXTS = ["hello world", "zażółć"]

    def ids(self, *arguments):
        return self.hone("tokenize", "-m", EMBED, *arguments, stdin="".join(t + "\n" for t in self.TEXTS)).json_lines

    def test_tei(self):
        answer = self.post("/tokenize", {"inputs": self.TEXTS}).json
        self.assertEqual([[t["id"] for t in tokens] for tokens in answer], self.ids())
        self.assertEqual(set(answer[0][0]), {"id", "text", "special", "start", "stop"})
        self.assertEqual([t["special"] for t in answer[0]], [True] + [False] * (len(answer[0]) - 2) + [True])
        for text, tokens in zip(self.TEXTS, answer):
            self.assertEqual([t["text"] for t in tokens if t["special"]], ["[CLS]", "[SEP]"])
            for t in tokens[1:-1]:  # offsets count bytes, as those of text-embeddings-inference
                self.assertEqual(text.encode()[t["start"]:t["stop"]].decode(), t["text"])
            self.assertEqual([(t["start"], t["stop"]) for t in (tokens[0], tokens[-1])], [(None, None)] * 2)
        self.assertEqual((answer[1][1]["start"], answer[1][-2]["stop"]), (0, len("zażółć".encode())))
        typed = self.post("/tokenize", {"inputs": "a [SEP]"}).json[0]
        self.assertEqual([(t["special"], t["start"]) for t in typed], [(True, None), (False, 0), (False, 2), (True, None)])
        answer = self.post("/tokenize", {"inputs": self.TEXTS[0], "add_special_tokens": False}).json
        self.assertEqual([[t["id"] for t in tokens] for tokens in answer], self.ids("--no-special")[:1])

    def test_decode(self):
        self.assertEqual(self.post("/decode", {"ids": self.ids()[0]}).json, ["hello world"])
        self.assertEqual(self.post("/decode", {"ids": self.ids(), "skip_special_tokens": False}).json[0],
                         "[CLS] hello world [SEP]")
        for ids in (None, "a", [10**9], [-1], [[1], "a"]):
            self.assertIn(self.server.post("/decode", {"ids": ids}).status, (400, 422))

    def test_llama(self):
        self.assertEqual(self.post("/tokenize", {"content": self.TEXTS[0]}).json, {"tokens": self.ids("--no-special")[0]})
        answer = self.post("/tokenize", {"content": self.TEXTS[0], "add_special": True, "with_pieces": True}).json
        self.assertEqual([t["id"] for t in answer["tokens"]], self.ids()[0])
        self.assertEqual(answer["tokens"][0]["piece"], "[CLS]")
        self.assertEqual(self.post("/detokenize", {"tokens": self.ids("--no-special")[0]}).json, {"content": "hello world"})
        self.assertEqual(self.post("/detokenize", {"tokens": []}).json, {"content": ""})
        error = self.post("/tokenize", {}, status=400).json["error"]
        self.assertEqual((error["code"], error["type"]), (400, "invalid_request_error"))


main()
