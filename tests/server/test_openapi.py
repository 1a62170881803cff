"""The description at /openapi.json, and the server by it: requests made from its schemas, whole and broken."""
import os
import random
import re
import subprocess

from serving import CLASSIFY, CROSS, EMBED, FIXTURES, ROOT, ServerCase, main, python_with

CAUSAL = os.path.join(FIXTURES, "causal")
ADMIN = "/api/v1/admin/"  # for who has its key, and nobody has one here


def resolve(schema, document):
    while "$ref" in schema:
        node = document
        for name in schema["$ref"][2:].split("/"):
            node = node[name]
        schema = node
    return schema


def is_type(value, name):
    kinds = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None), "integer": int,
             "number": (int, float)}
    return isinstance(value, kinds[name]) and not (isinstance(value, bool) and name in ("integer", "number"))


def problem(value, schema, document, where="it"):
    """What of the value is not as the schema has it, or None."""
    schema = resolve(schema, document)
    if "oneOf" in schema:
        found = [problem(value, s, document, where) for s in schema["oneOf"]]
        return None if None in found else found[0]
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    if types and not any(is_type(value, t) for t in types):
        return f"{where} is {value!r}, no {types}"
    if isinstance(value, list) and "items" in schema:
        return next(filter(None, (problem(v, schema["items"], document, f"{where}[{i}]") for i, v in enumerate(value))), None)
    if isinstance(value, dict):
        for name in schema.get("required", []):
            if name not in value:
                return f"{where} has no {name}"
        known = schema.get("properties", {})
        return next(filter(None, (problem(v, known[k], document, f"{where}.{k}") for k, v in value.items() if k in known)), None)
    return None


class Maker:
    """Values that a schema allows, or nearly."""

    def __init__(self, document, seed):
        self.document, self.chance = document, random.Random(seed)

    def text(self):
        return " ".join(self.chance.choice(["a", "test", "über", "日本", "\u0000", "x" * 30]) for _ in range(self.chance.randrange(6)))

    def value(self, schema):
        schema, chance = resolve(schema, self.document), self.chance
        if "allOf" in schema:
            return {k: v for part in schema["allOf"] for k, v in self.value(part).items()}
        for several in ("oneOf", "anyOf"):
            if several in schema:
                return self.value(chance.choice(schema[several]))
        if "enum" in schema:
            return chance.choice(schema["enum"])
        kind = schema.get("type", "object")
        if kind == "object":
            required = schema.get("required", [])
            return {k: self.value(s) for k, s in schema.get("properties", {}).items()
                    if k in required or (k != "model" and chance.random() < 0.3)}
        if kind == "array":
            least = schema.get("minItems", 0)
            return [self.value(schema["items"]) for _ in range(chance.randint(least, min(least + 3, schema.get("maxItems", 99))))]
        low, high = schema.get("minimum", 0), schema.get("maximum", 8)
        return {"integer": lambda: chance.randint(low, max(low, min(high, 40))), "number": lambda: chance.uniform(low, high),
                "boolean": lambda: chance.random() < 0.5, "string": self.text}[kind]()

    def broken(self, value):
        """The same with one thing changed somewhere."""
        chance = self.chance
        if isinstance(value, dict) and value and chance.random() < 0.8:
            key = chance.choice(list(value))
            if chance.random() < 0.2:
                return {k: v for k, v in value.items() if k != key}
            return {**value, key: self.broken(value[key])}
        if isinstance(value, list) and value and chance.random() < 0.7:
            i = chance.randrange(len(value))
            return value[:i] + [self.broken(value[i])] + value[i + 1:]
        return chance.choice([None, True, -1, 10**15, 1e300, "", "\u0000", [], {}, [[]], {"a": 1}, "x" * 5000])


class TestOpenApi(ServerCase):
    models = [f"embed={EMBED}", f"cross={CROSS}", f"classify={CLASSIFY}"]
    if os.path.exists(CAUSAL):
        models.append(f"causal={CAUSAL}")
    arguments = ["--request-timeout", "20", "--max-length", "256"]  # no text takes long, however busy the machine is

    def setUp(self):
        super().setUp()
        self.document = self.get("/openapi.json").json

    def test_every_path_of_the_server_is_described(self):
        with open(os.path.join(ROOT, "server", "routes.c")) as f:
            served = {(m[1].lower(), m[2]) for m in re.finditer(r'\{"(\w+)", "(/[^"]*)"', f.read())}
        described = {(method, re.sub(r"\{.*", "", path)) for path, methods in self.document["paths"].items() for method in methods}
        self.assertEqual(described, served)

    def test_fields_that_are_read_are_described(self):
        def fields(schema):
            schema = resolve(schema, self.document)
            parts = [s for k in ("allOf", "oneOf") for s in schema.get(k, [])]
            return set(schema.get("properties", {})).union(*(fields(p) for p in parts))
        for path, names in (("/v1/completions", {"prompt", "suffix", "top_k", "dry_base", "grammar", "stream_options"}),
                            ("/v1/chat/completions", {"messages", "tool_choice", "chat_template_kwargs"}),
                            ("/completion", {"prompt", "ignore_eos", "return_tokens", "n_probs"}), ("/embed", {"inputs", "model"})):
            schema = self.document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
            self.assertEqual(names - fields(schema), set(), path)

    def test_by_schemathesis(self):
        # 503: the time was over that the request itself had asked for.
        with open(os.path.join(self.folder.name, "schemathesis.toml"), "w") as f:
            f.write('[checks.not_a_server_error]\nexpected-statuses = ["2XX", "4XX", "503"]\n')
        command = [python_with("schemathesis==4.32.5"), "-m", "schemathesis.cli", "run",
                   f"http://127.0.0.1:{self.server.port}/openapi.json",
                   "--checks", "not_a_server_error,status_code_conformance", "--max-examples", "20", "--seed", "1",
                   "--phases", "examples,coverage,fuzzing"]
        run = subprocess.run(command, capture_output=True, text=True, timeout=600, cwd=self.folder.name)
        self.assertEqual(run.returncode, 0, run.stdout[-6000:] + run.stderr[-2000:])

    def test_references_lead_somewhere(self):
        def look(node):
            if isinstance(node, dict):
                if "$ref" in node:
                    resolve(node, self.document)
                for child in node.values():
                    look(child)
            elif isinstance(node, list):
                for child in node:
                    look(child)
        look(self.document)

    def check(self, path, operation, reply):
        kind = reply.headers["Content-Type"].split(";")[0]
        family = str(reply.status) if reply.status == 200 else f"{reply.status // 100}XX"
        response = resolve(operation["responses"][family], self.document)
        self.assertIn(kind, response["content"], (path, reply.status))
        schema = response["content"][kind].get("schema")
        if schema and kind == "application/json":
            self.assertIsNone(problem(reply.json, schema, self.document), (path, reply.status, reply.body[:300]))

    def fuzz(self, breaks):
        maker, c, n_ok = Maker(self.document, 11 + breaks), self.server.connect(), 0
        for path, methods in self.document["paths"].items():
            if "post" not in methods or (not os.path.exists(CAUSAL) and "completion" in path):
                continue
            schema = methods["post"]["requestBody"]["content"]["application/json"]["schema"]
            for _ in range(40):
                body = maker.value(schema)
                if "max_tokens" in body or "completion" in path:
                    body["max_tokens"] = body["n_predict"] = 3
                if path == "/v1/responses":
                    body["max_output_tokens"] = 3
                if path in ("/api/chat", "/api/generate"):
                    body["options"] = {"num_predict": 3}
                if breaks:
                    body = maker.broken(body)
                reply = self.server.post(path, body, connection=c)
                closed = (401,) if path.startswith(ADMIN) else ()
                self.assertIn(reply.status, (200, 400, 404, 413, 422, 424, 429, 503, *closed), (path, body, reply.body[:300]))
                self.check(path, methods["post"], reply)
                n_ok += reply.status == 200
        c.close()
        return n_ok

    def test_what_the_schemas_allow(self):
        self.assertGreater(self.fuzz(False), 300)

    def test_what_they_do_not(self):
        self.fuzz(True)
        self.assertEqual(self.get("/health").json["status"], "ok")

    def test_what_is_got(self):
        for path, methods in self.document["paths"].items():
            if "get" in methods:
                reply = self.server.get(path.replace("{model}", "embed"))
                if path.startswith(ADMIN):
                    self.assertEqual(reply.status, 401, path)
                elif reply.status == 200 or path not in ("/slots",):
                    self.assertEqual(reply.status, 200, path)
                self.check(path, methods["get"], reply)


main()
