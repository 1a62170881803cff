"""One class an engine that turns a text into another, with an encoder and a decoder. The constructor loads (untimed);
run() is what the benchmark times: all that a service does for a request, from text to text.

All engines take the most probable token each time, and as many tokens as they are told. `job` is worker.py's.
"""
import ctypes
import os

import files
import generators


class Pieces:
    """The SentencePiece models of a folder, one to read with and one to write with, as users of such models call them."""

    def __init__(self, folder):
        import sentencepiece
        self.source, self.target = (sentencepiece.SentencePieceProcessor(model_file=f"{folder}/{name}.spm")
                                    for name in ("source", "target"))

    def encode(self, texts):
        return [pieces + ["</s>"] for pieces in self.source.encode(texts, out_type=str)]

    def decode(self, tokens):
        return self.target.decode(tokens)


class Tokens:
    """A tokenizer.json, between texts and tokens."""

    def __init__(self, folder):
        from tokenizers import Tokenizer
        self.tokenizer = Tokenizer.from_file(f"{folder}/tokenizer.json")

    def encode(self, texts):
        return [encoding.tokens for encoding in self.tokenizer.encode_batch(texts)]

    def decode(self, tokens):
        return self.tokenizer.decode_batch([[self.tokenizer.token_to_id(token) for token in row] for row in tokens])


class Completer:
    package = None  # whose version is reported
    batches = ()

    def __init__(self, job):
        self.job = job
        self.tokens = (Tokens if os.path.exists(f"{job.model}/tokenizer.json") else Pieces)(job.model)
        self.load()

    def load(self):
        raise NotImplementedError

    def run(self, texts, n_new):
        """What follows each text: [str]."""
        raise NotImplementedError


class CTranslate2(Completer):
    package = "ctranslate2"
    precision = "float32"

    def load(self):
        import ctranslate2
        path = files.ctranslate2_seq2seq(self.job, self.precision)
        self.model = ctranslate2.Translator(path, device="cpu", compute_type=self.precision, inter_threads=1,
                                            intra_threads=self.job.threads)

    def run(self, texts, n_new):
        results = self.model.translate_batch(self.tokens.encode(texts), beam_size=1, max_decoding_length=n_new,
                                             min_decoding_length=n_new)
        return self.tokens.decode([result.hypotheses[0] for result in results])


class CTranslate2Int8(CTranslate2):
    precision = "int8"


class PyTorch(Completer):
    package = "torch"

    def load(self):
        import torch
        import transformers
        torch.set_num_threads(self.job.threads)
        self.torch = torch
        self.model = transformers.AutoModelForSeq2SeqLM.from_pretrained(self.job.model, dtype=torch.float32).eval()

    def run(self, texts, n_new):
        tokenizer = self.tokens.tokenizer
        tokenizer.enable_padding(pad_id=self.model.config.pad_token_id)
        encodings = tokenizer.encode_batch(texts)
        with self.torch.inference_mode():
            out = self.model.generate(input_ids=self.torch.tensor([e.ids for e in encodings]),
                                      attention_mask=self.torch.tensor([e.attention_mask for e in encodings]),
                                      max_new_tokens=n_new, min_new_tokens=n_new, do_sample=False)
        return tokenizer.decode_batch(out[:, 1:].tolist())


class Hone(generators.Hone):
    def run(self, texts, n_new):
        data = [text.encode() for text in texts]
        batch = (self.Generation * len(data))()
        for g, text in zip(batch, data):
            g.prompt.data, g.prompt.size = text, len(text)
            g.max_tokens, g.ignore_end, g.sampling = n_new, True, self.sampling
        self.api.call("hone_generate", self.model, batch, ctypes.c_size_t(len(data)), None)
        out = [ctypes.string_at(g.text, g.text_size).decode() for g in batch]
        for g in batch:
            self.api.lib.hone_generation_release(ctypes.byref(g))
        return out


PEERS = {"hone-q8_0": Hone, "hone-q4_0": Hone, "ctranslate2-int8": CTranslate2Int8, "ctranslate2-f32": CTranslate2,
         "pytorch-f32": PyTorch}
