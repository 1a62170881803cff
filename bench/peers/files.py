"""Model files in each engine's own format, made once from the Hugging Face folder and kept in job.cache."""
import glob
import os
import shutil
import subprocess
import sys
import tarfile

INPUTS = ["input_ids", "attention_mask", "token_type_ids"]


def made_once(make):
    """Decorator: make(job, path, ...) writes `path`; the result is its path. Half-made files never get the name."""
    def get(job, *args):
        path = os.path.join(job.cache, "-".join([make.__name__, *args]) + SUFFIX.get(make.__name__, ""))
        if not os.path.exists(path):
            os.makedirs(job.cache, exist_ok=True)
            part = os.path.join(job.cache, "part-" + os.path.basename(path))
            make(job, part, *args)
            for extra in glob.glob(os.path.splitext(part)[0] + ".bin"):  # OpenVINO's weights lie beside the .xml
                os.replace(extra, os.path.splitext(path)[0] + ".bin")
            os.replace(part, path)
        return path
    return get


SUFFIX = {"onnx_f32": ".onnx", "onnx_int8": ".onnx", "openvino_f32": ".xml", "openvino_int8": ".xml", "gguf": ".gguf"}


def torch_module(job, attention):
    """Ids, mask and types to the final rows: mean-pooled, normalised embeddings, or logits."""
    import torch
    import transformers
    kind = {"embed": transformers.AutoModel, "score": transformers.AutoModelForSequenceClassification}[job.task]
    config = transformers.AutoConfig.from_pretrained(job.model)
    own_mask = config.model_type == "deberta-v2"  # which has one way to compute attention, and takes the padding as it is
    model = kind.from_pretrained(job.model, dtype=torch.float32,
                                 attn_implementation="eager" if own_mask else attention).eval()

    class Module(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, input_ids, attention_mask, token_type_ids):
            # Given whole, since transformers' own way from the padding to it cannot be traced by every exporter.
            hidden = (1 - attention_mask[:, None, None, :]).to(torch.float32) * torch.finfo(torch.float32).min
            out = self.model(input_ids=input_ids, attention_mask=attention_mask if own_mask else hidden,
                             token_type_ids=token_type_ids)[0]
            if job.task == "score":
                return out
            weights = attention_mask.unsqueeze(-1).to(out.dtype)
            return torch.nn.functional.normalize((out * weights).sum(1), dim=1)

    return Module().eval()


def example():
    import torch
    ids = torch.randint(1000, 2000, (2, 16))
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids), "token_type_ids": torch.zeros_like(ids)}


@made_once
def onnx_f32(job, path):
    import torch
    torch.onnx.export(torch_module(job, "eager"), tuple(example().values()), path, dynamo=False, input_names=INPUTS,
                      output_names=["out"], dynamic_axes={name: {0: "n", 1: "t"} for name in INPUTS})


@made_once
def onnx_int8(job, path):
    from onnxruntime.quantization import QuantType, quantize_dynamic
    quantize_dynamic(onnx_f32(job), path, per_channel=True, weight_type=QuantType.QInt8)


@made_once
def openvino_f32(job, path):
    import openvino
    model = openvino.convert_model(torch_module(job, "sdpa"), example_input=example())
    openvino.save_model(model, path, compress_to_fp16=False)


@made_once
def openvino_int8(job, path):
    """Post-training quantisation calibrated on the 300 texts (or pairs), with nncf's settings for transformers."""
    import nncf
    import openvino
    from tokenizers import Tokenizer
    tokenizer = Tokenizer.from_file(f"{job.model}/tokenizer.json")
    tokenizer.no_padding()
    tokenizer.enable_truncation(job.max_length)

    def inputs(both):
        encoding = tokenizer.encode(*both) if job.task == "score" else tokenizer.encode(both[1])
        return dict(zip(INPUTS, ([encoding.ids], [encoding.attention_mask], [encoding.type_ids])))

    model = nncf.quantize(openvino.Core().read_model(openvino_f32(job)), nncf.Dataset(job.calibration, inputs),
                          subset_size=len(job.calibration), model_type=nncf.ModelType.TRANSFORMER)
    openvino.save_model(model, path, compress_to_fp16=False)


@made_once
def openvino_generator(job, path, bits):
    """A folder: optimum-intel's export with weights of that many bits, by its usual settings."""
    from optimum.intel import OVModelForCausalLM, OVWeightQuantizationConfig
    OVModelForCausalLM.from_pretrained(job.model, export=True, compile=False, quantization_config=(
        OVWeightQuantizationConfig(bits=int(bits)))).save_pretrained(path)


@made_once
def ctranslate2(job, path):
    from ctranslate2.converters import TransformersConverter
    TransformersConverter(job.model).convert(path, force=True)


@made_once
def ctranslate2_seq2seq(job, path, precision):
    from ctranslate2.converters import TransformersConverter
    TransformersConverter(job.model).convert(path, quantization=precision, force=True)


@made_once
def gguf(job, path, file_type):
    """By llama.cpp's own converter, from the source package that the engine was built from."""
    source = glob.glob(os.path.join(job.sources, "llama_cpp_python-*.tar.gz"))[0]
    unpacked = os.path.join(job.cache, "llama.cpp")
    if not os.path.exists(unpacked):
        shutil.rmtree(unpacked + ".part", ignore_errors=True)
        with tarfile.open(source) as tar:
            wanted = [m for m in tar if "/vendor/llama.cpp/" in m.name and m.name.endswith(".py")]
            tar.extractall(unpacked + ".part", wanted, filter="data")
        os.rename(unpacked + ".part", unpacked)
    script = glob.glob(f"{unpacked}/*/vendor/llama.cpp/convert_hf_to_gguf.py")[0]
    subprocess.run([sys.executable, script, job.model, "--outfile", path, "--outtype", file_type], check=True)
