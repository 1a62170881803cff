/* The tokens of a GLiNER model's prompt, where its folder does not say their numbers: the package adds them to the encoder's own
 * tokenizer as it opens such a folder (version 2.1's on the hub), whose table has rows for them. */
#include "runtime/load/import/vocabulary.h"

#include <string.h>

static bool is_told(const struct folder *f, const char *key)
{
    const json_t *value = json_object_get(f->spans, key);
    return value && !(json_is_integer(value) && json_integer_value(value) == -1);
}

bool import_adds_span_tokens(const struct folder *f)
{
    return f->spans && !(is_told(f, "class_token_index") && is_told(f, "vocab_size"));
}

static const char *word(const struct folder *f, const char *key, const char *otherwise)
{
    const char *text = json_string_value(json_object_get(f->spans, key));
    return text ? text : otherwise;
}

#define LABEL_TOKEN(f) word(f, "ent_token", "<<ENT>>")

/* Behind those that the configuration lists already. */
enum hone_status import_span_tokens(const struct folder *f, json_t *config, struct hone_error *err)
{
    const char *const words[] = {"[FLERT]", LABEL_TOKEN(f), word(f, "sep_token", "<<SEP>>")};
    const char *key = json_object_get(config, "extra_special_tokens") ? "extra_special_tokens"
                                                                      : "additional_special_tokens";
    json_t *extra = json_object_get(config, key);
    if (!import_adds_span_tokens(f))
        return HONE_OK;
    if (!json_is_array(extra) && !json_is_object(extra)) {
        extra = json_array();
        if (json_object_set_new(config, key, extra) != 0)
            return hone_no_memory(err, "the tokens of a prompt", sizeof words);
    }
    bool ok = true;
    for (size_t i = 0; i < sizeof words / sizeof *words && ok; i++)
        ok = json_is_array(extra) ? json_array_append_new(extra, json_string(words[i])) == 0
                                  : json_object_set_new(extra, words[i], json_string(words[i])) == 0;
    return ok ? HONE_OK : hone_no_memory(err, "the tokens of a prompt", sizeof words);
}

/* The package takes the last token but one for a label's. */
enum hone_status import_span_label(struct folder *f, const struct tok_vocab *vocab, struct hone_error *err)
{
    const char *label = LABEL_TOKEN(f);
    const size_t n = vocab->n_tokens;
    if (!import_adds_span_tokens(f))
        return HONE_OK;
    if (n >= 2 && vocab->tokens[n - 2].size == strlen(label) &&
        memcmp(vocab->tokens[n - 2].data, label, strlen(label)) == 0)
        return folder_set(gguf_set_u32(f->g, "hone.spans.label_token_id", (uint32_t)n - 2),
                          "hone.spans.label_token_id", err);
    return hone_fail(err, HONE_BAD_MODEL,
                     "%s/gliner_config.json: 'class_token_index' or 'vocab_size' is not told, and the last "
                     "token but one of %zu is not '%.64s', as it is behind the tokens of the encoder %.128s",
                     f->dir, n, label, word(f, "model_name", "that it was trained from"));
}
