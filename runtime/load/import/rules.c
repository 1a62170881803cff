/* generation_config.json of a model that writes text, or where there is none, config.json: how it searches, and which tokens
 * may come. What changes texts and is not known is refused by its name. */
#include "runtime/load/import/folder.h"
#include "runtime/load/import/keys.h"

#include "runtime/base/json.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX    "hone.generation."
#define MAX_WORDS 65536 /* tokens of a list */

/* Read here or in decoder.c and generation.c. */
static const struct key_spec read_keys[] = {
    {"bos_token_id", NULL},
    {"eos_token_id", NULL},
    {"pad_token_id", NULL},
    {"decoder_start_token_id", NULL},
    {"forced_bos_token_id", NULL},
    {"forced_eos_token_id", NULL},
    {"no_repeat_ngram_size", NULL},
    {"encoder_no_repeat_ngram_size", NULL},
    {"repetition_penalty", NULL},
    {"min_length", NULL},
    {"min_new_tokens", NULL},
    {"max_length", NULL},
    {"max_new_tokens", NULL},
    {"bad_words_ids", NULL},
    {"suppress_tokens", NULL},
    {"begin_suppress_tokens", NULL},
    {"num_beams", NULL},
    {"length_penalty", NULL},
    {"early_stopping", "true|false|\"never\""},
    {NULL, NULL},
};

/* Of texts that are drawn by lot, which hone's own settings are for; of speed, and of what is told beside a text. */
static const struct key_spec other_keys[] = {
    {"_from_model_config", NULL},
    {"_commit_hash", NULL},
    {"transformers_version", NULL},
    {"do_sample", NULL},
    {"temperature", NULL},
    {"top_k", NULL},
    {"top_p", NULL},
    {"min_p", NULL},
    {"top_h", NULL},
    {"typical_p", NULL},
    {"epsilon_cutoff", NULL},
    {"eta_cutoff", NULL},
    {"num_return_sequences", NULL},
    {"output_*", NULL},
    {"return_dict_in_generate", NULL},
    {"return_legacy_cache", NULL},
    {"use_cache", NULL},
    {"cache_config", NULL},
    {"max_cache_len", NULL},
    {"use_mtp", NULL},
    {"speculation_type", NULL},
    {"continuous_batching_config", NULL},
    {"prefill_chunk_size", NULL},
    {"low_memory", NULL},
    {"compile_config", NULL},
    {"disable_compile", NULL},
    {"is_assistant", NULL},
    {"num_assistant_tokens*", NULL},
    {"assistant_*", NULL},
    {"prompt_lookup_num_tokens", NULL},
    {"max_matching_ngram_size", NULL},
    {"target_lookbehind", NULL},
    {"remove_invalid_values", NULL},
    {"trust_remote_code", NULL},
    {NULL, NULL},
};

/* Known in one form only, in either file. */
static const struct key_spec fixed_keys[] = {
    {"num_beam_groups", "1"},
    {"diversity_penalty", "0.0|0"},
    {"encoder_repetition_penalty", "1.0|1"},
    {"renormalize_logits", "false"},
    {"guidance_scale", "1.0|1"},
    {"token_healing", "false"},
    {"exponential_decay_length_penalty", "null"},
    /* "quantized" computes other numbers; the others differ in speed. */
    {"cache_implementation",
     "\"dynamic\"|\"static\"|\"offloaded\"|\"offloaded_static\"|\"hybrid\"|\"hybrid_chunked\"|"
     "\"offloaded_hybrid\"|\"offloaded_hybrid_chunked\"|\"sliding_window\"|\"paged\""},
    {NULL, NULL},
};

/* Of a model without an encoder. */
static const struct key_spec causal_keys[] = {
    {"num_beams", "1"},
    {"encoder_no_repeat_ngram_size", "0"},
    {"forced_bos_token_id", "-1"},
    {"chat_format", NULL}, /* of programs around it */
    {"max_window_size", NULL},
    {"user_token_id", NULL},
    {"assistant_token_id", NULL},
    {"bos_token", NULL},
    {"eos_token", NULL},
    {NULL, NULL},
};
static const struct key_spec no_keys[] = {{NULL, NULL}};

static enum hone_status wrong(const struct folder *f, const char *name, const char *expected,
                              struct hone_error *err)
{
    return hone_fail(err, HONE_BAD_MODEL, "%s: '%s' of its settings of generating should be %s", f->dir, name,
                     expected);
}

static enum hone_status set_size(struct folder *f, json_t *config, const char *name, struct hone_error *err)
{
    char key[96];
    json_t *value = json_at(config, name);
    json_int_t n = json_integer_value(value);
    if (!value)
        return HONE_OK;
    /* "No limit" of old configurations is a number of its own. */
    if (!json_is_integer(value) || n < 0 || n > INT32_MAX)
        return wrong(f, name, "a number", err);
    snprintf(key, sizeof key, PREFIX "%s", name);
    return n > 0 ? folder_set(gguf_set_u32(f->g, key, (uint32_t)n), key, err) : HONE_OK;
}

static enum hone_status set_sizes(struct folder *f, json_t *config, struct hone_error *err)
{
    static const char *const names[] = {"no_repeat_ngram_size",
                                        "encoder_no_repeat_ngram_size",
                                        "min_length",
                                        "min_new_tokens",
                                        "max_length",
                                        "max_new_tokens",
                                        "num_beams"};
    enum hone_status status = HONE_OK;
    /* Old configurations of causal models have a limit that nobody chose. */
    bool limits = f->arch->has_decoder || config != f->config;
    for (size_t i = 0; i < sizeof names / sizeof *names && status == HONE_OK; i++)
        if (limits || strcmp(names[i], "max_length") != 0)
            status = set_size(f, config, names[i], err);
    return status;
}

/* A token, or a list of one. */
static enum hone_status set_token(struct folder *f, json_t *config, const char *name, struct hone_error *err)
{
    char key[96];
    json_t *value = json_at(config, name);
    if (json_is_array(value) && json_array_size(value) == 1)
        value = json_array_get(value, 0);
    json_int_t id = json_integer_value(value);
    if (!value)
        return HONE_OK;
    if (!json_is_integer(value) || id < 0 || id > INT32_MAX)
        return wrong(f, name, "one token", err);
    snprintf(key, sizeof key, PREFIX "%s", name);
    return folder_set(gguf_set_u32(f->g, key, (uint32_t)id), key, err);
}

static enum hone_status set_number(struct folder *f, json_t *config, const char *name, double least,
                                   struct hone_error *err)
{
    char key[96];
    json_t *value = json_at(config, name);
    double x = json_number_value(value);
    if (!value || x == 1)
        return HONE_OK;
    if (!json_is_number(value) || !(x > least) || x > 1e6)
        return wrong(f, name, "a number", err);
    snprintf(key, sizeof key, PREFIX "%s", name);
    return folder_set(gguf_set_f32(f->g, key, (float)x), key, err);
}

/* Appends the tokens of `list` to ids [*n]. */
static bool add_tokens(const json_t *list, uint32_t *ids, size_t *n)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *id = json_array_get(list, i);
        if (*n == MAX_WORDS || !json_is_integer(id) || json_integer_value(id) < 0 ||
            json_integer_value(id) > INT32_MAX)
            return false;
        ids[(*n)++] = (uint32_t)json_integer_value(id);
    }
    return true;
}

/* ids, sizes: room for MAX_WORDS. */
static enum hone_status set_bad_words(struct folder *f, json_t *config, uint32_t *ids, uint32_t *sizes,
                                      struct hone_error *err)
{
    json_t *words = json_at(config, "bad_words_ids");
    size_t n = 0, n_words = json_array_size(words);
    bool ok = !words || (json_is_array(words) && n_words <= MAX_WORDS);
    for (size_t i = 0; i < n_words && ok; i++) {
        const json_t *word = json_array_get(words, i);
        sizes[i] = (uint32_t)json_array_size(word);
        ok = sizes[i] > 0 && add_tokens(word, ids, &n);
    }
    if (!ok)
        return wrong(f, "bad_words_ids", "a list of lists of tokens", err);
    if (n_words == 0)
        return HONE_OK;
    return folder_set(gguf_set_array(f->g, PREFIX "bad_words_ids", GGUF_U32, ids, n) &&
                          gguf_set_array(f->g, PREFIX "bad_words_sizes", GGUF_U32, sizes, n_words),
                      PREFIX "bad_words_ids", err);
}

static enum hone_status set_list(struct folder *f, json_t *config, const char *name, uint32_t *ids,
                                 struct hone_error *err)
{
    char key[96];
    json_t *list = json_at(config, name);
    size_t n = 0;
    if (list && (!json_is_array(list) || !add_tokens(list, ids, &n)))
        return wrong(f, name, "a list of tokens", err);
    snprintf(key, sizeof key, PREFIX "%s", name);
    return n > 0 ? folder_set(gguf_set_array(f->g, key, GGUF_U32, ids, n), key, err) : HONE_OK;
}

static enum hone_status set_lists(struct folder *f, json_t *config, struct hone_error *err)
{
    uint32_t *ids = malloc(2 * MAX_WORDS * sizeof *ids);
    if (!ids)
        return hone_no_memory(err, "lists of tokens", 2 * MAX_WORDS * sizeof *ids);
    enum hone_status status = set_bad_words(f, config, ids, ids + MAX_WORDS, err);
    if (status == HONE_OK)
        status = set_list(f, config, "suppress_tokens", ids, err);
    if (status == HONE_OK)
        status = set_list(f, config, "begin_suppress_tokens", ids, err);
    free(ids);
    return status;
}

static enum hone_status set_stop(struct folder *f, json_t *config, struct hone_error *err)
{
    const json_t *value = json_at(config, "early_stopping");
    const char *stop = json_is_true(value) ? "true" : json_string_value(value);
    return stop ? folder_set(gguf_set_string(f->g, PREFIX "early_stopping", stop), PREFIX "early_stopping",
                             err)
                : HONE_OK;
}

/* Of config.json the keys of generating have been passed over so far. */
static enum hone_status check(struct folder *f, const json_t *generation, struct hone_error *err)
{
    char path[PATH_MAX];
    static const struct key_spec any[] = {{"*", NULL}, {NULL, NULL}};
    const struct key_spec *causal = f->arch->has_decoder ? no_keys : causal_keys;
    const struct key_spec *const own[] = {causal, read_keys, other_keys, fixed_keys, NULL};
    const struct key_spec *const old[] = {causal, fixed_keys, any, NULL};
    snprintf(path, sizeof path, "%s/%s", f->dir, generation ? "generation_config.json" : "config.json");
    return keys_check(f->keys, path, generation ? generation : f->config, generation ? own : old, err);
}

enum hone_status import_rules(struct folder *f, struct hone_error *err)
{
    json_t *generation;
    enum hone_status status = folder_json(f, "generation_config.json", false, &generation, err);
    if (status == HONE_OK)
        status = check(f, generation, err);
    json_t *config = generation ? generation : f->config;
    if (status == HONE_OK)
        status = set_sizes(f, config, err);
    if (status == HONE_OK)
        status = set_token(f, config, "forced_bos_token_id", err);
    if (status == HONE_OK)
        status = set_token(f, config, "forced_eos_token_id", err);
    if (status == HONE_OK)
        status = set_number(f, config, "repetition_penalty", 0, err);
    if (status == HONE_OK)
        status = set_number(f, config, "length_penalty", -1e6, err);
    if (status == HONE_OK)
        status = set_lists(f, config, err);
    if (status == HONE_OK)
        status = set_stop(f, config, err);
    json_decref(generation);
    return status;
}
