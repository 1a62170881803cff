"""BERT of any size with random weights, for what depends on sizes and not on what a model has learnt."""
import json
import os
import random
import shutil
import struct

EMBED = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "fixtures", "bert-embed")


def edit(path, **values):
    with open(path) as f:
        config = json.load(f)
    config.update(values)
    with open(path, "w") as f:
        json.dump(config, f)


def random_model(folder, seed, width=768, layers=6, hidden=3072, heads=12, positions=64):
    """The fixture with layers as wide as a real model's: halves, each part of it from the same random ones."""
    shutil.copytree(EMBED, folder, ignore=shutil.ignore_patterns("*.safetensors", "golden.json"))
    edit(os.path.join(folder, "config.json"), hidden_size=width, intermediate_size=hidden, num_hidden_layers=layers,
         num_attention_heads=heads, max_position_embeddings=positions)
    edit(os.path.join(folder, "1_Pooling", "config.json"), word_embedding_dimension=width)
    for name in ("sentence_bert_config.json", "tokenizer_config.json"):
        if os.path.exists(os.path.join(folder, name)):
            edit(os.path.join(folder, name), **{"max_seq_length" if "bert" in name else "model_max_length": positions})
    with open(os.path.join(EMBED, "model.safetensors"), "rb") as f:
        known = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
    wide, shapes = {32: width, 64: hidden}, {}
    for name, tensor in known.items():
        shape = tensor.get("shape", []) if name != "__metadata__" else []
        if not shape or ".layer.1." in name:
            continue
        first = "position" in name  # of which there are 64
        shape = [positions if first and i == 0 else wide.get(n, n) for i, n in enumerate(shape)]
        for layer in range(layers if ".layer.0." in name else 1):
            shapes[name.replace(".layer.0.", f".layer.{layer}.")] = shape
    rng, at, header = random.Random(seed), 0, {}
    for name, shape in shapes.items():
        size = 2
        for n in shape:
            size *= n
        header[name] = {"dtype": "F16", "shape": shape, "data_offsets": [at, at + size]}
        at += size
    head = json.dumps(header).encode()
    block = struct.pack("<40000e", *(rng.gauss(0, 0.03) for _ in range(40000)))
    with open(os.path.join(folder, "model.safetensors"), "wb") as f:
        f.write(struct.pack("<Q", len(head)) + head)
        for left in range(at, 0, -len(block)):
            f.write(block[:left])
