"""tekken.json and tiktoken's files: their ids are those of merging the two neighbours of the lowest rank again and again, which is written down here."""
import base64
import json
import os
import random
import re
import shutil

from support import FIXTURES, Case, main
from test_packed import read_config, read_tensors, write_config, write_tensors

PATTERN = r"[A-Za-z]+|[0-9]{1,3}| ?[^A-Za-z0-9\s]+|\s+"
SPECIAL = ["<unk>", "<s>", "</s>", "[INST]"]
N_SPECIAL, N = 8, 292  # as many rows as the fixture has
TEXTS = ["Hello, world! It is 2024 now.", "aaaa aaab abab  \n\n banana bandana", "naïve façade 漢字 😀", "x [INST] y <SPECIAL_6>", ""]


def vocabulary():
    r, tokens = random.Random(5), [bytes([b]) for b in range(256)]
    while len(tokens) < N + 20:
        token = r.choice(tokens[32:127] + tokens[256:]) + r.choice(tokens[32:127] + tokens[256:])
        if token not in tokens and (r.random() < 0.1 or token in " ".join(TEXTS).encode()):
            tokens.append(token)
    return tokens


def encode(text, ranks, pattern=PATTERN, n_special=N_SPECIAL):
    ids = []
    for part in re.split(r"(\[INST\]|<SPECIAL_6>)", text):
        if part in ("[INST]", "<SPECIAL_6>"):
            ids.append(SPECIAL.index(part) if part in SPECIAL else 6)
            continue
        for word in re.findall(pattern, part):
            pieces = [bytes([b]) for b in word.encode()]
            if word.encode() in ranks:
                pieces = [word.encode()]
            while len(pieces) > 1:
                best = min(range(len(pieces) - 1), key=lambda i: ranks.get(pieces[i] + pieces[i + 1], 1 << 30))
                if pieces[best] + pieces[best + 1] not in ranks:
                    break
                pieces[best:best + 2] = [pieces[best] + pieces[best + 1]]
            ids += [ranks[p] + n_special for p in pieces]
    return [1] + ids


class Tekken(Case):
    def folder(self, change=None):
        path = self.path("tekken")
        shutil.rmtree(path, ignore_errors=True)
        shutil.copytree(os.path.join(FIXTURES, "causal"), path)
        for name in ("tokenizer.json", "tokenizer_config.json"):
            os.remove(os.path.join(path, name))
        content = {
            "config": {"pattern": PATTERN, "default_vocab_size": N + N_SPECIAL, "default_num_special_tokens": N_SPECIAL, "version": "v3"},
            "vocab": [{"rank": i, "token_bytes": base64.b64encode(t).decode(), "token_str": None} for i, t in enumerate(vocabulary())],
            "special_tokens": [{"rank": i, "token_str": t, "is_control": True} for i, t in enumerate(SPECIAL)],
        }
        if change:
            change(content)
        with open(os.path.join(path, "tekken.json"), "w") as f:
            json.dump(content, f)
        return path

    def test_ids(self):
        ranks = {t: i for i, t in enumerate(vocabulary()[:N])}
        for text in TEXTS:
            run = self.hone("tokenize", "-m", self.folder(), stdin=text.replace("\n", " ") + "\n")
            self.assertEqual(json.loads(run.text), encode(text.replace("\n", " "), ranks))

    def test_unlisted(self):
        """Files up to version 7 need not list their special tokens: mistral-common knows their names."""
        n_special, ranks = 24, {t: i for i, t in enumerate(vocabulary()[:N - 16])}

        def change(content):
            del content["special_tokens"]
            content["config"].update(default_num_special_tokens=n_special)
        folder = self.path("unlisted")
        shutil.copytree(self.folder(change), folder)
        ids = json.loads(self.hone("tokenize", "-m", folder, stdin="[SYSTEM_PROMPT]a[TOOL_CONTENT]</s><SPECIAL_20>\n").text)
        self.assertEqual(ids, [1, 17, ranks[b"a"] + n_special, 19, 2, 20])
        for version in "v11", "v13":
            def later(content):
                change(content)
                content["config"].update(version=version)
            self.assertIn("names no special tokens", self.hone("tokenize", "-m", self.folder(later), stdin="x\n", status=3).words)

    def test_damage(self):
        for change, told in ((lambda c: c.pop("special_tokens"), "names no special tokens"), (lambda c: c.pop("config"), "'config'"),
                             (lambda c: c["vocab"].reverse(), "order of their ranks"),
                             (lambda c: c["vocab"][3].update(token_bytes="*"), "order of their ranks"),
                             (lambda c: c["config"].update(default_vocab_size=10 ** 9), "default_vocab_size"),
                             (lambda c: c["special_tokens"].reverse(), "order of their ranks")):
            self.assertIn(told, self.hone("tokenize", "-m", self.folder(change), stdin="x\n", status=3).words)


# What the families' expressions are in ASCII.
SUFFIXES, REST = "(?i:'s|'t|'re|'ve|'m|'ll|'d)", r"|[0-9]{1,3}| ?[^\sA-Za-z0-9]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
LLAMA3 = SUFFIXES + r"|[^\r\nA-Za-z0-9]?[A-Za-z]+" + REST
KIMI = rf"[^\r\nA-Za-z0-9]?[A-Z]*[a-z]+{SUFFIXES}?|[^\r\nA-Za-z0-9]?[A-Z]+[a-z]*{SUFFIXES}?" + REST
N_RANKS = 250
ASCII_TEXTS = ["Hello, world! It's 12345 now.", "aaaa aaab abab  \n\n banana bandana", "camelCaseHTTPServer's DON'T", "  \t x..\n\ny", ""]


def lines(tokens):
    return "".join(f"{base64.b64encode(t).decode()} {i}\n" for i, t in enumerate(tokens)).encode()


class Tiktoken(Case):
    def folder(self, base, file, content, added, **config):
        path = self.path("tiktoken")
        shutil.rmtree(path, ignore_errors=True)
        shutil.copytree(os.path.join(FIXTURES, base), path)
        for name in "tokenizer.json", "tokenizer_config.json":
            os.remove(os.path.join(path, name))
        with open(os.path.join(path, file), "wb") as f:
            f.write(content)
        with open(os.path.join(path, "tokenizer_config.json"), "w") as f:
            json.dump({"added_tokens_decoder": {i: {"content": t, "special": True} for i, t in added.items()}, **config}, f)
        return path

    def check(self, path, pattern, bos, special):
        ranks = {t: i for i, t in enumerate(vocabulary()[:N_RANKS])}
        texts = ASCII_TEXTS + ["x" + "y".join(special)]
        got = self.hone("tokenize", "-m", path, "--jsonl", "-", stdin="".join(json.dumps(t) + "\n" for t in texts)).json_lines
        for text, ids in zip(texts, got):
            want = list(bos)
            for part in re.split("(" + "|".join(map(re.escape, special)) + ")", text):
                want += [special[part]] if part in special else encode(part, ranks, pattern, 0)[1:]
            self.assertEqual(ids, want, text)

    def test_llama(self):
        special = {"<|begin_of_text|>": N_RANKS, "<|eot_id|>": N_RANKS + 9}
        added = {i: t for t, i in special.items()}
        path = self.folder("causal", "tokenizer.model", lines(vocabulary()[:N_RANKS]), added)
        self.check(path, LLAMA3, [N_RANKS], special)
        path = self.folder("causal", "tokenizer.model", lines(vocabulary()[:N_RANKS]), {})
        self.assertIn("<|begin_of_text|>", self.hone("tokenize", "-m", path, stdin="x\n", status=3).words)

    def test_kimi(self):
        """258 special tokens behind the ranks, whether they have a name or not; no token before a text."""
        added = {N_RANKS: "[BOS]", N_RANKS + 2: "<|im_end|>"}
        path = self.folder("deepseek-v3", "tiktoken.model", lines(vocabulary()[:N_RANKS]), added, tokenizer_class="TikTokenTokenizer")
        file = os.path.join(path, "model.safetensors")
        write_tensors(file, {name: (t[0], [600, *t[1][1:]], t[2] * 2) if name in ("model.embed_tokens.weight", "lm_head.weight") else t
                             for name, t in read_tensors(file).items()})
        write_config(path, {**read_config(path), "vocab_size": 600})
        special = {t: i for i, t in added.items()}
        special.update({f"<|reserved_token_{i}|>": i for i in (N_RANKS + 1, N_RANKS + 257)})
        self.check(path, KIMI, [], special)

    def test_damage(self):
        good, added = vocabulary()[:N_RANKS], {N_RANKS: "<|begin_of_text|>"}
        for content in lines(good)[:-9] + b"x", lines(good[:-1] + good[:1]), lines(good[1:])[:0] + b"QQ== 0\nQg== 2\n", \
                lines(good) + b"QUFB 7\n", lines(good) + b"!!!! 250\n", b"QQ== 99999999999999999999\n":
            path = self.folder("causal", "tiktoken.model", content, added)
            self.assertIn("a line for each rank", self.hone("tokenize", "-m", path, stdin="x\n", status=3).words)
        path = self.folder("gpt2", "tiktoken.model", lines(good), added, tokenizer_class="Strange")
        self.assertIn("'Strange' is not known", self.hone("tokenize", "-m", path, stdin="x\n", status=3).words)


if __name__ == "__main__":
    main()
