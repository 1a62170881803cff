/* What adapter_config.json says. */
#include "runtime/load/lora/config.h"

#include "runtime/base/json.h"
#include "runtime/load/import/folder.h"
#include "runtime/load/import/keys.h"

#include <limits.h>
#include <math.h>
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>
#include <string.h>

#define MATCH_LIMIT 100000 /* steps: patterns are hostile, names are short */

const char lora_config_name[] = "adapter_config.json";

/* What the product has to know, and what has no effect on it. */
static const struct key_spec known[] = {
    {"peft_type", "\"LORA\""},
    {"r", NULL},
    {"lora_alpha", NULL},
    {"use_rslora", "true|false"},
    {"fan_in_fan_out", "true|false"},
    {"bias", "\"none\"|\"all\"|\"lora_only\""}, /* the tensors tell */
    {"use_dora", "true|false"},
    {"lora_bias", "true|false"},
    {"use_qalora", "false"},
    {"modules_to_save", NULL},
    {"rank_pattern", NULL}, /* the tensors tell */
    {"alpha_pattern", NULL},
    {"trainable_token_indices", "[]"},
    {"layer_replication", "[]"},
    {"alora_invocation_tokens", "[]"},
    {"base_model_name_or_path", NULL},
    {"task_type", NULL},
    {"auto_mapping", NULL},
    {"inference_mode", NULL},
    {"revision", NULL},
    {"peft_version", NULL},
    {"lora_dropout", NULL},
    /* Others (pissa, olora, corda, loftq) change the weights that the adapter is added to. */
    {"init_lora_weights", "true|false|\"gaussian\"|\"eva\"|\"orthogonal\""},
    {"layers_*", NULL},
    {"target_*", NULL},
    {"exclude_modules", NULL},
    {"megatron_*", NULL},
    {"loftq_config", NULL},
    {"eva_config", NULL},
    {"corda_config", NULL},
    {"lora_ga_config", NULL},
    {"qalora_group_size", NULL},
    {"runtime_config", NULL},
    {"ensure_weight_tying", "true|false"},
    {NULL, NULL},
};

/* ---- what a product is multiplied by ---- */

/* Whether a pattern (a regular expression, as Python has them) fits a module's name, or its end behind a point. */
static enum hone_status fits(const struct lora_config *c, const char *pattern, const char *module, bool *out,
                             struct hone_error *err)
{
    char expression[600];
    int code;
    PCRE2_SIZE at;
    *out = false;
    const int n = snprintf(expression, sizeof expression, "(.*\\.)?(%s)$", pattern);
    pcre2_code *compiled =
        n > 0 && n < (int)sizeof expression
            ? pcre2_compile((PCRE2_SPTR)expression, (PCRE2_SIZE)n, PCRE2_ANCHORED, &code, &at, NULL)
            : NULL;
    pcre2_match_data *match = compiled ? pcre2_match_data_create(1, NULL) : NULL;
    pcre2_match_context *limits = match ? pcre2_match_context_create(NULL) : NULL;
    int found = PCRE2_ERROR_MATCHLIMIT;
    if (limits) {
        pcre2_set_match_limit(limits, MATCH_LIMIT);
        found = pcre2_match(compiled, (PCRE2_SPTR)module, strlen(module), 0, 0, match, limits);
    }
    pcre2_match_context_free(limits);
    pcre2_match_data_free(match);
    pcre2_code_free(compiled);
    *out = found >= 0;
    if (found >= 0 || found == PCRE2_ERROR_NOMATCH)
        return HONE_OK;
    return hone_fail(err, HONE_BAD_MODEL,
                     "%s/%s: 'alpha_pattern' has '%.100s', which is no expression that can be met", c->dir,
                     lora_config_name, pattern);
}

/* The first pattern that fits says it, or one that is the name itself; else lora_alpha. */
static enum hone_status alpha_of(const struct lora_config *c, const char *module, double *alpha,
                                 struct hone_error *err)
{
    json_t *patterns = json_object_get(c->json, "alpha_pattern"), *value,
           *found = json_object_get(patterns, module);
    const char *pattern;
    json_object_foreach (patterns, pattern, value) {
        bool fitting;
        enum hone_status status = fits(c, pattern, module, &fitting, err);
        if (status != HONE_OK)
            return status;
        if (fitting) {
            found = value;
            break;
        }
    }
    *alpha = json_number_value(found ? found : json_object_get(c->json, "lora_alpha"));
    if (*alpha > 0 && *alpha < 1e6)
        return HONE_OK;
    return hone_fail(err, HONE_BAD_MODEL, "%s/%s: '%s' should be a number above 0", c->dir, lora_config_name,
                     found ? "alpha_pattern" : "lora_alpha");
}

enum hone_status lora_config_scale(const struct lora_config *c, const char *name, size_t rank, float *scale,
                                   struct hone_error *err)
{
    char module[700];
    double alpha = 0;
    snprintf(module, sizeof module, "%.*s", (int)(strlen(name) - strlen(".weight")), name);
    enum hone_status status = alpha_of(c, module, &alpha, err);
    *scale = (float)alpha / (c->root ? sqrtf((float)rank) : (float)rank);
    return status;
}

/* ---- all of it ---- */

/* Whether a table of token embeddings, or the head, is among the modules that were trained whole. */
static bool is_of_embeddings(const json_t *modules)
{
    static const char *const names[] = {"embed_tokens", "lm_head",       "wte",    "word_embeddings",
                                        "embed_in",     "embed_out",     "shared", "embeddings",
                                        "embed",        "tok_embeddings"};
    size_t i;
    json_t *module;
    json_array_foreach (modules, i, module) {
        const char *name = json_string_value(module), *last = name ? strrchr(name, '.') : NULL;
        for (size_t k = 0; name && k < sizeof names / sizeof *names; k++)
            if (strcmp(last ? last + 1 : name, names[k]) == 0)
                return true;
    }
    return false;
}

static bool is_or_null(const json_t *value, json_type type)
{
    return !value || json_is_null(value) || json_typeof(value) == type;
}

enum hone_status lora_config_read(struct lora_config *c, const char *dir, struct hone_error *err)
{
    char path[PATH_MAX];
    struct keys keys = {.force = false};
    c->dir = dir;
    enum hone_status status = folder_json_in(dir, lora_config_name, true, &c->json, err);
    if (status != HONE_OK)
        return status;
    snprintf(path, sizeof path, "%s/%s", dir, lora_config_name);
    status = keys_check(&keys, path, c->json, (const struct key_spec *const[]){known, NULL}, err);
    keys_release(&keys);
    const json_t *modules = json_object_get(c->json, "modules_to_save");
    if (status == HONE_OK && !is_or_null(json_object_get(c->json, "alpha_pattern"), JSON_OBJECT))
        status = hone_fail(err, HONE_BAD_MODEL, "%s: 'alpha_pattern' should be an object of numbers", path);
    if (status == HONE_OK && !is_or_null(modules, JSON_ARRAY))
        status = hone_fail(err, HONE_BAD_MODEL, "%s: 'modules_to_save' should be a list of names", path);
    double alpha = json_number_value(json_object_get(c->json, "lora_alpha"));
    if (status == HONE_OK && !(alpha > 0 && alpha < 1e6))
        status = hone_fail(err, HONE_BAD_MODEL, "%s: 'lora_alpha' should be a number above 0", path);
    c->root = json_is_true(json_object_get(c->json, "use_rslora"));
    c->dora = json_is_true(json_object_get(c->json, "use_dora"));
    c->bias = json_is_true(json_object_get(c->json, "lora_bias"));
    c->keeps_ties = json_is_true(json_object_get(c->json, "ensure_weight_tying"));
    c->saves_embeddings = is_of_embeddings(modules);
    return status;
}
