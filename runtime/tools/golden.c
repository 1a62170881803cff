/* Golden files: what a reference implementation computes for a few texts (docs/formats.md). */
#include "runtime/infer/tokens.h"
#include "runtime/tools/verify.h"

#include <hone/generate.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- of models that generate: the logits that follow a prompt, and what is most likely after it ---- */

#define MAX_IDS 4096 /* of a prompt */

/* An array of ids, to be freed. NULL: none, or lack of memory. */
static int32_t *read_ids(const json_t *row, size_t *n)
{
    *n = json_array_size(row);
    int32_t *ids = *n > 0 && *n <= MAX_IDS ? malloc(*n * sizeof *ids) : NULL;
    for (size_t i = 0; i < *n && ids; i++)
        ids[i] = (int32_t)json_integer_value(json_array_get(row, i));
    return ids;
}

/* The worst error of the last row, or of the decoder's first one, over the size of what is expected, or over 1 where that is smaller. */
static enum hone_status last_error(struct verifier *v, const int32_t *ids, size_t n, const json_t *expect,
                                   double *worst, struct hone_error *err)
{
    bool decodes = v->model->info.has_decoder;
    size_t n_vocab = v->model->info.n_vocab;
    float *logits = calloc(n * n_vocab, sizeof *logits);
    if (!logits)
        return hone_no_memory(err, "logits", n * n_vocab * sizeof *logits);
    const float *last = decodes ? logits : logits + (n - 1) * n_vocab;
    enum hone_status status = decodes ? hone_decoder_logits(v->model, ids, n, NULL, 0, logits, err)
                                      : hone_logits(v->model, ids, n, logits, err);
    for (size_t i = 0; i < n_vocab && status == HONE_OK; i++) {
        double want = json_number_value(json_array_get(expect, i)),
               error = fabs(last[i] - want) / fmax(fabs(want), 1);
        *worst = error > *worst || isnan(error) ? error : *worst;
    }
    free(logits);
    return status;
}

static enum hone_status same_greedy(struct verifier *v, const int32_t *ids, size_t n, const json_t *expect,
                                    bool *same, struct hone_error *err)
{
    bool decodes = v->model->info.has_decoder;
    struct hone_generation g = {.ids = ids,
                                .n_ids = n,
                                .max_tokens = json_array_size(expect),
                                .past_end = !decodes,
                                .ignore_end = decodes};
    g.sampling = (struct hone_sampling)HONE_SAMPLING_DEFAULTS;
    g.sampling.temperature = 0;
    enum hone_status status = hone_generate(v->model, &g, 1, NULL, err);
    *same = g.n_out == json_array_size(expect);
    for (size_t i = 0; i < g.n_out && *same; i++)
        *same = g.out_ids[i] == json_integer_value(json_array_get(expect, i));
    hone_generation_release(&g);
    return status;
}

static enum hone_status same_tokens(struct verifier *v, const json_t *text, const int32_t *expect, size_t n,
                                    bool *same, struct hone_error *err)
{
    struct hone_text input = {json_string_value(text), json_string_length(text)};
    int32_t *ids;
    size_t *starts;
    enum hone_status status = hone_tokenize(v->model, &input, NULL, 1, true, &ids, &starts, NULL, err);
    if (status != HONE_OK)
        return status;
    *same = starts[1] == n && memcmp(ids, expect, n * sizeof *ids) == 0;
    hone_free(ids);
    hone_free(starts);
    return HONE_OK;
}

static enum hone_status verify_causal(struct verifier *v, const json_t *golden, bool exact,
                                      struct hone_error *err)
{
    const json_t *texts = json_object_get(golden, "texts"), *rows = json_object_get(golden, "ids");
    const json_t *logits =
                     json_object_get(golden, v->model->info.has_decoder ? "logits_first" : "logits_last"),
                 *greedy = json_object_get(golden, "greedy");
    size_t n_texts = json_array_size(rows), n_ids = 0, n_greedy = 0, n;
    double worst = 0, bound = exact ? 1e-4 : 1;
    enum hone_status status = HONE_OK;
    for (size_t i = 0; i < n_texts && status == HONE_OK; i++) {
        bool same = true, follows = true;
        int32_t *ids = read_ids(json_array_get(rows, i), &n);
        if (!ids || json_array_size(json_array_get(logits, i)) != v->model->info.n_vocab)
            status = hone_fail(err, HONE_USAGE,
                               "the golden file's text %zu has no ids, or not as many logits as %zu", i,
                               v->model->info.n_vocab);
        if (status == HONE_OK && texts)
            status = same_tokens(v, json_array_get(texts, i), ids, n, &same, err);
        if (status == HONE_OK)
            status = last_error(v, ids, n, json_array_get(logits, i), &worst, err);
        if (status == HONE_OK && greedy)
            status = same_greedy(v, ids, n, json_array_get(greedy, i), &follows, err);
        /* A reference that takes id 0 for padding goes on without it. */
        if (status == HONE_OK && greedy && !follows && n > 1 && ids[0] == 0)
            status = same_greedy(v, ids + 1, n - 1, json_array_get(greedy, i), &follows, err);
        n_ids += same;
        n_greedy += follows;
        free(ids);
    }
    if (status != HONE_OK)
        return status;
    verify_tell(v, "golden ids", n_ids == n_texts, "%zu of %zu texts alike", n_ids, n_texts);
    verify_tell(v, "golden numbers", worst <= bound,
                "worst error of a logit %.1e relative, expected at most %.0e", worst, bound);
    verify_tell(v, "golden greedy", n_greedy == n_texts || !exact, "%zu of %zu texts go on alike", n_greedy,
                n_texts);
    return HONE_OK;
}

/* ---- of others ---- */

struct golden {
    json_t *json;
    const json_t *inputs, *ids, *rows;
    bool pairs;
    size_t n, width;
    struct hone_text *first, *second; /* [n] */
    float *out;                       /* [n, width] */
};

static bool text_of(const json_t *text, struct hone_text *out)
{
    *out = (struct hone_text){json_string_value(text), json_string_length(text)};
    return out->data != NULL;
}

static bool read_inputs(struct golden *g)
{
    for (size_t i = 0; i < g->n; i++) {
        const json_t *input = json_array_get(g->inputs, i), *row = json_array_get(g->rows, i);
        bool ok = g->pairs ? text_of(json_array_get(input, 0), &g->first[i]) &&
                                 text_of(json_array_get(input, 1), &g->second[i])
                           : text_of(input, &g->first[i]);
        if (!ok || json_array_size(row) != g->width)
            return false;
    }
    return true;
}

static enum hone_status golden_read(struct golden *g, const struct hone_model *model, const char *path,
                                    struct hone_error *err)
{
    const char *kind = json_string_value(json_object_get(g->json, "kind"));
    const char *expect = model->info.n_labels ? "cross-encoder" : "embed";
    if (!kind || strcmp(kind, expect) != 0)
        return hone_fail(err, HONE_USAGE, "%s is of kind '%s', expected '%s' for %s", path,
                         kind ? kind : "(none)", expect, model->path);
    g->pairs = model->info.n_labels > 0;
    g->inputs = json_object_get(g->json, g->pairs ? "pairs" : "texts");
    g->rows = json_object_get(g->json, g->pairs ? "logits" : "embedding");
    g->ids = json_object_get(g->json, "ids");
    g->n = json_array_size(g->inputs);
    g->width = model->info.n_labels ? model->info.n_labels : model->info.n_dims;
    g->first = calloc(g->n + 1, sizeof *g->first);
    g->second = calloc(g->n + 1, sizeof *g->second);
    g->out = calloc(g->n * g->width + 1, sizeof *g->out);
    if (!g->first || !g->second || !g->out)
        return hone_no_memory(err, path, g->n * g->width * sizeof *g->out);
    if (g->n > 0 && read_inputs(g))
        return HONE_OK;
    return hone_fail(err, HONE_USAGE, "%s: expected %s and as many rows of %zu numbers", path,
                     g->pairs ? "'pairs' of texts" : "'texts'", g->width);
}

static void golden_release(struct golden *g)
{
    json_decref(g->json);
    free(g->first);
    free(g->second);
    free(g->out);
}

/* ---- comparing ---- */

static bool same_ids(const json_t *expect, const int32_t *ids, size_t n)
{
    if (json_array_size(expect) != n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (json_integer_value(json_array_get(expect, i)) != ids[i])
            return false;
    return true;
}

static enum hone_status compare_ids(struct verifier *v, const struct golden *g, struct hone_error *err)
{
    struct hone_model *model = v->model;
    struct tokens tokens;
    struct inputs inputs = {.n = g->n,
                            .first = g->first,
                            .second = g->pairs ? g->second : NULL,
                            .max_length = model->net.hp.max_length};
    pthread_mutex_lock(&model->lock);
    enum hone_status status = tokens_make(&tokens, model, &inputs, model->encodings, 1, err);
    pthread_mutex_unlock(&model->lock);
    size_t n_same = 0, n_cut = 0, first = SIZE_MAX;
    for (size_t i = 0; i < g->n && status == HONE_OK; i++) {
        const struct token_run *run = &tokens.runs[i];
        bool same = same_ids(json_array_get(g->ids, i), run->ids, run->n);
        n_cut += run->n < run->n_full;
        n_same += same;
        first = !same && first == SIZE_MAX ? i : first;
    }
    if (status == HONE_OK && first == SIZE_MAX)
        verify_tell(v, "golden ids", true, "%zu texts alike, %zu of them cut", n_same, n_cut);
    else if (status == HONE_OK)
        verify_tell(v, "golden ids", false, "%zu of %zu texts differ, text %zu first", g->n - n_same, g->n,
                    first);
    tokens_release(&tokens);
    return status;
}

static double expected(const struct golden *g, size_t i, size_t j)
{
    return json_number_value(json_array_get(json_array_get(g->rows, i), j));
}

static double worst_error(const struct golden *g)
{
    double worst = 0;
    for (size_t i = 0; i < g->n; i++)
        for (size_t j = 0; j < g->width; j++) {
            double want = expected(g, i, j), error = fabs(g->out[i * g->width + j] - want);
            error = g->pairs ? error / fmax(fabs(want), 1e-2) : error;
            worst = error > worst || isnan(error) ? error : worst;
        }
    return worst;
}

static double worst_cosine(const struct golden *g)
{
    double worst = 1;
    for (size_t i = 0; i < g->n; i++) {
        double xy = 0, xx = 0, yy = 0;
        for (size_t j = 0; j < g->width; j++) {
            double x = g->out[i * g->width + j], y = expected(g, i, j);
            xy += x * y;
            xx += x * x;
            yy += y * y;
        }
        worst = fmin(worst, xy / sqrt(fmax(xx * yy, 1e-300)));
    }
    return worst;
}

/* Whether the file lost precision that the reference had. */
static bool is_exact(const struct hone_model *model)
{
    const struct gguf *g = model->net.gguf;
    bool exact = model->options.compute != HONE_COMPUTE_INT8;
    for (size_t i = 0; i < gguf_n_tensors(g); i++)
        exact = exact && gguf_tensor_at(g, i)->type->id == QUANT_F32;
    return exact;
}

/* Logits have no length to compare: those of files with less precision are told, and judged by their order of size. */
static void compare_rows(struct verifier *v, const struct golden *g)
{
    double error = worst_error(g), cosine = worst_cosine(g), bound = g->pairs ? 1e-4 : 1e-5;
    const char *kind = g->pairs ? "relative" : "absolute";
    if (is_exact(v->model))
        verify_tell(v, "golden numbers", error <= bound,
                    "%zu texts, worst error %.1e %s, expected at most %.0e", g->n, error, kind, bound);
    else if (!g->pairs)
        verify_tell(v, "golden numbers", cosine >= 0.999,
                    "%zu texts, worst cosine %.6f, expected at least 0.999", g->n, cosine);
    else
        verify_tell(v, "golden numbers", error <= 1,
                    "%zu pairs, worst error %.1e relative, expected at most 1", g->n, error);
}

static enum hone_status compare(struct verifier *v, const struct golden *g, struct hone_error *err)
{
    struct hone_run_options run = HONE_RUN_DEFAULTS;
    run.raw = true;
    run.normalize = 1;
    run.prompt = "";
    const char *pooling = json_string_value(json_object_get(g->json, "pooling"));
    if (pooling && !g->pairs)
        verify_tell(v, "golden pooling", strcmp(pooling, v->model->info.pooling) == 0, "%s here, %s there",
                    v->model->info.pooling, pooling);
    enum hone_status status = g->ids ? compare_ids(v, g, err) : HONE_OK;
    if (status == HONE_OK)
        status = g->pairs ? hone_classify(v->model, g->first, g->second, g->n, &run, g->out, NULL, err)
                          : hone_embed(v->model, g->first, g->n, &run, g->out, NULL, err);
    if (status == HONE_OK)
        compare_rows(v, g);
    return status;
}

static enum hone_status verify_rows(struct verifier *v, struct golden *g, const char *path,
                                    struct hone_error *err)
{
    size_t *max_length = &v->model->net.hp.max_length, own = *max_length;
    enum hone_status status = golden_read(g, v->model, path, err);
    if (status != HONE_OK)
        return status;
    json_int_t limit = json_integer_value(json_object_get(g->json, "max_length"));
    if (limit > 0 && (size_t)limit < own)
        *max_length = (size_t)limit;
    status = compare(v, g, err);
    *max_length = own;
    return status;
}

enum hone_status verify_golden(struct verifier *v, const char *path, struct hone_error *err)
{
    json_error_t at;
    struct golden g = {.json = json_load_file(path, 0, &at)};
    if (!g.json)
        return hone_fail(err, HONE_USAGE, "%s: line %d: %s", path, at.line, at.text);
    const char *kind = json_string_value(json_object_get(g.json, "kind"));
    const struct hone_model_info *info = &v->model->info;
    bool causal = kind && strcmp(kind, info->has_decoder ? "seq2seq" : "causal") == 0 &&
                  info->task == HONE_TASK_GENERATE;
    enum hone_status status =
        causal ? verify_causal(v, g.json, is_exact(v->model), err) : verify_rows(v, &g, path, err);
    golden_release(&g);
    return status;
}
