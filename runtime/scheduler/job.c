#include "runtime/scheduler/job.h"

#include <stdlib.h>
#include <string.h>

#define BYTES_A_TOKEN 4 /* about; special tokens are added */

/* ---- what a request is ---- */

/* Equal for requests that differ in nothing but their texts. */
static uint64_t kind_of(const struct model *m, const struct job *job)
{
    const struct request *c = &job->compute;
    bool pairs = job->request.kind == HONE_REQUEST_RERANK || job->request.pairs;
    size_t prompt = 0; /* a model has few */
    while (prompt < m->n_prompts && m->prompts[prompt].text != c->inputs.prompt)
        prompt++;
    uint64_t flags = 1 | (uint64_t)pairs << 1 | (uint64_t)c->raw << 2 | (uint64_t)c->normalize << 3 |
                     (uint64_t)c->output << 4 | (uint64_t)c->pooling << 8;
    return flags | (uint64_t)(prompt & 0xffff) << 16 | (uint64_t)c->n_dims << 32;
}

static enum hone_status prepare_head(const struct hone_model *model, struct job *job, struct hone_error *err)
{
    enum hone_status status = needs_head(model, "has no weights", err);
    if (status != HONE_OK)
        return status;
    job->width = model->model.hp.n_labels;
    if (job->request.kind == HONE_REQUEST_RERANK && job->width != 1)
        return hone_fail(err, HONE_USAGE, "%s has %zu labels; reranking needs a model with one", model->path,
                         job->width);
    job->compute.output = OUTPUT_LABELS;
    job->compute.raw = job->request.how.raw;
    job->compute.inputs.max_length = model->model.hp.max_length;
    return HONE_OK;
}

static enum hone_status prepare(const struct hone_model *model, struct job *job, struct hone_error *err)
{
    struct hone_run_options *how = &job->request.how;
    enum hone_status status;
    if (job->request.kind == HONE_REQUEST_RERANK && model->info.task != HONE_TASK_CLASSIFY) {
        job->entry.kind = POLICY_ALONE;
        return HONE_OK;
    }
    if (job->request.kind == HONE_REQUEST_EMBED) {
        status = embed_request(model, how, how->prompt, &job->compute, err);
        job->width = job->compute.n_dims;
    } else {
        status = prepare_head(model, job, err);
    }
    job->entry.kind = kind_of(&model->model, job);
    return status;
}

/* Tokens of a text, without making them. */
static uint32_t cost_of(const struct hone_model *model, const struct hone_request *r, size_t i)
{
    size_t n = r->texts[i].size / BYTES_A_TOKEN + 2, max = model->model.hp.max_length;
    if (r->kind == HONE_REQUEST_RERANK)
        n += r->query.size / BYTES_A_TOKEN + 1;
    else if (r->pairs)
        n += r->pairs[i].size / BYTES_A_TOKEN + 1;
    return (uint32_t)(max && n > max ? max : n < UINT32_MAX ? n : UINT32_MAX);
}

enum hone_status job_new(struct job **out, const struct hone_model *model, const struct hone_request *request,
                         struct hone_error *err)
{
    *out = NULL;
    if (request->n_texts == 0 || !request->out || (unsigned)request->priority >= HONE_N_PRIORITIES)
        return hone_fail(err, HONE_USAGE, "a request needs a text, a place for its result and a priority");
    if (request->kind > HONE_REQUEST_CLASSIFY || request->endpoint >= HONE_MAX_ENDPOINTS)
        return hone_fail(err, HONE_USAGE, "there is no request of kind %d of endpoint %u", (int)request->kind,
                         request->endpoint);
    struct job *job = calloc(1, sizeof *job);
    uint32_t *costs = job ? calloc(request->n_texts, sizeof *costs) : NULL;
    if (!costs) {
        free(job);
        return hone_no_memory(err, "a request", request->n_texts * sizeof *costs);
    }
    job->request = *request;
    job->request.how.on_progress = NULL;
    job->request.how.on_refused = NULL;
    job->entry.priority = request->priority;
    job->entry.costs = costs;
    job->entry.n_texts = request->n_texts;
    enum hone_status status = prepare(model, job, err);
    if (status != HONE_OK) {
        job_free(job);
        return status;
    }
    for (size_t i = 0; i < request->n_texts; i++)
        costs[i] = cost_of(model, request, i);
    *out = job;
    return HONE_OK;
}

void job_free(struct job *job)
{
    if (job)
        free((uint32_t *)job->entry.costs);
    free(job);
}

static void job_fail(struct job *job, enum hone_status status, const char *message)
{
    if (job->status != HONE_OK)
        return;
    job->status = status;
    size_t n = strnlen(message, sizeof job->message - 1);
    memcpy(job->message, message, n);
    job->message[n] = '\0';
}

/* ---- a batch ---- */

struct together {
    struct place {
        struct job *job;
        size_t text;
    } * places; /* [n] */
    struct hone_text *first, *second;
    size_t n;
};

static void keep_row(void *arg, size_t i, const float *row, size_t n_rows)
{
    const struct together *t = arg;
    const struct job *job = t->places[i].job;
    (void)n_rows;
    if (row)
        memcpy(job->request.out + t->places[i].text * job->width, row, job->width * sizeof *row);
}

static void keep_refusal(void *arg, size_t i, const char *sentence)
{
    const struct together *t = arg;
    struct job *job = t->places[i].job;
    struct hone_error err;
    const char *what = strstr(sentence, " has "); /* the number before it is of the batch */
    hone_fail(&err, HONE_REFUSED, "text %zu%s", t->places[i].text, what ? what : " was refused");
    job_fail(job, err.status, err.message);
}

static void add(struct together *t, const struct slice *slice)
{
    struct job *job = (struct job *)slice->entry;
    const struct hone_request *r = &job->request;
    bool rerank = r->kind == HONE_REQUEST_RERANK;
    for (size_t i = slice->first; i < slice->first + slice->n; i++, t->n++) {
        t->places[t->n] = (struct place){job, i};
        t->first[t->n] = rerank ? r->query : r->texts[i];
        t->second[t->n] = rerank ? r->texts[i] : r->pairs ? r->pairs[i] : (struct hone_text){0};
    }
}

static enum hone_status compute(struct hone_model *model, const struct slice *slices, size_t n,
                                struct hone_stats *stats, struct hone_error *err)
{
    struct together t = {0};
    size_t n_texts = 0;
    for (size_t i = 0; i < n; i++)
        n_texts += slices[i].n;
    t.places = calloc(n_texts, sizeof *t.places);
    t.first = calloc(2 * n_texts, sizeof *t.first);
    enum hone_status status = HONE_OK;
    if (!t.places || !t.first) {
        status = hone_no_memory(err, "a batch", 2 * n_texts * sizeof *t.first);
        goto done;
    }
    t.second = t.first + n_texts;
    for (size_t i = 0; i < n; i++)
        add(&t, &slices[i]);
    const struct job *job = (const struct job *)slices[0].entry;
    struct hone_run_options how = {.on_refused = keep_refusal, .refused_arg = &t};
    struct request request = job->compute;
    request.inputs.n = n_texts;
    request.inputs.first = t.first;
    request.inputs.second = job->request.kind == HONE_REQUEST_RERANK || job->request.pairs ? t.second : NULL;
    request.run = &how;
    request.sink = keep_row;
    request.arg = &t;
    status = run_locked(model, &request, stats, err);
done:
    free(t.places);
    free(t.first);
    return status;
}

/* A request whose query and documents are no pairs. */
static enum hone_status compare(struct hone_model *model, const struct slice *s, struct hone_stats *stats,
                                struct hone_error *err)
{
    const struct hone_request *r = &((const struct job *)s->entry)->request;
    return hone_rerank(model, r->query, r->texts + s->first, s->n, &r->how, r->out + s->first, stats, err);
}

void jobs_compute(struct hone_model *model, const struct slice *slices, size_t n, struct hone_stats *stats)
{
    struct hone_error err;
    bool alone = slices[0].entry->kind == POLICY_ALONE;
    enum hone_status status =
        alone ? compare(model, slices, stats, &err) : compute(model, slices, n, stats, &err);
    if (status == HONE_OK) {
        for (size_t i = 0; i < n; i++)
            ((struct job *)slices[i].entry)->n_done += slices[i].n;
    } else if (n == 1) {
        job_fail((struct job *)slices[0].entry, status, err.message);
    } else { /* it may be one request's own doing */
        for (size_t i = 0; i < n; i++)
            jobs_compute(model, &slices[i], 1, stats);
    }
}
