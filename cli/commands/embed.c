#include "cli/commands.h"
#include "cli/commands/embed_ragged.h"
#include "cli/io/detect.h"
#include "cli/io/npy.h"
#include "cli/io/npz.h"
#include "cli/io/output.h"
#include "cli/io/report.h"
#include "cli/io/text.h"
#include "cli/number.h"
#include "cli/run.h"

#include <math.h>
#include <string.h>

static enum hone_status compute(struct run *run, struct hone_error *err)
{
    return hone_embed(run->model, run->lines.texts, run->lines.n, &run->how, run->values, &run->stats, err);
}

static void write_csv(struct output *o, const float *row, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        output_text(o, i ? "," : "");
        output_advance(o, number_write_float(output_reserve(o, NUMBER_MAX), row[i]));
    }
    output_text(o, "\n");
}

static void write_json(struct output *o, const struct run *run, size_t i)
{
    const float *row = run->values + i * run->width;
    if (records_write_refused(&run->records, o, &run->lines, i))
        return;
    records_write_begin(&run->records, o, &run->lines, i);
    output_text(o, ", \"embedding\": [");
    for (size_t k = 0; k < run->width; k++) {
        output_text(o, k ? "," : "");
        text_write_json_float(o, row[k]);
    }
    output_text(o, "]}\n");
}

/* Where vectors go: for a person or a program to read line by line, or as NumPy's files. */
enum form { JSONL, CSV, NPY, NPZ };
static const char *const form_names[] = {"jsonl", "csv", "npy", "npz"};

/* As somebody said, or as the file's name does. */
static enum form form_of(const struct options *options)
{
    static const char *const ends[] = {".npy", "npy", ".npz", "npz", ".csv", "csv", NULL};
    const char *name = options->format ? options->format : detect_by_name(options->output, ends);
    enum form form = NPZ;
    while (form > JSONL && (!name || strcmp(name, form_names[form]) != 0))
        form--;
    return form;
}

static void write_row(struct output *o, struct npz *z, enum form form, struct run *run, size_t i)
{
    float *row = run->values + i * run->width;
    bool refused = run->lines.refused[i], blank = refused && !run->lines.why[i];
    for (size_t k = 0; refused && k < run->width; k++)
        row[k] = NAN;
    if (form == JSONL)
        write_json(o, run, i);
    else if (form == NPZ && !blank)
        run->status = npz_row(z, row, run->width, records_id(&run->records, &run->lines, i));
    else if (form == NPY && !blank)
        output_write(o, row, run->width * sizeof *row);
    else if (!blank)
        write_csv(o, row, run->width);
}

static void write_rows(struct run *run, struct output *o, enum form form)
{
    struct npz z;
    if (form == NPY)
        npy_begin(o);
    if (form == NPZ)
        npz_begin(&z, o);
    while (run_next(run)) {
        for (size_t i = 0; i < run->lines.n && run->status == HONE_OK; i++)
            write_row(o, &z, form, run, i);
        if (output_flush(o) != HONE_OK)
            run->status = HONE_FAILED;
    }
    if (form == NPY)
        npy_end(o, run->width);
    if (form == NPZ && npz_end(&z, run->width, run->status == HONE_OK) != HONE_OK)
        run->status = HONE_FAILED;
}

static void embed_lines(struct run *run)
{
    static struct output o;
    enum form form = form_of(run->options);
    if (run_open_output(run, &o, form >= NPY ? NPY_HEADER : 0) != HONE_OK)
        return;
    write_rows(run, &o, form);
    enum hone_status closed = output_close(&o, run->status == HONE_OK);
    if (run->status == HONE_OK)
        run->status = closed;
}

/* What the model's texts become, if not one vector. */
static void (*ragged_of(const struct run *run))(struct run *)
{
    bool pooled = run->options->pooling != NULL;
    if (run->options->all)
        return ragged_all;
    if (strcmp(run->info->pooling, "splade") == 0)
        return ragged_words;
    return run->options->tokens || (!pooled && strcmp(run->info->pooling, "tokens") == 0) ? ragged_tokens
                                                                                          : NULL;
}

static enum hone_status check(const struct run *run, bool ragged)
{
    const struct options *options = run->options;
    enum form form = form_of(options);
    const char *format = form_names[form];
    bool jsonl = form == JSONL;
    if (run->info->task == HONE_TASK_CLASSIFY || run->info->task == HONE_TASK_RERANK)
        return report_error(HONE_USAGE, "%s gives scores, not vectors: use 'hone classify' or 'hone rerank'",
                            options->model);
    if (options->all && !run->info->vectors_of_tokens &&
        !(run->info->weighs_words && strcmp(run->info->pooling, "splade") != 0))
        return report_error(HONE_USAGE, "%s makes one thing of a text: --all is for models that make several",
                            options->model);
    if (ragged && !jsonl)
        return report_error(HONE_USAGE,
                            "%s takes one vector a text; %s is for vectors of tokens and weights of words",
                            format, "jsonl");
    if (!jsonl && (run->records.rows || run->records.keep))
        return report_error(HONE_USAGE, "%s has numbers alone: %s is for --format jsonl", format,
                            run->records.keep ? "--keep" : "--errors rows");
    if (options->id_column && !jsonl && form != NPZ)
        return report_error(HONE_USAGE, "%s has no ids: --id-column is for --format jsonl and npz", format);
    if (form == NPZ && !zip_is_known())
        return report_error(HONE_USAGE, "npz needs zlib, and this hone was built without it");
    if (form == NPZ && options->resume)
        return report_error(HONE_USAGE,
                            "--resume is for jsonl, csv and npy: the ids of npz stand at its end");
    if (options->dimensions > run->info->n_dims)
        return report_error(HONE_USAGE, "--dimensions is %zu, but the vectors of %s have %zu numbers",
                            options->dimensions, options->model, run->info->n_dims);
    return HONE_OK;
}

enum hone_status embed_run(const struct options *options)
{
    struct run run;
    if (run_open(&run, options, RUN_TEXTS, false) != HONE_OK)
        return run.status;
    run.how.pooling = options->pooling;
    run.how.prompt = options->prompt;
    run.how.n_dims = options->dimensions;
    run.how.normalize = options->no_normalize ? 0 : -1;
    if (run.info->task == HONE_TASK_GENERATE)
        report_note("%s was made to write texts: its vectors are what it thinks of next, and compare badly",
                    options->model);
    void (*ragged)(struct run *) = ragged_of(&run);
    run.status = check(&run, ragged != NULL);
    if (run.status == HONE_OK && ragged)
        ragged(&run);
    else if (run.status == HONE_OK &&
             run_start(&run, options->dimensions ? options->dimensions : run.info->n_dims, compute) ==
                 HONE_OK)
        embed_lines(&run);
    return run_close(&run);
}
