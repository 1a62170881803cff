"""Random schemas: texts that the grammar allows, found by random walks, are valid by the package jsonschema; and of random
values those that it takes, and no others, have a text that the grammar allows.

HONE_SEED is printed and may be given; HONE_SCHEMAS is how many there are (400; make schemas: 10,000)."""
import json
import os
import random
import unittest

from schemas import Driver, opened, spelt, validator
from support import main

N = int(os.environ.get("HONE_SCHEMAS", "400"))
WALKS = 5
PATTERNS = ["^[a-c]+$", "^x", "y$", "[0-9]{2}", "^(ab|cd)*$", "^a{2,4}$", "^[^a]$", "a|b", "^\\w+-\\d+$", "^$", "\\S"]
FORMATS = ["date", "time", "date-time", "duration", "uuid", "ipv4", "ipv6", "email", "uri", "json-pointer", "int32"]
NAMES = ["a", "b", "ab", "c", "kind", "n\"q"]


class Maker:
    """Schemas from a seed, of all that is supported; half of their values are small, so that they meet."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.defs = {}

    def some(self, *choices):
        return self.random.choice(choices)

    def often(self, p):
        return self.random.random() < p

    def value(self, depth=0):
        r = self.random
        kind = r.randrange(6 if depth < 2 else 4)
        if kind == 0:
            return self.some(None, True, False)
        if kind == 1:
            return self.some(0, 1, -1, 2.5, 10, 100, 0.25, -7, 1.0)
        if kind in (2, 3):
            return self.some("", "a", "ab", "xy", "b-1", "aaa", "\u00e9", "q\"\\", "line\n")
        if kind == 4:
            return [self.value(depth + 1) for _ in range(r.randrange(3))]
        return {name: self.value(depth + 1) for name in r.sample(NAMES, r.randrange(3))}

    def number(self, out):
        low = self.some(-100, -3, -0.5, 0, 0.01, 1, 5.5, 9007199254740991)
        if self.often(.5):
            out[self.some("minimum", "exclusiveMinimum")] = low
        if self.often(.5):
            out[self.some("maximum", "exclusiveMaximum")] = low + self.some(0, 0.5, 1, 10, 1000.25, 2)
        if self.often(.25):
            out["multipleOf"] = self.some(1, 2, 3, 0.5, 0.25, 10, 7, 100, 1.5)

    def string(self, out):
        if self.often(.4):
            out["minLength"] = self.random.randrange(5)
        if self.often(.4):
            out["maxLength"] = out.get("minLength", 0) + self.random.randrange(6)
        if self.often(.4):
            out["pattern"] = self.some(*PATTERNS)
        elif self.often(.3):
            out["format"] = self.some(*FORMATS)

    def array(self, out, depth):
        if self.often(.7):
            out["items"] = self.schema(depth + 1)
        if self.often(.25):
            out["prefixItems"] = [self.schema(depth + 1) for _ in range(self.random.randrange(1, 3))]
        if self.often(.4):
            out["minItems"] = self.random.randrange(3)
        if self.often(.4):
            out["maxItems"] = out.get("minItems", 0) + self.random.randrange(4)
        if self.often(.2):
            out["contains"] = self.schema(depth + 1)
            if self.often(.3):
                out["minContains"] = self.random.randrange(3)
            if self.often(.3):
                out["maxContains"] = self.random.randrange(1, 3)
        elif self.often(.15):
            out["uniqueItems"] = True
            out["items"] = {"enum": self.random.sample([1, 2, "a", "b", None, True, [1], {"a": 1}], 4)}

    def object(self, out, depth):
        r = self.random
        if self.often(.8):
            out["properties"] = {name: self.schema(depth + 1) for name in r.sample(NAMES, r.randrange(4))}
        if self.often(.4):
            out["required"] = r.sample(NAMES, r.randrange(3))
        if self.often(.3):
            out["additionalProperties"] = self.some(True, False, self.schema(depth + 1))
        if self.often(.15):
            out["patternProperties"] = {self.some(*PATTERNS): self.schema(depth + 1) for _ in range(r.randrange(1, 3))}
        if self.often(.1):
            out["propertyNames"] = self.some({"maxLength": 2}, {"pattern": "^[a-c]"}, {"enum": ["a", "c", "zz"]})
        if self.often(.1):
            out["minProperties"] = r.randrange(2)
        if self.often(.15):
            out["maxProperties"] = r.randrange(1, 4)
        if self.often(.1):
            out["dependentRequired"] = {self.some(*NAMES): r.sample(NAMES, 1)}
        if self.often(.07):
            out["dependentSchemas"] = {self.some(*NAMES): self.schema(depth + 1)}

    def combined(self, out, depth):
        r = self.random
        kind = r.randrange(7)
        if kind < 3:
            out[("anyOf", "oneOf", "allOf")[kind]] = [self.schema(depth + 1) for _ in range(r.randrange(1, 4))]
        elif kind == 3:
            out["not"] = self.schema(depth + 1)
        elif kind == 4:
            out.update({"if": self.schema(depth + 1), "then": self.schema(depth + 1), "else": self.schema(depth + 1)})
        elif kind == 5:
            out["enum"] = [self.value() for _ in range(r.randrange(1, 5))]
        else:
            name = self.some("d0", "d1", "a/b<c>")
            if name not in self.defs:
                self.defs[name] = {}
                self.defs[name] = {"type": ["object", "null"], "properties": {"a": self.schema(depth + 1)}}
            out["$ref"] = "#/$defs/" + name.replace("/", "~1").replace("<", "%3C").replace(">", "%3E")

    def schema(self, depth=0):
        if depth > 3 or self.often(.05):
            return self.some(True, {}, {"type": "null"}, {"type": "integer"}, {"const": self.value()})
        out = {}
        if self.often(.25):
            self.combined(out, depth)
        type = self.some("number", "integer", "string", "array", "object", "object")
        if self.often(.9):
            out["type"] = type if self.often(.85) else [type, "null"]
        if type in ("number", "integer"):
            self.number(out)
        elif type == "string":
            self.string(out)
        elif type == "array":
            self.array(out, depth)
        else:
            self.object(out, depth)
        if self.often(.1):
            out.update(self.some({"title": "t"}, {"x-order": 1}, {"discriminator": {"propertyName": "kind"}}))
        return out

    def whole(self):
        out = self.schema()
        return {**out, "$defs": self.defs} if isinstance(out, dict) and self.defs else out


class Random(unittest.TestCase):
    def setUp(self):
        self.jsonschema = validator()
        self.seed = int(os.environ.get("HONE_SEED", "1"))
        self.driver = Driver()
        self.addCleanup(self.driver.__exit__)
        self.n_taken, self.n_texts, self.slowest, self.wrong, self.words = 0, 0, 0, [], {}

    def makers(self):
        for i in range(N):
            maker = Maker(self.seed * 1000003 + i)
            yield maker, maker.whole()

    def ask(self, schema, **how):
        """The driver's reply; None where the schema is refused."""
        reply = self.driver.ask(schema, **how)
        self.slowest = max(self.slowest, reply["seconds"])
        if not reply["status"]:
            self.n_taken += 1
            return reply
        self.assertEqual(reply["status"], 2, f"{json.dumps(schema)}: {reply['message']}")
        what = reply["message"].split(": ", 1)[-1]
        self.words[what] = self.words.get(what, 0) + 1
        return reply if "no value can satisfy" in what else None

    def validator(self, schema):
        kind = self.jsonschema.Draft202012Validator
        return kind(schema, format_checker=kind.FORMAT_CHECKER)

    def end(self):
        print(f"seed {self.seed}: {self.n_taken} of {N} schemas, {self.n_texts} texts, {self.slowest:.2f} s at most",
              end=" ... ", flush=True)
        if os.environ.get("HONE_SHOW"):
            print(json.dumps(self.words, indent=1))
        self.assertEqual(self.wrong[:3], [])
        self.assertGreater(self.n_taken, N // 2)
        self.assertGreater(self.n_texts, self.n_taken)
        self.assertLess(self.slowest, 2)

    def test_walks(self):
        for _, schema in self.makers():
            reply = self.ask(schema, walks=WALKS)
            check = self.validator(schema)
            for text in reply["walks"] if reply else []:
                self.n_texts += 1
                if not check.is_valid(json.loads(text)):
                    self.wrong.append((json.dumps(schema), text))
        self.end()

    def test_values(self):
        for maker, schema in self.makers():
            values = [maker.value() for _ in range(10)]
            texts = [spelt(value) for value in values]
            reply = self.ask(opened(schema), texts=[text for group in texts for text in group])
            if not reply:
                continue
            check = self.validator(schema)
            accepted = iter(reply["accepted"])
            for value, group in zip(values, texts):
                self.n_texts += 1
                if any([next(accepted, False) for _ in group]) != check.is_valid(value):
                    self.wrong.append((json.dumps(schema), value, group[0]))
        self.end()

    def test_many_named_values(self):
        """Hundreds of values that begin alike, or are the beginnings of others: these, and nothing between them."""
        chance = random.Random(self.seed)
        for n in (2, 30, 400):
            texts = {"".join(chance.choices("aé日\U0001f600\"\\", k=chance.randrange(7))) for _ in range(n)}
            numbers = {chance.randrange(10 ** chance.randrange(1, 7)) for _ in range(n)}
            lists = [[1] * k for k in range(1, min(n, 40))]
            named = [*texts, *numbers, *lists, None, True, {"a": [1, "b"]}]
            others = [text + "a" for text in texts] + [text[:-1] for text in texts] + [number * 10 + 7 for number in numbers]
            others = [other for other in others if other not in texts and other not in numbers] + [False, [], {"a": [1]}, [1] * 41]
            reply = self.driver.ask({"enum": named}, [json.dumps(v, ensure_ascii=False, separators=(",", ":")) for v in [*named, *others]])
            self.assertEqual(reply["accepted"], [True] * len(named) + [False] * len(others), n)


if __name__ == "__main__":
    main()
