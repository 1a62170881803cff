#include "runtime/infer/ragged.h"

#include "runtime/infer/hybrid.h"
#include "runtime/infer/routes.h"
#include "runtime/infer/tasks.h"

#include <stdlib.h>
#include <string.h>

enum hone_status ragged_start(struct ragged *r, size_t n, size_t item, size_t width, struct hone_error *err)
{
    *r = (struct ragged){.n = n, .item = item, .width = width, .texts = calloc(n + 1, sizeof *r->texts)};
    return r->texts ? HONE_OK : hone_no_memory(err, "results", n * sizeof *r->texts);
}

/* Room for n items of text i; NULL, and noted, where there is none. */
static void *ragged_take(struct ragged *r, size_t i, size_t n)
{
    void *items = malloc(n * r->item + 1);
    if (!items) {
        r->failed = true;
        return NULL;
    }
    free(r->texts[i].items); /* of an attempt that failed elsewhere */
    r->texts[i] = (struct ragged_text){items, n};
    return items;
}

void ragged_release(struct ragged *r)
{
    for (size_t i = 0; r->texts && i < r->n; i++)
        free(r->texts[i].items);
    free(r->texts);
    *r = (struct ragged){0};
}

enum hone_status ragged_flatten(const struct ragged *r, void **out, size_t **starts, struct hone_error *err)
{
    size_t n_items = 0;
    for (size_t i = 0; i < r->n; i++)
        n_items += r->texts[i].n;
    char *items = malloc(n_items * r->item + 1);
    size_t *at = malloc((r->n + 1) * sizeof *at);
    if (!items || !at || r->failed) {
        free(items);
        free(at);
        return hone_no_memory(err, "results", n_items * r->item);
    }
    at[0] = 0;
    for (size_t i = 0; i < r->n; i++) {
        const struct ragged_text *text = &r->texts[i];
        if (text->n > 0)
            memcpy(items + at[i] * r->item, text->items, text->n * r->item);
        at[i + 1] = at[i] + text->n;
    }
    *out = items;
    *starts = at;
    return HONE_OK;
}

void ragged_keep_items(void *arg, size_t i, const void *items, size_t n)
{
    struct ragged *r = arg;
    void *own = items ? ragged_take(r, i, n) : NULL;
    if (!items)
        r->failed = true;
    if (own && n > 0)
        memcpy(own, items, n * r->item);
}

void ragged_keep_rows(void *arg, size_t i, const float *rows, size_t n_rows)
{
    struct ragged *r = arg;
    void *items = rows ? ragged_take(r, i, n_rows) : NULL;
    if (items)
        memcpy(items, rows, n_rows * r->item);
}

void ragged_keep_words(void *arg, size_t i, const float *row, size_t n_rows)
{
    struct ragged *r = arg;
    size_t n = 0;
    (void)n_rows;
    for (size_t j = 0; row && j < r->width; j++)
        n += row[j] != 0;
    struct hone_word *words = row ? ragged_take(r, i, n) : NULL;
    for (size_t j = 0; words && j < r->width; j++)
        if (row[j] != 0)
            *words++ = (struct hone_word){(int32_t)j, row[j]};
}

void ragged_keep_pairs(void *arg, size_t i, const float *rows, size_t n_rows)
{
    struct ragged *r = arg;
    size_t n = n_rows * r->width;
    struct hone_word *words = rows ? ragged_take(r, i, n) : NULL;
    for (size_t j = 0; words && j < n; j++)
        words[j] = (struct hone_word){(int32_t)rows[2 * j], rows[2 * j + 1]};
}

/* ---- the public functions ---- */

enum hone_status ragged_run(struct hone_model *model, struct request *request, size_t item, void **out,
                            size_t **starts, struct hone_stats *stats, struct hone_error *err)
{
    struct ragged *r = request->arg;
    enum hone_status status = ragged_start(r, request->inputs.n, item, request->n_dims, err);
    if (status != HONE_OK)
        return status;
    status = task_run_locked(model, request, stats, err);
    if (status == HONE_OK)
        status = ragged_flatten(r, out, starts, err);
    ragged_release(r);
    return status;
}

enum hone_status hone_embed_tokens(struct hone_model *model, const struct hone_text *texts, size_t n_texts,
                                   const struct hone_run_options *run, float **out, size_t **starts,
                                   struct hone_stats *stats, struct hone_error *err)
{
    struct ragged r;
    struct request request = {.inputs = {.n = n_texts, .first = texts},
                              .output = OUTPUT_TOKENS,
                              .sink = ragged_keep_rows,
                              .arg = &r};
    struct hone_run_options how;
    void *rows = NULL;
    *out = NULL;
    *starts = NULL;
    if (hybrid_has_rows(model))
        return hone_embed_hybrid(model, texts, n_texts, run, NULL, out, starts, NULL, NULL, stats, err);
    enum hone_status status = task_take_options(&how, run, err);
    if (status == HONE_OK)
        status = routes_choose_tokens(&model, how.as, err);
    if (status == HONE_OK)
        status = task_embed_request(model, &how, how.prompt, &request, err);
    if (status == HONE_OK)
        status = ragged_run(model, &request, request.n_dims * sizeof(float), &rows, starts, stats, err);
    *out = rows;
    return status;
}

enum hone_status hone_embed_sparse(struct hone_model *model, const struct hone_text *texts, size_t n_texts,
                                   const struct hone_run_options *run, struct hone_word **out,
                                   size_t **starts, struct hone_stats *stats, struct hone_error *err)
{
    struct ragged r;
    struct request request = {.inputs = {.n = n_texts, .first = texts},
                              .output = OUTPUT_WORDS,
                              .sink = ragged_keep_words,
                              .arg = &r};
    struct hone_run_options how;
    void *words = NULL;
    *out = NULL;
    *starts = NULL;
    if (hybrid_has_words(model))
        return hone_embed_hybrid(model, texts, n_texts, run, NULL, NULL, NULL, out, starts, stats, err);
    enum hone_status status = task_take_options(&how, run, err);
    if (status == HONE_OK)
        status = routes_choose(&model, how.as, err);
    if (status == HONE_OK)
        status = task_embed_request(model, &how, how.prompt, &request, err);
    if (status == HONE_OK)
        status = ragged_run(model, &request, sizeof **out, &words, starts, stats, err);
    *out = words;
    return status;
}
