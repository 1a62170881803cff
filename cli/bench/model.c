#include "cli/bench/generate.h"
#include "cli/bench/text.h"
#include "cli/commands.h"
#include "cli/io/progress.h"
#include "cli/io/report.h"
#include "cli/io/table.h"
#include "cli/io/text.h"
#include "cli/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define USUAL_LENGTH 128  /* tokens: whose speed stands for the model's */
#define MOST_TOKENS  4096 /* a batch; larger ones are computed in parts, at the same speed */
#define MAX_BATCH    4096
#define BUDGET       0.3 /* seconds a cell, and at least three runs; but one may be enough */
#define MIN_RUNS     3

struct cell {
    size_t length, batch;             /* tokens a text as wanted, texts */
    size_t n_tokens;                  /* of the batch, as they turned out */
    double seconds, tokenize_seconds; /* the latter of the former */
};

struct bench_model {
    const struct options *options;
    struct hone_model *model;
    const struct hone_model_info *info;
    double open_seconds;
    struct cell cells[64];
    size_t n_cells;
    struct output *o;
    struct table table;
};

/* ---- what came out ---- */

static double tok_s(const struct cell *c)
{
    return (double)c->n_tokens / c->seconds;
}

static double texts_s(const struct cell *c)
{
    return (double)c->batch / c->seconds;
}

static void begin_table(struct bench_model *b)
{
    static const struct table_column columns[] = {
        {"length", 6, true},  {"texts", 5, true},    {"tokens", 7, true},       {"ms", 9, true},
        {"texts/s", 9, true}, {"tokens/s", 9, true}, {"tokenization", 0, false}};
    output_format(b->o, "%s, %s by %s, %zu threads, opened in %.1f ms\n", b->info->architecture,
                  b->info->compute, b->info->cpu, b->info->n_threads, b->open_seconds * 1e3);
    table_begin(&b->table, b->o, columns, sizeof columns / sizeof *columns, true);
}

static void show_cell(struct bench_model *b, const struct cell *c)
{
    struct table *t = &b->table;
    table_format(t, "%zu", c->length);
    table_format(t, "%zu", c->batch);
    table_format(t, "%zu", c->n_tokens);
    table_format(t, "%.2f", c->seconds * 1e3);
    table_format(t, "%.1f", texts_s(c));
    table_format(t, "%.0f", tok_s(c));
    table_format(t, "%.1f %%", 100 * c->tokenize_seconds / c->seconds);
    output_flush(b->o);
}

/* The largest batch of the usual length, or of the longest one below it. */
static const struct cell *usual_cell(const struct bench_model *b)
{
    const struct cell *found = &b->cells[0];
    for (size_t i = 0; i < b->n_cells; i++)
        if (b->cells[i].length <= USUAL_LENGTH)
            found = &b->cells[i];
    return found;
}

static void json_cell(struct output *o, const struct cell *c)
{
    output_format(o, "\"length\": %zu, \"batch\": %zu, \"tokens\": %zu, \"seconds\": %.6g, ", c->length,
                  c->batch, c->n_tokens, c->seconds);
    output_format(o, "\"tokenize_seconds\": %.6g, \"texts_s\": %.6g, \"tok_s\": %.6g", c->tokenize_seconds,
                  texts_s(c), tok_s(c));
}

static void show_json(const struct bench_model *b)
{
    struct output *o = b->o;
    const struct {
        const char *key, *value;
    } names[] = {{"path", b->info->path},
                 {"architecture", b->info->architecture},
                 {"compute", b->info->compute},
                 {"level", b->info->cpu},
                 {"cpu", hone_machine()->cpu}};
    output_text(o, "{");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        output_format(o, "\"%s\": ", names[i].key);
        text_write_json(o, text_from(names[i].value));
        output_text(o, ", ");
    }
    output_format(o, "\"threads\": %zu, \"open_s\": %.6g, ", b->info->n_threads, b->open_seconds);
    json_cell(o, usual_cell(b));
    output_text(o, ", \"prompt_tok_s\": null, \"gen_tok_s\": null, \"results\": [");
    for (size_t i = 0; i < b->n_cells; i++) {
        output_text(o, i ? ",\n  {" : "\n  {");
        json_cell(o, &b->cells[i]);
        output_text(o, "}");
    }
    output_text(o, "]}\n");
}

/* ---- one cell ---- */

static enum hone_status tokenize_once(struct bench_model *b, const struct hone_text *texts, struct cell *cell,
                                      struct hone_error *err)
{
    int32_t *ids = NULL;
    size_t *starts = NULL;
    double start = progress_clock();
    enum hone_status status =
        hone_tokenize(b->model, texts, NULL, cell->batch, true, &ids, &starts, NULL, err);
    double seconds = progress_clock() - start;
    if (cell->tokenize_seconds == 0 || seconds < cell->tokenize_seconds)
        cell->tokenize_seconds = seconds;
    hone_free(ids);
    hone_free(starts);
    return status;
}

/* What the model is for. */
static enum hone_status compute(struct bench_model *b, const struct hone_text *texts, size_t n, float *out,
                                struct hone_stats *stats, struct hone_error *err)
{
    struct hone_run_options how = HONE_RUN_DEFAULTS;
    struct hone_word *words_out = NULL;
    float *rows = NULL;
    size_t *starts = NULL;
    enum hone_status status;
    how.prompt = "";
    if (b->info->task != HONE_TASK_EMBED)
        return hone_classify(b->model, texts, NULL, n, &how, out, stats, err);
    if (strcmp(b->info->pooling, "tokens") == 0)
        status = hone_embed_tokens(b->model, texts, n, &how, &rows, &starts, stats, err);
    else if (strcmp(b->info->pooling, "splade") == 0)
        status = hone_embed_sparse(b->model, texts, n, &how, &words_out, &starts, stats, err);
    else
        return hone_embed(b->model, texts, n, &how, out, stats, err);
    hone_free(words_out);
    hone_free(rows);
    hone_free(starts);
    return status;
}

static enum hone_status run_once(struct bench_model *b, const struct hone_text *texts, struct cell *cell,
                                 float *out, struct hone_error *err)
{
    struct hone_stats stats = {0};
    double start = progress_clock();
    enum hone_status status = compute(b, texts, cell->batch, out, &stats, err);
    double seconds = progress_clock() - start;
    if (status == HONE_OK)
        status = tokenize_once(b, texts, cell, err);
    cell->n_tokens = stats.n_tokens;
    if (cell->seconds == 0 || seconds < cell->seconds)
        cell->seconds = seconds;
    return status;
}

static enum hone_status run_cell(struct bench_model *b, struct cell *cell, struct hone_error *err)
{
    size_t width = b->info->task == HONE_TASK_EMBED ? b->info->n_dims : b->info->n_labels;
    struct hone_text *texts = calloc(cell->batch, sizeof *texts);
    float *out = calloc(cell->batch, width * sizeof *out);
    enum hone_status status = HONE_OK;
    if (!texts || !out)
        status = err->status = HONE_FAILED;
    snprintf(err->message, sizeof err->message, "out of memory for %zu texts", cell->batch);
    for (size_t i = 0; i < cell->batch && status == HONE_OK; i++)
        status = bench_text(b->model, cell->length, i, &texts[i], err);
    double start = progress_clock();
    for (int runs = 0; status == HONE_OK; runs++) {
        double spent = progress_clock() - start;
        if (runs > 0 && spent > BUDGET && (runs >= MIN_RUNS || spent > 2 * BUDGET))
            break;
        status = run_once(b, texts, cell, out, err);
    }
    for (size_t i = 0; texts && i < cell->batch; i++)
        free((char *)texts[i].data);
    free(texts);
    free(out);
    return status;
}

static enum hone_status run_cells(struct bench_model *b, struct hone_error *err)
{
    static const size_t lengths[] = {8, 16, 32, 64, 128, 256, 512}, batches[] = {1, 8, 32, 128};
    const struct options *o = b->options;
    size_t most = b->info->max_length, n_lengths = o->prompt_tokens ? 1 : 7, n_batches = o->batch ? 1 : 4;
    enum hone_status status = HONE_OK;
    for (size_t i = 0; i < n_lengths; i++)
        for (size_t j = 0; j < n_batches && status == HONE_OK; j++) {
            struct cell cell = {.length = o->prompt_tokens ? o->prompt_tokens : lengths[i],
                                .batch = o->batch ? o->batch : batches[j]};
            bool none_before = i == 0 && j == 0;
            if (cell.length > most && none_before)
                cell.length = most;
            if (cell.length > most || (cell.length * cell.batch > MOST_TOKENS && !o->batch && cell.batch > 1))
                continue;
            status = run_cell(b, &cell, err);
            b->cells[b->n_cells++] = cell;
            if (status == HONE_OK && !o->json)
                show_cell(b, &cell);
        }
    return status;
}

static enum hone_status check(const struct bench_model *b)
{
    const struct options *o = b->options;
    if (o->prompt_tokens > b->info->max_length)
        return report_error(HONE_USAGE, "--prompt %zu is more than the %zu tokens that the model takes",
                            o->prompt_tokens, b->info->max_length);
    if (o->batch > MAX_BATCH)
        return report_error(HONE_USAGE, "--batch %zu is more than %d texts", o->batch, MAX_BATCH);
    if (o->gen)
        report_note("the model generates no text: --gen says nothing");
    return HONE_OK;
}

enum hone_status bench_model_run(const struct options *options)
{
    static struct output o;
    struct hone_error err;
    struct bench_model b = {.options = options, .o = &o};
    double start = progress_clock();
    if (run_open_model(&b.model, options->model, options, RUN_WHOLE, &err) != HONE_OK)
        return report_failure(&err);
    b.open_seconds = progress_clock() - start;
    b.info = hone_model_info(b.model);
    if (b.info->task == HONE_TASK_GENERATE) {
        enum hone_status generated = bench_generate(b.model, options, b.open_seconds);
        hone_model_close(&b.model);
        return generated;
    }
    enum hone_status status = check(&b);
    if (status == HONE_OK)
        status = output_open(&o, NULL, false);
    if (status == HONE_OK) {
        if (!options->json)
            begin_table(&b);
        status = run_cells(&b, &err);
        if (status != HONE_OK)
            report_failure(&err);
        else if (options->json)
            show_json(&b);
        enum hone_status closed = output_close(&o, true);
        status = status == HONE_OK ? closed : status;
    }
    hone_model_close(&b.model);
    return status;
}
