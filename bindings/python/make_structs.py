#!/usr/bin/env python3
"""Writes hone/_structs.py: the structs and constants of the public headers, for ctypes.

    make_structs.py INCLUDE OUT

Reads C as clang-format leaves it in these headers and no other: one declaration a ';'. tests/test_layout.py compares what
came of it with what a compiler makes of the same headers.
"""

import pathlib
import re
import sys

SCALARS = {
    "bool": "c_bool", "char": "c_char", "int": "c_int", "unsigned": "c_uint", "float": "c_float", "double": "c_double",
    "size_t": "c_size_t", "int32_t": "c_int32", "uint32_t": "c_uint32", "int64_t": "c_int64", "uint64_t": "c_uint64",
}  # fmt: skip
HEAD = '''"""Made of the public headers by make_structs.py."""

from ctypes import {imports}, Structure


'''


def constants(text):
    """Of enums, and macros that are numbers."""
    out = {name: int(value) for name, value in re.findall(r"^#define (HONE_\w+) (\d+)$", text, re.M)}
    for body in re.findall(r"\benum \w+ \{(.*?)\}", text, re.S):
        value = -1
        for name, given in re.findall(r"(HONE_\w+)(?:\s*=\s*(\d+))?", body):
            value = int(given) if given else value + 1
            out[name] = value
    return out


def kind_of(words, declarator):
    """The type of ctypes for a declarator: a string is one, every other pointer an address."""
    if "*" in declarator:
        return "c_char_p" if words == "const char" and declarator.count("*") == 1 else "c_void_p"
    words = words.replace("const ", "")
    if words.startswith("enum "):
        return "c_int"
    return class_of(words[7:]) if words.startswith("struct ") else SCALARS.get(words, "c_void_p")  # a function's typedef


def class_of(name):
    return "".join(word.capitalize() for word in name.removeprefix("hone_").split("_"))


def fields(body, numbers):
    """(name, type) of each member."""
    for declaration in body.split(";"):
        declaration = " ".join(declaration.split())
        if not declaration:
            continue
        if function := re.fullmatch(r".*\(\*(\w+)\)\(.*\)", declaration):
            yield function[1], "c_void_p"
            continue
        words, rest = re.fullmatch(r"((?:const )?(?:struct |enum )?\w+) ?(.*)", declaration).groups()
        for declarator in rest.split(","):
            stars, name, size = re.fullmatch(r"\s*(\**)\s*(\w+)(?:\[(\w+)\])?\s*", declarator).groups()
            kind = kind_of(words, stars)
            if size:
                kind += f" * {numbers[size] if size in numbers else int(size)}"
            yield name, kind


def main():
    include, out = map(pathlib.Path, sys.argv[1:])
    text = "\n".join((include / "hone" / f"{name}.h").read_text() for name in ("hone", "generate", "scheduler"))
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    numbers, classes = constants(text), []
    for name, body in re.findall(r"^struct (\w+) \{\n(.*?)^\};", text, re.S | re.M):
        if "{" in body:  # figures, which nobody here reads
            continue
        rows = "".join(f'        ("{field}", {kind}),\n' for field, kind in fields(body, numbers))
        classes.append(f'class {class_of(name)}(Structure):\n    C = "struct {name}"\n    _fields_ = [\n{rows}    ]\n')
    values = "".join(f"{name} = {value}\n" for name, value in numbers.items())
    imports = ", ".join(sorted({*SCALARS.values(), "c_char_p", "c_void_p"}))
    out.write_text(HEAD.format(imports=imports) + values + "\n\n" + "\n\n".join(classes))


if __name__ == "__main__":
    main()
