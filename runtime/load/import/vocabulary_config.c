/* What a folder's files say of its tokenizer, as one configuration. */
#include "runtime/load/import/keys.h"
#include "runtime/load/import/vocabulary.h"
#include "tokenizer/files/spiece.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* Its keys are the tokens' numbers. */
static enum hone_status check_decoder(const struct folder *f, json_t *config, struct hone_error *err)
{
    json_t *decoder = json_object_get(config, "added_tokens_decoder"), *token;
    const char *key;
    if (decoder && !json_is_object(decoder) && !json_is_null(decoder))
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s/tokenizer_config.json: 'added_tokens_decoder' should be an object", f->dir);
    json_object_foreach (decoder, key, token) {
        const size_t n = strspn(key, "0123456789");
        if (n == 0 || n > 9 || key[n])
            return hone_fail(err, HONE_BAD_MODEL,
                             "%s/tokenizer_config.json: 'added_tokens_decoder' has the key '%.32s', expected "
                             "the number of a token",
                             f->dir, key);
    }
    return HONE_OK;
}

/* How many tokens classes add by themselves, T5's marks and Pegasus' unknown ones; null is the class's own number. */
static enum hone_status check_numbers(const struct folder *f, const json_t *config, struct hone_error *err)
{
    static const char *const keys[] = {"extra_ids", "offset"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const json_t *value = json_object_get(config, keys[i]);
        const json_int_t n = json_integer_value(value);
        if (value && !json_is_null(value) && !(json_is_integer(value) && n >= 0 && n <= SPIECE_MAX_EXTRA))
            return hone_fail(err, HONE_BAD_MODEL,
                             "%s/tokenizer_config.json: '%s' should be a number of tokens, 0 to %d", f->dir,
                             keys[i], SPIECE_MAX_EXTRA);
    }
    return HONE_OK;
}

static const char extra[] = "extra_special_tokens", named[] = "model_specific_special_tokens";

/* Those that have names go to others that do, or in their place. */
static bool move_named(json_t *config, bool beside)
{
    json_t *list = json_object_get(config, extra), *known = json_object_get(config, named);
    if (!json_is_object(list))
        return true;
    return (beside && json_is_object(known) ? json_object_update(known, list)
                                            : json_object_set(config, named, list)) == 0 &&
           json_object_del(config, extra) == 0;
}

/* The list's old name counts where there is nothing under the new one. It stays for who reads it alone. */
static bool rename_extra(json_t *config)
{
    json_t *old = json_object_get(config, "additional_special_tokens");
    const json_t *list = json_object_get(config, extra);
    const bool empty = json_array_size(list) + json_object_size(list) == 0;
    return (!old || !empty || json_object_set(config, extra, old) == 0) && move_named(config, false);
}

/* The configuration's list with what of another one is not in it. */
static bool extend_extra(json_t *config, const json_t *more)
{
    const json_t *known = json_object_get(config, extra);
    json_t *all = json_is_array(known) ? json_copy((json_t *)known) : json_array();
    bool ok = all != NULL;
    for (size_t i = 0; i < json_array_size(more) && ok; i++) {
        json_t *token = json_array_get(more, i);
        bool found = false;
        for (size_t k = 0; k < json_array_size(known) && !found; k++)
            found = json_equal(json_array_get(known, k), token);
        ok = found || json_array_append(all, token) == 0;
    }
    return json_object_set_new(config, extra, all) == 0 && ok;
}

/* As transformers does it: what the older file has goes before, but for the list of extra tokens, which come to the others. */
static bool merge(json_t *config, const json_t *map)
{
    const char *key;
    json_t *value;
    bool ok = true;
    json_object_foreach ((json_t *)map, key, value)
        ok = ok &&
             (strcmp(key, extra) == 0 && json_is_array(value) ? extend_extra(config, value)
                                                              : json_object_set(config, key, value) == 0);
    return ok && move_named(config, true);
}

enum hone_status vocabulary_read_config(const struct folder *f, json_t **out, struct hone_error *err)
{
    json_t *map = NULL;
    char path[PATH_MAX];
    *out = NULL;
    if (folder_reads_plain_tokenizer(f))
        return HONE_OK;
    enum hone_status status = folder_json(f, "tokenizer_config.json", false, out, err);
    snprintf(path, sizeof path, "%s/tokenizer_config.json", f->dir);
    if (status == HONE_OK)
        status = keys_check_tokenizer(f->keys, path, *out, err);
    if (status == HONE_OK)
        status = check_decoder(f, *out, err);
    if (status == HONE_OK)
        status = check_numbers(f, *out, err);
    if (status == HONE_OK && !json_object_get(*out, "added_tokens_decoder"))
        status = folder_json(f, "special_tokens_map.json", false, &map, err);
    if (status == HONE_OK && !*out)
        *out = json_object();
    if (status == HONE_OK && !(*out && rename_extra(*out) && merge(*out, map)))
        status = hone_no_memory(err, "special_tokens_map.json", json_object_size(map));
    json_decref(map);
    return status;
}
