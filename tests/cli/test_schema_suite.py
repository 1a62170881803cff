"""The JSON Schema Test Suite: of every case whose schema hone takes, each valid value has a text that the grammar allows,
and no text of an invalid one is allowed. What is refused is refused by name, and listed here."""
import glob
import json
import os
import unittest

from schemas import Driver, opened, spelt, suite
from support import main

FORMATS = ["date", "time", "date-time", "duration", "uuid", "ipv4", "ipv6", "hostname", "email", "uri", "uri-reference",
           "json-pointer", "relative-json-pointer"]

# What hone refuses, by words of its sentence, and how many cases of the draft that is.
REFUSED = {
    "$dynamicRef is not supported": 16,
    "unevaluatedItems beside": 15,
    "unevaluatedProperties beside": 22,
    "does not point into the schema": 21,  # other documents
    "uniqueItems is supported where items are named": 1,
    "uniqueItems beside prefixItems": 2,
    "minProperties is supported up to one more": 1,
    "multipleOf has too many digits": 1,
}

# Values that are valid and have no text (runtime/generate/grammar/schema/formats.c says why), by words of their test.
UNWRITTEN = ["leap second", "case-insensitive", "punycoded IDN hostname", "IPv6-address-literal after the @",
             "no validation: invalid number"]  # the last: a meta-schema that switches validation off

# Before 2019-09 a $ref hides what stands beside it; hone takes both, as later drafts do.
HIDDEN = ["ref overrides any sibling keywords", "$ref prevents a sibling $id"]


def cases(draft):
    folder = suite()
    names = glob.glob(os.path.join(folder, draft, "*.json"))
    names += [os.path.join(folder, draft, "optional", "format", name + ".json") for name in FORMATS]
    for path in sorted(names):
        name = os.path.relpath(path, os.path.join(folder, draft))
        if not os.path.exists(path) or name == "format.json":  # where formats say nothing
            continue
        with open(path, encoding="utf-8") as f:
            for case in json.load(f):
                if any(words in case["description"] for words in HIDDEN):
                    continue
                yield f"{name}: {case['description']}", case


class Suite(unittest.TestCase):
    def compare(self, name, case, accepted):
        """What is wrong with one case; `accepted`: of each text of each test."""
        wrong = []
        for test, texts in zip(case["tests"], accepted):
            unwritten = test["valid"] and any(words in test["description"] for words in UNWRITTEN)
            if any(texts) != test["valid"] and not unwritten:
                wrong.append(f"{name} / {test['description']}: {'' if test['valid'] else 'not '}valid: {test['data']!r}")
        return wrong

    def run_suite(self, draft):
        n, refused, wrong = 0, {}, []
        with Driver() as driver:
            for name, case in cases(draft):
                groups = [spelt(test["data"]) for test in case["tests"]]
                reply = driver.ask(opened(case["schema"]), [text for group in groups for text in group])
                if reply["status"] and "no value can satisfy it" not in reply["message"]:
                    refused.setdefault(reply["message"], []).append(name)
                    continue
                texts = iter(reply["accepted"])
                accepted = [[next(texts, False) for _ in group] for group in groups]
                wrong += self.compare(name, case, accepted)
                n += len(groups)
        print(f"{draft}: {n} tests, {sum(map(len, refused.values()))} cases refused", end=" ... ", flush=True)
        self.assertEqual(wrong, [])
        return n, refused

    def test_2020_12(self):
        n, refused = self.run_suite("draft2020-12")
        self.assertGreater(n, 1200)
        counts = dict.fromkeys(REFUSED, 0)
        for message, names in refused.items():
            words = [words for words in REFUSED if words in message]
            self.assertEqual(len(words), 1, f"{names}: {message}")
            counts[words[0]] += len(names)
        self.assertEqual(counts, REFUSED)

    def test_earlier_drafts(self):
        for draft, least in (("draft4", 600), ("draft6", 800), ("draft7", 1000), ("draft2019-09", 1200)):
            n, _ = self.run_suite(draft)
            self.assertGreater(n, least, draft)


if __name__ == "__main__":
    main()
