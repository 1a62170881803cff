"""One class an engine that generates. The constructor loads (untimed); run() is what the benchmark times.

All engines get the same ids, as many for each sequence, and take the most probable token each time. `job` is
worker.py's.
"""
import ctypes
import time

import numpy as np

import files
import hone

MAX_SEQS, MAX_TOKENS = 8, 1024  # at once; each of prompt and answer
LONG_TOKENS = 8448  # of a text alone


class Generator:
    package = None  # whose version is reported
    batches = ()

    def __init__(self, job):
        self.job = job
        self.load()

    def load(self):
        raise NotImplementedError

    def run(self, prompts, n_new):
        """Seconds until the first token of every sequence, and from there to the last; prompts: int [n_seqs, n]."""
        begin = time.perf_counter()
        ids = self.first(prompts)
        middle = time.perf_counter()
        for i in range(n_new - 1):
            ids = self.next(ids, prompts.shape[1] + i)
        return middle - begin, time.perf_counter() - middle

    def first(self, prompts):
        """What follows each prompt: int [n_seqs]. Forgets what was there before."""
        raise NotImplementedError

    def next(self, ids, position):
        """What follows another token of each sequence."""
        raise NotImplementedError


class LlamaCpp(Generator):
    package = "llama-cpp-python"

    def load(self):
        import llama_cpp
        self.api = llama_cpp
        llama_cpp.llama_backend_init()
        self.model = llama_cpp.llama_model_load_from_file(self.job.gguf.encode(), llama_cpp.llama_model_default_params())
        self.contexts = {}
        self.n_vocab = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(self.model))
        self.batch = llama_cpp.llama_batch_init(MAX_SEQS * MAX_TOKENS, 0, 1)

    def context_for(self, n_seqs, n_tokens):
        """One for several texts, and one for a long text alone."""
        n_seqs, n_tokens = (MAX_SEQS, MAX_TOKENS) if n_tokens < MAX_TOKENS else (1, LONG_TOKENS)
        if n_seqs not in self.contexts:
            params = self.api.llama_context_default_params()
            params.n_ctx, params.n_seq_max = n_seqs * n_tokens, n_seqs
            params.n_batch = max(params.n_batch, n_tokens)
            params.n_threads = params.n_threads_batch = self.job.threads
            self.contexts[n_seqs] = self.api.llama_init_from_model(self.model, params)
        return self.contexts[n_seqs]

    def decode(self, rows, position):
        """rows: [n_seqs, n] that stand from `position` on."""
        n_seqs, n = rows.shape
        total = n_seqs * n

        def fill(field, values):
            np.ctypeslib.as_array(field, (total,))[:] = values
        self.batch.n_tokens = total
        fill(self.batch.token, rows.ravel())
        fill(self.batch.pos, np.tile(np.arange(position, position + n), n_seqs))
        fill(self.batch.n_seq_id, 1)
        fill(self.batch.logits, np.tile(np.arange(n) == n - 1, n_seqs))
        for i in range(total):
            self.batch.seq_id[i][0] = i // n
        if self.api.llama_decode(self.context, self.batch):
            raise RuntimeError("llama_decode failed")
        logits = [self.api.llama_get_logits_ith(self.context, (i + 1) * n - 1) for i in range(n_seqs)]
        return np.array([np.ctypeslib.as_array(row, (self.n_vocab,)).argmax() for row in logits])

    def first(self, prompts):
        self.context = self.context_for(*prompts.shape)
        self.api.llama_memory_clear(self.api.llama_get_memory(self.context), True)
        return self.decode(prompts, 0)

    def next(self, ids, position):
        return self.decode(ids[:, None], position)


def last_logits(model):
    """The head computes a prompt's last token alone, as all other engines do; optimum-intel's export computes all."""
    import openvino
    head = model.get_results()[0].input_value(0).get_node()
    last = openvino.opset13.slice(head.input_value(0), [-1], [2 ** 31 - 1], [1], [1])
    head.input(0).replace_source_output(last.output(0))
    model.validate_nodes_and_infer_types()
    return model


class OpenVino(Generator):
    """Exported by optimum-intel, its weights compressed by nncf; run without Python's generate(), which would cost it
    time at each token."""
    package = "openvino"
    bits, precision = 8, "f32"

    def load(self):
        import openvino
        config = {"INFERENCE_NUM_THREADS": self.job.threads, "PERFORMANCE_HINT": "LATENCY",
                  "INFERENCE_PRECISION_HINT": self.precision}
        path = f"{files.openvino_generator(self.job, str(self.bits))}/openvino_model.xml"
        core = openvino.Core()
        self.request = core.compile_model(last_logits(core.read_model(path)), "CPU", config).create_infer_request()

    def infer(self, rows, position):
        n_seqs, n = rows.shape
        self.request.infer({"input_ids": rows.astype(np.int64), "beam_idx": np.arange(n_seqs, dtype=np.int32),
                            "attention_mask": np.ones((n_seqs, position + n), np.int64),
                            "position_ids": np.tile(np.arange(position, position + n), (n_seqs, 1))})
        return self.request.get_tensor("logits").data[:, -1].argmax(1)

    def first(self, prompts):
        self.request.reset_state()
        return self.infer(prompts, 0)

    def next(self, ids, position):
        return self.infer(ids[:, None], position)


class OpenVinoBf16(OpenVino):
    precision = "bf16"


class OpenVinoInt4(OpenVino):
    bits = 4


class OpenVinoInt4Bf16(OpenVinoInt4):
    precision = "bf16"


class Hone(Generator):
    def load(self):
        self.api = hone.Library(self.job)
        self.model = self.api.open(self.job.gguf)
        self.Generation = self.api.header.struct("hone_generation")
        self.sampling = self.greedy(self.api.header)
        token = self.api.header.struct("hone_token")
        self.Listener = ctypes.CFUNCTYPE(ctypes.c_bool, ctypes.c_void_p, ctypes.POINTER(token))

    @staticmethod
    def greedy(header):
        sampling = header.struct("hone_sampling")()
        types = dict(sampling._fields_)
        for field, value in (header.defaults("HONE_SAMPLING_DEFAULTS") | {"temperature": 0}).items():
            setattr(sampling, field, value if types[field] is ctypes.c_float else int(value))
        return sampling

    def run(self, prompts, n_new):
        rows = np.ascontiguousarray(prompts, np.int32)
        came = [[] for _ in rows]

        def listener(times):
            def on_token(_, token):
                if token.contents.id >= 0:
                    times.append(time.perf_counter())
                return True
            return self.Listener(on_token)
        listeners = [listener(times) for times in came]
        generations = (self.Generation * len(rows))()
        for g, row, on_token in zip(generations, rows, listeners):
            g.ids, g.n_ids, g.max_tokens, g.ignore_end = row.ctypes.data, row.size, n_new, True
            g.sampling, g.on_token = self.sampling, ctypes.cast(on_token, ctypes.c_void_p)
        begin = time.perf_counter()
        self.api.call("hone_generate", self.model, generations, ctypes.c_size_t(len(rows)), None)
        for g in generations:
            self.api.lib.hone_generation_release(ctypes.byref(g))
        middle, end = max(times[0] for times in came), max(times[-1] for times in came)
        return middle - begin, end - middle

    def describe(self):
        return self.api.describe(self.model)


# By the type of the file's weights.
PEERS = {
    "q8_0": {"hone": Hone, "llama.cpp": LlamaCpp, "openvino-int8": OpenVino, "openvino-int8-bf16": OpenVinoBf16},
    "q4_k_m": {"hone": Hone, "llama.cpp": LlamaCpp, "openvino-int4": OpenVinoInt4,
               "openvino-int4-bf16": OpenVinoInt4Bf16},
}
