#!/usr/bin/env python3
"""Writes unicode_table.c: for every code point, what Hugging Face's tokenizers takes it for.

tokenizers draws on six libraries with tables of different Unicode versions, so its answers are measured here, one code
point at a time, rather than looked up in one version's files.

usage: unicode_table.py > unicode_table.c     (needs the tokenizers package, and a Python of Unicode 14: 3.11)
"""
import base64
import json
import struct
import unicodedata

import tokenizers
from tokenizers import Regex, Tokenizer, models
from tokenizers import normalizers as N
from tokenizers import pre_tokenizers as P

POINTS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
ALL = "".join(map(chr, POINTS))
CATEGORIES = "Cn Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp Cc Cf Co".split()
FLAGS = "CONTROL SPACE MARK PUNCT WORD NUMERIC CASED CJK ACCENT NFC NFD NFKC NFKD FIRST LATE".split()
BREAKS = "OTHER CR LF CONTROL EXTEND EXTEND_INDIC LINKER ZWJ SPACING PREPEND FLAG L V T LV LVT PICTURE CONSONANT".split()


def removed_by(normalizer):
    return set(POINTS) - set(map(ord, normalizer.normalize_str(ALL)))


def bert(**on):
    off = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)
    return N.BertNormalizer(**{**off, **on})


def split_between(pre_tokenizer, pieces):
    return {c for c in POINTS if len(pre_tokenizer.pre_tokenize_str("a" + chr(c) + "b")) == pieces}


def grapheme_counter():
    """A Precompiled normalizer whose map turns whatever it is asked for into one "X".

    It is asked for each grapheme of less than six bytes, and for each character of longer ones. The map is a double
    array in which each first byte ends a key: unit 0 is the root, unit b ^ 256 the child for byte b, unit 0 ^ ... its
    leaf with value 0.
    """
    units = [0] * 1024
    units[0] = (256 << 10)  # the root's offset
    for b in range(1, 256):
        # has_leaf, label, offset to a block of its own kind: the leaf at (256 ^ b) ^ offset
        units[256 ^ b] = b | (1 << 8) | (512 << 10)
        units[(256 ^ b) ^ 512] = 1 << 31  # a leaf with value 0
    blob = struct.pack("<I", 4 * len(units)) + struct.pack("<%dI" % len(units), *units) + b"X\0"
    t = Tokenizer(models.Unigram([("<unk>", 0.0)], 0, False))
    j = json.loads(t.to_str())
    j["normalizer"] = {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(blob).decode()}
    normalizer = Tokenizer.from_str(json.dumps(j)).normalizer
    return lambda text: len(normalizer.normalize_str(text))


def graphemes():
    """The Grapheme_Cluster_Break class of each code point, from how texts with it are counted (UAX #29)."""
    count = grapheme_counter()
    ka, virama, acute, zwj, heart, l, v, t = "\u0915", "\u094d", "\u0301", "\u200d", "\u2764", "\u1100", "\u1161", "\u11a8"
    assert count("ab") == 2 and count("a" + acute) == 1 and count("\r\n") == 1

    def jamo(s):
        after_l, before_v = count(l + s + acute) == 3, count(s + v + acute) == 3
        after_v, before_t = count(v + s + acute) == 3, count(s + t + acute) == 3
        if after_v:
            return "V" if before_v else "T"
        if after_l:
            return "LV" if before_v and before_t else "LVT" if before_t else "L"

    def kind(s):
        if s in "\0\r\n":
            return {"\0": "CONTROL", "\r": "CR", "\n": "LF"}[s]
        if count("a" + s) == 1:
            if s == zwj:
                return "ZWJ"
            if count(ka + s + ka + acute) == 4:
                return "LINKER"
            if count(ka + virama + s + ka + acute) == 5:
                return "EXTEND_INDIC"
            return "EXTEND" if count(heart + s + zwj + heart + acute) == 5 else "SPACING"
        if count(s + "a") == 1:
            return "PREPEND"
        if count(s + acute + acute) == 2:
            return "CONTROL"
        if count(s + zwj + heart + acute) == 4:
            return "PICTURE"
        if count(s + virama + ka + acute) == 4:
            return "CONSONANT"
        if "\U0001f1e6" <= s <= "\U0001f1ff":
            return "FLAG"
        return jamo(s) or "OTHER"

    return {c: kind(chr(c)) for c in POINTS}


def reorders(c):
    """Whether NFD moves the character past a mark: whether its combining class is not 0."""
    s, nfd = chr(c), N.NFD()
    return nfd.normalize_str("a\u0345" + s) != "a\u0345" + s or nfd.normalize_str("a" + s + "\u0334") != "a" + s + "\u0334"


def normalization():
    """Sets of code points that each form leaves alone wherever they stand, and those that compose with what follows."""
    forms = dict(NFC=N.NFC(), NFD=N.NFD(), NFKC=N.NFKC(), NFKD=N.NFKD())
    moved = {c for c in POINTS if unicodedata.category(chr(c))[0] in "MCL" and reorders(c)}
    active = {k: moved | {c for c in POINTS if f.normalize_str(chr(c)) != chr(c)} for k, f in forms.items()}
    first, second = set(), set()
    for c in POINTS:
        d = forms["NFD"].normalize_str(chr(c))
        if len(d) > 1 and forms["NFC"].normalize_str(d) == chr(c):
            # a long decomposition is the composition of a shorter one and the last mark
            first.add(ord(forms["NFC"].normalize_str(d[:-1])))
            second.add(ord(d[-1]))
    active["NFC"] |= second
    active["NFKC"] |= second
    return active, first


def properties():
    marks = bert(strip_accents=True)
    clean = bert(clean_text=True)
    cjk = bert(handle_chinese_chars=True)
    lower = N.Lowercase()
    active, first = normalization()
    letters = split_between(P.Whitespace(), 1)
    sets = {
        "CONTROL": {c for c in POINTS if clean.normalize_str("a" + chr(c) + "b") == "ab"},
        "SPACE": split_between(P.WhitespaceSplit(), 2),
        "MARK": {c for c in POINTS if marks.normalize_str("a" + chr(c)) == "a"},
        "PUNCT": split_between(P.BertPreTokenizer(), 3),
        "WORD": letters,
        "NUMERIC": split_between(P.Digits(True), 3),
        "CASED": {c for c in POINTS if lower.normalize_str(chr(c)) != chr(c)},
        "CJK": {c for c in POINTS if cjk.normalize_str(chr(c)) == " " + chr(c) + " "},
        "ACCENT": removed_by(N.StripAccents()),
        "NFC": active["NFC"], "NFD": active["NFD"], "NFKC": active["NFKC"], "NFKD": active["NFKD"],
        "FIRST": first,
    }  # fmt: skip
    category = dict.fromkeys(POINTS, 0)
    for i, k in enumerate(CATEGORIES):
        for c in removed_by(N.Replace(Regex(r"\p{%s}" % k), "")) if i else ():
            category[c] = i
    # Unassigned ones too: libraries will know them some day.
    sets["LATE"] = {c for c in POINTS if category[c] == 0 or unicodedata.category(chr(c)) == "Cn"}
    breaks = graphemes()
    bits = dict.fromkeys(range(0x110000), 0)
    for c in POINTS:
        flags = sum(1 << i for i, k in enumerate(FLAGS) if c in sets[k])
        bits[c] = flags | category[c] << 16 | BREAKS.index(breaks[c]) << 24
    return bits, lower


def lowercase_runs(lower):
    """[first, last, step, difference]: runs of code points that lowercase by the same difference."""
    runs = []
    for c in POINTS:
        s = lower.normalize_str(chr(c))
        if s == chr(c) or len(s) > 1:
            assert len(s) == 1 or c == 0x130
            continue
        d, r = ord(s) - c, runs[-1] if runs else None
        if r and r[3] == d and (c - r[1] == r[2] or r[0] == r[1] and c - r[1] <= 2):
            r[1], r[2] = c, c - r[1]
        else:
            runs.append([c, c, 1, d])
    return runs


def rows(numbers, width=24):
    return "\n".join("    " + " ".join("%s," % n for n in numbers[i : i + width]) for i in range(0, len(numbers), width))


def main():
    assert unicodedata.unidata_version.startswith("14.")
    bits, lower = properties()
    classes, blocks, index, leaves = {}, {}, [], []
    for start in range(0, 0x110000, 128):
        block = tuple(classes.setdefault(bits[c], len(classes)) for c in range(start, start + 128))
        if block not in blocks:
            blocks[block] = len(blocks)
            leaves += block
        index.append(blocks[block])
    assert len(classes) <= 256 and len(blocks) <= 65536
    runs = lowercase_runs(lower)
    print(f"""/* Written by unicode_table.py; measured from tokenizers {tokenizers.__version__}. */
#include "tokenizer/text/unicode.h"

/* clang-format off */
const uint32_t unicode_classes[] = {{
{rows(["0x%x" % k for k in classes], 10)}
}};

const uint16_t unicode_blocks[] = {{
{rows(index)}
}};

const uint8_t unicode_leaves[] = {{
{rows(leaves)}
}};

const struct unicode_case unicode_cases[] = {{
{rows(["{%d, %d, %d, %d}" % tuple(r) for r in runs], 4)}
}};
const size_t unicode_n_cases = {len(runs)};""")


if __name__ == "__main__":
    main()
