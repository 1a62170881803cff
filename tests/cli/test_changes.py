"""Keys of config.json that are changed: hone computes what transformers computed (fixtures/make_changes.py), or refuses the
folder by one of the keys. golden/walk_configs.py tries all keys of all families, where transformers is there."""
import json
import os
import shutil

from support import FIXTURES, Case, Run, main, read_npy


class Changes(Case):
    def run_on(self, model, change, without, ids):
        folder, out = self.path("model"), self.path("logits.npy")
        source = os.path.join(FIXTURES, model)
        os.mkdir(folder)
        for name in os.listdir(source):
            if name != "config.json":
                os.symlink(os.path.join(source, name), os.path.join(folder, name))
        with open(os.path.join(source, "config.json")) as f:
            config = {k: v for k, v in {**json.load(f), **change}.items() if k not in without}
        self.file("model/config.json", json.dumps(config))
        run = Run(("logits", "-m", folder, "--ids", ids, "-o", out, "--compute", "f32", "--no-cache", "-t", "1"))
        shutil.rmtree(folder)
        return run, out

    def test_changes(self):
        with open(os.path.join(FIXTURES, "changes.json")) as f:
            record = json.load(f)
        ids, n, refused = " ".join(map(str, record["ids"])), 0, []
        for model, rows in record["models"].items():
            for change, without, logits, largest in rows:
                n += 1
                with self.subTest(model, change=change, without=without):
                    run, out = self.run_on(model, change, without, ids)
                    if run.status == 3:
                        refused.append(model)
                        self.assertTrue(any(key in run.words for key in (*change, *without, *NAMED)), run.words)
                        continue
                    self.assertEqual(run.status, 0, run.words)
                    with open(out, "rb") as f:
                        rows, _ = read_npy(f.read())
                    self.assertClose(rows[-1][:len(logits)], logits, 1e-4 * largest)
        self.assertLess(len(refused), n // 4)


# What a sentence says instead of the key that it is about.
NAMED = ("rotary scaling", "activation")

if __name__ == "__main__":
    main()
