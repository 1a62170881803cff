#include "runtime/serve/job.h"

#include "runtime/generate/compiled.h"
#include "runtime/infer/listwise.h"
#include "runtime/infer/prompts.h"
#include "runtime/infer/routes.h"
#include "runtime/infer/spans/spans.h"
#include "runtime/serve/compared.h"

#include <stdlib.h>
#include <string.h>

#define KIND_JUDGED   2 /* requests that a model is asked: none of kind_of's, which are odd */
#define BYTES_A_TOKEN 4 /* about, of what is not tokenized beforehand */

/* ---- what a request is ---- */

/* Equal for requests that differ in nothing but their texts. */
static uint64_t kind_of(const struct request *c)
{
    return 1 | (uint64_t)c->raw << 1 | (uint64_t)c->normalize << 2 |
           (uint64_t)(c->n_normalized == c->n_dims) << 3 | (uint64_t)c->output << 4 |
           (uint64_t)(c->skipped != NULL) << 7 | (uint64_t)c->pooling << 8 |
           (uint64_t)(c->n_skipped & 0xfffff) << 12 | (uint64_t)c->n_dims << 32 |
           (uint64_t)c->inputs.route << 56;
}

static enum hone_status prepare_head(const struct hone_model *model, struct job *job, struct hone_error *err)
{
    enum hone_status status = task_needs_head(model, "has no weights", err);
    if (status != HONE_OK)
        return status;
    job->width = model->net.hp.n_labels;
    if (job->request.how.instruction && !model->pairs)
        return hone_fail(err, HONE_USAGE, "%s takes no instruction: it does not generate, or has no chat",
                         model->path);
    if (job->request.kind == HONE_REQUEST_RERANK && job->width != 1)
        return hone_fail(err, HONE_USAGE, "%s has %zu labels; reranking needs a model with one", model->path,
                         job->width);
    job->compute.output = OUTPUT_LABELS;
    job->compute.raw = job->request.how.raw;
    job->compute.inputs.max_length = model->net.hp.max_length;
    job->compute.inputs.may_stop = !model->options.strict;
    job->compute.inputs.cut = tokens_side(job->request.how.cut);
    job->compute.inputs.truncation = job->request.how.keep_second ? TOK_ONLY_FIRST : TOK_LONGEST_FIRST;
    status = prompts_choose(model, job->request.how.prompt, &job->compute, err);
    if (job->request.how.instruction)
        job->compute.inputs.prompt = job->request.how.instruction;
    return status;
}

static enum hone_status prepare_token_labels(const struct hone_model *model, struct job *job,
                                             struct hone_error *err)
{
    enum hone_status status = token_labels_request(model, &job->request.how, &job->compute, err);
    size_t n = job->width = job->compute.n_dims;
    return status == HONE_OK ? ragged_start(&job->ragged, job->request.n_texts, n * sizeof(float), n, err)
                             : status;
}

static enum hone_status prepare_filling(const struct hone_model *model, struct job *job,
                                        struct hone_error *err)
{
    size_t n_words = job->request.how.n_dims;
    enum hone_status status = fill_request(model, n_words, &job->request.how, &job->compute, err);
    job->width = n_words;
    return status == HONE_OK
               ? ragged_start(&job->ragged, job->request.n_texts, sizeof(struct hone_word), n_words, err)
               : status;
}

/* Vectors or weights of each token, which some models have heads for, beside or instead of a vector of each text. */
static enum hone_status prepare_hybrid(const struct hone_model *model, struct job *job, bool rows, bool words,
                                       struct hone_error *err)
{
    const struct hone_run_options *how = &job->request.how;
    bool dense = job->request.kind == HONE_REQUEST_EMBED_HYBRID;
    job->compute.output = OUTPUT_HYBRID;
    enum hone_status status = task_embed_request(model, how, how->prompt, &job->compute, err);
    if (status == HONE_OK)
        status = hybrid_start(&job->hybrid, model, job->request.n_texts, rows, words, err);
    job->width = job->hybrid.n_dims = job->compute.n_dims;
    job->hybrid.dense = dense ? job->request.out : NULL;
    if (status == HONE_OK && rows && !dense && how->n_dims > 0)
        status = hone_fail(err, HONE_USAGE, "%s: vectors of tokens cannot be cut to %zu numbers", model->path,
                           how->n_dims);
    return status;
}

static enum hone_status prepare_embedding(const struct hone_model *model, struct job *job,
                                          struct hone_error *err)
{
    static const enum engine_output outputs[] = {[HONE_REQUEST_EMBED] = OUTPUT_EMBEDDING,
                                                 [HONE_REQUEST_EMBED_TOKENS] = OUTPUT_TOKENS,
                                                 [HONE_REQUEST_EMBED_SPARSE] = OUTPUT_WORDS};
    const struct hone_run_options *how = &job->request.how;
    bool all = job->request.kind == HONE_REQUEST_EMBED_HYBRID;
    bool rows = job->request.kind == HONE_REQUEST_EMBED_TOKENS && hybrid_has_rows(model);
    bool words = job->request.kind == HONE_REQUEST_EMBED_SPARSE && hybrid_has_words(model);
    if (all || rows || words)
        return prepare_hybrid(model, job, rows || (all && job->request.out_rows),
                              words || (all && job->request.out_words), err);
    job->compute.output = outputs[job->request.kind];
    enum hone_status status = task_embed_request(model, how, how->prompt, &job->compute, err);
    size_t width = job->width = job->compute.n_dims;
    if (status != HONE_OK || job->compute.output == OUTPUT_EMBEDDING)
        return status;
    size_t item = job->compute.output == OUTPUT_WORDS ? sizeof(struct hone_word) : width * sizeof(float);
    return ragged_start(&job->ragged, job->request.n_texts, item, width, err);
}

static bool is_whole(const struct hone_model *model, const struct hone_request *r)
{
    if (r->kind == HONE_REQUEST_ANSWER || r->kind == HONE_REQUEST_FIND_SPANS)
        return true;
    return r->kind == HONE_REQUEST_RERANK &&
           (model->info.task != HONE_TASK_CLASSIFY || llm_rerank_can(model));
}

/* A long context is read in several windows; its answers are chosen from the logits of all of them together. */
static enum hone_status prepare_answers(const struct hone_model *model, struct job *job,
                                        struct hone_error *err)
{
    enum hone_status status = task_check_answers(model, job->request.answering, err);
    return status == HONE_OK
               ? ragged_start(&job->ragged, job->request.n_texts, sizeof(struct hone_answer), 0, err)
               : status;
}

/* The labels are part of what is read with each text. */
static enum hone_status prepare_spans(const struct hone_model *model, struct job *job, struct hone_error *err)
{
    const struct hone_request *r = &job->request;
    struct hone_span_options how;
    enum hone_status status = span_check(model, r->labels, r->n_labels, r->spanning, &how, err);
    return status == HONE_OK
               ? ragged_start(&job->ragged, r->n_texts, sizeof(struct hone_labeled_span), 0, err)
               : status;
}

/* Query and documents as texts of one job; of one batch, too, unless they are computed each in their own way: by a route of
 * their own, or with another prompt left out. */
static enum hone_status prepare_whole(struct hone_model *model, struct job *job, struct hone_error *err)
{
    job->entry.kind = llm_rerank_can(model) ? KIND_JUDGED : POLICY_ALONE;
    job->entry.whole = listwise_can(model);
    if (job->request.kind == HONE_REQUEST_ANSWER)
        return prepare_answers(model, job, err);
    if (job->request.kind == HONE_REQUEST_FIND_SPANS)
        return prepare_spans(model, job, err);
    if (!compared_can(model, &job->request))
        return HONE_OK;
    enum hone_status status = compared_new(&job->compared, model, &job->request, err);
    if (status != HONE_OK)
        return status;
    compared_take(job->compared, &job->request);
    job->model = job->compared->reading;
    job->compute = job->compared->documents;
    job->inputs = job->compute.inputs;
    job->width = job->compute.n_dims;
    job->rows_cache = HONE_CACHE_EMBEDDINGS;
    job->entry.kind = kind_of(&job->compute);
    job->entry.first_kind = kind_of(&job->compared->query);
    job->entry.n_first = job->entry.first_kind != job->entry.kind;
    bool words = job->compute.output == OUTPUT_WORDS;
    size_t item = words ? sizeof(struct hone_word) : job->width * sizeof(float);
    return words || job->compute.output == OUTPUT_TOKENS
               ? ragged_start(&job->ragged, job->request.n_texts, item, job->width, err)
               : HONE_OK;
}

bool job_has_grammar(const struct job *job)
{
    const struct hone_generation *g = job->entry.generates ? job->request.generation : NULL;
    return g && (g->grammar || g->json_schema);
}

bool job_has_tokens(const struct job *job)
{
    return job->entry.kind != POLICY_ALONE && job->entry.kind != KIND_JUDGED;
}

/* Its prompt is its one text; a gap's is put together of several, by whoever computes it. */
static enum hone_status prepare_generation(const struct hone_model *model, struct job *job,
                                           struct hone_error *err)
{
    const struct hone_generation *g = job->request.generation;
    if (model->info.task != HONE_TASK_GENERATE)
        return hone_fail(err, HONE_USAGE, "%s does not generate text", model->path);
    job->entry.generates = true;
    job->entry.kind = g->ids || g->infill ? POLICY_ALONE : 1;
    job->inputs = (struct inputs){.n = 1, .first = &g->prompt, .no_special = g->no_special};
    return HONE_OK;
}

static enum hone_status prepare(struct hone_model *model, struct job *job, struct hone_error *err)
{
    const struct hone_request *r = &job->request;
    if (r->kind == HONE_REQUEST_GENERATE)
        return prepare_generation(model, job, err);
    if (is_whole(model, r))
        return prepare_whole(model, job, err);
    bool head = r->kind == HONE_REQUEST_RERANK || r->kind == HONE_REQUEST_CLASSIFY;
    bool tokens = r->kind == HONE_REQUEST_CLASSIFY_TOKENS, fills = r->kind == HONE_REQUEST_FILL_MASKS;
    enum hone_status status = head     ? prepare_head(model, job, err)
                              : tokens ? prepare_token_labels(model, job, err)
                              : fills  ? prepare_filling(model, job, err)
                                       : prepare_embedding(model, job, err);
    bool rerank = r->kind == HONE_REQUEST_RERANK;
    job->inputs = job->compute.inputs;
    job->inputs.n = r->n_texts;
    job->inputs.first = rerank ? &r->query : r->texts;
    job->inputs.same_first = rerank;
    job->inputs.second = rerank ? r->texts : r->pairs;
    job->rows_cache = head ? HONE_CACHE_SCORES : HONE_CACHE_EMBEDDINGS;
    job->entry.kind = kind_of(&job->compute);
    return status;
}

/* ---- whether it makes sense ---- */

static enum hone_status check_ids(const struct hone_model *model, const struct hone_request *r,
                                  struct hone_error *err)
{
    size_t n_vocab = model->net.hp.n_input_vocab;
    for (size_t i = 0; i < r->n_texts; i++)
        for (size_t k = 0; k < r->ids[i].n; k++)
            if (r->ids[i].ids[k] < 0 || (size_t)r->ids[i].ids[k] >= n_vocab)
                return hone_fail(err, HONE_USAGE, "text %zu has the token %d, but the vocabulary has %zu", i,
                                 r->ids[i].ids[k], n_vocab);
    return HONE_OK;
}

static enum hone_status check(const struct hone_model *model, const struct hone_request *r,
                              struct hone_error *err)
{
    bool rows = r->kind == HONE_REQUEST_EMBED_TOKENS || r->kind == HONE_REQUEST_CLASSIFY_TOKENS;
    bool words = r->kind == HONE_REQUEST_EMBED_SPARSE || r->kind == HONE_REQUEST_FILL_MASKS;
    bool ragged = rows || words;
    bool hybrid = r->kind == HONE_REQUEST_EMBED_HYBRID, answers = r->kind == HONE_REQUEST_ANSWER;
    bool spans = r->kind == HONE_REQUEST_FIND_SPANS;
    bool placed = answers   ? r->pairs && r->out_answers && r->out_starts
                  : spans   ? r->out_spans && r->out_starts
                  : hybrid  ? r->out && !r->out_rows == !r->out_starts && !r->out_words == !r->out_word_starts
                  : !ragged ? r->out != NULL
                  : rows    ? r->out_rows && r->out_starts
                            : r->out_words && r->out_starts;
    if ((unsigned)r->kind > HONE_REQUEST_FIND_SPANS)
        return hone_fail(err, HONE_USAGE, "there is no request of kind %d", (int)r->kind);
    if (r->kind == HONE_REQUEST_GENERATE && r->generation && (unsigned)r->priority < HONE_N_PRIORITIES)
        return HONE_OK;
    if (r->n_texts == 0 || !(r->texts || r->ids) || !placed || (unsigned)r->priority >= HONE_N_PRIORITIES)
        return hone_fail(err, HONE_USAGE, "a request needs a text, a place for its result and a priority");
    if (r->ids && (r->kind == HONE_REQUEST_RERANK || answers || r->pairs || spans))
        return hone_fail(err, HONE_USAGE, "%s cannot be given as token ids",
                         spans ? "texts that spans are found in" : "pairs of texts");
    return r->ids ? check_ids(model, r, err) : HONE_OK;
}

/* ---- from beginning to end ---- */

static enum hone_status allocate(struct job *job, bool keeps_rows, struct hone_error *err)
{
    size_t n = job->request.n_texts;
    job->costs = calloc(n, sizeof *job->costs);
    job->runs = calloc(n, sizeof *job->runs);
    job->found = calloc(n, sizeof *job->found);
    job->keys = keeps_rows ? calloc(n, sizeof *job->keys) : NULL;
    if (!job->costs || !job->runs || !job->found || (keeps_rows && !job->keys))
        return hone_no_memory(err, "a request", n * (sizeof *job->costs + sizeof *job->runs));
    job->entry.costs = job->costs;
    return HONE_OK;
}

/* How much there is to compute, guessed from the texts' bytes: their tokens are not known yet. */
static void estimate(struct job *job, const struct hone_model *model)
{
    const struct hone_request *r = &job->request;
    size_t max = r->pairs ? 0 : model->net.hp.max_length; /* long contexts are read in windows */
    const struct hone_generation *g = job->entry.generates ? r->generation : NULL;
    if (g) {
        size_t n = g->infill ? (g->prompt.size + g->infill->suffix.size) / BYTES_A_TOKEN + 2 : g->n_ids;
        job->costs[0] = (uint32_t)(n < max ? n : max);
        return;
    }
    for (size_t i = 0; i < r->n_texts; i++) {
        size_t pair = r->pairs ? r->pairs[i].size : 0;
        size_t n = (r->texts[i].size + r->query.size + pair) / BYTES_A_TOKEN + 2;
        job->costs[i] = (uint32_t)(max && n > max ? max : n < UINT32_MAX ? n : UINT32_MAX);
    }
}

/* Pairs are for the model itself, which leads query and documents each to their own route. */
static enum hone_status choose_route(struct hone_model **model, const struct hone_request *r,
                                     struct hone_error *err)
{
    if (r->kind == HONE_REQUEST_EMBED_TOKENS)
        return routes_choose_tokens(model, r->how.as, err);
    bool embeds = r->kind == HONE_REQUEST_EMBED || r->kind == HONE_REQUEST_EMBED_SPARSE ||
                  r->kind == HONE_REQUEST_EMBED_HYBRID;
    return embeds ? routes_choose(model, r->how.as, err) : HONE_OK;
}

enum hone_status job_new(struct job **out, struct hone_model *model, const struct hone_request *request,
                         const struct caches *caches, struct hone_error *err)
{
    *out = NULL;
    enum hone_status status = choose_route(&model, request, err);
    if (status == HONE_OK)
        status = check(model, request, err);
    if (status != HONE_OK)
        return status;
    struct job *job = calloc(1, sizeof *job);
    if (!job)
        return hone_no_memory(err, "a request", sizeof *job);
    job->request = *request;
    job->model = model;
    job->request.how.on_progress = NULL;
    job->request.how.on_refused = NULL;
    if (request->kind == HONE_REQUEST_GENERATE) {
        job->request.texts = &request->generation->prompt;
        job->request.n_texts = 1;
        job->request.ids = NULL;
        job->request.out_n_tokens = NULL;
        job->request.out_truncated = NULL;
    }
    job->entry.priority = request->priority;
    status = prepare(model, job, err);
    job->entry.n_texts = job->request.n_texts;
    bool of_one_length = job_has_tokens(job) && !job->entry.generates && !job->ragged.texts &&
                         job->compute.output != OUTPUT_HYBRID;
    if (status == HONE_OK)
        status = allocate(job, of_one_length && caches_keep_rows(caches, job->rows_cache), err);
    if (status != HONE_OK) {
        job_free(job);
        return status;
    }
    if (!job_has_tokens(job))
        estimate(job, model);
    *out = job;
    return HONE_OK;
}

void job_free(struct job *job)
{
    if (!job)
        return;
    for (size_t i = 0; job->runs && i < job->request.n_texts; i++)
        free((int32_t *)job->runs[i].ids);
    compiled_release(job->generation.compiled);
    compared_free(job->compared);
    ragged_release(&job->ragged);
    hybrid_release(&job->hybrid);
    free(job->runs);
    free(job->costs);
    free(job->found);
    free(job->keys);
    free(job);
}

/* ---- what came of it ---- */

void job_fail(struct job *job, enum hone_status status, const char *message)
{
    int none = 0;
    if (!atomic_compare_exchange_strong(&job->failed, &none, 1))
        return;
    size_t n = strnlen(message, sizeof job->message - 1);
    memcpy(job->message, message, n);
    job->message[n] = '\0';
    job->status = status;
    atomic_store(&job->failed, 2);
}

static bool is_query(const struct job *job, size_t i)
{
    return job->compared && i == 0;
}

struct hone_model *job_model(const struct job *job, size_t i)
{
    return is_query(job, i) ? job->compared->asking : job->model;
}

const struct request *job_compute(const struct job *job, size_t i)
{
    return is_query(job, i) ? &job->compared->query : &job->compute;
}

const struct inputs *job_inputs(const struct job *job, size_t i)
{
    return is_query(job, i) ? &job->compared->query.inputs : &job->inputs;
}

size_t job_n_given(const struct job *job)
{
    return job->compared ? job->compared->given.n_texts : job->request.n_texts;
}

bool job_has_failed(const struct job *job)
{
    return atomic_load(&job->failed) == 2;
}

static void finish_hybrid(struct job *job)
{
    struct hone_request *r = &job->request;
    struct hone_error err;
    bool all = r->kind == HONE_REQUEST_EMBED_HYBRID;
    size_t **word_starts = all ? r->out_word_starts : r->out_starts;
    if (hybrid_flatten(&job->hybrid, r->out_rows, r->out_starts, r->out_words, word_starts, &err) != HONE_OK)
        job_fail(job, err.status, err.message);
}

void job_finish(struct job *job, struct caches *caches)
{
    struct hone_request *r = &job->request;
    struct hone_error err;
    void *items = NULL;
    size_t *starts = NULL;
    if (job->compared) {
        compared_finish(job->compared, caches, job->runs, job->ragged.texts);
        return;
    }
    for (size_t i = 0; i < r->n_texts && job_has_tokens(job); i++) {
        if (r->out_n_tokens)
            r->out_n_tokens[i] = (uint32_t)job->runs[i].n;
        if (r->out_truncated)
            r->out_truncated[i] = job->runs[i].n_full > job->runs[i].n;
    }
    if (job->compute.output == OUTPUT_HYBRID)
        finish_hybrid(job);
    if (!job->ragged.texts)
        return;
    if (ragged_flatten(&job->ragged, &items, &starts, &err) != HONE_OK) {
        job_fail(job, err.status, err.message);
        return;
    }
    *r->out_starts = starts;
    if (r->kind == HONE_REQUEST_ANSWER)
        *r->out_answers = items;
    else if (r->kind == HONE_REQUEST_FIND_SPANS)
        *r->out_spans = items;
    else if (r->kind == HONE_REQUEST_EMBED_SPARSE || r->kind == HONE_REQUEST_FILL_MASKS)
        *r->out_words = items;
    else
        *r->out_rows = items;
}
