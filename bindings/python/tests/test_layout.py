"""The structs that the package reads the headers for are those that a compiler reads there."""

import ctypes
import shutil
import subprocess
import unittest

from support import ROOT, Case

from hone import _structs as c

INCLUDE = ROOT / "runtime" / "include"


@unittest.skipUnless(shutil.which("gcc") and INCLUDE.is_dir(), "no compiler or no headers")
class Layout(Case):
    def ask(self, lines):
        source, program = self.folder / "ask.c", self.folder / "ask"
        body = "".join(f'    printf("%zu\\n", (size_t)({line}));\n' for line in lines)
        source.write_text(f"#include <hone.h>\n#include <stddef.h>\n#include <stdio.h>\nint main(void)\n{{\n{body}}}\n")
        subprocess.run(["gcc", "-w", f"-I{INCLUDE}", source, "-o", program], check=True)
        return [int(n) for n in subprocess.run([program], capture_output=True, check=True).stdout.split()]

    def test_structs(self):
        names, lines, wanted = [], [], []
        structs = [value for value in vars(c).values() if hasattr(value, "C")]
        for struct in structs:
            names.append(struct.C)
            lines.append(f"sizeof({struct.C})")
            wanted.append(ctypes.sizeof(struct))
            for field in struct._fields_:
                place = getattr(struct, field[0])
                names += [f"{struct.C}.{field[0]}"] * 2
                lines += [f"offsetof({struct.C}, {field[0]})", f"sizeof((({struct.C} *)0)->{field[0]})"]
                wanted += [place.offset, place.size]
        self.assertGreater(len(structs), 15)
        for name, found, want in zip(names, self.ask(lines), wanted):
            self.assertEqual(found, want, name)

    def test_constants(self):
        pairs = [(name, value) for name, value in vars(c).items() if name.startswith("HONE_")]
        self.assertGreater(len(pairs), 40)
        for (name, value), found in zip(pairs, self.ask([name for name, _ in pairs])):
            self.assertEqual(found, value, name)

    def test_defaults(self):
        """Of sampling, which are no zeros."""
        from hone._generation import DEFAULTS, Work

        source = "((struct hone_sampling)HONE_SAMPLING_DEFAULTS).%s * 1000"
        names = [n for n in DEFAULTS if not n.endswith("last_n")]
        for name, found in zip(names, self.ask([source % n for n in names])):
            self.assertAlmostEqual(found / 1000, DEFAULTS[name], delta=0.002, msg=name)
        self.assertEqual(Work("a", {}).struct.sampling.dry_last_n, 2 ** (8 * ctypes.sizeof(ctypes.c_size_t)) - 1)
