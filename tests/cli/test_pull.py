"""hone pull, list and rm, and models by name, against a hub of our own; and the cache that Python's huggingface_hub
makes and reads."""
import hashlib
import json
import os
import random
import shutil
import subprocess
import time
import unittest

from hub_server import Hub, answer, cut_after, git_sha1, without_ranges
from support import EMBED, HONE, Case, main, python_with

PART = 8 << 20
CONFIG = b'{"model_type": "bert"}'


def folder_files(folder):
    files = {}
    for root, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(root, name)
            with open(path, "rb") as f:
                files[os.path.relpath(path, folder)] = f.read()
    return files


def noise(n, seed=1):
    return random.Random(seed).randbytes(n)


class HubCase(Case):
    def setUp(self):
        super().setUp()
        self.hub = Hub()
        self.addCleanup(self.hub.close)
        self.home = self.path("hf")
        self.cache = os.path.join(self.home, "hub")
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "HUGGING", "XDG_", "OLLAMA", "LLAMA"))
                and "proxy" not in k.lower()}
        self.environment = {**kept, "HF_HOME": self.home, "HF_ENDPOINT": self.hub.url, "HOME": self.path("home")}

    def run_hone(self, *arguments, status=0, env=None, **how):
        return self.hone(*arguments, status=status, env={**self.environment, **(env or {})}, **how)

    def pull(self, name, **how):
        """The path that it tells."""
        return self.run_hone("pull", name, **how).text.rstrip("\n")

    def repo(self, name):
        return os.path.join(self.cache, "models--" + name.replace("/", "--"))

    def content(self, path):
        with open(path, "rb") as f:
            return f.read()


class Pull(HubCase):
    def test_a_folder_embeds_by_name(self):
        files = {**folder_files(EMBED), "onnx/model.onnx": noise(1000), "README.md": b"words", "pytorch_model.bin": b"x"}
        self.hub.add("some-one/a.model", files)
        path = self.pull("some-one/a.model")
        have = set(folder_files(path))
        self.assertIn("model.safetensors", have)
        self.assertFalse(have & {"onnx/model.onnx", "README.md", "pytorch_model.bin"}, have)
        for name in have:
            self.assertEqual(self.content(os.path.join(path, name)), files[name])
        wanted = self.run_hone("embed", "-m", EMBED, stdin="a text\n").out
        n = len(self.hub.requests)
        self.assertEqual(self.run_hone("embed", "-m", "hf:some-one/a.model", stdin="a text\n").out, wanted)
        self.assertEqual(len(self.hub.requests), n, "a model that is there was asked for")

    def test_the_cache_is_laid_out_as_huggingface_hub_does(self):
        files = {"config.json": CONFIG, "model.safetensors": noise(5000), "1_Pooling/config.json": b"{}"}
        model = self.hub.add("u/m", files)
        path = self.pull("u/m")
        commit = model.refs["main"]
        self.assertEqual(path, os.path.join(self.repo("u/m"), "snapshots", commit))
        self.assertEqual(self.content(os.path.join(self.repo("u/m"), "refs", "main")), commit.encode())
        sha256 = hashlib.sha256(files["model.safetensors"]).hexdigest()
        self.assertEqual(os.readlink(os.path.join(path, "model.safetensors")), f"../../blobs/{sha256}")
        self.assertEqual(os.readlink(os.path.join(path, "1_Pooling/config.json")), f"../../../blobs/{git_sha1(b'{}')}")
        self.assertEqual(sorted(os.listdir(os.path.join(self.repo("u/m"), "blobs"))),
                         sorted([sha256, git_sha1(CONFIG), git_sha1(b"{}")]))

    def test_a_model_is_fetched_when_it_is_named(self):
        self.hub.add("u/m", folder_files(EMBED))
        wanted = self.run_hone("embed", "-m", EMBED, stdin="a\n").out
        self.assertEqual(self.run_hone("embed", "-m", "hf:u/m", stdin="a\n").out, wanted)
        self.run_hone("inspect", "hf:u/m")

    def test_gguf_by_quantisation_and_by_file(self):
        files = {"m-Q4_K_M.gguf": b"4", "m-Q8_0.gguf": b"8", "sub/m-f16.gguf": b"16", "mmproj-f16.gguf": b"eye"}
        self.hub.add("u/m-GGUF", files)
        for pick, name in ("Q8_0", "m-Q8_0.gguf"), ("q8_0", "m-Q8_0.gguf"), ("f16", "sub/m-f16.gguf"), \
                ("sub/m-f16.gguf", "sub/m-f16.gguf"), ("mmproj-f16.gguf", "mmproj-f16.gguf"):
            path = self.pull(f"u/m-GGUF:{pick}")
            self.assertTrue(path.endswith("/" + name), path)
            self.assertEqual(self.content(path), files[name])
        self.assertTrue(self.pull("u/m-GGUF").endswith("/m-Q4_K_M.gguf"))
        run = self.run_hone("pull", "u/m-GGUF:Q2_K", status=2)
        self.assertIn("m-Q8_0.gguf", run.words)
        self.hub.add("u/two", {"a-Q8_0.gguf": b"a", "b-Q8_0.gguf": b"b"})
        self.assertIn("several", self.run_hone("pull", "u/two", status=2).words)

    def test_gguf_parts(self):
        files = {f"{sub}a-{q}-0000{i}-of-00002.gguf": noise(50 + i, i) for sub, q in (("", "Q8_0"), ("sub/", "F16")) for i in (1, 2)}
        self.hub.add("u/cut", files)
        for pick, sub, q in (("Q8_0", "", "Q8_0"), ("f16", "sub/", "F16"), ("a-Q8_0-00002-of-00002.gguf", "", "Q8_0")):
            path = self.pull(f"u/cut:{pick}")
            self.assertTrue(path.endswith(f"/{sub}a-{q}-00001-of-00002.gguf"), path)
            for i in (1, 2):
                self.assertEqual(self.content(path.replace("00001-of", f"0000{i}-of")), files[f"{sub}a-{q}-0000{i}-of-00002.gguf"])
        self.assertIn("several", self.run_hone("pull", "u/cut", status=2).words)
        self.hub.add("u/lost", {"a-Q8_0-00001-of-00003.gguf": b"a", "a-Q8_0-00003-of-00003.gguf": b"b"})
        self.assertIn("3 parts of a model, of which 2", self.run_hone("pull", "u/lost:Q8_0", status=2).words)

    def test_shards(self):
        files = {"config.json": CONFIG, "model.safetensors.index.json": b"{}", "consolidated.safetensors": b"c",
                 **{f"model-0000{i}-of-00003.safetensors": noise(100, i) for i in (1, 2, 3)}}
        self.hub.add("u/m", files)
        self.assertEqual(set(folder_files(self.pull("u/m"))), set(files) - {"consolidated.safetensors"})

    def test_weights_of_torch_where_there_are_no_others(self):
        bin_ = {"config.json": CONFIG, "pytorch_model.bin": b"p", "2_Dense/pytorch_model.bin": b"d",
                "3_Dense/pytorch_model.bin": b"d", "3_Dense/model.safetensors": b"s", "flax_model.msgpack": b"f"}
        self.hub.add("u/m", bin_)
        self.assertEqual(set(folder_files(self.pull("u/m"))),
                         {"config.json", "pytorch_model.bin", "2_Dense/pytorch_model.bin", "3_Dense/model.safetensors"})
        parts = {f"pytorch_model-0000{i}-of-00002.bin": noise(50, i) for i in (1, 2)}
        self.hub.add("u/parts", {"config.json": CONFIG, "pytorch_model.bin.index.json": b"{}", **parts})
        self.assertEqual(len(folder_files(self.pull("u/parts"))), 4)
        self.hub.add("u/none", {"config.json": CONFIG, "tf_model.h5": b"h"})
        self.assertIn("neither", self.run_hone("pull", "u/none", status=3).words)

    def test_revisions(self):
        model = self.hub.add("u/m", {"m.gguf": b"old"})
        old = model.refs["main"]
        model.commit({"m.gguf": b"side"}, ref="refs/pr/1")
        self.pull("u/m")
        model.commit({"m.gguf": b"new"})
        self.assertEqual(self.content(self.pull("u/m@refs/pr/1")), b"side")
        self.assertEqual(self.content(self.pull(f"u/m@{old}")), b"old")
        self.assertEqual(self.content(self.pull("u/m")), b"new", "a branch that has moved")
        self.assertEqual(self.content(self.pull(f"u/m@{old}:m.gguf")), b"old")
        self.assertIn("revision", self.run_hone("pull", "u/m@none", status=1).words)

    def test_names_that_are_none(self):
        for name in "u/", "/m", "u/m/x", "../m", "u/..", "u/m:", "u/m:../x", "u/m:/etc/passwd", "u/m@../../x", "u//m", \
                "u/m:a:b", "a b/c", "u/-m", "u/m..x":
            self.run_hone("pull", name, status=2)
        self.assertFalse(self.hub.requests)


class Trouble(HubCase):
    def add_large(self, n=5 * PART + 12345):
        data = noise(n)
        self.hub.add("u/m", {"m.gguf": data})
        return data

    def sent(self):
        return sum(r.n_sent for r in self.hub.content_requests)

    def test_parts_come_side_by_side_and_once(self):
        data = self.add_large()
        self.assertEqual(self.content(self.pull("u/m")), data)
        self.assertEqual(self.sent(), len(data))
        self.assertEqual(len(self.hub.content_requests), 6)
        self.assertEqual(os.listdir(os.path.join(self.repo("u/m"), "blobs")), [hashlib.sha256(data).hexdigest()])

    def test_cut_connections_go_on_where_they_were_cut(self):
        data = self.add_large()
        self.hub.content_trouble = [cut_after(n) for n in (1000000, 1, 0, 3000000, 500000, 70000, 2, 1500000, 4096, 99)]
        self.assertEqual(self.content(self.pull("u/m")), data)
        self.assertEqual(self.sent(), len(data), "bytes came twice")
        self.assertFalse(self.hub.content_trouble)

    def test_a_run_that_was_killed_fetches_parts_that_are_missing(self):
        data = self.add_large()

        def stall(handler, request):
            time.sleep(60)
            return True
        self.hub.content_trouble = [lambda *_: False] * 3 + [stall] * 8
        p = subprocess.Popen([HONE, "pull", "u/m"], env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        blobs = os.path.join(self.repo("u/m"), "blobs")
        deadline = time.monotonic() + 60
        lists = []
        while time.monotonic() < deadline:
            lists = [n for n in (os.listdir(blobs) if os.path.isdir(blobs) else []) if n.endswith(".parts")]
            if lists and len(self.content(os.path.join(blobs, lists[0])).splitlines()) >= 4:
                break
            time.sleep(0.01)
        p.kill()
        p.communicate()
        self.assertTrue(lists)
        # As a machine that loses power may leave it: a number without its end is none, and a line without a number says nothing.
        with open(os.path.join(blobs, lists[0]), "a") as f:
            f.write("\n5")
        self.hub.content_trouble = []
        n = self.sent()
        self.assertEqual(self.content(self.pull("u/m")), data)
        self.assertLessEqual(self.sent(), len(data))
        self.assertEqual(self.sent() - n, len(data) - 3 * PART)

    def test_a_server_without_ranges(self):
        data = self.add_large(2 * PART + 5)
        self.hub.content_trouble = [without_ranges] * 10
        self.assertEqual(self.content(self.pull("u/m")), data)

    def test_the_token_stays_with_the_hub(self):
        data = self.add_large(1000)
        self.hub.models["u/m"].private = True
        run = self.run_hone("pull", "u/m", status=1)
        self.assertIn("HF_TOKEN", run.words)
        self.assertEqual(self.content(self.pull("u/m", env={"HF_TOKEN": "hf_secret"})), data)
        self.assertTrue(all(r.token is None for r in self.hub.content_requests))
        self.assertTrue(any(r.token for r in self.hub.requests))

    def test_a_token_that_python_has_stored(self):
        data = self.add_large(1000)
        self.hub.models["u/m"].gated = True
        self.assertIn("gated", self.run_hone("pull", "u/m", status=1).words)
        self.file("token", "hf_secret\n")
        os.makedirs(self.home, exist_ok=True)
        shutil.copy(self.path("token"), os.path.join(self.home, "token"))
        self.assertIn("gated", self.run_hone("pull", "u/m", status=1,
                                             env={"HF_HUB_DISABLE_IMPLICIT_TOKEN": "1"}).words)
        self.assertEqual(self.content(self.pull("u/m")), data)

    def test_busy_servers_are_asked_again_when_they_say(self):
        data = self.add_large(1000)
        self.hub.trouble = [answer(429, Retry_After="2"), answer(503)]
        self.hub.content_trouble = [answer(429, Retry_After="1"), answer(500)]
        self.assertEqual(self.content(self.pull("u/m")), data)
        at = [r.at for r in self.hub.requests]
        self.assertGreaterEqual(at[1] - at[0], 1.9)
        at = [r.at for r in self.hub.content_requests]
        self.assertGreaterEqual(at[1] - at[0], 0.9)

    def test_a_server_that_stays_broken(self):
        self.add_large(1000)
        self.hub.content_trouble = [answer(404)] * 20
        run = self.run_hone("pull", "u/m", status=1)
        self.assertIn("404", run.words)

    def test_addresses_that_expire(self):
        data = self.add_large(3 * PART)

        def expire(handler, request):
            self.hub.signature += 1
            handler.answer(request, 403, b"expired")
            return True
        self.hub.content_trouble = [lambda *_: False, expire]
        self.assertEqual(self.content(self.pull("u/m")), data)

    def test_content_that_is_not_what_it_should_be(self):
        data = self.add_large(100000)
        sha256 = hashlib.sha256(b"another").hexdigest()
        self.hub.lies["m.gguf"] = sha256
        run = self.run_hone("pull", "u/m", status=1)
        self.assertIn("checksum", run.words)
        self.assertEqual([n for n in os.listdir(os.path.join(self.repo("u/m"), "blobs"))], [])
        del self.hub.lies["m.gguf"]
        self.assertEqual(self.content(self.pull("u/m")), data)

    def test_names_that_lead_out_of_the_folder(self):
        for name in "../../../evil", "/etc/evil", "a/../../evil", "a//b", "a\\..\\b", "..", ".", "", "a\nb":
            self.hub.add("u/m", {"config.json": CONFIG, "model.safetensors": b"x", "e": b"e"})
            self.hub.names["e"] = name
            self.assertIn("no path inside", self.run_hone("pull", "u/m", status=1).words, name)

    def test_answers_that_are_none(self):
        for body in b"", b"<html>", b"[]", b"{}", b'{"sha": "../x", "siblings": []}':
            self.add_large(10)
            self.hub.trouble = [lambda h, r, body=body: h.answer(r, 200, body) or True]
            self.assertIn("hub", self.run_hone("pull", "u/m", status=1).words)
        self.assertIn("HF_ENDPOINT", self.run_hone("pull", "u/m", status=2, env={"HF_ENDPOINT": "ftp://x"}).words)

    def test_offline(self):
        data = self.add_large(1000)
        offline = {"HF_HUB_OFFLINE": "1"}
        self.assertIn("OFFLINE", self.run_hone("inspect", "hf:u/m", status=1, env=offline).words)
        self.assertFalse(self.hub.requests)
        self.pull("u/m")
        n = len(self.hub.requests)
        run = self.run_hone("inspect", "hf:u/m", status=3, env=offline)  # found, but its content is noise
        self.assertIn("snapshots", run.words)
        self.assertEqual(len(self.hub.requests), n)
        self.assertEqual(len(data), 1000)

    def test_a_full_disk_is_told_before(self):
        model = self.hub.add("u/m", {"m.gguf": b"x"})
        body = json.dumps({"sha": model.refs["main"], "siblings": [
            {"rfilename": "m.gguf", "size": 1 << 60, "blobId": "0" * 40, "lfs": {"sha256": "0" * 64}}]}).encode()
        self.hub.trouble = [lambda h, r: h.answer(r, 200, body) or True]
        self.assertIn("room", self.run_hone("pull", "u/m", status=1).words)

    def test_two_at_once_fetch_it_once(self):
        data = self.add_large(2 * PART)
        several = [subprocess.Popen([HONE, "pull", "u/m"], env=self.environment, stdout=subprocess.PIPE,
                                    stderr=subprocess.PIPE) for _ in range(3)]
        for p in several:
            out, err = p.communicate(timeout=60)
            self.assertEqual(p.returncode, 0, err)
            self.assertEqual(self.content(out.decode().strip()), data)
        self.assertEqual(self.sent(), len(data))

    def test_a_proxy_is_used(self):
        data = self.add_large(1000)
        environment = {"HF_ENDPOINT": "http://hub.example.invalid", "http_proxy": self.hub.url}

        def as_proxy(handler, request):
            request.path = handler.path
            handler.path = handler.path.replace("http://hub.example.invalid", "")
            return False
        self.hub.trouble = [as_proxy] * 2
        self.run_hone("pull", "u/m", status=1, env={**environment, "no_proxy": "hub.example.invalid"}, stdin="")
        self.hub.trouble = [as_proxy] * 2
        path = self.pull("u/m", env={**environment, "no_proxy": "127.0.0.1"})
        self.assertEqual(self.content(path), data)
        self.assertIn("http://hub.example.invalid/api/models/u/m/revision/main?blobs=true",
                      [r.path for r in self.hub.requests])


class Shelf(HubCase):
    def models(self, **how):
        return json.loads(self.run_hone("list", "--json", **how).text)

    def test_list_and_rm(self):
        self.assertEqual(self.models(), {"models": [], "hub_size": 0})
        model = self.hub.add("u/m-GGUF", {"m-Q8_0.gguf": noise(100000), "m-F16.gguf": noise(50000, 2)})
        self.hub.add("u/folder", folder_files(EMBED))
        for name in "u/m-GGUF:Q8_0", "u/m-GGUF:F16", "u/folder":
            self.pull(name)
        found = self.models()
        self.assertEqual([m["name"] for m in found["models"]],
                         ["hf:u/folder", "hf:u/m-GGUF:m-F16.gguf", "hf:u/m-GGUF:m-Q8_0.gguf"])
        self.assertEqual(found["models"][2]["size"], 100000)
        self.assertEqual(found["models"][2]["commit"], model.refs["main"])
        self.assertIn("hf:u/folder", self.run_hone("list").text)
        self.run_hone("rm", "u/m-GGUF:Q8_0")
        self.assertEqual(len(os.listdir(os.path.join(self.repo("u/m-GGUF"), "blobs"))), 1)
        self.run_hone("rm", "hf:u/folder", "u/m-GGUF")
        self.assertEqual(self.models(), {"models": [], "hub_size": 0})
        self.assertFalse(os.path.exists(self.repo("u/folder")))
        self.run_hone("rm", "u/folder", status=2)

    def test_content_of_two_revisions_goes_with_the_last(self):
        model = self.hub.add("u/m", {"m.gguf": b"same", "README.md": b"1"})
        old = model.refs["main"]
        self.pull("u/m")
        model.commit({"m.gguf": b"same", "README.md": b"2"})
        self.pull("u/m")
        self.assertEqual([m["name"] for m in self.models()["models"]], sorted(["hf:u/m:m.gguf", f"hf:u/m:m.gguf@{old}"],
                         key=lambda n: old if "@" in n else model.refs["main"]))
        self.run_hone("rm", f"u/m@{old}")
        self.assertEqual(self.content(self.pull("u/m", env={"HF_HUB_OFFLINE": ""})), b"same")
        self.assertEqual(len(self.hub.content_requests), 1)
        self.run_hone("rm", "u/m@main")
        self.assertEqual(os.listdir(os.path.join(self.repo("u/m"), "blobs")), [])

    def test_what_ollama_has(self):
        store = self.path("ollama")
        self.run_hone("convert", EMBED, "-o", self.path("m.gguf"))
        data = self.content(self.path("m.gguf"))
        sha256 = hashlib.sha256(data).hexdigest()
        for folder in "blobs", "manifests/registry.ollama.ai/library/tiny", "manifests/hf.co/u/m":
            os.makedirs(os.path.join(store, folder))
        shutil.copy(self.path("m.gguf"), os.path.join(store, "blobs", f"sha256-{sha256}"))
        manifest = json.dumps({"layers": [
            {"mediaType": "application/vnd.ollama.image.license", "digest": "sha256:" + "0" * 64},
            {"mediaType": "application/vnd.ollama.image.model", "digest": "sha256:" + sha256}]})
        for name in "registry.ollama.ai/library/tiny/latest", "hf.co/u/m/Q8_0":
            with open(os.path.join(store, "manifests", name), "w") as f:
                f.write(manifest)
        environment = {"OLLAMA_MODELS": store}
        self.assertEqual(sorted(m["name"] for m in self.models(env=environment)["models"]),
                         ["ollama:hf.co/u/m:Q8_0", "ollama:tiny:latest"])
        wanted = self.run_hone("embed", "-m", EMBED, stdin="a\n").out
        for name in "ollama:tiny", "ollama:tiny:latest", "ollama:hf.co/u/m:Q8_0":
            self.assertEqual(self.run_hone("embed", "-m", name, stdin="a\n", env=environment).out, wanted)
        self.run_hone("embed", "-m", "ollama:none", stdin="a\n", env=environment, status=3)
        self.assertIn("ollama rm", self.run_hone("rm", "ollama:tiny", env=environment, status=2).words)
        # The same content, asked of the hub, is not fetched and not on the disk twice.
        self.hub.add("u/m", {"x.gguf": data})
        path = self.pull("u/m", env=environment)
        self.assertFalse(self.hub.content_requests)
        self.assertTrue(os.path.samefile(path, os.path.join(store, "blobs", f"sha256-{sha256}")))

    def test_what_llama_cpp_has(self):
        store = self.path("llama")
        os.makedirs(store)
        self.run_hone("convert", EMBED, "-o", os.path.join(store, "u_m-GGUF_m-f32.gguf"))
        environment = {"LLAMA_CACHE": store}
        self.assertEqual([m["store"] for m in self.models(env=environment)["models"]], ["llama.cpp"])
        self.run_hone("embed", "-m", "hf:u/m-GGUF:f32", stdin="a\n", env=environment)
        self.assertFalse(self.hub.requests)


class Python(HubCase):
    """The real huggingface_hub, on the same cache and the same hub."""

    @classmethod
    def setUpClass(cls):
        cls.python = python_with("huggingface_hub")

    def ask(self, code, **env):
        p = subprocess.run([self.python, "-c", code], env={**self.environment, "HF_HUB_DISABLE_TELEMETRY": "1", **env},
                           capture_output=True, text=True, timeout=120)
        self.assertEqual(p.returncode, 0, p.stderr)
        return p.stdout.strip()

    def test_python_finds_what_hone_has_fetched(self):
        files = folder_files(EMBED)
        self.hub.add("u/m", files)
        path = self.pull("u/m")
        n = len(self.hub.content_requests)
        code = ("from huggingface_hub import hf_hub_download, scan_cache_dir\n"
                "print(hf_hub_download('u/m', 'model.safetensors'))\n"
                "info = scan_cache_dir()\n"
                "assert not info.warnings, info.warnings\n"
                "print([r.repo_id for r in info.repos], sorted(next(iter(info.repos)).refs))")
        wanted = f"{path}/model.safetensors\n['u/m'] ['main']"
        self.assertEqual(self.ask(code), wanted)
        self.assertEqual(self.ask(code, HF_HUB_OFFLINE="1"), wanted)
        self.assertEqual(len(self.hub.content_requests), n)

    def test_hone_finds_what_python_has_fetched(self):
        self.hub.add("u/m", folder_files(EMBED))
        path = self.ask("from huggingface_hub import snapshot_download\nprint(snapshot_download('u/m'))")
        n = len(self.hub.content_requests)
        wanted = self.run_hone("embed", "-m", EMBED, stdin="a\n").out
        self.assertEqual(self.run_hone("embed", "-m", "hf:u/m", stdin="a\n").out, wanted)
        self.assertEqual(self.run_hone("embed", "-m", "hf:u/m", stdin="a\n", env={"HF_HUB_OFFLINE": "1"}).out, wanted)
        self.assertEqual(self.pull("u/m"), path)
        self.assertEqual(len(self.hub.content_requests), n)

    def test_what_python_has_fetched_in_part_is_made_whole(self):
        self.hub.add("u/m", folder_files(EMBED))
        self.ask("from huggingface_hub import snapshot_download\n"
                 "snapshot_download('u/m', allow_patterns=['config.json', '*.safetensors'])")
        n = len(self.hub.content_requests)
        wanted = self.run_hone("embed", "-m", EMBED, stdin="a\n").out
        self.assertEqual(self.run_hone("embed", "-m", "hf:u/m", stdin="a\n").out, wanted)
        self.assertEqual(len(self.hub.content_requests), n, "weights were fetched again")


if __name__ == "__main__":
    main()
