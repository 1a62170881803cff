"""hone through its C API. Structs and enums are read from hone.h, so that this file need not repeat them."""
import ctypes
import functools
import pathlib
import re

import numpy as np

TYPES = {"int": ctypes.c_int, "bool": ctypes.c_bool, "size_t": ctypes.c_size_t, "const char *": ctypes.c_char_p,
         "int32_t": ctypes.c_int32, "uint32_t": ctypes.c_uint32, "uint64_t": ctypes.c_uint64, "float": ctypes.c_float}


class Header:
    """Of the public headers in a folder: enumerators as a dict name -> value; struct(name) as a ctypes class."""

    def __init__(self, path):
        text = "".join(header.read_text() for header in sorted(pathlib.Path(path).glob("*.h")))
        self.text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
        self.values = {}
        for body in re.findall(r"enum \w+ \{(.*?)\}", self.text, flags=re.S):
            value = -1
            for name, given in re.findall(r"(\w+)(?:\s*=\s*(\d+))?\s*(?:,|$)", body.strip()):
                value = int(given) if given else value + 1
                self.values[name] = value

    def compute_modes(self):
        return [name[len("HONE_COMPUTE_"):].lower() for name in self.values if name.startswith("HONE_COMPUTE_")]

    @functools.cache  # one class a name, so that one struct may be assigned to another's field
    def struct(self, name):
        body = re.search(r"struct " + name + r" \{(.*?)\n\}", self.text, flags=re.S).group(1)
        fields = []
        for declaration in filter(None, (" ".join(part.split()) for part in body.split(";"))):
            function = re.search(r"\(\*(\w+)\)\(", declaration)
            if function:
                fields.append((function.group(1), ctypes.c_void_p))
                continue
            kind, names = re.match(r"((?:const )?(?:enum |struct )?\w+ (?:\* ?)?)(.*)", declaration).groups()
            for field, length in re.findall(r"(\w+)(?:\[(\d+)\])?", names):
                one = self.field_type(kind.strip())
                fields.append((field, one * int(length) if length else one))
        return type(name, (ctypes.Structure,), {"_fields_": fields})

    def defaults(self, name):
        """The macro's initialisers as a dict field -> number; a constant of the C library's stays out."""
        body = re.search(r"#define " + name + r"\b(.*?)\}", self.text, flags=re.S).group(1)
        return {field: float(value) for field, value in re.findall(r"\.(\w+) = ([\d.]+)", body)}

    def field_type(self, kind):
        if kind == "char":
            return ctypes.c_char
        if kind.startswith("enum "):
            return ctypes.c_int
        if kind.startswith("struct ") and not kind.endswith("*"):
            return self.struct(kind[len("struct "):])
        return TYPES.get(kind, ctypes.c_void_p)


class Library:
    """libhone and what its header says. job: hone_library, hone_header, threads, max_length."""

    def __init__(self, job):
        self.job = job
        self.lib = ctypes.CDLL(job.hone_library)
        self.header = Header(job.hone_header)
        self.Error = self.header.struct("hone_error")
        self.info_type = self.header.struct("hone_model_info")
        self.lib.hone_model_info.restype = ctypes.POINTER(self.info_type)

    def call(self, function, *args):
        error = self.Error()
        if getattr(self.lib, function)(*args, ctypes.byref(error)):
            raise RuntimeError(error.message.decode())

    def open(self, path, **options):
        model = ctypes.c_void_p()
        options = self.header.struct("hone_options")(n_threads=self.job.threads, **options)
        self.call("hone_model_open", ctypes.byref(model), path.encode(), ctypes.byref(options))
        return model

    def info(self, model):
        return self.lib.hone_model_info(model).contents

    def describe(self, model):
        return f"{self.info(model).compute.decode()} on {self.info(model).cpu.decode()}"


class Hone:
    """The same interface as the engines of engines.py: embed() and score()."""
    tasks = ("embed", "score")
    batches = (None,)  # it makes its own
    package = None

    def __init__(self, job, compute):
        self.api = Library(job)
        self.Text, self.Run = map(self.api.header.struct, ("hone_text", "hone_run_options"))
        self.model = self.api.open(job.hone_model, max_length=job.max_length,
                                   compute=self.api.header.values["HONE_COMPUTE_" + compute.upper()])
        self.info = self.api.info(self.model)

    def texts(self, strings):
        data = [string.encode() for string in strings]
        return (self.Text * len(data))(*((d, len(d)) for d in data))

    def compute(self, function, columns, n, *inputs):
        out = np.empty((n, columns), np.float32)
        run = self.Run(normalize=-1, raw=True)
        self.api.call(function, self.model, *inputs, ctypes.c_size_t(n), ctypes.byref(run),
                      out.ctypes.data_as(ctypes.c_void_p), None)
        return out

    def embed(self, texts, batch=None):
        return self.compute("hone_embed", self.info.n_embd, len(texts), self.texts(texts))

    def score(self, pairs, batch=None):
        first, second = (self.texts(column) for column in zip(*pairs))
        return self.compute("hone_classify", self.info.n_labels, len(pairs), first, second)[:, 0]

    def describe(self):
        return self.api.describe(self.model)
