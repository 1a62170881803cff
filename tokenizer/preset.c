#include "tokenizer/preset.h"

#include <string.h>

static json_t *text_value(struct tok_text text)
{
    return json_stringn(text.data, text.size);
}

json_t *preset_added_token(struct tok_text text, int32_t id, bool special)
{
    return json_pack("{s:i, s:o, s:b, s:b, s:b, s:b, s:b}", "id", (int)id, "content", text_value(text),
                     "single_word", 0, "lstrip", 0, "rstrip", 0, "normalized", 0, "special", (int)special);
}

/* The tokens that are found in the text before it is cut up: those of special types, and those named in p. */
static json_t *added_tokens(const struct tok_preset *p, const struct tok_vocab *vocab)
{
    const int32_t named[] = {p->bos, p->eos, p->unk, p->sep, p->pad, p->cls, p->mask};
    json_t *list = json_array();
    for (size_t i = 0; i < vocab->n_tokens; i++) {
        int32_t type = vocab->types ? vocab->types[i] : TOK_NORMAL;
        bool special = type == TOK_CONTROL || type == TOK_UNKNOWN;
        for (size_t k = 0; k < sizeof named / sizeof *named; k++)
            special |= named[k] == (int32_t)i;
        if ((special || type == TOK_USER_DEFINED) && vocab->tokens[i].size)
            json_array_append_new(list, preset_added_token(vocab->tokens[i], (int32_t)i, special));
    }
    return list;
}

static json_t *sequence(const char *name, int type_id)
{
    return json_pack("{s:{s:s, s:i}}", "Sequence", "id", name, "type_id", type_id);
}

static json_t *special(struct tok_text name, int type_id)
{
    return json_pack("{s:{s:o, s:i}}", "SpecialToken", "id", text_value(name), "type_id", type_id);
}

static bool is_id(const struct tok_vocab *vocab, int32_t id)
{
    return id >= 0 && (size_t)id < vocab->n_tokens;
}

/* [before] A [after], and [before] A [after] B [after]. */
static json_t *template(const struct tok_vocab *vocab, int32_t before, int32_t after)
{
    json_t *pieces[2] = {json_array(), json_array()}, *specials = json_object();
    for (int pair = 0; pair < 2; pair++) {
        if (before >= 0)
            json_array_append_new(pieces[pair], special(vocab->tokens[before], 0));
        for (int text = 0; text <= pair; text++) {
            json_array_append_new(pieces[pair], sequence(text ? "B" : "A", text));
            if (after >= 0)
                json_array_append_new(pieces[pair], special(vocab->tokens[after], text));
        }
    }
    for (int i = 0; i < 2; i++) {
        int32_t id = i ? after : before;
        if (id < 0)
            continue;
        struct tok_text name = vocab->tokens[id];
        json_object_setn_new(specials, name.data, name.size,
                             json_pack("{s:o, s:[i], s:[o]}", "id", text_value(name), "ids", (int)id,
                                       "tokens", text_value(name)));
    }
    return json_pack("{s:s, s:o, s:o, s:o}", "type", "TemplateProcessing", "single", pieces[0], "pair",
                     pieces[1], "special_tokens", specials);
}

json_t *preset_bert(const struct tok_preset *p, const struct tok_vocab *vocab, bool lowercase, bool chinese,
                    int strip_accents, json_t *added)
{
    if (!is_id(vocab, p->cls) || !is_id(vocab, p->sep) || !is_id(vocab, p->unk)) {
        json_decref(added);
        return NULL;
    }
    json_t *accents = strip_accents < 0 ? json_null() : json_boolean(strip_accents);
    return json_pack(
        "{s:o, s:{s:s, s:b, s:b, s:o, s:b}, s:{s:s}, s:o, s:{s:s, s:s, s:b}, s:{s:s, s:o, s:s, s:i}}",
        "added_tokens", added, "normalizer", "type", "BertNormalizer", "clean_text", 1,
        "handle_chinese_chars", (int)chinese, "strip_accents", accents, "lowercase", (int)lowercase,
        "pre_tokenizer", "type", "BertPreTokenizer", "post_processor", template(vocab, p->cls, p->sep),
        "decoder", "type", "WordPiece", "prefix", "##", "cleanup", 1, "model", "type", "WordPiece",
        "unk_token", text_value(vocab->tokens[p->unk]), "continuing_subword_prefix", "##",
        "max_input_chars_per_word", 100);
}

char *tokenizer_preset(const struct tok_preset *preset, const struct tok_vocab *vocab, char *why,
                       size_t why_size)
{
    json_t *json = NULL;
    if (strcmp(preset->model, "bert") == 0) {
        json = preset_bert(preset, vocab, true, true, -1, added_tokens(preset, vocab));
    } else {
        tok_fail(why, why_size, "the tokenizer model \"%.100s\" is not supported", preset->model);
        return NULL;
    }
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    if (!text)
        tok_fail(why, why_size, "the vocabulary lacks the special tokens of a %.100s tokenizer",
                 preset->model);
    json_decref(json);
    return text;
}
