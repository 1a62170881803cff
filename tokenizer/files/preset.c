#include "tokenizer/files/preset.h"

#include "runtime/base/json.h"

#include <string.h>

static json_t *text_value(struct hone_text text)
{
    return json_stringn(text.data, text.size);
}

json_t *tok_preset_added_token(struct hone_text text, int32_t id, bool special, bool lstrip)
{
    return json_pack("{s:i, s:o, s:b, s:b, s:b, s:b, s:b}", "id", (int)id, "content", text_value(text),
                     "single_word", 0, "lstrip", (int)lstrip, "rstrip", 0, "normalized", 0, "special",
                     (int)special);
}

/* Other converters name tokens by numbers of config.json, which may be those of words ("pad_token_id": 0 is "!" in GPT-2's
 * vocabulary and what was made of it): where tokens have types, a token without a special one has to look like it. */
static bool may_be_special(const struct tok_vocab *vocab, size_t id)
{
    const struct hone_text token = vocab->tokens[id];
    const char first = token.size > 2 ? token.data[0] : '\0';
    return !vocab->types || (first == '<' && token.data[token.size - 1] == '>') ||
           (first == '[' && token.data[token.size - 1] == ']');
}

/* The tokens that are found in the text before it is cut up: those of special types, and those named in p. */
static json_t *added_tokens(const struct tok_preset *p, const struct tok_vocab *vocab, bool mask_lstrip)
{
    const int32_t named[] = {p->bos, p->eos, p->unk, p->sep, p->pad, p->cls, p->mask};
    json_t *list = json_array();
    for (size_t i = 0; i < vocab->n_tokens; i++) {
        int32_t type = vocab->types ? vocab->types[i] : TOK_NORMAL;
        bool special = type == TOK_CONTROL || type == TOK_UNKNOWN;
        for (size_t k = 0; k < sizeof named / sizeof *named; k++)
            special |= named[k] == (int32_t)i && may_be_special(vocab, i);
        if (type != TOK_UNUSED && (special || type == TOK_USER_DEFINED) && vocab->tokens[i].size)
            json_list_add(&list, tok_preset_added_token(vocab->tokens[i], (int32_t)i, special,
                                                        mask_lstrip && (int32_t)i == p->mask));
    }
    return list;
}

static json_t *sequence(const char *name, int type_id)
{
    return json_pack("{s:{s:s, s:i}}", "Sequence", "id", name, "type_id", type_id);
}

static void add_special(json_t **pieces, const struct tok_vocab *vocab, int32_t id, int type_id)
{
    if (id >= 0)
        json_list_add(pieces, json_pack("{s:{s:o, s:i}}", "SpecialToken", "id", text_value(vocab->tokens[id]),
                                        "type_id", type_id));
}

static json_t *template_pieces(const struct tok_vocab *vocab, const struct preset_template *t, bool pair)
{
    json_t *pieces = json_array();
    add_special(&pieces, vocab, t->before, 0);
    json_list_add(&pieces, sequence("A", 0));
    add_special(&pieces, vocab, t->after, 0);
    if (!pair)
        return pieces;
    if (t->twice)
        add_special(&pieces, vocab, t->after, 0);
    if (t->after < 0)
        add_special(&pieces, vocab, t->before, t->segments);
    json_list_add(&pieces, sequence("B", t->segments));
    add_special(&pieces, vocab, t->after, t->segments);
    return pieces;
}

json_t *tok_preset_template(const struct tok_vocab *vocab, const struct preset_template *t)
{
    json_t *specials = json_object();
    for (int i = 0; i < 2; i++) {
        int32_t id = i ? t->after : t->before;
        if (id < 0)
            continue;
        struct hone_text name = vocab->tokens[id];
        if (json_object_setn_new(specials, name.data, name.size,
                                 json_pack("{s:o, s:[i], s:[o]}", "id", text_value(name), "ids", (int)id,
                                           "tokens", text_value(name))) < 0) {
            json_decref(specials);
            return NULL;
        }
    }
    return json_pack("{s:s, s:o, s:o, s:o}", "type", "TemplateProcessing", "single",
                     template_pieces(vocab, t, false), "pair", template_pieces(vocab, t, true),
                     "special_tokens", specials);
}

static bool is_id(const struct tok_vocab *vocab, int32_t id)
{
    return id >= 0 && (size_t)id < vocab->n_tokens;
}

json_t *tok_preset_bert(const struct tok_preset *p, const struct tok_vocab *vocab, bool lowercase,
                        bool chinese, int strip_accents, json_t *added)
{
    const struct preset_template template = {p->cls, p->sep, false, true};
    if (!is_id(vocab, p->cls) || !is_id(vocab, p->sep) || !is_id(vocab, p->unk)) {
        json_decref(added);
        return NULL;
    }
    json_t *accents = strip_accents < 0 ? json_null() : json_boolean(strip_accents);
    return json_pack(
        "{s:o, s:{s:s, s:b, s:b, s:o, s:b}, s:{s:s}, s:o, s:{s:s, s:s, s:b}, s:{s:s, s:o, s:s, s:i}}",
        "added_tokens", added, "normalizer", "type", "BertNormalizer", "clean_text", 1,
        "handle_chinese_chars", (int)chinese, "strip_accents", accents, "lowercase", (int)lowercase,
        "pre_tokenizer", "type", "BertPreTokenizer", "post_processor", tok_preset_template(vocab, &template),
        "decoder", "type", "WordPiece", "prefix", "##", "cleanup", 1, "model", "type", "WordPiece",
        "unk_token", text_value(vocab->tokens[p->unk]), "continuing_subword_prefix", "##",
        "max_input_chars_per_word", 100);
}

/* A vocabulary in which no word has a capital is one of lowercased text. */
static bool has_capitals(const struct tok_vocab *vocab)
{
    for (size_t i = 0; i < vocab->n_tokens; i++) {
        struct hone_text token = vocab->tokens[i];
        bool name = token.size && (token.data[0] == '[' || token.data[0] == '<');
        if (name || (vocab->types && vocab->types[i] != TOK_NORMAL))
            continue;
        for (size_t k = 0; k < token.size; k++)
            if (token.data[k] >= 'A' && token.data[k] <= 'Z')
                return true;
    }
    return false;
}

char *tokenizer_preset(const struct tok_preset *preset, const struct tok_vocab *vocab, struct hone_error *err)
{
    struct complaint c = {err};
    json_t *json = NULL;
    bool mask_lstrip = false;
    tok_fail(err, HONE_BAD_MODEL, "the vocabulary lacks the special tokens of a %.100s tokenizer",
             preset->model);
    if (strcmp(preset->model, "bert") == 0)
        json = tok_preset_bert(preset, vocab,
                               preset->lowercase < 0 ? !has_capitals(vocab) : preset->lowercase > 0, true,
                               preset->strip_accents, added_tokens(preset, vocab, false));
    else if (strcmp(preset->model, "gpt2") == 0)
        json = tok_preset_gpt2(preset, vocab, &mask_lstrip, &c);
    else if (strcmp(preset->model, "llama") == 0)
        json = tok_preset_llama(preset, vocab, &c);
    else if (strcmp(preset->model, "t5") == 0)
        json = tok_preset_t5(preset, vocab, &mask_lstrip, &c);
    else
        tok_fail(err, HONE_BAD_MODEL, "the tokenizer model \"%.100s\" is not supported", preset->model);
    if (json && !json_object_get(json, "added_tokens"))
        json_object_set_new(json, "added_tokens", added_tokens(preset, vocab, mask_lstrip));
    char *text = json ? json_write(json, JSON_COMPACT) : NULL;
    if (json && !text)
        tok_no_memory(err);
    json_decref(json);
    return text;
}
