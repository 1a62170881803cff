"""Packed weights that are kept between runs: the same numbers with them, and with what damage leaves of them."""
import os

from support import EMBED, Case, main


class Cache(Case):
    def setUp(self):
        super().setUp()
        self.model, self.folder = self.path("model.gguf"), self.path("cache")
        self.hone("convert", EMBED, "-o", self.model)
        self.environment = {"HONE_CACHE": "1", "XDG_CACHE_HOME": self.folder}
        self.first = self.embed()

    def embed(self, compute="int8", **environment):
        return self.hone("embed", "-m", self.model, "--compute", compute, stdin="one text\nanother one\n",
                         env={**os.environ, **self.environment, **environment}).out

    def files(self):
        folder = os.path.join(self.folder, "hone", "weights")
        return [os.path.join(folder, name) for name in os.listdir(folder)] if os.path.isdir(folder) else []

    def test_same_numbers(self):
        path, = self.files()
        before = os.stat(path).st_mtime_ns
        self.assertEqual(self.embed(), self.first)
        self.assertEqual(os.stat(path).st_mtime_ns, before)
        self.assertEqual(self.embed(HONE_CACHE="0"), self.first)
        self.embed("bf16")
        self.assertEqual(len(self.files()), 2)
        self.embed("f32")
        self.assertEqual(len(self.files()), 2)

    def test_damage(self):
        path, = self.files()
        with open(path, "rb") as f:
            good = f.read()
        for bad in (b"", good[:100], good[:-1], good + b"x", b"x" + good[1:], good[:4096] + b"\x55" + good[4097:],
                    good[:5000]):
            with open(path, "wb") as f:
                f.write(bad)
            self.assertEqual(self.embed(), self.first)
            with open(path, "rb") as f:
                self.assertEqual(f.read(), good)

    def test_changed_model(self):
        os.utime(self.model, ns=(1, 1))
        self.assertEqual(self.embed(), self.first)
        self.assertEqual(len(self.files()), 1)

    def test_no_room(self):
        self.folder = "/proc/nowhere"
        self.environment["XDG_CACHE_HOME"] = self.folder
        self.assertEqual(self.embed(), self.first)


if __name__ == "__main__":
    main()
