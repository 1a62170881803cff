/* What Sentence Transformers puts behind the layers: pooling, dense layers, norms, the words of a vocabulary. The tensors
 * become dense_2, norm_3 and so on, as llama.cpp counts them, and hone.modules says in which order. */
#include "runtime/load/import/folder.h"

#include "runtime/load/import/keys.h"
#include "runtime/load/import/sentence/modules.h"
#include "runtime/nn/head.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define TOKENS   "token_embeddings"
#define SENTENCE "sentence_embedding"
#define SCORES   "scores"

struct steps {
    enum pooling poolings[MAX_POOLINGS];
    size_t n_poolings;
    bool pooled, normalized, scores; /* so far */
    bool plain;                      /* nothing that hone.modules would have to tell */
    unsigned n;                      /* with tensors */
    char text[MAX_STEPS + 3][32];    /* of hone.modules */
    size_t n_texts;
};

static enum hone_status refuse(const struct module *m, const char *key, const char *what,
                               struct hone_error *err)
{
    return hone_fail(err, HONE_BAD_MODEL, "%s/config.json: '%s' %s", m->dir, key, what);
}

/* ---- pooling ---- */

static enum pooling pooling_of_mode(const char *mode)
{
    static const struct {
        const char *mode;
        enum pooling pooling;
    } modes[] = {{"cls", POOL_CLS},
                 {"max", POOL_MAX},
                 {"mean", POOL_MEAN},
                 {"mean_sqrt_len_tokens", POOL_ROOT},
                 {"weightedmean", POOL_WEIGHTED},
                 {"lasttoken", POOL_LAST}};
    for (size_t i = 0; mode && i < sizeof modes / sizeof *modes; i++)
        if (strcmp(mode, modes[i].mode) == 0)
            return modes[i].pooling;
    return N_POOLINGS;
}

static enum hone_status add_pooling(struct steps *s, const struct module *m, const char *mode,
                                    struct hone_error *err)
{
    enum pooling pooling = pooling_of_mode(mode);
    if (pooling == N_POOLINGS || s->n_poolings == MAX_POOLINGS)
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s/config.json: the pooling_mode '%s' is not supported, or one too many", m->dir,
                         mode ? mode : "(not a name)");
    s->poolings[s->n_poolings++] = pooling;
    return HONE_OK;
}

/* A name, a list of them, or as old versions have it, an option each; the mean where none is chosen. */
static enum hone_status read_modes(struct steps *s, const struct module *m, struct hone_error *err)
{
    static const char *const options[][2] = {{"pooling_mode_cls_token", "cls"},
                                             {"pooling_mode_max_tokens", "max"},
                                             {"pooling_mode_mean_tokens", "mean"},
                                             {"pooling_mode_mean_sqrt_len_tokens", "mean_sqrt_len_tokens"},
                                             {"pooling_mode_weightedmean_tokens", "weightedmean"},
                                             {"pooling_mode_lasttoken", "lasttoken"}};
    json_t *mode = json_object_get(m->config, "pooling_mode"), *one;
    size_t i;
    enum hone_status status = HONE_OK;
    if (json_is_array(mode)) {
        json_array_foreach (mode, i, one)
            if (status == HONE_OK)
                status = add_pooling(s, m, json_string_value(one), err);
        return s->n_poolings > 0 || status != HONE_OK ? status : refuse(m, "pooling_mode", "is empty", err);
    }
    if (mode && !json_is_null(mode))
        return add_pooling(s, m, json_string_value(mode), err);
    for (i = 0; i < sizeof options / sizeof *options && status == HONE_OK; i++)
        if (json_is_true(json_object_get(m->config, options[i][0])))
            status = add_pooling(s, m, options[i][1], err);
    return status == HONE_OK && s->n_poolings == 0 ? add_pooling(s, m, "mean", err) : status;
}

/* Sentence Transformers counts a prompt's tokens with what pads them, as the folder pads texts, which would leave nothing. */
static enum hone_status skip_prompt(struct folder *f, struct hone_error *err)
{
    static const char *const keys[] = {"padding", "pad_to_multiple_of"}, *const parts[] = {"text", "common"};
    for (size_t i = 0; i < 4; i++) {
        char path[64];
        snprintf(path, sizeof path, "processing_kwargs.%s.%s", parts[i / 2], keys[i % 2]);
        const json_t *value = json_at(f->transformer, path);
        if (value && !json_is_boolean(value))
            return keys_refuse(
                f->keys, err,
                "%s/sentence_bert_config.json: '%s' pads prompts, too, which pooling leaves out by "
                "'include_prompt'",
                f->dir, path);
    }
    return folder_set(gguf_set_bool(f->g, "hone.pooling_skips_prompt", true), "hone.pooling_skips_prompt",
                      err);
}

static enum hone_status import_pooling(struct folder *f, const struct module *m, struct steps *s,
                                       struct hone_error *err)
{
    if (s->pooled)
        return hone_fail(err, HONE_BAD_MODEL, "%s: a second pooling is not supported", m->dir);
    s->pooled = true;
    s->plain = s->plain && s->n == 0;
    snprintf(s->text[s->n_texts++], sizeof *s->text, "pooling");
    enum hone_status status = read_modes(s, m, err);
    if (status == HONE_OK && json_is_false(json_object_get(m->config, "include_prompt")))
        status = skip_prompt(f, err);
    if (status != HONE_OK || s->n_poolings == 1)
        return status;
    struct hone_text texts[MAX_POOLINGS];
    for (size_t i = 0; i < s->n_poolings; i++) {
        const char *name = pooling_name(s->poolings[i]);
        texts[i] = (struct hone_text){name, strlen(name)};
    }
    return folder_set(gguf_set_texts(f->g, "hone.poolings", texts, s->n_poolings), "hone.poolings", err);
}

static enum hone_status import_splade(struct folder *f, const struct module *m, struct steps *s,
                                      struct hone_error *err)
{
    const char *how = json_string_value(json_object_get(m->config, "pooling_strategy"));
    const char *act = json_string_value(json_object_get(m->config, "activation_function"));
    bool sum = how && strcmp(how, "sum") == 0, twice = act && strcmp(act, "log1p_relu") == 0;
    if (how && !sum && strcmp(how, "max") != 0)
        return refuse(m, "pooling_strategy", "should be max or sum", err);
    if (act && !twice && strcmp(act, "relu") != 0)
        return refuse(m, "activation_function", "should be relu or log1p_relu", err);
    s->poolings[0] = POOL_SPLADE;
    s->n_poolings = 1;
    s->pooled = f->tells_words = true;
    if (sum && !gguf_set_bool(f->g, "hone.words_summed", true))
        return hone_no_memory(err, m->dir, 1);
    return folder_set(!twice || gguf_set_bool(f->g, "hone.words_twice", true), "hone.words_twice", err);
}

/* ---- dense layers and norms ---- */

/* linear.weight as dense_N.weight; the folder's tensors are kept by the file. */
static enum hone_status import_tensors_of(struct folder *f, const struct module *m,
                                          const char *const names[][2], const char *name,
                                          struct hone_error *err)
{
    struct safetensors *tensors;
    char gguf[64];
    enum hone_status status = safetensors_open(&tensors, m->dir, err);
    for (size_t i = 0; status == HONE_OK && i < safetensors_n(tensors); i++) {
        const struct safetensor *t = safetensors_at(tensors, i);
        const char *suffix = NULL;
        for (size_t k = 0; names[k][0] && !suffix; k++)
            suffix = strcmp(t->name, names[k][0]) == 0 ? names[k][1] : NULL;
        snprintf(gguf, sizeof gguf, "%s%s", name, suffix ? suffix : "");
        status = suffix ? folder_add_tensor(f, gguf, t, 0, t->dims[0], err)
                        : hone_fail(err, HONE_BAD_MODEL, "%s: tensor '%s' has no place in a %s", m->dir,
                                    t->name, m->kind == MODULE_NORM ? "norm" : "dense layer");
    }
    if (status == HONE_OK && !safetensors_give_mappings(tensors, f->g))
        status = hone_no_memory(err, m->dir, sizeof *f);
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
    bool known = strncmp(class, "torch.nn.", 9) == 0 && n < (int)sizeof name;
    return known ? activation_by_name((struct hone_text){name, strlen(name)}) : N_ACTIVATIONS;
}

static enum hone_status next_step(struct steps *s, const struct module *m, const char *kind, char name[32],
                                  struct hone_error *err)
{
    if (s->n_texts + 1 >= sizeof s->text / sizeof *s->text)
        return hone_fail(err, HONE_BAD_MODEL, "%s: one module too many, expected at most %d", m->dir,
                         MAX_STEPS);
    snprintf(name, 32, "%s_%u", kind, s->n++ + 2);
    snprintf(s->text[s->n_texts++], sizeof *s->text, "%s", name);
    return HONE_OK;
}

/* Whether a module reads and writes what the modules before it made: vectors of tokens, or of texts. */
static enum hone_status check_features(const struct folder *f, const struct module *m, struct steps *s,
                                       struct hone_error *err)
{
    bool multi = modules_are_multi_vector(f->modules);
    const char *usual = multi || (!s->pooled && m->kind == MODULE_NORMALIZE) ? TOKENS : SENTENCE;
    const char *in = module_reads(m, usual), *out = module_writes(m, usual);
    if (s->scores)
        return hone_fail(err, HONE_BAD_MODEL, "%s: a module behind the scores is not supported", m->dir);
    if (strcmp(in, s->pooled ? SENTENCE : TOKENS) != 0)
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s/config.json: the module_input_name is '%s', but there are %s", m->dir, in,
                         s->pooled ? "vectors of texts" : "vectors of tokens");
    if (strcmp(out, in) == 0)
        return HONE_OK;
    s->scores = m->kind == MODULE_DENSE && strcmp(out, SCORES) == 0;
    if (s->scores && s->pooled)
        return HONE_OK;
    return hone_fail(err, HONE_BAD_MODEL, "%s/config.json: the module_output_name '%s' is not supported",
                     m->dir, out);
}

static enum hone_status import_dense(struct folder *f, const struct module *m, struct steps *s,
                                     struct hone_error *err)
{
    static const char *const tensors[][2] = {{"linear.weight", ".weight"},
                                             {"linear.bias", ".bias"},
                                             {"residual.weight", ".residual.weight"},
                                             {NULL, NULL}};
    char name[32], key[64];
    json_t *class = json_object_get(m->config, "activation_function");
    enum activation act =
        json_is_string(class) ? activation_of_class(json_string_value(class)) : N_ACTIVATIONS;
    if (!class)
        act = ACT_TANH; /* the module's own default */
    if (json_is_null(class))
        act = ACT_NONE;
    if (act == N_ACTIVATIONS)
        return hone_fail(err, HONE_BAD_MODEL, "%s/config.json: the activation_function '%s' is not supported",
                         m->dir, json_is_string(class) ? json_string_value(class) : "(not a name)");
    enum hone_status status = next_step(s, m, "dense", name, err);
    snprintf(key, sizeof key, "hone.%s.activation", name);
    if (status == HONE_OK)
        status = folder_set(gguf_set_string(f->g, key, activation_name(act)), key, err);
    snprintf(key, sizeof key, "hone.%s.residual", name);
    if (status == HONE_OK && json_is_true(json_object_get(m->config, "use_residual")))
        status = folder_set(gguf_set_bool(f->g, key, true), key, err);
    s->plain = s->plain && s->pooled && !s->normalized;
    if (status == HONE_OK)
        status = import_tensors_of(f, m, tensors, name, err);
    snprintf(key, sizeof key, "%s.weight", name);
    const struct gguf_tensor *weight = status == HONE_OK ? gguf_find_tensor(f->g, key) : NULL;
    if (weight && s->scores)
        f->n_scores = (size_t)weight->dims[1];
    return status;
}

static enum hone_status import_norm(struct folder *f, const struct module *m, struct steps *s,
                                    struct hone_error *err)
{
    static const char *const tensors[][2] = {
        {"norm.weight", ".weight"}, {"norm.bias", ".bias"}, {NULL, NULL}};
    char name[32];
    enum hone_status status = next_step(s, m, "norm", name, err);
    s->plain = false;
    return status == HONE_OK ? import_tensors_of(f, m, tensors, name, err) : status;
}

/* ---- the list of modules ---- */

/* A normalisation that something follows is a step; the last one is how vectors come out. */
static void keep_normalized(struct steps *s)
{
    if (s->normalized) {
        snprintf(s->text[s->n_texts++], sizeof *s->text, "normalize");
        s->plain = false;
    }
    s->normalized = false;
}

static enum hone_status import_module(struct folder *f, const struct module *m, struct steps *s,
                                      struct hone_error *err)
{
    /* Behind vectors of tokens it has nothing to work on, unless it says that it means these. */
    if (m->kind == MODULE_NORMALIZE && modules_are_multi_vector(f->modules) && !module_reads(m, NULL))
        return HONE_OK;
    bool step = m->kind == MODULE_DENSE || m->kind == MODULE_NORM || m->kind == MODULE_NORMALIZE;
    enum hone_status status = step ? check_features(f, m, s, err) : HONE_OK;
    if (status != HONE_OK)
        return status;
    switch (m->kind) {
    case MODULE_POOLING:
        keep_normalized(s);
        return import_pooling(f, m, s, err);
    case MODULE_SPLADE:
        return import_splade(f, m, s, err);
    case MODULE_STATIC:
        s->poolings[0] = POOL_MEAN;
        s->n_poolings = 1;
        s->pooled = true;
        snprintf(s->text[s->n_texts++], sizeof *s->text, "pooling");
        return HONE_OK;
    case MODULE_WEIGHTS:
        s->poolings[0] = POOL_SPLADE;
        s->n_poolings = 1;
        s->pooled = true;
        return HONE_OK;
    case MODULE_DENSE:
        keep_normalized(s);
        return import_dense(f, m, s, err);
    case MODULE_NORM:
        keep_normalized(s);
        return import_norm(f, m, s, err);
    case MODULE_NORMALIZE:
        s->normalized = true;
        return HONE_OK;
    default:
        return HONE_OK;
    }
}

static enum hone_status write_modules(struct folder *f, struct steps *s, struct hone_error *err)
{
    struct hone_text texts[sizeof s->text / sizeof *s->text];
    if (s->scores) {
        snprintf(s->text[s->n_texts++], sizeof *s->text, "scores");
        s->plain = false;
    }
    for (size_t i = 0; i < s->n_texts; i++)
        texts[i] = (struct hone_text){s->text[i], strlen(s->text[i])};
    if (s->plain)
        return HONE_OK;
    return folder_set(gguf_set_texts(f->g, "hone.modules", texts, s->n_texts), "hone.modules", err);
}

enum hone_status import_steps(struct folder *f, enum pooling *pooling, bool *normalize,
                              struct hone_error *err)
{
    struct steps s = {.plain = true};
    enum hone_status status = HONE_OK;
    for (size_t i = 0; i < f->modules->n && status == HONE_OK; i++)
        status = import_module(f, &f->modules->of[i], &s, err);
    if (status == HONE_OK)
        status = write_modules(f, &s, err);
    *normalize = s.normalized;
    *pooling = s.n_poolings > 0 ? s.poolings[0] : POOL_TOKENS; /* where no module pools */
    return status;
}
