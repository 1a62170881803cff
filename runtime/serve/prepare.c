#include "runtime/serve/prepare.h"

#include "runtime/base/thread_pool.h"
#include "runtime/serve/compared.h"

#include <stdlib.h>
#include <string.h>

#define LEAST_SHARED 8 /* texts that several threads share */

static struct hone_text bytes_of(const struct job *job, size_t i)
{
    const struct hone_request *r = &job->request;
    if (!r->ids)
        return r->texts[i];
    return (struct hone_text){(const char *)r->ids[i].ids, r->ids[i].n * sizeof *r->ids[i].ids};
}

size_t prepare_share(const struct job *job, size_t first)
{
    size_t n = 0, size = 0, left = job->request.n_texts - first;
    while (n < left && n < PREPARE_TEXTS && (n == 0 || size < PREPARE_BYTES))
        size += bytes_of(job, first + n++).size;
    return n;
}

/* ---- rows that are there ---- */

static struct cached_input input_of(const struct job *job, size_t i)
{
    const struct inputs *in = job_inputs(job, i);
    return (struct cached_input){.in = in,
                                 .first = in->same_first ? in->first[0] : bytes_of(job, i),
                                 .second = in->second ? in->second[i] : (struct hone_text){0},
                                 .are_ids = job->request.ids,
                                 .partition = job->request.how.partition};
}

static void take_found(struct job *job, const struct cached_row *row, size_t i)
{
    job->found[i] = row->found;
    if (row->found && job->request.out_done)
        job->request.out_done[i] = true;
    if (row->found)
        job->runs[i] = (struct token_run){.n = row->n_tokens, .n_full = row->n_tokens + row->truncated};
}

/* Every text gets its key first, even if there is no memory for what follows: of texts with the same key one is computed. */
static void find_rows(struct job *job, struct caches *caches, size_t first, size_t n)
{
    for (size_t i = first; i < first + n && job->keys; i++) {
        const struct cached_input input = input_of(job, i);
        job->keys[i] = caches_row_key(caches, job_compute(job, i), &input);
    }
    struct cached_row *rows = job->keys ? calloc(n, sizeof *rows) : NULL;
    if (!rows)
        return;
    for (size_t k = 0; k < n; k++)
        rows[k] = (struct cached_row){.key = job->keys[first + k],
                                      .row = job->request.out + (first + k) * job->width,
                                      .width = job->width};
    caches_get_rows(caches, job->rows_cache, rows, n);
    for (size_t k = 0; k < n; k++)
        take_found(job, &rows[k], first + k);
    free(rows);
}

/* ---- token ids ---- */

/* One block of ids and type ids. */
static bool copy_run(struct token_run *run, const struct inputs *in, const int32_t *ids,
                     const uint8_t *type_ids)
{
    size_t n = in->fill_to > run->n ? in->fill_to : run->n;
    int32_t *copy = malloc(n * (sizeof *copy + 1) + 1);
    if (!copy)
        return false;
    uint8_t *types = (uint8_t *)(copy + n);
    memset(types, 0, n);
    for (size_t i = run->n; i < n; i++)
        copy[i] = in->filler;
    if (run->n > 0)
        memcpy(copy, ids, run->n * sizeof *copy);
    if (run->n > 0 && type_ids)
        memcpy(types, type_ids, run->n);
    run->ids = copy;
    run->type_ids = types;
    run->n_unseen = in->fill_unseen ? n - run->n : 0;
    run->n = n;
    run->n_full = run->n_full > n ? run->n_full : n;
    return true;
}

static enum hone_status tokenize(struct job *job, size_t i, struct tok_encoding *e, struct hone_error *err)
{
    struct token_run *run = &job->runs[i];
    const struct hone_ids *given = job->request.ids;
    const struct inputs *in = job_inputs(job, i);
    size_t max = in->max_length;
    enum hone_status status = given ? HONE_OK : tokens_encode(job_model(job, i), in, i, e, err);
    if (status != HONE_OK)
        return status;
    if (given)
        *run = (struct token_run){.n = max && given[i].n > max ? max : given[i].n, .n_full = given[i].n};
    else
        *run = (struct token_run){.n = e->n, .n_full = e->n_full, .invalid = e->invalid};
    const int32_t *ids = !given                ? e->ids
                         : in->cut == TOK_LEFT ? given[i].ids + (given[i].n - run->n)
                                               : given[i].ids;
    if (!copy_run(run, in, ids, given ? NULL : e->type_ids))
        return hone_no_memory(err, "token ids", run->n * sizeof *run->ids);
    return HONE_OK;
}

static void make_tokens(struct job *job, struct caches *caches, size_t i, struct tok_encoding *e)
{
    struct hone_error err;
    struct token_run *run = &job->runs[i];
    const struct inputs *in = job_inputs(job, i);
    bool keeps = caches->caches[HONE_CACHE_TOKENS] && !job->request.ids && in->fill_to == 0;
    const struct cached_input input = input_of(job, i);
    struct cache_key key = keeps ? caches_token_key(&input) : (struct cache_key){0};
    if (!keeps || !caches_get_tokens(caches, key, run)) {
        enum hone_status status = tokenize(job, i, e, &err);
        if (status != HONE_OK) {
            job_fail(job, status, err.message);
            return;
        }
        if (keeps)
            caches_put_tokens(caches, key, run);
    }
    if (run->n_full > run->n && job->model->options.strict) {
        hone_fail(&err, HONE_REFUSED, "text %zu has %zu tokens, expected at most %zu", i, run->n_full,
                  in->max_length);
        job_fail(job, err.status, err.message);
    }
    run->task = in->task;
    job->costs[i] = (uint32_t)run->n;
}

struct preparing {
    struct job *job;
    struct caches *caches;
    size_t first;
    struct tok_encoding *encodings; /* a thread's each */
};

static void make_piece(const void *arg, struct work_range texts)
{
    const struct preparing *p = arg;
    for (size_t i = p->first + texts.first; i < p->first + texts.end; i++)
        if (!p->job->found[i])
            make_tokens(p->job, p->caches, i, &p->encodings[texts.thread]);
}

void prepare_texts(struct job *job, struct caches *caches, size_t first, size_t n,
                   struct tok_encoding *encodings, int n_threads)
{
    find_rows(job, caches, first, n);
    for (size_t i = first; i < first + n && job->compared && !job->keys; i++)
        job->found[i] = compared_find(job->compared, caches, i, &job->runs[i]);
    const struct preparing preparing = {job, caches, first, encodings};
    thread_pool_run(n > LEAST_SHARED ? n_threads : 1, n, n / 4 + 1, make_piece, &preparing);
}
