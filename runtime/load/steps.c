/* What vectors go through behind the layers: dense_2, dense_3 and so on, as llama.cpp counts them, one behind the other
 * after pooling; or what hone.modules lists, each a word and, where it has weights, the number of its tensors. */
#include "runtime/load/finder.h"
#include "runtime/nn/head.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY "hone.modules"

struct module_name {
    char kind[32];
    unsigned number; /* of its tensors; 0: it has none */
};

/* "dense_2" */
static struct module_name parse(struct hone_text text)
{
    struct module_name name = {{0}, 0};
    size_t size = text.size < sizeof name.kind - 1 ? text.size : sizeof name.kind - 1;
    memcpy(name.kind, text.data, size);
    char *number = strrchr(name.kind, '_');
    if (number) {
        name.number = (unsigned)atoi(number + 1);
        *number = 0;
    }
    return name;
}

static bool is(const struct module_name *name, const char *kind)
{
    return strcmp(name->kind, kind) == 0;
}

static enum hone_status add_step(struct net *m, const struct module_name *name, struct hone_error *err)
{
    struct weights *w = &m->weights;
    struct head_step *s = &w->steps[w->n_steps];
    if (w->n_steps == MAX_STEPS)
        return hone_fail(err, HONE_BAD_MODEL, "%s: the key '" KEY "' names more than %d steps",
                         gguf_path(m->gguf), MAX_STEPS);
    s->number = name->number;
    s->kind = is(name, "norm") ? STEP_NORM : is(name, "normalize") ? STEP_NORMALIZE : STEP_DENSE;
    if (s->kind == STEP_DENSE && !is(name, "dense"))
        return hone_fail(err, HONE_BAD_MODEL, "%s: the key '" KEY "' names '%s', which is not known",
                         gguf_path(m->gguf), name->kind);
    w->n_steps++;
    return HONE_OK;
}

/* Without the key: every dense_N that is there, after pooling. */
static enum hone_status count_steps(struct net *m, struct hone_error *err)
{
    char tensor[64];
    enum hone_status status = HONE_OK;
    for (unsigned i = 2; status == HONE_OK; i++) {
        struct module_name name = {"dense", i};
        snprintf(tensor, sizeof tensor, "dense_%u.weight", i);
        if (!gguf_find_tensor(m->gguf, tensor))
            return HONE_OK;
        status = add_step(m, &name, err);
    }
    return status;
}

/* The labels of a classifier whose head are steps: what its last matrix gives. */
static enum hone_status count_labels(struct net *m, struct hone_error *err)
{
    char tensor[64];
    size_t last = m->weights.n_steps;
    while (last > 0 && m->weights.steps[last - 1].kind != STEP_DENSE)
        last--;
    snprintf(tensor, sizeof tensor, "dense_%u.weight", last > 0 ? m->weights.steps[last - 1].number : 0);
    const struct gguf_tensor *t = gguf_find_tensor(m->gguf, tensor);
    if (!t || t->dims[1] > MAX_LABELS)
        return hone_fail(err, HONE_BAD_MODEL, "%s: scores need a tensor '%s' of at most %d rows",
                         gguf_path(m->gguf), tensor, MAX_LABELS);
    m->hp.n_labels = (size_t)t->dims[1];
    m->hp.scores_by_steps = true;
    return HONE_OK;
}

enum hone_status steps_load(struct net *m, struct hone_error *err)
{
    const struct gguf_value *v = gguf_find(m->gguf, KEY);
    if (!v)
        return count_steps(m, err);
    if (!v->is_array || v->type != GGUF_STRING)
        return hone_fail(err, HONE_BAD_MODEL, "%s: the key '" KEY "' should be an array of strings",
                         gguf_path(m->gguf));
    enum hone_status status = HONE_OK;
    for (size_t i = 0; i < v->n && status == HONE_OK; i++) {
        struct module_name name = parse(v->strings[i]);
        if (is(&name, "pooling"))
            m->weights.n_token_steps = m->weights.n_steps;
        else if (is(&name, "scores"))
            status = count_labels(m, err);
        else
            status = add_step(m, &name, err);
    }
    return status;
}

/* ---- tensors ---- */

static enum hone_status find_rows(const struct finder *f, const char *name, uint64_t *rows)
{
    char full[160];
    const struct gguf_tensor *t = gguf_find_tensor(f->m->gguf, finder_suffixed(full, name, ".weight"));
    *rows = t ? t->dims[1] : 0;
    if (t && t->dims[1] <= MAX_WIDTH)
        return HONE_OK;
    return hone_fail(f->err, HONE_BAD_MODEL, "%s: the tensor '%s' should be there and have at most %d rows",
                     gguf_path(f->m->gguf), full, MAX_WIDTH);
}

static enum hone_status read_activation(const struct finder *f, const char *name, struct head_step *s)
{
    char key[64];
    struct hone_text act = {NULL, 0};
    snprintf(key, sizeof key, "hone.%s.activation", name);
    enum hone_status status = gguf_get_text(f->m->gguf, key, &act, f->err);
    s->activation = act.data ? activation_by_name(act) : ACT_NONE;
    if (status == HONE_OK && s->activation == N_ACTIVATIONS)
        status = hone_fail(f->err, HONE_BAD_MODEL, "%s: %s is not known", gguf_path(f->m->gguf), key);
    return status;
}

/* A matrix for what is added where there is one; else the input itself. */
static enum hone_status find_residual(const struct finder *f, const char *name, struct head_step *s,
                                      size_t width)
{
    char key[64], residual[64], full[160];
    snprintf(key, sizeof key, "hone.%s.residual", name);
    enum hone_status status = gguf_get_bool(f->m->gguf, key, &s->adds_input, f->err);
    snprintf(residual, sizeof residual, "%s.residual", name);
    if (status != HONE_OK || !s->adds_input)
        return status;
    if (gguf_find_tensor(f->m->gguf, finder_suffixed(full, residual, ".weight")))
        return finder_part(f, residual, s->dense.n_out, width, TENSOR_NO_BIAS, &s->residual);
    if (s->dense.n_out == width)
        return HONE_OK;
    return hone_fail(f->err, HONE_BAD_MODEL, "%s: the tensor '%s' is missing: %s turns %zu numbers into %zu",
                     gguf_path(f->m->gguf), full, name, width, s->dense.n_out);
}

static enum hone_status find_step(const struct finder *f, struct head_step *s, size_t *width)
{
    char name[32];
    uint64_t rows = 0;
    if (s->kind == STEP_NORMALIZE)
        return HONE_OK;
    snprintf(name, sizeof name, "%s_%u", s->kind == STEP_NORM ? "norm" : "dense", s->number);
    if (s->kind == STEP_NORM)
        return finder_norm(f, name, *width, 0, &s->norm);
    enum hone_status status = find_rows(f, name, &rows);
    if (status == HONE_OK)
        status = finder_part(f, name, rows, *width, TENSOR_MAYBE_BIAS, &s->dense);
    if (status == HONE_OK)
        status = read_activation(f, name, s);
    if (status == HONE_OK)
        status = find_residual(f, name, s, *width);
    *width = s->dense.n_out;
    return status;
}

/* Heads of tokens beside all these, where a file has them. */
static enum hone_status find_token_heads(const struct finder *f)
{
    struct weights *w = &f->m->weights;
    size_t n_embd = f->m->hp.n_embd;
    uint64_t rows = 0;
    bool right = f->m->hp.n_labels == 0 && f->m->hp.pooling != POOL_TOKENS && f->m->hp.pooling != POOL_SPLADE;
    enum hone_status status = HONE_OK;
    if (right)
        status = finder_part(f, "lexical", 1, n_embd, TENSOR_OPTIONAL | TENSOR_MAYBE_BIAS, &w->lexical);
    if (!right || status != HONE_OK || !gguf_find_tensor(f->m->gguf, "multi_vector.weight"))
        return status;
    status = find_rows(f, "multi_vector", &rows);
    return status == HONE_OK
               ? finder_part(f, "multi_vector", rows, n_embd, TENSOR_MAYBE_BIAS, &w->multi_vector)
               : status;
}

enum hone_status steps_find(const struct finder *f)
{
    struct weights *w = &f->m->weights;
    struct hparams *hp = &f->m->hp;
    size_t width = hp->n_embd;
    enum hone_status status = HONE_OK;
    if (hp->n_labels > 0 && !hp->scores_by_steps)
        w->n_steps = w->n_token_steps = 0;
    for (size_t i = 0; i <= w->n_steps && status == HONE_OK; i++) {
        if (i == w->n_token_steps && hp->pooling != POOL_TOKENS)
            width *= hp->n_poolings;
        if (i < w->n_steps)
            status = find_step(f, &w->steps[i], &width);
    }
    if (status == HONE_OK)
        status = find_token_heads(f);
    hp->n_out = hp->scores_by_steps ? hp->n_embd : width;
    return status;
}
