/* hone_verify: is a model whole, and does it compute what it should? */
#include "runtime/tools/verify.h"
#include "runtime/base/assert.h"

#include "runtime/base/thread_pool.h"
#include "runtime/nn/head.h"

#include <math.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void verify_tell(struct verifier *v, const char *name, bool passed, const char *format, ...)
{
    char found[512];
    int n = v->n_models > 1 ? snprintf(found, sizeof found, "%s: ", v->model->route) : 0;
    va_list args;
    va_start(args, format);
    vsnprintf(found + n, sizeof found - (size_t)n, format, args);
    va_end(args);
    v->n_checks++;
    v->n_failed += !passed;
    if (v->on_check)
        v->on_check(v->arg, name, passed, found);
}

/* ---- the file ---- */

static void check_tensors(struct verifier *v)
{
    const struct net *m = &v->model->net;
    const struct weights *w = &m->weights;
    size_t n = gguf_n_tensors(m->gguf);
    if (w->n_unread > 0)
        verify_tell(v, "tensors", false, "nothing reads %zu of %zu, '%s' for one", w->n_unread, n, w->unread);
    else
        verify_tell(v, "tensors", true, "%zu, all used, of the shapes that '%s' has", n, m->arch->name);
}

static void check_keys(struct verifier *v)
{
    for (size_t i = 0; i < v->model->n_remarks; i++)
        verify_tell(v, "keys", false, "%s", v->model->remarks[i]);
}

#define ROOM 4096 /* a multiple of every block's length */

static bool is_finite(const struct gguf_tensor *t)
{
    float x[ROOM];
    const char *data = t->data;
    size_t n = (size_t)(t->size / t->type->block_size * t->type->block_len);
    for (size_t i = 0; i < n; i += ROOM) {
        size_t part = n - i < ROOM ? n - i : ROOM;
        t->type->dequantize(x, data + i / t->type->block_len * t->type->block_size, part);
        for (size_t j = 0; j < part; j++)
            if (!isfinite(x[j]))
                return false;
    }
    return true;
}

static void check_finite(struct verifier *v)
{
    const struct gguf *g = v->model->net.gguf;
    for (size_t i = 0; i < gguf_n_tensors(g); i++)
        if (!is_finite(gguf_tensor_at(g, i))) {
            verify_tell(v, "weights", false, "tensor '%s' holds numbers that are not finite",
                        gguf_tensor_at(g, i)->name);
            return;
        }
    verify_tell(v, "weights", true, "%zu numbers, all finite", v->model->info.n_params);
}

struct packs {
    const struct net *net;
    atomic_size_t n_other;
};

static void compare_panels(const void *arg, struct work_range layers)
{
    struct packs *p = *(struct packs *const *)arg;
    for (size_t i = layers.first; i < layers.end; i++) {
        const struct dense *d = p->net->weights.dense[i];
        for (size_t panel = 0; panel < dense_n_panels(d); panel++)
            p->n_other += !dense_panel_is(d, panel, d->packed);
    }
}

/* Packed weights from a file are compared with what packing makes of the model: checksums say only that they are what was
 * once written. */
static void check_packs(struct verifier *v)
{
    struct packs packs = {.net = &v->model->net};
    struct packs *arg = &packs;
    const struct weights *w = &packs.net->weights;
    if (!w->pack_map)
        return;
    thread_pool_run(v->model->options.n_threads, w->n_dense, w->n_dense, compare_panels, &arg);
    if (packs.n_other > 0)
        verify_tell(v, "packed weights", false,
                    "%zu panels of the cache are not what packing makes of this file", (size_t)packs.n_other);
    else
        verify_tell(v, "packed weights", true, "%zu MB from the cache, as packing makes them",
                    w->packed_size >> 20);
}

/* ---- the tokenizer ---- */

/* Room for the ids of a few tokens with their texts. */
static void name_ids(const struct verifier *v, const int32_t *ids, size_t n, char *out, size_t size)
{
    char *text;
    size_t n_text, used = 0;
    out[0] = 0;
    for (size_t i = 0; i < n && used < size; i++) {
        if (hone_detokenize_input(v->model, ids + i, 1, false, &text, &n_text, NULL) != HONE_OK)
            continue;
        used += (size_t)snprintf(out + used, size - used, "%s%d '%s'", i ? ", " : "", ids[i], text);
        hone_free(text);
    }
}

static enum hone_status check_special(struct verifier *v, struct hone_error *err)
{
    static const struct hone_text empty = {"", 0};
    char names[256];
    int32_t *ids;
    size_t *starts;
    enum hone_status status = hone_tokenize(v->model, &empty, NULL, 1, true, &ids, &starts, NULL, err);
    if (status != HONE_OK)
        return status;
    name_ids(v, ids, starts[1], names, sizeof names);
    /* A first token to pool, or a last one, has to be there for an empty text too. */
    enum pooling pooling = v->model->net.hp.pooling;
    if (v->model->info.task == HONE_TASK_GENERATE)
        pooling = POOL_NONE;
    bool needed = pooling == POOL_CLS || pooling == POOL_LAST || pooling == POOL_RANK;
    verify_tell(v, "special tokens", starts[1] > 0 || !needed, "%s%s", starts[1] ? "around a text: " : "none",
                names);
    hone_free(ids);
    hone_free(starts);
    return HONE_OK;
}

/* ---- what comes out ---- */

static void check_head(struct verifier *v)
{
    const struct hone_model_info *info = &v->model->info;
    const struct net *m = &v->model->net;
    if (m->hp.head == HEAD_TOKEN_LABELS)
        verify_tell(v, "head", true, "%zu labels of each token", info->n_labels);
    else if (m->hp.head == HEAD_ANSWERS)
        verify_tell(v, "head", true, "finds answers in texts");
    else if (m->hp.head == HEAD_SPANS)
        verify_tell(v, "head", true, "finds spans of labels, of at most %zu words", m->hp.spans.longest);
    else if (m->hp.head == HEAD_LISTWISE)
        verify_tell(v, "head", true, "ranks documents, which it reads together");
    else if (info->n_labels > 0)
        verify_tell(v, "head", true, "%zu label%s from the %s token%s, %s", info->n_labels,
                    info->n_labels > 1 ? "s" : "",
                    m->hp.head_pooling == POOL_MEAN ? "mean" : pooling_name(m->hp.head_pooling),
                    m->hp.head_pooling == POOL_MEAN ? "s" : "", info->activation);
    else
        verify_tell(v, "pooling", true, "%s, %zu numbers a text%s", info->pooling, info->n_dims,
                    info->normalize ? ", scaled to length 1" : "");
}

static const struct hone_text samples[] = {
    {"one", 3}, {"two short words", 15}, {"and a text that is somewhat longer than the others are", 54}};
#define N_SAMPLES (sizeof samples / sizeof *samples)

/* Sums over a text's tokens: they have the same bits if all have. */
static enum hone_status compute_tokens(struct hone_model *model, const struct hone_text *texts, size_t n,
                                       const struct hone_run_options *run, float *out, struct hone_error *err)
{
    float *rows;
    size_t *starts, width = model->info.n_labels;
    enum hone_status status = hone_classify_tokens(model, texts, n, run, &rows, &starts, NULL, err);
    for (size_t i = 0; i < n && status == HONE_OK; i++)
        for (size_t j = starts[i] * width; j < starts[i + 1] * width; j++)
            out[i * width + j % width] += rows[j];
    hone_free(rows);
    hone_free(starts);
    return status;
}

/* Where the answer is, and its score: its words' bytes are exact. */
static enum hone_status compute_answers(struct hone_model *model, const struct hone_text *texts, size_t n,
                                        float *out, struct hone_error *err)
{
    struct hone_answer *answers;
    size_t *starts;
    const struct hone_text questions[] = {{"one", 3}, {"one", 3}, {"one", 3}};
    ASSERT(n <= sizeof questions / sizeof *questions);
    enum hone_status status =
        hone_answer(model, questions, texts, n, NULL, NULL, &answers, &starts, NULL, err);
    for (size_t i = 0; i < n && status == HONE_OK; i++) {
        out[2 * i] = starts[i + 1] > starts[i] ? (float)answers[starts[i]].start : -1;
        out[2 * i + 1] = starts[i + 1] > starts[i] ? answers[starts[i]].score : -1;
    }
    hone_free(answers);
    hone_free(starts);
    return status;
}

/* How many spans there are of a label, and the sum of their scores. */
static enum hone_status compute_spans(struct hone_model *model, const struct hone_text *texts, size_t n,
                                      float *out, struct hone_error *err)
{
    static const struct hone_text label = {"word", 4};
    struct hone_span_options all = HONE_SPAN_DEFAULTS;
    struct hone_labeled_span *spans;
    size_t *starts, width = model->info.n_dims;
    all.threshold = 0;
    all.nested = all.multi_label = true;
    enum hone_status status =
        hone_find_spans(model, texts, n, &label, 1, &all, NULL, &spans, &starts, NULL, err);
    for (size_t i = 0; i < n && status == HONE_OK; i++)
        for (size_t j = starts[i]; j < starts[i + 1]; j++) {
            out[i * width]++;
            out[i * width + 1] += spans[j].score;
        }
    hone_free(spans);
    hone_free(starts);
    return status;
}

/* Each text as the only document: beside others it has another score. */
static enum hone_status compute_ranks(struct hone_model *model, const struct hone_text *texts, size_t n,
                                      float *out, struct hone_error *err)
{
    enum hone_status status = HONE_OK;
    for (size_t i = 0; i < n && status == HONE_OK; i++)
        status = hone_rerank(model, samples[0], &texts[i], 1, NULL, &out[i * model->info.n_dims], NULL, err);
    return status;
}

static enum hone_status compute_words(struct hone_model *model, const struct hone_text *texts, size_t n,
                                      float *out, struct hone_error *err)
{
    struct hone_word *words;
    size_t *starts;
    enum hone_status status = hone_embed_sparse(model, texts, n, NULL, &words, &starts, NULL, err);
    for (size_t i = 0; i < n && status == HONE_OK; i++)
        for (size_t j = starts[i]; j < starts[i + 1]; j++)
            out[i * model->info.n_dims + (size_t)words[j].id] = words[j].weight;
    hone_free(words);
    hone_free(starts);
    return status;
}

static enum hone_status compute(struct hone_model *model, const struct hone_text *texts, size_t n, float *out,
                                struct hone_error *err)
{
    struct hone_run_options run = HONE_RUN_DEFAULTS;
    run.raw = true;
    run.pooling = model->net.hp.pooling == POOL_TOKENS ? "mean" : NULL;
    if (model->net.hp.pooling == POOL_SPLADE)
        return compute_words(model, texts, n, out, err);
    if (model->net.hp.head == HEAD_ANSWERS)
        return compute_answers(model, texts, n, out, err);
    if (model->net.hp.head == HEAD_SPANS)
        return compute_spans(model, texts, n, out, err);
    if (model->net.hp.head == HEAD_LISTWISE)
        return compute_ranks(model, texts, n, out, err);
    if (model->net.hp.head == HEAD_TOKEN_LABELS)
        return compute_tokens(model, texts, n, &run, out, err);
    return model->info.n_labels ? hone_classify(model, texts, NULL, n, &run, out, NULL, err)
                                : hone_embed(model, texts, n, &run, out, NULL, err);
}

static enum hone_status check_batches(struct verifier *v, struct hone_error *err)
{
    size_t width = v->model->info.n_labels ? v->model->info.n_labels : v->model->info.n_dims;
    float *together = calloc(2 * N_SAMPLES * width, sizeof *together);
    if (!together)
        return hone_no_memory(err, "the results", width);
    float *alone = together + N_SAMPLES * width;
    enum hone_status status = compute(v->model, samples, N_SAMPLES, together, err);
    for (size_t i = 0; i < N_SAMPLES && status == HONE_OK; i++)
        status = compute(v->model, &samples[i], 1, alone + i * width, err);
    bool finite = true;
    for (size_t i = 0; i < N_SAMPLES * width; i++)
        finite = finite && isfinite(together[i]);
    bool same = memcmp(together, alone, N_SAMPLES * width * sizeof *alone) == 0;
    if (status == HONE_OK)
        verify_tell(v, "results", finite && (same || v->model->options.compute == HONE_COMPUTE_BLAS), "%s",
                    !finite ? "not finite"
                    : same  ? "finite, the same bits in any batch"
                            : "finite, but different in another batch");
    free(together);
    return status;
}

static enum hone_status check_model(struct verifier *v, struct hone_error *err)
{
    check_tensors(v);
    check_keys(v);
    check_finite(v);
    check_packs(v);
    enum hone_status status = check_special(v, err);
    check_head(v);
    return status == HONE_OK ? check_batches(v, err) : status;
}

enum hone_status hone_verify(struct hone_model *model, const char *golden, hone_on_check on_check, void *arg,
                             struct hone_error *err)
{
    struct verifier v = {.model = model, .on_check = on_check, .arg = arg, .n_models = 1 + model->n_routes};
    enum hone_status status = model_check_computes(model, err);
    if (status == HONE_OK)
        status = check_model(&v, err);
    for (size_t i = 0; i < model->n_routes && status == HONE_OK; i++) {
        v.model = model->routes[i];
        status = check_model(&v, err);
    }
    v.model = model;
    if (status == HONE_OK && golden)
        status = verify_golden(&v, golden, err);
    if (status == HONE_OK && v.n_failed > 0)
        return hone_fail(err, HONE_BAD_MODEL, "%s: %zu of %zu checks failed", model->path, v.n_failed,
                         v.n_checks);
    return status;
}
