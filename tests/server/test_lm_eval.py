"""lm-evaluation-harness over OpenAI's completions (local-completions), with a task of random texts: log-likelihoods are those of
transformers (tests/fixtures/make_lm_eval.py)."""
import json
import os
import shutil

from serving import FIXTURES, ServerCase, import_with, main

CAUSAL = os.path.join(FIXTURES, "causal")


class TestHarness(ServerCase):
    models = [f"tiny={CAUSAL}"]

    @classmethod
    def setUpClass(cls):
        import_with("lm-eval==0.4.13", "requests", "aiohttp", "tenacity", "transformers")
        os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_VERBOSITY="error")
        super().setUpClass()
        with open(os.path.join(CAUSAL, "lm-eval.json")) as f:
            cls.docs = json.load(f)

    def harness(self, **how):
        from lm_eval.models.openai_completions import LocalCompletionsAPI
        return LocalCompletionsAPI(base_url=f"http://127.0.0.1:{self.server.port}/v1/completions", model="tiny", tokenizer=CAUSAL,
                                   tokenizer_backend="huggingface", max_length=8192, **how)

    def test_a_task(self):
        """Through the harness itself, as a task that somebody wrote down: its requests, its accuracy."""
        from lm_eval import evaluator
        data = self.file("docs.jsonl", "".join(json.dumps({k: doc[k] for k in ("context", "endings", "label")}) + "\n"
                                               for doc in self.docs))
        task = {"task": "endings", "dataset_path": "json", "dataset_kwargs": {"data_files": {"test": data}, "cache_dir": self.path("cache")},
                "test_split": "test", "output_type": "multiple_choice", "doc_to_text": "{{context}}", "doc_to_choice": "{{endings}}",
                "doc_to_target": "label", "target_delimiter": "", "num_fewshot": 0}
        out = evaluator.simple_evaluate(model=self.harness(batch_size=4), tasks=[task], bootstrap_iters=0, log_samples=True)
        samples = sorted(out["samples"]["endings"], key=lambda sample: sample["doc_id"])
        self.assertEqual(len(samples), len(self.docs))
        for sample, doc in zip(samples, self.docs):
            for (got, greedy), (wanted, most_probable) in zip(sample["filtered_resps"], doc["scores"], strict=True):
                self.assertAlmostEqual(got, wanted, delta=1e-5 * max(1, abs(wanted)))
                self.assertEqual(greedy, most_probable)
        best = [max(range(3), key=lambda i, d=doc: d["scores"][i][0]) == doc["label"] for doc in self.docs]
        self.assertEqual(out["results"]["endings"]["acc,none"], sum(best) / len(best))

    def test_rolling_and_generation(self):
        from lm_eval.api.instance import Instance
        model, text = self.harness(), self.docs[0]["context"]
        rolling = model.loglikelihood_rolling([Instance("loglikelihood_rolling", {}, (text,), 0)])
        self.assertLess(rolling[0], 0)
        said = model.generate_until([Instance("generate_until", {}, (text, {"until": ["\n"], "max_gen_toks": 6, "temperature": 0}), 0)])
        whole = self.post("/v1/completions", {"model": "tiny", "prompt": model.tok_encode(text), "max_tokens": 6,
                                            "temperature": 0}).json
        self.assertEqual(said[0], whole["choices"][0]["text"].split("\n")[0])


main()
