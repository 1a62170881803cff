#include "cli/commands.h"
#include "cli/commands/classify_tokens.h"
#include "cli/io/report.h"
#include "cli/io/table.h"
#include "cli/io/text.h"
#include "cli/run.h"

#include <string.h>

#define LABEL_WIDTH 20 /* columns */

#define MAX_LABELS 1024 /* of --labels: each is a pass of the model over each text */

/* With labels of the user's own. */
struct classify {
    struct run run; /* first: it is what functions that are called back get */
    struct hone_text labels[MAX_LABELS];
    size_t n_labels; /* 0: the model's */
    struct hone_zero_shot_options how;
};

static enum hone_status compute(struct run *run, struct hone_error *err)
{
    const struct classify *c = (const struct classify *)run;
    const struct lines *l = &run->lines;
    if (c->n_labels > 0)
        return hone_zero_shot(run->model, l->texts, l->n, c->labels, c->n_labels, &c->how, &run->how,
                              run->values, &run->stats, err);
    return hone_classify(run->model, l->texts, run->options->pair ? l->pairs : NULL, l->n, &run->how,
                         run->values, &run->stats, err);
}

static struct hone_text label_of(const struct run *run, size_t k)
{
    const struct classify *c = (const struct classify *)run;
    return c->n_labels > 0 ? c->labels[k] : text_from(hone_model_label(run->model, k));
}

static void write_json(struct output *o, const struct run *run, size_t i)
{
    const float *scores = run->values + i * run->width;
    records_write_begin(&run->records, o, &run->lines, i);
    output_text(o, ", \"labels\": {");
    for (size_t k = 0; k < run->width; k++) {
        output_text(o, k ? ", " : "");
        text_write_json(o, label_of(run, k));
        output_text(o, ": ");
        text_write_json_float(o, scores[k]);
    }
    output_text(o, "}}\n");
}

/* As it was read: of a line, a pair's second text lies behind the tab after the first. */
static struct hone_text whole_line(const struct run *run, size_t i)
{
    struct hone_text text = run->lines.texts[i], pair = run->lines.pairs[i];
    if (run->options->pair && !run->lines.rows[i])
        text.size = (size_t)(pair.data + pair.size - text.data);
    return text;
}

static void write_rows(struct table *t, const struct run *run, size_t i)
{
    const float *scores = run->values + i * run->width;
    size_t best = 0;
    for (size_t k = 1; k < run->width; k++)
        if (scores[k] > scores[best])
            best = k;
    table_format(t, "%zu", run->lines.numbers[i]);
    table_format(t, "%.4f", (double)scores[best]);
    table_cell(t, label_of(run, best));
    table_cell(t, whole_line(run, i));
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Names with commas between them. */
static enum hone_status read_labels(struct classify *c, const char *list)
{
    for (size_t n; list && *list; list += n + (list[n] == ',')) {
        struct hone_text label = {list, n = strcspn(list, ",")};
        for (; label.size && is_blank(label.data[0]); label.size--)
            label.data++;
        while (label.size && is_blank(label.data[label.size - 1]))
            label.size--;
        if (c->n_labels == MAX_LABELS)
            return report_error(HONE_USAGE, "--labels has more than %d labels", MAX_LABELS);
        if (label.size)
            c->labels[c->n_labels++] = label;
    }
    return list && c->n_labels == 0 ? report_error(HONE_USAGE, "--labels names none") : HONE_OK;
}

/* Of a model that finds labels in texts, and of the options that are for none but such. */
static enum hone_status check_spans(const struct options *o, const struct hone_model_info *info)
{
    const double x = o->threshold.given ? o->threshold.value : 0.5;
    if (info->task != HONE_TASK_FIND_SPANS)
        return o->threshold.given || o->nested
                   ? report_error(HONE_USAGE,
                                  "%s does not find labels in texts: it takes neither --threshold nor "
                                  "--nested",
                                  o->model)
                   : HONE_OK;
    if (!o->labels)
        return report_error(HONE_USAGE, "%s finds what labels of your own name: it needs --labels", o->model);
    if (o->pair || o->raw || o->hypothesis || o->aggregate)
        return report_error(
            HONE_USAGE,
            "%s finds labels in texts: it takes none of --pair, --raw, --hypothesis and --aggregate",
            o->model);
    if (!(x >= 0 && x <= 1))
        return report_error(HONE_USAGE, "--threshold should be 0 to 1");
    return HONE_OK;
}

static enum hone_status check_options(const struct options *o, const struct hone_model_info *info)
{
    enum hone_status status = check_spans(o, info);
    if (status != HONE_OK || info->task == HONE_TASK_FIND_SPANS)
        return status;
    if (!o->labels && (o->hypothesis || o->multi_label))
        return report_error(HONE_USAGE, "--hypothesis and --multi-label need --labels");
    if (o->hypothesis && !strstr(o->hypothesis, "{}"))
        return report_error(HONE_USAGE, "--hypothesis '%s' has no {} for a label", o->hypothesis);
    if (o->labels && (o->pair || o->raw))
        return report_error(HONE_USAGE, "--labels goes with neither --pair nor --raw");
    if (info->task == HONE_TASK_CLASSIFY_TOKENS && (o->labels || o->pair))
        return report_error(HONE_USAGE, "%s labels tokens: it takes neither --labels nor --pair", o->model);
    if (o->aggregate && info->task != HONE_TASK_CLASSIFY_TOKENS)
        return report_error(HONE_USAGE, "%s does not label tokens: there is nothing to --aggregate",
                            o->model);
    if (info->task == HONE_TASK_ANSWER)
        return report_error(HONE_USAGE, "%s finds answers, not labels: use 'hone answer'", o->model);
    if (info->task != HONE_TASK_CLASSIFY && info->task != HONE_TASK_CLASSIFY_TOKENS)
        return report_error(HONE_USAGE, "%s gives vectors, not labels: use 'hone embed'", o->model);
    return HONE_OK;
}

enum hone_status classify_run(const struct options *options)
{
    static const struct table_column columns[] = {
        {"line", 8, true}, {"score", 9, true}, {"label", LABEL_WIDTH, false}, {"text", 0, false}};
    static const struct run_form form = {columns, 4, write_rows, write_json};
    static struct classify c;
    struct run *run = &c.run;
    c = (struct classify){.how = HONE_ZERO_SHOT_DEFAULTS};
    enum hone_status status = read_labels(&c, options->labels);
    if (status != HONE_OK || run_open(run, options, RUN_TEXTS, false) != HONE_OK)
        return status != HONE_OK ? status : run->status;
    c.how.hypothesis = options->hypothesis ? text_from(options->hypothesis) : c.how.hypothesis;
    c.how.multi_label = options->multi_label;
    run->status = check_options(options, run->info);
    if (run->status == HONE_OK && run->info->task == HONE_TASK_CLASSIFY_TOKENS)
        classify_tokens_lines(run);
    else if (run->status == HONE_OK && run->info->task == HONE_TASK_FIND_SPANS)
        classify_spans_lines(run, c.labels, c.n_labels);
    else if (run->status == HONE_OK &&
             run_start(run, c.n_labels ? c.n_labels : run->info->n_labels, compute) == HONE_OK)
        run_write(run, &form);
    return run_close(run);
}
