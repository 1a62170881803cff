"""Writes a golden file: what transformers computes in float32 for a few texts with a Hugging Face folder.

usage: golden.py HF_DIR OUT.json
"""
import json
import os
import sys

import torch
from transformers import AutoModel, AutoModelForSequenceClassification, AutoTokenizer

TEXTS = [
    "What does this library do?",
    "It runs transformer models on ordinary processors: it embeds texts, ranks documents and writes answers.",
    "na\u00efve caf\u00e9 \u2014 \u6771\u4eac, 123,456.78 $!",
    "x",
    " ".join(["Long texts are cut, and a text that is nearly as long as the model allows says whether positions are right."] * 12),
]
PAIRS = [[TEXTS[0], TEXTS[1]], [TEXTS[0], TEXTS[2]], ["x", "y"], [TEXTS[1], TEXTS[4]]]
MAX_LENGTH = 256


def read(folder, name):
    path = os.path.join(folder, name)
    if not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def pooling_mode(config):
    names = {"mean_tokens": "mean", "cls_token": "cls", "max_tokens": "max", "lasttoken": "last"}
    if "pooling_mode" in config:
        return {"lasttoken": "last"}.get(config["pooling_mode"], config["pooling_mode"])
    return next(names[k[13:]] for k, v in config.items() if k.startswith("pooling_mode_") and v is True)


def pool(hidden, mode):
    return {"mean": hidden.mean(0), "cls": hidden[0], "max": hidden.max(0).values, "last": hidden[-1]}[mode]


def dense(folder, path):
    from safetensors.torch import load_file
    config, tensors = read(folder, f"{path}/config.json"), load_file(os.path.join(folder, path, "model.safetensors"))
    class_name = config.get("activation_function", "torch.nn.modules.activation.Tanh").rsplit(".", 1)[1]
    activation = getattr(torch.nn, class_name)()
    return lambda x: activation(torch.nn.functional.linear(x, tensors["linear.weight"].float(),
                                                           tensors["linear.bias"].float() if config.get("bias", True) else None))


def segments(folder):
    """Whether the second text of a pair is another segment: as the model has them, unless its tokenizer leaves them out."""
    names = (read(folder, "tokenizer_config.json") or {}).get("model_input_names", ["token_type_ids"])
    return "token_type_ids" in names and (read(folder, "config.json").get("type_vocab_size") or 0) > 1


def embed(folder, tokenizer, limit):
    model = AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    mode, after = "mean", []
    for module in read(folder, "modules.json") or []:
        kind = module["type"].rsplit(".", 1)[1]
        if kind == "Pooling":
            mode = pooling_mode(read(folder, f"{module['path']}/config.json"))
        elif kind == "Dense":
            after.append(dense(folder, module["path"]))
    rows, ids = [], []
    for text in TEXTS:
        x = tokenizer(text, return_tensors="pt", truncation=True, max_length=limit)
        row = pool(model(**x).last_hidden_state[0], mode)
        for layer in after:
            row = layer(row)
        rows.append(torch.nn.functional.normalize(row, dim=0).tolist())
        ids.append(x.input_ids[0].tolist())
    return dict(kind="embed", texts=TEXTS, ids=ids, max_length=limit, pooling=mode, embedding=rows)


def classify(folder, tokenizer, limit):
    model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32).eval()
    rows, ids = [], []
    for pair in PAIRS:
        x = tokenizer(*pair, return_tensors="pt", truncation=True, max_length=limit,
                      return_token_type_ids=segments(folder))
        rows.append(model(**x).logits[0].tolist())
        ids.append(x.input_ids[0].tolist())
    return dict(kind="cross-encoder", pairs=PAIRS, ids=ids, max_length=limit, logits=rows)


def main(folder, out):
    config = read(folder, "config.json")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    limits = [MAX_LENGTH, tokenizer.model_max_length]
    limits.append((read(folder, "sentence_bert_config.json") or {}).get("max_seq_length") or MAX_LENGTH)
    positions = config.get("max_position_embeddings") or config.get("n_positions") or MAX_LENGTH
    limits.append(positions - (config.get("pad_token_id") or 0) - 1)
    classifies = (config.get("architectures") or [""])[0].endswith("ForSequenceClassification")
    with torch.no_grad():
        golden = (classify if classifies else embed)(folder, tokenizer, min(limits))
    with open(out, "w", encoding="utf-8") as f:
        json.dump(golden, f)
        f.write("\n")


main(*sys.argv[1:])
