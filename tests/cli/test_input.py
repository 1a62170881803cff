"""The files people have: their formats, their columns, compressed, several; what is refused, and where results go."""
import bz2
import csv
import gzip
import io
import json
import lzma
import os
import random
import shutil
import subprocess
import unittest
import zipfile

from support import CLASSIFY, CROSS, EMBED, HONE, Case, main, read_npy

TEXTS = ["a text", "with, a comma", 'with "quotes"', "", "two\nlines", "tab\there", "é and 漢", " spaces ", "\"", "a\r\nb", ","]


def as_csv(rows, delimiter=",", header=None, **how):
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, **how)
    if header:
        writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue()


class Input(Case):
    def embed(self, *arguments, **how):
        return self.hone("embed", "-m", EMBED, *arguments, **how)

    def wanted(self, texts):
        """The rows of these texts, by a way that has nothing to do with their form."""
        lines = "".join(json.dumps({"text": t}) + "\n" for t in texts)
        return [r["embedding"] for r in self.hone("score", "-m", EMBED, stdin=lines).json_lines]

    def check(self, path, *arguments, texts=TEXTS, ids=None):
        rows = self.embed(path, *arguments).json_lines
        self.assertEqual([r["embedding"] for r in rows], self.wanted(texts), path)
        self.assertEqual([r["index"] for r in rows], list(range(len(texts))))
        if ids:
            self.assertEqual([r["id"] for r in rows], ids)


class Formats(Input):
    def test_jsonl(self):
        self.check(self.file("a.jsonl", "".join(json.dumps({"text": t}) + "\n" for t in TEXTS)))
        self.check(self.file("b.ndjson", "\n".join(json.dumps(t, ensure_ascii=False) for t in TEXTS)))
        self.check(self.file("c", "".join(json.dumps({"x": t, "id": i}) + "\n" for i, t in enumerate(TEXTS))),
                   "--jsonl", "--column", "x", ids=list(range(len(TEXTS))))

    def test_csv_and_tsv(self):
        rows = [(i, t) for i, t in enumerate(TEXTS)]
        ids = [str(i) for i in range(len(TEXTS))]
        for how in {}, {"quoting": csv.QUOTE_ALL}, {"lineterminator": "\n"}:
            self.check(self.file("a.csv", as_csv(rows, header=["id", "text"], **how)), ids=ids)
            self.check(self.file("a.tsv", as_csv(rows, "\t", header=["id", "text"], **how)), ids=ids)
        self.check(self.file("b", as_csv(rows, header=["n", "t"])), "--input-format", "csv", "--column", "t",
                   "--id-column", "n", ids=ids)
        whole = as_csv(rows, header=["id", "text"])
        self.check(self.file("c.csv", whole[:-2]), ids=ids)  # no line break at its end

    def test_csv_that_comes_slowly(self):
        for n in 1, 2, 7:
            data = as_csv([(t,) for t in TEXTS] * 3, header=["text"], quoting=csv.QUOTE_ALL).encode()
            p = subprocess.Popen([HONE, "embed", "-m", EMBED, "--input-format=csv"], stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE)
            for i in range(0, len(data), n):
                p.stdin.write(data[i:i + n])
                p.stdin.flush()
            p.stdin.close()
            rows = [json.loads(line)["embedding"] for line in p.stdout]
            p.stdout.close()
            self.assertEqual(p.wait(), 0)
            self.assertEqual(rows, self.wanted(TEXTS * 3))

    def test_large_rows(self):
        texts = ["word " * 200000, "short", "x" * 3000000, "\n" * 500000 + "end"]
        self.check(self.file("a.csv", as_csv([(t,) for t in texts], header=["text"])), texts=texts)
        self.check(self.file("a.jsonl", "".join(json.dumps({"text": t}) + "\n" for t in texts)), texts=texts)

    def test_compressed(self):
        texts = ["a text", "another"] * 3000
        plain = "".join(t + "\n" for t in texts).encode()
        packed = {"a.gz": gzip.compress(plain), "b": gzip.compress(plain[:5000]) + gzip.compress(plain[5000:]),
                  "c.xz": lzma.compress(plain), "d": lzma.compress(plain[:999]) + lzma.compress(plain[999:])}
        if shutil.which("zstd"):
            packed["e.zst"] = subprocess.run(["zstd", "-q", "-c"], input=plain, capture_output=True, check=True).stdout
            packed["f"] = packed["e.zst"] * 2
        for name, data in packed.items():
            self.check(self.file(name, data), texts=texts * 2 if name == "f" else texts)
            self.assertEqual(len(self.embed(stdin=data).json_lines), len(texts) * (2 if name == "f" else 1))
            run = self.embed(self.file(name, data[:len(data) // 2 + 3]), status=1)
            self.assertIn("middle", run.words)
            broken = bytearray(data)
            broken[len(data) // 2:len(data) // 2 + 40] = b"\xff" * 40
            self.assertRegex(self.embed(self.file(name, bytes(broken)), status=1).words, "damaged|middle")
        self.check(self.file("g.jsonl.gz", gzip.compress(b'{"text": "a"}\n')), texts=["a"])

    def test_byte_order_mark(self):
        for name, data in ("a", "a text\n"), ("a.csv", "text\na text\n"), ("a.jsonl", '{"text": "a text"}\n'):
            self.check(self.file(name, b"\xef\xbb\xbf" + data.encode()), texts=["a text"])

    def test_foreign_files_are_refused(self):
        for data, what in ("hello world\nanother\n".encode("utf-16"), "UTF-16"), \
                ("hello world and more\n".encode("utf-16-le"), "UTF-16"), ("hello world and more\n".encode("utf-16-be"), "UTF-16"), \
                (b"PAR1" + bytes(100), "Parquet"), (b"ARROW1\0\0" + bytes(100), "Arrow"), (b"\x93NUMPY\1\0", "NumPy"), \
                (b"PK\3\4" + bytes(40), "ZIP"), (bz2.compress(b"text\n"), "bzip2"), (b"GGUF\3\0\0\0", "model"):
            self.assertIn(what, self.embed(self.file("x", data), status=2).words)
            self.assertIn(what, self.embed(stdin=data, status=2).words)

    def test_a_doubt_is_told(self):
        lines = '{"text": "a"}\n{"text": "b"}\n'
        for how in {"stdin": lines}, {}:
            arguments = [] if how else [self.file("notes.log", lines)]
            self.assertIn("--input-format", self.embed(*arguments, status=2, **how).words)
            self.assertEqual(len(self.embed(*arguments, "--input-format=text", **how).json_lines), 2)
            self.assertEqual(len(self.embed(*arguments, "--input-format=jsonl", **how).json_lines), 2)
        self.assertIn("--input-format", self.embed(self.file("a.json", lines), status=2).words)
        self.embed(self.file("a.txt", lines))
        self.embed(stdin="{not JSON}\n[1, 2\n")

    def test_several_files(self):
        a, b = self.file("a.txt", "one\ntwo"), self.file("b.csv", "text\nthree\n")
        c, d = self.file("c.jsonl.gz", gzip.compress(b'{"text": "four"}\nnot JSON\n')), self.file("d.txt", "")
        run = self.embed(a, d, b, "-", c, stdin="in between\n", status=4)
        self.assertEqual([r["index"] for r in run.json_lines], [0, 1, 2, 3, 4])
        self.assertEqual([r["embedding"] for r in run.json_lines],
                         self.wanted(["one", "two", "three", "in between", "four"]))
        self.assertIn(f"{c}: line 2: ", run.words)


    def test_patterns(self):
        """Of several files are one job in the order of their names; what is a file's name is no pattern."""
        for name, text in ("p-2.txt", "two"), ("p-1.txt", "one"), ("p-[12].csv", "three"):
            self.file(name, text + "\n")
        found = self.embed(self.path("p-[12].txt"), self.path("p-1.txt")).json_lines
        self.assertEqual([r["embedding"] for r in found], self.wanted(["one", "two", "one"]))
        self.assertEqual(len(self.embed("--input-format=text", self.path("p-[12].csv")).json_lines), 1)
        self.assertIn("q-*.txt", self.embed(self.path("q-*.txt"), status=1).words)


class Columns(Input):
    def test_missing_ones_are_named(self):
        run = self.embed(self.file("a.csv", "title,body\nx,y\n"), status=4)
        self.assertIn("'title', 'body'", run.words)
        self.assertEqual(self.embed(self.file("a.csv", "title,body\nx,y\n"), "--column", "body").json_lines[0]["index"], 0)
        for value in "null", "3", '["a"]', "{}":
            run = self.embed(self.file("a.jsonl", f'{{"text": {value}}}\n{{"text": "a"}}\n'), status=4)
            self.assertIn("line 1: ", run.words)
            self.assertEqual([r["index"] for r in run.json_lines], [1])

    def test_several_make_one_text(self):
        data = '{"_id": "d1", "title": "T", "text": "body"}\n{"_id": "d2", "title": "", "text": "body"}\n'
        self.check(self.file("corpus.jsonl", data), "--column", "title", "--column", "text", texts=["T body", "body"],
                   ids=["d1", "d2"])

    def test_the_others_go_through(self):
        data = '{"text": "a", "id": 7, "tags": ["x", 1.5], "score": 3, "n": null}\n'
        row = self.embed(self.file("a.jsonl", data), "--keep").json_lines[0]
        self.assertEqual(list(row), ["index", "id", "text", "tags", "n", "embedding"])
        self.assertEqual((row["id"], row["text"], row["tags"], row["n"]), (7, "a", ["x", 1.5], None))
        self.embed(self.file("a.jsonl", data), "--keep", "--format=npy", status=2)
        row = self.hone("classify", "-m", CLASSIFY, self.file("a.csv", "id,text,lang\n1,a,en\n"), "--keep",
                        "--format=jsonl").json_lines[0]
        self.assertEqual([row["id"], row["lang"]], ["1", "en"])
        rows = self.hone("rerank", "-m", CROSS, "-q", "q", self.file("a.csv", "id,text,lang\n1,a,en\n2,b,de\n"), "--keep",
                         "--format=jsonl").json_lines
        self.assertEqual({r["id"]: (r["lang"], r["document"], r["index"]) for r in rows},
                         {"1": ("en", "a", 0), "2": ("de", "b", 1)})

    def test_pairs(self):
        wanted = self.hone("classify", "-m", CLASSIFY, "--pair", "--format=jsonl", stdin="a\tb\nc d\te\n").out
        for name, data, more in ("a.jsonl", '{"text": "a", "text_pair": "b"}\n["c d", "e"]\n', []), \
                ("a.csv", "premise,hypothesis\na,b\nc d,e\n", ["--column=premise", "--pair-column=hypothesis"]):
            run = self.hone("classify", "-m", CLASSIFY, "--pair", "--format=jsonl", self.file(name, data), *more)
            self.assertEqual(run.out, wanted)
        self.hone("classify", "-m", CLASSIFY, "--pair-column=x", stdin="a\n", status=2)

    def test_damaged_rows(self):
        run = self.embed(self.file("a.csv", 'id,text\n1,a\n2\n3,b,c\n4,"x"y\n5,ok\n'), status=4)
        self.assertEqual([r["id"] for r in run.json_lines], ["1", "5"])
        for line in 3, 4, 5:
            self.assertIn(f"line {line}: ", run.words)
        run = self.embed(self.file("a.csv", 'text\na\n"never closed\nb\n'), status=4)
        self.assertIn("never closed", run.words)
        self.assertIn("one name", self.embed(self.file("a.csv", "text,text\na,b\n"), status=2).words)
        self.assertEqual(self.embed(self.file("a.csv", "")).out, b"")

    def test_random_tables_are_those_of_python(self):
        rng = random.Random(5)
        for _ in range(30):
            rows = [["".join(rng.choice('ab",\t\n é') for _ in range(rng.randrange(9))) for _ in range(2)]
                    for _ in range(rng.randrange(1, 40))]
            name, between = rng.choice([("a.csv", ","), ("a.tsv", "\t")])
            path = self.file(name, as_csv(rows, between, header=["text", "other"]))
            out = self.hone("rerank", "-m", EMBED, "-q", "x", path, "--format=jsonl", "--keep").json_lines
            found = {r["index"]: [r["document"], r["other"]] for r in out}
            self.assertEqual([found[i] for i in range(len(rows))], rows)


class Errors(Input):
    LINES = '{"text": "a", "id": "x"}\n\nno JSON\n{"id": 5, "text": 3}\n{"text": "b"}\n'

    def test_empty_lines_ask_for_nothing(self):
        run = self.embed("--jsonl", stdin='{"text": "a"}\n\n   \n{"text": "b"}\n\n')
        self.assertEqual([r["index"] for r in run.json_lines], [0, 3])
        run = self.hone("score", "-m", EMBED, stdin='{"text": "a"}\n\n{"text": "b"}\n\n')
        self.assertEqual([r["index"] for r in run.json_lines], [0, 2])
        rows, _ = read_npy(self.embed("--jsonl", "--format=npy", stdin='{"text": "a"}\n\n{"text": "b"}\n').out)
        self.assertEqual(len(rows), 2)

    def test_rows(self):
        for command in ["embed", "--jsonl"], ["score"]:
            run = self.hone(*command, "-m", EMBED, "--errors=rows", stdin=self.LINES)
            rows = run.json_lines
            self.assertEqual([r["index"] for r in rows], [0, 2, 3, 4])
            self.assertEqual([("error" in r, "embedding" in r) for r in rows],
                             [(False, True), (True, False), (True, False), (False, True)])
            self.assertEqual([r.get("id") for r in rows], ["x", None, 5, None])
            self.assertNotIn("line 3", run.words)
        run = self.hone("classify", "-m", CLASSIFY, "--format=jsonl", "--errors=rows", "--jsonl", stdin=self.LINES)
        self.assertEqual([r["index"] for r in run.json_lines], [0, 2, 3, 4])
        run = self.embed("--errors=rows", "--strict", "--max-length=8", stdin="a\na b c d e f g h i j k\nb\n")
        self.assertEqual(["error" in r for r in run.json_lines], [False, True, False])
        self.embed("--errors=rows", "--format=csv", stdin="a\n", status=2)

    def test_a_row_comes_for_each_line_at_once(self):
        p = subprocess.Popen([HONE, "score", "-m", EMBED, "--errors=rows"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for line, key in ('{"text": "a"}', "embedding"), ("no JSON", "error"), ('{"text": "b"}', "embedding"):
            p.stdin.write(line.encode() + b"\n")
            p.stdin.flush()
            self.assertIn(key, json.loads(p.stdout.readline()))
        p.stdin.close()
        p.stdout.close()
        self.assertEqual(p.wait(), 0)

    def test_too_many(self):
        for rows in [], ["--errors=rows"]:
            self.embed("--jsonl", "--max-errors=2", *rows, stdin=self.LINES, status=0 if rows else 4)
            run = self.embed("--jsonl", "--max-errors=1", *rows, stdin=self.LINES, status=4)
            self.assertIn("--max-errors", run.words)
        self.embed("--jsonl", "--max-errors=0", stdin='{"text": "a"}\n')


class Output(Input):
    def test_the_name_says_the_format(self):
        stdin = "a\nb\n"
        for name, format in ("x.npy", "npy"), ("x.csv", "csv"), ("x.jsonl", "jsonl"), ("x", "jsonl"), ("x.txt", "jsonl"):
            out = self.path(name)
            self.embed("-o", out, stdin=stdin)
            with open(out, "rb") as f:
                self.assertEqual(f.read(), self.embed("--format", format, stdin=stdin).out)
        self.embed("-o", self.path("x.npy"), "--format=jsonl", stdin=stdin)

    def test_compressed(self):
        stdin = "".join(f"text {i}\n" for i in range(3000))
        plain = self.embed(stdin=stdin).out
        for name, opened in ("x.jsonl.gz", gzip.open), ("x.jsonl.xz", lzma.open):
            self.embed("-o", self.path(name), stdin=stdin)
            with opened(self.path(name)) as f:
                self.assertEqual(f.read(), plain)
        if shutil.which("zstd"):
            self.embed("-o", self.path("x.zst"), stdin=stdin)
            self.assertEqual(subprocess.run(["zstd", "-dc", self.path("x.zst")], capture_output=True, check=True).stdout, plain)
        self.embed("-o", self.path("x.npy.gz"), stdin=stdin, status=2)

    def test_npz(self):
        """To a file, and down a pipe; bindings/python/tests/test_npz.py has numpy read it."""
        data = '{"id": "a", "text": "x"}\n{"id": "bc", "text": "y"}\n'
        wanted, _ = read_npy(self.embed("--jsonl", "--format=npy", stdin=data).out)
        self.embed("--jsonl", "-o", self.path("x.npz"), stdin=data)
        with open(self.path("x.npz"), "rb") as f:
            self.assertEqual(f.read(), self.embed("--jsonl", "--format=npz", stdin=data).out)
        with zipfile.ZipFile(self.path("x.npz")) as z:
            self.assertIsNone(z.testzip())
            self.assertEqual(z.namelist(), ["vectors.npy", "ids.npy"])
            self.assertEqual(read_npy(z.read("vectors.npy"))[0], wanted)
            self.assertEqual(z.read("ids.npy")[128:].decode("utf-32-le"), "a\0bc")
        for arguments, said in ((["--resume"], "--resume"), (["--keep"], "--keep"), (["--errors=rows"], "--errors rows")):
            run = self.embed("--jsonl", "-o", self.path("y.npz"), *arguments, stdin=data, status=2)
            self.assertIn(said, run.words)
        self.assertIn("--id-column", self.embed("--jsonl", "--format=npy", "--id-column=id", stdin=data, status=2).words)
        self.assertIn("ZIP archive", self.embed(self.path("x.npz"), status=2).words)
        self.hone("logits", "-m", EMBED, "--ids", "1", "-o", self.path("y.npz"), status=2)
        self.assertFalse(os.path.exists(self.path("y.npz")))

    def test_rerank_and_classify_write_files(self):
        self.hone("classify", "-m", CLASSIFY, "-o", self.path("c.jsonl"), stdin="a\n")
        self.hone("rerank", "-m", CROSS, "-q", "q", "-o", self.path("r.jsonl.gz"), stdin="a\nb\n")
        with open(self.path("c.jsonl")) as f:
            self.assertIn("labels", json.loads(f.read()))
        with gzip.open(self.path("r.jsonl.gz"), "rt") as f:
            self.assertEqual(len(f.read().splitlines()), 2)
        self.hone("classify", "-m", CLASSIFY, "-o", os.path.join(self.path("none"), "x"), stdin="a\n", status=1)


if __name__ == "__main__":
    main()
