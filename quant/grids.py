#!/usr/bin/env python3
"""Writes quant/grids.c: the points that the IQ formats choose from, as the Python package `gguf` has them. A point is 16 bits,
the number of each of its elements' values, the first in the lowest bits: 8 of 2 bits, or 4 of 4.

usage: quant/grids.py      needs gguf
"""

import pathlib

from gguf import quants

NAMES = {"iq2_xxs": quants.IQ2_XXS, "iq2_xs": quants.IQ2_XS, "iq2_s": quants.IQ2_S, "iq3_xxs": quants.IQ3_XXS,
         "iq3_s": quants.IQ3_S, "iq1": quants.IQ1_S}
WIDTH = 15


def main():
    lines = ["/* Written by grids.py. */", '#include "quant/grids.h"', "", "/* clang-format off */"]
    for name, form in NAMES.items():
        data = bytes.fromhex(form.grid_hex.decode())
        points = [f"0x{data[i] | data[i + 1] << 8:04x}," for i in range(0, len(data), 2)]
        assert len(points) == form.grid_shape[0]
        lines.append(f"const uint16_t quant_grid_{name}[{len(points)}] = {{")
        lines += ["    " + " ".join(points[i:i + WIDTH]) for i in range(0, len(points), WIDTH)]
        lines.append("};")
    lines.append("/* clang-format on */")
    pathlib.Path(__file__).with_suffix(".c").write_text("\n".join(lines) + "\n")


main()
