"""OpenAI's endpoints, but those that generate."""
import base64
import struct

from serving import ServerCase, main

TEXTS = ["the quick brown fox", "a test", "zażółć gęślą jaźń \u0000 日本"]


class TestEmbeddings(ServerCase):
    def test_shape(self):
        answer = self.post("/v1/embeddings", {"input": ["a", "b"], "model": "embed"}).json
        self.assertEqual(answer["object"], "list")
        self.assertEqual(answer["model"], "embed")
        self.assertEqual([d["object"] for d in answer["data"]], ["embedding"] * 2)
        self.assertEqual([d["index"] for d in answer["data"]], [0, 1])
        self.assertEqual(set(answer["usage"]), {"prompt_tokens", "total_tokens"})

    def test_values_are_the_command_lines(self):
        answer = self.post("/v1/embeddings", {"input": TEXTS[:2]}).json
        self.assertEqual([d["embedding"] for d in answer["data"]], self.embedded(TEXTS[:2]))

    def test_base64_holds_the_same(self):
        plain = self.post("/v1/embeddings", {"input": TEXTS}).json["data"]
        coded = self.post("/v1/embeddings", {"input": TEXTS, "encoding_format": "base64"}).json["data"]
        for a, b in zip(plain, coded):
            data = base64.b64decode(b["embedding"])
            self.assertClose(struct.unpack(f"<{len(data) // 4}f", data), a["embedding"], 1e-7)

    def test_raw_numbers(self):
        """The same, for whoever would rather have that, also when the answer to the same body in JSON is kept."""
        for path, body in (("/v1/embeddings", {"input": TEXTS}), ("/embed", {"inputs": TEXTS}), ("/api/v1/embed", {"texts": TEXTS})):
            plain = self.post(path, body).json
            rows = plain if path == "/embed" else plain.get("embeddings") or [d["embedding"] for d in plain["data"]]
            for accept in ("application/octet-stream", "application/json;q=0.5, application/octet-stream"):
                answer = self.post(path, body, headers={"Accept": accept})
                self.assertEqual(answer.headers["content-type"], "application/octet-stream")
                numbers = struct.unpack(f"<{len(answer.body) // 4}f", answer.body)
                self.assertClose(numbers, [x for row in rows for x in row], 1e-7)
            for accept in ("*/*", "application/json", "application/octet-stream;q=0.5, application/json"):
                self.assertEqual(self.post(path, body, headers={"Accept": accept}).json, plain)
        wrong = self.post("/v1/embeddings", {"input": 5}, status=400, headers={"Accept": "application/octet-stream"})
        self.assertEqual(wrong.json["error"]["param"], "input")

    def test_dimensions(self):
        answer = self.post("/v1/embeddings", {"input": TEXTS[0], "dimensions": 4}).json
        self.assertEqual([d["embedding"] for d in answer["data"]], self.embedded(TEXTS[:1], "--dimensions", "4"))

    def test_wrong_fields_are_named(self):
        for body, field in (({}, "input"), ({"input": 5}, "input"), ({"input": []}, "input"),
                            ({"input": "a", "dimensions": 0}, "dimensions"),
                            ({"input": "a", "dimensions": 1e9}, "dimensions"),
                            ({"input": "a", "encoding_format": "hex"}, "encoding_format"),
                            ({"input": "a", "model": 7}, "model")):
            error = self.post("/v1/embeddings", body, status=400).json["error"]
            self.assertEqual((error["type"], error["param"]), ("invalid_request_error", field))

    def test_unknown_model(self):
        error = self.post("/v1/embeddings", {"input": "a", "model": "x"}, status=404).json["error"]
        self.assertEqual(error["code"], "model_not_found")


class TestModels(ServerCase):
    def test_list(self):
        answer = self.get("/v1/models").json
        self.assertEqual([m["id"] for m in answer["data"]], ["embed"])
        self.assertEqual(answer["data"][0]["object"], "model")

    def test_one(self):
        self.assertEqual(self.get("/v1/models/embed").json["id"], "embed")
        self.get("/v1/models/other", status=404)


main()
