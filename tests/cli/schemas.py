"""What the tests of JSON Schemas share: the driver, the suite, an independent validator, and how values are spelt."""
import copy
import glob
import itertools
import json
import os
import subprocess
import sys
import tarfile
import unittest
from decimal import Decimal

from support import HONE, ROOT, import_with

DRIVER = os.path.join(os.path.dirname(HONE), "tests", "unit", "test_schema")
PLACE = os.path.join(ROOT, "build", "jsonschema")
VERSION = "4.26.0"

TYPES = ["null", "boolean", "number", "string", "array", "object"]
SCHEMAS = ["additionalProperties", "propertyNames", "items", "additionalItems", "contains", "not", "if", "then", "else"]
LISTS = ["allOf", "anyOf", "oneOf", "prefixItems", "items"]
NAMED = ["properties", "patternProperties", "dependentSchemas", "dependencies", "$defs", "definitions"]


def suite():
    """The folder of the JSON Schema Test Suite, which the source package of jsonschema carries. The test is skipped where
    that cannot be had, but for CI, where it fails."""
    found = glob.glob(os.path.join(PLACE, "jsonschema-*", "json", "tests"))
    if found:
        return found[0]
    os.makedirs(PLACE, exist_ok=True)
    try:
        subprocess.run([sys.executable, "-m", "pip", "download", "--no-deps", "--no-binary", ":all:", "-d", PLACE,
                        f"jsonschema=={VERSION}"], check=True, capture_output=True, timeout=600)
    except (OSError, subprocess.SubprocessError) as e:
        if os.environ.get("HONE_CI"):
            raise
        raise unittest.SkipTest(f"the source package of jsonschema cannot be had: {e}") from None
    with tarfile.open(glob.glob(os.path.join(PLACE, "*.tar.gz"))[0]) as archive:
        archive.extractall(PLACE, filter="data")
    return suite()


def validator():
    """The package jsonschema with its formats."""
    import_with(f"jsonschema[format-nongpl]=={VERSION}")
    import jsonschema
    return jsonschema


class Driver:
    """Compiles schemas and asks which texts they allow."""

    def __init__(self):
        self.process = subprocess.Popen([DRIVER, "--drive"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()

    def ask(self, schema, texts=(), walks=0):
        text = schema if isinstance(schema, str) else json.dumps(schema)
        print(json.dumps({"schema": text, "texts": list(texts), "walks": walks}), file=self.process.stdin, flush=True)
        said = ""
        for line in self.process.stdout:
            if line.startswith("{"):
                return json.loads(line)
            said += line
        raise AssertionError(f"the driver ended at {text}: {said}")


def opened(schema):
    """The same schema, which says what hone takes for granted where nothing is said: that other properties may come, that
    a list may be shorter than prefixItems, and that a schema without a type is about all of them."""
    if not isinstance(schema, dict):
        return schema
    out = copy.deepcopy(schema)
    for key in SCHEMAS:
        if isinstance(out.get(key), dict):
            out[key] = opened(out[key])
    for key in LISTS:
        if isinstance(out.get(key), list):
            out[key] = [opened(item) for item in out[key]]
    for key in NAMED:
        if isinstance(out.get(key), dict):
            out[key] = {name: opened(item) for name, item in out[key].items()}
    if "unevaluatedProperties" not in out:
        out.setdefault("additionalProperties", True)
    out.setdefault("type", TYPES)
    out.setdefault("minItems", 0)
    return out


def number(value):
    """Without an exponent; with and without a fraction that is 0."""
    text = str(value) if isinstance(value, int) else format(Decimal(repr(value)), "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return [text] if "." in text else [text, text + ".0"]


def spelt(value):
    """The value in each order of its members (as it stands, where these are many)."""
    if isinstance(value, bool) or value is None:
        return [json.dumps(value)]
    if isinstance(value, (int, float)):
        return number(value)
    if isinstance(value, str):
        return [json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")]
    if isinstance(value, list):
        return ["[" + ",".join(items) + "]" for items in itertools.product(*map(spelt, value))]
    orders = itertools.permutations(value) if len(value) <= 6 else [value, sorted(value)]
    ways = {name: spelt(value[name])[:None if len(value) <= 4 else 1] for name in value}  # else there are tens of thousands
    return ["{" + ",".join(items) + "}" for order in orders for items in itertools.product(
        *[[json.dumps(name, ensure_ascii=False) + ":" + text for text in ways[name]] for name in order])]
