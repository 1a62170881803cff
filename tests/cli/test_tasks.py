"""Models with adapters for tasks (tests/fixtures/jina-v3-tasks): vectors of each task, and what is refused."""
import json
import os
import shutil
import struct

from support import EMBED, FIXTURES, Case, golden, main

MODEL = os.path.join(FIXTURES, "jina-v3-tasks")
with open(os.path.join(MODEL, "tasks.json"), encoding="utf-8") as f:
    REFERENCE = json.load(f)
TEXTS, TASKS = REFERENCE["texts"], REFERENCE["embedding"]
NONE = golden(MODEL)["embedding"]


class Tasks(Case):
    def vectors(self, *arguments, model=MODEL, compute="f32", **how):
        run = self.hone("embed", "-m", model, "--compute", compute, *arguments, stdin="\n".join(TEXTS) + "\n", **how)
        return [row["embedding"] for row in run.json_lines]

    def assertRows(self, rows, wanted, bound=1e-5):
        for row, other in zip(rows, wanted, strict=True):
            self.assertClose(row, other, bound)

    def changed(self, change=None, source=MODEL, **files):
        """A copy of the folder; `change` gets its configuration."""
        folder = self.path("changed")
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(source, folder)
        with open(os.path.join(folder, "config.json"), encoding="utf-8") as f:
            config = json.load(f)
        if change:
            change(config)
        for name, content in {"config": config, **files}.items():
            with open(os.path.join(folder, name + ".json"), "w", encoding="utf-8") as f:
                json.dump(content, f)
        return folder

    def test_every_task(self):
        whole, small = self.path("whole.gguf"), self.path("small.gguf")
        self.hone("convert", MODEL, "-o", whole)
        self.hone("quantize", whole, small, "q8_0")
        for task, wanted in TASKS.items():
            for model in (MODEL, whole):
                self.assertRows(self.vectors("--task", task, model=model), wanted)
            for model, compute in ((MODEL, "int8"), (small, "int8"), (small, "f32")):
                for row, other in zip(self.vectors("--task", task, model=model, compute=compute), wanted):
                    self.assertGreater(sum(a * b for a, b in zip(row, other)), 0.999)

    def test_none(self):
        for arguments in ((), ("--task", ""), ("--prompt", "")):
            self.assertRows(self.vectors(*arguments), NONE)

    def test_prompts_and_sides(self):
        query = self.vectors("--as", "query")
        self.assertRows(query, TASKS["retrieval.query"])
        self.assertRows(self.vectors("--as", "document"), TASKS["retrieval.passage"])
        self.assertRows(self.vectors("--as", "query", "--task", "separation"), TASKS["separation"])
        bare = self.vectors("--task", "retrieval.query", "--prompt", "")
        prompted = self.vectors("--prompt", "retrieval.query")  # as Sentence Transformers: a prompt is no task
        for other in (bare, prompted):
            self.assertGreater(max(abs(a - b) for a, b in zip(other[0], query[0])), 1e-2)
        self.assertRows(self.vectors("--task", "separation", "--prompt", "retrieval.query"),
                        self.vectors("--task", "separation", "--prompt", "retrieval.query", model=self.changed()))

    def test_a_default(self):
        for args in ({"default_task": "classification"}, {"default_task": None}):
            folder = self.changed(sentence_bert_config={"max_seq_length": 48, "model_args": args})
            usual = TASKS["classification"] if args["default_task"] else NONE
            self.assertRows(self.vectors(model=folder), usual)
            self.assertRows(self.vectors("--task", "", model=folder), NONE)
        self.assertIn("'default_task' 'no'", self.hone(
            "embed", "-m", self.changed(sentence_bert_config={"model_args": {"default_task": "no"}}), stdin="x\n", status=3).words)
        self.assertIn("'default_task'", self.hone(
            "embed", "-m", self.changed(source=EMBED, sentence_bert_config={"model_args": {"default_task": "no"}}), stdin="x\n",
            status=3).words)

    def test_the_scale(self):
        """alpha by rank is what products are multiplied by; prompts of older configurations have another name."""
        half = self.changed(lambda c: c.update(lora_alpha=c["lora_alpha"] / 2, lora_prompts=c.pop("task_instructions")))
        row, whole = self.vectors("--task", "separation", model=half)[0], TASKS["separation"][0]
        self.assertGreater(max(abs(a - b) for a, b in zip(row, whole)), 1e-2)
        self.assertRows(self.vectors(model=half), NONE)

    def test_without_adapters(self):
        """The same weights as a model that has none."""
        with open(os.path.join(MODEL, "model.safetensors"), "rb") as f:
            size, = struct.unpack("<Q", f.read(8))
            header, data = json.loads(f.read(size)), f.read()
        folder = self.changed(lambda c: c.update(lora_adaptations=None))
        kept = {name.replace(".parametrizations.weight.original", ".weight"): t for name, t in header.items() if ".lora_" not in name}
        packed, at = {}, b""
        for name, t in kept.items():
            if name == "__metadata__":
                continue
            first, end = t["data_offsets"]
            packed[name] = {**t, "data_offsets": [len(at), len(at) + end - first]}
            at += data[first:end]
        text = json.dumps(packed).encode()
        with open(os.path.join(folder, "model.safetensors"), "wb") as f:
            f.write(struct.pack("<Q", len(text)) + text + at)
        self.assertRows(self.vectors(model=folder), NONE)
        self.assertIn("no adapters for tasks", self.hone("embed", "-m", folder, "--task", "separation", stdin="x\n", status=2).words)

    def test_inspect(self):
        self.assertEqual(json.loads(self.hone("inspect", MODEL, "--json").text)["model"]["tasks"], list(TASKS))
        self.assertRegex(self.hone("inspect", MODEL).text, r"tasks +retrieval\.query")

    def test_rerank(self):
        """Queries and documents are each for their own task."""
        run = self.hone("rerank", "-m", MODEL, "--compute", "f32", "-q", TEXTS[0], "--format", "jsonl",
                        stdin="\n".join(TEXTS[1:]) + "\n")
        for row in run.json_lines:
            wanted = sum(a * b for a, b in zip(TASKS["retrieval.query"][0], TASKS["retrieval.passage"][row["index"] + 1]))
            self.assertAlmostEqual(row["score"], wanted, delta=1e-5)

    def test_refused(self):
        words = self.hone("embed", "-m", MODEL, "--task", "clustering", stdin="x\n", status=2).words
        self.assertIn("no adapter for the task 'clustering', expected one of: retrieval.query, retrieval.passage", words)
        self.assertIn("no adapters for tasks", self.hone("embed", "-m", EMBED, "--task", "separation", stdin="x\n", status=2).words)
        for change, said in ((dict(lora_adaptations=[]), "'lora_adaptations'"), (dict(lora_adaptations=["a", "a"]), "'lora_adaptations'"),
                             (dict(lora_adaptations=["a", "b"]), "should be 2 matrices"), (dict(lora_rank=4), "task_a"),
                             (dict(lora_rank=0), "'lora_rank'"), (dict(lora_alpha=0), "'lora_alpha'"),
                             (dict(lora_adaptations=None), "no tensor 'embeddings.word_embeddings.weight'"), (dict(load_trained_adapters=False), "'load_trained_adapters'"),
                             (dict(task_instructions={"a": 5}), "'task_instructions'"), (dict(rotary_emb_interleaved=True), "'rotary_emb_interleaved'"),
                             (dict(position_embedding_type="absolute"), "XLMRobertaLoRA")):
            with self.subTest(**change):
                self.assertIn(said, self.hone("embed", "-m", self.changed(lambda c: c.update(change)), stdin="x\n", status=3).words)
        modules = [{"idx": 0, "name": "0", "path": "", "type": "custom_st.Transformer"}]
        self.assertIn("'custom_st.Transformer'", self.hone("embed", "-m", self.changed(source=EMBED, modules=modules), stdin="x\n",
                                                           status=3).words)


if __name__ == "__main__":
    main()
