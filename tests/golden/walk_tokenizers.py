"""Walks through the tokenizers that a folder can have: vocabularies of each kind with the pipelines that are published, under
each class of transformers, for model types with and without a class of their own, and each flag of tokenizer_config.json.
transformers and hone turn the same texts and pairs into ids, and hone has to give the same ids or to refuse the folder. What it
gives otherwise is printed, and the exit status is 1.

usage: walk_tokenizers.py [--refused] [--none] [--flags] [--record] [TYPE...]      needs torch and transformers; HONE names the program
"""
import argparse
import io
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import warnings

warnings.filterwarnings("ignore")
os.environ["TRANSFORMERS_VERBOSITY"] = "critical"
os.environ["HF_HUB_OFFLINE"] = "1"
import sentencepiece  # noqa: E402
import torch  # noqa: E402
import transformers as tf  # noqa: E402
from sentencepiece import sentencepiece_model_pb2  # noqa: E402
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers  # noqa: E402

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import walk_configs  # noqa: E402
from walk import Tally  # noqa: E402

tf.utils.logging.disable_progress_bar()
HONE, ROOT = walk_configs.HONE, walk_configs.ROOT
N_ROWS, SIZE = 500, 480  # of the model and, before bytes, of the vocabularies
TEXTS = ["Hello, World! the model", " two  spaces\tand a tab", "Caf\u00e9 NA\u00cfVE re\u0301sume\u0301 \uff26\uff35\uff2c\uff2c \ufb01ne", "don't 12345 it's we'll I'LL",
         "photos: the library (v2.0)...\u4e2d\u6587\u5b57 x", "end ", "", " ", "a</s>b <s> [SEP]c<|endoftext|>d [MASK] <mask>", "\U0001f600 \u0130stanbul \u1e9e",
         "``quoted'' --- the end", "line\nbreak\n\nand\r\nmore", "   lead", "x\u00a0y\u2003z"]
PAIRS = [("the model", "of photos"), ("a", ""), ("", "b c")]


# ---- vocabularies ----

def corpus():
    text = (ROOT / "README.md").read_text() + (ROOT / "docs" / "formats.md").read_text()[:40000]
    return [*text.split("\n"), "Caf\u00e9 na\u00efve r\u00e9sum\u00e9", "12345 67890"] * 2


LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
SPECIAL = ["<pad>", "<unk>", "<s>", "</s>", "<mask>", "<|endoftext|>", "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


LANGUAGES = ["en_XX", "ro_RO", "eng_Latn", "fra_Latn", "<mask_1>", "<mask_2>", "<unk_2>"]  # and what Pegasus has


def trained(tokenizer, kind, more=(), **how):
    trainer = {"BPE": trainers.BpeTrainer, "WordPiece": trainers.WordPieceTrainer, "Unigram": trainers.UnigramTrainer}[kind]
    size = SIZE
    tokenizer.train_from_iterator(corpus(), trainer(vocab_size=size, special_tokens=[*SPECIAL, *more], show_progress=False, **how))
    return tokenizer


def around(tokenizer, first, last):
    ids = {t: tokenizer.token_to_id(t) for t in (first, last) if t}
    single = " ".join(filter(None, [first, "$A", last]))
    tokenizer.post_processor = processors.TemplateProcessing(
        single=single, pair=f"{single} " + " ".join(filter(None, [first and first + ":1", "$B:1", last and last + ":1"])), special_tokens=list(ids.items()))
    return tokenizer


def bytes_of(pre, normalizer=None, last=None, first=None):
    t = Tokenizer(models.BPE())
    t.pre_tokenizer, t.decoder = pre, decoders.ByteLevel()
    if normalizer:
        t.normalizer = normalizer
    trained(t, "BPE", initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    return around(t, first, last) if first or last else t


def split(pattern):
    return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def pieces_bpe(normalizer, pre, more=()):
    t = Tokenizer(models.BPE(fuse_unk=True, byte_fallback=True, unk_token="<unk>"))
    t.normalizer = normalizer
    t.pre_tokenizer = pre_tokenizers.Metaspace()
    trained(t, "BPE", more, initial_alphabet=[])
    content = json.loads(t.to_str())
    vocab = content["model"]["vocab"]
    for i in range(256):
        vocab.setdefault(f"<0x{i:02X}>", len(vocab))
    t = Tokenizer.from_str(json.dumps(content))
    t.decoder = decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    content = json.loads(t.to_str())
    content["pre_tokenizer"] = json.loads(pre.__getstate__()) if pre else None
    return around(Tokenizer.from_str(json.dumps(content)), "<s>", None)


def charsmap():
    """The map of characters that SentencePiece makes of NFKC, as files have it."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(corpus()), model_writer=model, vocab_size=300, minloglevel=3, hard_vocab_limit=False)
    return normalizers.Precompiled(sentencepiece_model_pb2.ModelProto.FromString(model.getvalue()).normalizer_spec.precompiled_charsmap)


def unigram(normalizer, pre, first=None, last="</s>", more=()):
    t = Tokenizer(models.Unigram())
    t.normalizer, t.pre_tokenizer, t.decoder = normalizer, pre, decoders.Metaspace()
    return around(trained(t, "Unigram", more, unk_token="<unk>"), first, last)


def wordpiece(**how):
    t = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    t.normalizer, t.pre_tokenizer = normalizers.BertNormalizer(**how), pre_tokenizers.BertPreTokenizer()
    t.decoder = decoders.WordPiece()
    return around(trained(t, "WordPiece"), "[CLS]", "[SEP]")


KINDS = {
    "bytes": lambda: bytes_of(pre_tokenizers.ByteLevel(add_prefix_space=False)),
    "bytes-prefix": lambda: bytes_of(pre_tokenizers.ByteLevel(add_prefix_space=True), first="<s>", last="</s>"),
    "bytes-nfc-end": lambda: bytes_of(pre_tokenizers.ByteLevel(add_prefix_space=False), normalizers.NFC(), last="<|endoftext|>"),
    "bytes-llama3": lambda: bytes_of(split(LLAMA3), first="<s>"),
    "bytes-qwen2": lambda: bytes_of(split(QWEN2), normalizers.NFC()),
    "bytes-digits": lambda: bytes_of(pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]),
                                     normalizers.NFC(), first="<s>"),
    "pieces-llama": lambda: pieces_bpe(normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")]), None),
    "pieces-first": lambda: pieces_bpe(None, pre_tokenizers.Metaspace("\u2581", prepend_scheme="first", split=False)),
    "pieces-gemma": lambda: pieces_bpe(normalizers.Replace(" ", "\u2581"), pre_tokenizers.Split(" ", "merged_with_previous")),
    "unigram": lambda: unigram(normalizers.NFKC(), pre_tokenizers.Metaspace(), "<s>"),
    "unigram-words": lambda: unigram(normalizers.Sequence([normalizers.NFKC()]), pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])),
    "unigram-languages": lambda: unigram(normalizers.Replace(Regex(" {2,}"), " "), pre_tokenizers.Metaspace(), more=LANGUAGES),
    "pieces-languages": lambda: pieces_bpe(normalizers.NFC(), pre_tokenizers.Metaspace(), LANGUAGES),
    "unigram-map": lambda: unigram(normalizers.Sequence([charsmap(), normalizers.Replace(Regex(" {2,}"), " ")]), pre_tokenizers.Metaspace(), more=LANGUAGES),
    "pieces-map": lambda: pieces_bpe(normalizers.Sequence([charsmap()]), pre_tokenizers.Metaspace(), LANGUAGES),
    "wordpiece": lambda: wordpiece(lowercase=True),
    "wordpiece-cased": lambda: wordpiece(lowercase=False, strip_accents=False),
}

# ---- the record, of which a test needs neither torch nor transformers ----

RECORDED = {
    "bytes": {"GPT2Tokenizer": ["add_prefix_space"], "GPTNeoXTokenizer": ["add_prefix_space", "add_bos_token"], "Qwen2Tokenizer": ["add_prefix_space"],
              "Qwen3_5Tokenizer": [], "CohereTokenizer": ["add_prefix_space"], "RobertaTokenizer": ["add_prefix_space"], "BartTokenizer": [], "DebertaTokenizer": ["add_prefix_space"], "Other": ["add_prefix_space"]},
    "bytes-digits": {"CohereTokenizerFast": [], "GPT2TokenizerFast": [], "LlamaTokenizerFast": [], "GPTNeoXTokenizerFast": ["add_bos_token"]},
    "pieces-llama": {"LlamaTokenizer": ["legacy", "add_prefix_space"], "GemmaTokenizer": [], "PreTrainedTokenizerFast": ["legacy", "add_prefix_space"]},
    "unigram": {"XLMRobertaTokenizer": ["add_prefix_space"], "CamembertTokenizer": ["add_prefix_space"], "AlbertTokenizer": ["do_lower_case", "keep_accents"],
                "T5Tokenizer": [], "DebertaV2Tokenizer": ["split_by_punct", "do_lower_case", "add_prefix_space"], "PegasusTokenizer": []},
    "unigram-languages": {"MBartTokenizer": [], "MBart50Tokenizer": ["legacy_behaviour"], "RemBertTokenizer": ["do_lower_case", "keep_accents", "add_prefix_space"],
                          "BigBirdTokenizer": ["add_prefix_space"], "DebertaV2Tokenizer": []},
    "pieces-languages": {"NllbTokenizer": ["legacy_behaviour"]},
    "wordpiece-cased": {"BertTokenizer": ["do_lower_case", "strip_accents"], "MPNetTokenizer": ["do_lower_case"], "ElectraTokenizerFast": []},
}
# Beside flags: what is unknown, and what is masked.
RECORDED_TOKENS = [{"unk_token": "[UNK]"}, {"mask_token": "the"}]
RECORDED_TEXTS = ["Hello, World! the models", " two  spaces ", "caf\u00e9 don't 12345", "the</s>the <s> model", "``quoted'' (v2.0)...", "x\u4e2d the <mask>b"]

# Tokens beyond the usual ones, which a class may have of its own: tokenizer_config.json, and special_tokens_map.json beside it.
NEW = ["<new1>", "the"]
LISTED = [
    ({}, {}), ({}, {"additional_special_tokens": NEW}), ({}, {"extra_special_tokens": NEW}), ({"additional_special_tokens": NEW}, {}),
    ({"additional_special_tokens": None}, {}), ({"extra_special_tokens": []}, {"additional_special_tokens": NEW}),
    ({"additional_special_tokens": NEW}, {"additional_special_tokens": ["<new2>"]}),
    ({"additional_special_tokens": ["<new2>"]}, {"extra_special_tokens": NEW}), ({"extra_special_tokens": ["<new2>"]}, {"additional_special_tokens": NEW}),
    ({"extra_special_tokens": {"x_token": "<new1>"}}, {"additional_special_tokens": ["<new2>"]}), ({}, {"extra_special_tokens": {"x_token": "<new1>"}}),
]
LISTED_FEW = [0, 1, 4, 6]  # of classes that are like others
LISTED_OF = {
    "PegasusTokenizer": [({}, {"additional_special_tokens": ["<mask_1>", "<new1>"]}), ({"mask_token_sent": None}, {}), ({"mask_token_sent": "<new1>"}, {}),
                         ({"offset": 4}, {})],
    "T5Tokenizer": [({"extra_ids": 0}, {}), ({"extra_ids": 2}, {"additional_special_tokens": NEW}),
                    ({"extra_ids": 2}, {"additional_special_tokens": ["<extra_id_1>", "<extra_id_0>"]})],
}
LISTED_CLASSES = {"unigram": ["PegasusTokenizer", "T5Tokenizer", "CamembertTokenizer", "XLMRobertaTokenizer"],
                  "unigram-languages": ["MBartTokenizer", "MBart50Tokenizer"], "pieces-languages": ["NllbTokenizer"], "bytes": ["GPT2Tokenizer"]}
LISTED_TEXTS = ["a <new1> b", "of<new2>the x", "a <mask_1> b <unk_2> c <unk_4>", "a <extra_id_0> b <extra_id_1>", "<s>NOTUSED a </s>NOTUSED <unk>NOTUSED",
                "a de_DE b", "ace_Latn"]
LISTED_ROWS = 300  # of the model beside them


def record_listed(folder, kinds):
    """null: a text with a token that the model has no row for, at which transformers fails."""
    for kind, classes in LISTED_CLASSES.items():
        (folder / "tokenizer.json").write_text(json.dumps(kinds[kind]))
        for cls in classes:
            all_of = LISTED if cls in ("PegasusTokenizer", "XLMRobertaTokenizer") else [LISTED[i] for i in LISTED_FEW]
            for config, beside in all_of + LISTED_OF.get(cls, []):
                config = {**ENDS[kind.split("-")[0]], "tokenizer_class": cls, **config}
                (folder / "tokenizer_config.json").write_text(json.dumps(config))
                (folder / "special_tokens_map.json").write_text(json.dumps(beside))
                tokenizer = tf.AutoTokenizer.from_pretrained(folder)
                ids = [tokenizer(t)["input_ids"] for t in LISTED_TEXTS]
                yield {"kind": kind, "config": config, "map": beside, "ids": [i if max(i) < LISTED_ROWS else None for i in ids]}


def record(path):
    """Vocabularies of 290 tokens, and what transformers makes of the texts under each class and flag. Those that are there stay,
    since they are trained on texts that change."""
    global SIZE
    SIZE, out = 290, {"texts": RECORDED_TEXTS, "pairs": PAIRS[:1], "kinds": {}, "cases": []}
    known = json.loads(path.read_text())["kinds"] if path.exists() else {}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "config.json").write_text('{"model_type": "llama"}')
        for kind, classes in RECORDED.items():
            content = known.get(kind) or json.loads(KINDS[kind]().to_str())
            vocab = content["model"]["vocab"]
            if isinstance(vocab, dict):  # without the pieces of bytes
                content["model"]["vocab"] = {k: v for k, v in vocab.items() if v < SIZE}
            out["kinds"][kind] = content
            (folder / "tokenizer.json").write_text(json.dumps(content))
            for cls, flags in classes.items():
                more = RECORDED_TOKENS if kind.endswith("-languages") else []
                for config in ({}, *more, *({flag: value} for flag in flags for value in (True, False))):
                    config = {**ENDS[kind.split("-")[0]], "tokenizer_class": cls, **config}
                    (folder / "tokenizer_config.json").write_text(json.dumps(config))
                    tokenizer = tf.AutoTokenizer.from_pretrained(folder)
                    ids = [tokenizer(t)["input_ids"] for t in RECORDED_TEXTS] + [tokenizer([a], [b])["input_ids"][0] for a, b in PAIRS[:1]]
                    out["cases"].append({"kind": kind, "config": config, "ids": ids})
        out["listed"] = list(record_listed(folder, out["kinds"]))
    rows = ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in out["kinds"].items())
    cases, listed = (",\n".join(map(json.dumps, out[key])) for key in ("cases", "listed"))
    path.write_text(f'{{"texts": {json.dumps(out["texts"])}, "pairs": {json.dumps(out["pairs"])},\n"kinds": {{{rows}}},\n"cases": [{cases}],\n'
                    f'"listed_texts": {json.dumps(LISTED_TEXTS)},\n"listed": [{listed}]}}\n')


# ---- classes and flags ----

CLASSES = [None, "TokenizersBackend", "PreTrainedTokenizerFast", "PreTrainedTokenizer", "OtherTokenizer", "LlamaTokenizerFast", *sorted({
    c for c in tf.models.auto.tokenization_auto.TOKENIZER_MAPPING_NAMES.values()
    if c and getattr(getattr(tf, c, None), "backend", "") != 1 and hasattr(getattr(tf, c, object), "convert_to_native_format")})]
ENDS = {"pieces": dict(bos_token="<s>", eos_token="</s>", unk_token="<unk>"), "unigram": dict(bos_token="<s>", eos_token="</s>", unk_token="<unk>", pad_token="<pad>"),
        "bytes": dict(bos_token="<s>", eos_token="</s>"), "wordpiece": dict(unk_token="[UNK]", sep_token="[SEP]", cls_token="[CLS]", pad_token="[PAD]", mask_token="[MASK]")}
FLAGS = {
    "add_prefix_space": [True, False], "add_bos_token": [True, False], "add_eos_token": [True, False], "legacy": [True, False],
    "do_lower_case": [True, False], "strip_accents": [True, False], "tokenize_chinese_chars": [False], "keep_accents": [True, False], "trim_offsets": [False],
    "bos_token": ["<mask>", None], "eos_token": ["<mask>", None], "cls_token": ["<mask>", "<s>"], "sep_token": ["<mask>", "</s>"], "unk_token": ["<mask>", "<unk>"],
    "pad_token": ["<mask>", "the"], "mask_token": ["<mask>", "the"], "split_special_tokens": [True], "clean_up_tokenization_spaces": [True],
    "additional_special_tokens": [["mod"], ["<new>"]], "extra_special_tokens": [["mod"], {"x_token": "mod"}], "image_token": ["mod"],
    "added_tokens_decoder": [{"2": {"content": "<s>", "lstrip": True, "rstrip": True, "normalized": False, "single_word": False, "special": True}},
                             {"90": {"content": "<zz>", "lstrip": False, "rstrip": False, "normalized": True, "single_word": False, "special": False}},
                             {"490": {"content": "<yy>", "lstrip": False, "rstrip": False, "normalized": True, "single_word": False, "special": False}}],
    "use_fast": [False], "fix_mistral_regex": [True], "sp_model_kwargs": [{}, {"alpha": 0.1}], "extra_ids": [0, 10], "model_input_names": [["input_ids", "attention_mask"]],
    "do_basic_tokenize": [False], "never_split": [["the"]], "remove_space": [False], "split_by_punct": [True], "errors": ["strict"], "from_slow": [True],
    "backend": ["sentencepiece"], "auto_map": [{"AutoTokenizer": ["x.Y", None]}], "use_default_system_prompt": [True], "wordpieces_prefix": ["__"],
    "cls_token_type_id": [2], "add_dummy_prefix": [True], "do_split_on_punc": [False], "vocab": [None], "unk_id": [5], "offset": [3, 0], "language_codes": ["x"],
    "src_lang": ["en", "en_XX", "ro_RO", "fra_Latn"], "tgt_lang": ["ro_RO", "fra_Latn"], "legacy_behaviour": [True, False], "mask_token_sent": ["<mask_1>", None, "the"], "tokenizer_file": ["x.json"], "padding_side": ["left"], "truncation_side": ["left"], "return_token_type_ids": [True], "encode_special_tokens": [True],
    "prefix_token": ["<s>"], "special_tokens_pattern": ["none", "bos", "eos", "bos_eos", "cls_sep", "prefix_suffix"], "token_type_ids_pattern": ["bert_style"],
}


def model_folder(where, model_type):
    # The walk over configurations knows the sizes; here it is about ids alone.
    config = walk_configs.base_config(model_type)
    config["vocab_size"] = N_ROWS + 256
    if config.get("vocab_size_per_layer_input"):
        config["vocab_size_per_layer_input"] = N_ROWS + 256
    for kind in ("causal", "seq2seq", "embed"):
        task = walk_configs.Task(kind, model_type)
        if task.cls is None or (kind == "causal" and model_type in ENCODERS):
            continue
        folder = where / model_type
        folder.mkdir()
        config["architectures"] = [task.cls.__name__]
        (folder / "config.json").write_text(json.dumps(config))
        torch.manual_seed(1)
        task.auto.from_config(tf.AutoConfig.from_pretrained(folder)).float().save_pretrained(folder)
        return folder
    raise ValueError(model_type)


def hone(*arguments, stdin):
    return subprocess.run([HONE, *map(str, arguments)], input=stdin, text=True, capture_output=True, timeout=60)


def reference(folder):
    tokenizer = tf.AutoTokenizer.from_pretrained(folder)
    return ([tokenizer(t)["input_ids"] for t in TEXTS], [tokenizer([a], [b])["input_ids"][0] for a, b in PAIRS])


def compare(folder):
    """('equal' | 'refused' | 'differs' | 'none', why)"""
    try:
        wanted = reference(folder)
    except BaseException as e:  # any: it refuses in many ways, its Rust part by a panic
        return "none", f"{type(e).__name__}: {e}"[:160]
    for inputs, rows, how in ((TEXTS, wanted[0], ()), (PAIRS, wanted[1], ("--pair",))):
        run = hone("tokenize", "-m", folder, "--jsonl", *how, stdin="".join(json.dumps(x) + "\n" for x in inputs))
        if run.returncode:
            words = run.stderr.strip().replace(str(folder), "")[:200]
            return ("refused" if run.returncode == 3 else "differs"), f"{run.returncode}: {words}"
        for x, got, right in zip(inputs, map(json.loads, run.stdout.splitlines()), rows, strict=True):
            if got != right and max(right, default=0) < N_ROWS + 256:  # else the model fails at it
                return "differs", f"{x!r}: {got} not {right}"[:300]
    return "equal", None


def cases(kind, flags, classes):
    base = ENDS[kind.split("-")[0]]
    for cls in classes:
        named = {**base, "tokenizer_class": cls} if cls else base
        yield f"{cls}", named
        if not flags:
            continue
        for key, values in FLAGS.items():
            for value in values:
                yield f"{cls} {key}={json.dumps(value)}", {**named, key: value}
            if key in base:
                yield f"{cls} {key} left out", {k: v for k, v in named.items() if k != key}


def walk(model_type, kinds, flags, classes, shown):
    tally = Tally(shown)
    with tempfile.TemporaryDirectory() as name:
        folder = model_folder(pathlib.Path(name), model_type)
        for kind in kinds:
            (folder / "tokenizer.json").write_text(kinds[kind].to_str())
            for what, config in cases(kind, flags, classes):
                (folder / "tokenizer_config.json").write_text(json.dumps(config))
                tally.add(f"{model_type} {kind} {what}", *compare(folder))
    return tally.tell(model_type, "that transformers fails at")


ENCODERS = {"bert", "roberta", "xlm-roberta", "camembert", "electra", "modernbert"}  # which transformers makes causal, too
TYPES = ["bert", "llama", "qwen2", "qwen3", "qwen3_5_text", "gemma3_text", "cohere2", "gpt2", "gpt_neox", "mistral", "phi3", "xlm-roberta", "roberta", "t5", "deberta-v2",
         "modernbert", "mpnet", "albert", "camembert", "gemma4_text", "granite", "starcoder2", "mamba2", "umt5", "bart"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--refused", action="store_true", help="tell what is refused, too")
    parser.add_argument("--none", action="store_true", help="tell what transformers fails at, too")
    parser.add_argument("--flags", action="store_true", help="each flag, too")
    parser.add_argument("--kinds", nargs="*", default=list(KINDS))
    parser.add_argument("--classes", nargs="*", default=CLASSES)
    parser.add_argument("--record", action="store_true", help="write tests/fixtures/tokenizer-classes.json, and walk not")
    parser.add_argument("types", nargs="*")
    given = parser.parse_args()
    torch.set_num_threads(1)
    if given.record:
        return record(ROOT / "tests" / "fixtures" / "tokenizer-classes.json")
    kinds = {kind: KINDS[kind]() for kind in given.kinds}
    shown = {"differs"} | ({"refused"} if given.refused else set()) | ({"none"} if given.none else set())
    return 1 if sum(walk(t, kinds, given.flags, given.classes, shown) for t in given.types or TYPES) else 0


if __name__ == "__main__":
    sys.exit(main())
