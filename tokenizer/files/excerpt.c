#include "tokenizer/files/excerpt.h"

#include "tokenizer/stages/words.h"

#include <string.h>

#define LONGEST_SEARCH 4096 /* bytes */

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* ---- the pipeline ---- */

static bool is_one_of(const json_t *spec, const char *const *names)
{
    while (*names && strcmp(tok_component_type(spec), *names) != 0)
        names++;
    return *names != NULL;
}

/* A replacement of something without letters, which cannot reach from a letter to the one behind the space. */
static bool replaces_no_letters(const json_t *spec)
{
    const json_t *pattern = json_object_get(spec, "pattern");
    struct hone_text text = tok_component_text(pattern, "String");
    const char *expression = json_string_value(json_object_get(pattern, "Regex"));
    for (size_t i = 0; i < text.size; i++)
        if (is_letter(text.data[i]))
            return false;
    return text.size > 0 || (expression && strcmp(expression, " {2,}") == 0);
}

static bool normalizes_locally(const json_t *spec)
{
    static const char *const local[] = {
        "BertNormalizer", "NFC",   "NFD",     "NFKC",        "NFKD", "Lowercase",
        "StripAccents",   "Strip", "Prepend", "Precompiled", NULL};
    if (strcmp(tok_component_type(spec), "Replace") == 0)
        return replaces_no_letters(spec);
    return is_one_of(spec, local);
}

static bool cuts_locally(const json_t *spec)
{
    static const char *const local[] = {"BertPreTokenizer", "Whitespace",  "WhitespaceSplit", "Metaspace",
                                        "ByteLevel",        "Punctuation", "Digits",          NULL};
    const char *expression = json_string_value(json_object_get(json_object_get(spec, "pattern"), "Regex"));
    if (strcmp(tok_component_type(spec), "Split") == 0)
        return expression && tok_words_find(expression) != WORDS_NONE;
    return is_one_of(spec, local);
}

static bool all_are(const json_t *spec, const char *list, bool (*is_local)(const json_t *))
{
    const json_t *steps[COMPONENT_MAX_STEPS];
    struct hone_error why;
    struct complaint c = {&why};
    int n = tok_component_steps(spec, list, steps, &c);
    for (int i = 0; i < n; i++)
        if (!is_local(steps[i]))
            return false;
    return n >= 0;
}

/* ---- the vocabulary ---- */

/* A letter, and right behind it a space in one of the forms that vocabularies have for it. */
static bool spans(struct hone_text token)
{
    static const char *const spaces[] = {" ", "\xe2\x96\x81", "\xc4\xa0"};
    for (size_t i = 0; i + 1 < token.size; i++)
        for (size_t k = 0; is_letter(token.data[i]) && k < sizeof spaces / sizeof *spaces; k++) {
            size_t size = strlen(spaces[k]);
            if (i + 1 + size <= token.size && memcmp(token.data + i + 1, spaces[k], size) == 0)
                return true;
        }
    return false;
}

bool tok_excerpt_is_exact(const json_t *pipeline, const struct vocab *vocab)
{
    for (size_t i = 0; i < vocab->n; i++)
        if (spans(vocab_text(vocab, i)))
            return false;
    return all_are(json_object_get(pipeline, "normalizer"), "normalizers", normalizes_locally) &&
           all_are(json_object_get(pipeline, "pre_tokenizer"), "pretokenizers", cuts_locally);
}

size_t tok_excerpt_end(struct hone_text text, size_t at)
{
    size_t first = at > LONGEST_SEARCH ? at - LONGEST_SEARCH : 1;
    for (; at >= first && at + 1 < text.size; at--)
        if (is_letter(text.data[at - 1]) && text.data[at] == ' ' && is_letter(text.data[at + 1]))
            return at;
    return 0;
}
