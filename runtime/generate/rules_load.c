#include "runtime/generate/rules_load.h"

#include "runtime/base/text.h"

#include <hone/generate.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX     "hone.generation."
#define MAX_TOKENS (1 << 28) /* of a text: more than any context */

static const char *key_of(const char *name, char key[96])
{
    snprintf(key, 96, PREFIX "%s", name);
    return key;
}

static enum hone_status load_sizes(struct vocabulary *v, const struct gguf *g, struct hone_error *err)
{
    struct token_rules *r = &v->rules;
    const struct {
        const char *name;
        size_t *out;
    } rows[] = {
        {"no_repeat_ngram_size", &r->no_repeat}, {"encoder_no_repeat_ngram_size", &r->no_repeat_source},
        {"min_length", &r->min_length},          {"min_new_tokens", &r->min_new},
        {"max_length", &v->max_length},          {"max_new_tokens", &v->max_new}};
    char key[96];
    enum hone_status status = HONE_OK;
    for (size_t i = 0; i < sizeof rows / sizeof *rows && status == HONE_OK; i++)
        status = gguf_get_size(g, key_of(rows[i].name, key), MAX_TOKENS, rows[i].out, err);
    /* llama.cpp's converter has the penalty of generation_config.json under the first of these names. */
    if (status == HONE_OK)
        status = gguf_get_float(g, "general.sampling.penalty_repeat", &r->repetition_penalty, err);
    return status == HONE_OK
               ? gguf_get_float(g, key_of("repetition_penalty", key), &r->repetition_penalty, err)
               : status;
}

static enum hone_status load_token(const struct gguf *g, const char *name, int32_t *out,
                                   struct hone_error *err)
{
    char key[96];
    size_t id = SIZE_MAX;
    enum hone_status status = gguf_get_size(g, key_of(name, key), INT32_MAX, &id, err);
    if (status == HONE_OK && id != SIZE_MAX)
        *out = (int32_t)id;
    return status;
}

static enum hone_status load_list(const struct gguf *g, const char *name, struct token_ids *out,
                                  struct hone_error *err)
{
    char key[96];
    const struct gguf_value *value = gguf_find(g, key_of(name, key));
    if (!value)
        return HONE_OK;
    if (!value->is_array || value->type != GGUF_U32)
        return hone_fail(err, HONE_BAD_MODEL, "%s: the key '%s' should be an array of u32", gguf_path(g),
                         key);
    out->ids = malloc((value->n + 1) * sizeof *out->ids);
    if (!out->ids)
        return hone_no_memory(err, key, value->n * sizeof *out->ids);
    out->n = value->n;
    for (size_t i = 0; i < out->n; i++) {
        int64_t id = gguf_int_at(value, i);
        out->ids[i] = id <= INT32_MAX ? (int32_t)id : -1;
    }
    return HONE_OK;
}

enum hone_status rules_load(struct vocabulary *v, const struct net *net, struct hone_error *err)
{
    struct token_rules *r = &v->rules;
    const struct gguf *g = net->gguf;
    const struct {
        const char *name;
        struct token_ids *out;
    } lists[] = {{"bad_words_ids", &r->bad},
                 {"bad_words_sizes", &r->bad_sizes},
                 {"suppress_tokens", &r->suppressed},
                 {"begin_suppress_tokens", &r->not_at_first}};
    enum hone_status status = load_sizes(v, g, err);
    if (status == HONE_OK)
        status = load_token(g, "forced_bos_token_id", &r->first, err);
    if (status == HONE_OK)
        status = load_token(g, "forced_eos_token_id", &r->last, err);
    for (size_t i = 0; i < sizeof lists / sizeof *lists && status == HONE_OK; i++)
        status = load_list(g, lists[i].name, lists[i].out, err);
    return status == HONE_OK ? token_rules_check(r, net->hp.n_vocab, gguf_path(g), err) : status;
}

/* A file that says something else has been checked by nobody: it searches as usual then. */
bool hone_model_beams(const struct hone_model *model, struct hone_beams *beams)
{
    const struct gguf *g = model->net.gguf;
    struct hone_text stop = {"", 0};
    size_t n = 0;
    char key[96];
    *beams = (struct hone_beams){.length_penalty = 1};
    if (model->options.vocab_only || !model->net.arch->has_decoder)
        return false;
    gguf_get_size(g, key_of("num_beams", key), SIZE_MAX, &n, NULL);
    gguf_get_float(g, key_of("length_penalty", key), &beams->length_penalty, NULL);
    gguf_get_text(g, key_of("early_stopping", key), &stop, NULL);
    beams->n = n > 1 ? n : 0;
    beams->stop_early = text_is(stop, "true");
    beams->stop_never = text_is(stop, "never");
    return n > 1;
}
