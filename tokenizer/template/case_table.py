#!/usr/bin/env python3
"""Writes case_table.c: the characters whose upper or title case is more than one character (Unicode's
SpecialCasing.txt, without conditions and languages), as Python's str has them."""

import pathlib

HEAD = """/* Made by case_table.py: characters that become several in upper or title case. */
#include "tokenizer/template/case_table.h"

const struct case_row case_table[] = {
"""


def literal(text):
    return '"' + "".join(f"\\x{byte:02x}" for byte in text.encode()) + '"'


def main():
    rows = []
    for point in range(0x110000):
        char = chr(point)
        if len(char.upper()) > 1 or len(char.title()) > 1:
            rows.append(f"    {{0x{point:x}, {literal(char.upper())}, {literal(char.title())}}},")
    tail = f"}};\n\nconst size_t case_n_rows = {len(rows)};\n"
    path = pathlib.Path(__file__).with_name("case_table.c")
    path.write_text(HEAD + "\n".join(rows) + "\n" + tail)


main()
