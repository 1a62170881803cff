#include "runtime/infer/hybrid.h"

#include "runtime/infer/routes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* As FlagEmbedding: what stands around a text, pads it, or is no word of the vocabulary has no weight. */
enum hone_status hybrid_load(struct hone_model *model, struct hone_error *err)
{
    static const char *const keys[N_UNUSED] = {"tokenizer.ggml.bos_token_id", "tokenizer.ggml.eos_token_id",
                                               "tokenizer.ggml.padding_token_id",
                                               "tokenizer.ggml.unknown_token_id"};
    enum hone_status status = HONE_OK;
    for (size_t i = 0; i < N_UNUSED && status == HONE_OK; i++) {
        size_t id = SIZE_MAX;
        status = gguf_get_size(model->net.gguf, keys[i], SIZE_MAX, &id, err);
        model->unused[i] = id <= INT32_MAX ? (int32_t)id : -1;
    }
    return status;
}

bool hybrid_has_words(const struct hone_model *model)
{
    return model->net.weights.lexical.n_parts > 0;
}

bool hybrid_has_rows(const struct hone_model *model)
{
    return model->net.weights.multi_vector.n_parts > 0;
}

enum hone_status hybrid_start(struct hybrid *h, const struct hone_model *model, size_t n, bool rows,
                              bool words, struct hone_error *err)
{
    *h = (struct hybrid){.model = model};
    if ((rows && !hybrid_has_rows(model)) || (words && !hybrid_has_words(model)))
        return hone_fail(err, HONE_USAGE, "%s makes no %s beside the vector of a text", model->path,
                         rows && !hybrid_has_rows(model) ? "vectors of tokens" : "weights of words");
    size_t width = model->net.weights.multi_vector.n_out;
    enum hone_status status = rows ? ragged_start(&h->rows, n, width * sizeof(float), width, err) : HONE_OK;
    if (status == HONE_OK && words)
        status = ragged_start(&h->words, n, sizeof(struct hone_word), 2, err);
    return status;
}

void hybrid_release(struct hybrid *h)
{
    ragged_release(&h->rows);
    ragged_release(&h->words);
}

static int by_id(const void *a, const void *b)
{
    const struct hone_word *x = a, *y = b;
    return x->id != y->id ? (x->id > y->id) - (x->id < y->id)
                          : (x->weight < y->weight) - (x->weight > y->weight);
}

static bool is_unused(const struct hone_model *model, int32_t id)
{
    bool unused = false;
    for (size_t i = 0; i < N_UNUSED; i++)
        unused = unused || model->unused[i] == id;
    return unused;
}

/* Of a word that comes twice the larger weight. tokens: [n, stride], an id and a weight in front. */
static void keep_words(struct hybrid *h, size_t i, const float *tokens, size_t n, size_t stride)
{
    struct hone_word *words = calloc(n + 1, sizeof *words);
    size_t n_words = 0, n_kept = 0;
    for (size_t t = 0; t < n && words; t++) {
        const int32_t id = (int32_t)tokens[t * stride];
        if (tokens[t * stride + 1] > 0 && !is_unused(h->model, id))
            words[n_words++] = (struct hone_word){id, tokens[t * stride + 1]};
    }
    if (words)
        qsort(words, n_words, sizeof *words, by_id);
    for (size_t k = 0; k < n_words; k++)
        if (k == 0 || words[k].id != words[n_kept - 1].id)
            words[n_kept++] = words[k];
    ragged_keep_items(&h->words, i, words, n_kept);
    free(words);
}

/* The first token's vector is that of the text. */
static void keep_rows(struct hybrid *h, size_t i, const float *tokens, size_t n, size_t stride)
{
    size_t width = h->rows.width, n_rows = n > 0 ? n - 1 : 0;
    float *rows = malloc((n_rows * width + 1) * sizeof *rows);
    for (size_t t = 0; t < n_rows && rows; t++)
        memcpy(rows + t * width, tokens + (t + 1) * stride + 2, width * sizeof *rows);
    ragged_keep_items(&h->rows, i, rows, n_rows);
    free(rows);
}

void hybrid_keep(void *arg, size_t i, const float *block, size_t n_tokens)
{
    struct hybrid *h = arg;
    const struct net *m = &h->model->net;
    size_t stride = 2 + m->weights.multi_vector.n_out;
    for (size_t k = 0; k < h->n_dims && h->dense; k++)
        h->dense[i * h->n_dims + k] = block ? block[k] : NAN;
    if (block && h->words.texts)
        keep_words(h, i, block + m->hp.n_out, n_tokens, stride);
    if (block && h->rows.texts)
        keep_rows(h, i, block + m->hp.n_out, n_tokens, stride);
}

enum hone_status hybrid_flatten(const struct hybrid *h, float **rows, size_t **row_starts,
                                struct hone_word **words, size_t **word_starts, struct hone_error *err)
{
    void *items = NULL;
    enum hone_status status = HONE_OK;
    if (h->rows.texts)
        status = ragged_flatten(&h->rows, &items, row_starts, err);
    if (status == HONE_OK && h->rows.texts)
        *rows = items;
    if (status == HONE_OK && h->words.texts)
        status = ragged_flatten(&h->words, &items, word_starts, err);
    if (status == HONE_OK && h->words.texts)
        *words = items;
    if (status != HONE_OK && h->rows.texts) {
        free(*rows);
        free(*row_starts);
        *rows = NULL;
        *row_starts = NULL;
    }
    return status;
}

/* ---- the public function ---- */

enum hone_status hone_embed_hybrid(struct hone_model *model, const struct hone_text *texts, size_t n_texts,
                                   const struct hone_run_options *run, float *out, float **rows,
                                   size_t **row_starts, struct hone_word **words, size_t **word_starts,
                                   struct hone_stats *stats, struct hone_error *err)
{
    struct hybrid h = {0};
    struct request request = {
        .inputs = {.n = n_texts, .first = texts}, .output = OUTPUT_HYBRID, .sink = hybrid_keep, .arg = &h};
    struct hone_run_options how;
    enum hone_status status = task_take_options(&how, run, err);
    if (status == HONE_OK)
        status = routes_choose(&model, how.as, err);
    if (status == HONE_OK)
        status = task_embed_request(model, &how, how.prompt, &request, err);
    if (status == HONE_OK)
        status = hybrid_start(&h, model, n_texts, rows != NULL, words != NULL, err);
    if (status == HONE_OK && rows && !out && how.n_dims > 0)
        status = hone_fail(err, HONE_USAGE, "%s: vectors of tokens cannot be cut to %zu numbers", model->path,
                           how.n_dims);
    h.dense = out;
    h.n_dims = request.n_dims;
    if (status == HONE_OK)
        status = task_run_locked(model, &request, stats, err);
    if (status == HONE_OK)
        status = hybrid_flatten(&h, rows, row_starts, words, word_starts, err);
    hybrid_release(&h);
    return status;
}
