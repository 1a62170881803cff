"""Models with a router (tests/fixtures/sentence/router-*): one file of several models, and what is wrong with others. What their
vectors are is in test_retrieval_cases.py."""
import json
import os
import shutil

from support import FIXTURES, Case, main

DEBERTA, WORDS, BEHIND, MAPPED = (os.path.join(FIXTURES, "sentence", "router-" + name, "model")
                                  for name in ("deberta", "words", "behind", "mapped"))
TEXTS = "hello world\na package for editing photos\n"


class Router(Case):
    def vectors(self, model, *arguments):
        return [row["embedding"] for row in self.hone("embed", "-m", model, *arguments, stdin=TEXTS).json_lines]

    def changed(self, model, change, name="router_config.json"):
        """A copy of the folder whose router_config.json `change` has changed."""
        folder = self.path("changed")
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(model, folder)
        path = os.path.join(folder, name)
        with open(path) as f:
            config = json.load(f)
        change(config)
        with open(path, "w") as f:
            json.dump(config, f)
        return folder

    def test_quantised(self):
        whole, small = self.path("whole.gguf"), self.path("small.gguf")
        self.hone("convert", DEBERTA, "-o", whole)
        self.hone("quantize", whole, small, "q8_0")
        for role in ("query", "document"):
            for a, b in zip(self.vectors(whole, "--as", role), self.vectors(small, "--as", role)):
                self.assertGreater(sum(x * y for x, y in zip(a, b)), 0.999)
        self.assertNotEqual(self.vectors(small, "--as", "query"), self.vectors(small))
        self.assertEqual(self.vectors(small, "--as", "document", "--prompt", ""), self.vectors(small))

    def test_what_routes_have_alike_is_there_once(self):
        path = self.path("behind.gguf")
        self.hone("convert", BEHIND, "-o", path)
        file = json.loads(self.hone("inspect", path, "--json", "--tensors").text)
        names = [t["name"] for t in file["tensors"]]
        self.assertEqual(sorted(n for n in names if n.startswith("route.")),
                         sorted(f"route.{role}.dense_2.{part}" for role in ("query", "document") for part in ("weight", "bias")))
        self.assertIn("token_embd.weight", names)
        self.assertEqual(file["metadata"]["general.architecture"], "router")
        self.assertNotIn("hone.route_of_texts", file["metadata"])

    def test_verify_checks_all(self):
        words = self.hone("verify", "-m", WORDS).text
        for role in ("query", "document"):
            self.assertRegex(words, f"ok +results +{role}: finite")

    def test_inspect(self):
        self.assertEqual(json.loads(self.hone("inspect", MAPPED, "--json").text)["model"]["routes"],
                         {"": "right-1", "query": "left", "document": "right-1"})
        words = self.hone("inspect", DEBERTA).text
        self.assertIn("queries: query, static, at most 1048576 tokens", words)
        self.assertIn("documents: document, deberta-v2, at most 14 tokens", words)
        self.assertIn("others: none", self.hone("inspect", BEHIND).text)

    def test_tokens(self):
        ids = {role: self.hone("tokenize", "-m", DEBERTA, *(("--as", role) if role else ()), stdin="hello\n").json_lines[0]
               for role in ("", "query", "document")}
        self.assertEqual(ids[""], ids["document"])
        self.assertEqual(ids["query"], ids["document"][1:-1])
        self.assertIn("--as", self.hone("tokenize", "-m", BEHIND, stdin="hello\n", status=2).words)

    def test_score(self):
        lines = '{"text": "hello world"}\n'
        for role in ("query", "document"):
            row = self.hone("score", "-m", DEBERTA, "--as", role, stdin=lines).json_lines[0]
            self.assertEqual(row["embedding"], self.vectors(DEBERTA, "--as", role)[0])

    def test_tokens_of_another_width(self):
        """A route of 12 numbers a token beside one of 8, both with vectors of 8 for texts."""
        table = os.path.join(FIXTURES, "sentence", "table-dense", "model")
        names = ["left_0_Table", "left_1_Dense", "left_2_LayerNorm"]
        classes = ["StaticEmbedding", "Dense", "LayerNorm"]
        folder = self.changed(MAPPED, lambda c: (c["structure"].update(left=names), c["types"].update(
            {n: "sentence_transformers.models." + k for n, k in zip(names, classes)})))
        for name, source in zip(names, (table, os.path.join(table, "1_Dense"), os.path.join(table, "2_LayerNorm"))):
            shutil.copytree(source, os.path.join(folder, name))
        self.assertEqual(len(self.vectors(folder, "--as", "query")[0]), 8)
        self.assertIn("12 numbers a token", self.hone("embed", "-m", folder, "--tokens", "--as", "query", stdin=TEXTS,
                                                      status=2).words)
        rows = self.hone("embed", "-m", folder, "--tokens", "--as", "document", stdin=TEXTS).json_lines[0]["tokens"]
        self.assertEqual({len(row) for row in rows}, {8})

    def test_no_adapter(self):
        run = self.hone("embed", "-m", DEBERTA, "--lora", os.path.join(FIXTURES, "bert-embed"), stdin=TEXTS, status=2)
        self.assertIn("several routes", run.words)

    def test_an_older_one(self):
        """Asym: its config.json, and names of its own for documents."""
        def change(config):
            config["structure"]["doc"] = config["structure"].pop("document")
            config["parameters"] = {"allow_empty_key": True}
        folder = self.changed(DEBERTA, change)
        os.rename(os.path.join(folder, "router_config.json"), os.path.join(folder, "config.json"))
        modules = os.path.join(folder, "modules.json")
        with open(modules) as f:
            list_of = json.load(f)
        list_of[0]["type"] = "sentence_transformers.models.Asym"
        with open(modules, "w") as f:
            json.dump(list_of, f)
        self.assertEqual(self.vectors(folder, "--as", "document"), self.vectors(DEBERTA, "--as", "document"))
        self.assertEqual(self.vectors(folder), self.vectors(DEBERTA, "--as", "query", "--prompt", ""))

    def test_refused(self):
        def set_at(*path, value):
            def change(config):
                for key in path[:-1]:
                    config = config[key]
                config[path[-1]] = value
            return change
        static = "sentence_transformers.models.StaticEmbedding"
        for model, change, words in (
                (MAPPED, set_at("more", value=1), "'more'"),
                (MAPPED, set_at("parameters", "more", value=1), "'more'"),
                (MAPPED, set_at("parameters", "default_route", value="up"), "no route 'up'"),
                (MAPPED, set_at("parameters", "route_mappings", "('query', None)", value="up"), "no route 'up'"),
                (MAPPED, set_at("parameters", "route_mappings", "('query', None)", value="image"), "do not compare"),
                (MAPPED, set_at("structure", "left", value=["right-1_2_Dense"]), "'(none)'"),
                (MAPPED, set_at("structure", "left", value=[5]), "'left'"),
                (MAPPED, set_at("structure", value=[]), "'structure'"),
                (MAPPED, set_at("types", "left_0_StaticEmbedding", value="other.Module"), "'other.Module'"),
                (MAPPED, set_at("types", "left_0_StaticEmbedding", value="sentence_transformers.models.Router"), "a router in"),
                (DEBERTA, lambda c: (c["structure"].update(query=["../x"]), c["types"].update({"../x": static})), "'../x'"),
                (DEBERTA, lambda c: c["structure"].update(query=["document_0_Transformer"]), "there are vectors of tokens"),
                (WORDS, lambda c: c["structure"].update(query=["document_0_Transformer"]), "a vector of each token"),
                (DEBERTA, lambda c: (c["structure"].update({"a b": c["structure"]["query"]}),
                                     c["parameters"].update(default_route="a b")), "'a b'")):
            folder = self.changed(model, change)
            for command in (("embed", "-m"), ("convert", "-o", self.path("no.gguf"))):
                run = self.hone(*command, folder, stdin=TEXTS, status=3)
                self.assertIn(words, run.words)
            self.assertFalse(os.path.exists(self.path("no.gguf")))

    def test_damaged_files(self):
        path, damaged = self.path("whole.gguf"), self.path("damaged.gguf")
        self.hone("convert", MAPPED, "-o", path)
        with open(path, "rb") as f:
            data = f.read()
        for old, new, words in ((b"hone.route.left.", b"hone.route.loft.", "is of no route that"),
                                (b"route.left.token_embd", b"route.lost.token_embd", "token_embd.weight"),
                                (b"hone.routes", b"hone.rautes", "'router'"),
                                (b"right-1", b"right.1", "names of letters"),
                                (b"hone.route_of_queries", b"hone.route_of_quarrys", "route_of_quarrys")):
            self.assertIn(old, data)
            with open(damaged, "wb") as f:
                f.write(data.replace(old, new))
            self.assertIn(words, self.hone("embed", "-m", damaged, "--as", "query", stdin=TEXTS, status=3).words)


if __name__ == "__main__":
    main()
