/* hone_rerank: a classification head's score, or how near what becomes of a document is to what becomes of the query. */
#include "runtime/infer/rerank.h"
#include "runtime/infer/llm_rerank.h"
#include "runtime/infer/prompts.h"
#include "runtime/infer/routes.h"
#include "runtime/infer/tasks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static float length_of(const struct comparison *s, const float *row)
{
    return sqrtf(s->kernels->dot(row, row, s->width));
}

/* The nearer the larger: what lies between two vectors counts less than nothing. */
static float minus_distance(const struct comparison *s, const float *row)
{
    double sum = 0;
    for (size_t i = 0; i < s->width; i++) {
        double d = (double)s->query[i] - (double)row[i];
        sum += s->by == SIMILARITY_MANHATTAN ? fabs(d) : d * d;
    }
    return (float)-(s->by == SIMILARITY_MANHATTAN ? sum : sqrt(sum));
}

/* One vector each: the cosine, or what the model says; a vector of words each: the sum of the products. */
void rerank_store_similarity(void *arg, size_t i, const float *row, size_t n_rows)
{
    struct comparison *s = arg;
    (void)n_rows;
    bool distance = s->by == SIMILARITY_EUCLIDEAN || s->by == SIMILARITY_MANHATTAN;
    s->out[i] = !row ? NAN : distance ? minus_distance(s, row) : s->kernels->dot(s->query, row, s->width);
    if (row && s->lengths) /* vectors of words keep theirs */
        s->out[i] /= fmaxf(length_of(s, s->query) * length_of(s, row), 1e-12f);
}

/* A vector a token: for each of the query's the nearest one's cosine, summed up (Khattab and Zaharia, ColBERT, 2020,
 * arXiv:2004.12832). */
void rerank_store_nearest(void *arg, size_t i, const float *rows, size_t n_rows)
{
    struct comparison *s = arg;
    float sum = 0;
    for (size_t q = 0; q < s->n_query && rows; q++) {
        float best = -INFINITY;
        for (size_t t = 0; t < n_rows; t++)
            best = fmaxf(best, s->kernels->dot(s->query + q * s->width, rows + t * s->width, s->width));
        sum += best;
    }
    if (s->by == SIMILARITY_MEANMAXSIM && s->n_query > 0)
        sum /= (float)s->n_query;
    s->out[i] = rows ? sum : NAN;
}

/* What becomes of the query is kept. */
static void keep_query(void *arg, size_t i, const float *rows, size_t n_rows)
{
    struct comparison *s = arg;
    (void)i;
    s->query = rows ? malloc((n_rows * s->width + 1) * sizeof *s->query) : NULL;
    s->n_query = s->query ? n_rows : 0;
    if (s->query)
        memcpy(s->query, rows, n_rows * s->width * sizeof *s->query);
}

enum hone_status rerank_requests(const struct hone_model *asking, const struct hone_model *reading,
                                 const struct hone_run_options *run, struct request *query,
                                 struct request *documents, struct comparison *out, struct hone_error *err)
{
    const struct net *m = &asking->net;
    if (m->arch->has_decoder && m->hp.generates)
        return hone_fail(
            err, HONE_USAGE,
            "%s writes texts behind an encoder; rerankers of that kind (monoT5, RankT5), which judge "
            "by what they would write first, are not supported, and its vectors were not made to "
            "be compared",
            asking->path);
    bool tokens = m->hp.pooling == POOL_TOKENS, words = m->hp.pooling == POOL_SPLADE;
    enum engine_output output = tokens ? OUTPUT_TOKENS : words ? OUTPUT_WORDS : OUTPUT_EMBEDDING;
    struct hone_run_options how = *run;
    *out = (struct comparison){.by = asking->similarity, .kernels = m->kernels};
    query->output = documents->output = output;
    how.as = HONE_ROLE_QUERY;
    enum hone_status status = task_embed_request(asking, &how, run->prompt, query, err);
    how.as = HONE_ROLE_DOCUMENT;
    if (status == HONE_OK)
        status = task_embed_request(reading, &how, NULL, documents, err);
    query->run = documents->run = NULL;
    out->width = query->n_dims;
    out->lengths = words && asking->similarity == SIMILARITY_COSINE;
    bool usual = asking->similarity == SIMILARITY_USUAL;
    if (asking->similarity == SIMILARITY_COSINE || (usual && !tokens && !words))
        query->normalize = documents->normalize = true;
    /* Cosines are of what the model's own cut leaves. */
    if (query->normalize && !tokens && !words)
        query->n_normalized = documents->n_normalized = query->n_dims;
    return status;
}

static enum hone_status rerank_by_similarity(struct hone_model *model, struct hone_text query,
                                             const struct hone_text *docs, size_t n_docs,
                                             const struct hone_run_options *run, float *out,
                                             struct hone_stats *stats, struct hone_error *err)
{
    struct hone_model *asking = model, *reading = model;
    struct comparison s = {.query = NULL};
    struct request ask = {.inputs = {.n = 1, .first = &query}},
                   read = {.inputs = {.n = n_docs, .first = docs}};
    struct hone_run_options quiet = *run;
    quiet.on_progress = NULL;
    quiet.on_refused = NULL;
    enum hone_status status = routes_choose(&asking, HONE_ROLE_QUERY, err);
    if (status == HONE_OK)
        status = routes_choose(&reading, HONE_ROLE_DOCUMENT, err);
    if (status == HONE_OK)
        status = rerank_requests(asking, reading, run, &ask, &read, &s, err);
    s.out = out;
    ask.run = &quiet;
    read.run = run;
    ask.arg = read.arg = &s;
    ask.sink = keep_query;
    read.sink = read.output == OUTPUT_TOKENS ? rerank_store_nearest : rerank_store_similarity;
    if (status == HONE_OK)
        status = task_run_locked(asking, &ask, NULL, err);
    if (status == HONE_OK && !s.query)
        status = hone_no_memory(err, "the query", s.width * sizeof *s.query);
    if (status == HONE_OK)
        status = task_run_locked(reading, &read, stats, err);
    free(s.query);
    return status;
}

enum hone_status hone_rerank(struct hone_model *model, struct hone_text query, const struct hone_text *docs,
                             size_t n_docs, const struct hone_run_options *run, float *out,
                             struct hone_stats *stats, struct hone_error *err)
{
    struct hone_run_options how;
    enum hone_status status = task_take_options(&how, run, err);
    if (status != HONE_OK)
        return status;
    run = &how;
    if (llm_rerank_can(model)) {
        const struct llm_rerank_ask ask = {query, docs, n_docs, run, out, NULL, NULL};
        return llm_rerank(model, &ask, 1, stats, err);
    }
    if (run->instruction && !model->pairs)
        return hone_fail(err, HONE_USAGE, "%s takes no instruction: it does not generate, or has no chat",
                         model->path);
    if (model->info.task == HONE_TASK_EMBED || model->info.task == HONE_TASK_GENERATE)
        return rerank_by_similarity(model, query, docs, n_docs, run, out, stats, err);
    status = task_needs_head(model, "has no weights", err);
    if (status != HONE_OK)
        return status;
    if (model->info.n_labels != 1)
        return hone_fail(err, HONE_USAGE, "%s has %zu labels; reranking needs a model with one", model->path,
                         model->info.n_labels);
    struct inputs inputs = {.n = n_docs, .first = &query, .same_first = true, .second = docs};
    return task_with_head(model, &inputs, run, out, stats, err);
}
