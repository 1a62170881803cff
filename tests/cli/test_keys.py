"""Keys of a folder's files: each is honoured, known to be without effect, or refused by its name."""
import json
import os
import pathlib
import re
import shutil
import struct

from support import EMBED, FIXTURES, ROOT, Case, main

TEXT = "a package for editing photos\n"


class Keys(Case):
    def copy(self, source=EMBED):
        folder = self.path("model")
        shutil.copytree(source, folder, dirs_exist_ok=True)
        return folder

    def change(self, folder, name, /, **keys):
        path = os.path.join(folder, name)
        content = {}
        if os.path.exists(path):
            with open(path) as f:
                content = json.load(f)
        content.update(keys)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            json.dump(content, f)

    def vector(self, folder, *arguments):
        return self.hone("embed", "-m", folder, *arguments, stdin=TEXT).json_lines[0]["embedding"]

    def test_an_unknown_key_is_refused_by_its_name(self):
        for name in ("config.json", "tokenizer_config.json", "config_sentence_transformers.json",
                     "sentence_bert_config.json"):
            folder = self.copy()
            self.change(folder, name, frobnicate=3)
            run = self.hone("embed", "-m", folder, stdin=TEXT, status=3)
            self.assertIn(f"{name}: the key 'frobnicate' (3) is not known", run.words)
            run = self.hone("embed", "-m", folder, "--force", stdin=TEXT)
            self.assertIn(f"passed over: {folder}/{name}: the key 'frobnicate' (3) is not known", run.words)
            self.assertEqual(run.json_lines[0]["embedding"], self.vector(EMBED))
            self.assertIn("FAILED  keys", self.hone("verify", "-m", folder, status=3).text)
            shutil.rmtree(folder)

    def test_null_says_nothing(self):
        folder = self.copy()
        self.change(folder, "config.json", frobnicate=None)
        self.assertEqual(self.vector(folder), self.vector(EMBED))

    def test_a_known_key_with_an_unknown_value(self):
        for keys in ({"is_decoder": True}, {"position_embedding_type": "relative_key"}, {"pruned_heads": {"0": [1]}}):
            folder = self.copy()
            self.change(folder, "config.json", **keys)
            run = self.hone("embed", "-m", folder, stdin=TEXT, status=3)
            self.assertIn(f"'{list(keys)[0]}'", run.words)
            shutil.rmtree(folder)

    def test_no_rotation_where_a_family_has_no_usual_one(self):
        """gpt-oss without rope_parameters: transformers would take YaRN's numbers of its own."""
        for fixture, model_type in (("gpt-oss", "gpt_oss"), ("mistral", "ministral3")):
            folder = self.copy(os.path.join(FIXTURES, fixture))
            with open(os.path.join(folder, "config.json")) as f:
                config = {**json.load(f), "model_type": model_type}
            config["architectures"] = [{"mistral": "Ministral3ForCausalLM"}.get(fixture, "GptOssForCausalLM")]
            without = {k: v for k, v in config.items() if k not in ("rope_parameters", "rope_theta", "rope_scaling")}
            for changed in (without, {**config, "rope_parameters": None}):
                with open(os.path.join(folder, "config.json"), "w") as f:
                    json.dump(changed, f)
                run = self.hone("verify", "-m", folder, status=3)
                self.assertIn("'rope_parameters'", run.words)
            shutil.rmtree(folder)

    def test_numbers_of_latent_attention_that_do_not_fit(self):
        folder = self.copy(os.path.join(FIXTURES, "deepseek-v3"))
        with open(os.path.join(folder, "config.json")) as f:
            config = json.load(f)
        for changed in ({"qk_rope_head_dim": 3, "qk_head_dim": 9}, {"qk_head_dim": 11}, {"num_key_value_heads": 2}, {"v_head_dim": 0},
                        {"kv_lora_rank": 4000}, {"kv_lora_rank": 13}, {"q_lora_rank": None}, {"rope_interleave": False},
                        {"n_routed_experts": 7}, {"num_experts_per_tok": 9}, {"topk_group": 5}, {"scoring_func": "softmax"},
                        {"partial_rotary_factor": 0.5}, {"is_causal": False},
                        {"rope_parameters": {**config["rope_parameters"], "rope_type": "linear"}}):
            with self.subTest(changed), open(os.path.join(folder, "config.json"), "w") as f:
                json.dump({**config, **changed}, f)
                f.flush()
                self.assertRegex(self.hone("verify", "-m", folder, status=3).words, r"'|experts|heads|numbers")

    def test_numbers_of_several_rows_a_token_that_do_not_fit(self):
        folder = self.copy(os.path.join(FIXTURES, "gemma3n"))
        with open(os.path.join(folder, "config.json")) as f:
            config = json.load(f)
        for key, value in (("altup_num_inputs", 1), ("altup_num_inputs", 5), ("altup_active_idx", 4), ("altup_correct_scale", False),
                           ("intermediate_size", [24] * 5), ("intermediate_size", 24), ("num_kv_shared_layers", 6),
                           ("activation_sparsity_pattern", [0.5]), ("activation_sparsity_pattern", [1.0] * 6),
                           ("hidden_size_per_layer_input", 0)):
            with self.subTest(key=key, value=value), open(os.path.join(folder, "config.json"), "w") as f:
                json.dump({**config, key: value}, f)
                f.flush()
                self.assertRegex(self.hone("verify", "-m", folder, status=3).words,
                                 rf"'{key}'|altup|blk\.|keys and values")

    def test_another_familys_names(self):
        """A key that says how another family is computed is refused where the family does not read it, and where it says
        something else than the family's own."""
        for fixture, keys in (("bert-cross", {"classifier_activation": "relu"}), ("bert-cross", {"classifier_pooling": "mean"}),
                              ("bert-cross", {"hidden_activation": "relu"}), ("distilbert-classify", {"layer_norm_eps": 0.1}),
                              ("nomic", {"rope_scaling": {"rope_type": "default", "rope_theta": 5000.0}}),
                              ("modernbert-classify", {"layer_norm_eps": 0.1}),
                              ("mistral", {"sliding_window_pattern": 2}), ("mamba2", {"hidden_act": "gelu"}), ("mamba", {"hidden_act": "gelu"}),
                              ("jamba", {"hidden_act": "gelu"}), ("mamba", {"rms_norm": False}), ("lfm2-moe", {"hidden_act": "gelu"}),
                              ("granite-hybrid", {"hidden_act": "relu"}), ("falcon-h1", {"hidden_act": "gelu"}), ("lfm2", {"activation": "relu"}),
                              ("modernbert-classify", {"classifier_pooling": "late"})):
            folder = self.copy(os.path.join(FIXTURES, fixture))
            self.change(folder, "config.json", **keys)
            run = self.hone("verify", "-m", folder, status=3)
            self.assertIn(f"'{list(keys)[0]}'", run.words)
            shutil.rmtree(folder)

    def test_defaults_are_the_familys(self):
        """What config.json leaves out is as transformers' configuration has it."""
        rows = []
        for pooling in ("cls", None):
            folder = self.copy(os.path.join(FIXTURES, "modernbert-classify"))
            self.change(folder, "config.json", classifier_pooling=pooling)
            rows.append(self.hone("classify", "-m", folder, "--raw", "--format", "jsonl", stdin=TEXT).text)
            shutil.rmtree(folder)
        self.assertEqual(*rows)

    def test_values_that_change_what_is_read(self):
        """Each is known by its name, and computed otherwise by Sentence Transformers than it would be here."""
        for file, keys, word in (
                ("tokenizer_config.json", {"tokenizer_class": "RobertaTokenizer"}, "'tokenizer_class' RobertaTokenizer"),
                ("tokenizer_config.json", {"tokenizer_class": "XLMRobertaTokenizerFast"}, "'tokenizer_class' XLMRoberta"),
                ("tokenizer_config.json", {"model_max_length": 0}, "'model_max_length'"),
                ("tokenizer_config.json", {"extra_ids": 2 ** 32 + 100}, "'extra_ids'"),
                ("tokenizer_config.json", {"extra_ids": 65537}, "'extra_ids'"),
                ("tokenizer_config.json", {"extra_ids": -(2 ** 32) + 100}, "'extra_ids'"),
                ("tokenizer_config.json", {"extra_ids": "100"}, "'extra_ids'"),
                ("tokenizer_config.json", {"model_input_names": ["input_ids"]}, "'model_input_names'"),
                ("sentence_bert_config.json", {"max_seq_length": 0}, "'max_seq_length'"),
                ("sentence_bert_config.json", {"processing_kwargs": {"text": {"max_length": -1}}}, "max_length'"),
                ("sentence_bert_config.json", {"transformer_task": "sequence-classification"}, "'transformer_task'"),
                ("sentence_bert_config.json", {"transformer_task": "text-generation"}, "'transformer_task'")):
            folder = self.copy()
            self.change(folder, file, **keys)
            self.assertIn(word, self.hone("embed", "-m", folder, stdin=TEXT, status=3).words)
            shutil.rmtree(folder)

    def logits(self, fixture, without=(), **keys):
        """The file of logits that a folder gives whose config.json has these keys instead, and not those."""
        folder, out = self.copy(os.path.join(FIXTURES, fixture)), self.path("logits.npy")
        path = pathlib.Path(folder, "config.json")
        config = json.loads(path.read_text())
        path.write_text(json.dumps({k: v for k, v in {**config, **keys}.items() if k not in without}))
        self.hone("logits", "-m", folder, "--ids", "5 9 30 77 12 8 4 250 7 7 61", "-o", out, "--compute", "f32")
        shutil.rmtree(folder)
        return pathlib.Path(out).read_bytes()

    def test_rotary_scaling_by_its_older_name(self):
        """It goes before what stands around it, as transformers 5 reads folders of transformers 4."""
        new = self.logits("qwen3-moe", rope_parameters={"rope_type": "linear", "factor": 3.0, "rope_theta": 700.0})
        self.assertNotEqual(new, self.logits("qwen3-moe"))
        for old, theta in (({"type": "linear", "factor": 3.0}, 700.0), ({"rope_type": "linear", "factor": 3.0, "rope_theta": 700}, 9.0)):
            self.assertEqual(new, self.logits("qwen3-moe", ["rope_parameters"], rope_scaling=old, rope_theta=theta))
        empty = self.logits("qwen3-moe", rope_parameters={"rope_type": "default", "rope_theta": 700.0})
        self.assertEqual(empty, self.logits("qwen3-moe", ["rope_parameters"], rope_scaling={"rope_theta": 700.0}))

    def refused_config(self, fixture, **keys):
        folder = self.copy(os.path.join(FIXTURES, fixture))
        self.change(folder, "config.json", **keys)
        words = self.hone("logits", "-m", folder, "--ids", "5", "-o", self.path("x.npy"), status=3).words
        shutil.rmtree(folder)
        return words

    def test_rotary_positions_by_layer_where_a_family_has_none(self):
        by_layer = {kind: {"rope_type": "default", "rope_theta": 700.0} for kind in ("full_attention", "sliding_attention")}
        self.assertIn("rope_parameters: the key 'full_attention'", self.refused_config("qwen3-moe", rope_parameters=by_layer))

    def test_part_of_a_head_that_is_rotated(self):
        """Most families rotate whole heads, and transformers does not look at the key in their configurations; others have names
        of their own for it."""
        for keys in (dict(partial_rotary_factor=0.5), dict(rope_parameters={"rope_type": "default", "rope_theta": 500.0, "partial_rotary_factor": 0.5})):
            self.assertIn("'partial_rotary_factor'", self.refused_config("qwen3-moe", **keys))
        self.assertIn("the key 'rotary_pct'", self.refused_config("qwen3-moe", rotary_pct=0.5))
        self.assertIn("'partial_rotary_factor'", self.refused_config("gptneox", partial_rotary_factor=0.5))
        self.assertEqual(self.logits("minimax-m2"), self.logits("minimax-m2", ["rope_parameters"], rope_theta=500.0, rotary_dim=4))
        self.assertIn("'partial_rotary_factor'", self.refused_config("minimax-m2", rope_parameters=None, rope_theta=500.0, rotary_dim=99))

    def test_base_of_rotation_that_is_null(self):
        """Models of OLMo Hybrid rotate nothing then, by whichever name; where there is none, it is transformers' own."""
        plain, base = self.logits("olmo-hybrid-plain"), {"rope_type": "default", "rope_theta": 1e4}
        rotated = self.logits("olmo-hybrid-plain", rope_parameters=base)
        self.assertNotEqual(plain, rotated)
        self.assertEqual(plain, self.logits("olmo-hybrid-plain", ["rope_parameters"], rope_theta=None))
        self.assertEqual(plain, self.logits("olmo-hybrid-plain", rope_parameters={"rope_type": "default"}, rope_theta=None))
        self.assertEqual(rotated, self.logits("olmo-hybrid-plain", rope_parameters=None))
        self.assertEqual(rotated, self.logits("olmo-hybrid-plain", rope_parameters=base, rope_theta=None))

    def test_older_names_where_layers_differ(self):
        """Scaling is of the layers that see all tokens there, and both kinds have one base."""
        full = {"beta_fast": 8.0, "beta_slow": 0.5, "factor": 4.0, "original_max_position_embeddings": 16, "rope_type": "yarn"}
        base = {"rope_type": "default", "rope_theta": 5e5}
        new = self.logits("olmo3", rope_parameters={"full_attention": {**full, "rope_theta": 5e5}, "sliding_attention": base})
        self.assertEqual(new, self.logits("olmo3", ["rope_parameters"], rope_scaling=full, rope_theta=5e5))
        for keys in (dict(rope_theta=300.0), dict(rope_scaling={**full, "rope_theta": 300.0})):
            self.assertIn("'rope_theta' of the rotary scaling should be the same", self.refused_config("olmo3", rope_parameters=None, **keys))
        self.assertIn("'type' of the rotary scaling", self.refused_config("olmo3", rope_parameters=None, rope_scaling={"type": "linear", "factor": 2.0}))
        self.assertIn("rope_type' is \"linear\"", self.refused_config("ettin", rope_parameters=None, rope_scaling={"rope_type": "linear", "factor": 2.0}))

    def test_layers_with_a_window(self):
        """Each family has its own rule for which they are, where layer_types does not say it; the rules are transformers'."""
        kinds = {"s": "sliding_attention", "f": "full_attention"}

        def with_window(fixture, without=("layer_types",), **keys):
            return self.logits(fixture, without, sliding_window=4, use_sliding_window=True, **keys)
        for fixture, keys, types in (
                ("qwen2-moe", dict(max_window_layers=9), "sfs"), ("qwen2-moe", dict(max_window_layers=2), "sff"),
                ("smollm3", {}, "fsf"), ("smollm3", dict(no_rope_layers=[0, 1, 0]), "sfs")):
            config = json.loads(pathlib.Path(FIXTURES, fixture, "config.json").read_text())
            types = [kinds[t] for t in types[:config["num_hidden_layers"]]]
            got = with_window(fixture, **keys)
            self.assertEqual(got, with_window(fixture, (), layer_types=types, **keys), fixture)
            self.assertNotEqual(got, self.logits(fixture, **keys))
        window = with_window("qwen3-moe")
        self.assertNotEqual(window, self.logits("qwen3-moe"))
        for first in (0, 1, 28):
            self.assertEqual(window, with_window("qwen3-moe", max_window_layers=first))
        for fixture, keys in (("qwen3-moe", dict(use_sliding_window=True)), ("mixtral", {})):
            words = self.refused_config(fixture, sliding_window=4, layer_types=["full_attention"] * 2, **keys)
            self.assertIn("'layer_types' should be sliding_attention everywhere", words)

        words = self.refused_config("smollm3", sliding_window=4, layer_types=["sliding_attention"] * 3)
        self.assertIn("'layer_types' has sliding_attention, but there is no window", words)

    def test_config_args(self):
        """Sentence Transformers hands them to the configuration."""
        folder = self.copy()
        self.change(folder, "sentence_bert_config.json", config_args={"hidden_act": "relu", "trust_remote_code": True})
        other = self.path("other")
        shutil.copytree(EMBED, other)
        self.change(other, "config.json", hidden_act="relu")
        self.assertEqual(self.vector(folder), self.vector(other))
        self.assertNotEqual(self.vector(folder), self.vector(EMBED))

    def test_tables_that_are_too_small(self):
        """A mapping of integers whose data is shorter than its shape says, and one that leaves the table."""
        source = os.path.join(FIXTURES, "sentence", "table-model2vec-mapped", "model")
        with open(os.path.join(source, "model.safetensors"), "rb") as f:
            data = f.read()
        size = struct.unpack("<Q", data[:8])[0]
        header = json.loads(data[8:8 + size])
        start = 8 + size + header["mapping"]["data_offsets"][0]
        for change in ("short", "outside"):
            folder, changed, body = self.copy(source), json.loads(json.dumps(header)), bytearray(data)
            if change == "short":
                changed["mapping"]["shape"] = [10 ** 9]
            else:
                body[start:start + 8] = struct.pack("<q", 10 ** 6)
            text = json.dumps(changed).encode()
            text += b" " * (-len(text) % 8)
            with open(os.path.join(folder, "model.safetensors"), "wb") as f:
                f.write(struct.pack("<Q", len(text)) + text + body[8 + size:])
            words = self.hone("embed", "-m", folder, stdin=TEXT, status=3).words
            self.assertRegex(words, "'mapping' has a type, shape or size|token 0 has row 1000000")
            shutil.rmtree(folder)

    def test_labels_of_one_name(self):
        folder = self.copy(os.path.join(FIXTURES, "bert-classify"))
        self.change(folder, "config.json", id2label={"0": "same", "1": "other", "2": "same"})
        run = self.hone("classify", "-m", folder, "--raw", "--format", "jsonl", stdin=TEXT)
        self.assertEqual(list(run.json_lines[0]["labels"]), ["same (0)", "other", "same (2)"])

    def test_foreign_classes(self):
        for keys in ({"architectures": ["BertBiModel"]}, {"auto_map": {"AutoModel": "own--code.SmartModel"}}):
            folder = self.copy()
            self.change(folder, "config.json", **keys)
            run = self.hone("embed", "-m", folder, stdin=TEXT, status=3)
            self.assertIn(f"'{list(keys)[0]}' names the class", run.words)
            shutil.rmtree(folder)

    def test_quantised_weights_that_are_not_there_are_refused_by_their_scheme(self):
        for scheme in ("gptq", "awq", "compressed-tensors", "bitsandbytes", "fp8"):
            folder = self.copy()
            self.change(folder, "config.json", quantization_config={"quant_method": scheme, "bits": 4})
            run = self.hone("embed", "-m", folder, stdin=TEXT, status=3)
            self.assertIn(f"'{scheme}'", run.words)
            shutil.rmtree(folder)

    def test_adapters_of_other_kinds_are_refused(self):
        folder = self.copy()
        self.change(folder, "adapter_config.json", peft_type="IA3", base_model_name_or_path="some/encoder")
        self.assertIn("peft_type", self.hone("embed", "-m", folder, stdin=TEXT, status=3).words)

    def test_modules_that_are_not_ours(self):
        for module, word in (("custom_st.Transformer", "custom_st.Transformer"),
                             ("sentence_transformers.models.CNN", "CNN")):
            folder = self.copy()
            with open(os.path.join(folder, "modules.json"), "w") as f:
                json.dump([{"idx": 0, "name": "0", "path": "", "type": module}], f)
            self.assertIn(word, self.hone("embed", "-m", folder, stdin=TEXT, status=3).words)
            shutil.rmtree(folder)

    def test_default_configurations_are_known(self):
        """Every key that transformers writes into a family's config.json has its place in the tables. The folders have
        no weights: with the keys known, it is these that are missed."""
        with open(os.path.join(FIXTURES, "configs.json")) as f:
            configs = json.load(f)
        folder = self.path("empty")
        os.mkdir(folder)
        with open(os.path.join(folder, "model.safetensors"), "wb") as f:
            f.write(struct.pack("<Q", 8) + b"{}      ")
        for name, config in configs.items():
            with self.subTest(name):
                with open(os.path.join(folder, "config.json"), "w") as f:
                    json.dump(config, f)
                words = self.hone("embed", "-m", folder, stdin=TEXT, status=3).words
                self.assertIn("safetensors hold no tensor", words)
                os.remove(os.path.join(folder, "config.json"))

    def test_published_configurations(self):
        """What models on the hub say beside their sizes opens, with a fixture's sizes and weights."""
        with open(os.path.join(FIXTURES, "published.json")) as f:
            models = json.load(f)
        for name, model in models.items():
            with self.subTest(name):
                folder = self.copy(os.path.join(FIXTURES, model["fixture"]))
                for file, keys in model["files"].items():
                    self.change(folder, file, **keys)
                self.hone("verify", "-m", folder)
                shutil.rmtree(folder)

    def test_prompts_that_are_padded_and_left_out(self):
        """Sentence Transformers takes all tokens for the prompt's then, and pools nothing."""
        for part, key, value in (("text", "padding", "max_length"), ("common", "padding", "max_length"), ("text", "pad_to_multiple_of", 8)):
            folder = self.copy(os.path.join(FIXTURES, "sentence", "similarity-euclidean", "model"))
            self.change(folder, "sentence_bert_config.json", processing_kwargs={part: {"padding": True}})
            self.hone("verify", "-m", folder)
            self.change(folder, "sentence_bert_config.json", processing_kwargs={part: {key: value}})
            self.assertIn(f"'processing_kwargs.{part}.{key}'", self.hone("verify", "-m", folder, status=3).words)
            shutil.rmtree(folder)

    def test_values_of_published_keys_that_are_others(self):
        """The same keys, where they ask for what is not computed."""
        for fixture, keys in (
                ("dots1", {"scoring_func": "softmax"}), ("glm4-moe", {"topk_method": "greedy"}), ("glm4-moe", {"moe_layer_freq": 2}),
                ("minimax-m2", {"attn_type_list": [1, 0]}), ("minimax-m2", {"attn_type_list": 1}), ("minimax-m2", {"layernorm_mlp_beta": 0.5}),
                ("hunyuan-moe", {"num_shared_expert": [1, 2]}), ("hunyuan-moe", {"moe_topk": [2, 1]}), ("hunyuan-moe", {"use_mla": True}),
                ("hunyuan-moe", {"routed_scaling_factor": 2.5}), ("exaone-moe", {"is_moe_layer": [False, True, False]}),
                ("lfm2", {"block_norm_eps": 0.5}), ("lfm2", {"num_heads": 77}), ("stablelm", {"rope_pct": 0.75}),
                ("nemotron", {"kv_channels": 77}), ("nemotron-h", {"norm_eps": 0.5}), ("cohere2", {"layer_switch": 3}),
                ("cohere2", {"use_parallel_block": False}), ("llama3", {"rope_interleaved": True}), ("llama3", {"activation": "gelu"}),
                ("opt", {"prefix": "query: "}), ("bart", {"prefix": "query: "}), ("starcoder2", {"activation_function": "relu"}),
                ("modernbert", {"is_causal": True}), ("modernbert", {"position_embedding_type": "rope"}),
                ("big-bird-classify", {"attention_type": "block_sparse"}), ("big-bird-classify", {"attention_type": None}),
                ("big-bird-classify", {"rescale_embeddings": True}), ("roformer-classify", {"rotary_value": True}),
                ("llama-two-sided", {"temperature": 0.02}), ("llama-two-sided", {"pooling": "cls"}),
                ("qwen3-moe", {"shared_expert_intermediate_size": 8}), ("gptneox", {"head_dim": 12}), ("afmoe", {"route_norm": False}),
                ("afmoe", {"mup_enabled": 1}), ("llama4", {"moe_layers": [4]}), ("llama4", {"interleave_moe_layer_step": 0}),
                ("llama4", {"use_qk_norm": 1}), ("cohere2-moe", {"rms_norm_eps": 1e-5}), ("cohere2-moe", {"expert_selection_fn": "tanh"}),
                ("cohere2-moe", {"mlp_layer_types": ["sparse", "dense", "sparse", "sparse", "sparse"]}),
                ("cohere2-moe", {"shared_expert_combination_strategy": "max"}), ("granite-swa", {"layer_rope_theta": [9.0, 50.0, 7.0, 50.0, 9.0]}),
                ("granite-moe-swa", {"layer_rope_theta": [500.0]}), ("hyperclovax", {"use_post_norm": False}),
                ("lfm3", {"use_attention_gate": False}), ("lfm3", {"use_sandwich_norm": False}), ("bailing-moe", {"norm_head": True}),
                ("bailing-moe", {"score_function": "sigmoid"}), ("solar-open", {"first_k_dense_replace": 1}),
                ("cwm", {"rope_parameters": None})):
            with self.subTest(fixture, **keys):
                folder = self.copy(os.path.join(FIXTURES, fixture))
                self.change(folder, "config.json", **keys)
                self.assertIn(f"'{list(keys)[0]}'", self.hone("verify", "-m", folder, status=3).words)
                shutil.rmtree(folder)

    def test_keys_that_say_a_number_twice(self):
        """They are passed over where both are the same, whatever name a configuration has for the other."""
        for fixture, key, other in (("lfm2", "block_dim", "hidden_size"), ("lfm2", "num_heads", "num_attention_heads"),
                                    ("nemotron", "kv_channels", "head_dim"), ("persimmon", "num_key_value_heads", "num_attention_heads"),
                                    ("nemotron-h", "num_query_groups", "num_key_value_heads")):
            with open(os.path.join(FIXTURES, fixture, "config.json")) as f:
                value = json.load(f)[other]
            folder = self.copy(os.path.join(FIXTURES, fixture))
            self.change(folder, "config.json", **{key: value})
            self.hone("verify", "-m", folder)
            shutil.rmtree(folder)

    def test_every_family_has_its_configuration_here(self):
        """A family that transformers has is among those of make_configs.py."""
        own = {"new", "neobert", "minicpm", "llama_bidirec", "bailing_moe", "bailing_moe_v2", "static", "static-words"}  # of the hub alone, and those that have no configuration
        types = set()
        for path in pathlib.Path(ROOT, "runtime", "load", "families").rglob("*.c"):
            with open(path) as f:
                types |= set(re.findall(r'(?:\.type = |LLAVA_FORM\()"([a-z0-9_-]+)"', f.read()))
        with open(os.path.join(FIXTURES, "configs.json")) as f:
            self.assertEqual(types - own, set(json.load(f)))


if __name__ == "__main__":
    main()
