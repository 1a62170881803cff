#include "runtime/infer/languages/languages.h"

#include "runtime/base/text.h"
#include "runtime/infer/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_CODE      32 /* bytes, with the NUL */
#define MAX_LANGUAGES 4096

static enum hone_status wrong(const struct gguf *g, const char *key, const char *expected,
                              struct hone_error *err)
{
    return hone_fail(err, HONE_BAD_MODEL, "%s: the key '%s' should be %s", gguf_path(g), key, expected);
}

/* One more; its code is copied. */
static enum hone_status add(struct languages *l, struct hone_text code, int32_t id, bool from, bool to,
                            const struct gguf *g, struct hone_error *err)
{
    char *copy = l->text + l->n * MAX_CODE;
    if (code.size == 0 || code.size >= MAX_CODE || memchr(code.data, 0, code.size))
        return wrong(g, "hone.languages", "short codes", err);
    memcpy(copy, code.data, code.size);
    struct hone_language *out = &l->list[l->n];
    *out = (struct hone_language){.code = copy, .iso = copy, .name = copy, .from = from, .to = to};
    language_name(copy, &out->iso, &out->name);
    l->ids[l->n++] = id;
    return HONE_OK;
}

static enum hone_status allocate(struct languages *l, size_t n, struct hone_error *err)
{
    l->list = calloc(n, sizeof *l->list);
    l->text = calloc(n, MAX_CODE);
    l->ids = calloc(n, sizeof *l->ids);
    return l->list && l->text && l->ids ? HONE_OK : hone_no_memory(err, "the languages", n * MAX_CODE);
}

/* Those with tokens. */
static enum hone_status load_tokens(struct languages *l, const struct gguf *g, size_t n_vocab,
                                    const struct gguf_value *codes, struct hone_error *err)
{
    const struct gguf_value *ids = gguf_find(g, "hone.language_token_ids");
    struct hone_text place = {"", 0};
    enum hone_status status = gguf_get_text(g, "hone.language_place", &place, err);
    if (status == HONE_OK && codes &&
        (!codes->is_array || codes->type != GGUF_STRING || codes->n > MAX_LANGUAGES))
        return wrong(g, "hone.languages", "an array of strings", err);
    if (status == HONE_OK && codes && (!ids || !ids->is_array || ids->type != GGUF_U32 || ids->n != codes->n))
        return wrong(g, "hone.language_token_ids", "an array of u32, one a language", err);
    l->before_source = text_is(place, "source");
    if (status == HONE_OK && place.size > 0 && !l->before_source && !text_is(place, "decoder"))
        return wrong(g, "hone.language_place", "source or decoder", err);
    for (size_t i = 0; codes && i < codes->n && status == HONE_OK; i++) {
        int64_t id = gguf_int_at(ids, i);
        if (id < 0 || (uint64_t)id >= n_vocab)
            return wrong(g, "hone.language_token_ids", "tokens of the vocabulary", err);
        status = add(l, codes->strings[i], (int32_t)id, !l->before_source, true, g, err);
    }
    return status;
}

/* Those that the model is made for, which no token tells. */
static enum hone_status load_pair(struct languages *l, const struct gguf *g, struct hone_error *err)
{
    struct hone_text source = {NULL, 0}, target = {NULL, 0};
    enum hone_status status = gguf_get_text(g, "hone.source_language", &source, err);
    if (status == HONE_OK)
        status = gguf_get_text(g, "hone.target_language", &target, err);
    bool many = l->n > 0; /* the tokens say where to */
    if (status == HONE_OK && source.size > 0)
        status = add(l, source, -1, true, false, g, err);
    if (status == HONE_OK && target.size > 0 && !many)
        status = add(l, target, -1, false, true, g, err);
    return status;
}

bool languages_has(const struct languages *l, int32_t id)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->ids[i] == id)
            return true;
    return false;
}

/* As the template has it around a letter. */
static enum hone_status find_source(struct languages *l, const struct tokenizer *tokenizer,
                                    struct hone_error *err)
{
    struct hone_error why = {0};
    struct tok_encoding e = {0};
    const struct tok_options options = {.add_special = true};
    enum hone_status status = HONE_OK;
    if (l->n == 0 || l->before_source)
        return HONE_OK;
    if (!tokenizer_encode(tokenizer, (struct hone_text){"a", 1}, NULL, &options, &e, &why))
        status = hone_fail(err, why.status, "%s", why.message);
    else if (e.n > 1)
        l->source_at = languages_has(l, e.ids[0])         ? SOURCE_FIRST
                       : languages_has(l, e.ids[e.n - 1]) ? SOURCE_LAST
                                                          : SOURCE_NOWHERE;
    tok_encoding_release(&e);
    return status;
}

enum hone_status languages_load(struct languages *l, const struct gguf *g, const struct tokenizer *tokenizer,
                                struct hone_error *err)
{
    const struct gguf_value *codes = gguf_find(g, "hone.languages");
    bool any = codes || gguf_find(g, "hone.source_language") || gguf_find(g, "hone.target_language");
    enum hone_status status = any ? allocate(l, (codes ? MAX_LANGUAGES : 0) + 2, err) : HONE_OK;
    if (status == HONE_OK && any)
        status = load_tokens(l, g, tokenizer_n_tokens(tokenizer), codes, err);
    if (status == HONE_OK && any)
        status = load_pair(l, g, err);
    return status == HONE_OK ? find_source(l, tokenizer, err) : status;
}

void languages_release(struct languages *l)
{
    free(l->list);
    free(l->text);
    free(l->ids);
    *l = (struct languages){0};
}

/* ---- by their codes ---- */

static bool is_code(struct hone_text text, const char *code)
{
    return text.size == strlen(code) && strncasecmp(text.data, code, text.size) == 0;
}

/* As many of those that are possible as fit. */
static void list_codes(const struct languages *l, bool from, char *out, size_t size)
{
    size_t used = 0;
    out[0] = 0;
    for (size_t i = 0; i < l->n && used < size; i++)
        if (from ? l->list[i].from : l->list[i].to)
            used += (size_t)snprintf(out + used, size - used, "%s%s", used ? ", " : "", l->list[i].code);
    if (used >= size)
        memcpy(out + size - 4, "...", 4);
}

enum hone_status languages_find(const struct languages *l, struct hone_text code, bool from, const char *path,
                                size_t *i, struct hone_error *err)
{
    char codes[256];
    if (l->n == 0)
        return hone_fail(err, HONE_USAGE, "%s names no languages to translate from or to", path);
    for (int pass = 0; pass < 2; pass++)
        for (*i = 0; *i < l->n; (*i)++)
            if ((from ? l->list[*i].from : l->list[*i].to) &&
                is_code(code, pass ? l->list[*i].iso : l->list[*i].code))
                return HONE_OK;
    list_codes(l, from, codes, sizeof codes);
    return hone_fail(err, HONE_USAGE, "%s does not translate %s '%.*s', only %s %s", path,
                     from ? "from" : "to", (int)(code.size < 40 ? code.size : 40), code.data,
                     from ? "from" : "to", *codes ? codes : "what it is made for");
}

bool hone_model_language(const struct hone_model *model, size_t i, struct hone_language *out)
{
    if (i >= model->languages.n)
        return false;
    *out = model->languages.list[i];
    return true;
}
