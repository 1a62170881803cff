/* What Sentence-Transformers keeps beside config.json: modules.json, 1_Pooling, sentence_bert_config.json, prompts. */
#include "runtime/load/import/folder.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

struct sentence {
    enum pooling pooling;
    bool normalize;
    unsigned n_dense;
};

static enum hone_status read_pooling(const struct folder *f, const char *path, enum pooling *out,
                                     struct hone_error *err)
{
    static const struct {
        const char *key, *mode;
        enum pooling pooling;
    } modes[] = {
        {"pooling_mode_mean_tokens", "mean", POOL_MEAN},
        {"pooling_mode_cls_token", "cls", POOL_CLS},
        {"pooling_mode_lasttoken", "lasttoken", POOL_LAST},
        {"pooling_mode_max_tokens", "max", POOL_MAX},
    };
    char name[PATH_MAX];
    json_t *config;
    snprintf(name, sizeof name, "%s/config.json", path);
    enum hone_status status = folder_json(f, name, true, &config, err);
    if (status != HONE_OK)
        return status;
    const char *mode = json_string_value(json_object_get(config, "pooling_mode"));
    size_t n = 0, known = 0;
    const char *key;
    json_t *value;
    json_object_foreach (config, key, value)
        n += strncmp(key, "pooling_mode_", 13) == 0 && json_is_true(value);
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (mode ? strcmp(mode, modes[i].mode) == 0 : json_is_true(json_object_get(config, modes[i].key))) {
            *out = modes[i].pooling;
            known++;
        }
    bool prompt_excluded = json_is_false(json_object_get(config, "include_prompt"));
    json_decref(config);
    if (known != 1 || n > 1)
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s/%s: expected one pooling mode of mean, cls, last token and max", f->dir, name);
    if (prompt_excluded)
        return hone_fail(err, HONE_BAD_MODEL, "%s/%s: pooling without the prompt's tokens is not supported",
                         f->dir, name);
    return HONE_OK;
}

/* The one form of it that is in use. */
static enum hone_status read_splade(struct folder *f, const char *path, enum pooling *out,
                                    struct hone_error *err)
{
    char name[PATH_MAX];
    json_t *config;
    snprintf(name, sizeof name, "%s/config.json", path);
    enum hone_status status = folder_json(f, name, true, &config, err);
    if (status != HONE_OK)
        return status;
    const char *how = json_string_value(json_object_get(config, "pooling_strategy"));
    const char *act = json_string_value(json_object_get(config, "activation_function"));
    bool known = (!how || strcmp(how, "max") == 0) && (!act || strcmp(act, "relu") == 0);
    json_decref(config);
    *out = POOL_SPLADE;
    f->tells_words = true;
    return known ? HONE_OK
                 : hone_fail(err, HONE_BAD_MODEL, "%s/%s: expected the pooling_strategy max and relu", f->dir,
                             name);
}

/* ---- dense layers ---- they become dense_2, dense_3 and so on, as llama.cpp counts them */

static enum hone_status import_dense_tensors(struct folder *f, const char *path, unsigned i,
                                             struct hone_error *err)
{
    char dir[PATH_MAX], name[32];
    struct safetensors *tensors;
    snprintf(dir, sizeof dir, "%s/%s", f->dir, path);
    enum hone_status status = safetensors_open(&tensors, dir, err);
    if (status != HONE_OK)
        return status;
    for (size_t j = 0; j < safetensors_n(tensors) && status == HONE_OK; j++) {
        const struct safetensor *t = safetensors_at(tensors, j);
        bool weight = strcmp(t->name, "linear.weight") == 0, bias = strcmp(t->name, "linear.bias") == 0;
        if (!weight && !bias)
            status =
                hone_fail(err, HONE_BAD_MODEL, "%s: tensor '%s' has no place in a dense layer", dir, t->name);
        snprintf(name, sizeof name, "dense_%u.%s", i, weight ? "weight" : "bias");
        if (status == HONE_OK)
            status = folder_add_tensor(f, name, t, 0, t->dims[0], err);
    }
    if (status == HONE_OK && !safetensors_give_mappings(tensors, f->g))
        status = hone_no_memory(err, dir, sizeof *f);
    safetensors_close(&tensors);
    return status;
}

/* A torch class: "torch.nn.modules.activation.Tanh". */
static enum activation activation_of_class(const char *class)
{
    char name[32];
    const char *dot = strrchr(class, '.');
    int n = snprintf(name, sizeof name, "%s", dot ? dot + 1 : class);
    for (char *c = name; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return n < (int)sizeof name ? activation_by_name((struct hone_text){name, strlen(name)}) : N_ACTIVATIONS;
}

static enum hone_status import_dense(struct folder *f, const char *path, struct sentence *s,
                                     struct hone_error *err)
{
    char name[PATH_MAX], key[64];
    json_t *config;
    snprintf(name, sizeof name, "%s/config.json", path);
    enum hone_status status = folder_json(f, name, true, &config, err);
    if (status != HONE_OK)
        return status;
    unsigned i = s->n_dense++ + 2;
    const char *class = json_string_value(json_object_get(config, "activation_function"));
    enum activation act = class ? activation_of_class(class) : ACT_TANH; /* the module's own default */
    if (s->n_dense > MAX_PROJECTIONS)
        status = hone_fail(err, HONE_BAD_MODEL, "%s/modules.json: more than %d dense layers", f->dir,
                           MAX_PROJECTIONS);
    if (status == HONE_OK && act == N_ACTIVATIONS)
        status = hone_fail(err, HONE_BAD_MODEL, "%s/%s: the activation function '%s' is not supported",
                           f->dir, name, class);
    snprintf(key, sizeof key, "hone.dense_%u.activation", i);
    if (status == HONE_OK)
        status = folder_set(gguf_set_string(f->g, key, activation_name(act)), key, err);
    json_decref(config);
    return status == HONE_OK ? import_dense_tensors(f, path, i, err) : status;
}

/* ---- the list of modules ---- */

static enum hone_status read_module(struct folder *f, const json_t *module, struct sentence *s,
                                    struct hone_error *err)
{
    const char *type = json_string_value(json_object_get(module, "type"));
    const char *path = json_string_value(json_object_get(module, "path"));
    const char *kind = type && strrchr(type, '.') ? strrchr(type, '.') + 1 : "(none)";
    bool inside = path && !strstr(path, "..") && *path != '/';
    if (strcmp(kind, "Transformer") == 0 || strcmp(kind, "MLMTransformer") == 0)
        return HONE_OK;
    if (s->normalize)
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s/modules.json: the module '%s' behind the normalisation is not supported", f->dir,
                         kind);
    if (strcmp(kind, "Normalize") == 0) {
        s->normalize = true;
        return HONE_OK;
    }
    if (strcmp(kind, "Pooling") == 0 && inside && s->n_dense == 0)
        return read_pooling(f, path, &s->pooling, err);
    if (strcmp(kind, "SpladePooling") == 0 && inside)
        return read_splade(f, path, &s->pooling, err);
    if (strcmp(kind, "Dense") == 0 && inside)
        return import_dense(f, path, s, err);
    return hone_fail(err, HONE_BAD_MODEL, "%s/modules.json: the module '%s' is not supported", f->dir,
                     type ? type : "(none)");
}

static enum hone_status read_modules(struct folder *f, struct sentence *s, struct hone_error *err)
{
    json_t *modules, *module;
    size_t i;
    enum hone_status status = folder_json(f, "modules.json", false, &modules, err);
    if (status != HONE_OK || !modules)
        return status;
    s->normalize = false;
    s->pooling = POOL_TOKENS; /* where no module pools */
    json_array_foreach (modules, i, module) {
        status = read_module(f, module, s, err);
        if (status != HONE_OK)
            break;
    }
    json_decref(modules);
    return status;
}

/* ---- limits and prompts ---- */

/* The smallest of the limits that the folder's files name. */
static enum hone_status import_max_length(struct folder *f, struct hone_error *err)
{
    double limit = INT32_MAX;
    static const struct {
        const char *file, *key;
    } sources[] = {{"sentence_bert_config.json", "max_seq_length"},
                   {"tokenizer_config.json", "model_max_length"}};
    for (size_t i = 0; i < 2; i++) {
        json_t *json;
        enum hone_status status = folder_json(f, sources[i].file, false, &json, err);
        if (status != HONE_OK)
            return status;
        double n = json_number_value(json_object_get(json, sources[i].key));
        bool lower = i == 0 && json_is_true(json_object_get(json, "do_lower_case"));
        limit = n >= 1 && n < limit ? n : limit;
        json_decref(json);
        if (lower)
            return hone_fail(err, HONE_BAD_MODEL,
                             "%s/%s: do_lower_case outside the tokenizer is not supported", f->dir,
                             sources[i].file);
    }
    if (limit >= INT32_MAX)
        return HONE_OK;
    return folder_set(gguf_set_u32(f->g, "hone.max_length", (uint32_t)limit), "hone.max_length", err);
}

/* What models for late interaction call their prompts. */
static enum hone_status import_prefixes(struct folder *f, json_t *json, struct hone_error *err)
{
    static const char *const names[][2] = {{"query_prefix", "hone.prompt.query"},
                                           {"document_prefix", "hone.prompt.document"}};
    enum hone_status status = HONE_OK;
    for (size_t i = 0; i < 2 && status == HONE_OK; i++) {
        const char *text = json_string_value(json_object_get(json, names[i][0]));
        if (text && !gguf_find(f->g, names[i][1]))
            status = folder_set(gguf_set_string(f->g, names[i][1], text), names[i][1], err);
    }
    return status;
}

static enum hone_status import_prompts(struct folder *f, struct hone_error *err)
{
    json_t *json, *text;
    const char *name, *chosen;
    char key[128];
    enum hone_status status = folder_json(f, "config_sentence_transformers.json", false, &json, err);
    if (status != HONE_OK || !json)
        return status;
    json_object_foreach (json_object_get(json, "prompts"), name, text) {
        if (status != HONE_OK || !json_is_string(text))
            continue;
        int n = snprintf(key, sizeof key, "hone.prompt.%s", name);
        if (n >= (int)sizeof key)
            status =
                hone_fail(err, HONE_BAD_MODEL, "%s: the name of a prompt is too long: '%s'", f->dir, name);
        else
            status = folder_set(gguf_set_string(f->g, key, json_string_value(text)), key, err);
    }
    if (status == HONE_OK)
        status = import_prefixes(f, json, err);
    chosen = json_string_value(json_object_get(json, "default_prompt_name"));
    if (status == HONE_OK && chosen)
        status = folder_set(gguf_set_string(f->g, "hone.default_prompt", chosen), "hone.default_prompt", err);
    json_decref(json);
    return status;
}

enum hone_status import_sentence(struct folder *f, struct hone_error *err)
{
    char key[128];
    struct sentence s = {.pooling = f->two_sided                              ? POOL_MEAN
                                    : f->arch->causal || f->arch->has_decoder ? POOL_NONE
                                                                              : f->arch->pooling,
                         .normalize = true};
    enum hone_status status = import_max_length(f, err);
    if (status == HONE_OK && f->n_labels == 0)
        status = read_modules(f, &s, err);
    if (status == HONE_OK && f->n_labels == 0)
        status = import_prompts(f, err);
    if (f->n_labels > 0)
        s.pooling = POOL_RANK;
    if (s.pooling == POOL_TOKENS) /* their products are cosines, whatever the list of modules says */
        s.normalize = true;
    if (s.pooling == POOL_NONE) /* it generates */
        return status;
    snprintf(key, sizeof key, "%s.pooling_type", f->arch->name);
    if (status == HONE_OK)
        status = folder_set(gguf_set_u32(f->g, key, s.pooling), key, err);
    if (status == HONE_OK && f->n_labels == 0)
        status = folder_set(gguf_set_bool(f->g, "hone.normalize", s.normalize), "hone.normalize", err);
    return status;
}
