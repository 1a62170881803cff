#include "cli/commands.h"
#include "cli/io/report.h"
#include "cli/io/table.h"
#include "cli/io/text.h"
#include "cli/run.h"

#include <string.h>

/* The window's answers, and what was asked. */
static struct {
    struct hone_text questions[LINES_MAX_TEXTS];
    struct hone_answer *answers;
    size_t *starts;
} found;

static void forget(void)
{
    hone_free(found.answers);
    hone_free(found.starts);
    found.answers = NULL;
    found.starts = NULL;
}

static const struct hone_text *contexts_of(const struct run *run)
{
    return run->options->pair ? run->lines.pairs : run->lines.texts;
}

static enum hone_status compute(struct run *run, struct hone_error *err)
{
    struct hone_answer_options how = HONE_ANSWER_DEFAULTS;
    how.n_best = run->options->top_n ? run->options->top_n : how.n_best;
    how.may_lack = run->options->none;
    for (size_t i = 0; i < run->lines.n; i++)
        found.questions[i] = run->options->pair ? run->lines.texts[i] : text_from(run->options->query);
    forget();
    return hone_answer(run->model, found.questions, contexts_of(run), run->lines.n, &how, &run->how,
                       &found.answers, &found.starts, &run->stats, err);
}

static struct hone_text part_of(const struct run *run, size_t i, const struct hone_answer *a)
{
    return (struct hone_text){contexts_of(run)[i].data + a->start, a->end - a->start};
}

static void write_json(struct output *o, const struct run *run, size_t i)
{
    records_write_begin(&run->records, o, &run->lines, i);
    output_text(o, ", \"answers\": [");
    for (size_t k = found.starts[i]; k < found.starts[i + 1]; k++) {
        const struct hone_answer *a = &found.answers[k];
        output_text(o, k > found.starts[i] ? ", {\"score\": " : "{\"score\": ");
        text_write_json_float(o, a->score);
        output_format(o, ", \"start\": %zu, \"end\": %zu, \"text\": ", a->start, a->end);
        text_write_json(o, part_of(run, i, a));
        output_text(o, "}");
    }
    output_text(o, "]}\n");
}

static void write_rows(struct table *t, const struct run *run, size_t i)
{
    for (size_t k = found.starts[i]; k < found.starts[i + 1]; k++) {
        const struct hone_answer *a = &found.answers[k];
        table_format(t, "%zu", run->lines.numbers[i]);
        table_format(t, "%.4f", (double)a->score);
        table_cell(t, part_of(run, i, a));
    }
}

enum hone_status answer_run(const struct options *options)
{
    static const struct table_column columns[] = {
        {"line", 8, true}, {"score", 9, true}, {"answer", 0, false}};
    static const struct run_form form = {columns, 3, write_rows, write_json};
    static struct run run;
    if (!options->pair == !options->query)
        return report_error(HONE_USAGE, "a question is needed: --query QUESTION, or --pair");
    if (run_open(&run, options, RUN_TEXTS, false) != HONE_OK)
        return run.status;
    if (run.info->task != HONE_TASK_ANSWER)
        run.status = report_error(HONE_USAGE, "%s finds no answers: it has no head for them", options->model);
    if (run.status == HONE_OK && run_start(&run, 1, compute) == HONE_OK)
        run_write(&run, &form);
    forget();
    return run_close(&run);
}
