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
