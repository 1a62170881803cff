"""JSON Schemas over HTTP: those that are costly stop nobody, and those that are refused say why."""
import concurrent.futures
import json
import os
import time

from serving import FIXTURES, PATIENCE, ServerCase, main

SELF = {"type": "object", "required": list("abcdefghij"), "properties": {c: {"$ref": "#/$defs/d"} for c in "abcdefghij"}}
# About as long as a translation may take.
COSTLY = {"type": "string", "pattern": "(x|y)*x(x|y){14}$"}


def chat(schema):
    return {"messages": [{"role": "user", "content": "a"}], "max_tokens": 1,
            "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}}


class TestCostly(ServerCase):
    models = [f"small={os.path.join(FIXTURES, 'causal')}"]

    def test_exponential(self):
        start = time.monotonic()
        reply = self.post("/v1/chat/completions", chat({"oneOf": [{"$ref": "#/$defs/d"}] * 2, "$defs": {"d": SELF}}),
                          status=400)
        self.assertIn("no value can satisfy it", reply.json["error"]["message"])
        self.assertLess(time.monotonic() - start, PATIENCE / 4)

    def test_others_go_on(self):
        """Texts without a schema come while several costly ones are worked out."""
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            # Each is another one, so that none is found.
            costly = [pool.submit(self.post, "/v1/chat/completions", chat({**COSTLY, "title": str(i)})) for i in range(6)]
            start, n = time.monotonic(), 0
            while not all(job.done() for job in costly):
                self.post("/completion", {"prompt": "ab", "n_predict": 2})
                n += 1
            seconds = time.monotonic() - start
            self.assertGreater(n, 3, f"{n} texts in {seconds:.1f} s")
            for job in costly:
                job.result()

    def test_refused(self):
        for schema, words in (({"properties": {"a": {"pattern": "(?=x)"}}}, "at /properties/a/pattern: pattern: look-ahead"),
                              ({"type": "string", "pattern": "(a|b)*a(a|b){30}"}, "states"),
                              ({"allOf": [{"anyOf": [{"minLength": i}, {"maxLength": 99 + i}]} for i in range(20)]},
                               "combinations"),
                              ({"$ref": "https://example.com/x"}, "https://example.com/x")):
            reply = self.post("/v1/chat/completions", chat(schema), status=400)
            self.assertIn(words, json.dumps(reply.json))


class TestNotes(ServerCase):
    models = [f"small={os.path.join(FIXTURES, 'causal')}"]

    def test_header(self):
        """What says nothing is let alone, and told where it might have been meant to."""
        schema = {"type": "object", "properties": {"n": {"type": "integer", "format": "int32\r\nX-Evil: 1\u00e9"}},
                  "required": ["n"], "x-order": ["n"], "discriminator": {"propertyName": "n"}}
        for stream in (False, True):
            reply = self.post("/v1/chat/completions", {**chat(schema), "max_tokens": 20, "stream": stream})
            self.assertEqual(reply.headers["X-Schema-Notes"], "/properties/n/format: format int32??X-Evil: 1??")
            self.assertNotIn("X-Evil", reply.headers)
        reply = self.post("/v1/chat/completions", chat({"type": "integer"}))
        self.assertNotIn("X-Schema-Notes", reply.headers)


class TestNumbers(ServerCase):
    models = [f"small={os.path.join(FIXTURES, 'causal')}"]

    def complete(self, schema, **fields):
        return self.post("/completion", {"prompt": "a", "n_predict": 60, "json_schema": schema, **fields}).json["content"]

    def test_bounds_as_they_are_written(self):
        """No double in between: 0.1 stays what it was."""
        self.assertEqual(float(self.complete({"type": "number", "minimum": 0.1, "maximum": 0.1})), 0.1)
        self.assertEqual(self.complete({"enum": [0.7]}), "0.7")
        self.assertEqual(self.complete({"type": "integer", "minimum": 9007199254740991, "maximum": 9007199254740991}),
                         "9007199254740991")

    def test_unsigned_bounds(self):
        """The bounds of 64 bits without a sign do not fit in a long."""
        for seed in range(4):
            n = int(self.complete({"type": "integer", "minimum": 0, "maximum": 18446744073709551615}, seed=seed))
            self.assertTrue(0 <= n <= 18446744073709551616)

    def test_fractions(self):
        texts = {self.complete({"type": "number", "minimum": 0, "maximum": 0.99}, seed=seed, temperature=3, top_k=0, top_p=1,
                               min_p=0) for seed in range(24)}
        self.assertGreater(len(texts), 4, texts)
        for text in texts:
            self.assertTrue(0 <= float(text) <= 0.99, text)


if __name__ == "__main__":
    main()
