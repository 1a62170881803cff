/* The public functions that turn texts into numbers. */
#include "runtime/infer/tasks.h"

#include "runtime/base/sizes.h"
#include "runtime/infer/adaptations.h"
#include "runtime/infer/multi_vector.h"
#include "runtime/infer/prompts.h"
#include "runtime/infer/routes.h"
#include "runtime/nn/head.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- options ---- */

enum hone_status task_take_options(struct hone_run_options *out, const struct hone_run_options *given,
                                   struct hone_error *err)
{
    *out = (struct hone_run_options)HONE_RUN_DEFAULTS;
    return sizes_take(out, sizeof *out, given, "hone_run_options", err);
}

static enum hone_status choose_pooling(const struct hone_model *model, const char *name, enum pooling *out,
                                       struct hone_error *err)
{
    const struct net *m = &model->net;
    *out = m->hp.pooling == POOL_RANK ? m->arch->pooling : POOL_NONE;
    if (m->hp.pooling == POOL_SPLADE || (!name && m->hp.pooling == POOL_TOKENS))
        return hone_fail(err, HONE_USAGE, "%s makes %s of a text, not one vector", model->path,
                         m->hp.pooling == POOL_SPLADE ? "weights for the words of its vocabulary"
                                                      : "a vector for each token");
    if (!name)
        return HONE_OK;
    *out = pooling_by_name((struct hone_text){name, strlen(name)});
    if (*out == N_POOLINGS)
        return hone_fail(
            err, HONE_USAGE,
            "the pooling '%s' is not known, expected mean, cls, last, max, weighted-mean or root-mean", name);
    if (m->hp.n_poolings == 1)
        return HONE_OK;
    return hone_fail(err, HONE_USAGE, "%s makes its vectors of %zu poolings, not of '%s' alone", model->path,
                     m->hp.n_poolings, name);
}

static enum hone_status choose_dims(const struct hone_model *model, size_t n, size_t max, size_t *out,
                                    struct hone_error *err)
{
    *out = n ? n : max;
    if (n <= max)
        return HONE_OK;
    return hone_fail(err, HONE_USAGE, "%zu dimensions were asked for, but %s has %zu", n, model->path, max);
}

static size_t widest_of(const struct net *m, enum engine_output output)
{
    if (output == OUTPUT_WORDS)
        return m->hp.n_vocab;
    return output == OUTPUT_TOKENS && m->hp.pooling != POOL_TOKENS ? m->hp.n_embd : m->hp.n_out;
}

enum hone_status task_embed_request(const struct hone_model *model, const struct hone_run_options *run,
                                    const char *prompt, struct request *out, struct hone_error *err)
{
    const struct net *m = &model->net;
    enum hone_status status = model_check_computes(model, err);
    if (status != HONE_OK)
        return status;
    if (m->hp.head == HEAD_SPANS)
        return hone_fail(err, HONE_USAGE, "%s finds spans of labels; it makes no vectors", model->path);
    if (m->hp.head == HEAD_LISTWISE)
        return hone_fail(err, HONE_USAGE, "%s ranks documents, all of them together; it makes no vectors",
                         model->path);
    bool dense = out->output == OUTPUT_EMBEDDING || out->output == OUTPUT_HYBRID;
    if (out->output == OUTPUT_WORDS && m->hp.pooling != POOL_SPLADE)
        return hone_fail(err, HONE_USAGE, "%s makes no weights for words; this needs a SPLADE model",
                         model->path);
    bool l2 = m->hp.normalize && (dense || m->hp.pooling == POOL_TOKENS);
    out->run = run;
    out->normalize = run->normalize < 0 ? l2 : run->normalize > 0;
    out->inputs.max_length = m->hp.max_length;
    out->inputs.may_stop = !model->options.strict;
    out->inputs.cut = tokens_side(run->cut);
    out->inputs.route = model->number;
    if (dense)
        status = choose_pooling(model, run->pooling, &out->pooling, err);
    if (status == HONE_OK)
        status = choose_dims(model, out->output == OUTPUT_WORDS ? 0 : run->n_dims, widest_of(m, out->output),
                             &out->n_dims, err);
    out->n_normalized = out->n_dims;
    if (run->n_dims == 0 && dense)
        out->n_dims = model->info.n_dims; /* the model's own cut is made behind the normalisation */
    multi_vector_choose(model, run->as, out);
    const char *task = NULL;
    if (status == HONE_OK)
        status = adaptations_choose(model, run, &task, &out->inputs.task, err);
    if (!prompt)
        prompt = task && prompts_find(model, task) ? task : prompts_of_role(model, run->as);
    return status == HONE_OK ? prompts_choose(model, prompt, out, err) : status;
}

enum hone_status task_needs_head(const struct hone_model *model, const char *what, struct hone_error *err)
{
    if (model->info.task == HONE_TASK_CLASSIFY)
        return HONE_OK;
    return hone_fail(err, HONE_USAGE, "%s %s, but this needs a model with a classification head", model->path,
                     model->info.task == HONE_TASK_EMBED             ? "only embeds"
                     : model->info.task == HONE_TASK_GENERATE        ? "generates text"
                     : model->info.task == HONE_TASK_CLASSIFY_TOKENS ? "labels tokens"
                     : model->info.task == HONE_TASK_ANSWER          ? "finds answers"
                     : model->info.task == HONE_TASK_FIND_SPANS      ? "finds spans of labels"
                     : model->info.task == HONE_TASK_RERANK          ? "ranks documents"
                                                                     : what);
}

enum hone_status task_run_locked(struct hone_model *model, const struct request *request,
                                 struct hone_stats *stats, struct hone_error *err)
{
    pthread_mutex_lock(&model->lock);
    enum hone_status status = engine_run(model, request, stats, err);
    pthread_mutex_unlock(&model->lock);
    return status;
}

/* ---- rows ---- */

void task_store_rows(void *arg, size_t i, const float *row, size_t n_rows)
{
    (void)n_rows;
    struct rows *rows = arg;
    float *out = rows->out + i * rows->width;
    if (row)
        memcpy(out, row, rows->width * sizeof *out);
    for (size_t j = 0; !row && j < rows->width; j++)
        out[j] = NAN;
}

enum hone_status hone_embed(struct hone_model *model, const struct hone_text *texts, size_t n_texts,
                            const struct hone_run_options *run, float *out, struct hone_stats *stats,
                            struct hone_error *err)
{
    struct hone_run_options how;
    struct request request = {.inputs = {.n = n_texts, .first = texts}, .sink = task_store_rows};
    enum hone_status status = task_take_options(&how, run, err);
    if (status == HONE_OK)
        status = routes_choose(&model, how.as, err);
    if (status == HONE_OK)
        status = task_embed_request(model, &how, how.prompt, &request, err);
    struct rows rows = {out, request.n_dims};
    request.arg = &rows;
    return status == HONE_OK ? task_run_locked(model, &request, stats, err) : status;
}

enum hone_status task_with_head(struct hone_model *model, const struct inputs *inputs,
                                const struct hone_run_options *run, float *out, struct hone_stats *stats,
                                struct hone_error *err)
{
    struct rows rows = {out, model->net.hp.n_labels};
    struct request request = {.inputs = *inputs,
                              .output = OUTPUT_LABELS,
                              .raw = run->raw,
                              .run = run,
                              .sink = task_store_rows,
                              .arg = &rows};
    request.inputs.max_length = model->net.hp.max_length;
    request.inputs.may_stop = !model->options.strict;
    request.inputs.cut = tokens_side(run->cut);
    request.inputs.truncation = run->keep_second ? TOK_ONLY_FIRST : TOK_LONGEST_FIRST;
    enum hone_status status = prompts_choose(model, run->prompt, &request, err);
    if (run->instruction)
        request.inputs.prompt = run->instruction;
    return status == HONE_OK ? task_run_locked(model, &request, stats, err) : status;
}

enum hone_status hone_classify(struct hone_model *model, const struct hone_text *texts,
                               const struct hone_text *pairs, size_t n_texts,
                               const struct hone_run_options *run, float *out, struct hone_stats *stats,
                               struct hone_error *err)
{
    struct hone_run_options how;
    enum hone_status status = task_take_options(&how, run, err);
    if (status == HONE_OK)
        status = task_needs_head(model, "has no weights", err);
    struct inputs inputs = {.n = n_texts, .first = texts, .second = pairs};
    return status == HONE_OK ? task_with_head(model, &inputs, &how, out, stats, err) : status;
}

/* ---- tokens ---- */

/* One block of ids and where each text's begin, from the blocks of the threads. */
static enum hone_status flatten(const struct tokens *t, int32_t **ids, size_t **starts,
                                struct hone_error *err)
{
    size_t n_ids = 0;
    for (size_t i = 0; i < t->n; i++)
        n_ids += t->runs[i].n;
    *ids = malloc((n_ids + 1) * sizeof **ids);
    *starts = malloc((t->n + 1) * sizeof **starts);
    if (!*ids || !*starts) {
        free(*ids);
        free(*starts);
        *ids = NULL;
        *starts = NULL;
        return hone_no_memory(err, "token ids", n_ids * sizeof **ids);
    }
    (*starts)[0] = 0;
    for (size_t i = 0; i < t->n; i++) {
        const struct token_run *run = &t->runs[i];
        if (run->n > 0)
            memcpy(*ids + (*starts)[i], run->ids, run->n * sizeof **ids);
        (*starts)[i + 1] = (*starts)[i] + run->n;
    }
    return HONE_OK;
}

enum hone_status hone_tokenize(struct hone_model *model, const struct hone_text *texts,
                               const struct hone_text *pairs, size_t n_texts, bool add_special, int32_t **ids,
                               size_t **starts, struct hone_stats *stats, struct hone_error *err)
{
    struct tokens tokens;
    struct inputs inputs = {.n = n_texts, .first = texts, .second = pairs, .no_special = !add_special};
    *ids = NULL;
    *starts = NULL;
    /* Encodings of its own, so that it does not wait while the model computes. */
    int n_threads = model->options.n_threads;
    struct tok_encoding *encodings = calloc((size_t)n_threads, sizeof *encodings);
    if (!encodings)
        return hone_no_memory(err, "token ids", (size_t)n_threads * sizeof *encodings);
    enum hone_status status = tokens_make(&tokens, model, &inputs, encodings, n_threads, err);
    for (int i = 0; i < n_threads; i++)
        tok_encoding_release(&encodings[i]);
    free(encodings);
    if (status == HONE_OK)
        status = flatten(&tokens, ids, starts, err);
    for (size_t i = 0; i < n_texts && status == HONE_OK && stats; i++) {
        stats->n_texts++;
        stats->n_tokens += tokens.runs[i].n;
        stats->n_invalid += tokens.runs[i].invalid;
    }
    tokens_release(&tokens);
    return status;
}

enum hone_status hone_tokenize_spans(const struct hone_model *model, const struct hone_text *text,
                                     bool add_special, int32_t **ids, struct hone_span **spans, size_t *n,
                                     struct hone_error *err)
{
    struct tok_encoding e = {0};
    const struct tok_options options = {.add_special = add_special, .spans = true};
    struct hone_error why = {0};
    enum hone_status status = HONE_OK;
    *ids = NULL;
    *spans = NULL;
    *n = 0;
    if (!tokenizer_encode(model->tokenizer, (struct hone_text){text->data, text->size}, NULL, &options, &e,
                          &why)) {
        status = hone_fail(err, why.status, "%s", why.message);
        goto done;
    }
    *spans = calloc(e.n + 1, sizeof **spans);
    if (!*spans) {
        status = hone_no_memory(err, "spans of tokens", e.n * sizeof **spans);
        goto done;
    }
    for (size_t i = 0; i < e.n; i++)
        (*spans)[i] = e.spans[i].start == TOK_NO_TEXT ? (struct hone_span){SIZE_MAX, SIZE_MAX}
                                                      : (struct hone_span){e.spans[i].start, e.spans[i].end};
    *n = e.n;
    *ids = e.ids;
    e.ids = NULL;
done:
    tok_encoding_release(&e);
    return status;
}

size_t hone_detokenize_size(const struct hone_model *model, const int32_t *ids, size_t n_ids)
{
    return tokenizer_decode_bound(model->target_tokenizer, ids, n_ids);
}

enum hone_status hone_detokenize(const struct hone_model *model, const int32_t *ids, size_t n_ids,
                                 bool skip_special, char **text, size_t *size, struct hone_error *err)
{
    struct hone_error why = {0};
    *text = NULL;
    *size = 0;
    if (tokenizer_decode(model->target_tokenizer, ids, n_ids, skip_special, text, size, &why))
        return HONE_OK;
    return hone_fail(err, why.status, "%s", why.message);
}

enum hone_status hone_detokenize_input(const struct hone_model *model, const int32_t *ids, size_t n_ids,
                                       bool skip_special, char **text, size_t *size, struct hone_error *err)
{
    struct hone_error why = {0};
    *text = NULL;
    *size = 0;
    if (tokenizer_decode(model->tokenizer, ids, n_ids, skip_special, text, size, &why))
        return HONE_OK;
    return hone_fail(err, why.status, "%s", why.message);
}
