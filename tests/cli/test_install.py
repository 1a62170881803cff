"""What 'make install' puts there is all that a program needs: headers, libraries, pkg-config; and no more than is public."""
import glob
import math
import os
import re
import shutil
import subprocess
import tempfile
import unittest

from support import CLASSIFY, CROSS, EMBED, FIXTURES, HONE, ROOT, Case, golden, main

CAUSAL = os.path.join(FIXTURES, "causal")
LANGUAGES = {"C11": ["gcc", "-std=c11", "-pedantic-errors"], "C++17": ["g++", "-x", "c++", "-std=c++17"]}
WARNINGS = ["-Wall", "-Wextra", "-Werror", "-Wno-missing-field-initializers"]


def run(*command, **how):
    p = subprocess.run(command, capture_output=True, text=True, **how)
    if p.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: status {p.returncode}\n{p.stdout[-2000:]}{p.stderr[-2000:]}")
    return p.stdout


@unittest.skipUnless(HONE == os.path.join(ROOT, "build", "hone"), "a build for tests is not installed")
class Install(Case):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.prefix = os.path.join(folder.name, "hone")
        cls.make("install")

    @classmethod
    def make(cls, target, *more):
        environment = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
        return run("make", "-C", ROOT, target, f"PREFIX={cls.prefix}", *more, env=environment)

    def pkg_config(self, *arguments):
        path = f"{self.prefix}/lib/pkgconfig:{os.environ.get('PKG_CONFIG_PATH', '')}"
        return run("pkg-config", *arguments, "hone", env={**os.environ, "PKG_CONFIG_PATH": path}).split()

    def compile(self, language, source, *more):
        if not shutil.which(LANGUAGES[language][0]):
            self.skipTest(f"no {LANGUAGES[language][0]}")
        out = self.path("program")
        run(*LANGUAGES[language], *WARNINGS, source, *self.pkg_config("--cflags"), "-o", out, *more)
        return out

    def check_embed(self, program):
        texts = golden(EMBED)["texts"]
        rows = [[float(x) for x in line.split()] for line in program(EMBED, *texts).splitlines()]
        for row, wanted in zip(rows, golden(EMBED)["embedding"]):
            self.assertClose(row, wanted, 2e-5)
        self.assertEqual(len(rows), len(texts))

    def check_scheduler(self, program):
        for line in program(EMBED, *golden(EMBED)["texts"]).splitlines():
            number, _, text = line.partition(" ... ")
            self.assertClose([float(number)], [golden(EMBED)["embedding"][golden(EMBED)["texts"].index(text)][0]], 2e-5)

    def check_rerank(self, program):
        (query, document), logit = golden(CROSS)["pairs"][0], golden(CROSS)["logits"][0][0]
        score = float(program(CROSS, query, document).split()[0])
        self.assertClose([score], [1 / (1 + math.exp(-logit))], 2e-5)

    def check_classify(self, program):
        pair, logits = golden(CLASSIFY)["pairs"][0], golden(CLASSIFY)["logits"][0]
        scores = [float(line.split()[0]) for line in program(CLASSIFY, *pair).splitlines()]
        self.assertClose(scores, [math.exp(x) / sum(map(math.exp, logits)) for x in logits], 2e-5)

    def check_tokenize(self, program):
        ids, text = program(CAUSAL, golden(CAUSAL)["texts"][0]).split("\n")[:2]
        self.assertEqual([int(i) for i in ids.split()], golden(CAUSAL)["ids"][0])
        self.assertEqual(text, golden(CAUSAL)["texts"][0])

    def check_generate(self, program):
        text = golden(CAUSAL)["texts"][0]
        shown = program(CAUSAL, text, "12")
        wanted = self.hone("generate", "-m", CAUSAL, "-p", text, "-n", "12", "--temp", "0").out.decode(errors="replace")
        self.assertEqual(shown.split("\n")[0], wanted.split("\n")[0])
        self.assertIn(f"{len(golden(CAUSAL)['ids'][0])} tokens of a prompt, 12 new ones", shown)

    def check_chat(self, program):
        self.assertNotEqual(program(CAUSAL, "hello", "12").strip(), "")

    def test_examples(self):
        """Each is right as C and as C++, with the library beside it and in it."""
        links = {"shared": [*self.pkg_config("--libs"), f"-Wl,-rpath,{self.prefix}/lib"],
                 "static": [f"{self.prefix}/lib/libhone.a", *(w for w in self.pkg_config("--static", "--libs") if w != "-lhone")]}
        sources = sorted(glob.glob(os.path.join(ROOT, "examples", "*.c")))
        self.assertEqual([s for s in sources if not hasattr(self, "check_" + os.path.basename(s)[:-2])], [])
        for source in sources:
            for language in LANGUAGES:
                for how, libraries in links.items():
                    with self.subTest(os.path.basename(source), language=language, how=how):
                        path = self.compile(language, source, "-x", "none", *libraries, "-pthread")
                        needed = run("objdump", "-p", path)
                        self.assertEqual("libhone.so.0" in needed, how == "shared")
                        getattr(self, "check_" + os.path.basename(source)[:-2])(
                            lambda *a: subprocess.run([path, *a], capture_output=True, check=True).stdout.decode(errors="replace"))

    def test_each_header_alone(self):
        headers = sorted(os.path.relpath(h, self.prefix + "/include")
                         for h in glob.glob(self.prefix + "/include/**/*.h", recursive=True))
        self.assertIn("hone.h", headers)
        self.assertIn("hone/hone.h", headers)
        for header in headers:
            for language in LANGUAGES:
                self.compile(language, self.file("one.c", f"#include <{header}>\n"), "-pedantic-errors", "-c")

    def test_symbols(self):
        """Those of hone.h with their version, and no others."""
        names = {line.split()[-1] for line in run("nm", "-D", "--defined-only", f"{self.prefix}/lib/libhone.so.0").splitlines()}
        names.discard("HONE_0")
        self.assertIn("hone_embed@@HONE_0", names)
        self.assertEqual([n for n in names if not re.fullmatch(r"hone_[a-z_]+@@HONE_0", n)], [])
        archive = {line.split()[-1] for line in run("nm", "-g", "--defined-only", f"{self.prefix}/lib/libhone.a").splitlines()
                   if len(line.split()) == 3}
        self.assertEqual(archive, {n.split("@")[0] for n in names})
        declared = set()
        for header in glob.glob(f"{self.prefix}/include/hone/*.h"):
            with open(header) as f:
                declared |= set(re.findall(r"HONE_API[^;{]*?\b(hone_[a-z_]+)\(", f.read()))
        self.assertEqual(declared, archive)

    def test_pkg_config(self):
        with open(os.path.join(ROOT, "runtime", "include", "hone", "hone.h")) as f:
            version = re.search(r'HONE_VERSION "(.*)"', f.read())[1]
        self.assertEqual(self.pkg_config("--modversion"), [version])
        self.assertTrue(os.path.exists(f"{self.prefix}/lib/libhone.so.{version}"))
        self.assertEqual(run(self.prefix + "/bin/hone", "--version"), f"hone {version}\n")

    def test_manual_of_the_api(self):
        """A page for each function of the headers, and what it says is what they say."""
        headers = "".join(open(path).read() for path in glob.glob(os.path.join(self.prefix, "include", "hone", "*.h")))
        functions = set(re.findall(r"(?m)^HONE_API [^;]*?\b(hone_\w+)\(", headers))
        pages = {os.path.basename(path)[:-2] for path in glob.glob(os.path.join(self.prefix, "share", "man", "man3", "*.3"))}
        self.assertEqual(pages, functions | {"hone"})
        text = ""
        for name in sorted(functions):
            with open(os.path.join(self.prefix, "share", "man", "man3", name + ".3")) as page:
                text += page.read()
        for name in functions:
            self.assertRegex(text, rf"\n[a-z].*\b{name}\(")
        self.assertIn("row i is the embedding of text i", text)

    def test_uninstall(self):
        prefix = self.path("elsewhere")
        for target in ("install", "uninstall"):
            self.make(target, "DESTDIR=" + prefix)
            files = [os.path.join(folder, f) for folder, _, files in os.walk(prefix) for f in files]
            self.assertEqual(len(files) > 20, target == "install")
        self.assertEqual(files, [])

    def test_what_was_built_with(self):
        text = run(HONE, "--version", "-v")
        for name in ("OpenBLAS", "hiredis", "libcurl", "TLS"):
            self.assertRegex(text, rf"(?m)^  {name} +\S")


main()
