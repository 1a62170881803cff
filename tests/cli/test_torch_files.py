"""Weights as torch.save writes them: read without executing anything. The files are written here as torch does it, with
stand-ins for its names, so that no torch is needed."""
import io
import json
import os
import pickle
import shutil
import struct
import sys
import types
import zipfile

from support import EMBED, Case, main

TEXT = "a package for editing photos\n"
STORAGES = {"F32": "FloatStorage", "F16": "HalfStorage", "BF16": "BFloat16Storage", "F64": "DoubleStorage"}


def stand_ins():
    """Modules with torch's names, for pickle to write down."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    for name in STORAGES.values():
        setattr(torch, name, type(name, (), {"__module__": "torch"}))
    for name in ("_rebuild_tensor_v2", "_rebuild_parameter"):
        def rebuild():
            pass
        rebuild.__name__ = rebuild.__qualname__ = name
        rebuild.__module__ = "torch._utils"
        setattr(utils, name, rebuild)
    return {"torch": torch, "torch._utils": utils}


NAMES = stand_ins()


class Storage:
    def __init__(self, dtype, key, count):
        self.dtype, self.key, self.count = dtype, key, count


class Tensor:
    def __init__(self, storage, offset, shape, strides=None, parameter=False):
        self.storage, self.offset, self.shape, self.parameter = storage, offset, tuple(shape), parameter
        steps, step = [], 1
        for n in reversed(shape):
            steps.insert(0, step)
            step *= n
        self.strides = tuple(strides or steps)

    def __reduce__(self):
        from collections import OrderedDict
        utils = NAMES["torch._utils"]
        return (utils._rebuild_tensor_v2,
                (self.storage, self.offset, self.shape, self.strides, False, OrderedDict()))


class Evil:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


class Pickler(pickle.Pickler):
    def persistent_id(self, value):
        if isinstance(value, Storage):
            return ("storage", getattr(NAMES["torch"], STORAGES[value.dtype]), value.key, "cpu", value.count)
        return None


def pickled(value, protocol=2):
    out = io.BytesIO()
    kept = {name: sys.modules.get(name) for name in NAMES}
    sys.modules.update(NAMES)
    try:
        Pickler(out, protocol=protocol).dump(value)
    finally:
        for name, module in kept.items():
            if module is None:
                del sys.modules[name]
    return out.getvalue()


def read_safetensors(path):
    with open(path, "rb") as f:
        data = f.read()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    header.pop("__metadata__", None)
    return {name: (info["dtype"], info["shape"], data[8 + size:][slice(*info["data_offsets"])])
            for name, info in header.items()}


def as_doubles(raw):
    return struct.pack(f"<{len(raw) // 4}d", *struct.unpack(f"<{len(raw) // 4}f", raw))


def make(tensors, protocol=2, wrap=lambda d: d, double=False, prefix=""):
    """(state dictionary, {key: bytes})"""
    state, storages = {}, {}
    for i, (name, (dtype, shape, raw)) in enumerate(tensors.items()):
        if double and dtype == "F32":
            dtype, raw = "F64", as_doubles(raw)
        count = 1
        for n in shape:
            count *= n
        storages[str(i)] = raw
        state[prefix + name] = Tensor(Storage(dtype, str(i), count), 0, shape)
    return wrap(state), storages


def write_zip(path, state, storages, protocol=2, compression=zipfile.ZIP_STORED, order=b"little"):
    with zipfile.ZipFile(path, "w", compression) as z:
        z.writestr("archive/data.pkl", pickled(state, protocol) if not isinstance(state, bytes) else state)
        z.writestr("archive/byteorder", order)
        for key, raw in storages.items():
            z.writestr(f"archive/data/{key}", raw)
        z.writestr("archive/version", "3\n")


def write_old(path, state, storages, keys=None):
    """keys: what the file lists instead of the storages' own."""
    with open(path, "wb") as f:
        f.write(pickle.dumps(0x1950a86a20f9469cfc6c, 2) + pickle.dumps(1001, 2))
        f.write(pickle.dumps({"protocol_version": 1001, "little_endian": True, "type_sizes": {"int": 4}}, 2))
        f.write(pickled(state) + pickle.dumps(keys or list(storages), 2))
        sizes = {"F32": 4, "F16": 2, "BF16": 2, "F64": 8}
        items = {t.storage.key: sizes[t.storage.dtype] for t in state.values()}
        for key, raw in storages.items():
            f.write(struct.pack("<q", len(raw) // items[key]) + raw)


class TorchFiles(Case):
    def setUp(self):
        super().setUp()
        self.folder = self.path("model")
        shutil.copytree(EMBED, self.folder)
        self.tensors = read_safetensors(os.path.join(EMBED, "model.safetensors"))
        os.remove(os.path.join(self.folder, "model.safetensors"))
        self.bin = os.path.join(self.folder, "pytorch_model.bin")

    def vector(self, folder):
        return self.hone("embed", "-m", folder, stdin=TEXT).json_lines[0]["embedding"]

    def refused(self, *words):
        run = self.hone("embed", "-m", self.folder, stdin=TEXT, status=3)
        for word in words:
            self.assertIn(word, run.words)

    def test_archives(self):
        for protocol in (2, 3, 4):
            for how in ({}, {"double": True}, {"prefix": "_orig_mod."}, {"prefix": "module."},
                        {"wrap": lambda d: {"epoch": 3, "state_dict": d}}):
                state, storages = make(self.tensors, **how)
                write_zip(self.bin, state, storages, protocol)
                self.assertEqual(self.vector(self.folder), self.vector(EMBED))

    def test_older_files(self):
        state, storages = make(self.tensors)
        write_old(self.bin, state, storages)
        self.assertEqual(self.vector(self.folder), self.vector(EMBED))

    def test_a_storage_may_have_an_empty_key_but_not_none(self):
        name = "embeddings.word_embeddings.weight"
        state, storages = make({name: self.tensors.pop(name)})
        state[name].storage.key = ""
        others = make(self.tensors)
        write_old(self.bin, {**state, **others[0]}, {"": storages["0"], **others[1]})
        self.assertEqual(self.vector(self.folder), self.vector(EMBED))
        write_old(self.bin, state, {"": storages["0"]}, keys=[0])
        self.refused("key 0 of its storages is no text")

    def test_parts(self):
        names = list(self.tensors)
        parts = {"pytorch_model-00001-of-00002.bin": names[:9], "pytorch_model-00002-of-00002.bin": names[9:]}
        for part, own in parts.items():
            write_zip(os.path.join(self.folder, part), *make({name: self.tensors[name] for name in own}))
        with open(self.bin + ".index.json", "w") as f:
            json.dump({"metadata": {}, "weight_map": {n: p for p, own in parts.items() for n in own}}, f)
        self.assertEqual(self.vector(self.folder), self.vector(EMBED))

    def test_converts_to_the_same_file(self):
        write_zip(self.bin, *make(self.tensors))
        self.hone("convert", self.folder, "-o", self.path("a.gguf"))
        self.assertEqual(self.vector(self.path("a.gguf")), self.vector(EMBED))

    def test_nothing_is_executed(self):
        state, storages = make(self.tensors)
        trace = self.path("trace")
        state["x"] = Evil(trace)
        write_zip(self.bin, state, storages)
        self.refused("'system' of 'posix'", "nothing is executed")
        self.assertFalse(os.path.exists(trace))

    def test_other_instructions_are_refused(self):
        _, storages = make(self.tensors)
        write_zip(self.bin, b"\x80\x02ios\nsystem\n.", storages)
        self.refused("instruction 0x69")

    def test_what_does_not_fit(self):
        name = "embeddings.word_embeddings.weight"
        dtype, shape, raw = self.tensors[name]
        count = len(raw) // 4
        for tensor, word in ((Tensor(Storage(dtype, "0", count), 1, shape), "leaves its storage"),
                             (Tensor(Storage(dtype, "0", count), 2 ** 62, shape), "leaves its storage"),
                             (Tensor(Storage(dtype, "0", count), 0, (2 ** 40, 2 ** 40)), "larger than any"),
                             (Tensor(Storage(dtype, "9", count), 0, shape), "no storage"),
                             (Tensor(Storage(dtype, "0", count), 0, shape, (1, shape[0])), "in rows")):
            write_zip(self.bin, {name: tensor}, {"0": raw})
            self.refused(word)

    def test_many_names_of_one_storage(self):
        """Tied embeddings have four names at most; each name of a storage takes the memory of one of its own."""
        name = "embeddings.word_embeddings.weight"
        dtype, shape, raw = self.tensors[name]
        shared = Tensor(Storage(dtype, "0", len(raw) // 4), 0, shape)
        write_zip(self.bin, {f"{i}": shared for i in range(20)}, {"0": raw})
        self.refused("many times the file")

    def test_many_entries(self):
        """What is looked for stands among entries that nobody needs, whose names end alike."""
        state, storages = make(self.tensors)
        others = {f"{i}/data/0x": b"" for i in range(20000)}
        write_zip(self.bin, state, {**others, **storages, **{f"1{key}": b"" for key in others}})
        self.assertEqual(self.vector(self.folder), self.vector(EMBED))

    def test_damaged_files(self):
        state, storages = make(self.tensors)
        write_zip(self.bin, state, storages, compression=zipfile.ZIP_DEFLATED)
        self.refused("compressed")
        write_zip(self.bin, state, storages, order=b"big")
        self.refused("big-endian")
        write_zip(self.bin, state, storages)
        with open(self.bin, "rb") as f:
            whole = f.read()
        for end in (3, 60, len(whole) // 2, len(whole) - 10):
            with open(self.bin, "wb") as f:
                f.write(whole[:end])
            self.refused("pytorch_model.bin")
        for pickle_bytes in (b"", b".", b"\x80\x02", b"\x80\x02X\xff\xff\xff\xff", b"\x80\x02(t", b"\x80\x02)R.",
                             b"\x80\x02j\xff\xff\xff\xff.", b"\x80\x02}r\xff\xff\xff\xff.", b"\x80\x02u.", b"\x80\x02}(u."):
            write_zip(self.bin, pickle_bytes, storages)
            self.hone("embed", "-m", self.folder, stdin=TEXT, status=3)


if __name__ == "__main__":
    main()
