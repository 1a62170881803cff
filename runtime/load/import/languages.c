/* The languages that a model's vocabulary names by tokens of their own, and those that its tokenizer is for. */
#include "runtime/load/import/vocabulary.h"

#include "runtime/base/text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define MAX_LANGUAGES 4096 /* NLLB has 202, MADLAD 419 */
#define MAX_CODE      32   /* bytes: "zho_Hant" has 8 */

/* How codes are written in a family's tokens: a stands for a small letter, A for a capital, * for one or more of anything. */
static const struct {
    const char *arch, *before, *form, *after;
    const char *place; /* where the token of the language to translate to stands */
} forms[] = {
    {"m2m100", "__", "aaa", "__", "decoder"},  {"m2m100", "__", "aa", "__", "decoder"},
    {"m2m100", "", "aaa_Aaaa", "", "decoder"}, {"mbart", "", "aa_AA", "", "decoder"},
    {"marian", ">>", "*", "<<", "source"},
};

static bool fits(struct hone_text code, const char *form)
{
    if (*form == '*')
        return code.size > 0 && code.size < MAX_CODE;
    for (size_t i = 0; i < code.size; i++)
        if (form[i] == 'a'   ? !islower((unsigned char)code.data[i])
            : form[i] == 'A' ? !isupper((unsigned char)code.data[i])
                             : form[i] != code.data[i])
            return false;
    return code.size == strlen(form);
}

/* The code in a token; of size 0: there is none. */
static struct hone_text code_in(struct hone_text token, size_t i_form)
{
    size_t before = strlen(forms[i_form].before), after = strlen(forms[i_form].after);
    struct hone_text none = {"", 0};
    if (token.size <= before + after || !text_begins(token, forms[i_form].before) ||
        !text_ends(token, forms[i_form].after))
        return none;
    struct hone_text code = {token.data + before, token.size - before - after};
    return fits(code, forms[i_form].form) ? code : none;
}

/* codes, ids: room for MAX_LANGUAGES. Returns how many there are. */
static size_t find_all(const struct folder *f, struct hone_text *codes, uint32_t *ids, const char **place)
{
    const struct gguf_value *tokens = gguf_find(f->g, "tokenizer.ggml.tokens");
    size_t n = 0;
    for (size_t i = 0; i < tokens->n; i++)
        for (size_t k = 0; k < sizeof forms / sizeof *forms; k++) {
            struct hone_text code = strcmp(f->arch->name, forms[k].arch) == 0 ? code_in(tokens->strings[i], k)
                                                                              : (struct hone_text){"", 0};
            if (code.size == 0 || n == MAX_LANGUAGES)
                continue;
            codes[n] = code;
            ids[n++] = (uint32_t)i;
            *place = forms[k].place;
        }
    return n;
}

static enum hone_status set_name(struct folder *f, const json_t *config, const char *names, const char *key,
                                 struct hone_error *err)
{
    const char *code = json_string_value(json_at((json_t *)config, names));
    return code && *code ? folder_set(gguf_set_string(f->g, key, code), key, err) : HONE_OK;
}

enum hone_status import_languages(struct folder *f, const json_t *config, struct hone_error *err)
{
    const char *place = "decoder";
    struct hone_text *codes = calloc(MAX_LANGUAGES, sizeof *codes);
    uint32_t *ids = calloc(MAX_LANGUAGES, sizeof *ids);
    enum hone_status status = HONE_OK;
    if (!codes || !ids)
        status = hone_no_memory(err, "the languages", MAX_LANGUAGES * sizeof *codes);
    size_t n = status == HONE_OK ? find_all(f, codes, ids, &place) : 0;
    if (n > 0)
        status = folder_set(gguf_set_texts(f->g, "hone.languages", codes, n) &&
                                gguf_set_array(f->g, "hone.language_token_ids", GGUF_U32, ids, n) &&
                                gguf_set_string(f->g, "hone.language_place", place),
                            "hone.languages", err);
    bool marian = strcmp(f->arch->name, "marian") == 0;
    if (status == HONE_OK && marian)
        status = set_name(f, config, "source_lang", "hone.source_language", err);
    if (status == HONE_OK && marian)
        status = set_name(f, config, "target_lang", "hone.target_language", err);
    free(codes);
    free(ids);
    return status;
}
