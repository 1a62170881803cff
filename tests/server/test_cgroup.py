"""Three models that do not fit together in a control group of 512 MB: each answers in its turn, the kernel kills nobody, and what
the server takes (PSS) stays within what it allows itself. Takes half a minute and is run where LONG=1 says so, by root, since
others can make no control group."""
import os
import threading
import time
import unittest

from serving import Case, Server, main

from random_model import random_model

LIMIT = 512 << 20
SWITCHES = int(os.environ.get("SWITCHES", "30"))
CLIENTS = 4


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

    def ask(self, server, first):
        """One client, who asks each model in turn, and a stream of its own; each vector is known from the first time on."""
        i = first
        while not self.over:
            model = f"m{i % 3}"
            reply = server.post("/api/v1/embed", {"model": model, "texts": ["a text that each reads", f"{first} {i}"]})
            row = reply.json["embeddings"][0] if reply.status == 200 else None
            with self.lock:
                self.answers += 1
                if row is None or row != self.wanted.setdefault(model, row):
                    self.wrong.append((model, reply.status, reply.body[:200]))
            i += 1

    def test_three_models_take_turns(self):
        flags = []
        for i in range(3):
            random_model(self.path(f"m{i}"), i)
            flags += ["-m", f"m{i}={self.path(f'm{i}')}, load = demand"]
        enter = ["sh", "-c", f'echo $$ > {self.group}/cgroup.procs; exec "$@"', "sh"]
        server = Server(*flags, "--admin-key", "root", log_path=self.path("log"), prefix=enter,
                        environment={"XDG_CACHE_HOME": self.path("cache")})
        self.addCleanup(server.stop)
        self.over, most, self.lock = False, [0], threading.Lock()
        self.wanted, self.wrong, self.answers, unloads = {}, [], 0, 0
        threads = [threading.Thread(target=self.watch, args=(server, most))]
        threads += [threading.Thread(target=self.ask, args=(server, i)) for i in range(CLIENTS)]
        for t in threads:
            t.start()
        try:
            while unloads < SWITCHES and not self.wrong and server.process.poll() is None:
                time.sleep(0.2)
                listed = server.get("/api/v1/admin/models", headers={"Authorization": "Bearer root"}).json
                unloads = sum(m["unloads"] for m in listed["models"])
        finally:
            self.over = True
            for t in threads:
                t.join()
        self.assertEqual(self.wrong, [])
        self.assertIsNone(server.process.poll())
        self.assertEqual(len({tuple(row) for row in self.wanted.values()}), 3)
        self.assertGreater(sum(m["need"]["total"] for m in listed["models"]), LIMIT)
        budget = listed["memory"]["budget"]
        self.assertLessEqual(budget, LIMIT)
        self.assertLessEqual(most[0], 1.02 * budget, f"PSS {most[0] / 1e6:.1f} MB of {budget / 1e6:.1f}")
        print(f"PSS at most {most[0] / 1e6:.1f} of {budget / 1e6:.1f} MB in {unloads} switches, {self.answers} answers to "
              f"{CLIENTS} clients at once, none wrong or lost; a model is there in "
              f"{', '.join(format(1e3 * m['load_seconds'], '.0f') for m in listed['models'])} ms")


if __name__ == "__main__":
    main()
