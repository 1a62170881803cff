"""One class an engine. The constructor loads (untimed); embed() and score() are what the benchmark times.

All engines get the same strings and return the same thing: float32 [n, dim] L2-normalised embeddings, or [n] logits
of pairs. Those that need padded batches sort by length first, as their users do, and are measured with several batch
sizes (`batches`), since the usual 32 is not always their best. `job` is worker.py's.
"""
import numpy as np

import files


class Engine:
    tasks = ("embed", "score")
    batches = (32, 8)  # texts computed together; (None,) for engines that decide themselves
    package = None  # whose version is reported

    def __init__(self, job):
        from tokenizers import Tokenizer
        self.job = job
        self.tokenizer = Tokenizer.from_file(f"{job.model}/tokenizer.json")
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(job.max_length)
        self.load()

    def load(self):
        raise NotImplementedError

    def run(self, encodings):
        """Rows of the result for one batch; encodings are the tokenizer's, of similar length."""
        raise NotImplementedError

    def infer(self, inputs, batch):
        encodings = self.tokenizer.encode_batch(inputs)
        order = sorted(range(len(inputs)), key=lambda i: len(encodings[i]))
        rows = [self.run([encodings[i] for i in order[at:at + batch]]) for at in range(0, len(order), batch)]
        out = np.concatenate(rows).astype(np.float32)
        result = np.empty_like(out)
        result[order] = out
        return result

    def embed(self, texts, batch):
        return self.infer(texts, batch)

    def score(self, pairs, batch):
        return self.infer([tuple(pair) for pair in pairs], batch)[:, 0]


def padded(encodings):
    """int64 input_ids, attention_mask and token_type_ids [n, longest]."""
    out = {name: np.zeros((len(encodings), max(map(len, encodings))), np.int64) for name in files.INPUTS}
    for row, encoding in enumerate(encodings):
        for name, values in zip(files.INPUTS, (encoding.ids, encoding.attention_mask, encoding.type_ids)):
            out[name][row, :len(values)] = values
    return out


def mean_pool(hidden, mask):
    pooled = np.einsum("nth,nt->nh", hidden, mask.astype(np.float32))
    return pooled / np.linalg.norm(pooled, axis=1, keepdims=True)


class Torch(Engine):
    package = "torch"

    def load(self):
        import torch
        self.torch = torch
        torch.set_num_threads(self.job.threads)
        self.module = files.torch_module(self.job, attention="sdpa")

    def run(self, encodings):
        inputs = {name: self.torch.from_numpy(array) for name, array in padded(encodings).items()}
        with self.torch.inference_mode():
            return self.module(**inputs).numpy()


class OnnxRuntime(Engine):
    package = "onnxruntime"
    batches = (32, 8, 1)
    int8 = False

    def load(self):
        import onnxruntime
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.job.threads
        path = files.onnx_int8(self.job) if self.int8 else files.onnx_f32(self.job)
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.inputs = [given.name for given in self.session.get_inputs()]  # an export drops what has no effect

    def run(self, encodings):
        inputs = padded(encodings)
        return self.session.run(None, {name: inputs[name] for name in self.inputs})[0]


class OnnxRuntimeInt8(OnnxRuntime):
    int8 = True


class OpenVino(Engine):
    package = "openvino"
    precision, int8 = "f32", False

    def load(self):
        import openvino
        path = files.openvino_int8(self.job) if self.int8 else files.openvino_f32(self.job)
        config = {"INFERENCE_NUM_THREADS": self.job.threads, "PERFORMANCE_HINT": "LATENCY",  # all threads, one batch
                  "INFERENCE_PRECISION_HINT": self.precision}
        model = openvino.Core().compile_model(path, "CPU", config)
        self.inputs = [name for given in model.inputs for name in given.names if name in files.INPUTS]
        self.request = model.create_infer_request()

    def run(self, encodings):
        inputs = padded(encodings)
        return self.request.infer({name: inputs[name] for name in self.inputs})[0].copy()


class OpenVinoBf16(OpenVino):
    precision = "bf16"


class OpenVinoInt8(OpenVino):
    int8 = True


class CTranslate2(Engine):
    tasks = ("embed",)
    package = "ctranslate2"
    compute = "float32"

    def load(self):
        import ctranslate2
        self.encoder = ctranslate2.Encoder(files.ctranslate2(self.job), compute_type=self.compute, inter_threads=1,
                                           intra_threads=self.job.threads)

    def run(self, encodings):
        hidden = self.encoder.forward_batch([encoding.ids for encoding in encodings]).last_hidden_state
        return mean_pool(np.array(hidden), padded(encodings)["attention_mask"])


class CTranslate2Int8(CTranslate2):
    compute = "int8"


class LlamaCpp(Engine):
    """Computes as many texts together as fit in 512 tokens, with flash attention, as its own tools do."""
    tasks = ("embed",)
    batches = (None,)
    package = "llama-cpp-python"
    file_type = "f16"

    def load(self):
        import llama_cpp
        limit = self.job.max_length

        class Truncating(llama_cpp.LlamaTokenizer):
            def tokenize(self, *args, **kwargs):
                ids = super().tokenize(*args, **kwargs)
                return ids if len(ids) <= limit else ids[:limit - 1] + ids[-1:]

        self.model = llama_cpp.Llama(files.gguf(self.job, self.file_type), embedding=True, flash_attn=True, n_ctx=512,
                                     n_batch=512, n_ubatch=512, n_threads=self.job.threads,
                                     n_threads_batch=self.job.threads, verbose=False)
        self.model.tokenizer_ = Truncating(self.model)

    def infer(self, inputs, batch):
        return np.array(self.model.embed(inputs, normalize=True), np.float32)


class LlamaCppQ8(LlamaCpp):
    file_type = "q8_0"


PEERS = {
    "pytorch-f32": Torch,
    "onnxruntime-f32": OnnxRuntime,
    "onnxruntime-int8": OnnxRuntimeInt8,
    "openvino-f32": OpenVino,
    "openvino-bf16": OpenVinoBf16,
    "openvino-int8": OpenVinoInt8,
    "ctranslate2-f32": CTranslate2,
    "ctranslate2-int8": CTranslate2Int8,
    "llama.cpp-f16": LlamaCpp,
    "llama.cpp-q8_0": LlamaCppQ8,
}
