/* What Sentence Transformers keeps beside config.json of the whole model: limits, prompts, how vectors are compared. */
#include "runtime/load/import/folder.h"

#include "runtime/load/import/keys.h"
#include "runtime/load/import/sentence/modules.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- limits ---- */

enum hone_status folder_transformer_config(const struct folder *f, json_t **out, struct hone_error *err)
{
    static const char *const names[] = {"sentence_bert_config.json",       "sentence_roberta_config.json",
                                        "sentence_distilbert_config.json", "sentence_camembert_config.json",
                                        "sentence_albert_config.json",     "sentence_xlm-roberta_config.json",
                                        "sentence_xlnet_config.json"};
    char path[PATH_MAX];
    enum hone_status status = HONE_OK;
    *out = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names && !*out && status == HONE_OK; i++) {
        status = folder_json(f, names[i], false, out, err);
        snprintf(path, sizeof path, "%s/%s", f->dir, names[i]);
        if (status == HONE_OK && json_object_size(*out) > 0)
            return keys_check_transformer(f->keys, path, *out, err);
        json_decref(*out); /* an empty one is as good as none */
        *out = NULL;
    }
    return status;
}

/* 0: nothing that limits. "No limit" may be a very large number. */
static double limit_at(json_t *config, const char *path)
{
    double n = json_number_value(json_at(config, path));
    return n >= 1 && n < INT32_MAX ? n : 0;
}

/* Transformers cuts texts at numbers below 1, too, wherever that may be. */
static enum hone_status check_limits(const struct folder *f, json_t *tokenizer, struct hone_error *err)
{
    const struct {
        json_t *config;
        const char *key;
    } places[] = {{f->transformer, "max_seq_length"},
                  {f->transformer, "tokenizer_args.model_max_length"},
                  {f->transformer, "processor_kwargs.model_max_length"},
                  {f->transformer, "processing_kwargs.text.max_length"},
                  {f->transformer, "processing_kwargs.common.max_length"},
                  {tokenizer, "model_max_length"}};
    enum hone_status status = HONE_OK;
    for (size_t i = 0; i < sizeof places / sizeof *places && status == HONE_OK; i++) {
        const json_t *value = json_at(places[i].config, places[i].key);
        if (value && !json_is_null(value) && !(json_number_value(value) >= 1))
            status = keys_refuse(f->keys, err, "%s: '%s' should be a number above 0", f->dir, places[i].key);
    }
    return status;
}

/* Rotary positions go on behind the last one that config.json has, and Sentence Transformers goes there where it is told to. */
static enum hone_status check_positions(const struct folder *f, struct hone_error *err)
{
    char key[128];
    snprintf(key, sizeof key, "%s.context_length", f->arch->name);
    const struct gguf_value *positions = gguf_find(f->g, key);
    double limit = limit_at(f->transformer, "max_seq_length");
    bool rotates = false;
    for (const struct param_spec *p = f->arch->params; p->hf; p++)
        rotates = rotates || p->offset == PARAM(rope_base);
    if (!rotates || !positions || limit <= (double)gguf_int_at(positions, 0))
        return HONE_OK;
    return keys_refuse(
        f->keys, err,
        "%s/sentence_bert_config.json: 'max_seq_length' is %.0f, but config.json has %lld positions",
        f->modules->root, limit, (long long)gguf_int_at(positions, 0));
}

/* The limit that Sentence Transformers gives a tokenizer counts whatever its own says. What a tokenizer is called with cuts
 * texts once more. */
static enum hone_status import_max_length(struct folder *f, struct hone_error *err)
{
    json_t *tokenizer = NULL;
    enum hone_status status = HONE_OK;
    if (!folder_reads_plain_tokenizer(f))
        status = folder_json(f, "tokenizer_config.json", false, &tokenizer, err);
    if (status == HONE_OK)
        status = check_limits(f, tokenizer, err);
    if (status == HONE_OK)
        status = check_positions(f, err);
    if (status != HONE_OK) {
        json_decref(tokenizer);
        return status;
    }
    double limit =
        limit_at(f->transformer, "processor_kwargs.model_max_length|tokenizer_args.model_max_length");
    if (limit == 0)
        limit = limit_at(f->transformer, "max_seq_length");
    if (limit == 0)
        limit = limit_at(tokenizer, "model_max_length");
    double call =
        limit_at(f->transformer, "processing_kwargs.common.max_length|processing_kwargs.text.max_length");
    limit = call > 0 ? call : limit;
    if (f->longest > 0 && (limit == 0 || f->longest < limit))
        limit = f->longest;
    json_decref(tokenizer);
    f->max_length = (uint32_t)limit;
    return HONE_OK;
}

/* ---- prompts ---- */

static enum hone_status set_prompt(struct folder *f, const char *name, const char *before, const char *text,
                                   struct hone_error *err)
{
    char key[128], *joined;
    int n = snprintf(key, sizeof key, "hone.prompt.%s", name);
    if (n >= (int)sizeof key)
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s/config_sentence_transformers.json: the name of a prompt is too long: '%s'",
                         f->modules->root, name);
    if (asprintf(&joined, "%s%s", before, text) < 0)
        return hone_no_memory(err, "a prompt", strlen(text));
    enum hone_status status = folder_set(gguf_set_string(f->g, key, joined), key, err);
    free(joined);
    return status;
}

/* PyLate puts a prefix before the prompt of a side, unless the prompt begins with it. */
static const char *prefix_of(const struct folder *f, const char *name)
{
    const char *prefix = strcmp(name, "query") == 0      ? modules_text(f->modules, "query_prefix")
                         : strcmp(name, "document") == 0 ? modules_text(f->modules, "document_prefix")
                                                         : NULL;
    return prefix && modules_are_multi_vector(f->modules) ? prefix : "";
}

static enum hone_status import_prompts(struct folder *f, struct hone_error *err)
{
    static const char *const sides[] = {"query", "document"};
    const char *name, *chosen = modules_text(f->modules, "default_prompt_name");
    json_t *prompts = json_object_get(f->modules->settings, "prompts"), *value;
    enum hone_status status = HONE_OK;
    json_object_foreach (prompts, name, value) {
        const char *text = json_string_value(value), *prefix = prefix_of(f, name);
        if (status == HONE_OK && text)
            status = set_prompt(f, name, strncmp(text, prefix, strlen(prefix)) == 0 ? "" : prefix, text, err);
    }
    for (size_t i = 0; i < 2 && status == HONE_OK; i++)
        if (*prefix_of(f, sides[i]) && !json_is_string(json_object_get(prompts, sides[i])))
            status = set_prompt(f, sides[i], prefix_of(f, sides[i]), "", err);
    if (status == HONE_OK && chosen)
        status = folder_set(gguf_set_string(f->g, "hone.default_prompt", chosen), "hone.default_prompt", err);
    return status;
}

/* ---- what vectors are for ---- */

static enum hone_status import_similarity(struct folder *f, struct hone_error *err)
{
    static const char *const known[][2] = {{"cosine", "cosine"},       {"dot", "dot"},
                                           {"dot_product", "dot"},     {"euclidean", "euclidean"},
                                           {"manhattan", "manhattan"}, {"maxsim", "maxsim"},
                                           {"MaxSim", "maxsim"},       {"meanmaxsim", "meanmaxsim"}};
    const char *name = modules_text(f->modules, "similarity_fn_name");
    if (!name)
        return HONE_OK;
    bool multi = modules_are_multi_vector(f->modules), sums = strcasestr(name, "maxsim") && !multi;
    if (multi &&
        !strcasestr(name, "maxsim")) /* as in Sentence Transformers, it says nothing of vectors of tokens */
        return HONE_OK;
    for (size_t i = 0; i < sizeof known / sizeof *known && !sums; i++)
        if (strcmp(name, known[i][0]) == 0)
            return folder_set(gguf_set_string(f->g, "hone.similarity", known[i][1]), "hone.similarity", err);
    return hone_fail(err, HONE_BAD_MODEL,
                     "%s/config_sentence_transformers.json: the similarity_fn_name '%s' is not supported%s",
                     f->modules->root, name, sums ? " for models of one vector a text" : "");
}

static enum hone_status import_count(struct folder *f, const char *name, const char *key,
                                     struct hone_error *err)
{
    json_t *value = json_at(f->modules->settings, name);
    json_int_t n = json_integer_value(value);
    if (value && (!json_is_integer(value) || n < 1 || n > INT32_MAX))
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s/config_sentence_transformers.json: '%s' should be a number above 0",
                         f->modules->root, name);
    return value ? folder_set(gguf_set_u32(f->g, key, (uint32_t)n), key, err) : HONE_OK;
}

static enum hone_status import_settings(struct folder *f, struct hone_error *err)
{
    enum hone_status status = import_prompts(f, err);
    if (status == HONE_OK)
        status = import_similarity(f, err);
    if (status == HONE_OK)
        status = import_count(f, "truncate_dim", "hone.truncate_dim", err);
    return status == HONE_OK ? import_count(f, "max_active_dims", "hone.max_active_dims", err) : status;
}

/* ---- pairs of causal models ---- */

static enum hone_status import_token(struct folder *f, const struct module *m, const char *name,
                                     bool required, struct hone_error *err)
{
    char key[64];
    json_t *id = json_object_get(m->config, name);
    json_int_t n = json_integer_value(id);
    snprintf(key, sizeof key, "hone.%s", name);
    if ((!id || json_is_null(id)) && !required)
        return HONE_OK;
    if (!json_is_integer(id) || n < 0 || n > INT32_MAX)
        return hone_fail(err, HONE_BAD_MODEL, "%s/config.json: '%s' should be a token", m->dir, name);
    return folder_set(gguf_set_u32(f->g, key, (uint32_t)n), key, err);
}

static enum hone_status import_logit_score(struct folder *f, const struct module *m, struct hone_error *err)
{
    enum hone_status status = import_token(f, m, "true_token_id", true, err);
    if (status == HONE_OK)
        status = import_token(f, m, "false_token_id", false, err);
    return status == HONE_OK ? import_scored(f, 1, err) : status;
}

/* Query and document become messages where the module says so; a folder without modules leaves it to its template. */
static enum hone_status import_pairs(struct folder *f, struct hone_error *err)
{
    const struct module *score = modules_find(f->modules, MODULE_LOGIT_SCORE);
    json_t *message = json_at(f->transformer, "modality_config.message");
    const char *format = json_string_value(json_object_get(message, "format"));
    bool parts = format && strcmp(format, "structured") == 0;
    enum hone_status status = score ? import_logit_score(f, score, err) : HONE_OK;
    if (status == HONE_OK && (message || f->modules->listed))
        status =
            folder_set(gguf_set_bool(f->g, "hone.pair_messages", message != NULL), "hone.pair_messages", err);
    if (status == HONE_OK && parts)
        status = folder_set(gguf_set_bool(f->g, "hone.pair_parts", true), "hone.pair_parts", err);
    if (status == HONE_OK &&
        json_is_true(json_at(f->transformer, "processing_kwargs.chat_template.add_generation_prompt")))
        status = folder_set(gguf_set_bool(f->g, "hone.pair_answers", true), "hone.pair_answers", err);
    return status;
}

/* ---- all of it ---- */

/* The class of transformers that Sentence Transformers opens the folder with: another one has no head, or one without weights. */
static enum hone_status check_task(const struct folder *f, struct hone_error *err)
{
    const char *task = json_string_value(json_object_get(f->transformer, "transformer_task"));
    if (!task)
        return HONE_OK;
    bool labels = f->n_labels > 0 && f->head == HEAD_LABELS,
         said = strcmp(task, "sequence-classification") == 0;
    bool writes = strcmp(task, "text-generation") == 0;
    if (labels == said && (!writes || f->arch->causal))
        return HONE_OK;
    return keys_refuse(f->keys, err,
                       "%s/sentence_bert_config.json: the 'transformer_task' %s is not what the folder is of",
                       f->dir, task);
}

/* How texts become one vector where no list of modules says it. */
static enum pooling usual_pooling(const struct folder *f)
{
    if (f->n_labels > 0)
        return f->head == HEAD_LABELS ? POOL_RANK : POOL_NONE;
    if (f->two_sided)
        return POOL_MEAN;
    return f->arch->causal || f->arch->has_decoder ? POOL_NONE : f->arch->pooling;
}

enum hone_status import_sentence(struct folder *f, struct hone_error *err)
{
    char key[128];
    enum pooling pooling = usual_pooling(f);
    bool normalize = !f->plain, generates = modules_find(f->modules, MODULE_LOGIT_SCORE);
    enum hone_status status = check_task(f, err);
    if (status == HONE_OK)
        status = import_max_length(f, err);
    if (status == HONE_OK && f->arch->causal)
        status = import_pairs(f, err);
    if (status == HONE_OK)
        status = import_settings(f, err);
    if (status == HONE_OK && f->modules->listed && f->n_labels == 0 && !generates)
        status = import_steps(f, &pooling, &normalize, err);
    if (status == HONE_OK && f->n_scores > 0)
        status = import_scored(f, f->n_scores, err);
    if (status == HONE_OK && f->tells_words && f->arch->mlm_as_head)
        status = folder_set_activation(f, f->form->head_activation_key, f->arch->head_activation,
                                       "hone.head_activation", err);
    bool late = false, listwise = false;
    if (status == HONE_OK)
        status = import_token_heads(f, err);
    if (status == HONE_OK)
        status = import_listwise(f, &listwise, err);
    if (status == HONE_OK && !listwise)
        status = import_multi_vector(f, &late, err);
    if (status == HONE_OK && f->max_length > 0)
        status = folder_set(gguf_set_u32(f->g, "hone.max_length", f->max_length), "hone.max_length", err);
    if (listwise || (late && !f->modules->listed))
        pooling = POOL_TOKENS;
    /* Older ones were normalised by their class, whatever the list of modules says. */
    const char *type = modules_text(f->modules, "model_type");
    bool modern = modules_find(f->modules, MODULE_MASK) || (type && strcmp(type, "MultiVectorEncoder") == 0);
    if (pooling == POOL_TOKENS && !modern && !listwise)
        normalize = true;
    if (status != HONE_OK || pooling == POOL_NONE) /* it generates */
        return status;
    snprintf(key, sizeof key, "%s.pooling_type", f->arch->name);
    status = folder_set(gguf_set_u32(f->g, key, pooling), key, err);
    if (status == HONE_OK && f->n_labels == 0 && f->n_scores == 0)
        status = folder_set(gguf_set_bool(f->g, "hone.normalize", normalize), "hone.normalize", err);
    return status;
}
