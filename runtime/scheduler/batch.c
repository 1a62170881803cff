#include "runtime/scheduler/batch.h"

#include <stdlib.h>
#include <string.h>

struct together {
    struct caches *caches;
    struct place {
        struct job *job;
        size_t text;
    } * places;             /* [n] */
    struct token_run *runs; /* [n] */
    size_t n;
};

static void keep(void *arg, size_t i, const float *rows, size_t n_rows)
{
    const struct together *t = arg;
    struct job *job = t->places[i].job;
    size_t text = t->places[i].text;
    if (!rows)
        return;
    if (job->compute.output == OUTPUT_TOKENS)
        ragged_keep_rows(&job->ragged, text, rows, n_rows);
    else if (job->compute.output == OUTPUT_WORDS)
        ragged_keep_words(&job->ragged, text, rows, n_rows);
    else
        memcpy(job->request.out + text * job->width, rows, job->width * sizeof *rows);
    if (!job->keys)
        return;
    struct cached_row row = {.key = job->keys[text],
                             .row = job->request.out + text * job->width,
                             .width = job->width,
                             .n_tokens = (uint32_t)job->runs[text].n,
                             .truncated = job->runs[text].n_full > job->runs[text].n};
    caches_put_row(t->caches, job->rows_cache, &row);
}

static void add(struct together *t, const struct slice *slice)
{
    struct job *job = (struct job *)slice->entry;
    for (size_t i = slice->first; i < slice->first + slice->n; i++) {
        if (job->found[i])
            continue;
        if (job->runs[i].n == 0 && job->request.out) /* a text without tokens has no direction */
            memset(job->request.out + i * job->width, 0, job->width * sizeof(float));
        t->places[t->n] = (struct place){job, i};
        t->runs[t->n++] = job->runs[i];
    }
}

static enum hone_status compute(struct hone_model *model, struct caches *caches, const struct slice *slices,
                                size_t n, struct hone_stats *stats, struct hone_error *err)
{
    struct together t = {.caches = caches};
    size_t n_texts = 0;
    for (size_t i = 0; i < n; i++)
        n_texts += slices[i].n;
    t.places = calloc(n_texts, sizeof *t.places);
    t.runs = calloc(n_texts, sizeof *t.runs);
    enum hone_status status = HONE_OK;
    if (!t.places || !t.runs) {
        status = hone_no_memory(err, "a batch", n_texts * sizeof *t.runs);
        goto done;
    }
    for (size_t i = 0; i < n; i++)
        add(&t, &slices[i]);
    struct request request = ((const struct job *)slices[0].entry)->compute;
    request.inputs.n = t.n;
    request.run = NULL;
    request.sink = keep;
    request.arg = &t;
    pthread_mutex_lock(&model->lock);
    status = engine_compute(model, &request, t.runs, stats, err);
    pthread_mutex_unlock(&model->lock);
done:
    free(t.places);
    free(t.runs);
    return status;
}

/* A request that is computed as a whole: its query and documents are no pairs of one text each. */
static enum hone_status rerank(struct hone_model *model, const struct slice *s, struct hone_stats *stats,
                               struct hone_error *err)
{
    struct job *job = (struct job *)s->entry;
    const struct hone_request *r = &job->request;
    struct hone_stats own = {0};
    enum hone_status status =
        hone_rerank(model, r->query, r->texts + s->first, s->n, &r->how, r->out + s->first, &own, err);
    job->n_tokens += own.n_tokens;
    stats->n_texts += own.n_texts;
    stats->n_tokens += own.n_tokens;
    stats->n_truncated += own.n_truncated;
    stats->n_invalid += own.n_invalid;
    return status;
}

void batch_compute(struct hone_model *model, struct caches *caches, const struct slice *slices, size_t n,
                   struct hone_stats *stats)
{
    struct hone_error err;
    struct job *first = (struct job *)slices[0].entry;
    enum hone_status status = job_has_tokens(first) ? compute(model, caches, slices, n, stats, &err)
                                                    : rerank(model, slices, stats, &err);
    if (status == HONE_OK)
        return;
    if (n == 1)
        job_fail(first, status, err.message);
    else /* it may be one request's own doing */
        for (size_t i = 0; i < n; i++)
            batch_compute(model, caches, &slices[i], 1, stats);
}
