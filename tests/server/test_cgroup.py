"""Three models that do not fit together in a control group of 512 MB: each answers in its turn, the kernel kills nobody, and what
the server takes (PSS) stays within what it allows itself. Takes half a minute and is run where LONG=1 says so, by root, since
others can make no control group."""
import json
import os
import random
import shutil
import struct
import threading
import time
import unittest

from serving import EMBED, Case, Server, main

LIMIT = 512 << 20
WIDTH, LAYERS, HIDDEN = 768, 6, 3072
SWITCHES = 30


def control_group(name, limit):
    """A folder of a new group whose memory is bounded, of cgroup 1 or 2; None: it cannot be had."""
    for root, bound in (("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")):
        folder = os.path.join(root, name)
        try:
            os.mkdir(folder)
        except OSError:
            continue
        try:
            with open(os.path.join(folder, bound), "w") as f:
                f.write(str(limit))
            return folder
        except OSError:
            os.rmdir(folder)
    return None


def random_model(folder, seed):
    """The fixture of BERT with layers as wide as a real one's: halves, each part of it from the same random ones."""
    shutil.copytree(EMBED, folder, ignore=shutil.ignore_patterns("*.safetensors", "golden.json"))
    with open(os.path.join(folder, "config.json")) as f:
        config = json.load(f)
    config.update(hidden_size=WIDTH, intermediate_size=HIDDEN, num_hidden_layers=LAYERS, num_attention_heads=12)
    with open(os.path.join(folder, "config.json"), "w") as f:
        json.dump(config, f)
    for path, _, names in os.walk(folder):  # pooling says the width, too
        for name in names:
            if os.path.basename(path) == "1_Pooling" and name == "config.json":
                with open(os.path.join(path, name)) as f:
                    pooling = json.load(f)
                pooling["word_embedding_dimension"] = WIDTH
                with open(os.path.join(path, name), "w") as f:
                    json.dump(pooling, f)
    with open(os.path.join(EMBED, "model.safetensors"), "rb") as f:
        known = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
    wide = {32: WIDTH, 64: HIDDEN}
    shapes = {}
    for name, tensor in known.items():
        shape = tensor.get("shape", []) if name != "__metadata__" else []
        if not shape or ".layer.1." in name:
            continue
        first = "position" in name  # of which there are 64
        shape = [n if first and i == 0 else wide.get(n, n) for i, n in enumerate(shape)]
        for layer in range(LAYERS if ".layer.0." in name else 1):
            shapes[name.replace(".layer.0.", f".layer.{layer}.")] = shape
    rng, at, header = random.Random(seed), 0, {}
    for name, shape in shapes.items():
        size = 2
        for n in shape:
            size *= n
        header[name] = {"dtype": "F16", "shape": shape, "data_offsets": [at, at + size]}
        at += size
    head = json.dumps(header).encode()
    block = struct.pack("<40000e", *(rng.gauss(0, 0.03) for _ in range(40000)))
    with open(os.path.join(folder, "model.safetensors"), "wb") as f:
        f.write(struct.pack("<Q", len(head)) + head)
        for left in range(at, 0, -len(block)):
            f.write(block[:left])


@unittest.skipUnless(os.environ.get("LONG") == "1", "LONG=1 runs it")
class InAGroup(Case):
    def setUp(self):
        super().setUp()
        self.group = control_group(f"hone-test-{os.getpid()}", LIMIT)
        if not self.group:
            self.skipTest("no control group can be made here")
        self.addCleanup(self.leave_group)

    def leave_group(self):
        for _ in range(100):  # until the kernel has seen that nobody is in it
            try:
                os.rmdir(self.group)
                return
            except OSError:
                time.sleep(0.1)

    def watch(self, server, most):
        """The largest PSS, in bytes, until it is told to end."""
        while not self.over:
            try:
                with open(f"/proc/{server.process.pid}/smaps_rollup") as f:
                    pss = next(int(line.split()[1]) << 10 for line in f if line.startswith("Pss:"))
                most[0] = max(most[0], pss)
            except (OSError, StopIteration):
                pass
            time.sleep(0.01)

    def test_three_models_take_turns(self):
        flags = []
        for i in range(3):
            random_model(self.path(f"m{i}"), i)
            flags += ["-m", f"m{i}={self.path(f'm{i}')}, load = demand"]
        enter = ["sh", "-c", f'echo $$ > {self.group}/cgroup.procs; exec "$@"', "sh"]
        server = Server(*flags, "--admin-key", "root", log_path=self.path("log"), prefix=enter,
                        environment={"XDG_CACHE_HOME": self.path("cache")})
        self.addCleanup(server.stop)
        self.over, most = False, [0]
        watcher = threading.Thread(target=self.watch, args=(server, most))
        watcher.start()
        wanted, budget = {}, 0
        try:
            for i in range(SWITCHES):
                model = f"m{i % 3}"
                reply = server.post("/api/v1/embed", {"model": model, "texts": ["a text that each reads", f"{i}"]})
                self.assertEqual(reply.status, 200, reply.body)
                row = reply.json["embeddings"][0]
                self.assertEqual(row, wanted.setdefault(model, row))
            listed = server.get("/api/v1/admin/models", headers={"Authorization": "Bearer root"}).json
            budget = listed["memory"]["budget"]
        finally:
            self.over = True
            watcher.join()
        self.assertEqual(len({tuple(row) for row in wanted.values()}), 3)
        self.assertGreater(sum(m["need"]["total"] for m in listed["models"]), LIMIT)
        self.assertGreaterEqual(sum(m["unloads"] for m in listed["models"]), SWITCHES // 3, listed)
        self.assertLessEqual(budget, LIMIT)
        self.assertLessEqual(most[0], 1.02 * budget, f"PSS {most[0] / 1e6:.1f} MB of {budget / 1e6:.1f}")
        self.assertIsNone(server.process.poll())
        print(f"PSS at most {most[0] / 1e6:.1f} of {budget / 1e6:.1f} MB in {SWITCHES} switches")


if __name__ == "__main__":
    main()
