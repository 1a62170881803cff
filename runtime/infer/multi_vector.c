#include "runtime/infer/multi_vector.h"

#include "runtime/base/order.h"

#include <stdlib.h>
#include <string.h>

/* Words that are no token of the vocabulary are skipped by nobody. */
static enum hone_status load_skipped(struct hone_model *model, struct hone_error *err)
{
    const struct gguf_value *v = gguf_find(model->net.gguf, "hone.skip_words");
    struct multi_vector *m = &model->multi;
    if (!v)
        return HONE_OK;
    if (!v->is_array || v->type != GGUF_STRING)
        return hone_fail(err, HONE_BAD_MODEL, "%s: the key 'hone.skip_words' should be an array of strings",
                         gguf_path(model->net.gguf));
    m->skipped = calloc(v->n + 1, sizeof *m->skipped);
    if (!m->skipped)
        return hone_no_memory(err, "words to skip", v->n * sizeof *m->skipped);
    for (size_t i = 0; i < v->n; i++) {
        int32_t id = tokenizer_id(model->tokenizer, v->strings[i]);
        if (id >= 0)
            m->skipped[m->n_skipped++] = id;
    }
    qsort(m->skipped, m->n_skipped, sizeof *m->skipped, order_int32);
    return HONE_OK;
}

/* The token that the file names, or the mask token, or the end token of models without one. */
static enum hone_status load_filler(struct hone_model *model, struct hone_error *err)
{
    static const char *const keys[] = {"tokenizer.ggml.mask_token_id", "tokenizer.ggml.eos_token_id"};
    const struct gguf *g = model->net.gguf;
    struct hone_text name = {NULL, 0};
    size_t id = SIZE_MAX;
    enum hone_status status = gguf_get_text(g, "hone.expansion_token", &name, err);
    if (status == HONE_OK && name.data) {
        int32_t found = tokenizer_id(model->tokenizer, name);
        id = found < 0 ? SIZE_MAX : (size_t)found;
    }
    for (size_t i = 0; i < 2 && status == HONE_OK && !name.data && id == SIZE_MAX; i++)
        status = gguf_get_size(g, keys[i], INT32_MAX, &id, err);
    if (status == HONE_OK && id >= model->net.hp.n_vocab)
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s: queries are to be filled up, but the token for it is not there", gguf_path(g));
    model->multi.filler = (int32_t)id;
    return status;
}

enum hone_status multi_vector_load(struct hone_model *model, struct hone_error *err)
{
    const struct net *net = &model->net;
    struct multi_vector *m = &model->multi;
    const struct {
        const char *key;
        size_t *out;
    } sizes[] = {{"hone.text_length", &m->text_length},
                 {"hone.query_length", &m->query_length},
                 {"hone.document_length", &m->document_length},
                 {"hone.expand_to", &m->expand_to}};
    const struct {
        const char *key;
        bool *out;
    } flags[] = {{"hone.expand_cuts", &m->expand_cuts},
                 {"hone.expansion_attended", &m->attended},
                 {"hone.skip_in_queries", &m->skips_query},
                 {"hone.skip_in_documents", &m->skips_document}};
    enum hone_status status = HONE_OK;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes && status == HONE_OK; i++)
        status = gguf_get_size(net->gguf, sizes[i].key, 1 << 20, sizes[i].out, err);
    for (size_t i = 0; i < sizeof flags / sizeof *flags && status == HONE_OK; i++)
        status = gguf_get_bool(net->gguf, flags[i].key, flags[i].out, err);
    if (status == HONE_OK && m->expand_to > 0 && !m->attended && net->arch->causal)
        return hone_fail(
            err, HONE_BAD_MODEL,
            "%s: queries filled up with tokens that are not attended to are not supported in '%s'",
            gguf_path(net->gguf), net->arch->name);
    if (status == HONE_OK && m->expand_to > 0)
        status = load_filler(model, err);
    return status == HONE_OK ? load_skipped(model, err) : status;
}

void multi_vector_free(struct multi_vector *m)
{
    free(m->skipped);
    *m = (struct multi_vector){0};
}

static void limit(size_t *max, size_t n)
{
    if (n > 0 && (*max == 0 || n < *max))
        *max = n;
}

void multi_vector_choose(const struct hone_model *model, enum hone_role as, struct request *out)
{
    const struct multi_vector *m = &model->multi;
    struct inputs *in = &out->inputs;
    bool query = as == HONE_ROLE_QUERY, expands = query && m->expand_to > 0;
    if (as == HONE_ROLE_NONE)
        limit(&in->max_length, m->text_length);
    if (as == HONE_ROLE_DOCUMENT)
        limit(&in->max_length, m->document_length);
    if (expands && m->expand_cuts)
        limit(&in->max_length, m->expand_to);
    else if (query && m->query_length > 0)
        limit(&in->max_length, expands && m->expand_to > m->query_length ? m->expand_to : m->query_length);
    if (expands) {
        in->fill_to = model->net.hp.max_length < m->expand_to ? model->net.hp.max_length : m->expand_to;
        in->filler = m->filler;
        in->fill_unseen = !m->attended;
    }
    bool skips = query ? m->skips_query : m->skips_document;
    out->skipped = skips ? m->skipped : NULL;
    out->n_skip_ids = skips ? m->n_skipped : 0;
}
