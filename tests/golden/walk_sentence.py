"""Walks through the files that Sentence Transformers writes beside a model's weights: of small models with random weights each
key is changed once to other values that it could have, left out, or added from another kind of model. Sentence Transformers
and hone read the folder, and hone has to give the same numbers or to refuse it. What it gives otherwise is printed, and the
exit status is 1.

usage: walk_sentence.py [--refused] [--none] [KIND...]      needs sentence-transformers; HONE names the program
"""
import json
import logging
import os
import pathlib
import string
import subprocess
import sys
import tempfile
import warnings

warnings.filterwarnings("ignore")
os.environ["TRANSFORMERS_VERBOSITY"] = "error"
import torch  # noqa: E402
import transformers as tf  # noqa: E402
from sentence_transformers import CrossEncoder, MultiVectorEncoder, SentenceTransformer, SparseEncoder  # noqa: E402
from sentence_transformers.base.modules import Dense, Normalize, Router, Transformer  # noqa: E402
from sentence_transformers.cross_encoder.modules import LogitScore  # noqa: E402
from sentence_transformers.multi_vector_encoder.modules import MultiVectorMask  # noqa: E402
from sentence_transformers.sentence_transformer.modules import LayerNorm, Pooling, StaticEmbedding  # noqa: E402
from sentence_transformers.sparse_encoder.modules import SparseStaticEmbedding, SpladePooling  # noqa: E402
from tokenizers import Tokenizer  # noqa: E402
from walk import Tally, options  # noqa: E402

tf.utils.logging.disable_progress_bar()
logging.disable(logging.WARNING)

ROOT = pathlib.Path(__file__).resolve().parents[2]
HONE = os.path.join(ROOT, os.environ.get("HONE", "build/hone"))
TOKENIZER = ROOT / "tests" / "fixtures" / "bert-embed"
QUERY = "edit Photos, please"
TEXTS = ["A package for editing photos, and more: a small Runtime for models on ordinary processors.", "hello, World! x"]
TEMPLATE = ("{% for m in messages %}{% if m.role == 'system' %}sys {{ m.content }} {% endif %}{% endfor %}q "
            "{{ messages | selectattr('role','eq','query') | map(attribute='content') | first }} d "
            "{{ messages | selectattr('role','eq','document') | map(attribute='content') | first }} answer:")

# By name: what a key could be beside what it is.
VALUES = {
    "similarity_fn_name": ["cosine", "dot", "euclidean", "manhattan", "maxsim", "meanmaxsim", None, "other"],
    "prompts": [{"query": "ask: ", "document": "doc: "}, {"query": "ask: ", "passage": "doc: "}, {"p": "say: "}, {}, {"query": None}],
    "default_prompt_name": ["query", "p", "document", "missing", None],
    "truncate_dim": [4, 1, 0, -3, 1000, None, 4.0, "4"], "max_active_dims": [3, 1, 0, 5000, None],
    "activation_fn": ["torch.nn.modules.linear.Identity", "torch.nn.modules.activation.Sigmoid", "torch.nn.modules.activation.Tanh",
                      "torch.nn.modules.activation.Softplus", "torch.nn.Sigmoid", "os.system", None],
    "sbert_ce_default_activation_function": ["torch.nn.modules.linear.Identity", "torch.nn.modules.activation.Sigmoid"],
    "sentence_transformers": [{"activation_fn": "torch.nn.modules.linear.Identity"}, {"activation_fn": "torch.nn.modules.activation.Tanh"}],
    "model_type": ["SentenceTransformer", "SparseEncoder", "CrossEncoder", "MultiVectorEncoder", "ColBERT", "other"],
    "max_seq_length": [8, 3, 2, 1, 0, -1, 1000, None], "do_lower_case": [True, False],
    "transformer_task": ["feature-extraction", "sequence-classification", "fill-mask", "text-generation", "any-to-any"],
    "module_output_name": ["token_embeddings", "sentence_embedding", "scores", "other"], "unpad_inputs": [True, False],
    "module_input_name": ["token_embeddings", "sentence_embedding", "other"],
    "processing_kwargs": [{"text": {"max_length": 7}}, {"common": {"max_length": 7}}, {"text": {"truncation": False}},
                          {"text": {"add_special_tokens": False}}, {"text": {"padding": "max_length"}},
                          {"text": {"padding": True, "max_length": 9}}, {"chat_template": {"add_generation_prompt": True}},
                          {"text": {"truncation": "only_first"}}, {"text": {"return_token_type_ids": False}}, {"other": {}}],
    "model_args": [{"hidden_act": "relu"}, {"torch_dtype": "float32"}, {"add_pooling_layer": False}, {"output_hidden_states": True}],
    "model_kwargs": [{"torch_dtype": "float32"}], "config_args": [{"hidden_act": "relu"}, {"num_hidden_layers": 1}, {"is_decoder": True}],
    "config_kwargs": [{"hidden_act": "relu"}],
    "tokenizer_args": [{"model_max_length": 9}, {"do_lower_case": False}, {"truncation_side": "left"}, {"max_length": 5}],
    "processor_kwargs": [{"model_max_length": 9}, {"do_lower_case": False}, {"truncation_side": "left"}],
    "modality_config": [{"text": {"method": "forward", "method_output_name": "pooler_output"}},
                        {"text": {"method": "forward", "method_output_name": "last_hidden_state"}}, {"image": {"method": "forward"}},
                        {"text": {"method": "get_text_features", "method_output_name": None}}],
    "query_expansion": [{"strategy": "fixed", "length": 9, "attend": False}, {"strategy": "min", "length": 24, "attend": True},
                        {"strategy": "other", "length": 9}, None, True, {"strategy": "fixed", "length": 9, "attend": True, "token": "[SEP]"}],
    "query_length": [5, 1, 0, 300, None], "document_length": [5, 1, 0, 300, None], "do_query_expansion": [True, False],
    "attend_to_expansion_tokens": [True, False], "skiplist_words": [[","], [], ["photos", "."], None], "query_prefix": ["[Q] "],
    "document_prefix": ["[D] "],
    "skiplist_tasks": ["query", "document", ["query", "document"], [], None, "other"], "keep_only_token_ids": [[], [9, 10, 30], None],
    "pooling_mode": ["cls", "mean", "max", "lasttoken", "weightedmean", "mean_sqrt_len_tokens", ["cls", "mean"], "mean,cls", [], "other"],
    "pooling_mode_cls_token": [True, False], "pooling_mode_mean_tokens": [True, False], "include_prompt": [True, False],
    "embedding_dimension": [16, 8, 32], "word_embedding_dimension": [16, 8], "in_features": [16, 8], "out_features": [8, 16], "bias": [True, False],
    "activation_function": ["torch.nn.modules.activation.Tanh", "torch.nn.modules.linear.Identity", "torch.nn.modules.activation.ReLU",
                            "torch.nn.modules.activation.GELU", "torch.nn.modules.activation.SiLU", "torch.nn.modules.activation.Mish",
                            "relu", "log1p_relu", "other"],
    "use_residual": [True, False], "dimension": [8, 16], "pooling_strategy": ["max", "sum", "mean"], "chunk_size": [3, None],
    "true_token_id": [7, 100000, -1, None], "false_token_id": [7, 100000, None], "frozen": [True, False],
    "model_max_length": [7, 1, 1000, 10 ** 30, None], "truncation_side": ["left", "right", "other"], "padding_side": ["left", "right"],
    "tokenizer_class": ["BertTokenizer", "BertTokenizerFast", "PreTrainedTokenizerFast", "RobertaTokenizer", "MPNetTokenizer", "TokenizersBackend", "Other"],
    "strip_accents": [True, False, None], "tokenize_chinese_chars": [True, False], "do_basic_tokenize": [True, False],
    "never_split": [["photos"]], "clean_up_tokenization_spaces": [True, False], "split_special_tokens": [True, False],
    "add_prefix_space": [True, False], "add_bos_token": [True, False], "add_eos_token": [True, False], "stride": [1],
    "cls_token": ["[SEP]", "photos"], "sep_token": ["[CLS]"], "unk_token": ["[PAD]", "[MASK]"], "pad_token": ["[UNK]", None], "mask_token": ["[SEP]", None],
    "model_input_names": [["input_ids", "attention_mask"], ["input_ids"], ["input_ids", "token_type_ids", "attention_mask"]],
    "pad_token_type_id": [1], "extra_special_tokens": [{"x_token": "photos"}, ["photos"]], "additional_special_tokens": [["photos"]],
    "default_route": ["query", "document", None, "other"], "allow_empty_key": [True, False],
    "restore_suffix": [True, False], "add_generation_prompt": [True, False],
    "truncation": [True, False], "truncation_strategy": ["longest_first", "only_second"], "max_length": [6],
}


def values(key, value):
    if key in VALUES:
        return [v for v in VALUES[key] if v != value or type(v) is not type(value)]
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, (int, float)):
        return [value + 1, value * 2]
    return ["other"] if isinstance(value, str) else []


# ---- the models ----

class Maker:
    """Folders of transformers in a folder of its own."""

    def __init__(self, where):
        self.where, self.n = where, 0

    def folder(self, model, **how):
        self.n += 1
        folder = self.where / f"base{self.n}"
        t = tf.AutoTokenizer.from_pretrained(TOKENIZER)
        t.model_max_length = 48
        for name, value in how.items():
            setattr(t, name, value)
        t.save_pretrained(folder)
        model.save_pretrained(folder)
        return str(folder)

    def sizes(self, **more):
        return dict(vocab_size=len(tf.AutoTokenizer.from_pretrained(TOKENIZER)), hidden_size=16, num_hidden_layers=2,
                    num_attention_heads=2, intermediate_size=24, max_position_embeddings=64, initializer_range=0.5, **more)

    def bert(self, kind=tf.BertModel, task="feature-extraction", options={}, **how):
        return Transformer(self.folder(kind(tf.BertConfig(**self.sizes(), **how))), transformer_task=task, **options)

    def llama(self, kind, template, **how):
        return self.folder(kind(tf.LlamaConfig(**self.sizes(), num_key_value_heads=1, pad_token_id=0, bos_token_id=2, eos_token_id=3,
                                               tie_word_embeddings=False, **how)), chat_template=template)

    def table(self, width):
        raw = Tokenizer.from_file(str(TOKENIZER / "tokenizer.json"))
        return StaticEmbedding(raw, torch.randn(raw.get_vocab_size(), width))


PROMPTS = dict(prompts={"query": "find: ", "document": "text: ", "p": "say "}, default_prompt_name=None)
IDENTITY = torch.nn.Identity()
MODELS = {
    "embed": lambda m: SentenceTransformer(modules=[m.bert(), Pooling(16, "mean"), Dense(16, 8), Normalize()], **PROMPTS),
    "embed-raw": lambda m: SentenceTransformer(modules=[m.bert(), Pooling(16, ["cls", "max"], include_prompt=False), LayerNorm(32)],
                                               truncate_dim=20, similarity_fn_name="dot", **PROMPTS),
    "table": lambda m: SentenceTransformer(modules=[m.table(12), Dense(12, 12, use_residual=True)], **PROMPTS),
    "router": lambda m: SentenceTransformer(modules=[Router.for_query_document(
        query_modules=[m.table(16)], document_modules=[m.bert(), Pooling(16, "cls")]), Normalize()], **PROMPTS),
    "cross": lambda m: CrossEncoder(m.folder(tf.BertForSequenceClassification(tf.BertConfig(**m.sizes(), num_labels=1)))),
    "cross-modules": lambda m: CrossEncoder(modules=[m.bert(), Pooling(16, "mean"), LayerNorm(16), Dense(
        16, 1, module_output_name="scores", activation_function=IDENTITY)], **PROMPTS),
    "logit": lambda m: CrossEncoder(modules=[Transformer(m.llama(tf.LlamaForCausalLM, TEMPLATE), transformer_task="text-generation"),
                                             LogitScore(100, 101)], prompts={"p": "judge "}, default_prompt_name="p"),
    "logit-classifier": lambda m: CrossEncoder(m.llama(tf.LlamaForSequenceClassification, TEMPLATE, num_labels=1)),
    "sparse": lambda m: SparseEncoder(modules=[m.bert(tf.BertForMaskedLM, "fill-mask"), SpladePooling("max")], max_active_dims=9, **PROMPTS),
    "sparse-table": lambda m: SparseEncoder(modules=[Router.for_query_document(
        query_modules=[SparseStaticEmbedding(tf.AutoTokenizer.from_pretrained(TOKENIZER), torch.rand(m.sizes()["vocab_size"]))],
        document_modules=[m.bert(tf.BertForMaskedLM, "fill-mask"), SpladePooling("max")])]),
    "vectors": lambda m: MultiVectorEncoder(modules=[
        m.bert(options=dict(query_expansion={"strategy": "fixed", "length": 12, "attend": False}, query_length=12, document_length=20)),
        Dense(16, 8, activation_function=IDENTITY, module_input_name="token_embeddings"),
        MultiVectorMask(skiplist_words=list(string.punctuation)), Normalize(module_input_name="token_embeddings")]),
    "vectors-plain": lambda m: MultiVectorEncoder(modules=[
        m.bert(options=dict(query_expansion={"strategy": "min", "length": 14, "attend": True}, query_length=16)),
        Dense(16, 8, activation_function=IDENTITY, module_input_name="token_embeddings")], **PROMPTS),
}


def as_pylate(folder):
    """The folder of "vectors-plain" as PyLate writes it."""
    path = folder / "config_sentence_transformers.json"
    settings = json.loads(path.read_text())
    settings.update(model_type="ColBERT", query_prefix="[Q] ", document_prefix="[D] ", query_length=14, document_length=20,
                    similarity_fn_name="MaxSim", attend_to_expansion_tokens=False, prompts={})
    path.write_text(json.dumps(settings))
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 19, "do_lower_case": false}')
    dense = folder / "1_Dense" / "config.json"
    config = json.loads(dense.read_text())
    dense.write_text(json.dumps({k: v for k, v in config.items() if not k.startswith("module_")}))
    modules = json.loads((folder / "modules.json").read_text())
    modules[1]["type"] = "pylate.models.Dense.Dense"
    (folder / "modules.json").write_text(json.dumps(modules))


MODELS["vectors-pylate"] = MODELS["vectors-plain"]


# ---- what both make of a folder ----

def rows(x):
    return x.to_dense().float() if getattr(x, "is_sparse", False) else torch.as_tensor(x).float()


def attempt(what):
    """Numbers, or None where Sentence Transformers fails."""
    try:
        return what()
    except Exception:  # any: it refuses in many ways
        return None


def reference(kind, folder):
    """{what: numbers or None}; raises where there is no model. Texts by themselves, so that nothing is padded."""
    torch.manual_seed(0)
    one = {"batch_size": 1}
    if kind.startswith(("cross", "logit")):
        model = CrossEncoder(folder, device="cpu")
        return {"scores": attempt(lambda: rows(model.predict([(QUERY, t) for t in TEXTS], **one)).flatten())}
    cls = {"sparse": SparseEncoder, "vectors": MultiVectorEncoder}.get(kind.split("-")[0], SentenceTransformer)
    model = cls(folder, device="cpu")
    scores = attempt(lambda: rows(model.similarity(model.encode_query([QUERY], **one), model.encode_document(TEXTS, **one)))[0])
    if cls is MultiVectorEncoder:
        return {"scores": scores}
    return {"": attempt(lambda: rows(model.encode(TEXTS, **one))),
            "query": attempt(lambda: rows(model.encode_query(TEXTS, **one))),
            "document": attempt(lambda: rows(model.encode_document(TEXTS, **one))),
            "scores": scores}


def hone(*arguments, stdin):
    return subprocess.run([HONE, *map(str, arguments), "--compute", "f32", "--no-cache", "-t", "1"], input=stdin, text=True,
                          capture_output=True, timeout=60)


def given(folder, what, n_words):
    """Numbers, or the run that failed."""
    if what == "scores":
        run = hone("rerank", "-m", folder, "-q", QUERY, "--format=jsonl", stdin="\n".join(TEXTS) + "\n")
        if run.returncode:
            return run
        lines = sorted(map(json.loads, run.stdout.splitlines()), key=lambda row: row["index"])
        return torch.tensor([row["score"] for row in lines])
    run = hone("embed", "-m", folder, *(("--as", what) if what else ()), stdin="\n".join(TEXTS) + "\n")
    if run.returncode:
        return run
    out = []
    for line in map(json.loads, run.stdout.splitlines()):
        row = line.get("embedding")
        if row is None:
            row = [0.0] * n_words
            for word in line["sparse"]:
                row[word["index"]] = word["value"]
        out.append(row)
    return torch.tensor(out)


def difference(got, wanted):
    if got.shape != wanted.shape:
        return f"shape {tuple(got.shape)}, not {tuple(wanted.shape)}"
    if not torch.isfinite(wanted).all():
        return None
    worst = float((got - wanted).abs().max() / max(float(wanted.abs().max()), 1.0))
    return None if worst <= 2e-5 else f"{worst:.2g}"


def compare(kind, folder):
    """('equal' | 'refused' | 'differs' | 'none', why)"""
    try:
        wanted = reference(kind, str(folder))
    except Exception as e:  # any: Sentence Transformers refuses in many ways
        return "none", f"{type(e).__name__}: {e}"[:160]
    if all(v is None for v in wanted.values()):
        return "none", "computes nothing"
    n_refused = 0
    for what, numbers in wanted.items():
        if numbers is None:
            continue
        got = given(folder, what, numbers.shape[-1])
        if isinstance(got, subprocess.CompletedProcess):
            if got.returncode not in (2, 3):
                return "differs", f"{what}: status {got.returncode}: {got.stderr[:200]}"
            n_refused, why = n_refused + 1, got.stderr.strip().replace(str(folder), "")[:200]
            continue
        other = difference(got, numbers)
        if other:
            return "differs", f"{what or 'text'}: {other}"
    return ("refused", why) if n_refused else ("equal", None)


# ---- the walk ----

def objects(folder):
    """(path of a file, keys that lead to an object in it)."""
    for path in sorted(folder.rglob("*.json")):
        name = path.relative_to(folder)
        if path.name in ("tokenizer.json", "special_tokens_map.json", "generation_config.json"):
            continue
        content = json.loads(path.read_text())
        if path.name == "modules.json":
            continue
        yield name, ()
        for key, value in content.items():
            if isinstance(value, dict) and key in ("parameters", "processing_kwargs", "modality_config", "query_expansion"):
                yield name, (key,)


def changed(content, where, key, value, remove=False):
    content = json.loads(json.dumps(content))
    inner = content
    for step in where:
        inner = inner[step]
    if remove:
        inner.pop(key)
    else:
        inner[key] = value
    return content


MODEL_CONFIG = {"sbert_ce_default_activation_function", "sentence_transformers"}  # walk_configs.py has the others


def changes(folder, foreign):
    for name, where in objects(folder):
        content = json.loads((folder / name).read_text())
        inner = content
        for step in where:
            inner = inner[step]
        own = foreign.get(name.name, {}) if not where else {}
        keys = MODEL_CONFIG if str(name).endswith("config.json") and "model_type" in content and "hidden_size" in content else {**inner, **own}
        for key in sorted(keys):
            # Of another kind of model there is nothing to compare with.
            if key in ("__version__", "transformers_version", "added_tokens_decoder") or (key == "model_type" and not where):
                continue
            for value in values(key, inner.get(key, values)):
                yield name, f"{'.'.join((*where, key))}: {json.dumps(inner.get(key))[:60]} -> {json.dumps(value)}", changed(
                    content, where, key, value)
            if key in inner:
                yield name, f"{'.'.join((*where, key))} left out", changed(content, where, key, None, True)


def places():
    """Keys that a file of this name could have."""
    settings = ("similarity_fn_name", "prompts", "default_prompt_name", "truncate_dim", "max_active_dims", "activation_fn", "model_type",
                "query_length", "document_length", "do_query_expansion", "attend_to_expansion_tokens", "skiplist_words", "query_prefix",
                "document_prefix")
    bert = ("max_seq_length", "do_lower_case", "transformer_task", "module_output_name", "unpad_inputs", "processing_kwargs", "model_args",
            "model_kwargs", "config_args", "config_kwargs", "tokenizer_args", "processor_kwargs", "modality_config", "query_expansion",
            "query_length", "document_length")
    token = ("model_max_length", "do_lower_case", "truncation_side", "padding_side", "tokenizer_class", "strip_accents", "tokenize_chinese_chars",
             "do_basic_tokenize", "never_split", "clean_up_tokenization_spaces", "split_special_tokens", "add_prefix_space", "add_bos_token",
             "add_eos_token", "stride", "cls_token", "sep_token", "unk_token", "pad_token", "mask_token", "model_input_names",
             "pad_token_type_id", "extra_special_tokens", "additional_special_tokens", "truncation", "truncation_strategy", "max_length")
    module = ("pooling_mode", "pooling_mode_cls_token", "pooling_mode_mean_tokens", "include_prompt", "module_input_name", "module_output_name",
              "activation_function", "use_residual", "truncate_dim", "bias")
    names = {"config_sentence_transformers.json": settings, "sentence_bert_config.json": bert, "tokenizer_config.json": token,
             "config.json": module, "router_config.json": ()}
    return {name: dict.fromkeys(keys) for name, keys in names.items()}


def walk(kind, shown):
    tally = Tally(shown)
    foreign = places()
    with tempfile.TemporaryDirectory() as name:
        where = pathlib.Path(name)
        torch.manual_seed(5)
        folder = where / "model"
        MODELS[kind](Maker(where)).save_pretrained(str(folder), create_model_card=False)
        if kind == "vectors-pylate":
            as_pylate(folder)
        if not tally.is_equal(f"{kind}: the model", *compare(kind, folder)):
            return 1
        for file, what, content in changes(folder, foreign):
            path = folder / file
            kept = path.read_bytes()
            path.write_text(json.dumps(content))
            verdict, why = compare(kind, folder)
            path.write_bytes(kept)
            tally.add(f"{kind}: {file}: {what}", verdict, why)
    return tally.tell(kind, "that Sentence Transformers computes not")


def main():
    kinds, shown = options("Sentence Transformers fails at", MODELS)
    torch.set_num_threads(1)
    return 1 if sum(walk(kind, shown) for kind in kinds or MODELS) else 0


if __name__ == "__main__":
    sys.exit(main())
