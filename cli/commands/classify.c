#include "cli/commands.h"
#include "cli/io/report.h"
#include "cli/io/table.h"
#include "cli/io/text.h"
#include "cli/run.h"

#include <string.h>

#define LABEL_WIDTH 20 /* columns */

static enum hone_status compute(struct run *run, struct hone_error *err)
{
    struct lines *l = &run->lines;
    if (run->options->pair)
        lines_split_pairs(l);
    return hone_classify(run->model, l->texts, run->options->pair ? l->pairs : NULL, l->n, &run->how,
                         run->values, &run->stats, err);
}

static void write_json(struct output *o, const struct run *run, size_t i)
{
    const float *scores = run->values + i * run->width;
    output_format(o, "{\"index\": %zu, \"labels\": {", run->lines.first + i);
    for (size_t k = 0; k < run->width; k++) {
        output_text(o, k ? ", " : "");
        text_write_json(o, text_from(hone_model_label(run->model, k)));
        output_text(o, ": ");
        text_write_json_float(o, scores[k]);
    }
    output_text(o, "}}\n");
}

/* As it was read: a pair's second text lies behind the tab after the first. */
static struct hone_text whole_line(const struct run *run, size_t i)
{
    struct hone_text text = run->lines.texts[i], pair = run->lines.pairs[i];
    if (run->options->pair)
        text.size = (size_t)(pair.data + pair.size - text.data);
    return text;
}

static void write_row(struct table *t, const struct run *run, size_t i)
{
    const float *scores = run->values + i * run->width;
    size_t best = 0;
    for (size_t k = 1; k < run->width; k++)
        if (scores[k] > scores[best])
            best = k;
    table_format(t, "%zu", run->lines.first + i + 1);
    table_format(t, "%.4f", (double)scores[best]);
    table_cell(t, text_from(hone_model_label(run->model, best)));
    table_cell(t, whole_line(run, i));
}

static void write_rows(struct run *run, struct output *o)
{
    static const struct table_column columns[] = {
        {"line", 8, true}, {"score", 9, true}, {"label", LABEL_WIDTH, false}, {"text", 0, false}};
    bool json = run->options->format && strcmp(run->options->format, "jsonl") == 0;
    struct table t;
    if (!json)
        table_begin(&t, o, columns, 4, true);
    while (run_next(run)) {
        for (size_t i = 0; i < run->lines.n; i++) {
            if (run->lines.refused[i])
                continue;
            if (json)
                write_json(o, run, i);
            else
                write_row(&t, run, i);
        }
        run->status = output_flush(o);
    }
}

static void classify_lines(struct run *run)
{
    static struct output o;
    run->status = output_open(&o, NULL, false);
    if (run->status != HONE_OK)
        return;
    write_rows(run, &o);
    enum hone_status closed = output_close(&o, true);
    if (run->status == HONE_OK)
        run->status = closed;
}

enum hone_status classify_run(const struct options *options)
{
    struct run run;
    if (run_open(&run, options, false) != HONE_OK)
        return run.status;
    if (run.info->task != HONE_TASK_CLASSIFY)
        run.status =
            report_error(HONE_USAGE, "%s gives vectors, not labels: use 'hone embed'", options->model);
    else if (run_start(&run, run.info->n_labels, compute) == HONE_OK)
        classify_lines(&run);
    return run_close(&run);
}
