#include "runtime/serve/batch.h"

#include "runtime/infer/listwise.h"
#include "runtime/serve/compared.h"

#include <stdlib.h>
#include <string.h>

#define NOWHERE UINT32_MAX

/* A text of a job. Of several that are the same, and wanted in the same form, only the first is computed. */
struct batch_place {
    struct job *job;
    size_t text;
    uint32_t next; /* of the same; NOWHERE: none */
};

struct together {
    struct caches *caches;
    struct batch_place *places; /* [n_places] */
    struct token_run *runs;     /* [n], with what is computed */
    uint32_t *firsts;           /* [n]: the places of these */
    uint32_t *table; /* [2^bits]: the i of a row's key in `firsts`, at its hash or behind it; NOWHERE */
    unsigned bits;
    size_t n_places, n;
};

static void put(const struct batch_place *place, const float *rows, size_t n_rows)
{
    struct job *job = place->job;
    if (job->request.out_done)
        job->request.out_done[place->text] = true;
    if (job->compute.output == OUTPUT_TOKENS || job->compute.output == OUTPUT_TOKEN_LABELS)
        ragged_keep_rows(&job->ragged, place->text, rows, n_rows);
    else if (job->compute.output == OUTPUT_FILLINGS)
        ragged_keep_pairs(&job->ragged, place->text, rows, n_rows);
    else if (job->compute.output == OUTPUT_HYBRID)
        hybrid_keep(&job->hybrid, place->text, rows, n_rows);
    else if (job->compute.output == OUTPUT_WORDS)
        ragged_keep_words(&job->ragged, place->text, rows, n_rows);
    else
        memcpy(job->request.out + place->text * job->width, rows, job->width * sizeof *rows);
}

static void keep(void *arg, size_t i, const float *rows, size_t n_rows)
{
    const struct together *t = arg;
    const struct batch_place *first = &t->places[t->firsts[i]];
    struct job *job = first->job;
    size_t text = first->text;
    if (!rows)
        return;
    for (uint32_t k = t->firsts[i]; k != NOWHERE; k = t->places[k].next)
        put(&t->places[k], rows, n_rows);
    if (!job->keys)
        return;
    struct cached_row row = {.key = job->keys[text],
                             .row = job->request.out + text * job->width,
                             .width = job->width,
                             .n_tokens = (uint32_t)job->runs[text].n,
                             .truncated = job->runs[text].n_full > job->runs[text].n};
    caches_put_row(t->caches, job->rows_cache, &row);
}

/* Where in the table a key is, or would be. */
static uint32_t *look_up(const struct together *t, struct cache_key key)
{
    size_t mask = ((size_t)1 << t->bits) - 1, at = key.low & mask;
    for (; t->table[at] != NOWHERE; at = (at + 1) & mask) {
        const struct batch_place *p = &t->places[t->firsts[t->table[at]]];
        if (cache_key_same(p->job->keys[p->text].here, key))
            break;
    }
    return &t->table[at];
}

/* Whether an earlier batch has computed it since it was looked for, when its request came. Batches of one model follow each
 * other, so that requests for the same text that come at the same time are computed once, whichever batches they are in. */
static bool was_computed(struct together *t, struct job *job, size_t text)
{
    struct cached_row row = {
        .key = job->keys[text], .row = job->request.out + text * job->width, .width = job->width};
    caches_get_row_again(t->caches, job->rows_cache, &row);
    if (row.found && job->request.out_done)
        job->request.out_done[text] = true;
    return row.found;
}

static void add_text(struct together *t, struct job *job, size_t text)
{
    uint32_t place = (uint32_t)t->n_places++;
    uint32_t *known = job->keys ? look_up(t, job->keys[text].here) : NULL;
    t->places[place] = (struct batch_place){job, text, NOWHERE};
    if (known && *known != NOWHERE) {
        struct batch_place *first = &t->places[t->firsts[*known]];
        t->places[place].next = first->next;
        first->next = place;
        return;
    }
    if (known && was_computed(t, job, text)) {
        t->n_places--;
        return;
    }
    if (known)
        *known = (uint32_t)t->n;
    t->firsts[t->n] = place;
    t->runs[t->n++] = job->runs[text];
}

static void add(struct together *t, const struct slice *slice)
{
    struct job *job = (struct job *)slice->entry;
    for (size_t i = slice->first; i < slice->first + slice->n; i++) {
        if (job->found[i])
            continue;
        if (job->runs[i].n == 0 && job->request.out) /* a text without tokens has no direction */
            memset(job->request.out + i * job->width, 0, job->width * sizeof(float));
        add_text(t, job, i);
    }
}

static bool allocate(struct together *t, size_t n)
{
    while ((size_t)1 << t->bits < 2 * n)
        t->bits++;
    t->places = calloc(n, sizeof *t->places);
    t->runs = calloc(n, sizeof *t->runs);
    t->firsts = calloc(n, sizeof *t->firsts);
    t->table = malloc(sizeof *t->table << t->bits);
    if (!t->places || !t->runs || !t->firsts || !t->table)
        return false;
    memset(t->table, 0xff, sizeof *t->table << t->bits);
    return true;
}

/* A text of the kind that all of the slice are of, where they are computed. */
static size_t text_of_kind(const struct slice *s)
{
    return s->first < s->entry->n_first ? s->first : s->entry->n_texts - 1;
}

/* Those of a kind are all for one model. */
static enum hone_status compute(struct caches *caches, const struct slice *slices, size_t n,
                                struct hone_stats *stats, struct hone_error *err)
{
    struct together t = {.caches = caches};
    const struct job *any = (const struct job *)slices[0].entry;
    struct hone_model *model = job_model(any, text_of_kind(&slices[0]));
    size_t n_texts = 0;
    for (size_t i = 0; i < n; i++)
        n_texts += slices[i].n;
    enum hone_status status = HONE_OK;
    if (n_texts >= NOWHERE || !allocate(&t, n_texts)) {
        status = hone_no_memory(err, "a batch", n_texts * sizeof *t.runs);
        goto done;
    }
    for (size_t i = 0; i < n; i++)
        add(&t, &slices[i]);
    struct request request = *job_compute(any, text_of_kind(&slices[0]));
    request.inputs.n = t.n;
    request.run = NULL;
    request.sink = keep;
    request.arg = &t;
    pthread_mutex_lock(&model->lock);
    if (t.n > 0)
        status = engine_compute(model, &request, t.runs, stats, err);
    pthread_mutex_unlock(&model->lock);
done:
    free(t.places);
    free(t.runs);
    free(t.firsts);
    free(t.table);
    return status;
}

/* ---- what is computed as a whole ---- */

/* The documents of a slice whose scores nobody knows yet, one behind the other. */
struct unscored {
    struct cached_row *rows; /* [n] of all of them */
    struct hone_text *docs;  /* [n_docs] */
    float *scores;           /* [n_docs] */
    uint32_t *n_tokens;      /* [n_docs] */
    bool *truncated;         /* [n_docs] */
    size_t n_docs;
};

/* Not where a document's score depends on those beside it. */
static bool keeps_scores(const struct caches *caches, const struct job *job)
{
    return !listwise_can(job->model) && compared_keeps_scores(caches, &job->request);
}

static bool find_unknown(struct unscored *u, struct caches *caches, const struct slice *s)
{
    struct job *job = (struct job *)s->entry;
    bool keeps = keeps_scores(caches, job);
    u->rows = calloc(s->n, sizeof *u->rows);
    u->docs = calloc(s->n, sizeof *u->docs);
    u->scores = calloc(s->n, sizeof *u->scores);
    u->n_tokens = calloc(s->n, sizeof *u->n_tokens);
    u->truncated = calloc(s->n, sizeof *u->truncated);
    if (!u->rows || !u->docs || !u->scores || !u->n_tokens || !u->truncated)
        return false;
    for (size_t i = 0; i < s->n && keeps; i++)
        u->rows[i] = (struct cached_row){.key = compared_score_key(caches, &job->request, s->first + i),
                                         .row = job->request.out + s->first + i,
                                         .width = 1};
    if (keeps)
        caches_get_rows(caches, HONE_CACHE_SCORES, u->rows, s->n);
    for (size_t i = 0; i < s->n; i++)
        if (!u->rows[i].found)
            u->docs[u->n_docs++] = job->request.texts[s->first + i];
    return true;
}

/* Each document of the slice gets what was found or computed of it, and what was computed is kept. */
static void keep_scores(const struct unscored *u, struct caches *caches, const struct slice *s)
{
    struct job *job = (struct job *)s->entry;
    const struct hone_request *r = &job->request;
    bool keeps = keeps_scores(caches, job);
    for (size_t i = 0, k = 0; i < s->n; i++) {
        struct cached_row *row = &u->rows[i];
        if (!row->found) {
            row->n_tokens = u->n_tokens[k];
            row->truncated = u->truncated[k];
            r->out[s->first + i] = u->scores[k++];
            if (keeps)
                caches_put_row(caches, HONE_CACHE_SCORES, row);
        }
        if (r->out_n_tokens)
            r->out_n_tokens[s->first + i] = row->n_tokens;
        if (r->out_truncated)
            r->out_truncated[s->first + i] = row->truncated;
        if (r->out_done)
            r->out_done[s->first + i] = true;
    }
    job->n_found += s->n - u->n_docs;
    for (size_t k = 0; k < u->n_docs; k++)
        job->n_tokens += u->n_tokens[k];
}

static void release_unknown(struct unscored *u, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(u[i].rows);
        free(u[i].docs);
        free(u[i].scores);
        free(u[i].n_tokens);
        free(u[i].truncated);
    }
}

/* A model is asked about the documents of all slices at once. */
static enum hone_status judge(struct hone_model *model, const struct slice *slices, size_t n,
                              const struct unscored *u, struct hone_stats *stats, struct hone_error *err)
{
    static _Thread_local struct llm_rerank_ask asks[POLICY_SLICES];
    size_t n_asks = 0;
    for (size_t i = 0; i < n; i++) {
        const struct hone_request *r = &((const struct job *)slices[i].entry)->request;
        if (u[i].n_docs > 0)
            asks[n_asks++] = (struct llm_rerank_ask){r->query,    u[i].docs,     u[i].n_docs,   &r->how,
                                                     u[i].scores, u[i].n_tokens, u[i].truncated};
    }
    return n_asks > 0 ? llm_rerank(model, asks, n_asks, stats, err) : HONE_OK;
}

/* Query and documents of each slice are no texts that become results each by itself. Models that are not asked, but compare
 * by several parts of them, take one slice at a time. */
static enum hone_status rerank(struct caches *caches, const struct slice *slices, size_t n,
                               struct hone_stats *stats, struct hone_error *err)
{
    struct job *job = (struct job *)slices[0].entry;
    const struct hone_request *r = &job->request;
    struct unscored *u = calloc(n, sizeof *u);
    enum hone_status status = u ? HONE_OK : hone_no_memory(err, "scores", n * sizeof *u);
    for (size_t i = 0; i < n && status == HONE_OK; i++)
        if (!find_unknown(&u[i], caches, &slices[i]))
            status = hone_no_memory(err, "scores", slices[i].n * sizeof *u->rows);
    if (status == HONE_OK && llm_rerank_can(job->model)) {
        status = judge(job->model, slices, n, u, stats, err);
    } else if (status == HONE_OK && u->n_docs > 0) {
        struct hone_stats own = {0};
        status = hone_rerank(job->model, r->query, u->docs, u->n_docs, &r->how, u->scores, &own, err);
        job->n_tokens += own.n_tokens;
        stats->n_texts += own.n_texts;
        stats->n_tokens += own.n_tokens;
        stats->n_truncated += own.n_truncated;
        stats->n_invalid += own.n_invalid;
    }
    for (size_t i = 0; i < n && status == HONE_OK; i++)
        keep_scores(&u[i], caches, &slices[i]);
    if (u)
        release_unknown(u, n);
    free(u);
    return status;
}

/* Answers, or spans of labels: what is found in each text. */
static enum hone_status find_in_texts(const struct slice *s, struct hone_stats *stats, struct hone_error *err)
{
    struct job *job = (struct job *)s->entry;
    const struct hone_request *r = &job->request;
    struct hone_stats own = {0};
    struct hone_answer *answers = NULL;
    struct hone_labeled_span *spans = NULL;
    size_t *starts;
    enum hone_status status =
        r->kind == HONE_REQUEST_ANSWER
            ? hone_answer(job->model, r->texts + s->first, r->pairs + s->first, s->n, r->answering, &r->how,
                          &answers, &starts, &own, err)
            : hone_find_spans(job->model, r->texts + s->first, s->n, r->labels, r->n_labels, r->spanning,
                              &r->how, &spans, &starts, &own, err);
    if (status != HONE_OK)
        return status;
    for (size_t i = 0; i < s->n; i++) {
        const void *items = answers ? (const void *)(answers + starts[i]) : spans + starts[i];
        ragged_keep_items(&job->ragged, s->first + i, items, starts[i + 1] - starts[i]);
        if (r->out_done)
            r->out_done[s->first + i] = true;
    }
    hone_free(answers);
    hone_free(spans);
    hone_free(starts);
    job->n_tokens += own.n_tokens;
    stats->n_texts += own.n_texts;
    stats->n_tokens += own.n_tokens;
    stats->n_invalid += own.n_invalid;
    return HONE_OK;
}

static enum hone_status compute_whole(struct caches *caches, const struct slice *slices, size_t n,
                                      struct hone_stats *stats, struct hone_error *err)
{
    const struct job *job = (const struct job *)slices[0].entry;
    const enum hone_request_kind kind = job->request.kind;
    return kind == HONE_REQUEST_ANSWER || kind == HONE_REQUEST_FIND_SPANS
               ? find_in_texts(slices, stats, err)
               : rerank(caches, slices, n, stats, err);
}

void batch_compute(struct caches *caches, const struct slice *slices, size_t n, struct hone_stats *stats)
{
    struct hone_error err;
    struct job *first = (struct job *)slices[0].entry;
    enum hone_status status = job_has_tokens(first) ? compute(caches, slices, n, stats, &err)
                                                    : compute_whole(caches, slices, n, stats, &err);
    if (status == HONE_OK)
        return;
    if (n == 1)
        job_fail(first, status, err.message);
    else /* it may be one request's own doing */
        for (size_t i = 0; i < n; i++)
            batch_compute(caches, &slices[i], 1, stats);
}
