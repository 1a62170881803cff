/* Pipelines of the vocabularies that GGUF calls gpt2, llama and t5. */
#include "tokenizer/files/preset.h"

#include "runtime/base/json.h"
#include "tokenizer/files/pre_names.h"

#include <stdio.h>
#include <string.h>

static json_t *byte_level(bool use_regex)
{
    return json_pack("{s:s, s:b, s:b, s:b}", "type", "ByteLevel", "add_prefix_space", 0, "trim_offsets", 1,
                     "use_regex", (int)use_regex);
}

static json_t *split(const char *expression)
{
    return json_pack("{s:s, s:{s:s}, s:s, s:b}", "type", "Split", "pattern", "Regex", expression, "behavior",
                     "Isolated", "invert", 0);
}

json_t *tok_preset_cut_up(const struct pre_name *kind)
{
    json_t *steps = json_array();
    for (size_t i = 0; kind->cuts[i]; i++)
        json_list_add(&steps, split(kind->cuts[i]));
    if (kind->digits)
        json_list_add(&steps, json_pack("{s:s, s:b}", "type", "Digits", "individual_digits", 1));
    if (kind->words != WORDS_NONE && kind->words != WORDS_GPT2)
        json_list_add(&steps, split(tok_words_expression(kind->words)));
    json_list_add(&steps, byte_level(kind->words == WORDS_GPT2));
    return json_pack("{s:s, s:o}", "type", "Sequence", "pretokenizers", steps);
}

static bool is_id(const struct tok_vocab *vocab, int32_t id)
{
    return id >= 0 && (size_t)id < vocab->n_tokens;
}

/* The template for what is added; false, where a token that is needed is missing. */
static bool choose(const struct tok_preset *p, const struct tok_vocab *vocab, bool add_bos, bool add_eos,
                   bool add_sep, struct preset_template *t)
{
    int32_t bos = p->bos >= 0 ? p->bos : p->cls, eos = p->eos >= 0 ? p->eos : p->sep;
    add_bos = p->add_bos < 0 ? add_bos : p->add_bos;
    add_eos = p->add_eos < 0 ? add_eos : p->add_eos;
    add_sep = p->add_sep < 0 ? add_sep : p->add_sep;
    t->before = add_bos ? bos : -1;
    t->after = add_eos ? eos : add_sep ? (p->sep >= 0 ? p->sep : eos) : -1;
    return (!add_bos || is_id(vocab, t->before)) && (!(add_eos || add_sep) || is_id(vocab, t->after));
}

json_t *tok_preset_gpt2(const struct tok_preset *p, const struct tok_vocab *vocab, bool *mask_lstrip,
                        struct complaint *c)
{
    const struct pre_name *kind = tok_pre_find(p->pre);
    struct preset_template t = {.twice = kind && kind->twice};
    if (!kind) {
        tok_fail(c->err, HONE_BAD_MODEL, "the pre-tokenizer \"%.64s\" is not supported", p->pre);
        return NULL;
    }
    if (!choose(p, vocab, kind->add_bos || kind->add_sep, false, kind->add_sep, &t))
        return NULL;
    *mask_lstrip = kind->mask_lstrip;
    t.segments = !kind->twice;
    return json_pack("{s:o, s:o, s:o, s:o, s:{s:s, s:b}}", "normalizer",
                     kind->nfc ? json_pack("{s:s}", "type", "NFC") : json_null(), "pre_tokenizer",
                     tok_preset_cut_up(kind), "post_processor", tok_preset_template(vocab, &t), "decoder",
                     byte_level(true), "model", "type", "BPE", "ignore_merges", (int)kind->ignore_merges);
}

static json_t *replace(const char *from, const char *to)
{
    return json_pack("{s:s, s:{s:s}, s:s}", "type", "Replace", "pattern", "String", from, "content", to);
}

json_t *tok_preset_llama(const struct tok_preset *p, const struct tok_vocab *vocab, struct complaint *c)
{
    struct preset_template t = {.segments = true};
    if (!choose(p, vocab, true, false, false, &t))
        return NULL;
    if (!is_id(vocab, p->unk)) {
        tok_fail(c->err, HONE_BAD_MODEL, "the vocabulary has no unknown token");
        return NULL;
    }
    json_t *normalizers = json_array(), *decoders = json_array();
    struct hone_text unk = vocab->tokens[p->unk];
    if (p->add_space_prefix)
        json_list_add(&normalizers, json_pack("{s:s, s:s}", "type", "Prepend", "prepend", "\u2581"));
    json_list_add(&normalizers, replace(" ", "\u2581"));
    json_list_add(&decoders, replace("\u2581", " "));
    json_list_add(&decoders, json_pack("{s:s}", "type", "ByteFallback"));
    json_list_add(&decoders, json_pack("{s:s}", "type", "Fuse"));
    if (p->add_space_prefix)
        json_list_add(&decoders, json_pack("{s:s, s:s, s:i, s:i}", "type", "Strip", "content", " ", "start",
                                           1, "stop", 0));
    return json_pack("{s:{s:s, s:o}, s:o, s:{s:s, s:o}, s:{s:s, s:s%, s:b, s:b}}", "normalizer", "type",
                     "Sequence", "normalizers", normalizers, "post_processor", tok_preset_template(vocab, &t),
                     "decoder", "type", "Sequence", "decoders", decoders, "model", "type", "BPE", "unk_token",
                     unk.data, unk.size, "fuse_unk", 1, "byte_fallback", 1);
}

static json_t *metaspace(bool prefix)
{
    return json_pack("{s:s, s:s, s:s, s:b}", "type", "Metaspace", "replacement", "\u2581", "prepend_scheme",
                     prefix ? "always" : "never", "split", 1);
}

json_t *tok_preset_t5(const struct tok_preset *p, const struct tok_vocab *vocab, bool *mask_lstrip,
                      struct complaint *c)
{
    struct preset_template t = {0};
    if (!choose(p, vocab, false, true, false, &t))
        return NULL;
    if (!is_id(vocab, p->unk)) {
        tok_fail(c->err, HONE_BAD_MODEL, "the vocabulary has no unknown token");
        return NULL;
    }
    t.twice = t.before >= 0; /* XLM-RoBERTa's */
    *mask_lstrip = t.twice;
    json_t *pre = json_array();
    if (p->remove_extra_whitespaces)
        json_list_add(&pre, json_pack("{s:s}", "type", "WhitespaceSplit"));
    json_list_add(&pre, metaspace(p->add_space_prefix));
    return json_pack("{s:o, s:{s:s, s:o}, s:o, s:o, s:{s:s, s:i, s:b}}", "normalizer",
                     vocab->charsmap.size ? json_pack("{s:s}", "type", "Precompiled") : json_null(),
                     "pre_tokenizer", "type", "Sequence", "pretokenizers", pre, "post_processor",
                     tok_preset_template(vocab, &t), "decoder", metaspace(p->add_space_prefix), "model",
                     "type", "Unigram", "unk_id", (int)p->unk, "byte_fallback", 0);
}
