"""The benches: what they print, and which questions they refuse. How fast anything is decides nothing here."""
import json

from support import Case, main


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

    def test_refused(self):
        for arguments, says in ((["--slot", "gemm"], "no slot 'gemm' here, expected one of gemm_f32, gemm_u8i8"),
                                (["-m", "gpt"], "no model 'gpt' here, expected one of minilm, bert-base"),
                                (["--level", "mmx"], "no instruction set 'mmx', expected one of scalar"),
                                (["-M", "5000"], "more than 4096"), (["-t", "5000"], "more than 1024")):
            run = self.hone("bench", "kernels", *arguments, status=2)
            self.assertIn(says, run.words)


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
