"""Packed weights that are kept between runs: the same numbers with them, and with whatever becomes of them."""
import fcntl
import json
import os
import resource
import shutil
import subprocess
import time
import unittest

from random_model import random_model
from support import EMBED, HONE, PATIENCE, Case, main

PACK, RECORD = ".pack", ".of"


class Cache(Case):
    def setUp(self):
        super().setUp()
        self.model, self.folder = self.path("model.gguf"), self.path("cache")
        self.hone("convert", EMBED, "-o", self.model)
        self.environment = {"HONE_CACHE": "1", "XDG_CACHE_HOME": self.folder}
        self.first = self.embed()

    def age(self, path):
        """Waits until the file's time of change is no longer now: until then it is read anew each time."""
        while time.time() - os.stat(path).st_ctime < 2.1:
            time.sleep(0.05)

    def run_embed(self, compute, model, *arguments, environment=None, **how):
        return self.hone("embed", "-m", model, "--compute", compute, *arguments, stdin="one text\nanother one\n",
                         env={**os.environ, **self.environment, **(environment or {})}, **how)

    def embed(self, compute="int8", model=None, arguments=(), **environment):
        return self.run_embed(compute, model or self.model, *arguments, environment=environment).out

    def right(self, model=None):
        """What comes out without the cache."""
        return self.embed(model=model, HONE_CACHE="0")

    def cache(self, *arguments, **how):
        return self.hone("cache", *arguments, env={**os.environ, **self.environment}, **how)

    def listed(self):
        return json.loads(self.cache("list", "--json").text)

    @property
    def weights(self):
        return os.path.join(self.folder, "hone", "weights")

    def files(self, suffix=PACK):
        names = os.listdir(self.weights) if os.path.isdir(self.weights) else []
        return sorted(os.path.join(self.weights, name) for name in names if name.endswith(suffix))

    def read(self, path):
        with open(path, "rb") as f:
            return f.read()

    def write(self, path, data):
        with open(path, "wb") as f:
            f.write(data)


class TestUse(Cache):
    @unittest.skipIf("asan" in HONE or "tsan" in HONE, "a sanitizer's shadow counts, too")
    def test_larger_than_memory(self):
        """Packing writes into the cache's file, and products read what is mapped of it: neither needs memory for all weights."""
        model = self.path("wide")
        random_model(model, 0, width=512, hidden=2048, heads=8)
        bound = 48 << 20  # of memory that is no file's; the weights are 19 million float32

        def embed(**how):
            return self.run_embed("f32", model, "-t1", preexec_fn=lambda: resource.setrlimit(
                resource.RLIMIT_DATA, (bound, bound)), **how)

        self.assertIn("out of memory: the packed weights", embed(environment={"HONE_CACHE": "0"}, status=1).words)
        kept = embed().out
        self.assertGreater(max(os.path.getsize(path) for path in self.files()), bound)
        self.assertEqual(kept, embed().out)
        self.assertEqual(kept, self.embed("f32", model, HONE_CACHE="0"))

    def test_same_numbers(self):
        path, = self.files()
        self.assertEqual(self.files(RECORD), [])  # the model was written just now, and may be again
        self.age(self.model)
        before = os.stat(path)
        self.assertEqual(self.embed(), self.first)
        self.assertEqual(self.right(), self.first)
        after = os.stat(path)
        self.assertEqual(after.st_ino, before.st_ino)
        self.assertGreater(after.st_mtime_ns, before.st_mtime_ns)  # it was used
        self.assertEqual(len(self.files(RECORD)), 1)
        self.embed("bf16")
        self.assertEqual(len(self.files()), 2)
        right = self.embed("f32", HONE_CACHE="0")
        for _ in range(2):
            self.assertEqual(self.embed("f32"), right)
            self.assertEqual(len(self.files()), 3)

    def test_folders(self):
        """The pack of the folder's tensors, which a file with the same ones shares; none for other ones."""
        for compute in ("int8", "f32"):
            right = self.embed(compute, model=EMBED, HONE_CACHE="0")
            self.cache("clear")
            for _ in range(2):
                self.assertEqual(self.embed(compute, model=EMBED), right)
                self.assertEqual(len(self.files()), 1)
            self.assertEqual(self.files(RECORD), [])
        copy = shutil.copytree(EMBED, self.path("copy"))
        with open(os.path.join(copy, "model.safetensors"), "r+b") as f:
            data = bytearray(f.read())
            for i in range(len(data) // 2, len(data) // 2 + 4096):
                data[i] ^= 0x04
            f.seek(0)
            f.write(data)
        self.assertNotEqual(self.embed("f32", model=copy), right)
        self.assertEqual(self.embed("f32", model=copy), self.embed("f32", model=copy, HONE_CACHE="0"))

    def mapped(self, process):
        """The packs that a process maps: (inode, name)."""
        with open(f"/proc/{process.pid}/maps") as f:
            rows = [line.split(maxsplit=5) for line in f]
        return {(row[4], row[5].strip()) for row in rows if len(row) == 6 and PACK in row[5]}

    def test_processes_that_start_at_once_have_one_copy(self):
        for compute in ("f32", "int8", "bf16"):
            self.cache("clear")
            processes = [subprocess.Popen([HONE, "embed", "-m", self.model, "--compute", compute], stdin=subprocess.PIPE,
                                          stdout=subprocess.PIPE, env={**os.environ, **self.environment}) for _ in range(4)]
            try:
                end = time.monotonic() + PATIENCE
                while not all(self.mapped(p) for p in processes) and time.monotonic() < end:
                    time.sleep(0.01)
                path, = self.files()
                for p in processes:
                    self.assertEqual(self.mapped(p), {(str(os.stat(path).st_ino), path)})
            finally:
                outputs = [p.communicate(b"one text\nanother one\n")[0] for p in processes]
            self.assertEqual(set(outputs), {self.embed(compute, HONE_CACHE="0")})

    def test_a_process_that_hangs_stops_nobody(self):
        with open(os.path.join(self.weights, "secret"), "rb") as f:
            fcntl.flock(f, fcntl.LOCK_EX)
            right = self.embed("bf16", HONE_CACHE="0")
            self.assertEqual(self.embed("bf16"), right)
        self.assertEqual(len(self.files()), 2)

    def test_another_name_and_a_copy_have_the_same_pack(self):
        path, = self.files()
        before = os.stat(path).st_ino
        os.rename(self.model, self.path("renamed.gguf"))
        self.assertEqual(self.embed(model=self.path("renamed.gguf")), self.first)
        shutil.copy(self.path("renamed.gguf"), self.path("copy.gguf"))
        self.assertEqual(self.embed(model=self.path("copy.gguf")), self.first)
        self.assertEqual([os.stat(path).st_ino for path in self.files()], [before])

    def test_without(self):
        self.cache("clear")
        self.assertEqual(self.embed(arguments=["--no-cache"]), self.first)
        self.assertEqual(self.files(), [])

    def test_no_place(self):
        self.environment["XDG_CACHE_HOME"] = self.folder = "/proc/nowhere"
        self.assertEqual(self.embed(), self.first)

    def test_verify_compares_what_it_uses(self):
        found = self.hone("verify", "-m", self.model, "--compute", "int8", "--json",
                          env={**os.environ, **self.environment}).text
        self.assertIn("from the cache, as packing makes them", found)


class TestDoubt(Cache):
    def test_any_byte_that_is_not_what_was_written(self):
        path, = self.files()
        good = self.read(path)
        at = [0, 20, 24, 40, 60, 1100, 1136, 1150, 1168, 1180, 2000, 4095, 4096, len(good) // 2, len(good) - 1]
        for i in at:
            self.write(path, good[:i] + bytes([good[i] ^ 1]) + good[i + 1:])
            self.assertEqual(self.embed(), self.first, f"byte {i}")
            self.assertEqual(self.read(path), good, f"byte {i}")
        for bad in (b"", good[:100], good[:-1], good + b"x", good[:5000], bytes(len(good))):
            self.write(path, bad)
            self.assertEqual(self.embed(), self.first)
            self.assertEqual(self.read(path), good)

    def test_a_record_that_is_damaged(self):
        self.age(self.model)
        self.embed()
        path, = self.files(RECORD)
        good = self.read(path)
        for bad in (b"", good[:-1], bytes(32), good[16:] + good[:16]):
            self.write(path, bad)
            self.assertEqual(self.embed(), self.first)

    def test_a_layer_that_changed_while_size_and_time_did_not(self):
        self.age(self.model)
        self.embed()
        before = os.stat(self.model)
        data = bytearray(self.read(self.model))
        at = len(data) // 2
        for i in range(at, at + 4096):
            data[i] ^= 0x04
        with open(self.model, "r+b") as f:
            f.write(data)
        os.utime(self.model, ns=(before.st_atime_ns, before.st_mtime_ns))
        right = self.right()
        self.assertNotEqual(right, self.first)
        self.assertEqual(self.embed(), right)
        self.age(self.model)
        self.assertEqual(self.embed(), right)
        self.assertEqual(self.embed(), right)

    def test_files_that_others_may_have_written(self):
        path, = self.files()
        inode, other = os.stat(path).st_ino, self.path("elsewhere")
        os.chmod(path, 0o666)
        self.assertEqual(self.embed(), self.first)
        self.assertNotEqual(os.stat(path).st_ino, inode)
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        os.rename(path, other)
        os.symlink(other, path)
        self.assertEqual(self.embed(), self.first)
        self.assertFalse(os.path.islink(path))
        self.assertTrue(os.path.exists(other))

    def test_folders_that_others_may_write(self):
        self.cache("clear")
        os.chmod(self.weights, 0o777)
        self.assertEqual(self.embed(), self.first)
        self.assertEqual(self.files(), [])
        self.assertIn("nobody else writes", self.cache("list", status=1).words)
        os.chmod(self.weights, 0o700)
        os.rename(self.weights, self.path("elsewhere"))
        os.symlink(self.path("elsewhere"), self.weights)
        self.assertEqual(self.embed(), self.first)
        self.assertEqual(self.files(), [])

    def test_hashes_of_another_user(self):
        """A pack, and its secret, that another one made, say nothing here."""
        path, = self.files()
        os.chmod(os.path.join(self.weights, "secret"), 0o644)
        self.assertEqual(self.embed(), self.first)
        os.unlink(os.path.join(self.weights, "secret"))
        good = self.read(path)
        self.assertEqual(self.embed(), self.first)
        self.assertEqual(self.read(path), good)
        self.assertEqual(len(self.files()), 2)


class TestRoom(Cache):
    def test_list_and_clear(self):
        self.embed("bf16")
        all_ = self.listed()
        self.assertEqual({pack["path"] for pack in all_["packs"]}, set(self.files()))
        self.assertEqual({pack["model"] for pack in all_["packs"]}, {os.path.realpath(self.model)})
        self.assertTrue(all_["packs"][0]["how"].endswith("bf16"))
        self.assertTrue(all_["packs"][1]["how"].endswith("int8"))
        self.assertEqual(all_["size"], sum(os.stat(path).st_blocks * 512 for path in self.files()))
        self.assertTrue(all_["default_limit"])
        self.assertIn("model.gguf", self.cache("list").text)
        self.write(os.path.join(self.weights, "0123456789abcdef-avx2-4"), b"of an earlier version")
        self.assertIn("3 removed", self.cache("clear").words)
        self.assertEqual(self.files() + self.files(RECORD), [])
        self.assertEqual(self.listed()["packs"], [])
        self.assertEqual(self.embed(), self.first)
        self.assertEqual(len(self.files()), 1)

    def test_what_was_used_longest_ago_goes(self):
        int8, = self.files()
        size = os.stat(int8).st_blocks * 512
        self.embed("bf16")
        bf16, = set(self.files()) - {int8}
        self.embed()  # int8 is newer now
        self.cache("limit", str(size + size // 2))
        self.assertEqual(self.files(), [int8])
        self.assertFalse(self.listed()["default_limit"])
        self.embed("bf16")
        self.assertEqual(self.files(), [bf16])
        self.embed()
        self.cache("limit", "1M")
        self.embed("bf16")
        self.embed()
        self.assertEqual(self.files(), sorted([int8, bf16]))
        self.cache("limit", "1")
        self.assertEqual(self.files(), [])
        self.assertEqual(self.embed(), self.first)
        self.assertEqual(self.files(), [])
        self.cache("limit", "default")
        self.embed()
        self.assertEqual(self.files(), [int8])
        for bad in ("", "x", "-1", "5X", "nan", "1e99"):
            self.cache("limit", bad, status=2)

    def test_seconds_count_before_nanoseconds(self):
        int8, = self.files()
        self.embed("bf16")
        bf16, = set(self.files()) - {int8}
        size, second = os.stat(int8).st_blocks * 512, 10 ** 9
        for used, stays in (((10 * second + 5, 20 * second + 1), bf16), ((20 * second + 1, 10 * second + 5), int8),
                            ((10 * second + 1, 10 * second + 2), bf16)):
            self.cache("limit", "default")
            self.embed()
            self.embed("bf16")
            for path, when in zip((int8, bf16), used):
                os.utime(path, ns=(when, when))
            self.cache("limit", str(size + size // 2))
            self.assertEqual(self.files(), [stays])

    def test_what_an_ended_program_left(self):
        stale, held = (os.path.join(self.weights, f"{i}.pack.1-0.tmp") for i in range(2))
        self.write(stale, b"x" * 1000)
        self.write(held, b"x")
        with open(held, "rb") as f:
            fcntl.flock(f, fcntl.LOCK_EX)
            self.embed("bf16")
            self.assertFalse(os.path.exists(stale))
            self.assertTrue(os.path.exists(held))
        self.cache("clear")
        self.assertFalse(os.path.exists(held))


if __name__ == "__main__":
    main()
