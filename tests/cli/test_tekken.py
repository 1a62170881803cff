"""tekken.json: its ids are those of merging the two neighbours of the lowest rank again and again, which is written down here."""
import base64
import json
import os
import random
import re
import shutil

from support import FIXTURES, Case, main

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


def encode(text, ranks):
    ids = []
    for part in re.split(r"(\[INST\]|<SPECIAL_6>)", text):
        if part in ("[INST]", "<SPECIAL_6>"):
            ids.append(SPECIAL.index(part) if part in SPECIAL else 6)
            continue
        for word in re.findall(PATTERN, part):
            pieces = [bytes([b]) for b in word.encode()]
            if word.encode() in ranks:
                pieces = [word.encode()]
            while len(pieces) > 1:
                best = min(range(len(pieces) - 1), key=lambda i: ranks.get(pieces[i] + pieces[i + 1], 1 << 30))
                if pieces[best] + pieces[best + 1] not in ranks:
                    break
                pieces[best:best + 2] = [pieces[best] + pieces[best + 1]]
            ids += [ranks[p] + N_SPECIAL for p in pieces]
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


if __name__ == "__main__":
    main()
