#include "cli/run.h"
#include "cli/adapters.h"
#include "cli/hub/hub.h"
#include "cli/io/detect.h"
#include "cli/io/progress.h"
#include "cli/io/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static enum hone_compute compute_of(const char *name)
{
    if (name && strcmp(name, "f32") == 0)
        return HONE_COMPUTE_F32;
    if (name && strcmp(name, "int8") == 0)
        return HONE_COMPUTE_INT8;
    if (name && strcmp(name, "bf16") == 0)
        return HONE_COMPUTE_BF16;
    if (name && strcmp(name, "blas") == 0)
        return HONE_COMPUTE_BLAS;
    return HONE_COMPUTE_AUTO;
}

static enum hone_kv kv_of(const char *name)
{
    if (name && strcmp(name, "f32") == 0)
        return HONE_KV_F32;
    if (name && strcmp(name, "f16") == 0)
        return HONE_KV_F16;
    return name && strcmp(name, "int8") == 0 ? HONE_KV_INT8 : HONE_KV_AUTO;
}

enum hone_status run_open_model(struct hone_model **model, const char *name, const struct options *options,
                                enum run_part part, struct hone_error *err)
{
    struct hone_options how = {
        .n_threads = (int)options->threads,
        .compute = compute_of(options->compute),
        .max_length = options->max_length,
        .batch_tokens = options->batch_tokens,
        .kv = kv_of(options->kv),
        .kv_tokens = options->kv_tokens,
        .strict = options->strict,
        .force = options->force,
        .no_cache = options->no_cache,
        .vocab_only = part == RUN_VOCABULARY,
        .no_weights = part == RUN_HEADER,
    };
    char *path;
    struct adapters adapters;
    *model = NULL;
    enum hone_status status = hub_find(name, &path, err);
    if (status != HONE_OK)
        return status;
    status = adapters_find(&adapters, options, err);
    how.loras = adapters.list;
    how.n_loras = adapters.n;
    if (status == HONE_OK)
        status = hone_model_open(model, path, &how, err);
    adapters_release(&adapters);
    for (size_t i = 0; status == HONE_OK && hone_model_remark(*model, i); i++)
        report_note("passed over: %s", hone_model_remark(*model, i));
    if (status == HONE_OK && options->max_length > hone_model_info(*model)->max_length &&
        part != RUN_VOCABULARY)
        report_note("--max-length is %zu, but %s takes %zu tokens at most, as its files say",
                    options->max_length, name, hone_model_info(*model)->max_length);
    if (status == HONE_FAILED && access(path, R_OK) != 0)
        err->status = status = HONE_BAD_MODEL;
    free(path);
    return status;
}

static bool on_progress(void *arg, size_t n_done)
{
    const struct run *run = arg;
    progress_show(run->n_done + n_done, lines_part(&run->lines, n_done));
    return true;
}

static void on_refused(void *arg, size_t i, const char *sentence)
{
    struct run *run = arg;
    lines_refuse(&run->lines, i, sentence);
}

static enum hone_status open_input(struct run *run)
{
    static const enum input_format lines = INPUT_TEXT, requests = INPUT_JSONL;
    const struct options *options = run->options;
    const enum input_format *format = run->input == RUN_TEXTS      ? records_format(options)
                                      : run->input == RUN_REQUESTS ? &requests
                                                                   : &lines;
    enum hone_status status = records_read_options(&run->records, options);
    if (status == HONE_OK)
        status = paths_expand(&run->paths, options->operands, (size_t)options->n_operands);
    if (status == HONE_OK)
        status = lines_open(&run->lines, run->paths.items, run->paths.n, format);
    run->lines.quiet = run->records.rows;
    if (status == HONE_OK && (status = lines_take_share(&run->lines, options->shard)) != HONE_OK)
        lines_close(&run->lines);
    return status;
}

struct hone_run_options run_how(const struct options *options)
{
    struct hone_run_options how = HONE_RUN_DEFAULTS;
    how.raw = options->raw;
    how.as = !options->as                        ? HONE_ROLE_NONE
             : strcmp(options->as, "query") == 0 ? HONE_ROLE_QUERY
                                                 : HONE_ROLE_DOCUMENT;
    how.adaptation = options->task;
    how.instruction = options->instruction;
    return how;
}

enum hone_status run_open(struct run *run, const struct options *options, enum run_input input,
                          bool vocab_only)
{
    struct hone_error err;
    memset(run, 0, sizeof *run);
    run->options = options;
    run->input = input;
    run->how = run_how(options);
    run->how.on_progress = on_progress;
    run->how.progress_arg = run;
    run->how.on_refused = on_refused;
    run->how.refused_arg = run;
    run->status = open_input(run);
    if (run->status != HONE_OK) {
        paths_release(&run->paths);
        return run->status;
    }
    run->status =
        run_open_model(&run->model, options->model, options, vocab_only ? RUN_VOCABULARY : RUN_WHOLE, &err);
    if (run->status == HONE_OK) {
        const char *why_not;
        if (!hone_tuning(&why_not) && why_not)
            report_note("%s", why_not);
        struct hone_model *reader = hone_model_route(run->model, run->how.as);
        run->info = hone_model_info(reader ? reader : run->model);
        return HONE_OK;
    }
    lines_close(&run->lines);
    paths_release(&run->paths);
    return report_failure(&err);
}

enum hone_status run_start(struct run *run, size_t width, run_compute compute)
{
    run->width = width;
    run->compute = compute;
    run->values = calloc(LINES_MAX_TEXTS, (width + 1) * sizeof *run->values);
    if (!run->values)
        return run->status = report_error(HONE_FAILED, "out of memory for %u rows of %zu numbers",
                                          LINES_MAX_TEXTS, width);
    progress_start("texts", run->options->json_errors);
    return HONE_OK;
}

/* Whether not too much was refused. */
static bool run_bears(struct run *run)
{
    const struct option_number *most = &run->options->max_errors;
    if (!most->given || (double)run->lines.n_refused <= most->value)
        return true;
    run->status = report_error(HONE_REFUSED, "%zu inputs were refused, and --max-errors is %.0f",
                               run->lines.n_refused, most->value);
    return false;
}

enum hone_status run_open_output(struct run *run, struct output *o, size_t head)
{
    if (!run->options->resume)
        return run->status = output_open(o, run->options->output, head > 0);
    run->status = checkpoint_open(&run->checkpoint, o, run->options, head);
    run->lines.until = run->checkpoint.n_had;
    run->lines.n_refused += run->checkpoint.done.n_refused;
    return run->status;
}

/* The next window that has no results yet. False at the end, and after a failure. */
static bool read_window(struct run *run)
{
    struct lines *l = &run->lines;
    bool more, has = false;
    run->status = checkpoint_mark(&run->checkpoint, l->n_refused);
    do {
        run->n_done += l->n;
        more = run->status == HONE_OK && lines_next(l);
        if (l->failed)
            run->status = l->misunderstood ? HONE_USAGE : HONE_FAILED;
        if (more)
            has = checkpoint_has(&run->checkpoint, l, &run->status);
    } while (more && has && run->status == HONE_OK);
    if (!more && run->status == HONE_OK)
        run->status = checkpoint_end(&run->checkpoint, l);
    return more && run->status == HONE_OK;
}

bool run_next(struct run *run)
{
    struct hone_error err;
    if (run->status != HONE_OK || !read_window(run))
        return false;
    if (run->input == RUN_TEXTS)
        records_find(&run->records, &run->lines);
    run->status = run->compute(run, &err);
    if (run->status != HONE_OK && *err.message)
        report_failure(&err);
    else if (run->status == HONE_OK)
        on_progress(run, run->lines.n);
    return run->status == HONE_OK && run_bears(run);
}

static void report_count(size_t n, const char *what)
{
    report_note("%zu text%s %s", n, n == 1 ? "" : "s", what);
}

static void report_stats(const struct run *run)
{
    char cut[64];
    snprintf(cut, sizeof cut, "cut to %zu tokens", run->info->max_length);
    if (run->stats.n_truncated)
        report_count(run->stats.n_truncated, cut);
    if (run->stats.n_invalid)
        report_count(run->stats.n_invalid, "with invalid UTF-8, read with U+FFFD for each invalid part");
    if (run->lines.n_refused)
        report_count(run->lines.n_refused, "refused");
}

static void write_windows(struct run *run, const struct run_form *form, bool json, struct output *o)
{
    struct table t;
    if (!json)
        table_begin(&t, o, form->columns, form->n_columns, true);
    while (run_next(run)) {
        for (size_t i = 0; i < run->lines.n; i++)
            if (json ? records_write_refused(&run->records, o, &run->lines, i) : run->lines.refused[i])
                continue;
            else if (json)
                form->write_json(o, run, i);
            else
                form->write_rows(&t, run, i);
        run->status = output_flush(o);
    }
}

/* Whether the name of the output says another form than what is written there, and no option says this one. */
static enum hone_status check_name(const struct options *options)
{
    static const char *const ends[] = {".npy", "npy", ".npz", "npz", ".csv", "csv", ".tsv", "tsv", NULL};
    const char *form = options->format ? NULL : detect_by_name(options->output, ends);
    return !form ? HONE_OK
                 : report_error(HONE_USAGE,
                                "%s: what is written there is jsonl, not %s: another name, or --format jsonl",
                                options->output, form);
}

void run_write(struct run *run, const struct run_form *form)
{
    static struct output o;
    const struct options *options = run->options;
    bool json = options->format ? strcmp(options->format, "jsonl") == 0 : options->output != NULL;
    if (!json && (run->records.rows || run->records.keep))
        run->status = report_error(HONE_USAGE, "--keep and --errors rows are for --format jsonl");
    if (!json && options->resume)
        run->status = report_error(HONE_USAGE, "--resume is for --format jsonl");
    if (run->status == HONE_OK)
        run->status = check_name(options);
    if (run->status != HONE_OK || run_open_output(run, &o, 0) != HONE_OK)
        return;
    write_windows(run, form, json, &o);
    enum hone_status closed = output_close(&o, run->status == HONE_OK);
    if (run->status == HONE_OK)
        run->status = closed;
}

enum hone_status run_close(struct run *run)
{
    progress_hide();
    report_stats(run);
    hone_model_close(&run->model);
    checkpoint_close(&run->checkpoint);
    lines_close(&run->lines);
    paths_release(&run->paths);
    free(run->values);
    bool refused = run->lines.n_refused > 0 && !run->records.rows;
    return run->status == HONE_OK && refused ? HONE_REFUSED : run->status;
}
