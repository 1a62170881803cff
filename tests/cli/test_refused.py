"""Models of families that are not computed are refused by their name, before anything else is looked at."""
import json
import os
import shutil
import struct

from support import FIXTURES, Case, main

# model_type, as transformers or the code beside the models has it.
FAMILIES = """
    bigbird_pegasus bitnet blenderbot-small canine chatglm clip convbert dbrx deberta deepseek_v32 esm
    flaubert fnet fsmt funnel gliner jetmoe kimi_linear led lilt longformer longt5 luke mega megatron-bert minimax
    mllama mobilebert mvp nllb-moe nystromformer paligemma pegasus_x phi3small phi4_multimodal prophetnet
    recurrent_gemma reformer roberta-prelayernorm rwkv siglip squeezebert switch_transformers t5gemma whisper xlm
    xlnet xmod
""".split()

# A folder of a family that is computed, and a class that computes its tensors in another way.
CLASSES = (("xlmr-flash", "XLMRobertaLoRA"), ("jina-v3", "XLMRobertaLoRA"), ("qwen3-rerank", "JinaVLForRanking"),
           ("causal", "LlamaBidirectionalModel"), ("causal", "LLaDAModelLM"), ("mistral", "BidirectionalMistralModel"),
           ("qwen2-window", "Qwen2VLForConditionalGeneration"), ("phi3", "Phi3SmallForCausalLM"), ("t5", "LongT5Model"),
           ("roberta-classify", "LongformerForSequenceClassification"), ("bert-embed", "MegatronBertModel"))


class Folders(Case):
    def folder(self, fixture, config):
        folder = self.path("model")
        shutil.rmtree(folder, ignore_errors=True)
        os.mkdir(folder)
        for name in os.listdir(os.path.join(FIXTURES, fixture)):
            if name != "config.json":
                os.symlink(os.path.join(FIXTURES, fixture, name), os.path.join(folder, name))
        self.file("model/config.json", json.dumps(config))
        return folder

    def config(self, fixture):
        with open(os.path.join(FIXTURES, fixture, "config.json")) as f:
            return json.load(f)


class Refused(Folders):
    def test_families(self):
        config = self.config("bert-embed")
        for family in FAMILIES:
            with self.subTest(family):
                folder = self.folder("bert-embed", {**config, "model_type": family, "text_config": {"model_type": "llama"}})
                run = self.hone("embed", "-m", folder, stdin="x\n", status=3)
                self.assertIn(f"config.json: the model_type '{family}' is not supported, expected one of", run.words)
        listed = run.words.split("expected one of ")[1].strip().split(", ")
        self.assertEqual(listed[-1], "...")
        self.assertEqual(len(listed), len(set(listed)))
        with open(os.path.join(FIXTURES, "configs.json")) as f:
            self.assertLessEqual(set(listed[:-1]), {"minicpm", "llama_bidirec"} | set(json.load(f)))

    def test_narrow_embeddings(self):
        """What stands between OPT-350m's layers and its head is known in models that generate alone; norms are where one key says."""
        folder = self.folder("opt-narrow", self.config("opt-narrow"))
        self.file("model/modules.json", json.dumps([{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
                                                    {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}]))
        os.mkdir(os.path.join(folder, "1_Pooling"))
        self.file("model/1_Pooling/config.json", json.dumps({"pooling_mode": "mean"}))
        run = self.hone("embed", "-m", folder, stdin="x\n", status=3)
        self.assertIn("not as wide as the layers", run.words)
        folder = self.folder("opt", {**self.config("opt"), "do_layer_norm_before": False})
        run = self.hone("logits", "-m", folder, "--ids", "1", "-o", self.path("x.npy"), status=3)
        self.assertIn("'final_layer_norm', which 'do_layer_norm_before' says", run.words)

    def test_classes(self):
        for i, (fixture, name) in enumerate(CLASSES):
            key, value = (("architectures", [name]), ("auto_map", {"AutoModel": "owner/repository--modeling." + name}))[i % 2]
            with self.subTest(fixture, name=name, key=key):
                run = self.hone("embed", "-m", self.folder(fixture, {**self.config(fixture), key: value}), stdin="x\n", status=3)
                self.assertIn(f"'{key}' names the class '{name}', which is not one of", run.words)


class Wrapped(Folders):
    """A text model in what also sees images: transformers reads it as its own type says."""

    def wrap(self, fixture, **keys):
        text = {**self.config(fixture), **keys}
        folder = self.folder(fixture, {"model_type": "mistral3", "architectures": ["Mistral3ForConditionalGeneration"],
                                       "text_config": {k: v for k, v in text.items() if v is not ...}})
        weights = os.path.join(folder, "model.safetensors")
        with open(weights, "rb") as f:
            size, = struct.unpack("<Q", f.read(8))
            header, data = json.loads(f.read(size)), f.read()
        os.unlink(weights)
        tensors = {k if k == "__metadata__" else "language_model." + k: v for k, v in header.items()}
        header = json.dumps(tensors).encode()
        with open(weights, "wb") as f:
            f.write(struct.pack("<Q", len(header)) + header + data)
        return folder

    def plain(self, fixture, **keys):
        config = {**self.config(fixture), **keys}
        return self.folder(fixture, {k: v for k, v in config.items() if v is not ...})

    def converted(self, folder):
        self.hone("convert", folder, "-o", self.path("model.gguf"))
        with open(self.path("model.gguf"), "rb") as f:
            return f.read()

    def test_each_has_its_own_numbers(self):
        """Mistral has a window where nothing is said of one, Ministral 3 has none, and norms of its own."""
        for fixture in ("mistral", "ministral3"):
            for keys in ({}, {"sliding_window": ...}, {"rms_norm_eps": ...}):
                with self.subTest(fixture, **keys):
                    self.assertEqual(self.converted(self.wrap(fixture, **keys)), self.converted(self.plain(fixture, **keys)))

    def test_another_type(self):
        for name in ("qwen3", "llama", "mistral4"):
            run = self.hone("embed", "-m", self.wrap("mistral", model_type=name), stdin="x\n", status=3)
            self.assertIn(f"'model_type' is \"{name}\", which is not supported; expected \"mistral\"", run.words)


if __name__ == "__main__":
    main()
