"""The benches: what they print, and which questions they refuse. How fast anything is decides nothing here."""
import json
import os
from xml.etree import ElementTree

from support import CLASSIFY, CROSS, EMBED, FIXTURES, Case, main


class Limits(Case):
    def test_json(self):
        answer = json.loads(self.hone("bench", "limits", "--json", "-t", "2").text)
        self.assertTrue(answer["cpu"])
        self.assertIn("f32", answer["levels"])
        self.assertEqual([row["threads"] for row in answer["threads"]], [1, 2])
        for row in answer["threads"]:
            for key in ("f32_gop_s", "int8_gop_s", "l1_gb_s", "l2_gb_s", "memory_gb_s"):
                self.assertGreater(row[key], 0, key)
            for key in ("bf16_gop_s", "l3_gb_s"):
                self.assertGreaterEqual(row[key], 0, key)
            for key in ("tile_l1_gb_s", "tile_l1_gop_s", "tile_l2_gop_s", "tile_memory_gb_s"):
                self.assertEqual(row.get(key, 0) > 0, answer["levels"]["int8"] == "amx", key)

    def test_table(self):
        lines = self.hone("bench", "limits", "-t", "1", "--level", "scalar").text.splitlines()
        self.assertTrue(lines[1].startswith("threads  f32 GFLOP/s"), lines[1])
        self.assertEqual(lines[2].split()[0], "1")
        self.assertIn("f32 by scalar", lines)

    def test_refused(self):
        self.assertIn("no instruction set 'mmx'", self.hone("bench", "limits", "--level", "mmx", status=2).words)
        self.assertIn("more than 1024", self.hone("bench", "limits", "-t", "5000", status=2).words)
        self.assertIn("argument too many", self.hone("bench", "limits", "x", status=2).words)


class Kernels(Case):
    KEYS = {"slot", "level", "model", "shape", "m", "n", "k", "n_measured", "threads", "seconds", "gop_s", "gb_s",
            "limit_gop_s", "limit_gb_s", "bound", "share"}

    def test_json(self):
        answer = json.loads(self.hone("bench", "kernels", "--json", "-m", "MiniLM", "-M", "5", "-t", "2").text)
        self.assertEqual(answer["threads"], 2)
        slots = {}
        for row in answer["results"]:
            self.assertEqual(set(row), self.KEYS)
            self.assertEqual((row["model"], row["m"]), ("minilm", 5))
            self.assertGreater(row["seconds"], 0)
            self.assertGreater(row["share"], 0)
            slots.setdefault(row["slot"], []).append(row)
        self.assertEqual([row["shape"] for row in slots["gemm_u8i8"]], ["qkv", "out", "up", "down"])
        self.assertEqual({(row["n"], row["k"]) for row in slots["gemm_f32"]},
                         {(1152, 384), (384, 384), (1536, 384), (384, 1536)})
        for slot in ("attention", "quantize_u8", "layer_norm", "softmax", "gelu"):
            self.assertEqual(len(slots[slot]), 1)
        self.assertEqual(slots["gelu"][0]["gop_s"], 0)

    def test_every_row_count(self):
        answer = json.loads(self.hone("bench", "kernels", "--json", "-m", "minilm", "--slot", "add").text)
        self.assertEqual([row["m"] for row in answer["results"]], [1, 4, 16, 64, 256, 1024, 4096])

    def test_every_level(self):
        answer = json.loads(self.hone("bench", "kernels", "--json", "-m", "minilm", "--slot", "gemm_u8i8", "-M", "2",
                                      "--level", "all", "-t", "1").text)
        levels = {row["level"] for row in answer["results"]}
        self.assertIn("scalar", levels)
        self.assertEqual(len(answer["results"]), 4 * len(levels))

    def test_table(self):
        lines = self.hone("bench", "kernels", "-m", "t5-base", "-M", "1", "--slot", "gemm_f32", "--level",
                          "scalar").text.splitlines()
        self.assertEqual(lines[0], "gemm_f32, scalar")
        self.assertTrue(lines[1].startswith("model  "))
        self.assertEqual([line.split()[1] for line in lines[2:]],
                         ["qkv", "out", "cross_kv", "up", "down", "logits"])

    def test_picture(self):
        path = self.path("roof.svg")
        run = self.hone("bench", "kernels", "-m", "minilm", "-M", "3", "--json", "--svg", path)
        rows = json.loads(run.text)["results"]
        root = ElementTree.parse(path).getroot()
        name = "{http://www.w3.org/2000/svg}"
        self.assertEqual(root.tag, name + "svg")
        dots = [dot.findtext(name + "title") for dot in root.iter(name + "circle")]
        products = [row for row in rows if row["gop_s"] > 0]
        self.assertEqual(len(dots), len(rows) + len(products))
        self.assertTrue(any(dot.startswith("gemm_u8i8, ") for dot in dots))
        for dot in root.iter(name + "circle"):
            self.assertTrue(0 <= float(dot.get("cx")) <= float(root.get("width")))
            self.assertTrue(0 <= float(dot.get("cy")) <= float(root.get("height")))
        texts = [text.text for text in root.iter(name + "text")]
        for slot in {row["slot"] for row in rows}:
            self.assertIn(slot, texts)
        self.hone("bench", "kernels", "-m", "minilm", "-M", "1", "--slot", "add", "--svg", self.path("no/such.svg"),
                  status=1)

    def test_refused(self):
        for arguments, says in ((["--slot", "gemm"], "no slot 'gemm' here, expected one of gemm_f32, gemm_bf16, gemm_u8i8"),
                                (["-m", "gpt"], "no model 'gpt' here, expected one of minilm, bert-base"),
                                (["--level", "mmx"], "no instruction set 'mmx', expected one of scalar"),
                                (["-M", "5000"], "more than 4096"), (["-t", "5000"], "more than 1024")):
            run = self.hone("bench", "kernels", *arguments, status=2)
            self.assertIn(says, run.words)


class Model(Case):
    def test_json(self):
        for model in (EMBED, CLASSIFY, CROSS):
            answer = json.loads(self.hone("bench", "model", "-m", model, "--json", "--batch", "3").text)
            self.assertEqual(answer["architecture"], "bert")
            for key in ("open_s", "tok_s", "texts_s", "threads"):
                self.assertGreater(answer[key], 0, key)
            self.assertIsNone(answer["prompt_tok_s"])
            self.assertIsNone(answer["gen_tok_s"])
            for cell in answer["results"]:
                self.assertEqual(cell["batch"], 3)
                self.assertLessEqual(cell["tokens"], 3 * cell["length"])
                self.assertGreater(cell["tokens"], 3)
                self.assertGreater(cell["tokenize_seconds"], 0)
                self.assertAlmostEqual(cell["tok_s"] / cell["texts_s"], cell["tokens"] / 3, places=2)
            usual = [cell for cell in answer["results"] if cell["length"] <= 128][-1]
            self.assertEqual({key: answer[key] for key in usual}, usual)

    def test_every_kind(self):
        for model in ("colbert", "splade", "bert-dense", "modernbert", "gte", "roberta-classify"):
            answer = json.loads(self.hone("bench", "model", "-m", os.path.join(FIXTURES, model), "--json", "--prompt", "6",
                                          "--batch", "2").text)
            self.assertGreater(answer["tok_s"], 0, model)

    def test_one_length(self):
        answer = json.loads(self.hone("bench", "model", "-m", EMBED, "--json", "--prompt", "10").text)
        self.assertEqual({cell["length"] for cell in answer["results"]}, {10})
        self.assertEqual([cell["batch"] for cell in answer["results"]], [1, 8, 32, 128])

    def test_table(self):
        lines = self.hone("bench", "model", "-m", EMBED, "--prompt", "9", "--batch", "2").text.splitlines()
        self.assertTrue(lines[0].startswith("bert, f32 by "), lines[0])
        self.assertEqual(lines[1].split(), ["length", "texts", "tokens", "ms", "texts/s", "tokens/s",
                                            "tokenization"])
        self.assertEqual(lines[2].split()[:2], ["9", "2"])
        self.assertEqual(len(lines), 3)

    def test_generation_is_not_for_encoders(self):
        run = self.hone("bench", "model", "-m", EMBED, "--json", "--prompt", "8", "--gen", "4", "--batch", "1")
        self.assertIn("generates no text", run.words)
        json.loads(run.text)

    def test_refused(self):
        for arguments, says in ((["--prompt", "100000"], "is more than the "), (["--prompt", "0"], "whole number"),
                                (["--batch", "5000"], "is more than 4096 texts")):
            self.assertIn(says, self.hone("bench", "model", "-m", EMBED, *arguments, status=2).words)
        self.assertIn("missing: -m MODEL", self.hone("bench", "model", status=2).words)
        self.hone("bench", "model", "-m", self.path("none"), status=3)


class Scheduler(Case):
    def test_json(self):
        answer = json.loads(self.hone("bench", "scheduler", "--json", "-m", EMBED).text)
        self.assertEqual(answer["architecture"], "bert")
        self.assertEqual(answer["fast_share"], 1)
        for key in ("single_ms", "clients_texts_s", "mixed_tok_s", "bursts_fixed", "bursts_both"):
            self.assertGreater(answer[key], 0, key)
        self.assertNotIn("streams_tok_s", answer)  # it generates nothing

    def test_refused(self):
        words = self.hone("bench", "scheduler", "-m", os.path.join(FIXTURES, "splade"), status=2).words
        self.assertIn("not one vector", words)


class Tune(Case):
    TEXT = "some words to embed\n" * 40

    def environment(self):
        return {**os.environ, "XDG_CACHE_HOME": self.path("")}

    def embed(self):
        return self.hone("embed", "-m", EMBED, stdin=self.TEXT, env=self.environment())

    def test_json_and_profile(self):
        before = self.embed()
        answer = json.loads(self.hone("tune", "--seconds", "1", "--json", env=self.environment()).text)
        self.assertEqual(len(answer["results"]), 5)
        for row in answer["results"]:
            self.assertEqual(set(row), {"name", "before", "after", "before_gop_s", "after_gop_s"})
            self.assertGreaterEqual(row["after_gop_s"], row["before_gop_s"])
        self.assertTrue(answer["path"].startswith(self.path("")), answer["path"])
        with open(answer["path"]) as f:
            profile = json.load(f)
        self.assertEqual(profile["format"], "hone tuning 1")
        after = self.embed()
        self.assertEqual((after.out, after.err), (before.out, b""))
        # Other sizes, the same numbers.
        for tile in (*profile["f32"], *profile["int8"]):
            tile.update(bytes=8192, cols=64)
        profile["task_tokens"] = 64
        with open(answer["path"], "w") as f:
            json.dump(profile, f)
        after = self.embed()
        self.assertEqual((after.out, after.err), (before.out, b""))
        # A damaged profile is told of, and not used.
        profile["task_tokens"] = 0
        with open(answer["path"], "w") as f:
            json.dump(profile, f)
        after = self.embed()
        self.assertEqual(after.out, before.out)
        self.assertIn("out of its bounds; 'hone tune' makes it anew", after.words)
        self.assertEqual(after.words.count("\n"), 1)

    def test_no_folder(self):
        environment = {key: value for key, value in os.environ.items() if key not in ("HOME", "XDG_CACHE_HOME")}
        self.assertIn("no folder", self.hone("tune", status=1, env=environment).words)
        self.assertEqual(self.hone("embed", "-m", EMBED, stdin="x\n", env=environment).err, b"")
        self.assertIn("more than 1024", self.hone("tune", "-t", "2000", status=2).words)


class Group(Case):
    def test_help(self):
        for arguments in (["bench", "--help"], ["bench", "-h"], ["help", "bench"]):
            self.assertIn("\n  bench limits ", self.hone(*arguments).text)
        self.assertEqual(self.hone("help", "bench", "limits").out, self.hone("bench", "limits", "-h").out)

    def test_refused(self):
        for arguments in (["bench"], ["bench", "fly"], ["help", "bench", "limits", "x"]):
            run = self.hone(*arguments, status=2)
            self.assertEqual((run.out, run.words.count("\n")), (b"", 1), arguments)


if __name__ == "__main__":
    main()
