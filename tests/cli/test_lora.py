"""Adapters of low rank, as PEFT and llama.cpp write them: added when a model is opened or converted, and beside an encoder. What
comes out is what the merged matrices give, which are computed here."""
import json
import os
import random
import shutil
import struct

from support import EMBED, FIXTURES, Case, main, read_npy
from test_packed import IDS, floats, read_tensors, write_tensors

BASE = os.path.join(FIXTURES, "causal")
TEXT = "a package for editing photos\n"
RANK, ALPHA = 3, 6.0


def values_of(tensor):
    return list(struct.unpack(f"<{len(tensor[2]) // 4}f", tensor[2]))


def random_pairs(seed, shapes):
    """module -> (a [rank, n_in], b [n_out, rank]) as flat lists"""
    r = random.Random(seed)
    return {name: ([struct.unpack("<f", struct.pack("<f", r.gauss(0, 0.2)))[0] for _ in range(RANK * n_in)],
                   [struct.unpack("<f", struct.pack("<f", r.gauss(0, 0.2)))[0] for _ in range(n_out * RANK)])
            for name, (n_out, n_in) in shapes.items()}


def product(a, b, n_out, n_in):
    return [sum(b[o * RANK + k] * a[k * n_in + i] for k in range(RANK)) for o in range(n_out) for i in range(n_in)]


def gguf(path, keys, tensors):
    """keys: (name, str | float); tensors: name -> (dims, floats)"""
    def text(x):
        return struct.pack("<Q", len(x.encode())) + x.encode()
    out, data = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(keys)), b""
    for name, x in keys:
        out += text(name) + (struct.pack("<I", 8) + text(x) if isinstance(x, str) else struct.pack("<If", 6, x))
    for name, (dims, x) in tensors.items():
        data += bytes(-len(data) % 32)
        out += text(name) + struct.pack(f"<I{len(dims)}Q", len(dims), *dims) + struct.pack("<IQ", 0, len(data))
        data += floats(x)
    with open(path, "wb") as f:
        f.write(out + bytes(-len(out) % 32) + data)


class Lora(Case):
    def setUp(self):
        super().setUp()
        self.tensors = read_tensors(os.path.join(BASE, "model.safetensors"))
        self.shapes = {name.removesuffix(".weight"): t[1] for name, t in self.tensors.items() if name.endswith("proj.weight")}

    def adapter(self, name, pairs, shapes, prefix="base_model.model.", **config):
        path = self.path(name)
        os.makedirs(path, exist_ok=True)
        with open(os.path.join(path, "adapter_config.json"), "w") as f:
            json.dump({"peft_type": "LORA", "r": RANK, "lora_alpha": ALPHA, "bias": "none", "fan_in_fan_out": False,
                       "modules_to_save": None, "use_dora": False, "base_model_name_or_path": "some/model", **config}, f)
        tensors = {}
        for module, (a, b) in pairs.items():
            n_out, n_in = shapes[module]
            tensors[f"{prefix}{module}.lora_A.weight"] = ("F32", [RANK, n_in], floats(a))
            tensors[f"{prefix}{module}.lora_B.weight"] = ("F32", [n_out, RANK], floats(b))
        write_tensors(os.path.join(path, "adapter_model.safetensors"), tensors)
        return path

    def merged(self, base, name, *adapters, turned=False):
        """A folder with (pairs, scale) added to the matrices; turned: which are written [n_in, n_out]."""
        path = self.path(name)
        shutil.copytree(base, path)
        tensors = read_tensors(os.path.join(path, "model.safetensors"))
        for pairs, scale in adapters:
            for module, (a, b) in pairs.items():
                dtype, shape, data = tensors[module + ".weight"]
                n_out, n_in = shape[::-1] if turned else shape
                delta = product(a, b, n_out, n_in)
                if turned:
                    delta = [delta[o * n_in + i] for i in range(n_in) for o in range(n_out)]
                x = [w + scale * d for w, d in zip(values_of((dtype, shape, data)), delta)]
                tensors[module + ".weight"] = ("F32", shape, floats(x))
        write_tensors(os.path.join(path, "model.safetensors"), tensors)
        return path

    def logits(self, *arguments):
        out = self.path("logits.npy")
        self.hone("logits", "--ids", IDS, "-o", out, "--compute", "f32", *arguments)
        with open(out, "rb") as f:
            return [x for row in read_npy(f.read())[0] for x in row]

    def same(self, a, b):
        self.assertClose(a, b, 1e-4 * max(map(abs, b)))

    def test_opening_and_converting(self):
        one, two = random_pairs(1, self.shapes), random_pairs(2, dict(list(self.shapes.items())[::3]))
        first = self.adapter("first", one, self.shapes)
        second = self.adapter("second", two, self.shapes, use_rslora=True)
        base = self.path("base.gguf")
        self.hone("convert", BASE, "-o", base)
        plain = self.logits("-m", BASE)
        once = self.logits("-m", self.merged(BASE, "once", (one, ALPHA / RANK)))
        both = self.logits("-m", self.merged(BASE, "both", (one, 0.5 * ALPHA / RANK), (two, -ALPHA / RANK ** 0.5)))
        self.assertGreater(max(abs(x - y) for x, y in zip(once, plain)), 0.1)
        for model in (BASE, base):
            self.same(self.logits("-m", model, "--lora", first), once)
            self.same(self.logits("-m", model, "--lora", first + ":0.5", "--lora", second + ":-1"), both)
        self.hone("convert", BASE, "-o", self.path("merged.gguf"), "--lora", first + ":0.5", "--lora", second + ":-1")
        self.same(self.logits("-m", self.path("merged.gguf")), both)
        self.assertEqual(self.logits("-m", base), plain)

    def test_as_peft_computes(self):
        """DoRA, rsLoRA, alphas by pattern, whole modules, biases, tied heads, several at once: tests/fixtures/make_lora.py."""
        folder = os.path.join(FIXTURES, "lora")
        with open(os.path.join(folder, "golden.json")) as f:
            golden = json.load(f)
        for case in golden["cases"]:
            with self.subTest(case["adapters"]):
                base = os.path.join(FIXTURES, case["base"])
                self.hone("convert", base, "-o", self.path("base.gguf"))
                loras = [x for name in case["adapters"] for x in ("--lora", os.path.join(folder, name))]
                wanted = [x for row in case["logits"] for x in row]
                plain = self.logits("-m", base)[-len(wanted):]
                self.assertGreater(max(abs(x - y) for x, y in zip(wanted, plain)), 0.05)
                for model in (base, self.path("base.gguf")):
                    self.same(self.logits("-m", model, *loras)[-len(wanted):], wanted)

    def test_head(self):
        """A head of labels that was trained whole beside the adapter takes the place of the model's."""
        base = os.path.join(FIXTURES, "bert-classify")
        tensors = read_tensors(os.path.join(base, "model.safetensors"))
        name = "bert.encoder.layer.0.attention.self.query"
        shapes = {name: tensors[name + ".weight"][1]}
        pairs = random_pairs(9, shapes)
        adapter = self.adapter("adapter", pairs, shapes, modules_to_save=["classifier"], task_type="SEQ_CLS")
        head = {key: (dtype, shape, floats([1 - 2 * x for x in values_of((dtype, shape, data))]))
                for key, (dtype, shape, data) in tensors.items() if key.startswith("classifier.")}
        path = os.path.join(adapter, "adapter_model.safetensors")
        write_tensors(path, {**read_tensors(path), **{"base_model.model." + key: t for key, t in head.items()}})
        merged = self.merged(base, "merged", (pairs, ALPHA / RANK))
        write_tensors(os.path.join(merged, "model.safetensors"), {**read_tensors(os.path.join(merged, "model.safetensors")), **head})

        def scores(*arguments):
            run = self.hone("classify", "--raw", "--format", "jsonl", "--compute", "f32", *arguments, stdin=TEXT)
            return list(run.json_lines[0]["labels"].values())
        self.assertGreater(max(abs(x - y) for x, y in zip(scores("-m", merged), scores("-m", base))), 0.1)
        self.assertClose(scores("-m", base, "--lora", adapter), scores("-m", merged))

    def test_gguf(self):
        shapes = {name: shape for name, shape in self.shapes.items() if "v_proj" in name or "down_proj" in name}
        pairs, tensors = random_pairs(3, shapes), {}
        for module, (a, b) in pairs.items():
            layer, kind = module.split(".")[2], "attn_v" if "v_proj" in module else "ffn_down"
            n_out, n_in = shapes[module]
            tensors[f"blk.{layer}.{kind}.weight.lora_a"] = ([n_in, RANK], a)
            tensors[f"blk.{layer}.{kind}.weight.lora_b"] = ([RANK, n_out], b)
        keys = [("general.architecture", "llama"), ("general.type", "adapter"), ("adapter.type", "lora"), ("adapter.lora.alpha", ALPHA)]
        path = self.path("lora.gguf")
        gguf(path, keys, tensors)
        want = self.logits("-m", self.merged(BASE, "merged", (pairs, 0.25 * ALPHA / RANK)))
        self.same(self.logits("-m", BASE, "--lora", path + ":0.25"), want)
        words = self.hone("logits", "-m", path, "--ids", "1", "-o", self.path("x"), status=3).words
        self.assertIn("an adapter (LoRA)", words)
        for change, told in (({"general.architecture": "qwen2"}, "of architecture 'qwen2'"), ({"adapter.type": "steer"}, "no LoRA adapter")):
            gguf(path, [(name, change.get(name, x)) for name, x in keys], tensors)
            self.refused(path, told)
        tensors["blk.0.attn_v.weight.lora_b"] = ([RANK, 5], [0.0] * 5 * RANK)
        gguf(path, keys, tensors)
        self.refused(path, "'blk.0.attn_v.weight'", "another model")

    def refused(self, adapter, *told):
        run = self.hone("logits", "-m", BASE, "--ids", IDS, "-o", self.path("x.npy"), "--lora", adapter, status=3)
        for part in told:
            self.assertIn(part, run.words)

    def test_refused(self):
        module, shape = next(iter(self.shapes.items()))
        pairs, shapes = random_pairs(4, {module: shape}), {module: shape}
        for config, told in (({"use_dora": True}, "lora_magnitude_vector"), ({"bias": "some"}, "bias"), ({"peft_type": "IA3"}, "peft_type"),
                             ({"modules_to_save": "lm_head"}, "modules_to_save"), ({"alpha_pattern": 1}, "alpha_pattern"),
                             ({"alpha_pattern": {"(": 1}}, "no expression"), ({"alpha_pattern": {"((a*)*)*x": 1, ".*proj": "1"}}, "alpha_pattern"),
                             ({"fantasy": 1}, "fantasy"), ({"arrow_config": {"top_k": 3}}, "arrow_config"),
                             ({"trainable_token_indices": [1]}, "trainable_token_indices"), ({"layer_replication": [[0, 1]]}, "layer_replication"), ({"lora_alpha": 0}, "lora_alpha"),
                             ({"init_lora_weights": "pissa_niter_4"}, "init_lora_weights")):
            self.refused(self.adapter("adapter", pairs, shapes, **config), told)
        other = {module: (shape[0] + 8, shape[1])}
        self.refused(self.adapter("adapter", random_pairs(4, other), other), "another model")
        vast = {module: (1 << 16, 1 << 16)}  # 16 GB of two vectors: refused before any memory is taken for it
        long = [0.0] * (RANK << 16)
        self.refused(self.adapter("adapter", {module: (long, long)}, vast), "more than the model has")
        strange = {"model.layers.0.self_attn.z_proj": shape}
        self.refused(self.adapter("adapter", random_pairs(4, strange), strange), "has no place")
        for name, size, told in ((".lora_magnitude_vector", shape[0], "use_dora"), (".lora_B.bias", shape[0], "expected pairs"),
                                 (".weight", 3, "another model"), (".modules_to_save.weight", shape[0], "has no place")):
            path = self.adapter("adapter", pairs, shapes)
            tensors = read_tensors(os.path.join(path, "adapter_model.safetensors"))
            tensors[f"base_model.model.{module}{name}"] = ("F32", [size], floats([1.0] * size))
            write_tensors(os.path.join(path, "adapter_model.safetensors"), tensors)
            self.refused(path, told)
        path = self.adapter("adapter", pairs, shapes, use_dora=True)
        tensors = read_tensors(os.path.join(path, "adapter_model.safetensors"))
        tensors[f"base_model.model.{module}.lora_magnitude_vector"] = ("F32", [5], floats([1.0] * 5))
        write_tensors(os.path.join(path, "adapter_model.safetensors"), tensors)
        self.refused(path, "lengths")
        path = self.adapter("adapter", pairs, shapes)
        write_tensors(os.path.join(path, "adapter_model.safetensors"), {f"base_model.model.{module}.lora_A.weight": ("F32", [2, 2], floats([0] * 4))})
        self.refused(path, "expected pairs")
        os.remove(os.path.join(path, "adapter_model.safetensors"))
        self.hone("logits", "-m", BASE, "--ids", IDS, "-o", self.path("x.npy"), "--lora", path, status=1)

    def test_how_matrices_are_written(self):
        """PEFT asks the layers: those of GPT-2 are written [n_in, n_out], others never, whatever fan_in_fan_out says."""
        gpt2 = os.path.join(FIXTURES, "gpt2")
        tensors = read_tensors(os.path.join(gpt2, "model.safetensors"))
        turned = {name.removesuffix(".weight"): t[1][::-1] for name, t in tensors.items() if name.endswith(("c_attn.weight", "c_proj.weight"))}
        square = {name: shape for name, shape in self.shapes.items() if "q_proj" in name or "o_proj" in name}
        for base, shapes in ((gpt2, turned), (BASE, square)):
            pairs = random_pairs(6, shapes)
            merged = self.merged(base, "merged-" + os.path.basename(base), (pairs, ALPHA / RANK), turned=base == gpt2)
            wanted = self.logits("-m", merged)
            self.assertGreater(max(abs(x - y) for x, y in zip(wanted, self.logits("-m", base))), 0.1)
            for fan_in_fan_out in (False, True):
                adapter = self.adapter("adapter", pairs, shapes, fan_in_fan_out=fan_in_fan_out)
                self.same(self.logits("-m", base, "--lora", adapter), wanted)

    def table(self, module, rows, width, pair=None, names=("lora_embedding_A", "lora_embedding_B")):
        """The folder of an adapter of embeddings; without a pair it adds nothing."""
        path = self.adapter("adapter", {}, {})
        a, b = pair or ([0.0] * RANK * rows, [0.0] * RANK * width)
        write_tensors(os.path.join(path, "adapter_model.safetensors"), {
            f"base_model.model.{module}.{names[0]}": ("F32", [RANK, rows], floats(a)),
            f"base_model.model.{module}.{names[1]}": ("F32", [width, RANK], floats(b))})
        return path

    def test_embeddings(self):
        """PEFT writes a [rank, rows] and b [n_embd, rank] of a table; a head that is tied to it would keep it as it was."""
        name = "embeddings.word_embeddings"
        shape = read_tensors(os.path.join(EMBED, "model.safetensors"))[name + ".weight"][1]
        pairs = random_pairs(8, {name: shape[::-1]})  # (n_embd, n_rows)
        merged = self.merged(EMBED, "merged", (pairs, ALPHA / RANK), turned=True)

        def write(names):
            return self.table(name, *shape, pairs[name], names)

        def embed(*arguments):
            return self.hone("embed", "--compute", "f32", *arguments, stdin=TEXT).json_lines[0]["embedding"]
        adapter = write(("lora_embedding_A", "lora_embedding_B"))
        wanted = embed("-m", merged)
        self.assertGreater(max(abs(x - y) for x, y in zip(embed("-m", EMBED), wanted)), 0.01)
        self.assertClose(embed("-m", EMBED, "--lora", adapter), wanted)
        self.assertIn("expected pairs", self.hone("embed", "-m", EMBED, "--lora", write(("lora_embedding_A", "lora_embedding_C")),
                                                  stdin=TEXT, status=3).words)
        splade = os.path.join(FIXTURES, "splade")
        rows, width = read_tensors(os.path.join(splade, "model.safetensors"))["bert.embeddings.word_embeddings.weight"][1]
        self.assertIn("tied to", self.hone("embed", "-m", splade, "--lora", self.table("bert." + name, rows, width), stdin=TEXT,
                                           status=3).words)

    def test_beside_an_encoder(self):
        folder = self.path("encoder")
        shutil.copytree(EMBED, folder)
        tensors = read_tensors(os.path.join(folder, "model.safetensors"))
        shapes = {name.removesuffix(".weight"): t[1] for name, t in tensors.items() if name.endswith(("query.weight", "value.weight", "output.dense.weight"))}
        pairs = random_pairs(5, shapes)
        merged = self.merged(EMBED, "merged", (pairs, ALPHA / RANK))
        prefix = "base_model.model."
        self.adapter("encoder", pairs, shapes, prefix)

        def embed(folder):
            return self.hone("embed", "-m", folder, "--compute", "f32", stdin=TEXT).json_lines[0]["embedding"]
        self.assertGreater(max(abs(x - y) for x, y in zip(embed(EMBED), embed(merged))), 0.01)
        self.assertClose(embed(folder), embed(merged))
        for name in ("config.json", "model.safetensors"):
            os.remove(os.path.join(folder, name))
        run = self.hone("embed", "-m", folder, stdin=TEXT, status=3)
        self.assertIn("an adapter of the model some/model", run.words)
        with open(os.path.join(folder, "adapter_config.json")) as f:
            config = json.load(f)
        with open(os.path.join(folder, "adapter_config.json"), "w") as f:
            json.dump({**config, "base_model_name_or_path": EMBED}, f)
        self.assertClose(embed(folder), embed(merged))


if __name__ == "__main__":
    main()
