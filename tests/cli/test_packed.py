"""Folders whose matrices are packed in few bits: what each scheme's arithmetic, written down here once more, makes of them is
what hone reads, to the bit."""
import json
import os
import pathlib
import random
import shutil
import struct

from support import FIXTURES, Case, main

BASE = os.path.join(FIXTURES, "causal")
IDS = "0 5 9 30 77 12 8 4 250"


def read_tensors(path):
    """name -> (dtype, shape, bytes)"""
    data = pathlib.Path(path).read_bytes()
    n = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + n])
    return {name: (t["dtype"], t["shape"], data[8 + n + t["data_offsets"][0]:8 + n + t["data_offsets"][1]])
            for name, t in header.items() if name != "__metadata__"}


def write_tensors(path, tensors):
    header, data = {}, b""
    for name, (dtype, shape, content) in tensors.items():
        header[name] = dict(dtype=dtype, shape=shape, data_offsets=[len(data), len(data) + len(content)])
        data += content
    text = json.dumps(header).encode()
    pathlib.Path(path).write_bytes(struct.pack("<Q", len(text)) + text + data)


def read_config(folder):
    return json.loads(pathlib.Path(folder, "config.json").read_text())


def write_config(folder, config):
    pathlib.Path(folder, "config.json").write_text(json.dumps(config))


def f32(x):
    return struct.unpack("<f", struct.pack("<f", x))[0]


def f16(x):
    return struct.unpack("<e", struct.pack("<e", x))[0]


def floats(values):
    return struct.pack(f"<{len(values)}f", *values)


def halves(values):
    return struct.pack(f"<{len(values)}e", *values)


def words(fields, bits):
    """A stream of numbers of so many bits in words of 32, the first lowest."""
    stream = sum(x << (i * bits) for i, x in enumerate(fields))
    n = (len(fields) * bits + 31) // 32
    return [stream >> (32 * i) & 0xffffffff for i in range(n)]


def transposed(columns):
    return [x for row in zip(*columns) for x in row]


def u32(values):
    return struct.pack(f"<{len(values)}I", *values)


def small(r):
    """A scale that a binary16 holds."""
    return f16(r.uniform(0.005, 0.03))


def e4m3(x):
    exponent, mantissa = x >> 3 & 15, x & 7
    size = mantissa * 2.0 ** -9 if exponent == 0 else (1 + mantissa / 8) * 2.0 ** (exponent - 7)
    return -size if x & 128 else size


def fp8_codes(r, n):
    return [r.choice([x for x in range(256) if x & 127 < 64]) for _ in range(n)]


# ---- schemes: (n_out, n_in) -> tensors behind the module's name, and the matrix as a flat list ----

def fp8_block(r, n_out, n_in, rows=16, cols=24):
    codes, across = fp8_codes(r, n_out * n_in), -(-n_in // cols)
    scales = [small(r) for _ in range(-(-n_out // rows) * across)]
    out = [f32(e4m3(codes[o * n_in + i]) * scales[o // rows * across + i // cols]) for o in range(n_out) for i in range(n_in)]
    return {".weight": ("F8_E4M3", [n_out, n_in], bytes(codes)),
            ".weight_scale_inv": ("F32", [-(-n_out // rows), across], floats(scales))}, out


def fp8_tensor(r, n_out, n_in, name=".weight_scale_inv"):
    codes, scale = fp8_codes(r, n_out * n_in), small(r)
    return {".weight": ("F8_E4M3", [n_out, n_in], bytes(codes)), name: ("F16", [], halves([scale])),
            ".activation_scale": ("F16", [], halves([1.0]))}, [f32(e4m3(c) * scale) for c in codes]


def fp8_output(r, n_out, n_in):
    codes, scales = fp8_codes(r, n_out * n_in), [small(r) for _ in range(n_out)]
    return {".weight": ("F8_E4M3", [n_out, n_in], bytes(codes)), ".weight_scale": ("F16", [n_out, 1], halves(scales))}, \
        [f32(e4m3(c) * scales[i // n_in]) for i, c in enumerate(codes)]


def gptq(r, n_out, n_in, bits=4, group=16, ordered=False, more=1):
    n_groups, most = n_in // group, 2 ** bits - 1
    codes = [[r.randrange(most + 1) for _ in range(n_in)] for _ in range(n_out)]
    zeros = [[r.randrange(most + 1) for _ in range(n_out)] for _ in range(n_groups)]
    scales = [[small(r) for _ in range(n_out)] for _ in range(n_groups)]
    group_of = [i // group for i in range(n_in)]
    if ordered:
        r.shuffle(group_of)
    packed = transposed([words(row, bits) for row in codes])
    tensors = {".qweight": ("I32", [n_in * bits // 32, n_out], u32(packed)),
               ".qzeros": ("I32", [n_groups, n_out * bits // 32], u32([w for row in zeros for w in words(row, bits)])),
               ".scales": ("F16", [n_groups, n_out], halves([s for row in scales for s in row]))}
    if ordered:
        tensors[".g_idx"] = ("I32", [n_in], u32(group_of))
    return tensors, [f32(scales[group_of[i]][o] * (codes[o][i] - (zeros[group_of[i]][o] + more & most)))
                     for o in range(n_out) for i in range(n_in)]


def awq(r, n_out, n_in, group=16):
    order, n_groups = [0, 2, 4, 6, 1, 3, 5, 7], n_in // group

    def pack(rows):
        return u32([sum(row[i + order[k]] << 4 * k for k in range(8)) for row in rows for i in range(0, n_out, 8)])
    codes = [[r.randrange(16) for _ in range(n_out)] for _ in range(n_in)]
    zeros = [[r.randrange(16) for _ in range(n_out)] for _ in range(n_groups)]
    scales = [[small(r) for _ in range(n_out)] for _ in range(n_groups)]
    return {".qweight": ("I32", [n_in, n_out // 8], pack(codes)), ".qzeros": ("I32", [n_groups, n_out // 8], pack(zeros)),
            ".scales": ("F16", [n_groups, n_out], halves([s for row in scales for s in row]))}, \
        [f32(scales[i // group][o] * (codes[i][o] - zeros[i // group][o])) for o in range(n_out) for i in range(n_in)]


def pack_quantized(r, n_out, n_in, bits=4, group=16, zero_points=False, ordered=False):
    n_groups = n_in // group
    codes = [[r.randrange(2 ** bits) for _ in range(n_in)] for _ in range(n_out)]
    zeros = [[r.randrange(2 ** bits) for _ in range(n_groups)] for _ in range(n_out)] if zero_points \
        else [[2 ** (bits - 1)] * n_groups] * n_out
    scales = [[small(r) for _ in range(n_groups)] for _ in range(n_out)]
    group_of = [i // group for i in range(n_in)]
    if ordered:
        r.shuffle(group_of)
    tensors = {".weight_packed": ("I32", [n_out, n_in * bits // 32], u32([w for row in codes for w in words(row, bits)])),
               ".weight_scale": ("F16", [n_out, n_groups], halves([s for row in scales for s in row])),
               ".weight_shape": ("I64", [2], struct.pack("<2q", n_out, n_in))}
    if zero_points:
        columns = [words([zeros[o][g] for o in range(n_out)], bits) for g in range(n_groups)]
        tensors[".weight_zero_point"] = ("I32", [len(columns[0]), n_groups], u32(transposed(columns)))
    if ordered:
        tensors[".weight_g_idx"] = ("I32", [n_in], u32(group_of))
    return tensors, [f32(scales[o][group_of[i]] * (codes[o][i] - zeros[o][group_of[i]]))
                     for o in range(n_out) for i in range(n_in)]


def pack_quantized_whole(r, n_out, n_in, bits=4):
    """One scale and one zero for all, the zero as it is."""
    codes, scale, zero = [[r.randrange(2 ** bits) for _ in range(n_in)] for _ in range(n_out)], small(r), r.randrange(-3, 4)
    return {".weight_packed": ("I32", [n_out, -(-n_in * bits // 32)], u32([w for row in codes for w in words(row, bits)])),
            ".weight_scale": ("F16", [1], halves([scale])), ".weight_zero_point": ("I8", [1], struct.pack("b", zero)),
            ".weight_shape": ("I64", [2], struct.pack("<2q", n_out, n_in))}, \
        [f32(scale * (c - 2 ** (bits - 1) - zero)) for row in codes for c in row]


def mxfp4(r, n_out, n_in):
    codes, scales = [r.randrange(16) for _ in range(n_out * n_in)], [r.randrange(115, 122) for _ in range(n_out * n_in // 32)]
    return {".weight_packed": ("U8", [n_out, n_in // 2], bytes(a | b << 4 for a, b in zip(codes[::2], codes[1::2]))),
            ".weight_scale": ("U8", [n_out, n_in // 32], bytes(scales))}, \
        [E2M1[c] * 2.0 ** (scales[i // 32] - 127) for i, c in enumerate(codes)]


def mxfp8(r, n_out, n_in):
    codes, scales = fp8_codes(r, n_out * n_in), [r.randrange(115, 122) for _ in range(n_out * n_in // 32)]
    return {".weight": ("F8_E4M3", [n_out, n_in], bytes(codes)), ".weight_scale": ("U8", [n_out, n_in // 32], bytes(scales))}, \
        [e4m3(c) * 2.0 ** (scales[i // 32] - 127) for i, c in enumerate(codes)]


def fp8_group(r, n_out, n_in, group=8):
    codes, scales = fp8_codes(r, n_out * n_in), [small(r) for _ in range(n_out * n_in // group)]
    return {".weight": ("F8_E4M3", [n_out, n_in], bytes(codes)), ".weight_scale": ("F16", [n_out, n_in // group], halves(scales))}, \
        [f32(e4m3(c) * scales[i // group]) for i, c in enumerate(codes)]


def renamed(unit, old, new):
    def make(*arguments, **how):
        tensors, values = unit(*arguments, **how)
        tensors[new] = tensors.pop(old)
        return tensors, values
    return make


def int_quantized(r, n_out, n_in):
    codes, scales = [r.randrange(-128, 128) for _ in range(n_out * n_in)], [small(r) / 8 for _ in range(n_out)]
    return {".weight": ("I8", [n_out, n_in], struct.pack(f"{len(codes)}b", *codes)),
            ".weight_scale": ("F32", [n_out, 1], floats(scales))}, [f32(c * f32(scales[i // n_in])) for i, c in enumerate(codes)]


E2M1 = [0, 0.5, 1, 1.5, 2, 3, 4, 6, -0.0, -0.5, -1, -1.5, -2, -3, -4, -6]


def nvfp4(r, n_out, n_in):
    codes, whole = [r.randrange(16) for _ in range(n_out * n_in)], 2000.0
    scales = [r.randrange(60, 100) for _ in range(n_out * n_in // 16)]
    return {".weight_packed": ("U8", [n_out, n_in // 2], bytes(a | b << 4 for a, b in zip(codes[::2], codes[1::2]))),
            ".weight_scale": ("F8_E4M3", [n_out, n_in // 16], bytes(scales)),
            ".weight_global_scale": ("F32", [1], floats([whole]))}, \
        [f32(E2M1[c] * f32(e4m3(scales[i // 16]) / whole)) for i, c in enumerate(codes)]


def nf4(r, n_out, n_in, nested=False):
    n, values = n_out * n_in, [f32(r.uniform(-1, 1)) for _ in range(16)]
    codes, n_blocks = [r.randrange(16) for _ in range(n)], -(-n // 64)
    state = dict(quant_type="nf4", blocksize=64, dtype="bfloat16", shape=[n_out, n_in])
    tensors = {".weight": ("U8", [(n + 1) // 2, 1], bytes(a << 4 | b for a, b in zip(codes[::2], codes[1::2]))),
               ".weight.quant_map": ("F32", [16], floats(values))}
    if nested:
        table, many = [f32(r.uniform(-1, 1)) for _ in range(256)], [small(r) for _ in range(-(-n_blocks // 4))]
        small_codes = [r.randrange(256) for _ in range(n_blocks)]
        state.update(nested_blocksize=4, nested_dtype="float32", nested_offset=0.0625)
        scales = [f32(f32(table[c] * many[i // 4]) + 0.0625) for i, c in enumerate(small_codes)]
        tensors[".weight.absmax"] = ("U8", [n_blocks], bytes(small_codes))
        tensors[".weight.nested_absmax"] = ("F32", [len(many)], floats(many))
        tensors[".weight.nested_quant_map"] = ("F32", [256], floats(table))
    else:
        scales = [f32(small(r) * 10) for _ in range(n_blocks)]
        tensors[".weight.absmax"] = ("F32", [n_blocks], floats(scales))
    text = json.dumps(state).encode()
    tensors[".weight.quant_state.bitsandbytes__nf4"] = ("U8", [len(text)], text)
    return tensors, [f32(values[c] * scales[i // 64]) for i, c in enumerate(codes)]


def llm_int8(r, n_out, n_in):
    codes, largest = [r.randrange(-127, 128) for _ in range(n_out * n_in)], [small(r) * 20 for _ in range(n_out)]
    return {".weight": ("I8", [n_out, n_in], struct.pack(f"{len(codes)}b", *codes)), ".SCB": ("F32", [n_out], floats(largest)),
            ".weight_format": ("U8", [], b"\0")}, [f32(f32(c * f32(largest[i // n_in])) * f32(7.874015718698502e-3)) for i, c in enumerate(codes)]


def compressed(**weights):
    """weights: of its one group of modules; none: it names no groups."""
    groups = dict(config_groups={"group_0": {"targets": ["Linear"], "weights": weights}}) if weights else {}
    return dict(quant_method="compressed-tensors", format="pack-quantized", quantization_status="compressed", **groups)


SCHEMES = {
    "fp8 in blocks": (fp8_block, {}, dict(quant_method="fp8", weight_block_size=[16, 24])),
    "fp8, one scale": (fp8_tensor, {}, dict(quant_method="fp8", activation_scheme="static", weight_block_size=None)),
    "fp8, a scale an output": (fp8_output, {}, dict(quant_method="fbgemm_fp8")),
    "float-quantized": (fp8_output, {}, compressed()),
    "gptq": (gptq, {}, dict(quant_method="gptq", bits=4, group_size=16)),
    "gptq in order of activations": (gptq, dict(ordered=True), dict(quant_method="gptq", bits=4, group_size=16, desc_act=True)),
    "gptq of 3 bits": (gptq, dict(bits=3), dict(quant_method="gptq", bits=3, group_size=16)),
    "gptq of 8 bits": (gptq, dict(bits=8), dict(quant_method="gptq", bits=8, group_size=16)),
    "gptq of 2 bits, as version 2": (gptq, dict(bits=2, more=0),
                                     dict(quant_method="gptq", bits=2, group_size=16, checkpoint_format="gptq_v2")),
    "awq": (awq, {}, dict(quant_method="awq", bits=4, group_size=16, version="gemm", zero_point=True)),
    "awq by its older names": (awq, {}, dict(quant_method="awq", w_bit=4, q_group_size=16, version="GEMM", zero_point=True)),
    "gptq whose version another key tells": (gptq, dict(more=0), dict(quant_method="gptq", bits=4, group_size=16, format="gptq_v2")),
    "pack-quantized": (pack_quantized, {}, compressed()),
    "pack-quantized of 8 bits": (pack_quantized, dict(bits=8), compressed()),
    "pack-quantized with zeros": (pack_quantized, dict(zero_points=True), compressed()),
    "pack-quantized in order": (pack_quantized, dict(ordered=True), compressed()),
    "pack-quantized of 3 bits": (pack_quantized, dict(bits=3, zero_points=True), compressed(num_bits=3, group_size=16)),
    "pack-quantized of 7 bits": (pack_quantized, dict(bits=7), compressed(num_bits=7, group_size=16)),
    "pack-quantized, one scale": (pack_quantized_whole, {}, compressed(num_bits=4, strategy="tensor")),
    "mxfp4": (mxfp4, {}, compressed(num_bits=4, type="float", group_size=32)),
    "mxfp8": (mxfp8, {}, compressed(num_bits=8, type="float", group_size=32)),
    "float-quantized in groups": (fp8_group, {}, compressed(num_bits=8, type="float", group_size=8)),
    "float-quantized in blocks": (renamed(fp8_block, ".weight_scale_inv", ".weight_scale"), {},
                                  compressed(num_bits=8, type="float", strategy="block", block_structure=[16, 24])),
    "int-quantized": (int_quantized, {}, compressed()),
    "nvfp4": (nvfp4, {}, compressed()),
    "nf4": (nf4, {}, dict(quant_method="bitsandbytes", load_in_4bit=True)),
    "nf4 nested": (nf4, dict(nested=True), dict(quant_method="bitsandbytes", load_in_4bit=True)),
    "llm.int8": (llm_int8, {}, dict(quant_method="bitsandbytes", load_in_8bit=True)),
}


class Packed(Case):
    def folder(self, name, tensors, quantization=None):
        path = self.path(name)
        shutil.rmtree(path, ignore_errors=True)
        shutil.copytree(BASE, path)
        config = read_config(path)
        if quantization:
            config["quantization_config"] = quantization
        write_config(path, config)
        write_tensors(os.path.join(path, "model.safetensors"), tensors)
        return path

    def logits(self, folder):
        out = self.path("logits.npy")
        self.hone("logits", "-m", folder, "--ids", IDS, "-o", out, "--compute", "f32")
        return pathlib.Path(out).read_bytes()

    def make(self, scheme, change=None):
        """The folder, and the one that it stands for; change: of a module's tensors."""
        unit, how, quantization = SCHEMES[scheme]
        r, packed, plain = random.Random(scheme), {}, {}
        for name, (dtype, shape, data) in read_tensors(os.path.join(BASE, "model.safetensors")).items():
            if not name.endswith("proj.weight"):
                packed[name] = plain[name] = (dtype, shape, data)
                continue
            tensors, values = unit(r, *shape, **how)
            if change:
                change(tensors)
            packed.update({name.removesuffix(".weight") + end: t for end, t in tensors.items()})
            plain[name] = ("F32", shape, floats(values))
        return self.folder("packed", packed, quantization), self.folder("plain", plain)

    def test_schemes(self):
        for scheme in SCHEMES:
            with self.subTest(scheme):
                packed, plain = self.make(scheme)
                self.assertEqual(self.logits(packed), self.logits(plain))
        file = self.path("model.gguf")
        self.hone("convert", packed, "-o", file)
        self.assertEqual(self.logits(file), self.logits(plain))

    def refused(self, scheme, change, *told):
        packed, _ = self.make(scheme, change)
        run = self.hone("logits", "-m", packed, "--ids", IDS, "-o", self.path("x.npy"), status=3)
        for part in told:
            self.assertIn(part, run.words)

    def test_damage(self):
        def drop(end):
            return lambda tensors: tensors.pop(end)

        def cut(end):
            def change(tensors):
                dtype, shape, data = tensors[end]
                tensors[end] = (dtype, shape, data[:len(data) // 2])
            return change

        def fill(end, word):
            def change(tensors):
                dtype, shape, data = tensors[end]
                tensors[end] = (dtype, shape, word * (len(data) // len(word)))
            return change
        self.refused("gptq", drop(".scales"), "'gptq'", "proj.scales' is missing")
        self.refused("gptq", cut(".qweight"), "'gptq'", "qweight'")
        self.refused("gptq in order of activations", fill(".g_idx", u32([99])), "g_idx' names group 99 of")
        self.refused("awq", drop(".qzeros"), "'awq'", "qzeros' is missing")
        self.refused("fp8 in blocks", drop(".weight_scale_inv"), "'fp8'", "weight_scale_inv")
        self.refused("fp8 in blocks", cut(".weight"), "weight'")
        self.refused("pack-quantized", fill(".weight_shape", struct.pack("<q", 7)), "weight_packed' is not a matrix of 7 by 7")
        self.refused("pack-quantized", drop(".weight_scale"), "weight_scale' is missing")
        self.refused("nf4", cut(".weight"), "weight'")
        self.refused("nf4", cut(".weight.absmax"), "absmax")
        self.refused("nf4", fill(".weight.quant_state.bitsandbytes__nf4", b"{"), "should have a shape")
        self.refused("llm.int8", cut(".SCB"), "SCB")

    def test_contradictions(self):
        """What the configuration says and the tensors are not, or what nobody computes, is told by its key."""
        def configured(scheme, quantization, *told):
            packed, _ = self.make(scheme)
            write_config(packed, {**read_config(packed), "quantization_config": quantization})
            run = self.hone("logits", "-m", packed, "--ids", IDS, "-o", self.path("x.npy"), status=3)
            for part in told:
                self.assertIn(part, run.words)
        configured("pack-quantized", compressed(num_bits=4, group_size=8), "weight_scale' is [")
        configured("pack-quantized of 8 bits", compressed(num_bits=7, group_size=16), "weight_packed' is not a matrix")
        configured("pack-quantized", compressed(num_bits=4, strategy="token"), "strategy 'token'")
        configured("pack-quantized", compressed(num_bits=9), "9 bits")
        configured("pack-quantized", {**compressed(), "format": "marlin-24"}, "'marlin-24'")
        configured("pack-quantized", {**compressed(), "transform_config": {"config_groups": {"R1": {}}}}, "transform_config")
        configured("gptq", dict(quant_method="gptq", bits=4, group_size=16, desc_act=True), "'desc_act'", "g_idx")

    def test_keys(self):
        """A key that nobody knows, or a value that asks for what is not done, is told by its name."""
        for scheme, keys, *told in (
                ("gptq", dict(frobnicate=3), "quantization_config of 'gptq': the key 'frobnicate' (3)"),
                ("gptq", dict(rotation="hadamard"), "'rotation' is"), ("gptq", dict(is_marlin_format=True), "'is_marlin_format' is true"),
                ("gptq", dict(pack_dtype="int8"), "'pack_dtype'"), ("awq", dict(desc_act=True), "'desc_act' is true"),
                ("awq", dict(frobnicate=3), "'frobnicate'"), ("fp8 in blocks", dict(fmt="e5m2"), "'fmt' is"),
                ("fp8 in blocks", dict(frobnicate=3), "'frobnicate'"), ("nf4", dict(frobnicate=3), "'frobnicate'"),
                ("pack-quantized", dict(frobnicate=3), "'frobnicate'")):
            packed, _ = self.make(scheme)
            config = read_config(packed)
            config["quantization_config"].update(keys)
            write_config(packed, config)
            run = self.hone("logits", "-m", packed, "--ids", IDS, "-o", self.path("x.npy"), status=3)
            for part in told:
                self.assertIn(part, run.words)
        packed, plain = self.make("pack-quantized of 7 bits")
        config = read_config(packed)
        groups = config["quantization_config"]["config_groups"]
        groups["group_0"]["weights"]["frobnicate"] = 3
        write_config(packed, config)
        run = self.hone("logits", "-m", packed, "--ids", IDS, "-o", self.path("x.npy"), status=3)
        self.assertIn("config_groups.group_0: the key 'frobnicate' (3)", run.words)

    def test_others(self):
        packed, plain = self.make("gptq")
        for method in ("hqq", "aqlm", "torchao"):
            config = read_config(plain)
            write_config(plain, {**config, "quantization_config": {"quant_method": method}})
            self.assertIn(f"'{method}': that is not supported",
                          self.hone("logits", "-m", plain, "--ids", IDS, "-o", self.path("x"), status=3).words)
        config = read_config(packed)
        del config["quantization_config"]
        write_config(packed, config)
        self.assertIn("there is no 'quantization_config'",
                      self.hone("logits", "-m", packed, "--ids", IDS, "-o", self.path("x"), status=3).words)


if __name__ == "__main__":
    main()
