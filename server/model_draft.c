#include "server/model_draft.h"
#include "server/http/fail.h"

#include <stdlib.h>
#include <string.h>

#define USUAL_DRAFT 5 /* tokens, as of hone generate; it finds out itself where fewer pay */

enum hone_status model_draft_name(struct served_model *m, const struct model_options *o, const char *where,
                                  struct hone_error *err)
{
    m->draft.n = o->has_draft ? o->draft : o->draft_model ? USUAL_DRAFT : HONE_DRAFT_AUTO;
    if (!o->draft_model)
        return HONE_OK;
    if (m->draft.n == 0)
        return fail(err, HONE_USAGE, "%s: draft is 0, which leaves draft-model nothing to do", where);
    if (strcmp(o->compute, "blas") == 0) /* may choose another order of sums for more tokens at once */
        return fail(err, HONE_USAGE,
                    "%s: with compute blas a text may be another one with guesses: leave draft-model out",
                    where);
    m->draft.path = strdup(o->draft_model);
    return m->draft.path ? HONE_OK : fail(err, HONE_FAILED, "out of memory for model %s", o->spec);
}

void model_draft_release(struct served_model *m)
{
    free(m->draft.path);
    m->draft.path = NULL;
}

bool model_draft_same(const struct served_model *a, const struct served_model *b)
{
    const char *p = a->draft.path ? a->draft.path : "", *q = b->draft.path ? b->draft.path : "";
    return a->draft.n == b->draft.n && strcmp(p, q) == 0;
}

bool model_draft_look(struct model_files *out, const struct served_model *m)
{
    struct model_files its;
    if (!model_files_look(out, m->path))
        return false;
    if (!m->draft.path ||
        !model_files_look(&its, m->draft.path)) /* one that is gone is found when it is opened */
        return true;
    out->print = 31 * out->print + its.print;
    out->print += out->print == 0;
    return true;
}

static enum hone_status check(struct served_model *m, struct hone_error *err)
{
    struct hone_model *draft;
    struct hone_need need;
    struct hone_options options = m->options;
    options.no_weights = true;
    options.max_length = 0;
    enum hone_status status = hone_model_open(&draft, m->draft.path, &options, err);
    if (status == HONE_OK)
        status = hone_draft_check(m->light, draft, err);
    if (status == HONE_OK)
        status = hone_model_need(draft, &need, err);
    if (status == HONE_OK) {
        m->need.weights += need.weights + need.vocabulary;
        m->need.tables += need.tables;
        m->need.activations += need.activations;
        m->need.kv_token += need.kv_token;
        m->need.kv += need.kv; /* of as many tokens, since kv_tokens are said; else of no use */
    }
    hone_model_close(&draft);
    return status;
}

enum hone_status model_draft_read(struct served_model *m, const struct model_options *o,
                                  struct hone_error *err)
{
    bool generates = m->info->task == HONE_TASK_GENERATE;
    if (!m->draft.path)
        return HONE_OK;
    if (!o->has_draft_model && (!generates || m->info->has_decoder || strcmp(m->draft.path, m->path) == 0)) {
        m->draft.is_idle = true;
        return HONE_OK;
    }
    if (!generates)
        return fail(err, HONE_USAGE, "draft-model is of models that generate, and '%s' does not", m->name);
    if (check(m, err) == HONE_OK)
        return HONE_OK;
    struct hone_error why = *err;
    return fail(err, HONE_USAGE, "draft-model cannot draft for '%s': %.600s", m->name, why.message);
}

enum hone_status model_draft_open(struct served_model *m, const struct hone_options *options,
                                  struct hone_error *err)
{
    struct hone_options its = *options;
    its.like = NULL;
    its.max_length = 0;
    if (!m->draft.path || m->draft.is_idle)
        return HONE_OK;
    enum hone_status status = hone_model_open(&m->draft.model, m->draft.path, &its, err);
    return status == HONE_OK ? hone_draft_check(m->model, m->draft.model, err) : status;
}

void model_draft_close(struct served_model *m)
{
    hone_model_close(&m->draft.model);
}

void model_draft_use(const struct served_model *m, struct hone_generation *g)
{
    bool guesses = !g->beams && !m->info->has_decoder && !m->draft.is_idle;
    g->n_draft = guesses ? m->draft.n : HONE_DRAFT_AUTO;
    g->draft_model = guesses ? m->draft.model : NULL;
}
