#include "cli/eval/rerun.h"
#include "cli/io/output.h"
#include "cli/io/progress.h"
#include "cli/io/report.h"
#include "cli/io/text.h"
#include "cli/load/statistics.h"
#include "cli/run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void take_times(struct rerun *out, double *seconds, size_t n)
{
    statistics_sort(seconds, n);
    out->median = n ? seconds[n / 2] : 0;
    out->slowest = n ? seconds[n - 1] : 0;
    for (size_t i = 0; i < n; i++)
        out->seconds += seconds[i];
}

void rerun_release(struct rerun *r)
{
    json_decref(r->run);
    *r = (struct rerun){0};
}

static struct hone_text text_of(const json_t *all, const char *id)
{
    const json_t *text = json_object_get(all, id);
    return (struct hone_text){json_string_value(text), json_string_length(text)};
}

/* ---- documents that were found ---- */

/* One query: its documents' texts, and their scores. */
static enum hone_status rerank_query(struct hone_model *model, const struct options *options,
                                     struct hone_text query, const json_t *found, const json_t *corpus,
                                     json_t *scores, double *seconds, struct hone_error *err)
{
    const char *id;
    json_t *unused;
    size_t n = 0, most = json_object_size(found);
    struct hone_text *texts = calloc(most + 1, sizeof *texts);
    float *values = calloc(most + 1, sizeof *values);
    struct hone_run_options how = HONE_RUN_DEFAULTS;
    how.raw = options->raw;
    how.instruction = options->instruction;
    enum hone_status status = HONE_OK;
    json_object_foreach ((json_t *)found, id, unused) {
        if (texts)
            texts[n] = text_of(corpus, id);
        if (texts && !texts[n++].data && status == HONE_OK)
            status = report_error(HONE_USAGE, "the corpus has no document '%s', which the run names", id);
    }
    double start = progress_clock();
    if (status == HONE_OK && texts && values) {
        status = hone_rerank(model, query, texts, n, &how, values, NULL, err);
        if (status != HONE_OK)
            report_failure(err);
    }
    *seconds = progress_clock() - start;
    n = 0;
    json_object_foreach ((json_t *)found, id, unused) {
        if (values)
            json_object_set_new(scores, id, json_real((double)values[n++]));
    }
    free(texts);
    free(values);
    return status;
}

enum hone_status rerun_rerank(struct rerun *out, const struct options *options, const json_t *run,
                              const json_t *queries, const json_t *corpus)
{
    struct hone_error err;
    struct hone_model *model;
    const char *query;
    json_t *found;
    size_t n = 0;
    *out = (struct rerun){.run = json_object()};
    if (run_open_model(&model, options->model, options, RUN_WHOLE, &err) != HONE_OK)
        return report_failure(&err);
    double *seconds = calloc(json_object_size(run) + 1, sizeof *seconds);
    enum hone_status status = seconds ? HONE_OK : report_error(HONE_FAILED, "out of memory");
    progress_start("queries", options->json_errors);
    json_object_foreach ((json_t *)run, query, found) {
        struct hone_text text = text_of(queries, query);
        json_t *scores = json_object();
        json_object_set_new(out->run, query, scores);
        if (status == HONE_OK && !text.data)
            status = report_error(HONE_USAGE, "there is no query '%s', which the run names", query);
        if (status == HONE_OK)
            status = rerank_query(model, options, text, found, corpus, scores, &seconds[n++], &err);
        out->n_pairs += json_object_size(found);
        progress_show(n, (double)n / (double)json_object_size(run));
    }
    progress_hide();
    take_times(out, seconds, n);
    free(seconds);
    hone_model_close(&model);
    return status;
}

/* ---- all documents ---- */

/* Texts of a call: progress is told between two, and a thousand are enough to be sorted by length. */
#define WINDOW 1024

static enum hone_status embed_all(struct hone_model *model, const json_t *texts, enum hone_role as,
                                  float *out, struct hone_error *err)
{
    static struct hone_text window[WINDOW];
    struct hone_run_options how = HONE_RUN_DEFAULTS;
    const char *id;
    json_t *text;
    size_t n = 0, done = 0, n_dims = hone_model_info(model)->n_dims, all = json_object_size(texts);
    enum hone_status status = HONE_OK;
    how.as = as;
    how.normalize = 1;
    json_object_foreach ((json_t *)texts, id, text) {
        window[n++] = (struct hone_text){json_string_value(text), json_string_length(text)};
        if ((n < WINDOW && done + n < all) || status != HONE_OK)
            continue;
        status = hone_embed(model, window, n, &how, out + done * n_dims, NULL, err);
        done += n;
        n = 0;
        progress_show(done, (double)done / (double)all);
    }
    return status;
}

struct near {
    float score;
    size_t index;
};

static int by_score(const void *a, const void *b)
{
    const struct near *x = a, *y = b;
    return x->score != y->score ? (x->score < y->score ? 1 : -1)
                                : (x->index > y->index) - (x->index < y->index);
}

static void search(const float *query, const float *docs, size_t n, size_t n_dims, struct near *out)
{
    for (size_t i = 0; i < n; i++) {
        float sum = 0;
        for (size_t d = 0; d < n_dims; d++)
            sum += query[d] * docs[i * n_dims + d];
        out[i] = (struct near){sum, i};
    }
    qsort(out, n, sizeof *out, by_score);
}

static const char **keys_of(const json_t *object)
{
    const char *key, **keys = calloc(json_object_size(object) + 1, sizeof *keys);
    json_t *value;
    size_t n = 0;
    json_object_foreach ((json_t *)object, key, value) {
        if (keys)
            keys[n++] = key;
    }
    return keys;
}

static enum hone_status search_all(struct rerun *out, struct hone_model *model, const json_t *queries,
                                   const json_t *corpus, size_t top_n, struct hone_error *err)
{
    size_t n_docs = json_object_size(corpus), n = 0, n_dims = hone_model_info(model)->n_dims;
    float *docs = calloc(n_docs + 1, n_dims * sizeof *docs),
          *asks = calloc(json_object_size(queries) + 1, n_dims * sizeof *asks);
    struct near *near = calloc(n_docs + 1, sizeof *near);
    double *seconds = calloc(json_object_size(queries) + 1, sizeof *seconds), start = progress_clock();
    const char *query, **ids = keys_of(corpus);
    json_t *text;
    enum hone_status status = HONE_OK;
    if (!docs || !asks || !near || !seconds || !ids)
        status = report_error(HONE_FAILED, "out of memory for the vectors of %zu documents", n_docs);
    else if (embed_all(model, corpus, HONE_ROLE_DOCUMENT, docs, err) != HONE_OK ||
             embed_all(model, queries, HONE_ROLE_QUERY, asks, err) != HONE_OK)
        status = report_failure(err);
    out->seconds = progress_clock() - start;
    json_object_foreach ((json_t *)queries, query, text) {
        if (status != HONE_OK)
            break;
        json_t *scores = json_object();
        start = progress_clock();
        search(asks + n * n_dims, docs, n_docs, n_dims, near);
        for (size_t i = 0; i < n_docs && i < top_n; i++)
            json_object_set_new(scores, ids[near[i].index], json_real((double)near[i].score));
        json_object_set_new(out->run, query, scores);
        seconds[n++] = progress_clock() - start;
    }
    take_times(out, seconds, n);
    out->n_pairs = n * n_docs;
    free(docs);
    free(asks);
    free(near);
    free(seconds);
    free(ids);
    return status;
}

enum hone_status rerun_search(struct rerun *out, const struct options *options, const json_t *queries,
                              const json_t *corpus, size_t top_n)
{
    struct hone_error err;
    struct hone_model *model;
    *out = (struct rerun){.run = json_object()};
    if (run_open_model(&model, options->model, options, RUN_WHOLE, &err) != HONE_OK)
        return report_failure(&err);
    enum hone_status status = HONE_OK;
    if (hone_model_info(model)->task != HONE_TASK_EMBED)
        status = report_error(HONE_USAGE, "%s makes no vectors: give it a --run, whose documents it scores",
                              options->model);
    progress_start("texts", options->json_errors);
    if (status == HONE_OK)
        status = search_all(out, model, queries, corpus, top_n, &err);
    progress_hide();
    hone_model_close(&model);
    return status;
}

/* ---- writing ---- */

struct scored {
    const char *id;
    double score;
};

/* As trec_eval ranks them. */
static int by_rank(const void *a, const void *b)
{
    const struct scored *x = a, *y = b;
    if ((float)x->score > (float)y->score || (float)x->score < (float)y->score)
        return (float)x->score > (float)y->score ? -1 : 1;
    return strcmp(y->id, x->id);
}

static void write_query(struct output *o, const char *query, const json_t *scores)
{
    const char *id;
    json_t *score;
    size_t n = 0;
    struct scored *list = calloc(json_object_size(scores) + 1, sizeof *list);
    json_object_foreach ((json_t *)scores, id, score) {
        if (list)
            list[n++] = (struct scored){id, json_real_value(score)};
    }
    if (n > 1)
        qsort(list, n, sizeof *list, by_rank);
    for (size_t i = 0; i < n; i++) {
        output_text(o, query);
        output_text(o, " Q0 ");
        output_text(o, list[i].id);
        output_format(o, " %zu ", i + 1);
        text_write_json_float(o, (float)list[i].score);
        output_text(o, " hone\n");
    }
    free(list);
}

enum hone_status rerun_write(const json_t *run, const char *path)
{
    static struct output o;
    const char *query;
    json_t *scores;
    enum hone_status status = output_open(&o, path, false);
    if (status != HONE_OK)
        return status;
    json_object_foreach ((json_t *)run, query, scores) {
        write_query(&o, query, scores);
    }
    return output_close(&o, true);
}
