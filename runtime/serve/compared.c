#include "runtime/serve/compared.h"

#include "runtime/infer/llm_rerank.h"
#include "runtime/infer/routes.h"

#include <stdlib.h>
#include <string.h>

bool compared_can(const struct hone_model *model, const struct hone_request *request)
{
    bool embeds = model->info.task == HONE_TASK_EMBED || model->info.task == HONE_TASK_GENERATE;
    return embeds && !llm_rerank_can(model) && !request->how.instruction;
}

enum hone_status compared_new(struct compared **out, struct hone_model *model,
                              const struct hone_request *request, struct hone_error *err)
{
    size_t n = request->n_texts + 1;
    struct compared *c = *out = calloc(1, sizeof *c);
    if (!c)
        return hone_no_memory(err, "a request", sizeof *c);
    c->given = *request;
    c->asking = c->reading = model;
    enum hone_status status = routes_choose(&c->asking, HONE_ROLE_QUERY, err);
    if (status == HONE_OK)
        status = routes_choose(&c->reading, HONE_ROLE_DOCUMENT, err);
    if (status == HONE_OK)
        status = rerank_requests(c->asking, c->reading, &c->given.how, &c->query, &c->documents,
                                 &c->comparison, err);
    if (status != HONE_OK)
        return status;
    bool words = c->documents.output == OUTPUT_WORDS;
    size_t width = c->documents.output == OUTPUT_EMBEDDING ? c->comparison.width : 0;
    c->texts = calloc(n, sizeof *c->texts);
    c->done = calloc(n, sizeof *c->done);
    c->scored = calloc(n, sizeof *c->scored);
    c->rows = width > 0 ? calloc(n, width * sizeof *c->rows) : NULL;
    c->weights = words ? calloc(2, c->comparison.width * sizeof *c->weights) : NULL;
    if (!c->texts || !c->done || !c->scored || (width > 0 && !c->rows) || (words && !c->weights))
        return hone_no_memory(err, "a request", n * (sizeof *c->texts + width * sizeof *c->rows));
    c->texts[0] = request->query;
    memcpy(c->texts + 1, request->texts, request->n_texts * sizeof *c->texts);
    c->query.inputs.n = c->documents.inputs.n = n;
    c->query.inputs.first = c->documents.inputs.first = c->texts;
    return HONE_OK;
}

void compared_free(struct compared *c)
{
    if (!c)
        return;
    free(c->texts);
    free(c->rows);
    free(c->weights);
    free(c->done);
    free(c->scored);
    free(c);
}

void compared_take(struct compared *c, struct hone_request *request)
{
    request->texts = c->texts;
    request->n_texts = c->given.n_texts + 1;
    request->out = c->rows;
    request->out_n_tokens = NULL;
    request->out_truncated = NULL;
    request->out_done = c->given.out_done ? c->done : NULL;
}

/* ---- scores that are kept ---- */

struct row_key compared_score_key(const struct caches *c, const struct hone_request *given, size_t i)
{
    const struct hone_run_options *how = &given->how;
    const struct inputs in = {
        .second = &given->texts[i], .prompt = how->instruction, .cut = tokens_side(how->cut)};
    const struct request as = {.output = OUTPUT_LABELS, .raw = how->raw, .n_dims = how->n_dims};
    const struct cached_input input = {&in, given->query, given->texts[i], false, how->partition};
    return caches_row_key(c, &as, &input);
}

/* Scores are kept where they depend on nothing beside their key, which has no prompt, pooling or normalising of a request's
 * own. */
bool compared_keeps_scores(const struct caches *c, const struct hone_request *given)
{
    const struct hone_run_options *how = &given->how;
    return caches_keep_rows(c, HONE_CACHE_SCORES) && !how->prompt && !how->pooling && how->normalize < 0;
}

bool compared_find(struct compared *c, struct caches *caches, size_t i, struct token_run *run)
{
    if (i == 0 || c->rows || !compared_keeps_scores(caches, &c->given))
        return false;
    struct cached_row row = {
        .key = compared_score_key(caches, &c->given, i - 1), .row = &c->given.out[i - 1], .width = 1};
    caches_get_rows(caches, HONE_CACHE_SCORES, &row, 1);
    if (row.found)
        *run = (struct token_run){.n = row.n_tokens, .n_full = row.n_tokens + row.truncated};
    return c->scored[i - 1] = row.found;
}

bool compared_is_scored(const struct compared *c)
{
    bool all = true;
    for (size_t i = 0; i < c->given.n_texts && all; i++)
        all = c->scored[i];
    return all;
}

static void keep(const struct compared *c, struct caches *caches, size_t i, const struct token_run *run)
{
    const struct cached_row row = {.key = compared_score_key(caches, &c->given, i),
                                   .row = &c->given.out[i],
                                   .width = 1,
                                   .n_tokens = (uint32_t)run->n,
                                   .truncated = run->n_full > run->n};
    caches_put_row(caches, HONE_CACHE_SCORES, &row);
}

/* ---- the end ---- */

/* The weights of all words of the vocabulary, of those that a text has. */
static void spread(const struct ragged_text *text, float *weights, size_t width)
{
    const struct hone_word *words = text->items;
    memset(weights, 0, width * sizeof *weights);
    for (size_t i = 0; i < text->n; i++)
        weights[words[i].id] = words[i].weight;
}

/* Whole vectors of words are compared as hone_rerank does it, so that the sums are the same bits. */
static void score(struct compared *c, size_t i, const struct ragged_text *vectors)
{
    if (c->weights) {
        float *document = c->weights + c->comparison.width;
        spread(&vectors[i + 1], document, c->comparison.width);
        rerank_store_similarity(&c->comparison, i, document, 1);
    } else if (vectors)
        rerank_store_nearest(&c->comparison, i, vectors[i + 1].items, vectors[i + 1].n);
    else
        rerank_store_similarity(&c->comparison, i, c->rows + (i + 1) * c->comparison.width, 1);
}

void compared_finish(struct compared *c, struct caches *caches, const struct token_run *runs,
                     const struct ragged_text *vectors)
{
    const struct hone_request *r = &c->given;
    bool keeps = compared_keeps_scores(caches, r);
    bool is_partial = r->out_done, has_query = !is_partial || c->done[0];
    c->comparison.query = c->weights ? c->weights : vectors ? vectors[0].items : c->rows;
    c->comparison.n_query = vectors && !c->weights ? vectors[0].n : 1;
    if (c->weights && has_query)
        spread(&vectors[0], c->weights, c->comparison.width);
    c->comparison.out = r->out;
    for (size_t i = 0; i < r->n_texts; i++) {
        bool done = c->scored[i] || (has_query && (!is_partial || c->done[i + 1]));
        if (done && !c->scored[i])
            score(c, i, vectors);
        if (done && !c->scored[i] && vectors && keeps)
            keep(c, caches, i, &runs[i + 1]);
        if (is_partial)
            r->out_done[i] = done;
        if (r->out_n_tokens)
            r->out_n_tokens[i] = (uint32_t)runs[i + 1].n;
        if (r->out_truncated)
            r->out_truncated[i] = runs[i + 1].n_full > runs[i + 1].n;
    }
}
