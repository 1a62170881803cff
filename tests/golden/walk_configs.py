"""Walks through the configurations of every model_type that hone reads: transformers' defaults at a small size, and each
key changed once to other values that it could have, left out, or, where it is another family's, added. For each a model
with random weights is made and computed by transformers and by hone, which has to give the same numbers or to refuse
the folder. What it gives otherwise is printed, and the exit status is 1.

usage: walk_configs.py [--refused] [TYPE...]      needs torch and transformers; HONE names the program
"""
import copy
import itertools
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import warnings

warnings.filterwarnings("ignore")
os.environ["TRANSFORMERS_VERBOSITY"] = "error"
import torch  # noqa: E402
import transformers as tf  # noqa: E402

from walk import Tally, options  # noqa: E402

tf.utils.logging.disable_progress_bar()

ROOT = pathlib.Path(__file__).resolve().parents[2]
HONE = os.path.join(ROOT, os.environ.get("HONE", "build/hone"))
TOKENIZER = ROOT / "tests" / "fixtures" / "bert-embed"
N_VOCAB = 220
TEXTS = ["A small runtime for transformer models on ordinary processors, and again: a small runtime for other models.", "x"]
IDS = [[(7 * i * i + 3 * i + 11) % 200 + 6 for i in range(40)], [9, 31, 77]]

SMALL = dict(vocab_size=N_VOCAB, hidden_size=24, num_hidden_layers=4, num_attention_heads=4, num_key_value_heads=2,
             intermediate_size=40, max_position_embeddings=64, head_dim=6, n_embd=24, n_layer=4, n_head=4,
             n_positions=64, n_inner=40, dim=24, n_layers=4, n_heads=4, hidden_dim=40, embedding_size=20,
             num_experts=4, num_local_experts=4, num_experts_per_tok=2, moe_intermediate_size=12,
             shared_expert_intermediate_size=20, local_attention=8, sliding_window=8, window=8, layer_types=None,
             no_rope_layers=None, pad_token_id=0, bos_token_id=2, eos_token_id=3, cls_token_id=2, sep_token_id=3,
             n_routed_experts=4, moe_num_experts=4, moe_k=2, moe_topk=2, n_shared_experts=1, num_dense_layers=1,
             decoder_start_token_id=0, max_relative_positions=-1, query_pre_attn_scalar=6, kv_channels=6,
             d_model=24, d_ff=40, d_kv=6, num_layers=2, num_decoder_layers=2, num_heads=4, encoder_layers=2, decoder_layers=2,
             encoder_attention_heads=4, decoder_attention_heads=4, encoder_ffn_dim=40, decoder_ffn_dim=40,
             linear_num_key_heads=2, linear_num_value_heads=4, linear_key_head_dim=8, linear_value_head_dim=8)
OWN = {  # sizes that a family's own rules ask for
    "roberta": dict(pad_token_id=1), "xlm-roberta": dict(pad_token_id=1), "camembert": dict(pad_token_id=1),
    "mpnet": dict(pad_token_id=1), "albert": dict(num_hidden_groups=2), "olmoe": dict(num_key_value_heads=4),
    "deberta-v2": dict(relative_attention=True, pos_att_type=["c2p", "p2c"], position_buckets=4),
    "big_bird": dict(attention_type="original_full"), "glm4": dict(head_dim=8), **dict.fromkeys(("phi", "gpt_neox", "stablelm", "persimmon"), dict(hidden_size=32)),
    "phi3": dict(original_max_position_embeddings=64),
    **dict.fromkeys(("gptj", "codegen"), dict(rotary_dim=4)), "xglm": dict(attention_heads=4),
    "opt": dict(ffn_dim=40, word_embed_proj_dim=24), "gpt_neo": dict(attention_types=[[["global", "local"], 1]], window_size=4),
    "gemma3_text": dict(_sliding_window_pattern=3),
    "gemma3n_text": dict(vocab_size_per_layer_input=N_VOCAB, hidden_size_per_layer_input=8, num_kv_shared_layers=2, laurel_rank=6,
                         layer_types=["sliding_attention", "full_attention"] * 2,
                         activation_sparsity_pattern=[0.8, 0.5, 0.0, 0.0]),
    "gemma4_text": dict(vocab_size_per_layer_input=N_VOCAB, hidden_size_per_layer_input=8, global_head_dim=8), "jina_embeddings_v3": dict(pad_token_id=1),
    **dict.fromkeys(("glm4_moe", "qwen3_next", "qwen3_5_text", "qwen3_5_moe_text"), dict(head_dim=8)),
    "dots1": dict(n_routed_experts=4, n_shared_experts=1, num_experts_per_tok=2),
    "granitemoehybrid": dict(mamba_n_heads=8, mamba_d_head=6, mamba_d_state=8, shared_intermediate_size=20,
                             layer_types=["mamba", "attention", "mamba", "mamba"]),
    "nemotron_h": dict(layers_block_type=["linear_attention", "moe", "full_attention", "mlp"], mamba_num_heads=8, mamba_head_dim=6,
                       n_groups=2, ssm_state_size=8, moe_shared_expert_intermediate_size=8),
    "mamba": dict(state_size=9, time_step_rank=5), "falcon_mamba": dict(state_size=9, time_step_rank=5, tie_word_embeddings=False),
    "jamba": dict(mamba_d_state=9, mamba_dt_rank=5, attn_layer_period=3, attn_layer_offset=1),
    "olmo_hybrid": dict(linear_value_head_dim=10),
    "zamba2": dict(num_hidden_layers=4, layers_block_type=["linear_attention", "hybrid", "linear_attention", "hybrid"], n_mamba_heads=4,
                   mamba_d_state=8, num_mem_blocks=2, adapter_rank=3, num_key_value_heads=4, use_shared_attention_adapter=True),
    "bamba": dict(hidden_size=32, mamba_n_heads=8, mamba_d_head=8, mamba_d_state=8, attn_layer_indices=[1]),
    "falcon_h1": dict(mamba_n_heads=8, mamba_d_head=6, mamba_d_ssm=48, mamba_d_state=8),
    "lfm2_moe": dict(layer_types=["conv", "full_attention", "conv", "full_attention"]),
    "mamba2": dict(num_heads=8, head_dim=6, state_size=8, n_groups=1), "marian": dict(pad_token_id=1),
    "m2m_100": dict(pad_token_id=1), "mbart": dict(pad_token_id=1), "bart": dict(pad_token_id=1), "plbart": dict(pad_token_id=1),
    **{t: dict(num_key_value_heads=4, kv_lora_rank=10, q_lora_rank=14, qk_nope_head_dim=6, qk_rope_head_dim=6, v_head_dim=8,
               **more) for t, more in (("deepseek_v2", dict(first_k_dense_replace=1, num_experts_per_tok=2)), ("glm4_moe_lite", {}), ("youtu", {}),
                                       ("deepseek_v3", dict(first_k_dense_replace=1, n_group=2, topk_group=1)),
                                       ("minicpm3", dict(scale_emb=3, scale_depth=1.2, dim_model_base=12)))},
    "llama4_text": dict(intermediate_size_mlp=40, num_experts_per_tok=1, attention_chunk_size=8, floor_scale=5),
    "lfm3": dict(layer_types=["conv", "full_attention", "sliding_attention", "conv"], head_dim=8), "glm": dict(head_dim=8),
    "cohere2_moe": dict(prefix_dense_intermediate_size=32, num_shared_experts=1), "solar_open": dict(intermediate_size=None),
    "sarvam_moe": dict(head_dim=8), "flex_olmo": dict(num_key_value_heads=4),
}
ATTENTION = {"falcon": "sdpa"}  # the other one adds ALiBi twice
MEMORY = 16 << 30  # bytes of address space: a configuration that is not small here fails instead of taking the machine's
# Their configurations nest; their text model's is among the others.
NESTED = {"gemma3", "gemma3n", "gemma4", "mistral3", "qwen3_5_moe", "qwen2_vl", "qwen2_5_vl", "qwen3_vl", "qwen3_vl_moe", "smolvlm", "idefics3",
          "llava", "llava_next", "llava_onevision", "internvl", "lfm2_vl", "llama4"}
SEQ2SEQ = {"t5", "mt5", "umt5", "bart", "mbart", "marian", "m2m_100", "pegasus", "plbart", "blenderbot"}

ACTIVATIONS = ["gelu", "gelu_new", "relu", "silu", "gelu_pytorch_tanh", "tanh", "quick_gelu", "sigmoid", "gelu_10", "relu2",
               "mish", "linear", "leaky_relu", "laplace"]
ROPES = [
    {"rope_type": "default", "rope_theta": 5000.0},
    {"rope_type": "linear", "factor": 3.0, "rope_theta": 10000.0},
    {"rope_type": "dynamic", "factor": 2.0, "rope_theta": 10000.0},
    {"rope_type": "yarn", "factor": 4.0, "rope_theta": 10000.0, "original_max_position_embeddings": 16},
    {"rope_type": "yarn", "factor": 4.0, "rope_theta": 10000.0, "original_max_position_embeddings": 16, "truncate": False},
    {"rope_type": "yarn", "factor": 4.0, "rope_theta": 10000.0, "original_max_position_embeddings": 16, "mscale": 0.7,
     "mscale_all_dim": 0.9, "beta_fast": 20, "beta_slow": 2},
    {"rope_type": "yarn", "factor": 4.0, "rope_theta": 10000.0, "attention_factor": 1.4},
    {"rope_type": "llama3", "factor": 4.0, "rope_theta": 10000.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
     "original_max_position_embeddings": 16},
    {"rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 0.5},
    {"rope_type": "linear", "factor": 2.0, "rope_theta": 10000.0, "partial_rotary_factor": 0.5},
    {"rope_type": "longrope", "rope_theta": 10000.0, "factor": 2.0, "original_max_position_embeddings": 16,
     "short_factor": [1.0, 1.5, 2.0], "long_factor": [1.0, 2.5, 4.0]},
    {"rope_type": "proportional", "rope_theta": 10000.0, "partial_rotary_factor": 0.5},
]
VALUES = {  # by name: what a key could be beside its default
    "hidden_act": ACTIVATIONS, "hidden_activation": ACTIVATIONS, "activation": ACTIVATIONS,
    "activation_function": ACTIVATIONS, "classifier_activation": ACTIVATIONS, "summary_activation": ["tanh"],
    "pooler_hidden_act": ACTIVATIONS,
    "position_embedding_type": ["absolute", "relative_key", "relative_key_query", "rope", "rotary"],
    "classifier_pooling": ["cls", "mean", "late", "max", "bos"],
    "problem_type": ["regression", "single_label_classification", "multi_label_classification"],
    "pos_att_type": [["c2p"], ["p2c"], [], ["c2p", "p2c", "p2p"], "c2p|p2c"],
    "rope_parameters": ROPES, "rope_scaling": ROPES + [{"type": "linear", "factor": 2.0}, {"type": "ntk", "factor": 2.0}],
    "layer_types": [["full_attention"] * 4, ["sliding_attention"] * 4,
                    ["sliding_attention", "full_attention", "full_attention", "sliding_attention"],
                    ["chunked_attention"] * 4],
    "mlp_layer_types": [["sparse"] * 4, ["dense"] * 4, ["dense", "sparse", "sparse", "dense"]],
    "mlp_only_layers": [[0], [1, 3]], "decoder_sparse_step": [2], "no_rope_layers": [[1, 1, 0, 1], [0, 0, 0, 0]],
    "id2label": [{"0": "a", "1": "b", "2": "c"}, {"0": "a"}, {"0": "same", "1": "same"}, {"1": "b", "0": "a"}],
    "label2id": [{"a": 0, "b": 1}], "num_labels": [1, 3, 5], "conv_act": ["tanh"], "norm_type": ["rms_norm", "layer_norm"],
    "use_bidirectional_attention": [True, False, "all", "vision"], "is_causal": [True, False],
    "sliding_window": [4, 12, 7, None], "sliding_window_pattern": [2, 3], "_sliding_window_pattern": [1, 2],
    "max_window_layers": [0, 1, 3, 4], "use_sliding_window": [True, False], "global_attn_every_n_layers": [1, 2],
    "local_attention": [4, 6, 7, 64, -1], "pruned_heads": [{"0": [1]}], "attn_implementation": ["eager", "sdpa"],
    "dtype": ["float32"], "torch_dtype": ["float32"], "architectures": [], "tokenizer_class": ["BertTokenizer"],
    "attn_logit_softcapping": [5.0, None], "final_logit_softcapping": [3.0, None], "qk_layernorm": [True, False],
    "layer_norm_type": ["layer_norm", "rms_norm"], "norm_embeddings": [True], "quantization_config": [],
    "feed_forward_type": ["reglu", "original", "geglu"], "emb_pooler": ["mean"], "clip_qkv": [0.5],
    "original_max_position_embeddings": [16, 32, 128], "partial_rotary_factor": [0.5, 1.0, 0.25], "rotary_pct": [0.5, 1.0],
    "rope_theta": [500.0], "global_rope_theta": [500.0], "local_rope_theta": [500.0], "rotary_emb_base": [500],
    "rotary_emb_fraction": [0.5], "head_dim": [4, 8, 12, None], "num_key_value_heads": [1, 2, 4, None],
    "multi_query": [True], "alibi": [True], "window_size": [4], "use_rms_norm": [True], "logits_to_keep": [1],
    "tie_word_embeddings": [True, False], "pad_token_id": [1, 5, None, 219], "max_position_embeddings": [32, 41, 128],
    "type_vocab_size": [0, 1, 2, 3], "position_buckets": [2, 8, -1, 32], "max_relative_positions": [8, 64],
    "layer_norm_eps": [0.1], "rms_norm_eps": [0.1], "layer_norm_epsilon": [0.1], "norm_eps": [0.1], "norm_epsilon": [0.1],
    "num_attention_heads": [2, 3, 6], "n_head": [2, 3], "temperature": [0.5], "use_parallel_residual": [False, True],
    "num_hidden_groups": [1, 4], "inner_group_num": [2], "embedding_size": [12, 24], "num_experts_per_tok": [1, 3],
    "lora_adaptations": [["retrieval.query"]], "output_hidden_states": [True], "chunk_size_feed_forward": [1, 5],
    "sep_token_id": [7], "cls_token_id": [7], "bos_token_id": [7], "eos_token_id": [7, [3, 5]],
    "add_cross_attention": [True], "is_decoder": [True], "transformers_version": ["4.30.0"], "prefix": ["query: "],
    "_name_or_path": ["some/model"], "reference_compile": [True], "is_encoder_decoder": [True],
    "cross_attention_hidden_size": [16], "pooler_dropout": [0.5], "vocab_size": [N_VOCAB + 20, N_VOCAB - 10],
    "relative_attention_num_buckets": [8, 64], "attention_multiplier": [0.3], "attention_bias": [True, False],
    "use_bias": [True, False], "mlp_bias": [True, False], "norm_bias": [True, False], "hidden_size": [32, 48],
    "num_hidden_layers": [3, 5], "scale_attn_by_inverse_layer_idx": [True], "reorder_and_upcast_attn": [True],
    "scale_attn_weights": [False], "attention_dropout": [0.3], "hidden_dropout": [0.3], "legacy": [False],
    "intermediate_size": [40, 24, [40, 24, 48, 40], [40, 24]], "activation_sparsity_pattern": [[0.9] * 4, [0.0] * 4, [0.5]],
    "altup_num_inputs": [2, 3, 1], "altup_active_idx": [1, 3, 4], "num_kv_shared_layers": [0, 1, 3],
    "topk_method": ["group_limited_greedy", "noaux_tc", None], "q_lora_rank": [None, 7], "n_group": [1, 4],
    "scale_depth": [None, 2.0, 0], "dim_model_base": [None, 24], "v_head_dim": [6, 12, None],
    "sparse_prediction": [True], "summary_type": ["mean"], "share_att_key": [True, False], "norm_rel_ebd": ["none", "layer_norm"],
    "position_biased_input": [True, False], "relative_attention": [True, False], "output_attentions": [True],
}


def others(key, value):
    """Values that a key could have instead."""
    if key in VALUES:
        return [v for v in VALUES[key] if v != value]
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return sorted({value + 1, value * 2, max(1, value // 2)} - {value})
    if isinstance(value, float):
        return [0.5 if value != 0.5 else 0.25, value * 3 + 0.125]
    if value is None:
        return [True, 2, 0.5]
    if isinstance(value, str):
        return ["other"]
    return []


def perturb(model):
    g = torch.Generator().manual_seed(20)
    with torch.no_grad():
        for p in model.parameters():
            if not p.requires_grad:  # a table of sines
                continue
            if p.ndim == 1:
                p.add_(torch.randn(p.shape, generator=g) * 0.1)
            else:
                p.copy_(torch.randn(p.shape, generator=g) * (1.2 / p.shape[-1] ** 0.5))
    return model.float().eval()


def by_tokens(model):
    """A delta rule token by token, as transformers writes on, instead of its chunks of 64: these solve a system in float32, whose
    errors the norm behind it makes larger where values are small, to 2.7e-4 of what float64 gives; the rule itself stays at 1e-4."""
    for module in {sys.modules[type(part).__module__] for part in model.modules()}:
        if hasattr(module, "torch_chunk_gated_delta_rule"):
            module.torch_chunk_gated_delta_rule = module.torch_recurrent_gated_delta_rule


def bytes_tokenizer():
    """A byte-level vocabulary without merges, of letters and what stands between them, for types that take no other."""
    characters = [chr(c) for c in range(33, 127)] + ["\u0120"]
    vocab = {c: i for i, c in enumerate(["<pad>", "<unk>", "<s>", "</s>", *characters])}
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    return json.dumps({"version": "1.0", "added_tokens": [], "normalizer": None, "pre_tokenizer": byte_level, "post_processor": None,
                       "decoder": byte_level, "model": {"type": "BPE", "vocab": vocab, "merges": [], "unk_token": None}})


OF_BYTES = {"qwen2", "qwen3_5_text", "qwen3_5_moe_text"}  # types whose class of tokenizer no folder can change


class Task:
    """One class of a family, and how hone and transformers compute it."""

    def __init__(self, kind, model_type):
        self.kind, self.of_bytes = kind, model_type in OF_BYTES
        self.texts = ["A small runtime for models.", "x"] if self.of_bytes else TEXTS
        self.auto = {"embed": tf.AutoModel, "classify": tf.AutoModelForSequenceClassification,
                     "tokens": tf.AutoModelForTokenClassification, "causal": tf.AutoModelForCausalLM,
                     "seq2seq": tf.AutoModelForSeq2SeqLM}[kind]
        self.cls = self.auto._model_mapping.get(tf.CONFIG_MAPPING[model_type], None)

    def write(self, folder):
        for name in ("tokenizer.json", "tokenizer_config.json"):
            (folder / name).write_bytes((TOKENIZER / name).read_bytes())
        if self.of_bytes:
            (folder / "tokenizer.json").write_text(bytes_tokenizer())
            (folder / "tokenizer_config.json").write_text("{}")
        if self.kind == "embed":
            kinds = ["Transformer", "Pooling"]
            (folder / "modules.json").write_text(json.dumps(
                [{"idx": i, "name": str(i), "path": "" if i == 0 else f"{i}_{k}", "type": f"sentence_transformers.models.{k}"}
                 for i, k in enumerate(kinds)]))
            (folder / "1_Pooling").mkdir()
            (folder / "1_Pooling" / "config.json").write_text('{"pooling_mode": "mean"}')

    def expected(self, model, tokenizer, folder):
        rows = []
        with torch.no_grad():
            if self.kind == "causal":
                return [model(torch.tensor([ids])).logits[0].flatten() for ids in self.ids]
            if self.kind == "seq2seq":
                return [model(torch.tensor([ids]), decoder_input_ids=torch.tensor([ids[::-1]])).logits[0].flatten() for ids in self.ids]
            for text in self.texts:
                x = tokenizer(text, return_tensors="pt", truncation=True, max_length=48 if self.of_bytes else min(48, self.limit))
                if getattr(model.config, "type_vocab_size", 1) < 1 or self.no_types:
                    x.pop("token_type_ids", None)
                out = model(**x)
                rows.append(out.last_hidden_state[0].mean(0) if self.kind == "embed" else out.logits[0].flatten())
        return rows

    def got(self, folder):
        """Rows, or the sentence of a refusal."""
        rows = []
        if self.kind in ("causal", "seq2seq"):
            for ids in self.ids:
                out = folder / "logits.npy"
                decoder = ("--decoder-ids", " ".join(map(str, ids[::-1]))) if self.kind == "seq2seq" else ()
                run = hone("logits", "-m", folder, "--ids", " ".join(map(str, ids)), *decoder, "-o", out)
                if run.returncode:
                    return run
                rows.append(torch.from_numpy(__import__("numpy").load(out)).flatten())
            return rows
        command = ("embed",) if self.kind == "embed" else ("classify", "--raw", "--format", "jsonl")
        if self.kind == "tokens":
            command = ("classify", "--raw", "--aggregate", "none", "--format", "jsonl")
        run = hone(*command, "-m", folder, stdin="\n".join(self.texts) + "\n")
        if run.returncode:
            return run
        for line in run.stdout.splitlines():
            one = json.loads(line)
            rows.append(torch.tensor(one["embedding"] if self.kind == "embed" else list(one["labels"].values())))
        return rows


def hone(*arguments, stdin=""):
    return subprocess.run([HONE, *map(str, arguments), "--compute", "f32", "--no-cache", "-t", "1"], input=stdin, text=True,
                          capture_output=True, timeout=60)


def base_config(model_type):
    cls = tf.CONFIG_MAPPING[model_type]
    default = cls().to_dict()
    small = {k: v for k, v in SMALL.items() if k in default and (v is None or default[k] is not None or k in ("head_dim",))}
    if default.get("layer_types") is None:
        small.pop("layer_types", None)
    if default.get("embedding_size") is None or default.get("embedding_size") == default.get("hidden_size"):
        small.pop("embedding_size", None)
    config = cls(**{**small, **OWN.get(model_type, {})}).to_dict()
    config["model_type"] = model_type
    return config


def equal(got, wanted):
    """The largest difference, in parts of the largest number; None: it is small enough."""
    if len(got) != len(wanted) or any(a.shape != b.shape for a, b in zip(got, wanted)):
        return "another number of numbers"
    worst = max(float((a - b).abs().max() / max(b.abs().max(), 1e-3)) for a, b in zip(got, wanted))
    return None if worst <= 1e-4 else f"{worst:.2g}"


def compare(task, config, absent=None):
    """('equal' | 'refused' | 'differs' | 'none', why) of a folder with this config.json; none: transformers makes no model
    of it."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        config = {k: v for k, v in config.items() if k != absent}
        config["architectures"] = [task.cls.__name__]
        task.ids = IDS if "longrope" in str(config) else IDS[:1]  # which differs in short texts
        text = json.dumps(config)
        (folder / "config.json").write_text(text)
        task.write(folder)
        # First without weights, which most of what is refused needs not.
        (folder / "model.safetensors").write_bytes(b"\2\0\0\0\0\0\0\0{}")
        early = task.got(folder)
        if early.returncode == 3 and not any(words in early.stderr for words in ("hold no tensor", "there should be a tensor")):
            return "refused", early.stderr.strip().replace(str(folder), "")[:200]
        try:
            parsed = tf.AutoConfig.from_pretrained(folder)
            torch.manual_seed(1)
            model = perturb(task.auto.from_config(parsed, attn_implementation=ATTENTION.get(config["model_type"], "eager")))
            by_tokens(model)
            task.limit = getattr(parsed, "max_position_embeddings", 64) - (2 if config.get("pad_token_id") else 0)
            task.no_types = "token_type_ids" not in task.cls.forward.__code__.co_varnames
            tokenizer = None if task.kind in ("causal", "seq2seq") else tf.AutoTokenizer.from_pretrained(
                folder if task.of_bytes else TOKENIZER)  # some types have a class of their own for any folder
            wanted = task.expected(model, tokenizer, folder)
            model.save_pretrained(folder)
        except Exception as e:  # any: transformers refuses in many ways
            return "none", f"{type(e).__name__}: {e}"[:160]
        (folder / "config.json").write_text(text)
        got = task.got(folder)
        if isinstance(got, subprocess.CompletedProcess):
            words = got.stderr.strip().replace(str(folder), "")
            # Also a text that is too long for the model, and one that is no longer causal.
            refused = got.returncode == 3 or "the context of" in words or "tokens for the encoder" in words or "does not generate text" in words
            return ("refused" if refused else "differs"), f"{got.returncode}: {words[:200]}"
        difference = equal(got, wanted)
        return ("differs" if difference else "equal"), difference


def changes(config, foreign):
    """(what is changed, the configuration, a key that is left out)."""
    for key, value in config.items():
        if key in ("model_type", "architectures", "transformers_version"):
            continue
        for other in others(key, value):
            yield f"{key}: {json.dumps(value)} -> {json.dumps(other)}", {**config, key: other}, None
        yield f"{key} left out", config, key
    for key, value in foreign.items():
        if key not in config:
            yield f"{key} (not its own): {json.dumps(value)}", {**config, key: value}, None


def without(config, *keys):
    return {k: v for k, v in config.items() if k not in keys}


def interactions(config):
    """What keys say together, and names that transformers still reads for others: as `changes`."""
    cls = tf.CONFIG_MAPPING[config["model_type"]]
    for alias, key in getattr(cls, "attribute_map", {}).items():
        for other in others(key, config.get(key))[:2] if key in config else []:
            yield f"{alias} for {key}: {json.dumps(other)}", {**without(config, key), alias: other}, None
            yield f"{alias} beside {key}: {json.dumps(other)}", {**config, alias: other}, None
    if isinstance(config.get("rope_parameters"), dict):
        bare = without(config, "rope_parameters", "rope_scaling")
        for rope in (*ROPES, {"type": "linear", "factor": 2.0}, {"type": "yarn", "factor": 4.0}, {"type": "default", "mrope_section": [1, 1, 1]},
                     {"rope_type": "linear", "type": "linear", "factor": 2.0}, {"factor": 2.0}):
            for more in ({}, {"rope_theta": 300.0}, {"partial_rotary_factor": 0.5}):
                yield f"rope_scaling of old: {json.dumps(rope)} {json.dumps(more)}", {**bare, "rope_scaling": rope, **more}, None
        for rope in ({}, {"rope_theta": 300.0}, {"rope_type": "default"}, {"rope_type": "linear", "factor": 2.0}):
            for more in ({"rope_theta": 77.0}, {"partial_rotary_factor": 0.5}, {"rope_scaling": {"rope_type": "linear", "factor": 3.0}},
                         {"rotary_pct": 0.5}, {"rotary_emb_base": 99}, {"default_theta": 99.0}):
                yield f"rope_parameters {json.dumps(rope)} beside {json.dumps(more)}", {**bare, "rope_parameters": rope, **more}, None
        for more in ({}, {"rope_theta": 300.0}, {"partial_rotary_factor": 0.5}, {"rope_theta": 300.0, "partial_rotary_factor": 0.5}, {"rotary_pct": 0.5}, {"rotary_emb_base": 99}):
            yield f"no rope_parameters, {json.dumps(more)}", {**bare, **more}, None
        for kinds in ({"full_attention": ROPES[0]}, {"full_attention": ROPES[0], "sliding_attention": ROPES[1]},
                      {"full_attention": ROPES[1], "sliding_attention": {"rope_type": "default", "rope_theta": 50.0}}):
            yield f"rope_parameters by layer: {json.dumps(kinds)}", {**config, "rope_parameters": kinds}, None
    n = config.get("num_hidden_layers", 0)
    for window in (4, None, 0) if "sliding_window" in config else ():
        for use in (True, False) if "use_sliding_window" in config else (None,):
            for types in (None, ["full_attention"] * n, ["sliding_attention", "full_attention"] * (n // 2), "left out"):
                for first in (0, 2) if "max_window_layers" in config else (None,):
                    changed = {"sliding_window": window, "use_sliding_window": use, "layer_types": types, "max_window_layers": first}
                    named = {k: v for k, v in changed.items() if v is not None or k in ("sliding_window", "layer_types")}
                    base = config if types != "left out" else without(config, "layer_types")
                    named = named if types != "left out" else without(named, "layer_types")
                    yield f"windows: {json.dumps(named)}", {**base, **named}, None
    for keys in (("norm_topk_prob", "num_experts_per_tok"), ("decoder_sparse_step", "mlp_only_layers"), ("tie_word_embeddings", "head_dim"),
                 ("attention_bias", "mlp_bias"), ("n_group", "topk_group"), ("moe_layer_start_index", "moe_layer_interval"),
                 ("first_k_dense_replace", "mlp_layer_types"), ("hidden_act", "hidden_activation"), ("num_labels", "id2label"),
                 ("num_key_value_heads", "head_dim"), ("first_k_dense_replace", "moe_layer_freq"), ("pad_token_id", "eos_token_id")):
        if any(key not in config and key not in VALUES for key in keys) or not any(key in config for key in keys):
            continue
        for a in others(keys[0], config.get(keys[0])):
            for b in others(keys[1], config.get(keys[1])):
                yield f"{keys[0]} {json.dumps(a)}, {keys[1]} {json.dumps(b)}", {**config, keys[0]: a, keys[1]: b}, None


def foreign_keys(bases):
    found = {}
    for config in bases.values():
        for key, value in config.items():
            values = [v for v in others(key, value) if v is not None]
            if values:
                found.setdefault(key, values[0])
    for key in ("is_causal", "use_bidirectional_attention", "sliding_window", "rope_scaling", "rope_theta", "is_decoder",
                "add_cross_attention", "pruned_heads", "num_labels", "chunk_size_feed_forward"):
        found.setdefault(key, VALUES.get(key, [True])[0])
    return found


def walk(model_type, config, foreign, shown):
    tally = Tally(shown)
    kinds = ["causal", "classify"] if model_type in tf.models.auto.modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES and \
        model_type not in ("bert", "roberta", "xlm-roberta", "camembert", "electra", "modernbert", "ernie", "xlm-roberta-xl") else ["embed", "classify"]
    for kind in ["seq2seq"] if model_type in SEQ2SEQ else kinds:
        task = Task(kind, model_type)
        if task.cls is None:
            continue
        if not tally.is_equal(f"{model_type} {kind}: the configuration", *compare(task, config)):
            continue
        together = interactions(copy.deepcopy(config)) if kind != "classify" else ()
        for what, changed, absent in itertools.chain(changes(copy.deepcopy(config), foreign), together):
            tally.add(f"{model_type} {kind}: {what}", *compare(task, changed, absent))
    return tally.tell(model_type, "of which transformers makes no model")


def main():
    names, shown = options("transformers makes no model of")
    torch.set_num_threads(1)
    known = json.loads((ROOT / "tests" / "fixtures" / "configs.json").read_text())
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    types = names or [t for t in known if t not in NESTED]
    bases = {}
    for t in known:
        try:
            if t not in NESTED:
                bases[t] = base_config(t)
        except Exception as e:  # its sizes depend on each other: they belong into OWN
            print(f"{t}: skipped, its configuration has no small form here: {e}"[:200], flush=True)
    types = [t for t in types if t in bases]
    foreign = foreign_keys(bases)
    return 1 if sum(walk(t, bases[t], foreign, shown) for t in types) else 0


if __name__ == "__main__":
    sys.exit(main())
