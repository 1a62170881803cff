"""Fields that nobody reads, at the paths that generate nothing: named in a header, or refused (--strict-fields)."""
import os

from serving import CLASSIFY, CROSS, EMBED, FIXTURES, ServerCase, main

# A path, its model, a body with what clients usually send.
REQUESTS = [
    ("/api/v1/embed", "embed", {"texts": ["a"], "normalize": True, "dimensions": 8}),
    ("/v1/embeddings", "embed", {"input": "a", "encoding_format": "float", "user": "me"}),
    ("/embed", "embed", {"inputs": ["a"], "truncate": True, "normalize": False, "truncation_direction": "Right"}),
    ("/", "embed", {"inputs": ["a"]}),
    ("/embed_all", "embed", {"inputs": ["a"], "truncate": True}),
    ("/similarity", "embed", {"inputs": {"source_sentence": "a", "sentences": ["b", "c"]}}),
    ("/api/embed", "embed", {"input": ["a"], "truncate": True, "keep_alive": "5m", "options": {}}),
    ("/api/embeddings", "embed", {"prompt": "a", "keep_alive": "5m"}),
    ("/rerank", "cross", {"query": "a", "documents": ["b", "c"], "top_n": 1, "return_documents": True}),
    ("/rerank", "cross", {"query": "a", "texts": ["b", "c"], "raw_scores": True, "return_text": True, "truncate": True}),
    ("/v1/rerank", "cross", {"query": "a", "documents": ["b", "c"], "rank_fields": ["text"]}),
    ("/v2/rerank", "cross", {"query": "a", "documents": ["b", "c"], "top_n": 1}),
    ("/v1/score", "cross", {"text_1": "a", "text_2": ["b", "c"]}),
    ("/predict", "classify", {"inputs": "a", "truncate": True, "raw_scores": True}),
    ("/tokenize", "embed", {"inputs": "a", "add_special_tokens": True}),
    ("/tokenize", "tiny", {"content": "a", "add_special": False, "with_pieces": True}),
    ("/decode", "embed", {"ids": [5, 6], "skip_special_tokens": True}),
    ("/detokenize", "tiny", {"tokens": [5, 6]}),
]


class Fields(ServerCase):
    models = [f"embed={EMBED}", f"cross={CROSS}", f"classify={CLASSIFY}", f"tiny={os.path.join(FIXTURES, 'causal')}"]

    def each(self):
        for path, model, body in REQUESTS:
            yield path, {"model": model, **body}


class TestNamed(Fields):
    def test_a_field_that_nobody_reads(self):
        for path, body in self.each():
            for _ in range(2):  # the second time it may be an answer that was kept
                reply = self.post(path, {**body, "poolign": "max", "frob\r\nx": 1})
                self.assertEqual(reply.headers["X-Ignored-Fields"], "poolign, frob??x", path)
            self.assertNotIn("X-Ignored-Fields", self.post(path, {**body, "poolign": None}).headers, path)


class TestStrict(Fields):
    arguments = ["--strict-fields", "on"]

    def test_a_field_that_nobody_reads(self):
        for path, body in self.each():
            reply = self.server.post(path, {**body, "poolign": "max"})
            self.assertIn(reply.status, (400, 422), path)
            self.assertIn("'poolign' is not known here", reply.body.decode(), path)

    def test_parameters_of_similarity(self):
        body = {"model": "embed", "inputs": {"source_sentence": "a", "sentences": ["b"]}}
        self.post("/similarity", {**body, "parameters": {"truncate": True}})
        reply = self.server.post("/similarity", {**body, "parameters": {"poolign": 1}})
        self.assertIn("'poolign' is not known here", reply.body.decode())
        self.post("/similarity", {**body, "model": "other"}, status=404)  # it was not looked at before

    def test_what_clients_send(self):
        for path, body in self.each():
            self.post(path, body)


main()
